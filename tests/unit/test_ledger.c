/* SPDX-License-Identifier: ISC */
/* The log of a directory, its copies, and what crashes and thieves leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/crypto/ed25519.h"
#include "lib/ledger/journal.h"
#include "lib/ledger/ledger.h"
#include "lib/proc/sandbox.h"
#include "lib/tlog/tile.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

#define ORIGIN "writ.invalid/0123456789abcdef/test"

static uint8_t pks[1][32], *pk = pks[0], sk[64];

struct fixture {
	char dir[TMPDIR_MAX]; /* holds a, b, copy */
	char a[96], copy[96];
	const char *copies[1];
	struct ledger_config c;
	char warned[1024];
	size_t asked; /* calls of objects() */
};

/* A leaf "3:anything" has tag 3. */
static void
classify(struct slice leaf, uint8_t *tag, struct hash *name)
{
	*tag = leaf.n > 1 && leaf.p[1] == ':' ? (leaf.p[0] - '0') & 15 : 0;
	hash_sha256(leaf.p, leaf.n, name);
}

/* What begins with 2: has a record, up to a point. */
static int
objects(void *ctx, uint64_t index, struct slice leaf,
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
warn(void *ctx, const char *sentence)
{
	struct fixture *f = ctx;

	snprintf(f->warned, sizeof(f->warned), "%s", sentence);
}

static int
setup(void **state)
{
	static const uint8_t seed[32] = {9};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	ed25519_from_seed(seed, sk);
	memcpy(pk, sk + 32, 32);
	tmpdir_make(f->dir, "ledger");
	snprintf(f->a, sizeof(f->a), "%s/a", f->dir);
	snprintf(f->copy, sizeof(f->copy), "%s/copy", f->dir);
	assert_int_equal(mkdir(f->a, 0700), 0);
	f->copies[0] = f->copy;
	f->c = (struct ledger_config){.dir = f->a,
	    .origin = ORIGIN,
	    .pks = (const uint8_t(*)[32])pks,
	    .n_pks = 1,
	    .classify = classify,
	    .listed = 1 << 3 | 1 << 4,
	    .objects = objects,
	    .objects_ctx = f,
	    .warn = warn,
	    .warn_ctx = f};
	*state = f;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	remove_tree(f->dir);
	free(f);
	return 0;
}

static char *
in(const struct fixture *f, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

static struct ledger *
open_ledger(struct fixture *f)
{
	struct ledger *l = NULL;
	struct err e = {0};

	if (ledger_open(&f->c, &l, &e) != 0)
		fail_msg("open: %s", e.msg);
	return l;
}

static int
open_fails(struct fixture *f, struct err *e)
{
	struct ledger *l = NULL;
	int r = ledger_open(&f->c, &l, e);

	ledger_close(l);
	return r;
}

static void
leaf_text(uint64_t i, char out[64])
{
	snprintf(out, 64, "%llu:leaf number %llu\n",
	    (unsigned long long)(i % 5), (unsigned long long)i);
}

/* Commit leaves up to size, in batches. */
static void
grow(struct ledger *l, uint64_t size)
{
	static struct ledger_receipt got[LEDGER_BATCH_MAX];
	static char text[LEDGER_BATCH_MAX][64];
	static struct slice leaves[LEDGER_BATCH_MAX];
	struct err e = {0};

	while (ledger_size(l) < size) {
		uint64_t first = ledger_size(l);
		size_t n = 0;

		for (; n < LEDGER_BATCH_MAX && first + n < size; n++) {
			leaf_text(first + n, text[n]);
			leaves[n] = slice_str(text[n]);
		}
		if (ledger_commit(l, leaves, n, got, &e) != 0)
			fail_msg("commit: %s", e.msg);
		assert_int_equal(got[0].index, first);
		assert_int_equal(got[n - 1].index, first + n - 1);
	}
}

static char *
sign_head(const struct checkpoint *c)
{
	struct str s = STR_INIT;
	uint8_t sig[64];
	char *note;

	assert_int_equal(checkpoint_encode(c, &s), 0);
	ed25519_sign(sk, s.p, s.n, sig);
	str_reset(&s);
	assert_int_equal(checkpoint_note(c, pk, sig, &s), 0);
	assert_int_equal(str_take(&s, &note), 0);
	return note;
}

static int
try_publish(struct ledger *l, struct err *e)
{
	struct checkpoint c;
	char *note;
	int r;

	ledger_head(l, &c);
	note = sign_head(&c);
	r = ledger_publish(l, slice_str(note), e);
	free(note);
	return r;
}

static void
publish(struct ledger *l)
{
	struct err e = {0};

	if (try_publish(l, &e) != 0)
		fail_msg("publish: %s", e.msg);
}

static void
root_of(uint64_t size, struct hash *out)
{
	struct merkle_edge m = {.size = 0};
	char text[64];
	struct hash h;

	for (uint64_t i = 0; i < size; i++) {
		leaf_text(i, text);
		merkle_leaf(text, strlen(text), &h);
		merkle_append(&m, &h);
	}
	merkle_root(&m, out);
}

static int
check_leaf(void *ctx, uint64_t index, struct slice leaf)
{
	char text[64];

	(void)ctx;
	leaf_text(index, text);
	assert_true(slice_is(leaf, text));
	return 0;
}

/* The log holds these leaves, finds them, and proves them. */
static void
check(struct ledger *l, uint64_t size)
{
	struct hash proof[MERKLE_PROOF_MAX], root, want, name;
	const uint64_t *listed;
	struct checkpoint head;
	uint64_t at;
	size_t n;

	assert_int_equal(ledger_size(l), size);
	ledger_head(l, &head);
	root_of(size, &want);
	assert_memory_equal(&head.root, &want, sizeof(want));
	assert_int_equal(ledger_each(l, 0, size, check_leaf, NULL, NULL), 0);
	assert_int_equal(ledger_listed(l, 3, &listed, &n, NULL), 0);
	assert_int_equal(n, (size + 1) / 5);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(listed[i], 5 * i + 3);
	for (uint64_t i = 0; i < size; i += 1 + size / 40) {
		char text[64];
		struct hash leaf;
		uint8_t *p;

		leaf_text(i, text);
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
		root_of(s, &want);
		assert_int_equal(ledger_root_at(l, s, &root, NULL), 0);
		assert_memory_equal(&root, &want, sizeof(want));
	}
	assert_int_equal(ledger_find(l, 1, &want, &at, NULL), 1);
}

/* What is published at path is a whole log of size leaves: by its files
 * alone. */
static void
check_files(const char *path, uint64_t size)
{
	struct merkle_edge m = {.size = 0};
	struct checkpoint c;
	struct hash root, leaf;
	char key[TILE_PATH_MAX], file[256], *p;
	size_t n;

	snprintf(file, sizeof(file), "%s/checkpoint", path);
	assert_int_equal(file_read(file, NOTE_MAX, &p, &n, NULL), 0);
	assert_int_equal(checkpoint_open(slice_of(p, n), ORIGIN, pk, &c, NULL),
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

static void
logs_of_every_size_reopen_and_publish(void **state)
{
	static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 5000};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ledger *l = open_ledger(f);

		grow(l, sizes[i]);
		check(l, sizes[i]);
		ledger_close(l);
		l = open_ledger(f);
		check(l, sizes[i]);
		publish(l);
		check_files(f->a, sizes[i]);
		publish(l); /* again is a success */
		ledger_close(l);
		l = open_ledger(f);
		check(l, sizes[i]);
		ledger_close(l);
	}
	assert_string_equal(f->warned, "");
}

static uint64_t
file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Records 2, 7, 12 and so on, as objects() makes them; not all if it fails. */
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
		leaf_text(i, text);
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
	l = open_ledger(f);
	grow(l, 100);
	assert_int_equal(mkdir(in(f, "a/records"), 0700), 0);
	assert_int_equal(file_write(in(f, "a/records/7.json"), "x", 1, 0644,
			     FILE_NOSYNC, NULL),
	    0);
	ledger_put_ahead(l, g.from, g.to, early_objects, &g);
	assert_int_equal(g.n, 18);
	assert_true(file_exists(in(f, "a/records/87.json")));
	assert_string_equal(f->warned, "");
	publish(l);
	/* Home without those, the copy with all; and somebody hears of it. */
	assert_int_equal(f->asked, 100 - 90 + 100);
	assert_non_null(strstr(f->warned, "records/7.json"));
	check_files(f->a, 100);
	check_files(f->copy, 100);
	/* Those of later leaves are nobody's yet. */
	f->asked = 0;
	grow(l, 110);
	publish(l);
	assert_int_equal(f->asked, 2 * 10);
	check_files(f->a, 110);
	ledger_close(l);
}

static void
what_cannot_be_put_ahead_is_put_when_published(void **state)
{
	struct fixture *f = *state;
	struct early g = {.from = 0, .to = 50, .fail = true};
	struct ledger *l = open_ledger(f);

	grow(l, 50);
	ledger_put_ahead(l, 0, 50, early_objects, &g);
	publish(l);
	assert_int_equal(f->asked, 50);
	check_files(f->a, 50);
	assert_string_equal(f->warned, "");
	/* A file in the way of the directory. */
	remove_tree(in(f, "a/records"));
	assert_int_equal(file_write(in(f, "a/records"), "x", 1, 0644,
			     FILE_NOSYNC, NULL),
	    0);
	grow(l, 100);
	g = (struct early){.from = 50, .to = 100};
	ledger_put_ahead(l, 50, 100, early_objects, &g);
	assert_int_not_equal(try_publish(l, NULL), 0);
	assert_int_equal(unlink(in(f, "a/records")), 0);
	publish(l);
	assert_true(file_exists(in(f, "a/records/97.json")));
	ledger_close(l);
}

static void
a_published_journal_begins_anew_and_the_log_goes_on(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	struct checkpoint c;

	/* Two levels and a bit, published several times on the way. */
	for (uint64_t size = 9000; size < 70000; size += 9000) {
		grow(l, size);
		publish(l);
		assert_true(file_size(in(f, "a/journal")) <=
		    2 * LEDGER_JOURNAL_MOST);
		/* A restart leaves less than a tile and its edge. */
		ledger_close(l);
		l = open_ledger(f);
		assert_true(file_size(in(f, "a/journal")) <=
		    2 * LEDGER_JOURNAL_ROOM);
	}
	grow(l, 70000);
	publish(l);
	check(l, 70000);
	check_files(f->a, 70000);
	ledger_close(l);
	l = open_ledger(f);
	check(l, 70000);
	ledger_published(l, &c);
	assert_int_equal(c.size, 70000);
	grow(l, 70001);
	publish(l);
	check_files(f->a, 70001);
	ledger_close(l);
	/* The index is made anew from tiles and journal. */
	assert_int_equal(unlink(in(f, "a/index")), 0);
	l = open_ledger(f);
	check(l, 70001);
	ledger_close(l);
	assert_string_equal(f->warned, "");
}

static void
partial_tiles_go_when_the_full_one_is_there(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);

	grow(l, 10);
	publish(l);
	grow(l, 20);
	publish(l);
	assert_true(file_exists(in(f, "a/tile/0/000.p/10")));
	assert_true(file_exists(in(f, "a/tile/entries/000.p/20")));
	grow(l, 300);
	publish(l);
	assert_false(file_exists(in(f, "a/tile/0/000.p")));
	assert_false(file_exists(in(f, "a/tile/entries/000.p")));
	assert_true(file_exists(in(f, "a/tile/0/001.p/44")));
	assert_true(file_exists(in(f, "a/tile/1/000.p/1")));
	check_files(f->a, 300);
	ledger_close(l);
}

