/* SPDX-License-Identifier: ISC */
#include "lib/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/base/file.h"
#include "lib/cli/cli_impl.h"
#include "lib/cli/version.h"

static const char *program_name = "writ";

/* --- what was given ------------------------------------------------------ */

static const struct given *
find_given(const struct cli_args *a, const char *name)
{
	for (size_t i = 0; i < a->n_given; i++) {
		const struct cli_option *o = a->given[i].option;

		if (o->name != NULL ? strcmp(o->name, name) == 0
				    : o->letter == name[0] && name[1] == '\0')
			return &a->given[i];
	}
	return NULL;
}

const char *
cli_get(const struct cli_args *a, const char *name)
{
	const struct given *g = find_given(a, name);

	return g != NULL && g->values.n > 0 ? g->values.v[g->values.n - 1]
					    : NULL;
}

bool
cli_flag(const struct cli_args *a, const char *name)
{
	return find_given(a, name) != NULL;
}

const struct strs *
cli_all(const struct cli_args *a, const char *name)
{
	static const struct strs none;
	const struct given *g = find_given(a, name);

	return g != NULL ? &g->values : &none;
}

size_t
cli_n_operands(const struct cli_args *a)
{
	return a->operands.n;
}

const char *
cli_operand(const struct cli_args *a, size_t i)
{
	return i < a->operands.n ? a->operands.v[i] : NULL;
}

const struct strs *
cli_operands(const struct cli_args *a)
{
	return &a->operands;
}

const char *
cli_dir(const struct cli_args *a)
{
	return a->dir != NULL ? a->dir : ".";
}

bool
cli_has_dir(const struct cli_args *a)
{
	return a->dir != NULL;
}

static bool
has_file(const char *dir, const char *name)
{
	char *path = NULL;
	bool has = path_join(dir, name, &path) == 0 && file_exists(path);

	free(path);
	return has;
}

int
cli_no_deployment(const char *dir, int r, struct err *e)
{
	char quoted[QUOTE_MAX];

	if (r != ERR_NOTFOUND || has_file(dir, "bundle") ||
	    has_file(dir, "policy") || has_file(dir, "writ.yaml"))
		return r;
	r = err_set(e, r, "%s is no deployment", str_quote(quoted, dir));
	err_hint(e, "-C DIR names one");
	return r;
}

/* --- running ------------------------------------------------------------- */

int
cli_exit_status(int err_code)
{
	switch (err_code) {
	case 0:
		return 0;
	case ERR_USAGE:
		return EXIT_USAGE;
	case ERR_WAIT:
		return EXIT_WAITING;
	case ERR_DENIED:
	case ERR_EXPIRED:
	case ERR_ROLLBACK:
	case ERR_EXISTS:
		return EXIT_REFUSED;
	case ERR_PARSE:
	case ERR_LIMIT:
	case ERR_BADSIG:
		return EXIT_INPUT;
	case ERR_RECORD:
	case ERR_CORRUPT:
		return EXIT_RECORD;
	default:
		return EXIT_SYSTEM;
	}
}

static int
report(const struct err *e, int r)
{
	fflush(stdout);
	if (e->msg[0] != '\0')
		fprintf(stderr, "%s: %s\n", program_name, e->msg);
	else
		fprintf(stderr, "%s: %s\n", program_name, err_text(r));
	if (e->hint[0] != '\0')
		fprintf(stderr, "  %s\n", e->hint);
	return cli_exit_status(r);
}

/* Output that could not be written is a failure, or a script would go on with
 * half a file. */
static int
finish(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	/* cli_print() has told why.  What failed before that is not known now. */
	if (status != EXIT_SYSTEM)
		fprintf(stderr, "%s: standard output: %s\n", program_name,
		    errno != 0 ? strerror(errno)
			       : "not all of it could be written");
	return status != 0 ? status : EXIT_SYSTEM;
}

/* Follow the words that name commands, from argv[*i] on, with -C between them:
 * the command they lead to is in *leaf, NULL where they end in a table. */
