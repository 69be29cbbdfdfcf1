/* SPDX-License-Identifier: ISC */
#include "lib/net/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void
requests_are_told_apart(void **state)
{
	static const struct {
		const char *request;
		enum http_want want;
	} cases[] = {
	    {"", HTTP_MORE},
	    {"GET", HTTP_MORE},
	    {"GET /metrics HTTP/1.1\r\n", HTTP_MORE},
	    {"GET /metrics HTTP/1.1\r\n\r\n", HTTP_GET},
	    {"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n", HTTP_GET},
	    {"GET /metrics?x=1 HTTP/1.1\r\n\r\n", HTTP_GET},
	    {"GET /metricsx HTTP/1.1\r\n\r\n", HTTP_ABSENT},
	    {"GET / HTTP/1.1\r\n\r\n", HTTP_ABSENT},
	    {"GET /metrics\r\n\r\n", HTTP_ABSENT},
	    {"GET metrics HTTP/1.1\r\n\r\n", HTTP_BAD},
	    {"POST /metrics HTTP/1.1\r\n\r\n", HTTP_METHOD},
	    {"HEAD /metrics HTTP/1.1\r\n\r\n", HTTP_METHOD},
	    {"get /metrics HTTP/1.1\r\n\r\n", HTTP_BAD},
	    {"SSH-2.0-x\r\n\r\n", HTTP_BAD},
	    {"\r\n\r\n", HTTP_BAD},
	};
	static const uint8_t full[HTTP_REQUEST_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (http_read(slice_str(cases[i].request), "/metrics") !=
		    cases[i].want)
			fail_msg("%s", cases[i].request);
	assert_int_equal(http_read(slice_of(full, sizeof(full)), "/metrics"),
	    HTTP_BAD);
	assert_int_equal(http_read(slice_of(full, sizeof(full) - 1),
			     "/metrics"),
	    HTTP_MORE);
}

#define BODY 3000000 /* more than a socket takes at once */

static void
body(void *ctx, struct str *out)
{
	(void)ctx;
	for (int i = 0; i < BODY / 10; i++)
		str_add(out, "writ_x  1\n");
}

static int
listener(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memset(at, 0, sizeof(*at));
	at->sin_family = AF_INET;
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

/* What comes back for a request that is sent a byte at a time. */
static char *
ask(struct loop *l, const struct sockaddr_in *at, const char *request,
    size_t *n)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t cap = BODY + 1000;
	char *got = malloc(cap);
	struct err e = {0};
	ssize_t r = 1;

	assert_int_equal(connect(fd, (const struct sockaddr *)at, sizeof(*at)),
	    0);
	for (size_t i = 0; i < strlen(request); i++) {
		assert_int_equal(send(fd, request + i, 1, 0), 1);
		assert_int_equal(loop_turn(l, 100, &e), 0);
	}
	*n = 0;
	while (r != 0) {
		assert_int_equal(loop_turn(l, 0, &e), 0);
		r = recv(fd, got + *n, cap - *n - 1, MSG_DONTWAIT);
		if (r > 0)
			*n += (size_t)r;
	}
	got[*n] = '\0';
	close(fd);
	return got;
}

static void
a_text_is_served_and_nothing_else(void **state)
{
	struct sockaddr_in at;
	struct loop *l = NULL;
	struct http *h = NULL;
	struct err e = {0};
	char *got;
	size_t n;

	(void)state;
	assert_int_equal(loop_new(&l, &e), 0);
	assert_int_equal(http_new(l, listener(&at), "/metrics", body, NULL, &h,
			     &e),
	    0);
	got = ask(l, &at, "GET /metrics HTTP/1.1\r\n\r\n", &n);
	assert_memory_equal(got, "HTTP/1.1 200 OK\r\n", 17);
	assert_non_null(strstr(got, "Content-Length: 3000000\r\n"));
	assert_int_equal(n - (size_t)(strstr(got, "\r\n\r\n") + 4 - got), BODY);
	free(got);
	got = ask(l, &at, "GET /x HTTP/1.1\r\n\r\n", &n);
	assert_memory_equal(got, "HTTP/1.1 404 ", 13);
	free(got);
	http_free(h);
	loop_free(l);
}

static void
no_more_than_a_few_at_once(void **state)
{
	int fds[HTTP_PEERS_MAX + 1];
	struct sockaddr_in at;
	struct loop *l = NULL;
	struct http *h = NULL;
	struct err e = {0};
	char byte;

	(void)state;
	assert_int_equal(loop_new(&l, &e), 0);
	assert_int_equal(http_new(l, listener(&at), "/metrics", body, NULL, &h,
			     &e),
	    0);
	for (int i = 0; i <= HTTP_PEERS_MAX; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&at,
				     sizeof(at)),
		    0);
		assert_int_equal(loop_turn(l, 100, &e), 0);
	}
	/* Closed at once, while the others may take their time. */
	assert_int_equal(recv(fds[HTTP_PEERS_MAX], &byte, 1, 0), 0);
	assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), -1);
	http_sweep(h);
	assert_int_equal(recv(fds[0], &byte, 1, MSG_DONTWAIT), -1);
	http_free(h);
	assert_int_equal(recv(fds[0], &byte, 1, 0), 0);
	for (int i = 0; i <= HTTP_PEERS_MAX; i++)
		close(fds[i]);
	loop_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_are_told_apart),
	    cmocka_unit_test(a_text_is_served_and_nothing_else),
	    cmocka_unit_test(no_more_than_a_few_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
