#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: an operator's commands against a master that answers as
# agent/master/calls.md says: what they pin, show, sign, send, keep, and what
# they say when something is wrong; stock ssh-keygen agrees about every
# signature.  The master is tests/tools/fakemaster in the place of ssh.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/fleet.sh
. "$(dirname "$0")/fleet.sh"

writ=$O/writ
cd "$T" || exit 1
mkdir bin
cp "$TOP/tests/tools/fakemaster" bin/ssh
PATH=$T/bin:$PATH
export FAKE_DIR=$T/corp FAKE_STATE=$T/state

fleet() {
	"$writ" fleet -C corp "$@"
}
# last FIELD: of the statement that was handed in last
taken() { find state -name 'taken.*' | sort -V | tail -n 1; }
last() { head -n 1 "$(taken)" | jq -r "$1"; }
n_taken() { find state -name 'taken.*' | wc -l; }
calls() { jq -r .call state/calls | sort | uniq -c | tr -s ' ' | sed 's/^ //'; }

# judged NAMESPACE PERSON FILE: ssh-keygen takes one of FILE's blocks for a
# signature of PERSON over its first line.
judged() {
	local block

	rm -f block.*
	tail -n +2 "$3" | awk '/BEGIN SSH/ { n++ } { print >("block." n) }'
	for block in block.*; do
		head -n 1 "$3" | ssh-keygen -Y verify -f allowed \
			-I "$2" -n "$1" -s "$block" >/dev/null 2>&1 && return
	done
	return 1
}

fleet_people
for key in m1 m2 stranger; do
	ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$key"
done
for who in petra piet; do
	printf '%s@example.com %s\n' "$who" "$(cut -d' ' -f1,2 $who.pub)"
done >allowed

# A deployment with the keys of two masters, and a fleet.
"$writ" init corp --single-officer --officer olga@example.com=olga.pub \
	--operator petra@example.com=petra.pub \
	--operator piet@example.com=piet.pub >init.log 2>&1 || exit 1
cp m1.pub corp/policy/authorities/m1.pub
cp m2.pub corp/policy/authorities/m2.pub
sed -i 's/^  log: \(.*\)$/  log: \1\n  master: [m1, m2]/' corp/policy/ca.yaml
"$writ" policy sign -C corp -i olga -y >policy.log 2>&1 ||
	t_fail 'a policy with masters' "$(cat policy.log)"
rm -rf corp/fleet
mkdir -p corp/fleet/states corp/fleet/pillar
t "with no fleet there is no master to ask" ends 6 "no fleet is published" \
	fleet keys
t "but one can be named" ends 0 "STATE" fleet keys --master m.example.com
t_eq "it may have the key of any master" \
	"$(cut -d' ' -f1,2 m1.pub m2.pub | sed 's/^/writ-master /')" \
	"$(cat state/known_hosts)"
t_has "on the port of masters" "$(cat state/argv)" "-p
2023
-s
m.example.com
writ"
cat >corp/fleet/fleet.yaml <<'END'
masters:
  - {address: m1.example.com, key: m1}
  - {address: m2.example.com:24, key: m2}
roles:
  web: ["web-*"]
END
cat >corp/fleet/top.yaml <<'END'
states:
  - {match: "*", apply: [base]}
END
cat >corp/fleet/states/base.yaml <<'END'
limits:
  pam_limits:
    limits: [{domain: webapp, type: hard, item: nproc, value: 20}]
sshd:
  sshd_config:
    settings: {PermitRootLogin: no}
END
fleet sign -i petra -y >sign.log 2>&1 || t_fail 'a fleet' "$(cat sign.log)"

# --- whom is spoken with
t "the fleet's first master is asked" ends 0 STATE fleet keys
t_eq "with the key that the policy has for it" \
	"writ-master $(cut -d' ' -f1,2 m1.pub)" "$(cat state/known_hosts)"
t_has "known by that, wherever it is" "$(cat state/argv)" \
	HostKeyAlias=writ-master
t_has "and as strictly as can be" "$(cat state/argv)" \
	StrictHostKeyChecking=yes
t "another one can be chosen" ends 0 STATE \
	fleet keys --master m2.example.com:24
t_eq "and has its own key" \
	"writ-master $(cut -d' ' -f1,2 m2.pub)" "$(cat state/known_hosts)"
