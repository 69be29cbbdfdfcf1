/* SPDX-License-Identifier: ISC */
/* Completion scripts for shells, from the table of subcommands. */
#ifndef LIB_CLI_COMPLETION_H
#define LIB_CLI_COMPLETION_H

#include "lib/cli/cli.h"

enum cli_shell { CLI_BASH, CLI_ZSH };

/*
 * Append the script: subcommands, options, files where an option or operand
 * may be one.  ERR_NOMEM.
 */
int cli_completion(const char *program,
    const struct cli_command *const *commands, size_t n, enum cli_shell shell,
    struct str *out) MUST_CHECK;

#endif
