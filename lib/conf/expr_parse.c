/* SPDX-License-Identifier: ISC */
/*
 * The reader of match expressions: words and marks, then by descent, a function
 * for each strength of operator.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/conf/expr.h"
#include "lib/conf/expr_impl.h"

#define WORD_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_."
#define ID_CHARS   "abcdefghijklmnopqrstuvwxyz0123456789._@+-"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789._-"
#define BLANKS     " \t\n"

enum token {
	T_END,
	T_WORD,
	T_VALUE,
	T_MARK, /* == != =~ ( ) [ ] , */
};

struct reader {
	const char *text, *p; /* whole; what comes after the token */
	const char *start;    /* of the token */
	size_t len;           /* of the token, quotes too */
	enum token token;
	struct conf_pos pos; /* of the text's first character */
	bool exact;          /* columns can be told */
	struct conf_diags *diags;
	struct expr *x;
	size_t terms;
	unsigned depth;
};

static int fault(struct reader *r, const char *at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* at: in the text. */
static int
fault(struct reader *r, const char *at, const char *fmt, ...)
{
	struct str s = STR_INIT;
	struct conf_pos pos = r->pos;
	size_t before = text_length(r->text, (size_t)(at - r->text));
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (r->exact)
		pos.col += (unsigned)before;
	else
		str_addf(&s, " (character %zu of the expression)", before + 1);
	if (str_check(&s) != 0)
		r->diags->failed = true;
	else
		conf_error(r->diags, pos, "%s", s.p);
	str_clear(&s);
	return ERR_PARSE;
}

/* The token is not what was to come. */
static int
unexpected(struct reader *r, const char *expected)
{
	char quoted[QUOTE_MAX];

	if (r->token == T_END)
		return fault(r, r->start, "the expression ends, expected %s",
		    expected);
	if (r->token == T_VALUE)
		return fault(r, r->start, "the value %s, expected %s",
		    str_quoten(quoted, r->start + 1, r->len - 2), expected);
	return fault(r, r->start, "%s, expected %s",
	    str_quoten(quoted, r->start, r->len), expected);
}

static bool
is(const struct reader *r, enum token token, const char *text)
{
	return r->token == token && strlen(text) == r->len &&
	    memcmp(text, r->start, r->len) == 0;
}

/* 'debian': one kind of quotes holds the other. */
static int
next_value(struct reader *r)
{
	const char *end = strchr(r->start + 1, r->start[0]);

	if (end == NULL)
		return fault(r, r->start,
		    "a value without its second quote, expected %c",
		    r->start[0]);
	r->token = T_VALUE;
	r->len = (size_t)(end + 1 - r->start);
	if (r->len == 2)
		return fault(r, r->start,
		    "an empty value, expected text in it");
	if (r->len - 2 > EXPR_VALUE_MAX)
		return fault(r, r->start,
		    "a value of %zu bytes, expected at most %d", r->len - 2,
		    EXPR_VALUE_MAX);
	return 0;
}

static int
next(struct reader *r)
{
	static const char *const marks[] = {
	    "==", "!=", "=~", "(", ")", "[", "]", ","};
	char quoted[QUOTE_MAX];
	int res = 0;

	r->start = r->p + strspn(r->p, BLANKS);
	r->len = 0;
	r->token = T_END;
	if (*r->start == '\0')
		goto out;
	if (*r->start == '\'' || *r->start == '"') {
		res = next_value(r);
		goto out;
	}
	r->token = T_WORD;
	if ((r->len = strspn(r->start, WORD_CHARS)) > EXPR_WORD_MAX)
		res = fault(r, r->start,
		    "a word of %zu bytes, expected at most %d", r->len,
		    EXPR_WORD_MAX);
	if (r->len > 0)
		goto out;
	r->token = T_MARK;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strncmp(r->start, marks[i], strlen(marks[i])) == 0) {
			r->len = strlen(marks[i]);
			goto out;
		}
	res = fault(r, r->start,
	    "%s, expected id, role or a grain, then == != =~ or in, and values "
	    "in quotes",
	    str_quoten(quoted, r->start, strcspn(r->start, BLANKS)));
out:
	r->p = r->start + r->len;
	return res;
}

/* --- the tree ------------------------------------------------------------- */