# In a directory of its own: other tests have such files too.
mkdir -p tmp
TMPDIR=$PWD/tmp t "the key that is named is the one that ssh shows" \
	ends 0 STATE fleet keys -i petra
t_has "as ssh wants it" "$(cat state/argv)" "-i
petra"
t_eq "the file of its keys is gone" '' "$(ls tmp)"
t_has "which was there" "$(cat state/argv)" "UserKnownHostsFile=\"$PWD/tmp/writ-"
FAKE_MODE=realm t "one of another root of trust is none" \
	ends 1 "another root of trust" fleet keys
FAKE_MODE=changed t "nor one that shows another key" \
	ends 6 "signed first" fleet keys
FAKE_MODE=nokey t "who is not known is told how" ends 6 "-i KEY" fleet keys
FAKE_MODE=refused t "where nobody listens, the other one is tried" \
	ends 6 "m1.example.com:2023: nobody listens" fleet keys
t "that is, the one that failed last is named" \
	grep -q '^writ fleet: m2.example.com:24: nobody listens' out

# --- who asks in
realm=$(head -n 1 corp/bundle/fleet.1 | jq -r .realm)
enrol() { # N ID HOSTNAME [SIGNER]: a host that waits, with keys host.N link.N
	local n=$1 key

	for key in host.$n link.$n; do
		ssh-keygen -q -t ed25519 -N '' -C '' -f "$key"
	done
	printf '{"v":1,"type":"enrol","realm":"%s","by":"%s","at":"%s","nonce":"%s","host_key":"%s","transport_key":"%s","hostname":"%s","grains":{"os":"debian"},"boot_id":"%s"}\n' \
		"$realm" "$2" 2026-03-02T10:00:00Z "$(head -c 16 /dev/urandom |
			xxd -p)" "$(cut -d' ' -f1,2 "host.$n.pub")" \
		"$(cut -d' ' -f1,2 "link.$n.pub")" "$3" \
		00000000000000000000000000000001 >"line.$n"
	for key in host.$n link.$n; do
		ssh-keygen -q -Y sign -n enrol@writ -f "${4:-$key}" \
			<"line.$n" 2>/dev/null >"sig.$key"
	done
	cat "line.$n" "sig.host.$n" "sig.link.$n" >"state/enrol.$n"
	sha256sum <"line.$n" | cut -d' ' -f1
}
e1=$(enrol 1 web-1.example.com web-1)
e2=$(enrol 2 web-2.example.com web-2)
enrol 3 db-1.example.com localhost >/dev/null
accept=$(printf '%064d' 7)
cat >state/hosts.json <<END
[{"host":"old-1.example.com","accept":"$accept","fingerprint":"SHA256:x",
  "names":["old-1.example.com","old"],"roles":["web"],
  "since":"2026-01-02T10:00:00Z","renew_until":"2027-01-02T10:00:00Z"},
 {"host":"bad-1.example.com","accept":"$accept","names":["b"],"roles":[],
  "since":"2026-01-02T10:00:00Z","renew_until":"2027-01-02T10:00:00Z",
  "rejected":true,"reason":"stolen"}]
END
t "keys has those that wait" ends 0 "waiting   web-1.example.com" fleet keys
t "all pages of them" grep -q 'waiting   db-1.example.com' out
t "those that are accepted" grep -q 'accepted  old-1.example.com' out
t "and those that are not" grep -q 'rejected  bad-1.example.com.*stolen' out
t_eq "as JSON too" "$e1" "$(fleet keys --json |
	jq -r '.[] | select(.host == "web-1.example.com") | .enrol')"
t "and as CSV" ends 0 "waiting,web-2.example.com,SHA256:" fleet keys --csv
t "not as both" ends 2 "not both" fleet keys --csv --json
FAKE_MODE=swap t "one that is not what it is said to be is not shown" \
	ends 1 "not the one it is said to be" fleet keys
sed -i 's/"hostname":"web-2"/"hostname":"web-9"/' state/enrol.2
t "nor one that was touched" ends 4 "does not verify" fleet keys
sed -i 's/"hostname":"web-9"/"hostname":"web-2"/' state/enrol.2

# --- accept
t "acceptance is for operators" ends 1 "no operator's" \
	fleet accept web-1.example.com -i olga -y
