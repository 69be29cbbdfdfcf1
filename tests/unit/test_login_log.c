/* SPDX-License-Identifier: ISC */
/* A host's log as a file and as a journal: nothing lost, nothing twice, and no
 * line believed of whom it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/minion/login_log.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "tests/unit/alloc.h"
#include "tests/unit/env.h"
#include "tests/unit/tmpdir.h"

#define NOW  INT64_C(1772445600) /* 2026-03-02T10:00:00Z */
#define BOOT "0123456789abcdef"

struct bench {
	char dir[TMPDIR_MAX], path[TMPDIR_MAX + 20];
	struct seen s; /* its place alone */
	struct login_take take;
	struct str told; /* "sshd+0 811 text|" */
	size_t enough;   /* lines; 0: all */
	size_t n;
};

static int
on_line(void *arg, const struct seen_line *l, const char *place, struct err *e)
{
	static const char *const names[] = {"sshd", "sudo", "logind"};
	struct bench *b = arg;
	char *now = str_dup(place);

	if (now == NULL)
		return err_nomem(e);
	free(b->s.place);
	b->s.place = now;
	str_addf(&b->told, "%s+%" PRId64 " %" PRIu64 " %.*s", names[l->from],
	    l->at - NOW, l->pid, (int)(l->text.n < 40 ? l->text.n : 40),
	    (const char *)l->text.p);
	if (l->account != NULL)
		str_addf(&b->told, " by %s", l->account);
	if (l->is_doubtful)
		str_add(&b->told, " perhaps");
	if (l->scope != NULL)
		str_addf(&b->told, " in %s", l->scope);
	if (l->leader != 0)
		str_addf(&b->told, " of %" PRIu64, l->leader);
	if (l->is_over)
		str_add(&b->told, " over");
	str_addc(&b->told, '|');
	return ++b->n == b->enough ? LOGIN_ENOUGH : 0;
}

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	tmpdir_make(b->dir, "login");
	(void)snprintf(b->path, sizeof(b->path), "%s/auth.log", b->dir);
	b->told = (struct str)STR_INIT;
	b->take = (struct login_take){.line = on_line, .arg = b, .now = NOW};
	setenv("TZ", "UTC", 1);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const files[] = {
	    "auth.log", "auth.log.1", "records", "journalctl", "args"};
	struct bench *b = *state;
	char path[TMPDIR_MAX + 20];

	alloc_fail_nth(0);
	str_clear(&b->told);
	seen_clear(&b->s);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", b->dir, files[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

/* --- a file --------------------------------------------------------------- */

static void
append(const struct bench *b, const char *text)
{
	FILE *f = fopen(b->path, "a");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	assert_int_equal(fclose(f), 0);
}

static void
rotate(const struct bench *b)
{
	char to[TMPDIR_MAX + 24];

	(void)snprintf(to, sizeof(to), "%s.1", b->path);
	/* What was there has a name as long as it may be read. */
	assert_int_equal(rename(b->path, to), 0);
	append(b, "");
}

/* What a look tells, and how much it says was lost. */
static void
look(struct bench *b, const char *want, uint64_t lost)
{
	char *end = NULL;

	b->take.lost = 0;
	str_reset(&b->told);
	assert_int_equal(login_file_read(b->path, BOOT, &b->s, &b->take, &end,
			     NULL),
	    0);
	if (end != NULL) {
		free(b->s.place);
		b->s.place = end;
	}
	assert_string_equal(b->told.p, want);
	assert_int_equal(b->take.lost, lost);
}

#define T(sec) "2026-03-02T10:00:0" sec "+00:00 web "

static void
a_file_is_read_from_where_it_was_left(void **state)
{
	struct bench *b = *state;

	look(b, "", 0); /* it is not there yet */
	append(b, T("1") "sshd[1]: before\n");
	look(b, "", 0);
	append(b,
	    T("2") "sshd[811]: one\n" T("3") "cron[9]: x\n"
					     "2026-03-02T10:00:04.512+02:00 "
					     "web sudo:   a : two\nnonsense\n");
	look(b, "sshd+2 811 one|sudo+-7196 0   a : two|", 0);
	look(b, "", 0);
	append(b, T("5") "sshd-session[812]: half");
	look(b, "", 0);
	append(b, " a line\n" T("6") "sshd-auth[813]: z\n");
	look(b, "sshd+5 812 half a line|sshd+6 813 z|", 0);
}