static void
tiles_and_index_that_are_lost_are_made_again(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);

	grow(l, 700);
	publish(l);
	ledger_close(l);
	remove_tree(in(f, "a/tile"));
	remove_tree(in(f, "a/records"));
	assert_int_equal(unlink(in(f, "a/index")), 0);
	l = open_ledger(f);
	check(l, 700);
	publish(l);
	check_files(f->a, 700);
	ledger_close(l);
	/* The same, noticed without the loss of the index. */
	remove_tree(in(f, "a/tile"));
	l = open_ledger(f);
	publish(l);
	check_files(f->a, 700);
	ledger_close(l);
}

static void
an_index_of_another_boot_is_not_believed(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	char *p, path[256];
	size_t n;

	grow(l, 700);
	publish(l);
	ledger_close(l);
	snprintf(path, sizeof(path), "%s", in(f, "a/index"));
	assert_int_equal(file_read(path, 1 << 24, &p, &n, NULL), 0);
	p[16] ^= 1;                    /* of the boot id */
	memset(p + 4096, 0, n - 4096); /* and nothing in it */
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	free(p);
	/* A power loss leaves torn files too. */
	assert_int_equal(truncate(in(f, "a/tile/0/002.p/188"), 40), 0);
	assert_int_equal(truncate(in(f, "a/records/2.json"), 0), 0);
	assert_int_equal(file_write(in(f, "a/tile/0/002.p/100"), "", 0, 0600, 0,
			     NULL),
	    0);
	l = open_ledger(f);
	check(l, 700);
	publish(l);
	check_files(f->a, 700);
	assert_int_equal(file_size(in(f, "a/records/2.json")), 16);
	assert_int_equal(file_size(in(f, "a/tile/0/002.p/188")), 188 * 32);
	assert_false(file_exists(in(f, "a/tile/0/002.p/100")));
	ledger_close(l);
}

