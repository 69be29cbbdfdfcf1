/* SPDX-License-Identifier: ISC */
/*
 * What a host says of itself: one after the other, kept until a master has it,
 * also when memory runs out in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/minion/reports.h"
#include "lib/base/file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fakehost.h"
#include "tests/unit/fixture.h"

struct bench {
	struct fakehost *f;
	struct report_by by;
	struct report_state state;
	struct strs made;
	struct key *key;
	struct err e;
	char dir[200];
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->f = fakehost_new();
	(void)snprintf(b->dir, sizeof(b->dir), "%s/agent",
	    host_root(fakehost_host(b->f)));
	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_int_equal(key_generate(PUBKEY_ED25519, &b->key, &b->e), 0);
	b->by = (struct report_by){.state_dir = b->dir,
	    .host = "web-1.example.com",
	    .realm = fixture_realm(),
	    .key = b->key,
	    .now = FIXTURE_NOW};
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	alloc_fail_nth(0);
	strs_clear(&b->made);
	key_free(b->key);
	fakehost_free(b->f);
	free(b);
	return 0;
}

static int
beat(struct bench *b)
{
	struct report_statement r = {
	    .kind = REPORT_HEARTBEAT, .root_version = 1, .policy_version = 1};

	return report_make(&b->by, &b->state, &r, &b->made, &b->e);
}

static bool
is_kept(const struct bench *b, uint64_t seq)
{
	char path[260];

	(void)snprintf(path, sizeof(path), "%s/reports/%llu", b->dir,
	    (unsigned long long)seq);
	return file_exists(path);
}

/* What a start of the agent would find. */
static struct report_state
on_disk(struct bench *b)
{
	struct report_state s;

	if (report_state_read(b->dir, &s, &b->e) != 0)
		fail_msg("%s", b->e.msg);
	return s;
}

/* Each is signed by the host and names the one before. */
static void
check_chain(struct bench *b, const struct strs *texts, uint64_t first)
{
	struct hash last = {0};

	for (size_t i = 0; i < texts->n; i++) {
		const struct report_statement *r;
		struct statement s;

		statement_init(&s, 0);
		if (statement_parse("report", slice_str(texts->v[i]), &s,
			&b->e) != 0 ||
		    statement_verify(&s, &b->e) != 0)
			fail_msg("%zu: %s", i, b->e.msg);
		r = &s.u.report;
		assert_int_equal(s.type, ST_REPORT);
		assert_true(statement_signed_by(&s, key_public(b->key)) >= 0);
		assert_int_equal(r->seq, first + i);
		assert_int_equal(r->has_previous, r->seq > 1);
		if (i > 0)
			assert_true(hash_equal(&r->previous, &last));
		last = s.hash;
		statement_clear(&s);
	}
}

static void
reports_follow_one_another(void **state)
{
	struct bench *b = *state;
	struct strs unsent = {0};
	struct report_state s;
	uint64_t first;

	for (int i = 0; i < 3; i++)
		assert_int_equal(beat(b), 0);
	check_chain(b, &b->made, 1);
	s = on_disk(b);
	assert_int_equal(s.seq, 3);
	assert_true(hash_equal(&s.last, &b->state.last));
	assert_int_equal(s.at, FIXTURE_NOW);
	assert_int_equal(report_unsent(b->dir, &s, &unsent, &first, &b->e), 0);
	assert_int_equal(first, 1);
	assert_int_equal(unsent.n, 3);
	check_chain(b, &unsent, 1);
	strs_clear(&unsent);
}

static void
what_a_master_has_goes(void **state)
{
	struct bench *b = *state;
	struct strs unsent = {0};
	uint64_t first;

	for (int i = 0; i < 4; i++)
		assert_int_equal(beat(b), 0);
	assert_int_equal(report_acked(b->dir, &b->state, 2, &b->e), 0);
	assert_false(is_kept(b, 1) || is_kept(b, 2));
	assert_true(is_kept(b, 3) && is_kept(b, 4));
	/* It does not go back, and has none that was not made. */
	assert_int_equal(report_acked(b->dir, &b->state, 1, &b->e), 0);
	assert_int_equal(on_disk(b).acked, 2);
	assert_int_equal(report_unsent(b->dir, &b->state, &unsent, &first,
			     &b->e),
	    0);
	assert_int_equal(first, 3);
	check_chain(b, &unsent, 3);
	strs_clear(&unsent);
	assert_int_equal(report_acked(b->dir, &b->state, 99, &b->e), 0);
	assert_int_equal(on_disk(b).acked, 4);
	assert_int_equal(report_unsent(b->dir, &b->state, &unsent, &first,
			     &b->e),
	    0);
	assert_int_equal(unsent.n, 0);
}

