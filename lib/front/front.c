/* SPDX-License-Identifier: ISC */
#include "lib/front/front.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/front/front_impl.h"
#include "lib/proc/plog.h"

#define TRIES        12 /* keys that may be offered in vain */
#define LINES        10 /* about refusals of one source, in LINES_SPAN */
#define LINES_SPAN   60000
#define GUEST_IDLE   60000
#define TURN_DOWN_MS 100 /* between looks for a keeper that is away */

static const char *
number(char out[24], uint64_t n)
{
	(void)snprintf(out, 24, "%llu", (unsigned long long)n);
	return out;
}

/* --- people --------------------------------------------------------------- */

/* A guest shows a key, and no certificate: nobody is to believe that it was
 * looked at. */
static const char *
whose(void *ctx, const struct net_key *k, const struct source *guest_from,
    bool here)
{
	struct front *f = ctx;
	const char *name = keymap_find(f->keys, &k->hash);

	if (name != NULL || guest_from == NULL || !keymap_ready(f->keys) ||
	    front_is_cert(k))
		return name;
	return here || guests_admit(f, guest_from) ? "" : NULL;
}

static void
refusal(void *ctx, const struct net_key *keys, size_t n, struct str *out)
{
	struct front *f = ctx;

	front_refusal(f->words, keymap_ready(f->keys), keys, n, out);
}

static void
came(void *ctx, struct net_peer *p)
{
	struct front *f = ctx;
	struct session *s;
	char n[24];

	/* Without one it can call nothing: see on_call(). */
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return;
	s->number = ++f->n_sessions;
	s->since = loop_now(f->loop);
	s->peer = p;
	TAILQ_INIT(&s->open);
	if (net_peer_person(p)[0] == '\0' && guest_came(f, s) != 0) {
		free(s);
		return;
	}
	net_peer_set_data(p, s);
	plog(PLOG_INFO, "logged in", "session", number(n, s->number), "person",
	    net_peer_person(p), "key", net_peer_fingerprint(p), "from",
	    net_peer_address(p), NULL);
}

static void
gone(void *ctx, struct net_peer *p, const char *why)
{
	struct front *f = ctx;
	struct session *s = net_peer_data(p);
	struct pending *c;
	char n[24], calls[24], secs[24];

	if (s == NULL)
		return;
	while ((c = TAILQ_FIRST(&s->open)) != NULL) {
		uint32_t id = c->sent ? c->id : 0;

		pending_free(f, c);
		if (id != 0)
			link_gone(f, id);
	}
	guest_gone(f, s);
	plog(PLOG_INFO, "session ended", "session", number(n, s->number),
	    "person", net_peer_person(p), "why", why, "calls",
	    number(calls, s->calls), "seconds",
	    number(secs, (uint64_t)(loop_now(f->loop) - s->since) / 1000),
	    NULL);
	free(s);
}

static void
refused(void *ctx, const struct source *from, const char *address,
    const struct net_key *last, const char *why)
{
	struct front *f = ctx;
	unsigned left_out;
	char n[24];

	if (!rate_take(&f->rate, from, loop_now(f->loop), &left_out))
		return;
	plog(PLOG_INFO, "refused", "from", address, "why", why, "key",
	    last != NULL ? last->fingerprint : "none", "lines_left_out",
	    number(n, left_out), NULL);
}

/* ERR_* when a call cannot be taken from this peer now. */
static int
may_call(struct front *f, struct net_peer *p, struct err *e)
{
	if (net_peer_data(p) == NULL)
		return err_nomem(e);
	if (f->stopping)
		return err_set(e, ERR_NET, "the %s is being stopped",
		    f->words->noun);
	if (net_peer_open(p) > WIRE_OPEN_MAX)
		return err_set(e, ERR_LIMIT,
		    "%d calls are open on this connection already",
		    WIRE_OPEN_MAX);
	return 0;
}

