/* SPDX-License-Identifier: ISC */
/* ECDSA and RSA keys, which OpenSSL holds and wipes. */
#include "lib/key/key_evp.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/ed25519.h"

#define BN_BYTES_MAX 2048 /* of RSA with 16384 bits */

struct state {
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx;
	const EVP_MD *md;
	const struct curve *curve; /* NULL: RSA */
};

static const struct curve curves[] = {
    {PUBKEY_ECDSA256, "ecdsa-sha2-nistp256", "nistp256", "prime256v1", 32,
	EVP_sha256},
    {PUBKEY_ECDSA384, "ecdsa-sha2-nistp384", "nistp384", "secp384r1", 48,
	EVP_sha384},
    {PUBKEY_ECDSA521, "ecdsa-sha2-nistp521", "nistp521", "secp521r1", 66,
	EVP_sha512},
};
#define N_CURVES (sizeof(curves) / sizeof(curves[0]))

const struct curve *
curve_by_type(enum pubkey_type t)
{
	for (size_t i = 0; i < N_CURVES; i++)
		if (curves[i].type == t)
			return &curves[i];
	return NULL;
}

const struct curve *
curve_by_ssh_name(struct slice name)
{
	for (size_t i = 0; i < N_CURVES; i++)
		if (slice_is(name, curves[i].ssh_name))
			return &curves[i];
	return NULL;
}

const struct curve *
curve_by_group(const char *group)
{
	for (size_t i = 0; i < N_CURVES; i++)
		if (strcmp(curves[i].group, group) == 0)
			return &curves[i];
	return NULL;
}

int
openssl_err(struct err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());
	int r;

	r = err_set(e, ERR_CRYPTO, "%s: %s", what,
	    why != NULL ? why : "libcrypto does not say why");
	ERR_clear_error();
	return r;
}

static int
put_bn(struct buf *out, const BIGNUM *bn)
{
	uint8_t raw[BN_BYTES_MAX];
	int n, r;

	if (BN_num_bytes(bn) > BN_BYTES_MAX)
		return ERR_LIMIT;
	n = BN_bn2bin(bn, raw);
	r = buf_put_mpint(out, raw, (size_t)n);
	mem_wipe(raw, sizeof(raw));
	return r;
}

/* The numbers called names[0..n) of pkey as mpints. */
static int
put_params(const EVP_PKEY *pkey, const char *const *names, size_t n,
    struct buf *out, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		BIGNUM *bn = NULL;

		if (EVP_PKEY_get_bn_param(pkey, names[i], &bn) != 1)
			return openssl_err(e, "read a number of a key");
		r = put_bn(out, bn);
		BN_clear_free(bn);
		if (r != 0)
			(void)err_set(e, r, "write a key: %s", err_text(r));
	}
	return r;
}

/* An uncompressed point (SEC 1, 2.3.3), whatever form the file had. */
static int
put_point(const EVP_PKEY *pkey, const struct curve *c, struct buf *out,
    struct err *e)
{
	static const char *const names[] = {
	    OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y};
	uint8_t q[1 + 2 * 66] = {4};
	int r = 0;

	for (size_t i = 0; i < 2; i++) {
		BIGNUM *bn = NULL;

		if (EVP_PKEY_get_bn_param(pkey, names[i], &bn) != 1 ||
		    BN_bn2binpad(bn, q + 1 + i * c->field, (int)c->field) < 0)
			r = openssl_err(e, "read a point of a key");
		BN_free(bn);
		if (r != 0)
			return r;
	}
	if ((r = buf_put_string(out, q, 1 + 2 * c->field)) != 0)
		return err_set(e, r, "write a key: %s", err_text(r));
	return 0;
}

static int
put_public(const EVP_PKEY *pkey, const struct curve *c, struct buf *out,
    struct err *e)
{
	static const char *const rsa[] = {
	    OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_N};
	int r;

	if ((r = buf_put_cstring(out, c != NULL ? c->ssh_type : "ssh-rsa")) !=
		0 ||
	    (c != NULL && (r = buf_put_cstring(out, c->ssh_name)) != 0))
		return err_set(e, r, "write a key: %s", err_text(r));
	return c != NULL ? put_point(pkey, c, out, e)
			 : put_params(pkey, rsa, 2, out, e);
}

static int
private_put(const struct key *k, struct buf *out, struct err *e)
{
	static const char *const ec[] = {OSSL_PKEY_PARAM_PRIV_KEY};
	static const char *const rsa[] = {OSSL_PKEY_PARAM_RSA_N,
	    OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
	    OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_FACTOR1,
	    OSSL_PKEY_PARAM_RSA_FACTOR2};
	const struct state *s = k->state;
	int r;

	if (s->curve != NULL) {
		if ((r = put_public(s->pkey, s->curve, out, e)) != 0)
			return r;
		return put_params(s->pkey, ec, 1, out, e);
	}
	if ((r = buf_put_cstring(out, "ssh-rsa")) != 0)
		return err_set(e, r, "write a key: %s", err_text(r));
	return put_params(s->pkey, rsa, 6, out, e);
}

/* Eat a DER value of this tag, of less than 256 bytes. */
static int
get_der(struct view *v, uint8_t tag, struct view *out)
{
	struct slice s;
	uint8_t got, n;

	if (view_get_u8(v, &got) != 0 || got != tag ||
	    view_get_u8(v, &n) != 0 || (n == 0x81 && view_get_u8(v, &n) != 0) ||
	    view_get(v, n, &s) != 0)
		return ERR_CRYPTO;
	*out = view_slice(s);
	return 0;
}

/*
 * DER as OpenSSL gives it, to two mpints (RFC 5656 3.1.2).  An INTEGER of DER
 * and an mpint hold a number in the same bytes: big-endian, two's complement,
 * as few as possible.  So they are copied, which takes a tenth of the time of
 * two numbers of OpenSSL.
 */
