#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: an auditor with a copy of the log finds every certificate
# in it, those of the emergency directory too once they are merged, proves
# each, and is told where one byte has changed.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
ca_people
t 'a deployment' ca_make ca
ca_key ed25519 day
ca_key ed25519 night
ca_key ed25519 both
ca_cert ca day deploy
CA_SIGN=ca/emergency ca_cert ca night viewer
ca_cert ca both deploy
t 'a request that both directories certify' \
	"$writ" sign -C ca/emergency both.req -o both2-cert.pub
day=$(ca_serial day-cert.pub)
night=$(ca_serial night-cert.pub)
both=$(ca_serial both-cert.pub)

# listed OPTION...: serial and log of each line.
listed() {
	"$writ" audit list -C ca --json "$@" |
		jq -r '.[] | .serial + " " + .log'
}

t_eq 'the list, before the merge' "$day ca_log
$both ca_log" "$(listed)"
t_has 'a record in words names its values apart from its labels' \
	"$("$writ" show -C ca "$day")" 'kind               user'
t_not 'what is not merged is not proved' "$writ" audit prove -C ca "$night"
t 'merge' "$writ" audit merge -C ca ca/emergency
t_eq 'the list, after the merge' "$day ca_log
$both ca_log
$night emergency_log
$both emergency_log" "$(listed)"
t 'merged again' "$writ" audit merge -C ca ca/emergency
t_eq 'changes nothing' 4 "$(listed | wc -l)"
t_eq 'as table, CSV and JSON it has as many lines' '5 5' "$(
	"$writ" audit list -C ca | wc -l) $(
	"$writ" audit list -C ca --csv | wc -l)"
# list OPTION...: the log as a table.
list() { "$writ" audit list -C ca "$@"; }
terminal 80 "$writ" audit list -C ca >narrow
t 'the table fits a terminal' test "$(widest narrow)" -le 80
list >wide
t_eq 'with all that it has' "$(characters wide)" "$(characters narrow)"
t_eq 'and serials that can be copied' 2 "$(grep -cw "$both" narrow)"
t_eq 'for how long they are good is told' 4 "$(grep -c ' for 8h ' wide)"
t_eq 'a log that was merged is told, the own one is not' \
	"$day $night(emergency_log)" "$(awk -v a="$day" -v b="$night" '
		$NF == a { printf "%s", a }
		$(NF - 1) == b { print " " b $NF }' wide)"
t_has 'times are of the zone' "$(TZ=Asia/Kathmandu list)" ' +0545  '
t_not 'with --utc they are not' grep -q +0545 \
	<(TZ=Asia/Kathmandu list --utc)
t_eq 'as JSON they never are' "$(list --json)" \
	"$(TZ=Asia/Kathmandu list --json)"
t_has 'of a sample too' "$(TZ=Asia/Kathmandu "$writ" audit sample -C ca 1)" \
	' +0545  '
t_eq 'of one person' 4 "$(listed --person alice@example.com | wc -l)"
t_eq 'of another' 0 "$(listed --person olga@example.com | wc -l)"
t 'and of one that there is none of' ends 0 "'alise@example.com' is no person" \
	list --person alise@example.com
t_eq 'which is said of nobody else' '' \
	"$(list --person olga@example.com 2>&1 >/dev/null)"
t_eq 'a sample of all is all' 4 \
	"$("$writ" audit sample -C ca 4 --json | jq length)"
t_eq 'a sample of three is three' 3 \
	"$("$writ" audit sample -C ca 3 --json | jq -r '.[] | .serial + .log' |
		sort -u | wc -l)"
for serial in $day $night; do
	t_has "a proof of $serial" \
		"$("$writ" audit prove -C ca "$serial" 2>&1)" \
		'c2sp.org/tlog-proof@v1'
done
t_not 'no proof of what is not there' "$writ" audit prove -C ca 77
t 'of two certificates with one serial none is proved by chance' ends 2 \
	'expected --log with one of ca_log, emergency_log' \
	"$writ" audit prove -C ca "$both"
t 'nor one of a log that has none' ends 2 "no log 'ca_key' has" \
	"$writ" audit prove -C ca "$both" --log ca_key
for log in ca_log emergency_log; do
	t_has "a proof of the one in $log" \
		"$("$writ" audit prove -C ca "$both" --log $log 2>&1)" "/$log"
done


# --- a serial that two logs have
evidence() { "$writ" audit evidence -C ca "$@"; }
t 'of two certificates with one serial none is chosen' ends 2 \
	'expected --log with one of ca_log, emergency_log' evidence "$both" -o ev
t_not 'and nothing is made' test -e ev
t 'nor in a log that has none' ends 2 'with one of ca_log, emergency_log' \
	evidence "$both" --log log_key -o ev
for log in ca_log emergency_log; do
	t "evidence of the one in $log" evidence "$both" --log $log -o ev-$log
	t '  which stock tools check' sh ev-$log/check.sh
	t_has '  is about it' "$(cat ev-$log/checkpoint)" "/$log"
done
t_eq 'they are two' 2 "$(cat ev-*_log/*-cert.pub | sort -u | wc -l)"
t 'one that is in one log needs no name of it' evidence "$day" -o ev-day

