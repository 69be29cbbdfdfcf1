#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: every statement that the commands write is believed by
# stock ssh-keygen, with the allowed_signers file that writ policy signers
# prints, and by that file's word for nobody else and nothing else.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
ca_people
ca_key ed25519 petra
t 'a deployment' ca_make ca --operator petra@example.com=petra.pub
"$writ" policy signers -C ca >allowed_signers
t_eq 'a line for each key of a person, and for each log' 6 \
	"$(grep -c namespaces= allowed_signers)"

# stock FILE WHO NAMESPACE [N]: the command of the manual; N: the signature
# that is asked, where there are several (1).
stock() {
	head -n 1 "$1" | ssh-keygen -Y verify -f allowed_signers -I "$2" \
		-n "$3" -s <(tail -n +2 "$1" | awk -v n="${4:-1}" '
		    /BEGIN SSH SIGNATURE/ { i++ } i == n')
}

# judged NAME FILE WHO NAMESPACE
judged() {
	t "$1: $3 said it" stock "$2" "$3" "$4"
	t_not "$1: nobody else did" stock "$2" ivan@example.com.evil "$4"
	t_not "$1: it is no other statement" stock "$2" "$3" token@writ
	sed '1s/"v":1/"v":2/' "$2" >changed
	t_not "$1: one byte changed" stock changed "$3" "$4"
}

"$writ" request -C ca deploy -m 'to be judged' -i alice --key alice.pub \
	-o r.req 2>>"$ca_log"
judged 'a request' r.req alice@example.com request@writ
# As the issue of the first release has it, to the letter.
t 'by the command of the manual' bash -c 'head -n 1 r.req |
    ssh-keygen -Y verify -f allowed_signers -I alice@example.com \
    -n request@writ -s <(tail -n +2 r.req)'
"$writ" approve -C ca -y -i olga r.req >>"$ca_log" 2>&1
judged 'a decision' r.req.olga@example.com olga@example.com decision@writ
"$writ" deny -C ca -y -i ivan --comment 'not today' r.req >>"$ca_log" 2>&1
judged 'a denial' r.req.ivan@example.com ivan@example.com decision@writ
"$writ" revoke -C ca -y -i ivan --reason 'to be judged' \
	--key-id alice@example.com/0 -o r.revoke 2>>"$ca_log"
judged 'a revocation' r.revoke ivan@example.com revoke@writ
ca_key ecdsa256 new
"$writ" key add -C ca -i alice new.pub -o new.key 2>>"$ca_log"
judged 'a new key' new.key alice@example.com key@writ
printf 'alice@example.com %s\n' "$(cat new.pub)" >old_signers
t 'a new key: the key itself said it too' bash -c 'head -n 1 new.key |
    ssh-keygen -Y verify -f old_signers -I alice@example.com -n key@writ \
    -s <(tail -n +2 new.key | awk "/BEGIN SSH SIG/ { i++ } i == 2")'
"$writ" key retire -C ca -i alice alice.pub -o old.key 2>>"$ca_log"
judged 'a retired key' old.key alice@example.com key@writ

# --- what the officers signed together
for what in root policy; do
	file=ca/bundle/$what.1
	judged "$what 1" "$file" olga@example.com $what@writ
	[ $what = policy ] || t "$what 1: ivan@example.com said it too" \
		stock "$file" ivan@example.com $what@writ 2
done

# --- what the log says of itself: leaves have their length in two bytes
"$writ" krl -C ca -o revoked.krl >>"$ca_log" 2>&1
python3 - ca/log krl.statement <<'EOS'
import pathlib, struct, sys
tiles = pathlib.Path(sys.argv[1]).glob("tile/entries/*.p/*")
data = max(tiles, key=lambda p: int(p.name)).read_bytes()
while data:
    n = struct.unpack(">H", data[:2])[0]
    leaf, data = data[2:2 + n], data[2 + n:]
    if b'"type":"krl"' in leaf.split(b"\n")[0]:
        open(sys.argv[2], "wb").write(leaf)
EOS
judged 'a revocation list' krl.statement ca_log krl@writ
t_eq 'it names the file' "$(sha256sum <revoked.krl | cut -d' ' -f1)" \
	"$(head -n 1 krl.statement | jq -r .file)"

# --- a key is good for what its person may say
may() { # KEY WHO NAMESPACE
	echo '{}' | tee line | ssh-keygen -q -Y sign -n "$3" -f "$1" >sig \
		2>/dev/null
	ssh-keygen -Y verify -f allowed_signers -I "$2" -n "$3" -s sig <line
}
for space in request decision revoke key; do
	t "everybody may sign $space@writ" may alice alice@example.com \
		$space@writ
done
for space in root policy; do
	t "an officer may sign $space@writ" may olga olga@example.com \
		$space@writ
	t_not "an engineer may not sign $space@writ" may alice \
		alice@example.com $space@writ
	t_not "an operator may not sign $space@writ" may petra \
		petra@example.com $space@writ
done
for space in fleet job accept; do
	t "an operator may sign $space@writ" may petra petra@example.com \
		$space@writ
	t_not "an officer may not sign $space@writ" may olga \
		olga@example.com $space@writ
done
t_not 'nobody may sign krl@writ' may olga olga@example.com krl@writ
t_not 'nor anything outside' may olga olga@example.com git

# --- the file follows the people
"$writ" sign -C ca new.key >>"$ca_log" 2>&1
"$writ" approve -C ca -y -i olga new.key >>"$ca_log" 2>&1
t 'a key that an officer let in' "$writ" sign -C ca new.key
"$writ" policy signers -C ca >allowed_signers
t 'is one of the signers' may new alice@example.com request@writ
t 'a key is retired' "$writ" sign -C ca old.key
"$writ" policy signers -C ca >allowed_signers
t_not 'and is none from then on' may alice alice@example.com request@writ
t_done