static int
add_node(struct reader *r, const struct expr_node *n)
{
	struct expr *x = r->x;

	if (vec_grow(&x->v, x->n, &x->cap, 4 * EXPR_TERMS_MAX) != 0)
		return ERR_NOMEM;
	x->v[x->n++] = *n;
	return 0;
}

static int
count_term(struct reader *r)
{
	if (r->terms++ < EXPR_TERMS_MAX)
		return 0;
	return fault(r, r->start,
	    "too many values in one expression, expected at most %d",
	    EXPR_TERMS_MAX);
}

/* Can a host be called so? */
static int
check_value(struct reader *r, const struct expr_node *n, const char *v)
{
	bool glob = n->kind == X_LIKE;
	char quoted[QUOTE_MAX];
	size_t len = strlen(v);

	if (strcmp(n->word, "id") == 0 &&
	    (strspn(v, glob ? ID_CHARS "*?" : ID_CHARS) != len ||
		(!glob && len > ID_MAX)))
		return fault(r, r->start,
		    "%s is no %sid of a host, expected %s",
		    str_quote(quoted, v), glob ? "glob over an " : "",
		    "[a-z0-9._@+-]");
	if (strcmp(n->word, "role") == 0 &&
	    strspn(v, glob ? NAME_CHARS "*?" : NAME_CHARS) != len)
		return fault(r, r->start,
		    "%s is no name of a role, expected %s",
		    str_quote(quoted, v), "[a-z0-9._-]");
	if (!glob && strpbrk(v, "*?") != NULL)
		return fault(r, r->start,
		    "%s looks like a glob, expected it after =~",
		    str_quote(quoted, v));
	return 0;
}

/* The token is a value; goes past it. */
static int
read_value(struct reader *r, struct expr_node *n)
{
	int res;

	if (r->token != T_VALUE)
		return unexpected(r, "a value in quotes, such as 'debian'");
	if ((res = count_term(r)) != 0)
		return res;
	if (strs_addn(&n->values, r->start + 1, r->len - 2) != 0)
		return ERR_NOMEM;
	if ((res = check_value(r, n, n->values.v[n->values.n - 1])) != 0)
		return res;
	return next(r);
}

/* [ 'a', 'b' ] */
static int
read_list(struct reader *r, struct expr_node *n)
{
	int res;

	if (!is(r, T_MARK, "["))
		return unexpected(r, "a list such as ['a', 'b']");
	if ((res = next(r)) != 0)
		return res;
	if (is(r, T_MARK, "]"))
		return fault(r, r->start,
		    "an empty list, expected a value in it");
	for (;;) {
		if ((res = read_value(r, n)) != 0)
			return res;
		if (is(r, T_MARK, "]"))
			return next(r);
		if (!is(r, T_MARK, ","))
			return unexpected(r, "',' or ']'");
		if ((res = next(r)) != 0)
			return res;
	}
}

/* After the word: the operator and what it compares with. */
static int
read_operator(struct reader *r, struct expr_node *n, bool *negated)
{
	static const struct {
		const char *mark;
		enum expr_kind kind;
	} ops[] = {{"==", X_EQ}, {"!=", X_NE}, {"=~", X_LIKE}};
	int res;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (!is(r, T_MARK, ops[i].mark))
			continue;
		n->kind = ops[i].kind;
		if ((res = next(r)) != 0)
			return res;
		return read_value(r, n);
	}
	if (is(r, T_WORD, "not")) {
		*negated = true;
		if ((res = next(r)) != 0)
			return res;
	}
	if (!is(r, T_WORD, "in"))
		return unexpected(r,
		    *negated ? "in" : "an operator: == != =~ in");
	n->kind = X_IN;
	if ((res = next(r)) != 0)
		return res;
	return read_list(r, n);
}

static int
read_comparison(struct reader *r)
{
	struct expr_node n = {0}, not = {.kind = X_NOT};
	bool negated = false;
	int res;

	if (r->token != T_WORD || is(r, T_WORD, "in") || is(r, T_WORD, "and") ||
	    is(r, T_WORD, "or"))
		return unexpected(r, "id, role, a grain, not or (");
	if ((n.word = str_dupn(r->start, r->len)) == NULL)
		return ERR_NOMEM;
	if ((res = next(r)) != 0 ||
	    (res = read_operator(r, &n, &negated)) != 0 ||
	    (res = add_node(r, &n)) != 0)
		goto out;
	n = (struct expr_node){0};
	not .a = r->x->n - 1;
	if (negated)
		res = add_node(r, &not );
out:
	free(n.word);
	strs_clear(&n.values);
	return res;
}

