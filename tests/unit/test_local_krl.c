/* SPDX-License-Identifier: ISC */
/* Revocation lists that the log does not take for a while: a signer remembers the
 * version of each that it signed, and one that is tried again is not to use them
 * up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/keeper/local.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "tests/unit/deployment.h"
#include "tests/unit/signerproc.h"

#define TRIES 5

struct world {
	struct deployment d;
	struct signerproc signer;
	struct local *l;
	struct err e;
};

static int
set_up(void **state)
{
	static struct world world;
	struct world *w = &world;
	struct statement act;

	memset(w, 0, sizeof(*w));
	deployment_make(&w->d, "krl");
	signerproc_start(&w->signer, &w->d);
	w->l = deployment_open(&w->d, LOCAL_SERVE, w->signer.socket);
	deployment_revoke(&act, NULL, fixture_key(SEED_ALICE));
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &w->e), 0);
	statement_clear(&act);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	local_free(w->l);
	signerproc_stop(&w->signer);
	deployment_remove(&w->d);
	return 0;
}

static const char *
in(const struct world *w, const char *name)
{
	static char path[2 * TMPDIR_MAX];

	snprintf(path, sizeof(path), "%s/%s", w->d.dir, name);
	return path;
}

static void
put(const struct world *w, const char *name, const char *text)
{
	assert_int_equal(file_write(in(w, name), text, strlen(text), 0600, 0,
			     NULL),
	    0);
}

static void
makes_list(struct world *w)
{
	if (local_new_krl(w->l, NULL, &w->e) != 0)
		fail_msg("list: %s", w->e.msg);
}

static void
reopen(struct world *w)
{
	local_free(w->l);
	w->l = NULL;
	w->l = deployment_open(&w->d, LOCAL_SERVE, w->signer.socket);
}

/* The version of the newest list, as the next tick tells it. */
static uint64_t
version(struct world *w)
{
	struct leaf leaf;
	uint8_t *bytes = NULL;
	uint64_t at, v;
	size_t n;

	assert_int_equal(local_tick(w->l, &w->e), 0);
	at = ledger_size(w->l->ledger) - 1;
	assert_int_equal(ledger_read(w->l->ledger, at, &bytes, &n, NULL), 0);
	leaf_init(&leaf);
	assert_int_equal(leaf_parse("tick", slice_of(bytes, n), &leaf, NULL),
	    0);
	assert_int_equal(leaf.kind, LEAF_TICK);
	v = leaf.u.t.krl_version;
	leaf_clear(&leaf);
	free(bytes);
	return v;
}

/* Entries of a directory; 0 where there is none. */
static size_t
entries(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *ent;
	size_t n = 0;

	while (d != NULL && (ent = readdir(d)) != NULL)
		n += ent->d_name[0] != '.';
	if (d != NULL)
		(void)closedir(d);
	return n;
}

/* Else the next list had the same, for as long as the connection holds. */
static void
what_a_list_used_up_is_known_at_once(void **state)
{
	const struct signatory *to;
	struct signer_seen seen;
	struct world *w = *state;

	to = &w->l->signing;
	for (uint64_t v = 1; v <= 3; v++) {
		makes_list(w);
		assert_int_equal(to->ops->seen(to->ctx, &seen, &w->e), 0);
		assert_int_equal(seen.krl_version, v);
	}
}

static void
a_copy_behind_for_too_long_uses_up_no_version(void **state)
{
	struct world *w = *state;
	char text[8 * TMPDIR_MAX], *yaml = NULL;
	size_t n;

	makes_list(w);
	/* Where the copy should be is a file, and has been for an hour. */
	assert_int_equal(file_read(in(w, "writ.yaml"), sizeof(text), &yaml, &n,
			     NULL),
	    0);
	snprintf(text, sizeof(text),
	    "%scopies: [\"dir:%s/copy\"]\nmax_lag: 1m\n", yaml, w->d.dir);
	free(yaml);
	put(w, "writ.yaml", text);
	put(w, "copy", "");
	snprintf(text, sizeof(text), "0 %lld 0 0\ndir:%s/copy\n",
	    (long long)clock_now() - 3600, w->d.dir);
	put(w, "log/copy.0", text);
	reopen(w);
	for (int i = 0; i < TRIES; i++) {
		assert_int_equal(local_new_krl(w->l, NULL, &w->e), ERR_RECORD);
		assert_non_null(strstr(w->e.msg, "is behind"));
	}
	assert_int_equal(entries(in(w, "log/krl-next")), 0);
	assert_int_equal(unlink(in(w, "copy")), 0);
	assert_int_equal(mkdir(in(w, "copy"), 0700), 0);
	reopen(w);
	makes_list(w);
	assert_int_equal(version(w), 2);
}

static void
a_list_that_cannot_be_kept_uses_up_no_version(void **state)
{
	struct world *w = *state;

	makes_list(w);
	assert_int_equal(rmdir(in(w, "log/krl-next")), 0);
	put(w, "log/krl-next", "");
	for (int i = 0; i < TRIES; i++)
		assert_int_equal(local_new_krl(w->l, NULL, &w->e), ERR_SYS);
	assert_int_equal(unlink(in(w, "log/krl-next")), 0);
	makes_list(w);
	assert_int_equal(version(w), 2);
}

static void
a_list_that_is_not_signed_is_not_kept(void **state)
{
	struct world *w = *state;

	makes_list(w);
	signerproc_kill(&w->signer);
	for (int i = 0; i < TRIES; i++)
		assert_int_equal(local_new_krl(w->l, NULL, &w->e), ERR_NET);
	assert_int_equal(entries(in(w, "log/krl-next")), 0);
	signerproc_start(&w->signer, &w->d);
	makes_list(w);
	assert_int_equal(version(w), 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_a_list_used_up_is_known_at_once),
	    T(a_copy_behind_for_too_long_uses_up_no_version),
	    T(a_list_that_cannot_be_kept_uses_up_no_version),
	    T(a_list_that_is_not_signed_is_not_kept),
	};

	return cmocka_run_group_tests_name("local_krl", tests, NULL, NULL);
}