static void
a_file_that_was_put_aside_is_read_to_its_end(void **state)
{
	struct bench *b = *state;

	append(b, "");
	look(b, "", 0);
	append(b, T("1") "sshd[1]: one\n");
	rotate(b);
	append(b, T("2") "sshd[2]: two\n");
	look(b, "sshd+1 1 one|sshd+2 2 two|", 0);
	/* Also where nothing of concern was in it. */
	append(b, T("3") "cron[1]: x\n");
	rotate(b);
	look(b, "", 0);
	rotate(b);
	append(b, T("4") "sshd[2]: three\n");
	look(b, "sshd+4 2 three|", 0);
}

static void
what_is_gone_is_counted(void **state)
{
	struct bench *b = *state;
	char first[TMPDIR_MAX + 20];

	append(b, "");
	look(b, "", 0);
	/* Kept elsewhere, so that no other file has its number. */
	(void)snprintf(first, sizeof(first), "%s/records", b->dir);
	assert_int_equal(link(b->path, first), 0);
	append(b, T("1") "sshd[1]: one\n");
	rotate(b);
	append(b, T("2") "sshd[2]: two\n");
	rotate(b);
	append(b, T("3") "sshd[3]: three\n");
	look(b, "sshd+2 2 two|sshd+3 3 three|", 1);
	look(b, "", 0);
}

static void
a_file_that_was_emptied_or_is_another_is_counted(void **state)
{
	struct bench *b = *state;

	append(b, T("1") "sshd[1]: one\n");
	rotate(b);
	append(b, T("2") "sshd[2]: two, and more than there will be\n");
	look(b, "", 0);
	assert_int_equal(truncate(b->path, 0), 0);
	append(b, T("4") "sshd[4]: f\n");
	look(b, "sshd+4 4 f|", 1);
	/* As long as it was, under the same number. */
	assert_int_equal(truncate(b->path, 0), 0);
	append(b, T("5") "sshd[5]: g\n" T("6") "sshd[6]: h\n");
	look(b, "sshd+5 5 g|sshd+6 6 h|", 1);
	look(b, "", 0);
}

static void
a_file_that_was_copied_and_emptied_is_read_whole(void **state)
{
	struct bench *b = *state;
	char to[TMPDIR_MAX + 24], *text;
	size_t n;

	append(b, T("1") "sshd[1]: one, of which the start is distinct\n");
	look(b, "", 0);
	append(b, T("2") "sshd[2]: two\n");
	(void)snprintf(to, sizeof(to), "%s.1", b->path);
	assert_int_equal(file_read(b->path, 4096, &text, &n, NULL), 0);
	assert_int_equal(file_write(to, text, n, 0600, 0, NULL), 0);
	free(text);
	assert_int_equal(truncate(b->path, 0), 0);
	append(b, T("3") "sshd[3]: three\n");
	look(b, "sshd+2 2 two|sshd+3 3 three|", 0);
}

static void
a_line_of_a_mebibyte_is_lost_and_the_next_is_not(void **state)
{
	struct bench *b = *state;
	char *x = malloc(LOGIN_LINE_MAX + 1);

	assert_non_null(x);
	memset(x, 'x', LOGIN_LINE_MAX);
	x[LOGIN_LINE_MAX] = '\0';
	append(b, "");
	look(b, "", 0);
	append(b, T("1") "sshd[1]: ");
	append(b, x);
	look(b, "", 0); /* it is not over yet */
	append(b, "\n" T("2") "sshd[2]: two\n");
	look(b, "sshd+2 2 two|", 1);
	look(b, "", 0);
	free(x);
}

static void
old_times_have_the_year_that_they_can_have(void **state)
{
	struct bench *b = *state;

	append(b, "");
	look(b, "", 0);
	append(b,
	    "Mar  2 10:00:07 web sshd[1]: now\n"
	    "Dec 31 23:59:59 web sshd[1]: then\n"
	    "Foo  2 10:00:07 web sshd[1]: never\n"
	    "Mar  2 10:00:07\n");
	look(b, "sshd+7 1 now|sshd+-5220001 1 then|", 0);
}

