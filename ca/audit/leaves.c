/* SPDX-License-Identifier: ISC */
/*
 * The leaves, some thousand at a time: what each says for itself is checked on
 * all cores, what it means after those before it, in their order.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/across.h"
#include "ca/audit/audit_impl.h"
#include "ca/audit/past.h"
#include "lib/base/parallel.h"

/* --- each for itself ------------------------------------------------------ */

static int
verify_certificate(struct audit *a, struct audit_slot *s)
{
	const struct certificate_leaf *c = &s->leaf.u.c;
	const struct slice blob = slice_of(c->blob, c->blob_len);
	const struct policy *p = a->chain.trust.policy;
	const struct authority *ca;
	int r;

	if ((r = cert_parse(blob, &s->cert, &s->e)) != 0)
		return r;
	ca = p != NULL ? policy_authority_of_key(p, s->cert.ca) : NULL;
	return ca != NULL ? cert_verify_by(&s->cert, ca->key, blob, &s->e)
			  : cert_verify(&s->cert, blob, &s->e);
}

static void
look(void *ctx, size_t i)
{
	struct audit *a = ctx;
	struct audit_slot *s = &a->slots[i];

	merkle_leaf(s->bytes.p, s->bytes.n, &s->hash);
	leaf_classify(s->bytes, &s->tag, &s->name);
	s->old = s->index < a->since && !a->c->all && !s->again &&
	    !audit_is_lasting(s->tag);
	if (s->old && s->tag != LTAG_DECISION)
		return;
	s->r = leaf_parse("", s->bytes, &s->leaf, &s->e);
	if (s->r != 0 || s->old)
		return;
	if (s->leaf.kind == LEAF_STATEMENT)
		s->r = statement_verify(&s->leaf.u.s, &s->e);
	else if (s->leaf.kind == LEAF_CERTIFICATE)
		s->r = verify_certificate(a, s);
	s->parsed = s->r == 0;
}

void
audit_look(struct audit *a)
{
	parallel_for(a->n_slots, look, a);
}

/* --- statements in order ---------------------------------------------------
 */

static const struct policy *
policy_of(struct audit *a, uint64_t index)
{
	if (a->chain.trust.have)
		return a->chain.trust.policy;
	if (!a->no_policy_said)
		LEAF_FINDING(a, index, "policy",
		    "there is no policy in the log yet to judge it by; later "
		    "leaves are not judged until there is one");
	a->no_policy_said = true;
	return NULL;
}

static int
renew_leaf(struct audit *a, const struct policy *p, const struct audit_slot *s)
{
	const struct fleet_judge j = {
	    .policy = p, .realm = &a->c->realm, .standing = a->standing};
	const struct fleet_hosts *hosts = standing_hosts(a->standing);
	struct err why = {0};

	if (hosts == NULL)
		LEAF_FINDING(a, s->index, "author",
		    "is by a host, and none was accepted before");
	else if (fleet_hosts_renew(hosts, &j, &s->leaf.u.s, NULL, &why) != 0)
		LEAF_FINDING(a, s->index, "author",
		    "is by nobody who could say it: %s", why.msg);
	return 0;
}

/* The standing as it is now judges; a change is applied after what waits. */
static int
apply(struct audit *a, const struct policy *p, const struct audit_slot *s,
    struct err *e)
{
	const struct statement *st = &s->leaf.u.s;
	struct err why = {0}, idle = {0};
	bool known, moves = standing_is_act(st);
	int r;