static void
a_bundle_that_was_changed_is_named(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	struct err e = {0};
	uint8_t *q;
	char *p, path[256];
	size_t n;

	grow(l, 20000);
	publish(l);
	ledger_close(l);
	snprintf(path, sizeof(path), "%s", in(f, "a/tile/entries/005"));
	assert_int_equal(file_read(path, 1 << 24, &p, &n, NULL), 0);
	p[n / 2] ^= 1;
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	free(p);
	l = open_ledger(f);
	assert_int_equal(ledger_read(l, 5 * 256, &q, &n, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "tile/entries/005"));
	assert_int_equal(ledger_read(l, 6 * 256, &q, &n, &e), 0);
	free(q);
	assert_int_equal(unlink(in(f, "a/tile/entries/006")), 0);
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
	struct ledger *l = open_ledger(f);
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
	publish(l);
	ledger_close(l);
	free(big);
}

static void
one_writer_at_a_time_and_any_number_of_readers(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f), *reader;
	struct ledger_receipt got[1];
	struct slice s = slice_str("x");
	struct err e = {0};

	grow(l, 600);
	publish(l);
	assert_int_equal(open_fails(f, &e), ERR_BUSY);
	f->c.read_only = true;
	reader = open_ledger(f);
	check(reader, 600);
	grow(l, 900);
	check(reader, 600);
	assert_int_equal(ledger_commit(reader, &s, 1, got, &e), ERR_RECORD);
	assert_int_equal(try_publish(reader, &e), ERR_RECORD);
	assert_int_equal(ledger_put_object(reader, "krl/1", s, &e), ERR_RECORD);
	ledger_close(reader);
	assert_int_equal(unlink(in(f, "a/index")), 0);
	reader = open_ledger(f);
	check(reader, 900);
	ledger_close(reader);
	assert_false(file_exists(in(f, "a/index")));
	ledger_close(l);
}

