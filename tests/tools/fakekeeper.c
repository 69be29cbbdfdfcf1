/* SPDX-License-Identifier: ISC */
/*
 * fakekeeper SOCKET KEYS: a keeper for tests of the front, which does as the
 * caller says.
 *
 * KEYS has lines `PERSON TYPE BASE64`; it is read at the start and at SIGHUP.
 * Each call is answered with what was understood of it: person, address, form
 * and the call itself.  `show` is an order instead, its ids one after another:
 *
 *	big:N		an answer of N bytes
 *	news:N		a piece of news of N bytes; more ids may follow
 *	status:N	the answer has that status
 *	sleep:MS	nothing at all for so long
 *	never		no answer
 *	evil		a frame that only a signer may send
 *	bad		an answer that is malformed
 *	drop		this connection ends
 *
 * Frames that came are written to standard output, a line each.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/common/messages.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/proc/frame.h"
#include "lib/proc/socket.h"

#define KEYS_A_FRAME 3 /* so that a table has several */

static volatile sig_atomic_t again;

static void
on_hangup(int sig)
{
	(void)sig;
	again = 1;
}

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "fakekeeper: %s: %s\n", what, e->msg);
	exit(1);
}

static void
say(struct chan *c, uint16_t type, uint32_t id, const struct buf *b)
{
	struct err e = {0};

	if (chan_send(c, type, id, buf_slice(b), &e) != 0)
		fprintf(stderr, "fakekeeper: %s\n", e.msg);
}

static struct buf *
new_buf(void)
{
	struct buf *b = NULL;

	if (buf_new(&b, FRAME_MAX) != 0)
		exit(1);
	return b;
}

static void
need(int r)
{
	if (r != 0)
		exit(1);
}

/* One row of the table from `PERSON TYPE BASE64`. */
static void
put_row(struct buf *b, char *line)
{
	struct buf *blob = new_buf();
	char *type = strchr(line, ' '), *base64;
	struct hash h;

	if (type == NULL || (base64 = strchr(type + 1, ' ')) == NULL)
		exit(1);
	*type = '\0';
	base64++;
	need(base64_decode(base64, strcspn(base64, " "), blob));
	hash_sha256(buf_slice(blob).p, buf_len(blob), &h);
	need(buf_put_string(b, h.b, HASH_LEN));
	need(buf_put_cstring(b, line));
	buf_free(blob);
}

static void
send_keys(struct chan *c, const char *path)
{
	struct buf *b = new_buf();
	char *text = NULL, *line, *next;
	size_t n, rows = 0;
	struct err e = {0};

	if (file_read(path, 1 << 20, &text, &n, &e) != 0)
		die(path, &e);
	need(buf_put_u8(b, 1));
	need(buf_put_u8(b, *text == '\0'));
	for (line = text; *line != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		if (*next == '\n')
			*next++ = '\0';
		put_row(b, line);
		if (++rows % KEYS_A_FRAME != 0 && *next != '\0')
			continue;
		/* The second byte says whether more follow. */
		uint8_t head[2] = {rows <= KEYS_A_FRAME, *next == '\0'};
		struct buf *frame = new_buf();

		need(buf_put(frame, head, 2));
		need(buf_put(frame, buf_slice(b).p + 2, buf_len(b) - 2));
		say(c, MSG_KEYS, 0, frame);
		buf_free(frame);
		buf_truncate(b, 2);
	}
	if (rows == 0)
		say(c, MSG_KEYS, 0, b);
	buf_free(b);
	free(text);
}

static void
send_gauges(struct chan *c)
{
	struct buf *b = new_buf();

	need(buf_put_cstring(b, "writ_fake_keeper 1\n"));
	say(c, MSG_GAUGES, 0, b);
	buf_free(b);
}

static void
send_body(struct chan *c, uint32_t id, int status, const char *text, size_t n)
{
	struct buf *b = new_buf();

	if (status >= 0)
		need(buf_put_u8(b, (uint8_t)status));
	need(buf_put_string(b, text, n));
	say(c, status >= 0 ? MSG_RESULT : MSG_EVENT, id, b);
	buf_free(b);
}

/* {"x":"xxx"} of n bytes. */
static void
send_big(struct chan *c, uint32_t id, int status, size_t n)
{
	static const char head[] = {'{', '"', 'x', '"', ':', '"'};
	static const char tail[] = {'"', '}'};
	char *p;

	if (n < 8)
		n = 8;
	if ((p = malloc(n)) == NULL)
		exit(1);
	memset(p, 'x', n);
	memcpy(p, head, sizeof(head));
	memcpy(p + n - sizeof(tail), tail, sizeof(tail));
	send_body(c, id, status, p, n);
	free(p);
}

