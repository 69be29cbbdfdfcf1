/* SPDX-License-Identifier: ISC */
/*
 * Connections for a process that may make none: a child that was there first.
 * It never leaves dialler_serve(), reads nothing but the bytes that ask, and
 * has no descriptor but its end of the pair.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/front/front.h"
#include "lib/proc/plog.h"
#include "lib/proc/sandbox.h"
#include "lib/proc/socket.h"

#define ASK  'c'
#define HERE 'y'
#define NONE 'n'

union control { /* aligned as the kernel wants it */
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static int
answer(int fd, int passed)
{
	char byte = passed >= 0 ? HERE : NONE;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	union control c = {.room = {0}};
	struct cmsghdr *h;

	if (passed >= 0) {
		m.msg_control = c.room;
		m.msg_controllen = sizeof(c.room);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &passed, sizeof(int));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static void
dialler_serve(const char *path, int fd)
{
	int made;
	ssize_t n;
	char byte;

	for (;;) {
		n = read(fd, &byte, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != 1 || byte != ASK)
			return;
		if (socket_connect(path, &made, NULL) != 0)
			made = -1;
		if (answer(fd, made) != 0)
			return;
		if (made >= 0)
			(void)close(made); /* the other has his own */
	}
}

/*
 * It connects as the front's user, whom the keeper expects; without one the
 * socket is root's, and so must it be.  Then nothing is left to it but local
 * sockets and what it holds.
 */
static int
dialler_seal(const char *user, struct err *e)
{
	const struct sandbox box = {.profile = SANDBOX_DIALLER};
	int r;

	/* It tells nobody that it is ready. */
	(void)unsetenv("NOTIFY_SOCKET");
	if (user != NULL && geteuid() == 0 &&
	    (r = privileges_drop(user, e)) != 0)
		return r;
	return sandbox_enter(&box, e);
}

static void __attribute__((noreturn))
dialler_run(const char *path, const char *user, int fd)
{
	struct err e = {0};

	if (dialler_seal(user, &e) != 0) {
		plog_err(PLOG_ERR, &e, "cannot connect to the keeper", NULL);
		_exit(1);
	}
	dialler_serve(path, fd);
	_exit(0);
}

int
dialler_start(const char *path, const char *user, int *fd, struct err *e)
{
	int fds[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == -1)
		return err_sys(e, "make a pair of sockets");
	if ((pid = fork()) == -1) {
		(void)err_sys(e, "start a process");
		(void)close(fds[0]);
		(void)close(fds[1]);
		return ERR_SYS;
	}
	if (pid == 0) {
		/* Signals of a terminal are for the front, which ends us. */
		(void)setpgid(0, 0);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		(void)close_range(3, (unsigned)fds[1] - 1, 0);
		(void)close_range((unsigned)fds[1] + 1, ~0u, 0);
		dialler_run(path, user, fds[1]);
	}
	(void)close(fds[1]);
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) == -1) {
		(void)err_sys(e, "prepare a socket");
		(void)close(fds[0]);
		return ERR_SYS;
	}
	*fd = fds[0];
	return 0;
}

int
dialler_ask(int fd, struct err *e)
{
	const char byte = ASK;

	if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
		return err_set(e, ERR_NET,
		    "the process that connects to the keeper is gone");
	return 0;
}

int
dialler_take(int fd, int *out, struct err *e)
{
	char byte = 0;
	struct iovec iov = {&byte, 1};
	union control c;
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = c.room,
	    .msg_controllen = sizeof(c.room)};
	const struct cmsghdr *h;

	if (recvmsg(fd, &m, MSG_CMSG_CLOEXEC) != 1)
		return err_set(e, ERR_NET,
		    "the process that connects to the keeper is gone");
	if (byte == NONE)
		return DIALLER_NONE;
	h = CMSG_FIRSTHDR(&m);
	if (byte != HERE || h == NULL || h->cmsg_level != SOL_SOCKET ||
	    h->cmsg_type != SCM_RIGHTS || h->cmsg_len != CMSG_LEN(sizeof(int)))
		return err_set(e, ERR_PARSE,
		    "the process that connects to the keeper says nonsense");
	memcpy(out, CMSG_DATA(h), sizeof(int));
	return 0;
}
