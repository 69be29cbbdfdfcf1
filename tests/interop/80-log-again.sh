#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the disk of the log is full for a moment while nobody asks for
# anything. The keeper opens its log again by itself: no request has to be refused
# first, and a revocation list that is due is made.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/service.sh
. "$(dirname "$0")/service.sh"

cd "$T" || exit 1
ca_people
t 'a deployment' ca_make ca
printf 'service:\n  tick: 1s\n' >>ca/writ.yaml
mkdir -m 700 ca/run
trap '' XFSZ # a file that is too long is an error, and no signal
here 'a signer is there' signer_starts ca
here 'a keeper is' keeper_starts

size() {
	"$O/tools/calltool" -c ca/run/control.sock '' '{"call":"status"}' |
		jq -r .log_size
}
ticks() { # since from was taken
	[ "$(size)" -gt "$from" ]
}
from=$(size)
here 'it ticks' until_ok ticks

# What a file may be long is as good as a disk without room. Nothing but ticks
# is tried meanwhile.
prlimit --pid "$keeper" --fsize=1024:
here 'the disk is full, which the keeper says' until_ok says keeper.log \
	'cannot issue or publish'
prlimit --pid "$keeper" --fsize=unlimited:
from=$(size)
here 'there is room: it ticks again' until_ok ticks
t_has 'and says so' "$(cat keeper.log)" 'log and signer are back'
ends "$keeper"
t_eq 'the keeper ends in order' 0 $?
t 'the auditor finds nothing' "$writ" audit verify -C ca
t_done
