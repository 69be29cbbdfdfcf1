/* SPDX-License-Identifier: ISC */
/* writ fleet logins: who logged in, as hosts saw it. */
#include "agent/client/logins.h"

#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/online.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/cli/signing.h"

#define PAGES_MAX 10000 /* a master looks at 20,000 for each */

/* --- the question --- */

struct question {
	const char *host, *account;
	const struct strs *what; /* empty: all kinds */
	bool has_since, has_until;
	int64_t since, until;
};

static int
read_times(const struct cli_args *a, struct question *q, struct err *e)
{
	const char *since = cli_get(a, "since"), *until = cli_get(a, "until");
	int64_t now = clock_now();
	int r;

	q->has_since = since != NULL;
	q->has_until = until != NULL;
	if (q->has_since) {
		if ((r = cli_since(since, now, &q->since, e)) != 0)
			return r;
		cli_warn_since(since, q->since, now);
	}
	if (q->has_until &&
	    (r = cli_time("--until", until, now, -1, &q->until, e)) != 0)
		return r;
	/* A span may be longer than there is time. */
	if (q->since < 0)
		q->since = 0;
	if (q->until < 0)
		q->until = 0;
	if (q->has_since && q->has_until && q->until < q->since)
		return err_set(e, ERR_USAGE, "--until is before --since");
	return 0;
}

static int
read_question(const struct cli_args *a, struct question *q, struct err *e)
{
	char quoted[QUOTE_MAX];
	enum login_what what;

	*q = (struct question){.host = cli_get(a, "host"),
	    .account = cli_get(a, "account"),
	    .what = cli_all(a, "what")};
	if (q->host != NULL && !id_is_valid(q->host))
		return err_set(e, ERR_USAGE, "%s is no id of a host",
		    str_quote(quoted, q->host));
	for (size_t i = 0; i < q->what->n; i++)
		if (login_what_parse(q->what->v[i], &what) != 0)
			return err_set(e, ERR_USAGE,
			    "--what is %s, expected login, refused, end, sudo "
			    "or failed",
			    str_quote(quoted, q->what->v[i]));
	return read_times(a, q, e);
}

static void
write_question(const struct question *q, const char *after, struct str *out)
{
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "logins");
	if (q->host != NULL)
		jw_str(&w, "host", q->host);
	if (q->account != NULL)
		jw_str(&w, "account", q->account);
	if (q->what->n > 0)
		jw_strs(&w, "what", q->what);
	if (q->has_since)
		jw_time(&w, "since", q->since);
	if (q->has_until)
		jw_time(&w, "until", q->until);
	if (after != NULL)
		jw_str(&w, "after", after);
	jw_end(&w, '}');
}

/* Page after page; a hint where there are too many of them. */
static int
ask(struct online *o, const struct question *q, struct logins_told *out,
    struct err *e)
{
	char *next = NULL;
	unsigned pages = 0;
	int r;

	do {
		struct str call = STR_INIT;
		json_t *body = NULL;

		write_question(q, next, &call);
		free(next);
		next = NULL;
		if ((r = master_call(&o->master, &call, NULL, &body, e)) != 0)
			break;
		if ((r = logins_told_parse(body, out, &next, e)) != 0)
			err_prefix(e, "%s: logins", o->master.address);
		else if (next != NULL && ++pages == PAGES_MAX)
			r = err_set(e, ERR_LIMIT,
			    "%s: logins: more than %d pages", o->master.address,
			    PAGES_MAX);
		json_decref(body);
	} while (r == 0 && next != NULL);
	if (r == ERR_LIMIT)
		err_hint(e, "ask for less, with --since, --host or --what");
	free(next);
	return r;
}

/* --- the answer --- */

static void
add_rest(struct table *t, const struct login_told *x)
{
	struct str s = STR_INIT;

	login_told_words(&x->event, &s);
	if (x->clock != 0) {
		str_add(&s, s.n > 0 ? "; " : "");
		login_clock_describe(x->clock, &s);
	}
	table_add(t, s.p);
	t->failed |= str_check(&s) != 0;
	str_clear(&s);
}

