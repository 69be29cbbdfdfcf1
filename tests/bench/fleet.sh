# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/bench/run: figures of the agent, on a real host
# (tests/lab/testhosts) whose five states are as they should be.

: "${tmp:?}" "${rounds:?}" "${bin:?}" "${O:?}"

# Where the hosts' state is; outside the build directory, whose path may be too
# long for the sockets in it.
fleet_run=''

fleet_stop() {
	master_stop
	[ -n "$fleet_run" ] || return 0
	fleet_hosts down >/dev/null 2>&1 || true
	rm -rf "$fleet_run"
	fleet_run=''
}

fleet_hosts() {
	TESTHOSTS_DIR=$fleet_run TESTHOSTS_BASE=$O/lab/base \
	    tests/lab/testhosts "$@"
}

# The five states that are measured; the firewall lets this machine in.
fleet_states() {
	cat <<-'YAML'
	sshd-baseline:
	  sshd_config:
	    settings:
	      PermitRootLogin: no
	      PasswordAuthentication: no
	      KbdInteractiveAuthentication: no
	      MaxAuthTries: 4

	firewall:
	  iptables:
	    input:
	      policy: drop
	      allow:
	        - {port: 22, proto: tcp}
	        - {port: 443, proto: tcp}
	      block: [203.0.113.0/24]
	    forward: {policy: drop}

	jail:
	  fail2ban:
	    jails:
	      sshd: {backend: systemd, maxretry: 4, findtime: 10m, bantime: 1h}
	    ignore: [10.77.0.1]

	limits:
	  pam_limits:
	    limits:
	      - {domain: "@users", type: hard, item: nproc, value: 200}
	      - {domain: webapp, type: hard, item: nproc, value: 20}

	mounts:
	  fstab:
	    mounts:
	      /tmp: {options: [noexec, nosuid, nodev], tmpfs: 64m}
	      /home: {options: [nosuid, nodev]}
	YAML
}

# A deployment DIR with its fleet, signed; fleet_root is the root of trust.
fleet_root=''
fleet_deployment() {
	local d=$1 p
	mkdir -p "$d"
	for p in olga ivan petra; do
		ssh-keygen -q -t ed25519 -N '' -C $p -f "$d/$p"
	done
	"$O/writ" init "$d/corp" --officer "olga@example.com=$d/olga.pub" \
	    --officer "ivan@example.com=$d/ivan.pub" \
	    --operator "petra@example.com=$d/petra.pub"
	for p in olga ivan; do
		"$O/writ" policy sign -C "$d/corp" -i "$d/$p" -y
	done >"$d/signed"
	fleet_root=$(grep -o 'SHA256:[A-Za-z0-9+/]*' "$d/signed" | tail -n 1)
	rm -rf "$d/corp/fleet"
	mkdir -p "$d/corp/fleet/states"
	echo 'hosts: {confirm_within: 60s}' >"$d/corp/fleet/fleet.yaml"
	printf 'states:\n  - {match: "*", apply: [base]}\n' \
	    >"$d/corp/fleet/top.yaml"
	fleet_states >"$d/corp/fleet/states/base.yaml"
	"$O/writ" fleet sign -C "$d/corp" -i "$d/petra" -y
}

# In the host: the agent on the bundles beside it.
fleet_agent() {	# VERB [ARGUMENT...]
	local verb=$1
	shift
	fleet_hosts exec web "${agent_by[@]}" /usr/local/sbin/writ-agent \
	    "$verb" --local /srv/writ --root "$fleet_root" \
	    --id web.example.com "$@"
}
agent_by=()

fleet_network() {
	fleet_run=$(mktemp -d /var/tmp/writ-bench.XXXXXX)
	mkdir -p "$O/lab"
	fleet_hosts build-base >"$tmp/log" 2>&1
}

