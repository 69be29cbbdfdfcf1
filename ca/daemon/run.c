/* SPDX-License-Identifier: ISC */
/*
 * writ-ca run: the service on a machine without systemd.  It binds the sockets,
 * starts the four processes, and starts again what dies (lib/proc/supervise.h).
 */
#include <stdlib.h>

#include "ca/common/config.h"
#include "ca/daemon/admin.h"
#include "lib/base/file.h"
#include "lib/notify/channels.h"
#include "lib/proc/plog.h"
#include "lib/proc/supervise.h"

enum { RUN_SIGNER, RUN_NOTIFY, RUN_KEEPER, RUN_FRONT, N_RUN };

static const struct launch_program programs[N_RUN] = {
    [RUN_SIGNER] = {.name = "writ-ca-signer",
	.sockets = {{"signer", RUN_KEEPER}},
	.n_sockets = 1,
	.round = 2},
    [RUN_NOTIFY] = {.name = "writ-ca-notify",
	.sockets = {{"notify", RUN_KEEPER}},
	.n_sockets = 1,
	.round = 2},
    /* It may still need what it talks to. */
    [RUN_KEEPER] = {.name = "writ-ca-keeper",
	.sockets = {{"keeper", RUN_FRONT}, {"control", -1}},
	.n_sockets = 2,
	.round = 1,
	.secrets = true},
    [RUN_FRONT] = {.name = "writ-ca-front"},
};

static const struct launch_service service = {.name = "writ-ca",
    .config_name = "writ.yaml",
    .programs = programs,
    .n = N_RUN,
    .alone = "control",
    .all = "writ-ca-front, -keeper, -signer and -notify"};

/*
 * Each process verifies what it reads anew before it takes it.  The one that
 * tells people may have become a user who cannot read notify.yaml any more, so
 * that file is looked at here, before it ends to be started with the new one.
 */
static bool
may_reload(void *ctx, int i)
{
	const struct launch *l = ctx;
	struct channels c = {0};
	struct err e = {0};
	char *path = NULL;
	int r;

	if (i != RUN_NOTIFY)
		return true;
	if (path_join(l->dir, "notify.yaml", &path) != 0)
		return false;
	r = channels_load(path, &c, &e);
	if (r == ERR_NOTFOUND)
		r = 0;
	if (r != 0)
		plog_err(PLOG_ERR, &e, "notify.yaml is kept as it was", NULL);
	channels_clear(&c);
	free(path);
	return r == 0;
}

static void
set_users(struct launch *l, const struct service_users *u)
{
	l->users[RUN_FRONT] = u->front != NULL ? u->front : "nobody";
	l->users[RUN_NOTIFY] = u->notify != NULL ? u->notify : "nobody";
	l->users[RUN_KEEPER] = u->keeper;
	l->users[RUN_SIGNER] = u->signer;
}

static int
run_run(struct cli_args *a, struct err *e)
{
	struct launch l;
	const struct supervise_ops ops = {may_reload, &l};
	struct config c;
	int status = 0, r;

	config_init(&c);
	launch_init(&l, &service, cli_dir(a));
	plog_init("writ-ca", PLOG_INFO);
	if ((r = config_load(cli_dir(a), &c, e)) != 0 ||
	    (r = config_check_closed(&c, e)) != 0)
		goto out;
	l.runtime = c.service.runtime;
	set_users(&l, &c.service.users);
	if ((r = launch_open(&l, e)) != 0)
		goto out;
	plog_json(c.service.log_json);
	r = supervise(&l, &ops, &status, e);
out:
	launch_clear(&l);
	config_clear(&c);
	if (r != 0)
		return r;
	return status == SUPERVISE_KILLED ? EXIT_SYSTEM : status;
}

const struct cli_command cmd_run = {.name = "run",
    .operands = "",
    .summary = "run the service in the foreground, without systemd",
    .run = run_run};
