/* SPDX-License-Identifier: ISC */
/*
 * Making the sshd that runs take its configuration: reload keeps sessions and
 * the listener, a restart on a bad file would lose it.
 */
#include <string.h>

#include "agent/states/sshd_want.h"

#define PIDFILE "/run/sshd.pid"

/* 1: the unit is active. */
static int
is_active(struct host *h, const char *unit, struct err *e)
{
	const char *const argv[] = {
	    "systemctl", "is-active", "--quiet", unit, NULL};
	struct child_result got = {0};
	int r;

	if ((r = host_run(h, argv, slice_str(""), &got, e)) == 0)
		r = got.status == 0;
	child_result_clear(&got);
	return r;
}

static int
reload_unit(struct host *h, const char *unit, struct err *e)
{
	const char *const argv[] = {"systemctl", "reload", unit, NULL};
	int r;

	if ((r = host_run_ok(h, argv, slice_str(""), NULL, e)) != 0)
		return r;
	if ((r = is_active(h, unit, e)) == 0)
		r = err_set(e, ERR_DENIED,
		    "%s did not survive that it was reloaded", unit);
	return r == 1 ? 0 : r;
}

/* dpkg's own tool: it signals the process of that file only while it is that
 * program. */
static int
signal_master(struct host *h, struct err *e)
{
	const char *const argv[] = {"start-stop-daemon", "--stop", "--signal",
	    "HUP", "--quiet", "--oknodo", "--pidfile", PIDFILE, "--exec",
	    SSHD_PROGRAM, NULL};
	struct host_stat st;
	int r;

	if ((r = host_stat(h, PIDFILE, &st, e)) == ERR_NOTFOUND)
		return 0;
	return r == 0 ? host_run_ok(h, argv, slice_str(""), NULL, e) : r;
}

int
sshd_reload(struct host *h, struct err *e)
{
	static const char *const units[] = {"ssh.service", "sshd.service"};
	int r = host_has_systemd(h, e);

	if (r <= 0)
		return r == 0 ? signal_master(h, e) : r;
	r = 0;
	for (size_t i = 0; r == 0 && i < sizeof(units) / sizeof(*units); i++) {
		r = is_active(h, units[i], e);
		if (r == 1)
			return reload_unit(h, units[i], e);
	}
	/* Started by hand, or not at all. */
	return r == 0 ? signal_master(h, e) : r;
}
