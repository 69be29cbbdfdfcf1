#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a certificate's evidence is a folder that somebody checks who
# has ssh-keygen, sha256sum and a shell, and nothing else in PATH; and whatever is
# changed in it, with the sums made to fit or without, does not pass.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1

evidence() { "$writ" audit evidence -C corp "$@"; }

# --- a deployment, and certificates under two policies
ca_people
ca_key ed25519 alice2
ca_key ed25519 mallory
cert() { # KEY GRANT REASON PRINCIPAL SIGNER [APPROVE]
	ca_key ed25519 "$1"
	"$writ" request -C corp -i "$5" --key "$1.pub" -o "$1.req" \
		--grant "$2" -m "$3" --ticket OPS-7 "$4" || return
	[ -z "${6:-}" ] || "$writ" approve -C corp -i olga -y "$1.req" || return
	"$writ" sign -C corp "$1.req" -o "$1-cert.pub"
}
{
	"$writ" init corp --single-officer --officer olga@example.com=olga.pub
	ca_policy corp/policy
	cat >>corp/policy/ca.yaml <<-'END'
	  asked:
	    to: [engineers]
	    principals: [ops]
	    max: 1h
	    reason: {min: 5}
	    approve: [{approvers: 1}]
	END
	"$writ" policy sign -C corp -i olga -y
	cert one work 'deploy 4711' deploy alice
	cert two asked 'disk is full' ops alice approve
	"$writ" key add alice2.pub -C corp -i alice -o key.st
	"$writ" approve -C corp -i olga -y key.st
	"$writ" sign -C corp key.st
	cert three work 'with another key' deploy alice2
	sed -i 's/max: 8h/max: 7h/' corp/policy/ca.yaml
	"$writ" policy sign -C corp -i olga -y
	cert four work 'under version 2' deploy alice
} >>"$ca_log" 2>&1 </dev/null
t_eq 'four certificates are issued' 4 "$(cat one-cert.pub two-cert.pub \
	three-cert.pub four-cert.pub 2>>"$ca_log" | wc -l)" || cat "$ca_log"
one=$(ca_serial one-cert.pub)
two=$(ca_serial two-cert.pub)
three=$(ca_serial three-cert.pub)
four=$(ca_serial four-cert.pub)

# --- somebody who has three programs
mkdir bare
for program in sh ssh-keygen sha256sum; do
	ln -s "$(command -v $program)" bare/$program
done
check() { PATH=$T/bare "$T/bare/sh" "$1/check.sh"; }
# passes DIR WHAT...: it passes, and has a line for each of these.
passes() {
	check "$1" >out 2>&1 </dev/null || {
		cat out
		return 1
	}
	shift
	for part in "$@"; do
		grep -qF -e "$part" out || {
			printf 'no "%s" in:\n' "$part"
			cat out
			return 1
		}
	done
}
t 'evidence is a folder' ends 0 "check.sh checks" evidence "$two" -o ev.two
t 'that passes' passes ev.two 'ok request.message is signed by alice@example.com' \
	'ok decision-1.message is signed by olga@example.com' \
	'ok policy.message is signed by olga@example.com' \
	'ok decision-1 is about the request' 'ok issue.leaf names decision-1' \
	'ok issue.leaf is leaf ' 'ok certificate.leaf is leaf ' \
	'ok root.yaml is the root of trust' \
	"ok certificate.leaf has $two-cert.pub" 'ok it is signed by user_ca' \
	'all of it fits'
t 'from elsewhere too' passes "$T/ev.two" 'all of it fits'
t_eq 'nothing is said of what does not fit' 0 "$(grep -c BAD out)"
t_eq 'the certificate is the one that was handed out' \
	"$(cut -d' ' -f1,2 two-cert.pub)" "$(cut -d' ' -f1,2 "ev.two/$two-cert.pub")"
t_has 'README says who asked and why' "$(cat ev.two/README)" \
	'alice@example.com asked: disk is full'
t_has 'and the ticket' "$(cat ev.two/README)" 'ticket: OPS-7'
t_eq 'people who signed nothing are left out' 0 \
	"$(find ev.two/policy/people -name 'ivan*' | wc -l)"
t 'a reader of shells finds nothing in it' shellcheck ev.two/check.sh
t 'nor does bash stop at anything' bash ev.two/check.sh
t_eq 'the sums are those of all files' \
	"$(cd ev.two && find . -type f ! -name SHA256SUMS | wc -l)" \
	"$(wc -l <ev.two/SHA256SUMS)"
