/* SPDX-License-Identifier: ISC */
/* The link with a script in the place of ssh, which sends what a test wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/net/link.h"
#include "lib/net/wire.h"
#include "tests/unit/env.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshtool.h"

static struct err err;
static struct buf *frames;
static char *old_path;

/* It says what is in `answer`, once it is asked, complains as in `said`, and ends
 * as in `status`; `stay` keeps it until its standard input ends. */
static const char script[] = "#!/bin/sh\n"
			     "d=${0%/*}\n"
			     "printf '%s\\n' \"$@\" >$d/argv\n"
			     "env >$d/env\n"
			     "[ -s $d/answer ] && head -c 1 >/dev/null\n"
			     "cat $d/answer\n"
			     "cat $d/said >&2\n"
			     "[ -e $d/stay ] && cat >/dev/null\n"
			     "exit $(cat $d/status)\n";

static int
group_setup(void **state)
{
	struct str path = STR_INIT;

	if (sshtool_setup(state) != 0)
		return 1;
	sshtool_write("ssh", script, strlen(script));
	if (chmod(sshtool_path("ssh"), 0700) != 0)
		return 1;
	old_path = env_copy("PATH");
	str_addf(&path, "%s:%s", sshtool_path("."), old_path);
	setenv("PATH", path.p, 1);
	str_clear(&path);
	return 0;
}

static int
group_teardown(void **state)
{
	setenv("PATH", old_path, 1);
	free(old_path);
	return sshtool_teardown(state);
}

static int
setup(void **state)
{
	(void)state;
	err = (struct err){0};
	sshtool_write("answer", "", 0);
	sshtool_write("said", "", 0);
	sshtool_write("status", "0", 1);
	(void)unlink(sshtool_path("stay"));
	return buf_new(&frames, 64 * 1024);
}

static int
teardown(void **state)
{
	(void)state;
	buf_free(frames);
	frames = NULL;
	return 0;
}

static void
add(uint32_t id, bool last, uint8_t status, const char *body)
{
	struct wire_frame f = {
	    .id = id, .last = last, .status = status, .body = slice_str(body)};

	assert_int_equal(wire_put(frames, WIRE_ANSWER, &f), 0);
	sshtool_write("answer", buf_slice(frames).p, buf_len(frames));
}

static struct link *
open_link(int cancel_fd)
{
	struct link_options o = {.address = "alice@ca.example.com:22",
	    .known_hosts = "/tmp/a b%c/known",
	    .identity = "/keys/alice",
	    .cancel_fd = cancel_fd};
	struct link *l = NULL;

	assert_int_equal(link_open(&o, &l, &err), 0);
	return l;
}

static int
ask(struct link *l, int ms, int *status, json_t **body)
{
	return link_call(l, slice_str("{\"call\":\"hello\"}"), NULL, NULL, ms,
	    status, body, &err);
}

static void
an_answer_comes_back(void **state)
{
	struct link *l;
	json_t *body = NULL;
	int status = 0;

	(void)state;
	add(1, true, 3, "{\"a\":1}");
	l = open_link(-1);
	assert_int_equal(ask(l, 10000, &status, &body), 0);
	assert_int_equal(status, 3);
	assert_int_equal(json_integer_value(json_object_get(body, "a")), 1);
	json_decref(body);
	link_free(l);
}

static void
two_calls_in_turn(void **state)
{
	struct link *l;

	(void)state;
	/* It is to be there for the second call, whose answer it has given. */
	sshtool_write("stay", "", 0);
	add(1, true, 0, "{}");
	add(2, true, 0, "{}");
	l = open_link(-1);
	assert_int_equal(ask(l, 10000, NULL, NULL), 0);
	assert_int_equal(ask(l, 10000, NULL, NULL), 0);
	link_free(l);
}

static int
count_news(void *ctx, const json_t *body)
{
	unsigned *n = ctx;

	assert_true(json_is_object(body));
	return ++*n < 3 ? 0 : 7;
}

