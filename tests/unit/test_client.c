/* SPDX-License-Identifier: ISC */
/* The client and the server of lib/net, on one loop. */
#include "lib/net/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/key/key.h"
#include "lib/net/server.h"
#include "lib/net/wire.h"
#include "tests/unit/alloc.h"

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

/* --- it works ------------------------------------------------------------- */

static void
several_calls_are_answered_each_by_its_own(void **state)
{
	struct told later = {0}, echo = {0}, twice = {0}, big = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	/* Before it is up, too. */
	assert_int_equal(call("{\"c\":\"later\"}", -1, &later), 0);
	until(&ups, 1);
	assert_true(net_client_is_up(client));
	assert_int_equal(call("{\"c\":\"echo\"}", LONG_MS, &echo), 0);
	assert_int_equal(call("{\"c\":\"twice\"}", LONG_MS, &twice), 0);
	assert_int_equal(call("{\"c\":\"big\"}", LONG_MS, &big), 0);
	assert_int_equal(net_client_open(client), 4);
	until(&echo.last, 1);
	assert_string_equal(echo.body, "{\"c\":\"echo\"}");
	assert_int_equal(echo.status, 3);
	until(&twice.last, 1);
	assert_int_equal(twice.n, 2);
	until(&big.last, 1);
	assert_int_equal(big.body_n, 5 * 1024 * 1024);
	assert_int_equal(later.n, 0);
	assert_int_equal(net_client_open(client), 1);
	net_peer_answer(peer, late_id, true, 0, slice_str("{\"d\":1}"));
	until(&later.last, 1);
	assert_string_equal(later.body, "{\"d\":1}");
	assert_int_equal(came, 1);
	assert_int_equal(downs, 0);
}

static void
a_call_of_the_longest_kind_arrives(void **state)
{
	char *body = malloc(WIRE_CALL_MAX + 1);
	struct told t = {0};

	(void)state;
	assert_non_null(body);
	memset(body, ' ', WIRE_CALL_MAX + 1);
	body[0] = '{';
	body[WIRE_CALL_MAX - 1] = '}';
	start_server("writ");
	assert_int_equal(open_client(), 0);
	assert_int_equal(net_client_call(client,
			     slice_of(body, WIRE_CALL_MAX + 1), -1, on_answer,
			     &t, NULL),
	    ERR_LIMIT);
	for (int i = 0; i < 3; i++)
		assert_int_equal(net_client_call(client,
				     slice_of(body, WIRE_CALL_MAX), -1,
				     on_answer, &t, NULL),
		    0);
	/* Three and their heads wait; a fourth is more than may wait. */
	assert_int_equal(net_client_call(client, slice_of(body, WIRE_CALL_MAX),
			     -1, on_answer, &t, NULL),
	    ERR_LIMIT);
	until(&t.last, 3);
	assert_int_equal(t.body_n, WIRE_CALL_MAX);
	free(body);
}

static void
as_many_calls_as_may_be_are_open(void **state)
{
	struct told t = {0}, more = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	for (int i = 0; i < WIRE_OPEN_MAX; i++)
		assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), 0);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &more), ERR_LIMIT);
	until(&t.last, WIRE_OPEN_MAX);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &more), 0);
	until(&more.last, 1);
}

static void
a_silent_peer_that_lives_is_kept(void **state)
{
	struct told t = {0};
	int64_t end;

	(void)state;
	options.keepalive_ms = 300;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	end = clock_mono_ms() + 1500;
	while (clock_mono_ms() < end)
		turn();
	assert_int_equal(downs, 0);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), 0);
	until(&t.last, 1);
	assert_int_equal(t.code, 0);
}

/* --- it does not ---------------------------------------------------------- */

static void
another_host_key_gets_nothing(void **state)
{
	struct told t = {0};

	(void)state;
	start_server("writ");
	pinned[0] = other_line;
	assert_int_equal(open_client(), 0);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), 0);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_DENIED);
	assert_non_null(strstr(down.msg, "not one that is trusted"));
	assert_int_equal(t.last, 1);
	assert_int_equal(t.code, ERR_DENIED);
	until(&refused, 1);
	assert_int_equal(came, 0);
	assert_int_equal(ups, 0);
	assert_true(net_client_is_down(client));
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), ERR_NET);
}

