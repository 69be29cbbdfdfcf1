/* SPDX-License-Identifier: ISC */
/*
 * A highstate as YAML, for people: in the order in which it runs, with where
 * each state stands.
 */
#include <string.h>

#include "agent/fleet/highstate.h"
#include "lib/base/clock.h"

static void
indent(struct str *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		str_add(s, "  ");
}

/* May it stand without quotes, for YAML and for a reader? */
static bool
is_plain(const struct yaml_node *n)
{
	return n->n > 0 && n->text[0] != '-' && n->text[0] != '.' &&
	    strspn(n->text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._/@+-") == n->n;
}

static void
add_text(struct str *s, const struct yaml_node *n)
{
	if (is_plain(n)) {
		str_addn(s, n->text, n->n);
		return;
	}
	str_addc(s, '"');
	for (size_t i = 0; i < n->n; i++) {
		char c = n->text[i];

		if (c == '\n')
			str_add(s, "\\n");
		else if (c == '\t')
			str_add(s, "\\t");
		else if (c == '"' || c == '\\')
			str_addf(s, "\\%c", c);
		else
			str_addc(s, c);
	}
	str_addc(s, '"');
}

static void
add_key(struct str *s, const char *key)
{
	const struct yaml_node n = {.kind = YAML_TEXT,
	    .text = (char *)(uintptr_t)key,
	    .n = strlen(key)};

	add_text(s, &n);
	str_addc(s, ':');
}

/* A list of texts, and what is empty, stands on its line. */
static bool
is_line(const struct yaml_node *n)
{
	if (n->kind == YAML_TEXT || n->n == 0)
		return true;
	for (size_t i = 0; n->kind == YAML_LIST && i < n->n; i++)
		if (n->items[i]->kind != YAML_TEXT)
			return false;
	return n->kind == YAML_LIST;
}

static void
add_line(struct str *s, const struct yaml_node *n)
{
	if (n->kind == YAML_TEXT) {
		add_text(s, n);
	} else if (n->n == 0) {
		str_add(s, n->kind == YAML_LIST ? "[]" : "{}");
	} else {
		for (size_t i = 0; i < n->n; i++) {
			str_add(s, i == 0 ? "[" : ", ");
			add_text(s, n->items[i]);
		}
		str_addc(s, ']');
	}
}

/* Under a key or a dash that was just written; at most HIGHSTATE_DEPTH_MAX. */
static void
add_tree(struct str *s, const struct yaml_node *n, unsigned depth)
{
	if (is_line(n)) {
		str_addc(s, ' ');
		add_line(s, n);
		str_addc(s, '\n');
		return;
	}
	str_addc(s, '\n');
	for (size_t i = 0; i < n->n; i++) {
		indent(s, depth);
		if (n->kind == YAML_MAP)
			add_key(s, n->pairs[i].key);
		else
			str_addc(s, '-');
		add_tree(s,
		    n->kind == YAML_MAP ? n->pairs[i].value : n->items[i],
		    depth + 1);
	}
}

static void
add_names(struct str *s, const struct highstate *h, const char *what,
    const size_t *v, size_t n)
{
	if (n == 0)
		return;
	str_addf(s, "  %s: ", what);
	for (size_t i = 0; i < n; i++)
		str_addf(s, "%s%s", i == 0 ? "[" : ", ", h->v[v[i]].decl->id);
	str_add(s, "]\n");
}

static void
add_notes(struct str *s, const struct hstate *hs)
{
	const struct fleet_exception *x = hs->excepted;
	char until[CLOCK_TEXT];

	if (hs->off) {
		str_add(s, "  # not here: when ");
		for (const char *p = expr_text(hs->decl->when); *p != '\0'; p++)
			str_addc(s, *p == '\n' ? ' ' : *p);
		str_addc(s, '\n');
	}
	if (x == NULL)
		return;
	clock_format(x->expires, until);
	str_addf(s, "  # spared until %.10s by %s: %s\n", until, x->owner,
	    x->reason);
}

int
highstate_describe(const struct highstate *h, struct str *out)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct hstate *hs = &h->v[i];
		const struct fleet_state *d = hs->decl;

		str_addf(out, "%s%s:  # %s:%u\n", i > 0 ? "\n" : "", d->id,
		    d->pos.file, d->pos.line);
		add_notes(out, hs);
		indent(out, 1);
		add_key(out, d->kind);
		if (hs->params != NULL)
			add_tree(out, hs->params, 2);
		else
			str_addc(out, '\n');
		add_names(out, h, "require", hs->require, hs->n_require);
		add_names(out, h, "watch", hs->watch, hs->n_watch);
		add_names(out, h, "onchanges", hs->onchanges, hs->n_onchanges);
	}
	return str_check(out);
}
