#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: kill -9 any process of the running service before any call
# that changes something, and once more while it recovers, and nothing that was
# acknowledged is lost, no certificate is out without its leaf, and the service
# answers again.
#
# One service lives through it all.  A run attaches strace to one of its
# processes, lets people play a story (ask, approve, fetch, at times revoke) in
# which each step is repeated until it is acknowledged, and goes on when the
# process was killed and is back.  Every few dozen runs the service is stopped
# and two judges read the whole log.
#
# Needs locked memory.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"
t_need ssh jq pgrep

runs=${FAULT_RUNS:-2000}
all || runs=${FAULT_RUNS:-24}
batch=40 # runs between two judgements
port=$(t_ports 21000)
slowest=0 # milliseconds from a kill to the next answer

# --- the service ----------------------------------------------------------------

start_service() {
	"$O/writ-ca" run -C d >>service.log 2>&1 &
	run=$!
	t_stop_later $run
	answers_within 10
}

# It publishes what it has and ends by itself.
stop_service() {
	kill "$run"
	wait "$run" 2>/dev/null
}

pid_of() {
	pgrep -P "$run" -x "writ-ca-$1" | head -n 1
}

now_ms() {
	local t=${EPOCHREALTIME/./}

	echo $((t / 1000))
}

call() {
	local who=$1

	shift
	timeout 20 ssh -F none -p "$port" -i "$keys/$who" -l x -T -a -x \
		-o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR 127.0.0.1 "$@"
}

