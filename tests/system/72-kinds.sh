#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: each kind of state, on a real host of its own, from stock,
# from edited by hand, from half applied by a killed agent, and from hostile
# files.  A dry run says what is then done, a second run has nothing to do, what
# policy drops is named and what it makes absent is gone.
# Needs root.

# shellcheck disable=SC2034 # fleet() has arrays by name

. "$(dirname "$0")/hosts.sh"
. "$here/../interop/fleet.sh"

kinds=(sshd iptables fail2ban limits fstab ca service pkg)

# --- what is asked of each kind --------------------------------------------------
# yaml	the state; absent: the one that takes it away, where there is one
# holds	a command on the host: is it so where it counts?
# edit	what somebody does by hand, so that it is not
# file	what an attacker puts something else in the place of; none: no such file

declare -A yaml absent holds edit file

yaml[sshd]='sshd_config: {settings: {PermitRootLogin: no, MaxAuthTries: 4}}'
absent[sshd]='sshd_config: {ensure: absent}'
holds[sshd]='sshd -T | grep -qx "permitrootlogin no"'
file[sshd]=/etc/ssh/sshd_config.d/00-writ.conf
edit[sshd]='echo "PermitRootLogin yes" >/etc/ssh/sshd_config.d/00-writ.conf'

yaml[iptables]='iptables: {input: {policy: drop, allow: [{port: 22}]}}'
absent[iptables]='iptables: {ensure: absent}'
holds[iptables]='iptables -S | grep -q -- "--dport 22 -j ACCEPT" &&
    ip6tables -S | grep -q -- "--dport 22 -j ACCEPT"'
file[iptables]=/etc/writ/firewall/rules.v4
edit[iptables]='iptables -F; iptables -I INPUT -p tcp --dport 23 -j ACCEPT;
    iptables -D INPUT -p tcp --dport 23 -j ACCEPT
    echo "# mine" >>/etc/writ/firewall/rules.v4'

yaml[fail2ban]='fail2ban: {jails: {sshd: {backend: systemd, maxretry: 7}}}'
absent[fail2ban]='fail2ban: {ensure: absent}'
holds[fail2ban]='fail2ban-client get sshd maxretry | grep -qx 7'
file[fail2ban]=/etc/fail2ban/jail.d/zzz-writ.local
edit[fail2ban]='printf "[sshd]\nmaxretry = 99\n" \
    >/etc/fail2ban/jail.d/zzz-writ.local; fail2ban-client reload'

yaml[limits]='pam_limits: {limits: [{domain: nobody, type: hard,
    item: nproc, value: 7}]}'
absent[limits]='pam_limits: {ensure: absent}'
holds[limits]='su -s /bin/bash nobody -c "ulimit -Hu" | grep -qx 7'
file[limits]=/etc/security/limits.d/zzz-writ.conf
edit[limits]='sed -i "s/7\$/70/" /etc/security/limits.d/zzz-writ.conf'

yaml[fstab]='fstab: {mounts: {/tmp: {options: [noexec, nosuid], tmpfs: 16m}}}'
absent[fstab]='fstab: {mounts: {/tmp: {ensure: absent,
    options: [noexec, nosuid], tmpfs: 16m}}}'
holds[fstab]='findmnt -rno OPTIONS /tmp | grep -q noexec &&
    grep -q "/tmp.*noexec" /etc/fstab'
file[fstab]=/etc/fstab
edit[fstab]='sed -i s/noexec/exec/ /etc/fstab; mount -o remount,exec /tmp'

yaml[ca]='ssh_ca: {accounts: {root: [admin]}}'
absent[ca]='ssh_ca: {ensure: absent}'
holds[ca]='sshd -T | grep -q "^trustedusercakeys /etc/ssh/"'
file[ca]=/etc/ssh/sshd_config.d/00-writ-ca.conf
edit[ca]='rm /etc/ssh/sshd_config.d/00-writ-ca.conf'

yaml[service]='service: {name: cron, running: no, enabled: no}'
holds[service]='! systemctl is-active cron && ! systemctl is-enabled cron'
edit[service]='systemctl enable --now cron'

