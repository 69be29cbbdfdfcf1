#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a keeper over its sockets does what a team asks of it, with
# statements that stock ssh-keygen signs: who may say what, what becomes of it,
# and that a kill, a lost store or a second daemon loses nothing.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
keeper=$O/writ-ca-keeper
calltool=$O/tools/calltool
front=ca/run/keeper.sock
control=ca/run/control.sock
alice=alice@example.com bob=bob@example.com
olga=olga@example.com ivan=ivan@example.com

# --- a deployment --------------------------------------------------------------

people() {
	local who

	ca_people
	for who in bob eve; do
		ca_key ed25519 "$who"
	done
	{
		"$writ" init ca --officer "$olga"=olga.pub --officer "$ivan"=ivan.pub
		sed -i '/^grants:/,$d' ca/policy/ca.yaml
		cat >>ca/policy/ca.yaml <<-'END'
		quota: 60
		grants:
		  work:
		    to: [engineers]
		    principals: [viewer]
		    max: 8h
		    approve: none
		  deploy:
		    to: [engineers]
		    principals: [deploy]
		    max: 8h
		    approve: [{approvers: 1}]
		  both:
		    to: [engineers]
		    principals: [both]
		    max: 1h
		    approve: [{approvers: 2}]
		  soon:
		    to: [engineers]
		    principals: [soon]
		    max: 1h
		    wait: 100s
		    approve: [{approvers: 1}]
		END
		printf 'keys: ["%s"]\ngroups: [engineers]\n' \
			"$(cat alice.pub)" >ca/policy/people/"$alice".yaml
		printf 'keys: ["%s"]\ngroups: [engineers, approvers]\n' \
			"$(cat bob.pub)" >ca/policy/people/"$bob".yaml
		printf 'keys: ["%s"]\ngroups: [engineers]\n' \
			"$(cat eve.pub)" >ca/policy/people/eve@example.com.yaml
		"$writ" policy sign -C ca -i olga -y
		"$writ" policy sign -C ca -i ivan -y
	} >>"$ca_log" 2>&1
}

start_signer() {
	"$O/writ-ca-signer" -C ca >/dev/null 2>>signer.log &
	signer=$!
	t_stop_later "$signer"
}

stop_signer() {
	kill "$signer"
	wait "$signer" 2>/dev/null
}

# The last keeper has a clock and a disk that can be set from here.
# clock SECONDS: it is ahead by so many.
clock() {
	python3 -c 'import struct, sys
open("clock", "r+b").write(struct.pack("=2q", int(sys.argv[1]), 0))' "$1"
}
# disk ERROR: what each write to the store fails with; 0: nothing.
disk() {
	python3 -c 'import os, struct, sys
n = os.stat("ca/store/writ.db-wal").st_ino
open("disk", "r+b").write(struct.pack("=3q", n, int(sys.argv[1]), 0))' "$1"
}
truncate -s 48 clock disk
EDQUOT=122
preload=''

