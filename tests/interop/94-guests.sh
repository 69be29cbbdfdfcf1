#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: at a master's front strangers say what a guest may and nothing
# else, are few, cannot shut each other out, and become who they are when the
# keeper says so; a person with several keys is never taken for one.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

port=$(t_ports 20200) || exit 1
web=$((port + 1))
cd "$T" || exit 1
chmod 755 .
for k in alice host1 host2 host3 other; do
	ssh-keygen -q -t ed25519 -N '' -C '' -f "k_$k"
done
realm=SHA256:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA

# --- a master, and a keeper that does as it is told --------------------------
t 'a master is made' "$O/writ-master" init -C m --name m1 --root "$realm"
cat >>m/master.yaml <<END
listen: ["127.0.0.1:$port"]
metrics: "127.0.0.1:$web"
limits: {guests: 4}
END
mkdir -m 700 m/run
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 m/keys/m1.pub)" >known
row() {
	echo "$1 $(cut -d' ' -f1,2 "k_$2.pub")"
}
row alice@example.com alice >people

# wait_for FILE TEXT [COUNT]
wait_for() {
	local i

	for ((i = 0; i < 300; i++)); do
		[ "$(grep -cF -- "$2" "$1")" -lt "${3:-1}" ] || return 0
		sleep 0.1
	done
	return 1
}
: >front.log
: >keeper.log
"$O/tools/fakekeeper" m/run/keeper.sock people >>keeper.log 2>&1 &
keeper=$!
t_stop_later $keeper
"$O/writ-master-front" -C m 2>>front.log &
front=$!
t_stop_later $front
if ! wait_for front.log 'whose keys'; then
	t_fail 'the front starts' "$(cat front.log)"
	t_done
fi
t_ok 'the front starts'
t_has 'and is sealed' "$(cat /proc/$front/status)" 'Seccomp:	2'

# s USER KEY... -- WORD...: stock ssh with these keys, in that order
s() {
	local user=$1 keys=()

	shift
	while [ "$1" != -- ]; do
		keys+=(-i "k_$1")
		shift
	done
	shift
	timeout 60 ssh -F none -p "$port" -o UserKnownHostsFile=known \
		-o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \
		"${keys[@]}" "$user@127.0.0.1" "$@" 2>&1
}

# --- who is a guest ----------------------------------------------------------
t_has 'a person comes in' "$(s me alice -- hello)" \
	'"person":"alice@example.com"'
t_has 'with several keys too' "$(s me other alice -- hello)" \
	'"person":"alice@example.com"'
out=$(s me other -- hello)
t_eq 'an unknown key is refused' 255 $?
t_has 'with a sentence' "$out" 'This key is not enrolled with this master'
t_has 'and what to do' "$out" "A person's key is one of the signed policy"
t_has 'a host asks to be a guest by its user name' \
	"$(s writ-agent host1 -- hello)" '"person":"","from":"127.0.0.1"'
t_has 'whose key is known is no guest by that' \
	"$(s writ-agent alice -- hello)" '"person":"alice@example.com"'
ssh-keygen -q -t ed25519 -N '' -f ca
ssh-keygen -q -s ca -I x -n me k_other.pub
out=$(s writ-agent other -- hello)
t_has 'who has a certificate too' "$out" '"person":""'
t_has 'is the stranger with that key' "$(cat keeper.log)" \
	"call  $(ssh-keygen -lf k_other.pub | cut -d' ' -f2) 127.0.0.1"
rm k_other-cert.pub

# --- what a guest may say ----------------------------------------------------
for words in help keys 'submit x' ''; do
	# shellcheck disable=SC2086 # words
	out=$(s writ-agent host1 -- $words </dev/null)
	t_eq "'$words' is not for a guest" 1 $?
	t_has 'and that is said' "$out" 'what you ask is not for strangers'
