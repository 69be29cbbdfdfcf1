/* SPDX-License-Identifier: ISC */
/* The connection to the signer: made, kept, asked over, and cut off. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/signer/signer_link_impl.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define HELLO_MS   5000
#define CONNECT_MS 2000 /* in all, for somebody to be there */
#define RETRY_MS   100  /* doubled each time */

void
signer_conn_drop(struct signer_link *k)
{
	chan_free(k->chan);
	k->chan = NULL;
	k->told = false;
	k->begun = false;
}

int
signer_conn_cut_off(struct signer_link *k, struct err *e)
{
	if (e != NULL) {
		plog_err(PLOG_ERR, e, "signer cut off", NULL);
		err_prefix(e, "signer");
		e->code = ERR_NET;
	}
	signer_conn_drop(k);
	return ERR_NET;
}

static int
note_seen(struct signer_link *k, struct slice payload, struct err *e)
{
	struct seen_frame s;
	int r;

	if ((r = seen_frame_parse(payload, &s, e)) != 0)
		return r;
	if (s.log.n > sizeof(k->log_key))
		return err_set(e, ERR_PARSE, "signer's key is too long");
	k->seen = s.seen;
	memcpy(k->seen.head.origin, k->c.origin, strlen(k->c.origin) + 1);
	if (s.log.n > 0)
		memcpy(k->log_key, s.log.p, s.log.n);
	k->log_key_len = s.log.n;
	return 0;
}

/* The sizes are those of messages.h. */
static const struct {
	uint16_t type;
	uint32_t most;
} sizes[] = {
#define X(name, value, from, to, most, words) {value, most},
    MSG_LIST(X)
#undef X
};

static int
check_size(const struct frame *f, struct err *e)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].type == f->type && f->payload.n <= sizes[i].most)
			return 0;
	return err_set(e, ERR_PARSE, "frame %u of %zu bytes", f->type,
	    f->payload.n);
}

/* Up to the frame that is no SEEN, or is what was waited for. */
static int
next_answer(struct signer_link *k, uint16_t type, int timeout_ms,
    struct frame *f, struct err *e)
{
	int64_t until = clock_mono_ms() + timeout_ms, left;
	int r;

	do {
		/* Whoever talks and talks has not answered either. */
		left = until - clock_mono_ms();
		if ((r = chan_wait(k->chan, left > 0 ? (int)left : 0, f, e)) !=
			0 ||
		    (r = check_size(f, e)) != 0)
			return r;
		if (f->type == MSG_SEEN &&
		    (r = note_seen(k, f->payload, e)) != 0)
			return r;
	} while (f->type == MSG_SEEN && type != MSG_SEEN);
	return 0;
}

int
signer_conn_wait(struct signer_link *k, uint32_t id, uint16_t type,
    int timeout_ms, struct frame *f, struct err *e)
{
	struct err why;
	int r = next_answer(k, type, timeout_ms, f, e);

	if (r == 0 && f->id == id && f->type == MSG_REFUSED) {
		if ((r = refused_frame_parse(f->payload, &why, e)) != 0)
			return signer_conn_cut_off(k, e);
		if (e != NULL)
			*e = why;
		return why.code;
	}
	if (r == 0 && (f->id != id || f->type != type))
		r = err_set(e, ERR_PARSE, "it answers what was not asked");
	if (r == 0 || r == ERR_NOMEM)
		return r;
	if (r != ERR_NET)
		return signer_conn_cut_off(k, e);
	err_prefix(e, "signer");
	signer_conn_drop(k);
	return r;
}

static int
connect_once(struct signer_link *k, struct err *e)
{
	struct frame f;
	int fd = -1, r;

	if ((r = socket_connect(k->path, &fd, e)) != 0)
		return r;
	if ((r = chan_new(fd, &k->chan, e)) != 0) {
		(void)close(fd);
		return r;
	}
	return signer_conn_wait(k, 0, MSG_SEEN, HELLO_MS, &f, e);
}

static void
sleep_ms(int64_t ms)
{
	struct timespec t = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* Whoever was not there the last time is not waited for again. */
static int
connect_patiently(struct signer_link *k, struct err *e)
{
	int64_t until = clock_mono_ms() + (k->down ? 0 : CONNECT_MS);
	int64_t pause = RETRY_MS;
	int r;

	while ((r = connect_once(k, e)) == ERR_NET &&
	    clock_mono_ms() + pause <= until) {
		sleep_ms(pause);
		pause *= 2;
	}
	k->down = r == ERR_NET;
	return r;
}

int
signer_conn_up(struct signer_link *k, struct err *e)
{
	/* One that was started anew shows by its end of the old connection. */
	if (k->chan != NULL && chan_read(k->chan, NULL) != 0)
		signer_conn_drop(k);
	return k->chan != NULL ? 0 : connect_patiently(k, e);
}

int
signer_conn_ready(struct signer_link *k, struct err *e)
{
	int r;

	if ((r = signer_conn_up(k, e)) != 0 || k->told)
		return r;
	if ((r = k->c.history(k->c.ctx, k, e)) != 0) {
		signer_conn_drop(k); /* half of it is of no use */
		return r;
	}
	k->told = true;
	return 0;
}

/* All that waits goes out, so that a long past does not fill the queue. */
static int
push(struct signer_link *k, struct err *e)
{
	int64_t until = clock_mono_ms() + SIGNER_ANSWER_MS;
	struct pollfd p = {.fd = chan_fd(k->chan), .events = POLLOUT};
	int r;

	while (chan_wants_write(k->chan)) {
		if (clock_mono_ms() > until)
			return err_set(e, ERR_NET,
			    "signer takes nothing that is sent");
		(void)poll(&p, 1, 100);
		if ((r = chan_flush(k->chan, e)) != 0)
			return r;
	}
	return 0;
}

int
signer_conn_send(struct signer_link *k, uint16_t type, struct slice payload,
    uint32_t *id, struct err *e)
{
	int r;

	if (++k->last_id == 0)
		k->last_id = 1;
	*id = k->last_id;
	if ((r = chan_send(k->chan, type, *id, payload, e)) == 0)
		r = push(k, e);
	if (r != 0)
		signer_conn_drop(k);
	return r;
}

int
signer_conn_ask(struct signer_link *k, uint16_t type, const struct buf *b,
    uint16_t want, struct frame *f, struct err *e)
{
	uint32_t id;
	int r;

	if ((r = signer_conn_send(k, type, buf_slice(b), &id, e)) != 0)
		return r;
	return signer_conn_wait(k, id, want, SIGNER_ANSWER_MS, f, e);
}
