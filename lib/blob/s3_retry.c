/* SPDX-License-Identifier: ISC */
/*
 * Which requests are worth another try, when, and with which credentials.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/blob/s3.h"

#define TRIES        5
#define TRIES_ABSENT 3  /* where nobody listens */
#define EXPIRES_SOON 60 /* seconds: read credentials anew */

void
s3_backoff(int try)
{
	long ms = 100L << (2 * (try < 2 ? try : 2));
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

bool
s3_ok(const struct s3_req *req)
{
	return req->a.curl == CURLE_OK && req->a.status >= 200 &&
	    req->a.status < 300;
}

bool
s3_retriable(const struct s3_req *req)
{
	const struct s3_answer *a = &req->a;

	if (a->too_large)
		return false;
	switch (a->curl) {
	case CURLE_OK:
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return false;
	default:
		return true;
	}
	return a->status == 500 || a->status == 502 || a->status == 503 ||
	    a->status == 504 || a->status == 429 || a->status == 408 ||
	    (a->status == 409 &&
		(strcmp(a->code, "ConditionalRequestConflict") == 0 ||
		    strcmp(a->code, "OperationAborted") == 0)) ||
	    strcmp(a->code, "RequestTimeout") == 0;
}

/*
 * Read the credentials again.  *changed tells whether another attempt makes
 * sense.
 */
static int
cred_reload(struct s3_store *s, bool *changed, struct err *e)
{
	struct s3_cred c = {0};
	int r;

	if ((r = s3_cred_load(s->cred_spec, &c, e)) != 0)
		return r;
	*changed = s->cred.id == NULL || !s3_cred_equal(&c, &s->cred);
	s3_cred_clear(&s->cred);
	s->cred = c;
	return 0;
}

static int
cred_ready(struct s3_store *s, struct err *e)
{
	bool changed;

	if (s->cred.id != NULL &&
	    (s->cred.expires == 0 ||
		clock_now() + EXPIRES_SOON < s->cred.expires))
		return 0;
	return cred_reload(s, &changed, e);
}

/* A HEAD has no error document; a GET of one byte tells what is wrong. */
static bool
needs_words(const struct s3_req *req)
{
	return req->method == S3_HEAD && req->a.curl == CURLE_OK &&
	    req->a.status >= 300 && req->a.status != 404 && !s3_retriable(req);
}

static int
tries_for(const struct s3_req *req)
{
	return req->a.curl == CURLE_COULDNT_CONNECT ||
		req->a.curl == CURLE_COULDNT_RESOLVE_HOST
	    ? TRIES_ABSENT
	    : TRIES;
}

/*
 * Which of the n requests at todo go out again after this many tries?  They
 * move to the front.
 */
static size_t
again(struct s3_req **todo, size_t n, int tries, bool late, bool *slow,
    bool *refused)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		struct s3_req *req = todo[i];
		bool retry = !req->once && !late && tries < tries_for(req) &&
		    s3_retriable(req);

		*slow |= req->a.status == 503 || req->a.status == 429;
		*refused |= req->a.curl == CURLE_OK && req->a.status == 403;
		if (needs_words(req)) {
			req->method = S3_GET;
			req->first_byte = req->was_head = true;
			retry = true;
		}
		if (retry)
			todo[left++] = req;
	}
	return left;
}

static size_t
refused_again(struct s3_req **todo, struct s3_req **reqs, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		struct s3_req *req = reqs[i];

		if (req->a.curl != CURLE_OK || req->a.status != 403)
			continue;
		if (req->was_head) {
			req->method = S3_HEAD;
			req->first_byte = req->was_head = false;
		}
		todo[left++] = req;
	}
	return left;
}

int
s3_run(struct s3_store *s, struct s3_req **reqs, size_t n, struct err *e)
{
	struct s3_req **todo = calloc(n + 1, sizeof(*todo));
	int64_t end = clock_mono_ms() + s->timeout_ms;
	bool reloaded = false, changed = false;
	size_t left = n;
	int r;

	if (todo == NULL)
		return err_nomem(e);
	memcpy(todo, reqs, n * sizeof(*todo));
	if ((r = cred_ready(s, e)) != 0)
		goto out;
	for (int try = 0; left > 0; try++) {
		bool slow = false, refused = false;

		if ((r = s3_run_once(s, todo, left, e)) != 0)
			goto out;
		/* One more try is allowed whatever the first one took. */
		left = again(todo, left, try + 1,
		    try > 0 && clock_mono_ms() > end, &slow, &refused);
		if (left == 0 && refused && !reloaded) {
			if ((r = cred_reload(s, &changed, e)) != 0)
				goto out;
			reloaded = true;
			if (changed)
				left = refused_again(todo, reqs, n);
			continue;
		}
		if (slow)
			s->parallel = s->parallel > 4 ? s->parallel / 4 : 1;
		else if (s->parallel < S3_PARALLEL)
			s->parallel++;
		if (left > 0)
			s3_backoff(try);
	}
	r = 0;
out:
	free(todo);
	return r;
}

int
s3_run_one(struct s3_store *s, struct s3_req *req, struct err *e)
{
	return s3_run(s, &req, 1, e);
}
