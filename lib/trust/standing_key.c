/* SPDX-License-Identifier: ISC */
/*
 * Keys added and retired by statements, and officers' word about those that
 * wait for it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/plural.h"
#include "lib/ssh/lint.h"
#include "lib/trust/standing_impl.h"

/* Keys of root.yaml change with root.yaml alone, so their persons add none. */
static bool
is_of_root(const struct person *who)
{
	return who->officer || who->operator;
}

/* Every group of the person must say `self`; without a group nobody did. */
static bool
adds_alone(const struct policy *p, const struct person *who)
{
	for (size_t i = 0; i < who->groups.n; i++)
		if (!strs_has(&p->self_keys, who->groups.v[i]))
			return false;
	return who->groups.n > 0;
}

/* Keys that are his now. */
static size_t
count_keys(const struct standing *st, const struct policy *p,
    const struct person *who)
{
	size_t n = 0;

	for (size_t i = 0; i < who->n_keys; i++)
		if (standing_person_of_key(st, p, who->keys[i].key, NULL) ==
		    who)
			n++;
	for (size_t i = 0; i < st->added.n; i++)
		if (strcmp(st->added.v[i].text, who->id) == 0 &&
		    policy_person_of_key(p, st->added.v[i].key) == NULL &&
		    standing_person_of_key(st, p, st->added.v[i].key, NULL) ==
			who)
			n++;
	return n;
}

/* May this key become his?  0, or STANDING_IDLE. */
static int
check_free(const struct standing *st, const struct policy *p,
    const struct person *who, const struct pubkey *k, struct err *why)
{
	const struct person *owner = standing_person_of_key(st, p, k, NULL);

	if (owner == who)
		return standing_idle(why, ERR_EXISTS, "the key is %s's already",
		    who->id);
	if (policy_authority_of_key(p, k) != NULL)
		return standing_idle(why, ERR_DENIED,
		    "the key is an authority's, expected a key of his own");
	if (owner != NULL || policy_person_of_key(p, k) != NULL ||
	    entry_find_key(&st->added, ENTRY_ADDED, k) != NULL)
		return standing_idle(why, ERR_DENIED,
		    "the key is or was somebody's, expected a new one");
	if (standing_key_revoked(st, k) ||
	    entry_find_key(&st->entries, ENTRY_RETIRED, k) != NULL)
		return standing_idle(why, ERR_DENIED,
		    "the key is revoked or retired, expected a new one");
	if (lint_subject(k, why) != 0)
		return STANDING_IDLE;
	if (count_keys(st, p, who) >= POLICY_KEYS_MAX)
		return standing_idle(why, ERR_LIMIT,
		    "%s has %d keys, expected fewer", who->id, POLICY_KEYS_MAX);
	return 0;
}

/* A key that is his now and signed, or NULL: not the new one, which is
 * nobody's yet. */
static const struct pubkey *
older_key(const struct standing *st, const struct policy *p,
    const struct person *who, const struct statement *s)
{
	for (size_t i = 0; i < s->n_sigs; i++) {
		const struct pubkey *k = s->sigs[i].key;

		if (standing_person_of_key(st, p, k, NULL) == who)
			return k;
	}
	return NULL;
}

static int
add_waiting(struct standing *st, const struct statement *s,
    const struct pubkey *older)
{
	struct waiting w = {.name = s->hash};
	int r;

	r = vec_grow(&st->waiting, st->n_waiting, &st->cap_waiting,
	    STANDING_WAITS_MAX);
	if (r != 0)
		return r;
	if ((w.person = str_dup(s->by)) == NULL)
		r = ERR_NOMEM;
	else if ((r = pubkey_dup(s->u.k.key, &w.key)) == 0)
		r = pubkey_dup(older, &w.older);
	if (r != 0)
		waiting_clear(&w);
	else
		st->waiting[st->n_waiting++] = w;
	return r;
}

static int
wait_for_officers(struct standing *st, const struct statement *s,
    const struct pubkey *older, struct err *why)
{
	size_t n = 0;
	int r;

	for (size_t i = 0; i < st->n_waiting; i++) {
		const struct waiting *w = &st->waiting[i];

		if (hash_equal(&w->name, &s->hash) ||
		    pubkey_equal(w->key, s->u.k.key))
			return standing_idle(why, ERR_EXISTS,
			    "the key waits for officers already");
		if (strcmp(w->person, s->by) == 0)
			n++;
	}
	if (n >= STANDING_WAITING_MAX)
		return standing_idle(why, ERR_LIMIT,
		    "%zu keys of %s wait for officers, expected fewer", n,
		    s->by);
	if ((r = add_waiting(st, s, older)) != 0)
		return r;
	return standing_idle(why, ERR_WAIT,
	    "the key waits for officers to let it in");
}

static int
apply_add(struct standing *st, const struct policy *p, const struct person *who,
    const struct statement *s, struct err *why)
{
	const struct pubkey *older;
	int r;

	if (is_of_root(who))
		return standing_idle(why, ERR_DENIED,
		    "%s is named in root.yaml, expected a new root.yaml "
		    "instead",
		    who->id);
	if ((r = check_free(st, p, who, s->u.k.key, why)) != 0)
		return r;
	if (statement_signed_by(s, s->u.k.key) < 0)
		return standing_idle(why, ERR_DENIED,
		    "not signed by the new key, expected proof that it is at "
		    "hand");
	if ((older = older_key(st, p, who, s)) == NULL)
		return standing_idle(why, ERR_DENIED,
		    "not signed by an older key of %s, expected one", who->id);
	if (!adds_alone(p, who))
		return wait_for_officers(st, s, older, why);
	return entry_add_key(&st->added, ENTRY_ADDED, s->u.k.key, who->id);
}

