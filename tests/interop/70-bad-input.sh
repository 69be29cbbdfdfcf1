#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: whatever is put before the program gets one clear
# sentence, the exit status that writ(1) promises for its kind, and leaves the
# deployment as it was, byte for byte and mode for mode.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

writ=$O/writ
cd "$T" || exit 1
export HOME=$T
readonly refused=1 usage=2 waiting=3 input=4 record=5 system=6

for who in olga ivan alice mallory host; do
	ssh-keygen -q -t ed25519 -N '' -C "$who" -f "$who"
done

# make DIR: a deployment whose policy 1 is in force.
make_corp() {
	"$writ" init "$1" --officer olga@example.com=olga.pub \
		--officer ivan@example.com=ivan.pub >/dev/null || return 1
	printf 'keys: ["%s"]\ngroups: [engineers]\n' "$(cat alice.pub)" \
		>"$1/policy/people/alice@example.com.yaml"
	cat >>"$1/policy/ca.yaml" <<-'END'
	  deploy:
	    to: [engineers]
	    principals: [deploy]
	    max: 8h
	    reason: {min: 10}
	    approve: [{approvers: 1}]
	  look:
	    to: [engineers]
	    principals: [viewer]
	    source: [10.0.0.0/8]
	    max: 1h
	    approve: none
	END
	"$writ" policy sign -C "$1" -i olga -y &&
		"$writ" policy sign -C "$1" -i ivan -y
} >"$T/make.out" 2>&1

# Everything under a directory but the locks, which hold a process id.
tree() {
	(cd "$1" && find . ! -name lock -printf '%m %y %p\n' \
		-type f -exec sha256sum {} + | sort)
}

# bad NAME STATUS PART COMMAND...: ends with this status, says one sentence
# that has PART in it, and changes nothing in corp.  Warnings, and what check
# prints line by line, are not the sentence.  With adds=1 new files are no
# change.
bad() {
	local name=$1 want=$2 part=$3 status said before after

	shift 3
	before=$(tree corp)
	"$@" >out.txt 2>err.txt </dev/null
	status=$?
	after=$(tree corp)
	said=$(grep '^writ: ' err.txt | grep -v '^writ: warning: ')
	if [ "$status" -ne "$want" ]; then
		t_fail "$name" "status $status, wanted $want" "$(cat err.txt)"
	elif [ "$(printf '%s\n' "$said" | wc -l)" -ne 1 ]; then
		t_fail "$name" "not one sentence:" "$(cat err.txt)"
	elif ! grep -qF -- "$part" err.txt; then
		t_fail "$name" "wanted in it: $part" "$(cat err.txt)"
	elif [ "${adds:-0}" = 1 ] && [ -z "$(comm -23 <(echo "$before" | sort) \
		<(echo "$after" | sort))" ]; then
		t_ok "$name"
	elif [ "$before" != "$after" ]; then
		t_fail "$name" "corp has changed:" \
			"$(diff <(echo "$before") <(echo "$after"))"
	else
		t_ok "$name"
	fi
}

# resign KEY NAMESPACE <message: the message signed, as a statement file.
resign() {
	cat >to-sign
	cat to-sign
	ssh-keygen -q -Y sign -n "$2" -f "$1" <to-sign 2>/dev/null
}

# edited SED...: r.req's line changed and signed again by alice, in e.req.
edited() {
	head -n 1 r.req | sed "$@" | resign alice request@writ >e.req
}

sign() { "$writ" sign -C corp "$@"; }
request() { "$writ" request -C corp -i alice --key alice.pub "$@"; }
why='roll out of version 4.2'

t "a deployment is made" make_corp corp
t "a request is made" request deploy --reason "$why" --for 1h -o r.req

# --- the command line
bad "no command" $usage "" "$writ"
bad "an unknown command" $usage "unknown command 'sing'" "$writ" sing
bad "an unknown option" $usage "unknown option '--bogus'" sign --bogus r.req
bad "a value for a flag" $usage "takes no value" \
	"$writ" policy show -C corp --json=1
bad "an option without its value" $usage "option --for wants SPAN" \
	request deploy --reason "$why" --for
