/* SPDX-License-Identifier: ISC */
/* When a batch opens, whom an order waits for, and which order a host has. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/master/jobs.h"
#include "lib/base/str.h"
#include "tests/unit/alloc.h"

#define HOSTS 10
#define ENDS  1000

struct fleet {
	struct jobs *jobs;
	enum job_presence there[HOSTS];
	int told[HOSTS];  /* number of the target told last; -1: none */
	unsigned changes; /* of orders */
	unsigned n;       /* orders so far */
	int64_t now;
};

static enum job_presence
presence(void *ctx, uint32_t host)
{
	struct fleet *f = ctx;

	assert_true(host < HOSTS);
	return f->there[host];
}

static void
target(void *ctx, uint32_t host, const struct job *j)
{
	struct fleet *f = ctx;

	f->told[host] = j != NULL ? j->name.b[0] : -1;
}

static void
changed(void *ctx, const struct job *j)
{
	struct fleet *f = ctx;

	assert_true(j->opened <= j->n_batches);
	f->changes++;
}

static const struct jobs_ops ops = {presence, target, changed};

static void
fleet_init(struct fleet *f)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < HOSTS; i++)
		f->told[i] = -1;
	assert_int_equal(jobs_new(&ops, f, &f->jobs), 0);
}

/* "0 1|2": batches of hosts. */
static size_t
places(const char *text, struct job_place *v)
{
	uint16_t batch = 1;
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == '|')
			batch++;
		else if (isdigit((unsigned char)*text))
			v[n++] = (struct job_place){
			    .host = (uint32_t)(*text - '0'), .batch = batch};
	}
	return n;
}

static struct job
order(unsigned number, uint64_t failures, bool enforce)
{
	struct job o = {.at = (int64_t)number * 10,
	    .expires = ENDS,
	    .version = number,
	    .enforce = enforce,
	    .max_failures = failures};

	o.name.b[0] = (uint8_t)number;
	return o;
}

static int
add(struct fleet *f, const char *batches, uint64_t failures, bool enforce,
    struct err *e)
{
	struct job_place v[HOSTS * 2];
	struct job o = order(f->n + 1, failures, enforce);
	int r = jobs_add(f->jobs, &o, v, places(batches, v), e);

	if (r == 0)
		f->n++;
	return r;
}

static struct hash
name_of(unsigned number)
{
	struct hash h = {{0}};

	h.b[0] = (uint8_t)number;
	return h;
}

static uint64_t
number(const char *text)
{
	char digits[24];
	uint64_t v = 0;

	(void)snprintf(digits, sizeof(digits), "%.*s",
	    (int)strspn(text, "0123456789"), text);
	assert_int_equal(parse_u64(digits, 0, UINT64_MAX, &v), 0);
	return v;
}

/*
 * Steps, a blank between two: J0|1,2 a new order (with /N: N may fail; ~: a
 * test), +H comes, -H goes, ?H may be on its way, rH reports done, fH failed, uH
 * undone, xH refused; with :N about order N and not the last; !H is no host any
 * more; @T is the time.
 */
static void
step(struct fleet *f, const char *s)
{
	static const struct {
		char c;
		enum run_outcome o;
	} outcomes[] = {{'r', RUN_CHANGED}, {'n', RUN_UNCHANGED},
	    {'f', RUN_FAILED}, {'u', RUN_UNDONE}, {'x', RUN_REFUSED}};
	uint32_t host = (uint32_t)(s[1] - '0');
	const char *colon = strchr(s, ':'), *slash = strchr(s, '/');
	struct hash name =
	    name_of(colon != NULL ? (unsigned)number(colon + 1) : f->n);

	if (s[0] == 'J') {
		char batches[64];

		snprintf(batches, sizeof(batches), "%.*s",
		    (int)strcspn(s + 1, "/~"), s + 1);
		assert_int_equal(add(f, batches,
				     slash != NULL ? number(slash + 1) : 0,
				     strchr(s, '~') == NULL, NULL),
		    0);
	} else if (s[0] == '+') {
		f->there[host] = HOST_THERE;
		jobs_came(f->jobs, host);
	} else if (s[0] == '-') {
		f->there[host] = HOST_AWAY;
	} else if (s[0] == '?') {
		f->there[host] = HOST_UNKNOWN;
	} else if (s[0] == '!') {
		jobs_left(f->jobs, host);
	} else if (s[0] == '@') {
		f->now = (int64_t)number(s + 1);
	} else {
		for (size_t i = 0; i < 5; i++)
			if (outcomes[i].c == s[0])
				(void)jobs_report(f->jobs, host, &name,
				    outcomes[i].o);
	}
	jobs_turn(f->jobs, f->now);
}