static void
a_journal_behind_its_home_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	struct err e = {0};
	char *p;
	size_t n;

	grow(l, 10);
	assert_int_equal(file_read(in(f, "a/journal"), 1 << 24, &p, &n, NULL),
	    0);
	grow(l, 20);
	publish(l);
	ledger_close(l);
	/* A backup of ten leaves is put back. */
	assert_int_equal(file_write(in(f, "a/journal"), p, n, 0600, 0, NULL),
	    0);
	free(p);
	assert_int_equal(open_fails(f, &e), ERR_ROLLBACK);
	assert_non_null(strstr(e.msg, "20"));
	assert_non_null(strstr(e.hint, "writ-ca rebuild --from"));
	/* As is no journal at all. */
	assert_int_equal(unlink(in(f, "a/journal")), 0);
	assert_int_equal(open_fails(f, &e), ERR_ROLLBACK);
}

static void
two_logs_of_one_name_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	struct slice s = slice_str("another leaf");
	struct ledger_receipt got[1];
	struct err e = {0};
	char from[256];

	grow(l, 5);
	publish(l);
	ledger_close(l);
	snprintf(from, sizeof(from), "%s", in(f, "a/checkpoint"));
	assert_int_equal(rename(from, in(f, "kept")), 0);
	remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	l = open_ledger(f);
	for (int i = 0; i < 7; i++)
		assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	ledger_close(l);
	snprintf(from, sizeof(from), "%s", in(f, "kept"));
	assert_int_equal(rename(from, in(f, "a/checkpoint")), 0);
	assert_int_equal(open_fails(f, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "two logs of one name"));
}

