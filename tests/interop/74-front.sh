#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: stock ssh speaks with writ-ca-front, people come in with
# their keys and nobody else does, and whatever one client does or leaves undone,
# and whatever becomes of the keeper, the others are served.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

front=$O/writ-ca-front
port=$(t_ports 18200) || exit 1
web=$((port + 1))
cd "$T" || exit 1

# --- a deployment, its people and a keeper that does as it is told -----------
chmod 755 .
mkdir -m 700 keys run
ssh-keygen -q -t ed25519 -N '' -f keys/transport
for k in ed25519 ecdsa rsa unknown other; do
	type=$k
	case $k in unknown | other) type=ed25519 ;; esac
	ssh-keygen -q -t "$type" -N '' -C '' -f "k_$k"
done
# The known ones.
for k in ed25519 ecdsa rsa; do
	echo "$k@example.com $(cut -d' ' -f1,2 "k_$k.pub")"
done >people
fingerprint() {
	ssh-keygen -lf "$1" | cut -d' ' -f2
}

# config PORT LIMITS
config() {
	cat >writ.yaml <<END
log: "dir:log"
log_name: ca_log
service:
  listen: ["127.0.0.1:$1"]
  metrics: "127.0.0.1:$web"
  limits: {$2}
END
}
config "$port" 'login_grace: 3s, waiting: 4000, per_source: 4000'
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 keys/transport.pub)" >known

# wait_for FILE TEXT [COUNT]
wait_for() {
	local i

	for ((i = 0; i < 300; i++)); do
		[ "$(grep -cF -- "$2" "$1")" -lt "${3:-1}" ] || return 0
		sleep 0.1
	done
	return 1
}

keeper=0
keeper_start() {
	"$O/tools/fakekeeper" run/keeper.sock people >>keeper.log 2>&1 &
	keeper=$!
	t_stop_later $keeper
}
keeper_stop() {
	kill $keeper
	wait $keeper 2>/dev/null
}

pid=0
front_start() {
	local before

	before=$(grep -c 'whose keys' front.log)
	"$front" -C "$T" 2>>front.log &
	pid=$!
	t_stop_later $pid
	wait_for front.log 'whose keys' $((before + 1))
}

: >front.log
: >keeper.log
keeper_start
if ! front_start; then
	t_fail 'the front starts and finds the keeper' "$(cat front.log)"
	t_done
fi
t_ok 'the front starts and finds the keeper'
read -r dialler _ <"/proc/$pid/task/$pid/children"
for p in "$pid" "$dialler"; do
	t_has "$(cat "/proc/$p/comm") $((p == pid ? 1 : 2)) of 2 is sealed" \
		"$(cat "/proc/$p/status")" "Seccomp:	2"
done

# s KEY [ssh option...] -- WORD...: stock ssh with one key.
s() {
	local key=$1 options=()

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	timeout 60 ssh -F none -p "$port" -o UserKnownHostsFile=known \
		-o IdentitiesOnly=yes -o StrictHostKeyChecking=yes \
		-i "k_$key" "${options[@]}" me@127.0.0.1 "$@"
}

# gauge NAME: of the metrics.
gauge() {
	curl -sf "http://127.0.0.1:$web/metrics" | sed -n "s/^$1 //p"
}

# Frames, for what ssh -s carries: a program, and answers as lines.
cat >frames.py <<'END'
import json, struct, subprocess, sys

def call(id, **o):
    b = json.dumps(o).encode()
    return struct.pack(">II", 4 + len(b), id) + b

def show(id, *ids):
    return call(id, call="show", ids=list(ids))

def read(f):
    "id, last, status, body; None at the end"
    h = f.read(4)
    if not h:
        return None
    n, = struct.unpack(">I", h)
    b = f.read(n)
    assert len(b) == n, "cut"
    return struct.unpack(">IBB", b[:6]) + (b[6:],)

