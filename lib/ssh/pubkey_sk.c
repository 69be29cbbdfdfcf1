/* SPDX-License-Identifier: ISC */
/*
 * sk-ssh-ed25519@openssh.com and sk-ecdsa-sha2-nistp256@openssh.com: keys in
 * FIDO tokens (PROTOCOL.u2f).
 *
 * A token signs SHA256(application), a byte of flags, a counter and
 * SHA256(message), so touch and PIN are part of what is signed.
 */
#include <string.h>

#include "lib/crypto/hash.h"
#include "lib/ssh/pubkey_impl.h"

#define FLAG_PRESENT  0x01
#define FLAG_VERIFIED 0x04
#define SIGNED_LEN    (HASH_LEN + 1 + 4 + HASH_LEN)

static int
parse_application(struct view *v, struct pubkey *k, struct err *e)
{
	struct slice a;

	if (view_get_string(v, &a) != 0)
		return err_set(e, ERR_PARSE, "sk key has no application");
	if (!text_is_clean((const char *)a.p, a.n, NULL))
		return err_set(e, ERR_PARSE,
		    "application of an sk key has "
		    "control or invisible characters, expected text");
	/* pubkey.c keeps room for it, and its NUL, behind the blob. */
	if (a.n > 0)
		memcpy(k->application, a.p, a.n);
	k->application[a.n] = '\0';
	return 0;
}

static int
parse_ed25519(struct view *v, struct pubkey *k, struct err *e)
{
	int r;

	if ((r = pubkey_parse_ed25519(v, k, e)) != 0)
		return r;
	return parse_application(v, k, e);
}

static int
parse_ecdsa(struct view *v, struct pubkey *k, struct err *e)
{
	int r;

	if ((r = pubkey_parse_ecdsa(v, k, e)) != 0)
		return r;
	return parse_application(v, k, e);
}

/* What the token signed, rebuilt from the flags and counter it gave. */
static int
signed_bytes(const struct pubkey *k, struct view *rest, struct slice msg,
    uint8_t out[SIGNED_LEN], struct sk_flags *flags, struct err *e)
{
	struct hash application, message;
	uint8_t bits, *q = out;
	uint32_t counter;

	if (view_get_u8(rest, &bits) != 0 || view_get_u32(rest, &counter) != 0)
		return err_set(e, ERR_PARSE,
		    "signature of an sk key is cut "
		    "short, expected flags and counter");
	hash_sha256(k->application, strlen(k->application), &application);
	hash_sha256(msg.p, msg.n, &message);
	memcpy(q, application.b, HASH_LEN);
	q += HASH_LEN;
	*q++ = bits;
	for (int shift = 24; shift >= 0; shift -= 8)
		*q++ = (uint8_t)(counter >> shift);
	memcpy(q, message.b, HASH_LEN);
	*flags = (struct sk_flags){
	    .is_sk = true,
	    .present = (bits & FLAG_PRESENT) != 0,
	    .verified = (bits & FLAG_VERIFIED) != 0,
	    .counter = counter,
	};
	return 0;
}

static int
verify(const struct pubkey *k, struct slice alg, struct slice sig,
    struct view *rest, struct slice msg, struct sk_flags *flags, struct err *e)
{
	uint8_t data[SIGNED_LEN];
	int r;

	(void)alg;
	if ((r = signed_bytes(k, rest, msg, data, flags, e)) != 0)
		return r;
	msg = slice_of(data, sizeof(data));
	return k->ecdsa != NULL ? pubkey_verify_ecdsa(k, sig, msg, e)
				: pubkey_verify_ed25519(k, sig, msg, e);
}

const struct pubkey_impl pubkey_impl_sk_ed25519 = {
    .type = PUBKEY_SK_ED25519,
    .name = "sk-ssh-ed25519@openssh.com",
    .short_name = "ED25519-SK",
    .cert_name = "sk-ssh-ed25519-cert-v01@openssh.com",
    .bits = 256,
    .n_strings = 2,
    .is_sk = true,
    .parse = parse_ed25519,
    .verify = verify,
};

const struct pubkey_impl pubkey_impl_sk_ecdsa256 = {
    .type = PUBKEY_SK_ECDSA256,
    .name = "sk-ecdsa-sha2-nistp256@openssh.com",
    .short_name = "ECDSA-SK",
    .cert_name = "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    .curve = "nistp256",
    .bits = 256,
    .n_strings = 3,
    .is_sk = true,
    .parse = parse_ecdsa,
    .verify = verify,
};
