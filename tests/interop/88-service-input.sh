#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what people and files say wrongly to a service.  Each key of
# writ.yaml wrong once, keys of others and with other modes, ports and directories
# in use, policies that lock all officers out, requests in somebody else's name: a
# sentence each, and the service that runs goes on.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
S_PORT=23200
# shellcheck source=tests/interop/running.sh
. "$(dirname "$0")/running.sh"

cd "$T" || exit 1
alice=alice@example.com olga=olga@example.com bob=bob@example.com
ca_people
ca_key ed25519 bob
eval "$(declare -f ca_policy | sed '1s/ca_policy/plain_policy/')"
ca_policy() {
	plain_policy "$1"
	printf 'keys: ["%s"]\ngroups: [engineers]\n' "$(cat bob.pub)" \
		>"$1/people/$bob.yaml"
}
if ! ca_make d; then
	t_fail 'a deployment is made' "$(cat "$ca_log")"
	t_done
fi
cp -a d client

# refused NAME STATUS PART COMMAND...: it ends by itself, with that sentence.
refused() {
	local name=$1 want=$2 part=$3 out status

	shift 3
	out=$("$@" 2>&1 </dev/null)
	status=$?
	if [ $status -ne "$want" ]; then
		t_fail "$name" "status $status, wanted $want: $out"
	else
		t_has "$name" "$out" "$part"
	fi
}

# --- writ.yaml -------------------------------------------------------------------

# A line that is wrong, where, and part of the sentence.
wrong=(
	'log: ftp://host/log|4:6|expected dir:PATH'
	'log_name: a/b|4:11|not a name'
	'log_key: "a b"|4:10|not a name'
	'user_ca: "a b"|4:10|not a name'
	'host_ca: []|4:10|host_ca'
	'retention: 1s|4:12|a span such as 400d'
	'partial_retention: soon|4:20|a span such as 7d'
	'copies: [ftp:x]|4:10|expected dir:PATH'
	'max_lag: 0s|4:10|max_lag'
	'fleet_logs: []|4:13|fleet_logs'
	's3: {endpoint: ""}|4:16|endpoint'
	's3: {region: []}|4:14|region'
	's3: {credentials: ""}|4:19|credentials'
	's3: {addressing: up}|4:18|path or host'
	'keys: {user_ca: ""}|4:17|keys'
	'service: {listen: ["*"]}|4:20|*:2022'
	'service: {transport: ""}|4:22|transport'
	'service: {runtime: []}|4:20|runtime'
	'service: {store: ""}|4:18|store'
	'service: {tick: 0s}|4:17|a span such as 5m'
	'service: {reminders: [5m, 1m]}|4:27|ascending'
	'service: {metrics: "9464"}|4:20|*:2022'
	'service: {log_format: xml}|4:23|text or json'
	'service: {users: {front: "a b"}}|4:26|no name of a user'
	'service: {users: {keeper: ""}}|4:27|keeper'
	'service: {users: {signer: []}}|4:27|signer'
	'service: {users: {notify: "a/b"}}|4:27|no name of a user'
	'service: {limits: {sessions: 0}}|4:30|sessions'
	'service: {limits: {waiting: many}}|4:29|waiting'
	'service: {limits: {per_source: -1}}|4:32|per_source'
	'service: {limits: {login_grace: 0s}}|4:33|login_grace'
	'service: {limits: {idle: 1s}}|4:26|idle'
	'colour: red|4:1|unknown key'
)
# Each key that writ.yaml(5) has.
page=$(sed -n '/^\.Ss notify.yaml/q;s/^\.It Ic \([a-z0-9_]*\).*/\1/p' \
	"$TOP/ca/common/writ.yaml.5")
lacks=''
for key in $page; do
	grep -qE "(^|[ {])$key: " <<<"${wrong[*]}" || lacks="$lacks $key"
done
t 'the manual has keys' test "$(wc -w <<<"$page")" -gt 20
t_eq 'each has a wrong value here' '' "$lacks"
cp -a d w
programs=(writ-ca writ-ca-keeper writ-ca-signer writ-ca-front writ-ca-notify)
n=0
for row in "${wrong[@]}"; do
	IFS='|' read -r line at part <<<"$row"
	key=${line%%:*}
	{
		printf '# one\n'
		[ "$key" = log ] || echo 'log: dir:log'
		[ "$key" = log_name ] || echo 'log_name: ca_log'
		case $key in log | log_name) echo '# four' ;; esac
		printf '%s\n' "$line"
	} >w/writ.yaml
	# By turns, since each of them reads it.
	program=${programs[n % 5]}
	n=$((n + 1))
	words=(-C w)
	[ "$program" != writ-ca ] || words=(run -C w)
	out=$(timeout 20 "$O/$program" "${words[@]}" 2>&1 </dev/null)
	status=$?
	case $status:$out in
	4:*"w/writ.yaml:$at: "*"$part"*) t_ok "$program: $line" ;;
	*) t_fail "$program: $line" "status $status: $out" ;;
	esac
