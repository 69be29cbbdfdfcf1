/* SPDX-License-Identifier: ISC */
/* The log of a CA and that of a master: what each says of the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit.h"
#include "lib/base/clock.h"
#include "tests/unit/alloc.h"
#include "tests/unit/logcase.h"

#define HOST "web-1.example.com"
enum { HK = 50, TK };

static struct logcase ca, fleet;
static struct statement enrol, accept;

/* --- what is in them -------------------------------------------------------- */

static void
put_key(struct pubkey **out, uint8_t seed)
{
	assert_int_equal(pubkey_dup(fixture_key(seed), out), 0);
}

static void
make_enrol(struct statement *s)
{
	fixture_statement(s, ST_ENROL, HOST);
	put_key(&s->u.enrol.host_key, HK);
	put_key(&s->u.enrol.transport_key, TK);
	s->u.enrol.hostname = str_dup("web-1");
	fixture_sign(s, FIXTURE_BY(HK, TK));
}

static void
make_accept(struct statement *s, const struct statement *of)
{
	struct acceptance *a = &s->u.accept;

	fixture_statement(s, ST_ACCEPT, PETRA);
	a->host = str_dup(HOST);
	a->enrol = of->hash;
	put_key(&a->host_key, HK);
	put_key(&a->transport_key, TK);
	assert_int_equal(strs_add(&a->names, HOST), 0);
	a->renew_until = FIXTURE_NOW + 86400 * 365;
	fixture_sign(s, FIXTURE_BY(SEED_PETRA));
}

/* A host asks in and is accepted; with a certificate, in the CA's. */
static void
accept_in(struct logcase *l, bool certificate)
{
	struct statement renew;
	const struct statement *a = &accept;
	struct issue_leaf leaf;
	size_t at;

	(void)logcase_add(l, &enrol);
	(void)logcase_add(l, &accept);
	if (certificate) {
		fixture_statement(&renew, ST_RENEW, HOST);
		renew.u.renew.accept = accept.hash;
		put_key(&renew.u.renew.key, HK);
		fixture_sign(&renew, FIXTURE_BY(HK));
		l->ca = SEED_HOST_CA;
		logcase_decide(l, &renew, &a, 1, &leaf);
		(void)logcase_add(l, &renew);
		at = logcase_issue(l, &leaf, &renew, &a, 1);
		(void)logcase_certificate(l, &leaf, at);
		logcase_issue_clear(&leaf);
		l->ca = SEED_USER_CA;
		statement_clear(&renew);
	}
}

static void
tick(struct logcase *l, int64_t after, uint64_t krl)
{
	const struct tick_leaf t = {.realm = l->realm,
	    .at = FIXTURE_NOW + after,
	    .root_version = 1,
	    .policy_version = 1,
	    .krl_version = krl};
	struct str s = STR_INIT;

	assert_int_equal(tick_leaf_encode(&t, &s), 0);
	(void)logcase_raw(l, s.p, s.n);
	str_clear(&s);
}

/* Of the certificate that alice got; its leaf follows her request and its
 * approval. */
static uint64_t
serial_of_story(void)
{
	struct slice bytes = slice_of(ca.leaf[4].p, ca.leaf[4].n);
	struct leaf l;
	uint64_t serial;

	leaf_init(&l);
	assert_int_equal(leaf_parse("", bytes, &l, NULL), 0);
	assert_int_equal(l.kind, LEAF_ISSUE);
	serial = leaf_serial(&l.u.i.request);
	leaf_clear(&l);
	return serial;
}

/* Of what was signed, or of a byte less. */
static void
hash_of_story(bool same, struct hash *out)
{
	struct slice bytes = slice_of(ca.leaf[4].p, ca.leaf[4].n);
	struct leaf l;

	leaf_init(&l);
	assert_int_equal(leaf_parse("", bytes, &l, NULL), 0);
	hash_sha256(l.u.i.tbs, l.u.i.tbs_len - !same, out);
	leaf_clear(&l);
}

