#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what a master's keeper acknowledges is in the log and stays:
# hosts ask in and are accepted, an order goes through its batches, reports come,
# and a keeper that is killed, or whose store is taken away, goes on where it was.
# A host that was taken over gets nothing that is not its own: each thing it tries
# is refused with one sentence and raises one alarm.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/fleet.sh
. "$(dirname "$0")/fleet.sh"
# shellcheck source=tests/interop/master.sh
. "$(dirname "$0")/master.sh"

cd "$T" || exit 1
here 'a deployment with a master' master_make
mkdir -p corp/fleet/states corp/fleet/pillar
cat >corp/fleet/fleet.yaml <<'END'
masters: [{address: "127.0.0.1:2023", key: master_1}]
roles:
  db: ["db.example.com"]
END
cat >corp/fleet/top.yaml <<'END'
states:
  - {match: "*", apply: [base]}
pillar:
  - {match: "*", use: [common]}
  - {match: "role == 'db'", use: [db]}
  - {match: "id == 'web-1.example.com'", use: [web1]}
END
cat >corp/fleet/states/base.yaml <<'END'
limits:
  pam_limits:
    limits: []
  cis: ["1.5.3"]
more-limits:
  pam_limits:
    limits: []
  cis: ["6.1.10", "6.1.9"]
  exceptions:
    - {match: "role == 'db'", reason: vendor, owner: petra, expires: 2099-01-01}
END
printf 'port: 22\n' >corp/fleet/pillar/common.yaml
printf 'shards: 3\n' >corp/fleet/pillar/db.yaml
printf 'colour: green\n' >corp/fleet/pillar/web1.yaml
fleet_sign corp petra

here 'signer and keeper serve' master_starts
t_has 'it is sealed' "$(cat /proc/"$keeper"/status)" "Seccomp:	2"
t_has 'it says who it is' "$(call olga@example.com '{"call":"hello"}')" \
	'"name":"master_1"'

# --- nobody is accepted yet
hosts_then() { "$O/writ" audit hosts -C corp --fleet-log "dir:$T/m/log" "$@"; }
here 'its log is there' until_ok test -s m/log/checkpoint
t_eq 'a log without hosts has none' '0 HOST' \
	"$(hosts_then >hosts.out 2>&1; echo "$? $(awk '{ print $1 }' hosts.out)")"
t_eq 'as JSON' '[]' "$(hosts_then --json | jq -c .)"

# --- hosts ask in
web1=web-1.example.com
web2=web-2.example.com
db=db.example.com
for h in web1 web2 db rogue; do
	host_keys "$h"
done
t_eq 'a host asks in and waits' '{"state":"waiting"}' "$(enrol web1)"
t_eq 'and may say so again' '{"state":"waiting"}' "$(enrol web1)"
enrol web2 >/dev/null
enrol db >/dev/null
t_eq 'an operator sees who waits' 3 \
	"$(call petra@example.com '{"call":"keys"}' |
		grep -o '"hostname":"[a-z0-9]*"' | wc -l)"
t_has 'and accepts' "$(accept web1 $web1)" '"index"'
accept web2 $web2 >/dev/null
t_has 'with a role' "$(accept db $db '"roles":["db"]')" '"index"'
t_has 'the host is told, with its acceptance' "$(enrol web1)" \
	'"state":"accepted","host":"web-1.example.com"'
t_has 'the same acceptance again is taken' \
	"$(submit petra@example.com web1.accept)" '"index"'
keys() { "$O/tools/calltool" -k m/run/keeper.sock 2>&1; }
t_has 'its key comes in as the host' "$(keys)" 'host/web-1.example.com'

# --- a fleet, an order
put_all() {
	local f

	for f in corp/fleet/*.yaml corp/fleet/*/*.yaml; do
		call petra@example.com \
			"{\"call\":\"put\",\"data\":\"$(base64 -w0 "$f")\"}" ||
			return
	done
}
push_fleet() { # VERSION
	local first manifest

	IFS= read -r first <"corp/bundle/fleet.$1"
	manifest=$(field manifest <<<"$first")
	call petra@example.com "{\"call\":\"push\",\"what\":\"fleet\",$(printf \
		'"statement":%s,"manifest":%s}' \
		"$(json_of "corp/bundle/fleet.$1")" \
		"$(json_of "corp/bundle/$manifest")")"
}
printf '1 %s\n2 %s\n3 %s\n' $web1 $web2 $db >targets
job job1 1 targets
t_has 'no order to have what the master has not' \
	"$(TARGETS=targets submit petra@example.com job1)" \
	'fleet version 1 is not on this master'
put_all >/dev/null
t_eq 'a fleet is pushed' '{"version":"1"}' "$(push_fleet 1)"
t_eq 'and moves nobody' '{"jobs":[]}' \
	"$(call petra@example.com '{"call":"jobs"}')"

attends web1 $web1
here 'a host that attends is told what it is to have' \
	until_ok says web1.news '"policy":{"version":"1"'
attends web2 $web2
attends db $db
until_ok says db.news policy
TREE=$(printf '00%.0s' {1..32}) job lie1 1 targets
t_has 'no order whose tree is not that over its targets' \
	"$(TARGETS=targets submit petra@example.com lie1)" \
	'the tree over TARGETS is not the one that the job names'