static void
an_answer_has_so_many(void **state)
{
	struct bench *b = *state;
	struct strs unsent = {0};
	uint64_t first;

	for (int i = 0; i < REPORTS_AT_ONCE + 1; i++)
		assert_int_equal(beat(b), 0);
	assert_int_equal(report_unsent(b->dir, &b->state, &unsent, &first,
			     &b->e),
	    0);
	assert_int_equal(unsent.n, REPORTS_AT_ONCE);
	strs_clear(&unsent);
}

/* As if no master had been there for as many reports as are kept. */
static void
the_oldest_goes_when_there_are_too_many(void **state)
{
	struct bench *b = *state;
	struct strs unsent = {0};
	uint64_t first;

	for (int i = 0; i < 3; i++)
		assert_int_equal(beat(b), 0);
	b->state.seq = REPORTS_KEPT;
	assert_int_equal(beat(b), 0);
	assert_false(is_kept(b, 1));
	assert_true(is_kept(b, 2) && is_kept(b, REPORTS_KEPT + 1));
	assert_int_equal(report_unsent(b->dir, &b->state, &unsent, &first,
			     &b->e),
	    0);
	assert_int_equal(first, 2);
	assert_int_equal(unsent.n, 2);
	strs_clear(&unsent);
}

static uint64_t
say_logins(struct bench *b, size_t n, uint64_t lost)
{
	struct login_event v[4] = {{.what = LOGIN_IN}, {.what = LOGIN_IN},
	    {.what = LOGIN_IN}, {.what = LOGIN_FAILED, .count = 7}};
	struct report_statement r = {.kind = REPORT_LOGINS,
	    .root_version = 1,
	    .policy_version = 1,
	    .events = v,
	    .n_events = n,
	    .lost = lost};

	for (size_t i = 0; i < n; i++) {
		v[i].at = FIXTURE_NOW;
		if (v[i].what == LOGIN_FAILED) {
			v[i].until = FIXTURE_NOW;
			continue;
		}
		v[i].account = str_dup("deploy");
		v[i].method = str_dup("password");
	}
	assert_int_equal(report_make(&b->by, &b->state, &r, &b->made, &b->e),
	    0);
	for (size_t i = 0; i < n; i++)
		login_event_clear(&v[i]);
	return r.lost;
}

/* Nobody can be told who they were, but how many. */
static void
logins_of_a_report_that_goes_are_counted(void **state)
{
	struct bench *b = *state;

	assert_int_equal(beat(b), 0);
	assert_int_equal(say_logins(b, 2, 0), 0);
	assert_int_equal(say_logins(b, 4, 5), 5); /* 3, a sum of 7, and 5 */
	b->state.seq = REPORTS_KEPT;
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(beat(b), 0);
		assert_false(is_kept(b, i));
	}
	assert_int_equal(b->state.dropped, 2 + 3 + 7 + 5);
	/* Also by the next process. */
	b->state = (struct report_state){0};
	assert_int_equal(report_state_read(b->dir, &b->state, &b->e), 0);
	assert_int_equal(b->state.dropped, 17);
	assert_int_equal(beat(b), 0);
	assert_int_equal(b->state.dropped, 17);
	assert_int_equal(say_logins(b, 1, 4), 21);
	assert_int_equal(b->state.dropped, 0);
	assert_int_equal(say_logins(b, 1, 0), 0);
}

static void
a_state_that_is_not_one_is_named(void **state)
{
	static const char *const bad[] = {"", "x", "{}", "{\"seq\":\"1\"}",
	    "{\"seq\":\"1\",\"acked\":\"2\",\"quiet\":\"0\","
	    "\"at\":\"2026-11-22T10:00:00Z\"}",
	    "{\"seq\":\"1\",\"acked\":\"0\",\"quiet\":\"0\","
	    "\"at\":\"2026-11-22T10:00:00Z\"}"};
	struct bench *b = *state;
	struct report_state s = {.seq = 7};
	char path[260];

	(void)snprintf(path, sizeof(path), "%s/report", b->dir);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(file_write(path, bad[i], strlen(bad[i]), 0600,
				     0, NULL),
		    0);
		b->e = (struct err){0};
		assert_int_equal(report_state_read(b->dir, &s, &b->e),
		    ERR_CORRUPT);
		assert_non_null(strstr(b->e.msg, path));
		assert_int_equal(s.seq, 7);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(report_state_read(b->dir, &s, &b->e), 0);
	assert_int_equal(s.seq, 0);
}