static int
find_leaf(struct cli_args *a, struct level *l, int argc, char **argv, int *i,
    const struct cli_command **leaf, struct err *e)
{
	const struct cli_command *c;
	int r;

	while (*leaf == NULL && *i < argc) {
		if (is_dir_option(a, argv[*i])) {
			if ((r = parse_dir(a, argc, argv, i, e)) != 0)
				return r;
			++*i;
			continue;
		}
		if (argv[*i][0] == '-' ||
		    (c = find_command(l->v, l->n, argv[*i])) == NULL)
			break;
		a->path[a->depth++] = c;
		++*i;
		if (c->subs == NULL) {
			*leaf = c;
		} else {
			l->v = c->subs;
			l->n = c->n_subs;
		}
	}
	return 0;
}

/* Another program tells its own usage. */
static int
help_through(struct cli_args *a, const struct cli_command *leaf, int argc,
    char **argv, int i, struct err *e)
{
	if (strs_add(&a->operands, "help") != 0)
		return err_nomem(e);
	for (; i < argc; i++)
		if (strs_add(&a->operands, argv[i]) != 0)
			return err_nomem(e);
	return leaf->run(a, e);
}

static int
run_leaf(struct cli_args *a, const struct cli_command *leaf, int argc,
    char **argv, int i, bool help, struct err *e)
{
	int r;

	if (help)
		return help_through(a, leaf, argc, argv, i, e);
	if ((r = parse_rest(a, leaf, argc, argv, i, e)) != 0)
		return r;
	if (cli_flag(a, "json") && cli_flag(a, "csv"))
		return err_set(e, ERR_USAGE, "--json or --csv, not both");
	return leaf->run(a, e);
}

/* `help COMMAND ...` is `COMMAND ... -h`. */
static int
run_table(const char *program, struct level l, bool no_dir, int argc,
    char **argv)
{
	struct cli_args a = {.program = program, .no_dir = no_dir};
	const struct cli_command *leaf = NULL;
	bool help;
	struct err e = {0};
	int i = 1, r;

	program_name = program;
	help = argc > 1 && strcmp(argv[1], "help") == 0;
	i += help;
	if ((r = fd_keep_standard(&e)) == 0)
		r = find_leaf(&a, &l, argc, argv, &i, &leaf, &e);
	if (r == 0 && leaf == NULL && i < argc && argv[i][0] != '-')
		help = false; /* of what there is not */
	if (r == 0 && leaf == NULL && i == argc - 1 &&
	    strcmp(argv[i], "--version") == 0)
		r = finish(printf("%s %s\n", program, WRIT_VERSION) < 0);
	else if (r == 0 &&
	    (wants_help(leaf, argc, argv, i) ||
		(help && (leaf == NULL || !leaf->through)))) {
		r = finish(print_usage(stdout, &a, l));
	} else if (r == 0 && leaf == NULL) {
		if (i < argc)
			fprintf(stderr, "%s: unknown command '%s'\n", program,
			    argv[i]);
		r = print_usage(stderr, &a, l);
	} else {
		if (r == 0)
			r = run_leaf(&a, leaf, argc, argv, i, help, &e);
		r = r < 0 ? report(&e, r) : finish(r);
	}
	args_clear(&a);
	return r;
}

int
cli_main(const char *program, const char *about,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv)
{
	struct level l = {.about = about, .v = commands, .n = n_commands};

	return run_table(program, l, false, argc, argv);
}

int
cli_main_no_dir(const char *program, const char *about,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv)
{
	struct level l = {.about = about, .v = commands, .n = n_commands};

	return run_table(program, l, true, argc, argv);
}

void
cli_warn(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s: warning: ", program_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

size_t
cli_width(int fd)
{
	struct winsize w;

	return ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

int
cli_print(struct str *s, struct err *e)
{
	int r = str_check(s);

	if (r != 0)
		r = err_nomem(e);
	else if (fwrite(s->p, 1, s->n, stdout) != s->n || fflush(stdout) != 0)
		r = err_sys(e, "standard output");
	str_clear(s);
	return r;
}
