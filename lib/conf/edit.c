/* SPDX-License-Identifier: ISC */
#include "lib/conf/edit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/yaml.h"

struct token { /* where a text stands in the file, with its quotes */
	size_t at, n;
};

struct edit {
	const char *file;
	struct slice text;
	const char *const *path;
	struct yaml_doc doc;
	const struct yaml_node *node; /* at path */
};

static int
parse(const char *file, struct slice text, struct yaml_doc *doc, struct err *e)
{
	struct conf_diags d = {0};
	int r = yaml_parse(file, text, doc, &d);

	if (r == ERR_NOMEM)
		r = err_nomem(e);
	else if (r != 0)
		r = conf_diags_err(&d, r, e);
	conf_diags_clear(&d);
	return r;
}

static const struct yaml_node *
node_at(const struct yaml_node *n, const char *const *path)
{
	for (; *path != NULL && n != NULL; path++)
		n = n->kind == YAML_MAP ? yaml_get(n, *path) : NULL;
	return n;
}

static int
edit_open(struct edit *d, enum yaml_kind kind, struct err *e)
{
	struct str where = STR_INIT;
	int r;

	memset(&d->doc, 0, sizeof(d->doc));
	if ((r = parse(d->file, d->text, &d->doc, e)) != 0)
		return r;
	d->node = node_at(d->doc.root, d->path);
	if (d->node != NULL && d->node->kind == kind && d->node->n > 0)
		return 0;
	for (size_t i = 0; d->path[i] != NULL; i++)
		str_addf(&where, "%s%s", i > 0 ? ": " : "", d->path[i]);
	r = err_set(e, ERR_NOTFOUND, "%s has no '%s'", d->file, where.p);
	str_clear(&where);
	return r;
}

/* --- places in the file --------------------------------------------------- */

/* The offset of a line, from 1; the text's length past the last. */
static size_t
line_at(struct slice text, unsigned line)
{
	size_t at = 0;

	for (; line > 1 && at < text.n; at++)
		if (text.p[at] == '\n')
			line--;
	return at;
}

static size_t
line_end(struct slice text, size_t at)
{
	while (at < text.n && text.p[at] != '\n')
		at++;
	return at;
}

/*
 * Columns count characters, so what precedes a text on its line must be ASCII
 * for them to be bytes; and the text must stand there letter by letter.
 */
static bool
find_token(struct slice text, const struct yaml_node *n, struct token *out)
{
	size_t at = line_at(text, n->pos.line), end = at + n->pos.col - 1;
	size_t quotes = n->plain ? 0 : 1;

	if (n->kind != YAML_TEXT || end + n->n + 2 * quotes > text.n)
		return false;
	for (; at < end; at++)
		if (text.p[at] >= 0x80 || text.p[at] == '\n')
			return false;
	if (memcmp(text.p + at + quotes, n->text, n->n) != 0)
		return false;
	if (quotes == 1 &&
	    ((text.p[at] != '"' && text.p[at] != '\'') ||
		text.p[at + 1 + n->n] != text.p[at]))
		return false;
	*out = (struct token){at, n->n + 2 * quotes};
	return true;
}

static void
add_part(struct str *s, struct slice text, size_t from, size_t to)
{
	if (to > from)
		str_addn(s, (const char *)text.p + from, to - from);
}

/* --- is that all that changed? -------------------------------------------- */

/* The same trees, but for one node. */
static bool
same_but(const struct yaml_node *a, const struct yaml_node *b,
    const struct yaml_node *but)
{
	if (a == but)
		return true;
	if (a->kind != b->kind || a->n != b->n)
		return false;
	switch (a->kind) {
	case YAML_TEXT:
		return memcmp(a->text, b->text, a->n) == 0;
	case YAML_LIST:
		for (size_t i = 0; i < a->n; i++)
			if (!same_but(a->items[i], b->items[i], but))
				return false;
		return true;
	case YAML_MAP:
		for (size_t i = 0; i < a->n; i++)
			if (strcmp(a->pairs[i].key, b->pairs[i].key) != 0 ||
			    !same_but(a->pairs[i].value, b->pairs[i].value,
				but))
				return false;
		return true;
	}
	return false;
}

static bool
is_list_of(const struct yaml_node *n, const char *const *want, size_t n_want)
{
	if (n == NULL || n->kind != YAML_LIST || n->n != n_want)
		return false;
	for (size_t i = 0; i < n_want; i++)
		if (n->items[i]->kind != YAML_TEXT ||
		    strcmp(n->items[i]->text, want[i]) != 0)
			return false;
	return true;
}

/* Take what was made when it is what was meant. */
static int
finish(struct edit *d, struct str *made, const char *const *want, size_t n_want,
    struct str *out, struct err *e)
{
	const struct yaml_node *n;
	struct yaml_doc doc = {0};
	int r;