bad "sign without a file" $usage "missing operand, expected FILE" sign
bad "an operand too many" $usage "unexpected operand 'b'" \
	"$writ" show a b
bad "a request without a reason" $usage "expected --reason TEXT" request deploy
bad "a request without a key" $usage "expected --key SUBJECT.pub" \
	"$writ" request -C corp deploy --reason "$why"
bad "a request without a principal" $usage "expected at least one PRINCIPAL" \
	request --reason "$why"
bad "a span without a unit" $usage "--for wants a span" \
	request deploy --reason "$why" --for 90
bad "a revocation of nothing" $usage "expected one of SERIAL" \
	"$writ" revoke -C corp -i olga -y --reason "$why"
bad "a serial that is none" $usage "is no serial" \
	"$writ" revoke -C corp -i olga -y --reason "$why" 12x
bad "a list without a place" $usage "expected -o FILE" "$writ" krl -C corp
bad "an officer without a key" $usage "wants PERSON=KEY.pub" \
	"$writ" init new --officer olga@example.com
bad "an officer with a capital letter" $usage "is no id of a person" \
	"$writ" init new --officer Olga@example.com=olga.pub
bad "a log of an unknown kind" $usage "--log wants dir:PATH or s3://" \
	"$writ" init new --single-officer --log ftp://x \
	--officer olga@example.com=olga.pub
t_not "a refused init leaves no directory behind" test -e new

# --- files that are not there, or not what they should be
bad "no deployment" $system "nowhere/writ.yaml" \
	"$writ" policy who -C nowhere
bad "no deployment to ask" $system "make a deployment with writ init" \
	"$writ" request -C nowhere deploy --reason "$why" --key alice.pub
bad "no such file" $system "nofile: no such file" sign nofile
bad "a directory" $system "corp/keys" sign corp/keys
: >empty
bad "an empty file" $input "empty" sign empty
head -c 100000 /dev/zero | tr '\0' 'x' >big
bad "a file that is too large" $input "big" sign big
head -c 200 r.req >half.req
bad "a statement that was half written" $input "half.req" sign half.req
head -n -2 r.req >half.req
bad "a signature that was half written" $input "half.req" sign half.req
bad "a private key for a public one" $input "alice" \
	"$writ" request -C corp deploy --reason "$why" --key alice -i alice
bad "a public key for a certificate" $input "alice.pub" \
	"$writ" show alice.pub
# shellcheck disable=SC2016 # the inner shell expands it
bad "standard output is full" $system "standard output" \
	sh -c '"$1" policy show -C corp >/dev/full' sh "$writ"
# Files that are opened get the lowest number that is free: where that is 1 or 2,
# what is said to people is in the journal.
# shellcheck disable=SC2016 # the inner shell expands it
closed() { sh -c '"$@" <&- >&- 2>&-' sh "$@"; }
cp r.req c.req
closed "$writ" approve -C corp -i olga -y c.req
t_eq "standard output, input and error are closed" $system $?
t_eq "what cannot be shown is not approved" c.req "$(ls c.req*)"
closed "$writ" sign -C corp c.req
t_eq "sign has its status then" $waiting $?
bad "and the journal is none the worse" $waiting "waits for 1 more" \
	sign c.req
rm c.req
bad "a file that is there is not replaced" $refused "r.req" \
	request deploy --reason "$why" -o r.req

long=$(printf 'x%.0s' {1..1025})
for text in $'roll\nout of it' $'roll\eout of it' $'roll\xffout of it' \
	$'roll\xe2\x80\xaeout of it' "$long"; do
	name=$(printf '%.20q' "$text")
	bad "a reason of $name on the command line" $usage 'the reason has' \
		request deploy --reason "$text" -o z.req
	bad "a ticket of $name" $usage 'the ticket has' \
		request deploy --reason "$why" --ticket "$text" -o z.req
	bad "a comment of $name" $usage 'the comment has' \
		"$writ" approve -C corp r.req -i olga -y --comment "$text"
	bad "a revocation for $name" $usage 'the reason has' \
		"$writ" revoke -C corp -i olga -y --reason "$text" 1
done
bad "a revocation without a word" $usage '--reason is empty' \
	"$writ" revoke -C corp -i olga -y --reason '' 1
