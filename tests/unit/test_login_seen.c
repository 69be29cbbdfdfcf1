/* SPDX-License-Identifier: ISC */
/* From lines to events: what belongs together, is told once, and is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/logins/seen.h"
#include "lib/base/str.h"
#include "tests/unit/alloc.h"

#define NOW  INT64_C(1772445600)
#define BOOT "0123456789abcdef"
#define FP   "SHA256:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"
#define CAFP "SHA256:u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s"
#define PEER " from 10.0.0.7 port 500 ssh2"
#define CERT ": ED25519-CERT " FP " ID a/9 (serial 41) CA ED25519 " CAFP
#define IN   "Accepted publickey for deploy" PEER CERT
#define OUT  "pam_unix(sshd:session): session closed for user deploy"
#define LEFT                                                            \
	"Connection closed by authenticating user bob 10.0.0.9 port 5 " \
	"[preauth]"

/* One line of a case: seconds after NOW, who says it. */
struct said {
	int64_t after;
	enum seen_from from;
	uint64_t pid;
	const char *text;
	const char *scope, *account;
	const char *boot; /* NULL: BOOT; "?": that, and in doubt */
};
#define SSHD(after, pid, text)                                \
	{                                                     \
		after, SEEN_SSHD, pid, text, NULL, NULL, NULL \
	}
#define SESSION(after, pid, scope)                                         \
	{                                                                  \
		after, SEEN_LOGIND, pid, "New session.", scope, NULL, NULL \
	}
#define OVER(after, scope)                                                   \
	{                                                                    \
		after, SEEN_LOGIND, 0, "Removed session.", scope, NULL, NULL \
	}
#define SUDO(after, scope, text)                                  \
	{                                                         \
		after, SEEN_SUDO, 99, text, scope, "deploy", NULL \
	}

