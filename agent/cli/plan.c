/* SPDX-License-Identifier: ISC */
/* writ fleet plan: what a host would get, compiled from the working copy. */
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/fleet/highstate.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

struct plan_for {
	const char *id;
	struct strs roles;
	struct grains grains;
	struct strs assumed; /* grains that were not said */
};

/* --- for whom ------------------------------------------------------------- */

/* "k=v" */
static int
add_grain(struct plan_for *p, const char *arg, struct err *e)
{
	const char *eq = strchr(arg, '=');
	char quoted[QUOTE_MAX], *name;
	int r;

	if (eq == NULL)
		return err_set(e, ERR_USAGE,
		    "--grain wants NAME=VALUE, such as os=debian");
	if ((name = str_dupn(arg, (size_t)(eq - arg))) == NULL)
		return err_nomem(e);
	if (grain_kind(name) == NULL)
		r = err_set(e, ERR_USAGE, "--grain: there is no grain %s",
		    str_quote(quoted, name));
	else if ((r = grains_set(&p->grains, name, eq + 1)) == ERR_LIMIT)
		r = err_set(e, ERR_USAGE,
		    "--grain %s: the value is longer than %d bytes", name,
		    GRAIN_MAX);
	else if (r != 0)
		r = err_nomem(e);
	free(name);
	return r;
}

/* Those that were not said are as `check` takes them. */
static int
assume_grains(struct plan_for *p)
{
	int r = 0;

	for (size_t i = 0; i < grain_kinds_n && r == 0; i++) {
		const struct grain_kind *k = &grain_kinds[i];

		if (grains_get(&p->grains, k->name) != NULL)
			continue;
		if ((r = strs_add(&p->assumed, k->name)) == 0)
			r = grains_set(&p->grains, k->name, k->example);
	}
	return r;
}

static int
add_roles(struct plan_for *p, const struct fleet *f, const struct strs *said,
    struct err *e)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < said->n; i++) {
		bool known = false;

		for (size_t j = 0; j < f->n_roles && !known; j++)
			known = strcmp(f->roles[j].name, said->v[i]) == 0;
		if (!known)
			return err_set(e, ERR_USAGE,
			    "--role: there is no role %s in fleet.yaml",
			    str_quote(quoted, said->v[i]));
		if (!strs_has(&p->roles, said->v[i]) &&
		    strs_add(&p->roles, said->v[i]) != 0)
			return err_nomem(e);
	}
	if (fleet_roles(f, p->id, &p->roles) != 0)
		return err_nomem(e);
	strs_sort(&p->roles);
	return 0;
}

static int
plan_for_args(const struct cli_args *a, const struct fleet *f,
    struct plan_for *p, struct err *e)
{
	const struct strs *grains = cli_all(a, "grain");
	int r = 0;

	for (size_t i = 0; i < grains->n && r == 0; i++)
		r = add_grain(p, grains->v[i], e);
	if (r == 0 && assume_grains(p) != 0)
		r = err_nomem(e);
	return r == 0 ? add_roles(p, f, cli_all(a, "role"), e) : r;
}

/* --- as text -------------------------------------------------------------- */

static int
print_text(const struct plan_for *p, const struct highstate *h, struct err *e)
{
	struct str s = STR_INIT;

	str_addf(&s, "# %s", p->id);
	for (size_t i = 0; i < p->roles.n; i++)
		str_addf(&s, "%s%s", i == 0 ? ", roles " : " ", p->roles.v[i]);
	for (size_t i = 0; i < p->assumed.n; i++)
		str_addf(&s, "%s%s=%s",
		    i == 0 ? "\n# not said, so taken: " : " ", p->assumed.v[i],
		    grains_get(&p->grains, p->assumed.v[i]));
	str_add(&s, "\n\n");
	if (highstate_describe(h, &s) != 0) {
		str_clear(&s);
		return err_nomem(e);
	}
	return cli_print(&s, e);
}

/* --- as JSON -------------------------------------------------------------- */

/* At most HIGHSTATE_DEPTH_MAX deep. */
static void
add_tree(struct jw *w, const char *key, const struct yaml_node *n)
{
	if (n->kind == YAML_TEXT) {
		jw_strn(w, key, n->text, n->n);
	} else if (n->kind == YAML_LIST) {
		jw_begin(w, key, '[');
		for (size_t i = 0; i < n->n; i++)
			add_tree(w, NULL, n->items[i]);
		jw_end(w, ']');
	} else {
		jw_begin(w, key, '{');
		for (size_t i = 0; i < n->n; i++)
			add_tree(w, n->pairs[i].key, n->pairs[i].value);
		jw_end(w, '}');
	}
}

