/* SPDX-License-Identifier: ISC */
#include "lib/net/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/net/link_impl.h"

#define READ_MAX 65536
#define TEXT_MAX 4096 /* bytes of a sentence */

int
link_open(const struct link_options *o, struct link **out, struct err *e)
{
	struct link *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_nomem(e);
	l->cancel_fd = o->cancel_fd;
	l->aliased = o->alias != NULL;
	if ((l->address = str_dup(o->address)) == NULL ||
	    (l->known_hosts = str_dup(o->known_hosts)) == NULL ||
	    wire_reader_new(WIRE_ANSWER, &l->reader) != 0 ||
	    buf_new(&l->in, READ_MAX) != 0)
		r = err_nomem(e);
	else
		r = link_start(l, o, e);
	if (r != 0) {
		link_free(l);
		return r;
	}
	*out = l;
	return 0;
}

void
link_cancel_by(struct link *l, int fd)
{
	l->cancel_fd = fd;
}

void
link_free(struct link *l)
{
	if (l == NULL)
		return;
	if (l->ssh != NULL && !l->dead)
		(void)child_pipe_finish(l->ssh, LINK_FINISH_MS);
	child_pipe_free(l->ssh);
	wire_reader_free(l->reader);
	buf_free(l->in);
	free(l->address);
	free(l->known_hosts);
	free(l);
}

/* --- calls ---------------------------------------------------------------- */

/* A code by the name that the other end gave it: "denied". */
static int
code_of(const char *name, int status)
{
	int code = name != NULL ? err_from_name(name) : 0;

	if (code != 0)
		return code;
	return status == 3 ? ERR_WAIT : ERR_DENIED;
}

int
link_error(const json_t *body, int status, struct err *e)
{
	const char *text = NULL, *hint = NULL, *code = NULL;
	int r;

	if (json_object_get(body, "error") == NULL)
		return 0;
	if ((r = json_str(body, "error", 0, TEXT_MAX, &text, e)) != 0 ||
	    (r = json_str(body, "hint", JSON_OPTIONAL, TEXT_MAX, &hint, e)) !=
		0 ||
	    (r = json_str(body, "code", JSON_OPTIONAL, 32, &code, e)) != 0)
		return r;
	errno = 0;
	r = err_set(e, code_of(code, status), "%s", text);
	if (hint != NULL)
		err_hint(e, "%s", hint);
	return r;
}

static int
lost(struct link *l, int r, struct err *e)
{
	l->dead = true;
	err_prefix(e, "%s", l->address);
	return r;
}

/* Until something can be done; LINK_CANCELLED, ERR_*. */
static int
wait_turn(struct link *l, bool sending, int64_t deadline, struct err *e)
{
	int64_t left = deadline < 0 ? -1 : deadline - clock_mono_ms();
	int r;

	if (deadline >= 0 && left < 0)
		left = 0;
	r = child_pipe_wait(l->ssh, sending, l->cancel_fd, (int)left, e);
	switch (r) {
	case CHILD_PIPE_OTHER:
		return LINK_CANCELLED;
	case CHILD_PIPE_LATE:
		return lost(l, err_set(e, ERR_NET, "no answer within the time"),
		    e);
	default:
		return r;
	}
}

static int
send_call(struct link *l, const struct wire_frame *f, int64_t deadline,
    struct err *e)
{
	struct buf *b = NULL;
	struct slice s;
	size_t n;
	int r;

	if ((r = buf_new(&b, WIRE_CALL_MAX + WIRE_HEAD_MAX)) != 0 ||
	    (r = wire_put(b, WIRE_CALL, f)) != 0) {
		(void)err_set(e, r, "write a call: %s", err_text(r));
		goto out;
	}
	s = buf_slice(b);
	while (s.n > 0) {
		if (child_pipe_send(l->ssh, s, &n, NULL) != 0) {
			r = link_failed(l, e);
			goto out;
		}
		s = slice_of(s.p + n, s.n - n);
		/* What comes meanwhile stays in the pipe: one call at a time,
		 * so there is nothing but the end to be seen. */
		if (s.n > 0 && n == 0 &&
		    (r = wait_turn(l, true, deadline, e)) != 0)
			goto out;
	}
out:
	buf_free(b);
	return r;
}

/* The next frame; LINK_CANCELLED, ERR_*. */
static int
next_frame(struct link *l, int64_t deadline, struct wire_frame *f,
    struct err *e)
{
	int r;

	for (;;) {
		size_t took = 0;

		if ((r = wire_next(l->reader, f, e)) < 0)
			return lost(l, r, e);
		if (r != WIRE_NONE)
			return 0;
		if (buf_len(l->in) == 0) {
			r = child_pipe_recv(l->ssh, l->in, READ_MAX, e);
			if (r == CHILD_PIPE_END)
				return link_failed(l, e);
			if (r != 0)
				return lost(l, r, e);
		}
		if (buf_len(l->in) == 0) {
			if ((r = wait_turn(l, false, deadline, e)) != 0)
				return r;
			continue;
		}
		if ((r = wire_feed(l->reader, buf_slice(l->in), &took)) != 0)
			return lost(l, err_set(e, r, "%s", err_text(r)), e);
		/* A reader that takes less has a whole frame to give. */
		if (took < buf_len(l->in)) {
			struct slice rest = buf_slice(l->in);
			uint8_t left[READ_MAX];
			size_t n = rest.n - took;

			memcpy(left, rest.p + took, n);
			buf_reset(l->in);
			if (buf_put(l->in, left, n) != 0)
				return lost(l, err_nomem(e), e);
		} else {
			buf_reset(l->in);
		}
	}
}

static int
read_body(struct link *l, const struct wire_frame *f, json_t **out,
    struct err *e)
{
	int r = json_read(f->body, WIRE_ANSWER_MAX, out, e);

	return r == 0 ? 0 : lost(l, r, e);
}

static int
converse(struct link *l, uint32_t id, int64_t deadline,
    int (*news)(void *ctx, const json_t *body), void *ctx, int *status,
    json_t **body, struct err *e)
{
	struct wire_frame f;
	int r;

	for (;;) {
		json_t *o = NULL;

		if ((r = next_frame(l, deadline, &f, e)) != 0)
			return r;
		l->spoke = true;
		if (f.id != id)
			return lost(l,
			    err_set(e, ERR_PARSE,
				"an answer to another call came"),
			    e);
		if ((r = read_body(l, &f, &o, e)) != 0)
			return r;
		if (!f.last) {
			r = news != NULL ? news(ctx, o) : 0;
			json_decref(o);
			if (r != 0)
				return r;
			continue;
		}
		*status = f.status;
		if ((r = link_error(o, f.status, e)) != 0) {
			json_decref(o);
			return r;
		}
		*body = o;
		return 0;
	}
}

int
link_call(struct link *l, struct slice call,
    int (*news)(void *ctx, const json_t *body), void *ctx, int ms, int *status,
    json_t **body, struct err *e)
{
	struct wire_frame f = {.id = ++l->last_id, .body = call};
	int64_t deadline = ms < 0 ? -1 : clock_mono_ms() + ms;
	json_t *answer = NULL;
	int got = 0, r;

	if (l->dead)
		return err_set(e, ERR_NET, "%s: the connection is lost",
		    l->address);
	if ((r = send_call(l, &f, deadline, e)) != 0 ||
	    (r = converse(l, f.id, deadline, news, ctx, &got, &answer, e)) != 0)
		return r;
	if (status != NULL)
		*status = got;
	if (body != NULL)
		*body = answer;
	else
		json_decref(answer);
	return 0;
}
