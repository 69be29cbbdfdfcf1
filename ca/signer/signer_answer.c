/* SPDX-License-Identifier: ISC */
#include "ca/signer/signer_answer.h"

#include <string.h>

#include "lib/base/parallel.h"
#include "lib/ssh/sshsig.h"

static int
check_note(const struct checkpoint *head, struct slice note,
    const uint8_t pk[32], struct err *e)
{
	struct checkpoint c;
	int r;

	if ((r = checkpoint_open(note, head->origin, pk, &c, e)) != 0) {
		err_prefix(e, "checkpoint");
		return r;
	}
	if (c.size != head->size || !hash_equal(&c.root, &head->root))
		return err_set(e, ERR_PARSE,
		    "checkpoint of another log than it was asked to sign");
	return 0;
}

/* The leaf says what was to be signed: all but the signature is known. */
static int
check_nth(void *ctx, size_t i, struct err *e)
{
	const struct signer_job *j = &((const struct signer_job *)ctx)[i];
	struct slice blob = buf_slice(j->cert);
	struct cert c;
	int r;

	if (blob.n <= j->leaf->tbs_len ||
	    memcmp(blob.p, j->leaf->tbs, j->leaf->tbs_len) != 0)
		return err_set(e, ERR_PARSE,
		    "another certificate than it was asked to sign");
	cert_init(&c);
	if ((r = cert_parse(blob, &c, e)) == 0)
		r = cert_verify(&c, blob, e);
	cert_clear(&c);
	if (r != 0)
		err_prefix(e, "certificate");
	return r;
}

int
signer_answer_check(const struct checkpoint *head, struct slice note,
    const uint8_t pk[32], const struct signer_job *jobs, size_t n,
    struct err *e)
{
	int r;

	if ((r = check_note(head, note, pk, e)) != 0)
		return r;
	return parallel_try(n, check_nth, (void *)(uintptr_t)jobs, e);
}

int
signer_answer_check_krl(struct slice message, struct slice block,
    const uint8_t pk[32], struct err *e)
{
	const uint8_t *signed_by;
	struct sshsig sig;
	size_t used;
	int r;

	sshsig_init(&sig);
	if ((r = sshsig_parse_armor(block, &sig, &used, e)) != 0)
		goto out;
	signed_by = pubkey_ed25519(sig.key);
	if (used != block.n)
		r = err_set(e, ERR_PARSE, "more than one signature");
	else if (signed_by == NULL || memcmp(signed_by, pk, 32) != 0)
		r = err_set(e, ERR_BADSIG, "not signed by the log's key");
	else
		r = sshsig_verify(&sig, statement_namespace(ST_KRL), message,
		    NULL, e);
out:
	sshsig_clear(&sig);
	if (r != 0)
		err_prefix(e, "revocation list");
	return r;
}
