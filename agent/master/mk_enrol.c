/* SPDX-License-Identifier: ISC */
/*
 * Who is a host: hosts ask in, operators (or tokens) accept, reject, rename and
 * forget.  Signatures alone decide, whoever brings them.
 *
 * What asks in becomes a leaf with the statement that accepts or rejects it, so
 * that a stranger cannot fill the log.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"

/* --- taking a statement --------------------------------------------------- */

static int
fold(struct mk *k, const struct statement *s, struct err *e)
{
	return fleet_hosts_apply(k->hosts, content_trust(k->content), s, k->now,
	    e);
}

struct wanted {
	const struct hash *hash;
	struct statement *s;
	bool found;
	struct err *e;
};

static int
find_waiting(void *ctx, const char *from, int64_t since, struct slice bytes)
{
	struct wanted *w = ctx;
	struct statement s;
	int r;

	(void)from;
	(void)since;
	statement_init(&s, ST_ENROL);
	if ((r = statement_parse("store", bytes, &s, w->e)) == 0 &&
	    hash_equal(&s.hash, w->hash)) {
		*w->s = s;
		w->found = true;
		return 0;
	}
	statement_clear(&s);
	return r;
}

/* The statement it is about, which goes before it; *out is left alone where that is
 * in the log. */
static int
new_enrol(struct mk *k, const struct hash *h, struct mk_item **out,
    struct err *e)
{
	struct mk_item item = {.has_leaf = true};
	struct wanted w = {.hash = h, .s = &item.s, .e = e};
	int r;

	statement_init(&item.s, ST_ENROL);
	if ((r = rows_waiting(k->rows, h, find_waiting, &w, e)) < 0) {
		mk_item_clear(&item);
		return r;
	}
	return w.found ? mk_item_new(&item, out, e) : 0;
}

/*
 * Is what asks in kept?  What is in memory alone, since newer ones took its row,
 * has no leaf to go before its acceptance, which then means nothing.
 */
static int
check_kept(struct mk *k, const struct hash *h, struct err *e)
{
	struct statement found;
	struct wanted w = {.hash = h, .s = &found, .e = e};
	uint64_t index;
	int r;

	statement_init(&found, ST_ENROL);
	r = rows_waiting(k->rows, h, find_waiting, &w, e);
	statement_clear(&found);
	if (r < 0 || w.found || (r = mk_said_index(k, h, &index, e)) <= 0)
		return r;
	if (fleet_hosts_enrol(k->hosts, h) == NULL)
		return 0; /* nobody has heard of it, which is said better later */
	return err_set(e, ERR_WAIT,
	    "what the host asked with is not kept any more: it asks again "
	    "in a while");
}

/* Takes s.  0: the call has a part open. */
static int
take_statement(struct mk *k, struct mk_call *c, size_t part,
    struct statement *s, struct err *e)
{
	struct mk_item from = {.s = *s, .call = c, .part = part};
	struct mk_item *item = NULL, *asked = NULL;
	const struct hash *enrol = statement_enrol_of(&from.s);
	int r;

	statement_init(s, ST_ENROL);
	if ((r = mk_unrevoked(k, &from.s, e)) != 0 ||
	    (enrol != NULL && (r = check_kept(k, enrol, e)) != 0) ||
	    (enrol != NULL && (r = new_enrol(k, enrol, &asked, e)) != 0) ||
	    (r = mk_item_new(&from, &item, e)) != 0 ||
	    (r = fold(k, &item->s, e)) < 0)
		goto out;
	item->has_leaf = r != FLEET_HOSTS_AGAIN;
	if (item->has_leaf && asked != NULL) {
		mk_item_go(k, asked);
		asked = NULL;
	}
	mk_item_go(k, item);
	item = NULL;
	r = 0;
out:
	mk_item_free(asked);
	mk_item_free(item);
	mk_item_clear(&from);
	return r;
}

/* --- a host asks in ------------------------------------------------------- */

static const char *const states[] = {
    [FLEET_UNKNOWN] = "waiting",
    [FLEET_WAITING] = "waiting",
    [FLEET_ACCEPTED] = "accepted",
    [FLEET_REJECTED] = "rejected",
};

/* An accepted host is told so with its acceptance, or not yet. */
static void
put_state(const struct fleet_host_row *row, enum fleet_host_state state,
    const char *text, size_t n, struct str *out)
{
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "state", states[state]);
	if (row != NULL && text != NULL) {
		jw_str(&w, "host", row->id);
		jw_hex(&w, "accept", row->accept.b, HASH_LEN);
		jw_strn(&w, "acceptance", text, n);
	}
	jw_end(&w, '}');
}

static int
write_state(struct mk *k, const struct pubkey *host_key,
    const struct pubkey *transport, struct str *out, struct err *e)
{
	const struct fleet_host_row *row = NULL;
	enum fleet_host_state state;
	char *text = NULL;
	size_t n = 0;
	int r = 0;

	state = fleet_hosts_state(k->hosts, host_key, transport, &row);
	/* Its acceptance is on its way into the log: not yet. */
	if (state == FLEET_ACCEPTED && row != NULL &&
	    (r = mk_said(k, &row->accept, &text, &n, e)) == 1)
		state = FLEET_WAITING;
	if (r >= 0)
		put_state(row, state, text, n, out);
	free(text);
	return r < 0 ? r : 0;
}

