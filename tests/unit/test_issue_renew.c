/* SPDX-License-Identifier: ISC */
/*
 * The certificate of a host's own key: what an acceptance gives, what it does
 * not, and what ends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/statement/leaf.h"
#include "tests/unit/alloc.h"
#include "tests/unit/issue_case.h"

#define DAY   86400
#define NOW   FIXTURE_NOW
#define HOST  "web-1.example.com"
#define OTHER "www.example.com"
enum { HK = 50, TK, TOKEN_KEY };

/* A standing with one host, and what it stands on. */
struct world {
	struct issue_case c;
	struct statement enrol, accept, token, rename;
};

static void
say(struct world *w, struct statement *s, const uint8_t *seeds)
{
	struct err e = {0};

	fixture_sign(s, seeds);
	if (standing_apply_host(w->c.standing, w->c.policy, s, NOW, &e) != 0)
		fail_msg("%s: %s", statement_type_name(s->type), e.msg);
}

static void
put_key(struct pubkey **out, uint8_t seed)
{
	assert_int_equal(pubkey_dup(fixture_key(seed), out), 0);
}

static void
enrol(struct world *w, const char *by)
{
	fixture_statement(&w->enrol, ST_ENROL, by);
	put_key(&w->enrol.u.enrol.host_key, HK);
	put_key(&w->enrol.u.enrol.transport_key, TK);
	w->enrol.u.enrol.hostname = str_dup("web-1");
	say(w, &w->enrol, FIXTURE_BY(HK, TK));
}

static void
accept_it(struct world *w, const char *name, int64_t until, bool by_token)
{
	struct acceptance *a = &w->accept.u.accept;

	fixture_statement(&w->accept, ST_ACCEPT, by_token ? HOST : PETRA);
	a->host = str_dup(HOST);
	a->enrol = w->enrol.hash;
	put_key(&a->host_key, HK);
	put_key(&a->transport_key, TK);
	assert_int_equal(strs_add(&a->names, name), 0);
	a->renew_until = NOW + until;
	a->has_token = by_token;
	a->token = w->token.hash;
	say(w, &w->accept,
	    by_token ? FIXTURE_BY(TOKEN_KEY) : FIXTURE_BY(SEED_PETRA));
}

static void
ask(struct world *w, int64_t at, const uint8_t *seeds)
{
	struct statement *s = &w->c.request;

	statement_clear(s);
	fixture_statement(s, ST_RENEW, HOST);
	s->at = NOW + at;
	s->u.renew.accept = w->accept.hash;
	put_key(&s->u.renew.key, HK);
	fixture_sign(s, seeds);
}

static void
count(struct world *w, const struct statement *s)
{
	w->c.list[w->c.in.n_decisions++] = s;
}

/* Ready to ask, by an operator's acceptance. */
static void
open_world(struct world *w, const char *name, int64_t until)
{
	memset(w, 0, sizeof(*w));
	statement_init(&w->enrol, ST_ENROL);
	statement_init(&w->accept, ST_ACCEPT);
	statement_init(&w->token, ST_TOKEN);
	statement_init(&w->rename, ST_RENAME);
	issue_case_open(&w->c);
	issue_case_grant(&w->c, "hosts")->accepted_hosts = true;
	w->c.in.ca = fixture_key(SEED_HOST_CA);
	if (name == NULL)
		return;
	enrol(w, HOST);
	accept_it(w, name, until, false);
	ask(w, 0, FIXTURE_BY(HK));
	count(w, &w->accept);
}

static void
close_world(struct world *w)
{
	statement_clear(&w->enrol);
	statement_clear(&w->accept);
	statement_clear(&w->token);
	statement_clear(&w->rename);
	issue_case_close(&w->c);
}

static void
rename_it(struct world *w)
{
	fixture_statement(&w->rename, ST_RENAME, PETRA);
	w->rename.u.rename.host = str_dup(HOST);
	w->rename.u.rename.to = str_dup(OTHER);
	assert_int_equal(strs_add(&w->rename.u.rename.names, OTHER), 0);
	say(w, &w->rename, FIXTURE_BY(SEED_PETRA));
}

static void
turn_out(struct world *w)
{
	struct statement s;

	fixture_statement(&s, ST_REJECT, PETRA);
	s.u.reject.host = str_dup(HOST);
	s.u.reject.reason = str_dup("stolen");
	say(w, &s, FIXTURE_BY(SEED_PETRA));
	statement_clear(&s);
}

/* --- what it gives -------------------------------------------------------- */

