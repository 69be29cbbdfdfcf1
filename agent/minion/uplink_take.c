/* SPDX-License-Identifier: ISC */
/*
 * What a master wants the host to have, and the host has not: fetched, shown to
 * the applier, one after the other.  The policy comes first, since everything
 * else is judged under it, and the order last.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/proc/plog.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/krl.h"
#include "lib/statement/statement.h"
#include "lib/trust/fleet_hosts.h"

#define LATER_MS 1000
#define NOMEM_MS 60000 /* each time is a process that may need as much */
#define FAULT_MS \
	10000       /* a person has to mend it, and other things are wanted */
#define TAKE_MS 200 /* after something was refused: no flood of appliers */

/* --- what was refused ----------------------------------------------------- */

static void
mark(struct str *out, const char *what, const char *hash)
{
	str_addf(out, "%s %.64s", what, hash);
}

static bool
was_tried(struct uplink *u, const char *what, const char *hash)
{
	struct str s = STR_INIT;
	bool was;

	mark(&s, what, hash);
	was = strs_has(&u->tried, s.p);
	str_clear(&s);
	return was;
}

static void
remember(struct uplink *u, const char *what, const char *hash)
{
	struct str s = STR_INIT;

	if (u->tried.n >= UPLINK_TRIED_MAX)
		strs_clear(&u->tried);
	mark(&s, what, hash);
	/* Forgotten, it is refused once more. */
	(void)!strs_add(&u->tried, s.p);
	str_clear(&s);
}

/* Does that say nothing of the thing?  Somebody else has the applier, the
 * connection went, or it is us who have no memory or no room in the spool. */
static bool
is_later(const struct uplink *u, bool asked, int r)
{
	return r == ERR_BUSY || r == ERR_NOMEM || !uplink_is_up(u) ||
	    (!asked && (r == ERR_NET || r == ERR_SYS));
}

/* Is it the master's own log or store that is not right?  What is mended there is
 * to be had again, and as long as it is not, all else is. */
static bool
is_masters_fault(bool asked, int r)
{
	return !asked && (r == ERR_RECORD || r == ERR_CORRUPT);
}

/* What came of an attempt; true: go on with the next thing. */
static bool
done(struct uplink *u, const char *what, const char *hash, bool asked, int r,
    const struct err *e)
{
	if (r == 0)
		return true;
	if (is_later(u, asked, r)) {
		plog_err(PLOG_INFO, e, "later", "what", what, NULL);
		u->changed = true;
		u->next_take = loop_now(u->loop) +
		    (asked && r == ERR_NOMEM ? NOMEM_MS : LATER_MS);
		return false;
	}
	if (is_masters_fault(asked, r)) {
		plog_err(PLOG_WARN, e, "the master cannot give it", "what",
		    what, NULL);
		u->changed = true;
		u->next_take = loop_now(u->loop) + FAULT_MS;
		return true;
	}
	/* The applier has raised its alarm itself. */
	if (!asked && uplink_is_hostile(r))
		uplink_alarm(u, what, hash, e);
	else
		plog_err(PLOG_WARN, e, "not taken", "what", what, NULL);
	remember(u, what, hash);
	u->next_take = loop_now(u->loop) + TAKE_MS;
	return r != ERR_SYS;
}

static int
ask_of(struct uplink *u, enum verb v, const char *hash, struct err *e)
{
	struct str args = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &args, false);
	jw_strn(&w, "of", hash, strnlen(hash, HASH_HEX - 1));
	r = str_check(&args) != 0 ? err_nomem(e)
				  : uplink_ask(u, v, args.p, NULL, e);
	str_clear(&args);
	return r;
}

/* --- each thing ----------------------------------------------------------- */

/* An object into a file of the spool. */
static int
fetch_as(struct uplink *u, enum uplink_object kind, const char *hex, size_t max,
    const char *name, struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = uplink_object(u, kind, hex, max, &text, &n, e)) == 0)
		r = uplink_spool(u, name, text, n, e);
	free(text);
	return r;
}

/* A statement into the spool, and one that it names by a field, if it does. */
static int
fetch_named(struct uplink *u, const char *from, const char *field,
    const char *name, struct err *e)
{
	char *path = NULL, *text = NULL, hex[HASH_HEX];
	size_t n = 0;
	int r;

	if (path_join(u->spool, from, &path) != 0)
		return err_nomem(e);
	r = file_read(path, STATEMENT_MAX, &text, &n, e);
	free(path);
	if (r == 0) {
		(void)uplink_field(text, n, field, hex, sizeof(hex));
		if (hex[0] != '\0')
			r = fetch_as(u, OBJECT_STATEMENT, hex, STATEMENT_MAX,
			    name, e);
	}
	free(text);
	return r;
}

