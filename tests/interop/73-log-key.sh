#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a log goes on under another key.  The policy has the new one
# before it signs, the log keeps its name and its tree, both count for as long as
# the policy names both, and what the old one signs after that is found out.
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
for key in one two three four five six; do ca_key ed25519 $key; done

tells() { # STATUS PART COMMAND...
	local want=$1 part=$2 status got

	shift 2
	got=$("$@" 2>&1 </dev/null)
	status=$?
	[ "$status" -eq "$want" ] && [[ $got == *"$part"* ]] && return
	printf 'status %s, wanted %s and "%s":\n%s\n' "$status" "$want" \
		"$part" "$got"
	return 1
}
logged() { grep -qF -- "$2" "$1"; }
sign_policy() { "$writ" policy sign -C ca -i olga -y >>"$ca_log" 2>&1; }
state() { "$writ" ca list -C ca --csv | awk -F, -v n="$1" '$1 == n { print $4 }'; }
audited() { "$writ" audit verify -C ca; }

t 'the first key signs' ca_cert ca one deploy
t 'as the checkpoint says' ca_signed_by ca/log/checkpoint \
	ca/policy/authorities/ca_log.pub
origin=$(head -n 1 ca/log/checkpoint)

# --- trusted before it signs
t 'a further key is made' tells 0 'ca_log.2  SHA256:' \
	"$writ" ca new -C ca ca_log.2 --for log
t 'no policy has it: it may not sign' tells 1 'no authority of the signed policy' \
	"$writ" ca use -C ca --now ca_log.2
t 'the policy with it is signed' sign_policy
t 'nor before everybody had a day to learn of it' tells 1 'less than 1d ago' \
	"$writ" ca use -C ca ca_log.2
t 'the key of another log never signs this one' tells 1 \
	"is the key of log 'emergency_log'" \
	"$writ" ca use -C ca --now emergency_log
t_eq 'it is trusted' trusted "$(state ca_log.2)"
cp -a ca stolen

# --- it signs
t 'then it may' tells 0 'ca_log.2 signs' "$writ" ca use -C ca --now ca_log.2
t_has 'writ.yaml says so' "$(cat ca/writ.yaml)" 'log_key: ca_log.2'
t 'a certificate' ca_cert ca two deploy
t 'under a checkpoint of the new key' ca_signed_by ca/log/checkpoint \
	ca/policy/authorities/ca_log.2.pub
t_eq 'of the same log' "$origin" "$(head -n 1 ca/log/checkpoint)"
t_eq 'it is listed so' signs "$(state ca_log.2)"
t_eq 'and the old one is trusted' trusted "$(state ca_log)"
t 'the audit follows' audited
serial=$(ca_serial two-cert.pub)
t 'a revocation list is of the new key too' tells 0 '' "$writ" revoke -C ca -y \
	-i olga --reason out "$serial"
t 'and the audit follows' audited
t 'a proof is given' "$writ" audit prove -C ca -o proof "$(ca_serial one-cert.pub)"
t 'it goes back, as long as both are trusted' tells 0 'ca_log signs' \
	"$writ" ca use -C ca --now ca_log
t 'a certificate under the old key' ca_cert ca three deploy
t 'and forth' tells 0 'ca_log.2 signs' "$writ" ca use -C ca --now ca_log.2

# --- the service
mkdir -m 700 ca/run
here 'a signer with the new key' signer_starts ca
here 'a keeper beside it' keeper_starts
"$writ" request -C ca -m 'a reason' -i alice --key four.pub --grant work \
	-o four.req deploy >>"$ca_log" 2>&1
t_has 'a certificate of the service' "$(submit alice@example.com four.req)" \
	ssh-ed25519-cert-v01
t_has 'whose revocation list a client takes' \
	"$(call alice@example.com '{"call":"krl"}')" '"statement"'
# Signed by somebody who keeps the policy elsewhere, and brought here.
cp -r ca draft
rm draft/writ.yaml draft/policy/authorities/ca_log.2.pub
sed -i 's/log: \[ca_log.2, /log: [/' draft/policy/ca.yaml
"$writ" policy sign -C draft -i olga -y >>"$ca_log" 2>&1
cp -r ca/bundle kept
cp draft/bundle/* ca/bundle/
kill -HUP "$keeper"
here 'a policy that takes away the key that signs is refused' until_ok says \
	keeper.log "takes away log key 'ca_log.2', which signs here"
rm -r ca/bundle
mv kept ca/bundle
ca_key ed25519 seven
"$writ" request -C ca -m 'a reason' -i alice --key seven.pub --grant work \
	-o seven.req deploy >>"$ca_log" 2>&1
t_has 'and the old one is in force' "$(submit alice@example.com seven.req)" \
	ssh-ed25519-cert-v01
ends "$keeper"
t_eq 'the keeper ends when told' 0 $?
ends "$signer"
t 'its checkpoint is of the new key' ca_signed_by ca/log/checkpoint \
	ca/policy/authorities/ca_log.2.pub
sed -i 's/^log_key: .*/log_key: ca_log/' ca/writ.yaml
here 'a signer with the old key' signer_starts ca
sed -i 's/^log_key: .*/log_key: ca_log.2/' ca/writ.yaml
timeout 60 "$O/writ-ca-keeper" -C ca >keeper.log 2>&1
t_has 'and a keeper with the new one: another key' "$(cat keeper.log)" \
	'signs with another key than that of ca_log.2'
ends "$signer"

# --- the old key goes
sed -i 's/log: \[ca_log.2, ca_log, /log: [ca_log.2, /' ca/policy/ca.yaml
rm ca/policy/authorities/ca_log.pub
t 'the policy without the old key is signed' sign_policy
t 'a certificate' ca_cert ca five deploy
t_eq 'of the same log still' "$origin" "$(head -n 1 ca/log/checkpoint)"
t 'the audit follows' audited
sed -i 's/^log_key: .*/log_key: ca_log/' ca/writ.yaml
t_not 'the old one signs no more' ca_cert ca six deploy
t_not 'nor without being named' sed -n '/log_key/q1' ca/writ.yaml
sed -i 's/^log_key: .*/log_key: ca_log.2/' ca/writ.yaml
rm ca/log/index
mv ca/log/journal kept
t 'the journal is made anew from what is published' tells 0 '' \
	"$O/writ-ca" rebuild -C ca
t 'and goes on' ca_cert ca six deploy
t 'the audit follows it all' audited

# --- whoever has the old key
size=$(sed -n 2p ca/log/checkpoint)
export CA_SIGN=stolen
for i in $(seq 20); do
	ca_key ed25519 "s$i"
	ca_cert stolen "s$i" deploy
	[ "$(sed -n 2p stolen/log/checkpoint)" -le "$size" ] || break
done
unset CA_SIGN
forged=$(sed -n 2p stolen/log/checkpoint)
t 'a thief of the old key signs on' ca_signed_by stolen/log/checkpoint \
	stolen/policy/authorities/ca_log.pub
cp stolen/log/checkpoint "ca/log/checkpoints/$forged"
out=$(audited 2>&1)
t_eq 'the audit finds what he signed' 1 $?
t_has 'and says that the key counts no more' "$out" \
	"checkpoints/$forged: checkpoint: no signature by the key of"
rm "ca/log/checkpoints/$forged"
t 'without it all is well' audited
t_done