start() {
	FAKECLOCK=clock FAILDISK=disk LD_PRELOAD=${preload:-} \
		"$keeper" -C ca >/dev/null 2>>keeper.log &
	pid=$!
	t_stop_later "$pid"
	for _ in $(seq 100); do
		[ -S "$control" ] && call_control status >/dev/null 2>&1 &&
			return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

stop() {
	kill "${1:--TERM}" "$pid"
	wait "$pid" 2>/dev/null
}

call() { "$calltool" "$front" "$@"; }
text() { "$calltool" -t "$front" "$@"; }
call_control() { "$calltool" -c "$control" '' "{\"call\":\"$1\"}"; }

# ask KEY PERSON PRINCIPAL: KEY.req, a request of that person for a new key.
ask() {
	[ -f "$1.pub" ] || ca_key ed25519 "$1"
	rm -f "$1.req"
	"$writ" request -C "${4:-policy}" -m "a reason for $1" -i "${2%%@*}" \
		--key "$1.pub" -o "$1.req" "$3" >>"$ca_log" 2>&1
}

id_of() { head -n 1 "$1" | sha256sum | cut -c1-64; }

# decide PERSON ID approve|deny [COMMENT]: signed with stock ssh-keygen into
# PERSON.dec.
decide() {
	local who=${1%%@*}

	rm -f "$who".d "$who".d.sig
	text "$@" >"$who".d 2>>"$ca_log" || return
	ssh-keygen -q -Y sign -n decision@writ -f "$who" "$who".d \
		2>>"$ca_log" || return
	cat "$who".d "$who".d.sig >"$who".dec
}
decision() { decide "$1" decision "${@:2}"; }

state() { call "$1" show "$2" | jq -r '.requests[0].state'; }

# The deployment as clients have it: what asks and signs must not need the log.
t 'a deployment' people
cp -r ca policy
start_signer
start
t_eq 'the keeper starts' 0 $?
t_eq 'and is ready for its keys' 5 "$("$calltool" -k "$front" | wc -l)"

# --- who may say what ---------------------------------------------------------------

t_eq 'hello' "$alice 1" "$(call "$alice" hello |
	jq -r '.person + " " + .policy_version')"
ask k1 "$alice" viewer
t_eq 'a request that needs nobody has its certificate at once' issued "$(
	call "$alice" submit <k1.req | tee k1.out |
	jq -r '.results[0].request.state')"
jq -r '.results[0].certificate' k1.out >k1-cert.pub
t_eq 'which stock ssh-keygen reads' viewer "$(ssh-keygen -L -f k1-cert.pub |
	awk '/Principals:/ { getline; print $1 }')"
t_eq 'the same bytes again get the same' "$(cat k1-cert.pub)" "$(
	call "$alice" submit <k1.req | jq -r '.results[0].certificate')"

ask k2 "$alice" deploy
id=$(id_of k2.req)
t_eq 'a request that needs somebody waits' waiting "$(
	call "$alice" submit <k2.req | jq -r '.results[0].request.state')"
t_eq 'and says for whom' "approvers 1 0 $bob $ivan $olga" "$(
	call "$alice" show "$id" | jq -r '.requests[0].needs[0] |
	[.group, .need, .have, .who[]] | join(" ")')"
t_has 'in words too' "$(text "$alice" show "${id:0:8}")" \
	"needs       1 of approvers: $bob, $ivan, $olga"
t_has 'its deciders have it on their list' "$(text "$bob" pending)" "${id:0:8}"
t_eq 'others have not' 'nothing waits for you' "$(text eve@example.com pending)"
t_not 'nor can they look at it' text eve@example.com show "$id"
t_eq 'fetching it says that it waits' 3 "$(
	text "$alice" fetch "$id" >/dev/null; echo $?)"
t_not 'somebody else cannot send it' text "$bob" submit <k2.req
t_has 'and is told why' "$(text "$bob" submit <k2.req)" \
	"is by $alice, and you came in with a key of $bob"
t_has 'no line to sign on one'\''s own request' \
	"$(text "$alice" decision "$id" approve)" 'your own'
decision "$bob" "$id" approve 'go ahead'
t_not 'a decision is of no use to who took it' text "$alice" submit <bob.dec
sed 's/go ahead/go away!/' bob.dec >forged.dec
t_not 'one that was changed is refused' text "$bob" submit <forged.dec
t_eq 'nothing came of that' waiting "$(state "$alice" "$id")"

(
	text "$alice" wait "$id" >wait.out
	echo $? >wait.status
) &
waiting=$!
t_eq 'approved, it is issued' issued "$(call "$bob" submit <bob.dec |
	jq -r '.results[0].requests[0].state')"
wait "$waiting"
t_eq 'who waits for it gets it' "0 $id" "$(cat wait.status) $(
	tail -n 1 wait.out >k2-cert.pub
	ssh-keygen -L -f k2-cert.pub | awk '/Key ID/ { print id }' id="$id")"
