#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: writ-ca run starts the four processes with their sockets,
# starts again what dies without anybody being refused meanwhile, passes signals
# on, stops in order, and leaves nothing behind however it ends.
#
# The four are stand-ins that do as files of their names say, so that every way
# to die can be had; the service itself is tried elsewhere.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$T" || exit 1
mkdir -m 700 ca bin say
printf 'log: "dir:log"\nlog_name: ca_log\n' >ca/writ.yaml
cp "$O/writ-ca" bin/
cat >bin/writ-ca-front <<'END'
#!/usr/bin/env python3
import os, signal, socket, sys
name = os.path.basename(sys.argv[0])[8:]
say = os.environ["SAY"]
log = open(say + "/log", "a", buffering=1)
def end(*_):
    log.write("end %s\n" % name)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, lambda *_: log.write("hup %s\n" % name))
names = os.environ.get("LISTEN_FDNAMES", "")
own = os.environ.get("LISTEN_PID", str(os.getpid())) == str(os.getpid())
log.write("start %s %s %s %s\n" % (name, " ".join(sys.argv[1:]), names,
                                   "own" if own else "not own"))
with open(say + "/pid." + name, "w") as f:
    f.write(str(os.getpid()))
if os.path.exists(say + "/exit." + name):
    sys.stderr.write("fake: %s has a fault\n" % name)
    sys.exit(int(open(say + "/exit." + name).read()))
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
to = os.environ["NOTIFY_SOCKET"]
s.sendto(b"READY=1", "\0" + to[1:] if to[0] == "@" else to)
if not names:
    while True:
        signal.pause()
ear = socket.socket(fileno=3)
ear.setblocking(True)
while True:
    c, _ = ear.accept()
    try:
        c.sendall(name.encode() + b"\n")
    except BrokenPipeError:
        pass  # somebody who only looked whether we are there
    c.close()
END
chmod 755 bin/writ-ca-front
for name in keeper signer notify; do
	cp bin/writ-ca-front bin/writ-ca-$name
done
export SAY=$T/say

pid_of() { cat "say/pid.$1"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
start() {
	: >say/log
	: >run.log
	bin/writ-ca -C "$T/ca" run >run.log 2>&1 &
	run=$!
	t_stop_later $run
}
ask() {
	python3 - "$1" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
print(s.recv(100).decode().strip())
END
}

# --- started
start
t 'the service becomes ready' until_ok says run.log 'the service is ready'
t_eq 'each process has its directory and its sockets' \
	"start front -C $T/ca  own
start keeper -C $T/ca keeper:control own
start notify -C $T/ca notify own
start signer -C $T/ca signer own" "$(grep ^start say/log | sort)"
if [ "$(id -u)" = 0 ]; then
	t_eq 'others pass through the runtime directory and see nothing' \
		'711 root' "$(stat -c '%a %U' ca/run)"
	t_eq 'the front can reach the keeper, the keeper the rest' \
		'root nobody root root' \
		"$(stat -c %U ca/run/{control,keeper,notify,signer}.sock | xargs)"
else
	t_eq 'nobody else enters the runtime directory' 700 \
		"$(stat -c %a ca/run)"
fi
t_eq 'only one may connect to each socket' '600 600 600 600' \
	"$(stat -c %a ca/run/*.sock | xargs)"
t_eq 'who connects gets the process' 'keeper signer notify' \
	"$(for s in keeper signer notify; do ask ca/run/$s.sock; done | xargs)"
out=$(bin/writ-ca -C "$T/ca" run 2>&1)
t_eq 'a second service of the directory ends' 6 $?
t_has 'and says why' "$out" 'a service of this directory runs already'

# --- one dies
old=$(pid_of signer)
kill -STOP "$run"
kill -9 "$old"
ask ca/run/signer.sock >asked &
asker=$!
kill -CONT "$run"
wait $asker
t_eq 'who connects while it is dead waits for the next' signer "$(cat asked)"
t_not 'which is another process' test "$(pid_of signer)" = "$old"
t_has 'the log says what happened' "$(cat run.log)" \
	'a process ended process=writ-ca-signer how="signal 9"'
t_eq 'the others stay' 1 "$(grep -c 'start keeper' say/log)"
for _ in 1 2 3 4; do
	old=$(pid_of keeper)
	kill -9 "$old"
	# shellcheck disable=SC2016 # $0 and $1 are the inner shell's
	t 'one that dies again and again comes again' until_ok sh -c \
		'p=$(cat say/pid.keeper) && [ -n "$p" ] && [ "$p" != "$0" ]' \
		"$old"
done

# --- signals
until_ok ask ca/run/keeper.sock
kill -HUP "$run"
all_hup() { [ "$(grep -c ^hup say/log)" = 4 ]; }
t 'HUP reaches all' until_ok all_hup
(umask 077 && echo 'channels: [nonsense]' >ca/notify.yaml)
kill -HUP "$run"
t 'a wrong notify.yaml is not taken' until_ok says run.log \
	'notify.yaml is kept as it was error="'"$T"'/ca/notify.yaml:1:12: '
all_hup() { [ "$(grep -c ^hup say/log)" = 7 ]; }
t 'and HUP reaches all others' until_ok all_hup
kill -TERM "$run"
wait "$run"
t_eq 'TERM ends it well' 0 $?
order=$(grep ^end say/log | cut -d' ' -f2 | xargs)
t_eq 'the front first, then the keeper' 'front keeper' "${order% * *}"
t_eq 'all four' 4 "$(grep -c ^end say/log)"
t_eq 'no socket is left' '' "$(ls ca/run)"

# --- killed itself
start
until_ok says run.log 'the service is ready'
kill -9 "$run"
{ wait "$run"; } 2>/dev/null
for name in front keeper signer notify; do
	t "the $name dies with a launcher that is killed" \
		until_ok gone "$(pid_of $name)"
done
start
t 'what it left does not hinder the next' until_ok says run.log \
	'the service is ready'
kill -TERM "$run"
wait "$run"

# --- cannot start
echo 4 >say/exit.keeper
start
wait "$run"
t_eq 'one that cannot start ends all, with its status' 4 $?
t_has 'its sentence is passed through' "$(cat run.log)" \
	'fake: keeper has a fault'
t_has 'and it is named' "$(cat run.log)" \
	'a process cannot start process=writ-ca-keeper how="exit status 4"'
for name in front signer notify; do
	t "the $name has ended" gone "$(pid_of $name)"
done
rm say/exit.keeper
printf 'log: "dir:log"\nlog_name: ca_log\nservice: {nonsense: 1}\n' \
	>ca/writ.yaml
out=$(bin/writ-ca -C "$T/ca" run 2>&1)
t_eq 'a wrong config is refused' 4 $?
t_has 'with its place' "$out" 'writ.yaml:3:11: '
printf 'log: "dir:log"\nlog_name: ca_log\n' >ca/writ.yaml
rm bin/writ-ca-signer
out=$(bin/writ-ca -C "$T/ca" run 2>&1)
t_eq 'a program that is missing is an error' 6 $?
t_has 'that says where they were looked for' "$out" \
	"are neither in $T/bin nor in $T/bin/../libexec/writ"
t_done
