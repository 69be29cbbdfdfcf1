/* SPDX-License-Identifier: ISC */
/* What was taken away, and which certificates a log is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/uses.h"
#include "tests/unit/alloc.h"
#include "tests/unit/logcase.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum of { SERIALS, KEY_ID, PERSON, KEY };

/* A revoke statement of olga's, who signs it. */
static void
revoke(struct statement *s, enum of what, const char *text, unsigned seed,
    int64_t at, const char *reason)
{
	struct revoke *v = &s->u.v;

	fixture_statement(s, ST_REVOKE, OLGA);
	s->at = at;
	assert_non_null(v->reason = str_dup(reason));
	if (what == SERIALS) {
		assert_non_null(v->serials = calloc(2, sizeof(uint64_t)));
		v->serials[0] = seed;
		v->serials[1] = seed + 1;
		v->n_serials = 2;
	} else if (what == KEY_ID) {
		assert_non_null(v->key_id = str_dup(text));
	} else if (what == PERSON) {
		assert_non_null(v->person = str_dup(text));
	} else {
		assert_int_equal(pubkey_dup(fixture_key((uint8_t)seed),
				     &v->key),
		    0);
	}
	fixture_sign(s, FIXTURE_BY(SEED_OLGA));
}

static const struct {
	enum of what;
	const char *text;
	unsigned seed;
	int64_t at;
	const char *reason;
} said[] = {
    {SERIALS, NULL, 41, FIXTURE_NOW + 50, "typo"},
    {KEY_ID, ALICE "/ab", 0, FIXTURE_NOW + 40, "lost"},
    {PERSON, BOB, 0, FIXTURE_NOW + 30, "left"},
    {KEY, NULL, SEED_ALICE_2, FIXTURE_NOW + 20, "stolen"},
    {KEY, NULL, SEED_EMERGENCY_CA, FIXTURE_NOW + 60, "stick is gone"},
    {SERIALS, NULL, 42, FIXTURE_NOW + 10, "again"},
};

static int
gather(struct revocations *r)
{
	int rc = 0;

	for (size_t i = 0; i < COUNT(said) && rc == 0; i++) {
		struct statement s;

		revoke(&s, said[i].what, said[i].text, said[i].seed, said[i].at,
		    said[i].reason);
		rc = revocations_add(r, statement_bytes(&s), i, "ca_log", NULL);
		statement_clear(&s);
	}
	return rc;
}

static void
the_first_revocation_of_any_part_is_found(void **state)
{
	static const struct {
		const char *name;
		uint64_t serial;
		const char *key_id, *person;
		unsigned key, ca;
		const char *text; /* NULL: nothing is revoked */
		uint64_t index;
	} cases[] = {
	    {"nothing of it", 40, "x", ALICE, SEED_ALICE, SEED_USER_CA, NULL,
		0},
	    {"its serial", 41, "x", ALICE, SEED_ALICE, SEED_USER_CA,
		"the certificate was revoked at 2026-03-02T10:00:50Z by " OLGA
		": typo",
		0},
	    {"its serial, twice", 42, "x", ALICE, SEED_ALICE, SEED_USER_CA,
		"the certificate was revoked at 2026-03-02T10:00:10Z by " OLGA
		": again",
		5},
	    {"its key id", 40, ALICE "/ab", ALICE, SEED_ALICE, SEED_USER_CA,
		"the certificate was revoked at 2026-03-02T10:00:40Z by " OLGA
		": lost",
		1},
	    {"its person", 40, "x", BOB, SEED_BOB, SEED_USER_CA,
		BOB " was revoked at 2026-03-02T10:00:30Z by " OLGA ": left",
		2},
	    {"its key", 40, "x", ALICE, SEED_ALICE_2, SEED_USER_CA,
		"its key was revoked at 2026-03-02T10:00:20Z by " OLGA
		": stolen",
		3},
	    {"its CA", 40, "x", ALICE, SEED_ALICE, SEED_EMERGENCY_CA,
		"its CA was revoked at 2026-03-02T10:01:00Z by " OLGA
		": stick is gone",
		4},
	    {"of all the first", 41, "x", BOB, SEED_ALICE_2, SEED_EMERGENCY_CA,
		"its key was revoked at 2026-03-02T10:00:20Z by " OLGA
		": stolen",
		3},
	};
	struct revocations r = {0};

	(void)state;
	assert_int_equal(gather(&r), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct revocation *v;
		struct str text = STR_INIT;
		struct hash key, ca;
		const char *what;

		pubkey_hash(fixture_key(cases[i].key), &key);
		pubkey_hash(fixture_key(cases[i].ca), &ca);
		assert_int_equal(revocations_find(&r,
				     &(struct revocable){cases[i].serial,
					 cases[i].key_id, cases[i].person, &key,
					 &ca},
				     &v, &what),
		    0);
		if ((v == NULL) != (cases[i].text == NULL))
			fail_msg("%s", cases[i].name);
		if (v != NULL) {
			revocation_text(v, what, &text);
			assert_string_equal(text.p, cases[i].text);
			assert_int_equal(v->index, cases[i].index);
			assert_string_equal(v->log, "ca_log");
		}
		str_clear(&text);
	}
	revocations_clear(&r);
}

