/* SPDX-License-Identifier: ISC */
/* The working copies: of the fleet's policy, and of the CA's beside it. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/cli/cli.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
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

int
fleet_read_policy(const char *dir, struct policy **out,
    struct conf_diags *diags, struct err *e)
{
	struct policy_files files = {0};
	struct policy *p = NULL;
	char *path = NULL;
	bool there;
	int r;

	if (path_join(dir, draft_policy.dir, &path) != 0)
		return err_nomem(e);
	there = file_exists(path);
	free(path);
	if (!there) {
		*out = NULL;
		return 0;
	}
	if ((r = draft_read(dir, &draft_policy, &files, e)) != 0)
		return r;
	if ((r = policy_parse(&files, &p, diags)) == 0)
		*out = p;
	else if (r == ERR_NOMEM)
		(void)err_nomem(e);
	policy_files_clear(&files);
	return r;
}

/* --- asking whether it works ----------------------------------------------- */

int
fleet_check_files(const char *dir, const struct policy_files *files,
    const struct strs *hosts, struct fleet **out,
    struct fleet_check_result *result, bool *policy_asked,
    struct conf_diags *diags, struct err *e)
{
	struct fleet_check c = {.hosts = hosts, .now = clock_now()};
	struct policy *policy = NULL;
	struct fleet *f = NULL;
	int r;

	/* A policy that is broken is no reason to be silent about the fleet. */
	r = fleet_read_policy(dir, &policy, diags, e);
	if (r != 0 && r != ERR_PARSE)
		goto out;
	c.policy = policy;
	if (policy_asked != NULL)
		*policy_asked = policy != NULL;
	if ((r = fleet_parse(files, 0, &f, diags)) == 0)
		r = fleet_check(f, &c, result, diags);
	if (r == ERR_NOMEM)
		(void)err_nomem(e);
	else if (diags->n_errors > 0)
		r = fleet_say_errors(diags, e);
	if (r == 0) {
		*out = f;
		f = NULL;
	}
out:
	fleet_free(f);
	policy_free(policy);
	return r;
}

/* --- saying it ------------------------------------------------------------- */

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
fleet_say_errors(const struct conf_diags *d, struct err *e)
{
	return err_set(e, ERR_DENIED, "fleet has %zu error%s and %zu warning%s",
	    d->n_errors, d->n_errors == 1 ? "" : "s", d->n_warnings,
	    d->n_warnings == 1 ? "" : "s");
}
