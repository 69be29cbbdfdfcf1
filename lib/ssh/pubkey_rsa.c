/* SPDX-License-Identifier: ISC */
/* ssh-rsa keys (RFC 4253 6.6) with rsa-sha2-256 and -512 (RFC 8332). */
#include "lib/crypto/rsa.h"
#include "lib/ssh/pubkey_impl.h"

#define BITS_MIN       2048
#define BITS_MAX       16384
#define EXPONENT_BYTES 8 /* OpenSSL verifies with no larger one */

static size_t
bits_of(struct slice v)
{
	size_t n = 8 * v.n;

	for (unsigned b = v.n > 0 ? v.p[0] : 0x80; (b & 0x80) == 0; b <<= 1)
		n--;
	return n;
}

static int
parse(struct view *v, struct pubkey *k, struct err *e)
{
	struct slice x, n;
	size_t bits;

	if (view_get_mpint(v, &x) != 0 || x.n == 0 || x.n > EXPONENT_BYTES ||
	    (x.p[x.n - 1] & 1) == 0 || (x.n == 1 && x.p[0] < 3))
		return err_set(e, ERR_PARSE,
		    "rsa exponent is not one, "
		    "expected an odd mpint of 3 or more, up to 64 bits");
	if (view_get_mpint(v, &n) != 0 || n.n == 0 || (n.p[n.n - 1] & 1) == 0)
		return err_set(e, ERR_PARSE,
		    "rsa modulus is not one, expected an odd mpint");
	bits = bits_of(n);
	if (bits < BITS_MIN || bits > BITS_MAX)
		return err_set(e, ERR_LIMIT,
		    "rsa modulus has %zu bits, expected %d to %d", bits,
		    BITS_MIN, BITS_MAX);
	k->bits = (unsigned)bits;
	return rsa_pub_new(x, n, &k->rsa) == 0 ? 0 : err_nomem(e);
}

static const char sha256_name[] = "rsa-sha2-256";
static const char sha512_name[] = "rsa-sha2-512";

/* Not "ssh-rsa": that one is SHA-1. */
static bool
alg_ok(struct slice alg)
{
	return slice_is(alg, sha512_name) || slice_is(alg, sha256_name);
}

static int
verify(const struct pubkey *k, struct slice alg, struct slice sig,
    struct view *rest, struct slice msg, struct sk_flags *flags, struct err *e)
{
	(void)rest;
	(void)flags;
	(void)e;
	return rsa_pub_verify(k->rsa,
	    slice_is(alg, sha512_name) ? RSA_SHA512 : RSA_SHA256, sig, msg);
}

const struct pubkey_impl pubkey_impl_rsa = {
    .type = PUBKEY_RSA,
    .name = "ssh-rsa",
    .short_name = "RSA",
    .cert_name = "ssh-rsa-cert-v01@openssh.com",
    .n_strings = 2,
    .parse = parse,
    .alg_ok = alg_ok,
    .verify = verify,
};
