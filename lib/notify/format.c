/* SPDX-License-Identifier: ISC */
#include "lib/notify/format.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"

#define SUBJECT_MAX 150 /* bytes of the subject before it is encoded */
#define LINE_MAX_QP 75  /* of quoted-printable, and its soft break */

/* --- the lines of a notice --------------------------------------------------
 */

/* How a medium writes text that we made, and text that somebody typed. */
struct medium {
	void (*plain)(struct str *s, const char *text);
	void (*quoted)(struct str *s, const char *text);
};

static void
add_line(const struct medium *m, struct str *s, const char *label,
    const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	str_addc(s, '\n');
	m->plain(s, label);
	m->quoted(s, text);
}

static void
add_notice(const struct medium *m, struct str *s, const struct notice *n)
{
	m->plain(s, n->text);
	add_line(m, s, "reason: ", n->reason);
	add_line(m, s, "ticket: ", n->ticket);
	if (n->how != NULL && n->how[0] != '\0') {
		str_addc(s, '\n');
		m->plain(s, n->how);
	}
}

/* --- chat ----------------------------------------------------------------- */

/* Slack's three, which others show as they are meant too: without them nobody
 * can make a link that shows another address, or call for everybody. */
static void
chat_plain(struct str *s, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			str_add(s, "&amp;");
		else if (*text == '<')
			str_add(s, "&lt;");
		else if (*text == '>')
			str_add(s, "&gt;");
		else
			str_addc(s, *text);
	}
}

/* As code: no service looks for names, links or markup there. */
static void
chat_quoted(struct str *s, const char *text)
{
	size_t start = s->n;

	str_addc(s, '`');
	chat_plain(s, text);
	if (str_check(s) == 0)
		for (size_t i = start + 1; i < s->n; i++)
			if (s->p[i] == '`')
				s->p[i] = '\'';
	str_addc(s, '`');
}

void
format_chat(const struct notice *n, const struct strs *to, struct str *out)
{
	static const struct medium chat = {chat_plain, chat_quoted};
	struct str text = STR_INIT;
	struct jw w;

	strs_join(to, ", ", &text);
	str_add(&text, ": ");
	add_notice(&chat, &text, n);
	if (str_check(&text) != 0)
		out->failed = true;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_strn(&w, "text", text.p, text.n);
	jw_end(&w, '}');
	str_clear(&text);
}

/* --- mail ----------------------------------------------------------------- */

static void
mail_plain(struct str *s, const char *text)
{
	str_add(s, text);
}

/* Whatever is no blank, printable or ASCII goes as =XX, so that no line of ours
 * can be anything but text of the body. */
static void
add_quoted_printable(struct str *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t width = 0;

	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		bool plain = c > ' ' && c < 0x7f && c != '=' &&
		    !(width == 0 && (c == '.' || c == 'F'));

		if (c == '\n') {
			str_add(out, "\r\n");
			width = 0;
			continue;
		}
		/* A blank that ends a line would be lost. */
		if (c == ' ')
			plain = p[1] != '\n' && p[1] != '\0';
		if (width + (plain ? 1 : 3) > LINE_MAX_QP) {
			str_add(out, "=\r\n");
			width = 0;
		}
		if (plain) {
			str_addc(out, (char)c);
			width++;
		} else {
			str_addc(out, '=');
			str_addc(out, hex[c >> 4]);
			str_addc(out, hex[c & 15]);
			width += 3;
		}
	}
}

/*
 * Encoded words (RFC 2047) of whole characters, 39 bytes each at most; what is
 * ASCII is encoded as well, since then nothing in it has a meaning.
 */
static void
add_subject(struct str *out, const char *text)
{
	size_t left = strlen(text);

	if (left > SUBJECT_MAX)
		left = SUBJECT_MAX;
	while (left > 0 && (text[left] & 0xc0) == 0x80)
		left--;
	str_add(out, "Subject:");
	while (left > 0) {
		size_t n = left < 39 ? left : 39;

		while (n > 1 && n < left && (text[n] & 0xc0) == 0x80)
			n--;
		str_add(out, " =?utf-8?B?");
		str_add_base64(out, text, n);
		str_add(out, "?=\r\n");
		text += n;
		left -= n;
	}
}

static void
add_date(struct str *out, int64_t at)
{
	static const char days[7][4] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c;

	clock_civil(at, &c);
	str_addf(out, "Date: %s, %d %s %lld %02d:%02d:%02d +0000\r\n",
	    days[c.weekday], c.day, months[c.month - 1], (long long)c.year,
	    c.hour, c.min, c.sec);
}

void
format_mail(const struct notice *n, const char *from, const char *address,
    int64_t at, const char *unique, struct str *out)
{
	static const struct medium mail = {mail_plain, mail_plain};
	struct str body = STR_INIT;

	add_date(out, at);
	str_addf(out, "From: <%s>\r\nTo: <%s>\r\n", from, address);
	add_subject(out, n->text);
	str_addf(out, "Message-ID: <%s%s>\r\n", unique, strchr(from, '@'));
	str_add(out,
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	add_notice(&mail, &body, n);
	str_addf(&body, "\n\nnotice: %s\nrequest: %s\n", n->kind, n->id);
	if (str_check(&body) != 0)
		out->failed = true;
	add_quoted_printable(out, body.p);
	str_clear(&body);
}