t "with a key" ends 2 "expected -i KEY" fleet accept web-1.example.com -y
t "of one that waits" ends 6 "no host waits" \
	fleet accept web-7.example.com -i petra -y
t "of somebody" ends 2 "accept whom?" fleet accept -i petra -y
t "nobody is asked without a terminal, and nothing is signed" \
	ends 1 "not signed" fleet accept web-1.example.com -i petra
t_eq "nor sent" 0 "$(n_taken)"
t "before that it is shown what it said" grep -q 'says         os=debian' out
t "its key" grep -qF "$(ssh-keygen -lf host.1.pub | cut -d' ' -f2)" out
t "from where" grep -q 'from         192.0.2.7' out
t "a host is accepted" ends 0 "web-1.example.com is accepted: entry 0" \
	fleet accept web-1.example.com -i petra -y
t "ssh-keygen takes its signature" \
	judged accept@writ petra@example.com state/taken.0
t_eq "the id is what it would like" web-1.example.com "$(last .host)"
t_eq "the keys are its own" "$(cut -d' ' -f1,2 host.1.pub)" \
	"$(last .host_key)"
t_eq "the statement is the one that was shown" "$e1" "$(last .enrol)"
t_eq "its certificate has its id" '["web-1.example.com"]' \
	"$(head -n 1 state/taken.0 | jq -c .names)"
t "by hash, with another id, names, roles and end" \
	ends 0 "www.example.com is accepted" \
	fleet accept "${e2:0:10}" -i petra -y --id www.example.com \
	--name www.example.com --name www --role web --until 30d
t_eq "they are what was said" \
	'www.example.com ["www.example.com","www"] ["web"]' \
	"$(last '"\(.host) \(.names|tojson) \(.roles|tojson)"')"
t "an id is not given twice" ends 1 "is a host already" \
	fleet accept localhost -i petra -y --id old-1.example.com
t "unless it is replaced" ends 0 "old-1.example.com is accepted" \
	fleet accept localhost -i petra -y --id old-1.example.com --replace
t_eq "which names what it ends, and keeps names and roles" \
	"$accept [\"old-1.example.com\",\"old\"] [\"web\"]" \
	"$(last '"\(.replace) \(.names|tojson) \(.roles|tojson)"')"
t "where nobody is, nobody is replaced" ends 6 "could be replaced" \
	fleet accept localhost -i petra -y --replace
t "all that match are listed first" ends 1 "web-2.example.com" \
	fleet accept --all 'web-*' -i petra
t_eq "and not signed unasked" 3 "$(n_taken)"
t "then accepted" ends 0 "web-2.example.com is accepted" \
	fleet accept --all 'web-*' -i petra -y --role web
t_eq "each by a statement of its own" 5 "$(n_taken)"
t "what is of one host is not said of all" ends 2 "--role and --until" \
	fleet accept --all 'web-*' -i petra -y --id x
enrol 4 web-1.example.com other >/dev/null
t "two that would be one are for a person to tell apart" \
	ends 2 "is several that wait" fleet accept --all 'web-*' -i petra -y
t_eq "nobody was accepted" 5 "$(n_taken)"
rm state/enrol.4

# --- reject, rename, forget
t "why is asked" ends 2 "-m REASON" \
	fleet reject web-2.example.com -i petra -y
t "one that waits is rejected" ends 0 "is rejected" \
	fleet reject web-2.example.com -i petra -y -m unknown
t_eq "by its enrol" "$e2 unknown" "$(last '"\(.enrol) \(.reason)"')"
t "one that is a host too" ends 0 "is rejected" \
	fleet reject old-1.example.com -i petra -y -m stolen
t_eq "by its id" old-1.example.com "$(last .host)"
sed 's/old-1.example.com/web-2.example.com/' state/hosts.json >h
cp state/hosts.json h.bak
cp h state/hosts.json
t "whom, where both are of that name, has to be said" \
	ends 2 "--host or the hash" \
	fleet reject web-2.example.com -i petra -y -m x
t "as it can be" ends 0 "is rejected" \
	fleet reject web-2.example.com --host -i petra -y -m x
