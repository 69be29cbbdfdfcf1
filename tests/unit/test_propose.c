/* SPDX-License-Identifier: ISC */
/* A first audit.yaml, which is no policy until a person has seen it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/gaps.h"
#include "ca/audit/propose.h"
#include "tests/unit/alloc.h"
#include "tests/unit/knowncase.h"

/* root by a key on two hosts, old by it on one, deploy by a CA; a password. */
struct seen {
	struct policy *p;
	struct use v[7];
	struct uses u;
};

static void
seen_init(struct seen *c)
{
	c->p = kc_policy("# nothing\n");
	c->v[0] = kc_login("web-2", "root", SEED_MALLORY, 0);
	c->v[1] = kc_login("db-1", "root", SEED_MALLORY, 0);
	c->v[2] = kc_login("web-2", "root", SEED_MALLORY, 0);
	c->v[3] = kc_login("web-1", "deploy", SEED_SUBJECT, SEED_MALLORY);
	c->v[4] = kc_login("web-1", "old", SEED_MALLORY, 0);
	c->v[5] = kc_login("web-1", "deploy", 0, 0);
	c->v[6] = kc_login("web-3", "root", SEED_MALLORY, 0);
	c->v[6].event.what = LOGIN_REFUSED;
	c->u = (struct uses){.v = c->v, .n = COUNT(c->v)};
}

/* The file once a person has done his part. */
static char *
filled(const char *text)
{
	struct str s = STR_INIT;
	char *out = NULL;

	for (const char *p = text; *p != '\0'; p++) {
		str_addc(&s, *p);
		if (strncmp(p, "reason: \"\"", 10) == 0) {
			str_add(&s, "eason: backup");
			p += 9;
		} else if (strncmp(p, "owner: \"\"", 9) == 0) {
			str_add(&s, "wner: olga");
			p += 8;
		}
	}
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static void
what_is_proposed_waits_for_a_person(void **state)
{
	struct policy *p = NULL;
	struct conf_diags d = {0};
	struct issued s = {0};
	struct str text = STR_INIT;
	struct proposed n;
	struct seen c;
	struct gaps g = {0};
	char *done;

	(void)state;
	seen_init(&c);
	assert_int_equal(propose_write(&c.u, &s, c.p, KNOWN_NOW - 14 * 86400,
			     KNOWN_NOW, &text, &n),
	    0);
	assert_int_equal(n.n_exceptions, 3);
	assert_int_equal(n.n_logins, 5);
	assert_int_equal(n.n_others, 1);
	assert_int_equal(kc_parse(text.p, &p, &d), ERR_PARSE);
	assert_int_equal(d.n_errors, 6); /* each reason and each owner */
	conf_diags_clear(&d);
	done = filled(text.p);
	if (kc_parse(done, &p, &d) != 0)
		fail_msg("%s\n%s", d.v[0].text, done);
	assert_int_equal(p->n_exceptions, 3);
	for (size_t i = 0; i < p->n_exceptions; i++)
		assert_int_equal(p->exceptions[i].expires / 86400,
		    (KNOWN_NOW + PROPOSE_DAYS * 86400) / 86400);
	/* They except what they were made of, and the password stays. */
	assert_int_equal(gaps_of_logins(&g, &c.u, &s, p, KNOWN_NOW), 0);
	assert_int_equal(g.n, 1);
	assert_string_equal(g.v[0].account, "deploy");
	assert_string_equal(g.v[0].what, "by nothing said");
	gaps_clear(&g);
	free(done);
	str_clear(&text);
	/* What is excepted is not proposed again. */
	assert_int_equal(propose_write(&c.u, &s, p, KNOWN_NOW, KNOWN_NOW, &text,
			     &n),
	    0);
	assert_int_equal(n.n_exceptions, 0);
	assert_int_equal(n.n_others, 1);
	str_clear(&text);
	conf_diags_clear(&d);
	policy_free(p);
	policy_free(c.p);
}

/* A host may say what it likes, and proposes no line of the file. */
static void
what_no_exception_can_name_is_a_comment(void **state)
{
	static const struct {
		const char *name, *host, *account;
		unsigned key, ca;
		size_t n;
	} cases[] = {
	    {"an account", "db-1", "root", SEED_MALLORY, 0, 1},
	    {"none", "db-1", NULL, SEED_MALLORY, 0, 0},
	    {"one of two lines", "db-1", "a\nb: c", SEED_MALLORY, 0, 0},
	    {"one with a quote", "db-1", "a\"", SEED_MALLORY, 0, 0},
	    {"every host", "*", "root", SEED_MALLORY, 0, 0},
	    {"a password", "db-1", "root", 0, 0, 0},
	    {"a stolen CA key", "db-1", "root", SEED_SUBJECT, SEED_USER_CA, 0},
	};
	struct policy *none = kc_policy("# nothing\n");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct use u = kc_login(cases[i].host, cases[i].account,
		    cases[i].key, cases[i].ca);
		const struct uses one = {.v = &u, .n = 1};
		struct issued s = {0};
		struct str text = STR_INIT;
		struct proposed n;
		size_t keys = 0;

		assert_int_equal(propose_write(&one, &s, none, KNOWN_NOW - 9,
				     KNOWN_NOW, &text, &n),
		    0);
		for (const char *p = text.p; p != NULL; p = strchr(p, '\n')) {
			p += *p == '\n';
			keys += *p != '\0' && *p != '#' && *p != ' ';
			if (strncmp(p, "  - ", 4) == 0)
				keys += 100;
		}
		if (n.n_exceptions != cases[i].n ||
		    n.n_others != 1 - cases[i].n ||
		    keys != 1 + 100 * cases[i].n)
			fail_msg("%s: %s", cases[i].name, text.p);
		str_clear(&text);
	}
	policy_free(none);
}

