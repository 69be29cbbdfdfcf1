/* SPDX-License-Identifier: ISC */
/*
 * Speaks frames as the peer of a real process, as a sibling would or never
 * should: commands on standard input, one a line, done in order.
 *
 *	connect PATH		to a listening socket
 *	listen PATH		in the place of somebody; accept with
 *	accept [MS]
 *	send TYPE ID FIELD...	a frame; TYPE as in ca/common/messages.h, or its
 *				number
 *	raw FIELD...		bytes that need not be a frame
 *	recv FORMAT [MS]	prints TYPE ID and the values of the next frame
 *	skip TYPE FORMAT [MS]	the same for the next one of that TYPE
 *	closed [MS]		prints `closed` once the peer has cut us off; a
 *				frame that comes instead is printed
 *	hang up			closes the connection
 *
 * FIELD	b:N u:N q:N	byte, uint32, uint64
 *		s:TEXT f:FILE	a string: the text, what the file holds
 *		S:N		a string of N times `x`
 *		r:FILE x:HEX z:N	bytes as they are: a file's, N zeros
 * FORMAT	letters b u q s, or `-` for a payload not looked into
 *
 * Ends with 1 at the first command that does not come out; MS is 10000 unless
 * said.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca/common/messages.h"
#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/proc/frame.h"
#include "lib/proc/socket.h"

#define WAIT_MS     10000
#define PAYLOAD_MAX (FRAME_MAX + 4096)

struct tool {
	int listener;
	struct chan *c;
	unsigned line;
};

static const struct {
	const char *name;
	uint16_t value;
} types[] = {
#define X(name, value, from, to, most, words) {#name, value},
    MSG_LIST(X)
#undef X
};

static void __attribute__((noreturn)) PRINTF_LIKE(2, 3)
    die(const struct tool *t, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "frametool: line %u: ", t->line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t
number(const struct tool *t, const char *s, uint64_t max)
{
	uint64_t n;

	if (s == NULL || parse_u64(s, 0, max, &n) != 0)
		die(t, "expected a number up to %" PRIu64, max);
	return n;
}

static uint16_t
type_of(const struct tool *t, const char *s)
{
	for (size_t i = 0; s != NULL && i < sizeof(types) / sizeof(types[0]);
	     i++)
		if (strcmp(types[i].name, s) == 0)
			return types[i].value;
	return (uint16_t)number(t, s, UINT16_MAX);
}

static void
print_type(uint16_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].value == type) {
			fputs(types[i].name, stdout);
			return;
		}
	printf("%u", type);
}

static const char *
word(char **rest)
{
	char *w;

	do
		w = strsep(rest, " \t");
	while (w != NULL && *w == '\0');
	return w;
}

static int
wait_of(const struct tool *t, char **rest)
{
	const char *w = word(rest);

	return w != NULL ? (int)number(t, w, 600000) : WAIT_MS;
}

/* --- payloads ------------------------------------------------------------- */

static int
put_file(const struct tool *t, struct buf *b, const char *path, bool as_string)
{
	char *text = NULL;
	struct err e = {0};
	size_t n;
	int r;

	if (file_read(path, PAYLOAD_MAX, &text, &n, &e) != 0)
		die(t, "%s", e.msg);
	r = as_string ? buf_put_string(b, text, n) : buf_put(b, text, n);
	free(text);
	return r;
}

static int
put_fill(struct buf *b, size_t n, int fill)
{
	uint8_t *to;
	int r = buf_reserve(b, n, &to);

	if (r == 0)
		memset(to, fill, n);
	return r;
}

static int
put_hex(const struct tool *t, struct buf *b, const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *to;
	int r = buf_reserve(b, n, &to);

	if (r == 0 && hex_decode(hex, strlen(hex), to, n) != 0)
		die(t, "no hexadecimal: %s", hex);
	return r;
}

static int
put_field(const struct tool *t, struct buf *b, const char *field)
{
	const char *v = field + 2;
	uint64_t n;
	int r;

	if (field[0] == '\0' || field[1] != ':')
		die(t, "no field: %s", field);
	switch (field[0]) {
	case 'b':
		return buf_put_u8(b, (uint8_t)number(t, v, UINT8_MAX));
	case 'u':
		return buf_put_u32(b, (uint32_t)number(t, v, UINT32_MAX));
	case 'q':
		return buf_put_u64(b, number(t, v, UINT64_MAX));
	case 's':
		return buf_put_cstring(b, v);
	case 'f':
	case 'r':
		return put_file(t, b, v, field[0] == 'f');
	case 'S':
		n = number(t, v, PAYLOAD_MAX);
		r = buf_put_u32(b, (uint32_t)n);
		return r != 0 ? r : put_fill(b, (size_t)n, 'x');
	case 'z':
		return put_fill(b, (size_t)number(t, v, PAYLOAD_MAX), 0);
	case 'x':
		return put_hex(t, b, v);
	default:
		die(t, "no field: %s", field);
	}
}

static struct buf *
fields(const struct tool *t, char **rest)
{
	struct buf *b;
	const char *w;

	if (buf_new(&b, PAYLOAD_MAX) != 0)
		die(t, "out of memory");
	while ((w = word(rest)) != NULL)
		if (put_field(t, b, w) != 0)
			die(t, "too much in one frame");
	return b;
}

static void
print_string(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\n')
			fputs("\\n", stdout);
		else if (s.p[i] < ' ' || s.p[i] == 0x7f)
			printf("\\x%02x", s.p[i]);
		else
			putchar(s.p[i]);
}

