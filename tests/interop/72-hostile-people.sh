#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what somebody can do, and cannot, who has the key of an
# engineer, of one officer, or the CA's own.  Real processes; statements signed by
# hand with stock ssh-keygen and brought as a front brings them, so that nothing
# but the keeper and the signer stands in the way.
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
ca_key ed25519 olga2
ca_key ed25519 mallory
base_policy=$(declare -f ca_policy)
eval "base_$base_policy"
ca_policy() {
	base_ca_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  prod:
	    to: [engineers, approvers]
	    principals: [root]
	    max: 1h
	    approve: [{approvers: 1}]
	  both:
	    to: [engineers, approvers]
	    principals: [vault]
	    max: 1h
	    approve: [{approvers: 2}]
	END
	sed -i 's/^  policy: 1$/  policy: 2/' "$1/root.yaml"
}
t 'a deployment' ca_make ca --officer olga@example.com=olga2.pub
mkdir -m 700 ca/run
here 'a signer is there' signer_starts ca
here 'a keeper is there' keeper_starts
realm=$(call alice@example.com '{"call":"hello"}' | field realm)

# request WHO KEY GRANT PRINCIPAL [FIELD]: by hand, in FIELD what else it asks.
request() {
	python3 - "$@" "$realm" <<'END' >request
import datetime, json, os, sys
who, key, grant, principal = sys.argv[1:5]
more, realm = (sys.argv[5:] if len(sys.argv) > 6 else ["", sys.argv[5]])
v = {"at": datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ"),
     "by": who, "nonce": os.urandom(16).hex(), "realm": realm,
     "for": "30m", "grant": grant, "kind": "user",
     "principals": [principal], "reason": "because", "type": "request", "v": 1,
     "key": " ".join(open(key + ".pub").read().split()[:2])}
v.update(json.loads("{" + more + "}"))
print(json.dumps(v, sort_keys=True, separators=(",", ":")))
END
	sign request@writ "$2" request
}
# decide WHO KEY ID true|false [AS]: signed; the line is that for AS, who may.
decide() {
	call "${5:-$1}" \
		"{\"call\":\"decision\",\"ids\":[\"$3\"],\"approve\":$4}" |
		field message | sed "s/${5:-$1}/$1/" >decision
	sign decision@writ "$2" decision
}
alice=alice@example.com
olga=olga@example.com
ivan=ivan@example.com
# asked GRANT PRINCIPAL [FIELD]: alice's request, sent; its id, or what came.
asked() {
	local answer

	request $alice alice "$@" >alice.req
	answer=$(submit $alice alice.req)
	field results.0.id 2>/dev/null <<<"$answer" || echo "$answer"
}
state() { call "$alice" "{\"call\":\"show\",\"ids\":[\"$1\"]}" | field requests.0.state; }
certificate() { call "$alice" "{\"call\":\"fetch\",\"id\":\"$1\"}" | field certificate; }
refused() { # NAME TEXT WORDS: neither taken nor a certificate
	t_has "$1" "$2" "$3"
	t_eq "$1: no certificate" '' "$(grep -o 'ssh-ed25519-cert' <<<"$2")"
}

# --- row: an engineer's key ------------------------------------------------------
id=$(asked work deploy)
t_has 'engineer: gets what policy gives without approval' \
	"$(certificate "$id")" ssh-ed25519-cert-v01
id=$(asked prod root)
t_eq 'engineer: what needs an approval waits' waiting "$(state "$id")"
refused 'engineer: and is not to be had' \
	"$(call $alice "{\"call\":\"fetch\",\"id\":\"$id\"}")" '3 {'
decide $alice alice "$id" true $olga >own.dec
refused 'engineer: is no approver of it' "$(submit $alice own.dec)" \
	'is your own'
t_eq 'engineer: so it waits' waiting "$(state "$id")"
prod=$id
request $alice alice work root >more.req
refused 'engineer: no account that the grant does not have' \
	"$(submit $alice more.req)" '"code":"denied"'
request $alice alice work deploy '"for":"9h"' >more.req
refused 'engineer: no longer than it gives' "$(submit $alice more.req)" \
	'"code":"denied"'
request $alice alice limited limited '"source":["0.0.0.0/0"]' >more.req
refused 'engineer: from no address that it excludes' "$(submit $alice more.req)" \
	'"code":"denied"'
request $alice alice limited limited '"extensions":["permit-pty"]' >more.req
refused 'engineer: nothing that it leaves out' "$(submit $alice more.req)" \
	'"code":"denied"'
request $alice alice limited limited '"force_command":"/bin/sh"' >more.req
refused 'engineer: no other command' "$(submit $alice more.req)" '"code":"denied"'
id=$(asked limited limited)
certificate "$id" >limited-cert.pub
t_has 'engineer: sshd hears which addresses' \
	"$(ssh-keygen -L -f limited-cert.pub)" 'source-address 127.0.0.0/8,::1'
request $alice mallory work deploy >more.req
refused 'engineer: with no key but an enrolled one' "$(submit $alice more.req)" \
	'not signed by a key of alice'

# --- row: one officer's key --------------------------------------------------------
id=$(asked both vault)
decide $olga olga "$id" true >one.dec
t_has 'officer: approves, one of two' "$(submit $olga one.dec)" '"have":1'
decide $olga olga2 "$id" true >two.dec
submit $olga two.dec >said
t_eq 'officer: with a second key he is no second officer' waiting "$(state "$id")"
refused 'officer: nor gets it out' \
	"$(call $alice "{\"call\":\"fetch\",\"id\":\"$id\"}")" '3 {'
