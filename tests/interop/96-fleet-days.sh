#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a fleet as it is run, every process of it: a CA, two masters
# with their couriers, and a host's agent.  The host renews its certificate in
# time; its reports come through where a master is gone, and what a master has
# dropped is named to the auditor; a fleet past its day goes on in force.
# In a mount namespace of its own, as root or as what a user namespace makes of
# somebody: states write to /etc.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

if [ "${1-}" != inside ]; then
	if [ "$(id -u)" -eq 0 ]; then
		way=(unshare --mount)
	else
		way=(unshare --mount --user --map-root-user)
	fi
	if ! "${way[@]}" true 2>/dev/null; then
		t_skip 'a fleet as it is run' 'no mount namespace can be had here'
		t_done
		exit
	fi
	rm -rf "$T" # the one inside has its own
	exec "${way[@]}" bash "$TOP/tests/interop/96-fleet-days.sh" inside
fi

# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/hosts.sh
. "$(dirname "$0")/hosts.sh"
# shellcheck source=tests/interop/running.sh
. "$(dirname "$0")/running.sh"

cd "$T" || exit 1
mkdir etc-limits
mount --make-rprivate / && mount --bind etc-limits /etc/security/limits.d || exit 1
port=$((s_port + 10))
host=web-1.example.com
as=root
[ "$(id -u)" -ne 0 ] || ! id nobody >/dev/null 2>&1 || as=nobody
! grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map && as=root
chmod 711 .

# What a person types, at the time that all of them have.
fleet() {
	# shellcheck disable=SC2086 # words
	env $s_env "$writ" fleet -C ca "$@" -i petra </dev/null
}
audit() {
	# shellcheck disable=SC2086
	env $s_env "$writ" audit "$@" </dev/null
}

# --- a deployment ------------------------------------------------------------

# Two thirds of such a certificate's life, of which 60 s are before it is made,
# are over two seconds later.
life=36

make_master() { # NAME PORT
	"$O/writ-master" -C "$1" init --name "$1" \
		--root "SHA256:$(host_realm | xxd -r -p | base64 | tr -d =)" &&
		cat >>"$1/master.yaml" <<-END
		listen: ["127.0.0.1:$2"]
		ca:
		  address: "127.0.0.1:$s_port"
		  key: "$(cut -d' ' -f1,2 ca/keys/transport.pub)"
		END
}

make() {
	hosts_make && s_config ca && s_fake &&
		make_master m1 "$port" && make_master m2 $((port + 1)) &&
		cp m[12]/keys/m[12].pub m[12]/keys/m[12]_log.pub \
			ca/policy/authorities || return
	rm ca/policy/authorities/master_1.pub
	sed -i "s/^  log: \[\(.*\)\]/  log: [\1, m1_log, m2_log]/
		s/^  master: .*/  master: [m1, m2]/
		s/^    max: 30d/    max: ${life}s/" ca/policy/ca.yaml
	"$writ" policy sign -C ca -i olga -y &&
		"$writ" policy sign -C ca -i ivan -y || return
	cp -r ca/bundle m1/ && cp -r ca/bundle m2/
	rm -rf ca/fleet
	mkdir -p ca/fleet/states ca/fleet/pillar
	cat >ca/fleet/fleet.yaml <<-END
	masters:
	  - {address: "127.0.0.1:$port", key: m1}
	  - {address: "127.0.0.1:$((port + 1))", key: m2}
	hosts: {interval: 1m, splay: 1s}
	END
	printf 'states:\n  - {match: "*", apply: [base]}\n' >ca/fleet/top.yaml
}

made() {
	make >make.log 2>&1 </dev/null && return
	cat make.log
	return 1
}

# next VALUE [OPTION...]: the fleet with it is signed.
next() {
	cat >ca/fleet/states/base.yaml <<-END
	cap:
	  pam_limits:
	    limits: [{domain: "@users", type: hard, item: sigpending, value: $1}]
	END
	shift
	fleet sign -y "$@"
}