static void
an_acceptance_gives_its_names_to_its_key(void **state)
{
	char id[ISSUE_KEY_ID_MAX];
	struct world w;
	struct cert *c;

	(void)state;
	open_world(&w, HOST, 365 * DAY);
	issue_case_expect(&w.c, "a host", "ready");
	c = &w.c.r.cert;
	issue_key_id(HOST, &w.c.request.hash, id);
	assert_int_equal(c->kind, CERT_HOST);
	assert_true(pubkey_equal(c->key, fixture_key(HK)));
	assert_true(pubkey_equal(c->ca, fixture_key(SEED_HOST_CA)));
	assert_int_equal(c->principals.n, 1);
	assert_string_equal(c->principals.v[0], HOST);
	assert_string_equal(c->key_id, id);
	assert_int_equal(c->serial, issue_serial(&w.c.request.hash));
	assert_int_equal(c->valid_after, NOW - ISSUE_BACKDATE);
	assert_int_equal(c->valid_before, NOW + 90 * DAY);
	assert_int_equal(c->critical.n + c->extensions.n, 0);
	assert_int_equal(w.c.r.n_counted, 1);
	assert_null(w.c.r.requester);
	assert_string_equal(w.c.r.grant->name, "hosts");
	close_world(&w);
}

static void
no_certificate_ends_after_renew_until(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, HOST, 90 * DAY - 1);
	issue_case_expect(&w.c, "a second less", "ready");
	assert_int_equal(w.c.r.cert.valid_before, NOW + 90 * DAY - 1);
	close_world(&w);
	open_world(&w, HOST, 90 * DAY + 1);
	issue_case_expect(&w.c, "a second more", "ready");
	assert_int_equal(w.c.r.cert.valid_before, NOW + 90 * DAY);
	close_world(&w);
}

/* What it is called is the operators' word of today. */
static void
a_renamed_host_has_its_new_name(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, HOST, 365 * DAY);
	rename_it(&w);
	issue_case_expect(&w.c, "without the rename", "acceptance");
	count(&w, &w.rename);
	issue_case_expect(&w.c, "with it", "ready");
	assert_string_equal(w.c.r.cert.principals.v[0], OTHER);
	assert_int_equal(strncmp(w.c.r.cert.key_id, OTHER "/",
			     strlen(OTHER) + 1),
	    0);
	assert_int_equal(w.c.r.n_counted, 2);
	close_world(&w);
}

static void
one_by_a_token_names_the_token(void **state)
{
	struct token_statement *t;
	struct world w;

	(void)state;
	open_world(&w, NULL, 0);
	fixture_statement(&w.token, ST_TOKEN, PETRA);
	t = &w.token.u.token;
	put_key(&t->key, TOKEN_KEY);
	t->hosts = str_dup("web-*.example.com");
	t->count = 1;
	t->expires = NOW + DAY;
	say(&w, &w.token, FIXTURE_BY(SEED_PETRA));
	enrol(&w, HOST);
	accept_it(&w, HOST, 90 * DAY, true);
	ask(&w, 0, FIXTURE_BY(HK));
	count(&w, &w.accept);
	issue_case_expect(&w.c, "without the token", "acceptance");
	/* The same twice is one. */
	count(&w, &w.accept);
	issue_case_expect(&w.c, "the acceptance twice", "acceptance");
	w.c.list[1] = &w.token;
	issue_case_expect(&w.c, "with it", "ready");
	assert_int_equal(w.c.r.n_counted, 2);
	close_world(&w);
}

/* --- what it does not give ------------------------------------------------ */

static void
nothing_without_an_acceptance(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, NULL, 0);
	ask(&w, 0, FIXTURE_BY(HK));
	issue_case_expect(&w.c, "no host at all", "host");
	enrol(&w, HOST);
	issue_case_expect(&w.c, "one that waits", "host");
	accept_it(&w, HOST, DAY, false);
	issue_case_expect(&w.c, "one accepted, asked before", "host");
	ask(&w, 0, FIXTURE_BY(TK));
	issue_case_expect(&w.c, "signed by its other key", "host");
	ask(&w, 0, FIXTURE_BY(HK));
	issue_case_expect(&w.c, "its acceptance is not named", "acceptance");
	count(&w, &w.accept);
	issue_case_expect(&w.c, "all of it", "ready");
	close_world(&w);
}

static void
only_a_grant_for_accepted_hosts_counts(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, HOST, DAY);
	issue_case_grant(&w.c, "hosts")->accepted_hosts = false;
	issue_case_expect(&w.c, "no such grant", "grant");
	close_world(&w);
	open_world(&w, "web-1.example.org", DAY);
	issue_case_expect(&w.c, "a name outside of it", "grant");
	close_world(&w);
	/* One label a star. */
	open_world(&w, "a.web-1.example.com", DAY);
	issue_case_expect(&w.c, "a name below it", "grant");
	close_world(&w);
}

