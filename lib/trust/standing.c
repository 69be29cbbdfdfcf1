/* SPDX-License-Identifier: ISC */
#include "lib/trust/standing.h"

#include <stdlib.h>
#include <string.h>

#include "lib/trust/standing_impl.h"

int
standing_new(struct standing **out)
{
	struct standing *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return ERR_NOMEM;
	*out = st;
	return 0;
}

void
waiting_clear(struct waiting *w)
{
	free(w->person);
	pubkey_free(w->key);
	pubkey_free(w->older);
	strs_clear(&w->approved);
	*w = (struct waiting){0};
}

void
standing_free(struct standing *st)
{
	if (st == NULL)
		return;
	entry_set_clear(&st->entries);
	entry_set_clear(&st->added);
	for (size_t i = 0; i < st->n_waiting; i++)
		waiting_clear(&st->waiting[i]);
	free(st->waiting);
	fleet_hosts_free(st->hosts);
	free(st);
}

static int
dup_waiting(const struct standing *from, struct standing *to)
{
	int r = 0;

	if (from->n_waiting > 0 &&
	    (to->waiting = calloc(from->n_waiting, sizeof(*to->waiting))) ==
		NULL)
		return ERR_NOMEM;
	to->cap_waiting = from->n_waiting;
	for (size_t i = 0; i < from->n_waiting && r == 0; i++) {
		const struct waiting *f = &from->waiting[i];
		struct waiting *w = &to->waiting[to->n_waiting++];

		w->name = f->name;
		if ((w->person = str_dup(f->person)) == NULL)
			return ERR_NOMEM;
		if ((r = pubkey_dup(f->key, &w->key)) != 0 ||
		    (r = pubkey_dup(f->older, &w->older)) != 0)
			return r;
		r = strs_dup(&f->approved, &w->approved);
	}
	return r;
}

int
standing_dup(const struct standing *from, struct standing **out)
{
	struct standing *st = NULL;
	int r;

	if ((r = standing_new(&st)) != 0 ||
	    (r = entry_set_dup(&from->entries, &st->entries)) != 0 ||
	    (r = entry_set_dup(&from->added, &st->added)) != 0 ||
	    (r = dup_waiting(from, st)) != 0)
		goto out;
	*out = st;
	st = NULL;
out:
	standing_free(st);
	return r;
}

int
standing_idle(struct err *why, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_vset(why, code, fmt, ap);
	va_end(ap);
	return STANDING_IDLE;
}

/* --- whose key --- */

const struct person *
standing_person_of_key(const struct standing *st, const struct policy *p,
    const struct pubkey *k, struct err *why)
{
	const struct person *who = policy_person_of_key(p, k);
	const struct entry *added = NULL;
	char fp[FINGERPRINT_MAX];
	const char *reason;

	if (who == NULL &&
	    (added = entry_find_key(&st->added, ENTRY_ADDED, k)) != NULL)
		who = policy_person(p, added->text);
	if (standing_key_revoked(st, k))
		reason = "is revoked";
	else if (entry_find_key(&st->entries, ENTRY_RETIRED, k) != NULL)
		reason = "is retired";
	else if (who == NULL && added != NULL)
		reason = "is of a person who is no longer in the policy";
	else if (who == NULL)
		reason = "is nobody's";
	else if (standing_person_revoked(st, who->id))
		reason = "is of a person who is revoked";
	else
		return who;
	/* Most who ask want to hear that it is nobody's. */
	if (why == NULL)
		return NULL;
	pubkey_fingerprint(k, fp);
	(void)err_set(why, ERR_DENIED, "key %s %s, expected a person's", fp,
	    reason);
	return NULL;
}

/* Is b more than what is known: a PIN counts above a touch alone? */
static bool
is_stronger(const struct sk_flags *b, const struct sk_flags *a)
{
	unsigned x = (unsigned)a->verified << 2 | (unsigned)a->present << 1 |
	    (unsigned)a->is_sk;
	unsigned y = (unsigned)b->verified << 2 | (unsigned)b->present << 1 |
	    (unsigned)b->is_sk;

	return y > x;
}

const struct person *
standing_author(const struct standing *st, const struct policy *p,
    const struct statement *s, struct sk_flags *flags, struct err *why)
{
	const struct person *who = NULL, *found;
	struct sk_flags best = {0};
	struct err key_why = {0};

	if (!s->verified) {
		(void)err_set(why, ERR_BADSIG,
		    "statement is not verified, expected one that is");
		return NULL;
	}
	if (policy_person(p, s->by) == NULL) {
		(void)err_set(why, ERR_DENIED,
		    "%s is not in the policy, expected a person it names",
		    s->by);
		return NULL;
	}
	if (standing_person_revoked(st, s->by)) {
		(void)err_set(why, ERR_DENIED, "%s is revoked", s->by);
		return NULL;
	}
	for (size_t i = 0; i < s->n_sigs; i++) {
		found = standing_person_of_key(st, p, s->sigs[i].key, &key_why);
		if (found == NULL || strcmp(found->id, s->by) != 0)
			continue;
		if (who == NULL || is_stronger(&s->flags[i], &best))
			best = s->flags[i];
		who = found;
	}
	if (who == NULL && key_why.msg[0] != '\0')
		(void)err_set(why, ERR_DENIED, "not signed by a key of %s: %s",
		    s->by, key_why.msg);
	else if (who == NULL)
		(void)err_set(why, ERR_DENIED,
		    "not signed by a key of %s, expected one", s->by);
	else if (flags != NULL)
		*flags = best;
	return who;
}

