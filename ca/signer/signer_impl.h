/* SPDX-License-Identifier: ISC */
/* What the signer's files share, and nobody else. */
#ifndef CA_SIGNER_SIGNER_IMPL_H
#define CA_SIGNER_SIGNER_IMPL_H

#include "ca/signer/signer.h"
#include "lib/ledger/journal.h"

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

struct signer {
	struct signer_config config;
	struct signer_seen seen;
	struct journal *journal;
	char *path;
	int lock;
	uint64_t restarts; /* the journal's base */
};

/* Records of the journal, appended to b: ERR_NOMEM, ERR_LIMIT. */
int signer_encode_head(const struct signer_seen *seen, int64_t at,
    struct buf *b) MUST_CHECK;
int signer_encode_acts(const struct signer_seen *seen, struct buf *b)
    MUST_CHECK;
/* A full one is put aside, and begun anew with what was seen last. */
int signer_restart_when_full(struct signer *s, int64_t now, struct err *e)
    MUST_CHECK;

/* Not behind, and no fork of, what was signed before. */
int signer_check_head(const struct signer *s, const struct signer_batch *b,
    struct err *e) MUST_CHECK;
int signer_check_versions(
    const struct signer *s, const struct trust *t, struct err *e) MUST_CHECK;
/* Does ca/issue give each of these certificates, to the byte? */
int signer_check_jobs(const struct signer *s, const struct signer_batch *b,
    struct err *e) MUST_CHECK;
/* The key for a kind of certificate, or NULL. */
struct key *signer_ca(const struct signer *s, enum cert_kind kind);

#endif
