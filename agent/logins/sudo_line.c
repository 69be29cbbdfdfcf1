/* SPDX-License-Identifier: ISC */
#include "agent/logins/sudo_line.h"

#include "agent/logins/scan.h"

/* The account and the command, after the directory. */
static bool
parse_rest(struct slice s, struct sudo_line *out)
{
	struct slice all = s, dir = s, after, again, command, field;

	/* One place alone where USER= follows the directory? */
	if (!scan_split(&dir, " ; USER=", &after))
		return false;
	command = after;
	if (!scan_split(&command, " ; COMMAND=", &out->command))
		return false;
	again = after;
	field = out->command;
	if (scan_split(&again, " ; USER=", &after) ||
	    scan_split(&field, " ; COMMAND=", &after)) {
		out->as = slice_of(NULL, 0);
		out->command = all;
		return true;
	}
	/* USER=root ; GROUP=... ; ENV=...: the account is what comes first. */
	out->as = command;
	(void)scan_split(&out->as, " ; ", &after);
	return true;
}

bool
sudo_line_parse(struct slice s, struct sudo_line *out)
{
	struct slice rest, tty, pwd;

	*out = (struct sudo_line){0};
	while (scan_front(&s, " "))
		; /* names are padded */
	if (!scan_split(&s, " : ", &rest) || s.n == 0)
		return false;
	out->user = s;
	if (scan_front(&rest, "(command continued) ")) {
		out->is_more = true;
		out->command = rest;
		return true;
	}
	/* What comes before the directory is sudo's own. */
	if (!scan_split(&rest, "PWD=", &pwd))
		return false;
	if (scan_split(&rest, " ; ", &tty) && !scan_front(&rest, "TTY=") &&
	    !scan_front(&rest, "HOST="))
		out->why = rest;
	return parse_rest(pwd, out);
}
