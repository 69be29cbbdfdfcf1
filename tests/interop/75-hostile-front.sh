#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: whoever has taken over the front can delay and drop, and
# nothing else. A real keeper, and frames made by hand on its socket: forged and
# stolen statements are refused one by one, frames that no front sends end the
# connection, and the next front finds everything as it was.
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
ca_key ed25519 mallory
ca_policy_base=$(declare -f ca_policy)
eval "base_${ca_policy_base}"
ca_policy() {
	base_ca_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  prod:
	    to: [engineers, approvers]
	    principals: [root]
	    max: 1h
	    approve: [{approvers: 1}]
	END
}
t 'a deployment' ca_make ca
mkdir -m 700 ca/run

# front LINE...: as a front that connects, to its end; what came back.
front() { frames ca/run/keeper.sock "$@"; }

requests() { # how many the log has
	grep -ao '"type":"request"' ca/log/journal | wc -l
}

here 'a signer is there' signer_starts ca
here 'the keeper serves' keeper_starts
t_has 'it is sealed' "$(cat /proc/"$keeper"/status)" "Seccomp:	2"
t_has 'it tells a front whose keys may come in' "$(front 'recv bb')" 'KEYS 0 1'

# --- an honest front, to begin with
ask() { # FILE GRANT PRINCIPAL
	"$writ" request -C ca -m 'a reason to tell' -i alice --key alice.pub \
		--grant "$2" -o "$1" "$3" >>"$ca_log" 2>&1
}
ask prod.req prod root
t_has "alice's own request is taken" \
	"$(submit alice@example.com prod.req)" '"state":"waiting"'
id=$(submit alice@example.com prod.req | field results.0.id)
t_has 'the same bytes again are no second request' \
	"$(call alice@example.com '{"call":"status"}' | field requests |
		grep -o '"id"' | wc -l)" 1

# --- a forged request
ask work.req work deploy
sed '1s/a reason to tell/a reason to sell/' work.req >reworded.req
t_has 'front: a request reworded on the way is refused' \
	"$(submit alice@example.com reworded.req)" 'does not verify'
head -n 1 work.req >message
sign request@writ mallory message >mallory.req
t_has "front: a request in alice's name by a stranger's key is refused" \
	"$(submit alice@example.com mallory.req)" 'not signed by a key of alice'
head -n 1 work.req >unsigned.req
t_has 'front: a request that nobody signed is refused' \
	"$(submit alice@example.com unsigned.req)" 'not signed'
t_has 'front: a request brought in the name of another is refused' \
	"$(submit olga@example.com work.req)" 'came in with a key of olga'
t_has 'front: a request in the name of nobody known is refused' \
	"$(submit nobody@example.com work.req)" 'came in with a key of nobody'

# --- a forged approval
call olga@example.com "{\"call\":\"decision\",\"ids\":[\"$id\"],\"approve\":true}" |
	field message >decision
sign decision@writ mallory decision >mallory.dec
t_has "front: an approval in olga's name by a stranger's key is refused" \
	"$(submit olga@example.com mallory.dec)" 'not signed by a key of olga'
sign decision@writ alice decision >alice.dec
t_has "front: an approval in olga's name by the requester is refused" \
	"$(submit olga@example.com alice.dec)" 'not signed by a key of olga'
sed 's/olga@example.com/alice@example.com/' decision >own
sign decision@writ alice own >own.dec
t_has 'front: the requester does not approve himself' \
	"$(submit alice@example.com own.dec)" 'is your own'
sign request@writ olga decision >space.dec
t_has 'front: a signature made for something else is no approval' \
	"$(submit olga@example.com space.dec)" 'is for the namespace'
sign decision@writ olga decision >olga.dec
sed '1s/"nonce":"0/"nonce":"1/;t;1s/"nonce":"./"nonce":"0/' olga.dec >torn.dec
t_has 'front: an approval changed on the way is refused' \
	"$(submit olga@example.com torn.dec)" 'does not verify'
