/* SPDX-License-Identifier: ISC */
/* What the signer's files share, and nobody else. */
#ifndef CA_SIGNER_SIGNER_IMPL_H
#define CA_SIGNER_SIGNER_IMPL_H

#include "ca/signer/signer.h"
#include "lib/ledger/journal.h"

struct signer {
	struct signer_config config;
	struct signer_seen seen;
	struct journal *journal;
	char *path;
	int lock;
	uint64_t restarts; /* the journal's base */
};

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
