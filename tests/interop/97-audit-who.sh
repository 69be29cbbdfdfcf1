#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what hosts saw and what the CA issued come together in one
# table, and what nothing explains is a gap: a certificate of a stolen CA key, a
# password, an address that a certificate excludes, a host that is silent.  The
# master is tests/tools/fakemaster in the place of ssh, certificates are real.

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

audit() { "$writ" audit "$1" -C corp "${@:2}"; }

ca_people
for who in petra piet; do
	ca_key ed25519 $who
done
ssh-keygen -q -t ed25519 -N '' -C master_1 -f master_1
{
	"$writ" init corp --single-officer --officer olga@example.com=olga.pub \
		--operator petra@example.com=petra.pub
	ca_policy corp/policy
	cat >>corp/policy/ca.yaml <<-'END'
	  asked:
	    to: [engineers]
	    principals: [ops]
	    max: 1h
	    reason: {min: 5}
	    approve: [{approvers: 1}]
	  single:
	    to: [engineers]
	    principals: ["deploy@web-1.example.com"]
	    max: 1h
	    approve: none
	END
	cp master_1.pub corp/policy/authorities/
	sed -i 's/^  log: \(.*\)$/  log: \1\n  master: [master_1]/' \
		corp/policy/ca.yaml
	"$writ" policy sign -C corp -i olga -y
} >>"$ca_log" 2>&1 </dev/null || t_fail 'a deployment' "$(cat "$ca_log")"
t 'without a fleet nobody can be asked' ends 6 'no fleet is published' audit who
rm -rf corp/fleet
mkdir -p corp/fleet/states corp/fleet/pillar
printf 'masters: [{address: m1.example.com, key: master_1}]\n' \
	>corp/fleet/fleet.yaml
printf 'states: []\n' >corp/fleet/top.yaml
fleet_sign corp petra >>"$ca_log" 2>&1

# --- certificates
cert() { # KEY GRANT REASON PRINCIPAL [APPROVE]
	ca_key ed25519 "$1"
	"$writ" request -C corp -i alice --key "$1.pub" -o "$1.req" \
		--grant "$2" -m "$3" --ticket OPS-7 "$4" || return
	[ -z "${5:-}" ] || "$writ" approve -C corp -i olga -y "$1.req" || return
	"$writ" sign -C corp "$1.req" -o "$1-cert.pub"
}
{
	cert one work 'deploy 4711' deploy
	cert two limited 'look at it' limited
	cert three asked 'disk is full' ops approve
	cert four single 'one host' deploy@web-1.example.com
} >>"$ca_log" 2>&1 </dev/null
t_eq 'four certificates are issued' 4 "$(cat one-cert.pub two-cert.pub \
	three-cert.pub four-cert.pub 2>>"$ca_log" | wc -l)" || cat "$ca_log"
ssh-keygen -q -s corp/keys/user_ca -I alice@example.com/stolen -n root \
	-z 4712 -V +1h alice.pub
ssh-keygen -q -s master_1 -I guest -n root -z 5 -V +1h olga.pub
ca_of() { ssh-keygen -lf "$1" | cut -d' ' -f2; }

