/* SPDX-License-Identifier: ISC */
/*
 * What a host holds: after a crash in the middle of taking the next, an acceptance
 * and a revocation list, each of which `held` names by its hash; past its time; and
 * when it asks for the next certificate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/minion/applier.h"
#include "lib/base/file.h"
#include "tests/unit/fakehost.h"
#include "tests/unit/fixture.h"
#include "tests/unit/sshtool.h"

#define WEB_1 "web-1.example.com"

/* name.next is written, `held` names it, it becomes name. */
enum { NOTHING, WRITTEN, NAMED, TAKEN, STAGES };

#define DAY 86400

static struct fakehost *host;
static char dir[200];
static struct statement said[3];
static struct applier a;

static void
make_accept(struct statement *s)
{
	struct acceptance *x = &s->u.accept;

	fixture_statement(s, ST_ACCEPT, "petra@example.com");
	assert_non_null(x->host = str_dup(WEB_1));
	x->enrol = fixture_hash(7);
	assert_int_equal(pubkey_dup(fixture_key(50), &x->host_key), 0);
	assert_int_equal(pubkey_dup(fixture_key(51), &x->transport_key), 0);
	assert_int_equal(strs_add(&x->names, WEB_1), 0);
	x->renew_until = FIXTURE_NOW + 365 * DAY;
	fixture_sign(s, FIXTURE_BY(52));
}

static int
setup(void **state)
{
	(void)state;
	host = fakehost_new();
	(void)snprintf(dir, sizeof(dir), "%s/agent",
	    host_root(fakehost_host(host)));
	assert_int_equal(file_mkdirs(dir, 0700, NULL), 0);
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		make_accept(&said[i]);
	memset(&a, 0, sizeof(a));
	a.state_dir = dir;
	statement_init(&a.accept, ST_ACCEPT);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	statement_clear(&a.accept);
	for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++)
		statement_clear(&said[i]);
	fakehost_free(host);
	return 0;
}

static void
name_accept(const struct statement *s)
{
	(void)snprintf(a.held.host, sizeof(a.held.host), "%s", WEB_1);
	a.held.accept = s->hash;
}

static void
take_accept(const struct statement *s, int stage)
{
	if (stage >= WRITTEN)
		assert_int_equal(applier_write_next(&a, "accept",
				     statement_bytes(s), NULL),
		    0);
	if (stage >= NAMED)
		name_accept(s);
	if (stage >= TAKEN)
		applier_take_next(&a, "accept");
}

static void
an_acceptance_is_the_one_that_is_held_after_any_crash(void **state)
{
	(void)state;
	for (int first = NOTHING; first < STAGES; first++)
		for (int second = NOTHING; second < STAGES; second++) {
			struct hash held;
			struct err e = {0};

			print_message("crashed at %d, %d\n", first, second);
			take_accept(&said[0], TAKEN);
			take_accept(&said[1], first);
			assert_int_equal(applier_read_accept(&a, &e), 0);
			take_accept(&said[2], second);
			held = a.held.accept;
			/* Once, and once more after what the first did. */
			for (int i = 0; i < 2; i++) {
				if (applier_read_accept(&a, &e) != 0)
					fail_msg("%s", e.msg);
				assert_true(hash_equal(&a.accept.hash, &held));
			}
		}
}

static void
an_acceptance_that_nobody_named_is_none(void **state)
{
	struct err e = {0};

	(void)state;
	/* Nothing held: whatever lies there. */
	take_accept(&said[0], WRITTEN);
	assert_int_equal(applier_read_accept(&a, &e), 0);
	take_accept(&said[0], TAKEN);
	take_accept(&said[1], WRITTEN);
	name_accept(&said[2]);
	assert_int_equal(applier_read_accept(&a, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg,
	    "/accept is not the acceptance that is held"));
}

static void
take_list(const char *list, int stage)
{
	if (stage >= WRITTEN)
		assert_int_equal(applier_write_next(&a, "krl", slice_str(list),
				     NULL),
		    0);
	if (stage >= NAMED) {
		a.held.krl_version++;
		hash_sha256(list, strlen(list), &a.held.krl);
	}
	if (stage >= TAKEN)
		applier_take_next(&a, "krl");
}

static void
a_list_is_the_one_that_is_held_after_any_crash(void **state)
{
	(void)state;
	for (int stage = NOTHING; stage < STAGES; stage++) {
		struct err e = {0};
		char *list = NULL;
		size_t n = 0;

		take_list("first", TAKEN);
		take_list("second", stage);
		for (int i = 0; i < 2; i++) {
			if (applier_read_krl(&a, &list, &n, &e) != 0)
				fail_msg("crashed at %d: %s", stage, e.msg);
			assert_string_equal(list,
			    stage >= NAMED ? "second" : "first");
			assert_int_equal(n, strlen(list));
			free(list);
		}
	}
}

