#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a log may be audited while certificates are issued.  What its
# writer put there ahead of the checkpoint is no finding, what it took away
# meanwhile is not missed, and what somebody else put there is found all the same.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
ca_people
t 'a deployment' ca_make ca

requests() { # DIR N
	"$O/tools/mkrequests" -C ca -o "$1" -n "$2" -g work -p deploy \
		-i alice@example.com=alice
}
# As long as a machine may need that has much else to do.
audited() { "$writ" audit verify -C ca --wait "${patience:-20s}" >found 2>&1; }

# --- while it is written to: partial tiles become full ones meanwhile
rounds=12
for ((i = 0; i < rounds; i++)); do
	requests "r$i" 50 || t_fail 'requests are made'
done
for ((i = 0; i < rounds; i++)); do
	"$writ" sign -C ca "r$i"/*.req >signed 2>&1 || cat signed >>failed
done &
signs=$!
t_stop_later $signs
n=0 clean=0
: >wrong
while kill -0 $signs 2>/dev/null; do
	n=$((n + 1))
	if audited; then
		clean=$((clean + 1))
	else
		cat found >>wrong
	fi
done
wait $signs
t_not 'all of it was issued' test -s failed
t "audits were made meanwhile: $n" test "$n" -ge 2
t_eq 'all of them were clean' "$n
" "$clean
$(grep -v '^notice' wrong | head -n 5)"
t 'as is one of the whole' audited
t_has 'which has all of it' "$(cat found)" "$((rounds * 50)) certificates"

# --- and what is nobody's is found, though the log goes on
day=$(dirname "$(cd ca/log && find records -name '*.json' | head -n 1)")
requests more 1
requests after 1
late() { # while an audit waits for what it has found
	patience=2s audited &
	local pid=$!

	sleep 0.5
	"$writ" sign -C ca "$1"/*.req >/dev/null && ! wait "$pid"
}
echo '{}' >"ca/log/$day/1234567890.json"
t 'a record of no certificate is a finding' late more
t_has 'and is named' "$(cat found)" \
	"$day/1234567890.json: is of no certificate of the log"
t_has 'of a log that has grown meanwhile' "$(cat found)" 'leaves by now'
rm "ca/log/$day/1234567890.json"
tile=$(printf 'ca/log/tile/entries/%03d' 900)
: >"$tile"
t 'so is a tile beyond the checkpoint' late after
t_has 'and is named, too' "$(cat found)" \
	'tile/entries/900: goes beyond the checkpoint'
rm "$tile"
t 'without them it is clean' audited
t_done