# --- what hosts saw
now=$(printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1)
number=0
order="sort_by(.at, .host, .seq, .number)" # as a master tells them
saw() { # HOST EVENT
	number=$((number + 1))
	printf '{"host":"%s","seq":"4","number":%s,"index":"9",' "$1" $number
	printf '"came":"%s","report":"%064d","at":"%s",' "$now" 7 "${AT:-$now}"
	printf '"source":"journal",%s}\n' "$2"
}
by() { # ACCOUNT FROM CERT CA
	printf '"what":"login","account":"%s","from":"%s","port":50112,' "$1" "$2"
	printf '"method":"publickey","ca":"%s","serial":"%s","key_id":"x"' \
		"$(ca_of "$4")" "$(ca_serial "$3")"
	printf ',"session":"b.8.%s"' $number
}
user_ca=corp/policy/authorities/user_ca.pub
{
	saw web-1.example.com "$(by deploy 10.0.0.7 one-cert.pub $user_ca)"
	saw web-1.example.com '"what":"sudo","account":"deploy","command":"/bin/id","as":"root","session":"b.8.1"'
	saw web-2.example.com "$(by ops 10.0.0.8 three-cert.pub $user_ca)"
	saw web-1.example.com "$(by deploy 10.0.0.9 four-cert.pub $user_ca),\"clock\":-10800"
} | jq -s "$order" >state/logins.json
status() { # HOST CONNECTED LAST ALARMS
	printf '{"host":"%s","connected":%s,"last_contact":"%s",' "$1" "$2" "$3"
	printf '"fleet_version":"1","target":"1","policy_version":"1",'
	printf '"krl_version":"0","seq":"4","drift":false,"alarms":[%s]}' "$4"
}
status web-1.example.com true "$now" '' | jq -s . >state/status.json

t 'who logged in, and why' ends 0 'deploy 4711' audit who --utc
line=$(grep web-2 out)
t_has 'the time is what the host said' "$line" "$now"
t_has 'with the account' "$line" ' ops '
t_has 'the person' "$line" ' alice@example.com '
t_has 'the reason' "$line" ' disk is full '
t_has 'who approved it' "$line" ' olga@example.com '
t_has 'and where the log has it' "$line" ' ca_log:'
t_has 'one that nobody had to approve says so' "$(grep 'deploy 4711' out)" \
	'nobody (self-serve)'
t_has 'whose clock is off is told' "$(grep 'web-1.* 10.0.0.9 ' out)" \
	'; its clock is 3h behind'
t_eq 'and no other' 1 "$(grep -c 'its clock' out)"
t_eq 'a login a line' 4 "$(wc -l <out)"
terminal 80 "$writ" audit who -C corp --utc >narrow
terminal 500 "$writ" audit who -C corp --utc >wide
t 'a table fits the terminal' test "$(widest narrow)" -le 80
t 'which it would not' test "$(widest wide)" -gt 80
t_eq 'but says all the same' "$(characters wide)" "$(characters narrow)"
t_eq 'and is one line a login where there is room' "$(cat out)" "$(cat wide)"
t_eq 'the master is asked for logins alone' '["login"]' \
	"$(grep '"call": *"logins"' state/calls | tail -n 1 | jq -c .what)"
TZ=Europe/Berlin t 'for people times are of their zone' ends 0 ' +0' audit who
TZ=Europe/Berlin audit who --json >who.json
t_eq 'but not as JSON' "$now" "$(jq -r '.[0].at' who.json)"
t_eq 'and in seconds' '-10800' "$(jq -r '[.[].clock // empty] | map(select(. != "")) | join(" ")' who.json)"
t_eq 'which has all of it' \
	'issued asked OPS-7 none ca_log deploy,issued' \
	"$(jq -r '.[2] | "\(.state) \(.grant) \(.ticket) \(.presence) \(.log)"' \
		who.json) $(jq -r '.[0] | "\(.account),\(.state)"' who.json)"
index=$(jq -r '.[2].index' who.json)
t_eq 'the index is that of the certificate in the log' \
	"$(ca_serial three-cert.pub)" "$("$writ" audit list -C corp --json |
		jq -r ".[] | select(.index == \"$index\") | .serial")"
t_eq 'of one reason' 1 "$(audit who --reason disk --json | jq length)"
t_eq 'of one person' 3 \
	"$(audit who --person alice@example.com --json | jq length)"
t_eq 'of nobody' '[]' "$(audit who --person bob@example.com --json | jq -c .)"
t 'as CSV' ends 0 ',10.0.0.8,50112,publickey,issued,,asked,disk is full,OPS-7,' \
	audit who --csv

# What was meant is not what was typed.
told() { # SENTENCE COMMAND...: on standard error, beside an answer
	"$writ" audit "$2" -C corp "${@:3}" 2>told.err >told.out &&
		grep -qF -e "$1" told.err
}
t 'of a person that is none it is said' told \
	"'alice' is no person of policy version 1" who --person alice
