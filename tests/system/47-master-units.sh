#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a fleet as packaging has it. What `make install` puts down is
# booted by a real systemd: a CA and a master on one machine, the agent on another,
# each process in its unit's sandbox and as its user, the logs in a bucket of a real
# S3 server. A host is accepted, gets its certificate by way of the courier, takes
# orders through restarts, deaths and a boot, and goes on without a master; and the
# auditor's timer tells of what nothing explains.
# Needs root.

# shellcheck source=tests/system/hosts.sh
. "$(dirname "$0")/hosts.sh"
# shellcheck source=tests/interop/ca.sh
. "$here/../interop/ca.sh"
# shellcheck source=tests/interop/hosts.sh
. "$here/../interop/hosts.sh"
# shellcheck source=tests/system/units.sh
. "$here/units.sh"

readonly UNITS=(signer courier keeper front)
readonly HOME_OF_MASTER=/var/lib/writ-master

# state PROPERTY UNIT
state() {
	on hub systemctl show --value -p "$1" "$2"
}

# As writ-master(8) has it.
check() {
	on hub sh -c "set -a; . /etc/writ/master-keeper.env
	    writ-master check -C $HOME_OF_MASTER"
}

# another NAME PID: it runs, and is not the process that it was.
another() {
	[ "$(state ActiveState "writ-master-$1")" = active ] &&
	    [ "$(state MainPID "writ-master-$1")" != "$2" ]
}

# quietly COMMAND...: what it says is shown where it fails.
quietly() {
	"$@" >quietly.out 2>&1 </dev/null && return
	tail -n 20 quietly.out
	return 1
}

# --- a deployment, its master and its fleet -----------------------------------

buckets() {
	S3_ADDRESS=10.77.0.1 near "$TOP/tests/lab/rgw" start "$T/rgw" || return
	# shellcheck disable=SC1091
	. "$T/rgw/env"
	near "$O/tools/blobtool" -e "$S3_ENDPOINT" s3://logs make-bucket lock
}
made() {
	ca_people && ca_key ed25519 petra && ca_key ed25519 auditor &&
	    near "$writ" init corp --single-officer \
		--log s3://logs/ca --endpoint "$S3_ENDPOINT" --retention 1d \
		--officer olga@example.com=olga.pub \
		--operator petra@example.com=petra.pub &&
	    near "$writ" policy sign -C corp -i olga -y >signed.out || return
	root=$(grep -ho 'SHA256:[A-Za-z0-9+/]*' signed.out | tail -n 1)
	mkdir m && "$O/writ-master" -C m init --name master_1 --root "$root" \
	    --log s3://logs/fleet &&
	    cp m/keys/master_1.pub m/keys/master_1_log.pub \
		corp/policy/authorities/
}
policy() {
	cat >corp/policy/people/audrey@example.com.yaml <<-END
	keys: ["$(cut -d' ' -f1,2 auditor.pub)"]
	groups: [auditors]
	END
	sed -i 's/^  log: \[/  master: [master_1]\n  log: [master_1_log, /' \
	    corp/policy/ca.yaml
	hosts_grant corp/policy/ca.yaml
	near "$writ" policy sign -C corp -i olga -y
}
# states VALUE
states() {
	cat >corp/fleet/states/base.yaml <<-END
	limits:
	  pam_limits:
	    limits: [{domain: webapp, type: hard, item: nproc, value: $1}]
	END
	near "$writ" fleet -C corp sign -i petra -y
}
fleet_made() {
	rm -rf corp/fleet
	mkdir -p corp/fleet/states corp/fleet/pillar
	cat >corp/fleet/fleet.yaml <<-END
	masters:
	  - {address: "$address:2023", key: master_1}
	hosts: {confirm_within: 60s, interval: 1h, splay: 1m}
	END
	printf 'states:\n  - match: "*"\n    apply: [base]\n' \
	    >corp/fleet/top.yaml
	states 20
}
hosts_up hub web
address=$(hosts ip hub)
trap 'near "$TOP/tests/lab/rgw" stop "$T/rgw" >/dev/null 2>&1; hosts_down' EXIT
here 'an S3 server is there' quietly buckets
here 'a deployment is made, and a master' quietly made
here 'the policy knows them' quietly policy
here 'a fleet is signed' quietly fleet_made
[ "$t_failed" -eq 0 ] || t_done
cp -a corp/bundle/. m/bundle/

