/* SPDX-License-Identifier: ISC */
/*
 * Certificates: decided again, from what their leaf names alone, and compared
 * byte for byte.
 */
#include <stdlib.h>

#include "ca/audit/across.h"
#include "ca/audit/audit_impl.h"
#include "lib/base/parallel.h"

void
audit_job_free(struct audit_job *j)
{
	if (j == NULL)
		return;
	free(j->decisions);
	free(j->all);
	str_clear(&j->record);
	free(j);
}

struct audit_issue *
audit_issue_of(struct audit *a, uint64_t serial)
{
	size_t cursor = 0;
	uint64_t at;

	while (audit_table_next(&a->table, TABLE_ISSUE, serial, &cursor, &at))
		if (a->issues[at].serial == serial)
			return &a->issues[at];
	return NULL;
}

static int
issue_add(struct audit *a, uint64_t serial, uint64_t index)
{
	if (vec_grow(&a->issues, a->n_issues, &a->cap_issues, SIZE_MAX / 64) !=
		0 ||
	    audit_table_add(&a->table, TABLE_ISSUE, serial, a->n_issues) != 0)
		return ERR_NOMEM;
	a->issues[a->n_issues++] = (struct audit_issue){
	    .serial = serial, .index = index, .certificate = AUDIT_NO_INDEX};
	a->counts.certificates++;
	return 0;
}

/* Read only if a login was by it. */
static int
note_issue(struct audit *a, const struct audit_slot *s, uint64_t serial)
{
	struct leaf l;
	int r = issue_add(a, serial, s->index);

	if (r != 0 || !across_asks(a, serial))
		return r;
	leaf_init(&l);
	r = leaf_parse("", s->bytes, &l, NULL);
	if (r == 0 && l.kind == LEAF_ISSUE)
		r = across_issued(a, &l.u.i);
	leaf_clear(&l);
	return r == ERR_NOMEM ? r : 0;
}

int
audit_issue_note(struct audit *a, const struct audit_slot *s)
{
	struct audit_issue *i;
	uint64_t serial = audit_key(&s->name);

	/* The name of such a leaf is its serial, leaf_serial_name(). */
	i = audit_issue_of(a, serial);
	if (s->tag == LTAG_ISSUE)
		return i == NULL ? note_issue(a, s, serial) : 0;
	if (i != NULL)
		i->certificate = s->index;
	return 0;
}

const char *
audit_owner(void *audit, uint64_t serial)
{
	struct audit *a = audit;
	const struct audit_issue *i = audit_issue_of(a, serial);
	const struct statement *request;
	const struct leaf *l;
	int r;

	if (i == NULL)
		return NULL;
	l = audit_leaf(a, i->index, &r, NULL);
	a->r->failed = a->r->failed || r != 0;
	if (l == NULL || l->kind != LEAF_ISSUE)
		return NULL;
	request = audit_request(a, &l->u.i.request, i->index, &r, NULL);
	a->r->failed = a->r->failed || r != 0;
	if (request == NULL)
		return NULL;
	free(a->owner);
	if ((a->owner = str_dup(request->by)) == NULL)
		a->r->failed = true;
	return a->owner;
}

/* --- what a leaf names ------------------------------------------------------
 */

struct placed {
	uint64_t index;
	const struct statement *s;
};

static int
placed_order(const void *x, const void *y)
{
	const struct placed *a = x, *b = y;

	return a->index < b->index ? -1 : a->index > b->index;
}

/* The decisions counted, and the denials that the log has before this leaf:
 * whoever leaves out one of those hides it.  1: one is not there. */