static void
run(struct fleet *f, const char *steps)
{
	char text[256], *save = NULL;

	snprintf(text, sizeof(text), "%s", steps);
	for (char *s = strtok_r(text, " ", &save); s != NULL;
	     s = strtok_r(NULL, " ", &save))
		step(f, s);
}

/* "2 running WWC- 1": batches open, state, parts of hosts 0.., failures. */
static void
shown(const struct jobs *j, unsigned number, char out[128])
{
	static const char letters[] = "CWAXR";
	const struct hash name = name_of(number);
	const struct job *n = jobs_find(j, &name);
	char parts[HOSTS + 1];
	size_t last = 0;

	assert_non_null(n);
	for (uint32_t i = 0; i < HOSTS; i++) {
		const struct job_host *h = job_host(n, i);

		parts[i] = h != NULL ? letters[h->part] : '-';
		if (h != NULL)
			last = i + 1;
	}
	parts[last] = '\0';
	snprintf(out, 128, "%u %s %s %llu", n->opened, job_state_name(n->state),
	    parts, (unsigned long long)n->failures);
}

static const struct {
	const char *name, *steps, *want; /* of the first order */
} cases[] = {
    {"the first batch opens at once", "J0|1", "1 running WC 0"},
    {"the next once it is in", "J0|1 r0", "2 running RW 0"},
    {"a run that changed nothing is one too", "J0|1 n0", "2 running RW 0"},
    {"and then it is done", "J0|1 r0 r1", "2 done RR 0"},
    {"one of two is not enough", "J01|2 r0", "1 running RWC 0"},
    {"one that is away is not waited for", "-1 J01|2 r0", "2 running RAW 0"},
    {"but where all are away somebody must come", "-0 -1 J01|2",
	"1 running AAC 0"},
    {"and one is enough", "-0 -1 J01|2 +0 r0", "2 running RAW 0"},
    {"one that comes back is waited for", "-1 J01|2 +1 r0", "1 running RWC 0"},
    {"and moves it on", "-1 J01|2 +1 r0 r1", "2 running RRW 0"},
    {"one that goes after its batch opened is waited for", "J01|2 -1 r0",
	"1 running RWC 0"},
    {"one that may be on its way stops a batch", "?1 J0|1 r0",
	"1 running RC 0"},
    {"until that is known", "?1 J0|1 r0 -1", "2 running RA 0"},
    {"a failure stops it", "J0|1 f0", "1 stopped RC 1"},
    {"undone is a failure", "J0|1 u0", "1 stopped RC 1"},
    {"refused is a failure", "J0|1 x0", "1 stopped RC 1"},
    {"as many as may are no reason", "J0|1/1 f0", "2 running RW 1"},
    {"one more is", "J0|1|2/1 f0 f1", "2 stopped RRC 2"},
    {"a host fails once", "J0|1|2/1 f0 f0 r1", "3 running RRW 1"},
    {"and for good", "J01|2/1 f0 r0 r1", "2 running RRW 1"},
    {"one that failed late counts", "J01|2/0 r0 f0", "1 stopped RWC 1"},
    {"failures in the last batch count", "J0 f0", "1 stopped R 1"},
    {"it ends", "J0|1 @1001 r0", "1 expired RC 0"},
    {"not before its time", "J0|1 @1000 r0", "2 running RW 0"},
    {"done is not expired", "J0 r0 @1001", "1 done R 0"},
    {"a report of a closed batch is none", "J0|1 r1", "1 running WC 0"},
    {"a report of a host it does not name is none", "J0|1 r7",
	"1 running WC 0"},
    {"a report of another order is none", "J0|1 r0:9", "1 running WC 0"},
    {"a newer order takes a host", "J01|2 J1", "1 running WXC 0"},
    {"which is not waited for any more", "J01|2 J1 r0:1", "2 running RXW 0"},
    {"all of a batch", "J0|1 J0", "2 running XW 0"},
    {"before its batch opens too", "J0|1|2 J1 r0:1", "3 running RXW 0"},
    {"what is in stays in", "J0|1 r0 J0", "2 running RW 0"},
    {"a replaced host that failed counts", "J01|2/0 J1 f1:1 r0:1",
	"1 stopped RRC 1"},
    {"no host any more", "J01|2 !1 r0", "2 running RXW 0"},
    {"many batches", "J0|1|2|3|4 r0 r1 r2 r3", "5 running RRRRW 0"},
    {"away all along", "-1 -2 J0|1|2 r0", "2 running RAC 0"},
};

