#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a real host under a real master, from the first connection
# to a verified result: it asks in, is accepted, tests, enforces, confirms what
# touches a way in, and goes on after its agent was killed and its line was cut.
# Needs root.

# shellcheck source=tests/system/hosts.sh
. "$(dirname "$0")/hosts.sh"

writ=$O/writ
for person in olga petra; do
	ssh-keygen -q -t ed25519 -N '' -f "$person" -C "$person"
done
export HOME=$T

# --- a deployment, its master and its fleet -----------------------------------

here 'a deployment is made, and a master' corp_make olga petra

# state NPROC [MORE]: the one file of states.
state() {
	cat >corp/fleet/states/base.yaml <<-END
		limits:
		  pam_limits:
		    limits: [{domain: webapp, type: hard, item: nproc, value: $1}]
		${2-}
	END
}
state 20
t 'policy and fleet are signed' corp_sign olga petra

# --- the master and a host -------------------------------------------------------

hosts_up web db
master_starts
for host in web db; do
	hosts put "$host" /usr/bin "$O/writ-agent" "$O/writ-agent-run" \
	    "$O/writ-agent-link"
	for unit in "$TOP"/packaging/systemd/writ-agent*; do
		hosts put "$host" /etc/systemd/system "$unit"
	done
	on "$host" useradd -r -s /usr/sbin/nologin writ-agent
done
on web useradd -u 41011 -m -s /bin/bash webapp
cat >agent.yaml <<END
root: "$root"
masters:
  - {address: "10.77.0.1:2023", key: "$(cut -d' ' -f1,2 m/keys/master_1.pub)"}
END
on web mkdir -p /etc/writ
hosts put web /etc/writ agent.yaml
on web systemctl daemon-reload
on web systemctl -q enable writ-agent-undo.service
# What a person looks at first leaves nothing in the daemon's way.
t_not 'a look before that finds no bundles' on web writ-agent test
t 'the agent starts' on web systemctl start writ-agent.service

waits() {
	fleet keys -i petra --json >keys.json && python3 - <<-'END'
		import json
		w = [h for h in json.load(open('keys.json'))
		     if h['state'] == 'waiting']
		open('enrol', 'w').write(w[0]['enrol'])
	END
}
has_held() { on web grep -q "\"$1\"" /var/lib/writ/agent/held; }
in_time 'a host that nobody knows waits' waits
t 'an operator accepts it' fleet accept -i petra --id web.example.com -y \
    "$(cat enrol 2>/dev/null)"
in_time 'and it knows who it is' has_held web.example.com || {
	cat keys.json master.log
	on web journalctl -u writ-agent.service --no-pager | tail -n 30
	t_done
}

# --- orders ------------------------------------------------------------------------

order() {
	local name=$1 want=$2 status

	shift 2
	fleet apply -i petra --on '*' -y "$@" >order.out 2>&1
	status=$?
	if [ "$status" -eq "$want" ]; then
		t_ok "$name"
	else
		t_fail "$name" "status $status, expected $want" "$(cat order.out)"
	fi
}
limits() {
	on web sh -c 'cat /etc/security/limits.d/*writ*' 2>/dev/null | tr '\t' ' '
}
fleet push -i petra >push.out 2>&1
order 'an order to test is reported' 0 --test
t_eq 'and changes nothing' '' "$(limits)"
order 'an order to enforce is carried out' 0
t_has 'what it says is there' "$(limits)" 'nproc 20'
order 'once more it changes nothing' 0

# next NPROC [MORE]: another version, signed and with the master.
next() {
	state "$@"
	{
		"$writ" fleet -C corp sign -i petra -y &&
		    fleet push -i petra
	} >next.out 2>&1 </dev/null || cat next.out
}
next 21
before=$(date +%s%N)
order 'a changed value is pushed' 0
took=$((($(date +%s%N) - before) / 1000000))
t_has 'and is there' "$(limits)" 'nproc 21'
printf '    order to verified result, as an operator sees it: %s ms\n' "$took"

# --- a way in, which is confirmed ------------------------------------------------

next 21 'sshd-baseline:
  sshd_config:
    settings: {PasswordAuthentication: no, MaxAuthTries: 4}'
order 'a change of sshd is confirmed by the agent and the master' 0
t_has 'and stays' "$(on web sshd -T)" 'maxauthtries 4'
t_has 'as the run says' "$(on web writ-agent status)" 'confirmed'

# --- killed, and cut off ------------------------------------------------------------