static int
print_text(const struct logins_told *l, struct err *e)
{
	static const char *const columns[] = {
	    "at", "host", "what", "account", "from", "how"};
	struct table t;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < l->n; i++) {
		const struct login_event *v = &l->v[i].event;

		online_add_time(&t, v->at, TABLE_TEXT);
		table_add(&t, l->v[i].host);
		table_add(&t, login_what_name(v->what));
		table_add(&t, v->account);
		table_add(&t, v->from);
		add_rest(&t, &l->v[i]);
	}
	return online_print(&t, TABLE_TEXT, e);
}

/* In the order of a report's fields, and then where it stands. */
static void
add_fields(struct table *t, const struct login_told *x, enum table_format f)
{
	const struct login_event *v = &x->event;
	char hex[HASH_HEX];

	online_add_time(t, v->at, f);
	table_add(t, x->host);
	table_add(t, login_what_name(v->what));
	online_add_time(t, v->until, f);
	table_add_number(t, v->what == LOGIN_FAILED, v->count);
	table_add(t, login_source_name(v->source));
	table_add(t, v->session);
	table_add(t, v->account);
	table_add(t, v->from);
	table_add_number(t, v->port != 0, v->port);
	table_add(t, v->method);
	table_add_fingerprint(t, v->has_key, &v->key);
	table_add_fingerprint(t, v->has_cert, &v->ca);
	table_add_number(t, v->has_cert, v->serial);
	table_add(t, v->key_id);
	table_add_fingerprint(t, v->has_tbs, &v->tbs);
	table_add_number(t, v->signatures != 0, v->signatures);
	table_add(t, v->command);
	table_add(t, v->as);
	table_add(t, v->why);
	online_add_time(t, x->came, f);
	if (x->clock != 0)
		table_addf(t, "%lld", (long long)x->clock);
	else
		table_add(t, NULL);
	table_add_number(t, true, x->seq);
	table_add_number(t, true, (uint64_t)x->number);
	table_add_number(t, true, x->index);
	hash_hex(&x->report, hex);
	table_add(t, hex);
}

static int
print_all(const struct logins_told *l, enum table_format f, struct err *e)
{
	static const char *const columns[] = {"at", "host", "what", "until",
	    "count", "source", "session", "account", "from", "port", "method",
	    "key", "ca", "serial", "key_id", "tbs", "signatures", "command",
	    "as", "why", "came", "clock", "seq", "number", "index", "report"};
	struct table t;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < l->n; i++)
		add_fields(&t, &l->v[i], f);
	return online_print(&t, f, e);
}

static int
run_logins(struct cli_args *a, struct err *e)
{
	struct logins_told told = {0};
	struct online o = {0};
	struct question q;
	enum table_format f = cli_format(a);
	int r;

	if ((r = read_question(a, &q, e)) != 0)
		return r;
	if ((r = online_ask(a, &o, e)) == 0 && (r = ask(&o, &q, &told, e)) == 0)
		r = f == TABLE_TEXT ? print_text(&told, e)
				    : print_all(&told, f, e);
	logins_told_clear(&told);
	online_clear(&o);
	return r;
}

static const struct cli_option options[] = {ONLINE_KEY,
    {0, "host", "ID", "on this host (all)"},
    {0, "account", "NAME", "to or by this account (all)"},
    {0, "what", "KIND", "login, refused, end, sudo or failed; repeatable"},
    {0, "since", "T|SPAN", "from then on, such as 24h"},
    {0, "until", "T|SPAN", "until then"}, ONLINE_MASTER, CLI_JSON, CLI_CSV};

const struct cli_command cmd_logins = {.name = "logins",
    .operands = "",
    .summary = "who logged in, as hosts saw it",
    CLI_OPTIONS(options),
    .run = run_logins};