def ssh(key, *options):
    port = sys.argv[1]
    return subprocess.Popen(
        ["ssh", "-F", "none", "-p", port, "-o", "UserKnownHostsFile=known",
         "-o", "IdentitiesOnly=yes", "-i", "k_" + key, *options,
         "-s", "me@127.0.0.1", "writ"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

class Link:
    def __init__(self, *a):
        self.p = ssh(*a)
        self.out = open(self.p.stdout.fileno(), "rb", closefd=False)
    def send(self, *frames):
        self.p.stdin.write(b"".join(frames))
    def read(self):
        return read(self.out)
    def end(self):
        self.p.stdin.close()
        return self.p.wait()
END
# py SCRIPT: with that.
py() {
	timeout 120 python3 -c "from frames import *
$1" "$port"
}

# --- who comes in ------------------------------------------------------------
for k in ed25519 ecdsa rsa; do
	out=$(s $k -- hello 2>&1)
	t_has "$k: comes in as who it is" "$out" \
		"{\"person\":\"$k@example.com\",\"from\":\"127.0.0.1\",\"form\":1"
done
t_has 'the keeper is told the key' "$(cat keeper.log)" \
	"call ecdsa@example.com $(fingerprint k_ecdsa.pub) 127.0.0.1 1"

out=$(s unknown -- hello 2>&1)
t_eq 'an unknown key is refused' 255 $?
t_has 'with a sentence' "$out" 'This key is not enrolled with this CA'
t_has 'that has its fingerprint' "$out" "$(fingerprint k_unknown.pub)"
t_has 'and says what to do' "$out" 'Ask a security officer to enrol it'
t_has 'the log has who was refused' "$(cat front.log)" \
	"refused from=127.0.0.1 why=\"none of its keys is known\" key=$(fingerprint k_unknown.pub)"
out=$(s unknown -i k_other -i k_rsa -- hello 2>&1)
t_has 'one known key of several is enough' "$out" rsa@example.com
case $out in
*enrolled*) t_fail 'and the others are not spoken of' "$out" ;;
*) t_ok 'and the others are not spoken of' ;;
esac

ssh-keygen -q -t ed25519 -N '' -f ca
ssh-keygen -q -s ca -I x -n me k_unknown.pub
out=$(s unknown -o CertificateFile=k_unknown-cert.pub -- hello 2>&1)
t_eq 'a certificate is not a key of a person' 255 $?
t_has 'its key alone is spoken of' "$out" \
	"  $(fingerprint k_unknown.pub) ssh-ed25519"
ssh-keygen -q -s ca -I x -n me k_ed25519.pub
out=$(s ed25519 -o CertificateFile=k_ed25519-cert.pub -- hello 2>&1)
t_has 'who has a certificate too comes in by his key' "$out" \
	ed25519@example.com
rm -f k_*-cert.pub

out=$("$O/tools/sshpeers" "$port" k_ecdsa passwords 400 2>&1)
# The thirteenth ends the connection.  Its own refusal is sent before that, and
# is read or lost in the reset.
case $out in
'passwords 12' | 'passwords 13') t_ok 'passwords are refused and counted' ;;
*) t_fail 'passwords are refused and counted' "$out" ;;
esac
t 'and one too many ends the connection' \
	wait_for front.log 'too many attempts to log in'

# An agent that has the key and signs rubbish: libssh does not even answer.
cat >agent.py <<'END'
import os, socket, struct, sys
blob = __import__("base64").b64decode(open(sys.argv[2]).read().split()[1])
st = lambda b: struct.pack(">I", len(b)) + b
a = socket.socket(socket.AF_UNIX); a.bind(sys.argv[1]); a.listen(4)
while True:
    c, _ = a.accept()
    while True:
        h = c.recv(4, socket.MSG_WAITALL)
        if len(h) < 4: break
        m = c.recv(struct.unpack(">I", h)[0], socket.MSG_WAITALL)
        if m[0] == 11: r = bytes([12]) + struct.pack(">I", 1) + st(blob) + st(b"")
        elif m[0] == 13: r = bytes([14]) + st(st(b"ssh-ed25519") + st(os.urandom(64)))
        else: r = bytes([5])
        c.sendall(st(r))
END
python3 agent.py "$T/agent" k_ed25519.pub &
t_stop_later $!
for ((i = 0; i < 100; i++)); do [ -S agent ] && break; sleep 0.1; done
cp k_ed25519.pub k_agent.pub
out=$(SSH_AUTH_SOCK=$T/agent s agent.pub -- hello 2>&1)
t_eq 'a bad signature does not come in' 255 $?
t 'and is cut off in time' wait_for front.log 'did not log in in time'

# --- words -------------------------------------------------------------------
out=$(s rsa -- show status:3 2>&1)
t_eq 'the exit status is that of the call' 3 $?
s rsa -- show status:1 >out 2>err
t_eq 'a failure has its status' 1 $?
t_eq 'and stands on standard error' 20 "$(wc -c <err)"
out=$(s rsa -- frobnicate 2>&1)
t_eq 'an unknown call is wrong usage' 2 $?
t_has 'with a sentence' "$out" "no call has the name 'frobnicate'"
s rsa -- 'why root@db"1,\x' >/dev/null 2>&1
t_has 'words stay strings' "$(cat keeper.log)" \
	'{"call":"why","account":"root","host":"db\"1,\\x"}'
