# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced first by tests of logins: the script runs again on a host of its own
# (tests/lab/sshd), with lib.sh and ca.sh at hand and $T the current directory.
#
#	host_start NAME PORT [OPTION...]	an sshd; as tests/lab/sshd has it
#	host_use NAME PORT	the one that is meant from now on
#	login KEY ACCOUNT [COMMAND...]	with KEY and KEY-cert.pub; $out is what
#				it said; status as of ssh.  login_opts=(...):
#				further options of ssh
#	said			what sshd logged since the last login or said
#	gets_in NAME KEY ACCOUNT	ok when KEY's certificate is accepted and
#				the log names its serial and key ID
#	kept_out NAME KEY ACCOUNT TEXT	ok when it is not, and the log has TEXT

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -z "${LAB_INSIDE:-}" ]; then
	export LAB_INSIDE=1 LAB_ACCOUNTS='deploy viewer limited pinned'
	exec "$here/../lab/sshd" enter bash "$0" "$@"
fi

# shellcheck source=tests/interop/lib.sh
. "$here/../interop/lib.sh"
# shellcheck source=tests/interop/ca.sh
. "$here/../interop/ca.sh"

cd "$T" || exit 1
host_log='' host_at=0 host_port=22
login_opts=()
out=''

host_start() {
	local name=$1

	shift
	if ! "$TOP/tests/lab/sshd" start "$T/$name" "$@" >start.out 2>&1; then
		t_fail "sshd $name starts" "$(cat start.out)"
		t_done
	fi
	host_use "$name" "$1"
}

host_use() {
	host_log=$T/$1.log
	host_port=$2
	host_at=$(stat -c %s "$host_log")
}

# The client believes every host key but where a test gives it known_hosts.
login() {
	local key=$1 account=$2

	shift 2
	host_at=$(stat -c %s "$host_log")
	out=$(ssh -F none -p "$host_port" -o BatchMode=yes \
		-o IdentitiesOnly=yes -o "IdentityFile=$key" \
		-o "CertificateFile=${login_cert:-$key-cert.pub}" \
		"${login_opts[@]}" -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		"$account@web1.example.com" "$@" 2>&1 </dev/null)
}

said() {
	tail -c "+$((host_at + 1))" "$host_log"
}

# said_so TEXT: what the log says comes a moment after the client has gone.
said_so() {
	local i

	for ((i = 0; i < 40; i++)); do
		case $(said) in *"$1"*) return 0 ;; esac
		sleep 0.05
	done
	return 1
}

gets_in() {
	local name=$1 key=$2 want

	want="ID alice@example.com/$(head -n 1 "$key.req" | sha256sum |
		cut -c 1-32) (serial $(ca_serial "$key-cert.pub")) CA "
	if ! login "$key" "$3" true; then
		t_fail "$name" "$out" "$(said)" "$(tail -n 3 "$ca_log")"
	elif said_so "$want"; then
		t_ok "$name"
	else
		t_fail "$name" "wanted in the log: $want" "$(said)"
	fi
}

kept_out() {
	local name=$1

	if login "$2" "$3" true; then
		t_fail "$name" "got in: $(said)"
	elif said_so "$4"; then
		t_ok "$name"
	else
		t_fail "$name" "wanted in the log: $4" "$(said)"
	fi
}
