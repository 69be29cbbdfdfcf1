/* SPDX-License-Identifier: ISC */
/* The master's signer: one history, whatever is asked and whatever the disk
 * does. */
#include "agent/master/log_signer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/logsignercase.h"
#include "tests/unit/mutate.h"

#define LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define FILE_MAX (8 * 1024 * 1024)

/* n more leaves, signed for; the note is that of the keeper's own root. */
static void
grow(struct world *w, size_t n)
{
	struct log_leaf leaves[64];
	uint64_t values[64], from = w->edge.size;
	struct hash root;
	struct checkpoint got;
	struct str note = STR_INIT;

	assert_true(n <= LEN(leaves));
	for (size_t i = 0; i < n; i++)
		leaves[i] = lsc_leaf(&values[i], from + i, &w->edge);
	if (log_signer_grow(w->s, from, leaves, n, &w->e) != 0 ||
	    log_signer_sign(w->s, &note, &w->e) != 0)
		fail_msg("%s", w->e.msg);
	merkle_root(&w->edge, &root);
	if (checkpoint_open(slice_str(note.p), LSC_ORIGIN,
		pubkey_ed25519(key_public(w->key)), &got, &w->e) != 0)
		fail_msg("%s", w->e.msg);
	assert_true(got.size == w->edge.size);
	assert_true(hash_equal(&got.root, &root));
	str_clear(&note);
}

