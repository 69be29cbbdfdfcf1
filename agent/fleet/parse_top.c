/* SPDX-License-Identifier: ISC */
/*
 * top.yaml: which host gets which files of states and of pillar.
 */
#include <stddef.h>
#include <stdlib.h>

#include "agent/fleet/fleet_impl.h"

static void
read_apply(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	fleet_read_files(in, k, n, field, REF_STATES);
}

static void
read_use(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	fleet_read_files(in, k, n, field, REF_PILLAR);
}

#define MATCH                                                                \
	{                                                                    \
		"match", fleet_read_expr, offsetof(struct fleet_top, match), \
		    true, "an expression such as \"*\"", 0, 0, NULL          \
	}

static const struct conf_key states_keys[] = {
    MATCH,
    {"apply", read_apply, offsetof(struct fleet_top, names), true,
	"a list of files below states/", 1, FLEET_LIST_MAX, fleet_check_name},
};

static const struct conf_key pillar_keys[] = {
    MATCH,
    {"use", read_use, offsetof(struct fleet_top, names), true,
	"a list of files below pillar/", 1, FLEET_LIST_MAX, fleet_check_name},
};

static void
read_entries(struct conf_in *in, const struct yaml_node *n,
    const struct conf_key *keys, size_t n_keys, struct fleet_top **v,
    size_t *n_v)
{
	if (n->n == 0)
		return;
	if ((*v = calloc(n->n, sizeof(**v))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		struct fleet_top *t = &(*v)[(*n_v)++];
		const struct yaml_node *match;

		t->pos = n->items[i]->pos;
		conf_map(in, t->pos, "an entry", n->items[i], keys, n_keys, t);
		if ((match = yaml_get(n->items[i], "match")) != NULL)
			t->pos = match->pos;
	}
}

static void
read_states(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fleet *f = field;

	if (conf_is_list(in, k, n))
		read_entries(in, n, states_keys, FLEET_COUNT(states_keys),
		    &f->states, &f->n_states);
}

/* A host can say of itself what it likes, and would get any pillar by that. */
static void
read_pillar(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fleet *f = field;

	if (!conf_is_list(in, k, n))
		return;
	read_entries(in, n, pillar_keys, FLEET_COUNT(pillar_keys), &f->pillar,
	    &f->n_pillar);
	for (size_t i = 0; i < f->n_pillar; i++) {
		const struct fleet_top *t = &f->pillar[i];

		if (t->match != NULL && !expr_is_trusted(t->match))
			conf_error(in->diags, t->pos,
			    "pillar is matched by what a host says of itself, "
			    "expected id and role alone");
	}
}

static const struct conf_key top_keys[] = {
    {"states", read_states, 0, true, "a list of {match, apply}", 0,
	FLEET_ENTRIES_MAX, NULL},
    {"pillar", read_pillar, 0, false, "a list of {match, use}", 0,
	FLEET_ENTRIES_MAX, NULL},
};

void
fleet_read_top(struct conf_in *in, const struct yaml_node *root)
{
	const struct reading *rd = in->ctx;

	conf_map(in, (struct conf_pos){.file = rd->file}, "top.yaml", root,
	    top_keys, FLEET_COUNT(top_keys), rd->f);
}
