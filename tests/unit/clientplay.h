/* SPDX-License-Identifier: ISC */
/*
 * The client and the server of lib/net on one loop, and what each was told.
 * Others play lib/net/client.c themselves (uplinkplay.h), and so this is no part
 * of all tests' programs.
 */
#ifndef TESTS_UNIT_CLIENTPLAY_H
#define TESTS_UNIT_CLIENTPLAY_H

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/key/key.h"
#include "lib/net/client.h"
#include "lib/net/server.h"

#define LONG_MS 20000 /* far more than anything here takes */

static struct loop *loop;
static struct loop *client_loop; /* the same, but for one test */
static struct net_server *server;
static struct net_client *client;
static struct net_client_options options;
static const char *pinned[2];
static char *host_key, *host_line, *our_key, *other_line;
static char ours[FINGERPRINT_MAX]; /* that the server lets in */

/* What the server saw. */
static unsigned came, refused, gone;
static struct net_peer *peer;
static uint32_t late_id; /* of a call that it keeps for later */

/* What the client was told. */
static unsigned ups, downs;
static struct err down;

struct told {
	unsigned n, last;
	int code; /* of why */
	uint8_t status;
	char body[200];
	size_t body_n;
};

static void
make_key(char **text, char **line, char *fingerprint)
{
	struct str s = STR_INIT, l = STR_INIT;
	struct key *k = NULL;

	assert_int_equal(key_generate(PUBKEY_ED25519, &k, NULL), 0);
	assert_int_equal(key_encode_openssh(k, "", NULL, 0, &s, NULL), 0);
	pubkey_add_line(&l, key_public(k), "a comment");
	if (fingerprint != NULL)
		pubkey_fingerprint(key_public(k), fingerprint);
	assert_int_equal(str_take(&s, text), 0);
	assert_int_equal(str_take(&l, line), 0);
	key_free(k);
}

/* --- the server ----------------------------------------------------------- */

static const char *
whose(void *ctx, const struct net_key *k, const struct source *guest_from,
    bool here)
{
	(void)ctx;
	(void)guest_from;
	(void)here;
	return strcmp(k->fingerprint, ours) == 0 ? "us" : NULL;
}

static void
refusal(void *ctx, const struct net_key *keys, size_t n, struct str *out)
{
	(void)ctx;
	(void)keys;
	(void)n;
	str_add(out, "no\n");
}

static void
on_came(void *ctx, struct net_peer *p)
{
	(void)ctx;
	came++;
	peer = p;
}

static bool
takes_input(void *ctx, const char *words)
{
	(void)ctx;
	(void)words;
	return false;
}

static void
on_words(void *ctx, struct net_peer *p, const char *words, struct slice input)
{
	(void)ctx;
	(void)words;
	(void)input;
	net_peer_exit(p, 1);
}

/* "echo": itself; "twice": news before it; "big": 5 MiB; "later": not now;
 * "wrong": an answer to no call. */
static void
on_call(void *ctx, struct net_peer *p, uint32_t id, struct slice body)
{
	static char big[5 * 1024 * 1024];

	(void)ctx;
	if (slice_is(body, "{\"c\":\"later\"}")) {
		late_id = id;
		return;
	}
	if (slice_is(body, "{\"c\":\"twice\"}"))
		net_peer_answer(p, id, false, 0, slice_str("{\"news\":1}"));
	if (slice_is(body, "{\"c\":\"wrong\"}"))
		net_peer_answer(p, 4711, true, 0, slice_str("{}"));
	if (slice_is(body, "{\"c\":\"big\"}")) {
		memset(big, ' ', sizeof(big));
		big[0] = '{';
		big[sizeof(big) - 1] = '}';
		body = slice_of(big, sizeof(big));
	}
	net_peer_answer(p, id, true, 3, body);
}

static void
on_gone(void *ctx, struct net_peer *p, const char *why)
{
	(void)ctx;
	(void)p;
	(void)why;
	gone++;
	peer = NULL;
}

static void
on_refused(void *ctx, const struct source *from, const char *address,
    const struct net_key *last, const char *why)
{
	(void)ctx;
	(void)from;
	(void)address;
	(void)last;
	(void)why;
	refused++;
}

static void
start_server(const char *subsystem)
{
	static const struct net_ops ops = {whose, refusal, on_came, takes_input,
	    on_words, on_call, on_gone, on_refused};
	static const struct net_limits limits = {
	    10, 10, 10, LONG_MS, LONG_MS, LONG_MS, 5};
	struct sockaddr_in a = {0};
	socklen_t len = sizeof(a);
	int fd = -1;

	assert_int_equal(net_server_new(loop, host_key, subsystem, &limits,
			     &ops, NULL, &server, NULL),
	    0);
	assert_int_equal(net_listen("127.0.0.1", 0, &fd, NULL), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	options.port = ntohs(a.sin_port);
	assert_int_equal(net_server_add(server, fd, NULL), 0);
}

/* --- the client ----------------------------------------------------------- */

static void
on_up(void *ctx)
{
	(void)ctx;
	ups++;
}

static void
on_down(void *ctx, const struct err *why)
{
	(void)ctx;
	downs++;
	down = *why;
}

static void
on_answer(void *ctx, const struct net_client_answer *a)
{
	struct told *t = ctx;

	t->n++;
	t->last += a->last;
	t->status = a->status;
	t->code = a->why != NULL ? (int)a->why->code : 0;
	t->body_n = a->body.n;
	(void)snprintf(t->body, sizeof(t->body), "%.*s",
	    a->body.n < 100 ? (int)a->body.n : 100, (const char *)a->body.p);
}

static int
open_client(void)
{
	static const struct net_client_ops ops = {on_up, on_down};

	return net_client_new(client_loop, &options, &ops, NULL, &client, NULL);
}

static void
turn(void)
{
	int a = server != NULL ? net_server_turn(server) : 100;
	int b = client != NULL ? net_client_turn(client) : 100;

	if (b >= 0 && b < a)
		a = b;
	if (client_loop != loop) {
		a = 0;
		assert_int_equal(loop_turn(client_loop, 5, NULL), 0);
	}
	assert_int_equal(loop_turn(loop, a < 0 || a > 100 ? 100 : a, NULL), 0);
}

/* Go on until *n is at least want. */
static void
until(const unsigned *n, unsigned want)
{
	int64_t end = clock_mono_ms() + LONG_MS;

	while (*n < want) {
		turn();
		if (clock_mono_ms() > end)
			fail_msg("it does not come: %u of %u", *n, want);
	}
}

static int
call(const char *body, int ms, struct told *t)
{
	return net_client_call(client, slice_str(body), ms, on_answer, t, NULL);
}

static int
setup(void **state)
{
	(void)state;
	came = refused = gone = ups = downs = 0;
	late_id = 0;
	peer = NULL;
	memset(&down, 0, sizeof(down));
	pinned[0] = host_line;
	options = (struct net_client_options){.host = "127.0.0.1",
	    .host_keys = pinned,
	    .n_host_keys = 1,
	    .key = our_key,
	    .subsystem = "writ"};
	if (loop_new(&loop, NULL) != 0)
		return 1;
	client_loop = loop;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	net_client_free(client);
	client = NULL;
	net_server_free(server);
	server = NULL;
	if (client_loop != loop)
		loop_free(client_loop);
	loop_free(loop);
	loop = client_loop = NULL;
	return 0;
}

static int
group_setup(void **state)
{
	(void)state;
	make_key(&host_key, &host_line, NULL);
	make_key(&our_key, &other_line, ours);
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	free(host_key);
	free(host_line);
	free(our_key);
	free(other_line);
	return 0;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
