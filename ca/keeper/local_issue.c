/* SPDX-License-Identifier: ISC */
/* A batch of requests: decided, logged, signed, handed out, logged again. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local_impl.h"
#include "lib/base/parallel.h"

/* A batch of fewer is not worth a thread. */
#define RELEASE_ASIDE 16

/* One batch on its way through the log and the signer. */
struct issuing {
	struct keeper_item *items;
	size_t n;
	struct keeper_leaves leaves;
	struct ledger_receipt *receipts;
	struct signer_job *jobs; /* of certificates decided now */
	size_t *owner;           /* the item of each */
	size_t n_jobs;
	uint64_t first; /* index of the first of leaves */
};

static void
issuing_clear(struct issuing *g)
{
	keeper_leaves_clear(&g->leaves);
	free(g->receipts);
	free(g->jobs);
	free(g->owner);
}

static int
issuing_start(struct issuing *g, struct err *e)
{
	g->receipts = calloc(g->leaves.n + 1, sizeof(*g->receipts));
	g->jobs = calloc(g->n + 1, sizeof(*g->jobs));
	g->owner = calloc(g->n + 1, sizeof(*g->owner));
	if (g->receipts == NULL || g->jobs == NULL || g->owner == NULL)
		return err_nomem(e);
	return 0;
}

static struct signer_job
job_of(const struct keeper_item *it, struct slice bytes)
{
	return (struct signer_job){.leaf = &it->leaf,
	    .request = it->request,
	    .decisions = it->counted,
	    .n_decisions = it->n_counted,
	    .resign = it->again,
	    .bytes = bytes,
	    .index = it->index};
}

/* The leaves that are to be certificates, in their order. */
static void
collect_jobs(struct issuing *g)
{
	for (size_t i = 0; i < g->leaves.n; i++)
		g->receipts[i].index = g->first + i;
	keeper_committed(g->items, &g->leaves, g->receipts);
	for (size_t i = 0; i < g->leaves.n; i++) {
		size_t owner = g->leaves.item[i];

		if (owner == SIZE_MAX)
			continue;
		g->owner[g->n_jobs] = owner;
		g->jobs[g->n_jobs++] = job_of(&g->items[owner], g->leaves.v[i]);
	}
}

/* Commit the leaves and have the certificates among them signed. */
static int
sign_batch(struct local *l, struct issuing *g, struct err *e)
{
	struct local_round q = {.leaves = g->leaves.v,
	    .n = g->leaves.n,
	    .receipts = g->receipts,
	    .jobs = g->jobs,
	    .note = STR_INIT};
	int r;

	if (g->leaves.n == 0)
		return 0;
	if ((r = local_next_index(l, g->leaves.n, &g->first, e)) != 0)
		return r;
	collect_jobs(g);
	q.n_jobs = g->n_jobs;
	r = local_run(l, &q, e);
	str_clear(&q.note);
	for (size_t i = 0; i < g->n_jobs && r == 0; i++)
		g->items[g->owner[i]].cert = g->jobs[i].cert;
	return r;
}

/*
 * A certificate that a crash kept back is checked by the signer under the
 * policy of today; if that refuses, it must not take the others of the batch
 * with it.
 */
static int
sign_again(struct local *l, struct keeper_item *it, struct err *e)
{
	struct hash inclusion[MERKLE_PROOF_MAX];
	struct signer_job job;
	struct local_round q = {.jobs = &job, .n_jobs = 1, .note = STR_INIT};
	uint8_t *bytes = NULL;
	size_t n = 0;
	int r = 0;

	if (local_is_remote(l))
		r = ledger_read(l->ledger, it->index, &bytes, &n, e);
	job = job_of(it, slice_of(bytes, n));
	if (r == 0 && local_is_remote(l)) {
		job.inclusion = inclusion;
		r = local_prove(l, it->index, inclusion, &job.n_inclusion, e);
	}
	if (r == 0 && (r = local_run(l, &q, e)) == 0)
		it->cert = job.cert;
	str_clear(&q.note);
	free(bytes);
	return r;
}

/* ERR_NET: a signer of another process went away; with it, nobody gets an answer
 * yet, and the same batch once more finds all of it in the log. */
static int
sign_all_again(struct local *l, const struct issuing *g, struct err *e)
{
	for (size_t i = 0; i < g->n; i++) {
		struct keeper_item *it = &g->items[i];

		if (it->r != 0 || !it->again || it->cert != NULL)
			continue;
		it->r = sign_again(l, it, it->e);
		if (it->r != ERR_NET || !local_is_remote(l))
			continue;
		if (e != NULL && it->e != NULL)
			*e = *it->e;
		return ERR_NET;
	}
	return 0;
}

