/* SPDX-License-Identifier: ISC */
/* writ audit gaps: lists that have to be empty, and one to know of. */
#include <stdlib.h>

#include "ca/audit/gaps.h"
#include "ca/audit/propose.h"
#include "ca/cli/audit_tell.h"
#include "ca/cli/audit_uses.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/plural.h"

#define PROPOSE_SPAN "14d"

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
	r = cli_print_table(&t, cli_format(a), e);
	table_clear(&t);
	return r;
}

/* --- a first audit.yaml --------------------------------------------------- */

static void
add_count(struct str *s, size_t n, const char *what)
{
	str_addf(s, "%zu %s%s", n, what, text_plural(n, "", "s"));
}

static int
print_proposed(const char *path, const struct proposed *n, struct err *e)
{
	struct str s = STR_INIT;

	if (n->n_exceptions == 0) {
		str_add(&s, "nothing to propose");
	} else {
		str_addf(&s, "%s: ", path);
		add_count(&s, n->n_exceptions, "exception");
		str_add(&s, " for ");
		add_count(&s, n->n_logins, "login");
		str_add(&s,
		    ": give each a reason and an owner, or take it out");
	}
	if (n->n_others > 0) {
		str_add(&s, "; no exception could be for ");
		add_count(&s, n->n_others, "login");
	}
	str_add(&s, "\n");
	return cli_print(&s, e);
}

static int
propose_to(const char *path, struct cli_args *a, struct err *e)
{
	struct asked_uses q = {.span = PROPOSE_SPAN};
	struct str text = STR_INIT;
	struct proposed n;
	int r;

	if (file_exists(path))
		return err_set(e, ERR_EXISTS, "%s: exists already", path);
	if ((r = asked_uses_get(a, &q, e)) != 0)
		goto out;
	if (propose_write(&q.uses, &q.issued, q.place.trust.policy, q.since,
		clock_now(), &text, &n) != 0)
		r = err_nomem(e);
	else if (n.n_exceptions > 0)
		r = file_write(path, text.p, text.n, 0644, FILE_NEW, e);
	if (r == 0)
		r = print_proposed(path, &n, e);
out:
	str_clear(&text);
	asked_uses_clear(&q);
	return r;
}

/* Beside ca.yaml, to be signed with it, unless -o says where. */
static int
propose(struct cli_args *a, struct err *e)
{
	char *path = NULL;
	int r;

	if (cli_get(a, "o") != NULL)
		return propose_to(cli_get(a, "o"), a, e);
	if (path_joinf(&path, "%s/policy/audit.yaml", cli_dir(a)) != 0)
		return err_nomem(e);
	r = propose_to(path, a, e);
	free(path);
	return r;
}

/* They are shown before anybody is told, and told whoever reads what is shown. */
static int
show_and_tell(const struct gaps *g, const struct policy *p, struct cli_args *a,
    struct err *e)
{
	int r = print(g, a, e);

	if (r == 0 && cli_get(a, "notify") != NULL)
		r = tell_alarms(cli_get(a, "notify"), g, p, e);
	return r == 0 && g->n_alarms > 0 ? EXIT_REFUSED : r;
}

int
run_audit_gaps(struct cli_args *a, struct err *e)
{
	struct asked_uses q = {.unused = true};
	struct gaps g = {0};
	int r;

	if (cli_flag(a, "propose") && cli_get(a, "notify") != NULL)
		return err_set(e, ERR_USAGE,
		    "--propose and --notify, expected one of them");
	if (cli_flag(a, "propose"))
		return propose(a, e);
	if (cli_get(a, "o") != NULL)
		return err_set(e, ERR_USAGE,
		    "-o says where to propose to, expected --propose with it");
	if ((r = asked_uses_get(a, &q, e)) == 0 &&
	    (r = asked_gaps(a, &q, &g, e)) == 0)
		r = show_and_tell(&g, q.place.trust.policy, a, e);
	gaps_clear(&g);
	asked_uses_clear(&q);
	return r;
}
