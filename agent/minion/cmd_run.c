/* SPDX-License-Identifier: ISC */
/* writ-agent test, apply. */
#include <stdint.h>
#include <unistd.h>

#include "agent/minion/arm.h"
#include "agent/minion/commands.h"
#include "agent/minion/others.h"
#include "agent/minion/show.h"
#include "agent/states/runs.h"
#include "lib/base/clock.h"

struct arming {
	struct session *s;
	bool no_boot_undo;
};

static int
arm(void *ctx, uint64_t number, struct err *e)
{
	const struct arming *a = ctx;
	int r;

	if (!a->no_boot_undo && (r = arm_has_boot_unit(a->s->host, e)) != 0)
		return r;
	return arm_watch(a->s->host, a->s->state_dir, number, !a->no_boot_undo,
	    e);
}

struct session_opts
agent_options(const struct cli_args *a)
{
	return (struct session_opts){.config = cli_get(a, "config"),
	    .state_dir = cli_get(a, "state"),
	    .local = cli_get(a, "local"),
	    .root = cli_get(a, "root"),
	    .id = cli_get(a, "id")};
}

const char *
agent_state_dir(const struct cli_args *a)
{
	const char *dir = cli_get(a, "state");

	return dir != NULL ? dir : STATE_DIR;
}

/* The exit status of a run that went its way. */
static int
status_of(const struct run_out *out)
{
	switch (out->end) {
	case RUN_END_WAITS:
		return EXIT_WAITING;
	case RUN_END_WOULD:
		return out->n_failed > 0 ? EXIT_REFUSED : EXIT_CHANGES;
	case RUN_END_NOTHING:
	case RUN_END_DONE:
		return out->n_failed > 0 ? EXIT_REFUSED : 0;
	default:
		return EXIT_REFUSED;
	}
}

/* Runs that are at it are waited for, as long as was said. */
static int
run_in_turn(const struct run_in *in, int64_t wait, struct run_out *out,
    struct err *e)
{
	int64_t until = clock_mono_ms() + wait * 1000;
	int r;

	while ((r = run(in, out, e)) == ERR_BUSY && clock_mono_ms() < until) {
		(void)usleep(200 * 1000);
		*e = (struct err){0};
	}
	return r;
}

/* Before anything is enforced for the first time, and in each test.  Not being
 * able to say it is no reason not to go on. */
static void
name_others(const struct session *s, unsigned flags)
{
	struct str others = STR_INIT;
	uint64_t newest = 0;

	if ((flags & RUN_TEST) == 0 &&
	    (runs_newest(s->state_dir, &newest, NULL) != 0 || newest != 0))
		return;
	other_managers(s->host, &others);
	if (str_check(&others) == 0 && others.n > 0)
		cli_warn("other managers of this host: %s: what two of them "
			 "set changes to and fro",
		    others.p);
	str_clear(&others);
}

static int
print(const struct cli_args *a, const struct session *s,
    const struct run_out *out, const struct err *why, struct err *e)
{
	struct str text = STR_INIT;

	if (cli_flag(a, "json"))
		show_json(out, why, s->id, &text);
	else
		show_text(out, why, !cli_flag(a, "verbose"), &text);
	return cli_print(&text, e);
}

static int
go(struct cli_args *a, struct session *s, unsigned flags, struct err *e)
{
	const char *plan = cli_get(a, "plan"), *wait = cli_get(a, "wait");
	struct arming arming = {s, cli_flag(a, "no-boot-undo")};
	struct run_in in = {
	    .host = s->host,
	    .env = &s->env,
	    .states = &s->states,
	    .dir = s->state_dir,
	    .stage = s->stage,
	    .flags = flags,
	    .within = s->fleet->confirm_within,
	    .arm = arm,
	    .ctx = &arming,
	};
	struct run_out out = {0};
	struct err why = {0};
	struct hash expect;
	int64_t secs = 0;
	int r;

	if (plan != NULL && hash_from_hex(plan, &expect) != 0)
		return err_set(e, ERR_USAGE,
		    "'%s' is no plan, expected what `writ-agent test` printed",
		    plan);
	if (wait != NULL && span_parse(wait, &secs) != 0)
		return err_set(e, ERR_USAGE,
		    "'%s' is no span, expected one such as 5m", wait);
	in.expect = plan != NULL ? &expect : NULL;
	name_others(s, flags);
	if ((r = run_in_turn(&in, secs, &out, &why)) != 0) {
		*e = why;
		return r;
	}
	if ((r = print(a, s, &out, &why, e)) == 0)
		r = status_of(&out);
	run_clear(&out);
	return r;
}

static int
open_and_go(struct cli_args *a, unsigned flags, struct err *e)
{
	const struct session_opts o = agent_options(a);
	struct session s;
	int r;

	if (cli_flag(a, "full"))
		flags |= RUN_FULL;
	if (cli_flag(a, "again"))
		flags |= RUN_AGAIN;
	if (cli_flag(a, "diff"))
		flags |= RUN_DIFF;
	if ((r = session_open(&o, &s, e)) != 0)
		return r;
	r = go(a, &s, flags, e);
	session_close(&s);
	return r;
}

static int
run_test(struct cli_args *a, struct err *e)
{
	return open_and_go(a, RUN_TEST | RUN_DIFF | RUN_AGAIN, e);
}

static int
run_apply(struct cli_args *a, struct err *e)
{
	return open_and_go(a, 0, e);
}

static const struct cli_option test_options[] = {
    AGENT_OPTIONS,
    {0, "full", NULL, "observe everything, whatever is known"},
    {0, "wait", "SPAN", "wait for a run that is at it (0)"},
    {'v', "verbose", NULL, "also states that are as they should be"},
    CLI_JSON,
};

const struct cli_command agent_cmd_test = {.name = "test",
    .operands = "",
    .summary = "show what apply would change, and change nothing",
    CLI_OPTIONS(test_options),
    .run = run_test};

static const struct cli_option apply_options[] = {
    AGENT_OPTIONS,
    {0, "plan", "HASH", "only if this is still the plan"},
    {0, "full", NULL, "observe everything, whatever is known"},
    {0, "again", NULL, "also what is fought over"},
    {0, "diff", NULL, "show what changed in files"},
    {0, "no-boot-undo", NULL,
	"touch ways in though a reboot would not undo it"},
    {0, "wait", "SPAN", "wait for a run that is at it (0)"},
    {'v', "verbose", NULL, "also states that are as they should be"},
    CLI_JSON,
};

const struct cli_command agent_cmd_apply = {.name = "apply",
    .operands = "",
    .summary = "make the host what its policy says",
    CLI_OPTIONS(apply_options),
    .run = run_apply};
