/* SPDX-License-Identifier: ISC */
/* The file of a state: a line that says what it is, the fields in the order of
 * the struct, lists with their lengths before them, and the SHA-256 of all that,
 * which finds damage and no intent. */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/past.h"
#include "lib/base/file.h"

#define PAST_MAGIC "writ audit state 1\n"

int
past_new(struct audit_past **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? ERR_NOMEM : 0;
}

void
past_free(struct audit_past *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_leaves; i++)
		free(s->leaves[i].bytes);
	free(s->note);
	free(s->roots);
	free(s->issues);
	free(s->names);
	free(s->leaves);
	free(s->later);
	free(s->heads);
	free(s->lists);
	audit_table_clear(&s->hosts);
	free(s);
}

/* --- out ------------------------------------------------------------------ */

static int
put_hash(struct buf *b, const struct hash *h)
{
	return buf_put(b, h->b, HASH_LEN);
}

static int
put_head(struct buf *b, const struct audit_past *s)
{
	int r;

	if ((r = buf_put(b, PAST_MAGIC, strlen(PAST_MAGIC))) != 0 ||
	    (r = put_hash(b, &s->realm)) != 0 ||
	    (r = buf_put_cstring(b, s->origin)) != 0 ||
	    (r = buf_put_u8(b, s->fleet)) != 0 ||
	    (r = put_hash(b, &s->across)) != 0 ||
	    (r = buf_put_string(b, s->note, s->n_note)) != 0 ||
	    (r = buf_put_u64(b, s->size)) != 0 ||
	    (r = buf_put_u64(b, (uint64_t)s->last_tick)) != 0 ||
	    (r = buf_put_u64(b, s->last_krl)) != 0)
		return r;
	return buf_put_u64(b, s->foreign_krl);
}

static int
put_names(struct buf *b, const struct audit_past *s)
{
	int r = buf_put_u64(b, s->n_names);

	for (size_t i = 0; i < s->n_names && r == 0; i++)
		if ((r = buf_put_u8(b, s->names[i].tag)) == 0 &&
		    (r = buf_put_u64(b, s->names[i].key)) == 0)
			r = buf_put_u64(b, s->names[i].index);
	return r;
}

static int
put_issues(struct buf *b, const struct audit_past *s)
{
	int r = buf_put_u64(b, s->n_issues);

	for (size_t i = 0; i < s->n_issues && r == 0; i++)
		if ((r = buf_put_u64(b, s->issues[i].serial)) == 0 &&
		    (r = buf_put_u64(b, s->issues[i].index)) == 0 &&
		    (r = buf_put_u64(b, s->issues[i].valid_after)) == 0)
			r = buf_put_u64(b, s->issues[i].certificate);
	return r;
}

static int
put_leaves(struct buf *b, const struct audit_past *s)
{
	int r = buf_put_u64(b, s->n_leaves);

	for (size_t i = 0; i < s->n_leaves && r == 0; i++)
		if ((r = buf_put_u64(b, s->leaves[i].index)) == 0)
			r = buf_put_string(b, s->leaves[i].bytes,
			    s->leaves[i].n);
	return r;
}

static int
put_numbers(struct buf *b, const uint64_t *v, size_t n)
{
	int r = buf_put_u64(b, n);

	for (size_t i = 0; i < n && r == 0; i++)
		r = buf_put_u64(b, v[i]);
	return r;
}

static int
put_hashes(struct buf *b, const struct hash *v, uint64_t n)
{
	int r = 0;

	for (uint64_t i = 0; i < n && r == 0; i++)
		r = put_hash(b, &v[i]);
	return r;
}

int
past_encode(const struct audit_past *s, struct buf *out)
{
	struct slice all;
	struct hash sum;
	int r;

	if ((r = put_head(out, s)) != 0 ||
	    (r = put_hashes(out, s->roots, s->size / TILE_WIDTH)) != 0 ||
	    (r = put_names(out, s)) != 0 || (r = put_issues(out, s)) != 0 ||
	    (r = put_leaves(out, s)) != 0 ||
	    (r = put_numbers(out, s->later, s->n_later)) != 0 ||
	    (r = put_numbers(out, s->heads, s->n_heads)) != 0 ||
	    (r = buf_put_u64(out, s->n_lists)) != 0 ||
	    (r = put_hashes(out, s->lists, s->n_lists)) != 0)
		return r;
	all = buf_slice(out);
	hash_sha256(all.p, all.n, &sum);
	return put_hash(out, &sum);
}

