/* SPDX-License-Identifier: ISC */
#include "ca/signer/signer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/signer/signer_impl.h"
#include "lib/base/file.h"
#include "lib/base/parallel.h"

/*
 * Records of the journal: a byte that says which, then
 *
 *   'H' head	u64 at, u64 size, 32 bytes root, u64 root version,
 *		u64 bundle version
 *   'C' cert	string to-be-signed bytes, for each certificate of the batch
 *   'A' acts	u64 how many, 32 bytes their chain, u64 version of the last
 *		revocation list
 */
#define RECORD_HEAD      'H'
#define RECORD_CERT      'C'
#define RECORD_ACTS      'A'
#define RECORD_ACTS_LEN  (1 + 8 + HASH_LEN + 8)
#define RECORD_HEAD_LEN  (1 + 8 + 8 + HASH_LEN + 8 + 8)
#define RECORD_CERT_HEAD (1 + 4) /* before the to-be-signed bytes */
/*
 * Past this the journal is put aside and begun anew with its last head.  All of
 * it is read and checked at each start, so this is half a millisecond of every
 * single `writ sign`; at 4 MB it was a fifth of one.
 */
#define JOURNAL_FULL (512 * 1024)
#define JOURNAL_ROOM (256 * 1024)

/* --- the journal --------------------------------------------------------- */

static int
encode_head(const struct signer_seen *seen, int64_t at, struct buf *b)
{
	int r;

	if ((r = buf_put_u8(b, RECORD_HEAD)) != 0 ||
	    (r = buf_put_u64(b, (uint64_t)at)) != 0 ||
	    (r = buf_put_u64(b, seen->head.size)) != 0 ||
	    (r = buf_put(b, seen->head.root.b, HASH_LEN)) != 0 ||
	    (r = buf_put_u64(b, seen->root_version)) != 0 ||
	    (r = buf_put_u64(b, seen->policy_version)) != 0)
		return r;
	return 0;
}

static int
encode_acts(const struct signer_seen *seen, struct buf *b)
{
	int r;

	if ((r = buf_put_u8(b, RECORD_ACTS)) != 0 ||
	    (r = buf_put_u64(b, seen->acts)) != 0 ||
	    (r = buf_put(b, seen->acts_chain.b, HASH_LEN)) != 0)
		return r;
	return buf_put_u64(b, seen->krl_version);
}

static int
replay_head(struct signer *s, struct view *v)
{
	struct signer_seen seen = s->seen;
	struct slice root;
	uint64_t at;

	if (view_get_u64(v, &at) != 0 ||
	    view_get_u64(v, &seen.head.size) != 0 ||
	    view_get(v, HASH_LEN, &root) != 0 ||
	    view_get_u64(v, &seen.root_version) != 0 ||
	    view_get_u64(v, &seen.policy_version) != 0 || view_end(v) != 0)
		return ERR_CORRUPT;
	memcpy(seen.head.root.b, root.p, HASH_LEN);
	memcpy(seen.head.origin, s->config.origin,
	    strlen(s->config.origin) + 1);
	s->seen = seen;
	return 0;
}

static int
replay_acts(struct signer *s, struct view *v)
{
	struct signer_seen seen = s->seen;
	struct slice chain;

	if (view_get_u64(v, &seen.acts) != 0 ||
	    view_get(v, HASH_LEN, &chain) != 0 ||
	    view_get_u64(v, &seen.krl_version) != 0 || view_end(v) != 0)
		return ERR_CORRUPT;
	memcpy(seen.acts_chain.b, chain.p, HASH_LEN);
	s->seen = seen;
	return 0;
}

static int
replay(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	struct view v = view_slice(record);
	struct signer *s = ctx;
	uint8_t which;

	(void)nth;
	s->restarts = base;
	if (view_get_u8(&v, &which) != 0)
		return ERR_CORRUPT;
	if (which == RECORD_HEAD)
		return replay_head(s, &v);
	if (which == RECORD_ACTS)
		return replay_acts(s, &v);
	return which == RECORD_CERT ? 0 : ERR_CORRUPT;
}

int
signer_open(const struct signer_config *c, struct signer **out, struct err *e)
{
	struct signer *s = NULL;
	char *lock = NULL;
	int r;

	if (strlen(c->origin) >= ORIGIN_MAX)
		return err_set(e, ERR_LIMIT, "origin of the log is too long");
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_nomem(e);
	s->config = *c;
	s->lock = -1;
	if (path_join(c->dir, "journal", &s->path) != 0 ||
	    path_join(c->dir, "lock", &lock) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = file_mkdirs(c->dir, 0700, e)) != 0 ||
	    (r = file_lock(lock, &s->lock, e)) != 0)
		goto out;
	r = journal_open(s->path, JOURNAL_ROOM, false, replay, s, &s->journal,
	    e);
	if (r != 0) {
		err_prefix(e, "signer's journal");
		goto out;
	}
	*out = s;
	s = NULL;