static void
a_batch_opens_when_it_may(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fleet f;
		char got[128];

		fleet_init(&f);
		run(&f, cases[i].steps);
		shown(f.jobs, 1, got);
		if (strcmp(got, cases[i].want) != 0)
			print_error("%s: %s\n", cases[i].name, cases[i].steps);
		assert_string_equal(got, cases[i].want);
		jobs_free(f.jobs);
	}
}

/* Targets of hosts 0.., as numbers of orders, '-' none; and versions. */
static const struct {
	const char *name, *steps, *targets, *versions;
} targets[] = {
    {"none before its batch", "J0|1", "1-", "10"},
    {"and with it", "J0|1 r0", "11", "11"},
    {"a newer one", "J0|1 r0 J0|1", "21", "21"},
    {"whose batch opens", "J0|1 r0 J0|1 r0", "22", "22"},
    {"the older one does not come back", "J0|1 J1 r0:1", "12", "12"},
    {"one that stopped stays", "J0|1 f0", "1-", "10"},
    {"one that is away has it", "-0 J0", "1-", "10"},
    {"a test is a target and no version", "J0 r0 J0~", "2-", "10"},
    {"no host any more", "J01 !1", "1-", "10"},
};

static void
a_host_has_the_newest_order_that_is_open_for_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct fleet f;

		fleet_init(&f);
		run(&f, targets[i].steps);
		for (uint32_t h = 0; targets[i].targets[h] != '\0'; h++) {
			const struct job *j = jobs_target(f.jobs, h);
			int is = j != NULL ? j->name.b[0] : -1;
			char c = targets[i].targets[h];

			if (is != (c == '-' ? -1 : c - '0'))
				print_error("%s: host %u\n", targets[i].name,
				    h);
			assert_int_equal(is, c == '-' ? -1 : c - '0');
			assert_int_equal(f.told[h], is);
			assert_int_equal(jobs_version(f.jobs, h),
			    targets[i].versions[h] - '0');
		}
		jobs_free(f.jobs);
	}
}

static void
what_is_no_order_is_refused(void **state)
{
	static const struct {
		const char *batches;
		int want;
	} bad[] = {{"", ERR_PARSE}, {"00", ERR_PARSE}, {"0|0", ERR_PARSE},
	    {"0||1", ERR_PARSE}, {"|0", ERR_PARSE}};
	struct job_place far = {.host = JOBS_HOSTS_MAX, .batch = 1};
	struct job_place zero = {.host = 0, .batch = 0};
	struct job o;
	struct fleet f;

	(void)state;
	fleet_init(&f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};

		assert_int_equal(add(&f, bad[i].batches, 0, true, &e),
		    bad[i].want);
		assert_true(e.msg[0] != '\0');
	}
	o = order(1, 0, true);
	assert_int_equal(jobs_add(f.jobs, &o, &far, 1, NULL), ERR_LIMIT);
	assert_int_equal(jobs_add(f.jobs, &o, &zero, 1, NULL), ERR_PARSE);
	assert_null(jobs_at(f.jobs, 0));
	jobs_free(f.jobs);
}

static void
an_order_comes_once_and_in_time(void **state)
{
	struct job_place v = {.host = 0, .batch = 1};
	struct job o;
	struct fleet f;

	(void)state;
	fleet_init(&f);
	run(&f, "J0 J1");
	o = order(1, 0, true);
	assert_int_equal(jobs_add(f.jobs, &o, &v, 1, NULL), JOBS_AGAIN);
	o = order(3, 0, true);
	o.at = 20; /* as the last one's */
	assert_int_equal(jobs_add(f.jobs, &o, &v, 1, NULL), ERR_ROLLBACK);
	o.at = 19;
	assert_int_equal(jobs_add(f.jobs, &o, &v, 1, NULL), ERR_ROLLBACK);
	o.at = 21;
	assert_int_equal(jobs_add(f.jobs, &o, &v, 1, NULL), 0);
	jobs_free(f.jobs);
}

