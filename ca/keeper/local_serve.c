/* SPDX-License-Identifier: ISC */
/* What a process that stays does besides: certificates that wait for the next
 * commit, acts, ticks. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local_impl.h"

/* --- certificates that are out -------------------------------------------- */

/*
 * They are logged a commit later than they leave, which saves an fdatasync a
 * batch: the leaf that lets a certificate leave is the one of what was to be
 * signed, and that one is durable.
 */
int
local_carry(struct local *l, const struct keeper_item *items,
    struct keeper_leaves *leaves, struct err *e)
{
	struct local_carried *c = l->carried;

	if (c == NULL && (c = l->carried = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < leaves->n_text; i++) {
		const struct statement *request =
		    items[leaves->item[i]].request;

		if (vec_grow(&c->text, c->n, &c->cap, LEDGER_BATCH_MAX) != 0 ||
		    vec_grow(&c->serials, c->n, &c->cap_serials,
			LEDGER_BATCH_MAX) != 0)
			return err_nomem(e);
		c->text[c->n] = leaves->text[i];
		c->serials[c->n++] = leaf_serial(&request->hash);
		str_init(&leaves->text[i]);
	}
	return 0;
}

bool
local_carries(const struct local *l, const struct keeper_item *items, size_t n)
{
	const struct local_carried *c = l->carried;

	for (size_t i = 0; i < n && c != NULL && c->n > 0; i++) {
		uint64_t serial = leaf_serial(&items[i].request->hash);

		for (size_t k = 0; k < c->n; k++)
			if (c->serials[k] == serial)
				return true;
	}
	return false;
}

void
local_carried_clear(struct local *l)
{
	struct local_carried *c = l->carried;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		str_clear(&c->text[i]);
	free(c->text);
	free(c->serials);
	memset(c, 0, sizeof(*c));
}

/* --- acts ----------------------------------------------------------------- */

static bool
is_among(const struct keeper_leaves *leaves, const struct statement *s)
{
	for (size_t i = 0; i < leaves->n; i++)
		if (leaves->v[i].p == s->bytes)
			return true;
	return false;
}

static int
commit_acts(struct local *l, const struct keeper_leaves *leaves, struct err *e)
{
	struct local_round q = {
	    .leaves = leaves->v, .n = leaves->n, .note = STR_INIT};
	uint64_t index;
	int r;

	if ((q.receipts = calloc(leaves->n, sizeof(*q.receipts))) == NULL)
		return err_nomem(e);
	if ((r = local_next_index(l, leaves->n, &index, e)) == 0)
		r = local_run(l, &q, e);
	free(q.receipts);
	return r;
}

int
local_apply(struct local *l, struct statement *s, struct statement **given,
    size_t n_given, struct err *e)
{
	const struct signatory *to = &l->signing;
	struct keeper_leaves leaves = {0};
	int verdict, r = 0;

	local_set_now(l);
	verdict = keeper_apply(l->keeper, s, given, n_given, &leaves, e);
	if (leaves.n > 0 && (r = commit_acts(l, &leaves, e)) != 0)
		goto out;
	/* In the order of the log: a host asks before it is accepted. */
	if (!standing_is_about_host(s->type) && is_among(&leaves, s))
		to->ops->act(to->ctx, s);
	for (size_t i = 0; i < n_given; i++)
		if (is_among(&leaves, given[i]))
			to->ops->act(to->ctx, given[i]);
	if (standing_is_about_host(s->type) && is_among(&leaves, s))
		to->ops->act(to->ctx, s);
out:
	keeper_leaves_clear(&leaves);
	return r != 0 ? r : verdict;
}

int
local_reach(struct local *l, struct err *e)
{
	const struct signatory *to = &l->signing;

	return to->ops->reach != NULL ? to->ops->reach(to->ctx, e) : 0;
}

/* --- the pulse ------------------------------------------------------------ */

int
local_tick(struct local *l, struct err *e)
{
	struct tick_leaf tick = {.realm = l->trust.realm};
	struct keeper_leaves leaves = {0};
	struct ledger_receipt receipt;
	struct str text = STR_INIT;
	struct slice bytes;
	int r;

	local_set_now(l);
	tick.at = l->now;
	tick.root_version = l->trust.root_version;
	tick.policy_version = l->trust.policy->version;
	if ((r = local_krl_version(l, &tick.krl_version, e)) != 0)
		goto out;
	if ((r = tick_leaf_encode(&tick, &text)) != 0) {
		(void)err_set(e, r, "tick: %s", err_text(r));
		goto out;
	}
	bytes = slice_of(text.p, text.n);
	leaves.v = &bytes;
	leaves.n = 1;
	r = local_commit(l, &leaves, &receipt, e);
out:
	str_clear(&text);
	return r;
}
