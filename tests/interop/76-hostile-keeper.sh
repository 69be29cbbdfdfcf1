#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: whoever has taken over the keeper can delay, drop and lose,
# and have nothing signed that policy and people did not give. A real signer, and
# what a real keeper was about to say to it, changed on the way: forged requests
# and approvals, other certificates, other logs, older policies and lists. Each
# is refused, and the same words unchanged are signed.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

# It ends by saying what it was told, and frees nothing before that.
tool() {
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 "$O/tools/hostilekeeper" "$@"
}
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/service.sh
. "$(dirname "$0")/service.sh"

cd "$T" || exit 1
ca_people
base_policy=$(declare -f ca_policy)
eval "base_$base_policy"
ca_policy() {
	base_ca_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  prod:
	    to: [engineers]
	    principals: [deploy]
	    max: 30m
	    approve: [{approvers: 1}]
	END
}
t 'a deployment' ca_make ca
mkdir -m 700 ca/run

revoke() { # SERIAL: by olga, sent
	revocation olga@example.com "\"serials\":[\"$1\"]" >revoke.st
	submit olga@example.com revoke.st
}
# hold FILE TYPE [N]: stand between, up to that frame.  held waits for it, and
# makes ca2, with all that the signer had on disk then, before the keeper can
# reach the signer again.
hold() {
	: >hold.log
	mv ca/run/signer.sock ca/run/real.sock
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 "$O/tools/hostilekeeper" \
		hold ca/run/signer.sock ca/run/real.sock "$@" >hold.log 2>&1 &
	hold=$!
	t_stop_later "$hold"
	until_ok says hold.log ready
}
held() {
	wait "$hold"
	local status=$?

	rm -rf ca2
	cp -a ca ca2
	rm -rf ca2/run
	mkdir -m 700 ca2/run
	mv ca/run/real.sock ca/run/signer.sock
	[ "$status" -eq 0 ] || cat hold.log
	return "$status"
}
attack() { tool "$1" ca2/run/signer.sock "$2" 2>&1; }
refused() { # NAME ATTACK FILE PART
	local said

	said=$(attack "$2" "$3")
	t_has "keeper: $1 is refused" "$said" 'refused: '
	t_has "keeper: $1 is refused for what it is" "$said" "$4"
}

# --- an honest day, to have a past
here 'a signer is there' signer_starts ca
real=$signer
here 'a keeper is there' keeper_starts
"$writ" request -C ca -m 'a reason' -i alice --key alice.pub --grant work \
	-o work.req deploy >>"$ca_log" 2>&1
t_has 'alice gets a certificate' "$(submit alice@example.com work.req)" \
	ssh-ed25519-cert-v01
serial=$(submit alice@example.com work.req | field results.0.request.serial)
t_has 'which olga revokes' "$(revoke "$serial")" '"status":0'
ends "$keeper"

# --- what a keeper says to have an approved request signed
here 'somebody stands between' hold asked SIGN
here 'the keeper comes back, to him' keeper_starts
"$writ" request -C ca -m 'a reason' -i alice --key alice.pub --grant prod \
	-o prod.req deploy >>"$ca_log" 2>&1
id=$(submit alice@example.com prod.req | field results.0.id)
call olga@example.com "{\"call\":\"decision\",\"ids\":[\"$id\"],\"approve\":true}" |
	field message >decision
sign decision@writ olga decision >olga.dec
submit olga@example.com olga.dec >submitted &
t_stop_later $!
here 'he has what it says' held
here 'a signer with the same past' signer_starts ca2

refused 'a request reworded' forged-request asked 'does not verify'
refused 'an approval reworded' forged-approval asked 'does not verify'
refused 'a request that lacks its approval' no-approval asked 'approv'
refused 'a certificate for another account' other-certificate asked \
	'certificate'
refused 'a time of its own' old-time asked 'clock'
refused 'a leaf that is not in the log' not-in-log asked 'log'
refused 'a log with another past' forked-head asked 'a fork'
refused 'a log that lost its end' older-head asked 'has signed for'
refused 'a revocation left out' without-acts asked 'has judged by'
refused 'a policy reworded' forged-policy asked 'MANIFEST'
t_eq 'keeper: a revocation reworded ends the connection' 'cut off' \
	"$(attack forged-act asked)"
