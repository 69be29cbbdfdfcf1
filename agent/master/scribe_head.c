/* SPDX-License-Identifier: ISC */
/*
 * What the signer is told: the hashes of the leaves since its last head.  It
 * computes the root itself; here is looked at whether what it says it has signed
 * is this log, and the ledger looks at the note before it publishes it.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/log_signer_frames.h"
#include "agent/master/messages.h"
#include "agent/master/scribe_impl.h"
#include "lib/proc/plog.h"
#include "lib/proc/refused.h"
#include "lib/proc/socket.h"

#define ANSWER_MS  30000 /* its disk may be slow */
#define HELLO_MS   5000
#define HASHES_MAX (64 * 1024 * 1024)

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

static int
add_hash(void *ctx, uint64_t index, struct slice leaf)
{
	struct scribe *s = ctx;

	(void)index;
	if (vec_grow(&s->hashes, s->n_hashes, &s->cap_hashes, HASHES_MAX) != 0)
		return ERR_NOMEM;
	merkle_leaf(leaf.p, leaf.n, &s->hashes[s->n_hashes++]);
	return 0;
}

/* The hashes since `seen` that are not there yet. */
static int
catch_up(struct scribe *s, struct err *e)
{
	return ledger_each(s->ledger, s->seen + s->n_hashes,
	    ledger_size(s->ledger), add_hash, s, e);
}

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
	if (seen->size != s->seen) {
		s->seen = seen->size;
		s->n_hashes = 0;
	}
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

/* Its answer: 0 with the note, or what it says. */
static int
hear_answer(struct scribe *s, struct str *note, struct err *e)
{
	struct log_seen seen;
	struct slice text;
	struct frame f;
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
	if (f.type != MSG_SIGNED)
		return err_set(e, ERR_PARSE, "answers with frame %u", f.type);
	if ((r = log_signed_parse(f.payload, &text, e)) != 0)
		return r;
	str_reset(note);
	str_addn(note, (const char *)text.p, text.n);
	return str_check(note);
}

/* Some of the leaves; *done how many. */
static int
sign_some(struct scribe *s, struct str *note, size_t *done, struct err *e)
{
	size_t n =
	    s->n_hashes < HEAD_LEAVES_MAX ? s->n_hashes : HEAD_LEAVES_MAX;
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, HEAD_LEAVES_MAX * HASH_LEN + 64)) != 0 ||
	    (r = log_head_encode(s->seen, s->hashes, n, b)) != 0)
		(void)err_nomem(e);
	else
		r = chan_send(s->chan, MSG_HEAD, ++s->last_id, buf_slice(b), e);
	buf_free(b);
	if (r == 0 && (r = hear_answer(s, note, e)) == 0) {
		s->seen += n;
		s->n_hashes -= n;
		memmove(s->hashes, s->hashes + n,
		    s->n_hashes * sizeof(*s->hashes));
		*done = n;
		return 0;
	}
	if (r == ERR_PARSE)
		return cut_off(s, e);
	/* Refused or gone: it says anew what it has seen. */
	scribe_disconnect(s);
	return r;
}

int
scribe_sign(struct scribe *s, struct str *note, struct err *e)
{
	size_t n = 0;
	int r;

	if ((r = scribe_connect(s, e)) != 0)
		return r;
	if ((r = catch_up(s, e)) != 0)
		return r;
	do {
		if ((r = sign_some(s, note, &n, e)) != 0)
			return r;
	} while (s->n_hashes > 0);
	return 0;
}