/* --- in ------------------------------------------------------------------- */

static int
get_hash(struct view *v, struct hash *out)
{
	struct slice s;
	int r = view_get(v, HASH_LEN, &s);

	if (r == 0)
		memcpy(out->b, s.p, HASH_LEN);
	return r;
}

static int
get_head(struct view *v, struct audit_past *s)
{
	struct slice magic, origin, note;
	uint64_t tick;
	uint8_t fleet;
	int r;

	if ((r = view_get(v, strlen(PAST_MAGIC), &magic)) != 0 ||
	    !slice_is(magic, PAST_MAGIC) || (r = get_hash(v, &s->realm)) != 0 ||
	    (r = view_get_string(v, &origin)) != 0 ||
	    origin.n >= sizeof(s->origin) ||
	    (r = view_get_u8(v, &fleet)) != 0 ||
	    (r = get_hash(v, &s->across)) != 0 ||
	    (r = view_get_string(v, &note)) != 0 ||
	    (r = view_get_u64(v, &s->size)) != 0 ||
	    (r = view_get_u64(v, &tick)) != 0 ||
	    (r = view_get_u64(v, &s->last_krl)) != 0 ||
	    (r = view_get_u64(v, &s->foreign_krl)) != 0 || note.n == 0 ||
	    s->size > AUDIT_LEAVES_MAX || s->size % TILE_WIDTH != 0 ||
	    fleet > 1 || memchr(origin.p, '\0', origin.n) != NULL)
		return ERR_PARSE;
	memcpy(s->origin, origin.p, origin.n);
	s->fleet = fleet != 0;
	s->last_tick = (int64_t)tick;
	s->n_note = note.n;
	s->note = (uint8_t *)str_dupn((const char *)note.p, note.n);
	return s->note == NULL ? ERR_NOMEM : 0;
}

/* How many items of that size follow; room for them in *out. */
static int
get_list(struct view *v, size_t item, size_t of, void **out, size_t *n)
{
	uint64_t count;

	if (view_get_u64(v, &count) != 0 || count > v->n / item)
		return ERR_PARSE;
	*out = calloc((size_t)count + 1, of);
	*n = (size_t)count;
	return *out == NULL ? ERR_NOMEM : 0;
}

static int
get_hashes(struct view *v, uint64_t n, struct hash **out)
{
	int r = 0;

	if (n > v->n / HASH_LEN)
		return ERR_PARSE;
	if ((*out = calloc((size_t)n + 1, sizeof(**out))) == NULL)
		return ERR_NOMEM;
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = get_hash(v, &(*out)[i]);
	return r;
}

static int
get_names(struct view *v, struct audit_past *s)
{
	void *list = NULL;
	int r = get_list(v, 17, sizeof(*s->names), &list, &s->n_names);

	s->names = list;
	s->cap_names = s->n_names;
	for (size_t i = 0; i < s->n_names && r == 0; i++) {
		struct past_name *x = &s->names[i];

		if (view_get_u8(v, &x->tag) != 0 ||
		    view_get_u64(v, &x->key) != 0 ||
		    view_get_u64(v, &x->index) != 0 || x->index >= s->size ||
		    (x->tag != TABLE_STATEMENT && x->tag != TABLE_DENIES))
			r = ERR_PARSE;
	}
	return r;
}

static int
get_issues(struct view *v, struct audit_past *s)
{
	void *list = NULL;
	int r = get_list(v, 32, sizeof(*s->issues), &list, &s->n_issues);

	s->issues = list;
	for (size_t i = 0; i < s->n_issues && r == 0; i++) {
		struct audit_issue *x = &s->issues[i];

		if (view_get_u64(v, &x->serial) != 0 ||
		    view_get_u64(v, &x->index) != 0 ||
		    view_get_u64(v, &x->valid_after) != 0 ||
		    view_get_u64(v, &x->certificate) != 0 ||
		    x->index >= s->size ||
		    (x->certificate >= s->size &&
			x->certificate != AUDIT_NO_INDEX))
			r = ERR_PARSE;
		x->known_path = true;
	}
	return r;
}

