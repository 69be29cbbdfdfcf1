/* SPDX-License-Identifier: ISC */
/*
 * Does a fleet work?  Every host that can be foreseen, one after the other; what
 * each has to say is kept once, and said at the end.
 */
#include "agent/states/check.h"

#include <stdlib.h>
#include <string.h>

#include "agent/states/check_impl.h"
#include "lib/base/clock.h"

/* Something that was said of some hosts. */
struct finding {
	char *text, *who; /* who: the first host it was said of */
	bool warning;
	size_t hosts; /* that it was said of */
};

/* A highstate that was looked into, and which findings it has. */
struct outcome {
	struct hash hash;
	size_t *findings;
	size_t n, cap;
};

struct checking {
	const struct fleet *f;
	const struct fleet_check *c;
	const struct state_ops *const *kinds;
	size_t n_kinds;
	struct foreseen w;
	struct finding *findings;
	size_t n_findings, cap_findings;
	struct outcome *outcomes;
	size_t n_outcomes, cap_outcomes;
	struct agreement agreement;
	struct fleet_check_result result;
};

/* --- kinds ---------------------------------------------------------------- */

static const struct state_ops *
kind_of(const struct checking *k, const char *name)
{
	for (size_t i = 0; i < k->n_kinds; i++)
		if (strcmp(k->kinds[i]->name, name) == 0)
			return k->kinds[i];
	return NULL;
}

static void
say_unknown_kind(const struct checking *k, const struct fleet_state *s,
    struct conf_diags *d)
{
	struct str known = STR_INIT;
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < k->n_kinds; i++)
		str_addf(&known, "%s%s", i > 0 ? ", " : "", k->kinds[i]->name);
	if (str_check(&known) != 0)
		d->failed = true;
	conf_error(d, s->kind_pos,
	    "unknown kind of state %s, expected one of %s",
	    str_quote(quoted, s->kind), known.p);
	str_clear(&known);
}

/* What needs no host: of states that no host gets, too. */
static void
check_states(struct checking *k, struct conf_diags *d)
{
	char until[CLOCK_TEXT];

	for (size_t i = 0; i < k->f->n_files; i++)
		for (size_t j = 0; j < k->f->files[i].n_states; j++) {
			const struct fleet_state *s = &k->f->files[i].states[j];

			k->result.states++;
			if (kind_of(k, s->kind) == NULL)
				say_unknown_kind(k, s, d);
			for (size_t x = 0; x < s->n_exceptions; x++) {
				if (s->exceptions[x].expires >= k->c->now)
					continue;
				clock_format(s->exceptions[x].expires, until);
				conf_warning(d, s->exceptions[x].pos,
				    "the exception ended at %s, so these hosts "
				    "are not spared",
				    until);
			}
		}
}

/* --- ids ------------------------------------------------------------------ */

struct ids {
	const struct strs *hosts;
	struct conf_diags *d;
	struct strs said;
};

static int
check_id(struct ids *w, const char *id, struct conf_pos pos)
{
	if (strs_has(w->hosts, id) || strs_has(&w->said, id))
		return 0;
	conf_warning(w->d, pos, "no enrolled host is '%s'", id);
	return strs_add(&w->said, id);
}

static int
check_expr_ids(void *ctx, const struct expr *x, struct conf_pos pos)
{
	struct ids *w = ctx;
	struct strs ids = {0};
	int r = expr_ids(x, &ids);

	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = check_id(w, ids.v[i], pos);
	strs_clear(&ids);
	return r;
}

static int
check_ids(const struct checking *k, struct conf_diags *d)
{
	struct ids w = {.hosts = k->c->hosts, .d = d};
	int r;

	if (w.hosts == NULL)
		return 0;
	r = fleet_each_expr(k->f, check_expr_ids, &w);
	for (size_t i = 0; i < k->f->n_roles; i++) {
		const struct fleet_role *role = &k->f->roles[i];

		for (size_t j = 0; j < role->hosts.n && r == 0; j++)
			if (strpbrk(role->hosts.v[j], "*?") == NULL)
				r = check_id(&w, role->hosts.v[j], role->pos);
	}
	strs_clear(&w.said);
	return r;
}

/* --- one highstate -------------------------------------------------------- */

struct owned {
	char *what;
	size_t state;
};

struct owners {
	struct owned *v;
	size_t n, cap;
};

static int
by_what(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int c = strcmp(x->what, y->what);

	return c != 0 ? c : (x->state > y->state) - (x->state < y->state);
}

