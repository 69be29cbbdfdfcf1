/* SPDX-License-Identifier: ISC */
/* Revocations: who may revoke what. */
#include <string.h>

#include "lib/base/plural.h"
#include "lib/trust/standing_impl.h"

#define KEY_ID_HEX 32 /* digits after "person/" */

/* Is nothing of it news? */
static bool
is_known(const struct standing *st, const struct revoke *v)
{
	if (v->key_id != NULL)
		return standing_key_id_revoked(st, v->key_id);
	if (v->person != NULL)
		return standing_person_revoked(st, v->person);
	if (v->key != NULL)
		return standing_key_revoked(st, v->key);
	for (size_t i = 0; i < v->n_serials; i++)
		if (!standing_serial_revoked(st, v->serials[i]))
			return false;
	return true;
}

/* "person/" and 32 hex digits: the form of the key ids that Writ issues. */
static bool
is_own_key_id(const char *id, const char *person)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = strlen(person);

	return strncmp(id, person, n) == 0 && id[n] == '/' &&
	    strlen(id + n + 1) == KEY_ID_HEX &&
	    strspn(id + n + 1, hex) == KEY_ID_HEX;
}

/* A key that is or was his: the policy's, or added by a statement. */
static bool
is_own_key(const struct standing *st, const struct policy *p,
    const struct person *who, const struct pubkey *k)
{
	const struct person *owner = policy_person_of_key(p, k);
	const struct entry *a;

	if (owner != NULL)
		return owner == who;
	a = entry_find_key(&st->added, ENTRY_ADDED, k);
	return a != NULL && strcmp(a->text, who->id) == 0;
}

/* Everything the statement names is the author's own. */
static int
check_own(const struct standing *st, const struct policy *p,
    const struct person *who, const struct revoke *v,
    const char *(*owner_of_serial)(void *ctx, uint64_t serial), void *ctx,
    struct err *why)
{
	const char *owner;

	if ((v->person != NULL && strcmp(v->person, who->id) == 0) ||
	    (v->key_id != NULL && is_own_key_id(v->key_id, who->id)) ||
	    (v->key != NULL && is_own_key(st, p, who, v->key)))
		return 0;
	for (size_t i = 0; i < v->n_serials; i++) {
		owner = owner_of_serial != NULL
		    ? owner_of_serial(ctx, v->serials[i])
		    : NULL;
		if (owner == NULL || strcmp(owner, who->id) != 0)
			return standing_idle(why, ERR_DENIED,
			    "serial %llu is not of a certificate of %s, "
			    "expected an officer",
			    (unsigned long long)v->serials[i], who->id);
	}
	if (v->n_serials > 0)
		return 0;
	return standing_idle(why, ERR_DENIED,
	    "%s may revoke what is his own, expected an officer", who->id);
}

/* 0 when the author may revoke this, else STANDING_IDLE. */
static int
check_entitled(const struct standing *st, const struct policy *p,
    const struct person *who, const struct statement *s,
    const char *(*owner_of_serial)(void *ctx, uint64_t serial), void *ctx,
    struct err *why)
{
	const struct revoke *v = &s->u.v;
	size_t n;

	/* Taking away an authority stops everybody: many officers' word. */
	if (v->key != NULL && policy_authority_of_key(p, v->key) != NULL) {
		n = standing_count_officers(st, p, s);
		if (p->thresholds.root > 0 && n >= p->thresholds.root)
			return 0;
		return standing_idle(why, ERR_DENIED,
		    "the key is an authority's and %zu %s signed, expected %u",
		    n, text_plural(n, "officer", "officers"),
		    p->thresholds.root);
	}
	if (standing_officer(st, p, s, who->id) != NULL)
		return 0;
	return check_own(st, p, who, v, owner_of_serial, ctx, why);
}

/* What waits for officers, without what counts no more. */
static void
end_what_waits(struct standing *st, const struct policy *p,
    const struct revoke *v)
{
	const struct person *who =
	    v->key != NULL ? policy_person_of_key(p, v->key) : NULL;

	if (v->person != NULL)
		standing_withdraw_word(st, v->person);
	else if (who != NULL)
		standing_withdraw_word(st, who->id);
	standing_sweep_waiting(st);
}

int
standing_apply_revoke(struct standing *st, const struct policy *p,
    const struct statement *s,
    const char *(*owner_of_serial)(void *ctx, uint64_t serial), void *ctx,
    struct err *why)
{
	const struct revoke *v = &s->u.v;
	const struct person *who;
	int r;

	if ((who = standing_author(st, p, s, NULL, why)) == NULL)
		return STANDING_IDLE;
	r = check_entitled(st, p, who, s, owner_of_serial, ctx, why);
	if (r != 0)
		return r;
	if (is_known(st, v))
		return standing_idle(why, ERR_EXISTS,
		    "all of it is revoked already");
	if (v->key_id != NULL)
		r = entry_add_text(&st->entries, ENTRY_KEY_ID, v->key_id);
	else if (v->person != NULL)
		r = entry_add_text(&st->entries, ENTRY_PERSON, v->person);
	else if (v->key != NULL)
		r = entry_add_key(&st->entries, ENTRY_KEY, v->key, NULL);
	else
		r = entry_add_serials(&st->entries, v->serials, v->n_serials);
	if (r == 0)
		end_what_waits(st, p, v);
	return r;
}