/* --- past its time -------------------------------------------------------- */

static void
hold_fleet(struct policy *p)
{
	struct err e = {0};

	p->expires = FIXTURE_NOW + 400 * DAY;
	a.trust.have = true;
	a.trust.root = a.trust.policy = p;
	a.held.have = true;
	a.held.realm = *fixture_realm();
	a.held.policy_version = 1;
	a.held.fleet = (struct fleet_held){
	    .have = true, .version = 3, .expires = FIXTURE_NOW};
	name_accept(&said[0]);
	assert_non_null(a.args = json_object());
	assert_int_equal(key_generate(PUBKEY_ED25519, &a.host_key, &e), 0);
}

/* In grace and after it; what is in force is not asked, it stays. */
static void
a_fleet_past_its_time_is_said_once(void **state)
{
	static const struct {
		int64_t after;
		uint64_t version;
		bool says;
	} cases[] = {
	    {-31 * DAY, 3, false},
	    {0, 3, false},
	    {1, 3, true},
	    {DAY, 3, false},
	    {14 * DAY + 1, 3, false},
	    {14 * DAY + 2, 4, true},
	    {15 * DAY, 4, false},
	};
	struct policy *p = fixture_policy(NULL, NULL);

	(void)state;
	hold_fleet(p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = {0};
		char words[80];

		a.now = FIXTURE_NOW + cases[i].after;
		a.held.fleet.version = cases[i].version;
		(void)snprintf(words, sizeof(words),
		    "fleet version %llu is past its expiry, and stays in force",
		    (unsigned long long)cases[i].version);
		if (verb_report(&a, &e) != 0)
			fail_msg("case %zu: %s", i, e.msg);
		if (a.made.n != (cases[i].says ? 2 : 1))
			fail_msg("case %zu: %zu reports", i, a.made.n);
		assert_int_equal(strstr(a.made.v[0], words) != NULL,
		    cases[i].says);
		assert_non_null(strstr(a.made.v[a.made.n - 1],
		    "\"kind\":\"heartbeat\""));
		strs_clear(&a.made);
	}
	json_decref(a.args);
	key_free(a.host_key);
	policy_free(p);
}

/* There is another list before its time is over, so one that has none is kept back. */
static void
a_list_that_is_not_followed_is_said_once(void **state)
{
	static const struct {
		int64_t next, after;
		uint64_t version;
		bool says;
	} cases[] = {
	    {0, 400 * DAY, 7, false},
	    {DAY, DAY, 7, false},
	    {DAY, DAY + 1, 7, true},
	    {DAY, 2 * DAY, 7, false},
	    {3 * DAY, 2 * DAY, 8, false},
	    {3 * DAY, 3 * DAY + 1, 8, true},
	};
	struct policy *p = fixture_policy(NULL, NULL);

	(void)state;
	hold_fleet(p);
	a.held.fleet.expires = p->expires = FIXTURE_NOW + 500 * DAY;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct err e = {0};
		char words[80];

		a.now = FIXTURE_NOW + cases[i].after;
		a.held.krl_version = cases[i].version;
		a.held.krl_next =
		    cases[i].next == 0 ? 0 : FIXTURE_NOW + cases[i].next;
		(void)snprintf(words, sizeof(words),
		    "revocation list version %llu is past its next update",
		    (unsigned long long)cases[i].version);
		if (verb_report(&a, &e) != 0)
			fail_msg("case %zu: %s", i, e.msg);
		if (a.made.n != (cases[i].says ? 2 : 1))
			fail_msg("case %zu: %zu reports", i, a.made.n);
		assert_int_equal(strstr(a.made.v[0], words) != NULL,
		    cases[i].says);
		strs_clear(&a.made);
	}
	json_decref(a.args);
	key_free(a.host_key);
	policy_free(p);
}

static void
what_is_held_is_read_as_it_was_written(void **state)
{
	struct held h = {.have = true,
	    .realm = *fixture_realm(),
	    .policy_version = 1,
	    .krl_version = 7,
	    .krl = *fixture_realm()};

	(void)state;
	for (int64_t next = 0; next <= FIXTURE_NOW; next += FIXTURE_NOW) {
		struct held is = {0};

		h.krl_next = next;
		assert_int_equal(held_write(dir, &h, NULL), 0);
		assert_int_equal(held_read(dir, &is, NULL), 0);
		assert_int_equal(is.krl_version, 7);
		assert_int_equal(is.krl_next, next);
	}
}

