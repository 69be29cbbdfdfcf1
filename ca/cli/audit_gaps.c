/* SPDX-License-Identifier: ISC */
/* writ audit gaps: lists that have to be empty, and one to know of. */
#include <stdlib.h>
#include <string.h>

#include "ca/cli/audit_uses.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

#define SILENT_S (2 * 3600) /* hosts report hourly, or more often */

static const char *const columns[] = {
    "gap", "at", "host", "account", "person", "from", "what"};

struct gaps {
	struct asked_uses q;
	struct table table;
	struct cli_args *args;
	uint64_t n; /* of those that must not be */
};

static void
add_gap(struct gaps *g, const char *gap, int64_t at, const char *host)
{
	table_add(&g->table, gap);
	if (at != 0)
		add_when(&g->table, at, g->args);
	else
		table_add(&g->table, NULL);
	table_add(&g->table, host);
}

/* --- logins ------------------------------------------------------------------ */

static int
look_at_login(struct gaps *g, const struct use *u)
{
	const struct grant_use *of = NULL;
	struct str why = STR_INIT;
	enum use_kind kind;
	int r;

	if (u->event.what != LOGIN_IN)
		return 0;
	r = uses_judge(u, &g->q.issued, g->q.place.trust.policy, &kind, &of,
	    &why);
	if (r == 0 && kind != USE_ISSUED) {
		add_gap(g, use_kind_name(kind), u->event.at, u->host);
		table_add(&g->table, u->event.account);
		table_add(&g->table, of != NULL ? of->person : NULL);
		table_add(&g->table, u->event.from);
		table_add(&g->table, why.p);
		g->n++;
	}
	str_clear(&why);
	return r;
}

/* --- hosts ------------------------------------------------------------------- */

static const char *
cell(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s != NULL ? s : "";
}

static void
add_host_gap(struct gaps *g, const char *gap, int64_t at, const char *host,
    const char *what)
{
	add_gap(g, gap, at, host);
	table_add(&g->table, NULL);
	table_add(&g->table, NULL);
	table_add(&g->table, NULL);
	table_add(&g->table, what);
	g->n++;
}

static void
look_at_host(struct gaps *g, const json_t *row, int64_t now)
{
	const char *host = cell(row, "host"), *alarms = cell(row, "alarms");
	int64_t last = 0;

	if (clock_parse(cell(row, "last_contact"), &last) != 0)
		last = 0;
	if (strcmp(cell(row, "connected"), "yes") != 0 && now - last > SILENT_S)
		add_host_gap(g, "silent", last, host,
		    last != 0 ? "it has not been heard of since"
			      : "it was never heard of");
	if (strstr(alarms, "missing") != NULL)
		add_host_gap(g, "reports missing", 0, host, alarms);
}

static int
look_at_hosts(struct gaps *g, struct err *e)
{
	static const char *const words[] = {"status", NULL};
	int64_t now = clock_now();
	json_t *rows = NULL;
	int r;

	if ((r = ask_fleet(g->args, words, &rows, e)) != 0)
		return r;
	for (size_t i = 0; i < json_array_size(rows); i++)
		look_at_host(g, json_array_get(rows, i), now);
	json_decref(rows);
	return 0;
}

/* --- certificates ------------------------------------------------------------ */

/* Nobody logged in by it, and by now nobody will: to know of, not to be alarmed. */
static void
look_at_unused(struct gaps *g)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < g->q.issued.n; i++) {
		const struct grant_use *v = &g->q.issued.v[i];

		if (v->used || v->valid_before > now ||
		    v->valid_after < g->q.since)
			continue;
		add_gap(g, "never used", v->valid_after, NULL);
		table_add(&g->table, NULL);
		table_add(&g->table, v->person);
		table_add(&g->table, NULL);
		table_addf(&g->table, "serial %llu: %s",
		    (unsigned long long)v->serial, v->reason);
	}
}

int
run_audit_gaps(struct cli_args *a, struct err *e)
{
	struct gaps g = {.args = a};
	int r;

	table_init(&g.table, columns, sizeof(columns) / sizeof(columns[0]));
	r = asked_uses_get(a, &g.q, e);
	for (size_t i = 0; i < g.q.uses.n && r == 0; i++)
		if ((r = look_at_login(&g, &g.q.uses.v[i])) != 0)
			(void)err_nomem(e);
	if (r == 0 && (r = look_at_hosts(&g, e)) == 0) {
		look_at_unused(&g);
		r = cli_print_table(&g.table, a, e);
	}
	if (r == 0 && g.n > 0)
		r = EXIT_REFUSED;
	table_clear(&g.table);
	asked_uses_clear(&g.q);
	return r;
}
