/* SPDX-License-Identifier: ISC */
/* What the host says to its master. */
#include <stdlib.h>
#include <string.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/proc/plog.h"
#include "lib/ssh/cert.h"

#define UNSENT_MAX  256   /* reports in memory; the applier has the rest */
#define CLEAN_AFTER 32    /* that a master has and the applier keeps still */
#define SAY_AGAIN   10000 /* ms; to a master that had enough */
#define RENEW_MS    (10 * 60 * 1000) /* about; asked for, not there yet */
#define SETTLE_MS   2000
#define AGAIN_MS    500
#define ASKS_MAX    64

/* A call about a statement of the host's. */
static int
call_with(struct uplink *u, const char *call, const char *statement,
    json_t **answer, struct err *e)
{
	struct uplink_body b;

	uplink_begin(&b, call);
	jw_str(&b.w, "statement", statement);
	return uplink_end(u, &b, answer, e);
}

void
uplink_member(struct str *out, const char *key, const char *text)
{
	struct jw w;

	jw_init(&w, out, false);
	w.comma = out->n > 0;
	jw_str(&w, key, text);
}

/* --- reports -------------------------------------------------------------- */

static void
drop_sent(struct uplink *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(u->unsent.v[i]);
	memmove(u->unsent.v, u->unsent.v + n,
	    (u->unsent.n - n) * sizeof(*u->unsent.v));
	u->unsent.n -= n;
	u->first_unsent += n;
}

void
uplink_add_reports(struct uplink *u, const json_t *answer)
{
	const json_t *v = json_object_get(answer, "reports");

	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *o = json_array_get(v, i);
		const char *text = json_text(o, "text");
		uint64_t seq = uplink_u64(o, "seq");

		if (u->unsent.n == 0)
			u->first_unsent = seq;
		/* What does not follow is asked for when its turn comes. */
		if (seq != u->first_unsent + u->unsent.n ||
		    u->unsent.n >= UNSENT_MAX ||
		    strs_add(&u->unsent, text) != 0)
			return;
	}
}

/* Those that were made while there was no room, or before we began. */
static int
ask_for_more(struct uplink *u, struct err *e)
{
	struct str args = STR_INIT;
	char text[24];
	int r;

	(void)snprintf(text, sizeof(text), "%llu",
	    (unsigned long long)u->acked);
	uplink_member(&args, "acked", text);
	r = str_check(&args) != 0 ? err_nomem(e)
				  : uplink_ask(u, VERB_UNSENT, args.p, NULL, e);
	str_clear(&args);
	return r;
}

static int
send_one(struct uplink *u, struct err *e)
{
	json_t *answer = NULL;
	int r;

	r = call_with(u, "report", u->unsent.v[0], &answer, e);
	json_decref(answer);
	if (r == 0) {
		u->acked = u->first_unsent;
		drop_sent(u, 1);
	}
	return r;
}

void
uplink_send(struct uplink *u)
{
	uint64_t made = uplink_u64(u->held, "seq"), had_acked = u->acked;
	struct err e = {0};
	int r = 0;

	u->more_unsent = false;
	if (loop_now(u->loop) < u->next_send)
		return;
	u->next_send = 0;
	if (u->unsent.n > 0 && u->acked >= u->first_unsent) {
		uint64_t had = u->acked - u->first_unsent + 1;

		drop_sent(u, had < u->unsent.n ? (size_t)had : u->unsent.n);
	}
	/* One that is not the next would be a gap. */
	if (u->unsent.n > 0 && u->first_unsent != u->acked + 1)
		strs_clear(&u->unsent);
	if ((u->unsent.n == 0 && made > u->acked) ||
	    u->acked >= uplink_u64(u->held, "acked") + CLEAN_AFTER)
		r = ask_for_more(u, &e);
	while (r == 0 && u->unsent.n > 0 && uplink_is_up(u))
		r = send_one(u, &e);
	/* An answer of the applier's is not all that there is. */
	u->more_unsent = r == 0 && u->acked > had_acked && made > u->acked;
	if (r == 0 || !uplink_is_up(u))
		return;
	plog_err(PLOG_WARN, &e, "the master does not take a report", NULL);
	/* It is of use for all else, and what another one gets is a gap here. */
	if (r == ERR_BUSY)
		u->next_send = loop_now(u->loop) + SAY_AGAIN;
	else
		uplink_leave(u);
}

/* --- diffs ---------------------------------------------------------------- */

static void
answer_one(struct uplink *u, const char *id, const char *diff)
{
	struct str args = STR_INIT, s = STR_INIT;
	json_t *answer = NULL;
	struct err e = {0};
	struct jw w;
	int r;

	uplink_member(&args, "diff", diff);
	r = str_check(&args) != 0
	    ? err_nomem(&e)
	    : uplink_ask(u, VERB_DIFF, args.p, &answer, &e);
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "diff");
	jw_str(&w, "id", id);
	if (r == 0)
		jw_str(&w, "text", json_text(answer, "text"));
	else
		jw_str(&w, "error", e.msg);
	jw_end(&w, '}');
	if (str_check(&s) != 0 ||
	    uplink_call(u, s.p, UPLINK_CALL_MS, NULL, &e) != 0)
		plog_err(PLOG_WARN, &e, "a diff that was asked for", NULL);
	json_decref(answer);
	str_clear(&args);
	str_clear(&s);
}

