/* SPDX-License-Identifier: ISC */
/* What the master's keeper and its signer send each other. */
#include "agent/master/log_signer_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/master/messages.h"
#include "lib/base/str.h"
#include "lib/proc/frame.h"
#include "lib/tlog/checkpoint.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

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
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_are_strict),
	    cmocka_unit_test(frames_have_their_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
