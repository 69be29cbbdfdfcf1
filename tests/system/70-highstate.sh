#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: an operator hardens a real host by signed policy, sees each
# effect where it counts (at sshd, in the kernel, in a session), and cannot lock
# himself out: what shuts a way in undoes itself, byte for byte, whoever dies and
# whatever is rebooted meanwhile.
# Needs root.

# shellcheck source=tests/system/hosts.sh
. "$(dirname "$0")/hosts.sh"

writ=$O/writ
for person in olga ivan petra alice deploy; do
	ssh-keygen -q -t ed25519 -N '' -f "$person" -C "$person"
done

# --- a deployment, its policy and its fleet ---------------------------------

"$writ" init corp --officer olga@example.com=olga.pub \
    --officer ivan@example.com=ivan.pub \
    --operator petra@example.com=petra.pub >init.out 2>&1 || t_fail init
ALICE=$(cut -d' ' -f1,2 alice.pub) python3 - <<'END'
import os, re
p = 'corp/policy/ca.yaml'
s = '\n' + open(p).read()
person = """people:
  alice@example.com:
    keys: ["%s"]
    groups: [engineers]
""" % os.environ['ALICE']
grant = """grants:
  deploy:
    to: [engineers]
    principals: [deploy]
    max: 8h
    approve: none
"""
for key, text in (('people', person), ('grants', grant)):
    assert '\n%s:' % key in s, key
    s = re.sub(r'\n%s:[^\n]*\n' % key, lambda m: '\n' + text, s, count=1)
open(p, 'w').write(s[1:])
END
for person in olga ivan; do
	"$writ" policy sign -C corp -i "$person" -y >"sign.$person" 2>&1
done
root=$(grep -ho 'SHA256:[A-Za-z0-9+/]*' sign.* | tail -n 1)
t_has 'the policy is signed' "$(cat sign.*)" 'SHA256:'

rm -rf corp/fleet
mkdir -p corp/fleet/states corp/fleet/pillar
cat >corp/fleet/fleet.yaml <<'END'
hosts: {confirm_within: 10s}
END
cat >corp/fleet/top.yaml <<'END'
states:
  - match: "*"
    apply: [base]
pillar:
  - match: "*"
    use: [common]
END
echo 'management: [10.77.0.1]' >corp/fleet/pillar/common.yaml
states=corp/fleet/states/base.yaml
cat >$states <<'END'
sshd-baseline:
  sshd_config:
    settings: {PermitRootLogin: no, PasswordAuthentication: no, MaxAuthTries: 4}

trust:
  ssh_ca:
    accounts: {deploy: [deploy], webapp: [webapp]}

firewall:
  iptables:
    input:
      policy: drop
      allow: [{port: 22}]

jail:
  fail2ban:
    jails:
      sshd: {backend: systemd, maxretry: 3, findtime: 10m, bantime: 1h}
    ignore: ${pillar.management}

limits:
  pam_limits:
    limits:
      - {domain: webapp, type: hard, item: nproc, value: 20}
      - {domain: webapp, type: hard, item: core, value: 0}

mounts:
  fstab:
    mounts:
      /tmp: {options: [noexec, nosuid, nodev], tmpfs: 64m}
      /home: {options: [nosuid, nodev]}
END
cp $states good.yaml

# publish: the fleet as it lies there, signed, at the host.
publish() {
	"$writ" fleet check -C corp >check.out 2>&1 &&
	    "$writ" fleet sign -C corp -i petra -y >fleet.out 2>&1 &&
	    tar -c -C corp bundle |
	    on web sh -c 'rm -rf /srv/writ && mkdir -p /srv/writ &&
		tar -x -C /srv/writ'
}

hosts_up web other
for unit in "$TOP"/packaging/systemd/writ-agent*; do
	hosts put web /etc/systemd/system "$unit"
