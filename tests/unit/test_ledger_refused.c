/* SPDX-License-Identifier: ISC */
/* What crashes, thieves, limits and full disks leave of a log is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/ledger/ledger.h"
#include "tests/unit/ledgercase.h"

static void
an_index_of_another_boot_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	char *p, path[256];
	size_t n;

	lc_grow(l, 700);
	lc_publish(l);
	ledger_close(l);
	snprintf(path, sizeof(path), "%s", lc_in(f, "a/index"));
	assert_int_equal(file_read(path, 1 << 24, &p, &n, NULL), 0);
	p[16] ^= 1;                    /* of the boot id */
	memset(p + 4096, 0, n - 4096); /* and nothing in it */
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	free(p);
	/* A power loss leaves torn files too. */
	assert_int_equal(truncate(lc_in(f, "a/tile/0/002.p/188"), 40), 0);
	assert_int_equal(truncate(lc_in(f, "a/records/2.json"), 0), 0);
	assert_int_equal(file_write(lc_in(f, "a/tile/0/002.p/100"), "", 0, 0600,
			     0, NULL),
	    0);
	l = lc_open_ledger(f);
	lc_check(l, 700);
	lc_publish(l);
	lc_check_files(f->a, 700);
	assert_int_equal(lc_file_size(lc_in(f, "a/records/2.json")), 16);
	assert_int_equal(lc_file_size(lc_in(f, "a/tile/0/002.p/188")),
	    188 * 32);
	assert_false(file_exists(lc_in(f, "a/tile/0/002.p/100")));
	ledger_close(l);
}

static void
a_bundle_that_was_changed_is_named(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct err e = {0};
	uint8_t *q;
	char *p, path[256];
	size_t n;

	lc_grow(l, 20000);
	lc_publish(l);
	ledger_close(l);
	snprintf(path, sizeof(path), "%s", lc_in(f, "a/tile/entries/005"));
	assert_int_equal(file_read(path, 1 << 24, &p, &n, NULL), 0);
	p[n / 2] ^= 1;
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	free(p);
	l = lc_open_ledger(f);
	assert_int_equal(ledger_read(l, 5 * 256, &q, &n, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "tile/entries/005"));
	assert_int_equal(ledger_read(l, 6 * 256, &q, &n, &e), 0);
	free(q);
	assert_int_equal(unlink(lc_in(f, "a/tile/entries/006")), 0);
	assert_int_equal(ledger_read(l, 0, &q, &n, &e), 0);
	free(q);
	assert_int_equal(ledger_read(l, 6 * 256, &q, &n, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "missing"));
	ledger_close(l);
}

static void
batches_and_leaves_have_limits(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct ledger_receipt got[1];
	uint8_t *big = calloc(1, 65536);
	struct slice s = slice_of(big, 65536);
	struct err e = {0};
	uint8_t *p;
	size_t n;

	assert_non_null(big);
	assert_int_equal(ledger_commit(l, &s, 0, got, &e), ERR_LIMIT);
	assert_int_equal(ledger_commit(l, &s, LEDGER_BATCH_MAX + 1, got, &e),
	    ERR_LIMIT);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_LIMIT);
	s.n = 0;
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_LIMIT);
	s.n = 65535;
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	assert_int_equal(got[0].index, 0);
	assert_int_equal(ledger_read(l, 0, &p, &n, &e), 0);
	assert_int_equal(n, 65535);
	free(p);
	assert_int_equal(ledger_read(l, 1, &p, &n, &e), ERR_NOTFOUND);
	lc_publish(l);
	ledger_close(l);
	free(big);
}

static void
one_writer_at_a_time_and_any_number_of_readers(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f), *reader;
	struct ledger_receipt got[1];
	struct slice s = slice_str("x");
	struct err e = {0};

	lc_grow(l, 600);
	lc_publish(l);
	assert_int_equal(lc_open_fails(f, &e), ERR_BUSY);
	f->c.read_only = true;
	reader = lc_open_ledger(f);
	lc_check(reader, 600);
	lc_grow(l, 900);
	lc_check(reader, 600);
	assert_int_equal(ledger_commit(reader, &s, 1, got, &e), ERR_RECORD);
	assert_int_equal(lc_try_publish(reader, &e), ERR_RECORD);
	assert_int_equal(ledger_put_object(reader, "krl/1", s, &e), ERR_RECORD);
	ledger_close(reader);
	assert_int_equal(unlink(lc_in(f, "a/index")), 0);
	reader = lc_open_ledger(f);
	lc_check(reader, 900);
	ledger_close(reader);
	assert_false(file_exists(lc_in(f, "a/index")));
	ledger_close(l);
}

