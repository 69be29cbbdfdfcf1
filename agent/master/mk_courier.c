/* SPDX-License-Identifier: ISC */
/*
 * The CA, by way of the courier: what operators and hosts have said about hosts
 * goes there as it is, certificates of hosts come back.  The courier says whether
 * the CA is there; a question that it does not answer is put again.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/net/link.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"
#include "lib/ssh/cert.h"
#include "lib/trust/standing.h"

#define BACKOFF_MAX_MS 5000
#define POLL_MS        60000
#define ACTS_MAX       100    /* statements of one question */
#define ACTS_BYTES     600000 /* and bytes of them */
#define CERT_LINE      65536  /* of a certificate */

/* --- the link ------------------------------------------------------------- */

static void
fail_renewals(struct mk *k)
{
	struct mk_call *c = TAILQ_FIRST(&k->asking), *next;
	struct err e = {0};

	(void)err_set(&e, ERR_NET, "the CA cannot be asked now");
	for (; c != NULL; c = next) {
		next = TAILQ_NEXT(c, watch);
		if (c->row->call == CALL_RENEW)
			mk_call_fail(k, c, &e);
	}
}

static void
lost(struct mk *k, const struct err *e)
{
	struct mk_courier *q = &k->courier;

	if (e != NULL)
		plog_err(PLOG_ERR, e, "courier cut off", NULL);
	chan_free(q->chan);
	q->chan = NULL;
	q->ca = false;
	q->acts = q->policy = q->object = q->krl = 0;
	mk_fetch_clear(k);
	fail_renewals(k);
}

void
mk_courier_clear(struct mk *k)
{
	chan_free(k->courier.chan);
	k->courier.chan = NULL;
	mk_fetch_clear(k);
}

static void
connect_to(struct mk *k)
{
	struct mk_courier *q = &k->courier;
	struct err e = {0};
	int fd = -1;

	q->retry = k->now_ms + q->backoff;
	q->backoff =
	    q->backoff * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : q->backoff * 2;
	if (socket_connect(k->courier_path, &fd, &e) != 0)
		return;
	if (chan_new(fd, &q->chan, &e) != 0)
		return;
	q->backoff = 100;
}

int
mk_courier_ask(struct mk *k, const struct str *call, uint32_t *id,
    struct err *e)
{
	struct buf *b = NULL;
	int r;

	if (k->courier.chan == NULL || !k->courier.ca)
		return err_set(e, ERR_NET, "the CA is not connected");
	if ((r = str_check(call)) != 0 ||
	    (r = buf_new(&b, CALL_MAX + 64)) != 0 ||
	    (r = buf_put_string(b, call->p, call->n)) != 0)
		(void)err_set(e, r, "ask the CA: %s", err_text(r));
	else
		r = chan_send(k->courier.chan, MSG_ASK, ++k->last_ask,
		    buf_slice(b), e);
	buf_free(b);
	if (r == 0)
		*id = k->last_ask;
	return r;
}

/* --- what was said about hosts -------------------------------------------- */

struct sending {
	struct jw w;
	size_t bytes;
	uint64_t next;
	bool any, full;
};

static int
add_act(void *ctx, uint64_t index, bool report, struct slice bytes)
{
	struct sending *x = ctx;
	struct statement s;
	int r;

	(void)report;
	if (x->full || x->bytes + bytes.n > ACTS_BYTES) {
		x->full = true;
		return 0;
	}
	statement_init(&s, ST_ENROL);
	if ((r = statement_parse("store", bytes, &s, NULL)) == 0) {
		x->next = index + 1;
		if (standing_is_about_host(s.type)) {
			jw_strn(&x->w, NULL, (const char *)bytes.p, bytes.n);
			x->bytes += bytes.n;
			x->any = true;
		}
	}
	statement_clear(&s);
	return r;
}

static void
send_acts(struct mk *k)
{
	struct mk_courier *q = &k->courier;
	struct sending x = {.next = q->next};
	struct str s = STR_INIT;
	struct err e = {0};
	int r;

	if (q->acts != 0 || k->applied <= q->next || k->n_unstored > 0)
		return;
	jw_init(&x.w, &s, false);
	jw_begin(&x.w, NULL, '{');
	jw_str(&x.w, "call", "submit");
	jw_begin(&x.w, "statements", '[');
	r = rows_acts_from(k->rows, q->next, ACTS_MAX, add_act, &x, &e);
	jw_end(&x.w, ']');
	jw_end(&x.w, '}');
	if (r == 0 && x.any)
		r = mk_courier_ask(k, &s, &q->acts, &e);
	else if (r == 0)
		/* Nothing for the CA up to here. */
		q->next = x.full || x.next > q->next ? x.next : k->applied;
	q->sent = x.next;
	str_clear(&s);
	if (r == 0)
		return;
	plog_err(PLOG_WARN, &e, "the CA is not told of hosts", NULL);
	q->retry = k->now_ms + BACKOFF_MAX_MS;
}