t 'and of a host' told "no host is called 'web-9.example.com' now" \
	who --host web-9.example.com
t_not 'of one that is there nothing is' told 'no host is called' \
	who --host web-1.example.com
t 'two forms at once are none' ends 2 'not both' audit who --json --csv
t 'a date alone is all of that day' audit who --since 2026-11-02
t_eq 'for the master too' 2026-11-02T00:00:00Z "$(jq -r \
	'select(.call == "logins") | .since' state/calls | tail -n 1)"
t 'and up to a date with it' audit who --since 2026-11-02 --until 2026-11-02
t_eq 'until its end' '2026-11-02T00:00:00Z 2026-11-02T23:59:59Z' "$(jq -r \
	'select(.call == "logins") | "\(.since) \(.until)"' state/calls |
	tail -n 1)"
t_eq 'so it is for certificates' 4 "$(audit list --json \
	--since "${now%T*}" | jq length)"
# A slip of the year; 2h is a span, and back.
ahead="--since is '2999-01-01', which is yet to come"
for what in who gaps list; do
	t "$what since a time to come: it is said" told "$ahead" $what \
		--since 2999-01-01
	t_eq "$what: once" 1 "$(grep -c 'yet to come' told.err)"
done
t_not 'of a time that was nothing is said' told 'yet to come' who --since 2h
t 'a page without a name' ends 2 '--html is empty' audit report --html ''
t 'more leaves than there are were not judged before' ends 1 \
	'fewer than the 99999 that were judged before' audit verify --since 99999
t 'nothing is a gap' ends 0 'GAP' audit gaps
t_eq 'but the header' 1 "$(wc -l <out)"

# --- what nothing explains
number=100
{
	jq -c '.[]' state/logins.json
	saw web-1.example.com "$(by root 10.0.0.9 alice-cert.pub $user_ca)"
	saw web-1.example.com "$(by root 10.0.0.9 olga-cert.pub master_1.pub)"
	saw web-2.example.com '"what":"login","account":"root","from":"10.0.0.3","method":"password"'
	saw web-2.example.com "$(by limited 10.0.0.7 two-cert.pub $user_ca)"
	saw web-1.example.com "$(by limited 127.0.0.1 two-cert.pub $user_ca)"
	saw web-2.example.com "$(by deploy 10.0.0.9 four-cert.pub $user_ca)"
	AT=2020-01-01T00:00:00Z saw web-1.example.com \
		"$(by deploy 10.0.0.7 one-cert.pub $user_ca)"
} | jq -s "$order" >more.json
mv more.json state/logins.json
{
	status web-1.example.com true "$now" ''
	status db-1.example.com false 2026-01-01T00:00:00Z ''
	status db-2.example.com true "$now" \
		"{\"at\":\"$now\",\"what\":\"reports before the last one are missing\"}"
} | jq -s . >state/status.json
t 'gaps end with 1' ends 1 'never issued' audit gaps
audit gaps --json >gaps.json
gap() { # GAP HOST ACCOUNT
	jq -r ".[] | select(.gap == \"$1\" and .host == \"$2\" and
		.account == \"$3\") | .what" gaps.json
}
t_eq 'CA key: a login with what it signed is told, as never issued' \
	'no log has serial 4712 of this CA' \
	"$(gap 'never issued' web-1.example.com root)"
t_eq "one of another CA is from elsewhere" 'its CA is none of the policy' \
	"$(gap elsewhere web-1.example.com root)"
t_eq 'a password is no certificate' 'by password' \
	"$(gap 'no certificate' web-2.example.com root)"
t_eq 'an address may be excluded' 'from an address that it excludes' \
	"$(gap outside web-2.example.com limited)"
t_eq 'a host too' 'on a host that it is not for' \
	"$(gap outside web-2.example.com deploy)"
t_eq 'so may a time' 'before its time began' \
	"$(gap outside web-1.example.com deploy)"
