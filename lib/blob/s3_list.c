/* SPDX-License-Identifier: ISC */
/* Every version of every object of a bucket: ListObjectVersions, paged. */
#include <stdlib.h>
#include <string.h>

#include "lib/blob/s3.h"
#include "lib/blob/s3_xml.h"

#define PAGE "1000"

/* One Version or DeleteMarker while it is read. */
struct entry {
	char key[S3_XML_TEXT_MAX + 1];
	char version[S3_VERSION_MAX];
	bool has_key;
	struct blob_info info;
};

struct reader {
	struct s3_xml x;
	struct entry one;
	struct s3_page page;
	bool told; /* IsTruncated was there */
	int (*each)(void *ctx, const struct blob_info *info);
	void *ctx;
};

static int
take_text(const struct s3_xml *x, char *out, size_t n)
{
	/* A NUL would make another key of it. */
	if (x->text_len >= n || strlen(x->text) != x->text_len)
		return ERR_PARSE;
	memcpy(out, x->text, x->text_len + 1);
	return 0;
}

static int
take_bool(const struct s3_xml *x, bool *out)
{
	*out = strcmp(x->text, "true") == 0;
	return *out || strcmp(x->text, "false") == 0 ? 0 : ERR_PARSE;
}

static int
take_marker(const struct s3_xml *x, char **out)
{
	if (*out != NULL || strlen(x->text) != x->text_len)
		return ERR_PARSE;
	*out = str_dup(x->text);
	return *out == NULL ? ERR_NOMEM : 0;
}

/* A leaf of a Version or DeleteMarker; what we do not know is passed over. */
static int
take_field(struct reader *d)
{
	const struct s3_xml *x = &d->x;
	struct entry *one = &d->one;

	if (slice_is(x->name, "Key")) {
		one->has_key = true;
		return take_text(x, one->key, sizeof(one->key));
	}
	if (slice_is(x->name, "VersionId"))
		return take_text(x, one->version, sizeof(one->version));
	if (slice_is(x->name, "IsLatest"))
		return take_bool(x, &one->info.latest);
	if (slice_is(x->name, "Size"))
		return parse_u64(x->text, 0, INT64_MAX, &one->info.size);
	return 0;
}

static int
take_result(struct reader *d)
{
	const struct s3_xml *x = &d->x;

	if (slice_is(x->name, "IsTruncated")) {
		d->told = true;
		return take_bool(x, &d->page.truncated);
	}
	if (slice_is(x->name, "NextKeyMarker"))
		return take_marker(x, &d->page.key_marker);
	if (slice_is(x->name, "NextVersionIdMarker"))
		return take_marker(x, &d->page.version_marker);
	return 0;
}

static int
on_open(struct reader *d)
{
	const struct s3_xml *x = &d->x;
	bool version = slice_is(x->name, "Version");

	if (x->depth == 1)
		return slice_is(x->name, "ListVersionsResult") ||
			slice_is(x->name, "ListBucketVersionsResult")
		    ? 0
		    : ERR_PARSE;
	if (x->depth == 2 && (version || slice_is(x->name, "DeleteMarker"))) {
		d->one.has_key = false;
		d->one.key[0] = d->one.version[0] = '\0';
		d->one.info = (struct blob_info){.key = d->one.key,
		    .version = d->one.version,
		    .deleted = !version};
	}
	return 0;
}

/* x->depth is that of the parent now. */
static int
on_close(struct reader *d)
{
	const struct s3_xml *x = &d->x;
	bool in_entry = x->depth == 2 &&
	    (slice_is(x->stack[1], "Version") ||
		slice_is(x->stack[1], "DeleteMarker"));

	if (in_entry)
		return take_field(d);
	if (x->depth != 1)
		return 0;
	if (!slice_is(x->name, "Version") && !slice_is(x->name, "DeleteMarker"))
		return take_result(d);
	if (!d->one.has_key)
		return ERR_PARSE;
	return d->each(d->ctx, &d->one.info);
}