bad "a revocation of somebody who cannot be" $usage 'is no id of a person' \
	"$writ" revoke -C corp -i olga -y --reason "$why" --person $'a\eb'
bad "a revocation of a key ID that cannot be" $usage 'the key ID has' \
	"$writ" revoke -C corp -i olga -y --reason "$why" --key-id $'a\eb'
t_not "nothing of that is left" test -e z.req
mkdir adir
request viewer --reason "$why" -o out.req >out.txt 2>&1
bad "a directory for a certificate, before it is issued" $system \
	"adir: Is a directory" sign out.req -o adir
bad "a place that is not there, before it is issued" $system \
	"no file can be made in nowhere/" sign out.req -o nowhere/cert.pub

# --- statements: JSON
edited 's/"reason"/"raison"/'
bad "an unknown JSON key" $input "'raison'" sign e.req
edited 's/"for":"1h"/"for":"1h","for":"2h"/'
bad "a JSON key twice" $input "e.req" sign e.req
edited 's/"for":"1h"/"for":3600/'
bad "a JSON number for text" $input "'for'" sign e.req
edited 's/"principals":\["deploy"\]/"principals":"deploy"/'
bad "JSON text for a list" $input "'principals'" sign e.req
edited 's/"principals":\["deploy"\]/"principals":[]/'
bad "an empty list of principals" $input "'principals'" sign e.req
edited 's/"reason":"[^"]*",//'
bad "a JSON key that is missing" $input "'reason'" sign e.req
edited "s/roll out/$(printf 'x%.0s' {1..5000})/"
bad "a reason that is too long" $input "'reason'" sign e.req
edited 's/roll out/roll\\u0007out/'
bad "a control character" $input "'reason'" sign e.req
edited 's/roll out/roll\\u202eout/'
bad "a bidirectional character" $input "'reason'" sign e.req
edited 's/roll out/roll\xe2\x80\xaeout/'
bad "a bidirectional character, written out" $input "e.req" sign e.req
edited 's/roll out/roll\xffout/'
bad "bytes that are not UTF-8" $input "e.req" sign e.req
edited 's/"v":1/"v":2/'
bad "a version of tomorrow" $input "'v'" sign e.req
edited 's/"type":"request"/"type":"wish"/'
bad "a type of statement nobody knows" $input "wish" sign e.req
edited 's/$/ /'
bad "something after the JSON" $input "e.req" sign e.req
edited 's/"at":"\(....\)-/"at":"\1\//'
bad "a time that is none" $input "'at'" sign e.req
edited 's/"nonce":"\(.\{30\}\)../"nonce":"\1/'
bad "a nonce that is too short" $input "'nonce'" sign e.req
edited 's/\(ssh-ed25519 AAAA\)/\1-/'
bad "bad base64 in a key" $input "'key'" sign e.req
{ head -n 1 r.req; sed -n '2,$p' r.req | sed '3s/^..../%%%%/'; } >e.req
bad "bad base64 in a signature" $input "e.req" sign e.req

# --- statements: who signed what, for whom
sed '1s/deploy/deplox/' r.req >e.req
bad "a word changed after it was signed" $input \
	"signature does not verify" sign e.req
head -n 1 r.req | resign alice decision@writ >e.req
bad "a statement of another namespace" $input "namespace" sign e.req
head -n 1 r.req | resign mallory request@writ >e.req
bad "a statement by a key that is nobody's" $refused "is nobody's" sign e.req
head -n 1 r.req | resign olga request@writ >e.req
bad "a statement by another person's key" $refused "alice@example.com" \
	sign e.req
{ cat r.req; head -n 1 r.req | resign mallory decision@writ |
	tail -n +2; } >e.req
bad "one good signature and a bad one" $input "namespace" sign e.req
t "another deployment of the same officers is made" make_corp other
"$writ" request -C other deploy --reason "$why" --key alice.pub -i alice \
	-o o.req 2>/dev/null
bad "a request replayed from another realm" $refused "realm" sign o.req
bad "its approval" $refused "realm" "$writ" approve -C corp -i olga -y o.req
"$writ" revoke -C other -i olga -y --person alice@example.com \
	--reason 'gone to staging' -o o.rev 2>/dev/null
