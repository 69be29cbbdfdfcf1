/* SPDX-License-Identifier: ISC */
#include "lib/crypto/rsa.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/evp.h"
#include "lib/crypto/hash.h"

#define MODULUS_MAX  2048 /* bytes */
#define EXPONENT_MAX 8

struct rsa_pub {
	struct slice e, n;
	struct evp_key evp[2]; /* one for each rsa_hash: contexts differ */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *mds[2];

static void
start(void)
{
	mds[RSA_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
	mds[RSA_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL);
}

int
rsa_pub_new(struct slice e, struct slice n, struct rsa_pub **out)
{
	struct rsa_pub *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return ERR_NOMEM;
	k->e = e;
	k->n = n;
	*out = k;
	return 0;
}

void
rsa_pub_free(struct rsa_pub *k)
{
	if (k == NULL)
		return;
	evp_clear(&k->evp[RSA_SHA256]);
	evp_clear(&k->evp[RSA_SHA512]);
	free(k);
}

/* OSSL_PARAM integers are in the machine's order: copy from the far end. */
static void
native(struct slice v, uint8_t *out)
{
	const union {
		uint16_t v;
		uint8_t b[2];
	} probe = {.v = 1};

	if (probe.b[0] == 0) {
		memcpy(out, v.p, v.n);
		return;
	}
	for (size_t i = 0; i < v.n; i++)
		out[i] = v.p[v.n - 1 - i];
}

static int
make_key(const void *arg, EVP_PKEY **out)
{
	const struct rsa_pub *k = arg;
	uint8_t n[MODULUS_MAX], e[EXPONENT_MAX];
	OSSL_PARAM params[3];

	if (k->n.n > sizeof(n) || k->e.n > sizeof(e))
		return ERR_CRYPTO;
	native(k->n, n);
	native(k->e, e);
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, k->n.n);
	params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, k->e.n);
	params[2] = OSSL_PARAM_construct_end();
	return evp_from_params("RSA", params, out);
}

static int
setup(EVP_PKEY_CTX *ctx, const EVP_MD *md)
{
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, md) != 1)
		return ERR_CRYPTO;
	return 0;
}

static int
setup_sha256(const void *arg, EVP_PKEY_CTX *ctx)
{
	(void)arg;
	return setup(ctx, mds[RSA_SHA256]);
}

static int
setup_sha512(const void *arg, EVP_PKEY_CTX *ctx)
{
	(void)arg;
	return setup(ctx, mds[RSA_SHA512]);
}

static const struct evp_ops evp_ops[] = {
    [RSA_SHA256] = {make_key, setup_sha256},
    [RSA_SHA512] = {make_key, setup_sha512},
};

int
rsa_pub_verify(struct rsa_pub *k, enum rsa_hash h, struct slice sig,
    struct slice msg)
{
	uint8_t padded[MODULUS_MAX], digest[HASH512_LEN];
	unsigned digest_len;
	EVP_PKEY_CTX *ctx;
	int r;

	if (pthread_once(&once, start) != 0 || mds[h] == NULL ||
	    k->n.n > sizeof(padded))
		return ERR_CRYPTO;
	if (sig.n > k->n.n || sig.n == 0)
		return ERR_BADSIG;
	memset(padded, 0, k->n.n - sig.n);
	memcpy(padded + (k->n.n - sig.n), sig.p, sig.n);
	if (EVP_Digest(msg.p, msg.n, digest, &digest_len, mds[h], NULL) != 1)
		return ERR_CRYPTO;
	if ((r = evp_borrow(&k->evp[h], &evp_ops[h], k, &ctx)) != 0)
		return r;
	if (EVP_PKEY_verify(ctx, padded, k->n.n, digest, digest_len) != 1) {
		ERR_clear_error();
		r = ERR_BADSIG;
	}
	evp_return(&k->evp[h], ctx);
	return r;
}