static int
gather(struct audit *a, struct audit_job *j, struct err *e)
{
	const struct issue_leaf *l = j->leaf;
	struct placed placed[ISSUE_DECISIONS_MAX];
	size_t n = 0, cursor = 0;
	uint64_t at;
	int r = 0;

	if ((j->decisions = calloc(l->n_decisions + 1,
		 sizeof(*j->decisions))) == NULL ||
	    (j->all = calloc(ISSUE_DECISIONS_MAX, sizeof(*j->all))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < l->n_decisions; i++) {
		j->decisions[i] = audit_counted(a, j->request, &l->decisions[i],
		    j->index, &at, &r, e);
		if (r != 0)
			return r;
		if (j->decisions[i] == NULL) {
			LEAF_FINDING(a, j->index, "issue",
			    "counts a decision that is not in the log before "
			    "it");
			return 1;
		}
		placed[n++] = (struct placed){at, j->decisions[i]};
	}
	while (n < ISSUE_DECISIONS_MAX &&
	    audit_table_next(&a->table, TABLE_DENIES, audit_key(&l->request),
		&cursor, &at)) {
		const struct leaf *d = audit_leaf(a, at, &r, e);

		if (r != 0)
			return r;
		if (d != NULL && d->kind == LEAF_STATEMENT)
			placed[n++] = (struct placed){at, &d->u.s};
	}
	qsort(placed, n, sizeof(*placed), placed_order);
	for (size_t i = 0; i < n; i++)
		j->all[j->n_all++] = placed[i].s;
	return 0;
}

/* What can be said without deciding.  1: nothing more can be. */
static int
check_leaf(struct audit *a, const struct audit_slot *s)
{
	const struct issue_leaf *l = &s->leaf.u.i;
	const struct trust *t = &a->chain.trust;

	if (!hash_equal(&l->realm, &a->c->realm)) {
		LEAF_FINDING(a, s->index, "leaf", "is of another realm");
		return 1;
	}
	if (l->rules != ISSUE_RULES) {
		LEAF_FINDING(a, s->index, "issue",
		    "was decided by rules %llu, which are unknown here",
		    (unsigned long long)l->rules);
		return 1;
	}
	if (l->size > s->index)
		LEAF_FINDING(a, s->index, "issue",
		    "was decided as of %llu %s, more than there were",
		    (unsigned long long)l->size, LEAVES(l->size));
	else if (l->size < a->changed)
		LEAF_FINDING(a, s->index, "issue",
		    "was decided as of %llu %s, before leaf %llu changed "
		    "who may do what",
		    (unsigned long long)l->size, LEAVES(l->size),
		    (unsigned long long)a->changed - 1);
	if (!t->have) {
		if (!a->no_policy_said)
			LEAF_FINDING(a, s->index, "policy",
			    "there is no policy in the log yet to judge it "
			    "by; later leaves are not judged until there is "
			    "one");
		a->no_policy_said = true;
		return 1;
	}
	if (!hash_equal(&l->policy, &t->policy->hash) ||
	    l->policy_version != t->policy->version) {
		LEAF_FINDING(a, s->index, "issue",
		    "goes by policy version %llu, which is not the one in "
		    "force there, version %llu",
		    (unsigned long long)l->policy_version,
		    (unsigned long long)t->policy->version);
		return 1;
	}
	return 0;
}

int
audit_issue_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	const struct issue_leaf *l = &s->leaf.u.i;
	uint64_t serial = leaf_serial(&l->request);
	const struct audit_issue *twin = audit_issue_of(a, serial);
	struct audit_job *j;
	int r;

	if (twin != NULL) {
		LEAF_FINDING(a, s->index, "issue",
		    "has the serial of leaf %llu",
		    (unsigned long long)twin->index);
		return 0;
	}
	if (issue_add(a, serial, s->index) != 0 || across_issued(a, l) != 0)
		return err_nomem(e);
	if (check_leaf(a, s) != 0)
		return 0;
	if ((j = calloc(1, sizeof(*j))) == NULL)
		return err_nomem(e);
	str_init(&j->record);
	j->index = s->index;
	j->leaf = l;
	j->policy = a->chain.trust.policy;
	j->request = audit_request(a, &l->request, s->index, &r, e);
	if (r == 0 && j->request == NULL) {
		LEAF_FINDING(a, s->index, "issue",
		    "names a request that is not in the log before it");
		r = 1;
	}
	if (r == 0)
		r = gather(a, j, e);
	if (r == 0 && j->request->type == ST_RENEW)
		across_renewed(a, s->index, l);
	if (r == 0 &&
	    vec_grow(&a->jobs, a->n_jobs, &a->cap_jobs, SIZE_MAX / 64) != 0)
		r = err_nomem(e);
	if (r == 0)
		a->jobs[a->n_jobs++] = j;
	else
		audit_job_free(j);
	return r < 0 ? r : 0;
}

/* --- deciding ----------------------------------------------------------------
 */

static int
compare_tbs(struct audit_job *j, const struct issue_result *res)
{
	struct slice have = slice_of(j->leaf->tbs, j->leaf->tbs_len);
	struct buf *tbs = NULL;
	int r;

	if ((r = buf_new(&tbs, CERT_MAX)) == 0 &&
	    (r = cert_encode_tbs(&res->cert, tbs)) == 0 &&
	    !slice_equal(buf_slice(tbs), have))
		r = err_set(&j->e, ERR_CORRUPT,
		    "is another certificate than policy and statements give");
	else if (r != 0)
		(void)err_set(&j->e, r, "certificate: %s", err_text(r));
	buf_free(tbs);
	return r;
}

static int
decide(struct audit *a, struct audit_job *j, const struct cert *c,
    struct issue_result *res)
{
	struct issue_input in = {.policy = j->policy,
	    .standing = a->standing,
	    .realm = &a->c->realm,
	    .request = j->request,
	    .decisions = j->decisions,
	    .n_decisions = j->leaf->n_decisions,
	    .now = j->leaf->now,
	    .ca = c->ca,
	    .nonce = c->nonce};
	int r;

