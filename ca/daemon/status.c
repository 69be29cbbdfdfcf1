/* SPDX-License-Identifier: ISC */
/*
 * writ-ca status and metrics: what the keeper says of itself, and, where it does
 * not answer, what the directory tells.
 */
#include <stdlib.h>

#include "ca/daemon/admin.h"
#include "lib/front/control.h"
#include "ca/keeper/local.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

/* What is signed and what is in the log, as far as this user may read it. */
static void
from_disk(const char *dir, struct str *out)
{
	struct local_options o = {.dir = dir, .mode = LOCAL_READ};
	struct local *l = NULL;
	char when[CLOCK_TEXT];
	struct err e = {0};

	if (local_open(&o, &l, &e) != 0) {
		str_addf(out, "log         %s\n", e.msg);
		return;
	}
	clock_format(l->trust.policy->expires, when);
	str_addf(out,
	    "policy      version %llu, until %s; root %llu\n"
	    "log         %llu leaves\n",
	    (unsigned long long)l->trust.policy->version, when,
	    (unsigned long long)l->trust.root_version,
	    (unsigned long long)ledger_size(l->ledger));
	local_free(l);
}

static void
keeper_is_away(const char *dir, bool json, const struct err *why,
    struct str *out)
{
	struct jw w;

	if (!json) {
		str_addf(out, "keeper      away: %s\n", why->msg);
		from_disk(dir, out);
		return;
	}
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_bool(&w, "ok", false);
	jw_str(&w, "error", why->msg);
	jw_end(&w, '}');
}

static int
run_status(struct cli_args *a, struct err *e)
{
	bool json = cli_flag(a, "json");
	struct str out = STR_INIT;
	struct err why = {0};
	struct config c;
	int status = 0, r;

	config_init(&c);
	if ((r = config_load(cli_dir(a), &c, e)) != 0)
		return r;
	if (control_call(c.service.runtime, "status",
		json ? FORM_JSON : FORM_TEXT, &status, &out, &why) != 0) {
		str_reset(&out);
		keeper_is_away(cli_dir(a), json, &why, &out);
		status = EXIT_SYSTEM;
	}
	if (json)
		str_addc(&out, '\n');
	r = cli_print(&out, e);
	config_clear(&c);
	return r != 0 ? r : status;
}

static int
run_metrics(struct cli_args *a, struct err *e)
{
	struct str out = STR_INIT;
	struct config c;
	int status = 0, r;

	config_init(&c);
	if ((r = config_load(cli_dir(a), &c, e)) == 0 &&
	    (r = control_call(c.service.runtime, "metrics", FORM_TEXT, &status,
		 &out, e)) != 0)
		err_prefix(e, "the keeper does not answer");
	if (r == 0)
		r = cli_print(&out, e);
	str_clear(&out);
	config_clear(&c);
	return r != 0 ? r : status;
}

static const struct cli_option options[] = {CLI_JSON};

const struct cli_command cmd_status = {.name = "status",
    .operands = "",
    .summary = "what the running service does",
    CLI_OPTIONS(options),
    .run = run_status};

const struct cli_command cmd_metrics = {.name = "metrics",
    .operands = "",
    .summary = "its gauges, in Prometheus' text format",
    .run = run_metrics};
