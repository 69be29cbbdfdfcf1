/* SPDX-License-Identifier: ISC */
/*
 * writ fleet accept: who a host is from now on.  What it said of itself is read
 * and verified here, and shown before the key is used; its id is the operator's
 * word, never the host's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/online.h"
#include "lib/cli/signing.h"
#include "lib/conf/expr.h"

#define RENEW_LIFE (365 * INT64_C(86400))

struct accepting {
	struct online o;
	struct host_keys keys;
	int64_t until;
	bool yes;
};

/* --- one acceptance ------------------------------------------------------- */

static int
add_words(const struct strs *given, const struct strs *before,
    const char *instead, struct strs *out)
{
	const struct strs *from = given->n > 0 ? given : before;

	if (from != NULL && from->n > 0)
		return strs_dup(from, out);
	return instead != NULL ? strs_add(out, instead) : 0;
}

/* The host of that id, which has to be there exactly when it is replaced. */
static int
find_replaced(const struct host_keys *k, const char *id, bool replace,
    const struct host_known **out, struct err *e)
{
	const struct host_known *h = host_known_find(k, id);
	int r;

	*out = NULL;
	if (h == NULL && replace)
		return err_set(e, ERR_NOTFOUND,
		    "there is no host %s that could be replaced", id);
	if (h != NULL && !replace) {
		r = err_set(e, ERR_EXISTS, "%s is a host already", id);
		err_hint(e,
		    "--replace ends what was accepted under that id; --id "
		    "gives another one");
		return r;
	}
	*out = h;
	return 0;
}

static int
fill(const struct cli_args *a, const struct accepting *x,
    const struct host_asks *asks, const char *id, struct acceptance *out,
    struct err *e)
{
	const struct enrol_statement *enrol = &asks->enrol.u.enrol;
	const struct host_known *old;
	int r;

	if ((r = find_replaced(&x->keys, id, cli_flag(a, "replace"), &old,
		 e)) != 0)
		return r;
	out->enrol = asks->enrol.hash;
	out->renew_until = x->until;
	out->has_replace = old != NULL;
	if (old != NULL)
		out->replace = old->accept;
	if ((out->host = str_dup(id)) == NULL ||
	    pubkey_dup(enrol->host_key, &out->host_key) != 0 ||
	    pubkey_dup(enrol->transport_key, &out->transport_key) != 0 ||
	    add_words(cli_all(a, "name"), old != NULL ? &old->names : NULL, id,
		&out->names) != 0 ||
	    add_words(cli_all(a, "role"), old != NULL ? &old->roles : NULL,
		NULL, &out->roles) != 0)
		return err_nomem(e);
	return 0;
}

static int
accept_one(const struct cli_args *a, struct accepting *x,
    const struct host_asks *asks, const char *id, const char *question,
    struct err *e)
{
	struct statement s;
	struct str done = STR_INIT;
	int r;

	if ((r = cli_new_statement(&s, ST_ACCEPT, &x->o.by.trust.realm,
		 x->o.by.person, e)) != 0 ||
	    (r = fill(a, x, asks, id, &s.u.accept, e)) != 0)
		goto out;
	str_addf(&done, "%s is accepted", id);
	if ((r = str_check(&done)) == 0)
		r = online_say(&x->o,
		    &(struct saying){.s = &s,
			.question = question,
			.done = done.p,
			.yes = x->yes,
			.out = cli_get(a, "o")},
		    e);
out:
	str_clear(&done);
	statement_clear(&s);
	return r;
}

static int
accept_named(const struct cli_args *a, struct accepting *x, const char *what,
    struct err *e)
{
	const char *id = cli_get(a, "id");
	const struct host_asks *asks;
	struct str text = STR_INIT;
	char quoted[QUOTE_MAX];
	int r;

	if (id != NULL && !id_is_valid(id))
		return err_set(e, ERR_USAGE,
		    "--id: %s is no id of a host, expected [a-z0-9._@+-]",
		    str_quote(quoted, id));
	if ((r = host_asks_find(&x->keys, what, &asks, e)) != 0)
		return r;
	host_asks_describe(asks, &text);
	if ((r = cli_print(&text, e)) != 0)
		return r;
	return accept_one(a, x, asks, id != NULL ? id : asks->enrol.by,
	    "Accept this host?", e);
}

/* --- all that match ------------------------------------------------------- */

