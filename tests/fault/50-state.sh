#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: wrong clocks, old disks, torn files, and two at once each
# get their sentence, and what was there stays as it was.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"
t_need faketime

base() {
	mkdir base && cd base && deploy d && ask d r1 && ask d r2 && ask d r3
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
sign() {
	"$writ" sign -C d "$1.req"
}
at() {
	local offset=$1

	shift
	faketime -f "$offset" "$@"
}
none() {
	t "$1: nothing is out" test ! -e "$2-cert.pub"
}

# --- clocks -------------------------------------------------------------------

fresh
says 'a clock 2 h behind' 1 'ahead' at -2h "$writ" sign -C d r1.req
none 'a clock 2 h behind' r1
says 'a clock 2 h ahead: the hour is over' 1 'r1.req' \
	at +2h "$writ" sign -C d r1.req
says 'a clock 13 h ahead: the request is too old' 1 'r1.req' \
	at +13h "$writ" sign -C d r1.req
says 'a clock a year ahead: the policy has expired' 1 'expired' \
	at +365d "$writ" sign -C d r1.req
none 'a clock ahead' r1
t 'the right clock signs it' sign r1
at +40m "$writ" sign -C d r2.req >/dev/null 2>&1
t 'a clock that went back 40 minutes signs on' sign r3
whole 'wrong clocks' d d/log ./*-cert.pub

fresh
ask_at() {
	ssh-keygen -q -t ed25519 -N '' -f "$2" &&
		at "$1" "$writ" request -C d deploy -m 'another clock' \
			--for 1h --key "$2.pub" -i "$keys/alice" -o "$2.req"
}
t 'a request by a clock 2 h ahead' ask_at +2h early
at +2h "$writ" approve -C d -i "$keys/olga" -y early.req >/dev/null 2>&1
says 'is refused' 1 'ahead' sign early
none 'a request by a clock 2 h ahead' early

# --- old disks ----------------------------------------------------------------

fresh
cp -a d/log log.old
cp -a d/signer signer.old
t 'a certificate' sign r1
rm -rf d/log
mv log.old d/log
cp -a d/log log.before
says 'an older log: the signer is ahead' 1 'writ-ca rebuild --from' sign r2
none 'an older log' r2
t 'an older log: its leaves are as they were' \
	cmp d/log/journal log.before/journal

fresh
cp -a d/signer signer.old
t 'a certificate' sign r1
rm -rf d/signer
mv signer.old d/signer
t 'an older journal of the signer: the log is ahead, so it signs' sign r2
rm -rf d/signer
t 'no journal of the signer' sign r3
whole 'a signer that forgot' d d/log ./*-cert.pub

fresh
t 'a certificate' sign r1
rm d/log/journal
says 'the journal of the log is gone' 1 'writ-ca rebuild --from' sign r2
none 'the journal of the log is gone' r2

# --- what can be made again ---------------------------------------------------

fresh
t 'a certificate' sign r1
for what in 'rm d/log/index' ': >d/log/index' \
	'head -c 5000 /dev/urandom >d/log/index' \
	'rm -rf d/log/tile' 'rm -rf d/log/index d/log/tile d/log/records'; do
	rm -rf keep
	cp -a d keep
	eval "$what"
	t "$what: signs on" sign r2
	whole "$what" d d/log ./*-cert.pub
	rm -rf d r2-cert.pub
	mv keep d
done

# After a power loss: what was not fsynced is empty, torn or zeros, and the
# index is of a boot before.
# shellcheck disable=SC2016
for how in ': >"$f"' 'truncate -s -7 "$f"'; do
	rm -rf keep
	cp -a d keep
	# shellcheck disable=SC2034
	while IFS= read -r f; do
		eval "$how"
	done < <(find d/log/tile d/log/records -type f)
	rm d/log/index
	t "a power loss ($how): signs on" sign r2
	whole "a power loss ($how)" d d/log ./*-cert.pub
	rm -rf d r2-cert.pub
	mv keep d
done

# --- torn journals ------------------------------------------------------------

# torn FILE FROM TO: zeros there.
torn() {
	dd if=/dev/zero of="$1" bs=1 seek="$2" count=$(($3 - $2)) \
		conv=notrunc 2>/dev/null
}
# Bytes up to the last that is not zero.
used() {
	python3 -c 'import sys
print(len(open(sys.argv[1], "rb").read().rstrip(b"\0")))' "$1"
}

# Killed between write and fdatasync: any part of the batch may be missing.
fresh
start=$(used d/log/journal)
killed fdatasync:3: "$writ" sign -C d r1.req
end=$(used d/log/journal)
t 'the batch is in the journal' test "$end" -gt "$start"
cp d/log/journal whole.journal
step=512
all || step=1024
for ((cut = start + 1; cut < end; cut += step)); do
	for part in "$cut $end" "$start $cut"; do
		cp whole.journal d/log/journal
		# shellcheck disable=SC2086
		torn d/log/journal $part
		cp -a d keep
		t "half of a batch, zeros in ${part/ / to }: signs" sign r1
		whole "half of a batch, zeros in ${part/ / to }" \
			d d/log r1-cert.pub
		rm -rf d r1-cert.pub
		mv keep d
	done
done

# What was acknowledged is not half a batch: damage is told, nothing is cut.
fresh
t 'two certificates' "$writ" sign -C d r1.req r2.req
middle=$((start + 600))
torn d/log/journal $middle $((middle + 16))
cp d/log/journal damaged
"$writ" sign -C d r3.req >out 2>&1
t_eq 'damage in the middle of the journal: exit 5' 5 $?
t_has 'damage in the middle of the journal is told' "$(cat out)" 'journal'
none 'damage in the middle of the journal' r3
t 'damage in the middle of the journal: nothing is touched' \
	cmp damaged d/log/journal

fresh
t 'two certificates' "$writ" sign -C d r1.req r2.req
end=$(used d/log/journal)
torn d/log/journal $((end - 100)) "$end"
"$writ" sign -C d r3.req >out 2>&1
t 'the last batch is lost after it was signed: refused' \
	test -n "$(grep 'writ-ca rebuild --from' out)"
none 'the last batch is lost after it was signed' r3

fresh
t 'two certificates' "$writ" sign -C d r1.req r2.req
end=$(used d/signer/journal)
torn d/signer/journal $((end - 50)) "$end"
t 'the signer lost its last batch: the log has it' sign r3
whole 'the signer lost its last batch' d d/log ./*-cert.pub

for file in d/log/journal d/signer/journal; do
	fresh
	t 'a certificate' sign r1
	head -c 4096 /dev/urandom >"$file"
	cp "$file" garbage
	"$writ" sign -C d r2.req >out 2>&1
	t_eq "$file is garbage: exit 5" 5 $?
	t_has "$file is garbage: named" "$(cat out)" "$file"
	none "$file is garbage" r2
	t "$file is garbage: kept" cmp garbage "$file"
done

# --- two at once --------------------------------------------------------------

fresh
flock d/log/lock sleep 2 &
t_stop_later $!
sleep 0.5
"$writ" sign -C d r1.req >out 2>&1
status=$?
wait
if [ $status -eq 0 ]; then
	t_ok 'another writer at work: waits'
else
	t_has 'another writer at work: says so' "$(cat out)" 'writ: '
	t_eq 'another writer at work: exit 6' 6 $status
	none 'another writer at work' r1
fi
t 'afterwards it signs' sign r1

fresh
for i in 1 2 3; do
	sign r$i >out.$i 2>&1 &
done
wait
for i in 1 2 3; do
	[ -s r$i-cert.pub ] || sign r$i >/dev/null 2>&1
	t "three at once: $i is there" test -s r$i-cert.pub
done
whole 'three at once' d d/log ./*-cert.pub

# The same request twice at once is one certificate.
fresh
for i in 1 2 3; do
	"$writ" sign -C d -o same.$i-cert.pub r1.req >/dev/null 2>&1 &
done
wait
for i in 1 2 3; do
	[ -s same.$i-cert.pub ] || "$writ" sign -C d -o same.$i-cert.pub \
		r1.req >/dev/null 2>&1
	t "one request, three at once: $i" cmp same.1-cert.pub same.$i-cert.pub
done
whole 'one request, three at once' d d/log ./*-cert.pub

t_done
