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

#define HOST  "web-1.example.com"
#define FIRST "web-0.example.com" /* as it was accepted */
#define N     2
#define ALL   (N + EVIDENCE_LINKS_MAX)

static struct logcase lg, other;
static uint64_t serial;
static struct hash names[N]; /* of leaves of the other log */

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

/* Who accepted the host. */
enum acceptor { OPERATOR, OFFICER, STRANGER, TOKEN, OTHER_KEY };

static void
add_accept(unsigned key, const char *by, unsigned seed,
    const struct hash *token)
{
	struct statement s;
	struct acceptance *a = &s.u.accept;
	struct hash h;

	fixture_statement(&s, ST_ACCEPT, by);
	a->host = str_dup(FIRST);
	a->enrol = fixture_hash(1);
	assert_int_equal(pubkey_dup(fixture_key(key), &a->host_key), 0);
	assert_int_equal(pubkey_dup(fixture_key(SEED_BOB), &a->transport_key),
	    0);
	assert_int_equal(strs_add(&a->names, FIRST), 0);
	a->renew_until = FIXTURE_NOW + 86400;
	a->has_token = token != NULL;
	if (token != NULL)
		a->token = *token;
	add_signed(&s, FIXTURE_BY((uint8_t)seed), &h);
}

static void
add_token(struct hash *name)
{
	struct statement s;

	fixture_statement(&s, ST_TOKEN, PETRA);
	assert_int_equal(pubkey_dup(fixture_key(SEED_SUBJECT), &s.u.token.key),
	    0);
	s.u.token.hosts = str_dup("web-*");
	s.u.token.count = 1;
	s.u.token.expires = FIXTURE_NOW + 86400;
	add_signed(&s, FIXTURE_BY(SEED_PETRA), name);
}

/* One of another key, the host, and what it is called since: 3 leaves, or 4. */
static void
add_host(enum acceptor by)
{
	struct statement s;
	struct hash h;

	add_accept(SEED_ALICE, PETRA, SEED_PETRA, NULL);
	if (by == TOKEN) {
		add_token(&h);
		add_accept(SEED_MALLORY, FIRST, SEED_SUBJECT, &h);
	} else if (by == OFFICER) {
		add_accept(SEED_MALLORY, OLGA, SEED_OLGA, NULL);
	} else if (by == STRANGER) {
		add_accept(SEED_MALLORY, PETRA, SEED_SUBJECT, NULL);
	} else {
		add_accept(by == OPERATOR ? SEED_MALLORY : SEED_SUBJECT, PETRA,
		    SEED_PETRA, NULL);
	}
	fixture_statement(&s, ST_RENAME, PETRA);
	s.u.rename.host = str_dup(FIRST);
	s.u.rename.to = str_dup(HOST);
	assert_int_equal(strs_add(&s.u.rename.names, HOST), 0);
	add_signed(&s, FIXTURE_BY(SEED_PETRA), &h);
}

static void
open_other(enum acceptor by)
{
	struct statement s;

	logcase_open(&other, "emergency_log", SEED_EMERGENCY_LOG,
	    SEED_EMERGENCY_CA);
	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.person = str_dup(ALICE);
	s.u.v.reason = str_dup("the laptop is lost");
	add_signed(&s, FIXTURE_BY(SEED_OLGA), &names[0]);
	add_host(by);
	add_report();
	logcase_publish(&other);
}

static int
setup(void **state)
{
	struct audit_log *l = NULL;

	(void)state;
	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	logcase_story(&lg);
	logcase_publish(&lg);
	assert_int_equal(audit_log_open(lg.dir, NULL, &lg.realm,
			     lg.trust.policy, &l, NULL),
	    0);
	assert_int_equal(audit_log_each(l, note_serial, NULL, NULL), 0);
	audit_log_close(l);
	open_other(OPERATOR);
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
	struct evidence_link links[EVIDENCE_LINKS_MAX];
	struct audit_log *l = NULL;
	size_t n_links = 0;
	int r;

	r = audit_log_open(other.dir, NULL, &other.realm, other.trust.policy,
	    &l, e);
	for (*n = 0; *n < N && r == 0; (*n)++)
		r = evidence_more_take(l, other.trust.policy, what[*n],
		    *n == 0 ? 2 : other.n - 1, &names[*n], serial, &m[*n], e);
	if (r == 0)
		r = evidence_links(l, &m[*n - 1], links, &n_links, e);
	for (size_t i = 0; i < n_links && r == 0; i++, (*n)++)
		r = evidence_more_take(l, other.trust.policy, links[i].name,
		    links[i].index, &links[i].hash, serial, &m[*n], e);
	audit_log_close(l);
	return r;
}

static int
gather(struct evidence *out, struct err *e)
{
	struct evidence_more m[ALL];
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
	    {"report.tlog-proof", "c2sp.org/tlog-proof@v1\nindex 6\n"},
	    {"accept.tlog-proof", "c2sp.org/tlog-proof@v1\nindex 4\n"},
	    {"accept.message", "\"host\":\"" FIRST "\""},
	    {"accept.signers", PETRA " namespaces=\"accept@writ\" ssh-"},
	    {"rename-1.message", "\"to\":\"" HOST "\""},
	    {"check.sh", "\nkeys 'accept.signers' 0 operators\n"},
	    {"report.checkpoint", "/emergency_log\n"},
	    {"report.log.vkey", "/emergency_log+"},
	    {"report.log.pem", "-----BEGIN PUBLIC KEY-----\n"},
	    {"report.sig.1", "-----BEGIN SSH SIGNATURE-----"},
	    {"README", "REVOKED: the laptop is lost"},
	    {"README", "what the host saw"},
	    {"check.sh", "\nlogged 'report' 6 'report.checkpoint'\n"},
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

static void
who_accepted_the_host_counts(void **state)
{
	static const struct {
		enum acceptor by;
		int r;
		const char *says; /* a line of check.sh, or the error */
	} cases[] = {
	    {OPERATOR, 0, "ok accept is of the key that signed the report"},
	    {OPERATOR, 0, "ok a key of " PETRA " is in policy/root.yaml"},
	    {OFFICER, 0, "BAD a key of " OLGA " is not in the policy"},
	    {STRANGER, 0, "NOTE accept is by a key that is in no policy here"},
	    {TOKEN, 0, "ok accept is signed with the token"},
	    {TOKEN, 0, "ok token.message is signed by " PETRA},
	    {OTHER_KEY, ERR_NOTFOUND, "no acceptance of the key that signed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evidence v = {0};
		struct err e = {0};

		logcase_close(&other);
		open_other(cases[i].by);
		if (gather(&v, &e) != cases[i].r)
			fail_msg("case %zu: %s", i, e.msg);
		if (cases[i].r != 0) {
			assert_non_null(strstr(e.msg, cases[i].says));
		} else {
			write_all(&v);
			sshtool_run("sh", "-c", "sh \"$1\" | grep -qF \"$2\"",
			    "-", sshtool_path("check.sh"), cases[i].says, NULL);
		}
		evidence_clear(&v);
	}
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
	    cmocka_unit_test(who_accepted_the_host_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
