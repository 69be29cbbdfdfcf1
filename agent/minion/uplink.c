/* SPDX-License-Identifier: ISC */
/* The link's loop: what is due, and when. */
#include "agent/minion/uplink.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/json.h"
#include "lib/base/pages.h"
#include "lib/proc/plog.h"

#define BEAT_MS       (50 * 60 * 1000)
#define BEAT_SPREAD   (10 * 60 * 1000) /* together: hourly at the latest */
#define SOON_MS       60000 /* all of a fleet get the same news at once */
#define TURN_MS       60000
#define AGAIN_MS      200 /* what could not be done just now */
#define RUN_AGAIN_MS  5000
#define TRIM_AFTER_MS 2000

/* --- the applier's end ---------------------------------------------------- */

static void
on_chan(void *ctx, uint32_t events)
{
	struct uplink *u = ctx;
	struct err e = {0};
	struct frame f;
	int r;

	(void)events;
	r = chan_read(u->chan, &e);
	u->gone |= r == CHAN_CLOSED || r == ERR_NET;
	while ((r = chan_next(u->chan, &f, &e)) == 0) {
		if (f.type == VERB_DIED) {
			u->died = true;
		} else if (f.type == VERB_ANSWER && f.id == u->asked &&
		    u->answer == NULL) {
			u->unread = json_read(f.payload, VERB_ANSWER_MAX,
			    &u->answer, &e);
			u->died |= u->unread != 0;
		}
	}
	if (r == ERR_PARSE) {
		plog_err(PLOG_ERR, &e, "the applier sends what is no frame",
		    NULL);
		u->gone = true;
	}
}

int
uplink_new(const char *spool, const char *key, const char *key_line,
    int applier_fd, struct uplink **out, struct err *e)
{
	struct uplink *u;
	int r;

	if ((u = calloc(1, sizeof(*u))) == NULL)
		return err_nomem(e);
	u->spool = spool;
	str_init(&u->bad);
	u->backoff_ms = UPLINK_BACKOFF_FIRST;
	if ((u->key = str_dup(key)) == NULL ||
	    (u->key_line = str_dup(key_line)) == NULL)
		r = err_nomem(e);
	else if ((r = loop_new(&u->loop, e)) == 0 &&
	    (r = chan_new(applier_fd, &u->chan, e)) == 0)
		r = loop_add(u->loop, applier_fd, EPOLLIN, on_chan, u,
		    &u->chan_watch, e);
	if (r != 0) {
		uplink_free(u);
		return r;
	}
	*out = u;
	return 0;
}

void
uplink_free(struct uplink *u)
{
	if (u == NULL)
		return;
	net_client_free(u->client);
	loop_free(u->loop);
	if (u->logs_watch != NULL)
		(void)close(u->logs);
	chan_free(u->chan);
	json_decref(u->answer);
	json_decref(u->held);
	json_decref(u->want);
	strs_clear(&u->tried);
	strs_clear(&u->answered);
	strs_clear(&u->unsent);
	str_clear(&u->bad);
	if (u->key != NULL)
		mem_wipe(u->key, strlen(u->key));
	free(u->key);
	free(u->key_line);
	free(u->enrol);
	free(u->by_token);
	free(u->renewal);
	free(u);
}

/* --- what is due ---------------------------------------------------------- */

static void
run_again(struct uplink *u)
{
	int64_t interval = uplink_int(u->held, "interval") * 1000;
	int64_t splay = uplink_int(u->held, "splay") * 1000;
	struct err e = {0};
	int r;

	if (!uplink_bool(u->held, "enforcing") || interval <= 0) {
		u->next_run = 0;
		return;
	}
	r = uplink_ask(u, VERB_RUN,
	    uplink_is_up(u) ? "\"connected\":true" : "\"connected\":false",
	    NULL, &e);
	if (r != 0)
		plog_err(PLOG_WARN, &e, "a run did not come about", NULL);
	u->next_run = loop_now(u->loop) +
	    (r == ERR_BUSY ? RUN_AGAIN_MS : interval + uplink_chance(splay));
}

static void
beat(struct uplink *u)
{
	struct err e = {0};

	u->next_beat = loop_now(u->loop) + BEAT_MS + uplink_chance(BEAT_SPREAD);
	if (u->attending && uplink_is_up(u))
		uplink_ask_clock(u);
	if (uplink_bool(u->held, "accepted") &&
	    uplink_ask(u, VERB_REPORT, "", NULL, &e) != 0)
		plog_err(PLOG_WARN, &e, "no heartbeat", NULL);
}

