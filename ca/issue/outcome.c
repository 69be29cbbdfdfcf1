/* SPDX-License-Identifier: ISC */
/*
 * What a decider is shown, and whether what he was shown covers what would be
 * issued.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/issue/steps.h"

#include "lib/ssh/lint.h"

/* Each string once, in the order given. */
static int
add_unique(const struct strs *from, struct strs *out)
{
	int r;

	for (size_t i = 0; i < from->n; i++)
		if (!strs_has(out, from->v[i]) &&
		    (r = strs_add(out, from->v[i])) != 0)
			return r;
	return 0;
}

/* What was asked, else what the grant gives. */
static int
fill_extensions(const struct request *q, const struct grant *g,
    struct outcome *o)
{
	int r;

	if (q->has_extensions) {
		r = add_unique(&q->extensions, &o->extensions);
		strs_sort(&o->extensions);
		return r;
	}
	for (size_t i = 0; i < g->extensions.n; i++) {
		const char *name = g->extensions.v[i];

		/* It says something about sk-* keys alone; what nobody asked
		   for is left out where it would say nothing. */
		if (strcmp(name, "no-touch-required") == 0 &&
		    !pubkey_is_sk(q->subject))
			continue;
		if (!strs_has(&o->extensions, name) &&
		    (r = strs_add(&o->extensions, name)) != 0)
			return r;
	}
	strs_sort(&o->extensions);
	return 0;
}

static int
fill_options(const struct request *q, const struct grant *g, struct outcome *o)
{
	const char *command =
	    g->force_command != NULL ? g->force_command : q->force_command;
	int r;

	if ((r = add_unique(q->source.n != 0 ? &q->source : &g->source,
		 &o->source)) != 0 ||
	    (r = fill_extensions(q, g, o)) != 0)
		return r;
	if (command != NULL && (o->force_command = str_dup(command)) == NULL)
		return ERR_NOMEM;
	return 0;
}

int
issue_fill_shown(struct issue_step *s)
{
	const struct request *q = s->q;
	const struct grant *g = s->r->grant;
	struct outcome *o = &s->r->shown;
	int r;

	o->kind = q->kind;
	o->length = q->length < g->max ? q->length : g->max;
	if ((r = add_unique(&q->principals, &o->principals)) != 0)
		return r;
	/* Options of host certificates are refused by OpenSSH (4.2). */
	if (q->kind == CERT_USER && (r = fill_options(q, g, o)) != 0)
		return r;
	if ((o->requests = malloc(sizeof(*o->requests))) == NULL)
		return ERR_NOMEM;
	o->requests[0] = s->in->request->hash;
	o->n_requests = 1;
	return 0;
}

static bool
all_listed(const struct strs *wanted, const struct strs *given)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (!strs_has(given, wanted->v[i]))
			return false;
	return true;
}

static bool
source_inside(const struct strs *wanted, const struct strs *given)
{
	if (given->n == 0)
		return true;
	for (size_t i = 0; i < wanted->n; i++) {
		size_t j = 0;

		while (j < given->n && !cidr_inside(wanted->v[i], given->v[j]))
			j++;
		if (j == given->n)
			return false;
	}
	return wanted->n != 0; /* from anywhere is not inside anything */
}

const char *
issue_outcome_beyond(const struct outcome *given, const struct outcome *wanted)
{
	if (given->kind != wanted->kind)
		return "kind";
	if (!all_listed(&wanted->principals, &given->principals))
		return "principals";
	if (!source_inside(&wanted->source, &given->source))
		return "source";
	if (given->force_command != NULL &&
	    (wanted->force_command == NULL ||
		strcmp(given->force_command, wanted->force_command) != 0))
		return "force command";
	if (!all_listed(&wanted->extensions, &given->extensions))
		return "extensions";
	return NULL;
}
