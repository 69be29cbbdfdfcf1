#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: changes that shut a way in, on real hosts, with the agent
# killed before each call that changes anything, and with the power cut: while the
# change waits, and in the middle of it.  The host is what it was, byte for byte, and its operator gets in again.
# Needs root.

# shellcheck source=tests/fault/lockout.sh
. "$(dirname "$0")/lockout.sh"

if all; then
	kinds=("${kinds_of_all[@]}")
else
	kinds=(users fw-in)
fi
# Of the points of a kind, this many, spread over all; 0: each.
most=$(all && echo 0 || echo 3)

fleet_up

# --- one kind -------------------------------------------------------------------

# The points of one undisturbed run, in file $host.points.
find_points() {
	local host=$1 status n

	under=(strace -f -b execve -y -s 0 -e "trace=$calls" -o /run/trace)
	try_bad "$host"
	status=$?
	under=()
	[ "$status" -eq 0 ] || return 1
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
	killed_or_live "$host" "$status" && is_back "$host"
}

power_cut() {
	try_bad "$1" && hosts stop "$1" && hosts start "$1" && is_back "$1"
}

# The points when the last file is live, before the first one is, and when sshd
# and the kernel know.
amid() {
	awk -F: '$3 !~ /^\/etc/ { next }
	    $1 ~ /^rename/ && !first { first = $0 }
	    { last = $0 }
	    END { print last; print first }' "$1.all"
	tail -n 3 "$1.all" | head -n 1
}

# The agent stands still there, so that nobody else undoes what it holds the lock
# of, and then there is no power.
cut_amid() {
	local host=$1 point=$2 call n pid i

	IFS=: read -r call n _ <<<"$point"
	under=(strace -f -b execve -o /run/amid -e "trace=$call"
	    -e "inject=$call:signal=STOP:when=$n")
	agent "$host" apply --again >"$host.run" 2>&1 </dev/null &
	pid=$!
	under=()
	for ((i = 0; i < 100; i++)); do
		sleep 0.1
		! on "$host" grep -qs 'stopped by SIGSTOP' /run/amid || break
	done
	hosts stop "$host"
	wait "$pid"
	hosts start "$host" || return
	[ "$i" -lt 100 ] || {
		echo "it did not stand still before $call $n"
		return 1
	}
	is_back "$host"
}

lock_out() {
	local host=$1 point

	t "$host: the good fleet, and a way in" good "$host"
	snapshot "$host" >"$host.was"
	bring_bad "$host"
	t "$host: a bad one is live" find_points "$host"
	t "$host: and undoes itself" is_back "$host"
	while read -r point <&3; do
		t "$host: killed before $point" one_point "$host" "$point"
	done 3<"$host.points"
	t "$host: the power is cut" power_cut "$host"
	while read -r point <&3; do
		t "$host: and before $point" cut_amid "$host" "$point"
	done 3< <(amid "$host" | head -n "$(all && echo 3 || echo 1)")
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
