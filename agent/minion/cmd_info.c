/* SPDX-License-Identifier: ISC */
/* writ-agent observe, grains, states: what there is. */

#include "agent/minion/commands.h"
#include "agent/minion/grains.h"
#include "lib/base/json.h"

/* One kind's part; what it cannot say is a comment. */
static int
show_kind(struct host *h, const struct state_ops *ops, struct str *out)
{
	struct str one = STR_INIT;
	struct err e = {0};
	int r;

	if (ops->show == NULL)
		return 0;
	r = ops->show(h, &one, &e);
	if (r == 0 && (r = str_check(&one)) == 0)
		str_add(out, one.p);
	else if (r != ERR_NOMEM)
		str_addf(out, "# %s: %s\n", ops->name, e.msg);
	str_clear(&one);
	return r == ERR_NOMEM ? r : 0;
}

static int
run_observe(struct cli_args *a, struct err *e)
{
	const struct state_ops *const *kinds;
	struct str out = STR_INIT;
	struct host *h;
	size_t n;
	int r;

	kinds = state_kinds(&n);
	for (size_t i = 0; i < cli_n_operands(a); i++)
		if (state_kind(cli_operand(a, i)) == NULL)
			return err_set(e, ERR_USAGE,
			    "'%s' is no kind of state, expected one of "
			    "`writ-agent states`",
			    cli_operand(a, i));
	if ((r = host_open(&h, e)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (cli_n_operands(a) == 0 ||
		    strs_has(cli_operands(a), kinds[i]->name))
			r = show_kind(h, kinds[i], &out);
	host_close(h);
	if (r != 0) {
		str_clear(&out);
		return err_nomem(e);
	}
	return cli_print(&out, e);
}

const struct cli_command agent_cmd_observe = {.name = "observe",
    .operands = "[KIND ...]",
    .summary = "what this host has, as states in YAML",
    .max_operands = CLI_ANY,
    .run = run_observe};

static int
run_grains(struct cli_args *a, struct err *e)
{
	struct grains g = {0};
	struct str out = STR_INIT;
	struct host *h;
	struct jw w;
	int r;

	if ((r = host_open(&h, e)) != 0)
		return r;
	r = grains_read(h, NULL, &g, e);
	host_close(h);
	if (r != 0)
		return r;
	if (cli_flag(a, "json")) {
		jw_init(&w, &out, true);
		jw_begin(&w, NULL, '{');
		for (size_t i = 0; i < g.n; i++)
			jw_str(&w, g.v[i].name, g.v[i].value);
		jw_end(&w, '}');
		str_addc(&out, '\n');
	} else {
		for (size_t i = 0; i < g.n; i++)
			str_addf(&out, "%-12s %s\n", g.v[i].name, g.v[i].value);
	}
	grains_clear(&g);
	return cli_print(&out, e);
}

static const struct cli_option json_options[] = {CLI_JSON};

const struct cli_command agent_cmd_grains = {.name = "grains",
    .operands = "",
    .summary = "what this host says of itself",
    CLI_OPTIONS(json_options),
    .run = run_grains};

static int
run_states(struct cli_args *a, struct err *e)
{
	const struct state_ops *const *kinds;
	struct str out = STR_INIT;
	size_t n;

	(void)a;
	kinds = state_kinds(&n);
	for (size_t i = 0; i < n; i++)
		str_addf(&out, "%-14s %s%s\n", kinds[i]->name,
		    kinds[i]->summary,
		    (kinds[i]->flags & STATE_WAY_IN) != 0 ? "  [way in]" : "");
	return cli_print(&out, e);
}

const struct cli_command agent_cmd_states = {.name = "states",
    .operands = "",
    .summary = "the kinds of state this agent knows",
    .run = run_states};
