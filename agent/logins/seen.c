/* SPDX-License-Identifier: ISC */
#include "agent/logins/seen_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/logins/scan.h"
#include "agent/logins/sudo_line.h"
#include "lib/base/str.h"

#define EVENTS_MAX 1000000 /* of one call: far more than lines that it has */

void
seen_conn_clear(struct seen_conn *c)
{
	free(c->account);
	free(c->from);
	free(c->scope);
	free(c->why);
	free(c->partial);
	memset(c, 0, sizeof(*c));
}

void
seen_clear(struct seen *s)
{
	for (size_t i = 0; i < s->n_conns; i++)
		seen_conn_clear(&s->conns[i]);
	free(s->conns);
	free(s->place);
	memset(s, 0, sizeof(*s));
}

void
seen_events_clear(struct seen_events *l)
{
	for (size_t i = 0; i < l->n; i++)
		login_event_clear(&l->v[i]);
	free(l->v);
	memset(l, 0, sizeof(*l));
}

/* --- connections ---------------------------------------------------------- */

struct seen_conn *
seen_find(const struct seen *s, uint64_t pid)
{
	for (size_t i = s->n_conns; i-- > 0;)
		if (s->conns[i].pid == pid)
			return &s->conns[i];
	return NULL;
}

void
seen_drop(struct seen *s, struct seen_conn *c)
{
	size_t i = (size_t)(c - s->conns);

	seen_conn_clear(c);
	memmove(c, c + 1, (s->n_conns - i - 1) * sizeof(*c));
	s->n_conns--;
}

bool
seen_keep(char **field, struct slice s, size_t max)
{
	char *text = scan_clean(s, max);

	if (text == NULL)
		return false;
	free(*field);
	*field = text;
	return true;
}

/* --- events --------------------------------------------------------------- */

struct login_event *
seen_add(const struct seen *s, struct seen_events *out, enum login_what what,
    int64_t at)
{
	struct login_event *ev;

	if (vec_grow(&out->v, out->n, &out->cap, EVENTS_MAX) != 0)
		return NULL;
	ev = &out->v[out->n++];
	memset(ev, 0, sizeof(*ev));
	ev->what = what;
	ev->at = at;
	ev->source = s->source;
	return ev;
}

bool
seen_name_session(const struct seen *s, const struct seen_conn *c, char **out)
{
	struct str text = STR_INIT;

	str_addf(&text, "%s.%" PRIu64 ".%" PRId64, s->boot, c->pid, c->at);
	return str_take(&text, out) == 0;
}

/* An empty slice says nothing. */
bool
seen_put(char **field, struct slice s, size_t max)
{
	return s.n == 0 || seen_keep(field, s, max);
}

/* --- lines of others ------------------------------------------------------ */

static struct seen_conn *
find_scope(const struct seen *s, const char *scope)
{
	for (size_t i = s->n_conns; scope != NULL && i-- > 0;) {
		struct seen_conn *c = &s->conns[i];

		if (c->is_open && c->scope != NULL &&
		    strcmp(c->scope, scope) == 0)
			return c;
	}
	return NULL;
}

/* Where sshd was killed nobody else says that a session is over.  The connection
 * stays, so that PAM's word, should it come late, is no second end. */
static bool
take_logind(struct seen *s, const struct seen_line *line,
    struct seen_events *out)
{
	struct seen_conn *c;

	if (line->is_over) {
		c = find_scope(s, line->scope);
		return c == NULL || seen_end(s, c, line->at, out);
	}
	c = seen_find(s, line->leader);
	return c == NULL || !c->is_open || line->scope == NULL ||
	    seen_keep(&c->scope, slice_str(line->scope), LOGIN_SESSION_MAX);
}

static bool
name_sudo_session(const struct seen *s, const char *scope, char **out)
{
	const struct seen_conn *c = find_scope(s, scope);

	return c == NULL || seen_name_session(s, c, out);
}