static void
a_checkpoint_of_another_key_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	static const uint8_t other[1][32] = {{1}};
	struct err e = {0};

	grow(l, 5);
	publish(l);
	ledger_close(l);
	f->c.pks = other;
	assert_int_equal(open_fails(f, &e), ERR_CORRUPT);
	f->c.pks = (const uint8_t(*)[32])pks;
	f->c.origin = "writ.invalid/0123456789abcdef/other";
	assert_int_equal(open_fails(f, &e), ERR_CORRUPT);
}

/* Of several keys each will do, whichever signed before. */
static void
a_log_has_had_other_keys(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	static uint8_t both[2][32] = {{1}};
	struct checkpoint c;

	grow(l, 5);
	publish(l);
	ledger_close(l);
	for (size_t at = 0; at < 2; at++) {
		memset(both, 0, sizeof(both));
		memcpy(both[at], pk, 32);
		f->c.pks = (const uint8_t(*)[32])both;
		f->c.n_pks = 2;
		l = open_ledger(f);
		ledger_published(l, &c);
		assert_true(c.size > 0);
		ledger_close(l);
	}
	f->c.pks = (const uint8_t(*)[32])pks;
	f->c.n_pks = 1;
}

static void
only_heads_of_this_log_are_published(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	struct checkpoint c;
	struct err e = {0};
	char *note;

	grow(l, 300);
	ledger_head(l, &c);
	grow(l, 310);
	/* One it had before is fine. */
	note = sign_head(&c);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), 0);
	check_files(f->a, 300);
	publish(l);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_ROLLBACK);
	free(note);
	ledger_head(l, &c);
	c.size = 311;
	note = sign_head(&c);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_ROLLBACK);
	free(note);
	c.size = 310;
	c.root.b[3] ^= 1;
	note = sign_head(&c);
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_CORRUPT);
	note[strlen(note) - 8] ^= 1;
	assert_int_equal(ledger_publish(l, slice_str(note), &e), ERR_BADSIG);
	free(note);
	check_files(f->a, 310);
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
	grow(m->l, ledger_size(m->l) + 301);
	/* What it looks up is right in between, too. */
	leaf_text(7, text);
	hash_sha256(text, strlen(text), &name);
	assert_int_equal(ledger_find(m->l, 7 % 5, &name, &at, NULL), 0);
	assert_int_equal(at, 7);
}

