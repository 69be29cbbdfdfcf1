/* SPDX-License-Identifier: ISC */
/*
 * fail2ban: the server is started, told, and put back to what it was.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/f2b_impl.h"

int
f2b_start(struct host *h, struct err *e)
{
	const char *systemd[] = {
	    "systemctl", "start", "fail2ban.service", NULL};
	const char *direct[] = {"fail2ban-client", "start", NULL};
	int r = host_has_systemd(h, e);

	if (r < 0)
		return r;
	return host_run_ok(h, r == 1 ? systemd : direct, (struct slice){0},
	    NULL, e);
}

static int
answers(struct host *h, bool *out, struct err *e)
{
	const char *ping[] = {"fail2ban-client", "ping", NULL};
	char *text;
	int r = f2b_client(h, ping, &text, NULL, e);

	*out = r == 0 && text != NULL;
	free(text);
	return r;
}

/* A reload keeps the bans; a server that does not answer is started, if it may be. */
int
f2b_reload(struct host *h, bool may_start, struct err *e)
{
	const char *again[] = {"fail2ban-client", "reload", NULL};
	bool running;
	int r = answers(h, &running, e);

	if (r != 0)
		return r;
	if (running)
		return host_run_ok(h, again, (struct slice){0}, NULL, e);
	return may_start ? f2b_start(h, e) : 0;
}

/* --- undo -------------------------------------------------------------- */

#define RUNS     "running\n"
#define RUNS_NOT "stopped\n"

/* At boot it may be about to run, and not answer yet. */
static int
runs(struct host *h, bool *out, struct err *e)
{
	const char *is_active[] = {
	    "systemctl", "is-active", "fail2ban.service", NULL};
	struct child_result res = {0};
	int r;

	if ((r = answers(h, out, e)) != 0 || *out ||
	    (r = host_has_systemd(h, e)) != 1)
		return r;
	if ((r = host_run(h, is_active, (struct slice){0}, &res, e)) != 0)
		return r;
	*out = strcmp(res.out, "active\n") == 0 ||
	    strcmp(res.out, "activating\n") == 0 ||
	    strcmp(res.out, "reloading\n") == 0;
	child_result_clear(&res);
	return 0;
}

/* Nothing where the program is not there yet. */
int
f2b_snapshot(struct host *h, const void *params, struct str *out, struct err *e)
{
	bool running;
	int r;

	(void)params;
	if (!host_has(h, "fail2ban-client"))
		return 0;
	if ((r = runs(h, &running, e)) != 0)
		return r;
	str_add(out, running ? RUNS : RUNS_NOT);
	return str_check(out) != 0 ? err_nomem(e) : 0;
}

/* Our file is as it was by now.  At boot systemd may be waiting for whoever asks:
 * what is to be started is begun and not waited for. */
int
f2b_restore(struct host *h, struct slice text, struct err *e)
{
	const char *by_systemd[] = {
	    "systemctl", "--no-block", "start", "fail2ban.service", NULL};
	const char *direct[] = {"fail2ban-client", "start", NULL};
	bool was = slice_is(text, RUNS), is;
	int r;

	if (text.n == 0 || !host_has(h, "fail2ban-client"))
		return 0;
	if (!was && !slice_is(text, RUNS_NOT))
		return err_set(e, ERR_CORRUPT,
		    "the record of fail2ban has an unknown word");
	if ((r = runs(h, &is, e)) != 0 || is == was)
		return r;
	if ((r = host_has_systemd(h, e)) < 0)
		return r;
	if (!was) {
		by_systemd[1] = "stop";
		by_systemd[2] = "fail2ban.service";
		by_systemd[3] = NULL;
		direct[1] = "stop";
	}
	return host_run_ok(h, r == 1 ? by_systemd : direct, (struct slice){0},
	    NULL, e);
}
