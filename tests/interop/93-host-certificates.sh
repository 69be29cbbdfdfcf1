#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a host that an operator accepted gets the certificate of its
# own key, as long as it is accepted and from nobody else's word; ssh and sshd
# agree, and so does the auditor.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/hosts.sh
. "$(dirname "$0")/hosts.sh"
# shellcheck source=tests/interop/service.sh
. "$(dirname "$0")/service.sh"

cd "$T" || exit 1

signs() { "$writ" sign -C ca "$@" 2>&1 </dev/null; }

# refuses PART FILE...: writ sign does, saying so, and gives nothing.
refuses() {
	local part=$1 out status

	shift
	rm -f out.pub
	out=$(signs -o out.pub "$@")
	status=$?
	[ "$status" -ne 0 ] && [ "$status" -lt 126 ] && [[ $out == *"$part"* ]] &&
		[ ! -e out.pub ] && return
	printf 'status %s: %s\n' "$status" "$out"
	return 1
}
leaves() { sed -n 2p ca/log/checkpoint; }

# beside NAME: enrol and accept lie where writ sign looks for them.
beside() {
	cp "$1.enrol" "$1.renew.enrol"
	cp "$1.accept" "$1.renew.accept"
}

here 'a deployment with an operator and a master' hosts_make

# --- on files -----------------------------------------------------------------

for h in web-1 web-2; do
	host_key $h
	enrols $h
	accepts $h $h.example.com petra
	renews $h $h.example.com
	beside $h
done
t 'a renewal, and beside it what let the host in' signs web-1.renew
cert=$(ssh-keygen -L -f web-1.hk-cert.pub)
t_has 'ssh-keygen: a host certificate' "$cert" 'host certificate'
t_has 'of the host key' "$cert" \
	"Public key: ED25519-CERT $(ssh-keygen -lf web-1.hk.pub | cut -d' ' -f2)"
t_has 'by the host CA' "$cert" "$(ssh-keygen -lf ca/policy/authorities/host_ca.pub |
	cut -d' ' -f2)"
t_eq 'its names are those of the acceptance' web-1.example.com \
	"$(printf '%s\n' "$cert" | sed -n '/Principals:/{n;s/ //g;p}')"
t_has 'its key id is the host and the renewal' "$cert" \
	"Key ID: \"web-1.example.com/$(id_of web-1.renew | cut -c1-32)\""
t_eq 'for as long as the grant gives' $((30 * 86400 + 60)) "$(
	printf '%s\n' "$cert" | sed -n 's/.*Valid: from \(.*\) to \(.*\)/\1 \2/p' |
	while read -r from to; do
		echo $(($(date -d "$to" +%s) - $(date -d "$from" +%s)))
	done)"
t_eq 'without an option' 2 "$(printf '%s\n' "$cert" | grep -c '(none)')"
cp web-1.hk-cert.pub first.pub
size=$(leaves)
t 'the same once more' signs web-1.renew
t 'gives that very certificate' cmp first.pub web-1.hk-cert.pub
t_eq 'and no leaf' "$size" "$(leaves)"
t 'all of it named' signs -o web-2.pub web-2.accept web-2.renew web-2.enrol
t 'what is in force is not asked for again' signs -o again.pub web-2.renew
t 'and gives the same' cmp web-2.pub again.pub

# --- sshd and ssh are the judges ------------------------------------------------

port=$(t_ports 20930)
# Where root starts it, sshd wants a directory that a machine may not have.
if [ "$(id -u)" -eq 0 ] && mkdir -m 755 /run/sshd 2>/dev/null; then
	trap 't_cleanup; rmdir /run/sshd' EXIT
fi
serve() { # HOST PORT: a stock sshd with its key and certificate
	cat >"$1.sshd" <<-END
	Port $2
	ListenAddress 127.0.0.1
	HostKey $T/$1.hk
	HostCertificate $T/$1.hk-cert.pub
	PidFile none
	StrictModes no
	AuthorizedKeysFile $T/alice.pub
	END
	/usr/sbin/sshd -D -e -f "$1.sshd" >"$1.sshd.log" 2>&1 &
	t_stop_later $!
	until_ok ssh-keyscan -T 1 -p "$2" 127.0.0.1
}
reaches() { # NAME PORT: ssh believes that what answers there is NAME
	ssh -F none -p "$2" -i alice -o BatchMode=yes -o HostKeyAlias="$1" \
		-o UserKnownHostsFile="$T/known" -o GlobalKnownHostsFile=none \
		-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes \
		-o HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com \
		127.0.0.1 true
}
printf '@cert-authority *.example.com %s\n' \
	"$(cat ca/policy/authorities/host_ca.pub)" >known
cp web-2.pub web-2.hk-cert.pub
here 'sshd takes the certificate of its key' serve web-1 "$port"
here 'and that of the other host its own' serve web-2 $((port + 1))
t 'ssh believes the host' reaches web-1.example.com "$port"
t_not 'and no other host that it is this one' \
	reaches web-1.example.com $((port + 1))
