#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a disk is full under a running service, that of the log, of
# the store, of the signer, each in turn.  It is said in one sentence, nothing is
# issued that is not recorded, nothing acknowledged is lost, and the service goes
# on by itself once there is room.

if [ "$(id -u)" = 0 ] && [ "${1:-}" != in ] && unshare -m true 2>/dev/null; then
	exec unshare -m --propagation private bash "$0" in
fi
# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$TOP/tests/interop/ca.sh"
S_PORT=18200
# shellcheck source=tests/interop/running.sh
. "$TOP/tests/interop/running.sh"

cd "$T" || exit 1
if [ "${1:-}" != in ]; then
	t_skip 'full disks' 'only root can mount one'
	t_ok 'nothing else to try'
	t_done
fi
t_need ssh pgrep jq
trap 'umount d/log d/store d/signer 2>/dev/null; t_cleanup' EXIT

ca_people
eval "$(declare -f ca_policy | sed '1s/ca_policy/plain_policy/')"
ca_policy() {
	plain_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  careful:
	    to: [engineers]
	    principals: [admin]
	    max: 8h
	    approve: [{approvers: 1}]
	END
	sed -i 's/^grants:/quota: 100000\n\n&/' "$1/ca.yaml"
}
if ! ca_make d; then
	t_fail 'a deployment is made' "$(cat "$ca_log")"
	t_done
fi
cp -a d client # what people need: they read no log

# on_tmpfs DIR KIB: a file system of its own, with what was there.
on_tmpfs() {
	mkdir -p "$1" && mv "$1" "$1.was" && mkdir "$1" &&
		mount -t tmpfs -o "size=${2}k,mode=755" none "$1" &&
		cp -a "$1.was/." "$1/" && rm -rf "$1.was"
}
fill() { dd if=/dev/zero of="$1/.fill" bs=4k 2>/dev/null; }
room() { rm -f "$1/.fill"; }

t 'disks of their own' on_tmpfs d/log 131072
on_tmpfs d/store 65536
on_tmpfs d/signer 32768
chmod 700 d/store d/signer
s_config d
if ! s_start d; then
	t_fail 'the service starts' "$(tail -n 20 d.log)"
	t_done
fi
t 'it issues' s_issued client alice viewer k0

# --- what they do ------------------------------------------------------------------

mkdir q
"$O/tools/mkrequests" -C client -o q -n 9000 -k 1 -g work -p viewer \
	-i alice@example.com=alice >>"$ca_log" 2>&1
next=0
# many: a hundred requests nobody has sent yet, in one file.
many() {
	local i file

	: >many
	for ((i = 0; i < 100; i++)); do
		printf -v file 'q/r%05d.req' $((next + i))
		cat "$file" >>many
	done
	next=$((next + 100))
}
# Until it is refused: what is preallocated has room for some, and the keeper itself
# for some thousand rows that the store does not take.  Its status.
until_refused() {
	local i status=0

	for ((i = 0; i < 40; i++)); do
		many
		s_send alice many >many.out
		status=$?
		[ $status -eq 0 ] || break
		sed -n 's/^\([0-9a-f]\{64\}\)  issued: .*/\1/p' many.out >>acked
	done
	echo $status
}
# Where a batch found no room a shorter one may, and then all seems well: what was
# refused is sent again until there is room for none of it.
says_failing() {
	local i

	for ((i = 0; i < 20; i++)); do
		"$O/writ-ca" status -C d >failing.out
		! grep -q FAILING failing.out || return 0
		s_send alice many >many.out
	done
	cat failing.out
	return 1
}
: >acked

# full NAME DIR PART: a full disk in DIR, its sentence, and room again.
full() {
	local name="a full disk of the $1" dir=d/$2 part=$3

	waiting "$2"
	fill "$dir"
	t_eq "$name: issuing fails in the end" 5 "$(until_refused)"
	t_has "$name: with one sentence" "$(cat many.out)" "$part"
	t 'people can look meanwhile' s_call alice status </dev/null
	t_has 'and fetch what they have' "$(s_call alice fetch "$(
		s_id k0.req)" </dev/null)" ssh-ed25519-cert-v01@openssh.com
	t 'the service has said it' s_says d "$part"
	# A signer's journal may have room for a head, and then all seems well.
	[ "$2" = signer ] || t 'writ-ca status says so' says_failing
	cp many "refused.$2"
	[ -z "${4:-}" ] || "$4" "$name"
	room "$dir"
	t "$name: with room it goes on by itself" s_until 20 \
		s_issued client alice viewer "after-$2"
	t 'the same requests are issued' s_until 20 s_send alice "refused.$2"
	t 'what was waiting can be approved' s_decide olga \
		"$(s_id "wait-$2.req")" approve
	t 'and has its certificate' s_until 10 s_fetch alice "wait-$2"
	t_eq 'the service says that all is well' 0 "$(
		"$O/writ-ca" status -C d >/dev/null; echo $?)"
}
waiting() {
	s_ask client alice admin "wait-$1"
	t 'a request that waits is taken' s_send alice "wait-$1.req"
}
# A keeper that starts on a full disk.
killed() {
	kill -9 "$(s_pid keeper)"
	t "$1: a keeper that is killed comes again, or waits for room" \
		s_until 10 kill -0 "$service"
}

full log log 'No space left on device'
full store store 'the disk is full' killed
full "signer's journal" signer 'No space left on device' killed

# Nothing of what was acknowledged is lost.
lost=0
for id in $(shuf -n 12 --random-source=<(yes) acked); do
	s_call alice fetch "$id" </dev/null 2>&1 | grep -q -- '-cert-v01@' ||
		lost=$((lost + 1))
done
t_eq "certificates of $(wc -l <acked) acknowledged requests, twelve tried" 0 \
	"$lost"
s_stop
t_eq 'it stops in order' 0 $?
whole 'in the end' d d/log ./*-cert.pub
t_done
