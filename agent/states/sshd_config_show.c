/* SPDX-License-Identifier: ISC */
/*
 * The configuration of a host as a state: what its files say, first value
 * first, with Match blocks as they stand.
 */
#include <string.h>

#include "agent/states/sshd_config.h"

/* Plain where YAML has nothing else in mind. */
static void
add_scalar(struct str *out, const char *s)
{
	size_t plain = strspn(s,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "_./-");

	if (*s != '\0' && *s != '-' && *s != '.' && s[plain] == '\0') {
		str_add(out, s);
		return;
	}
	str_addc(out, '"');
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f) {
			str_addf(out, "\\x%02X", (unsigned)(unsigned char)*s);
			continue;
		}
		if (*s == '"' || *s == '\\')
			str_addc(out, '\\');
		str_addc(out, *s);
	}
	str_addc(out, '"');
}

static void
add_list(struct str *out, const struct strs *l, bool *first)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!*first)
			str_add(out, ", ");
		*first = false;
		add_scalar(out, l->v[i]);
	}
}

/* All of one keyword from entry i on, with those lines that add to it. */
static void
add_entry(struct str *out, const struct sshd_tree *t, size_t i)
{
	const struct sshd_entry *x = &t->v[i];
	unsigned flags = x->word->flags;
	struct str joined = STR_INIT;
	bool first = true;

	str_addf(out, "%s: ", x->word->name);
	if ((flags & (SSHD_LIST | SSHD_LINES)) == 0) {
		add_scalar(out, x->args.n == 1 ? x->args.v[0] : x->rest);
		return;
	}
	str_addc(out, '[');
	for (size_t j = i; j < t->n; j++) {
		const struct sshd_entry *y = &t->v[j];

		if (y->word != x->word || y->match != x->match ||
		    (j > i && (flags & SSHD_ADDS) == 0))
			continue;
		if ((flags & SSHD_LINES) == 0) {
			add_list(out, &y->args, &first);
			continue;
		}
		str_reset(&joined);
		strs_join(&y->args, " ", &joined);
		if (!first)
			str_add(out, ", ");
		first = false;
		add_scalar(out, joined.p);
	}
	str_addc(out, ']');
	str_clear(&joined);
}

/* Is it the first line of its keyword within its Match? */
static bool
is_first(const struct sshd_tree *t, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (t->v[j].word == t->v[i].word &&
		    t->v[j].match == t->v[i].match)
			return false;
	return true;
}

static size_t
add_settings(struct str *out, const struct sshd_tree *t, size_t match,
    const char *indent)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct sshd_entry *x = &t->v[i];

		if (x->match != match || (x->word != NULL && !is_first(t, i)))
			continue;
		if (x->word == NULL) {
			str_addf(out, "%s# %s:%u: not known: ", indent, x->file,
			    x->line);
			add_scalar(out, x->name);
		} else {
			str_add(out, indent);
			add_entry(out, t, i);
			n++;
		}
		str_addc(out, '\n');
	}
	return n;
}

static void
add_match(struct str *out, const struct sshd_tree *t, size_t i)
{
	const struct strs *when = &t->matches[i].when;

	str_addf(out, "    # %s:%u\n    - when: {", t->matches[i].file,
	    t->matches[i].line);
	for (size_t j = 0; j + 1 < when->n; j += 2) {
		str_addf(out, "%s%s: ", j > 0 ? ", " : "", when->v[j]);
		add_scalar(out, when->v[j + 1]);
	}
	str_add(out, "}\n      settings:\n");
	(void)add_settings(out, t, i + 1, "        ");
}

int
sshd_config_show(const struct sshd_tree *t, struct str *out)
{
	bool first = true;

	str_add(out, "sshd_config:\n  settings:\n");
	(void)add_settings(out, t, 0, "    ");
	for (size_t i = 0; i < t->n_matches; i++) {
		/* "Match all", which ends our own files, adds nothing. */
		if (t->matches[i].when.n < 2 ||
		    sshd_is_ours(t->matches[i].file))
			continue;
		if (first)
			str_add(out, "  match:\n");
		first = false;
		add_match(out, t, i);
	}
	return str_check(out);
}