bad "a revocation replayed from another realm" $refused "realm" sign o.rev
bad "a key that is not enrolled asks" $refused "mallory" \
	"$writ" request -C corp deploy --reason "$why" --key alice.pub \
	-i mallory
bad "somebody else revokes" $refused "expected an officer" \
	"$writ" revoke -C corp -i alice -y --person olga@example.com \
	--reason "$why"
bad "a question nobody answers" $refused "nothing was decided" \
	setsid "$writ" approve -C corp -i olga r.req

# --- what is asked
bad "more than the grant gives" $refused "ask again with --for 8h" \
	request deploy --reason "$why" --for 9h
bad "a principal that no grant has" $refused "you may ask for" \
	request root --reason "$why"
bad "a wildcard" $refused "" request 'dep*' --reason "$why"
bad "a reason that is too short" $refused "expects at least 10" \
	request deploy --reason short
bad "a source outside the grant's" $refused "192.0.2.0/24" \
	request viewer --reason "$why" --from 192.0.2.0/24
bad "a source with host bits" $refused "1.2.3.4/8" \
	request deploy --reason "$why" --from 1.2.3.4/8
bad "a deployment without a name" $usage "-C is empty" \
	"$writ" policy check -C ''
bad "one before the command" $usage "-C is empty" "$writ" -C '' policy check
bad "a source that is empty" $usage "--from is empty" \
	request viewer --reason "$why" --from ''
bad "one of two that is" $usage "--from is empty" \
	request viewer --reason "$why" --from 10.1.0.0/16 --from=
ssh-keygen -q -t rsa -b 2048 -N '' -f weak
bad "a key that is too short" $refused "3072" \
	"$writ" request -C corp deploy --reason "$why" --key weak.pub -i alice
bad "an authority's key as the subject" $refused "authority" \
	"$writ" request -C corp deploy --reason "$why" -i alice \
	--key corp/policy/authorities/user_ca.pub
bad "another person's key as the subject" $refused "olga@example.com" \
	"$writ" request -C corp deploy --reason "$why" -i alice --key olga.pub

# --- where it goes: a new file takes the place of an old one, and of nothing else
mkfifo pipe && ln -s pipe to-pipe
for place in pipe to-pipe; do
	bad "the list of revocations to a pipe ($place)" $system \
		"is not a regular file" "$writ" krl -C corp -o $place
	bad "a certificate to one ($place)" $system "is not a regular file" \
		sign r.req -o $place
done
bad "the list to a directory" $system "Is a directory" \
	"$writ" krl -C corp -o corp
t_eq "they are what they were" "fifo symbolic link" \
	"$(stat -c %F pipe to-pipe | xargs)"
rm pipe to-pipe
mkdir shut && chmod 500 shut
[ "$(id -u)" -ne 0 ] || chattr +i shut
t "a request that nobody has to approve" \
	request viewer --reason "$why" --from 10.1.0.0/16 -o view.req
t "a certificate on standard output needs no folder" \
	env -C shut "$writ" sign -C "$PWD/corp" "$PWD/view.req" -o -
[ "$(id -u)" -ne 0 ] || chattr -i shut

# --- after a request ended
t "a request that is denied is made" \
	request deploy --reason "$why" --for 30m -o denied.req
t "it is denied" "$writ" deny -C corp -i ivan -y denied.req
"$writ" sign -C corp denied.req >/dev/null 2>&1
rm -f denied.req.*
bad "the denial's file is gone and the denial is not" $refused \
	"ivan@example.com" sign denied.req
"$writ" approve -C corp -i olga -y denied.req >/dev/null 2>&1
t_not "an approval after the denial does not help" \
	"$writ" sign -C corp denied.req

# --- one decision of many requests, one file of many names
mkdir many
for n in 1 2 3 4 5; do
	request deploy --reason "$why" --for 30m -o many/$n.req >/dev/null 2>&1
done
"$writ" approve -C corp -i olga -y many/?.req >/dev/null 2>&1
t_eq "a decision is beside each of its requests" 5 \
	"$(find many -name '*.req.olga@example.com' | wc -l)"