static const struct {
	const char *name;
	struct said lines[6];
	int64_t settle; /* seconds after NOW; 0: it is not asked */
	const char *told;
} cases[] = {
    {"a day's work",
	{SSHD(1, 811, IN), SESSION(1, 811, "7"),
	    SUDO(5, "7", " deploy : PWD=/ ; USER=root ; COMMAND=/bin/id"),
	    SSHD(9, 811, OUT)},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"sudo+5 deploy 01234567.811.1772445601 root /bin/id\n"
	"end+9 deploy 01234567.811.1772445601 10.0.0.7:500\n"},
    {"a sudo from a session that nobody saw begin",
	{SSHD(1, 811, IN), SESSION(1, 811, "7"),
	    SUDO(5, "8", "deploy : PWD=/ ; USER=root ; COMMAND=/bin/id")},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"sudo+5 deploy root /bin/id\n"},
    {"a sudo that says it is another's",
	{SUDO(1, NULL, "root : PWD=/ ; USER=root ; COMMAND=/bin/id")}, 0,
	"sudo+1 deploy root /bin/id\n"},
    {"a sudo of which nobody knows",
	{{1, SEEN_SUDO, 99, "a : PWD=/ ; USER=root ; COMMAND=/bin/id", NULL,
	    "deploy", "?"}},
	0,
	"sudo+1 deploy root /bin/id (perhaps: its process had ended before "
	"anybody looked whether it was sudo)\n"},
    {"a sudo in two lines",
	{SUDO(1, NULL, "deploy : PWD=/ ; USER=root ; COMMAND=/bin/echo a"),
	    SUDO(1, NULL, "deploy : (command continued) b c"),
	    SUDO(2, NULL, "bob : (command continued) d")},
	0, "sudo+1 deploy root /bin/echo a b c\n"},
    {"an end that is said by two",
	{SSHD(1, 811, IN),
	    SSHD(4, 815, "Disconnected from user deploy 10.0.0.7 port 500"),
	    SSHD(5, 811, OUT)},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+4 deploy 01234567.811.1772445601 10.0.0.7:500\n"},
    {"an end that only logind says, where sshd was killed",
	{SSHD(1, 811, IN), SESSION(1, 811, "7"), OVER(2, "8"), OVER(6, "7"),
	    OVER(6, "7")},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+6 deploy 01234567.811.1772445601 10.0.0.7:500\n"},
    {"logind's before PAM's",
	{SSHD(1, 811, IN), SESSION(1, 811, "7"), OVER(6, "7"),
	    SSHD(6, 811, OUT)},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+6 deploy 01234567.811.1772445601 10.0.0.7:500\n"},
    {"PAM's before logind's",
	{SSHD(1, 811, IN), SESSION(1, 811, "7"), SSHD(6, 811, OUT),
	    OVER(7, "7")},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+6 deploy 01234567.811.1772445601 10.0.0.7:500\n"},
    {"an end by which sshd names a connection and no session, and PAM's",
	{SSHD(1, 811, IN),
	    SSHD(4, 815, "Received disconnect from 10.0.0.7 port 500:11: bye"),
	    SSHD(4, 815, "Connection closed by 10.0.0.7 port 500"),
	    SSHD(5, 811, OUT)},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+5 deploy 01234567.811.1772445601 10.0.0.7:500\n"},
    {"without PAM, by the process that is his",
	{SSHD(1, 811, IN),
	    SSHD(4, 815,
		"Timeout, client not responding from user deploy 10.0.0.7 port "
		"500"),
	    SSHD(4, 815, "Connection closed by user deploy 10.0.0.8 port 500")},
	0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+4 deploy 01234567.811.1772445601 10.0.0.7:500\n"},
    {"an end of a login that nobody saw",
	{SSHD(4, 815, "Disconnected from user deploy 10.0.0.7 port 500"),
	    SSHD(5, 811, OUT)},
	0, "end+5 deploy\n"},
    {"a process number that is used again",
	{SSHD(1, 811, IN), SSHD(3, 811, IN), SSHD(5, 811, OUT)}, 0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"login+3 deploy 01234567.811.1772445603 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+5 deploy 01234567.811.1772445603 10.0.0.7:500\n"},
    {"a refusal that nobody said whose it was before the machine went down",
	{SSHD(1, 811, "Certificate invalid: expired"),
	    {9, SEEN_SSHD, 811, IN, NULL, NULL, "fedcba9876543210"}},
	700,
	"login+9 deploy fedcba98.811.1772445609 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"refused+1 (Certificate invalid: expired)\n"},
    {"another boot",
	{SSHD(1, 811, IN), {9, SEEN_SSHD, 811, OUT, NULL, NULL, "fedcba98"}}, 0,
	"login+1 deploy 01234567.811.1772445601 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+9 deploy\n"},
    {"refused, and whose is said later",
	{SSHD(1, 811, "error: Certificate invalid: expired"),
	    SSHD(2, 811, "Failed publickey for deploy" PEER CERT),
	    SSHD(3, 811, LEFT)},
	SEEN_SUM_S + 3,
	"refused+2 deploy 10.0.0.7:500 publickey key a/9=41 (Certificate "
	"invalid: expired)\n"},
    {"refused, and whose is not said",
	{SSHD(1, 811, "error: Certificate invalid: expired"),
	    SSHD(3, 811, LEFT)},
	SEEN_SUM_S + 3,
	"refused+1 bob 10.0.0.9:5 (Certificate invalid: expired)\n"},
    {"refused by 10.1, which names the certificate",
	{SSHD(1, 811,
	     "error: Refusing certificate ID \"a/9\" serial=41 signed by "
	     "ED25519 CA " CAFP ": expired"),
	    SSHD(3, 811, LEFT)},
	0, "refused+1 bob 10.0.0.9:5 a/9=41 (expired)\n"},
    {"an option that sshd does not know is one refusal",
	{SSHD(1, 811,
	     "error: Certificate critical option \"x\" is not supported"),
	    SSHD(1, 811, "error: Invalid certificate options"),
	    SSHD(3, 811, LEFT)},
	0,
	"refused+1 bob 10.0.0.9:5 (Certificate critical option \"x\" is not "
	"supported)\n"},
    {"from 10.1 on whose is said with it",
	{SSHD(1, 811,
	     "error: Certificate critical option \"x\" is not supported"),
	    SSHD(1, 811,
		"error: Refusing certificate ID \"a/9\" serial=41 signed by "
		"ED25519 CA " CAFP ": Invalid certificate options"),
	    SSHD(3, 811, LEFT)},
	0, "refused+1 bob 10.0.0.9:5 a/9=41 (Invalid certificate options)\n"},
    {"but not with that of another certificate",
	{SSHD(1, 811, "error: Certificate invalid: expired"),
	    SSHD(1, 811, "error: Invalid certificate options"),
	    SSHD(3, 811, LEFT)},
	0,
	"refused+1 (Certificate invalid: expired)\n"
	"refused+1 bob 10.0.0.9:5 (Invalid certificate options)\n"},
    {"an extension that sshd does not know is no refusal",
	{SSHD(1, 811, "Certificate extension \"x\" is not supported"),
	    SSHD(3, 811, IN)},
	SEEN_SUM_S + 3,
	"login+3 deploy 01234567.811.1772445603 10.0.0.7:500 publickey key "
	"a/9=41\n"},
    {"two certificates, and then in",
	{SSHD(1, 811, "error: Certificate invalid: expired"),
	    SSHD(2, 811, "error: Certificate invalid: not yet valid"),
	    SSHD(3, 811, IN)},
	0,
	"refused+1 (Certificate invalid: expired)\n"
	"refused+2 deploy 10.0.0.7:500 (Certificate invalid: not yet valid)\n"
	"login+3 deploy 01234567.811.1772445603 10.0.0.7:500 publickey key "
	"a/9=41\n"},
    {"refused, and the process was killed",
	{SSHD(1, 811, "error: Certificate invalid: expired")}, SEEN_WAIT_S + 1,
	"refused+1 (Certificate invalid: expired)\n"},
    {"but not yet", {SSHD(1, 811, "error: Certificate invalid: expired")},
	SEEN_WAIT_S, ""},
    {"a certificate and a code",
	{SSHD(1, 811, "Partial publickey for deploy" PEER CERT),
	    SSHD(2, 811, "Accepted keyboard-interactive/pam for deploy" PEER)},
	0,
	"login+2 deploy 01234567.811.1772445602 10.0.0.7:500 "
	"publickey,keyboard-interactive/pam key a/9=41\n"},
    {"passwords that fail, by the hour",
	{SSHD(1, 811, "Failed password for root" PEER),
	    SSHD(2, 811, "Failed password for invalid user x" PEER),
	    SSHD(3, 811, LEFT), SSHD(9, 812, LEFT),
	    SSHD(10, 813, "Connection closed by 10.0.0.9 port 5 [preauth]")},
	SEEN_SUM_S + 1, "failed+1 to+9 3\n"},
    {"not before the hour is over",
	{SSHD(1, 811, "Failed password for root" PEER)}, SEEN_SUM_S, ""},
    {"a clock that is set back",
	{SSHD(5, 811, "Failed password for root" PEER),
	    SSHD(2, 811, "Failed password for root" PEER)},
	SEEN_SUM_S + 5, "failed+2 to+5 2\n"},
    {"a clock in which a session ends before it began",
	{SSHD(9, 811, IN), SSHD(5, 811, OUT)}, 0,
	"login+9 deploy 01234567.811.1772445609 10.0.0.7:500 publickey key "
	"a/9=41\n"
	"end+5 deploy 01234567.811.1772445609 10.0.0.7:500\n"},
};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static void
tell(const struct login_event *ev, struct str *out)
{
	str_addf(out, "%s+%" PRId64, login_what_name(ev->what), ev->at - NOW);
	if (ev->what == LOGIN_FAILED)
		str_addf(out, " to+%" PRId64 " %" PRIu64, ev->until - NOW,
		    ev->count);
	if (ev->account != NULL)
		str_addf(out, " %s", ev->account);
	if (ev->session != NULL)
		str_addf(out, " %s", ev->session);
	if (ev->from != NULL)
		str_addf(out, " %s:%u", ev->from, ev->port);
	if (ev->method != NULL)
		str_addf(out, " %s", ev->method);
	if (ev->as != NULL)
		str_addf(out, " %s", ev->as);
	if (ev->command != NULL)
		str_addf(out, " %s", ev->command);
	if (ev->has_key)
		str_add(out, " key");
	if (ev->has_cert)
		str_addf(out, " %s=%" PRIu64, ev->key_id, ev->serial);
	if (ev->why != NULL)
		str_addf(out, " (%s)", ev->why);
	str_add(out, "\n");
}

static struct seen_line
line_of(const struct said *x)
{
	struct seen_line l = {.from = x->from,
	    .at = NOW + x->after,
	    .pid = x->pid,
	    .text = slice_str(x->text),
	    .boot = x->boot != NULL && x->boot[0] != '?' ? x->boot : BOOT,
	    .is_doubtful = x->boot != NULL && x->boot[0] == '?',
	    .account = x->account,
	    .scope = x->scope,
	    .leader = x->pid,
	    .is_over = strcmp(x->text, "Removed session.") == 0};

	return l;
}

/* Written and read again: what a process that ends leaves to the next. */
static int
keep(struct seen *s)
{
	struct str text = STR_INIT;
	struct seen again = {0};
	json_t *o = NULL;
	struct jw w;
	int r;

	jw_init(&w, &text, false);
	seen_write(s, &w);
	if ((r = str_check(&text)) == 0 &&
	    (r = json_read(slice_of(text.p, text.n), SEEN_TEXT_MAX, &o,
		 NULL)) == 0)
		r = seen_read(o, &again, NULL);
	json_decref(o);
	str_clear(&text);
	if (r != 0) {
		seen_clear(&again);
		return r;
	}
	seen_clear(s);
	*s = again;
	return 0;
}

/* A case; with keeping, by a process a line. */
static int
play(size_t i, bool keeping, struct str *told)
{
	struct seen_events events = {0};
	struct seen s = {0};
	int r = 0;

	for (size_t j = 0; r == 0 && cases[i].lines[j].text != NULL; j++) {
		struct seen_line l = line_of(&cases[i].lines[j]);

		r = seen_take(&s, &l, &events, NULL);
		if (r == 0 && keeping)
			r = keep(&s);
	}
	if (r == 0 && cases[i].settle != 0)
		r = seen_settle(&s, NOW + cases[i].settle, &events, NULL);
	for (size_t j = 0; r == 0 && j < events.n; j++)
		tell(&events.v[j], told);
	seen_events_clear(&events);
	seen_clear(&s);
	return r;
}

static void
lines_make_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		for (int keeping = 0; keeping < 2; keeping++) {
			struct str told = STR_INIT;

			assert_int_equal(play(i, keeping != 0, &told), 0);
			if (strcmp(told.p, cases[i].told) != 0)
				fail_msg("%s (kept %d):\n%snot\n%s",
				    cases[i].name, keeping, told.p,
				    cases[i].told);
			str_clear(&told);
		}
	}
}

static int
play_one(void *arg)
{
	struct str told = STR_INIT;
	int r = play(*(size_t *)arg, true, &told);

	if (r == 0)
		r = str_check(&told);
	str_clear(&told);
	return r;
}

static void
memory_may_run_out_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++)
		assert_true(alloc_each(play_one, &i) > 4);
}

/* Anybody can have certificates refused: the rest of an hour's is a number. */
static void
refusals_of_an_hour_have_a_limit(void **state)
{
	struct said x = SSHD(0, 0, "Failed publickey for deploy" PEER CERT);
	struct seen_events events = {0};
	struct seen s = {0};
	struct seen_line l;

	(void)state;
	for (uint64_t i = 0; i < SEEN_REFUSED_MAX + 5; i++) {
		x.pid = i;
		l = line_of(&x);
		assert_int_equal(seen_take(&s, &l, &events, NULL), 0);
	}
	assert_int_equal(events.n, SEEN_REFUSED_MAX);
	assert_int_equal(s.failed, 5);
	x.after = SEEN_SUM_S;
	l = line_of(&x);
	assert_int_equal(seen_take(&s, &l, &events, NULL), 0);
	assert_int_equal(events.n, SEEN_REFUSED_MAX + 1);
	seen_events_clear(&events);
	seen_clear(&s);
}

static void
connections_have_a_limit_and_the_oldest_goes(void **state)
{
	struct said x = SSHD(0, 0, IN);
	struct seen_events events = {0};
	struct seen s = {0};
	struct seen_line l;

	(void)state;
	for (uint64_t i = 0; i <= SEEN_CONNS_MAX; i++) {
		x.pid = i;
		l = line_of(&x);
		assert_int_equal(seen_take(&s, &l, &events, NULL), 0);
	}
	assert_int_equal(s.n_conns, SEEN_CONNS_MAX);
	assert_int_equal(s.conns[0].pid, 1);
	assert_int_equal(events.n, SEEN_CONNS_MAX + 1);
	assert_int_equal(keep(&s), 0);
	assert_int_equal(s.n_conns, SEEN_CONNS_MAX);
	seen_events_clear(&events);
	seen_clear(&s);
}

static void
what_waits_in_the_oldest_is_told(void **state)
{
	struct said why =
	    SSHD(0, SEEN_CONNS_MAX, "Certificate invalid: expired");
	struct said x = SSHD(0, 0, IN);
	struct seen_events events = {0};
	struct seen s = {0};
	struct seen_line l = line_of(&why);

	(void)state;
	assert_int_equal(seen_take(&s, &l, &events, NULL), 0);
	for (uint64_t i = 0; i < SEEN_CONNS_MAX; i++) {
		x.pid = i;
		l = line_of(&x);
		assert_int_equal(seen_take(&s, &l, &events, NULL), 0);
	}
	assert_int_equal(s.n_conns, SEEN_CONNS_MAX);
	assert_int_equal(events.n, SEEN_CONNS_MAX + 1);
	assert_int_equal(events.v[SEEN_CONNS_MAX - 1].what, LOGIN_REFUSED);
	seen_events_clear(&events);
	seen_clear(&s);
}

static void
what_was_kept_is_read_strictly(void **state)
{
#define WHOLE(rest)                                                          \
	"{\"source\":\"journal\",\"since\":\"2026-03-02T10:00:00Z\","        \
	"\"lost\":\"0\",\"boot\":\"\",\"failed\":\"0\",\"failed_at\":"       \
	"\"1970-01-01T00:00:00Z\",\"failed_until\":\"1970-01-01T00:00:00Z\"" \
	",\"refused\":\"0\",\"refused_at\":\"1970-01-01T00:00:00Z\"" rest "}"
#define CONN(rest)                                                      \
	"{\"pid\":\"1\",\"at\":\"2026-03-02T10:00:00Z\",\"open\":true," \
	"\"ended\":false,\"failed\":false,\"port\":1" rest "}"
	static const struct {
		const char *text;
		int want;
	} bad[] = {
	    {WHOLE(",\"conns\":[]"), 0},
	    {WHOLE(
		 ",\"conns\":[" CONN(",\"account\":\"a\",\"from\":\"b\"") "]"),
		0},
	    {WHOLE(""), ERR_PARSE},
	    {WHOLE(",\"conns\":[1]"), ERR_PARSE},
	    {WHOLE(",\"conns\":[" CONN("") "]"), ERR_PARSE},
	    {WHOLE(",\"conns\":[],\"more\":1"), ERR_PARSE},
	    {WHOLE(",\"conns\":[],\"source\":\"x\""), ERR_PARSE},
	    {"{}", ERR_PARSE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct seen s = {0};
		json_t *o = NULL;
		int r;

		r = json_read(slice_str(bad[i].text), SEEN_TEXT_MAX, &o, NULL);
		if (r == 0)
			r = seen_read(o, &s, NULL);
		if (r != bad[i].want)
			fail_msg("%s: %d", bad[i].text, r);
		json_decref(o);
		seen_clear(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_make_events),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	    cmocka_unit_test(refusals_of_an_hour_have_a_limit),
	    cmocka_unit_test(connections_have_a_limit_and_the_oldest_goes),
	    cmocka_unit_test(what_waits_in_the_oldest_is_told),
	    cmocka_unit_test(what_was_kept_is_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
