/* SPDX-License-Identifier: ISC */
/*
 * Putting objects into a bucket so that they are there, whole and locked.
 *
 * Each item walks through the steps below on its own; each round sends the
 * next request of every item that is not done, many at a time.
 *
 *	LOOK	is something under the key?  Some servers ignore If-None-Match
 *		in versioned buckets, and a repeated put must not make a second
 *		version of what landed while its answer was lost.
 *	COMPARE	is it the same bytes?
 *	EXTEND	they are, but their lock is missing or too short
 *	WRITE	sent once; after a failure that may have landed, LOOK again
 *	CHECK	read back the version that was written: size, lock, checksum
 *	LOCK	the server kept the lock out of its headers: ask for it
 *	BYTES	its ETag is not the MD5: read all of it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/clock.h"
#include "lib/blob/s3.h"
#include "lib/blob/s3_xml.h"

#define CHUNK   64 /* items in memory at a time */
#define TRIES   5  /* of WRITE */
#define MD5_HEX 33

enum step { LOOK, COMPARE, EXTEND, WRITE, CHECK, LOCK, BYTES, DONE };

struct put {
	struct blob_item *item;
	struct s3_req req;
	enum step step;
	bool foreign;   /* other bytes were there */
	bool matched;   /* the version at hand was there before */
	bool no_extend; /* not allowed: write a version of our own */
	int tries;
	int64_t until;                /* lock wanted; 0: none */
	int64_t slack;                /* so much less is enough */
	char md5[MD5_HEX];            /* "" without MD5 */
	char version[S3_VERSION_MAX]; /* at hand; "" in an unversioned bucket */
	char *query;
	char *body; /* of EXTEND */
};

struct puts {
	struct s3_store *s;
	struct put v[CHUNK];
	size_t n;
	int64_t end; /* monotonic ms: no more retries after */
	int backoff; /* rounds that had to wait */
	bool wait;
};

static void
md5_hex(struct slice data, char out[MD5_HEX])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (EVP_Digest(data.n == 0 ? (const void *)"" : data.p, data.n, md, &n,
		EVP_md5(), NULL) == 1 &&
	    n * 2 + 1 == MD5_HEX)
		hex_encode(md, n, out);
}

static void
put_init(struct put *p, const struct s3_store *s, struct blob_item *item)
{
	int64_t keep =
	    (item->flags & BLOB_PARTIAL) != 0 ? s->partial : s->retention;

	*p = (struct put){.item = item};
	p->step = (item->flags & BLOB_MUTABLE) != 0 ? WRITE : LOOK;
	if ((item->flags & BLOB_MUTABLE) == 0 && s->retention > 0) {
		p->until = clock_now() + keep;
		if (p->until > CLOCK_MAX)
			p->until = CLOCK_MAX;
	}
	md5_hex(item->data, p->md5);
}

static void
put_clear(struct put *p)
{
	s3_req_clear(&p->req);
	free(p->query);
	free(p->body);
	p->query = p->body = NULL;
}

/* "versionId=..." of the version at hand, after first. */
static int
set_query(struct put *p, const char *first)
{
	struct str q = STR_INIT;

	free(p->query);
	p->query = NULL;
	str_add(&q, first);
	if (p->version[0] != '\0') {
		str_add(&q, q.n == 0 ? "versionId=" : "&versionId=");
		s3_escape(&q, p->version, false);
	}
	if (q.n == 0)
		return 0;
	return str_take(&q, &p->query);
}

static int
prepare_extend(struct put *p)
{
	struct str b = STR_INIT;
	char date[CLOCK_TEXT];

	clock_format(p->until, date);
	str_addf(&b,
	    "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
	    "<Mode>COMPLIANCE</Mode><RetainUntilDate>%s</RetainUntilDate>"
	    "</Retention>",
	    date);
	free(p->body);
	p->body = NULL;
	if (str_take(&b, &p->body) != 0)
		return ERR_NOMEM;
	p->req.method = S3_PUT;
	p->req.body = slice_str(p->body);
	return set_query(p, "retention=");
}

