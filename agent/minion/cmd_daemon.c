/* SPDX-License-Identifier: ISC */
/* writ-agent run, and the applier that it starts. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/minion/applier.h"
#include "agent/minion/commands.h"
#include "lib/crypto/secmem.h"
#include "lib/proc/plog.h"
#include "lib/proc/self.h"

/* What would only be found out by a process that nobody looks at. */
static int
check_config(const struct agent_config *c, const char *path, struct err *e)
{
	int r;

	if (c->n_masters == 0) {
		r = err_set(e, ERR_USAGE, "no master, expected masters: in %s",
		    path);
		err_hint(e,
		    "without a master a host is kept by `writ-agent apply`");
		return r;
	}
	if (c->root == NULL)
		return err_set(e, ERR_USAGE,
		    "nothing is trusted, expected root: SHA256:... in %s",
		    path);
	return 0;
}

static int
run_daemon(struct cli_args *a, struct err *e)
{
	const char *config = cli_get(a, "config");
	char *self = NULL, *runner = NULL, *link = NULL;
	struct agent_config c = {0};
	int r;

	if (config == NULL)
		config = CONFIG_PATH;
	if ((r = agent_config_read(config, &c, e)) != 0 ||
	    (r = check_config(&c, config, e)) != 0 ||
	    (r = self_path(&self, e)) != 0 ||
	    (r = self_find("writ-agent-run", &runner, e)) != 0 ||
	    (r = self_find("writ-agent-link", &link, e)) != 0)
		goto out;
	{
		const char *argv[] = {runner, "-c", config, "-s",
		    agent_state_dir(a), "-u",
		    c.user != NULL ? c.user : AGENT_USER, "-a", self, "-l",
		    link, NULL};

		(void)execv(runner, (char *const *)(uintptr_t)argv);
		r = err_sys(e, "start %s", runner);
	}
out:
	agent_config_clear(&c);
	free(self);
	free(runner);
	free(link);
	return r;
}

#define DAEMON_OPTIONS \
	{0, "config", "FILE", "instead of " CONFIG_PATH}, AGENT_STATE_OPTION

static const struct cli_option daemon_options[] = {DAEMON_OPTIONS};

const struct cli_command agent_cmd_run = {.name = "run",
    .operands = "",
    .summary = "keep this host what its masters bring, until it is ended",
    CLI_OPTIONS(daemon_options),
    .run = run_daemon};

static int
run_applier(struct cli_args *a, struct err *e)
{
	const char *config = cli_get(a, "config");
	int fd, null;

	/* What is started from here must not have the socket. */
	if ((fd = fcntl(VERB_FD, F_DUPFD_CLOEXEC, 3)) == -1)
		return err_sys(e, "the socket to the link");
	if ((null = open("/dev/null", O_RDONLY | O_CLOEXEC)) == -1 ||
	    dup2(null, VERB_FD) == -1)
		return err_sys(e, "/dev/null");
	(void)close(null);
	secmem_harden_process();
	(void)umask(022);
	plog_init("writ-agent-applier", PLOG_INFO);
	return applier_serve(config != NULL ? config : CONFIG_PATH,
	    agent_state_dir(a), fd, e);
}

const struct cli_command agent_cmd_applier = {.name = "applier",
    .operands = "",
    .summary = "what `run` starts when there is work",
    CLI_OPTIONS(daemon_options),
    .run = run_applier};