static void
whoever_has_enough_goes_on_from_there(void **state)
{
	struct bench *b = *state;

	append(b, "");
	look(b, "", 0);
	append(b, T("1") "sshd[1]: one\n");
	rotate(b);
	append(b, T("2") "sshd[2]: two\n" T("3") "sshd[3]: three\n");
	b->enough = 1;
	look(b, "sshd+1 1 one|", 0);
	b->enough = 2;
	look(b, "sshd+2 2 two|", 0);
	b->enough = 0;
	look(b, "sshd+3 3 three|", 0);
}

/* rsyslog's $RepeatedMsgReduction, as 8.2302 writes it. */
static const struct {
	const char *line, *told;
	uint64_t lost;
} repeated[] = {
    {"sshd[8]: message repeated 3 times: [ Failed password]\n",
	"sshd+1 8 Failed password|sshd+1 8 Failed password|"
	"sshd+1 8 Failed password|",
	0},
    {"sudo: message repeated 2 times: [      bob : [x]]\n",
	"sudo+1 0      bob : [x]|sudo+1 0      bob : [x]|", 0},
    {"cron[8]: message repeated 2 times: [ x]\n", "", 0},
    /* None of syslog's. */
    {"sshd[8]: message repeated 0 times: [ x]\n",
	"sshd+1 8 message repeated 0 times: [ x]|", 0},
    {"sshd[8]: message repeated 2 times: [ x\n",
	"sshd+1 8 message repeated 2 times: [ x|", 0},
    {"sshd[8]: message repeated -2 times: [ x]\n",
	"sshd+1 8 message repeated -2 times: [ x]|", 0},
    {"sshd[8]: message repeated 2 times: x]\n",
	"sshd+1 8 message repeated 2 times: x]|", 0},
    {"sshd[8]: x message repeated 2 times: [ x]\n",
	"sshd+1 8 x message repeated 2 times: [ x]|", 0},
};

static void
a_line_that_syslog_counts_is_told_as_often(void **state)
{
	struct bench *b = *state;

	append(b, "");
	look(b, "", 0);
	for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
		append(b, T("1"));
		append(b, repeated[i].line);
		look(b, repeated[i].told, repeated[i].lost);
		look(b, "", 0);
	}
}

/* So often and no oftener: the rest is lost, and counted. */
static void
what_syslog_counts_is_bounded(void **state)
{
	static const uint64_t times[] = {
	    LOGIN_REPEATED_MAX, LOGIN_REPEATED_MAX + 1, UINT64_MAX};
	struct bench *b = *state;
	char line[128], *end = NULL;

	append(b, "");
	look(b, "", 0);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		(void)snprintf(line, sizeof(line),
		    T("1") "sshd[8]: message repeated %" PRIu64
			   " times: [ x]\n",
		    times[i]);
		append(b, line);
		b->n = 0;
		b->take.lost = 0;
		assert_int_equal(login_file_read(b->path, BOOT, &b->s, &b->take,
				     &end, NULL),
		    0);
		free(end);
		assert_int_equal(b->n, LOGIN_REPEATED_MAX);
		assert_int_equal(b->take.lost, times[i] - LOGIN_REPEATED_MAX);
	}
}

/* Also after a line that was lost: it is lost once. */
static void
whoever_has_enough_of_what_syslog_counts_goes_on_from_there(void **state)
{
	struct bench *b = *state;
	char *x = malloc(LOGIN_LINE_MAX + 2);

	assert_non_null(x);
	memset(x, 'x', LOGIN_LINE_MAX + 1);
	x[LOGIN_LINE_MAX + 1] = '\0';
	append(b, "");
	look(b, "", 0);
	append(b, T("1") "sshd[1]: one\n");
	append(b, x);
	append(b,
	    "\n" T("2") "sshd[2]: message repeated 3 times: [ two]\n" T(
		"3") "sshd[3]: message repeated 2 times: [ three]\n");
	for (size_t i = 1; i <= 4; i++) {
		static const char *const want[] = {"sshd+1 1 one|",
		    "sshd+2 2 two|", "sshd+2 2 two|", "sshd+2 2 two|"};

		b->enough = i;
		look(b, want[i - 1], i == 2);
	}
	/* Put aside in the middle of it. */
	b->enough = 5;
	look(b, "sshd+3 3 three|", 0);
	rotate(b);
	b->enough = 0;
	look(b, "sshd+3 3 three|", 0);
	look(b, "", 0);
	free(x);
}

