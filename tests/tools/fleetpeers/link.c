/* SPDX-License-Identifier: ISC */
/* The connections of all peers, and turns of those that have to do. */
#include "tests/tools/fleetpeers/peers.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/crypto/random.h"

#define LOOK_MS      1000            /* between looks at every connection */
#define BACKOFF_MOST (5 * 60 * 1000) /* as agent/minion/uplink.c has it */

static void
on_up(void *ctx)
{
	(void)ctx;
}

void
fp_wait_longer(struct peer *p)
{
	struct fleet *f = p->f;
	uint32_t v;

	random_bytes(&v, sizeof(v));
	p->next_try = loop_now(f->loop) + p->backoff_ms / 2 + v % p->backoff_ms;
	if (f->next_try == 0 || p->next_try < f->next_try)
		f->next_try = p->next_try;
	if ((p->backoff_ms *= 2) > BACKOFF_MOST)
		p->backoff_ms = BACKOFF_MOST;
}

static void
on_down(void *ctx, const struct err *why)
{
	struct peer *p = ctx;

	/* One that was told all it wanted to know may be cut; one that is on
	   its way in comes again. */
	if (p->over)
		return;
	if (p->backoff_ms == 0 || p->wanting)
		fp_die(p->id, why);
	p->f->lost++;
	fp_wait_longer(p);
}

static const struct net_client_ops ops = {.up = on_up, .down = on_down};

static char *
key_text(const struct key *k)
{
	struct str s = STR_INIT;
	struct err e = {0};
	char *out;

	fp_need(key_encode_openssh(k, "", NULL, 0, &s, &e), "key", &e);
	if (str_take(&s, &out) != 0)
		abort();
	return out;
}

struct net_client *
fp_reach(struct fleet *f, const char *user, const char *key, void *ctx)
{
	const char *keys[] = {f->host_key};
	const struct net_client_options o = {.host = f->host,
	    .port = f->port,
	    .host_keys = keys,
	    .n_host_keys = 1,
	    .key = key,
	    .user = user,
	    .subsystem = "writ",
	    .keepalive_ms = CALL_MS};
	struct net_client *c = NULL;
	struct err e = {0};

	fp_need(net_client_new(f->loop, &o, &ops, ctx, &c, &e), "connect", &e);
	return c;
}

void
fp_connect_peer(struct peer *p, const char *user)
{
	char *text = key_text(p->link);

	p->c = fp_reach(p->f, user, text, p);
	free(text);
}

void
fp_make_call(struct peer *p, struct str text, int ms, net_client_fn *fn)
{
	struct err e = {0};

	fp_need(net_client_call(p->c, slice_of(text.p, text.n), ms, fn, p, &e),
	    p->id, &e);
	str_clear(&text);
	if (!p->due)
		TAILQ_INSERT_TAIL(&p->f->due, p, turn);
	p->due = true;
}

/*
 * Those that made a call, and now and then all: thousands of turns for every few
 * packets would be what is measured.
 */
static void
take_turns(struct fleet *f)
{
	int64_t now = loop_now(f->loop);
	struct peer *p;

	while ((p = TAILQ_FIRST(&f->due)) != NULL) {
		TAILQ_REMOVE(&f->due, p, turn);
		p->due = false;
		if (p->c != NULL)
			(void)net_client_turn(p->c);
	}
	if (now < f->next_look)
		return;
	f->next_look = now + LOOK_MS;
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].c != NULL)
			(void)net_client_turn(f->v[i].c);
}

void
fp_turn(struct fleet *f, size_t n)
{
	int64_t ms = LOOK_MS, now = loop_now(f->loop);
	struct err e = {0};

	take_turns(f);
	if (f->next_try != 0 && f->next_try - now < ms)
		ms = f->next_try > now ? f->next_try - now : 0;
	if (f->done < n)
		fp_need(loop_turn(f->loop, (int)ms, &e), "turn", &e);
}

void
fp_turn_until(struct fleet *f, size_t n)
{
	while (f->done < n)
		fp_turn(f, n);
}

void
fp_must(const struct peer *p, const struct net_client_answer *a)
{
	if (a->why != NULL)
		fp_die(p->id, a->why);
	if (a->last && a->status != 0 && a->status != 3) {
		fprintf(stderr, "fleetpeers: %s: %.*s\n", p->id, (int)a->body.n,
		    (const char *)a->body.p);
		exit(1);
	}
}

static void
on_submitted(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;

	fp_must(p, a);
	if (a->last)
		p->f->answered = true;
}

void
fp_operate(struct fleet *f, struct str text)
{
	struct err e = {0};

	if (f->me == NULL) {
		if ((f->me = calloc(1, sizeof(*f->me))) == NULL)
			abort();
		*f->me = (struct peer){.f = f, .id = "operator"};
		f->me->c = fp_reach(f, NULL, f->operator_text, f->me);
	}
	f->answered = false;
	fp_make_call(f->me, text, CALL_MS, on_submitted);
	while (!f->answered) {
		int ms = net_client_turn(f->me->c);

		/* The turn may have had the answer. */
		if (!f->answered)
			fp_need(loop_turn(f->loop, ms < 0 ? 1000 : ms, &e),
			    "turn", &e);
	}
}
