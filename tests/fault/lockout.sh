# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests of changes that shut a way in: hosts.sh and lib.sh are at hand.
#
#	bad[KIND]		what a bad fleet changes in the good one
#	kinds_of_all		each KIND, which is a host, too: those, and ca
#	make_fleet		both, in DIR good and corp; for host ca in wrong
#	good HOST		the good one applied, and a way in
#	bring HOST DIR		the bundles of DIR
#	bring_bad HOST		the bad ones
#	agent HOST VERB...	the agent there, below the words of under
#	try_bad HOST		the bad ones are live, and wait to be confirmed
#	killed_or_live HOST STATUS	so it ended, or it was killed
#	snapshot HOST		what is to be as it was
#	is_back HOST		it is what $HOST.was says, and lets in
#
# Needs root.

# shellcheck source=tests/system/hosts.sh
. "$(dirname "${BASH_SOURCE[0]}")/../system/hosts.sh"
# shellcheck source=tests/fault/lib.sh
. "$TOP/tests/fault/lib.sh"

if [ "$(id -u)" -ne 0 ]; then
	t_skip 'lock-outs' 'hosts need root'
	t_ok 'what needs no root: nothing'
	t_done
fi

# What a bad fleet changes in the good one: a sed script over base.yaml.
# listen: sshd -t is content, and the sshd that is to take it ends.
declare -A bad=(
	[listen]='s/PermitRootLogin: no/ListenAddress: 192.0.2.1, &/'
	[users]='s/PermitRootLogin: no/AllowUsers: deploy@192.0.2.1, &/'
	[groups]='s/PermitRootLogin: no/AllowGroups: backup, &/'
	[principals]='s/deploy: \[deploy\]/deploy: [somebody]/'
	[fw-in]='s/{port: 22}/{port: 22, from: 192.0.2.0\/24}/'
	[fw-out]='s/^    input:/    output: {policy: drop}\n&/'
	[pam]='s/value: 20}/&\n      - {domain: deploy, type: hard, item: maxlogins, value: 0}/'
)
# ca: no fleet is bad there, but the policy, whose user CA is another one.
# shellcheck disable=SC2034 # for who sources this
kinds_of_all=(users groups listen principals ca fw-in fw-out pam)

# --- one fleet, in which each kind is a host of its own -------------------------

# sign_policy DIR
sign_policy() {
	local person

	for person in olga ivan; do
		"$writ" policy sign -C "$1" -i "keys/$person" -y || return
	done
}

# What is good but for the keys by which sshd is to judge.
make_wrong() {
	local ca

	cp -a good wrong || return
	for ca in user_ca emergency_ca; do
		ssh-keygen -q -t ed25519 -N '' -C $ca -f other_$ca &&
		    cp other_$ca.pub wrong/policy/authorities/$ca.pub || return
	done
	sign_policy wrong && "$writ" fleet sign -C wrong -i keys/petra -y
}

make_fleet() {
	local d=corp/fleet kind

	make_keys && ssh-keygen -q -t ed25519 -N '' -C petra -f keys/petra &&
	    ssh-keygen -q -t ed25519 -N '' -C deploy -f deploy &&
	    "$writ" init corp --officer "olga@example.com=keys/olga.pub" \
		--officer "ivan@example.com=keys/ivan.pub" \
		--operator petra@example.com=keys/petra.pub || return
	cat >corp/policy/people/alice@example.com.yaml <<-Y
	keys: ["$(cut -d' ' -f1,2 keys/alice.pub)"]
	groups: [engineers]
	Y
	cat >>corp/policy/ca.yaml <<-Y
	  deploy:
	    to: [engineers]
	    principals: [deploy]
	    max: 8h
	    approve: none
	Y
	sign_policy corp >signed || return
	rm -rf $d
	mkdir -p $d/states
	echo 'hosts: {confirm_within: 10s}' >$d/fleet.yaml
	cat >$d/states/base.yaml <<-'Y'
	sshd-baseline:
	  sshd_config:
	    settings: {PermitRootLogin: no, MaxAuthTries: 4}
	trust:
	  ssh_ca:
	    accounts: {deploy: [deploy]}
	firewall:
	  iptables:
	    input:
	      policy: drop
	      allow:
	        - {port: 22}
	limits:
	  pam_limits:
	    limits:
	      - {domain: webapp, type: hard, item: nproc, value: 20}
	Y
	printf 'states:\n  - {match: "*", apply: [base]}\n' >$d/top.yaml
	"$writ" fleet sign -C corp -i keys/petra -y || return
	cp -a corp good
	make_wrong || return
	echo 'states:' >$d/top.yaml
	for kind in "${!bad[@]}"; do
		sed "${bad[$kind]}" $d/states/base.yaml >$d/states/"$kind".yaml
		! cmp -s $d/states/base.yaml $d/states/"$kind".yaml || return
		echo "  - {match: $kind, apply: [$kind]}" >>$d/top.yaml
	done
	rm $d/states/base.yaml
	"$writ" fleet sign -C corp -i keys/petra -y &&
	    "$writ" request deploy -C corp -m 'to see it fail' --for 8h \
		--key deploy.pub -i keys/alice -o r1.req &&
	    "$writ" sign -C corp r1.req
}

