/* SPDX-License-Identifier: ISC */
#include "lib/proc/plog.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Standard error is a file while a test runs. */
static int real_err = -1, log_fd = -1;

static int
setup(void **state)
{
	char path[] = "/tmp/writ-plog-XXXXXX";

	(void)state;
	real_err = dup(STDERR_FILENO);
	log_fd = mkstemp(path);
	if (real_err == -1 || log_fd == -1 || unlink(path) != 0 ||
	    dup2(log_fd, STDERR_FILENO) == -1)
		return -1;
	unsetenv("JOURNAL_STREAM");
	plog_init("writ-ca-test", PLOG_INFO);
	plog_json(false);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (dup2(real_err, STDERR_FILENO) == -1)
		return -1;
	close(real_err);
	close(log_fd);
	return 0;
}

/* What was logged since the last call, as text. */
static const char *
logged(void)
{
	static char text[16384];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(ftruncate(log_fd, 0), 0);
	assert_int_equal(lseek(log_fd, 0, SEEK_SET), 0);
	return text;
}

/* Behind the time, which must be one. */
static const char *
logged_after_time(void)
{
	const char *text = logged();
	char when[CLOCK_TEXT];
	int64_t t;

	assert_true(strlen(text) > CLOCK_TEXT);
	memcpy(when, text, CLOCK_TEXT - 1);
	when[CLOCK_TEXT - 1] = '\0';
	assert_int_equal(clock_parse(when, &t), 0);
	assert_int_equal(text[CLOCK_TEXT - 1], ' ');
	return text + CLOCK_TEXT;
}

static void
values_are_quoted_where_they_must_be(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
	    {"7", "7"},
	    {"alice@example.com", "alice@example.com"},
	    {"SHA256:a+b/c", "SHA256:a+b/c"},
	    {"", "\"\""},
	    {"two words", "\"two words\""},
	    {"a=b", "\"a=b\""},
	    {"say \"no\"", "\"say \\\"no\\\"\""},
	    {"back\\slash", "\"back\\\\slash\""},
	    {"line\nline", "\"line\\x0aline\""},
	    {"\x1b[2J", "\"\\x1b[2J\""},
	    {"bad \xff utf", "\"bad \\xff utf\""},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    {"\xe2\x80\xae"
	     "evil",
		"\"\\xe2\\x80\\xaeevil\""},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char want[256];

		plog(PLOG_INFO, "it happened", "n", "1", "value",
		    cases[i].value, NULL);
		snprintf(want, sizeof(want),
		    "writ-ca-test: it happened n=1 value=%s\n", cases[i].want);
		assert_string_equal(logged_after_time(), want);
	}
}

static void
a_failure_comes_with_its_sentence_and_hint(void **state)
{
	struct err e = {0};

	(void)state;
	err_set(&e, ERR_NET, "nobody listens");
	plog_err(PLOG_ERR, &e, "cannot reach the signer", "tries", "3", NULL);
	assert_string_equal(logged_after_time(),
	    "writ-ca-test: cannot reach the signer tries=3 "
	    "error=\"nobody listens\"\n");
	err_hint(&e, "start it");
	plog_err(PLOG_ERR, &e, "failed", NULL);
	assert_string_equal(logged_after_time(),
	    "writ-ca-test: failed error=\"nobody listens\" "
	    "hint=\"start it\"\n");
	e = (struct err){.code = ERR_NOMEM};
	plog_err(PLOG_ERR, &e, "failed", NULL);
	assert_string_equal(logged_after_time(),
	    "writ-ca-test: failed error=\"out of memory\"\n");
}

static void
levels_above_the_most_are_left_out(void **state)
{
	(void)state;
	plog(PLOG_DEBUG, "detail", NULL);
	assert_string_equal(logged(), "");
	plog_init("writ-ca-test", PLOG_DEBUG);
	plog(PLOG_DEBUG, "detail", NULL);
	assert_string_equal(logged_after_time(), "writ-ca-test: detail\n");
	plog_init("writ-ca-test", PLOG_ERR);
	plog(PLOG_WARN, "careful", NULL);
	assert_string_equal(logged(), "");
}

