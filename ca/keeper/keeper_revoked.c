/* SPDX-License-Identifier: ISC */
/* A certificate that was issued and is asked for again: is it revoked? */
#include <string.h>

#include "ca/keeper/keeper_impl.h"
#include "lib/base/clock.h"

/* What may be revoked of a certificate. */
struct held {
	struct cert cert;
	const char *person; /* or the id of a host */
};

static bool
has_serial(const struct revoke *v, uint64_t serial)
{
	for (size_t i = 0; i < v->n_serials; i++)
		if (v->serials[i] == serial)
			return true;
	return false;
}

/* By which of its names v revokes it; NULL: it does not. */
static const char *
named_by(const struct revoke *v, const struct held *h)
{
	if (has_serial(v, h->cert.serial))
		return "its serial";
	if (v->key_id != NULL && strcmp(v->key_id, h->cert.key_id) == 0)
		return "its key id";
	if (v->person != NULL && strcmp(v->person, h->person) == 0)
		return v->person;
	if (v->key != NULL && pubkey_equal(v->key, h->cert.key))
		return "its key";
	if (v->key != NULL && pubkey_equal(v->key, h->cert.ca))
		return "the key of its CA";
	return NULL;
}

static bool
is_revoked(const struct standing *st, const struct held *h)
{
	return standing_serial_revoked(st, h->cert.serial) ||
	    standing_key_id_revoked(st, h->cert.key_id) ||
	    standing_person_revoked(st, h->person) ||
	    standing_key_revoked(st, h->cert.key) ||
	    standing_key_revoked(st, h->cert.ca);
}

/* 1: that leaf does not revoke it. */
static int
told_by_leaf(struct keeper *k, const struct held *h, uint64_t index,
    struct err *e)
{
	char at[CLOCK_TEXT], id[QUOTE_MAX], why[QUOTE_MAX];
	const char *named = NULL;
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	if ((r = keeper_read_leaf(k->ledger, index, &leaf, e)) != 0)
		goto out;
	if (leaf.kind == LEAF_STATEMENT && leaf.u.s.type == ST_REVOKE)
		named = named_by(&leaf.u.s.u.v, h);
	if (named == NULL) {
		r = 1;
		goto out;
	}
	clock_format(leaf.u.s.at, at);
	r = err_set(e, ERR_DENIED,
	    "the certificate %s was revoked at %s by %s, with %s: %s",
	    str_quote(id, h->cert.key_id), at, leaf.u.s.by, named,
	    str_quote(why, leaf.u.s.u.v.reason));
out:
	leaf_clear(&leaf);
	return r;
}

/* The first that names it; that it is revoked is known. */
static int
told_by_log(struct keeper *k, const struct held *h, struct err *e)
{
	char id[QUOTE_MAX];
	const uint64_t *at;
	size_t n;
	int r = ledger_listed(k->ledger, LTAG_REVOKE, &at, &n, e);

	for (size_t i = 0; i < n && r == 0; i++) {
		r = told_by_leaf(k, h, at[i], e);
		if (r == 1)
			r = 0;
	}
	return r != 0 ? r
		      : err_set(e, ERR_DENIED, "the certificate %s was revoked",
			    str_quote(id, h->cert.key_id));
}

int
keeper_check_revoked(struct keeper *k, const struct statement *request,
    struct slice tbs, struct err *e)
{
	struct held h = {.person = request->by};
	int r;

	cert_init(&h.cert);
	if ((r = cert_parse_tbs(tbs, &h.cert, e)) == 0 &&
	    is_revoked(k->standing, &h))
		r = told_by_log(k, &h, e);
	cert_clear(&h.cert);
	return r;
}