/* false: the connection is to end. */
static bool
obey(struct chan *c, uint32_t id, const json_t *ids)
{
	struct buf *b = new_buf();
	const char *order;
	size_t i;
	json_t *one;

	json_array_foreach (ids, i, one) {
		order = json_string_value(one);
		if (order == NULL)
			continue;
		if (strncmp(order, "big:", 4) == 0)
			send_big(c, id, 0, strtoul(order + 4, NULL, 10));
		else if (strncmp(order, "news:", 5) == 0)
			send_big(c, id, -1, strtoul(order + 5, NULL, 10));
		else if (strncmp(order, "status:", 7) == 0)
			send_big(c, id, (int)strtoul(order + 7, NULL, 10), 20);
		else if (strncmp(order, "sleep:", 6) == 0)
			(void)usleep(1000 *
			    (useconds_t)strtoul(order + 6, NULL, 10));
		else if (strcmp(order, "evil") == 0)
			say(c, MSG_SIGNED, id, b);
		else if (strcmp(order, "bad") == 0)
			say(c, MSG_RESULT, id, b);
		else if (strcmp(order, "drop") == 0)
			return false;
	}
	buf_free(b);
	return true;
}

static bool
answer(struct chan *c, const struct frame *f)
{
	char *person = NULL, *key = NULL, *from = NULL;
	struct view v = view_slice(f->payload);
	struct str out = STR_INIT;
	struct slice call;
	uint8_t form = 0;
	json_t *o = NULL;
	const char *name;
	bool go_on = true;
	struct jw w;

	need(view_get_cstring(&v, &person));
	need(view_get_cstring(&v, &key));
	need(view_get_cstring(&v, &from));
	need(view_get_u8(&v, &form));
	need(view_get_string(&v, &call));
	printf("call %s %s %s %u %.*s\n", person, key, from, form,
	    call.n < 200 ? (int)call.n : 200, (const char *)call.p);
	jw_init(&w, &out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "person", person);
	jw_str(&w, "from", from);
	jw_int(&w, "form", form);
	jw_int(&w, "size", (int64_t)call.n);
	jw_strn(&w, "call", (const char *)call.p, call.n < 300 ? call.n : 300);
	jw_end(&w, '}');
	if (form == FORM_TEXT)
		str_addc(&out, '\n');
	if (json_read(call, CALL_MAX, &o, NULL) == 0 &&
	    (name = json_string_value(json_object_get(o, "call"))) != NULL &&
	    strcmp(name, "show") == 0)
		go_on = obey(c, f->id, json_object_get(o, "ids"));
	else
		send_body(c, f->id, 0, out.p, out.n);
	json_decref(o);
	str_clear(&out);
	free(person);
	free(key);
	free(from);
	return go_on;
}

static void
serve(struct chan *c, const char *keys)
{
	struct err e = {0};
	struct frame f;
	bool go_on = true;
	int r;

	send_keys(c, keys);
	send_gauges(c);
	while (go_on) {
		struct pollfd p = {.fd = chan_fd(c), .events = POLLIN};

		if (chan_wants_write(c))
			p.events |= POLLOUT;
		if (poll(&p, 1, -1) == -1 && errno != EINTR)
			exit(1);
		if (again) {
			again = 0;
			send_keys(c, keys);
			continue;
		}
		if (chan_flush(c, &e) != 0 || chan_read(c, &e) != 0)
			return;
		while (go_on && (r = chan_next(c, &f, &e)) == 0) {
			if (f.type == MSG_CALL)
				go_on = answer(c, &f);
			else
				printf("%s %u\n",
				    f.type == MSG_GONE ? "gone" : "other",
				    f.id);
		}
	}
}

int
main(int argc, char **argv)
{
	struct sigaction hangup = {.sa_handler = on_hangup};
	struct err e = {0};
	struct chan *c;
	int listener, fd;

	if (argc != 3) {
		fputs("usage: fakekeeper SOCKET KEYS\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	(void)sigaction(SIGHUP, &hangup, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (socket_listen(argv[1], &listener, &e) != 0)
		die(argv[1], &e);
	for (;;) {
		struct pollfd p = {.fd = listener, .events = POLLIN};

		if (poll(&p, 1, -1) != 1 || socket_accept(listener, &fd, &e))
			continue;
		printf("front\n");
		if (chan_new(fd, &c, &e) != 0)
			die("front", &e);
		serve(c, argv[2]);
		chan_free(c);
		printf("front gone\n");
	}
}