t 'stock tools agree' bash -c 'cd ev.two && sha256sum --quiet --strict -c SHA256SUMS'

# What README says of openssl, word by word.
by_readme() { # DIR
	(cd "$1" && sed -n 's/^    \(head -n 3\|tail -n 1\|openssl\|    -in text\)/\1/p' README \
		>"$T/words" && bash -e "$T/words" && rm -f text sig)
}
cp -r ev.two openssl
t 'the head of the log is signed' by_readme openssl
sed -i '2s/$/0/' openssl/checkpoint
t_not 'which another one is not' by_readme openssl

t 'without anybody who approved' ends 0 'README' evidence "$one" -o ev.one
t 'passes' passes ev.one 'all of it fits'
t 'a key that is not in the policy' ends 0 'README' evidence "$three" -o ev.three
t 'comes with what made it hers' passes ev.three \
	'ok key-1.message is signed by alice@example.com' \
	'ok key-1-decision-1.message is signed by olga@example.com' \
	'ok a key of alice@example.com is in key-1.message' 'all of it fits'
t 'under a later policy' ends 0 'README' evidence "$four" -o ev.four/
t 'passes' passes ev.four 'all of it fits'
t_eq 'each has the policy of its time' '8h 7h' "$(cat ev.two/policy/ca.yaml \
	ev.four/policy/ca.yaml | sed -n 's/^ *max: \([78]h\)/\1/p' | xargs)"

# --- whose key a policy says it is, however its YAML is written
mkdir -p has/policy/people
sed '/^sums [0-9]/,$d' ev.two/check.sh >has/check.sh
printf 'has_key "$@"\n' >>has/check.sh
cat >has/policy/root.yaml <<'END'
version: 1
officers:
  olga@example.com:       # keys: [ssh-ed25519 AAAAcomment]
    keys:
      - ssh-ed25519 AAAAolga olga
      - "ssh-ed25519 AAAAquoted, {olga"
  ivan@example.com: {keys: ["ssh-ed25519 AAAAivan ivan"]}
  "otto@example.com":
    keys: [
      ssh-ed25519 AAAAotto otto,
      'ssh-ed25519 AAAAother otto']
operators: {petra@example.com: {keys: [ssh-ed25519 AAAApetra]}, olga@example.com: {keys: [ssh-ed25519 AAAAoperator]}}
thresholds: {root: 1}
END
printf 'keys: [ssh-ed25519 AAAAalice]\n' >has/policy/people/alice@example.com.yaml
has() { PATH=$T/bare "$T/bare/sh" has/check.sh "policy/$1" "$2@example.com" "$3" "${4:-}"; }
said=$(while read -r file who key part want; do
	has "$file" "$who" "$key" "$part" && is=yes || is=no
	[ "$is" = "$want" ] || echo "$file $who $key $part is $is"
done <<-'END'
	root.yaml olga AAAAolga officers yes
	root.yaml olga AAAAquoted officers yes
	root.yaml olga AAAAivan officers no
	root.yaml olga AAAAotto officers no
	root.yaml olga AAAApetra operators no
	root.yaml olga AAAAcomment officers no
	root.yaml olga AAAAolga operators no
	root.yaml olga AAAAoperator operators yes
	root.yaml ivan AAAAivan officers yes
	root.yaml ivan AAAAotto officers no
	root.yaml otto AAAAotto officers yes
	root.yaml otto AAAAother officers yes
	root.yaml otto AAAApetra operators no
	root.yaml petra AAAApetra operators yes
	root.yaml petra AAAAoperator operators no
	root.yaml lga AAAAolga officers no
	people/alice@example.com.yaml alice AAAAalice keys yes
	people/alice@example.com.yaml olga AAAAalice keys no
	people/none.yaml olga AAAAolga officers no
END
)
t_eq 'a key is that of the person in whose entry it is' '' "$said"

# --- whose key signed a report
sed '/^sums [0-9]/,$d' ev.two/check.sh >has/same.sh
printf 'same report accept host_key "it is the key of"\n' >>has/same.sh
printf '{"host_key":"ssh-ed25519 AAAAhost"}\n' >has/accept.message
same() { # LINE...: of report.signers
	printf '%s\n' "$@" >has/report.signers
	PATH=$T/bare "$T/bare/sh" has/same.sh
}
line='web-1.example.com namespaces="report@writ" ssh-ed25519 AAAA'
t 'it is the one that was accepted' ends 0 'ok it is the key of' same "${line}host"
t 'and no other' ends 1 'BAD it is the key of' same "${line}mallory"
t 'nor a second one' ends 1 'BAD report.signers is more than one line' \
	same "${line}host" "${line}mallory"