/* The request of the item's step.  ERR_NOMEM. */
static int
prepare(struct put *p, const struct s3_store *s)
{
	struct s3_req *q = &p->req;
	int r = 0;

	s3_req_clear(q);
	*q = (struct s3_req){.key = p->item->key};
	switch (p->step) {
	case LOOK:
		q->method = S3_HEAD;
		break;
	case CHECK:
		q->method = S3_HEAD;
		r = set_query(p, "");
		break;
	case COMPARE:
	case BYTES:
		q->max = p->item->data.n;
		r = set_query(p, "");
		break;
	case LOCK:
		r = set_query(p, "retention=");
		break;
	case EXTEND:
		r = prepare_extend(p);
		break;
	case WRITE:
	case DONE:
		q->method = S3_PUT;
		q->once = true;
		q->body = p->item->data;
		q->content_type = p->item->content_type != NULL
		    ? p->item->content_type
		    : "application/octet-stream";
		q->lock_until = p->until;
		q->if_none_match = (p->item->flags & BLOB_MUTABLE) == 0 &&
		    !p->foreign && !p->no_extend && !s->no_if_none_match;
		break;
	}
	if (p->step != LOOK && p->step != WRITE)
		q->query = p->query;
	return r;
}

static int
done(struct put *p)
{
	p->step = DONE;
	p->item->result = p->foreign ? BLOB_FOREIGN : 0;
	return 0;
}

static int
fail(const struct puts *l, const struct put *p, const char *what, struct err *e)
{
	return s3_explain(l->s, &p->req, what, e);
}

static int
not_as_asked(const struct puts *l, const struct put *p, const char *what,
    struct err *e)
{
	return err_set(e, ERR_RECORD, "put s3://%s/%s%s: %s", l->s->bucket,
	    l->s->prefix, p->item->key, what);
}

static bool
lock_enough(const struct put *p, const char *mode, int64_t until)
{
	return p->until == 0 ||
	    (strcmp(mode, "COMPLIANCE") == 0 && until >= p->until - p->slack);
}

static int
lock_missing(const struct puts *l, const struct put *p, struct err *e)
{
	int r = not_as_asked(l, p,
	    "stored, but without the COMPLIANCE lock asked for: the server "
	    "ignores object locks",
	    e);

	err_hint(e,
	    "use a bucket made with object lock, on a server that "
	    "has it");
	return r;
}

static int
after_look(struct puts *l, struct put *p, struct err *e)
{
	const struct s3_answer *a = &p->req.a;

	if (a->curl == CURLE_OK && a->status == 404) {
		p->step = WRITE;
		return 0;
	}
	if (!s3_ok(&p->req) || p->req.method != S3_HEAD)
		return fail(l, p, "look for", e);
	if (a->length != (int64_t)p->item->data.n) {
		p->foreign = true;
		p->step = WRITE;
		return 0;
	}
	memcpy(p->version, a->version, sizeof(p->version));
	p->step = COMPARE;
	return 0;
}

static bool
body_is(const struct put *p)
{
	return slice_equal(buf_slice(p->req.a.body), p->item->data);
}

static int
after_compare(struct puts *l, struct put *p, struct err *e)
{
	if (p->req.a.curl == CURLE_OK && p->req.a.status == 404) {
		p->step = LOOK; /* gone since: versions cannot be locked here */
		return ++p->tries < TRIES ? 0 : fail(l, p, "read", e);
	}
	if (!p->req.a.too_large && !s3_ok(&p->req))
		return fail(l, p, "read", e);
	if (p->req.a.too_large || !body_is(p)) {
		p->foreign = true;
		p->step = WRITE;
		return 0;
	}
	if (p->until == 0)
		return done(p);
	/* Put moments ago, its lock ends moments earlier: that will do. */
	p->slack = l->s->retention / 4 < 3600 ? l->s->retention / 4 : 3600;
	p->matched = true;
	p->step = CHECK;
	return 0;
}

