/* SPDX-License-Identifier: ISC */
/* Copies of a log: how they catch up, lag, fork, and give one back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/ledger/ledger.h"
#include "tests/unit/ahead.h"
#include "tests/unit/ledgercase.h"

static void
a_copy_catches_up(void **state)
{
	struct fixture *f = *state;
	struct ledger *l;

	f->c.copies = f->copies;
	f->c.n_copies = 1;
	l = lc_open_ledger(f);
	assert_non_null(strstr(f->warned, "copy"));
	lc_grow(l, 10);
	assert_int_equal(ledger_put_object(l, "policy/aa", slice_str("bundle"),
			     NULL),
	    0);
	assert_non_null(strstr(f->warned, "lacks policy/aa so far"));
	lc_publish(l);
	ledger_close(l);
	/* It is mounted again, and gets all that it missed. */
	assert_int_equal(mkdir(f->copy, 0700), 0);
	l = lc_open_ledger(f);
	lc_grow(l, 40000);
	lc_publish(l);
	lc_check_files(f->copy, 40000);
	assert_true(file_exists(lc_in(f, "copy/policy/aa")));
	assert_int_equal(ledger_put_object(l, "krl/bb", slice_str("krl"), NULL),
	    0);
	assert_true(file_exists(lc_in(f, "copy/krl/bb")));
	lc_grow(l, 40010);
	lc_publish(l);
	lc_check_files(f->copy, 40010);
	ledger_close(l);
	/* A copy that lost everything is filled from home, past the journal. */
	lc_remove_tree(f->copy);
	assert_int_equal(mkdir(f->copy, 0700), 0);
	l = lc_open_ledger(f);
	lc_publish(l);
	lc_check_files(f->copy, 40010);
	assert_true(file_exists(lc_in(f, "copy/krl/bb")));
	ledger_close(l);
}

static void
a_copy_that_lags_too_long_stops_commits(void **state)
{
	struct fixture *f = *state;
	struct slice s = slice_str("x");
	struct ledger_receipt got[1];
	struct err e = {0};
	struct ledger *l;

	f->c.copies = f->copies;
	f->c.n_copies = 1;
	f->c.max_lag = 1;
	l = lc_open_ledger(f);
	lc_grow(l, 10);
	lc_publish(l);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	ahead(2);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_RECORD);
	assert_non_null(strstr(e.msg, "is behind"));
	assert_int_equal(ledger_size(l), 11);
	ledger_close(l);
	l = lc_open_ledger(f); /* a new process knows it too */
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_RECORD);
	assert_int_equal(mkdir(f->copy, 0700), 0);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	lc_check_files(f->copy, 10);
	ledger_close(l);
}

static void
a_copy_that_is_ahead_or_forked_is_refused(void **state)
{
	struct fixture *f = *state;
	struct slice s = slice_str("another leaf");
	struct ledger_receipt got[1];
	struct err e = {0};
	struct ledger *l;

	assert_int_equal(mkdir(f->copy, 0700), 0);
	f->c.copies = f->copies;
	f->c.n_copies = 1;
	l = lc_open_ledger(f);
	lc_grow(l, 10);
	lc_publish(l);
	ledger_close(l);
	lc_remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	assert_int_equal(lc_open_fails(f, &e), ERR_ROLLBACK);
	assert_non_null(strstr(e.hint, f->copy));
	f->c.n_copies = 0;
	l = lc_open_ledger(f);
	for (int i = 0; i < 12; i++)
		assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	ledger_close(l);
	f->c.n_copies = 1;
	assert_int_equal(lc_open_fails(f, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "two logs of one name"));
}

/* What others do while a thread waits for a copy, once. */
struct meanwhile {
	struct ledger *l;
	struct fixture *f;
	unsigned begun, ended;
	bool done;
};

