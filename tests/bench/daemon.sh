# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/bench/run: figures of the whole service, four processes and
# the people at its other end (bench_daemon.c).

: "${tmp:?}" "${rounds:?}" "${bin:?}"

# A deployment that is served: its directory, and what ends it.
service_dir=''
service_pid=''
service_parts=''
service_rgw='' # directory of its S3 server, where there is one
service_port=17922

service_stop() {
	if [ -n "$service_pid" ]; then
		kill "$service_pid" 2>/dev/null || true
		wait "$service_pid" 2>/dev/null || true
		service_pid=''
	fi
	if [ -n "$service_rgw" ]; then
		tests/lab/rgw stop "$service_rgw" >/dev/null || true
		service_rgw=''
	fi
}

service_start() {	# DIR [OPTION-OF-INIT...]
	local d=$1 i
	shift
	deployment "$d" "$@" >"$tmp/log" 2>&1 || {
		tail -n 5 "$tmp/log" >&2
		exit 1
	}
	printf 'service:\n  listen: ["127.0.0.1:%s"]\n' $service_port \
	    >>"$d/ca/writ.yaml"
	"$O/writ-ca" run -C "$d/ca" >"$d/service.log" 2>&1 &
	service_pid=$!
	service_dir=$d
	for ((i = 0; i < 100; i++)); do
		if ssh-keyscan -T 1 -p $service_port 127.0.0.1 2>/dev/null |
		    grep -q .; then
			service_parts=$(pgrep -P "$service_pid" | paste -s -d' ')
			return 0
		fi
		sleep 0.1
	done
	echo 'bench: the service does not answer:' >&2
	tail -n 5 "$d/service.log" >&2
	exit 1
}

# CPU seconds so far of the service's processes, by their launcher; what those
# had used that have ended is no part of it, so all must be those of the start.
service_cpu() {
	local pid ticks=0 t
	service_is_whole
	for pid in $service_parts; do
		t=$(awk '{print $14 + $15}' "/proc/$pid/stat")
		ticks=$((ticks + t))
	done
	divide "$ticks" "$(getconf CLK_TCK)" %.4f
}

# A figure of a service in which a process came to its end is none.
service_is_whole() {
	[ "$(pgrep -P "$service_pid" | paste -s -d' ')" != "$service_parts" ] ||
	    return 0
	echo 'bench: a process of the service has ended:' >&2
	grep -v '"id"\|told\|submitted\|approved\|issued' \
	    "$service_dir/service.log" | tail -n 5 >&2
	return 1
}

# Self-serve requests in OUT, or with `approved` each with its own decision.
service_requests() {	# OUT N [approved]
	if [ -n "${3:-}" ]; then
		requests "$service_dir" "$1" "$2" 1
	else
		"$O/tools/mkrequests" -C "$service_dir/ca" -o "$1" -n "$2" \
		    -g view -p viewer \
		    -i "alice@example.com=$service_dir/people/alice"
	fi
}

# Seconds, and milliseconds of the median and of 99 in 100, for N certificates.
service_run() {	# REQUESTS N WINDOW [approved]
	"$bin/bench_daemon" $service_port "$1" 0 "$2" "$3" \
	    "$service_dir/people/alice" \
	    ${4:+"$service_dir/people/olga"}
	service_is_whole
}

# One ssh-keygen -s a key, as a script around it would; certificates a second.
keygen_rate() {	# KEYS N
	"$bin/bench_run" "$2" ssh-keygen -q -s "$service_dir/people/olga" \
	    -I alice -n deploy -V +1h "$1/{}.pub" |
	    awk '{print 1 / $2}'
}

