/* SPDX-License-Identifier: ISC */
/* Requests through the keeper: decide, log, hand to the signer, log again. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/keeper.h"
#include "ca/keeper/keeper_impl.h"
#include "lib/base/parallel.h"
#include "lib/crypto/random.h"

void
keeper_item_init(struct keeper_item *it)
{
	memset(it, 0, sizeof(*it));
	str_init(&it->line);
}

static void
issue_leaf_clear(struct issue_leaf *l)
{
	free(l->decisions);
	free(l->tbs);
	memset(l, 0, sizeof(*l));
}

void
keeper_item_clear(struct keeper_item *it)
{
	issue_leaf_clear(&it->leaf);
	strs_clear(&it->notes);
	buf_free(it->cert);
	str_clear(&it->line);
	free(it->decisions);
	for (size_t i = 0; i < it->n_logged; i++)
		statement_clear(&it->logged[i]);
	free(it->logged);
	free(it->counted);
	keeper_item_init(it);
}

static int
note(struct keeper_item *it, const char *who, const char *why)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "%s: %s", who, why);
	if ((r = str_check(&s)) == 0)
		r = strs_add(&it->notes, s.p);
	str_clear(&s);
	return r;
}

/* --- what the log has already -------------------------------------------- */

static bool
has_decision(const struct keeper_item *it, const struct statement *s)
{
	for (size_t i = 0; i < it->n_decisions; i++)
		if (hash_equal(&it->decisions[i]->hash, &s->hash))
			return true;
	return false;
}

