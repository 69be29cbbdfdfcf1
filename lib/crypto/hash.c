/* SPDX-License-Identifier: ISC */
/*
 * The algorithms are fetched once and each thread keeps one context, since
 * fetching costs more than hashing a certificate does.
 *
 * A failure here is a library without SHA-2 or without memory for a first
 * context.  There is nothing that could be told in place of a hash, and a
 * wrong one would be worse than none: abort().
 */
#include "lib/crypto/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static EVP_MD *sha1, *sha256, *sha512;

static void
free_context(void *p)
{
	EVP_MD_CTX_free(p);
}

/*
 * In a library context of its own: the first fetch in the default one reads the
 * machine's openssl.cnf, a third of what a start costs, and a hash must not
 * depend on what that file says.
 */
static void
start(void)
{
	OSSL_LIB_CTX *own = OSSL_LIB_CTX_new();

	if (own == NULL)
		abort();
	sha1 = EVP_MD_fetch(own, "SHA1", NULL);
	sha256 = EVP_MD_fetch(own, "SHA256", NULL);
	sha512 = EVP_MD_fetch(own, "SHA512", NULL);
	if (sha256 == NULL || sha512 == NULL ||
	    pthread_key_create(&context_key, free_context) != 0)
		abort();
}

static EVP_MD_CTX *
context(void)
{
	EVP_MD_CTX *ctx;

	if (pthread_once(&once, start) != 0)
		abort();
	if ((ctx = pthread_getspecific(context_key)) != NULL)
		return ctx;
	if ((ctx = EVP_MD_CTX_new()) == NULL ||
	    pthread_setspecific(context_key, ctx) != 0)
		abort();
	return ctx;
}

/* md by address: it is fetched only by the first context(). */
static void
digest(EVP_MD *const *md, const struct slice *parts, size_t n_parts,
    uint8_t *out)
{
	EVP_MD_CTX *ctx = context();

	if (EVP_DigestInit_ex2(ctx, *md, NULL) != 1)
		abort();
	for (size_t i = 0; i < n_parts; i++)
		if (EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) != 1)
			abort();
	if (EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
}

void
hash_sha256(const void *p, size_t n, struct hash *out)
{
	const struct slice part = slice_of(p, n);

	digest(&sha256, &part, 1, out->b);
}

void
hash_sha256v(const struct slice *parts, size_t n_parts, struct hash *out)
{
	digest(&sha256, parts, n_parts, out->b);
}

void
hash_sha512(const void *p, size_t n, uint8_t out[HASH512_LEN])
{
	const struct slice part = slice_of(p, n);

	digest(&sha512, &part, 1, out);
}

void
hash_sha1(const void *p, size_t n, uint8_t out[HASH1_LEN])
{
	const struct slice part = slice_of(p, n);

	digest(&sha1, &part, 1, out);
}

void
hash_hex(const struct hash *h, char out[HASH_HEX])
{
	hex_encode(h->b, sizeof(h->b), out);
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char prefix[] = "SHA256:";
#define PREFIX_LEN (sizeof(prefix) - 1)
#define DIGITS     43 /* of 32 bytes: 42 whole ones and four bits */

void
hash_fingerprint(const struct hash *h, char out[FINGERPRINT_MAX])
{
	unsigned acc = 0, bits = 0;
	char *q = out + PREFIX_LEN;

	memcpy(out, prefix, PREFIX_LEN);
	for (size_t i = 0; i < sizeof(h->b); i++) {
		acc = (acc << 8 | h->b[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			*q++ = alphabet[acc >> (bits - 6) & 63];
	}
	*q++ = alphabet[acc << (6 - bits) & 63];
	*q = '\0';
}

int
hash_from_hex(const char *s, struct hash *out)
{
	return hex_decode(s, strlen(s), out->b, sizeof(out->b));
}

int
hash_from_fingerprint(const char *s, struct hash *out)
{
	unsigned acc = 0, bits = 0;
	const char *digit;
	struct hash h;
	size_t n = 0;

	if (strncmp(s, prefix, PREFIX_LEN) != 0 ||
	    strlen(s) != PREFIX_LEN + DIGITS)
		return ERR_PARSE;
	for (s += PREFIX_LEN; *s != '\0'; s++) {
		if ((digit = strchr(alphabet, *s)) == NULL)
			return ERR_PARSE;
		acc = (acc << 6 | (unsigned)(digit - alphabet)) & 0xffff;
		if ((bits += 6) < 8)
			continue;
		bits -= 8;
		h.b[n++] = (uint8_t)(acc >> bits);
	}
	/* Two bits are left over; others than zero would be a second text. */
	if (n != sizeof(h.b) || (acc & ((1U << bits) - 1)) != 0)
		return ERR_PARSE;
	*out = h;
	return 0;
}

bool
hash_equal(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}
