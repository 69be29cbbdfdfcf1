/* SPDX-License-Identifier: ISC */
#include "lib/net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define EVENTS_MAX 64 /* of a turn: the rest comes with the next one */

struct watch {
	struct loop *loop;
	int fd;
	uint32_t events;
	watch_fn *fn; /* NULL: deleted, and freed when the turn is over */
	void *ctx;
	LIST_ENTRY(watch) link;
};

struct loop {
	int epoll;
	int64_t now;
	bool turning;
	LIST_HEAD(, watch) watches, dead;
};

int
loop_new(struct loop **out, struct err *e)
{
	struct loop *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_nomem(e);
	if ((l->epoll = epoll_create1(EPOLL_CLOEXEC)) == -1) {
		free(l);
		return err_sys(e, "cannot make an epoll descriptor");
	}
	LIST_INIT(&l->watches);
	LIST_INIT(&l->dead);
	l->now = clock_mono_ms();
	*out = l;
	return 0;
}

static void
bury(struct loop *l)
{
	struct watch *w;

	while ((w = LIST_FIRST(&l->dead)) != NULL) {
		LIST_REMOVE(w, link);
		free(w);
	}
}

void
loop_free(struct loop *l)
{
	struct watch *w;

	if (l == NULL)
		return;
	while ((w = LIST_FIRST(&l->watches)) != NULL) {
		LIST_REMOVE(w, link);
		free(w);
	}
	bury(l);
	(void)close(l->epoll); /* nothing was written */
	free(l);
}

static int
control(struct watch *w, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	return epoll_ctl(w->loop->epoll, op, w->fd, &ev);
}

int
loop_add(struct loop *l, int fd, uint32_t events, watch_fn *fn, void *ctx,
    struct watch **out, struct err *e)
{
	struct watch *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return err_nomem(e);
	w->loop = l;
	w->fd = fd;
	w->events = events;
	w->fn = fn;
	w->ctx = ctx;
	if (control(w, EPOLL_CTL_ADD, events) == -1) {
		free(w);
		return err_sys(e, "cannot watch a descriptor");
	}
	LIST_INSERT_HEAD(&l->watches, w, link);
	*out = w;
	return 0;
}

void
watch_set(struct watch *w, uint32_t events)
{
	if (w->events == events)
		return;
	w->events = events;
	/* Only a descriptor that is gone makes this fail, and then there is
	   nothing to wait for. */
	(void)control(w, EPOLL_CTL_MOD, events);
}

void
watch_free(struct watch *w, bool closed)
{
	if (w == NULL)
		return;
	if (!closed)
		(void)control(w, EPOLL_CTL_DEL, 0); /* as in watch_set() */
	w->fn = NULL;
	LIST_REMOVE(w, link);
	if (w->loop->turning)
		LIST_INSERT_HEAD(&w->loop->dead, w, link);
	else
		free(w);
}

int
loop_turn(struct loop *l, int timeout_ms, struct err *e)
{
	struct epoll_event events[EVENTS_MAX];
	struct watch *w;
	int n;

	n = epoll_wait(l->epoll, events, EVENTS_MAX, timeout_ms);
	l->now = clock_mono_ms();
	if (n == -1 && errno == EINTR)
		return 0;
	if (n == -1)
		return err_sys(e, "cannot wait for events");
	l->turning = true;
	for (int i = 0; i < n; i++) {
		w = events[i].data.ptr;
		if (w->fn != NULL)
			w->fn(w->ctx, events[i].events);
	}
	l->turning = false;
	bury(l);
	return 0;
}

int64_t
loop_now(const struct loop *l)
{
	return l->now;
}
