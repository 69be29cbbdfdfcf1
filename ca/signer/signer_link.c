/* SPDX-License-Identifier: ISC */
#include "ca/signer/signer_link.h"

#include <stdlib.h>

#include "ca/signer/signer_answer.h"
#include "ca/signer/signer_link_impl.h"
#include "lib/base/str.h"

#define TRIES 3 /* of one batch, each over a new connection */

/* --- the past ------------------------------------------------------------- */

int
signer_link_policy(struct signer_link *k, const struct bundle_chain *c,
    bool past, struct err *e)
{
	struct buf *b = NULL;
	struct frame f;
	int r;

	if ((r = buf_new(&b, FRAME_MAX)) != 0 ||
	    (r = policy_frame_encode(c, past, b)) != 0)
		(void)err_set(e, r, "policy for the signer: %s", err_text(r));
	else
		r = signer_conn_ask(k, MSG_POLICY, b, MSG_OK, &f, e);
	buf_free(b);
	return r;
}

static int
owners_of(struct signer_link *k, const struct statement *s,
    struct act_owners *o)
{
	int r = 0;

	if (s->type != ST_REVOKE)
		return 0;
	for (size_t i = 0; i < s->u.v.n_serials && r == 0; i++) {
		uint64_t serial = s->u.v.serials[i];
		const char *who = k->c.owner(k->c.ctx, serial);

		if (who != NULL)
			r = act_owners_add(o, serial, who);
	}
	return r;
}

int
signer_link_act(struct signer_link *k, const struct statement *s, struct err *e)
{
	struct act_owners owners = {0};
	struct buf *b = NULL;
	uint32_t id;
	int r;

	if ((r = owners_of(k, s, &owners)) != 0 ||
	    (r = buf_new(&b, FRAME_MAX)) != 0 ||
	    (r = act_frame_encode(statement_bytes(s), &owners, b)) != 0)
		(void)err_set(e, r, "act for the signer: %s", err_text(r));
	else
		r = signer_conn_send(k, MSG_ACT, buf_slice(b), &id, e);
	act_owners_clear(&owners);
	buf_free(b);
	return r;
}

/* --- batches -------------------------------------------------------------- */

static int
send_batch(struct signer_link *k, const struct signer_batch *b, bool durable,
    size_t *next, uint32_t *id, struct err *e)
{
	struct buf *frame = NULL;
	int r;

	if ((r = buf_new(&frame, FRAME_MAX)) != 0)
		return err_nomem(e);
	if ((r = sign_frame_encode(b, durable, next, frame, e)) == 0)
		r = signer_conn_send(k, MSG_SIGN, buf_slice(frame), id, e);
	buf_free(frame);
	return r;
}

/* jobs are n of b. */
static int
take_batch(struct signer_link *k, uint32_t id, const struct signer_batch *b,
    struct signer_job *jobs, size_t n, struct str *note, struct err *e)
{
	struct frame f;
	int r;

	str_reset(note);
	if ((r = signer_conn_wait(k, id, MSG_SIGNED, SIGNER_ANSWER_MS, &f,
		 e)) != 0)
		return r;
	if ((r = signed_frame_parse(f.payload, jobs, n, note, e)) == 0)
		r = signer_answer_check(&b->head, slice_of(note->p, note->n),
		    k->c.log_pk, jobs, n, e);
	return r == 0 || r == ERR_NOMEM ? r : signer_conn_cut_off(k, e);
}

static int
link_begin(void *ctx, struct signer_batch *b, struct err *e)
{
	struct signer_link *k = ctx;
	int r = 0;

	/* Another try where the connection turns out to be gone. */
	for (int i = 0; i < 2; i++) {
		k->begun_jobs = 0;
		if ((r = signer_conn_ready(k, e)) != 0)
			return r;
		r = send_batch(k, b, false, &k->begun_jobs, &k->begun_id, e);
		if (r != ERR_NET)
			break;
	}
	k->begun = r == 0;
	return r;
}

/* It was not to be: the signer may forget it.  Its answer says that it has. */
static void
link_abandon(void *ctx)
{
	struct signer_link *k = ctx;
	const uint8_t no = 0;
	struct frame f;
	struct err e = {0};

	if (!k->begun)
		return;
	k->begun = false;
	if (chan_send(k->chan, MSG_DURABLE, k->begun_id, slice_of(&no, 1),
		&e) != 0)
		signer_conn_drop(k);
	else
		(void)!signer_conn_wait(k, k->begun_id, MSG_OK,
		    SIGNER_ANSWER_MS, &f, &e);
}

/* What was begun is durable now: its answer. */
static int
end_begun(struct signer_link *k, struct signer_batch *b, size_t *next,
    struct str *note, struct err *e)
{
	const uint8_t yes = 1;
	int r;

	k->begun = false;
	r = chan_send(k->chan, MSG_DURABLE, k->begun_id, slice_of(&yes, 1), e);
	if (r != 0) {
		signer_conn_drop(k);
		return r;
	}
	r = take_batch(k, k->begun_id, b, b->jobs, k->begun_jobs, note, e);
	if (r == 0)
		*next = k->begun_jobs;
	return r;
}