t_eq "and is" web-2.example.com "$(last .host)"
cp h.bak state/hosts.json
t "a host is renamed" ends 0 "old-1.example.com is new-1.example.com now" \
	fleet rename old-1.example.com new-1.example.com -i petra -y
t_eq "with its certificate's name" \
	'rename new-1.example.com ["new-1.example.com"]' \
	"$(last '"\(.type) \(.to) \(.names|tojson)"')"
t "a host is forgotten" ends 0 "is forgotten" \
	fleet forget old-1.example.com -i petra -y -m scrapped
t "ssh-keygen takes that too" \
	judged forget@writ petra@example.com "$(taken)"
FAKE_MODE=deny t "a refusal of the master is told" \
	ends 1 "not by an operator" \
	fleet forget old-1.example.com -i petra -y -m x

# --- tokens
t "a token is for some hosts" ends 2 "not all hosts" \
	fleet token new '*' --key tok -i petra -y
t "its key has to go somewhere" ends 2 "--key FILE" \
	fleet token new 'web-*' -i petra -y
t "a token is made" ends 0 "lets in 3 hosts" \
	fleet token new 'web-*.example.com' --key tok --count 3 \
	--expires 2h --role web -i petra -y
t_eq "its key is its owner's alone" 600 "$(stat -c %a tok)"
t_eq "and is the one that was signed" \
	"$(ssh-keygen -yf tok | cut -d' ' -f1,2)" "$(last .key)"
t_eq "it says which statement it is of, and the roles" \
	"writ-token:$(head -n 1 "$(taken)" | sha256sum | cut -d' ' -f1) web" \
	"$(ssh-keygen -yf tok | cut -d' ' -f3-)"
t_eq "for whom, how often" '3 web-*.example.com ["web"]' \
	"$(last '"\(.count) \(.hosts) \(.roles|tojson)"')"
t "ssh-keygen takes its signature" \
	judged token@writ petra@example.com "$(taken)"
t "a file that is there is not replaced" ends 1 "is there already" \
	fleet token new 'web-*' --key tok -i petra -y
FAKE_MODE=deny t "a token that is refused leaves no key" \
	ends 1 "not by an operator" fleet token new 'db-*' --key no -i petra -y
t_not "none" test -e no
echo "[{\"token\":\"$accept\",\"hosts\":\"db-*\",\"by\":\"petra@example.com\",\"roles\":[\"db\"],\"count\":\"5\",\"left\":\"2\",\"expires\":\"2027-03-03T10:00:00Z\"}]" \
	>state/tokens.json
t "tokens are listed" ends 0 "db-*   2     5      db" fleet token list
t "with the keys too" ends 0 "db-*   2     5      db" fleet keys
t_eq "as JSON" 2 "$(fleet token list --json | jq -r '.[0].left')"

# --- kept, and sent later
before=$(n_taken)
t "a statement can be kept" ends 0 "writ fleet send f1" \
	fleet forget old-1.example.com -i petra -y -m old -o f1
t "with nobody asked" test "$(n_taken)" -eq "$before"
t "and sent later" ends 0 "f1: the forget is taken" fleet send f1
t_eq "as it is" "$(cat f1)" "$(cat "$(taken)")"
sed 's/"reason":"old"/"reason":"new"/' f1 >f2
t "what was touched is not sent" ends 4 "does not verify" fleet send f2
t "what operators do not say is not" ends 4 "expected what an operator says" \
	fleet send corp/bundle/fleet.1
before=$(n_taken)
FAKE_MODE=lost:submit t "what cannot be sent is kept, and that is said" \
	ends 6 "corp/unsent/" fleet rename a b -i petra -y
t_eq "as a file" 1 "$(find corp/unsent -type f | wc -l)"
t_eq "that is its owner's" 600 "$(stat -c %a corp/unsent/*)"
FAKE_MODE=record t "while it cannot be recorded it stays" \
	ends 0 "a rename that could not be sent before is still kept" fleet jobs
t "the next command sends it" \
	ends 0 "a rename that could not be sent before was sent now" fleet jobs
t_eq "once" $((before + 1)) "$(n_taken)"
t_eq "and no more" 0 "$(find corp/unsent -type f | wc -l)"
FAKE_MODE=lost:submit t "another one" ends 6 "corp/unsent/" \
	fleet rename a b -i petra -y
