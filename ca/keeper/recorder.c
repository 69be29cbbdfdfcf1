/* SPDX-License-Identifier: ISC */
#include "ca/keeper/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/keeper.h"
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
	for (size_t i = 0; r->made != NULL && i < RECORDER_MADE; i++)
		if (r->made[i].tag != 0)
			str_clear(&r->made[i].text);
	free(r->made);
	r->made = NULL;
	r->n_made = 0;
	r->ledger = NULL;
}

/* --- what was made before ------------------------------------------------- */

/* Where it is, or the free place where it would be. */
static struct recorder_made *
place_of(struct recorder *r, uint8_t tag, uint64_t serial)
{
	size_t i = (size_t)(serial * 2 + (tag == LTAG_ISSUE)) % RECORDER_MADE;

	while (r->made[i].tag != 0 &&
	    (r->made[i].tag != tag || r->made[i].serial != serial))
		i = (i + 1) % RECORDER_MADE;
	return &r->made[i];
}

/* Those behind it that a free place would hide move up. */
static void
close_gap(struct recorder *r, struct recorder_made *gone)
{
	size_t i = (size_t)(gone - r->made);

	memset(gone, 0, sizeof(*gone));
	r->n_made--;
	for (i = (i + 1) % RECORDER_MADE; r->made[i].tag != 0;
	     i = (i + 1) % RECORDER_MADE) {
		struct recorder_made m = r->made[i];

		memset(&r->made[i], 0, sizeof(r->made[i]));
		*place_of(r, m.tag, m.serial) = m;
	}
}

void
recorder_keep(struct recorder *r, uint8_t tag, uint64_t serial,
    const char *path, struct str *text)
{
	struct recorder_made *m;

	if (r->made == NULL)
		r->made = calloc(RECORDER_MADE, sizeof(*r->made));
	if (r->made == NULL || str_check(text) != 0 ||
	    r->n_made >= RECORDER_MADE / 2) {
		str_clear(text);
		return;
	}
	m = place_of(r, tag, serial);
	if (m->tag == 0)
		r->n_made++;
	else
		str_clear(&m->text);
	*m = (struct recorder_made){.serial = serial, .tag = tag};
	(void)snprintf(m->path, sizeof(m->path), "%s", path);
	m->text = *text;
	str_init(text);
}

/* It is put once: who puts it a second time makes it from the log. */
static bool
take_made(struct recorder *r, uint8_t tag, uint64_t serial,
    struct recorder_made *out)
{
	struct recorder_made *m;

	if (r->n_made == 0 || (m = place_of(r, tag, serial))->tag == 0)
		return false;
	*out = *m;
	close_gap(r, m);
	return true;
}

static int
compare_serials(const void *a, const void *b)
{
	const struct recorder_hand *x = a, *y = b;

	return u64_compare(&x->serial, &y->serial);
}

void
recorder_at_hand(struct recorder *r, struct recorder_hand *v, size_t n)
{
	if (n > 0)
		qsort(v, n, sizeof(*v), compare_serials);
	r->at_hand = v;
	r->n_at_hand = n;
}

/* Of that serial, or NULL. */
static const struct recorder_hand *
find_at_hand(const struct recorder *r, uint64_t serial)
{
	size_t lo = 0, hi = r->n_at_hand;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->at_hand[mid].serial == serial)
			return &r->at_hand[mid];
		if (r->at_hand[mid].serial < serial)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A statement that a leaf names must be there: it was logged before. */
static int
not_there(struct err *e)
{
	return err_set(e, ERR_CORRUPT,
	    "a statement that the log issued on is not in the log");
}

/* What the certificate of a host stands on. */
static int
host_statement(struct recorder *r, const struct hash *h, struct leaf *out,
    struct err *e)
{
	static const uint8_t tags[] = {LTAG_ACCEPT, LTAG_RENAME, LTAG_TOKEN};
	uint64_t index;
	int ret = 1;