static void
news_come_before_the_answer(void **state)
{
	struct slice call = slice_str("{\"call\":\"wait\"}");
	unsigned n = 0;
	struct link *l;

	(void)state;
	add(1, false, 0, "{}");
	add(1, false, 0, "{}");
	add(1, true, 0, "{}");
	l = open_link(-1);
	assert_int_equal(link_call(l, call, count_news, &n, 10000, NULL, NULL,
			     &err),
	    0);
	assert_int_equal(n, 2);
	link_free(l);
	add(1, false, 0, "{}");
	l = open_link(-1);
	n = 2;
	assert_int_equal(link_call(l, call, count_news, &n, 10000, NULL, NULL,
			     &err),
	    7);
	link_free(l);
}

static void
an_error_keeps_code_sentence_and_hint(void **state)
{
	struct link *l;

	(void)state;
	add(1, true, 1,
	    "{\"error\":\"not yours\",\"hint\":\"ask\",\"code\":\"denied\"}");
	add(2, true, 6, "{\"error\":\"no such\",\"code\":\"notfound\"}");
	add(3, true, 6, "{\"error\":\"a \\u001b[2J\"}");
	l = open_link(-1);
	assert_int_equal(ask(l, 10000, NULL, NULL), ERR_DENIED);
	assert_string_equal(err.msg, "not yours");
	assert_string_equal(err.hint, "ask");
	assert_int_equal(ask(l, 10000, NULL, NULL), ERR_NOTFOUND);
	/* What could move a cursor is no sentence. */
	assert_int_equal(ask(l, 10000, NULL, NULL), ERR_PARSE);
	link_free(l);
}

static void
ssh_is_told_what_it_must_not_do(void **state)
{
	static const char *const words[] = {"\n-a\n", "-x\n", "-T\n",
	    "ClearAllForwardings=yes\n", "PermitLocalCommand=no\n",
	    "ControlPath=none\n", "ConnectTimeout=30\n",
	    "StrictHostKeyChecking=yes\n",
	    "UserKnownHostsFile=\"/tmp/a b%%c/known\"\n", "-i\n/keys/alice\n",
	    "-p\n22\n-l\nalice\n-s\nca.example.com\nwrit\n"};
	struct str argv = STR_INIT;
	char *text, *env;
	struct link *l;
	size_t n;

	(void)state;
	add(1, true, 0, "{}");
	l = open_link(-1);
	assert_int_equal(ask(l, 10000, NULL, NULL), 0);
	link_free(l);
	text = sshtool_read("argv", &n);
	env = sshtool_read("env", &n);
	str_addf(&argv, "\n%s", text);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		print_message("%s", words[i]);
		assert_non_null(strstr(argv.p, words[i]));
	}
	assert_non_null(strstr(env, "WRIT_INSIDE=1\n"));
	str_clear(&argv);
	free(env);
	free(text);
}

/* A service whose keys are policy's: known by them, wherever it is. */
static void
keys_may_go_by_another_name_than_the_address(void **state)
{
	static const char said[] = "Host key verification failed.";
	struct link_options o = {.address = "m.example.com",
	    .port = 2023,
	    .known_hosts = "/k",
	    .alias = "writ-master",
	    .cancel_fd = -1};
	struct link *l = NULL;
	char *text;
	size_t n;

	(void)state;
	add(1, true, 0, "{}");
	assert_int_equal(link_open(&o, &l, &err), 0);
	assert_int_equal(ask(l, 10000, NULL, NULL), 0);
	link_free(l);
	text = sshtool_read("argv", &n);
	assert_non_null(strstr(text, "-o\nHostKeyAlias=writ-master\n"));
	assert_non_null(strstr(text, "-p\n2023\n-s\nm.example.com\nwrit\n"));
	free(text);
	if (isatty(STDERR_FILENO) == 1)
		return;
	sshtool_write("answer", "", 0);
	sshtool_write("status", "255", 3);
	sshtool_write("said", said, strlen(said));
	assert_int_equal(link_open(&o, &l, &err), 0);
	assert_int_equal(ask(l, 10000, NULL, NULL), ERR_NET);
	assert_non_null(strstr(err.hint, "signed first"));
	link_free(l);
	l = open_link(-1);
	assert_int_equal(ask(l, 10000, NULL, NULL), ERR_NET);
	assert_non_null(strstr(err.hint, "writ trust"));
	assert_non_null(strstr(err.hint, "/tmp/a b%c/known"));
	link_free(l);
}