static void
what_is_no_file_is_refused(void **state)
{
	struct bench *b = *state;
	char *end = NULL;

	assert_int_equal(symlink("/etc/passwd", b->path), 0);
	assert_int_equal(login_file_read(b->path, BOOT, &b->s, &b->take, &end,
			     NULL),
	    ERR_SYS);
	assert_int_equal(unlink(b->path), 0);
	assert_int_equal(mkfifo(b->path, 0600), 0);
	assert_int_equal(login_file_read(b->path, BOOT, &b->s, &b->take, &end,
			     NULL),
	    ERR_SYS);
}

/* All of it: from the end of one that was empty. */
static int
look_once(void *arg)
{
	struct bench *b = arg;
	char *end = NULL;
	int r;

	assert_int_equal(truncate(b->path, 0), 0);
	seen_clear(&b->s);
	r = login_file_read(b->path, BOOT, &b->s, &b->take, &end, NULL);
	if (r != 0)
		return r;
	b->s.place = end;
	append(b, T("1") "sshd[1]: one\n" T("2") "sudo: two\n");
	r = login_file_read(b->path, BOOT, &b->s, &b->take, &end, NULL);
	if (r == 0)
		free(end);
	return r;
}

static void
memory_may_run_out_anywhere(void **state)
{
	struct bench *b = *state;

	append(b, "");
	/* What the test itself builds is not asked. */
	b->told.failed = true;
	assert_true(alloc_each(look_once, b) >= 4);
}

/* --- the journal ---------------------------------------------------------- */

/* What stands for journalctl prints a file, and may fail. */
static char *
fake_journal(struct bench *b, const char *records, const char *after)
{
	struct str script = STR_INIT;
	char path[TMPDIR_MAX + 20], *old = env_copy("PATH");

	(void)snprintf(path, sizeof(path), "%s/records", b->dir);
	assert_int_equal(file_write(path, records, strlen(records), 0600, 0,
			     NULL),
	    0);
	str_addf(&script, "#!/bin/sh\necho \"$@\" >%s/args\n/bin/cat %s\n%s\n",
	    b->dir, path, after);
	(void)snprintf(path, sizeof(path), "%s/journalctl", b->dir);
	assert_int_equal(file_write(path, script.p, script.n, 0755, 0, NULL),
	    0);
	str_clear(&script);
	setenv("PATH", b->dir, 1);
	return old;
}

static int
journal(struct bench *b, const char *records, const char *after)
{
	char *old = fake_journal(b, records, after), *end = NULL;
	struct seen from = {.since = NOW};
	int r;

	from.place = b->s.place != NULL ? str_dup(b->s.place) : NULL;
	b->take.lost = 0;
	str_reset(&b->told);
	r = login_journal_read(&from, &b->take, &end, NULL);
	free(end);
	free(from.place);
	setenv("PATH", old, 1);
	free(old);
	return r;
}

#define AT(n)                                                             \
	"{\"__CURSOR\":\"c" n "\",\"__REALTIME_TIMESTAMP\":\"177244560" n \
	"000000\",\"_BOOT_ID\":\"" BOOT "\",\"_PID\":\"811\","
#define MSG(m)   "\"MESSAGE\":\"" m "\"}\n"
#define SSHD(id) "\"SYSLOG_IDENTIFIER\":\"" id "\","
#define ROOT     "\"_UID\":\"0\","
#define USER     "\"_UID\":\"4294967294\","
#define EXE(p)   "\"_EXE\":\"" p "\","
#define UNIT(u)  "\"_SYSTEMD_UNIT\":\"" u "\","
#define CAPS(c)  "\"_CAP_EFFECTIVE\":\"" c "\","
#define NEW                                                               \
	"\"MESSAGE_ID\":\"8d45620c1a4348dbb17410da57c60c66\",\"LEADER\":" \
	"\"811\",\"SESSION_ID\":\"7\","

#define OVER                                                              \
	"\"MESSAGE_ID\":\"3354939424b4456d9802ca8333ed424a\",\"LEADER\":" \
	"\"811\",\"SESSION_ID\":\"7\","

