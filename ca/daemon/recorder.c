/* SPDX-License-Identifier: ISC */
#include "ca/daemon/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "ca/daemon/keeper.h"
#include "ca/issue/issue.h"

static void
forget(struct recorder *r)
{
	while (r->n_kept > 0)
		leaf_clear(&r->kept[--r->n_kept]);
}

void
recorder_clear(struct recorder *r)
{
	forget(r);
	r->ledger = NULL;
}

static int
compare_hashes(const void *a, const void *b)
{
	const struct statement *const *x = a, *const *y = b;

	return memcmp((*x)->hash.b, (*y)->hash.b, HASH_LEN);
}

void
recorder_at_hand(struct recorder *r, const struct statement **v, size_t n)
{
	if (n > 0)
		qsort(v, n, sizeof(*v), compare_hashes);
	r->at_hand = v;
	r->n_at_hand = n;
}

/* A statement that a leaf names must be there: it was logged before. */
static int
must_find(struct recorder *r, uint8_t tag, const struct hash *h,
    struct leaf *out, struct err *e)
{
	uint64_t index;
	int ret = keeper_find_statement(r->ledger, tag, h, out, &index, e);

	if (ret == 1)
		return err_set(e, ERR_CORRUPT,
		    "a statement that the log issued on is not in the log");
	return ret;
}

static int
decision(struct recorder *r, const struct hash *h, const struct statement **out,
    struct err *e)
{
	struct leaf leaf;
	uint64_t index;
	int ret;

	for (size_t i = 0; i < r->n_kept; i++)
		if (hash_equal(&r->kept[i].u.s.hash, h)) {
			*out = &r->kept[i].u.s;
			return 0;
		}
	leaf_init(&leaf);
	ret = keeper_find_statement(r->ledger, LTAG_DECISION, h, &leaf, &index,
	    e);
	if (ret == 1)
		ret = must_find(r, LTAG_KEY_DECISION, h, &leaf, e);
	if (ret != 0) {
		leaf_clear(&leaf);
		return ret;
	}
	r->kept[r->n_kept] = leaf;
	*out = &r->kept[r->n_kept++].u.s;
	return 0;
}

/* The request, of those at hand or read into room. */
static int
request(struct recorder *r, const struct hash *h, struct leaf *room,
    const struct statement **out, struct err *e)
{
	const struct statement key = {.hash = *h}, *k = &key, **at = NULL;
	int ret;

	if (r->n_at_hand > 0)
		at = bsearch(&k, r->at_hand, r->n_at_hand, sizeof(*r->at_hand),
		    compare_hashes);
	if (at != NULL) {
		*out = *at;
		return 0;
	}
	if ((ret = must_find(r, LTAG_REQUEST, h, room, e)) != 0)
		return ret;
	*out = &room->u.s;
	return 0;
}

static int
put_record(struct recorder *r, uint64_t index, const struct issue_leaf *l,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	const struct statement *asked, *decisions[RECORDER_KEPT];
	struct str text = STR_INIT;
	char path[ISSUE_PATH_MAX];
	struct leaf room;
	struct cert c;
	int ret;

	leaf_init(&room);
	cert_init(&c);
	if (l->n_decisions > RECORDER_KEPT)
		return err_set(e, ERR_LIMIT, "more than %d decisions count",
		    RECORDER_KEPT);
	/* What this record borrows must stay until it is written. */
	if (r->n_kept + l->n_decisions > RECORDER_KEPT)
		forget(r);
	if ((ret = request(r, &l->request, &room, &asked, e)) != 0)
		goto out;
	for (size_t i = 0; i < l->n_decisions; i++)
		if ((ret = decision(r, &l->decisions[i], &decisions[i], e)) !=
		    0)
			goto out;
	if ((ret = cert_parse_tbs(slice_of(l->tbs, l->tbs_len), &c, e)) != 0 ||
	    (ret = issue_record(l, index, asked, decisions, l->n_decisions,
		 &text, e)) != 0)
		goto out;
	issue_record_path(c.valid_after, c.serial, ".json", path);
	ret = put(pctx, path, slice_of(text.p, text.n), "application/json");
out:
	cert_clear(&c);
	leaf_clear(&room);
	str_clear(&text);
	return ret;
}

static int
put_certificate(const struct certificate_leaf *l,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	struct str text = STR_INIT;
	char path[ISSUE_PATH_MAX];
	struct cert c;
	int ret;

	cert_init(&c);
	if ((ret = cert_parse(slice_of(l->blob, l->blob_len), &c, e)) != 0 ||
	    (ret = cert_add_line(&text, slice_of(l->blob, l->blob_len),
		 c.key_id)) != 0)
		goto out;
	str_addc(&text, '\n');
	issue_record_path(c.valid_after, c.serial, "-cert.pub", path);
	if ((ret = str_check(&text)) == 0)
		ret = put(pctx, path, slice_of(text.p, text.n), "text/plain");
out:
	cert_clear(&c);
	str_clear(&text);
	return ret;
}

void
recorder_opened(void *ctx, struct ledger *l)
{
	struct recorder *r = ctx;

	r->ledger = l;
}

int
recorder_objects(void *ctx, uint64_t index, struct slice bytes,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	struct recorder *r = ctx;
	struct leaf leaf;
	struct hash name;
	uint8_t tag;
	int ret;

	leaf_classify(bytes, &tag, &name);
	if (tag != LTAG_ISSUE && tag != LTAG_CERTIFICATE)
		return 0;
	leaf_init(&leaf);
	if ((ret = leaf_parse("leaf", bytes, &leaf, e)) == 0)
		ret = leaf.kind == LEAF_ISSUE
		    ? put_record(r, index, &leaf.u.i, put, pctx, e)
		    : put_certificate(&leaf.u.c, put, pctx, e);
	leaf_clear(&leaf);
	return ret;
}
