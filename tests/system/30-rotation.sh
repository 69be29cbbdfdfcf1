#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a user CA is replaced without anybody being locked out: the
# new key is trusted before it signs, both count for a while, and what the old
# one signed counts no more once it is taken out; sshd is the judge.
#
# Needs root.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

ca_people
ca_make corp || t_fail 'a CA is made' "$(cat "$ca_log")"
for key in before during after; do ca_key ed25519 $key; done

# says STATUS PART COMMAND...
says() {
	local want=$1 part=$2 status got

	shift 2
	got=$("$@" 2>&1 </dev/null)
	status=$?
	[ "$status" -eq "$want" ] && [[ $got == *"$part"* ]] && return
	printf 'status %s, wanted %s and "%s":\n%s\n' "$status" "$want" \
		"$part" "$got"
	return 1
}
# sign: the next policy comes into force.
sign() {
	"$writ" policy sign -C corp -i olga -y >>"$ca_log" 2>&1
}
# hosts: what every host has now, as writ config writes it.
hosts() {
	"$writ" config sshd -C corp -o /etc/ssh/writ >>"$ca_log" 2>&1
}
# signed_by KEY NAME: KEY's certificate is of the authority NAME.
signed_by() {
	local want

	want=$(ssh-keygen -lf "corp/policy/authorities/$2.pub" |
		cut -d' ' -f2)
	ssh-keygen -L -f "$1-cert.pub" | grep -q "Signing CA: .* $want "
}
state() { "$writ" ca list -C corp --csv | awk -F, -v n="$1" '$1 == n {print $4, $5}'; }

hosts
cp /etc/ssh/writ/writ.conf /etc/ssh/sshd_config.d/
host_start web1 22
ca_cert corp before deploy
t 'the first CA signs' signed_by before user_ca
gets_in 'and its certificate counts' before deploy
t_eq 'it is listed so' 'signs 1' "$(state user_ca)"

# --- a new key
cp corp/policy/ca.yaml old.yaml
t 'a new key is made' says 0 'user_ca2  SHA256:' "$writ" ca new -C corp user_ca2 \
	--type ecdsa256
t_eq 'nobody else can read it' 600 "$(stat -c %a corp/keys/user_ca2)"
t_eq 'ssh-keygen reads it' "$(cut -d' ' -f1,2 corp/policy/authorities/user_ca2.pub)" \
	"$(ssh-keygen -y -f corp/keys/user_ca2 | cut -d' ' -f1,2)"
t_eq 'the draft has it last, and nothing else is changed' \
	'  user: [user_ca, emergency_ca, user_ca2]' \
	"$(diff old.yaml corp/policy/ca.yaml | sed -n 's/^> //p')"
t 'twice is once' says 1 'is there already; nothing was changed' \
	"$writ" ca new -C corp user_ca2
t 'it may not sign before a policy has it' says 1 \
	'is no authority of the signed policy' "$writ" ca use -C corp user_ca2
t 'the policy with it is signed' sign
t_eq 'it is trusted' 'trusted 2' "$(state user_ca2)"
t 'nor before hosts had a day to learn of it' says 1 \
	'hosts that do not have it yet would refuse' \
	"$writ" ca use -C corp user_ca2
t_has 'the old one still signs' "$(cat corp/writ.yaml)" 'user_ca: user_ca'$'\n'
ca_cert corp during deploy
t 'as certificates say' signed_by during user_ca
gets_in 'a host that has not learned of it goes on' during deploy

# --- it signs
hosts
chmod 600 corp/keys/user_ca2
cp corp/keys/user_ca2 kept
cp corp/keys/user_ca corp/keys/user_ca2
t 'another key under its name does not sign' says 1 \
	'is not the one in the signed policy' \
	"$writ" ca use -C corp --now user_ca2
cp kept corp/keys/user_ca2
t 'a day later it may' says 0 'user_ca2 signs' \
	faketime -f '+25h' "$writ" ca use -C corp user_ca2
t_has 'writ.yaml says so' "$(cat corp/writ.yaml)" 'user_ca: user_ca2'
t_has 'it is first in the draft' "$(cat corp/policy/ca.yaml)" \
	'user: [user_ca2, user_ca, emergency_ca]'
ca_cert corp after deploy
t 'the new CA signs' signed_by after user_ca2
gets_in 'and its certificate counts' after deploy
gets_in 'so does what the old one signed' before deploy
t 'the next policy is signed' sign
t_eq 'the new one signs' 'signs 2' "$(state user_ca2)"
t_eq 'the old one is trusted' 'trusted 1' "$(state user_ca)"
t 'the log holds' "$writ" audit verify -C corp

# --- the old one goes
sed -i 's/user: \[user_ca2, user_ca, /user: [user_ca2, /' corp/policy/ca.yaml
rm corp/policy/authorities/user_ca.pub
t 'the policy without it is signed' sign
hosts
kept_out 'what the old one signed counts no more' before deploy \
	'Connection closed by authenticating user deploy'
gets_in 'what the new one signs does' after deploy
t_eq 'it is listed no more' '' "$(state user_ca)"
t 'the log still holds' "$writ" audit verify -C corp

# --- hosts' CA and the log's
t 'a new host CA' says 0 'host_ca2' "$writ" ca new -C corp host_ca2 --for host
t 'is signed into the policy' sign
t 'and signs at once, where that is wanted' says 0 'host_ca2 signs' \
	"$writ" ca use -C corp --now host_ca2
ca_key ed25519 web9
t 'a host certificate' ca_cert corp web9 web9.example.com --host-cert
t 'is of the new CA' signed_by web9 host_ca2
# The log's: 73-log-key of tests/interop.
t 'a new log' says 0 'other_log' "$writ" ca new -C corp other_log --for log
t 'is signed into the policy' sign
t 'and its key signs no log but its own' says 1 "the log here is 'ca_log'" \
	"$writ" ca use -C corp --now other_log
t 'a log has no other kind of key' says 2 "a log's key is Ed25519" \
	"$writ" ca new -C corp x --for log --type rsa
t 'a name that is none' says 2 'is no name of an authority' \
	"$writ" ca new -C corp ../x

# --- a file that cannot be edited safely
sed -i 's/^  user: .*/  user: \&u [user_ca2, emergency_ca]/; s/^  host: .*/  host: [host_ca, host_ca2]/' \
	corp/policy/ca.yaml
cp corp/policy/ca.yaml anchored.yaml
t 'an anchor is left to who wrote it' says 0 \
	'user: [..., user_ca3]' "$writ" ca new -C corp user_ca3
t 'and the file is as it was' cmp anchored.yaml corp/policy/ca.yaml
t_done