static int
apply_retire(struct standing *st, const struct policy *p,
    const struct person *who, const struct statement *s, struct err *why)
{
	const struct pubkey *k = s->u.k.key;

	if (standing_person_of_key(st, p, k, why) != who)
		return standing_idle(why, ERR_DENIED,
		    "the key is not %s's now, expected one that is", who->id);
	if (person_has_root_key(who, k))
		return standing_idle(why, ERR_DENIED,
		    "the key is in root.yaml, expected a new root.yaml or a "
		    "revocation");
	return entry_add_key(&st->entries, ENTRY_RETIRED, k, NULL);
}

int
standing_apply_key(struct standing *st, const struct policy *p,
    const struct statement *s, struct err *why)
{
	const struct person *who = standing_author(st, p, s, NULL, why);

	if (who == NULL)
		return STANDING_IDLE;
	return s->u.k.add ? apply_add(st, p, who, s, why)
			  : apply_retire(st, p, who, s, why);
}

/* --- officers decide --- */

static void
drop_waiting(struct standing *st, size_t i)
{
	waiting_clear(&st->waiting[i]);
	st->n_waiting--;
	memmove(&st->waiting[i], &st->waiting[i + 1],
	    (st->n_waiting - i) * sizeof(*st->waiting));
}

void
standing_sweep_waiting(struct standing *st)
{
	for (size_t i = st->n_waiting; i-- > 0;) {
		const struct waiting *w = &st->waiting[i];

		if (standing_person_revoked(st, w->person) ||
		    standing_key_revoked(st, w->key) ||
		    standing_key_revoked(st, w->older))
			drop_waiting(st, i);
	}
}

void
standing_withdraw_word(struct standing *st, const char *officer)
{
	for (size_t i = 0; i < st->n_waiting; i++) {
		struct strs *l = &st->waiting[i].approved;

		for (size_t j = l->n; j-- > 0;) {
			if (strcmp(l->v[j], officer) != 0)
				continue;
			free(l->v[j]);
			l->n--;
			memmove(&l->v[j], &l->v[j + 1],
			    (l->n - j) * sizeof(l->v[0]));
		}
	}
}

/* Those who have approved it and are officers still. */
static size_t
count_approved(const struct policy *p, const struct waiting *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->approved.n; i++) {
		const struct person *who = policy_person(p, w->approved.v[i]);

		if (who != NULL && who->officer)
			n++;
	}
	return n;
}

/*
 * The word of one officer on one key.  0 when the key came in or was turned
 * down, STANDING_IDLE when it waits on.
 */
static int
decide_one(struct standing *st, const struct policy *p, const char *officer,
    bool approve, size_t i, struct err *why)
{
	struct waiting *w = &st->waiting[i];
	const struct person *who = policy_person(p, w->person);
	size_t n = count_approved(p, w) + 1;
	int r;

	if (strs_has(&w->approved, officer))
		return standing_idle(why, ERR_EXISTS,
		    "%s has approved the key before", officer);
	if (!approve) {
		drop_waiting(st, i);
		return 0;
	}
	if (who == NULL)
		return standing_idle(why, ERR_DENIED,
		    "%s is no longer in the policy", w->person);
	/* Who has become an officer meanwhile lets nobody in this way, himself
	   included. */
	if (is_of_root(who))
		return standing_idle(why, ERR_DENIED,
		    "%s is named in root.yaml", w->person);
	if (n < p->thresholds.policy) {
		if ((r = strs_add(&w->approved, officer)) != 0)
			return r;
		return standing_idle(why, ERR_WAIT,
		    "the key waits for %zu more %s", p->thresholds.policy - n,
		    text_plural(p->thresholds.policy - n, "officer",
			"officers"));
	}
	/* Somebody may have taken it while it waited. */
	if ((r = check_free(st, p, who, w->key, why)) == 0 &&
	    (r = entry_add_key(&st->added, ENTRY_ADDED, w->key, w->person)) !=
		0)
		return r;
	drop_waiting(st, i);
	return r;
}

int
standing_apply_decision(struct standing *st, const struct policy *p,
    const struct statement *s, struct err *why)
{
	const struct decision *d = &s->u.d;
	const struct person *who;
	int answer = STANDING_IDLE, r;

	if (d->n_keys == 0)
		return standing_idle(why, ERR_DENIED,
		    "the decision names no key statement");
	if (standing_author(st, p, s, NULL, why) == NULL)
		return STANDING_IDLE;
	if ((who = standing_officer(st, p, s, s->by)) == NULL)
		return standing_idle(why, ERR_DENIED,
		    "%s is not an officer, or signed with another key than "
		    "root.yaml names",
		    s->by);
	(void)err_set(why, ERR_NOTFOUND, "no such key statement waits");
	for (size_t k = 0; k < d->n_keys; k++) {
		for (size_t i = 0; i < st->n_waiting; i++) {
			if (!hash_equal(&st->waiting[i].name, &d->keys[k]))
				continue;
			r = decide_one(st, p, who->id, d->approve, i, why);
			if (r < 0)
				return r;
			if (r == 0)
				answer = 0;
			break;
		}
	}
	return answer;
}
