/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/net/dest.h"
#include "tests/unit/alloc.h"

static void
what_people_write_is_read(void **state)
{
	static const struct {
		const char *text, *user, *host;
		unsigned port;
	} cases[] = {
	    {"ca.example.com", NULL, "ca.example.com", 0},
	    {"ca", NULL, "ca", 0},
	    {"alice@ca.example.com", "alice", "ca.example.com", 0},
	    {"alice@example.com@ca", "alice@example.com", "ca", 0},
	    {"ca.example.com:22", NULL, "ca.example.com", 22},
	    {"a@ca:65535", "a", "ca", 65535},
	    {"[2001:db8::1]:2022", NULL, "2001:db8::1", 2022},
	    {"[::1]", NULL, "::1", 0},
	    {"a@[fe80::1%eth0]:7", "a", "fe80::1%eth0", 7},
	    {"::1", NULL, "::1", 0},
	    {"127.0.0.1:2022", NULL, "127.0.0.1", 2022},
	    {"ssh://ca.example.com", NULL, "ca.example.com", 0},
	    {"ssh://a@ca:2022", "a", "ca", 2022},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dest d = {0};

		print_message("%s\n", cases[i].text);
		assert_int_equal(dest_parse(cases[i].text, &d, NULL), 0);
		assert_string_equal(d.host, cases[i].host);
		if (cases[i].user == NULL)
			assert_null(d.user);
		else
			assert_string_equal(d.user, cases[i].user);
		assert_int_equal(d.port, cases[i].port);
		dest_clear(&d);
	}
}

/* Nothing that ssh would take for an option, a shell for a word of its own, or
 * a known_hosts file for a pattern. */
static void
everything_else_is_refused(void **state)
{
	static const char *const cases[] = {"", "-oProxyCommand=id", "a@", "@a",
	    "a b", "ca;id", "ca:0", "ca:65536", "ca:", "ca:22x", "[::1", "[]:1",
	    "[::1]x", "ssh://", "ssh://ca/", "-a@ca", "a@-b", "$(id)", "*",
	    "ca\n", "ssh://ca:22/path", "a@b:c@d", "[-x]"};
	struct dest d = {0};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("'%s'\n", cases[i]);
		assert_int_equal(dest_parse(cases[i], &d, &e), ERR_PARSE);
		assert_null(d.host);
		assert_non_null(strstr(e.msg, "expected HOST"));
	}
}

static void
an_endless_one_is_refused(void **state)
{
	char text[DEST_MAX + 2];
	struct dest d = {0};

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(dest_parse(text, &d, NULL), ERR_LIMIT);
	text[DEST_MAX] = '\0';
	assert_int_equal(dest_parse(text, &d, NULL), 0);
	dest_clear(&d);
}

static void
where_to_listen_is_a_host_and_a_port(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {
	    {"*:2022", "*", 2022},
	    {"192.0.2.1:1", "192.0.2.1", 1},
	    {"[::1]:65535", "::1", 65535},
	    {"ca.example.com:22", "ca.example.com", 22},
	};
	static const char *const bad[] = {"", ":", ":22", "*", "*:", "*:0",
	    "*:65536", "*:022", "*:22x", "::1:22", "[]:22", "[::1]", "22"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *host = NULL;
		uint16_t port = 0;

		assert_int_equal(dest_listen(good[i].text, &host, &port), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
		free(host);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *host = NULL;
		uint16_t port = 7;

		assert_int_equal(dest_listen(bad[i], &host, &port), ERR_PARSE);
		assert_null(host);
		assert_int_equal(port, 7);
	}
}

static int
parse_one(void *arg)
{
	struct dest d = {0};
	int r = dest_parse(arg, &d, NULL);

	dest_clear(&d);
	return r;
}

static void
memory_that_runs_out_is_said(void **state)
{
	char text[] = "alice@ca.example.com:2022";

	(void)state;
	assert_int_equal(alloc_each(parse_one, text), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_people_write_is_read),
	    cmocka_unit_test(everything_else_is_refused),
	    cmocka_unit_test(an_endless_one_is_refused),
	    cmocka_unit_test(where_to_listen_is_a_host_and_a_port),
	    cmocka_unit_test(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests_name("dest", tests, NULL, NULL);
}
