/* SPDX-License-Identifier: ISC */
/* writ audit who: who logged in, and why. */
#include <string.h>

#include "ca/audit/gaps.h"
#include "ca/audit/known.h"
#include "ca/cli/audit_uses.h"
#include "lib/base/clock.h"

#define LACKS_SHOWN 8 /* hosts, one by one */

/* One login with all that is known of it. */
struct answer {
	const struct use *use;
	const struct grant_use *of; /* NULL: no certificate of ours */
	enum use_kind kind;
	const char *why;
};

static bool
is_asked(const struct cli_args *a, const struct answer *x)
{
	const char *person = cli_get(a, "person");
	const char *reason = cli_get(a, "reason");

	if (person != NULL &&
	    (x->of == NULL || strcmp(x->of->person, person) != 0))
		return false;
	return reason == NULL ||
	    (x->of != NULL && strstr(x->of->reason, reason) != NULL);
}

static const char *const short_columns[] = {"at", "host", "account", "person",
    "from", "reason", "approved_by", "proof"};

static void
add_proof(struct table *t, const struct answer *x)
{
	const struct grant_use *g = x->of;
	struct str s = STR_INIT;

	if (g != NULL && x->kind == USE_ISSUED)
		str_addf(&s, "%s:%llu", g->log, (unsigned long long)g->index);
	else
		str_addf(&s, "%s: %s", use_kind_name(x->kind), x->why);
	if (g != NULL && g->revoked != NULL) {
		str_add(&s, "; ");
		revocation_text(g->revoked, g->revoked_what, &s);
	}
	if (x->use->clock != 0) {
		str_add(&s, "; ");
		login_clock_describe(x->use->clock, &s);
	}
	table_add(t, s.p);
	t->failed |= str_check(&s) != 0;
	str_clear(&s);
}

/* What fits a terminal; a "-" where there is nothing to know. */
static void
add_short(struct table *t, const struct answer *x, const struct cli_args *a)
{
	const struct login_event *ev = &x->use->event;
	const struct grant_use *g = x->of;

	add_when(t, ev->at, a);
	table_add(t, x->use->host);
	table_add(t, ev->account);
	table_add(t, g != NULL ? g->person : "-");
	table_add(t, ev->from);
	table_add(t, g != NULL ? g->reason : "-");
	table_add(t,
	    g == NULL                       ? "-"
		: g->approved_by[0] != '\0' ? g->approved_by
					    : "nobody (self-serve)");
	add_proof(t, x);
}

static const char *const columns[] = {"at", "host", "account", "person", "from",
    "port", "method", "state", "why", "grant", "reason", "ticket",
    "approved_by", "presence", "ca", "serial", "key_id", "key", "valid_after",
    "valid_before", "principals", "source", "log", "index", "session", "report",
    "report_index", "clock", "revoked", "revoked_at", "revoked_by",
    "revoked_why", "revocation", "revocation_log", "revocation_index"};

static void
add_grant(struct table *t, const struct grant_use *g)
{
	static const struct grant_use none;
	const struct grant_use *v = g != NULL ? g : &none;

	table_add(t, v->grant);
	table_add(t, v->reason);
	table_add(t, v->ticket);
	table_add(t, v->approved_by);
	table_add(t, g != NULL ? presence_name(g->presence) : NULL);
}

static void
add_limits(struct table *t, const struct grant_use *g, const struct cli_args *a)
{
	if (g == NULL) {
		for (int i = 0; i < 6; i++)
			table_add(t, NULL);
		return;
	}
	add_when(t, g->valid_after, a);
	add_when(t, g->valid_before, a);
	table_add_list(t, &g->principals);
	table_add(t, g->source);
	table_add(t, g->log);
	table_add_number(t, true, g->index);
}

static void
add_revoked(struct table *t, const struct grant_use *g,
    const struct cli_args *a)
{
	const struct revocation *v = g != NULL ? g->revoked : NULL;
	char hex[HASH_HEX];

	if (v == NULL) {
		for (int i = 0; i < 7; i++)
			table_add(t, NULL);
		return;
	}
	hash_hex(&v->hash, hex);
	table_add(t, g->revoked_what);
	add_when(t, v->at, a);
	table_add(t, v->by);
	table_add(t, v->reason);
	table_add(t, hex);
	table_add(t, v->log);
	table_add_number(t, true, v->index);
}