done
on web systemctl daemon-reload
# The units say /usr/bin, which is where a package has it.
on web systemctl -q enable writ-agent-undo.service
# Numbers of users that no other host has: the kernel counts processes of one
# over all of them.
on web useradd -u 41001 -m -s /bin/bash deploy
on web useradd -u 41002 -m -s /bin/bash webapp
on web sh -c 'echo deploy:secret | chpasswd'
t 'the fleet is signed' publish
[ "$t_failed" -eq 0 ] || cat check.out fleet.out

agent() {
	local verb=$1

	shift
	on web writ-agent "$verb" --local /srv/writ --root "$root" \
	    --id web.example.com "$@"
}

# status NAME WANT COMMAND...: ok when it exits so; $out is what it said.
out=''
status() {
	local name=$1 want=$2 got

	shift 2
	out=$("$@" 2>&1)
	got=$?
	if [ "$got" -eq "$want" ]; then
		t_ok "$name"
	else
		t_fail "$name" "status $got, expected $want" "$out"
	fi
}

ssh_opts=(-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
    -o LogLevel=ERROR -o ConnectTimeout=5 -o IdentitiesOnly=yes
    -o BatchMode=yes)
address=$(hosts ip web)
login() {
	near timeout 20 ssh "${ssh_opts[@]}" -i "$T/deploy" \
	    "deploy@$address" "$@"
}

# Everything below /etc, and the rules but for bans: what an undo has to bring
# back.
snapshot() {
	on web sh -c 'cd /etc && find . -xdev \( -type f -o -type l \) \
	    -printf "%m %u %g %p %l\n" -type f -exec sha256sum {} + | sort
	    iptables-save | grep "WRIT\|^-P"; findmnt -rno TARGET,OPTIONS /tmp'
}

# --- from stock to hardened --------------------------------------------------

status 'test says what would change' 7 agent test
t_has 'with the diff of a file' "$out" '+PermitRootLogin no'
t_not 'and changes nothing' on web test -e /etc/ssh/sshd_config.d/00-writ.conf
status 'without its program the unit of the boot is worth nothing' 1 \
    agent apply
t_has 'which is said' "$out" 'starts /usr/bin/writ-agent, which is not there'
hosts put web /usr/bin "$O/writ-agent"
status 'apply waits to be confirmed' 3 agent apply

"$writ" request deploy -C corp -m 'the first rollout' --for 1h \
    --key deploy.pub -i alice -o r1.req >request.out 2>&1
"$writ" sign -C corp r1.req >issue.out 2>&1 || cat request.out issue.out
t_eq 'a certificate gets in' deploy "$(login id -un)"
on web sh -c 'mkdir -p /etc/sudoers.d &&
    echo "deploy ALL=(root) NOPASSWD: /usr/bin/writ-agent" \
	>/etc/sudoers.d/deploy'
status 'a new login confirms' 0 login sudo /usr/bin/writ-agent confirm
status 'a second apply changes nothing' 0 agent apply --full
t_eq 'and says so' '' "$(grep -i 'changed' <<<"$out")"
status 'test agrees' 0 agent test --full
# Signs that no second process can see again would be none.
status 'the next run looks at signs alone' 0 agent apply --json -v
t_eq 'each state has some' '' "$(grep '"by_signs": false' <<<"$out")"

# --- effects -----------------------------------------------------------------

t_has 'no password is asked for' "$(near ssh "${ssh_opts[@]}" \
    -o PreferredAuthentications=password "deploy@$address" true 2>&1)" \
    'Permission denied'
cp deploy root_key
cp deploy-cert.pub root_key-cert.pub 2>/dev/null
t_not 'root does not get in' near ssh "${ssh_opts[@]}" -i "$T/root_key" \
    "root@$address" true
# sshd's own processes and the shell are among the twenty.
# shellcheck disable=SC2016 # for the host's shell
t_has 'a 21st process of a limited user fails' "$(on web runuser -u webapp -- \
    bash -c 'for i in $(seq 30); do sleep 5 & done; wait' 2>&1)" \
    'Resource temporarily unavailable'