static void
the_journal_gets_the_level_in_place_of_the_time(void **state)
{
	char said[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(said, sizeof(said), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", said, 1);
	plog_init("writ-ca-test", PLOG_INFO);
	plog(PLOG_WARN, "careful", "a", "b", NULL);
	assert_string_equal(logged(), "<4>writ-ca-test: careful a=b\n");
	/* Somebody redirected it: the variable alone says nothing. */
	setenv("JOURNAL_STREAM", "1:2", 1);
	plog_init("writ-ca-test", PLOG_INFO);
	plog(PLOG_WARN, "careful", NULL);
	assert_string_equal(logged_after_time(), "writ-ca-test: careful\n");
	unsetenv("JOURNAL_STREAM");
}

static void
an_object_a_line_survives_any_value(void **state)
{
	json_t *o = NULL;
	struct err e = {0};
	const char *text;
	int64_t t;
	static const struct {
		const char *key, *want;
	} cases[] = {
	    {"level", "warning"},
	    {"process", "writ-ca-test"},
	    {"msg", "careful"},
	    {"plain", "two words"},
	    {"quote", "\"\\"},
	    {"odd", "\\xff\\x0a\\xe2\\x80\\xae"},
	    {"error", "it broke"},
	};

	(void)state;
	plog_json(true);
	err_set(&e, ERR_SYS, "it broke");
	plog_err(PLOG_WARN, &e, "careful", "plain", "two words", "quote",
	    "\"\\", "odd", "\xff\n\xe2\x80\xae", NULL);
	text = logged();
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
	assert_int_equal(json_read(slice_of(text, strlen(text)), 4096, &o, &e),
	    0);
	assert_int_equal(json_time(o, "time", 0, &t, &e), 0);
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *v = NULL;

		assert_int_equal(json_str(o, cases[i].key, 0, 100, &v, &e), 0);
		assert_string_equal(v, cases[i].want);
	}
	json_decref(o);
}

static void
a_long_value_is_cut(void **state)
{
	char *v = calloc(1, 100001);
	const char *text;

	(void)state;
	assert_non_null(v);
	memset(v, 'x', 100000);
	plog(PLOG_INFO, "long", "v", v, NULL);
	text = logged_after_time();
	assert_int_equal(strlen(text),
	    strlen("writ-ca-test: long v=") + 1024 + strlen("...\n"));
	assert_non_null(strstr(text, "xxx...\n"));
	free(v);
}

static void
without_memory_the_phrase_is_still_said(void **state)
{
	(void)state;
	for (int json = 0; json < 2; json++) {
		plog_json(json == 1);
		alloc_fail_nth(1);
		plog(PLOG_ERR, "out of it", "k", "v", NULL);
		assert_true(alloc_failed());
		alloc_fail_nth(0);
		assert_string_equal(logged(), "<3>writ-ca-test: out of it\n");
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Lines that are held come in their order, and none twice. */
static void
held_until_flushed(void **state)
{
	const char *text;

	(void)state;
	plog_hold(true);
	plog(PLOG_INFO, "one", NULL);
	plog(PLOG_INFO, "two", NULL);
	assert_string_equal(logged(), "");
	plog_flush();
	text = strstr(logged_after_time(), "one\n");
	assert_non_null(text);
	assert_non_null(strstr(text, "two\n"));
	plog_flush();
	assert_string_equal(logged(), "");
	plog(PLOG_INFO, "three", NULL);
	plog(PLOG_WARN, "four", NULL);
	text = strstr(logged_after_time(), "three\n");
	assert_non_null(text);
	assert_non_null(strstr(text, "four\n"));
	plog(PLOG_INFO, "five", NULL);
	plog_hold(false);
	assert_non_null(strstr(logged_after_time(), "five\n"));
	plog(PLOG_INFO, "six", NULL);
	assert_non_null(strstr(logged_after_time(), "six\n"));
}

/* However much is held, each line is there once and whole. */
static void
held_up_to_a_limit(void **state)
{
	char value[1000], want[16];
	const char *text;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	plog_hold(true);
	for (int i = 0; i < 9; i++) {
		snprintf(want, sizeof(want), "line %d", i);
		plog(PLOG_INFO, want, "v", value, NULL);
	}
	text = logged();
	assert_true(strlen(text) > 4000 && strlen(text) < 9000);
	for (int i = 0; i < 4; i++) {
		snprintf(want, sizeof(want), "line %d v=v", i);
		assert_non_null(text = strstr(text, want));
	}
	plog_hold(false);
	assert_non_null(strstr(logged(), "line 8 v=v"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(held_until_flushed),
	    TEST(held_up_to_a_limit),
	    TEST(values_are_quoted_where_they_must_be),
	    TEST(a_failure_comes_with_its_sentence_and_hint),
	    TEST(levels_above_the_most_are_left_out),
	    TEST(the_journal_gets_the_level_in_place_of_the_time),
	    TEST(an_object_a_line_survives_any_value),
	    TEST(a_long_value_is_cut),
	    TEST(without_memory_the_phrase_is_still_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