t_has 'an order is taken' \
	"$(TARGETS=targets submit petra@example.com job1)" '"index"'
here 'the first batch has it' until_ok says web1.news "$(name job1)"
sleep 0.6
t_not 'the second has not' says web2.news "$(name job1)"
t_has 'the fleet it is for comes with the chain' \
	"$(call host/$web1 '{"call":"chain","what":"fleet"}')" '"between":[]'
t_has 'nobody whose batch is closed gets it' \
	"$(call host/$web2 '{"call":"chain","what":"fleet"}')" \
	'no version of the fleet'

# --- files
object() { # WHO HASH
	call "$1" "{\"call\":\"object\",\"hash\":\"$2\"}"
}
file() { hashed <"corp/fleet/$1"; }
t_eq 'a file of its fleet comes as it is' \
	"$(base64 -w0 corp/fleet/states/base.yaml)" \
	"$(object host/$web1 "$(file states/base.yaml)" | field data)"
t_has 'its own pillar' "$(object host/$web1 "$(file pillar/web1.yaml)")" '"data"'
order() { # WHO FILE
	call "$1" "{\"call\":\"order\",\"job\":\"$(name "$2")\"}"
}
# As an independent reader of RFC 6962 makes it.
place() { # TARGETS HOST
	python3 -B -c 'import sys; sys.path.insert(0, sys.argv[1]); import json, place
with open(sys.argv[2], "rb") as f:
    print(json.dumps(place.place(f.read(), sys.argv[3]).decode()))' \
		"$TOP/tests/interop" "$1" "$2"
}
t_has 'the order, and where it is among its targets' "$(order host/$web1 job1)" \
	"\"place\":$(place targets $web1)}"
t_has 'nobody whose batch is closed gets the order' "$(order host/$web2 job1)" \
	'no such order'
t_has 'nor does a host get all of TARGETS' \
	"$(object host/$web1 "$(hashed <targets)")" 'no such object'
t_has 'a person does' \
	"$(object petra@example.com "$(hashed <targets)")" '"data"'
t_has 'a file of the policy' \
	"$(object host/$web1 "$(hashed <corp/bundle/root.1.yaml)")" '"data"'

# --- reports move the batches on
t_eq 'a heartbeat is in the log' '{"seq":"1"}' "$(report web1 $web1)"
t_eq 'and may be said again' '{"seq":"1"}' \
	"$(call_file host/$web1 report statement=web1.report)"
: >watch.news
call petra@example.com "{\"call\":\"watch\",\"job\":\"$(name job1)\"}" \
	>watch.news &
watching=$!
t_eq 'a run is reported' '{"seq":"2"}' \
	"$(report web1 $web1 "$(run_of "$(name job1)" changed)")"
here 'and the second batch opens' until_ok says web2.news "$(name job1)"
here 'who watches sees it' until_ok says watch.news '"host":"web-1.example.com"'

# --- who logged in
seen_login='"what":"login","at":"2026-11-01T10:00:00Z","source":"journal",'
seen_login+='"session":"3b1f0c2a.811.17","account":"deploy","from":"10.0.0.7",'
seen_login+='"port":50112,"method":"publickey","key":"SHA256:47DEQpj8HBSa+/TImW'
seen_login+='+5JCeuQeRkm5NMpJWZG3hSuFU","ca":"SHA256:47DEQpj8HBSa+/TImW+5JCeuQe'
seen_login+='Rkm5NMpJWZG3hSuFU","serial":"41","key_id":"alice@example.com/9c1b"'
seen_sudo='"what":"sudo","at":"2026-11-01T10:00:02Z","source":"journal",'
seen_sudo+='"session":"3b1f0c2a.811.17","account":"deploy","command":"/bin/id"'
seen_early='"what":"end","at":"2026-11-01T09:59:59Z","source":"file",'
seen_early+='"account":"root"'
logins() { # [ARGUMENTS]: without when they came
	call petra@example.com "{\"call\":\"logins\"${1:+,$1}}" |
		sed 's/"came":"[^"]*",//g'
}
n_logins() { logins "$@" | grep -o '"number":' | wc -l; }
t_eq 'a host reports who logged in, by a clock that is slow' '{"seq":"1"}' \
	"$(AT=2026-11-01T10:01:00Z report db $db \
		"$(logins_of "{$seen_login},{$seen_sudo},{$seen_early}")")"
t_eq 'and may say so again' '{"seq":"1"}' \
	"$(call_file host/$db report statement=db.report)"
t_eq 'who asks is told each once, in the order of their times' \
	"\"number\":2 \"number\":0 \"number\":1" \
	"$(logins | grep -o '"number":[0-9]*' | xargs -d '\n')"
told_logins=$(logins)
t_has 'as the host saw it' "$told_logins" "$seen_login}"
t_has 'with the report it is in' "$told_logins" "\"report\":\"$(name db.report)\""
t_eq 'of a certificate' 1 "$(n_logins '"serial":"41"')"
t_eq 'of another host' 0 "$(n_logins "\"host\":\"$web1\"")"
t_has 'a kind that is none is an error' "$(logins '"what":["logout"]')" \
	"'what' has 'logout', expected login"

