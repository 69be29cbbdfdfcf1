#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: whoever has taken over the keeper, and speaks to its other
# neighbours, makes neither of them do anything but its own work: front and
# notify cut off what is malformed or not his to say, say so in their log, go on,
# and serve the next keeper.  What he can do with frames that are his to say
# (answers, whose keys come in, notices) is in ca/daemon/README.md.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/service.sh
. "$(dirname "$0")/service.sh"

cd "$T" || exit 1
port=$(t_ports 22300)
mkdir -m 700 ca ca/keys ca/run
ca_key ed25519 alice
ca_key ed25519 mallory
ca_key ed25519 ca/keys/transport
cat >ca/writ.yaml <<END
log: "dir:log"
log_name: ca_log
service:
  listen: ["127.0.0.1:$port"]
END
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 ca/keys/transport.pub)" >known

# --- front ---------------------------------------------------------------------
logged() { grep -c "$1" "$2"; }

# The table of keys that has alice: field of her key, as a string of 32 bytes.
alice=$(cut -d' ' -f2 alice.pub | base64 -d | sha256sum | cut -c1-64)
row="x:00000020$alice s:alice@example.com"
table="send KEYS 0 b:1 b:1 $row"
echo "alice@example.com $(cut -d' ' -f1,2 alice.pub)" >people

login() { # KEY WORD...
	timeout 60 ssh -F none -p "$port" -o UserKnownHostsFile=known \
		-o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -i "$1" \
		me@127.0.0.1 "${@:2}" 2>&1
}
honest() {
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 \
		"$O/tools/fakekeeper" ca/run/keeper.sock people >>calls.log 2>&1 &
	honest=$!
	t_stop_later "$honest"
}
honest
"$O/writ-ca-front" -C ca 2>front.log &
front=$!
t_stop_later "$front"
t 'a front is there' until_ok says front.log 'whose keys may come in'
t_has 'it is sealed' "$(cat /proc/"$front"/status)" "Seccomp:	2"
t_has 'alice comes in' "$(login alice hello)" alice@example.com
ends "$honest" 2>/dev/null

# As a keeper that says nothing wrong at first, and then that: each in turn.
names=()
script=("listen ca/run/keeper.sock")
wrong() { # NAME FRAME...
	names+=("$1")
	script+=("accept" "$table" "${@:2}" "closed")
}
for type in CALL GONE SEEN POLICY ACT SIGN SIGN_KRL SIGNED OK REFUSED DURABLE \
	NOTICE TOLD STATUS STATUS_IS 0 99 65535; do
	wrong "frame $type" "send $type 1 s:x"
done
wrong 'an answer without its status' 'send RESULT 1'
wrong 'an answer without its body' 'send RESULT 1 b:0'
wrong 'an answer with something behind it' 'send RESULT 1 b:0 s:{} x:00'
wrong 'news with something behind it' 'send EVENT 1 s:{} x:00'
wrong 'an answer above its length' 'send RESULT 1 b:0 S:8389000'
wrong 'metrics that are none' 'send GAUGES 0 x:ffffffff'
wrong 'metrics above their length' 'send GAUGES 0 S:300000'
wrong 'a table of keys without its beginning' "send KEYS 0 b:0 b:1 $row"
wrong 'a table of keys that begins twice over' "send KEYS 0 b:2 b:1 $row"
wrong 'a table of half a key' 'send KEYS 0 b:1 b:1 x:000000100011'
wrong 'a table of a key and nobody' \
	"send KEYS 0 b:1 b:1 x:00000020$alice s:"
wrong 'a table of a person of no such name' \
	"send KEYS 0 b:1 b:1 x:00000020$alice s:../etc"
wrong 'a table with one key of two persons' \
	"send KEYS 0 b:1 b:1 $row x:00000020$alice s:mallory@example.com"
wrong 'a frame above any length' 'raw x:01000007000400000001'
wrong 'a frame below any length' 'raw x:00000005000400000001'
printf '%s\n' "${script[@]}" | timeout 120 "$O/tools/frametool" >said 2>&1
t_eq 'hostile keeper, front: each of these ends the connection' \
	"${#names[@]}" "$(logged '^closed' said)"
cuts() { [ "$(logged 'cut off the keeper' front.log)" -ge "${#names[@]}" ]; }
t 'hostile keeper, front: and is an error in the log' until_ok cuts
for i in "${!names[@]}"; do
	line=$(grep 'cut off the keeper' front.log | sed -n "$((i + 1))p")
	case $line in
	*error=*) t_ok "hostile keeper, front: ${names[i]}" ;;
	*) t_fail "hostile keeper, front: ${names[i]}" "$line" ;;
	esac