t_eq "and is one file" 1 "$(stat -c %i many/*.req.olga@example.com | sort -u |
	wc -l)"
# What travelled is copies; what somebody changed under a name is not believed.
cp many/2.req.olga@example.com copy && mv copy many/2.req.olga@example.com
sed 's/"approve"/"deny"/' many/1.req.olga@example.com >changed
mv changed many/3.req.olga@example.com
ln -f many/3.req.olga@example.com many/4.req.olga@example.com
out=$(sign many/?.req 2>&1)
t_has "a decision that was changed is passed over" "$out" \
	"many/3.req: passed over: olga@example.com"
t_has "under each of its names" "$out" \
	"many/4.req: passed over: olga@example.com"
t_eq "and nothing is issued on it" \
	"many/1.req-cert.pub many/2.req-cert.pub many/5.req-cert.pub" \
	"$(echo many/?.req-cert.pub)"
"$writ" approve -C corp -i olga -y many/3.req >/dev/null 2>&1
t_not "an approval anew changes nothing under another name" \
	cmp -s many/3.req.olga@example.com many/4.req.olga@example.com

# --- decisions that are named, and not looked for
t "a request is made that needs no approval" \
	request viewer --reason "$why" --for 30m -o look.req
bad "a decision that is named and not there" $system "none: no such file" \
	sign --decision none look.req
bad "one that is no file" $system "many" sign --decision many look.req
t_not "nothing is issued without it" test -e look.req-cert.pub
t "a request is made that needs one" \
	request deploy --reason "$why" --for 20m -o named.req
out=$(sign --decision many/3.req.olga@example.com named.req 2>&1)
t_eq "one about another request does not count" $waiting $?
t_has "and is named" "$out" "named.req: passed over: olga@example.com"
t "it is approved" "$writ" approve -C corp -i ivan -y named.req -o named.dec
t "one of two counts" sign --decision many/3.req.olga@example.com \
	--decision named.dec named.req

# --- clocks
asan=$(ldd "$writ" 2>/dev/null | grep -c 'lib[atu]\{1,2\}san')
if command -v faketime >/dev/null && [ "$asan" -eq 0 ]; then
	t "a request is made by a clock an hour ahead" \
		faketime '+1 hour' "$writ" request -C corp deploy \
		--reason "$why" --key alice.pub -i alice -o ahead.req
	bad "a clock that was an hour ahead" $refused "ahead" sign ahead.req
	bad "a request older than its grant's wait" $refused "12h" \
		faketime '+13 hours' "$writ" sign -C corp r.req
	bad "a bundle far past its end" $refused "expired" \
		faketime '+200 days' "$writ" sign -C corp r.req
	out=$(faketime '+185 days' "$writ" policy show -C corp 2>&1)
	t_has "within grace it goes on, and says so" "$out" "warning"
	t_has "and still shows the policy" "$out" "grant deploy"
	if faketime '+1 hour' "$writ" approve -C corp -i olga -y r.req \
		>/dev/null 2>&1; then
		rm -f issued.pub
		"$writ" sign -C corp r.req -o issued.pub >/dev/null 2>&1
		t_not "an approval of the future counts for nothing" \
			test -e issued.pub
		rm -f r.req.*
	else
		t_ok "an approval of the future is not made"
	fi
else
	t_skip "clocks off by hours" "no faketime, or it cannot be used here"
fi

# --- the working copy of the policy
cp -a corp/policy policy.good

