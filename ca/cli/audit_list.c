/* SPDX-License-Identifier: ISC */
/* writ audit list and sample: certificates that the logs have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/audit.h"
#include "lib/base/clock.h"
#include "lib/crypto/random.h"

static const char *const columns[] = {"serial", "person", "kind", "principals",
    "grant", "reason", "ticket", "approved_by", "asked_at", "valid_after",
    "valid_before", "log", "index"};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct listing {
	int64_t since;
	const char *person;
	const char *log; /* the one that is being read */
	struct table *table;
	bool failed;
	/* A sample: which of those that pass are wanted, how many have. */
	size_t n;
	uint64_t seen;
	struct strs *rows; /* n of them, N_COLUMNS cells each */
};

static void
join(const struct strs *l, struct str *out)
{
	for (size_t i = 0; i < l->n; i++)
		str_addf(out, "%s%s", i > 0 ? "," : "", l->v[i]);
}

static int
add_time(struct strs *row, uint64_t t)
{
	char text[CLOCK_TEXT];

	clock_format(t > (uint64_t)CLOCK_MAX ? CLOCK_MAX : (int64_t)t, text);
	return strs_add(row, text);
}

static int
add_number(struct strs *row, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return strs_add(row, text);
}

static int
make_row(const struct audit_certificate *c, const char *log, struct strs *row)
{
	const bool renewal = c->request->type == ST_RENEW;
	const struct request *q = &c->request->u.r;
	struct str principals = STR_INIT, approvers = STR_INIT;
	int r = ERR_NOMEM;

	join(&c->cert->principals, &principals);
	for (size_t i = 0; i < c->n_decisions; i++)
		str_addf(&approvers, "%s%s", i > 0 ? "," : "",
		    c->decisions[i]->by);
	if (principals.failed || approvers.failed ||
	    add_number(row, c->cert->serial) != 0 ||
	    strs_add(row, c->request->by) != 0 ||
	    strs_add(row, c->cert->kind == CERT_HOST ? "host" : "user") != 0 ||
	    strs_add(row, principals.p) != 0 ||
	    /* A host asks by its acceptance alone. */
	    strs_add(row, renewal ? "" : q->grant) != 0 ||
	    strs_add(row, renewal ? "" : q->reason) != 0 ||
	    strs_add(row, renewal || q->ticket == NULL ? "" : q->ticket) != 0 ||
	    strs_add(row, approvers.p) != 0 ||
	    add_time(row, (uint64_t)c->request->at) != 0 ||
	    add_time(row, c->cert->valid_after) != 0 ||
	    add_time(row, c->cert->valid_before) != 0 ||
	    strs_add(row, log) != 0 || add_number(row, c->index) != 0)
		goto out;
	r = 0;
out:
	str_clear(&principals);
	str_clear(&approvers);
	return r;
}

static void
table_add_row(struct table *t, const struct strs *row)
{
	for (size_t i = 0; i < row->n; i++)
		table_add(t, row->v[i]);
}

/*
 * Every certificate equally likely, without knowing how many there are: the
 * kth one takes a place with probability n/k (reservoir sampling).
 */
static int
sample_row(struct listing *l, struct strs *row)
{
	uint64_t at = l->seen, bound = ++l->seen, v;

	if (at >= l->n) {
		uint64_t limit = UINT64_MAX - UINT64_MAX % bound;

		do
			random_bytes(&v, sizeof(v));
		while (v >= limit);
		at = v % bound;
	}
	if (at >= l->n)
		return 0;
	strs_clear(&l->rows[at]);
	l->rows[at] = *row;
	memset(row, 0, sizeof(*row));
	return 0;
}

static int
on_certificate(void *ctx, const struct audit_certificate *c)
{
	struct listing *l = ctx;
	struct strs row = {0};
	int r;

	if (c->leaf->now < l->since ||
	    (l->person != NULL && strcmp(c->request->by, l->person) != 0))
		return 0;
	if ((r = make_row(c, l->log, &row)) == 0 && l->rows != NULL)
		r = sample_row(l, &row);
	else if (r == 0)
		table_add_row(l->table, &row);
	strs_clear(&row);
	return r;
}

static int
list_log(void *ctx, struct audit_log *log, struct err *e)
{
	struct listing *l = ctx;
	int r;

	l->log = audit_log_name(log);
	r = audit_log_each(log, on_certificate, l, e);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
run_listing(struct cli_args *a, struct listing *l, struct err *e)
{
	const char *since = cli_get(a, "since");
	struct table t;
	struct place p;
	int r;

	place_init(&p);
	table_init(&t, columns, N_COLUMNS);
	l->table = &t;
	if (since != NULL &&
	    (r = cli_since(since, clock_now(), &l->since, e)) != 0)
		goto out;
	if ((r = place_open(a, &p, e)) != 0 ||
	    (r = place_each_log(&p, list_log, l, e)) != 0)
		goto out;
	for (size_t i = 0; l->rows != NULL && i < l->n && i < l->seen; i++)
		table_add_row(&t, &l->rows[i]);
	r = cli_print_table(&t, cli_format(a), e);
out:
	table_clear(&t);
	place_clear(&p);
	return r;
}

int
run_audit_list(struct cli_args *a, struct err *e)
{
	struct listing l = {.person = cli_get(a, "person")};

	return run_listing(a, &l, e);
}

#define SAMPLE_MAX 100000

int
run_audit_sample(struct cli_args *a, struct err *e)
{
	struct listing l = {.since = 0};
	char quoted[QUOTE_MAX];
	uint64_t n;
	int r;

	if (parse_u64(cli_operand(a, 0), 1, SAMPLE_MAX, &n) != 0)
		return err_set(e, ERR_USAGE,
		    "a sample of %s, expected a number from 1 to %d",
		    str_quote(quoted, cli_operand(a, 0)), SAMPLE_MAX);
	l.n = (size_t)n;
	if ((l.rows = calloc(l.n, sizeof(*l.rows))) == NULL)
		return err_nomem(e);
	r = run_listing(a, &l, e);
	for (size_t i = 0; i < l.n; i++)
		strs_clear(&l.rows[i]);
	free(l.rows);
	return r;
}
