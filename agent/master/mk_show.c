/* SPDX-License-Identifier: ISC */
/* What people are shown: this master, hosts, what hosts have said. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/conf/expr.h"

#define PROGRAM "writ 0.1"

int
mk_hello(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const struct trust *t = content_trust(k->content);
	struct jw w;

	(void)e;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "name", k->config.name);
	jw_hex(&w, "realm", t->realm.b, HASH_LEN);
	jw_str(&w, "you", c->name);
	jw_u64(&w, "root_version", t->root_version);
	jw_u64(&w, "policy_version", t->policy->version);
	jw_u64(&w, "fleet_version", content_held(k->content)->version);
	jw_u64(&w, "krl_version", k->krl.version);
	jw_time(&w, "now", k->now);
	jw_str(&w, "version", PROGRAM);
	jw_end(&w, '}');
	return 0;
}

int
mk_help(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;

	(void)k;
	(void)e;
	call_help(&master_calls, &s);
	if (c->form == FORM_TEXT) {
		str_addn(out, s.p, s.n);
	} else {
		jw_init(&w, out, false);
		jw_begin(&w, NULL, '{');
		jw_str(&w, "text", s.p);
		jw_end(&w, '}');
	}
	out->failed = out->failed || s.failed;
	str_clear(&s);
	return 0;
}

/* --- facts ---------------------------------------------------------------- */

static void
put_enrol(struct jw *w, const struct statement *s)
{
	const struct enrol_statement *n = &s->u.enrol;

	jw_str(w, "hostname", n->hostname);
	jw_begin(w, "grains", '{');
	for (size_t i = 0; i < n->n_grains; i++)
		jw_str(w, n->grains[i].name, n->grains[i].value);
	jw_end(w, '}');
}

/* What it asked in with, parsed: 1 where it is not there. */
static int
read_enrol(struct mk *k, const struct fleet_host_row *row, struct statement *s,
    struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = mk_said(k, &row->enrol, &text, &n, e)) == 0)
		r = statement_parse("store", slice_of(text, n), s, e);
	free(text);
	return r;
}

static void
put_said(struct jw *w, const char *name, struct slice text, int64_t at)
{
	if (text.n == 0)
		return;
	jw_begin(w, name, '{');
	jw_time(w, "came", at);
	jw_strn(w, "statement", (const char *)text.p, text.n);
	jw_end(w, '}');
}

static int
put_reports(void *ctx, const struct host_rows *row)
{
	struct jw *w = ctx;

	put_said(w, "report", row->report, row->at);
	put_said(w, "run", row->run, row->run_at);
	if (row->certificate != NULL)
		jw_str(w, "certificate", row->certificate);
	return 0;
}

int
mk_facts(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const struct fleet_host_row *row;
	const char *host = NULL;
	char quoted[QUOTE_MAX];
	struct statement s;
	struct jw w;
	int r;

	if ((r = json_str(c->args, "host", 0, ID_MAX, &host, e)) != 0)
		return r;
	if ((row = fleet_hosts_by_id(k->hosts, host)) == NULL)
		return err_set(e, ERR_NOTFOUND, "no host has the id %s",
		    str_quote(quoted, host));
	statement_init(&s, ST_ENROL);
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_begin(&w, "acceptance", '{');
	mk_put_host(&w, row);
	jw_end(&w, '}');
	if ((r = read_enrol(k, row, &s, e)) == 0)
		put_enrol(&w, &s);
	if (r >= 0)
		r = rows_host(k->rows, host, put_reports, &w, e);
	jw_end(&w, '}');
	statement_clear(&s);
	return r < 0 ? r : 0;
}

/* --- status --------------------------------------------------------------- */

static void
put_host(struct mk *k, const struct mk_host *h,
    const struct fleet_host_row *row, struct jw *w)
{
	char boot[2 * BOOT_ID_LEN + 1];

	jw_begin(w, NULL, '{');
	jw_str(w, "host", h->id);
	jw_bool(w, "connected", h->attend != NULL);
	if (h->contact != 0)
		jw_time(w, "last_contact", h->contact);
	jw_u64(w, "fleet_version", h->fleet_version);
	jw_u64(w, "target", jobs_version(k->jobs, h->number));
	jw_u64(w, "policy_version", h->policy_version);
	jw_u64(w, "krl_version", h->krl_version);
	jw_u64(w, "seq", row->seq);
	if (h->has_run)
		jw_str(w, "outcome",
		    run_outcome_name((enum run_outcome)h->outcome));
	jw_bool(w, "drift", h->drifts);
	if (h->has_boot) {
		hex_encode(h->boot_id, BOOT_ID_LEN, boot);
		jw_str(w, "boot_id", boot);
	}
	if (row->rejected)
		jw_bool(w, "rejected", true);
	mk_put_alarms(w, "alarms", h);
	jw_end(w, '}');
}

