/* SPDX-License-Identifier: ISC */
/*
 * Who is which host.  A case is a few statements in the order of a log, all but
 * the last of which count; the last is what the case is about, next to one that
 * differs by the least step and comes out the other way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/trust/fleet_hosts.h"
#include "lib/trust/standing.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"

#define DAY   86400
#define NOW   FIXTURE_NOW
#define WEB_1 "web-1.example.com"
#define WEB_2 "web-2.example.com"
#define PAUL  "paul@example.com"

enum {
	HK_1 = 50, /* host and transport keys of hosts */
	TK_1,
	HK_2,
	TK_2,
	TK_3,
	TOKEN_KEY = 60,
	PAUL_KEY = 61, /* an operator as well */
};

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

/* A statement of a case.  What is zero is as usual: by Petra, or for enrol, an
 * acceptance by a token, renew and report by the host; signed by who should. */
struct step {
	enum statement_type type;
	int64_t at; /* after NOW, seconds */
	const char *by;
	uint8_t seeds[3];
	bool same; /* the statement of step `ref` once more */
	bool other_realm;
	const char *host, *to; /* default WEB_1 */
	uint8_t hk, tk;        /* default HK_1, TK_1 */
	int ref;               /* the step whose statement it names */
	int replace, token;    /* steps, counted from 1; 0: none */
	bool wrong_ref, wrong_replace;
	const char *name, *role; /* default: the id; none */
	int64_t until;           /* after NOW; default 365 d */
	const char *hosts;       /* of a token; default web-*.example.com */
	uint64_t count, seq;     /* default 1 */
	int64_t expires;         /* of a token; after NOW, default 1 d */
	bool no_previous;
};

#define STEPS 9
struct the_case {
	const char *name;
	int64_t now; /* after NOW */
	bool no_clock;
	bool standing; /* key TK_3 and person WEB_2 are revoked */
	int want;
	const char *says;
	struct step steps[STEPS];
};

/* --- making statements --- */

struct run {
	struct policy *policy;
	struct standing *standing;
	struct fleet_hosts *hosts;
	struct statement s[STEPS];
	size_t n;
};

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
fill_enrol(struct run *u, const struct step *p, struct statement *s)
{
	(void)u;
	put_key(&s->u.enrol.host_key, or_seed(p->hk, HK_1));
	put_key(&s->u.enrol.transport_key, or_seed(p->tk, TK_1));
	put_text(&s->u.enrol.hostname, or_text(p->name, "web-1"));
}

static void
fill_accept(struct run *u, const struct step *p, struct statement *s)
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
fill_reject(struct run *u, const struct step *p, struct statement *s)
{
	if (p->host != NULL)
		put_text(&s->u.reject.host, p->host);
	else
		s->u.reject.enrol =
		    p->wrong_ref ? fixture_hash(0x99) : u->s[p->ref].hash;
	put_text(&s->u.reject.reason, "stolen");
}

static void
fill_rename(struct run *u, const struct step *p, struct statement *s)
{
	(void)u;
	put_text(&s->u.rename.host, or_text(p->host, WEB_1));
	put_text(&s->u.rename.to, p->to);
	assert_int_equal(strs_add(&s->u.rename.names, p->to), 0);
}

static void
fill_forget(struct run *u, const struct step *p, struct statement *s)
{
	(void)u;
	put_text(&s->u.forget.host, or_text(p->host, WEB_1));
	put_text(&s->u.forget.reason, "scrapped");
}

static void
fill_token(struct run *u, const struct step *p, struct statement *s)
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
fill_renew(struct run *u, const struct step *p, struct statement *s)
{
	s->u.renew.accept =
	    p->wrong_ref ? fixture_hash(0x99) : u->s[p->ref].hash;
	put_key(&s->u.renew.key, or_seed(p->hk, HK_1));
}

static void
fill_report(struct run *u, const struct step *p, struct statement *s)
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

static void (*const fill[ST_LAST + 1])(struct run *, const struct step *,
    struct statement *) = {
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
usual_author(const struct step *p)
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
usual_seeds(const struct step *p, uint8_t out[3])
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

static void
make(struct run *u, const struct step *p, struct statement *s)
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

static void
run_set_up(struct run *u)
{
	*u = (struct run){0};
	u->policy = fixture_policy(root_yaml, NULL);
	assert_int_equal(fleet_hosts_new(&u->hosts), 0);
	assert_int_equal(standing_new(&u->standing), 0);
	for (size_t i = 0; i < STEPS; i++)
		statement_init(&u->s[i], 0);
}

static void
run_tear_down(struct run *u)
{
	for (size_t i = 0; i < STEPS; i++)
		statement_clear(&u->s[i]);
	fleet_hosts_free(u->hosts);
	standing_free(u->standing);
	policy_free(u->policy);
}

/* Officers revoke the key TK_3, Paul's, and the "person" WEB_2. */
static void
revoke(struct run *u, int what)
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

static int
judge(struct run *u, const struct the_case *c, const struct statement *s,
    struct err *e)
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

static size_t
n_steps(const struct the_case *c)
{
	size_t n = 0;

	while (n < STEPS && c->steps[n].type != 0)
		n++;
	return n;
}

static void
run_case(const struct the_case *c)
{
	size_t n = n_steps(c);
	struct run u;

	run_set_up(&u);
	for (int i = 0; i < 3 && c->standing; i++)
		revoke(&u, i);
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n;
		struct err e = {0};
		int r;

		make(&u, &c->steps[i], &u.s[i]);
		r = judge(&u, c, &u.s[i], &e);
		if (r != (last ? c->want : 0))
			fail_msg("%s: step %zu: %d (%s), expected %d", c->name,
			    i, r, e.msg, last ? c->want : 0);
		if (last && c->want != 0 && strstr(e.msg, c->says) == NULL)
			fail_msg("%s: '%s', expected '%s'", c->name, e.msg,
			    c->says);
	}
	run_tear_down(&u);
}

/* --- the cases --- */

#define ENROL_1                  \
	{                        \
		.type = ST_ENROL \
	}
#define ENROL_2                                          \
	{                                                \
		.type = ST_ENROL, .hk = HK_2, .tk = TK_2 \
	}
#define ACCEPT_1                  \
	{                         \
		.type = ST_ACCEPT \
	}
#define TOKEN                                               \
	{                                                   \
		.type = ST_TOKEN, .count = 2, .role = "web" \
	}
#define TWO ENROL_1, ACCEPT_1, ENROL_2