static bool
take_policy(struct uplink *u)
{
	const json_t *w = json_object_get(u->taking, "policy");
	const char *hash = json_text(w, "statement");
	struct err e = {0};
	bool asked = false;
	int r;

	if (hash[0] == '\0' ||
	    strcmp(hash, json_text(u->held, "policy")) == 0 ||
	    was_tried(u, "policy", hash))
		return true;
	if ((r = uplink_fetch_policy(u, &e)) == 0) {
		asked = true;
		if ((r = ask_of(u, VERB_POLICY, hash, &e)) == 0) {
			u->next_run = loop_now(u->loop);
			uplink_beat_soon(u);
		}
	}
	if (r != 0)
		uplink_spool_empty(u); /* nothing of it stays in the way */
	return done(u, "policy", hash, asked, r, &e);
}

static bool
take_accept(struct uplink *u)
{
	const char *hash = json_text(u->taking, "accept");
	struct err e = {0};
	bool asked = false;
	int r;

	if (hash[0] == '\0' || json_text(u->held, "policy")[0] == '\0' ||
	    strcmp(hash, json_text(u->held, "accept")) == 0 ||
	    was_tried(u, "accept", hash))
		return true;
	r = fetch_as(u, OBJECT_STATEMENT, hash, STATEMENT_MAX, SPOOL_ACCEPT,
	    &e);
	if (r == 0)
		r = fetch_named(u, SPOOL_ACCEPT, "enrol", SPOOL_ENROL, &e);
	if (r == 0)
		r = fetch_named(u, SPOOL_ACCEPT, "token", SPOOL_TOKEN, &e);
	if (r == 0) {
		asked = true;
		if ((r = ask_of(u, VERB_ACCEPT, hash, &e)) == 0) {
			u->next_renew = loop_now(u->loop);
			uplink_beat_soon(u);
		}
	}
	return done(u, "accept", hash, asked, r, &e);
}

static bool
take_rename(struct uplink *u, const char *hash)
{
	struct err e = {0};
	bool asked = false;
	int r;

	if (was_tried(u, "rename", hash))
		return true;
	r = fetch_as(u, OBJECT_STATEMENT, hash, STATEMENT_MAX, SPOOL_RENAME,
	    &e);
	if (r == 0) {
		asked = true;
		if ((r = ask_of(u, VERB_RENAME, hash, &e)) == 0)
			u->next_renew = loop_now(u->loop);
	}
	return done(u, "rename", hash, asked, r, &e);
}

/* No acceptance has so many; said once. */
static bool
too_many_renames(struct uplink *u, size_t n)
{
	struct err e = {0};
	int r;

	if (was_tried(u, "renames", ""))
		return true;
	r = err_set(&e, ERR_LIMIT,
	    "the master names %zu renames, expected at most %d", n,
	    FLEET_RENAMES_MAX);
	return done(u, "renames", "", false, r, &e);
}

/* The first that is not held: each says the id that it is of. */
static size_t
first_rename(const struct uplink *u, const json_t *all)
{
	const char *held = json_text(u->held, "renamed");
	size_t first = 0;

	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *hash = json_string_value(json_array_get(all, i));

		if (hash != NULL && strcmp(hash, held) == 0)
			first = i + 1;
	}
	return first;
}

/* One by one, up to one that is refused: what follows that is of another host. */
static bool
take_renames(struct uplink *u)
{
	json_t *all;
	bool go_on = true;
	size_t n;

	/* Of an acceptance that was not taken they say nothing. */
	if (!uplink_bool(u->held, "accepted") ||
	    strcmp(json_text(u->taking, "accept"),
		json_text(u->held, "accept")) != 0)
		return true;
	all = json_incref(json_object_get(u->taking, "renames"));
	n = json_array_size(all);
	if (n > FLEET_RENAMES_MAX) {
		json_decref(all);
		return too_many_renames(u, n);
	}
	for (size_t i = first_rename(u, all); i < n && go_on; i++) {
		const char *hash = json_string_value(json_array_get(all, i));

		go_on = take_rename(u, hash != NULL ? hash : "");
		if (was_tried(u, "rename", hash != NULL ? hash : ""))
			break;
	}
	json_decref(all);
	return go_on;
}

