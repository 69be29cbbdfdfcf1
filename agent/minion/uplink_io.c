/* SPDX-License-Identifier: ISC */
/* A call, an object, a question to the applier. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/minion/uplink.h"
#include "lib/base/json.h"
#include "lib/net/link.h" /* link_error */
#include "lib/net/wire.h"
#include "lib/proc/plog.h"

#define TURN_MS 1000

uint64_t
uplink_u64(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	uint64_t n = 0;

	if (json_is_integer(v))
		return json_integer_value(v) > 0
		    ? (uint64_t)json_integer_value(v)
		    : 0;
	if (parse_u64(json_text(o, key), 0, UINT64_MAX, &n) != 0)
		return 0;
	return n;
}

int64_t
uplink_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

bool
uplink_bool(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

bool
uplink_is_hostile(int r)
{
	return r == ERR_PARSE || r == ERR_LIMIT || r == ERR_CORRUPT;
}

/* --- turns ---------------------------------------------------------------- */

int
uplink_turn(struct uplink *u, int ms, struct err *e)
{
	int r, left = -1;

	if (u->client != NULL)
		left = net_client_turn(u->client);
	if (left >= 0 && left < ms)
		ms = left;
	/* down() may have been called just now; and what is left until a time may
	   be less than nothing by now, which to the loop is for good. */
	if (ms < 0 || u->down || u->died || u->answer != NULL)
		ms = 0;
	if (chan_wants_write(u->chan) && (r = chan_flush(u->chan, e)) != 0)
		return r;
	watch_set(u->chan_watch,
	    EPOLLIN | (chan_wants_write(u->chan) ? (uint32_t)EPOLLOUT : 0));
	if ((r = loop_turn(u->loop, ms, e)) != 0)
		return r;
	if (u->client != NULL)
		(void)net_client_turn(u->client);
	return 0;
}

/* --- the applier ---------------------------------------------------------- */

static void
take_answer(struct uplink *u, const json_t *answer)
{
	json_t *held = json_object_get(answer, "held");

	if (json_is_object(held)) {
		json_decref(u->held);
		u->held = json_incref(held);
	}
	uplink_add_reports(u, answer);
}

int
uplink_ask(struct uplink *u, enum verb v, const char *args, json_t **answer,
    struct err *e)
{
	struct str body = STR_INIT;
	int64_t off;
	json_t *got;
	int r;

	str_addf(&body, "{%s", args);
	if (uplink_clock(u, &off))
		str_addf(&body, "%s\"clock\":%" PRId64,
		    args[0] != '\0' ? "," : "", off);
	str_add(&body, "}");
	json_decref(u->answer);
	u->answer = NULL;
	u->died = false;
	u->unread = 0;
	if (str_check(&body) != 0)
		r = err_nomem(e);
	else
		r = chan_send(u->chan, (uint16_t)v, ++u->asked,
		    slice_of(body.p, body.n), e);
	str_clear(&body);
	u->asking = true;
	while (r == 0 && u->answer == NULL && !u->died && !u->gone) {
		if ((r = uplink_turn(u, TURN_MS, e)) == 0)
			uplink_keep(u);
	}
	u->asking = false;
	if (r != 0)
		return r;
	if (u->answer == NULL)
		return u->unread == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, ERR_NET, "the applier ended");
	got = u->answer;
	u->answer = NULL;
	take_answer(u, got);
	if ((r = link_error(got, 0, e)) != 0 || answer == NULL)
		json_decref(got);
	else
		*answer = got;
	return r;
}

void
uplink_alarm(struct uplink *u, const char *what, const char *of,
    const struct err *why)
{
	struct str args = STR_INIT, text = STR_INIT;
	struct err e = {0};
	struct jw w;

	plog_err(PLOG_WARN, why, "the master does not keep to the protocol",
	    "what", what, NULL);
	str_addf(&text, "%s: %.700s", what, why->msg);
	jw_init(&w, &args, false);
	w.depth = 1; /* members of an object that is somebody else's */
	jw_str(&w, "alarm", text.p);
	if (of[0] != '\0')
		jw_strn(&w, "of", of, strnlen(of, HASH_HEX - 1));
	if (str_check(&args) != 0 || str_check(&text) != 0 ||
	    uplink_ask(u, VERB_REPORT, args.p, NULL, &e) != 0)
		plog_err(PLOG_WARN, &e, "cannot raise an alarm", NULL);
	str_clear(&text);
	str_clear(&args);
}

/* --- the master ----------------------------------------------------------- */

bool
uplink_is_up(const struct uplink *u)
{
	return u->client != NULL && net_client_is_up(u->client);
}

struct waiting {
	bool done;
	int code;
	struct err *e;
	json_t *body;
};

static void
on_answer(void *ctx, const struct net_client_answer *a)
{
	struct waiting *w = ctx;

	if (!a->last)
		return; /* nobody asked for news */
	w->done = true;
	if (a->why != NULL) {
		w->code = a->why->code;
		if (w->e != NULL)
			*w->e = *a->why;
		return;
	}
	if ((w->code = json_read(a->body, WIRE_ANSWER_MAX, &w->body, w->e)) ==
		0 &&
	    (w->code = link_error(w->body, a->status, w->e)) != 0) {
		json_decref(w->body);
		w->body = NULL;
	}
}

int
uplink_call(struct uplink *u, const char *body, int ms, json_t **answer,
    struct err *e)
{
	struct waiting w = {.e = e};
	struct err turn = {0};
	int r;

