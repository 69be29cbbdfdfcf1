#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the clock of the machine is set under a running service, far
# ahead, back, and for the signer alone.  What may not be issued then is refused
# with a sentence, nobody's request is lost, and all goes on when the clock is
# right.  Approvers are reminded as time goes by, and a channel that hangs never
# keeps anybody from a certificate.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
S_PORT=23000
# shellcheck source=tests/interop/running.sh
. "$(dirname "$0")/running.sh"

cd "$T" || exit 1
hour=3600 day=86400

ca_people
eval "$(declare -f ca_policy | sed '1s/ca_policy/plain_policy/')"
ca_policy() {
	plain_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  careful:
	    to: [engineers]
	    principals: [admin]
	    max: 1h
	    approve: [{approvers: 1}]
	END
}
if ! ca_make d; then
	t_fail 'a deployment is made' "$(cat "$ca_log")"
	t_done
fi
if ldd "$O/writ-ca" | grep -q libasan; then
	t_ok 'a deployment is made'
	t_skip 'other hours' 'the address sanitizer must be preloaded first'
	t_done
fi

# Two channels: one that never answers, one that writes down what it is told.
python3 - "$T" <<'END' >web.port &
import http.server, json, sys, threading
class Web(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/hang":
            with open(sys.argv[1] + "/hangs", "ab") as f:
                f.write(b"once more\n")
            threading.Event().wait()
        n = json.loads(body)
        with open(sys.argv[1] + "/told", "a") as f:
            print(n["kind"], n["id"], *n["to"], "|", n["text"], file=f)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
END
t_stop_later $!
t 'somebody listens to notices' s_until 10 test -s web.port
(umask 077 && cat >d/notify.yaml) <<END
channels:
  - {name: stuck, webhook: "http://127.0.0.1:$(cat web.port)/hang"}
  - {name: well, webhook: "http://127.0.0.1:$(cat web.port)/told"}
END
: >told
: >hangs
told() { grep -c "^$1 $2" told; }
is_told() { [ "$(told "$1" "$2")" -ge "$3" ]; }

s_config d
s_fake
if ! s_start d; then
	t_fail 'the service starts' "$(tail -n 20 d.log)"
	t_done
fi
t 'it issues' s_issued d alice viewer k1

# waits NAME: a request of alice's that an officer must approve; its id in $id.
waits() {
	s_ask d alice admin "$1"
	s_send alice "$1.req" >"$1.out"
	id=$(s_id "$1.req")
}

# --- the signer and the keeper do not agree --------------------------------------

waits w1
s_clock 0 -120
s_ask d alice viewer k2
out=$(s_send alice k2.req)
t_eq 'a signer whose clock is behind refuses' 6 $?
t_has 'and says why' "$out" "is dated 120 s off the signer's clock"
t_has 'and what to do' "$out" 'compare the clocks'
t_not 'no certificate is out' s_fetch alice k2
t_has 'nor for a request that is approved then' \
	"$(s_decide olga "$id" approve 2>&1)" "off the signer's clock"
t_not 'which has none either' s_fetch alice w1
t 'the log of the service has the sentence' s_says d \
	"cannot issue or publish error=\"not issued: certificate is dated 120 s"
s_clock 0 0
t 'once the clocks agree it is issued without being asked again' \
	s_until 10 s_fetch alice k2
t 'and so is what was approved meanwhile' s_until 10 s_fetch alice w1
s_clock 0 120
s_ask d alice viewer k3
t_has 'a signer whose clock is ahead refuses too' "$(s_send alice k3.req)" \
	"is dated -120 s off the signer's clock"
s_clock 0 0
t 'and signs once it is right' s_until 10 s_fetch alice k3

# --- the clock of the machine ------------------------------------------------------

waits w2
s_clock -$hour
s_ask d alice viewer k4
out=$(s_send alice k4.req)
t_eq 'set back an hour, what people ask for is of the future' 1 $?
t_has 'which is said' "$out" 'more than 5 minutes ahead: compare the clocks'
t 'officers are told of the jump' s_until 10 is_told alarm 0 1
# Two clocks are compared in whole seconds, so that one more or fewer is right.
t 'in words' grep -qE 'jumped (3599|3600|3601) s back' told
s_clock 0
t 'set right, the same request is issued' s_send alice k4.req
t_eq 'and what waited waits' 3 "$(
	s_call alice fetch "$id" </dev/null >/dev/null 2>&1; echo $?)"

s_clock $((13 * hour))
t 'set ahead past the end of what waits' s_until 10 \
	grep -qE 'jumped (46799|46800|46801) s ahead' d.log
t_has 'an approval is told so' "$(s_decide olga "$id" approve 2>&1)" 'has ended'
s_clock 0
t 'set right, it counts' s_decide olga "$id" approve
t 'and the request has its certificate' s_fetch alice w2

s_clock $((200 * day))
s_ask d alice viewer k5
out=$(s_send alice k5.req)
t_not 'past the end of the policy nothing is issued' s_fetch alice k5
t_has 'and it is said which' "$out" 'expired'
s_clock 0
t 'set right, it issues' s_issued d alice viewer k6

# --- reminders ------------------------------------------------------------------------

waits w3
t 'approvers are told at once' s_until 10 is_told waiting "$id" 1
t_has 'all of them' "$(grep "^waiting $id" told)" \
	'ivan@example.com olga@example.com |'
s_clock 240
sleep 1.2
t_eq 'not again after 4 minutes' 0 "$(told reminder "$id")"
n=0
for minutes in 5 15 60; do
	n=$((n + 1))
	s_clock $((minutes * 60 + 5))
	t "a reminder after $minutes minutes" s_until 10 is_told reminder "$id" $n
done
t 'the channel that hangs was tried' test "$(wc -l <hangs)" -ge 1
t 'and keeps nobody from a certificate' s_issued d alice viewer k7
s_decide olga "$id" approve >/dev/null 2>&1
t 'nor the one who waits' s_fetch alice w3
t 'who is told' s_until 10 is_told issued "$id" 1
waits w4
s_decide ivan "$id" deny 'not today' >/dev/null 2>&1
s_clock $((3 * hour))
sleep 1.2
t_eq 'nobody is reminded of what is decided' 0 "$(told reminder "$id")"
t_eq 'three reminders are all' 3 "$(grep -c '^reminder' told)"
s_clock 0

s_stop
t_eq 'it stops in order, whatever hangs' 0 $?
t 'the auditor has no finding' "$writ" audit verify -C d
t_done
