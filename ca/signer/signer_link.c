/* SPDX-License-Identifier: ISC */
#include "ca/signer/signer_link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/common/messages.h"
#include "ca/signer/signer_answer.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/proc/frame.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define ANSWER_MS  30000 /* keys may be in a slow token */
#define HELLO_MS   5000
#define CONNECT_MS 2000 /* in all, for somebody to be there */
#define RETRY_MS   100  /* doubled each time */
#define TRIES      3    /* of one batch, each over a new connection */

struct signer_link {
	struct signer_link_config c;
	char *path;
	struct chan *chan; /* NULL: not connected */
	bool told;         /* the past, over this connection */
	bool down;         /* nobody was there the last time */
	uint32_t last_id;
	struct signer_seen seen;
	uint8_t log_key[PUBKEY_BLOB_MAX];
	size_t log_key_len;
	/* A batch that the signer works on: how many of its jobs it has. */
	bool begun;
	uint32_t begun_id;
	size_t begun_jobs;
};

/* --- the connection ------------------------------------------------------- */

static void
drop(struct signer_link *k)
{
	chan_free(k->chan);
	k->chan = NULL;
	k->told = false;
	k->begun = false;
}

/*
 * A sibling that says what it may not, or answers another question: a bug or a
 * break-in, and in any case the end of this connection.
 */
static int
cut_off(struct signer_link *k, struct err *e)
{
	if (e != NULL) {
		plog_err(PLOG_ERR, e, "signer cut off", NULL);
		err_prefix(e, "signer");
		e->code = ERR_NET;
	}
	drop(k);
	return ERR_NET;
}

static int
note_seen(struct signer_link *k, struct slice payload, struct err *e)
{
	struct seen_frame s;
	int r;

	if ((r = seen_frame_parse(payload, &s, e)) != 0)
		return r;
	if (s.log.n > sizeof(k->log_key))
		return err_set(e, ERR_PARSE, "signer's key is too long");
	k->seen = s.seen;
	memcpy(k->seen.head.origin, k->c.origin, strlen(k->c.origin) + 1);
	if (s.log.n > 0)
		memcpy(k->log_key, s.log.p, s.log.n);
	k->log_key_len = s.log.n;
	return 0;
}

/* The sizes are those of messages.h. */
static const struct {
	uint16_t type;
	uint32_t most;
} sizes[] = {
#define X(name, value, from, to, most, words) {value, most},
    MSG_LIST(X)
#undef X
};

static int
check_size(const struct frame *f, struct err *e)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].type == f->type && f->payload.n <= sizes[i].most)
			return 0;
	return err_set(e, ERR_PARSE, "frame %u of %zu bytes", f->type,
	    f->payload.n);
}

/* Up to the frame that is no SEEN, or is what was waited for. */
static int
next_answer(struct signer_link *k, uint16_t type, int timeout_ms,
    struct frame *f, struct err *e)
{
	int64_t until = clock_mono_ms() + timeout_ms, left;
	int r;

	do {
		/* Whoever talks and talks has not answered either. */
		left = until - clock_mono_ms();
		if ((r = chan_wait(k->chan, left > 0 ? (int)left : 0, f, e)) !=
			0 ||
		    (r = check_size(f, e)) != 0)
			return r;
		if (f->type == MSG_SEEN &&
		    (r = note_seen(k, f->payload, e)) != 0)
			return r;
	} while (f->type == MSG_SEEN && type != MSG_SEEN);
	return 0;
}

/*
 * The answer to a question; SEEN may come before it.  What is wrong with it ends
 * the connection, so that it is one of the net; a REFUSED is what it says.
 */
static int
wait_answer(struct signer_link *k, uint32_t id, uint16_t type, int timeout_ms,
    struct frame *f, struct err *e)
{
	struct err why;
	int r = next_answer(k, type, timeout_ms, f, e);

	if (r == 0 && f->id == id && f->type == MSG_REFUSED) {
		if ((r = refused_frame_parse(f->payload, &why, e)) != 0)
			return cut_off(k, e);
		if (e != NULL)
			*e = why;
		return why.code;
	}
	if (r == 0 && (f->id != id || f->type != type))
		r = err_set(e, ERR_PARSE, "it answers what was not asked");
	if (r == 0 || r == ERR_NOMEM)
		return r;
	if (r != ERR_NET)
		return cut_off(k, e);
	err_prefix(e, "signer");
	drop(k);
	return r;
}

static int
connect_once(struct signer_link *k, struct err *e)
{
	struct frame f;
	int fd = -1, r;

	if ((r = socket_connect(k->path, &fd, e)) != 0)
		return r;
	if ((r = chan_new(fd, &k->chan, e)) != 0) {
		(void)close(fd);
		return r;
	}
	return wait_answer(k, 0, MSG_SEEN, HELLO_MS, &f, e);
}

