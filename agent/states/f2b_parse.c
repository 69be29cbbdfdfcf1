/* SPDX-License-Identifier: ISC */
/*
 * fail2ban: parameters, and the file that they make.  fail2ban itself says
 * nothing of `bantime = banana` or of a key it does not know, so all is typed
 * here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/f2b_impl.h"
#include "agent/states/words.h"
#include "lib/ssh/cidr.h"

#define SPAN_MAX (3660 * INT64_C(86400))

/* fail2ban's files give blanks, '%' and line ends a meaning. */
static bool
is_word(const char *s, const char *more)
{
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			(*s >= '0' && *s <= '9') || *s == '-' || *s == '_' ||
			strchr(more, *s) != NULL))
			return false;
	return true;
}

static bool
check_word(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (is_word(n->text, ".,:"))
		return true;
	conf_error(in->diags, n->pos,
	    "%s has a character that is not allowed, expected letters, "
	    "digits and - _ . , :",
	    str_quote(quoted, n->text));
	return false;
}

static bool
check_backend(struct conf_in *in, const struct yaml_node *n)
{
	static const char *const known[] = {
	    "auto", "systemd", "polling", "pyinotify"};
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(n->text, known[i]) == 0)
			return true;
	conf_error(in->diags, n->pos,
	    "'backend' is %s, expected auto, systemd, polling or pyinotify",
	    str_quote(quoted, n->text));
	return false;
}

static bool
check_log(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (n->text[0] == '/' && is_word(n->text, "./*"))
		return true;
	conf_error(in->diags, n->pos,
	    "%s is no log file, expected an absolute path",
	    str_quote(quoted, n->text));
	return false;
}

static void
read_bantime(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	int64_t *out = field;

	if (n->kind == YAML_TEXT && strcmp(n->text, "forever") == 0)
		*out = -1;
	else
		conf_span(in, k, n, field);
}

#define AT(f) offsetof(struct f2b_jail, f)
static const struct conf_key jail_keys[] = {
    {"backend", conf_text, AT(backend), false, "where lines come from", 1, 16,
	check_backend},
    {"banaction", conf_text, AT(banaction), false, "an action of fail2ban", 1,
	64, check_word},
    {"bantime", read_bantime, AT(bantime), false,
	"a span such as 1h, or forever", 1, SPAN_MAX, NULL},
    {"enabled", conf_bool, AT(enabled), false, "yes or no", 0, 0, NULL},
    {"filter", conf_text, AT(filter), false, "a filter of fail2ban", 1, 64,
	check_word},
    {"findtime", conf_span, AT(findtime), false, "a span such as 10m", 1,
	SPAN_MAX, NULL},
    {"logpath", conf_texts, AT(logpath), false, "a list of log files", 1, 64,
	check_log},
    {"maxretry", conf_u64, AT(maxretry), false, "1 to 1000", 1, 1000, NULL},
    {"mode", conf_text, AT(mode), false, "a mode of the filter", 1, 32,
	check_word},
    {"port", conf_text, AT(port), false, "ports or names of services", 1, 255,
	check_word},
};

static void
jail_clear(struct f2b_jail *j)
{
	free(j->name);
	free(j->backend);
	free(j->filter);
	free(j->banaction);
	free(j->port);
	free(j->mode);
	strs_clear(&j->logpath);
}

static void
read_jail(struct conf_in *in, const struct yaml_pair *pair,
    struct f2b_params *p)
{
	struct f2b_jail j = {.enabled = true, .pos = pair->pos};
	char quoted[QUOTE_MAX];

	if (!is_word(pair->key, ".") || pair->key[0] == '\0' ||
	    strlen(pair->key) > 26 || strcmp(pair->key, "DEFAULT") == 0 ||
	    strcmp(pair->key, "INCLUDES") == 0) {
		/* The name becomes part of a chain's, 28 characters long. */
		conf_error(in->diags, pair->pos,
		    "%s is no jail, expected up to 26 letters, digits and - _ "
		    ".",
		    str_quote(quoted, pair->key));
		return;
	}
	conf_map(in, pair->pos, pair->key, pair->value, jail_keys,
	    sizeof(jail_keys) / sizeof(jail_keys[0]), &j);
	if ((j.name = strdup(pair->key)) == NULL ||
	    vec_grow(&p->v, p->n, &p->cap, F2B_JAILS_MAX) != 0) {
		conf_nomem(in);
		jail_clear(&j);
		return;
	}
	p->v[p->n++] = j;
}

