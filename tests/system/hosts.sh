# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced first by tests that need whole hosts (tests/lab/testhosts): lib.sh is
# at hand, $T is the current directory, and the fleet ends with the script.
#
#	hosts_up NAME...	start hosts, with Writ's agent in each
#	on NAME COMMAND...	as root in a host; status as of the command
#	near COMMAND...		in the fleet's network, with this machine's files
#	hosts ...		any other command of tests/lab/testhosts
#	fleet ...		writ fleet, of the deployment corp
#	in_time NAME COMMAND...	ok when COMMAND succeeds within the two minutes
#				that a lost line takes to be given up
#
# One base for all, in $O/lab, is built once.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/interop/lib.sh
. "$here/../interop/lib.sh"

cd "$T" || exit 1
export TESTHOSTS_BASE=${TESTHOSTS_BASE:-$O/lab/base}
export TESTHOSTS_DIR=$T/hosts

hosts() {
	"$TOP/tests/lab/testhosts" "$@"
}

on() {
	hosts exec "$@"
}

near() {
	hosts run "$@"
}

fleet() {
	near env HOME="$T" "$O/writ" fleet -C corp "$@" </dev/null
}

in_time() {
	local name=$1 end=$((SECONDS + 120))

	shift
	while ! "$@" >until.out 2>&1; do
		[ "$SECONDS" -lt "$end" ] || {
			t_fail "$name" "$(tail -n 20 until.out)"
			return 1
		}
		sleep 0.2
	done
	t_ok "$name"
}

hosts_down() {
	[ ! -d "$TESTHOSTS_DIR" ] || hosts down >/dev/null 2>&1
	t_cleanup
}
trap hosts_down EXIT

# The base is built under a lock of its own: scripts may run side by side.
hosts_base() {
	mkdir -p "$(dirname "$TESTHOSTS_BASE")" "$TESTHOSTS_DIR"
	flock "$TESTHOSTS_BASE.lock" "$TOP/tests/lab/testhosts" build-base
}

hosts_up() {
	local name

	if ! hosts_base >base.out 2>&1 || ! hosts up "$@" >up.out 2>&1; then
		t_fail "hosts $* start" "$(cat base.out up.out 2>/dev/null)"
		t_done
	fi
	for name; do
		[ ! -x "$O/writ-agent" ] ||
		    hosts put "$name" /usr/local/sbin "$O/writ-agent"
	done
}