static const struct the_case enrols[] = {
    {.name = "both keys sign", .steps = {ENROL_1}},
    {.name = "host key alone",
	.want = ERR_BADSIG,
	.says = "not signed by the transport key",
	.steps = {{.type = ST_ENROL, .seeds = {HK_1}}}},
    {.name = "transport key alone",
	.want = ERR_BADSIG,
	.says = "not signed by the host key",
	.steps = {{.type = ST_ENROL, .seeds = {TK_1}}}},
    {.name = "another signs for the host key",
	.want = ERR_BADSIG,
	.says = "not signed by the host key",
	.steps = {{.type = ST_ENROL, .seeds = {HK_2, TK_1}}}},
    {.name = "another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.steps = {{.type = ST_ENROL, .other_realm = true}}},
    {.name = "the same again",
	.want = FLEET_HOSTS_AGAIN,
	.says = "waits already",
	.steps = {ENROL_1, {.type = ST_ENROL, .same = true}}},
    {.name = "the same keys anew",
	.steps = {ENROL_1, {.type = ST_ENROL, .at = 1}}},
    {.name = "accepted already",
	.want = FLEET_HOSTS_AGAIN,
	.says = "accepted already",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_ENROL, .at = 1}}},
    {.name = "a new transport key",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_ENROL, .tk = TK_2}}},
    {.name = "keys of two hosts",
	.want = ERR_DENIED,
	.says = "expected keys of one host",
	.steps = {TWO,
	    {.type = ST_ACCEPT,
		.host = WEB_2,
		.ref = 2,
		.hk = HK_2,
		.tk = TK_2},
	    {.type = ST_ENROL, .tk = TK_2}}},
    {.name = "a person's key",
	.want = ERR_DENIED,
	.says = "alice@example.com's",
	.steps = {{.type = ST_ENROL, .hk = SEED_ALICE}}},
    {.name = "an authority's key",
	.want = ERR_DENIED,
	.says = "authority host_ca's",
	.steps = {{.type = ST_ENROL, .tk = SEED_HOST_CA}}},
    {.name = "a revoked key",
	.want = ERR_DENIED,
	.says = "is revoked",
	.standing = true,
	.steps = {{.type = ST_ENROL, .tk = TK_3}}},
    {.name = "one not revoked", .standing = true, .steps = {ENROL_1}},
    {.name = "a clock 300 s ahead", .steps = {{.type = ST_ENROL, .at = 300}}},
    {.name = "a clock 301 s ahead",
	.want = ERR_DENIED,
	.says = "from the future",
	.steps = {{.type = ST_ENROL, .at = 301}}},
    {.name = "once it is a leaf",
	.no_clock = true,
	.steps = {{.type = ST_ENROL, .at = 301}}},
    {.name = "of one that was rejected while it asked",
	.want = ERR_DENIED,
	.says = "was rejected",
	.steps = {ENROL_1, {.type = ST_REJECT}, {.type = ST_ENROL, .at = 1}}},
    {.name = "of one with one key of those",
	.want = ERR_DENIED,
	.says = "was rejected",
	.steps = {ENROL_1, {.type = ST_REJECT},
	    {.type = ST_ENROL, .hk = HK_2, .at = 1}}},
    {.name = "of one with none",
	.steps = {ENROL_1, {.type = ST_REJECT}, ENROL_2}},
    {.name = "of a host that was rejected",
	.want = ERR_DENIED,
	.says = "was rejected",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_REJECT, .host = WEB_1},
	    {.type = ST_ENROL, .hk = HK_2, .at = 1}}},
    {.name = "forgotten, in the second of that",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_FORGET, .at = 5},
	    {.type = ST_ENROL, .at = 5}}},
    {.name = "forgotten, a second before that",
	.want = ERR_ROLLBACK,
	.says = "older than what was said of its host key",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_FORGET, .at = 5},
	    {.type = ST_ENROL, .at = 4}}},
    {.name = "with another host's key that is waited for by both",
	.steps = {ENROL_1, {.type = ST_ENROL, .tk = TK_2}}},
};

