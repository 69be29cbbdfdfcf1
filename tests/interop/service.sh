# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced after lib.sh and ca.sh: the processes of a deployment in `ca`, each
# started alone, and frames made by hand.
#
#	here NAME COMMAND...	as t, in this shell: what COMMAND sets stays
#	until_ok COMMAND...	again and again, 10 s at most
#	says FILE TEXT		does it?
#	signer_starts DIR	one over DIR is ready; $signer, DIR.signer.log
#	keeper_starts		that of `ca` serves; $keeper, keeper.log
#	ends PID		told to end, and has; its status
#	frames SOCKET LINE...	what frametool gets there
#	call PERSON JSON	the answer to one call in that person's name, as a
#				front brings it: `STATUS BODY`
#	submit PERSON FILE...	statements, brought in PERSON's name
#	issued N		alice asks for N.pub and has N-cert.pub, under a grant
#				`work` where nobody has to approve
#	field PATH		of the body of such an answer; nothing where
#				there is none
#	sign NAMESPACE KEY FILE	a statement of the message in FILE, by hand
#	revocation PERSON FIELD	one signed by PERSON: FIELD is '"serials":["7"]'

signer_starts() {
	: >"$1.signer.log"
	"$O/writ-ca-signer" -C "$1" >"$1.signer.log" 2>&1 &
	signer=$!
	t_stop_later "$signer"
	until_ok says "$1.signer.log" ready
}

keeper_starts() {
	: >keeper.log
	"$O/writ-ca-keeper" -C ca >keeper.log 2>&1 &
	keeper=$!
	t_stop_later "$keeper"
	until_ok says keeper.log serving
}

ends() {
	kill "$1"
	wait "$1"
}

frames() {
	printf '%s\n' "connect $1" "${@:2}" | "$O/tools/frametool" 2>&1
}

call() {
	# Some wait for their answer beside others.
	local file=call.$BASHPID.json

	printf '%s' "$2" >"$file"
	frames ca/run/keeper.sock \
		"send CALL 7 s:$1 s:SHA256:none s:192.0.2.9 b:0 f:$file" \
		'skip RESULT bs' | sed 's/^RESULT 7 //'
}

submit() {
	call "$1" "$(python3 -c '
import json, sys
print(json.dumps({"call": "submit",
                  "statements": [open(f).read() for f in sys.argv[1:]]}))' \
		"${@:2}")"
}

field() {
	python3 -c '
import json, sys
v = json.loads(sys.stdin.read().split(" ", 1)[1])
for k in sys.argv[1].split("."):
    v = v[int(k) if k.isdigit() else k]
sys.stdout.write(v if isinstance(v, str) else json.dumps(v))' "$1" 2>/dev/null
}

sign() {
	rm -f "$3.sig"
	ssh-keygen -q -Y sign -n "$1" -f "$2" "$3" 2>/dev/null &&
		cat "$3" "$3.sig"
}

# The fields of a statement are in the order of their names.
revocation() {
	python3 - "$@" "$(call "$1" '{"call":"hello"}' | field realm)" <<'END' >revoke
import datetime, json, os, sys
who, what, realm = sys.argv[1:]
v = {"at": datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ"),
     "by": who, "nonce": os.urandom(16).hex(), "realm": realm,
     "reason": "out", "type": "revoke", "v": 1}
v.update(json.loads("{" + what + "}"))
print(json.dumps(v, sort_keys=True, separators=(",", ":")))
END
	sign revoke@writ "${1%%@*}" revoke
}

# shellcheck disable=SC2154 # writ and ca_log are ca.sh's
issued() {
	ca_key ed25519 "$1" &&
		"$writ" request -C ca -m 'a reason' -i alice --key "$1.pub" \
			--grant work -o "$1.req" viewer >>"$ca_log" 2>&1 &&
		submit alice@example.com "$1.req" |
		field results.0.certificate >"$1-cert.pub" &&
		[ -s "$1-cert.pub" ]
}