t_has 'front: an approval brought in the name of another is refused' \
	"$(submit alice@example.com olga.dec)" 'came in with a key of alice'
revocation alice@example.com '"person":"olga@example.com"' >revoke.st
t_has 'front: a revocation by who may not revoke is refused' \
	"$(submit alice@example.com revoke.st)" 'may revoke what is his own'
t_has 'front: after all that the request still waits' \
	"$(call alice@example.com "{\"call\":\"fetch\",\"id\":\"$id\"}")" '3 {'
t_eq 'front: and the log has what is genuine alone' 1 "$(requests)"

# --- frames that no front sends
cut_off() { # NAME FRAMES...: nothing but the end comes back, and it is an error
	local name=$1 before after

	shift
	before=$(grep -c 'cut off' keeper.log)
	t_has "front: $name ends the connection" \
		"$(front "$@" closed | tail -n 1)" closed
	after=$(grep -c 'cut off' keeper.log)
	t "front: $name is an error in the log" [ "$after" -gt "$before" ]
}
for type in KEYS RESULT EVENT GAUGES SEEN POLICY ACT SIGN SIGN_KRL SIGNED OK \
	REFUSED NOTICE TOLD STATUS STATUS_IS 0 99 65535; do
	cut_off "frame $type" "send $type 1 s:x"
done
cut_off 'a call above its length' 'send CALL 1 S:1049600'
cut_off 'a frame above any length' 'raw x:01000007000100000001'
cut_off 'a frame below any length' 'raw x:00000005000100000001'
cut_off 'a call without its end' 'send CALL 1 s:alice@example.com s:x'
cut_off 'a call with something behind it' \
	'send CALL 1 s:alice@example.com s:x s:x b:0 s:{} x:00'
cut_off 'a call of no form' 'send CALL 1 s:alice@example.com s:x s:x b:9 s:{}'
cut_off 'a GONE with a payload' 'send GONE 1 x:00'
t_has 'front: a call that is no JSON is an answer' \
	"$(call alice@example.com 'no { json')" 'malformed JSON'
t_has 'front: a call of no name is an answer' \
	"$(call alice@example.com '{"call":"sign"}')" 'no call has the name'
printf '%s' '{"call":"hello"}' >call.json
many=()
for ((i = 0; i < 300; i++)); do
	many+=("send CALL $((i + 1)) s:alice@example.com s:x s:x b:0 f:call.json")
done
# What is issued is in the log before he has it: he may keep it to himself, and
# that it is there he cannot hide.
t_has 'front: takes a certificate, and tells nobody' \
	"$(submit alice@example.com work.req)" ssh-ed25519-cert-v01
t_has 'front: the next one gets it as well' "$(call alice@example.com \
	"{\"call\":\"fetch\",\"id\":\"$(head -n 1 work.req | sha256sum |
	cut -c1-64)\"}")" ssh-ed25519-cert-v01
t 'front: one that goes away in the middle of its calls is forgotten' \
	front "${many[@]}" 'hang up'
cut_off 'a half frame in the middle of a call' "${many[@]:0:3}" \
	'raw x:00000001'

# --- and another front finds everything as it was
t_has "olga's own approval counts" \
	"$(submit olga@example.com olga.dec)" '"status":0'
t_has 'alice gets her certificate' \
	"$(call alice@example.com "{\"call\":\"wait\",\"id\":\"$id\",\"seconds\":20}" |
		field certificate)" ssh-ed25519-cert-v01@openssh.com
t 'it is the same keeper' kill -0 "$keeper"
ends "$keeper"
t_eq 'it stops when told' 0 $?
t_has 'and has published all' "$(cat keeper.log)" stopping
t_not 'which nothing kept it from' says keeper.log 'cannot issue or publish'
t_has 'front: the log has what he kept to himself' \
	"$("$writ" audit verify -C ca)" ' 2 certificates,'
t 'the audit has no findings' "$writ" audit verify -C ca
t_done