void
uplink_answer_asks(struct uplink *u)
{
	json_t *asks = json_incref(json_object_get(u->taking, "asks"));
	size_t n = json_array_size(asks);

	for (size_t i = 0; i < n && i < ASKS_MAX && uplink_is_up(u); i++) {
		const json_t *o = json_array_get(asks, i);
		const char *id = json_text(o, "id");

		if (id[0] == '\0' || strs_has(&u->answered, id))
			continue;
		if (u->answered.n >= 2 * ASKS_MAX)
			strs_clear(&u->answered);
		if (strs_add(&u->answered, id) == 0)
			answer_one(u, id, json_text(o, "diff"));
	}
	json_decref(asks);
}

/* --- the certificate ------------------------------------------------------ */

static int
ask_certificate(struct uplink *u, const char *statement, bool *got,
    struct err *e)
{
	json_t *answer = NULL;
	const char *line;
	int r;

	*got = false;
	if ((r = call_with(u, "renew", statement, &answer, e)) != 0)
		return r;
	line = json_text(answer, "certificate");
	if (line[0] != '\0' && strlen(line) < CERT_LINE_MAX) {
		*got = true;
		if ((r = uplink_spool(u, SPOOL_CERTIFICATE, line, strlen(line),
			 e)) == 0)
			r = uplink_ask(u, VERB_CERTIFICATE, "", NULL, e);
	}
	json_decref(answer);
	return r;
}

void
uplink_renew(struct uplink *u)
{
	json_t *answer = NULL;
	struct err e = {0};
	const char *statement;
	bool got = false;
	int64_t in;
	int r;

	u->next_renew =
	    loop_now(u->loop) + RENEW_MS / 2 + uplink_chance(RENEW_MS);
	if ((r = uplink_ask(u, VERB_RENEW, "", &answer, &e)) == 0) {
		statement = json_text(answer, "statement");
		in = uplink_int(answer, "in");
		if (statement[0] == '\0')
			u->next_renew = loop_now(u->loop) +
			    (in > 86400 ? 86400 : in) * 1000;
		else if ((r = ask_certificate(u, statement, &got, &e)) == 0 &&
		    got)
			u->next_run = u->next_renew = loop_now(u->loop);
	}
	if (r != 0)
		plog_err(PLOG_WARN, &e, "no host certificate yet", NULL);
	u->renew_failed = r != 0;
	json_decref(answer);
}

/* --- the run that waits --------------------------------------------------- */

static void
wait_ms(struct uplink *u, int64_t ms, struct err *e)
{
	int64_t until = clock_mono_ms() + ms;

	/* With one that is down a turn does not wait. */
	if (u->down)
		uplink_hang_up(u);
	while (clock_mono_ms() < until && !u->stop && !u->gone)
		if (uplink_turn(u, (int)(until - clock_mono_ms()), e) != 0)
			return;
}

/* A connection made after the change, or why there is none. */
static int
connect_anew(struct uplink *u, int64_t until, struct err *e)
{
	int r;

	uplink_hang_up(u);
	if ((r = uplink_connect(u, e)) != 0)
		return r;
	while (!u->up && !u->down && clock_mono_ms() < until && !u->gone)
		if ((r = uplink_turn(u, 200, e)) != 0)
			return r;
	if (u->up && !u->down)
		return 0;
	if (u->down)
		*e = u->why;
	else
		(void)err_set(e, ERR_NET, "the master does not answer");
	return ERR_NET;
}

/* The master comes to the host's sshd, and says whom it met. */
static int
have_dialled(struct uplink *u, json_t **out, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "dial");
	jw_int(&w, "port", uplink_int(u->held, "ssh_port"));
	jw_end(&w, '}');
	r = str_check(&s) != 0 ? err_nomem(e)
			       : uplink_call(u, s.p, UPLINK_CALL_MS, out, e);
	str_clear(&s);
	return r;
}

static int
ask_confirm(struct uplink *u, const json_t *dial, struct err *e)
{
	struct str args = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &args, false);
	jw_begin(&w, "dial", '{');
	jw_bool(&w, "reached", uplink_bool(dial, "reached"));
	if (json_text(dial, "key")[0] != '\0')
		jw_str(&w, "key", json_text(dial, "key"));
	if (json_text(dial, "why")[0] != '\0')
		jw_strn(&w, "why", json_text(dial, "why"),
		    strnlen(json_text(dial, "why"), 500));
	jw_end(&w, '}');
	r = str_check(&args) != 0
	    ? err_nomem(e)
	    : uplink_ask(u, VERB_CONFIRM, args.p, NULL, e);
	str_clear(&args);
	return r;
}

static void
settle(struct uplink *u)
{
	struct err e = {0};

	if (uplink_ask(u, VERB_SETTLE, "", NULL, &e) != 0)
		plog_err(PLOG_WARN, &e, "what became of the run", NULL);
	u->next_settle = loop_now(u->loop) + SETTLE_MS;
}

void
uplink_confirm(struct uplink *u)
{
	int64_t until = clock_mono_ms() + uplink_int(u->held, "left") * 1000;
	bool fresh = false;

	while (json_object_get(u->held, "run") != NULL &&
	    clock_mono_ms() < until && !u->stop && !u->gone) {
		json_t *dial = NULL;
		struct err e = {0}, turn = {0};
		int r = 0;

		if (!fresh || !uplink_is_up(u))
			r = connect_anew(u, until, &e);
		fresh = r == 0;
		if (r == 0)
			r = have_dialled(u, &dial, &e);
		if (r == 0)
			r = ask_confirm(u, dial, &e);
		json_decref(dial);
		if (r == 0)
			return;
		plog_err(PLOG_WARN, &e, "the change is not confirmed yet",
		    NULL);
		wait_ms(u, AGAIN_MS, &turn);
	}
	if (json_object_get(u->held, "run") != NULL)
		settle(u);
}
