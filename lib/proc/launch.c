/* SPDX-License-Identifier: ISC */
#include "lib/proc/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/proc/self.h"
#include "lib/proc/socket.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

void
launch_init(struct launch *l, const struct launch_service *s, const char *dir)
{
	memset(l, 0, sizeof(*l));
	l->s = s;
	l->dir = dir;
	memset(l->fds, -1, sizeof(l->fds));
	l->ready = -1;
}

void
launch_clear(struct launch *l)
{
	for (int i = 0; i < (int)l->s->n; i++)
		for (size_t j = 0; j < l->s->programs[i].n_sockets; j++) {
			const char *dir = l->runtime;
			char *path = NULL;

			if (l->fds[i][j] == -1)
				continue;
			close(l->fds[i][j]);
			/* Nobody will answer there any more. */
			if (path_joinf(&path, "%s/%s.sock", dir,
				l->s->programs[i].sockets[j].name) == 0)
				(void)unlink(path);
			free(path);
		}
	if (l->ready != -1)
		close(l->ready);
	free(l->where);
	launch_init(l, l->s, l->dir);
}

/* --- programs ------------------------------------------------------------- */

static bool
has_programs(const struct launch *l, const char *dir)
{
	bool all = true;

	for (int i = 0; i < (int)l->s->n && all; i++) {
		char *path = NULL;

		all = path_join(dir, l->s->programs[i].name, &path) == 0 &&
		    access(path, X_OK) == 0;
		free(path);
	}
	return all;
}

/* Beside our own binary, as they are built; or in libexec, as installed. */
static int
find_programs(struct launch *l, struct err *e)
{
	char *beside = NULL;
	int r;

	if ((r = self_dir(&beside, e)) != 0)
		return r;
	if (has_programs(l, beside)) {
		l->where = beside;
		return 0;
	}
	if (path_join(beside, SELF_LIBEXEC, &l->where) != 0)
		r = err_nomem(e);
	else if (!has_programs(l, l->where))
		r = err_set(e, ERR_NOTFOUND, "%s are neither in %s nor in %s",
		    l->s->all, beside, l->where);
	free(beside);
	return r;
}

/* --- sockets ---------------------------------------------------------------
 */

static int
give_to(const struct launch *l, const char *path, int which, struct err *e)
{
	const char *user = l->users[which];
	const struct passwd *pw;

	if (user == NULL)
		return 0;
	if ((pw = getpwnam(user)) == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "%s: no user '%s' of 'users' is on this machine",
		    l->s->config_name, user);
	if (chown(path, pw->pw_uid, (gid_t)-1) != 0)
		return err_sys(e, "give %s to %s", path, user);
	return 0;
}

static int
runs_already(const struct launch *l, const char *path, struct err *e)
{
	(void)err_set(e, ERR_BUSY,
	    "a service of this directory runs already (%s answers)", path);
	err_hint(e, "%s status -C %s", l->s->name, l->dir);
	return ERR_BUSY;
}

static int
bind_one(struct launch *l, int i, size_t j, struct err *e)
{
	const struct launch_socket *s = &l->s->programs[i].sockets[j];
	char *path = NULL;
	int r;

	if (path_joinf(&path, "%s/%s.sock", l->runtime, s->name) != 0)
		return err_nomem(e);
	if ((r = socket_listen(path, &l->fds[i][j], e)) == ERR_BUSY)
		r = runs_already(l, path, e);
	/* To connect one needs to write: only its client's user can. */
	if (r == 0 && geteuid() == 0 && s->client != -1)
		r = give_to(l, path, s->client, e);
	free(path);
	return r;
}

/* Asked before the directory is touched: those who run need it as it is. */
static int
check_alone(const struct launch *l, struct err *e)
{
	char *path = NULL;
	int fd = -1, r = 0;

	if (path_joinf(&path, "%s/%s.sock", l->runtime, l->s->alone) != 0)
		return err_nomem(e);
	if (socket_connect(path, &fd, NULL) == 0) {
		(void)close(fd);
		r = runs_already(l, path, e);
	}
	free(path);
	return r;
}

static int
bind_all(struct launch *l, struct err *e)
{
	const char *dir = l->runtime;
	int r;

	if ((r = check_alone(l, e)) != 0 ||
	    (r = file_mkdirs(dir, 0700, e)) != 0)
		return r;
	if (chmod(dir, 0700) != 0)
		return err_sys(e, "%s", dir);
	for (int i = 0; i < (int)l->s->n; i++)
		for (size_t j = 0; j < l->s->programs[i].n_sockets; j++)
			if ((r = bind_one(l, i, j, e)) != 0)
				return r;
	/* As root the clients are other users, who must pass through it. */
	if (geteuid() == 0 && chmod(dir, 0711) != 0)
		return err_sys(e, "%s", dir);
	return 0;
}

