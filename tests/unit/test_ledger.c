/* SPDX-License-Identifier: ISC */
/* The log of a directory: grown, published, begun anew and opened again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/crypto/ed25519.h"
#include "lib/ledger/ledger.h"
#include "lib/proc/sandbox.h"
#include "tests/unit/alloc.h"
#include "tests/unit/ledgercase.h"

static void
logs_of_every_size_reopen_and_publish(void **state)
{
	static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 5000};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ledger *l = lc_open_ledger(f);

		lc_grow(l, sizes[i]);
		lc_check(l, sizes[i]);
		ledger_close(l);
		l = lc_open_ledger(f);
		lc_check(l, sizes[i]);
		lc_publish(l);
		lc_check_files(f->a, sizes[i]);
		lc_publish(l); /* again is a success */
		ledger_close(l);
		l = lc_open_ledger(f);
		lc_check(l, sizes[i]);
		ledger_close(l);
	}
	assert_string_equal(f->warned, "");
}

/* Records 2, 7, 12 and so on, as lc_objects() makes them; not all if it fails. */
struct early {
	uint64_t from, to;
	size_t n;
	bool fail;
};

static int
early_objects(void *ctx,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	struct early *g = ctx;
	char key[64], text[64];
	int r = 0;

	(void)e;
	for (uint64_t i = g->from; i < g->to && r == 0; i++) {
		if (i % 5 != 2)
			continue;
		snprintf(key, sizeof(key), "records/%llu.json",
		    (unsigned long long)i);
		lc_leaf_text(i, text);
		r = put(pctx, key, slice_str(text), "application/json");
		g->n++;
	}
	return g->fail ? ERR_NOMEM : r;
}

static void
what_is_put_ahead_is_not_asked_for_again(void **state)
{
	struct fixture *f = *state;
	struct early g = {.from = 1, .to = 91};
	struct ledger *l;

	assert_int_equal(mkdir(f->copy, 0700), 0);
	f->c.copies = f->copies;
	f->c.n_copies = 1;
	l = lc_open_ledger(f);
	lc_grow(l, 100);
	assert_int_equal(mkdir(lc_in(f, "a/records"), 0700), 0);
	assert_int_equal(file_write(lc_in(f, "a/records/7.json"), "x", 1, 0644,
			     FILE_NOSYNC, NULL),
	    0);
	ledger_put_ahead(l, g.from, g.to, early_objects, &g);
	assert_int_equal(g.n, 18);
	assert_true(file_exists(lc_in(f, "a/records/87.json")));
	assert_string_equal(f->warned, "");
	lc_publish(l);
	/* Home without those, the copy with all; and somebody hears of it. */
	assert_int_equal(f->asked, 100 - 90 + 100);
	assert_non_null(strstr(f->warned, "records/7.json"));
	lc_check_files(f->a, 100);
	lc_check_files(f->copy, 100);
	/* Those of later leaves are nobody's yet. */
	f->asked = 0;
	lc_grow(l, 110);
	lc_publish(l);
	assert_int_equal(f->asked, 2 * 10);
	lc_check_files(f->a, 110);
	ledger_close(l);
}

static void
what_cannot_be_put_ahead_is_put_when_published(void **state)
{
	struct fixture *f = *state;
	struct early g = {.from = 0, .to = 50, .fail = true};
	struct ledger *l = lc_open_ledger(f);

	lc_grow(l, 50);
	ledger_put_ahead(l, 0, 50, early_objects, &g);
	lc_publish(l);
	assert_int_equal(f->asked, 50);
	lc_check_files(f->a, 50);
	assert_string_equal(f->warned, "");
	/* A file in the way of the directory. */
	lc_remove_tree(lc_in(f, "a/records"));
	assert_int_equal(file_write(lc_in(f, "a/records"), "x", 1, 0644,
			     FILE_NOSYNC, NULL),
	    0);
	lc_grow(l, 100);
	g = (struct early){.from = 50, .to = 100};
	ledger_put_ahead(l, 50, 100, early_objects, &g);
	assert_int_not_equal(lc_try_publish(l, NULL), 0);
	assert_int_equal(unlink(lc_in(f, "a/records")), 0);
	lc_publish(l);
	assert_true(file_exists(lc_in(f, "a/records/97.json")));
	ledger_close(l);
}