/* A long command comes in several lines, one after the other. */
static bool
add_to_command(struct seen_events *out, const struct seen_line *line,
    const struct sudo_line *l)
{
	struct login_event *ev = out->n > 0 ? &out->v[out->n - 1] : NULL;
	struct str text = STR_INIT;
	bool good;

	if (ev == NULL || ev->what != LOGIN_SUDO ||
	    !slice_is(l->user,
		line->account != NULL ? line->account : ev->account))
		return true;
	str_addf(&text, "%s ", ev->command);
	str_addn(&text, (const char *)l->command.p, l->command.n);
	good = str_check(&text) == 0 &&
	    seen_keep(&ev->command, slice_of(text.p, text.n),
		LOGIN_COMMAND_MAX);
	str_clear(&text);
	return good;
}

static bool
take_sudo(struct seen *s, const struct seen_line *line, struct seen_events *out)
{
	struct login_event *ev;
	struct sudo_line l;

	if (!sudo_line_parse(line->text, &l) || l.command.n == 0)
		return true;
	if (l.is_more)
		return add_to_command(out, line, &l);
	/* Who it was is the kernel's to say, where it does. */
	if (line->account != NULL)
		l.user = slice_str(line->account);
	if (line->is_doubtful)
		l.why = slice_str(LOGIN_PERHAPS
		    "its process had ended before anybody looked whether it "
		    "was sudo");
	return (ev = seen_add(s, out, LOGIN_SUDO, line->at)) != NULL &&
	    seen_put(&ev->account, l.user, LOGIN_ACCOUNT_MAX) &&
	    seen_put(&ev->as, l.as, LOGIN_ACCOUNT_MAX) &&
	    seen_put(&ev->command, l.command, LOGIN_COMMAND_MAX) &&
	    seen_put(&ev->why, l.why, LOGIN_WHY_MAX) &&
	    name_sudo_session(s, line->scope, &ev->session);
}

/* A connection does not outlive its boot; a refusal that waits in it does, until it
 * is settled, as of a process that nobody has. */
static void
look_at_boot(struct seen *s, const char *boot)
{
	char now[SEEN_BOOT + 1] = "";

	memcpy(now, boot, strnlen(boot, SEEN_BOOT));
	if (strcmp(s->boot, now) == 0)
		return;
	for (size_t i = s->n_conns; i-- > 0;) {
		struct seen_conn *c = &s->conns[i];

		c->pid = UINT64_MAX;
		if (c->why == NULL)
			seen_drop(s, c);
	}
	memcpy(s->boot, now, sizeof(now));
}

int
seen_take(struct seen *s, const struct seen_line *line, struct seen_events *out,
    struct err *e)
{
	bool good = true;

	look_at_boot(s, line->boot);
	switch (line->from) {
	case SEEN_SSHD:
		good = seen_take_sshd(s, line, out);
		break;
	case SEEN_SUDO:
		good = take_sudo(s, line, out);
		break;
	case SEEN_LOGIND:
		good = take_logind(s, line, out);
		break;
	}
	return good ? 0 : err_nomem(e);
}

int
seen_settle(struct seen *s, int64_t now, struct seen_events *out, struct err *e)
{
	size_t before = out->n;
	struct login_event *ev;

	for (size_t i = s->n_conns; i-- > 0 && out->n == before;) {
		struct seen_conn *c = &s->conns[i];

		if (c->is_open || now - c->at < SEEN_WAIT_S)
			continue;
		if (!seen_refuse_waiting(s, c, NULL, out))
			return err_nomem(e);
		seen_drop(s, c);
	}
	if (out->n > before || s->failed == 0 ||
	    now - s->failed_at < SEEN_SUM_S)
		return 0;
	if ((ev = seen_add(s, out, LOGIN_FAILED, s->failed_at)) == NULL)
		return err_nomem(e);
	ev->until = s->failed_until;
	ev->count = s->failed;
	s->failed = 0;
	return 0;
}
