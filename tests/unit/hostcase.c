/* SPDX-License-Identifier: ISC */
#include "tests/unit/hostcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char root_yaml[] = "version: 1\n"
				"expires: 2028-11-01\n"
				"grace: 14d\n"
				"officers:\n"
				"  olga@example.com: {keys: [<1>, <11>]}\n"
				"  ivan@example.com: {keys: [<2>]}\n"
				"operators:\n"
				"  petra@example.com: {keys: [<3>]}\n"
				"  paul@example.com: {keys: [<61>]}\n"
				"thresholds: {root: 2, policy: 1, fleet: 1}\n";

/* --- making statements --- */

static const char *
or_text(const char *s, const char *usual)
{
	return s != NULL ? s : usual;
}

static uint8_t
or_seed(uint8_t seed, uint8_t usual)
{
	return seed != 0 ? seed : usual;
}

static void
put_key(struct pubkey **out, uint8_t seed)
{
	assert_int_equal(pubkey_dup(fixture_key(seed), out), 0);
}

static void
put_text(char **out, const char *s)
{
	*out = str_dup(s);
	assert_non_null(*out);
}

static void
fill_enrol(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	(void)u;
	put_key(&s->u.enrol.host_key, or_seed(p->hk, HK_1));
	put_key(&s->u.enrol.transport_key, or_seed(p->tk, TK_1));
	put_text(&s->u.enrol.hostname, or_text(p->name, "web-1"));
}

static void
fill_accept(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	struct acceptance *a = &s->u.accept;
	const char *host = or_text(p->host, WEB_1);

	put_text(&a->host, host);
	a->enrol = p->wrong_ref ? fixture_hash(0x99) : u->s[p->ref].hash;
	put_key(&a->host_key, or_seed(p->hk, HK_1));
	put_key(&a->transport_key, or_seed(p->tk, TK_1));
	assert_int_equal(strs_add(&a->names, or_text(p->name, host)), 0);
	if (p->role != NULL)
		assert_int_equal(strs_add(&a->roles, p->role), 0);
	a->renew_until = NOW + (p->until != 0 ? p->until : 365 * DAY);
	a->has_replace = p->replace != 0 || p->wrong_replace;
	if (a->has_replace)
		a->replace = p->wrong_replace ? fixture_hash(0x98)
					      : u->s[p->replace - 1].hash;
	a->has_token = p->token != 0;
	if (a->has_token)
		a->token = u->s[p->token - 1].hash;
}

static void
fill_reject(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	if (p->host != NULL)
		put_text(&s->u.reject.host, p->host);
	else
		s->u.reject.enrol =
		    p->wrong_ref ? fixture_hash(0x99) : u->s[p->ref].hash;
	put_text(&s->u.reject.reason, "stolen");
}

static void
fill_rename(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	(void)u;
	put_text(&s->u.rename.host, or_text(p->host, WEB_1));
	put_text(&s->u.rename.to, p->to);
	assert_int_equal(strs_add(&s->u.rename.names, p->to), 0);
}

static void
fill_forget(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	(void)u;
	put_text(&s->u.forget.host, or_text(p->host, WEB_1));
	put_text(&s->u.forget.reason, "scrapped");
}

static void
fill_token(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	struct token_statement *t = &s->u.token;

	(void)u;
	put_key(&t->key, or_seed(p->hk, TOKEN_KEY));
	put_text(&t->hosts, or_text(p->hosts, "web-*.example.com"));
	t->count = p->count != 0 ? p->count : 1;
	t->expires = NOW + (p->expires != 0 ? p->expires : DAY);
	if (p->role != NULL)
		assert_int_equal(strs_add(&t->roles, p->role), 0);
}

static void
fill_renew(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	s->u.renew.accept =
	    p->wrong_ref ? fixture_hash(0x99) : u->s[p->ref].hash;
	put_key(&s->u.renew.key, or_seed(p->hk, HK_1));
}

static void
fill_report(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	struct report_statement *q = &s->u.report;

	q->seq = p->seq != 0 ? p->seq : 1;
	q->kind = REPORT_HEARTBEAT;
	q->root_version = 1;
	q->has_previous = q->seq > 1;
	if (q->has_previous)
		q->previous =
		    p->wrong_ref ? fixture_hash(0x99) : u->s[p->ref].hash;
}

static void (*const fill[ST_LAST + 1])(struct hostrun *,
    const struct hoststep *, struct statement *) = {
    [ST_ENROL] = fill_enrol,
    [ST_ACCEPT] = fill_accept,
    [ST_REJECT] = fill_reject,
    [ST_RENAME] = fill_rename,
    [ST_FORGET] = fill_forget,
    [ST_TOKEN] = fill_token,
    [ST_RENEW] = fill_renew,
    [ST_REPORT] = fill_report,
};

static const char *
usual_author(const struct hoststep *p)
{
	switch (p->type) {
	case ST_ENROL:
	case ST_RENEW:
	case ST_REPORT:
		return or_text(p->host, WEB_1);
	case ST_ACCEPT:
		return p->token != 0 ? or_text(p->host, WEB_1) : PETRA;
	default:
		return PETRA;
	}
}