void
uplink_beat_soon(struct uplink *u)
{
	int64_t at = loop_now(u->loop) + uplink_chance(SOON_MS);

	if (at < u->next_beat)
		u->next_beat = at;
}

/* Soon after the start, and then in its rhythm. */
static void
set_times(struct uplink *u)
{
	int64_t now = loop_now(u->loop);

	u->next_beat = now + BEAT_MS + uplink_chance(BEAT_SPREAD);
	u->next_renew = now;
	uplink_logins_begin(u);
	if (uplink_bool(u->held, "enforcing"))
		u->next_run =
		    now + uplink_chance(uplink_int(u->held, "splay") * 1000);
}

/* 0: never. */
static bool
is_due(const struct uplink *u, int64_t at)
{
	return at != 0 && loop_now(u->loop) >= at;
}

static bool
step(struct uplink *u)
{
	if (json_object_get(u->held, "run") != NULL &&
	    loop_now(u->loop) >= u->next_settle) {
		uplink_confirm(u);
		return true;
	}
	uplink_keep_connected(u);
	if (uplink_is_up(u))
		uplink_come_in(u);
	if (u->changed && uplink_is_up(u) &&
	    loop_now(u->loop) >= u->next_take) {
		uplink_take(u);
		uplink_send(u);
		return true;
	}
	if (is_due(u, u->next_run)) {
		run_again(u);
		return true;
	}
	if (is_due(u, u->next_beat)) {
		beat(u);
		return true;
	}
	if (is_due(u, u->next_logins) && uplink_has_logins(u)) {
		uplink_logins(u);
		return true;
	}
	if (u->attending && u->want != NULL && uplink_is_up(u)) {
		if (is_due(u, u->next_renew) &&
		    uplink_bool(u->held, "accepted")) {
			uplink_renew(u);
			return true;
		}
		uplink_send(u);
	}
	return false;
}

static void
sooner(const struct uplink *u, int64_t at, int *ms)
{
	int64_t left = at - loop_now(u->loop);

	if (at != 0 && left < *ms)
		*ms = left > 0 ? (int)left : 0;
}

int
uplink_until_next(const struct uplink *u)
{
	int ms = TURN_MS;

	sooner(u, u->next_run, &ms);
	sooner(u, u->next_beat, &ms);
	if (uplink_has_logins(u))
		sooner(u, u->next_logins, &ms);
	if (u->client == NULL)
		sooner(u, u->next_try != 0 ? u->next_try : 1, &ms);
	if (uplink_is_up(u) && !u->attending)
		sooner(u, u->next_enrol != 0 ? u->next_enrol : 1, &ms);
	if (u->attending && u->want != NULL) {
		sooner(u, u->next_renew, &ms);
		sooner(u, u->next_send, &ms);
	}
	if (u->more_unsent && uplink_is_up(u))
		ms = 0;
	if (json_object_get(u->held, "run") != NULL)
		sooner(u, u->next_settle != 0 ? u->next_settle : 1, &ms);
	if (u->changed && uplink_is_up(u))
		sooner(u, u->next_take + AGAIN_MS, &ms);
	return ms;
}

int
uplink_run(struct uplink *u, struct err *e)
{
	bool trimmed = false;
	int r;

	if ((r = uplink_ask(u, VERB_LOOK, "", NULL, e)) != 0) {
		plog_err(PLOG_ERR, e, "the applier says what is not right",
		    NULL);
		if (u->gone || u->held == NULL)
			return r;
	}
	u->acked = uplink_u64(u->held, "acked");
	uplink_clock_kept(u);
	set_times(u);
	while (!u->stop && !u->gone) {
		bool worked = step(u);
		int ms = uplink_until_next(u);

		/* What a fetch or a handshake needed is given back. */
		if (worked || !uplink_is_up(u))
			trimmed = false;
		else if (!trimmed && ms > TRIM_AFTER_MS)
			ms = TRIM_AFTER_MS;
		if ((r = uplink_turn(u, ms, e)) != 0)
			return r;
		if (!trimmed && !worked && ms >= TRIM_AFTER_MS &&
		    uplink_is_up(u)) {
			pages_give_back();
			trimmed = true;
		}
	}
	return 0;
}
