#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a host on which something is not as it should be - a program
# that judges is missing, /etc cannot be written, systemd does not run, its clock
# is wrong, somebody else manages it - is told of in a sentence that names it, and
# is left as it was.
# Needs root.

. "$(dirname "$0")/hosts.sh"
. "$here/../interop/fleet.sh"

# One fleet; each kind of state is for an id of its own, all of which are host a.
declare -A yaml=(
	[sshd]='sshd_config: {settings: {MaxAuthTries: 4}}'
	[cipher]='sshd_config: {settings: {MaxAuthTries: 4,
	    Ciphers: "aes256-gcm@openssh.com,rot13"}}'
	[iptables]='iptables: {input: {policy: drop, allow: [{port: 22}]}}'
	[fail2ban]='fail2ban: {jails: {sshd: {backend: systemd, maxretry: 7}}}'
	[limits]='pam_limits: {limits: [{domain: nobody, type: hard,
	    item: nproc, value: 7}]}'
	[fstab]='fstab: {mounts: {/tmp: {options: [noexec], tmpfs: 16m}}}'
	[ca]='ssh_ca: {accounts: {root: [admin]}}'
	[service]='service: {name: cron, running: no}'
	[pkg]='pkg: {held: [cron]}'
	[door]='pkg: {absent: [openssh-server]}'
)

make_fleet() {
	local kind d=corp/fleet

	fleet_people && fleet_make corp && rmdir "$d"/pillar || return
	echo 'hosts: {confirm_within: 10s}' >"$d"/fleet.yaml
	echo 'states:' >"$d"/top.yaml
	for kind in "${!yaml[@]}"; do
		echo "  - {match: $kind, apply: [$kind]}" >>"$d"/top.yaml
		printf 'it:\n  %s\n' "${yaml[$kind]}" >"$d/states/$kind.yaml"
	done
	fleet_sign corp petra
}
t 'a fleet is signed' make_fleet
hosts_up a
hosts put a /usr/bin "$O/writ-agent"
hosts put a /etc/systemd/system "$TOP/packaging/systemd/writ-agent-undo.service"
on a sh -c 'systemctl daemon-reload
    systemctl -q enable writ-agent-undo.service'
tar -c -C corp bundle | on a sh -c 'mkdir -p /srv/writ && tar -x -C /srv/writ'
root=$(fleet_root corp)

# agent KIND VERB [ARGUMENT...], below the words of under.
under=()
agent() {
	local kind=$1 verb=$2

	shift 2
	on a "${under[@]}" /usr/bin/writ-agent "$verb" --local /srv/writ \
	    --root "$root" --id "$kind" --state "/var/lib/bad/$kind" "$@"
}

# All that an administrator looks after, and what is in force.
snapshot() {
	on a sh -c 'cd /etc && find . -xdev \( -type f -o -type l \) \
	    -printf "%m %u %g %p %l\n" -type f -exec sha256sum {} + | sort
	    iptables-save | grep "WRIT\|^-P"; ip6tables-save | grep "WRIT\|^-P"
	    apt-mark showhold; systemctl is-active cron ssh fail2ban
	    findmnt -rno TARGET,OPTIONS /tmp; fail2ban-client get sshd maxretry'
}

# refused KIND PART [ARGUMENT...]: test and apply both say PART, and no.
refused() {
	local kind=$1 part=$2 verb out status

	shift 2
	for verb in test apply; do
		status=0
		out=$(agent "$kind" "$verb" "$@" 2>&1 </dev/null) || status=$?
		if [ "$status" -ne 1 ] || [[ $out != *"$part"* ]]; then
			printf '%s: status %s, wanted 1 and "%s":\n%s\n' \
			    "$verb" "$status" "$part" "$out"
			return 1
		fi
	done
}
# only_apply KIND PART: test cannot know, apply says PART, and no.
only_apply() {
	local out status=0

	out=$(agent "$1" apply 2>&1 </dev/null) || status=$?
	if [ "$status" -ne 1 ] ||
	    [[ $out != *"nothing was changed: "*"$2"* ]]; then
		printf 'status %s, wanted 1 and "%s":\n%s\n' "$status" "$2" "$out"
		return 1
	fi
}
stock=$(snapshot)
is_stock() {
	diff <(echo "$stock") <(snapshot)
}

# --- what sshd does not know --------------------------------------------------

t 'a cipher that this sshd does not know, by its line' refused cipher \
    "states/cipher.yaml:3:15: Ciphers: 'rot13' is not known to this sshd (OpenSSH_"