# --- what packaging does, and what writ-ca(8) and writ-master(8) say ----------

ca_service corp/writ.yaml
cat >>m/master.yaml <<END
retention: 1d
s3: {endpoint: "$S3_ENDPOINT"}
runtime: /run/writ-master
users: {front: writ-master-front, keeper: writ-master-keeper,
  signer: writ-master-signer, courier: writ-master-courier}
ca:
  address: "127.0.0.1:2022"
  key: "$(cut -d' ' -f1,2 corp/keys/transport.pub)"
END
cat >agent.yaml <<END
root: "$root"
masters:
  - {address: "$address:2023", key: "$(cut -d' ' -f1,2 m/keys/master_1.pub)"}
END
installed hub web
packed corp | into hub /var/lib/writ
packed m | into hub $HOME_OF_MASTER
on web mkdir -p /etc/writ
hosts put web /etc/writ agent.yaml
on web useradd -u 41011 -m -s /bin/bash webapp
may_lock hub ca master
sed -n 's/^export //p' rgw/env | xargs -n 1 >keeper.env
for name in keeper master-keeper; do
	on hub sh -c "mkdir -p /etc/writ && umask 077 &&
	    cat >/etc/writ/$name.env" <keeper.env
done
for host in hub web; do
	t "users and directories are made on $host" \
	    on "$host" sh -c 'systemd-sysusers && systemd-tmpfiles --create'
done
t 'the logs get their owners' on hub sh -c "
    chown -R writ-keeper: /var/lib/writ/log &&
    chown -R writ-master-keeper: $HOME_OF_MASTER/log"
t 'check has no fault to name before the start' check
[ "$t_failed" -eq 0 ] || t_done
t 'the CA starts' on hub systemctl enable --now writ-ca.target
t 'one command starts the master' \
    on hub systemctl enable --now writ-master.target
for name in "${UNITS[@]}"; do
	t "the $name is ready" until_ok \
	    on hub systemctl is-active -q "writ-master-$name"
	t_eq 'and has its user' "writ-master-$name" "$(on hub ps -o user:30= \
	    -p "$(state MainPID "writ-master-$name")" | xargs)"
	t_has "the $name has sealed itself" "$(on hub cat \
	    "/proc/$(state MainPID "writ-master-$name")/status")" $'Seccomp:\t2'
done
t_eq 'nothing of it failed' '' \
    "$(on hub systemctl list-units --failed --plain --no-legend 'writ-*')"
t 'nor has check a fault to name while it runs' check
t_has 'status answers root' \
    "$(on hub writ-master status -C $HOME_OF_MASTER)" 'policy'
if [ "$t_failed" -gt 0 ]; then
	on hub journalctl -q --no-pager -u 'writ-*' | tail -n 20
	t_done
fi

# --- a host comes in, and is carried to ---------------------------------------

waits() {
	fleet keys -i petra --json >keys.json &&
	    enrol=$(jq -re '.[] | select(.state == "waiting").enrol' keys.json)
}
has() { on web grep -q "$1" "/var/lib/writ/agent/$2"; }
has_limit() {
	on web sh -c "grep -q 'nproc[[:space:]]*$1\$' \
	    /etc/security/limits.d/*writ*"
}
# order VALUE: a fleet with it is signed, pushed, ordered and carried out.
order() {
	{
		states "$1" && fleet push -i petra &&
		    fleet apply -i petra --on '*' -y &&
		    has_limit "$1"
	} </dev/null
}
ordered() {
	t "$1" order $((++value))
}
value=20
on web systemctl -q enable writ-agent-undo.service
t 'the agent starts' on web systemctl enable --now writ-agent.service
in_time 'a host that nobody knows waits' waits
waits
t 'an operator accepts it' \
    fleet accept -i petra --id web.example.com -y "$enrol"