static void
key_hash(uint8_t seed, struct hash *out)
{
	struct slice blob = pubkey_blob(fixture_key(seed));

	hash_sha256(blob.p, blob.n, out);
}

/* What a report says that somebody logged in by; n times. */
struct shown {
	const char *name;
	uint8_t by, key; /* seeds of the CA and of the key; 0: not said */
	uint64_t serial; /* 0: that of the story */
	int whole;       /* 1: the host had all of it; 2: with other content */
	bool refused;
	const char *finding; /* NULL: none */
	const char *notice;
};

static void
report(struct logcase *l, const struct shown *w, uint64_t seq, size_t n)
{
	struct statement s;
	struct report_statement *r = &s.u.report;

	fixture_statement(&s, ST_REPORT, HOST);
	r->seq = seq;
	r->kind = REPORT_LOGINS;
	r->root_version = r->policy_version = 1;
	r->n_events = n;
	r->events = calloc(n, sizeof(*r->events));
	assert_non_null(r->events);
	for (size_t i = 0; i < n; i++) {
		struct login_event *v = &r->events[i];

		v->what = w->refused ? LOGIN_REFUSED : LOGIN_IN;
		v->why = w->refused ? str_dup("revoked") : NULL;
		v->at = FIXTURE_NOW;
		v->account = str_dup("deploy");
		v->method = str_dup(w->by != 0 ? "publickey" : "password");
		v->has_key = w->key != 0;
		if (v->has_key)
			key_hash(w->key, &v->key);
		v->has_cert = w->by != 0;
		if (!v->has_cert)
			continue;
		key_hash(w->by, &v->ca);
		v->serial = w->serial != 0 ? w->serial : serial_of_story();
		v->key_id = str_dup("alice");
		v->has_tbs = w->whole != 0;
		if (v->has_tbs)
			hash_of_story(w->whole == 1, &v->tbs);
	}
	fixture_sign(&s, FIXTURE_BY(HK));
	(void)logcase_add(l, &s);
	statement_clear(&s);
}

/* --- an audit --------------------------------------------------------------- */

static int
setup(void **state)
{
	(void)state;
	logcase_open_fleet(&ca, "ca_log", SEED_LOG, SEED_USER_CA, NULL);
	logcase_open_fleet(&fleet, LOGCASE_MASTER_LOG, SEED_MASTER_LOG, 0, &ca);
	logcase_story(&ca);
	make_enrol(&enrol);
	make_accept(&accept, &enrol);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	logcase_close(&ca);
	logcase_close(&fleet);
	statement_clear(&enrol);
	statement_clear(&accept);
	return 0;
}

static int
audit(struct audit_config *c, struct audit_report *r, struct err *e)
{
	const struct audit_fleet f = {.url = fleet.dir};

	*r = (struct audit_report){0};
	c->url = ca.dir;
	c->realm = ca.realm;
	if (c->n_fleets == 0) {
		c->fleets = &f;
		c->n_fleets = 1;
	}
	return audit_verify(c, r, e);
}

