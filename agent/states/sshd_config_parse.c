/* SPDX-License-Identifier: ISC */
/*
 * The state sshd_config, read: every keyword and value against the table.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/states/sshd_config.h"
#include "agent/states/words.h"
#include "lib/ssh/cidr.h"

/* --- one setting --------------------------------------------------------- */
static void
bad_value(struct conf_in *in, const struct sshd_word *w,
    const struct yaml_node *n)
{
	struct str expect = STR_INIT;
	char quoted[QUOTE_MAX];

	sshd_expect(w, &expect);
	if (n->kind == YAML_TEXT)
		conf_error(in->diags, n->pos, "%s is %s, expected %s", w->name,
		    str_quoten(quoted, n->text, n->n), expect.p);
	else
		conf_error(in->diags, n->pos, "%s is %s, expected %s", w->name,
		    yaml_kind_name(n), expect.p);
	if (str_check(&expect) != 0)
		conf_nomem(in);
	str_clear(&expect);
}

static bool
read_value(struct conf_in *in, const struct sshd_word *w,
    const struct yaml_node *n, struct strs *out)
{
	if (n->kind != YAML_TEXT || strlen(n->text) != n->n ||
	    !sshd_value_ok(w, n->text)) {
		bad_value(in, w, n);
		return false;
	}
	if (strs_has(out, n->text)) {
		conf_error(in->diags, n->pos, "%s has that value twice",
		    w->name);
		return false;
	}
	if (strs_add(out, n->text) != 0)
		conf_nomem(in);
	return true;
}

/* "alice bob", as sshd_config(5) has lists: each word is a value. */
static bool
read_words(struct conf_in *in, const struct sshd_word *w,
    const struct yaml_node *n, struct strs *out)
{
	for (const char *p = n->text; *(p += strspn(p, " ")) != '\0';) {
		size_t len = strcspn(p, " ");
		char *one = str_dupn(p, len);
		bool ok = one == NULL || sshd_value_ok(w, one);

		if (one == NULL ||
		    (ok && !strs_has(out, one) && strs_add(out, one) != 0))
			conf_nomem(in);
		free(one);
		if (!ok) {
			bad_value(in, w, n);
			return false;
		}
		p += len;
	}
	return true;
}

static bool
read_values(struct conf_in *in, const struct sshd_word *w,
    const struct yaml_node *n, struct strs *out)
{
	bool several = (w->flags & (SSHD_LIST | SSHD_LINES)) != 0;
	bool ok = true;

	if (n->kind == YAML_LIST && several) {
		/* An empty list would mean everybody, or nothing: neither. */
		if (n->n == 0 || n->n > SSHD_VALUES_MAX) {
			conf_error(in->diags, n->pos,
			    "%s is a list of %zu, expected 1 to %d values",
			    w->name, n->n, SSHD_VALUES_MAX);
			return false;
		}
		for (size_t i = 0; i < n->n; i++)
			ok = read_value(in, w, n->items[i], out) && ok;
		return ok;
	}
	if (n->kind == YAML_TEXT && (w->flags & SSHD_LIST) != 0 && n->n > 0 &&
	    strcasecmp(w->name, "SetEnv") != 0)
		return read_words(in, w, n, out);
	return read_value(in, w, n, out);
}

static const struct sshd_word *
find_word(struct conf_in *in, const struct yaml_pair *p, bool in_match)
{
	const struct sshd_word *w = sshd_word(p->key);
	char quoted[QUOTE_MAX];

	if (strcasecmp(p->key, "Match") == 0 ||
	    strcasecmp(p->key, "Include") == 0)
		conf_error(in->diags, p->pos,
		    "%s is no setting, expected `match:` beside `settings:` "
		    "for "
		    "what holds for some",
		    p->key);
	else if (w == NULL)
		conf_error(in->diags, p->pos,
		    "unknown keyword %s, expected one of sshd_config(5)",
		    str_quote(quoted, p->key));
	else if (in_match && (w->flags & SSHD_MATCH) == 0) {
		conf_error(in->diags, p->pos,
		    "%s cannot be in a Match block of sshd, expected it in "
		    "`settings:` for all",
		    w->name);
		w = NULL;
	}
	return w;
}

static void
read_setting(struct conf_in *in, const struct yaml_pair *p, bool in_match,
    struct sshd_block *b)
{
	const struct sshd_word *w = find_word(in, p, in_match);
	struct sshd_setting s = {.word = w, .pos = p->value->pos};

	if (w == NULL)
		return;
	if (sshd_block_find(b, w) != NULL) {
		conf_error(in->diags, p->pos,
		    "%s is there twice, by an older name, expected once",
		    w->name);
		return;
	}
	if (!read_values(in, w, p->value, &s.values)) {
		strs_clear(&s.values);
		return;
	}
	if (vec_grow(&b->v, b->n, &b->cap, SSHD_VALUES_MAX) != 0) {
		strs_clear(&s.values);
		conf_nomem(in);
		return;
	}
	b->v[b->n++] = s;
}

static void
read_block(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, bool in_match, struct sshd_block *b)
{
	if (!conf_is(in, k, n, YAML_MAP))
		return;
	if (n->n == 0)
		conf_error(in->diags, n->pos, "'%s' is empty, expected %s",
		    k->name, k->expect);
	for (size_t i = 0; i < n->n; i++)
		read_setting(in, &n->pairs[i], in_match, b);
}

static void
read_settings(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	read_block(in, k, n, false, &((struct sshd_want *)field)->all);
}