done
rm -rf w

# --- keys -------------------------------------------------------------------------

s_config d
run() { timeout 60 "$O/writ-ca" run -C d; }
[ -f d/keys/transport ] || ca_key ed25519 d/keys/transport
cp -p d/keys/transport transport
cp d/keys/user_ca kept
cp d/keys/host_ca d/keys/user_ca
refused 'a CA key that is not the one of the policy' 1 \
	'key of user_ca is not the one in the signed policy' run
cp kept d/keys/user_ca
chmod 644 d/keys/user_ca
refused 'a CA key that everybody may read' 1 'mode 0644' run
chmod 600 d/keys/user_ca
mv d/keys/ca_log kept
refused 'a log key that is not there' 6 'key of ca_log' run
mv kept d/keys/ca_log
printf 'no key' >d/keys/transport
refused 'a transport key that is none' 4 'd/keys/transport' run
cp -p transport d/keys/transport
(umask 022 && echo 'channels: []' >d/notify.yaml)
refused 'credentials that everybody may read' 1 'mode 0644' run
rm d/notify.yaml

# By turns again.
by=("$O/writ-ca run" "$O/writ-ca-signer" "$O/writ-ca-keeper")
n=0
for what in . writ.yaml bundle keys signer log store; do
	[ -e "d/$what" ] || mkdir -m 700 "d/$what"
	mode=$(stat -c %a "d/$what")
	chmod o+w "d/$what"
	# shellcheck disable=SC2086 # words
	refused "$what that everybody may change" 1 \
		"d/$what has mode 0$(stat -c %a "d/$what"): anybody may change it" \
		timeout 60 ${by[n++ % 3]} -C d
	chmod "$mode" "d/$what"
done

# --- in use -------------------------------------------------------------------------

python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(flush=True)
time.sleep(600)' "$s_port" >listening &
holder=$!
t_stop_later $holder
s_until 10 test -s listening
refused 'a port in use' 6 "127.0.0.1 port $s_port: Address already in use" run
kill $holder
wait $holder 2>/dev/null

export AWS_SECRET_ACCESS_KEY=of-buckets
if ! s_start d; then
	t_fail 'the service starts' "$(tail -n 20 d.log)"
	t_done
fi
unset AWS_SECRET_ACCESS_KEY
have=''
for name in front keeper signer notify; do
	! grep -qa of-buckets "/proc/$(s_pid $name)/environ" ||
		have="$have $name"
done
t_eq 'the keeper alone gets credentials of buckets' ' keeper' "$have"
t 'with all of it right the service runs' s_issued client alice viewer k1
refused 'a second service' 6 'runs already' run
# Root's service has sockets in a directory that other users pass through, which
# one that makes its own does not take.
alone=6:use
[ "$(id -u)" != 0 ] || alone=1:d/run
refused 'a second signer' ${alone%:*} "${alone#*:}" "$O/writ-ca-signer" -C d
refused 'a second notify' ${alone%:*} "${alone#*:}" "$O/writ-ca-notify" -C d
refused 'a second keeper' 6 'in use by process' "$O/writ-ca-keeper" -C d
refused 'a second front' 6 'Address already in use' "$O/writ-ca-front" -C d
refused 'writ sign beside it' 6 'in use by process' \
	"$writ" sign -C d k1.req -o no-cert.pub
sed -i 's/max: 8h/max: 7h/' d/policy/ca.yaml
refused 'a policy published beside it' 6 'in use by process' \
	"$writ" policy sign -C d -i olga -y
cp client/policy/ca.yaml d/policy/ca.yaml
t 'the first goes on' s_issued client alice viewer k2
kill -9 "$(s_pid front)"
t 'its front comes again, whatever a second service has tried' \
	s_until 10 s_issued client alice viewer k2

# --- in somebody else's name -----------------------------------------------------------

s_ask client alice viewer k3
refused 'a request of alice that bob sends' 1 \
	"is by $alice, and you came in with a key of $bob" s_send bob k3.req
# by PERSON KEY FILE: the message in FILE, said to be by PERSON and signed by KEY.
by() {
	head -n 1 "$3" | sed "s/\"by\":\"[^\"]*\"/\"by\":\"$1\"/" >forged
	rm -f forged.sig
	ssh-keygen -q -Y sign -n request@writ -f "$2" forged 2>/dev/null
	cat forged forged.sig
}
by "$bob" alice k3.req >forged.req
refused 'one in the name of bob, signed by alice' 1 \
	"is by $bob, and you came in with a key of $alice" s_send alice forged.req
calls() { "$O/tools/calltool" -t d/run/keeper.sock "$@"; }
lies() { calls "$1" submit <forged.req; }
refused 'the same by a front that lies about who sends it' 1 "$bob" lies "$bob"
t_eq 'nothing of that is there' '' "$(calls "$bob" status | grep '^[0-9a-f]\{8\} ')"
refused 'one in the name of nobody' 1 'nobody@example.com' \
	lies nobody@example.com
