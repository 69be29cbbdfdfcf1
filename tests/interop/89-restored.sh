#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: parts of a service's disk come back as they were some days
# ago: log and store, the signer's journal, the policy, all of it.  The service does
# not start, or says what it lacks, and names what mends it; writ-ca rebuild does,
# and nothing that a copy has is lost.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
S_PORT=23400
# shellcheck source=tests/interop/running.sh
. "$(dirname "$0")/running.sh"

cd "$T" || exit 1
ca_people
mkdir copy
if ! ca_make d --copy "dir:$T/copy"; then
	t_fail 'a deployment is made' "$(cat "$ca_log")"
	t_done
fi
cp -a d client
s_config d
run() { timeout 60 "$O/writ-ca" run -C d; }
rebuild() { "$O/writ-ca" rebuild -C d --from "dir:$T/copy"; }

# starts NAME: the service does, and what it issued is there.
starts() {
	if ! s_start d; then
		t_fail "$1" "$(tail -n 5 d.log)"
		return
	fi
	t_ok "$1"
	t 'a certificate of before is there' s_fetch alice new
	t 'and it issues' s_issued client alice viewer "k$RANDOM"
	t 'the copy follows' s_until 10 cmp copy/checkpoint d/log/checkpoint
	s_stop
}
# stays NAME PART: it does not start, with that sentence.
stays() {
	local out status

	out=$(run 2>&1 </dev/null)
	status=$?
	case $status in
	0 | 124) t_fail "$1: it does not start" "status $status: $out" ;;
	*) t_has "$1: it does not start" "$out" "$2" ;;
	esac
	t_has 'and names what mends it' "$out" 'writ-ca rebuild'
}

# The old disk, and what came after.
if ! s_start d; then
	t_fail 'the service starts' "$(tail -n 20 d.log)"
	t_done
fi
t 'it issues' s_issued client alice viewer old
s_stop
cp -a d was
s_start d
t 'and once more' s_issued client alice viewer new
t 'the copy has it' s_until 10 cmp copy/checkpoint d/log/checkpoint
s_stop
cp -a d now
cp -a copy copy.now
back() { rm -rf d copy && cp -a now d && cp -a copy.now copy; }
# alone: nobody knows better but the signer.
alone() { sed -i '/^copies:/,/^ /d' d/writ.yaml; }
# old PART...: these are as they were.
old() {
	local part

	back
	for part; do
		rm -rf "d/$part"
		cp -a "was/$part" "d/$part"
	done
}

old log store
stays 'log and store of an older disk' \
	"dir:$T/copy has a checkpoint of"
t 'nothing was done by it' cmp was/log/journal d/log/journal
t 'writ-ca rebuild --from the copy' rebuild
starts 'then it starts'

old log store
alone
stays 'the same without a copy' 'the signer has signed for'
t 'writ-ca rebuild --from what somebody has' rebuild
cp now/writ.yaml d/writ.yaml
starts 'and it starts'

old log
alone
stays 'the log alone' 'the signer has signed for'
t 'the log comes back' rebuild
cp now/writ.yaml d/writ.yaml
starts 'with the store of before'

old store
starts 'an older store catches up'

old log store signer
stays 'a whole disk: the copy is ahead' "dir:$T/copy"
t 'all of it comes back' rebuild
starts 'and it starts'

# The journal of the signer is behind the log: it learns what it lacks, and signs
# nothing twice.
old signer
starts 'an older journal of the signer is told what it lacks'

back
rm -rf d/log d/store
stays 'no log at all' 'ends at 0'
t 'it comes back' rebuild
starts 'whole'

back
head -c 200 now/store/writ.db >d/store/writ.db
stays 'half a store' 'writ.db'
t 'is taken away' "$O/writ-ca" rebuild -C d
starts 'and made again'

back
rm -rf copy && mkdir copy
s_start d
t_eq 'a copy that is empty stops nothing' 0 $?
t 'and is filled' s_until 20 cmp copy/checkpoint d/log/checkpoint
s_stop
t_not 'a rebuild that would lose leaves' "$O/writ-ca" rebuild -C d \
	--from "dir:$T/was/log"
t 'the auditor has no finding' "$writ" audit verify -C d
t 'nor in the copy' "$writ" audit verify -C d --log "dir:$T/copy"
t_done