t 'nor one with the right one as a comment' ends 1 \
	'BAD report.signers has a line of another form' same "${line}mallory AAAAhost"

# --- what was changed
sums() { # DIR [FILE]: made to fit, without that file
	(cd "$1" && find . -type f ! -name SHA256SUMS \
		! -path "./${2:-SHA256SUMS}" |
		sed 's,^\./,,' |
		sort | xargs sha256sum >"../$1.sums" && mv "../$1.sums" SHA256SUMS)
}
# Some at a time, since a check starts many programs: what came of each is told
# by all_changed, in their order.
n_changed=0
sanitized=$(ldd "$writ" | grep -c libasan)
changed() { # NAME COMMAND...: in a copy, in its directory
	[ "$sanitized" -eq 0 ] || return 0
	n_changed=$((n_changed + 1))
	judge bad.$n_changed "$@" &
	[ $((n_changed % 4)) -ne 0 ] || wait
}
judge() { # DIR NAME COMMAND...
	local dir=$1 verdict=FAIL

	printf '%s\n' "$2" >"$dir.name"
	shift 2
	cp -r ev.three "$dir"
	if (cd "$dir" && "$@"); then
		[ -z "${SUMS:-}" ] || sums "$dir" "${EXTRA:-}"
		check "$dir" >"$dir.out" 2>&1 </dev/null ||
			! grep -q '^BAD ' "$dir.out" || verdict=BAD
	fi
	printf '%s\n' $verdict >"$dir.verdict"
	rm -rf "$dir"
}
all_changed() {
	local i

	wait
	for ((i = 1; i <= n_changed; i++)); do
		if [ "$(cat bad.$i.verdict)" = BAD ]; then
			t_ok "$(cat bad.$i.name)"
		else
			t_fail "$(cat bad.$i.name)" "$(cat bad.$i.out)"
		fi
	done
}
# In check.sh, a byte of the comment: what does not run does not tell either.
files=$(cd ev.three && find . -type f | sed 's,^\./,,' | sort)
for file in $files; do
	[ "$file" != check.sh ] || continue
	changed "a bit of $file" flip "$file"
