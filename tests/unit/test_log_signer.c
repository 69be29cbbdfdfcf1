/* SPDX-License-Identifier: ISC */
/* The master's signer: one history, whatever is asked and whatever the disk
 * does. */
#include "agent/master/log_signer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/master/log_signer_frames.h"
#include "agent/master/log_signer_proc.h"
#include "agent/master/messages.h"
#include "lib/base/file.h"
#include "lib/proc/frame.h"
#include "lib/proc/refused.h"
#include "lib/tlog/merkle.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/tmpdir.h"

#define LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define ORIGIN   "writ.invalid/0123456789abcdef/m_log"
#define FILE_MAX (8 * 1024 * 1024)

struct world {
	char dir[TMPDIR_MAX], journal[TMPDIR_MAX + 16];
	struct key *key;
	struct log_signer *s;
	struct merkle_edge edge; /* the tree as the keeper has it */
	struct err e;
};

static struct log_signer_config
config_of(const struct world *w, const char *origin)
{
	const struct log_signer_config c = {
	    .dir = w->dir, .log = w->key, .origin = origin};

	return c;
}

static int
reopen(struct world *w)
{
	const struct log_signer_config c = config_of(w, ORIGIN);

	log_signer_close(w->s);
	w->s = NULL;
	memset(&w->e, 0, sizeof(w->e));
	return log_signer_open(&c, &w->s, &w->e);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(w->dir, "logsigner");
	snprintf(w->journal, sizeof(w->journal), "%s/journal", w->dir);
	assert_int_equal(key_generate(PUBKEY_ED25519, &w->key, NULL), 0);
	assert_int_equal(reopen(w), 0);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	char lock[TMPDIR_MAX + 16];

	log_signer_close(w->s);
	key_free(w->key);
	snprintf(lock, sizeof(lock), "%s/lock", w->dir);
	unlink(w->journal);
	unlink(lock);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

/* The nth leaf of the keeper's log, which its tree gets too where there is one. */
static struct log_leaf
leaf(uint64_t *n, uint64_t value, struct merkle_edge *edge)
{
	struct hash h;

	*n = value;
	merkle_leaf(n, sizeof(*n), &h);
	if (edge != NULL)
		merkle_append(edge, &h);
	return (struct log_leaf){.bytes = slice_of(n, sizeof(*n))};
}

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
		leaves[i] = leaf(&values[i], from + i, &w->edge);
	if (log_signer_grow(w->s, from, leaves, n, &w->e) != 0 ||
	    log_signer_sign(w->s, &note, &w->e) != 0)
		fail_msg("%s", w->e.msg);
	merkle_root(&w->edge, &root);
	if (checkpoint_open(slice_str(note.p), ORIGIN,
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
		leaves[i] = leaf(&values[i], 7 + i, NULL);
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

static uint64_t
size_of(const struct world *w)
{
	struct checkpoint head;

	log_signer_head(w->s, &head);
	return head.size;
}

static void
one_tree_grows(void **state)
{
	struct world *w = *state;
	struct checkpoint head;

	log_signer_head(w->s, &head);
	assert_int_equal(head.size, 0);
	assert_string_equal(head.origin, ORIGIN);
	for (size_t i = 1; i < 40; i++)
		grow(w, i);
	grow(w, 0); /* the last once more */
	assert_int_equal(reopen(w), 0);
	grow(w, 0);
	grow(w, 3);
	assert_int_equal(size_of(w), 783);
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
		leaves[i] = leaf(&values[i], 2 + i, NULL);
	assert_int_equal(log_signer_grow(w->s, 2, leaves, 2, &w->e), 0);
	assert_int_equal(log_signer_grow(w->s, 4, leaves + 2, 1, &w->e), 0);
	assert_int_equal(size_of(w), 2);
	/* One that does not follow, and all of it is forgotten. */
	assert_int_equal(log_signer_grow(w->s, 4, leaves, 1, &w->e),
	    ERR_ROLLBACK);
	assert_int_equal(log_signer_grow(w->s, 5, leaves, 1, &w->e),
	    ERR_DENIED);
	assert_int_equal(log_signer_grow(w->s, 2, leaves, 1, &w->e), 0);
	log_signer_drop(w->s);
	grow(w, 3);
	assert_int_equal(reopen(w), 0);
	assert_int_equal(size_of(w), 5);
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
	assert_int_equal(reopen(w), 0);
	refuses(w, 4, 1, ERR_ROLLBACK, "5 are signed");
	grow(w, 1);
}

static void
there_is_one_signer_of_one_log(void **state)
{
	struct world *w = *state;
	struct log_signer_config c = config_of(w, ORIGIN);
	struct log_signer *second = NULL;
	char longer[ORIGIN_MAX + 1];
	struct key *rsa = NULL;

	grow(w, 2);
	assert_int_equal(log_signer_open(&c, &second, &w->e), ERR_BUSY);
	log_signer_close(w->s);
	w->s = NULL;
	c = config_of(w, "writ.invalid/0123456789abcdef/n_log");
	assert_int_equal(log_signer_open(&c, &second, &w->e), ERR_CORRUPT);
	assert_non_null(strstr(w->e.msg,
	    "of another log than writ.invalid/"
	    "0123456789abcdef/n_log"));
	memset(longer, 'a', ORIGIN_MAX);
	longer[ORIGIN_MAX] = '\0';
	c = config_of(w, longer);
	assert_int_equal(log_signer_open(&c, &second, &w->e), ERR_LIMIT);
	assert_int_equal(key_generate(PUBKEY_ECDSA256, &rsa, NULL), 0);
	c = config_of(w, ORIGIN);
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
	if (reopen(d->w) != 0) {
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
	assert_int_equal(reopen(w), ERR_CORRUPT);
	p[end / 2] ^= 1;
	put_journal(w, p, n);
	assert_int_equal(reopen(w), 0);
	assert_int_equal(size_of(w), 6);
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
	assert_int_equal(reopen(w), 0);
	assert_int_equal(size_of(w), 2700 * 63);
	grow(w, 1);
}

static int
open_and_sign(void *arg)
{
	struct world *w = arg;
	const struct log_signer_config c = config_of(w, ORIGIN);
	struct log_signer *s = NULL;
	struct log_leaf l;
	uint64_t value;
	struct str note = STR_INIT;
	struct checkpoint head;
	int r;

	if ((r = log_signer_open(&c, &s, NULL)) != 0)
		return r;
	log_signer_head(s, &head);
	l = leaf(&value, 1, NULL);
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

/* --- the conversation ----------------------------------------------------- */

struct talk {
	struct log_signer_proc p;
	struct chan *theirs, *ours; /* the signer's end, the keeper's */
	struct frame f;
};

static void
talk_begin(struct world *w, struct talk *t)
{
	int fds[2];

	memset(t, 0, sizeof(*t));
	t->p.signer = w->s;
	t->p.log = key_public(w->key);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(chan_new(fds[0], &t->theirs, NULL), 0);
	assert_int_equal(chan_new(fds[1], &t->ours, NULL), 0);
	assert_int_equal(log_signer_ops.begin(&t->p, t->theirs, &w->e), 0);
}

static void
talk_end(struct talk *t)
{
	chan_free(t->theirs);
	chan_free(t->ours);
}

/* A frame of the keeper's, as the loop hands it over. */
static int
say(struct world *w, struct talk *t, uint16_t type, struct slice payload)
{
	const struct frame f = {.type = type, .id = 7, .payload = payload};

	memset(&w->e, 0, sizeof(w->e));
	return log_signer_ops.frame(&t->p, &f, &w->e);
}

static int
say_leaves(struct world *w, struct talk *t, uint64_t from, size_t n, bool more)
{
	struct log_leaf leaves[4];
	struct log_head h = {
	    .from = from, .more = more, .leaves = leaves, .n = n};
	uint64_t values[4];
	struct buf *b = NULL;
	int r;

	for (size_t i = 0; i < LEN(leaves); i++)
		leaves[i] = leaf(&values[i], from + i, NULL);
	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	assert_int_equal(log_head_encode(&h, b), 0);
	r = say(w, t, MSG_HEAD, buf_slice(b));
	buf_free(b);
	return r;
}

static int
say_head(struct world *w, struct talk *t, uint64_t from, size_t n)
{
	return say_leaves(w, t, from, n, false);
}

/* What the keeper gets next. */
static const struct frame *
hears(struct talk *t, uint16_t type)
{
	struct err e = {0};

	if (chan_wait(t->ours, 10000, &t->f, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(t->f.type, type);
	return &t->f;
}

static void
hears_seen(struct world *w, struct talk *t, uint64_t size)
{
	struct checkpoint head;
	struct log_seen seen;

	assert_int_equal(log_seen_parse(hears(t, MSG_SEEN)->payload, &seen,
			     NULL),
	    0);
	log_signer_head(w->s, &head);
	assert_int_equal(seen.size, size);
	assert_true(hash_equal(&seen.root, &head.root));
	assert_true(slice_equal(seen.log, pubkey_blob(key_public(w->key))));
}

static void
a_keeper_is_told_and_signed_for(void **state)
{
	struct world *w = *state;
	struct checkpoint head, got;
	struct slice note;
	struct err why;
	struct talk t;

	talk_begin(w, &t);
	hears_seen(w, &t, 0);
	assert_int_equal(say_head(w, &t, 0, 3), 0);
	assert_int_equal(log_signed_parse(hears(&t, MSG_SIGNED)->payload, &note,
			     NULL),
	    0);
	assert_int_equal(t.f.id, 7);
	assert_int_equal(checkpoint_open(note, ORIGIN,
			     pubkey_ed25519(key_public(w->key)), &got, NULL),
	    0);
	log_signer_head(w->s, &head);
	assert_memory_equal(&got.root, &head.root, sizeof(got.root));
	assert_int_equal(got.size, 3);

	/* What is wrong is refused, with where to go on. */
	assert_int_equal(say_head(w, &t, 1, 1), 0);
	hears_seen(w, &t, 3);
	assert_int_equal(refused_frame_parse(hears(&t, MSG_REFUSED)->payload,
			     &why, NULL),
	    0);
	assert_int_equal(why.code, ERR_ROLLBACK);
	assert_int_equal(t.f.id, 7);
	assert_int_equal(say_head(w, &t, 3, 1), 0);
	(void)hears(&t, MSG_SIGNED);
	talk_end(&t);

	/* Another keeper begins where that one was. */
	talk_begin(w, &t);
	hears_seen(w, &t, 4);
	talk_end(&t);
}

static void
a_long_log_comes_in_parts(void **state)
{
	struct world *w = *state;
	uint64_t size = 0;
	struct talk t;

	talk_begin(w, &t);
	hears_seen(w, &t, 0);
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(say_leaves(w, &t, i * 2, 2, true), 0);
		assert_int_equal(log_taken_parse(hears(&t, MSG_TAKEN)->payload,
				     &size, NULL),
		    0);
		assert_int_equal(size, i * 2 + 2);
	}
	assert_int_equal(size_of(w), 0);
	talk_end(&t);

	/* What was not signed for is forgotten with the keeper. */
	talk_begin(w, &t);
	hears_seen(w, &t, 0);
	assert_int_equal(say_leaves(w, &t, 0, 2, true), 0);
	(void)hears(&t, MSG_TAKEN);
	assert_int_equal(say_head(w, &t, 2, 0), 0);
	(void)hears(&t, MSG_SIGNED);
	assert_int_equal(size_of(w), 2);
	talk_end(&t);
}

static void
nothing_but_heads_is_heard(void **state)
{
	static const struct {
		uint16_t type;
		int code;
	} others[] = {{MSG_SEEN, ERR_DENIED}, {MSG_SIGNED, ERR_DENIED},
	    {MSG_TAKEN, ERR_DENIED}, {MSG_CALL, ERR_DENIED},
	    {MSG_ASK, ERR_DENIED}, {0, ERR_DENIED}, {MSG_HEAD, ERR_PARSE}};
	struct world *w = *state;
	struct talk t;

	talk_begin(w, &t);
	hears_seen(w, &t, 0);
	for (size_t i = 0; i < LEN(others); i++)
		assert_int_equal(say(w, &t, others[i].type, slice_str("x")),
		    others[i].code);
	/* Longer than any may be. */
	assert_int_equal(say(w, &t, MSG_HEAD, slice_of(&t, HEAD_MAX + 1)),
	    ERR_DENIED);
	assert_int_equal(chan_wait(t.ours, 1, &t.f, &w->e), ERR_NET);
	assert_int_equal(size_of(w), 0);
	talk_end(&t);
}

/* --- frames --------------------------------------------------------------- */

static int
read_seen(struct slice p, struct err *e)
{
	struct log_seen s;

	return log_seen_parse(p, &s, e);
}

static int
read_head(struct slice p, struct err *e)
{
	struct log_head h = {0};
	int r = log_head_parse(p, &h, e);

	free(h.leaves);
	return r;
}

static int
read_taken(struct slice p, struct err *e)
{
	uint64_t size;

	return log_taken_parse(p, &size, e);
}

static int
read_signed(struct slice p, struct err *e)
{
	struct slice note;

	return log_signed_parse(p, &note, e);
}

typedef int reader(struct slice payload, struct err *e);
struct trial {
	reader *read;
	struct slice bytes;
};

static void
cut(const uint8_t *p, size_t n, void *arg)
{
	const struct trial *t = arg;
	struct err e = {0};

	if (t->read(slice_of(p, n), &e) == 0 || e.msg[0] == '\0')
		fail_msg("%s: taken", mutate_what());
}

static void
flip(const uint8_t *p, size_t n, void *arg)
{
	const struct trial *t = arg;
	struct err e = {0};

	if (t->read(slice_of(p, n), &e) != 0 && e.msg[0] == '\0')
		fail_msg("%s: refused without a word", mutate_what());
}

static int
starve(void *arg)
{
	const struct trial *t = arg;

	return t->read(t->bytes, NULL);
}

/* Exactly these bytes: none less, none more. */
static size_t
is_strict(reader *read, const struct buf *b)
{
	struct trial t = {read, buf_slice(b)};
	struct str longer = STR_INIT;
	struct err e = {0};

	if (read(t.bytes, &e) != 0)
		fail_msg("%s", e.msg);
	(void)mutate_cuts(t.bytes.p, t.bytes.n, cut, &t);
	(void)mutate_bits(t.bytes.p, t.bytes.n, flip, &t);
	str_addn(&longer, (const char *)t.bytes.p, t.bytes.n);
	str_addc(&longer, '\0');
	assert_int_equal(read(slice_of(longer.p, longer.n), &e), ERR_PARSE);
	str_clear(&longer);
	return alloc_each(starve, &t);
}

static void
frames_are_strict(void **state)
{
	struct log_leaf leaves[2] = {
	    {.bytes = slice_str("one"), .token = slice_str("a token")},
	    {.bytes = slice_str("")}};
	struct log_head head = {
	    .from = 77, .more = true, .leaves = leaves, .n = 2};
	struct log_head got = {0};
	struct hash root;
	struct log_seen seen = {.size = 5, .log = slice_str("blob")}, back;
	struct buf *b = NULL;
	struct slice note;
	uint64_t size = 0;

	(void)state;
	hash_sha256("x", 1, &root);
	seen.root = root;
	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	assert_int_equal(log_seen_encode(&seen, b), 0);
	assert_int_equal(log_seen_parse(buf_slice(b), &back, NULL), 0);
	assert_int_equal(back.size, 5);
	assert_true(hash_equal(&back.root, &root));
	assert_true(slice_is(back.log, "blob"));
	assert_int_equal(is_strict(read_seen, b), 0);

	buf_reset(b);
	assert_int_equal(log_head_encode(&head, b), 0);
	assert_int_equal(buf_len(b),
	    LOG_HEAD_ROOM + log_head_room(&leaves[0]) +
		log_head_room(&leaves[1]));
	assert_int_equal(log_head_parse(buf_slice(b), &got, NULL), 0);
	assert_int_equal(got.from, 77);
	assert_true(got.more);
	assert_int_equal(got.n, 2);
	assert_true(slice_is(got.leaves[0].bytes, "one"));
	assert_true(slice_is(got.leaves[0].token, "a token"));
	assert_int_equal(got.leaves[1].bytes.n, 0);
	assert_int_equal(got.leaves[1].token.n, 0);
	free(got.leaves);
	assert_int_equal(is_strict(read_head, b), 1);
	buf_reset(b);
	head = (struct log_head){.from = 1};
	assert_int_equal(log_head_encode(&head, b), 0);
	assert_int_equal(log_head_parse(buf_slice(b), &got, NULL), 0);
	assert_null(got.leaves);
	assert_int_equal(got.n, 0);
	assert_false(got.more);

	buf_reset(b);
	assert_int_equal(log_taken_encode(9, b), 0);
	assert_int_equal(log_taken_parse(buf_slice(b), &size, NULL), 0);
	assert_int_equal(size, 9);
	assert_int_equal(is_strict(read_taken, b), 0);

	buf_reset(b);
	assert_int_equal(log_signed_encode(slice_str("a note"), b), 0);
	assert_int_equal(log_signed_parse(buf_slice(b), &note, NULL), 0);
	assert_true(slice_is(note, "a note"));
	assert_int_equal(is_strict(read_signed, b), 0);
	buf_free(b);
}

static void
frames_have_their_limits(void **state)
{
	struct log_leaf *many = calloc(HEAD_LEAVES_MAX + 1, sizeof(*many));
	struct log_head h = {.leaves = many, .n = HEAD_LEAVES_MAX + 1};
	struct buf *b = NULL;
	struct err e = {0};
	char longer[NOTE_MAX + 1];

	(void)state;
	assert_non_null(many);
	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	assert_int_equal(log_head_encode(&h, b), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	h.n = HEAD_LEAVES_MAX;
	assert_int_equal(log_head_encode(&h, b), 0);
	assert_int_equal(read_head(buf_slice(b), &e), 0);
	buf_reset(b);
	assert_int_equal(buf_put_u64(b, 0), 0);
	assert_int_equal(buf_put_u8(b, 0), 0);
	assert_int_equal(buf_put_u32(b, HEAD_LEAVES_MAX + 1), 0);
	for (size_t i = 0; i < HEAD_LEAVES_MAX + 1; i++)
		assert_int_equal(buf_put_u64(b, 0), 0);
	assert_int_equal(read_head(buf_slice(b), &e), ERR_LIMIT);
	buf_reset(b);
	memset(longer, 'x', sizeof(longer));
	assert_int_equal(log_signed_encode(slice_of(longer, sizeof(longer)), b),
	    0);
	assert_int_equal(read_signed(buf_slice(b), &e), ERR_PARSE);
	buf_free(b);
	free(many);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(one_tree_grows),
	    T(a_tree_grows_in_parts),
	    T(it_never_goes_back),
	    T(there_is_one_signer_of_one_log),
	    T(damage_makes_no_other_history),
	    T(a_full_disk_signs_nothing),
	    T(a_full_journal_is_begun_anew),
	    T(memory_that_runs_out_is_said),
	    T(a_keeper_is_told_and_signed_for),
	    T(a_long_log_comes_in_parts),
	    T(nothing_but_heads_is_heard),
	    cmocka_unit_test(frames_are_strict),
	    cmocka_unit_test(frames_have_their_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
