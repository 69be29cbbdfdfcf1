# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by tests/demo/demo: how the story is told and checked.
#
#	chapter TITLE		a heading
#	tell TEXT...		a paragraph
#	as WHO COMMAND...	what WHO types and what it answers; $out has it.
#				want=N: the status it must end with (default 0)
#				lines=N: how many lines of it are shown
#	answers TEXT		$out must contain TEXT
#	host_says TEXT		shows what sshd logged since the last login, and
#				it must contain TEXT
#	show FILE...		files, under their names

TOP=$PWD
export PATH=$O:$PATH LC_ALL=C TZ=UTC
unset SSH_AUTH_SOCK SSH_ASKPASS DISPLAY
cd "$DEMO_HOME" || exit 1

bold='' dim='' plain=''
if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[m'
fi
out=''
chapters=0
log_file='' log_at=0

chapter() {
	chapters=$((chapters + 1))
	printf '\n%s== %d. %s%s\n' "$bold" $chapters "$*" "$plain"
}

tell() {
	printf '\n'
	printf '%s\n' "$*" | fold -s -w 78
}

surprise() {
	printf '\ndemo: %s\n' "$*" >&2
	printf 'demo: what was made is in %s\n' "$DEMO_HOME" >&2
	exit 1
}

# A command as one would type it.
typed() {
	local word line=

	for word; do
		case $word in
		'' | *[!A-Za-z0-9_@%+=:,./~-]*)
			word="'${word//\'/\'\\\'\'}'" ;;
		esac
		line+=" $word"
	done
	printf '%s' "${line# }" | sed "s,$TOP/,,g; s,$DEMO_HOME/,,g"
}

# The first lines; long ones are cut where nobody reads on.
trimmed() {
	printf '%s\n' "$out" | awk -v max="$1" '
	    length($0) > 240 { $0 = substr($0, 1, 236) " ..." }
	    NR <= max
	    END { if (NR > max) print "... (" NR - max " more lines)" }' |
	    sed "s/^/  $dim/; s/\$/$plain/"
}

as() {
	local who=$1 status

	shift
	printf '\n%s%s$%s %s\n' "$bold" "$who" "$plain" "$(typed "$@")"
	out=$("$@" 2>&1 </dev/null)
	status=$?
	[ -z "$out" ] || trimmed "${lines:-24}"
	[ $status -eq "${want:-0}" ] ||
	    surprise "status $status, expected ${want:-0}"
}

answers() {
	case $out in
	*"$1"*) ;;
	*) surprise "expected in that answer: $1" ;;
	esac
}

# Lines come a moment after the client has gone.
host_says() {
	local i

	for ((i = 0; i < 50; i++)); do
		out=$(tail -c "+$((log_at + 1))" "$log_file" |
		    grep -v '^Connection closed\|^Received disconnect\|^Disconnected')
		case $out in *"$1"*) break ;; esac
		sleep 0.1
	done
	log_at=$(stat -c %s "$log_file")
	printf '\n%sweb1, log of sshd:%s\n' "$bold" "$plain"
	printf '%s\n' "$out" | fold -s -w 100 | sed "s/^/  $dim/; s/\$/$plain/"
	answers "$1"
}

show() {
	local file

	for file; do
		printf '\n%s%s:%s\n' "$bold" "$file" "$plain"
		out=$(cat "$file")
		trimmed "${lines:-40}"
	done
}

# Both logs are ours to read from the start of each login.
listen() {
	log_file=$1
	log_at=$(stat -c %s "$log_file")
}
