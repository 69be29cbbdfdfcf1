/* SPDX-License-Identifier: ISC */
/* What audit.yaml excepts, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/gaps.h"
#include "tests/unit/alloc.h"
#include "tests/unit/knowncase.h"

static const char yaml[] =
    "exceptions:\n"
    "  - {account: root, key: \"%s\", hosts: [db-1, 'web-*'],\n"
    "     reason: nightly backup, owner: olga, expires: 2025-12-01}\n"
    "  - {account: deploy, ca: \"%s\", hosts: [web-1],\n"
    "     reason: guests, owner: olga, expires: 2025-12-01}\n"
    "  - {account: deploy, ca: \"%s\", hosts: [web-1],\n"
    "     reason: of before, owner: nobody, expires: 2025-12-01}\n"
    "  - {account: old, key: \"%s\", hosts: ['*'],\n"
    "     reason: gone, owner: olga, expires: 2025-11-01}\n";

static void
print_of(unsigned seed, char out[FINGERPRINT_MAX])
{
	pubkey_fingerprint(fixture_key(seed), out);
}

static struct policy *
known_policy(void)
{
	char mallory[FINGERPRINT_MAX], ca[FINGERPRINT_MAX];
	char user_ca[FINGERPRINT_MAX];
	struct str text = STR_INIT;
	struct policy *p;

	print_of(SEED_MALLORY, mallory);
	print_of(SEED_SUBJECT, ca);
	print_of(SEED_USER_CA, user_ca);
	str_addf(&text, yaml, mallory, ca, user_ca, mallory);
	p = kc_policy(text.p);
	str_clear(&text);
	return p;
}

static void
an_exception_is_for_what_it_says_and_nothing_else(void **state)
{
	static const struct {
		const char *name, *host, *account;
		unsigned key, ca;
		int64_t now;
		const char *says; /* what the exception is called; NULL: none */
		enum use_kind kind;
		bool known;
	} cases[] = {
	    {"what it is for", "db-1", "root", SEED_MALLORY, 0, KNOWN_NOW,
		"known: nightly backup (olga, until 2025-12-01T23:59:59Z)",
		USE_BARE, true},
	    {"on a host of a pattern", "web-7", "root", SEED_MALLORY, 0,
		KNOWN_NOW, "known: nightly", USE_BARE, true},
	    {"in its last second", "db-1", "root", SEED_MALLORY, 0,
		KNOWN_NOW + 6 * 86400 + 8 * 3600 + 86399, "known: nightly",
		USE_BARE, true},
	    {"a second later", "db-1", "root", SEED_MALLORY, 0,
		KNOWN_NOW + 6 * 86400 + 8 * 3600 + 86400,
		"no longer excepted: nightly backup", USE_BARE, false},
	    {"on another host", "db-2", "root", SEED_MALLORY, 0, KNOWN_NOW,
		NULL, USE_BARE, false},
	    {"on one that begins so", "db-11", "root", SEED_MALLORY, 0,
		KNOWN_NOW, NULL, USE_BARE, false},
	    {"as another account", "db-1", "toor", SEED_MALLORY, 0, KNOWN_NOW,
		NULL, USE_BARE, false},
	    {"as nobody", "db-1", NULL, SEED_MALLORY, 0, KNOWN_NOW, NULL,
		USE_BARE, false},
	    {"by another key", "db-1", "root", SEED_SUBJECT, 0, KNOWN_NOW, NULL,
		USE_BARE, false},
	    {"by a password", "db-1", "root", 0, 0, KNOWN_NOW, NULL, USE_BARE,
		false},
	    {"by its key, with a certificate", "db-1", "root", SEED_MALLORY,
		SEED_EMERGENCY_CA, KNOWN_NOW, NULL, USE_ELSEWHERE, false},
	    {"by another CA", "web-1", "deploy", SEED_SUBJECT, SEED_SUBJECT,
		KNOWN_NOW, "known: guests", USE_ELSEWHERE, true},
	    {"its key, plain", "web-1", "deploy", SEED_SUBJECT, 0, KNOWN_NOW,
		NULL, USE_BARE, false},
	    {"by a CA that was adopted", "web-1", "deploy", SEED_SUBJECT,
		SEED_USER_CA, KNOWN_NOW, "known: of before", USE_ELSEWHERE,
		true},
	    {"by it, as root", "web-1", "root", SEED_SUBJECT, SEED_USER_CA,
		KNOWN_NOW, NULL, USE_NEVER_ISSUED, false},
	    {"by it, elsewhere", "web-2", "deploy", SEED_SUBJECT, SEED_USER_CA,
		KNOWN_NOW, NULL, USE_NEVER_ISSUED, false},
	    {"what has expired", "x", "old", SEED_MALLORY, 0, KNOWN_NOW,
		"no longer excepted: gone (olga, until 2025-11-01T23:59:59Z)",
		USE_BARE, false},
	};
	struct policy *p = known_policy();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct use u = kc_login(cases[i].host, cases[i].account,
		    cases[i].key, cases[i].ca);
		struct str why = STR_INIT;
		struct issued s = {0};
		struct judged j;

		assert_int_equal(known_judge(&u, &s, p, cases[i].now, &j, &why),
		    0);
		if (j.kind != cases[i].kind ||
		    (j.known != NULL) != cases[i].known ||
		    (strstr(why.p, "known: ") != NULL) != cases[i].known ||
		    (cases[i].says == NULL &&
			strstr(why.p, "excepted") != NULL) ||
		    (cases[i].says != NULL &&
			strstr(why.p, cases[i].says) == NULL))
			fail_msg("%s: %s, %s", cases[i].name,
			    use_kind_name(j.kind), why.p);
		str_clear(&why);
	}
	policy_free(p);
}