t 'her own is taken' s_send alice k3.req

# --- policies that lock all officers out ---------------------------------------------------

# signs NAME PART EDIT: root.yaml so edited cannot be signed.
signs() {
	rm -rf draft
	cp -a client draft
	sed -i "s/^version: 1/version: 2/; $3" draft/policy/root.yaml
	refused "$1: refused when signed" 1 "$2" \
		"$writ" policy sign -C draft -i olga -y
}
signs 'a threshold above the officers' 'threshold' 's/root: 2/root: 3/'
signs 'a threshold of nothing' '1 or more' 's/root: 2/root: 0/'
signs 'officers without keys' 'keys' '/ssh-ed25519/d'
signs 'no officers' 'officers' '/^officers:/,/^thresholds:/{/^[ ]/d}'
signs 'a root that has ended' 'expired at' 's/^expires: .*/expires: 2020-01-01/'

# Somebody who signs by hand what the tool would not.
realm=$(sed -n '1s/.*"realm":"\([0-9a-f]*\)".*/\1/p' client/bundle/root.1)
sha() { sha256sum <"$1" | cut -c1-64; }
# statement TYPE FIELDS FILE: signed by both officers.
statement() {
	local who

	printf '{"v":1,"type":"%s","realm":"%s","by":"%s","at":"%s",%s,%s}\n' \
		"$1" "$realm" "$olga" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		"\"nonce\":\"$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')\"" \
		"$2" >"$3"
	cp "$3" "$3.line"
	for who in olga ivan; do
		rm -f "$3.line.sig"
		ssh-keygen -q -Y sign -n "$1@writ" -f $who "$3.line" 2>/dev/null
		cat "$3.line.sig" >>"$3"
	done
}
# pushed EDIT: root.yaml so edited, signed by both, is refused by the service.
pushed() {
	local manifest fields

	sed "s/^version: 1/version: 2/; $1" client/policy/root.yaml >root.bad
	manifest=$(sed -n '1s/.*"manifest":"\([0-9a-f]*\)".*/\1/p' \
		client/bundle/policy.1)
	sed "s/^.* root.yaml\$/$(sha root.bad) $(stat -c %s root.bad) root.yaml/" \
		"client/bundle/$manifest" >manifest.bad
	statement root "\"version\":\"2\",\"file\":\"$(sha root.bad)\"" root.st
	fields="\"version\":\"2\",\"manifest\":\"$(sha manifest.bad)\""
	fields="$fields,\"size\":\"$(stat -c %s manifest.bad)\",\"expires\":"
	fields="$fields\"$(date -u -d '+90 days' +%Y-%m-%dT%H:%M:%SZ)\""
	fields="$fields,\"previous\":\"$(s_id client/bundle/policy.1)\""
	statement policy "$fields" policy.st
	"$O/tools/calltool" d/run/keeper.sock "$olga" \
		"{\"call\":\"put\",\"data\":\"$(base64 -w0 root.bad)\"}" \
		>/dev/null
	jq -n --rawfile f root.bad --rawfile r root.st --rawfile s policy.st \
		--rawfile m manifest.bad '{call: "push", statement: $s,
		manifest: $m, roots: [{file: $f, statement: $r}]}' >push.json
	"$O/tools/calltool" d/run/keeper.sock "$olga" "$(cat push.json)" \
		>pushed.out 2>&1
	echo $? >pushed.status
}
# refuses NAME PART EDIT
refuses() {
	pushed "$3"
	if [ "$(cat pushed.status)" = 0 ]; then
		t_fail "$1: refused when pushed" "$(cat pushed.out)"
	else
		t_has "$1: refused when pushed" "$(cat pushed.out)" "$2"
	fi
}
refuses 'a threshold above the officers' 'threshold' 's/root: 2/root: 3/'
refuses 'a threshold of nothing' '1 or more' 's/root: 2/root: 0/'
refuses 'officers without keys' 'keys' '/ssh-ed25519/d'
refuses 'no officers' 'officers' '/^officers:/,/^thresholds:/{/^[ ]/d}'
refuses 'a root that has ended' 'expire' 's/^expires: .*/expires: 2020-01-01/'
t_eq 'the old policy is in force' 1 "$(
	"$O/tools/calltool" d/run/keeper.sock "$olga" '{"call":"hello"}' |
	jq -r .policy_version)"
t 'and the service goes on' s_issued client alice viewer k4
pushed 's/policy: 1/policy: 2/'
t_eq 'one that locks nobody out, signed by hand, is taken' 0 \
	"$(cat pushed.status)"
s_stop
t_eq 'it stops in order' 0 $?
t 'the auditor has no finding' "$writ" audit verify -C d
t_done
