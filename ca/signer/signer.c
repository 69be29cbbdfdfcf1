/* SPDX-License-Identifier: ISC */
#include "ca/signer/signer.h"

#include <stdlib.h>
#include <string.h>

#include "ca/issue/issue.h"
#include "ca/signer/signer_impl.h"
#include "lib/base/parallel.h"
#include "lib/key/note.h"

/* --- signing ------------------------------------------------------------- */

/* The same head once more, and no certificate: the journal has all of it. */
static bool
remembered(const struct signer *s, const struct signer_batch *b,
    const struct signer_seen *seen)
{
	return b->n_jobs == 0 && seen->head.size == s->seen.head.size &&
	    hash_equal(&seen->head.root, &s->seen.head.root) &&
	    seen->root_version == s->seen.root_version &&
	    seen->policy_version == s->seen.policy_version;
}

/* The journal's records for a batch: the head, then each certificate. */
static int
remember(struct signer *s, const struct signer_batch *b,
    const struct signer_seen *seen, struct err *e)
{
	struct slice *records = NULL;
	struct buf *all = NULL;
	size_t *ends = NULL, start = 0, bytes = RECORD_HEAD_LEN;
	int r = ERR_NOMEM;

	for (size_t i = 0; i < b->n_jobs; i++)
		bytes += RECORD_CERT_HEAD + b->jobs[i].leaf->tbs_len;

	if ((records = calloc(b->n_jobs + 1, sizeof(*records))) == NULL ||
	    (ends = calloc(b->n_jobs + 1, sizeof(*ends))) == NULL ||
	    (r = buf_new(&all, bytes)) != 0 ||
	    (r = buf_expect(all, bytes)) != 0 ||
	    (r = signer_encode_head(seen, b->now, all)) != 0)
		goto out;
	ends[0] = buf_len(all);
	for (size_t i = 0; i < b->n_jobs; i++) {
		const struct issue_leaf *l = b->jobs[i].leaf;

		if ((r = buf_put_u8(all, RECORD_CERT)) != 0 ||
		    (r = buf_put_string(all, l->tbs, l->tbs_len)) != 0)
			goto out;
		ends[i + 1] = buf_len(all);
	}
	for (size_t i = 0; i <= b->n_jobs; i++) {
		records[i] =
		    slice_of(buf_slice(all).p + start, ends[i] - start);
		start = ends[i];
	}
	r = journal_append(s->journal, records, b->n_jobs + 1, e);
	if (r != 0)
		err_prefix(e, "signer's journal");
out:
	if (r == ERR_NOMEM || r == ERR_LIMIT)
		(void)err_set(e, r, "signer's journal: %s", err_text(r));
	buf_free(all);
	free(records);
	free(ends);
	return r;
}

static int
sign_job(const struct signer *s, struct signer_job *j, struct buf **out,
    struct err *e)
{
	struct key *ca = signer_ca(s, issue_kind(j->request));
	struct slice tbs = slice_of(j->leaf->tbs, j->leaf->tbs_len);
	struct buf *blob = NULL, *sig = NULL;
	int r;

	if ((r = buf_new(&blob, CERT_MAX)) != 0 ||
	    (r = buf_new(&sig, 4096)) != 0 ||
	    (r = buf_put_slice(blob, tbs)) != 0) {
		(void)err_set(e, r, "sign certificate: %s", err_text(r));
		goto out;
	}
	if ((r = key_sign(ca, tbs, sig, e)) != 0)
		goto out;
	if ((r = buf_put_buf(blob, sig)) != 0) {
		(void)err_set(e, r, "sign certificate: %s", err_text(r));
		goto out;
	}
	*out = blob;
	blob = NULL;
out:
	buf_free(sig);
	buf_free(blob);
	return r;
}

static void
forget_jobs(struct signer_batch *b, size_t n)
{
	while (n > 0) {
		buf_free(b->jobs[--n].cert);
		b->jobs[n].cert = NULL;
	}
}

