/* SPDX-License-Identifier: ISC */
/* Key statements and revocations through the keeper, and what they come to. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/keeper.h"
#include "ca/keeper/keeper_impl.h"
#include "lib/base/clock.h"

/*
 * Try s on the standing.  IDLE is told apart by its reason: what waits for
 * officers is an act, what nobody was entitled to is none.
 */
static int
apply(struct keeper *k, struct standing *st, const struct statement *s,
    struct err *why)
{
	return standing_apply(st, k->trust->policy, s, keeper_owner, k, why);
}

static int
apply_given(struct keeper *k, struct standing *st, struct statement **given,
    size_t n_given, bool *counts, struct keeper_leaves *leaves, struct err *e)
{
	for (size_t i = 0; i < n_given; i++) {
		struct statement *s = given[i];
		int r;

		if (!s->verified && (r = statement_verify(s, e)) != 0)
			return r;
		if ((r = apply(k, st, s, e)) < 0)
			return r;
		if (r == 0)
			*counts = true;
		if (standing_author(st, k->trust->policy, s, NULL, NULL) !=
			NULL &&
		    (r = keeper_add_statement(k, s, leaves, e)) != 0)
			return r;
	}
	return 0;
}

/* Is the key of a key statement the person's now? */
static bool
key_in_force(const struct keeper *k, const struct standing *st,
    const struct statement *s)
{
	const struct person *who =
	    standing_person_of_key(st, k->trust->policy, s->u.k.key, NULL);
	bool is_his = who != NULL && strcmp(who->id, s->by) == 0;

	return s->u.k.add ? is_his : !is_his;
}

/* --- hosts --- */

/* One statement about a host, onto the standing itself: hosts are too many for a
 * trial each.  Answers of keeper_apply(). */
static int
apply_host(struct keeper *k, const struct statement *s,
    struct keeper_leaves *leaves, struct err *e)
{
	struct err why = {0};
	int r;

	r = standing_apply_host(k->standing, k->trust->policy, s, clock_now(),
	    &why);
	if (r != 0) {
		if (e != NULL)
			*e = why;
		return r < 0 ? r : (int)why.code;
	}
	return leaves != NULL ? keeper_add_statement(k, s, leaves, e) : 0;
}

static struct statement *
find_given(struct statement **given, size_t n, const struct hash *h)
{
	for (size_t i = 0; i < n; i++)
		if (hash_equal(&given[i]->hash, h))
			return given[i];
	return NULL;
}

static int
add_enrol(struct keeper *k, struct statement *enrol, const struct hash *h,
    struct keeper_leaves *leaves, struct err *e)
{
	uint64_t index;
	int r;

	if (enrol == NULL) {
		r = ledger_find(k->ledger, LTAG_ENROL, h, &index, e);
		return r != 1 ? r
			      : err_set(e, ERR_DENIED,
				    "the enrol statement that it names is not "
				    "here, expected it with it");
	}
	if (!enrol->verified && (r = statement_verify(enrol, e)) != 0)
		return r;
	r = apply_host(k, enrol, NULL, e);
	if (r != 0 && r != ERR_EXISTS)
		return r;
	return keeper_add_statement(k, enrol, leaves, e);
}

/*
 * Whoever reaches us could fill the log with hosts that ask in.  So what they
 * say becomes a leaf with the statement about it alone, before it.
 */
static int
apply_with_enrol(struct keeper *k, const struct statement *s,
    const struct hash *h, struct statement *enrol, struct keeper_leaves *leaves,
    struct err *e)
{
	size_t mark = leaves->n;
	int r;

	if ((r = add_enrol(k, enrol, h, leaves, e)) == 0)
		r = apply_host(k, s, leaves, e);
	if (r != 0)
		leaves->n = mark;
	return r;
}

static int
keeper_apply_host(struct keeper *k, const struct statement *s,
    struct statement **given, size_t n_given, struct keeper_leaves *leaves,
    struct err *e)
{
	const struct hash *h = statement_enrol_of(s);
	bool has;
	int r;

	if ((r = keeper_has(k, leaves, s, &has, e)) != 0)
		return r;
	if (has)
		return err_set(e, ERR_EXISTS,
		    "in the log and in force already");
	if (h != NULL)
		return apply_with_enrol(k, s, h, find_given(given, n_given, h),
		    leaves, e);
	if (s->type == ST_ENROL)
		return err_set(e, ERR_DENIED,
		    "an enrol statement counts with its acceptance alone");
	return apply_host(k, s, leaves, e);
}