t_eq 'the same decision again is a success' '0 []' "$(
	call "$bob" submit <bob.dec | jq -c '.results[0] | .status, .notes' |
	paste -sd ' ')"
t_has 'another says what became of it' "$(text "$olga" decision "$id" deny)" \
	'its certificate was issued'

# --- denied, ended, two of them --------------------------------------------------------

ask k3 "$alice" deploy
id=$(id_of k3.req)
text "$alice" submit <k3.req >/dev/null
decision "$olga" "$id" deny 'not on a Friday'
decision "$bob" "$id" approve
t 'a denial' text "$olga" submit <olga.dec
t_eq 'ends it' denied "$(state "$alice" "$id")"
t_has 'with its comment' "$(text "$alice" show "$id")" \
	"$olga denied it: 'not on a Friday'"
t_has 'an approval after that says so' "$(text "$bob" submit <bob.dec)" \
	'is decided'
t_not 'and fails' text "$bob" submit <bob.dec

ask k4 "$alice" both
id=$(id_of k4.req)
text "$alice" submit <k4.req >/dev/null
decision "$bob" "$id" approve
text "$bob" submit <bob.dec >/dev/null
t_eq 'one of two is not enough' 'waiting 1' "$(call "$alice" show "$id" |
	jq -r '.requests[0] | .state + " \(.needs[0].have)"')"
t_eq 'who has decided has it off his list' 'nothing waits for you' \
	"$(text "$bob" pending)"
decision "$bob" "$id" approve again
t_has 'nobody counts twice' "$(text "$bob" submit <bob.dec)" \
	'you have decided'
decision "$olga" "$id" approve
text "$olga" submit <olga.dec >/dev/null
t_eq 'two are' issued "$(state "$alice" "$id")"

# An approval that does not count, of an outcome that nobody asked for, is in the
# log; that keeps nobody from looking again.
approves_another() { # COMMENT
	text "$bob" decision "$id" approve "$1" |
		sed 's/"principals":\["both"\]/"principals":["all"]/' >bob.e
	ssh-keygen -q -Y sign -n decision@writ -f bob bob.e 2>>"$ca_log"
	cat bob.e bob.e.sig >bob.other
	rm bob.e bob.e.sig
	text "$bob" submit <bob.other
}
bob_has_it() { grep -q "${id:0:8}" <(text "$bob" pending); }
ask k16 "$alice" both
id=$(id_of k16.req)
text "$alice" submit <k16.req >/dev/null
t_has 'an approval of another outcome does not count' \
	"$(approves_another once)" 'was shown another outcome'
t_eq 'it waits for as many' 0 "$(call "$alice" show "$id" |
	jq -r '.requests[0].needs[0].have')"
t 'who gave it has it on his list yet' bob_has_it
stop
start
here 'after a restart as well' until_ok bob_has_it
decision "$bob" "$id" approve
t 'and may approve what it is' text "$bob" submit <bob.dec
t_eq 'which counts' 'waiting 1' "$(call "$alice" show "$id" |
	jq -r '.requests[0] | .state + " \(.needs[0].have)"')"
t_not 'and takes it off the list' bob_has_it
t_has 'it counts once' "$(decision "$bob" "$id" approve again &&
	text "$bob" submit <bob.dec)" 'you have decided'
decision "$olga" "$id" approve
text "$olga" submit <olga.dec >/dev/null
t_eq 'with another it is issued' issued "$(state "$alice" "$id")"
ask k17 "$alice" both
id=$(id_of k17.req)
text "$alice" submit <k17.req >/dev/null
for i in 1 2 3 4 5 6 7; do
	approves_another $i >/dev/null
done
t_has 'eight that do not count are looked at' "$(approves_another 8)" \
	'was shown another outcome'
t_has 'and no more' "$(approves_another 9)" '8 times, and no more is taken'
decision "$olga" "$id" deny
text "$olga" submit <olga.dec >/dev/null

# --- killed, lost, twice ------------------------------------------------------------------