struct signing {
	const struct signer *s;
	struct signer_batch *b;
};

static int
sign_nth(void *ctx, size_t i, struct err *e)
{
	struct signing *g = ctx;
	struct signer_job *j = &g->b->jobs[i];

	return sign_job(g->s, j, &j->cert, e);
}

/* May the jobs be signed by several threads? */
static bool
keys_are_shared(const struct signer *s)
{
	const struct signer_config *c = &s->config;

	return (c->user_ca == NULL || key_is_shared(c->user_ca)) &&
	    (c->host_ca == NULL || key_is_shared(c->host_ca));
}

static int
sign_jobs(const struct signer *s, struct signer_batch *b, struct err *e)
{
	struct signing g = {.s = s, .b = b};
	int r = 0;

	if (keys_are_shared(s))
		r = parallel_try(b->n_jobs, sign_nth, &g, e);
	else
		/* An agent that does not answer is asked once. */
		for (size_t i = 0; i < b->n_jobs && r == 0; i++)
			r = sign_nth(&g, i, e);
	if (r != 0)
		forget_jobs(b, b->n_jobs);
	return r;
}

int
signer_check(const struct signer *s, const struct signer_batch *b,
    struct err *e)
{
	int r;

	if ((r = signer_check_head(s, b, e)) != 0 ||
	    (r = signer_check_versions(s, b->trust, e)) != 0)
		return r;
	return signer_check_jobs(s, b, e);
}

int
signer_make(const struct signer *s, struct signer_batch *b, struct str *note,
    struct err *e)
{
	struct str text = STR_INIT;
	int r;

	if ((r = key_sign_checkpoint(s->config.log, &b->head, &text, e)) != 0 ||
	    (r = sign_jobs(s, b, e)) != 0)
		goto out;
	str_addn(note, text.p, text.n);
	if ((r = str_check(note)) != 0) {
		forget_jobs(b, b->n_jobs);
		(void)err_nomem(e);
	}
out:
	str_clear(&text);
	return r;
}

int
signer_commit(struct signer *s, const struct signer_batch *b, struct err *e)
{
	struct signer_seen seen = s->seen;
	int r;

	seen.head = b->head;
	seen.root_version = b->trust->root_version;
	seen.policy_version = b->trust->policy->version;
	if (!remembered(s, b, &seen) && (r = remember(s, b, &seen, e)) != 0)
		return r;
	s->seen = seen;
	/* A journal that cannot be begun anew is full, not wrong. */
	(void)!signer_restart_when_full(s, b->now, NULL);
	return 0;
}

int
signer_sign(struct signer *s, struct signer_batch *b, struct str *note,
    struct err *e)
{
	int r;

	if ((r = signer_check(s, b, e)) != 0 ||
	    (r = signer_commit(s, b, e)) != 0)
		return r;
	return signer_make(s, b, note, e);
}

/* --- what else it will not go back behind --------------------------------- */

int
signer_remember_acts(struct signer *s, uint64_t acts, const struct hash *chain,
    uint64_t krl_version, struct err *e)
{
	struct signer_seen seen = s->seen;
	struct buf *b = NULL;
	struct slice record;
	int r;

	seen.acts = acts;
	seen.acts_chain = *chain;
	seen.krl_version = krl_version;
	if (acts == s->seen.acts && hash_equal(chain, &s->seen.acts_chain) &&
	    krl_version == s->seen.krl_version)
		return 0;
	if ((r = buf_new(&b, RECORD_ACTS_LEN)) != 0 ||
	    (r = signer_encode_acts(&seen, b)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	record = buf_slice(b);
	if ((r = journal_append(s->journal, &record, 1, e)) != 0)
		err_prefix(e, "signer's journal");
	else
		s->seen = seen;
out:
	buf_free(b);
	return r;
}

int
signer_sign_krl(struct signer *s, struct slice message, struct str *out,
    struct err *e)
{
	return key_sshsig(s->config.log, statement_namespace(ST_KRL), message,
	    out, e);
}
