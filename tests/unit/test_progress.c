/* SPDX-License-Identifier: ISC */
/* How a job goes: news of hosts, the lines, the exit status, JSON and JUnit. */
#include "agent/client/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/cli/cli.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define DIFF                               \
	"0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"

static struct targets targets;
static struct progress progress;
static struct err err;

static int
setup(void **state)
{
	static const char text[] = "1 web-1\n2 web-2\n2 web-3\n";

	(void)state;
	err = (struct err){0};
	return targets_parse(slice_str(text), &targets, &err) != 0 ||
	    progress_new(&progress, &targets, true) != 0;
}

static int
teardown(void **state)
{
	(void)state;
	progress_clear(&progress);
	targets_clear(&targets);
	return 0;
}

/* The line, or NULL where it was refused. */
static char *
news(const char *text)
{
	struct str s = STR_INIT;
	json_t *o = NULL;
	char *out = NULL;

	assert_int_equal(json_read(slice_str(text), 65536, &o, &err), 0);
	if (progress_news(&progress, o, &s, &err) == 0)
		assert_int_equal(str_take(&s, &out), 0);
	str_clear(&s);
	json_decref(o);
	return out;
}

static void
expect(const char *text, const char *want)
{
	char *got = news(text);

	if (got == NULL)
		fail_msg("%s: %s", text, err.msg);
	assert_string_equal(got, want);
	free(got);
}

static void
finish(const char *outcome)
{
	struct str s = STR_INIT;
	json_t *o = NULL;

	str_addf(&s, "{\"outcome\":\"%s\"}", outcome);
	assert_int_equal(json_read(slice_str(s.p), 100, &o, &err), 0);
	assert_int_equal(progress_finish(&progress, o, &err), 0);
	json_decref(o);
	str_clear(&s);
}

static void
each_host_is_a_line(void **state)
{
	(void)state;
	expect("{\"host\":\"web-1\",\"batch\":1,\"outcome\":\"changed\","
	       "\"changes\":[{\"state\":\"sshd\",\"kind\":\"sshd_config\","
	       "\"result\":\"done\",\"diff\":\"" DIFF "\"},"
	       "{\"state\":\"jail\",\"kind\":\"fail2ban\",\"result\":"
	       "\"failed\"}]}",
	    " 1/3  web-1  changed: sshd, jail (failed)");
	expect("{\"host\":\"web-3\",\"outcome\":\"undone\",\"message\":"
	       "\"nobody confirmed\"}",
	    " 2/3  web-3  undone; nobody confirmed");
	expect("{\"host\":\"web-9\",\"outcome\":\"changed\"}",
	    "(news of 'web-9', which the job is not for)");
	expect("{\"host\":\"web-2\",\"outcome\":\"unchanged\",\"changes\":[]}",
	    " 3/3  web-2  unchanged");
}

/* Of a reconnect, for one. */
static void
what_is_known_is_not_said_again(void **state)
{
	static const char first[] =
	    "{\"host\":\"web-1\",\"outcome\":\"changed\"}";

	(void)state;
	expect(first, " 1/3  web-1  changed");
	expect(first, "");
	expect("{\"host\":\"web-1\",\"outcome\":\"undone\"}",
	    " 1/3  web-1  undone");
	assert_int_equal(progress.n_said, 1);
}

static void
many_changes_are_counted(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	str_add(&s,
	    "{\"host\":\"web-1\",\"outcome\":\"changed\",\"more\":\"3\","
	    "\"changes\":[");
	for (int i = 0; i < 8; i++)
		str_addf(&s,
		    "%s{\"state\":\"s%d\",\"kind\":\"k\",\"result\":\"done\"}",
		    i > 0 ? "," : "", i);
	str_add(&s, "]}");
	expect(s.p, " 1/3  web-1  changed: s0, s1, s2, s3, s4, s5 and 5 more");
	str_clear(&s);
}

static void
in_test_it_would(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	progress.enforce = false;
	expect("{\"host\":\"web-1\",\"outcome\":\"changed\"}",
	    " 1/3  web-1  would change");
	progress_summary(&progress, &s);
	assert_string_equal(s.p, "3 hosts: 1 would change, 2 not heard of");
	str_clear(&s);
}