static void
a_published_journal_begins_anew_and_the_log_goes_on(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct checkpoint c;

	/* Two levels and a bit, published several times on the way. */
	for (uint64_t size = 9000; size < 70000; size += 9000) {
		lc_grow(l, size);
		lc_publish(l);
		assert_true(lc_file_size(lc_in(f, "a/journal")) <=
		    2 * LEDGER_JOURNAL_MOST);
		/* A restart leaves less than a tile and its edge. */
		ledger_close(l);
		l = lc_open_ledger(f);
		assert_true(lc_file_size(lc_in(f, "a/journal")) <=
		    2 * LEDGER_JOURNAL_ROOM);
	}
	lc_grow(l, 70000);
	lc_publish(l);
	lc_check(l, 70000);
	lc_check_files(f->a, 70000);
	ledger_close(l);
	l = lc_open_ledger(f);
	lc_check(l, 70000);
	ledger_published(l, &c);
	assert_int_equal(c.size, 70000);
	lc_grow(l, 70001);
	lc_publish(l);
	lc_check_files(f->a, 70001);
	ledger_close(l);
	/* The index is made anew from tiles and journal. */
	assert_int_equal(unlink(lc_in(f, "a/index")), 0);
	l = lc_open_ledger(f);
	lc_check(l, 70001);
	ledger_close(l);
	assert_string_equal(f->warned, "");
}

static void
partial_tiles_go_when_the_full_one_is_there(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);

	lc_grow(l, 10);
	lc_publish(l);
	lc_grow(l, 20);
	lc_publish(l);
	assert_true(file_exists(lc_in(f, "a/tile/0/000.p/10")));
	assert_true(file_exists(lc_in(f, "a/tile/entries/000.p/20")));
	lc_grow(l, 300);
	lc_publish(l);
	assert_false(file_exists(lc_in(f, "a/tile/0/000.p")));
	assert_false(file_exists(lc_in(f, "a/tile/entries/000.p")));
	assert_true(file_exists(lc_in(f, "a/tile/0/001.p/44")));
	assert_true(file_exists(lc_in(f, "a/tile/1/000.p/1")));
	lc_check_files(f->a, 300);
	ledger_close(l);
}

static void
tiles_and_index_that_are_lost_are_made_again(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);

	lc_grow(l, 700);
	lc_publish(l);
	ledger_close(l);
	lc_remove_tree(lc_in(f, "a/tile"));
	lc_remove_tree(lc_in(f, "a/records"));
	assert_int_equal(unlink(lc_in(f, "a/index")), 0);
	l = lc_open_ledger(f);
	lc_check(l, 700);
	lc_publish(l);
	lc_check_files(f->a, 700);
	ledger_close(l);
	/* The same, noticed without the loss of the index. */
	lc_remove_tree(lc_in(f, "a/tile"));
	l = lc_open_ledger(f);
	lc_publish(l);
	lc_check_files(f->a, 700);
	ledger_close(l);
}

/* Another thread's commits, while one waits for the disk. */
struct meanwhile {
	struct ledger *l;
	unsigned begins, open;
};

static void
commit_meanwhile(void *ctx, bool begins)
{
	struct meanwhile *m = ctx;
	struct hash name;
	uint64_t at;
	char text[64];

	m->open += begins ? 1 : -1U;
	assert_true(m->open <= 1);
	if (!begins)
		return;
	m->begins++;
	lc_grow(m->l, ledger_size(m->l) + 301);
	/* What it looks up is right in between, too. */
	lc_leaf_text(7, text);
	hash_sha256(text, strlen(text), &name);
	assert_int_equal(ledger_find(m->l, 7 % 5, &name, &at, NULL), 0);
	assert_int_equal(at, 7);
}