/*
 * An abstract socket: children that have become somebody else, in a sandbox,
 * can reach no file.  Who speaks is known by what the kernel says of him.
 */
static int
open_ready(struct launch *l, struct err *e)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	uint8_t unique[8];
	char hex[2 * sizeof(unique) + 1];
	int n, on = 1;

	if (getrandom(unique, sizeof(unique), 0) != sizeof(unique))
		return err_sys(e, "random bytes");
	hex_encode(unique, sizeof(unique), hex);
	(void)snprintf(l->ready_name, sizeof(l->ready_name), "@%s-%s",
	    l->s->name, hex);
	n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s",
	    l->ready_name + 1);
	l->ready =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->ready == -1 ||
	    bind(l->ready, (const struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
		    (socklen_t)n) != 0 ||
	    setsockopt(l->ready, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
		return err_sys(e, "make a socket");
	return 0;
}

int
launch_open(struct launch *l, struct err *e)
{
	int r;

	if ((r = find_programs(l, e)) != 0 || (r = bind_all(l, e)) != 0)
		return r;
	return open_ready(l, e);
}

bool
launch_next_ready(struct launch *l, pid_t *pid)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char text[512];
	struct iovec v = {text, sizeof(text) - 1};
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	struct ucred who;
	ssize_t n;

	while ((n = recvmsg(l->ready, &m, MSG_CMSG_CLOEXEC)) >= 0) {
		text[n] = '\0';
		c = CMSG_FIRSTHDR(&m);
		if (c != NULL && c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_CREDENTIALS &&
		    (strncmp(text, "READY=1", 7) == 0 ||
			strstr(text, "\nREADY=1") != NULL)) {
			memcpy(&who, CMSG_DATA(c), sizeof(who));
			*pid = who.pid;
			return true;
		}
		m.msg_controllen = sizeof(control);
	}
	return false;
}

/* --- starting one --------------------------------------------------------- */

/* Credentials of buckets are for who has the log. */
static void
drop_secrets(const struct launch_program *p)
{
	static const char *const secrets[] = {
	    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (!p->secrets)
			(void)unsetenv(secrets[i]);
}

static void
set_environment(const struct launch *l, int which)
{
	const struct launch_program *p = &l->s->programs[which];
	char pid[24], n[24], names[128] = "";
	size_t at = 0;

	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	(void)snprintf(n, sizeof(n), "%zu", p->n_sockets);
	for (size_t i = 0; i < p->n_sockets; i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
		    i > 0 ? ":" : "", p->sockets[i].name);
	drop_secrets(p);
	(void)setenv("NOTIFY_SOCKET", l->ready_name, 1);
	if (p->n_sockets == 0) {
		(void)unsetenv("LISTEN_PID");
		(void)unsetenv("LISTEN_FDS");
		(void)unsetenv("LISTEN_FDNAMES");
		return;
	}
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", n, 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
}

/* Ours become 3 and up: first out of the way of each other, then there. */
static int
place_sockets(const struct launch *l, int which)
{
	size_t n = l->s->programs[which].n_sockets;
	int high[LAUNCH_SOCKETS_MAX];

	for (size_t i = 0; i < n; i++)
		if ((high[i] = fcntl(l->fds[which][i], F_DUPFD_CLOEXEC, 64)) ==
		    -1)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (dup2(high[i], FIRST_FD + (int)i) == -1)
			return -1;
	return (int)syscall(SYS_close_range, (unsigned)(FIRST_FD + n), ~0U, 0U);
}

static void __attribute__((noreturn))
child_main(const struct launch *l, int which, pid_t parent)
{
	const char *name = l->s->programs[which].name;
	char *path = NULL;
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	/* Whatever kills us must leave nothing that holds a lock or a key. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	set_environment(l, which);
	if (null != -1 && dup2(null, 0) != -1 &&
	    path_join(l->where, name, &path) == 0 &&
	    place_sockets(l, which) == 0)
		(void)execl(path, name, "-C", l->dir, (char *)NULL);
	fprintf(stderr, "%s: start %s: %s\n", l->s->name, name,
	    strerror(errno));
	_exit(127);
}

int
launch_start(struct launch *l, int which, pid_t *pid, struct err *e)
{
	pid_t parent = getpid(), p = fork();

	if (p == -1)
		return err_sys(e, "start %s", l->s->programs[which].name);
	if (p == 0)
		child_main(l, which, parent);
	*pid = p;
	return 0;
}