done

# What is well formed and for nobody is passed over; a table that never ends is
# not in force.
printf '%s\n' 'listen ca/run/keeper.sock' accept "$table" \
	'send RESULT 4711 b:0 s:{}' 'send EVENT 4711 s:{}' \
	"send KEYS 0 b:1 b:0 x:00000020$(cut -d' ' -f2 mallory.pub | base64 -d |
		sha256sum | cut -c1-64) s:mallory@example.com" \
	'skip CALL sssbs 60000' 'hang up' | "$O/tools/frametool" >said 2>&1 &
tool=$!
t_stop_later "$tool"
before=$(logged 'whose keys may come in' front.log)
newer() { [ "$(logged 'whose keys may come in' front.log)" -gt "$before" ]; }
t 'hostile keeper, front: it is taken back' until_ok newer
t_has 'hostile keeper, front: half a table lets nobody in' \
	"$(login mallory hello)" 'not enrolled'
login alice hello >/dev/null &
t_stop_later $!
wait "$tool"
t_has 'hostile keeper, front: answers for nobody change nothing' \
	"$(cat said)" 'CALL'
t_has 'hostile keeper, front: the call is that of who made it' \
	"$(cat said)" 'alice@example.com SHA256:'
honest
t_has 'and an honest keeper is served' "$(login alice hello)" alice@example.com
t 'by the same front' kill -0 "$front"
ends "$front"
t_eq 'which ends when told' 0 $?
ends "$honest" 2>/dev/null

# --- notify ----------------------------------------------------------------------
cat >told <<'END'
#!/bin/sh
cat >>"$(dirname "$0")/heard"
END
chmod 755 told
: >heard
# As root it becomes nobody, who has to reach these.
chmod 755 "$T"
chmod 666 heard
cat >ca/notify.yaml <<END
channels:
  - name: hook
    exec: ["$T/told"]
END
chmod 600 ca/notify.yaml
"$O/writ-ca-notify" -C ca 2>notify.log &
notify=$!
t_stop_later "$notify"
t 'a notify is there' until_ok says notify.log ready
notice='{"kind":"request","id":"1","to":["alice@example.com"],"text":"hello"}'
printf '%s' "$notice" >notice.json
told() { frames ca/run/notify.sock 'send NOTICE 7 f:notice.json' 'recv s'; }
t_has 'a notice is sent' "$(told)" '"sent":true'
before=0
refused() { # NAME FRAME
	t_has "hostile keeper, notify: $1 ends the connection" \
		"$(frames ca/run/notify.sock "$2" closed | tail -n 1)" closed
	before=$((before + 1))
}
for type in CALL GONE KEYS RESULT EVENT GAUGES SEEN POLICY ACT SIGN SIGN_KRL \
	SIGNED OK REFUSED DURABLE TOLD STATUS STATUS_IS 0 99 65535; do
	refused "frame $type" "send $type 1 s:x"
done
refused 'a notice that is no JSON' 'send NOTICE 1 s:no'
refused 'a notice with a program in it' \
	'send NOTICE 1 s:{"kind":"request","id":"1","to":["a@b"],"exec":["/bin/sh"]}'
refused 'a notice with something behind it' 'send NOTICE 1 f:notice.json x:00'
refused 'a notice above its length' 'send NOTICE 1 S:65600'
refused 'a frame above any length' 'raw x:01000007002000000001'
refused 'a frame below any length' 'raw x:00000005002000000001'
t_eq 'hostile keeper, notify: each is an error in the log' "$before" \
	"$(logged 'keeper cut off' notify.log)"
# More than it may keep, and nobody who reads what became of them.
many=()
for ((i = 0; i < 3000; i++)); do
	many+=("send NOTICE $i f:notice.json")
done
frames ca/run/notify.sock "${many[@]}" 'hang up' >/dev/null
t 'hostile keeper, notify: a flood does not end it' kill -0 "$notify"
t 'hostile keeper, notify: and another keeper is served' until_ok told
t_eq 'hostile keeper, notify: it ran what notify.yaml names, and nothing else' 0 \
	"$(grep -cv '^{"v":1,"kind":"request","id":"1"' heard)"
ends "$notify"
t_eq 'it ends when told' 0 $?
t_done