FAKE_MODE=deny t "that is refused is told of, and gone" \
	ends 0 "a rename that could not be sent before came to nothing: not by" \
	fleet jobs
t_eq "gone" 0 "$(find corp/unsent -type f | wc -l)"

# --- push
t "what is published goes to each master" ends 0 \
	"m1.example.com:2023 has fleet 1 now" fleet push
t "what it has is not sent again" grep -q 'm2.*has fleet 1 already' out
t_eq "with the statement as it is" \
	"$(sha256sum <corp/bundle/fleet.1)" \
	"$(jq -j .statement state/pushed.fleet | sha256sum)"
echo '["0","1"]' >state/versions
t "a policy too" ends 0 "m2.example.com:24 has policy 1 now" \
	fleet push --master m2.example.com:24
t_eq "with the roots that it lacks" 0 \
	"$(jq '.roots | length' state/pushed.policy)"
FAKE_MODE=refused t "where one is away, that is the end of it" \
	ends 6 "nobody listens" fleet push

# --- apply
cp state/hosts.json h.bak
hosts() { # N: web-1..N that are accepted, with version 1
	seq 1 "$1" | jq -s --arg a "$accept" 'map({host:"web-\(.).example.com",
	    accept:$a,names:["x"],roles:["extra"],since:"2026-01-02T10:00:00Z",
	    renew_until:"2027-01-02T10:00:00Z"})' >state/hosts.json
	seq 1 "$1" | jq -s 'map({host:"web-\(.).example.com",connected:true,
	    last_contact:"2026-01-02T10:00:00Z",fleet_version:"1",target:"1",
	    policy_version:"1",krl_version:"0",outcome:"unchanged",drift:false,
	    alarms:[]})' >state/status.json
}
hosts 12
event() { # HOST OUTCOME [MESSAGE [DIFF]]
	jq -cn --arg h "$1" --arg o "$2" --arg m "${3-}" --arg d "${4-}" '
	    {host:$h,batch:1,outcome:$o,changes:[{state:"sshd",
	     kind:"sshd_config",result:"done"} +
	     (if $d == "" then {} else {diff:$d} end)]} +
	    (if $m == "" then {} else {message:$m} end)' >>state/events
}
sed -i 's/PermitRootLogin: no/PermitRootLogin: no, MaxAuthTries: 4/' \
	corp/fleet/states/base.yaml
fleet sign -i petra -y >sign.log 2>&1 || t_fail 'fleet 2' "$(cat sign.log)"
apply() { fleet apply -i petra "$@"; }
before=$(n_taken)
t "for whom is asked" ends 2 "on which hosts?" apply -y
t "what a host says of itself is not" ends 2 "id and role alone" \
	apply -y --on "os == 'debian'"
t "a host that is none is not" ends 6 "there is no host 'x'" \
	apply -y --host x
t "nobody is never everybody" ends 2 "never for nobody" apply -y --on 'db-*'
t "nothing is signed unasked" ends 1 "not signed" apply --on '*'
t "it says for how many hosts, in what steps" grep -qF \
	'enforce fleet 2 on 12 hosts, in batches of 1, 2, 9; at most 0 may fail' \
	out
t "and which changes touch a way in" grep -qF \
	'sshd: sshd (sshd_config) changes on all 12 hosts' out
t "with the settings" grep -qxF '      +settings.MaxAuthTries: 4' out
t_not "and no others" grep -q PermitRootLogin out
t_not "what is the same is not told of" grep -q pam_limits out
t_eq "nothing was sent" "$before" "$(n_taken)"
event web-1.example.com changed
event web-2.example.com unchanged
echo 'done' >state/result
t "the order is sent and followed" ends 0 "job " \
	apply -y --on "role == 'web' and id in ['web-1.example.com', 'web-2.example.com']"
t "after the fleet it is about" grep -q 'has fleet 2 now' out
t "a line a host" grep -q '^ 1/2  web-1.example.com  changed: sshd$' out
t "and how it went" grep -q '^2 hosts: 1 unchanged, 1 changed; done$' out
t_eq "its targets are those" "1 web-1.example.com
2 web-2.example.com" "$(cat state/targets)"
t_eq "which the job names" "$(sha256sum <state/targets | cut -d' ' -f1)" \
	"$(last .targets)"