on web sh -c 'printf "#!/bin/sh\necho ran\n" >/tmp/x && chmod 755 /tmp/x'
t_has 'a script in /tmp does not run' "$(on web /tmp/x 2>&1)" \
    'Permission denied'
t_has 'for the kernel knows it' "$(on web findmnt -rno OPTIONS /tmp)" noexec
on web sh -c 'ncat -k -l 8080 >/dev/null 2>&1 &'
t_not 'a port that nobody named is closed' \
    on other timeout 5 ncat -w 2 -z "$address" 8080
t 'and ssh is open' on other timeout 5 ncat -w 2 -z "$address" 22
# The ban may come while one of them talks, and then nobody answers it.
for _ in 1 2 3 4 5; do
	on other timeout 5 ssh -o BatchMode=yes -o StrictHostKeyChecking=no \
	    "ghost@$address" true >/dev/null 2>&1
done
banned() {
	on web iptables -S f2b-sshd 2>/dev/null |
	    grep -q -- "-s $(hosts ip other)/32"
}
for _ in $(seq 50); do
	banned && break
	sleep 0.2
done
t 'who fails too often is banned in the kernel' banned
t_not 'and cannot reach sshd any more' \
    on other timeout 5 ncat -w 2 -z "$address" 22
status 'a ban is none of our business' 0 agent test --full
on web fail2ban-client unban --all >/dev/null

# --- no way to lock oneself out ----------------------------------------------

before=$(snapshot)
same_as_before() {
	[ "$(snapshot)" = "$before" ]
}
# wait_undone: until the host is what it was, at most 30 s.
wait_undone() {
	for _ in $(seq 20); do
		same_as_before && return
		sleep 1.5
	done
	diff <(echo "$before") <(snapshot) | head -20
	return 1
}
# bad SED: the good fleet with one line changed, signed, at the host.
bad() {
	cp good.yaml $states
	sed -i "$1" $states
	publish || cat check.out fleet.out
}

bad 's/PermitRootLogin: no/AllowGroups: nosuchgroup, PermitRootLogin: no/'
status 'a group that does not exist is refused' 1 agent apply
t_has 'by its name' "$out" nosuchgroup
t 'and nothing was live' same_as_before

on web systemctl stop fail2ban.service
bad 's/{port: 22}/{port: 22, from: 192.0.2.0\/24}/; s/maxretry: 3/maxretry: 5/'
status 'a firewall that shuts ssh is live at first' 3 agent apply
t 'with a fail2ban that was stopped' on web fail2ban-client ping
t_not 'and nobody gets in' on other timeout 5 ncat -w 2 -z "$address" 22
# shellcheck disable=SC2016 # for the host's shell
t 'the process that would undo it is killed' on web sh -c \
    'kill -KILL $(pgrep -f "[u]ndo --watch")'
t 'it undoes itself' wait_undone
t 'and there is a way in again' login true
t_has 'which the status tells' "$(on web writ-agent status)" undone
t_not 'and fail2ban is stopped again' on web fail2ban-client ping

status 'again' 3 agent apply
on web sh -c 'pkill -KILL -x writ-agent; exit 0'
t 'with every process of the agent killed it is undone at boot' \
    hosts stop web
t 'which comes' hosts start web
on web sh -c 'mkdir -p /run/sshd'
t 'byte for byte' wait_undone
t 'and the way in is there' login true
t 'loaded once more, the rules stand there once' \
    on web systemctl restart writ-firewall.service
t 'as before' same_as_before
on web sh -c 'cd /etc/writ/firewall && cp -p rules.v6 kept && echo x >rules.v6'
t_not 'rules of IPv6 that cannot be loaded are a failure of the unit' \
    on web systemctl restart writ-firewall.service
t_eq 'which stands there' failed \
    "$(on web systemctl is-failed writ-firewall.service)"
on web mv /etc/writ/firewall/kept /etc/writ/firewall/rules.v6
t 'and not when they can' on web systemctl restart writ-firewall.service
t 'as before once more' same_as_before

cp good.yaml $states
t 'the good fleet again' publish
status 'needs nothing' 0 agent apply
t_done
