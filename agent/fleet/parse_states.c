/* SPDX-License-Identifier: ISC */
/*
 * states/NAME.yaml: states by id, each of one kind, and files that are included.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/fleet/fleet_impl.h"

#define REQUISITE "a list of ids of states"

/* --- exceptions ----------------------------------------------------------- */

static const struct conf_key exception_keys[] = {
    {"match", fleet_read_expr, offsetof(struct fleet_exception, match), true,
	"an expression such as \"role == 'build'\"", 0, 0, NULL},
    {"reason", conf_text, offsetof(struct fleet_exception, reason), true,
	"why these hosts are spared", 1, POLICY_REASON_MAX, NULL},
    {"owner", conf_text, offsetof(struct fleet_exception, owner), true,
	"a person", 1, ID_MAX, NULL},
    {"expires", conf_time, offsetof(struct fleet_exception, expires), true,
	"a date such as 2027-01-31", 0, 0, NULL},
};

static void
read_exceptions(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fleet_state *s = field;
	char quoted[QUOTE_MAX];

	if (!conf_is_list(in, k, n))
		return;
	if ((s->exceptions = calloc(n->n, sizeof(*s->exceptions))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		struct fleet_exception *x = &s->exceptions[s->n_exceptions++];

		x->pos = n->items[i]->pos;
		conf_map(in, x->pos, "an exception", n->items[i],
		    exception_keys, FLEET_COUNT(exception_keys), x);
		if (x->owner != NULL && !id_is_valid(x->owner))
			conf_error(in->diags,
			    yaml_get(n->items[i], "owner")->pos,
			    "'owner' is %s, expected the id of a person",
			    str_quote(quoted, x->owner));
	}
}

/* --- a state -------------------------------------------------------------- */

static void
read_when(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fleet_state *s = field;

	s->when_pos = n->pos;
	fleet_read_expr(in, k, n, &s->when);
}

/* What may stand beside the kind.  The first are FLEET_REQUISITES. */
static const struct conf_key state_keys[] = {
    {"require", conf_texts, offsetof(struct fleet_state, require), false,
	REQUISITE, 1, FLEET_LIST_MAX, fleet_check_name},
    {"watch", conf_texts, offsetof(struct fleet_state, watch), false, REQUISITE,
	1, FLEET_LIST_MAX, fleet_check_name},
    {"onchanges", conf_texts, offsetof(struct fleet_state, onchanges), false,
	REQUISITE, 1, FLEET_LIST_MAX, fleet_check_name},
    {"when", read_when, 0, false, "an expression such as \"os == 'debian'\"", 0,
	0, NULL},
    {"exceptions", read_exceptions, 0, false,
	"a list of {match, reason, owner, expires}", 1, FLEET_LIST_MAX, NULL},
    {"cis", conf_texts, offsetof(struct fleet_state, cis), false,
	"a list such as [\"5.1.20\"]", 1, FLEET_LIST_MAX, NULL},
    {"why", conf_text, offsetof(struct fleet_state, why), false,
	"a line of text", 1, POLICY_REASON_MAX, NULL},
};

void
fleet_state_clear(struct fleet_state *s)
{
	for (size_t i = 0; i < s->n_exceptions; i++) {
		expr_free(s->exceptions[i].match);
		free(s->exceptions[i].reason);
		free(s->exceptions[i].owner);
	}
	free(s->exceptions);
	free(s->id);
	free(s->kind);
	strs_clear(&s->require);
	strs_clear(&s->watch);
	strs_clear(&s->onchanges);
	expr_free(s->when);
	strs_clear(&s->cis);
	free(s->why);
	*s = (struct fleet_state){0};
}

static const struct conf_key *
find_key(const char *name)
{
	for (size_t i = 0; i < FLEET_COUNT(state_keys); i++)
		if (strcmp(state_keys[i].name, name) == 0)
			return &state_keys[i];
	return NULL;
}

/* The one key that is none of ours. */
static void
read_kind(struct conf_in *in, const struct yaml_pair *pair,
    struct fleet_state *s)
{
	char first[QUOTE_MAX], second[QUOTE_MAX];

	if (s->kind != NULL) {
		conf_error(in->diags, pair->pos,
		    "unknown key %s, expected one kind of state (line %u has "
		    "%s), require, watch, onchanges, when, exceptions, cis, "
		    "why",
		    str_quote(second, pair->key), s->kind_pos.line,
		    str_quote(first, s->kind));
		return;
	}
	if ((s->kind = str_dup(pair->key)) == NULL)
		conf_nomem(in);
	s->kind_pos = pair->pos;
	s->params = pair->value;
}

static void
check_self(struct conf_in *in, const struct fleet_state *s)
{
	for (size_t i = 0; i < FLEET_REQUISITES; i++) {
		const struct yaml_node *list = s->requisites[i];

		for (size_t j = 0;
		     list != NULL && list->kind == YAML_LIST && j < list->n;
		     j++) {
			const struct yaml_node *n = list->items[j];

			if (n->kind == YAML_TEXT && strcmp(n->text, s->id) == 0)
				conf_error(in->diags, n->pos,
				    "'%s' has itself in '%s', expected other "
				    "states",
				    s->id, state_keys[i].name);
		}
	}
}

static void
read_state(struct conf_in *in, const struct yaml_pair *pair,
    struct fleet_state *s)
{
	const struct yaml_node *n = pair->value;
	const struct conf_key *k;

	if (n->kind != YAML_MAP) {
		conf_error(in->diags, n->pos,
		    "state '%s' is %s, expected a mapping of one kind to its "
		    "parameters",
		    s->id, yaml_kind_name(n));
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_pair *p = &n->pairs[i];

		if ((k = find_key(p->key)) == NULL)
			read_kind(in, p, s);
		else
			k->read(in, k, p->value, (char *)s + k->offset);
	}
	for (size_t i = 0; i < FLEET_REQUISITES; i++)
		s->requisites[i] = yaml_get(n, state_keys[i].name);
	if (s->kind == NULL)
		conf_error(in->diags, pair->pos,
		    "state '%s' has no kind, expected one such as "
		    "'sshd_config: {...}'",
		    s->id);
	check_self(in, s);
}

/* --- a file --------------------------------------------------------------- */

static const struct conf_key include_key = {"include", NULL, 0, false,
    "a list of files below states/", 1, FLEET_LIST_MAX, fleet_check_name};

static bool
check_id(struct conf_in *in, const struct yaml_pair *pair)
{
	char quoted[QUOTE_MAX];

	if (fleet_name_is_valid(pair->key))
		return true;
	conf_error(in->diags, pair->pos,
	    "%s is not an id of a state, expected 1 to %d of a-z 0-9 . _ - "
	    "that start with a letter or digit",
	    str_quote(quoted, pair->key), FLEET_NAME_MAX);
	return false;
}

static bool
start_state(struct conf_in *in, const struct yaml_pair *pair,
    struct fleet_file *f)
{
	struct reading *rd = in->ctx;
	struct fleet_state *s = &f->states[f->n_states];

	if (!check_id(in, pair))
		return false;
	if (rd->n_states++ == FLEET_STATES_MAX)
		conf_error(in->diags, pair->pos,
		    "one state too many, expected at most %d in a fleet",
		    FLEET_STATES_MAX);
	if (rd->n_states > FLEET_STATES_MAX)
		return false;
	if ((s->id = str_dup(pair->key)) == NULL) {
		conf_nomem(in);
		return false;
	}
	s->pos = pair->pos;
	f->n_states++;
	return true;
}

void
fleet_read_states(struct conf_in *in, const struct yaml_node *root,
    struct fleet_file *out)
{
	if (root == NULL || root->kind != YAML_MAP || root->n == 0) {
		conf_error(in->diags, root != NULL ? root->pos : out->pos,
		    "a file of states that is %s, expected a mapping of ids "
		    "to states",
		    root == NULL                 ? "empty"
			: root->kind == YAML_MAP ? "an empty mapping"
						 : yaml_kind_name(root));
		return;
	}
	if ((out->states = calloc(root->n, sizeof(*out->states))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < root->n; i++) {
		const struct yaml_pair *pair = &root->pairs[i];

		if (strcmp(pair->key, "include") == 0)
			fleet_read_files(in, &include_key, pair->value,
			    &out->include, REF_STATES);
		else if (start_state(in, pair, out))
			read_state(in, pair, &out->states[out->n_states - 1]);
	}
}