t "ssh-keygen takes its signature" \
	judged job@writ petra@example.com "$(taken)"
t "roles of the acceptance count" ends 3 "10 not heard of" \
	apply -y --on "role == 'extra'"
t "a test is one" ends 3 "1 would change" apply -y --on '*' --test
t_eq "in its mode" test "$(last .mode)"
event web-3.example.com undone 'nobody confirmed'
echo stopped >state/result
t "what failed is told, and is the exit status" \
	ends 1 "web-3.example.com  undone: sshd; nobody confirmed" \
	apply -y --on '*' --batch 5 --max-failures 2 --junit junit.xml
t "as JUnit" xmllint --noout junit.xml
t_eq "with the failure" 'undone nobody confirmed' "$(python3 - <<'END'
import xml.etree.ElementTree as E
f = E.parse("junit.xml").find(".//testcase/failure")
print(f.get("type"), f.get("message"))
END
)"
mkfifo pipe
job=$(taken)
t "which takes the place of no pipe" ends 6 'pipe is not a regular file' \
	apply -y --on '*' --junit pipe
t "nor goes where no folder is" ends 6 'no file can be made in none/' \
	apply -y --on '*' --junit none/junit.xml
t "nor between the lines" ends 2 '--junit' apply -y --on '*' --junit -
t_eq "and nothing is ordered" "$job" "$(taken)"
t "the pipe is one" test -p pipe
rm pipe
apply -y --on '*' --json >job.json 2>job.err
t_eq "as JSON on standard output" 'stopped 1 12' \
	"$(jq -r '"\(.outcome) \(.counts.undone) \(.hosts|length)"' job.json)"
t "and words elsewhere" grep -q 'enforce fleet 2' job.err
t "it need not be followed" ends 0 "job " apply -y --on '*' --detach
t_eq "and is not" 0 "$(tail -n 1 state/calls | grep -c watch)"
FAKE_ONCE=1 FAKE_MODE=lost:watch t "a connection that is lost is made anew" \
	ends 1 "the job goes on, trying again" apply -y --on '*'
t_eq "and what was said before is not said again" 1 \
	"$(grep -c 'web-1.example.com  changed' out)"
rm -f state/lost
FAKE_MODE=lost:submit t "a job that cannot be sent is kept" \
	ends 6 corp/unsent/ apply -y --on '*'
t_eq "with its targets" 2 "$(find corp/unsent -type f | wc -l)"
t "and sent later" ends 0 "a job that could not be sent before was sent now" \
	fleet jobs
t_eq "with them" "$(last .targets)" "$(sha256sum <state/targets | cut -d' ' -f1)"
t_eq "gone" 0 "$(find corp/unsent -type f | wc -l)"
t "or kept for another's signature" ends 0 "writ fleet send j1" \
	apply -y --on '*' -o j1
t "who signs it too" ends 0 "j1 has its signatures" \
	fleet job -i piet -y --add j1
t "and sends it" ends 0 "j1: the job is taken" fleet send j1
echo '["1","1"]' >state/versions
sed -i 's/MaxAuthTries: 4/MaxAuthTries: 5/' corp/fleet/states/base.yaml
fleet sign -i petra -y >sign.log 2>&1 || t_fail 'fleet 3' "$(cat sign.log)"
t "a master that was away is brought on version by version" \
	ends 0 "has fleet 2 now" fleet push --master m1.example.com
t "to the newest" grep -q 'has fleet 3 now' out
jq 'map(.fleet_version = "7")' state/status.json >s
cp s state/status.json
t "what hosts have and is not here is said" \
	ends 1 "what 12 hosts have now does not lie here" apply --on '*'
jq 'map(.fleet_version = "3")' s >state/status.json
t "the same again touches no way in" ends 1 "touches no way in" \
	apply --on '*'

# --- Ctrl-C leaves it running
job=$(head -n 1 "$(taken)" | sha256sum | cut -d' ' -f1)
jobs_json() {
	jq -cn --arg j "$1" '[{job:$j,at:"2026-03-02T10:00:00Z",
	    expires:"2026-03-03T10:00:00Z",version:"2",mode:"enforce",
	    max_failures:"0",state:"running",batches:3,opened:1,failures:"0",
	    counts:{hosts:12,unchanged:1,changed:2,failed:0,undone:0,refused:0,
	    closed:9,waiting:0,away:0,replaced:0}}]' >state/jobs.json
}
jobs_json "$job"
t "jobs are listed" ends 0 "${job:0:12}  2      enforce  running  12     3" \
	fleet jobs