# What waits is judged once it has started, in its turn.
judged() {
	call "$alice" status | jq -e \
		'all(.requests[]; .state != "waiting" or (.needs | length > 0))'
}
ask k6 "$alice" deploy
id=$(id_of k6.req)
text "$alice" submit <k6.req >/dev/null
call "$alice" status >before.json
stop -KILL
start
t_eq 'it starts after a kill' 0 $?
until_ok judged
t_eq 'with the same rows' "$(jq -cS '.requests' before.json)" \
	"$(call "$alice" status | jq -cS '.requests')"
decision "$bob" "$id" approve
stop -KILL
rm -rf ca/store
start
t_eq 'it starts without its store' 0 $?
t_has 'which is made anew' "$(cat keeper.log)" 'made anew from the log'
until_ok judged
t_eq 'with the same rows' "$(jq -cS '.requests | map(del(.told))' before.json)" \
	"$(call "$alice" status | jq -cS '.requests | map(del(.told))')"
t_eq 'and what waited can be decided' issued "$(call "$bob" submit <bob.dec |
	jq -r '.results[0].requests[0].state')"
second=$(timeout 20 "$keeper" -C ca 2>&1)
t_has 'a second one is refused' "$second" 'in use by process'
t_not 'and no command takes the store from under it' \
	"$O/writ-ca" rebuild -C ca
stop
printf 'no store at all, but long enough to be looked at.%s' \
	"$(seq 1000)" >ca/store/writ.db
damaged=$(timeout 20 "$keeper" -C ca 2>&1)
t_has 'what is no store is refused' "$damaged" 'writ-ca rebuild'
stop_signer
t_has 'and can be taken away' "$("$O/writ-ca" rebuild -C ca)" \
	'the store was taken away'
start_signer
ldd "$keeper" | grep -q libasan ||
	preload=$O/tools/fakeclock.so:$O/tools/faildisk.so
start
t_eq 'it starts then' 0 $?
t_eq 'with what the log says' issued "$(state "$alice" "$id")"

# --- too late ----------------------------------------------------------------------------

sanitized='the address sanitizer must be preloaded first'
# later FROM TO: by steps that are no jump, of which nobody thinks anything.  The
# keeper looks at its clock at every call.
later() {
	local at

	for at in $(seq "$@"); do
		clock "$at"
		text "$alice" hello >/dev/null
	done
}
# What waited for too long is looked for once a second.
nothing_waits() {
	"$calltool" -c -t "$control" '' '{"call":"metrics"}' |
		grep -q '^writ_requests_waiting 0$'
}
if [ -n "$preload" ]; then
	ask k5 "$alice" soon
	id=$(id_of k5.req)
	text "$alice" submit <k5.req >/dev/null
	decision "$bob" "$id" approve
	later 50 50 100
	here 'what waits for too long waits no more' until_ok nothing_waits
	t_eq 'is ended' ended "$(state "$alice" "$id")"
	t_has 'too late' "$(text "$bob" submit <bob.dec)" 'has ended'
	later 50 -50 0
	ask k14 "$alice" soon
	id=$(id_of k14.req)
	text "$alice" submit <k14.req >/dev/null
	decision "$bob" "$id" approve
	clock 3600
	t_has 'by a clock that jumps it is too late' \
		"$(text "$bob" submit <bob.dec)" "under grant 'soon' it may wait"
	clock 0
	t_eq 'but when that is set back the request waits' waiting \
		"$(state "$alice" "$id")"
	t_eq 'and the same approval counts' issued "$(call "$bob" submit \
		<bob.dec | jq -r '.results[0].requests[0].state')"
else
	t_skip 'too late' "$sanitized"
fi

# --- a store that takes no notices -------------------------------------------------------