static void
time_is_asked(void **state)
{
	static const struct {
		const char *name, *rule;
		int64_t at, now;
	} cases[] = {
	    {"300 s ahead", "ready", 300, 0},
	    {"301 s ahead", "host", 301, 0},
	    {"12 h old", "ready", 0, 12 * 3600},
	    {"a second older", "expired", 0, 12 * 3600 + 1},
	    {"renewals are over", "host", 0, 2 * DAY},
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_world(&w, HOST, 2 * DAY);
		ask(&w, cases[i].at, FIXTURE_BY(HK));
		w.c.in.now = NOW + cases[i].now;
		issue_case_expect(&w.c, cases[i].name, cases[i].rule);
		close_world(&w);
	}
}

static void
what_ends_it(void **state)
{
	struct world w;
	char id[ISSUE_KEY_ID_MAX];

	(void)state;
	open_world(&w, HOST, DAY);
	turn_out(&w);
	issue_case_expect(&w.c, "rejected", "host");
	close_world(&w);
	open_world(&w, HOST, DAY);
	issue_case_revoke(&w.c, NULL, fixture_key(HK), FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&w.c, "key revoked", "host");
	close_world(&w);
	open_world(&w, HOST, DAY);
	issue_case_revoke(&w.c, HOST, NULL, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&w.c, "id revoked", "host");
	close_world(&w);
	open_world(&w, HOST, DAY);
	issue_case_revoke_cert(&w.c, issue_serial(&w.c.request.hash), NULL,
	    FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&w.c, "serial revoked", "revoked");
	close_world(&w);
	open_world(&w, HOST, DAY);
	issue_key_id(HOST, &w.c.request.hash, id);
	issue_case_revoke_cert(&w.c, 0, id, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&w.c, "key id revoked", "revoked");
	close_world(&w);
}

static void
only_a_host_authority_signs_it(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, HOST, DAY);
	w.c.in.ca = fixture_key(SEED_USER_CA);
	issue_case_expect(&w.c, "the user CA", "authority");
	w.c.in.ca = NULL;
	issue_case_expect(&w.c, "the first that the policy lists", "ready");
	close_world(&w);
}

/* --- its record ----------------------------------------------------------- */

static void
its_record_says_who_accepted_it(void **state)
{
	const struct statement *list[1];
	struct issue_leaf leaf = {.rules = ISSUE_RULES, .now = NOW};
	struct str out = STR_INIT;
	struct buf *tbs = NULL;
	struct err e = {0};
	struct world w;

	(void)state;
	open_world(&w, HOST, DAY);
	issue_case_expect(&w.c, "a host", "ready");
	assert_int_equal(buf_new(&tbs, CERT_MAX), 0);
	assert_int_equal(cert_encode_tbs(&w.c.r.cert, tbs), 0);
	list[0] = &w.accept;
	leaf.request = w.c.request.hash;
	leaf.decisions = &w.accept.hash;
	leaf.n_decisions = 1;
	buf_take(tbs, &leaf.tbs, &leaf.tbs_len);
	if (issue_record(&leaf, 7, &w.c.request, list, 1, &out, NULL, &e) != 0)
		fail_msg("%s", e.msg);
	assert_non_null(strstr(out.p, "\"kind\": \"host\""));
	assert_non_null(strstr(out.p, "\"person\": \"" HOST "\""));
	assert_non_null(strstr(out.p, "\"grant\": null"));
	assert_non_null(strstr(out.p, "\"person\": \"" PETRA "\""));
	/* Another statement in its place is a lie. */
	list[0] = &w.enrol;
	leaf.decisions = &w.enrol.hash;
	assert_int_equal(issue_record(&leaf, 7, &w.c.request, list, 1, &out,
			     NULL, &e),
	    ERR_CORRUPT);
	free(leaf.tbs);
	buf_free(tbs);
	str_clear(&out);
	close_world(&w);
}

static int
decide(void *arg)
{
	struct world *w = arg;

	return issue_decide(&w->c.in, &w->c.r, NULL);
}

static void
every_allocation_may_fail(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, HOST, DAY);
	assert_true(alloc_each(decide, &w) > 3);
	close_world(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_acceptance_gives_its_names_to_its_key),
	    cmocka_unit_test(no_certificate_ends_after_renew_until),
	    cmocka_unit_test(a_renamed_host_has_its_new_name),
	    cmocka_unit_test(one_by_a_token_names_the_token),
	    cmocka_unit_test(nothing_without_an_acceptance),
	    cmocka_unit_test(only_a_grant_for_accepted_hosts_counts),
	    cmocka_unit_test(time_is_asked),
	    cmocka_unit_test(what_ends_it),
	    cmocka_unit_test(only_a_host_authority_signs_it),
	    cmocka_unit_test(its_record_says_who_accepted_it),
	    cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
