#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: of what writ sign gives, ssh-keygen -L reads what was
# asked for and nothing else, for every type of key as subject and as CA; and
# writ show reads the same.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cas='ed25519 ecdsa256 ecdsa384 ecdsa521 rsa3072'
cd "$T" || exit 1
ca_people
for type in $cas; do
	ca_key "$type" "$type"
	ca_key "$type" "uca-$type"
	ca_key "$type" "hca-$type"
	HOST_CA=hca-$type t "a deployment whose CAs are $type" \
		ca_make "ca-$type" --user-ca "uca-$type"
done
cp "$TOP"/tests/data/ssh/sk-{ed25519,ecdsa256}.pub .

# wanted SUBJECT CA KIND PRINCIPALS CRITICAL EXTENSIONS FOR: what ssh-keygen has
# to print, of lists with commas.
wanted() {
	local at line id type key ca

	line=$(head -n 1 "$1.req")
	id=$(head -n 1 "$1.req" | sha256sum)
	at=$(date -d "$(jq -r .at <<<"$line")" +%s)
	type=$(awk '{ print $1 }' "$1.pub")
	read -ra key <<<"${said[$1]}"
	read -ra ca <<<"${said[$2]}"
	echo "$1-cert.pub:"
	echo "        Type: ${type%@openssh.com}-cert-v01@openssh.com $3 certificate"
	echo "        Public key: $(short "${key[@]}")-CERT ${key[1]}"
	echo "        Signing CA: $(short "${ca[@]}") ${ca[1]} (using $(alg "$2"))"
	echo "        Key ID: \"alice@example.com/${id:0:32}\""
	echo "        Serial: $(serial "${id%% *}")"
	echo "        Valid: from $(stamp $((at - 60))) to $(stamp $((at + $7)))"
	echo "        Principals: "
	list "$4"
	some 'Critical Options' "$5"
	some Extensions "$6"
}

# What `ssh-keygen -l` says of a key: fingerprint and short name.
declare -A said=()
listed() {
	[ -n "${said[$1]:-}" ] || said[$1]=$(ssh-keygen -lf "$1.pub")
}

# The last word of those, without brackets.
short() {
	tr -d '()' <<<"${!#}"
}

# What signs is in the name of the key, but for RSA.
alg() {
	awk '{ print $1 == "ssh-rsa" ? "rsa-sha2-512" : $1 }' "$1.pub"
}

# 63 bits of the hash, as a decimal number.
serial() {
	printf '%d' $((16#${1:0:16} & 0x7fffffffffffffff))
}

stamp() {
	date -d "@$1" +%Y-%m-%dT%H:%M:%S
}

list() {
	tr ',' '\n' <<<"$1" | sed 's/^/                /'
}

some() {
	if [ -z "$2" ]; then
		echo "        $1: (none)"
	else
		echo "        $1: "
		list "$2"
	fi
}

# ssh-keygen ends lines of options with a blank.
got() {
	ssh-keygen -L -f "$1-cert.pub" | sed 's/ $//'
}

check() { # NAME SUBJECT CA KIND PRINCIPALS CRITICAL EXTENSIONS FOR
	listed "$2"
	listed "$3"
	t_eq "$1" "$(wanted "${@:2}" | sed 's/ $//')" "$(got "$2")"
	t_eq "$1, by writ show" "$(ssh-keygen -L -f "$2-cert.pub")" \
		"$("$writ" show "$2-cert.pub")"
}

all=permit-X11-forwarding,permit-agent-forwarding,permit-port-forwarding,permit-pty,permit-user-rc
for ca in $cas; do
	for subject in $cas sk-ed25519 sk-ecdsa256; do
		ca_cert "ca-$ca" "$subject" deploy viewer --for 90m
		check "user $subject, CA $ca" "$subject" "uca-$ca" user \
			deploy,viewer '' $all 5400
	done
	for subject in $cas; do
		ca_cert "ca-$ca" "$subject" web1.example.com --host-cert \
			--for 30d
		check "host $subject, CA $ca" "$subject" "hca-$ca" host \
			web1.example.com '' '' 2592000
	done
done

# --- options, on one of them
ca_cert ca-ed25519 ed25519 deploy --for 1h --extension permit-pty \
	--from 10.0.0.0/8,fd00::/8 --force-command 'echo "hello, world"; id'
t_has 'force-command' "$(got ed25519)" \
	'                force-command echo "hello, world"; id'
t_has 'source-address' "$(got ed25519)" \
	'                source-address 10.0.0.0/8,fd00::/8'
t_eq 'both, by writ show' "$(ssh-keygen -L -f ed25519-cert.pub)" \
	"$("$writ" show ed25519-cert.pub)"
for subject in sk-ed25519 sk-ecdsa256; do
	ca_cert ca-ed25519 $subject pinned --for 1h
	check "verify-required of $subject" $subject uca-ed25519 user pinned \
		verify-required permit-pty 3600
	ca_cert ca-ed25519 $subject untouched --for 1h
	check "no-touch-required of $subject" $subject uca-ed25519 user \
		untouched '' no-touch-required 3600
done
ca_cert ca-ed25519 ed25519 deploy@web1.example.com --for 1h
t_has 'a principal of one host' "$(got ed25519)" \
	'                deploy@web1.example.com'

# --- many in one call, each to its own place
mkdir many
for i in 1 2 3 4 5 6 7 8; do
	ca_key ed25519 "many/k$i"
	"$writ" request -C ca-ed25519 deploy -m "number $i" -i alice \
		--key "many/k$i.pub" -o "many/$i.req" 2>>"$ca_log"
done
t 'eight requests in one call' "$writ" sign -C ca-ed25519 many/?.req
for i in 1 2 3 4 5 6 7 8; do
	id=$(head -n 1 "many/$i.req" | sha256sum)
	t_has "request $i went to key $i" \
		"$(ssh-keygen -L -f "many/k$i-cert.pub")" "/${id:0:32}\""
done
t_eq 'asked again, the very same certificate' "$(cat many/k1-cert.pub)" \
	"$("$writ" sign -C ca-ed25519 many/1.req -o -)"
t_done