/* --- diffs --- */

static void
diffs_are_kept_by_their_name_and_bounded(void **state)
{
	struct bench *b = *state;
	struct hash names[DIFFS_KEPT + 1], again;
	char text[32], *got = NULL;
	size_t left = 0;

	for (size_t i = 0; i <= DIFFS_KEPT; i++) {
		(void)snprintf(text, sizeof(text), "-a\n+%zu\n", i);
		assert_int_equal(diff_keep(b->dir, text, &names[i], &b->e), 0);
		assert_int_equal(diff_keep(b->dir, text, &again, &b->e), 0);
		assert_true(hash_equal(&again, &names[i]));
	}
	for (size_t i = 0; i <= DIFFS_KEPT; i++) {
		int r = diff_get(b->dir, &names[i], &got, &b->e);

		left += r == 0;
		free(got);
		got = NULL;
	}
	assert_int_equal(left, DIFFS_KEPT);
	/* The last is there; one that is not is said to be none. */
	assert_int_equal(diff_get(b->dir, &names[DIFFS_KEPT], &got, &b->e), 0);
	assert_string_equal(got, text);
	free(got);
	again = fixture_hash(9);
	assert_int_equal(diff_get(b->dir, &again, &got, &b->e), ERR_NOTFOUND);
	assert_non_null(strstr(b->e.msg, "does not keep that diff"));
}

/* --- memory --- */

/*
 * Each allocation fails once.  Whatever comes of it, the number, the file and what
 * is on disk fit together, and the next report follows.
 */
static void
no_failure_makes_a_gap(void **state)
{
	struct bench *b = *state;
	struct strs unsent = {0};
	uint64_t first;
	size_t failed = 0;

	assert_int_equal(beat(b), 0);
	for (size_t n = 1;; n++) {
		uint64_t before = b->state.seq, disk;
		bool was;
		int r;

		alloc_fail_nth(n);
		r = beat(b);
		was = alloc_failed();
		alloc_fail_nth(0);
		if (!was) {
			assert_int_equal(r, 0);
			break;
		}
		failed++;
		/* Without the boot's name it is a report all the same. */
		assert_true(r == ERR_NOMEM || r == 0);
		assert_true(b->state.seq == before ||
		    b->state.seq == before + 1);
		/* A write that failed at its end may be there: the next report
		   has the same number and takes its place. */
		disk = on_disk(b).seq;
		assert_true(disk == b->state.seq || disk == b->state.seq + 1);
		assert_true(is_kept(b, b->state.seq) && is_kept(b, disk));
	}
	assert_true(failed > 10);
	assert_int_equal(report_acked(b->dir, &b->state,
			     b->state.seq > 5 ? b->state.seq - 5 : 0, &b->e),
	    0);
	assert_int_equal(report_unsent(b->dir, &b->state, &unsent, &first,
			     &b->e),
	    0);
	assert_int_equal(first + unsent.n - 1, b->state.seq);
	check_chain(b, &unsent, first);
	strs_clear(&unsent);
}

static int
read_all(void *arg)
{
	struct bench *b = arg;
	struct strs unsent = {0};
	struct report_state s;
	uint64_t first;
	int r;

	if ((r = report_state_read(b->dir, &s, NULL)) == 0)
		r = report_unsent(b->dir, &s, &unsent, &first, NULL);
	if (r == 0)
		assert_int_equal(unsent.n, 2);
	strs_clear(&unsent);
	return r;
}

static void
reading_fails_as_a_whole(void **state)
{
	struct bench *b = *state;

	assert_int_equal(beat(b), 0);
	assert_int_equal(beat(b), 0);
	assert_true(alloc_each(read_all, b) > 5);
}

