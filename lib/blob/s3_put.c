/* SPDX-License-Identifier: ISC */
/*
 * Putting objects into a bucket so that they are there, whole and locked: the
 * request of each step, and rounds of them.
 */
#include "lib/blob/s3_put.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/clock.h"

static void
md5_hex(struct slice data, char out[S3_MD5_HEX])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (EVP_Digest(data.n == 0 ? (const void *)"" : data.p, data.n, md, &n,
		EVP_md5(), NULL) == 1 &&
	    n * 2 + 1 == S3_MD5_HEX)
		hex_encode(md, n, out);
}

static void
put_init(struct s3_put *p, const struct s3_store *s, struct blob_item *item)
{
	int64_t keep =
	    (item->flags & BLOB_PARTIAL) != 0 ? s->partial : s->retention;

	*p = (struct s3_put){.item = item};
	p->step = (item->flags & BLOB_MUTABLE) != 0 ? STEP_WRITE : STEP_LOOK;
	if ((item->flags & BLOB_MUTABLE) == 0 && s->retention > 0) {
		p->until = clock_now() + keep;
		if (p->until > CLOCK_MAX)
			p->until = CLOCK_MAX;
	}
	md5_hex(item->data, p->md5);
}

static void
put_clear(struct s3_put *p)
{
	s3_req_clear(&p->req);
	free(p->query);
	free(p->body);
	p->query = p->body = NULL;
}

/* "versionId=..." of the version at hand, after first. */
static int
set_query(struct s3_put *p, const char *first)
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
prepare_extend(struct s3_put *p)
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
prepare(struct s3_put *p, const struct s3_store *s)
{
	struct s3_req *q = &p->req;
	int r = 0;

	s3_req_clear(q);
	*q = (struct s3_req){.key = p->item->key};
	switch (p->step) {
	case STEP_LOOK:
		q->method = S3_HEAD;
		break;
	case STEP_CHECK:
		q->method = S3_HEAD;
		r = set_query(p, "");
		break;
	case STEP_COMPARE:
	case STEP_BYTES:
		q->max = p->item->data.n;
		r = set_query(p, "");
		break;
	case STEP_LOCK:
		r = set_query(p, "retention=");
		break;
	case STEP_EXTEND:
		r = prepare_extend(p);
		break;
	case STEP_WRITE:
	case STEP_DONE:
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
	if (p->step != STEP_LOOK && p->step != STEP_WRITE)
		q->query = p->query;
	return r;
}

/*
 * The next request of every item that is not done.  The first failure ends
 * it, after the answers of the whole round have been looked at.
 */
static int
put_round(struct s3_puts *l, size_t *left, struct err *e)
{
	struct s3_req *reqs[S3_PUT_CHUNK];
	struct s3_put *who[S3_PUT_CHUNK];
	size_t n = 0;
	int r = 0, one;

	l->wait = false;
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].step == STEP_DONE)
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
		one = s3_put_judge(l, who[i], r == 0 ? e : NULL);
		if (one != 0) {
			who[i]->item->result = one;
			who[i]->step = STEP_DONE;
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
	struct s3_puts *l = calloc(1, sizeof(*l));
	int r = 0;

	if (l == NULL)
		return err_nomem(e);
	l->s = (struct s3_store *)b;
	for (size_t i = 0; i < n && r == 0; i += S3_PUT_CHUNK) {
		size_t left = 1;

		l->n = n - i < S3_PUT_CHUNK ? n - i : S3_PUT_CHUNK;
		l->end = clock_mono_ms() + l->s->timeout_ms;
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
