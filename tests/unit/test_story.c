/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/story.h"
#include "tests/unit/alloc.h"
#include "tests/unit/logcase.h"

#define HOST "web-1.example.com"
#define AT   (FIXTURE_NOW + 100)

/* One event of a host; the texts are literals. */
static struct use
seen(enum login_what what, int64_t at, const char *session)
{
	static char host[] = HOST, account[] = "deploy", from[] = "10.0.0.7",
		    method[] = "publickey", command[] = "/bin/id",
		    as[] = "root", report[] = "0707";

	return (struct use){.host = host,
	    .index = 9,
	    .report = report,
	    .event = {.what = what,
		.at = at,
		.session = (char *)(uintptr_t)session,
		.account = account,
		.from = what == LOGIN_IN ? from : NULL,
		.method = what == LOGIN_IN ? method : NULL,
		.port = what == LOGIN_IN ? 22 : 0,
		.command = what == LOGIN_SUDO ? command : NULL,
		.as = what == LOGIN_SUDO ? as : NULL}};
}

static int
add_certificate(void *ctx, const struct audit_certificate *c)
{
	return story_add_certificate(ctx, c, "ca_log");
}

/* Of the log's one certificate. */
static int
read_log(const struct logcase *lg, struct story *s)
{
	struct audit_log *l = NULL;
	int r;

	r = audit_log_open(lg->dir, NULL, &lg->realm, lg->trust.policy, &l,
	    NULL);
	if (r == 0)
		r = audit_log_each(l, add_certificate, s, NULL);
	audit_log_close(l);
	return r;
}

/* In no order. */
static int
tell(const struct logcase *lg, struct story *s)
{
	struct use uses[] = {
	    seen(LOGIN_OUT, AT, "b.1"),
	    seen(LOGIN_SUDO, AT, "b.1"),
	    seen(LOGIN_IN, AT, "b.1"),
	    seen(LOGIN_REFUSED, AT, "b.1"),
	};
	int r = 0;

	uses[2].clock = -10800;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]) && r == 0; i++)
		r = story_add_use(s, &uses[i]);
	if (r == 0)
		r = story_add_unexplained(s, &uses[2], USE_OUTSIDE,
		    "after its time was over");
	if (r == 0)
		r = read_log(lg, s);
	if (r == 0)
		r = story_add_missing(s);
	story_sort(s);
	return r;
}

static void
open_log(struct logcase *lg)
{
	logcase_open(lg, "ca_log", SEED_LOG, SEED_USER_CA);
	logcase_story(lg);
	logcase_publish(lg);
}

static void
a_login_is_told_from_the_request_on(void **state)
{
	static const struct {
		enum story_event event;
		const char *name, *who, *has, *log;
		uint64_t index;
		bool is_statement;
	} want[] = {
	    {STORY_REQUEST, "request", ALICE, "asked for deploy for ", "ca_log",
		2, true},
	    {STORY_DECISION, "decision", OLGA, "approved", "ca_log", 3, true},
	    {STORY_CERTIFICATE, "certificate",
		"SHA256:", ", for deploy, presence none", "ca_log", 4, false},
	    {STORY_MISSING, "missing",
		"SHA256:", ".json is not there; run writ audit verify",
		"ca_log", 4, false},
	    {STORY_LOGIN, "login", HOST,
		"saw deploy log in from 10.0.0.7 port 22 by publickey; its "
		"clock is 3h behind",
		NULL, 9, true},
	    {STORY_UNEXPLAINED, "unexplained", HOST,
		"outside: after its time was over", NULL, 9, true},
	    {STORY_SUDO, "sudo", HOST, "saw deploy run as root: /bin/id", NULL,
		9, true},
	    {STORY_END, "end", HOST, "saw the end of it", NULL, 9, true},
	};
	struct story s = {0};
	struct logcase lg;

	(void)state;
	open_log(&lg);
	assert_int_equal(tell(&lg, &s), 0);
	assert_int_equal(s.n, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < s.n; i++) {
		const struct story_part *p = &s.v[i];

		if (p->event != want[i].event || p->index != want[i].index ||
		    strcmp(story_event_name(p->event), want[i].name) != 0 ||
		    strncmp(p->who, want[i].who, strlen(want[i].who)) != 0 ||
		    strstr(p->text, want[i].has) == NULL ||
		    (p->hash != NULL) != want[i].is_statement ||
		    (p->log == NULL) != (want[i].log == NULL) ||
		    p->clock != (p->event == STORY_LOGIN ? -10800 : 0))
			fail_msg("%s: %s %s", want[i].name, p->who, p->text);
	}
	assert_non_null(strstr(s.v[2].object, "records/2026/03/02/"));
	assert_string_equal(s.v[3].object, s.v[2].object);
	story_clear(&s);
	logcase_close(&lg);
}

