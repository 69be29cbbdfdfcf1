# SPDX-License-Identifier: ISC
# The rules of tests/lint/layers over C files named from the top of the tree.
BEGIN {
	n = split("lib/base lib/proc lib/crypto lib/ssh lib/conf lib/tlog " \
	    "lib/statement lib/trust lib/bundle lib/key lib/blob lib/store lib/ledger " \
	    "lib/net lib/notify lib/cli lib/front lib/keeper ca/issue ca/common ca/signer ca/keeper " \
	    "ca/daemon ca/audit ca/client " \
	    "ca/cli " \
	    "agent/fleet agent/states agent/logins agent/minion agent/master " \
	    "agent/client agent/cli", rooms)
	for (i = 1; i <= n; i++)
		rank[rooms[i]] = i

	n = split("lib/ssh lib/conf lib/tlog lib/statement lib/trust " \
	    "ca/issue agent/fleet agent/logins", rooms)
	for (i = 1; i <= n; i++)
		pure[rooms[i]] = 1
	n = split("lib/base/file.h lib/crypto/random.h fcntl.h unistd.h " \
	    "sys/socket.h", rooms)
	for (i = 1; i <= n; i++)
		impure[rooms[i]] = 1
}

function fault(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	faults++
}

# "lib/ssh/krl.h" -> "lib/ssh"
function room_of(path) {
	return match(path, /^[^\/]+\/[^\/]+\//) ? substr(path, 1, RLENGTH - 1) \
	    : ""
}

function top_of(path) {
	return substr(path, 1, index(path, "/") - 1)
}

FNR == 1 {
	in_comment = 0
	files++
	room = room_of(FILENAME)
	if (!(room in rank))
		fault("not in a room that has a rank (tests/lint/layers.awk)")
}

{ text = code($0) }

# code() empties the quotes, so the name comes from the line as it is.
text ~ /^[ \t]*#[ \t]*include/ {
	name = $0
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
	open = substr(name, 1, 1)
	name = substr(name, 2)
	sub(/[">].*/, "", name)
	if (pure[room] && name in impure)
		fault(room " is pure, so it may not include " name)
	if (open != "\"")
		next
	arrows++
	to = room_of(name)
	if (!(to in rank))
		fault("\"" name "\" is not a path from the root into a room")
	else if (top_of(name) != top_of(room) && top_of(name) != "lib")
		fault(top_of(room) " may not include " name)
	else if (rank[to] > rank[room])
		fault(room " may not look up at " name)
	next
}

# A call through a pointer (ops->open) is what was handed in: allowed.
pure[room] && match(text, /(^|[^A-Za-z0-9_.>])(open|openat|fopen|socket|time|gettimeofday|clock_gettime|clock_now|getrandom|random_bytes|getenv)[ \t]*\(/) {
	name = substr(text, RSTART, RLENGTH)
	gsub(/[^A-Za-z_]/, "", name)
	fault(room " is pure, so it may not call " name "()")
}

END {
	if (files == 0) {
		print "no source was found"
		exit 1
	}
	printf "%d files, %d includes, %d faults\n", files, arrows, faults
	exit faults > 0
}