t_eq 'a host is silent' 'it has not been heard of since' \
	"$(gap silent db-1.example.com '')"
t_eq 'of another one reports are missing' \
	'reports before the last one are missing' \
	"$(gap 'reports missing' db-2.example.com '' | sed 's/.*: //')"
t_eq 'there is nothing else' 8 "$(jq length gaps.json)"
t_eq 'who has all of those logins' 10 "$(audit who --json | jq length)"

# --- officers hear of it
printf '#!/bin/sh\ncat >>"%s/heard" && ! [ -e "%s/mute" ]\n' "$T" "$T" >page
chmod 755 page
pager() { # [FOR]
	printf 'channels: [{name: pager, exec: ["%s/page"]%s}]\n' "$T" "${1:-}" \
		>notify.yaml
	chmod 600 notify.yaml
}
tell() { audit gaps --notify notify.yaml; }
t 'who is to be told has to be said' ends 6 'notify.yaml' tell
pager ', for: {kinds: [waiting]}'
t 'what nobody takes is told to nobody' ends 6 \
	'8 of 8 alarms could not be told: no channel' tell
pager
: >mute
t 'nor what is not taken' ends 6 '8 of 8 alarms could not be told: exit' tell
t_eq 'and so it is not written down' 0 "$(wc -c <notify.yaml.told)"
rm mute heard
t 'officers are told' ends 1 'never issued' tell
t_eq 'each alarm' '8 alarm olga@example.com' \
	"$(jq -rs '"\(length) \(.[0].kind) \(.[0].to[0])"' heard)"
t_has 'in words' "$(jq -r .text heard)" \
	'never issued: web-1.example.com, account root'
t 'and no more' ends 1 'never issued' tell
t_eq 'of what they know' 8 "$(jq -s length heard)"
jq -c '.[0].last_contact = "2026-01-01T00:00:00Z" | .[0].connected = false' \
	state/status.json >status.new
cp state/status.json status.old
mv status.new state/status.json
t 'what is new' ends 1 'silent' tell
t_has 'they hear alone' "$(tail -n 1 heard) $(jq -s length heard)" \
	'silent: web-1.example.com'
t_eq 'of 9' 9 "$(jq -s length heard)"
mv status.old state/status.json
echo x >>notify.yaml.told
t 'what is no such file is left alone' ends 4 'notify.yaml.told:10: malformed' \
	tell
cp state/logins.json few.json
for i in {1..25}; do
	saw web-1.example.com '"what":"login","account":"root'"$i"'",
	    "method":"password","session":"m.'"$i"'"'
done | jq -s "$order" >state/logins.json
rm notify.yaml.told heard
t 'of a flood' ends 1 'root25' tell
t_eq 'they hear 20, and how many there are besides' '21 7 more alarms' \
	"$(jq -rs '"\(length) \(map(.text)[] | select(test("more")))"' heard)"
t 'and once' ends 1 'root25' tell
t_eq 'as of the others' 21 "$(jq -s length heard)"
mv few.json state/logins.json
t 'a proposal is told to nobody' ends 2 'expected one of them' \
	audit gaps --propose --notify notify.yaml

# --- what is known
known=corp/policy/audit.yaml
t 'what could be known is proposed' ends 0 \
	'1 exception for 1 login: give each a reason' audit gaps --propose
t_has 'it is for what a host saw' "$(cat $known)" "ca: \"$(ca_of master_1.pub)\""
t_has 'the others are told' "$(cat $known)" \
	"no certificate, as 'root' on 'web-2.example.com' by 'password'"
t 'nobody answers for it yet' ends 1 "'owner' has 0 characters" \
	"$writ" policy check -C corp
t 'what is there is left alone' ends 1 'exists already' audit gaps --propose
t 'a file without a proposal' ends 2 'expected --propose' audit gaps -o x
sed -i 's/reason: ""/reason: guests/; s/owner: ""/owner: olga@example.com/' $known
"$writ" policy sign -C corp -i olga -y >>"$ca_log" 2>&1 ||
	t_fail 'it is signed' "$(tail -n 5 "$ca_log")"