static void
audit_all(struct audit_report *r, uint64_t since)
{
	struct audit_config c = {.since = since};
	struct err e = {0};

	logcase_publish(&ca);
	logcase_publish(&fleet);
	if (audit(&c, r, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
fail_with(const struct audit_report *r, const char *name, const char *what)
{
	struct str text = STR_INIT;

	audit_report_text(r, &text);
	print_error("%s", text.p);
	str_clear(&text);
	fail_msg("%s: %s", name, what);
}

/* The one that says it stands at that leaf of the fleet's log. */
static bool
says(const struct audit_report *r, bool notice, const char *text,
    const struct logcase *l, uint64_t index)
{
	char label[TMPDIR_MAX + 2];

	(void)snprintf(label, sizeof(label), "%s/", l->dir);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].notice == notice && r->v[i].index == index &&
		    strstr(r->v[i].text, text) != NULL &&
		    (l == &ca ||
			strncmp(r->v[i].object, label, strlen(label)) == 0))
			return true;
	return false;
}

static const struct shown shown[] = {
    {.name = "what was issued", .by = SEED_USER_CA, .key = SEED_SUBJECT},
    {.name = "what was issued, and no key is said", .by = SEED_USER_CA},
    {.name = "a password"},
    {.name = "a serial that nobody issued",
	.by = SEED_USER_CA,
	.key = SEED_SUBJECT,
	.serial = 7,
	.finding = "3 logins by serial 7 of CA"},
    {.name = "that serial, and it was refused",
	.by = SEED_USER_CA,
	.serial = 7,
	.refused = true},
    {.name = "a serial that was issued to somebody else",
	.by = SEED_USER_CA,
	.key = SEED_MALLORY,
	.finding = "which was issued to another key"},
    {.name = "all of what was issued",
	.by = SEED_USER_CA,
	.key = SEED_SUBJECT,
	.whole = 1},
    {.name = "its serial and key in another certificate",
	.by = SEED_USER_CA,
	.key = SEED_SUBJECT,
	.whole = 2,
	.finding = "or is another certificate"},
    {.name = "the serial of another CA of the policy",
	.by = SEED_EMERGENCY_CA,
	.key = SEED_SUBJECT,
	.finding = "which no log has: never issued"},
    {.name = "a CA that the policy does not know",
	.by = SEED_MALLORY,
	.notice = "which is none of the policy"},
};

static void
judge(const struct shown *w, uint64_t since)
{
	struct audit_report r;
	uint64_t at;

	accept_in(&fleet, false);
	at = fleet.n;
	report(&fleet, w, 1, 3);
	tick(&fleet, 600, 0);
	audit_all(&r, since);
	if (w->finding != NULL && !says(&r, false, w->finding, &fleet, at))
		fail_with(&r, w->name, w->finding);
	if (w->notice != NULL && !says(&r, true, w->notice, &fleet, at))
		fail_with(&r, w->name, w->notice);
	if (r.n_findings != (w->finding != NULL))
		fail_with(&r, w->name, "other findings");
	assert_int_equal(r.counts.reports, 1);
	assert_int_equal(r.counts.acceptances, 1);
	assert_int_equal(r.counts.logins, w->refused ? 0 : 3);
	assert_int_equal(r.n_parts, 2);
	assert_string_equal(r.parts[0].name, LOGCASE_MASTER_LOG);
	assert_string_equal(r.parts[1].name, "ca_log");
	audit_report_clear(&r);
}

static void
logins_are_by_what_was_issued(void **state)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		judge(&shown[i], 0);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* A certificate that is not judged again is known all the same. */
static void
also_by_what_was_issued_before(void **state)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		judge(&shown[i], ca.n);
		(void)teardown(state);
		(void)setup(state);
	}
}