# draft NAME PART: policy check refuses what stands in corp/policy now.
draft() {
	bad "$1" $refused "$2" "$writ" policy check -C corp
	grep -qE "^[a-z][^ ]*:[0-9]+:[0-9]+: " err.txt ||
		t_fail "$1 has file, line and column" "$(cat err.txt)"
	rm -rf corp/policy
	cp -a policy.good corp/policy
}
ca=corp/policy/ca.yaml
echo 'colour: red' >>$ca
draft "an unknown YAML key" "unknown key 'colour'"
sed -i 's/^    max: 8h/&\n    max: 9h/' $ca
draft "a YAML key twice" "max"
sed -i 's/max: 8h/max: [8h]/' $ca
draft "a YAML list for a span" "max"
sed -i 's/max: 8h/max: eight/' $ca
draft "a span that is none" "'eight'"
sed -i 's/to: \[engineers\]/to: []/' $ca
draft "an empty list is not everybody" "'to'"
sed -i 's/{approvers: 1}/{approvers: 0}/' $ca
draft "a threshold of nobody" "approve"
sed -i 's/{approvers: 1}/{approvers: 3}/' $ca
draft "a grant that nobody could obtain" "deploy"
sed -i 's/principals: \[deploy\]/principals: ["dep*"]/' $ca
draft "a wildcard for a principal" "dep*"
sed -i 's,10.0.0.0/8,10.0.0.1/8,' $ca
draft "a network with host bits" "10.0.0.1/8"
printf '# \a\n' >>$ca
draft "a control character in YAML" "ca.yaml"
printf '# \xe2\x80\xae\n' >>$ca
draft "a bidirectional character in YAML" "ca.yaml"
printf '# \xff\n' >>$ca
draft "bytes that are not UTF-8 in YAML" "ca.yaml"
printf 'x: !!python/object a\n' >>$ca
draft "a tag in YAML" "tag"
printf '  x: [\n' >>$ca
draft "YAML that is cut off" "ca.yaml"
sed -i "s/^  deploy:/  $(printf 'd%.0s' {1..70}):/" $ca
draft "a name that is too long" "ca.yaml"
sed 's/AAAA/AAA-/' policy.good/people/alice@example.com.yaml \
	>corp/policy/people/alice@example.com.yaml
draft "bad base64 in a person's key" "alice@example.com.yaml"
cp policy.good/people/alice@example.com.yaml \
	corp/policy/people/bob@example.com.yaml
draft "one key of two persons" "alice@example.com"
rm corp/policy/authorities/host_ca.pub
draft "an authority without its file" "host_ca"
sed -i 's/^expires: .*/expires: 2020-01-01/' corp/policy/root.yaml
draft "an expiry that is past" "expired at 2020-01-01"
sed -i 's/root: 2/root: 3/' corp/policy/root.yaml
draft "a threshold above the number of officers" "root"
echo x >corp/policy/notes.txt
bad "a file that does not belong in a policy" $input "notes.txt" \
	"$writ" policy check -C corp
rm corp/policy/notes.txt
echo '# a change' >>corp/policy/root.yaml
bad "root.yaml changed and not its version" $refused "expected 2" \
	"$writ" policy sign -C corp -i olga -y
cp -a policy.good/root.yaml corp/policy/root.yaml
bad "a key of no officer signs policy" $refused "is no officer's" \
	"$writ" policy sign -C corp -i alice -y

# --- writ.yaml
cp -a corp/writ.yaml writ.good
config() {
	bad "$1" $input "$2" "$writ" policy who -C corp
	cp -a writ.good corp/writ.yaml
}
echo 'colour: red' >>corp/writ.yaml
config "an unknown key in writ.yaml" "unknown key 'colour'"
echo 'log: "dir:log2"' >>corp/writ.yaml
config "a key twice in writ.yaml" "corp/writ.yaml:"
sed -i 's/^retention: .*/retention: long/' corp/writ.yaml
config "a span that is none in writ.yaml" "expected a span such as 400d"
sed -i 's/^log: .*/log: "ftp:log"/' corp/writ.yaml
config "a store of an unknown kind in writ.yaml" "expected dir:PATH or s3://"
sed -i '/^log:/d' corp/writ.yaml
config "a key that is missing in writ.yaml" "'log'"
: >corp/writ.yaml
config "an empty writ.yaml" "empty"
sed -i 's/ca_log/user_ca/' corp/writ.yaml
bad "a log name that is no log's" $refused "is no log" "$writ" policy who -C corp
cp -a writ.good corp/writ.yaml
sed -i 's/^user_ca: .*/user_ca: other_ca/' corp/writ.yaml
bad "a CA that is no authority" $refused "is no authority" sign r.req
cp -a writ.good corp/writ.yaml

# --- keys
# shellcheck disable=SC2016
bad "the mode of a key lets others in" $refused "chmod 600" \
	sh -c 'chmod 644 corp/keys/user_ca; "$1" sign -C corp r.req; s=$?
		chmod 600 corp/keys/user_ca; exit $s' sh "$writ"
