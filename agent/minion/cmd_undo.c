/* SPDX-License-Identifier: ISC */
/* writ-agent confirm, undo, status: the last run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/minion/arm.h"
#include "agent/minion/commands.h"
#include "agent/states/record.h"
#include "agent/states/runs.h"
#include "agent/states/undo.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/proc/socket.h"

#define LOOK_MS  500
#define AGAIN_MS 10000 /* where nothing can be said of the run */

static int
run_confirm(struct cli_args *a, struct err *e)
{
	struct host *h;
	uint64_t number = 0;
	int r;

	if ((r = host_open(&h, e)) != 0)
		return r;
	r = arm_confirm(h, agent_state_dir(a), (int)getppid(),
	    cli_flag(a, "any-login"), &number, e);
	if (r == 0)
		printf("run %" PRIu64 " is confirmed, and stays\n", number);
	host_close(h);
	return r;
}

static const struct cli_option confirm_options[] = {
    AGENT_STATE_OPTION,
    {0, "any-login", NULL, "from a console, or a login that was there"},
};

const struct cli_command agent_cmd_confirm = {.name = "confirm",
    .operands = "",
    .summary = "say, from a new login, that the last run let you in",
    CLI_OPTIONS(confirm_options),
    .run = run_confirm};

/* What became of a failed undo stands in its status; it is tried again until
 * it succeeds, since nobody else may be able to come and do it. */
static int
watch(struct host *h, const char *dir, uint64_t number)
{
	int r;

	while ((r = arm_look(h, dir, number, NULL)) != WATCH_OVER) {
		service_notify("WATCHDOG=1");
		(void)usleep(1000 * (r < 0 ? AGAIN_MS : LOOK_MS));
	}
	return r;
}

static int
at_boot(struct host *h, const char *dir, struct err *e)
{
	uint64_t undone = 0;
	int r = arm_boot(h, dir, &undone, e);

	if (r == 0 && undone != 0)
		printf("run %" PRIu64 " was not confirmed before this boot, "
		       "and is undone\n",
		    undone);
	return r;
}

/* By hand: the newest run, whatever became of it, as long as it is not undone
 * already. */
static int
by_hand(struct host *h, const char *dir, struct err *e)
{
	struct state_env env = {0};
	struct run_status s = {0};
	struct record rec = {0};
	uint64_t number = 0;
	char *path = NULL;
	int lock = -1, r;

	if ((r = runs_lock(dir, &lock, e)) != 0 ||
	    (r = runs_newest(dir, &number, e)) != 0)
		goto out;
	if (number == 0) {
		r = err_set(e, ERR_NOTFOUND, "there was no run");
		goto out;
	}
	if (runs_path(dir, number, &path) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = run_status_read(path, &s, e)) != 0)
		goto out;
	if (s.stands == STANDS_UNDONE || s.stands == STANDS_NONE)
		r = err_set(e, ERR_NOTFOUND,
		    "run %" PRIu64 " is undone already", number);
	else if ((r = record_read(path, &rec, e)) == 0) {
		env.host_id = rec.host_id;
		r = undo_run(h, path, &env, 0, "by hand", NULL, e);
	}
	if (r == 0)
		printf("run %" PRIu64 " is undone\n", number);
out:
	if (lock != -1)
		(void)close(lock);
	record_clear(&rec);
	run_status_clear(&s);
	free(path);
	return r;
}

static int
run_undo(struct cli_args *a, struct err *e)
{
	const char *dir = agent_state_dir(a), *text = cli_get(a, "run");
	uint64_t number = 0;
	struct host *h;
	int r;

	if (cli_flag(a, "watch") &&
	    (text == NULL || parse_u64(text, 1, UINT64_MAX, &number) != 0))
		return err_set(e, ERR_USAGE,
		    "expected --watch with --run NUMBER");
	if (!file_exists(dir)) {
		if (cli_flag(a, "boot"))
			return 0;
		return err_set(e, ERR_NOTFOUND, "there was no run");
	}
	if ((r = host_open(&h, e)) != 0)
		return r;
	r = cli_flag(a, "watch")  ? watch(h, dir, number)
	    : cli_flag(a, "boot") ? at_boot(h, dir, e)
				  : by_hand(h, dir, e);
	host_close(h);
	return r;
}