/* One that the CA refuses for good is said, and does not stop the rest. */
static bool
is_passing(int code)
{
	return code == ERR_NET || code == ERR_BUSY || code == ERR_RECORD ||
	    code == ERR_SYS || code == ERR_NOMEM;
}

static bool
look_at_results(const json_t *body)
{
	const json_t *v = json_object_get(body, "results");
	struct err e = {0};

	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *o = json_array_get(v, i);

		if (link_error(o, 0, &e) == 0)
			continue;
		if (is_passing(e.code))
			return false;
		plog_err(PLOG_ERR, &e, "the CA refuses a statement of a host",
		    NULL);
	}
	return true;
}

static void
heard_acts(struct mk *k, const json_t *body, int status)
{
	struct mk_courier *q = &k->courier;
	struct err e = {0};
	int r = link_error(body, status, &e);

	q->acts = 0;
	/* As a whole, or one of them: all are said again, in a while. */
	if (r != 0 ? is_passing(r) : !look_at_results(body)) {
		q->retry = k->now_ms + BACKOFF_MAX_MS;
		return;
	}
	if (r != 0)
		plog_err(PLOG_ERR, &e, "the CA refuses what it is told", NULL);
	q->next = q->sent;
	if (rows_set_ca_next(k->rows, q->next, &e) != 0)
		plog_err(PLOG_WARN, &e,
		    "what the CA was told is told again after a start", NULL);
}

/* --- renewals ------------------------------------------------------------- */

static void
say_waiting(struct str *out)
{
	str_add(out, "{\"state\":\"waiting\"}");
}

/* Hosts that ask all at once would leave no room for what is said about them. */
static bool
has_room(const struct mk *k)
{
	const struct mk_call *c;
	size_t n = 0;

	TAILQ_FOREACH (c, &k->asking, watch)
		n += c->row->call == CALL_RENEW;
	return n < MK_RENEWALS;
}

int
mk_courier_renew(struct mk *k, struct mk_call *c, const struct statement *s,
    struct str *out, struct err *e)
{
	struct str call = STR_INIT;
	uint32_t id = 0;
	struct jw w;
	int r;

	if (k->courier_path == NULL)
		return err_set(e, ERR_WAIT,
		    "this master knows no CA: there are no host certificates");
	/* Its acceptance goes before it. */
	if (!k->courier.ca || k->courier.acts != 0 ||
	    k->courier.next < k->applied || !has_room(k)) {
		say_waiting(out);
		return 0;
	}
	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "submit");
	jw_begin(&w, "statements", '[');
	jw_strn(&w, NULL, (const char *)s->bytes, s->n_bytes);
	jw_end(&w, ']');
	jw_end(&w, '}');
	r = mk_courier_ask(k, &call, &id, e);
	str_clear(&call);
	if (r != 0)
		return r;
	mk_call_asks(k, c, id);
	return MK_LATER;
}

/* It is for that host's key; whether it is good, the host sees. */
static int
check_line(struct mk *k, const struct mk_host *h, const char *line,
    struct err *e)
{
	const struct fleet_host_row *row = mk_row(k, h);
	struct buf *blob = NULL;
	struct cert c;
	int r;

	cert_init(&c);
	if (buf_new(&blob, CERT_LINE) != 0)
		return err_nomem(e);
	if ((r = cert_parse_line(line, strlen(line), blob, e)) == 0 &&
	    (r = cert_parse(buf_slice(blob), &c, e)) == 0 &&
	    (row == NULL || !pubkey_equal(c.key, row->host_key)))
		r = err_set(e, ERR_DENIED,
		    "the CA gave %s a certificate of another key", h->id);
	cert_clear(&c);
	buf_free(blob);
	return r;
}

static int
keep_certificate(struct mk *k, struct mk_host *h, const char *line,
    struct err *e)
{
	int r;

	if ((r = check_line(k, h, line, e)) != 0 ||
	    (r = rows_put_certificate(k->rows, h->id, line, e)) != 0)
		return r;
	hash_sha256(line, strlen(line), &h->certificate);
	h->has_certificate = true;
	mk_dirty(k, h);
	return 0;
}