# --- a program is missing -------------------------------------------------------

# missing PROGRAM VERB KIND PART: without it, and afterwards there again.
missing() {
	local program=$1 path status=0

	shift
	path=$(on a sh -c "command -v $program") && on a mv "$path" /root/gone ||
	    return
	"$@" || status=$?
	on a mv /root/gone "$path"
	return "$status"
}
for row in \
    'sshd refused sshd no program sshd, expected openssh-server to be installed' \
    'sshd refused ca no program sshd, expected openssh-server to be installed' \
    'iptables-restore refused iptables iptables-restore is missing, expected the package iptables' \
    'ip6tables-save refused iptables no program' \
    'ip6tables-restore only_apply iptables ip6tables-restore' \
    'unshare only_apply iptables unshare' \
    'fail2ban-client refused fail2ban fail2ban-client is missing, expected the package fail2ban' \
    'findmnt only_apply fstab findmnt is missing, expected the package mount' \
    'systemctl refused service systemctl' \
    'apt-get refused pkg apt-get'; do
	read -r program verb kind part <<<"$row"
	t "$kind without $program" missing "$program" "$verb" "$kind" "$part"
done
t 'nothing of it was applied' is_stock

# --- /etc is not to be written -----------------------------------------------------

on a sh -c 'mount --bind /etc /etc && mount -o remount,bind,ro /etc'
for kind in sshd iptables fail2ban limits fstab ca; do
	t "$kind: /etc is read-only" only_apply "$kind" 'mounted read-only'
done
on a umount /etc
t 'nothing of it was applied' is_stock

# --- no systemd --------------------------------------------------------------------

on a mount -t tmpfs none /run/systemd
for kind in sshd iptables ca; do
	t "$kind: without systemd no way in is touched" only_apply "$kind" \
	    'without systemd nothing would undo it after a reboot'
done
on a umount /run/systemd
t 'nothing of it was applied' is_stock

# --- no archive has the package -------------------------------------------------------

# It carries the way in, so what cannot be put back is not taken away.
stays() {
	local out status=0

	out=$(agent door apply 2>&1 </dev/null) || status=$?
	echo "$out"
	[ "$status" -eq 1 ] && [[ $out = *\
"an undo could not bring back openssh-server="*": no archive has it"* ]] &&
	    on a dpkg --verify openssh-server && on a test -x /usr/sbin/sshd
}
t_has 'openssh-server is a way in' "$(agent door test 2>&1)" \
    'remove openssh-server  [way in]'
t 'and stays where it could not come back' stays
t 'nothing of it was applied' is_stock

# --- its clock is wrong ---------------------------------------------------------------

hosts put a /root "$O/tools/fakeclock.so"
# clock_at DAYS: the agent's, from now on.
clock_at() {
	python3 -c 'import struct, sys
sys.stdout.buffer.write(struct.pack("qqq", int(sys.argv[1]) * 86400, 0, 0))' \
	    "$1" | on a sh -c 'cat >/root/clock'
	under=(env LD_PRELOAD=/root/fakeclock.so FAKECLOCK=/root/clock)
}
clock_at 400
t 'a year ahead: the policy is past its time' refused pkg \
    'its grace is over, expected a newer one' --state /var/lib/bad/ahead
t_has 'what is held stays in force, and is said to be past it' \
    "$(agent service test 2>&1)" \
    'its grace is over, expected a newer one; it stays in force'
clock_at 100
t_has 'from the first day' "$(agent service test 2>&1)" \
    'warning: fleet has expired; it counts until'
clock_at -400
t_has 'a year behind: that is said' "$(agent service test 2>&1)" \
    'warning: the clock of this host says '
t_has 'and the rest goes on' "$(agent service test 2>&1)" 'cron: stop it'
under=()
t_eq 'a clock that is right is not spoken of' '' \
    "$(agent service test 2>&1 | grep clock)"
t 'nothing of it was applied' is_stock

# --- somebody else manages it ------------------------------------------------------------

on a touch /usr/bin/puppet /usr/sbin/ufw
t_has 'others are named in a test' "$(agent service test 2>&1)" \
    'warning: other managers of this host: puppet, ufw'
t_has 'and before the first change' "$(agent service apply 2>&1)" \
    'warning: other managers of this host: puppet, ufw'
t_not 'cron is stopped all the same' on a systemctl -q is-active cron
t_eq 'and who has been told is not told again' 'nothing to change in 1 state' \
    "$(agent service apply 2>&1)"
t_done
