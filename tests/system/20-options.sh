#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: each restriction of a certificate is one that a stock sshd
# obeys: accounts, hosts, addresses, commands, times, extensions, revocation.
#
# Needs root.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

ca_people
ca_key ed25519 key
ca_key ed25519 other
t 'a deployment' ca_make ca
t 'writ config sshd with the name of the host' \
	"$writ" config sshd -C ca --host web1.example.com -o /etc/ssh/writ
cp /etc/ssh/writ/writ.conf /etc/ssh/sshd_config.d/
host_start web1 22 'XAuthLocation /bin/true'

# has KEY WORDS: lines of ssh-keygen -L, blanks squeezed.
has() {
	case $(ssh-keygen -L -f "$1-cert.pub" | tr -s ' \t\n' ' ') in
	*"$2"*) return 0 ;;
	*) ssh-keygen -L -f "$1-cert.pub" && return 1 ;;
	esac
}

# --- which account, on which host
ca_cert ca key deploy
gets_in 'the account that the certificate names' key deploy
kept_out 'an account that it does not name' key viewer \
	'does not contain an authorized principal'
kept_out 'an account without a file of principals' key root \
	'Connection closed by authenticating user root'
ca_cert ca key deploy viewer
gets_in 'the first of two accounts' key deploy
gets_in 'the second of two accounts' key viewer
ca_cert ca key deploy@web1.example.com
gets_in 'an account on this host' key deploy
kept_out 'that host and another account' key viewer \
	'does not contain an authorized principal'
ca_cert ca key deploy@web2.example.com
kept_out 'the account on another host' key deploy \
	'does not contain an authorized principal'

# --- from where
ca_cert ca key deploy --from 127.0.0.0/8
gets_in 'from an address that it allows' key deploy
t 'ssh-keygen shows the addresses' has key 'source-address 127.0.0.0/8'
ca_cert ca key deploy --from 10.0.0.0/8,fd00::/8
kept_out 'from another address' key deploy \
	'not from a permitted source address (127.0.0.1)'
t 'ssh-keygen shows several' has key 'source-address 10.0.0.0/8,fd00::/8'
ca_cert ca key deploy --from 10.0.0.0/8 --from 127.0.0.1
gets_in 'from one of several addresses' key deploy

# --- which command
# shellcheck disable=SC2016 # the host fills it in
ca_cert ca key deploy --force-command 'echo only "$SSH_ORIGINAL_COMMAND"'
login key deploy rm -rf .
t_eq 'the command of the certificate runs instead' 'only rm -rf .' "$out"
ca_cert ca key limited
login key limited id
t_eq 'the command of the grant runs instead' 'by policy' "$out"
t 'the addresses of the grant are in it' \
	has key 'source-address 127.0.0.0/8,::1 Extensions: (none)'

# --- extensions; all but one, and that one alone
all='permit-X11-forwarding permit-agent-forwarding permit-port-forwarding permit-pty permit-user-rc'
eval "$(ssh-agent -s -a "$T/agent")" >/dev/null
t_stop_later "$SSH_AGENT_PID"
home=/run/lab/home/deploy
mkdir $home/.ssh
echo 'echo "rc ran" >&2' >$home/.ssh/rc
chown -R deploy: $home