yaml[pkg]='pkg: {held: [cron]}'
holds[pkg]='apt-mark showhold | grep -qx cron'
edit[pkg]='apt-mark unhold cron'

# --- three fleets: with the states, without them, and with them absent --------------

# fleet NAME: $1 of the arrays above as the next version, kept as NAME.
fleet() {
	local -n of=$1
	local kind d=corp/fleet

	echo 'hosts: {confirm_within: 10s}' >"$d"/fleet.yaml
	echo 'states:' >"$d"/top.yaml
	echo '  - {match: "*", apply: [common]}' >>"$d"/top.yaml
	rm -f "$d"/states/*
	# Something that every host has, so that none is without a state.
	echo 'ssh-runs: {service: {name: ssh, running: yes}}' \
	    >"$d"/states/common.yaml
	for kind in "${kinds[@]}"; do
		[ -n "${of[$kind]:-}" ] || continue
		echo "  - {match: $kind, apply: [$kind]}" >>"$d"/top.yaml
		printf 'it:\n  %s\n' "${of[$kind]}" >"$d/states/$kind.yaml"
	done
	fleet_sign corp petra && cp -a corp "$1.fleet"
}
# An array that is empty: policy says nothing any more.
# shellcheck disable=SC2034 # fleet() has it by name
declare -A none=()

make_fleets() {
	fleet_people && fleet_make corp && rmdir corp/fleet/pillar &&
	    fleet yaml && fleet none && fleet absent
}
t 'three fleets are signed' make_fleets
root=$(fleet_root corp)

bring() {
	tar -c -C "$2.fleet" bundle | on "$1" sh -c 'rm -rf /srv/writ &&
	    mkdir -p /srv/writ && tar -x -C /srv/writ'
}

agent() {	# HOST VERB [ARGUMENT...]
	local host=$1 verb=$2

	shift 2
	on "$host" "${under[@]}" /usr/bin/writ-agent "$verb" \
	    --local /srv/writ --root "$root" --id "$host" "$@" </dev/null
}
under=()

# --- the steps --------------------------------------------------------------------

# ends STATUS COMMAND...
ends() {
	local want=$1 status=0

	shift
	"$@" || status=$?
	[ "$status" -eq "$want" ] || {
		echo "status $status, wanted $want"
		return 1
	}
}

# Applied, confirmed where that is asked for, so where it counts, and done.
is_made() {
	local host=$1 status=0

	shift
	agent "$host" apply --again --wait 30s "$@" || status=$?
	[ "$status" -ne 3 ] || {
		on "$host" writ-agent confirm --any-login
		status=$?
	}
	[ "$status" -eq 0 ] && on "$host" sh -c "${holds[$host]}" &&
	    ends 0 agent "$host" test --full && ends 0 agent "$host" apply
}

# What the dry run names is the plan that is carried out.
from_stock() {
	local host=$1 plan

	plan=$(agent "$host" test) && return 1
	plan=$(sed -n 's/.*, plan //p' <<<"$plan")
	[ -n "$plan" ] && is_made "$host" --plan "$plan"
}

edited() {
	on "$1" sh -c "${edit[$1]}"
	ends 7 agent "$1" test --full && is_made "$1" --full
}

renames=renameat2,renameat,rename
half_applied() {
	local host=$1 status=0

	on "$host" sh -c "${edit[$host]}"
	under=(strace -f -b execve -o /dev/null -e "trace=$renames"
	    -e "inject=$renames:signal=KILL:when=3")
	agent "$host" apply --full --again || status=$?
	under=()
	[ "$status" -eq 137 ] || {
		echo "status $status: it was not killed"
		return 1
	}
	# Whoever has to undo it does so before anybody else may go on.
	is_made "$host" --full
}

# A link in the file's place leads to what is not the agent's to write.
behind_a_link() {
	local host=$1 f=${file[$1]}

	on "$host" sh -c "cp -a $f /root/was; echo mine >/root/victim
	    rm -f $f; ln -s /root/victim $f"
	is_made "$host" --full || on "$host" sh -c "rm $f; mv /root/was $f"
	[ "$(on "$host" cat /root/victim)" = mine ] && is_made "$host" --full
}

# It cannot be replaced: one sentence, and nothing half done.
not_to_be_replaced() {
	local host=$1 f=${file[$1]} sums status=0

	on "$host" sh -c "${edit[$host]}"
	on "$host" sh -c "[ -e $f ] || touch $f; mount --bind $f $f &&
	    mount -o remount,bind,ro $f"
	sums=$(on "$host" sha256sum "$f")
	agent "$host" apply --full --again || status=$?
	[ "$status" -eq 1 ] && [ "$(on "$host" sha256sum "$f")" = "$sums" ]
	status=$?
	on "$host" umount "$f"
	[ "$status" -eq 0 ] && is_made "$host" --full
}

huge() {
	local host=$1 f=${file[$1]} status=0

	on "$host" sh -c "cp -a $f /root/was; truncate -s 5M $f"
	agent "$host" test --full >"$host.said" 2>&1 || status=$?
	cat "$host.said"
	case $status in
	7) ;;
	1) grep -q "$f" "$host.said" || return ;;
	*) return 1 ;;
	esac
	[ "$(on "$host" stat -c %s "$f")" -eq 5242880 ] || return
	is_made "$host" --full || on "$host" mv /root/was "$f"
	is_made "$host" --full
}

of_somebody_else() {
	local host=$1 f=${file[$1]} mode

	mode=$(on "$host" stat -c '%U %a' "$f")
	on "$host" sh -c "chown nobody $f; chmod 666 $f"
	ends 7 agent "$host" test --full && is_made "$host" --full &&
	    [ "$(on "$host" stat -c '%U %a' "$f")" = "$mode" ]
}

dropped() {
	local host=$1

	bring "$host" none
	agent "$host" apply >"$host.said" || return
	cat "$host.said"
	grep -q "no longer in the policy.*: it (" "$host.said" &&
	    on "$host" sh -c "${holds[$host]}"
}

taken_away() {
	local host=$1 status=0

	bring "$host" absent
	agent "$host" apply || status=$?
	[ "$status" -ne 3 ] || {
		on "$host" writ-agent confirm --any-login
		status=$?
	}
	[ "$status" -eq 0 ] && ends 0 agent "$host" test --full &&
	    ! agent "$host" test | grep 'no longer in the policy'
}

one_kind() {
	local kind=$1

	on "$kind" sh -c 'systemctl daemon-reload
	    systemctl -q enable writ-agent-undo.service'
	bring "$kind" yaml
	t "$kind: from stock, as the dry run says" from_stock "$kind"
	t "$kind: edited by hand" edited "$kind"
	t "$kind: half applied by an agent that was killed" half_applied "$kind"
	if [ -n "${file[$kind]:-}" ]; then
		t "$kind: behind a link" behind_a_link "$kind"
		t "$kind: not to be replaced" not_to_be_replaced "$kind"
		t "$kind: huge" huge "$kind"
		t "$kind: somebody else's" of_somebody_else "$kind"
	fi
	if [ -n "${absent[$kind]:-}" ]; then
		t "$kind: dropped from policy" dropped "$kind"
		t "$kind: absent" taken_away "$kind"
		t_not "$kind: which is so" on "$kind" sh -c "${holds[$kind]}"
	fi
	printf '%d %d\n' "$t_passed" "$t_failed" >"$kind.sum"
}

hosts_up "${kinds[@]}"
for kind in "${kinds[@]}"; do
	hosts put "$kind" /usr/bin "$O/writ-agent"
	hosts put "$kind" /etc/systemd/system \
	    "$TOP"/packaging/systemd/writ-agent-undo.service
done
t_before=$t_passed
for kind in "${kinds[@]}"; do
	(t_passed=0 && one_kind "$kind") >"$kind.out" 2>&1 </dev/null &
done
wait
t_passed=$t_before
for kind in "${kinds[@]}"; do
	cat "$kind.out"
	read -r n m <"$kind.sum" || n=0 m=1
	t_passed=$((t_passed + n))
	t_failed=$((t_failed + m))
done
t_done
