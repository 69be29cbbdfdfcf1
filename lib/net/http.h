/* SPDX-License-Identifier: ISC */
/*
 * The least of a web server: one text at one path, for Prometheus.
 *
 * A request has at most HTTP_REQUEST_MAX bytes and HTTP_MS to come; what it says
 * beyond its first line is not looked at, and each connection is closed after
 * its answer.
 */
#ifndef LIB_NET_HTTP_H
#define LIB_NET_HTTP_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/net/loop.h"

#define HTTP_REQUEST_MAX 1024
#define HTTP_PEERS_MAX	 16
#define HTTP_MS		 5000

struct http; /* opaque */

/*
 * Serve path on a listening socket, which is the server's from now on; body adds
 * the text.  path is borrowed for good.  ERR_SYS, ERR_NOMEM.
 */
int  http_new(struct loop *l, int fd, const char *path,
     void (*body)(void *ctx, struct str *out), void *ctx, struct http **out,
     struct err *e) MUST_CHECK;
void http_free(struct http *h); /* NULL allowed */
/* Close what takes too long; to be called a few times a second. */
void http_sweep(struct http *h);

/* Whether a request is whole, and what it wants; pure. */
enum http_want {
	HTTP_MORE,	/* it is not whole yet */
	HTTP_GET,	/* the text at path */
	HTTP_BAD,	/* 400 */
	HTTP_ABSENT,	/* 404 */
	HTTP_METHOD,	/* 405 */
};
enum http_want http_read(struct slice request, const char *path);

#endif