t 'the rest still ends with 1' ends 1 'never issued' audit gaps
audit gaps --json >gaps.json
t_eq 'a login that is known is counted apart' '1 7' \
	"$(jq -r '.[] | select(.gap == "excepted") | .count' gaps.json) $(jq \
		'[.[] | select(.gap != "excepted")] | length' gaps.json)"
t_has 'with who answers for it' "$(gap excepted web-1.example.com root)" \
	'elsewhere: guests (olga@example.com, until '
t_has 'who says so as well' "$(audit who --json | jq -r '.[].why')" \
	'its CA is none of the policy; known: guests'

# --- a page for people
t 'a page wants a place' ends 2 '--html FILE is missing' audit report
t 'it is written' audit report --html report.html --since 30d
t_has 'with the logins and their reasons' "$(<report.html)" \
	'<td>disk is full</td><td>OPS-7</td><td>olga@example.com</td>'
t_has 'and what nothing explains' "$(<report.html)" \
	'<td class=bad>never issued</td>'
t_has 'it is counted' "$(<report.html)" '<dt>Logins</dt><dd>10</dd>'
t_not 'it needs nothing from elsewhere' \
	grep -q 'https\?:\|src=\|<link\|@import\|url(' report.html
t 'a page that is there stays' ends 1 'report.html: exists already' \
	audit report --html report.html
t_eq 'for what is asked no ends of sessions are left out' '["login","end"]' \
	"$(jq -c 'select(.call == "logins") | .what' state/calls | tail -n 1)"

t_has 'a clock that was off is told there' "$(grep '10.0.0.9' report.html)" \
	'<small class=bad>its clock is 3h behind</small>'

# --- one of them, as a story
later() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' $(($(printf '%(%s)T' -1) + $1)); }
of() { by "${@:2}" | sed "s/\"session\":.*/\"session\":\"$1\"/"; }
sudo_of() { # SESSION COMMAND
	printf '"what":"sudo","account":"ops","command":"%s","as":"root",' "$2"
	printf '"session":"%s"' "$1"
}
cp state/logins.json all.json
{
	AT=$(later 1) saw web-2.example.com \
		"$(of c.1 ops 10.0.0.8 three-cert.pub $user_ca)"
	AT=$(later 2) saw web-2.example.com "$(sudo_of c.1 '/bin/df -h')"
	AT=$(later 3) saw web-2.example.com \
		"$(sudo_of c.1 /bin/sh),\"why\":\"command not allowed\""
	AT=$(later 4) saw web-2.example.com \
		'"what":"end","account":"ops","session":"c.1"'
	saw web-2.example.com "$(sudo_of c.11 /bin/id)"
	saw web-1.example.com '"what":"login","account":"root","method":"password","session":"c.1"'
	saw web-1.example.com "$(of c.2 root 10.0.0.9 alice-cert.pub $user_ca)"
	saw web-2.example.com "$(of c.4 limited 10.0.0.7 two-cert.pub $user_ca),\"clock\":-10800"
	saw web-1.example.com '"what":"end","account":"root","session":"c.3"'
} | jq -s "$order" >state/logins.json
on() { audit session "$1" --host "$2" "${@:3}"; }
three=$(ca_serial three-cert.pub)
t 'one login is a story' ends 0 \
	'alice@example.com asked for ops for 1h by grant asked: disk is full (ticket OPS-7)' \
	on c.1 web-2.example.com --utc
story=$(cat out)
t_has 'who approved it' "$story" '  olga@example.com approved'
t_has 'what was issued' "$story" "issued serial $three, from "
t_has 'with its record' "$story" "/$three.json"
t_has 'what the host saw' "$story" \
	'web-2.example.com saw ops log in from 10.0.0.8 port 50112 by publickey'
t_has 'what was run' "$story" 'saw ops run as root: /bin/df -h'
t_has 'and what was not' "$story" \
	'refused ops run as root: /bin/sh; command not allowed'