static const struct the_case acceptances[] = {
    {.name = "by an operator", .steps = {ENROL_1, ACCEPT_1}},
    {.name = "by the other one",
	.steps = {ENROL_1,
	    {.type = ST_ACCEPT, .by = PAUL, .seeds = {PAUL_KEY}}}},
    {.name = "by one whose key is revoked",
	.want = ERR_DENIED,
	.says = "not signed by a key",
	.standing = true,
	.steps = {ENROL_1,
	    {.type = ST_ACCEPT, .by = PAUL, .seeds = {PAUL_KEY}}}},
    {.name = "by one who did not sign",
	.want = ERR_DENIED,
	.says = "not signed by a key",
	.steps = {ENROL_1,
	    {.type = ST_ACCEPT, .by = PAUL, .seeds = {SEED_PETRA}}}},
    {.name = "by an officer",
	.want = ERR_DENIED,
	.says = "not an operator",
	.steps = {ENROL_1,
	    {.type = ST_ACCEPT, .by = OLGA, .seeds = {SEED_OLGA}}}},
    {.name = "by nobody",
	.want = ERR_DENIED,
	.says = "not an operator",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .by = "mallory@example.com"}}},
    {.name = "by the host",
	.want = ERR_DENIED,
	.says = "not an operator",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .by = WEB_1, .seeds = {HK_1}}}},
    {.name = "of another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .other_realm = true}}},
    {.name = "again",
	.want = FLEET_HOSTS_AGAIN,
	.says = "counted already",
	.steps = {ENROL_1, ACCEPT_1,
	    {.type = ST_ACCEPT, .same = true, .ref = 1}}},
    {.name = "before the enrol statement came",
	.want = ERR_NOTFOUND,
	.says = "no host waits",
	.steps = {{.type = ST_ACCEPT, .wrong_ref = true}}},
    {.name = "the first of two enrol statements of one host",
	.steps = {ENROL_1, {.type = ST_ENROL, .at = 1}, ACCEPT_1}},
    {.name = "the second of them",
	.steps = {ENROL_1, {.type = ST_ENROL, .at = 1},
	    {.type = ST_ACCEPT, .ref = 1}}},
    {.name = "the oldest of five, which is not kept",
	.want = ERR_NOTFOUND,
	.says = "no host waits",
	.steps = {ENROL_1, ENROL_1, ENROL_1, ENROL_1, ENROL_1, ACCEPT_1}},
    {.name = "the next of those",
	.steps = {ENROL_1, ENROL_1, ENROL_1, ENROL_1, ENROL_1,
	    {.type = ST_ACCEPT, .ref = 1}}},
    {.name = "another host key than enrolled",
	.want = ERR_DENIED,
	.says = "not those of the enrol",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .hk = HK_2}}},
    {.name = "another transport key than enrolled",
	.want = ERR_DENIED,
	.says = "not those of the enrol",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .tk = TK_2}}},
    {.name = "renewals until the next second",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .until = 1}}},
    {.name = "renewals until this one",
	.want = ERR_EXPIRED,
	.says = "renew_until",
	.now = 1,
	.steps = {ENROL_1, {.type = ST_ACCEPT, .until = 1}}},
    {.name = "from 300 s ahead",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .at = 300}}},
    {.name = "from the future",
	.want = ERR_DENIED,
	.says = "from the future",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .at = 301}}},
    {.name = "an id that is taken, without replace",
	.want = ERR_EXISTS,
	.says = "expected field 'replace'",
	.steps = {TWO, {.type = ST_ACCEPT, .ref = 2, .hk = HK_2, .tk = TK_2}}},
    {.name = "with replace",
	.steps = {TWO,
	    {.type = ST_ACCEPT,
		.ref = 2,
		.hk = HK_2,
		.tk = TK_2,
		.replace = 2}}},
    {.name = "with another replace",
	.want = ERR_DENIED,
	.says = "not the acceptance",
	.steps = {TWO,
	    {.type = ST_ACCEPT,
		.ref = 2,
		.hk = HK_2,
		.tk = TK_2,
		.wrong_replace = true}}},
    {.name = "with a replace that was replaced",
	.want = ERR_DENIED,
	.says = "not the acceptance",
	.steps = {TWO,
	    {.type = ST_ACCEPT, .ref = 2, .hk = HK_2, .tk = TK_2, .replace = 2},
	    {.type = ST_ENROL, .at = 1},
	    {.type = ST_ACCEPT, .ref = 4, .replace = 2, .at = 1}}},
    {.name = "replacing nobody",
	.want = ERR_NOTFOUND,
	.says = "no host web-2",
	.steps = {TWO,
	    {.type = ST_ACCEPT,
		.host = WEB_2,
		.ref = 2,
		.hk = HK_2,
		.tk = TK_2,
		.replace = 2}}},
    {.name = "itself, with the enrol statement it has",
	.steps = {ENROL_1, ACCEPT_1,
	    {.type = ST_ACCEPT, .replace = 2, .role = "db"}}},
    {.name = "itself, without a word",
	.want = ERR_EXISTS,
	.says = "expected field 'replace'",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_ACCEPT, .role = "db"}}},
    {.name = "a host's key for another id",
	.want = ERR_DENIED,
	.says = "is host web-1.example.com's",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_ENROL, .tk = TK_2},
	    {.type = ST_ACCEPT, .host = WEB_2, .ref = 2, .tk = TK_2}}},
    {.name = "a transport key that became a host's in between",
	.want = ERR_DENIED,
	.says = "transport key",
	.steps = {ENROL_1, {.type = ST_ENROL, .hk = HK_2}, ACCEPT_1,
	    {.type = ST_ACCEPT, .host = WEB_2, .ref = 1, .hk = HK_2}}},
    {.name = "one host's host key as another's transport key",
	.want = ERR_DENIED,
	.says = "transport key",
	.steps = {ENROL_1, {.type = ST_ENROL, .hk = HK_2, .tk = HK_1}, ACCEPT_1,
	    {.type = ST_ACCEPT,
		.host = WEB_2,
		.ref = 1,
		.hk = HK_2,
		.tk = HK_1}}},
    {.name = "the enrol statement it replaces, with its new keys",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_ENROL, .tk = TK_2},
	    {.type = ST_ACCEPT, .ref = 2, .tk = TK_2, .replace = 2}}},
    {.name = "one that was rejected while it asked",
	.steps = {ENROL_1, {.type = ST_REJECT}, ACCEPT_1}},
    {.name = "one from before that",
	.want = ERR_ROLLBACK,
	.says = "older than what was said of its host key",
	.steps = {ENROL_1, {.type = ST_REJECT, .at = 1}, ACCEPT_1}},
    {.name = "held back until the id was forgotten",
	.want = ERR_ROLLBACK,
	.says = "older than what was said of web-1",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_FORGET, .at = 9},
	    {.type = ST_ENROL, .at = 9, .hk = HK_2, .tk = TK_2},
	    {.type = ST_ACCEPT, .ref = 3, .hk = HK_2, .tk = TK_2, .at = 8}}},
    {.name = "made in that second",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_FORGET, .at = 9},
	    {.type = ST_ENROL, .at = 9, .hk = HK_2, .tk = TK_2},
	    {.type = ST_ACCEPT, .ref = 3, .hk = HK_2, .tk = TK_2, .at = 9}}},
    {.name = "held back until the keys were forgotten, for another id",
	.want = ERR_ROLLBACK,
	.says = "older than what was said of its host key",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_FORGET, .at = 9},
	    {.type = ST_ENROL, .at = 9},
	    {.type = ST_ACCEPT, .host = WEB_2, .ref = 3, .at = 8}}},
    {.name = "replayed after the host was forgotten",
	.want = FLEET_HOSTS_AGAIN,
	.says = "counted already",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_FORGET},
	    {.type = ST_ENROL, .same = true},
	    {.type = ST_ACCEPT, .same = true, .ref = 1}}},
    {.name = "a rejected host anew, by replace",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_REJECT, .host = WEB_1},
	    {.type = ST_ACCEPT, .replace = 2}}},
};

#define BY_TOKEN                                        \
	{                                               \
		.type = ST_ACCEPT, .ref = 1, .token = 1 \
	}
#define T_ENROL TOKEN, ENROL_1

