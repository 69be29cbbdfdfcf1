#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: kill -9 before any call that changes something loses
# nothing.  The same command once more succeeds and gives the very certificate
# that anybody may have seen, and the log is whole.

# shellcheck source=tests/fault/lib.sh
. "$(dirname "$0")/lib.sh"

# --- how one scenario is judged -----------------------------------------------
# before	after a kill: what is there is kept in $T/seen
# after		after recovery: silent when all is well

serial_of() {
	ssh-keygen -L -f "$1" | sed -n 's/^ *Serial: //p'
}

# What the log says of one serial and its certificate to be signed, if it has
# such a leaf.  Keeper and signer are not asked: this reads only.
leaf_of() {
	"$writ" show -C "$1" --json "$2" 2>/dev/null |
		grep -E '"(now|tbs|index)":'
}

before_sign() {
	local file serial

	rm -rf "$T/seen"
	mkdir "$T/seen"
	for file in r[0-9]-cert.pub; do
		[ -s "$file" ] || continue
		cp "$file" "$T/seen/"
		serial=$(serial_of "$file")
		[ -n "$(leaf_of d "$serial")" ] ||
			echo "$file is out, and no leaf has serial $serial"
	done
	while IFS= read -r file; do
		cp "$file" "$T/seen/log-${file##*/}"
	done < <(find d/log -name '*-cert.pub' -size +0)
	for serial in $serials; do
		leaf_of d "$serial" >"$T/seen/leaf-$serial" ||
			rm "$T/seen/leaf-$serial"
	done
}

after_sign() {
	local file serial other

	for file in r[0-9].req; do
		file=${file%.req}-cert.pub
		[ -s "$file" ] || echo "$file is not there"
		serial=$(serial_of "$file")
		cmp "$file" d/log/records/*/*/*/"$serial-cert.pub" 2>&1
		for other in "$T/seen/$file" "$T/seen/log-$serial-cert.pub"; do
			[ ! -e "$other" ] || [ "$(cut -d' ' -f2 "$other")" = \
				"$(cut -d' ' -f2 "$file")" ] ||
				echo "$file is another than one seen before"
		done
	done
	for file in "$T"/seen/leaf-*; do
		[ -e "$file" ] || continue
		leaf_of d "${file##*-}" | cmp - "$file" 2>&1
	done
	quiet agrees d d/log r[0-9]-cert.pub
}

