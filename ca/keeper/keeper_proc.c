/* SPDX-License-Identifier: ISC */
/* The keeper's loop: sockets, signals, the clock. */
#include "ca/keeper/keeper_proc.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ca/keeper/kp_impl.h"
#include "ca/keeper/kp_start.h"
#include "lib/base/clock.h"
#include "lib/base/parallel.h"
#include "lib/keeper/key_table.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define GAUGES_MS 5000
#define RETRY_MS  2000
#define WATCH_MS  200
#define FLUSH_MS  1000
#define STORE_MS  5000 /* rows come to the store, while more come */

/* --- whose keys ----------------------------------------------------------- */

static int
add_key(void *ctx, const struct person *who, const struct pubkey *key,
    const char *comment)
{
	(void)comment;
	return key_table_add(ctx, who->id, key);
}

static int
add_keys(void *ctx, struct key_table *t)
{
	struct kp *k = ctx;
	int r;

	r = standing_each_key(k->standing, k->view->trust.policy, add_key, t);
	return r != 0 ? r : kp_master_keys(k, t);
}

static int
send_keys(void *ctx, struct conn *to, struct err *e)
{
	return key_table_send(to, add_keys, ctx, e);
}

static int
on_call(void *ctx, struct conn *c, const struct frame *f, struct err *e)
{
	return kp_call_new(ctx, c, f, e);
}

static void
on_gone(void *ctx, const struct conn *c, uint32_t id)
{
	kp_call_gone(ctx, c, id);
}

const struct conns_ops kp_conns_ops = {
    .call = on_call, .gone = on_gone, .keys = send_keys};

/* --- signals, news -------------------------------------------------------- */

static void
reload(struct kp *k)
{
	struct kp_job *j = calloc(1, sizeof(*j));
	struct err e = {0};

	service_notify("RELOADING=1");
	plog(PLOG_INFO, "told to look for a newer policy", NULL);
	if (j != NULL) {
		issue_result_init(&j->result);
		j->kind = JOB_RELOAD;
		/* kp_push_job() says that it is over. */
		if (committer_put(k->committer, j, true, &e) == 0)
			return;
	}
	kp_job_free(j);
	service_notify("READY=1");
}

