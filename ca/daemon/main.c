/* SPDX-License-Identifier: ISC */
/* writ-ca(8): what a machine that keeps a log does to itself. */
#include <stdio.h>
#include <sys/stat.h>

#include "ca/daemon/admin.h"
#include "ca/keeper/local.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/store/store.h"

/* What the keeper's store says it has from the log. */
static int
remove_store(const char *dir, struct err *e)
{
	struct config c;
	int r;

	config_init(&c);
	if ((r = config_load(dir, &c, e)) == 0 &&
	    (r = store_remove(c.service.store, e)) == 0)
		printf("the store was taken away: it is made anew from the log "
		       "at the next start\n");
	config_clear(&c);
	return r < 0 ? r : 0;
}

static int
run_rebuild(struct cli_args *a, struct err *e)
{
	uint64_t size = 0;
	int r = local_rebuild(cli_dir(a), cli_get(a, "from"), &size, e);

	if (r == 0)
		printf("the log is whole again: %llu leaves\n",
		    (unsigned long long)size);
	/* A log that has more than what is published needs nothing; nobody
	 * serves it, or it would have been locked. */
	if (r == ERR_EXISTS && remove_store(cli_dir(a), NULL) != 0)
		return r;
	return r == 0 ? remove_store(cli_dir(a), e) : r;
}

static const struct cli_option rebuild_options[] = {
    {0, "from", "dir:PATH|s3://B/P",
	"a copy of the log (where it is published)"},
};

const struct cli_command cmd_rebuild = {.name = "rebuild",
    .operands = "",
    .summary = "make journal and index anew from a published log",
    CLI_OPTIONS(rebuild_options),
    .run = run_rebuild};

int
main(int argc, char **argv)
{
	const struct cli_command commands[] = {cmd_run, cmd_check, cmd_status,
	    cmd_metrics, cmd_backup, cmd_restore, cmd_rebuild};

	secmem_harden_process();
	(void)umask(022);
	return cli_main("writ-ca", "The keeper of a certificate authority.",
	    commands, sizeof(commands) / sizeof(commands[0]), argc, argv);
}