# A host made what the policy says, confirmed, and seen to hold.
fleet_start() {
	local d=$tmp/fleet status=0
	[ -n "$fleet_run" ] || fleet_network
	fleet_hosts up web
	fleet_hosts put web /usr/local/sbin "$O/writ-agent" "$bin/bench_run"
	fleet_deployment "$d"
	fleet_hosts exec web sh -c 'mkdir -p /srv/writ'
	tar -c -C "$d/corp" bundle |
	    fleet_hosts exec web tar -x -C /srv/writ
	fleet_hosts exec web useradd -m webapp
	fleet_agent apply --no-boot-undo || status=$?
	# 3: it is to be confirmed.
	[ $status -eq 3 ] && fleet_hosts exec web writ-agent confirm --any-login
	fleet_agent apply --no-boot-undo
	fleet_agent apply
}

fleet_need() {
	fleet_start >"$tmp/log" 2>&1 || {
		tail -n 5 "$tmp/log" >&2
		exit 1
	}
}

# Lines of a trace from the agent's own execve on, without those of signals.
noop_trace() {
	local status=0
	strace -f -q -o "$tmp/trace" tests/lab/testhosts exec web \
	    /usr/local/sbin/writ-agent apply --local /srv/writ \
	    --root "$fleet_root" --id web.example.com >"$tmp/log" 2>&1 ||
	    status=$?
	[ $status -eq 0 ] || return 1
	awk '/execve\("[^"]*writ-agent"/ {on = 1; own = $1}
	    on && $2 !~ /^(---|\+\+\+)/ && !/ resumed>/ {print}' "$tmp/trace"
}

noop() {
	local n cpu rss calls children
	is_wanted noop_cpu_ms || is_wanted noop_syscalls ||
	    is_wanted noop_children || is_wanted noop_rss_mb || return 0
	fleet_need
	n=$(quick 5 50)
	agent_by=(/usr/local/sbin/bench_run "$n")
	for ((i = 0; i < rounds; i++)); do
		fleet_agent apply
	done >"$tmp/rates"
	agent_by=()
	cpu=$(cut -d' ' -f1 "$tmp/rates" | median |
	    awk '{printf "%.2f", $1 * 1000}')
	rss=$(cut -d' ' -f3 "$tmp/rates" | median)
	TESTHOSTS_DIR=$fleet_run TESTHOSTS_BASE=$O/lab/base noop_trace \
	    >"$tmp/calls"
	calls=$(wc -l <"$tmp/calls")
	children=$(grep -cE ' (clone3?|v?fork)\(' "$tmp/calls" || true)
	! is_wanted noop_cpu_ms || figure noop_cpu_ms "$cpu" '<=10' \
	    'CPU of a run that has nothing to change, five states'
	! is_wanted noop_syscalls || figure noop_syscalls "$calls" '<=1000' \
	    'system calls of the same'
	! is_wanted noop_children || figure noop_children "$children" '<=0' \
	    'processes and threads it started'
	! is_wanted noop_rss_mb || figure noop_rss_mb "$rss" '<=8' \
	    'MiB it had resident at most'
}

# --- a master of many ---------------------------------------------------------

# $tmp/m with its people in $tmp/many, and agents that are not real
# (tests/tools/fleetpeers), in as many processes as keep their loops short.
master_port=17923
master_pid=''
master_runs='' # what started it, where that is another
peers_pids=()
peers_n=4

master_stop() {
	local pid
	for pid in "${peers_pids[@]}" $master_pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	[ -z "$master_runs" ] || wait "$master_runs" 2>/dev/null || true
	peers_pids=()
	master_pid=''
	master_runs=''
}

master_start() {
	local i
	"$O/writ-master" run -C "$tmp/m" >>"$tmp/m.log" 2>&1 &
	master_pid=$!
	for ((i = 0; i < 200; i++)); do
		if ssh-keyscan -T 1 -p $master_port 127.0.0.1 2>/dev/null |
		    grep -q .; then
			return 0
		fi
		sleep 0.1
	done
	echo 'bench: the master does not answer:' >&2
	tail -n 5 "$tmp/m.log" >&2
	exit 1
}