	if ((r = issue_decide(&in, res, &j->e)) != 0)
		return r;
	if (res->verdict != ISSUE_READY)
		return err_set(&j->e, ERR_CORRUPT,
		    "should not have been issued (%s): %s", res->rule,
		    res->why.msg);
	if (res->n_counted != in.n_decisions)
		return err_set(&j->e, ERR_CORRUPT,
		    "counts %zu decisions, of which %zu count", in.n_decisions,
		    res->n_counted);
	if ((r = compare_tbs(j, res)) != 0 || j->n_all == in.n_decisions)
		return r;
	in.decisions = j->all;
	in.n_decisions = j->n_all;
	if ((r = issue_decide(&in, res, &j->e)) != 0)
		return r;
	if (res->verdict != ISSUE_READY)
		return err_set(&j->e, ERR_CORRUPT,
		    "was issued although the log has a denial: %s",
		    res->why.msg);
	return 0;
}

/* The record is what the leaf gives, whether it should have been issued or
 * not. */
static int
make_record(struct audit *a, struct audit_job *j, const struct cert *c,
    struct err *e)
{
	struct audit_issue *i =
	    audit_issue_of(a, leaf_serial(&j->leaf->request));
	int r;

	if ((r = issue_record(j->leaf, j->index, j->request, j->decisions,
		 j->leaf->n_decisions, &j->record, j->path, e)) != 0)
		return r;
	i->valid_after = c->valid_after;
	i->known_path = true;
	return 0;
}

static void
decide_nth(void *ctx, size_t nth)
{
	struct audit *a = ctx;
	struct audit_job *j = a->jobs[nth];
	struct issue_result res;
	struct err e = {0};
	struct cert c;
	int r;

	cert_init(&c);
	issue_result_init(&res);
	j->r =
	    cert_parse_tbs(slice_of(j->leaf->tbs, j->leaf->tbs_len), &c, &j->e);
	if (j->r != 0)
		goto out;
	if (c.nonce_len != CERT_NONCE_LEN)
		j->r = err_set(&j->e, ERR_CORRUPT,
		    "has a nonce of %zu bytes, expected %d", c.nonce_len,
		    CERT_NONCE_LEN);
	else
		j->r = decide(a, j, &c, &res);
	r = make_record(a, j, &c, &e);
	if (j->r == 0 || r == ERR_NOMEM) {
		j->r = r;
		j->e = e;
	}
out:
	issue_result_clear(&res);
	cert_clear(&c);
}

int
audit_flush(struct audit *a, struct err *e)
{
	int r = 0;

	parallel_for(a->n_jobs, decide_nth, a);
	for (size_t i = 0; i < a->n_jobs; i++) {
		struct audit_job *j = a->jobs[i];

		if (j->r == ERR_NOMEM && r == 0)
			r = err_nomem(e);
		else if (j->r != 0)
			LEAF_FINDING(a, j->index, "issue", "%s", j->e.msg);
		if (r == 0 && j->path[0] != '\0' &&
		    audit_expect(a, j->index, j->path, &j->record) != 0)
			r = err_nomem(e);
		audit_job_free(j);
	}
	a->n_jobs = 0;
	return r;
}

/* --- the certificate that was signed -----------------------------------------
 */

int
audit_certificate_leaf(struct audit *a, const struct audit_slot *s,
    struct err *e)
{
	const struct certificate_leaf *c = &s->leaf.u.c;
	struct slice blob = slice_of(c->blob, c->blob_len);
	struct audit_issue *i = audit_issue_of(a, leaf_serial(&c->request));
	struct str line = STR_INIT;
	char path[ISSUE_PATH_MAX];
	const struct leaf *l;
	int r = 0;

	if (!hash_equal(&c->realm, &a->c->realm)) {
		LEAF_FINDING(a, s->index, "leaf", "is of another realm");
		return 0;
	}
	if (i == NULL || i->index != c->issue_index) {
		LEAF_FINDING(a, s->index, "issue",
		    "is the certificate of leaf %llu, which is no such leaf",
		    (unsigned long long)c->issue_index);
		return 0;
	}
	if (i->certificate != AUDIT_NO_INDEX) {
		LEAF_FINDING(a, s->index, "issue", "repeats leaf %llu",
		    (unsigned long long)i->certificate);
		return 0;
	}
	i->certificate = s->index;
	if ((l = audit_leaf(a, i->index, &r, e)) == NULL)
		return r;
	if (l->kind != LEAF_ISSUE ||
	    !hash_equal(&l->u.i.request, &c->request) ||
	    !slice_equal(slice_of(blob.p, s->cert.tbs_len),
		slice_of(l->u.i.tbs, l->u.i.tbs_len))) {
		LEAF_FINDING(a, s->index, "issue",
		    "is not the certificate that leaf %llu says",
		    (unsigned long long)i->index);
		return 0;
	}
	if ((r = audit_certificate_line(&s->cert, blob, &line)) == 0) {
		issue_record_path(s->cert.valid_after, s->cert.serial,
		    "-cert.pub", path);
		r = audit_expect(a, s->index, path, &line);
	}
	str_clear(&line);
	return r != 0 ? err_nomem(e) : 0;
}
