/* SPDX-License-Identifier: ISC */
/* Which master this host is connected to, and what it is there. */
#include "agent/minion/uplink.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/crypto/random.h"
#include "lib/net/dest.h"
#include "lib/net/server.h"
#include "lib/proc/plog.h"

#define PORT         2023
#define BACKOFF_MOST (5 * 60 * 1000)
#define STEADY_MS    60000 /* up for that long: the next wait is short again */

int64_t
uplink_chance(int64_t n)
{
	uint32_t v = 0;

	random_bytes(&v, sizeof(v));
	return n > 0 ? (int64_t)(v % (uint64_t)n) : 0;
}

static void
on_up(void *ctx)
{
	struct uplink *u = ctx;

	u->up = true;
	u->up_since = loop_now(u->loop);
}

static void
on_down(void *ctx, const struct err *why)
{
	struct uplink *u = ctx;

	if (!u->up)
		u->at++;
	u->down = true;
	u->why = *why;
}

void
uplink_hang_up(struct uplink *u)
{
	net_client_free(u->client);
	u->client = NULL;
	u->up = u->down = u->attending = u->refused = u->changed = false;
	json_decref(u->want);
	u->want = NULL;
	u->next_enrol = u->next_send = 0; /* at once, by the next connection */
	if (u->renew_failed)
		u->next_renew = loop_now(u->loop);
	u->renew_failed = false;
}

int
uplink_connect(struct uplink *u, struct err *e)
{
	static const struct net_client_ops ops = {on_up, on_down};
	const json_t *all = json_object_get(u->held, "masters"), *m;
	const char *keys[1];
	struct net_client_options o = {.host_keys = keys,
	    .n_host_keys = 1,
	    .key = u->key,
	    .user = NET_GUEST_USER,
	    .subsystem = "writ"};
	struct dest d = {0};
	size_t n = json_array_size(all);
	int r;

	if (n == 0)
		return err_set(e, ERR_USAGE,
		    "no master is known, expected masters: in agent.yaml");
	m = json_array_get(all, u->at % n);
	keys[0] = json_text(m, "key");
	if ((r = dest_parse(json_text(m, "address"), &d, e)) == 0) {
		o.host = d.host;
		o.port = (uint16_t)(d.port != 0 ? d.port : PORT);
		r = net_client_new(u->loop, &o, &ops, u, &u->client, e);
	}
	if (r != 0) {
		u->at++;
	} else if (u->at % n != u->tried_at) {
		/* What one did not have another may. */
		strs_clear(&u->tried);
		u->tried_at = u->at % n;
	}
	dest_clear(&d);
	return r;
}

/* Longer each time, and not all hosts at once. */
static void
wait_longer(struct uplink *u)
{
	u->next_try = loop_now(u->loop) + u->backoff_ms / 2 +
	    uplink_chance(u->backoff_ms);
	u->backoff_ms *= 2;
	if (u->backoff_ms > BACKOFF_MOST)
		u->backoff_ms = BACKOFF_MOST;
}

bool
uplink_is_steady(const struct uplink *u)
{
	return u->up && loop_now(u->loop) - u->up_since >= STEADY_MS;
}

static void
hang_up_for_now(struct uplink *u)
{
	if (uplink_is_steady(u)) {
		u->backoff_ms = UPLINK_BACKOFF_FIRST;
		u->came_back = false;
	}
	uplink_hang_up(u);
	wait_longer(u);
}

void
uplink_leave(struct uplink *u)
{
	hang_up_for_now(u);
	u->at++;
}

static void
lost(struct uplink *u, const struct err *why)
{
	bool was_up = u->up, was_steady = uplink_is_steady(u);
	int r = (int)why->code;

	hang_up_for_now(u);
	/* One that was there knows this host, or is about to, and comes first
	   again; one that ends what it has begun does so once. */
	if (was_up && !was_steady) {
		u->at += u->came_back;
		u->came_back = !u->came_back;
	}
	plog_err(PLOG_WARN, why, was_up ? "lost the master" : "no master",
	    NULL);
	/* A host key that is another one's, frames that are none; but not that
	   the master does not know us yet.  Who has to wait for the applier says
	   it the next time. */
	if (u->asking)
		return;
	if (uplink_is_hostile(r) ||
	    (r == ERR_DENIED && !was_up &&
		strstr(why->msg, "host key") != NULL))
		uplink_alarm(u, "connection", "", why);
}

void
uplink_keep_connected(struct uplink *u)
{
	struct err e = {0};

	if (u->down) {
		e = u->why;
		lost(u, &e);
	} else if (u->client == NULL && loop_now(u->loop) >= u->next_try &&
	    uplink_connect(u, &e) != 0) {
		lost(u, &e);
	}
}

void
uplink_come_in(struct uplink *u)
{
	struct err e = {0};

	if (u->attending && u->refused) {
		/* Not as a host, it says. */
		u->attending = false;
		u->accepted_now = false;
		u->next_enrol = loop_now(u->loop);
	}
	if (u->attending)
		return;
	if ((uplink_bool(u->held, "accepted") || u->accepted_now) &&
	    !u->refused) {
		uplink_ask_clock(u);
		if (uplink_is_up(u) && uplink_attend(u, &e) != 0)
			plog_err(PLOG_WARN, &e, "cannot attend", NULL);
	} else if (loop_now(u->loop) >= u->next_enrol) {
		uplink_enrol(u);
	}
}

void
uplink_keep(struct uplink *u)
{
	struct err e = {0};

	/* At the start nobody has said yet where. */
	if (u->held == NULL)
		return;
	uplink_keep_connected(u);
	if (uplink_is_up(u) && !u->attending &&
	    uplink_bool(u->held, "accepted") && uplink_attend(u, &e) != 0)
		plog_err(PLOG_WARN, &e, "cannot attend", NULL);
}