static void
go_on_meanwhile(void *ctx, bool begins)
{
	struct meanwhile *m = ctx;

	m->begun += begins;
	m->ended += !begins;
	if (!begins || m->done)
		return;
	m->done = true;
	lc_grow(m->l, 30000);
	assert_int_equal(ledger_put_object(m->l, "policy/cc",
			     slice_str("another"), NULL),
	    0);
	lc_publish(m->l);
	assert_false(file_exists(lc_in(m->f, "copy/policy/cc")));
}

/* Is the copy all of a log of that size? */
static void
is_whole(struct fixture *f, uint64_t size)
{
	struct err e = {0};
	struct ledger *l;

	lc_remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	if (ledger_rebuild(&f->c, f->copy, &e) != 0)
		fail_msg("rebuild: %s", e.msg);
	l = lc_open_ledger(f);
	lc_check(l, size);
	ledger_close(l);
}

static void
nobody_waits_for_copies_apart(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m = {.f = f};
	struct ledger_copy how[LEDGER_COPIES_MAX];
	struct ledger *l;

	assert_int_equal(mkdir(f->copy, 0700), 0);
	f->c.copies = f->copies;
	f->c.n_copies = 1;
	m.l = l = lc_open_ledger(f);
	ledger_copies_apart(l, go_on_meanwhile, &m);
	assert_true(ledger_copies_met(l));
	lc_grow(l, 300);
	assert_int_equal(ledger_put_object(l, "policy/aa", slice_str("bundle"),
			     NULL),
	    0);
	lc_publish(l);
	assert_int_equal(m.begun, 0);
	assert_false(file_exists(lc_in(f, "copy/checkpoint")));
	assert_true(ledger_catch_up(l));
	assert_true(m.done);
	assert_int_equal(m.begun, m.ended);
	assert_int_equal(ledger_copies(l, how), 1);
	assert_int_equal(how[0].size, 300);
	assert_true(file_exists(lc_in(f, "copy/checkpoints/300")));
	assert_true(file_exists(lc_in(f, "copy/policy/aa")));
	assert_true(ledger_catch_up(l));
	assert_true(file_exists(lc_in(f, "copy/policy/cc")));
	lc_check_files(f->copy, 30000);
	ledger_close(l);
	is_whole(f, 30000);
}

#define FEW 150

/* Others have what was let go of. */
static void
use_memory(void)
{
	static void *v[8192];

	for (size_t i = 0; i < 8192; i++) {
		assert_non_null(v[i] = malloc(2048));
		memset(v[i], 0xff, 2048);
	}
	for (size_t i = 0; i < 8192; i++)
		free(v[i]);
}

/* Past what the journal keeps: it lets go of all leaves of before. */
static void
fill_journal(void *ctx, bool begins)
{
	static char text[2200];
	static struct slice leaves[LEDGER_BATCH_MAX];
	static struct ledger_receipt got[LEDGER_BATCH_MAX];
	struct meanwhile *m = ctx;

	m->begun += begins;
	/* Two groups of objects are away, and the next is about to go. */
	if (!begins || m->begun != 2)
		return;
	m->done = true;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < LEDGER_BATCH_MAX; i++)
		leaves[i] = slice_of(text, sizeof(text));
	assert_int_equal(ledger_commit(m->l, leaves, LEDGER_BATCH_MAX, got,
			     NULL),
	    0);
	lc_publish(m->l);
	assert_true(lc_file_size(lc_in(m->f, "a/journal")) <
	    LEDGER_JOURNAL_MOST);
	use_memory();
}

/* The leaf is what it was, whatever came in between. */
static int
two_objects(void *ctx, uint64_t index, struct slice leaf,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	char key[64], text[64];

	(void)ctx;
	(void)e;
	if (index >= FEW)
		return 0;
	lc_leaf_text(index, text);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(key, sizeof(key), "records/%llu.%d",
		    (unsigned long long)index, i);
		assert_int_equal(put(pctx, key, leaf, "text/plain"), 0);
		assert_true(slice_is(leaf, text));
	}
	return 0;
}

