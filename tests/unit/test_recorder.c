/* SPDX-License-Identifier: ISC */
/* What goes into a log beside the leaves, made before they are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/keepercase.h"

struct puts {
	size_t n;
	struct str last;
	char key[64];
};

static int
count_put(void *ctx, const char *key, struct slice data, const char *type)
{
	struct puts *p = ctx;

	(void)type;
	p->n++;
	(void)snprintf(p->key, sizeof(p->key), "%s", key);
	str_reset(&p->last);
	str_addn(&p->last, (const char *)data.p, data.n);
	return str_check(&p->last);
}

static void
keep(struct recorder *r, uint8_t tag, uint64_t serial, const char *text)
{
	struct str s = STR_INIT;

	str_add(&s, text);
	recorder_keep(r, tag, serial, "records/kept", &s);
	assert_int_equal(s.n, 0);
}

/* A leaf to be signed of the request with that serial, as far as it is looked
 * at. */
static struct slice
leaf_of(uint64_t serial, const char *type, char out[256])
{
	int n = snprintf(out, 256,
	    "{\"v\":1,\"type\":\"%s\",\"realm\":\"\",\"request\":"
	    "\"%016llx%048d\"}\n",
	    type, (unsigned long long)serial, 0);

	return slice_of(out, (size_t)n);
}

static void
put_of(struct world *w, uint64_t serial, const char *type, struct puts *p)
{
	char room[256];

	assert_int_equal(recorder_objects(&w->recorder, 0,
			     leaf_of(serial, type, room), count_put, p, &w->e),
	    0);
}

static void
what_was_made_before_is_put_once(void **state)
{
	struct world *w = *state;
	struct puts p = {.last = STR_INIT};
	char room[256];

	keep(&w->recorder, LTAG_ISSUE, 7, "old");
	keep(&w->recorder, LTAG_ISSUE, 7, "the record");
	keep(&w->recorder, LTAG_CERTIFICATE, 7, "the line");
	assert_int_equal(w->recorder.n_made, 2);
	put_of(w, 7, "issue", &p);
	assert_string_equal(p.last.p, "the record");
	assert_string_equal(p.key, "records/kept");
	put_of(w, 7, "certificate", &p);
	assert_string_equal(p.last.p, "the line");
	assert_int_equal(p.n, 2);
	/* Now it would be made from that leaf, which is none. */
	assert_int_equal(recorder_objects(&w->recorder, 0,
			     leaf_of(7, "issue", room), count_put, &p, &w->e),
	    ERR_PARSE);
	/* Nothing goes with what people say. */
	assert_int_equal(recorder_objects(&w->recorder, 0, slice_str("{}\n"),
			     count_put, &p, &w->e),
	    0);
	assert_int_equal(p.n, 2);
	str_clear(&p.last);
}

/* As many as there is room for, most of which want the same place. */
static void
all_that_was_made_is_found(void **state)
{
	enum { MOST = RECORDER_MADE / 2 };
	struct world *w = *state;
	struct puts p = {.last = STR_INIT};
	char text[24];

	for (uint64_t i = 0; i < MOST + 10; i++) {
		(void)snprintf(text, sizeof(text), "%llu",
		    (unsigned long long)i);
		keep(&w->recorder, LTAG_ISSUE,
		    1 + i % 16 * RECORDER_MADE + i / 16, text);
	}
	assert_int_equal(w->recorder.n_made, MOST);
	/* Each third first, so that gaps close over those that stay. */
	for (uint64_t step = 0; step < 3; step++)
		for (uint64_t i = step; i < MOST; i += 3) {
			put_of(w, 1 + i % 16 * RECORDER_MADE + i / 16, "issue",
			    &p);
			(void)snprintf(text, sizeof(text), "%llu",
			    (unsigned long long)i);
			assert_string_equal(p.last.p, text);
		}
	assert_int_equal(p.n, MOST);
	assert_int_equal(w->recorder.n_made, 0);
	str_clear(&p.last);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kpc_setup, kpc_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_was_made_before_is_put_once),
	    T(all_that_was_made_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
