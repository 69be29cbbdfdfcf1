# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/demo/story.sh: hosts under signed policy.  web and db are
# whole hosts, with an init, a firewall and accounts of their own
# (tests/lab/testhosts); petra is their operator.

: "${root:?}"

export TESTHOSTS_DIR=$DEMO_HOME/hosts TESTHOSTS_BASE=$O/lab/base
HOSTS=$TOP/tests/lab/testhosts

hosts_stop() {
	[ ! -d "$TESTHOSTS_DIR" ] || "$HOSTS" down >/dev/null 2>&1
	rm -rf "$TESTHOSTS_DIR"
}

# on_web COMMAND...: petra, as root on web; on_db likewise.
on_web() {
	as 'petra@web' "$HOSTS" exec web "$@"
}
on_db() {
	as 'mallory@db' "$HOSTS" exec db "$@"
}
# carry: what is published goes to the host, by any means there is.
carry() {
	"$HOSTS" exec web rm -rf /srv/writ
	"$HOSTS" exec web mkdir -p /srv/writ
	tar -c -C ca bundle | "$HOSTS" exec web tar -x -C /srv/writ ||
	    surprise 'the bundle does not reach the host'
}
agent() {
	local verb=$1

	shift
	on_web writ-agent "$verb" --local /srv/writ "$@"
}
# until_web COMMAND...: for at most thirty seconds.
until_web() {
	local i

	for ((i = 0; i < 60; i++)); do
		! "$HOSTS" exec web "$@" >/dev/null 2>&1 || return 0
		sleep 0.5
	done
	surprise "on web, this does not come about: $*"
}
web_ssh() {
	as alice "$HOSTS" run ssh -F none -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
	    -o ConnectTimeout=5 -o BatchMode=yes -o IdentitiesOnly=yes \
	    -i "$DEMO_HOME/alice/id_ed25519" "$@"
}

chapter 'What a host is to be'
tell 'Two stock Debian hosts start, with systemd, sshd and fail2ban.  web' \
	'takes passwords, runs scripts in /tmp and has no firewall.'
mkdir -p "$TESTHOSTS_DIR"
as petra "$HOSTS" up web db
web=$("$HOSTS" ip web)
"$HOSTS" exec web sh -c 'useradd -u 61000 -m -s /bin/bash deploy &&
    useradd -u 61001 -m -s /bin/bash webapp && echo deploy:secret | chpasswd &&
    echo "deploy ALL=(root) NOPASSWD: /usr/bin/writ-agent" >/etc/sudoers.d/deploy'
"$HOSTS" put web /usr/bin "$O/writ-agent"
"$HOSTS" put web /etc/systemd/system "$TOP"/packaging/systemd/writ-agent-*
"$HOSTS" exec web systemctl -q enable writ-agent-undo.service

tell 'petra writes down what it is to be.  Whoever signs this is root on the' \
	'hosts, so it is signed like the policy, and no server is believed.'
rm -rf ca/fleet
mkdir -p ca/fleet/states ca/fleet/pillar
echo 'hosts: {confirm_within: 10s}' >ca/fleet/fleet.yaml
cat >ca/fleet/top.yaml <<'END'
states:
  - {match: "*", apply: [base]}
pillar:
  - {match: "*", use: [common]}
END
echo 'management: [10.77.0.1]' >ca/fleet/pillar/common.yaml
cat >ca/fleet/states/base.yaml <<'END'
sshd:
  sshd_config:
    settings: {PermitRootLogin: no, PasswordAuthentication: no, MaxAuthTries: 4}
  why: passwords are guessed, certificates expire
trust:
  ssh_ca:
    accounts: {deploy: [deploy]}
firewall:
  iptables:
    input: {policy: drop, allow: [{port: 22}]}
jail:
  fail2ban:
    jails:
      sshd: {backend: systemd, maxretry: 3, findtime: 10m, bantime: 1h}
    ignore: ${pillar.management}