static const struct {
	const char *name, *record, *told;
	uint64_t lost;
} records[] = {
    {"sshd",
	AT("1") ROOT SSHD("sshd") EXE("/usr/sbin/sshd") UNIT("ssh.service")
	    MSG("x"),
	"sshd+1 811 x|", 0},
    {"sshd-session (9.8), socket-activated",
	AT("1") ROOT SSHD("sshd-session") EXE("/usr/lib/openssh/sshd-session")
	    UNIT("ssh@3-1.service") MSG("x"),
	"sshd+1 811 x|", 0},
    {"one that was replaced since, in its user's session",
	AT("1") ROOT SSHD("sshd") EXE("/usr/sbin/sshd (deleted)")
	    UNIT("session-7.scope") MSG("x"),
	"sshd+1 811 x|", 0},
    {"by a socket of this machine alone",
	AT("1") ROOT SSHD("sshd-session") EXE("/usr/lib/openssh/sshd-session")
	    UNIT("sshd-unix-local@0-1001-1000.service") MSG("x"),
	"sshd+1 811 x|", 0},
    {"a second one",
	AT("1") ROOT SSHD("sshd") EXE("/usr/sbin/sshd")
	    UNIT("ssh-second.service") MSG("x"),
	"sshd+1 811 x|", 0},
    {"one that had ended", AT("1") ROOT SSHD("sshd") MSG("x"), "sshd+1 811 x|",
	0},
    {"bytes that are no text",
	AT("1") ROOT SSHD("sshd") "\"MESSAGE\":[65,255,66]}\n",
	"sshd+1 811 A\xff"
	"B|",
	0},
    {"a user's logger -t sshd",
	AT("1") USER SSHD("sshd") EXE("/usr/bin/logger") MSG("x"), "", 0},
    {"a user's own sshd",
	AT("1") USER SSHD("sshd") EXE("/usr/sbin/sshd")
	    UNIT("user@1000.service") MSG("x"),
	"", 0},
    {"one of no user", AT("1") SSHD("sshd") MSG("x"), "", 0},
    {"root's, of another program",
	AT("1") ROOT SSHD("sshd") EXE("/usr/bin/logger") MSG("x"), "", 0},
    {"root's, from a place of somebody's",
	AT("1") ROOT SSHD("sshd") EXE("/home/a/usr/sbin/sshd") MSG("x"), "", 0},
    {"root's, of another unit",
	AT("1") ROOT SSHD("sshd") EXE("/usr/sbin/sshd") UNIT("x.service")
	    MSG("x"),
	"", 0},
    {"sudo, of an account that has no name",
	AT("1") USER SSHD("sudo") EXE("/usr/bin/sudo")
	    CAPS("1ffffffffff") "\"_SYSTEMD_SESSION\":\"7\"," MSG("root : x"),
	"sudo+1 811 root : x by uid=4294967294 in 7|", 0},
    {"sudo of root's",
	AT("1") ROOT SSHD("sudo") EXE("/usr/bin/sudo") MSG("root : x"),
	"sudo+1 811 root : x by root|", 0},
    {"sudo where there is no logind",
	AT("1") ROOT SSHD("sudo")
	    EXE("/usr/bin/sudo") "\"_AUDIT_SESSION\":\"9\"," MSG("x"),
	"sudo+1 811 x by root in 9|", 0},
    {"a user's logger -t sudo",
	AT("1") USER SSHD("sudo") EXE("/usr/bin/logger") CAPS("0") MSG("x"), "",
	0},
    {"a sudo that its user traces",
	AT("1") USER SSHD("sudo") EXE("/usr/bin/sudo") CAPS("0000000000000000")
	    MSG("x"),
	"", 0},
    {"a sudo of which nothing is known", AT("1") USER SSHD("sudo") MSG("x"),
	"sudo+1 811 x by uid=4294967294 perhaps|", 0},
    {"a session of logind's",
	AT("1") ROOT UNIT("systemd-logind.service") NEW MSG("New session 7."),
	"logind+1 811 New session 7. in 7 of 811|", 0},
    {"its end",
	AT("1") ROOT UNIT("systemd-logind.service")
	    OVER MSG("Removed session 7."),
	"logind+1 811 Removed session 7. in 7 of 811 over|", 0},
    {"an end that is another's",
	AT("1") USER UNIT("systemd-logind.service") OVER MSG("x"), "", 0},
    {"one of another's",
	AT("1") USER UNIT("systemd-logind.service") NEW MSG("x"), "", 0},
    {"one of another unit", AT("1") ROOT UNIT("x.service") NEW MSG("x"), "", 0},
    {"two messages in one",
	AT("1") ROOT SSHD("sshd") "\"MESSAGE\":[\"a\",\"b\"]}\n", "", 1},
    {"no message", AT("1") ROOT SSHD("sshd") "\"MESSAGE\":null}\n", "", 1},
    {"no JSON", "journal: damaged\n", "", 1},
    {"no place", "{\"MESSAGE\":\"x\"}\n", "", 1},
};