/* --- handing out ---------------------------------------------------------- */

struct releasing {
	struct local *local;
	struct keeper_item *items;
	size_t n;
	int (*release)(void *ctx, size_t i, struct keeper_item *it,
	    struct err *e);
	void *ctx;
	/* The leaves of this batch, and how many of them are certificates to be
	 * signed. */
	uint64_t from, to;
	size_t n_new;
	/* What is published of the items, and how much of it is theirs. */
	struct recorder_hand *hands;
	size_t n_hands, n_hands_new;
};

/* The certificate as a file has it, for whoever asked and for the log. */
static int
make_line(struct keeper_item *it)
{
	struct cert c;
	int r;

	cert_init(&c);
	if ((r = cert_parse(buf_slice(it->cert), &c, it->e)) == 0) {
		r = cert_add_line(&it->line, buf_slice(it->cert), c.key_id);
		str_addc(&it->line, '\n');
		if (r != 0 || str_check(&it->line) != 0)
			r = err_nomem(it->e);
		it->valid_after = c.valid_after;
		it->valid_before = c.valid_before;
	}
	cert_clear(&c);
	return r;
}

static void
write_line(void *ctx, size_t i)
{
	struct keeper_item *it = &((struct releasing *)ctx)->items[i];
	int r;

	if (it->cert != NULL && (r = make_line(it)) != 0 && it->r == 0)
		it->r = r;
}

static void *
release_all(void *arg)
{
	struct releasing *g = arg;

	for (size_t i = 0; i < g->n; i++) {
		struct keeper_item *it = &g->items[i];

		if (it->r == 0)
			it->r = g->release(g->ctx, i, it, it->e);
	}
	return NULL;
}

/* What has a certificate has, or gets now, all of its leaves. */
static int
take_in_hand(struct releasing *g, struct err *e)
{
	g->hands = calloc(g->n + 1, sizeof(*g->hands));
	if (g->hands == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < g->n; i++) {
		const struct keeper_item *it = &g->items[i];

		if (it->line.n == 0 || it->n_counted != it->leaf.n_decisions)
			continue;
		if (it->index >= g->from && it->index < g->to)
			g->n_hands_new++;
		g->hands[g->n_hands++] = (struct recorder_hand){
		    .serial = leaf_serial(&it->request->hash),
		    .valid_after = it->valid_after,
		    .request = it->request,
		    .leaf = &it->leaf,
		    .decisions = it->counted,
		    .index = it->index,
		    .line = slice_of(it->line.p, it->line.n)};
	}
	recorder_at_hand(&g->local->recorder, g->hands, g->n_hands);
	return 0;
}

/* The records of the leaves that the batch put into the log. */
static void *
put_records(void *arg)
{
	struct releasing *g = arg;
	struct recorder_range range = {&g->local->recorder, g->from, g->to};

	ledger_put_ahead(g->local->ledger, g->from, g->to, recorder_ahead,
	    &range);
	return NULL;
}

/*
 * Hand the certificates out, log them, and make everything of the batch visible
 * to everybody.  Most of it is thousands of files, in two directories, so each
 * has a thread; their records are there before the commit, which mostly waits
 * for the disk, has ended.  What is logged is made before, since it depends on
 * the outcomes that release() may change.
 */
static int
release_and_commit(struct local *l, struct releasing *g,
    struct keeper_leaves *leaves, struct err *e)
{
	struct ledger_receipt *receipts;
	struct str note = STR_INIT;
	pthread_t out, records;
	bool aside, ahead;
	int r;

	aside = g->n >= RELEASE_ASIDE &&
	    pthread_create(&out, NULL, release_all, g) == 0;
	if (!aside)
		(void)release_all(g);
	ahead = aside && g->n_new > 0 && g->n_hands_new == g->n_new &&
	    pthread_create(&records, NULL, put_records, g) == 0;
	if ((receipts = calloc(leaves->n + 1, sizeof(*receipts))) == NULL)
		r = err_nomem(e);
	else
		r = local_commit_head(l, leaves, receipts, &note, e);
	free(receipts);
	if (ahead)
		(void)pthread_join(records, NULL);
	if (r == 0)
		r = local_publish_head(l, &note, e);
	if (aside)
		(void)pthread_join(out, NULL);
	str_clear(&note);
	return r;
}

static int
release_and_finish(struct local *l, struct releasing *g, struct err *e)
{
	struct keeper_leaves leaves = {0};
	int r;

	r = keeper_finish(l->keeper, g->items, g->n, &leaves, e);
	parallel_for(g->n, write_line, g);
	if (r == 0 && (r = take_in_hand(g, e)) == 0)
		r = release_and_commit(l, g, &leaves, e);
	else
		(void)release_all(g);
	if (r != 0) {
		err_prefix(e, "what was issued is recorded, but not published");
		if (e != NULL && e->hint[0] == '\0')
			err_hint(e, "the same command once more publishes it");
	}
	recorder_at_hand(&l->recorder, NULL, 0);
	free(g->hands);
	keeper_leaves_clear(&leaves);
	return r;
}

