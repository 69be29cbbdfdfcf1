/* SPDX-License-Identifier: ISC */
/* Lines of files and of programs, whole or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/lines.h"
#include "lib/base/str.h"
#include "lib/proc/child.h"
#include "tests/unit/alloc.h"

#define MAX 8

static void
put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void
expect(struct lines *l, int want, const char *text)
{
	struct slice s;

	assert_int_equal(lines_next(l, &s, NULL), want);
	if (want == 0 && !slice_is(s, text))
		fail_msg("'%.*s', not '%s'", (int)s.n, (const char *)s.p, text);
}

static void
lines_come_whole_and_too_long_ones_are_counted(void **state)
{
	struct lines l;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	assert_int_equal(lines_init(&l, p[0], MAX, NULL), 0);
	expect(&l, LINES_WAIT, NULL);
	put(p[1], "one\n\n12345678\n123456789\nfive\nhal");
	expect(&l, 0, "one");
	expect(&l, 0, "");
	assert_int_equal(l.consumed, 5);
	expect(&l, 0, "12345678");
	expect(&l, 0, "five");
	assert_int_equal(l.too_long, 1);
	assert_int_equal(l.consumed, 29);
	expect(&l, LINES_WAIT, NULL);
	put(p[1], "f\n");
	expect(&l, 0, "half");
	assert_int_equal(l.consumed, 34);
	/* One that is not over yet is not counted yet. */
	put(p[1], "1234567890123456789012345");
	expect(&l, LINES_WAIT, NULL);
	assert_int_equal(l.too_long, 1);
	put(p[1], "\nlast");
	expect(&l, LINES_WAIT, NULL);
	assert_int_equal(l.too_long, 2);
	assert_int_equal(l.consumed, 60);
	close(p[1]);
	expect(&l, LINES_END, NULL);
	lines_clear(&l);
	close(p[0]);
}

/* --- of programs ---------------------------------------------------------- */

struct taken {
	struct str text;
	size_t enough; /* after so many; 0: never */
	size_t n;
	int fail;
};

static int
take(void *arg, struct slice line, struct err *e)
{
	struct taken *t = arg;

	(void)e;
	str_addn(&t->text, (const char *)line.p, line.n);
	str_addc(&t->text, '|');
	t->n++;
	if (t->fail != 0)
		return t->fail;
	return t->n == t->enough ? CHILD_ENOUGH : 0;
}

static int
sh(const char *script, int ms, struct taken *t, struct child_lines *l)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	const struct child_run run = {.argv = argv,
	    .out_max = MAX,
	    .err_through = true,
	    .timeout_ms = ms};

	*l = (struct child_lines){.take = take, .arg = t};
	return child_lines(&run, l, NULL);
}

static void
lines_of_a_program_are_taken(void **state)
{
	struct taken t = {.text = STR_INIT};
	struct child_lines l;

	(void)state;
	assert_int_equal(sh("echo a; echo 123456789; echo b; exit 3", 0, &t,
			     &l),
	    0);
	assert_string_equal(t.text.p, "a|b|");
	assert_int_equal(l.status, 3);
	assert_int_equal(l.too_long, 1);
	str_clear(&t.text);
}

static void
whoever_has_enough_waits_no_longer(void **state)
{
	struct taken t = {.text = STR_INIT, .enough = 2};
	struct child_lines l;

	(void)state;
	assert_int_equal(sh("while :; do echo a; done", 0, &t, &l), 0);
	assert_string_equal(t.text.p, "a|a|");
	assert_int_equal(l.status, -1);
	str_clear(&t.text);
	t = (struct taken){.text = STR_INIT, .fail = ERR_NOMEM};
	assert_int_equal(sh("while :; do echo a; done", 0, &t, &l), ERR_NOMEM);
	str_clear(&t.text);
}

static void
one_that_takes_too_long_is_killed(void **state)
{
	struct taken t = {.text = STR_INIT};
	struct child_lines l;

	(void)state;
	assert_int_equal(sh("echo a; exec sleep 1000", 200, &t, &l), ERR_NET);
	assert_string_equal(t.text.p, "a|");
	/* Also one that says nothing more and stays. */
	assert_int_equal(sh("exec >&-; exec sleep 1000", 200, &t, &l), ERR_NET);
	str_clear(&t.text);
}

static void
a_program_that_is_not_there_is_named(void **state)
{
	const char *argv[] = {"no-such-program-here", NULL};
	const struct child_run run = {
	    .argv = argv, .out_max = MAX, .err_through = true};
	struct child_lines l = {.take = take};

	(void)state;
	assert_int_equal(child_lines(&run, &l, NULL), ERR_NOTFOUND);
}

static int
one_line(void *arg)
{
	struct taken t = {.text = STR_INIT};
	struct child_lines l;
	int r = sh("echo a", 0, &t, &l);

	(void)arg;
	if (r == 0)
		r = str_check(&t.text);
	str_clear(&t.text);
	return r;
}

static void
memory_may_run_out_anywhere(void **state)
{
	(void)state;
	assert_true(alloc_each(one_line, NULL) >= 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_come_whole_and_too_long_ones_are_counted),
	    cmocka_unit_test(lines_of_a_program_are_taken),
	    cmocka_unit_test(whoever_has_enough_waits_no_longer),
	    cmocka_unit_test(one_that_takes_too_long_is_killed),
	    cmocka_unit_test(a_program_that_is_not_there_is_named),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
