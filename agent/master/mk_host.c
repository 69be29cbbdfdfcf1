/* SPDX-License-Identifier: ISC */
/* What hosts say: they are there, how they are, and what they would like. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"

#define PORT_SSH 22

/* --- attend --------------------------------------------------------------- */

/*
 * Another session of the same key while one is open: with the same boot it is
 * the host that comes again, with another one it is two machines.
 */
static void
take_over(struct mk *k, struct mk_host *h, const uint8_t *boot)
{
	struct err e = {0};

	if (h->attend == NULL)
		return;
	if (h->has_boot && memcmp(h->boot_id, boot, BOOT_ID_LEN) != 0)
		mk_alarm(k, h, h->attend->address,
		    "is there twice, from two boots: its key may be cloned");
	(void)err_set(&e, ERR_BUSY, "%s attends anew", h->id);
	mk_call_fail(k, h->attend, &e);
}

int
mk_attend(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	uint64_t root = 0, policy = 0, fleet = 0, krl = 0;
	struct mk_host *h = c->host;
	uint8_t boot[BOOT_ID_LEN];
	int r;

	(void)out;
	if ((r = json_hex(c->args, "boot_id", 0, boot, sizeof(boot), e)) != 0 ||
	    (r = json_u64(c->args, "root_version", 0, 0, UINT64_MAX, &root,
		 e)) != 0 ||
	    (r = json_u64(c->args, "policy_version", 0, 0, UINT64_MAX, &policy,
		 e)) != 0 ||
	    (r = json_u64(c->args, "fleet_version", 0, 0, UINT64_MAX, &fleet,
		 e)) != 0 ||
	    (r = json_u64(c->args, "krl_version", 0, 0, UINT64_MAX, &krl, e)) !=
		0)
		return r;
	take_over(k, h, boot);
	/* A claim, as everything it says of itself. */
	h->root_version = root;
	h->policy_version = policy;
	h->fleet_version = fleet;
	h->krl_version = krl;
	memcpy(h->boot_id, boot, sizeof(boot));
	h->has_boot = true;
	h->attend = c;
	k->n_attend++;
	jobs_came(k->jobs, h->number);
	mk_dirty(k, h);
	return MK_LATER;
}

/* --- report --------------------------------------------------------------- */

/* How it stands in an order, by its id or by one that it had. */
static const struct job_host *
place_in(const struct mk *k, const struct job *j, const struct mk_host *h)
{
	const struct fleet_host_row *row = mk_row(k, h);
	const struct job_host *at = job_host(j, h->number);

	for (size_t i = 0; at == NULL && row != NULL && i < row->was->n; i++) {
		const struct mk_host *was =
		    board_find(&k->board, row->was->v[i]);

		if (was != NULL)
			at = job_host(j, was->number);
	}
	return at;
}

/* Is what it says about an order possible?  It was told of no other. */
static int
check_job(struct mk *k, const struct mk_host *h, const struct statement *s,
    struct err *e)
{
	const struct report_statement *r = &s->u.report;
	const struct job *j;
	const struct job_host *at;

	if (!r->has_job || (j = jobs_find(k->jobs, &r->job)) == NULL)
		return 0;
	at = place_in(k, j, h);
	if (at == NULL)
		return err_set(e, ERR_DENIED,
		    "report about a job that does not name %s", h->id);
	if (at->batch > j->opened)
		return err_set(e, ERR_DENIED,
		    "report of %s about a job whose batch %u is not open",
		    h->id, at->batch);
	return 0;
}

/*
 * Said before it heard of its new id: its own key's, and of an id that is nobody
 * else's now.  Refused, nothing that waits behind it would ever be heard of.
 */
static bool
is_by_former(struct mk *k, const struct mk_host *h, const struct statement *s)
{
	const struct fleet_host_row *row = mk_row(k, h);

	return row != NULL && strs_has(row->was, s->by) &&
	    fleet_hosts_by_id(k->hosts, s->by) == NULL &&
	    statement_signed_by(s, row->host_key) >= 0;
}

static int
check_report(struct mk *k, struct mk_call *c, const struct statement *s,
    struct err *e)
{
	char quoted[QUOTE_MAX];

	if (s->type != ST_REPORT)
		return err_set(e, ERR_PARSE,
		    "'statement' is of type %s, expected report",
		    statement_type_name(s->type));
	if (strcmp(s->by, c->host->id) != 0 && !is_by_former(k, c->host, s))
		return err_set(e, ERR_DENIED, "report of %s, brought by %s",
		    str_quote(quoted, s->by), c->host->id);
	/* Whatever its clock says: what waits behind a report that is refused would
	   not be heard of. */
	return check_job(k, c->host, s, e);
}

/*
 * Each report is a leaf for good and rows in the store, and nothing else ends what
 * one host says.  Above its rate it is asked to say the same later, in its order, so
 * that nothing is missing in the end.
 */
