/* SPDX-License-Identifier: ISC */
/*
 * Making the sshd that runs take its configuration: reload keeps sessions and
 * the listener, a restart on a bad file would lose it.
 */

#include "agent/states/sshd_want.h"

#define PIDFILE "/run/sshd.pid"

/* 1: the unit is so ("is-active", "is-failed"). */
static int
is(struct host *h, const char *so, const char *unit, struct err *e)
{
	const char *const argv[] = {"systemctl", so, "--quiet", unit, NULL};
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
	if ((r = is(h, "is-active", unit, e)) == 0)
		r = err_set(e, ERR_DENIED,
		    "%s did not survive that it was reloaded", unit);
	return r == 1 ? 0 : r;
}

/*
 * sshd -t does not see that an address is on no interface or a port is taken:
 * sshd, told of it, ends.  So after the configuration is put right - that is what
 * we are called for - what has failed is started, a sshd or the socket in front
 * of one.  1: there was one.
 */
static int
revive(struct host *h, struct err *e)
{
	static const char *const units[] = {
	    "ssh.service", "sshd.service", "ssh.socket"};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		const char *const steps[][4] = {
		    {"systemctl", "daemon-reload", NULL, NULL},
		    /* However often it has tried. */
		    {"systemctl", "reset-failed", units[i], NULL},
		    {"systemctl", "restart", units[i], NULL},
		};
		int r = is(h, "is-failed", units[i], e);

		if (r == 0)
			continue;
		for (size_t j = 0; r == 1 && j < sizeof(steps) / sizeof(*steps);
		     j++)
			if (host_run_ok(h, steps[j], slice_str(""), NULL, e) !=
			    0)
				r = ERR_DENIED;
		return r;
	}
	return 0;
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
		r = is(h, "is-active", units[i], e);
		if (r == 1)
			return reload_unit(h, units[i], e);
	}
	if (r == 0 && (r = revive(h, e)) == 1)
		return 0;
	/* Started by hand, or not at all. */
	return r == 0 ? signal_master(h, e) : r;
}
