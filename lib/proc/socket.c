/* SPDX-License-Identifier: ISC */
#include "lib/proc/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/str.h"

#define PASSED_FIRST 3 /* SD_LISTEN_FDS_START */
#define BACKLOG      128

/* --- passed by whoever started us ----------------------------------------- */

static bool
is_listening(int fd)
{
	int on = 0;
	socklen_t n = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

static int
set_flags(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return err_sys(e, "set the flags of descriptor %d", fd);
	return 0;
}

/* The place of name among names joined by colons, from the nth place on; -1: not
 * there. */
static int
place_of(const char *names, const char *name, int nth)
{
	size_t len = strlen(name), part;

	for (int i = 0;; i++) {
		part = strcspn(names, ":");
		if (i >= nth && part == len && strncmp(names, name, len) == 0)
			return i;
		if (names[part] == '\0')
			return -1;
		names += part + 1;
	}
}

/* As place_of(), of the sockets that were passed to this very process. */
static int
passed_place(const char *name, int nth)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	uint64_t for_pid, n;
	int at;

	if (pid == NULL || count == NULL || names == NULL ||
	    parse_u64(pid, 1, INT_MAX, &for_pid) != 0 ||
	    for_pid != (uint64_t)getpid() || parse_u64(count, 1, 1024, &n) != 0)
		return -1;
	at = place_of(names, name, nth);
	return at >= 0 && (uint64_t)at < n ? at : -1;
}

int
socket_passed_all(const char *name, int *fds, size_t max, size_t *n,
    struct err *e)
{
	size_t found = 0;
	int at = -1, r;

	while ((at = passed_place(name, at + 1)) != -1) {
		if (found == max)
			return err_set(e, ERR_LIMIT,
			    "more than %zu sockets '%s' were passed", max,
			    name);
		if (!is_listening(PASSED_FIRST + at))
			return err_set(e, ERR_SYS,
			    "what was passed as '%s' is not a listening socket",
			    name);
		if ((r = set_flags(PASSED_FIRST + at, e)) != 0)
			return r;
		fds[found++] = PASSED_FIRST + at;
	}
	if (found == 0)
		return err_set(e, ERR_NOTFOUND,
		    "no socket '%s' was passed (LISTEN_FDS)", name);
	*n = found;
	return 0;
}

int
socket_passed(const char *name, int *fd, struct err *e)
{
	size_t n;

	return socket_passed_all(name, fd, 1, &n, e);
}

/* --- by path -------------------------------------------------------------- */

static int
address_of(const char *path, struct sockaddr_un *out, struct err *e)
{
	char quoted[QUOTE_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(out->sun_path))
		return err_set(e, ERR_LIMIT,
		    "socket %s: the path has %zu bytes, expected at most %zu",
		    str_quote(quoted, path), n, sizeof(out->sun_path) - 1);
	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	memcpy(out->sun_path, path, n);
	return 0;
}

static int
stream_socket(int *fd, struct err *e)
{
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *fd == -1 ? err_sys(e, "make a socket") : 0;
}

static int
connect_to(int fd, const struct sockaddr_un *to)
{
	int r;

	do
		r = connect(fd, (const struct sockaddr *)to, sizeof(*to));
	while (r == -1 && errno == EINTR);
	return r;
}

int
socket_connect(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un to;
	char quoted[QUOTE_MAX], why[128];
	int s = -1, r;

	if ((r = address_of(path, &to, e)) != 0 ||
	    (r = stream_socket(&s, e)) != 0)
		return r;
	if (connect_to(s, &to) == 0) {
		*fd = s;
		return 0;
	}
	str_quote(quoted, path);
	if (errno == ENOENT || errno == ECONNREFUSED)
		r = err_set(e, ERR_NET, "nobody listens on %s", quoted);
	else if (errno == EAGAIN)
		r = err_set(e, ERR_NET, "connect to %s: %s", quoted,
		    strerror_r(errno, why, sizeof(why)));
	else
		r = err_sys(e, "connect to %s", quoted);
	close(s);
	return r;
}

/*
 * Open the directory of path, which must be ours or root's and shut to others:
 * modes of sockets alone do not keep everybody out on every system.
 */
