/* SPDX-License-Identifier: ISC */
/*
 * Keys that stay in an ssh-agent (RFC 9987): a security token, an HSM behind
 * PKCS#11, or just a key that was unlocked once.
 *
 * The agent is not trusted to be right: its frames are bounded, its time is
 * bounded, and every signature is verified before anybody sees it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/key/key_impl.h"

enum {
	AGENT_FAILURE = 5,
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
};
#define FLAG_RSA_SHA2_512 4U

struct state {
	int fd; /* -1: given up after an error in the protocol */
	int sign_ms;
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Until the socket is ready or the time is over. */
static int
wait_for(int fd, short events, int64_t deadline, struct err *e)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left;
	int n;

	do {
		left = deadline - now_ms();
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
static int
call(struct state *s, const struct buf *ask, uint8_t want, int ms,
    struct buf *b, struct view *answer, struct err *e)
{
	int64_t deadline = now_ms() + ms;
	uint8_t type = 0;
	int r;

	if (s->fd == -1)
		return err_set(e, ERR_NET,
		    "the connection to the ssh-agent was given up before");
	if ((r = send_all(s->fd, buf_slice(ask), deadline, e)) != 0 ||
	    (r = recv_frame(s->fd, deadline, b, e)) != 0)
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
	close(s->fd);
	s->fd = -1;
	return r;
}

static int
malformed(struct err *e)
{
	return err_set(e, ERR_NET, "malformed answer of the ssh-agent");
}

static int
ask_sign(const struct key *k, struct slice msg, struct buf *b)
{
	struct slice blob = pubkey_blob(k->pub);
	size_t body = 1 + 4 + blob.n + 4 + msg.n + 4;
	int r;

	if (msg.n > AGENT_FRAME_MAX || body > AGENT_FRAME_MAX)
		return ERR_LIMIT;
	if ((r = buf_put_u32(b, (uint32_t)body)) != 0 ||
	    (r = buf_put_u8(b, AGENT_SIGN_REQUEST)) != 0 ||
	    (r = buf_put_string(b, blob.p, blob.n)) != 0 ||
	    (r = buf_put_string(b, msg.p, msg.n)) != 0)
		return r;
	/* Without the flag an agent signs by SHA-1, which nobody accepts. */
	return buf_put_u32(b,
	    pubkey_type(k->pub) == PUBKEY_RSA ? FLAG_RSA_SHA2_512 : 0);
}

static int
take_signature(const struct key *k, struct slice msg, struct view answer,
    struct buf *out, struct err *e)
{
	struct slice sig;
	int r;

	if (view_get_string(&answer, &sig) != 0 || view_end(&answer) != 0)
		return malformed(e);
	r = pubkey_verify(k->pub, k->alg, sig, msg, NULL, e);
	if (r == ERR_NOMEM)
		return r;
	if (r != 0)
		return err_set(e, ERR_CRYPTO,
		    "the ssh-agent's signature is not %s by the key asked for",
		    k->alg);
	if ((r = buf_put_slice(out, sig)) != 0)
		return err_set(e, r, "write a signature: %s", err_text(r));
	return 0;
}

static int
sign(struct key *k, struct slice msg, struct buf *out, struct err *e)
{
	struct state *s = k->state;
	struct buf *ask = NULL, *b = NULL;
	struct view answer;
	int r;

	if ((r = buf_new(&ask, AGENT_FRAME_MAX + 4)) != 0 ||
	    (r = buf_new(&b, AGENT_FRAME_MAX)) != 0 ||
	    (r = ask_sign(k, msg, ask)) != 0) {
		(void)err_set(e, r, "ask the ssh-agent to sign %zu bytes: %s",
		    msg.n, err_text(r));
		goto out;
	}
	r = call(s, ask, AGENT_SIGN_RESPONSE, s->sign_ms, b, &answer, e);
	if (r == 0)
		r = take_signature(k, msg, answer, out, e);
out:
	buf_free(ask);
	buf_free(b);
	return r;
}

static void
release(struct key *k)
{
	struct state *s = k->state;

	if (s != NULL && s->fd != -1)
		close(s->fd);
	free(s);
}

static const struct key_ops agent_ops = {
    .sign = sign,
    .private_put = NULL,
    .free = release,
};

static int
dial(const char *sock, int *out, struct err *e)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t n = strlen(sock);
	int fd, r;

	if (n >= sizeof(sun.sun_path))
		return err_set(e, ERR_LIMIT,
		    "the path of the ssh-agent's socket has %zu bytes, "
		    "expected at most %zu",
		    n, sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, sock, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "make a socket");
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0) {
		r = err_set(e, ERR_NET, "connect to the ssh-agent at %s: %s",
		    sock, strerror(errno));
		close(fd);
		return r;
	}
	*out = fd;
	return 0;
}

/* 0 when the list has which, ERR_NOTFOUND when not. */
static int
find_key(struct view list, const struct pubkey *which, struct err *e)
{
	struct slice blob, comment;
	uint32_t n;
	char fp[FINGERPRINT_MAX];
	bool found = false;

	if (view_get_u32(&list, &n) != 0 || n > AGENT_KEYS_MAX)
		return malformed(e);
	while (n-- > 0) {
		if (view_get_string(&list, &blob) != 0 ||
		    view_get_string(&list, &comment) != 0)
			return malformed(e);
		if (slice_equal(blob, pubkey_blob(which)))
			found = true;
	}
	if (view_end(&list) != 0)
		return malformed(e);
	if (found)
		return 0;
	pubkey_fingerprint(which, fp);
	return err_set(e, ERR_NOTFOUND, "the ssh-agent has no key %s", fp);
}

static int
check_has(struct state *s, const struct pubkey *which, int ms, struct err *e)
{
	struct buf *ask = NULL, *b = NULL;
	struct view list;
	int r;

	if ((r = buf_new(&ask, 16)) != 0 ||
	    (r = buf_new(&b, AGENT_FRAME_MAX)) != 0 ||
	    (r = buf_put_u32(ask, 1)) != 0 ||
	    (r = buf_put_u8(ask, AGENT_REQUEST_IDENTITIES)) != 0)
		(void)err_nomem(e);
	else if ((r = call(s, ask, AGENT_IDENTITIES_ANSWER, ms, b, &list, e)) ==
	    0)
		r = find_key(list, which, e);
	buf_free(ask);
	buf_free(b);
	return r;
}

int
key_agent_open(const char *sock, const struct pubkey *which, int list_ms,
    int sign_ms, struct key **out, struct err *e)
{
	struct pubkey *pub = NULL;
	struct state *s = NULL;
	int r;

	if (sock == NULL)
		sock = getenv("SSH_AUTH_SOCK");
	if (sock == NULL || *sock == '\0')
		return err_set(e, ERR_NET,
		    "no ssh-agent: SSH_AUTH_SOCK is not set");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return err_nomem(e);
	s->sign_ms = sign_ms;
	if ((r = dial(sock, &s->fd, e)) != 0) {
		free(s);
		return r;
	}
	if ((r = check_has(s, which, list_ms, e)) == 0 &&
	    (r = pubkey_dup(which, &pub)) != 0)
		(void)err_set(e, r, "%s", err_text(r));
	if (r != 0) {
		if (s->fd != -1)
			close(s->fd);
		free(s);
		return r;
	}
	return key_new(&agent_ops, pub, s, out, e);
}

int
key_from_agent(const char *sock, const struct pubkey *which, struct key **out,
    struct err *e)
{
	return key_agent_open(sock, which, AGENT_LIST_MS, AGENT_SIGN_MS, out,
	    e);
}