static int
read_page(struct reader *d, struct err *e)
{
	enum s3_xml_event ev = S3_XML_OPEN;
	int r = 0;

	while (r == 0 && ev != S3_XML_END) {
		if ((r = s3_xml_next(&d->x, &ev)) == 0 && ev == S3_XML_OPEN)
			r = on_open(d);
		else if (r == 0 && ev == S3_XML_CLOSE) {
			bool entry = d->x.depth == 1 && d->one.has_key &&
			    (slice_is(d->x.name, "Version") ||
				slice_is(d->x.name, "DeleteMarker"));

			r = on_close(d);
			if (entry && r != 0)
				return r; /* the caller's own answer */
		}
	}
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0)
		return err_set(e, r,
		    "the list of versions is malformed at byte %zu from its "
		    "end",
		    d->x.in.n);
	if (!d->told || (d->page.truncated && d->page.key_marker == NULL))
		return err_set(e, ERR_PARSE,
		    "the list of versions does not say whether more follows");
	return 0;
}

/*
 * Swift says "null" for the version where the next page begins whichever it is,
 * and has nothing to list after that.  The last one of this page is as good.
 */
static int
mend_marker(struct reader *d)
{
	struct s3_page *p = &d->page;

	if (!p->truncated || p->version_marker == NULL || !d->one.has_key ||
	    d->one.version[0] == '\0' ||
	    strcmp(p->version_marker, "null") != 0 ||
	    strcmp(p->key_marker, d->one.key) != 0)
		return 0;
	free(p->version_marker);
	p->version_marker = str_dup(d->one.version);
	return p->version_marker == NULL ? ERR_NOMEM : 0;
}

int
s3_page_read(struct slice doc,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct s3_page *out, struct err *e)
{
	struct reader *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL)
		return err_nomem(e);
	s3_xml_init(&d->x, doc);
	d->each = each;
	d->ctx = ctx;
	if ((r = read_page(d, e)) == 0 && mend_marker(d) != 0)
		r = err_nomem(e);
	if (r == 0) {
		*out = d->page;
		d->page = (struct s3_page){0};
	}
	s3_page_clear(&d->page);
	free(d);
	return r;
}

void
s3_page_clear(struct s3_page *p)
{
	free(p->key_marker);
	free(p->version_marker);
	*p = (struct s3_page){0};
}

/* --- from page to page --- */

static const char *
version_of(const struct s3_page *p)
{
	return p->version_marker == NULL ? "" : p->version_marker;
}

static bool
same_place(const struct s3_page *a, const struct s3_page *b)
{
	return a->key_marker != NULL && b->key_marker != NULL &&
	    strcmp(a->key_marker, b->key_marker) == 0 &&
	    strcmp(version_of(a), version_of(b)) == 0;
}

static int
copy_place(struct s3_page *to, const struct s3_page *from)
{
	struct s3_page c = {0};

	if ((c.key_marker = str_dup(from->key_marker)) == NULL ||
	    (c.version_marker = str_dup(version_of(from))) == NULL) {
		s3_page_clear(&c);
		return ERR_NOMEM;
	}
	s3_page_clear(to);
	*to = c;
	return 0;
}

static int
goes_back(const char *to, const char *from, const char *host, struct err *e)
{
	char qt[QUOTE_MAX], qf[QUOTE_MAX];

	return err_set(e, ERR_PARSE,
	    "%s lists versions in a circle: it goes on at %s after %s", host,
	    str_quote(qt, to), str_quote(qf, from));
}

/*
 * Versions of a key come in an order of the server's own, so within a key there
 * is only going around to be seen.  One place is remembered, anew at pages 1,
 * 2, 4, 8...: a circle, however long, comes past it (R. P. Brent, "An improved
 * Monte Carlo factorization algorithm", 1980, section 2).
 */