out=$(printf '{"n":1}\nAAAA\n{"n":2}\n' | s rsa -- submit 2>&1)
t_eq 'statements are read from standard input' 0 $?
t_has 'and told apart' "$(cat keeper.log)" \
	'"statements":["{\"n\":1}\nAAAA\n","{\"n\":2}\n"]'
out=$(head -c 2000000 /dev/zero | s rsa -- submit 2>&1)
t_eq 'not without end' 4 $?
t_has 'and it is said' "$out" 'longer than 1 MiB'
out=$(s rsa -tt -- hello 2>&1 </dev/null)
t_has 'there are no terminals' "$out" 'PTY allocation request failed'
out=$(s rsa -- </dev/null 2>/dev/null)
t_has 'no words ask for help' "$out" '{\"call\":\"help\"}'
t_not 'another subsystem is refused' s rsa -s -- sftp
t_not 'forwarding is refused' s rsa -W 127.0.0.1:$web --
t_has 'the front goes on' "$(s rsa -- hello 2>&1)" rsa@example.com

# --- frames ------------------------------------------------------------------
out=$(py '
l = Link("ed25519")
l.send(show(1, "news:30", "news:40", "big:50"), call(9, call="hello"))
for i in range(4):
    f = l.read(); print(f[0], f[1], f[2], len(f[3]) if f[0] == 1 else json.loads(f[3])["form"])
print(l.end())')
t_eq 'news, answers and an end' $'1 0 0 30\n1 0 0 40\n1 1 0 50\n9 1 0 0\n0' "$out"
out=$(py '
l = Link("ed25519")
l.send(*[show(i + 1, "never") for i in range(17)])
f = l.read(); print(f[0], f[1], f[2], json.loads(f[3])["code"])
l.p.kill()')
t_eq 'sixteen calls may be open' '17 1 4 limit' "$out"
t 'the keeper hears that their caller is gone' \
	wait_for keeper.log 'gone ' 16
out=$(py '
p = ssh("ed25519")
out, _ = p.communicate(call(1, call="hello") * 3)
print(len(out), p.returncode)' 2>&1)
t_has 'what was asked before the end is answered' "$out" ' 0'
frame() {
	timeout 60 "$O/tools/sshpeers" "$port" k_ecdsa frame "$1" 2>&1
}
t_has 'a huge frame is refused' "$(frame ffffffff00000001)" \
	$'longer than one may be\nstatus 4'
t_has 'half a frame at the end too' "$(frame 0000000600000001)" \
	$'is not whole\nstatus 4'
t_has 'and the id 0' "$(frame 00000006000000007b7d)" $'id 0\nstatus 4'

# --- algorithms --------------------------------------------------------------
for kex in diffie-hellman-group-exchange-sha256 diffie-hellman-group14-sha256 \
	diffie-hellman-group18-sha512 ecdh-sha2-nistp521; do
	t_not "no $kex" s rsa -o KexAlgorithms=$kex -- hello
done
t_has 'a second curve' \
	"$(s rsa -o KexAlgorithms=ecdh-sha2-nistp256 -- hello 2>&1)" rsa@
out=$(s rsa -C -v -- hello 2>&1)
t_has 'no compression' "$out" 'compression: none'
case $out in
*'compression: zlib'*) t_fail 'at all' ;;
*) t_ok 'at all' ;;
esac
out=$(py '
l = Link("ed25519", "-o", "RekeyLimit=1M")
n = 0
for i in range(4):
    l.send(show(i + 1, "big:8000000"))
    f = l.read()
    assert f[3] == b"{\"x\":\"" + b"x" * 7999992 + b"\"}"
    n += len(f[3])
print(n, l.end())')
t_eq 'new keys every megabyte, not a byte lost' '32000000 0' "$out"
t 'the front is the one that was started' kill -0 $pid

# --- those who do not go on --------------------------------------------------
"$O/tools/sshpeers" "$port" k_ecdsa silent 1500 >quiet 2>&1 &
silent=$!
t_stop_later $silent
t '1,500 peers that say little' wait_for quiet waiting
t_has 'are no hindrance' "$(s rsa -- hello 2>&1)" rsa@example.com
wait $silent
t_has 'and all of them are cut' "$(cat quiet)" 'cut 1500 of 1500'
# What a peer waits for the front's turn is not its own time, but is not for ever.
"$O/tools/sshpeers" "$port" k_ecdsa trickle 200 >drip 2>&1 &
drip=$!
t_stop_later $drip
t '200 more that always have one more byte' wait_for drip waiting
t_has 'keep nobody out' "$(s rsa -- hello 2>&1)" rsa@example.com
wait $drip
t_has 'and are cut as well' "$(cat drip)" \
	'cut 200 of 200'
t_has 'lines about them are few' \
	"$(grep -c 'did not log in' front.log | awk '{print $1 < 20}')" 1

out=$(py '
import os, signal, time
l = Link("ed25519")
l.send(*[show(i + 1, "big:1000000") for i in range(16)])
l.read()
os.kill(l.p.pid, signal.SIGSTOP)
o = Link("rsa")
o.send(call(1, call="hello"))
print(json.loads(o.read()[3])["person"])
print(o.end())
os.kill(l.p.pid, signal.SIGCONT)
n = 1
while n < 16:
    f = l.read()
    assert len(f[3]) == 1000000
    n += 1
print(n, l.end())')
t_eq 'a client that stands still delays nobody and loses nothing' \
	$'rsa@example.com\n0\n16 0' "$out"
before=$(grep -c 'too much waits' front.log)
out=$(py '
import os, signal, time
l = Link("ed25519")
l.send(show(1, "big:8000000"))
l.out.read(100000)
os.kill(l.p.pid, signal.SIGSTOP)
time.sleep(1)
l.p.kill()
print(l.p.wait())' 2>&1)
t_eq 'one that goes while it stands still' -9 "$out"
for ((i = 0; i < 100; i++)); do
	[ "$(gauge writ_front_out_bytes)" = 0 ] && break
	sleep 0.1
done
t_eq 'leaves nothing behind' 0 "$(gauge writ_front_out_bytes)"
out=$(py '
l = Link("ed25519")
l.send(*[show(i + 1, *["news:1000000"] * 50) for i in range(1)])
n = 0
import time
time.sleep(3)
while True:
    try:
        f = l.read()
    except AssertionError:
        break
    if f is None:
        break
    n += 1
print(n < 50)' 2>/dev/null)
t_eq 'who lets too much wait is cut off' True "$out"
t 'and the log says so' wait_for front.log 'too much waits' $((before + 1))

# --- a thousand --------------------------------------------------------------
coproc HOLD { "$O/tools/sshpeers" "$port" k_ecdsa hold 1000 2>&1; }
read -r -t 120 line <&"${HOLD[0]}"
t_eq '1,000 sessions' 'open 1000' "$line"
t_eq 'are counted' 1000 "$(gauge writ_front_sessions)"
case $line in
open*)
	hold=$HOLD_PID to=${HOLD[1]}
	echo 'rtt 1000' >&"$to"
	read -r -t 60 line <&"${HOLD[0]}"
	t_has 'and all are answered' "$line" 'rtt '
	t_has 'beside others' "$(s ecdsa -- hello 2>&1)" ecdsa@example.com
	eval "exec $to>&-"
	wait "$hold" 2>/dev/null
	;;
esac
for ((i = 0; i < 100; i++)); do
	[ "$(gauge writ_front_sessions)" = 0 ] && break
	sleep 0.1
done
t_eq 'and gone' 0 "$(gauge writ_front_sessions)"
t_eq 'the keeper has its say in the metrics' 1 "$(gauge writ_fake_keeper)"
t_not 'nothing else is on that port' curl -sf "http://127.0.0.1:$web/"

# --- the keeper --------------------------------------------------------------
cat >restart.py <<'END'
from frames import *
l = Link("ed25519")
for line in sys.stdin:
    l.send(call(5, call="hello"))
    f = l.read()
    o = json.loads(f[3])
    print(f[2], o.get("person") or o["error"], flush=True)
END
coproc LINK { timeout 120 python3 restart.py "$port" 2>&1; }
# bash forgets it as soon as that ends.
link=$LINK_PID
ask() {
	echo >&"${LINK[1]}"
}
told() {
	read -r -t 60 line <&"${LINK[0]}"
	echo "$line"
}
ask
t_eq 'a session' '0 ed25519@example.com' "$(told)"
keeper_stop
ask
sleep 0.5
keeper_start
t_eq 'a call waits for a keeper that is started anew' \
	'0 ed25519@example.com' "$(told)"
keeper_stop
ask
t_eq 'not for long' "6 the CA's keeper does not answer" "$(told)"
out=$(s rsa -- hello 2>&1)
t_eq 'words too' 6 $?
t_has 'with a sentence' "$out" "the CA's keeper does not answer"
keeper_start
wait_for front.log 'connected to the keeper' 3
ask
t_eq 'the session outlives it' '0 ed25519@example.com' "$(told)"
out=$(s rsa -- show drop 2>&1)
t_eq 'a call that ends each keeper that hears it is not told for ever' 6 $?
t_has 'and says so' "$out" 'was started anew before it answered'
t_eq 'but twice' 2 "$(grep -c '"drop"' keeper.log)"

out=$(s rsa -- show evil 2>&1)
t_eq 'a keeper that says what it may not is cut off' 2 \
	"$(grep -c 'cut off the keeper' front.log)"
t_has 'by the rule it broke' "$(grep 'cut off' front.log)" 'error='
out=$(s rsa -- show bad 2>&1)
t_has 'one that is not understood too' "$(grep 'cut off' front.log)" \
	'a malformed answer'
ask
t_eq 'and taken back when it comes again' '0 ed25519@example.com' "$(told)"

# --- keys --------------------------------------------------------------------
sed -i '/^ed25519@/d' people
kill -HUP $keeper
t 'a key that is retired ends its sessions' \
	wait_for front.log 'its key is no longer that person'
t_not 'and does not come in again' s ed25519 -- hello
t_has 'others stay' "$(s rsa -- hello 2>&1)" rsa@example.com
kill "$link" 2>/dev/null
wait "$link" 2>/dev/null

# --- stopping ----------------------------------------------------------------
kill -HUP $pid
t 'SIGHUP is heard' wait_for front.log 'nothing to read again'
t_has 'and loses nothing' "$(s rsa -- hello 2>&1)" rsa@example.com
s rsa -- show sleep:1500 status:3 >out 2>err &
open=$!
wait_for keeper.log sleep:1500
kill -TERM $pid
wait $open
t_eq 'SIGTERM waits for the calls that are open' 3 $?
wait $pid
t_eq 'and the front ends well' 0 $?
keeper_stop

# --- what is not as it should be --------------------------------------------
# refuses NAME STATUS PART
refuses() {
	local out status

	out=$(timeout 20 "$front" -C "$T" 2>&1)
	status=$?
	t_eq "$1: status" "$2" $status
	t_has "$1: a sentence" "$out" "$3"
}
exec 9< <(exec python3 -c '
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen()
print("there", flush=True); time.sleep(60)' "$port")
t_stop_later $!
read -r line <&9
refuses 'a port in use' 6 "cannot listen on 127.0.0.1 port $port: Address already in use"
kill $!
exec 9<&-
chmod 644 keys/transport
refuses 'a key that others can read' 1 keys/transport
chmod 600 keys/transport
mv keys/transport keys/t
refuses 'no transport key' 6 'ssh-keygen -t ed25519'
cp k_rsa keys/transport
refuses 'a key of another type' 4 'must be an Ed25519 key'
mv keys/t keys/transport
t_not 'an operand' "$front" -C "$T" more

# Limits of a source, and a socket that was passed.
config "$port" 'login_grace: 3s, per_source: 5'
keeper_start
if command -v systemd-socket-activate >/dev/null; then
	systemd-socket-activate -l "127.0.0.1:$((port + 2))" \
		-l "127.0.0.1:$((port + 3))" --fdname=listen:listen \
		"$front" -C "$T" >>front.log 2>&1 &
	pid=$!
	t_stop_later $pid
	port=$((port + 2))
	for p in $port $((port + 1)); do
		echo "[127.0.0.1]:$p $(cut -d' ' -f1,2 keys/transport.pub)"
	done >>known
	for ((i = 0; i < 50; i++)); do
		out=$(s rsa -- hello 2>&1) && break
		sleep 0.2
	done
	t_has 'a socket that was passed is served' "$out" rsa@example.com
	port=$((port + 1))
	t_has 'so is another of that name' "$(s rsa -- hello 2>&1)" \
		rsa@example.com
	port=$((port - 1))
else
	t_skip 'a socket that was passed is served' 'no systemd-socket-activate'
	front_start
fi
"$O/tools/sshpeers" "$port" k_ecdsa silent 30 >quiet 2>&1
t_has 'of one source few may wait' "$(cat quiet)" 'cut 30 of 30'
t_eq 'and the others are dropped' 25 "$(gauge writ_front_dropped_total)"
kill -TERM $pid
wait $pid
t_eq 'it ends well' 0 $?
t_done
