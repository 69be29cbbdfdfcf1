/* SPDX-License-Identifier: ISC */
/* Logins in a master's store: each comes back as it was put, once, and in the one
 * order there is, whatever was asked for and in however many pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/master/rows.h"
#include "lib/base/clock.h"
#include "lib/store/store.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define ORIGIN "writ.invalid/0123456789abcdef/master_1_log"
#define NOW    INT64_C(1800000000)
#define ALL    ((1U << (LOGIN_FAILED + 1)) - 1)

static char dir[TMPDIR_MAX], path[TMPDIR_MAX + 16];
static struct rows *rows;

static int
setup(void **state)
{
	(void)state;
	tmpdir_make(dir, "logins");
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	return rows_open(path, ORIGIN, &rows, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	rows_close(rows);
	assert_int_equal(store_remove(path, NULL), 0);
	return rmdir(dir);
}

static void
put(const struct login_row *l)
{
	assert_int_equal(rows_put_login(rows, l, NULL), 0);
}

static int
query(const struct login_query *q,
    int (*each)(void *ctx, const struct login_row *l), void *ctx,
    struct login_place *last)
{
	struct err e = {0};
	int r = rows_each_login(rows, q, each, ctx, last, &e);

	if (r < 0)
		fail_msg("%s", e.msg);
	return r;
}

/* --- as it was ------------------------------------------------------------ */

#define T1 "\"2027-01-15T08:00:00Z\""
#define T2 "\"2027-01-15T09:00:00Z\""
#define FP "\"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\""

/* As statements have them. */
static const char *const events[] = {
    "{\"what\":\"login\",\"at\":" T1 ",\"source\":\"journal\","
    "\"session\":\"3b1f0c2a.811.17\",\"account\":\"deploy\","
    "\"from\":\"2001:db8::7\",\"port\":50112,\"method\":\"publickey\","
    "\"key\":" FP ",\"ca\":" FP ",\"serial\":\"18446744073709551615\","
    "\"key_id\":\"alice@example.com/9c1b\",\"tbs\":" FP
    ",\"signatures\":\"7\"}",
    /* A certificate may have no id and the serial 0, and is one. */
    "{\"what\":\"refused\",\"at\":" T1 ",\"source\":\"file\",\"ca\":" FP
    ",\"serial\":\"0\",\"key_id\":\"\",\"why\":\"revoked\"}",
    "{\"what\":\"end\",\"at\":" T1 ",\"source\":\"journal\","
    "\"account\":\"deploy\"}",
    "{\"what\":\"sudo\",\"at\":" T1 ",\"source\":\"journal\","
    "\"account\":\"deploy\",\"command\":\"/bin/sh -c \\\"it's\\\"\","
    "\"as\":\"root\",\"why\":\"not allowed\"}",
    "{\"what\":\"failed\",\"at\":" T1 ",\"until\":" T2
    ",\"count\":\"18446744073709551615\",\"source\":\"journal\"}",
};

static int
compare(void *ctx, const struct login_row *l)
{
	const struct hash report = fixture_hash(9);
	struct str s = STR_INIT;
	size_t *n = ctx;
	struct jw w;

	assert_int_equal(l->index, 77);
	assert_int_equal(l->number, *n);
	assert_string_equal(l->host, "web-1");
	assert_true(l->seq == UINT64_MAX);
	assert_int_equal(l->came, NOW + 9);
	assert_true(hash_equal(&l->report, &report));
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	login_event_write(&l->event, &w);
	jw_end(&w, '}');
	assert_string_equal(s.p, events[*n]);
	str_clear(&s);
	++*n;
	return 0;
}

static void
read_event(const char *text, struct login_event *out)
{
	json_t *o = NULL;
	struct err e = {0};

	if (json_read(slice_str(text), 4096, &o, &e) != 0 ||
	    login_event_read(o, out, &e) != 0)
		fail_msg("%s: %s", text, e.msg);
	json_decref(o);
}

static void
each_comes_back_as_it_was(void **state)
{
	const struct login_query q = {.what = ALL, .until = CLOCK_MAX};
	struct login_row l = {.index = 77,
	    .host = "web-1",
	    .seq = UINT64_MAX,
	    .came = NOW + 9,
	    .report = fixture_hash(9)};
	struct login_place last;
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < LEN(events); i++) {
		l.number = i;
		read_event(events[i], &l.event);
		put(&l);
		login_event_clear(&l.event);
	}
	assert_int_equal(query(&q, compare, &n, &last), 0);
	assert_int_equal(n, LEN(events));
	assert_int_equal(last.at, NOW);
	assert_int_equal(last.index, 77);
	assert_int_equal(last.number, 4);
	assert_string_equal(last.host, "web-1");
}

/* --- asked for ------------------------------------------------------------ */