done
changed 'a bit of check.sh' flip check.sh 40
changed 'a file that is gone' rm README
for file in $files; do
	case $file in
	# Words for people, the log's key and what only sums can tell.
	README | check.sh | SHA256SUMS | log.* | *.json) continue ;;
	# Of these, what is a key or a hash.
	allowed_signers) at=$(grep -bo AAAA "ev.three/$file" | head -n 1) ;;
	*) at=:$(($(stat -c %s "ev.three/$file") / 2)) ;;
	esac
	case $at in :*) at=${at#:} ;; *) at=$((${at%%:*} + 50)) ;; esac
	SUMS=1 changed "a bit of $file, and the sums fit" flip "$file" "$at"
done
by_mallory() { # NAME TYPE: said anew, with her own key in alice's place
	sed -i "s|^\(alice@[^ ]* [^ ]*\) ssh-ed25519 .*|\1 $(cut -d' ' -f1,2 \
		../mallory.pub)|" allowed_signers
	for f in "$1".alice@example.com*.sig; do
		ssh-keygen -q -Y sign -f ../mallory -n "$2@writ" "$1.message"
		mv "$1.message.sig" "$f"
	done
}
SUMS=1 changed 'a request that mallory signed' by_mallory request request
by_key=bad.$n_changed.out
# The key with which it was asked let itself in, by its own signatures.
let_in() {
	sed -i "s|ssh-ed25519 [^\"]*|$(cut -d' ' -f1,2 ../mallory.pub)|" \
		key-1.message
	sed -i "s|ssh-ed25519 $(cut -d' ' -f2 ../alice2.pub)|$(cut -d' ' -f1,2 \
		../mallory.pub)|" allowed_signers
	for f in key-1.alice@example.com*.sig request.alice*.sig; do
		ssh-keygen -q -Y sign -f ../mallory -n "$(case $f in key*) echo key ;;
			*) echo request ;; esac)@writ" "${f%%.*}.message"
		mv "${f%%.*}.message.sig" "$f"
	done
	hash=$(sha256sum <key-1.message)
	old=$(sha256sum <../ev.three/key-1.message)
	grep -q "${old%% *}" key-1-decision-1.message &&
		cp ../ev.three/key-1-decision-1.message . && : "$hash"
}
SUMS=1 changed 'a key that let itself in' let_in
by_itself=bad.$n_changed.out
swapped() { cp "../ev.four/$1" "$1"; }
SUMS=1 changed 'another request' swapped request.message
SUMS=1 changed 'another leaf' swapped issue.leaf
SUMS=1 changed 'another proof' swapped issue.tlog-proof
SUMS=1 changed 'another certificate' cp "../ev.four/$four-cert.pub" "$three-cert.pub"
longer() { sed -i "s/^index.*/&\n$(sed -n 3p checkpoint | sed 's,/,\\/,g')/" "$1"; }
SUMS=1 changed 'a proof that is longer' longer issue.tlog-proof
SUMS=1 changed 'a proof that is shorter' sed -i 3d issue.tlog-proof
SUMS=1 changed 'a leaf of two lines' sed -i p issue.leaf
# A decision of mallory's, as olga's: by a line of allowed_signers in which
# ssh-keygen finds mallory's key, and whoever looks it up another one or none; or
# by one that says itself that it is olga's, and is in no list.
as_olga() { # LINE [NAME]: in which MALLORY and OLGA are keys
	line=${1//MALLORY/$(cut -d' ' -f1,2 ../mallory.pub)}
	printf '%b' "${2:-olga}@example.com ${line//OLGA/$(cut -d' ' -f2 ../olga.pub)}" \
		>>allowed_signers
	ssh-keygen -q -Y sign -f ../mallory -n decision@writ \
		key-1-decision-1.message
	mv key-1-decision-1.message.sig key-1-decision-1.olga@example.com.sig
}
spaces='namespaces="decision@writ"'
SUMS=1 changed 'a comment that is a key' as_olga 'MALLORY OLGA\n'
SUMS=1 changed 'a namespace that is one' as_olga \
	'namespaces="decision@writ,x y OLGA z" MALLORY\n'
SUMS=1 changed 'a key in the place of a type' as_olga 'MALLORY\n'
SUMS=1 changed 'a last line that does not end' as_olga "$spaces MALLORY"
SUMS=1 changed 'a second key of hers' as_olga "$spaces MALLORY\n"
by_people() {
	printf 'keys: ["%s"]\n' "$(cat ../mallory.pub)" >"$1"
	as_olga "$spaces MALLORY\n" "$2"
}
SUMS=1 EXTRA=policy/people/olga@example.com.yaml changed \
	'a file of a person that is in no list' \
	by_people policy/people/olga@example.com.yaml olga
SUMS=1 EXTRA='policy/people/\*@example.com.yaml' changed \
	'one for everybody' by_people 'policy/people/*@example.com.yaml' '*'
by_key_statement() {
	printf '{"by":"olga@example.com","action":"add","key":"%s"}\n' \
		"$(cut -d' ' -f1,2 ../mallory.pub)" >"$1"
	as_olga "$spaces MALLORY\n"
}
for file in key-2.message key-01.message; do
	SUMS=1 EXTRA=$file changed "a key statement that nobody signed, $file" \
		by_key_statement $file
done
other_decision() {
	cp ../ev.two/decision-1.message key-1-decision-1.message
	cp ../ev.two/decision-1.olga@example.com.sig \
		key-1-decision-1.olga@example.com.sig
}
SUMS=1 changed 'a decision about something else' other_decision
two_certificates() { cat "../ev.four/$four-cert.pub" >>"$three-cert.pub"; }
SUMS=1 changed 'a second certificate' two_certificates
all_changed
if [ "$sanitized" -eq 0 ]; then
	t_has 'a request that mallory signed is found by her key' \
		"$(tail -n 1 "$by_key")" \
		'BAD a key of alice@example.com is not in the policy'
	t_has 'one that let itself in by what it lacks' \
		"$(tail -n 1 "$by_itself")" \
		'BAD key-1.message is not signed by an older key of alice'
else
	t_skip 'what was changed' 'to find it, no program of ours runs'
fi

# --- what was revoked since
{
	"$writ" revoke -C corp -i olga -y --reason 'laptop is lost' \
		--person alice@example.com -o gone.st && "$writ" sign -C corp gone.st
} >>"$ca_log" 2>&1 </dev/null || t_fail 'it is revoked' "$(tail -n 5 "$ca_log")"
t 'evidence has what was revoked since' ends 0 README evidence "$one" -o ev.gone
t 'which passes' passes ev.gone \
	'ok revoked-1.message is signed by olga@example.com' \
	'ok revoked-1 is about this certificate' \
	'ok revoked-1.leaf has revoked-1.message' 'ok revoked-1.leaf is leaf ' \
	'all of it fits'
t_has 'README says why' "$(cat ev.gone/README)" 'REVOKED: laptop is lost'
t 'it is the statement' cmp gone.st ev.gone/revoked-1.leaf
sed -i 's/lost/last/' ev.gone/revoked-1.leaf
sums ev.gone
t_not 'another leaf does not pass' passes ev.gone 'all of it fits'
t_has 'it is named' "$(tail -n 1 out)" 'BAD revoked-1.leaf'

# --- a root that is not the first: from the realm to the signature
ca_key ed25519 igor
of_roots() { "$writ" audit evidence -C roots "$@"; }
under() { # KEY [APPROVER]: asked for in the deployment with roots
	ca_key ed25519 "$1"
	"$writ" request -C roots -i alice --key "$1.pub" -o "$1.req" \
		--grant "${2:+asked}${2:-work}" -m 'by which root' deploy || return
	[ -z "${2:-}" ] || "$writ" approve -C roots -i "$2" -y "$1.req" || return
	"$writ" sign -C roots "$1.req" -o "$1-cert.pub"
}
policy() { # WHO...: the next policy, and with root.yaml the next root
	local who

	for who; do
		"$writ" policy sign -C roots -i "$who" -y || return
	done
}
{
	ca_make roots
	sed -i 's/^  work:/  askedivan:\n    to: [engineers]\n    principals: [deploy]\n    max: 1h\n    approve: [{approvers: 1}]\n&/' \
		roots/policy/ca.yaml
	policy olga
	under first ivan
	"$writ" key add alice2.pub -C roots -i alice -o key2.st
	"$writ" approve -C roots -i olga -y key2.st
	"$writ" sign -C roots key2.st
	sed -i "s|^version: 1|version: 2|; s|ivan@example.com|igor@example.com|
		s|$(cut -d' ' -f2 ivan.pub)|$(cut -d' ' -f2 igor.pub)|" \
		roots/policy/root.yaml
	sed -i s/ivan@example.com/igor@example.com/ roots/policy/ca.yaml
	policy olga ivan igor
	under second
	sed -i 's/^version: 2/version: 3/; s/policy: 1/policy: 2/' \
		roots/policy/root.yaml
	policy olga igor
	under third
} >>"$ca_log" 2>&1 </dev/null
t_eq 'three certificates, each under a root of its own' 3 "$(cat first-cert.pub \
	second-cert.pub third-cert.pub 2>>"$ca_log" | wc -l)" ||
	tail -n 30 "$ca_log"
for nth in first second third; do
	t "evidence of the $nth" ends 0 README of_roots "$(ca_serial $nth-cert.pub)" \
		-o ev.$nth
done
t 'of the first root it is the hash that counts' passes ev.first \
	'ok root.yaml is the root of trust, ' \
	'ok officers of policy/root.yaml who signed policy.message: 1, asked for: 1' \
	'NOTE decision-1 is by a key that policy version 4, the newest, does not give ivan@example.com any more' \
	'all of it fits'
t 'of the second, the way from there' passes ev.second \
	'ok root-1.yaml is the root of trust, ' \
	'ok officers of root-1.yaml who signed root-2.message: 2, asked for: 2' \
	'ok officers of root-2.yaml who signed root-2.message: 2, asked for: 2' \
	'ok policy/root.yaml is root-2.yaml' 'all of it fits'
t 'and of the third' passes ev.third \
	'ok root-1.yaml is the root of trust, ' \
	'ok officers of root-1.yaml who signed root-2.message: 2, asked for: 2' \
	'ok officers of root-2.yaml who signed root-3.message: 2, asked for: 2' \
	'ok officers of root-3.yaml who signed root-3.message: 2, asked for: 2' \
	'ok officers of policy/root.yaml who signed policy.message: 2, asked for: 2' \
	'all of it fits'
t 'a reader of shells finds nothing in that one' shellcheck ev.third/check.sh
t_eq 'the realm is what was handed out' \
	"$(sha256sum <roots/bundle/root.1.yaml)" "$(sha256sum <ev.third/root-1.yaml)"
t_has 'README says what was approved by whom' "$(cat ev.first/README)" \
	'NOTE decision-1 is by a key that policy version 4'

# Of these none passes, whatever SHA256SUMS says.
refuses() { # NAME WHAT COMMAND...
	local name=$1 what=$2

	shift 2
	rm -rf ev.bad
	cp -r ev.third ev.bad
	(cd ev.bad && "$@" &&
		sed -i "s/^sums .*/sums $(find . -type f ! -name SHA256SUMS |
			wc -l)/" check.sh) && sums ev.bad
	t_not "$name" passes ev.bad 'all of it fits'
	t_has 'it is named' "$(tail -n 1 out; grep -c ^BAD out)" "BAD $what"
}
forge() { # FILE N: a root of mallory's, which she alone signed
	sed -i "s|$(cut -d' ' -f2 ../olga.pub)|$(cut -d' ' -f2 ../mallory.pub)|" \
		root-2.yaml
	sed -i "s|\"file\":\"[0-9a-f]*\"|\"file\":\"$(sha256sum <root-2.yaml |
		cut -d' ' -f1)\"|" root-2.message
	rm -f root-2.*.sig
	ssh-keygen -q -Y sign -f ../mallory -n root@writ root-2.message
	mv root-2.message.sig root-2.1.sig
}
refuses 'a root that its elders did not sign' \
	'officers of root-1.yaml who signed root-2.message: 0, of 2' forge
