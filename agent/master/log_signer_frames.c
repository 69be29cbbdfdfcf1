/* SPDX-License-Identifier: ISC */
#include "agent/master/log_signer_frames.h"

#include <stdlib.h>
#include <string.h>

#include "agent/master/messages.h"
#include "lib/tlog/checkpoint.h"

static int
malformed(struct err *e, const char *what)
{
	return err_set(e, ERR_PARSE, "frame of %s: malformed", what);
}

int
log_seen_encode(const struct log_seen *s, struct buf *out)
{
	int r;

	if ((r = buf_put_u64(out, s->size)) != 0 ||
	    (r = buf_put_string(out, s->root.b, HASH_LEN)) != 0)
		return r;
	return buf_put_string(out, s->log.p, s->log.n);
}

int
log_seen_parse(struct slice payload, struct log_seen *out, struct err *e)
{
	struct view v = view_slice(payload);
	struct log_seen s = {0};
	struct slice root;

	if (view_get_u64(&v, &s.size) != 0 || view_get_string(&v, &root) != 0 ||
	    root.n != HASH_LEN || view_get_string(&v, &s.log) != 0 ||
	    s.log.n == 0 || view_end(&v) != 0)
		return malformed(e, "what the signer has seen");
	memcpy(s.root.b, root.p, HASH_LEN);
	*out = s;
	return 0;
}

int
log_head_encode(uint64_t from, const struct hash *leaves, size_t n,
    struct buf *out)
{
	int r;

	if (n > HEAD_LEAVES_MAX)
		return ERR_LIMIT;
	if ((r = buf_put_u64(out, from)) != 0 ||
	    (r = buf_put_u32(out, (uint32_t)n)) != 0)
		return r;
	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put(out, leaves[i].b, HASH_LEN);
	return r;
}

int
log_head_parse(struct slice payload, uint64_t *from, struct hash **leaves,
    size_t *n, struct err *e)
{
	struct view v = view_slice(payload);
	struct hash *h = NULL;
	uint64_t at;
	uint32_t many;

	if (view_get_u64(&v, &at) != 0 || view_get_u32(&v, &many) != 0 ||
	    v.n != (size_t)many * HASH_LEN)
		return malformed(e, "leaves to sign for");
	if (many > HEAD_LEAVES_MAX)
		return err_set(e, ERR_LIMIT,
		    "more than %d leaves to sign for at once", HEAD_LEAVES_MAX);
	if (many > 0 && (h = reallocarray(NULL, many, sizeof(*h))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < many; i++) {
		struct slice one;

		(void)!view_get(&v, HASH_LEN, &one); /* counted above */
		memcpy(h[i].b, one.p, HASH_LEN);
	}
	*from = at;
	*leaves = h;
	*n = many;
	return 0;
}

int
log_signed_encode(struct slice note, struct buf *out)
{
	return buf_put_string(out, note.p, note.n);
}

int
log_signed_parse(struct slice payload, struct slice *note, struct err *e)
{
	struct view v = view_slice(payload);
	struct slice s;

	if (view_get_string(&v, &s) != 0 || s.n == 0 || s.n > NOTE_MAX ||
	    view_end(&v) != 0)
		return malformed(e, "a signed head");
	*note = s;
	return 0;
}
