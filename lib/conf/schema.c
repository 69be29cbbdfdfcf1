/* SPDX-License-Identifier: ISC */
#include "lib/conf/schema.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/crypto/hash.h"

void
conf_nomem(struct conf_in *in)
{
	in->diags->failed = true;
}

bool
conf_is(struct conf_in *in, const struct conf_key *k, const struct yaml_node *n,
    enum yaml_kind kind)
{
	if (n->kind == kind && !(kind == YAML_TEXT && n->n == 0 && n->plain))
		return true;
	conf_error(in->diags, n->pos, "'%s' is %s, expected %s", k->name,
	    yaml_kind_name(n), k->expect);
	return false;
}

void
conf_bad(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	conf_error(in->diags, n->pos, "'%s' is %s, expected %s", k->name,
	    str_quoten(quoted, n->text, n->n), k->expect);
}

bool
conf_is_list(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n)
{
	if (!conf_is(in, k, n, YAML_LIST))
		return false;
	/* An empty list never means everybody, so it is seldom allowed. */
	if (n->n == 0 && k->min > 0) {
		conf_error(in->diags, n->pos,
		    "'%s' is an empty list, expected %s", k->name, k->expect);
		return false;
	}
	if (n->n <= (uint64_t)k->max)
		return true;
	conf_error(in->diags, n->pos,
	    "'%s' has %zu entries, expected at most "
	    "%lld",
	    k->name, n->n, (long long)k->max);
	return false;
}

bool
conf_is_map(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n)
{
	if (!conf_is(in, k, n, YAML_MAP))
		return false;
	if (n->n >= (uint64_t)k->min && n->n <= (uint64_t)k->max)
		return true;
	conf_error(in->diags, n->pos,
	    "'%s' has %zu entries, expected %lld to %lld", k->name, n->n,
	    (long long)k->min, (long long)k->max);
	return false;
}

static bool
is_second(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *list, size_t i)
{
	const struct yaml_node *n = list->items[i];
	char quoted[QUOTE_MAX];

	for (size_t j = 0; j < i; j++) {
		const struct yaml_node *m = list->items[j];

		if (m->kind != YAML_TEXT || strcmp(m->text, n->text) != 0)
			continue;
		conf_error(in->diags, n->pos,
		    "%s is in '%s' twice, expected once",
		    str_quoten(quoted, n->text, n->n), k->name);
		return true;
	}
	return false;
}

static bool
is_line(struct conf_in *in, const struct conf_key *k, const struct yaml_node *n)
{
	if (!conf_is(in, k, n, YAML_TEXT))
		return false;
	if (text_is_clean(n->text, n->n, NULL))
		return true;
	conf_error(in->diags, n->pos, "'%s' is several lines, expected %s",
	    k->name, k->expect);
	return false;
}

bool
conf_is_texts(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n)
{
	bool ok = true;

	if (!conf_is_list(in, k, n))
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (!is_line(in, k, n->items[i]) || is_second(in, k, n, i) ||
		    (k->check != NULL && !k->check(in, n->items[i])))
			ok = false;
	return ok;
}

void
conf_texts(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct strs *out = field;

	if (!conf_is_texts(in, k, n))
		return;
	strs_clear(out);
	for (size_t i = 0; i < n->n; i++)
		if (strs_addn(out, n->items[i]->text, n->items[i]->n) != 0) {
			conf_nomem(in);
			return;
		}
}

void
conf_text(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	char *copy, **out = field;
	size_t len;

	if (!is_line(in, k, n))
		return;
	len = text_length(n->text, n->n);
	if (len < (uint64_t)k->min || len > (uint64_t)k->max) {
		conf_error(in->diags, n->pos,
		    "'%s' has %zu characters, expected %lld to %lld", k->name,
		    len, (long long)k->min, (long long)k->max);
		return;
	}
	if (k->check != NULL && !k->check(in, n))
		return;
	if ((copy = str_dupn(n->text, n->n)) == NULL) {
		conf_nomem(in);
		return;
	}
	free(*out);
	*out = copy;
}

void
conf_u64(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	uint64_t v, *out = field;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if (parse_u64(n->text, (uint64_t)k->min, (uint64_t)k->max, &v) != 0)
		conf_bad(in, k, n);
	else
		*out = v;
}

void
conf_unsigned(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	unsigned *out = field;
	uint64_t v = *out;

	conf_u64(in, k, n, &v);
	*out = (unsigned)v;
}

void
conf_span(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	int64_t v, *out = field;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if (span_parse(n->text, &v) != 0 || v < k->min ||
	    (k->max > 0 && v > k->max))
		conf_bad(in, k, n);
	else
		*out = v;
}

void
conf_time(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	int64_t v, *out = field;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if (clock_parse_lax(n->text, &v) != 0)
		conf_bad(in, k, n);
	else
		*out = v;
}

void
conf_fingerprint(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if (hash_from_fingerprint(n->text, field) != 0)
		conf_bad(in, k, n);
}

bool
conf_word(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, const struct conf_word *words, size_t n_words,
    int *out)
{
	if (!conf_is(in, k, n, YAML_TEXT))
		return false;
	for (size_t i = 0; i < n_words; i++)
		if (strcmp(n->text, words[i].text) == 0) {
			*out = words[i].value;
			return true;
		}
	conf_bad(in, k, n);
	return false;
}

void
conf_bool(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"yes", true}, {"true", true}, {"no", false}, {"false", false}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(bool *)field = v != 0;
}

static const struct conf_key *
find_key(const struct conf_key *keys, size_t n_keys, const char *name)
{
	for (size_t i = 0; i < n_keys; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static void
unknown_key(struct conf_in *in, const struct yaml_pair *pair,
    const struct conf_key *keys, size_t n_keys)
{
	struct str known = STR_INIT;
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < n_keys; i++)
		str_addf(&known, "%s%s", i > 0 ? ", " : "", keys[i].name);
	if (str_check(&known) != 0)
		conf_nomem(in);
	conf_error(in->diags, pair->pos, "unknown key %s, expected %s%s",
	    str_quote(quoted, pair->key), n_keys > 1 ? "one of " : "", known.p);
	str_clear(&known);
}

void
conf_map(struct conf_in *in, struct conf_pos pos, const char *what,
    const struct yaml_node *n, const struct conf_key *keys, size_t n_keys,
    void *obj)
{
	if (n == NULL || n->kind != YAML_MAP) {
		conf_error(in->diags, n != NULL ? n->pos : pos,
		    "%s is %s, expected a mapping", what,
		    n != NULL ? yaml_kind_name(n) : "empty");
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_pair *pair = &n->pairs[i];
		const struct conf_key *k = find_key(keys, n_keys, pair->key);

		if (k == NULL)
			unknown_key(in, pair, keys, n_keys);
		else
			k->read(in, k, pair->value, (char *)obj + k->offset);
	}
	for (size_t i = 0; i < n_keys; i++)
		if (keys[i].required && yaml_get(n, keys[i].name) == NULL)
			conf_error(in->diags, pos,
			    "%s has no '%s', expected %s", what, keys[i].name,
			    keys[i].expect);
}
