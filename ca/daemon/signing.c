/* SPDX-License-Identifier: ISC */
/* The signer in the process of its keeper: one may call the other. */
#include "ca/daemon/signing.h"

#include <stdlib.h>

struct here {
	struct signer *signer;
	struct key *log;
};

static int
here_seen(void *ctx, struct signer_seen *out, struct err *e)
{
	const struct here *h = ctx;

	(void)e;
	signer_get_seen(h->signer, out);
	return 0;
}

static int
here_sign(void *ctx, struct signer_batch *b, struct str *note, struct err *e)
{
	const struct here *h = ctx;

	return signer_sign(h->signer, b, note, e);
}

static int
here_sign_krl(void *ctx, struct slice message, struct slice list,
    struct str *out, struct err *e)
{
	const struct here *h = ctx;

	(void)list; /* compiled by this very process */
	return key_sshsig(h->log, statement_namespace(ST_KRL), message, out, e);
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
	struct here *h = ctx;

	signer_close(h->signer);
	free(h);
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
	struct here *h;
	int r;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return err_nomem(e);
	h->log = c->log;
	if ((r = signer_open(c, &h->signer, e)) != 0) {
		free(h);
		return r;
	}
	*out = (struct signatory){&here_ops, h};
	return 0;
}

void
signing_close(struct signatory *s)
{
	if (s->ops != NULL)
		s->ops->close(s->ctx);
	*s = (struct signatory){NULL, NULL};
}
