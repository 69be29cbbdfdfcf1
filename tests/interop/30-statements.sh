#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what ssh-keygen -Y sign signs is a statement of ours, and
# a statement of ours is what ssh-keygen -Y verify believes, with nothing but
# head(1) and tail(1) between them.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

tool=$O/tools/statementtool
cd "$T" || exit 1
ssh-keygen -q -t ed25519 -N '' -C subject -f subject

# sign KEY NAMESPACE <message: message and block, as a statement file.
sign() {
	cat >to-sign
	cat to-sign
	ssh-keygen -q -Y sign -n "$2" -f "$1" <to-sign 2>err.txt
}

# stock FILE NAMESPACE: the command that the manual gives to everybody.
stock() {
	head -n 1 "$1" | ssh-keygen -Y verify -f allowed_signers \
		-I alice@example.com -n "$2" -s <(tail -n +2 "$1")
}

name_of() {
	head -n 1 "$1" | sha256sum | cut -d' ' -f1
}

# --- each type of key that people have
for type in ed25519 ecdsa256 ecdsa384 ecdsa521 rsa; do
	bits=()
	case $type in
	ecdsa*) bits=(-t ecdsa -b "${type#ecdsa}") ;;
	rsa) bits=(-t rsa -b 3072) ;;
	*) bits=(-t "$type") ;;
	esac
	ssh-keygen -q "${bits[@]}" -N '' -C "$type" -f "$type"
	printf 'alice@example.com namespaces="request@writ" %s\n' \
		"$(cat "$type.pub")" >allowed_signers
	"$tool" request alice@example.com subject.pub |
		sign "$type" request@writ >r.req
	t "we verify what ssh-keygen signs with $type" "$tool" verify r.req
	t_eq "its name is the SHA-256 of the line, its signer the key ($type)" \
		"$(name_of r.req) request $(cut -d' ' -f1,2 <"$type.pub")" \
		"$("$tool" verify r.req | tr '\n' ' ' | sed 's/ $//')"
	t "stock ssh-keygen verifies the file ($type)" stock r.req request@writ
	t_not "stock ssh-keygen refuses another namespace ($type)" \
		stock r.req decision@writ
	sed '1s/deploy/deploX/' r.req >other.req
	t_not "we refuse another word in it ($type)" "$tool" verify other.req
	t_not "stock ssh-keygen refuses it too ($type)" \
		stock other.req request@writ
done

# --- what ssh-keygen does by default and on request
printf 'alice@example.com %s\n' "$(cat ed25519.pub)" >allowed_signers
"$tool" request alice@example.com subject.pub >msg
ssh-keygen -q -Y sign -n request@writ -O hashalg=sha256 -f ed25519 <msg \
	>sig 2>err.txt
cat msg sig >sha256.req
t 'a signature over SHA-256 counts as well' "$tool" verify sha256.req
t 'stock ssh-keygen agrees' stock sha256.req request@writ
sign ed25519 decision@writ <msg >wrong.req
t_not 'a request signed as a decision is refused' "$tool" verify wrong.req
sign ed25519 file <msg >file.req
t_not 'a request signed as a file is refused' "$tool" verify file.req
t_not 'a message without a signature is refused' "$tool" verify msg
t_has 'the message names the namespace it has' \
	"$("$tool" verify wrong.req 2>&1)" decision@writ

# --- several signers: blocks back to back, in any order
ssh-keygen -q -Y sign -n request@writ -f rsa <msg >rsa.sig 2>err.txt
ssh-keygen -q -Y sign -n request@writ -f ed25519 <msg >ed.sig 2>err.txt
cat msg rsa.sig ed.sig >two.req
t 'two signatures verify' "$tool" verify two.req
t_eq 'both signers are named' 3 "$("$tool" verify two.req | wc -l)"
cat msg ed.sig ed.sig >twice.req
t_not 'one signature twice is refused' "$tool" verify twice.req
{ cat msg rsa.sig; echo; cat ed.sig; } >gap.req
t_not 'a line between the blocks is refused' "$tool" verify gap.req
{ cat msg ed.sig; echo hello; } >tail.req
t_not 'a line after the blocks is refused' "$tool" verify tail.req
sed 's/$/\r/' two.req >crlf.req
t_not 'lines that end in CR LF are refused' "$tool" verify crlf.req
t_has 'and the message says so' "$("$tool" verify crlf.req 2>&1)" 'CR LF'

# --- written by hand: another order of keys, blanks
realm=$(printf '%064d' 0)
printf '{ "type": "key", "action": "add", "v": 1, "by": "alice@example.com", "at": "2026-03-02T10:00:00Z", "nonce": "%032d", "realm": "%s", "key": "%s" }\n' \
	0 "$realm" "$(cut -d' ' -f1,2 <subject.pub)" |
	sign ed25519 key@writ >hand.key
t 'a statement written by hand verifies' "$tool" verify hand.key
t 'stock ssh-keygen verifies it' stock hand.key key@writ
t_has 'it is told in words' "$("$tool" tell hand.key)" \
	"$(ssh-keygen -l -f subject.pub | cut -d' ' -f2)"

# --- a log says something too
"$tool" krl ca_log | sign ed25519 krl@writ >seven.krl
t 'the statement of a revocation list verifies' "$tool" verify seven.krl
t_done
