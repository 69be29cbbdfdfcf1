# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by run: what the process that faces the network takes and gives.  The
# keeper behind it is tests/tools/fakekeeper, which answers at once.

: "${tmp:?}" "${rounds:?}"
front_dir=$tmp/front
front_pid=''
fake_pid=''
sshd_pid=''

# Three ports in a row that nobody has.
front_ports() {
	python3 - <<'END'
import socket
def free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
print(next(p for p in range(19600, 30000, 7)
           if all(free(q) for q in (p, p + 1))))
END
}

front_stop() {
	local pid

	for pid in $front_pid $fake_pid $sshd_pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	front_pid='' fake_pid='' sshd_pid=''
}

front_deployment() {
	[ ! -d "$front_dir" ] || return 0
	mkdir -p "$front_dir/keys"
	front_port=$(front_ports)
	# Paths of sockets are short.
	front_run=$(mktemp -d "${TMPDIR:-/tmp}/writ-bench-XXXXXX")
	ssh-keygen -q -t ed25519 -N '' -f "$front_dir/keys/transport"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$front_dir/me"
	echo "me@example.com $(cut -d' ' -f1,2 "$front_dir/me.pub")" \
	    >"$front_dir/people"
	cat >"$front_dir/writ.yaml" <<-YAML
	log: "dir:log"
	log_name: ca_log
	service:
	  listen: ["127.0.0.1:$front_port"]
	  runtime: $front_run
	YAML
}

# A new one each time: what a process had before is not measured.
front_start() {
	local i

	front_deployment
	rm -f "$front_run/keeper.sock"
	"$O/tools/fakekeeper" "$front_run/keeper.sock" "$front_dir/people" \
	    >"$front_dir/keeper.log" 2>&1 &
	fake_pid=$!
	"$O/writ-ca-front" -C "$front_dir" >"$front_dir/log" 2>&1 &
	front_pid=$!
	for ((i = 0; i < 100; i++)); do
		! grep -q 'whose keys' "$front_dir/log" || return 0
		sleep 0.1
	done
	cat "$front_dir/log" >&2
	exit 1
}

peers() {
	"$O/tools/sshpeers" "$1" "$front_dir/me" "${@:2}"
}

# CPU seconds of a process and of all its children that have ended.
cpu_of() {
	awk -v hz="$(getconf CLK_TCK)" \
	    '{sub(/.*\) /, ""); print ($12 + $13 + $14 + $15) / hz}' \
	    "/proc/$1/stat"
}

# Resident kB of a process and its children.
resident_of() {
	local pid

	for pid in "$1" $(cat "/proc/$1/task/$1/children"); do
		awk '/^VmRSS:/ {print $2}' "/proc/$pid/status"
	done | awk '{s += $1} END {print s}'
}

sessions_1000_mb() {
	local n i before fd

	is_wanted sessions_1000_mb || return 0
	n=$(quick 100 1000)
	for ((i = 0; i < $(quick 1 "$rounds"); i++)); do
		front_start
		before=$(resident_of "$front_pid")
		mkfifo "$front_dir/in" "$front_dir/out"
		peers "$front_port" hold "$n" <"$front_dir/in" \
		    >"$front_dir/out" &
		exec {fd}>"$front_dir/in"
		grep -m 1 -q '^open' "$front_dir/out"
		echo "$(resident_of "$front_pid") $before"
		exec {fd}>&-
		wait $!
		rm "$front_dir/in" "$front_dir/out"
		front_stop
	done >"$tmp/rates"
	figure sessions_1000_mb "$(cut -d' ' -f1 "$tmp/rates" | median |
	    awk '{printf "%.1f", $1 / 1000}')" '<=40' \
	    "MB of the front with $n sessions open ($(cut -d' ' -f2 \
	    "$tmp/rates" | median | awk '{printf "%.1f", $1 / 1000}') with none)"
}

# sshd as it comes, but for where its files are.
sshd_start() {
	local i

	# Where its parent's memory is kept apart, as root.
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
	cut -d' ' -f1,2 "$front_dir/me.pub" >"$front_dir/authorized"
	cat >"$front_dir/sshd_config" <<-END
	Port $((front_port + 1))
	ListenAddress 127.0.0.1
	HostKey $front_dir/keys/transport
	AuthorizedKeysFile $front_dir/authorized
	PidFile none
	StrictModes no
	PermitRootLogin yes
	UsePAM no
	END
	"$(command -v sshd || echo /usr/sbin/sshd)" -D -E "$front_dir/sshd.log" \
	    -f "$front_dir/sshd_config" &
	sshd_pid=$!
	for ((i = 0; i < 100; i++)); do
		! grep -q listening "$front_dir/sshd.log" 2>/dev/null ||
			return 0
		sleep 0.1
	done
	cat "$front_dir/sshd.log" >&2
	exit 1
}

# Handshakes a CPU second of PID: PID PORT N USER.
handshake_rate() {
	local before after

	before=$(cpu_of "$1")
	peers "$2" handshakes "$3" "$4" >/dev/null
	sleep 0.5 # its children end
	after=$(cpu_of "$1")
	awk -v a="$before" -v b="$after" -v n="$3" 'BEGIN {print n / (b - a)}'
}

handshake_vs_sshd() {
	local a b i

	is_wanted handshake_vs_sshd || return 0
	front_start
	sshd_start
	for ((i = 0; i < rounds; i++)); do
		a=$(handshake_rate "$front_pid" "$front_port" \
		    "$(quick 200 1000)" me)
		b=$(handshake_rate "$sshd_pid" $((front_port + 1)) \
		    "$(quick 20 60)" "$(id -un)")
		echo "$(divide "$a" "$b") $a $b"
	done >"$tmp/rates"
	front_stop
	a=$(cut -d' ' -f2 "$tmp/rates" | median)
	b=$(cut -d' ' -f3 "$tmp/rates" | median)
	figure handshake_vs_sshd "$(cut -d' ' -f1 "$tmp/rates" | median)" \
	    '>=5' "$(printf 'logins %.0f a CPU second over sshd %.0f' \
	    "$a" "$b")"
}

stalled_peer_ms() {
	local i n

	is_wanted stalled_peer_ms || return 0
	n=$(quick 500 2000)
	for ((i = 0; i < rounds; i++)); do
		front_start
		printf '%s\n' "rtt $n" 'stall 15 1000000' 'wait 1000' "rtt $n" |
		    peers "$front_port" hold 20 | grep '^rtt' |
		    paste -s -d' ' | cut -d' ' -f2,4,6,8
		front_stop
	done >"$tmp/rates"
	figure stalled_peer_ms "$(cut -d' ' -f4 "$tmp/rates" | median |
	    awk '{printf "%.2f", $1 / 1000}')" '<=5' \
	    "worst of $n round trips beside a stopped peer (median $(
	    cut -d' ' -f3 "$tmp/rates" | median) us; without it $(
	    cut -d' ' -f1 "$tmp/rates" | median) us, worst $(
	    cut -d' ' -f2 "$tmp/rates" | median) us)"
}

front_figures() {
	local name

	for name in sessions_1000_mb handshake_vs_sshd stalled_peer_ms; do
		"$name"
	done
	front_stop
	[ -z "${front_run:-}" ] || rm -rf "$front_run"
}
