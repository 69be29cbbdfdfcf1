/* SPDX-License-Identifier: ISC */
#include "tests/unit/ledgercase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/crypto/ed25519.h"
#include "lib/ledger/ledger.h"
#include "lib/tlog/tile.h"
#include "tests/unit/tmpdir.h"

uint8_t lc_pks[1][32], *lc_pk = lc_pks[0], lc_sk[64];

/* A leaf "3:anything" has tag 3. */
void
lc_classify(struct slice leaf, uint8_t *tag, struct hash *name)
{
	*tag = leaf.n > 1 && leaf.p[1] == ':' ? (leaf.p[0] - '0') & 15 : 0;
	hash_sha256(leaf.p, leaf.n, name);
}

/* What begins with 2: has a record, up to a point. */
int
lc_objects(void *ctx, uint64_t index, struct slice leaf,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	struct fixture *f = ctx;
	char key[64];

	(void)e;
	f->asked++;
	if (leaf.n < 2 || memcmp(leaf.p, "2:", 2) != 0 || index % 5000 > 100)
		return 0;
	snprintf(key, sizeof(key), "records/%llu.json",
	    (unsigned long long)index);
	return put(pctx, key, leaf, "application/json");
}

static void
lc_warn(void *ctx, const char *sentence)
{
	struct fixture *f = ctx;

	snprintf(f->warned, sizeof(f->warned), "%s", sentence);
}

int
lc_setup(void **state)
{
	static const uint8_t seed[32] = {9};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	ed25519_from_seed(seed, lc_sk);
	memcpy(lc_pk, lc_sk + 32, 32);
	tmpdir_make(f->dir, "ledger");
	snprintf(f->a, sizeof(f->a), "%s/a", f->dir);
	snprintf(f->copy, sizeof(f->copy), "%s/copy", f->dir);
	assert_int_equal(mkdir(f->a, 0700), 0);
	f->copies[0] = f->copy;
	f->c = (struct ledger_config){.dir = f->a,
	    .origin = ORIGIN,
	    .pks = (const uint8_t(*)[32])lc_pks,
	    .n_pks = 1,
	    .classify = lc_classify,
	    .listed = 1 << 3 | 1 << 4,
	    .objects = lc_objects,
	    .objects_ctx = f,
	    .warn = lc_warn,
	    .warn_ctx = f};
	*state = f;
	return 0;
}

void
lc_remove_tree(const char *path)
{
	(void)tmpdir_remove(path);
}

int
lc_teardown(void **state)
{
	struct fixture *f = *state;

	lc_remove_tree(f->dir);
	free(f);
	return 0;
}