static void
usual_seeds(const struct hoststep *p, uint8_t out[3])
{
	uint8_t hk = or_seed(p->hk, HK_1), tk = or_seed(p->tk, TK_1);

	out[1] = out[2] = 0;
	if (p->type == ST_ENROL) {
		out[0] = hk;
		out[1] = tk;
	} else if (p->type == ST_RENEW || p->type == ST_REPORT) {
		out[0] = hk;
	} else if (p->type == ST_ACCEPT && p->token != 0) {
		out[0] = TOKEN_KEY;
	} else {
		out[0] = SEED_PETRA;
	}
}

void
hostcase_make(struct hostrun *u, const struct hoststep *p, struct statement *s)
{
	uint8_t seeds[3];
	struct err e = {0};

	if (p->same) {
		const struct statement *from = &u->s[p->ref];

		statement_init(s, 0);
		if (statement_parse("again", statement_bytes(from), s, &e) !=
			0 ||
		    statement_verify(s, &e) != 0)
			fail_msg("%s", e.msg);
		return;
	}
	usual_seeds(p, seeds);
	fixture_statement(s, p->type, or_text(p->by, usual_author(p)));
	s->at = NOW + p->at;
	if (p->other_realm)
		s->realm = fixture_hash(0x55);
	fill[p->type](u, p, s);
	fixture_sign(s, p->seeds[0] != 0 ? p->seeds : seeds);
}

/* --- a run over the steps --- */

void
hostcase_open(struct hostrun *u)
{
	*u = (struct hostrun){0};
	u->policy = fixture_policy(root_yaml, NULL);
	assert_int_equal(fleet_hosts_new(&u->hosts), 0);
	assert_int_equal(standing_new(&u->standing), 0);
	for (size_t i = 0; i < STEPS; i++)
		statement_init(&u->s[i], 0);
}

void
hostcase_close(struct hostrun *u)
{
	for (size_t i = 0; i < STEPS; i++)
		statement_clear(&u->s[i]);
	fleet_hosts_free(u->hosts);
	standing_free(u->standing);
	policy_free(u->policy);
}

/* Officers revoke the key TK_3, Paul's, and the "person" WEB_2. */
static void
revoke(struct hostrun *u, int what)
{
	struct statement s;
	struct err e = {0};

	fixture_statement(&s, ST_REVOKE, OLGA);
	if (what == 0)
		put_key(&s.u.v.key, TK_3);
	else if (what == 1)
		put_key(&s.u.v.key, PAUL_KEY);
	else
		put_text(&s.u.v.person, WEB_2);
	put_text(&s.u.v.reason, "stolen");
	fixture_sign(&s, FIXTURE_BY(SEED_OLGA));
	if (standing_apply(u->standing, u->policy, &s, NULL, NULL, &e) != 0)
		fail_msg("revoke: %s", e.msg);
	statement_clear(&s);
}

int
hostcase_judge(struct hostrun *u, const struct hostcase *c,
    const struct statement *s, struct err *e)
{
	struct fleet_judge j = {.policy = u->policy,
	    .realm = fixture_realm(),
	    .standing = c->standing ? u->standing : NULL,
	    .now = c->no_clock ? 0 : NOW + c->now};
	const struct fleet_host_row *row = NULL;
	int check, r;

	if (s->type == ST_RENEW)
		return fleet_hosts_renew(u->hosts, &j, s, &row, e);
	if (s->type == ST_REPORT) {
		check =
		    fleet_hosts_report_check(u->hosts, j.realm, s, &row, NULL);
		r = fleet_hosts_report(u->hosts, j.realm, s, &row, e);
	} else {
		check = fleet_hosts_check(u->hosts, &j, s, NULL);
		r = fleet_hosts_fold(u->hosts, &j, s, e);
	}
	/* What asks alone says the same. */
	assert_int_equal(check, r);
	return r;
}

size_t
hostcase_steps(const struct hostcase *c)
{
	size_t n = 0;

	while (n < STEPS && c->steps[n].type != 0)
		n++;
	return n;
}

void
hostcase_play(struct hostrun *u, const struct hostcase *c)
{
	for (size_t i = 0; i < hostcase_steps(c); i++) {
		struct err e = {0};

		hostcase_make(u, &c->steps[i], &u->s[i]);
		if (hostcase_judge(u, c, &u->s[i], &e) != 0)
			fail_msg("step %zu: %s", i, e.msg);
	}
}

void
hostcase_run(const struct hostcase *c)
{
	size_t n = hostcase_steps(c);
	struct hostrun u;

	hostcase_open(&u);
	for (int i = 0; i < 3 && c->standing; i++)
		revoke(&u, i);
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n;
		struct err e = {0};
		int r;

		hostcase_make(&u, &c->steps[i], &u.s[i]);
		r = hostcase_judge(&u, c, &u.s[i], &e);
		if (r != (last ? c->want : 0))
			fail_msg("%s: step %zu: %d (%s), expected %d", c->name,
			    i, r, e.msg, last ? c->want : 0);
		if (last && c->want != 0 && strstr(e.msg, c->says) == NULL)
			fail_msg("%s: '%s', expected '%s'", c->name, e.msg,
			    c->says);
	}
	hostcase_close(&u);
}

void
hostcase_run_all(const struct hostcase *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hostcase_run(&c[i]);
}