static const struct the_case tokens[] = {
    {.name = "lets a host in", .steps = {T_ENROL, BY_TOKEN}},
    {.name = "by somebody who is no operator",
	.want = ERR_DENIED,
	.says = "not an operator",
	.steps = {{.type = ST_TOKEN, .by = OLGA, .seeds = {SEED_OLGA}}}},
    {.name = "expires in this second",
	.now = 5,
	.steps = {{.type = ST_TOKEN, .expires = 6}}},
    {.name = "expired",
	.want = ERR_EXPIRED,
	.says = "expired at",
	.now = 5,
	.steps = {{.type = ST_TOKEN, .expires = 5}}},
    {.name = "with a person's key",
	.want = ERR_DENIED,
	.says = "olga@example.com's",
	.steps = {{.type = ST_TOKEN, .hk = SEED_OLGA}}},
    {.name = "with a host's key",
	.want = ERR_DENIED,
	.says = "is a host's",
	.steps = {ENROL_1, ACCEPT_1, {.type = ST_TOKEN, .hk = HK_1}}},
    {.name = "again",
	.want = FLEET_HOSTS_AGAIN,
	.says = "counted already",
	.steps = {TOKEN, {.type = ST_TOKEN, .same = true}}},
    {.name = "that there is not",
	.want = ERR_NOTFOUND,
	.says = "no such token",
	.steps = {ENROL_1, {.type = ST_ACCEPT, .token = 1}}},
    {.name = "signed by another key",
	.want = ERR_DENIED,
	.says = "not signed by the key of its token",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .seeds = {SEED_PETRA}}}},
    {.name = "by another than the host",
	.want = ERR_DENIED,
	.says = "expected the host itself",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .by = PETRA}}},
    {.name = "the last time",
	.steps = {TOKEN, ENROL_1, ENROL_2, BY_TOKEN,
	    {.type = ST_ACCEPT,
		.host = WEB_2,
		.ref = 2,
		.token = 1,
		.hk = HK_2,
		.tk = TK_2}}},
    {.name = "once more than that",
	.want = ERR_DENIED,
	.says = "used 1 times",
	.steps = {{.type = ST_TOKEN}, ENROL_1, ENROL_2, BY_TOKEN,
	    {.type = ST_ACCEPT,
		.host = WEB_2,
		.ref = 2,
		.token = 1,
		.hk = HK_2,
		.tk = TK_2}}},
    {.name = "a host that was let in by it and forgotten counts",
	.want = ERR_DENIED,
	.says = "used 1 times",
	.steps = {{.type = ST_TOKEN}, ENROL_1, BY_TOKEN, {.type = ST_FORGET},
	    {.type = ST_ENROL, .at = 1},
	    {.type = ST_ACCEPT, .ref = 4, .token = 1, .at = 1}}},
    {.name = "in its last second",
	.now = DAY,
	.steps = {{.type = ST_TOKEN, .expires = DAY + 1}, ENROL_1,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .at = DAY + 1}}},
    {.name = "after that",
	.want = ERR_EXPIRED,
	.says = "token expired",
	.now = DAY,
	.steps = {{.type = ST_TOKEN, .expires = DAY + 1}, ENROL_1,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .at = DAY + 2}}},
    {.name = "an id of its pattern",
	.steps = {{.type = ST_TOKEN, .hosts = "w*-1.*.com"}, ENROL_1,
	    BY_TOKEN}},
    {.name = "an id outside of it",
	.want = ERR_DENIED,
	.says = "and not for web-1.example.com",
	.steps = {{.type = ST_TOKEN, .hosts = "w*-2.*.com"}, ENROL_1,
	    BY_TOKEN}},
    {.name = "a name of its pattern",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT,
		.ref = 1,
		.token = 1,
		.name = "web-7.example.com"}}},
    {.name = "a name outside of it",
	.want = ERR_DENIED,
	.says = "and not for the name 'db-1.example.com'",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT,
		.ref = 1,
		.token = 1,
		.name = "db-1.example.com"}}},
    {.name = "a role it gives",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .role = "web"}}},
    {.name = "a role it does not give",
	.want = ERR_DENIED,
	.says = "the role db",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .role = "db"}}},
    {.name = "renewals for 366 days",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .until = 366 * DAY}}},
    {.name = "and for a second more",
	.want = ERR_DENIED,
	.says = "366 days of renewal",
	.steps = {T_ENROL,
	    {.type = ST_ACCEPT, .ref = 1, .token = 1, .until = 366 * DAY + 1}}},
    {.name = "by a clock 300 s behind the operator's",
	.now = 9,
	.steps = {{.type = ST_TOKEN, .at = 300}, ENROL_1, BY_TOKEN}},
    {.name = "by one further behind",
	.want = ERR_DENIED,
	.says = "older than its token",
	.now = 9,
	.steps = {{.type = ST_TOKEN, .at = 301}, ENROL_1, BY_TOKEN}},
    {.name = "one that was rejected",
	.want = ERR_DENIED,
	.says = "expected an operator to accept it",
	.steps = {T_ENROL, {.type = ST_REJECT, .ref = 1}, BY_TOKEN}},
    {.name = "an id that is taken",
	.want = ERR_EXISTS,
	.says = "there is a host",
	.steps = {TOKEN, ENROL_1, ENROL_2, {.type = ST_ACCEPT, .ref = 1},
	    {.type = ST_ACCEPT, .ref = 2, .token = 1, .hk = HK_2, .tk = TK_2}}},
    {.name = "whose key is revoked",
	.want = ERR_DENIED,
	.says = "is revoked",
	.standing = true,
	.steps = {{.type = ST_TOKEN, .hk = TK_3}}},
};

#define IN_1 ENROL_1, ACCEPT_1
#define IN_2                                                            \
	IN_1, ENROL_2,                                                  \
	{                                                               \
		.type = ST_ACCEPT, .host = WEB_2, .ref = 2, .hk = HK_2, \
		.tk = TK_2                                              \
	}

