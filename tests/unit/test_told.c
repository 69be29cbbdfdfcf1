/* SPDX-License-Identifier: ISC */
/* Each alarm is told once, whoever else is told of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/told.h"
#include "tests/unit/alloc.h"

#define NOW INT64_C(1764000000) /* 2025-11-24T16:00:00Z */
#define HEX_A                                                             \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"a"
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Texts of tests are never freed. */
#define T(s) ((char *)(uintptr_t)(s))

static const struct gap usual = {.kind = "never issued",
    .alarm = true,
    .at = NOW,
    .host = T("web-1"),
    .account = T("deploy"),
    .person = T("alice@example.com"),
    .from = T("10.0.0.7"),
    .what = T("no log has serial 7")};

static void
what_a_person_sees_makes_the_alarm(void **state)
{
	struct gap v[8];
	struct hash id[LEN(v)];

	(void)state;
	for (size_t i = 0; i < LEN(v); i++)
		v[i] = usual;
	v[1].kind = "outside";
	v[2].at++;
	v[3].host = T("web-2");
	v[4].account = NULL;
	v[5].person = NULL;
	v[6].from = T("10.0.0.70");
	v[7].what = T("no log has serial 70");
	for (size_t i = 0; i < LEN(v); i++)
		gap_id(&v[i], &id[i]);
	for (size_t i = 0; i < LEN(v); i++)
		for (size_t j = 0; j < i; j++)
			assert_false(hash_equal(&id[i], &id[j]));
	/* What ends one field begins no other. */
	v[0].account = T("a");
	v[0].person = T("b");
	v[1] = v[0];
	v[1].account = T("ab");
	v[1].person = T("");
	gap_id(&v[0], &id[0]);
	gap_id(&v[1], &id[1]);
	assert_false(hash_equal(&id[0], &id[1]));
	/* How many there are is not what it is. */
	v[1] = v[0];
	v[1].count = 9;
	gap_id(&v[1], &id[1]);
	assert_true(hash_equal(&id[0], &id[1]));
}

static void
an_alarm_is_one_line(void **state)
{
	struct str s = STR_INIT;
	struct gap x = usual;
	char *big;

	(void)state;
	gap_text(&x, &s);
	assert_string_equal(s.p,
	    "never issued: web-1, account deploy, certificate of "
	    "alice@example.com, from 10.0.0.7, 2025-11-24T16:00:00Z: no log "
	    "has serial 7");
	str_reset(&s);
	x = (struct gap){.kind = "silent", .host = T("a\nb\x1b\x7f")};
	gap_text(&x, &s);
	assert_string_equal(s.p, "silent: a b  ");
	/* What is too long ends with a whole character. */
	assert_non_null(big = malloc(3 * TOLD_TEXT_MAX + 1));
	for (size_t i = 0; i < TOLD_TEXT_MAX; i++)
		memcpy(big + 3 * i, "\xe2\x82\xac", 3);
	big[3 * TOLD_TEXT_MAX] = '\0';
	for (size_t i = 0; i < 3; i++) {
		str_reset(&s);
		x = (struct gap){.kind = &"xxx"[i], .host = big};
		gap_text(&x, &s);
		assert_true(s.n > TOLD_TEXT_MAX - 3 && s.n <= TOLD_TEXT_MAX);
		assert_true(text_is_utf8(s.p, s.n, NULL));
	}
	free(big);
	str_clear(&s);
}

static void
the_file_is_read_strictly(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
	    {"", 0},
	    {HEX_A " 2025-11-24T16:00:00Z\n", 0},
	    {HEX_A " 2025-11-24T16:00:00Z", ERR_PARSE},
	    {HEX_A " 2025-11-24T16:00:00Z\n\n", ERR_PARSE},
	    {HEX_A "\t2025-11-24T16:00:00Z\n", ERR_PARSE},
	    {HEX_A " 2025-11-24T16:00:00+\n", ERR_PARSE},
	    {HEX_A " 2025-13-24T16:00:00Z\n", ERR_PARSE},
	    {HEX_A " 2025-11-24T16:00:00Z \n", ERR_PARSE},
	    {"g" HEX_A, ERR_PARSE},
	    {"\n", ERR_PARSE},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct told_alarms t = {0};
		struct err e = {0};
		int r = told_alarms_parse("x.told",
		    slice_of(cases[i].text, strlen(cases[i].text)), &t, &e);

		if (r != cases[i].want)
			fail_msg("case %zu: %d %s", i, r, e.msg);
		if (r != 0)
			assert_non_null(strstr(e.msg, "x.told:"));
		told_alarms_clear(&t);
	}
}