cp web-1.hk-cert.pub stolen.pub
t_not 'nor is the certificate one for another key' ssh-keygen -Y sign \
	-f stolen.pub -n x /dev/null

# --- what gives nothing ---------------------------------------------------------

for h in db-1 db-2 db-3 db-4; do
	host_key $h
	enrols $h
done
size=$(leaves)
accepts db-1 db-1.example.com olga
renews db-1 db-1.example.com
t 'an acceptance by an officer' refuses 'not an operator' \
	db-1.enrol db-1.accept
accepts db-1 db-1.example.com petra
t 'one without its enrol statement' refuses 'expected it with it' db-1.accept
t 'an enrol statement alone' refuses 'counts with its acceptance' db-1.enrol
said db-2.enrol enrol db-2 "\"host_key\":\"$(key_of db-2.hk)\",\
\"transport_key\":\"$(key_of db-2.tk)\",\"hostname\":\"db-2\",\
\"boot_id\":\"00000000000000000000000000000000\"" db-2.hk
accepts db-2 db-2.example.com petra
t 'an enrol statement signed by one key' refuses 'transport key it names' \
	db-2.enrol db-2.accept
t 'a renewal of a host that was never accepted' refuses \
	'no host is here' db-1.renew
renews web-1 web-1.example.com web-2.hk
t 'a renewal for the key of another' refuses 'not the one' web-1.renew
t_eq 'none of it is in the log' "$size" "$(leaves)"
accepts db-3 db-3.example.org petra
renews db-3 db-3.example.org
t 'a host whose name no grant gives is accepted' signs db-3.enrol db-3.accept
t 'and gets none' refuses "gives the name 'db-3.example.org'" db-3.renew
UNTIL=2 accepts db-4 db-4.example.com petra
renews db-4 db-4.example.com
t 'one that may renew for two days' signs -o db-4.pub db-4.enrol db-4.accept \
	db-4.renew
