/* SPDX-License-Identifier: ISC */
/* The master's signer before its keeper: what it says, and what it hears. */
#include "agent/master/log_signer_proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/master/log_signer_frames.h"
#include "agent/master/messages.h"
#include "lib/proc/frame.h"
#include "lib/proc/refused.h"
#include "tests/unit/logsignercase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

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
		leaves[i] = lsc_leaf(&values[i], from + i, NULL);
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
	assert_int_equal(checkpoint_open(note, LSC_ORIGIN,
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
	assert_int_equal(lsc_size(w), 0);
	talk_end(&t);

	/* What was not signed for is forgotten with the keeper. */
	talk_begin(w, &t);
	hears_seen(w, &t, 0);
	assert_int_equal(say_leaves(w, &t, 0, 2, true), 0);
	(void)hears(&t, MSG_TAKEN);
	assert_int_equal(say_head(w, &t, 2, 0), 0);
	(void)hears(&t, MSG_SIGNED);
	assert_int_equal(lsc_size(w), 2);
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
	assert_int_equal(lsc_size(w), 0);
	talk_end(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lsc_setup, lsc_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_keeper_is_told_and_signed_for),
	    T(a_long_log_comes_in_parts),
	    T(nothing_but_heads_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
