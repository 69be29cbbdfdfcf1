/* SPDX-License-Identifier: ISC */
/* The journal, as journalctl(1) gives it out: a JSON object a line. */
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/minion/login_log.h"
#include "lib/base/json.h"
#include "lib/proc/child.h"

#define RECORD_MAX (2 * LOGIN_LINE_MAX) /* bytes of a record as JSON */
#define READ_MS    120000
/* Of logind: a session has begun, or ended. */
#define NEW_SESSION  "8d45620c1a4348dbb17410da57c60c66"
#define OVER_SESSION "3354939424b4456d9802ca8333ed424a"
#define SUDO_PATH    "/usr/bin/sudo"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* What is asked for: alternatives, "+" between them; in each, all fields. */
static const char *const matches[] = {"_UID=0", "SYSLOG_IDENTIFIER=sshd",
    "SYSLOG_IDENTIFIER=sshd-session", "SYSLOG_IDENTIFIER=sshd-auth", "+",
    "SYSLOG_IDENTIFIER=sudo", "+", "_UID=0",
    "_SYSTEMD_UNIT=systemd-logind.service",
    "MESSAGE_ID=8d45620c1a4348dbb17410da57c60c66",
    "MESSAGE_ID=3354939424b4456d9802ca8333ed424a"};

static const char *const sshd_programs[] = {
    "sshd", "sshd-session", "sshd-auth"};
/* "*" at the end: whatever follows.  A session's is where sshd goes with a user;
 * with a hyphen, those that systemd-ssh-generator makes for sockets that are not
 * of a network, and second ones beside the first.  All are root's to name. */
static const char *const sshd_units[] = {"ssh.service", "sshd.service", "ssh@*",
    "sshd@*", "ssh-*", "sshd-*", "session-*"};

struct reading {
	const struct seen *from;
	struct login_take *take;
	bool begun; /* the record at the place was looked at */
	char *last; /* the place of the last record */
};

static const char *
text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static bool
is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static bool
is_among(const char *s, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		if (names[i][len - 1] == '*'
			? strncmp(s, names[i], len - 1) == 0
			: strcmp(s, names[i]) == 0)
			return true;
	}
	return false;
}

/* Its last part, without what the kernel adds where the file was replaced. */
static bool
is_program(const char *exe, const char *const *names, size_t n)
{
	const char *base = strrchr(exe, '/');
	char name[32];
	size_t len;

	if (strncmp(exe, "/usr/", 5) != 0 || base == NULL)
		return false;
	base++;
	len = strcspn(base, " ");
	if (len >= sizeof(name) ||
	    (base[len] != '\0' && strcmp(base + len, " (deleted)") != 0))
		return false;
	memcpy(name, base, len);
	name[len] = '\0';
	return is_among(name, names, n);
}

/* A process that had ended when journald looked has no program and no unit; that
 * it was root's the kernel said with the line itself. */
static bool
is_sshd(const json_t *o)
{
	const char *exe = text(o, "_EXE"), *unit = text(o, "_SYSTEMD_UNIT");
	const char *ident = text(o, "SYSLOG_IDENTIFIER");

	return ident != NULL && is(text(o, "_UID"), "0") &&
	    is_among(ident, sshd_programs, N(sshd_programs)) &&
	    (exe == NULL || is_program(exe, sshd_programs, N(sshd_programs))) &&
	    (unit == NULL || is_among(unit, sshd_units, N(sshd_units)));
}

/* A traced one, which is its user's to write into, has no capabilities. */
static bool
is_sudo(const json_t *o)
{
	const char *exe = text(o, "_EXE"), *caps = text(o, "_CAP_EFFECTIVE");

	if (is(text(o, "_UID"), "0"))
		return exe == NULL || is(exe, SUDO_PATH);
	return is(exe, SUDO_PATH) && caps != NULL &&
	    caps[strspn(caps, "0")] != '\0';
}

static bool
is_logind(const json_t *o)
{
	return is(text(o, "_UID"), "0") &&
	    is(text(o, "_SYSTEMD_UNIT"), "systemd-logind.service") &&
	    (is(text(o, "MESSAGE_ID"), NEW_SESSION) ||
		is(text(o, "MESSAGE_ID"), OVER_SESSION)) &&
	    text(o, "SESSION_ID") != NULL;
}

static uint64_t
number(const json_t *o, const char *key)
{
	const char *s = text(o, key);
	uint64_t n = 0;

	return s != NULL && parse_u64(s, 0, UINT64_MAX, &n) == 0 ? n : 0;
}

/* What the kernel says who it was; "uid=N" of one without a name. */
static void
name_account(const json_t *o, struct str *out)
{
	uint64_t uid = number(o, "_UID");
	const struct passwd *pw =
	    uid <= UINT32_MAX ? getpwuid((uid_t)uid) : NULL;

	if (pw != NULL)
		str_add(out, pw->pw_name);
	else
		str_addf(out, "uid=%" PRIu64, uid);
}

/* A text, or numbers where it is none in UTF-8.  false: several, or none. */
static bool
message(const json_t *o, struct str *out)
{
	const json_t *m = json_object_get(o, "MESSAGE");

	if (json_is_string(m)) {
		str_addn(out, json_string_value(m), json_string_length(m));
		return true;
	}
	for (size_t i = 0; i < json_array_size(m); i++) {
		const json_t *c = json_array_get(m, i);

		if (!json_is_integer(c) || json_integer_value(c) < 0 ||
		    json_integer_value(c) > 255)
			return false;
		str_addc(out, (char)json_integer_value(c));
	}
	return json_is_array(m);
}

