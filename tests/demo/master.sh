# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/demo/story.sh: three hosts that a master looks after.  Nobody
# believes it: petra's signature is what moves a host.

: "${root:?}" "${HOSTS:?}" "${bucket:?}" "${prefix:?}" "${bold?}" "${plain?}"

master=''
master_stop() {
	[ -n "$master" ] || return 0
	kill "$master" 2>/dev/null
	wait "$master" 2>/dev/null
	master=''
}

# fleet COMMAND...: petra's, from where the hosts' network is.
fleet() {
	as petra "$HOSTS" run "$O/writ" fleet -C ca "$@" -i petra/id_ed25519
}
# until_fleet TEXT COMMAND...: for at most two minutes.
until_fleet() {
	local text=$1 i

	shift
	for ((i = 0; i < 240; i++)); do
		! "$HOSTS" run "$O/writ" fleet -C ca "$@" -i petra/id_ed25519 \
		    2>&1 </dev/null | grep -q -- "$text" || return 0
		sleep 0.5
	done
	surprise "expected of writ fleet $*: $text"
}
# sign_fleet SED-COMMAND: the next version, with this change
sign_fleet() {
	sed "$1" base.fleet >ca/fleet/states/base.yaml
	lines=1 as petra writ fleet sign -C ca -i petra/id_ed25519 -y
	out=$(tail -n 1 <<<"$out")
}

chapter 'A fleet'
tell 'Carrying bundles to hosts is a master'"'"'s work.  It has two keys of its' \
	'own, which officers put into the policy; no host believes it before.'
