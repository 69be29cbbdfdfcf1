/* SPDX-License-Identifier: ISC */
/* What the operator orders and asks, and what hosts report of it. */
#include "tests/tools/fleetpeers/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/trust/fleet_place.h"

static void
make_targets(size_t n, struct str *out)
{
	struct strs ids = {0};
	struct err e = {0};
	char id[64];

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(id, sizeof(id), "h%zu.example.com", i);
		if (strs_add(&ids, id) != 0)
			abort();
	}
	fp_need(targets_write(&ids, 1, out, &e), "targets", &e);
	strs_clear(&ids);
}

/* Ends the first. */
static char *
second_word(char *words)
{
	char *blank = strchr(words, ' ');

	if (blank != NULL)
		*blank++ = '\0';
	return blank;
}

/* Sign and submit an order to have the fleet of a file; its name. */
static struct hash
submit_order(struct fleet *f, const char *path, const struct str *targets)
{
	struct str job = STR_INIT, call = STR_INIT;
	struct statement fleet, s;
	struct err e = {0};
	struct jw w;
	size_t n;
	char *text = fp_read_all(path, &n);

	statement_init(&fleet, ST_FLEET);
	fp_need(statement_parse(path, slice_of(text, n), &fleet, &e), path, &e);
	statement_init(&s, ST_JOB);
	s.u.job = (struct job_statement){.version = fleet.u.bundle.version,
	    .bundle = fleet.hash,
	    .enforce = true,
	    .expires = clock_now() + 3600};
	fp_need(job_set_targets(&s.u.job, slice_of(targets->p, targets->n), &e),
	    "targets", &e);
	fp_say(f, &s, f->operator_id, f->operator, NULL, &job);
	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "submit");
	jw_begin(&w, "statements", '[');
	jw_str(&w, NULL, job.p);
	jw_end(&w, ']');
	jw_str(&w, "targets", targets->p);
	jw_end(&w, '}');
	fp_operate(f, call);
	str_clear(&job);
	statement_clear(&fleet);
	free(text);
	return s.hash;
}

double
fp_order(struct fleet *f, char *words)
{
	char *path = words, *count = second_word(words);
	struct str targets = STR_INIT;
	double start = fp_seconds();

	if (count == NULL)
		fp_die("order FLEET M", NULL);
	make_targets(strtoul(count, NULL, 10), &targets);
	f->done = 0;
	(void)submit_order(f, path, &targets);
	str_clear(&targets);
	return fp_seconds() - start;
}

double
fp_push(struct fleet *f, char *words)
{
	char *path = words, *host = second_word(words);
	struct str targets = STR_INIT;
	struct strs ids = {.v = &host, .n = 1};
	struct err e = {0};
	char hex[HASH_HEX];
	struct hash job;
	double start;

	if (host == NULL)
		fp_die("push FLEET HOST", NULL);
	fp_need(targets_write(&ids, 1, &targets, &e), "targets", &e);
	fp_operate(f, fp_call_of("hello", NULL));
	start = fp_seconds();
	job = submit_order(f, path, &targets);
	hash_hex(&job, hex);
	fp_operate(f, fp_call_of("watch", "job", hex, NULL));
	str_clear(&targets);
	return fp_seconds() - start;
}

double
fp_results(struct fleet *f, char *words)
{
	double start = fp_seconds();

	(void)words;
	fp_turn_until(f, f->n);
	f->done = 0;
	return fp_seconds() - start;
}

static void
on_told(void *ctx, const struct net_client_answer *a)
{
	struct peer *p = ctx;
	struct str text = STR_INIT;

	fp_must(p, a);
	if (p->reports == p->n_reports) {
		p->f->done++;
		return;
	}
	fp_say_logins(p, &text);
	fp_make_call(p, fp_call_of("report", "statement", text.p, NULL),
	    CALL_MS, on_told);
	str_clear(&text);
}

double
fp_logins(struct fleet *f, char *words)
{
	const struct net_client_answer begin = {.why = NULL};
	double start = fp_seconds();

	f->done = 0;
	for (size_t i = 0; i < f->n; i++) {
		f->v[i].reports = 0;
		f->v[i].n_reports = strtoul(words, NULL, 10);
		on_told(&f->v[i], &begin);
	}
	fp_turn_until(f, f->n);
	f->done = 0;
	return fp_seconds() - start;
}

double
fp_ask(struct fleet *f, char *words)
{
	struct str call = STR_INIT;
	double start;

	if (f->me == NULL)
		fp_operate(f, fp_call_of("hello", NULL));
	str_add(&call, words);
	start = fp_seconds();
	fp_operate(f, call);
	return fp_seconds() - start;
}