out:
	free(lock);
	signer_close(s);
	return r;
}

void
signer_close(struct signer *s)
{
	if (s == NULL)
		return;
	journal_close(s->journal);
	if (s->lock != -1)
		(void)close(s->lock);
	free(s->path);
	free(s);
}

void
signer_get_seen(const struct signer *s, struct signer_seen *out)
{
	*out = s->seen;
}

/*
 * Keep the full journal beside the new one: it is the only other witness of
 * what was signed.  A crash between the two steps leaves a second name for the
 * same file, and the next restart finds the name taken and goes on.
 */
static int
restart_when_full(struct signer *s, int64_t now, struct err *e)
{
	struct buf *head = NULL;
	char *aside = NULL;
	struct slice records[2];
	int r;

	if (journal_bytes(s->journal) < JOURNAL_FULL)
		return 0;
	if (path_joinf(&aside, "%s.%llu", s->path,
		(unsigned long long)s->restarts) != 0 ||
	    buf_new(&head, RECORD_HEAD_LEN + RECORD_ACTS_LEN) != 0 ||
	    encode_head(&s->seen, now, head) != 0 ||
	    encode_acts(&s->seen, head) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if (link(s->path, aside) != 0 && errno != EEXIST) {
		r = err_sys(e, "%s", aside);
		goto out;
	}
	records[0] = slice_of(buf_slice(head).p, RECORD_HEAD_LEN);
	records[1] =
	    slice_of(buf_slice(head).p + RECORD_HEAD_LEN, RECORD_ACTS_LEN);
	r = journal_restart(s->journal, s->restarts + 1, records, 2, e);
	if (r == 0)
		s->restarts++;
out:
	buf_free(head);
	free(aside);
	return r;
}

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
	    (r = encode_head(seen, b->now, all)) != 0)
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
sign_note(struct signer *s, const struct checkpoint *head, struct str *note,
    struct err *e)
{
	const uint8_t *pk = pubkey_ed25519(key_public(s->config.log));
	struct str text = STR_INIT;
	uint8_t sig[64];
	int r;

	if (pk == NULL)
		return err_set(e, ERR_DENIED, "log key is not Ed25519");
	if ((r = checkpoint_encode(head, &text)) != 0 ||
	    (r = key_sign_ed25519(s->config.log, slice_str(text.p), sig, e)) !=
		0 ||
	    (r = checkpoint_note(head, pk, sig, note)) != 0)
		err_prefix(e, "sign checkpoint");
	str_clear(&text);
	return r;
}

static int
sign_job(struct signer *s, struct signer_job *j, struct buf **out,
    struct err *e)
{
	struct key *ca = signer_ca(s, j->request->u.r.kind);
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
	struct signer *s;
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
sign_jobs(struct signer *s, struct signer_batch *b, struct err *e)
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
signer_commit(struct signer *s, struct signer_batch *b, struct str *note,
    struct err *e)
{
	struct signer_seen seen = s->seen;
	struct str text = STR_INIT;
	int r;

	seen.head = b->head;
	seen.root_version = b->trust->root_version;
	seen.policy_version = b->trust->policy->version;
	if (!remembered(s, b, &seen) && (r = remember(s, b, &seen, e)) != 0)
		goto out;
	s->seen = seen;
	if ((r = sign_note(s, &b->head, &text, e)) != 0 ||
	    (r = sign_jobs(s, b, e)) != 0)
		goto out;
	str_add(note, text.p);
	if ((r = str_check(note)) != 0) {
		forget_jobs(b, b->n_jobs);
		(void)err_nomem(e);
		goto out;
	}
	/* A journal that cannot be begun anew is full, not wrong. */
	(void)restart_when_full(s, b->now, NULL);
out:
	str_clear(&text);
	return r;
}

int
signer_sign(struct signer *s, struct signer_batch *b, struct str *note,
    struct err *e)
{
	int r = signer_check(s, b, e);

	return r != 0 ? r : signer_commit(s, b, note, e);
}

/* --- what else it will not go back behind ---------------------------------- */

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
	    (r = encode_acts(&seen, b)) != 0) {
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