in_time 'and it knows who it is' has web.example.com held
in_time 'it has a certificate, by way of the courier' has ssh- certificate
ordered 'an order is carried out'
for name in "${UNITS[@]}"; do
	was=$(state MainPID "writ-master-$name")
	on hub systemctl kill -s KILL "writ-master-$name"
	t "the $name is killed, and comes again" until_ok another "$name" "$was"
	was=$(state MainPID "writ-master-$name")
	t "and is restarted" on hub systemctl restart "writ-master-$name"
	t "as another process" another "$name" "$was"
	t "and reloaded" on hub systemctl reload "writ-master-$name"
done
in_time 'an order is carried out after that' order $((++value))
hosts stop hub
t 'the power fails, and the machine boots' hosts start hub
in_time 'the host is carried to again' order $((++value))

# --- who asks what nothing explains -------------------------------------------

# As writ(1) has it; the auditor's credentials are in a file of his own.
on hub sh -c 'cat >/usr/local/bin/page && chmod 755 /usr/local/bin/page' <<-'END'
	#!/bin/sh
	exec cat >>/var/lib/writ-audit/heard
END
mkdir audit
cp corp/writ.yaml audit/ && sed -i '/^service:/,$d' audit/writ.yaml
sed -i 's/^s3:.*/&\n  credentials: "file:aws"/' audit/writ.yaml
cat >audit/aws <<END
[default]
aws_access_key_id = $AWS_ACCESS_KEY_ID
aws_secret_access_key = $AWS_SECRET_ACCESS_KEY
END
cp -r corp/bundle audit/ && cp auditor audit/key
echo 'channels: [{name: pager, exec: [/usr/local/bin/page]}]' >audit/notify.yaml
packed audit | into hub /var/lib/writ-audit
on hub sh -c 'chown -R writ-audit: /var/lib/writ-audit &&
    chmod -R go= /var/lib/writ-audit'
# Somebody gets in with a key that is in no policy.
ca_key ed25519 plain
on web sh -c 'install -d -o webapp -m 700 ~webapp/.ssh && cat >k &&
    install -o webapp -m 600 k ~webapp/.ssh/authorized_keys' <plain.pub
t 'somebody gets in without a certificate' near ssh -F none -i plain \
    -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null "webapp@$(hosts ip web)" true
reported() {
	fleet logins -i petra --json | jq -e 'any(.account == "webapp")'
}
in_time 'which the host reports' reported
t 'a timer asks the auditor' on hub systemctl enable --now writ-audit.timer
t_eq 'and has a next time' active "$(state ActiveState writ-audit.timer)"
t 'now' on hub systemctl start writ-audit.service
t_eq 'who has an answer' 'success 1' \
    "$(state Result writ-audit) $(state ExecMainStatus writ-audit)"
t_has 'of which somebody is told' "$(on hub cat /var/lib/writ-audit/heard)" \
    'no certificate: web.example.com, account webapp'

t 'it is stopped' on hub systemctl stop writ-master.target writ-ca.target
for name in "${UNITS[@]}"; do
	t_eq "the $name ended in order" 'inactive success 0' "$(
	    state ActiveState "writ-master-$name") $(
	    state Result "writ-master-$name") $(
	    state ExecMainStatus "writ-master-$name")"
done
t_eq 'no error in its journal' '' \
    "$(on hub journalctl -q --no-pager -p err -u 'writ-*' | grep -v KILL)"

# --- the same host without a master -------------------------------------------

printf 'root: "%s"\nlocal: /srv/writ\n' "$root" >local.yaml
t 'a newer version, in a directory' quietly states $((++value))
packed corp/bundle | into web /srv/writ/bundle
on web systemctl -q disable --now writ-agent.service
on web sh -c 'cat >/etc/writ/agent.yaml' <local.yaml
t 'the agent is started by its timer' \
    on web systemctl enable --now writ-agent-apply.timer
t_eq 'which has a next time' active \
    "$(on web systemctl is-active writ-agent-apply.timer)"
t 'now' on web systemctl start writ-agent-apply.service
t 'what the version says is there' has_limit "$value"

t 'the record of both is whole' near "$writ" audit verify -C corp \
    --fleet-log s3://logs/fleet
t_done
