/* SPDX-License-Identifier: ISC */
/* The ciphers of encrypted OpenSSH private keys (`ssh-keygen -Z`). */
#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/key/key_impl.h"

static const struct openssh_cipher ciphers[] = {
    {"none", NULL, 8, 0, 0, 0},
    {"aes256-ctr", "AES-256-CTR", 16, 32, 16, 0},
    {"aes192-ctr", "AES-192-CTR", 16, 24, 16, 0},
    {"aes128-ctr", "AES-128-CTR", 16, 16, 16, 0},
    {"aes256-cbc", "AES-256-CBC", 16, 32, 16, 0},
    {"aes192-cbc", "AES-192-CBC", 16, 24, 16, 0},
    {"aes128-cbc", "AES-128-CBC", 16, 16, 16, 0},
    {"aes256-gcm@openssh.com", "AES-256-GCM", 16, 32, 12, 16},
    {"aes128-gcm@openssh.com", "AES-128-GCM", 16, 16, 12, 16},
};

const struct openssh_cipher *
openssh_cipher_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]); i++)
		if (slice_is(name, ciphers[i].name))
			return &ciphers[i];
	return NULL;
}

int
openssh_crypt(const struct openssh_cipher *c, bool encrypting,
    const uint8_t *secret, uint8_t *p, size_t n, uint8_t *tag)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, c->evp_name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t rest[32];
	int done = 0, r = ERR_CRYPTO;

	if (cipher == NULL || ctx == NULL || n > KEY_FILE_MAX ||
	    EVP_CipherInit_ex2(ctx, cipher, secret, secret + c->key_len,
		encrypting, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)
		goto out;
	if (c->tag_len != 0 && !encrypting &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)c->tag_len,
		tag) != 1)
		goto out;
	if (EVP_CipherUpdate(ctx, p, &done, p, (int)n) != 1 ||
	    (size_t)done != n)
		goto out;
	if (EVP_CipherFinal_ex(ctx, rest, &done) != 1) {
		r = ERR_BADSIG;
		goto out;
	}
	if (c->tag_len != 0 && encrypting &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)c->tag_len,
		tag) != 1)
		goto out;
	r = 0;
out:
	ERR_clear_error();
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
	return r;
}