both=$id
request $olga olga prod root >olga.req
submit $olga olga.req >said
id=$(field results.0.id <said)
decide $olga olga "$id" true $ivan >own.dec
refused 'officer: does not approve his own request' \
	"$(submit $olga own.dec)" 'is your own'
decide $olga olga2 "$id" true $ivan >own.dec
refused 'officer: nor with another key' "$(submit $olga own.dec)" 'is your own'
id=$(asked prod root)
decide $olga olga "$id" false >no.dec
decide $ivan ivan "$id" true >late.dec
submit $olga no.dec >said
t_eq 'officer: denies' denied "$(state "$id")"
refused 'officer: and another cannot undo that' "$(submit $ivan late.dec)" denied

# What both officers would sign, and one alone has.
cp -a ca other
sed -i 's/max: 8h/max: 7h/' other/policy/ca.yaml
for who in olga ivan; do
	"$writ" policy sign -C other -i $who -y >>"$ca_log" 2>&1
done
awk '/^{/ || n == 0 { print } /^-----END/ { n++ }' other/bundle/policy.2 >once
awk 'NR > 1 { print }' once | cat once - >twice
push() { # STATEMENT
	call $olga "{\"call\":\"put\",\"data\":\"$(
		base64 -w0 other/policy/ca.yaml)\"}" >/dev/null
	python3 - "$1" <<'END' >push.json
import json, sys
s = open(sys.argv[1]).read()
m = json.loads(s.split("\n")[0])["manifest"]
print(json.dumps({"call": "push", "roots": [], "statement": s,
                  "manifest": open("other/bundle/" + m).read()}))
END
	call $olga "$(cat push.json)"
}
refused 'officer: one alone puts no policy in force' "$(push once)" \
	'expected 2 of the officers'
refused 'officer: nor with his signature twice' "$(push twice)" 'twice'
t_eq 'officer: the one before stays' 1 \
	"$(call $alice '{"call":"hello"}' | field policy_version)"
t_has 'officer: with another it is' "$(push other/bundle/policy.2)" \
	'"version":"2"'

ca_pub=$(cut -d' ' -f1,2 ca/policy/authorities/user_ca.pub)
revocation $olga "\"key\":\"$ca_pub\"" >revoke.st
refused 'officer: does not shut the fleet by revoking the CA' \
	"$(submit $olga revoke.st)" '"code":"denied"'
log_pub=$(cut -d' ' -f1,2 ca/policy/authorities/ca_log.pub)
revocation $olga "\"key\":\"$log_pub\"" >revoke.st
refused 'officer: nor the log' "$(submit $olga revoke.st)" '"code":"denied"'
serial=$(ssh-keygen -L -f limited-cert.pub | awk '$1 == "Serial:" { print $2 }')
revocation $olga "\"serials\":[\"$serial\"]" >revoke.st
t_has 'officer: revokes a certificate' "$(submit $olga revoke.st)" '"status":0'

# --- row: the CA's private key -------------------------------------------------------
# Whoever has it signs what he likes; it has no leaf, which is what tells.  A
# login with it is never issued: 97-audit-who.
ssh-keygen -q -s ca/keys/user_ca -I stolen -n root -z 666 mallory.pub 2>/dev/null
t_has 'CA key: signs what is asked of it' \
	"$(ssh-keygen -L -f mallory-cert.pub)" 'Key ID: "stolen"'
t_not 'CA key: which the log does not prove' "$writ" audit prove -C ca 666
t_eq 'CA key: nor lists' '' "$("$writ" audit list -C ca --json |
	grep '"serial": "666"')"
# Somebody else's certificate leaf cannot be brought in: no call takes one.
printf '%s' "$(cat mallory-cert.pub)" >blob
t_has 'CA key: nor can it be brought in' "$(submit $alice blob)" '"status":4'
revocation $olga '"serials":["666"]' >revoke.st
t_has 'CA key: it can be revoked by its serial' "$(submit $olga revoke.st)" \
	'"status":0'
krl() { call "$olga" '{"call":"krl"}' | field krl | base64 -d >list; }
gone() {
	krl && ssh-keygen -Q -f list mallory-cert.pub 2>&1 | grep -q REVOKED
}
t 'CA key: then it is in the list' until_ok gone
revocation $olga "\"key\":\"$ca_pub\"" >message
cp revoke message
{ cat message; for who in olga ivan; do
	ssh-keygen -q -Y sign -n revoke@writ -f $who <message 2>/dev/null
done; } >revoke.st
cp revoke.st two.st

# --- an engineer once revoked ---------------------------------------------------------
revocation $olga "\"person\":\"$alice\"" >revoke.st
t_has 'officer: revokes a person' "$(submit $olga revoke.st)" '"status":0'
request $alice alice work deploy >more.req
refused 'engineer: once revoked asks no more' "$(submit $alice more.req)" revoked
ended() { [ "$(call "$olga" "{\"call\":\"show\",\"ids\":[\"$1\"]}" |
	field requests.0.state)" != waiting ]; }
t 'engineer: and what waited has ended' until_ok ended "$prod"
decide $ivan ivan "$both" true >late.dec
refused 'engineer: whoever approves it now' "$(submit $ivan late.dec)" ''

t_has 'CA key: two officers revoke it, and all that it signed' \
	"$(submit $olga two.st)" '"status":0'
all_gone() { krl && ssh-keygen -Q -f list limited-cert.pub | grep -q REVOKED; }
t 'CA key: hosts hear of that' until_ok all_gone
ends "$keeper"
t_eq 'the keeper ends when told' 0 $?
t 'the audit has no findings' "$writ" audit verify -C ca
t_done