t_has 'the end' "$story" 'saw the end of it, of ops'
t_has 'in which report' "$story" \
	"    report $(printf '%064d' 7), leaf 9 of the fleet's log"
t_eq 'and nothing is unexplained' 0 "$(grep -c EXPLAINED out)"
on c.1 web-2.example.com --json >story.json
t_eq 'the same for programs, in the order of time' \
	'request decision certificate login sudo sudo end' \
	"$(jq -r '[.[].event] | join(" ")' story.json)"
t_eq 'the request is named as sha256sum names it' \
	"$(head -n 1 three.req | sha256sum | cut -d' ' -f1)" \
	"$(jq -r '.[0].hash' story.json)"
t_eq 'the certificate by where the log has it' \
	"$("$writ" audit list -C corp --json |
		jq -r ".[] | select(.serial == \"$three\") | .index")" \
	"$(jq -r '.[2].index' story.json)"
t_eq 'its record is there' yes "$(test -f \
	"corp/log/$(jq -r '.[2].object' story.json)" && echo yes)"
t_eq 'statements lie before it' true "$(jq '(.[0].index | tonumber) <
	(.[1].index | tonumber) and (.[1].index | tonumber) <
	(.[2].index | tonumber)' story.json)"
record=corp/log/$(jq -r '.[2].object' story.json)
mv "$record" record.away
t 'a record that is gone is missing' ends 0 "MISSING, records/" \
	on c.1 web-2.example.com
t_eq 'for programs too' "certificate missing" "$(on c.1 web-2.example.com \
	--json | jq -r '[.[].event][2:4] | join(" ")')"
mv record.away "$record"
t 'of two hosts one has to be named' ends 2 'expected --host' \
	audit session c.1
t 'a password explains nothing' ends 0 \
	'NOT EXPLAINED, no certificate: by password' on c.1 web-1.example.com
t 'nor does a stolen CA key' ends 0 \
	'NOT EXPLAINED, never issued: no log has serial 4712' audit session c.2
t 'what was used outside its restrictions is told with them' ends 0 \
	'NOT EXPLAINED, outside: from an address that it excludes' \
	audit session c.4
t_has 'and what was asked' "$(cat out)" 'look at it'
t_has 'a clock that was off is told' "$(grep ' log in ' out)" \
	'; its clock is 3h behind'
t_eq 'and in seconds' -10800 "$(on c.4 web-2.example.com --json |
	jq -r '.[] | select(.event == "login") | .clock')"
t 'a login that lies further back' ends 0 'say so with --since' \
	audit session c.3
t 'a session that nobody saw' ends 6 "no host saw a session 'c.9'" \
	audit session c.9
evidence() { "$writ" audit evidence "$1" -C corp -o ev "${@:2}"; }
t 'its evidence is that of its certificate' ends 0 "with serial $three" \
	evidence c.1 --host web-2.example.com
t_has 'the report of the host is in a log that has to be named' "$(cat out)" \
	"without the host's report: no log of the fleet is named"
t_has 'which fits' "$(sh ev/check.sh)" 'all of it fits'
rm -rf ev
t 'a password has none' ends 6 'explains this login: no certificate, by pass' \
	evidence c.1 --host web-1.example.com
t 'nor has a session without a login' ends 6 "saw no login of session 'c.3'" \
	evidence c.3
t_not 'and nothing is made' test -e ev

# --- what was taken away afterwards
{
	"$writ" revoke -C corp -i olga -y --reason 'laptop is lost' "$three" \
		-o revoke.st && "$writ" sign -C corp revoke.st
} >>"$ca_log" 2>&1 </dev/null || t_fail 'it is revoked' "$(tail -n 5 "$ca_log")"
by_olga='the certificate was revoked at .* by olga@example.com: laptop is lost'
t 'who says what was taken away' ends 0 'laptop is lost' audit who
t 'when, and by whom' grep -q "ca_log:$index; $by_olga" out
audit who --json | jq '.[] | select(.revoked != "")' >revoked.json
t_eq 'for programs with the statement' \
	"olga@example.com ca_log $three $(head -n 1 revoke.st | sha256sum |
		cut -d' ' -f1)" \
	"$(jq -r '"\(.revoked_by) \(.revocation_log) \(.serial) \(.revocation)"' \
		revoked.json)"