/* In the order of columns[]. */
static void
add_all(struct table *t, const struct answer *x, const struct cli_args *a)
{
	const struct login_event *ev = &x->use->event;

	add_when(t, ev->at, a);
	table_add(t, x->use->host);
	table_add(t, ev->account);
	table_add(t, x->of != NULL ? x->of->person : NULL);
	table_add(t, ev->from);
	table_add_number(t, ev->port != 0, ev->port);
	table_add(t, ev->method);
	table_add(t, use_kind_name(x->kind));
	table_add(t, x->why);
	add_grant(t, x->of);
	table_add_fingerprint(t, ev->has_cert, &ev->ca);
	table_add_number(t, ev->has_cert, ev->serial);
	table_add(t, ev->key_id);
	table_add_fingerprint(t, ev->has_key, &ev->key);
	add_limits(t, x->of, a);
	table_add(t, ev->session);
	table_add(t, x->use->report);
	table_add_number(t, x->use->report != NULL, x->use->index);
	if (x->use->clock != 0)
		table_addf(t, "%lld", (long long)x->use->clock);
	else
		table_add(t, NULL);
	add_revoked(t, x->of, a);
}

static int
add_answer(struct table *t, const struct use *u, struct asked_uses *q,
    const struct cli_args *a)
{
	struct answer x = {.use = u};
	struct str why = STR_INIT;
	struct judged j;
	int r;

	if (u->event.what != LOGIN_IN)
		return 0;
	r = known_judge(u, &q->issued, q->place.trust.policy, clock_now(), &j,
	    &why);
	x.kind = j.kind;
	x.of = j.of;
	x.why = why.p;
	if (r == 0 && is_asked(a, &x)) {
		if (cli_format(a) == TABLE_TEXT)
			add_short(t, &x, a);
		else
			add_all(t, &x, a);
	}
	str_clear(&why);
	return r;
}

static void
say_unknown_host(const char *host, const json_t *rows)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const char *id =
		    json_string_value(json_object_get(json_array_get(rows, i),
			"host"));

		if (id != NULL && strcmp(id, host) == 0)
			return;
	}
	cli_warn("no host is called %s now", str_quote(quoted, host));
}

/* Is it all of it?  Not where reports are missing, or a host says nothing. */
static int
say_what_may_lack(struct cli_args *a, struct err *e)
{
	static const char *const words[] = {"status", NULL};
	const char *host = cli_get(a, "host");
	struct gaps g = {0};
	json_t *rows = NULL;
	size_t n = 0;
	int r;

	if ((r = ask_fleet(a, words, &rows, e)) == 0)
		r = gaps_of_hosts(&g, rows, clock_now(), e);
	if (r == 0 && host != NULL)
		say_unknown_host(host, rows);
	json_decref(rows);
	for (size_t i = 0; i < g.n && r == 0; i++) {
		const struct gap *x = &g.v[i];

		if (host != NULL && strcmp(host, x->host) != 0)
			continue;
		if (++n <= LACKS_SHOWN)
			cli_warn("logins may lack: %s: %s", x->host, x->what);
	}
	if (n > LACKS_SHOWN)
		cli_warn("logins may lack of %zu more: writ audit gaps",
		    n - LACKS_SHOWN);
	gaps_clear(&g);
	return r;
}

int
run_audit_who(struct cli_args *a, struct err *e)
{
	struct asked_uses q = {0};
	struct table t;
	int r;

	if (cli_format(a) == TABLE_TEXT)
		table_init(&t, short_columns,
		    sizeof(short_columns) / sizeof(short_columns[0]));
	else
		table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	r = asked_uses_get(a, &q, e);
	for (size_t i = 0; i < q.uses.n && r == 0; i++)
		if ((r = add_answer(&t, &q.uses.v[i], &q, a)) != 0)
			(void)err_nomem(e);
	if (r == 0)
		r = cli_print_table(&t, cli_format(a), e);
	if (r == 0) {
		say_unknown_person(a, q.place.trust.policy);
		r = say_what_may_lack(a, e);
	}
	table_clear(&t);
	asked_uses_clear(&q);
	return r;
}
