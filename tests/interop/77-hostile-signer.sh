#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: whoever has taken over the signer, and so has the CA's keys,
# gets nothing into the log or to a person through the keeper but what the keeper
# asked for.  A real keeper, and a signer whose answers are changed on the way:
# each is cut off, that is an error in the log, nobody else waits for it, and
# when the signer is an honest one again what was asked for is there.
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
mkdir -m 700 ca/run

proxy=
# mean ATTACK: the signer is that from now on.
mean() {
	[ -z "$proxy" ] || { kill "$proxy" && wait "$proxy" 2>/dev/null; }
	: >proxy.log
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 "$O/tools/hostilesigner" \
		ca/run/signer.sock ca/run/real.sock "$1" >proxy.log 2>&1 &
	proxy=$!
	t_stop_later "$proxy"
	until_ok says proxy.log ready
}
n=0
ask() { # a request of its own, brought in the background; its answer in out
	n=$((n + 1))
	rm -f work.req
	"$writ" request -C ca -m "reason $n" -i alice --key alice.pub \
		--grant work -o work.req deploy >>"$ca_log" 2>&1
	submit alice@example.com work.req >out 2>&1 &
	asking=$!
	t_stop_later "$asking"
}
cuts() { grep -c 'signer cut off' keeper.log; }
was_cut() { [ "$(cuts)" -gt "$before" ]; }
issued() { grep -ao '"type":"certificate"' ca/log/journal | wc -l; }
# attack NAME WORDS: as ATTACK in the middle of work; WORDS are in the error.
attack() {
	local before

	mean honest
	before=$(cuts)
	mean "$1"
	ask
	t "signer: $2" until_ok says proxy.log attack
	t "signer: $2: cut off" until_ok was_cut
	t_has "signer: $2: is an error that says so" \
		"$(grep 'signer cut off' keeper.log | tail -n 1)" "$3"
	t_eq "signer: $2: no certificate leaves" '' \
		"$(grep -o 'ssh-ed25519-cert' out)"
	t_has "signer: $2: nobody waits for that" \
		"$(call olga@example.com '{"call":"hello"}')" '0 {'
	mean honest
	wait "$asking"
	t_has "signer: $2: an honest one signs what was asked" \
		"$(cat out)" ssh-ed25519-cert-v01@openssh.com
}

here 'a signer is there' signer_starts ca
mv ca/run/signer.sock ca/run/real.sock
here 'and somebody before it' mean honest
here 'a keeper is there' keeper_starts
first=$keeper
ask
wait "$asking"
t_has 'alice gets a certificate' "$(cat out)" ssh-ed25519-cert-v01

attack wrong-signature 'a certificate with a wrong signature' 'does not verify'
attack other-certificate 'another certificate than was asked for' \
	'another certificate'
attack no-certificate 'a batch without its certificates' 'malformed'
attack huge-count 'more certificates than there are bytes' 'malformed'
attack forged-note 'a checkpoint of another root' 'checkpoint'
attack resized-note 'a checkpoint of another size' 'checkpoint'
attack longer 'an answer with something behind it' 'malformed'
attack shorter 'an answer without its end' 'malformed'
attack forbidden 'a frame that is for somebody else' 'what was not asked'
attack unlisted 'a frame of no name' 'frame 99'
attack unasked 'an answer to another question' 'what was not asked'
attack giant 'a frame above any length' 'frame'
attack long-seen 'a frame above its length' 'frame 16 of 9000 bytes'

# --- a checkpoint of before, signed as it was
here 'a signer that repeats itself' mean stale-note
before=$(cuts)
ask
wait "$asking"
ask
t 'signer: an old checkpoint' until_ok says proxy.log attack
t 'signer: an old checkpoint: cut off' until_ok was_cut
mean honest
wait "$asking"
t_has 'signer: an old checkpoint: an honest one signs what was asked' \
	"$(cat out)" ssh-ed25519-cert-v01@openssh.com

# --- silence, before and after it is asked to sign
for kind in silent mute; do
	mean "$kind"
	ask
	t "signer: $kind" until_ok says proxy.log attack
	t_has "signer: $kind: nobody else waits for it" \
		"$(call olga@example.com '{"call":"hello"}')" '0 {'
	t_has "signer: $kind: what waits can be seen" \
		"$(call alice@example.com '{"call":"status"}')" '0 {'
	t_eq "signer: $kind: no certificate leaves" '' \
		"$(grep -o 'ssh-ed25519-cert' out)"
	mean honest
	wait "$asking"
	t_has "signer: $kind: an honest one signs what was asked" \
		"$(cat out)" ssh-ed25519-cert-v01@openssh.com
done

# --- what it says that it has seen
lists() { grep -ao '"type":"krl"' ca/log/journal | wc -l; }
listed() { [ "$(lists)" -gt "$had" ]; }
had=$(lists)
mean seen-krl
before=$(cuts)
revocation olga@example.com '"serials":["4711"]' >revoke.st
t_has 'signer: numbers of lists used up: it is revoked all the same' \
	"$(submit olga@example.com revoke.st)" '"status":0'
t 'signer: numbers of lists used up: is an error that says so' \
	until_ok says keeper.log 'signed revocation list 18446744073709551615'
mean krl-signature
t 'signer: a list with a wrong signature' until_ok says proxy.log attack
t 'signer: a list with a wrong signature: cut off' until_ok was_cut
t_eq 'signer: neither list is in the log' "$had" "$(lists)"
mean honest
t 'signer: an honest one signs the list' until_ok listed
t 'it was one keeper all the time' kill -0 "$keeper"
t_eq 'and the first' "$first" "$keeper"
ends "$keeper"

refuses_to_start() { # ATTACK NAME WORDS
	mean "$1"
	timeout 30 "$O/writ-ca-keeper" -C ca >start.log 2>&1
	t_not "signer: $2: the keeper does not start" [ $? -eq 0 ]
	t_has "signer: $2: and says why" "$(cat start.log)" "$3"
}
refuses_to_start seen-fork 'a log with another past' '(a fork)'
refuses_to_start seen-ahead 'a log that lost its end' 'the signer has signed for'
refuses_to_start seen-policy 'a policy of the future' 'which the signer has used'

# Less than it has seen: whoever asks it shows it more than it needs.
here 'signer: one that says it has forgotten all' mean seen-behind
here 'signer: one that says it has forgotten all: the keeper starts' \
	keeper_starts
ask
wait "$asking"
t 'signer: one that says it has forgotten all: was asked' says proxy.log attack
t_has 'and alice gets a certificate' "$(cat out)" ssh-ed25519-cert-v01
ends "$keeper"
t_eq 'it stops when told' 0 $?

t_has 'the log is whole' "$("$writ" audit verify -C ca)" " $n certificates,"
t 'the audit has no findings' "$writ" audit verify -C ca
t_done
