# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/check, tests/lint/run and .ci/run: parts of a run, each
# timed, and the one sum at the end.
#
#	part NAME COMMAND...	COMMAND's last line must be `N passed, N failed`;
#				those numbers are added
#	one NAME COMMAND...	COMMAND counts as one, by its exit status; its
#				output is shown when it fails (PARTS_SHOW=1: always)
#	ahead NAME COMMAND...	begins a part that gets what time the others leave
#	behind NAME		waits for it, shows it and counts it as part does
#	left_out NAME WHY...	says so, counts nothing
#	parts_done		what failed once more, times, then `N passed, N failed`;
#				exits

set -u
# What packaging/deps installs, whatever else somebody has in front of it: a
# python3 that a version manager starts costs a second each time.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
parts_passed=0
parts_failed=0
parts_left_out=0
parts_times=()
parts_failures=()
parts_log=$(mktemp) || exit 1
declare -A parts_ahead=()
# Whoever sets a trap of his own on EXIT calls parts_clear in it.
parts_clear() {
	local name

	for name in "${!parts_ahead[@]}"; do
		kill -- "-${parts_ahead[$name]}" 2>/dev/null
	done
	rm -f "$parts_log" "$parts_log".*
}
trap parts_clear EXIT

parts_time() {
	parts_times+=("$(printf '%-24s %5d s  %s' "$1" "$2" "$3")")
}

# What failed, from output in which `-- NAME: N s` follows what NAME said: whoever
# has but the end of a long run has to see which test it was.  Indented, so that a
# run within another one does not say it twice.
parts_why() {
	awk -v name="$1" '
	function told(by,  i) {
		for (i = 0; i < n; i++)
			print "  " by ": " line[i]
		n = 0
	}
	/^-- [^:]*: [0-9]+ s$/ { told(substr($2, 1, length($2) - 1)) }
	/^not ok / { line[n++] = $0; more = 8; next }
	/^test_.* tests  FAILED |^\[  (ERROR   |FAILED  )\] / { line[n++] = $0; next }
	/^  # / && more-- > 0 { line[n++] = $0; next }
	{ more = 0 }
	END { told(name) }' | head -n 60
}

# Whatever was left running and holds the output would keep tee(1), and so us,
# waiting for good.
parts_settle() {
	local i

	for ((i = 0; i < 100; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	kill "$1" 2>/dev/null
	echo "not ok $2: a process it started still holds its output"
	return 1
}

# parts_run NAME COMMAND...: shown and kept in the log; COMMAND's status.
parts_run() {
	local name=$1 status fd tee

	shift
	exec {fd}> >(exec tee "$parts_log")
	tee=$!
	"$@" </dev/null >&"$fd" 2>&1 {fd}>&-
	status=$?
	exec {fd}>&-
	parts_settle "$tee" "$name" || status=1
	return $status
}

part() {
	local name=$1 start=$SECONDS status sum passed=0 failed=1

	shift
	printf '== %s\n' "$name"
	parts_run "$name" "$@"
	status=$?
	sum=$(tail -n 1 "$parts_log")
	if [[ $sum =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
		passed=${BASH_REMATCH[1]}
		failed=${BASH_REMATCH[2]}
		# All is well, it says, and its status says not; or nothing ran
		# and nothing was left out either.
		if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] ||
		    { [ "$passed" -eq 0 ] &&
			! grep -q '^left out ' "$parts_log"; }; }; then
			echo "not ok $name: status $status after: $sum"
			failed=1
		fi
	else
		echo "not ok $name: no count on its last line, status $status"
	fi
	parts_passed=$((parts_passed + passed))
	parts_failed=$((parts_failed + failed))
	parts_time "$name" $((SECONDS - start)) "$passed passed, $failed failed"
	printf -- '-- %s: %d s\n' "$name" $((SECONDS - start))
	[ "$failed" -eq 0 ] && return
	parts_failures+=("$(parts_why "$name" <"$parts_log")")
	return 1
}

one() {
	local name=$1 start=$SECONDS word=ok

	shift
	if [ -n "${PARTS_SHOW:-}" ]; then
		parts_run "$name" "$@" || word='not ok'
	else
		"$@" </dev/null >"$parts_log" 2>&1 || word='not ok'
		[ "$word" = ok ] || sed 's/^/  # /' "$parts_log"
	fi
	if [ "$word" = ok ]; then
		parts_passed=$((parts_passed + 1))
	else
		parts_failed=$((parts_failed + 1))
		parts_failures+=("  not ok $name")
	fi
	parts_time "$name" $((SECONDS - start)) "$word"
	printf '%s %s: %d s\n' "$word" "$name" $((SECONDS - start))
	[ "$word" = ok ]
}

# In the idle class it runs when nobody else would: nobody of its session, since
# kernels share out time by sessions first, so it gets a process group of its own
# (which parts_clear can end) and no session.
ahead() {
	local name=$1

	shift
	set -m
	chrt --idle 0 "$@" </dev/null >"$parts_log.$name" 2>&1 &
	parts_ahead[$name]=$!
	set +m
}

parts_await() {
	local status

	wait "${parts_ahead[$1]}"
	status=$?
	unset "parts_ahead[$1]"
	cat "$parts_log.$1"
	return $status
}

behind() {
	part "$1" parts_await "$1"
}

left_out() {
	local name=$1

	shift
	parts_left_out=$((parts_left_out + 1))
	printf 'left out %s: %s\n' "$name" "$*"
	parts_times+=("$(printf '%-24s       -  left out: %s' "$name" "$*")")
}

parts_done() {
	if [ ${#parts_failures[@]} -gt 0 ]; then
		printf '== what failed\n'
		printf '%s\n' "${parts_failures[@]}"
	fi
	printf '== seconds\n'
	printf '%s\n' "${parts_times[@]}" "$(printf '%-24s %5d s' 'all' \
	    "$SECONDS")"
	printf '%d passed, %d failed\n' "$parts_passed" "$parts_failed"
	[ "$parts_failed" -eq 0 ] &&
	    [ $((parts_passed + parts_left_out)) -gt 0 ]
	exit
}