/* What is kept and put back goes on as it would have. */
static void
an_order_goes_on_after_it_was_put_back(void **state)
{
	struct fleet f;
	char got[128];
	struct hash one = name_of(1);

	(void)state;
	fleet_init(&f);
	assert_int_equal(add(&f, "012|3|4", 1, true, NULL), 0);
	jobs_restore(f.jobs, &one, 1, JOB_RUNNING);
	jobs_restore_away(f.jobs, &one, 1);
	jobs_restore_report(f.jobs, &one, 0, RUN_FAILED);
	shown(f.jobs, 1, got);
	assert_string_equal(got, "1 running RAWCC 1");
	assert_int_equal(f.changes, 0);
	assert_int_equal(f.told[2], -1);
	assert_int_equal(jobs_target(f.jobs, 2)->name.b[0], 1);
	jobs_turn(f.jobs, 0);
	shown(f.jobs, 1, got);
	assert_string_equal(got, "1 running RAWCC 1");
	run(&f, "r2");
	shown(f.jobs, 1, got);
	assert_string_equal(got, "2 running RARWC 1");
	assert_int_equal(f.changes, 1);
	run(&f, "f3");
	shown(f.jobs, 1, got);
	assert_string_equal(got, "2 stopped RARRC 2");
	/* More open than there are; names nobody has. */
	jobs_restore(f.jobs, &one, 99, JOB_STOPPED);
	one = name_of(9);
	jobs_restore(f.jobs, &one, 1, JOB_RUNNING);
	jobs_restore_away(f.jobs, &one, 1);
	jobs_restore_report(f.jobs, &one, 1, RUN_CHANGED);
	shown(f.jobs, 1, got);
	assert_string_equal(got, "3 stopped RARRW 2");
	jobs_free(f.jobs);
}

/* Old orders go; a host's target never does. */
static void
old_orders_are_forgotten(void **state)
{
	struct job_place v = {.host = 1, .batch = 1};
	struct hash one = name_of(1);
	struct fleet f;
	size_t n = 0;

	(void)state;
	fleet_init(&f);
	run(&f, "J0 r0");
	for (unsigned i = 2; i < JOBS_KEPT * 3; i++) {
		struct job o = order(0, 0, true);

		o.at = (int64_t)i * 10;
		memcpy(o.name.b + 1, &i, sizeof(i));
		assert_int_equal(jobs_add(f.jobs, &o, &v, 1, NULL), 0);
		jobs_turn(f.jobs, 0);
		assert_int_equal(jobs_report(f.jobs, 1, &o.name, RUN_CHANGED),
		    0);
		jobs_turn(f.jobs, 0);
	}
	while (jobs_at(f.jobs, n) != NULL)
		n++;
	assert_true(n >= JOBS_KEPT && n <= JOBS_KEPT + 3);
	assert_ptr_equal(jobs_target(f.jobs, 0), jobs_find(f.jobs, &one));
	jobs_free(f.jobs);
}

static int
add_one(void *arg)
{
	struct job_place v[] = {{0, 1}, {70, 2}, {5, 2}};
	struct job o = order(1, 0, true);
	struct fleet f = {.n = 0};
	struct err e = {0};
	int r;

	(void)arg;
	if ((r = jobs_new(&ops, &f, &f.jobs)) != 0)
		return r;
	r = jobs_add(f.jobs, &o, v, 3, &e);
	assert_true((r == 0) == (jobs_at(f.jobs, 0) != NULL));
	jobs_free(f.jobs);
	return r;
}

static void
each_failing_allocation_leaves_it_as_it_was(void **state)
{
	(void)state;
	assert_true(alloc_each(add_one, NULL) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_batch_opens_when_it_may),
	    cmocka_unit_test(a_host_has_the_newest_order_that_is_open_for_it),
	    cmocka_unit_test(what_is_no_order_is_refused),
	    cmocka_unit_test(an_order_comes_once_and_in_time),
	    cmocka_unit_test(an_order_goes_on_after_it_was_put_back),
	    cmocka_unit_test(old_orders_are_forgotten),
	    cmocka_unit_test(each_failing_allocation_leaves_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
