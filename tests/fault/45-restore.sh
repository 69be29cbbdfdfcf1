#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: however a restore ends, it leaves a deployment or nothing,
# or names what to do; and never touches what was there before.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"

deploy d >/dev/null 2>&1 || t_fail 'a deployment is made'
t 'a backup is made' "$O/writ-ca" backup -C d b.tar
restore=("$O/writ-ca" restore b.tar -C new)

# A place with something in it that nobody may touch.
fresh() {
	rm -rf new
	mkdir new
	echo mine >new/mine
}
# Everything there, with modes, and nothing else; but for temporaries, which
# file_write() may leave.
state() {
	(cd "$1" && find . -mindepth 1 ! -name '.tmp-*' -printf '%y %m %P\n' |
		sort && find . -type f ! -name '.tmp-*' -exec sha256sum {} + |
		sort)
}
fresh
traced trace "${restore[@]}" >/dev/null 2>&1 || t_fail 'it is restored'
state new >whole
fresh
state new >before
points trace >all
if all; then cp all some; else
	{ awk 'NR % 40 == 1' all && grep ^rename all | tail -n 5; } |
		sort -u >some
fi
t 'there are points to break it at' test "$(wc -l <some)" -gt 8

# As the message says: rm -r, or move on.
recover() {
	local out

	if [ -e new/restore.part ]; then
		out=$("${restore[@]}" 2>&1)
		t_has "$1: it says what to remove" "$out" 'rm -r new/restore.part'
		rm -r new/restore.part
		"${restore[@]}" >/dev/null 2>&1
	elif [ -e new/restore.done ]; then
		out=$("${restore[@]}" 2>&1)
		t_has "$1: it says what to move" "$out" \
			'move what is in it to new'
		mv -n new/restore.done/* new/ 2>/dev/null
		rmdir new/restore.done
	elif ! [ -e new/writ.yaml ]; then
		"${restore[@]}" >/dev/null 2>&1
	fi
}
while read -r point; do
	fresh
	if ! killed "$point" "${restore[@]}"; then
		t_fail "killed at $point" "$(cat out)"
		continue
	fi
	recover "killed at $point"
	t "killed at $point: a deployment" cmp whole <(state new)
done <some

while read -r point; do
	fresh
	if failing ENOSPC "$point" "${restore[@]}" >out 2>&1; then
		t "failing at $point: a deployment" cmp whole <(state new)
	elif [ -e new/restore.part ] || [ -e new/restore.done ] ||
	    [ -e new/writ.yaml ]; then
		t_has "failing at $point: what to do is said" "$(cat out)" \
			'new/restore.'
	else
		t "failing at $point: nothing" cmp before <(state new)
	fi
done <some
t_done