struct seen {
	char text[512];
	unsigned most, n; /* to a page */
};

/* "a3.0 ": the host, and which of its reports' events. */
static int
see(void *ctx, const struct login_row *l)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	(void)snprintf(s->text + n, sizeof(s->text) - n, "%s%llu.%u ", l->host,
	    (unsigned long long)l->index, l->number);
	return ++s->n == s->most ? LOGINS_MORE : 0;
}

/* Not in their order: b's clock is behind, and a tells of one second in two
 * reports. */
static void
put_some(void)
{
	static const struct {
		const char *host;
		uint64_t index;
		unsigned number;
		int64_t at;
		enum login_what what;
		const char *account;
		uint8_t ca; /* 0: none */
		uint64_t serial;
	} some[] = {
	    {"a", 1, 0, 10, LOGIN_IN, "root", 1, 5},
	    {"a", 1, 1, 20, LOGIN_OUT, "root", 0, 0},
	    {"a", 3, 0, 20, LOGIN_IN, "deploy", 2, 5},
	    {"b", 2, 0, 5, LOGIN_IN, "root", 1, 6},
	    {"b", 2, 1, 20, LOGIN_SUDO, "root", 0, 0},
	    {"b", 2, 255, 20, LOGIN_FAILED, NULL, 0, 0},
	    {"c", 4, 0, 20, LOGIN_REFUSED, "root", 1, 5},
	};

	for (size_t i = 0; i < LEN(some); i++) {
		struct login_row l = {.index = some[i].index,
		    .number = some[i].number,
		    .host = some[i].host,
		    .report = fixture_hash(9),
		    .event = {.what = some[i].what, .at = some[i].at}};
		char account[16] = "", id[] = "id";

		if (some[i].account != NULL) {
			(void)snprintf(account, sizeof(account), "%s",
			    some[i].account);
			l.event.account = account;
		}
		l.event.has_cert = some[i].ca != 0;
		l.event.ca = fixture_hash(some[i].ca);
		l.event.serial = some[i].serial;
		l.event.key_id = id;
		put(&l);
		/* Once more is not one more. */
		put(&l);
	}
}

#define BIT(w) (1U << (w))
static const struct {
	const char *name;
	const char *host, *account;
	uint8_t ca;
	uint64_t serial; /* 0: not asked */
	unsigned what;
	int64_t since, until;
	const char *want;
} questions[] = {
    {"all", NULL, NULL, 0, 0, ALL, 0, CLOCK_MAX,
	"b2.0 a1.0 a1.1 a3.0 b2.1 b2.255 c4.0 "},
    {"a host", "a", NULL, 0, 0, ALL, 0, CLOCK_MAX, "a1.0 a1.1 a3.0 "},
    {"no host", "z", NULL, 0, 0, ALL, 0, CLOCK_MAX, ""},
    {"an account", NULL, "root", 0, 0, ALL, 0, CLOCK_MAX,
	"b2.0 a1.0 a1.1 b2.1 c4.0 "},
    {"an account of a host", "b", "root", 0, 0, ALL, 0, CLOCK_MAX,
	"b2.0 b2.1 "},
    {"a serial", NULL, NULL, 0, 5, ALL, 0, CLOCK_MAX, "a1.0 a3.0 c4.0 "},
    {"a certificate", NULL, NULL, 1, 5, ALL, 0, CLOCK_MAX, "a1.0 c4.0 "},
    {"a certificate on a host", "a", "root", 1, 5, ALL, 0, CLOCK_MAX, "a1.0 "},
    {"a CA", NULL, NULL, 1, 0, ALL, 0, CLOCK_MAX, "b2.0 a1.0 c4.0 "},
    {"one kind", NULL, NULL, 0, 0, BIT(LOGIN_IN), 0, CLOCK_MAX,
	"b2.0 a1.0 a3.0 "},
    {"two kinds", NULL, NULL, 0, 0, BIT(LOGIN_SUDO) | BIT(LOGIN_FAILED), 0,
	CLOCK_MAX, "b2.1 b2.255 "},
    {"from a time", NULL, NULL, 0, 0, ALL, 10, CLOCK_MAX,
	"a1.0 a1.1 a3.0 b2.1 b2.255 c4.0 "},
    {"from the second after", NULL, NULL, 0, 0, ALL, 11, CLOCK_MAX,
	"a1.1 a3.0 b2.1 b2.255 c4.0 "},
    {"to a time", NULL, NULL, 0, 0, ALL, 0, 10, "b2.0 a1.0 "},
    {"to the second before", NULL, NULL, 0, 0, ALL, 0, 9, "b2.0 "},
    {"one second of a host", "a", NULL, 0, 0, ALL, 20, 20, "a1.1 a3.0 "},
};

