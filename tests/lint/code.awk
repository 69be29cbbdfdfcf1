# SPDX-License-Identifier: ISC
# code(LINE): the line of C without comments and without what stands in quotes
# (the quotes stay), so that words of people are not taken for calls.  Call it
# for each line in order; in_comment carries over, set it to 0 at a new file.
function code(line,    out, c, at, q) {
	out = ""
	while (line != "") {
		if (in_comment) {
			at = index(line, "*/")
			if (at == 0)
				return out
			line = substr(line, at + 2)
			in_comment = 0
			out = out " "
			continue
		}
		if (!match(line, /["'\/]/))
			return out line
		c = substr(line, RSTART, 1)
		out = out substr(line, 1, RSTART - 1)
		line = substr(line, RSTART + 1)
		if (c == "/") {
			q = substr(line, 1, 1)
			if (q == "/")
				return out
			if (q == "*") {
				in_comment = 1
				line = substr(line, 2)
			} else
				out = out c
			continue
		}
		out = out c
		while (line != "") {
			q = substr(line, 1, 1)
			line = substr(line, q == "\\" ? 3 : 2)
			if (q == c)
				break
		}
		out = out c
	}
	return out
}