# A certificate that nobody asked for yet: life goes on.
goes_on() {
	quiet "$writ" sign -C d next.req
	quiet agrees d d/log ./*-cert.pub
}

# recovers NAME COMMAND...: again, and everything holds.
recovers() {
	local name=$1 why

	shift
	if ! "$@" >out 2>&1 </dev/null; then
		t_fail "$name" "again: $(cat out)"
		return
	fi
	why=$(after)
	[ -n "$why" ] || why=$(goes_on)
	if [ -z "$why" ]; then
		t_ok "$name"
	else
		t_fail "$name" "$why"
	fi
}

fresh() {
	cd "$T" || exit 1
	rm -rf w
	cp -a "$1" w
	cd w || exit 1
}

# kill_at NAME POINT COMMAND...: true when it was killed.
kill_at() {
	local name=$1 point=$2 why

	shift 2
	if ! killed "$point" "$@"; then
		t_fail "$name" "not killed at $point: $(cat out)"
		return 1
	fi
	why=$(before)
	[ -z "$why" ] || t_fail "$name: before recovery" "$why"
}

# twice NAME STEP COMMAND...: the recovery from w is killed in its turn.
twice() {
	local name=$1 step=$2 point i=0

	shift 2
	cd "$T" || exit 1
	rm -rf w1
	mv w w1
	fresh w1
	if ! traced ../trace2 "$@" >out 2>&1 </dev/null; then
		t_fail "$name, again" "$(cat out)"
		return
	fi
	while read -r -u 4 point; do
		i=$((i + 1))
		[ $((i % step)) -eq 0 ] || continue
		fresh w1
		kill_at "$name, then $point" "$point" "$@" &&
			recovers "$name, then $point" "$@"
	done 4< <(points ../trace2)
}

# everywhere NAME BASE STEP STEP1 STEP2 COMMAND...: killed at every STEPth point,
# and at all of journals, tiles and checkpoints; after every STEP1th of them the
# recovery is killed at every STEP2th of its own; 0: never.
everywhere() {
	local name=$1 base=$2 step=$3 step1=$4 step2=$5 point n=0

	shift 5
	fresh "$base"
	if ! traced ../trace "$@" >out 2>&1 </dev/null; then
		t_fail "$name: works undisturbed" "$(cat out)"
		return
	fi
	points ../trace >../points
	rm -rf "$T/seen"
	mkdir "$T/seen"
	recovers "$name: works twice, undisturbed" "$@"
	while read -r -u 3 point; do
		n=$((n + 1))
		[[ $point =~ d/(log/(tile|journal|check)|signer/journal) ]] ||
			[ $((n % step)) -eq 0 ] || continue
		fresh "$base"
		kill_at "$name, killed at $point" "$point" "$@" || continue
		if [ "$step1" -gt 0 ] && [ $((n / step % step1)) -eq 0 ]; then
			cp -a ../w ../keep
			twice "$name, killed at $point" "$step2" "$@"
			cd "$T" && rm -rf w && mv keep w && cd w || exit 1
			before >/dev/null
		fi
		recovers "$name, killed at $point" "$@"
	done 3<../points
	cd "$T" || exit 1
	if [ $n -ge 10 ]; then
		t_ok "$name: $n points"
	else
		t_fail "$name: at least ten points" "$n"
	fi
}

# --- bases --------------------------------------------------------------------

# A deployment, three approved requests, and one for afterwards.
make_sign_base() {
	mkdir base && cd base || return
	deploy d && ask d r1 && ask d next || return
	cp -a . ../base3 && cd ../base3 && ask d r2 && ask d r3
}

serials_of() {
	(
		cd "$T" && rm -rf w && cp -a "$1" w && cd w &&
			"$writ" sign -C d r[0-9].req >/dev/null &&
			for file in r[0-9]-cert.pub; do
				serial_of "$file"
			done
	)
}

if ! out=$(make_sign_base 2>&1); then
	t_fail 'a deployment is made' "$out"
	t_done
fi

# --- a certificate ------------------------------------------------------------

before() { before_sign; }
after() { after_sign; }
serials=$(serials_of base)
if all; then
	everywhere sign base 1 2 7 "$writ" sign -C d r1.req
else
	everywhere sign base 1 9 11 "$writ" sign -C d r1.req
fi

serials=$(serials_of base3)
if all; then
	everywhere 'sign three' base3 1 3 7 "$writ" sign -C d r1.req r2.req r3.req
fi

# A journal that is full is begun anew when it is opened; beyond 256 leaves a
# tile is full, and its partial tiles go.
make_full_base() {
	local i why

	why=$(printf 'x%.0s' {1..390})
	cd "$T" && mkdir basefull && cd basefull && deploy d && ask d r1 &&
		ask d next || return
	ssh-keygen -q -t ed25519 -N '' -f many || return
	for ((i = 0; i < 500; i++)); do
		"$writ" request -C d deploy -m "$why" --for 1h --key many.pub \
			-i "$keys/alice" -o "many$i.req" || return
	done
	"$writ" approve -C d -i "$keys/olga" -y many*.req &&
		"$writ" sign -C d many*.req && rm many*
}
if all; then
	if ! out=$(make_full_base 2>&1); then
		t_fail 'a full journal is made' "${out: -500}"
		t_done
	fi
	serials=$(serials_of basefull)
	everywhere 'sign on a full journal' basefull 1 9 8 \
		"$writ" sign -C d r1.req
	t 'the journal was begun anew' test "$(stat -c %s w/d/log/journal)" \
		-lt "$(stat -c %s basefull/d/log/journal)"
fi

# --- a revocation -------------------------------------------------------------

make_revoke_base() {
	cd "$T" && cp -a base baserv && cd baserv &&
		"$writ" sign -C d r1.req && serial_of r1-cert.pub >serial
}
if ! out=$(make_revoke_base 2>&1); then
	t_fail 'something to revoke is made' "$out"
	t_done
fi

# What was said to be revoked stays so.
before() {
	rm -rf "$T/seen"
	mkdir "$T/seen"
	grep -q '^revoked;' out && touch "$T/seen/said"
	"$writ" krl -C d -o "$T/seen/krl" >/dev/null 2>&1
	! [ -e "$T/seen/said" ] || ! ssh-keygen -Q -f "$T/seen/krl" \
		r1-cert.pub >/dev/null || echo 'said to be revoked, and is not'
}
after() {
	quiet "$writ" krl -C d -o krl
	! ssh-keygen -Q -f krl r1-cert.pub >/dev/null 2>&1 ||
		echo 'the list does not have it'
	quiet agrees d d/log r1-cert.pub
}
revoke=("$writ" revoke -C d "$(cat baserv/serial)" --reason 'laptop lost'
	-i "$keys/olga" -y)
if all; then
	everywhere revoke baserv 1 4 5 "${revoke[@]}"
else
	everywhere revoke baserv 3 0 0 "${revoke[@]}"
fi

# --- a new policy -------------------------------------------------------------

# Version 2 with a new root.yaml, so that both thresholds have to hold.
make_policy_base() {
	cd "$T" && cp -a base basepo && cd basepo || return
	sed -i 's/^version: 1$/version: 2/; s/^grace: 14d/grace: 7d/' \
		d/policy/root.yaml
	sed -i 's/max: 8h/max: 4h/' d/policy/ca.yaml
	"$writ" policy sign -C d -i "$keys/olga" -y
}
if ! out=$(make_policy_base 2>&1); then
	t_fail 'a policy to publish is made' "$out"
	t_done
fi

before() {
	"$writ" policy check -C d >/dev/null 2>"$T/report" || cat "$T/report"
	# Whoever issues in between does so under the old one or the new one,
	# or is told how to go on, once the log has what hosts have not yet.
	cp -a d d.between
	"$writ" sign -C d.between r1.req -o between 2>"$T/report" >/dev/null ||
		{ grep -q 'writ policy sign once more' "$T/report" &&
			! [ -e between ]; } || cat "$T/report"
	rm -rf d.between between
}
after() {
	local file n=0

	for file in d/bundle/policy.*; do
		n=$((n + 1))
	done
	[ "$n" -eq 2 ] || echo "$n policies, expected versions 1 and 2"
	quiet "$writ" sign -C d r1.req
	quiet agrees d d/log r1-cert.pub
	! [ -e d/bundle/draft.policy ] || echo 'a draft is left'
	cmp d/bundle/policy.2 d/emergency/bundle/policy.2 2>&1
	grep -q '"policy_version": "2"' d/log/records/*/*/*/*.json ||
		echo 'the new policy is not in force'
}
publish=("$writ" policy sign -C d -i "$keys/ivan" -y)
if all; then
	everywhere publish basepo 1 40 23 "${publish[@]}"
else
	everywhere publish basepo 24 0 0 "${publish[@]}"
fi

t_done
