/* SPDX-License-Identifier: ISC */
/*
 * Command lines: a table of subcommands that is also the usage text.
 *
 * Options may stand before or after operands, `--name VALUE` or `--name=VALUE`,
 * `-x VALUE` or `-xVALUE`; `--` ends them.  Every command also takes -C DIR,
 * before the subcommand too, and -h; `help COMMAND ...` is the same as that.
 * `PROGRAM --version`, and no more words, tells the version.
 */
#ifndef LIB_CLI_CLI_H
#define LIB_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* Exit statuses, by kind of failure; writ(1) lists them. */
enum cli_exit {
	EXIT_REFUSED = 1,	/* policy says no; check or verify found faults */
	EXIT_USAGE = 2,		/* the command line */
	EXIT_WAITING = 3,	/* approvals or signatures are missing */
	EXIT_INPUT = 4,		/* malformed or badly signed input */
	EXIT_RECORD = 5,	/* the log cannot take it; nothing was issued */
	EXIT_SYSTEM = 6,	/* files, memory, network, a library */
};
int cli_exit_status(int err_code);

struct cli_option {
	char	    letter;	/* 0: none */
	const char *name;	/* NULL: letter alone */
	const char *value;	/* what it takes, for the usage; NULL: a flag */
	const char *help;
};

struct cli_args;
struct cli_command {
	const char		 *name;
	const char		 *operands; /* "[PRINCIPAL ...]" or "" */
	const char		 *summary;
	const struct cli_option	 *options;
	size_t			  n_options;
	unsigned		  min_operands, max_operands;
	/* Another program's: all words after the name are operands, -h and -C
	   too. */
	bool			  through;
	/* 0, a positive exit status, or ERR_* with e set. */
	int (*run)(struct cli_args *a, struct err *e);
	const struct cli_command *subs;	/* instead of run */
	size_t			  n_subs;
};

#define CLI_OPTIONS(o) .options = (o), .n_options = sizeof(o) / sizeof((o)[0])
#define CLI_SUBS(s) .subs = (s), .n_subs = sizeof(s) / sizeof((s)[0])
#define CLI_ANY 1000000u

/* Options that several commands share. */
#define CLI_JSON {0, "json", NULL, "print JSON"}
#define CLI_CSV {0, "csv", NULL, "print comma-separated values"}
#define CLI_YES {'y', NULL, NULL, "do not ask for confirmation"}

/* Values given: NULL or false when not. */
const char *cli_get(const struct cli_args *a, const char *name);
bool	    cli_flag(const struct cli_args *a, const char *name);
/* All values of an option that may be repeated; borrowed. */
const struct strs *cli_all(const struct cli_args *a, const char *name);
size_t	    cli_n_operands(const struct cli_args *a);
const char *cli_operand(const struct cli_args *a, size_t i);
const struct strs *cli_operands(const struct cli_args *a);
const char *cli_dir(const struct cli_args *a); /* -C, or "." */
bool	    cli_has_dir(const struct cli_args *a); /* was -C given? */
/*
 * Where r is ERR_NOTFOUND, since no policy is in dir, and there is not even
 * one to be signed or a writ.yaml: say that it is no deployment, instead of what
 * is to be done in one.  Returns r.
 */
int cli_no_deployment(const char *dir, int r, struct err *e);

/* Parse argv against the table, run, report the failure on standard error as
 * "PROGRAM: message" and "  hint".  Returns the exit status. */
int cli_main(const char *program, const char *about,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv);

/* The same for a program of hosts, which has no deployment: -C is no option. */
int cli_main_no_dir(const char *program, const char *about,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv);

/* "PROGRAM: warning: text" on standard error. */
void cli_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Ask on the terminal; false when the answer is not yes or there is none. */
bool cli_confirm(const char *question);
/* Can somebody be asked? */
bool cli_has_terminal(void);
/* A line from the terminal, without its end, to be freed.  ERR_DENIED: there is
 * no terminal, or nothing more comes from it; ERR_LIMIT, ERR_NOMEM. */
int cli_ask_line(const char *question, char **out, struct err *e) MUST_CHECK;
/* A passphrase from the terminal, or $SSH_ASKPASS; see struct passphrase. */
int cli_ask_passphrase(void *ctx, const char *what, char *out, size_t max,
    size_t *n);
/* Characters that a line of the terminal fd takes; 0: it is none. */
size_t cli_width(int fd);
/* Write what a str holds to standard output; clears it.  ERR_SYS, ERR_NOMEM. */
int cli_print(struct str *s, struct err *e);

#endif