	if (st->type == ST_RENEW)
		return renew_leaf(a, p, s);
	known = standing_author(a->standing, p, st, NULL, &why) != NULL;
	if (moves) {
		if ((r = audit_flush(a, e)) != 0)
			return r;
		r = standing_apply(a->standing, p, st, audit_owner, a, &idle);
		if (r < 0)
			return err_set(e, r, "leaf %llu: %s",
			    (unsigned long long)s->index, err_text(r));
		if (r == 0)
			a->changed = s->index + 1;
		else if (idle.code != ERR_WAIT && st->type != ST_DECISION)
			LEAF_FINDING(a, s->index, "standing",
			    "changes nothing and should not be there: %s",
			    idle.msg);
		/* Whose word about a host counts was looked at with it. */
		if (!known)
			known = standing_is_about_host(st->type) ||
			    standing_author(a->standing, p, st, NULL, NULL) !=
				NULL;
		audit_token_in_time(a, s);
	}
	if (!known)
		LEAF_FINDING(a, s->index, "author",
		    "is by nobody who could say it: %s", why.msg);
	return 0;
}

static int
note_denials(struct audit *a, const struct audit_slot *s)
{
	const struct decision *d = &s->leaf.u.s.u.d;
	int r = 0;

	if (d->approve)
		return 0;
	for (size_t i = 0; i < d->n_outcomes; i++)
		for (size_t j = 0; j < d->outcomes[i].n_requests && r == 0; j++)
			r = audit_table_add(&a->table, TABLE_DENIES,
			    audit_key(&d->outcomes[i].requests[j]), s->index);
	return r;
}

static int
krl_leaf(struct audit *a, const struct policy *p, const struct audit_slot *s,
    struct err *e)
{
	const struct statement *st = &s->leaf.u.s;
	const struct krl_statement *k = &st->u.krl;
	struct str text = STR_INIT;
	int r;

	if (strcmp(st->by, a->name) != 0 || !policy_signed_by_log(p, st))
		LEAF_FINDING(a, s->index, "krl",
		    "is not signed by the key of this log, '%s'", a->name);
	if (k->version <= a->last_krl)
		LEAF_FINDING(a, s->index, "krl",
		    "has version %llu after version %llu",
		    (unsigned long long)k->version,
		    (unsigned long long)a->last_krl);
	else
		a->last_krl = k->version;
	if (vec_grow(&a->refs, a->n_refs, &a->cap_refs, SIZE_MAX / 64) != 0)
		return err_nomem(e);
	a->refs[a->n_refs++] = k->file;
	r = audit_file(a, "krl", &k->file, BLOB_OBJECT_MAX, s->index, &text, e);
	if (r == 0 && text.n != k->size)
		LEAF_FINDING(a, s->index, "krl",
		    "says %llu bytes, its file has %zu",
		    (unsigned long long)k->size, text.n);
	str_clear(&text);
	return r < 0 ? r : 0;
}

static int
bundle_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	const struct statement *st = &s->leaf.u.s;
	int r;

	if ((r = audit_flush(a, e)) != 0)
		return r;
	if (st->type == ST_ROOT) {
		r = audit_chain_root(a, &a->chain, s->index, st, e);
		return r < 0 ? r : 0;
	}
	if ((r = audit_chain_policy(a, &a->chain, s->index, st, e)) != 0)
		return r < 0 ? r : 0;
	if (audit_keys_add(a, a->chain.trust.policy, s->index) != 0 ||
	    across_policy(a, s->index, st) != 0)
		return err_nomem(e);
	return 0;
}

int
audit_statement_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	const struct statement *st = &s->leaf.u.s;
	const struct policy *p;
	struct hash accept;
	const char *how;
	int r;

	a->counts.signatures += st->n_sigs;
	if (!hash_equal(&st->realm, &a->c->realm)) {
		LEAF_FINDING(a, s->index, "leaf", "is of another realm");
		return 0;
	}
	if (st->type == ST_ROOT || st->type == ST_POLICY)
		return bundle_leaf(a, s, e);
	if ((p = policy_of(a, s->index)) == NULL)
		return 0;
	if (st->type == ST_KRL)
		return krl_leaf(a, p, s, e);
	if (audit_is_of_fleet(st))
		return audit_fleet_leaf(a, s, e);
	if ((st->type == ST_DECISION && note_denials(a, s) != 0) ||
	    audit_host_act(a, st) != 0)
		return err_nomem(e);
	/* Afterwards a host that is forgotten is not there to be asked, and one
	   that nobody could end still is. */
	how = audit_host_ends(a, st, &accept);
	if ((r = apply(a, p, s, e)) == 0 && how != NULL &&
	    a->changed == s->index + 1 &&
	    across_ended(a, s->index, &accept, how) != 0)
		r = err_nomem(e);
	return r;
}

