/* SPDX-License-Identifier: ISC */
#include "lib/statement/decision.h"

#include <stdlib.h>
#include <string.h>

int
decision_room(struct decision *d, size_t n)
{
	d->outcomes = calloc(n + 1, sizeof(*d->outcomes));
	d->keys = calloc(n + 1, sizeof(*d->keys));
	return d->outcomes != NULL && d->keys != NULL ? 0 : ERR_NOMEM;
}

static bool
same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && a->length == b->length &&
	    strs_equal(&a->principals, &b->principals) &&
	    strs_equal(&a->source, &b->source) &&
	    strs_equal(&a->extensions, &b->extensions) &&
	    (a->force_command == NULL) == (b->force_command == NULL) &&
	    (a->force_command == NULL ||
		strcmp(a->force_command, b->force_command) == 0);
}

static int
copy_outcome(const struct outcome *from, struct outcome *to)
{
	to->kind = from->kind;
	to->length = from->length;
	if (strs_dup(&from->principals, &to->principals) != 0 ||
	    strs_dup(&from->source, &to->source) != 0 ||
	    strs_dup(&from->extensions, &to->extensions) != 0 ||
	    (from->force_command != NULL &&
		(to->force_command = str_dup(from->force_command)) == NULL))
		return ERR_NOMEM;
	to->requests = calloc(DECISION_REQUESTS_MAX, sizeof(struct hash));
	return to->requests != NULL ? 0 : ERR_NOMEM;
}

int
decision_add_request(struct decision *d, const struct outcome *shown,
    const struct hash *request)
{
	struct outcome *o = NULL;
	int r;

	for (size_t i = 0; i < d->n_outcomes && o == NULL; i++)
		if (same_outcome(&d->outcomes[i], shown))
			o = &d->outcomes[i];
	if (o == NULL) {
		o = &d->outcomes[d->n_outcomes++];
		if ((r = copy_outcome(shown, o)) != 0)
			return r;
	}
	for (size_t i = 0; i < o->n_requests; i++)
		if (hash_equal(&o->requests[i], request))
			return 0;
	o->requests[o->n_requests++] = *request;
	return 0;
}

void
decision_add_key(struct decision *d, const struct hash *key)
{
	d->keys[d->n_keys++] = *key;
}