	if (str_check(made) != 0) {
		r = err_nomem(e);
		goto out;
	}
	r = parse(d->file, slice_of(made->p, made->n), &doc, NULL);
	if (r == ERR_NOMEM) {
		(void)err_nomem(e);
		goto out;
	}
	if (r == 0 && (n = node_at(doc.root, d->path)) != NULL &&
	    same_but(d->doc.root, doc.root, d->node) &&
	    (d->node->kind == YAML_LIST
		    ? is_list_of(n, want, n_want)
		    : n->kind == YAML_TEXT && strcmp(n->text, want[0]) == 0)) {
		str_addn(out, made->p, made->n);
		r = str_check(out) == 0 ? 0 : err_nomem(e);
	} else {
		r = EDIT_BY_HAND;
	}
out:
	yaml_doc_clear(&doc);
	str_clear(made);
	return r;
}

/* --- the changes ---------------------------------------------------------- */

/* After the last entry: ", NAME" in brackets, a line of its own under dashes. */
static bool
append(const struct edit *d, const char *name, struct str *made)
{
	const struct yaml_node *last = d->node->items[d->node->n - 1];
	size_t list =
	    line_at(d->text, d->node->pos.line) + d->node->pos.col - 1;
	size_t line = line_at(d->text, last->pos.line), at, end;
	struct token t;

	if (!find_token(d->text, last, &t) || list >= d->text.n)
		return false;
	if (d->text.p[list] == '[') {
		add_part(made, d->text, 0, t.at + t.n);
		str_addf(made, ", %s", name);
		add_part(made, d->text, t.at + t.n, d->text.n);
		return true;
	}
	for (at = line; at < t.at && d->text.p[at] == ' ';)
		at++;
	if (at == t.at || d->text.p[at] != '-')
		return false;
	end = line_end(d->text, t.at);
	add_part(made, d->text, 0, end);
	str_addc(made, '\n');
	add_part(made, d->text, line, at);
	str_addf(made, "- %s", name);
	add_part(made, d->text, end, d->text.n);
	return true;
}

int
yaml_add_last(const char *file, struct slice text, const char *const *path,
    const char *name, struct str *out, struct err *e)
{
	struct edit d = {.file = file, .text = text, .path = path};
	const char **want = NULL;
	struct str made = STR_INIT;
	int r;

	if ((r = edit_open(&d, YAML_LIST, e)) != 0)
		goto out;
	if ((want = calloc(d.node->n + 1, sizeof(*want))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	r = EDIT_BY_HAND;
	for (size_t i = 0; i < d.node->n; i++) {
		if (d.node->items[i]->kind != YAML_TEXT)
			goto out;
		want[i] = d.node->items[i]->text;
	}
	want[d.node->n] = name;
	if (append(&d, name, &made))
		r = finish(&d, &made, want, d.node->n + 1, out, e);
out:
	free(want);
	str_clear(&made);
	yaml_doc_clear(&d.doc);
	return r;
}

/* Entries change places, and the layout around them stays. */
static bool
reorder(const struct edit *d, size_t which, const char **want, struct str *made)
{
	size_t done = 0;

	for (size_t i = 0; i < d->node->n; i++) {
		size_t from = i == 0 ? which : i <= which ? i - 1 : i;
		struct token t, u;

		if (!find_token(d->text, d->node->items[i], &t) ||
		    !find_token(d->text, d->node->items[from], &u) ||
		    t.at < done)
			return false;
		want[i] = d->node->items[from]->text;
		add_part(made, d->text, done, t.at);
		add_part(made, d->text, u.at, u.at + u.n);
		done = t.at + t.n;
	}
	add_part(made, d->text, done, d->text.n);
	return true;
}

int
yaml_move_first(const char *file, struct slice text, const char *const *path,
    const char *name, struct str *out, struct err *e)
{
	struct edit d = {.file = file, .text = text, .path = path};
	const char **want = NULL;
	struct str made = STR_INIT;
	size_t which = 0;
	int r;

	if ((r = edit_open(&d, YAML_LIST, e)) != 0)
		goto out;
	while (which < d.node->n &&
	    (d.node->items[which]->kind != YAML_TEXT ||
		strcmp(d.node->items[which]->text, name) != 0))
		which++;
	if (which == d.node->n) {
		r = err_set(e, ERR_NOTFOUND, "%s: '%s' is not in the list",
		    file, name);
		goto out;
	}
	if ((want = calloc(d.node->n, sizeof(*want))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	r = EDIT_BY_HAND;
	if (reorder(&d, which, want, &made))
		r = finish(&d, &made, want, d.node->n, out, e);
out:
	free(want);
	str_clear(&made);
	yaml_doc_clear(&d.doc);
	return r;
}

int
yaml_set_text(const char *file, struct slice text, const char *const *path,
    const char *name, struct str *out, struct err *e)
{
	struct edit d = {.file = file, .text = text, .path = path};
	struct str made = STR_INIT;
	struct token t;
	int r;

	if ((r = edit_open(&d, YAML_TEXT, e)) != 0)
		goto out;
	r = EDIT_BY_HAND;
	if (find_token(text, d.node, &t)) {
		add_part(&made, text, 0, t.at);
		str_add(&made, name);
		add_part(&made, text, t.at + t.n, text.n);
		r = finish(&d, &made, &name, 1, out, e);
	}
out:
	str_clear(&made);
	yaml_doc_clear(&d.doc);
	return r;
}
