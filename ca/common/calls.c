/* SPDX-License-Identifier: ISC */
#include "ca/common/calls.h"

#include <string.h>

#include "ca/common/messages.h"
#include "lib/base/json.h"

#define WORDS_MAX      32768 /* bytes of exec words */
#define STATEMENTS_MAX 200   /* of one submit */
#define WAIT_SECS      43200 /* of an exec wait: until its caller goes */

const struct call_row call_table[] = {
    {CALL_HELLO, "hello", WORDS_NONE, false, "",
	"who you are to this CA, and its policy"},
    {CALL_SUBMIT, "submit", WORDS_NONE, true, "<STATEMENTS",
	"hand in signed statements"},
    {CALL_SHOW, "show", WORDS_IDS, false, "ID...", "requests in full"},
    {CALL_WAIT, "wait", WORDS_ID, false, "ID",
	"news of a request until it is decided"},
    {CALL_FETCH, "fetch", WORDS_ID, false, "ID",
	"the certificate of a request"},
    {CALL_PENDING, "pending", WORDS_FLAGS, false, "[all] [watch]",
	"what waits for your decision"},
    {CALL_STATUS, "status", WORDS_NONE, false, "", "your own requests"},
    {CALL_DECISION, "decision", WORDS_DECISION, false,
	"ID... approve|deny [COMMENT...]", "the line to sign for a decision"},
    {CALL_POLICY, "policy", WORDS_NO_EXEC, false, "", "the policy in force"},
    {CALL_OBJECT, "object", WORDS_NO_EXEC, false, "", "a file of that policy"},
    {CALL_PUT, "put", WORDS_NO_EXEC, false, "", "a file for a push"},
    {CALL_PUSH, "push", WORDS_NO_EXEC, false, "", "put a policy in force"},
    {CALL_STANDING, "standing", WORDS_NO_EXEC, false, "",
	"keys and revocations of the log"},
    {CALL_KRL, "krl", WORDS_NO_EXEC, false, "", "the revocation list"},
    {CALL_WHY, "why", WORDS_PLACE, false, "[[ACCOUNT@]HOST]",
	"what you may have there, and what you lack"},
    {CALL_HELP, "help", WORDS_NONE, false, "", "these lines"},
};
const size_t call_table_n = sizeof(call_table) / sizeof(call_table[0]);

const struct call_row *
call_find(const char *name)
{
	for (size_t i = 0; i < call_table_n; i++)
		if (strcmp(call_table[i].name, name) == 0)
			return &call_table[i];
	return NULL;
}

/* The next word of the rest: what lies before the next blank.  false: none. */
static bool
next_word(const char **rest, struct slice *out)
{
	const char *p = *rest + strspn(*rest, " ");
	size_t n = strcspn(p, " ");

	*rest = p + n;
	*out = slice_of(p, n);
	return n > 0;
}

const struct call_row *
call_of_words(const char *words)
{
	struct slice name;

	if (!next_word(&words, &name))
		return NULL;
	for (size_t i = 0; i < call_table_n; i++)
		if (slice_is(name, call_table[i].name))
			return &call_table[i];
	return NULL;
}

static void
put_word(struct jw *w, const char *key, struct slice s)
{
	jw_strn(w, key, (const char *)s.p, s.n);
}

/*
 * One reader for each way of taking words: false when there are others than it
 * takes.  Whatever a word is, it becomes the value of a JSON string or is
 * compared; nothing else of it reaches w.
 */
typedef bool words_reader(struct jw *w, const char *rest);

static bool
read_none(struct jw *w, const char *rest)
{
	struct slice word;

	(void)w;
	return !next_word(&rest, &word);
}

static bool
read_ids(struct jw *w, const char *rest)
{
	struct slice word;
	size_t n = 0;

	jw_begin(w, "ids", '[');
	for (; next_word(&rest, &word); n++)
		put_word(w, NULL, word);
	jw_end(w, ']');
	return n > 0;
}

static bool
read_id(struct jw *w, const char *rest)
{
	struct slice word;

	if (!next_word(&rest, &word))
		return false;
	put_word(w, "id", word);
	return !next_word(&rest, &word);
}