struct showing {
	struct mk *k;
	struct jw w;
	const struct str *out;
	size_t most;       /* bytes of a page */
	uint64_t after, n; /* n: hosts looked at */
	uint64_t next;     /* the first that finds no room; 0: all do */
	bool any;          /* one is in it */
	struct expr *on;   /* NULL: all */
	bool grains;       /* it asks for some */
	struct statement s;
	struct err *e;
};

static const char *
grain(void *ctx, const char *name)
{
	const struct showing *x = ctx;
	const struct enrol_statement *n = &x->s.u.enrol;

	if (x->s.type != ST_ENROL || x->s.bytes == NULL)
		return NULL;
	for (size_t i = 0; i < n->n_grains; i++)
		if (strcmp(n->grains[i].name, name) == 0)
			return n->grains[i].value;
	return NULL;
}

/* 1: no, it is not one of those that are asked for. */
static int
is_asked_for(struct showing *x, const struct fleet_host_row *row)
{
	const struct expr_host who = {
	    .id = row->id, .roles = row->roles, .grain = grain, .ctx = x};
	int r = 0;

	if (x->on == NULL)
		return 0;
	if (x->grains)
		r = read_enrol(x->k, row, &x->s, x->e);
	return r < 0 ? r : !expr_match(x->on, &who);
}

/* 1: the page is full, and this one comes first in the next. */
static int
show_host(void *ctx, const struct fleet_host_row *row)
{
	struct showing *x = ctx;
	const struct mk_host *h = board_find(&x->k->board, row->id);
	uint64_t i = x->n++;
	int r;

	if (i < x->after || h == NULL)
		return 0;
	if ((r = is_asked_for(x, row)) != 0)
		return r < 0 ? r : 0;
	if (x->any && x->out->n >= x->most) {
		x->next = i;
		return 1;
	}
	x->any = true;
	put_host(x->k, h, row, &x->w);
	return 0;
}

static int
parse_on(struct mk_call *c, struct showing *x, struct err *e)
{
	const struct conf_pos pos = {.file = "on", .line = 1, .col = 1};
	struct conf_diags diags = {0};
	struct strs names = {0};
	const char *text = NULL;
	int r;

	if ((r = json_str(c->args, "on", JSON_OPTIONAL, EXPR_MAX, &text, e)) !=
		0 ||
	    text == NULL)
		return r;
	if ((r = expr_parse_text(text, pos, &x->on, &diags)) != 0)
		r = r == ERR_NOMEM ? err_nomem(e)
				   : conf_diags_err(&diags, r, e);
	else if (expr_grains(x->on, &names) != 0)
		r = err_nomem(e);
	x->grains = names.n > 0;
	strs_clear(&names);
	conf_diags_clear(&diags);
	return r;
}

static int
show_hosts(struct showing *x, struct str *out)
{
	int r;

	x->out = out;
	jw_init(&x->w, out, false);
	jw_begin(&x->w, NULL, '{');
	jw_begin(&x->w, "hosts", '[');
	r = fleet_hosts_each(x->k->hosts, show_host, x);
	jw_end(&x->w, ']');
	if (x->next != 0)
		jw_u64(&x->w, "next", x->next);
	jw_end(&x->w, '}');
	return r < 0 ? r : 0;
}

int
mk_put_status(struct mk *k, struct mk_call *c, size_t most, struct str *out,
    struct err *e)
{
	struct showing x = {.k = k, .most = most, .e = e};
	int r;

	statement_init(&x.s, ST_ENROL);
	if ((r = json_u64(c->args, "after", JSON_OPTIONAL, 0, UINT64_MAX,
		 &x.after, e)) == 0 &&
	    (r = parse_on(c, &x, e)) == 0)
		r = show_hosts(&x, out);
	expr_free(x.on);
	statement_clear(&x.s);
	return r;
}

int
mk_status(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	return mk_put_status(k, c, MK_PAGE, out, e);
}