static const struct the_case changes[] = {
    {.name = "reject", .steps = {IN_1, {.type = ST_REJECT, .host = WEB_1}}},
    {.name = "reject by an officer",
	.want = ERR_DENIED,
	.says = "not an operator",
	.steps = {IN_1,
	    {.type = ST_REJECT,
		.host = WEB_1,
		.by = OLGA,
		.seeds = {SEED_OLGA}}}},
    {.name = "reject nobody",
	.want = ERR_NOTFOUND,
	.says = "no host web-2",
	.steps = {IN_1, {.type = ST_REJECT, .host = WEB_2}}},
    {.name = "reject nobody who asks",
	.want = ERR_NOTFOUND,
	.says = "no host waits",
	.steps = {IN_1, {.type = ST_REJECT, .wrong_ref = true}}},
    {.name = "reject twice",
	.want = FLEET_HOSTS_AGAIN,
	.says = "rejected already",
	.steps = {IN_1, {.type = ST_REJECT, .host = WEB_1},
	    {.type = ST_REJECT, .host = WEB_1}}},
    {.name = "reject twice who asks",
	.want = FLEET_HOSTS_AGAIN,
	.says = "rejected already",
	.steps = {ENROL_1, {.type = ST_REJECT}, {.type = ST_REJECT}}},
    {.name = "reject from before the acceptance",
	.want = ERR_ROLLBACK,
	.says = "older than",
	.steps = {IN_1, {.type = ST_REJECT, .host = WEB_1, .at = -1}}},
    {.name = "rename", .steps = {IN_1, {.type = ST_RENAME, .to = WEB_2}}},
    {.name = "rename by the host",
	.want = ERR_DENIED,
	.says = "not an operator",
	.steps = {IN_1,
	    {.type = ST_RENAME, .to = WEB_2, .by = WEB_1, .seeds = {HK_1}}}},
    {.name = "rename nobody",
	.want = ERR_NOTFOUND,
	.says = "no host web-2",
	.steps = {IN_1, {.type = ST_RENAME, .host = WEB_2, .to = WEB_1}}},
    {.name = "rename onto an id in use",
	.want = ERR_EXISTS,
	.says = "there is a host web-2",
	.steps = {IN_2, {.type = ST_RENAME, .to = WEB_2}}},
    {.name = "rename onto one that is free again",
	.steps = {IN_2, {.type = ST_FORGET, .host = WEB_2},
	    {.type = ST_RENAME, .to = WEB_2}}},
    {.name = "rename onto that, from before",
	.want = ERR_ROLLBACK,
	.says = "said of web-2",
	.steps = {IN_2, {.type = ST_FORGET, .host = WEB_2, .at = 3},
	    {.type = ST_RENAME, .to = WEB_2, .at = 2}}},
    {.name = "rename one that is rejected",
	.want = ERR_DENIED,
	.says = "is rejected",
	.steps = {IN_1, {.type = ST_REJECT, .host = WEB_1},
	    {.type = ST_RENAME, .to = WEB_2}}},
    {.name = "rename twice, the other way round",
	.want = ERR_ROLLBACK,
	.says = "older than",
	.steps = {IN_1, {.type = ST_RENAME, .to = WEB_2, .at = 2},
	    {.type = ST_RENAME, .host = WEB_2, .to = WEB_1, .at = 1}}},
    {.name = "forget", .steps = {IN_1, {.type = ST_FORGET}}},
    {.name = "forget by nobody",
	.want = ERR_DENIED,
	.says = "not signed by a key",
	.steps = {IN_1, {.type = ST_FORGET, .seeds = {SEED_MALLORY}}}},
    {.name = "forget nobody",
	.want = ERR_NOTFOUND,
	.says = "no host web-2",
	.steps = {IN_1, {.type = ST_FORGET, .host = WEB_2}}},
    {.name = "forget replayed, when the id is another's",
	.want = FLEET_HOSTS_AGAIN,
	.says = "counted already",
	.steps = {IN_1, {.type = ST_FORGET}, ENROL_2,
	    {.type = ST_ACCEPT, .ref = 3, .hk = HK_2, .tk = TK_2},
	    {.type = ST_FORGET, .same = true, .ref = 2}}},
    {.name = "forget held back, when the id is another's",
	.want = ERR_ROLLBACK,
	.says = "older than",
	.steps = {IN_1, {.type = ST_FORGET}, ENROL_2,
	    {.type = ST_ACCEPT, .ref = 3, .hk = HK_2, .tk = TK_2, .at = 1},
	    {.type = ST_FORGET}}},
    {.name = "forget of another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.steps = {IN_1, {.type = ST_FORGET, .other_realm = true}}},
};

static const struct the_case renewals[] = {
    {.name = "by the host", .steps = {IN_1, {.type = ST_RENEW, .ref = 1}}},
    {.name = "signed by another host",
	.want = ERR_DENIED,
	.says = "not signed by the host key",
	.steps = {IN_2, {.type = ST_RENEW, .ref = 1, .seeds = {HK_2}}}},
    {.name = "signed by its transport key",
	.want = ERR_DENIED,
	.says = "not signed by the host key",
	.steps = {IN_1, {.type = ST_RENEW, .ref = 1, .seeds = {TK_1}}}},
    {.name = "for another key",
	.want = ERR_DENIED,
	.says = "not the one that host",
	.steps = {IN_1, {.type = ST_RENEW, .ref = 1, .hk = HK_2}}},
    {.name = "in another host's name",
	.want = ERR_DENIED,
	.says = "the host is web-1",
	.steps = {IN_1, {.type = ST_RENEW, .ref = 1, .by = WEB_2}}},
    {.name = "on no acceptance",
	.want = ERR_NOTFOUND,
	.says = "no host is here",
	.steps = {IN_1, {.type = ST_RENEW, .wrong_ref = true}}},
    {.name = "on another host's",
	.want = ERR_DENIED,
	.says = "not the one that host",
	.steps = {IN_2, {.type = ST_RENEW, .ref = 3}}},
    {.name = "on one that was replaced",
	.want = ERR_NOTFOUND,
	.says = "no host is here",
	.steps = {IN_1, {.type = ST_ACCEPT, .replace = 2},
	    {.type = ST_RENEW, .ref = 1}}},
    {.name = "on the one that did",
	.steps = {IN_1, {.type = ST_ACCEPT, .replace = 2},
	    {.type = ST_RENEW, .ref = 2}}},
    {.name = "by the name it had",
	.steps = {IN_1, {.type = ST_RENAME, .to = WEB_2},
	    {.type = ST_RENEW, .ref = 1}}},
    {.name = "by the name it has",
	.steps = {IN_1, {.type = ST_RENAME, .to = WEB_2},
	    {.type = ST_RENEW, .ref = 1, .by = WEB_2}}},
    {.name = "rejected",
	.want = ERR_DENIED,
	.says = "is rejected",
	.steps = {IN_1, {.type = ST_REJECT, .host = WEB_1},
	    {.type = ST_RENEW, .ref = 1}}},
    {.name = "forgotten",
	.want = ERR_NOTFOUND,
	.says = "no host is here",
	.steps = {IN_1, {.type = ST_FORGET}, {.type = ST_RENEW, .ref = 1}}},
    {.name = "in the last second",
	.now = 99,
	.steps = {ENROL_1, {.type = ST_ACCEPT, .until = 100},
	    {.type = ST_RENEW, .ref = 1}}},
    {.name = "after it, by the host's clock",
	.want = ERR_EXPIRED,
	.says = "gave until",
	.now = 99,
	.steps = {ENROL_1, {.type = ST_ACCEPT, .until = 100},
	    {.type = ST_RENEW, .ref = 1, .at = 100}}},
    {.name = "after it, without a clock here",
	.want = ERR_EXPIRED,
	.says = "gave until",
	.no_clock = true,
	.steps = {ENROL_1, {.type = ST_ACCEPT, .until = 100},
	    {.type = ST_RENEW, .ref = 1, .at = 100}}},
    {.name = "from 300 s ahead",
	.steps = {IN_1, {.type = ST_RENEW, .ref = 1, .at = 300}}},
    {.name = "from the future",
	.want = ERR_DENIED,
	.says = "from the future",
	.steps = {IN_1, {.type = ST_RENEW, .ref = 1, .at = 301}}},
    {.name = "whose id is revoked",
	.want = ERR_DENIED,
	.says = "web-2.example.com is revoked",
	.standing = true,
	.steps = {IN_2,
	    {.type = ST_RENEW, .ref = 3, .host = WEB_2, .hk = HK_2}}},
    {.name = "of another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.steps = {IN_1, {.type = ST_RENEW, .ref = 1, .other_realm = true}}},
};

#define REPORT_1                  \
	{                         \
		.type = ST_REPORT \
	}

static const struct the_case reports[] = {
    {.name = "the first", .steps = {IN_1, REPORT_1}},
    {.name = "the next",
	.steps = {IN_1, REPORT_1, {.type = ST_REPORT, .seq = 2, .ref = 2}}},
    {.name = "the same again",
	.want = FLEET_HOSTS_AGAIN,
	.says = "held already",
	.steps = {IN_1, REPORT_1, {.type = ST_REPORT, .same = true, .ref = 2}}},
    {.name = "another of that number",
	.want = ERR_ROLLBACK,
	.says = "report 1 is held",
	.steps = {IN_1, REPORT_1, REPORT_1}},
    {.name = "an older one again",
	.want = ERR_ROLLBACK,
	.says = "report 2 is held",
	.steps = {IN_1, REPORT_1, {.type = ST_REPORT, .seq = 2, .ref = 2},
	    {.type = ST_REPORT, .same = true, .ref = 2}}},
    {.name = "one left out",
	.want = FLEET_HOSTS_GAP,
	.says = "2 to 2 are missing",
	.steps = {IN_1, REPORT_1, {.type = ST_REPORT, .seq = 3, .ref = 2}}},
    {.name = "not the first",
	.want = FLEET_HOSTS_GAP,
	.says = "1 to 1 are missing",
	.steps = {IN_1, {.type = ST_REPORT, .seq = 2, .wrong_ref = true}}},
    {.name = "another one before it",
	.want = FLEET_HOSTS_GAP,
	.says = "names another one before it",
	.steps = {IN_1, REPORT_1,
	    {.type = ST_REPORT, .seq = 2, .wrong_ref = true}}},
    {.name = "signed by another host",
	.want = ERR_DENIED,
	.says = "not signed by the host key",
	.steps = {IN_2, {.type = ST_REPORT, .seeds = {HK_2}}}},
    {.name = "signed by its transport key",
	.want = ERR_DENIED,
	.says = "not signed by the host key",
	.steps = {IN_1, {.type = ST_REPORT, .seeds = {TK_1}}}},
    {.name = "by nobody's id",
	.want = ERR_NOTFOUND,
	.says = "no host db-1",
	.steps = {IN_1, {.type = ST_REPORT, .by = "db-1"}}},
    {.name = "of a host that waits",
	.want = ERR_NOTFOUND,
	.says = "no host web-1",
	.steps = {ENROL_1, REPORT_1}},
    {.name = "of one that is rejected",
	.want = ERR_DENIED,
	.says = "is rejected",
	.steps = {IN_1, {.type = ST_REJECT, .host = WEB_1}, REPORT_1}},
    {.name = "by the name it had",
	.steps = {IN_1, {.type = ST_RENAME, .to = WEB_2}, REPORT_1}},
    {.name = "by that name, which is another's now",
	.steps = {IN_1, {.type = ST_RENAME, .to = WEB_2}, ENROL_2,
	    {.type = ST_ACCEPT, .ref = 3, .hk = HK_2, .tk = TK_2}, REPORT_1}},
    {.name = "of another realm",
	.want = ERR_DENIED,
	.says = "another realm",
	.steps = {IN_1, {.type = ST_REPORT, .other_realm = true}}},
    {.name = "going on after a new acceptance",
	.steps = {IN_1, REPORT_1, {.type = ST_ACCEPT, .replace = 2},
	    {.type = ST_REPORT, .seq = 2, .ref = 2}}},
    {.name = "beginning anew after it",
	.steps = {IN_1, REPORT_1, {.type = ST_ACCEPT, .replace = 2}, REPORT_1}},
    {.name = "beginning anew twice",
	.want = ERR_ROLLBACK,
	.says = "report 1 is held",
	.steps = {IN_1, REPORT_1, {.type = ST_ACCEPT, .replace = 2}, REPORT_1,
	    REPORT_1}},
};

#define TABLE(t) run_table(t, sizeof(t) / sizeof((t)[0]))

static void
run_table(const struct the_case *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run_case(&c[i]);
}

static void
who_may_ask_in(void **state)
{
	(void)state;
	TABLE(enrols);
}

static void
who_may_be_accepted(void **state)
{
	(void)state;
	TABLE(acceptances);
}

static void
what_a_token_gives(void **state)
{
	(void)state;
	TABLE(tokens);
}

static void
how_hosts_change(void **state)
{
	(void)state;
	TABLE(changes);
}

static void
who_may_renew(void **state)
{
	(void)state;
	TABLE(renewals);
}

static void
which_reports_count(void **state)
{
	(void)state;
	TABLE(reports);
}

/* --- what it knows --- */

static void
play(struct run *u, const struct the_case *c)
{
	for (size_t i = 0; i < n_steps(c); i++) {
		struct err e = {0};

		make(u, &c->steps[i], &u->s[i]);
		if (judge(u, c, &u->s[i], &e) != 0)
			fail_msg("step %zu: %s", i, e.msg);
	}
}

static struct hash
key_hash(uint8_t seed)
{
	struct slice blob = pubkey_blob(fixture_key(seed));
	struct hash h;

	hash_sha256(blob.p, blob.n, &h);
	return h;
}

static enum fleet_state
state_of(const struct run *u, uint8_t hk, uint8_t tk)
{
	return fleet_hosts_state(u->hosts, fixture_key(hk), fixture_key(tk),
	    NULL);
}

static void
a_host_is_found_by_all_it_has(void **state)
{
	static const struct the_case c = {
	    .steps = {TOKEN, ENROL_1,
		{.type = ST_ACCEPT, .ref = 1, .token = 1, .role = "web"},
		REPORT_1}};
	struct hash hk = key_hash(HK_1), tk = key_hash(TK_1);
	const struct fleet_host_row *row;
	const struct fleet_token_row *t;
	struct run u;

	(void)state;
	run_set_up(&u);
	play(&u, &c);
	row = fleet_hosts_by_id(u.hosts, WEB_1);
	assert_non_null(row);
	assert_ptr_equal(fleet_hosts_by_host_key(u.hosts, &hk), row);
	assert_ptr_equal(fleet_hosts_by_transport(u.hosts, &tk), row);
	assert_ptr_equal(fleet_hosts_by_accept(u.hosts, &u.s[2].hash), row);
	assert_null(fleet_hosts_by_host_key(u.hosts, &tk));
	assert_null(fleet_hosts_by_transport(u.hosts, &hk));
	assert_null(fleet_hosts_by_id(u.hosts, WEB_2));
	assert_string_equal(row->names->v[0], WEB_1);
	assert_string_equal(row->roles->v[0], "web");
	assert_int_equal(row->since, NOW);
	assert_int_equal(row->renew_until, NOW + 365 * DAY);
	assert_true(row->by_token);
	assert_true(hash_equal(&row->token, &u.s[0].hash));
	assert_true(hash_equal(&row->enrol, &u.s[1].hash));
	assert_int_equal(row->seq, 1);
	assert_true(hash_equal(&row->last_report, &u.s[3].hash));
	t = fleet_hosts_token(u.hosts, &u.s[0].hash);
	assert_int_equal(t->used, 1);
	assert_int_equal(t->count, 2);
	assert_int_equal(fleet_hosts_count(u.hosts), 1);
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_ACCEPTED);
	assert_int_equal(state_of(&u, HK_1, TK_2), FLEET_UNKNOWN);
	run_tear_down(&u);
}

static void
a_renamed_host_has_its_new_id_alone(void **state)
{
	static const struct the_case c = {
	    .steps = {IN_1, {.type = ST_RENAME, .to = WEB_2}}};
	const struct fleet_host_row *row;
	struct run u;

	(void)state;
	run_set_up(&u);
	play(&u, &c);
	assert_null(fleet_hosts_by_id(u.hosts, WEB_1));
	row = fleet_hosts_by_id(u.hosts, WEB_2);
	assert_non_null(row);
	assert_string_equal(row->id, WEB_2);
	assert_string_equal(row->names->v[0], WEB_2);
	assert_true(row->has_renamed);
	assert_true(hash_equal(&row->renamed, &u.s[2].hash));
	assert_true(hash_equal(&row->accept, &u.s[1].hash));
	run_tear_down(&u);
}

static void
a_forgotten_host_leaves_nothing_to_come_in_with(void **state)
{
	static const struct the_case c = {.steps = {IN_2, {.type = ST_FORGET}}};
	struct hash hk = key_hash(HK_1), tk = key_hash(TK_1);
	struct run u;

	(void)state;
	run_set_up(&u);
	play(&u, &c);
	assert_null(fleet_hosts_by_id(u.hosts, WEB_1));
	assert_null(fleet_hosts_by_host_key(u.hosts, &hk));
	assert_null(fleet_hosts_by_transport(u.hosts, &tk));
	assert_null(fleet_hosts_by_accept(u.hosts, &u.s[1].hash));
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_UNKNOWN);
	assert_non_null(fleet_hosts_by_id(u.hosts, WEB_2));
	assert_int_equal(fleet_hosts_count(u.hosts), 1);
	run_tear_down(&u);
}

