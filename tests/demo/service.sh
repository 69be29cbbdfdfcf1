# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/demo/story.sh: the same CA as a service that a team lives
# with.  bob is an engineer; petra starts it, and stops it in the end.

: "${bold?}" "${plain?}" "${root:?}"

service=''
service_stop() {
	[ -n "$service" ] || return 0
	kill "$service" 2>/dev/null
	wait "$service" 2>/dev/null
	service=''
}

# meanwhile WHO COMMAND...: begun, and left waiting; comes shows what it said.
meanwhile() {
	local who=$1

	shift
	printf '\n%s%s$%s %s\n' "$bold" "$who" "$plain" "$(typed "$@")"
	"$@" >"$DEMO_HOME/meanwhile" 2>&1 </dev/null &
	waiting=$!
}

# until FILE has TEXT, for at most ten seconds.
until_said() {
	local i

	for ((i = 0; i < 100; i++)); do
		! grep -q -- "$2" "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	surprise "expected in $1: $2"
}

comes() {
	wait "$waiting" || surprise "status $?: $(cat meanwhile)"
	printf '\n%s%s, on the terminal that waited:%s\n' "$bold" "$1" "$plain"
	out=$(cat meanwhile)
	trimmed 24
	rm -f meanwhile
}

# Each keeps what he knows of the CA in a directory of his own.
as_bob() { WRIT_CONFIG=bob/writ SSH_AUTH_SOCK=bob/agent as bob "$@"; }
as_olga() { WRIT_CONFIG=olga/writ as olga "$@"; }
as_ivan() { WRIT_CONFIG=ivan/writ as ivan "$@"; }
id_in() { grep -o '^[0-9a-f]\{12\}' "$1" | head -n 1; }

chapter 'The service'
tell 'So far petra typed whatever the keys were needed for.  For a team the' \
	'same directory is served by four processes: one faces the network and' \
	'holds no key of the CA, one keeps the log, one signs and believes' \
	'nobody, one tells people.  Is all in place?'
printf 'service:\n  listen: ["127.0.0.1:2022"]\n' >>ca/writ.yaml
chmod 700 ca
lines=30 as petra writ-ca check -C ca
printf '\n%spetra$%s writ-ca run -C ca &\n' "$bold" "$plain"
writ-ca run -C ca >service.log 2>&1 &
service=$!
until_said service.log 'the service is ready'
as petra writ-ca status -C ca
tell 'bob and olga are told where it is, and the fingerprint of the root of' \
	'trust.  Whatever the service says from now on is checked against it.'
as_bob writ trust ca.example.com:2022 "$root" -i bob/id_ed25519
as_olga writ trust ca.example.com:2022 "$root" -i olga/id_ed25519

chapter 'bob asks and waits'
SSH_AUTH_SOCK='' ssh-agent -a bob/agent >bob/agent.pid ||
	surprise 'no ssh-agent'
agent_pid=$(grep -o 'SSH_AGENT_PID=[0-9]*' bob/agent.pid | cut -d= -f2)
WRIT_CONFIG=bob/writ SSH_AUTH_SOCK=bob/agent meanwhile bob \
	writ request deploy --for 1h -m 'Deploy release 4.3 to web1'
until_said meanwhile '^[0-9a-f]\{12\}'
id=$(id_in meanwhile)
as_olga writ pending
answers "$id"
tell 'olga fetches it, checks it on her own machine, and signs with the key' \
	'she has.'
lines=6 as_olga writ approve "$id" -y
comes bob
tell 'The certificate is in his ssh-agent, with a key made for it, until it' \
	'ends.  No file, nothing to clean up.'
as_bob ssh-add -l
listen web1.log
SSH_AUTH_SOCK=bob/agent as bob ssh -F bob/ssh_config deploy@web1.example.com id
answers 'uid=61000(deploy)'
host_says 'ID bob@example.com/'

chapter 'A denial, and stock ssh'
want=3 as_bob writ request deploy --for 8h -m 'Just in case, who knows' --no-wait
id=$(grep -o 'fetch [0-9a-f]*' <<<"$out" | head -n 1 | cut -d' ' -f2)
lines=6 as_olga writ deny "$id" -y --comment 'Ask when there is a release'
want=1 as_bob writ fetch "$id"
answers 'Ask when there is a release'
tell 'ivan has nothing installed but OpenSSH.  He reads, signs and sends the' \
	'line that the service gives him.'
want=3 as_bob writ request deploy --for 1h -m 'Roll back to 4.2' --no-wait
id=$(grep -o 'fetch [0-9a-f]*' <<<"$out" | head -n 1 | cut -d' ' -f2)
cat >ivan/ssh_config <<END
Host ca.example.com
	Port 2022
	IdentityFile ivan/id_ed25519
	IdentitiesOnly yes
	UserKnownHostsFile ivan/known_hosts
	StrictHostKeyChecking accept-new
	BatchMode yes
	LogLevel ERROR
END
as ivan ssh -F ivan/ssh_config ca.example.com pending
answers "${id:0:8}"
as ivan sh -c "ssh -F ivan/ssh_config ca.example.com decision ${id:0:8} approve >d"
as ivan ssh-keygen -q -Y sign -n decision@writ -f ivan/id_ed25519 d
as ivan sh -c 'cat d d.sig | ssh -F ivan/ssh_config ca.example.com submit'
rm -f d d.sig
as_bob writ fetch "$id"

chapter 'bob leaves'
as_ivan writ trust ca.example.com:2022 "$root" -i ivan/id_ed25519
as_ivan writ revoke --person bob@example.com --reason 'Left the company' -y
as_olga writ krl -o /etc/ssh/writ/revoked.krl
listen web1.log
SSH_AUTH_SOCK=bob/agent want=255 as bob ssh -F bob/ssh_config \
	deploy@web1.example.com true
host_says 'revoked by file'
tell 'What he had is dead, and he gets nothing new.'
want=6 as_bob writ request viewer -m 'One more look' --no-wait
tell 'petra goes back to files for the rest of the day.'
kill "$agent_pid" 2>/dev/null
service_stop
