#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: make install puts everything where it belongs, systemd
# reads the units as we mean them, and says how little each process may do.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$TOP" || exit 1
t 'make install' env -u MAKEFLAGS make O="$O" PREFIX="$T/usr" install
cd "$T" || exit 1
for file in bin/writ bin/writ-ca bin/writ-master libexec/writ/writ-ca-front \
	libexec/writ/writ-ca-keeper libexec/writ/writ-ca-signer \
	libexec/writ/writ-ca-notify share/man/man1/writ.1 \
	share/man/man5/writ-policy.5 share/man/man5/writ.yaml.5 \
	share/man/man5/notify.yaml.5 share/man/man8/writ-ca.8 \
	share/man/man8/writ-ca-signer.8 lib/sysusers.d/writ-ca.conf \
	share/man/man8/writ-master.8 share/man/man8/writ-master-courier.8 \
	lib/sysusers.d/writ-master.conf lib/sysusers.d/writ-audit.conf \
	lib/systemd/system/writ-audit.timer lib/tmpfiles.d/writ-master.conf \
	lib/tmpfiles.d/writ-ca.conf; do
	t "$file is installed" test -s "usr/$file"
done
t_eq 'nothing but what people type is in bin' 'writ writ-agent writ-ca writ-master' \
	"$(cd usr/bin && echo *)"
t 'what was installed runs' usr/bin/writ-ca -h
mkdir ca
t_not 'and finds the four' grep -q 'are neither in' \
	<(usr/bin/writ-ca -C ca run 2>&1)

# --- who cannot start is not started again at once
# As systemd starts it: it has said why, and ends when it is told.
stands() {
	rm -f stands.log # what the one before said is not said by this one
	bash -c "SYSTEMD_EXEC_PID=\$\$ exec usr/libexec/writ/$1 -C none" \
		2>stands.log &
	until_ok grep -qs none stands.log && kill $! && wait $!
	[ $? -eq 143 ]
}
for name in ca-front ca-keeper ca-signer ca-notify master-front \
	master-keeper master-signer master-courier; do
	t "writ-$name stands where it cannot go on" stands "writ-$name"
	t_has 'and has said why' "$(cat stands.log)" 'none/'
done

# --- every key is in the manual
while read -r key; do
	t "writ-master(8) has $key" grep -qE "^\.(It )?Ic (.* , )?$key( |\$)" \
		usr/share/man/man8/writ-master.8
done < <(sed -n 's/^    \(PATH(\|USER(\|NUMBER(\|{"\)\([a-z0-9_]*\)["),].*/\2/p' \
	"$TOP/agent/master/config.c" "$TOP/lib/front/limits.c" | sort -u)
while read -r key; do
	t "writ.yaml(5) has $key" grep -qE "^\.(It )?Ic (.* , )?$key( |\$)" \
		usr/share/man/man5/writ.yaml.5
done < <(sed -n 's/^    {"\([a-z0-9_]*\)", .*/\1/p' \
	"$TOP"/ca/common/config*.c "$TOP/lib/notify/channels.c" | sort -u)

# --- units
cd usr/lib/systemd/system || exit 1
for unit in *.service; do
	t "$unit starts a program that is there" test -x \
		"$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")"
done
if ! command -v systemd-analyze >/dev/null; then
	t_skip 'units' 'no systemd-analyze'
	t_done
fi

# --- as systemd reads them
# A unit of this machine that is missing is none of ours.
said=$(systemd-analyze verify --recursive-errors=no --man=no ./* 2>&1 |
	grep -E 'writ-(ca|master|audit)')
t_eq 'systemd has nothing to say about them' '' "$said"

# exposure UNIT: ten times what systemd says, so that it is a whole number.
exposure() {
	systemd-analyze security --offline=true "./$1" 2>/dev/null |
		sed -n 's/^.*Overall exposure level for .*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p' |
		sed 's/^0*\(.\)/\1/'
}
for limit in ca-signer:5 ca-front:15 ca-keeper:15 ca-notify:15 \
	master-signer:5 master-front:15 master-keeper:15 master-courier:15 \
	audit:15; do
	name=${limit%:*}
	got=$(exposure "writ-$name.service")
	t "the $name is exposed $got of $limit tenths at most" \
		test "$got" -le "${limit#*:}"
done

# --- users and directories
mkdir -p "$T/root/etc" "$T/root/var/lib/writ/keys" "$T/root/var/lib/writ/log"
echo key >"$T/root/var/lib/writ/keys/user_ca"
echo text >"$T/root/var/lib/writ/notify.yaml"
if [ "$(id -u)" != 0 ]; then
	t_skip 'users and directories' 'not root'
	t_done
fi
t 'the users are made' systemd-sysusers --root="$T/root" \
	"$T/usr/lib/sysusers.d/writ-ca.conf"
t_eq 'one a process' 'writ-front writ-keeper writ-notify writ-signer' \
	"$(cut -d: -f1 "$T/root/etc/passwd" | grep ^writ- | sort | xargs)"
systemd-tmpfiles --root="$T/root" --create \
	"$T/usr/lib/tmpfiles.d/writ-ca.conf" >"$T/tmpfiles.out" 2>&1
owner() { # PATH: mode and owner, by the passwd that sysusers made
	local uid

	uid=$(stat -c %u "$T/root/var/lib/writ/$1")
	echo "$(stat -c %a "$T/root/var/lib/writ/$1")" \
		"$(awk -F: -v u="$uid" '$3 == u {print $1}' "$T/root/etc/passwd")"
}
mkdir -p "$T/root/var/lib/writ-master/keys"
echo key >"$T/root/var/lib/writ-master/keys/m1"
t 'the users of a master too' systemd-sysusers --root="$T/root" \
	"$T/usr/lib/sysusers.d/writ-master.conf"
systemd-tmpfiles --root="$T/root" --create \
	"$T/usr/lib/tmpfiles.d/writ-master.conf" >>"$T/tmpfiles.out" 2>&1
t 'and that of an auditor' systemd-sysusers --root="$T/root" \
	"$T/usr/lib/sysusers.d/writ-audit.conf"
t_has 'who lives where it keeps what it knows' "$(<"$T/root/etc/passwd")" \
	':/var/lib/writ-audit:'
# The words that it starts are ones that writ takes: it gets as far as the
# deployment, which is not there.
words=$(sed -n 's/^ExecStart=//p' writ-audit.service)
t_has 'an auditor is asked as writ(1) has it' \
	"$(cd "$T" && ${words//\/var\/lib\/writ-audit/no} 2>&1)" 'no/'
t_eq 'keys are the signer'"'"'s' '700 writ-signer' "$(owner keys)"
t_eq 'each of them' '600 writ-signer' "$(owner keys/user_ca)"
t_eq 'so is its journal' '700 writ-signer' "$(owner signer)"
t_eq 'the log is the keeper'"'"'s' '755 writ-keeper' "$(owner log)"
t_eq 'and the store' '700 writ-keeper' "$(owner store)"
t_eq 'a master has its own' \
	'700 writ-master-signer 600 writ-master-signer 700 writ-master-keeper' \
	"$(for p in keys keys/m1 store; do owner "../writ-master/$p"; done | xargs)"
t_eq 'notify.yaml is notify'"'"'s' '600 writ-notify' "$(owner notify.yaml)"
t_done