# shellcheck disable=SC2016 # for the host's shell
on web sh -c 'kill -9 $(pidof writ-agent-link)'
next 22
order 'a link that was killed is back for the next order' 0
t_has 'which is carried out' "$(limits)" 'nproc 22'
on web systemctl kill -s KILL writ-agent.service
in_time 'an agent that was killed is back' on web pidof writ-agent-link
next 23
order 'and carries out the next order' 0
t_has 'as it says' "$(limits)" 'nproc 23'

next 24
hosts cut web
fleet apply -i petra --on '*' -y --detach >cut.out 2>&1
t_not 'who is cut off has the old one' grep -q 'nproc 24' <(limits)
hosts heal web
is_24() { limits | grep -q 'nproc 24'; }
in_time 'and converges when healed' is_24

# --- another name -------------------------------------------------------------------

t 'a host is renamed' fleet rename web.example.com www.example.com -i petra -y
in_time 'and learns of it' has_held www.example.com
next 25
fleet apply -i petra --host www.example.com -y >www.out 2>&1
t_has 'an order to the new name is carried out' "$(cat www.out)" changed
t_has 'as it says' "$(limits)" 'nproc 25'

# --- a host that lets itself in ------------------------------------------------------

# place FILE: agent.yaml of db has that for a token.
place() {
	{
		cat agent.yaml
		printf 'id: db-1.example.com\ntoken: /etc/writ/%s\n' "$1"
	} >db.yaml
	on db mkdir -p /etc/writ
	hosts put db /etc/writ "$1"
	on db tee /etc/writ/agent.yaml <db.yaml >/dev/null
	on db systemctl restart writ-agent.service
}
# token FILE PATTERN: a new one, for db.
token() {
	fleet token new "$2" --key "$1" --role db -i petra -y >token.out 2>&1 ||
	    cat token.out
	place "$1"
}
of_db() {
	fleet keys -i petra --json | python3 -c "import json, sys
h = [h for h in json.load(sys.stdin) if 'db-1.example.com' in (h.get('host'),
    h.get('wish'))][0]
sys.exit(h['state'] != sys.argv[1])" "$1"
}
on db systemctl daemon-reload
says_why() {
	on db journalctl -u writ-agent.service --no-pager | grep -q "$1"
}
ssh-keygen -q -t ed25519 -N '' -C plain -f plain.token
on db sh -c 'mkdir -p /var/lib/writ && chmod 700 /var/lib/writ'
place plain.token
in_time 'a directory that is closed to the link is named' \
    says_why '/var/lib/writ is closed to writ-agent'
on db sh -c 'chmod 755 /var/lib/writ && systemctl restart writ-agent.service'
in_time 'one with a key that is no token waits' of_db waiting
in_time 'and says so' says_why 'plain.token: the key is no token'
token web.token 'web-*.example.com'
in_time 'so does one whose token is for others' \
    says_why 'by the token: token is for hosts web-'
in_time 'which waits as well' of_db waiting
token db.token 'db-*.example.com'
in_time 'whose token is for it is accepted' of_db accepted
knows() { on db grep -q '"db-1.example.com"' /var/lib/writ/agent/held; }
in_time 'and believes it itself' knows
has_policy() {
	fleet status -i petra --json | python3 -c "import json, sys
h = [h for h in json.load(sys.stdin) if h['host'] == 'db-1.example.com'][0]
sys.exit(int(h['policy']) == 0)"
}
in_time 'and says soon which policy it has' has_policy
fleet apply -i petra --on "role == 'db'" -y --test >db.out 2>&1
t_has 'with the role that the token gives' "$(cat db.out)" db-1.example.com
t 'it is forgotten, and set up anew' fleet forget db-1.example.com -m scrapped \
    -i petra -y
on db sh -c 'systemctl stop writ-agent.service && rm -rf /var/lib/writ/agent &&
    systemctl start writ-agent.service'
in_time 'it waits, its token being used up' of_db waiting
in_time 'and says that' says_why 'by the token: token was used 1 times'
waits
t 'an operator accepts it like others' fleet accept -i petra \
    --id db-1.example.com -y "$(cat enrol 2>/dev/null)"
in_time 'which it believes as well' knows

for unit in writ-agent-run writ-agent-link; do
	on web sh -c "cat /proc/\$(pidof $unit)/smaps_rollup" 2>/dev/null
done | awk '/^Pss:/ { p += $2 } /^Private_Dirty:/ { d += $2 }
    END { printf "    idle: %d KiB PSS, %d KiB private dirty\n", p, d }'
[ "$t_failed" -eq 0 ] || {
	tail -n 20 master.log
	on web journalctl -u writ-agent.service --no-pager | tail -n 30
}
t_done