# --- a keeper that is killed
keeper_dies() { kill -9 "$keeper"; wait "$keeper"; } 2>/dev/null
keeper_dies
here 'a keeper that was killed comes back' keeper_starts
t_eq 'with who is there' 3 "$(call petra@example.com '{"call":"status"}' |
	grep -o '"host":' | wc -l)"
t_has 'and how far the order is' \
	"$(call petra@example.com '{"call":"jobs"}')" '"opened":2'
t_eq 'a report that it had acknowledged is known' '{"seq":"2"}' \
	"$(call_file host/$web1 report statement=web1.report)"
t_eq 'and so is who logged in' "$told_logins" "$(logins)"
t_has 'what a host reported last' \
	"$(call petra@example.com '{"call":"facts","host":"web-1.example.com"}')" \
	'"run"'
attends web2 $web2
attends db $db
until_ok says db.news policy
report web2 $web2 "$(run_of "$(name job1)" changed)" >/dev/null
here 'the third batch opens' until_ok says db.news "$(name job1)"

# --- a store that is lost
keeper_ends
rm -rf m/store
here 'a keeper whose store is gone makes it anew' keeper_starts
t_has 'the order is as far as hosts have reported' \
	"$(call petra@example.com "{\"call\":\"jobs\",\"id\":\"$(name job1)\"}")" \
	'"opened":2'
t_eq 'who logged in is told as before' "$told_logins" "$(logins)"
t_not 'by a clock that is not the host'"'"'s' grep -q '"came":"2026-11-01' \
	<(call petra@example.com '{"call":"logins"}')
attends web1 $web1
attends web2 $web2
attends db $db
here 'and goes on' until_ok says db.news "$(name job1)"
t_has 'hosts have their roles' \
	"$(object host/$db "$(file pillar/db.yaml)")" '"data"'
t_eq 'reports go on where they were' '{"seq":"3"}' "$(report web1 $web1)"
: >watch2.news
call petra@example.com "{\"call\":\"watch\",\"job\":\"$(name job1)\"}" \
	>watch2.news &
until_ok says watch2.news '"host":"web-2.example.com"'
report db $db "$(run_of "$(name job1)" unchanged)" >/dev/null
here 'who watches hears that it is done' \
	until_ok says watch2.news '"outcome":"done"'

# --- disks that fail
# disks LOG-WRITES LOG-SYNCS STORE-WRITES: the error of each, 0: it works.
disks() {
	python3 -c 'import os,struct,sys
log, store = (os.stat("m/" + f).st_ino for f in ("log/journal", "store/master.db-wal"))
w, s, t = map(int, sys.argv[1:])
open("disk", "r+b").write(struct.pack("=6q", log, w, s, store, t, 0))' "$@"
}
EIO=5
ENOSPC=28
truncate -s 48 disk
well() {
	"$O/tools/calltool" -c m/run/control.sock '' '{"call":"status"}' |
		grep -q '"ok":true'
}
if ldd "$O/writ-master-keeper" | grep -q libasan; then
	t_skip 'disks that fail' 'the address sanitizer must be preloaded first'
else
	keeper_ends
	FAILDISK=disk LD_PRELOAD=$O/tools/faildisk.so keeper_starts
	for h in nas tape late; do
		host_keys $h
	done
	nas=nas.example.com
	enrol nas >/dev/null
	enrol tape >/dev/null

	disks 0 0 $ENOSPC
	t_has 'with a full disk of the store nobody new asks in' \
		"$(enrol late)" 'the disk is full'
	t_has 'what goes into the log is acknowledged' "$(accept nas $nas)" \
		'"index"'
	disks 0 0 0
	here 'with room all is well' until_ok well
	t_eq 'who asked in vain asks again' '{"state":"waiting"}' \
		"$(enrol late)"
	t_has 'and is accepted' "$(accept late late.example.com)" '"index"'

	disks 0 0 $ENOSPC
	accept tape tape.example.com >/dev/null
	disks 0 $EIO $ENOSPC
	t_has 'a log that cannot be synced takes nothing, and says so' \
		"$(report web1 $web1)" 'Input/output error'
	disks 0 0 $ENOSPC
	here 'the log takes leaves again' until_ok says m.keeper.log \
		'the log takes leaves again'
	t_has 'statements wait for the store' \
		"$(call_file host/$web1 report statement=web1.report)" \
		'say the same again in a while'
	disks 0 0 0
	here 'with room all is well again' until_ok well
	t_has 'a host that was accepted meanwhile is one' "$(keys)" \
		host/tape.example.com
	t_eq 'a report that got no answer may be said again' '{"seq":"4"}' \
		"$(call_file host/$web1 report statement=web1.report)"

	printf '1 %s\n' $nas >nas.targets
	job nas.job 1 nas.targets
	disks $ENOSPC 0 0
	t_has 'with a full disk of the log there is no order' \
		"$(TARGETS=nas.targets submit petra@example.com nas.job)" \
		'No space left on device'
	disks 0 0 0
	here 'with room it goes on' until_ok well
	t_has 'the same order is taken' \
		"$(TARGETS=nas.targets submit petra@example.com nas.job)" \
		'"index"'
	keeper_ends
	here 'it starts again' keeper_starts
	for h in nas tape late; do
		t_has "with $h, which it had accepted" "$(keys)" \
			"host/$h.example.com"
	done
	t_has 'and the order' "$(call petra@example.com \
		"{\"call\":\"jobs\",\"id\":\"$(name nas.job)\"}")" \
		'"host":"nas.example.com"'
	attends web1 $web1
	attends web2 $web2
	attends db $db
	until_ok says db.news policy