static int
after_extend(struct puts *l, struct put *p, struct err *e)
{
	if (s3_ok(&p->req)) {
		p->no_extend = true; /* once is enough */
		p->step = CHECK;
		return 0;
	}
	if (p->req.a.curl == CURLE_OK && p->req.a.status < 500) {
		/* Not allowed to, or no lock: a version of our own tells. */
		p->no_extend = true;
		p->matched = false;
		p->step = WRITE;
		return 0;
	}
	return fail(l, p, "lock", e);
}

static bool
lockless(const struct s3_answer *a)
{
	return a->status == 400 && strcmp(a->code, "InvalidRequest") == 0;
}

/* A server that has locks, and none here: as AWS says it, as Ceph does. */
static bool
lock_absent(const struct s3_answer *a)
{
	return strcmp(a->code, "NoSuchObjectLockConfiguration") == 0 ||
	    strcmp(a->code, "ObjectLockConfigurationNotFoundError") == 0;
}

static int
bucket_lockless(const struct puts *l, const struct put *p, struct err *e)
{
	int r = not_as_asked(l, p,
	    "the bucket has no object lock (400 InvalidRequest)", e);

	err_hint(e, "use a bucket made with object lock");
	return r;
}

static int
write_refused(struct puts *l, struct put *p, struct err *e)
{
	const struct s3_answer *a = &p->req.a;

	if (a->status == 412 && ++p->tries < TRIES) {
		p->step = LOOK; /* somebody was faster */
		return 0;
	}
	if (a->status == 501 && p->req.if_none_match) {
		l->s->no_if_none_match = true;
		return 0;
	}
	if (p->until != 0 && lockless(a))
		return bucket_lockless(l, p, e);
	return fail(l, p, "put", e);
}

static int
after_write(struct puts *l, struct put *p, struct err *e)
{
	bool mutable = (p->item->flags & BLOB_MUTABLE) != 0;
	int64_t now = s3_now_ms();

	if (s3_ok(&p->req)) {
		memcpy(p->version, p->req.a.version, sizeof(p->version));
		p->slack = 0;
		if (mutable)
			return done(p);
		p->step = CHECK;
		return 0;
	}
	if (s3_retriable(&p->req) && ++p->tries < TRIES &&
	    (p->tries == 1 || now < l->end)) {
		p->step = mutable ? WRITE : LOOK;
		l->wait = true;
		return 0;
	}
	return p->req.a.curl == CURLE_OK ? write_refused(l, p, e)
					 : fail(l, p, "put", e);
}

static int
lock_judged(struct puts *l, struct put *p, const char *mode, int64_t until,
    struct err *e)
{
	if (lock_enough(p, mode, until)) {
		if (p->matched)
			return done(p); /* its bytes were compared */
		p->step = BYTES;
		return 0;
	}
	if (p->matched && !p->no_extend) {
		p->step = EXTEND;
		return 0;
	}
	if (mode[0] == '\0')
		return lock_missing(l, p, e);
	return not_as_asked(l, p,
	    "stored, but locked in another mode or for a shorter time than "
	    "asked for",
	    e);
}

static int
after_check(struct puts *l, struct put *p, struct err *e)
{
	const struct s3_answer *a = &p->req.a;
	int r;

	if (a->curl == CURLE_OK && a->status == 404)
		return not_as_asked(l, p,
		    "the server took it, but does not have it", e);
	if (!s3_ok(&p->req) || p->req.method != S3_HEAD)
		return fail(l, p, "read back", e);
	if (a->length != (int64_t)p->item->data.n)
		return not_as_asked(l, p,
		    "read back with another size than was put", e);
	if (p->until != 0 && a->lock_mode[0] == '\0') {
		p->step = LOCK;
		return 0;
	}
	/* lock_judged() may look at the ETag of this answer through BYTES. */
	r = lock_judged(l, p, a->lock_mode, a->lock_until, e);
	if (r == 0 && p->step == BYTES && p->md5[0] != '\0' &&
	    strcmp(a->etag, p->md5) == 0)
		return done(p);
	return r;
}

