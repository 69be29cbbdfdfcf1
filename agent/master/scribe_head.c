/* SPDX-License-Identifier: ISC */
/*
 * What the signer is told: the leaves since its last head, and the tokens that
 * some are acceptances by.  It computes the root itself; here is looked at whether
 * what it says it has signed is this log, and the ledger looks at the note before
 * it publishes it.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/log_signer_frames.h"
#include "agent/master/messages.h"
#include "agent/master/scribe_impl.h"
#include "lib/proc/plog.h"
#include "lib/proc/refused.h"
#include "lib/proc/socket.h"
#include "lib/statement/leaf.h"

#define ANSWER_MS 30000 /* its disk may be slow */
#define HELLO_MS  5000

void
scribe_disconnect(struct scribe *s)
{
	chan_free(s->chan);
	s->chan = NULL;
}

/* A sibling that says what it may not: a bug or a break-in. */
static int
cut_off(struct scribe *s, struct err *e)
{
	plog_err(PLOG_ERR, e, "signer cut off", NULL);
	err_prefix(e, "signer");
	e->code = ERR_NET;
	scribe_disconnect(s);
	return ERR_NET;
}

/* --- leaves for it -------------------------------------------------------- */

struct head {
	struct log_head h;
	size_t cap, bytes;
	uint8_t **blocks; /* what leaves and tokens lie in */
	size_t n_blocks, cap_blocks;
};

static void
head_clear(struct head *x)
{
	for (size_t i = 0; i < x->n_blocks; i++)
		free(x->blocks[i]);
	free(x->blocks);
	free(x->h.leaves);
}

/* Takes p, also where it fails. */
static int
keep(struct head *x, uint8_t *p)
{
	int r = vec_grow(&x->blocks, x->n_blocks, &x->cap_blocks,
	    2 * HEAD_LEAVES_MAX);

	if (r == 0)
		x->blocks[x->n_blocks++] = p;
	else
		free(p);
	return r;
}

/* 1: it does not fit any more, with the token that it may need. */
static int
add_leaf(void *ctx, uint64_t index, struct slice leaf)
{
	struct head *x = ctx;
	struct log_leaf l = {.bytes = leaf};
	struct hash token;
	uint8_t *p;
	int r;

	(void)index;
	if ((r = log_token_of(leaf, &token, NULL)) < 0)
		return r;
	x->bytes += log_head_room(&l) + (r == 1 ? LEAF_MAX : 0);
	if (x->h.n == HEAD_LEAVES_MAX || x->bytes > HEAD_MAX)
		return 1;
	if ((p = malloc(leaf.n + 1)) == NULL)
		return ERR_NOMEM;
	memcpy(p, leaf.p, leaf.n);
	l.bytes.p = p;
	if ((r = keep(x, p)) == 0 &&
	    (r = vec_grow(&x->h.leaves, x->h.n, &x->cap, HEAD_LEAVES_MAX)) == 0)
		x->h.leaves[x->h.n++] = l;
	return r;
}

/* A token's statement is a leaf before those that are by it.  Where it is not,
 * the signer says so. */
static int
add_token(struct scribe *s, struct head *x, struct log_leaf *l, struct err *e)
{
	struct hash token;
	uint8_t *p = NULL;
	uint64_t index;
	size_t n = 0;
	int r;

	if ((r = log_token_of(l->bytes, &token, e)) <= 0)
		return r;
	if ((r = ledger_find(s->ledger, LTAG_TOKEN, &token, &index, e)) != 0)
		return r < 0 ? r : 0;
	if ((r = ledger_read(s->ledger, index, &p, &n, e)) != 0)
		return r;
	if ((r = keep(x, p)) != 0)
		return err_nomem(e);
	l->token = slice_of(p, n);
	return 0;
}

/* As many of the leaves since as fit into one frame. */
static int
collect(struct scribe *s, struct head *x, struct err *e)
{
	uint64_t size = ledger_size(s->ledger);
	int r;

	x->h.from = s->seen;
	x->bytes = LOG_HEAD_ROOM;
	if ((r = ledger_each(s->ledger, s->seen, size, add_leaf, x, e)) < 0)
		return r == ERR_NOMEM ? err_nomem(e) : r;
	for (size_t i = 0; i < x->h.n; i++)
		if ((r = add_token(s, x, &x->h.leaves[i], e)) != 0)
			return r;
	x->h.more = s->seen + x->h.n < size;
	return 0;
}

/* --- what it says --------------------------------------------------------- */

