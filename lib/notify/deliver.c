/* SPDX-License-Identifier: ISC */
#include "lib/notify/deliver.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/blob/s3_curl.h"
#include "lib/crypto/hmac.h"
#include "lib/crypto/random.h"
#include "lib/notify/channels_impl.h"
#include "lib/notify/format.h"

#define AGENT "writ"

/* One transfer, and what its callbacks need. */
struct transfer {
	const struct s3_curl *curl;
	CURL *easy;
	struct curl_slist *list; /* headers, recipients */
	struct str body;
	size_t sent;
	const atomic_bool *stop;
	char why[CURL_ERROR_SIZE];
	bool failed; /* out of memory, or a setting was refused */
};

#define SET(t, option, value)                                               \
	do {                                                                \
		if ((t)->curl->easy_setopt((t)->easy, (option), (value)) != \
		    CURLE_OK)                                               \
			(t)->failed = true;                                 \
	} while (0)

/* What a server answers beyond its status is of no interest. */
static size_t
on_answer(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static size_t
on_body(char *to, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t left = t->body.n - t->sent;

	n *= size;
	if (n > left)
		n = left;
	if (n > 0)
		memcpy(to, t->body.p + t->sent, n);
	t->sent += n;
	return n;
}

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct transfer *t = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return t->stop != NULL && atomic_load(t->stop);
}

static int
transfer_open(struct transfer *t, const struct delivery *d, const char *schemes,
    struct err *e)
{
	int r;

	memset(t, 0, sizeof(*t));
	str_init(&t->body);
	t->stop = d->stop;
	if ((r = s3_curl_load(&t->curl, e)) != 0)
		return r;
	if ((t->easy = t->curl->easy_init()) == NULL)
		return err_nomem(e);
	SET(t, CURLOPT_URL, d->channel->url);
	SET(t, CURLOPT_PROTOCOLS_STR, schemes);
	SET(t, CURLOPT_FOLLOWLOCATION, 0L);
	SET(t, CURLOPT_NOSIGNAL, 1L);
	SET(t, CURLOPT_USERAGENT, AGENT);
	SET(t, CURLOPT_TIMEOUT, (long)DELIVER_SECS);
	SET(t, CURLOPT_ERRORBUFFER, t->why);
	SET(t, CURLOPT_WRITEFUNCTION, on_answer);
	SET(t, CURLOPT_NOPROGRESS, 0L);
	SET(t, CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(t, CURLOPT_XFERINFODATA, t);
	return 0;
}

static void
transfer_close(struct transfer *t)
{
	if (t->easy != NULL)
		t->curl->easy_cleanup(t->easy);
	if (t->list != NULL)
		t->curl->slist_free_all(t->list);
	str_clear(&t->body);
}

static void
add(struct transfer *t, struct str *line)
{
	struct curl_slist *l = str_check(line) == 0
	    ? t->curl->slist_append(t->list, line->p)
	    : NULL;

	if (l == NULL)
		t->failed = true;
	else
		t->list = l;
	str_clear(line);
}

/* Faults of the configuration, which no repetition mends. */
static bool
is_final(CURLcode code)
{
	static const CURLcode final[] = {CURLE_UNSUPPORTED_PROTOCOL,
	    CURLE_URL_MALFORMAT, CURLE_PEER_FAILED_VERIFICATION,
	    CURLE_SSL_CACERT_BADFILE, CURLE_LOGIN_DENIED, CURLE_USE_SSL_FAILED,
	    CURLE_ABORTED_BY_CALLBACK};

	for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++)
		if (code == final[i])
			return true;
	return false;
}

static int
perform(struct transfer *t, long *status, struct err *e)
{
	CURLcode code;

	*status = 0;
	if (t->failed || str_check(&t->body) != 0)
		return err_nomem(e);
	code = t->curl->easy_perform(t->easy);
	(void)t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, status);
	if (code == CURLE_OK)
		return 0;
	if (code == CURLE_OUT_OF_MEMORY)
		return err_nomem(e);
	(void)err_set(e, ERR_NET, "%s",
	    t->why[0] != '\0' ? t->why : t->curl->easy_strerror(code));
	return is_final(code) ? ERR_NET : DELIVER_LATER;
}

/* --- webhook -------------------------------------------------------------- */