static void
records_are_copied_while_the_journal_goes_on(void **state)
{
	struct fixture *f = *state;
	struct meanwhile m = {.f = f};
	struct ledger *l;

	assert_int_equal(mkdir(f->copy, 0700), 0);
	f->c.copies = f->copies;
	f->c.n_copies = 1;
	f->c.objects = two_objects;
	m.l = l = lc_open_ledger(f);
	ledger_copies_apart(l, fill_journal, &m);
	lc_grow(l, FEW);
	lc_publish(l);
	assert_true(ledger_catch_up(l));
	assert_true(m.done);
	assert_true(file_exists(lc_in(f, "copy/records/0.0")));
	assert_true(file_exists(lc_in(f, "copy/records/149.1")));
	assert_true(ledger_catch_up(l));
	assert_true(file_exists(lc_in(f, "copy/checkpoints/4246")));
	ledger_close(l);
}

static void
a_copy_is_met_whatever_home_is_like(void **state)
{
	static const char *const nobody[] = {"s3://bucket/copy"};
	struct fixture *f = *state;
	struct meanwhile m = {.f = f, .done = true};
	struct ledger *l;

	f->c.copies = nobody;
	f->c.n_copies = 1;
	f->c.blob = (struct blob_config){
	    .endpoint = "http://127.0.0.1:1",
	    .region = "us-east-1",
	};
	assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "somebody", 1), 0);
	assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "something", 1), 0);
	l = lc_open_ledger(f);
	ledger_copies_apart(l, go_on_meanwhile, &m);
	assert_false(ledger_copies_met(l));
	assert_int_equal(symlink("/", lc_in(f, "a/krl")), 0);
	assert_false(ledger_catch_up(l));
	/* It did not answer, and others need not wait for that. */
	assert_int_equal(m.begun, 1);
	assert_true(ledger_copies_met(l));
	ledger_close(l);
}

static void
a_copy_apart_that_lags_too_long_stops_commits(void **state)
{
	struct fixture *f = *state;
	struct slice s = slice_str("x");
	struct meanwhile m = {.f = f, .done = true};
	struct ledger_receipt got[1];
	struct err e = {0};
	struct ledger *l;

	f->c.copies = f->copies;
	f->c.n_copies = 1;
	f->c.max_lag = 1;
	l = lc_open_ledger(f);
	ledger_copies_apart(l, go_on_meanwhile, &m);
	lc_grow(l, 10);
	lc_publish(l);
	assert_false(ledger_catch_up(l));
	ahead(2);
	m.begun = 0;
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_RECORD);
	assert_non_null(strstr(e.msg, "is behind"));
	assert_int_equal(m.begun, 0);
	ledger_close(l);
	/* A new one tries at once. */
	assert_int_equal(mkdir(f->copy, 0700), 0);
	l = lc_open_ledger(f);
	ledger_copies_apart(l, go_on_meanwhile, &m);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_RECORD);
	assert_true(ledger_catch_up(l));
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	ledger_close(l);
	is_whole(f, 10);
}

static void
a_log_is_rebuilt_from_a_copy(void **state)
{
	static const uint64_t sizes[] = {1, 256, 300, 70000};
	struct fixture *f = *state;
	struct err e = {0};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ledger *l;

		if (i == 0)
			assert_int_equal(mkdir(f->copy, 0700), 0);
		f->c.copies = f->copies;
		f->c.n_copies = 1;
		l = lc_open_ledger(f);
		lc_grow(l, sizes[i]);
		lc_publish(l);
		ledger_close(l);
		lc_remove_tree(f->a);
		assert_int_equal(mkdir(f->a, 0700), 0);
		if (ledger_rebuild(&f->c, f->copy, &e) != 0)
			fail_msg("rebuild: %s", e.msg);
		lc_check_files(f->a, sizes[i]);
		l = lc_open_ledger(f);
		lc_check(l, sizes[i]);
		ledger_close(l);
		/* From its own home, which lost the journal. */
		assert_int_equal(unlink(lc_in(f, "a/journal")), 0);
		assert_int_equal(ledger_rebuild(&f->c, f->a, &e), 0);
		l = lc_open_ledger(f);
		lc_check(l, sizes[i]);
		ledger_close(l);
	}
}

