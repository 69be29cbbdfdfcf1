/* SPDX-License-Identifier: ISC */
/* Changes to YAML that a person wrote: that alone changes, or nothing does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/conf/edit.h"
#include "tests/unit/alloc.h"

static const char *const path[] = {"authorities", "user", NULL};
static const char *const top[] = {"user_ca", NULL};

typedef int change(const char *file, struct slice text,
    const char *const *where, const char *name, struct str *out, struct err *e);

static const struct {
	change *edit;
	const char *text, *want; /* NULL: by hand */
} cases[] = {
    {yaml_add_last, "authorities: {user: [a, b]} # c\n",
	"authorities: {user: [a, b, new]} # c\n"},
    {yaml_add_last,
	"x: 1\nauthorities:   # who\n  user: [a, \"b\"]  # both\n  host: [c]\n",
	"x: 1\nauthorities:   # who\n  user: [a, \"b\", new]  # both\n"
	"  host: [c]\n"},
    {yaml_add_last,
	"authorities:\n  user: [\n    a, # one\n    b  # two\n  ]\n",
	"authorities:\n  user: [\n    a, # one\n    b, new  # two\n  ]\n"},
    {yaml_add_last,
	"authorities:\n  user:\n    - a # first\n    - 'b' # 2\n"
	"  host: [c]\n",
	"authorities:\n  user:\n    - a # first\n    - 'b' # 2\n    - new\n"
	"  host: [c]\n"},
    {yaml_add_last, "authorities:\n  user:\n  - a",
	"authorities:\n  user:\n  - a\n  - new"},
    {yaml_move_first, "authorities: {user: [a, \"b\", new, d]} # new\n",
	"authorities: {user: [new, a, \"b\", d]} # new\n"},
    {yaml_move_first, "authorities:\n  user:\n    - a # 1\n    - new # 2\n",
	"authorities:\n  user:\n    - new # 1\n    - a # 2\n"},
    {yaml_move_first, "authorities: {user: [new, a]}\n",
	"authorities: {user: [new, a]}\n"},
    /* Text before it that is not ASCII: columns are no bytes. */
    {yaml_add_last, "{\"\xc3\xa9\": 1, authorities: {user: [a]}}\n", NULL},
    /* An entry that is not as it reads. */
    {yaml_add_last, "authorities: {user: [\"\\x61\"]}\n", NULL},
    {yaml_move_first, "authorities: {user: [\"\\x61\", new]}\n", NULL},
    /* Anchors: the list stands somewhere else, or for another one too. */
    {yaml_add_last, "x: &l [a]\nauthorities: {user: *l}\n", NULL},
    {yaml_add_last, "authorities: {user: &l [a], host: *l}\n", NULL},
    {yaml_add_last, "authorities: {user: [a, [b]]}\n", NULL},
    {yaml_set_text, "user_ca: a # comment\nhost_ca: a\n",
	"user_ca: new # comment\nhost_ca: a\n"},
    {yaml_set_text, "x: y\nuser_ca: \"a\"\n", "x: y\nuser_ca: new\n"},
    {yaml_set_text, "user_ca: &k a\nhost_ca: *k\n", NULL},
    {yaml_set_text, "user_ca: >-\n  a\n", NULL},
};

static void
layout_and_comments_stay(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str out = STR_INIT;
		struct err e = {0};
		int r = cases[i].edit("f", slice_str(cases[i].text),
		    cases[i].edit == yaml_set_text ? top : path, "new", &out,
		    &e);

		if (r != (cases[i].want == NULL ? EDIT_BY_HAND : 0) ||
		    strcmp(out.p, cases[i].want == NULL ? "" : cases[i].want) !=
			0)
			fail_msg("%s  gave %d: %s%s", cases[i].text, r, e.msg,
			    out.p);
		str_clear(&out);
	}
}

static void
what_is_not_there_is_not_changed(void **state)
{
	static const char *const texts[] = {"", "x: 1\n", "authorities: x\n",
	    "authorities: {host: [a]}\n", "authorities: {user: a}\n",
	    "authorities: {user: []}\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct str out = STR_INIT;
		struct err e = {0};

		assert_int_equal(yaml_add_last("f", slice_str(texts[i]), path,
				     "new", &out, &e),
		    ERR_NOTFOUND);
		assert_int_equal(out.n, 0);
	}
	{
		struct str out = STR_INIT;
		struct err e = {0};

		assert_int_equal(yaml_move_first("f",
				     slice_str("authorities: {user: [a]}\n"),
				     path, "new", &out, &e),
		    ERR_NOTFOUND);
		assert_string_equal(e.msg, "f: 'new' is not in the list");
		assert_int_equal(yaml_add_last("f", slice_str("a: [\n"), path,
				     "new", &out, &e),
		    ERR_PARSE);
	}
}

static int
edit_once(void *arg)
{
	struct str out = STR_INIT;
	int r = yaml_add_last("f", slice_str(cases[1].text), path, "new", &out,
	    NULL);

	(void)arg;
	str_clear(&out);
	return r;
}

static void
editing_survives_each_failed_allocation(void **state)
{
	(void)state;
	assert_true(alloc_each(edit_once, NULL) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(layout_and_comments_stay),
	    cmocka_unit_test(what_is_not_there_is_not_changed),
	    cmocka_unit_test(editing_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