int
s3_pages_move(struct s3_pages *p, struct s3_page *next, const char *last,
    const char *host, struct err *e)
{
	const char *before = p->at.key_marker == NULL ? "" : p->at.key_marker;

	if (!next->truncated)
		goto move;
	if (strcmp(next->key_marker, before) < 0)
		return goes_back(next->key_marker, before, host, e);
	if (strcmp(next->key_marker, last) < 0)
		return goes_back(next->key_marker, last, host, e);
	if (same_place(&p->at, next) || same_place(&p->seen, next))
		return err_set(e, ERR_PARSE,
		    "%s lists the same page again and again", host);
	if (++p->n >= S3_PAGES_MAX)
		return err_set(e, ERR_LIMIT,
		    "%s lists more than %d pages of versions", host,
		    S3_PAGES_MAX);
	if (p->n >= p->mark) {
		if (copy_place(&p->seen, next) != 0)
			return err_nomem(e);
		p->mark = p->n * 2;
	}
move:
	s3_page_clear(&p->at);
	p->at = *next;
	*next = (struct s3_page){0};
	return 0;
}

void
s3_pages_clear(struct s3_pages *p)
{
	s3_page_clear(&p->at);
	s3_page_clear(&p->seen);
}

struct listing {
	const struct s3_store *s;
	size_t skip;     /* bytes of the bucket's prefix */
	struct str last; /* key, to see that the order holds */
	int (*each)(void *ctx, const struct blob_info *info);
	void *ctx;
	struct err *e;
};

static int
on_version(void *ctx, const struct blob_info *info)
{
	struct listing *l = ctx;
	struct blob_info mine = *info;
	char q[QUOTE_MAX];

	if (strncmp(info->key, l->s->prefix, l->skip) != 0 ||
	    strcmp(info->key, l->last.p) < 0)
		return err_set(l->e, ERR_PARSE,
		    "%s lists %s out of order or out of place", l->s->host,
		    str_quote(q, info->key));
	str_reset(&l->last);
	str_add(&l->last, info->key);
	if (str_check(&l->last) != 0)
		return err_nomem(l->e);
	mine.key += l->skip;
	return l->each(l->ctx, &mine);
}

/* Sorted by name, as the signature wants it. */
static int
page_query(const struct s3_store *s, const char *prefix,
    const struct s3_page *from, char **out)
{
	struct str q = STR_INIT;

	if (from->key_marker != NULL) {
		str_add(&q, "key-marker=");
		s3_escape(&q, from->key_marker, false);
		str_addc(&q, '&');
	}
	str_add(&q, "max-keys=" PAGE "&prefix=");
	s3_escape(&q, s->prefix, false);
	s3_escape(&q, prefix, false);
	if (from->version_marker != NULL) {
		str_add(&q, "&version-id-marker=");
		s3_escape(&q, from->version_marker, false);
	}
	str_add(&q, "&versions=");
	return str_take(&q, out);
}

/* The page that p is at, which moves on. */
static int
list_page(struct s3_store *s, const char *prefix, struct listing *l,
    struct s3_pages *p)
{
	struct s3_req req = {.method = S3_GET, .max = S3_XML_MAX};
	struct s3_page next = {0};
	char *query = NULL;
	int r;

	if (page_query(s, prefix, &p->at, &query) != 0)
		return err_nomem(l->e);
	req.query = query;
	if ((r = s3_run_one(s, &req, l->e)) != 0)
		goto out;
	if (!s3_ok(&req)) {
		r = s3_explain(s, &req, "list", l->e);
		goto out;
	}
	r = s3_page_read(buf_slice(req.a.body), on_version, l, &next, l->e);
	if (r == 0)
		r = s3_pages_move(p, &next, l->last.n > 0 ? l->last.p : "",
		    s->host, l->e);
out:
	s3_page_clear(&next);
	s3_req_clear(&req);
	free(query);
	return r;
}

int
s3_list(struct blob_store *b, const char *prefix,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct err *e)
{
	struct s3_store *s = (struct s3_store *)b;
	struct listing l = {.s = s,
	    .skip = strlen(s->prefix),
	    .last = STR_INIT,
	    .each = each,
	    .ctx = ctx,
	    .e = e};
	struct s3_pages p = {.n = 0};
	int r;

	do
		r = list_page(s, prefix, &l, &p);
	while (r == 0 && p.at.truncated);
	s3_pages_clear(&p);
	str_clear(&l.last);
	return r;
}
