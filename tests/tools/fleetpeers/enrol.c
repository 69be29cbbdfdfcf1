/* SPDX-License-Identifier: ISC */
/* All ask in, and the operator accepts them. */
#include "tests/tools/fleetpeers/peers.h"

#include <stdlib.h>

#include "lib/base/json.h"
#include "lib/net/server.h"

#define WINDOW 48 /* that ask in at once: a master has room for few strangers */
#define BATCH  200

static void
on_enrolled(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;

	fp_must(p, a);
	p->over = true;
	p->f->done++;
}

static void
ask_in(struct peer *p)
{
	struct str text = STR_INIT;

	fp_say_enrol(p, &text);
	fp_connect_peer(p, NET_GUEST_USER);
	p->over = false;
	fp_make_call(p, fp_call_of("enrol", "statement", text.p, NULL), CALL_MS,
	    on_enrolled);
	str_clear(&text);
}

static void
accept_some(struct fleet *f, size_t from, size_t to)
{
	struct str text = STR_INIT;
	struct jw w;

	jw_init(&w, &text, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "submit");
	jw_begin(&w, "statements", '[');
	for (size_t i = from; i < to; i++) {
		struct str one = STR_INIT;

		fp_say_accept(&f->v[i], &one);
		jw_str(&w, NULL, one.p);
		str_clear(&one);
	}
	jw_end(&w, ']');
	jw_end(&w, '}');
	fp_operate(f, text);
}

double
fp_enrol(struct fleet *f, char *words)
{
	double start = fp_seconds();

	(void)words;
	for (size_t i = 0; i < f->n; i += WINDOW) {
		size_t to = i + WINDOW < f->n ? i + WINDOW : f->n;

		f->done = 0;
		for (size_t k = i; k < to; k++)
			ask_in(&f->v[k]);
		fp_turn_until(f, to - i);
		for (size_t k = i; k < to; k++) {
			net_client_free(f->v[k].c);
			f->v[k].c = NULL;
		}
	}
	for (size_t i = 0; i < f->n; i += BATCH)
		accept_some(f, i, i + BATCH < f->n ? i + BATCH : f->n);
	/* His connection would not survive a restart of the master. */
	if (f->me != NULL) {
		if (f->me->due)
			TAILQ_REMOVE(&f->due, f->me, turn);
		net_client_free(f->me->c);
		free(f->me);
		f->me = NULL;
	}
	return fp_seconds() - start;
}