# The fleet signed, and its root in $root; or the end.
fleet_up() {
	local out

	if ! out=$(make_fleet 2>&1); then
		t_fail "a fleet is signed" "$(tail -n 8 <<<"$out")"
		t_done
	fi
	root=$(grep -ho 'SHA256:[A-Za-z0-9+/]*' signed | tail -n 1)
}

# bring HOST DIR: its bundles.
bring() {
	tar -c -C "$2" bundle | on "$1" sh -c 'rm -rf /srv/writ &&
	    mkdir -p /srv/writ && tar -x -C /srv/writ'
}

bring_bad() {
	case $1 in
	ca) bring "$1" wrong ;;
	*) bring "$1" corp ;;
	esac
}

agent() {	# HOST VERB [ARGUMENT...]
	local host=$1 verb=$2

	shift 2
	on "$host" "${under[@]}" /usr/bin/writ-agent "$verb" \
	    --local /srv/writ --root "$root" --id "$host" "$@"
}
under=()

login() {
	near timeout 10 ssh -F none -i "$T/deploy" -o IdentitiesOnly=yes \
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
	    -o LogLevel=ERROR -o ConnectTimeout=2 -o BatchMode=yes \
	    "deploy@$(hosts ip "$1")" true
}

# What it said is in $host.run.  The one whose sshd ends may see that it did, and
# then waits for nobody.
try_bad() {
	local host=$1 status=0

	agent "$host" apply --again >"$host.run" 2>&1 </dev/null || status=$?
	[ "$status" -ne 137 ] && killed_or_live "$host" "$status"
}

killed_or_live() {
	case $1:$2 in
	*:137 | *:3) return ;;
	listen:1) ! grep -q 'was undone: .*did not survive' "$1.run" || return 0 ;;
	esac
	echo "status $2"
	cat "$1.run"
	return 1
}

# Everything below /etc, and the agent's own rules.
snapshot() {
	on "$1" sh -c 'cd /etc && find . -xdev \( -type f -o -type l \) \
	    -printf "%m %u %g %p %l\n" -type f -exec sha256sum {} + | sort
	    iptables-save | grep "WRIT\|^-P\|^:"|sed "s/\[.*//"
	    ip6tables-save | grep "WRIT\|^-P\|^:"|sed "s/\[.*//"'
}

# Within 40 s: what it was ($host.was), and a way in.
is_back() {
	local host=$1 i

	for ((i = 0; i < 80; i++)); do
		if snapshot "$host" | cmp -s - "$host.was" && login "$host"; then
			return 0
		fi
		sleep 0.5
	done
	snapshot "$host" | diff "$host.was" - | head -n 10
	agent "$host" status
	return 1
}

good() {
	local host=$1 status=0

	on "$host" useradd -m -s /bin/bash deploy &&
	    on "$host" useradd -m webapp &&
	    hosts put "$host" /usr/bin "$O/writ-agent" &&
	    hosts put "$host" /etc/systemd/system \
		"$TOP"/packaging/systemd/writ-agent-undo.service &&
	    on "$host" systemctl daemon-reload &&
	    on "$host" systemctl -q enable writ-agent-undo.service &&
	    bring "$host" good || return
	agent "$host" apply --again || status=$?
	[ "$status" -eq 3 ] && on "$host" writ-agent confirm --any-login &&
	    login "$host"
}
