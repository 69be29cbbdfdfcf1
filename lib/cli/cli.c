/* SPDX-License-Identifier: ISC */
#include "lib/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 3 /* writ audit verify */

struct given {
	const struct cli_option *option;
	struct strs values; /* a flag has none */
};

struct cli_args {
	const char *program;
	const struct cli_command *path[DEPTH_MAX];
	size_t depth;
	struct given *given;
	size_t n_given, cap_given;
	struct strs operands;
	const char *dir;
	bool no_dir; /* -C is no option here */
};

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

/* --- usage --------------------------------------------------------------- */

static void
add_path(struct str *s, const struct cli_args *a)
{
	str_add(s, a->program);
	for (size_t i = 0; i < a->depth; i++)
		str_addf(s, " %s", a->path[i]->name);
}

static void
add_list(struct str *s, const struct cli_command *commands, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(s, "  %-10s %s\n", commands[i].name,
		    commands[i].summary);
}

static void
add_command_usage(struct str *s, const struct cli_args *a)
{
	const struct cli_command *c = a->path[a->depth - 1];

	str_add(s, "usage: ");
	add_path(s, a);
	str_addf(s, " [OPTION ...] %s\n%s\n", c->operands, c->summary);
	for (size_t i = 0; i < c->n_options; i++) {
		const struct cli_option *o = &c->options[i];
		struct str left = STR_INIT;

		if (o->letter != 0)
			str_addf(&left, "-%c", o->letter);
		if (o->name != NULL)
			str_addf(&left, "%s--%s", o->letter != 0 ? ", " : "",
			    o->name);
		if (o->value != NULL)
			str_addf(&left, " %s", o->value);
		str_addf(s, "  %-26s %s\n", left.p, o->help);
		str_clear(&left);
	}
	if (!a->no_dir)
		str_addf(s, "  %-26s %s\n", "-C DIR",
		    "the deployment's directory");
}

static int
print_usage(FILE *to, const char *about, const struct cli_args *a,
    const struct cli_command *commands, size_t n)
{
	struct str s = STR_INIT;

	if (a->depth > 0 && a->path[a->depth - 1]->subs == NULL) {
		add_command_usage(&s, a);
	} else {
		str_add(&s, "usage: ");
		add_path(&s, a);
		str_add(&s,
		    a->no_dir ? " COMMAND ...\n" : " [-C DIR] COMMAND ...\n");
		if (a->depth == 0)
			str_addf(&s, "%s\n", about);
		add_list(&s, commands, n);
	}
	(void)fputs(s.p, to);
	str_clear(&s);
	return to == stdout ? 0 : EXIT_USAGE;
}

/* --- parsing ------------------------------------------------------------- */

static const struct cli_command *
find_command(const struct cli_command *c, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(c[i].name, name) == 0)
			return &c[i];
	return NULL;
}

static const struct cli_option *
find_option(const struct cli_command *c, char letter, const char *name,
    size_t name_len)
{
	for (size_t i = 0; i < c->n_options; i++) {
		const struct cli_option *o = &c->options[i];

		if (name == NULL
			? o->letter == letter
			: o->name != NULL && strlen(o->name) == name_len &&
			    memcmp(o->name, name, name_len) == 0)
			return o;
	}
	return NULL;
}

static int
give(struct cli_args *a, const struct cli_option *o, const char *value,
    struct err *e)
{
	struct given *g = NULL;

	for (size_t i = 0; i < a->n_given && g == NULL; i++)
		if (a->given[i].option == o)
			g = &a->given[i];
	if (g == NULL) {
		if (vec_grow(&a->given, a->n_given, &a->cap_given, 64) != 0)
			return err_nomem(e);
		g = &a->given[a->n_given++];
		*g = (struct given){.option = o};
	}
	if (value != NULL && strs_add(&g->values, value) != 0)
		return err_nomem(e);
	return 0;
}

/*
 * argv[*i] is an option.  Its value is in the same word or the next one, which
 * *i then passes over.
 */
static int
parse_option(struct cli_args *a, const struct cli_command *c, int argc,
    char **argv, int *i, struct err *e)
{
	const char *word = argv[*i], *value = NULL;
	const struct cli_option *o;
	char quoted[QUOTE_MAX];

	if (word[1] == '-') {
		const char *eq = strchr(word + 2, '=');
		size_t n =
		    eq != NULL ? (size_t)(eq - word - 2) : strlen(word + 2);

		o = find_option(c, 0, word + 2, n);
		value = eq != NULL ? eq + 1 : NULL;
	} else {
		o = find_option(c, word[1], NULL, 0);
		value = word[2] != '\0' ? word + 2 : NULL;
	}
	if (o == NULL)
		return err_set(e, ERR_USAGE, "unknown option %s",
		    str_quote(quoted, word));
	if (o->value == NULL && value != NULL)
		return err_set(e, ERR_USAGE, "option %s takes no value",
		    str_quote(quoted, word));
	if (o->value != NULL && value == NULL) {
		if (*i + 1 >= argc)
			return err_set(e, ERR_USAGE, "option %s wants %s", word,
			    o->value);
		value = argv[++*i];
	}
	return give(a, o, value, e);
}

