#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a revocation list is cut short under a running service: the
# signer dies before it signs it, or between the list and the head of the log; the
# disk takes the list's leaf and not its file; the keeper dies on top.  Every
# revocation that was acknowledged is in the next list, no list is published
# without its leaf or its file, and the service starts and goes on by itself.
#
# Needs locked memory.

if [ "$(id -u)" = 0 ] && [ "${1:-}" != in ] && unshare -m true 2>/dev/null; then
	exec unshare -m --propagation private bash "$0" in
fi
# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$TOP/tests/interop/ca.sh"
S_PORT=18600
# shellcheck source=tests/interop/running.sh
. "$TOP/tests/interop/running.sh"

cd "$T" || exit 1
t_need ssh pgrep jq
trap 'umount d/log/krl 2>/dev/null; t_cleanup' EXIT
ca_people
if ! ca_make d; then
	t_fail 'a deployment is made' "$(cat "$ca_log")"
	t_done
fi
cp -a d client
s_config d
if ! s_start d; then
	t_fail 'the service starts' "$(tail -n 20 d.log)"
	t_done
fi

for i in 1 2 3 4 5 6; do
	s_issued client alice viewer "k$i" >>"$ca_log" 2>&1 ||
		t_fail "certificate $i is issued"
	"$writ" revoke -C client -i olga -y --reason lost \
		"$(ca_serial "k$i-cert.pub")" -o "k$i.rev" >>"$ca_log" 2>&1
done
acked=()
# revoked I: acknowledged; what it says is in rev.out.
revoked() {
	s_send olga "k$1.rev" >rev.out || return
	acked+=("k$1")
}
# listed: all that were acknowledged are in the newest list.
listed() {
	local k

	"$O/tools/calltool" d/run/keeper.sock olga@example.com '{"call":"krl"}' \
		>krl.json 2>/dev/null || return
	jq -r .krl krl.json | base64 -d >krl || return
	for k in "${acked[@]}"; do
		[[ $(ssh-keygen -Q -f krl "$k-cert.pub") == *REVOKED* ]] ||
			return
	done
}
# dies_at N: the signer, before it writes to its journal for the Nth time; and
# nobody starts it again before wakes.
dies_at() {
	local signer

	signer=$(s_pid signer)
	kill -STOP "$service"
	strace -f -p "$signer" -o /dev/null -e trace=pwrite64 \
		-e "inject=pwrite64:signal=KILL:when=$1" 2>strace.err &
	t_stop_later $!
	s_until 10 grep -q attached strace.err
}
wakes() { kill -CONT "$service"; }
dead() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status"; }

t 'undisturbed' revoked 1
t 'it is in the list' listed

signer=$(s_pid signer)
dies_at 1
t 'the signer dies before it signs a list: it is revoked' revoked 2
t_has 'and it is said what lacks' "$(cat rev.out)" 'the list follows'
t 'it has died' dead "$signer"
wakes
t 'the list follows by itself' s_until 20 listed

signer=$(s_pid signer)
dies_at 2
t 'the signer dies after a list, before the head: it is revoked' revoked 3
t 'it has died' dead "$signer"
t 'another revocation, with nobody to sign' revoked 4
kill -9 "$(s_pid keeper)"
wakes
t 'the keeper dies too: the service is back' s_until 20 s_answers
t 'both are in the list' s_until 20 listed

if [ "${1:-}" = in ]; then
	mv d/log/krl krl.was
	mkdir d/log/krl
	mount -t tmpfs -o size=256k,mode=755 none d/log/krl
	cp -a krl.was/. d/log/krl/
	dd if=/dev/zero of=d/log/krl/.fill bs=4k 2>/dev/null
	t 'the disk takes no file of a list: it is revoked' revoked 5
	t_has 'and it is said what lacks' "$(cat rev.out)" 'No space left'
	t 'and so is another' revoked 6
	rm d/log/krl/.fill
	t 'with room all are in the list' s_until 20 listed
fi

s_stop
t_eq 'it stops in order' 0 $?
if [ "${1:-}" = in ]; then
	rm -rf krl.was
	cp -a d/log/krl krl.was
	umount d/log/krl
	rm -rf d/log/krl
	mv krl.was d/log/krl
fi
t 'the auditor finds each list, its leaf and its file' "$writ" audit verify -C d
t_done
