/* SPDX-License-Identifier: ISC */
#include "tests/unit/batchcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/key/key_impl.h"
#include "lib/ssh/cert.h"
#include "lib/tlog/checkpoint.h"

static struct hash
leaf_hash(uint64_t i, bool other)
{
	char text[32];
	struct hash h;

	snprintf(text, sizeof(text), "%s %d", other ? "other" : "leaf", (int)i);
	merkle_leaf(text, strlen(text), &h);
	return h;
}

void
bcase_head(struct batchcase *w, uint64_t size, bool other)
{
	struct merkle_edge edge = {0};

	for (uint64_t i = 0; i < size; i++) {
		struct hash h = leaf_hash(i, other && i + 1 == size);

		merkle_append(&edge, &h);
	}
	w->b.head.size = size;
	merkle_root(&edge, &w->b.head.root);
	w->proof[0] = leaf_hash(size - 1, other);
	w->b.consistency = w->proof;
	w->b.n_consistency = 1;
}

static struct key *
seed_key(uint8_t n)
{
	uint8_t seed[32];
	struct key *k = NULL;

	memset(seed, n, sizeof(seed));
	assert_int_equal(key_ed25519_new(seed, &k, NULL), 0);
	return k;
}

void
bcase_open(struct batchcase *w)
{
	struct err e = {0};

	if (signer_open(&w->config, &w->s, &e) != 0)
		fail_msg("open: %s", e.msg);
}

void
bcase_leaf(struct batchcase *w)
{
	free(w->leaf.tbs);
	issue_case_leaf(&w->c, w->decisions, &w->leaf);
	w->jobs[0] = (struct signer_job){.leaf = &w->leaf,
	    .request = &w->c.request,
	    .decisions = w->c.list,
	    .n_decisions = w->c.n};
}

int
bcase_setup(void **state)
{
	struct batchcase *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(w->dir, "signer");
	issue_case_open(&w->c);
	issue_case_ask(&w->c, FIXTURE_BY(SEED_ALICE));
	issue_case_approve(&w->c, OLGA, FIXTURE_BY(SEED_OLGA));
	w->trust = (struct trust){.have = true,
	    .realm = *fixture_realm(),
	    .root_version = 1,
	    .policy = w->c.policy};
	w->user_ca = seed_key(SEED_USER_CA);
	w->host_ca = seed_key(SEED_HOST_CA);
	w->log = seed_key(SEED_LOG);
	w->config = (struct signer_config){.dir = w->dir,
	    .user_ca = w->user_ca,
	    .host_ca = w->host_ca,
	    .log = w->log,
	    .origin = "writ.invalid/0123456789abcdef/ca_log"};
	w->b = (struct signer_batch){.trust = &w->trust,
	    .standing = w->c.standing,
	    .jobs = w->jobs,
	    .n_jobs = 1,
	    .now = FIXTURE_NOW};
	snprintf(w->b.head.origin, sizeof(w->b.head.origin), "%s",
	    w->config.origin);
	str_init(&w->note);
	bcase_head(w, 1, false);
	bcase_leaf(w);
	bcase_open(w);
	*state = w;
	return 0;
}

static void
drop(struct batchcase *w)
{
	for (size_t i = 0; i < w->b.n_jobs; i++) {
		buf_free(w->jobs[i].cert);
		w->jobs[i].cert = NULL;
	}
	str_clear(&w->note);
}

int
bcase_teardown(void **state)
{
	static const char *const names[] = {
	    "journal", "journal.0", "journal.1", "journal.2", "lock"};
	struct batchcase *w = *state;

	drop(w);
	signer_close(w->s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->dir), 0);
	key_free(w->user_ca);
	key_free(w->host_ca);
	key_free(w->log);
	free(w->leaf.tbs);
	issue_case_close(&w->c);
	free(w);
	return 0;
}

void
bcase_signs(struct batchcase *w, const char *what)
{
	if (signer_sign(w->s, &w->b, &w->note, &w->e) != 0)
		fail_msg("%s: %s", what, w->e.msg);
	for (size_t i = 0; i < w->b.n_jobs; i++)
		if (w->jobs[i].cert == NULL)
			fail_msg("%s: no certificate %zu", what, i);
	assert_true(w->note.n > 0);
	drop(w);
}

void
bcase_refuses(struct batchcase *w, const char *what, int code,
    const char *words)
{
	struct signer_seen before, after;
	struct err e = {0};
	int r;

	signer_get_seen(w->s, &before);
	r = signer_sign(w->s, &w->b, &w->note, &e);
	signer_get_seen(w->s, &after);
	if (r != code || strstr(e.msg, words) == NULL)
		fail_msg("%s: %d '%s', expected %d '%s'", what, r, e.msg, code,
		    words);
	for (size_t i = 0; i < w->b.n_jobs; i++)
		if (w->jobs[i].cert != NULL)
			fail_msg("%s: certificate %zu was signed", what, i);
	if (w->note.n != 0)
		fail_msg("%s: a checkpoint was signed", what);
	assert_memory_equal(&before, &after, sizeof(before));
}