/* What it has signed must be what the log has there. */
static int
take_seen(struct scribe *s, const struct log_seen *seen, struct err *e)
{
	uint64_t size = ledger_size(s->ledger);
	struct hash root;
	int r;

	if (seen->size > size) {
		r = err_set(e, ERR_ROLLBACK,
		    "log in %s has %llu leaves, the signer has signed for %llu",
		    s->c.ledger.dir, (unsigned long long)size,
		    (unsigned long long)seen->size);
		err_hint(e,
		    "an older disk was restored? a copy of the log may have "
		    "the rest");
		return r;
	}
	if (seen->size > 0) {
		if ((r = ledger_root_at(s->ledger, seen->size, &root, e)) != 0)
			return r;
		if (!hash_equal(&root, &seen->root))
			return err_set(e, ERR_ROLLBACK,
			    "log in %s differs from what the signer has signed "
			    "at %llu leaves (a fork)",
			    s->c.ledger.dir, (unsigned long long)seen->size);
	}
	s->seen = seen->size;
	return 0;
}

static int
hear_seen(struct scribe *s, struct err *e)
{
	struct log_seen seen;
	struct frame f;
	int r;

	if ((r = chan_wait(s->chan, HELLO_MS, &f, e)) != 0)
		return r;
	if (f.type != MSG_SEEN)
		return err_set(e, ERR_PARSE,
		    "began with frame %u, expected what it has seen", f.type);
	if ((r = log_seen_parse(f.payload, &seen, e)) != 0)
		return r;
	return take_seen(s, &seen, e);
}

int
scribe_connect(struct scribe *s, struct err *e)
{
	int fd = -1, r;

	if (s->chan != NULL)
		return 0;
	if ((r = socket_connect(s->c.signer, &fd, e)) != 0) {
		err_prefix(e, "signer");
		return r;
	}
	if ((r = chan_new(fd, &s->chan, e)) != 0)
		return r;
	if ((r = hear_seen(s, e)) == 0)
		return 0;
	if (r == ERR_PARSE)
		return cut_off(s, e);
	scribe_disconnect(s);
	return r;
}

static int
hear_refusal(struct slice payload, struct err *e)
{
	struct err why = {0};
	int r;

	if ((r = refused_frame_parse(payload, &why, e)) != 0)
		return r;
	if (e != NULL)
		*e = why;
	return why.code;
}

/* Its answer: 0 with the note, which is empty where it waits for more, or what it
 * says. */
static int
hear_answer(struct scribe *s, const struct log_head *h, struct str *note,
    struct err *e)
{
	struct log_seen seen;
	struct slice text = slice_of(NULL, 0);
	struct frame f;
	uint64_t size;
	int r;

	do {
		if ((r = chan_wait(s->chan, ANSWER_MS, &f, e)) != 0)
			return r;
		if (f.type == MSG_SEEN &&
		    ((r = log_seen_parse(f.payload, &seen, e)) != 0 ||
			(r = take_seen(s, &seen, e)) != 0))
			return r;
	} while (f.type == MSG_SEEN);
	if (f.id != s->last_id)
		return err_set(e, ERR_PARSE, "answers another question");
	if (f.type == MSG_REFUSED)
		return hear_refusal(f.payload, e);
	if (f.type != (h->more ? MSG_TAKEN : MSG_SIGNED))
		return err_set(e, ERR_PARSE, "answers with frame %u", f.type);
	r = h->more ? log_taken_parse(f.payload, &size, e)
		    : log_signed_parse(f.payload, &text, e);
	if (r != 0)
		return r;
	if (h->more && size != h->from + h->n)
		return err_set(e, ERR_PARSE, "took other leaves than these");
	str_reset(note);
	str_addn(note, (const char *)text.p, text.n);
	return str_check(note);
}

static int
send_head(struct scribe *s, const struct log_head *h, struct err *e)
{
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, HEAD_MAX)) != 0 ||
	    (r = log_head_encode(h, b)) != 0)
		(void)err_set(e, r, "leaves for the signer: %s", err_text(r));
	else
		r = chan_send(s->chan, MSG_HEAD, ++s->last_id, buf_slice(b), e);
	buf_free(b);
	return r;
}

/* Some of the leaves; *more whether others follow. */
static int
sign_some(struct scribe *s, struct str *note, bool *more, struct err *e)
{
	struct head x = {0};
	int r;

	if ((r = collect(s, &x, e)) == 0 && (r = send_head(s, &x.h, e)) == 0 &&
	    (r = hear_answer(s, &x.h, note, e)) == 0) {
		s->seen += x.h.n;
		*more = x.h.more;
	}
	head_clear(&x);
	if (r == ERR_PARSE)
		return cut_off(s, e);
	/* Refused or gone: it says anew what it has seen. */
	if (r != 0)
		scribe_disconnect(s);
	return r;
}

int
scribe_sign(struct scribe *s, struct str *note, struct err *e)
{
	bool more = true;
	int r;

	if ((r = scribe_connect(s, e)) != 0)
		return r;
	while (more)
		if ((r = sign_some(s, note, &more, e)) != 0)
			return r;
	return 0;
}