/* --- match --------------------------------------------------------------- */
static const char *const criteria[] = {
    "User", "Group", "Host", "Address", "LocalAddress", "LocalPort"};

static const char *
criterion(const char *name)
{
	for (size_t i = 0; i < sizeof(criteria) / sizeof(criteria[0]); i++)
		if (strcasecmp(criteria[i], name) == 0)
			return criteria[i];
	return NULL;
}

/* An address with bits that its mask leaves out is fatal to sshd. */
static bool
addresses_ok(const char *list)
{
	struct cidr c;
	bool ok = true;

	while (ok && *list != '\0') {
		size_t n = strcspn(list, ","), not = *list == '!';
		char *one = str_dupn(list + not, n - not );

		ok = one != NULL &&
		    (strchr(one, '/') == NULL ||
			(cidr_parse(one, &c) == 0 && !cidr_has_host_bits(&c)));
		free(one);
		list += n + (list[n] == ',');
	}
	return ok;
}

static bool
patterns_ok(const char *name, const char *s)
{
	uint64_t port;

	if (*s == '\0' || *s == ',' || s[strlen(s) - 1] == ',' ||
	    strstr(s, ",,") != NULL || strlen(s) > SSHD_VALUE_MAX ||
	    strpbrk(s, " \"'#\\=") != NULL ||
	    !text_is_clean(s, strlen(s), NULL))
		return false;
	if (strcmp(name, "LocalPort") == 0)
		return parse_u64(s, 1, 65535, &port) == 0;
	return strstr(name, "Address") == NULL || addresses_ok(s);
}

/* One text, or a list that becomes one with commas. */
static int
patterns_text(const struct yaml_node *n, struct str *out)
{
	if (n->kind == YAML_TEXT)
		str_add(out, n->text);
	else if (n->kind == YAML_LIST)
		for (size_t i = 0; i < n->n; i++)
			if (n->items[i]->kind == YAML_TEXT)
				str_addf(out, "%s%s", i > 0 ? "," : "",
				    n->items[i]->text);
	return str_check(out);
}

static void
read_criterion(struct conf_in *in, const struct yaml_pair *p, struct strs *when)
{
	const char *name = criterion(p->key);
	struct str text = STR_INIT;
	char quoted[QUOTE_MAX];

	if (name == NULL) {
		conf_error(in->diags, p->pos,
		    "unknown criterion %s, expected User, Group, Host, "
		    "Address, LocalAddress or LocalPort",
		    str_quote(quoted, p->key));
	} else if (patterns_text(p->value, &text) != 0) {
		conf_nomem(in);
	} else if (!patterns_ok(name, text.p)) {
		conf_error(in->diags, p->value->pos, "%s is %s, expected %s",
		    name, str_quote(quoted, text.p),
		    strcmp(name, "LocalPort") == 0
			? "a port"
			: "patterns without blanks, addresses without host "
			  "bits");
	} else if (strs_add(when, name) != 0 || strs_add(when, text.p) != 0) {
		conf_nomem(in);
	}
	str_clear(&text);
}

static void
read_when(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	if (!conf_is(in, k, n, YAML_MAP))
		return;
	if (n->n == 0)
		conf_error(in->diags, n->pos,
		    "'when' is empty, expected whom the settings are for");
	for (size_t i = 0; i < n->n; i++)
		read_criterion(in, &n->pairs[i], field);
}

static void
read_match_settings(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	read_block(in, k, n, true, field);
}

static const struct conf_key match_keys[] = {
    {.name = "when",
	.read = read_when,
	.offset = offsetof(struct sshd_block, when),
	.required = true,
	.expect = "criteria such as {Group: sftponly}"},
    {.name = "settings",
	.read = read_match_settings,
	.required = true,
	.expect = "keywords of sshd_config(5)"},
};

static void
read_match(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct sshd_want *w = field;

	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++) {
		if (vec_grow(&w->match, w->n_match, &w->cap_match,
			SSHD_BLOCKS_MAX) != 0) {
			conf_nomem(in);
			return;
		}
		w->match[w->n_match] = (struct sshd_block){0};
		conf_map(in, n->items[i]->pos, "an entry of 'match'",
		    n->items[i], match_keys,
		    sizeof(match_keys) / sizeof(match_keys[0]),
		    &w->match[w->n_match++]);
	}
}

static const struct conf_key keys[] = {
    {.name = "settings",
	.read = read_settings,
	.offset = offsetof(struct sshd_config_params, want),
	.expect = "keywords of sshd_config(5)"},
    {.name = "match",
	.read = read_match,
	.offset = offsetof(struct sshd_config_params, want),
	.expect = "a list of {when: ..., settings: ...}",
	.min = 1,
	.max = SSHD_BLOCKS_MAX},
    {.name = "ensure",
	.read = state_ensure,
	.offset = offsetof(struct sshd_config_params, absent),
	.expect = "present or absent"},
};

void
sshd_config_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	struct sshd_config_params *p = params;
	size_t errors = in->diags->n_errors;

	conf_map(in, n->pos, "sshd_config", n, keys,
	    sizeof(keys) / sizeof(keys[0]), p);
	if (in->diags->n_errors == errors && !p->absent && p->want.all.n == 0 &&
	    p->want.n_match == 0)
		conf_error(in->diags, n->pos,
		    "sshd_config says nothing, expected 'settings' or 'match'");
}

void
sshd_config_params_clear(void *params)
{
	struct sshd_config_params *p = params;

	sshd_want_clear(&p->want);
}