fi

# --- diffs
call petra@example.com "{\"call\":\"show_diff\",\"host\":\"$db\",
	\"hash\":\"$(printf x | hashed)\"}" >diff.shown &
here 'a host is asked for a diff' until_ok says db.news '"asks":[{'
ask=$(field id <db.news)
t_eq 'and answers' '{}' \
	"$(call host/$db "{\"call\":\"diff\",\"id\":\"$ask\",\"text\":\"-a\\n+b\\n\"}")"
here 'which who asked sees' until_ok says diff.shown '-a\n+b'

# --- a host that was taken over
# hostile NAME SENTENCE WHO JSON: refused with it, and one alarm more.
n_hostile=0
n_known=$(keys | grep -c 'host/')
judge() {
	local name=$1 part=$2 answer=$3 before=$4

	n_hostile=$((n_hostile + 1))
	if [[ $answer != *'"error"'* ]]; then
		t_fail "hostile: $name" "it was taken: $answer"
	elif [[ $answer != *"$part"* ]]; then
		t_fail "hostile: $name" "wanted: $part"$'\n'"got: $answer"
	elif [ "$(alarms)" -ne $((before + 1)) ]; then
		t_fail "hostile: $name" "$(($(alarms) - before)) alarms"
	else
		t_ok "hostile: $name"
	fi
}
hostile() {
	local before

	before=$(alarms)
	judge "$1" "$2" "$(call "$3" "$4")" "$before"
}
# hostile_says NAME SENTENCE WHO CALL FILE: a statement of FILE.
hostile_says() {
	local before

	before=$(alarms)
	judge "$1" "$2" "$(call_file "$3" "$4" statement="$5")" "$before"
}
hostile "another host's pillar" 'no such object' host/$web2 \
	"{\"call\":\"object\",\"hash\":\"$(file pillar/web1.yaml)\"}"
hostile "another role's pillar" 'no such object' host/$web1 \
	"{\"call\":\"object\",\"hash\":\"$(file pillar/db.yaml)\"}"
hostile "another host's acceptance" 'no such object' host/$web2 \
	"{\"call\":\"object\",\"hash\":\"$(name web1.accept)\"}"
hostile 'a path for a hash' "'hash'" host/$web1 \
	'{"call":"object","hash":"../../keys/master_1"}'
hostile 'the store by its hash' 'no such object' host/$web1 \
	"{\"call\":\"object\",\"hash\":\"$(hashed <m/store/master.db)\"}"
hostile 'beyond the end of a file' 'ends before' host/$web1 \
	"{\"call\":\"object\",\"hash\":\"$(file states/base.yaml)\",\"offset\":\"99999\"}"
hostile 'the chain of something else' "'what'" host/$web1 \
	'{"call":"chain","what":"../keys"}'
hostile 'a call of an operator' 'is not for hosts' host/$web1 \
	'{"call":"keys"}'
hostile 'who logged in elsewhere' 'is not for hosts' host/$web1 \
	'{"call":"logins"}'
hostile 'a stranger who asks who logged in' 'is not for strangers' '' \
	'{"call":"logins"}'
hostile 'a push' 'is not for hosts' host/$web1 \
	'{"call":"push","what":"fleet"}'
hostile 'statements in the name of a host' 'is not for hosts' host/$web1 \
	'{"call":"submit","statements":["x"]}'
hostile 'a call that is none' 'no call has the name' host/$web1 \
	'{"call":"shell"}'
hostile 'a field that is none' 'command' host/$web1 \
	'{"call":"dial","command":"id"}'
hostile 'a field twice' 'there twice' host/$web1 \
	'{"call":"dial","port":22,"port":23}'
hostile 'no port' "'port'" host/$web1 '{"call":"dial","port":0}'
hostile 'bytes that are no JSON' 'JSON' host/$web1 '{"call":'
hostile 'a boot id that is none' "'boot_id'" host/$web1 \
	'{"call":"attend","boot_id":"x","root_version":"1","policy_version":"1","fleet_version":"0","krl_version":"0"}'
hostile 'an answer nobody asked for' 'nobody asked' host/$web1 \
	"{\"call\":\"diff\",\"id\":\"$ask\",\"text\":\"x\"}"
hostile 'a host that is none' 'is no host of this fleet' host/evil.example.com \
	'{"call":"dial"}'
hostile 'a stranger who attends' 'is not for strangers' '' \
	'{"call":"attend","boot_id":"x"}'
hostile 'a stranger who asks for files' 'is not for strangers' '' \
	"{\"call\":\"object\",\"hash\":\"$(file pillar/common.yaml)\"}"

report_statement web1 $web1 >as_is.report
hostile_says "another host's report, brought by this one" 'brought by' \
	host/$web2 report as_is.report
report_statement web1 $web2 >other_id.report
hostile_says "a report in another host's name" 'brought by' \
	host/$web1 report other_id.report
report_statement web1 $web1 '' web1.link >link_key.report
hostile_says 'a report signed by the link' 'signed' host/$web1 report \
	link_key.report
