/* SPDX-License-Identifier: ISC */
/*
 * Certificates a second through a running service, as the people at its other
 * end see them.
 *
 *	bench_daemon PORT DIR FIRST N WINDOW ASKER [APPROVER]
 *
 * DIR holds rNNNNN.req and, where an approver's key is named, the decisions
 * rNNNNN.req.olga@example.com, as tests/tools/mkrequests makes them.  Requests
 * FIRST to FIRST + N - 1 are sent by sessions of the asker's key, at most WINDOW
 * on their way at once, each as a call of its own, and each is waited for; a
 * session of the approver sends a request's decision once that is known to wait,
 * together with others that are.  It ends with the last certificate.
 *
 * Prints seconds, and the median and the 99th percentile of the milliseconds
 * from sending a request to having its certificate.
 *
 * Sessions are libssh's, in this process: a client that costs little, since it
 * shares the machine with the service.
 */
#include <libssh/libssh.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/net/wire.h"
#include "lib/statement/statement.h"
#include "tests/bench/bench.h"

#define SESSIONS_MAX 64
#define PER_SESSION  (WIRE_OPEN_MAX / 2) /* a request has two calls at most */
#define SUBMIT_MAX   100                 /* decisions of one call */
#define APPROVER     "olga@example.com"
/* Ids of calls: of a request, its number below these bits. */
#define ID_WAIT   (1u << 30)
#define ID_DECIDE (1u << 29)

struct session {
	ssh_session ssh;
	ssh_channel channel;
	struct wire_reader *reader;
	struct buf *out;
	unsigned open; /* requests on their way */
};

struct asked {
	struct session *by;
	double start, ms;
	bool done;
};

struct bench {
	const char *port, *dir;
	size_t first, n, window;
	struct session people[SESSIONS_MAX];
	size_t n_people;
	struct session officer;
	bool decides, deciding;
	struct asked *v;
	size_t next, flying, done;
	size_t *waiting; /* each request stands in it once */
	size_t decided, n_waiting;
	struct str call;
};

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_daemon: %s: %s\n", what, why);
	exit(1);
}

/* --- sessions ------------------------------------------------------------- */

static void
session_open(struct session *s, const char *port, const char *key_file)
{
	unsigned int number = (unsigned int)strtoul(port, NULL, 10);
	bool no = false;
	int yes = 1;
	ssh_key key = NULL;

	s->ssh = ssh_new();
	if (s->ssh == NULL ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_HOST, "127.0.0.1") != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_PORT, &number) != 0 ||
	    ssh_options_set(s->ssh, SSH_OPTIONS_USER, "bench") != 0)
		die("session", "out of memory");
	/* As lib/net does: a call that waits for the acknowledgement of another
	 * waits 40 ms. */
	(void)ssh_options_set(s->ssh, SSH_OPTIONS_NODELAY, &yes);
	if (ssh_connect(s->ssh) != SSH_OK)
		die("connect", ssh_get_error(s->ssh));
	if (ssh_pki_import_privkey_file(key_file, NULL, NULL, NULL, &key) !=
	    SSH_OK)
		die(key_file, "no private key");
	if (ssh_userauth_publickey(s->ssh, NULL, key) != SSH_AUTH_SUCCESS)
		die("log in", ssh_get_error(s->ssh));
	ssh_key_free(key);
	s->channel = ssh_channel_new(s->ssh);
	if (s->channel == NULL ||
	    ssh_channel_open_session(s->channel) != SSH_OK ||
	    ssh_channel_request_subsystem(s->channel, "writ") != SSH_OK)
		die("subsystem", ssh_get_error(s->ssh));
	ssh_set_blocking(s->ssh, 0);
	if (wire_reader_new(WIRE_ANSWER, &s->reader) != 0 ||
	    buf_new(&s->out, 64 * 1024 * 1024) != 0)
		die("session", "out of memory");
}

static void
session_close(struct session *s)
{
	wire_reader_free(s->reader);
	buf_free(s->out);
	ssh_channel_free(s->channel);
	ssh_disconnect(s->ssh);
	ssh_free(s->ssh);
}

static void
session_call(struct session *s, uint32_t id, const struct str *call)
{
	struct wire_frame f = {.id = id, .body = slice_of(call->p, call->n)};

	if (str_check(call) != 0 || wire_put(s->out, WIRE_CALL, &f) != 0)
		die("call", "out of memory");
}