/* What is published of an item whose leaf is new, while its statements and its
 * leaf need not be read back from the log and parsed for it. */
struct making {
	struct releasing *g;
	struct made {
		struct str record;
		char path[ISSUE_PATH_MAX]; /* "": none */
	} * v;
};

static void
make_nth(void *ctx, size_t i)
{
	const struct making *m = ctx;
	struct keeper_item *it = &m->g->items[i];
	struct made *made = &m->v[i];

	/* What fails is made from the log, where that says why. */
	if (it->cert == NULL || it->again ||
	    it->n_counted != it->leaf.n_decisions)
		return;
	/* It is out, whatever becomes of its files. */
	if (make_line(it) != 0)
		str_clear(&it->line);
	if (issue_record(&it->leaf, it->index, it->request, it->counted,
		it->n_counted, &made->record, made->path, NULL) != 0)
		made->path[0] = '\0';
}

static void
make_records(struct local *l, struct releasing *g)
{
	struct making m = {g, calloc(g->n + 1, sizeof(*m.v))};
	char path[ISSUE_PATH_MAX];

	if (m.v == NULL)
		return;
	for (size_t i = 0; i < g->n; i++)
		str_init(&m.v[i].record);
	parallel_for(g->n, make_nth, &m);
	for (size_t i = 0; i < g->n; i++) {
		struct keeper_item *it = &g->items[i];
		uint64_t serial = leaf_serial(&it->request->hash);

		if (m.v[i].path[0] != '\0')
			recorder_keep(&l->recorder, LTAG_ISSUE, serial,
			    m.v[i].path, &m.v[i].record);
		if (it->line.n > 0) {
			issue_record_path(it->valid_after, serial, "-cert.pub",
			    path);
			recorder_keep(&l->recorder, LTAG_CERTIFICATE, serial,
			    path, &it->line);
		}
		str_clear(&m.v[i].record);
	}
	free(m.v);
}

/* Hand the certificates out at once; their leaves go with the next commit. */
static int
release_and_carry(struct local *l, struct releasing *g, struct err *e)
{
	struct keeper_leaves leaves = {0};
	int r;

	if ((r = keeper_finish(l->keeper, g->items, g->n, &leaves, e)) == 0)
		r = local_carry(l, g->items, &leaves, e);
	keeper_leaves_clear(&leaves);
	(void)release_all(g);
	make_records(l, g);
	return r;
}

static const struct pubkey *
ca_of(const struct local *l, const struct key *key, const char *name)
{
	const struct authority *a;

	if (key != NULL)
		return key_public(key);
	if (!local_is_remote(l) || name == NULL)
		return NULL;
	a = policy_authority(l->trust.policy, name);
	return a != NULL ? a->key : NULL;
}

static int
prepare(struct local *l, struct issuing *g, struct err *e)
{
	struct local_round none = {.note = STR_INIT};
	int r = 0;

	local_set_now(l);
	/* What is out and asked for again is found in the log alone. */
	if (local_carries(l, g->items, g->n))
		r = local_run(l, &none, e);
	if (r == 0)
		r = keeper_prepare(l->keeper, g->items, g->n, l->now,
		    ca_of(l, l->user_ca, l->config.user_ca),
		    ca_of(l, l->host_ca, l->config.host_ca), &g->leaves, e);
	return r;
}

int
local_issue(struct local *l, struct keeper_item *items, size_t n,
    int (*release)(void *ctx, size_t i, struct keeper_item *it, struct err *e),
    void *ctx, struct err *e)
{
	struct releasing to = {
	    .local = l, .items = items, .n = n, .release = release, .ctx = ctx};
	struct issuing g = {.items = items, .n = n};
	bool released = false;
	int r;

	if ((r = prepare(l, &g, e)) != 0 || (r = issuing_start(&g, e)) != 0 ||
	    (r = sign_batch(l, &g, e)) != 0 ||
	    (r = sign_all_again(l, &g, e)) != 0)
		goto out;
	to.from = g.first;
	to.to = g.first + g.leaves.n;
	to.n_new = g.n_jobs;
	released = true;
	r = l->mode == LOCAL_SERVE ? release_and_carry(l, &to, e)
				   : release_and_finish(l, &to, e);
out:
	if (r != 0 && !released)
		err_prefix(e, "not issued");
	issuing_clear(&g);
	return r;
}