static int
put_ecdsa_sig(struct buf *out, const uint8_t *der, size_t n, struct err *e)
{
	struct view all = view_of(der, n), pair, num[2];
	int r;

	if (get_der(&all, 0x30, &pair) != 0 || view_end(&all) != 0 ||
	    get_der(&pair, 0x02, &num[0]) != 0 ||
	    get_der(&pair, 0x02, &num[1]) != 0 || view_end(&pair) != 0)
		return err_set(e, ERR_CRYPTO, "read an ECDSA signature");
	if ((r = buf_put_u32(out, (uint32_t)(8 + num[0].n + num[1].n))) != 0 ||
	    (r = buf_put_string(out, num[0].p, num[0].n)) != 0 ||
	    (r = buf_put_string(out, num[1].p, num[1].n)) != 0)
		(void)err_set(e, r, "write a signature: %s", err_text(r));
	return r;
}

/*
 * The context is kept, but initialised each time: signing twice after one
 * initialisation fails from OpenSSL 3.2 on, and costs 3 % to avoid.
 */
static int
sign(struct key *k, struct slice msg, struct buf *out, struct err *e)
{
	struct state *s = k->state;
	uint8_t raw[BN_BYTES_MAX];
	size_t n = sizeof(raw);
	int r;

	if (EVP_DigestSignInit(s->ctx, NULL, s->md, NULL, s->pkey) != 1 ||
	    EVP_DigestSign(s->ctx, raw, &n, msg.p, msg.n) != 1)
		return openssl_err(e, "sign");
	if ((r = buf_put_cstring(out, k->alg)) != 0)
		return err_set(e, r, "write a signature: %s", err_text(r));
	if (s->curve != NULL)
		return put_ecdsa_sig(out, raw, n, e);
	if ((r = buf_put_string(out, raw, n)) != 0)
		return err_set(e, r, "write a signature: %s", err_text(r));
	return 0;
}

static void
release(struct key *k)
{
	struct state *s = k->state;

	if (s == NULL)
		return;
	EVP_MD_CTX_free(s->ctx);
	EVP_PKEY_free(s->pkey);
	free(s);
}

static const struct key_ops evp_ops = {
    .sign = sign,
    .private_put = private_put,
    .free = release,
};

static int
ed25519_from_evp(EVP_PKEY *pkey, struct key **out, struct err *e)
{
	uint8_t seed[ED25519_SEED_LEN];
	size_t n = sizeof(seed);
	int r;

	if (EVP_PKEY_get_raw_private_key(pkey, seed, &n) != 1 ||
	    n != sizeof(seed))
		r = openssl_err(e, "read an Ed25519 key");
	else
		r = key_ed25519_new(seed, out, e);
	mem_wipe(seed, sizeof(seed));
	return r;
}

/* Which of ours is it?  *curve NULL: RSA. */
static int
find_curve(const EVP_PKEY *pkey, const struct curve **curve, struct err *e)
{
	char group[64];
	size_t n;

	*curve = NULL;
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return 0;
	if (!EVP_PKEY_is_a(pkey, "EC"))
		return err_set(e, ERR_PARSE,
		    "a key of type %s, expected Ed25519, ECDSA or RSA",
		    EVP_PKEY_get0_type_name(pkey));
	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) == 1)
		*curve = curve_by_group(group);
	ERR_clear_error();
	if (*curve == NULL)
		return err_set(e, ERR_PARSE,
		    "an ECDSA key on another curve, expected nistp256, "
		    "nistp384 or nistp521");
	return 0;
}

int
key_evp_new(EVP_PKEY *pkey, struct key **out, struct err *e)
{
	const struct curve *curve = NULL;
	struct pubkey *pub = NULL;
	struct state *s = NULL;
	struct buf *blob = NULL;
	struct key *k = NULL;
	int r;

	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		r = ed25519_from_evp(pkey, out, e);
		goto out;
	}
	if ((r = find_curve(pkey, &curve, e)) != 0)
		goto out;
	s = calloc(1, sizeof(*s));
	if (s == NULL || (s->ctx = EVP_MD_CTX_new()) == NULL ||
	    buf_new(&blob, PUBKEY_BLOB_MAX) != 0) {
		r = err_nomem(e);
		goto out;
	}
	s->curve = curve;
	s->md = curve != NULL ? curve->md() : EVP_sha512();
	if ((r = put_public(pkey, curve, blob, e)) != 0 ||
	    (r = pubkey_parse(buf_slice(blob), &pub, e)) != 0)
		goto out;
	s->pkey = pkey;
	pkey = NULL;
	r = key_new(&evp_ops, pub, s, &k, e);
	s = NULL; /* the key's */
	if (r == 0 && (r = key_selftest(k, e)) == 0) {
		*out = k;
		k = NULL;
	}
out:
	if (s != NULL)
		EVP_MD_CTX_free(s->ctx);
	free(s);
	key_free(k);
	buf_free(blob);
	EVP_PKEY_free(pkey);
	return r;
}

int
key_evp_generate(enum pubkey_type t, struct key **out, struct err *e)
{
	const struct curve *c = curve_by_type(t);
	EVP_PKEY *pkey = NULL;

	if (c == NULL && t != PUBKEY_RSA)
		return err_set(e, ERR_USAGE,
		    "cannot make a key of this type, expected Ed25519, ECDSA "
		    "or RSA");
	pkey = c != NULL ? EVP_EC_gen(c->group) : EVP_RSA_gen(KEY_RSA_BITS);
	if (pkey == NULL)
		return openssl_err(e, "make a key");
	return key_evp_new(pkey, out, e);
}
