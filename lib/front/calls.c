/* SPDX-License-Identifier: ISC */
#include "lib/front/calls.h"

#include <string.h>

#include "lib/front/messages.h"

#define CALL_WORDS_MAX 32768 /* bytes of exec words */
#define STATEMENTS_MAX 200   /* of one call */

const struct call_row *
call_find(const struct call_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].name, name) == 0)
			return &t->v[i];
	return NULL;
}

static const struct call_row *
find_slice(const struct call_table *t, struct slice name)
{
	for (size_t i = 0; i < t->n; i++)
		if (slice_is(name, t->v[i].name))
			return &t->v[i];
	return NULL;
}

bool
call_next_word(const char **rest, struct slice *out)
{
	const char *p = *rest + strspn(*rest, " ");
	size_t n = strcspn(p, " ");

	*rest = p + n;
	*out = slice_of(p, n);
	return n > 0;
}

const struct call_row *
call_of_words(const struct call_table *t, const char *words)
{
	struct slice name;

	return call_next_word(&words, &name) ? find_slice(t, name) : NULL;
}

const struct call_row *
call_of_guest(const struct call_table *t, struct slice json)
{
	static const char head[] = "{\"call\":\"";
	const size_t n_head = sizeof(head) - 1;
	const struct call_row *row;
	const uint8_t *end;
	struct slice name;

	if (json.n <= n_head || memcmp(json.p, head, n_head) != 0)
		return NULL;
	name = slice_of(json.p + n_head, json.n - n_head);
	if ((end = memchr(name.p, '"', name.n)) == NULL)
		return NULL;
	name.n = (size_t)(end - name.p);
	row = find_slice(t, name);
	return row != NULL && row->guest ? row : NULL;
}

/* --- words ---------------------------------------------------------------- */

void
call_put_word(struct jw *w, const char *key, struct slice word)
{
	jw_strn(w, key, (const char *)word.p, word.n);
}

bool
call_words_none(struct jw *w, const char *rest)
{
	struct slice word;

	(void)w;
	return !call_next_word(&rest, &word);
}

bool
call_words_ids(struct jw *w, const char *rest)
{
	struct slice word;
	size_t n = 0;

	jw_begin(w, "ids", '[');
	for (; call_next_word(&rest, &word); n++)
		call_put_word(w, NULL, word);
	jw_end(w, ']');
	return n > 0;
}

bool
call_words_id(struct jw *w, const char *rest)
{
	struct slice word;

	if (!call_next_word(&rest, &word))
		return false;
	call_put_word(w, "id", word);
	return !call_next_word(&rest, &word);
}

/* --- statements on standard input --------------------------------------------
 */

/* The line at the front of s, with its LF where it has one. */
static struct slice
first_line(struct slice s)
{
	const uint8_t *lf = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;

	return slice_of(s.p, lf != NULL ? (size_t)(lf - s.p) + 1 : s.n);
}

static int
check_line(struct slice line, size_t number, struct err *e)
{
	size_t n = line.n;

	if (n > 0 && line.p[n - 1] == '\n')
		n--;
	if (text_is_clean((const char *)line.p, n, NULL))
		return 0;
	return err_set(e, ERR_PARSE,
	    "line %zu of standard input is not clean text", number);
}

/*
 * Statements one after another, as cat(1) puts them: each begins with its line
 * of JSON, and no line of a signature block begins with a brace.
 */
static int
put_statements(struct jw *w, const char *call, struct slice input,
    struct err *e)
{
	struct slice line, one;
	size_t number = 0, n = 0;
	int r;

	if (input.n == 0)
		return err_set(e, ERR_USAGE,
		    "%s reads statements from standard input, and none came",
		    call);
	if (input.p[0] != '{')
		return err_set(e, ERR_PARSE,
		    "standard input does not begin "
		    "with a statement, which is a line of JSON");
	jw_begin(w, "statements", '[');
	for (one = slice_of(input.p, 0); input.n > 0;
	     input = slice_of(input.p + line.n, input.n - line.n)) {
		line = first_line(input);
		if ((r = check_line(line, ++number, e)) != 0)
			return r;
		if (line.p[0] == '{' && one.n > 0) {
			call_put_word(w, NULL, one);
			one = slice_of(line.p, 0);
		}
		if (line.p[0] == '{' && ++n > STATEMENTS_MAX)
			return err_set(e, ERR_LIMIT,
			    "more than %d statements in one %s", STATEMENTS_MAX,
			    call);
		one.n += line.n;
	}
	call_put_word(w, NULL, one);
	jw_end(w, ']');
	return 0;
}

static int
find_row(const struct call_table *t, const char *words,
    const struct call_row **out, struct err *e)
{
	char quoted[QUOTE_MAX];
	struct slice name;
	size_t bad;

	if (strlen(words) > CALL_WORDS_MAX)
		return err_set(e, ERR_LIMIT,
		    "the command is longer than %d bytes", CALL_WORDS_MAX);
	if (!text_is_clean(words, strlen(words), &bad))
		return err_set(e, ERR_PARSE,
		    "the command is not clean text at byte %zu", bad + 1);
	if ((*out = call_of_words(t, words)) == NULL) {
		if (call_next_word(&words, &name))
			(void)err_set(e, ERR_USAGE, "no call has the name %s",
			    str_quoten(quoted, (const char *)name.p, name.n));
		else
			(void)err_set(e, ERR_USAGE, "no call was named");
		err_hint(e, "the call 'help' lists them");
		return ERR_USAGE;
	}
	if ((*out)->words == NULL) {
		(void)err_set(e, ERR_USAGE,
		    "'%s' is for programs, by the subsystem writ",
		    (*out)->name);
		return ERR_USAGE;
	}
	return 0;
}

int
call_from_words(const struct call_table *t, const char *words,
    struct slice input, struct str *out, struct err *e)
{
	const struct call_row *row = NULL;
	struct str s = STR_INIT;
	struct slice name;
	struct jw w;
	int r;

	if ((r = find_row(t, words, &row, e)) != 0)
		return r;
	(void)call_next_word(&words, &name);
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", row->name);
	if (!row->words(&w, words)) {
		r = err_set(e, ERR_USAGE, "usage: %s %s", row->name,
		    row->operands);
		goto out;
	}
	if (row->input && (r = put_statements(&w, row->name, input, e)) != 0)
		goto out;
	jw_end(&w, '}');
	if (str_check(&s) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if (s.n > CALL_MAX) {
		r = err_set(e, ERR_LIMIT, "more than %d bytes in one call",
		    CALL_MAX);
		goto out;
	}
	str_addn(out, s.p, s.n);
	if (str_check(out) != 0)
		r = err_nomem(e);
out:
	str_clear(&s);
	return r;
}

void
call_help(const struct call_table *t, struct str *out)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].words != NULL)
			str_addf(out, "%s %s\n    %s\n", t->v[i].name,
			    t->v[i].operands, t->v[i].help);
}
