/* SPDX-License-Identifier: ISC */
#include "agent/minion/arm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/minion/login.h"
#include "agent/states/record.h"
#include "agent/states/runs.h"
#include "agent/states/undo.h"
#include "lib/proc/socket.h"

/*
 * "{ path=/usr/bin/writ-agent ; argv[]=... }": the path, in text itself; NULL
 * where there is none.
 */
static char *
path_of_unit(char *text)
{
	char *path = strstr(text, "path="), *end;

	if (path == NULL)
		return NULL;
	path += strlen("path=");
	if ((end = strstr(path, " ;")) == NULL)
		return NULL;
	*end = '\0';
	return path;
}

/* A unit may be enabled and start what is somewhere else. */
static int
starts_something(struct host *h, struct err *e)
{
	static const char why[] =
	    "this would touch a way in, and nothing would "
	    "undo it after a reboot";
	const char *argv[] = {"systemctl", "show", "--property=ExecStart",
	    "--value", ARM_UNIT, NULL};
	struct child_result res = {0};
	struct host_stat st;
	char *path;
	int r;

	if ((r = host_run_ok(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	if ((path = path_of_unit(res.out)) == NULL)
		r = err_set(e, ERR_DENIED, "%s: " ARM_UNIT " starts nothing",
		    why);
	else if (host_stat(h, path, &st, NULL) != 0 || !S_ISREG(st.mode) ||
	    (st.mode & 0100) == 0)
		r = err_set(e, ERR_DENIED,
		    "%s: " ARM_UNIT " starts %s, which is not there", why,
		    path);
	child_result_clear(&res);
	return r;
}

int
arm_has_boot_unit(struct host *h, struct err *e)
{
	static const char *const wants[] = {
	    "/etc/systemd/system/sysinit.target.wants/" ARM_UNIT,
	    "/usr/lib/systemd/system/sysinit.target.wants/" ARM_UNIT,
	    "/lib/systemd/system/sysinit.target.wants/" ARM_UNIT,
	};
	struct host_stat st;
	int r;

	if (host_has_systemd(h, NULL) != 1) {
		r = err_set(e, ERR_DENIED,
		    "this would touch a way in, and without systemd nothing "
		    "would undo it after a reboot");
		err_hint(e, "--no-boot-undo goes without that");
		return r;
	}
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (host_stat(h, wants[i], &st, NULL) == 0)
			return starts_something(h, e);
	r = err_set(e, ERR_DENIED,
	    "this would touch a way in, and nothing would undo it after a "
	    "reboot: " ARM_UNIT " is not enabled");
	err_hint(e,
	    "systemctl enable " ARM_UNIT ", or --no-boot-undo to go without");
	return r;
}

/* Under the lock, so that its status is the last word. */
static int
undo_locked(struct host *h, const char *dir, unsigned flags, struct err *e)
{
	struct run_status s = {0};
	struct record rec = {0};
	struct state_env env = {0};
	bool waits;
	int r;

	if ((r = run_status_read(dir, &s, e)) != 0)
		return r;
	waits = s.stands == STANDS_UNCONFIRMED;
	if (run_is_finished(s.stands))
		goto out;
	if ((r = record_read(dir, &rec, e)) != 0)
		goto out;
	env.host_id = rec.host_id;
	service_notify("WATCHDOG_USEC=" ARM_UNDO_S "000000");
	r = undo_run(h, dir, &env, flags | (waits ? UNDO_UNCONFIRMED : 0),
	    waits ? (flags & UNDO_QUIET) != 0
		    ? "not confirmed before the machine was booted"
		    : "not confirmed in time"
		  : "the agent ended in the middle of it",
	    NULL, e);
out:
	record_clear(&rec);
	run_status_clear(&s);
	return r;
}

/* WATCH_*: what is to be done about it, as it stands. */
static int
judge(const char *dir, struct err *e)
{
	struct run_status s = {0};
	struct record rec = {0};
	int r;

	if ((r = run_status_read(dir, &s, e)) != 0)
		return r;
	if (run_is_finished(s.stands))
		r = WATCH_OVER;
	else if (s.stands != STANDS_UNCONFIRMED)
		r = WATCH_UNDO;
	else if ((r = record_read(dir, &rec, e)) == 0)
		r = run_is_overdue(&s, rec.within) ? WATCH_UNDO : WATCH_AGAIN;
	record_clear(&rec);
	run_status_clear(&s);
	return r;
}

int
arm_look(struct host *h, const char *state_dir, uint64_t number, struct err *e)
{
	char *dir;
	int lock = -1, r;

	if (runs_path(state_dir, number, &dir) != 0)
		return err_nomem(e);
	if ((r = judge(dir, e)) != WATCH_UNDO)
		goto out;
	/* Who writes holds the lock: that it is free says that he died, or that
	   he came to an end just now. */
	if ((r = runs_lock(state_dir, &lock, NULL)) != 0)
		r = r == ERR_BUSY ? WATCH_AGAIN
				  : err_set(e, r, "%s: lock it", state_dir);
	else if ((r = judge(dir, e)) == WATCH_UNDO)
		r = undo_locked(h, dir, 0, e) == 0 ? WATCH_OVER : WATCH_AGAIN;
out:
	if (lock != -1)
		(void)close(lock);
	free(dir);
	return r;
}

/* The newest run, its directory, and the lock. */
static int
newest_locked(const char *state_dir, uint64_t *number, char **dir, int *lock,
    struct err *e)
{
	int r;

	*dir = NULL;
	*lock = -1;
	if ((r = runs_newest(state_dir, number, e)) != 0 || *number == 0)
		return r;
	if (runs_path(state_dir, *number, dir) != 0)
		return err_nomem(e);
	return runs_lock(state_dir, lock, e);
}

int
arm_boot(struct host *h, const char *state_dir, uint64_t *undone, struct err *e)
{
	struct run_status s = {0};
	uint64_t number = 0;
	char *dir;
	int lock, r;

	*undone = 0;
	r = newest_locked(state_dir, &number, &dir, &lock, e);
	if (r == 0 && number != 0 && (r = run_status_read(dir, &s, e)) == 0 &&
	    !run_is_finished(s.stands)) {
		r = undo_locked(h, dir, UNDO_QUIET, e);
		*undone = number;
	}
	run_status_clear(&s);
	if (lock != -1)
		(void)close(lock);
	free(dir);
	return r;
}

static int
confirm(struct host *h, const char *dir, const struct run_status *s, int pid,
    bool any_login, struct err *e)
{
	struct record rec = {0};
	int r;

	if (s->stands != STANDS_UNCONFIRMED)
		return err_set(e, ERR_NOTFOUND, "no run waits to be confirmed");
	if ((r = record_read(dir, &rec, e)) != 0)
		return r;
	if (run_is_overdue(s, rec.within))
		r = err_set(e, ERR_EXPIRED,
		    "too late: run %" PRIu64 " is being undone", rec.number);
	else if (!any_login)
		r = login_is_newer(h, pid, s->up_ms, e);
	if (r == 0)
		r = run_status_write(dir, STANDS_CONFIRMED, host_now(h), NULL,
		    e);
	if (r == 0)
		(void)undo_forget(h, dir, NULL);
	record_clear(&rec);
	return r;
}

int
arm_confirm(struct host *h, const char *state_dir, int pid, bool any_login,
    uint64_t *number, struct err *e)
{
	struct run_status s = {0};
	uint64_t n = 0;
	char *dir;
	int lock, r;

	r = newest_locked(state_dir, &n, &dir, &lock, e);
	if (r == 0 && n == 0)
		r = err_set(e, ERR_NOTFOUND, "no run waits to be confirmed");
	if (r == 0 && (r = run_status_read(dir, &s, e)) == 0 &&
	    (r = confirm(h, dir, &s, pid, any_login, e)) == 0)
		*number = n;
	run_status_clear(&s);
	if (lock != -1)
		(void)close(lock);
	free(dir);
	return r;
}
