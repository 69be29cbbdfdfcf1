/* SPDX-License-Identifier: ISC */
/*
 * Requests to a bucket, signed by libcurl, many at a time over connections
 * that stay open.
 *
 * libcurl's signer takes what it is given, so path and query come escaped and
 * sorted, x-amz-content-sha256 is sent always, no header is sent empty (it
 * would be signed and left out), X-Amz-Date is left to libcurl (it would be
 * sent twice), and user and password are set apart (a key id may hold a
 * colon).  Bodies come from a callback that cannot rewind: libcurl would
 * otherwise send a PUT twice when a kept connection breaks, which makes two
 * versions of one object.  CURLOPT_NOSIGNAL stays off, since then libcurl keeps
 * SIGPIPE away while it works, which OpenSSL does not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "lib/base/clock.h"
#include "lib/blob/s3.h"
#include "lib/blob/s3_xml.h"
#include "lib/crypto/hash.h"

#define HEAD_MS        10000 /* a HEAD that takes longer will not come */
#define CONN_AGE_SECS  15L   /* servers close idle connections at 20 s */
#define ERROR_BODY_MAX 65536
#define MD5_LEN        16

struct flight { /* a request on its way */
	struct s3_store *s;
	struct s3_req *req;
	CURL *easy;
	struct curl_slist *headers;
	size_t sent;
	bool failed; /* a setting was refused: memory */
};

void
s3_escape(struct str *s, const char *text, bool keep_slash)
{
	for (const char *p = text; *p != '\0'; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') ||
		    (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
		    *p == '-' || *p == '.' || *p == '_' || *p == '~' ||
		    (*p == '/' && keep_slash);

		if (plain)
			str_addc(s, *p);
		else
			str_addf(s, "%%%02X", (unsigned)(unsigned char)*p);
	}
}

int
s3_date(const struct s3_curl *curl, const char *text, int64_t *out)
{
	size_t n = strlen(text);
	char iso[CLOCK_TEXT];
	time_t t;

	/* "2026-11-23T02:36:00Z", "2026-11-23T02:36:00.123456Z" */
	if (n >= 20 && n <= 30 && text[10] == 'T' && text[n - 1] == 'Z') {
		if (n > 20 &&
		    (text[19] != '.' ||
			strspn(text + 20, "0123456789") != n - 21))
			return ERR_PARSE;
		(void)snprintf(iso, sizeof(iso), "%.19sZ", text);
		return clock_parse(iso, out);
	}
	if (curl == NULL || (t = curl->getdate(text, NULL)) == (time_t)-1)
		return ERR_PARSE;
	*out = t;
	return 0;
}

static size_t
on_read(char *to, size_t size, size_t n, void *arg)
{
	struct flight *f = arg;
	size_t left = f->req->body.n - f->sent;

	n *= size;
	if (n > left)
		n = left;
	if (n > 0)
		memcpy(to, f->req->body.p + f->sent, n);
	f->sent += n;
	return n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct flight *f = arg;

	n *= size;
	switch (buf_put(f->req->a.body, p, n)) {
	case 0:
		return n;
	case ERR_LIMIT:
		f->req->a.too_large = true;
		return 0;
	default:
		f->failed = true;
		return 0;
	}
}

/* The value of header name in line, or NULL; cut to n - 1 bytes it is ''. */
static bool
header_is(struct slice line, const char *name, char *out, size_t n)
{
	size_t len = strlen(name);
	struct slice v;

	if (line.n <= len || line.p[len] != ':' ||
	    strncasecmp((const char *)line.p, name, len) != 0)
		return false;
	v = slice_of(line.p + len + 1, line.n - len - 1);
	while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '"'))
		v = slice_of(v.p + 1, v.n - 1);
	while (v.n > 0 && strchr("\r\n \"", v.p[v.n - 1]) != NULL)
		v.n--;
	if (v.n >= n || memchr(v.p, '\0', v.n) != NULL)
		v.n = 0;
	memcpy(out, v.p, v.n);
	out[v.n] = '\0';
	return true;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct flight *f = arg;
	struct s3_answer *a = &f->req->a;
	struct slice line = slice_of(p, size * n);
	char v[S3_CODE_MAX] = "";
	int64_t date;

	if (header_is(line, "etag", a->etag, sizeof(a->etag)) ||
	    header_is(line, "x-amz-version-id", a->version,
		sizeof(a->version)) ||
	    header_is(line, "x-amz-object-lock-mode", a->lock_mode,
		sizeof(a->lock_mode)))
		return line.n;
	if (header_is(line, "x-amz-object-lock-retain-until-date", v,
		sizeof(v))) {
		if (s3_date(f->s->curl, v, &a->lock_until) != 0)
			a->lock_until = 0;
	} else if (header_is(line, "content-length", v, sizeof(v))) {
		uint64_t len;

		if (parse_u64(v, 0, INT64_MAX, &len) == 0)
			a->length = (int64_t)len;
	} else if (header_is(line, "date", v, sizeof(v))) {
		if (s3_date(f->s->curl, v, &date) == 0)
			a->skew = date - clock_now();
	}
	return line.n;
}

