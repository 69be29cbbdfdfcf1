/* SPDX-License-Identifier: ISC */
#include "agent/states/sshd_lines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
line_clear(struct sshd_config_line *l)
{
	free(l->word);
	free(l->rest);
	strs_clear(&l->args);
}

void
sshd_lines_clear(struct sshd_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		line_clear(&l->v[i]);
	free(l->v);
	*l = (struct sshd_lines){0};
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

/* One word from *p on, quotes taken off; appended to out. */
static int
next_word(const char **p, const char *end, struct strs *out)
{
	struct str s = STR_INIT;
	const char *c = *p;
	char quote = '\0';
	int r;

	for (; c < end && (quote != '\0' || !is_blank(*c)); c++) {
		if (quote != '\0' && *c == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*c == '"' || *c == '\'')) {
			quote = *c;
		} else if (*c == '\\' && c + 1 < end &&
		    (c[1] == '"' || c[1] == '\'' || c[1] == '\\' ||
			(quote == '\0' && c[1] == ' '))) {
			str_addc(&s, *++c);
		} else {
			str_addc(&s, *c);
		}
	}
	*p = c;
	if ((r = str_check(&s)) == 0)
		r = out->n < SSHD_LINE_WORDS_MAX ? strs_addn(out, s.p, s.n)
						 : ERR_LIMIT;
	str_clear(&s);
	return r;
}

static int
read_args(const char *p, const char *end, struct strs *out)
{
	int r = 0;

	while (r == 0) {
		while (p < end && is_blank(*p))
			p++;
		if (p == end || *p == '#')
			break;
		r = next_word(&p, end, out);
	}
	return r;
}

/* "User=a", "User =a" and "User = a" are "User a" to a Match. */
static int
part_criteria(struct strs *args)
{
	struct strs out = {0};
	bool value = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < args->n; i++) {
		const char *s = args->v[i];
		size_t n = value ? 0 : strcspn(s, "=");

		if (!value) {
			r = strs_addn(&out, s, n);
			value = true;
		}
		s += n + (s[n] == '=');
		if (r == 0 && *s != '\0') {
			r = strs_add(&out, s);
			value = false;
		}
	}
	strs_clear(args);
	*args = out;
	return r;
}

/* A line may begin with blanks and, as sshd has it, one `=` among them. */
static const char *
skip_start(const char *p, const char *end)
{
	bool equals = false;

	while (p < end && (is_blank(*p) || (*p == '=' && !equals)))
		equals |= *p++ == '=';
	return p;
}

/* p to end is one line without its end; *out is empty where it says nothing. */
static int
read_line(const char *p, const char *end, struct sshd_config_line *out)
{
	const char *from;
	int r;

	while (end > p && is_blank(end[-1]))
		end--;
	p = skip_start(p, end);
	if (p == end || *p == '#')
		return 0;
	for (from = p; p < end && !is_blank(*p) && *p != '=' && *p != '"';)
		p++;
	/* A quoted keyword is sshd's too. */
	if (p == from && *p == '"') {
		from = ++p;
		while (p < end && *p != '"')
			p++;
	}
	out->word = str_dupn(from, (size_t)(p - from));
	if (p < end && *p == '"')
		p++;
	while (p < end && is_blank(*p))
		p++;
	if (p < end && *p == '=')
		p++;
	while (p < end && is_blank(*p))
		p++;
	out->rest = str_dupn(p, (size_t)(end - p));
	if (out->word == NULL || out->rest == NULL)
		return ERR_NOMEM;
	r = read_args(p, end, &out->args);
	if (r == 0 && strcasecmp(out->word, "Match") == 0)
		r = part_criteria(&out->args);
	return r;
}

int
sshd_lines_parse(const char *file, struct slice text, struct sshd_lines *out,
    struct err *e)
{
	const char *start = text.n > 0 ? (const char *)text.p : "";
	const char *p = start, *end = start + text.n;
	struct sshd_lines l = {0};
	unsigned line = 0;
	int r = 0;

	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return err_set(e, ERR_PARSE,
		    "%s: a NUL byte, expected lines of text", file);
	while (r == 0 && p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		struct sshd_config_line one = {.offset = (size_t)(p - start)};

		one.line = ++line;
		if (eol == NULL)
			eol = end;
		if (line > SSHD_LINES_MAX || eol - p > SSHD_LINE_MAX)
			r = ERR_LIMIT;
		else if ((r = read_line(p, eol, &one)) == 0 && one.word != NULL)
			r = vec_grow(&l.v, l.n, &l.cap, SSHD_LINES_MAX);
		if (r == 0 && one.word != NULL)
			l.v[l.n++] = one;
		else
			line_clear(&one);
		p = eol < end ? eol + 1 : end;
	}
	if (r != 0) {
		sshd_lines_clear(&l);
		if (r == ERR_LIMIT)
			return err_set(e, r,
			    "%s:%u: too long for us, expected at most %d lines "
			    "of %d bytes and %d words",
			    file, line, SSHD_LINES_MAX, SSHD_LINE_MAX,
			    SSHD_LINE_WORDS_MAX);
		return err_nomem(e);
	}
	*out = l;
	return 0;
}
