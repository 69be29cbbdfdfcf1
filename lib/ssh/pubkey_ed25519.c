/* SPDX-License-Identifier: ISC */
/* ssh-ed25519 (RFC 8709). */
#include "lib/crypto/ed25519.h"
#include "lib/ssh/pubkey_impl.h"

int
pubkey_parse_ed25519(struct view *v, struct pubkey *k, struct err *e)
{
	struct slice pk;

	if (view_get_string(v, &pk) != 0 || pk.n != ED25519_PK_LEN)
		return err_set(e, ERR_PARSE,
		    "ed25519 key is malformed, expected 32 bytes");
	if (ed25519_is_weak(pk.p))
		return err_set(e, ERR_PARSE,
		    "ed25519 key is a point of small order, "
		    "for which everybody can sign");
	k->ed25519 = pk.p;
	return 0;
}

int
pubkey_verify_ed25519(const struct pubkey *k, struct slice sig,
    struct slice msg, struct err *e)
{
	if (sig.n != ED25519_SIG_LEN)
		return err_set(e, ERR_PARSE,
		    "ed25519 signature is %zu bytes, expected 64", sig.n);
	return ed25519_verify(k->ed25519, msg.p, msg.n, sig.p) ? 0 : ERR_BADSIG;
}

static int
verify(const struct pubkey *k, struct slice alg, struct slice sig,
    struct view *rest, struct slice msg, struct sk_flags *flags, struct err *e)
{
	(void)alg;
	(void)rest;
	(void)flags;
	return pubkey_verify_ed25519(k, sig, msg, e);
}

const struct pubkey_impl pubkey_impl_ed25519 = {
    .type = PUBKEY_ED25519,
    .name = "ssh-ed25519",
    .short_name = "ED25519",
    .cert_name = "ssh-ed25519-cert-v01@openssh.com",
    .bits = 256,
    .n_strings = 1,
    .parse = pubkey_parse_ed25519,
    .verify = verify,
};