static void
add_header(struct flight *f, const char *fmt, const char *value)
{
	struct curl_slist *l;
	struct str s = STR_INIT;

	str_add(&s, fmt);
	str_add(&s, value);
	l = str_check(&s) == 0 ? f->s->curl->slist_append(f->headers, s.p)
			       : NULL;
	str_clear(&s); /* wiped: it may hold the session token */
	if (l == NULL)
		f->failed = true;
	else
		f->headers = l;
}

static void
add_base64(struct flight *f, const char *name, const void *p, size_t n)
{
	struct str s = STR_INIT;

	str_add_base64(&s, p, n);
	if (str_check(&s) != 0)
		f->failed = true;
	else
		add_header(f, name, s.p);
	str_clear(&s);
}

/* What the widest set of servers takes as proof that the body arrived whole. */
static void
add_checksums(struct flight *f, const struct hash *sha)
{
	struct slice body = f->req->body;
	uint8_t md5[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	add_base64(f, "x-amz-checksum-sha256: ", sha->b, HASH_LEN);
	/* A FIPS provider has no MD5; the other two do then. */
	if (EVP_Digest(body.n == 0 ? (const void *)"" : body.p, body.n, md5, &n,
		EVP_md5(), NULL) == 1 &&
	    n == MD5_LEN)
		add_base64(f, "Content-MD5: ", md5, n);
}

static void
add_headers(struct flight *f)
{
	const struct s3_req *req = f->req;
	char hex[HASH_HEX], date[CLOCK_TEXT];
	struct hash sha;

	hash_sha256(req->body.p, req->body.n, &sha);
	hash_hex(&sha, hex);
	add_header(f, "x-amz-content-sha256: ", hex);
	if (f->s->cred.token != NULL)
		add_header(f, "x-amz-security-token: ", f->s->cred.token);
	if (req->first_byte)
		add_header(f, "Range: ", "bytes=0-0");
	if (req->method != S3_PUT)
		return;
	add_checksums(f, &sha);
	if (req->content_type != NULL)
		add_header(f, "Content-Type: ", req->content_type);
	if (req->if_none_match)
		add_header(f, "If-None-Match: ", "*");
	if (req->make_locked)
		add_header(f, "x-amz-bucket-object-lock-enabled: ", "true");
	if (req->lock_until != 0) {
		clock_format(req->lock_until, date);
		add_header(f, "x-amz-object-lock-mode: ", "COMPLIANCE");
		add_header(f, "x-amz-object-lock-retain-until-date: ", date);
	}
}

static char *
make_url(const struct s3_store *s, const struct s3_req *req)
{
	struct str u = STR_INIT;
	char *out = NULL;

	str_add(&u, s->root);
	str_addc(&u, '/');
	if (req->key != NULL) {
		s3_escape(&u, s->prefix, true);
		s3_escape(&u, req->key, true);
	}
	if (req->query != NULL)
		str_addf(&u, "?%s", req->query);
	return str_take(&u, &out) == 0 ? out : NULL;
}

static void
answer_reset(struct s3_req *req)
{
	struct buf *body = req->a.body;

	req->a = (struct s3_answer){.body = body, .length = -1};
}

#define SET(f, option, value)                                          \
	((f)->failed |= (f)->s->curl->easy_setopt((f)->easy, (option), \
			    (value)) != CURLE_OK)

static void
set_method(struct flight *f)
{
	if (f->req->method == S3_HEAD) {
		SET(f, CURLOPT_NOBODY, 1L);
	} else if (f->req->method == S3_PUT) {
		SET(f, CURLOPT_UPLOAD, 1L);
		SET(f, CURLOPT_INFILESIZE_LARGE, (curl_off_t)f->req->body.n);
	} else {
		SET(f, CURLOPT_HTTPGET, 1L);
	}
}

static void
set_options(struct flight *f, const char *url)
{
	const struct s3_store *s = f->s;
	const char *ca = getenv("AWS_CA_BUNDLE");
	int ms = s->timeout_ms;

	if (f->req->method == S3_HEAD && ms > HEAD_MS)
		ms = HEAD_MS;
	SET(f, CURLOPT_URL, url);
	SET(f, CURLOPT_PRIVATE, (void *)f);
	SET(f, CURLOPT_PATH_AS_IS, 1L);
	if (ca != NULL && *ca != '\0')
		SET(f, CURLOPT_CAINFO, ca);
	SET(f, CURLOPT_NOPROGRESS, 1L);
	SET(f, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(f, CURLOPT_TIMEOUT_MS, (long)ms);
	SET(f, CURLOPT_CONNECTTIMEOUT_MS, (long)s->connect_ms);
	SET(f, CURLOPT_MAXAGE_CONN, CONN_AGE_SECS);
	SET(f, CURLOPT_TCP_NODELAY, 1L);
	SET(f, CURLOPT_USERAGENT, "writ");
	SET(f, CURLOPT_AWS_SIGV4, s->sigv4);
	SET(f, CURLOPT_USERNAME, s->cred.id);
	SET(f, CURLOPT_PASSWORD, s->cred.secret);
	SET(f, CURLOPT_ERRORBUFFER, f->req->a.detail);
	SET(f, CURLOPT_HTTPHEADER, f->headers);
	SET(f, CURLOPT_READFUNCTION, on_read);
	SET(f, CURLOPT_READDATA, (void *)f);
	SET(f, CURLOPT_WRITEFUNCTION, on_body);
	SET(f, CURLOPT_WRITEDATA, (void *)f);
	SET(f, CURLOPT_HEADERFUNCTION, on_header);
	SET(f, CURLOPT_HEADERDATA, (void *)f);
	set_method(f);
}

static void
flight_clear(struct flight *f)
{
	struct s3_store *s = f->s;

	if (f->easy != NULL)
		s->curl->easy_cleanup(f->easy);
	if (f->headers != NULL)
		s->curl->slist_free_all(f->headers);
	f->easy = NULL;
	f->headers = NULL;
	f->req = NULL;
}

/* On the way: f->req is set until it is back.  ERR_NOMEM. */
static int
flight_start(struct flight *f, struct s3_store *s, struct s3_req *req)
{
	size_t max = req->max > ERROR_BODY_MAX ? req->max : ERROR_BODY_MAX;
	char *url = NULL;
	int r = ERR_NOMEM;

	*f = (struct flight){.s = s, .req = req};
	buf_free(req->a.body);
	req->a.body = NULL;
	answer_reset(req);
	if ((url = make_url(s, req)) == NULL ||
	    buf_new(&req->a.body, max) != 0 ||
	    (f->easy = s->curl->easy_init()) == NULL)
		goto out;
	add_headers(f);
	set_options(f, url);
	if (f->failed ||
	    s->curl->multi_add_handle(s->multi, f->easy) != CURLM_OK)
		goto out;
	r = 0;
out:
	free(url);
	if (r != 0)
		flight_clear(f);
	return r;
}

/* The answer is here: note what it says.  ERR_NOMEM. */
static int
flight_land(struct flight *f, CURLcode code)
{
	struct s3_store *s = f->s;
	struct s3_answer *a = &f->req->a;
	bool failed = f->failed;
	long os = 0;

	a->curl = code;
	(void)s->curl->easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE,
	    &a->status);
	(void)s->curl->easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &os);
	a->os_errno = (int)os;
	if (code != CURLE_OK && a->detail[0] == '\0')
		(void)snprintf(a->detail, sizeof(a->detail), "%s",
		    s->curl->easy_strerror(code));
	if (code == CURLE_OK && a->status >= 300 && buf_len(a->body) > 0 &&
	    s3_xml_find(buf_slice(a->body), "Code", a->code, sizeof(a->code)) !=
		0)
		a->code[0] = '\0';
	for (char *p = a->code; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?'; /* it goes into messages */
	(void)s->curl->multi_remove_handle(s->multi, f->easy);
	flight_clear(f);
	return failed ? ERR_NOMEM : code == CURLE_OUT_OF_MEMORY ? ERR_NOMEM : 0;
}

static int
land_all(struct s3_store *s, size_t *active)
{
	CURLMsg *m;
	int left, r = 0, one;

	while ((m = s->curl->multi_info_read(s->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		char *arg = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)s->curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
		    &arg);
		one = flight_land((struct flight *)(void *)arg, code);
		if (r == 0)
			r = one;
		--*active;
	}
	return r;
}

int
s3_run_once(struct s3_store *s, struct s3_req **reqs, size_t n, struct err *e)
{
	struct flight fl[S3_PARALLEL] = {0};
	size_t next = 0, active = 0;
	int r = 0, running;

	while ((next < n && r == 0) || (active > 0 && r == 0)) {
		for (size_t i = 0; i < s->parallel && next < n && r == 0; i++)
			if (fl[i].req == NULL &&
			    (r = flight_start(&fl[i], s, reqs[next])) == 0) {
				next++;
				active++;
			}
		if (r == 0 &&
		    s->curl->multi_perform(s->multi, &running) != CURLM_OK)
			r = ERR_NOMEM;
		if (r == 0)
			r = land_all(s, &active);
		if (r == 0 && active > 0 &&
		    (next == n || active == s->parallel))
			(void)s->curl->multi_poll(s->multi, NULL, 0, 1000,
			    NULL);
	}
	for (size_t i = 0; i < S3_PARALLEL; i++)
		if (fl[i].req != NULL) {
			(void)s->curl->multi_remove_handle(s->multi,
			    fl[i].easy);
			flight_clear(&fl[i]);
		}
	return r == 0 ? 0 : err_nomem(e);
}

void
s3_req_clear(struct s3_req *req)
{
	buf_free(req->a.body);
	req->a.body = NULL;
}