refuses 'one of them did not' 'officers of root-1.yaml who signed root-2.message: 1, of 2' \
	rm root-2.2.sig
refuses 'the first root is another one' \
	'root-1.yaml is the root of trust' cp root-2.yaml root-1.yaml
refuses 'a root is left out' 'igor@example.com is no officer of root-1.yaml' \
	sed -i 's/^root 3 2 /root 3 1 /; /^root 2 /d' check.sh
less() {
	sed -i 's/^root 3 2 2 /root 3 2 1 /' check.sh
}
refuses 'fewer are asked for than the root does' \
	'root-2.yaml does not ask for 1 officers' less
twice() { # one person is one, with whatever keys
	sed 's/^igor@/olga@/' root-3.signers >x && mv x root-3.signers
}
refuses 'one person counts twice' 'a key of olga@example.com is not in root-3.yaml' \
	twice
refuses 'the policy has one signature of two' \
	'officers of policy/root.yaml who signed policy.message: 1, of 2' \
	rm policy.igor@example.com.sig

# --- a key that was retired since
{
	ca_key ed25519 retired
	"$writ" request -C roots -i alice2 --key retired.pub -o retired.req \
		--grant work -m 'by a key that goes' deploy
	"$writ" sign -C roots retired.req -o retired-cert.pub
	"$writ" key retire alice2.pub -C roots -i alice -o retire.st
	"$writ" sign -C roots retire.st
} >>"$ca_log" 2>&1 </dev/null
t 'evidence of what a key asked for that was retired since' ends 0 README of_roots \
	"$(ca_serial retired-cert.pub)" -o ev.retired || tail -n 20 "$ca_log"
