/* SPDX-License-Identifier: ISC */
/* writ completion: what a shell needs to complete our words. */
#include <string.h>

#include "ca/cli/cli.h"
#include "lib/cli/completion.h"

static int
run_completion(struct cli_args *a, struct err *e)
{
	const char *shell = cli_operand(a, 0);
	struct str s = STR_INIT;
	int r;

	if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
		return err_set(e, ERR_USAGE, "for which shell? bash or zsh");
	if (cli_completion("writ", writ_commands, writ_commands_n,
		strcmp(shell, "zsh") == 0 ? CLI_ZSH : CLI_BASH, &s) != 0)
		r = err_nomem(e);
	else
		r = cli_print(&s, e);
	str_clear(&s);
	return r;
}

const struct cli_command cmd_completion = {.name = "completion",
    .operands = "bash|zsh",
    .summary = "a completion script for a shell",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_completion};
