/* SPDX-License-Identifier: ISC */
/*
 * The state service, read.
 */
#include "agent/states/service_impl.h"

#include <stdlib.h>
#include <string.h>

static void
read_running(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {{"yes", YES}, {"no", NO}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(enum service_want *)field = (enum service_want)v;
}

static void
read_enabled(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"yes", YES}, {"no", NO}, {"masked", MASKED}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(enum service_want *)field = (enum service_want)v;
}

static void
read_watch(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"reload", RELOAD}, {"restart", RESTART}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(enum service_watch *)field = (enum service_watch)v;
}

/* As systemd names units; never an option, never a path. */
static bool
is_name(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (n->text[0] != '-' && n->text[0] != '.' &&
	    strspn(n->text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789:_.@-") == n->n)
		return true;
	conf_error(in->diags, n->pos,
	    "'name' is %s, expected a service such as ssh",
	    str_quoten(quoted, n->text, n->n));
	return false;
}

static const struct conf_key keys[] = {
    {.name = "name",
	.read = conf_text,
	.offset = offsetof(struct service_params, name),
	.required = true,
	.expect = "a service such as ssh",
	.min = 1,
	.max = SERVICE_NAME_MAX,
	.check = is_name},
    {.name = "running",
	.read = read_running,
	.offset = offsetof(struct service_params, running),
	.expect = "yes or no"},
    {.name = "enabled",
	.read = read_enabled,
	.offset = offsetof(struct service_params, enabled),
	.expect = "yes, no or masked"},
    {.name = "on_watch",
	.read = read_watch,
	.offset = offsetof(struct service_params, on_watch),
	.expect = "reload or restart"},
};

void
service_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	struct service_params *p = params;
	size_t errors = in->diags->n_errors;

	conf_map(in, n->pos, "service", n, keys, sizeof(keys) / sizeof(keys[0]),
	    p);
	if (in->diags->n_errors != errors)
		return;
	if (p->running == UNSAID && p->enabled == UNSAID &&
	    p->on_watch == NOTHING)
		conf_error(in->diags, n->pos,
		    "service says nothing of '%s', expected running, enabled "
		    "or on_watch",
		    p->name);
	if (p->running == YES && p->enabled == MASKED)
		conf_error(in->diags, n->pos,
		    "'%s' is to run and to be masked, expected one of them",
		    p->name);
}

void
service_params_clear(void *params)
{
	struct service_params *p = params;

	free(p->name);
	*p = (struct service_params){0};
}