limits:
  pam_limits:
    limits: [{domain: webapp, type: hard, item: nproc, value: 20}]
mounts:
  fstab:
    mounts:
      /tmp: {options: [noexec, nosuid, nodev], tmpfs: 64m}
END
show ca/fleet/states/base.yaml
sed 's/webapp, type/webapp, tpye/' ca/fleet/states/base.yaml >base.typo
cp ca/fleet/states/base.yaml base.good
cp base.typo ca/fleet/states/base.yaml
tell 'A slip is found before any host is touched, with its place:'
want=1 as petra writ fleet check -C ca
answers 'states/base.yaml:18:'
cp base.good ca/fleet/states/base.yaml
as petra writ fleet check -C ca
lines=6 as petra writ fleet sign -C ca -i petra/id_ed25519 -y
carry

chapter 'Look first, then do it'
lines=60 want=7 agent test --root "$root" --id web.example.com
answers '+PasswordAuthentication no'
tell 'The change touches ways in.  It is made, and a process of its own will' \
	'take it back unless somebody comes in anew and says that it is well.'
lines=40 want=3 agent apply
ask r9 deploy --for 1h -m 'Look at the hardened web host'
as petra writ sign -C ca alice/r9.req
web_ssh "deploy@$web" sudo writ-agent confirm
tell 'Once more, everything observed anew: nothing is left to do.'
agent apply --full

chapter 'Where it counts'
want=255 web_ssh -o PreferredAuthentications=password "deploy@$web" true
answers 'Permission denied (publickey)'
want=255 web_ssh "root@$web" true
answers 'Permission denied'
tell 'Scripts in /tmp, a fork bomb, a port that nobody named, and who guesses:'
"$HOSTS" exec web sh -c 'printf "#!/bin/sh\necho ran\n" >/tmp/x; chmod 755 /tmp/x
    ncat -k -l 8080 >/dev/null 2>&1 &'
want=126 on_web /tmp/x
answers 'Permission denied'
# shellcheck disable=SC2016 # for the host's shell
want=2 on_web runuser -u webapp -- sh -c \
    'i=0; while [ $i -lt 30 ]; do sleep 2 & i=$((i + 1)); done'
answers 'Cannot fork'
want=124 on_db timeout 3 bash -c "</dev/tcp/$web/8080"
# The ban may come while one of them talks, and then nobody answers it.
for _ in 1 2 3 4 5; do
	"$HOSTS" exec db timeout 5 ssh -o BatchMode=yes -o StrictHostKeyChecking=no \
	    "ghost@$web" true >/dev/null 2>&1
done
until_web sh -c "iptables -S f2b-sshd | grep -q -- '-s $("$HOSTS" ip db)/32'"
on_web iptables -S f2b-sshd
answers "$("$HOSTS" ip db)"
want=1 on_db timeout 3 bash -c "</dev/tcp/$web/22"

chapter 'No way to lock oneself out'
tell 'A group that does not exist passes every checker of sshd, and would let' \
	'nobody in.  The proof before the change finds it:'
sed 's/PermitRootLogin: no/AllowGroups: nosuchgroup, &/' base.good \
    >ca/fleet/states/base.yaml
lines=3 as petra writ fleet sign -C ca -i petra/id_ed25519 -y
carry
want=1 agent apply
answers nosuchgroup
tell 'A firewall that lets in a network where nobody is cannot be found so.' \
	'It is live, nobody confirms it, and it takes itself back:'
sed 's!{port: 22}!{port: 22, from: 192.0.2.0/24}!' base.good \
    >ca/fleet/states/base.yaml
lines=3 as petra writ fleet sign -C ca -i petra/id_ed25519 -y
carry
want=3 agent apply
want=255 web_ssh "deploy@$web" true
until_web sh -c 'writ-agent status | grep -q undone'
on_web writ-agent status
answers undone
web_ssh "deploy@$web" id -un
answers deploy
cp base.good ca/fleet/states/base.yaml
hosts_stop
