/* SPDX-License-Identifier: ISC */
/*
 * pam_limits: parameters, and the file that they make.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/limits_impl.h"
#include "agent/states/words.h"

static bool
domain_is_valid(const char *s)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(s);

	if (strcmp(s, "*") == 0)
		return true;
	if (s[0] == '@' || s[0] == '%') {
		s++;
		n--;
	}
	return n > 0 && n <= 64 && s[0] != '-' && strspn(s, name) == n;
}

static bool
check_domain(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (domain_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "'domain' is %s, expected a user, @group or *",
	    str_quote(quoted, n->text));
	return false;
}

static void
read_type(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {{"soft", LIMIT_SOFT},
	    {"hard", LIMIT_HARD}, {"-", LIMIT_BOTH}, {"both", LIMIT_BOTH}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(enum limit_type *)field = (enum limit_type)v;
}

static void
read_item(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	const struct limit_item **out = field;
	struct str names = STR_INIT;
	char quoted[QUOTE_MAX];

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if ((*out = limit_item(n->text)) != NULL)
		return;
	limit_items_add(&names);
	conf_error(in->diags, n->pos, "'item' is %s, expected one of %s",
	    str_quote(quoted, n->text), names.p);
	str_clear(&names);
}

/* Its meaning depends on the item, so its text is kept for read_limit(). */
static void
read_value(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	const struct yaml_node **out = field;

	if (conf_is(in, k, n, YAML_TEXT))
		*out = n;
}

struct entry {
	struct limit l;
	const struct yaml_node *value;
};

static const struct conf_key entry_keys[] = {
    {"domain", conf_text, offsetof(struct entry, l.domain), true,
	"a user, @group or *", 1, 65, check_domain},
    {"type", read_type, offsetof(struct entry, l.type), true, "soft, hard or -",
	0, 0, NULL},
    {"item", read_item, offsetof(struct entry, l.item), true,
	"an item of limits.conf(5)", 0, 0, NULL},
    {"value", read_value, offsetof(struct entry, value), true,
	"a number or unlimited", 0, 0, NULL},
};

static int
add_limit(struct params *p, const struct limit *l, const char *domain)
{
	int r;

	if ((r = vec_grow(&p->v, p->n, &p->cap, 2 * LIMITS_MAX)) != 0)
		return r;
	p->v[p->n] = *l;
	if ((p->v[p->n].domain = strdup(domain)) == NULL)
		return ERR_NOMEM;
	p->n++;
	return 0;
}

static bool
is_twice(struct conf_in *in, const struct params *p, const struct limit *l)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct limit *o = &p->v[i];

		if (strcmp(o->domain, l->domain) != 0 || o->item != l->item ||
		    (o->type & l->type) == 0)
			continue;
		conf_error(in->diags, l->pos,
		    "the %s of %s is said twice, first in line %u",
		    l->item->name, l->domain, o->pos.line);
		return true;
	}
	return false;
}

static void
read_limit(struct conf_in *in, const struct yaml_node *n, struct params *p)
{
	struct entry en = {.l.pos = n->pos};
	size_t before = in->diags->n_errors;
	char quoted[QUOTE_MAX];

	conf_map(in, n->pos, "a limit", n, entry_keys,
	    sizeof(entry_keys) / sizeof(entry_keys[0]), &en);
	if (in->diags->n_errors > before || in->diags->failed)
		goto out;
	if (limit_value(en.l.item, en.value->text, &en.l.value) != 0) {
		conf_error(in->diags, en.value->pos,
		    "'value' is %s, expected %lld to %lld%s",
		    str_quote(quoted, en.value->text),
		    (long long)en.l.item->min, (long long)en.l.item->max,
		    en.l.item->unlimited ? " or unlimited" : "");
		goto out;
	}
	if (!is_twice(in, p, &en.l) && add_limit(p, &en.l, en.l.domain) != 0)
		conf_nomem(in);
out:
	free(en.l.domain);
}

static void
read_limits(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct params *p = field;

	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		read_limit(in, n->items[i], p);
}

static const struct conf_key keys[] = {
    {"ensure", state_ensure, offsetof(struct params, absent), false,
	"present or absent", 0, 0, NULL},
    {"limits", read_limits, 0, false, "a list of limits", 1, LIMITS_MAX, NULL},
};

static bool
has_own(const struct params *p, const char *domain, const struct limit *like)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].domain, domain) == 0 &&
		    p->v[i].item == like->item &&
		    (p->v[i].type & like->type) != 0)
			return true;
	return false;
}

void
limits_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	struct params *p = params;
	size_t said;

	conf_map(in, n->pos, "pam_limits", n, keys,
	    sizeof(keys) / sizeof(keys[0]), p);
	if (p->n == 0 && !p->absent && in->diags->n_errors == 0)
		conf_error(in->diags, n->pos,
		    "pam_limits has no 'limits', expected some or "
		    "'ensure: absent'");
	said = p->n;
	for (size_t i = 0; i < said; i++)
		if (strcmp(p->v[i].domain, "*") == 0 &&
		    !has_own(p, "root", &p->v[i]) &&
		    add_limit(p, &p->v[i], "root") != 0)
			conf_nomem(in);
}

void
limits_params_clear(void *params)
{
	struct params *p = params;

	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].domain);
	free(p->v);
	*p = (struct params){0};
}

const char *
limits_type_word(enum limit_type t)
{
	return t == LIMIT_SOFT ? "soft" : t == LIMIT_HARD ? "hard" : "-";
}

void
limits_add_value(struct str *out, int64_t v)
{
	if (v < 0)
		str_add(out, "unlimited");
	else
		str_addf(out, "%" PRId64, v);
}

/* nice and priority may be negative, and are never unlimited. */
static void
add_line(struct str *out, const struct limit *l)
{
	str_addf(out, "%s\t%s\t%s\t", l->domain, limits_type_word(l->type),
	    l->item->name);
	if (l->item->unlimited)
		limits_add_value(out, l->value);
	else
		str_addf(out, "%" PRId64, l->value);
	str_addc(out, '\n');
}

int
limits_text(const struct params *p, struct str *out)
{
	str_add(out, STATE_MARK);
	for (size_t i = 0; i < p->n; i++)
		add_line(out, &p->v[i]);
	return str_check(out);
}
