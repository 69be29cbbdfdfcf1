/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/page_impl.h"

/* --- ends of sessions ----------------------------------------------------- */

static int
compare_sessions(const void *a, const void *b)
{
	const struct use *const *x = a, *const *y = b;
	int r = strcmp((*x)->host, (*y)->host);

	return r != 0 ? r : strcmp((*x)->event.session, (*y)->event.session);
}

static int64_t
end_of(const struct page_order *o, const struct use *u)
{
	const struct use *const *found;

	if (u->event.session == NULL || o->n_ends == 0)
		return 0;
	found = bsearch(&u, o->ends, o->n_ends, sizeof(struct use *),
	    compare_sessions);
	return found != NULL ? (*found)->event.at : 0;
}

static int
find_ends(const struct uses *u, struct page_order *o)
{
	if ((o->ends = calloc(u->n + 1, sizeof(struct use *))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < u->n; i++)
		if (u->v[i].event.what == LOGIN_OUT &&
		    u->v[i].event.session != NULL)
			o->ends[o->n_ends++] = &u->v[i];
	qsort(o->ends, o->n_ends, sizeof(struct use *), compare_sessions);
	return 0;
}

/* --- logins --------------------------------------------------------------- */

/* Of one second and one host: as they were told. */
static int
compare_times(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int r;

	if (x->use->event.at != y->use->event.at)
		return x->use->event.at < y->use->event.at ? -1 : 1;
	r = strcmp(x->use->host, y->use->host);
	if (r != 0)
		return r;
	return x->use < y->use ? -1 : x->use > y->use;
}

static int
add_login(const struct page *p, struct page_order *o, const struct use *u)
{
	struct str why = STR_INIT;
	struct seen *x = &o->v[o->n];
	struct judged j;
	int r;

	r = known_judge(u, p->issued, p->policy, p->made, &j, &why);
	str_clear(&why); /* the gaps say it */
	*x = (struct seen){.use = u,
	    .of = j.of,
	    .kind = j.kind,
	    .known = j.known != NULL,
	    .end = end_of(o, u)};
	o->n++;
	return r;
}

/* --- by name -------------------------------------------------------------- */

static const char *
host_of(const struct seen *x)
{
	return x->use->host;
}

static const char nobody[] = "(nobody known)"; /* no person has such a name */

static const char *
person_of(const struct seen *x)
{
	return x->of != NULL ? x->of->person : nobody;
}

/* Those of one name stay in the order of time. */
static int
compare_names(const void *a, const void *b)
{
	const struct by *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	if (r != 0)
		return r;
	return x->x < y->x ? -1 : x->x > y->x;
}

static int
order_by(const struct page_order *o, const char *(*name)(const struct seen *x),
    struct order *out)
{
	if ((out->v = calloc(o->n + 1, sizeof(*out->v))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < o->n; i++)
		out->v[i] = (struct by){name(&o->v[i]), &o->v[i]};
	qsort(out->v, o->n, sizeof(*out->v), compare_names);
	for (size_t i = 0; i < o->n; i++)
		out->n_names += out->v[i].name != nobody &&
		    (i == 0 || strcmp(out->v[i - 1].name, out->v[i].name) != 0);
	return 0;
}

int
page_order_make(const struct page *p, struct page_order *o)
{
	const struct uses *u = p->uses;
	int r;

	if ((o->v = calloc(u->n + 1, sizeof(*o->v))) == NULL)
		return ERR_NOMEM;
	r = find_ends(u, o);
	for (size_t i = 0; i < u->n && r == 0; i++)
		if (u->v[i].event.what == LOGIN_IN)
			r = add_login(p, o, &u->v[i]);
	if (r != 0)
		return r;
	qsort(o->v, o->n, sizeof(*o->v), compare_times);
	for (size_t i = 0; i < p->issued->n; i++)
		o->n_issued += p->issued->v[i].valid_after >= p->since;
	if ((r = order_by(o, host_of, &o->hosts)) == 0)
		r = order_by(o, person_of, &o->persons);
	return r;
}

void
page_order_clear(struct page_order *o)
{
	free(o->v);
	free(o->ends);
	free(o->hosts.v);
	free(o->persons.v);
	*o = (struct page_order){0};
}
