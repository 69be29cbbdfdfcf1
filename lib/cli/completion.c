/* SPDX-License-Identifier: ISC */
#include "lib/cli/completion.h"

#include <string.h>

/* The words that may follow a command: its subcommands, or its options. */
static void
add_words(struct str *s, const struct cli_command *c)
{
	bool first = true;

	for (size_t i = 0; i < c->n_subs; i++) {
		str_addf(s, "%s%s", first ? "" : " ", c->subs[i].name);
		first = false;
	}
	for (size_t i = 0; c->subs == NULL && i < c->n_options; i++) {
		const struct cli_option *o = &c->options[i];

		if (o->name != NULL)
			str_addf(s, "%s--%s", first ? "" : " ", o->name);
		else
			str_addf(s, "%s-%c", first ? "" : " ", o->letter);
		first = false;
	}
	if (c->subs == NULL)
		str_addf(s, "%s-C", first ? "" : " ");
}

/* --- bash ----------------------------------------------------------------- */

static void
bash_case(struct str *s, const char *before, const struct cli_command *c)
{
	/* After the first word $1 is split on purpose. */
	if (c->through) {
		str_addf(s,
		    "\t'%s' | '%s '*)\n"
		    "\t\t# shellcheck disable=SC2086\n"
		    "\t\twords=$(\"${COMP_WORDS[0]}\" %s completion -- "
		    "${1#%s} 2>/dev/null) ;;\n",
		    c->name, c->name, c->name, c->name);
		return;
	}
	str_addf(s, "\t'%s%s')\n\t\twords='", before, c->name);
	add_words(s, c);
	str_add(s, "' ;;\n");
	for (size_t i = 0; i < c->n_subs; i++) {
		struct str path = STR_INIT;

		str_addf(&path, "%s%s ", before, c->name);
		bash_case(s, path.p, &c->subs[i]);
		str_clear(&path);
	}
}

static void
bash(struct str *s, const char *program,
    const struct cli_command *const *commands, size_t n)
{
	str_addf(s,
	    "# bash completion of %s(1); made by: %s completion bash\n"
	    "_%s() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} path='' words='' i w\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tw=${COMP_WORDS[i]}\n"
	    "\t\tcase $w in\n"
	    "\t\t-C) ((i++)) ;;\n"
	    "\t\t-*) ;;\n"
	    "\t\t*)\n"
	    "\t\t\tcase \" $(_%s_words \"$path\") \" in\n"
	    "\t\t\t*\" $w \"*) path=\"${path:+$path }$w\" ;;\n"
	    "\t\t\tesac ;;\n"
	    "\t\tesac\n"
	    "\tdone\n"
	    "\twords=$(_%s_words \"$path\")\n"
	    "\tcase $cur in\n"
	    "\t-*) ;;\n"
	    "\t*) [[ $words == -* ]] && words='' ;;\n"
	    "\tesac\n"
	    "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	    "}\n"
	    "_%s_words() {\n"
	    "\tlocal words=''\n"
	    "\tcase $1 in\n"
	    "\t'')\n\t\twords='",
	    program, program, program, program, program, program);
	for (size_t i = 0; i < n; i++)
		str_addf(s, "%s%s", i > 0 ? " " : "", commands[i]->name);
	str_add(s, "' ;;\n");
	for (size_t i = 0; i < n; i++)
		bash_case(s, "", commands[i]);
	str_addf(s,
	    "\tesac\n"
	    "\tprintf '%%s' \"$words\"\n"
	    "}\n"
	    "complete -o default -F _%s %s\n",
	    program, program);
}

/* --- zsh ------------------------------------------------------------------ */

/* In single quotes, where a colon would end the word. */
static void
zsh_text(struct str *s, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\'')
			str_add(s, "'\\'");
		else if (*p == ':' || *p == '[' || *p == ']')
			str_addc(s, '\\');
		str_addc(s, *p);
	}
}

