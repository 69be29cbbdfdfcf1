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
#include "lib/base/clock.h"
#include "tests/unit/alloc.h"
#include "tests/unit/policycase.h"

#define NOW INT64_C(1764000000) /* 2025-11-24T16:00:00Z */

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
policy_with(const char *text)
{
	static const char grants[] =
	    "people: {a: {keys: [<4>], groups: [g]}}\n" AUTHORITIES
	    "grants: {x: {to: [g], principals: [x], max: 1h, approve: none}}\n";
	struct conf_diags d = {0};
	struct policy *p = NULL;

	if (pc_parse_texts(NULL, grants, "audit.yaml", text, &p, &d) != 0)
		fail_msg("%s", d.v[0].text);
	conf_diags_clear(&d);
	return p;
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
	p = policy_with(text.p);
	str_clear(&text);
	return p;
}

static void
hash_of(unsigned seed, struct hash *out)
{
	struct slice blob = pubkey_blob(fixture_key(seed));

	hash_sha256(blob.p, blob.n, out);
}

/* ca 0: by a plain key; key 0: by a password.  The texts are literals. */
static struct use
login(const char *host, const char *account, unsigned key, unsigned ca)
{
	struct use u = {.host = (char *)(uintptr_t)host,
	    .event = {.what = LOGIN_IN,
		.at = NOW - 60,
		.account = (char *)(uintptr_t)account,
		.has_key = key != 0,
		.has_cert = ca != 0,
		.serial = 41}};

	if (key != 0)
		hash_of(key, &u.event.key);
	if (ca != 0)
		hash_of(ca, &u.event.ca);
	return u;
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
	    {"what it is for", "db-1", "root", SEED_MALLORY, 0, NOW,
		"known: nightly backup (olga, until 2025-12-01T23:59:59Z)",
		USE_BARE, true},
	    {"on a host of a pattern", "web-7", "root", SEED_MALLORY, 0, NOW,
		"known: nightly", USE_BARE, true},
	    {"in its last second", "db-1", "root", SEED_MALLORY, 0,
		NOW + 6 * 86400 + 8 * 3600 + 86399, "known: nightly", USE_BARE,
		true},
	    {"a second later", "db-1", "root", SEED_MALLORY, 0,
		NOW + 6 * 86400 + 8 * 3600 + 86400,
		"no longer excepted: nightly backup", USE_BARE, false},
	    {"on another host", "db-2", "root", SEED_MALLORY, 0, NOW, NULL,
		USE_BARE, false},
	    {"on one that begins so", "db-11", "root", SEED_MALLORY, 0, NOW,
		NULL, USE_BARE, false},
	    {"as another account", "db-1", "toor", SEED_MALLORY, 0, NOW, NULL,
		USE_BARE, false},
	    {"as nobody", "db-1", NULL, SEED_MALLORY, 0, NOW, NULL, USE_BARE,
		false},
	    {"by another key", "db-1", "root", SEED_SUBJECT, 0, NOW, NULL,
		USE_BARE, false},
	    {"by a password", "db-1", "root", 0, 0, NOW, NULL, USE_BARE, false},
	    {"by its key, with a certificate", "db-1", "root", SEED_MALLORY,
		SEED_EMERGENCY_CA, NOW, NULL, USE_ELSEWHERE, false},
	    {"by another CA", "web-1", "deploy", SEED_SUBJECT, SEED_SUBJECT,
		NOW, "known: guests", USE_ELSEWHERE, true},
	    {"its key, plain", "web-1", "deploy", SEED_SUBJECT, 0, NOW, NULL,
		USE_BARE, false},
	    {"by a CA that was adopted", "web-1", "deploy", SEED_SUBJECT,
		SEED_USER_CA, NOW, "known: of before", USE_ELSEWHERE, true},
	    {"by it, as root", "web-1", "root", SEED_SUBJECT, SEED_USER_CA, NOW,
		NULL, USE_NEVER_ISSUED, false},
	    {"by it, elsewhere", "web-2", "deploy", SEED_SUBJECT, SEED_USER_CA,
		NOW, NULL, USE_NEVER_ISSUED, false},
	    {"what has expired", "x", "old", SEED_MALLORY, 0, NOW,
		"no longer excepted: gone (olga, until 2025-11-01T23:59:59Z)",
		USE_BARE, false},
	};
	struct policy *p = known_policy();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct use u = login(cases[i].host, cases[i].account,
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
	struct use u = login("web-1", "deploy", SEED_SUBJECT, SEED_USER_CA);
	struct grant_use g = {.serial = 41,
	    .valid_after = NOW - 7200,
	    .valid_before = NOW - 3600};
	struct issued s = {.v = &g, .n = 1};
	struct str why = STR_INIT;
	struct judged j;

	(void)state;
	hash_of(SEED_USER_CA, &g.ca);
	assert_int_equal(strs_add(&g.principals, "deploy"), 0);
	assert_int_equal(known_judge(&u, &s, p, NOW, &j, &why), 0);
	assert_int_equal(j.kind, USE_OUTSIDE);
	assert_null(j.known);
	assert_ptr_equal(j.of, &g);
	strs_clear(&g.principals);
	str_clear(&why);
	policy_free(p);
}

/* --- counted ---------------------------------------------------------------- */

struct counted {
	struct policy *p;
	struct use v[7];
	struct uses u;
};

static void
counted_init(struct counted *c)
{
	c->p = known_policy();
	c->v[0] = login("web-2", "root", SEED_MALLORY, 0);
	c->v[1] = login("db-1", "root", SEED_MALLORY, 0);
	c->v[2] = login("web-2", "root", SEED_MALLORY, 0);
	c->v[2].event.at = NOW - 30;
	c->v[3] = login("web-1", "deploy", SEED_SUBJECT, SEED_USER_CA);
	c->v[4] = login("web-1", "old", SEED_MALLORY, 0);
	c->v[5] = login("web-1", "deploy", 0, 0);
	c->v[6] = login("web-2", "root", SEED_MALLORY, 0);
	c->v[6].event.what = LOGIN_REFUSED;
	c->u = (struct uses){.v = c->v, .n = COUNT(c->v)};
}

static int
list(const struct counted *c, struct gaps *g)
{
	struct issued s = {0};
	int r;

	if ((r = gaps_of_logins(g, &c->u, &s, c->p, NOW)) == 0)
		r = gaps_of_known(g, &c->u, &s, c->p, NOW);
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
	    {"no certificate", "web-1", "old", "gone", 1, NOW - 60},
	    {"no certificate", "web-1", "deploy", "by nothing said", 1,
		NOW - 60},
	    {"excepted", "db-1", "root", "no certificate: nightly backup", 1,
		NOW - 60},
	    {"excepted", "web-2", "root", "no certificate: nightly backup", 2,
		NOW - 30},
	    {"excepted", "web-1", "deploy", "elsewhere: of before", 1,
		NOW - 60},
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

/* --- checked ---------------------------------------------------------------- */

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
	assert_int_equal(policy_check(p, NOW, NULL, NULL, &d), 0);
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
