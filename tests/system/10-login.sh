#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a stock sshd lets in whom we certify, and a stock ssh
# believes the hosts that we certify, for every type of key as subject and as
# CA.
#
# Needs root.

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

types='ed25519 ecdsa256 ecdsa384 ecdsa521 rsa3072'
ca_people

for type in $types; do
	ca_key "$type" "uca-$type"
	ca_key "$type" "hca-$type"
	ca_key "$type" "user-$type"
	ca_key "$type" "host-$type"
	HOST_CA=hca-$type t "a deployment whose CAs are $type" \
		ca_make "ca-$type" --user-ca "uca-$type"
done

# One host that trusts them all.
t 'writ config sshd writes what a host needs' \
	"$writ" config sshd -C ca-ed25519 -o /etc/ssh/writ
cp /etc/ssh/writ/writ.conf /etc/ssh/sshd_config.d/
t_eq 'it trusts the CA and the emergency CA' \
	"$(cat ca-ed25519/policy/authorities/{user_ca,emergency_ca}.pub |
		cut -d' ' -f1,2)" "$(cut -d' ' -f1,2 /etc/ssh/writ/user_ca.pub)"
for type in $types; do
	[ "$type" = ed25519 ] ||
		cat "uca-$type.pub" >>/etc/ssh/writ/user_ca.pub
done
t 'sshd accepts the configuration' /usr/sbin/sshd -t

# --- users
host_start web1 22
for ca in $types; do
	for type in $types; do
		key=user-$type
		ca_cert "ca-$ca" "$key" deploy --for 1h
		gets_in "user $type, CA $ca" "$key" deploy
		t_has "user $type: the log names CA $ca" "$(said)" \
			" $(ssh-keygen -lf "uca-$ca.pub" | cut -d' ' -f2)"
	done
done

ca_make stranger
ca_cert stranger user-ed25519 deploy
kept_out 'a CA that the host does not know' user-ed25519 deploy \
	'Connection closed by authenticating user deploy'
login_cert=/dev/null
ca_cert ca-ed25519 user-ed25519 deploy
kept_out 'the key without its certificate' user-ed25519 deploy \
	'Connection closed by authenticating user deploy'
login_cert=''

# --- hosts
for ca in $types; do
	echo "@cert-authority *.example.com $(cat "hca-$ca.pub")"
done >known_hosts
key_names() { # TYPE: as in HostKeyAlgorithms
	case $1 in
	ed25519) echo ssh-ed25519-cert-v01@openssh.com ;;
	ecdsa*) echo "ecdsa-sha2-nistp${1#ecdsa}-cert-v01@openssh.com" ;;
	rsa*) echo rsa-sha2-512-cert-v01@openssh.com ;;
	esac
}

# greets NAME ALIAS TYPE: with the types of host certificates that it takes.
greets() {
	ssh -F none -p "$host_port" -o BatchMode=yes -o IdentitiesOnly=yes \
		-o IdentityFile=user-ed25519 -o StrictHostKeyChecking=yes \
		-o UserKnownHostsFile=known_hosts -o HostKeyAlias="$1" \
		-o HostKeyAlgorithms="$(key_names "$2")" \
		deploy@web1.example.com true </dev/null
}

port=2200
for ca in $types; do
	options=()
	for type in $types; do
		cp "host-$type" "$ca-$type"
		cp "host-$type.pub" "$ca-$type.pub"
		ca_cert "ca-$ca" "$ca-$type" web1.example.com --host-cert \
			--for 1d || t_fail "host $type, CA $ca" \
			"$(tail -n 3 "$ca_log")"
		options+=("HostKey $T/$ca-$type"
			"HostCertificate $T/$ca-$type-cert.pub")
	done
	host_start "host-$ca" $port "${options[@]}"
	for type in $types; do
		t "host $type, CA $ca" greets web1.example.com "$type"
	done
	t_has "host of CA $ca by another name is refused" \
		"$(greets web2.example.com ed25519 2>&1)" \
		'Certificate invalid: name is not a listed principal'
	port=$((port + 1))
done
grep -v "$(cut -d' ' -f2 hca-rsa3072.pub)" known_hosts >other_hosts
mv other_hosts known_hosts
t_not 'a host of a CA that the client does not know is refused' \
	greets web1.example.com rsa3072
t_done