/* The comment is the rest as it stands: its blanks are the person's. */
static bool
read_decision(struct jw *w, const char *rest)
{
	struct slice word;
	bool verdict = false;
	size_t n = 0, len;

	jw_begin(w, "ids", '[');
	for (; next_word(&rest, &word); n++) {
		verdict = slice_is(word, "approve") || slice_is(word, "deny");
		if (verdict)
			break;
		put_word(w, NULL, word);
	}
	jw_end(w, ']');
	if (!verdict || n == 0)
		return false;
	jw_bool(w, "approve", slice_is(word, "approve"));
	rest += strspn(rest, " ");
	for (len = strlen(rest); len > 0 && rest[len - 1] == ' '; len--)
		;
	if (len > 0)
		jw_strn(w, "comment", rest, len);
	return true;
}

/* A host has no '@'; an account might. */
static bool
read_place(struct jw *w, const char *rest)
{
	struct slice word, host;
	size_t at;

	if (!next_word(&rest, &word))
		return true;
	for (at = word.n; at > 0 && word.p[at - 1] != '@'; at--)
		;
	host = slice_of(word.p + at, word.n - at);
	if (at == 1 || host.n == 0)
		return false;
	if (at > 1)
		put_word(w, "account", slice_of(word.p, at - 1));
	put_word(w, "host", host);
	return !next_word(&rest, &word);
}

static bool
read_flags(struct jw *w, const char *rest)
{
	static const char *const names[] = {"all", "watch"};
	bool seen[] = {false, false};
	struct slice word;
	size_t i;

	while (next_word(&rest, &word)) {
		for (i = 0; i < 2 && !slice_is(word, names[i]); i++)
			;
		if (i == 2)
			return false;
		seen[i] = true;
	}
	for (i = 0; i < 2; i++)
		if (seen[i])
			jw_bool(w, names[i], true);
	return true;
}

static words_reader *const readers[] = {
    [WORDS_NONE] = read_none,
    [WORDS_IDS] = read_ids,
    [WORDS_ID] = read_id,
    [WORDS_DECISION] = read_decision,
    [WORDS_PLACE] = read_place,
    [WORDS_FLAGS] = read_flags,
};

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
put_statements(struct jw *w, struct slice input, struct err *e)
{
	struct slice line, one;
	size_t number = 0, n = 0;
	int r;

	if (input.n == 0)
		return err_set(e, ERR_USAGE,
		    "submit reads statements from standard input, and none "
		    "came");
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
			put_word(w, NULL, one);
			one = slice_of(line.p, 0);
		}
		if (line.p[0] == '{' && ++n > STATEMENTS_MAX)
			return err_set(e, ERR_LIMIT,
			    "more than %d statements in one submit",
			    STATEMENTS_MAX);
		one.n += line.n;
	}
	put_word(w, NULL, one);
	jw_end(w, ']');
	return 0;
}

static int
find_row(const char *words, const struct call_row **out, struct err *e)
{
	char quoted[QUOTE_MAX];
	struct slice name;
	size_t bad;

	if (strlen(words) > WORDS_MAX)
		return err_set(e, ERR_LIMIT,
		    "the command is longer than %d bytes", WORDS_MAX);
	if (!text_is_clean(words, strlen(words), &bad))
		return err_set(e, ERR_PARSE,
		    "the command is not clean text at byte %zu", bad + 1);
	if ((*out = call_of_words(words)) == NULL) {
		if (next_word(&words, &name))
			(void)err_set(e, ERR_USAGE, "no call has the name %s",
			    str_quoten(quoted, (const char *)name.p, name.n));
		else
			(void)err_set(e, ERR_USAGE, "no call was named");
		err_hint(e, "the call 'help' lists them");
		return ERR_USAGE;
	}
	if ((*out)->words == WORDS_NO_EXEC) {
		(void)err_set(e, ERR_USAGE,
		    "'%s' is for programs, by the subsystem writ",
		    (*out)->name);
		return ERR_USAGE;
	}
	return 0;
}

int
call_from_words(const char *words, struct slice input, struct str *out,
    struct err *e)
{
	const struct call_row *row = NULL;
	struct str s = STR_INIT;
	struct slice name;
	struct jw w;
	int r;

	if ((r = find_row(words, &row, e)) != 0)
		return r;
	(void)next_word(&words, &name);
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", row->name);
	if (!readers[row->words](&w, words)) {
		r = err_set(e, ERR_USAGE, "usage: %s %s", row->name,
		    row->operands);
		goto out;
	}
	if (row->call == CALL_WAIT)
		jw_int(&w, "seconds", WAIT_SECS);
	if (row->input && (r = put_statements(&w, input, e)) != 0)
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
