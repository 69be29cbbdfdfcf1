/* SPDX-License-Identifier: ISC */
/* writ fleet check: is the working copy right, does it work? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/job.h"
#include "lib/base/json.h"

/* --- saying it ------------------------------------------------------------- */

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
    bool policy_asked, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;

	jw_init(&w, &s, true);
	jw_begin(&w, NULL, '{');
	jw_bool(&w, "works", d->n_errors == 0);
	add_diags(&w, "errors", d, false);
	add_diags(&w, "warnings", d, true);
	jw_bool(&w, "policy", policy_asked);
	jw_int(&w, "states", (int64_t)res->states);
	jw_int(&w, "hosts", (int64_t)res->hosts);
	jw_int(&w, "highstates", (int64_t)res->highstates);
	jw_end(&w, '}');
	str_addc(&s, '\n');
	return cli_print(&s, e);
}

static void
print_text(const struct fleet_check_result *res, bool policy_asked)
{
	printf("fleet works: %zu states, %zu different highstates of %zu hosts "
	       "that were tried%s\n",
	    res->states, res->highstates, res->hosts,
	    policy_asked ? ", and with the policy"
			 : "; there is no policy/ to try it with");
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
	bool policy_asked = false;
	int r;

	if (hosts_file != NULL &&
	    (r = fleet_read_hosts(hosts_file, &hosts, e)) != 0)
		goto out;
	if ((r = fleet_read_draft(cli_dir(a), &files, e)) != 0)
		goto out;
	r = fleet_check_files(cli_dir(a), &files,
	    hosts_file != NULL ? &hosts : NULL, &f, &res, &policy_asked, &diags,
	    e);
	if (r != 0 && r != ERR_DENIED)
		goto out;
	if (!cli_flag(a, "json")) {
		fleet_print_diags(&diags);
		if (r == 0)
			print_text(&res, policy_asked);
	} else {
		struct err why = {0};

		if (print_json(&diags, &res, policy_asked, &why) != 0) {
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