# Each says something that only a host which permits it would say.
try_permit-X11-forwarding() {
	login_opts=(-X -o XAuthLocation=/bin/true)
	# shellcheck disable=SC2016 # the second DISPLAY is that of the host
	DISPLAY=:9 login key deploy 'echo "got [$DISPLAY]"'
	[[ $out == *'got [localhost:'* ]]
}
try_permit-agent-forwarding() {
	login_opts=(-A)
	# shellcheck disable=SC2016 # so is the agent
	login key deploy 'echo "got [$SSH_AUTH_SOCK]"'
	[[ $out == *'got [/tmp/ssh-'* ]]
}
try_permit-port-forwarding() {
	login_opts=(-W 127.0.0.1:22)
	login key deploy
	[[ $out == *SSH-2.0-* ]]
}
try_permit-pty() {
	login_opts=(-tt)
	login key deploy tty
	[[ $out == */dev/pts/* ]]
}
try_permit-user-rc() {
	login_opts=()
	login key deploy true
	[[ $out == *'rc ran'* ]]
}

for name in $all; do
	ca_cert ca key deploy --extension "$name"
	t "ssh-keygen shows $name alone" has key "Extensions: $name "
	if "try_$name"; then
		t_ok "$name permits it"
	else
		t_fail "$name permits it" "$out"
	fi
	options=()
	for other in $all; do
		[ "$other" = "$name" ] || options+=(--extension "$other")
	done
	ca_cert ca key deploy "${options[@]}"
	if "try_$name"; then
		t_fail "without $name it is not permitted" "$out"
	else
		login_opts=()
		gets_in "without $name it is not permitted" key deploy
	fi
done
login_opts=()
rm -r $home/.ssh
ca_cert ca key deploy
t 'what is not asked for differently is what the grant gives' \
	has key "Extensions: $all "

# --- security keys: nobody can touch one here, so ssh-keygen judges
for sk in sk-ed25519 sk-ecdsa256; do
	cp "$TOP/tests/data/ssh/$sk.pub" .
	ca_cert ca $sk pinned
	t "verify-required of $sk" has $sk \
		'Critical Options: verify-required Extensions: permit-pty'
	ca_cert ca $sk untouched
	t "no-touch-required of $sk" has $sk \
		'Critical Options: (none) Extensions: no-touch-required'
done
ca_cert ca key pinned
t_not 'no verify-required where sshd would pass over it' \
	test -e key-cert.pub

# --- when
ca_cert ca key deploy --for 1h
cp key hour
cp key-cert.pub hour-cert.pub
cp key.req hour.req
ca_cert ca key deploy --not-before 2h --for 1h
cp key.req later.req
cp key later
cp key-cert.pub later-cert.pub
gets_in 'within its hour' hour deploy
kept_out 'two hours early' later deploy 'Certificate invalid: not yet valid'
SSHD_TIME=+59m host_start minute59 2201
gets_in '59 minutes later' hour deploy
SSHD_TIME=+61m host_start minute61 2202
kept_out '61 minutes later' hour deploy 'Certificate invalid: expired'
SSHD_TIME=+150m host_start minute150 2203
gets_in 'in the hour that it is for' later deploy
SSHD_TIME=-2m host_start early 2204
kept_out 'by a clock two minutes behind' hour deploy \
	'Certificate invalid: not yet valid'
SSHD_TIME=-30 host_start behind 2205
gets_in 'by a clock half a minute behind' hour deploy
host_use web1 22

# --- revoked; sshd reads the list at each login
revoke() {
	"$writ" revoke -C ca --reason 'a test' -y "$@" >>"$ca_log" 2>&1 &&
		"$writ" krl -C ca -o /etc/ssh/writ/revoked.krl >>"$ca_log" 2>&1
}

# keep NAME: the certificate of key under a name of its own.
keep() {
	local part

	for part in '' -cert.pub .req; do
		cp "key$part" "$1$part"
	done
}

key_id() {
	ssh-keygen -L -f "$1" | sed -n 's/^ *Key ID: "\(.*\)"$/\1/p'
}

for name in one two three four; do
	ca_cert ca key deploy
	keep $name
done
t 'revoke a serial' revoke -i olga "$(ca_serial one-cert.pub)"
kept_out 'a revoked serial' one deploy 'revoked by file'
gets_in 'a serial that is not revoked' two deploy
t 'revoke a key ID' revoke -i ivan --key-id "$(key_id two-cert.pub)"
kept_out 'a revoked key ID' two deploy 'revoked by file'
gets_in 'a key ID that is not revoked' three deploy
# Serials come from hashes, so a run of them is given by hand.
serial=$(ca_serial three-cert.pub)
t 'revoke a run of serials' revoke -i olga $((serial - 2)) $((serial - 1)) \
	"$serial" $((serial + 1))
kept_out 'a serial within a run' three deploy 'revoked by file'
kept_out 'one that was revoked before' one deploy 'revoked by file'
gets_in 'a serial outside of it' four deploy

ca_cert ca other deploy
gets_in 'a key that is not revoked' other deploy
t 'revoke a key' revoke -i olga --key other.pub
kept_out 'a revoked key' other deploy 'revoked by file'
gets_in 'another key of the same person' four deploy
t_not 'a revoked key gets no certificate' ca_cert ca other deploy

# --- emergency
ca_key ed25519 night
CA_SIGN=ca/emergency ca_cert ca night deploy
gets_in 'a certificate of the emergency directory' night deploy
t_has 'is by the emergency CA' "$(said)" "$(ssh-keygen -lf \
	ca/policy/authorities/emergency_ca.pub | cut -d' ' -f2)"

t 'revoke a person' revoke -i olga --person alice@example.com
kept_out 'a certificate of a revoked person' four deploy 'revoked by file'
t_not 'a revoked person gets no certificate' ca_cert ca key deploy

# Nothing to read is no reason to let anybody in.
ca_key ed25519 fresh
t 'another deployment' ca_make second
rm -r /etc/ssh/writ
"$writ" config sshd -C second -o /etc/ssh/writ >>"$ca_log"
ca_cert second fresh deploy
gets_in 'a certificate of another deployment, once it is trusted' fresh deploy
rm /etc/ssh/writ/revoked.krl
kept_out 'without a revocation list nobody gets in' fresh deploy \
	'/etc/ssh/writ/revoked.krl'
t_done