# The master M of the deployment D, at ADDRESS.
master_into() {	# D M ADDRESS
	local d=$1 m=$2
	cp "$m/keys/"*.pub "$d/corp/policy/authorities"
	sed -i 's/^  log: .*/  log: [ca_log, emergency_log, master_1_log]\
  master: [master_1]/' "$d/corp/policy/ca.yaml"
	for p in olga ivan; do
		"$O/writ" policy sign -C "$d/corp" -i "$d/$p" -y
	done
	echo "masters: [{address: \"$3\", key: master_1}]" \
	    >>"$d/corp/fleet/fleet.yaml"
	"$O/writ" fleet sign -C "$d/corp" -i "$d/petra" -y
	cp -r "$d/corp/bundle" "$m/bundle"
	sed -i "s|^root:.*|root: $fleet_root|" "$m/master.yaml"
	cat >>"$m/master.yaml" <<-YAML
	listen: ["$3"]
	limits: {sessions: 20000, waiting: 10000, per_source: 10000,
	  guests: 8000, login_grace: 5m}
	YAML
}

master_deployment() {
	"$O/writ-master" init -C "$tmp/m" --name master_1 \
	    --root "SHA256:$(head -c 32 /dev/zero | base64 | tr -d =)"
	fleet_deployment "$tmp/many"
	master_into "$tmp/many" "$tmp/m" "127.0.0.1:$master_port"
}

peers_start() {	# N
	local i
	for ((i = 0; i < peers_n; i++)); do
		mkfifo "$tmp/peers$i"
		"$O/tools/fleetpeers" "127.0.0.1:$master_port" "$tmp/m/keys/master_1.pub" \
		    "$tmp/many/corp/bundle/root.1.yaml" $((i * $1)) "$1" \
		    "$tmp/many/petra" petra@example.com <"$tmp/peers$i" \
		    >"$tmp/said$i" 2>"$tmp/peers.err$i" &
		peers_pids+=($!)
		eval "exec $((40 + i))>\"\$tmp/peers$i\""
	done
}

# Each does WORD, which may have an argument, the first one LINE before it;
# seconds until the last has.
peers_all() {	# WORD [LINE]
	local i before start
	before=$(cat "$tmp"/said? | grep -c " ${1%% *}\$" || true)
	start=$(date +%s.%N)
	[ -z "${2:-}" ] || echo "$2" >&40
	for ((i = 0; i < peers_n; i++)); do
		echo "$1" >&$((40 + i))
	done
	until [ "$(cat "$tmp"/said? | grep -c " ${1%% *}\$")" -ge \
	    $((before + peers_n)) ]; do
		if cat "$tmp"/peers.err? | grep . >&2; then
			return 1
		fi
		sleep 0.2
	done
	date +%s.%N | awk -v a="$start" '{printf "%.2f\n", $1 - a}'
}

# MB of all processes of the master, each page counted once.
master_mb() {
	local pid
	for pid in $(descendants "$master_pid"); do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Pss:/ {kb += $2} END {printf "%.0f\n", kb / 1000}'
}

descendants() {
	local pid
	echo "$1"
	for pid in $(pgrep -P "$1"); do
		descendants "$pid"
	done
}

# A call of the operator's: the median of some, in milliseconds.
peers_ask() {	# CALL
	local i n
	for ((i = 0; i < rounds; i++)); do
		n=$(grep -c ' ask$' "$tmp/said0" || true)
		echo "ask $1" >&40
		until [ "$(grep -c ' ask$' "$tmp/said0")" -gt "$n" ]; do
			if cat "$tmp"/peers.err? | grep . >&2; then
				return 1
			fi
			sleep 0.1
		done
	done
	sed -n 's/ ask$//p' "$tmp/said0" | tail -n "$rounds" | median |
	    awk '{printf "%.1f\n", $1 * 1000}'
}

# What is asked of a million logins: those of a day, of all hosts, of one host and
# of one account, and one certificate's.
who_questions() {
	local since
	since="\"since\":\"$(date -u -d '-1 day' +%Y-%m-%dT%H:%M:%SZ)\""
	printf '{"call":"logins",%s}\n' "$since" \
	    "$since,\"host\":\"h3.example.com\"" \
	    "$since,\"account\":\"u3\"" '"serial":"3000005"'
}

