/* SPDX-License-Identifier: ISC */
/* A log for lists, samples and proofs: the head is checked, leaves are read. */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "ca/audit/revoked.h"
#include "ca/issue/issue.h"

void
audit_log_close(struct audit_log *l)
{
	if (l == NULL)
		return;
	audit_source_clear(&l->source);
	audit_table_clear(&l->table);
	for (size_t i = 0; i < AUDIT_KEPT; i++)
		if (l->kept[i].is)
			statement_clear(&l->kept[i].s);
	blob_close(l->store);
	free(l->note);
	free(l->name);
	free(l);
}

const struct checkpoint *
audit_log_head(const struct audit_log *l)
{
	return &l->head;
}

const char *
audit_log_name(const struct audit_log *l)
{
	return l->name;
}

/* Which of the policy's logs signed this? */
static int
open_note(struct audit_log *l, const struct hash *realm,
    const struct policy *policy, struct err *e)
{
	struct slice note = slice_of(l->note, l->n_note);
	struct err why = {0};
	int r = ERR_BADSIG;

	for (size_t i = 0; i < policy->logs.n && r != 0; i++) {
		const char *name = policy->logs.v[i];
		const struct authority *a = policy_authority(policy, name);
		const uint8_t *pk = a != NULL ? pubkey_ed25519(a->key) : NULL;
		char origin[ORIGIN_MAX], log[POLICY_NAME_MAX + 1];

		policy_log_of_key(name, log);
		if (pk == NULL || log_origin(realm, log, origin) != 0)
			continue;
		/* What is said about the log it is of says most. */
		if (strncmp((const char *)note.p, origin,
			note.n < strlen(origin) ? note.n : strlen(origin)) != 0)
			continue;
		r = checkpoint_open(note, origin, pk, &l->head, &why);
		if (r == 0 && (l->name = str_dup(log)) == NULL)
			return err_nomem(e);
	}
	if (r == ERR_NOMEM)
		return err_nomem(e);
	/* A log that is damaged, and no input of whoever asks. */
	if (r != 0)
		return err_set(e, ERR_CORRUPT, "checkpoint in %s: %s",
		    blob_url(l->store),
		    why.msg[0] != '\0' ? why.msg
				       : "is of no log of this policy");
	return 0;
}

int
audit_log_open(const char *url, const struct blob_config *blob,
    const struct hash *realm, const struct policy *policy,
    struct audit_log **out, struct err *e)
{
	struct audit_log *l;
	int r;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return err_nomem(e);
	if ((r = blob_open(url, blob, &l->store, e)) != 0)
		goto out;
	r = audit_of_store(blob_get(l->store, "checkpoint", NOTE_MAX, &l->note,
	    &l->n_note, e));
	if (r != 0 || (r = open_note(l, realm, policy, e)) != 0)
		goto out;
	l->source.store = l->store;
	l->source.size = l->head.size;
	*out = l;
	l = NULL;
out:
	audit_log_close(l);
	return r;
}

/* --- certificates -----------------------------------------------------------
 */

/* What was asked by (request NULL), or what counts about that, by its hash; what
 * the index has is compared in full. */
static int
find_statement(struct audit_log *l, const struct statement *request,
    const struct hash *h, uint64_t before, struct statement *out,
    uint64_t *index, struct err *e)
{
	size_t cursor = 0;
	struct slice bytes;
	uint64_t at;
	int r;

	while (audit_table_next(&l->table, TABLE_STATEMENT, audit_key(h),
	    &cursor, &at)) {
		if (at >= before)
			continue;
		if ((r = audit_source_leaf(&l->source, at, &bytes, e)) != 0 ||
		    (r = statement_parse("statement", bytes, out, e)) != 0)
			return r;
		if (hash_equal(&out->hash, h) &&
		    (request == NULL ? issue_is_request(out)
				     : issue_may_count(request, out))) {
			*index = at;
			return 0;
		}
		statement_clear(out);
	}
	return err_set(e, ERR_CORRUPT,
	    "a %s that it names is not in the log before it",
	    request == NULL ? "request" : "decision");
}

static const struct audit_kept *
find_kept(const struct audit_log *l, const struct statement *request,
    const struct hash *h, uint64_t before)
{
	for (size_t i = 0; i < AUDIT_KEPT; i++) {
		const struct audit_kept *k = &l->kept[i];

		if (k->is && k->index < before && hash_equal(&k->s.hash, h) &&
		    issue_may_count(request, &k->s))
			return k;
	}
	return NULL;
}

/* Takes s, which nobody looks at any more. */
static void
keep(struct audit_log *l, struct statement *s, uint64_t index)
{
	struct audit_kept *k = &l->kept[l->n_kept++ % AUDIT_KEPT];

	if (k->is)
		statement_clear(&k->s);
	*k = (struct audit_kept){.s = *s, .index = index, .is = true};
	statement_init(s, ST_DECISION);
}