static int read_or(struct reader *r);

static int
deeper(struct reader *r)
{
	if (r->depth++ < EXPR_DEPTH_MAX)
		return 0;
	return fault(r, r->start, "nested too deeply, expected at most %d",
	    EXPR_DEPTH_MAX);
}

static int
read_not(struct reader *r)
{
	struct expr_node not = {.kind = X_NOT};
	bool negation = is(r, T_WORD, "not");
	int res;

	if (!negation && !is(r, T_MARK, "("))
		return read_comparison(r);
	if ((res = deeper(r)) != 0 || (res = next(r)) != 0)
		return res;
	if (negation) {
		if ((res = read_not(r)) != 0)
			return res;
		not .a = r->x->n - 1;
		res = add_node(r, &not );
	} else {
		if ((res = read_or(r)) != 0)
			return res;
		if (!is(r, T_MARK, ")"))
			return unexpected(r, "and, or, or ')'");
		res = next(r);
	}
	r->depth--;
	return res;
}

/* One strength of binary operator over what is stronger. */
static int
read_binary(struct reader *r, const char *word, enum expr_kind kind,
    int (*stronger)(struct reader *r))
{
	int res;

	if ((res = stronger(r)) != 0)
		return res;
	while (is(r, T_WORD, word)) {
		struct expr_node n = {.kind = kind, .a = r->x->n - 1};

		if ((res = next(r)) != 0 || (res = stronger(r)) != 0)
			return res;
		n.b = r->x->n - 1;
		if ((res = add_node(r, &n)) != 0)
			return res;
	}
	return 0;
}

static int
read_and(struct reader *r)
{
	return read_binary(r, "and", X_AND, read_not);
}

static int
read_or(struct reader *r)
{
	return read_binary(r, "or", X_OR, read_and);
}

static int
read_expression(struct reader *r)
{
	int res;

	if ((res = next(r)) != 0 || (res = read_or(r)) != 0)
		return res;
	return r->token == T_END ? 0 : unexpected(r, "and, or, or the end");
}

static int
read_glob(struct reader *r, size_t len)
{
	struct expr_node n = {.kind = X_GLOB};

	if (len > ID_MAX)
		return fault(r, r->text,
		    "a glob of %zu bytes, expected at most "
		    "%d, as ids have",
		    len, ID_MAX);
	if (strs_addn(&n.values, r->text, len) != 0 || add_node(r, &n) != 0) {
		strs_clear(&n.values);
		return ERR_NOMEM;
	}
	return 0;
}

static int
parse(struct reader *r, struct expr **out)
{
	size_t len = strlen(r->text);
	int res = ERR_NOMEM;

	r->p = r->start = r->text;
	if ((r->x = calloc(1, sizeof(*r->x))) == NULL ||
	    (r->x->text = str_dup(r->text)) == NULL)
		goto out;
	if (len == 0)
		res = fault(r, r->text,
		    "an empty expression, expected \"*\" "
		    "for every host");
	else if (len > EXPR_MAX)
		res = fault(r, r->text,
		    "an expression of %zu bytes, expected "
		    "at most %d",
		    len, EXPR_MAX);
	else if (strspn(r->text, ID_CHARS "*?") == len)
		res = read_glob(r, len);
	else
		res = read_expression(r);
	if (res == 0 && r->diags->failed)
		res = ERR_NOMEM;
	if (res == 0) {
		*out = r->x;
		r->x = NULL;
	}
out:
	expr_free(r->x);
	return res;
}

int
expr_parse(const struct yaml_node *n, struct expr **out,
    struct conf_diags *diags)
{
	struct reader r = {
	    .text = n->text, .pos = n->pos, .exact = n->exact, .diags = diags};

	if (n->kind != YAML_TEXT || (n->n == 0 && n->plain)) {
		conf_error(diags, n->pos,
		    "%s, expected an expression such as \"*\" or \"role == "
		    "'web'\"",
		    yaml_kind_name(n));
		return ERR_PARSE;
	}
	if (n->exact && !n->plain)
		r.pos.col++;
	return parse(&r, out);
}

int
expr_parse_text(const char *text, struct conf_pos pos, struct expr **out,
    struct conf_diags *diags)
{
	struct reader r = {.text = text, .pos = pos, .diags = diags};

	return parse(&r, out);
}
