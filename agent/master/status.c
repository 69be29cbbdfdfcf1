/* SPDX-License-Identifier: ISC */
/* writ-master status and metrics: what the keeper says of itself. */

#include "agent/master/admin.h"
#include "agent/master/config.h"
#include "lib/base/json.h"
#include "lib/front/control.h"

static int
ask(const char *dir, const char *name, enum call_form form, int *status,
    struct str *out, struct err *e)
{
	struct master_config c;
	int r;

	master_config_init(&c);
	if ((r = master_config_load(dir, &c, e)) == 0 &&
	    (r = control_call(c.runtime, name, form, status, out, e)) != 0)
		err_prefix(e, "the keeper does not answer");
	master_config_clear(&c);
	return r;
}

static int
run_status(struct cli_args *a, struct err *e)
{
	bool json = cli_flag(a, "json");
	struct str out = STR_INIT;
	int status = 0, r;

	r = ask(cli_dir(a), "status", json ? FORM_JSON : FORM_TEXT, &status,
	    &out, e);
	if (r == 0 && json)
		str_addc(&out, '\n');
	if (r == 0)
		r = cli_print(&out, e);
	str_clear(&out);
	return r != 0 ? r : status;
}

static int
run_metrics(struct cli_args *a, struct err *e)
{
	struct str out = STR_INIT;
	int status = 0, r;

	r = ask(cli_dir(a), "metrics", FORM_TEXT, &status, &out, e);
	if (r == 0)
		r = cli_print(&out, e);
	str_clear(&out);
	return r != 0 ? r : status;
}

static const struct cli_option options[] = {CLI_JSON};

const struct cli_command cmd_master_status = {.name = "status",
    .operands = "",
    .summary = "what the running master does",
    CLI_OPTIONS(options),
    .run = run_status};

const struct cli_command cmd_master_metrics = {.name = "metrics",
    .operands = "",
    .summary = "its gauges, in Prometheus' text format",
    .run = run_metrics};