/* own is where it is parsed to, unless it is kept. */
static int
find_decision(struct audit_log *l, const struct statement *request,
    const struct hash *h, uint64_t before, struct statement *own,
    const struct statement **out, uint64_t *index, struct err *e)
{
	const struct audit_kept *k = find_kept(l, request, h, before);

	statement_init(own, ST_DECISION);
	*out = k != NULL ? &k->s : own;
	if (k == NULL)
		return find_statement(l, request, h, before, own, index, e);
	*index = k->index;
	return 0;
}

static int
show_issue(struct audit_log *l, uint64_t index, const struct issue_leaf *i,
    int (*each)(void *ctx, const struct audit_certificate *c), void *ctx,
    struct err *e)
{
	struct statement request, *decisions = NULL;
	const struct statement **list = NULL;
	uint64_t *indexes = NULL, at = 0;
	struct cert cert;
	size_t n = 0;
	int r;

	statement_init(&request, ST_REQUEST);
	cert_init(&cert);
	decisions = calloc(i->n_decisions + 1, sizeof(*decisions));
	list = calloc(i->n_decisions + 1, sizeof(*list));
	indexes = calloc(i->n_decisions + 1, sizeof(*indexes));
	if (decisions == NULL || list == NULL || indexes == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = find_statement(l, NULL, &i->request, index, &request, &at,
		 e)) != 0 ||
	    (r = cert_parse_tbs(slice_of(i->tbs, i->tbs_len), &cert, e)) != 0)
		goto out;
	for (; n < i->n_decisions; n++)
		if ((r = find_decision(l, &request, &i->decisions[n], index,
			 &decisions[n], &list[n], &indexes[n], e)) != 0)
			goto out;
	r = each(ctx,
	    &(struct audit_certificate){.index = index,
		.leaf = i,
		.cert = &cert,
		.request = &request,
		.decisions = list,
		.n_decisions = n,
		.request_index = at,
		.decision_indexes = indexes});
	for (size_t j = 0; j < n; j++)
		if (list[j] == &decisions[j])
			keep(l, &decisions[j], indexes[j]);
out:
	for (size_t j = 0; decisions != NULL && j <= i->n_decisions; j++)
		statement_clear(&decisions[j]);
	free(decisions);
	free(list);
	free(indexes);
	statement_clear(&request);
	cert_clear(&cert);
	return r;
}

struct showing {
	struct audit_log *l;
	const struct audit_select *of; /* NULL: all */
	int (*each)(void *ctx, const struct audit_certificate *c);
	void *ctx;
};

static bool
has_serial(const struct audit_select *of, struct slice bytes)
{
	uint64_t serial;

	return of->n_serials > 0 &&
	    leaf_serial_of(bytes, &serial) == LTAG_ISSUE &&
	    bsearch(&serial, of->serials, of->n_serials, sizeof(serial),
		u64_compare) != NULL;
}

/* A certificate that cannot be read is shown, so that it is found. */
static int
is_since(const struct audit_select *of, const struct issue_leaf *i, bool *is)
{
	struct cert cert;
	int r;

	cert_init(&cert);
	r = cert_parse_tbs(slice_of(i->tbs, i->tbs_len), &cert, NULL);
	*is = r != 0 ||
	    cert.valid_after >= (uint64_t)(of->since > 0 ? of->since : 0);
	cert_clear(&cert);
	return r == ERR_NOMEM ? r : 0;
}

static int
show_if_wanted(struct showing *s, uint64_t index, struct slice bytes,
    struct err *e)
{
	bool wanted = s->of == NULL || has_serial(s->of, bytes);
	struct leaf leaf;
	int r;

	if (!wanted && s->of->since == INT64_MAX)
		return 0;
	leaf_init(&leaf);
	if ((r = leaf_parse("certificate", bytes, &leaf, e)) == 0 && !wanted &&
	    is_since(s->of, &leaf.u.i, &wanted) != 0)
		r = err_nomem(e);
	if (r == 0 && wanted)
		r = show_issue(s->l, index, &leaf.u.i, s->each, s->ctx, e);
	leaf_clear(&leaf);
	return r;
}

static int
show_leaf(struct showing *s, uint64_t index, struct err *e)
{
	struct audit_log *l = s->l;
	struct slice bytes;
	struct hash name;
	uint8_t tag;
	int r;

	if ((r = audit_source_leaf(&l->source, index, &bytes, e)) != 0)
		return r;
	leaf_classify(bytes, &tag, &name);
	if (tag == LTAG_REQUEST || tag == LTAG_DECISION ||
	    tag == LTAG_KEY_DECISION || tag == LTAG_RENEW ||
	    tag == LTAG_ACCEPT || tag == LTAG_RENAME || tag == LTAG_TOKEN)
		return audit_table_add(&l->table, TABLE_STATEMENT,
			   audit_key(&name), index) != 0
		    ? err_nomem(e)
		    : 0;
	if (tag == LTAG_REVOKE && s->of != NULL && s->of->revoked != NULL)
		return revocations_add(s->of->revoked, bytes, index, l->name,
		    e);
	return tag == LTAG_ISSUE ? show_if_wanted(s, index, bytes, e) : 0;
}

