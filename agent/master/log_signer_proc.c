/* SPDX-License-Identifier: ISC */
#include "agent/master/log_signer_proc.h"

#include <stdlib.h>

#include "agent/master/log_signer_frames.h"
#include "agent/master/messages.h"
#include "lib/proc/plog.h"
#include "lib/proc/refused.h"

/* The sizes are those of messages.h. */
enum {
#define X(name, value, from, to, most, words) MOST_##name = (most),
	MSG_LIST(X)
#undef X
};

static int
say_seen(struct log_signer_proc *p, struct err *e)
{
	struct log_seen seen = {.log = pubkey_blob(p->log)};
	struct checkpoint head;
	struct buf *b = NULL;
	int r;

	log_signer_head(p->signer, &head);
	seen.size = head.size;
	seen.root = head.root;
	if (buf_new(&b, MOST_SEEN) != 0 || log_seen_encode(&seen, b) != 0)
		r = err_nomem(e);
	else
		r = chan_send(p->chan, MSG_SEEN, 0, buf_slice(b), e);
	buf_free(b);
	return r;
}

/* With what it has seen, so that a keeper can go on from there. */
static int
refuse(struct log_signer_proc *p, uint32_t id, const struct err *why,
    struct err *e)
{
	struct buf *b = NULL;
	int r;

	plog_err(PLOG_WARN, why, "refused", NULL);
	if ((r = say_seen(p, e)) != 0)
		return r;
	if (buf_new(&b, MOST_REFUSED) != 0 || refused_frame_encode(why, b) != 0)
		r = err_nomem(e);
	else
		r = chan_send(p->chan, MSG_REFUSED, id, buf_slice(b), e);
	buf_free(b);
	return r;
}

static int
say_signed(struct log_signer_proc *p, uint32_t id, const struct str *note,
    struct err *e)
{
	struct buf *b = NULL;
	int r;

	if (buf_new(&b, MOST_SIGNED) != 0 ||
	    log_signed_encode(slice_of(note->p, note->n), b) != 0)
		r = err_nomem(e);
	else
		r = chan_send(p->chan, MSG_SIGNED, id, buf_slice(b), e);
	buf_free(b);
	return r;
}

static int
say_taken(struct log_signer_proc *p, uint32_t id, uint64_t size, struct err *e)
{
	struct buf *b = NULL;
	int r;

	if (buf_new(&b, MOST_TAKEN) != 0 || log_taken_encode(size, b) != 0)
		r = err_nomem(e);
	else
		r = chan_send(p->chan, MSG_TAKEN, id, buf_slice(b), e);
	buf_free(b);
	return r;
}

static int
take_head(void *ctx, const struct frame *f, struct err *e)
{
	struct log_signer_proc *p = ctx;
	struct str note = STR_INIT;
	struct err why = {0};
	struct log_head h;
	int r;

	if ((r = log_head_parse(f->payload, &h, e)) != 0)
		return r;
	if (log_signer_grow(p->signer, h.from, h.leaves, h.n, &why) != 0 ||
	    (!h.more && log_signer_sign(p->signer, &note, &why) != 0))
		r = refuse(p, f->id, &why, e);
	else if (h.more)
		r = say_taken(p, f->id, h.from + h.n, e);
	else
		r = say_signed(p, f->id, &note, e);
	str_clear(&note);
	free(h.leaves);
	return r;
}

static const struct frame_rule rules[] = {
    {MSG_HEAD, 0, MOST_HEAD, "head", take_head},
};

static int
begin(void *ctx, struct chan *c, struct err *e)
{
	struct log_signer_proc *p = ctx;

	p->chan = c;
	log_signer_drop(p->signer);
	return say_seen(p, e);
}

static int
take_frame(void *ctx, const struct frame *f, struct err *e)
{
	return frame_dispatch(rules, sizeof(rules) / sizeof(rules[0]), 0, ctx,
	    f, e);
}

const struct serve_ops log_signer_ops = {
    .peer = "keeper", .begin = begin, .frame = take_frame};
