/* SPDX-License-Identifier: ISC */
/* ecdsa-sha2-nistp256, nistp384, nistp521 (RFC 5656). */
#include "lib/crypto/ecdsa.h"
#include "lib/ssh/pubkey_impl.h"

static enum ecdsa_curve
curve_of(const struct pubkey_impl *impl)
{
	return impl->bits == 256 ? ECDSA_P256
	    : impl->bits == 384  ? ECDSA_P384
				 : ECDSA_P521;
}

int
pubkey_parse_ecdsa(struct view *v, struct pubkey *k, struct err *e)
{
	struct slice curve, point;
	int r;

	if (view_get_string(v, &curve) != 0 || !slice_is(curve, k->impl->curve))
		return err_set(e, ERR_PARSE,
		    "curve of an ecdsa key is another one, expected %s",
		    k->impl->curve);
	if (view_get_string(v, &point) != 0)
		return err_set(e, ERR_PARSE, "ecdsa key has no point");
	r = ecdsa_pub_new(curve_of(k->impl), point, &k->ecdsa);
	if (r == ERR_PARSE)
		return err_set(e, r,
		    "point of an ecdsa key is malformed, "
		    "expected an uncompressed point on %s",
		    k->impl->curve);
	return r == 0 ? 0 : err_set(e, r, "ecdsa key: %s", err_text(r));
}

int
pubkey_verify_ecdsa(const struct pubkey *k, struct slice sig, struct slice msg,
    struct err *e)
{
	struct view v = view_slice(sig);
	struct slice r, s;

	if (view_get_mpint(&v, &r) != 0 || view_get_mpint(&v, &s) != 0 ||
	    view_end(&v) != 0)
		return err_set(e, ERR_PARSE,
		    "ecdsa signature is malformed, expected two mpints");
	return ecdsa_pub_verify(k->ecdsa, r, s, msg);
}

static int
verify(const struct pubkey *k, struct slice alg, struct slice sig,
    struct view *rest, struct slice msg, struct sk_flags *flags, struct err *e)
{
	(void)alg;
	(void)rest;
	(void)flags;
	return pubkey_verify_ecdsa(k, sig, msg, e);
}

const struct pubkey_impl pubkey_impl_ecdsa256 = {
    .type = PUBKEY_ECDSA256,
    .name = "ecdsa-sha2-nistp256",
    .short_name = "ECDSA",
    .cert_name = "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    .curve = "nistp256",
    .bits = 256,
    .n_strings = 2,
    .parse = pubkey_parse_ecdsa,
    .verify = verify,
};

const struct pubkey_impl pubkey_impl_ecdsa384 = {
    .type = PUBKEY_ECDSA384,
    .name = "ecdsa-sha2-nistp384",
    .short_name = "ECDSA",
    .cert_name = "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    .curve = "nistp384",
    .bits = 384,
    .n_strings = 2,
    .parse = pubkey_parse_ecdsa,
    .verify = verify,
};

const struct pubkey_impl pubkey_impl_ecdsa521 = {
    .type = PUBKEY_ECDSA521,
    .name = "ecdsa-sha2-nistp521",
    .short_name = "ECDSA",
    .cert_name = "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    .curve = "nistp521",
    .bits = 521,
    .n_strings = 2,
    .parse = pubkey_parse_ecdsa,
    .verify = verify,
};
