# SPDX-License-Identifier: ISC
# The rules of tests/lint/banned.
BEGIN {
	LONGEST_FUNCTION = 100
	LONGEST_FILE = 700
	LONGEST_TEST = 1200	# one case after another, read one at a time

	# Why not, and what instead.
	why["strcpy"] = why["strcat"] = why["sprintf"] = \
	    "writes past the end; use struct str or snprintf"
	why["vsprintf"] = why["strcpy"]
	why["strncpy"] = why["strncat"] = "may not terminate; use struct str"
	why["gets"] = "writes past the end; use lib/base/file.h"
	why["strtok"] = "keeps hidden state; use strchr"
	why["atoi"] = why["atol"] = why["atoll"] = \
	    "sees no error; use parse_u64"
	why["localtime"] = why["gmtime"] = why["ctime"] = why["asctime"] = \
	    "keeps hidden state; use lib/base/clock.h"
	why["mktemp"] = why["tmpnam"] = why["tempnam"] = \
	    "races; use mkstemp or mkdtemp"
	why["system"] = why["popen"] = "runs a shell; use lib/proc/child.h"
	why["alloca"] = "may overrun the stack; use malloc"
	for (name in why)
		names = names (names == "" ? "" : "|") name
	call = "(^|[^A-Za-z0-9_.>])(" names ")[ \t]*[(]"
}

function fault(line, text) {
	printf "%s:%d: %s\n", FILENAME, line, text
	faults++
}

FNR == 1 {
	files++
	in_comment = 0
	start = 0
	is_c = FILENAME ~ /\.[ch]$/
	longest = FILENAME ~ /^tests\// ? LONGEST_TEST : LONGEST_FILE
	is_code = FILENAME !~ /\.([1-8]|md)$/
}

is_code && FNR == longest + 1 {
	fault(FNR, "a file of more than " longest " lines")
}

# In C, quotes hold data: the POSIX zone "XXX3" is no confession.
{ words = $0 }
is_c { gsub(/"([^"\\]|\\.)*"/, "", words) }
words ~ /(^|[^A-Za-z0-9])(TODO|FIXME|XXX)([^A-Za-z0-9]|$)/ ||
    tolower(words) ~ /(^|[^a-z])for now([^a-z]|$)/ {
	fault(FNR, "unfinished, by its own words")
}

!is_c { next }

# The house style opens and closes a function in the first column.
/^\{/ { start = FNR }
/^\}/ {
	if (start && FNR - start + 1 > LONGEST_FUNCTION)
		fault(start, "a function of " FNR - start + 1 " lines, more " \
		    "than " LONGEST_FUNCTION)
	start = 0
}

{ text = code($0) }

match(text, call) {
	name = substr(text, RSTART, RLENGTH)
	gsub(/[^a-z]/, "", name)
	fault(FNR, name "() " why[name])
}

END {
	if (files == 0) {
		print "no source was found"
		exit 1
	}
	printf "%d files, %d faults\n", files, faults
	exit faults > 0
}
