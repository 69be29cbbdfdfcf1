/* SPDX-License-Identifier: ISC */
/* writ fleet check: is the working copy right, does it work? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/job.h"
#include "lib/base/json.h"
#include "lib/base/plural.h"

/* --- saying it ------------------------------------------------------------ */

static const struct {
	const char *json, *text;
} sources[] = {
    [FLEET_POLICY_NONE] = {"none", "; there is no policy to try it with"},
    [FLEET_POLICY_DRAFT] = {"draft",
	", and with the policy, which is not signed yet"},
    [FLEET_POLICY_IN_FORCE] = {"in force", ", and with the policy in force"},
};

static void
add_diags(struct jw *w, const char *key, const struct conf_diags *d,
    bool warning)
{
	jw_begin(w, key, '[');
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].warning == warning)
			jw_str(w, NULL, d->v[i].text);
	jw_end(w, ']');
}

static int
print_json(const struct conf_diags *d, const struct fleet_check_result *res,
    enum fleet_policy_source source, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;

	jw_init(&w, &s, true);
	jw_begin(&w, NULL, '{');
	jw_bool(&w, "works", d->n_errors == 0);
	add_diags(&w, "errors", d, false);
	add_diags(&w, "warnings", d, true);
	jw_str(&w, "policy", sources[source].json);
	jw_int(&w, "states", (int64_t)res->states);
	jw_int(&w, "hosts", (int64_t)res->hosts);
	jw_int(&w, "highstates", (int64_t)res->highstates);
	jw_end(&w, '}');
	str_addc(&s, '\n');
	return cli_print(&s, e);
}

static void
print_text(const struct fleet_check_result *res,
    enum fleet_policy_source source)
{
	printf("fleet works: %zu %s, %zu different %s of %zu %s that %s "
	       "tried%s\n",
	    res->states, text_plural(res->states, "state", "states"),
	    res->highstates,
	    text_plural(res->highstates, "highstate", "highstates"), res->hosts,
	    text_plural(res->hosts, "host", "hosts"),
	    text_plural(res->hosts, "was", "were"), sources[source].text);
}

static int
run_check(struct cli_args *a, struct err *e)
{
	const char *hosts_file = cli_get(a, "hosts");
	struct fleet_check_result res = {0};
	struct policy_files files = {0};
	struct conf_diags diags = {0};
	struct fleet *f = NULL;
	struct strs hosts = {0};
	enum fleet_policy_source source = FLEET_POLICY_NONE;
	int r;

	if (hosts_file != NULL &&
	    (r = fleet_read_hosts(hosts_file, &hosts, e)) != 0)
		goto out;
	if ((r = fleet_read_draft(cli_dir(a), &files, e)) != 0)
		goto out;
	r = fleet_check_files(cli_dir(a), &files,
	    hosts_file != NULL ? &hosts : NULL, &f, &res, &source, &diags, e);
	if (r != 0 && r != ERR_DENIED)
		goto out;
	if (!cli_flag(a, "json")) {
		fleet_print_diags(&diags);
		if (r == 0)
			print_text(&res, source);
	} else {
		struct err why = {0};

		if (print_json(&diags, &res, source, &why) != 0) {
			*e = why;
			r = (int)why.code;
		}
	}
out:
	fleet_free(f);
	strs_clear(&hosts);
	conf_diags_clear(&diags);
	policy_files_clear(&files);
	return r;
}

static const struct cli_option options[] = {
    {0, "hosts", "FILE", "ids of the hosts that are enrolled, one a line"},
    CLI_JSON};

const struct cli_command cmd_check = {.name = "check",
    .operands = "",
    .summary = "is it right, does it work",
    CLI_OPTIONS(options),
    .run = run_check};