static int
after_lock(struct puts *l, struct put *p, struct err *e)
{
	const struct s3_answer *a = &p->req.a;
	char mode[S3_MODE_MAX] = "", date[40] = "";
	int64_t until = 0;

	if (a->curl == CURLE_OK && lockless(a))
		return bucket_lockless(l, p, e);
	if (a->curl == CURLE_OK && lock_absent(a))
		return lock_judged(l, p, "", 0, e);
	/*
	 * Whoever takes ?retention for the object would put that of EXTEND in
	 * its place.
	 */
	if (a->too_large ||
	    (a->curl == CURLE_OK && a->status < 500 && a->status != 403 &&
		!s3_xml_is(buf_slice(a->body), "Retention")))
		return lock_missing(l, p, e);
	if (!s3_ok(&p->req))
		return fail(l, p, "read the lock of", e);
	if (s3_xml_find(buf_slice(a->body), "Mode", mode, sizeof(mode)) == 0 &&
	    (s3_xml_find(buf_slice(a->body), "RetainUntilDate", date,
		 sizeof(date)) != 0 ||
		s3_date(l->s->curl, date, &until) != 0))
		until = 0;
	return lock_judged(l, p, mode, until, e);
}

static int
after_bytes(struct puts *l, struct put *p, struct err *e)
{
	if (!p->req.a.too_large && !s3_ok(&p->req))
		return fail(l, p, "read back", e);
	if (p->req.a.too_large || !body_is(p))
		return not_as_asked(l, p,
		    "read back with other bytes than were put", e);
	return done(p);
}

static int (*const after[])(struct puts *l, struct put *p, struct err *e) = {
    [LOOK] = after_look,
    [COMPARE] = after_compare,
    [EXTEND] = after_extend,
    [WRITE] = after_write,
    [CHECK] = after_check,
    [LOCK] = after_lock,
    [BYTES] = after_bytes,
};

/*
 * The next request of every item that is not done.  The first failure ends
 * it, after the answers of the whole round have been looked at.
 */
static int
put_round(struct puts *l, size_t *left, struct err *e)
{
	struct s3_req *reqs[CHUNK];
	struct put *who[CHUNK];
	size_t n = 0;
	int r = 0, one;

	l->wait = false;
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].step == DONE)
			continue;
		if (prepare(&l->v[i], l->s) != 0)
			return err_nomem(e);
		who[n] = &l->v[i];
		reqs[n++] = &l->v[i].req;
	}
	*left = n;
	if (n == 0)
		return 0;
	if ((r = s3_run(l->s, reqs, n, e)) != 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		one = after[who[i]->step](l, who[i], r == 0 ? e : NULL);
		if (one != 0) {
			who[i]->item->result = one;
			who[i]->step = DONE;
		}
		if (r == 0)
			r = one;
	}
	if (r == 0 && l->wait) {
		l->s->parallel = l->s->parallel > 4 ? l->s->parallel / 4 : 1;
		s3_backoff(l->backoff++);
	}
	return r;
}

int
s3_put_many(struct blob_store *b, struct blob_item *items, size_t n,
    struct err *e)
{
	struct puts *l = calloc(1, sizeof(*l));
	int r = 0;

	if (l == NULL)
		return err_nomem(e);
	l->s = (struct s3_store *)b;
	for (size_t i = 0; i < n && r == 0; i += CHUNK) {
		size_t left = 1;

		l->n = n - i < CHUNK ? n - i : CHUNK;
		l->end = s3_now_ms() + l->s->timeout_ms;
		l->backoff = 0;
		for (size_t j = 0; j < l->n; j++)
			put_init(&l->v[j], l->s, &items[i + j]);
		while (r == 0 && left > 0)
			r = put_round(l, &left, e);
		for (size_t j = 0; j < l->n; j++)
			put_clear(&l->v[j]);
	}
	free(l);
	return r;
}
