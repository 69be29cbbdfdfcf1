/* SPDX-License-Identifier: ISC */
/*
 * One grant of ca.yaml.  Names in it are resolved later (policy_link.c), and
 * what depends on its kind is checked when all of it is read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/lint.h"
#include "lib/statement/statement.h"
#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

#define HOUR INT64_C(3600)

static void
read_kind(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"user", CERT_USER}, {"host", CERT_HOST}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(enum cert_kind *)field = (enum cert_kind)v;
}

static void
read_to(struct conf_in *in, const struct conf_key *k, const struct yaml_node *n,
    void *field)
{
	if (!conf_is_texts(in, k, n))
		return;
	conf_texts(in, k, n, field);
	for (size_t i = 0; i < n->n; i++)
		policy_add_ref(in, REF_TO, n->items[i]);
}

static bool
said(struct conf_in *in, const struct yaml_node *n, int r, const struct err *e)
{
	if (r == ERR_NOMEM)
		conf_nomem(in);
	else if (r != 0)
		conf_error(in->diags, n->pos, "%s", e->msg);
	return r == 0;
}

static bool
check_source(struct conf_in *in, const struct yaml_node *n)
{
	struct err e = {0};

	return said(in, n, lint_source(n->text, &e), &e);
}

_Static_assert(POLICY_LIST_MAX <= OUTCOME_SOURCES_MAX,
    "who approves a request has to be shown all of its grant's source");

/* Where a request names none, all of it goes into one option, with commas. */
static void
read_source(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	const struct strs *list = field;
	size_t len = 0;

	conf_texts(in, k, n, field);
	for (size_t i = 0; i < list->n; i++)
		len += strlen(list->v[i]) + (i > 0 ? 1 : 0);
	if (len > CERT_OPTION_MAX)
		conf_error(in->diags, n->pos,
		    "'source' is %zu bytes in one option of a certificate, "
		    "expected at most %d",
		    len, CERT_OPTION_MAX);
}

static bool
check_extension(struct conf_in *in, const struct yaml_node *n)
{
	struct err e = {0};

	return said(in, n, lint_extension(n->text, &e), &e);
}

static bool
check_command(struct conf_in *in, const struct yaml_node *n)
{
	struct err e = {0};

	return said(in, n, lint_force_command(n->text, &e), &e);
}

static void
read_extensions(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_texts(in, k, n, field);
	strs_sort(field);
}

