/* SPDX-License-Identifier: ISC */
#include "lib/proc/supervise.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define BACKOFF_MS     100 /* before the first restart, then doubled */
#define BACKOFF_MAX_MS 1000
#define KILLED_MAX     5     /* times, before it was ever ready */
#define STEADY_MS      10000 /* whoever lived so long starts afresh */
#define STOP_MS        10000 /* then a process that does not end is killed */

struct process {
	pid_t pid;       /* 0: not running */
	bool ready;      /* it said so, since it was started */
	bool was_ready;  /* ever */
	unsigned killed; /* by a signal, before that */
	int64_t started_ms;
	int64_t start_at_ms; /* when not running */
	int64_t backoff_ms;
	int64_t kill_at_ms; /* 0: not asked to end */
};

struct runner {
	struct launch *launch;
	const struct supervise_ops *ops;
	struct process p[LAUNCH_PROGRAMS_MAX];
	int signals;
	bool stopping;
	bool told;  /* that all are ready */
	int status; /* of ours in the end */
};

static const char *
name_of(const struct runner *u, int i)
{
	return u->launch->s->programs[i].name;
}

/* --- starting and ending -------------------------------------------------- */

static void
start(struct runner *u, int i)
{
	struct process *p = &u->p[i];
	struct err e = {0};

	p->started_ms = clock_mono_ms();
	p->ready = false;
	if (launch_start(u->launch, i, &p->pid, &e) == 0)
		return;
	plog_err(PLOG_ERR, &e, "process not started", NULL);
	p->pid = 0;
	p->start_at_ms = p->started_ms + BACKOFF_MAX_MS;
}

static void
ask_to_end(struct process *p)
{
	if (p->pid == 0 || p->kill_at_ms != 0)
		return;
	(void)kill(p->pid, SIGTERM);
	p->kill_at_ms = clock_mono_ms() + STOP_MS;
}

/* The first round that has somebody left: the front, so that nobody new comes in;
 * whom it needs, later. */
static void
stop_next(struct runner *u)
{
	const struct launch_program *programs = u->launch->s->programs;
	unsigned round = UINT_MAX;

	for (int i = 0; i < (int)u->launch->s->n; i++)
		if (u->p[i].pid != 0 && programs[i].round < round)
			round = programs[i].round;
	for (int i = 0; i < (int)u->launch->s->n; i++)
		if (programs[i].round == round)
			ask_to_end(&u->p[i]);
}

static void
stop(struct runner *u, int status)
{
	if (!u->stopping)
		service_notify("STOPPING=1");
	u->stopping = true;
	if (status != 0)
		u->status = status;
	stop_next(u);
}

static bool
any_left(const struct runner *u)
{
	for (int i = 0; i < (int)u->launch->s->n; i++)
		if (u->p[i].pid != 0)
			return true;
	return false;
}

/* --- what happened -------------------------------------------------------- */

static void
describe(int status, char out[64])
{
	if (WIFSIGNALED(status))
		(void)snprintf(out, 64, "signal %d", WTERMSIG(status));
	else
		(void)snprintf(out, 64, "exit status %d", WEXITSTATUS(status));
}

static void
plan_restart(struct process *p, bool clean)
{
	int64_t now = clock_mono_ms();

	if (clean || now - p->started_ms >= STEADY_MS)
		p->backoff_ms = 0;
	p->start_at_ms = now + p->backoff_ms;
	p->backoff_ms = p->backoff_ms == 0 ? BACKOFF_MS : 2 * p->backoff_ms;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
}

/*
 * One that was never ready and exits has a fault that no repetition mends: a
 * port in use, a key that is not the policy's.  Its own line says which.  Being
 * killed is no such fault, unless it happens each time.
 */
static bool
cannot_start(struct process *p, int status)
{
	return WIFEXITED(status) || ++p->killed >= KILLED_MAX;
}

static void
has_ended(struct runner *u, int i, int status)
{
	struct process *p = &u->p[i];
	char how[64];

	describe(status, how);
	p->pid = 0;
	p->kill_at_ms = 0;
	if (u->stopping) {
		stop_next(u);
		return;
	}
	if (!p->was_ready && cannot_start(p, status)) {
		plog(PLOG_ERR, "a process cannot start", "process",
		    name_of(u, i), "how", how, NULL);
		stop(u,
		    WIFEXITED(status) && WEXITSTATUS(status) != 0
			? WEXITSTATUS(status)
			: SUPERVISE_KILLED);
		return;
	}
	plog(status == 0 ? PLOG_INFO : PLOG_ERR, "a process ended", "process",
	    name_of(u, i), "how", how, NULL);
	plan_restart(p, status == 0);
}