root=$("$writ" policy show -C ca --json | jq -r .realm)
verify() {
	"$writ" audit verify --log "dir:$1" --root "$root"
}
t_has 'verify counts both logs' "$(verify ca/log)" \
	'4 certificates, '
t_has 'and finds nothing' "$(verify ca/log)" ' 0 findings'
t_not 'another root' "$writ" audit verify --log dir:ca/log \
	--root "SHA256:$(head -c 32 /dev/zero | base64 | tr -d =)"

# --- one byte, anywhere; the journal is not for auditors
rm -rf clean
mkdir clean
(cd ca/log && tar cf - --exclude journal --exclude index --exclude lock .) |
	tar xf - -C clean
t 'a copy without the journal' verify clean
n=0
while IFS= read -r file; do
	at=$(($(stat -c %s "clean/$file") / 2))
	cp "clean/$file" kept
	flip "clean/$file" $at
	if said=$(verify clean 2>&1); then
		t_fail "byte $at of $file" "$said"
	elif [[ $said == *"$file"* || $said == *leaf* ]]; then
		n=$((n + 1))
	else
		t_fail "byte $at of $file is named" "$said"
	fi
	cp kept "clean/$file"
done < <(cd clean && find . -type f -printf '%P\n' | sort)
t_eq 'each byte that was flipped is found, and named' \
	"$(find clean -type f | wc -l)" $n

# --- and what is missing or was never there
while IFS= read -r file; do
	mv "clean/$file" kept
	t_not "without $file" verify clean
	mv kept "clean/$file"
done < <(cd clean && find tile records policy -type f | sort |
	grep -v '\.p/' | head -n 12)
echo strange >clean/tile/strange
t_not 'a foreign file' verify clean
rm clean/tile/strange
t 'the copy is as it was' verify clean

# --- what is not read again.  Leaves are, for who had which key is in them, and so
# are the logs that were merged.
reads() { # TRACE [OPTION...]: what verify opened
	strace -f -qq --seccomp-bpf -e trace=openat2 -o "$1" "$writ" audit verify \
		--log dir:clean --root "$root" "${@:2}" >trace.out
}
opened() { grep -c "\"$2\"" "$1"; } # TRACE PATTERN
if ! command -v strace >/dev/null || ldd "$writ" | grep -q libasan; then
	t_skip 'what is not read again' 'strace is not installed, or not for this'
else
	of='records/[^"]*\.\(json\|pub\)'
	own=$(find clean/records -type f | wc -l)
	merged=$(find clean/logs -path '*/records/*' -type f | wc -l)
	leaves=$(sed -n 2p clean/checkpoint)
	reads all && reads none --since clean/checkpoint &&
		reads last --since $((leaves - 2))
	t_eq 'all records are read' $((own + merged)) "$(opened all "$of")"
	t_eq 'after the checkpoint of that time none of its own is' "$merged" \
		"$(opened none "$of")"
	t_eq 'and of the last certificate that alone' $((merged + 2)) \
		"$(opened last "$of")"
	t_eq 'leaves are read as they were' "$(opened all 'tile/entries/[^"]*')" \
		"$(opened none 'tile/entries/[^"]*')"
fi

# --- what one audit leaves to the next: of a log of some bundles the last alone is
# read, and what is wrong after it is found as ever
state() {
	"$writ" audit verify --log dir:long/log --root "$long_root" \
		--state kept.state
}
add_requests() { # DIR N
	"$O/tools/mkrequests" -C long -o "$1" -n "$2" -g work -p deploy \
		-i alice@example.com=alice &&
		"$writ" sign -C long "$1"/*.req
}
t 'a deployment of many' ca_make long
long_root=$("$writ" policy show -C long --json | jq -r .realm)
t 'with some bundles of leaves' add_requests many 170
t 'is judged as a whole where there is no state' state
t_eq 'which is for its owner alone' 600 "$(stat -c %a kept.state)"
t 'more are issued' add_requests more 2
said=$(state) || t_fail 'the next audit is clean' "$said"
t_has 'and begins after the last full bundle' "$said" \
	'518 leaves (512 judged before), 172 certificates ('
t_not 'it says itself what was judged before' "$writ" audit verify \
	--log dir:long/log --root "$long_root" --state kept.state --since 512
if command -v strace >/dev/null && ! ldd "$writ" | grep -q libasan; then
	strace -f -qq --seccomp-bpf -e trace=openat2 -o one "$writ" audit verify \
		--log dir:long/log --root "$long_root" --state kept.state >trace.out
	t_eq 'of two bundles before it none is read but for the policy' \
		'"tile/entries/000" "tile/entries/002.p/6"' \
		"$(grep -o '"tile/entries/[^"]*[0-9]"' one | sort -u | tr '\n' ' ' |
			sed 's/ $//')"
	t_eq 'and no hash tile' '"tile/0/002.p/6"' \
		"$(grep -o '"tile/0/[^"]*[0-9]"' one | sort -u)"
fi
last=long/log/tile/entries/002.p/6
flip $last $(($(stat -c %s $last) / 2))
t_not 'a byte after it is found' state
t_not 'and found by the one after that' state
flip $last $(($(stat -c %s $last) / 2))
t 'until it is what it was' state
flip kept.state 100
t_has 'a damaged state is refused' "$(state 2>&1)" 'is no state of an audit'
t_done
