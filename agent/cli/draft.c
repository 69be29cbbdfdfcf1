/* SPDX-License-Identifier: ISC */
/* The working copies: of the fleet's policy, and of the CA's beside it. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/cli/cli.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/bundle/bundles.h"
#include "lib/cli/draft.h"

static const struct draft_place places[] = {
    {"", {"fleet.yaml", "top.yaml"}, NULL},
    {"states", {0}, ".yaml"},
    {"pillar", {0}, ".yaml"},
};

static const struct draft draft_fleet = {
    .dir = "fleet",
    .places = places,
    .n_places = sizeof(places) / sizeof(places[0]),
    .expected = "fleet.yaml, top.yaml, states/*.yaml, pillar/*.yaml",
};

int
fleet_read_draft(const char *dir, struct policy_files *out, struct err *e)
{
	return draft_read(dir, &draft_fleet, out, e);
}

/* --- the policy ----------------------------------------------------------- */

static bool
is_there(const char *dir, const char *name)
{
	char *path = NULL;
	bool there = path_join(dir, name, &path) != 0 || file_exists(path);

	free(path);
	return there;
}

static int
read_published(const char *dir, struct fleet_policy *out, struct err *e)
{
	int r;

	trust_init(&out->trust);
	if ((r = bundles_load(dir, NULL, 0, &out->trust, e)) < 0)
		return r;
	out->p = out->trust.policy;
	out->source = FLEET_POLICY_IN_FORCE;
	return 0;
}

static int
read_draft(const char *dir, struct fleet_policy *out, struct conf_diags *diags,
    struct err *e)
{
	struct policy_files files = {0};
	int r;

	if ((r = draft_read(dir, &draft_policy, &files, e)) != 0)
		return r;
	if ((r = policy_parse(&files, &out->draft, diags)) == 0) {
		out->p = out->draft;
		out->source = FLEET_POLICY_DRAFT;
	} else if (r == ERR_NOMEM) {
		(void)err_nomem(e);
	}
	policy_files_clear(&files);
	return r;
}

/* One that is damaged is never passed over for the working copy. */
int
fleet_policy_read(const char *dir, struct fleet_policy *out,
    struct conf_diags *diags, struct err *e)
{
	*out = (struct fleet_policy){0};
	if (is_there(dir, "bundle/policy.1"))
		return read_published(dir, out, e);
	if (is_there(dir, draft_policy.dir))
		return read_draft(dir, out, diags, e);
	return 0;
}

void
fleet_policy_clear(struct fleet_policy *p)
{
	trust_clear(&p->trust);
	policy_free(p->draft);
	*p = (struct fleet_policy){0};
}

/* --- asking whether it works ---------------------------------------------- */

static int
say_errors(const struct conf_diags *d, struct err *e)
{
	return err_set(e, ERR_DENIED, "fleet has %zu error%s and %zu warning%s",
	    d->n_errors, d->n_errors == 1 ? "" : "s", d->n_warnings,
	    d->n_warnings == 1 ? "" : "s");
}

int
fleet_check_files(const char *dir, const struct policy_files *files,
    const struct strs *hosts, struct fleet **out,
    struct fleet_check_result *result, enum fleet_policy_source *source,
    struct conf_diags *diags, struct err *e)
{
	struct fleet_check c = {.hosts = hosts, .now = clock_now()};
	struct fleet_policy policy;
	struct fleet *f = NULL;
	int r;

	/* A working copy that is broken is no reason to be silent about the
	   fleet. */
	r = fleet_policy_read(dir, &policy, diags, e);
	if (r != 0 && !(r == ERR_PARSE && diags->n_errors > 0))
		goto out;
	c.policy = policy.p;
	if (source != NULL)
		*source = policy.source;
	if ((r = fleet_parse(files, 0, &f, diags)) == 0)
		r = fleet_check(f, &c, result, diags);
	if (r == ERR_NOMEM)
		(void)err_nomem(e);
	else if (diags->n_errors > 0)
		r = say_errors(diags, e);
	if (r == 0) {
		*out = f;
		f = NULL;
	}
out:
	fleet_free(f);
	fleet_policy_clear(&policy);
	return r;
}

/* --- saying it ------------------------------------------------------------ */

void
fleet_print_diags(const struct conf_diags *d)
{
	size_t all = d->n_errors + d->n_warnings;

	fflush(stdout);
	for (size_t i = 0; i < d->n; i++)
		fprintf(stderr, "%s%s\n", d->v[i].warning ? "warning: " : "",
		    d->v[i].text);
	if (all > d->n)
		fprintf(stderr, "(%zu more)\n", all - d->n);
}

int
fleet_say_diags(int r, struct conf_diags *d, struct err *e)
{
	fleet_print_diags(d);
	if (r == ERR_NOMEM)
		(void)err_nomem(e);
	else if (r != 0)
		r = say_errors(d, e);
	conf_diags_clear(d);
	return r;
}