/* --- ticks -----------------------------------------------------------------
 */

static int
tick_leaf(struct audit *a, const struct audit_slot *s)
{
	const struct tick_leaf *t = &s->leaf.u.t;
	const struct trust *now = &a->chain.trust;

	if (!hash_equal(&t->realm, &a->c->realm))
		LEAF_FINDING(a, s->index, "leaf", "is of another realm");
	if (t->at < a->last_tick)
		LEAF_FINDING(a, s->index, "tick",
		    "is earlier than the tick before it");
	else if (a->last_tick != 0 && t->at - a->last_tick > AUDIT_TICK_LATE)
		LEAF_NOTICE(a, s->index, "tick",
		    "comes after %lld s of silence",
		    (long long)(t->at - a->last_tick));
	if (now->have &&
	    (t->root_version != now->root_version ||
		t->policy_version != now->policy->version))
		LEAF_FINDING(a, s->index, "tick",
		    "goes by policy version %llu, version %llu is in force",
		    (unsigned long long)t->policy_version,
		    (unsigned long long)now->policy->version);
	a->last_tick = t->at;
	across_tick_at(a, t->at);
	return audit_list_named(a, s, t->krl_version);
}

/* --- in order ---------------------------------------------------------------
 */

static int
old_leaf(struct audit *a, const struct audit_slot *s, struct err *e)
{
	if (s->tag == LTAG_ISSUE || s->tag == LTAG_CERTIFICATE)
		return audit_issue_note(a, s) != 0 ? err_nomem(e) : 0;
	if (s->tag == LTAG_DECISION && s->r == 0 &&
	    s->leaf.kind == LEAF_STATEMENT && s->leaf.u.s.type == ST_DECISION &&
	    note_denials(a, s) != 0)
		return err_nomem(e);
	if (s->tag == LTAG_REQUEST || s->tag == LTAG_DECISION ||
	    s->tag == LTAG_RENEW)
		return audit_register(a, s, e);
	return 0;
}

static int
judge(struct audit *a, const struct audit_slot *s, struct err *e)
{
	int r;

	if (s->r == ERR_NOMEM)
		return err_nomem(e);
	if (s->old)
		return old_leaf(a, s, e);
	if (s->r != 0) {
		/* leaf_parse() had no name to say. */
		LEAF_FINDING(a, s->index,
		    s->r == ERR_BADSIG ? "signature" : "leaf", "%s",
		    strncmp(s->e.msg, ": ", 2) == 0 ? s->e.msg + 2 : s->e.msg);
		return 0;
	}
	switch (s->leaf.kind) {
	case LEAF_STATEMENT:
		if ((r = audit_register(a, s, e)) != 0)
			return r;
		return audit_statement_leaf(a, s, e);
	case LEAF_ISSUE:
		return audit_issue_leaf(a, s, e);
	case LEAF_CERTIFICATE:
		a->counts.signatures++;
		return audit_certificate_leaf(a, s, e);
	case LEAF_TICK:
		return tick_leaf(a, s) != 0 ? err_nomem(e) : 0;
	}
	return 0;
}

static int
in_order(struct audit *a, const struct audit_slot *s, struct err *e)
{
	bool closes = across_is_open(a);
	int r = judge(a, s, e);

	/* With a finding no state is kept, whatever is in it. */
	if (r != 0 || s->r != 0 || s->old)
		return r;
	return past_keep(a, s, closes) != 0 ? err_nomem(e) : 0;
}

/* --- chunks ----------------------------------------------------------------
 */

