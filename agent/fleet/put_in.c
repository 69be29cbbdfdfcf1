/* SPDX-License-Identifier: ISC */
/*
 * ${pillar.a.b}, ${grain.os}, ${host.id} in the values of a tree.
 *
 * A scalar that is nothing but one ${...} becomes what it names, a list or a
 * mapping too; else texts are put into the text.  `$${` stands for a `${`.
 * Values of pillar may hold ${...} themselves; the path to the value at hand is
 * kept, so a value that needs itself is found, and named.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/fleet/pillar.h"

#define NAME_CHARS                                                       \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	"._-"

static const struct yaml_node *put_in(struct pillar *p,
    const struct yaml_node *in);

/* The place of one character of a scalar, where it can be told. */
static struct conf_pos
place(const struct yaml_node *n, const char *at)
{
	struct conf_pos pos = n->pos;

	if (n->exact)
		pos.col +=
		    (unsigned)text_length(n->text, (size_t)(at - n->text)) +
		    (n->plain ? 0 : 1);
	return pos;
}

static struct yaml_node *
new_text(struct pillar *p, struct conf_pos pos, const char *text, size_t len)
{
	struct yaml_node *n = pillar_new_node(p, YAML_TEXT, pos);

	if (n == NULL)
		return NULL;
	if ((n->text = str_dupn(text, len)) == NULL) {
		p->failed = ERR_NOMEM;
		return NULL;
	}
	n->n = len;
	return n;
}

/* --- names ---------------------------------------------------------------- */

static void
say_cycle(struct pillar *p, size_t from, struct conf_pos pos)
{
	struct str s = STR_INIT;

	for (size_t i = from; i < p->depth; i++) {
		str_addn(&s, p->path[i].name, p->path[i].len);
		str_add(&s, " -> ");
	}
	str_addn(&s, p->path[from].name, p->path[from].len);
	if (str_check(&s) != 0)
		p->failed = ERR_NOMEM;
	conf_error(p->diags, pos, "pillar cycle: %s, expected a value", s.p);
	str_clear(&s);
}

/* A value of pillar, which name stands for, with what is in it put in; NULL
 * after it has said why not. */
static const struct yaml_node *
resolve(struct pillar *p, const struct yaml_node *node, const char *name,
    size_t len, struct conf_pos pos)
{
	const struct yaml_node *out;
	size_t errors = p->diags->n_errors;

	for (size_t i = 0; i < p->depth; i++)
		if (p->path[i].node == node) {
			say_cycle(p, i, pos);
			return NULL;
		}
	if (p->depth == PILLAR_DEPTH_MAX) {
		conf_error(p->diags, pos,
		    "${...} leads to ${...} too often, expected at most %d "
		    "times",
		    PILLAR_DEPTH_MAX);
		return NULL;
	}
	p->path[p->depth++] =
	    (struct pillar_step){.node = node, .name = name, .len = len};
	out = put_in(p, node);
	p->depth--;
	return p->failed != 0 || p->diags->n_errors > errors ? NULL : out;
}

static void
say_unknown(struct pillar *p, const char *name, size_t len, struct conf_pos pos)
{
	char quoted[QUOTE_MAX];

	(void)str_quoten(quoted, name, len);
	if (p->missing != NULL)
		conf_error(p->diags, pos,
		    "there is no %s, expected a name of the pillar (the file "
		    "pillar/%s.yaml is not here)",
		    quoted, p->missing);
	else
		conf_error(p->diags, pos,
		    "there is no %s, expected a name of the pillar that this "
		    "host gets",
		    quoted);
}

