/* SPDX-License-Identifier: ISC */
#include "agent/client/ways.h"

#include <stdlib.h>
#include <string.h>

#include "agent/states/carriers.h"

#define WAYS_MAX   4096
#define LINES_SHOW 12 /* of one change */
#define HOSTS_SHOW 4

static void
way_clear(struct way *x)
{
	free(x->state);
	free(x->kind);
	free(x->way);
	free(x->where);
	strs_clear(&x->lines);
	strs_clear(&x->hosts);
}

void
ways_clear(struct ways *w)
{
	for (size_t i = 0; i < w->n; i++)
		way_clear(&w->v[i]);
	free(w->v);
	*w = (struct ways){0};
}

/* --- what is a way in ----------------------------------------------------- */

/* Kinds, and what they are called; a kind that says it is a way in (state.h)
 * and is not here goes by its own name. */
static const struct {
	const char *kind, *way;
} kinds[] = {
    {"iptables", "firewall"},
    {"pam_limits", "PAM"}, /* maxlogins 0 is a door shut */
    {"ssh_ca", "sshd, accounts"},
    {"sshd_config", "sshd"},
};

/* The first word anywhere below n that names a carrier. */
static const char *
carried_in(const struct yaml_node *n)
{
	const char *way = NULL;

	if (n == NULL)
		return NULL;
	if (n->kind == YAML_TEXT)
		return carrier_way(n->text, n->n);
	for (size_t i = 0; i < n->n && way == NULL; i++)
		way = carried_in(n->kind == YAML_LIST ? n->items[i]
						      : n->pairs[i].value);
	return way;
}

const char *
way_of(const char *kind, const struct yaml_node *n)
{
	const struct state_ops *ops;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return kinds[i].way;
	if (strcmp(kind, "pkg") == 0 || strcmp(kind, "service") == 0)
		return carried_in(n);
	ops = state_kind(kind);
	return ops != NULL && (ops->flags & STATE_WAY_IN) != 0 ? kind : NULL;
}

/* --- a state as lines ----------------------------------------------------- */

static void
add_inline(struct str *s, const struct yaml_node *n)
{
	if (n->kind == YAML_TEXT) {
		str_addn(s, n->text, n->n); /* clean: lib/conf/yaml.h */
		return;
	}
	str_addc(s, n->kind == YAML_LIST ? '[' : '{');
	for (size_t i = 0; i < n->n; i++) {
		str_add(s, i > 0 ? ", " : "");
		if (n->kind == YAML_MAP)
			str_addf(s, "%s: ", n->pairs[i].key);
		add_inline(s,
		    n->kind == YAML_LIST ? n->items[i] : n->pairs[i].value);
	}
	str_addc(s, n->kind == YAML_LIST ? ']' : '}');
}

static int
add_line(struct strs *out, const char *path, const struct yaml_node *n)
{
	struct str s = STR_INIT;
	int r;

	str_add(&s, path);
	str_add(&s, *path != '\0' ? ": " : "");
	add_inline(&s, n);
	r = str_check(&s) == 0 ? strs_add(out, s.p) : ERR_NOMEM;
	str_clear(&s);
	return r;
}

/* A line a value of a mapping, and a line an element of a list, so that a
 * change is as small as it is.  At most HIGHSTATE_DEPTH_MAX deep. */
static int
flatten(struct strs *out, const char *path, const struct yaml_node *n)
{
	int r = 0;

	if (n->kind == YAML_TEXT || n->n == 0)
		return add_line(out, path, n);
	for (size_t i = 0; i < n->n && r == 0; i++) {
		struct str s = STR_INIT;

		if (n->kind == YAML_LIST) {
			r = add_line(out, path, n->items[i]);
			continue;
		}
		str_addf(&s, "%s%s%s", path, *path != '\0' ? "." : "",
		    n->pairs[i].key);
		r = str_check(&s) == 0 ? flatten(out, s.p, n->pairs[i].value)
				       : ERR_NOMEM;
		str_clear(&s);
	}
	return r;
}

static int
add_text(struct strs *out, const char *label, const char *text)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "%s: %s", label, text);
	r = str_check(&s) == 0 ? strs_add(out, s.p) : ERR_NOMEM;
	str_clear(&s);
	return r;
}

/* Where it does not hold by the values that were taken for what the host says,
 * the parameters are as they are written. */