/* Whoever has a certificate of the log is judged by it alone. */
static void
what_was_issued_is_not_excepted(void **state)
{
	struct policy *p = known_policy();
	struct use u = kc_login("web-1", "deploy", SEED_SUBJECT, SEED_USER_CA);
	struct grant_use g = {.serial = 41,
	    .valid_after = KNOWN_NOW - 7200,
	    .valid_before = KNOWN_NOW - 3600};
	struct issued s = {.v = &g, .n = 1};
	struct str why = STR_INIT;
	struct judged j;

	(void)state;
	pubkey_hash(fixture_key(SEED_USER_CA), &g.ca);
	pubkey_hash(fixture_key(SEED_SUBJECT), &g.key);
	assert_int_equal(strs_add(&g.principals, "deploy"), 0);
	assert_int_equal(known_judge(&u, &s, p, KNOWN_NOW, &j, &why), 0);
	assert_int_equal(j.kind, USE_OUTSIDE);
	assert_null(j.known);
	assert_ptr_equal(j.of, &g);
	strs_clear(&g.principals);
	str_clear(&why);
	policy_free(p);
}

/* --- counted -------------------------------------------------------------- */

struct counted {
	struct policy *p;
	struct use v[7];
	struct uses u;
};

static void
counted_init(struct counted *c)
{
	c->p = known_policy();
	c->v[0] = kc_login("web-2", "root", SEED_MALLORY, 0);
	c->v[1] = kc_login("db-1", "root", SEED_MALLORY, 0);
	c->v[2] = kc_login("web-2", "root", SEED_MALLORY, 0);
	c->v[2].event.at = KNOWN_NOW - 30;
	c->v[3] = kc_login("web-1", "deploy", SEED_SUBJECT, SEED_USER_CA);
	c->v[4] = kc_login("web-1", "old", SEED_MALLORY, 0);
	c->v[5] = kc_login("web-1", "deploy", 0, 0);
	c->v[6] = kc_login("web-2", "root", SEED_MALLORY, 0);
	c->v[6].event.what = LOGIN_REFUSED;
	c->u = (struct uses){.v = c->v, .n = COUNT(c->v)};
}