/* Whoever ends between a report and what remembers it says it once more. */
static void
an_alarm_that_could_not_be_said_is_not_taken_for_said(void **state)
{
	struct policy *p = fixture_policy(NULL, NULL);
	struct err why = {0};
	char reports[220];

	(void)state;
	hold_fleet(p);
	a.now = FIXTURE_NOW;
	(void)err_set(&why, ERR_DENIED, "a bundle that nobody signed");
	(void)snprintf(reports, sizeof(reports), "%s/reports", dir);
	assert_int_equal(file_write(reports, "", 0, 0600, 0, NULL), 0);
	assert_int_not_equal(applier_alarm(&a, "policy", &why), 0);
	assert_int_equal(a.made.n, 0);
	assert_int_equal(remove(reports), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(applier_alarm(&a, "policy", &why), 0);
	assert_int_equal(a.made.n, 1);
	assert_non_null(strstr(a.made.v[0],
	    "\"message\":\"policy: a bundle that nobody signed\""));
	strs_clear(&a.made);
	json_decref(a.args);
	key_free(a.host_key);
	policy_free(p);
}

/* --- the next certificate ------------------------------------------------- */

/* By OpenSSH's own program, for 90 days from FIXTURE_NOW on. */
static void
hold_certificate(const char *name)
{
	char span[64], *line;
	size_t n;

	(void)snprintf(span, sizeof(span), "0x%llx:0x%llx",
	    (unsigned long long)FIXTURE_NOW,
	    (unsigned long long)FIXTURE_NOW + 90 * DAY);
	sshtool_run("ssh-keygen", "-q", "-s", sshtool_path("ca"), "-I", "h",
	    "-h", "-n", name, "-V", span, sshtool_path("hk.pub"), NULL);
	line = sshtool_read("hk-cert.pub", &n);
	assert_int_equal(applier_write(&a, "certificate", slice_of(line, n),
			     NULL),
	    0);
	free(line);
}

static void
make_keys(void)
{
	struct err e = {0};

	sshtool_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
	    sshtool_path("ca"), NULL);
	sshtool_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
	    sshtool_path("hk"), NULL);
	assert_int_equal(key_load_file(sshtool_path("hk"), NULL, &a.host_key,
			     &e),
	    0);
}

/* What it says at FIXTURE_NOW and `after`. */
static void
renews(int64_t after, int want, const char *says)
{
	struct err e = {0};
	int r;

	a.now = FIXTURE_NOW + after;
	str_reset(&a.answer);
	jw_init(&a.w, &a.answer, false);
	jw_begin(&a.w, NULL, '{');
	r = verb_renew(&a, &e);
	jw_end(&a.w, '}');
	if (r != want || strstr(r == 0 ? a.answer.p : e.msg, says) == NULL)
		fail_msg("at %lld: %d, %s %s", (long long)after, r, e.msg,
		    a.answer.p);
	strs_clear(&a.made);
}

static void
a_certificate_is_renewed_at_two_thirds_of_its_life(void **state)
{
	static const char asks[] = "\"statement\":\"{\\\"v\\\":1,"
				   "\\\"type\\\":\\\"renew\\\"";

	(void)state;
	make_keys();
	a.held.have = true;
	a.held.realm = *fixture_realm();
	assert_non_null(a.args = json_object());
	str_init(&a.answer);
	take_accept(&said[0], TAKEN);
	assert_int_equal(applier_read_accept(&a, NULL), 0);

	renews(0, 0, asks); /* there is none yet */
	hold_certificate(WEB_1);
	renews(0, 0, "{\"in\":5184000}");
	renews(60 * DAY - 1, 0, "{\"in\":1}");
	renews(60 * DAY, 0, asks);
	renews(200 * DAY, 0, asks);
	renews(365 * DAY + 1, ERR_EXPIRED, "is renewed no more");
	/* One for the name that it had is none. */
	hold_certificate("web-9.example.com");
	renews(0, 0, asks);
	/* Nor is one of another key. */
	hold_certificate(WEB_1);
	key_free(a.host_key);
	assert_int_equal(key_load_file(sshtool_path("ca"), NULL, &a.host_key,
			     NULL),
	    0);
	renews(0, 0, asks);
	json_decref(a.args);
	key_free(a.host_key);
	str_clear(&a.answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(an_acceptance_is_the_one_that_is_held_after_any_crash),
	    T(an_acceptance_that_nobody_named_is_none),
	    T(a_list_is_the_one_that_is_held_after_any_crash),
	    T(a_fleet_past_its_time_is_said_once),
	    T(a_list_that_is_not_followed_is_said_once),
	    T(what_is_held_is_read_as_it_was_written),
	    T(an_alarm_that_could_not_be_said_is_not_taken_for_said),
	    T(a_certificate_is_renewed_at_two_thirds_of_its_life),
#undef T
	};

	return cmocka_run_group_tests(tests, sshtool_setup, sshtool_teardown);
}
