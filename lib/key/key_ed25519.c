/* SPDX-License-Identifier: ISC */
/* Ed25519 keys that we hold ourselves, in locked memory. */
#include <string.h>

#include "lib/crypto/ed25519.h"
#include "lib/crypto/random.h"
#include "lib/crypto/secmem.h"
#include "lib/key/key_impl.h"

#define TYPE "ssh-ed25519"

static int
sign(struct key *k, struct slice msg, struct buf *out, struct err *e)
{
	uint8_t sig[ED25519_SIG_LEN];
	int r;

	ed25519_sign(k->state, msg.p, msg.n, sig);
	if ((r = buf_put_cstring(out, TYPE)) != 0 ||
	    (r = buf_put_string(out, sig, sizeof(sig))) != 0)
		return err_set(e, r, "write a signature: %s", err_text(r));
	return 0;
}

static int
private_put(const struct key *k, struct buf *out, struct err *e)
{
	int r;

	if ((r = buf_put_cstring(out, TYPE)) != 0 ||
	    (r = buf_put_string(out, pubkey_ed25519(k->pub), ED25519_PK_LEN)) !=
		0 ||
	    (r = buf_put_string(out, k->state, ED25519_SK_LEN)) != 0)
		return err_set(e, r, "write a key: %s", err_text(r));
	return 0;
}

static void
release(struct key *k)
{
	secmem_free(k->state);
}

static const struct key_ops ed25519_ops = {
    .sign = sign,
    .private_put = private_put,
    .free = release,
    .shared = true, /* it reads the secret, and nothing else */
};

static int
public_of(const uint8_t *sk, struct pubkey **out, struct err *e)
{
	struct buf *blob = NULL;
	int r;

	if ((r = buf_new(&blob, 128)) != 0 ||
	    (r = buf_put_cstring(blob, TYPE)) != 0 ||
	    (r = buf_put_string(blob, sk + ED25519_SEED_LEN, ED25519_PK_LEN)) !=
		0)
		(void)err_nomem(e);
	else
		r = pubkey_parse(buf_slice(blob), out, e);
	buf_free(blob);
	return r;
}

int
key_ed25519_new(const uint8_t *seed, struct key **out, struct err *e)
{
	struct pubkey *pub = NULL;
	void *sk = NULL;
	int r;

	if ((r = secmem_alloc(ED25519_SK_LEN, &sk)) != 0)
		return err_set(e, r,
		    "no locked memory for a key (see ulimit -l)");
	ed25519_from_seed(seed, sk);
	if ((r = public_of(sk, &pub, e)) != 0) {
		secmem_free(sk);
		return r;
	}
	return key_new(&ed25519_ops, pub, sk, out, e);
}

int
key_ed25519_generate(struct key **out, struct err *e)
{
	uint8_t seed[ED25519_SEED_LEN];
	int r;

	random_bytes(seed, sizeof(seed));
	r = key_ed25519_new(seed, out, e);
	mem_wipe(seed, sizeof(seed));
	return r;
}

int
key_ed25519_read(struct view *v, struct key **out, struct err *e)
{
	struct slice pk, sk;
	struct key *k = NULL;
	int r;

	if (view_get_string(v, &pk) != 0 || view_get_string(v, &sk) != 0 ||
	    pk.n != ED25519_PK_LEN || sk.n != ED25519_SK_LEN)
		return err_set(e, ERR_PARSE, "malformed Ed25519 key");
	if ((r = key_ed25519_new(sk.p, &k, e)) != 0)
		return r;
	/* A seed with another public half would leak itself by signing. */
	if (memcmp(pk.p, pubkey_ed25519(k->pub), ED25519_PK_LEN) != 0 ||
	    memcmp(sk.p + ED25519_SEED_LEN, pk.p, ED25519_PK_LEN) != 0) {
		key_free(k);
		return err_set(e, ERR_PARSE,
		    "the private part does not belong to the public part");
	}
	*out = k;
	return 0;
}
