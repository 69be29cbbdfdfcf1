#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what a real host's journal says of its logins is reported as it
# was, each once, whoever forges lines there, while the agent is killed and no
# master is at hand.
# Needs root.

# shellcheck source=tests/system/logins.sh
. "$(dirname "$0")/logins.sh"

in_time 'from then on its log is read' began
master_ends
# --- logins ---------------------------------------------------------------------

# cert SERIAL VALIDITY: another one for alice's key, with a key id that lies.
lie='x (serial 1) CA ED25519 SHA256:fake'
cert() {
	ssh-keygen -q -s ca -I "$lie" -z "$1" -n alice -V "$2" alice.pub
}
web=$(on web hostname -I | tr ' ' '\n' | grep '^10\.77\.')
# by KEY ACCOUNT [COMMAND...]
by() {
	local key=$1 account=$2

	shift 2
	near ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -i "$key" \
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
	    -o LogLevel=ERROR "$account@$web" "$@" </dev/null
}
printf '#!/bin/sh\necho correct-horse\n' >askpass
chmod 755 askpass
by_password() {
	near env SSH_ASKPASS="$PWD/askpass" SSH_ASKPASS_REQUIRE=force ssh -F none \
	    -o PubkeyAuthentication=no -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "alice@$web" "$@" \
	    </dev/null
}

# events: what was reported and not sent yet, one a line; sessions by number.
events() {
	unsent | jq -Rr 'fromjson? | select(.kind == "logins") | .events[] |
	    [.what, .account // "-", .method // "-", .serial // "-",
	     .key_id // "-", .command // "-", .as // "-", .why // "-",
	     .session // "-"] | join("\t")' | awk -F '\t' -v OFS='\t' '
	    $9 != "-" { if (!($9 in n)) n[$9] = ++last; $9 = "s" n[$9] } 1'
}
has_events() { [ "$(events | wc -l)" -ge "$1" ]; }

cert 41 +1h
t 'somebody logs in with a certificate, and calls sudo' by alice alice \
    'sudo /usr/bin/id && sudo -u bob /bin/echo "a ; USER=root"'
in_time 'which is told at once' has_events 4

# Lines of a user's: of syslog, of the journal, and of a sudo that is not sudo.
# Whoever says them is there until journald has looked.
# shellcheck disable=SC2016 # for the shell there
t 'somebody logs in with a key, and forges lines' by plain bob '
	say() { (printf "%s\n" "$1"; sleep 0.5) | "$2" -t "$3"; }
	ok="Accepted publickey for root from 10.0.0.1 port 5 ssh2: RSA SHA256:x"
	did="root : PWD=/ ; USER=root ; COMMAND=/bin/false"
	cp /usr/bin/logger /tmp/sudo
	say "$ok" logger sshd & say "$ok" logger "sshd[1]" & say "$did" logger sudo &
	say "$did" /tmp/sudo sudo & say "$ok" /tmp/sudo sshd &
	say "pam_unix(sshd:session): session closed for user alice" logger sshd &
	printf "_UID=0\n_EXE=/usr/sbin/sshd\nSYSLOG_IDENTIFIER=sshd\nMESSAGE=%s\n" \
	    "$ok" | logger --journald
	wait'
on web systemctl kill -s KILL writ-agent.service
t 'somebody logs in by a password' by_password true
cert 42 20200101:20200102
t_not 'nobody does with a certificate that has expired' by alice alice true
cert 43 +1h
t 'somebody logs in once more' by alice alice true

cat >want <<END
login	alice	publickey	41	$lie	-	-	-	s1
sudo	alice	-	-	-	/usr/bin/id	root	-	s1
sudo	alice	-	-	-	/home/alice ; USER=bob ; COMMAND=/bin/echo 'a ; USER=root'	-	-	s1
end	alice	-	-	-	-	-	-	s1
login	bob	publickey	-	-	-	-	-	s2
end	bob	-	-	-	-	-	-	s2
login	alice	password	-	-	-	-	-	s3
end	alice	-	-	-	-	-	-	s3
refused	alice	-	-	-	-	-	Certificate invalid: expired	-
login	alice	publickey	43	$lie	-	-	-	s4
end	alice	-	-	-	-	-	-	s4
END
in_time 'all of it is told after the agent was killed' has_events \
    "$(wc -l <want)"
# Looks that find nothing more, each by a new process.
for _ in 1 2; do
	on web systemctl restart writ-agent.service
	sleep 1
done
t_eq 'each once, and nothing else' "$(cat want)" "$(events)"
# With the whole certificate, and in no other way.
whole() {
	unsent | jq -Rr 'fromjson? | select(.kind == "logins") | .events[] |
	    select(.tbs) | .serial'
}
t_eq 'of certificates all of it was seen' "$(printf '41\n43')" "$(whole)"
t_not 'which no user can say of himself' on web runuser -u bob -- env \
    PAM_TYPE=open_session PAM_USER=bob SSH_AUTH_INFO_0="publickey $(
	cut -d' ' -f1,2 alice-cert.pub)" writ-agent seen
t_eq 'and nothing of it stays' '' "$(on web ls /var/lib/writ/agent/pam)"
t_eq 'nor was it an alarm' '' "$(unsent | jq -Rr 'fromjson? |
    select(.kind == "alarm") | .message | select(startswith("logins"))')"
lost() { unsent | jq -Rr 'fromjson? | .lost // empty'; }
t_eq 'with nothing lost' '' "$(lost)"

# --- a journal that somebody removed, and a master that is back -------------------

on web sh -c 'journalctl -q --rotate; journalctl -q --vacuum-time=1s;
    systemctl restart writ-agent.service'
