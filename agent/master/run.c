/* SPDX-License-Identifier: ISC */
/*
 * writ-master run: the master on a machine without systemd.  It binds the
 * sockets, starts the processes, and starts again what dies
 * (lib/proc/supervise.h).
 */
#include "agent/master/admin.h"
#include "agent/master/config.h"
#include "lib/proc/plog.h"
#include "lib/proc/supervise.h"

/* The courier is the last: a master without a CA has none. */
enum { RUN_SIGNER, RUN_KEEPER, RUN_FRONT, RUN_COURIER, N_RUN };

static const struct launch_program programs[N_RUN] = {
    [RUN_SIGNER] = {.name = "writ-master-signer",
	.sockets = {{"signer", RUN_KEEPER}},
	.n_sockets = 1,
	.round = 2},
    /* It may still need what it talks to. */
    [RUN_KEEPER] = {.name = "writ-master-keeper",
	.sockets = {{"keeper", RUN_FRONT}, {"control", -1}},
	.n_sockets = 2,
	.round = 1,
	.secrets = true},
    [RUN_FRONT] = {.name = "writ-master-front"},
    [RUN_COURIER] = {.name = "writ-master-courier",
	.sockets = {{"courier", RUN_KEEPER}},
	.n_sockets = 1,
	.round = 2},
};

#define SERVICE(many, words)                                           \
	{                                                              \
		.name = "writ-master", .config_name = "master.yaml",   \
		.programs = programs, .n = (many), .alone = "control", \
		.all = "writ-master-front, -keeper" words              \
	}
static const struct launch_service with_ca =
    SERVICE(N_RUN, ", -signer and -courier");
static const struct launch_service without_ca =
    SERVICE(N_RUN - 1, " and -signer");

static void
set_users(struct launch *l, const struct master_users *u)
{
	l->users[RUN_FRONT] = u->front != NULL ? u->front : "nobody";
	l->users[RUN_COURIER] = u->courier != NULL ? u->courier : "nobody";
	l->users[RUN_KEEPER] = u->keeper;
	l->users[RUN_SIGNER] = u->signer;
}

static int
run_run(struct cli_args *a, struct err *e)
{
	const struct supervise_ops ops = {0};
	struct master_config c;
	struct launch l;
	int status = 0, r;

	plog_init("writ-master", PLOG_INFO);
	master_config_init(&c);
	if ((r = master_config_load(cli_dir(a), &c, e)) != 0)
		return r;
	launch_init(&l, c.ca.address != NULL ? &with_ca : &without_ca,
	    cli_dir(a));
	l.runtime = c.runtime;
	set_users(&l, &c.users);
	if ((r = launch_open(&l, e)) == 0) {
		plog_json(c.log_json);
		r = supervise(&l, &ops, &status, e);
	}
	launch_clear(&l);
	master_config_clear(&c);
	if (r != 0)
		return r;
	return status == SUPERVISE_KILLED ? EXIT_SYSTEM : status;
}

const struct cli_command cmd_master_run = {.name = "run",
    .operands = "",
    .summary = "run the master in the foreground, without systemd",
    .run = run_run};