/* What nobody signed took nothing away. */
static void
what_is_not_signed_or_not_one_is_refused(void **state)
{
	struct revocations r = {0};
	struct statement s, q;
	struct err e = {0};
	char *bytes;

	(void)state;
	revoke(&s, PERSON, BOB, 0, FIXTURE_NOW, "left");
	bytes = str_dupn(s.bytes, s.n_bytes);
	assert_non_null(bytes);
	bytes[strstr(bytes, "left") - bytes] ^= 1;
	assert_int_equal(revocations_add(&r, slice_of(bytes, s.n_bytes), 1,
			     "ca_log", &e),
	    ERR_BADSIG);
	assert_int_equal(revocations_add(&r, slice_of(bytes, 20), 1, "ca_log",
			     &e),
	    ERR_PARSE);
	fixture_request(&q, ALICE);
	fixture_sign(&q, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(revocations_add(&r, statement_bytes(&q), 1, "ca_log",
			     &e),
	    ERR_PARSE);
	assert_int_equal(r.n, 0);
	free(bytes);
	statement_clear(&s);
	statement_clear(&q);
	revocations_clear(&r);
}

/* --- of a log ------------------------------------------------------------- */

struct asked {
	struct logcase lg;
	uint64_t serial;
	int64_t from; /* of its time */
};

static int
note_it(void *ctx, const struct audit_certificate *c)
{
	struct asked *a = ctx;

	a->serial = c->cert->serial;
	a->from = (int64_t)c->cert->valid_after;
	return 0;
}

static int
add_it(void *ctx, const struct audit_certificate *c)
{
	return issued_add(ctx, c, "ca_log");
}

static void
asked_open(struct asked *a)
{
	struct audit_log *l = NULL;
	struct statement s;

	logcase_open(&a->lg, "ca_log", SEED_LOG, SEED_USER_CA);
	logcase_story(&a->lg);
	revoke(&s, PERSON, ALICE, 0, FIXTURE_NOW + 7200, "left");
	(void)logcase_add(&a->lg, &s);
	statement_clear(&s);
	logcase_publish(&a->lg);
	assert_int_equal(audit_log_open(a->lg.dir, NULL, &a->lg.realm,
			     a->lg.trust.policy, &l, NULL),
	    0);
	assert_int_equal(audit_log_each(l, note_it, a, NULL), 0);
	audit_log_close(l);
}

static int
ask(const struct asked *a, const struct audit_select *of, struct issued *s)
{
	struct audit_log *l = NULL;
	int r;

	if ((r = audit_log_open(a->lg.dir, NULL, &a->lg.realm,
		 a->lg.trust.policy, &l, NULL)) == 0)
		r = audit_log_select(l, of, add_it, s, NULL);
	audit_log_close(l);
	return r;
}

static void
a_log_gives_what_it_is_asked_for(void **state)
{
	struct asked a;
	uint64_t others[3];

	(void)state;
	asked_open(&a);
	others[0] = 1;
	others[1] = a.serial;
	others[2] = UINT64_MAX;
	{
		const struct {
			const char *name;
			const uint64_t *serials;
			size_t n_serials;
			int64_t since;
			size_t n;
		} cases[] = {
		    {"nothing", NULL, 0, INT64_MAX, 0},
		    {"its serial among others", others, 3, INT64_MAX, 1},
		    {"others", others, 1, INT64_MAX, 0},
		    {"since its time began", NULL, 0, a.from, 1},
		    {"later", NULL, 0, a.from + 1, 0},
		    {"since for ever", NULL, 0, INT64_MIN, 1},
		    {"later, and its serial", others, 3, a.from + 1, 1},
		};

		for (size_t i = 0; i < COUNT(cases); i++) {
			const struct audit_select of = {cases[i].serials,
			    cases[i].n_serials, cases[i].since, NULL};
			struct issued s = {0};

			assert_int_equal(ask(&a, &of, &s), 0);
			if (s.n != cases[i].n)
				fail_msg("%s: %zu", cases[i].name, s.n);
			issued_clear(&s);
		}
	}
	logcase_close(&a.lg);
}

static int
count_decided(void *ctx, const struct audit_certificate *c)
{
	size_t *n = ctx;

	assert_int_equal(c->n_decisions, 1);
	assert_string_equal(c->decisions[0]->by, OLGA);
	assert_int_equal(c->decision_indexes[0], 4);
	++*n;
	return 0;
}

/* The second one is shown with the decision that the first one was. */
static void
one_decision_of_two_is_shown_with_both(void **state)
{
	struct statement q[2], decision;
	const struct statement *r[2] = {&q[0], &q[1]}, *d = &decision;
	struct audit_log *l = NULL;
	struct issue_leaf leaf;
	struct logcase lg;
	size_t n = 0;

	(void)state;
	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	for (size_t i = 0; i < 2; i++) {
		fixture_request(&q[i], ALICE);
		fixture_sign(&q[i], FIXTURE_BY(SEED_ALICE));
		(void)logcase_add(&lg, &q[i]);
	}
	fixture_decision(&decision, OLGA, &lg.trust.policy->hash, r, 2);
	fixture_sign(&decision, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(logcase_add(&lg, &decision), 4);
	for (size_t i = 0; i < 2; i++) {
		logcase_decide(&lg, r[i], &d, 1, &leaf);
		(void)logcase_issue(&lg, &leaf, r[i], &d, 1);
		logcase_issue_clear(&leaf);
	}
	logcase_publish(&lg);
	assert_int_equal(audit_log_open(lg.dir, NULL, &lg.realm,
			     lg.trust.policy, &l, NULL),
	    0);
	assert_int_equal(audit_log_each(l, count_decided, &n, NULL), 0);
	assert_int_equal(n, 2);
	audit_log_close(l);
	for (size_t i = 0; i < 2; i++)
		statement_clear(&q[i]);
	statement_clear(&decision);
	logcase_close(&lg);
}

static int
join(const struct asked *a, struct issued *s, struct revocations *r)
{
	const struct audit_select of = {NULL, 0, INT64_MIN, r};
	int rc = ask(a, &of, s);

	return rc == 0 ? issued_revoke(s, r) : rc;
}

static void
a_certificate_knows_who_took_it_away(void **state)
{
	struct revocations r = {0};
	struct issued s = {0};
	struct asked a;

	(void)state;
	asked_open(&a);
	if (join(&a, &s, &r) != 0) {
		fail();
		return; /* clang's analyzer does not know that fail() is one */
	}
	assert_int_equal(s.n, 1);
	assert_non_null(s.v[0].revoked);
	assert_string_equal(s.v[0].revoked_what, ALICE);
	assert_string_equal(s.v[0].revoked->by, OLGA);
	assert_string_equal(s.v[0].revoked->reason, "left");
	assert_int_equal(s.v[0].revoked->at, FIXTURE_NOW + 7200);
	assert_int_equal(s.v[0].revoked->index, a.lg.n - 1);
	issued_clear(&s);
	revocations_clear(&r);
	logcase_close(&a.lg);
}

static int
join_once(void *arg)
{
	struct revocations r = {0};
	struct issued s = {0};
	int rc = join(arg, &s, &r);

	issued_clear(&s);
	revocations_clear(&r);
	return rc;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct asked a;

	(void)state;
	asked_open(&a);
	assert_true(alloc_each(join_once, &a) > 30);
	logcase_close(&a.lg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_revocation_of_any_part_is_found),
	    cmocka_unit_test(what_is_not_signed_or_not_one_is_refused),
	    cmocka_unit_test(a_log_gives_what_it_is_asked_for),
	    cmocka_unit_test(one_decision_of_two_is_shown_with_both),
	    cmocka_unit_test(a_certificate_knows_who_took_it_away),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