static int
read_chunk(struct audit *a, uint64_t block, struct err *e)
{
	uint64_t end = (a->head.size + TILE_WIDTH - 1) / TILE_WIDTH;
	size_t bytes = 0;
	int r = 0;

	a->n_blocks = 0;
	a->n_slots = 0;
	while (a->n_blocks < CHUNK_BLOCKS && block < end &&
	    bytes < CHUNK_BYTES) {
		struct audit_block *b = &a->blocks[a->n_blocks++];

		b->index = block++;
		if ((r = audit_block_load(a, b, e)) != 0)
			return r;
		bytes += b->n_entries;
		b->first_slot = a->n_slots;
		for (unsigned i = 0; i < b->n_leaves; i++) {
			struct audit_slot *s = &a->slots[a->n_slots++];

			memset(s, 0, sizeof(*s));
			cert_init(&s->cert);
			s->index = b->index * TILE_WIDTH + i;
			s->bytes = b->leaf[i];
		}
	}
	return 0;
}

void
audit_chunk_clear(struct audit *a)
{
	for (size_t i = 0; i < a->n_slots; i++) {
		leaf_clear(&a->slots[i].leaf);
		cert_clear(&a->slots[i].cert);
	}
	for (size_t i = 0; i < a->n_blocks; i++)
		audit_block_clear(&a->blocks[i]);
	a->n_slots = a->n_blocks = 0;
	audit_pool_clear(a);
}

/* *stop: a block of which nothing is left; what follows cannot be placed. */
static int
walk_chunk(struct audit *a, uint64_t block, bool *stop, struct err *e)
{
	int r;

	if ((r = read_chunk(a, block, e)) != 0)
		return r;
	audit_look(a);
	for (size_t i = 0; i < a->n_blocks && !*stop; i++) {
		struct audit_block *b = &a->blocks[i];

		for (unsigned j = 0; j < b->n_leaves; j++)
			b->e[j] = a->slots[b->first_slot + j].hash;
		if ((r = audit_block_take(a, b, e)) < 0)
			return r;
		*stop = r == 1;
		a->walked += *stop ? 0 : b->width;
	}
	for (size_t i = 0; i < a->n_slots; i++)
		if ((r = in_order(a, &a->slots[i], e)) != 0)
			return r;
	if ((r = audit_flush(a, e)) != 0)
		return r;
	return audit_compare_records(a, e);
}

int
audit_walk(struct audit *a, struct err *e)
{
	bool stop = false;
	int r;

	a->blocks = calloc(CHUNK_BLOCKS, sizeof(*a->blocks));
	a->slots = calloc(CHUNK_LEAVES, sizeof(*a->slots));
	if (a->blocks == NULL || a->slots == NULL)
		return err_nomem(e);
	a->source.store = a->store;
	a->source.size = a->head.size;
	audit_heads_pass(a, &a->edge_e, NULL, 0, false);
	audit_heads_pass(a, &a->edge_t, NULL, 0, true);
	if ((r = past_resume(a, e)) != 0)
		return r;
	for (uint64_t block = a->resumed / TILE_WIDTH;
	     block * TILE_WIDTH < a->head.size && !stop && r == 0;) {
		r = walk_chunk(a, block, &stop, e);
		block += a->n_blocks;
		audit_chunk_clear(a);
	}
	if (stop)
		finding_add(a->r, a->label, STAGE_TREE, "missing", false, NULL,
		    a->walked,
		    "is not there, nor is its hash: nothing from "
		    "here on was compared");
	if (r == 0 && a->last_tick != 0 && a->c->now != 0 &&
	    a->c->now - a->last_tick > AUDIT_TICK_LATE)
		finding_add(a->r, a->label, STAGE_LEAF, "tick", true, NULL,
		    AUDIT_NO_INDEX, "the last tick is %lld s old",
		    (long long)(a->c->now - a->last_tick));
	a->counts.leaves = a->walked;
	return r;
}
