#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: private keys go both ways between us and OpenSSH (and
# from OpenSSL to us), and what any of them signs, ssh-keygen -Y verifies.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

keytool=$O/tools/keytool
cd "$T" || exit 1
echo 'a statement' >msg

# check_sig NAME PUB SIG: stock ssh-keygen is the judge.
check_sig() {
	printf 'alice namespaces="request@writ" %s\n' "$(cat "$2")" >signers
	t "$1" ssh-keygen -Y verify -f signers -I alice -n request@writ \
		-s "$3" <msg
}

fields12() {
	cut -d' ' -f1,2
}

# --- ours, read by OpenSSH
for type in ed25519 p256 p384 p521 rsa; do
	t "generate $type" "$keytool" generate $type "our-$type"
	t_eq "ssh-keygen -y reads our $type" \
		"$(fields12 <"our-$type.pub")" \
		"$(ssh-keygen -y -P '' -f "our-$type" 2>&1 | fields12)"
	t "generate $type with a passphrase" \
		env NEWPASS='pass phrase' "$keytool" generate $type "enc-$type"
	t_eq "ssh-keygen -y reads our encrypted $type" \
		"$(fields12 <"enc-$type.pub")" \
		"$(ssh-keygen -y -P 'pass phrase' -f "enc-$type" 2>&1 | fields12)"
	t_not "ssh-keygen refuses our $type under another passphrase" \
		ssh-keygen -y -P 'pass' -f "enc-$type"
	t_has "our encrypted $type says its comment" \
		"$(ssh-keygen -l -f "enc-$type" 2>&1)" keytool
	ssh-keygen -q -Y sign -n request@writ -f "our-$type" <msg >our.sig 2>&1
	check_sig "ssh-keygen signs with our $type" "our-$type.pub" our.sig
	"$keytool" sign "our-$type" request@writ <msg >our.sig
	check_sig "we sign with our $type" "our-$type.pub" our.sig
done
t_eq 'our file has mode 0600' 600 "$(stat -c %a our-ed25519)"
t_eq 'our lines are as long as those of ssh-keygen' 70 \
	"$(awk '{ n = length($0); if (n > m) m = n } END { print m }' our-rsa)"

# --- theirs, read by us
theirs() { # NAME TYPE BITS OPTIONS...
	local name=$1 type=$2 bits=$3

	shift 3
	ssh-keygen -q -t "$type" -b "$bits" -C their "$@" -f "$name" </dev/null
	t_eq "we read their $name" "$(fields12 <"$name.pub")" \
		"$(OLDPASS=secret "$keytool" public "$name" 2>&1)"
	OLDPASS=secret "$keytool" sign "$name" request@writ <msg >their.sig
	check_sig "we sign with their $name" "$name.pub" their.sig
	t "we rewrite their $name" \
		env OLDPASS=secret "$keytool" convert "$name" "$name-ours"
	t_eq "ssh-keygen reads their $name as we wrote it" \
		"$(fields12 <"$name.pub")" \
		"$(ssh-keygen -y -P '' -f "$name-ours" 2>&1 | fields12)"
}
for spec in 'ed25519 256' 'ecdsa 256' 'ecdsa 384' 'ecdsa 521' 'rsa 3072'; do
	read -r type bits <<<"$spec"
	theirs "$type$bits" "$type" "$bits" -N ''
	theirs "$type$bits-encrypted" "$type" "$bits" -N secret
	[ "$type" != ed25519 ] || continue
	theirs "$type$bits-pem" "$type" "$bits" -N '' -m PEM
	theirs "$type$bits-pem-encrypted" "$type" "$bits" -N secret -m PEM
	theirs "$type$bits-pkcs8" "$type" "$bits" -N '' -m PKCS8
	theirs "$type$bits-pkcs8-encrypted" "$type" "$bits" -N secret -m PKCS8
done
for cipher in $(ssh -Q cipher | grep '^aes'); do
	theirs "$cipher" ed25519 256 -N secret -Z "$cipher" -a 2
done
for alg in ED25519 'EC -pkeyopt ec_paramgen_curve:P-384'; do
	# shellcheck disable=SC2086 # options on purpose
	openssl genpkey -quiet -algorithm $alg -aes256 -pass pass:secret \
		-out ossl 2>/dev/null
	OLDPASS=secret "$keytool" public ossl >ossl.pub
	OLDPASS=secret "$keytool" sign ossl request@writ <msg >ossl.sig
	check_sig "a key of OpenSSL signs (${alg%% *})" ossl.pub ossl.sig
done

t_not 'a wrong passphrase is refused' \
	env OLDPASS=other "$keytool" public rsa3072-encrypted
t_has 'and says so' "$(OLDPASS=other "$keytool" public rsa3072-encrypted 2>&1)" \
	'wrong passphrase'
chmod 640 ed25519256
t_not 'a key that the group may read is refused' "$keytool" public ed25519256
chmod 600 ed25519256

# --- ssh-agent
ssh-agent -D -a "$T/agent" >/dev/null 2>&1 &
t_stop_later $!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -S "$T/agent" ] && break
	sleep 0.1
done
export SSH_AUTH_SOCK=$T/agent
for name in ed25519256 ecdsa256 ecdsa384 ecdsa521 rsa3072; do
	ssh-add -q "$name" 2>/dev/null
	"$keytool" agent "$name.pub" request@writ <msg >agent.sig
	check_sig "the agent signs with $name" "$name.pub" agent.sig
done
t_has 'the agent signs RSA by SHA-512' \
	"$(sed '/^-/d' agent.sig | base64 -d | tr -d '\0')" rsa-sha2-512
t_not 'a key that the agent lacks is refused' \
	"$keytool" agent our-ed25519.pub request@writ

# --- people
cp rsa3072.pub only-public.pub
"$keytool" person only-public.pub request@writ <msg >person.sig
check_sig 'a person signs by the agent' rsa3072.pub person.sig
"$keytool" person our-p256 request@writ <msg >person.sig
check_sig 'a person signs with a file' our-p256.pub person.sig
t_eq 'nothing is said on the way' '' \
	"$("$keytool" person our-p256 request@writ <msg 2>&1 >/dev/null)"

t_done
