/* SPDX-License-Identifier: ISC */
/* writ audit list and sample: certificates that the logs have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/audit_uses.h"
#include "ca/issue/issue.h"
#include "lib/base/clock.h"
#include "lib/crypto/random.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* What fits a terminal; the rest is for programs, and in the record. */
static const char *const short_columns[] = {
    "valid_after", "person", "principals", "reason", "approved_by", "serial"};
static const char *const columns[] = {"serial", "person", "kind", "principals",
    "grant", "reason", "ticket", "approved_by", "asked_at", "valid_after",
    "valid_before", "log", "index"};

struct listing {
	const struct cli_args *a;
	int64_t since;
	const char *person;
	const char *own; /* the log of -C DIR */
	const char *log; /* the one that is being read */
	struct table *table;
	bool failed;
	/* A sample: which of those that pass are wanted, how many have. */
	size_t n;
	uint64_t seen;
	struct strs *rows; /* n of them */
};

static int
add_text(struct strs *row, struct str *text)
{
	int r = text->failed ? ERR_NOMEM : strs_add(row, text->p);

	str_clear(text);
	return r;
}

static int
add_list(struct strs *row, const struct strs *l)
{
	struct str s = STR_INIT;

	strs_join(l, ",", &s);
	return add_text(row, &s);
}

static int
add_approvers(struct strs *row, const struct audit_certificate *c)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < c->n_decisions; i++)
		str_addf(&s, "%s%s", i > 0 ? "," : "", c->decisions[i]->by);
	return add_text(row, &s);
}

static int
add_time(struct strs *row, uint64_t t, const struct cli_args *a)
{
	char text[WHEN_TEXT];

	return strs_add(row,
	    format_when(t > (uint64_t)CLOCK_MAX ? CLOCK_MAX : (int64_t)t, a,
		text));
}

static int
add_number(struct strs *row, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return strs_add(row, text);
}

/* "deploy for 8h", "web1.example.com for 90d (host)" */
static int
add_what(struct strs *row, const struct cert *c)
{
	char span[SPAN_TEXT];
	struct str s = STR_INIT;

	strs_join(&c->principals, ",", &s);
	if (c->valid_before <= (uint64_t)CLOCK_MAX &&
	    c->valid_before > c->valid_after + ISSUE_BACKDATE) {
		span_format((int64_t)(c->valid_before - c->valid_after) -
			ISSUE_BACKDATE,
		    span);
		str_addf(&s, " for %s", span);
	}
	str_add(&s, c->kind == CERT_HOST ? " (host)" : "");
	return add_text(row, &s);
}

static int
add_reason(struct strs *row, const struct request *q)
{
	struct str s = STR_INIT;

	str_add(&s, q->reason);
	if (q->ticket != NULL)
		str_addf(&s, " (%s)", q->ticket);
	return add_text(row, &s);
}

/* The log too, where it is not the one that was asked. */
static int
add_serial(struct strs *row, const struct audit_certificate *c,
    const struct listing *l)
{
	struct str s = STR_INIT;

	str_addf(&s, "%llu", (unsigned long long)c->cert->serial);
	if (strcmp(l->log, l->own) != 0)
		str_addf(&s, " (%s)", l->log);
	return add_text(row, &s);
}

/* In the order of short_columns[]. */
static int
make_short(const struct audit_certificate *c, const struct listing *l,
    struct strs *row)
{
	bool renewal = c->request->type == ST_RENEW;

	if (add_time(row, c->cert->valid_after, l->a) != 0 ||
	    strs_add(row, c->request->by) != 0 || add_what(row, c->cert) != 0 ||
	    /* A host asks by its acceptance alone. */
	    (renewal ? strs_add(row, "") : add_reason(row, &c->request->u.r)) !=
		0 ||
	    add_approvers(row, c) != 0 || add_serial(row, c, l) != 0)
		return ERR_NOMEM;
	return 0;
}

/* In the order of columns[]. */
static int
make_whole(const struct audit_certificate *c, const struct listing *l,
    struct strs *row)
{
	const bool renewal = c->request->type == ST_RENEW;
	const struct request *q = &c->request->u.r;
	bool host = c->cert->kind == CERT_HOST;

	if (add_number(row, c->cert->serial) != 0 ||
	    strs_add(row, c->request->by) != 0 ||
	    strs_add(row, host ? "host" : "user") != 0 ||
	    add_list(row, &c->cert->principals) != 0 ||
	    strs_add(row, renewal ? "" : q->grant) != 0 ||
	    strs_add(row, renewal ? "" : q->reason) != 0 ||
	    strs_add(row, renewal || q->ticket == NULL ? "" : q->ticket) != 0 ||
	    add_approvers(row, c) != 0 ||
	    add_time(row, (uint64_t)c->request->at, l->a) != 0 ||
	    add_time(row, c->cert->valid_after, l->a) != 0 ||
	    add_time(row, c->cert->valid_before, l->a) != 0 ||
	    strs_add(row, l->log) != 0 || add_number(row, c->index) != 0)
		return ERR_NOMEM;
	return 0;
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
	r = cli_format(l->a) == TABLE_TEXT ? make_short(c, l, &row)
					   : make_whole(c, l, &row);
	if (r == 0 && l->rows != NULL)
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
	if (cli_format(a) == TABLE_TEXT)
		table_init(&t, short_columns, N_OF(short_columns));
	else
		table_init(&t, columns, N_OF(columns));
	t.whole = "serial";
	l->a = a;
	l->table = &t;
	if (since != NULL) {
		int64_t now = clock_now();

		if ((r = cli_since(since, now, &l->since, e)) != 0)
			goto out;
		cli_warn_since(since, l->since, now);
	}
	if ((r = place_open(a, &p, e)) != 0)
		goto out;
	l->own = p.config.log_name;
	if ((r = place_each_log(&p, list_log, l, e)) != 0)
		goto out;
	for (size_t i = 0; l->rows != NULL && i < l->n && i < l->seen; i++)
		table_add_row(&t, &l->rows[i]);
	r = cli_print_table(&t, cli_format(a), e);
	/* Who has certificates in it may have left since. */
	if (r == 0 && table_rows(&t) == 0)
		say_unknown_person(a, p.trust.policy);
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