	for (size_t i = 0; i < sizeof(tags) && ret == 1; i++)
		ret = keeper_find_statement(r->ledger, tags[i], h, out, &index,
		    e);
	return ret == 1 ? not_there(e) : ret;
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
		ret = keeper_find_statement(r->ledger, LTAG_KEY_DECISION, h,
		    &leaf, &index, e);
	if (ret == 1)
		ret = host_statement(r, h, &leaf, e);
	if (ret != 0) {
		leaf_clear(&leaf);
		return ret;
	}
	r->kept[r->n_kept] = leaf;
	*out = &r->kept[r->n_kept++].u.s;
	return 0;
}

static int
put_record_of(uint64_t index, const struct issue_leaf *l,
    const struct statement *asked, const struct statement *const *decisions,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	struct str text = STR_INIT;
	char path[ISSUE_PATH_MAX];
	int ret;

	ret = issue_record(l, index, asked, decisions, l->n_decisions, &text,
	    path, e);
	if (ret == 0)
		ret = put(pctx, path, slice_of(text.p, text.n),
		    "application/json");
	str_clear(&text);
	return ret;
}

static int
put_record(struct recorder *r, uint64_t index, const struct issue_leaf *l,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	const struct statement *decisions[RECORDER_KEPT];
	struct leaf request;
	uint64_t index_of;
	int ret;

	leaf_init(&request);
	if (l->n_decisions > RECORDER_KEPT)
		return err_set(e, ERR_LIMIT, "more than %d decisions count",
		    RECORDER_KEPT);
	/* What this record borrows must stay until it is written. */
	if (r->n_kept + l->n_decisions > RECORDER_KEPT)
		forget(r);
	ret =
	    keeper_find_request(r->ledger, &l->request, &request, &index_of, e);
	if (ret != 0) {
		ret = ret == 1 ? not_there(e) : ret;
		goto out;
	}
	for (size_t i = 0; i < l->n_decisions; i++)
		if ((ret = decision(r, &l->decisions[i], &decisions[i], e)) !=
		    0)
			goto out;
	ret = put_record_of(index, l, &request.u.s, decisions, put, pctx, e);
out:
	leaf_clear(&request);
	return ret;
}

int
recorder_ahead(void *range,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	const struct recorder_range *g = range;
	const struct recorder *r = g->recorder;
	int ret = 0;

	for (size_t i = 0; i < r->n_at_hand && ret == 0; i++) {
		const struct recorder_hand *h = &r->at_hand[i];

		if (h->index >= g->from && h->index < g->to)
			ret = put_record_of(h->index, h->leaf, h->request,
			    h->decisions, put, pctx, e);
	}
	return ret;
}

static int
put_certificate(struct slice blob,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	struct str text = STR_INIT;
	char path[ISSUE_PATH_MAX];
	struct cert c;
	int ret;

	cert_init(&c);
	if ((ret = cert_parse(blob, &c, e)) != 0 ||
	    (ret = cert_add_line(&text, blob, c.key_id)) != 0)
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

static int
put_hand(const struct recorder_hand *h, uint8_t tag, uint64_t index,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e)
{
	char path[ISSUE_PATH_MAX];

	if (tag == LTAG_ISSUE)
		return put_record_of(index, h->leaf, h->request, h->decisions,
		    put, pctx, e);
	issue_record_path(h->valid_after, h->serial, "-cert.pub", path);
	return put(pctx, path, h->line, "text/plain");
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
	const struct recorder_hand *hand;
	struct recorder_made made;
	struct leaf leaf;
	uint64_t serial;
	uint8_t tag;
	int ret;

	if ((tag = leaf_serial_of(bytes, &serial)) == LTAG_OTHER)
		return 0;
	if (take_made(r, tag, serial, &made)) {
		ret = put(pctx, made.path, slice_of(made.text.p, made.text.n),
		    tag == LTAG_ISSUE ? "application/json" : "text/plain");
		str_clear(&made.text);
		return ret;
	}
	if ((hand = find_at_hand(r, serial)) != NULL)
		return put_hand(hand, tag, index, put, pctx, e);
	leaf_init(&leaf);
	if ((ret = leaf_parse("leaf", bytes, &leaf, e)) == 0)
		ret = leaf.kind == LEAF_ISSUE
		    ? put_record(r, index, &leaf.u.i, put, pctx, e)
		    : put_certificate(slice_of(leaf.u.c.blob,
					  leaf.u.c.blob_len),
			  put, pctx, e);
	leaf_clear(&leaf);
	return ret;
}
