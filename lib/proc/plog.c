/* SPDX-License-Identifier: ISC */
#include "lib/proc/plog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/str.h"

#define VALUE_MAX 1024
/* As many bytes as a pipe takes in one piece (PIPE_BUF), so that lines of
 * several processes that share one stay whole. */
#define HELD_MAX 4096

/* The one log that a process has: set at start, read by any thread after. */
static struct {
	const char *name;
	enum plog_level most;
	bool json, journal;
} plog_to = {.name = "writ", .most = PLOG_INFO};

/* Lines of a thread that holds them. */
static _Thread_local struct {
	bool on;
	size_t n;
	char at[HELD_MAX];
} held;

/* What systemd says it connected is what standard error still is. */
static bool
is_journal(void)
{
	const char *said = getenv("JOURNAL_STREAM");
	char is[64];
	struct stat st;

	if (said == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	(void)snprintf(is, sizeof(is), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(said, is) == 0;
}

void
plog_init(const char *name, enum plog_level most)
{
	plog_to.name = name;
	plog_to.most = most;
	plog_to.journal = is_journal();
}

void
plog_json(bool on)
{
	plog_to.json = on;
}

static const char *
level_name(enum plog_level level)
{
	switch (level) {
	case PLOG_ERR:
		return "error";
	case PLOG_WARN:
		return "warning";
	case PLOG_INFO:
		return "info";
	case PLOG_DEBUG:
		break;
	}
	return "debug";
}

static void
add_clean(struct str *s, const char *v, size_t n, bool quote)
{
	for (size_t i = 0; i < n; i++) {
		if (quote && (v[i] == '"' || v[i] == '\\'))
			str_addc(s, '\\');
		str_addc(s, v[i]);
	}
}

/*
 * Clean text as it is, every other byte as \xNN; with quote a backslash before
 * '"' and '\'.  Cut where it is longer than VALUE_MAX.
 */
static void
add_escaped(struct str *s, const char *v, bool quote)
{
	size_t left = strnlen(v, VALUE_MAX + 1), good;
	bool cut = left > VALUE_MAX;

	if (cut)
		left = VALUE_MAX;
	while (left > 0) {
		if (text_is_clean(v, left, &good))
			good = left;
		add_clean(s, v, good, quote);
		if (good < left) {
			str_addf(s, "\\x%02x", (unsigned)(uint8_t)v[good]);
			good++;
		}
		v += good;
		left -= good;
	}
	if (cut)
		str_add(s, "...");
}

static void
add_value(struct str *s, const char *v)
{
	size_t n = strlen(v);
	bool bare =
	    n > 0 && strcspn(v, " \"\\=") == n && text_is_clean(v, n, NULL);

	if (!bare)
		str_addc(s, '"');
	add_escaped(s, v, !bare);
	if (!bare)
		str_addc(s, '"');
}

/* A line in the making: plain, or an object. */
struct line {
	struct str s;
	struct jw w;
};

static void
line_begin(struct line *l, enum plog_level level, const char *msg)
{
	char when[CLOCK_TEXT];

	str_init(&l->s);
	clock_format(clock_now(), when);
	if (plog_to.json) {
		jw_init(&l->w, &l->s, false);
		jw_begin(&l->w, NULL, '{');
		jw_str(&l->w, "time", when);
		jw_str(&l->w, "level", level_name(level));
		jw_str(&l->w, "process", plog_to.name);
		jw_str(&l->w, "msg", msg);
		return;
	}
	if (plog_to.journal)
		str_addf(&l->s, "<%d>", level);
	else
		str_addf(&l->s, "%s ", when);
	str_addf(&l->s, "%s: %s", plog_to.name, msg);
}

/*
 * An object's strings must be UTF-8, so there unclean bytes are spelled as in
 * the plain form, and the writer escapes the backslash before them.
 */
static void
line_add(struct line *l, const char *key, const char *value)
{
	struct str clean;

	if (!plog_to.json) {
		str_addf(&l->s, " %s=", key);
		add_value(&l->s, value);
		return;
	}
	str_init(&clean);
	add_escaped(&clean, value, false);
	if (clean.failed)
		l->s.failed = true;
	jw_str(&l->w, key, clean.p);
	str_clear(&clean);
}

static void
line_addv(struct line *l, va_list ap)
{
	const char *key, *value;

	while ((key = va_arg(ap, const char *)) != NULL &&
	    (value = va_arg(ap, const char *)) != NULL)
		line_add(l, key, value);
}

/* Whoever logs cannot do anything about a log that fails. */
static void
put(const char *p, size_t n)
{
	int saved = errno;

	if (n > 0)
		(void)!fd_write_all(STDERR_FILENO, p, n, NULL);
	errno = saved;
}

void
plog_hold(bool on)
{
	plog_flush();
	held.on = on;
}

void
plog_flush(void)
{
	put(held.at, held.n);
	held.n = 0;
}

/* What is no news but trouble is not held. */
static void
put_line(enum plog_level level, const char *p, size_t n)
{
	if (!held.on) {
		put(p, n);
		return;
	}
	if (n > HELD_MAX - held.n)
		plog_flush();
	if (n > HELD_MAX) {
		put(p, n);
		return;
	}
	memcpy(held.at + held.n, p, n);
	held.n += n;
	if (level <= PLOG_WARN)
		plog_flush();
}

static void
line_end(struct line *l, enum plog_level level, const char *msg)
{
	char last[256];
	const char *p = last;
	int saved = errno;
	size_t n;

	if (plog_to.json)
		jw_end(&l->w, '}');
	str_addc(&l->s, '\n');
	if (str_check(&l->s) == 0) {
		p = l->s.p;
		n = l->s.n;
	} else {
		(void)snprintf(last, sizeof(last), "<%d>%s: %.200s\n", level,
		    plog_to.name, msg);
		n = strlen(last);
	}
	put_line(level, p, n);
	str_clear(&l->s);
	errno = saved;
}

void
plog(enum plog_level level, const char *msg, ...)
{
	struct line l;
	va_list ap;

	if (level > plog_to.most)
		return;
	line_begin(&l, level, msg);
	va_start(ap, msg);
	line_addv(&l, ap);
	va_end(ap);
	line_end(&l, level, msg);
}

void
plog_err(enum plog_level level, const struct err *e, const char *msg, ...)
{
	struct line l;
	va_list ap;

	if (level > plog_to.most)
		return;
	line_begin(&l, level, msg);
	va_start(ap, msg);
	line_addv(&l, ap);
	va_end(ap);
	line_add(&l, "error", e->msg[0] != '\0' ? e->msg : err_text(e->code));
	if (e->hint[0] != '\0')
		line_add(&l, "hint", e->hint);
	line_end(&l, level, msg);
}
