/* SPDX-License-Identifier: ISC */
/*
 * One epoll loop for one thread: descriptors, and who is told of them.
 *
 * Level-triggered.  A watch that is deleted is told nothing more, not even what
 * the same turn had for it.  The descriptors belong to those who add them.
 */
#ifndef LIB_NET_LOOP_H
#define LIB_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

struct loop;  /* opaque */
struct watch; /* opaque */

/* events: EPOLLIN and so on; EPOLLERR and EPOLLHUP always count. */
typedef void watch_fn(void *ctx, uint32_t events);

/* ERR_SYS, ERR_NOMEM. */
int  loop_new(struct loop **out, struct err *e) MUST_CHECK;
void loop_free(struct loop *l); /* NULL allowed; with all its watches */

/* ERR_SYS, ERR_NOMEM. */
int  loop_add(struct loop *l, int fd, uint32_t events, watch_fn *fn, void *ctx,
     struct watch **out, struct err *e) MUST_CHECK;
/* Wait for other events; 0: for none but errors. */
void watch_set(struct watch *w, uint32_t events);
/*
 * NULL allowed.  closed: the descriptor was closed already, so its number may
 * be somebody else's by now and is left alone.
 */
void watch_free(struct watch *w, bool closed);

/* Wait timeout_ms at most (-1: for good) and tell whom it concerns.  ERR_SYS. */
int loop_turn(struct loop *l, int timeout_ms, struct err *e) MUST_CHECK;
/* Milliseconds of a clock that only goes on, read once a turn. */
int64_t loop_now(const struct loop *l);

#endif
