/* SPDX-License-Identifier: ISC */
/*
 * writ fleet job: an order to hosts to have the published fleet, signed by
 * operators, one at a time.  FILE gets the statement, FILE.targets the hosts in
 * their batches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/job.h"
#include "agent/cli/order.h"
#include "agent/cli/signer.h"
#include "lib/base/file.h"
#include "lib/cli/signing.h"
#include "lib/trust/fleet_place.h"

struct ordering {
	struct fleet_signer by;
	struct fleet_held held;
	struct fleet_chain chain;
	struct order order;
	const char *path;
	char *targets_path;
};

static void
ordering_clear(struct ordering *o)
{
	fleet_chain_clear(&o->chain);
	order_clear(&o->order);
	free(o->targets_path);
	fleet_signer_clear(&o->by);
}

static int
open_published(const struct cli_args *a, struct ordering *o, struct err *e)
{
	int r;

	if ((r = fleet_signer_open(a, &o->by, e)) != 0)
		return r;
	r = fleets_load(o->by.dir, &o->by.trust, false, o->by.now, &o->held,
	    &o->chain, e);
	if (r == BUNDLE_GRACE)
		cli_warn("fleet %llu has expired; it counts for a while yet",
		    (unsigned long long)o->held.version);
	if (r < 0)
		return r;
	return path_joinf(&o->targets_path, "%s.targets", o->path) == 0
	    ? 0
	    : err_nomem(e);
}

/* --- a new one ------------------------------------------------------------ */

static int
find_hosts(const struct cli_args *a, struct ordering *o, struct err *e)
{
	struct conf_diags diags = {0};
	struct fleet *f = NULL;
	int r;

	if ((r = fleet_parse(&o->chain.files, 0, &f, &diags)) != 0) {
		r = conf_diags_err(&diags, r, e);
		goto out;
	}
	r = job_hosts(f, cli_get(a, "hosts"), cli_all(a, "host"),
	    cli_get(a, "on"), &o->order.hosts, e);
out:
	fleet_free(f);
	conf_diags_clear(&diags);
	return r;
}

static int
write_new(struct ordering *o, struct err *e)
{
	struct statement *job = &o->order.job;
	struct str text = STR_INIT;
	int r;

	if ((r = cli_sign_statement(job, &o->by.key_path, 1, &text, e)) != 0 ||
	    (r = file_write(o->targets_path, o->order.targets.p,
		 o->order.targets.n, 0644, FILE_NEW, e)) != 0 ||
	    (r = cli_write_new(o->path, slice_of(text.p, text.n), e)) != 0)
		goto out;
	statement_clear(job);
	if ((r = statement_parse(o->path, slice_of(text.p, text.n), job, e)) ==
	    0)
		r = statement_verify(job, e);
out:
	str_clear(&text);
	return r;
}

static int
new_job(const struct cli_args *a, struct ordering *o, struct err *e)
{
	struct str shown = STR_INIT;
	int r;

	if (file_exists(o->path) || file_exists(o->targets_path))
		return err_set(e, ERR_EXISTS,
		    "%s or %s is there already, expected a new name", o->path,
		    o->targets_path);
	if ((r = find_hosts(a, o, e)) != 0 ||
	    (r = order_make(&o->order, a, &o->by, &o->held, e)) != 0)
		return r;
	order_describe(&o->order, &shown);
	if ((r = cli_print(&shown, e)) != 0)
		return r;
	if (!cli_flag(a, "y") && !cli_confirm("Sign this job?"))
		return err_set(e, ERR_DENIED, "not signed");
	return write_new(o, e);
}

/* --- another signature ---------------------------------------------------- */

/* What an operator is shown before he signs what another one began. */
static int
say_again(struct ordering *o, struct err *e)
{
	struct str s = STR_INIT;
	char *text = NULL;
	size_t n;
	int r;

	if ((r = file_read(o->targets_path, TARGETS_MAX, &text, &n, e)) != 0)
		return r;
	if ((r = job_check_targets(&o->order.job.u.job, slice_of(text, n), NULL,
		 e)) != 0)
		err_prefix(e, "%s", o->targets_path);
	if (r == 0) {
		statement_describe(&o->order.job, &s);
		str_addn(&s, text, n);
		r = cli_print(&s, e);
	}
	str_clear(&s);
	free(text);
	return r;
}

static int
add_to_job(const struct cli_args *a, struct ordering *o, struct err *e)
{
	const struct job_statement *j = &o->order.job.u.job;
	int r;

	if ((r = cli_read_statement(o->path, &o->order.job, e)) != 0 ||
	    (r = statement_verify(&o->order.job, e)) != 0)
		return r;
	if (o->order.job.type != ST_JOB)
		return err_set(e, ERR_PARSE, "%s: a %s, expected a job",
		    o->path, statement_type_name(o->order.job.type));
	if (!hash_equal(&o->order.job.realm, &o->by.trust.realm) ||
	    j->version != o->held.version ||
	    !hash_equal(&j->bundle, &o->held.bundle))
		return err_set(e, ERR_DENIED,
		    "%s: is not for fleet %llu, which is published here",
		    o->path, (unsigned long long)o->held.version);
	if ((r = say_again(o, e)) != 0)
		return r;
	if (!cli_flag(a, "y") && !cli_confirm("Sign this job?"))
		return err_set(e, ERR_DENIED, "not signed");
	return cli_draft_sign(o->path, o->by.key_path, o->by.key, &o->order.job,
	    e);
}

/* --- the command ---------------------------------------------------------- */

static int
run_job(struct cli_args *a, struct err *e)
{
	const char *out = cli_get(a, "o"), *add = cli_get(a, "add");
	struct ordering o = {.path = out != NULL ? out : add};
	bool holds = false;
	int r;

	order_init(&o.order);
	if ((out == NULL) == (add == NULL))
		return err_set(e, ERR_USAGE,
		    "expected -o FILE for a new job, or --add FILE to sign "
		    "another's");
	if ((r = open_published(a, &o, e)) == 0)
		r = out != NULL ? new_job(a, &o, e) : add_to_job(a, &o, e);
	if (r == 0)
		r = fleet_threshold(&o.by.trust, &o.order.job, "job", &holds,
		    e);
	if (r == 0 && holds)
		printf("%s has its signatures\n", o.path);
	ordering_clear(&o);
	return r;
}

static const struct cli_option options[] = {{'i', NULL, "KEY", "your key"},
    {'o', NULL, "FILE", "where the job goes, and FILE.targets"},
    {0, "add", "FILE", "sign a job that another operator began"},
    {0, "hosts", "FILE", "ids of hosts, one a line"},
    {0, "host", "ID", "a host; may be repeated"},
    {0, "on", "EXPR", "of those, the ones that match"}, ORDER_OPTIONS, CLI_YES};

const struct cli_command cmd_job = {.name = "job",
    .operands = "",
    .summary = "sign an order to hosts to have the published fleet",
    CLI_OPTIONS(options),
    .run = run_job};