report_statement web1 $web1 '' rogue.host >rogue_key.report
hostile_says "a report signed by a stranger's key" 'signed' host/$web1 report \
	rogue_key.report
sed '1s/"quiet":"0"/"quiet":"9"/' as_is.report >changed.report
hostile_says 'a report changed after it was signed' 'signature' \
	host/$web1 report changed.report
cp web1.report last.report
rm web1.report
report_statement web1 $web1 >first.report
mv last.report web1.report
hostile_says 'a report with a number that was there' 'is held' host/$web1 \
	report first.report
for bad in "{\"what\":\"logout\"}:'what'" "{$seen_sudo,\"port\":22}:'port'" \
	"{\"host\":\"$web2\",$seen_login}:'host'"; do
	report_statement web1 $web1 "$(logins_of "{$seen_login},${bad%:*}")" \
		>bad.report
	hostile_says "a report of logins with ${bad##*:}" "field ${bad##*:}" \
		host/$web1 report bad.report
done
REALM=0000000000000000000000000000000000000000000000000000000000000000 \
	report_statement web1 $web1 >realm.report
hostile_says 'a report of another realm' 'realm' host/$web1 report realm.report
hostile_says 'an acceptance for a report' 'type accept' host/$web1 report \
	web1.accept
printf '2 %s\n1 %s\n' $web1 $web2 | sort >targets2
sleep 1
job job2 1 targets2 test
TARGETS=targets2 submit petra@example.com job2 >/dev/null
report_statement web1 $web1 "$(run_of "$(name job2)" changed)" >early.report
hostile_says 'a report about an order whose batch is closed' 'is not open' \
	host/$web1 report early.report
report_statement db $db "$(run_of "$(name job2)" changed)" >foreign.report
hostile_says 'a report about an order to others' 'does not name' host/$db \
	report foreign.report

renewal() { # NAME ID ACCEPT
	say renew "$2" "$1.host" "{$(printf '"accept":"%s","key":"%s"}' "$3" \
		"$(line "$1.host.pub")")"
}
renewal web2 $web1 "$(name web1.accept)" >stolen.renew
hostile_says "a renewal in another host's name" 'brought by' host/$web2 renew \
	stolen.renew
renewal web2 $web2 "$(name web1.accept)" >other.renew
hostile_says "a renewal by another's acceptance" 'accepted with' host/$web2 renew \
	other.renew

sed '1s/"hostname":"rogue"/"hostname":"web-1"/' <(enrol_statement rogue rogue) \
	>forged.enrol
hostile_says 'what asks in, changed on the way' 'signature' '' enrol \
	forged.enrol
rogue_asks() { # KEYS TRANSPORT.pub
	say enrol rogue "$1" "{$(printf '"host_key":"%s","transport_key":"%s",' \
		"$(line rogue.host.pub)" "$(line "$2")")$(printf \
		'"hostname":"rogue","boot_id":"%s"}' "$(<rogue.boot)")"
}
rogue_asks rogue.host rogue.link.pub >one.enrol
hostile_says 'signed by one of its two keys' 'sign' '' enrol one.enrol
rogue_asks 'rogue.host petra' petra.pub >person.enrol
hostile_says "a person's key for a transport key" 'key' '' enrol person.enrol
rm -f rogue.enrol
enrol rogue >/dev/null
acceptance rogue $web1 rogue rogue.host >self.accept
before=$(alarms)
judge 'an acceptance by itself' 'operator' \
	"$(call_file '' enrol statement=rogue.enrol accept=self.accept)" "$before"
t_eq 'and it still waits' '{"state":"waiting"}' "$(enrol rogue)"
t 'those were enough' test "$n_hostile" -ge 20
t_eq 'nobody got a certificate, an id or a key by that' "$n_known" \
	"$(keys | grep -c 'host/')"

# one key from two boots
attends web1 $web1 "$(printf '%032d' 7)"
here 'one key, seen from two boots, is an alarm' \
	until_ok says m.keeper.log 'from two boots'

# --- a gap
report_statement web2 $web2 >web2.lost
cp web2.lost web2.report
t_eq 'a report after one that was lost is taken' '{"seq":"3"}' \
	"$(report web2 $web2 "$(logins_of "{$seen_login}"),\"lost\":\"12\"")"
t_has 'and the gap is seen' "$(call petra@example.com '{"call":"status"}')" \
	'reports before the last one are missing'
t_has 'and that the host lost some too' \
	"$(call petra@example.com '{"call":"status"}')" \
	'12 lines about logins could not be kept'
t_eq 'what it has is counted, and nothing that was refused' 4 "$(n_logins)"
t_eq 'a host whose clock is years ahead is heard as well' '{"seq":"4"}' \
	"$(AT=2099-01-01T00:00:00Z report web2 $web2 \
		"$(logins_of "{${seen_sudo/2026-11-01T10/2098-12-31T23}}")")"
t_has 'which is an alarm' "$(call petra@example.com '{"call":"status"}')" \
	'a report is from the future: the clock is ahead by more than it says'
ahead=$(call petra@example.com "{\"call\":\"logins\",\"host\":\"$web2\"}" |
	jq -c '.events[] | select(.clock)')
t_eq 'and was seen when it was told' "$(jq -r .came <<<"$ahead")" \
	"$(jq -r .at <<<"$ahead")"
