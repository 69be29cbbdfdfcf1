/* SPDX-License-Identifier: ISC */
#include "lib/base/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/str.h"

const char *
err_text(int code)
{
	switch (code) {
	case ERR_OK:
		return "success";
#define X(name, value, text) \
	case name:           \
		return text;
		ERR_LIST(X)
#undef X
	default:
		return "unknown error";
	}
}

static const struct {
	int code;
	const char *name;
} names[] = {
#define X(name, value, text) {(value), #name},
    ERR_LIST(X)
#undef X
};

/* "NET" of "ERR_NET". */
static const char *
short_name(size_t i)
{
	return names[i].name + strlen("ERR_");
}

void
err_name(int code, char out[ERR_NAME])
{
	const char *name = "error";
	size_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].code == code)
			name = short_name(i);
	for (; n < ERR_NAME - 1 && name[n] != '\0'; n++)
		out[n] = (char)tolower((unsigned char)name[n]);
	out[n] = '\0';
}

bool
err_is_theirs(int code)
{
	switch (code) {
	case ERR_PARSE:
	case ERR_LIMIT:
	case ERR_DENIED:
	case ERR_BADSIG:
	case ERR_NOTFOUND:
	case ERR_EXISTS:
	case ERR_EXPIRED:
	case ERR_ROLLBACK:
		return true;
	default:
		return false;
	}
}

int
err_from_name(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(short_name(i), name) == 0)
			return names[i].code;
	return 0;
}

/*
 * Make what was printed into out[size] a line that a terminal can show: cut
 * with "..." where it did not fit (len is what vsnprintf wanted), every byte
 * that is not clean text a '?'.  Paths and names of peers come in unquoted, so
 * this is the last place that can hold back an escape sequence.
 */
static void
tidy(char *out, size_t size, int len)
{
	size_t n = strlen(out), bad;

	if (len < 0)
		len = snprintf(out, size, "message could not be formatted");
	if ((size_t)len >= size && n >= 3) {
		n -= 3;
		while (n > 0 && ((unsigned char)out[n] & 0xc0) == 0x80)
			n--;
		memcpy(out + n, "...", 4);
	}
	while (!text_is_clean(out, strlen(out), &bad))
		out[bad] = '?';
}

int
err_vset(struct err *e, int code, const char *fmt, va_list ap)
{
	int saved = errno, len;
	char msg[sizeof(e->msg)];

	if (e == NULL)
		return code;
	/* By way of msg[]: an argument may be the sentence e holds now. */
	len = vsnprintf(msg, sizeof(msg), fmt, ap);
	tidy(msg, sizeof(msg), len);
	memcpy(e->msg, msg, sizeof(msg));
	e->hint[0] = '\0';
	e->code = (enum err_code)code;
	e->sys_errno = code == ERR_SYS || code == ERR_NET ? saved : 0;
	errno = saved;
	return code;
}

int
err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(e, code, fmt, ap);
	va_end(ap);
	return code;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	int code = saved == ENOMEM ? ERR_NOMEM : ERR_SYS;
	char what[sizeof(e->msg)], why[128];
	va_list ap;

	if (e == NULL)
		return code;
	va_start(ap, fmt);
	if (vsnprintf(what, sizeof(what), fmt, ap) < 0)
		what[0] = '\0';
	va_end(ap);
	errno = saved;
	(void)err_set(e, code, "%s: %s", what,
	    strerror_r(saved, why, sizeof(why)));
	errno = saved;
	return code;
}

void
err_prefix(struct err *e, const char *fmt, ...)
{
	char what[sizeof(e->msg)], msg[sizeof(e->msg)];
	va_list ap;
	int len;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	len = vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	len = snprintf(msg, sizeof(msg), "%s%s%s", what,
	    e->msg[0] != '\0' ? ": " : "", e->msg);
	tidy(msg, sizeof(msg), len);
	memcpy(e->msg, msg, sizeof(msg));
}

void
err_hint(struct err *e, const char *fmt, ...)
{
	char hint[sizeof(e->hint)];
	va_list ap;
	int len;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	len = vsnprintf(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	tidy(hint, sizeof(hint), len);
	memcpy(e->hint, hint, sizeof(hint));
}

int
err_nomem(struct err *e)
{
	return err_set(e, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
}