t_eq 'keeper: what it really had to say is signed' signed \
	"$(attack honest asked)"

# --- frames that no keeper sends
for type in CALL GONE KEYS RESULT EVENT GAUGES SEEN SIGNED OK REFUSED NOTICE TOLD \
	STATUS STATUS_IS 0 99 65535; do
	t_has "keeper: frame $type ends the connection" \
		"$(frames ca2/run/signer.sock "send $type 1 s:x" closed |
			tail -n 1)" closed
done
t_has 'keeper: a frame above any length ends the connection' \
	"$(frames ca2/run/signer.sock 'raw x:01000007001100000001' closed |
		tail -n 1)" closed
t 'keeper: which are errors in the log' \
	[ "$(grep -c 'cut off' ca2.signer.log)" -ge 18 ]
for type in SIGN SIGN_KRL ACT DURABLE; do
	said=$(frames ca2/run/signer.sock "send $type 1 b:1" closed)
	t_has "keeper: $type before a policy gives nothing" "$said" closed
	t_eq "keeper: $type before a policy is not answered with a signature" '' \
		"$(grep SIGNED <<<"$said")"
done
t 'it is the same signer' kill -0 "$signer"
kill "$signer"

# --- the real one was not touched, and goes on
t_has 'the honest keeper finds its signer, and alice her certificate' \
	"$(call alice@example.com "{\"call\":\"wait\",\"id\":\"$id\",\"seconds\":20}" |
		field certificate)" ssh-ed25519-cert-v01
ends "$keeper"

# --- lists of what is revoked
here 'somebody stands between again' hold lists SIGN_KRL 2
here 'the keeper comes back, to him again' keeper_starts
revoke 4711 >/dev/null
revoke 4712 >revoked &
t_stop_later $!
here 'he has both lists' held
here 'a signer with the same past again' signer_starts ca2
refused 'an older list' older-krl lists 'is not newer'
refused 'a list that forgets a revocation' forgetful-krl lists 'lacks'
t_eq 'keeper: the list that has them all is signed' signed \
	"$(attack honest-krl lists)"
ends "$keeper"

# --- a policy that is over
t 'the real signer was there all the time' kill -0 "$real"
ends "$real"
sed -i 's/max: 30m/max: 20m/' ca/policy/ca.yaml
"$writ" policy sign -C ca -i olga -y >>"$ca_log" 2>&1
"$writ" policy sign -C ca -i ivan -y >>"$ca_log" 2>&1
here 'a signer and a keeper with a new policy' signer_starts ca
real=$signer
keeper_starts
ends "$keeper"
said=$(tool older-policy ca/run/signer.sock asked 2>&1)
t_has 'keeper: an older policy is refused' "$said" 'refused: '
t_has 'keeper: an older policy is refused for what it is' "$said" older
ends "$real"

# --- a realm of his own, good in itself, with the keys of this CA; bundle/ is the
# keeper's, and the signer begins anew some day
"$writ" init evil --officer alice@example.com=alice.pub --single-officer \
	>>"$ca_log" 2>&1
rm evil/writ.yaml # no log of its own to write to
cp ca/policy/authorities/*.pub evil/policy/authorities/
for n in 1 2 3; do
	echo "# $n" >>evil/policy/ca.yaml
	"$writ" policy sign -C evil -i alice -y >>"$ca_log" 2>&1
done
cp -a ca ca3
rm -rf ca3/bundle ca3/run
mkdir -m 700 ca3/run
cp -a evil/bundle ca3/bundle
t 'it is a policy as any' "$writ" policy show -C ca3
said=$(timeout 20 "$O/writ-ca-signer" -C ca3 2>&1 && echo ended || echo "was $?.")
t_has 'keeper: a policy of another realm is not begun with' "$said" 'was 1.'
t_has 'keeper: the realm that the signer has served is named' "$said" \
	'which the signer has served'
t_has 'the log is whole' "$("$writ" audit verify -C ca)" ' 2 certificates,'
t 'the audit has no findings' "$writ" audit verify -C ca
t_done
