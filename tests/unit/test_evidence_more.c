/* SPDX-License-Identifier: ISC */
/* What revoked a certificate and what a host saw of it, from another log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/evidence.h"
#include "tests/unit/alloc.h"
#include "tests/unit/logcase.h"
#include "tests/unit/sshtool.h"

#define HOST "web-1.example.com"
#define N    2

static struct logcase lg, other;
static uint64_t serial;
static struct hash names[N]; /* of the leaves 2 and 3 of the other log */

static int
note_serial(void *ctx, const struct audit_certificate *c)
{
	(void)ctx;
	serial = c->cert->serial;
	return 0;
}

static void
add_signed(struct statement *s, const uint8_t *seeds, struct hash *name)
{
	fixture_sign(s, seeds);
	*name = s->hash;
	(void)logcase_raw(&other, s->bytes, s->n_bytes);
	statement_clear(s);
}

static void
add_report(void)
{
	struct report_statement *r;
	struct statement s;

	fixture_statement(&s, ST_REPORT, HOST);
	r = &s.u.report;
	r->seq = 1;
	r->kind = REPORT_LOGINS;
	r->root_version = r->policy_version = 1;
	assert_non_null(r->events = calloc(1, sizeof(*r->events)));
	r->n_events = 1;
	r->events[0] = (struct login_event){.what = LOGIN_IN,
	    .at = FIXTURE_NOW,
	    .account = str_dup("deploy"),
	    .method = str_dup("publickey"),
	    .has_cert = true,
	    .serial = serial,
	    .key_id = str_dup("alice")};
	add_signed(&s, FIXTURE_BY(SEED_MALLORY), &names[1]);
}

static int
setup(void **state)
{
	struct audit_log *l = NULL;
	struct statement s;

	(void)state;
	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	logcase_story(&lg);
	logcase_publish(&lg);
	assert_int_equal(audit_log_open(lg.dir, NULL, &lg.realm,
			     lg.trust.policy, &l, NULL),
	    0);
	assert_int_equal(audit_log_each(l, note_serial, NULL, NULL), 0);
	audit_log_close(l);
	logcase_open(&other, "emergency_log", SEED_EMERGENCY_LOG,
	    SEED_EMERGENCY_CA);
	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.person = str_dup(ALICE);
	s.u.v.reason = str_dup("the laptop is lost");
	add_signed(&s, FIXTURE_BY(SEED_OLGA), &names[0]);
	add_report();
	logcase_publish(&other);
	return sshtool_setup(state);
}

static int
teardown(void **state)
{
	logcase_close(&lg);
	logcase_close(&other);
	return sshtool_teardown(state);
}

static int
take(struct evidence_more *m, size_t *n, struct err *e)
{
	static const char *const what[N] = {"revoked-1", "report"};
	struct audit_log *l = NULL;
	int r;

	r = audit_log_open(other.dir, NULL, &other.realm, other.trust.policy,
	    &l, e);
	for (*n = 0; *n < N && r == 0; (*n)++)
		r = evidence_more_take(l, other.trust.policy, what[*n],
		    other.n - N + *n, &names[*n], serial, &m[*n], e);
	audit_log_close(l);
	return r;
}

static int
gather(struct evidence *out, struct err *e)
{
	struct evidence_more m[N];
	struct audit_log *l = NULL;
	size_t n = 0;
	int r;

	if ((r = take(m, &n, e)) == 0)
		r = audit_log_open(lg.dir, NULL, &lg.realm, lg.trust.policy, &l,
		    e);
	if (r == 0)
		r = audit_evidence(l, lg.trust.policy, serial, m, n, out, e);
	for (size_t i = 0; i < n; i++)
		evidence_more_clear(&m[i]);
	audit_log_close(l);
	return r;
}

static void
write_all(const struct evidence *v)
{
	sshtool_run("mkdir", "-p", sshtool_path("policy/people"),
	    sshtool_path("policy/authorities"), NULL);
	for (size_t i = 0; i < v->n; i++)
		sshtool_write(v->v[i].name, v->v[i].text, v->v[i].n);
}

static void
stock_tools_check_what_another_log_has(void **state)
{
	static const struct {
		const char *name, *has;
	} want[] = {
	    {"revoked-1.message", "the laptop is lost"},
	    {"revoked-1.leaf", "-----BEGIN SSH SIGNATURE-----"},
	    {"revoked-1.signers", OLGA " namespaces=\"revoke@writ\" ssh-"},
	    {"report.signers", HOST " namespaces=\"report@writ\" ssh-"},
	    {"report.tlog-proof", "c2sp.org/tlog-proof@v1\nindex 3\n"},
	    {"report.checkpoint", "/emergency_log\n"},
	    {"report.log.vkey", "/emergency_log+"},
	    {"report.log.pem", "-----BEGIN PUBLIC KEY-----\n"},
	    {"report.sig.1", "-----BEGIN SSH SIGNATURE-----"},
	    {"README", "REVOKED: the laptop is lost"},
	    {"README", "what the host saw"},
	    {"check.sh", "\nlogged 'report' 3 'report.checkpoint'\n"},
	};
	struct evidence v = {0};
	struct err e = {0};

	(void)state;
	if (gather(&v, &e) != 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct evidence_file *f = evidence_find(&v, want[i].name);

		if (f == NULL || strstr(f->text, want[i].has) == NULL)
			fail_msg("%s: %s", want[i].name,
			    f != NULL ? f->text : "is not there");
	}
	write_all(&v);
	sshtool_run("sh", "-c", "sh \"$1\" >&2", "-", sshtool_path("check.sh"),
	    NULL);
	evidence_clear(&v);
}

/* A leaf that is not the one which was named, or none of these. */
static void
another_leaf_is_refused(void **state)
{
	struct evidence_more m;
	struct audit_log *l = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(audit_log_open(other.dir, NULL, &other.realm,
			     other.trust.policy, &l, NULL),
	    0);
	assert_int_equal(evidence_more_take(l, other.trust.policy, "report",
			     other.n - 1, &names[0], serial, &m, &e),
	    ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "is another statement"));
	evidence_more_clear(&m);
	assert_int_equal(evidence_more_take(l, other.trust.policy, "report",
			     other.n, &names[1], serial, &m, &e),
	    ERR_NOTFOUND);
	evidence_more_clear(&m);
	audit_log_close(l);
}

static int
once(void *arg)
{
	struct evidence v = {0};
	int r = gather(&v, NULL);

	(void)arg;
	evidence_clear(&v);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	(void)state;
	assert_true(alloc_each(once, NULL) > 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stock_tools_check_what_another_log_has),
	    cmocka_unit_test(another_leaf_is_refused),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