static void
a_journal_behind_its_home_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct err e = {0};
	char *p;
	size_t n;

	lc_grow(l, 10);
	assert_int_equal(file_read(lc_in(f, "a/journal"), 1 << 24, &p, &n,
			     NULL),
	    0);
	lc_grow(l, 20);
	lc_publish(l);
	ledger_close(l);
	/* A backup of ten leaves is put back. */
	assert_int_equal(file_write(lc_in(f, "a/journal"), p, n, 0600, 0, NULL),
	    0);
	free(p);
	assert_int_equal(lc_open_fails(f, &e), ERR_ROLLBACK);
	assert_non_null(strstr(e.msg, "20"));
	assert_non_null(strstr(e.hint, "writ-ca rebuild --from"));
	/* As is no journal at all. */
	assert_int_equal(unlink(lc_in(f, "a/journal")), 0);
	assert_int_equal(lc_open_fails(f, &e), ERR_ROLLBACK);
}

static void
two_logs_of_one_name_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct slice s = slice_str("another leaf");
	struct ledger_receipt got[1];
	struct err e = {0};
	char from[256];

	lc_grow(l, 5);
	lc_publish(l);
	ledger_close(l);
	snprintf(from, sizeof(from), "%s", lc_in(f, "a/checkpoint"));
	assert_int_equal(rename(from, lc_in(f, "kept")), 0);
	lc_remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	l = lc_open_ledger(f);
	for (int i = 0; i < 7; i++)
		assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	ledger_close(l);
	snprintf(from, sizeof(from), "%s", lc_in(f, "kept"));
	assert_int_equal(rename(from, lc_in(f, "a/checkpoint")), 0);
	assert_int_equal(lc_open_fails(f, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "two logs of one name"));
}

static void
a_checkpoint_of_another_key_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	static const uint8_t other[1][32] = {{1}};
	struct err e = {0};

	lc_grow(l, 5);
	lc_publish(l);
	ledger_close(l);
	f->c.pks = other;
	assert_int_equal(lc_open_fails(f, &e), ERR_CORRUPT);
	f->c.pks = (const uint8_t(*)[32])lc_pks;
	f->c.origin = "writ.invalid/0123456789abcdef/other";
	assert_int_equal(lc_open_fails(f, &e), ERR_CORRUPT);
}

/* Of several keys each will do, whichever signed before. */
static void
a_log_has_had_other_keys(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	static uint8_t both[2][32] = {{1}};
	struct checkpoint c;

	lc_grow(l, 5);
	lc_publish(l);
	ledger_close(l);
	for (size_t at = 0; at < 2; at++) {
		memset(both, 0, sizeof(both));
		memcpy(both[at], lc_pk, 32);
		f->c.pks = (const uint8_t(*)[32])both;
		f->c.n_pks = 2;
		l = lc_open_ledger(f);
		ledger_published(l, &c);
		assert_true(c.size > 0);
		ledger_close(l);
	}
	f->c.pks = (const uint8_t(*)[32])lc_pks;
	f->c.n_pks = 1;
}

static void
only_heads_of_this_log_are_published(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	struct checkpoint c;
	struct err e = {0};
	char *note;

	lc_grow(l, 300);
	ledger_head(l, &c);
	lc_grow(l, 310);
	/* One it had before is fine. */
	note = lc_sign_head(&c);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), 0);
	lc_check_files(f->a, 300);
	lc_publish(l);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_ROLLBACK);
	free(note);
	ledger_head(l, &c);
	c.size = 311;
	note = lc_sign_head(&c);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_ROLLBACK);
	free(note);
	c.size = 310;
	c.root.b[3] ^= 1;
	note = lc_sign_head(&c);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_CORRUPT);
	note[strlen(note) - 8] ^= 1;
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_BADSIG);
	free(note);
	lc_check_files(f->a, 310);
	ledger_close(l);
}

static void
a_full_disk_stops_commits_until_it_is_opened_again(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = lc_open_ledger(f);
	static char big[60000];
	struct slice leaves[40];
	struct ledger_receipt got[40];
	struct rlimit was, now;
	struct err e = {0};

	lc_grow(l, 10);
	for (size_t i = 0; i < 40; i++)
		leaves[i] = slice_of(big, sizeof(big));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	now = was;
	now.rlim_cur = LEDGER_JOURNAL_ROOM;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	assert_int_equal(ledger_commit(l, leaves, 40, got, &e), ERR_RECORD);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(ledger_size(l), 10);
	assert_int_equal(ledger_commit(l, leaves, 1, got, &e), ERR_RECORD);
	lc_publish(l); /* what is recorded can be published */
	ledger_close(l);
	l = lc_open_ledger(f);
	lc_check(l, 10);
	assert_int_equal(ledger_commit(l, leaves, 40, got, &e), 0);
	ledger_close(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lc_setup, lc_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_index_of_another_boot_is_not_believed),
	    T(a_bundle_that_was_changed_is_named),
	    T(batches_and_leaves_have_limits),
	    T(one_writer_at_a_time_and_any_number_of_readers),
	    T(a_journal_behind_its_home_is_refused),
	    T(two_logs_of_one_name_are_told_apart),
	    T(a_checkpoint_of_another_key_is_refused),
	    T(a_log_has_had_other_keys),
	    T(only_heads_of_this_log_are_published),
	    T(a_full_disk_stops_commits_until_it_is_opened_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