/* What the window takes of what is queued. */
static void
session_flush(struct session *s)
{
	struct slice all = buf_slice(s->out);
	size_t sent = 0;

	while (sent < all.n) {
		size_t n = all.n - sent;
		int w = ssh_channel_write(s->channel, all.p + sent,
		    (uint32_t)(n < 32768 ? n : 32768));

		if (w < 0)
			die("write", ssh_get_error(s->ssh));
		if (w == 0)
			break;
		sent += (size_t)w;
	}
	if (sent == all.n) {
		buf_reset(s->out);
	} else if (sent > 0) {
		struct buf *rest;

		if (buf_new(&rest, 64 * 1024 * 1024) != 0 ||
		    buf_put(rest, all.p + sent, all.n - sent) != 0)
			die("write", "out of memory");
		buf_free(s->out);
		s->out = rest;
	}
}

/* --- the two kinds of calls ----------------------------------------------- */

static void
add_statement(const struct bench *b, struct jw *w, size_t i, const char *suffix)
{
	struct err e = {0};
	char *path = NULL, *text = NULL;
	size_t n;

	if (path_joinf(&path, "%s/r%05zu.req%s", b->dir, b->first + i,
		suffix) != 0)
		abort();
	bench_need(file_read(path, STATEMENT_MAX, &text, &n, &e), path, &e);
	jw_strn(w, NULL, text, n);
	free(text);
	free(path);
}

static void
begin_submit(struct bench *b, struct jw *w)
{
	str_reset(&b->call);
	jw_init(w, &b->call, false);
	jw_begin(w, NULL, '{');
	jw_str(w, "call", "submit");
	jw_begin(w, "statements", '[');
}

static void
end_submit(struct jw *w)
{
	jw_end(w, ']');
	jw_end(w, '}');
}

static struct session *
least_busy(struct bench *b)
{
	struct session *best = &b->people[0];

	for (size_t i = 1; i < b->n_people; i++)
		if (b->people[i].open < best->open)
			best = &b->people[i];
	return best;
}

static void
send_requests(struct bench *b)
{
	while (b->next < b->n && b->flying < b->window) {
		struct asked *q = &b->v[b->next];
		struct jw w;

		q->by = least_busy(b);
		if (q->by->open >= PER_SESSION)
			return;
		begin_submit(b, &w);
		add_statement(b, &w, b->next, "");
		end_submit(&w);
		q->start = bench_clock(CLOCK_MONOTONIC);
		session_call(q->by, (uint32_t)b->next + 1, &b->call);
		q->by->open++;
		b->flying++;
		b->next++;
	}
}

static void
send_decisions(struct bench *b)
{
	struct jw w;
	size_t n = 0;

	if (b->deciding || b->decided == b->n_waiting)
		return;
	begin_submit(b, &w);
	for (; b->decided < b->n_waiting && n < SUBMIT_MAX; n++)
		add_statement(b, &w, b->waiting[b->decided++], "." APPROVER);
	end_submit(&w);
	session_call(&b->officer, ID_DECIDE, &b->call);
	b->deciding = true;
}

/* --- answers -------------------------------------------------------------- */

static void
issued(struct bench *b, struct asked *q)
{
	if (q->done)
		die("answer", "a certificate twice");
	q->done = true;
	q->ms = (bench_clock(CLOCK_MONOTONIC) - q->start) * 1000;
	q->by->open--;
	b->flying--;
	b->done++;
}

/* It waits: wait for it, and let it be decided. */
static void
wait_for(struct bench *b, size_t i, const json_t *result)
{
	const char *id = json_string_value(json_object_get(result, "id"));

	if (id == NULL)
		die("answer", "no id");
	str_reset(&b->call);
	str_addf(&b->call, "{\"call\":\"wait\",\"id\":\"%s\",\"seconds\":60}",
	    id);
	session_call(b->v[i].by, (uint32_t)(i + 1) | ID_WAIT, &b->call);
	b->waiting[b->n_waiting++] = i;
}

static void
answered(struct bench *b, const struct wire_frame *f)
{
	struct err e = {0};
	json_t *o = NULL, *result;

	if (!f->last)
		return;
	if (f->id == ID_DECIDE) {
		if (f->status != 0)
			die("decision", (const char *)f->body.p);
		b->deciding = false;
		return;
	}
	bench_need(json_read(f->body, WIRE_ANSWER_MAX, &o, &e), "answer", &e);
	result = json_array_get(json_object_get(o, "results"), 0);
	if ((f->id & ID_WAIT) != 0 && f->status == 0)
		issued(b, &b->v[(f->id & ~ID_WAIT) - 1]);
	else if (f->status == 0 &&
	    json_object_get(result, "certificate") != NULL)
		issued(b, &b->v[f->id - 1]);
	else if (f->status == 0 && result != NULL && b->decides)
		wait_for(b, f->id - 1, result);
	else
		die("answer", (const char *)f->body.p);
	json_decref(o);
}

