/* SPDX-License-Identifier: ISC */
/* The signer's own standing, and the lists that must hold what it revokes. */
#include <string.h>

#include "ca/signer/signer_proc_impl.h"
#include "lib/base/clock.h"
#include "lib/ssh/krl.h"

/* --- acts ----------------------------------------------------------------- */

static const struct policy *
judge(const struct signer_proc *p)
{
	return p->in_force ? p->c.trust->policy : p->past.policy;
}

/*
 * Each act with the policy that judged it, onto what came before.  The signer
 * remembers how far it got, so that a keeper cannot leave out a revocation by
 * coming again, or slip in an act under a policy that was replaced since.
 */
static int
chain(struct signer_proc *p, struct slice statement, struct err *e)
{
	struct hash act, next;
	const struct slice parts[] = {slice_of(p->chain.b, HASH_LEN),
	    slice_of(judge(p)->hash.b, HASH_LEN), slice_of(act.b, HASH_LEN)};
	struct signer_seen seen;

	hash_sha256(statement.p, statement.n, &act);
	hash_sha256v(parts, 3, &next);
	p->chain = next;
	p->acts++;
	signer_get_seen(p->c.signer, &seen);
	if (p->acts == seen.acts && !hash_equal(&next, &seen.acts_chain))
		return err_set(e, ERR_ROLLBACK,
		    "the log tells other keys and revocations than the %llu "
		    "that the signer has judged by",
		    (unsigned long long)seen.acts);
	return 0;
}

int
signer_proc_acts_known(const struct signer_proc *p, struct err *e)
{
	struct signer_seen seen;

	signer_get_seen(p->c.signer, &seen);
	if (p->acts >= seen.acts)
		return 0;
	return err_set(e, ERR_ROLLBACK,
	    "log has %llu key statements and revocations, the signer has "
	    "judged by %llu",
	    (unsigned long long)p->acts, (unsigned long long)seen.acts);
}

static int
apply(struct signer_proc *p, struct slice bytes, struct act_owners *owners,
    struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_REVOKE);
	if ((r = statement_parse("act", bytes, &s, e)) != 0 ||
	    (r = statement_verify(&s, e)) != 0)
		goto out;
	if (!standing_is_act(&s) || !hash_equal(&s.realm, &p->c.trust->realm)) {
		r = err_set(e, ERR_DENIED,
		    "a statement that is no act of this deployment");
		goto out;
	}
	if ((r = chain(p, bytes, e)) != 0)
		goto out;
	r = standing_apply(p->standing, judge(p), &s, act_owner, owners, e);
	if (r == STANDING_IDLE)
		r = 0;
out:
	statement_clear(&s);
	return r;
}

int
signer_proc_act(struct signer_proc *p, struct slice payload, struct err *e)
{
	struct act_owners owners = {0};
	struct slice bytes;
	int r;

	if ((r = act_frame_parse(payload, &bytes, &owners, e)) != 0)
		return r;
	r = apply(p, bytes, &owners, e);
	act_owners_clear(&owners);
	return r;
}

/* --- revocation lists ----------------------------------------------------- */

struct looking {
	const struct signer_proc *p;
	const struct krl *krl;
	struct err *e;
};

static int
lacks(const struct looking *l, const char *what)
{
	return err_set(l->e, ERR_DENIED,
	    "revocation list lacks %s that is revoked", what);
}

/* Are certificates with this serial or key id, of each of our CAs, revoked? */
static bool
all_revoked(const struct looking *l, uint64_t serial, const char *key_id)
{
	const struct policy *policy = l->p->c.trust->policy;
	char id[ISSUE_KEY_ID_MAX] = "";
	struct cert c;

	cert_init(&c);
	c.serial = serial;
	for (size_t i = 0; i < policy->n_authorities; i++) {
		const struct authority *a = &policy->authorities[i];
		bool revoked;

		if (!a->user && !a->host)
			continue;
		c.key = c.ca = a->key;
		c.key_id = key_id != NULL ? (char *)(uintptr_t)key_id : id;
		revoked = krl_revokes_cert(l->krl, &c);
		if (!revoked)
			return false;
	}
	return true;
}

static int
look_for(void *ctx, const struct standing_item *i)
{
	const struct looking *l = ctx;

	if (i->serial != 0 && !all_revoked(l, i->serial, NULL))
		return lacks(l, "a serial");
	if (i->key_id != NULL && !all_revoked(l, 0, i->key_id))
		return lacks(l, "a key id");
	if (i->key != NULL && !krl_revokes_key(l->krl, i->key))
		return lacks(l, "a key");
	return 0;
}

static int
look_for_key(void *ctx, const struct pubkey *k)
{
	const struct looking *l = ctx;

	return krl_revokes_key(l->krl, k) ? 0 : lacks(l, "a person's key");
}

static int
look_for_all(struct looking *l)
{
	int r = standing_each_revoked(l->p->standing, look_for, l);

	return r != 0 ? r
		      : standing_each_key_of_revoked(l->p->standing,
			    l->p->c.trust->policy, look_for_key, l);
}

static int
check_content(const struct signer_proc *p, const struct statement *s,
    struct slice list, struct err *e)
{
	struct looking l = {.p = p, .e = e};
	struct krl *krl = NULL;
	struct hash h;
	int r;

	hash_sha256(list.p, list.n, &h);
	if (s->u.krl.size != list.n || !hash_equal(&s->u.krl.file, &h))
		return err_set(e, ERR_DENIED,
		    "revocation list is not the one that is to be signed");
	if ((r = krl_parse(list, &krl, e)) != 0)
		return r;
	l.krl = krl;
	if (krl_version(krl) != s->u.krl.version || krl_generated(krl) != s->at)
		r = err_set(e, ERR_DENIED,
		    "revocation list has another version or time than its "
		    "statement");
	else
		r = look_for_all(&l);
	krl_free(krl);
	return r;
}

static int
check_statement(const struct signer_proc *p, const struct statement *s,
    struct err *e)
{
	int64_t off = s->at - clock_now();
	struct signer_seen seen;

	signer_get_seen(p->c.signer, &seen);
	if (s->type != ST_KRL || strcmp(s->by, p->c.log_name) != 0 ||
	    !hash_equal(&s->realm, &p->c.trust->realm))
		return err_set(e, ERR_DENIED,
		    "not a statement of this log about a revocation list");
	if (off > SIGNER_CLOCK_MAX || off < -SIGNER_CLOCK_MAX)
		return err_set(e, ERR_SYS,
		    "revocation list is dated %lld s off the signer's clock",
		    (long long)off);
	if (s->u.krl.version <= seen.krl_version)
		return err_set(e, ERR_ROLLBACK,
		    "revocation list %llu is not newer than %llu, which the "
		    "signer has signed",
		    (unsigned long long)s->u.krl.version,
		    (unsigned long long)seen.krl_version);
	return 0;
}

int
signer_proc_check_krl(const struct signer_proc *p, struct slice message,
    struct slice list, uint64_t *version, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_KRL);
	if ((r = statement_parse_message("revocation list", message, &s, e)) ==
		0 &&
	    (r = check_statement(p, &s, e)) == 0 &&
	    (r = check_content(p, &s, list, e)) == 0)
		*version = s.u.krl.version;
	statement_clear(&s);
	return r;
}