/* The places in g of what is new, as text. */
static const char *
fresh(struct told_alarms *t, const struct gaps *g)
{
	static char out[64];
	size_t *v = NULL, n = 0, used = 0;

	assert_int_equal(told_alarms_new(t, g, &v, &n), 0);
	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, sizeof(out) - used, "%zu ",
		    v[i]);
	free(v);
	return out;
}

static void
each_is_new_once(void **state)
{
	struct gap v[] = {usual, usual, usual, usual, usual};
	const struct gaps g = {.v = v, .n = LEN(v)};
	struct told_alarms t = {0}, again = {0};
	struct str s = STR_INIT;

	(void)state;
	v[1].alarm = false; /* merely to know of */
	v[2].host = T("web-2");
	v[4].host = T("web-0");
	assert_string_equal(fresh(&t, &g), "0 2 4 ");
	assert_int_equal(told_alarms_add(&t, &v[0], NOW), 0);
	assert_int_equal(told_alarms_add(&t, &v[4], NOW), 0);
	told_alarms_write(&t, NOW, &s);
	assert_int_equal(s.n, 2 * 86);
	assert_int_equal(told_alarms_parse("x", slice_of(s.p, s.n), &again,
			     NULL),
	    0);
	assert_string_equal(fresh(&again, &g), "2 ");
	told_alarms_clear(&again);
	told_alarms_clear(&t);
	str_clear(&s);
}

static void
what_is_over_is_forgotten_in_time(void **state)
{
	struct gap v[] = {usual, usual};
	const struct gaps g = {.v = v, .n = 1};
	struct told_alarms t = {0}, later = {0};
	struct str s = STR_INIT;

	(void)state;
	v[1].host = T("web-2");
	assert_int_equal(told_alarms_add(&t, &v[0], NOW), 0);
	assert_int_equal(told_alarms_add(&t, &v[1], NOW), 0);
	told_alarms_write(&t, NOW, &s);
	assert_int_equal(told_alarms_parse("x", slice_of(s.p, s.n), &later,
			     NULL),
	    0);
	assert_string_equal(fresh(&later, &g), "");
	str_reset(&s);
	told_alarms_write(&later, NOW + TOLD_KEEP_S, &s);
	assert_int_equal(s.n, 2 * 86);
	/* The first is an alarm still. */
	str_reset(&s);
	told_alarms_write(&later, NOW + TOLD_KEEP_S + 1, &s);
	assert_int_equal(s.n, 86);
	told_alarms_clear(&t);
	told_alarms_clear(&later);
	str_clear(&s);
}

static void
more_than_the_limit_are_refused(void **state)
{
	struct told_alarms t = {0};
	struct str s = STR_INIT;
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i <= TOLD_MAX; i++)
		str_add(&s, HEX_A " 2025-11-24T16:00:00Z\n");
	assert_int_equal(told_alarms_parse("x", slice_of(s.p, s.n - 86), &t,
			     &e),
	    0);
	assert_int_equal(told_alarms_add(&t, &usual, NOW), ERR_LIMIT);
	told_alarms_clear(&t);
	assert_int_equal(told_alarms_parse("x", slice_of(s.p, s.n), &t, &e),
	    ERR_LIMIT);
	told_alarms_clear(&t);
	str_clear(&s);
}

static int
all_of_it(void *arg)
{
	const struct gaps *g = arg;
	struct told_alarms t = {0};
	struct str s = STR_INIT;
	size_t *v = NULL, n;
	int r;

	if ((r = told_alarms_parse("x",
		 slice_of(HEX_A " 2025-11-24T16:00:00Z\n", 86), &t, NULL)) ==
		0 &&
	    (r = told_alarms_new(&t, g, &v, &n)) == 0 &&
	    (r = told_alarms_add(&t, &g->v[0], NOW)) == 0) {
		gap_text(&g->v[0], &s);
		told_alarms_write(&t, NOW, &s);
		r = str_check(&s) != 0 ? ERR_NOMEM : 0;
	}
	free(v);
	str_clear(&s);
	told_alarms_clear(&t);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	struct gap v[] = {usual};
	struct gaps g = {.v = v, .n = 1};

	(void)state;
	assert_true(alloc_each(all_of_it, &g) >= 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_person_sees_makes_the_alarm),
	    cmocka_unit_test(an_alarm_is_one_line),
	    cmocka_unit_test(the_file_is_read_strictly),
	    cmocka_unit_test(each_is_new_once),
	    cmocka_unit_test(what_is_over_is_forgotten_in_time),
	    cmocka_unit_test(more_than_the_limit_are_refused),
	    cmocka_unit_test(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
