/* SPDX-License-Identifier: ISC */
#include "lib/crypto/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/evp.h"

static const struct curve {
	int nid;
	const char *group; /* OpenSSL's name */
	const char *hash;
	size_t bytes; /* of a coordinate */
	int (*mod)(BIGNUM *r, const BIGNUM *a, const BIGNUM *p, BN_CTX *ctx);
} curves[] = {
    [ECDSA_P256] = {NID_X9_62_prime256v1, "P-256", "SHA256", 32,
	BN_nist_mod_256},
    [ECDSA_P384] = {NID_secp384r1, "P-384", "SHA384", 48, BN_nist_mod_384},
    [ECDSA_P521] = {NID_secp521r1, "P-521", "SHA512", 66, BN_nist_mod_521},
};
#define N_CURVES (sizeof(curves) / sizeof(*curves))

struct ecdsa_pub {
	const struct curve *curve;
	const EVP_MD *md;
	struct evp_key evp;
	size_t point_len;
	uint8_t point[ECDSA_POINT_MAX];
};

/* Made once and only read afterwards, so threads may share them.  The curve is
 * y^2 = x^3 + ax + b modulo p. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct constants {
	BIGNUM *p, *a, *b;
	EVP_MD *md;
	bool made;
} constants[N_CURVES];

static void
start(void)
{
	for (size_t i = 0; i < N_CURVES; i++) {
		struct constants *c = &constants[i];
		EC_GROUP *g = EC_GROUP_new_by_curve_name(curves[i].nid);

		c->p = BN_new();
		c->a = BN_new();
		c->b = BN_new();
		c->md = EVP_MD_fetch(NULL, curves[i].hash, NULL);
		c->made = g != NULL && c->p != NULL && c->a != NULL &&
		    c->b != NULL && c->md != NULL &&
		    EC_GROUP_get_curve(g, c->p, c->a, c->b, NULL) == 1;
		EC_GROUP_free(g);
	}
}

/*
 * 0, ERR_PARSE or ERR_NOMEM.  EC_POINT_oct2point() would ask the same, at
 * twice the cost, and parsing a subject should be little beside signing it.
 */
static int
satisfies(const struct curve *curve, const struct constants *c,
    struct slice point, BN_CTX *ctx)
{
	BIGNUM *x = BN_CTX_get(ctx), *y = BN_CTX_get(ctx);
	BIGNUM *left = BN_CTX_get(ctx), *right = BN_CTX_get(ctx);
	const int len = (int)curve->bytes;

	if (right == NULL || BN_bin2bn(point.p + 1, len, x) == NULL ||
	    BN_bin2bn(point.p + 1 + len, len, y) == NULL)
		return ERR_NOMEM;
	if (BN_cmp(x, c->p) >= 0 || BN_cmp(y, c->p) >= 0)
		return ERR_PARSE;
	/* (x^2 + a) x + b */
	if (BN_sqr(right, x, ctx) != 1 ||
	    curve->mod(right, right, c->p, ctx) != 1 ||
	    BN_mod_add_quick(right, right, c->a, c->p) != 1 ||
	    BN_mul(right, right, x, ctx) != 1 ||
	    curve->mod(right, right, c->p, ctx) != 1 ||
	    BN_mod_add_quick(right, right, c->b, c->p) != 1 ||
	    BN_sqr(left, y, ctx) != 1 || curve->mod(left, left, c->p, ctx) != 1)
		return ERR_NOMEM;
	return BN_cmp(left, right) == 0 ? 0 : ERR_PARSE;
}

static int
check_point(enum ecdsa_curve c, struct slice point)
{
	BN_CTX *ctx;
	int r;

	if ((ctx = BN_CTX_new()) == NULL)
		return ERR_NOMEM;
	BN_CTX_start(ctx);
	if ((r = satisfies(&curves[c], &constants[c], point, ctx)) != 0)
		ERR_clear_error();
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return r;
}

int
ecdsa_pub_new(enum ecdsa_curve c, struct slice point, struct ecdsa_pub **out)
{
	struct ecdsa_pub *k;
	int r;

	if (pthread_once(&once, start) != 0 || !constants[c].made)
		return ERR_CRYPTO;
	/* The compressed and hybrid forms are others that SSH never uses. */
	if (point.n != 1 + 2 * curves[c].bytes || point.p[0] != 0x04)
		return ERR_PARSE;
	if ((r = check_point(c, point)) != 0)
		return r;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return ERR_NOMEM;
	k->curve = &curves[c];
	k->md = constants[c].md;
	k->point_len = point.n;
	memcpy(k->point, point.p, point.n);
	*out = k;
	return 0;
}

void
ecdsa_pub_free(struct ecdsa_pub *k)
{
	if (k == NULL)
		return;
	evp_clear(&k->evp);
	free(k);
}

static int
make_key(const void *arg, EVP_PKEY **out)
{
	const struct ecdsa_pub *k = arg;
	uint8_t point[ECDSA_POINT_MAX];
	char group[8];
	OSSL_PARAM params[3];

	/* OSSL_PARAM has no const: give it copies. */
	memcpy(point, k->point, k->point_len);
	memcpy(group, k->curve->group, strlen(k->curve->group) + 1);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
	    group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    point, k->point_len);
	params[2] = OSSL_PARAM_construct_end();
	return evp_from_params("EC", params, out);
}

static const struct evp_ops evp_ops = {.make = make_key};

/*
 * The DER form that OpenSSL wants (RFC 3279 2.2.3).  Each number is at most
 * 66 bytes and a sign byte, so the whole fits, and only P-521 needs the long
 * form of the length.
 */
#define DER_MAX (3 + 2 * (2 + 1 + 66))

static uint8_t *
der_integer(uint8_t *q, struct slice v)
{
	const bool sign = (v.p[0] & 0x80) != 0;

	*q++ = 0x02;
	*q++ = (uint8_t)(v.n + sign);
	if (sign)
		*q++ = 0;
	memcpy(q, v.p, v.n);
	return q + v.n;
}

static size_t
der_signature(uint8_t out[DER_MAX], struct slice r, struct slice s)
{
	const size_t n = 4 + r.n + (r.p[0] >> 7) + s.n + (s.p[0] >> 7);
	uint8_t *q = out;

	*q++ = 0x30;
	if (n >= 0x80)
		*q++ = 0x81;
	*q++ = (uint8_t)n;
	q = der_integer(q, r);
	q = der_integer(q, s);
	return (size_t)(q - out);
}

int
ecdsa_pub_verify(struct ecdsa_pub *k, struct slice r, struct slice s,
    struct slice msg)
{
	uint8_t der[DER_MAX], digest[EVP_MAX_MD_SIZE];
	unsigned digest_len;
	EVP_PKEY_CTX *ctx;
	size_t der_len;
	int rc;

	/* Zero and numbers larger than the curve verify nothing. */
	if (r.n == 0 || s.n == 0 || r.n > k->curve->bytes ||
	    s.n > k->curve->bytes)
		return ERR_BADSIG;
	der_len = der_signature(der, r, s);
	if (EVP_Digest(msg.p, msg.n, digest, &digest_len, k->md, NULL) != 1)
		return ERR_CRYPTO;
	if ((rc = evp_borrow(&k->evp, &evp_ops, k, &ctx)) != 0)
		return rc;
	if (EVP_PKEY_verify(ctx, der, der_len, digest, digest_len) != 1) {
		ERR_clear_error();
		rc = ERR_BADSIG;
	}
	evp_return(&k->evp, ctx);
	return rc;
}
