/* SPDX-License-Identifier: ISC */
/* What the signer remembers of what it signed, and that it signs nothing where
 * it cannot. */
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

#include "lib/base/file.h"
#include "lib/ledger/journal.h"
#include "tests/unit/batchcase.h"

static void
the_journal_outlives_the_signer(void **state)
{
	struct batchcase *w = *state;
	struct signer_seen before, after;
	struct signer *second = NULL;
	struct err e = {0};

	bcase_head(w, 2, false);
	w->c.policy->version = w->leaf.policy_version = 9;
	bcase_signs(w, "policy 9");
	assert_int_equal(signer_open(&w->config, &second, &e), ERR_BUSY);
	assert_null(second);
	signer_get_seen(w->s, &before);
	signer_close(w->s);
	bcase_open(w);
	signer_get_seen(w->s, &after);
	assert_int_equal(after.head.size, 2);
	assert_true(hash_equal(&before.head.root, &after.head.root));
	assert_int_equal(after.policy_version, 9);
	assert_int_equal(after.root_version, 1);
	bcase_head(w, 1, false);
	bcase_refuses(w, "a leaf less", ERR_ROLLBACK, "has 1 leaves");
	bcase_head(w, 2, false);
	w->c.policy->version = 8;
	bcase_refuses(w, "policy 8", ERR_ROLLBACK, "policy version 8");
	w->c.policy->version = 9;
	bcase_signs(w, "the same");
}

/* Bytes of dir/name, or -1. */
static long
size_of(const struct batchcase *w, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void
read_journal(const struct batchcase *w, char **out, size_t *n)
{
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/journal", w->dir);
	if (file_read(path, 64 * 1024 * 1024, out, n, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
the_same_head_again_is_not_written_again(void **state)
{
	struct batchcase *w = *state;
	char *before = NULL, *after = NULL;
	size_t n, m;

	bcase_signs(w, "first");
	w->b.n_jobs = 0;
	read_journal(w, &before, &n);
	bcase_signs(w, "the same head");
	read_journal(w, &after, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(after);
	w->b.n_jobs = 1;
	bcase_signs(w, "with a certificate");
	read_journal(w, &after, &m);
	assert_true(n != m || memcmp(before, after, n) != 0);
	free(before);
	free(after);
}

static void
a_full_journal_is_put_aside_and_loses_nothing(void **state)
{
	struct batchcase *w = *state;
	struct signer_seen seen;

	for (size_t i = 0; i < BATCHCASE_JOBS; i++)
		w->jobs[i] = w->jobs[0];
	w->b.n_jobs = BATCHCASE_JOBS;
	for (int i = 0; i < 40 && size_of(w, "journal.0") == -1; i++)
		bcase_signs(w, "many");
	assert_true(size_of(w, "journal.0") > size_of(w, "journal"));
	signer_close(w->s);
	bcase_open(w);
	signer_get_seen(w->s, &seen);
	assert_int_equal(seen.head.size, 1);
	assert_int_equal(seen.policy_version, 1);
	w->b.n_jobs = 1;
	bcase_head(w, 2, false);
	bcase_signs(w, "after it");
}

static void
nothing_is_signed_that_cannot_be_remembered(void **state)
{
	struct batchcase *w = *state;
	struct rlimit was, none;

	bcase_signs(w, "first");
	bcase_head(w, 2, false);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	bcase_refuses(w, "no room", ERR_RECORD, "signer's journal");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	bcase_refuses(w, "after a failure", ERR_RECORD, "signer's journal");
	signer_close(w->s);
	bcase_open(w);
	bcase_signs(w, "opened again");
}

/* The file's first n bytes as they were before, then nothing. */
static void
put_journal(const struct batchcase *w, const char *bytes, size_t n)
{
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/journal", w->dir);
	if (file_write(path, bytes, n, 0600, 0, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
a_journal_that_failed_is_read_anew(void **state)
{
	struct batchcase *w = *state;
	struct signer_seen before, after;
	struct rlimit was, none;
	char *old = NULL, *all = NULL;
	struct err e = {0};
	size_t n, m;

	bcase_signs(w, "first");
	read_journal(w, &old, &n);
	bcase_head(w, 2, false);
	bcase_signs(w, "second");
	bcase_head(w, 3, false);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	bcase_refuses(w, "no room", ERR_RECORD, "signer's journal");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, SIG_DFL);

	/* A disk that has lost what was signed is not believed. */
	read_journal(w, &all, &m);
	put_journal(w, old, n);
	signer_get_seen(w->s, &before);
	assert_int_equal(signer_recover(w->s, &e), ERR_ROLLBACK);
	assert_non_null(strstr(e.msg, "less than was signed"));
	bcase_refuses(w, "after that", ERR_RECORD, "signer's journal");
	put_journal(w, "no journal", 10);
	assert_int_equal(signer_recover(w->s, &e), ERR_CORRUPT);
	signer_get_seen(w->s, &after);
	assert_memory_equal(&before, &after, sizeof(before));

	put_journal(w, all, m);
	if (signer_recover(w->s, &e) != 0)
		fail_msg("%s", e.msg);
	signer_get_seen(w->s, &after);
	assert_int_equal(after.head.size, 2);
	bcase_signs(w, "read anew");
	free(old);
	free(all);
}

static void
a_journal_of_somebody_else_is_refused(void **state)
{
	struct batchcase *w = *state;
	static const uint8_t bad[] = "Xsomething";
	struct slice record = slice_of(bad, sizeof(bad));
	char path[128];
	struct journal *j = NULL;
	struct err e = {0};

	signer_close(w->s);
	w->s = NULL;
	snprintf(path, sizeof(path), "%s/journal", w->dir);
	assert_int_equal(journal_open(path, 4096, false, NULL, NULL, &j, &e),
	    0);
	assert_int_equal(journal_append(j, &record, 1, &e), 0);
	journal_close(j);
	assert_int_equal(signer_open(&w->config, &w->s, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "signer's journal"));
	assert_null(w->s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bcase_setup, bcase_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_journal_outlives_the_signer),
	    T(the_same_head_again_is_not_written_again),
	    T(a_full_journal_is_put_aside_and_loses_nothing),
	    T(nothing_is_signed_that_cannot_be_remembered),
	    T(a_journal_that_failed_is_read_anew),
	    T(a_journal_of_somebody_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
