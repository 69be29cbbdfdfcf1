/* SPDX-License-Identifier: ISC */
#include "tests/unit/sshdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/crypto/ed25519.h"
#include "lib/ssh/cert.h"

const char *const data_types[5] = {
    "ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa3072"};

char *
data_read(const char *name, size_t *n)
{
	char path[256], *text;

	snprintf(path, sizeof(path), "tests/data/ssh/%s", name);
	assert_int_equal(file_read(path, 1 << 20, &text, n, NULL), 0);
	return text;
}

struct pubkey *
data_pubkey(const char *name)
{
	struct err e = {0};
	struct pubkey *k;
	char file[128], *text;
	size_t n;

	snprintf(file, sizeof(file), "%s.pub", name);
	text = data_read(file, &n);
	if (pubkey_parse_line(text, n, &k, NULL, &e) != 0)
		fail_msg("%s: %s", file, e.msg);
	free(text);
	return k;
}

struct buf *
data_cert(const char *name)
{
	struct err e = {0};
	struct buf *b;
	char file[128], *text;
	size_t n;

	snprintf(file, sizeof(file), "%s.cert", name);
	text = data_read(file, &n);
	assert_int_equal(buf_new(&b, CERT_MAX), 0);
	if (cert_parse_line(text, n, b, &e) != 0)
		fail_msg("%s: %s", file, e.msg);
	free(text);
	return b;
}

struct token {
	struct pubkey *pub;
	uint8_t sk[ED25519_SK_LEN];
	EVP_PKEY *ec; /* NULL: Ed25519 */
};

static const char application[] = "ssh:";

static void
put_public(struct token *t, struct buf *b)
{
	uint8_t point[65];
	size_t n;

	if (t->ec == NULL) {
		assert_int_equal(buf_put_cstring(b,
				     "sk-ssh-ed25519@openssh.com"),
		    0);
		assert_int_equal(buf_put_string(b, t->sk + 32, ED25519_PK_LEN),
		    0);
	} else {
		assert_int_equal(EVP_PKEY_get_octet_string_param(t->ec,
				     OSSL_PKEY_PARAM_PUB_KEY, point,
				     sizeof(point), &n),
		    1);
		assert_int_equal(buf_put_cstring(b,
				     "sk-ecdsa-sha2-nistp256@openssh.com"),
		    0);
		assert_int_equal(buf_put_cstring(b, "nistp256"), 0);
		assert_int_equal(buf_put_string(b, point, n), 0);
	}
	assert_int_equal(buf_put_cstring(b, application), 0);
}

struct token *
token_new(enum pubkey_type type)
{
	const uint8_t seed[ED25519_SEED_LEN] = {1, 2, 3};
	struct token *t = calloc(1, sizeof(*t));
	struct err e = {0};
	struct buf *b;

	assert_non_null(t);
	if (type == PUBKEY_SK_ED25519)
		ed25519_from_seed(seed, t->sk);
	else
		assert_non_null(t->ec = EVP_EC_gen("P-256"));
	assert_int_equal(buf_new(&b, 1024), 0);
	put_public(t, b);
	if (pubkey_parse(buf_slice(b), &t->pub, &e) != 0)
		fail_msg("token: %s", e.msg);
	buf_free(b);
	return t;
}

void
token_free(struct token *t)
{
	if (t == NULL)
		return;
	pubkey_free(t->pub);
	EVP_PKEY_free(t->ec);
	free(t);
}

const struct pubkey *
token_pubkey(const struct token *t)
{
	return t->pub;
}

static void
put_bignum(struct buf *b, const BIGNUM *v)
{
	uint8_t bytes[32];
	int n = BN_bn2bin(v, bytes);

	assert_int_equal(buf_put_mpint(b, bytes, (size_t)n), 0);
}

static void
sign_ecdsa(const struct token *t, struct slice data, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[128];
	const uint8_t *p = der;
	size_t n = sizeof(der);
	struct buf *rs;
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
			     t->ec),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, der, &n, data.p, data.n), 1);
	assert_non_null(sig = d2i_ECDSA_SIG(NULL, &p, (long)n));
	assert_int_equal(buf_new(&rs, 128), 0);
	put_bignum(rs, ECDSA_SIG_get0_r(sig));
	put_bignum(rs, ECDSA_SIG_get0_s(sig));
	assert_int_equal(buf_put_buf(out, rs), 0);
	buf_free(rs);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

void
token_sign(const struct token *t, struct slice msg, uint8_t flags,
    uint32_t counter, struct buf *out)
{
	uint8_t sig[ED25519_SIG_LEN];
	struct hash h;
	struct buf *b;

	assert_int_equal(buf_new(&b, 128), 0);
	hash_sha256(application, strlen(application), &h);
	assert_int_equal(buf_put(b, h.b, sizeof(h.b)), 0);
	assert_int_equal(buf_put_u8(b, flags), 0);
	assert_int_equal(buf_put_u32(b, counter), 0);
	hash_sha256(msg.p, msg.n, &h);
	assert_int_equal(buf_put(b, h.b, sizeof(h.b)), 0);

	assert_int_equal(buf_put_cstring(out, pubkey_type_name(t->pub)), 0);
	if (t->ec == NULL) {
		ed25519_sign(t->sk, buf_slice(b).p, buf_len(b), sig);
		assert_int_equal(buf_put_string(out, sig, sizeof(sig)), 0);
	} else {
		sign_ecdsa(t, buf_slice(b), out);
	}
	assert_int_equal(buf_put_u8(out, flags), 0);
	assert_int_equal(buf_put_u32(out, counter), 0);
	buf_free(b);
}