static void
commits_come_in_between_while_one_publishes(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct meanwhile m = {.l = l};
	uint64_t size;

	ledger_set_waits(l, commit_meanwhile, &m);
	lc_grow(l, 1000);
	lc_publish(l);
	assert_true(m.begins >= 3);
	assert_int_equal(m.open, 0);
	ledger_set_waits(l, NULL, NULL);
	lc_check_files(f->a, 1000);
	size = 1000 + m.begins * 301;
	lc_check(l, size);
	lc_publish(l);
	lc_check_files(f->a, size);
	ledger_close(l);
	l = lc_open_ledger(f);
	lc_check(l, size);
	ledger_close(l);
}

static void
begin_anew(struct fixture *f)
{
	struct ledger *l = lc_open_ledger(f);
	static char big[20000];
	struct slice leaves[52];
	struct ledger_receipt got[52];
	struct err e = {0};

	for (size_t i = 0; i < 52; i++)
		leaves[i] = slice_of(big, sizeof(big));
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(ledger_commit(l, leaves, 52, got, &e), 0);
	assert_true(lc_file_size(lc_in(f, "a/journal")) > LEDGER_JOURNAL_MOST);
	lc_publish(l);
	assert_true(lc_file_size(lc_in(f, "a/journal")) <= LEDGER_JOURNAL_ROOM);
	assert_int_equal(ledger_size(l), 520);
	ledger_close(l);
}

static void
a_process_that_stays_begins_a_large_journal_anew(void **state)
{
	begin_anew(*state);
}

/* It came to its end there, a kill by the kernel, after 8 MiB. */
static void
so_does_one_in_the_keepers_sandbox(void **state)
{
	struct fixture *f = *state;
	const char *const below[] = {f->dir, NULL}, *const none[] = {NULL};
	const struct sandbox box = {.profile = SANDBOX_KEEPER,
	    .write_below = below,
	    .read_below = none};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(&box, NULL) != 0)
			_exit(2);
		begin_anew(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int
a_day(void *arg)
{
	struct fixture *f = arg;
	struct slice s = slice_str("2:leaf");
	struct ledger_receipt got[1];
	struct checkpoint c;
	struct ledger *l = NULL;
	struct hash name;
	uint64_t at;
	uint8_t tag;
	char *note = NULL;
	struct str text = STR_INIT;
	uint8_t sig[64];
	int r;

	/* Each leaf in the journal is an allocation, so begin with none. */
	lc_remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	if ((r = ledger_open(&f->c, &l, NULL)) != 0)
		return r;
	if ((r = ledger_commit(l, &s, 1, got, NULL)) != 0)
		goto out;
	lc_classify(s, &tag, &name);
	if ((r = ledger_find(l, tag, &name, &at, NULL)) != 0)
		goto out;
	ledger_head(l, &c);
	if ((r = checkpoint_encode(&c, &text)) != 0)
		goto out;
	ed25519_sign(lc_sk, text.p, text.n, sig);
	str_reset(&text);
	if ((r = checkpoint_note(&c, lc_pk, sig, &text)) == 0 &&
	    (r = str_take(&text, &note)) == 0)
		r = ledger_publish(l, slice_str(note), NULL);
out:
	str_clear(&text);
	free(note);
	ledger_close(l);
	return r;
}

static void
memory_that_runs_out_is_said_and_loses_nothing(void **state)
{
	struct fixture *f = *state;
	struct ledger *l;
	uint64_t size;

	assert_true(alloc_each(a_day, f) >= 20);
	l = lc_open_ledger(f);
	size = ledger_size(l);
	assert_int_equal(size, 1);
	lc_publish(l);
	lc_check_files(f->a, size);
	ledger_close(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lc_setup, lc_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(logs_of_every_size_reopen_and_publish),
	    T(what_is_put_ahead_is_not_asked_for_again),
	    T(what_cannot_be_put_ahead_is_put_when_published),
	    T(a_published_journal_begins_anew_and_the_log_goes_on),
	    T(a_process_that_stays_begins_a_large_journal_anew),
	    T(so_does_one_in_the_keepers_sandbox),
	    T(commits_come_in_between_while_one_publishes),
	    T(partial_tiles_go_when_the_full_one_is_there),
	    T(tiles_and_index_that_are_lost_are_made_again),
	    T(memory_that_runs_out_is_said_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