static void
who_asks_is_listed_until_he_is_in(void **state)
{
	static const struct the_case c = {
	    .steps = {ENROL_1, {.type = ST_ENROL, .at = 1, .name = "new"},
		ENROL_2, {.type = ST_REJECT, .ref = 2}}};
	static const struct step in = ACCEPT_1;
	const struct fleet_enrol_row *row;
	struct the_case rest = {.steps = {{0}}};
	struct run u;

	(void)state;
	run_set_up(&u);
	play(&u, &c);
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_WAITING);
	assert_int_equal(state_of(&u, HK_2, TK_2), FLEET_REJECTED);
	assert_int_equal(state_of(&u, HK_2, TK_3), FLEET_REJECTED);
	row = fleet_hosts_enrol(u.hosts, &u.s[0].hash);
	assert_ptr_equal(row, fleet_hosts_enrol(u.hosts, &u.s[1].hash));
	assert_true(hash_equal(&row->enrol, &u.s[1].hash));
	assert_string_equal(row->hostname, "new");
	assert_int_equal(row->since, NOW);
	assert_null(fleet_hosts_enrol_of(u.hosts, row));
	row = fleet_hosts_enrol(u.hosts, &u.s[2].hash);
	assert_true(row->rejected);
	assert_string_equal(row->reason, "stolen");
	make(&u, &in, &u.s[4]);
	assert_int_equal(judge(&u, &rest, &u.s[4], NULL), 0);
	assert_null(fleet_hosts_enrol(u.hosts, &u.s[0].hash));
	assert_null(fleet_hosts_enrol(u.hosts, &u.s[1].hash));
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_ACCEPTED);
	run_tear_down(&u);
}

