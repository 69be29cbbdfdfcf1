/* SPDX-License-Identifier: ISC */
/* All connect, are told what they are to have, and report that they have it. */
#include "tests/tools/fleetpeers/peers.h"

#include <stdio.h>

#include "lib/base/json.h"

static void
on_reported(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;

	fp_must(p, a);
	p->f->done++;
}

static void
on_order(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;
	struct str text = STR_INIT;

	fp_must(p, a);
	fp_say_report(p, &text);
	fp_make_call(p, fp_call_of("report", "statement", text.p, NULL),
	    CALL_MS, on_reported);
	str_clear(&text);
}

static void
on_want(void *ctx, const struct net_client_answer *a)
{
	const char *hex;
	struct peer *p = ctx;
	struct err e = {0};
	json_t *o = NULL;
	struct hash h;

	if (a->why != NULL && !p->wanting)
		return; /* on_down() knows what to do */
	fp_must(p, a);
	fp_need(json_read(a->body, a->body.n, &o, &e), "want", &e);
	if (!p->wanting) {
		p->wanting = true;
		p->f->done++;
	}
	hex = json_string_value(json_object_get(json_object_get(o, "job"),
	    "statement"));
	if (hex != NULL && hash_from_hex(hex, &h) == 0 &&
	    !(p->ordered && hash_equal(&h, &p->job))) {
		p->job = h;
		p->ordered = true;
		/* An agent looks at its order and at whom it is for. */
		fp_make_call(p, fp_call_of("order", "job", hex, NULL), CALL_MS,
		    on_order);
	}
	json_decref(o);
}

static void
try_to_attend(struct peer *p)
{
	char boot[2 * BOOT_ID_LEN + 1];

	net_client_free(p->c);
	fp_connect_peer(p, NULL);
	p->next_try = 0;
	p->f->tries++;
	(void)snprintf(boot, sizeof(boot), "%032zx", p->number + 1);
	fp_make_call(p,
	    fp_call_of("attend", "boot_id", boot, "root_version", "1",
		"policy_version", "1", "fleet_version", "0", "krl_version", "0",
		NULL),
	    -1, on_want);
}

/* Those whose time has come. */
static void
take_tries(struct fleet *f)
{
	int64_t now = loop_now(f->loop), next = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct peer *p = &f->v[i];

		if (p->next_try != 0 && p->next_try <= now)
			try_to_attend(p);
		if (p->next_try != 0 && (next == 0 || p->next_try < next))
			next = p->next_try;
	}
	f->next_try = next;
}

/* All have just lost their master. */
double
fp_attend(struct fleet *f, char *words)
{
	double start = fp_seconds();

	(void)words;
	f->done = f->tries = f->lost = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct peer *p = &f->v[i];

		p->over = p->wanting = false;
		p->backoff_ms = BACKOFF_FIRST;
		fp_wait_longer(p);
	}
	while (f->done < f->n) {
		if (f->next_try != 0 && loop_now(f->loop) >= f->next_try)
			take_tries(f);
		fp_turn(f, f->n);
	}
	printf("%zu connections, %zu of them in vain\n", f->tries, f->lost);
	f->done = 0;
	return fp_seconds() - start;
}

double
fp_drop(struct fleet *f, char *words)
{
	(void)words;
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].over = true;
		net_client_free(f->v[i].c);
		f->v[i].c = NULL;
	}
	return 0;
}