FAKE_MODE=hang "$O/writ-fleet" -C corp watch "${job:0:8}" >watch.out 2>&1 \
	</dev/null &
pid=$!
t_stop_later "$pid"
for _ in $(seq 100); do
	grep -q web-3 watch.out && break
	sleep 0.1
done
kill -INT "$pid"
wait "$pid"
t_eq "watching ends with what means waiting" 3 "$?"
t "and says how to come back" \
	grep -q "writ fleet watch ${job:0:12} comes back to it" watch.out
t "by the first digits" ends 1 "stopped" fleet watch "${job:0:8}"
t "or the whole" ends 1 "stopped" fleet watch "$job"
t "no job is said to be none" ends 6 "is no job" fleet watch 0123456789
t "nor is what is no hash" ends 2 "no job, expected" fleet watch zz
sed -i 's/^2 web/2 wex/' state/targets
t "targets that are not the job's are not believed" \
	ends 6 "no such object" fleet watch "$job"
sed -i 's/^2 wex/2 web/' state/targets
event web-99.example.com changed
t "news of a host it is not for are said, and count for nothing" \
	ends 1 "news of 'web-99.example.com', which the job is not for" \
	fleet watch "$job"

# --- differences
printf -- '--- a\n+++ b\n-x\n+\033[2Jy\n' >d
name=$(sha256sum <d | cut -d' ' -f1)
cp d "state/diff.$name"
t "what changed in a file is shown" ends 0 '+\x1b[2Jy' \
	fleet changes web-1.example.com "$name"
t_not "and moves no cursor" grep -q "$(printf '\033')" out
FAKE_MODE=other-diff t "what is not what the report names is not shown" \
	ends 5 "not the difference" fleet changes web-1.example.com "$name"
t "a hash is a hash" ends 2 "names no difference" fleet changes web-1 x
rm state/events
event web-1.example.com changed '' "$name"
event web-2.example.com changed '' "$name"
t "after a job too" ends 1 "# sshd on web-1.example.com" \
	fleet watch "$job" --diff
t_eq "once for all that have it" 1 "$(grep -c '^# sshd on' out)"

# --- how hosts are
cat >state/status.json <<'END'
[{"host":"a","connected":true,"last_contact":"2026-01-02T10:00:00Z",
  "fleet_version":"2","target":"2","policy_version":"1","krl_version":"4",
  "outcome":"unchanged","drift":false,"alarms":[]},
 {"host":"b","connected":false,"last_contact":"2026-01-02T10:00:00Z",
  "fleet_version":"1","target":"2","policy_version":"1","krl_version":"4",
  "outcome":"undone","drift":true,
  "alarms":[{"at":"2026-01-02T10:00:00Z","what":"cloned"}]}]
END
t "those that are behind come first" ends 0 "b     1 of 2" fleet status
t_eq "first" b "$(sed -n 2p out | cut -d' ' -f1)"
t "with a sum" grep -q '^2 hosts, 1 connected, 1 behind, 1 with alarms$' out
t_eq "as JSON" cloned "$(fleet status --json | jq -r '.[0].alarms')"
t "as CSV" ends 0 "b,1,2,undone,yes,1,4,2026-01-02T10:00:00Z,no,cloned" \
	fleet status --csv
fleet status --on "role == 'web'" >/dev/null
t_eq "an expression is the master's to match" "role == 'web'" \
	"$(tail -n 1 state/calls | jq -r .on)"
echo '{"a":{"hostname":"a","grains":{"os":"debian"},"x":"\u001b[2J"}}' \
	>state/facts.json
t "facts are told" ends 0 "grains.os  debian" fleet facts a
t_not "and move no cursor" grep -q "$(printf '\033')" out
t_eq "as JSON" debian "$(fleet facts a --json | jq -r .grains.os)"
t "of a host that is one" ends 6 "no host has the id" fleet facts b

