/* SPDX-License-Identifier: ISC */
/* Certificates read, and checked. */
#include "lib/ssh/cert.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ssh/pubkey_impl.h"

void
cert_init(struct cert *c)
{
	memset(c, 0, sizeof(*c));
}

void
cert_clear(struct cert *c)
{
	pubkey_free(c->key);
	free(c->nonce);
	free(c->key_id);
	strs_clear(&c->principals);
	cert_options_clear(&c->critical);
	cert_options_clear(&c->extensions);
	pubkey_free(c->ca);
	free(c->signature);
	cert_init(c);
}

const char *
cert_type_name(enum pubkey_type t)
{
	const struct pubkey_impl *impl = pubkey_impl_of(t);

	return impl != NULL ? impl->cert_name : NULL;
}

/* Why reading a field failed, for people. */
static int
bad_field(int r, const char *what, struct err *e)
{
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r == ERR_LIMIT)
		return err_set(e, r, "certificate has too much %s", what);
	return err_set(e, r, "%s of the certificate is malformed or cut short",
	    what);
}

static int
get_bytes(struct view *v, uint8_t **out, size_t *n)
{
	struct slice s;
	uint8_t *p;

	if (view_get_string(v, &s) != 0)
		return ERR_PARSE;
	if ((p = (uint8_t *)str_dupn(s.p, s.n)) == NULL)
		return ERR_NOMEM;
	*out = p;
	*n = s.n;
	return 0;
}

/* The family, and the subject's key in the middle of the certificate. */
static int
parse_subject(struct view *v, struct cert *c, struct err *e)
{
	const struct pubkey_impl *impl;
	char quoted[QUOTE_MAX];
	struct slice type;
	int r;

	if (view_get_string(v, &type) != 0)
		return bad_field(ERR_PARSE, "type", e);
	if ((impl = pubkey_impl_find(type, true)) == NULL)
		return err_set(e, ERR_PARSE,
		    "certificate type %s is not supported, expected one such "
		    "as ssh-ed25519-cert-v01@openssh.com",
		    str_quoten(quoted, (const char *)type.p, type.n));
	if ((r = get_bytes(v, &c->nonce, &c->nonce_len)) != 0)
		return bad_field(r, "nonce", e);
	if ((r = pubkey_parse_public(impl, v, &c->key, e)) != 0)
		err_prefix(e, "certificate's subject");
	return r;
}