static void
read_jails(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	if (!conf_is_map(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		read_jail(in, &n->pairs[i], field);
}

static void
add_ignored(struct conf_in *in, const struct yaml_node *n, struct strs *out)
{
	char quoted[QUOTE_MAX];
	struct cidr c;

	if (n->kind != YAML_TEXT || cidr_parse(n->text, &c) != 0 ||
	    cidr_has_host_bits(&c))
		conf_error(in->diags, n->pos,
		    "%s in 'ignore' is no address or range without host bits, "
		    "expected one such as 10.0.0.0/8",
		    n->kind == YAML_TEXT ? str_quote(quoted, n->text)
					 : yaml_kind_name(n));
	else if (!strs_has(out, n->text) && strs_add(out, n->text) != 0)
		conf_nomem(in);
}

static void
read_ignore(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	if (n->kind == YAML_TEXT)
		add_ignored(in, n, field);
	else if (conf_is_list(in, k, n))
		for (size_t i = 0; i < n->n; i++)
			add_ignored(in, n->items[i], field);
}

static const struct conf_key keys[] = {
    {"ensure", state_ensure, offsetof(struct f2b_params, absent), false,
	"present or absent", 0, 0, NULL},
    {"ignore", read_ignore, offsetof(struct f2b_params, ignore), false,
	"networks that are never banned", 1, 1000, NULL},
    {"jails", read_jails, 0, false, "jails by name", 1, F2B_JAILS_MAX, NULL},
};

void
f2b_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	static const char *const loopback[] = {"127.0.0.0/8", "::1"};
	struct f2b_params *p = params;
	size_t before = in->diags->n_errors;

	for (size_t i = 0; i < 2; i++)
		if (strs_add(&p->ignore, loopback[i]) != 0)
			conf_nomem(in);
	conf_map(in, n->pos, "fail2ban", n, keys,
	    sizeof(keys) / sizeof(keys[0]), p);
	if (p->n == 0 && !p->absent && in->diags->n_errors == before)
		conf_error(in->diags, n->pos,
		    "fail2ban has no 'jails', expected some or "
		    "'ensure: absent'");
}

void
f2b_params_clear(void *params)
{
	struct f2b_params *p = params;

	for (size_t i = 0; i < p->n; i++)
		jail_clear(&p->v[i]);
	free(p->v);
	strs_clear(&p->ignore);
	*p = (struct f2b_params){0};
}

/* --- the file ---------------------------------------------------------- */

static void
add_text(struct str *out, const char *key, const char *value)
{
	if (value != NULL)
		str_addf(out, "%s = %s\n", key, value);
}

static void
add_ignore(struct str *out, const struct strs *l)
{
	str_add(out, "ignoreip =");
	for (size_t i = 0; i < l->n; i++)
		str_addf(out, " %s", l->v[i]);
	str_addc(out, '\n');
}

static void
add_jail(struct str *out, const struct f2b_params *p, const struct f2b_jail *j)
{
	str_addf(out, "\n[%s]\nenabled = %s\n", j->name,
	    j->enabled ? "true" : "false");
	add_text(out, "backend", j->backend);
	add_text(out, "filter", j->filter);
	add_text(out, "mode", j->mode);
	add_text(out, "port", j->port);
	add_text(out, "banaction", j->banaction);
	if (j->maxretry > 0)
		str_addf(out, "maxretry = %" PRIu64 "\n", j->maxretry);
	if (j->findtime != 0)
		str_addf(out, "findtime = %" PRId64 "\n", j->findtime);
	if (j->bantime != 0)
		str_addf(out, "bantime = %" PRId64 "\n", j->bantime);
	for (size_t i = 0; i < j->logpath.n; i++)
		str_addf(out, "%s %s\n", i == 0 ? "logpath =" : "         ",
		    j->logpath.v[i]);
	/* Said again: a list of the jail's own elsewhere would count. */
	add_ignore(out, &p->ignore);
}

int
f2b_text(const struct f2b_params *p, struct str *out)
{
	str_add(out, STATE_MARK "[DEFAULT]\n");
	add_ignore(out, &p->ignore);
	for (size_t i = 0; i < p->n; i++)
		add_jail(out, p, &p->v[i]);
	return str_check(out);
}