static void
one_of_several_host_keys_suffices(void **state)
{
	(void)state;
	start_server("writ");
	pinned[0] = other_line;
	pinned[1] = host_line;
	options.n_host_keys = 2;
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
}

static void
no_host_key_is_not_every_host_key(void **state)
{
	(void)state;
	options.port = 1;
	options.n_host_keys = 0;
	assert_int_equal(open_client(), ERR_USAGE);
	options.n_host_keys = 1;
	pinned[0] = "ssh-ed25519 AAAA";
	assert_int_equal(open_client(), ERR_PARSE);
	pinned[0] = host_line;
	options.key = "no key";
	assert_int_equal(open_client(), ERR_PARSE);
}

static void
a_key_that_is_not_known_is_told_so(void **state)
{
	(void)state;
	start_server("writ");
	options.key = host_key;
	assert_int_equal(open_client(), 0);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_DENIED);
	assert_non_null(strstr(down.msg, "does not know our key"));
	assert_int_equal(came, 0);
}

static void
another_subsystem_is_none(void **state)
{
	(void)state;
	start_server("else");
	assert_int_equal(open_client(), 0);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_NET);
	assert_non_null(strstr(down.msg, "no subsystem writ"));
}

static int
bound(bool listening)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (listening)
		assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	options.port = ntohs(a.sin_port);
	return fd;
}

static void
nobody_listening_is_said(void **state)
{
	int fd = bound(false);

	(void)state;
	assert_int_equal(open_client(), 0);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_NET);
	assert_non_null(strstr(down.msg, "nobody listens there"));
	assert_non_null(strstr(down.msg, "127.0.0.1:"));
	(void)close(fd);
}

static void
one_who_says_nothing_is_given_up(void **state)
{
	int fd = bound(true);

	(void)state;
	options.connect_ms = 200;
	assert_int_equal(open_client(), 0);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_NET);
	assert_non_null(strstr(down.msg, "does not answer"));
	(void)close(fd);
}

static void
one_who_speaks_something_else_is_given_up(void **state)
{
	int fd = bound(true), s;

	(void)state;
	assert_int_equal(open_client(), 0);
	turn();
	s = accept(fd, NULL, NULL);
	assert_int_not_equal(s, -1);
	assert_int_equal(write(s, "HTTP/1.1 400 Bad\r\n\r\n", 20), 20);
	(void)close(s);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_NET);
	(void)close(fd);
}

static void
a_name_that_is_none_is_refused(void **state)
{
	(void)state;
	options.host = "no-such-host.invalid";
	options.port = 1;
	assert_int_equal(open_client(), ERR_NOTFOUND);
}

static void
a_call_that_takes_too_long_ends_alone(void **state)
{
	struct told slow = {0}, t = {0};
	uint32_t id;

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	assert_int_equal(call("{\"c\":\"later\"}", 50, &slow), 0);
	until(&slow.last, 1);
	assert_int_equal(slow.code, ERR_NET);
	while (late_id == 0)
		turn();
	id = late_id;
	assert_int_equal(net_client_open(client), 1);
	net_peer_answer(peer, id, false, 0, slice_str("{}"));
	net_peer_answer(peer, id, true, 0, slice_str("{}"));
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), 0);
	until(&t.last, 1);
	assert_int_equal(slow.n, 1);
	assert_int_equal(net_client_open(client), 0);
	assert_int_equal(downs, 0);
}

static void
who_goes_takes_the_calls_along(void **state)
{
	struct told t = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	assert_int_equal(call("{\"c\":\"later\"}", -1, &t), 0);
	while (late_id == 0)
		turn();
	net_server_free(server);
	server = NULL;
	until(&downs, 1);
	assert_int_equal(down.code, ERR_NET);
	assert_int_equal(t.last, 1);
	assert_int_equal(t.code, ERR_NET);
}