static const struct cli_option undo_options[] = {
    AGENT_STATE_OPTION,
    {0, "boot", NULL, "what is unfinished, before services run"},
    {0, "watch", NULL, "unless it is confirmed in time"},
    {0, "run", "N", "which one to watch"},
};

const struct cli_command agent_cmd_undo = {.name = "undo",
    .operands = "",
    .summary = "make the host what it was before the last run",
    CLI_OPTIONS(undo_options),
    .run = run_undo};

static void
status_text(uint64_t number, const struct run_status *s,
    const struct record *rec, struct str *out)
{
	char at[CLOCK_TEXT];
	int64_t left;

	clock_format(s->at, at);
	str_addf(out, "run %" PRIu64 ": %s since %s", number,
	    run_stands_name(s->stands), at);
	if (s->text != NULL && s->text[0] != '\0')
		str_addf(out, ": %s", s->text);
	str_addc(out, '\n');
	if (s->stands == STANDS_UNCONFIRMED) {
		left = run_left(s, rec->within);
		str_addf(out, "%" PRId64 " s are left to confirm it\n",
		    left > 0 ? left : 0);
	}
	for (size_t i = 0; i < rec->n_states; i++)
		str_addf(out, "  %-14s %s\n", rec->states[i].kind,
		    rec->states[i].id);
}

static void
status_json(uint64_t number, const struct run_status *s,
    const struct record *rec, const struct held *held, struct str *out)
{
	struct jw w;

	jw_init(&w, out, true);
	jw_begin(&w, NULL, '{');
	if (held->have) {
		jw_hex(&w, "realm", held->realm.b, HASH_LEN);
		jw_u64(&w, "policy_version", held->policy_version);
		jw_u64(&w, "fleet_version", held->fleet.version);
	}
	jw_u64(&w, "run", number);
	if (number != 0) {
		jw_str(&w, "stands", run_stands_name(s->stands));
		jw_time(&w, "at", s->at);
		jw_str(&w, "why", s->text != NULL ? s->text : "");
		jw_begin(&w, "states", '[');
		for (size_t i = 0; i < rec->n_states; i++)
			jw_str(&w, NULL, rec->states[i].id);
		jw_end(&w, ']');
	}
	jw_end(&w, '}');
	str_addc(out, '\n');
}

static int
run_status(struct cli_args *a, struct err *e)
{
	const char *dir = agent_state_dir(a);
	struct run_status s = {0};
	struct record rec = {0};
	struct str out = STR_INIT;
	struct held held = {0};
	uint64_t number = 0;
	char *path = NULL;
	int r;

	if ((r = held_read(dir, &held, e)) != 0 ||
	    (r = runs_newest(dir, &number, e)) != 0)
		return r;
	if (number != 0 && runs_path(dir, number, &path) != 0)
		return err_nomem(e);
	if (number != 0 &&
	    ((r = run_status_read(path, &s, e)) != 0 ||
		((r = record_read(path, &rec, NULL)) != 0 &&
		    r != ERR_NOTFOUND)))
		goto out;
	if (cli_flag(a, "json")) {
		status_json(number, &s, &rec, &held, &out);
	} else {
		if (held.have)
			str_addf(&out,
			    "policy version %" PRIu64 ", fleet version %" PRIu64
			    "\n",
			    held.policy_version, held.fleet.version);
		if (number != 0)
			status_text(number, &s, &rec, &out);
		else
			str_add(&out, "no run has changed this host\n");
	}
	r = cli_print(&out, e);
out:
	record_clear(&rec);
	run_status_clear(&s);
	free(path);
	return r;
}

static const struct cli_option status_options[] = {
    AGENT_STATE_OPTION,
    CLI_JSON,
};

const struct cli_command agent_cmd_status = {.name = "status",
    .operands = "",
    .summary = "which policy is held, and how the last run stands",
    CLI_OPTIONS(status_options),
    .run = run_status};
