/* SPDX-License-Identifier: ISC */
/* An audit that goes on where the one before ended finds in later leaves what
 * one of all leaves finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/audit/audit.h"
#include "lib/base/file.h"
#include "lib/tlog/tile.h"
#include "tests/unit/acrosscase.h"
#include "tests/unit/alloc.h"

#define OLD (2 * TILE_WIDTH) /* leaves that the state is of */

static struct logcase lg;
static char dir[TMPDIR_MAX], path[TMPDIR_MAX + 8];
/* Asked for in the old leaves: approved; approved and then denied. */
static struct statement asked, approval, contested, yes, no;
static struct issue_leaf pending, early;
static size_t pending_at, revoked_at;
static size_t beyond = 3; /* leaves that are there and not in the state */

static void
ask(struct statement *request, struct statement *decision)
{
	const struct statement *r = request;

	fixture_request(request, ALICE);
	fixture_sign(request, FIXTURE_BY(SEED_ALICE));
	fixture_decision(decision, OLGA, &lg.trust.policy->hash, &r, 1);
	fixture_sign(decision, FIXTURE_BY(SEED_OLGA));
	(void)logcase_add(&lg, request);
	(void)logcase_add(&lg, decision);
}

static void
deny(const struct statement *request, struct statement *out)
{
	fixture_decision(out, IVAN, &lg.trust.policy->hash, &request, 1);
	out->u.d.approve = false;
	fixture_sign(out, FIXTURE_BY(SEED_IVAN));
	(void)logcase_add(&lg, out);
}

/* A serial of nobody's: it changes what is revoked, and who may do what. */
static void
revoke_serial(void)
{
	struct statement s;

	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.reason = str_dup("lost");
	s.u.v.serials = calloc(1, sizeof(*s.u.v.serials));
	assert_non_null(s.u.v.serials);
	s.u.v.serials[0] = 4711;
	s.u.v.n_serials = 1;
	fixture_sign(&s, FIXTURE_BY(SEED_OLGA));
	revoked_at = logcase_add(&lg, &s);
	statement_clear(&s);
}

/* A revocation list, of the four bytes "list". */
static void
make_list(struct statement *s, uint64_t version)
{
	char key[80], hex[HASH_HEX];

	fixture_statement(s, ST_KRL, "ca_log");
	hash_sha256("list", 4, &s->u.krl.file);
	s->u.krl.version = version;
	s->u.krl.size = 4;
	s->u.krl.next_update = FIXTURE_NOW + 86400;
	fixture_sign(s, FIXTURE_BY(SEED_LOG));
	hash_hex(&s->u.krl.file, hex);
	(void)snprintf(key, sizeof(key), "krl/%s", hex);
	logcase_write(&lg, key, "list", 4);
	(void)logcase_add(&lg, s);
}

static void
ticks(struct logcase *l, size_t until, int64_t step)
{
	while (l->n < until)
		across_tick(l, (int64_t)l->n * step, 0);
}

/* What is asked for, and ticks. */
static void
setup_until(size_t n)
{
	const struct statement *d = &approval, *y = &yes;

	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	tmpdir_make(dir, "past");
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	logcase_story(&lg);
	ask(&asked, &approval);
	ask(&contested, &yes);
	logcase_decide(&lg, &contested, &y, 1, &early);
	deny(&contested, &no);
	revoke_serial();
	logcase_decide(&lg, &asked, &d, 1, &pending);
	pending_at = logcase_issue(&lg, &pending, &asked, &d, 1);
	ticks(&lg, n, 1);
	logcase_publish(&lg);
}

static int
setup(void **state)
{
	(void)state;
	setup_until(100);
	ticks(&lg, OLD + beyond, 1);
	logcase_publish(&lg);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	logcase_issue_clear(&pending);
	logcase_issue_clear(&early);
	statement_clear(&asked);
	statement_clear(&approval);
	statement_clear(&contested);
	statement_clear(&yes);
	statement_clear(&no);
	logcase_close(&lg);
	(void)tmpdir_remove(dir);
	return 0;
}

/* --- audits --------------------------------------------------------------- */

static int
audit(const char *file, struct audit_report *r, struct err *e)
{
	const struct audit_config c = {
	    .url = lg.dir, .realm = lg.realm, .state = file};

	*r = (struct audit_report){0};
	return audit_verify(&c, r, e);
}

static void
audit_clean(const char *file, struct audit_report *r)
{
	struct err e = {0};

	if (audit(file, r, &e) != 0)
		fail_msg("audit: %s", e.msg);
	if (r->n_findings != 0)
		logcase_fail(r, "findings where nothing is wrong");
}

