#!/bin/bash
# SPDX-License-Identifier: ISC
# Goal of this test: the authorities' keys may stay in an ssh-agent, be under a
# passphrase, or come from PEM; the certificates are as good, and a key that
# cannot be had gives nothing.

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$(dirname "$0")/ca.sh"

cd "$T" || exit 1
ca_people
ca_key ed25519 subject

signed_with() { # ALGORITHM: the certificate says it was
	ssh-keygen -L -f subject-cert.pub | grep -q "(using $1)"
}

# --- in an agent
eval "$(ssh-agent -a "$T/agent.sock")" >/dev/null
t_stop_later "$SSH_AGENT_PID"
for type in ed25519:ssh-ed25519 ecdsa256:ecdsa-sha2-nistp256 \
	rsa3072:rsa-sha2-512; do
	dir=agent-${type%:*}
	ca_key "${type%:*}" "ca-${type%:*}"
	t "$dir: a deployment that adopts the key" \
		ca_make "$dir" --user-ca "ca-${type%:*}"
	for key in user_ca ca_log; do
		SSH_AUTH_SOCK=$T/agent.sock ssh-add -q "$dir/keys/$key"
		rm "$dir/keys/$key"
		printf '%s\n' "  $key: \"agent:$T/agent.sock\""
	done >keys.yaml
	t_not "$dir: without its keys it signs nothing" \
		ca_cert "$dir" subject deploy
	{ echo 'keys:'; cat keys.yaml; } >>"$dir/writ.yaml"
	t "$dir: with the agent it does" ca_cert "$dir" subject deploy
	t "$dir: ssh-keygen reads $type" signed_with "${type#*:}"
	t "$dir: the log verifies" "$writ" audit verify -C "$dir"
done
SSH_AUTH_SOCK=$T/agent.sock ssh-add -q -D
t_not 'an agent without the key signs nothing' ca_cert agent-ed25519 subject deploy
t_has 'and it is said' "$(tail -n 3 "$ca_log")" "the ssh-agent has no key"

# --- under a passphrase
ca_key ed25519 locked
ssh-keygen -q -p -P '' -N 'open sesame' -f locked >/dev/null
printf '#!/bin/sh\necho open sesame\n' >askpass
printf '#!/bin/sh\necho wrong\n' >askwrong
chmod +x askpass askwrong
export SSH_ASKPASS=$T/askpass SSH_ASKPASS_REQUIRE=force
t 'a deployment whose keys are encrypted' ca_make locked-ca --passphrase
t 'signs when told the passphrase' ca_cert locked-ca subject deploy
export SSH_ASKPASS=$T/askwrong
t_not 'signs nothing with a wrong one' ca_cert locked-ca subject deploy
unset SSH_ASKPASS SSH_ASKPASS_REQUIRE

# --- PEM
for type in ed25519 ecdsa384 rsa3072; do
	ca_key "$type" "pem-$type"
	case $type in
	ed25519) ;; # ssh-keygen has no PEM of it
	*) ssh-keygen -q -p -P '' -N '' -m PEM -f "pem-$type" >/dev/null ;;
	esac
	t "$type: adopted" ca_make "pem-ca-$type" --user-ca "pem-$type"
	t "$type: signs" ca_cert "pem-ca-$type" subject deploy
	t_eq "$type: is the authority" \
		"$(ssh-keygen -l -f "pem-$type.pub" | cut -d' ' -f2)" \
		"$(ssh-keygen -L -f subject-cert.pub |
			awk '$1 == "Signing" { print $4 }')"
done

t_done