lines=2 as petra writ-master -C master init --name master_1 --root "$root"
cp master/keys/*.pub ca/policy/authorities/
sed -i 's/^  log: \[\(.*\)\]$/  log: [\1, master_1_log]\n  master: [master_1]/' \
    ca/policy/ca.yaml
cat >ca/policy/people/anna@example.com.yaml <<END
keys: ["$(cut -d' ' -f1,2 anna/id_ed25519.pub)"]
END
lines=4 as olga writ policy sign -C ca -y -i olga/id_ed25519
lines=4 as ivan writ policy sign -C ca -y -i ivan/id_ed25519
answers 'is published'
cp -r ca/bundle master/bundle
mkdir -p "$TESTHOSTS_DIR" ca/fleet/states ca/fleet/pillar
as petra "$HOSTS" up web db edge
printf '\n%spetra$%s writ-master -C master run &\n' "$bold" "$plain"
"$HOSTS" run "$O/writ-master" -C master run >master.log 2>&1 </dev/null &
master=$!
cat >agent.yaml <<END
root: $root
masters:
  - {address: "10.77.0.1:2023", key: $(cut -d' ' -f1,2 master/keys/master_1.pub)}
END
show agent.yaml
tell 'That file is all a host is told.  It makes a key, dials out, and asks in.'
for host in web db edge; do
	"$HOSTS" put "$host" /usr/bin "$O/writ-agent" "$O"/writ-agent-*
	"$HOSTS" put "$host" /etc/systemd/system "$TOP"/packaging/systemd/writ-agent*
	"$HOSTS" exec "$host" sh -c 'useradd -r writ-agent; useradd webapp
	    useradd -m -s /bin/bash deploy; mkdir -p /etc/writ'
	"$HOSTS" put "$host" /etc/writ agent.yaml
	"$HOSTS" exec "$host" systemctl -q enable --now writ-agent-undo.service \
	    writ-agent.service
done
for host in web db edge; do
	until_fleet "waiting  $host" keys --master 10.77.0.1
done
fleet keys --master 10.77.0.1
answers waiting
tell 'Who they are is for petra to say.'
fleet accept --all '*' --master 10.77.0.1 -y
answers 'edge is accepted'

tell 'What they are to be is signed as before.  One is spared a part of it, on' \
	'purpose: on edge a scanner logs in that knows no certificates yet.'
cat >base.fleet <<END
sshd:
  sshd_config:
    settings: {PermitRootLogin: no, PasswordAuthentication: no, MaxAuthTries: 4}
  cis: ["5.1.20"]
  exceptions:
    - match: "id == 'edge'"
      reason: the scanner knows no certificates yet
      owner: petra@example.com
      expires: $(date -d '+30 days' +%Y-%m-%d)
trust:
  ssh_ca:
    accounts: {deploy: [deploy]}
firewall:
  iptables:
    input: {policy: drop, allow: [{port: 22}]}
limits:
  pam_limits:
    limits: [{domain: webapp, type: hard, item: nproc, value: 20}]
END
rm -f ca/fleet/pillar/*
cat >ca/fleet/fleet.yaml <<'END'
masters: [{address: "10.77.0.1:2023", key: master_1}]
hosts: {confirm_within: 30s}
END
printf 'states:\n  - {match: "*", apply: [base]}\n' >ca/fleet/top.yaml
sign_fleet ''
tell 'First the hosts say what would change, and change nothing.'
lines=60 fleet apply --test --on '*' -y --diff
answers '3 hosts: 3 would change; done'
answers '+PasswordAuthentication no'
tell 'Then in steps: one, a tenth, the rest.  Each host goes on only when a new' \
	'connection to the master works and the master reaches its sshd.'
fleet apply --on '*' -y
answers '3 hosts: 3 changed; done'
tell 'Once more: nothing is left to do.'
sleep 1.1
fleet apply --on '*' -y
answers '3 hosts: 3 unchanged; done'

tell 'A bad day: a firewall that lets in a network where nobody is.  The first' \
	'host cannot be reached from outside, takes it back, and says so; the' \
	'others never hear of it.'
sign_fleet 's!{port: 22}!{port: 22, from: 192.0.2.0/24}!'
want=1 fleet apply --on '*' -y
answers 'undone'
answers '2 not heard of; stopped'
fleet status
answers 'undone'
tell 'Another lets nothing out.  It cannot drop the master: the way to him is' \
	'in front of all rules, so the hosts are heard, and are on their way in.'
sign_fleet 's/^    input:/    output: {policy: drop}\n&/'
fleet apply --on '*' -y
answers '3 hosts: 3 changed; done'
out=$("$HOSTS" exec web iptables -S | grep -m 1 -- '--dport 2023')
trimmed 1
answers '-d 10.77.0.1/32 -p tcp'

tell 'Mended, while the line to edge is cut: it is brought on when it is back,' \
	'by whatever was ordered last.'
as petra "$HOSTS" cut edge fleet
sign_fleet 's/value: 20/value: 25/'
fleet apply --on '*' -y --detach
job=$(sed -n 's/^job //p' <<<"$out")
as petra "$HOSTS" heal edge
fleet watch "$job"
answers '3 hosts: 3 changed; done'
"$HOSTS" exec edge grep -rq 'webapp.*nproc.*25' /etc/security/limits.d ||
    surprise 'edge is not what it should be'
fleet status
answers ', 0 behind'

chapter 'Who logged in, and why'
tell 'Three people log in on three hosts for three reasons, which olga has' \
	'approved.'
# login HOST USER WHO OPTION...: from where the hosts' network is
login() {
	as "$3" "$HOSTS" run ssh -F none -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
	    -o ConnectTimeout=5 -o IdentitiesOnly=yes "${@:4}" -o BatchMode=yes \
	    "$2@$("$HOSTS" ip "$1")" hostname
	answers "$1"
}
# approved HOST WHO REASON
approved() {
	who=$2 ask m1 deploy --for 1h -m "$3"
	as petra writ sign -C ca "$2/m1.req"
	login "$1" deploy "$2" -i "$DEMO_HOME/$2/id_ed25519"
}
approved web alice 'Roll out release 4.3'
approved db tom 'Restart the database'
approved edge lena 'Look why the proxy is slow'
tell 'And two that nobody has: the scanner, by the password that was left open' \
	'for it, and a certificate by a copy of the CA key, which sshd cannot tell' \
	'from others.'
"$HOSTS" exec edge sh -c 'useradd -m -s /bin/bash scanner &&
    echo scanner:secret | chpasswd'
mkdir scanner mallory
printf '#!/bin/sh\necho secret\n' >scanner/askpass
chmod 755 scanner/askpass
export SSH_ASKPASS=$DEMO_HOME/scanner/askpass SSH_ASKPASS_REQUIRE=force
login edge scanner scanner -o PreferredAuthentications=password -o BatchMode=no
unset SSH_ASKPASS SSH_ASKPASS_REQUIRE
ssh-keygen -q -t ed25519 -N '' -C mallory -f mallory/stolen
as mallory ssh-keygen -q -s ca/keys/user_ca -I alice@example.com/m1 -n deploy \
    -z 4711 -V +1h mallory/stolen.pub
login db deploy mallory -i "$DEMO_HOME/mallory/stolen"
tell 'Hosts report each login, signed; a master can neither make one up nor' \
	'leave one out.  The auditor has her copy of the log, and asks:'
until_logins() {
	local i

	for ((i = 0; i < 240; i++)); do
		[ "$("$HOSTS" run "$O/writ" fleet -C ca logins --since 10m \
		    --what login --json -i petra/id_ed25519 2>&1 </dev/null |
		    grep -c '"host"')" -lt "$1" ] || return 0
		sleep 0.5
	done
	surprise "expected $1 logins at the master"
}
until_logins 5
mkdir -p anna/ca/log
cp -r ca/bundle ca/writ.yaml anna/ca/
as anna s3cmd -q -c anna/s3cfg get --recursive "s3://$bucket/$prefix/" \
    anna/ca/log/
sed -i 's!^log: .*!log: dir:log!' anna/ca/writ.yaml
audit() {
	as anna "$HOSTS" run "$O/writ" audit "$@" -C anna/ca -i anna/id_ed25519
}
audit who --since 10m
answers 'Roll out release 4.3'
answers 'Restart the database'
answers 'Look why the proxy is slow'
answers 'never issued'
answers 'no certificate'
tell 'What nothing explains has to be nothing, so this ends with 1:'
want=1 audit gaps --since 10m
answers 'no log has serial 4711 of this CA'
answers ' scanner '
audit report --since 10m --html anna/logins.html
master_stop
tell "The master's log is gone through as the CA's is, and compared with it: the" \
	'stolen key shows there as well, so this ends with 1.'
cp -r master/log anna/master-log
want=1 as anna writ audit verify -C anna/ca --root "$root" \
    --fleet-log "dir:$PWD/anna/master-log"
answers 4711
as anna writ audit hosts -C anna/ca --fleet-log "dir:$PWD/anna/master-log"
answers 'edge'
tell 'And what edge was spared has its reason, its owner and its end:'
as anna writ audit hosts --cis -C anna/ca --fleet-log "dir:$PWD/anna/master-log"
answers 'the scanner knows no certificates yet'
hosts_stop