keygen_keys() {	# OUT FROM N
	local f i=0
	mkdir -p "$1"
	for f in "$2"/*.pub; do
		[ "$i" -lt "$3" ] || break
		cp "$f" "$1/$i.pub"
		i=$((i + 1))
	done
}

# NAME GOAL N WINDOW [approved]: certificates a second through the service over
# those of ssh-keygen; leaves the median latencies in $tmp/NAME.ms.
daemon_rate() {
	local name=$1 goal=$2 n=$3 window=$4 how=${5:-} i a b keygen text
	keygen=$(quick 10 60)
	for ((i = 0; i < rounds; i++)); do
		service_requests "$tmp/$name$i" "$n" "$how" >/dev/null
		keygen_keys "$tmp/$name$i.keys" "$tmp/$name$i" "$keygen"
	done
	for ((i = 0; i < rounds; i++)); do
		settle
		service_run "$tmp/$name$i" "$n" "$window" "$how" >"$tmp/secs"
		a=$(awk -v n="$n" '{print n / $1}' "$tmp/secs")
		b=$(keygen_rate "$tmp/$name$i.keys" "$keygen")
		awk '{print $2, $3}' "$tmp/secs" >>"$tmp/$name.ms"
		awk -v a="$a" -v b="$b" 'BEGIN {print a / b, a, b}'
	done >"$tmp/rates"
	read -r a b < <(echo "$(cut -d' ' -f2 "$tmp/rates" | median)" \
	    "$(cut -d' ' -f3 "$tmp/rates" | median)")
	text='no approval needed'
	[ -z "$how" ] || text='an approval each'
	figure "$name" "$(median <"$tmp/rates" | xargs printf %.1f)" "$goal" \
	    "$(printf '%s in flight, %s, durable: %.0f/s over one %s %.0f/s' \
	    "$window" "$text" "$a" 'ssh-keygen -s a key' "$b")"
}

# CPU of the service for a certificate with an approval of its own, over that of
# the signatures it cannot do without: request and decision verified by keeper
# and by signer, the certificate signed.
daemon_cpu() {
	local n i sign verify a b
	n=$(quick 200 2000)
	read -r _ _ sign < <("$bin/bench_issue" ratio ed25519)
	read -r _ _ verify < <("$bin/bench_sshsig" ratio)
	for ((i = 0; i < rounds; i++)); do
		service_requests "$tmp/cpu$i" "$n" approved >/dev/null
		settle
		a=$(service_cpu)
		service_run "$tmp/cpu$i" "$n" 256 approved >/dev/null
		b=$(service_cpu)
		awk -v a="$a" -v b="$b" -v n="$n" -v s="$sign" -v v="$verify" \
		    'BEGIN {own = (b - a) / n; raw = 4 / v + 1 / s
			print own / raw, own * 1e6, raw * 1e6}'
	done >"$tmp/rates"
	read -r a b < <(echo "$(cut -d' ' -f2 "$tmp/rates" | median)" \
	    "$(cut -d' ' -f3 "$tmp/rates" | median)")
	figure daemon_cpu "$(median <"$tmp/rates" | xargs printf %.2f)" \
	    '<=1.5' "$(printf '%.0f us of all four processes over %.0f us %s' \
	    "$a" "$b" 'of 4 verifications and a signature')"
}

daemon_latency_ms() {
	local n i
	n=$(quick 100 1000)
	for ((i = 0; i < rounds; i++)); do
		service_requests "$tmp/latency$i" "$n" >/dev/null
		settle
		service_run "$tmp/latency$i" "$n" 16 | cut -d' ' -f3
	done >"$tmp/rates"
	figure daemon_latency_ms "$(median <"$tmp/rates")" '<=10' \
	    '99 of 100 have their certificate within, 16 in flight'
}

daemon_256_s3() {
	service_rgw=$tmp/rgw
	tests/lab/rgw start "$service_rgw" 17923 >/dev/null
	# shellcheck disable=SC1091
	. "$service_rgw/env"
	"$O/tools/blobtool" -e "$S3_ENDPOINT" s3://bench make-bucket lock
	service_start "$tmp/service-s3" --log s3://bench/log \
	    --endpoint "$S3_ENDPOINT" --retention 1d
	daemon_rate daemon_256_s3 - "$(quick 256 512)" 256 approved
	service_stop
}

daemon_figures() {
	if is_wanted daemon_1 || is_wanted daemon_256 || is_wanted daemon_cpu ||
	    is_wanted daemon_latency_ms; then
		service_start "$tmp/service"
		! is_wanted daemon_1 || daemon_rate daemon_1 '>=10' "$(quick 100 1000)" 1
		! is_wanted daemon_256 ||
		    daemon_rate daemon_256 '>=20' "$(quick 512 2048)" 256 approved
		! is_wanted daemon_cpu || daemon_cpu
		! is_wanted daemon_latency_ms || daemon_latency_ms
		service_stop
	fi
	! is_wanted daemon_256_s3 || daemon_256_s3
}
