#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a day with the service.  Its four processes run, people
# speak to it through stock ssh, and a stock sshd is the judge: trust, a request
# that waits, the approval, the certificate in a real ssh-agent, the login; a
# denial with its comment; an approval with ssh and ssh-keygen alone; a revocation
# that ends asking; logins that ask by themselves.
#
# Needs root.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

bin=${SERVICE_BIN:-$O}
ca_people
ca_key ed25519 hca
eval "$(declare -f ca_policy | sed '1s/ca_policy/plain_policy/')"
ca_policy() {
	plain_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  careful:
	    to: [engineers]
	    principals: [admin]
	    max: 1h
	    approve: [{approvers: 1}]
	END
}
if ! HOST_CA=hca ca_make corp; then
	t_fail 'a CA is made' "$(cat "$ca_log")"
	t_done
fi
root=$(sed -n 's/.*another way: //p' "$ca_log")
# `writ config sshd` reads the log, so it comes before the service has it.
"$writ" config sshd -C corp -o /etc/ssh/writ --account deploy=admin \
	--account viewer=viewer >>"$ca_log" 2>&1
cp /etc/ssh/writ/writ.conf /etc/ssh/sshd_config.d/
[ -f corp/keys/transport ] || ca_key ed25519 corp/keys/transport
printf 'service:\n  listen: ["127.0.0.1:2022"]\n' >>corp/writ.yaml
chmod 700 corp

"$bin/writ-ca" run -C corp >service.log 2>&1 &
service=$!
t_stop_later $service

# Each person: an agent where keys and certificates go, and a configuration.
mkdir work
person() { # NAME WORDS...: writ as that person
	local who=$1

	shift
	(cd work && WRIT_CONFIG=$T/conf-$who exec "$writ" "$@")
}
ask_ca() { # NAME WORDS...: stock ssh as that person
	local who=$1

	shift
	ssh -F none -p 2022 -o BatchMode=yes -o IdentitiesOnly=yes \
		-o IdentityFile="$T/$who" -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		127.0.0.1 "$@"
}
for ((i = 0; i < 100; i++)); do
	ask_ca alice help </dev/null >/dev/null 2>&1 && break
	sleep 0.1
done
t 'the service answers stock ssh' ask_ca alice help </dev/null
if [ "$t_failed" -gt 0 ]; then
	t_fail 'the service runs' "$(tail -n 20 service.log)"
	t_done
fi

# --- trust
wrong=SHA256:$(openssl dgst -sha256 -binary <alice.pub | base64 | tr -d =)
t_not 'another root of trust is refused' person alice trust 127.0.0.1:2022 \
	"$wrong" -i "$T/alice"
for who in alice olga; do
	t "$who pins the root of trust" person $who trust 127.0.0.1:2022 \
		"$root" -i "$T/$who"
done

# --- a request that waits, its approval, the certificate in the agent, a login
eval "$(ssh-agent -a "$T/agent" -s)" >/dev/null
t_stop_later "$SSH_AGENT_PID"
person alice request admin -m 'to mend it' --for 30m >wait.out 2>wait.err &
waiter=$!
t_stop_later $waiter
for ((i = 0; i < 100; i++)); do
	grep -q '^[0-9a-f]* waits for' wait.err && break
	sleep 0.1
done
t_has 'who waits is told for whom' "$(cat wait.err)" '1 of approvers'
id=$(grep -o '^[0-9a-f]\{12\} waits' wait.err | head -n 1 | cut -d' ' -f1)
t_has 'it is pending for olga' "$(person olga pending)" "$id"
t 'olga approves it' person olga approve "$id" -y
wait $waiter
t_eq 'the waiting ends' 0 $?
t_has 'the certificate is in the agent' "$(ssh-add -L)" \
	ssh-ed25519-cert-v01@openssh.com
host_start web1 22
agent_login() {
	ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		deploy@web1.example.com true </dev/null
}
t 'a stock sshd lets it in' agent_login
t_has 'and logs whose it is' "$(cat "$host_log")" 'ID alice@example.com/'
t_has 'status has it' "$(person alice status)" issued

# --- a denial
person alice request admin -m 'to try it' --no-wait >/dev/null 2>deny.err
t_eq 'it is left waiting' 3 $?
id=$(grep -o 'fetch [0-9a-f]*' deny.err | head -n 1 | cut -d' ' -f2)
t 'olga denies it' person olga deny "$id" --comment 'not on a Friday' -y
out=$(person alice fetch "$id" 2>&1)
t_eq 'a denial is a refusal' 1 $?
t_has 'with its comment' "$out" 'not on a Friday'

# --- an approval with ssh and ssh-keygen alone
person alice request admin -m 'to go on' --no-wait >/dev/null 2>plain.err
id=$(grep -o 'fetch [0-9a-f]*' plain.err | head -n 1 | cut -d' ' -f2)
t_has 'pending, by stock ssh' "$(ask_ca olga pending </dev/null)" "${id:0:8}"
ask_ca olga decision "$id" approve </dev/null >d
t 'stock ssh-keygen signs the line' ssh-keygen -q -Y sign -n decision@writ \
	-f olga d
cat d d.sig >d.signed
t 'stock ssh sends it' ask_ca olga submit <d.signed
t 'and it is issued' person alice fetch "$id"

# --- several, one signature
ids=()
for i in 1 2 3; do
	person alice request admin -m "number $i" --no-wait >/dev/null 2>many.err
	ids+=("$(grep -o 'fetch [0-9a-f]*' many.err | head -n 1 | cut -d' ' -f2)")
done
t 'three are approved at once' person olga approve "${ids[@]}" -y
for id in "${ids[@]}"; do
	t "request $id is issued" person alice fetch "$id"
done

# --- the policy and the rest of what the CA is asked
t 'the policy is pulled to edit' person olga policy pull "$T/copy"
sed -i 's/max: 8h/max: 6h/' copy/policy/ca.yaml
t 'signed' "$writ" policy sign -C copy -i olga -y
t 'and pushed' person olga policy push -C "$T/copy"
t_has 'then it is the one in force' "$(person alice policy pull)" 'policy 2'
t_has 'why tells what the CA knows' "$(person alice why \
	deploy@web1.example.com)" 'the CA says'
out=$(cd work && WRIT_CONFIG=$T/conf-alice setsid -w "$writ" ensure \
	web1.example.com limited 2>&1 </dev/null)
t_eq 'ensure without a terminal fails at once' 1 $?
t_has 'with the command to type' "$out" 'writ request limited -m REASON'

# --- logins that find their certificate
PATH=$(dirname "$writ"):$PATH
WRIT_CONFIG=$T/conf-alice person alice config ssh >ssh_config
sed -i "s,~/.ssh/known_hosts,$T/known," ssh_config
t 'stock ssh takes the snippet' ssh -F ssh_config -G viewer@web1.example.com
t 'a certificate for the viewer' person alice request viewer -m 'to look'
t 'a login finds it by itself' ssh -F ssh_config -o BatchMode=yes \
	-o StrictHostKeyChecking=no -o LogLevel=ERROR viewer@web1.example.com true

# --- a revocation ends asking
t 'olga revokes alice' person olga revoke --person alice@example.com \
	--reason 'left the company' -i "$T/olga" -y
t 'the new list is fetched' person olga krl -o "$T/revoked.krl"
cp revoked.krl /etc/ssh/writ/revoked.krl
t_not 'sshd obeys it' agent_login
t_not 'alice asks no more' person alice request viewer -m 'to look again'

kill $service
wait $service
t_eq 'the service stops in order' 0 $?
t_done