static int
state_lines(const struct hstate *s, struct strs *out)
{
	const struct yaml_node *n =
	    s->params != NULL ? s->params : s->decl->params;
	int r = n != NULL ? flatten(out, "", n) : 0;

	if (r == 0 && s->decl->when != NULL)
		r = add_text(out, "when", expr_text(s->decl->when));
	if (r == 0 && s->excepted != NULL)
		r = add_text(out, "exception", s->excepted->reason);
	strs_sort(out);
	return r;
}

static int
state_line_of(struct strs *out, char sign, const char *line)
{
	struct str s = STR_INIT;
	int r;

	str_addc(&s, sign);
	str_add(&s, line);
	r = str_check(&s) == 0 ? strs_add(out, s.p) : ERR_NOMEM;
	str_clear(&s);
	return r;
}

/* Both are sorted: what is in one alone. */
static int
line_diff(const struct strs *a, const struct strs *b, struct strs *out)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a->n || j < b->n)) {
		int c = i == a->n ? 1
		    : j == b->n   ? -1
				  : strcmp(a->v[i], b->v[j]);

		if (c == 0) {
			i++;
			j++;
		} else if (c < 0) {
			r = state_line_of(out, '-', a->v[i++]);
		} else {
			r = state_line_of(out, '+', b->v[j++]);
		}
	}
	return r;
}

/* --- the list of changes -------------------------------------------------- */

static bool
same(const struct way *a, const struct way *b)
{
	return a->what == b->what && strcmp(a->state, b->state) == 0 &&
	    strcmp(a->kind, b->kind) == 0 && strs_equal(&a->lines, &b->lines);
}

/* x moves into the list, or its host joins one that is the same. */
static int
add_way(struct ways *w, struct way *x, const char *host)
{
	struct way *there = NULL;
	int r;

	for (size_t i = 0; i < w->n && there == NULL; i++)
		if (same(&w->v[i], x))
			there = &w->v[i];
	if (there == NULL) {
		if ((r = vec_grow(&w->v, w->n, &w->cap, WAYS_MAX)) != 0)
			return r;
		there = &w->v[w->n++];
		*there = *x;
		*x = (struct way){0};
	}
	return strs_add(&there->hosts, host);
}

struct named {
	const char *state, *kind, *way;
	struct conf_pos pos;
};

static int
add_change(struct ways *w, const struct named *n, enum way_what what,
    struct strs *lines, const char *host)
{
	struct way x = {.what = what};
	struct str where = STR_INIT;
	int r = ERR_NOMEM;

	if (n->pos.line > 0)
		str_addf(&where, "%s:%u", n->pos.file, n->pos.line);
	else
		str_add(&where, n->pos.file);
	x.lines = *lines;
	*lines = (struct strs){0};
	if ((x.state = str_dup(n->state)) != NULL &&
	    (x.kind = str_dup(n->kind)) != NULL &&
	    (x.way = str_dup(n->way)) != NULL &&
	    str_take(&where, &x.where) == 0)
		r = add_way(w, &x, host);
	str_clear(&where);
	way_clear(&x);
	return r;
}

/* --- comparing ------------------------------------------------------------ */

static const char *
way_of_state(const struct hstate *s)
{
	return way_of(s->decl->kind,
	    s->params != NULL ? s->params : s->decl->params);
}

static const struct hstate *
find(const struct highstate *h, const char *id, const char *kind)
{
	for (size_t i = 0; h != NULL && i < h->n; i++)
		if (strcmp(h->v[i].decl->id, id) == 0 &&
		    strcmp(h->v[i].decl->kind, kind) == 0)
			return &h->v[i];
	return NULL;
}

static int
compare_state(struct ways *w, const struct highstate *from,
    const struct hstate *s, const char *host)
{
	const struct hstate *was = find(from, s->decl->id, s->decl->kind);
	struct named n = {
	    s->decl->id, s->decl->kind, way_of_state(s), s->decl->pos};
	struct strs old = {0}, new = {0}, lines = {0};
	int r;

	/* What a package list no longer holds counts as well. */
	if (n.way == NULL && was != NULL)
		n.way = way_of_state(was);
	if (n.way == NULL)
		return 0;
	if ((was != NULL && (r = state_lines(was, &old)) != 0) ||
	    (r = state_lines(s, &new)) != 0 ||
	    (r = line_diff(&old, &new, &lines)) != 0)
		goto out;
	if (was == NULL || lines.n > 0)
		r = add_change(w, &n, was == NULL ? WAY_NEW : WAY_CHANGED,
		    &lines, host);
out:
	strs_clear(&old);
	strs_clear(&new);
	strs_clear(&lines);
	return r;
}

