/* SPDX-License-Identifier: ISC */
/* Waiting for approvals: one live line on a terminal, else a line a change. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/cli/remote_request.h"
#include "lib/base/json.h"
#include "lib/cli/interrupt.h"
#include "lib/cli/width.h"

#define WAIT_SECS      43200 /* the most that one call may wait */
#define WAIT_SLACK_MS  60000
#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS  15000

struct waiting {
	struct remote *r;
	struct kept *k;
	bool live;      /* standard error is a terminal */
	char *last;     /* the line that stands there */
	json_t *answer; /* of wait, once it waits no more */
	struct interrupt signals;
};

/* --- showing -------------------------------------------------------------- */

static size_t
columns(void)
{
	size_t n = cli_width(STDERR_FILENO);

	return n > 20 ? n : 80;
}

static void
show_line(struct waiting *w, const char *line)
{
	if (w->last != NULL && strcmp(w->last, line) == 0)
		return;
	free(w->last);
	w->last = str_dup(line);
	if (w->live)
		fprintf(stderr, "\r\033[K%.*s",
		    (int)width_cut(line, columns() - 1), line);
	else
		fprintf(stderr, "%s\n", line);
	fflush(stderr);
}

static void
end_line(struct waiting *w)
{
	if (w->live && w->last != NULL)
		fputc('\n', stderr);
	free(w->last);
	w->last = NULL;
}

static void
add_state(const struct seen *q, struct str *s)
{
	struct str part = STR_INIT;

	str_addf(s, "%.12s waits", q->id);
	seen_needs(q, &part);
	if (part.n > 0)
		str_addf(s, " for %s", part.p);
	str_reset(&part);
	seen_told(q, &part);
	if (part.n > 0)
		str_addf(s, "; told: %s", part.p);
	str_clear(&part);
}

static int
show_news(struct waiting *w, const struct seen *q)
{
	struct str s = STR_INIT;
	int r;

	if (q->state == SEEN_WAITING)
		add_state(q, &s);
	else
		str_addf(&s, "%.12s %s", q->id, seen_state_name(q->state));
	if ((r = str_check(&s)) == 0)
		show_line(w, s.p);
	str_clear(&s);
	return r;
}

static int
news(void *ctx, const json_t *body)
{
	struct waiting *w = ctx;
	struct seen q;
	int r = remote_seen(body, &q, NULL);

	/* News that cannot be read are left out; the answer must be right. */
	return r == 0 ? show_news(w, &q) : 0;
}

/* What stands still while it waits: said once. */
static void
show_start(const struct asking *asked)
{
	struct str faster = STR_INIT;

	if (asked != NULL && asking_faster(asked, &faster, NULL) == 0 &&
	    faster.n > 0)
		fprintf(stderr, "faster: %s", faster.p);
	str_clear(&faster);
	fprintf(stderr, "Ctrl-C leaves it waiting.\n");
}

/* --- waiting -------------------------------------------------------------- */

/* 0: answered; LINK_CANCELLED; ERR_*. */
static int
wait_once(struct waiting *w, int *status, struct err *e)
{
	struct str call = STR_INIT;
	int r;

	json_decref(w->answer);
	w->answer = NULL;
	str_addf(&call, "{\"call\":\"wait\",\"id\":\"%s\",\"seconds\":%d}",
	    w->k->id, WAIT_SECS);
	if ((r = str_check(&call)) != 0)
		(void)err_nomem(e);
	else
		r = link_call(w->r->link, slice_of(call.p, call.n), news, w,
		    WAIT_SECS * 1000 + WAIT_SLACK_MS, status, &w->answer, e);
	str_clear(&call);
	return r;
}

/* Until ms are over: 0, or LINK_CANCELLED. */
static int
pause_for(struct waiting *w, int ms)
{
	struct pollfd p = {.fd = w->signals.fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1 ? LINK_CANCELLED : 0;
}

/* The request is kept by the CA whatever becomes of this connection. */
static int
reconnect(struct waiting *w, struct err *e)
{
	int ms = RETRY_FIRST_MS, r;

	show_line(w, "the connection is lost; trying again");
	for (;;) {
		if ((r = pause_for(w, ms)) != 0)
			return r;
		if ((r = remote_again(w->r, e)) != ERR_NET)
			return r;
		ms = 2 * ms < RETRY_MOST_MS ? 2 * ms : RETRY_MOST_MS;
	}
}

static int
wait_long(struct waiting *w, struct err *e)
{
	struct seen q;
	int status = 0, r;

	for (;;) {
		r = wait_once(w, &status, e);
		if (r == ERR_NET)
			r = reconnect(w, e);
		else if (r == 0 && (r = remote_seen(w->answer, &q, e)) == 0 &&
		    q.state != SEEN_WAITING)
			return 0;
		if (r != 0)
			return r;
	}
}

static int
finish(struct waiting *w, struct err *e)
{
	struct seen q;
	int r;

	if ((r = remote_seen(w->answer, &q, e)) != 0)
		return r;
	if ((r = remote_ended(&q, e)) != 0) {
		kept_remove(w->k);
		return r;
	}
	return remote_deliver(w->r, w->k, w->answer, e);
}

static int
left(struct waiting *w, struct err *e)
{
	int r = err_set(e, ERR_WAIT, "request %.12s goes on waiting", w->k->id);

	err_hint(e, "writ status; writ fetch %.12s", w->k->id);
	return r;
}

int
remote_wait(struct remote *r, struct kept *k, const struct asking *asked,
    struct err *e)
{
	struct waiting w = {.r = r,
	    .k = k,
	    .live = isatty(STDERR_FILENO) == 1,
	    .signals = INTERRUPT_INIT};
	int rc;

	if ((rc = interrupt_catch(&w.signals, e)) != 0)
		goto out;
	link_cancel_by(r->link, w.signals.fd);
	r->cancel_fd = w.signals.fd; /* for connections to come */
	if (asked != NULL)
		show_start(asked);
	rc = wait_long(&w, e);
	end_line(&w);
	if (rc == 0)
		rc = finish(&w, e);
	else if (rc == LINK_CANCELLED)
		rc = left(&w, e);
out:
	r->cancel_fd = -1;
	if (r->link != NULL)
		link_cancel_by(r->link, -1);
	interrupt_release(&w.signals);
	json_decref(w.answer);
	free(w.last);
	return rc;
}
