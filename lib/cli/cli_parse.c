/* SPDX-License-Identifier: ISC */
/* The words of a command line, by its table. */
#include <stdlib.h>
#include <string.h>

#include "lib/cli/cli_impl.h"

const struct cli_command *
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
	/* A variable of a script that is unset: it must not come to what is done
	 * without the option, such as a certificate good from everywhere. */
	if (value != NULL && value[0] == '\0')
		return err_set(e, ERR_USAGE,
		    "option %.*s is empty, expected %s",
		    (int)strcspn(word, "="), word, o->value);
	return give(a, o, value, e);
}

/* -C is taken anywhere, so that no table needs to list it. */
bool
is_dir_option(const struct cli_args *a, const char *word)
{
	return !a->no_dir && strncmp(word, "-C", 2) == 0;
}

int
parse_dir(struct cli_args *a, int argc, char **argv, int *i, struct err *e)
{
	const char *dir = argv[*i] + 2;

	if (*dir == '\0') {
		if (*i + 1 >= argc)
			return err_set(e, ERR_USAGE,
			    "option -C wants a directory");
		dir = argv[++*i];
	}
	/* Else it would be the root directory. */
	if (*dir == '\0')
		return err_set(e, ERR_USAGE,
		    "option -C is empty, expected a directory");
	a->dir = dir;
	return 0;
}

int
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

bool
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

void
args_clear(struct cli_args *a)
{
	for (size_t i = 0; i < a->n_given; i++)
		strs_clear(&a->given[i].values);
	free(a->given);
	strs_clear(&a->operands);
}