static void
sleep_ms(int64_t ms)
{
	struct timespec t = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* Whoever was not there the last time is not waited for again. */
static int
connect_patiently(struct signer_link *k, struct err *e)
{
	int64_t until = clock_mono_ms() + (k->down ? 0 : CONNECT_MS);
	int64_t pause = RETRY_MS;
	int r;

	while ((r = connect_once(k, e)) == ERR_NET &&
	    clock_mono_ms() + pause <= until) {
		sleep_ms(pause);
		pause *= 2;
	}
	k->down = r == ERR_NET;
	return r;
}

static int
connected(struct signer_link *k, struct err *e)
{
	/* One that was started anew shows by its end of the old connection. */
	if (k->chan != NULL && chan_read(k->chan, NULL) != 0)
		drop(k);
	return k->chan != NULL ? 0 : connect_patiently(k, e);
}

static int
ready(struct signer_link *k, struct err *e)
{
	int r;

	if ((r = connected(k, e)) != 0 || k->told)
		return r;
	if ((r = k->c.history(k->c.ctx, k, e)) != 0) {
		drop(k); /* half of it is of no use */
		return r;
	}
	k->told = true;
	return 0;
}

/* All that waits goes out, so that a long past does not fill the queue. */
static int
push(struct signer_link *k, struct err *e)
{
	int64_t until = clock_mono_ms() + ANSWER_MS;
	struct pollfd p = {.fd = chan_fd(k->chan), .events = POLLOUT};
	int r;

	while (chan_wants_write(k->chan)) {
		if (clock_mono_ms() > until)
			return err_set(e, ERR_NET,
			    "signer takes nothing that is sent");
		(void)poll(&p, 1, 100);
		if ((r = chan_flush(k->chan, e)) != 0)
			return r;
	}
	return 0;
}

static int
send(struct signer_link *k, uint16_t type, struct slice payload, uint32_t *id,
    struct err *e)
{
	int r;

	if (++k->last_id == 0)
		k->last_id = 1;
	*id = k->last_id;
	if ((r = chan_send(k->chan, type, *id, payload, e)) == 0)
		r = push(k, e);
	if (r != 0)
		drop(k);
	return r;
}

static int
ask(struct signer_link *k, uint16_t type, const struct buf *b, uint16_t want,
    struct frame *f, struct err *e)
{
	uint32_t id;
	int r;

	if ((r = send(k, type, buf_slice(b), &id, e)) != 0)
		return r;
	return wait_answer(k, id, want, ANSWER_MS, f, e);
}

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
		r = ask(k, MSG_POLICY, b, MSG_OK, &f, e);
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
		r = send(k, MSG_ACT, buf_slice(b), &id, e);
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
		r = send(k, MSG_SIGN, buf_slice(frame), id, e);
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
	if ((r = wait_answer(k, id, MSG_SIGNED, ANSWER_MS, &f, e)) != 0)
		return r;
	if ((r = signed_frame_parse(f.payload, jobs, n, note, e)) == 0)
		r = signer_answer_check(&b->head, slice_of(note->p, note->n),
		    k->c.log_pk, jobs, n, e);
	return r == 0 || r == ERR_NOMEM ? r : cut_off(k, e);
}

static int
link_begin(void *ctx, struct signer_batch *b, struct err *e)
{
	struct signer_link *k = ctx;
	int r = 0;

	/* Another try where the connection turns out to be gone. */
	for (int i = 0; i < 2; i++) {
		k->begun_jobs = 0;
		if ((r = ready(k, e)) != 0)
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
		drop(k);
	else
		(void)!wait_answer(k, k->begun_id, MSG_OK, ANSWER_MS, &f, &e);
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
		drop(k);
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
		if ((r = ready(k, e)) == 0 &&
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
	int r = connected(k, e);

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

	if ((r = ready(k, e)) != 0 ||
	    (r = ask(k, MSG_SIGN_KRL, b, MSG_SIGNED, &f, e)) != 0)
		return r;
	if ((r = take_krl(k, message, f.payload, &block, e)) != 0)
		return r == ERR_NOMEM ? r : cut_off(k, e);
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
	int r = ready(ctx, e);

	return r != 0 ? r : signer_link_policy(ctx, c, false, e);
}

/* Whoever was not told yet reads it in the log. */
static void
link_act(void *ctx, const struct statement *s)
{
	struct signer_link *k = ctx;

	if (k->chan != NULL && k->told && signer_link_act(k, s, NULL) != 0)
		drop(k);
}

static int
link_reach(void *ctx, struct err *e)
{
	return connected(ctx, e);
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
		r = connected(k, e);
	if (r != 0) {
		link_close(k);
		return r;
	}
	*out = (struct signatory){&link_ops, k};
	return 0;
}
