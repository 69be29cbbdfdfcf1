#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: changes that shut a way in, on a host whose disk is full. One
# that fills while a run waits to be confirmed does not keep it from being undone;
# on one that is full already nothing is half applied; and once there is room
# again, all goes on.
# Needs root.

# One host after the other, as they share what they write to.
export TESTHOSTS_LAYER_SIZE=160m
# shellcheck source=tests/fault/lockout.sh
. "$(dirname "$0")/lockout.sh"

if all; then
	kinds=("${kinds_of_all[@]}")
else
	kinds=(users)
fi
fleet_up

# Not one byte more: large pieces first, then as small as there are.
fill() {
	local size

	for size in 1M 4k 1; do
		! on "$1" dd if=/dev/zero "of=/var/tmp/fill.$size" "bs=$size" \
		    2>/dev/null || return
	done
}

make_room() {
	on "$1" sh -c 'rm -f /var/tmp/fill.*'
}

is_full_then() {
	try_bad "$1" && fill "$1" && is_back "$1"
}

# And neither is there when the power is back.
is_full_and_cut() {
	try_bad "$1" && fill "$1" && hosts stop "$1" && hosts start "$1" &&
	    is_back "$1"
}

was_full() {
	local host=$1 status=0

	fill "$host" || return
	agent "$host" apply --again >"$host.run" 2>&1 </dev/null || status=$?
	cat "$host.run"
	[ "$status" -ne 0 ] && [ "$status" -ne 3 ] &&
	    grep -q 'nothing was changed: .*: no room: ' "$host.run" && is_back "$host"
}

tried() {
	try_bad "$1" && is_back "$1"
}

status_says() {
	on "$1" writ-agent status >"$1.status" 2>&1
	cat "$1.status"
	grep -q "$2" "$1.status"
}
# What undoes it tries again twice a second, and can note it once there is room.
says_soon() {
	local end=$((SECONDS + 20))

	until status_says "$@" >"$1.soon"; do
		if [ "$SECONDS" -ge "$end" ]; then
			cat "$1.soon"
			return 1
		fi
		sleep 0.2
	done
}

for kind in "${kinds[@]}"; do
	hosts_up "$kind"
	t "$kind: the good fleet, and a way in" good "$kind"
	snapshot "$kind" >"$kind.was"
	bring_bad "$kind"
	t "$kind: its disk fills while it waits, and it is undone" \
		is_full_then "$kind"
	t "$kind: there is room again" make_room "$kind"
	t "$kind: it was undone, and is known to be" \
		says_soon "$kind" 'undone'
	t "$kind: it is full already, and nothing is applied" was_full "$kind"
	t "$kind: there is room again" make_room "$kind"
	t "$kind: it fills while it waits, and the power is cut" \
		is_full_and_cut "$kind"
	t "$kind: there is room again" make_room "$kind"
	t "$kind: and it is tried, and undone again" tried "$kind"
	hosts down "$kind" >/dev/null 2>&1
done
t_done
