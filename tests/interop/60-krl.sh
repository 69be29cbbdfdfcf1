#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: ssh-keygen -Q finds in our revocation list what was
# revoked, by serial, key ID, key and person, and nothing else.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
ca_people
t 'a deployment' ca_make ca

# revoke OPTION...: and the list anew.
revoke() {
	"$writ" revoke -C ca -y --reason 'a test' "$@" >>"$ca_log" 2>&1 &&
		"$writ" krl -C ca -o list >>"$ca_log" 2>&1
}

# in_list FILE: status 0 when the list has it; errors are neither.
in_list() {
	local out

	out=$(ssh-keygen -Q -f list "$1" 2>&1)
	case $out in
	*': REVOKED') return 0 ;;
	*': ok') return 1 ;;
	esac
	t_fail "ssh-keygen -Q $1" "$out"
	return 2
}

version() {
	ssh-keygen -Q -l -f list | sed -n 's/^# KRL version //p'
}

cert() { # NAME [OPTION...]: a key and its certificate
	ca_key ed25519 "$1"
	ca_cert ca "$1" deploy "${@:2}" || t_fail "certificate $1"
}

for name in serial low high id key other; do
	cert $name
done
t 'a list when nothing was revoked' "$writ" krl -C ca -o list
t_eq 'is the first' 1 "$(version)"
for name in serial id key; do
	t_not "$name is not in it" in_list $name-cert.pub
done
"$writ" krl -C ca -o again >>"$ca_log" 2>&1
t 'the same bytes, asked again' cmp list again

t 'revoke a serial' revoke -i olga "$(ca_serial serial-cert.pub)"
t 'it is in the list' in_list serial-cert.pub
t_not 'its key without the certificate is not' in_list serial.pub
t_not 'another is not' in_list other-cert.pub
t_eq 'which is the second' 2 "$(version)"
t 'revoked again is a success' revoke -i ivan "$(ca_serial serial-cert.pub)"

# again NAME REASON: nobody gets a certificate a second time that was revoked,
# and who wants it is told when and by whom that was.
again() {
	cp "$1-cert.pub" "$1.kept"
	rm "$1-cert.pub"
	t "what was revoked is not given out again ($1)" ends 1 \
		"by olga@example.com, $2: 'a test'" "$writ" sign -C ca "$1.req"
	t_not "there is no file of it ($1)" test -e "$1-cert.pub"
	mv "$1.kept" "$1-cert.pub"
}
again serial 'with its serial'
cp other-cert.pub other.kept
t 'another is, as it was' "$writ" sign -C ca other.req
t 'to the byte' cmp other-cert.pub other.kept

# The same request, certified twice, has one serial of two CAs.
ca_key ed25519 both
"$writ" request -C ca deploy -m 'at night' -i alice --key both.pub \
	-o both.req 2>>"$ca_log"
t 'a certificate' "$writ" sign -C ca both.req -o day-cert.pub
t 'of two CAs' "$writ" sign -C ca/emergency both.req -o night-cert.pub
t_eq 'has one serial' "$(ca_serial day-cert.pub)" \
	"$(ca_serial night-cert.pub)"
t 'which is revoked' revoke -i olga "$(ca_serial day-cert.pub)"
t 'of one' in_list day-cert.pub
t 'and of the other' in_list night-cert.pub

# --- ranges
low=$(ca_serial low-cert.pub)
t 'revoke three in a row' revoke -i olga $((low + 1)) "$low" $((low - 1))
t 'the middle is in it' in_list low-cert.pub
t_has 'as one range' "$(ssh-keygen -Q -l -f list)" \
	"serial: $((low - 1))-$((low + 1))"

# --- a slip of the pen
unknown() { # SERIAL ...: what it says of them
	"$writ" revoke -C ca -y --reason 'a test' -i olga "$@" 2>&1
}
out=$(unknown 4711 "$(ca_serial low-cert.pub)")
t_eq 'a serial that was never issued is revoked' 0 $?
t_has 'and said' "$out" \
	'warning: the log has no certificate with serial 4711'
"$writ" krl -C ca -o list >>"$ca_log" 2>&1
t_has 'the list has it' "$(ssh-keygen -Q -l -f list)" 'serial: 4711'
t_has 'of many a few are named' "$(unknown 1 2 3 4 5 6 7)" \
	'no certificate with serial 1, 2, 3, 4, 5 and 2 more'
t_not 'one that was issued is not' grep -q 'the log has no' \
	<(unknown "$(ca_serial low-cert.pub)")

# --- key IDs
id=$(ssh-keygen -L -f id-cert.pub | sed -n 's/^ *Key ID: "\(.*\)"$/\1/p')
t 'revoke a key ID' revoke -i ivan --key-id "$id"
t 'it is in the list' in_list id-cert.pub
t_not 'another is not' in_list other-cert.pub
t_has 'by its words' "$(ssh-keygen -Q -l -f list)" "id: $id"

# --- keys
t 'revoke a key' revoke -i olga --key key.pub
t 'its certificate is in the list' in_list key-cert.pub
t 'so is the key' in_list key.pub
t_not 'another is not' in_list other.pub
for type in ecdsa256 ecdsa384 ecdsa521 rsa3072; do
	ca_key $type $type
	t "revoke a key $type" revoke -i olga --key $type.pub
	t "it is in the list ($type)" in_list $type.pub
done
for sk in sk-ed25519 sk-ecdsa256; do
	cp "$TOP/tests/data/ssh/$sk.pub" .
	t "revoke a key $sk" revoke -i olga --key $sk.pub
	t "it is in the list ($sk)" in_list $sk.pub
done

# --- what one officer may not
t_not 'one officer does not revoke a CA' revoke -i olga \
	--key ca/policy/authorities/user_ca.pub
t_not 'alice does not revoke a certificate of ivan' revoke -i alice 4711
t_not 'no reason, no revocation' "$writ" revoke -C ca -y -i olga 4711

# --- a person, last: alice asks no more
# A name that is mistyped, or that of somebody who has left.
out=$("$writ" revoke -C ca -y -i olga --reason 'gone' \
	--person alise@example.com 2>&1)
t_eq 'somebody of whom the policy does not know is revoked' 0 $?
t_has 'with a warning' "$out" \
	'warning: the policy has no person alise@example.com'
t_not 'and nobody else is' in_list other-cert.pub
t 'revoke a person' revoke -i olga --person alice@example.com
t 'every certificate is in the list' in_list other-cert.pub
t 'so is the key' in_list alice.pub
again other 'with alice@example.com'
t_not 'another person is not' in_list ivan.pub
t 'and what was in it before' in_list serial-cert.pub

t 'two officers revoke a CA' revoke -i olga -i ivan \
	--key ca/policy/authorities/user_ca.pub
for name in high other day; do
	t "all that it signed is in the list ($name)" in_list $name-cert.pub
done
t_done