static void
session_read(struct bench *b, struct session *s)
{
	uint8_t room[65536];
	int n;

	while ((n = ssh_channel_read_nonblocking(s->channel, room, sizeof(room),
		    0)) > 0) {
		struct slice rest = slice_of(room, (size_t)n);

		while (rest.n > 0) {
			struct wire_frame f;
			struct err e = {0};
			size_t took = 0;
			int r;

			if (wire_feed(s->reader, rest, &took) != 0)
				die("answer", "out of memory");
			rest = slice_of(rest.p + took, rest.n - took);
			while ((r = wire_next(s->reader, &f, &e)) == 0)
				answered(b, &f);
			if (r < 0)
				bench_die("answer", &e);
		}
	}
	if (n == SSH_ERROR || ssh_channel_is_eof(s->channel))
		die("read", "the service has closed");
}

/* --- one run -------------------------------------------------------------- */

static void
turn(struct bench *b)
{
	struct pollfd fds[SESSIONS_MAX + 1];
	size_t n = b->n_people;

	for (size_t i = 0; i <= n; i++) {
		struct session *s = i < n ? &b->people[i] : &b->officer;
		int wants;

		fds[i] = (struct pollfd){.fd = -1};
		if (s->ssh == NULL)
			continue;
		session_flush(s);
		wants = ssh_get_poll_flags(s->ssh);
		fds[i].fd = ssh_get_fd(s->ssh);
		fds[i].events = POLLIN;
		if ((wants & SSH_WRITE_PENDING) != 0)
			fds[i].events |= POLLOUT;
	}
	if (poll(fds, (nfds_t)n + 1, 30000) <= 0)
		die("wait", "no answer within 30 s");
	for (size_t i = 0; i <= n; i++)
		if (fds[i].revents != 0)
			session_read(b, i < n ? &b->people[i] : &b->officer);
}

static int
compare_ms(const void *x, const void *y)
{
	const struct asked *a = x, *b = y;

	return a->ms < b->ms ? -1 : a->ms > b->ms;
}

static void
measure(struct bench *b)
{
	double start = bench_clock(CLOCK_MONOTONIC), secs;

	while (b->done < b->n) {
		send_requests(b);
		send_decisions(b);
		turn(b);
	}
	secs = bench_clock(CLOCK_MONOTONIC) - start;
	qsort(b->v, b->n, sizeof(b->v[0]), compare_ms);
	printf("%.6f %.3f %.3f\n", secs, b->v[b->n / 2].ms,
	    b->v[b->n - 1 - b->n / 100].ms);
}

int
main(int argc, char **argv)
{
	struct bench b = {.call = STR_INIT};

	if (argc < 7 || argc > 8) {
		fprintf(stderr,
		    "usage: bench_daemon PORT DIR FIRST N WINDOW "
		    "ASKER [APPROVER]\n");
		return 2;
	}
	b.port = argv[1];
	b.dir = argv[2];
	b.first = strtoul(argv[3], NULL, 10);
	b.n = strtoul(argv[4], NULL, 10);
	b.window = strtoul(argv[5], NULL, 10);
	b.decides = argc == 8;
	b.v = calloc(b.n + 1, sizeof(*b.v));
	b.waiting = calloc(b.n + 1, sizeof(*b.waiting));
	b.n_people = (b.window + PER_SESSION - 1) / PER_SESSION;
	if (b.v == NULL || b.waiting == NULL || b.n == 0 || b.window == 0 ||
	    b.n_people > SESSIONS_MAX)
		die("arguments", "out of range");
	for (size_t i = 0; i < b.n_people; i++)
		session_open(&b.people[i], b.port, argv[6]);
	if (b.decides)
		session_open(&b.officer, b.port, argv[7]);
	measure(&b);
	for (size_t i = 0; i < b.n_people; i++)
		session_close(&b.people[i]);
	if (b.decides)
		session_close(&b.officer);
	str_clear(&b.call);
	free(b.waiting);
	free(b.v);
	return 0;
}