static int
add_owned(struct owners *o, const struct state_ops *ops, const void *params,
    size_t state)
{
	struct strs names = {0};
	int r = ops->owns(params, &names);

	for (size_t i = 0; i < names.n && r == 0; i++) {
		if ((r = vec_grow(&o->v, o->n, &o->cap, STRS_MAX)) != 0)
			break;
		if ((o->v[o->n].what = str_dup(names.v[i])) == NULL)
			r = ERR_NOMEM;
		else
			o->v[o->n++].state = state;
	}
	strs_clear(&names);
	return r;
}

/* A state that is read without a fault owns what it says. */
static int
check_params(const struct checking *k, const struct highstate *h, size_t i,
    struct owners *o, struct conf_diags *d)
{
	const struct state_ops *ops = kind_of(k, h->v[i].decl->kind);
	struct conf_in in = {.diags = d};
	size_t errors = d->n_errors;
	void *params;
	int r = 0;

	if (ops == NULL || h->v[i].off)
		return 0;
	if ((params = calloc(1, ops->params_size + 1)) == NULL)
		return ERR_NOMEM;
	ops->parse(&in, h->v[i].params, params);
	if (d->failed)
		r = ERR_NOMEM;
	else if (d->n_errors == errors && ops->owns != NULL)
		r = add_owned(o, ops, params, i);
	if (ops->params_clear != NULL)
		ops->params_clear(params);
	free(params);
	return r;
}

static void
say_owned_twice(const struct highstate *h, const struct owners *o,
    struct conf_diags *d)
{
	for (size_t i = 1; i < o->n; i++) {
		const struct fleet_state *a, *b;

		if (strcmp(o->v[i - 1].what, o->v[i].what) != 0)
			continue;
		a = h->v[o->v[i - 1].state].decl;
		b = h->v[o->v[i].state].decl;
		conf_error(d, b->pos,
		    "'%s' and '%s' (%s:%u:%u) both own %s, expected one state "
		    "for it",
		    b->id, a->id, a->pos.file, a->pos.line, a->pos.col,
		    o->v[i].what);
	}
}

static int
check_highstate(struct checking *k, const struct highstate *h,
    struct conf_diags *d)
{
	struct owners o = {0};
	int r = 0;

	for (size_t i = 0; i < h->n && r == 0; i++)
		r = check_params(k, h, i, &o, d);
	if (r == 0 && o.n > 0) {
		qsort(o.v, o.n, sizeof(*o.v), by_what);
		say_owned_twice(h, &o, d);
	}
	if (r == 0 && k->agreement.policy != NULL)
		r = agreement_add(&k->agreement, h, d);
	for (size_t i = 0; i < o.n; i++)
		free(o.v[i].what);
	free(o.v);
	return d->failed ? ERR_NOMEM : r;
}

/* --- all hosts ------------------------------------------------------------ */

static int
find(struct checking *k, const struct conf_diag *d, const char *who,
    size_t *out)
{
	struct finding f = {.warning = d->warning};
	int r;

	for (size_t i = 0; i < k->n_findings; i++)
		if (strcmp(k->findings[i].text, d->text) == 0) {
			*out = i;
			return 0;
		}
	if ((r = vec_grow(&k->findings, k->n_findings, &k->cap_findings,
		 STRS_MAX)) != 0)
		return r;
	f.text = str_dup(d->text);
	f.who = str_dup(who);
	if (f.text == NULL || f.who == NULL) {
		free(f.text);
		free(f.who);
		return ERR_NOMEM;
	}
	*out = k->n_findings;
	k->findings[k->n_findings++] = f;
	return 0;
}

/* Each finding once a host, whatever often its highstate says it. */
static int
add_finding(struct outcome *o, size_t i)
{
	int r;

	for (size_t j = 0; j < o->n; j++)
		if (o->findings[j] == i)
			return 0;
	if ((r = vec_grow(&o->findings, o->n, &o->cap, STRS_MAX)) == 0)
		o->findings[o->n++] = i;
	return r;
}

static int
add_outcome(struct checking *k, const struct hash *hash,
    const struct conf_diags *d, const char *who)
{
	struct outcome o = {.hash = *hash};
	size_t i = 0;
	int r;

	if ((r = vec_grow(&k->outcomes, k->n_outcomes, &k->cap_outcomes,
		 STRS_MAX)) != 0)
		return r;
	for (size_t j = 0; j < d->n && r == 0; j++)
		if ((r = find(k, &d->v[j], who, &i)) == 0)
			r = add_finding(&o, i);
	k->outcomes[k->n_outcomes++] = o;
	return r;
}

/* The outcome of that name, or NULL; counts one more host for what it has. */
static const struct outcome *
known(struct checking *k, const struct hash *hash)
{
	for (size_t i = 0; i < k->n_outcomes; i++) {
		const struct outcome *o = &k->outcomes[i];

		if (!hash_equal(&o->hash, hash))
			continue;
		for (size_t j = 0; j < o->n; j++)
			k->findings[o->findings[j]].hosts++;
		return o;
	}
	return NULL;
}

