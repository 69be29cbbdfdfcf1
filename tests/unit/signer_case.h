/* SPDX-License-Identifier: ISC */
/* A batch as a keeper gives it to a signer elsewhere: one certificate, its leaf
 * at the end of a log of a few, the statements it names. */
#ifndef TESTS_UNIT_SIGNER_CASE_H
#define TESTS_UNIT_SIGNER_CASE_H

#include "ca/signer/signer_frames.h"
#include "tests/unit/issue_case.h"

#define SIGNER_CASE_LEAVES 6

struct signer_case {
	struct issue_case  c;
	struct issue_leaf  leaf;
	struct hash	   decisions[ISSUE_CASE_DECISIONS];
	struct str	   text;	/* of the leaf */
	struct hash	   hashes[SIGNER_CASE_LEAVES];
	struct hash	   proof[1];
	struct hash	   inclusion[MERKLE_PROOF_MAX];
	struct signer_tail tail;
	struct signer_job  job;
	struct signer_batch b;
};

/* The tail is the last two leaves; with before, one of those before it is the
 * certificate's, and comes with its proof. */
void signer_case_open(struct signer_case *s, bool before);
void signer_case_close(struct signer_case *s);
/* SIGN; buf_free() it. */
struct buf *signer_case_frame(const struct signer_case *s, bool durable);

#endif