t 'passes, and says so' passes ev.retired \
	'NOTE request is by a key of alice@example.com that was retired since: leaf ' \
	'all of it fits'

# --- what cannot be had
t 'a folder that is there is left alone' ends 1 "'ev.two' exists already" \
	evidence "$two" -o ev.two
t 'nothing in it changed' passes ev.two 'all of it fits'
t 'a serial that no log has' ends 6 'no certificate with serial 4711' \
	evidence 4711 -o no
t 'a session, where no fleet could say what it is' ends 6 \
	'no fleet is published' evidence b.8.1 -o no
t 'no folder is named' ends 2 'expected -o' evidence "$two"
t 'one that cannot be made' ends 6 'gone/no' evidence "$two" -o gone/no
object=$(find corp/log/records -name "$two.json")
mv "$object" away
t 'a record that the log lacks' ends 6 "has no records/" evidence "$two" -o no
sed 's/disk/desk/' away >"$object"
t 'one that says something else' ends 5 'is not what its leaf gives' \
	evidence "$two" -o no
mv away "$object"
policy=$(sha256sum ev.two/policy/ca.yaml | cut -d' ' -f1)
sed -i 's/8h/9h/' "corp/log/policy/$policy"
t 'a policy that was changed' ends 5 'is not what its name says' \
	evidence "$two" -o no
t_eq 'nothing is left of these' '' "$(find . -maxdepth 1 -name 'no*')"
t_done