static void
who_could_be_replaced_is_named(void **state)
{
	static const struct the_case c = {
	    .steps = {IN_1, {.type = ST_ENROL, .tk = TK_2},
		{.type = ST_ENROL, .hk = HK_2}}};
	const struct fleet_host_row *of;
	struct run u;

	(void)state;
	run_set_up(&u);
	play(&u, &c);
	for (int i = 2; i < 4; i++) {
		of = fleet_hosts_enrol_of(u.hosts,
		    fleet_hosts_enrol(u.hosts, &u.s[i].hash));
		assert_non_null(of);
		assert_string_equal(of->id, WEB_1);
	}
	run_tear_down(&u);
}

#define FLOOD (FLEET_ENROLS_MAX + 5000)

static int
count_one(void *ctx, const struct fleet_enrol_row *row)
{
	size_t *n = ctx;

	(void)row;
	(*n)++;
	return 0;
}

/* An enrol statement as verification would leave it, without the work: the
 * keys are of as many hosts as it takes. */
static void
flood(struct run *u, uint32_t n, struct hash *name)
{
	struct fleet_judge j = {
	    .policy = u->policy, .realm = fixture_realm(), .now = NOW};
	uint8_t blob[51] = "\0\0\0\013ssh-ed25519\0\0\0\040";
	struct statement s;
	struct err e = {0};
	struct sshsig sigs[2];

	fixture_statement(&s, ST_ENROL, "flood");
	s.verified = true;
	s.u.enrol.hostname = str_dup("flood");
	memcpy(s.hash.b, &n, sizeof(n));
	s.hash.b[31] = 1;
	*name = s.hash;
	for (int i = 0; i < 2; i++) {
		struct pubkey **k =
		    i == 0 ? &s.u.enrol.host_key : &s.u.enrol.transport_key;
		uint32_t tries = 0;

		/* Not every 32 bytes are a point: look for the next one. */
		do {
			memset(blob + 19, i + 1, 32);
			memcpy(blob + 19, &n, sizeof(n));
			memcpy(blob + 24, &tries, sizeof(tries));
			tries++;
		} while (pubkey_parse(slice_of(blob, sizeof(blob)), k, &e) !=
		    0);
		sigs[i] = (struct sshsig){.key = *k};
	}
	s.sigs = sigs;
	s.n_sigs = 2;
	if (fleet_hosts_fold(u->hosts, &j, &s, &e) != 0)
		fail_msg("%u: %s", n, e.msg);
	s.sigs = NULL;
	s.n_sigs = 0;
	statement_clear(&s);
}