static void
records_are_believed_for_what_journald_says_of_them(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		free(b->s.place);
		b->s.place = NULL;
		assert_int_equal(journal(b, records[i].record, ""), 0);
		if (strcmp(b->told.p, records[i].told) != 0 ||
		    b->take.lost != records[i].lost)
			fail_msg("%s: %s, lost %" PRIu64, records[i].name,
			    b->told.p, b->take.lost);
	}
}

static void
a_journal_is_read_from_where_it_was_left(void **state)
{
	struct bench *b = *state;
	char path[TMPDIR_MAX + 20], *args;
	size_t n;

	assert_int_equal(journal(b, AT("1") ROOT SSHD("sshd") MSG("x"), ""), 0);
	assert_string_equal(b->s.place, "c1");
	/* The one at the place comes first, and is not told again. */
	assert_int_equal(journal(b,
			     AT("1") ROOT SSHD("sshd") MSG("x") AT("2")
				 ROOT SSHD("sshd") MSG("y"),
			     ""),
	    0);
	assert_string_equal(b->told.p, "sshd+2 811 y|");
	assert_int_equal(b->take.lost, 0);
	(void)snprintf(path, sizeof(path), "%s/args", b->dir);
	assert_int_equal(file_read(path, 4096, &args, &n, NULL), 0);
	assert_non_null(strstr(args, " --cursor=c1 _UID=0 "));
	free(args);
}

static void
a_place_that_is_gone_is_counted(void **state)
{
	struct bench *b = *state;

	b->s.place = str_dup("c1");
	assert_int_equal(journal(b, AT("3") ROOT SSHD("sshd") MSG("x"), ""), 0);
	assert_string_equal(b->told.p, "sshd+3 811 x|");
	assert_int_equal(b->take.lost, 1);
	assert_false(b->take.gone);
	assert_int_equal(journal(b, "", ""), 0);
	assert_int_equal(b->take.lost, 1);
	assert_true(b->take.gone);
}

static void
what_journalctl_cannot_is_said(void **state)
{
	struct bench *b = *state;

	b->s.place = str_dup("c1");
	assert_int_equal(journal(b, "", "exit 1"), ERR_SYS);
	assert_false(b->take.gone);
	assert_int_equal(b->take.lost, 0);
}

static void
whoever_has_enough_stops_journalctl(void **state)
{
	struct bench *b = *state;

	b->enough = 1;
	assert_int_equal(journal(b,
			     AT("1") ROOT SSHD("sshd") MSG("x") AT("2")
				 ROOT SSHD("sshd") MSG("y"),
			     "while :; do /bin/sleep 1; done"),
	    0);
	assert_string_equal(b->told.p, "sshd+1 811 x|");
	assert_string_equal(b->s.place, "c1");
}

#define B(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    B(a_file_is_read_from_where_it_was_left),
	    B(a_file_that_was_put_aside_is_read_to_its_end),
	    B(what_is_gone_is_counted),
	    B(a_file_that_was_emptied_or_is_another_is_counted),
	    B(a_file_that_was_copied_and_emptied_is_read_whole),
	    B(a_line_of_a_mebibyte_is_lost_and_the_next_is_not),
	    B(old_times_have_the_year_that_they_can_have),
	    B(whoever_has_enough_goes_on_from_there),
	    B(a_line_that_syslog_counts_is_told_as_often),
	    B(what_syslog_counts_is_bounded),
	    B(whoever_has_enough_of_what_syslog_counts_goes_on_from_there),
	    B(what_is_no_file_is_refused),
	    B(memory_may_run_out_anywhere),
	    B(records_are_believed_for_what_journald_says_of_them),
	    B(a_journal_is_read_from_where_it_was_left),
	    B(a_place_that_is_gone_is_counted),
	    B(what_journalctl_cannot_is_said),
	    B(whoever_has_enough_stops_journalctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