declare -A master
m_start() { # NAME
	# shellcheck disable=SC2086
	env $s_env "$O/writ-master" -C "$1" run >>"$1.log" 2>&1 &
	master[$1]=$!
	t_stop_later $!
	s_until 10 m_answers "$1"
}
m_at() { echo "127.0.0.1:$((port + ${1#m} - 1))"; }
m_answers() { fleet keys --master "$(m_at "$1")"; }
# As a machine that is gone: with all of its processes, at once.
m_dies() {
	local pids

	mapfile -t pids < <(pgrep -P "${master[$1]}")
	kill -9 "${master[$1]}" "${pids[@]}"
	wait "${master[$1]}" 2>/dev/null
	[ ${#pids[@]} -ge 4 ]
}
agent_starts() {
	# shellcheck disable=SC2086
	env $s_env FAKECLOCK_OF=writ-agent-link "$O/writ-agent" run --config agent.yaml --state "$T/state" \
		>>agent.log 2>&1 &
	agent=$!
	t_stop_later "$agent"
}
agent_ends() {
	kill "$agent"
	wait "$agent"
}

here 'a deployment with two masters' made
here 'its CA serves' s_start ca
t 'a fleet is signed' next 1001 --expires 7d
here 'a master serves' m_start m1
here 'and another one' m_start m2
t 'both get the fleet' fleet push

host_key host
cat >agent.yaml <<END
id: $host
root: "SHA256:$(host_realm | xxd -r -p | base64 | tr -d =)"
masters:
  - {address: "127.0.0.1:$port", key: "$(key_of m1/keys/m1)"}
  - {address: "127.0.0.1:$((port + 1))", key: "$(key_of m2/keys/m2)"}
user: $as
host_key: $T/host.hk
END
here 'an agent' agent_starts
waits() { fleet keys --master "$(m_at m1)" | grep "waiting *$host"; }
t 'asks in' s_until 10 waits
t 'an operator accepts it' fleet accept "$host" -y -o host.accept \
	--master "$(m_at m1)"
t 'once' fleet send host.accept --master "$(m_at m1)"
held() { grep -q "\"$1\"" state/held; }
t 'and it knows who it is' s_until 10 held "$host"


# --- in time -----------------------------------------------------------------

cert_is() { ssh-keygen -L -f state/certificate | grep "$1"; }
t 'it has a certificate of its key' s_until 10 cert_is "$host/"
cp state/certificate first
other() { ! cmp -s first state/certificate; }
t 'and another one after two thirds of its life' s_until 12 other
ends_at() { ssh-keygen -L -f "$1" | sed -n 's/.* to //p'; }
t 'which is good for longer' test "$(ends_at first)" '<' \
	"$(ends_at state/certificate)"

# --- one master gone ---------------------------------------------------------

limit() { grep -qE "sigpending[[:space:]]+$1\$" etc-limits/*; }
is_at() { fleet status --json --master "$(m_at "$1")" |
	jq -e 'map(select(.host == "'"$host"'" and .connected == "yes")) | length == 1'; }
t 'an order is given at one' fleet apply --on '*' -y --master "$(m_at m1)"
t 'and carried out' limit 1001
here 'that master dies' m_dies m1
asks_m2() { fleet keys --master "$(m_at m2)" | grep "waiting *$host"; }
t 'the host asks in at the other one' s_until 20 asks_m2
t 'which takes the same acceptance' fleet send host.accept --master "$(m_at m2)"
t 'and has it' s_until 10 is_at m2
t 'another fleet is signed' next 1002 --expires 7d
t 'and brought to who is there' ends 6 'has fleet 2 now' fleet push
t 'with an order for it' fleet apply --on '*' -y -o the.order
t 'given at the one that is there' fleet send the.order --master "$(m_at m2)"
t 'it is carried out' s_until 20 limit 1002
# Until that is in the other master's log, and so nowhere else.
done_at() {
	fleet status --json --master "$(m_at "$1")" |
		jq -e 'map(select(.outcome == "changed" and .fleet == "2")) |
			length == 1'
}
t 'and reported there' s_until 10 done_at m2
here 'the first comes back' m_start m1
t 'and is brought what it lacks' fleet push
t 'and the order' fleet send the.order --master "$(m_at m1)"
here 'the other one is gone, with what it was told' m_dies m2
t 'the host is back' s_until 20 is_at m1
t 'and reports' fleet apply --on '*' --test -y
t_eq 'what operators signed is no alarm' '' "$(fleet status --json |
	jq -r '.[].alarms' | grep -v 'are missing')"

# --- what it was told and m1 was not -----------------------------------------

t_has 'the auditor is told of reports that are missing' \
	"$(audit gaps -C ca -i petra 2>&1)" "reports missing"
out=$(audit verify -C ca --fleet-log m1/log 2>&1)
t_eq 'which is no finding' 0 $?
t_has 'but is named where it is' "$out" \
	"notice: m1/log/tile/entries/000.p/"
# All that the other one has, which is one more where the host looked by itself.
only_at_m2=$(audit verify -C ca --fleet-log m2/log |
	sed -n 's,^m2/log/.* \([0-9]*\) reports*\,.*,\1,p')
missing=$(sed -n "s/.*reports of $host: \([0-9]*\) to \([0-9]*\) are missing.*/\2-\1+1/p" <<<"$out")
t_eq 'by its host and numbers' "${only_at_m2:-none}" "$((missing))"
t_has 'and with the answer to who logged in' \
	"$(audit who -C ca -i petra 2>&1)" "logins may lack: $host: reports before"

# --- past its day ------------------------------------------------------------

day=86400
s_clock $((8 * day))
agent_ends
rm etc-limits/*
here 'the agent starts a day after its fleet ended' agent_starts
t 'which goes on in force' s_until 20 limit 1002
s_clock $((8 * day)) 0 3600
alarmed() { fleet status --json | jq -r '.[].alarms' |
	grep "fleet version 2 is past its expiry, and stays in force"; }
t 'and is an alarm within an hour' s_until 20 alarmed

t 'a newer one is signed' next 1003 --expires 1d
s_clock $((30 * day)) 0 3600
t 'and comes too late' ends 1 'its grace is over' fleet push
t 'as does an order for it' ends 1 'its grace is over' fleet apply --on '*' -y
t 'one that is not too late is signed' next 1004
fleet push >push.out 2>&1
t_has 'and taken, by way of that one' "$(cat push.out)" 'has fleet 4 now'
t 'the host is brought to it' fleet apply --on '*' -y
t 'and not to what was too late' limit 1004
t_done