static bool
take_krl(struct uplink *u)
{
	const json_t *w = json_object_get(u->taking, "krl");
	const char *hash = json_text(w, "statement");
	struct err e = {0};
	bool asked = false;
	int r;

	if (hash[0] == '\0' || json_text(u->held, "policy")[0] == '\0' ||
	    strcmp(json_text(w, "file"), json_text(u->held, "krl")) == 0 ||
	    was_tried(u, "krl", hash))
		return true;
	r = fetch_as(u, OBJECT_STATEMENT, hash, STATEMENT_MAX, SPOOL_KRL_SAID,
	    &e);
	if (r == 0)
		r = fetch_as(u, OBJECT_FILE, json_text(w, "file"), KRL_MAX,
		    SPOOL_KRL, &e);
	if (r == 0) {
		asked = true;
		if ((r = ask_of(u, VERB_KRL, hash, &e)) == 0) {
			u->next_run = loop_now(u->loop);
			uplink_beat_soon(u);
		}
	}
	return done(u, "krl", hash, asked, r, &e);
}

static bool
take_certificate(struct uplink *u)
{
	const char *hash = json_text(u->taking, "certificate");
	struct err e = {0};
	bool asked = false;
	int r;

	if (hash[0] == '\0' || !uplink_bool(u->held, "accepted") ||
	    strcmp(hash, json_text(u->held, "certificate")) == 0 ||
	    was_tried(u, "certificate", hash))
		return true;
	r = fetch_as(u, OBJECT_FILE, hash, CERT_LINE_MAX, SPOOL_CERTIFICATE,
	    &e);
	if (r == 0) {
		asked = true;
		r = ask_of(u, VERB_CERTIFICATE, hash, &e);
	}
	if (r == 0)
		u->next_run = u->next_renew = loop_now(u->loop);
	return done(u, "certificate", hash, asked, r, &e);
}

/* An order, and the bundle that it names, unless the host has it. */
static int
fetch_order(struct uplink *u, const char *hash, struct err *e)
{
	struct hash bundle;
	char hex[HASH_HEX];
	int r;

	if ((r = uplink_fetch_order(u, hash, &bundle, e)) != 0)
		return r;
	hash_hex(&bundle, hex);
	return strcmp(hex, json_text(u->held, "fleet")) == 0
	    ? 0
	    : uplink_fetch_fleet(u, e);
}

static bool
take_job(struct uplink *u)
{
	const json_t *w = json_object_get(u->taking, "job");
	const char *hash = json_text(w, "statement");
	struct err e = {0};
	bool asked = false, known;
	int r;

	known = strcmp(hash, json_text(u->held, "job")) == 0 &&
	    !uplink_bool(u->held, "owed");
	if (hash[0] == '\0' || known || !uplink_bool(u->held, "accepted") ||
	    was_tried(u, "job", hash) ||
	    json_object_get(u->held, "run") != NULL)
		return true;
	if ((r = fetch_order(u, hash, &e)) == 0) {
		asked = true;
		r = ask_of(u, VERB_JOB, hash, &e);
	}
	if (r != 0 && r != ERR_BUSY)
		uplink_spool_empty(u); /* nothing of it stays in the way */
	return done(u, "job", hash, asked, r, &e);
}

/* What a master says it has of our reports. */
static void
compare_reports(struct uplink *u)
{
	uint64_t has = uplink_u64(u->taking, "seq");
	uint64_t made = uplink_u64(u->held, "seq");
	struct err e = {0};

	if (!uplink_bool(u->held, "accepted"))
		return;
	if (has > made) {
		(void)err_set(&e, ERR_PARSE,
		    "the master has report %llu, which this host did not make: "
		    "its state was set back, or another host has its keys",
		    (unsigned long long)has);
		uplink_alarm(u, "reports", "", &e);
	} else if (has > u->acked) {
		u->acked = has;
	}
}

static void
take_all(struct uplink *u)
{
	/* Whom the list revokes accepts nobody. */
	if (!take_policy(u) || !take_krl(u) || !take_accept(u) ||
	    !take_renames(u))
		return;
	compare_reports(u);
	if (!take_certificate(u) || !take_job(u))
		return;
	uplink_answer_asks(u);
}

void
uplink_take(struct uplink *u)
{
	struct err e = {0};

	u->changed = false;
	if (u->bad.n > 0) {
		/* What was wanted before stands. */
		(void)err_set(&e, ERR_PARSE, "%s", u->bad.p);
		str_reset(&u->bad);
		uplink_alarm(u, "attend", "", &e);
		u->next_take = loop_now(u->loop) + TAKE_MS;
	}
	/* News come meanwhile, and the connection may go. */
	u->taking = json_incref(u->want);
	take_all(u);
	json_decref(u->taking);
	u->taking = NULL;
}
