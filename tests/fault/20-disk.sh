#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a disk that is full or fails stops issuing with words that
# say so, lets no certificate out that is not recorded, and what was recorded
# is there when the disk is well again.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"

base() {
	mkdir base && cd base && deploy d && ask d r1 && ask d next
}
if ! out=$(base 2>&1); then
	t_fail 'a deployment is made' "$out"
	t_done
fi

fresh() {
	cd "$T" || exit 1
	rm -rf w
	cp -a base w
	cd w || exit 1
}

# heals NAME: the same again, once the disk is well.
heals() {
	local name=$1 why

	if ! why=$("$writ" sign -C d r1.req 2>&1); then
		t_fail "$name" "later: $why"
	elif ! why=$("$writ" sign -C d next.req 2>&1); then
		t_fail "$name" "nothing goes on: $why"
	elif ! why=$(agrees d d/log r1-cert.pub next-cert.pub 2>&1); then
		t_fail "$name" "$why"
	else
		t_ok "$name"
	fi
}

# --- one call that fails ------------------------------------------------------

# A failure is one sentence, perhaps with a hint; which one depends on whether
# the certificate was out: what is out is recorded.
failed_well() {
	local status=$1 said=$2 serial

	if [ "$status" -eq 0 ]; then
		# The lock tells other people whose it is, and no more.  Where
		# it is not root, strace may not read names out of writ; of
		# what it truncates, a lock alone may fail unseen.
		[[ $3 == *lock || $3 == ftruncate:*: ]] || echo 'succeeded'
		return
	fi
	[ "$status" -lt 126 ] || echo "status $status"
	case $said in
	*"writ: "*"$4"*) ;;
	*) echo "does not say why: $said" ;;
	esac
	if [ -s r1-cert.pub ]; then
		case $said in
		*'is recorded, but not published'* | *'standard output'*) ;;
		*) echo "a certificate, and: $said" ;;
		esac
		serial=$(ssh-keygen -L -f r1-cert.pub |
			sed -n 's/^ *Serial: //p')
		"$writ" show -C d "$serial" >/dev/null 2>&1 ||
			echo 'a certificate without a leaf'
	else
		case $3:$said in
		*:*'not issued'* | *:*r1-cert.pub*) ;;
		# Nothing was tried yet.
		*lock:* | fdatasync:[12]:*) ;;
		*) echo "does not say that nothing was issued: $said" ;;
		esac
	fi
}

one_failure() {
	local error=$1 text=$2 point=$3 said status why name

	name="$error at $point"
	fresh
	said=$(failing "$error" "$point" "$writ" sign -C d r1.req 2>&1)
	status=$?
	why=$(failed_well $status "$said" "$point" "$text")
	if [ -n "$why" ]; then
		t_fail "$name" "$why"
	else
		heals "$name"
	fi
}

fresh
if ! traced ../trace "$writ" sign -C d r1.req >/dev/null 2>&1; then
	t_fail 'sign works undisturbed'
	t_done
fi
points ../trace >../points
n=0
while read -r -u 3 point; do
	n=$((n + 1))
	# The journals and the certificate's own file always, of the rest some.
	if all || [[ $point =~ journal|cert.pub ]] || [ $((n % 6)) -eq 0 ]; then
		one_failure ENOSPC 'No space left' "$point"
		one_failure EIO 'Input/output error' "$point"
	fi
done 3<../points

# --- a journal that cannot be preallocated ------------------------------------

fresh
rm -rf d/log/* d/signer/* d/bundle
sign_policy() {
	"$writ" policy sign -C d -i "$keys/olga" -y &&
		"$writ" policy sign -C d -i "$keys/ivan" -y
}
"$writ" policy sign -C d -i "$keys/olga" -y >/dev/null 2>&1
out=$(failing ENOSPC fallocate:1 "$writ" policy sign -C d -i "$keys/ivan" \
	-y 2>&1)
t_has 'no room for the first journal: says so' "$out" 'No space left'
t 'no room for the first journal: nothing is published' \
	test ! -e d/bundle/policy.1
t 'and with room it is' sign_policy
heals 'no room for the first journal: later there is'

# A failed fdatasync says nothing about what is on the disk, so that call and
# every later one of that process fail: no page is taken for written.
fresh
out=$(failing EIO fdatasync:3+ "$writ" sign -C d r1.req next.req 2>&1)
t_has 'a disk that goes on failing: says so' "$out" 'Input/output error'
t 'a disk that goes on failing: no certificate' test ! -e r1-cert.pub
heals 'a disk that goes on failing: is replaced'

# The machine goes down after a failed fdatasync, and the leaf is not there.
fresh
cp d/log/journal ../journal
failing EIO fdatasync:3 "$writ" sign -C d r1.req >/dev/null 2>&1
cp ../journal d/log/journal
heals 'fdatasync failed and the leaf is gone with the machine'

# --- a disk that is full ------------------------------------------------------

# in_tmpfs DIR KIB COMMAND...: with a small file system of its own over DIR,
# filled with what was there, and nothing left.
in_tmpfs() {
	local dir=$1 size=$2

	shift 2
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -c '
		dir=$1 size=$2
		shift 2
		cp -a "$dir" "$dir.was" &&
			mount -t tmpfs -o size="${size}k,mode=700" none "$dir" &&
			cp -a "$dir.was/." "$dir/" || exit 99
		dd if=/dev/zero of="$dir/.fill" bs=4k 2>/dev/null
		"$@"
		status=$?
		rm -f "$dir/.fill"
		rm -rf "$dir.was"
		mkdir "$dir.was"
		cp -a "$dir/." "$dir.was/"
		umount "$dir"
		rm -rf "$dir"
		mv "$dir.was" "$dir"
		exit $status' - "$dir" "$size" "$@"
}

# full NAME DIR: what is full stops issuing or nothing at all.
full() {
	local name=$1 dir=$2 out status

	fresh
	out=$(in_tmpfs "$PWD/$dir" 2048 "$writ" sign -C d r1.req 2>&1)
	status=$?
	if [ $status -eq 99 ]; then
		t_fail "$name" "$out"
		return
	fi
	if [ $status -eq 0 ]; then
		t_ok "$name: what is preallocated is enough"
	else
		t_has "$name: says so" "$out" 'No space left'
		[ -s r1-cert.pub ] || t_ok "$name: no certificate"
	fi
	heals "$name: with room"
}

if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
	t_skip 'full disks' 'only root can mount one'
else
	full 'a full disk under the log' d/log
	full 'a full disk under the signer' d/signer
fi

t_done
