/* SPDX-License-Identifier: ISC */
/* Whom a client talks with, and what it says where it does not. */
#include "lib/net/client.h"

#include <unistd.h>

#include "tests/unit/alloc.h"
#include "tests/unit/clientplay.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(another_host_key_gets_nothing),
	    CASE(one_of_several_host_keys_suffices),
	    CASE(no_host_key_is_not_every_host_key),
	    CASE(a_key_that_is_not_known_is_told_so),
	    CASE(another_subsystem_is_none),
	    CASE(nobody_listening_is_said),
	    CASE(one_who_says_nothing_is_given_up),
	    CASE(one_who_speaks_something_else_is_given_up),
	    CASE(a_name_that_is_none_is_refused),
	    CASE(a_look_shows_the_host_key_and_nothing_else),
	    CASE(a_client_that_gets_no_memory_is_none),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