answers_within() {
	local end=$((SECONDS + $1))

	until call alice hello </dev/null >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# --- a story ---------------------------------------------------------------------

# until_status WANT INPUT WHO WORDS...: again and again until it is acknowledged.
until_status() {
	local want=$1 input=$2 end=$((SECONDS + 60)) status

	shift 2
	while :; do
		call "$@" <"$input" >answer 2>answer.err
		status=$?
		[ $status -ne "$want" ] || return 0
		if [ $SECONDS -ge $end ]; then
			echo "$*: status $status: $(cat answer answer.err)"
			return 1
		fi
		sleep 0.05
	done
}

# A statement as ssh-keygen and a shell make it.
revocation() {
	printf '{"v":1,"type":"revoke","realm":"%s","by":"%s","at":"%s",%s' \
		"$realm" olga@example.com "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		"\"nonce\":\"$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')\","
	printf '"serials":["%s"],"reason":"to see it fail"}\n' "$1"
}

# asked_for I: its request is $file, made with those of the next runs.  All at once
# would be decided by themselves before their turn: none waits longer than the hour
# that it asks for.
asked_for() {
	local dir=q/$(($1 / batch))

	[ -d "$dir" ] || { mkdir "$dir" &&
		"$O/tools/mkrequests" -C d -o "$dir" -n $batch -k 1 -g deploy \
			-p deploy -i "alice@example.com=$keys/alice" \
			-a "olga@example.com=$keys/olga"; } || return
	printf -v file '%s/r%05d.req' "$dir" $(($1 % batch))
}

# story I: request I is asked for, approved and fetched into c/I-cert.pub; that
# of every fifth is revoked.
story() {
	local i=$1 file id serial

	asked_for "$i" || return
	id=$(head -n 1 "$file" | sha256sum | cut -d' ' -f1)
	until_status 0 "$file" alice submit || return
	until_status 0 "$file.olga@example.com" olga submit || return
	until_status 0 /dev/null alice fetch "$id" || return
	grep -o '^[a-z0-9-]*-cert-v01@openssh.com [^ ]*' answer \
		>"c/$i-cert.pub" || {
		echo "fetch gave no certificate: $(cat answer)"
		return 1
	}
	[ $((i % 5)) -eq 0 ] || return 0
	serial=$(ssh-keygen -L -f "c/$i-cert.pub" | sed -n 's/^ *Serial: //p')
	revocation "$serial" >v
	rm -f v.sig
	ssh-keygen -q -Y sign -n revoke@writ -f "$keys/olga" v 2>/dev/null
	cat v v.sig >v.signed
	until_status 0 v.signed olga submit || return
	echo "$serial" >>revoked
}

# --- kills ------------------------------------------------------------------------

# attach PID CALL N: strace, once it has the process, kills it at the Nth CALL.
attach() {
	local i

	: >strace.err
	strace -f -p "$1" -o /dev/null -e "trace=$2" \
		-e "inject=$2:signal=KILL:when=$3" 2>strace.err &
	tracer=$!
	for ((i = 0; i < 2000; i++)); do
		! grep -q attached strace.err || return 0
		sleep 0.01
	done
	detach
	echo "strace: $(cat strace.err)"
	return 1
}

# A strace that is told to go while what it traces dies may wait for its first
# thread for good, which goes only once it has let go of the others.
detach() {
	local i

	kill -INT "$tracer" 2>/dev/null
	for ((i = 0; i < 200; i++)); do
		kill -0 "$tracer" 2>/dev/null || break
		sleep 0.01
	done
	kill -KILL "$tracer" 2>/dev/null
	wait "$tracer" 2>/dev/null
}

# What each process calls in one story: CALL N for each of a name.
count_calls() {
	local name=$1 i=$2 pid

	pid=$(pid_of "$name")
	strace -f -p "$pid" -o "trace.$name" -e "trace=$calls" 2>strace.err &
	tracer=$!
	sleep 0.3
	story "$i"
	sleep 1.3 # what is published a second later
	detach
	sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "trace.$name" |
		sort | uniq -c | awk -v p="$name" \
		'{for (n = 1; n <= $1 && n <= 40; n++) print p, $2, n}'
}

# once I PROCESS CALL N: the story, with the process killed on its way.
once() {
	local pid

	pid=$(pid_of "$2")
	attach "$pid" "$3" "$4" || return
	story "$1"
	detach
	[ "$(pid_of "$2")" = "$pid" ] || killed=$((killed + 1))
}

# twice I PROCESS CALL N: killed at some moment of the story, and its successor,
# which is traced from its birth, before that call of its own.
twice() {
	local pid next i end

	pid=$(pid_of "$2")
	attach "$run" "$3" "$4" || return
	story "$1" >story.out 2>&1 &
	story_pid=$!
	sleep "0.$(($1 % 4))"
	kill -9 "$pid"
	for ((i = 0; i < 150; i++)); do
		next=$(pid_of "$2")
		[ -z "$next" ] || [ "$next" = "$pid" ] || break
		kill -0 "$run" 2>/dev/null || break
		sleep 0.02
	done
	for ((i = 0; i < 60; i++)); do
		[ "$(pid_of "$2")" = "$next" ] || break
		kill -0 "$run" 2>/dev/null || break
		sleep 0.02
	done
	# Else a third would be killed too.
	detach
	killed=$((killed + 1))
	# It has a call of that name in common with the successor, perhaps, and is
	# traced as well.  Then its children end with it, and whoever started it
	# starts another; whenever that is, while the story goes on and until the
	# process is there.
	end=$((SECONDS + 20))
	while kill -0 "$story_pid" 2>/dev/null || { [ -z "$(pid_of "$2")" ] &&
		[ "$SECONDS" -lt "$end" ]; }; do
		if ! kill -0 "$run" 2>/dev/null && ! start_service; then
			echo 'another service does not start'
			wait "$story_pid"
			return 1
		fi
		sleep 0.05
	done
	wait "$story_pid" || {
		cat story.out
		return 1
	}
}

# one_kill I once|twice PROCESS CALL N
one_kill() {
	local name="run $1: $3 before $4 $5, $2" start ms

	if ! "$2" "$1" "$3" "$4" "$5" >why 2>&1; then
		t_fail "$name" "$(cat why)" "$(tail -n 8 service.log)" \
			"$(ps -o pid,stat,etimes,wchan:20,args --ppid "$run")"
		return
	fi
	start=$(now_ms)
	if ! answers_within 15; then
		t_fail "$name: the service is back"
		return
	fi
	ms=$(($(now_ms) - start))
	[ $ms -le $slowest ] || slowest=$ms
}

# Both judges, over everything acknowledged so far.
judged() {
	local name=$1 serial why=''

	stop_service
	why=$(python3 "$here/logcheck" d/log c/*-cert.pub 2>&1) &&
		why=$(audited d 2>&1) && why=''
	if [ -e revoked ] && [ -z "$why" ]; then
		"$writ" krl -C d -o krl >/dev/null 2>why || why=$(cat why)
		ssh-keygen -Q -l -f krl >krl.txt
		while read -r serial; do
			grep -q "$serial" krl.txt ||
				why="$why; $serial is not in the list"
		done <revoked
	fi
	if [ -z "$why" ]; then
		t_ok "$name"
	else
		t_fail "$name" "$why"
	fi
	start_service || t_fail "$name: the service starts again" \
		"$(tail -n 5 service.log)"
}

# --- all of it ---------------------------------------------------------------------

prepare() {
	deploy d && mkdir c q &&
		sed -i 's/^grants:/quota: 1000000\n\n&/' d/policy/ca.yaml &&
		for name in olga ivan; do
			"$writ" policy sign -C d -i "$keys/$name" -y || return
		done
	printf 'service:\n  listen: ["127.0.0.1:%s"]\n' "$port" >>d/writ.yaml
}
if ! out=$(prepare 2>&1); then
	t_fail 'a deployment is made' "$out"
	t_done
fi
realm=$(sha256sum d/bundle/root.1.yaml | cut -d' ' -f1)
if ! start_service; then
	t_fail 'the service starts' "$(tail -n 5 service.log)"
	t_done
fi

i=0
for name in keeper signer front notify; do
	count_calls "$name" $i
	i=$((i + 1))
done >points
t 'each process changes something in a story' \
	test "$(cut -d' ' -f1 points | sort -u | wc -l)" -ge 3

# As many as wanted, spread over all points; every third is killed again while
# it comes back.
killed=0
first=$i
shuf --random-source=<(yes) points >mixed
while [ $((i - first)) -lt "$runs" ]; do
	read -r name syscall n < <(sed -n "$(((i % $(wc -l <mixed)) + 1))p" mixed)
	how=once
	[ $((i % 3)) -ne 2 ] || how=twice
	one_kill $i $how "$name" "$syscall" "$n"
	i=$((i + 1))
	[ $(((i - first) % batch)) -ne 0 ] ||
		judged "after $((i - first)) runs: log and certificates agree"
done
judged "after all $runs runs: log and certificates agree"
stop_service
t "most runs killed ($killed of $runs)" test $((killed * 2)) -ge "$runs"
echo "# slowest answer after a kill: $slowest ms"
t_done
