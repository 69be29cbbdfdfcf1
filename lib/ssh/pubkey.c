/* SPDX-License-Identifier: ISC */
#include "lib/ssh/pubkey.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crypto/ecdsa.h"
#include "lib/crypto/rsa.h"
#include "lib/ssh/pubkey_impl.h"

static const struct pubkey_impl *const impls[] = {
    &pubkey_impl_ed25519,
    &pubkey_impl_ecdsa256,
    &pubkey_impl_ecdsa384,
    &pubkey_impl_ecdsa521,
    &pubkey_impl_rsa,
    &pubkey_impl_sk_ed25519,
    &pubkey_impl_sk_ecdsa256,
    NULL,
};

static char no_application[1];

const struct pubkey_impl *
pubkey_impl_find(struct slice name, bool cert)
{
	for (size_t i = 0; impls[i] != NULL; i++)
		if (slice_is(name, cert ? impls[i]->cert_name : impls[i]->name))
			return impls[i];
	return NULL;
}

const struct pubkey_impl *
pubkey_impl_of(enum pubkey_type t)
{
	for (size_t i = 0; impls[i] != NULL; i++)
		if (impls[i]->type == t)
			return impls[i];
	return NULL;
}

/* --- making ---------------------------------------------------------------*/

static uint8_t *
put_string(uint8_t *q, const char *s, size_t n)
{
	*q++ = (uint8_t)(n >> 24);
	*q++ = (uint8_t)(n >> 16);
	*q++ = (uint8_t)(n >> 8);
	*q++ = (uint8_t)n;
	memcpy(q, s, n);
	return q + n;
}

/* One block: the struct, the blob, and room for the application of an sk key,
 * which is shorter than the public part that holds it. */
static int
make(const struct pubkey_impl *impl, struct slice public, struct pubkey **out,
    struct err *e)
{
	const size_t name_len = strlen(impl->name);
	const size_t blob_len = 4 + name_len + public.n;
	struct pubkey *k;
	struct view v;
	uint8_t *q;
	int r;

	if (blob_len > PUBKEY_BLOB_MAX)
		return err_set(e, ERR_LIMIT,
		    "public key is %zu bytes, expected at most %d", blob_len,
		    PUBKEY_BLOB_MAX);
	k = calloc(1, sizeof(*k) + blob_len + (impl->is_sk ? public.n + 1 : 0));
	if (k == NULL)
		return err_nomem(e);
	k->impl = impl;
	k->bits = impl->bits;
	k->blob_len = blob_len;
	q = put_string(k->blob, impl->name, name_len);
	k->public_at = (size_t)(q - k->blob);
	if (public.n > 0)
		memcpy(q, public.p, public.n);
	k->application =
	    impl->is_sk ? (char *)(k->blob + blob_len) : no_application;
	v = view_of(q, public.n);
	if ((r = impl->parse(&v, k, e)) == 0 && view_end(&v) != 0)
		r = err_set(e, ERR_PARSE,
		    "%zu bytes follow the public key, expected none", v.n);
	if (r != 0) {
		pubkey_free(k);
		return r;
	}
	*out = k;
	return 0;
}

int
pubkey_parse_public(const struct pubkey_impl *impl, struct view *v,
    struct pubkey **out, struct err *e)
{
	const uint8_t *start = v->p;
	struct view ahead = *v;
	struct slice s;
	int r;

	for (unsigned i = 0; i < impl->n_strings; i++)
		if (view_get_string(&ahead, &s) != 0)
			return err_set(e, ERR_PARSE,
			    "public key is cut short, expected that of %s",
			    impl->name);
	r = make(impl, slice_of(start, v->n - ahead.n), out, e);
	if (r == 0)
		*v = ahead;
	return r;
}

/* Say what a type is that is not one of ours. */
static int
unknown_type(struct slice name, struct err *e)
{
	char quoted[QUOTE_MAX];

	if (pubkey_impl_find(name, true) != NULL)
		return err_set(e, ERR_PARSE,
		    "this is a certificate, expected a plain public key");
	return err_set(e, ERR_PARSE,
	    "key type %s is not supported, expected "
	    "Ed25519, ECDSA, RSA or a security key",
	    str_quoten(quoted, (const char *)name.p, name.n));
}