t_eq 'so that its own time is known' 2098-12-31T23:00:02Z \
	"$(jq -r '(.at | fromdate) + .clock | todate' <<<"$ahead")"

# --- other names
all_alarms() {
	call petra@example.com '{"call":"status"}' | python3 -c 'import json,sys
for h in json.load(sys.stdin)["hosts"]:
    for a in h["alarms"]:
        print(h["host"], a["at"], a["what"])'
}
rename() { # FILE HOST TO
	say rename petra@example.com petra \
		"{\"host\":\"$2\",\"to\":\"$3\",\"names\":[\"$3\"]}" >"$1"
	submit petra@example.com "$1"
}
db2='db-2.example.com'
db3='db-3.example.com'
t_has 'a host is renamed' "$(rename to2.rename $db $db2)" '"index"'
here 'and comes in anew' until_ok says db.news 'has another name now'
t_has 'and again' "$(rename to3.rename $db2 $db3)" '"index"'
renames="\"renames\":[\"$(name to2.rename)\",\"$(name to3.rename)\"]"
attends db $db3
here 'it is told of both, in their order' until_ok says db.news "$renames"
for r in to2 to3; do
	t_has "it has the rename $r" "$(object host/$db3 "$(name $r.rename)")" \
		'"data"'
done
t_has "which another host has not" \
	"$(object host/$web1 "$(name to2.rename)")" 'no such object'
# What it has said meanwhile is by the id that it knew.
report_statement db $db '"kind":"alarm","message":"as db-1","fleet_version":"0"' \
	>db.next
mv db.next db.report
t_has 'what it said under its old name is taken' \
	"$(call_file host/$db3 report statement=db.report)" '"seq"'
report_statement db $db "$(logins_of "{$seen_sudo}")" >db.next
mv db.next db.report
t_has 'and who logged in' \
	"$(call_file host/$db3 report statement=db.report)" '"seq"'
t_has 'and what it says under the new one after it' "$(report db $db3)" '"seq"'
t_has 'of an order too that it had under the old one' \
	"$(report db $db3 "$(run_of "$(name job1)" changed)")" '"seq"'
report_statement db $db3 "$(run_of "$(name job2)" changed)" >foreign.report
hostile_says 'of one that named it by no name' 'does not name' host/$db3 \
	report foreign.report
t_has 'it is what the host said as it is called now' \
	"$(all_alarms | grep "as db-1")" "$db3 "
report_statement web1 $db >web1_as_db.report
hostile_says "a report under another host's old name" 'brought by' \
	host/$web1 report web1_as_db.report
report_statement web1 $db >web1_as_db.report
hostile_says "one that another brings which had that name" 'brought by' \
	host/$db3 report web1_as_db.report

# --- a host that lets itself in
ssh-keygen -q -t ed25519 -N '' -C token -f token
say token petra@example.com petra "{$(printf '"key":"%s","hosts":"%s",' \
	"$(line token.pub)" 'app-*.example.com')$(printf \
	'"count":"1","expires":"%s"}' "$(printf '%(%Y-%m-%dT%H:%M:%SZ)T' \
	$(($(date +%s) + 3600)))")" >app.token
t_has 'a token is taken' "$(submit petra@example.com app.token)" '"index"'
app='app-1.example.com'
host_keys app
enrol_statement app app >app.enrol
acceptance app $app $app token "\"token\":\"$(name app.token)\"" >app.accept
t_has 'who has its key is accepted' \
	"$(call_file '' enrol statement=app.enrol accept=app.accept)" \
	'"state":"accepted"'
t_has 'and has the token, to see by what' \
	"$(object host/$app "$(name app.token)")" '"data"'
t_has 'which another host has not' \
	"$(object host/$web1 "$(name app.token)")" 'no such object'

# --- whom the revocation list revokes
t_has 'an operator comes in' "$(keys)" 'piet@example.com'
printf 'key: %s\n' "$(line piet.pub)" >spec
ssh-keygen -q -k -f list -z 5 spec
say krl ca_log corp/keys/ca_log "{$(printf '"version":"5","file":"%s",' \
	"$(hashed <list)")$(printf '"size":"%s","next_update":"%s"}' \
	"$(stat -c %s list)" '2027-06-01T00:00:00Z')" >list.krl
call petra@example.com \
	"{\"call\":\"put\",\"data\":\"$(base64 -w0 list)\"}" >/dev/null
t_eq 'a list is taken that revokes him' '{"version":"5"}' \
	"$(call petra@example.com \
	"{\"call\":\"push\",\"what\":\"krl\",\"statement\":$(json_of list.krl)}")"
t_not 'he does not come in any more' grep -q piet@example.com <(keys)
t_has 'others do' "$(keys)" 'petra@example.com'
says_piet() { # TYPE JSON: what becomes of it when another one brings it
	say "$1" piet@example.com piet "$2" >by-piet
	submit petra@example.com by-piet
}
revoked='piet@example.com, SHA256:'
t_has 'what he signs is not taken: a rename' "$(says_piet rename \
	"{\"host\":\"$db3\",\"to\":\"db-4.example.com\",\"names\":[\"db-4.example.com\"]}")" \
	"the rename statement is signed by $revoked"
