# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced after lib.sh and ca.sh: a deployment's four processes, started and
# stopped, and people who speak to them.
#
#	s_config DIR [LINE...]	who listens where, and LINES of `service:`
#	s_start DIR		writ-ca run -C DIR, until it answers; its id is
#				$service, what it says is in DIR.log
#				(not as a command of t, which has a shell of its
#				own: nobody would stop it)
#	s_stop			as an administrator stops it
#	s_pid NAME		the id of its writ-ca-NAME
#	s_call KEY WORD...	stock ssh with the private key in the file KEY
#	s_ask DIR KEY GRANT NAME	a request for a new key, into NAME.req
#	s_id FILE		the id of the statement in it
#	s_send KEY FILE		submit; what it answers is printed
#	s_issued DIR KEY GRANT NAME	asked for and issued: NAME-cert.pub
#	s_decide KEY ID approve|deny [COMMENT]	with stock ssh-keygen
#	s_until SECONDS COMMAND...	again and again until it succeeds
#	s_says DIR TEXT		the service of DIR has said so
#	s_metric DIR NAME	of writ-ca metrics
#	s_clock SECONDS [MORE [LATER]]	what the clock of services started after
#				s_fake is off, and the signer's (or whose
#				FAKECLOCK_OF says) besides; LATER: as if so much
#				time had passed for that one
#	s_fake			from now on services have that clock, people do not

: "${writ?}" "${ca_log?}"
s_port=$(t_ports "${S_PORT:-23000}")
service=''

s_config() {
	local dir=$1

	shift
	# The front and notify become nobody, who must get to his sockets.
	chmod 755 "$T"
	sed -i '/^service:/,$d' "$dir/writ.yaml"
	{
		printf 'service:\n  listen: ["127.0.0.1:%s"]\n' "$s_port"
		[ $# -eq 0 ] || printf '  %s\n' "$@"
	} >>"$dir/writ.yaml"
}

s_answers() {
	s_call alice hello </dev/null >/dev/null 2>&1
}

s_start() {
	local i

	[ -f "$1/keys/transport" ] || ca_key ed25519 "$1/keys/transport"
	# shellcheck disable=SC2086 # words
	env $s_env "$O/writ-ca" run -C "$1" >>"$1.log" 2>&1 &
	service=$!
	t_stop_later $service
	for ((i = 0; i < 300; i++)); do
		s_answers && return 0
		kill -0 $service 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

s_stop() {
	local status

	kill "$service"
	wait "$service" 2>/dev/null
	status=$?
	service=''
	return $status
}

s_pid() {
	pgrep -P "$service" -x "writ-ca-$1" | head -n 1
}

s_call() {
	local key=$1

	shift
	timeout 30 ssh -F none -p "$s_port" -i "$key" -l x -T -a -x \
		-o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR 127.0.0.1 "$@"
}

s_ask() {
	[ -f "$4.pub" ] || ca_key ed25519 "$4"
	rm -f "$4.req"
	"$writ" request -C "$1" -m "a reason for $4" -i "$2" \
		--key "$4.pub" -o "$4.req" "$3" >>"$ca_log" 2>&1
}

s_id() {
	head -n 1 "$1" | sha256sum | cut -c1-64
}

s_send() {
	s_call "$1" submit <"$2" 2>&1
}

s_issued() {
	s_ask "$@" && s_send "$2" "$4.req" >"$4.out" &&
		s_fetch "$2" "$4" && return
	cat "$4.out"
	return 1
}

s_fetch() {
	s_call "$1" fetch "$(s_id "$2.req")" </dev/null >"$2.fetch" 2>&1 &&
		grep -o '^[a-z0-9-]*-cert-v01@openssh.com [^ ]*' "$2.fetch" \
			>"$2-cert.pub"
}

s_decide() {
	local key=$1 id=$2

	shift 2
	rm -f "$key.d" "$key.d.sig"
	if ! s_call "$key" decision "$id" "$@" </dev/null >"$key.d" 2>&1; then
		cat "$key.d"
		return 1
	fi
	ssh-keygen -q -Y sign -n decision@writ -f "$key" "$key.d" 2>/dev/null ||
		return
	cat "$key.d" "$key.d.sig" | s_call "$key" submit
}

s_until() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

s_says() {
	grep -qF -- "$2" "$1.log"
}

s_metric() {
	"$O/writ-ca" metrics -C "$1" 2>/dev/null | sed -n "s/^$2 //p"
}

# --- the clock ----------------------------------------------------------------

s_env=''

s_le64() {
	local v=$1 i

	for ((i = 0; i < 64; i += 8)); do
		printf '\\x%02x' $(((v >> i) & 255))
	done
}

s_clock() {
	# In place: the programs have it mapped.
	# shellcheck disable=SC2059
	printf "$(s_le64 "$1")$(s_le64 "${2:-0}")$(s_le64 "${3:-0}")" \
		1<>"$T/clock"
}

s_fake() {
	s_clock 0
	s_env="FAKECLOCK=$T/clock FAKECLOCK_OF=writ-ca-signer"
	s_env="$s_env LD_PRELOAD=$O/tools/fakeclock.so"
	# Then the sanitizer is not the first library.
	s_env="$s_env ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0"
}
