/* SPDX-License-Identifier: ISC */
/* PEM private keys (PKCS#1, SEC 1, PKCS#8, encrypted or not), by OpenSSL. */
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/crypto/secmem.h"
#include "lib/key/key_impl.h"

/*
 * OpenSSL asks once per decoder that it tries, so the answer is kept; the
 * first failure is kept too, for it is what the reader wants to know.
 */
struct asking {
	const struct passphrase *pass;
	const char *name;
	char *phrase; /* in locked memory */
	size_t n;
	int failed;
	bool asked;
	struct err *e;
};

static int
on_passphrase(char *out, size_t max, size_t *n, const OSSL_PARAM params[],
    void *ctx)
{
	struct asking *a = ctx;

	(void)params;
	if (!a->asked) {
		a->asked = true;
		a->failed =
		    passphrase_get(a->pass, a->name, &a->phrase, &a->n, a->e);
	}
	if (a->failed != 0 || a->n > max)
		return 0;
	memcpy(out, a->phrase, a->n);
	*n = a->n;
	return 1;
}

/*
 * `openssl ecparam -genkey` writes the curve first, which OpenSSL's decoder
 * takes for all there is.  The key after it says its curve itself.
 */
static struct slice
skip_parameters(struct slice text)
{
	static const char end[] = "-----END EC PARAMETERS-----";
	const uint8_t *p = memmem(text.p, text.n, end, strlen(end));

	if (p == NULL)
		return text;
	p += strlen(end);
	return slice_of(p, text.n - (size_t)(p - text.p));
}

int
key_pem_parse(const char *name, struct slice text,
    const struct passphrase *pass, struct key **out, struct err *e)
{
	struct asking a = {.pass = pass, .name = name, .e = e};
	OSSL_DECODER_CTX *ctx = NULL;
	EVP_PKEY *pkey = NULL;
	struct slice key = skip_parameters(text);
	int r;

	ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "PEM", NULL, NULL,
	    EVP_PKEY_KEYPAIR, NULL, NULL);
	if (ctx == NULL ||
	    OSSL_DECODER_CTX_set_passphrase_cb(ctx, on_passphrase, &a) != 1) {
		r = err_nomem(e);
		goto out;
	}
	if (OSSL_DECODER_from_data(ctx, &key.p, &key.n) == 1 && pkey != NULL) {
		r = key_evp_new(pkey, out, e);
		pkey = NULL;
		if (r != 0)
			err_prefix(e, "%s", name);
	} else if (a.failed != 0) {
		r = a.failed;
	} else if (a.asked) {
		r = err_set(e, ERR_BADSIG, "%s: wrong passphrase", name);
	} else {
		r = err_set(e, ERR_PARSE,
		    "%s: malformed PEM, expected an Ed25519, ECDSA or RSA "
		    "private key",
		    name);
	}
out:
	ERR_clear_error();
	EVP_PKEY_free(pkey);
	OSSL_DECODER_CTX_free(ctx);
	secmem_free(a.phrase);
	return r;
}