int
keeper_apply(struct keeper *k, struct statement *s, struct statement **given,
    size_t n_given, struct keeper_leaves *leaves, struct err *e)
{
	struct standing *trial = NULL;
	struct err why = {0};
	bool has, counts = false;
	int r;

	if ((r = s->verified ? 0 : statement_verify(s, e)) != 0 ||
	    (r = keeper_has(k, leaves, s, &has, e)) != 0)
		return r;
	if (!hash_equal(&s->realm, &k->trust->realm))
		return err_set(e, ERR_DENIED,
		    "statement of another realm, expected this deployment's");
	if (standing_is_about_host(s->type))
		return keeper_apply_host(k, s, given, n_given, leaves, e);
	if ((r = standing_dup(k->standing, &trial)) != 0)
		return err_nomem(e);
	if (!has) {
		if ((r = apply(k, trial, s, &why)) < 0) {
			if (e != NULL)
				*e = why;
			goto out;
		}
		/* Idle twice over: neither in force nor waiting. */
		if (r == STANDING_IDLE && why.code != ERR_WAIT) {
			if (e != NULL)
				*e = why;
			r = why.code == ERR_EXISTS ? ERR_EXISTS : ERR_DENIED;
			goto out;
		}
		counts = r == 0;
		if ((r = keeper_add_statement(k, s, leaves, e)) != 0)
			goto out;
	}
	if ((r = apply_given(k, trial, given, n_given, &counts, leaves, e)) !=
	    0)
		goto out;
	standing_move_hosts(k->standing, trial);
	standing_free(k->standing);
	k->standing = trial;
	trial = NULL;
	if (counts || (s->type == ST_KEY && key_in_force(k, k->standing, s)))
		r = has && !counts
		    ? err_set(e, ERR_EXISTS, "in the log and in force already")
		    : 0;
	else if (s->type == ST_KEY)
		r = err_set(e, ERR_WAIT, "%s",
		    why.msg[0] != '\0' ? why.msg : "waits for officers");
	else
		r = err_set(e, ERR_EXISTS, "in the log and in force already");
out:
	standing_free(trial);
	return r;
}

/* --- the revocation list -------------------------------------------------- */

struct krl_make {
	struct keeper *k;
	struct krl *krl;
	int64_t now;
	struct err *e;
};

/* A serial is the same under each CA: it comes from the request. */
static int
add_serial(struct krl_make *m, uint64_t serial)
{
	const struct policy *p = m->k->trust->policy;
	int r = 0;

	for (size_t i = 0; i < p->n_authorities && r == 0; i++) {
		const struct authority *a = &p->authorities[i];

		if (a->user || a->host)
			r = krl_add_serials(m->krl, a->key, serial, serial);
	}
	return r;
}

/* A host may have called itself by a name it had before. */
static bool
is_by(const struct statement *request, const struct cert *c, const char *who)
{
	size_t n = strlen(who);

	if (request->type == ST_RENEW)
		return strncmp(c->key_id, who, n) == 0 && c->key_id[n] == '/';
	return strcmp(request->by, who) == 0;
}

static int
add_certificate_of(struct krl_make *m, const struct leaf *issue,
    const char *person)
{
	struct leaf request;
	struct cert c;
	uint64_t index;
	int r;

	cert_init(&c);
	leaf_init(&request);
	r = cert_parse_tbs(slice_of(issue->u.i.tbs, issue->u.i.tbs_len), &c,
	    m->e);
	if (r != 0 || c.valid_before <= (uint64_t)m->now)
		goto out;
	r = keeper_find_request(m->k->ledger, &issue->u.i.request, &request,
	    &index, m->e);
	if (r == 1)
		r = err_set(m->e, ERR_CORRUPT,
		    "a request that the log issued for is not in the log");
	if (r == 0 && is_by(&request.u.s, &c, person))
		r = add_serial(m, c.serial);
out:
	cert_clear(&c);
	leaf_clear(&request);
	return r;
}

/* All certificates of a person that are still good: newest first would do, but
 * a start may lie days ahead, so each is looked at. */
static int
add_person(struct krl_make *m, const char *person)
{
	const uint64_t *at;
	size_t n;
	int r;

	r = ledger_listed(m->k->ledger, LTAG_ISSUE, &at, &n, m->e);
	for (size_t i = 0; i < n && r == 0; i++) {
		struct leaf leaf;
		uint8_t *bytes = NULL;
		size_t len;

		leaf_init(&leaf);
		r = ledger_read(m->k->ledger, at[i], &bytes, &len, m->e);
		if (r == 0)
			r = leaf_parse("leaf", slice_of(bytes, len), &leaf,
			    m->e);
		if (r == 0)
			r = add_certificate_of(m, &leaf, person);
		leaf_clear(&leaf);
		free(bytes);
	}
	return r;
}

static int
add_key(void *ctx, const struct pubkey *key)
{
	struct krl_make *m = ctx;

	return krl_add_key(m->krl, key);
}

static int
add_item(void *ctx, const struct standing_item *i)
{
	struct krl_make *m = ctx;

	if (i->serial != 0)
		return add_serial(m, i->serial);
	if (i->key_id != NULL)
		return krl_add_key_id(m->krl, NULL, i->key_id);
	if (i->key != NULL)
		return krl_add_key(m->krl, i->key);
	return add_person(m, i->person);
}

int
keeper_krl(struct keeper *k, uint64_t version, int64_t now, struct buf *out,
    struct err *e)
{
	struct krl_make m = {.k = k, .now = now, .e = e};
	int r;

	if ((r = krl_new(&m.krl)) != 0 ||
	    (r = krl_set(m.krl, version, now, "writ")) != 0 ||
	    (r = standing_each_revoked(k->standing, add_item, &m)) != 0 ||
	    (r = standing_each_key_of_revoked(k->standing, k->trust->policy,
		 add_key, &m)) != 0)
		goto out;
	r = krl_encode(m.krl, out);
out:
	krl_free(m.krl);
	if (r != 0 && (e == NULL || e->msg[0] == '\0'))
		(void)err_set(e, r, "revocation list: %s", err_text(r));
	return r;
}