static void
the_oldest_that_waits_makes_room(void **state)
{
	static const struct the_case c = {
	    .steps = {ENROL_1, {.type = ST_REJECT}, ENROL_2}};
	static struct hash names[FLOOD + 1];
	size_t n = 0;
	struct run u;

	(void)state;
	run_set_up(&u);
	play(&u, &c);
	for (uint32_t i = 1; i < FLEET_ENROLS_MAX; i++)
		flood(&u, i, &names[i]);
	assert_int_equal(state_of(&u, HK_2, TK_2), FLEET_WAITING);
	for (uint32_t i = FLEET_ENROLS_MAX; i <= FLOOD; i++)
		flood(&u, i, &names[i]);
	assert_int_equal(state_of(&u, HK_2, TK_2), FLEET_UNKNOWN);
	/* Who was rejected stays so. */
	assert_int_equal(state_of(&u, HK_1, TK_1), FLEET_REJECTED);
	assert_int_equal(fleet_hosts_each_enrol(u.hosts, count_one, &n), 0);
	assert_int_equal(n, FLEET_ENROLS_MAX + 1);
	for (uint32_t i = 1; i <= FLOOD; i++)
		assert_int_equal(fleet_hosts_enrol(u.hosts, &names[i]) != NULL,
		    i > FLOOD - FLEET_ENROLS_MAX);
	run_tear_down(&u);
}

/* --- memory --- */

static const struct the_case all_kinds = {
    .steps = {TOKEN, ENROL_1, ENROL_2, BY_TOKEN,
	{.type = ST_ACCEPT, .host = "db", .ref = 2, .hk = HK_2, .tk = TK_2},
	{.type = ST_RENAME, .to = WEB_2}, {.type = ST_REJECT, .host = WEB_2},
	{.type = ST_FORGET, .host = "db"}}};

static int
fold_all(void *arg)
{
	struct run *u = arg;
	struct fleet_judge j = {
	    .policy = u->policy, .realm = fixture_realm(), .now = NOW};
	struct fleet_hosts *h = NULL;
	int r;

	if ((r = fleet_hosts_new(&h)) != 0)
		return r;
	for (size_t i = 0; i < u->n && r == 0; i++)
		r = fleet_hosts_fold(h, &j, &u->s[i], NULL);
	fleet_hosts_free(h);
	return r;
}

static void
every_allocation_may_fail(void **state)
{
	struct run u;

	(void)state;
	run_set_up(&u);
	play(&u, &all_kinds);
	u.n = n_steps(&all_kinds);
	assert_true(alloc_each(fold_all, &u) > 20);
	run_tear_down(&u);
}

/* What failed for want of memory can be said again and comes out the same. */
static void
a_failed_statement_changes_nothing(void **state)
{
	struct fleet_judge j = {.realm = fixture_realm(), .now = NOW};
	struct run u, v;

	(void)state;
	run_set_up(&u);
	play(&u, &all_kinds);
	run_set_up(&v);
	j.policy = v.policy;
	for (size_t i = 0; i < n_steps(&all_kinds); i++) {
		int r = ERR_NOMEM;

		for (size_t n = 1; r == ERR_NOMEM; n++) {
			alloc_fail_nth(n);
			r = fleet_hosts_fold(v.hosts, &j, &u.s[i], NULL);
			alloc_fail_nth(0);
		}
		assert_int_equal(r, 0);
	}
	assert_int_equal(fleet_hosts_count(v.hosts),
	    fleet_hosts_count(u.hosts));
	assert_true(fleet_hosts_by_id(v.hosts, WEB_2)->rejected);
	assert_null(fleet_hosts_by_id(v.hosts, "db"));
	assert_int_equal(fleet_hosts_token(v.hosts, &u.s[0].hash)->used, 1);
	run_tear_down(&v);
	run_tear_down(&u);
}

static void
other_statements_are_refused(void **state)
{
	struct fleet_judge j = {.realm = fixture_realm(), .now = NOW};
	struct statement s;
	struct trust none;
	struct err e = {0};
	struct run u;

	(void)state;
	run_set_up(&u);
	j.policy = u.policy;
	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(fleet_hosts_fold(u.hosts, &j, &s, &e), ERR_PARSE);
	assert_int_equal(fleet_hosts_renew(u.hosts, &j, &s, NULL, &e),
	    ERR_PARSE);
	assert_int_equal(fleet_hosts_report(u.hosts, j.realm, &s, NULL, &e),
	    ERR_PARSE);
	trust_init(&none);
	assert_int_equal(fleet_hosts_apply(u.hosts, &none, &s, NOW, &e),
	    ERR_DENIED);
	statement_clear(&s);
	/* Nor one that nobody verified. */
	make(&u, &(struct step)ENROL_1, &u.s[0]);
	u.s[0].verified = false;
	assert_int_equal(fleet_hosts_fold(u.hosts, &j, &u.s[0], &e),
	    ERR_BADSIG);
	run_tear_down(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_may_ask_in),
	    cmocka_unit_test(who_may_be_accepted),
	    cmocka_unit_test(what_a_token_gives),
	    cmocka_unit_test(how_hosts_change),
	    cmocka_unit_test(who_may_renew),
	    cmocka_unit_test(which_reports_count),
	    cmocka_unit_test(a_host_is_found_by_all_it_has),
	    cmocka_unit_test(a_renamed_host_has_its_new_id_alone),
	    cmocka_unit_test(a_forgotten_host_leaves_nothing_to_come_in_with),
	    cmocka_unit_test(who_asks_is_listed_until_he_is_in),
	    cmocka_unit_test(who_could_be_replaced_is_named),
	    cmocka_unit_test(the_oldest_that_waits_makes_room),
	    cmocka_unit_test(every_allocation_may_fail),
	    cmocka_unit_test(a_failed_statement_changes_nothing),
	    cmocka_unit_test(other_statements_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
