/* SPDX-License-Identifier: ISC */
/* What a program says of itself, made from its table. */
#include "lib/cli/cli_impl.h"

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

int
print_usage(FILE *to, const struct cli_args *a, struct level l)
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
			str_addf(&s, "%s\n", l.about);
		add_list(&s, l.v, l.n);
	}
	(void)fputs(s.p, to);
	str_clear(&s);
	return to == stdout ? 0 : EXIT_USAGE;
}
