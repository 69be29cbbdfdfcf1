/* SPDX-License-Identifier: ISC */
#include "lib/keeper/open.h"

#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/proc/socket.h"

int
keeper_user(const char *file, const char *name, uid_t *out, struct err *e)
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
keeper_listen(const char *runtime, const char *name, int *fd, struct err *e)
{
	char *path = NULL;
	int r;

	if ((r = socket_passed(name, fd, e)) != ERR_NOTFOUND)
		return r;
	if (path_joinf(&path, "%s/%s.sock", runtime, name) != 0)
		return err_nomem(e);
	if ((r = file_mkdirs(runtime, 0700, e)) == 0)
		r = socket_listen(path, fd, e);
	free(path);
	return r;
}

int
keeper_signals(int *signals, int *wake, struct err *e)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
	    (*signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return err_sys(e, "signals");
	if ((*wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return err_sys(e, "eventfd");
	return 0;
}