/* Where it cannot be read now, the host asks again. */
void
mk_enrol_answer(struct mk *k, struct mk_call *c, struct str *out)
{
	const struct fleet_host_row *row =
	    fleet_hosts_by_accept(k->hosts, &c->parts[0].hash);
	char *text = NULL;
	size_t n = 0;

	if (row != NULL && mk_said(k, &row->accept, &text, &n, NULL) != 0)
		row = NULL;
	put_state(row, row != NULL ? FLEET_ACCEPTED : FLEET_WAITING, text, n,
	    out);
	free(text);
}

/* With an acceptance by a token, which comes from the host itself. */
static int
take_acceptance(struct mk *k, struct mk_call *c, const struct hash *enrol,
    struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_ACCEPT);
	if ((r = mk_can_take(k, e)) != 0 ||
	    (r = mk_arg_statement(c, "accept", &s, e)) != 0)
		goto out;
	if (s.type != ST_ACCEPT || !hash_equal(&s.u.accept.enrol, enrol)) {
		r = err_set(e, ERR_DENIED,
		    "'accept' is no acceptance of 'statement'");
		goto out;
	}
	if ((r = mk_parts(c, 1, e)) != 0)
		goto out;
	c->parts[0].hash = s.hash;
	if ((r = take_statement(k, c, 0, &s, e)) == 0)
		r = MK_LATER;
out:
	statement_clear(&s);
	return r;
}

/*
 * Kept first: who is known in memory alone is told that he waits, and whoever
 * accepts him is believed until the next start.  What waits already, and is said
 * again, stays.
 */
static int
ask_in(struct mk *k, const struct mk_call *c, const struct statement *s,
    enum fleet_host_state was, struct err *e)
{
	int r;

	if ((r = rows_put_waiting(k->rows, s, c->address, k->now, e)) != 0)
		return r;
	r = fold(k, s, e);
	if (r < 0 || (r == FLEET_HOSTS_AGAIN && was != FLEET_WAITING))
		(void)!rows_drop_waiting(k->rows, &s->hash, NULL);
	return r < 0 ? r : 0;
}

int
mk_enrol(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const struct fleet_host_row *row = NULL;
	enum fleet_host_state was;
	struct statement s;
	int r;

	statement_init(&s, ST_ENROL);
	if ((r = mk_arg_statement(c, "statement", &s, e)) != 0)
		goto out;
	if (s.type != ST_ENROL) {
		r = err_set(e, ERR_PARSE,
		    "'statement' is of type %s, expected enrol",
		    statement_type_name(s.type));
		goto out;
	}
	/* One that has become something, or was rejected, is told so. */
	was = fleet_hosts_state(k->hosts, s.u.enrol.host_key,
	    s.u.enrol.transport_key, &row);
	if (was <= FLEET_WAITING) {
		if ((r = ask_in(k, c, &s, was, e)) != 0)
			goto out;
		if (json_object_get(c->args, "accept") != NULL) {
			r = take_acceptance(k, c, &s.hash, e);
			goto out;
		}
	}
	r = write_state(k, s.u.enrol.host_key, s.u.enrol.transport_key, out, e);
out:
	statement_clear(&s);
	return r;
}

/* --- what people hand in -------------------------------------------------- */

static int
submit_one(struct mk *k, struct mk_call *c, size_t i, const json_t *t,
    struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_ACCEPT);
	r = mk_statement(json_string_value(t), json_string_length(t),
	    "statement", &s, e);
	c->parts[i].hash = s.hash;
	if (r != 0)
		goto out;
	switch (s.type) {
	case ST_ACCEPT:
	case ST_REJECT:
	case ST_RENAME:
	case ST_FORGET:
	case ST_TOKEN:
		r = take_statement(k, c, i, &s, e);
		break;
	case ST_JOB:
		r = mk_take_job(k, c, i, &s, e);
		break;
	default:
		r = err_set(e, ERR_PARSE,
		    "a %s statement, expected accept, reject, rename, forget, "
		    "token or job",
		    statement_type_name(s.type));
		break;
	}
out:
	statement_clear(&s);
	return r;
}

int
mk_submit(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const json_t *v = NULL, *t;
	size_t n;
	int r;

	(void)out;
	if ((r = mk_can_take(k, e)) != 0 ||
	    (r = json_array_of(c->args, "statements", 0, MK_SUBMIT_MAX, &v,
		 e)) != 0)
		return r;
	n = json_array_size(v);
	for (size_t i = 0; i < n; i++)
		if (!json_is_string(json_array_get(v, i)))
			return err_set(e, ERR_PARSE,
			    "'statements' has an entry that is no text");
	if ((r = mk_parts(c, n, e)) != 0)
		return r;
	/* One part more, so that the call is not over before they are all in. */
	c->open_parts = 1;
	for (size_t i = 0; i < n; i++) {
		struct err why = {0};

		t = json_array_get(v, i);
		if ((r = submit_one(k, c, i, t, &why)) != 0) {
			k->totals.refused++;
			c->parts[i].e = why;
			c->parts[i].e.code = r;
		}
	}
	mk_part_done(k, c);
	return MK_ENDED;
}
