/* SPDX-License-Identifier: ISC */
/* writ-fleet(1), which `writ fleet` runs: hosts under signed policy. */
#include <signal.h>
#include <sys/stat.h>

#include "agent/cli/cli.h"
#include "lib/cli/completion.h"
#include "lib/crypto/secmem.h"

static const char about[] = "Hosts that are what signed policy says.";

static const struct cli_command *const commands[] = {
    &cmd_check,
    &cmd_plan,
    &cmd_diff,
    &cmd_sign,
    &cmd_show,
    &cmd_push,
    &cmd_keys,
    &cmd_accept,
    &cmd_reject,
    &cmd_rename,
    &cmd_forget,
    &cmd_token,
    &cmd_apply,
    &cmd_watch,
    &cmd_jobs,
    &cmd_status,
    &cmd_facts,
    &cmd_changes,
    &cmd_logins,
    &cmd_controls,
    &cmd_job,
    &cmd_send,
    &cmd_export,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static struct cli_command table[N_COMMANDS + 1];

/* What may follow these words: `writ completion` has a shell ask us. */
static int
run_completion(struct cli_args *a, struct err *e)
{
	struct str s = STR_INIT;

	if (cli_completion_words(table, N_COMMANDS, cli_operands(a), &s) != 0) {
		str_clear(&s);
		return err_nomem(e);
	}
	str_addc(&s, '\n');
	return cli_print(&s, e);
}

static const struct cli_command cmd_completion = {.name = "completion",
    .operands = "-- [WORD ...]",
    .summary = "what may follow these words, for shells",
    .max_operands = CLI_ANY,
    .run = run_completion};

int
main(int argc, char **argv)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		table[i] = *commands[i];
	table[N_COMMANDS] = cmd_completion;
	secmem_harden_process();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	return cli_main("writ fleet", about, table, N_COMMANDS + 1, argc, argv);
}
