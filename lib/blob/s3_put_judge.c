/* SPDX-License-Identifier: ISC */
/* What a bucket said of an item that is put into it, and what follows. */
#include "lib/blob/s3_put.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/blob/s3_xml.h"

#define TRIES 5 /* of STEP_WRITE */

static int
done(struct s3_put *p)
{
	p->step = STEP_DONE;
	p->item->result = p->foreign ? BLOB_FOREIGN : 0;
	return 0;
}

static int
fail(const struct s3_puts *l, const struct s3_put *p, const char *what,
    struct err *e)
{
	return s3_explain(l->s, &p->req, what, e);
}

static int
not_as_asked(const struct s3_puts *l, const struct s3_put *p, const char *what,
    struct err *e)
{
	return err_set(e, ERR_RECORD, "put s3://%s/%s%s: %s", l->s->bucket,
	    l->s->prefix, p->item->key, what);
}

static bool
lock_enough(const struct s3_put *p, const char *mode, int64_t until)
{
	return p->until == 0 ||
	    (strcmp(mode, "COMPLIANCE") == 0 && until >= p->until - p->slack);
}

static int
lock_missing(const struct s3_puts *l, const struct s3_put *p, struct err *e)
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
after_look(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	const struct s3_answer *a = &p->req.a;

	if (a->curl == CURLE_OK && a->status == 404) {
		p->step = STEP_WRITE;
		return 0;
	}
	if (!s3_ok(&p->req) || p->req.method != S3_HEAD)
		return fail(l, p, "look for", e);
	if (a->length != (int64_t)p->item->data.n) {
		p->foreign = true;
		p->step = STEP_WRITE;
		return 0;
	}
	memcpy(p->version, a->version, sizeof(p->version));
	p->step = STEP_COMPARE;
	return 0;
}

static bool
body_is(const struct s3_put *p)
{
	return slice_equal(buf_slice(p->req.a.body), p->item->data);
}

static int
after_compare(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	if (p->req.a.curl == CURLE_OK && p->req.a.status == 404) {
		p->step =
		    STEP_LOOK; /* gone since: versions cannot be locked here */
		return ++p->tries < TRIES ? 0 : fail(l, p, "read", e);
	}
	if (!p->req.a.too_large && !s3_ok(&p->req))
		return fail(l, p, "read", e);
	if (p->req.a.too_large || !body_is(p)) {
		p->foreign = true;
		p->step = STEP_WRITE;
		return 0;
	}
	if (p->until == 0)
		return done(p);
	/* Put moments ago, its lock ends moments earlier: that will do. */
	p->slack = l->s->retention / 4 < 3600 ? l->s->retention / 4 : 3600;
	p->matched = true;
	p->step = STEP_CHECK;
	return 0;
}

static int
after_extend(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	if (s3_ok(&p->req)) {
		p->no_extend = true; /* once is enough */
		p->step = STEP_CHECK;
		return 0;
	}
	if (p->req.a.curl == CURLE_OK && p->req.a.status < 500) {
		/* Not allowed to, or no lock: a version of our own tells. */
		p->no_extend = true;
		p->matched = false;
		p->step = STEP_WRITE;
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
bucket_lockless(const struct s3_puts *l, const struct s3_put *p, struct err *e)
{
	int r = not_as_asked(l, p,
	    "the bucket has no object lock (400 InvalidRequest)", e);

	err_hint(e, "use a bucket made with object lock");
	return r;
}

static int
write_refused(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	const struct s3_answer *a = &p->req.a;

	if (a->status == 412 && ++p->tries < TRIES) {
		p->step = STEP_LOOK; /* somebody was faster */
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
after_write(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	bool mutable = (p->item->flags & BLOB_MUTABLE) != 0;
	int64_t now = clock_mono_ms();

	if (s3_ok(&p->req)) {
		memcpy(p->version, p->req.a.version, sizeof(p->version));
		p->slack = 0;
		if (mutable)
			return done(p);
		p->step = STEP_CHECK;
		return 0;
	}
	if (s3_retriable(&p->req) && ++p->tries < TRIES &&
	    (p->tries == 1 || now < l->end)) {
		p->step = mutable ? STEP_WRITE : STEP_LOOK;
		l->wait = true;
		return 0;
	}
	return p->req.a.curl == CURLE_OK ? write_refused(l, p, e)
					 : fail(l, p, "put", e);
}

static int
lock_judged(struct s3_puts *l, struct s3_put *p, const char *mode,
    int64_t until, struct err *e)
{
	if (lock_enough(p, mode, until)) {
		if (p->matched)
			return done(p); /* its bytes were compared */
		p->step = STEP_BYTES;
		return 0;
	}
	if (p->matched && !p->no_extend) {
		p->step = STEP_EXTEND;
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
after_check(struct s3_puts *l, struct s3_put *p, struct err *e)
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
		p->step = STEP_LOCK;
		return 0;
	}
	/* An ETag that is the MD5 of what was put spares STEP_BYTES. */
	r = lock_judged(l, p, a->lock_mode, a->lock_until, e);
	if (r == 0 && p->step == STEP_BYTES && p->md5[0] != '\0' &&
	    strcmp(a->etag, p->md5) == 0)
		return done(p);
	return r;
}

static int
after_lock(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	const struct s3_answer *a = &p->req.a;
	char mode[S3_MODE_MAX] = "", date[40] = "";
	int64_t until = 0;

	if (a->curl == CURLE_OK && lockless(a))
		return bucket_lockless(l, p, e);
	if (a->curl == CURLE_OK && lock_absent(a))
		return lock_judged(l, p, "", 0, e);
	/* Whoever takes ?retention for the object would put that of STEP_EXTEND
	 * in its place. */
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
after_bytes(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	if (!p->req.a.too_large && !s3_ok(&p->req))
		return fail(l, p, "read back", e);
	if (p->req.a.too_large || !body_is(p))
		return not_as_asked(l, p,
		    "read back with other bytes than were put", e);
	return done(p);
}

static int (*const after[])(struct s3_puts *l, struct s3_put *p,
    struct err *e) = {
    [STEP_LOOK] = after_look,
    [STEP_COMPARE] = after_compare,
    [STEP_EXTEND] = after_extend,
    [STEP_WRITE] = after_write,
    [STEP_CHECK] = after_check,
    [STEP_LOCK] = after_lock,
    [STEP_BYTES] = after_bytes,
};

int
s3_put_judge(struct s3_puts *l, struct s3_put *p, struct err *e)
{
	return after[p->step](l, p, e);
}