/* name is "pillar.a.b": down the tree, part by part. */
static const struct yaml_node *
find_pillar(struct pillar *p, const char *name, size_t len, struct conf_pos pos)
{
	const struct yaml_node *node = p->root;
	const char *end = name + len, *part = name + strlen("pillar.");

	while (node != NULL && part <= end) {
		const char *dot = memchr(part, '.', (size_t)(end - part));
		char key[YAML_KEY_MAX + 1];
		size_t n;

		if (dot == NULL)
			dot = end;
		n = (size_t)(dot - part);
		/* What stands in the middle may be a ${...} too. */
		if (node->kind == YAML_TEXT &&
		    strstr(node->text, "${") != NULL &&
		    (node = resolve(p, node, name, (size_t)(part - 1 - name),
			 pos)) == NULL)
			return NULL;
		if (n > YAML_KEY_MAX)
			break;
		memcpy(key, part, n);
		key[n] = '\0';
		node = yaml_get(node, key);
		part = dot + 1;
	}
	if (node == NULL || part <= end) {
		say_unknown(p, name, len, pos);
		return NULL;
	}
	return resolve(p, node, name, len, pos);
}

static const struct yaml_node *
find_grain(struct pillar *p, const char *name, size_t len, struct conf_pos pos)
{
	char key[GRAIN_NAME_MAX + 1], quoted[QUOTE_MAX];
	size_t skip = strlen("grain.");
	const char *value = NULL;

	if (len - skip <= GRAIN_NAME_MAX) {
		memcpy(key, name + skip, len - skip);
		key[len - skip] = '\0';
		if (p->host->grains != NULL && grain_kind(key) != NULL)
			value = grains_get(p->host->grains, key);
	}
	if (value != NULL)
		return new_text(p, pos, value, strlen(value));
	conf_error(p->diags, pos,
	    "there is no %s, expected a grain of the host",
	    str_quoten(quoted, name, len));
	return NULL;
}

static bool
begins(const char *name, size_t len, const char *with)
{
	return len > strlen(with) && memcmp(name, with, strlen(with)) == 0;
}

/* What the name stands for, or NULL after it has said why not. */
static const struct yaml_node *
find(struct pillar *p, const char *name, size_t len, struct conf_pos pos)
{
	char quoted[QUOTE_MAX];

	if (begins(name, len, "pillar."))
		return find_pillar(p, name, len, pos);
	if (begins(name, len, "grain."))
		return find_grain(p, name, len, pos);
	if (len == strlen("host.id") && memcmp(name, "host.id", len) == 0)
		return new_text(p, pos, p->host->id, strlen(p->host->id));
	conf_error(p->diags, pos,
	    "there is no %s, expected ${pillar.NAME}, ${grain.NAME} or "
	    "${host.id}",
	    str_quoten(quoted, name, len));
	return NULL;
}

/* --- texts ---------------------------------------------------------------- */

/* at is "${": the name between the braces; false after it has said why not. */
static bool
name_at(struct pillar *p, const struct yaml_node *in, const char *at,
    const char **name, size_t *len)
{
	char quoted[QUOTE_MAX];

	*name = at + 2;
	*len = strspn(*name, NAME_CHARS);
	if ((*name)[*len] == '}' && *len > 0)
		return true;
	conf_error(p->diags, place(in, at),
	    "%s, expected a name and '}' after '${' (and '$${' for a '${' "
	    "itself)",
	    str_quoten(quoted, at, strcspn(at, " \t\n}") + 1));
	return false;
}

/* One ${...} into the text; false after it has said why not. */
static bool
add_value(struct pillar *p, const struct yaml_node *in, const char *at,
    const char *name, size_t len, struct str *s)
{
	const struct yaml_node *v = find(p, name, len, place(in, at));
	char quoted[QUOTE_MAX];

	if (v == NULL)
		return false;
	if (v->kind != YAML_TEXT) {
		conf_error(p->diags, place(in, at),
		    "%s is %s, expected text within a text",
		    str_quoten(quoted, name, len), yaml_kind_name(v));
		return false;
	}
	str_addn(s, v->text, v->n);
	if (s->n <= YAML_SCALAR_MAX)
		return true;
	conf_error(p->diags, in->pos,
	    "text is too long with its ${...} put in, expected at most %d "
	    "bytes",
	    YAML_SCALAR_MAX);
	return false;
}

