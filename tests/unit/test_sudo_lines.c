/* SPDX-License-Identifier: ISC */
/* Lines of sudo, those that look like them, and what is kept of a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/logins/scan.h"
#include "agent/logins/sudo_line.h"
#include "tests/unit/linecase.h"

static const struct {
	const char *name, *text;
	bool good;
	const char *user, *as, *command, *why;
} sudos[] = {
    {"a command",
	"   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; "
	"COMMAND=/usr/bin/id -u",
	true, "alice", "root", "/usr/bin/id -u", ""},
    {"without a terminal",
	"   alice : PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/id", true,
	"alice", "root", "/usr/bin/id", ""},
    {"with a host, a group and variables",
	"a : HOST=web ; TTY=pts/0 ; CHROOT=/x ; PWD=/ ; USER=bob ; GROUP=adm ; "
	"ENV=A=1 ; COMMAND=/bin/ls",
	true, "a", "bob", "/bin/ls", ""},
    {"one that may not",
	"a : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; "
	"COMMAND=/bin/sh",
	true, "a", "root", "/bin/sh", "command not allowed"},
    {"one who is not in sudoers, without a terminal",
	"a : user NOT in sudoers ; PWD=/ ; USER=root ; COMMAND=/bin/sh", true,
	"a", "root", "/bin/sh", "user NOT in sudoers"},
    {"a directory that is a command",
	"a : TTY=pts/0 ; PWD=/tmp/ ; USER=bob ; COMMAND=/bin/ls ; USER=root ; "
	"COMMAND=/bin/sh",
	true, "a", "",
	"/tmp/ ; USER=bob ; COMMAND=/bin/ls ; USER=root ; "
	"COMMAND=/bin/sh",
	""},
    {"a command that is a line",
	"a : PWD=/ ; USER=root ; COMMAND=/bin/echo x ; USER=bob ; "
	"COMMAND=/bin/ls",
	true, "a", "",
	"/ ; USER=root ; COMMAND=/bin/echo x ; USER=bob ; COMMAND=/bin/ls", ""},
    {"a directory that is a reason",
	"a : PWD=/tmp/x ; command not allowed ; USER=root ; COMMAND=/bin/id",
	true, "a", "root", "/bin/id", ""},
    {"PAM's", "pam_unix(sudo:session): session opened for user root", false, "",
	"", "", ""},
    {"no command", "a : TTY=pts/0 ; PWD=/ ; USER=root ; TSID=000001", false, "",
	"", "", ""},
    {"of nobody", " : PWD=/ ; USER=root ; COMMAND=x", false, "", "", "", ""},
    {"nothing", "", false, "", "", "", ""},
};

static void
lines_of_sudo_say_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sudos) / sizeof(sudos[0]); i++) {
		const char *name = sudos[i].name;
		struct sudo_line l;

		if (sudo_line_parse(slice_str(sudos[i].text), &l) !=
		    sudos[i].good)
			fail_msg("%s: %d", name, !sudos[i].good);
		if (!sudos[i].good)
			continue;
		line_expect(name, "user", l.user, sudos[i].user);
		line_expect(name, "as", l.as, sudos[i].as);
		line_expect(name, "command", l.command, sudos[i].command);
		line_expect(name, "why", l.why, sudos[i].why);
		assert_false(l.is_more);
	}
}

static void
what_is_not_printable_is_escaped_and_cut_whole(void **state)
{
	static const struct {
		const char *in;
		size_t n, max;
		const char *out;
	} cases[] = {
	    {"abc", 3, 3, "abc"},
	    {"abcd", 4, 4, "abcd"},
	    {"abcde", 5, 4, "a..."},
	    {"a\nb", 3, 10, "a\\x0ab"},
	    {"a\0b", 3, 10, "a\\x00b"},
	    {"\xc5\xa1", 2, 8, "\\xc5\\xa1"},
	    {"\xc5\xa1\xc5", 3, 8, "\\xc5..."},
	    {"\xc5\xa1\xc5", 3, 10, "\\xc5..."},
	    {"", 0, 3, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text =
		    scan_clean(slice_of(cases[i].in, cases[i].n), cases[i].max);

		assert_non_null(text);
		assert_string_equal(text, cases[i].out);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_of_sudo_say_what_they_say),
	    cmocka_unit_test(what_is_not_printable_is_escaped_and_cut_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
