/* SPDX-License-Identifier: ISC */
/* What the signer checks before it signs, believing nobody. */
#include <stdlib.h>
#include <string.h>

#include "ca/signer/signer_impl.h"
#include "ca/issue/issue.h"
#include "lib/base/parallel.h"

/* The tree that the proof is about: head's, or the one that tail begins with,
 * from which head follows. */
static int
proved_tree(const struct signer_batch *b, uint64_t *size, struct hash *root,
    struct err *e)
{
	struct merkle_edge edge;
	struct hash end;

	*size = b->head.size;
	*root = b->head.root;
	if (b->tail == NULL)
		return 0;
	edge = b->tail->edge;
	*size = edge.size;
	merkle_root(&edge, root);
	for (size_t i = 0; i < b->tail->n; i++)
		merkle_append(&edge, &b->tail->leaves[i]);
	merkle_root(&edge, &end);
	if (edge.size != b->head.size || !hash_equal(&end, &b->head.root))
		return err_set(e, ERR_DENIED,
		    "checkpoint does not follow from the leaves it came with");
	return 0;
}

static bool
extends(const struct checkpoint *seen, const struct signer_batch *b,
    uint64_t size, const struct hash *root)
{
	if (b->head.size == seen->size)
		return hash_equal(&b->head.root, &seen->root);
	if (size == seen->size)
		return hash_equal(root, &seen->root);
	return size > seen->size &&
	    merkle_check_consistency(seen->size, size, b->consistency,
		b->n_consistency, &seen->root, root) == 0;
}

int
signer_check_head(const struct signer *s, const struct signer_batch *b,
    struct err *e)
{
	const struct checkpoint *seen = &s->seen.head;
	struct hash root;
	uint64_t size;
	int r;

	if (strcmp(b->head.origin, s->config.origin) != 0)
		return err_set(e, ERR_DENIED,
		    "checkpoint is of another log, %s", b->head.origin);
	if (b->head.size < seen->size)
		return err_set(e, ERR_ROLLBACK,
		    "log has %llu leaves, the signer has signed for %llu; "
		    "recover with writ-ca rebuild --from COPY",
		    (unsigned long long)b->head.size,
		    (unsigned long long)seen->size);
	if ((r = proved_tree(b, &size, &root, e)) != 0)
		return r;
	if (seen->size == 0 || extends(seen, b, size, &root))
		return 0;
	return err_set(e, ERR_ROLLBACK,
	    "log differs from what the signer has signed at %llu leaves (a "
	    "fork)",
	    (unsigned long long)seen->size);
}

int
signer_check_versions(const struct signer *s, const struct trust *t,
    struct err *e)
{
	if (t->root_version < s->seen.root_version)
		return err_set(e, ERR_ROLLBACK,
		    "root.yaml version %llu is older than %llu, which the "
		    "signer has used",
		    (unsigned long long)t->root_version,
		    (unsigned long long)s->seen.root_version);
	if (t->policy->version < s->seen.policy_version)
		return err_set(e, ERR_ROLLBACK,
		    "policy version %llu is older than %llu, which the "
		    "signer has used",
		    (unsigned long long)t->policy->version,
		    (unsigned long long)s->seen.policy_version);
	return 0;
}

/* Work on one job, in whichever thread. */
struct checked {
	const struct signer *s;
	const struct signer_batch *b;
};

struct key *
signer_ca(const struct signer *s, enum cert_kind kind)
{
	return kind == CERT_HOST ? s->config.host_ca : s->config.user_ca;
}

/* The leaf names what the auditor will judge by: it must be what was used. */
static int
check_named(const struct signer_batch *b, const struct signer_job *j,
    struct err *e)
{
	const struct policy *p = b->trust->policy;
	const struct issue_leaf *l = j->leaf;

	if (!issue_is_request(j->request) || !j->request->verified ||
	    !hash_equal(&l->request, &j->request->hash))
		return err_set(e, ERR_DENIED,
		    "certificate names another request");
	for (size_t i = 0; i < j->n_decisions; i++)
		if (!issue_may_count(j->request, j->decisions[i]) ||
		    !j->decisions[i]->verified)
			return err_set(e, ERR_DENIED,
			    "certificate counts what is no decision");
	if (!j->resign &&
	    (!hash_equal(&l->policy, &p->hash) ||
		l->policy_version != p->version))
		return err_set(e, ERR_DENIED,
		    "certificate names another policy than version %llu",
		    (unsigned long long)p->version);
	if (l->size > b->head.size)
		return err_set(e, ERR_DENIED,
		    "certificate names %llu leaves, the log has %llu",
		    (unsigned long long)l->size,
		    (unsigned long long)b->head.size);
	return 0;
}

/* Is the leaf in the tree of the head that is about to be signed? */
static int
check_in_log(const struct signer_batch *b, const struct signer_job *j,
    struct err *e)
{
	const struct signer_tail *t = b->tail;
	struct hash h;
	bool there;

