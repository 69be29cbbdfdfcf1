/* SPDX-License-Identifier: ISC */
/* OpenSSH's private key file (PROTOCOL.key): write. */
#include <string.h>

#include "lib/crypto/random.h"
#include "lib/crypto/secmem.h"
#include "lib/key/key_openssh.h"

#define SALT_LEN 16
#define COLUMNS  70 /* as ssh-keygen writes */

static int
put_padding(struct buf *b, size_t block)
{
	int r = 0;

	for (uint8_t i = 1; buf_len(b) % block != 0 && r == 0; i++)
		r = buf_put_u8(b, i);
	return r;
}

static int
put_secret(const struct key *k, const char *comment, size_t block,
    struct buf *b, struct err *e)
{
	uint8_t check[4];
	int r;

	random_bytes(check, sizeof(check));
	if ((r = buf_put(b, check, sizeof(check))) != 0 ||
	    (r = buf_put(b, check, sizeof(check))) != 0)
		return err_set(e, r, "write a key: %s", err_text(r));
	if ((r = k->ops->private_put(k, b, e)) != 0)
		return r;
	if ((r = buf_put_cstring(b, comment)) != 0 ||
	    (r = put_padding(b, block)) != 0)
		return err_set(e, r, "write a key: %s", err_text(r));
	return 0;
}

/* The fields up to the number of keys; the secret is encrypted on the way. */
static int
put_encrypted(struct buf *file, const struct openssh_cipher *c,
    struct slice pass, struct buf *secret, struct err *e)
{
	struct slice plain = buf_slice(secret);
	struct buf *options = NULL;
	uint8_t salt[SALT_LEN], *derived = NULL;
	int r;

	random_bytes(salt, sizeof(salt));
	if ((r = openssh_derive(c, pass, slice_of(salt, sizeof(salt)),
		 KEY_KDF_ROUNDS, &derived, e)) != 0)
		return r;
	r = openssh_crypt(c, true, derived, (uint8_t *)(uintptr_t)plain.p,
	    plain.n, NULL);
	secmem_free(derived);
	if (r != 0 || (r = buf_new(&options, 64)) != 0 ||
	    (r = buf_put_string(options, salt, sizeof(salt))) != 0 ||
	    (r = buf_put_u32(options, KEY_KDF_ROUNDS)) != 0 ||
	    (r = buf_put_cstring(file, c->name)) != 0 ||
	    (r = buf_put_cstring(file, "bcrypt")) != 0 ||
	    (r = buf_put_buf(file, options)) != 0)
		(void)err_set(e, r, "encrypt a key: %s", err_text(r));
	buf_free(options);
	return r;
}

static int
put_plain(struct buf *file, const struct openssh_cipher *c)
{
	int r;

	if ((r = buf_put_cstring(file, c->name)) != 0 ||
	    (r = buf_put_cstring(file, "none")) != 0)
		return r;
	return buf_put_cstring(file, "");
}

static int
add_armor(struct str *out, struct slice blob)
{
	struct str b64 = STR_INIT;
	size_t n;
	int r;

	str_add_base64(&b64, blob.p, blob.n);
	str_add(out, OPENSSH_BEGIN "\n");
	for (size_t at = 0; at < b64.n; at += n) {
		n = b64.n - at < COLUMNS ? b64.n - at : COLUMNS;
		str_addn(out, b64.p + at, n);
		str_addc(out, '\n');
	}
	str_add(out, OPENSSH_END "\n");
	r = str_check(&b64);
	str_clear(&b64);
	return r != 0 ? r : str_check(out);
}

static int
check_comment(const char *comment, struct err *e)
{
	if (text_is_clean(comment, strlen(comment), NULL))
		return 0;
	return err_set(e, ERR_PARSE,
	    "a key's comment is one line of clean text");
}

int
key_encode_openssh(const struct key *k, const char *comment, const char *pass,
    size_t pass_len, struct str *out, struct err *e)
{
	const struct openssh_cipher *c =
	    openssh_cipher_find(slice_str(pass != NULL ? "aes256-ctr"
						       : "none"));
	struct buf *file = NULL, *secret = NULL;
	int r;

	if (k->ops->private_put == NULL)
		return err_set(e, ERR_DENIED,
		    "the private key is in an ssh-agent and stays there");
	if (pass != NULL && (pass_len == 0 || pass_len > PASSPHRASE_MAX))
		return err_set(e, ERR_LIMIT, "a passphrase has 1 to %d bytes",
		    PASSPHRASE_MAX);
	if ((r = check_comment(comment, e)) != 0)
		return r;
	if ((r = buf_new(&file, KEY_FILE_MAX / 2)) != 0 ||
	    (r = buf_new(&secret, KEY_FILE_MAX / 2)) != 0 ||
	    (r = buf_put(file, OPENSSH_MAGIC, sizeof(OPENSSH_MAGIC))) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = put_secret(k, comment, c->block, secret, e)) != 0)
		goto out;
	if (pass != NULL)
		r = put_encrypted(file, c, slice_of(pass, pass_len), secret, e);
	else if ((r = put_plain(file, c)) != 0)
		(void)err_set(e, r, "write a key: %s", err_text(r));
	if (r != 0)
		goto out;
	if ((r = buf_put_u32(file, 1)) != 0 ||
	    (r = buf_put_string(file, pubkey_blob(k->pub).p,
		 pubkey_blob(k->pub).n)) != 0 ||
	    (r = buf_put_buf(file, secret)) != 0 ||
	    (r = add_armor(out, buf_slice(file))) != 0)
		(void)err_set(e, r, "write a key: %s", err_text(r));
out:
	buf_free(secret);
	buf_free(file);
	return r;
}