static int
compare_states(struct ways *w, const struct highstate *from,
    const struct highstate *to, const char *host)
{
	struct strs none = {0};
	int r = 0;

	for (size_t i = 0; to != NULL && i < to->n && r == 0; i++)
		r = compare_state(w, from, &to->v[i], host);
	for (size_t i = 0; from != NULL && i < from->n && r == 0; i++) {
		const struct fleet_state *d = from->v[i].decl;
		struct named n = {
		    d->id, d->kind, way_of_state(&from->v[i]), d->pos};

		if (n.way != NULL && find(to, d->id, d->kind) == NULL)
			r = add_change(w, &n, WAY_GONE, &none, host);
	}
	return r;
}

/* Where the agent's masters are, and how long it waits for its way back. */
static int
fleet_lines(const struct fleet *f, struct strs *out)
{
	char span[SPAN_TEXT];
	int r = 0;

	if (f == NULL)
		return 0;
	for (size_t i = 0; i < f->n_masters && r == 0; i++) {
		struct str s = STR_INIT;

		str_addf(&s, "masters: %s, key %s", f->masters[i].address,
		    f->masters[i].key);
		r = str_check(&s) == 0 ? strs_add(out, s.p) : ERR_NOMEM;
		str_clear(&s);
	}
	span_format(f->confirm_within, span);
	if (r == 0)
		r = add_text(out, "confirm_within", span);
	strs_sort(out);
	return r;
}

static int
compare_agent(struct ways *w, const struct fleet *from, const struct fleet *to,
    const char *host)
{
	const struct named n = {
	    "fleet.yaml", "hosts", "agent", {.file = "fleet.yaml"}};
	struct strs old = {0}, new = {0}, lines = {0};
	int r;

	if (from == NULL)
		return 0;
	if ((r = fleet_lines(from, &old)) == 0 &&
	    (r = fleet_lines(to, &new)) == 0 &&
	    (r = line_diff(&old, &new, &lines)) == 0 && lines.n > 0)
		r = add_change(w, &n, WAY_CHANGED, &lines, host);
	strs_clear(&old);
	strs_clear(&new);
	strs_clear(&lines);
	return r;
}

/* *out stays NULL for no fleet. */
static int
compile(const struct fleet *f, const struct fleet_host *host,
    struct highstate **out, struct err *e)
{
	struct conf_diags diags = {0};
	int r;

	if (f == NULL)
		return 0;
	if ((r = highstate_compile(f, host, out, &diags)) != 0) {
		r = conf_diags_err(&diags, r, e);
		err_prefix(e, "%s", host->id);
	}
	conf_diags_clear(&diags);
	return r;
}

int
ways_compare(struct ways *w, const struct fleet *from, const struct fleet *to,
    const struct fleet_host *host, struct err *e)
{
	struct highstate *a = NULL, *b = NULL;
	int r;

	if ((r = compile(from, host, &a, e)) != 0 ||
	    (r = compile(to, host, &b, e)) != 0)
		goto out;
	if ((r = compare_agent(w, from, to, host->id)) != 0 ||
	    (r = compare_states(w, a, b, host->id)) != 0)
		(void)err_set(e, r, "compare versions: %s", err_text(r));
out:
	highstate_free(a);
	highstate_free(b);
	return r;
}

/* --- for people ----------------------------------------------------------- */

static void
add_hosts(const struct strs *hosts, size_t all, struct str *out)
{
	if (hosts->n == all && all > 1) {
		str_addf(out, "all %zu hosts", all);
		return;
	}
	for (size_t i = 0; i < hosts->n && i < HOSTS_SHOW; i++)
		str_addf(out, "%s%s", i > 0 ? ", " : "", hosts->v[i]);
	if (hosts->n > HOSTS_SHOW)
		str_addf(out, " and %zu more", hosts->n - HOSTS_SHOW);
}

void
ways_describe(const struct ways *w, size_t n_hosts, struct str *out)
{
	static const char *const what[] = {[WAY_NEW] = "is new",
	    [WAY_CHANGED] = "changes",
	    [WAY_GONE] = "is named no longer"};

	for (size_t i = 0; i < w->n; i++) {
		const struct way *x = &w->v[i];

		str_addf(out, "  %s: %s (%s) %s on ", x->way, x->state, x->kind,
		    what[x->what]);
		add_hosts(&x->hosts, n_hosts, out);
		str_addf(out, "  # %s\n", x->where);
		for (size_t k = 0; k < x->lines.n && k < LINES_SHOW; k++)
			str_addf(out, "      %s\n", x->lines.v[k]);
		if (x->lines.n > LINES_SHOW)
			str_addf(out, "      (%zu more)\n",
			    x->lines.n - LINES_SHOW);
	}
}
