/* SPDX-License-Identifier: ISC */
/* What a failed request tells a person: one sentence for each way to fail. */
#include <stdlib.h>
#include <string.h>

#include "lib/blob/s3.h"

#define SKEW_SAYING \
	60 /* seconds below which the Date header explains nothing */

static const struct {
	const char *code;
	int err;
	const char *text;
	const char *hint;
} known[] = {
    {"InvalidAccessKeyId", ERR_DENIED,
	"the server does not know this access "
	"key",
	"check AWS_ACCESS_KEY_ID, the credentials file or program"},
    {"SignatureDoesNotMatch", ERR_DENIED,
	"the secret key is not the one of "
	"this access key",
	"check AWS_SECRET_ACCESS_KEY, the credentials file "
	"or program"},
    {"ExpiredToken", ERR_DENIED, "the session token has expired",
	"get new credentials"},
    {"InvalidToken", ERR_DENIED, "the session token is not valid",
	"get new credentials"},
    {"AccessDenied", ERR_DENIED,
	"these credentials are not allowed to do "
	"that",
	"allow GetObject, GetObjectVersion, PutObject, "
	"PutObjectRetention, ListBucket and ListBucketVersions"},
    {"AllAccessDisabled", ERR_DENIED, "the bucket is disabled", ""},
    {"NoSuchBucket", ERR_NOTFOUND, "there is no such bucket",
	"make it with versioning and object lock"},
    {"NoSuchKey", ERR_NOTFOUND, "there is no such object", ""},
    {"NoSuchVersion", ERR_NOTFOUND, "there is no such version", ""},
    {"ObjectLockConfigurationNotFoundError", ERR_RECORD,
	"the bucket has no "
	"object lock",
	"make a bucket with object lock enabled; it cannot be "
	"added to every old one"},
    {"NoSuchObjectLockConfiguration", ERR_RECORD,
	"the object is stored, but "
	"without a lock: the server ignored it",
	"use a server that has object "
	"lock"},
    {"PermanentRedirect", ERR_USAGE, "the bucket is in another region",
	"say its region"},
    {"AuthorizationHeaderMalformed", ERR_USAGE,
	"the bucket is in another "
	"region",
	"say its region"},
    {"BadDigest", ERR_NET, "the bytes were changed on the way", ""},
    {"XAmzContentSHA256Mismatch", ERR_NET,
	"the bytes were changed on the "
	"way",
	""},
    {"SlowDown", ERR_NET, "the server is overloaded and asks to slow down",
	"try again later"},
    {"ServiceUnavailable", ERR_NET, "the server is unavailable or overloaded",
	"try again later"},
};

static int
explain_skew(const struct s3_req *req, struct err *e)
{
	int64_t skew = req->a.skew, by = skew < 0 ? -skew : skew;
	const char *way = skew > 0 ? "behind" : "ahead of";
	int r;

	if (by < SKEW_SAYING)
		r = err_set(e, ERR_DENIED,
		    "the server refuses the time of this machine's clock "
		    "(RequestTimeTooSkewed)");
	else if (by < 7200)
		r = err_set(e, ERR_DENIED,
		    "this machine's clock is %d minutes %s the server's "
		    "(RequestTimeTooSkewed)",
		    (int)(by / 60), way);
	else
		r = err_set(e, ERR_DENIED,
		    "this machine's clock is %d hours %d minutes %s the "
		    "server's (RequestTimeTooSkewed)",
		    (int)(by / 3600), (int)(by / 60 % 60), way);
	err_hint(e, "set the clock, or start a time service");
	return r;
}

static int
explain_transport(const struct s3_store *s, const struct s3_req *req,
    struct err *e)
{
	const struct s3_answer *a = &req->a;
	char q[QUOTE_MAX];
	int r;

	switch (a->curl) {
	case CURLE_COULDNT_CONNECT:
		if (a->os_errno != 0) {
			char why[128];

			return err_set(e, ERR_NET, "cannot connect to %s: %s",
			    s->host, strerror_r(a->os_errno, why, sizeof(why)));
		}
		return err_set(e, ERR_NET, "cannot connect to %s", s->host);
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(e, ERR_NET, "cannot resolve the host name of %s",
		    s->host);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_NET,
		    "%s did not answer in time (%d ms to connect, %d ms to "
		    "answer)",
		    s->host, s->connect_ms, s->timeout_ms);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		r = err_set(e, ERR_NET, "no safe TLS connection to %s: %s",
		    s->host, str_quote(q, a->detail));
		err_hint(e, "check the server's certificate and the endpoint");
		return r;
	default:
		return err_set(e, ERR_NET, "the connection to %s broke off: %s",
		    s->host, str_quote(q, a->detail));
	}
}

static int
explain_status(const struct s3_store *s, const struct s3_req *req,
    struct err *e)
{
	const struct s3_answer *a = &req->a;
	const char *code = a->code;
	int r;

	if (strcmp(code, "RequestTimeTooSkewed") == 0)
		return explain_skew(req, e);
	if (code[0] == '\0' && a->status == 403)
		code = "AccessDenied";
	if (code[0] == '\0' && a->status == 404)
		code = req->key == NULL ? "NoSuchBucket" : "NoSuchKey";
	if (code[0] == '\0' && a->status == 503)
		code = "ServiceUnavailable";
	if (code[0] == '\0' && (a->status == 301 || a->status == 307))
		code = "PermanentRedirect";
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(code, known[i].code) != 0)
			continue;
		r = err_set(e, known[i].err, "%s (%ld %s)", known[i].text,
		    a->status, code);
		if (known[i].hint[0] != '\0')
			err_hint(e, "%s", known[i].hint);
		return r;
	}
	r = a->status == 403 ? ERR_DENIED : ERR_NET;
	return err_set(e, r, "%s answered %ld%s%s", s->host, a->status,
	    code[0] == '\0' ? "" : " ", code);
}

int
s3_explain(const struct s3_store *s, const struct s3_req *req, const char *what,
    struct err *e)
{
	int r;

	if (req->a.too_large)
		r = err_set(e, ERR_LIMIT, "more than the %zu bytes expected",
		    req->max);
	else if (req->a.curl != CURLE_OK)
		r = explain_transport(s, req, e);
	else
		r = explain_status(s, req, e);
	if (req->key == NULL)
		err_prefix(e, "%s bucket %s", what, s->bucket);
	else
		err_prefix(e, "%s s3://%s/%s%s", what, s->bucket, s->prefix,
		    req->key);
	return r;
}
