/* SPDX-License-Identifier: ISC */
/* The file of a state of an audit: the same again, and no number in it that leads
 * past its leaves, whoever has made the sum right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/past.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define BUNDLE 256 /* one full bundle */

/* One of each list. */
static struct audit_past *
make(void)
{
	struct audit_past *s = NULL;

	assert_int_equal(past_new(&s), 0);
	s->size = BUNDLE;
	s->note = (uint8_t *)str_dup("a note\n");
	s->n_note = 7;
	(void)snprintf(s->origin, sizeof(s->origin), "writ.invalid/x/ca_log");
	s->roots = calloc(1, sizeof(*s->roots));
	s->issues = calloc(1, sizeof(*s->issues));
	s->names = calloc(1, sizeof(*s->names));
	s->leaves = calloc(2, sizeof(*s->leaves));
	s->later = calloc(1, sizeof(*s->later));
	s->heads = calloc(2, sizeof(*s->heads));
	s->lists = calloc(1, sizeof(*s->lists));
	s->n_issues = s->n_names = s->n_later = s->n_lists = 1;
	s->n_leaves = s->n_heads = 2;
	s->names[0].tag = TABLE_STATEMENT;
	s->issues[0].certificate = AUDIT_NO_INDEX;
	for (size_t i = 0; i < 2; i++) {
		s->leaves[i].index = i;
		s->leaves[i].bytes = (uint8_t *)str_dup("leaf");
		s->leaves[i].n = 4;
		s->heads[i] = 100 + i;
	}
	return s;
}

static struct buf *
encode(const struct audit_past *s)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, PAST_MAX), 0);
	assert_int_equal(past_encode(s, b), 0);
	return b;
}

static int
parse(struct slice bytes)
{
	struct audit_past *s = NULL;
	int r;

	if ((r = past_new(&s)) != 0)
		return r;
	r = past_parse(bytes, s);
	past_free(s);
	return r;
}

static void
it_is_the_same_again(void **state)
{
	struct audit_past *s = make(), *t = NULL;
	struct buf *b = encode(s), *again;

	(void)state;
	assert_int_equal(past_new(&t), 0);
	assert_int_equal(past_parse(buf_slice(b), t), 0);
	again = encode(t);
	assert_true(slice_equal(buf_slice(b), buf_slice(again)));
	buf_free(again);
	buf_free(b);
	past_free(t);
	past_free(s);
}

/* Where a number of make()'s is, what it becomes instead, and what is said. */
static void
nothing_leads_past_its_leaves(void **state)
{
	struct audit_past *s = make();
	const struct {
		uint64_t *at;
		uint64_t is;
		int want;
	} cases[] = {
	    {&s->names[0].index, BUNDLE, ERR_PARSE},
	    {&s->names[0].index, BUNDLE - 1, 0},
	    {&s->issues[0].index, BUNDLE, ERR_PARSE},
	    {&s->issues[0].index, BUNDLE - 1, 0},
	    {&s->issues[0].certificate, BUNDLE, ERR_PARSE},
	    {&s->issues[0].certificate, BUNDLE - 1, 0},
	    {&s->leaves[1].index, BUNDLE, ERR_PARSE},
	    {&s->leaves[1].index, BUNDLE - 1, 0},
	    {&s->leaves[1].index, 0, ERR_PARSE}, /* as the one before */
	    {&s->later[0], BUNDLE, ERR_PARSE},
	    {&s->later[0], BUNDLE - 1, 0},
	    {&s->heads[1], BUNDLE + 1, ERR_PARSE},
	    {&s->heads[1], BUNDLE, 0},
	    {&s->heads[1], 99, ERR_PARSE}, /* below the one before */
	    {&s->size, BUNDLE + 1, ERR_PARSE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t was = *cases[i].at;
		struct buf *b;

		*cases[i].at = cases[i].is;
		b = encode(s);
		if (parse(buf_slice(b)) != cases[i].want)
			fail_msg("case %zu", i);
		buf_free(b);
		*cases[i].at = was;
	}
	past_free(s);
}

/* With a sum that is right. */
static void
try_cut(const uint8_t *p, size_t n, void *arg)
{
	uint8_t *all = malloc(n + HASH_LEN);
	struct hash sum;

	(void)arg;
	assert_non_null(all);
	memcpy(all, p, n);
	hash_sha256(p, n, &sum);
	memcpy(all + n, sum.b, HASH_LEN);
	if (parse(slice_of(all, n + HASH_LEN)) != ERR_PARSE)
		fail_msg("%s", mutate_what());
	free(all);
}

static void
nor_does_one_that_is_cut(void **state)
{
	struct audit_past *s = make();
	struct buf *b = encode(s);

	(void)state;
	(void)mutate_cuts(buf_slice(b).p, buf_len(b) - HASH_LEN, try_cut, NULL);
	assert_int_equal(parse(slice_of(buf_slice(b).p, HASH_LEN - 1)),
	    ERR_PARSE);
	buf_free(b);
	past_free(s);
}

static int
parse_arg(void *arg)
{
	return parse(buf_slice(arg));
}

static void
memory_that_runs_out_is_said(void **state)
{
	struct audit_past *s = make();
	struct buf *b = encode(s);

	(void)state;
	assert_true(alloc_each(parse_arg, b) > 5);
	buf_free(b);
	past_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_is_the_same_again),
	    cmocka_unit_test(nothing_leads_past_its_leaves),
	    cmocka_unit_test(nor_does_one_that_is_cut),
	    cmocka_unit_test(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests_name("past_file", tests, NULL, NULL);
}
