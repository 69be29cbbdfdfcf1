#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the client side of writ against a CA that answers as
# ca/common/calls.md says: what it pins, asks, believes and refuses to believe,
# where certificates end up, and what it says when something is wrong.  The CA
# is tests/tools/fakeca in the place of ssh; policy decides behind it.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"
cd "$T" || exit 1

mkdir bin work
cp "$TOP/tests/tools/fakeca" bin/ssh
PATH=$T/bin:$PATH
export FAKE_DIR=$T/corp FAKE_STATE=$T/state WRIT_CONFIG=$T/conf

ca_people
ca_key ed25519 hca
cp olga.pub ivan.pub alice.pub work/
eval "$(declare -f ca_policy | sed '1s/ca_policy/plain_policy/')"
ca_policy() {
	plain_policy "$1"
	cat >>"$1/ca.yaml" <<-'END'
	  careful:
	    to: [engineers]
	    principals: [admin, deploy]
	    max: 1h
	    approve: [{approvers: 1}]
	END
}
if ! HOST_CA=hca ca_make corp; then
	t_fail 'a deployment' "$(cat "$ca_log")"
	t_done
fi
root=$(sed -n 's/.*another way: //p' "$ca_log")
in_work() { # as: writ in a directory that is no deployment
	(cd "$T/work" && "$writ" "$@")
}
as() { # PERSON WORDS...: with the key of that person
	local who=$1

	shift
	FAKE_PERSON=$who@example.com in_work "$@"
}

# on_terminal FILE 'UNTIL=ANSWER'... -- WORDS...: writ on a terminal of its own;
# what it showed, and a line "status N", go into FILE
on_terminal() {
	local file=$1

	shift
	python3 - "$writ" "$@" >"$file" 2>&1 <<'END'
import os, pty, sys
at = sys.argv.index("--")
turns, words = sys.argv[2:at], sys.argv[at + 1:]
os.chdir("work")
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:2] + words)
def until(text):
    seen = b""
    while text not in seen:
        try:
            seen += os.read(fd, 4096)
        except OSError:
            break
    sys.stdout.write(seen.decode(errors="replace"))
for turn in turns:
    text, answer = turn.split("=", 1)
    until(text.encode())
    os.write(fd, answer.encode() + b"\n")
until(b"what never comes")
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
}

# --- trust
other=SHA256:$(printf 'x' | openssl dgst -sha256 -binary | base64 | tr -d =)
out=$(in_work trust ca.example.com "$other" -i "$T/alice" 2>&1)
t_eq 'another root of trust is refused' 1 $?
t_has 'and says whose it is' "$out" 'another root of trust'
t_not 'and nothing was written' test -e conf
out=$(FAKE_MODE=badfile in_work trust ca.example.com "$root" 2>&1)
t_has 'a file that is not what MANIFEST names is refused' "$out" \
	'is not what its MANIFEST names'
t_not 'and nothing was written then' test -e conf/config.yaml
out=$(in_work status 2>&1)
t_eq 'without a CA that is trusted nothing is asked' 6 $?
t_has 'and says how to begin' "$out" 'writ trust'
for words in "'a b' $root" "host:99999 $root" "ca.example.com SHA256:abc"; do
	eval "out=\$(in_work trust $words 2>&1)"
	t_eq "trust $words is bad usage" 2 $?
	t_has 'and says what was expected' "$out" ', expected '
done
t 'the right root is pinned' in_work trust ca.example.com "$root" \
	-i "$T/alice"
t_eq 'the directory is nobody else'"'"'s' 700 "$(stat -c %a conf)"
t_has 'the configuration names the root' "$(cat conf/config.yaml)" "$root"
t_has 'and the key' "$(cat conf/config.yaml)" "key: '$T/alice'"
out=$(in_work policy show 2>&1)
t_eq 'the policy in force is shown where it is copied to' 6 $?
t_has 'and that is said' "$out" 'writ policy pull DIR copies'
t 'pinning it again is fine' in_work trust ca.example.com "$root" -i "$T/alice"
out=$(in_work trust ca.example.com "$other" 2>&1)
t_has 'another one needs a place of its own' "$out" WRIT_CONFIG
argv=" $(tr '\n' ' ' <state/argv)"
for word in ' -a ' ' -x ' ' -T ' ' ClearAllForwardings=yes ' \
	' PermitLocalCommand=no ' ' ControlPath=none ' ' -s ca.example.com writ ' \
	' -p 2022 '; do
	t_has "ssh is told$word" "$argv" "$word"
