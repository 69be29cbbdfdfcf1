/* SPDX-License-Identifier: ISC */
/*
 * A log that goes on while it is audited.  Its writer puts tiles and records
 * first and the checkpoint last, so that some lie there which no checkpoint knows
 * yet, and looks the same as what somebody has put there: for the checkpoint is
 * waited, a while, and it has to know them.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/audit/audit_impl.h"
#include "lib/base/clock.h"

#define LOOK_EVERY 100 /* milliseconds */
#define LATER_MAX  (SIZE_MAX / 64)

static bool
is_time(int64_t until)
{
	if (clock_mono_ms() >= until)
		return true;
	(void)usleep(LOOK_EVERY * 1000);
	return false;
}

static uint64_t
size_by_now(const struct audit *a)
{
	return a->grown > a->head.size ? a->grown : a->head.size;
}

/* --- tiles and heads ------------------------------------------------------ */

static bool
has_a_head(const struct audit *a)
{
	uint64_t size = size_by_now(a);

	for (size_t i = 0; i < a->n_heads; i++)
		if (a->heads[i].claim.size > size)
			return false;
	for (size_t i = 0; i < a->n_tiles; i++) {
		const struct tile_seen *s = &a->tiles[i];

		if (s->width > tile_width(s->level, s->index, size))
			return false;
	}
	return true;
}

int
audit_wait_for_head(struct audit *a, struct err *e)
{
	int64_t until = clock_mono_ms() + a->c->patience;
	int r;

	while ((r = audit_heads_grown(a, e)) == 0 && !has_a_head(a))
		if (is_time(until))
			break;
	return r;
}

void
audit_tell_grown(struct audit *a)
{
	if (a->grown != 0)
		finding_add(a->r, a->label, STAGE_HEAD, "grown", true,
		    "checkpoint", AUDIT_NO_INDEX,
		    "has %llu %s by now; this is about the first %llu",
		    (unsigned long long)a->grown, LEAVES(a->grown),
		    (unsigned long long)a->head.size);
}

/* --- records -------------------------------------------------------------- */

/* Of one bundle, the certificates that came after the head: what is true of them
 * the next audit finds. */
static int
add_bundle(struct audit *a, uint64_t block, struct slice bundle, unsigned width)
{
	struct slice leaf[TILE_WIDTH];
	size_t used;
	unsigned n = audit_split(bundle, width, leaf, &used);

	for (unsigned i = 0; i < n; i++) {
		struct hash name;
		uint8_t tag;

		if (block * TILE_WIDTH + i < a->head.size)
			continue;
		leaf_classify(leaf[i], &tag, &name);
		if (tag != LTAG_ISSUE && tag != LTAG_CERTIFICATE)
			continue;
		if (vec_grow(&a->later, a->n_later, &a->cap_later, LATER_MAX) !=
		    0)
			return ERR_NOMEM;
		a->later[a->n_later++] =
		    (struct later_leaf){tag, audit_key(&name)};
	}
	return 0;
}

static int
read_bundle(struct audit *a, uint64_t block, struct err *e)
{
	struct tile t = {.level = TILE_ENTRIES,
	    .index = block,
	    .width = tile_width(TILE_ENTRIES, block, a->grown)};
	unsigned width = t.width;
	uint8_t *bytes = NULL;
	char path[TILE_PATH_MAX];
	size_t n = 0;
	int r;

	tile_path(&t, path);
	r = blob_get(a->store, path, BUNDLE_BYTES_MAX, &bytes, &n, e);
	if (r == ERR_NOTFOUND && width < TILE_WIDTH) {
		/* It has grown again, and the partial one is gone. */
		t.width = TILE_WIDTH;
		tile_path(&t, path);
		r = blob_get(a->store, path, BUNDLE_BYTES_MAX, &bytes, &n, e);
	}
	if (r == 0 && add_bundle(a, block, slice_of(bytes, n), width) != 0)
		r = err_nomem(e);
	free(bytes);
	return r == ERR_NOTFOUND || r == ERR_CORRUPT || r == ERR_LIMIT ? 0 : r;
}

static int
later_order(const void *x, const void *y)
{
	const struct later_leaf *a = x, *b = y;
	int by = u64_compare(&a->serial, &b->serial);

	return by != 0 ? by : (int)a->tag - (int)b->tag;
}

static int
read_later(struct audit *a, struct err *e)
{
	int r = 0;

	a->n_later = 0;
	for (uint64_t block = a->head.size / TILE_WIDTH;
	     block * TILE_WIDTH < a->grown && r == 0; block++)
		r = read_bundle(a, block, e);
	if (a->n_later > 1)
		qsort(a->later, a->n_later, sizeof(*a->later), later_order);
	return r;
}

/* Why that record is none of the log's; NULL: a leaf gives it by now. */
static const char *
why_foreign(struct audit *a, const char *key)
{
	struct later_leaf want = {0};
	bool certificate;

	(void)audit_record_name(key, &want.serial, &certificate);
	want.tag = certificate ? LTAG_CERTIFICATE : LTAG_ISSUE;
	if (a->n_later > 0 &&
	    bsearch(&want, a->later, a->n_later, sizeof(want), later_order) !=
		NULL)
		return NULL;
	return audit_issue_of(a, want.serial) == NULL
	    ? "is of no certificate of the log"
	    : "is a certificate that the log does not have";
}

static bool
all_are_known(struct audit *a)
{
	for (size_t i = 0; i < a->early.n; i++)
		if (why_foreign(a, a->early.v[i]) != NULL)
			return false;
	return true;
}

int
audit_wait_for_records(struct audit *a, struct err *e)
{
	int64_t until = clock_mono_ms() + a->c->patience;
	uint64_t seen = 0;
	int r = 0;

	if (a->early.n == 0)
		return 0;
	while ((r = audit_heads_grown(a, e)) == 0) {
		if (a->grown > seen && (r = read_later(a, e)) != 0)
			return r;
		seen = a->grown;
		if (all_are_known(a) || is_time(until))
			break;
	}
	for (size_t i = 0; i < a->early.n && r == 0; i++) {
		const char *why = why_foreign(a, a->early.v[i]);

		if (why != NULL)
			OBJECT_FINDING(a, STAGE_OBJECT, "foreign",
			    a->early.v[i], "%s", why);
	}
	return r;
}