static void
heard_renewal(struct mk *k, struct mk_call *c, const json_t *body, int status)
{
	const json_t *one = json_array_get(json_object_get(body, "results"), 0);
	const char *line = NULL;
	struct str s = STR_INIT;
	struct err e = {0};
	struct jw w;
	int r;

	if ((r = link_error(body, status, &e)) == 0)
		r = link_error(one, status, &e);
	if (r == 0)
		r = json_str(one, "certificate", JSON_OPTIONAL, CERT_LINE,
		    &line, &e);
	if (r == 0 && line != NULL)
		r = keep_certificate(k, c->host, line, &e);
	if (r != 0) {
		/* What the CA says is not the host's offence. */
		e.code = is_passing(r) ? r : ERR_WAIT;
		mk_call_fail(k, c, &e);
		return;
	}
	if (line == NULL) {
		say_waiting(&s);
	} else {
		jw_init(&w, &s, false);
		jw_begin(&w, NULL, '{');
		jw_str(&w, "certificate", line);
		jw_end(&w, '}');
	}
	mk_call_end(k, c, 0, &s);
	str_clear(&s);
}

/* --- frames --------------------------------------------------------------- */

static int
on_answer(void *ctx, const struct frame *f, struct err *e)
{
	struct mk *k = ctx;
	struct view v = view_slice(f->payload);
	struct mk_call *c;
	struct slice json;
	json_t *body = NULL;
	uint8_t status;
	int r;

	if ((r = view_get_u8(&v, &status)) != 0 ||
	    (r = view_get_string(&v, &json)) != 0 || (r = view_end(&v)) != 0)
		return err_set(e, r, "an answer that cannot be read");
	if ((r = json_read(json, RESULT_MAX, &body, e)) != 0)
		return r;
	if (f->id == k->courier.acts)
		heard_acts(k, body, status);
	else if ((c = mk_call_asking(k, f->id)) != NULL &&
	    c->row->call == CALL_RENEW)
		heard_renewal(k, c, body, status);
	else
		(void)mk_fetch_heard(k, f->id, body, status);
	json_decref(body);
	return 0;
}

static int
on_ca(void *ctx, const struct frame *f, struct err *e)
{
	struct mk *k = ctx;
	struct view v = view_slice(f->payload);
	struct slice why = {0};
	char quoted[QUOTE_MAX];
	uint8_t there;
	int r;

	if ((r = view_get_u8(&v, &there)) != 0 ||
	    (v.n > 0 && (r = view_get_string(&v, &why)) != 0) ||
	    (r = view_end(&v)) != 0)
		return err_set(e, r, "news of the CA that cannot be read");
	if (there != 0 && !k->courier.ca)
		plog(PLOG_INFO, "the CA is connected", NULL);
	if (there == 0 && k->courier.ca)
		plog(PLOG_WARN, "the CA is not connected", "why",
		    str_quoten(quoted, (const char *)why.p, why.n), NULL);
	k->courier.ca = there != 0;
	k->courier.poll = 0;
	return 0;
}

static const struct frame_rule rules[] = {
    {MSG_ANSWERED, 0, RESULT_MAX + 64, "answered", on_answer},
    {MSG_CA, 0, 4096, "ca", on_ca},
};

void
mk_courier_serve(struct mk *k, bool can_write)
{
	struct mk_courier *q = &k->courier;
	struct err e = {0};
	struct frame f;
	int r, closed;

	if (q->chan == NULL)
		return;
	if (can_write && chan_flush(q->chan, &e) != 0) {
		lost(k, NULL);
		return;
	}
	if ((closed = chan_read(q->chan, &e)) < 0) {
		lost(k, NULL);
		return;
	}
	while ((r = chan_next(q->chan, &f, &e)) != CHAN_NONE) {
		if (r == 0)
			r = frame_dispatch(rules,
			    sizeof(rules) / sizeof(rules[0]), 0, k, &f, &e);
		if (r != 0) {
			lost(k, &e);
			return;
		}
	}
	if (closed == CHAN_CLOSED)
		lost(k, NULL);
}

void
mk_courier_turn(struct mk *k)
{
	struct mk_courier *q = &k->courier;

	if (k->courier_path == NULL)
		return;
	if (q->chan == NULL) {
		if (k->now_ms >= q->retry)
			connect_to(k);
		return;
	}
	if (!q->ca)
		return;
	if (k->now_ms >= q->retry)
		send_acts(k);
	if (k->now_ms >= q->poll) {
		q->poll = k->now_ms + POLL_MS;
		mk_fetch_begin(k);
	}
}
