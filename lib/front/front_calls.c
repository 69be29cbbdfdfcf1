/* SPDX-License-Identifier: ISC */
/*
 * Calls that have no answer yet.  A keeper that is started anew is told them
 * again, in their order: every call may be said twice (calls.md), and whoever
 * waits does not see that one process was replaced.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/front/front_impl.h"
#include "lib/cli/cli.h"

#define PAYLOAD_MAX (CALL_MAX + 1024)

struct pending *
pending_find(struct front *f, uint32_t id)
{
	struct pending *c;

	LIST_FOREACH (c, &f->buckets[id % CALL_BUCKETS], bucket)
		if (c->id == id)
			return c;
	return NULL;
}

static void
drop_payload(struct front *f, struct pending *c)
{
	if (c->payload == NULL)
		return;
	f->kept -= buf_len(c->payload);
	buf_free(c->payload);
	c->payload = NULL;
}

void
pending_free(struct front *f, struct pending *c)
{
	drop_payload(f, c);
	TAILQ_REMOVE(&f->all, c, all);
	TAILQ_REMOVE(&c->session->open, c, of_session);
	LIST_REMOVE(c, bucket);
	free(c);
}

void
front_fail(struct front *f, struct net_peer *p, uint32_t peer_id,
    enum call_form form, const struct err *e)
{
	uint8_t status = (uint8_t)cli_exit_status(e->code);
	struct str body = STR_INIT;

	f->n_failed++;
	front_failure(f->words, form, e, &body);
	if (form == FORM_JSON) {
		net_peer_answer(p, peer_id, true, status,
		    slice_of(body.p, body.n));
	} else {
		net_peer_error(p, body.p);
		net_peer_exit(p, status);
	}
	str_clear(&body);
}

static void
fail_call(struct front *f, struct pending *c, const struct err *e)
{
	front_fail(f, c->peer, c->peer_id, c->form, e);
	pending_free(f, c);
}

void
pending_answer(struct front *f, struct pending *c, uint8_t status,
    struct slice body)
{
	struct str text = STR_INIT;

	if (c->form == FORM_JSON) {
		net_peer_answer(c->peer, c->peer_id, true, status, body);
	} else {
		if (status == 0 || status == EXIT_WAITING) {
			net_peer_text(c->peer, body);
		} else {
			str_addn(&text, (const char *)body.p, body.n);
			net_peer_error(c->peer, text.p);
		}
		net_peer_exit(c->peer, status);
	}
	str_clear(&text);
	pending_free(f, c);
}

void
pending_news(struct pending *c, struct slice body)
{
	if (c->form == FORM_JSON)
		net_peer_answer(c->peer, c->peer_id, false, 0, body);
	else
		net_peer_text(c->peer, body);
}

/* false: it could not be sent and has been answered with that. */
static bool
send_call(struct front *f, struct pending *c)
{
	struct err e = {0};
	int r;

	r = link_send(f, MSG_CALL, c->id, buf_slice(c->payload), &e);
	if (r == 0) {
		c->sent = true;
		c->sent_at = loop_now(f->loop);
		/* Kept only as far as there is room for it. */
		if (f->kept > KEPT_MAX)
			drop_payload(f, c);
		return true;
	}
	if (r == ERR_NET)
		return true; /* it has just gone; the call waits for the next */
	err_prefix(&e, "the %s is too busy for this call", f->words->noun);
	fail_call(f, c, &e);
	return false;
}

static int
encode(struct pending *c, struct slice json)
{
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, PAYLOAD_MAX)) != 0 ||
	    (r = buf_put_cstring(b, net_peer_person(c->peer))) != 0 ||
	    (r = buf_put_cstring(b, net_peer_fingerprint(c->peer))) != 0 ||
	    (r = buf_put_cstring(b, net_peer_address(c->peer))) != 0 ||
	    (r = buf_put_u8(b, (uint8_t)c->form)) != 0 ||
	    (r = buf_put_string(b, json.p, json.n)) != 0) {
		buf_free(b);
		return r;
	}
	c->payload = b;
	return 0;
}

/* An id that no open call has; 0 is none. */
static uint32_t
next_id(struct front *f)
{
	do
		f->last_id++;
	while (f->last_id == 0 || pending_find(f, f->last_id) != NULL);
	return f->last_id;
}

void
pending_make(struct front *f, struct net_peer *p, uint32_t peer_id,
    enum call_form form, struct slice json)
{
	struct session *s = net_peer_data(p);
	struct pending *c;
	struct err e = {0};
	int r = ERR_NOMEM;

	if ((c = calloc(1, sizeof(*c))) != NULL) {
		c->peer = p;
		c->peer_id = peer_id;
		c->form = form;
		r = encode(c, json);
	}
	if (r != 0) {
		free(c);
		(void)err_set(&e, r, "no memory for this call");
		front_fail(f, p, peer_id, form, &e);
		return;
	}
	c->id = next_id(f);
	c->session = s;
	c->deadline = loop_now(f->loop) + FRONT_WAIT_MS;
	f->kept += buf_len(c->payload);
	f->n_calls++;
	s->calls++;
	TAILQ_INSERT_TAIL(&f->all, c, all);
	TAILQ_INSERT_TAIL(&s->open, c, of_session);
	LIST_INSERT_HEAD(&f->buckets[c->id % CALL_BUCKETS], c, bucket);
	if (f->keeper != NULL)
		(void)send_call(f, c);
}

void
pending_send_all(struct front *f)
{
	struct pending *c, *next;

	for (c = TAILQ_FIRST(&f->all); c != NULL && f->keeper != NULL;
	     c = next) {
		next = TAILQ_NEXT(c, all);
		if (!c->sent)
			(void)send_call(f, c);
	}
}

void
pending_lost(struct front *f)
{
	int64_t now = loop_now(f->loop);
	struct pending *c, *next;
	struct err e = {0};

	(void)err_set(&e, ERR_NET,
	    "the %s was started anew before it answered this call",
	    f->words->noun);
	err_hint(&e, "say it again: what was recorded is found again");
	for (c = TAILQ_FIRST(&f->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (!c->sent)
			continue;
		if (now - c->sent_at < DEATH_MS)
			c->deaths++;
		if (c->payload == NULL || c->deaths >= DEATHS_MAX) {
			fail_call(f, c, &e);
			continue;
		}
		c->sent = false;
		c->deadline = now + FRONT_WAIT_MS;
	}
}

void
pending_expire(struct front *f)
{
	struct pending *c, *next;
	struct err e = {0};

	(void)err_set(&e, ERR_NET, "the %s's keeper does not answer",
	    f->words->noun);
	err_hint(&e,
	    "try again in a moment; nothing was recorded of this call "
	    "unless it was sent before");
	for (c = TAILQ_FIRST(&f->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (!c->sent && loop_now(f->loop) >= c->deadline)
			fail_call(f, c, &e);
	}
}
