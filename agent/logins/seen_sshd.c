/* SPDX-License-Identifier: ISC */
/* Lines of sshd: a login, a refusal in one line or two, an end. */
#include <stdlib.h>
#include <string.h>

#include "agent/logins/scan.h"
#include "agent/logins/seen_impl.h"
#include "agent/logins/sshd_line.h"
#include "lib/base/str.h"

/* The one of a process that has not logged in: an open one of that number is of a
 * process that is gone. */
static struct seen_conn *
before_login(struct seen *s, const struct seen_line *line,
    struct seen_events *out)
{
	struct seen_conn *c = seen_find(s, line->pid);

	if (c != NULL && !c->is_open)
		return c;
	if (c != NULL)
		seen_drop(s, c);
	if (s->n_conns >= SEEN_CONNS_MAX) {
		/* What waits in the oldest is told, and not forgotten. */
		if (!seen_refuse_waiting(s, &s->conns[0], NULL, out))
			return NULL;
		seen_drop(s, &s->conns[0]);
	}
	if (vec_grow(&s->conns, s->n_conns, &s->cap, SEEN_CONNS_MAX) != 0)
		return NULL;
	c = &s->conns[s->n_conns++];
	memset(c, 0, sizeof(*c));
	c->pid = line->pid;
	c->at = line->at;
	return c;
}

/* Whose key and certificate. */
static bool
put_key(struct login_event *ev, const struct sshd_line *l)
{
	if (l->has_key) {
		ev->has_key = true;
		ev->key = l->key;
	}
	if (l->signatures != 0)
		ev->signatures = l->signatures;
	if (!l->has_cert || ev->has_cert)
		return true;
	ev->has_cert = true;
	ev->ca = l->ca;
	ev->serial = l->serial;
	return seen_keep(&ev->key_id, l->key_id, LOGIN_KEY_ID_MAX);
}

static bool
put_peer(struct login_event *ev, const struct sshd_line *l)
{
	ev->port = l->port;
	return seen_put(&ev->account, l->user, LOGIN_ACCOUNT_MAX) &&
	    seen_put(&ev->from, l->from, LOGIN_FROM_MAX);
}

static void
sum(struct seen *s, int64_t at)
{
	if (s->failed++ == 0)
		s->failed_at = s->failed_until = at;
	/* A clock that is set back does not make a sum end before it began. */
	if (at > s->failed_until)
		s->failed_until = at;
	if (at < s->failed_at)
		s->failed_at = at;
}

static bool
has_room(struct seen *s, int64_t at)
{
	if (s->refused_at == 0 || at >= s->refused_at + SEEN_SUM_S ||
	    at < s->refused_at) {
		s->refused_at = at;
		s->refused = 0;
	}
	return s->refused++ < SEEN_REFUSED_MAX;
}

/*
 * A certificate, or its key, was refused: why is a line that said so before, or
 * NULL, and l the one that says whose it was.
 */
static bool
refuse(struct seen *s, const char *why, int64_t at, const struct sshd_line *l,
    struct seen_events *out)
{
	struct sshd_line first = {0};
	struct login_event *ev;

	if (!has_room(s, at)) {
		sum(s, at);
		return true;
	}
	if ((ev = seen_add(s, out, LOGIN_REFUSED, at)) == NULL)
		return false;
	if (why != NULL)
		sshd_line_parse(slice_str(why), &first);
	if (first.why.n == 0)
		first.why = slice_str("failed");
	return seen_put(&ev->why, first.why, LOGIN_WHY_MAX) &&
	    put_key(ev, &first) && put_key(ev, l) && put_peer(ev, l) &&
	    seen_put(&ev->method, l->method, LOGIN_METHOD_MAX);
}

/* What waits in c for whose it is. */
bool
seen_refuse_waiting(struct seen *s, struct seen_conn *c,
    const struct sshd_line *l, struct seen_events *out)
{
	struct sshd_line who = {0};
	bool good;

	if (c->why == NULL)
		return true;
	if (l != NULL) {
		who.user = l->user;
		who.from = l->from;
		who.port = l->port;
		if (slice_is(who.user, "?"))
			who.user.n = 0;
	}
	good = refuse(s, c->why, c->why_at, &who, out);
	free(c->why);
	c->why = NULL;
	c->has_failed = true;
	return good;
}

/* --- lines of sshd -------------------------------------------------------- */

/* Of several methods the one before names the key. */
static bool
put_partial(struct login_event *ev, const char *partial)
{
	struct str both = STR_INIT;
	struct sshd_line l;
	bool good;

	if (partial == NULL)
		return true;
	sshd_line_parse(slice_str(partial), &l);
	str_addn(&both, (const char *)l.method.p, l.method.n);
	str_addf(&both, ",%s", ev->method);
	good = str_check(&both) == 0 &&
	    seen_keep(&ev->method, slice_of(both.p, both.n), LOGIN_METHOD_MAX);
	str_clear(&both);
	return good && (ev->has_key || put_key(ev, &l));
}