static void
zsh_options(struct str *s, const struct cli_command *c)
{
	str_add(s, "\t_arguments '*-C[the deployment]:directory:_files -/'");
	for (size_t i = 0; i < c->n_options; i++) {
		const struct cli_option *o = &c->options[i];

		str_add(s, " \\\n\t    '*");
		if (o->name != NULL)
			str_addf(s, "--%s", o->name);
		else
			str_addf(s, "-%c", o->letter);
		str_addc(s, '[');
		zsh_text(s, o->help);
		str_addc(s, ']');
		if (o->value != NULL) {
			str_addc(s, ':');
			zsh_text(s, o->value);
			str_add(s, ":_files");
		}
		str_addc(s, '\'');
	}
	str_add(s, " \\\n\t    '*:operand:_files'\n");
}

static void
zsh_function(struct str *s, const char *before, const struct cli_command *c)
{
	struct str name = STR_INIT;

	str_addf(&name, "%s_%s", before, c->name);
	for (size_t i = 0; i < c->n_subs; i++)
		zsh_function(s, name.p, &c->subs[i]);
	str_addf(s, "%s() {\n", name.p);
	if (c->through) {
		str_addf(s,
		    "\tcompadd -- ${=$(writ %s completion -- "
		    "${words[2,CURRENT-1]} 2>/dev/null)}\n"
		    "\t[[ $PREFIX == -* ]] || _files\n",
		    c->name);
	} else if (c->subs == NULL) {
		zsh_options(s, c);
	} else {
		str_add(s, "\tlocal -a subs=(");
		for (size_t i = 0; i < c->n_subs; i++) {
			str_addf(s, "\n\t    '%s:", c->subs[i].name);
			zsh_text(s, c->subs[i].summary);
			str_addc(s, '\'');
		}
		str_addf(s,
		    ")\n\tif ((CURRENT == 2)); then\n"
		    "\t\t_describe subcommand subs\n"
		    "\telse\n\t\tlocal f=%s_$words[2]\n"
		    "\t\tshift words; ((CURRENT--))\n"
		    "\t\t(($+functions[$f])) && $f\n\tfi\n",
		    name.p);
	}
	str_add(s, "}\n");
	str_clear(&name);
}

static void
zsh(struct str *s, const char *program,
    const struct cli_command *const *commands, size_t n)
{
	struct str root = STR_INIT;

	str_addf(&root, "_%s", program);
	str_addf(s,
	    "#compdef %s\n# zsh completion of %s(1); made by: %s completion "
	    "zsh\n",
	    program, program, program);
	for (size_t i = 0; i < n; i++)
		zsh_function(s, root.p, commands[i]);
	str_addf(s, "%s() {\n\tlocal -a subs=(", root.p);
	for (size_t i = 0; i < n; i++) {
		str_addf(s, "\n\t    '%s:", commands[i]->name);
		zsh_text(s, commands[i]->summary);
		str_addc(s, '\'');
	}
	str_addf(s,
	    ")\n\tif ((CURRENT == 2)); then\n"
	    "\t\t_describe command subs\n"
	    "\telse\n\t\tlocal f=%s_$words[2]\n"
	    "\t\tshift words; ((CURRENT--))\n"
	    "\t\t(($+functions[$f])) && $f\n\tfi\n}\n%s \"$@\"\n",
	    root.p, root.p);
	str_clear(&root);
}

/* --- for who asks --------------------------------------------------------- */

static const struct cli_command *
find(const struct cli_command *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

int
cli_completion_words(const struct cli_command *commands, size_t n,
    const struct strs *said, struct str *out)
{
	const struct cli_command *at = NULL, *next;
	const struct cli_command *v = commands;

	for (size_t i = 0; i < said->n; i++) {
		if (strcmp(said->v[i], "-C") == 0) {
			i++;
		} else if ((next = find(v, n, said->v[i])) != NULL) {
			at = next;
			v = next->subs;
			n = next->n_subs;
		}
	}
	if (at != NULL)
		add_words(out, at);
	for (size_t i = 0; at == NULL && i < n; i++)
		str_addf(out, "%s%s", i > 0 ? " " : "", commands[i].name);
	return str_check(out);
}

int
cli_completion(const char *program, const struct cli_command *const *commands,
    size_t n, enum cli_shell shell, struct str *out)
{
	if (shell == CLI_BASH)
		bash(out, program, commands, n);
	else
		zsh(out, program, commands, n);
	return str_check(out);
}
