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
#	corp_make OLGA PETRA	a deployment corp by these keys, with a master in m that
#				its policy names and a fleet without states; $root
#	corp_sign OLGA PETRA	policy and fleet as they are, for hosts and the master
#	master_starts		the master of m, in the fleet's network; master.pid
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

corp_make() {
	"$O/writ" init corp --single-officer \
	    --officer "olga@example.com=$1.pub" \
	    --operator "petra@example.com=$2.pub" &&
	    "$O/writ" policy sign -C corp -i "$1" -y || return
	root=SHA256:$(openssl dgst -sha256 -binary corp/bundle/root.1.yaml |
	    base64 | tr -d =)
	mkdir -p m/bundle
	"$O/writ-master" -C m init --name master_1 --root "$root" || return
	cp m/keys/master_1.pub m/keys/master_1_log.pub corp/policy/authorities/
	sed -i 's/^  log: \[/  master: [master_1]\n  log: [master_1_log, /' \
	    corp/policy/ca.yaml
	rm -rf corp/fleet
	mkdir -p corp/fleet/states corp/fleet/pillar
	cat >corp/fleet/fleet.yaml <<-'END'
	masters:
	  - {address: "10.77.0.1:2023", key: master_1}
	hosts: {confirm_within: 60s, interval: 1h, splay: 1m}
	END
	printf 'states:\n  - match: "*"\n    apply: [base]\n' >corp/fleet/top.yaml
} >corp_make.out 2>&1 </dev/null

corp_sign() {
	"$O/writ" policy sign -C corp -i "$1" -y &&
	    "$O/writ" fleet -C corp sign -i "$2" -y &&
	    cp -a corp/bundle/. m/bundle/
} >corp_sign.out 2>&1 </dev/null

# By its own number: what starts it in the network would die alone.
master_starts() {
	rm -f master.pid
	# shellcheck disable=SC2016 # for the shell there
	near sh -c 'echo $$ >master.pid; exec "$1" -C m run' sh \
	    "$O/writ-master" >>master.log 2>&1 </dev/null &
	until [ -s master.pid ]; do
		sleep 0.1
	done
	t_stop_later "$(cat master.pid)"
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
