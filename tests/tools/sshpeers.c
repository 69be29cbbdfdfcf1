/* SPDX-License-Identifier: ISC */
/*
 * Peers of an SSH server on this machine, well-behaved and others.
 *
 *	sshpeers PORT KEY hold N	N sessions with the subsystem writ; then a
 *					line of standard input at a time:
 *		rtt K		K round trips, each on another session
 *		stall N SIZE	one session more, that asks for N answers of SIZE
 *				bytes and reads none
 *		wait MS		nothing
 *	sshpeers PORT KEY handshakes N [USER]	connect, log in, go; N times
 *	sshpeers PORT KEY silent N	connections that say little or nothing
 *					until they are cut
 *	sshpeers PORT KEY trickle N	connections that say a byte at a time, all
 *					at once, of a packet that never ends, until
 *					they are cut
 *	sshpeers PORT KEY passwords N	log in by passwords, N times or until cut
 *	sshpeers PORT KEY frame HEX	those bytes to the subsystem; what comes
 *
 * What came of it is a line on standard output; times are microseconds.
 */
#include <arpa/inet.h>
#include <libssh/libssh.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/net/wire.h"

#define WAIT_MS 60000

static int port;
static ssh_key key;

struct peer {
	ssh_session s;
	ssh_channel c;
};

static void
die(const char *what)
{
	fprintf(stderr, "sshpeers: %s\n", what);
	exit(1);
}

static double
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static ssh_session
reach(const char *user)
{
	ssh_session s = ssh_new();
	const int yes = 1;
	bool no = false;

	if (s == NULL)
		die("no memory");
	ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(s, SSH_OPTIONS_NODELAY, &yes);
	ssh_options_set(s, SSH_OPTIONS_HOST, "127.0.0.1");
	ssh_options_set(s, SSH_OPTIONS_PORT, &port);
	ssh_options_set(s, SSH_OPTIONS_USER, user);
	ssh_options_set(s, SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256");
	if (ssh_connect(s) != SSH_OK)
		die(ssh_get_error(s));
	return s;
}

static void
enter(ssh_session s)
{
	if (ssh_userauth_publickey(s, NULL, key) != SSH_AUTH_SUCCESS)
		die(ssh_get_error(s));
}

static struct peer
subsystem(void)
{
	struct peer p = {.s = reach("me")};

	enter(p.s);
	if ((p.c = ssh_channel_new(p.s)) == NULL ||
	    ssh_channel_open_session(p.c) != SSH_OK ||
	    ssh_channel_request_subsystem(p.c, "writ") != SSH_OK)
		die(ssh_get_error(p.s));
	return p;
}

static void
call(const struct peer *p, uint32_t id, const char *json)
{
	struct wire_frame f = {.id = id, .body = slice_str(json)};
	struct buf *b = NULL;
	struct slice s;

	if (buf_new(&b, 1000) != 0 || wire_put(b, WIRE_CALL, &f) != 0)
		die("frame");
	s = buf_slice(b);
	if (ssh_channel_write(p->c, s.p, (uint32_t)s.n) != (int)s.n)
		die(ssh_get_error(p->s));
	buf_free(b);
}

static void
answer(const struct peer *p)
{
	struct wire_reader *r = NULL;
	struct wire_frame f = {0};
	struct err e = {0};
	uint8_t bytes[16384];
	size_t took;
	int n, ret;

	if (wire_reader_new(WIRE_ANSWER, &r) != 0)
		die("no memory");
	while ((ret = wire_next(r, &f, &e)) == WIRE_NONE) {
		n = ssh_channel_read_timeout(p->c, bytes, sizeof(bytes), 0,
		    WAIT_MS);
		if (n <= 0 ||
		    wire_feed(r, slice_of(bytes, (size_t)n), &took) != 0)
			die("no answer");
	}
	if (ret != 0 || !f.last)
		die(e.msg);
	wire_reader_free(r);
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
round_trips(const struct peer *peers, size_t n, size_t k)
{
	double *us = calloc(k, sizeof(*us)), start;

	if (us == NULL || k == 0)
		die("rtt how many?");
	for (size_t i = 0; i < k; i++) {
		start = now_us();
		call(&peers[i % n], 7, "{\"call\":\"hello\"}");
		answer(&peers[i % n]);
		us[i] = now_us() - start;
	}
	qsort(us, k, sizeof(*us), by_value);
	printf("rtt %.0f %.0f %.0f\n", us[k / 2], us[k * 99 / 100], us[k - 1]);
	free(us);
}

static void
stall(unsigned n, unsigned long size)
{
	struct peer p = subsystem();
	char json[100];

	snprintf(json, sizeof(json),
	    "{\"call\":\"show\",\"ids\":[\"big:%lu\"]}", size);
	for (unsigned i = 0; i < n; i++)
		call(&p, i + 1, json);
	printf("stalled\n");
}

/* "WORD NUMBER": is it that word, and which number? */
static bool
is_order(const char *line, const char *word, unsigned *k, char **rest)
{
	size_t n = strlen(word);

	if (strncmp(line, word, n) != 0 || line[n] != ' ')
		return false;
	*k = (unsigned)strtoul(line + n, rest, 10);
	return *rest != line + n;
}

static void
hold(size_t n)
{
	struct peer *peers = calloc(n, sizeof(*peers));
	char *rest;
	unsigned k;
	char line[100];

	if (peers == NULL)
		die("no memory");
	for (size_t i = 0; i < n; i++)
		peers[i] = subsystem();
	printf("open %zu\n", n);
	while (fgets(line, sizeof(line), stdin) != NULL)
		if (is_order(line, "rtt", &k, &rest))
			round_trips(peers, n, k);
		else if (is_order(line, "stall", &k, &rest))
			stall(k, strtoul(rest, NULL, 10));
		else if (is_order(line, "wait", &k, &rest))
			(void)usleep(1000 * (useconds_t)k);
		else
			die(line);
	free(peers);
}

static void
handshakes(unsigned n, const char *user)
{
	double start = now_us();
	ssh_session s;

	for (unsigned i = 0; i < n; i++) {
		s = reach(user);
		enter(s);
		ssh_disconnect(s);
		ssh_free(s);
	}
	printf("handshakes %u %.0f\n", n, now_us() - start);
}

/* One says nothing, the next half of what one begins with, the third all. */
static void
silent(size_t n)
{
	static const char *const words[] = {"", "SSH-2", "SSH-2.0-x\r\n"};
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct pollfd *p = calloc(n, sizeof(*p));
	double start = now_us();
	size_t left = n;
	char bytes[4096];

	if (p == NULL)
		die("no memory");
	for (size_t i = 0; i < n; i++) {
		const char *w = words[i % 3];

		p[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		p[i].events = POLLIN;
		if (connect(p[i].fd, (struct sockaddr *)&to, sizeof(to)) != 0)
			die("connect");
		(void)!write(p[i].fd, w, strlen(w));
	}
	printf("waiting\n");
	while (left > 0 && poll(p, n, WAIT_MS) > 0)
		for (size_t i = 0; i < n; i++)
			if (p[i].revents != 0 &&
			    read(p[i].fd, bytes, sizeof(bytes)) <= 0) {
				close(p[i].fd);
				p[i].fd = -1;
				left--;
			}
	printf("cut %zu of %zu %.0f\n", n - left, n, now_us() - start);
	free(p);
}

/* How many of n sockets took one more byte; the others are closed. */
static size_t
drip(int *fds, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (fds[i] == -1)
			continue;
		if (send(fds[i], "", 1, MSG_NOSIGNAL) == 1) {
			left++;
			continue;
		}
		close(fds[i]);
		fds[i] = -1;
	}
	return left;
}

/* All at once, so that a server has more to read than it likes to. */
static void
trickle(size_t n)
{
	static const char begin[] = "SSH-2.0-x\r\n\0\0\200"; /* 32 kB */
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int *fds = calloc(n, sizeof(*fds));
	double start = now_us();
	size_t left = n;

	if (fds == NULL)
		die("no memory");
	for (size_t i = 0; i < n; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fds[i], (struct sockaddr *)&to, sizeof(to)) != 0)
			die("connect");
		(void)!write(fds[i], begin, sizeof(begin) - 1);
	}
	printf("waiting\n");
	while (left > 0 && now_us() - start < 1000.0 * WAIT_MS) {
		left = drip(fds, n);
		(void)usleep(10000);
	}
	printf("cut %zu of %zu %.0f\n", n - left, n, now_us() - start);
	free(fds);
}

