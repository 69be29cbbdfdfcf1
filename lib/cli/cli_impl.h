/* SPDX-License-Identifier: ISC */
/* A command line as the files cli*.c know it; nobody else includes this. */
#ifndef LIB_CLI_CLI_IMPL_H
#define LIB_CLI_CLI_IMPL_H

#include <stdio.h>

#include "lib/cli/cli.h"

#define DEPTH_MAX 3 /* writ audit verify */

struct given {
	const struct cli_option *option;
	struct strs values; /* a flag has none */
};

struct cli_args {		/* args_clear */
	const char *program;
	const struct cli_command *path[DEPTH_MAX];
	size_t depth;
	struct given *given;
	size_t n_given, cap_given;
	struct strs operands;
	const char *dir;
	bool no_dir; /* -C is no option here */
};

/* A table of subcommands, and what stands above it in the usage. */
struct level {
	const char *about;
	const struct cli_command *v;
	size_t n;
};

const struct cli_command *find_command(const struct cli_command *c, size_t n,
    const char *name);

/* Is the word -C, or one with its directory in it? */
bool is_dir_option(const struct cli_args *a, const char *word);

/* argv[*i] is -C: keep its directory, pass over what was read.  ERR_USAGE. */
int parse_dir(struct cli_args *a, int argc, char **argv, int *i, struct err *e)
    MUST_CHECK;

/* Options and operands of c from argv[i] on.  ERR_USAGE, ERR_NOMEM. */
int parse_rest(struct cli_args *a, const struct cli_command *c, int argc,
    char **argv, int i, struct err *e) MUST_CHECK;

/* Does somebody ask for help of c (NULL: of no command yet) from argv[from] on?
 * Found before anything is checked, and not where a value stands. */
bool wants_help(const struct cli_command *c, int argc, char **argv, int from);

void args_clear(struct cli_args *a);

/* The usage of the last command in a->path, or of a table.  Returns the exit
 * status: 0 where it was asked for, on standard output. */
int print_usage(FILE *to, const struct cli_args *a, struct level l);

#endif