static void
commits_come_in_between_while_one_publishes(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	struct meanwhile m = {.l = l};
	uint64_t size;

	ledger_set_waits(l, commit_meanwhile, &m);
	grow(l, 1000);
	publish(l);
	assert_true(m.begins >= 3);
	assert_int_equal(m.open, 0);
	ledger_set_waits(l, NULL, NULL);
	check_files(f->a, 1000);
	size = 1000 + m.begins * 301;
	check(l, size);
	publish(l);
	check_files(f->a, size);
	ledger_close(l);
	l = open_ledger(f);
	check(l, size);
	ledger_close(l);
}

static void
begin_anew(struct fixture *f)
{
	struct ledger *l = open_ledger(f);
	static char big[20000];
	struct slice leaves[52];
	struct ledger_receipt got[52];
	struct err e = {0};

	for (size_t i = 0; i < 52; i++)
		leaves[i] = slice_of(big, sizeof(big));
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(ledger_commit(l, leaves, 52, got, &e), 0);
	assert_true(file_size(in(f, "a/journal")) > LEDGER_JOURNAL_MOST);
	publish(l);
	assert_true(file_size(in(f, "a/journal")) <= LEDGER_JOURNAL_ROOM);
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

static void
a_full_disk_stops_commits_until_it_is_opened_again(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	static char big[60000];
	struct slice leaves[40];
	struct ledger_receipt got[40];
	struct rlimit was, now;
	struct err e = {0};

	grow(l, 10);
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
	publish(l); /* what is recorded can be published */
	ledger_close(l);
	l = open_ledger(f);
	check(l, 10);
	assert_int_equal(ledger_commit(l, leaves, 40, got, &e), 0);
	ledger_close(l);
}

static void
a_copy_catches_up(void **state)
{
	struct fixture *f = *state;
	struct ledger *l;

	f->c.copies = f->copies;
	f->c.n_copies = 1;
	l = open_ledger(f);
	assert_non_null(strstr(f->warned, "copy"));
	grow(l, 10);
	assert_int_equal(ledger_put_object(l, "policy/aa", slice_str("bundle"),
			     NULL),
	    0);
	assert_non_null(strstr(f->warned, "lacks policy/aa so far"));
	publish(l);
	ledger_close(l);
	/* It is mounted again, and gets all that it missed. */
	assert_int_equal(mkdir(f->copy, 0700), 0);
	l = open_ledger(f);
	grow(l, 40000);
	publish(l);
	check_files(f->copy, 40000);
	assert_true(file_exists(in(f, "copy/policy/aa")));
	assert_int_equal(ledger_put_object(l, "krl/bb", slice_str("krl"), NULL),
	    0);
	assert_true(file_exists(in(f, "copy/krl/bb")));
	grow(l, 40010);
	publish(l);
	check_files(f->copy, 40010);
	ledger_close(l);
	/* A copy that lost everything is filled from home, past the journal. */
	remove_tree(f->copy);
	assert_int_equal(mkdir(f->copy, 0700), 0);
	l = open_ledger(f);
	publish(l);
	check_files(f->copy, 40010);
	assert_true(file_exists(in(f, "copy/krl/bb")));
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
	l = open_ledger(f);
	grow(l, 10);
	publish(l);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	sleep(2);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_RECORD);
	assert_non_null(strstr(e.msg, "is behind"));
	assert_int_equal(ledger_size(l), 11);
	ledger_close(l);
	l = open_ledger(f); /* a new process knows it too */
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), ERR_RECORD);
	assert_int_equal(mkdir(f->copy, 0700), 0);
	assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	check_files(f->copy, 10);
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
	l = open_ledger(f);
	grow(l, 10);
	publish(l);
	ledger_close(l);
	remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	assert_int_equal(open_fails(f, &e), ERR_ROLLBACK);
	assert_non_null(strstr(e.hint, f->copy));
	f->c.n_copies = 0;
	l = open_ledger(f);
	for (int i = 0; i < 12; i++)
		assert_int_equal(ledger_commit(l, &s, 1, got, &e), 0);
	ledger_close(l);
	f->c.n_copies = 1;
	assert_int_equal(open_fails(f, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "two logs of one name"));
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
		l = open_ledger(f);
		grow(l, sizes[i]);
		publish(l);
		ledger_close(l);
		remove_tree(f->a);
		assert_int_equal(mkdir(f->a, 0700), 0);
		if (ledger_rebuild(&f->c, f->copy, &e) != 0)
			fail_msg("rebuild: %s", e.msg);
		check_files(f->a, sizes[i]);
		l = open_ledger(f);
		check(l, sizes[i]);
		ledger_close(l);
		/* From its own home, which lost the journal. */
		assert_int_equal(unlink(in(f, "a/journal")), 0);
		assert_int_equal(ledger_rebuild(&f->c, f->a, &e), 0);
		l = open_ledger(f);
		check(l, sizes[i]);
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
	l = open_ledger(f);
	grow(l, 10);
	publish(l);
	ledger_close(l);
	f->c.n_copies = 0;
	l = open_ledger(f);
	grow(l, 20);
	publish(l);
	ledger_close(l);
	assert_int_equal(ledger_rebuild(&f->c, f->copy, &e), ERR_EXISTS);
	assert_non_null(strstr(e.msg, "journal has 20 leaves"));
	check_files(f->a, 20);
	/* The journal is gone, and what is published has more still. */
	assert_int_equal(unlink(in(f, "a/journal")), 0);
	assert_int_equal(ledger_rebuild(&f->c, f->copy, &e), ERR_EXISTS);
	assert_non_null(strstr(e.msg, "has 20 leaves"));
	check_files(f->a, 20);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), 0);
	l = open_ledger(f);
	check(l, 20);
	ledger_close(l);
}