/* What tells highstates apart: all of it, or what was wrong with it. */
static int
name_of(const struct highstate *h, const struct conf_diags *d, struct hash *out)
{
	struct str s = STR_INIT;
	int r = 0;

	if (h != NULL)
		r = highstate_describe(h, &s);
	for (size_t i = 0; i < d->n; i++)
		str_addf(&s, "%s\n", d->v[i].text);
	if (r == 0)
		r = str_check(&s);
	hash_sha256(s.p, s.n, out);
	str_clear(&s);
	return r;
}

static int
check_compiled(struct checking *k, const struct fleet_host *host,
    const char *who)
{
	struct conf_diags d = {0};
	struct highstate *h = NULL;
	struct hash name;
	int r = highstate_compile(k->f, host, &h, &d);

	if (r == ERR_NOMEM || (r = name_of(h, &d, &name)) != 0)
		goto out;
	if (known(k, &name) != NULL)
		goto out;
	if (h != NULL && (r = check_highstate(k, h, &d)) != 0)
		goto out;
	if ((r = add_outcome(k, &name, &d, who)) == 0)
		(void)known(k, &name);
out:
	highstate_free(h);
	conf_diags_clear(&d);
	return r;
}

static int
check_host(struct checking *k, size_t i)
{
	struct strs roles = {0};
	struct grains g = {0};
	struct fleet_host host = {
	    .roles = &roles, .grains = &g, .now = k->c->now};
	struct str who = STR_INIT;
	int r;

	if ((r = foreseen_host(&k->w, i, &host.id, &g)) != 0 ||
	    (r = fleet_roles(k->f, host.id, &roles)) != 0)
		goto out;
	foreseen_describe(&k->w, host.id, &g, &who);
	if ((r = str_check(&who)) == 0)
		r = check_compiled(k, &host, who.p);
out:
	str_clear(&who);
	grains_clear(&g);
	strs_clear(&roles);
	return r;
}

/* --- the whole ------------------------------------------------------------ */

static int
check_hosts(struct checking *k, struct conf_diags *d)
{
	size_t max = k->c->hosts_max > 0 ? k->c->hosts_max : CHECK_HOSTS_MAX;
	int r;

	if ((r = foresee(k->f, k->c->hosts, &k->w)) != 0)
		return r;
	k->result.hosts = k->w.n < max ? k->w.n : max;
	for (size_t i = 0; i < k->result.hosts && r == 0; i++)
		r = check_host(k, i);
	k->result.highstates = k->n_outcomes;
	if (r == 0 && k->w.n > max)
		conf_warning(d, (struct conf_pos){0},
		    "the expressions tell more than %zu hosts apart, of which "
		    "%zu were tried",
		    max, max);
	return r;
}

static void
say_findings(const struct checking *k, struct conf_diags *d)
{
	for (size_t i = 0; i < k->n_findings; i++) {
		const struct finding *f = &k->findings[i];
		void (*say)(struct conf_diags * d, struct conf_pos pos,
		    const char *fmt, ...) =
		    f->warning ? conf_warning : conf_error;

		if (f->hosts == k->result.hosts)
			say(d, (struct conf_pos){0}, "%s", f->text);
		else
			say(d, (struct conf_pos){0}, "%s (on %s)", f->text,
			    f->who);
	}
}

static void
checking_clear(struct checking *k)
{
	for (size_t i = 0; i < k->n_findings; i++) {
		free(k->findings[i].text);
		free(k->findings[i].who);
	}
	free(k->findings);
	for (size_t i = 0; i < k->n_outcomes; i++)
		free(k->outcomes[i].findings);
	free(k->outcomes);
	foreseen_clear(&k->w);
	agreement_clear(&k->agreement);
}

int
fleet_check(const struct fleet *f, const struct fleet_check *c,
    struct fleet_check_result *out, struct conf_diags *diags)
{
	struct checking k = {.f = f,
	    .c = c,
	    .kinds = c->kinds,
	    .n_kinds = c->n_kinds,
	    .agreement = {.policy = c->policy}};
	size_t errors = diags->n_errors;
	int r;

	if (k.kinds == NULL)
		k.kinds = state_kinds(&k.n_kinds);
	check_states(&k, diags);
	check_secrets(f, diags);
	if ((r = check_ids(&k, diags)) != 0 ||
	    (r = check_hosts(&k, diags)) != 0)
		goto out;
	say_findings(&k, diags);
	if (c->policy != NULL)
		r = agreement_end(&k.agreement, f, diags);
	if (r == 0 && out != NULL)
		*out = k.result;
	if (r == 0 && diags->n_errors > errors)
		r = ERR_DENIED;
out:
	checking_clear(&k);
	return diags->failed ? ERR_NOMEM : r;
}