static void
on_signal(struct kp *k)
{
	struct signalfd_siginfo s;

	while (read(k->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			reload(k);
		else
			k->stopping = true;
	}
}

static void
take_news(struct kp *k)
{
	struct kp_dones news = STAILQ_HEAD_INITIALIZER(news);
	struct kp_done *d;
	uint64_t n;

	(void)!read(k->wake, &n, sizeof(n));
	committer_take(k->committer, &news);
	while ((d = STAILQ_FIRST(&news)) != NULL) {
		STAILQ_REMOVE_HEAD(&news, link);
		if (k->r != 0)
			kp_done_free(d);
		else
			k->r = kp_done(k, d, &k->e);
	}
}

/* --- the clock ------------------------------------------------------------ */

struct clockwork {
	int64_t second, gauges, retry, watch, store;
	uint64_t applied; /* leaves, a second ago */
	int64_t alarm_day;
};

/* What expires soon: once a day, to officers. */
static void
alarms(struct kp *k, struct clockwork *w)
{
	struct str text = STR_INIT;
	int64_t day = k->now / 86400;

	if (day == w->alarm_day)
		return;
	w->alarm_day = day;
	if (trust_expiry(&k->view->trust, k->now, &text, NULL) != ERR_NOMEM &&
	    text.n > 0 && str_check(&text) == 0)
		kp_notice_alarm(k, text.p);
	str_clear(&text);
}

/*
 * While rows come, the more of them are written at once the less each costs
 * (requests_impl.h), and the log has them: so as soon as no more have come for a
 * second, or after a while.
 */
static bool
store_is_due(const struct kp *k, struct clockwork *w, int64_t now)
{
	uint64_t was = w->applied;

	w->applied = requests_applied(k->rows);
	if (k->store_ok && w->applied > was && now < w->store)
		return false;
	w->store = now + STORE_MS;
	return true;
}

static void
store_and_sweep(struct kp *k)
{
	struct err e = {0};

	if (k->r == 0)
		k->r = kp_store(k, &k->e);
	if (k->r == 0 && k->store_ok)
		k->r = kp_fold_behind(k, &k->e);
	if (k->r == 0 && k->store_ok && !kp_clock_is_held(k) &&
	    kp_board_sweep(k, &e) != 0)
		plog_err(PLOG_WARN, &e, "cannot end what was not decided",
		    NULL);
}

static void
each_second(struct kp *k, struct clockwork *w)
{
	if (store_is_due(k, w, clock_mono_ms()))
		store_and_sweep(k);
	kp_wait_sweep(k);
	kp_notice_send(k);
	alarms(k, w);
}

static void
on_clock(struct kp *k, struct clockwork *w)
{
	int64_t now = clock_mono_ms();
	struct err e = {0};

	if (k->keys_changed) {
		k->keys_changed = false;
		conns_tell_keys(&k->conns);
		/* What was waiting may be refused now, or be ready. */
		if (kp_board_retry(k, true, &e) != 0)
			plog_err(PLOG_WARN, &e, "cannot look again", NULL);
	}
	if (k->board_changed && now >= w->watch) {
		k->board_changed = false;
		w->watch = now + WATCH_MS;
		kp_tell_watching(k);
		kp_notice_send(k);
	}
	if (now >= w->second) {
		w->second = now + 1000;
		each_second(k, w);
	}
	if (now >= w->retry) {
		w->retry = now + RETRY_MS;
		if (kp_board_retry(k, false, &e) != 0)
			plog_err(PLOG_WARN, &e, "cannot try again", NULL);
	}
	if (now >= w->gauges) {
		w->gauges = now + GAUGES_MS;
		kp_send_gauges(k);
	}
}

/* --- the loop ------------------------------------------------------------- */

enum {
	FD_SIGNALS,
	FD_WAKE,
	FD_NOTIFY,
	FD_CONNS,
	FD_N = FD_CONNS + CONNS_FDS,
};

static void
watch(struct pollfd *p, int fd, const struct chan *c)
{
	p->fd = fd;
	p->events = POLLIN;
	if (c != NULL && chan_wants_write(c))
		p->events |= POLLOUT;
	p->revents = 0;
}

static void
fill(struct kp *k, struct pollfd *p)
{
	watch(&p[FD_SIGNALS], k->signals, NULL);
	watch(&p[FD_WAKE], k->wake, NULL);
	watch(&p[FD_NOTIFY], k->notify != NULL ? chan_fd(k->notify) : -1,
	    k->notify);
	conns_fill(&k->conns, &p[FD_CONNS]);
}

static void
serve_notify(struct kp *k, short events)
{
	struct err e = {0};

	if (events & POLLOUT && chan_flush(k->notify, &e) != 0) {
		kp_notice_lost(k);
		return;
	}
	if (events & (POLLIN | POLLHUP | POLLERR))
		kp_notice_read(k);
}

static void
loop(struct kp *k)
{
	struct pollfd p[FD_N];
	struct clockwork w = {0};

	/* Three lines a request, and one system call a turn. */
	plog_hold(true);
	while (!k->stopping && k->r == 0) {
		int timeout = k->board_changed ? WATCH_MS : 500;

		fill(k, p);
		if (poll(p, FD_N, timeout) < 0)
			for (size_t i = 0; i < FD_N; i++)
				p[i].revents = 0;
		k->now = clock_now();
		kp_clock_look(k);
		if (p[FD_SIGNALS].revents != 0)
			on_signal(k);
		if (p[FD_WAKE].revents != 0)
			take_news(k);
		if (p[FD_NOTIFY].revents != 0 && k->notify != NULL)
			serve_notify(k, p[FD_NOTIFY].revents);
		conns_serve(&k->conns, &p[FD_CONNS]);
		on_clock(k, &w);
		/* Nobody has an answer that the log does not know of. */
		plog_flush();
		conns_end_turn(&k->conns);
	}
	plog_hold(false);
}

/* What is on its way is finished and answered. */
static void
finish(struct kp *k)
{
	service_notify("STOPPING=1");
	plog(PLOG_INFO, "stopping", NULL);
	committer_stop(k->committer);
	take_news(k);
	if (k->r == 0)
		k->r = kp_store(k, &k->e);
	conns_drain(&k->conns, FLUSH_MS);
}

int
keeper_proc_run(const char *dir, struct err *e)
{
	struct kp *k = NULL;
	int r;

	if ((r = kp_start(dir, &k, e)) != 0)
		return r;
	parallel_keep();
	plog(PLOG_INFO, "serving", NULL);
	service_notify("READY=1");
	loop(k);
	finish(k);
	if ((r = k->r) != 0 && e != NULL)
		*e = k->e;
	kp_end(k);
	return r;
}