t 'its story goes on to it' ends 0 'olga@example.com revoked the certificate: lap' \
	on c.1 web-2.example.com
audit report --html after.html --since 30d
t 'the page says so too' grep -q "<td>$by_olga</td>" after.html
mv all.json state/logins.json

# --- why a login is refused, by what the host saw
mv bin/ssh bin/master
cp "$TOP/tests/tools/fakeca" bin/ca
cat >bin/ssh <<'END'
#!/bin/sh
case " $* " in *m1.example.com*) exec master "$@" ;; *) exec ca "$@" ;; esac
END
chmod +x bin/ssh
export WRIT_CONFIG=$T/conf
mkdir empty
refused() { # WHY
	by deploy 10.0.0.7 one-cert.pub $user_ca |
		sed "s/\"what\":\"login\"/\"what\":\"refused\",\"why\":\"$1\"/"
}
{
	jq -c '.[]' state/logins.json
	number=180
	saw web-1.example.com "$(refused 'certificate is revoked')"
} | jq -s "$order" >more.json
mv more.json state/logins.json
why() { "$writ" why "$@"; }
root=$(fleet_root corp)
"$writ" trust ca.example.com "$root" -i alice >>"$ca_log" 2>&1 ||
	t_fail 'the CA is trusted' "$(tail -n 5 "$ca_log")"
t 'why tells what the host saw' ends 0 'what the host saw' \
	why deploy@web-1.example.com -C corp
t_has 'with the reason of sshd, and by what' "$(grep ' refused ' out)" \
	"deploy from 10.0.0.7, certificate x (serial $(ca_serial one-cert.pub)): certificate is revoked"
t_eq 'it asks for logins and refusals of that account and host' \
	'["login","refused"] web-1.example.com deploy' \
	"$(jq -r 'select(.call == "logins") |
		"\(.what | tojson) \(.host) \(.account)"' state/calls | tail -n 1)"
t 'of a host without any it says that' ends 0 \
	'  neither a login nor a refusal' why db-1.example.com -C corp
t 'without a fleet it says nothing new' ends 0 'certificates at hand' \
	why deploy@web-1.example.com -C empty
t_not 'of hosts' grep -q 'the host saw' out
FAKE_MODE=refused t 'a master that is away is said, and the rest all the same' \
	ends 6 'certificates at hand' why deploy@web-1.example.com -C corp
mv bin/master bin/ssh

# --- how hosts were; 93-master-keeper has a log of a master
t 'without the log of a master nobody can say' ends 2 'expected --fleet-log' \
	audit hosts
t 'the log of the CA is none' ends 1 "is the log 'ca_log', which is no master" \
	audit hosts --at 2026-01-01 --fleet-log "dir:$T/corp/log"
t_eq 'and nothing is told of it' 0 "$(grep -c REPORTED out)"
t 'writ.yaml may name it' eval 'echo "fleet_logs: [dir:log]" >>corp/writ.yaml &&
	ends 1 "ca_log" audit hosts --json'
t 'it is verified too, and is no log of a master' ends 1 \
	"is of 'ca_log', which is no log of a master" audit verify
t 'a time is one' ends 2 "--at is 'noon'" audit hosts --at noon
sed -i /^fleet_logs/d corp/writ.yaml

# --- what is not good
mv corp/log log.away
t 'without the log nothing can be said' ends 6 'log' audit who
mv log.away corp/log
sed -i 's/"password"/"pass\\u001bword"/' state/logins.json
t 'what a master must not say is not shown' ends 4 "'method'" audit who
t 'nor counted' ends 4 "'method'" audit gaps
FAKE_MODE=refused t 'a master that is away is named' ends 6 'm1.example.com' \
	audit who
t 'a span is one' ends 2 "--since is 'soon'" audit who --since soon
t_done
