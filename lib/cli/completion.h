/* SPDX-License-Identifier: ISC */
/* Completion scripts for shells, from the table of subcommands. */
#ifndef LIB_CLI_COMPLETION_H
#define LIB_CLI_COMPLETION_H

#include "lib/cli/cli.h"

enum cli_shell { CLI_BASH, CLI_ZSH };

/*
 * Append the script: subcommands, options, files where an option or operand
 * may be one.  A command that is another program's (`through`) is asked, when
 * the shell wants to know: `PROGRAM NAME completion WORD...`, which prints what
 * cli_completion_words() gives.  ERR_NOMEM.
 */
int cli_completion(const char *program,
    const struct cli_command *const *commands, size_t n, enum cli_shell shell,
    struct str *out) MUST_CHECK;

/*
 * Append what may follow these words, which stand after the program's name:
 * names of subcommands, or options, with a blank between.  Options among them,
 * and what they take, are passed over.  ERR_NOMEM.
 */
int cli_completion_words(const struct cli_command *commands, size_t n,
    const struct strs *said, struct str *out) MUST_CHECK;

#endif
