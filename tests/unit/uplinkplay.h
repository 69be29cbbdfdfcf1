/* SPDX-License-Identifier: ISC */
/*
 * The agent's link between a master and an applier that are played here: the
 * master in place of lib/net/client.h, the applier at the other end of the real
 * frames.  What stands here takes the place of lib/net/client.c in the program
 * that includes it, and so is no part of all tests' programs.
 */
#ifndef TESTS_UNIT_UPLINKPLAY_H
#define TESTS_UNIT_UPLINKPLAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/crypto/hash.h"
#include "lib/net/client.h"
#include "lib/proc/plog.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define CALLS    8
#define HOST_KEY 50 /* seeds of keys */
#define OUR_KEY  51 /* the link's */
#define TURNS    400 /* an endless loop has many more */
#define MASTERS  "\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"}]"
#define ACCEPTED "{" MASTERS ",\"accepted\":true,\"seq\":\"0\"}"

/* --- the master ----------------------------------------------------------- */

struct net_client {
	const struct net_client_ops *ops;
	void *ctx;
	bool up, down;
	uint16_t port;
	struct {
		char body[8192];
		net_client_fn *fn;
		void *ctx;
	} calls[CALLS];
	size_t n_calls;
	net_client_fn *attends; /* it goes on */
	void *attend_ctx;
};

static struct play {
	char dir[TMPDIR_MAX];
	struct uplink *u;
	struct chan *applier;
	struct watch *watch;
	/* What the applier says to a verb; NULL: what it holds. */
	const char *says[VERB_LOGINS + 1];
	const char *held;
	unsigned asked[VERB_LOGINS + 1];
	char last_args[1024];
	bool works; /* it does not answer yet */
	uint32_t owes;
	/* What the master says to enrol and attend, what to an object. */
	const char *enrol, *attend, *news;
	const char *token;   /* to enrol by one; NULL: as to all */
	const char *object;  /* NULL: that it has none */
	/* To a chain; and what is its MANIFEST, of that name. */
	const char *chain, *manifest, *manifest_name;
	const char *report;  /* NULL: likewise */
	unsigned reported;
	bool enrol_by_token; /* the last one had an acceptance */
	bool drops;          /* the connection ends in the next turn */
	uint16_t dead;       /* nobody answers at this port */
	enum err_code why;   /* for this reason; 0: it is lost */
	unsigned connected, attended, turns;
} p;

int
net_client_new(struct loop *l, const struct net_client_options *o,
    const struct net_client_ops *ops, void *ctx, struct net_client **out,
    struct err *e)
{
	struct net_client *c;

	(void)l;
	(void)e;
	alloc_hold(true);
	c = calloc(1, sizeof(*c));
	alloc_hold(false);
	assert_non_null(c);
	c->ops = ops;
	c->ctx = ctx;
	c->port = o->port;
	p.connected++;
	*out = c;
	return 0;
}

void
net_client_free(struct net_client *c)
{
	free(c);
}

bool
net_client_is_up(const struct net_client *c)
{
	return c->up && !c->down;
}

int
net_client_call(struct net_client *c, struct slice body, int ms,
    net_client_fn *fn, void *ctx, struct err *e)
{
	size_t i = c->n_calls;

	(void)ms;
	(void)e;
	assert_true(i < CALLS);
	(void)snprintf(c->calls[i].body, sizeof(c->calls[i].body), "%.*s",
	    (int)body.n, (const char *)body.p);
	c->calls[i].fn = fn;
	c->calls[i].ctx = ctx;
	c->n_calls++;
	return 0;
}

static void
applier_answers(uint32_t id, const char *text)
{
	char body[1024];

	(void)snprintf(body, sizeof(body), "{%s%s\"held\":%s}",
	    text != NULL ? text : "", text != NULL ? "," : "", p.held);
	assert_int_equal(chan_send(p.applier, VERB_ANSWER, id, slice_str(body),
			     NULL),
	    0);
}

static void
answer(net_client_fn *fn, void *ctx, const char *text, bool last)
{
	struct net_client_answer a = {.last = last, .body = slice_str(text)};

	fn(ctx, &a);
}

static void
hear(struct net_client *c, const char *body, net_client_fn *fn, void *ctx)
{
	bool is_object = strstr(body, "\"call\":\"object\"") != NULL;

	if (strstr(body, "\"call\":\"attend\"") != NULL) {
		p.attended++;
		if (p.attend != NULL)
			answer(fn, ctx, p.attend, false);
		if (p.works && p.attended > 1) {
			p.works = false;
			applier_answers(p.owes, NULL);
		}
		c->attends = fn;
		c->attend_ctx = ctx;
		return;
	}
	/* Something else is wanted all of a sudden. */
	if (is_object && p.news != NULL) {
		answer(c->attends, c->attend_ctx, p.news, false);
		p.news = NULL;
	}
	if (strstr(body, "\"call\":\"enrol\"") != NULL) {
		p.enrol_by_token = strstr(body, "\"accept\":") != NULL;
		answer(fn, ctx,
		    p.token != NULL && p.enrol_by_token ? p.token : p.enrol,
		    true);
	} else if (strstr(body, "\"call\":\"chain\"") != NULL &&
	    p.chain != NULL) {
		answer(fn, ctx, p.chain, true);
	} else if (is_object && p.manifest != NULL &&
	    strstr(body, p.manifest_name) != NULL) {
		answer(fn, ctx, p.manifest, true);
	} else if (strstr(body, "\"call\":\"report\"") != NULL &&
	    p.report != NULL) {
		p.reported++;
		answer(fn, ctx, p.report, true);
	} else {
		answer(fn, ctx,
		    is_object && p.object != NULL
			? p.object
			: "{\"error\":\"none\",\"code\":\"notfound\"}",
		    true);
	}
}