static bool
add_pieces(struct pillar *p, const struct yaml_node *in, struct str *s)
{
	const char *from = in->text, *at, *name;
	size_t len;

	while ((at = strstr(from, "${")) != NULL && p->failed == 0) {
		if (at > from && at[-1] == '$') {
			str_addn(s, from, (size_t)(at - 1 - from));
			str_add(s, "${");
			from = at + 2;
			continue;
		}
		str_addn(s, from, (size_t)(at - from));
		if (!name_at(p, in, at, &name, &len) ||
		    !add_value(p, in, at, name, len, s))
			return false;
		from = name + len + 1;
	}
	str_add(s, from);
	return true;
}

static const struct yaml_node *
put_in_text(struct pillar *p, const struct yaml_node *in)
{
	const struct yaml_node *out = in;
	struct str s = STR_INIT;
	const char *name;
	size_t len;

	if (strncmp(in->text, "${", 2) == 0) {
		if (!name_at(p, in, in->text, &name, &len))
			return in;
		if (name[len + 1] == '\0') {
			out = find(p, name, len, place(in, in->text));
			return out != NULL ? out : in;
		}
	}
	if (!add_pieces(p, in, &s))
		goto out;
	if (str_check(&s) != 0)
		p->failed = ERR_NOMEM;
	else
		out = new_text(p, in->pos, s.p, s.n);
out:
	str_clear(&s);
	return out != NULL ? out : in;
}

/* --- trees ---------------------------------------------------------------- */

static bool
too_deep(struct pillar *p, const struct yaml_node *n)
{
	if (n->height <= HIGHSTATE_DEPTH_MAX)
		return false;
	if (p->failed == 0)
		conf_error(p->diags, n->pos,
		    "nested too deeply with ${...} put in, expected at most %d",
		    HIGHSTATE_DEPTH_MAX);
	p->failed = ERR_LIMIT;
	return true;
}

static const struct yaml_node *
put_in_list(struct pillar *p, const struct yaml_node *in)
{
	struct yaml_node *out = pillar_new_node(p, YAML_LIST, in->pos);
	bool same = true;

	if (out == NULL || !pillar_alloc_children(p, out, in->n))
		return in;
	for (size_t i = 0; i < in->n && p->failed == 0; i++) {
		const struct yaml_node *v = put_in(p, in->items[i]);

		same = same && v == in->items[i];
		out->items[out->n++] = (struct yaml_node *)(uintptr_t)v;
		if (v->height >= out->height)
			out->height = v->height + 1;
	}
	return same || p->failed != 0 || too_deep(p, out) ? in : out;
}

static const struct yaml_node *
put_in_map(struct pillar *p, const struct yaml_node *in)
{
	struct yaml_node *out = pillar_new_node(p, YAML_MAP, in->pos);
	bool same = true;

	if (out == NULL || !pillar_alloc_children(p, out, in->n))
		return in;
	for (size_t i = 0; i < in->n && p->failed == 0; i++) {
		const struct yaml_pair *pair = &in->pairs[i];
		const struct yaml_node *v = put_in(p, pair->value);

		if (strstr(pair->key, "${") != NULL)
			conf_error(p->diags, pair->pos,
			    "a key with ${...}, expected it in values alone");
		same = same && v == pair->value;
		(void)pillar_add_pair(p, out, pair, v);
	}
	if (same || p->failed != 0 || too_deep(p, out))
		return in;
	pillar_sort_map(out);
	return out;
}

static const struct yaml_node *
put_in(struct pillar *p, const struct yaml_node *in)
{
	if (p->failed != 0)
		return in;
	if (p->nodes++ >= HIGHSTATE_NODES_MAX) {
		conf_error(p->diags, in->pos,
		    "too many values in one highstate, expected at most %d",
		    HIGHSTATE_NODES_MAX);
		p->failed = ERR_LIMIT;
		return in;
	}
	switch (in->kind) {
	case YAML_LIST:
		return put_in_list(p, in);
	case YAML_MAP:
		return put_in_map(p, in);
	default:
		return strstr(in->text, "${") == NULL ? in : put_in_text(p, in);
	}
}

const struct yaml_node *
pillar_put_in(struct pillar *p, const struct yaml_node *in)
{
	return put_in(p, in);
}
