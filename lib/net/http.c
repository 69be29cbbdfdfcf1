/* SPDX-License-Identifier: ISC */
#include "lib/net/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 250 /* of accepting, when there is no descriptor for it */

struct http_peer {
	struct http *http;
	int fd;
	struct watch *watch;
	int64_t since;
	char request[HTTP_REQUEST_MAX];
	size_t n_request;
	struct str answer; /* empty: the request is not whole */
	size_t sent;
	TAILQ_ENTRY(http_peer) link;
};

struct http {
	struct loop *loop;
	int fd;
	struct watch *watch;
	const char *path;
	void (*body)(void *ctx, struct str *out);
	void *ctx;
	TAILQ_HEAD(, http_peer) peers;
	unsigned n_peers;
	int64_t paused_at;
};

/* --- what is asked -------------------------------------------------------- */

static bool
begins(struct slice s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

enum http_want
http_read(struct slice request, const char *path)
{
	size_t n = strlen(path);
	struct slice rest;

	if (request.n == 0 ||
	    memmem(request.p, request.n, "\r\n\r\n", 4) == NULL)
		return request.n < HTTP_REQUEST_MAX ? HTTP_MORE : HTTP_BAD;
	if (!begins(request, "GET "))
		return begins(request, "POST ") || begins(request, "PUT ") ||
			begins(request, "HEAD ") || begins(request, "DELETE ")
		    ? HTTP_METHOD
		    : HTTP_BAD;
	rest = slice_of(request.p + 4, request.n - 4);
	if (!begins(rest, path))
		return begins(rest, "/") ? HTTP_ABSENT : HTTP_BAD;
	rest = slice_of(rest.p + n, rest.n - n);
	if (begins(rest, " HTTP/1.") || begins(rest, "?"))
		return HTTP_GET;
	return HTTP_ABSENT;
}

static void
answer(struct http *h, enum http_want want, struct str *out)
{
	static const char *const lines[] = {
	    [HTTP_GET] = "200 OK",
	    [HTTP_BAD] = "400 Bad Request",
	    [HTTP_ABSENT] = "404 Not Found",
	    [HTTP_METHOD] = "405 Method Not Allowed",
	};
	struct str body = STR_INIT;

	if (want == HTTP_GET)
		h->body(h->ctx, &body);
	else
		str_addf(&body, "%s\n", lines[want]);
	str_addf(out,
	    "HTTP/1.1 %s\r\n"
	    "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n"
	    "Connection: close\r\n\r\n",
	    lines[want], body.n);
	str_addn(out, body.p, body.n);
	if (str_check(&body) != 0)
		out->failed = true;
	str_clear(&body);
}

/* --- connections ---------------------------------------------------------- */

static void
peer_free(struct http_peer *p)
{
	TAILQ_REMOVE(&p->http->peers, p, link);
	p->http->n_peers--;
	watch_free(p->watch, false);
	(void)close(p->fd);
	str_clear(&p->answer);
	free(p);
}

/* 0: no more can be done at present; -1: the connection is over. */
static int
take(struct http_peer *p)
{
	enum http_want want;
	ssize_t n;

	n = recv(p->fd, p->request + p->n_request,
	    sizeof(p->request) - p->n_request, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	p->n_request += (size_t)n;
	want = http_read(slice_of(p->request, p->n_request), p->http->path);
	if (want == HTTP_MORE)
		return 0;
	answer(p->http, want, &p->answer);
	return str_check(&p->answer) == 0 ? 0 : -1;
}

static int
give(struct http_peer *p)
{
	ssize_t n;

	n = send(p->fd, p->answer.p + p->sent, p->answer.n - p->sent,
	    MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	p->sent += (size_t)n;
	return p->sent < p->answer.n ? 0 : -1;
}

static void
on_peer(void *ctx, uint32_t events)
{
	struct http_peer *p = ctx;
	int r = 0;

	(void)events;
	if (p->answer.n == 0)
		r = take(p);
	if (r == 0 && p->answer.n > 0)
		r = give(p);
	if (r != 0)
		peer_free(p);
	else
		watch_set(p->watch, p->answer.n > 0 ? EPOLLOUT : EPOLLIN);
}

static void
on_listener(void *ctx, uint32_t events)
{
	struct http *h = ctx;
	struct http_peer *p;
	int fd;

	(void)events;
	fd = accept4(h->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		/* No descriptors are left: it would be told without end. */
		if (errno != EAGAIN && errno != EINTR &&
		    errno != ECONNABORTED) {
			h->paused_at = loop_now(h->loop);
			watch_set(h->watch, 0);
		}
		return;
	}
	if (h->n_peers == HTTP_PEERS_MAX ||
	    (p = calloc(1, sizeof(*p))) == NULL) {
		(void)close(fd);
		return;
	}
	p->http = h;
	p->fd = fd;
	p->since = loop_now(h->loop);
	str_init(&p->answer);
	TAILQ_INSERT_TAIL(&h->peers, p, link);
	h->n_peers++;
	if (loop_add(h->loop, fd, EPOLLIN, on_peer, p, &p->watch, NULL) != 0)
		peer_free(p);
}

int
http_new(struct loop *l, int fd, const char *path,
    void (*body)(void *ctx, struct str *out), void *ctx, struct http **out,
    struct err *e)
{
	struct http *h;
	int r;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return err_nomem(e);
	h->loop = l;
	h->fd = fd;
	h->path = path;
	h->body = body;
	h->ctx = ctx;
	TAILQ_INIT(&h->peers);
	if ((r = loop_add(l, fd, EPOLLIN, on_listener, h, &h->watch, e)) != 0) {
		free(h);
		return r;
	}
	*out = h;
	return 0;
}

void
http_free(struct http *h)
{
	struct http_peer *p, *next;

	if (h == NULL)
		return;
	for (p = TAILQ_FIRST(&h->peers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		peer_free(p);
	}
	watch_free(h->watch, false);
	(void)close(h->fd);
	free(h);
}

void
http_sweep(struct http *h)
{
	struct http_peer *p, *next;

	if (loop_now(h->loop) - h->paused_at >= PAUSE_MS)
		watch_set(h->watch, EPOLLIN);
	/* The oldest come first. */
	for (p = TAILQ_FIRST(&h->peers);
	     p != NULL && loop_now(h->loop) - p->since > HTTP_MS; p = next) {
		next = TAILQ_NEXT(p, link);
		peer_free(p);
	}
}