/* More hosts than one may name. */
static void
hosts_too_many_for_one_are_for_two(void **state)
{
	static char names[POLICY_LIST_MAX + 1][16];
	static struct use v[2 * (POLICY_LIST_MAX + 1)];
	const struct uses u = {.v = v, .n = COUNT(v)};
	struct policy *none = kc_policy("# nothing\n"), *p = NULL;
	struct conf_diags d = {0};
	struct str text = STR_INIT;
	struct issued s = {0};
	struct proposed n;
	char *done;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "web-%zu", i);
		v[2 * i] = kc_login(names[i], "root", SEED_MALLORY, 0);
		v[2 * i + 1] = v[2 * i];
	}
	assert_int_equal(propose_write(&u, &s, none, KNOWN_NOW - 9, KNOWN_NOW,
			     &text, &n),
	    0);
	assert_int_equal(n.n_exceptions, 2);
	assert_int_equal(n.n_logins, COUNT(v));
	done = filled(text.p);
	if (kc_parse(done, &p, &d) != 0)
		fail_msg("%s", d.v[0].text);
	assert_int_equal(p->exceptions[0].hosts.n, POLICY_LIST_MAX);
	assert_int_equal(p->exceptions[1].hosts.n, 1);
	free(done);
	str_clear(&text);
	policy_free(p);
	policy_free(none);
	conf_diags_clear(&d);
}

static int
propose_once(void *arg)
{
	const struct seen *c = arg;
	struct issued s = {0};
	struct str text = STR_INIT;
	struct proposed n;
	int r;

	r = propose_write(&c->u, &s, c->p, KNOWN_NOW - 9, KNOWN_NOW, &text, &n);
	str_clear(&text);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct seen c;

	(void)state;
	seen_init(&c);
	assert_true(alloc_each(propose_once, &c) > 5);
	policy_free(c.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_proposed_waits_for_a_person),
	    cmocka_unit_test(what_no_exception_can_name_is_a_comment),
	    cmocka_unit_test(hosts_too_many_for_one_are_for_two),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