/* A stranger makes the calls that are a guest's, and is told of no other. */
static int
may_say(const char *person, const struct call_row *row, struct err *e)
{
	if (person[0] != '\0' || (row != NULL && row->guest))
		return 0;
	return err_set(e, ERR_DENIED,
	    "this key is not known here, and what you ask is not for "
	    "strangers");
}

static void
on_call(void *ctx, struct net_peer *p, uint32_t id, struct slice body)
{
	struct front *f = ctx;
	struct err e = {0};

	if (may_call(f, p, &e) != 0)
		front_fail(f, p, id, FORM_JSON, &e);
	else if (may_say(net_peer_person(p), call_of_guest(f->calls, body),
		     &e) != 0)
		front_fail(f, p, id, FORM_JSON, &e);
	else
		pending_make(f, p, id, FORM_JSON, body);
}

static bool
takes_input(void *ctx, const char *words)
{
	const struct front *f = ctx;
	const struct call_row *row = call_of_words(f->calls, words);

	return row != NULL && row->input;
}

static void
on_words(void *ctx, struct net_peer *p, const char *words, struct slice input)
{
	struct front *f = ctx;
	struct str json = STR_INIT;
	struct err e = {0};

	/* Who names nothing is told what there is. */
	if (words[strspn(words, " ")] == '\0')
		words = "help";
	if (may_call(f, p, &e) != 0 ||
	    may_say(net_peer_person(p), call_of_words(f->calls, words), &e) !=
		0 ||
	    call_from_words(f->calls, words, input, &json, &e) != 0)
		front_fail(f, p, 0, FORM_TEXT, &e);
	else
		pending_make(f, p, 0, FORM_TEXT, slice_of(json.p, json.n));
	str_clear(&json);
}

static const struct net_ops ops = {
    .whose = whose,
    .refusal = refusal,
    .came = came,
    .takes_input = takes_input,
    .words = on_words,
    .call = on_call,
    .gone = gone,
    .refused = refused,
};

/* --- metrics -------------------------------------------------------------- */

static void
metrics(void *ctx, struct str *out)
{
	struct front *f = ctx;
	struct net_counts n;

	net_server_counts(f->server, &n);
	str_addn(out, f->gauges.p, f->gauges.n);
	str_addf(out,
	    "writ_front_keeper_up %d\n"
	    "writ_front_sessions %u\n"
	    "writ_front_waiting %u\n"
	    "writ_front_out_bytes %zu\n"
	    "writ_front_accepted_total %llu\n"
	    "writ_front_dropped_total %llu\n"
	    "writ_front_refused_total %llu\n"
	    "writ_front_logins_total %llu\n"
	    "writ_front_calls_total %llu\n"
	    "writ_front_failed_total %llu\n",
	    f->keeper != NULL, n.sessions, n.waiting, n.out,
	    (unsigned long long)n.accepted, (unsigned long long)n.dropped,
	    (unsigned long long)n.refused, (unsigned long long)n.came,
	    (unsigned long long)f->n_calls, (unsigned long long)f->n_failed);
	/* Where nobody is let in as one, there is none to count. */
	if (f->max_guests > 0)
		str_addf(out, "writ_front_guests %u\n", f->n_guests);
}

/* --- the process ---------------------------------------------------------- */

static void
on_signal(void *ctx, uint32_t events)
{
	struct front *f = ctx;
	struct signalfd_siginfo info;

	(void)events;
	if (read(f->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		plog(PLOG_INFO,
		    "nothing to read again: whose keys may come in "
		    "is told by the keeper",
		    NULL);
		return;
	}
	if (f->stopping)
		return;
	plog(PLOG_INFO, "stopping", NULL);
	f->stopping = true;
	f->stop_at = loop_now(f->loop) + FRONT_STOP_MS;
	net_server_stop(f->server);
}

static int
take_sockets(struct front *f, const struct front_setup *s, struct err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; i < s->n_listeners && r == 0; i++)
		if ((r = net_server_add(f->server, s->listeners[i], e)) != 0)
			(void)close(s->listeners[i]);
	for (; i < s->n_listeners; i++)
		(void)close(s->listeners[i]);
	if (r == 0 && s->metrics >= 0)
		r = http_new(f->loop, s->metrics, "/metrics", metrics, f,
		    &f->http, e);
	if (f->http == NULL && s->metrics >= 0)
		(void)close(s->metrics);
	return r;
}

