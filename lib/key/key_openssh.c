/* SPDX-License-Identifier: ISC */
/*
 * OpenSSH's private key file (PROTOCOL.key): read.
 *
 *	"openssh-key-v1\0" | string cipher | string kdf | string kdf options |
 *	uint32 1 | string public key | string secret [| tag]
 *
 * The secret, decrypted: uint32 check, twice | string type | the type's fields
 * | string comment | 1, 2, 3 ... to a whole cipher block.
 */
#include <string.h>

#include "lib/crypto/bcrypt_pbkdf.h"
#include "lib/crypto/secmem.h"
#include "lib/key/key_impl.h"
#include "lib/key/key_openssh.h"

/* The file taken apart; slices borrow from the decoded bytes. */
struct parts {
	const struct openssh_cipher *cipher;
	struct slice salt;
	uint32_t rounds;
	struct slice pub, secret, tag;
};

static const struct {
	const char *type;
	int (*read)(struct view *v, struct key **out, struct err *e);
} readers[] = {
    {"ssh-ed25519", key_ed25519_read},
    {"ecdsa-sha2-nistp256", key_ecdsa_read},
    {"ecdsa-sha2-nistp384", key_ecdsa_read},
    {"ecdsa-sha2-nistp521", key_ecdsa_read},
    {"ssh-rsa", key_rsa_read},
};
#define N_READERS (sizeof(readers) / sizeof(readers[0]))