	if (t == NULL)
		return 0;
	merkle_leaf(j->bytes.p, j->bytes.n, &h);
	if (j->index >= t->edge.size)
		there = j->index - t->edge.size < t->n &&
		    hash_equal(&t->leaves[j->index - t->edge.size], &h);
	else
		there = merkle_check_inclusion(&h, j->index, b->head.size,
			    j->inclusion, j->n_inclusion, &b->head.root) == 0;
	if (!there)
		return err_set(e, ERR_DENIED,
		    "certificate's leaf is not in the log");
	return 0;
}

static int
check_leaf(const struct signer_batch *b, const struct signer_job *j,
    struct err *e)
{
	const struct issue_leaf *l = j->leaf;
	int64_t off = l->now - b->now;
	int r;

	if (!hash_equal(&l->realm, &b->trust->realm))
		return err_set(e, ERR_DENIED, "certificate of another realm");
	if (l->rules != ISSUE_RULES)
		return err_set(e, ERR_DENIED, "certificate by unknown rules");
	if (off > SIGNER_CLOCK_MAX || (off < -SIGNER_CLOCK_MAX && !j->resign)) {
		/* No fault of the request, which is good once they agree. */
		r = err_set(e, ERR_SYS,
		    "certificate is dated %lld s off the signer's clock",
		    (long long)off);
		err_hint(e, "compare the clocks of keeper and signer");
		return r;
	}
	if ((r = check_named(b, j, e)) != 0)
		return r;
	return check_in_log(b, j, e);
}

/*
 * What ca/issue gives for the leaf's own `now`, under the policy and standing
 * of today, with the nonce the keeper chose.  For a leaf of the past (resign)
 * that means: who was revoked since gets nothing, and neither does who would
 * get something else today.
 */
static int
decide_again(const struct checked *c, const struct signer_job *j,
    struct issue_result *res, struct err *e)
{
	const struct issue_leaf *l = j->leaf;
	struct cert asked;
	struct issue_input in = {.policy = c->b->trust->policy,
	    .standing = c->b->standing,
	    .realm = &c->b->trust->realm,
	    .request = j->request,
	    .decisions = j->decisions,
	    .n_decisions = j->n_decisions,
	    .now = l->now,
	    .ca = NULL};
	struct key *ca;
	int r;

	cert_init(&asked);
	if ((r = cert_parse_tbs(slice_of(l->tbs, l->tbs_len), &asked, e)) != 0)
		goto out;
	if (asked.valid_before <= (uint64_t)c->b->now) {
		r = err_set(e, ERR_EXPIRED,
		    "certificate ended before it was signed");
		goto out;
	}
	if ((ca = signer_ca(c->s, issue_kind(j->request))) == NULL ||
	    asked.nonce_len != CERT_NONCE_LEN) {
		r = err_set(e, ERR_DENIED,
		    "signer has no key for this kind "
		    "of certificate");
		goto out;
	}
	in.ca = key_public(ca);
	in.nonce = asked.nonce;
	r = issue_decide(&in, res, e);
out:
	cert_clear(&asked);
	return r;
}

/* Exactly the decisions that counted, in the order they were given. */
static bool
names_counted(const struct signer_job *j, const struct issue_result *res)
{
	if (j->leaf->n_decisions != res->n_counted)
		return false;
	for (size_t i = 0; i < res->n_counted; i++)
		if (!hash_equal(&j->leaf->decisions[i],
			&j->decisions[res->counted[i]]->hash))
			return false;
	return true;
}

static int
check_job(const struct checked *c, const struct signer_job *j, struct err *e)
{
	struct issue_result res;
	struct buf *tbs = NULL;
	int r;

	issue_result_init(&res);
	if ((r = check_leaf(c->b, j, e)) != 0 ||
	    (r = decide_again(c, j, &res, e)) != 0)
		goto out;
	if (res.verdict != ISSUE_READY) {
		r = err_set(e, ERR_DENIED, "signer refuses: %s", res.why.msg);
		goto out;
	}
	if (!names_counted(j, &res)) {
		r = err_set(e, ERR_DENIED,
		    "signer refuses: the leaf names other decisions than "
		    "those that count");
		goto out;
	}
	if ((r = buf_new(&tbs, CERT_MAX)) != 0 ||
	    (r = cert_encode_tbs(&res.cert, tbs)) != 0) {
		(void)err_set(e, r, "certificate: %s", err_text(r));
		goto out;
	}
	if (!slice_equal(buf_slice(tbs),
		slice_of(j->leaf->tbs, j->leaf->tbs_len)))
		r = err_set(e, ERR_DENIED,
		    "signer refuses: the policy gives another certificate");
out:
	buf_free(tbs);
	issue_result_clear(&res);
	return r;
}

static int
check_nth(void *ctx, size_t i, struct err *e)
{
	const struct checked *c = ctx;

	return check_job(c, &c->b->jobs[i], e);
}

int
signer_check_jobs(const struct signer *s, const struct signer_batch *b,
    struct err *e)
{
	struct checked c = {.s = s, .b = b};

	return parallel_try(b->n_jobs, check_nth, &c, e);
}