static int
start(struct front *f, const struct front_setup *s, struct err *e)
{
	const struct net_limits limits = {
	    .sessions = s->limits->sessions,
	    .waiting = s->limits->waiting,
	    .per_source = s->limits->per_source,
	    .login_grace_ms = s->limits->login_grace * 1000,
	    .idle_ms = s->limits->idle * 1000,
	    .guest_idle_ms = GUEST_IDLE,
	    .tries = TRIES,
	};
	int r;

	if (keymap_new(&f->keys) != 0 || sources_new(&f->guests_from) != 0)
		return err_nomem(e);
	if ((r = loop_new(&f->loop, e)) != 0 ||
	    (r = net_server_new(f->loop, s->key, "writ", &limits, &ops, f,
		 &f->server, e)) != 0 ||
	    (r = link_start(f, e)) != 0)
		return r;
	return loop_add(f->loop, f->signals, EPOLLIN, on_signal, f,
	    &f->signals_watch, e);
}

int
front_new(const struct front_setup *s, struct front **out, struct err *e)
{
	struct front *f;
	int r;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return err_nomem(e);
	f->words = s->words;
	f->calls = s->calls;
	f->max_guests = s->limits->guests;
	TAILQ_INIT(&f->guests);
	f->dialler = s->dialler;
	f->signals = s->signals;
	f->rate.most = LINES;
	f->rate.span = LINES_SPAN;
	str_init(&f->gauges);
	TAILQ_INIT(&f->all);
	if ((r = start(f, s, e)) != 0 || (r = take_sockets(f, s, e)) != 0) {
		front_free(f);
		return r;
	}
	/* A fleet that comes back with its service would be refused as one. */
	f->known_by = loop_now(f->loop) + FRONT_WAIT_MS;
	f->holds = true;
	net_server_hold(f->server, true);
	*out = f;
	return 0;
}

void
front_free(struct front *f)
{
	if (f == NULL)
		return;
	http_free(f->http);
	net_server_free(f->server); /* its people go, and their calls */
	if (f->keeper != NULL)
		link_close(f);
	watch_free(f->dialler_watch, false);
	watch_free(f->signals_watch, false);
	loop_free(f->loop);
	(void)close(f->dialler);
	keymap_free(f->keys);
	sources_free(f->guests_from);
	str_clear(&f->gauges);
	free(f);
}

/* Whoever comes before the first table of keys waits, as a call does for a
 * keeper; then he is told why he is not let in. */
static void
open_up(struct front *f)
{
	if (!f->holds ||
	    (!keymap_ready(f->keys) && loop_now(f->loop) < f->known_by))
		return;
	f->holds = false;
	net_server_hold(f->server, false);
}

static bool
stopped(const struct front *f)
{
	struct net_counts n;

	if (!f->stopping)
		return false;
	net_server_counts(f->server, &n);
	return n.waiting + n.sessions == 0 || loop_now(f->loop) >= f->stop_at;
}

int
front_run(struct front *f, struct err *e)
{
	int r, timeout = 0;

	while (!stopped(f)) {
		if ((r = loop_turn(f->loop, timeout, e)) != 0)
			return r;
		link_turn(f);
		open_up(f);
		if (f->http != NULL)
			http_sweep(f->http);
		timeout = net_server_turn(f->server);
		/* What people said in this turn, in one piece. */
		if (f->keeper != NULL)
			link_turn(f);
		if (f->keeper == NULL && timeout > TURN_DOWN_MS)
			timeout = TURN_DOWN_MS;
		if (f->dialler_gone)
			return err_set(e, ERR_NET,
			    "the process that connects to the keeper is gone");
	}
	return 0;
}
