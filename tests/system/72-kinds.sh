#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: each kind of state, on a real host of its own, from stock,
# from edited by hand, from half applied by a killed agent, and from hostile
# files.  A dry run says what is then done, a second run has nothing to do, what
# policy drops is named and what it makes absent is gone.
#
# What is done to which kind, and then is as it should be, twice over:
#
#	from stock, edited, half applied	all
#	immutable				all: the kind's file; of service the
#			directory of systemd's links, of pkg the list of dpkg
#	its file behind a link, not to be replaced, huge, somebody else's
#			all that have a file of their own: not service, not pkg,
#			which write nothing themselves
#	its directory somebody else's link	those, but fstab: /etc is none
#	a link to nothing in its place		service: the unit is masked
#	dropped					all
#	absent					those that have it: not service, not
#			pkg, where another state says the contrary
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
# stuck	what is immutable, so that it cannot be brought about; file if not said
# halfway	what makes it so slow that the agent is killed while /run/halfway is
#	there; none: it is killed before it puts a file in its place

declare -A yaml absent holds edit file stuck halfway

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

yaml[limits]='pam_limits: {limits: [{domain: limited, type: hard,
    item: nproc, value: 7}]}'
absent[limits]='pam_limits: {ensure: absent}'
holds[limits]='su -s /bin/bash limited -c "ulimit -Hu" | grep -qx 7'
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
edit[service]='rm -f /run/halfway; systemctl unmask cron
    systemctl enable --now cron'
stuck[service]=/etc/systemd/system/multi-user.target.wants
halfway[service]='mkdir -p /etc/systemd/system/cron.service.d &&
    printf "[Service]\nExecStop=/bin/sh -c \"touch /run/halfway; sleep 2\"\n" \
	>/etc/systemd/system/cron.service.d/slow.conf &&
    systemctl daemon-reload && systemctl restart cron'

yaml[pkg]='pkg: {held: [cron]}'
holds[pkg]='apt-mark showhold | grep -qx cron'
edit[pkg]='apt-mark unhold cron'
stuck[pkg]=/var/lib/dpkg/status

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

# The agent is at work, until it is not.
killed_halfway() {
	local host=$1 pid i

	agent "$host" apply --full --again &
	pid=$!
	for ((i = 0; i < 200; i++)); do
		! on "$host" test -e /run/halfway || break
		sleep 0.05
	done
	# shellcheck disable=SC2016 # for the shell there
	on "$host" sh -c 'kill -KILL $(pgrep -f "^/usr/bin/writ-agent apply")'
	wait "$pid"
}

renames=renameat2,renameat,rename
half_applied() {
	local host=$1 status=0

	on "$host" sh -c "${edit[$host]}"
	[ -z "${halfway[$host]:-}" ] || {
		on "$host" sh -c "${halfway[$host]}" || return
		ends 137 killed_halfway "$host" && is_made "$host" --full
		return
	}
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

# Whoever may change where the directory's name leads would have it written there.
behind_their_link() {
	local host=$1 dir sums status=0

	dir=$(dirname "${file[$host]}")
	on "$host" sh -c "mv $dir /root/dir && cp -a /root/dir /srv/theirs &&
	    chown -R nobody /srv/theirs && ln -s /srv/theirs $dir &&
	    chown -h nobody $dir" || return
	sums=$(on "$host" sh -c 'ls -la /srv/theirs; cat /srv/theirs/* | sha256sum')
	agent "$host" apply --full --again >"$host.said" 2>&1 || status=$?
	cat "$host.said"
	[ "$status" -eq 1 ] && [ "$(on "$host" sh -c 'ls -la /srv/theirs
	    cat /srv/theirs/* | sha256sum')" = "$sums" ] || status=100
	on "$host" sh -c "rm -rf $dir /srv/theirs; mv /root/dir $dir"
	[ "$status" -eq 1 ] && ends 0 agent "$host" test --full
}

# Not even root changes it: one sentence, nothing half done, and it goes on when it
# may be changed again.
immutable() {
	local host=$1 f=${stuck[$1]:-${file[$1]}} sums status=0

	on "$host" sh -c "${edit[$host]}"
	on "$host" sh -c "[ -e $f ] || touch $f; chattr +i $f" || return
	sums=$(on "$host" sh -c "ls -la $f; cat $f 2>/dev/null | sha256sum")
	agent "$host" apply --full --again >"$host.said" 2>&1 || status=$?
	cat "$host.said"
	on "$host" chattr -i "$f"
	[ "$status" -eq 1 ] && [ "$(on "$host" sh -c \
	    "ls -la $f; cat $f 2>/dev/null | sha256sum")" = "$sums" ] &&
	    ! on "$host" sh -c "${holds[$host]}" && is_made "$host" --full
}

masked() {
	on "$1" sh -c "${edit[$1]}; rm -f /etc/systemd/system/cron.service
	    ln -s /dev/null /etc/systemd/system/cron.service
	    systemctl daemon-reload"
	is_made "$1" --full && on "$1" systemctl unmask cron &&
	    is_made "$1" --full
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
		[ "$kind" = fstab ] ||
		    t "$kind: its directory is somebody else's link" \
			behind_their_link "$kind"
	fi
	[ "$kind" != service ] || t "$kind: masked" masked "$kind"
	if [ "$immutables" = yes ]; then
		t "$kind: immutable" immutable "$kind"
	fi
	t "$kind: dropped from policy" dropped "$kind"
	if [ -n "${absent[$kind]:-}" ]; then
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
# What root may do depends on the machine that lends the hosts its kernel.
immutables=yes
on pkg sh -c 'touch /root/i && chattr +i /root/i && chattr -i /root/i' || {
	immutables=no
	t_skip 'immutable files' 'nothing can be made immutable here'
}
# A number that no other host has: the kernel counts processes of one over all.
on limits useradd -u 41031 -m limited
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
