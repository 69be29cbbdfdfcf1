/* SPDX-License-Identifier: ISC */
/*
 * What processes of a master say to each other, and what the front takes of a
 * stranger: the first byte says which of them the rest is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/calls.h"
#include "agent/master/log_signer_frames.h"
#include "lib/base/json.h"
#include "lib/front/front.h"
#include "lib/proc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was read is written as it was. */
static void
same(int r, struct buf *b, struct slice payload)
{
	if (r != 0 || !slice_equal(buf_slice(b), payload))
		abort();
}

static int
try_seen(struct slice payload, struct buf *b, struct err *e)
{
	struct log_seen s;
	int r;

	if ((r = log_seen_parse(payload, &s, e)) == 0)
		same(log_seen_encode(&s, b), b, payload);
	return r;
}

static int
try_head(struct slice payload, struct buf *b, struct err *e)
{
	struct log_head h;
	int r;

	if ((r = log_head_parse(payload, &h, e)) != 0)
		return r;
	same(log_head_encode(&h, b), b, payload);
	for (size_t i = 0; i < h.n && r == 0; i++)
		r = log_token_check(&h.leaves[i], 1, e);
	free(h.leaves);
	return r;
}

static int
try_taken(struct slice payload, struct buf *b, struct err *e)
{
	uint64_t size;
	int r;

	if ((r = log_taken_parse(payload, &size, e)) == 0)
		same(log_taken_encode(size, b), b, payload);
	return r;
}

static int
try_signed(struct slice payload, struct buf *b, struct err *e)
{
	struct slice note;
	int r;

	if ((r = log_signed_parse(payload, &note, e)) == 0)
		same(log_signed_encode(note, b), b, payload);
	return r;
}

/* Two frames of a table of keys, told apart by the byte between them. */
static int
try_keys(struct slice payload, struct buf *b, struct err *e)
{
	struct slice second = slice_of(NULL, 0);
	struct keymap *k = NULL;
	const uint8_t *cut =
	    payload.n > 0 ? memchr(payload.p, '|', payload.n) : NULL;
	int r;

	(void)b;
	if (cut != NULL) {
		second = slice_of(cut + 1,
		    (size_t)(payload.p + payload.n - cut) - 1);
		payload.n = (size_t)(cut - payload.p);
	}
	if (keymap_new(&k) != 0)
		return 0;
	r = keymap_frame(k, payload, e);
	if (r == 0 && cut != NULL)
		r = keymap_frame(k, second, e);
	if (keymap_ready(k) != (r == KEYMAP_NEW))
		abort();
	keymap_free(k);
	return r < 0 ? r : 0;
}

/*
 * The front takes a stranger's call by its first bytes.  What a reader of JSON
 * makes of it is that very call, or nothing.
 */
static int
try_guest(struct slice payload, struct buf *b, struct err *e)
{
	const struct call_row *row = call_of_guest(&master_calls, payload);
	const char *name = NULL;
	json_t *o = NULL;

	(void)b;
	if (row != NULL && !row->guest)
		abort();
	if (json_read(payload, CALL_MAX, &o, e) == 0 && row != NULL &&
	    json_str(o, "call", 0, 64, &name, e) == 0 &&
	    strcmp(name, row->name) != 0)
		abort();
	json_decref(o);
	return 0;
}

/* Exec words, and what came on standard input behind their line: an object. */
static int
try_words(struct slice payload, struct buf *b, struct err *e)
{
	size_t n = 0;
	struct str json = STR_INIT;
	char *words;
	json_t *o = NULL;
	int r;

	(void)b;
	while (n < payload.n && payload.p[n] != '\n')
		n++;
	if ((words = str_dupn(payload.p, n)) == NULL)
		return 0;
	n += n < payload.n;
	r = call_from_words(&master_calls, words,
	    slice_of(payload.p + n, payload.n - n), &json, e);
	if (r == 0 &&
	    (json_read(slice_of(json.p, json.n), CALL_MAX, &o, NULL) != 0 ||
		json_object_get(o, "call") == NULL))
		abort();
	json_decref(o);
	str_clear(&json);
	free(words);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct {
		char which;
		int (*try)(struct slice payload, struct buf *b, struct err *e);
	} tries[] = {
	    {'v', try_seen},
	    {'h', try_head},
	    {'t', try_taken},
	    {'s', try_signed},
	    {'k', try_keys},
	    {'g', try_guest},
	    {'w', try_words},
	};
	struct buf *b = NULL;
	struct err e = {0};

	if (n == 0 || n > FRAME_MAX || buf_new(&b, FRAME_MAX) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (data[0] == (uint8_t)tries[i].which &&
		    tries[i].try(slice_of(data + 1, n - 1), b, &e) != 0 &&
		    e.msg[0] == '\0')
			abort();
	buf_free(b);
	return 0;
}