/* A flag whose one value is a word. */
static void
read_required(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {{"required", true}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(bool *)field = v != 0;
}

static const struct conf_key reason_keys[] = {
    {.name = "min",
	.read = conf_unsigned,
	.offset = offsetof(struct grant, reason_min),
	.min = 1,
	.max = POLICY_REASON_MAX,
	.expect = "a number of characters, 1 to 1024"},
    {.name = "max",
	.read = conf_unsigned,
	.offset = offsetof(struct grant, reason_max),
	.min = 1,
	.max = POLICY_REASON_MAX,
	.expect = "a number of characters, 1 to 1024"},
};

static void
read_reason(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct grant *g = field;

	conf_map(in, n->pos, k->name, n, reason_keys, POLICY_COUNT(reason_keys),
	    g);
	if (g->reason_min > g->reason_max)
		conf_error(in->diags, n->pos,
		    "'reason' has min %u, expected at most its max, %u",
		    g->reason_min, g->reason_max);
}

static bool
has_term(const struct grant *g, const char *group)
{
	for (size_t i = 0; i < g->n_approve; i++)
		if (strcmp(g->approve[i].group, group) == 0)
			return true;
	return false;
}

static void
read_term(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, struct grant *g)
{
	struct conf_key who = {.min = 1,
	    .max = POLICY_APPROVALS_MAX,
	    .expect = "a number of approvals, 1 to 16"};
	const struct yaml_pair *pair;
	struct term term = {0};

	if (!conf_is(in, k, n, YAML_MAP))
		return;
	if (n->n != 1) {
		conf_error(in->diags, n->pos,
		    "a term of 'approve' has %zu "
		    "groups, expected one, {GROUP: NUMBER}",
		    n->n);
		return;
	}
	pair = &n->pairs[0];
	who.name = pair->key;
	policy_add_ref_at(in, REF_APPROVER, pair->key, pair->pos);
	conf_unsigned(in, &who, pair->value, &term.n);
	if (has_term(g, pair->key)) {
		conf_error(in->diags, pair->pos,
		    "group '%s' is in 'approve' "
		    "twice, expected one term with the sum",
		    pair->key);
		return;
	}
	if ((term.group = str_dup(pair->key)) == NULL) {
		conf_nomem(in);
		return;
	}
	g->approve[g->n_approve++] = term;
}

static void
read_approve(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct grant *g = field;

	if (n->kind == YAML_TEXT && strcmp(n->text, "none") == 0)
		return;
	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		read_term(in, k, n->items[i], g);
}

#define GRANT(word, reader, field, ...)                              \
	{                                                            \
		.name = word, .read = reader,                        \
		.offset = offsetof(struct grant, field), __VA_ARGS__ \
	}
#define WHOLE(word, reader, ...)                          \
	{                                                 \
		.name = word, .read = reader, __VA_ARGS__ \
	}
#define LIST .min = 1, .max = POLICY_LIST_MAX

static const struct conf_key grant_keys[] = {
    GRANT("kind", read_kind, kind, .expect = "user or host"),
    GRANT("to", read_to, to, LIST, .required = true,
	.expect = "a list of the groups or persons who may ask"),
    GRANT("principals", conf_texts, principals, LIST, .required = true,
	.expect = "a list of principals"),
    GRANT("max", conf_span, max, .min = 1, .required = true,
	.expect = "a span such as 90s, 15m, 8h or 7d"),
    GRANT("wait", conf_span, wait, .min = 1,
	.expect = "a span such as 90s, 15m, 8h or 7d"),
    GRANT("ahead", conf_span, ahead, .min = 1,
	.expect = "a span such as 90s, 15m, 8h or 7d"),
    GRANT("hours", policy_read_hours, hours,
	.expect = "a mapping of days, from, to, zone"),
    GRANT("source", read_source, source, LIST, .check = check_source,
	.expect = "a list of addresses and networks"),
    GRANT("extensions", read_extensions, extensions, .max = CERT_OPTIONS_MAX,
	.check = check_extension, .expect = "a list of extensions"),
    GRANT("force_command", conf_text, force_command, .min = 1,
	.max = CERT_OPTION_MAX, .check = check_command, .expect = "a command"),
    GRANT("verify_required", conf_bool, verify_required, .expect = "yes or no"),
    WHOLE("reason", read_reason, .expect = "a mapping of min, max"),
    WHOLE("ticket", policy_read_ticket, .min = 1, .max = POLICY_TICKET_MAX,
	.expect = "a POSIX extended regular expression"),
    WHOLE("approve", read_approve, .min = 1, .max = POLICY_TERMS_MAX,
	.required = true,
	.expect = "none, or a list of terms such as [{leads: 1}]"),
    GRANT("break_glass", conf_bool, break_glass, .expect = "yes or no"),
    GRANT("touch", read_required, touch, .expect = "required"),
    GRANT("pin", read_required, pin, .expect = "required"),
    GRANT("accepted_hosts", conf_bool, accepted_hosts, .expect = "yes or no"),
};

/* A host certificate has no options, and only one for hosts knows hosts. */
static void
check_kind(struct conf_in *in, const struct grant *g, const struct yaml_node *n)
{
	static const char *const user_alone[] = {
	    "source", "extensions", "force_command", "verify_required"};
	static const char *const host_alone[] = {"accepted_hosts"};
	bool host = g->kind == CERT_HOST;
	const char *const *not_for = host ? user_alone : host_alone;
	size_t n_not_for =
	    host ? POLICY_COUNT(user_alone) : POLICY_COUNT(host_alone);

	for (size_t i = 0; i < n_not_for; i++) {
		const struct yaml_node *v = yaml_get(n, not_for[i]);

		if (v != NULL)
			conf_error(in->diags, v->pos,
			    "'%s' in a grant of kind %s, expected it in one "
			    "of kind %s alone",
			    not_for[i], host ? "host" : "user",
			    host ? "user" : "host");
	}
}

/* A pattern is good when what it covers can be: `x` stands for each `*`. */
static int
check_pattern(const char *pattern, struct err *e)
{
	char *name = str_dup(pattern);
	int r;

	if (name == NULL)
		return err_nomem(e);
	for (char *p = name; (p = strchr(p, '*')) != NULL;)
		*p = 'x';
	r = lint_principal(CERT_HOST, name, e);
	free(name);
	return r;
}

static void
check_principals(struct conf_in *in, const struct grant *g,
    const struct yaml_node *list)
{
	if (list == NULL || list->kind != YAML_LIST)
		return;
	for (size_t i = 0; i < list->n; i++) {
		const struct yaml_node *n = list->items[i];
		struct err e = {0};
		int r;

		if (n->kind != YAML_TEXT)
			continue;
		r = g->kind == CERT_HOST
		    ? check_pattern(n->text, &e)
		    : lint_principal(CERT_USER, n->text, &e);
		(void)said(in, n, r, &e);
	}
}

static void
read_grant(struct conf_in *in, const struct yaml_pair *pair, struct grant *g)
{
	const struct yaml_node *n = pair->value;
	char quoted[QUOTE_MAX], what[QUOTE_MAX + 8];

	*g = (struct grant){.kind = CERT_USER,
	    .wait = 12 * HOUR,
	    .ahead = 24 * HOUR,
	    .reason_min = 1,
	    .reason_max = 512,
	    .pos = pair->pos};
	if ((g->name = str_dup(pair->key)) == NULL) {
		conf_nomem(in);
		return;
	}
	(void)snprintf(what, sizeof(what), "grant %s",
	    str_quote(quoted, pair->key));
	conf_map(in, pair->pos, what, n, grant_keys, POLICY_COUNT(grant_keys),
	    g);
	if (n->kind != YAML_MAP)
		return;
	check_kind(in, g, n);
	check_principals(in, g, yaml_get(n, "principals"));
	if (g->kind == CERT_USER && yaml_get(n, "extensions") == NULL &&
	    strs_add(&g->extensions, "permit-pty") != 0)
		conf_nomem(in);
}

void
policy_read_grants(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct reading *rd = in->ctx;
	struct policy *p = rd->p;

	(void)field;
	if (!conf_is(in, k, n, YAML_MAP))
		return;
	if (n->n == 0 || n->n > POLICY_GRANTS_MAX) {
		conf_error(in->diags, n->pos, "%zu grants, expected 1 to %d",
		    n->n, POLICY_GRANTS_MAX);
		return;
	}
	if ((p->grants = calloc(n->n, sizeof(*p->grants))) == NULL) {
		conf_nomem(in);
		return;
	}
	p->cap_grants = n->n;
	for (size_t i = 0; i < n->n; i++) {
		struct yaml_node name = {
		    .text = n->pairs[i].key, .pos = n->pairs[i].pos};

		(void)policy_check_name(in, &name);
		read_grant(in, &n->pairs[i], &p->grants[p->n_grants++]);
	}
}