static int
print_value(struct view *v, char kind)
{
	struct slice s;
	uint64_t q;
	uint32_t u;
	uint8_t b;
	int r;

	if (kind == 'b' && (r = view_get_u8(v, &b)) == 0)
		printf(" %u", b);
	else if (kind == 'u' && (r = view_get_u32(v, &u)) == 0)
		printf(" %" PRIu32, u);
	else if (kind == 'q' && (r = view_get_u64(v, &q)) == 0)
		printf(" %" PRIu64, q);
	else if (kind == 's' && (r = view_get_string(v, &s)) == 0) {
		putchar(' ');
		print_string(s);
	} else {
		return ERR_PARSE;
	}
	return r;
}

static void
print_frame(const struct tool *t, const struct frame *f, const char *format)
{
	struct view v = view_slice(f->payload);

	print_type(f->type);
	printf(" %" PRIu32, f->id);
	for (; *format != '\0' && *format != '-'; format++)
		if (print_value(&v, *format) != 0)
			die(t, "the payload is not %s", format);
	putchar('\n');
}

/* --- commands ------------------------------------------------------------- */

static void
take_socket(struct tool *t, int fd)
{
	struct err e = {0};

	chan_free(t->c);
	t->c = NULL;
	if (chan_new(fd, &t->c, &e) != 0)
		die(t, "%s", e.msg);
}

static void
do_connect(struct tool *t, char **rest)
{
	const char *path = word(rest);
	struct err e = {0};
	int fd;

	if (path == NULL || socket_connect(path, &fd, &e) != 0)
		die(t, "%s", e.msg);
	take_socket(t, fd);
}

static void
do_listen(struct tool *t, char **rest)
{
	const char *path = word(rest);
	struct err e = {0};

	if (path == NULL || socket_listen(path, &t->listener, &e) != 0)
		die(t, "%s", e.msg);
}

static void
do_accept(struct tool *t, char **rest)
{
	struct pollfd p = {.fd = t->listener, .events = POLLIN};
	struct err e = {0};
	int fd, ms = wait_of(t, rest);

	if (poll(&p, 1, ms) != 1 || socket_accept(t->listener, &fd, &e) != 0)
		die(t, "nobody connected");
	take_socket(t, fd);
}

/* A peer that cuts us off in the middle is what may be looked for. */
static void
send_all(struct tool *t)
{
	struct pollfd p = {.fd = chan_fd(t->c), .events = POLLOUT};

	while (chan_wants_write(t->c) && poll(&p, 1, WAIT_MS) == 1 &&
	    chan_flush(t->c, NULL) == 0)
		continue;
}

static void
do_send(struct tool *t, char **rest)
{
	uint16_t type = type_of(t, word(rest));
	uint32_t id = (uint32_t)number(t, word(rest), UINT32_MAX);
	struct buf *b = fields(t, rest);
	struct err e = {0};

	if (chan_send(t->c, type, id, buf_slice(b), &e) != 0)
		die(t, "%s", e.msg);
	buf_free(b);
	send_all(t);
}

static void
do_raw(struct tool *t, char **rest)
{
	struct buf *b = fields(t, rest);
	struct slice s = buf_slice(b);
	struct pollfd p = {.fd = chan_fd(t->c), .events = POLLOUT};
	ssize_t n = 0;

	while (s.n > 0 && poll(&p, 1, WAIT_MS) == 1) {
		n = send(p.fd, s.p, s.n, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		s = slice_of(s.p + n, s.n - (size_t)n);
	}
	buf_free(b);
}

static void
do_recv(struct tool *t, char **rest)
{
	const char *format = word(rest);
	int ms = wait_of(t, rest);
	struct frame f;
	struct err e = {0};

	if (format == NULL || chan_wait(t->c, ms, &f, &e) != 0)
		die(t, "%s", e.msg);
	print_frame(t, &f, format);
}

static void
do_skip(struct tool *t, char **rest)
{
	uint16_t type = type_of(t, word(rest));
	const char *format = word(rest);
	int ms = wait_of(t, rest);
	struct frame f;
	struct err e = {0};

	do
		if (format == NULL || chan_wait(t->c, ms, &f, &e) != 0)
			die(t, "%s", e.msg);
	while (f.type != type);
	print_frame(t, &f, format);
}

static void
do_closed(struct tool *t, char **rest)
{
	int ms = wait_of(t, rest), r = 0;
	struct pollfd p = {.fd = chan_fd(t->c), .events = POLLIN};
	struct frame f;
	struct err e = {0};

	while (r == 0) {
		if (poll(&p, 1, ms) != 1)
			die(t, "the peer goes on");
		if ((r = chan_read(t->c, &e)) < 0)
			die(t, "%s", e.msg);
		while (chan_next(t->c, &f, &e) == 0)
			print_frame(t, &f, "-");
	}
	puts("closed");
}

static void
do_hang(struct tool *t, char **rest)
{
	(void)rest;
	chan_free(t->c);
	t->c = NULL;
}

static const struct {
	const char *name;
	bool connected;
	void (*run)(struct tool *t, char **rest);
} commands[] = {
    {"connect", false, do_connect},
    {"listen", false, do_listen},
    {"accept", false, do_accept},
    {"send", true, do_send},
    {"raw", true, do_raw},
    {"recv", true, do_recv},
    {"skip", true, do_skip},
    {"closed", true, do_closed},
    {"hang", true, do_hang},
};

static void
do_line(struct tool *t, char *line)
{
	const char *name = word(&line);

	if (name == NULL || name[0] == '#')
		return;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		if (commands[i].connected && t->c == NULL)
			die(t, "not connected");
		commands[i].run(t, &line);
		fflush(stdout);
		return;
	}
	die(t, "no command %s", name);
}

int
main(void)
{
	struct tool t = {.listener = -1};
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) != -1) {
		t.line++;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		do_line(&t, line);
	}
	free(line);
	chan_free(t.c);
	if (t.listener != -1)
		close(t.listener);
	return 0;
}