static void
forget_certs(struct signer_batch *b)
{
	for (size_t i = 0; i < b->n_jobs; i++) {
		buf_free(b->jobs[i].cert);
		b->jobs[i].cert = NULL;
	}
}

static int
sign_once(struct signer_link *k, struct signer_batch *b, struct str *note,
    struct err *e)
{
	size_t next = 0, from;
	bool any = false;
	uint32_t id;
	int r = 0;

	if (k->begun) {
		any = true;
		r = end_begun(k, b, &next, note, e);
	}
	while (r == 0 && (!any || next < b->n_jobs)) {
		any = true;
		from = next;
		if ((r = signer_conn_ready(k, e)) == 0 &&
		    (r = send_batch(k, b, true, &next, &id, e)) == 0)
			r = take_batch(k, id, b, b->jobs + from, next - from,
			    note, e);
	}
	if (r != 0)
		forget_certs(b);
	return r;
}

/*
 * The log has it, so a signer that went in between is asked once more: the same
 * head, and the same certificates, are no other than before.
 */
static int
link_sign(void *ctx, struct signer_batch *b, struct str *note, struct err *e)
{
	struct signer_link *k = ctx;
	struct str text = STR_INIT;
	int r = 0;

	for (int i = 0; i < TRIES; i++)
		if ((r = sign_once(k, b, &text, e)) != ERR_NET || k->down)
			break;
	if (r == 0) {
		k->seen.head = b->head;
		str_addn(note, text.p, text.n);
		if ((r = str_check(note)) != 0) {
			forget_certs(b);
			(void)err_nomem(e);
		}
	}
	str_clear(&text);
	return r;
}

/* --- the rest ------------------------------------------------------------- */

static int
link_seen(void *ctx, struct signer_seen *out, struct err *e)
{
	struct signer_link *k = ctx;
	int r = signer_conn_up(k, e);

	if (r == 0)
		*out = k->seen;
	return r;
}

static int
take_krl(const struct signer_link *k, struct slice message, struct slice answer,
    struct slice *block, struct err *e)
{
	struct view v = view_slice(answer);

	if (view_get_string(&v, block) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE,
		    "answer to a revocation list: malformed");
	return signer_answer_check_krl(message, *block, k->c.log_pk, e);
}

static int
ask_krl(struct signer_link *k, struct slice message, const struct buf *b,
    struct str *out, struct err *e)
{
	struct slice block;
	struct frame f;
	int r;

	if ((r = signer_conn_ready(k, e)) != 0 ||
	    (r = signer_conn_ask(k, MSG_SIGN_KRL, b, MSG_SIGNED, &f, e)) != 0)
		return r;
	if ((r = take_krl(k, message, f.payload, &block, e)) != 0)
		return r == ERR_NOMEM ? r : signer_conn_cut_off(k, e);
	str_addn(out, (const char *)block.p, block.n);
	return str_check(out) != 0 ? err_nomem(e) : 0;
}

static int
link_sign_krl(void *ctx, struct slice message, struct slice list,
    struct str *out, struct err *e)
{
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, FRAME_MAX)) != 0 ||
	    (r = buf_put_string(b, message.p, message.n)) != 0 ||
	    (r = buf_put_string(b, list.p, list.n)) != 0)
		(void)err_set(e, r, "revocation list for the signer: %s",
		    err_text(r));
	else if ((r = ask_krl(ctx, message, b, out, e)) == ERR_NET)
		r = ask_krl(ctx, message, b, out, e);
	buf_free(b);
	return r;
}

static int
link_policy(void *ctx, const struct bundle_chain *c, struct err *e)
{
	int r = signer_conn_ready(ctx, e);

	return r != 0 ? r : signer_link_policy(ctx, c, false, e);
}

/* Whoever was not told yet reads it in the log. */
static void
link_act(void *ctx, const struct statement *s)
{
	struct signer_link *k = ctx;

	if (k->chan != NULL && k->told && signer_link_act(k, s, NULL) != 0)
		signer_conn_drop(k);
}

static int
link_reach(void *ctx, struct err *e)
{
	return signer_conn_up(ctx, e);
}

static void
link_close(void *ctx)
{
	struct signer_link *k = ctx;

	chan_free(k->chan);
	free(k->path);
	free(k);
}

static const struct signing_ops link_ops = {
    .seen = link_seen,
    .begin = link_begin,
    .abandon = link_abandon,
    .sign = link_sign,
    .sign_krl = link_sign_krl,
    .policy = link_policy,
    .act = link_act,
    .reach = link_reach,
    .close = link_close,
};

struct slice
signer_link_log_key(const struct signatory *s)
{
	const struct signer_link *k = s->ctx;

	return slice_of(k->log_key, k->log_key_len);
}

int
signer_link_open(const struct signer_link_config *c, struct signatory *out,
    struct err *e)
{
	struct signer_link *k;
	int r;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_nomem(e);
	k->c = *c;
	if ((k->path = str_dup(c->path)) == NULL)
		r = err_nomem(e);
	else
		r = signer_conn_up(k, e);
	if (r != 0) {
		link_close(k);
		return r;
	}
	*out = (struct signatory){&link_ops, k};
	return 0;
}
