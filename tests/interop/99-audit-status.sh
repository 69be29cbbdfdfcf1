#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what kept `writ audit` from an answer is told by its status: a
# log that could not be read is not a log that is wrong, and neither is a command
# line that is.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
# shellcheck source=tests/interop/fleet.sh
. "$(dirname "$0")/fleet.sh"

cd "$T" || exit 1
mkdir bin state
cp "$TOP/tests/tools/fakemaster" bin/ssh
PATH=$T/bin:$PATH
export FAKE_DIR=$T/corp FAKE_STATE=$T/state
export AWS_ACCESS_KEY_ID=writ AWS_SECRET_ACCESS_KEY=wrong

# --- a deployment with a certificate, a fleet, a master's log
fleet_corp
ca_key ed25519 one
ca_cert corp one --grant work deploy >>"$ca_log" 2>&1 </dev/null
serial=$(ca_serial one-cert.pub)
t 'a deployment with a certificate' test -n "$serial" || cat "$ca_log"
now=$(printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1)
jq -n --arg at "$now" --arg s "$serial" --arg ca "$(ssh-keygen -lf \
	corp/policy/authorities/user_ca.pub | cut -d' ' -f2)" '[{host:
	"web-1.example.com", seq: "4", number: 1, index: "9", came: $at,
	report: ("0" * 64), at: $at, source: "journal", what: "login",
	account: "deploy", method: "publickey", ca: $ca, serial: $s,
	key_id: "x", session: "b.8.1"}]' >state/logins.json
echo '[]' >state/status.json
root=$(fleet_root corp)

# A bucket `denied` that knows no such secret, one `none` that is not there.
python3 - "$T/port" <<'END' &
import http.server, sys
class Bucket(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        denied = self.path.startswith("/denied")
        code = "SignatureDoesNotMatch" if denied else "NoSuchBucket"
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(403 if denied else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
    do_HEAD = do_PUT = do_GET
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
open(sys.argv[1] + ".new", "w").write(str(server.server_address[1]))
__import__("os").rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
END
t_stop_later $!
for _ in {1..100}; do
	[ ! -s port ] || break
	sleep 0.05
done
s3=http://127.0.0.1:$(cat port)
nobody=http://127.0.0.1:9 # discard: nothing listens there

# --- every command, for every reason why its log cannot be had
cp corp/writ.yaml writ.yaml.good
cp -r corp/log log.good
log_is() { # URL ENDPOINT
	sed "s,^log:.*,log: \"$1\"," writ.yaml.good >corp/writ.yaml
	[ -z "${2:-}" ] || printf 's3: {endpoint: "%s", credentials: env}\n' "$2" \
		>>corp/writ.yaml
}
# What takes a log of the CA, and what one of a master.
words=(list verify "prove $serial" 'sample 1' "evidence $serial -o no" who
	'session b.8.1' gaps 'report --html no.html')
wrong=''
row() { # WHY COMMAND WANT SENTENCE
	local command status

	IFS=' ' read -ra command <<<"$2"
	"$writ" audit -C corp "${command[@]}" >row.out 2>&1 </dev/null
	status=$?
	if [ $status -ne "$3" ] || ! grep -q -e "$4" row.out; then
		wrong+="$1, audit $2: status $status, expected $3 and '$4': $(
			head -n 3 row.out)"$'\n'
	fi
	if [ -e no ] || [ -e no.html ]; then
		wrong+="$1, audit $2: it left something"$'\n'
	fi
	rm -rf no no.html
}
all() { # NAME WANT SENTENCE [OF VERIFY: WANT SENTENCE]
	local w

	wrong=''
	for w in "${words[@]}"; do
		if [ "$w" = verify ] && [ -n "${4:-}" ]; then
			row "$1" "$w" "$4" "$5"
		else
			row "$1" "$w" "$2" "$3"
		fi
	done
	t_eq "$1" '' "$wrong"
}
wrong=''
for w in "${words[@]}"; do
	case $w in evidence* | report*) continue ;; esac
	row 'a good log' "$w" 0 ''
done
t_eq 'a good log' '' "$wrong"

