#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a change that shuts a way in, ordered by a master who cannot
# confirm it, is undone in time whoever of those that see to it dies or stands
# still: the process that watches, the link, the applier, all of them; or when the
# line to the master is cut meanwhile.  One that was confirmed just before that
# stays.  Which of the two it was is reported, once.
# Needs root.

# shellcheck source=tests/system/hosts.sh
. "$(dirname "$0")/../system/hosts.sh"
# shellcheck source=tests/fault/lib.sh
. "$TOP/tests/fault/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
	t_skip 'who watches' 'hosts need root'
	t_ok 'what needs no root: nothing'
	t_done
fi
export HOME=$T

# What becomes of whom, by the host that it happens on.  Each is killed or stopped
# by its number, which is asked for on the host.
# shellcheck disable=SC2016
declare -A fate=(
	[watcher]='kill -KILL $(watcher)'
	[link]='kill -KILL $(watcher) $(pidof writ-agent-link)'
	[stopped]='kill -STOP $(pidof writ-agent-link); kill -KILL $(watcher)'
	[all]='kill -KILL $(watcher) && pkill -KILL writ-agent'
	[still]='kill -STOP $(watcher)'
	[both]='kill -STOP $(watcher) $(pidof writ-agent-link)'
	[amid]='touch /run/change; until [ -e /run/amid ]; do sleep 0.1; done; kill -STOP $(watcher)'
)
# amid: while it undoes, which takes as long as sshd does to read its file again.
# cut: no line, while the master tries to get in; told: none, from when he has told
# that he did.  What is ordered of the latter is good.
if all; then
	hosts=("${!fate[@]}" cut told)
else
	hosts=(stopped told)
fi

# --- a master, and hosts that it has accepted ----------------------------------

setup() {
	make_keys && ssh-keygen -q -t ed25519 -N '' -C petra -f petra &&
	    corp_make keys/olga petra || return
	# No run of its own comes in the time of this test.
	sed -i 's/^hosts:.*/hosts: {confirm_within: 10s, interval: 24h, splay: 24h}/' \
	    corp/fleet/fleet.yaml
	echo 'states:' >corp/fleet/top.yaml
	printf '  - {match: %s.example.com, apply: [base]}\n' "${hosts[@]}" \
	    >>corp/fleet/top.yaml
	cat >corp/fleet/states/base.yaml <<-'END'
	firewall:
	  iptables: {input: {policy: drop, allow: [{port: 22}]}}
	END
	corp_sign keys/olga petra
}

# Before a change is confirmed a session is opened, which waits there until it may
# go on: the master has been there by then, and nobody knows yet.
slow_sessions() {
	cat >slow <<-'END' &&
	#!/bin/sh
	[ "$PAM_TYPE" = open_session ] || exit 0
	touch /run/begun
	for i in $(seq 60); do
		[ ! -e /run/go ] || exit 0
		sleep 0.1
	done
	END
	    echo 'operator: {account: deploy}' >>agent.yaml &&
	    hosts put "$1" /usr/local/sbin slow &&
	    on "$1" sh -c 'touch /run/go; useradd -m deploy && chmod 755 /usr/local/sbin/slow &&
		echo "session optional pam_exec.so /usr/local/sbin/slow" \
		    >>/etc/pam.d/su'
}

# Told again after the undo, not after the change.
slow_reload() {
	cat >slow.conf <<-'END' &&
	[Service]
	ExecReload=
	ExecReload=/bin/sh -c 'kill -HUP $MAINPID; [ ! -e /run/change ] || { touch /run/amid; sleep 3; }'
	END
	    on "$1" mkdir -p /etc/systemd/system/ssh.service.d &&
	    hosts put "$1" /etc/systemd/system/ssh.service.d slow.conf
}

agent_starts() {
	local host=$1

	printf 'id: %s.example.com\nroot: "%s"\nmasters:\n  - %s\n' "$host" \
	    "$root" "{address: \"10.77.0.1:2023\", key: \"$(cut -d' ' -f1,2 \
	    m/keys/master_1.pub)\"}" >agent.yaml
	[ "$host" != told ] || slow_sessions "$host" || return
	[ "$host" != amid ] || slow_reload "$host" || return
	on "$host" mkdir -p /etc/writ &&
	    hosts put "$host" /etc/writ agent.yaml &&
	    hosts put "$host" /usr/bin "$O"/writ-agent{,-run,-link} &&
	    hosts put "$host" /etc/systemd/system \
		"$TOP"/packaging/systemd/writ-agent{,-undo}.service &&
	    on "$host" sh -c 'useradd -r -s /usr/sbin/nologin writ-agent
		systemctl daemon-reload
		systemctl -q enable writ-agent-undo.service &&
		systemctl start writ-agent.service'
}

waits() {
	fleet keys -i petra --json | jq -er --arg id "$1.example.com" \
	    '[.[] | select(.state == "waiting" and .host == $id)][0].enrol' \
	    >"$1.enrol"
}

# --- what is seen of a host -------------------------------------------------------

stands() {
	on "$1" writ-agent status | grep -q "^run [0-9]*: $2 "
}

is_open() {
	# shellcheck disable=SC2016 # for the shell there
	near timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/22" && read -r -n 4 <&3' \
	    sh "$(hosts ip "$1")"
}

