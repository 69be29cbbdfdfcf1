# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Sourced by each tests/fault/NN-name.sh, after the checks of the interop tests:
# a deployment to break, and the ways to break it.
#
#	deploy DIR [init option...]	DIR with a signed policy; keys in $T/keys
#	ask DIR FILE [MINUTES]		an approved request of alice's, in FILE
#	points TRACE			the state-changing calls of a trace
#	killed POINT COMMAND...		killed right before that call
#	failing ERROR POINT COMMAND...	that call fails
#	says NAME STATUS PART COMMAND...
#	whole NAME LOG [FILE...]	the log and these certificates agree

# shellcheck source=tests/interop/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../interop/lib.sh"

writ=$O/writ
mode=${FAULT_MODE:-sample}
here=$TOP/tests/fault
keys=$T/keys
cd "$T" || exit 1

t_need() {
	local tool

	for tool; do
		if ! command -v "$tool" >/dev/null; then
			t_fail "$tool is installed"
			t_done
		fi
	done
}
t_need strace python3 ssh-keygen
if ! [ -x "$writ" ]; then
	t_fail "$writ is built"
	t_done
fi

all() {
	[ "$mode" = all ]
}

make_keys() {
	local name

	mkdir -p "$keys"
	for name in olga ivan alice; do
		ssh-keygen -q -t ed25519 -N '' -C $name -f "$keys/$name" ||
			return
	done
}

# deploy DIR [init option...]: two officers, and alice who may deploy.
deploy() {
	local dir=$1 name

	shift
	[ -d "$keys" ] || make_keys || return
	"$writ" init "$dir" --officer "olga@example.com=$keys/olga.pub" \
		--officer "ivan@example.com=$keys/ivan.pub" "$@" &&
		cat >"$dir/policy/ca.yaml" <<-Y || return
		people:
		  olga@example.com: {groups: [approvers]}
		  ivan@example.com: {groups: [approvers]}
		  alice@example.com:
		    keys: ["$(cat "$keys/alice.pub")"]
		    groups: [engineers]
		authorities:
		  user: [user_ca, emergency_ca]
		  host: [host_ca]
		  log: [ca_log, emergency_log]
		grants:
		  deploy:
		    to: [engineers]
		    principals: [deploy]
		    max: 8h
		    reason: {min: 3}
		    approve: [{approvers: 1}]
	Y
	for name in olga ivan; do
		"$writ" policy sign -C "$dir" -i "$keys/$name" -y || return
	done
}

# ask DIR FILE: FILE.pub beside it is the subject, so FILE-cert.pub is where
# the certificate goes.
ask() {
	local dir=$1 file=$2

	[ -e "$file.pub" ] ||
		ssh-keygen -q -t ed25519 -N '' -C subject -f "$file" || return
	"$writ" request -C "$dir" deploy -m 'to see it fail' --for 1h \
		--key "$file.pub" -i "$keys/alice" -o "$file.req" || return
	"$writ" approve -C "$dir" -i "$keys/olga" -y "$file.req"
}

# --- strace -------------------------------------------------------------------

calls=write,pwrite64,pwritev,fdatasync,fsync,syncfs,sync_file_range
calls=$calls,rename,renameat,renameat2,link,linkat,symlink,ftruncate,fallocate
calls=$calls,mkdir,mkdirat,unlink,unlinkat,rmdir,fchmod,fchmodat,msync
calls=$calls,copy_file_range,openat

# traced TRACE COMMAND...: undisturbed.  Children that run another program
# (ssh-keygen, which signs) are none of ours.
traced() {
	local trace=$1

	shift
	strace -f -b execve -y -s 0 -e "trace=$calls" -o "$trace" "$@"
}

# A point is NAME:N:WHERE, the Nth call of that name by the first process; of
# openat those that make a file.
points() {
	awk '
	# The last directory or file, and the last name in it.
	function place(s,	dir, file) {
		sub(/ = .*/, "", s)
		gsub(/AT_FDCWD<[^>]*>|[":]\/proc[^"]*"/, "", s)
		while (match(s, /<[^>]*>|"[^"]*"/)) {
			if (substr(s, RSTART, 1) == "<")
				dir = substr(s, RSTART + 1, RLENGTH - 2)
			else
				file = substr(s, RSTART + 1, RLENGTH - 2)
			s = substr(s, RSTART + RLENGTH)
		}
		sub(/.*\/w\//, "", dir)
		s = dir (dir != "" && file != "" ? "/" : "") file
		gsub(/[:#]/, "", s)
		return s
	}
	!/^[0-9]+ +[a-z0-9_]+\(/ { next }
	first == "" { first = $1 }
	$1 != first { next }
	{
		line = $0
		sub(/^[0-9]+ +/, "", line)
		name = substr(line, 1, index(line, "(") - 1)
		n = ++seen[name]
		if (name == "openat" && line !~ /O_CREAT|O_TMPFILE/)
			next
		# Nothing changed, so the state is that of the next call.
		if (line ~ / = -1 E(EXIST|NOENT)/)
			next
		print name ":" n ":" place(line)
	}' "$1"
}

killed() {
	local call n

	IFS=: read -r call n _ <<<"$1"
	shift
	# The subshell keeps bash from telling us.
	(
		strace -f -b execve -o /dev/null -e "trace=$call" \
			-e "inject=$call:signal=KILL:when=$n" "$@" \
			>out 2>&1 </dev/null
		exit $?
	) 2>/dev/null
	[ $? -eq 137 ]
}

# failing ERROR POINT COMMAND...: WHEN 3+ instead of 3 in POINT goes on failing.
failing() {
	local error=$1 call n

	IFS=: read -r call n _ <<<"$2"
	shift 2
	strace -f -b execve -o /dev/null -e "trace=$call" \
		-e "inject=$call:error=$error:when=$n" "$@" </dev/null
}

# --- verdicts -----------------------------------------------------------------

# says NAME STATUS PART COMMAND...
says() {
	local name=$1 want=$2 part=$3 out status

	shift 3
	out=$("$@" 2>&1 </dev/null)
	status=$?
	if [ $status -ne "$want" ]; then
		t_fail "$name" "status $status, wanted $want: $out"
	else
		t_has "$name" "$out" "$part"
	fi
}

# quiet COMMAND...: what it says, only when it fails.
quiet() {
	local out

	out=$("$@" 2>&1) || printf '%s\n' "failed: $*" "$out"
}

# audited DIR [OPTION...]: what writ itself says of a log.
audited() {
	"$writ" audit verify -C "$@"
}

# agrees DIR LOG [FILE...]: both judges; silent when they are content.
agrees() {
	local dir=$1

	shift
	python3 "$here/logcheck" "$@" && audited "$dir"
}
whole() {
	local name=$1

	shift
	t "$name: log and certificates agree" agrees "$@"
}
