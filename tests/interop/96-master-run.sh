#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a master is made as its manual says, comes up with all its
# processes, hears a person's stock ssh, lets strangers enrol and nothing else,
# starts again whichever process dies, and says what is wrong with what it is
# given.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/fleet.sh
. "$(dirname "$0")/fleet.sh"

port=$(t_ports 21200) || exit 1
cd "$T" || exit 1
chmod 755 .
writ=$O/writ
master=$O/writ-master

# bad NAME STATUS PART COMMAND...: it ends so, and says so
bad() {
	local name=$1 status=$2 part=$3 out

	shift 3
	out=$("$@" 2>&1 </dev/null)
	t_eq "$name" "$status" $?
	t_has '  and it is said' "$out" "$part"
}

# --- made --------------------------------------------------------------------
fleet_people
t 'a deployment' fleet_make corp
root=$(fleet_root corp)
bad 'a master needs a name' 2 'needs --name and --root' \
	"$master" -C m init --root "$root"
bad 'and the realm' 2 'needs --name and --root' "$master" -C m init --name m1
bad 'a plain name' 2 '--name wants' \
	"$master" -C m init --name ../m --root "$root"
bad 'a realm as it is printed' 2 '--root wants a fingerprint' \
	"$master" -C m init --name m1 --root abc
bad 'a log somewhere' 2 '--log wants dir:PATH or s3://' \
	"$master" -C m init --name m1 --root "$root" --log /srv
t 'nothing is made of that' test ! -e m
t 'a directory for it is a file' touch file
t_not 'that is no place for a master' \
	"$master" -C file init --name m1 --root "$root"

out=$("$master" -C m init --name m1 --root "$root" 2>&1)
t_eq 'init makes a master' 0 $?
for line in 'cp m/keys/m1.pub policy/authorities/' \
	'cp m/keys/m1_log.pub policy/authorities/' 'master: [m1]' \
	'log: [..., m1_log]'; do
	t_has "it says '$line'" "$out" "$line"
done
t_eq 'keys are for one alone' '600 700 600' \
	"$(stat -c %a m/keys/m1 m/keys m/keys/m1_log | xargs)"
t_eq 'the transport key has a name that stays' "$(cat m/keys/m1)" \
	"$(cat m/keys/transport)"