static void
go_down(struct net_client *c)
{
	struct err why = {
	    .code = p.why != 0 ? p.why : ERR_NET, .msg = "it is lost"};
	struct net_client_answer a = {.last = true, .why = &why};

	p.drops = false;
	c->down = true;
	for (size_t i = 0; i < c->n_calls; i++)
		c->calls[i].fn(c->calls[i].ctx, &a);
	c->n_calls = 0;
	c->ops->down(c->ctx, &why);
}

int
net_client_turn(struct net_client *c)
{
	assert_true(++p.turns < TURNS);
	if (c->down)
		return -1;
	if (!c->up && c->port == p.dead) {
		go_down(c);
		return 0;
	}
	if (!c->up) {
		c->up = true;
		c->ops->up(c->ctx);
		return 0;
	}
	if (p.drops) {
		go_down(c);
		return 0;
	}
	if (c->n_calls == 0)
		return -1;
	c->n_calls--;
	hear(c, c->calls[c->n_calls].body, c->calls[c->n_calls].fn,
	    c->calls[c->n_calls].ctx);
	return 0;
}

/* --- the applier ---------------------------------------------------------- */

static void
on_applier(void *ctx, uint32_t events)
{
	struct frame f;

	(void)ctx;
	(void)events;
	alloc_hold(true);
	assert_int_equal(chan_read(p.applier, NULL), 0);
	while (chan_next(p.applier, &f, NULL) == 0) {
		assert_true(f.type >= VERB_LOOK && f.type <= VERB_LOGINS);
		p.asked[f.type]++;
		(void)snprintf(p.last_args, sizeof(p.last_args), "%.*s",
		    (int)f.payload.n, (const char *)f.payload.p);
		if (p.works)
			p.owes = f.id;
		else
			applier_answers(f.id, p.says[f.type]);
	}
	alloc_hold(false);
}

/* --- the link between them ------------------------------------------------ */

static void
begin(const char *held)
{
	struct err e = {0};
	int fds[2];

	p.held = held;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds),
	    0);
	assert_int_equal(uplink_new(p.dir, "key", fixture_line(OUR_KEY), fds[0],
			     &p.u, &e),
	    0);
	assert_int_equal(chan_new(fds[1], &p.applier, &e), 0);
	assert_int_equal(loop_add(p.u->loop, fds[1], EPOLLIN, on_applier, NULL,
			     &p.watch, &e),
	    0);
	assert_int_equal(uplink_ask(p.u, VERB_LOOK, "", NULL, &e), 0);
}

/* Once more from nothing, for the same play. */
static void
end(void)
{
	uplink_free(p.u);
	chan_free(p.applier);
	p.u = NULL;
	p.applier = NULL;
}

static void
come_up(void)
{
	struct err e = {0};

	assert_int_equal(uplink_connect(p.u, &e), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(uplink_turn(p.u, 0, &e), 0);
	assert_true(uplink_is_up(p.u));
}

#define A16 "aaaaaaaaaaaaaaaa"
#define B16 "bbbbbbbbbbbbbbbb"
#define ONE A16 A16 A16 A16
#define TWO B16 B16 B16 B16

static void
be_wanted(const char *want)
{
	struct err e = {0};

	p.attend = want;
	assert_int_equal(uplink_attend(p.u, &e), 0);
	for (int i = 0; i < 3 && p.u->want == NULL; i++)
		assert_int_equal(uplink_turn(p.u, 0, &e), 0);
	assert_non_null(p.u->want);
}

static int
set_up(void **state)
{
	(void)state;
	plog_init("test", PLOG_ERR);
	memset(&p, 0, sizeof(p));
	tmpdir_make(p.dir, "uplink");
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const files[] = {SPOOL_ENROL, SPOOL_CERTIFICATE};
	char path[TMPDIR_MAX + 16];

	(void)state;
	alloc_fail_nth(0);
	end();
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", p.dir, files[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(p.dir), 0);
	return 0;
}

static void
put_enrol(struct slice text)
{
	char path[TMPDIR_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/%s", p.dir, SPOOL_ENROL);
	assert_int_equal(file_write(path, (const char *)text.p, text.n, 0600, 0,
			     NULL),
	    0);
}

/* With the transport key of that seed. */
static void
enrols_with(uint8_t seed)
{
	struct statement s;

	fixture_statement(&s, ST_ENROL, "web-1.example.com");
	assert_int_equal(pubkey_dup(fixture_key(HOST_KEY),
			     &s.u.enrol.host_key),
	    0);
	assert_int_equal(pubkey_dup(fixture_key(seed),
			     &s.u.enrol.transport_key),
	    0);
	s.u.enrol.hostname = str_dup("web-1");
	fixture_sign(&s, FIXTURE_BY(HOST_KEY, seed));
	put_enrol(slice_of(s.bytes, s.n_bytes));
	statement_clear(&s);
}

/* What it asks with lies there. */
static void
has_enrol(void)
{
	enrols_with(OUR_KEY);
}

#endif