/* The officer whose key this is, by root.yaml, and who may still act. */
static const struct person *
officer_of_key(const struct standing *st, const struct policy *p,
    const struct pubkey *k)
{
	const struct person *who = standing_person_of_key(st, p, k, NULL);

	return who != NULL && who->officer && person_has_root_key(who, k)
	    ? who
	    : NULL;
}

const struct person *
standing_officer(const struct standing *st, const struct policy *p,
    const struct statement *s, const char *who)
{
	for (size_t i = 0; i < s->n_sigs && s->verified; i++) {
		const struct person *o = officer_of_key(st, p, s->sigs[i].key);

		if (o != NULL && (who == NULL || strcmp(o->id, who) == 0))
			return o;
	}
	return NULL;
}

size_t
standing_count_officers(const struct standing *st, const struct policy *p,
    const struct statement *s)
{
	const struct person *seen[STATEMENT_SIGS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->n_sigs && s->verified; i++) {
		const struct person *o = officer_of_key(st, p, s->sigs[i].key);
		size_t j = 0;

		while (j < n && seen[j] != o)
			j++;
		if (o != NULL && j == n)
			seen[n++] = o;
	}
	return n;
}

/* --- asked by everybody --- */

bool
standing_person_revoked(const struct standing *st, const char *id)
{
	return entry_has_text(&st->entries, ENTRY_PERSON, id);
}

bool
standing_key_revoked(const struct standing *st, const struct pubkey *k)
{
	return entry_find_key(&st->entries, ENTRY_KEY, k) != NULL;
}

bool
standing_serial_revoked(const struct standing *st, uint64_t serial)
{
	return entry_has_serial(&st->entries, serial);
}

bool
standing_key_id_revoked(const struct standing *st, const char *key_id)
{
	return entry_has_text(&st->entries, ENTRY_KEY_ID, key_id);
}

int
standing_each_revoked(const struct standing *st,
    int (*each)(void *ctx, const struct standing_item *i), void *ctx)
{
	int r;

	for (size_t i = 0; i < st->entries.n; i++) {
		const struct entry *e = &st->entries.v[i];
		struct standing_item item = {.serial = e->serial};

		if (e->kind == ENTRY_RETIRED)
			continue;
		if (e->kind == ENTRY_KEY_ID)
			item.key_id = e->text;
		else if (e->kind == ENTRY_PERSON)
			item.person = e->text;
		else if (e->kind == ENTRY_KEY)
			item.key = e->key;
		if ((r = each(ctx, &item)) != 0)
			return r;
	}
	return 0;
}

int
standing_each_key(const struct standing *st, const struct policy *p,
    int (*each)(void *ctx, const struct person *who, const struct pubkey *k,
	const char *comment),
    void *ctx)
{
	int r;

	for (size_t i = 0; i < p->n_people; i++) {
		const struct person *who = &p->people[i];

		for (size_t j = 0; j < who->n_keys; j++) {
			const struct person_key *k = &who->keys[j];

			if (standing_person_of_key(st, p, k->key, NULL) ==
				who &&
			    (r = each(ctx, who, k->key,
				 k->comment != NULL ? k->comment : "")) != 0)
				return r;
		}
		for (size_t j = 0; j < st->added.n; j++) {
			const struct entry *a = &st->added.v[j];

			if (strcmp(a->text, who->id) == 0 &&
			    policy_person_of_key(p, a->key) == NULL &&
			    standing_person_of_key(st, p, a->key, NULL) ==
				who &&
			    (r = each(ctx, who, a->key, "")) != 0)
				return r;
		}
	}
	return 0;
}

int
standing_each_key_of_revoked(const struct standing *st, const struct policy *p,
    int (*each)(void *ctx, const struct pubkey *k), void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < p->n_people && r == 0; i++) {
		const struct person *who = &p->people[i];

		if (!standing_person_revoked(st, who->id))
			continue;
		for (size_t j = 0; j < who->n_keys && r == 0; j++)
			r = each(ctx, who->keys[j].key);
	}
	for (size_t i = 0; i < st->added.n && r == 0; i++) {
		const struct entry *a = &st->added.v[i];

		/* One that the policy has given to another is his. */
		if (standing_person_revoked(st, a->text) &&
		    policy_person_of_key(p, a->key) == NULL)
			r = each(ctx, a->key);
	}
	return r;
}

int
standing_apply(struct standing *st, const struct policy *p,
    const struct statement *s,
    const char *(*owner_of_serial)(void *ctx, uint64_t serial), void *ctx,
    struct err *why)
{
	int r;

	if (!s->verified)
		return standing_idle(why, ERR_BADSIG,
		    "statement is not verified, expected one that is");
	switch (s->type) {
	case ST_KEY:
		r = standing_apply_key(st, p, s, why);
		break;
	case ST_DECISION:
		r = standing_apply_decision(st, p, s, why);
		break;
	case ST_REVOKE:
		r = standing_apply_revoke(st, p, s, owner_of_serial, ctx, why);
		break;
	default:
		if (!standing_is_about_host(s->type))
			return standing_idle(why, ERR_DENIED,
			    "statement of type %s changes nobody's standing",
			    statement_type_name(s->type));
		r = standing_apply_host(st, p, s, 0, why);
		break;
	}
	if (r < 0)
		(void)err_set(why, r, "apply %s statement of %s: %s",
		    statement_type_name(s->type), s->by, err_text(r));
	return r;
}
