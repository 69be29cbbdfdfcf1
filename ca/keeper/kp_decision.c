/* SPDX-License-Identifier: ISC */
/*
 * decision: the line that a decider without writ signs.  It is made of what the
 * last batch said would be issued, as `writ approve` makes it of what it was
 * told and has checked itself; whoever signs this line trusts this service for
 * what it says.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/crypto/random.h"
#include "lib/statement/decision.h"

/* A key statement is named in full: it has no short id. */
static int
add_key(struct kp *k, struct decision *d, const char *id, bool *found,
    struct err *e)
{
	struct hash h;
	char *text = NULL;
	size_t n;
	int r;

	*found = false;
	if (hash_from_hex(id, &h) != 0)
		return 0;
	if ((r = requests_act(k->rows, &h, &text, &n, e)) != 0)
		return r < 0 ? r : 0;
	free(text);
	decision_add_key(d, &h);
	*found = true;
	return 0;
}

static int
add_id(struct kp *k, struct kp_call *c, const char *id, struct decision *d,
    struct err *e)
{
	const struct asked *a;
	struct request_row row;
	bool found;
	int r;

	if ((r = add_key(k, d, id, &found, e)) != 0 || found)
		return r;
	if ((r = kp_find_request(k, c, id, &row, e)) != 0)
		return r;
	a = kp_asked_find(k, &row.hash);
	if (row.state != REQUEST_WAITING || a == NULL || !a->waits ||
	    !a->has_shown) {
		kp_past_deciding(&row, e);
		r = e->code;
	} else if (!kp_may_decide(k, c->person, row.grant, row.person)) {
		r = err_set(e, ERR_DENIED,
		    "your decision on request %s would not count: %s", id,
		    strcmp(row.person, c->person) == 0
			? "it is your own"
			: "you are in no group that decides about its grant");
	} else if (decision_add_request(d, &a->shown, &a->s.hash) != 0) {
		r = err_nomem(e);
	}
	request_row_clear(&row);
	return r;
}

static int
fill(struct kp *k, struct kp_call *c, struct statement *s, struct err *e)
{
	struct decision *d = &s->u.d;
	struct strs ids = {0};
	int r;

	s->realm = k->view->trust.realm;
	s->at = k->now;
	random_bytes(s->nonce, sizeof(s->nonce));
	d->policy = k->view->trust.policy->hash;
	if ((s->by = str_dup(c->person)) == NULL ||
	    decision_room(d, DECISION_REQUESTS_MAX) != 0)
		return err_nomem(e);
	if ((r = json_bool(c->args, "approve", 0, &d->approve, e)) != 0 ||
	    (r = json_int(c->args, "length", JSON_OPTIONAL, 1, INT32_MAX,
		 &d->length, e)) != 0 ||
	    (r = json_strdup(c->args, "comment", JSON_OPTIONAL,
		 STATEMENT_COMMENT_MAX, &d->comment, e)) != 0 ||
	    (r = json_strs(c->args, "ids", 0, DECISION_REQUESTS_MAX, 64, &ids,
		 e)) != 0)
		goto out;
	for (size_t i = 0; i < ids.n && r == 0; i++)
		r = add_id(k, c, ids.v[i], d, e);
out:
	strs_clear(&ids);
	return r;
}

int
kp_decision(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct str text = STR_INIT;
	struct statement s;
	struct jw w;
	int r;

	statement_init(&s, ST_DECISION);
	if ((r = fill(k, c, &s, e)) != 0 ||
	    (r = statement_encode(&s, &text, e)) != 0)
		goto out;
	if (c->form == FORM_TEXT) {
		str_addn(&a->body, text.p, text.n);
	} else {
		jw_init(&w, &a->body, false);
		jw_begin(&w, NULL, '{');
		jw_strn(&w, "message", text.p, text.n);
		jw_end(&w, '}');
	}
out:
	str_clear(&text);
	statement_clear(&s);
	return r;
}