static void
answers_are_the_same_in_any_pages(void **state)
{
	(void)state;
	put_some();
	for (size_t i = 0; i < LEN(questions); i++)
		for (unsigned most = 1; most <= 8; most++) {
			struct login_query q = {.host = questions[i].host,
			    .account = questions[i].account,
			    .has_ca = questions[i].ca != 0,
			    .ca = fixture_hash(questions[i].ca),
			    .has_serial = questions[i].serial != 0,
			    .serial = questions[i].serial,
			    .what = questions[i].what,
			    .since = questions[i].since,
			    .until = questions[i].until};
			struct seen s = {.most = most};
			char text[LOGIN_PLACE_MAX];
			struct login_place last;

			while (query(&q, see, &s, &last) == LOGINS_MORE) {
				assert_int_equal(s.n, most);
				s.n = 0;
				login_place_format(&last, text);
				assert_int_equal(login_place_parse(text,
						     &q.after),
				    0);
				q.has_after = true;
			}
			if (strcmp(s.text, questions[i].want) != 0)
				fail_msg("%s, pages of %u: '%s'",
				    questions[i].name, most, s.text);
		}
}

static int
count_it(void *ctx, const struct login_row *l)
{
	unsigned *n = ctx;

	(void)l;
	++*n;
	return 0;
}

static void
no_question_looks_at_everything_at_once(void **state)
{
	struct login_query q = {
	    .what = BIT(LOGIN_SUDO), .until = CLOCK_MAX, .host = "web-1"};
	struct login_row l = {.host = "web-1", .report = fixture_hash(9)};
	struct login_place last;
	unsigned n = 0;

	(void)state;
	assert_int_equal(rows_begin(rows, NULL), 0);
	for (unsigned i = 0; i <= LOGINS_LOOK_MAX; i++) {
		l.index = i;
		l.event.at = i;
		l.event.what = i == LOGINS_LOOK_MAX ? LOGIN_SUDO : LOGIN_OUT;
		put(&l);
	}
	assert_int_equal(rows_commit(rows, LOGINS_LOOK_MAX, NULL), 0);
	assert_int_equal(query(&q, count_it, &n, &last), LOGINS_MORE);
	assert_int_equal(n, 0);
	assert_int_equal(last.at, LOGINS_LOOK_MAX - 1);
	q.after = last;
	q.has_after = true;
	assert_int_equal(query(&q, count_it, &n, &last), 0);
	assert_int_equal(n, 1);
}

static void
what_is_not_committed_is_not_counted(void **state)
{
	const struct login_query q = {.what = ALL, .until = CLOCK_MAX};
	struct login_row l = {.host = "web-1", .report = fixture_hash(9)};
	struct login_place last;
	unsigned n = 0;

	(void)state;
	assert_int_equal(rows_begin(rows, NULL), 0);
	put(&l);
	rows_rollback(rows);
	assert_int_equal(query(&q, count_it, &n, &last), 0);
	assert_int_equal(n, 0);
}

static void
no_leaf_is_too_far_in_silence(void **state)
{
	struct login_row l = {.host = "web-1", .report = fixture_hash(9)};

	(void)state;
	l.index = (uint64_t)INT64_MAX / 256;
	put(&l);
	l.index++;
	assert_int_equal(rows_put_login(rows, &l, NULL), ERR_LIMIT);
	l.index = 0;
	l.number = 256;
	assert_int_equal(rows_put_login(rows, &l, NULL), ERR_LIMIT);
}

/* --- places --------------------------------------------------------------- */

static void
places_are_read_as_they_are_written(void **state)
{
	static const char *const good[] = {
	    "0/0/0/a", "253402300799/36028797018963967/255/web-1.example.com"};
	static const char *const bad[] = {"", "/", "0/0/0", "0/0/0/",
	    "0/0/0/a/b", "0/0/0/A", "0/0/0/a ", " 0/0/0/a", "+1/0/0/a",
	    "-1/0/0/a", "0x1/0/0/a", "01/0/0/a", "253402300800/0/0/a",
	    "0/36028797018963968/0/a", "0/0/256/a", "//0/a",
	    "0/99999999999999999999999999/0/a"};
	char text[LOGIN_PLACE_MAX];
	struct login_place p;

	(void)state;
	for (size_t i = 0; i < LEN(good); i++) {
		assert_int_equal(login_place_parse(good[i], &p), 0);
		login_place_format(&p, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < LEN(bad); i++)
		if (login_place_parse(bad[i], &p) != ERR_PARSE)
			fail_msg("'%s' was taken", bad[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_comes_back_as_it_was),
	    T(answers_are_the_same_in_any_pages),
	    T(no_question_looks_at_everything_at_once),
	    T(what_is_not_committed_is_not_counted),
	    T(no_leaf_is_too_far_in_silence),
	    cmocka_unit_test(places_are_read_as_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
