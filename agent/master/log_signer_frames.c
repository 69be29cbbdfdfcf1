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

size_t
log_head_room(const struct log_leaf *leaf)
{
	return 4 + leaf->bytes.n + 4 + leaf->token.n;
}

int
log_head_encode(const struct log_head *h, struct buf *out)
{
	int r;

	if (h->n > HEAD_LEAVES_MAX)
		return ERR_LIMIT;
	if ((r = buf_put_u64(out, h->from)) != 0 ||
	    (r = buf_put_u8(out, h->more)) != 0 ||
	    (r = buf_put_u32(out, (uint32_t)h->n)) != 0)
		return r;
	for (size_t i = 0; i < h->n; i++) {
		const struct log_leaf *l = &h->leaves[i];

		if ((r = buf_put_string(out, l->bytes.p, l->bytes.n)) != 0 ||
		    (r = buf_put_string(out, l->token.p, l->token.n)) != 0)
			return r;
	}
	return 0;
}

static bool
get_leaf(struct view *v, struct log_leaf *out)
{
	return view_get_string(v, &out->bytes) == 0 &&
	    view_get_string(v, &out->token) == 0;
}

/* Each leaf has two lengths, so what is said of their number is known to be right
 * before there is room made for them. */
int
log_head_parse(struct slice payload, struct log_head *out, struct err *e)
{
	struct view v = view_slice(payload);
	struct log_head h = {0};
	uint32_t many;
	uint8_t more;

	if (view_get_u64(&v, &h.from) != 0 || view_get_u8(&v, &more) != 0 ||
	    more > 1 || view_get_u32(&v, &many) != 0 || many > v.n / 8)
		return malformed(e, "leaves to sign for");
	if (many > HEAD_LEAVES_MAX)
		return err_set(e, ERR_LIMIT,
		    "more than %d leaves to sign for at once", HEAD_LEAVES_MAX);
	if (many > 0 && (h.leaves = calloc(many, sizeof(*h.leaves))) == NULL)
		return err_nomem(e);
	while (h.n < many && get_leaf(&v, &h.leaves[h.n]))
		h.n++;
	if (h.n < many || view_end(&v) != 0) {
		free(h.leaves);
		return malformed(e, "leaves to sign for");
	}
	h.more = more == 1;
	*out = h;
	return 0;
}

int
log_taken_encode(uint64_t size, struct buf *out)
{
	return buf_put_u64(out, size);
}

int
log_taken_parse(struct slice payload, uint64_t *size, struct err *e)
{
	struct view v = view_slice(payload);
	uint64_t n;

	if (view_get_u64(&v, &n) != 0 || view_end(&v) != 0)
		return malformed(e, "how many leaves were taken");
	*size = n;
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