static int
parse_principals(struct view *v, struct strs *out)
{
	struct view list;
	struct slice s;
	int r;

	if (view_get_view(v, &list) != 0)
		return ERR_PARSE;
	while (list.n > 0) {
		if (view_get_string(&list, &s) != 0 ||
		    (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
			return ERR_PARSE;
		if (out->n == CERT_PRINCIPALS_MAX)
			return ERR_LIMIT;
		if ((r = strs_addn(out, s.p, s.n)) != 0)
			return r;
	}
	return 0;
}

/* A value is a string within the string of data; a flag has no data at all. */
static int
parse_value(struct view data, char **out)
{
	int r;

	if (data.n == 0)
		return 0;
	if (data.n > 4 + CERT_OPTION_MAX)
		return ERR_LIMIT;
	if ((r = view_get_cstring(&data, out)) != 0)
		return r;
	return view_end(&data);
}

static int
parse_options(struct view *v, const char *what, struct cert_options *o,
    struct err *e)
{
	struct cert_option *opt;
	struct view list, data;
	int r;

	if (view_get_view(v, &list) != 0)
		return bad_field(ERR_PARSE, what, e);
	while (list.n > 0) {
		if (o->n == CERT_OPTIONS_MAX)
			return bad_field(ERR_LIMIT, what, e);
		opt = &o->v[o->n];
		if ((r = view_get_cstring(&list, &opt->name)) != 0)
			return bad_field(r, what, e);
		o->n++; /* so that it is freed */
		if (view_get_view(&list, &data) != 0)
			return bad_field(ERR_PARSE, what, e);
		if ((r = parse_value(data, &opt->value)) != 0)
			return bad_field(r, what, e);
		if (o->n > 1 && strcmp(opt[-1].name, opt->name) >= 0)
			return err_set(e, ERR_PARSE,
			    "%s of the certificate "
			    "are not in order, or one is there twice; "
			    "expected them sorted by name",
			    what);
	}
	return 0;
}

/* From the serial to the second time. */
static int
parse_middle(struct view *v, struct cert *c, struct err *e)
{
	uint32_t kind;
	int r;

	if (view_get_u64(v, &c->serial) != 0)
		return bad_field(ERR_PARSE, "serial", e);
	if (view_get_u32(v, &kind) != 0 ||
	    (kind != CERT_USER && kind != CERT_HOST))
		return err_set(e, ERR_PARSE,
		    "kind of the certificate is "
		    "another one, expected user (1) or host (2)");
	c->kind = (enum cert_kind)kind;
	if ((r = view_get_cstring(v, &c->key_id)) != 0)
		return bad_field(r, "key id", e);
	if ((r = parse_principals(v, &c->principals)) != 0)
		return bad_field(r, "list of principals", e);
	if (view_get_u64(v, &c->valid_after) != 0 ||
	    view_get_u64(v, &c->valid_before) != 0)
		return bad_field(ERR_PARSE, "validity", e);
	return 0;
}

static int
parse_ca(struct view *v, struct cert *c, struct err *e)
{
	struct slice reserved, blob;
	int r;

	if (view_get_string(v, &reserved) != 0)
		return bad_field(ERR_PARSE, "reserved field", e);
	if (reserved.n != 0)
		return err_set(e, ERR_PARSE,
		    "reserved field of the "
		    "certificate has %zu bytes, expected none",
		    reserved.n);
	if (view_get_string(v, &blob) != 0)
		return bad_field(ERR_PARSE, "CA key", e);
	if ((r = pubkey_parse(blob, &c->ca, e)) != 0)
		err_prefix(e, "certificate's CA");
	return r;
}

static int
parse_tbs(struct view *v, struct cert *c, struct err *e)
{
	const size_t all = v->n;
	int r;

	if (all > CERT_MAX)
		return err_set(e, ERR_LIMIT,
		    "certificate is %zu bytes, expected at most %d", all,
		    CERT_MAX);
	if ((r = parse_subject(v, c, e)) != 0 ||
	    (r = parse_middle(v, c, e)) != 0 ||
	    (r = parse_options(v, "critical options", &c->critical, e)) != 0 ||
	    (r = parse_options(v, "extensions", &c->extensions, e)) != 0 ||
	    (r = parse_ca(v, c, e)) != 0)
		return r;
	c->tbs_len = all - v->n;
	return 0;
}

static int
parse(struct slice blob, bool is_signed, struct cert *c, struct err *e)
{
	struct view v = view_slice(blob);
	struct cert new;
	int r;

	cert_init(&new);
	if ((r = parse_tbs(&v, &new, e)) != 0)
		goto out;
	if (is_signed &&
	    (r = get_bytes(&v, &new.signature, &new.signature_len)) != 0) {
		(void)bad_field(r, "signature", e);
		goto out;
	}
	if (view_end(&v) != 0) {
		r = err_set(e, ERR_PARSE,
		    "%zu bytes follow the certificate, expected none", v.n);
		goto out;
	}
	cert_clear(c);
	*c = new;
	cert_init(&new); /* moved to the caller */
out:
	cert_clear(&new);
	return r;
}

int
cert_parse(struct slice blob, struct cert *c, struct err *e)
{
	return parse(blob, true, c, e);
}

int
cert_parse_tbs(struct slice tbs, struct cert *c, struct err *e)
{
	return parse(tbs, false, c, e);
}

int
cert_verify_by(const struct cert *c, const struct pubkey *ca, struct slice blob,
    struct err *e)
{
	int r;

	if (!pubkey_equal(c->ca, ca))
		return err_set(e, ERR_BADSIG,
		    "certificate is signed by another CA");
	/* A caller that mixes up two blobs must not get a yes. */
	if (blob.n != c->tbs_len + 4 + c->signature_len)
		return err_set(e, ERR_BADSIG,
		    "certificate is not the one that was read");
	r = pubkey_verify(ca, NULL, slice_of(c->signature, c->signature_len),
	    slice_of(blob.p, c->tbs_len), NULL, e);
	if (r != 0)
		err_prefix(e, "certificate");
	return r;
}

int
cert_verify(const struct cert *c, struct slice blob, struct err *e)
{
	return cert_verify_by(c, c->ca, blob, e);
}