t 'has two, and no more' test "$(ssh-keygen -L -f db-4.pub |
	sed -n 's/.* to //p')" = "$(date -d "$(sed -n \
	's/.*"renew_until":"\([^"]*\)".*/\1/p' db-4.accept)" +%Y-%m-%dT%H:%M:%S)"

# --- a token ---------------------------------------------------------------------

ca_key ed25519 token
host_key web-7
enrols web-7
said the.token token petra@example.com "\"key\":\"$(key_of token)\",\
\"hosts\":\"web-*.example.com\",\"count\":\"1\",\"expires\":\"$(in_days 1)\"" petra
by_token() { # NAME ID NAMES
	said "$1.accept" accept "$2" "\"host\":\"$2\",\"enrol\":\"$(
		id_of "$1.enrol")\",\"host_key\":\"$(key_of "$1.hk")\",\
\"transport_key\":\"$(key_of "$1.tk")\",\"names\":$3,\
\"renew_until\":\"$(in_days 90)\",\"token\":\"$(id_of the.token)\"" token
}
by_token web-7 web-7.example.com '["db-1.example.com"]'
t 'a token gives no name outside of its pattern' refuses 'not for the name' \
	the.token web-7.enrol web-7.accept
by_token web-7 web-7.example.com '["web-7.example.com"]'
renews web-7 web-7.example.com
t 'and one inside of it' signs -o web-7.pub web-7.enrol web-7.accept web-7.renew
by_token db-1 web-8.example.com '["web-8.example.com"]'
t 'once, as it says' refuses 'used 1 times' db-1.enrol db-1.accept

# --- the end ------------------------------------------------------------------------

said web-7.rename rename petra@example.com \
	'"host":"web-7.example.com","to":"www.example.com","names":["www.example.com"]' \
	petra
renews web-7 web-7.example.com
t 'a host with another name' signs -o www.pub web-7.rename web-7.renew
t_has 'has a certificate of that name' "$(ssh-keygen -L -f www.pub)" \
	'Key ID: "www.example.com/'
said web-2.reject reject petra@example.com \
	'"host":"web-2.example.com","reason":"stolen"' petra
t 'a host that is turned out' signs web-2.reject
renews web-2 web-2.example.com
t 'gets no other' refuses 'is rejected' web-2.renew
said web-2.forget forget petra@example.com \
	'"host":"web-2.example.com","reason":"scrapped"' petra
t 'nor one that is gone' signs web-2.forget
t 'whatever it says' refuses 'no host is here' web-2.renew
t 'its acceptance does not come back' signs web-2.accept
t 'officers can revoke a host key' "$writ" revoke -C ca -i olga -y \
	--key web-7.hk.pub --reason stolen </dev/null
renews web-7 web-7.example.com
t 'which ends it too' refuses 'is revoked' web-7.renew

# --- the service, and a master ----------------------------------------------------------

master=master/master_1
# gets FILE...: the certificate that the last of them came to, in got.pub.
gets() {
	local answer

	answer=$(submit "$master" "$@")
	field "results.$(($# - 1)).certificate" <<<"$answer" >got.pub
	[ -s got.pub ] && return
	printf '%s\n' "$answer"
	return 1
}
# denied N PART PERSON FILE...: result N of that submit, and it says so.
denied() {
	local n=$1 part=$2 answer

	shift 2
	answer=$(submit "$@")
	[ "$(field "results.$n.code" <<<"$answer")" = denied ] &&
		[[ $(field "results.$n.error" <<<"$answer") == *"$part"* ]] &&
		return
	printf '%s\n' "$answer"
	return 1
}
echo 'quota: 6' >>ca/policy/ca.yaml
for who in olga ivan; do
	"$writ" policy sign -C ca -i $who -y >>"$ca_log" 2>&1 </dev/null
done
for h in srv-1 srv-2 srv-3 srv-4; do
	host_key $h
	enrols $h
	accepts $h $h.example.com petra
	renews $h $h.example.com
done
here 'a signer over it' signer_starts ca
here 'and a keeper' keeper_starts
t_has 'a master is somebody' "$(call "$master" '{"call":"hello"}')" "$master"
t_has 'who may not do what persons do' \
	"$(call "$master" '{"call":"pending"}')" 'a call of persons'
t_has 'but hear the policy' "$(call "$master" '{"call":"policy"}')" statement
here 'a host comes in by its master' gets srv-1.enrol srv-1.accept srv-1.renew
t_has 'with its certificate' "$(ssh-keygen -L -f got.pub)" \
	"Key ID: \"srv-1.example.com/$(id_of srv-1.renew | cut -c1-32)\""
cp got.pub srv-1.pub
here 'which comes again' gets srv-1.enrol srv-1.accept srv-1.renew
t 'and is the same' cmp got.pub srv-1.pub
here 'and for the renewal alone' gets srv-1.renew
t 'the same' cmp got.pub srv-1.pub
here 'without its enrol statement none comes in' \
	denied 0 'expected it with it' "$master" srv-2.accept
t_eq 'which may come in a call before' 0 "$(submit "$master" srv-2.enrol |
	field results.0.status)"
here 'as the last of it' gets srv-2.accept srv-2.renew
revocation olga@example.com '"person":"alice@example.com"' >theirs
here 'a master brings no revocation' \
	denied 0 'expected one about hosts' "$master" theirs
here 'a person brings no renewal' denied 0 'you came in with' \
	alice@example.com srv-2.renew
accepts srv-3 srv-3.example.com olga
here 'an officer accepts no host' denied 1 'not an operator' "$master" \
	srv-3.enrol srv-3.accept
said srv-2.reject reject petra@example.com \
	'"host":"srv-2.example.com","reason":"stolen"' petra
t_eq 'an operator turns a host out herself' 0 \
	"$(submit petra@example.com srv-2.reject | field results.0.status)"
renews srv-2 srv-2.example.com
here 'and it gets no other' denied 0 'is rejected' "$master" srv-2.renew
ends "$signer"
here 'a signer started anew' signer_starts ca
renews srv-1 srv-1.example.com
here 'learns of hosts from the log' gets srv-1.renew
ends "$keeper"
here 'as does a keeper' keeper_starts
here 'which lets one in' gets srv-4.enrol srv-4.accept srv-4.renew
renews srv-2 srv-2.example.com
here 'and still not the other' denied 0 'is rejected' "$master" srv-2.renew
# Six a day, with the one that it came in with.  Twice the same is one, and whoever
# has used them up is not told one again either.
: >codes
for _ in 1 2 3 4 5 6 7 8; do
	renews srv-4 srv-4.example.com srv-1.hk
	submit "$master" srv-4.renew >/dev/null
	renews srv-4 srv-4.example.com
	for _ in 1 2; do
		submit "$master" srv-4.renew >answer
		printf '%s\n' "$(field results.0.code <answer)" >>codes
	done
done
t_eq 'a host that was taken over does not get certificates without end' '9 7 limit' \
	"$(uniq -c <codes | xargs)"
t_has 'which is said' "$(field results.0.error <answer)" \
	'srv-4.example.com has had certificates 6 times today'
renews srv-1 srv-1.example.com
here 'and others have theirs' gets srv-1.renew
ends "$keeper"
ends "$signer"

# --- the auditor ---------------------------------------------------------------------

audit() { "$writ" audit "$@" -C ca 2>&1; }
t 'the auditor comes to the same' audit verify
t_has 'and counts them' "$(audit list)" \
	'www.example.com'
record=$(grep -l '"kind": "host"' -r ca/log/records | head -n 1)
t_has 'records name the host' "$(cat "$record")" '.example.com"'
t_eq 'and who accepted it' petra@example.com "$(jq -r '.approved_by[-1].person' \
	"$(grep -l '"person": "web-1.example.com"' -r ca/log/records)")"

t_done