static int
open_dir(const char *path, int *dir, struct err *e)
{
	char *name = str_dup(path), *slash, quoted[QUOTE_MAX];
	const char *where = ".";
	struct stat st;
	int fd = -1, r = 0;

	if (name == NULL)
		return err_nomem(e);
	if ((slash = strrchr(name, '/')) != NULL) {
		where = slash == name ? "/" : name;
		slash[slash == name ? 1 : 0] = '\0';
	}
	str_quote(quoted, where);
	fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) != 0)
		r = err_sys(e, "open directory %s", quoted);
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		r = err_set(e, ERR_DENIED, "directory %s belongs to user %u",
		    quoted, (unsigned)st.st_uid);
	else if ((st.st_mode & 077) != 0)
		r = err_set(e, ERR_DENIED,
		    "directory %s has mode %04o, expected 0700", quoted,
		    (unsigned)st.st_mode & 07777);
	if (r == 0)
		*dir = fd;
	else if (fd != -1)
		close(fd);
	free(name);
	return r;
}

/* What is left of a listener that ended; anything but a socket stays. */
static int
remove_stale(const char *path, const struct sockaddr_un *at, struct err *e)
{
	char quoted[QUOTE_MAX];
	struct stat st;
	int probe, r;

	str_quote(quoted, path);
	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : err_sys(e, "look at %s", quoted);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_DENIED, "%s is not a socket", quoted);
	if ((r = stream_socket(&probe, e)) != 0)
		return r;
	r = connect_to(probe, at);
	/* A listener without room for one more is one too. */
	if (r == 0 || errno != ECONNREFUSED)
		r = err_set(e, ERR_BUSY, "another process listens on %s",
		    quoted);
	else if ((r = unlink(path)) != 0)
		r = err_sys(e, "remove %s", quoted);
	close(probe);
	return r;
}

int
socket_listen(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un at;
	char quoted[QUOTE_MAX];
	int s = -1, dir = -1, r;

	if ((r = address_of(path, &at, e)) != 0 ||
	    (r = open_dir(path, &dir, e)) != 0)
		return r;
	/* Two that start at a time must not remove each other's. */
	if (flock(dir, LOCK_EX) != 0) {
		r = err_sys(e, "lock the directory of %s",
		    str_quote(quoted, path));
		goto out;
	}
	if ((r = remove_stale(path, &at, e)) != 0 ||
	    (r = stream_socket(&s, e)) != 0)
		goto out;
	/* The mode of an unbound socket is that of its file to come. */
	if (fchmod(s, 0600) != 0 ||
	    bind(s, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(s, BACKLOG) != 0) {
		r = err_sys(e, "listen on %s", str_quote(quoted, path));
		goto out;
	}
	*fd = s;
	s = -1;
out:
	if (s != -1)
		close(s);
	close(dir);
	return r;
}

int
socket_accept(int fd, int *out, struct err *e)
{
	int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (s == -1 &&
	    (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
		return 1;
	if (s == -1)
		return err_sys(e, "accept a connection");
	*out = s;
	return 0;
}

int
socket_check_peer(int fd, uid_t uid, struct err *e)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return err_sys(e, "ask who is at the other end");
	if (peer.uid != uid && peer.uid != 0 && peer.uid != geteuid())
		return err_set(e, ERR_DENIED,
		    "process %d at the other end runs as user %u, expected %u",
		    (int)peer.pid, (unsigned)peer.uid, (unsigned)uid);
	return 0;
}

/* --- systemd -------------------------------------------------------------- */

static struct {
	bool tried;
	int fd; /* -1: nobody wants to know */
} notify = {.fd = -1};

void
service_notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (notify.tried)
		return;
	notify.tried = true;
	if (n < 2 || n >= sizeof(to.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return;
	if (connect(fd, (const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0)
		notify.fd = fd;
	else
		close(fd);
}

void
service_notify(const char *state)
{
	char text[512];
	struct timespec now;
	int n, saved = errno;

	service_notify_open();
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	/* Type=notify-reload wants to know since when. */
	if (strcmp(state, "RELOADING=1") == 0)
		n = snprintf(text, sizeof(text), "%s\nMONOTONIC_USEC=%jd",
		    state, (intmax_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	else
		n = snprintf(text, sizeof(text), "%s", state);
	if (notify.fd != -1 && n > 0 && (size_t)n < sizeof(text))
		(void)send(notify.fd, text, (size_t)n, MSG_NOSIGNAL);
	errno = saved;
}
