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

static bool
same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && a->length == b->length &&
	    strs_equal(&a->principals, &b->principals) &&
	    strs_equal(&a->source, &b->source) &&
	    strs_equal(&a->extensions, &b->extensions) &&
	    (a->force_command == NULL) == (b->force_command == NULL) &&
	    (a->force_command == NULL ||
		strcmp(a->force_command, b->force_command) == 0);
}

static int
copy_outcome(const struct outcome *from, struct outcome *to)
{
	to->kind = from->kind;
	to->length = from->length;
	if (strs_dup(&from->principals, &to->principals) != 0 ||
	    strs_dup(&from->source, &to->source) != 0 ||
	    strs_dup(&from->extensions, &to->extensions) != 0 ||
	    (from->force_command != NULL &&
		(to->force_command = str_dup(from->force_command)) == NULL))
		return ERR_NOMEM;
	to->requests = calloc(DECISION_REQUESTS_MAX, sizeof(struct hash));
	return to->requests != NULL ? 0 : ERR_NOMEM;
}

static int
add_asked(struct decision *d, const struct asked *a)
{
	struct outcome *o = NULL;
	int r;

	for (size_t i = 0; i < d->n_outcomes && o == NULL; i++)
		if (same_outcome(&d->outcomes[i], &a->shown))
			o = &d->outcomes[i];
	if (o == NULL) {
		o = &d->outcomes[d->n_outcomes++];
		if ((r = copy_outcome(&a->shown, o)) != 0)
			return r;
	}
	for (size_t i = 0; i < o->n_requests; i++)
		if (hash_equal(&o->requests[i], &a->s.hash))
			return 0;
	o->requests[o->n_requests++] = a->s.hash;
	return 0;
}

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
	d->keys[d->n_keys++] = h;
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
	} else if (add_asked(d, a) != 0) {
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
	d->outcomes = calloc(DECISION_REQUESTS_MAX, sizeof(*d->outcomes));
	d->keys = calloc(DECISION_REQUESTS_MAX, sizeof(*d->keys));
	if ((s->by = str_dup(c->person)) == NULL || d->outcomes == NULL ||
	    d->keys == NULL)
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