if [ -n "$preload" ]; then
	ask k11 "$alice" deploy
	text "$alice" submit <k11.req >/dev/null
	# Whoever looks at a list has all requests written first.
	text "$alice" status >/dev/null
	disk $EDQUOT
	here 'its quota of the disk is used up, and it says so' until_ok says \
		keeper.log 'the store does not take notices error="ca/store/writ.db'
	ask k12 "$alice" viewer
	t_eq 'which keeps nobody from a certificate' issued "$(
		call "$alice" submit <k12.req |
		jq -r '.results[0].request.state')"
	here 'that row has no room either' until_ok says keeper.log \
		'the store lags behind the log'
	ask k13 "$alice" viewer
	t_has 'so that nothing more is taken' "$(text "$alice" submit <k13.req)" \
		'cannot be read or written: Disk quota exceeded'
	disk 0
	here 'with room it goes on' until_ok says keeper.log 'the store is back'
	here 'notices too' until_ok says keeper.log \
		'the store takes notices again'
	t_eq 'said once each' '1 1' "$(grep -c 'does not take notices' keeper.log
		) $(grep -c 'store lags' keeper.log)"
	t_eq 'what was refused is issued' issued "$(
		call "$alice" submit <k13.req |
		jq -r '.results[0].request.state')"
else
	t_skip 'a disk that fails' "$sanitized"
fi

# --- keys, revocations, quota -----------------------------------------------------------------

ca_key ed25519 new
rm -f new.key
"$writ" key add -C policy -i alice new.pub -o new.key >>"$ca_log" 2>&1
t_eq 'a new key waits for officers' 0 "$(
	text "$alice" submit <new.key >key.out; echo $?)"
t_has 'and says so' "$(cat key.out)" 'officer'
decision "$alice" "$(id_of new.key)" approve
acts=$(call "$olga" '{"call":"standing"}' | jq '.acts | length')
t_not 'nobody else decides on it' text "$alice" submit <alice.dec
t_eq 'and what he says is not written down' "$acts" "$(
	call "$olga" '{"call":"standing"}' | jq '.acts | length')"
decision "$olga" "$(id_of new.key)" approve
t 'an officer approves it' text "$olga" submit <olga.dec
t_eq 'then it may come in' 6 "$("$calltool" -k "$front" | wc -l)"
t_eq 'and everybody can check why' 2 "$(call "$olga" '{"call":"standing"}' |
	jq '.acts | length')"

ask k7 eve@example.com deploy
ask k8 eve@example.com viewer
text eve@example.com submit <k7.req >/dev/null
text eve@example.com submit <k8.req >/dev/null
old=$(call "$olga" '{"call":"krl"}' | jq -r .version)
"$writ" revoke -C policy -i olga -y --person eve@example.com --reason gone \
	-o eve.rev >>"$ca_log" 2>&1
t 'an officer revokes a person' text "$olga" submit <eve.rev
t_eq 'what waited of hers ends' ended "$(state "$olga" "$(id_of k7.req)")"
t_eq 'what was issued is revoked' true "$(call "$olga" show "$(id_of k8.req)" |
	jq '.requests[0].revoked')"
call "$olga" '{"call":"krl"}' >krl.json
t_eq 'the list is a new one' $((old + 1)) "$(jq -r .version krl.json)"
jq -r .krl krl.json | base64 -d >krl
call "$olga" show "$(id_of k8.req)" | jq -r '.requests[0].certificate' >k8-cert.pub
t_has 'and stock ssh-keygen finds her certificate in it' \
	"$(ssh-keygen -Q -f krl k8-cert.pub)" REVOKED
t_eq 'her keys come in no more' 5 "$("$calltool" -k "$front" | wc -l)"
ask k9 eve@example.com viewer
t_not 'nor does she get anything' text eve@example.com submit <k9.req

: >many
for i in $(seq 70); do
	"$writ" request -C policy -m "number $i" -i bob --key k1.pub viewer \
		2>>"$ca_log" >>many
done
t_eq 'seventy at once, of which policy allows sixty' '60 10' "$(
	call "$bob" submit <many >many.json
	jq -r '[[.results[] | select(.status == 0)], [.results[] |
		select(.code == "limit")]] | map(length) | join(" ")' many.json)"
t_has 'which is said' "$(jq -r '.results[69].error' many.json)" \
	'policy says 60 at most'