static void
reap(struct runner *u)
{
	int status;
	pid_t pid;

	/* We adopt what our children leave behind: reaped, and no more. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < (int)u->launch->s->n; i++)
			if (u->p[i].pid == pid)
				has_ended(u, i, status);
}

static void
take_ready(struct runner *u)
{
	bool all = true;
	pid_t pid;

	while (launch_next_ready(u->launch, &pid))
		for (int i = 0; i < (int)u->launch->s->n; i++)
			if (u->p[i].pid == pid)
				u->p[i].ready = u->p[i].was_ready = true;
	for (int i = 0; i < (int)u->launch->s->n; i++)
		all = all && u->p[i].ready;
	if (!all || u->told)
		return;
	u->told = true;
	plog(PLOG_INFO, "the service is ready", NULL);
	service_notify("READY=1");
}

static void
take_signal(struct runner *u)
{
	struct signalfd_siginfo si;

	if (read(u->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGCHLD) {
		/* What it said last comes before what became of it. */
		take_ready(u);
		reap(u);
	} else if (si.ssi_signo == SIGHUP) {
		for (int i = 0; i < (int)u->launch->s->n && !u->stopping; i++)
			if (u->p[i].pid != 0 &&
			    (u->ops->may_reload == NULL ||
				u->ops->may_reload(u->ops->ctx, i)))
				(void)kill(u->p[i].pid, SIGHUP);
	} else {
		stop(u, 0);
	}
}

/* --- time ----------------------------------------------------------------- */

/* Does what is due; milliseconds until the next thing is, -1: nothing is. */
static int
keep_time(struct runner *u)
{
	int64_t now = clock_mono_ms(), next = INT64_MAX;

	for (int i = 0; i < (int)u->launch->s->n; i++) {
		struct process *p = &u->p[i];
		int64_t at = INT64_MAX;

		if (p->pid == 0 && !u->stopping)
			at = p->start_at_ms;
		else if (p->pid != 0 && p->kill_at_ms != 0)
			at = p->kill_at_ms;
		if (at <= now && p->pid == 0) {
			start(u, i);
			continue;
		}
		if (at <= now) {
			plog(PLOG_ERR, "a process does not end: killed",
			    "process", name_of(u, i), NULL);
			(void)kill(p->pid, SIGKILL);
			p->kill_at_ms = at = now + STOP_MS;
		}
		if (at < next)
			next = at;
	}
	return next == INT64_MAX ? -1 : (int)(next - now);
}

static int
open_signals(struct runner *u, struct err *e)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (u->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		return err_sys(e, "take signals");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return err_sys(e, "adopt children");
	return 0;
}

/* What processes that are gone left behind, by whatever way, and is ours now. */
static void
end_orphans(void)
{
	char path[64], *text = NULL, *p, *end;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/children",
	    (long)getpid());
	if (file_read(path, 65536, &text, &n, NULL) == 0)
		for (p = text; *p != '\0'; p = end) {
			long pid = strtol(p, &end, 10);

			if (end == p)
				break;
			(void)kill((pid_t)pid, SIGKILL);
			(void)waitpid((pid_t)pid, NULL, 0);
			while (*end == ' ')
				end++;
		}
	free(text);
}

static int
run_loop(struct runner *u, struct err *e)
{
	while (!u->stopping || any_left(u)) {
		struct pollfd fds[] = {{.fd = u->signals, .events = POLLIN},
		    {.fd = u->launch->ready, .events = POLLIN}};
		int wait = keep_time(u);

		if (poll(fds, 2, wait) == -1 && errno != EINTR)
			return err_sys(e, "poll");
		if (fds[1].revents != 0)
			take_ready(u);
		if (fds[0].revents != 0)
			take_signal(u);
	}
	return 0;
}

int
supervise(struct launch *l, const struct supervise_ops *ops, int *status,
    struct err *e)
{
	struct runner u = {.launch = l, .ops = ops, .signals = -1};
	int r;

	if ((r = open_signals(&u, e)) == 0)
		r = run_loop(&u, e);
	end_orphans();
	if (u.signals != -1)
		close(u.signals);
	*status = u.status;
	return r;
}