static void
a_hosts_certificate_stands_on_what_the_fleet_said(void **state)
{
	/* Last tick of the fleet's log; was the host accepted there? */
	static const struct {
		const char *name;
		bool there, finding;
		int64_t tick;
	} cases[] = {
	    {"accepted there", true, false, 900},
	    {"not there", false, true, 900},
	    {"later than all of that log", false, false, 200},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct audit_report r;

		accept_in(&ca, true);
		if (cases[i].there)
			accept_in(&fleet, false);
		tick(&fleet, cases[i].tick, 0);
		audit_all(&r, 0);
		if (says(&r, false, "no log of the fleet has", &ca, ca.n - 2) !=
			cases[i].finding ||
		    r.n_findings != cases[i].finding)
			fail_with(&r, cases[i].name, "wrong");
		audit_report_clear(&r);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* --- policy and lists ------------------------------------------------------- */

static void
another_policy_of_that_version_is_found(void **state)
{
	struct audit_report r;

	(void)state;
	logcase_close(&ca);
	logcase_open(&ca, "ca_log", SEED_LOG, SEED_USER_CA);
	tick(&fleet, 600, 0);
	audit_all(&r, 0);
	if (!says(&r, false, "is another version 1 of the policy than", &ca, 1))
		fail_with(&r, "policy", "is not told");
	audit_report_clear(&r);
}

static void
a_list_that_the_ca_did_not_make_is_found(void **state)
{
	struct audit_report r;

	(void)state;
	tick(&fleet, 600, 5);
	audit_all(&r, 0);
	if (!says(&r, false, "goes by revocation list 5, 0 is the last", &fleet,
		fleet.n - 1))
		fail_with(&r, "list", "is not told");
	assert_int_equal(r.n_findings, 1);
	audit_report_clear(&r);
}

/* --- what is no log of a fleet ---------------------------------------------- */

static void
the_log_of_no_master_is_told(void **state)
{
	struct audit_report r;

	(void)state;
	logcase_close(&fleet);
	logcase_open_fleet(&fleet, "emergency_log", SEED_EMERGENCY_LOG, 0, &ca);
	audit_all(&r, 0);
	if (!says(&r, false, "no log of a master", &fleet, AUDIT_NO_INDEX))
		fail_with(&r, "emergency_log", "is not told");
	assert_int_equal(r.n_findings, 1);
	audit_report_clear(&r);
}

static void
a_log_that_is_not_there_ends_it(void **state)
{
	const struct audit_fleet f = {.url = "/nonexistent"};
	struct audit_config c = {.fleets = &f, .n_fleets = 1};
	struct audit_report r;
	struct err e = {0};

	(void)state;
	logcase_publish(&ca);
	assert_true(audit(&c, &r, &e) < 0);
	assert_non_null(strstr(e.msg, "log of the fleet: "));
	audit_report_clear(&r);
}

/* A later checkpoint of the same log has to extend it. */
static void
an_earlier_checkpoint_of_another_history_is_found(void **state)
{
	struct hash other = fixture_hash(0x42);
	struct str note = STR_INIT;
	struct audit_fleet f = {.url = fleet.dir};
	struct audit_config c = {.fleets = &f, .n_fleets = 1};
	struct audit_report r;

	(void)state;
	logcase_publish(&ca);
	accept_in(&fleet, false);
	logcase_publish(&fleet);
	logcase_note(&fleet, 3, &other, SEED_MASTER_LOG, &note);
	f.since_note = slice_of(note.p, note.n);
	assert_int_equal(audit(&c, &r, NULL), 0);
	if (!says(&r, false, "another tree of 3 leaves", &fleet,
		AUDIT_NO_INDEX))
		fail_with(&r, "checkpoint", "is not told");
	audit_report_clear(&r);
	str_clear(&note);
}

static void
every_13th_failing_allocation_is_answered(void **state)
{
	const struct shown w = {.by = SEED_USER_CA, .serial = 7};
	const struct audit_fleet f = {.url = fleet.dir};
	struct audit_config c = {.fleets = &f, .n_fleets = 1};
	struct audit_report r;
	bool more = true;

	(void)state;
	accept_in(&ca, true);
	accept_in(&fleet, false);
	report(&fleet, &w, 1, 2);
	tick(&fleet, 900, 3);
	audit_all(&r, 0);
	assert_int_equal(r.n_findings, 2);
	audit_report_clear(&r);
	for (size_t nth = 1; more; nth += 13) {
		int ret;

		alloc_fail_nth(nth);
		ret = audit(&c, &r, NULL);
		more = alloc_failed();
		alloc_fail_nth(0);
		audit_report_clear(&r);
		if (ret != (more ? ERR_NOMEM : 0))
			fail_msg("allocation %zu: %s", nth, err_text(ret));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(logins_are_by_what_was_issued),
	    TEST(also_by_what_was_issued_before),
	    TEST(a_hosts_certificate_stands_on_what_the_fleet_said),
	    TEST(another_policy_of_that_version_is_found),
	    TEST(a_list_that_the_ca_did_not_make_is_found),
	    TEST(the_log_of_no_master_is_told),
	    TEST(a_log_that_is_not_there_ends_it),
	    TEST(an_earlier_checkpoint_of_another_history_is_found),
	    TEST(every_13th_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests_name("audit_across", tests, NULL, NULL);
}
