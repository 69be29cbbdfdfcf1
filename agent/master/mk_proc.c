/* SPDX-License-Identifier: ISC */
/* The loop of the master's keeper: sockets, signals, the clock. */
#include "agent/master/mk_proc.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/master/mk_start.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define TURN_MS   500
#define GAUGES_MS 5000
#define KEYS_MS   250 /* between tables of keys: each has all of them */
#define FLUSH_MS  1000
#define STOP_MS   10000

static int
on_call(void *ctx, struct conn *c, const struct frame *f, struct err *e)
{
	return mk_call_new(ctx, c, f, e);
}

static void
on_gone(void *ctx, const struct conn *c, uint32_t id)
{
	mk_call_gone(ctx, c, id);
}

const struct conns_ops mk_conns_ops = {
    .call = on_call, .gone = on_gone, .keys = mk_send_keys};

static void
send_keys_to_all(struct mk *k)
{
	k->keys_changed = false;
	k->keys_at = k->now_ms + KEYS_MS;
	conns_tell_keys(&k->conns);
}

/* --- signals, news -------------------------------------------------------- */

static void
on_signal(struct mk *k)
{
	struct signalfd_siginfo s;

	while (read(k->signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		if (s.ssi_signo != SIGHUP)
			k->stopping = true;
}

static void
take_news(struct mk *k)
{
	uint64_t n;

	(void)!read(k->wake, &n, sizeof(n));
	mk_batch_news(k);
}

/* --- the clock ------------------------------------------------------------ */

struct clockwork {
	int64_t second, gauges, day;
};

/* What expires soon: once a day, in the log of this process. */
static void
look_at_expiry(struct mk *k, struct clockwork *w)
{
	const struct trust *t = content_trust(k->content);
	struct str text = STR_INIT;

	if (w->day == k->now / 86400)
		return;
	w->day = k->now / 86400;
	(void)trust_expiry(t, k->now, &text, NULL);
	if (content_held(k->content)->have)
		(void)fleet_expiry(content_held(k->content), t, k->now, &text,
		    NULL);
	if (text.n > 0 && str_check(&text) == 0)
		plog(PLOG_WARN, "alarm", "what", text.p, NULL);
	str_clear(&text);
}

static void
on_clock(struct mk *k, struct clockwork *w)
{
	if (k->now_ms >= w->second) {
		w->second = k->now_ms + 1000;
		mk_batch_again(k);
		mk_asks_sweep(k);
		look_at_expiry(k, w);
		mk_alarms_save(k, false);
	}
	jobs_turn(k->jobs, k->now);
	mk_watch_ends(k);
	mk_courier_turn(k);
	mk_batch_go(k);
	mk_want_flush(k);
	if (k->keys_changed && k->now_ms >= k->keys_at)
		send_keys_to_all(k);
	if (k->now_ms >= w->gauges) {
		w->gauges = k->now_ms + GAUGES_MS;
		mk_send_gauges(k);
	}
}

/* --- the loop ------------------------------------------------------------- */

enum {
	FD_SIGNALS,
	FD_WAKE,
	FD_COURIER,
	FD_DIALER,
	FD_CONNS,
	FD_N = FD_CONNS + CONNS_FDS,
};

static void
watch(struct pollfd *p, int fd, bool writes)
{
	p->fd = fd;
	p->events = (short)(POLLIN | (writes ? POLLOUT : 0));
	p->revents = 0;
}

static void
fill(struct mk *k, struct pollfd *p)
{
	const struct chan *q = k->courier.chan;

	watch(&p[FD_SIGNALS], k->signals, false);
	watch(&p[FD_WAKE], k->wake, false);
	watch(&p[FD_COURIER], q != NULL ? chan_fd(q) : -1,
	    q != NULL && chan_wants_write(q));
	watch(&p[FD_DIALER], dialer_fd(k->dialer),
	    dialer_wants_write(k->dialer));
	conns_fill(&k->conns, &p[FD_CONNS]);
}

static void
read_clocks(struct mk *k)
{
	k->now = clock_now();
	k->now_ms = clock_mono_ms();
}

static void
turn(struct mk *k, struct pollfd *p, struct clockwork *w)
{
	fill(k, p);
	if (poll(p, FD_N, k->keys_changed ? KEYS_MS : TURN_MS) < 0)
		for (size_t i = 0; i < FD_N; i++)
			p[i].revents = 0;
	read_clocks(k);
	if (p[FD_SIGNALS].revents != 0)
		on_signal(k);
	if (p[FD_WAKE].revents != 0)
		take_news(k);
	if (p[FD_COURIER].revents != 0)
		mk_courier_serve(k, (p[FD_COURIER].revents & POLLOUT) != 0);
	if (p[FD_DIALER].revents != 0)
		mk_dialed(k);
	conns_serve(&k->conns, &p[FD_CONNS]);
	on_clock(k, w);
	conns_end_turn(&k->conns);
}

/* What is on its way is finished and answered. */
static void
finish(struct mk *k)
{
	int64_t until = clock_mono_ms() + STOP_MS;

	service_notify("STOPPING=1");
	plog(PLOG_INFO, "stopping", NULL);
	while ((k->flying != NULL || k->n_next > 0) && !k->recover &&
	    clock_mono_ms() < until) {
		mk_batch_go(k);
		(void)usleep(1000);
		mk_batch_news(k);
	}
	mk_alarms_save(k, true);
	scribe_stop(k->scribe);
	conns_drain(&k->conns, FLUSH_MS);
}

int
master_keeper_run(const char *dir, struct err *e)
{
	struct pollfd p[FD_N];
	struct clockwork w = {0};
	struct mk *k = NULL;
	int r;

	if ((r = mk_start(dir, &k, e)) != 0)
		return r;
	plog(PLOG_INFO, "serving", NULL);
	service_notify("READY=1");
	while (!k->stopping && k->r == 0)
		turn(k, p, &w);
	finish(k);
	if ((r = k->r) != 0 && e != NULL)
		*e = k->e;
	mk_end(k);
	return r;
}