static void
what_a_host_did_not_run_is_told_as_such(void **state)
{
	struct use u = seen(LOGIN_SUDO, AT, "b.1");
	struct story s = {0};
	char why[] = "command not allowed", perhaps[] = "perhaps: it had ended";

	(void)state;
	u.event.why = why;
	assert_int_equal(story_add_use(&s, &u), 0);
	assert_string_equal(s.v[0].text,
	    "refused deploy run as root: /bin/id; command not allowed");
	/* Of this one nobody knows, so it is not told as one that did not run. */
	u.event.why = perhaps;
	assert_int_equal(story_add_use(&s, &u), 0);
	assert_string_equal(s.v[1].text,
	    "saw deploy run as root: /bin/id; perhaps: it had ended");
	story_clear(&s);
}

static void
what_was_taken_away_is_told_at_its_time(void **state)
{
	static char by[] = OLGA, reason[] = "the laptop is lost",
		    log[] = "emergency_log";
	const struct revocation v = {.at = AT + 60,
	    .by = by,
	    .reason = reason,
	    .hash = fixture_hash(0xab),
	    .log = log,
	    .index = 77};
	struct use u = seen(LOGIN_IN, AT, "b.1");
	struct story s = {0};

	(void)state;
	assert_int_equal(story_add_revocation(&s, &v, "its key"), 0);
	assert_int_equal(story_add_use(&s, &u), 0);
	story_sort(&s);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[1].event, STORY_REVOKED);
	assert_string_equal(story_event_name(STORY_REVOKED), "revoked");
	assert_string_equal(s.v[1].who, OLGA);
	assert_string_equal(s.v[1].text, "revoked its key: the laptop is lost");
	assert_string_equal(s.v[1].log, log);
	assert_int_equal(s.v[1].index, 77);
	assert_int_equal(strncmp(s.v[1].hash, "abab", 4), 0);
	story_clear(&s);
}

static void
a_session_is_of_one_host(void **state)
{
	static char other[] = "web-2.example.com";
	struct use v[] = {seen(LOGIN_IN, AT, "b.1"), seen(LOGIN_IN, AT, "b.2"),
	    seen(LOGIN_SUDO, AT, "b.2"), seen(LOGIN_IN, AT, NULL)};
	const struct uses u = {.v = v, .n = sizeof(v) / sizeof(v[0])};
	const char *host = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(story_host(&u, "b.2", NULL, &host, &e), 0);
	assert_string_equal(host, HOST);
	assert_ptr_equal(story_login(&u, "b.2", HOST), &v[1]);
	assert_null(story_login(&u, "b.2", other));
	assert_null(story_login(&u, "b.3", HOST));
	host = NULL;
	assert_int_equal(story_host(&u, "b.3", NULL, &host, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "no host saw a session 'b.3'"));
	v[2].host = other;
	assert_int_equal(story_host(&u, "b.2", NULL, &host, &e), ERR_USAGE);
	assert_string_equal(e.msg,
	    "2 hosts have a session 'b.2', expected --host with one of " HOST
	    ", web-2.example.com");
	assert_null(host);
	assert_int_equal(story_host(&u, "b.2", other, &host, &e), 0);
	assert_string_equal(host, other);
	assert_int_equal(story_host(&u, "b.1", other, &host, &e), ERR_NOTFOUND);
}

static int
all_once(void *arg)
{
	struct story s = {0};
	int r = tell(arg, &s);

	story_clear(&s);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct logcase lg;

	(void)state;
	open_log(&lg);
	assert_true(alloc_each(all_once, &lg) > 30);
	logcase_close(&lg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_login_is_told_from_the_request_on),
	    cmocka_unit_test(what_a_host_did_not_run_is_told_as_such),
	    cmocka_unit_test(what_was_taken_away_is_told_at_its_time),
	    cmocka_unit_test(a_session_is_of_one_host),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