static void
what_ssh_says_becomes_a_sentence(void **state)
{
	static const struct {
		const char *said, *sentence;
	} cases[] = {
	    {"ssh: connect to host x port 1: Connection refused",
		"nobody listens"},
	    {"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key "
	     "verification failed.",
		"not the one that was trusted"},
	    {"Host key verification failed.", "not known here"},
	    {"a@b: Permission denied (publickey).", "none of your keys"},
	    {"ssh: Could not resolve hostname x", "no host of that name"},
	    {"subsystem request failed on channel 0", "no subsystem writ"},
	    {"something else", "status 255"},
	};

	(void)state;
	/* On a terminal ssh says it there, and we do not see it. */
	if (isatty(STDERR_FILENO) == 1)
		skip();
	sshtool_write("status", "255", 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link *l;

		sshtool_write("said", cases[i].said, strlen(cases[i].said));
		l = open_link(-1);
		assert_int_equal(ask(l, 10000, NULL, NULL), ERR_NET);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, cases[i].sentence));
		assert_non_null(strstr(err.msg, "ca.example.com"));
		/* And it stays so. */
		assert_int_equal(ask(l, 10000, NULL, NULL), ERR_NET);
		link_free(l);
	}
}

static void
what_is_no_answer_is_refused(void **state)
{
	static const struct {
		uint32_t id;
		const char *body;
	} cases[] = {{2, "{}"}, {1, "[]"}, {1, "{\"a\":1,\"a\":2}"}, {1, "{x"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link *l;

		buf_reset(frames);
		add(cases[i].id, true, 0, cases[i].body);
		l = open_link(-1);
		assert_int_equal(ask(l, 10000, NULL, NULL), ERR_PARSE);
		link_free(l);
	}
}

static void
try_cut(const uint8_t *p, size_t n, void *arg)
{
	struct link *l;
	int r;

	(void)arg;
	sshtool_write("answer", p, n);
	l = open_link(-1);
	r = ask(l, 10000, NULL, NULL);
	link_free(l);
	print_message("%s: %d\n", mutate_what(), r);
	assert_true(r == ERR_NET || r == ERR_PARSE);
}

static void
an_answer_cut_short_is_none(void **state)
{
	(void)state;
	add(1, true, 0, "{\"a\":1}");
	(void)mutate_cuts(buf_slice(frames).p, buf_len(frames), try_cut, NULL);
}

static void
silence_has_an_end_and_so_has_patience(void **state)
{
	struct link *l;
	int p[2];

	(void)state;
	sshtool_write("stay", "", 0);
	l = open_link(-1);
	assert_int_equal(ask(l, 50, NULL, NULL), ERR_NET);
	assert_non_null(strstr(err.msg, "no answer"));
	link_free(l);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	l = open_link(p[0]);
	assert_int_equal(ask(l, -1, NULL, NULL), LINK_CANCELLED);
	link_free(l);
	close(p[0]);
	close(p[1]);
}

static void
a_bad_address_starts_nothing(void **state)
{
	struct link_options o = {
	    .address = "-oProxyCommand=x", .known_hosts = "k", .cancel_fd = -1};
	struct link *l = NULL;

	(void)state;
	assert_int_equal(link_open(&o, &l, &err), ERR_PARSE);
	assert_null(l);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_answer_comes_back),
	    T(two_calls_in_turn),
	    T(news_come_before_the_answer),
	    T(an_error_keeps_code_sentence_and_hint),
	    T(ssh_is_told_what_it_must_not_do),
	    T(keys_may_go_by_another_name_than_the_address),
	    T(what_ssh_says_becomes_a_sentence),
	    T(what_is_no_answer_is_refused),
	    T(an_answer_cut_short_is_none),
	    T(silence_has_an_end_and_so_has_patience),
	    T(a_bad_address_starts_nothing),
	};

	return cmocka_run_group_tests_name("link", tests, group_setup,
	    group_teardown);
}