static void
a_rebuild_takes_nothing_away(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = open_ledger(f);
	struct err e = {0};
	char *p;
	size_t n;

	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), ERR_BUSY);
	grow(l, 10);
	publish(l);
	grow(l, 11);
	ledger_close(l);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), ERR_EXISTS);
	l = open_ledger(f);
	check(l, 11);
	publish(l);
	ledger_close(l);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), 0);
	assert_true(file_exists(in(f, "a/journal.old-1")));
	/* A tile that does not fit is found before anything is written. */
	assert_int_equal(file_read(in(f, "a/tile/entries/000.p/11"), 1 << 20,
			     &p, &n, NULL),
	    0);
	p[5] ^= 1;
	assert_int_equal(file_write(in(f, "a/tile/entries/000.p/11"), p, n,
			     0600, 0, NULL),
	    0);
	free(p);
	assert_int_equal(ledger_rebuild(&f->c, f->a, &e), ERR_CORRUPT);
	l = open_ledger(f);
	check(l, 11);
	ledger_close(l);
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
	remove_tree(f->a);
	assert_int_equal(mkdir(f->a, 0700), 0);
	if ((r = ledger_open(&f->c, &l, NULL)) != 0)
		return r;
	if ((r = ledger_commit(l, &s, 1, got, NULL)) != 0)
		goto out;
	classify(s, &tag, &name);
	if ((r = ledger_find(l, tag, &name, &at, NULL)) != 0)
		goto out;
	ledger_head(l, &c);
	if ((r = checkpoint_encode(&c, &text)) != 0)
		goto out;
	ed25519_sign(sk, text.p, text.n, sig);
	str_reset(&text);
	if ((r = checkpoint_note(&c, pk, sig, &text)) == 0 &&
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
	l = open_ledger(f);
	size = ledger_size(l);
	assert_int_equal(size, 1);
	publish(l);
	check_files(f->a, size);
	ledger_close(l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
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
	    T(a_copy_catches_up),
	    T(a_copy_that_lags_too_long_stops_commits),
	    T(a_copy_that_is_ahead_or_forked_is_refused),
	    T(a_log_is_rebuilt_from_a_copy),
	    T(an_older_copy_replaces_nothing),
	    T(a_rebuild_takes_nothing_away),
	    T(memory_that_runs_out_is_said_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