static void
add_ids(struct jw *w, const char *key, const struct highstate *h,
    const size_t *v, size_t n)
{
	jw_begin(w, key, '[');
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, h->v[v[i]].decl->id);
	jw_end(w, ']');
}

static void
add_state(struct jw *w, const struct highstate *h, const struct hstate *s)
{
	const struct fleet_state *d = s->decl;

	jw_begin(w, NULL, '{');
	jw_str(w, "id", d->id);
	jw_str(w, "kind", d->kind);
	jw_str(w, "file", d->pos.file);
	jw_int(w, "line", d->pos.line);
	if (s->params != NULL)
		add_tree(w, "params", s->params);
	add_ids(w, "require", h, s->require, s->n_require);
	add_ids(w, "watch", h, s->watch, s->n_watch);
	add_ids(w, "onchanges", h, s->onchanges, s->n_onchanges);
	jw_bool(w, "applies", !s->off);
	if (d->when != NULL)
		jw_str(w, "when", expr_text(d->when));
	if (s->excepted != NULL) {
		jw_begin(w, "exception", '{');
		jw_str(w, "reason", s->excepted->reason);
		jw_str(w, "owner", s->excepted->owner);
		jw_time(w, "expires", s->excepted->expires);
		jw_end(w, '}');
	}
	jw_strs(w, "cis", &d->cis);
	if (d->why != NULL)
		jw_str(w, "why", d->why);
	jw_end(w, '}');
}

static int
print_json(const struct plan_for *p, const struct highstate *h, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;

	jw_init(&w, &s, true);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "host", p->id);
	jw_strs(&w, "roles", &p->roles);
	jw_begin(&w, "grains", '{');
	for (size_t i = 0; i < p->grains.n; i++)
		jw_str(&w, p->grains.v[i].name, p->grains.v[i].value);
	jw_end(&w, '}');
	jw_strs(&w, "assumed", &p->assumed);
	jw_begin(&w, "states", '[');
	for (size_t i = 0; i < h->n; i++)
		add_state(&w, h, &h->v[i]);
	jw_end(&w, ']');
	jw_end(&w, '}');
	str_addc(&s, '\n');
	return cli_print(&s, e);
}

/* --- the command ---------------------------------------------------------- */

static int
compile(const struct fleet *f, const struct plan_for *p, struct highstate **out,
    struct err *e)
{
	const struct fleet_host host = {.id = p->id,
	    .roles = &p->roles,
	    .grains = &p->grains,
	    .now = clock_now()};
	struct conf_diags diags = {0};
	int r = highstate_compile(f, &host, out, &diags);

	return fleet_say_diags(r, &diags, e);
}

static int
run_plan(struct cli_args *a, struct err *e)
{
	struct plan_for p = {.id = cli_get(a, "host")};
	struct policy_files files = {0};
	struct conf_diags diags = {0};
	struct highstate *h = NULL;
	struct fleet *f = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if (p.id == NULL)
		return err_set(e, ERR_USAGE, "for which host? --host ID");
	if (!id_is_valid(p.id))
		return err_set(e, ERR_USAGE,
		    "--host: %s is no id of a host, expected [a-z0-9._@+-]",
		    str_quote(quoted, p.id));
	if ((r = fleet_read_draft(cli_dir(a), &files, e)) != 0)
		return r;
	r = fleet_say_diags(fleet_parse(&files, 0, &f, &diags), &diags, e);
	if (r == 0 && (r = plan_for_args(a, f, &p, e)) == 0 &&
	    (r = compile(f, &p, &h, e)) == 0)
		r = cli_flag(a, "json") ? print_json(&p, h, e)
					: print_text(&p, h, e);
	highstate_free(h);
	fleet_free(f);
	strs_clear(&p.roles);
	strs_clear(&p.assumed);
	grains_clear(&p.grains);
	policy_files_clear(&files);
	return r;
}

static const struct cli_option options[] = {{0, "host", "ID", "the host's id"},
    {0, "role", "ROLE", "a role it has beside fleet.yaml's; may be repeated"},
    {0, "grain", "NAME=VALUE", "what it says of itself; may be repeated"},
    CLI_JSON};

const struct cli_command cmd_plan = {.name = "plan",
    .operands = "",
    .summary = "what a host would get",
    CLI_OPTIONS(options),
    .run = run_plan};