# What he may revoke of his own need not exist: it has an end all the same.
# names N: statements of bob's that revoke N key ids of his that nobody issued.
names() {
	for i in $(seq "$1"); do
		rm -f id.rev
		"$writ" revoke -C policy -i bob -y --reason 'no reason' \
			--key-id "$(printf '%s/%032x' "$bob" "$i")" -o id.rev \
			>>"$ca_log" 2>&1
		cat id.rev
	done
}
names 62 >names.rev
t_eq 'no more names are revoked than policy says' '60 2' "$(
	call "$bob" submit <names.rev >names.json
	jq -r '[[.results[] | select(.status == 0)], [.results[] |
		select(.code == "limit")]] | map(length) | join(" ")' names.json)"
"$writ" revoke -C policy -i bob -y --person "$bob" --reason 'key stolen' \
	-o bob.rev >>"$ca_log" 2>&1
t 'himself he revokes all the same' text "$bob" submit <bob.rev

# --- the policy -----------------------------------------------------------------------------------

t_eq 'the policy is handed out whole' "$(sha256sum <policy/bundle/policy.1)" \
	"$(call "$alice" '{"call":"policy"}' | jq -rj .statement | sha256sum)"
sha=$(sha256sum <policy/policy/ca.yaml | cut -c1-64)
t_eq 'and its files by content' "$sha" "$(
	call "$alice" "{\"call\":\"object\",\"sha256\":\"$sha\"}" |
	jq -r .data | base64 -d | sha256sum | cut -c1-64)"
sed -i 's/max: 8h/max: 4h/' policy/policy/ca.yaml
"$writ" policy sign -C policy -i olga -y >>"$ca_log" 2>&1

# push PERSON: the newest policy of policy/ as a client sends it.
push() {
	call "$1" "{\"call\":\"put\",\"data\":\"$(
		base64 -w0 policy/policy/ca.yaml)\"}" || return
	jq -n --rawfile s policy/bundle/policy.2 --rawfile m "policy/bundle/$(
		head -n 1 policy/bundle/policy.2 | jq -r .manifest)" \
		'{call: "push", roots: [], statement: $s, manifest: $m}' >push.json
	call "$1" "$(cat push.json)"
}
t_not 'only officers push' push "$alice"
t_has 'a signed policy is in force' "$(push "$olga")" '"version":"2"'
t_eq 'for everybody' 2 "$(call "$alice" hello | jq -r .policy_version)"
ask k10 "$alice" viewer policy
t_eq 'and counts' 14400 "$(call "$alice" submit <k10.req |
	jq -r '.results[0].request | (.valid_before | fromdate) -
		(.valid_after | fromdate) - 60')"

# --- hostile neighbours ----------------------------------------------------------------------------

t_eq 'a frame of no kind: cut off' 99 "$(
	"$calltool" -r 77 "$front" >/dev/null 2>&1; echo $?)"
t_eq 'one of the control socket' 99 "$(
	"$calltool" -r 48 "$front" 00 >/dev/null 2>&1; echo $?)"
t_eq 'a call that cannot be read' 99 "$(
	"$calltool" -r 1 "$front" 0000ffff >/dev/null 2>&1; echo $?)"
t_has 'each an error in the log' "$(cat keeper.log)" 'front cut off'
t_not 'unknown fields are errors' call "$alice" '{"call":"hello","a":1}'
t_not 'and so are unknown calls' call "$alice" '{"call":"goodbye"}'
t_eq 'it goes on for others' "$alice" "$(call "$alice" hello | jq -r .person)"

t_has 'its state in words' "$(
	"$calltool" -c -t "$control" '' '{"call":"status"}')" 'policy      version 2'
t_has 'and in numbers' "$(
	"$calltool" -c -t "$control" '' '{"call":"metrics"}')" 'writ_up 1'
stop
t_has 'it ends when told to' "$(tail -n 1 keeper.log)" stopping
t 'the auditor has no finding' "$writ" audit verify -C ca
t_done