static void
what_is_no_news_is_refused(void **state)
{
	static const struct {
		const char *text, *word;
	} cases[] = {
	    {"{\"outcome\":\"changed\"}", "'host'"},
	    {"{\"host\":\"web-1\"}", "'outcome'"},
	    {"{\"host\":\"web-1\",\"outcome\":\"splendid\"}", "splendid"},
	    {"{\"host\":\"web-1\",\"outcome\":\"changed\",\"message\":"
	     "\"\\u001b[2J\"}",
		"'message'"},
	    {"{\"host\":\"web-1\",\"outcome\":\"changed\",\"changes\":[1]}",
		"'changes'"},
	    {"{\"host\":\"web-1\",\"outcome\":\"changed\",\"changes\":[{"
	     "\"state\":\"a\",\"kind\":\"b\",\"result\":\"maybe\"}]}",
		"maybe"},
	    {"{\"host\":\"web-1\",\"outcome\":\"changed\",\"changes\":[{"
	     "\"state\":\"a\",\"kind\":\"b\",\"result\":\"done\",\"diff\":"
	     "\"12\"}]}",
		"'diff'"},
	};

	(void)state;
	expect("{\"host\":\"web-1\",\"outcome\":\"failed\"}",
	    " 1/3  web-1  failed");
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_null(news(cases[i].text));
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, cases[i].word));
	}
	/* And what was known stays. */
	assert_int_equal(progress.n_said, 1);
	assert_int_equal(progress.v[0].outcome, RUN_FAILED);
}

/* --- how it went ---------------------------------------------------------- */

static void
the_exit_status_is_that_of_the_worst(void **state)
{
	static const struct {
		const char *outcomes[3], *end;
		int want;
	} cases[] = {
	    {{"changed", "unchanged", "changed"}, "done", 0},
	    {{"changed", "unchanged", NULL}, "done", EXIT_WAITING},
	    {{"changed", "unchanged", NULL}, "expired", EXIT_WAITING},
	    {{"changed", "failed", "changed"}, "done", EXIT_REFUSED},
	    {{"undone", NULL, NULL}, "stopped", EXIT_REFUSED},
	    {{"refused", "unchanged", "unchanged"}, "done", EXIT_REFUSED},
	    {{NULL, NULL, NULL}, "stopped", EXIT_REFUSED},
	    {{NULL, NULL, NULL}, "expired", EXIT_WAITING},
	};
	static const char *const ids[] = {"web-1", "web-2", "web-3"};

	for (size_t i = 0; i < LEN(cases); i++) {
		teardown(state);
		assert_int_equal(setup(state), 0);
		for (size_t k = 0; k < 3; k++) {
			struct str s = STR_INIT;

			if (cases[i].outcomes[k] == NULL)
				continue;
			str_addf(&s, "{\"host\":\"%s\",\"outcome\":\"%s\"}",
			    ids[k], cases[i].outcomes[k]);
			free(news(s.p));
			str_clear(&s);
		}
		finish(cases[i].end);
		print_message("%zu\n", i);
		assert_int_equal(progress_status(&progress), cases[i].want);
	}
}

static void
tell_a_job(void)
{
	free(news("{\"host\":\"web-1\",\"outcome\":\"changed\",\"changes\":[{"
		  "\"state\":\"sshd\",\"kind\":\"sshd_config\",\"result\":"
		  "\"done\",\"diff\":\"" DIFF "\"}]}"));
	free(news("{\"host\":\"web-2\",\"outcome\":\"undone\",\"message\":"
		  "\"<no> \\\"way\\\" & back\",\"more\":\"2\"}"));
	finish("stopped");
}