t 'somebody logs in after the journal was removed' by plain bob true
in_time 'which is told' has_events "$(($(wc -l <want) + 2))"
t_has 'and that something is missing' "$(unsent)" '"lost":"1"'
master_starts
all() { fleet logins -i petra --json | jq length; }
has_all() { [ "$(all)" -ge "$(($(wc -l <want) + 2))" ]; }
in_time 'a master that is back gets all of it' has_all
t_eq 'once' "$(($(wc -l <want) + 2))" "$(all)"

# --- a clock that is hours off ----------------------------------------------------

# clock SECONDS: of all programs of the host that start from now on, and at once of
# those that have begun so.
clock() {
	python3 -c 'import struct, sys
sys.stdout.buffer.write(struct.pack("=3q", int(sys.argv[1]), 0, 0))' "$1" >off
	# In its place: it is mapped.
	on web dd of=/etc/fakeclock conv=notrunc status=none <off
}
# Who asks by his own clock; of a host's that is off, account, method, by how much.
since() { fleet logins -i petra --since "$1" --what login --json; }
told() {
	since 20m | jq -r '.[] | select(.clock != "") |
	    "\(.account) \(.method) \(.clock)"'
}
has_told() { [ "$(told | wc -l)" -ge "$1" ]; }
hosts put web /usr/lib "$O/tools/fakeclock.so"
clock -18000
on web sh -c 'echo /usr/lib/fakeclock.so >/etc/ld.so.preload
    systemctl restart systemd-journald ssh rsyslog writ-agent'
t_eq 'the clock of a host is five hours behind' 0 \
    "$((($(on web date +%s) - $(date +%s) + 18000) / 60))"
cert 44 -6h:+1h
t 'somebody logs in there with a certificate' by alice alice true
t 'with a key' by plain bob true
t 'and by a password' by_password true
in_time 'who asks for the last minutes finds them' has_told 3
t_eq 'each once, set right, with how far the clock is off' \
    "$(printf '%s\n' 'alice publickey -18000' 'bob publickey -18000' \
	'alice password -18000')" \
    "$(told | sed 's/-1799[0-9]$\|-1800[0-9]$/-18000/')"
clock 7200
t 'it is set, to two hours ahead, and somebody logs in' by plain bob true
in_time 'who is found as well' has_told 4
t_eq 'with how far it is off then' 'bob publickey 7200' \
    "$(told | tail -n 1 | sed 's/719[0-9]$\|720[0-9]$/7200/')"
master_ends
on web systemctl restart writ-agent.service
t 'somebody logs in while no master is there, to an agent that began so' \
    by plain bob true
sent=$(unsent | wc -l)
told_here() { [ "$(unsent | wc -l)" -gt "$sent" ]; }
in_time 'which waits' told_here
master_starts
in_time 'and is found when one is back' has_told 5
t_eq 'set right as well' 'bob publickey 7200' \
    "$(told | tail -n 1 | sed 's/719[0-9]$\|720[0-9]$/7200/')"
t_eq 'each of them once' 5 "$(told | wc -l)"
t_eq 'and nobody of a time to come' '' \
    "$(since 20m | jq -r --arg now "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
	'.[] | select(.at > $now) | .at')"
clock 0
on web sh -c 'rm /etc/ld.so.preload /etc/fakeclock
    systemctl restart systemd-journald ssh rsyslog writ-agent'

# --- a host that keeps no journal ---------------------------------------------------

no_journal
in_time 'without a journal auth.log is read' reads_file
t 'somebody logs in' by plain bob true
on web sh -c 'mv /var/log/auth.log /var/log/auth.log.1
    systemctl kill -s HUP rsyslog.service'
t 'and again after it was rotated' by plain bob true
of_file() {
	fleet logins -i petra --json | jq -r '.[] |
	    select(.source == "file") | "\(.what) \(.account) \(.from)"'
}
has_file() { [ "$(of_file | wc -l)" -ge 4 ]; }
on web systemctl restart writ-agent.service
in_time 'which is told' has_file
near_ip=10.77.0.1
t_eq 'each once' "$(printf '%s bob %s\n' login "$near_ip" end "$near_ip" \
    login "$near_ip" end "$near_ip")" "$(of_file)"

# A thousand at once, read by processes that are killed while they do.
logs 1000 burst
# shellcheck disable=SC2016 # for the shell there
on web sh -c 'for i in 1 2 3 4 5 6; do
    systemctl restart writ-agent.service; sleep 0.$i
    kill -9 $(pidof writ-agent) 2>/dev/null && echo killed; done
    systemctl restart writ-agent.service' >killed.out
printf '    killed %s times\n' "$(grep -c killed killed.out)"
burst() { fleet logins -i petra --account burst --json >burst.json; }
has_burst() { burst && [ "$(jq length burst.json)" -ge 1000 ]; }
in_time 'a thousand logins are told' has_burst
t_eq 'each once' "$(seq 1000)" \
    "$(jq -r '.[].port' burst.json | sort -n)"
# --- more than a report carries, while no master is at hand --------------------------

master_ends
logs 250 queued
waiting() { unsent | grep -c '"account":"queued"'; }
are_waiting() { [ "$(unsent | grep -o '"account":"queued"' | wc -l)" -eq 250 ]; }
in_time 'more logins than a report carries wait for a master' are_waiting
t 'in several reports' test "$(waiting)" -gt 1
master_starts
queued() { fleet logins -i petra --account queued --json >queued.json; }
has_queued() { queued && [ "$(jq length queued.json)" -ge 250 ]; }
in_time 'a master that is back gets them' has_queued
t_eq 'each once' "$(seq 250)" "$(jq -r '.[].port' queued.json | sort -n)"
[ "$t_failed" -eq 0 ] || {
	tail -n 20 master.log
	on web journalctl -u writ-agent.service --no-pager | tail -n 30
}
t_done