static bool
accepted(struct seen *s, const struct seen_line *line,
    const struct sshd_line *l, struct seen_events *out)
{
	struct seen_conn *c = before_login(s, line, out);
	struct login_event *ev;

	if (c == NULL || !seen_refuse_waiting(s, c, l, out) ||
	    (ev = seen_add(s, out, LOGIN_IN, line->at)) == NULL)
		return false;
	c->is_open = true;
	c->at = line->at;
	c->port = l->port;
	if (!seen_keep(&c->account, l->user, LOGIN_ACCOUNT_MAX) ||
	    !seen_keep(&c->from, l->from, LOGIN_FROM_MAX) || !put_peer(ev, l) ||
	    !seen_put(&ev->method, l->method, LOGIN_METHOD_MAX) ||
	    !put_key(ev, l) || !put_partial(ev, c->partial) ||
	    !seen_name_session(s, c, &ev->session))
		return false;
	free(c->partial);
	c->partial = NULL;
	return true;
}

static bool
failed(struct seen *s, const struct seen_line *line, const struct sshd_line *l,
    struct seen_events *out)
{
	struct seen_conn *c = before_login(s, line, out);
	bool good;

	if (c == NULL)
		return false;
	c->has_failed = true;
	if (!l->is_cert) {
		sum(s, line->at);
		return true;
	}
	good = refuse(s, c->why, line->at, l, out);
	free(c->why);
	c->why = NULL;
	return good;
}

/* An option that sshd does not know, and then that the options are not good: one
 * refusal, of which one line says the option and, from 10.1 on, the other whose. */
static bool
is_said_twice(const struct seen_conn *c, const struct sshd_line *l)
{
	struct slice first;

	if (c->why == NULL || !slice_is(l->why, "Invalid certificate options"))
		return false;
	first = slice_str(c->why);
	(void)scan_front(&first, "error: ");
	return scan_front(&first, "Certificate critical option ");
}

static bool
wait_for_whose(struct seen *s, const struct seen_line *line,
    const struct sshd_line *l, struct seen_events *out)
{
	struct seen_conn *c = before_login(s, line, out);
	bool again;

	if (c == NULL)
		return false;
	again = is_said_twice(c, l);
	if (again && l->kind == SSHD_REASON)
		return true;
	if (!again && !seen_refuse_waiting(s, c, NULL, out))
		return false;
	c->why_at = line->at;
	return seen_keep(&c->why, line->text, 2 * SSHD_LINE_CUT);
}

static bool
left(struct seen *s, const struct seen_line *line, const struct sshd_line *l,
    struct seen_events *out)
{
	struct seen_conn *c = seen_find(s, line->pid);

	if (c != NULL && c->is_open)
		c = NULL;
	if (c != NULL && !seen_refuse_waiting(s, c, l, out))
		return false;
	/* A key that is not good fails without a word, at sshd's usual level. */
	if (l->user.n > 0 && (c == NULL || !c->has_failed))
		sum(s, line->at);
	if (c != NULL)
		seen_drop(s, c);
	return true;
}

/* The one that ends: of that process, or where another one says it, of that
 * account's from there. */
static struct seen_conn *
find_ended(const struct seen *s, const struct seen_line *line,
    const struct sshd_line *l)
{
	struct seen_conn *c = seen_find(s, line->pid);

	if (c != NULL && c->is_open)
		return c;
	for (size_t i = 0; l->port != 0 && i < s->n_conns; i++) {
		c = &s->conns[i];
		if (c->is_open && c->port == l->port &&
		    slice_is(l->user, c->account) && slice_is(l->from, c->from))
			return c;
	}
	return NULL;
}

bool
seen_end(const struct seen *s, struct seen_conn *c, int64_t at,
    struct seen_events *out)
{
	struct login_event *ev;

	if (c->is_ended)
		return true;
	if ((ev = seen_add(s, out, LOGIN_OUT, at)) == NULL)
		return false;
	c->is_ended = true;
	ev->port = c->port;
	return seen_put(&ev->account, slice_str(c->account),
		   LOGIN_ACCOUNT_MAX) &&
	    seen_put(&ev->from, slice_str(c->from), LOGIN_FROM_MAX) &&
	    seen_name_session(s, c, &ev->session);
}

static bool
ended(struct seen *s, const struct seen_line *line, const struct sshd_line *l,
    struct seen_events *out)
{
	struct seen_conn *c = find_ended(s, line, l);
	bool is_last = l->port == 0; /* PAM's; sshd's own comes before it */
	struct login_event *ev;

	if (c != NULL) {
		if (!seen_end(s, c, line->at, out))
			return false;
		if (is_last)
			seen_drop(s, c);
		return true;
	}
	/* Without a login that was seen it is told once, by PAM's. */
	if (!is_last)
		return true;
	return (ev = seen_add(s, out, LOGIN_OUT, line->at)) != NULL &&
	    put_peer(ev, l);
}

bool
seen_take_sshd(struct seen *s, const struct seen_line *line,
    struct seen_events *out)
{
	struct seen_conn *c;
	struct sshd_line l;

	sshd_line_parse(line->text, &l);
	switch (l.kind) {
	case SSHD_ACCEPTED:
		return accepted(s, line, &l, out);
	case SSHD_PARTIAL:
		c = before_login(s, line, out);
		return c != NULL &&
		    seen_keep(&c->partial, line->text, 2 * SSHD_LINE_CUT);
	case SSHD_FAILED:
		return failed(s, line, &l, out);
	case SSHD_REASON:
	case SSHD_REFUSED:
		return wait_for_whose(s, line, &l, out);
	case SSHD_LEFT:
		return left(s, line, &l, out);
	case SSHD_ENDED:
		return ended(s, line, &l, out);
	case SSHD_OTHER:
		break;
	}
	return true;
}