static void
make_state(void)
{
	struct audit_report r;

	audit_clean(path, &r);
	assert_int_equal(audit_report_keep(&r, NULL), 0);
	audit_report_clear(&r);
}

static bool
says(const struct audit_report *r, const char *text, uint64_t index)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->v[i].notice && strstr(r->v[i].text, text) != NULL &&
		    (index == AUDIT_NO_INDEX || r->v[i].index == index))
			return true;
	return false;
}

/* By the state; where whole, by an audit of all leaves as well. */
static void
expect(bool whole, const char *text, uint64_t index)
{
	struct audit_report r;
	struct err e = {0};

	for (int i = 0; i < (whole ? 2 : 1); i++) {
		if (audit(i == 0 ? path : NULL, &r, &e) != 0)
			fail_msg("audit: %s", e.msg);
		if (!says(&r, text, index))
			logcase_fail(&r, text);
		/* What was found is found by the next one too. */
		assert_int_equal(audit_report_keep(&r, NULL), 0);
		audit_report_clear(&r);
	}
}

/* --- what is not read again ----------------------------------------------- */

static void
the_next_one_goes_on_where_it_ended(void **state)
{
	const char *const unread[] = {"tile/entries/001", "tile/0/000",
	    "tile/0/001", "tile/0/000.p/100", "checkpoints/100"};
	struct audit_report r;

	(void)state;
	make_state();
	logcase_story(&lg);
	logcase_publish(&lg);
	audit_clean(path, &r);
	assert_int_equal(r.counts.leaves, OLD + 7);
	assert_int_equal(r.old_leaves, OLD);
	assert_int_equal(r.counts.certificates, 3);
	assert_int_equal(r.old_certificates, 2);
	assert_int_equal(r.counts.records, 2);
	audit_report_clear(&r);
	for (size_t i = 0; i < sizeof(unread) / sizeof(unread[0]); i++) {
		char *bytes;
		size_t n;

		logcase_read(&lg, unread[i], &bytes, &n);
		bytes[n / 2] ^= 1;
		logcase_write(&lg, unread[i], bytes, n);
		free(bytes);
	}
	audit_clean(path, &r);
	audit_report_clear(&r);
	assert_int_equal(audit(NULL, &r, NULL), 0);
	assert_true(r.n_findings > 0);
	audit_report_clear(&r);
}

/* The state of a state is that of all leaves. */
static void
a_state_is_the_same_in_one_step_or_in_two(void **state)
{
	char *twice, *once;
	size_t n_twice, n_once;

	(void)state;
	make_state();
	logcase_story(&lg);
	ticks(&lg, OLD + TILE_WIDTH + 1, 1);
	logcase_publish(&lg);
	make_state();
	assert_int_equal(file_read(path, SIZE_MAX, &twice, &n_twice, NULL), 0);
	assert_int_equal(unlink(path), 0);
	make_state();
	assert_int_equal(file_read(path, SIZE_MAX, &once, &n_once, NULL), 0);
	assert_int_equal(n_twice, n_once);
	assert_memory_equal(twice, once, n_once);
	free(twice);
	free(once);
}

/* Its to-be-signed leaf is the last of the state, it is not in it. */
static void
a_certificate_may_follow_the_last_bundle(void **state)
{
	struct audit_report r;

	(void)state;
	teardown(state);
	setup_until(OLD - 3);
	logcase_story(&lg);
	logcase_publish(&lg);
	make_state();
	audit_clean(path, &r);
	assert_int_equal(r.old_leaves, OLD);
	assert_int_equal(r.counts.leaves, OLD + 1);
	assert_int_equal(r.counts.records, 1);
	audit_report_clear(&r);
}

/* A list is not read again, and the next one has to come after it. */
static void
a_list_follows_those_of_before(void **state)
{
	char key[80], hex[HASH_HEX];
	struct audit_report r;
	struct statement s;

	(void)state;
	teardown(state);
	setup_until(100);
	make_list(&s, 2);
	hash_hex(&s.u.krl.file, hex);
	(void)snprintf(key, sizeof(key), "krl/%s", hex);
	while (lg.n < OLD + 3)
		across_tick(&lg, (int64_t)lg.n, 2);
	statement_clear(&s);
	logcase_publish(&lg);
	make_state();
	logcase_write(&lg, key, "lisp", 4);
	across_tick(&lg, (int64_t)lg.n, 2);
	logcase_publish(&lg);
	audit_clean(path, &r);
	audit_report_clear(&r);
	logcase_write(&lg, key, "list", 4);
	make_list(&s, 1);
	statement_clear(&s);
	logcase_publish(&lg);
	expect(true, "has version 1 after version 2", lg.n - 1);
}

/* --- what is wrong in later leaves ---------------------------------------- */

