/* SPDX-License-Identifier: ISC */
#include "lib/proc/service.h"

#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/socket.h"

int
service_user(const char *file, const char *name, uid_t *out, struct err *e)
{
	const struct passwd *p;

	*out = getuid();
	if (name == NULL || name[0] == '\0')
		return 0;
	if ((p = getpwnam(name)) == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "%s: there is no user '%s' on this machine", file, name);
	*out = p->pw_uid;
	return 0;
}

int
service_listen(const char *runtime, const char *name, int *fd, struct err *e)
{
	struct err passed = {0};
	char *path = NULL;
	int r;

	if ((r = socket_passed(name, fd, &passed)) != ERR_NOTFOUND) {
		if (r != 0 && e != NULL)
			*e = passed;
		return r;
	}
	if (path_joinf(&path, "%s/%s.sock", runtime, name) != 0)
		return err_nomem(e);
	if ((r = file_mkdirs(runtime, 0700, e)) == 0)
		r = socket_listen(path, fd, e);
	free(path);
	return r;
}

int
service_signals(bool reloads, int *fd, struct err *e)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	if (!reloads)
		(void)signal(SIGHUP, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (reloads)
		(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return err_sys(e, "take signals");
	return 0;
}

int
service_wake(int *fd, struct err *e)
{
	if ((*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return err_sys(e, "eventfd");
	return 0;
}

int
service_lock(const char *user, struct err *e)
{
	const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	int r;

	if (geteuid() == 0)
		(void)setrlimit(RLIMIT_MEMLOCK, &all);
	if (user != NULL && geteuid() == 0 &&
	    (r = privileges_drop(user, e)) != 0)
		return r;
	return memory_lock(e);
}

/* --- failing -------------------------------------------------------------- */

static bool
systemd_started_us(void)
{
	const char *text = getenv("SYSTEMD_EXEC_PID");
	uint64_t pid;

	return text != NULL && parse_u64(text, 1, INT32_MAX, &pid) == 0 &&
	    pid == (uint64_t)getpid();
}

void
service_stand(int64_t began_ms)
{
	int64_t left = began_ms + SERVICE_STAND_MS - clock_mono_ms();
	struct timespec t;
	sigset_t none;

	if (left <= 0 || !systemd_started_us())
		return;
	t = (struct timespec){
	    .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
	/* No loop is left that would take them. */
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	(void)sigemptyset(&none);
	(void)ppoll(NULL, 0, &t, &none);
}