static void
refuses(struct world *w, uint64_t from, size_t n, int code, const char *part)
{
	struct log_leaf leaves[4];
	uint64_t values[4];
	struct checkpoint before, after;
	struct str note = STR_INIT;
	int r;

	for (size_t i = 0; i < LEN(leaves); i++)
		leaves[i] = lsc_leaf(&values[i], 7 + i, NULL);
	memset(&w->e, 0, sizeof(w->e));
	log_signer_head(w->s, &before);
	if ((r = log_signer_grow(w->s, from, leaves, n, &w->e)) == 0)
		r = log_signer_sign(w->s, &note, &w->e);
	if (r != code || strstr(w->e.msg, part) == NULL)
		fail_msg("%d %s", r, w->e.msg);
	assert_int_equal(note.n, 0);
	log_signer_head(w->s, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	str_clear(&note);
}

static void
one_tree_grows(void **state)
{
	struct world *w = *state;
	struct checkpoint head;

	log_signer_head(w->s, &head);
	assert_int_equal(head.size, 0);
	assert_string_equal(head.origin, LSC_ORIGIN);
	for (size_t i = 1; i < 40; i++)
		grow(w, i);
	grow(w, 0); /* the last once more */
	assert_int_equal(lsc_reopen(w), 0);
	grow(w, 0);
	grow(w, 3);
	assert_int_equal(lsc_size(w), 783);
}

/* Leaves come in parts, and are nothing until they are signed for. */
static void
a_tree_grows_in_parts(void **state)
{
	struct world *w = *state;
	struct log_leaf leaves[3];
	uint64_t values[3];

	grow(w, 2);
	for (size_t i = 0; i < LEN(leaves); i++)
		leaves[i] = lsc_leaf(&values[i], 2 + i, NULL);
	assert_int_equal(log_signer_grow(w->s, 2, leaves, 2, &w->e), 0);
	assert_int_equal(log_signer_grow(w->s, 4, leaves + 2, 1, &w->e), 0);
	assert_int_equal(lsc_size(w), 2);
	/* One that does not follow, and all of it is forgotten. */
	assert_int_equal(log_signer_grow(w->s, 4, leaves, 1, &w->e),
	    ERR_ROLLBACK);
	assert_int_equal(log_signer_grow(w->s, 5, leaves, 1, &w->e),
	    ERR_DENIED);
	assert_int_equal(log_signer_grow(w->s, 2, leaves, 1, &w->e), 0);
	log_signer_drop(w->s);
	grow(w, 3);
	assert_int_equal(lsc_reopen(w), 0);
	assert_int_equal(lsc_size(w), 5);
}

static void
it_never_goes_back(void **state)
{
	struct world *w = *state;

	refuses(w, 0, 0, ERR_DENIED, "no leaf yet");
	grow(w, 5);
	refuses(w, 4, 1, ERR_ROLLBACK, "from 4 leaves, and 5 are signed");
	refuses(w, 4, 4, ERR_ROLLBACK, "from 4 leaves");
	refuses(w, 0, 4, ERR_ROLLBACK, "from 0 leaves");
	refuses(w, 6, 1, ERR_DENIED, "from 6 on do not follow the 5");
	refuses(w, UINT64_MAX, 1, ERR_DENIED, "do not follow");
	assert_int_equal(lsc_reopen(w), 0);
	refuses(w, 4, 1, ERR_ROLLBACK, "5 are signed");
	grow(w, 1);
}

static void
there_is_one_signer_of_one_log(void **state)
{
	struct world *w = *state;
	struct log_signer_config c = lsc_config(w, LSC_ORIGIN);
	struct log_signer *second = NULL;
	char longer[ORIGIN_MAX + 1];
	struct key *rsa = NULL;

	grow(w, 2);
	assert_int_equal(log_signer_open(&c, &second, &w->e), ERR_BUSY);
	log_signer_close(w->s);
	w->s = NULL;
	c = lsc_config(w, "writ.invalid/0123456789abcdef/n_log");
	assert_int_equal(log_signer_open(&c, &second, &w->e), ERR_CORRUPT);
	assert_non_null(strstr(w->e.msg,
	    "of another log than writ.invalid/"
	    "0123456789abcdef/n_log"));
	memset(longer, 'a', ORIGIN_MAX);
	longer[ORIGIN_MAX] = '\0';
	c = lsc_config(w, longer);
	assert_int_equal(log_signer_open(&c, &second, &w->e), ERR_LIMIT);
	assert_int_equal(key_generate(PUBKEY_ECDSA256, &rsa, NULL), 0);
	c = lsc_config(w, LSC_ORIGIN);
	c.log = rsa;
	assert_int_equal(log_signer_open(&c, &second, &w->e), ERR_PARSE);
	assert_non_null(strstr(w->e.msg, "Ed25519"));
	assert_null(second);
	key_free(rsa);
}

/* --- its journal ---------------------------------------------------------- */

static void
read_journal(const struct world *w, char **p, size_t *n)
{
	struct err e = {0};

	if (file_read(w->journal, FILE_MAX, p, n, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
put_journal(const struct world *w, const void *p, size_t n)
{
	struct err e = {0};

	if (file_write(w->journal, p, n, 0600, FILE_NOSYNC, &e) != 0)
		fail_msg("%s", e.msg);
}

/* Whatever the disk made of it: an end that was cut off is the state before,
 * and anything else is refused.  A head that never was comes of none. */
struct damage {
	struct world *w;
	struct checkpoint heads[4]; /* those that were, by number */
	size_t opened, refused;
};

static void
open_damaged(const uint8_t *p, size_t n, void *arg)
{
	struct damage *d = arg;
	struct checkpoint head;
	bool was = false;

	put_journal(d->w, p, n);
	if (lsc_reopen(d->w) != 0) {
		if (d->w->e.msg[0] == '\0')
			fail_msg("%s: refused without a word", mutate_what());
		d->refused++;
		return;
	}
	log_signer_head(d->w->s, &head);
	for (size_t i = 0; i < LEN(d->heads); i++)
		was = was || memcmp(&head, &d->heads[i], sizeof(head)) == 0;
	if (!was)
		fail_msg("%s: a head that never was", mutate_what());
	d->opened++;
}

static void
damage_makes_no_other_history(void **state)
{
	struct world *w = *state;
	struct damage d = {.w = w};
	size_t n, end;
	char *p;

	log_signer_head(w->s, &d.heads[0]);
	for (size_t i = 1; i < LEN(d.heads); i++) {
		grow(w, i);
		log_signer_head(w->s, &d.heads[i]);
	}
	read_journal(w, &p, &n);
	/* Up to the zeros of what is preallocated. */
	for (end = n; end > 0 && p[end - 1] == '\0'; end--)
		;
	(void)mutate_each(p, end, open_damaged, &d);
	assert_true(d.refused > 8 * 100);
	assert_true(d.opened > 0);
	/* A bit in the middle is damage, and no end. */
	p[end / 2] ^= 1;
	put_journal(w, p, n);
	assert_int_equal(lsc_reopen(w), ERR_CORRUPT);
	p[end / 2] ^= 1;
	put_journal(w, p, n);
	assert_int_equal(lsc_reopen(w), 0);
	assert_int_equal(lsc_size(w), 6);
	free(p);
}

static void
a_full_disk_signs_nothing(void **state)
{
	struct world *w = *state;
	struct rlimit was, none;
	char *old, *all;
	size_t n, m;

	grow(w, 1);
	read_journal(w, &old, &n);
	grow(w, 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	none = was;
	none.rlim_cur = 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	refuses(w, 2, 1, ERR_RECORD, "signer's journal");
	refuses(w, 2, 2, ERR_RECORD, "signer's journal");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	/* Room again is enough. */
	grow(w, 1);

	/* A disk that has lost what was signed is not believed. */
	read_journal(w, &all, &m);
	put_journal(w, old, n);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	refuses(w, 3, 1, ERR_RECORD, "signer's journal");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	refuses(w, 3, 1, ERR_ROLLBACK, "less than was signed");
	refuses(w, 1, 1, ERR_ROLLBACK, "less than was signed");
	put_journal(w, "no journal", 10);
	refuses(w, 3, 1, ERR_CORRUPT, "signer's journal");
	put_journal(w, all, m);
	grow(w, 1);
	free(old);
	free(all);
}

static void
a_full_journal_is_begun_anew(void **state)
{
	struct world *w = *state;
	size_t n = 0, most = 0;
	char *p;

	/* More than half a megabyte of records. */
	for (size_t i = 0; i < 2700; i++) {
		grow(w, 63);
		if (i % 100 != 0)
			continue;
		read_journal(w, &p, &n);
		most = n > most ? n : most;
		free(p);
	}
	assert_true(most < 1024 * 1024);
	assert_int_equal(lsc_reopen(w), 0);
	assert_int_equal(lsc_size(w), 2700 * 63);
	grow(w, 1);
}

static int
open_and_sign(void *arg)
{
	struct world *w = arg;
	const struct log_signer_config c = lsc_config(w, LSC_ORIGIN);
	struct log_signer *s = NULL;
	struct log_leaf l;
	uint64_t value;
	struct str note = STR_INIT;
	struct checkpoint head;
	int r;

	if ((r = log_signer_open(&c, &s, NULL)) != 0)
		return r;
	log_signer_head(s, &head);
	l = lsc_leaf(&value, 1, NULL);
	if ((r = log_signer_grow(s, head.size, &l, 1, NULL)) == 0)
		r = log_signer_sign(s, &note, NULL);
	assert_true(r == 0 || note.n == 0);
	str_clear(&note);
	log_signer_close(s);
	return r;
}

static void
memory_that_runs_out_is_said(void **state)
{
	struct world *w = *state;

	log_signer_close(w->s);
	w->s = NULL;
	assert_true(alloc_each(open_and_sign, w) >= 8);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lsc_setup, lsc_teardown)
	const struct CMUnitTest tests[] = {
	    T(one_tree_grows),
	    T(a_tree_grows_in_parts),
	    T(it_never_goes_back),
	    T(there_is_one_signer_of_one_log),
	    T(damage_makes_no_other_history),
	    T(a_full_disk_signs_nothing),
	    T(a_full_journal_is_begun_anew),
	    T(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
