/* SPDX-License-Identifier: ISC */
/*
 * What a host takes of a master, and of a fleet it holds (deliverycase.h): what
 * is in order, who leaves, expiry, pillar, TARGETS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_bundle.h"
#include "lib/trust/fleet_job.h"
#include "tests/unit/alloc.h"
#include "tests/unit/deliverycase.h"
#include "tests/unit/fixture.h"

/* --- what is in order --- */

static const struct {
	const char *name;
	struct plan p;
	int want;
	uint64_t holds;
} welcome[] = {
    {"the next version", {0}, 0, 5},
    {"other signers", {.by = BY(SEED_PAVEL, SEED_PAULA), .author = PAVEL}, 0,
	5},
    {"all and a stranger", {.by = BY(SEED_PETRA, SEED_PAVEL, SEED_MALLORY)}, 0,
	5},
    {"a second key", {.by = BY(SEED_PETRA_2, SEED_PAVEL)}, 0, 5},
    {"a jump along the chain", {.version = 7, .between = {5, 6}}, 0, 7},
    {"a host's own pillar alone", {.lost = "pillar/db.yaml"}, 0, 5},
    {"all of the pillar", {.all_pillar = true}, 0, 5},
    {"a test", {.test = true}, 0, 4},
    {"a job for what is held", {.no_bundle = true, .job_version = 4}, 0, 4},
    {"the first host in a batch",
	{.host = "db-1.example.com", .shown = "db-1.example.com"}, 0, 5},
    {"a clock a little behind", {.job_at = 300}, 0, 5},
    {"the last second of the job", {.job_expires = 1}, 0, 5},
    {"within grace", {.expires = -DAY}, BUNDLE_GRACE, 5},
    {"the last of its grace", {.expires = -14 * DAY}, BUNDLE_GRACE, 5},
    {"anything on a new host", {.fresh = true, .version = 1000}, 0, 1000},
};

static void
what_is_in_order_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(welcome) / sizeof(welcome[0]); i++) {
		const struct plan *p = &welcome[i].p;
		struct fleet_held held, again;
		struct fleet_last last;
		struct fleet_job job;
		struct made m;
		struct err e = {0};
		int r;

		dc_make(p, &m);
		r = dc_bring(p, &m, &held, &last, &job, &e);
		if (r != welcome[i].want || held.version != welcome[i].holds)
			fail_msg("%s: %d, holds %llu: %s", welcome[i].name, r,
			    (unsigned long long)held.version, e.msg);
		assert_int_equal(job.batch, 2);
		assert_int_equal(job.n_hosts, 3);
		assert_int_equal(job.enforce, !p->test);
		assert_memory_equal(&last.job, &job.name, sizeof(job.name));
		/* The very same again is no attack. */
		again = held;
		r = fleet_move(&again, &last, &dc_world.trust, &m.d,
		    p->host != NULL ? p->host : HOST, NOW, &job, &e);
		if (r != welcome[i].want)
			fail_msg("%s, again: %d %s", welcome[i].name, r, e.msg);
		assert_memory_equal(&again, &held, sizeof(held));
		dc_unmake(&m);
	}
}

static void
a_master_asks_about_all_of_them(void **state)
{
	static const struct plan p = {0};
	struct fleet_job job;
	struct made m;
	struct err e = {0};

	(void)state;
	dc_make(&p, &m);
	dc_must(fleet_job_check_all(&dc_world.last, &dc_world.trust, m.d.job,
		    slice_str(m.targets), NOW, &job, &e),
	    "job", &e);
	assert_int_equal(job.batch, 0);
	assert_int_equal(job.n_hosts, 3);
	dc_unmake(&m);
}

static void
nobody_is_believed_without_a_policy(void **state)
{
	static const struct plan p = {0};
	struct fleet_held held = {0};
	struct fleet_last last = {0};
	struct fleet_job job;
	struct trust none;
	struct made m;
	struct err e = {0};

	(void)state;
	trust_init(&none);
	dc_make(&p, &m);
	assert_int_equal(fleet_move(&held, &last, &none, &m.d, HOST, NOW, &job,
			     &e),
	    ERR_DENIED);
	assert_int_equal(fleet_accept(&held, &none, &m.in, NOW, &e),
	    ERR_DENIED);
	assert_int_equal(fleet_expiry(&held, &none, NOW, NULL, &e),
	    ERR_EXPIRED);
	assert_false(held.have);
	dc_unmake(&m);
}

/* --- operators who leave --- */