	if (!uplink_is_up(u))
		return err_set(e, ERR_NET, "there is no connection");
	if ((r = net_client_call(u->client, slice_str(body), ms, on_answer, &w,
		 e)) != 0)
		return r;
	while (!w.done)
		if (uplink_turn(u, TURN_MS, &turn) != 0) {
			/* The answer would go to a frame that is gone. */
			plog_err(PLOG_ERR, &turn, "cannot go on", NULL);
			exit(1);
		}
	if (w.code != 0)
		return w.code;
	if (answer != NULL)
		*answer = w.body;
	else
		json_decref(w.body);
	return 0;
}

void
uplink_begin(struct uplink_body *b, const char *call)
{
	str_init(&b->s);
	jw_init(&b->w, &b->s, false);
	jw_begin(&b->w, NULL, '{');
	jw_str(&b->w, "call", call);
}

int
uplink_end(struct uplink *u, struct uplink_body *b, json_t **answer,
    struct err *e)
{
	int r;

	jw_end(&b->w, '}');
	r = str_check(&b->s) != 0
	    ? err_nomem(e)
	    : uplink_call(u, b->s.p, UPLINK_CALL_MS, answer, e);
	str_clear(&b->s);
	return r;
}

static void
on_want(void *ctx, const struct net_client_answer *a)
{
	struct uplink *u = ctx;
	json_t *o = NULL;
	struct err e = {0};

	if (a->why != NULL)
		return; /* the connection's end is seen elsewhere */
	if (a->last) {
		u->refused = true;
		return;
	}
	u->changed = true;
	if (json_read(a->body, WIRE_ANSWER_MAX, &o, &e) != 0) {
		str_reset(&u->bad);
		str_add(&u->bad, e.msg);
		return;
	}
	json_decref(u->want);
	u->want = o;
}

int
uplink_attend(struct uplink *u, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "attend");
	jw_str(&w, "boot_id", json_text(u->held, "boot_id"));
	jw_u64(&w, "root_version", uplink_u64(u->held, "root_version"));
	jw_u64(&w, "policy_version", uplink_u64(u->held, "policy_version"));
	jw_u64(&w, "fleet_version", uplink_u64(u->held, "fleet_version"));
	jw_u64(&w, "krl_version", uplink_u64(u->held, "krl_version"));
	jw_end(&w, '}');
	if (str_check(&s) != 0)
		r = err_nomem(e);
	else
		r = net_client_call(u->client, slice_of(s.p, s.n), -1, on_want,
		    u, e);
	str_clear(&s);
	u->attending = r == 0;
	u->refused = false;
	return r;
}

/* --- objects -------------------------------------------------------------- */

static int
next_piece(struct uplink *u, const char *hex, size_t max, struct buf *b,
    uint64_t *size, struct err *e)
{
	struct uplink_body body;
	json_t *o = NULL;
	const char *data;
	size_t before = buf_len(b);
	int r;

	uplink_begin(&body, "object");
	jw_str(&body.w, "hash", hex);
	jw_u64(&body.w, "offset", before);
	if ((r = uplink_end(u, &body, &o, e)) != 0)
		return r;
	*size = uplink_u64(o, "size");
	data = json_string_value(json_object_get(o, "data"));
	if (data == NULL || *size == 0 || *size > max)
		r = err_set(e, ERR_LIMIT,
		    "object %.16s is empty or too large, expected at most %zu "
		    "bytes",
		    hex, max);
	else if ((r = base64_decode(data, strlen(data), b)) == ERR_NOMEM)
		(void)err_nomem(e);
	else if (r != 0 || buf_len(b) == before || buf_len(b) > *size)
		r = err_set(e, ERR_PARSE,
		    "object %.16s: a piece that is none, or too much of it",
		    hex);
	json_decref(o);
	return r;
}

/* Its name is what it says. */
static int
check_name(enum uplink_object kind, const char *hex, struct slice s,
    struct err *e)
{
	const uint8_t *end = memchr(s.p, '\n', s.n);
	struct hash is, want;

	if (kind == OBJECT_STATEMENT && end == NULL)
		return err_set(e, ERR_PARSE, "object %.16s is no statement",
		    hex);
	hash_sha256(s.p,
	    kind == OBJECT_STATEMENT ? (size_t)(end - s.p) + 1 : s.n, &is);
	if (hash_from_hex(hex, &want) != 0 || !hash_equal(&is, &want))
		return err_set(e, ERR_PARSE,
		    "object %.16s is not what it was asked as", hex);
	return 0;
}

int
uplink_object(struct uplink *u, enum uplink_object kind, const char *hex,
    size_t max, char **out, size_t *n, struct err *e)
{
	struct buf *b = NULL;
	struct hash h;
	uint64_t size = 0, first = 0;
	uint8_t *p;
	int r;

	if (hash_from_hex(hex, &h) != 0)
		return err_set(e, ERR_PARSE, "what it names is no hash");
	if (buf_new(&b, max) != 0)
		return err_nomem(e);
	do {
		if ((r = next_piece(u, hex, max, b, &size, e)) != 0)
			goto out;
		if (first != 0 && size != first) {
			r = err_set(e, ERR_PARSE,
			    "object %.16s changes its size", hex);
			goto out;
		}
		first = size;
	} while (buf_len(b) < size);
	if ((r = check_name(kind, hex, buf_slice(b), e)) != 0)
		goto out;
	buf_take(b, &p, n);
	*out = (char *)p;
out:
	buf_free(b);
	return r;
}