int
deliver_webhook(const struct delivery *d, struct err *e)
{
	const struct channel *c = d->channel;
	struct str line = STR_INIT;
	struct transfer t;
	long status;
	int r;

	if ((r = transfer_open(&t, d, "http,https", e)) != 0)
		goto out;
	if (c->chat)
		format_chat(d->notice, d->to, &t.body);
	else
		notice_encode(d->notice, d->to, &t.body);
	str_add(&line, "Content-Type: application/json");
	add(&t, &line);
	/* No 100-continue: a server that has none costs a second each time. */
	str_add(&line, "Expect:");
	add(&t, &line);
	if (c->secret != NULL) {
		struct hash mac;

		hmac_sha256(slice_str(c->secret), slice_of(t.body.p, t.body.n),
		    &mac);
		str_add(&line, "X-Writ-Signature: sha256=");
		str_add_hex(&line, mac.b, HASH_LEN);
		add(&t, &line);
	}
	SET(&t, CURLOPT_HTTPHEADER, t.list);
	SET(&t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t.body.n);
	SET(&t, CURLOPT_POSTFIELDS, t.body.p);
	r = perform(&t, &status, e);
	/* Of what was cut off or did not end a status is the answer all the same:
	   whoever was told is not told again. */
	if (r == ERR_NOMEM || (r != 0 && status < 200))
		goto out;
	r = 0;
	if (status >= 200 && status <= 299)
		goto out;
	(void)err_set(e, ERR_NET, "the server answered %ld", status);
	r = status == 408 || status == 429 || status >= 500 ? DELIVER_LATER
							    : ERR_NET;
out:
	transfer_close(&t);
	return r;
}

/* --- mail ----------------------------------------------------------------- */

/* A login, or the wish of a server that can: never in the clear but to this
 * machine. */
static long
tls_wanted(const struct channel *c)
{
	if (strncmp(c->url, "smtps:", 6) == 0)
		return CURLUSESSL_ALL;
	if (url_is_loopback(c->url))
		return CURLUSESSL_NONE;
	return c->user != NULL ? CURLUSESSL_ALL : CURLUSESSL_TRY;
}

static void
set_envelope(struct transfer *t, const struct channel *c, const char *address)
{
	struct str line = STR_INIT;

	str_addf(&line, "<%s>", c->from);
	if (str_check(&line) != 0)
		t->failed = true;
	SET(t, CURLOPT_MAIL_FROM, line.p);
	str_reset(&line);
	str_addf(&line, "<%s>", address);
	add(t, &line);
	SET(t, CURLOPT_MAIL_RCPT, t->list);
	SET(t, CURLOPT_USE_SSL, tls_wanted(c));
	if (c->user != NULL) {
		SET(t, CURLOPT_USERNAME, c->user);
		SET(t, CURLOPT_PASSWORD, c->password);
	}
}

int
deliver_mail(const struct delivery *d, struct err *e)
{
	const struct channel *c = d->channel;
	const char *person = d->to->v[0];
	char *address = NULL, unique[33];
	struct transfer t;
	uint8_t id[16];
	long status = 0;
	int r;

	if ((r = channel_address(c, person, &address)) != 0)
		return err_nomem(e);
	if (address == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "'to' has no mail address for '%s'", person);
	if ((r = transfer_open(&t, d, "smtp,smtps", e)) != 0)
		goto out;
	random_bytes(id, sizeof(id));
	hex_encode(id, sizeof(id), unique);
	format_mail(d->notice, c->from, address, clock_now(), unique, &t.body);
	set_envelope(&t, c, address);
	SET(&t, CURLOPT_UPLOAD, 1L);
	SET(&t, CURLOPT_READFUNCTION, on_body);
	SET(&t, CURLOPT_READDATA, &t);
	r = perform(&t, &status, e);
	/* Which of both it is says the server, also of a login or of TLS. */
	if (r == DELIVER_LATER && status >= 500)
		r = ERR_NET;
	else if (r == ERR_NET && status >= 400 && status <= 499)
		r = DELIVER_LATER;
out:
	transfer_close(&t);
	free(address);
	return r;
}

int
deliver(const struct delivery *d, struct err *e)
{
	switch (d->channel->kind) {
	case CHANNEL_WEBHOOK:
		return deliver_webhook(d, e);
	case CHANNEL_MAIL:
		return deliver_mail(d, e);
	case CHANNEL_EXEC:
		return deliver_exec(d, e);
	}
	return err_set(e, ERR_USAGE, "a channel of no kind");
}