logins_1m() {
	local n=25 reports events took call
	is_wanted who_1m_ms || is_wanted ingest_per_s || return 0
	reports=$(quick 3 100)
	events=$((n * peers_n * reports * 100))
	rm -rf "$tmp/m" "$tmp/many" "$tmp"/peers?
	master_deployment >"$tmp/log" 2>&1 || {
		tail -n 5 "$tmp/log" >&2
		exit 1
	}
	master_start
	peers_start $n
	peers_all enrol >/dev/null
	peers_all attend >/dev/null
	took=$(peers_all "logins $reports")
	! is_wanted ingest_per_s || figure ingest_per_s \
	    "$(divide $events "$took" %.0f)" '>=5000' \
	    "logins a second, $events of $((n * peers_n)) hosts, in the log and in rows"
	if is_wanted who_1m_ms; then
		while read -r call; do
			peers_ask "$call"
		done < <(who_questions) >"$tmp/asked"
		figure who_1m_ms "$(sort -g "$tmp/asked" | tail -n 1)" '<=100' \
		    "ms for who logged in, of $events: the first 1,000 of a day, a host, an account, a certificate: $(paste -s -d' ' "$tmp/asked")"
	fi
	master_stop
}

# many_attend N: a master with N agents of each process, restarted and given an
# order; how many there are, MB, and the seconds of both, on one line.
many_attend() {
	local n=$1 accept order mb
	rm -rf "$tmp/m" "$tmp/many" "$tmp"/peers?
	master_deployment >"$tmp/log" 2>&1 || {
		tail -n 5 "$tmp/log" >&2
		exit 1
	}
	master_start
	peers_start "$n"
	peers_all enrol >/dev/null
	kill "$master_pid"
	wait "$master_pid" || true
	master_start
	accept=$(peers_all attend)
	mb=$(master_mb)
	order=$(peers_all results \
	    "order $tmp/many/corp/bundle/fleet.2 $((n * peers_n))")
	# What has grown for so many answers stays.
	mb=$(printf '%s\n' "$mb" "$(master_mb)" | sort -n | tail -n 1)
	master_stop
	echo "$((n * peers_n)) $mb $accept $order" >"$tmp/many.figures"
}

fleet_10k() {
	local n few few_mb few_accept few_order all mb accept order
	is_wanted fleet_10k_mb || is_wanted fleet_10k_accept_s ||
	    is_wanted fleet_10k_order_s || return 0
	n=$(quick 50 2500)
	# Where so many descriptors are not to be had, as many as fit.
	ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
	if [ "$(ulimit -n)" -lt $((n * peers_n + 500)) ]; then
		n=$((($(ulimit -n) - 500) / peers_n))
	fi
	many_attend $((n / 10))
	read -r few few_mb few_accept few_order <"$tmp/many.figures"
	many_attend "$n"
	read -r all mb accept order <"$tmp/many.figures"
	! is_wanted fleet_10k_mb || figure fleet_10k_mb "$mb" '<=500' \
	    "MB of the master that $all agents attend, before an order or after it; $few: $few_mb"
	! is_wanted fleet_10k_accept_s || figure fleet_10k_accept_s \
	    "$accept" '<=30' \
	    "seconds after a restart until $all agents are in; $few: $few_accept"
	! is_wanted fleet_10k_order_s || figure fleet_10k_order_s "$order" \
	    '<=20' \
	    "seconds from an order to the last report of $all agents; $few: $few_order"
}

# --- one agent under a master -----------------------------------------------------

