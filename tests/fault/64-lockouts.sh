#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: changes that shut a way in, on real hosts, with the agent
# killed before each call that changes anything, and once with the power cut:
# the host is what it was, byte for byte, and its operator gets in again.
# Needs root.

# shellcheck source=tests/fault/lockout.sh
. "$(dirname "$0")/lockout.sh"

if all; then
	kinds=(users groups principals fw-in fw-out pam)
else
	kinds=(users fw-in)
fi
# Of the points of a kind, this many, spread over all; 0: each.
most=$(all && echo 0 || echo 3)

fleet_up

# --- one kind -------------------------------------------------------------------

# The points of one undisturbed run, in file $host.points.
find_points() {
	local host=$1 status=0 n

	under=(strace -f -b execve -y -s 0 -e "trace=$calls" -o /run/trace)
	agent "$host" apply --again || status=$?
	under=()
	[ "$status" -eq 3 ] || return 1
	on "$host" cat /run/trace >"$host.trace"
	points "$host.trace" >"$host.all"
	n=$(wc -l <"$host.all")
	echo "$n points"
	[ "$n" -gt 20 ] || return 1
	awk -v n="$n" -v most="$most" 'most == 0 || most >= n ||
	    int(NR * most / n) != int((NR - 1) * most / n)' \
	    "$host.all" >"$host.points"
}

one_point() {
	local host=$1 point=$2 call n status=0

	IFS=: read -r call n _ <<<"$point"
	under=(strace -f -b execve -o /dev/null -e "trace=$call"
	    -e "inject=$call:signal=KILL:when=$n")
	agent "$host" apply --again >"$host.run" 2>&1 </dev/null || status=$?
	under=()
	# Counts differ by a little from run to run, as temporary names do.
	[ "$status" -eq 137 ] || [ "$status" -eq 3 ] || {
		echo "status $status"
		cat "$host.run"
		return 1
	}
	is_back "$host"
}

power_cut() {
	local host=$1 status=0

	agent "$host" apply --again || status=$?
	[ "$status" -eq 3 ] || return 1
	hosts stop "$host" && hosts start "$host" && is_back "$host"
}

lock_out() {
	local host=$1 point

	t "$host: the good fleet, and a way in" good "$host"
	snapshot "$host" >"$host.was"
	bring "$host" corp
	t "$host: a bad one is live" find_points "$host"
	t "$host: and undoes itself" is_back "$host"
	while read -r point <&3; do
		t "$host: killed before $point" one_point "$host" "$point"
	done 3<"$host.points"
	t "$host: the power is cut" power_cut "$host"
	printf '%d %d\n' "$t_passed" "$t_failed" >"$host.sum"
}

# --- all of them, side by side ----------------------------------------------------

hosts_up "${kinds[@]}"
for kind in "${kinds[@]}"; do
	lock_out "$kind" >"$kind.out" 2>&1 </dev/null &
done
wait
for kind in "${kinds[@]}"; do
	cat "$kind.out"
	read -r n m <"$kind.sum" || n=0 m=1
	t_passed=$((t_passed + n))
	t_failed=$((t_failed + m))
done
t_done
