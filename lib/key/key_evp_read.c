/* SPDX-License-Identifier: ISC */
/* ECDSA and RSA keys out of the OpenSSH private format, into OpenSSL. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "lib/key/key_evp.h"

#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 2048

/* A number in memory that OpenSSL wipes, also where it copies it. */
static BIGNUM *
secret_bn(struct slice s)
{
	BIGNUM *bn = BN_secure_new();

	if (bn == NULL)
		return NULL;
	BN_set_flags(bn, BN_FLG_CONSTTIME);
	if (BN_bin2bn(s.p, (int)s.n, bn) == NULL) {
		BN_clear_free(bn);
		return NULL;
	}
	return bn;
}

/* Takes bld. */
static int
pkey_build(const char *type, OSSL_PARAM_BLD *bld, EVP_PKEY **out, struct err *e)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;
	int r = 0;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1) {
		ERR_clear_error();
		r = err_set(e, ERR_PARSE, "malformed %s key", type);
	} else {
		*out = pkey;
	}
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	return r;
}

int
key_ecdsa_read(struct view *v, struct key **out, struct err *e)
{
	struct slice name, q, d;
	const struct curve *c;
	OSSL_PARAM_BLD *bld = NULL;
	EVP_PKEY *pkey = NULL;
	BIGNUM *bn = NULL;
	int r = 0;

	if (view_get_string(v, &name) != 0 || view_get_string(v, &q) != 0 ||
	    view_get_mpint(v, &d) != 0 ||
	    (c = curve_by_ssh_name(name)) == NULL || q.n != 1 + 2 * c->field ||
	    d.n == 0 || d.n > c->field)
		return err_set(e, ERR_PARSE, "malformed ECDSA key");
	bn = secret_bn(d);
	bld = OSSL_PARAM_BLD_new();
	if (bn == NULL || bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
		c->group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, q.p,
		q.n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn) != 1) {
		OSSL_PARAM_BLD_free(bld);
		r = err_nomem(e);
	} else {
		r = pkey_build("EC", bld, &pkey, e);
	}
	BN_clear_free(bn);
	return r != 0 ? r : key_evp_new(pkey, out, e);
}

/* In the file's order; the last two are not in it but follow from it. */
enum { N, E, D, QINV, P, Q, N_FILE, DP = N_FILE, DQ, N_RSA };

static const char *const rsa_names[N_RSA] = {
    [N] = OSSL_PKEY_PARAM_RSA_N,
    [E] = OSSL_PKEY_PARAM_RSA_E,
    [D] = OSSL_PKEY_PARAM_RSA_D,
    [QINV] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    [P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
    [Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
    [DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
    [DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
};

static int
rsa_get(struct view *v, struct slice num[N_FILE], struct err *e)
{
	for (size_t i = 0; i < N_FILE; i++)
		if (view_get_mpint(v, &num[i]) != 0 || num[i].n == 0 ||
		    num[i].n > RSA_BYTES_MAX || num[i].n > num[N].n)
			return err_set(e, ERR_PARSE, "malformed RSA key");
	if (num[N].n < RSA_BYTES_MIN)
		return err_set(e, ERR_PARSE,
		    "an RSA key of %zu bits, expected at least %d",
		    8 * num[N].n, 8 * RSA_BYTES_MIN);
	return 0;
}

/* d mod (prime - 1) */
static BIGNUM *
exponent_of(const BIGNUM *d, const BIGNUM *prime)
{
	BIGNUM *less = BN_dup(prime), *out = BN_secure_new();
	BN_CTX *ctx = BN_CTX_secure_new();
	bool ok = less != NULL && out != NULL && ctx != NULL &&
	    BN_sub_word(less, 1) == 1;

	if (ok) {
		BN_set_flags(less, BN_FLG_CONSTTIME);
		BN_set_flags(out, BN_FLG_CONSTTIME);
		ok = BN_mod(out, d, less, ctx) == 1;
	}
	BN_CTX_free(ctx);
	BN_clear_free(less);
	if (ok)
		return out;
	BN_clear_free(out);
	return NULL;
}

static bool
rsa_numbers(const struct slice num[N_FILE], BIGNUM *bn[N_RSA])
{
	for (size_t i = 0; i < N_FILE; i++)
		if ((bn[i] = secret_bn(num[i])) == NULL)
			return false;
	bn[DP] = exponent_of(bn[D], bn[P]);
	bn[DQ] = exponent_of(bn[D], bn[Q]);
	return bn[DP] != NULL && bn[DQ] != NULL;
}

static OSSL_PARAM_BLD *
rsa_params(BIGNUM *const bn[N_RSA])
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	for (size_t i = 0; bld != NULL && i < N_RSA; i++) {
		if (OSSL_PARAM_BLD_push_BN(bld, rsa_names[i], bn[i]) == 1)
			continue;
		OSSL_PARAM_BLD_free(bld);
		bld = NULL;
	}
	return bld;
}

int
key_rsa_read(struct view *v, struct key **out, struct err *e)
{
	struct slice num[N_FILE];
	BIGNUM *bn[N_RSA] = {NULL};
	OSSL_PARAM_BLD *bld = NULL;
	EVP_PKEY *pkey = NULL;
	int r;

	if ((r = rsa_get(v, num, e)) != 0)
		return r;
	if (!rsa_numbers(num, bn)) {
		ERR_clear_error();
		r = err_set(e, ERR_PARSE, "malformed RSA key");
	} else if ((bld = rsa_params(bn)) == NULL) {
		r = err_nomem(e);
	} else {
		r = pkey_build("RSA", bld, &pkey, e);
	}
	for (size_t i = 0; i < N_RSA; i++)
		BN_clear_free(bn[i]);
	return r != 0 ? r : key_evp_new(pkey, out, e);
}