# The host of the figures above, now with its agent as a daemon, under a master in
# the hosts' network; ten versions of the fleet, of which the limits alone differ.
agent_start() {
	local d=$tmp/one i
	"$O/writ-master" init -C "$tmp/m1" --name master_1 \
	    --root "SHA256:$(head -c 32 /dev/zero | base64 | tr -d =)"
	fleet_deployment "$d"
	master_into "$d" "$tmp/m1" "10.77.0.1:$master_port"
	fleet_hosts up one
	fleet_hosts put one /usr/bin "$O/writ-agent" "$O"/writ-agent-*
	fleet_hosts put one /etc/systemd/system packaging/systemd/writ-agent*
	fleet_hosts exec one sh -c 'useradd -r writ-agent; useradd -m webapp
	    mkdir -p /etc/writ'
	printf 'root: %s\nmasters: [{address: "10.77.0.1:%s", key: "%s"}]\n' \
	    "$fleet_root" $master_port \
	    "$(cut -d' ' -f1,2 "$tmp/m1/keys/master_1.pub")" \
	    >"$tmp/agent.yaml"
	fleet_hosts put one /etc/writ "$tmp/agent.yaml"
	# By its own number: what starts it in the network would end alone.
	rm -f "$tmp/m1.pid"
	# shellcheck disable=SC2016 # for the shell there
	fleet_hosts run sh -c 'echo $$ >"$3"; exec "$1" run -C "$2"' sh \
	    "$O/writ-master" "$tmp/m1" "$tmp/m1.pid" >"$tmp/m1.log" 2>&1 &
	master_runs=$!
	until [ -s "$tmp/m1.pid" ]; do
		sleep 0.1
	done
	master_pid=$(cat "$tmp/m1.pid")
	fleet_hosts exec one systemctl -q enable --now writ-agent-undo.service \
	    writ-agent.service
	for ((i = 0; i < 300; i++)); do
		! one_fleet keys --json | grep -q '"hostname"' || break
		sleep 0.1
	done
	one_fleet accept --all '*' -y
	one_fleet apply --on '*' -y
}

one_fleet() {
	fleet_hosts run env HOME="$tmp" "$O/writ" fleet -C "$tmp/one/corp" \
	    "$@" -i "$tmp/one/petra" </dev/null
}

# MiB of both processes, each page counted once, after a minute of nothing; and of
# their own: anonymous ones, since hosts lie in memory, where the kernel calls
# each page of a program's file dirty.
idle_pss() {
	local name
	sleep "$(quick 3 60)"
	for name in run link; do
		fleet_hosts exec one sh -c \
		    "cat /proc/\$(pidof writ-agent-$name)/smaps_rollup"
	done | awk '/^Pss:/ {p += $2} /^Anonymous:/ {d += $2}
	    END {printf "%.2f %.2f\n", p / 1024, d / 1024}'
}

push() {
	local d=$tmp/one/corp i n
	n=$(quick 2 "$rounds")
	for ((i = 0; i < n; i++)); do
		sed -i "s/value: 2[0-9]/value: 2$((i + 1))/" \
		    "$d/fleet/states/base.yaml"
		"$O/writ" fleet sign -C "$d" -i "$tmp/one/petra" -y
		one_fleet push
		sleep 1.1 # an order has to be newer than the one before
		echo "push $d/bundle/fleet.$((i + 3)) one" |
		    fleet_hosts run "$O/tools/fleetpeers" "10.77.0.1:$master_port" \
			"$tmp/m1/keys/master_1.pub" "$d/bundle/root.1.yaml" \
			0 0 "$tmp/one/petra" petra@example.com
	done
}

one_agent() {
	local pss dirty ms
	is_wanted idle_pss_mb || is_wanted push_ms || return 0
	[ -n "$fleet_run" ] || fleet_network
	agent_start >"$tmp/log" 2>&1 || {
		tail -n 5 "$tmp/log" >&2
		exit 1
	}
	if is_wanted push_ms; then
		push >"$tmp/pushes" 2>&1 || {
			tail -n 5 "$tmp/pushes" "$tmp/log" >&2
			exit 1
		}
		ms=$(sed -n 's/ push$//p' "$tmp/pushes" | median |
		    awk '{printf "%.1f", $1 * 1000}')
		figure push_ms "$ms" '<=50' \
		    'ms from an order, signed, to the verified result of a changed limit'
	fi
	if is_wanted idle_pss_mb; then
		read -r pss dirty < <(idle_pss)
		figure idle_pss_mb "$pss" '<=4' \
		    "MiB of an idle agent's processes ($dirty MiB written by them, goal 1.5)"
	fi
	master_stop
}

fleet_figures() {
	if [ "$(id -u)" -ne 0 ]; then
		echo 'bench: hosts need root; figures of the fleet are left out' >&2
		return 0
	fi
	noop
	one_agent
	fleet_10k
	logins_1m
	fleet_stop
}