done
in_work status >/dev/null
t_has 'later the host key must be the one that was seen' "$(cat state/argv)" \
	'StrictHostKeyChecking=yes'

# --- why ssh fails
for case in 'refused nobody listens' 'changed is not the one that was trusted' \
	'unknown not known here' 'nokey knows none of your keys' \
	'garbage frame of' 'other another call' 'realm another root of trust' \
	'text request'; do
	out=$(FAKE_MODE=${case%% *} in_work status 2>&1)
	status=$?
	[ "${case%% *}" = text ] && continue
	t_has "mode ${case%% *} is told in a sentence" "$out" "${case#* }"
	t "mode ${case%% *} fails" test $status -ne 0
done

# --- a grant that needs nobody
t 'a request that needs nobody is issued' in_work request viewer \
	-m 'to read the logs' >out.txt
cat out.txt
id=$(basename conf/requests/*)
t 'without an agent the key is a file' test -f "conf/requests/$id/key"
t_eq 'of mode 0600' 600 "$(stat -c %a "conf/requests/$id/key")"
t_has 'the certificate is for that key' \
	"$(ssh-keygen -lf "conf/requests/$id/key-cert.pub")" \
	"$(ssh-keygen -lf "conf/requests/$id/key" | cut -d' ' -f2)"
t_has 'status lists it' "$(in_work status)" "${id:0:12}"
t_has 'and its state' "$(in_work status)" issued

# --- an agent
eval "$(ssh-agent -a "$T/agent" -s)" >/dev/null
t_stop_later "$SSH_AGENT_PID"
t 'with an agent' in_work request viewer -m 'to read the logs' --for 30m
t_has 'the certificate is in it' "$(ssh-add -L)" \
	'ssh-ed25519-cert-v01@openssh.com'
new=$(find conf/requests -mindepth 1 -maxdepth 1 ! -name "$id" -printf '%f\n')
t_not 'and its private key nowhere else' test -e "conf/requests/$new/key"
t 'a key of one'"'"'s own gets its certificate beside it' in_work request \
	viewer -m 'to read the logs' --key "$T/alice.pub"
t_has 'where ssh finds it' "$(ssh-keygen -L -f alice-cert.pub)" viewer
t '-o names a new pair' in_work request viewer -m 'to read' -o pair
t_eq 'whose private half nobody else reads' 600 "$(stat -c %a work/pair)"
t 'with its certificate' ssh-keygen -L -f work/pair-cert.pub
t_not '-o replaces no key' in_work request viewer -m 'to read' -o pair
asked=$(find conf/requests -mindepth 1 | wc -l)
out=$(in_work request viewer -m 'to read' -o nowhere/pair 2>&1)
t_eq 'where no file can be made nothing is asked for' "6 $asked" \
	"$? $(find conf/requests -mindepth 1 | wc -l)"
t_has 'and the place is named' "$out" 'nowhere/: No such file'

# --- one that needs an approval
out=$(in_work request admin -m 'to mend it' --no-wait 2>&1)
t_eq '--no-wait leaves it waiting' 3 $?
t_has 'and says what gets it' "$out" 'writ fetch'
id=$(grep -o 'fetch [0-9a-f]*' <<<"$out" | head -n 1 | cut -d' ' -f2)
out=$(in_work fetch "$id" 2>&1)
t_eq 'fetch says that it waits' 3 $?
t_has 'and for whom' "$out" '1 of approvers (olga@example.com)'
t_has 'it is pending for an approver' "$(as olga pending -- 2>&1)" "$id"
out=$(in_work show "$id")
t_has 'show has the reason' "$out" 'to mend it'
t_has 'and who signed it, by the policy of the CA' "$out" \
	"$(ssh-keygen -lf alice.pub | cut -d' ' -f2) alice@example.com"
in_work show "$id" --json >show.json
t_eq 'as JSON it has what was signed' 'to mend it true' \
	"$(jq -r '"\(.reason) \(.verified)"' show.json)"
t_eq 'and apart from it the state, and for whom it waits' \
	'waiting approvers olga@example.com' "$(jq -r '.at_ca | "\(.state) \(
		.needs[0].group) \(.needs[0].who[0])"' show.json)"
out=$(in_work show abc 2>&1)
t_has 'what is neither file nor ID is told so' "$out" \
	'no ID, expected 8 hex digits'
t_has 'and where serials are known' "$(in_work show 12345678901234 2>&1)" \
	'writ show -C DIR SERIAL'
out=$(cd work && FAKE_PERSON=olga@example.com setsid -w "$writ" approve \
	-i "$T/olga" 2>&1 </dev/null)
t_eq 'without a terminal nobody is asked which' 1 $?
t_has 'and told how to name them' "$out" 'writ approve ID ... -y'
t_eq 'a key that is not there is named once' \
	"writ: $T/none: no such file" \
	"$(as olga approve "$id" -i "$T/none" -y 2>&1 | tail -n 1)"
out=$(in_work approve "$id" -i "$T/alice" -y 2>&1)
t_has 'one'"'"'s own request: a warning' "$out" 'does not count'
rm -f "$FAKE_STATE"/*.req.alice@example.com
t 'an approver approves it' as olga approve "$id" -i "$T/olga" -y
t 'fetch puts it into the agent' in_work fetch "$id"
t_eq 'then it is told as issued, and on whose word' \
	'issued olga@example.com true' "$(in_work show "$id" --json |
		jq -r '.at_ca | "\(.state) \(.decisions[0].person) \(
			.decisions[0].approve)"')"
t_has 'as admin' "$(ssh-add -L | grep cert | while read -r line; do
	echo "$line" | ssh-keygen -L -f -
done)" admin

# --- waiting
in_work request admin -m 'to wait for it' >wait.out 2>wait.err &
waiter=$!
t_stop_later $waiter
for ((i = 0; i < 100; i++)); do
	grep -q '^[0-9a-f]* waits for' wait.err && break
	sleep 0.1
done
t_has 'who waits is told for whom' "$(cat wait.err)" \
	'1 of approvers (olga@example.com)'
t_has 'whom was told, and how' "$(cat wait.err)" \
	'told: olga@example.com by webhook'
id=$(grep -o '^[0-9a-f]\{12\} waits' wait.err | head -n 1 | cut -d' ' -f1)
t 'it is approved meanwhile' as olga approve "$id" -i "$T/olga" -y
wait $waiter
t_eq 'and the waiting ends well' 0 $?
t_has 'with a certificate' "$(cat wait.out)" issued

# --- what would go faster; an interrupt
(cd work && exec "$writ" request deploy --grant careful -m 'to wait' \
	>../int.out 2>../int.err) &
waiter=$!
t_stop_later $waiter
for ((i = 0; i < 100; i++)); do
	grep -q '^[0-9a-f]* waits for' int.err && break
	sleep 0.1
done
t_has 'a grant that needs nobody is named' "$(cat int.err)" \
	'--grant work --for 1h needs no approval'
kill -TERM $waiter
wait $waiter
t_eq 'an interrupt leaves the request' 3 $?
t_has 'and says how to go on' "$(cat int.err)" 'writ fetch'
id=$(grep -o 'writ fetch [0-9a-f]*' int.err | tail -n 1 | cut -d' ' -f3)
t 'its key waits in a file' test -f conf/requests/"$id"*/key

# --- denied
t 'it is denied' as olga deny "$id" --comment 'not today' -i "$T/olga" -y
out=$(in_work fetch "$id" 2>&1)
t_eq 'a denial is a refusal' 1 $?
t_has 'with its comment' "$out" 'not today'
t_not 'and its key is gone' test -e conf/requests/"$id"*/key

# --- an output that cannot take it
for words in status "show $id --json" 'pending --csv' 'config ssh'; do
	# shellcheck disable=SC2086 # they are words
	out=$(in_work $words 2>&1 >/dev/full)
	t_eq "$words is not half told" 6 $?
	t_eq 'and the reason is the one there is' \
		'writ: standard output: No space left on device' "$out"
done

# --- several at once, one signature
rm -f state/signatures
ids=()
for i in 1 2 3; do
	in_work request admin -m "number $i" --no-wait >/dev/null 2>many.err
	ids+=("$(grep -o 'fetch [0-9a-f]*' many.err | head -n 1 | cut -d' ' -f2)")
done
t 'three are approved at once' as olga approve "${ids[@]}" -i "$T/olga" -y
t_eq 'with one signature' 'olga@example.com 3' "$(cat state/signatures)"
ids=()
for i in 4 5 6; do
	in_work request admin -m "number $i" --no-wait >/dev/null 2>many.err
	ids+=("$(grep -o 'fetch [0-9a-f]*' many.err | head -n 1 | cut -d' ' -f2)")
done
rm -f state/signatures
FAKE_PERSON=olga@example.com on_terminal marked.out 'none) =1,3' '[y/N] =y' -- \
	approve -i "$T/olga"
t_has 'marked on the terminal by number' "$(cat marked.out)" 'status 0'
t_eq 'two of them, with one signature' 'olga@example.com 2' \
	"$(cat state/signatures)"

# --- a CA that lies, one that goes away
out=$(FAKE_MODE=swap as olga approve "${ids[1]}" -i "$T/olga" -y 2>&1)
t_eq 'another statement than asked for is not signed' 1 $?
t_has 'and named' "$out" 'another statement'
out=$(FAKE_MODE=text in_work status 2>&1)
t 'an escape sequence from the CA is refused' test $? -ne 0
t_eq 'and does not reach the terminal' 0 "$(grep -c $'\033' <<<"$out")"
in_work request admin -m 'to be kept' --no-wait >/dev/null 2>many.err
id=$(grep -o 'fetch [0-9a-f]*' many.err | head -n 1 | cut -d' ' -f2)
out=$(FAKE_MODE=lost:submit as olga approve "$id" -i "$T/olga" -y 2>&1)
t_eq 'a decision that cannot be sent' 6 $?
t_has 'is kept' "$out" 'unsent'
t_eq 'as one file' 1 "$(find conf/unsent -type f | wc -l)"
out=$(as olga pending 2>&1)
t_has 'and sent by the next command, which says so' "$out" 'was sent now'
t_eq 'then it is kept no longer' 0 "$(find conf/unsent -type f | wc -l)"
t 'so the request is issued' in_work fetch "$id"
out=$(FAKE_MODE=rollback in_work status 2>&1)
t_eq 'nothing was forgotten, so nothing is missed' 0 $?

# --- keys and revocations
ca_key ed25519 alice2
out=$(in_work key add "$T/alice2.pub" -i "$T/alice")
t_eq 'a further key is sent, and may wait for officers' 0 $?
t_has 'and what the CA says of it is told' "$out" 'it is in the log'
t 'it is folded in' in_work status
out=$(FAKE_MODE=rollback in_work status 2>&1)
t_eq 'a log shorter than seen before is refused' 1 $?
serial=$(ca_serial alice-cert.pub)
t 'a revocation is sent' in_work revoke "$serial" --reason 'a test' \
	-i "$T/alice" -y

# --- ensure, why, ssh_config
out=$(cd work && setsid -w "$writ" ensure \
	web1.example.com admin 2>&1)
t_eq 'ensure finds the certificate of the account' 0 $?
t 'and names it for ssh' ssh-keygen -L -f \
	conf/ssh/admin@web1.example.com-cert.pub
out=$(cd work && setsid -w "$writ" ensure web1.example.com limited 2>&1 </dev/null)
t_eq 'without a terminal it fails at once' 1 $?
t_has 'with the command to type' "$out" 'writ request limited -m REASON'
on_terminal ensure.out 'certificate) =to try it' '[1] =2' -- ensure \
	web1.example.com limited
t_has 'on a terminal it asks, and has one made' "$(cat ensure.out)" 'status 0'
t_has 'for the host alone, as it was answered' "$(ssh-keygen -L -f \
	conf/ssh/limited@web1.example.com-cert.pub)" limited@web1.example.com
t 'then it is at hand, without a terminal' env -C work setsid -w "$writ" \
	ensure web1.example.com limited
on_terminal ensure.out 'certificate) =' -- ensure web1.example.com deploy
t_has 'no reason, no certificate' "$(cat ensure.out)" 'status 1'
out=$(cd work && setsid -w "$writ" ensure github.com git 2>&1 </dev/null)
t_eq 'of accounts that no grant gives' 1 $?
t_eq 'it says nothing' '' "$out"
out=$(in_work why admin@web1.example.com)
t_has 'why lists what is at hand' "$out" 'nothing against it is known here'
t_has 'and what the CA says' "$out" 'may ask for deploy under work'
out=$(in_work why nobody@web1.example.com)
t_has 'and what is wrong with it' "$out" 'no principal of it is nobody'
in_work config ssh >ssh_config
t_has 'the snippet asks writ' "$(cat ssh_config)" 'writ ensure %h %r"'
sed -i 's/exec ".*"/exec "true"/' ssh_config
real=$(PATH=${PATH#*:} command -v ssh)
t 'stock ssh takes the snippet' "$real" -F ssh_config -G \
	deploy@web1.example.com
out=$("$real" -F ssh_config -G deploy@web1.example.com)
t_has 'with the identity' "$out" "$T/conf/ssh/%r@%h"
t_has 'with the host CAs' "$(cat conf/ssh/known_hosts)" \
	"@cert-authority *.example.com $(cut -d' ' -f1,2 hca.pub)"
t_has 'for hosts of the grants alone' \
	"$("$real" -F ssh_config -G git@github.com)" 'identitiesonly no'
t 'the list of revoked keys is one' ssh-keygen -Q -l -f conf/revoked.krl

# --- policy
t 'an officer pulls the policy' in_work policy pull "$T/copy"
sed -i 's/max: 8h/max: 6h/' copy/policy/ca.yaml
out=$("$writ" policy sign -C copy -i olga -y 2>&1)
t_has 'signs it, where no log is' "$out" 'writ policy push'
t 'and sends it' in_work policy push -C "$T/copy"
t_has 'whole' "$(cat state/pushed)" '"manifest"'
sed -i '/^version:/s/1/2/' copy/policy/root.yaml
t 'a new root.yaml is signed by one' "$writ" policy sign -C copy -i olga -y
out=$(in_work policy push -C "$T/copy" 2>&1)
t_eq 'which does not go before it is complete' 3 $?
t_has 'and says so' "$out" 'lacks signatures'
t 'another one completes it' "$writ" policy sign -C copy -i ivan -y
t 'then it is sent' in_work policy push -C "$T/copy"
t_has 'with the new root' "$(cat state/pushed)" '"file"'

# --- files are files still
cp alice.pub corp/
t 'with -C the request is a file' "$writ" request deploy -C corp --grant work \
	-m 'a file' --key alice.pub -i alice -o corp/a.req
t 'and so is the approval of a file' in_work approve "$T/corp/a.req" \
	-C "$T/corp" -i "$T/olga" -y

# --- completion
"$writ" completion bash >completion.bash
t 'bash takes the completion' bash -n completion.bash
# completes CWORD WORDS...: in a shell of its own
completes() {
	bash -c '. ./completion.bash
		COMP_CWORD=$1; shift
		COMP_WORDS=("$@")
		_writ
		echo "${COMPREPLY[*]}"' - "$@"
}
t_eq 'and completes a subcommand' pending "$(completes 1 writ pend)"
t_eq 'and one of a subcommand' push "$(completes 2 writ policy pus)"
t_eq 'and an option' '--no-wait' "$(completes 3 writ request deploy --no-w)"
t_eq 'and what another program has' 'apply' \
	"$(completes 2 "$writ" fleet appl)"
t_eq 'its subcommands' 'list' "$(completes 3 "$writ" fleet token l)"
t_eq 'and options' '--count' \
	"$(completes 4 "$writ" fleet token new --co)"
t 'the one that is installed is this one' cmp completion.bash \
	"$TOP/packaging/completion/writ.bash"
"$writ" completion zsh >completion.zsh
t 'that of zsh too' cmp completion.zsh "$TOP/packaging/completion/_writ"
t_done