static int
give(struct reading *r, const json_t *o, enum seen_from from, struct err *e)
{
	struct str msg = STR_INIT, account = STR_INIT;
	struct seen_line line = {.from = from,
	    .at = (int64_t)(number(o, "__REALTIME_TIMESTAMP") / 1000000),
	    .pid = number(o, "_PID"),
	    .boot = text(o, "_BOOT_ID"),
	    .is_doubtful = from == SEEN_SUDO && !is_sudo(o),
	    .leader = number(o, "LEADER"),
	    .is_over = is(text(o, "MESSAGE_ID"), OVER_SESSION)};
	int res = 0;

	line.scope = text(o,
	    from == SEEN_LOGIND                       ? "SESSION_ID"
		: text(o, "_SYSTEMD_SESSION") != NULL ? "_SYSTEMD_SESSION"
						      : "_AUDIT_SESSION");
	if (line.boot == NULL)
		line.boot = "";
	if (!message(o, &msg)) {
		r->take->lost++;
		goto out;
	}
	if (from == SEEN_SUDO)
		name_account(o, &account);
	if (str_check(&msg) != 0 || str_check(&account) != 0) {
		res = err_nomem(e);
		goto out;
	}
	line.text = slice_of(msg.p, msg.n);
	line.account = from == SEEN_SUDO ? account.p : NULL;
	res = r->take->line(r->take->arg, &line, text(o, "__CURSOR"), e);
out:
	str_clear(&msg);
	str_clear(&account);
	return res;
}

/* The first one is the last that was taken, or it is gone. */
static bool
is_place(struct reading *r, const char *cursor)
{
	if (r->begun || r->from->place == NULL)
		return false;
	r->begun = true;
	if (is(cursor, r->from->place))
		return true;
	r->take->lost++;
	return false;
}

static int
sort_record(struct reading *r, const json_t *o, struct err *e)
{
	if (is_sshd(o))
		return give(r, o, SEEN_SSHD, e);
	if (is_logind(o))
		return give(r, o, SEEN_LOGIND, e);
	if (!is(text(o, "SYSLOG_IDENTIFIER"), "sudo"))
		return 0;
	/* Of one that ended before journald looked nobody can say whether it was
	   sudo: that is said, of its user. */
	return is_sudo(o) || text(o, "_EXE") == NULL ? give(r, o, SEEN_SUDO, e)
						     : 0;
}

static int
on_record(void *arg, struct slice line, struct err *e)
{
	struct reading *r = arg;
	const char *cursor;
	json_t *o = NULL;
	int res;

	if ((res = json_read(line, RECORD_MAX, &o, e)) == ERR_NOMEM)
		return res;
	cursor = res == 0 ? text(o, "__CURSOR") : NULL;
	if (cursor == NULL || strlen(cursor) > SEEN_PLACE_MAX) {
		r->take->lost++;
		res = 0;
	} else if (!is_place(r, cursor)) {
		free(r->last);
		if ((r->last = str_dup(cursor)) == NULL)
			res = err_nomem(e);
		else
			res = sort_record(r, o, e);
	}
	json_decref(o);
	return res;
}

bool
login_has_journal(void)
{
	static const char *const dirs[] = {
	    "/var/log/journal", "/run/log/journal"};
	struct stat st;

	for (size_t i = 0; i < N(dirs); i++)
		if (stat(dirs[i], &st) == 0 && S_ISDIR(st.st_mode))
			return true;
	return false;
}

int
login_journal_read(const struct seen *from, struct login_take *take, char **end,
    struct err *e)
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	static const char fields[] =
	    "--output-fields=MESSAGE,MESSAGE_ID,SESSION_ID,LEADER,"
	    "SYSLOG_IDENTIFIER,_UID,_PID,_EXE,_CAP_EFFECTIVE,_SYSTEMD_UNIT,"
	    "_SYSTEMD_SESSION,_AUDIT_SESSION";
	struct reading reading = {.from = from, .take = take};
	struct child_lines lines = {.take = on_record, .arg = &reading};
	struct str where = STR_INIT;
	const char *argv[8 + N(matches)] = {"journalctl", "--quiet",
	    "--no-pager", "--all", "--output=json", fields};
	const struct child_run run = {.argv = argv,
	    .env = env,
	    .out_max = RECORD_MAX,
	    .err_through = true,
	    .timeout_ms = READ_MS};
	int r;

	*end = NULL;
	if (from->place != NULL)
		str_addf(&where, "--cursor=%s", from->place);
	else
		str_addf(&where, "--since=@%" PRId64, from->since);
	if (str_check(&where) != 0)
		return err_nomem(e);
	argv[6] = where.p;
	memcpy(&argv[7], matches, sizeof(matches));
	r = child_lines(&run, &lines, e);
	take->lost += lines.too_long;
	if (r == 0 && lines.status > 0)
		r = err_set(e, ERR_SYS, "journalctl ended with status %d",
		    lines.status);
	if (r == 0 && lines.status == 0) {
		take->gone = from->place != NULL && !reading.begun;
		take->lost += take->gone;
		*end = reading.last;
		reading.last = NULL;
	}
	free(reading.last);
	str_clear(&where);
	return r;
}