static int
list(const struct counted *c, struct gaps *g)
{
	struct issued s = {0};
	int r;

	if ((r = gaps_of_logins(g, &c->u, &s, c->p, KNOWN_NOW)) == 0)
		r = gaps_of_known(g, &c->u, &s, c->p, KNOWN_NOW);
	return r;
}

static void
what_is_excepted_is_counted_apart(void **state)
{
	static const struct {
		const char *kind, *host, *account, *what;
		size_t count;
		int64_t at;
	} want[] = {
	    {"no certificate", "web-1", "old", "gone", 1, KNOWN_NOW - 60},
	    {"no certificate", "web-1", "deploy", "by nothing said", 1,
		KNOWN_NOW - 60},
	    {"excepted", "db-1", "root", "no certificate: nightly backup", 1,
		KNOWN_NOW - 60},
	    {"excepted", "web-2", "root", "no certificate: nightly backup", 2,
		KNOWN_NOW - 30},
	    {"excepted", "web-1", "deploy", "elsewhere: of before", 1,
		KNOWN_NOW - 60},
	    {"expired", NULL, "old", "audit.yaml:8: gone (olga, until", 0, 0},
	};
	struct counted c;
	struct gaps g = {0};

	(void)state;
	counted_init(&c);
	assert_int_equal(list(&c, &g), 0);
	assert_int_equal(g.n, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		const struct gap *x = &g.v[i];

		if (strcmp(x->kind, want[i].kind) != 0 ||
		    (x->host == NULL) != (want[i].host == NULL) ||
		    (x->host != NULL && strcmp(x->host, want[i].host) != 0) ||
		    strcmp(x->account, want[i].account) != 0 ||
		    x->count != want[i].count || x->at != want[i].at ||
		    strstr(x->what, want[i].what) == NULL)
			fail_msg("%zu: %s %s", i, x->kind, x->what);
	}
	assert_int_equal(g.n_alarms, 2);
	assert_int_equal(g.n_excepted, 4);
	gaps_clear(&g);
	policy_free(c.p);
}

static int
list_once(void *arg)
{
	struct gaps g = {0};
	int r = list(arg, &g);

	gaps_clear(&g);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct counted c;

	(void)state;
	counted_init(&c);
	assert_true(alloc_each(list_once, &c) > 20);
	policy_free(c.p);
}

/* --- checked -------------------------------------------------------------- */

static void
a_check_warns_of_what_is_more_than_was_meant(void **state)
{
	static const char *const want[] = {
	    "audit.yaml:6:5: exception for a CA of this policy: who has stolen "
	    "its key is no alarm as 'deploy' on these hosts",
	    "audit.yaml:6:5: owner 'nobody' of an exception is no person of "
	    "this policy",
	    "audit.yaml:8:5: exception for account 'old' expired at "
	    "2025-11-01T23:59:59Z",
	    "audit.yaml:8:5: exception for account 'old' is for every host",
	};
	struct policy *p = known_policy();
	struct conf_diags d = {0};
	size_t n = 0, found = 0;

	(void)state;
	assert_int_equal(policy_check(p, KNOWN_NOW, NULL, NULL, &d), 0);
	for (size_t i = 0; i < d.n; i++) {
		if (strncmp(d.v[i].text, "audit.yaml:", 11) != 0)
			continue;
		n++;
		for (size_t j = 0; j < COUNT(want); j++)
			found += strcmp(d.v[i].text, want[j]) == 0;
	}
	assert_int_equal(n, COUNT(want));
	assert_int_equal(found, COUNT(want));
	conf_diags_clear(&d);
	policy_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_exception_is_for_what_it_says_and_nothing_else),
	    cmocka_unit_test(what_was_issued_is_not_excepted),
	    cmocka_unit_test(what_is_excepted_is_counted_apart),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	    cmocka_unit_test(a_check_warns_of_what_is_more_than_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