t_has 'nor a rejection' "$(says_piet reject \
	"{\"host\":\"$db3\",\"reason\":\"no\"}")" \
	"the reject statement is signed by $revoked"
printf '1 %s\n' "$db3" >db.targets
job db.job 1 db.targets
sed 's/petra@example.com/piet@example.com/; /^-----BEGIN/,$d' db.job >tbs
ssh-keygen -q -Y sign -f piet -n job@writ tbs 2>/dev/null
cat tbs tbs.sig >db.job
t_has 'nor an order' "$(TARGETS=db.targets submit petra@example.com db.job)" \
	"the job statement is signed by $revoked"
t_has 'and the host has its name yet' "$(keys)" "host/$db3"

# --- a version ahead of all
fleet_sign corp petra
put_all >/dev/null
t_eq 'the next version is pushed' '{"version":"2"}' "$(push_fleet 2)"
t_has 'nothing lies between it and the last there could be' \
	"$(call petra@example.com \
		'{"call":"chain","what":"fleet","after":"18446744073709551615"}')" \
	'"version":"2","between":[]'

# --- out
rejection() {
	say reject petra@example.com petra \
		"{\"host\":\"$web2\",\"reason\":\"stolen\"}"
}
rejection >web2.reject
t_has 'a host is rejected' "$(submit petra@example.com web2.reject)" '"index"'
here 'and hears it' until_ok says web2.news 'was rejected'
t_has 'and is none any more' "$(call host/$web2 '{"call":"dial"}')" \
	'is no host of this fleet'
t_not 'its key does not come in' grep -q "host/$web2" <(keys)

# --- what was said of hosts is not forgotten
told=$(all_alarms)
t_has 'a host that was renamed keeps its alarms' "$told" "$db3 "
t_has 'as others do' "$told" 'reports before the last one are missing'
keeper_ends
here 'the keeper starts again' keeper_starts
t_eq 'and has all of them, with their times' "$told" "$(all_alarms)"
t_eq 'of which it counts none anew' 0 "$(alarms)"
seen() { call petra@example.com "{\"call\":\"logins\",\"host\":\"$1\"}" |
	sed 's/"came":"[^"]*"//g; s/"clock":"[^"]*"//g'; }
was_seen="$(seen $db) $(seen $db3)"
t_has 'what it saw under its old name is its own' "$(seen $db3)" '"sudo"'
keeper_ends
mv m/store store.kept
here 'the keeper makes its store anew' keeper_starts
t_eq 'and it is so still' "$was_seen" "$(seen $db) $(seen $db3)"
keeper_ends
rm -rf m/store
mv store.kept m/store
here 'with the store of before' keeper_starts

# --- the log
published() {
	"$O/tools/calltool" -c m/run/control.sock '' '{"call":"status"}' |
		python3 -c 'import json,sys
v=json.load(sys.stdin)
sys.exit(v["log_size"]!=v["log_published"])'
}

# A copy in a bucket in which no request to put an object ends.
keeper_ends
copy_port=$(t_ports 21800)
python3 "$TOP/tests/interop/slowbucket.py" "$copy_port" >heard 2>heard.err &
bucket=$!
t_stop_later $bucket
cp m/master.yaml kept.yaml
cat >>m/master.yaml <<-END
	copies: ["s3://bucket/log"]
	s3:
	  endpoint: "http://127.0.0.1:$copy_port"
END
export AWS_ACCESS_KEY_ID=somebody AWS_SECRET_ACCESS_KEY=something
here 'the keeper starts with a copy that is slow' keeper_starts
here 'which it waits for' until_ok says heard put
t_has 'while a report comes in' "$(report web1 $web1)" '"seq"'
t_has 'a person is answered' \
	"$(call petra@example.com '{"call":"hello"}')" '"name":"master_1"'
t_eq 'before the wait for the copy has ended' put "$(cat heard)"
here 'and all of it is published at home' until_ok published
t_has 'its status says what the copy has' \
	"$("$O/tools/calltool" -c m/run/control.sock '' '{"call":"status"}')" \
	'"copies":[{"copy":"s3://bucket/log","size":"0"'
kill -9 "$keeper"
wait "$keeper" 2>/dev/null
kill $bucket
mv kept.yaml m/master.yaml
here 'the keeper starts without it' keeper_starts
here 'all of it is published' until_ok published
keeper_ends
t_has 'the auditor finds nothing but the report that was lost' \
	"$("$O/writ" audit verify --root "$(fleet_root corp)" \
		--log "dir:$T/m/log" 2>&1)" ' 0 findings'
both=$("$O/writ" audit verify -C corp --fleet-log "dir:$T/m/log" 2>&1)
t_has 'beside that of the CA it finds the list that no CA made' "$both" \
	'goes by revocation list 5, 0 is the last that the CA made'
t_has 'and names the logins by a CA that is none of the policy' "$both" \
	'2 logins by serial 41 of CA'
t_has 'and nothing else' "$both" ' 2 logins, 1 finding'

