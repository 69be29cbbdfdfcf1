/* SPDX-License-Identifier: ISC */
/* A host that is none yet asks to be accepted, by a token where it has one. */
#include <stdlib.h>
#include <string.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/key/key.h"
#include "lib/proc/plog.h"
#include "lib/statement/statement.h"

#define ENROL_MS     10000
#define REJECTED_MS  600000
#define ELSEWHERE_MS 60000
#define TOKEN_FIRST  60000            /* until a token is tried again */
#define TOKEN_MOST   (60 * 60 * 1000) /* later each time */
#define TOKEN_NEVER  (-1)

/* With the link's signature beside the host's. */
static int
sign_enrol(struct uplink *u, const char *text, struct err *e)
{
	const char *end = strchr(text, '\n');
	struct str s = STR_INIT;
	struct key *k = NULL;
	int r;

	if (end == NULL)
		return err_set(e, ERR_PARSE, "the applier's enrol statement");
	if ((r = key_parse("the transport key", slice_str(u->key), NULL, &k,
		 e)) != 0)
		return r;
	str_add(&s, text);
	r = key_sshsig(k, statement_namespace(ST_ENROL),
	    slice_of(text, (size_t)(end - text) + 1), &s, e);
	key_free(k);
	if (r == 0)
		r = uplink_spool(u, SPOOL_ENROL, s.p, s.n, e);
	if (r == 0 && str_take(&s, &u->enrol) != 0)
		r = err_nomem(e);
	str_clear(&s);
	return r;
}

/* 1: signed by whom it names, of whom the link is one.  What a crash has left of a
 * file, or a master put in its place, is not. */
static int
is_ours(const struct uplink *u, const char *text, size_t n)
{
	struct pubkey *mine = NULL;
	struct statement s;
	int r;

	statement_init(&s, ST_ENROL);
	if ((r = pubkey_parse_line(u->key_line, strlen(u->key_line), &mine,
		 NULL, NULL)) == 0 &&
	    (r = statement_parse(SPOOL_ENROL, slice_of(text, n), &s, NULL)) ==
		0)
		r = statement_verify(&s, NULL);
	if (r == 0)
		r = s.type == ST_ENROL &&
		    pubkey_equal(s.u.enrol.transport_key, mine) &&
		    statement_signed_by(&s, s.u.enrol.host_key) >= 0 &&
		    statement_signed_by(&s, mine) >= 0;
	else if (r != ERR_NOMEM)
		r = 0;
	statement_clear(&s);
	pubkey_free(mine);
	return r;
}

/* The one that was made before, NULL where there is none that is of use. */
static int
read_enrol(struct uplink *u, struct err *e)
{
	char *path = NULL, *text = NULL;
	size_t n;
	int r;

	if (path_join(u->spool, SPOOL_ENROL, &path) != 0)
		return err_nomem(e);
	r = file_read(path, STATEMENT_MAX, &text, &n, NULL);
	free(path);
	if (r != 0)
		return r == ERR_NOMEM ? err_nomem(e) : 0;
	if ((r = is_ours(u, text, n)) == 1) {
		u->enrol = text;
		return 0;
	}
	free(text);
	return r == ERR_NOMEM ? err_nomem(e) : 0;
}

/* The same bytes as long as they are there: a person looks for what he saw. */
static int
make_enrol(struct uplink *u, struct err *e)
{
	struct str args = STR_INIT;
	json_t *answer = NULL;
	int r;

	if (u->enrol != NULL)
		return 0;
	if ((r = read_enrol(u, e)) != 0 || u->enrol != NULL)
		return r;
	uplink_member(&args, "transport_key", u->key_line);
	r = str_check(&args) != 0
	    ? err_nomem(e)
	    : uplink_ask(u, VERB_ENROL, args.p, &answer, e);
	if (r == 0)
		r = sign_enrol(u, json_text(answer, "statement"), e);
	json_decref(answer);
	str_clear(&args);
	return r;
}