log_is s3://denied/ca "$s3"
all 'a secret that is wrong' 6 'wrong secret\|SignatureDoesNotMatch\|signature'
log_is s3://none/ca "$s3"
all 'a bucket that is not there' 6 'no such bucket'
log_is s3://denied/ca "$nobody"
all 'an endpoint that refuses' 6 'refused\|connect'
log_is dir:nowhere
all 'a directory that is not there' 6 nowhere
mkdir corp/nothing
log_is dir:nothing
all 'a directory without a log' 6 'nothing'
log_is dir:log
sed -i '3{s/^X/Y/;t;s/./X/;}' corp/log/checkpoint
all 'a checkpoint that nobody signed' 5 checkpoint 1 checkpoint
echo x >corp/log/checkpoint
all 'one that is none' 5 checkpoint 1 checkpoint
cp log.good/checkpoint corp/log/checkpoint
bundle=$(find corp/log/tile/entries -type f | sort | tail -n 1)
flip "$bundle" 100
wrong=''
row 'a leaf that was changed' verify 1 'leaf\|tile'
t_eq 'a leaf that was changed is a finding' '' "$wrong"
: >"$bundle"
all 'leaves that are gone' 5 'bundle' 1 'tile'
rm -r corp/log
cp -r log.good corp/log

# --- logs of masters
wrong=''
for w in 'hosts --at 2026-11-01' verify "evidence b.8.1 -o no"; do
	for of in "s3://denied/m:$s3:6:denied" "s3://none/m:$s3:6:bucket" \
		"s3://denied/m:$nobody:6:denied" "dir:nowhere::6:nowhere" \
		"dir:nothing::6:nothing"; do
		IFS='|' read -r url endpoint want part <<<"$(sed \
			's/^\(.*\/m\):\(http.*\):\([0-9]\):\(.*\)/\1|\2|\3|\4/
			 s/^\(dir:[a-z]*\)::\([0-9]\):\(.*\)/\1||\2|\3/' <<<"$of")"
		log_is dir:log "$endpoint"
		printf 'fleet_logs: ["%s"]\n' "$url" >>corp/writ.yaml
		row "a fleet's log $url" "$w" "$want" "$part"
	done
done
t_eq "a fleet's log that cannot be read" '' "$wrong"
cp writ.yaml.good corp/writ.yaml

# --- a log elsewhere, by the command line alone
of() { # URL ENDPOINT [OPTION...]
	"$writ" audit verify -C none --log "$1" --root "$root" --region us-east-1 \
		--credentials env ${2:+--endpoint "$2"} "${@:3}"
}
t 'verify: a wrong secret' ends 6 'denied' of s3://denied/ca "$s3"
t 'verify: no bucket' ends 6 'no such bucket' of s3://none/ca "$s3"
t 'verify: nobody listens' ends 6 '127.0.0.1' of s3://denied/ca "$nobody"
t 'verify: a log that is no address' ends 2 '--log: ' of ftp://x/y ''
t 'verify: an endpoint that is none' ends 2 '--endpoint: ' of s3://denied/ca x://y
t 'verify: credentials that are none' ends 2 '--credentials: ' \
	of s3://denied/ca "$s3" --credentials maybe
for wait in 0 10 2h soon; do
	t "verify: a wait of $wait" ends 2 '--wait wants a span' \
		"$writ" audit verify -C corp --wait $wait
done
t 'verify: a root that is none' ends 2 '--root' \
	"$writ" audit verify -C corp --root SHA256:x
t 'verify: the root of others is a finding' ends 1 'no checkpoint of this realm' \
	"$writ" audit verify -C corp --root "SHA256:$(printf 'x' | sha256sum |
		xxd -r -p | base64 | tr -d =)"
t 'verify: no file with a checkpoint' ends 6 'nowhere' \
	"$writ" audit verify -C corp --since nowhere
t 'verify: a file with something else' ends 4 'expected a signed note' \
	"$writ" audit verify -C corp --since one.pub
: >empty
t 'verify: an empty file is no checkpoint' ends 4 'empty: empty, expected' \
	"$writ" audit verify -C corp --since empty
t 'verify: nor is one of a fleet' ends 4 'empty: empty, expected' \
	"$writ" audit verify -C corp --fleet-log dir:log --fleet-since empty
t 'who: a master that is no address' ends 2 "--master: 'a b' is no address" \
	"$writ" audit who -C corp --master 'a b'
t 'verify: a log that is whole' ends 0 '0 findings' \
	"$writ" audit verify -C corp

t 'hosts: a log that is no address' ends 2 '--fleet-log: ' \
	"$writ" audit hosts -C corp --fleet-log ftp://x/y
t 'evidence: a log that is no address' ends 2 '--fleet-log: ' \
	"$writ" audit evidence "$serial" -C corp -o no --fleet-log ftp://x/y
t 'verify: one of the fleet that is no address' ends 2 '--fleet-log: ' \
	"$writ" audit verify -C corp --fleet-log ftp://x/y

# --- merging
merge() { "$writ" audit merge "$1" -C corp; }
t 'merge: no such directory' ends 6 'nowhere' merge nowhere
t 'merge: itself' ends 1 'ca_log' merge corp
t_done
