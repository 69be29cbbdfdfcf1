#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: what is wrong with the policy of a fleet is said with its
# place, before anything is signed.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

writ=$O/writ
cd "$T" || exit 1

# says STATUS PART COMMAND...: it ends so, and says so on either output.
says() {
	local want=$1 part=$2 status out

	shift 2
	out=$("$@" 2>&1 </dev/null)
	status=$?
	[ "$status" -eq "$want" ] && [[ $out == *"$part"* ]] && return
	printf 'status %s, wanted %s and "%s":\n%s\n' "$status" "$want" "$part" \
		"$out"
	return 1
}

mkdir -p corp/fleet/states
echo 'states: []' >corp/fleet/top.yaml
echo 'hosts: {interval: 30m}' >corp/fleet/fleet.yaml
t "writ fleet is writ-fleet" says 0 "" "$writ" fleet check -C corp
t "which gets -C from before it too" says 0 "" "$writ" -C corp fleet check
t "and its own -h" says 0 "usage: writ fleet check" "$writ" fleet check -h
t "a word it does not know is its to refuse" says 2 \
	"writ fleet: unknown command 'nope'" "$writ" fleet nope
t "no fleet there" says 6 "none/fleet/" "$writ" fleet check -C none
echo x >corp/fleet/notes.txt
t "a file that does not belong there" says 4 \
	"fleet/notes.txt: does not belong there" "$writ" fleet check -C corp
rm corp/fleet/notes.txt
echo 'a: [' >corp/fleet/states/x.yaml
t "what is no YAML" says 1 "states/x.yaml:2:1: not YAML" \
	"$writ" fleet check -C corp
mkdir bin libexec libexec/writ
cp "$writ" bin/writ
t "without writ-fleet it says where it looked" says 6 \
	"writ-fleet is neither in" bin/writ fleet check
cp "$O/writ-fleet" libexec/writ/
t "installed, it is in libexec" says 1 "not YAML" bin/writ fleet check -C corp

t_done
