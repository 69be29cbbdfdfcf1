/* SPDX-License-Identifier: ISC */
#include "agent/logins/whole.h"

#include <string.h>

#include "agent/logins/scan.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/pubkey.h"

bool
whole_find(struct slice info, struct slice *out)
{
	struct slice rest = info, line, next, type, blob;

	while (rest.n > 0) {
		line = rest;
		if (!scan_split(&line, "\n", &next))
			next = slice_of(NULL, 0);
		rest = next;
		if (!scan_front(&line, "publickey "))
			continue;
		*out = line;
		if (scan_word(&line, &type) &&
		    scan_end(&type, "-cert-v01@openssh.com") &&
		    scan_word(&line, &blob) && line.n == 0)
			return out->n <= WHOLE_MAX;
	}
	return false;
}

/* What the line says is sshd's own: nothing here may say otherwise. */
static bool
is_of(const struct login_event *ev, const struct cert *c,
    const struct hash *key, const struct hash *ca)
{
	return c->kind == CERT_USER &&
	    (!ev->has_key || hash_equal(&ev->key, key)) &&
	    (!ev->has_cert ||
		(hash_equal(&ev->ca, ca) && ev->serial == c->serial));
}

static int
put(struct login_event *ev, const struct cert *c, struct slice blob,
    struct err *e)
{
	struct hash key, ca;
	char *key_id;

	pubkey_hash(c->key, &key);
	pubkey_hash(c->ca, &ca);
	if (!is_of(ev, c, &key, &ca))
		return err_set(e, ERR_DENIED,
		    "a certificate with serial %llu, expected the one of "
		    "sshd's line",
		    (unsigned long long)c->serial);
	if (!ev->has_cert) {
		key_id = scan_clean(slice_str(c->key_id), LOGIN_KEY_ID_MAX);
		if (key_id == NULL)
			return err_nomem(e);
		ev->has_cert = true;
		ev->ca = ca;
		ev->serial = c->serial;
		ev->key_id = key_id;
	}
	ev->has_key = true;
	ev->key = key;
	ev->has_tbs = true;
	hash_sha256(blob.p, c->tbs_len, &ev->tbs);
	return 0;
}

int
whole_take(struct login_event *ev, bool is_cert, struct slice line,
    struct err *e)
{
	struct buf *b = NULL;
	struct cert c;
	int r;

	if (!is_cert && !ev->has_cert)
		return err_set(e, ERR_DENIED,
		    "a certificate, of a login by a line without one");
	if (line.n > WHOLE_MAX)
		return err_set(e, ERR_LIMIT,
		    "a certificate of more than %d bytes", WHOLE_MAX);
	cert_init(&c);
	if (buf_new(&b, WHOLE_MAX) != 0)
		r = err_nomem(e);
	else if ((r = cert_parse_line((const char *)line.p, line.n, b, e)) ==
		0 &&
	    (r = cert_parse(buf_slice(b), &c, e)) == 0)
		r = put(ev, &c, buf_slice(b), e);
	cert_clear(&c);
	buf_free(b);
	return r;
}
