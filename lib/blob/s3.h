/* SPDX-License-Identifier: ISC */
/*
 * Inside lib/blob: a bucket as a store.
 *
 *	s3.c		opening, reading, probing
 *	s3_put.c	putting: look, write, read back (s3_put.h)
 *	s3_put_judge.c	what the answers to that mean
 *	s3_list.c	listing versions
 *	s3_request.c	requests, many at a time
 *	s3_retry.c	and again, where that may help
 *	s3_error.c	what a failed request tells a person
 */
#ifndef LIB_BLOB_S3_H
#define LIB_BLOB_S3_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/blob/ops.h"
#include "lib/blob/s3_credentials.h"
#include "lib/blob/s3_curl.h"

#define S3_PARALLEL    16                /* requests in flight */
#define S3_XML_MAX     (8 * 1024 * 1024) /* of an answer; a page of 1,000 */
#define S3_PAGES_MAX   1000000           /* a thousand million versions */
#define S3_CODE_MAX    64
#define S3_ETAG_MAX    128
#define S3_VERSION_MAX 1025 /* 1,024 bytes and NUL */
#define S3_MODE_MAX    24

struct s3_store {
	struct blob_store base;
	const struct s3_curl *curl;
	CURLM *multi;
	char *bucket;
	char *prefix; /* "" or "PREFIX/" */
	char *root;   /* "https://host[/bucket]" */
	char *host;   /* "host[:port]", for messages */
	char *region;
	char *sigv4;         /* "aws:amz:REGION:s3" */
	char *cred_spec;     /* NULL: environment */
	struct s3_cred cred; /* id NULL until first needed */
	int64_t retention, partial;
	int timeout_ms, connect_ms;
	size_t parallel;       /* fewer after the server said SlowDown */
	bool no_if_none_match; /* the server does not implement it */
};

enum s3_method { S3_GET, S3_HEAD, S3_PUT };

struct s3_answer {     /* what came back */
	CURLcode curl; /* not CURLE_OK: nothing below is whole */
	int os_errno;
	char detail[CURL_ERROR_SIZE];
	bool too_large; /* more than req.max bytes */
	long status;
	char code[S3_CODE_MAX]; /* of an error document, or "" */
	char etag[S3_ETAG_MAX]; /* without quotes */
	char version[S3_VERSION_MAX];
	char lock_mode[S3_MODE_MAX];
	int64_t lock_until; /* 0: not said */
	int64_t skew;       /* server's clock less ours, seconds */
	int64_t length;     /* -1: not said */
	struct buf *body;
};

struct s3_req {
	enum s3_method method;
	const char *key;   /* ours, without prefix; NULL: the bucket */
	const char *query; /* sorted and escaped as SigV4 wants, or NULL */
	struct slice body; /* of a PUT */
	const char *content_type;
	int64_t lock_until; /* PUT: COMPLIANCE until then; 0: none */
	bool if_none_match;
	bool make_locked; /* PUT of a bucket: with object lock */
	bool first_byte;  /* GET: only that */
	bool was_head;    /* a HEAD asked again with words (s3_run) */
	bool once;        /* not to be repeated blindly: a PUT */
	size_t max;       /* of the answer's body */
	struct s3_answer a;
};

/*
 * Carry out n requests, up to s->parallel at a time, and repeat those that a
 * repetition may help (not those with `once`), within bounds; credentials are
 * read again when they are refused.  0 when every request has its final
 * answer, whatever that is; s3_explain() has the words.  ERR_NOMEM, or the
 * errors of s3_cred_load().
 */
int s3_run(struct s3_store *s, struct s3_req **reqs, size_t n,
    struct err *e) MUST_CHECK;
/* Each once, with the credentials at hand, repeating nothing. */
int s3_run_once(struct s3_store *s, struct s3_req **reqs, size_t n,
    struct err *e) MUST_CHECK;
int s3_run_one(
    struct s3_store *s, struct s3_req *req, struct err *e) MUST_CHECK;
void s3_req_clear(struct s3_req *req); /* the answer's memory */
bool s3_ok(const struct s3_req *req);  /* 2xx, whole */
/* Would the same request later have a chance? */
bool s3_retriable(const struct s3_req *req);
void s3_backoff(int try); /* sleeps: 0.1 s, 0.4 s, then 1.6 s */

/* The sentence for a request that is not s3_ok(); what: "put", "read", ... */
int s3_explain(const struct s3_store *s, const struct s3_req *req,
    const char *what, struct err *e);

/* Escape as RFC 3986 wants it, upper-case hex; '/' too unless keep_slash. */
void s3_escape(struct str *s, const char *text, bool keep_slash);
/* ISO 8601 with or without a fraction, or an HTTP date.  ERR_PARSE. */
int s3_date(
    const struct s3_curl *curl, const char *text, int64_t *out) MUST_CHECK;

/*
 * Make the bucket, with or without object lock; one of one's own that is there
 * already is fine.  For tests and demonstrations; s is from blob_open().
 */
int s3_make_bucket(struct blob_store *s, bool lock, struct err *e) MUST_CHECK;

/* The calls of struct blob_ops that have files of their own. */
int s3_put_many(
    struct blob_store *b, struct blob_item *items, size_t n, struct err *e);
int s3_list(struct blob_store *b, const char *prefix,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct err *e);

/*
 * One page of ListObjectVersions, apart so that tests can feed it.  Keys are
 * given as they are, bucket prefix and all.  each() as for blob_list().
 */
struct s3_page { /* zero-initialise; s3_page_clear */
	bool truncated;
	char *key_marker, *version_marker; /* where the next page begins */
};
int s3_page_read(struct slice doc,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct s3_page *out, struct err *e) MUST_CHECK;
void s3_page_clear(struct s3_page *p);

/*
 * The way through the pages of a listing, which ends whatever a server says:
 * its keys only go up, no place within a key comes twice, and there are at most
 * S3_PAGES_MAX pages.
 */
struct s3_pages { /* zero-initialise; s3_pages_clear */
	struct s3_page at;   /* the page to ask for */
	struct s3_page seen; /* where one of those before began */
	uint64_t n, mark;    /* pages so far; at which `seen` is taken anew */
};
/*
 * Go on to next, which is emptied; last is the last key that was listed, "" for
 * none; host, for the sentence.  ERR_PARSE: it leads back, or around;
 * ERR_LIMIT; ERR_NOMEM.
 */
int s3_pages_move(struct s3_pages *p, struct s3_page *next, const char *last,
    const char *host, struct err *e) MUST_CHECK;
void s3_pages_clear(struct s3_pages *p);

#endif