static void
passwords(unsigned n)
{
	ssh_session s = reach("me");
	unsigned i = 0;

	(void)ssh_userauth_none(s, NULL);
	while (i < n &&
	    ssh_userauth_password(s, NULL, "secret") == SSH_AUTH_DENIED)
		i++;
	printf("passwords %u\n", i);
	ssh_free(s);
}

static void
send_frame(const char *hex)
{
	struct peer p = subsystem();
	uint8_t bytes[1000];
	size_t n = strlen(hex) / 2;
	char text[1000];
	int r;

	if (n > sizeof(bytes) || hex_decode(hex, 2 * n, bytes, n) != 0)
		die("no hex");
	if (ssh_channel_write(p.c, bytes, (uint32_t)n) != (int)n)
		die(ssh_get_error(p.s));
	ssh_channel_send_eof(p.c);
	r = ssh_channel_read_timeout(p.c, text, sizeof(text), 1, WAIT_MS);
	printf("%.*s", r > 0 ? r : 0, text);
	/* It waits for it itself. */
	printf("status %d\n", ssh_channel_get_exit_status(p.c));
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	unsigned n;

	if (argc < 5)
		die("PORT KEY hold|handshakes|silent|trickle|passwords|frame "
		    "WHAT");
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	port = (int)strtol(argv[1], NULL, 10);
	n = (unsigned)strtoul(argv[4], NULL, 10);
	ssh_init();
	if (ssh_pki_import_privkey_file(argv[2], NULL, NULL, NULL, &key) !=
	    SSH_OK)
		die(argv[2]);
	if (strcmp(argv[3], "hold") == 0)
		hold(n);
	else if (strcmp(argv[3], "handshakes") == 0)
		handshakes(n, argc > 5 ? argv[5] : "me");
	else if (strcmp(argv[3], "silent") == 0)
		silent(n);
	else if (strcmp(argv[3], "trickle") == 0)
		trickle(n);
	else if (strcmp(argv[3], "passwords") == 0)
		passwords(n);
	else if (strcmp(argv[3], "frame") == 0)
		send_frame(argv[4]);
	else
		die(argv[3]);
	return 0;
}