static int
by_time(const void *a, const void *b)
{
	const struct statement *x = *(const struct statement *const *)a;
	const struct statement *y = *(const struct statement *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return memcmp(x->hash.b, y->hash.b, HASH_LEN);
}

/* The decisions that came with the request, new ones after those of the log;
 * one that does not verify is named and passed over. */
static int
add_given(struct keeper_item *it, struct err *e)
{
	size_t first = it->n_decisions;

	for (size_t i = 0; i < it->n_given; i++) {
		struct statement *s = it->given[i];
		struct err why = {0};

		if (!s->verified && statement_verify(s, &why) != 0) {
			if (note(it, s->by, why.msg) != 0)
				return err_nomem(e);
			continue;
		}
		if (!has_decision(it, s))
			it->decisions[it->n_decisions++] = s;
	}
	qsort(it->decisions + first, it->n_decisions - first,
	    sizeof(it->decisions[0]), by_time);
	return 0;
}

/* A statement that a host's standing comes from. */
static int
read_statement(struct keeper *k, uint8_t tag, const struct hash *h,
    struct keeper_item *it, struct err *e)
{
	struct statement *out = &it->logged[it->n_logged];
	struct leaf leaf;
	uint64_t index;
	int r;

	leaf_init(&leaf);
	r = keeper_find_statement(k->ledger, tag, h, &leaf, &index, e);
	if (r == 1)
		r = err_set(e, ERR_CORRUPT,
		    "a statement that a host stands on is not in the log");
	if (r == 0 && (r = statement_verify(&leaf.u.s, e)) == 0) {
		*out = leaf.u.s; /* moved */
		leaf_init(&leaf);
		it->decisions[it->n_decisions++] = out;
		it->n_logged++;
	}
	leaf_clear(&leaf);
	return r;
}

/* What a renewal stands on; nothing where it names no host, which ca/issue
 * says. */
static int
gather_host(struct keeper *k, struct keeper_item *it, struct err *e)
{
	const struct fleet_hosts *hosts = standing_hosts(k->standing);
	const struct fleet_host_row *row = hosts == NULL
	    ? NULL
	    : fleet_hosts_by_accept(hosts, &it->request->u.renew.accept);
	int r = 0;

	it->logged = calloc(3, sizeof(*it->logged));
	it->decisions = calloc(3, sizeof(*it->decisions));
	if (it->logged == NULL || it->decisions == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < 3; i++)
		statement_init(&it->logged[i], ST_ACCEPT);
	if (row == NULL)
		return 0;
	if (row->by_token)
		r = read_statement(k, LTAG_TOKEN, &row->token, it, e);
	if (r == 0)
		r = read_statement(k, LTAG_ACCEPT, &row->accept, it, e);
	if (r == 0 && row->has_renamed)
		r = read_statement(k, LTAG_RENAME, &row->renamed, it, e);
	return r;
}

static int
gather(struct keeper *k, struct keeper_item *it, struct err *e)
{
	int r;

	if (it->request->type == ST_RENEW)
		return gather_host(k, it, e);
	if (it->n_given > ISSUE_DECISIONS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d decisions",
		    ISSUE_DECISIONS_MAX);
	/* What is in the log comes first. */
	r = keeper_decisions(k->ledger, &it->request->hash, &it->logged,
	    &it->n_logged, e);
	if (r != 0)
		return r;
	it->decisions =
	    calloc(it->n_logged + it->n_given + 1, sizeof(*it->decisions));
	if (it->decisions == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < it->n_logged; i++)
		it->decisions[it->n_decisions++] = &it->logged[i];
	return add_given(it, e);
}

/*
 * A request whose certificate is in the log gets that one, unless it was revoked
 * since: see keeper_check_revoked().  Another request
 * with the same serial is refused: both would be revoked and read as one.
 */
static int
find_issued(struct keeper *k, struct keeper_item *it, struct err *e)
{
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	r = keeper_find_issue(k->ledger, leaf_serial(&it->request->hash), &leaf,
	    &it->index, e);
	if (r != 0)
		goto out;
	if (leaf.kind != LEAF_ISSUE ||
	    !hash_equal(&leaf.u.i.request, &it->request->hash)) {
		r = err_set(e, ERR_DENIED,
		    "another request has this serial; ask again");
		goto out;
	}
	it->leaf = leaf.u.i;
	memset(&leaf.u.i, 0, sizeof(leaf.u.i));
	it->again = true;
out:
	leaf_clear(&leaf);
	return r;
}

static int
find_certificate(struct keeper *k, struct keeper_item *it, struct err *e)
{
	struct leaf leaf;
	struct hash name;
	uint64_t index;
	int r;

	leaf_init(&leaf);
	leaf_serial_name(leaf_serial(&it->request->hash), &name);
	r = keeper_find_statement(k->ledger, LTAG_CERTIFICATE, &name, &leaf,
	    &index, e);
	if (r == 0 && leaf.kind == LEAF_CERTIFICATE &&
	    ((r = buf_new(&it->cert, CERT_MAX)) != 0 ||
		(r = buf_put(it->cert, leaf.u.c.blob, leaf.u.c.blob_len)) != 0))
		(void)err_set(e, r, "certificate: %s", err_text(r));
	leaf_clear(&leaf);
	return r;
}

/* The decisions that an earlier leaf counted, for the signer to look at. */
static int
counted_again(struct keeper_item *it, struct err *e)
{
	it->counted = calloc(it->leaf.n_decisions + 1, sizeof(*it->counted));
	if (it->counted == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < it->leaf.n_decisions; i++)
		for (size_t j = 0; j < it->n_decisions; j++)
			if (hash_equal(&it->leaf.decisions[i],
				&it->decisions[j]->hash))
				it->counted[it->n_counted++] = it->decisions[j];
	if (it->n_counted != it->leaf.n_decisions)
		return err_set(e, ERR_CORRUPT,
		    "a decision that the log counted is not in the log");
	return 0;
}

static int
look_up(struct keeper *k, struct keeper_item *it, struct err *e)
{
	int r;

	if ((r = gather(k, it, e)) != 0)
		return r;
	if ((r = find_issued(k, it, e)) != 0)
		return r < 0 ? r : 0; /* 1: there is none */
	if ((r = keeper_check_revoked(k, it->request,
		 slice_of(it->leaf.tbs, it->leaf.tbs_len), e)) != 0)
		return r;
	if ((r = find_certificate(k, it, e)) < 0)
		return r;
	return it->cert != NULL ? 0 : counted_again(it, e);
}

/* --- deciding ------------------------------------------------------------ */

struct deciding {
	struct keeper *k;
	struct keeper_item *items;
	const struct pubkey *user_ca, *host_ca;
	int64_t now;
	uint64_t size;
	uint8_t (*nonces)[CERT_NONCE_LEN]; /* one an item */
	struct str *texts;                 /* each item's leaf */
};

static int
make_leaf(const struct deciding *d, struct keeper_item *it,
    const struct issue_result *res, struct err *e)
{
	const struct policy *p = d->k->trust->policy;
	struct issue_leaf *l = &it->leaf;
	struct buf *tbs = NULL;
	int r;

	*l = (struct issue_leaf){.realm = d->k->trust->realm,
	    .now = d->now,
	    .rules = ISSUE_RULES,
	    .policy_version = p->version,
	    .policy = p->hash,
	    .request = it->request->hash,
	    .size = d->size};
	l->decisions = calloc(res->n_counted + 1, sizeof(struct hash));
	it->counted = calloc(res->n_counted + 1, sizeof(*it->counted));
	if (l->decisions == NULL || it->counted == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < res->n_counted; i++) {
		const struct statement *s = it->decisions[res->counted[i]];

		it->counted[it->n_counted++] = s;
		l->decisions[l->n_decisions++] = s->hash;
	}
	if ((r = buf_new(&tbs, CERT_MAX)) != 0 ||
	    (r = cert_encode_tbs(&res->cert, tbs)) != 0)
		(void)err_set(e, r, "certificate: %s", err_text(r));
	else
		buf_take(tbs, &l->tbs, &l->tbs_len);
	buf_free(tbs);
	return r;
}

static int
decide(const struct deciding *d, struct keeper_item *it,
    struct issue_result *res, struct err *e)
{
	struct issue_input in = {.policy = d->k->trust->policy,
	    .standing = d->k->standing,
	    .realm = &d->k->trust->realm,
	    .request = it->request,
	    .decisions = it->decisions,
	    .n_decisions = it->n_decisions,
	    .now = d->now,
	    .nonce = d->nonces[it - d->items]};
	int r;

	in.ca = issue_kind(it->request) == CERT_HOST ? d->host_ca : d->user_ca;
	if ((r = issue_decide(&in, res, e)) != 0)
		return r;
	for (size_t i = 0; i < res->passed_over.n; i++)
		if (strs_add(&it->notes, res->passed_over.v[i]) != 0)
			return err_nomem(e);
	/* What nobody we know has said, or was never possible, is no act. */
	it->record = (res->requester != NULL || res->verdict == ISSUE_READY) &&
	    (res->verdict != ISSUE_REFUSED || strcmp(res->rule, "denied") == 0);
	if (res->verdict == ISSUE_READY)
		return make_leaf(d, it, res, e);
	if (e != NULL)
		*e = res->why;
	return res->verdict == ISSUE_WAITING ? ERR_WAIT : ERR_DENIED;
}

static void
verify_nth(void *ctx, size_t i)
{
	struct keeper_item *it = &((struct keeper_item *)ctx)[i];

	if (it->r == 0 && !it->request->verified)
		it->r = statement_verify(it->request, it->e);
}

static void
decide_nth(void *ctx, size_t i)
{
	struct deciding *d = ctx;
	struct keeper_item *it = &d->items[i];
	struct issue_result own;
	int r;

	if (it->r != 0 || it->again)
		return;
	issue_result_init(&own);
	it->r = decide(d, it, it->result != NULL ? it->result : &own, it->e);
	issue_result_clear(&own);
	if (it->r == 0 && (r = issue_leaf_encode(&it->leaf, &d->texts[i])) != 0)
		it->r = err_set(it->e, r, "certificate: %s", err_text(r));
}

/* --- leaves -------------------------------------------------------------- */

static int
add_statements(struct keeper *k, struct keeper_item *it,
    struct keeper_leaves *leaves, struct err *e)
{
	int r;

	if ((r = keeper_add_statement(k, it->request, leaves, e)) != 0)
		return r;
	for (size_t i = it->n_logged; i < it->n_decisions; i++) {
		const struct statement *s = it->decisions[i];

		if (standing_author(k->standing, k->trust->policy, s, NULL,
			NULL) != NULL &&
		    (r = keeper_add_statement(k, s, leaves, e)) != 0)
			return r;
	}
	return 0;
}

/* By serial, then in their order. */
static int
compare_twins(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	int by = u64_compare(&x[0], &y[0]);

	return by != 0 ? by : u64_compare(&x[1], &y[1]);
}

/* Two of one batch with one serial: the second waits for the log to know the
 * first. */
static int
refuse_twins(struct keeper_item *items, size_t n, struct err *e)
{
	uint64_t(*serials)[2];

	if (n < 2)
		return 0;
	if ((serials = calloc(n, sizeof(*serials))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		serials[i][0] = leaf_serial(&items[i].request->hash);
		serials[i][1] = i;
	}
	qsort(serials, n, sizeof(*serials), compare_twins);
	for (size_t i = 1; i < n; i++) {
		struct keeper_item *it = &items[serials[i][1]];

		if (serials[i][0] == serials[i - 1][0] && it->r == 0)
			it->r = err_set(it->e, ERR_EXISTS,
			    "the same request twice in one call");
	}
	free(serials);
	return 0;
}

static int
add_leaves(struct deciding *d, size_t n, struct keeper_leaves *leaves,
    struct err *e)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		struct keeper_item *it = &d->items[i];

		if (it->again)
			continue;
		if (it->record &&
		    (r = add_statements(d->k, it, leaves, e)) != 0)
			return r;
		if (it->r == 0 &&
		    (r = keeper_leaf_text(leaves, &d->texts[i], i)) != 0)
			return err_set(e, r, "certificate: %s", err_text(r));
	}
	return 0;
}

