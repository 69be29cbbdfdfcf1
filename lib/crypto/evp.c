/* SPDX-License-Identifier: ISC */
#include "lib/crypto/evp.h"

#include <openssl/err.h>

int
evp_from_params(const char *type, OSSL_PARAM params[], EVP_PKEY **out)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	int r = ERR_CRYPTO;

	if ((ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1) {
		*out = key;
		r = 0;
	}
	/* What OpenSSL has to say about it is left for nobody else to find. */
	if (r != 0)
		ERR_clear_error();
	EVP_PKEY_CTX_free(ctx);
	return r;
}

/* The key, made by whoever comes first; a second maker drops his own. */
static int
shared_key(struct evp_key *k, const struct evp_ops *ops, const void *arg,
    EVP_PKEY **out)
{
	EVP_PKEY *key = atomic_load(&k->key), *mine = NULL;
	int r;

	if (key == NULL) {
		if ((r = ops->make(arg, &mine)) != 0)
			return r;
		if (atomic_compare_exchange_strong(&k->key, &key, mine))
			key = mine;
		else
			EVP_PKEY_free(mine);
	}
	*out = key;
	return 0;
}

int
evp_borrow(struct evp_key *k, const struct evp_ops *ops, const void *arg,
    EVP_PKEY_CTX **out)
{
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;
	int r;

	if ((ctx = atomic_exchange(&k->spare, NULL)) != NULL) {
		*out = ctx;
		return 0;
	}
	if ((r = shared_key(k, ops, arg, &key)) != 0)
		return r;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    (ops->setup != NULL && ops->setup(arg, ctx) != 0)) {
		ERR_clear_error();
		EVP_PKEY_CTX_free(ctx);
		return ERR_CRYPTO;
	}
	*out = ctx;
	return 0;
}

void
evp_return(struct evp_key *k, EVP_PKEY_CTX *ctx)
{
	EVP_PKEY_CTX *none = NULL;

	if (!atomic_compare_exchange_strong(&k->spare, &none, ctx))
		EVP_PKEY_CTX_free(ctx);
}

void
evp_clear(struct evp_key *k)
{
	EVP_PKEY_CTX_free(atomic_exchange(&k->spare, NULL));
	EVP_PKEY_free(atomic_exchange(&k->key, NULL));
}