static int
check_rate(struct mk *k, const struct mk_call *c, struct err *e)
{
	struct mk_host *h = c->host;
	int64_t ms = k->now_ms - h->said_ms;

	h->said_ms = k->now_ms;
	/* What is above is no more than one report more than MK_REPORT_BURST. */
	if (ms >= INT64_C(1000) * MK_REPORT_BURST / MK_REPORT_RATE)
		h->said = 0;
	else if (ms > 0)
		h->said -= ms * MK_REPORT_RATE / 1000;
	if (h->said < 0)
		h->said = 0;
	if (h->said < MK_REPORT_BURST / 2)
		h->says_too_much = false;
	if (h->said < MK_REPORT_BURST)
		return 0;
	if (!h->says_too_much)
		mk_alarm(k, h, c->address,
		    "reports more than is taken of one host: the rest waits "
		    "there");
	h->says_too_much = true;
	(void)err_set(e, ERR_BUSY,
	    "%s has reported %d MiB more than the %d KiB a second that are "
	    "taken of one host",
	    h->id, MK_REPORT_BURST / 1024 / 1024, MK_REPORT_RATE / 1024);
	err_hint(e, "say the same again in a while");
	return ERR_BUSY;
}

int
mk_report(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const struct hash *realm = &content_trust(k->content)->realm;
	struct mk_item from = {.call = c, .host = c->host}, *item = NULL;
	const struct fleet_host_row *row = NULL;
	struct err why = {0};
	int r;

	(void)out;
	statement_init(&from.s, ST_REPORT);
	if ((r = mk_can_take(k, e)) != 0 || (r = check_rate(k, c, e)) != 0 ||
	    (r = mk_arg_statement(c, "statement", &from.s, e)) != 0 ||
	    (r = check_report(k, c, &from.s, e)) != 0 ||
	    (r = mk_parts(c, 1, e)) != 0 ||
	    (r = mk_item_new(&from, &item, e)) != 0)
		goto out;
	r = fleet_hosts_report(k->hosts, realm, &item->s, &row, &why);
	if (r < 0) {
		if (e != NULL)
			*e = why;
		goto out;
	}
	item->gap = r == FLEET_HOSTS_GAP;
	item->missing = item->gap ? row->missing : 0;
	item->has_leaf = r != FLEET_HOSTS_AGAIN;
	if (item->has_leaf)
		c->host->said += (int64_t)item->s.n_bytes;
	c->parts[0].hash = item->s.hash;
	c->parts[0].number = item->s.u.report.seq;
	mk_item_go(k, item);
	item = NULL;
	r = MK_LATER;
out:
	mk_item_free(item);
	mk_item_clear(&from);
	return r;
}

/* --- renew ---------------------------------------------------------------- */

int
mk_renew(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const struct trust *t = content_trust(k->content);
	const struct fleet_judge j = {
	    .policy = t->policy, .realm = &t->realm, .now = k->now};
	const struct fleet_host_row *row = NULL;
	struct statement s;
	int r;

	statement_init(&s, ST_RENEW);
	if ((r = mk_arg_statement(c, "statement", &s, e)) != 0)
		goto out;
	if (strcmp(s.by, c->host->id) != 0) {
		char quoted[QUOTE_MAX];

		r = err_set(e, ERR_DENIED, "renewal of %s, brought by %s",
		    str_quote(quoted, s.by), c->host->id);
		goto out;
	}
	if ((r = fleet_hosts_renew(k->hosts, &j, &s, &row, e)) != 0)
		goto out;
	r = mk_courier_renew(k, c, &s, out, e);
out:
	statement_clear(&s);
	return r;
}

/* --- dial ----------------------------------------------------------------- */

/* Where what is asked for goes on although who asked hangs up, a host that comes
 * again and again would have all of it. */
static uint32_t *
free_dial(struct mk_host *h)
{
	for (size_t i = 0; i < MK_DIALS; i++)
		if (h->dials[i] == 0)
			return &h->dials[i];
	return NULL;
}

static bool
is_dial_of(struct mk_host *h, uint32_t id)
{
	for (size_t i = 0; i < MK_DIALS; i++)
		if (h->dials[i] == id) {
			h->dials[i] = 0;
			return true;
		}
	return false;
}

/* The call, or nobody's any more, has ended. */
static void
end_dial(struct mk *k, const struct mk_call *c, uint32_t id)
{
	bool found = c != NULL && is_dial_of(c->host, id);

	for (size_t i = 0; !found && i < k->board.n; i++)
		found = is_dial_of(k->board.v[i], id);
}

int
mk_dial(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	int64_t port = PORT_SSH;
	uint32_t *mine;
	int r;

	(void)out;
	if ((r = json_int(c->args, "port", JSON_OPTIONAL, 1, 65535, &port,
		 e)) != 0)
		return r;
	if ((mine = free_dial(c->host)) == NULL)
		return err_set(e, ERR_BUSY,
		    "the master is connecting to %s already, expected at most "
		    "%d at once",
		    c->host->id, MK_DIALS);
	if ((r = dialer_ask(k->dialer, ++k->last_ask, c->address,
		 (uint16_t)port, e)) != 0)
		return r;
	*mine = k->last_ask;
	mk_call_asks(k, c, k->last_ask);
	return MK_LATER;
}

void
mk_dialed(struct mk *k)
{
	struct dial_answer a;
	struct err e = {0};
	struct mk_call *c;
	int r;

	while ((r = dialer_take(k->dialer, &a, &e)) == 0) {
		struct str s = STR_INIT;
		struct jw w;

		c = mk_call_asking(k, a.id);
		end_dial(k, c, a.id);
		if (c == NULL)
			continue;
		jw_init(&w, &s, false);
		jw_begin(&w, NULL, '{');
		jw_bool(&w, "reached", a.reached);
		jw_str(&w, a.reached ? "key" : "why", a.text);
		jw_end(&w, '}');
		mk_call_end(k, c, 0, &s);
		str_clear(&s);
	}
	if (r < 0) {
		k->r = r;
		k->e = e;
	}
}