done
cat >frames.py <<'END'
import json, struct, subprocess, sys
port = sys.argv[1]
def ssh(key, frm="127.0.0.1", user="writ-agent"):
    return subprocess.Popen(
        ["ssh", "-F", "none", "-p", port, "-o", "UserKnownHostsFile=known",
         "-b", frm, "-o", "IdentitiesOnly=yes", "-i", "k_" + key,
         "-s", user + "@127.0.0.1", "writ"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
class Link:
    def __init__(self, *a):
        self.p = ssh(*a)
        self.out = open(self.p.stdout.fileno(), "rb", closefd=False)
    def ask(self, text):
        "the answer's object; None: it hung up"
        b = text.encode()
        try:
            self.p.stdin.write(struct.pack(">II", 4 + len(b), 1) + b)
        except BrokenPipeError:
            return None
        h = self.out.read(4)
        if len(h) < 4:
            return None
        b = self.out.read(struct.unpack(">I", h)[0])
        return json.loads(b[6:])
    def is_in(self):
        return self.ask('{"call":"hello"}') is not None
    def end(self):
        self.p.stdin.close()
        return self.p.wait()
END
# py SCRIPT: with that
py() {
	timeout 120 python3 -c "from frames import *
$1" "$port" 2>&1
}
out=$(py '
l = Link("host1")
print(l.ask("{\"call\":\"enrol\",\"statement\":\"x\"}")["person"] == "")
for bad in ("{\"call\":\"keys\"}", "{\"call\":\"report\",\"statement\":\"x\"}",
            "{\"statement\":\"x\",\"call\":\"enrol\"}",
            "{ \"call\":\"enrol\"}", "{\"call\":\"enr\\u006fl\"}",
            "{\"call\":\"attend\"}", "no JSON"):
    print(l.ask(bad)["code"])
print(l.ask("{\"call\":\"hello\"}")["person"] == "", l.end())')
t_eq 'enrol is passed on, and nothing else' \
	"True $(printf 'denied %.0s' 1 2 3 4 5 6 7)True 0" "$(xargs <<<"$out")"
t_has 'the keeper heard that' "$(cat keeper.log)" \
	'0 {"call":"enrol","statement":"x"}'
case $(cat keeper.log) in
*report* | *'"keys"'* | *attend*) t_fail 'and nothing else' "$(cat keeper.log)" ;;
*) t_ok 'and nothing else' ;;
esac

# --- how many ----------------------------------------------------------------
out=$(py '
import time
one = Link("host1", "127.0.0.1")
print("one is in", one.is_in())
same = Link("host2", "127.0.0.1")
print("a second of that source", same.is_in())
more = [Link("host2", "127.0.0.%d" % i) for i in (2, 3, 4)]
print("others", [l.is_in() for l in more])
fifth = Link("host3", "127.0.0.5")
print("a fifth at once", fifth.is_in())
person = Link("alice", "127.0.0.6", "me")
print("a person", person.is_in())
# Who has been here longest goes, once he had his time.
for i in range(60):
    late = Link("host3", "127.0.0.5")
    if late.is_in():
        break
    time.sleep(1)
print("a newcomer later", late.is_in())
print("the first made room", one.is_in())
print("the last did not", more[2].is_in())
for l in more + [late, person]:
    l.end()
')
t_eq 'guests are few, and make room' 'one is in True
a second of that source False
others [True, True, True]
a fifth at once False
a person True
a newcomer later True
the first made room False
the last did not True' "$out"
t 'and the log says why one went' wait_for front.log \
	'made room for another stranger'
for ((i = 0; i < 100; i++)); do
	guests=$(curl -sf "http://127.0.0.1:$web/metrics" |
		sed -n 's/^writ_front_guests //p')
	[ "$guests" = 0 ] && break
	sleep 0.1
done
t_eq 'who went is not counted' 0 "$guests"

# --- they become somebody ----------------------------------------------------
cat >becomes.py <<'END'
from frames import *
l = Link("host1")
print(l.is_in(), flush=True)
sys.stdin.readline()
# The session of a stranger ends when its key is somebody's.
print(l.p.wait() != 0, flush=True)
l = Link("host1")
print(l.ask('{"call":"report","statement":"x"}')["person"], flush=True)
sys.stdin.readline()
print(l.p.wait() != 0, flush=True)
print(Link("host1").ask('{"call":"hello"}')["person"] == "", flush=True)
END
coproc HOST { timeout 120 python3 becomes.py "$port" 2>&1; }
host=$HOST_PID to=${HOST[1]} from=${HOST[0]}
told() {
	read -r -t 60 line <&"$from"
	echo "$line"
}
t_eq 'a host waits as a stranger' True "$(told)"
row host/db1.example.com host1 >>people
kill -HUP $keeper
wait_for front.log 'whose keys' 2
echo >&"$to"
t_eq 'when it is accepted its session ends' True "$(told)"
t_eq 'and it comes again as the host it is' host/db1.example.com "$(told)"
sed -i '/^host/d' people
kill -HUP $keeper
wait_for front.log 'whose keys' 3
echo >&"$to"
t_eq 'when it is none any more that ends too' True "$(told)"
t_eq 'and it is a stranger again' True "$(told)"
wait "$host"
t 'the front is the one that was started' kill -0 $front

# --- a stranger after the other ------------------------------------------------
# More of one source than may be here at once, each gone before the next.
out=$(py '
came = 0
for i in range(12):
    l = Link("host%d" % (i % 3 + 1), "127.0.0.9")
    came += l.is_in()
    l.end()
print(came)')
t_eq 'whoever is gone has made room for the next of his source' 12 "$out"

# --- a front whose keeper comes late -------------------------------------------
# Whoever calls while it starts waits: a fleet that comes back with its master
# would be refused as a whole.
kill $front $keeper
wait $front $keeper 2>/dev/null
rm -f m/run/keeper.sock
: >front.log
"$O/writ-master-front" -C m 2>>front.log &
front=$!
t_stop_later $front
t 'a front starts before its keeper' wait_for front.log 'ready'
s me alice -- hello >early 2>&1 &
early=$!
s writ-agent host1 -- hello >stranger 2>&1 &
stranger=$!
sleep 0.5
"$O/tools/fakekeeper" m/run/keeper.sock people >>keeper.log 2>&1 &
keeper=$!
t_stop_later $keeper
wait $early
t_has 'who came before it knew anybody waited, and is in' "$(cat early)" \
	'"person":"alice@example.com"'
wait $stranger
t_has 'a stranger too' "$(cat stranger)" '"person":""'
kill $front $keeper
wait $front $keeper 2>/dev/null
rm -f m/run/keeper.sock
"$O/writ-master-front" -C m 2>>front.log &
front=$!
t_stop_later $front
wait_for front.log 'ready' 2
out=$(s me alice -- hello)
t_eq 'where no keeper comes it is not for ever' 255 $?
t_has 'and that is said' "$out" 'is starting and does not know its people yet'
t_done
