#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what a real host's journal says of its logins is reported as it
# was, each once, whoever forges lines there, while the agent is killed and no
# master is at hand.
# Needs root.

# shellcheck source=tests/system/hosts.sh
. "$(dirname "$0")/hosts.sh"

writ=$O/writ
export HOME=$T
for key in olga petra ca alice plain; do
	ssh-keygen -q -t ed25519 -N '' -f "$key" -C "$key"
done

# --- a master, and a host that it has accepted --------------------------------

setup() {
	"$writ" init corp --single-officer --officer olga@example.com=olga.pub \
	    --operator petra@example.com=petra.pub &&
	    "$writ" policy sign -C corp -i olga -y
} >setup.out 2>&1 </dev/null
t 'a deployment is made' setup
root=$(grep -ho 'SHA256:[A-Za-z0-9+/]*' setup.out | tail -n 1)
mkdir m
"$O/writ-master" -C m init --name master_1 --root "$root" >init.out 2>&1
cp m/keys/master_1.pub m/keys/master_1_log.pub corp/policy/authorities/
sed -i 's/^  log: \[/  master: [master_1]\n  log: [master_1_log, /' \
    corp/policy/ca.yaml
rm -rf corp/fleet
mkdir -p corp/fleet/states m/bundle
cat >corp/fleet/fleet.yaml <<'END'
masters:
  - {address: "10.77.0.1:2023", key: master_1}
hosts: {confirm_within: 60s, interval: 1h, splay: 1m}
END
printf 'states:\n  - match: "*"\n    apply: [base]\n' >corp/fleet/top.yaml
cat >corp/fleet/states/base.yaml <<'END'
limits:
  pam_limits:
    limits: [{domain: alice, type: hard, item: nproc, value: 90}]
END
sign() {
	"$writ" policy sign -C corp -i olga -y &&
	    "$writ" fleet -C corp sign -i petra -y && cp -a corp/bundle/. m/bundle/
} >sign.out 2>&1 </dev/null
t 'policy and fleet are signed' sign

hosts_up web
# By its own number: what starts it in the network would die alone.
master() {
	rm -f master.pid
	# shellcheck disable=SC2016 # for the shell there
	near sh -c 'echo $$ >master.pid; exec "$1" -C m run' sh \
	    "$O/writ-master" >>master.log 2>&1 </dev/null &
	until [ -s master.pid ]; do
		sleep 0.1
	done
	t_stop_later "$(cat master.pid)"
}
master
hosts put web /usr/bin "$O/writ-agent" "$O/writ-agent-run" "$O/writ-agent-link"
hosts put web /etc/systemd/system "$TOP"/packaging/systemd/writ-agent.service
cat >agent.yaml <<END
root: "$root"
masters:
  - {address: "10.77.0.1:2023", key: "$(cut -d' ' -f1,2 m/keys/master_1.pub)"}
END
on web mkdir -p /etc/writ
hosts put web /etc/writ agent.yaml
hosts put web /etc/ssh ca.pub plain.pub
on web sh -c 'useradd -r -s /usr/sbin/nologin writ-agent
    useradd -u 41021 -m -s /bin/bash alice
    useradd -u 41022 -m -s /bin/bash bob
    echo alice:correct-horse | chpasswd
    echo "alice ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/alice
    install -d -o bob -m 700 /home/bob/.ssh
    install -o bob -m 600 /etc/ssh/plain.pub /home/bob/.ssh/authorized_keys
    printf "TrustedUserCAKeys /etc/ssh/ca.pub\nPasswordAuthentication yes\n" \
        >/etc/ssh/sshd_config.d/00-test.conf
    chmod 644 /etc/ssh/ca.pub
    sed -i "0,/^session/s,,session optional pam_exec.so quiet /usr/bin/writ-agent seen\n&," \
        /etc/pam.d/sshd
    echo "SSH_AUTH_INFO_0=publickey x" | tee /home/alice/.pam_environment \
        >/home/bob/.pam_environment
    systemctl restart ssh; systemctl daemon-reload
    systemctl start writ-agent.service' >web.out 2>&1

waits() {
	fleet keys -i petra --json >keys.json && jq -er \
	    '[.[] | select(.state == "waiting")][0].enrol' keys.json >enrol
}
in_time 'the host waits' waits
t 'and is accepted' fleet accept -i petra --id web.example.com -y "$(cat enrol)"
began() { on web sh -c 'ls /var/lib/writ/agent/logins/*'; }
in_time 'from then on its log is read' began
kill "$(cat master.pid)"
# In the order of their numbers.
unsent() {
	# shellcheck disable=SC2016 # for the shell there
	on web sh -c 'cd /var/lib/writ/agent/reports && cat $(ls -v)' 2>/dev/null
}

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
master
all() { fleet logins -i petra --json | jq length; }
has_all() { [ "$(all)" -ge "$(($(wc -l <want) + 2))" ]; }
in_time 'a master that is back gets all of it' has_all
t_eq 'once' "$(($(wc -l <want) + 2))" "$(all)"

# --- a host that keeps no journal ---------------------------------------------------

on web sh -c 'mkdir -p /etc/systemd/journald.conf.d
    printf "[Journal]\nStorage=none\nForwardToSyslog=yes\n" \
        >/etc/systemd/journald.conf.d/test.conf
    systemctl restart systemd-journald
    rm -rf /var/log/journal /run/log/journal
    systemctl restart writ-agent.service'
reads_file() { on web grep -q '"source":"file"' -r /var/lib/writ/agent/logins; }
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
awk -v at="$(date -u +%Y-%m-%dT%H:%M:%SZ)" 'BEGIN {
    for (i = 1; i <= 1000; i++)
        printf "%s web sshd[%d]: Accepted password for burst from " \
            "192.0.2.1 port %d ssh2\n", at, 100000 + i, i }' >burst
on web sh -c 'cat >>/var/log/auth.log' <burst
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
[ "$t_failed" -eq 0 ] || {
	tail -n 20 master.log
	on web journalctl -u writ-agent.service --no-pager | tail -n 30
}
t_done
