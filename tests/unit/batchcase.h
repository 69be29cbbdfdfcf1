/* SPDX-License-Identifier: ISC */
/*
 * A signer, and a batch of one certificate that it signs: what tests change of
 * it is what the signer must see.  Whatever fails ends the test.
 */
#ifndef TESTS_UNIT_BATCHCASE_H
#define TESTS_UNIT_BATCHCASE_H

#include "ca/signer/signer.h"
#include "tests/unit/issue_case.h"
#include "tests/unit/tmpdir.h"

#define BATCHCASE_JOBS 1000

struct batchcase {
	char dir[TMPDIR_MAX];
	struct issue_case c;
	struct trust trust;
	struct key *user_ca, *host_ca, *log;
	struct signer_config config;
	struct signer *s;
	struct issue_leaf leaf;
	struct hash decisions[ISSUE_CASE_DECISIONS];
	struct signer_job jobs[BATCHCASE_JOBS];
	struct signer_batch b;
	struct hash proof[2];
	struct str note;
	struct err e;
};

int  bcase_setup(void **state);
int  bcase_teardown(void **state);
/* A signer over w->config, and nothing of one that is still open. */
void bcase_open(struct batchcase *w);
/* The head of size leaves, the last of which may be another, and the proof that
 * it extends size - 1 leaves (for 2 and 3: the hash of the last alone). */
void bcase_head(struct batchcase *w, uint64_t size, bool other);
/* The leaf of the case's request as a keeper would make it. */
void bcase_leaf(struct batchcase *w);

/* All of it is signed, and forgotten. */
void bcase_signs(struct batchcase *w, const char *what);
/* Refused with this code and these words; nothing was signed or remembered. */
void bcase_refuses(struct batchcase *w, const char *what, int code,
    const char *words);

#endif
