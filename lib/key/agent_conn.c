/* SPDX-License-Identifier: ISC */
/* Talking with an ssh-agent: frames, their bounds, their time. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/key/key_impl.h"

/* Until the socket is ready or the time is over. */
static int
wait_for(int fd, short events, int64_t deadline, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left;
	int n;

	do {
		left = deadline - clock_mono_ms();
		errno = 0;
		if (left <= 0)
			return err_set(e, ERR_NET, "the ssh-agent is too slow");
		n = poll(&p, 1, (int)left);
	} while (n == 0 || (n == -1 && errno == EINTR));
	return n > 0 ? 0 : err_set(e, ERR_NET, "wait for the ssh-agent");
}

static int
send_all(int fd, struct slice s, int64_t deadline, struct err *e)
{
	ssize_t n;
	int r;

	while (s.n > 0) {
		n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			s = slice_of(s.p + n, s.n - (size_t)n);
			continue;
		}
		if (errno == EAGAIN) {
			if ((r = wait_for(fd, POLLOUT, deadline, e)) != 0)
				return r;
		} else if (errno != EINTR) {
			return err_set(e, ERR_NET, "send to the ssh-agent: %s",
			    strerror(errno));
		}
	}
	return 0;
}

static int
recv_all(int fd, uint8_t *p, size_t want, int64_t deadline, struct err *e)
{
	ssize_t n;
	int r;

	while (want > 0) {
		n = recv(fd, p, want, MSG_DONTWAIT);
		if (n > 0) {
			p += n;
			want -= (size_t)n;
			continue;
		}
		if (n == 0)
			return err_set(e, ERR_NET,
			    "the ssh-agent closed the connection");
		if (errno == EAGAIN) {
			if ((r = wait_for(fd, POLLIN, deadline, e)) != 0)
				return r;
		} else if (errno != EINTR) {
			return err_set(e, ERR_NET,
			    "receive from the ssh-agent: %s", strerror(errno));
		}
	}
	return 0;
}

static int
recv_frame(int fd, int64_t deadline, struct buf *b, struct err *e)
{
	uint8_t head[4], *body = NULL;
	struct view v = view_of(head, sizeof(head));
	uint32_t n;
	int r;

	if ((r = recv_all(fd, head, sizeof(head), deadline, e)) != 0 ||
	    (r = view_get_u32(&v, &n)) != 0)
		return r;
	if (n == 0 || n > AGENT_FRAME_MAX)
		return err_set(e, ERR_LIMIT,
		    "the ssh-agent sent a frame of %u bytes, expected 1 to %d",
		    n, AGENT_FRAME_MAX);
	buf_reset(b);
	if (buf_reserve(b, n, &body) != 0)
		return err_nomem(e);
	return recv_all(fd, body, n, deadline, e);
}

/*
 * Ask and get the answer's body, after its type.  AGENT_FAILURE is ERR_DENIED
 * and leaves the connection as it is; everything else that is not `want` ends
 * it, since nobody knows then what the next bytes belong to.
 */
int
agent_call(int *fd, const struct buf *ask, uint8_t want, int ms, struct buf *b,
    struct view *answer, struct err *e)
{
	int64_t deadline = clock_mono_ms() + ms;
	uint8_t type = 0;
	int r;

	if (*fd == -1)
		return err_set(e, ERR_NET,
		    "the connection to the ssh-agent was given up before");
	if ((r = send_all(*fd, buf_slice(ask), deadline, e)) != 0 ||
	    (r = recv_frame(*fd, deadline, b, e)) != 0)
		goto lost;
	*answer = view_slice(buf_slice(b));
	if ((r = view_get_u8(answer, &type)) != 0)
		goto lost;
	if (type == want)
		return 0;
	if (type == AGENT_FAILURE)
		return err_set(e, ERR_DENIED, "the ssh-agent refused");
	r = err_set(e, ERR_NET,
	    "the ssh-agent answered with message %u, expected %u", type, want);
lost:
	close(*fd);
	*fd = -1;
	return r;
}

int
agent_malformed(struct err *e)
{
	return err_set(e, ERR_NET, "malformed answer of the ssh-agent");
}

int
agent_dial(const char *sock, int ms, int *out, struct err *e)
{
	/* An agent that hangs takes as many as its queue has room for, and what
	 * was given up before is still in there; connect() waits for the rest. */
	const struct timeval most = {
	    .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t n;
	int fd, r;

	if (sock == NULL)
		sock = getenv("SSH_AUTH_SOCK");
	if (sock == NULL || *sock == '\0')
		return err_set(e, ERR_NET,
		    "no ssh-agent: SSH_AUTH_SOCK is not set");
	n = strlen(sock);
	if (n >= sizeof(sun.sun_path))
		return err_set(e, ERR_LIMIT,
		    "the path of the ssh-agent's socket has %zu bytes, "
		    "expected at most %zu",
		    n, sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, sock, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "make a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) != 0)
		r = err_sys(e, "set the time limit of a socket");
	else if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		r = 0;
	else if (errno == EAGAIN)
		r = err_set(e, ERR_NET,
		    "the ssh-agent at %s is too slow to take a connection",
		    sock);
	else
		r = err_set(e, ERR_NET, "connect to the ssh-agent at %s: %s",
		    sock, strerror(errno));
	if (r == 0)
		*out = fd;
	else
		close(fd);
	return r;
}