static void
junit_is_a_case_a_host(void **state)
{
	struct str s = STR_INIT;
	struct hash name;

	(void)state;
	tell_a_job();
	assert_int_equal(hex_decode(DIFF, strlen(DIFF), name.b, HASH_LEN), 0);
	progress_junit(&progress, &name, 4, &s);
	assert_string_equal(s.p,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuites tests=\"3\" failures=\"1\">\n"
	    "  <testsuite name=\"fleet 4, enforce\" id=\"" DIFF
	    "\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\">\n"
	    "    <testcase classname=\"batch 1\" name=\"web-1\">\n"
	    "      <system-out>changed\n"
	    "sshd (sshd_config): done\n"
	    "</system-out>\n"
	    "    </testcase>\n"
	    "    <testcase classname=\"batch 2\" name=\"web-2\">\n"
	    "      <failure type=\"undone\" message=\"&lt;no&gt; "
	    "&quot;way&quot; &amp; back\">and 2 more\n"
	    "</failure>\n"
	    "    </testcase>\n"
	    "    <testcase classname=\"batch 2\" name=\"web-3\">\n"
	    "      <skipped message=\"not heard of\"/>\n"
	    "    </testcase>\n"
	    "  </testsuite>\n"
	    "</testsuites>\n");
	str_clear(&s);
}

static void
json_has_every_host(void **state)
{
	const json_t *hosts, *counts;
	struct str s = STR_INIT;
	struct hash name;
	json_t *o = NULL;

	(void)state;
	tell_a_job();
	assert_int_equal(hex_decode(DIFF, strlen(DIFF), name.b, HASH_LEN), 0);
	progress_json(&progress, &name, 4, &s);
	assert_int_equal(json_read(slice_of(s.p, s.n), 65536, &o, &err), 0);
	hosts = json_object_get(o, "hosts");
	counts = json_object_get(o, "counts");
	assert_int_equal(json_array_size(hosts), 3);
	assert_string_equal(json_string_value(json_object_get(o, "outcome")),
	    "stopped");
	assert_string_equal(json_string_value(json_object_get(o, "job")), DIFF);
	assert_int_equal(json_integer_value(json_object_get(counts, "undone")),
	    1);
	assert_int_equal(json_integer_value(json_object_get(counts, "silent")),
	    1);
	assert_null(json_object_get(json_array_get(hosts, 2), "outcome"));
	assert_string_equal(
	    json_string_value(json_object_get(
		json_array_get(json_object_get(json_array_get(hosts, 0),
				   "changes"),
		    0),
		"diff")),
	    DIFF);
	json_decref(o);
	str_clear(&s);
}

/* --- whatever comes ------------------------------------------------------- */

static const char whole[] =
    "{\"host\":\"web-1\",\"outcome\":\"changed\",\"message\":\"m\",\"more\":"
    "\"1\",\"changes\":[{\"state\":\"s\",\"kind\":\"k\",\"result\":\"done\","
    "\"diff\":\"" DIFF "\"}]}";

static void
try_bytes(const uint8_t *p, size_t n, void *arg)
{
	struct str s = STR_INIT;
	json_t *o = NULL;
	int r;

	(void)arg;
	if (json_read(slice_of(p, n), 65536, &o, NULL) == 0) {
		r = progress_news(&progress, o, &s, NULL);
		if (r != 0 && r != ERR_PARSE && r != ERR_LIMIT)
			fail_msg("%s: %d", mutate_what(), r);
		if (r == 0)
			assert_true(text_is_clean(s.p, s.n, NULL));
	}
	json_decref(o);
	str_clear(&s);
}

static void
no_bit_of_it_does_harm(void **state)
{
	(void)state;
	mutate_each(whole, strlen(whole), try_bytes, NULL);
}

static int
try_once(void *arg)
{
	struct progress p;
	struct str s = STR_INIT;
	int r;

	if ((r = progress_new(&p, &targets, true)) != 0)
		return r;
	if ((r = progress_news(&p, arg, &s, NULL)) == 0) {
		progress_junit(&p, &(struct hash){0}, 1, &s);
		progress_json(&p, &(struct hash){0}, 1, &s);
		r = str_check(&s);
	}
	str_clear(&s);
	progress_clear(&p);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	json_t *o = NULL;

	(void)state;
	assert_int_equal(json_read(slice_str(whole), 65536, &o, &err), 0);
	assert_true(alloc_each(try_once, o) >= 6);
	json_decref(o);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(each_host_is_a_line),
	    T(what_is_known_is_not_said_again),
	    T(many_changes_are_counted),
	    T(in_test_it_would),
	    T(what_is_no_news_is_refused),
	    T(the_exit_status_is_that_of_the_worst),
	    T(junit_is_a_case_a_host),
	    T(json_has_every_host),
	    T(no_bit_of_it_does_harm),
	    T(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