int
keeper_prepare(struct keeper *k, struct keeper_item *items, size_t n,
    int64_t now, const struct pubkey *user_ca, const struct pubkey *host_ca,
    struct keeper_leaves *leaves, struct err *e)
{
	struct deciding d = {.k = k,
	    .items = items,
	    .user_ca = user_ca,
	    .host_ca = host_ca,
	    .now = now,
	    .size = ledger_size(k->ledger)};
	int r;

	if (n > KEEPER_BATCH_MAX)
		return err_set(e, ERR_LIMIT, "more than %d requests at once",
		    KEEPER_BATCH_MAX);
	if ((r = refuse_twins(items, n, e)) != 0)
		return r;
	d.nonces = calloc(n + 1, sizeof(*d.nonces));
	d.texts = calloc(n + 1, sizeof(*d.texts));
	if (d.nonces == NULL || d.texts == NULL) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		str_init(&d.texts[i]);
	/* One call of the kernel for all: each costs as much as all the rest of
	 * a certificate but its signature. */
	random_bytes(d.nonces, n * sizeof(*d.nonces));
	parallel_for(n, verify_nth, items);
	for (size_t i = 0; i < n; i++)
		if (items[i].r == 0)
			items[i].r = look_up(k, &items[i], items[i].e);
	parallel_for(n, decide_nth, &d);
	r = add_leaves(&d, n, leaves, e);
	for (size_t i = 0; i < n; i++)
		str_clear(&d.texts[i]);
out:
	free(d.texts);
	free(d.nonces);
	return r;
}
