#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a backup has what cannot be made again and nothing else,
# tar(1) reads it, a CA comes back from it and a copy of its log, and no archive
# makes restore write where it should not.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
ca_people
mkdir copy
ca_make corp --copy "dir:$T/copy" || t_fail 'a CA is made' "$(cat "$ca_log")"
(umask 077 && echo 'channels: []' >corp/notify.yaml)
ca_cert corp alice deploy || t_fail 'it issues' "$(cat "$ca_log")"
backup() { "$O/writ-ca" backup -C "$@" 2>&1; }
restore() { "$O/writ-ca" restore "$@" 2>&1; }

# --- out
out=$(backup corp b.tar)
t_eq 'a backup is made' 0 $?
t_has 'which says what it lacks' "$out" 'Not in it: the log, the signer'
t_eq 'nobody else can read it' 600 "$(stat -c %a b.tar)"
t_not 'nothing is replaced' backup corp b.tar
t_eq 'tar reads it' 0 "$(tar tf b.tar >names 2>&1; echo $?)"
for name in writ.yaml notify.yaml keys/user_ca keys/ca_log policy/root.yaml \
	policy/authorities/user_ca.pub bundle/policy.1 bundle/root.1; do
	t "it has $name" grep -qx $name names
done
t_eq 'and no journal, log, store, lock' '' \
	"$(grep -E '^(log|signer|store|run|emergency)|lock|journal' names)"
t_eq 'of no owner' '0/0' "$(tar tvf b.tar | awk '{print $2}' | sort -u)"
ln -s /etc/passwd corp/policy/link
t_has 'a link among the files is named' "$(backup corp c.tar)" \
	'corp/policy/link is neither a file nor a directory'
t_not 'and no half of a backup is left' test -e c.tar
rm corp/policy/link
echo x >'corp/policy/a b'
out=$(backup corp c.tar)
t_eq 'a name that could not be restored is refused' 1 $?
t_has 'and said' "$out" "'corp/policy/a b' has a name that no backup can have"
t_not 'no archive is left that nobody could use' test -e c.tar
rm 'corp/policy/a b'
# What an editor leaves, and a unit of systemd.
cp corp/policy/ca.yaml corp/policy/ca.yaml~
echo '[Mount]' >'corp/fleet/srv-my\x2ddata.mount'
t 'others are taken' backup corp names.tar
t 'and restored' restore names.tar -C names.new
t 'as they were' diff -r -x lock corp/policy names.new/policy
t 'the fleet too' cmp 'corp/fleet/srv-my\x2ddata.mount' \
	'names.new/fleet/srv-my\x2ddata.mount'
rm corp/policy/ca.yaml~ 'corp/fleet/srv-my\x2ddata.mount'

# --- and back
out=$(restore b.tar -C new)
t_eq 'it is restored' 0 $?
t_has 'the next step is named' "$out" \
	"writ-ca rebuild -C new --from dir:$T/copy"
for name in writ.yaml notify.yaml keys policy/root.yaml policy/ca.yaml bundle; do
	t "$name is as it was" diff -r -x lock corp/$name new/$name
done
t_eq 'modes are as they should be' '700 600 600 644' \
	"$(stat -c %a new/keys new/keys/user_ca new/notify.yaml new/writ.yaml |
		xargs)"
t_has 'nothing is overwritten' "$(restore b.tar -C new)" \
	'writ.yaml is there already; nothing was changed'
mkdir -p some/keys
t_has 'not even in part' "$(restore b.tar -C some)" \
	'some/keys is there already; nothing was changed'
t_eq 'and nothing was written first' keys "$(ls some)"
t 'the log comes back from a copy' "$O/writ-ca" rebuild -C new \
	--from "dir:$T/copy"
t_eq 'all is well then' '' "$("$O/writ-ca" check -C new | grep ^fail)"
t 'it issues again' ca_cert new alice viewer
t 'what stock ssh-keygen reads' ssh-keygen -L -f alice-cert.pub

# --- archives of others
python3 - <<'END'
import io, tarfile
def make(name, *entries, form=tarfile.USTAR_FORMAT, mark=b"writ backup 1\n"):
    with tarfile.open(name, "w", format=form) as t:
        for path, kind, data in (("writ-backup", tarfile.REGTYPE, mark),) + entries:
            i = tarfile.TarInfo(path)
            i.type = kind
            if kind == tarfile.REGTYPE:
                i.size = len(data)
                t.addfile(i, io.BytesIO(data))
            else:
                i.linkname = data
                t.addfile(i)
R, L, H = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
good = ("writ.yaml", R, b"log: dir:log\nlog_name: x\n")
make("up.tar", good, ("../evil", R, b"x"))
make("deep.tar", good, ("keys/../../evil", R, b"x"))
make("root.tar", good, ("/tmp/evil", R, b"x"))
make("symlink.tar", good, ("keys", L, "/tmp"), ("keys/evil", R, b"x"))
make("hardlink.tar", good, ("keys/evil", H, "/etc/passwd"))
make("device.tar", good, ("keys/evil", tarfile.CHRTYPE, ""))
make("dir.tar", good, ("keys", tarfile.DIRTYPE, ""))
make("other.tar", good, ("signer/journal", R, b"x"))
make("top.tar", good, ("evil", R, b"x"))
make("twice.tar", good, good)
make("under.tar", good, ("policy/a", R, b"x"), ("policy/a/b", R, b"x"))
make("strange.tar", good, mark=b"something else\n")
make("pax.tar", good, ("keys/" + "x" * 200, R, b"x"), form=tarfile.PAX_FORMAT)
END
printf 'not an archive' >text.tar
head -c 3000 b.tar >cut.tar
{ cat b.tar && echo evil; } >tail.tar
for bad in up deep root symlink hardlink device dir other top strange pax \
	text cut tail; do
	t_not "$bad.tar is refused" restore $bad.tar -C bad
	t_eq 'with nothing written' '' "$(ls -A bad 2>/dev/null)"
done
# Those that can be seen to fail only while they are written.
for bad in twice under; do
	t_not "$bad.tar is refused" restore $bad.tar -C half
	t_not "and $bad.tar leaves nothing half done" test -e half
	mkdir -p had/log && echo mine >had/mine
	t_not "$bad.tar is refused beside other files" restore $bad.tar -C had
	t_eq "which $bad.tar leaves alone" 'log mine' "$(cd had && echo *)"
done
t 'what is right comes there then' restore b.tar -C had
t_eq 'beside what was there' \
	'bundle fleet keys log mine notify.yaml policy signer writ.yaml' \
	"$(cd had && echo *)"
t_eq 'with the modes of a deployment' '700 700 755' \
	"$(stat -c %a had/keys had/signer had/log | xargs)"
mkdir -p nolog && echo mine >nolog/log
t_has 'a log that is no directory is told before' \
	"$(restore b.tar -C nolog)" 'nolog/log is there and no directory'
t_eq 'and stays' log "$(ls -A nolog)"
mkdir -p left/restore.part
out=$(restore b.tar -C left)
t_has 'a restore that did not end is told' "$out" \
	'left/restore.part was left by a restore that did not end'
t_has 'with what to remove' "$out" 'rm -r left/restore.part'
t_not 'nothing came out anywhere' test -e evil -o -e /tmp/evil
t_done