static int
list_matching(const struct accepting *x, const char *match, size_t *n,
    struct err *e)
{
	static const char *const columns[] = {
	    "host", "host_key", "hostname", "from", "since"};
	struct table t;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	*n = 0;
	for (size_t i = 0; i < x->keys.n_waiting; i++) {
		const struct host_asks *asks = &x->keys.waiting[i];
		char fp[FINGERPRINT_MAX];

		if (!expr_glob(match, asks->enrol.by))
			continue;
		++*n;
		pubkey_fingerprint(asks->enrol.u.enrol.host_key, fp);
		table_add(&t, asks->enrol.by);
		table_add(&t, fp);
		table_add(&t, asks->enrol.u.enrol.hostname);
		table_add(&t, asks->from);
		online_add_time(&t, asks->since, TABLE_TEXT);
	}
	return online_print(&t, TABLE_TEXT, e);
}

/* Two that would like the same id are for a person to tell apart. */
static int
check_distinct(const struct accepting *x, const char *match, struct err *e)
{
	for (size_t i = 0; i < x->keys.n_waiting; i++) {
		const char *id = x->keys.waiting[i].enrol.by;
		const struct host_asks *found;
		int r;

		if (!expr_glob(match, id))
			continue;
		if ((r = host_asks_find(&x->keys, id, &found, e)) != 0)
			return r;
	}
	return 0;
}

static int
accept_all(const struct cli_args *a, struct accepting *x, const char *match,
    struct err *e)
{
	char question[64];
	size_t n;
	int r;

	if (cli_get(a, "id") != NULL || cli_all(a, "name")->n > 0 ||
	    cli_flag(a, "replace") || cli_get(a, "o") != NULL)
		return err_set(e, ERR_USAGE,
		    "--all takes --role and --until; what is of one host is "
		    "said of one host");
	if ((r = list_matching(x, match, &n, e)) != 0)
		return r;
	if (n == 0)
		return err_set(e, ERR_NOTFOUND, "no host waits that matches");
	if ((r = check_distinct(x, match, e)) != 0)
		return r;
	(void)snprintf(question, sizeof(question), "Accept %s %zu host%s?",
	    n == 1 ? "this" : "these", n, n == 1 ? "" : "s");
	if (!x->yes && !cli_confirm(question))
		return err_set(e, ERR_DENIED, "not signed");
	for (size_t i = 0; i < x->keys.n_waiting && r == 0; i++)
		if (expr_glob(match, x->keys.waiting[i].enrol.by))
			r = accept_one(a, x, &x->keys.waiting[i],
			    x->keys.waiting[i].enrol.by, NULL, e);
	return r;
}

/* --- the command ---------------------------------------------------------- */

static int
run_accept(struct cli_args *a, struct err *e)
{
	const char *until = cli_get(a, "until"), *all = cli_get(a, "all");
	struct accepting x = {.yes = cli_flag(a, "y")};
	int r;

	if ((all != NULL) == (cli_n_operands(a) > 0))
		return err_set(e, ERR_USAGE,
		    "accept whom? expected one that waits, or --all MATCH");
	if ((r = online_open(a, ONLINE_SIGNS | ONLINE_FAR, &x.o, e)) != 0)
		goto out;
	x.until = x.o.by.now + RENEW_LIFE;
	if ((until != NULL &&
		(r = cli_time("--until", until, x.o.by.now, 1, &x.until, e)) !=
		    0) ||
	    (r = online_connect(&x.o, e)) != 0 ||
	    (r = online_keys(&x.o, &x.keys, e)) != 0)
		goto out;
	r = all != NULL ? accept_all(a, &x, all, e)
			: accept_named(a, &x, cli_operand(a, 0), e);
out:
	host_keys_clear(&x.keys);
	online_clear(&x.o);
	return r;
}

static const struct cli_option options[] = {ONLINE_KEY,
    {0, "id", "ID", "the host's id (what it would like)"},
    {0, "name", "NAME", "a name in its certificate (its id); repeatable"},
    {0, "role", "ROLE", "a role it has; may be repeated"},
    {0, "until", "SPAN|TIME", "how long it may renew its certificate (365d)"},
    {0, "replace", NULL, "in the place of the host that has this id"},
    {0, "all", "MATCH", "each that waits whose id matches, once listed"},
    ONLINE_OUT, ONLINE_MASTER, CLI_YES};

const struct cli_command cmd_accept = {.name = "accept",
    .operands = "[ENROL|HOST]",
    .summary = "say who a host is that asks",
    CLI_OPTIONS(options),
    .max_operands = 1,
    .run = run_accept};