# --- what the auditor went through, as somebody else counts it: by the files, with
# nothing of ours.  With HOW and the index of a leaf it writes the log with that leaf
# left out, with a bit of it changed, or there twice.
cat >leaves.py <<'END'
import glob, json, os, struct, sys
log = sys.argv[1]
size = int(open(log + "/checkpoint").read().split("\n")[1])
def path(n):
    groups, at = [], n // 256
    while not groups or at:
        groups.insert(0, ("x" if groups else "") + "%03d" % (at % 1000))
        at //= 1000
    width = min(256, size - n)
    return log + "/tile/entries/" + "/".join(groups) + (
        "" if width == 256 else ".p/%d" % width)
def bundle(n):
    data, out = open(path(n), "rb").read(), []
    while data:
        (length,) = struct.unpack(">H", data[:2])
        assert len(data) >= 2 + length
        out.append(data[2:2 + length])
        data = data[2 + length:]
    return out
leaves = [x for n in range(0, size, 256) for x in bundle(n)]
lines = [json.loads(x.split(b"\n")[0]) for x in leaves]
kinds = [x["type"] for x in lines]
if len(sys.argv) == 2:
    logins = sum(e["what"] == "login" for x in lines if x["type"] == "report"
        for e in x.get("events", []))
    heads = 1 + len(os.listdir(log + "/checkpoints"))
    files = glob.glob(log + "/records/**", recursive=True)
    print(len(leaves), kinds.count("issue"),
        sum(x.count(b"-----BEGIN SSH SIGNATURE-----") for x in leaves) +
        kinds.count("certificate") + heads,
        sum(map(os.path.isfile, files)), kinds.count("accept"),
        kinds.count("report"), logins)
elif sys.argv[2] == "first":
    for kind in sorted(set(kinds)):
        print(kind, kinds.index(kind))
else:
    n, how = int(sys.argv[3]), sys.argv[2]
    these = bundle(n // 256 * 256)
    at = n % 256
    if how == "out":
        these[at:at + 1] = []
    elif how == "twice":
        these[at:at + 1] = [these[at]] * 2
    elif how == "flipped":
        leaf = bytearray(these[at])
        leaf[len(leaf) // 2] ^= 1
        these[at] = bytes(leaf)
    with open(path(n // 256 * 256), "wb") as f:
        for x in these:
            f.write(struct.pack(">H", len(x)) + x)
END
of_log() { # LOG: what verify says of it
	"$O/writ" audit verify --root "$(fleet_root corp)" --log "dir:$1" "${@:2}"
}
counts() {
	of_log "$1" --json | jq -r '[.leaves, .certificates, .signatures, .records,
		.acceptances, .reports, .logins] | join(" ")'
}
read -r _ _ _ _ accepted reported logged <<<"$(python3 leaves.py m/log)"
t 'reports and logins are there to be counted' \
	test $((accepted > 2 && reported > 5 && logged > 1)) -eq 1
t_eq 'the auditor went through as many as there are' \
	"$(python3 leaves.py m/log)" "$(counts m/log)"
python3 leaves.py m/log first >kinds
t 'leaves are of several kinds' test "$(wc -l <kinds)" -gt 5
for how in out flipped twice; do
	n=0
	while read -r kind at; do
		rm -rf changed
		mkdir changed
		(cd m/log && tar cf - --exclude journal --exclude index \
			--exclude lock .) | tar xf - -C changed
		python3 leaves.py changed $how "$at"
		if said=$(of_log changed 2>&1); then
			t_fail "a leaf '$kind', $how" "$said"
		elif ! grep -Eq "leaf $at\b|leaf $((at + 1))\b" <<<"$said"; then
			t_fail "a leaf '$kind', $how, is named" "$said"
		else
			n=$((n + 1))
		fi
	done <kinds
	t_eq "a leaf of each kind is found: $how" "$(wc -l <kinds)" $n
done

# --- controls
controls() { "$O/writ" audit hosts -C corp --fleet-log "dir:$T/m/log" --cis "$@"; }
controls --json >controls.json 2>controls.err
control() { # HOST CONTROL
	python3 - "$@" <<-'END'
	import json, sys
	for r in json.load(open("controls.json")):
	    if (r["host"], r["control"]) == tuple(sys.argv[1:]):
	        print(r["fleet_version"], r["result"], r["why"] + r["reason"])
	END
}
t_eq 'a control passed where nothing failed' '1 passed ' "$(control $web1 1.5.3)"
t_eq 'by an exception a host is spared' '1 excepted vendor' \
	"$(control $db3 6.1.9)"
t_eq 'they are in order' '1.5.3 6.1.9 6.1.10' "$(python3 -c 'import json
print(*[r["control"] for r in json.load(open("controls.json"))
	if r["host"] == "'$web1'"])')"
t_has 'for people those that passed are counted' "$(controls 2>&1)" \
	' 3 controls '
t_eq 'nothing is warned of' '' "$(cat controls.err)"
head -n 1 corp/bundle/fleet.1 | sed 's/"nonce":"../"nonce":"00/' >fleet.other
ssh-keygen -q -Y sign -f petra -n fleet@writ fleet.other 2>/dev/null
cat fleet.other fleet.other.sig >corp/bundle/fleet.1
t_has 'a version that is not the one of the log is not taken' \
	"$(controls 2>&1)" 'version at hand is not the one that the log has'
rm corp/bundle/fleet.1
t_has 'nor can one be told that is not at hand' "$(controls 2>&1)" \
	'fleet version 1'
kill "$watching" 2>/dev/null
t_done