int
audit_log_select(struct audit_log *l, const struct audit_select *of,
    int (*each)(void *ctx, const struct audit_certificate *c), void *ctx,
    struct err *e)
{
	struct showing s = {l, of, each, ctx};
	int r = 0;

	audit_table_clear(&l->table);
	for (uint64_t i = 0; i < l->head.size && r == 0; i++) {
		r = show_leaf(&s, i, e);
		if (r < 0)
			err_prefix(e, "leaf %llu", (unsigned long long)i);
	}
	return r;
}

int
audit_log_each(struct audit_log *l,
    int (*each)(void *ctx, const struct audit_certificate *c), void *ctx,
    struct err *e)
{
	return audit_log_select(l, NULL, each, ctx, e);
}

int
audit_log_has(struct audit_log *l, const char *key, struct err *e)
{
	return audit_of_store(blob_exists(l->store, key, e));
}

int
audit_log_find(struct audit_log *l, uint64_t serial, uint64_t *index,
    struct err *e)
{
	struct hash want, name;
	struct slice bytes;
	uint8_t tag;
	int r;

	leaf_serial_name(serial, &want);
	for (uint64_t i = 0; i < l->head.size; i++) {
		if ((r = audit_source_leaf(&l->source, i, &bytes, e)) != 0)
			return r;
		leaf_classify(bytes, &tag, &name);
		if (tag == LTAG_ISSUE && hash_equal(&name, &want)) {
			*index = i;
			return 0;
		}
	}
	return err_set(e, ERR_NOTFOUND,
	    "no certificate with serial %llu in the %llu %s of %s",
	    (unsigned long long)serial, (unsigned long long)l->head.size,
	    LEAVES(l->head.size), blob_url(l->store));
}

/* --- proofs ------------------------------------------------------------------
 */

/* A subtree of 2^level leaves, from the hash tile of its level or the one
 * below. */
static int
get_subtree(void *ctx, unsigned level, uint64_t index, struct hash *out,
    struct err *e)
{
	struct audit_log *l = ctx;
	struct merkle_edge m = {.size = 0};
	struct tile t = {.level = level / 8};
	unsigned count = 1u << (level % 8), at;
	uint64_t first = index << (level % 8);
	char path[TILE_PATH_MAX];
	uint8_t *bytes = NULL;
	struct hash h;
	size_t n;
	int r;

	t.index = first / TILE_WIDTH;
	t.width = tile_width(t.level, t.index, l->head.size);
	at = (unsigned)(first % TILE_WIDTH);
	tile_path(&t, path);
	r = audit_of_store(blob_get(l->store, path, TILE_BYTES, &bytes, &n, e));
	if (r == ERR_NOTFOUND && t.width < TILE_WIDTH) {
		t.width = TILE_WIDTH;
		tile_path(&t, path);
		r = audit_of_store(blob_get(l->store, path, TILE_BYTES, &bytes,
		    &n, e));
	}
	if (r != 0)
		return r;
	if ((size_t)(at + count) * HASH_LEN > n) {
		free(bytes);
		return err_set(e, ERR_CORRUPT, "%s is too short", path);
	}
	for (unsigned i = 0; i < count; i++) {
		memcpy(h.b, bytes + (at + i) * HASH_LEN, HASH_LEN);
		merkle_append(&m, &h);
	}
	merkle_root(&m, out);
	free(bytes);
	return 0;
}

int
audit_log_prove(struct audit_log *l, uint64_t index, struct str *out,
    struct err *e)
{
	const struct merkle_source source = {get_subtree, l};
	struct hash proof[MERKLE_PROOF_MAX], leaf;
	struct slice bytes;
	size_t n;
	int r;

	if ((r = audit_source_leaf(&l->source, index, &bytes, e)) != 0)
		return r;
	merkle_leaf(bytes.p, bytes.n, &leaf);
	if ((r = merkle_prove_inclusion(&source, index, l->head.size, proof, &n,
		 e)) != 0)
		return r;
	if (merkle_check_inclusion(&leaf, index, l->head.size, proof, n,
		&l->head.root) != 0)
		return err_set(e, ERR_CORRUPT,
		    "the tiles do not prove leaf %llu under the checkpoint of "
		    "%llu %s; run writ audit verify",
		    (unsigned long long)index, (unsigned long long)l->head.size,
		    LEAVES(l->head.size));
	r = tlog_proof_encode(index, proof, n, slice_of(l->note, l->n_note),
	    out);
	return r != 0 ? err_set(e, r, "proof: %s", err_text(r)) : 0;
}
