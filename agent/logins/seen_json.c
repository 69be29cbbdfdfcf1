/* SPDX-License-Identifier: ISC */
/* What was seen so far, as it is kept over the end of a process. */
#include <stdlib.h>
#include <string.h>

#include "agent/logins/seen.h"
#include "agent/logins/sshd_line.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const keys[] = {"source", "place", "since", "lost", "boot",
    "conns", "failed", "failed_at", "failed_until", "refused", "refused_at"};
static const char *const conn_keys[] = {"pid", "at", "open", "ended", "failed",
    "account", "from", "port", "scope", "why", "why_at", "partial"};

/* --- out ------------------------------------------------------------------ */

static void
write_text(struct jw *w, const char *key, const char *text)
{
	if (text != NULL)
		jw_str(w, key, text);
}

static void
write_conn(const struct seen_conn *c, struct jw *w)
{
	jw_begin(w, NULL, '{');
	jw_u64(w, "pid", c->pid);
	jw_time(w, "at", c->at);
	jw_bool(w, "open", c->is_open);
	jw_bool(w, "ended", c->is_ended);
	jw_bool(w, "failed", c->has_failed);
	write_text(w, "account", c->account);
	write_text(w, "from", c->from);
	jw_int(w, "port", c->port);
	write_text(w, "scope", c->scope);
	write_text(w, "why", c->why);
	if (c->why != NULL)
		jw_time(w, "why_at", c->why_at);
	write_text(w, "partial", c->partial);
	jw_end(w, '}');
}

void
seen_write(const struct seen *s, struct jw *w)
{
	jw_begin(w, NULL, '{');
	jw_str(w, "source", login_source_name(s->source));
	write_text(w, "place", s->place);
	jw_time(w, "since", s->since);
	jw_u64(w, "lost", s->lost);
	jw_str(w, "boot", s->boot);
	jw_begin(w, "conns", '[');
	for (size_t i = 0; i < s->n_conns; i++)
		write_conn(&s->conns[i], w);
	jw_end(w, ']');
	jw_u64(w, "failed", s->failed);
	jw_time(w, "failed_at", s->failed_at);
	jw_time(w, "failed_until", s->failed_until);
	jw_u64(w, "refused", s->refused);
	jw_time(w, "refused_at", s->refused_at);
	jw_end(w, '}');
}

/* --- in ------------------------------------------------------------------- */

static int
read_conn(const json_t *o, struct seen_conn *c, struct err *e)
{
	const size_t line = 2 * SSHD_LINE_CUT;
	int64_t port = 0;
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE, "not an object");
	if ((r = json_known(o, conn_keys, N(conn_keys), e)) != 0 ||
	    (r = json_u64(o, "pid", 0, 0, UINT64_MAX, &c->pid, e)) != 0 ||
	    (r = json_time(o, "at", 0, &c->at, e)) != 0 ||
	    (r = json_bool(o, "open", 0, &c->is_open, e)) != 0 ||
	    (r = json_bool(o, "ended", 0, &c->is_ended, e)) != 0 ||
	    (r = json_bool(o, "failed", 0, &c->has_failed, e)) != 0 ||
	    (r = json_strdup(o, "account", JSON_OPTIONAL, LOGIN_ACCOUNT_MAX,
		 &c->account, e)) != 0 ||
	    (r = json_strdup(o, "from", JSON_OPTIONAL, LOGIN_FROM_MAX, &c->from,
		 e)) != 0 ||
	    (r = json_int(o, "port", 0, 0, UINT16_MAX, &port, e)) != 0 ||
	    (r = json_strdup(o, "scope", JSON_OPTIONAL, LOGIN_SESSION_MAX,
		 &c->scope, e)) != 0 ||
	    (r = json_strdup(o, "why", JSON_OPTIONAL, line, &c->why, e)) != 0 ||
	    (r = json_time(o, "why_at", JSON_OPTIONAL, &c->why_at, e)) != 0 ||
	    (r = json_strdup(o, "partial", JSON_OPTIONAL, line, &c->partial,
		 e)) != 0)
		return r;
	c->port = (uint16_t)port;
	if (c->is_open && (c->account == NULL || c->from == NULL))
		return err_set(e, ERR_PARSE,
		    "a login without 'account' or 'from', expected both");
	return 0;
}

static int
read_conns(const json_t *o, struct seen *s, struct err *e)
{
	const json_t *list = NULL;
	int r;

	r = json_array_of(o, "conns", JSON_EMPTY_OK, SEEN_CONNS_MAX, &list, e);
	if (r != 0 || json_array_size(list) == 0)
		return r;
	s->cap = json_array_size(list);
	if ((s->conns = calloc(s->cap, sizeof(*s->conns))) == NULL)
		return err_nomem(e);
	while (s->n_conns < s->cap) {
		size_t i = s->n_conns++;

		r = read_conn(json_array_get(list, i), &s->conns[i], e);
		if (r != 0) {
			err_prefix(e, "connection %zu", i + 1);
			return r;
		}
	}
	return 0;
}

static int
read_numbers(const json_t *o, struct seen *s, struct err *e)
{
	const struct {
		const char *key;
		uint64_t *out;
	} numbers[] = {{"lost", &s->lost}, {"failed", &s->failed},
	    {"refused", &s->refused}};
	const struct {
		const char *key;
		int64_t *out;
	} times[] = {{"since", &s->since}, {"failed_at", &s->failed_at},
	    {"failed_until", &s->failed_until}, {"refused_at", &s->refused_at}};
	int r = 0;

	for (size_t i = 0; i < N(numbers) && r == 0; i++)
		r = json_u64(o, numbers[i].key, 0, 0, UINT64_MAX,
		    numbers[i].out, e);
	for (size_t i = 0; i < N(times) && r == 0; i++)
		r = json_time(o, times[i].key, 0, times[i].out, e);
	return r;
}

int
seen_read(const json_t *o, struct seen *s, struct err *e)
{
	const char *source = NULL, *boot = NULL;
	bool is_file;
	int r;

	if ((r = json_known(o, keys, N(keys), e)) != 0 ||
	    (r = json_str(o, "source", 0, LOGIN_METHOD_MAX, &source, e)) != 0)
		return r;
	is_file = strcmp(source, login_source_name(LOGIN_FROM_FILE)) == 0;
	if (!is_file &&
	    strcmp(source, login_source_name(LOGIN_FROM_JOURNAL)) != 0)
		return err_set(e, ERR_PARSE,
		    "field 'source' is malformed, expected journal or file");
	s->source = is_file ? LOGIN_FROM_FILE : LOGIN_FROM_JOURNAL;
	if ((r = json_strdup(o, "place", JSON_OPTIONAL, SEEN_PLACE_MAX,
		 &s->place, e)) != 0 ||
	    (r = json_str(o, "boot", JSON_EMPTY_OK, SEEN_BOOT, &boot, e)) != 0)
		return r;
	memcpy(s->boot, boot, strlen(boot) + 1);
	if ((r = read_numbers(o, s, e)) != 0)
		return r;
	return read_conns(o, s, e);
}