/* Full, so that one has to go: with no memory to say which. */
static void
a_diff_is_kept_or_not(void **state)
{
	struct bench *b = *state;
	struct hash h;
	char text[32];
	bool was = true;

	for (int i = 0; i < DIFFS_KEPT; i++) {
		(void)snprintf(text, sizeof(text), "-a\n+%d\n", i);
		assert_int_equal(diff_keep(b->dir, text, &h, &b->e), 0);
	}
	for (size_t n = 1; was; n++) {
		char *got = NULL;
		int r;

		(void)snprintf(text, sizeof(text), "-b\n+%zu\n", n);
		alloc_fail_nth(n);
		r = diff_keep(b->dir, text, &h, &b->e);
		was = alloc_failed();
		alloc_fail_nth(0);
		assert_true(r == 0 || (was && r == ERR_NOMEM));
		assert_int_equal(diff_get(b->dir, &h, &got, &b->e),
		    r == 0 ? 0 : ERR_NOTFOUND);
		free(got);
	}
}

/* --- logins --------------------------------------------------------------- */

static void
keep(struct bench *b, const char *text)
{
	assert_int_equal(logins_keep(b->dir, slice_str(text), &b->state.logins,
			     &b->e),
	    0);
	b->state.has_logins = true;
}

static int
kept(struct bench *b, const struct hash *h, const char *want)
{
	char *text = NULL;
	size_t n = 0;
	int r = logins_get(b->dir, h, 100, &text, &n, &b->e);

	if (r == 0)
		assert_string_equal(text, want);
	free(text);
	return r;
}

static void
what_was_read_counts_with_the_report_that_tells_it(void **state)
{
	struct bench *b = *state;
	struct report_state s, now;
	char hex[HASH_HEX], path[300];
	struct hash two;

	assert_false(on_disk(b).has_logins);
	keep(b, "one");
	assert_false(on_disk(b).has_logins);
	assert_int_equal(beat(b), 0);
	s = on_disk(b);
	assert_true(s.has_logins);
	assert_int_equal(kept(b, &s.logins, "one"), 0);
	/* Written, and then nobody came to name it. */
	keep(b, "two");
	two = b->state.logins;
	now = on_disk(b);
	assert_true(hash_equal(&now.logins, &s.logins));
	assert_int_equal(kept(b, &two, "two"), 0);
	logins_tidy(b->dir, &s);
	assert_int_equal(kept(b, &two, "two"), ERR_NOTFOUND);
	assert_int_equal(kept(b, &s.logins, "one"), 0);
	/* What somebody else wrote. */
	hash_hex(&s.logins, hex);
	(void)snprintf(path, sizeof(path), "%s/logins/%s", b->dir, hex);
	assert_int_equal(file_write(path, "once", 4, 0600, 0, NULL), 0);
	assert_int_equal(kept(b, &s.logins, "one"), ERR_CORRUPT);
}

/* Told and read on, or neither: whichever allocation fails. */
static void
no_failure_tells_a_line_twice_or_never(void **state)
{
	struct bench *b = *state;
	struct report_state before, after;
	char text[24];
	int r;

	keep(b, "start");
	assert_int_equal(beat(b), 0);
	for (size_t n = 1;; n++) {
		before = b->state = on_disk(b);
		(void)snprintf(text, sizeof(text), "%zu", n);
		alloc_fail_nth(n);
		r = logins_keep(b->dir, slice_str(text), &b->state.logins,
		    NULL);
		if (r == 0)
			r = beat(b);
		alloc_fail_nth(0);
		after = on_disk(b);
		assert_int_equal(after.seq - before.seq,
		    !hash_equal(&after.logins, &before.logins));
		if (r == 0)
			break;
		assert_int_equal(r, ERR_NOMEM);
	}
	assert_int_equal(kept(b, &after.logins, text), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(reports_follow_one_another),
	    T(what_a_master_has_goes),
	    T(an_answer_has_so_many),
	    T(the_oldest_goes_when_there_are_too_many),
	    T(logins_of_a_report_that_goes_are_counted),
	    T(a_state_that_is_not_one_is_named),
	    T(diffs_are_kept_by_their_name_and_bounded),
	    T(no_failure_makes_a_gap),
	    T(reading_fails_as_a_whole),
	    T(a_diff_is_kept_or_not),
	    T(what_was_read_counts_with_the_report_that_tells_it),
	    T(no_failure_tells_a_line_twice_or_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