static bool
is_blank(char c)
{
	return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* The bytes between the marks.  Nothing but white space may follow. */
static int
unarmor(struct slice text, struct buf **out, struct err *e)
{
	const char *p = (const char *)text.p;
	const char *body, *end;
	struct buf *b64 = NULL, *blob = NULL;
	int r;

	body = p + strlen(OPENSSH_BEGIN);
	end = memmem(body, text.n - strlen(OPENSSH_BEGIN), OPENSSH_END,
	    strlen(OPENSSH_END));
	if (end == NULL)
		return err_set(e, ERR_PARSE, "no line %s", OPENSSH_END);
	for (const char *q = end + strlen(OPENSSH_END); q < p + text.n; q++)
		if (!is_blank(*q))
			return err_set(e, ERR_PARSE,
			    "more text after the line %s", OPENSSH_END);
	if ((r = buf_new(&b64, KEY_FILE_MAX)) != 0 ||
	    (r = buf_new(&blob, KEY_FILE_MAX)) != 0)
		goto out;
	for (const char *q = body; q < end; q++)
		if (!is_blank(*q) && (r = buf_put_u8(b64, (uint8_t)*q)) != 0)
			goto out;
	r = base64_decode((const char *)buf_slice(b64).p, buf_len(b64), blob);
	if (r == 0) {
		*out = blob;
		blob = NULL;
	}
out:
	buf_free(b64);
	buf_free(blob);
	if (r == 0)
		return 0;
	return err_set(e, r, "not base64 between the marks: %s", err_text(r));
}

static int
parse_kdf(struct slice kdf, struct slice options, struct parts *p,
    struct err *e)
{
	struct view v = view_slice(options);

	if (p->cipher->evp_name == NULL) {
		if (slice_is(kdf, "none") && options.n == 0)
			return 0;
		return err_set(e, ERR_PARSE,
		    "a key derivation for a key that is not encrypted");
	}
	if (!slice_is(kdf, "bcrypt"))
		return err_set(e, ERR_PARSE,
		    "unknown key derivation, expected bcrypt");
	if (view_get_string(&v, &p->salt) != 0 ||
	    view_get_u32(&v, &p->rounds) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE, "malformed bcrypt options");
	if (p->salt.n == 0 || p->salt.n > BCRYPT_SALT_MAX || p->rounds == 0 ||
	    p->rounds > BCRYPT_ROUNDS_MAX)
		return err_set(e, ERR_LIMIT,
		    "bcrypt with %u rounds and %zu bytes of salt, expected 1 "
		    "to %d rounds",
		    p->rounds, p->salt.n, BCRYPT_ROUNDS_MAX);
	return 0;
}

static int
parse_parts(struct slice blob, struct parts *p, struct err *e)
{
	struct view v = view_slice(blob);
	struct slice magic, cipher, kdf, options;
	char quoted[QUOTE_MAX];
	uint32_t n_keys;
	int r;

	if (view_get(&v, sizeof(OPENSSH_MAGIC), &magic) != 0 ||
	    memcmp(magic.p, OPENSSH_MAGIC, magic.n) != 0)
		return err_set(e, ERR_PARSE, "does not begin with %s",
		    OPENSSH_MAGIC);
	if (view_get_string(&v, &cipher) != 0 ||
	    view_get_string(&v, &kdf) != 0 ||
	    view_get_string(&v, &options) != 0 ||
	    view_get_u32(&v, &n_keys) != 0)
		return err_set(e, ERR_PARSE, "cut short");
	p->cipher = openssh_cipher_find(cipher);
	if (p->cipher == NULL)
		return err_set(e, ERR_PARSE,
		    "cipher %s, expected one of AES (ssh-keygen -p -Z "
		    "aes256-ctr changes it)",
		    str_quoten(quoted, (const char *)cipher.p, cipher.n));
	if ((r = parse_kdf(kdf, options, p, e)) != 0)
		return r;
	if (n_keys != 1)
		return err_set(e, ERR_PARSE, "%u keys in one file, expected 1",
		    n_keys);
	if (view_get_string(&v, &p->pub) != 0 ||
	    view_get_string(&v, &p->secret) != 0 ||
	    view_get(&v, p->cipher->tag_len, &p->tag) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE, "cut short or too long");
	if (p->secret.n == 0 || p->secret.n % p->cipher->block != 0)
		return err_set(e, ERR_PARSE,
		    "the secret part is not of whole cipher blocks");
	return 0;
}

int
openssh_derive(const struct openssh_cipher *c, struct slice pass,
    struct slice salt, uint32_t rounds, uint8_t **out, struct err *e)
{
	void *secret = NULL;
	int r;

	if ((r = secmem_alloc(OPENSSH_SECRET_MAX, &secret)) != 0)
		return err_set(e, r,
		    "no locked memory for a key (see ulimit -l)");
	r = bcrypt_pbkdf(pass, salt, rounds, secret, c->key_len + c->iv_len);
	if (r != 0) {
		secmem_free(secret);
		return err_set(e, r, "derive a key: %s", err_text(r));
	}
	*out = secret;
	return 0;
}

static int
decrypt(const char *name, const struct parts *p, const struct passphrase *pass,
    uint8_t *bytes, struct err *e)
{
	char *phrase = NULL;
	uint8_t *secret = NULL, tag[16];
	size_t n = 0;
	int r;

	if ((r = passphrase_get(pass, name, &phrase, &n, e)) != 0)
		return r;
	if (n == 0) {
		r = err_set(e, ERR_BADSIG, "%s: wrong passphrase", name);
		goto out;
	}
	if ((r = openssh_derive(p->cipher, slice_of(phrase, n), p->salt,
		 p->rounds, &secret, e)) != 0)
		goto out;
	if (p->tag.n != 0)
		memcpy(tag, p->tag.p, p->tag.n);
	r = openssh_crypt(p->cipher, false, secret, bytes, p->secret.n, tag);
	if (r == ERR_BADSIG)
		(void)err_set(e, r, "%s: wrong passphrase", name);
	else if (r != 0)
		(void)err_set(e, r, "%s: cannot decrypt", name);
out:
	secmem_free(secret);
	secmem_free(phrase);
	return r;
}

static int
check_padding(struct view v)
{
	uint8_t b;

	for (unsigned want = 1; v.n > 0; want++)
		if (want > 255 || view_get_u8(&v, &b) != 0 || b != want)
			return ERR_PARSE;
	return 0;
}

static int
read_secret(struct view v, struct slice pub, struct key **out, struct err *e)
{
	struct slice type, comment;
	struct key *k = NULL;
	char quoted[QUOTE_MAX];
	size_t i = 0;
	int r;

	if (view_get_string(&v, &type) != 0)
		return err_set(e, ERR_PARSE, "no key type in the secret part");
	while (i < N_READERS && !slice_is(type, readers[i].type))
		i++;
	if (i == N_READERS)
		return err_set(e, ERR_PARSE,
		    "a key of type %s, expected Ed25519, ECDSA or RSA (others "
		    "can be used from an ssh-agent)",
		    str_quoten(quoted, (const char *)type.p, type.n));
	if ((r = readers[i].read(&v, &k, e)) != 0)
		return r;
	if (view_get_string(&v, &comment) != 0 || check_padding(v) != 0)
		r = err_set(e, ERR_PARSE, "malformed end of the secret part");
	else if (!slice_is(type, pubkey_type_name(k->pub)) ||
	    !slice_equal(pub, pubkey_blob(k->pub)))
		r = err_set(e, ERR_PARSE,
		    "the private part does not belong to the public part");
	else if (text_is_clean((const char *)comment.p, comment.n, NULL) &&
	    (k->comment = str_dupn(comment.p, comment.n)) == NULL)
		r = err_nomem(e);
	if (r != 0) {
		key_free(k);
		return r;
	}
	*out = k;
	return 0;
}

/* What was decrypted begins with one random number twice. */
static int
open_secret(const char *name, const struct parts *p, struct slice bytes,
    struct key **out, struct err *e)
{
	struct view v = view_slice(bytes);
	uint32_t one, two;
	int r;

	if (view_get_u32(&v, &one) != 0 || view_get_u32(&v, &two) != 0 ||
	    one != two) {
		if (p->cipher->evp_name != NULL)
			return err_set(e, ERR_BADSIG, "%s: wrong passphrase",
			    name);
		return err_set(e, ERR_PARSE, "%s: damaged secret part", name);
	}
	if ((r = read_secret(v, p->pub, out, e)) != 0)
		err_prefix(e, "%s", name);
	return r;
}

int
key_openssh_parse(const char *name, struct slice text,
    const struct passphrase *pass, struct key **out, struct err *e)
{
	struct parts p = {0};
	struct buf *blob = NULL;
	uint8_t *bytes;
	int r;

	if ((r = unarmor(text, &blob, e)) != 0 ||
	    (r = parse_parts(buf_slice(blob), &p, e)) != 0) {
		err_prefix(e, "%s", name);
		goto out;
	}
	/* Decrypted where it lies: the buffer is ours and is wiped. */
	bytes = (uint8_t *)(uintptr_t)p.secret.p;
	if (p.cipher->evp_name != NULL &&
	    (r = decrypt(name, &p, pass, bytes, e)) != 0)
		goto out;
	r = open_secret(name, &p, p.secret, out, e);
out:
	buf_free(blob);
	return r;
}

int
key_openssh_public(const char *name, struct slice text, struct pubkey **out,
    struct err *e)
{
	struct parts p = {0};
	struct buf *blob = NULL;
	int r;

	if ((r = unarmor(text, &blob, e)) != 0 ||
	    (r = parse_parts(buf_slice(blob), &p, e)) != 0 ||
	    (r = pubkey_parse(p.pub, out, e)) != 0)
		err_prefix(e, "%s", name);
	buf_free(blob);
	return r;
}