static void
an_older_copy_replaces_nothing(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct ledger *l;

	assert_int_equal(mkdir(f->copy, 0700), 0);
	f->c.copies = f->copies;
	f->c.n_copies = 1;
	l = lc_open_ledger(f);
	lc_grow(l, 10);
	lc_publish(l);
	ledger_close(l);
	f->c.n_copies = 0;
	l = lc_open_ledger(f);
	lc_grow(l, 20);
	lc_publish(l);
	ledger_close(l);
	assert_int_equal(ledger_rebuild(&f->c, f->copy, &e), ERR_EXISTS);
	assert_non_null(strstr(e.msg, "journal has 20 leaves"));
	lc_check_files(f->a, 20);
	/* The journal is gone, and what is published has more still. */
	assert_int_equal(unlink(lc_in(f, "a/journal")), 0);
	assert_int_equal(ledger_rebuild(&f->c, f->copy, &e), ERR_EXISTS);
	assert_non_null(strstr(e.msg, "has 20 leaves"));
	lc_check_files(f->a, 20);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), 0);
	l = lc_open_ledger(f);
	lc_check(l, 20);
	ledger_close(l);
}

static void
a_home_that_cannot_be_asked_is_left_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct ledger *l;

	assert_int_equal(mkdir(f->copy, 0700), 0);
	f->c.copies = f->copies;
	f->c.n_copies = 1;
	l = lc_open_ledger(f);
	lc_grow(l, 10);
	lc_publish(l);
	ledger_close(l);
	lc_remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	assert_int_equal(mkdir(lc_in(f, "a/checkpoint"), 0700), 0);
	assert_int_equal(ledger_rebuild(&f->c, f->copy, &e), ERR_CORRUPT);
	assert_false(file_exists(lc_in(f, "a/checkpoints/10")));
	assert_false(file_exists(lc_in(f, "a/tile")));
	assert_int_equal(rmdir(lc_in(f, "a/checkpoint")), 0);
	assert_int_equal(ledger_rebuild(&f->c, f->copy, &e), 0);
	lc_check_files(f->a, 10);
}

static void
a_rebuild_takes_nothing_away(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct err e = {0};
	char *p;
	size_t n;

	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), ERR_BUSY);
	lc_grow(l, 10);
	lc_publish(l);
	lc_grow(l, 11);
	ledger_close(l);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), ERR_EXISTS);
	l = lc_open_ledger(f);
	lc_check(l, 11);
	lc_publish(l);
	ledger_close(l);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), 0);
	assert_true(file_exists(lc_in(f, "a/journal.old-1")));
	/* A tile that does not fit is found before anything is written. */
	assert_int_equal(file_read(lc_in(f, "a/tile/entries/000.p/11"), 1 << 20,
			     &p, &n, NULL),
	    0);
	p[5] ^= 1;
	assert_int_equal(file_write(lc_in(f, "a/tile/entries/000.p/11"), p, n,
			     0600, 0, NULL),
	    0);
	free(p);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), ERR_CORRUPT);
	l = lc_open_ledger(f);
	lc_check(l, 11);
	ledger_close(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lc_setup, lc_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_copy_catches_up),
	    T(a_copy_that_lags_too_long_stops_commits),
	    T(a_copy_that_is_ahead_or_forked_is_refused),
	    T(nobody_waits_for_copies_apart),
	    T(records_are_copied_while_the_journal_goes_on),
	    T(a_copy_is_met_whatever_home_is_like),
	    T(a_copy_apart_that_lags_too_long_stops_commits),
	    T(a_log_is_rebuilt_from_a_copy),
	    T(an_older_copy_replaces_nothing),
	    T(a_home_that_cannot_be_asked_is_left_as_it_is),
	    T(a_rebuild_takes_nothing_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
