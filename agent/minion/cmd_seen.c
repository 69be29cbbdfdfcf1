/* SPDX-License-Identifier: ISC */
/*
 * writ-agent seen: what PAM runs as a session of sshd's begins, to keep the whole
 * certificate that somebody has logged in with.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/logins/whole.h"
#include "agent/minion/commands.h"
#include "agent/minion/pam_spool.h"
#include "lib/base/clock.h"

static int
run_seen(struct cli_args *a, struct err *e)
{
	const char *type = getenv("PAM_TYPE"), *user = getenv("PAM_USER");
	const char *info = getenv("SSH_AUTH_INFO_0");
	struct slice cert;

	/* A user's own word about himself is of no use to anybody. */
	if (geteuid() != 0)
		return err_set(e, ERR_DENIED,
		    "this is for PAM to run, as root, in a session of sshd's");
	if (type == NULL || user == NULL)
		return err_set(e, ERR_USAGE,
		    "PAM_TYPE or PAM_USER is not set, expected pam_exec(8) to "
		    "run this");
	if (strcmp(type, "open_session") != 0 || info == NULL ||
	    !whole_find(slice_str(info), &cert))
		return 0; /* by no certificate, or it ends */
	/* pam_exec forks, and sshd is what it forks from. */
	return pam_spool_put(agent_state_dir(a), (uint64_t)getppid(),
	    clock_now(), user, cert, e);
}

static const struct cli_option options[] = {AGENT_STATE_OPTION};

const struct cli_command agent_cmd_seen = {.name = "seen",
    .operands = "",
    .summary = "keep the certificate of a login, for PAM",
    CLI_OPTIONS(options),
    .run = run_seen};
