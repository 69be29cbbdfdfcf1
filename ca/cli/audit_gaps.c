/* SPDX-License-Identifier: ISC */
/* writ audit gaps: lists that have to be empty, and one to know of. */
#include "ca/audit/gaps.h"
#include "ca/cli/audit_uses.h"
#include "lib/base/clock.h"

int
asked_gaps(struct cli_args *a, struct asked_uses *q, struct gaps *out,
    struct err *e)
{
	static const char *const words[] = {"status", NULL};
	const struct policy *p = q->place.trust.policy;
	int64_t now = clock_now();
	json_t *rows = NULL;
	int r;

	if (gaps_of_logins(out, &q->uses, &q->issued, p, now) != 0)
		return err_nomem(e);
	if ((r = ask_fleet(a, words, &rows, e)) == 0)
		r = gaps_of_hosts(out, rows, now, e);
	json_decref(rows);
	if (r != 0)
		return r;
	if (gaps_of_unused(out, &q->issued, q->since, now) != 0 ||
	    gaps_of_known(out, &q->uses, &q->issued, p, now) != 0)
		return err_nomem(e);
	return 0;
}

static int
print(const struct gaps *g, struct cli_args *a, struct err *e)
{
	static const char *const columns[] = {
	    "gap", "at", "host", "account", "person", "from", "count", "what"};
	struct table t;
	int r;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < g->n; i++) {
		const struct gap *x = &g->v[i];

		table_add(&t, x->kind);
		if (x->at != 0)
			add_when(&t, x->at, a);
		else
			table_add(&t, NULL);
		table_add(&t, x->host);
		table_add(&t, x->account);
		table_add(&t, x->person);
		table_add(&t, x->from);
		if (x->count != 0)
			table_addf(&t, "%zu", x->count);
		else
			table_add(&t, NULL);
		table_add(&t, x->what);
	}
	r = cli_print_table(&t, a, e);
	table_clear(&t);
	return r;
}

int
run_audit_gaps(struct cli_args *a, struct err *e)
{
	struct asked_uses q = {0};
	struct gaps g = {0};
	int r;

	if ((r = asked_uses_get(a, &q, e)) == 0 &&
	    (r = asked_gaps(a, &q, &g, e)) == 0 && (r = print(&g, a, e)) == 0 &&
	    g.n_alarms > 0)
		r = EXIT_REFUSED;
	gaps_clear(&g);
	asked_uses_clear(&q);
	return r;
}