sum=$(cat m/keys/* m/master.yaml | sha256sum)
bad 'a second one does not replace it' 1 'is there already' \
	"$master" -C m init --name m1 --root "$root"
bad 'nor one of another name' 1 'is there already' \
	"$master" -C m init --name m2 --root "$root"
t_eq 'and leaves all as it was' "$sum" \
	"$(cat m/keys/* m/master.yaml | sha256sum)"
t 'without keys of its own' test ! -e m/keys/m2

# --- checked -----------------------------------------------------------------
# check PART STATUS: what `check` says
check() {
	out=$("$master" -C m check 2>&1)
	t_eq "$1: $2" "$2" $?
	t_has '  and it is said' "$out" "$1"
}
check 'no policy has been signed yet' 1
cp -r corp/bundle m/
check "is not in 'authorities: master' of the signed policy" 1
cp m/keys/m1.pub m/keys/m1_log.pub corp/policy/authorities/
sed -i 's/^  log: \[ca_log/&, m1_log/; s/^  user: /  master: [m1]\n&/' \
	corp/policy/ca.yaml
t 'the policy has it' "$writ" policy sign -C corp -i olga -y
rm -rf m/bundle
cp -r corp/bundle m/
echo "listen: [\"127.0.0.1:$port\"]" >>m/master.yaml
check 'as the signed policy has it' 0
t_has 'JSON has a row for each' "$("$master" -C m check --json)" \
	'"what": "config"'
mv m/keys/m1_log m/keys/kept
ssh-keygen -q -t ed25519 -N '' -f m/keys/m1_log
check 'is another key than authorities/m1_log.pub of the signed policy' 1
mv m/keys/kept m/keys/m1_log
chmod 644 m/keys/m1
check 'm/keys/m1' 1
chmod 600 m/keys/m1

for words in 'nmae: m:1:1: ' 'listen: 5:' 'tick: 0s:'; do
	cp m/master.yaml kept.yaml
	echo "${words%%:*}: ${words#*: }" | sed 's/:[0-9:]*: *$//' >>m/master.yaml
	bad "'$words' is no master.yaml" 4 'm/master.yaml:' \
		"$master" -C m run
	mv kept.yaml m/master.yaml
done
bad 'a directory that is none' 6 'writ-master init' "$master" -C corp run

# --- run ---------------------------------------------------------------------
says() { [ "$(grep -cF -- "$2" "$1")" -ge "${3:-1}" ]; }
# The process that is NAME now.
pid_of() {
	local pid pids

	read -r -a pids <"/proc/$run/task/$run/children"
	for pid in "${pids[@]}"; do
		[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" != \
			"writ-master-$1 -C m " ] || echo "$pid"
	done 2>/dev/null
}
: >run.log
"$master" -C m run >run.log 2>&1 &
run=$!
t_stop_later $run
if ! until_ok says run.log 'the service is ready'; then
	t_fail 'the master becomes ready' "$(cat run.log)"
	t_done
fi
t_ok 'the master becomes ready'
t_eq 'a master without a CA has no courier' '' "$(pid_of courier)"
bad 'a second one of that directory ends' 6 \
	'a service of this directory runs already' "$master" -C m run
for name in front keeper signer; do
	t_has "the $name is sealed" "$(cat "/proc/$(pid_of $name)/status")" \
		'Seccomp:	2'
done

echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 m/keys/m1.pub)" >known
for k in host1 unknown; do
	ssh-keygen -q -t ed25519 -N '' -f $k
done
s() { # USER KEY WORD...
	timeout 60 ssh -F none -p "$port" -o UserKnownHostsFile=known \
		-o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \
		-i "$2" "$1@127.0.0.1" "${@:3}" 2>&1 </dev/null
}
hello() { s me petra hello | grep -qF m1; }
t 'a person says hello' until_ok hello
t_has 'and is told what there is to say' "$(s me petra help)" 'hello'
t_has 'an unknown key is told what to do' "$(s me unknown hello)" \
	"A person's key is one of the signed policy"
t_has 'a stranger may ask who is there' "$(s writ-agent host1 hello)" 'm1'
bad 'and nothing that people ask' 1 'not for strangers' \
	s writ-agent host1 help
for name in status metrics; do
	out=$("$master" -C m $name 2>&1)
	t_eq "$name answers" 0 $?
	t 'with something' test -n "$out"
done
check 'is served: the master runs' 0

# --- each process dies -------------------------------------------------------
# t has a `name` of its own.
for which in signer keeper front; do
	old=$(pid_of $which)
	kill -9 "$old"
	anew() {
		local now

		now=$(pid_of "$which")
		[ -n "$now" ] && [ "$now" != "$old" ]
	}
	t "the $which is started anew" until_ok anew
	t 'and people are heard' until_ok hello
done
t_has 'the log says which one ended' "$(cat run.log)" \
	'a process ended process=writ-master-keeper how="signal 9"'

# --- the signer keeps one history --------------------------------------------
size() {
	sed -n 2p m/log/checkpoint 2>/dev/null
}
grown() { [ "$(size)" -gt "$1" ] 2>/dev/null; }
t 'the log has a head' until_ok grown 0
t_eq 'of its own name' \
	"writ.invalid/$(sha256sum corp/bundle/root.1.yaml | cut -c1-16)/m1_log" \
	"$(head -n 1 m/log/checkpoint)"
# The processes below one.
below() {
	local pid

	for pid in $(pgrep -P "$1"); do
		echo "$pid"
		below "$pid"
	done
}
mapfile -t parts < <(below $run)
kill $run
wait $run
t_eq 'it stops when it is told to' 0 $?
t_eq 'and leaves no sockets' '' "$(ls m/run)"
all_gone() {
	local pid

	[ ${#parts[@]} -ge 3 ] || return
	for pid in "${parts[@]}"; do
		[ ! -e "/proc/$pid" ] || return
	done
}
t 'nor processes' until_ok all_gone
: >run.log
"$master" -C m run >run.log 2>&1 &
run=$!
t_stop_later $run
t 'it comes again' until_ok hello
kill $run
wait $run
t_done