static void
what_is_held_outlives_who_signed_it_and_nothing_new_does(void **state)
{
	static const struct plan p = {0};
	static const struct plan next = {.version = 6, .between = {5}};
	struct fleet_held held = dc_world.held;
	struct made m, n;
	struct trust t;
	struct err e = {0};

	(void)state;
	trust_init(&t);
	dc_make(&p, &m);
	dc_make(&next, &n);
	dc_must(fleet_accept(&held, &dc_world.trust, &m.in, NOW, &e), "held",
	    &e);
	dc_accept_root(&t, dc_root, 1, FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	dc_accept_root(&t, dc_root2, 2, FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	dc_must(fleet_accept(&held, &t, &m.in, NOW, &e), "still held", &e);
	assert_int_equal(held.version, 5);
	assert_int_equal(fleet_accept(&held, &t, &n.in, NOW, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "of the operators of root 2"));
	/* And where nothing is held, the old one is nobody's. */
	held = (struct fleet_held){0};
	assert_int_equal(fleet_accept(&held, &t, &m.in, NOW, &e), ERR_DENIED);
	trust_clear(&t);
	dc_unmake(&m);
	dc_unmake(&n);
}

/* --- expiry --- */

static void
a_held_fleet_says_when_it_ends(void **state)
{
	static const struct {
		int64_t days;
		int want;
		const char *words;
	} cases[] = {
	    {-1, 0, ""},
	    {0, 0, "fleet expires in 30 days"},
	    {29, 0, "urgent: fleet"},
	    {31, BUNDLE_GRACE, "fleet has expired"},
	    {45, ERR_EXPIRED, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str words = STR_INIT;
		int r = fleet_expiry(&dc_world.held, &dc_world.trust,
		    NOW + cases[i].days * DAY, &words, NULL);

		if (r != cases[i].want ||
		    strstr(words.p, cases[i].words) == NULL)
			fail_msg("%lld days: %d '%s'", (long long)cases[i].days,
			    r, words.p);
		str_clear(&words);
	}
}

static void
no_clock_skips_expiry(void **state)
{
	static const struct plan p = {.expires = -400 * DAY};
	struct fleet_held held = dc_world.held;
	struct made m;
	struct err e = {0};

	(void)state;
	dc_make(&p, &m);
	dc_must(fleet_accept(&held, &dc_world.trust, &m.in, 0, &e), "accept",
	    &e);
	assert_int_equal(held.version, 5);
	dc_unmake(&m);
}

/* --- wrong pillar --- */

static void
a_host_has_the_pillar_its_top_gives_it_and_no_other(void **state)
{
	static const struct {
		const char *lost;
		const char *names[3];
		int want;
		const char *says;
	} cases[] = {
	    {NULL, {"common", "db"}, 0, ""},
	    {"pillar/db.yaml", {"common"}, 0, ""},
	    {NULL, {"common"}, ERR_DENIED, "pillar/db.yaml"},
	    {"pillar/common.yaml", {"common"}, ERR_DENIED, "pillar/db.yaml"},
	    {"pillar/db.yaml", {"common", "db"}, ERR_PARSE, "pillar/db.yaml"},
	    {"pillar/db.yaml", {"common", "com"}, ERR_PARSE, "pillar/com.yaml"},
	    {"pillar/db.yaml", {"commo"}, ERR_DENIED, "pillar/common.yaml"},
	    {"pillar/db.yaml", {NULL}, ERR_DENIED, "pillar/common.yaml"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plan p = {.lost = cases[i].lost};
		struct strs names = {0};
		struct made m;
		struct err e = {0};
		int r;

		dc_make(&p, &m);
		for (size_t j = 0; j < 3 && cases[i].names[j] != NULL; j++)
			dc_must(strs_add(&names, cases[i].names[j]), "name",
			    NULL);
		r = fleet_pillar_check(m.in.files, &names, &e);
		if (r != cases[i].want || strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%zu: %d '%s'", i, r, e.msg);
		strs_clear(&names);
		dc_unmake(&m);
	}
}

/* --- TARGETS --- */

static const struct {
	const char *name, *text;
	int want;
	const char *says;
} target_texts[] = {
    {"one host", "1 a\n", 0, ""},
    {"two batches", "1 b\n2 a\n2 c\n", 0, ""},
    {"nothing", "", ERR_PARSE, "empty"},
    {"no end of line", "1 a", ERR_PARSE, "TARGETS:1: the line has no end"},
    {"an empty line", "1 a\n\n", ERR_PARSE, "TARGETS:2: malformed"},
    {"CR LF", "1 a\r\n", ERR_PARSE, "malformed"},
    {"two blanks", "1  a\n", ERR_PARSE, "malformed"},
    {"no batch", "a\n", ERR_PARSE, "malformed"},
    {"a batch 0", "0 a\n", ERR_PARSE, "malformed"},
    {"a leading zero", "01 a\n", ERR_PARSE, "malformed"},
    {"a first batch 2", "2 a\n", ERR_PARSE, "out of order"},
    {"a gap", "1 a\n3 b\n", ERR_PARSE, "TARGETS:2: batch out of order"},
    {"back", "1 a\n2 b\n1 c\n", ERR_PARSE, "TARGETS:3: batch out of order"},
    {"not sorted", "1 b\n1 a\n", ERR_PARSE, "TARGETS:2: host out of order"},
    {"twice in a batch", "1 a\n1 a\n", ERR_PARSE, "out of order"},
    {"twice in two", "1 a\n2 a\n", ERR_PARSE, "a in two batches"},
    {"everybody", "1 *\n", ERR_PARSE, "malformed"},
    {"capitals", "1 A\n", ERR_PARSE, "malformed"},
    {"a path", "1 ../a\n", ERR_PARSE, "malformed"},
    {"a batch past the last", "1001 a\n", ERR_PARSE, "malformed"},
};

static void
targets_are_read_in_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(target_texts) / sizeof(target_texts[0]);
	     i++) {
		struct targets t = {0};
		struct err e = {0};
		int r = targets_parse(slice_str(target_texts[i].text), &t, &e);

		if (r != target_texts[i].want ||
		    strstr(e.msg, target_texts[i].says) == NULL)
			fail_msg("%s: %d '%s'", target_texts[i].name, r, e.msg);
		targets_clear(&t);
	}
	assert_int_equal(targets_parse(slice_of((const uint8_t *)"1 a\0b\n", 6),
			     &(struct targets){0}, NULL),
	    ERR_PARSE);
}

static void
targets_are_written_as_they_are_read(void **state)
{
	struct strs batches[2] = {{0}, {0}};
	struct str out = STR_INIT;
	struct targets t = {0};
	struct err e = {0};

	(void)state;
	dc_must(strs_add(&batches[0], "web-9"), "add", NULL);
	dc_must(strs_add(&batches[1], "web-1"), "add", NULL);
	assert_int_equal(targets_write(batches, 0, &out, &e), ERR_PARSE);
	dc_must(strs_add(&batches[1], "db-1"), "add", NULL);
	dc_must(targets_write(batches, 2, &out, &e), "write", &e);
	assert_string_equal(out.p, "1 web-9\n2 db-1\n2 web-1\n");
	dc_must(targets_parse(slice_of(out.p, out.n), &t, &e), "parse", &e);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.n_batches, 2);
	assert_int_equal(targets_find(&t, "web-1")->batch, 2);
	assert_null(targets_find(&t, "web-2"));
	dc_must(strs_add(&batches[0], "db-1"), "add", NULL);
	assert_int_equal(targets_write(batches, 2, &out, &e), ERR_PARSE);
	strs_clear(&batches[0]);
	assert_int_equal(targets_write(batches, 2, &out, &e), ERR_PARSE);
	dc_must(strs_add(&batches[0], "a\n1 b"), "add", NULL);
	assert_int_equal(targets_write(batches, 2, &out, &e), ERR_PARSE);
	assert_string_equal(out.p, "1 web-9\n2 db-1\n2 web-1\n");
	strs_clear(&batches[0]);
	strs_clear(&batches[1]);
	targets_clear(&t);
	str_clear(&out);
}

static void
targets_end_at_their_limits(void **state)
{
	struct str text = STR_INIT;
	struct targets t = {0};
	uint8_t *big = malloc(TARGETS_MAX + 1);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', TARGETS_MAX + 1);
	assert_int_equal(targets_parse(slice_of(big, TARGETS_MAX + 1), &t,
			     NULL),
	    ERR_LIMIT);
	for (size_t i = 0; i <= TARGETS_HOSTS_MAX; i++) {
		if (i == TARGETS_HOSTS_MAX) {
			assert_int_equal(targets_parse(slice_of(text.p, text.n),
					     &t, NULL),
			    0);
			assert_int_equal(t.n, TARGETS_HOSTS_MAX);
			targets_clear(&t);
		}
		str_addf(&text, "1 h%06zu\n", i);
	}
	assert_int_equal(targets_parse(slice_of(text.p, text.n), &t, NULL),
	    ERR_LIMIT);
	str_clear(&text);
	free(big);
}

/* --- memory --- */

static int
move_once(void *arg)
{
	const struct made *m = arg;
	struct fleet_held held = dc_world.held;
	struct fleet_last last = dc_world.last;
	struct fleet_job job;

	return fleet_move(&held, &last, &dc_world.trust, &m->d, HOST, NOW, &job,
	    NULL);
}

static int
write_once(void *arg)
{
	struct str out = STR_INIT;
	int r = targets_write(arg, 1, &out, NULL);

	str_clear(&out);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	static const struct plan p = {.version = 7, .between = {5, 6}};
	struct strs batch = {0};
	struct made m;

	(void)state;
	dc_make(&p, &m);
	assert_true(alloc_each(move_once, &m) > 50);
	dc_unmake(&m);
	dc_must(strs_add(&batch, "b"), "add", NULL);
	dc_must(strs_add(&batch, "a"), "add", NULL);
	assert_true(alloc_each(write_once, &batch) > 5);
	strs_clear(&batch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_in_order_is_taken),
	    cmocka_unit_test(a_master_asks_about_all_of_them),
	    cmocka_unit_test(nobody_is_believed_without_a_policy),
	    cmocka_unit_test(
		what_is_held_outlives_who_signed_it_and_nothing_new_does),
	    cmocka_unit_test(a_held_fleet_says_when_it_ends),
	    cmocka_unit_test(no_clock_skips_expiry),
	    cmocka_unit_test(
		a_host_has_the_pillar_its_top_gives_it_and_no_other),
	    cmocka_unit_test(targets_are_read_in_one_spelling),
	    cmocka_unit_test(targets_are_written_as_they_are_read),
	    cmocka_unit_test(targets_end_at_their_limits),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, dc_set_up, dc_tear_down);
}