/* -C is taken anywhere, so that no table needs to list it. */
static bool
is_dir_option(const struct cli_args *a, const char *word)
{
	return !a->no_dir && strncmp(word, "-C", 2) == 0;
}

static int
parse_dir(struct cli_args *a, int argc, char **argv, int *i, struct err *e)
{
	if (argv[*i][2] != '\0') {
		a->dir = argv[*i] + 2;
		return 0;
	}
	if (*i + 1 >= argc)
		return err_set(e, ERR_USAGE, "option -C wants a directory");
	a->dir = argv[++*i];
	return 0;
}

static int
parse_rest(struct cli_args *a, const struct cli_command *c, int argc,
    char **argv, int i, struct err *e)
{
	bool options = !c->through;
	int r = 0;

	for (; i < argc && r == 0; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && is_dir_option(a, argv[i]))
			r = parse_dir(a, argc, argv, &i, e);
		else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
			r = parse_option(a, c, argc, argv, &i, e);
		else if (strs_add(&a->operands, argv[i]) != 0)
			r = err_nomem(e);
	}
	if (r == 0 && a->operands.n < c->min_operands)
		r = err_set(e, ERR_USAGE, "missing operand, expected %s",
		    c->operands);
	if (r == 0 && a->operands.n > c->max_operands) {
		char quoted[QUOTE_MAX];

		r = err_set(e, ERR_USAGE, "unexpected operand %s",
		    str_quote(quoted, a->operands.v[c->max_operands]));
	}
	return r;
}

/* Whether the word is an option whose value is the next one. */
static bool
takes_next(const struct cli_command *c, const char *word)
{
	const struct cli_option *o;

	if (strcmp(word, "-C") == 0)
		return true;
	if (c == NULL || word[0] != '-' || word[1] == '\0')
		return false;
	if (word[1] == '-')
		o = find_option(c, 0, word + 2, strlen(word + 2));
	else
		o = word[2] == '\0' ? find_option(c, word[1], NULL, 0) : NULL;
	return o != NULL && o->value != NULL;
}

/* Before anything is checked, and anywhere but where a value stands: c is the
 * command, NULL before there is one. */
static bool
wants_help(const struct cli_command *c, int argc, char **argv, int from)
{
	if (c != NULL && c->through)
		return false;
	for (int i = from; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "-h") == 0 ||
		    strcmp(argv[i], "--help") == 0)
			return true;
		if (takes_next(c, argv[i]))
			i++;
	}
	return false;
}

static void
args_clear(struct cli_args *a)
{
	for (size_t i = 0; i < a->n_given; i++)
		strs_clear(&a->given[i].values);
	free(a->given);
	strs_clear(&a->operands);
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
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "%s: standard output: %s\n", program_name,
		    strerror(errno));
		return status != 0 ? status : EXIT_SYSTEM;
	}
	return status;
}

static int
run_table(const char *program, const char *about, bool no_dir,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv)
{
	struct cli_args a = {.program = program, .no_dir = no_dir};
	const struct cli_command *level = commands, *c, *leaf = NULL;
	size_t n_level = n_commands;
	struct err e = {0};
	int i = 1, r = 0;

	program_name = program;
	while (leaf == NULL && i < argc && r == 0) {
		if (is_dir_option(&a, argv[i])) {
			r = parse_dir(&a, argc, argv, &i, &e);
			i++;
			continue;
		}
		if (argv[i][0] == '-')
			break;
		c = find_command(level, n_level, argv[i]);
		if (c == NULL)
			break;
		a.path[a.depth++] = c;
		i++;
		if (c->subs == NULL) {
			leaf = c;
		} else {
			level = c->subs;
			n_level = c->n_subs;
		}
	}
	if (r == 0 && wants_help(leaf, argc, argv, i)) {
		r = print_usage(stdout, about, &a, level, n_level);
	} else if (r == 0 && leaf == NULL) {
		if (i < argc)
			fprintf(stderr, "%s: unknown command '%s'\n", program,
			    argv[i]);
		r = print_usage(stderr, about, &a, level, n_level);
	} else {
		if (r == 0)
			r = parse_rest(&a, leaf, argc, argv, i, &e);
		if (r == 0)
			r = leaf->run(&a, &e);
		if (r < 0)
			r = report(&e, r);
		else
			r = finish(r);
	}
	args_clear(&a);
	return r;
}

int
cli_main(const char *program, const char *about,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv)
{
	return run_table(program, about, false, commands, n_commands, argc,
	    argv);
}

int
cli_main_no_dir(const char *program, const char *about,
    const struct cli_command *commands, size_t n_commands, int argc,
    char **argv)
{
	return run_table(program, about, true, commands, n_commands, argc,
	    argv);
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

int
cli_print(struct str *s, struct err *e)
{
	int r = str_check(s);

	if (r != 0)
		r = err_nomem(e);
	else if (fwrite(s->p, 1, s->n, stdout) != s->n)
		r = err_sys(e, "standard output");
	str_clear(s);
	return r;
}
