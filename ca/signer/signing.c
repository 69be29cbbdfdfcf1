/* SPDX-License-Identifier: ISC */
/* The signer in the process of its keeper: one may call the other. */
#include "ca/signer/signing.h"

#include <stddef.h>

static int
here_seen(void *ctx, struct signer_seen *out, struct err *e)
{
	(void)e;
	signer_get_seen(ctx, out);
	return 0;
}

static int
here_sign(void *ctx, struct signer_batch *b, struct str *note, struct err *e)
{
	return signer_sign(ctx, b, note, e);
}

static int
here_sign_krl(void *ctx, struct slice message, struct slice list,
    struct str *out, struct err *e)
{
	(void)list; /* compiled by this very process */
	return signer_sign_krl(ctx, message, out, e);
}

static int
here_policy(void *ctx, const struct bundle_chain *c, struct err *e)
{
	(void)ctx;
	(void)c;
	(void)e;
	return 0;
}

static void
here_act(void *ctx, const struct statement *s)
{
	(void)ctx;
	(void)s;
}

static void
here_close(void *ctx)
{
	signer_close(ctx);
}

static const struct signing_ops here_ops = {
    .seen = here_seen,
    .sign = here_sign,
    .sign_krl = here_sign_krl,
    .policy = here_policy,
    .act = here_act,
    .close = here_close,
};

int
signing_here(const struct signer_config *c, struct signatory *out,
    struct err *e)
{
	struct signer *s = NULL;
	int r = signer_open(c, &s, e);

	if (r == 0)
		*out = (struct signatory){&here_ops, s};
	return r;
}

void
signing_close(struct signatory *s)
{
	if (s->ops != NULL)
		s->ops->close(s->ctx);
	*s = (struct signatory){NULL, NULL};
}