# --- who logged in
saw() { # HOST NUMBER AT EVENT
	printf '{"host":"%s","seq":"4","number":%s,"index":"9",' "$1" "$2"
	printf '"came":"2026-03-02T10:00:00Z","report":"%064d",' 7
	printf '"at":"2026-03-02T09:%sZ","source":"journal",%s}' "$3" "$4"
}
ca=SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
jq -s . >state/logins.json <<<"
$(saw a 0 00:00 "\"what\":\"failed\",\"until\":\"2026-03-02T09:30:00Z\",
	\"count\":\"3\"")
$(saw a 1 10:00 "\"what\":\"login\",\"account\":\"deploy\",\"from\":\"192.0.2.7\",
	\"port\":50112,\"method\":\"publickey\",\"ca\":\"$ca\",\"serial\":\"41\",
	\"key_id\":\"=alice,1\",\"session\":\"b.8.1\"")
$(saw b 0 10:00 "\"what\":\"login\",\"account\":\"root\",\"method\":\"password\"")
$(saw a 2 10:05 "\"what\":\"sudo\",\"account\":\"deploy\",\"command\":\"/bin/id\",
	\"as\":\"root\",\"session\":\"b.8.1\"")
$(saw a 3 11:00 "\"what\":\"refused\",\"ca\":\"$ca\",\"serial\":\"0\",
	\"key_id\":\"\",\"why\":\"revoked\"")"
t "all of it is shown, in its order" ends 0 \
	"2026-03-02T09:00:00Z  a     failed " fleet logins
t_eq "and once" "failed login login sudo refused" \
	"$(sed -n '2,$s/^[^ ]*  [ab]     \([a-z]*\) .*/\1/p' out | xargs)"
t "with its certificate" grep -q \
	"deploy   192.0.2.7  publickey certificate 41 '=alice,1'\$" out
t "with the command" grep -q 'as root /bin/id$' out
t "with a sum" grep -q '3 until 2026-03-02T09:30:00Z$' out
t "with the reason" grep -q "refused: 'revoked'\$" out
t_eq "as JSON, with the report that proves it" "$(printf '41 9 %064d' 7)" \
	"$(fleet logins --json | jq -r '.[1] | "\(.serial) \(.index) \(.report)"')"
t "as CSV, with no formula" ends 0 "41,\"'=alice,1\",," fleet logins --csv
t_eq "a line each" 6 "$(wc -l <out)"
fleet logins --host a --account deploy --what login --what end \
	--since 2026-03-02T09:00:00Z --until 2026-03-02 >/dev/null
t_eq "what is asked for is the master's to find" \
	'a deploy login,end 2026-03-02T09:00:00Z 2026-03-02T23:59:59Z' \
	"$(tail -n 1 state/calls | jq -r \
		'"\(.host) \(.account) \(.what | join(",")) \(.since) \(.until)"')"
FAKE_MODE=twice t "nothing is counted twice" ends 4 \
	"does not come after the one before it" fleet logins
t "a kind is one" ends 2 "expected login, refused, end, sudo or failed" \
	fleet logins --what logout
t "a host is one" ends 2 "no id of a host" fleet logins --host 'a b'
t "a time is one" ends 2 "--since is 'soon', expected a span" \
	fleet logins --since soon
t "times are in their order" ends 2 "--until is before --since" \
	fleet logins --since 1h --until 2h
sed -i 's/"root"/"ro\\u001b[2Jot"/' state/logins.json
t "what would move a cursor is not shown" ends 4 "'account'" fleet logins
t_not "and moves none" grep -q "$(printf '\033')" out

# --- a policy that asks for two
sed -i -e 's/^version: 1/version: 2/' -e 's/fleet: 1/fleet: 2/' \
	corp/policy/root.yaml
"$writ" policy sign -C corp -i olga -y >policy.log 2>&1
t "policy 2 asks for two operators" grep -q 'policy 2 is published' policy.log
"$writ" fleet -C corp sign -i petra -y --expires 90d >sign.log 2>&1
end=$(head -n 1 corp/bundle/draft.fleet | jq -r .expires)
"$writ" fleet -C corp sign -i piet -y --expires "$end" >>sign.log 2>&1
t "so one cannot apply alone" ends 3 "needs the signatures of 2 operators" \
	apply -y --on '*'
t "he is told how" grep -q 'writ fleet job --add FILE' out

t_done
