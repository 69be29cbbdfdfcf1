/* SPDX-License-Identifier: ISC */
/*
 * Match expressions: what they answer, and what they ask for.  The reader is
 * expr_parse.c.
 */
#include "lib/conf/expr.h"

#include <stdlib.h>
#include <string.h>

#include "lib/conf/expr_impl.h"

void
expr_free(struct expr *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].word);
		strs_clear(&x->v[i].values);
	}
	free(x->v);
	free(x->text);
	free(x);
}

const char *
expr_text(const struct expr *x)
{
	return x->text;
}

/* Going back to the last star alone is enough: an earlier one could only take
 * what the last may take too.  So this is len(glob) x len(text) at worst. */
bool
expr_glob(const char *glob, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text != '\0') {
		if (*glob == '*') {
			star = ++glob;
			from = text;
		} else if (*glob == '?' || *glob == *text) {
			glob++;
			text++;
		} else if (star != NULL) {
			glob = star;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

char *
expr_glob_sample(const char *glob)
{
	char *s = str_dup(glob);

	for (char *p = s; p != NULL && *p != '\0'; p++)
		if (*p == '*' || *p == '?')
			*p = '0';
	return s;
}

/* --- matching ------------------------------------------------------------- */

/* Is one of the node's values this text? */
static bool
names(const struct expr_node *n, const char *text)
{
	if (n->kind == X_LIKE)
		return expr_glob(n->values.v[0], text);
	return strs_has(&n->values, text);
}

static bool
compare(const struct expr_node *n, const struct expr_host *h)
{
	bool holds = false;
	const char *value;

	if (strcmp(n->word, "id") == 0) {
		holds = names(n, h->id);
	} else if (strcmp(n->word, "role") == 0) {
		for (size_t i = 0; i < h->roles->n && !holds; i++)
			holds = names(n, h->roles->v[i]);
	} else if (h->grain != NULL &&
	    (value = h->grain(h->ctx, n->word)) != NULL) {
		holds = names(n, value);
	}
	return n->kind == X_NE ? !holds : holds;
}

/* As deep as there are terms at most: EXPR_TERMS_MAX. */
static bool
match(const struct expr *x, size_t i, const struct expr_host *h)
{
	const struct expr_node *n = &x->v[i];

	switch (n->kind) {
	case X_GLOB:
		return expr_glob(n->values.v[0], h->id);
	case X_NOT:
		return !match(x, n->a, h);
	case X_AND:
		return match(x, n->a, h) && match(x, n->b, h);
	case X_OR:
		return match(x, n->a, h) || match(x, n->b, h);
	default:
		return compare(n, h);
	}
}

bool
expr_match(const struct expr *x, const struct expr_host *h)
{
	return match(x, x->n - 1, h);
}

/* EXPR_NO is less than EXPR_UNKNOWN, which is less than EXPR_YES: so `and` is
 * the lesser of two, and `or` the greater. */
static enum expr_answer
ask(const struct expr *x, size_t i, const struct expr_host *h)
{
	const struct expr_node *n = &x->v[i];
	enum expr_answer a, b;

	switch (n->kind) {
	case X_GLOB:
		return expr_glob(n->values.v[0], h->id) ? EXPR_YES : EXPR_NO;
	case X_NOT:
		return EXPR_YES - ask(x, n->a, h);
	case X_AND:
	case X_OR:
		a = ask(x, n->a, h);
		b = ask(x, n->b, h);
		return (n->kind == X_AND) == (a < b) ? a : b;
	default:
		if (strcmp(n->word, "id") != 0 && strcmp(n->word, "role") != 0)
			return EXPR_UNKNOWN;
		return compare(n, h) ? EXPR_YES : EXPR_NO;
	}
}

enum expr_answer
expr_ask(const struct expr *x, const struct expr_host *h)
{
	return ask(x, x->n - 1, h);
}

/* --- what it asks for ----------------------------------------------------- */

static int
add_once(struct strs *out, const char *s)
{
	return strs_has(out, s) ? 0 : strs_add(out, s);
}

/* What the node compares with a host: NULL for and, or, not. */
static const char *
asks_for(const struct expr_node *n)
{
	return n->kind == X_GLOB ? "id" : n->word;
}

static bool
is_glob(const struct expr_node *n)
{
	return n->kind == X_LIKE ||
	    (n->kind == X_GLOB && strpbrk(n->values.v[0], "*?") != NULL);
}

int
expr_grains(const struct expr *x, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++) {
		const char *word = asks_for(&x->v[i]);

		if (word != NULL && strcmp(word, "id") != 0 &&
		    strcmp(word, "role") != 0)
			r = add_once(out, word);
	}
	return r;
}

static int
add_values(const struct expr *x, const char *word, bool samples,
    struct strs *out)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++) {
		const struct expr_node *n = &x->v[i];
		const char *asked = asks_for(n);

		if (asked == NULL || strcmp(asked, word) != 0 ||
		    (is_glob(n) && !samples))
			continue;
		for (size_t j = 0; j < n->values.n && r == 0; j++) {
			char *s = is_glob(n) ? expr_glob_sample(n->values.v[j])
					     : str_dup(n->values.v[j]);

			r = s != NULL ? add_once(out, s) : ERR_NOMEM;
			free(s);
		}
	}
	return r;
}

int
expr_roles(const struct expr *x, struct strs *out)
{
	return add_values(x, "role", false, out);
}

int
expr_ids(const struct expr *x, struct strs *out)
{
	return add_values(x, "id", false, out);
}

int
expr_samples(const struct expr *x, const char *word, struct strs *out)
{
	return add_values(x, word, true, out);
}

void
expr_tell_apart(const struct expr *x, const struct expr_host *h,
    struct str *out)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct expr_node *n = &x->v[i];

		if (n->kind == X_GLOB ||
		    (n->word != NULL &&
			(strcmp(n->word, "id") == 0 ||
			    strcmp(n->word, "role") == 0)))
			str_addc(out, match(x, i, h) ? '1' : '0');
	}
}

bool
expr_is_trusted(const struct expr *x)
{
	for (size_t i = 0; i < x->n; i++) {
		const char *word = asks_for(&x->v[i]);

		if (word != NULL && strcmp(word, "id") != 0 &&
		    strcmp(word, "role") != 0)
			return false;
	}
	return true;
}