char *
lc_in(const struct fixture *f, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

uint64_t
lc_file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

struct ledger *
lc_open_ledger(struct fixture *f)
{
	struct ledger *l = NULL;
	struct err e = {0};

	if (ledger_open(&f->c, &l, &e) != 0)
		fail_msg("open: %s", e.msg);
	return l;
}

int
lc_open_fails(struct fixture *f, struct err *e)
{
	struct ledger *l = NULL;
	int r = ledger_open(&f->c, &l, e);

	ledger_close(l);
	return r;
}

void
lc_leaf_text(uint64_t i, char out[64])
{
	snprintf(out, 64, "%llu:leaf number %llu\n",
	    (unsigned long long)(i % 5), (unsigned long long)i);
}

/* Commit leaves up to size, in batches. */
void
lc_grow(struct ledger *l, uint64_t size)
{
	static struct ledger_receipt got[LEDGER_BATCH_MAX];
	static char text[LEDGER_BATCH_MAX][64];
	static struct slice leaves[LEDGER_BATCH_MAX];
	struct err e = {0};

	while (ledger_size(l) < size) {
		uint64_t first = ledger_size(l);
		size_t n = 0;

		for (; n < LEDGER_BATCH_MAX && first + n < size; n++) {
			lc_leaf_text(first + n, text[n]);
			leaves[n] = slice_str(text[n]);
		}
		if (ledger_commit(l, leaves, n, got, &e) != 0)
			fail_msg("commit: %s", e.msg);
		assert_int_equal(got[0].index, first);
		assert_int_equal(got[n - 1].index, first + n - 1);
	}
}

char *
lc_sign_head(const struct checkpoint *c)
{
	struct str s = STR_INIT;
	uint8_t sig[64];
	char *note;

	assert_int_equal(checkpoint_encode(c, &s), 0);
	ed25519_sign(lc_sk, s.p, s.n, sig);
	str_reset(&s);
	assert_int_equal(checkpoint_note(c, lc_pk, sig, &s), 0);
	assert_int_equal(str_take(&s, &note), 0);
	return note;
}

int
lc_try_publish(struct ledger *l, struct err *e)
{
	struct checkpoint c;
	char *note;
	int r;

	ledger_head(l, &c);
	note = lc_sign_head(&c);
	r = ledger_publish(l, slice_str(note), e);
	free(note);
	return r;
}

void
lc_publish(struct ledger *l)
{
	struct err e = {0};

	if (lc_try_publish(l, &e) != 0)
		fail_msg("publish: %s", e.msg);
}

static void
lc_root_of(uint64_t size, struct hash *out)
{
	struct merkle_edge m = {.size = 0};
	char text[64];
	struct hash h;

	for (uint64_t i = 0; i < size; i++) {
		lc_leaf_text(i, text);
		merkle_leaf(text, strlen(text), &h);
		merkle_append(&m, &h);
	}
	merkle_root(&m, out);
}

static int
lc_check_leaf(void *ctx, uint64_t index, struct slice leaf)
{
	char text[64];

	(void)ctx;
	lc_leaf_text(index, text);
	assert_true(slice_is(leaf, text));
	return 0;
}

/* The log holds these leaves, finds them, and proves them. */
void
lc_check(struct ledger *l, uint64_t size)
{
	struct hash proof[MERKLE_PROOF_MAX], root, want, name;
	const uint64_t *listed;
	struct checkpoint head;
	uint64_t at;
	size_t n;

	assert_int_equal(ledger_size(l), size);
	ledger_head(l, &head);
	lc_root_of(size, &want);
	assert_memory_equal(&head.root, &want, sizeof(want));
	assert_int_equal(ledger_each(l, 0, size, lc_check_leaf, NULL, NULL), 0);
	assert_int_equal(ledger_listed(l, 3, &listed, &n, NULL), 0);
	assert_int_equal(n, (size + 1) / 5);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(listed[i], 5 * i + 3);
	for (uint64_t i = 0; i < size; i += 1 + size / 40) {
		char text[64];
		struct hash leaf;
		uint8_t *p;

		lc_leaf_text(i, text);
		assert_int_equal(ledger_read(l, i, &p, &n, NULL), 0);
		assert_true(slice_is(slice_of(p, n), text));
		free(p);
		hash_sha256(text, strlen(text), &name);
		assert_int_equal(ledger_find(l, (uint8_t)(i % 5), &name, &at,
				     NULL),
		    0);
		assert_int_equal(at, i);
		assert_int_equal(ledger_find(l, 9, &name, &at, NULL), 1);
		assert_int_equal(ledger_prove(l, i, size, proof, &n, NULL), 0);
		merkle_leaf(text, strlen(text), &leaf);
		assert_int_equal(merkle_check_inclusion(&leaf, i, size, proof,
				     n, &want),
		    0);
	}
	for (uint64_t s = 0; s <= size; s += 1 + size / 7) {
		lc_root_of(s, &want);
		assert_int_equal(ledger_root_at(l, s, &root, NULL), 0);
		assert_memory_equal(&root, &want, sizeof(want));
	}
	assert_int_equal(ledger_find(l, 1, &want, &at, NULL), 1);
}

/* What is published at path is a whole log of size leaves: by its files
 * alone. */
void
lc_check_files(const char *path, uint64_t size)
{
	struct merkle_edge m = {.size = 0};
	struct checkpoint c;
	struct hash root, leaf;
	char key[TILE_PATH_MAX], file[256], *p;
	size_t n;

	snprintf(file, sizeof(file), "%s/checkpoint", path);
	assert_int_equal(file_read(file, NOTE_MAX, &p, &n, NULL), 0);
	assert_int_equal(checkpoint_open(slice_of(p, n), ORIGIN, lc_pk, &c,
			     NULL),
	    0);
	free(p);
	assert_int_equal(c.size, size);
	snprintf(file, sizeof(file), "%s/checkpoints/%llu", path,
	    (unsigned long long)size);
	assert_true(file_exists(file));
	for (uint64_t i = 0; i * TILE_WIDTH < size; i++) {
		struct tile t = {
		    TILE_ENTRIES, i, tile_width(TILE_ENTRIES, i, size)};
		struct slice s;
		struct view v;

		tile_path(&t, key);
		snprintf(file, sizeof(file), "%s/%s", path, key);
		assert_int_equal(file_read(file, 1 << 24, &p, &n, NULL), 0);
		v = view_of(p, n);
		for (unsigned k = 0; k < t.width; k++) {
			assert_int_equal(entries_get(&v, &s), 0);
			merkle_leaf(s.p, s.n, &leaf);
			merkle_append(&m, &leaf);
		}
		assert_int_equal(view_end(&v), 0);
		free(p);
	}
	merkle_root(&m, &root);
	assert_memory_equal(&root, &c.root, sizeof(root));
	for (unsigned level = 0; level < tile_levels(size); level++)
		for (uint64_t i = 0;; i++) {
			struct tile t = {level, i, tile_width(level, i, size)};

			if (t.width == 0)
				break;
			tile_path(&t, key);
			snprintf(file, sizeof(file), "%s/%s", path, key);
			assert_int_equal(file_read(file, 1 << 24, &p, &n, NULL),
			    0);
			assert_int_equal(n, t.width * HASH_LEN);
			free(p);
		}
	if (size > 2) {
		snprintf(file, sizeof(file), "%s/records/2.json", path);
		assert_true(file_exists(file));
	}
}