int
pubkey_parse(struct slice blob, struct pubkey **out, struct err *e)
{
	const struct pubkey_impl *impl;
	struct view v = view_slice(blob);
	struct slice name;

	if (blob.n > PUBKEY_BLOB_MAX)
		return err_set(e, ERR_LIMIT,
		    "public key is %zu bytes, expected at most %d", blob.n,
		    PUBKEY_BLOB_MAX);
	if (view_get_string(&v, &name) != 0)
		return err_set(e, ERR_PARSE,
		    "public key is cut short, expected its type");
	if ((impl = pubkey_impl_find(name, false)) == NULL)
		return unknown_type(name, e);
	return make(impl, slice_of(v.p, v.n), out, e);
}

int
pubkey_dup(const struct pubkey *k, struct pubkey **out)
{
	return make(k->impl, pubkey_public_part(k), out, NULL);
}

void
pubkey_free(struct pubkey *k)
{
	if (k == NULL)
		return;
	ecdsa_pub_free(k->ecdsa);
	rsa_pub_free(k->rsa);
	free(k);
}

/* --- asking ---------------------------------------------------------------*/

enum pubkey_type
pubkey_type(const struct pubkey *k)
{
	return k->impl->type;
}

const char *
pubkey_type_name(const struct pubkey *k)
{
	return k->impl->name;
}

const char *
pubkey_short_name(const struct pubkey *k)
{
	return k->impl->short_name;
}

bool
pubkey_is_sk(const struct pubkey *k)
{
	return k->impl->is_sk;
}

unsigned
pubkey_bits(const struct pubkey *k)
{
	return k->bits;
}

const char *
pubkey_application(const struct pubkey *k)
{
	return k->application;
}

struct slice
pubkey_blob(const struct pubkey *k)
{
	return slice_of(k->blob, k->blob_len);
}

struct slice
pubkey_public_part(const struct pubkey *k)
{
	return slice_of(k->blob + k->public_at, k->blob_len - k->public_at);
}

bool
pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	return pubkey_compare(a, b) == 0;
}

int
pubkey_compare(const struct pubkey *a, const struct pubkey *b)
{
	if (a->blob_len != b->blob_len)
		return a->blob_len < b->blob_len ? -1 : 1;
	return memcmp(a->blob, b->blob, a->blob_len);
}

void
pubkey_hash(const struct pubkey *k, struct hash *out)
{
	hash_sha256(k->blob, k->blob_len, out);
}

void
pubkey_fingerprint(const struct pubkey *k, char out[FINGERPRINT_MAX])
{
	struct hash h;

	pubkey_hash(k, &h);
	hash_fingerprint(&h, out);
}

const uint8_t *
pubkey_ed25519(const struct pubkey *k)
{
	return k->impl->is_sk ? NULL : k->ed25519;
}

/* --- verifying ------------------------------------------------------------*/

static int
check_alg(const struct pubkey *k, const char *want, struct slice alg,
    struct err *e)
{
	const struct pubkey_impl *impl = k->impl;
	char quoted[QUOTE_MAX];

	if (!(impl->alg_ok != NULL ? impl->alg_ok(alg)
				   : slice_is(alg, impl->name)))
		return err_set(e, ERR_PARSE,
		    "signature algorithm %s does not fit a key of type %s",
		    str_quoten(quoted, (const char *)alg.p, alg.n), impl->name);
	if (want != NULL && !slice_is(alg, want))
		return err_set(e, ERR_PARSE,
		    "signature algorithm is %s, expected %s",
		    str_quoten(quoted, (const char *)alg.p, alg.n), want);
	return 0;
}

int
pubkey_verify(const struct pubkey *k, const char *alg, struct slice sig,
    struct slice msg, struct sk_flags *flags, struct err *e)
{
	struct sk_flags found = {0};
	struct view v = view_slice(sig);
	struct slice name, bytes;
	int r;

	if (view_get_string(&v, &name) != 0 || view_get_string(&v, &bytes) != 0)
		return err_set(e, ERR_PARSE,
		    "signature is cut short, "
		    "expected an algorithm and its bytes");
	if ((r = check_alg(k, alg, name, e)) != 0)
		return r;
	r = k->impl->verify(k, name, bytes, &v, msg, &found, e);
	if (r == ERR_BADSIG)
		return err_set(e, r, "signature does not verify");
	if (r == ERR_CRYPTO)
		return err_set(e, r,
		    "cannot verify a signature with a key of "
		    "type %s: the cryptographic library failed",
		    k->impl->name);
	if (r == 0 && view_end(&v) != 0)
		r = err_set(e, ERR_PARSE,
		    "%zu bytes follow the signature, expected none", v.n);
	if (r == 0 && flags != NULL)
		*flags = found;
	return r;
}
