#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a master's courier takes to a real CA what its keeper asks,
# and brings back what the CA says: a host's certificate, the policy, the list;
# the CA may be away and come back; nobody but the keeper is listened to.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/hosts.sh
. "$(dirname "$0")/hosts.sh"
# shellcheck source=tests/interop/running.sh
. "$(dirname "$0")/running.sh"

cd "$T" || exit 1
ask=32 answered=33 # agent/master/messages.h

frames() {
	printf '%s\n' "connect m/run/courier.sock" "$@" |
		"$O/tools/frametool" 2>&1
}
# carry JSON: what comes back for it, `STATUS BODY`
carry() {
	printf '%s' "$1" >carried.json
	frames "send $ask 7 f:carried.json" "skip $answered bs 60000" |
		sed 's/^[^ ]* 7 //'
}
submits() {
	python3 -c '
import json, sys
print(json.dumps({"call": "submit",
                  "statements": [open(f).read() for f in sys.argv[1:]]}))' "$@"
}
courier_starts() {
	"$O/writ-master-courier" -C m >>courier.log 2>&1 &
	courier=$!
	t_stop_later "$courier"
	until_ok says courier.log ready
}
# The first frame says whether the CA is there.
is_there() { [[ $(frames "recv b") == *' 0 1' ]]; }
is_away() { [[ $(frames "recv bs") == *' 0 0 '* ]]; }

# --- a CA and a master --------------------------------------------------------------

here 'a deployment with an operator and a master' hosts_make
s_config ca
here 'its service' s_start ca
t 'a master' "$O/writ-master" init -C m --name master_1 \
	--root "SHA256:$(host_realm | xxd -r -p | base64 | tr -d =)"
cp master_1 m/keys/master_1
cp master_1.pub m/keys/master_1.pub
cat >>m/master.yaml <<-END
	ca:
	  address: "127.0.0.1:$s_port"
	  key: "$(cut -d' ' -f1,2 ca/keys/transport.pub)"
END
: >courier.log
here 'a courier' courier_starts
t_has 'is sealed' "$(cat "/proc/$courier/status")" 'Seccomp:	2'
here 'and connected' until_ok is_there

# --- what it carries -----------------------------------------------------------------

t_has 'it is the master' "$(carry '{"call":"hello"}')" \
	'"person":"master/master_1"'
t_has 'the policy comes' "$(carry '{"call":"policy"}')" '"statement":'
t_has 'and the revocation list' "$(carry '{"call":"krl"}')" '{'
for h in web-1 web-2; do
	host_key $h
	enrols $h
	accepts $h $h.example.com petra
	renews $h $h.example.com
done
carry "$(submits web-1.enrol web-1.accept web-1.renew)" >answer
sed 's/^[0-9]* //' answer | jq -r '.results[2].certificate' >web-1.pub
t_has 'a renewal gives a certificate' "$(ssh-keygen -L -f web-1.pub)" \
	"Key ID: \"web-1.example.com/$(id_of web-1.renew | cut -c1-32)\""
t_has 'what the CA refuses comes back as it said it' \
	"$(carry "$(submits web-2.renew)")" 'no host is here'
t_has 'and what is no call' "$(carry '{"call":"nothing"}')" \
	'no call has the name'
t_has 'nor one of a master' "$(carry '{"call":"pending"}')" 'a call of persons'
printf '{"call":"hello"}' >hello.json
t_eq 'forty questions at once are answered' 40 "$(frames "$(for i in $(seq 40); do
	printf 'send %s %s f:hello.json\n' $ask "$i"
done)" "$(for i in $(seq 40); do
	printf 'skip %s bs 30000\n' $answered
done)" | grep -c master_1)"

# --- who it listens to ------------------------------------------------------------------

frames 'recv -' 'closed 3000' >first &
one=$!
sleep 1
t_has 'one keeper at a time' "$(frames 'closed 2000')" closed
here 'and it says so' says courier.log 'a keeper is there already'
wait "$one"
t_has 'a frame that is not a question ends it' "$(frames 'recv -' \
	'send 33 1 b:0' closed)" closed
t_has 'as does one that cannot be read' "$(frames 'recv -' \
	"send $ask 1 b:0" closed)" closed
t_has 'and an empty one' "$(frames 'recv -' "send $ask 1 s:" closed)" closed
t_has 'it says so' "$(cat courier.log)" 'keeper cut off'
here 'and listens to the next' is_there

# --- the CA away and back -----------------------------------------------------------------

s_stop
here 'a CA that ends is away' until_ok is_away
t_has 'which is the answer' "$(carry '{"call":"hello"}')" 'the CA is not there'
here 'it comes back' s_start ca
here 'and is there' until_ok is_there
carry "$(submits web-2.enrol web-2.accept web-2.renew)" >answer
sed 's/^[0-9]* //' answer | jq -r '.results[2].certificate' >web-2.pub
t_has 'with certificates' "$(ssh-keygen -L -f web-2.pub)" 'web-2.example.com/'
s_stop
ca_key ed25519 another
cp another ca/keys/transport
cp another.pub ca/keys/transport.pub
here 'a CA with another key' s_start ca
sleep 3
here 'is none' is_away
kill "$courier"
wait "$courier"
t_eq 'it ends when it is told to' 0 $?
sed -i '/^ca:/,$d' m/master.yaml
t_not 'and does not start where there is no CA' \
	timeout 10 "$O/writ-master-courier" -C m

t_done
