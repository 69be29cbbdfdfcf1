# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by each tests/interop/NN-name.sh: a temporary directory $T that goes
# away with the script, checks that print one line each, and the sum at the
# end.  The programs under test are in $O (default build), as an absolute path.
#
#	t NAME COMMAND...	ok when COMMAND succeeds
#	t_not NAME COMMAND...	ok when COMMAND fails, but not by a signal, a
#				sanitizer or for being absent (126 to 254)
#	t_eq NAME WANT GOT	ok when the two texts are equal
#	t_has NAME TEXT PART	ok when TEXT contains PART
#	t_ok NAME, t_fail NAME [WHY...]	for what none of those fits
#	t_skip NAME WHY...	neither passed nor failed
#	here NAME COMMAND...	as t, and COMMAND can start what stays
#	until_ok COMMAND...	again and again, until it succeeds
#	says FILE TEXT		TEXT stands in FILE
#	ends STATUS PART COMMAND...	it ends so, and PART is in what it says on
#				either output, which the file `out` has then
#	flip FILE [AT]		another bit of the byte there (the middle)
#	terminal COLUMNS COMMAND...	what it shows on a terminal that wide
#	widest FILE		the most characters of a line of FILE
#	characters FILE		those of FILE in order, without blanks: a table
#				has the same ones on each terminal
#	t_ports FIRST		prints the first port from there on, in steps of
#				200, that is free with the 63 after it: two runs
#				at once must not meet
#	t_done			the last line of the script

# Scripts take it by way of several others.
! declare -F t_done >/dev/null || return 0

set -u
# As in tests/parts.sh: the programs that packaging/deps installs.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export LC_ALL=C
export ASAN_OPTIONS=${ASAN_OPTIONS:-exitcode=180}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-exitcode=180}
unset SSH_AUTH_SOCK SSH_ASKPASS SSH_ASKPASS_REQUIRE DISPLAY

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) || exit 1
O=${O:-build}
case $O in /*) ;; *) O=$TOP/$O ;; esac
export O TOP

T=$(mktemp -d "${TMPDIR:-/tmp}/writ-interop-XXXXXX") || exit 1
t_passed=0
t_failed=0
t_pids=()

t_ports() {
	python3 - "$1" <<'END'
import socket, sys
def free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
first = int(sys.argv[1])
print(next(p for p in range(first, 30000, 200)
           if all(free(q) for q in range(p, p + 64))))
END
}

# Stop a process of ours at the end of the script, whatever happens.
t_stop_later() {
	t_pids+=("$1")
}

t_cleanup() {
	local pid

	for pid in "${t_pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	rm -rf "$T"
}
trap t_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

t_ok() {
	t_passed=$((t_passed + 1))
	printf 'ok %s\n' "$1"
}

t_fail() {
	local name=$1

	shift
	t_failed=$((t_failed + 1))
	printf 'not ok %s\n' "$name"
	[ $# -eq 0 ] || printf '%s\n' "$*" | sed 's/^/  # /' | head -n 20
}

t_skip() {
	local name=$1

	shift
	printf 'skip %s: %s\n' "$name" "$*"
}

t() {
	local name=$1 out

	shift
	if out=$("$@" 2>&1); then
		t_ok "$name"
	else
		t_fail "$name" "status $? of: $*"$'\n'"$out"
	fi
}

t_not() {
	local name=$1 out status

	shift
	out=$("$@" 2>&1)
	status=$?
	if [ $status -eq 0 ]; then
		t_fail "$name" "succeeded: $*"$'\n'"$out"
	elif [ $status -ge 126 ] && [ $status -lt 255 ]; then
		t_fail "$name" "status $status of: $*"$'\n'"$out"
	else
		t_ok "$name"
	fi
}

t_eq() {
	if [ "$2" = "$3" ]; then
		t_ok "$1"
	else
		t_fail "$1" "wanted: $2"$'\n'"got:    $3"
	fi
}

t_has() {
	case $2 in
	*"$3"*) t_ok "$1" ;;
	*) t_fail "$1" "wanted in it: $3"$'\n'"got: $2" ;;
	esac
}

# Until COMMAND succeeds, 30 s at most.
until_ok() {
	local i

	for ((i = 0; i < 600; i++)); do
		"$@" >/dev/null 2>&1 </dev/null && return
		sleep 0.05
	done
	return 1
}

says() { grep -qF -- "$2" "$1"; }

ends() {
	local want=$1 part=$2 status

	shift 2
	"$@" >out 2>&1 </dev/null
	status=$?
	[ "$status" -eq "$want" ] &&
		{ [ -z "$part" ] || grep -qF -e "$part" out; } && return
	printf 'status %s, wanted %s and "%s":\n' "$status" "$want" "$part"
	cat out
	return 1
}

here() {
	local name=$1

	shift
	if "$@"; then
		t_ok "$name"
	else
		t_fail "$name" "$*"
	fi
}

flip() {
	python3 - "$@" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
at = int(sys.argv[2]) if len(sys.argv) > 2 else len(data) // 2
data[at] ^= 1
open(sys.argv[1], "wb").write(data)
END
}

terminal() {
	python3 - "$@" <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.read(0, 1)
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
os.write(fd, b"\n")
shown = b""
try:
    while True:
        some = os.read(fd, 4096)
        if not some:
            break
        shown += some
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.write(shown.decode().replace("\r\n", "\n").lstrip("\n"))
END
}

widest() { awk '{n = length($0) > n ? length($0) : n} END {print n}' "$1"; }

characters() { tr -d ' \n' <"$1" | fold -w 1 | sort; }

# A script that checked nothing has failed.
t_done() {
	[ $((t_passed + t_failed)) -gt 0 ] || t_fail 'some check was made'
	printf '%d passed, %d failed\n' "$t_passed" "$t_failed"
	[ "$t_failed" -eq 0 ]
	exit
}