cp -a corp/keys/user_ca ca.good
head -c 100 ca.good >corp/keys/user_ca
bad "a key that was half written" $input "keys/user_ca" sign r.req
cat mallory >corp/keys/user_ca
bad "a key that is not the policy's" $refused "not the one in the signed" \
	sign r.req
rm corp/keys/user_ca
bad "a key that is gone" $system "keys/user_ca: no such file" sign r.req
cp -a ca.good corp/keys/user_ca
cp -a ca.good encrypted
ssh-keygen -q -p -P '' -N 'right' -f encrypted >/dev/null
cat encrypted >corp/keys/user_ca
printf '#!/bin/sh\necho wrong\n' >askpass
chmod 755 askpass
bad "a wrong passphrase" $input "passphrase" \
	env SSH_ASKPASS="$T/askpass" SSH_ASKPASS_REQUIRE=force \
	"$writ" sign -C corp r.req
bad "a passphrase and nobody to ask" $refused "passphrase" \
	setsid "$writ" sign -C corp r.req
printf '#!/bin/sh\necho right\n' >askpass
SSH_ASKPASS=$T/askpass SSH_ASKPASS_REQUIRE=force "$writ" sign -C corp r.req \
	>/dev/null 2>err.txt
t_eq "the right passphrase" $waiting $?
cat ca.good >corp/keys/user_ca

# --- what was signed and recorded
cp -a corp corp.good
back() {
	rm -rf corp
	cp -a corp.good corp
}
head -c 300 corp.good/bundle/policy.1 >corp/bundle/policy.1
bad "a bundle that was half written" $input "policy" sign r.req
back
f=$(grep -l 'principals: \[deploy\]' corp/bundle/* | head -n 1)
sed -i 's/max: 8h/max: 9h/' "$f"
bad "a file of the bundle was changed" $record "differs from its name" sign r.req
back
sed -i '1s/"by":"olga/"by":"ivan/' corp/bundle/policy.1
bad "the bundle's statement was changed" $input "does not verify" sign r.req
back
head -n 1 corp.good/bundle/policy.1 | resign mallory policy@writ \
	>corp/bundle/policy.1
bad "a bundle signed by nobody we know" $refused "corp/bundle" sign r.req
back
cp -a corp.good corp.old
sed -i 's/max: 8h/max: 7h/' corp/policy/ca.yaml
t "a second policy is published" "$writ" policy sign -C corp -i olga -y
rm corp/bundle/policy.2
bad "a bundle that was taken back" $refused "older" sign r.req
back
sed -i '2s/^6$/06/; 2s/^\([0-9]*\)$/0\1/' corp/log/checkpoint
bad "a checkpoint that is not canonical" $record "checkpoint" \
	"$writ" sign -C corp r.req
back
sed -i 's/$/\r/' corp/log/checkpoint
bad "a checkpoint with carriage returns" $record "checkpoint" \
	"$writ" sign -C corp r.req
back
rm -rf corp/log corp/signer/journal
mkdir corp/log
cp -a corp.good/log/checkpoint corp/log/
adds=1 bad "a log without its journal" $refused "rebuild" sign r.req
back
rm -rf corp/log
adds=1 bad "a log that is gone" $refused "the signer has signed" sign r.req
back
printf '\377\377\377\377' | dd of=corp/log/journal bs=1 seek=200 conv=notrunc \
	status=none
bad "a journal that is damaged" $record "journal" sign r.req
back
printf '\377\377\377\377' | dd of=corp/signer/journal bs=1 seek=80 conv=notrunc \
	status=none
bad "a signer's journal that is damaged" $record "journal" sign r.req
back

# --- and after all of that it works
rm -f r.req.*
"$writ" approve -C corp -i olga -y r.req >/dev/null 2>&1
edited 's/"reason"/"raison"/'
"$writ" sign -C corp e.req r.req >out.txt 2>err.txt
t_eq "a bad file beside a good one has its status" $input $?
t "and does not keep the good one back" ssh-keygen -L -f alice-cert.pub
t_done
