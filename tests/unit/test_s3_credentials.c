/* SPDX-License-Identifier: ISC */
/* S3 credentials: environment, file, program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/blob/s3_credentials.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"
#include "tests/unit/tmpdir.h"

static void
assert_cred(const struct s3_cred *c, const char *id, const char *secret,
    const char *token)
{
	assert_string_equal(c->id, id);
	assert_string_equal(c->secret, secret);
	if (token == NULL)
		assert_null(c->token);
	else
		assert_string_equal(c->token, token);
}

static int
no_env(void **state)
{
	(void)state;
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	unsetenv("AWS_SESSION_TOKEN");
	return 0;
}

static void
the_environment_gives_key_secret_and_token(void **state)
{
	struct s3_cred c = {0};

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ID", 1);
	assert_int_equal(s3_cred_load(NULL, &c, NULL), ERR_NOTFOUND);
	setenv("AWS_SECRET_ACCESS_KEY", "se+cret/", 1);
	assert_int_equal(s3_cred_load(NULL, &c, NULL), 0);
	assert_cred(&c, "ID", "se+cret/", NULL);
	s3_cred_clear(&c);
	setenv("AWS_SESSION_TOKEN", "", 1);
	assert_int_equal(s3_cred_load("env", &c, NULL), 0);
	assert_cred(&c, "ID", "se+cret/", NULL);
	s3_cred_clear(&c);
	setenv("AWS_SESSION_TOKEN", "token==", 1);
	assert_int_equal(s3_cred_load("env", &c, NULL), 0);
	assert_cred(&c, "ID", "se+cret/", "token==");
	s3_cred_clear(&c);
	assert_null(c.secret);
}

static void
bytes_that_would_break_a_header_are_refused_unshown(void **state)
{
	static const char *const bad[] = {
	    "a\nb", "a b", "a\r", "\x7f", "caf\xc3\xa9"};
	struct s3_cred c = {0};

	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = {0};

		setenv("AWS_SESSION_TOKEN", bad[i], 1);
		assert_int_equal(s3_cred_load("env", &c, &e), ERR_PARSE);
		assert_null(strstr(e.msg, bad[i]));
		assert_non_null(strstr(e.msg, "session token"));
	}
	assert_null(c.id);
}

static const char file[] = "# comment\n"
			   "[default]\n"
			   "aws_access_key_id = DEF\n"
			   "aws_secret_access_key=one=two\n"
			   "region = eu-west-1\r\n"
			   "\n"
			   " [ writ ] \n"
			   "aws_secret_access_key = s2\r\n"
			   "aws_access_key_id = A2\n"
			   "aws_session_token = T2\n"
			   "; more\n"
			   "[half]\n"
			   "aws_access_key_id = A3\n"
			   "[twice]\n"
			   "aws_access_key_id = A4\n"
			   "aws_access_key_id = A5\n";

static void
a_profile_of_a_file_is_read(void **state)
{
	struct s3_cred c = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(s3_cred_parse_file(slice_str(file), "default", "f", &c,
			     &e),
	    0);
	assert_cred(&c, "DEF", "one=two", NULL);
	s3_cred_clear(&c);
	assert_int_equal(s3_cred_parse_file(slice_str(file), "writ", "f", &c,
			     &e),
	    0);
	assert_cred(&c, "A2", "s2", "T2");
	s3_cred_clear(&c);
	assert_int_equal(s3_cred_parse_file(slice_str(file), "half", "f", &c,
			     &e),
	    ERR_NOTFOUND);
	assert_int_equal(s3_cred_parse_file(slice_str(file), "none", "f", &c,
			     &e),
	    ERR_NOTFOUND);
	assert_string_equal(e.msg, "f has no profile 'none'");
	assert_int_equal(s3_cred_parse_file(slice_str(file), "twice", "f", &c,
			     &e),
	    ERR_PARSE);
	assert_non_null(strstr(e.msg, "f:16: "));
	assert_int_equal(s3_cred_parse_file(slice_str("[default]\nwhat\n"),
			     "default", "f", &c, &e),
	    ERR_PARSE);
	assert_non_null(strstr(e.msg, "f:2: "));
	assert_int_equal(s3_cred_parse_file(slice_str("[default\n"), "default",
			     "f", &c, &e),
	    ERR_PARSE);
	assert_null(c.id);
}

static void
survive(const uint8_t *p, size_t n, void *arg)
{
	struct s3_cred c = {0};

	(void)arg;
	if (s3_cred_parse_file(slice_of(p, n), "writ", "f", &c, NULL) == 0)
		assert_non_null(c.secret);
	else
		assert_null(c.secret);
	s3_cred_clear(&c);
}

static void
every_near_miss_of_a_file_is_survived(void **state)
{
	(void)state;
	assert_true(mutate_each(file, sizeof(file) - 1, survive, NULL) > 0);
}

static void
the_answer_of_a_program_is_json(void **state)
{
	static const struct {
		const char *in;
		int want;
	} bad[] = {
	    {"", ERR_PARSE},
	    {"[]", ERR_PARSE},
	    {"{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}",
		ERR_LIMIT},
	    {"{\"Version\":1,\"AccessKeyId\":\"A\"}", ERR_PARSE},
	    {"{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
	     "\"Expiration\":\"soon\"}",
		ERR_PARSE},
	    {"{\"Version\":1,\"AccessKeyId\":\"A b\","
	     "\"SecretAccessKey\":\"s\"}",
		ERR_PARSE},
	};
	struct s3_cred c = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(
	    s3_cred_parse_json(
		slice_str("{\"Version\":1,\"AccessKeyId\":\"A\","
			  "\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\","
			  "\"Expiration\":\"2026-11-23T03:00:00+01:00\","
			  "\"AccountId\":\"123\"}\n"),
		&c, &e),
	    0);
	assert_cred(&c, "A", "s", "t");
	assert_int_equal(c.expires, 1795399200);
	s3_cred_clear(&c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int r = s3_cred_parse_json(slice_str(bad[i].in), &c, &e);

		if (r != bad[i].want)
			fail_msg("%s: %d", bad[i].in, r);
	}
	assert_null(c.id);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
a_file_and_a_program_are_found_by_their_words(void **state)
{
	char dir[TMPDIR_MAX], path[TMPDIR_MAX + 16], spec[128];
	struct s3_cred c = {0};
	struct err e = {0};

	(void)state;
	tmpdir_make(dir, "cred");
	snprintf(path, sizeof(path), "%s/f", dir);
	write_file(path, file, 0600);
	snprintf(spec, sizeof(spec), "file:%s", path);
	assert_int_equal(s3_cred_load(spec, &c, &e), 0);
	assert_cred(&c, "DEF", "one=two", NULL);
	s3_cred_clear(&c);
	snprintf(spec, sizeof(spec), "file:%s#writ", path);
	assert_int_equal(s3_cred_load(spec, &c, &e), 0);
	assert_cred(&c, "A2", "s2", "T2");
	s3_cred_clear(&c);
	write_file(path,
	    "#!/bin/sh\n[ $# -eq 2 ] || exit 7\n"
	    "printf '{\"Version\":1,\"AccessKeyId\":\"%s\","
	    "\"SecretAccessKey\":\"%s\"}' \"$1\" \"$2\"\n",
	    0700);
	snprintf(spec, sizeof(spec), "process:%s  $HOME\t;id", path);
	if (s3_cred_load(spec, &c, &e) != 0)
		fail_msg("%s", e.msg);
	assert_cred(&c, "$HOME", ";id", NULL);
	s3_cred_clear(&c);
	snprintf(spec, sizeof(spec), "process:%s one", path);
	assert_int_equal(s3_cred_load(spec, &c, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "failed with status 7"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(s3_cred_load(spec, &c, &e), ERR_NOTFOUND);
	assert_int_equal(rmdir(dir), 0);
	assert_null(c.id);
}

static void
other_words_are_refused(void **state)
{
	static const char *const bad[] = {
	    "", "file:", "process:", "process: ", "ENV", "vault"};
	struct s3_cred c = {0};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (s3_cred_load(bad[i], &c, &e) != ERR_PARSE)
			fail_msg("taken: %s", bad[i]);
}

static void
equal_means_all_three(void **state)
{
	char a[] = "a", b[] = "b";
	struct s3_cred x = {.id = a, .secret = a}, y = x;

	(void)state;
	assert_true(s3_cred_equal(&x, &y));
	y.token = a;
	assert_false(s3_cred_equal(&x, &y));
	x.token = b;
	assert_false(s3_cred_equal(&x, &y));
	x.token = a;
	assert_true(s3_cred_equal(&x, &y));
	x.secret = b;
	assert_false(s3_cred_equal(&x, &y));
}

static int
parse_once(void *arg)
{
	struct s3_cred c = {0};
	int r;

	(void)arg;
	r = s3_cred_parse_file(slice_str(file), "writ", "f", &c, NULL);
	s3_cred_clear(&c);
	return r;
}

static void
memory_that_runs_out_is_told(void **state)
{
	(void)state;
	assert_true(alloc_each(parse_once, NULL) >= 3);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(the_environment_gives_key_secret_and_token,
		no_env),
	    cmocka_unit_test_setup(
		bytes_that_would_break_a_header_are_refused_unshown, no_env),
	    cmocka_unit_test(a_profile_of_a_file_is_read),
	    cmocka_unit_test(every_near_miss_of_a_file_is_survived),
	    cmocka_unit_test(the_answer_of_a_program_is_json),
	    cmocka_unit_test(a_file_and_a_program_are_found_by_their_words),
	    cmocka_unit_test(other_words_are_refused),
	    cmocka_unit_test(equal_means_all_three),
	    cmocka_unit_test(memory_that_runs_out_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
