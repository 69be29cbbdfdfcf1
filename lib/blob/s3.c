/* SPDX-License-Identifier: ISC */
/* A bucket as a store: opening, reading, probing. */
#include "lib/blob/s3.h"

#include <stdlib.h>
#include <string.h>

#include "lib/blob/s3_xml.h"

#define DAY            86400
#define PARTIAL_SECS   (7 * DAY)
#define TIMEOUT_MS     30000
#define CONNECT_MS     5000
#define TIMEOUT_MAX_MS 3600000
#define BUCKET_MIN     3
#define BUCKET_MAX     63
#define REGION_MAX     64
#define DEFAULT_REGION "us-east-1"

static const struct blob_ops s3_ops;

static bool
all_of(const char *s, const char *chars)
{
	return s[strspn(s, chars)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* "BUCKET[/PREFIX[/]]" */
static int
parse_place(struct s3_store *s, const char *rest, struct err *e)
{
	const char *slash = strchr(rest, '/');
	size_t n = slash == NULL ? strlen(rest) : (size_t)(slash - rest), m;
	char q[QUOTE_MAX];
	struct str p = STR_INIT;

	if ((s->bucket = str_dupn(rest, n)) == NULL)
		return err_nomem(e);
	if (n < BUCKET_MIN || n > BUCKET_MAX || s->bucket[0] == '.' ||
	    s->bucket[0] == '-' || !all_of(s->bucket, LOWER ".-"))
		return err_set(e, ERR_PARSE,
		    "%s is not a bucket, expected 3 to 63 of [a-z0-9.-]",
		    str_quote(q, s->bucket));
	if (slash != NULL)
		str_add(&p, slash + 1);
	m = p.n;
	if (m > 0 && p.p[m - 1] != '/')
		str_addc(&p, '/');
	if (str_take(&p, &s->prefix) != 0)
		return err_nomem(e);
	if ((m = strlen(s->prefix)) > 0) {
		int r;

		s->prefix[m - 1] = '\0';
		r = blob_key_check(s->prefix);
		if (r != 0)
			return err_set(e, ERR_PARSE,
			    "%s is not a prefix, expected parts of "
			    "[A-Za-z0-9._-] joined by '/'",
			    str_quote(q, s->prefix));
		s->prefix[m - 1] = '/';
	}
	return 0;
}

static int
parse_region(struct s3_store *s, const char *region, struct err *e)
{
	struct str v = STR_INIT;
	char q[QUOTE_MAX];

	if (region == NULL || *region == '\0')
		region = getenv("AWS_REGION");
	if (region == NULL || *region == '\0')
		region = getenv("AWS_DEFAULT_REGION");
	if (region == NULL || *region == '\0')
		region = DEFAULT_REGION;
	/* It becomes part of a host name and of libcurl's colon-parted list. */
	if (strlen(region) > REGION_MAX || !all_of(region, LOWER UPPER "_-"))
		return err_set(e, ERR_PARSE,
		    "%s is not a region, expected one such as us-east-1",
		    str_quote(q, region));
	str_addf(&v, "aws:amz:%s:s3", region);
	s->region = str_dup(region);
	if (str_take(&v, &s->sigv4) != 0 || s->region == NULL)
		return err_nomem(e);
	return 0;
}

/* "https://host[:port]", and the bucket's place in it. */
static int
parse_endpoint(struct s3_store *s, const char *endpoint, bool virtual_host,
    struct err *e)
{
	const char *scheme = "https://", *host = endpoint;
	struct str h = STR_INIT, root = STR_INIT;
	char q[QUOTE_MAX];
	int r = 0;

	if (endpoint == NULL) {
		str_addf(&h, "s3.%s.amazonaws.com", s->region);
	} else {
		if (strncmp(host, "http://", 7) == 0)
			scheme = "http://";
		else if (strncmp(host, scheme, 8) != 0)
			host = "";
		if (*host != '\0')
			host += strlen(scheme);
		str_add(&h, host);
		if (h.n > 0 && h.p[h.n - 1] == '/')
			h.p[--h.n] = '\0';
	}
	if (str_check(&h) == 0 &&
	    (h.n == 0 || h.n > 255 || !all_of(h.p, LOWER UPPER "_-.:[]"))) {
		r = err_set(e, ERR_PARSE,
		    "%s is not an endpoint, expected https://HOST[:PORT]",
		    str_quote(q, endpoint == NULL ? "" : endpoint));
		goto out;
	}
	if (virtual_host)
		str_addf(&root, "%s%s.%s", scheme, s->bucket, h.p);
	else
		str_addf(&root, "%s%s/%s", scheme, h.p, s->bucket);
	if (str_take(&root, &s->root) != 0 || str_take(&h, &s->host) != 0)
		r = err_nomem(e);
out:
	str_clear(&h);
	str_clear(&root);
	return r;
}

static int
parse_numbers(struct s3_store *s, const struct blob_config *c, struct err *e)
{
	if (c->retention_secs < 0 || c->partial_secs < 0 || c->timeout_ms < 0 ||
	    c->connect_ms < 0 || c->timeout_ms > TIMEOUT_MAX_MS ||
	    c->connect_ms > TIMEOUT_MAX_MS)
		return err_set(e, ERR_PARSE,
		    "a retention or time limit of a bucket is out of range");
	s->retention = c->retention_secs;
	s->partial = c->partial_secs;
	/* By default a partial tile is never kept longer than a whole one. */
	if (s->partial == 0)
		s->partial =
		    s->retention < PARTIAL_SECS ? s->retention : PARTIAL_SECS;
	s->timeout_ms = c->timeout_ms != 0 ? c->timeout_ms : TIMEOUT_MS;
	s->connect_ms = c->connect_ms != 0 ? c->connect_ms : CONNECT_MS;
	s->parallel = S3_PARALLEL;
	return 0;
}

static void
s3_close(struct blob_store *b)
{
	struct s3_store *s = (struct s3_store *)b;

	if (s->multi != NULL)
		(void)s->curl->multi_cleanup(s->multi);
	s3_cred_clear(&s->cred);
	free(s->bucket);
	free(s->prefix);
	free(s->root);
	free(s->host);
	free(s->region);
	free(s->sigv4);
	free(s->cred_spec);
}

int
s3_open(const char *rest, const struct blob_config *config,
    struct blob_store **out, struct err *e)
{
	struct s3_store *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return err_nomem(e);
	s->base.ops = &s3_ops;
	s->base.remote = true;
	if ((r = parse_place(s, rest, e)) != 0 ||
	    (r = parse_region(s, config->region, e)) != 0 ||
	    (r = parse_endpoint(s, config->endpoint, config->virtual_host,
		 e)) != 0 ||
	    (r = parse_numbers(s, config, e)) != 0)
		goto fail;
	if ((r = s3_cred_check(config->credentials, e)) != 0)
		goto fail;
	if (config->credentials != NULL &&
	    (s->cred_spec = str_dup(config->credentials)) == NULL) {
		r = err_nomem(e);
		goto fail;
	}
	if ((r = s3_curl_load(&s->curl, e)) != 0)
		goto fail;
	if ((s->multi = s->curl->multi_init()) == NULL) {
		r = err_nomem(e);
		goto fail;
	}
	(void)s->curl->multi_setopt(s->multi, CURLMOPT_MAXCONNECTS,
	    (long)S3_PARALLEL);
	*out = &s->base;
	return 0;
fail:
	s3_close(&s->base);
	free(s);
	return r;
}

static int
s3_get(struct blob_store *b, const char *key, const char *version, size_t max,
    uint8_t **out, size_t *n, struct err *e)
{
	struct s3_store *s = (struct s3_store *)b;
	struct s3_req req = {.method = S3_GET, .key = key, .max = max};
	struct str q = STR_INIT;
	int r;

	if (version != NULL) {
		str_add(&q, "versionId=");
		s3_escape(&q, version, false);
		req.query = q.p;
		if (str_check(&q) != 0) {
			r = err_nomem(e);
			goto out;
		}
	}
	if ((r = s3_run_one(s, &req, e)) != 0)
		goto out;
	/* The buffer also has room for an error document. */
	req.a.too_large |= s3_ok(&req) && buf_len(req.a.body) > max;
	if (!s3_ok(&req) || req.a.too_large) {
		r = s3_explain(s, &req, "read", e);
		goto out;
	}
	buf_take(req.a.body, out, n);
	if (*out == NULL && (*out = calloc(1, 1)) == NULL)
		r = err_nomem(e);
out:
	s3_req_clear(&req);
	str_clear(&q);
	return r;
}

/*
 * By GET of one byte: a HEAD cannot tell a missing object from a missing
 * bucket.
 */
static int
s3_exists(struct blob_store *b, const char *key, struct err *e)
{
	struct s3_store *s = (struct s3_store *)b;
	struct s3_req req = {.method = S3_GET, .key = key, .first_byte = true};
	int r;

	if ((r = s3_run_one(s, &req, e)) != 0)
		goto out;
	if (s3_ok(&req) || (req.a.curl == CURLE_OK && req.a.status == 416))
		goto out; /* 416: there, and empty */
	r = s3_explain(s, &req, "look for", e);
	if (r == ERR_NOTFOUND && strcmp(req.a.code, "NoSuchBucket") != 0)
		r = 1;
out:
	s3_req_clear(&req);
	return r;
}

/*
 * One setting of the bucket: the text of leaf `name`, or "".  *heard: it is what
 * was asked for, not the list of objects of a server that has no such setting.
 */
static int
bucket_setting(struct s3_store *s, const char *query, const char *name,
    char *out, size_t n, bool *heard, struct err *e)
{
	struct s3_req req = {
	    .method = S3_GET, .query = query, .max = S3_XML_MAX};
	int r;

	out[0] = '\0';
	*heard = false;
	if ((r = s3_run_one(s, &req, e)) != 0)
		goto out;
	if (!s3_ok(&req)) {
		r = s3_explain(s, &req, "probe", e);
		goto out;
	}
	r = s3_xml_find(buf_slice(req.a.body), name, out, n);
	*heard = !s3_xml_is(buf_slice(req.a.body), "ListBucketResult");
	if (r == ERR_NOTFOUND || buf_len(req.a.body) == 0)
		r = 0;
	if (r != 0)
		(void)err_set(e, r,
		    "probe bucket %s: the answer of %s is not what S3 says",
		    s->bucket, s->host);
out:
	s3_req_clear(&req);
	return r;
}

static int
s3_probe(struct blob_store *b, struct err *e)
{
	struct s3_store *s = (struct s3_store *)b;
	char value[S3_CODE_MAX];
	bool heard;
	int r;

	r = bucket_setting(s, "versioning=", "Status", value, sizeof(value),
	    &heard, e);
	if (r != 0)
		return r;
	if (strcmp(value, "Enabled") != 0) {
		r = err_set(e, ERR_RECORD,
		    "probe bucket %s: it is not versioned, so that a record "
		    "could be overwritten",
		    s->bucket);
		err_hint(e, "make a bucket with versioning and object lock");
		return r;
	}
	if (s->retention == 0)
		return 0;
	r = bucket_setting(s, "object-lock=", "ObjectLockEnabled", value,
	    sizeof(value), &heard, e);
	if (r != 0)
		return r;
	if (!heard) {
		r = err_set(e, ERR_RECORD,
		    "probe bucket %s: %s does not know object locks, so that a "
		    "record could be deleted",
		    s->bucket, s->host);
		err_hint(e, "use a server that has object lock");
		return r;
	}
	if (strcmp(value, "Enabled") != 0) {
		r = err_set(e, ERR_RECORD,
		    "probe bucket %s: it has no object lock, so that a record "
		    "could be deleted",
		    s->bucket);
		err_hint(e, "make a bucket with object lock enabled");
		return r;
	}
	return 0;
}

int
s3_make_bucket(struct blob_store *b, bool lock, struct err *e)
{
	struct s3_store *s = (struct s3_store *)b;
	struct s3_req req = {.method = S3_PUT, .make_locked = lock};
	struct str body = STR_INIT;
	int r;

	if (!b->remote)
		return err_set(e, ERR_USAGE, "%s is not a bucket", b->url);
	if (strcmp(s->region, DEFAULT_REGION) != 0)
		str_addf(&body,
		    "<CreateBucketConfiguration><LocationConstraint>%s"
		    "</LocationConstraint></CreateBucketConfiguration>",
		    s->region);
	if (str_check(&body) != 0) {
		r = err_nomem(e);
		goto out;
	}
	req.body = slice_of(body.p, body.n);
	if ((r = s3_run_one(s, &req, e)) != 0)
		goto out;
	if (!s3_ok(&req) && strcmp(req.a.code, "BucketAlreadyOwnedByYou") != 0)
		r = s3_explain(s, &req, "make", e);
out:
	s3_req_clear(&req);
	str_clear(&body);
	return r;
}

static const struct blob_ops s3_ops = {
    .probe = s3_probe,
    .put_many = s3_put_many,
    .get = s3_get,
    .exists = s3_exists,
    .list = s3_list,
    .close = s3_close,
};
