#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: a CA key that was made in a hardware token and never leaves
# it signs certificates, by stock parts alone: ssh-agent holds the token
# (ssh-add -s), the signer's process, sealed, asks the agent. SoftHSM is the
# token; ssh-keygen and sshd's own reader judge what it signs.
#
# Needs locked memory.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
module=/usr/lib/softhsm/libsofthsm2.so
agent=$T/agent.sock
pin=482915
ca_people
base_policy=$(declare -f ca_policy)
eval "base_$base_policy"

# --- the token -----------------------------------------------------------------

mkdir tokens
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
	"$T/tokens" >softhsm2.conf
export SOFTHSM2_CONF=$T/softhsm2.conf
t 'a token' softhsm2-util --init-token --free --label writ --so-pin 7315 \
	--pin "$pin"
# make_key TYPE ID: its public line in hsm-ID.pub.
make_key() {
	pkcs11-tool --module "$module" --login --pin "$pin" --keypairgen \
		--key-type "$1" --id "$2" --label "ca-$2" --usage-sign \
		>>token.log 2>&1 || return 1
	ssh-keygen -D "$module" 2>>token.log | grep "ca-$2\$" >"hsm-$2.pub"
	[ -s "hsm-$2.pub" ]
}
t 'makes an RSA key' make_key rsa:3072 01
t 'and an ECDSA one' make_key EC:prime256v1 02
t_eq 'both never leave it' 2 "$(pkcs11-tool --module "$module" --login \
	--pin "$pin" --list-objects --type privkey 2>>token.log |
	grep -c 'never extractable')"

printf '#!/bin/sh\necho %s\n' "$pin" >askpin
chmod +x askpin
start_agent() {
	rm -f "$agent"
	ssh-agent -D -a "$agent" >/dev/null 2>>agent.log &
	agent_pid=$!
	t_stop_later "$agent_pid"
	for _ in $(seq 100); do
		[ -S "$agent" ] && break
		sleep 0.05
	done
	SSH_AUTH_SOCK=$agent SSH_ASKPASS=$T/askpin SSH_ASKPASS_REQUIRE=force \
		ssh-add -q -s "$module" </dev/null >>agent.log 2>&1
}
start_agent
t_eq 'ssh-agent has both' 2 "$(SSH_AUTH_SOCK=$agent ssh-add -L | wc -l)"

# --- a CA with that key -----------------------------------------------------------

ca_policy() {
	base_ca_policy "$1"
	cut -d' ' -f1,2 "hsm-$hsm.pub" >"$1/authorities/user_ca.pub"
	rm "${1%/policy}/keys/user_ca"
	printf 'keys:\n  user_ca: "agent:%s"\n' "$agent" \
		>>"${1%/policy}/writ.yaml"
}

# What ssh-keygen says of a certificate: CA's key and algorithm.
signed_by() {
	ssh-keygen -L -f "$1" | sed -n 's/.*Signing CA: //p'
}
want() {
	printf '%s %s (using %s)' "$1" "$(ssh-keygen -l -f "hsm-$hsm.pub" |
		cut -d' ' -f2)" "$2"
}

start_service() {
	"$O/writ-ca-signer" -C "$1" >/dev/null 2>>signer.log &
	signer=$!
	t_stop_later "$signer"
	"$O/writ-ca-keeper" -C "$1" >/dev/null 2>>keeper.log &
	keeper=$!
	t_stop_later "$keeper"
	for _ in $(seq 200); do
		[ -S "$1/run/control.sock" ] && "$O/tools/calltool" -c \
			"$1/run/control.sock" '' '{"call":"status"}' \
			>/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}

stop_service() {
	kill "$keeper" && wait "$keeper"
	kill "$signer" && wait "$signer"
}

# issue DIR KEY: KEY-cert.pub by the service, of a request of alice's.
issue() {
	ca_key ed25519 "$2"
	"$writ" request -C "policy-$hsm" -m 'a test of a token' -i alice \
		--key "$2.pub" -o "$2.req" deploy >>"$ca_log" 2>&1 || return 1
	"$O/tools/calltool" "$1/run/keeper.sock" alice@example.com submit \
		<"$2.req" >"$2.out" 2>>"$ca_log"
	jq -er '.results[0].certificate' "$2.out" >"$2-cert.pub"
}

# fetch DIR KEY: what came of a request meanwhile.
fetch() {
	"$O/tools/calltool" "$1/run/keeper.sock" alice@example.com fetch \
		"$(head -n 1 "$2.req" | sha256sum | cut -c1-64)" 2>>"$ca_log" |
		jq -er .certificate >"$2-cert.pub" 2>>"$ca_log"
}

for hsm in 01 02; do
	case $hsm in
	01) kind=RSA alg=rsa-sha2-512 dir=rsa ;;
	02) kind=ECDSA alg=ecdsa-sha2-nistp256 dir=ecdsa ;;
	esac
	t "$dir: a deployment" ca_make "$dir"
	cp -r "$dir" "policy-$hsm"
	ca_key ed25519 "file-$dir"
	t "$dir: writ sign has the token sign" ca_cert "$dir" "file-$dir" deploy
	t_eq "$dir: with its key" "$(want "$kind" "$alg")" \
		"$(signed_by "file-$dir-cert.pub")"
	mkdir -m 700 "$dir/run"
	start_service "$dir"
	t_eq "$dir: the service comes up" 0 $?
	t "$dir: and issues" issue "$dir" "served-$dir"
	t_eq "$dir: signed by the token's key" "$(want "$kind" "$alg")" \
		"$(signed_by "served-$dir-cert.pub")"
	t_eq "$dir: by a process that is sealed" 2 \
		"$(awk '$1 == "Seccomp:" { print $2 }' "/proc/$signer/status")"
	# The token is pulled: nothing is issued, and it is said; put in again.
	kill "$agent_pid" && wait "$agent_pid" 2>/dev/null
	t_not "$dir: without the token nothing is issued" issue "$dir" \
		"without-$dir"
	t_has "$dir: and the log says why" "$(tail -n 3 signer.log)" agent
	start_agent
	t "$dir: with it again" issue "$dir" "again-$dir"
	# The keeper tries again by itself.
	for _ in $(seq 200); do
		fetch "$dir" "without-$dir" && break
		sleep 0.1
	done
	t_eq "$dir: the certificate that was kept back can be had" \
		"$(want "$kind" "$alg")" "$(signed_by "without-$dir-cert.pub")"
	stop_service
	t_eq "$dir: the service ends as asked" 0 $?
	t "$dir: the log verifies" "$writ" audit verify -C "$dir"
done

t_done