static int
get_leaves(struct view *v, struct audit_past *s)
{
	void *list = NULL;
	size_t n = 0;
	int r = get_list(v, 12, sizeof(*s->leaves), &list, &n);

	s->leaves = list;
	s->cap_leaves = r == 0 ? n : 0;
	for (; s->n_leaves < n && r == 0; s->n_leaves++) {
		struct past_leaf *x = &s->leaves[s->n_leaves];
		struct slice bytes;

		if (view_get_u64(v, &x->index) != 0 ||
		    view_get_string(v, &bytes) != 0 || x->index >= s->size ||
		    (s->n_leaves > 0 && x->index <= x[-1].index))
			return ERR_PARSE;
		x->n = bytes.n;
		x->bytes = (uint8_t *)str_dupn((const char *)bytes.p, bytes.n);
		if (x->bytes == NULL)
			return ERR_NOMEM;
	}
	return r;
}

/* None above most. */
static int
get_numbers(struct view *v, uint64_t most, uint64_t **out, size_t *n,
    size_t *cap)
{
	void *list = NULL;
	int r = get_list(v, 8, sizeof(**out), &list, n);

	*out = list;
	*cap = *n;
	for (size_t i = 0; i < *n && r == 0; i++)
		if (view_get_u64(v, &(*out)[i]) != 0 || (*out)[i] > most)
			r = ERR_PARSE;
	return r;
}

static int
get_later(struct view *v, struct audit_past *s)
{
	int r = get_numbers(v, s->size, &s->later, &s->n_later, &s->cap_later);

	for (size_t i = 0; i < s->n_later && r == 0; i++)
		if (s->later[i] == s->size)
			r = ERR_PARSE;
	return r;
}

static int
get_heads(struct view *v, struct audit_past *s)
{
	int r = get_numbers(v, s->size, &s->heads, &s->n_heads, &s->cap_heads);

	for (size_t i = 1; i < s->n_heads && r == 0; i++)
		if (s->heads[i] < s->heads[i - 1])
			r = ERR_PARSE;
	return r;
}

static int
get_lists(struct view *v, struct audit_past *s)
{
	uint64_t n;
	int r;

	if (view_get_u64(v, &n) != 0)
		return ERR_PARSE;
	if ((r = get_hashes(v, n, &s->lists)) == 0)
		s->n_lists = s->cap_lists = (size_t)n;
	return r;
}

int
past_parse(struct slice bytes, struct audit_past *s)
{
	struct hash sum, want;
	struct view v;
	int r;

	if (bytes.n < HASH_LEN)
		return ERR_PARSE;
	hash_sha256(bytes.p, bytes.n - HASH_LEN, &sum);
	memcpy(want.b, bytes.p + bytes.n - HASH_LEN, HASH_LEN);
	if (!hash_equal(&sum, &want))
		return ERR_PARSE;
	v = view_of(bytes.p, bytes.n - HASH_LEN);
	if ((r = get_head(&v, s)) != 0 ||
	    (r = get_hashes(&v, s->size / TILE_WIDTH, &s->roots)) != 0 ||
	    (r = get_names(&v, s)) != 0 || (r = get_issues(&v, s)) != 0 ||
	    (r = get_leaves(&v, s)) != 0 || (r = get_later(&v, s)) != 0 ||
	    (r = get_heads(&v, s)) != 0 || (r = get_lists(&v, s)) != 0)
		return r;
	return view_end(&v);
}

int
past_read(const char *path, struct audit_past *s, struct err *e)
{
	char *bytes = NULL;
	size_t n = 0;
	int r;

	if ((r = file_read(path, PAST_MAX, &bytes, &n, e)) != 0)
		return r;
	r = past_parse(slice_of(bytes, n), s);
	free(bytes);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0)
		return err_set(e, ERR_CORRUPT,
		    "%s is no state of an audit, or damaged, expected what "
		    "--state wrote; without the file all leaves are judged",
		    path);
	s->have = true;
	return 0;
}