# Everything below /etc, and the agent's own rules.
snapshot() {
	on "$1" sh -c 'exec 2>/dev/null; cd /etc && find . -xdev \( -type f -o -type l \) \
	    -printf "%m %u %g %p %l\n" -type f -exec sha256sum {} + | sort
	    iptables-save | grep "WRIT\|^-P"; ip6tables-save | grep "WRIT\|^-P"'
}

is_back() {
	snapshot "$1" | cmp -s - "$1.was" && stands "$1" undone
}

# What the host has said that it became of runs: those are kept for a while.
said() {
	on "$1" sh -c "cat /var/lib/writ/agent/reports/*" |
	    grep -o "\"outcome\":\"$2\"" | wc -l
}

has_begun() { on "$1" test -e /run/begun; }

# All hosts at once, as soon as each has the change.
befalls() {
	local host=$1

	case $host in
	told)
		in_time "$host: the master was there" has_begun "$host"
		t "$host: and then its line is cut" hosts cut "$host" fleet
		on "$host" touch /run/go
		return
		;;
	esac
	in_time "$host: it is shut, and waits" stands "$host" unconfirmed
	case $host in
	cut) t "$host: and then its line is cut" hosts cut "$host" fleet ;;
	*)
		t "$host: and then happens what does" on "$host" sh -c \
		    "watcher() { pgrep -f '[u]ndo --watch'; }; ${fate[$host]}"
		;;
	esac
}

ends_well() {
	local host=$1 i most=120

	# As long as an undo is given.
	[ "$host" != amid ] || most=720
	befalls "$host"
	for ((i = 0; i < most; i++)); do
		! is_back "$host" || break
		sleep 0.5
	done
	if [ "$i" -lt "$most" ]; then
		t_ok "$host: it is as it was"
	else
		t_fail "$host: it is as it was" \
		    "$(on "$host" writ-agent status)" \
		    "$(on "$host" ps ax -o pid,stat,args | grep '[w]rit-')" \
		    "$(snapshot "$host" | diff "$host.was" - | head -n 5)"
	fi
}

one_host() {
	local host=$1 outcome=undone before=0

	if [ "$host" = told ]; then
		outcome=changed
		before=1
		befalls "$host"
		in_time "$host: it is confirmed" stands "$host" confirmed
		t_not "$host: which nobody knows yet" reported "$host" changed
	else
		ends_well "$host"
	fi
	# shellcheck disable=SC2016 # for the shell there
	on "$host" sh -c 'kill -CONT $(pgrep writ-agent)'
	hosts heal "$host" >/dev/null 2>&1
	t "$host: and open" is_open "$host"
	in_time "$host: what became of it is known" reported "$host" "$outcome"
	t_eq "$host: and was said once" $((before + 1)) \
	    "$(said "$host" "$outcome")"
	[ "$outcome" = undone ] || t "$host: and stays" stands "$host" confirmed
	printf '%d %d\n' "$t_passed" "$t_failed" >"$host.sum"
}

# With the master: of the last order, as nothing was changed by the one before.
reported() {
	fleet status -i petra --json >"$1.status" && jq -e --arg id \
	    "$1.example.com" --arg outcome "$2" '.[] | select(.host == $id) |
	    .outcome == $outcome' "$1.status"
}

setup >setup.out 2>&1 </dev/null || {
	t_fail 'a master is set up' "$(tail -qn 8 ./*.out)"
	t_done
}
hosts_up "${hosts[@]}"
master_starts
ones=()
for host in "${hosts[@]}"; do
	t "$host: its agent starts" agent_starts "$host"
done
for host in "${hosts[@]}"; do
	in_time "$host: it waits" waits "$host"
	t "$host: and is accepted" fleet accept -i petra \
	    --id "$host.example.com" -y "$(cat "$host.enrol")"
done
fleet push -i petra >push.out 2>&1
t 'all are made what is good' fleet apply -i petra --on '*' --batch 100% -y
t 'and are it' fleet apply -i petra --on '*' --batch 100% -y
for host in "${hosts[@]}"; do
	t "$host: and is open" is_open "$host"
	snapshot "$host" >"$host.was"
done
# A bad one for all but him whom it is good for.
states=corp/fleet/states
sed 's/{port: 22}/{port: 22, from: 192.0.2.0\/24}/' $states/base.yaml >$states/bad.yaml
printf 'tries:\n  sshd_config: {settings: {MaxAuthTries: 4}}\n' >$states/good.yaml
sed -i '/told/s/base/base, good/; /amid/s/base/bad, good/; s/\[base\]/[bad]/' \
    corp/fleet/top.yaml
{
	"$writ" fleet -C corp sign -i petra -y && fleet push -i petra
} >sign.out 2>&1 </dev/null || t_fail 'a bad one is signed' "$(cat sign.out)"
[[ ${hosts[*]} != *told* ]] || on told rm -f /run/begun /run/go
fleet apply -i petra --on '*' --batch 100% --max-failures 100 -y --detach \
    >apply.out 2>&1 || t_fail 'it is ordered' "$(cat apply.out)"
before=$t_passed
for host in "${hosts[@]}"; do
	(t_passed=0 && one_host "$host") >"$host.out" 2>&1 </dev/null &
	ones+=($!)
done
wait "${ones[@]}"
t_passed=$before
for host in "${hosts[@]}"; do
	cat "$host.out"
	read -r n m <"$host.sum" || n=0 m=1
	t_passed=$((t_passed + n))
	t_failed=$((t_failed + m))
done
t_done