/* A token's day may come: a policy that gives it more, a clock that is set. */
static void
token_later(struct uplink *u)
{
	if (u->token_wait_ms < TOKEN_FIRST)
		u->token_wait_ms = TOKEN_FIRST;
	u->next_token = loop_now(u->loop) + u->token_wait_ms;
	u->token_wait_ms *= 2;
	if (u->token_wait_ms > TOKEN_MOST)
		u->token_wait_ms = TOKEN_MOST;
}

/*
 * Where there is no token, or it is not one, somebody has to accept the host.
 * Each try is a statement of its own, so that none is older than what came
 * between.
 */
static void
make_by_token(struct uplink *u)
{
	json_t *answer = NULL;
	struct err e = {0};
	const char *accept;

	if (u->by_token != NULL || u->next_token == TOKEN_NEVER ||
	    loop_now(u->loop) < u->next_token)
		return;
	if (uplink_ask(u, VERB_TOKEN, "", &answer, &e) != 0) {
		plog_err(PLOG_WARN, &e, "no token lets this host in", NULL);
		token_later(u);
		return;
	}
	accept = json_text(answer, "accept");
	if (accept[0] == '\0')
		u->next_token = TOKEN_NEVER; /* none is configured */
	else
		u->by_token = str_dup(accept);
	json_decref(answer);
}

/* Not that it is busy, or away. */
static bool
is_no(int r)
{
	return r == ERR_DENIED || r == ERR_NOTFOUND || r == ERR_EXPIRED ||
	    r == ERR_EXISTS || r == ERR_ROLLBACK || r == ERR_BADSIG ||
	    r == ERR_PARSE || r == ERR_LIMIT;
}

static int
call_enrol(struct uplink *u, json_t **answer, struct err *e)
{
	struct uplink_body b;
	int r;

	uplink_begin(&b, "enrol");
	jw_str(&b.w, "statement", u->enrol);
	if (u->by_token != NULL)
		jw_str(&b.w, "accept", u->by_token);
	r = uplink_end(u, &b, answer, e);
	/* It says no to the token: meanwhile the host waits like others. */
	if (u->by_token != NULL && is_no(r)) {
		err_prefix(e, "by the token");
		free(u->by_token);
		u->by_token = NULL;
		token_later(u);
	}
	return r;
}

static bool
has_others(const struct uplink *u)
{
	return json_array_size(json_object_get(u->held, "masters")) > 1;
}

/*
 * Masters each have hosts of their own: whoever waits at one may have been
 * accepted at another, so no host waits at one for good.
 */
static void
look_elsewhere(struct uplink *u)
{
	if (!has_others(u) || !uplink_is_steady(u))
		return;
	plog(PLOG_INFO, "this host is none of this master's: to the next one",
	    NULL);
	uplink_leave(u);
}

void
uplink_enrol(struct uplink *u)
{
	json_t *answer = NULL;
	struct err e = {0};
	const char *state;
	int r;

	u->next_enrol = loop_now(u->loop) + ENROL_MS;
	if ((r = make_enrol(u, &e)) == 0) {
		make_by_token(u);
		r = call_enrol(u, &answer, &e);
	}
	if (r != 0) {
		plog_err(PLOG_WARN, &e, "cannot ask to be accepted", NULL);
		return;
	}
	state = json_text(answer, "state");
	if (strcmp(state, "accepted") == 0) {
		/* Come in as what we are now; what was said is believed when
		   the applier has seen the acceptance. */
		u->accepted_now = true;
		uplink_hang_up(u);
		u->next_try = 0;
	} else if (strcmp(state, "rejected") == 0) {
		plog(PLOG_WARN, "this host is rejected", NULL);
		u->next_enrol = loop_now(u->loop) +
		    (has_others(u) ? ELSEWHERE_MS : REJECTED_MS);
		look_elsewhere(u);
	} else {
		look_elsewhere(u);
	}
	json_decref(answer);
}
