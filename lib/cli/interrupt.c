/* SPDX-License-Identifier: ISC */
#include "lib/cli/interrupt.h"

#include <sys/signalfd.h>
#include <unistd.h>

int
interrupt_catch(struct interrupt *x, struct err *e)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, &x->before);
	x->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (x->fd != -1)
		return 0;
	r = err_sys(e, "signalfd");
	(void)sigprocmask(SIG_SETMASK, &x->before, NULL);
	return r;
}

void
interrupt_release(struct interrupt *x)
{
	struct signalfd_siginfo info;

	if (x->fd == -1)
		return;
	/* Taken: it meant the waiting, not the program. */
	while (read(x->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		continue;
	(void)close(x->fd);
	x->fd = -1;
	(void)sigprocmask(SIG_SETMASK, &x->before, NULL);
}