static size_t
again(size_t index)
{
	return logcase_raw(&lg, lg.leaf[index].p, lg.leaf[index].n);
}

static size_t
against_a_denial(void)
{
	const struct statement *y = &yes;

	early.size = lg.n;
	return logcase_issue(&lg, &early, &contested, &y, 1);
}

static size_t
before_a_revocation(void)
{
	const struct statement *y = &yes;

	return logcase_issue(&lg, &early, &contested, &y, 1);
}

static size_t
earlier_tick(void)
{
	across_tick(&lg, 1, 0);
	return lg.n - 1;
}

static size_t
another_policy(void)
{
	const struct statement *y = &yes;

	early.size = lg.n;
	early.policy_version = 2;
	return logcase_issue(&lg, &early, &contested, &y, 1);
}

static size_t
another_certificate(void)
{
	pending.tbs[pending.tbs_len / 2] ^= 1;
	return logcase_certificate(&lg, &pending, pending_at);
}

static size_t
a_request_again(void)
{
	return again(2);
}

static size_t
a_serial_again(void)
{
	return again(4);
}

static size_t
a_certificate_again(void)
{
	return again(5);
}

static size_t
a_revocation_again(void)
{
	return again(revoked_at);
}

static void
what_a_whole_audit_finds_is_found(void **state)
{
	const struct {
		size_t (*add)(void);
		const char *text;
	} wrong[] = {
	    {a_request_again, "repeats leaf 2"},
	    {a_serial_again, "has the serial of leaf 4"},
	    {a_certificate_again, "repeats leaf 5"},
	    {a_revocation_again, "repeats leaf"},
	    {against_a_denial, "although the log has a denial"},
	    {before_a_revocation, "changed who may do what"},
	    {another_policy, "is not the one in force"},
	    {earlier_tick, "is earlier than the tick before it"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t at;

		teardown(state);
		beyond = i % 2 == 0 ? 3 : 0;
		setup(state);
		make_state();
		at = wrong[i].add();
		logcase_publish(&lg);
		expect(true, wrong[i].text, at);
		expect(true, wrong[i].text, at);
	}
	beyond = 3;
}

static void
a_later_certificate_of_an_older_leaf_is_compared(void **state)
{
	size_t at;

	(void)state;
	make_state();
	at = another_certificate();
	logcase_publish(&lg);
	expect(true, "is not the certificate that leaf", at);
}

/* --- what became of older leaves ------------------------------------------ */

static void
change(const char *key, size_t from_end)
{
	char *bytes;
	size_t n;

	logcase_read(&lg, key, &bytes, &n);
	bytes[n - from_end] ^= 1;
	logcase_write(&lg, key, bytes, n);
	free(bytes);
}

/* Whatever it is that has changed there: a denial must not get lost. */
static void
an_older_leaf_that_is_asked_for_is_as_it_was(void **state)
{
	(void)state;
	make_state();
	(void)against_a_denial();
	logcase_publish(&lg);
	change("tile/entries/000", 10);
	expect(false, "is not what was judged before", AUDIT_NO_INDEX);
	expect(true, "", AUDIT_NO_INDEX);
	logcase_remove(&lg, "tile/entries/000");
	expect(false, "is not what was judged before", AUDIT_NO_INDEX);
	expect(true, "is missing", AUDIT_NO_INDEX);
}

static void
what_is_listed_is_still_accounted_for(void **state)
{
	struct hash other = fixture_hash(0x42);
	struct str note = STR_INIT;

	(void)state;
	make_state();
	logcase_note(&lg, 300, &other, SEED_LOG, &note);
	logcase_write(&lg, "checkpoints/300", note.p, note.n);
	expect(true, "another tree of 300 leaves", AUDIT_NO_INDEX);
	logcase_remove(&lg, "checkpoints/300");
	logcase_write(&lg, "records/2026/01/01/7.json", "x", 1);
	expect(true, "is of no certificate of the log", AUDIT_NO_INDEX);
	logcase_remove(&lg, "records/2026/01/01/7.json");
	logcase_remove(&lg, "tile/0/001");
	expect(true, "is missing", AUDIT_NO_INDEX);
	str_clear(&note);
}

/* One that another history has, signed with the log's own key. */
static void
another_history_is_found(void **state)
{
	(void)state;
	make_state();
	str_clear(&lg.leaf[50]);
	lg.n = 50;
	across_tick(&lg, 49, 0);
	lg.n = OLD + 3;
	logcase_publish(&lg);
	ticks(&lg, OLD + 9, 1);
	logcase_publish(&lg);
	expect(false, "another tree of", AUDIT_NO_INDEX);
}

static void
a_log_that_lost_leaves_is_found(void **state)
{
	(void)state;
	make_state();
	for (size_t i = 300; i < lg.n; i++)
		str_clear(&lg.leaf[i]);
	lg.n = 300;
	logcase_publish(&lg);
	logcase_remove(&lg, "checkpoints/515");
	expect(false, "is signed for 515 leaves", AUDIT_NO_INDEX);
}

/* --- the file ------------------------------------------------------------- */

static void
a_damaged_state_is_none(void **state)
{
	struct audit_report r;
	char *bytes;
	size_t n;

	(void)state;
	make_state();
	assert_int_equal(file_read(path, SIZE_MAX, &bytes, &n, NULL), 0);
	for (size_t i = 0; i < n; i += 199) {
		bytes[i] ^= 1;
		assert_int_equal(file_write(path, bytes, n, 0600, 0, NULL), 0);
		assert_int_equal(audit(path, &r, NULL), ERR_CORRUPT);
		bytes[i] ^= 1;
		audit_report_clear(&r);
		assert_int_equal(file_write(path, bytes, i, 0600, 0, NULL), 0);
		assert_int_equal(audit(path, &r, NULL), ERR_CORRUPT);
		audit_report_clear(&r);
	}
	free(bytes);
}

/* With sums that fit: without the checkpoint nothing says what it must extend. */
static void
a_state_has_the_checkpoint_of_then(void **state)
{
	char *bytes, *note, *at;
	size_t n, n_note, rest;
	struct audit_report r;
	struct hash sum;

	(void)state;
	make_state();
	assert_int_equal(file_read(path, SIZE_MAX, &bytes, &n, NULL), 0);
	logcase_read(&lg, "checkpoint", &note, &n_note);
	at = memmem(bytes, n, note, n_note);
	assert_non_null(at);
	rest = n - (size_t)(at + n_note - bytes) - HASH_LEN;
	memset(at - 4, 0, 4);
	memmove(at, at + n_note, rest);
	n = (size_t)(at - bytes) + rest;
	hash_sha256(bytes, n, &sum);
	memcpy(bytes + n, sum.b, HASH_LEN);
	assert_int_equal(file_write(path, bytes, n + HASH_LEN, 0600, 0, NULL),
	    0);
	assert_int_equal(audit(path, &r, NULL), ERR_CORRUPT);
	audit_report_clear(&r);
	free(note);
	free(bytes);
}

static void
the_state_of_another_log_is_refused(void **state)
{
	struct logcase other;
	struct audit_report r;
	struct err e = {0};
	struct audit_config c = {.state = path};

	(void)state;
	make_state();
	logcase_open(&other, "emergency_log", SEED_EMERGENCY_LOG,
	    SEED_EMERGENCY_CA);
	ticks(&other, OLD + 10, 1);
	logcase_publish(&other);
	c.url = other.dir;
	c.realm = other.realm;
	r = (struct audit_report){0};
	assert_int_equal(audit_verify(&c, &r, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "is of log "));
	audit_report_clear(&r);
	logcase_close(&other);
}

static void
with_findings_nothing_is_kept(void **state)
{
	struct audit_report r;

	(void)state;
	logcase_write(&lg, "tile/strange", "x", 1);
	assert_int_equal(audit(path, &r, NULL), 0);
	assert_int_equal(r.n_findings, 1);
	assert_int_equal(audit_report_keep(&r, NULL), 0);
	assert_false(file_exists(path));
	audit_report_clear(&r);
}

static void
no_verdict_without_memory(void **state)
{
	struct audit_report r;
	bool more = true;

	(void)state;
	make_state();
	logcase_story(&lg);
	logcase_publish(&lg);
	for (size_t nth = 1; more; nth += 29) {
		int ret;

		alloc_fail_nth(nth);
		ret = audit(path, &r, NULL);
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
	    TEST(the_next_one_goes_on_where_it_ended),
	    TEST(a_state_is_the_same_in_one_step_or_in_two),
	    TEST(a_certificate_may_follow_the_last_bundle),
	    TEST(a_list_follows_those_of_before),
	    TEST(what_a_whole_audit_finds_is_found),
	    TEST(a_later_certificate_of_an_older_leaf_is_compared),
	    TEST(an_older_leaf_that_is_asked_for_is_as_it_was),
	    TEST(what_is_listed_is_still_accounted_for),
	    TEST(another_history_is_found),
	    TEST(a_log_that_lost_leaves_is_found),
	    TEST(a_damaged_state_is_none),
	    TEST(a_state_has_the_checkpoint_of_then),
	    TEST(the_state_of_another_log_is_refused),
	    TEST(with_findings_nothing_is_kept),
	    TEST(no_verdict_without_memory),
	};

	return cmocka_run_group_tests_name("audit_past", tests, NULL, NULL);
}