static void
a_peer_without_a_sign_of_life_is_given_up(void **state)
{
	int64_t end;

	(void)state;
	options.keepalive_ms = 100;
	start_server("writ");
	assert_int_equal(loop_new(&client_loop, NULL), 0);
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	/* As if it were stopped: its socket is there, and nobody reads it. */
	end = clock_mono_ms() + LONG_MS;
	while (downs == 0 && clock_mono_ms() < end) {
		(void)net_client_turn(client);
		assert_int_equal(loop_turn(client_loop, 10, NULL), 0);
	}
	assert_int_equal(downs, 1);
	assert_non_null(strstr(down.msg, "no sign of life"));
}

/*
 * What came is sometimes found by net_client_turn(), not by the loop.  An owner who
 * then went to sleep would not act on it before the next sign of life.
 */
static void
who_is_told_something_is_not_sent_to_sleep(void **state)
{
	struct told t = {0};
	unsigned told;
	int ms;

	(void)state;
	start_server("writ");
	assert_int_equal(loop_new(&client_loop, NULL), 0);
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	assert_int_equal(call("{\"c\":\"twice\"}", -1, &t), 0);
	do {
		told = t.n;
		(void)net_server_turn(server);
		assert_int_equal(loop_turn(loop, 1, NULL), 0);
		ms = net_client_turn(client);
		assert_true(t.n == told || ms == 0);
	} while (t.last == 0);
	assert_int_equal(t.n, 2);
	assert_true(net_client_turn(client) > 0);
}

static void
an_answer_to_no_call_ends_it(void **state)
{
	struct told t = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	assert_int_equal(call("{\"c\":\"wrong\"}", -1, &t), 0);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_PARSE);
	assert_int_equal(t.last, 1);
}

static void
a_look_shows_the_host_key_and_nothing_else(void **state)
{
	struct told t = {0};
	char shown[FINGERPRINT_MAX];
	struct pubkey *k = NULL;
	char want[FINGERPRINT_MAX];

	(void)state;
	start_server("writ");
	options = (struct net_client_options){
	    .host = "127.0.0.1", .port = options.port, .look = true};
	assert_int_equal(open_client(), 0);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), ERR_USAGE);
	until(&downs, 1);
	assert_int_equal(ups, 1);
	assert_non_null(net_client_host_key(client));
	hash_fingerprint(net_client_host_key(client), shown);
	assert_int_equal(pubkey_parse_line(host_line, strlen(host_line), &k,
			     NULL, NULL),
	    0);
	pubkey_fingerprint(k, want);
	assert_string_equal(shown, want);
	pubkey_free(k);
	until(&refused, 1);
	assert_int_equal(came, 0);
}

static int
make_and_free(void *arg)
{
	int r = open_client();

	(void)arg;
	if (r == 0)
		net_client_free(client);
	client = NULL;
	return r;
}

static void
a_client_that_gets_no_memory_is_none(void **state)
{
	int fd = bound(true);

	(void)state;
	assert_true(alloc_each(make_and_free, NULL) > 3);
	(void)close(fd);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(several_calls_are_answered_each_by_its_own),
	    CASE(a_call_of_the_longest_kind_arrives),
	    CASE(as_many_calls_as_may_be_are_open),
	    CASE(a_silent_peer_that_lives_is_kept),
	    CASE(another_host_key_gets_nothing),
	    CASE(one_of_several_host_keys_suffices),
	    CASE(no_host_key_is_not_every_host_key),
	    CASE(a_key_that_is_not_known_is_told_so),
	    CASE(another_subsystem_is_none),
	    CASE(nobody_listening_is_said),
	    CASE(one_who_says_nothing_is_given_up),
	    CASE(one_who_speaks_something_else_is_given_up),
	    CASE(a_name_that_is_none_is_refused),
	    CASE(a_call_that_takes_too_long_ends_alone),
	    CASE(who_goes_takes_the_calls_along),
	    CASE(a_peer_without_a_sign_of_life_is_given_up),
	    CASE(who_is_told_something_is_not_sent_to_sleep),
	    CASE(an_answer_to_no_call_ends_it),
	    CASE(a_look_shows_the_host_key_and_nothing_else),
	    CASE(a_client_that_gets_no_memory_is_none),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
