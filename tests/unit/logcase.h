/* SPDX-License-Identifier: ISC */
/*
 * A log in a directory, made by hand: leaves, tiles, records, heads, without
 * the ledger, so that what the auditor says rests on a second account of the
 * format.  What fails here ends the test with a message.
 */
#ifndef TESTS_UNIT_LOGCASE_H
#define TESTS_UNIT_LOGCASE_H

#include <stdint.h>

#include "ca/audit/audit.h"
#include "ca/issue/issue.h"
#include "lib/statement/leaf.h"
#include "lib/tlog/checkpoint.h"
#include "lib/trust/bundle.h"
#include "lib/trust/standing.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define LOGCASE_LEAVES 1024

struct logcase {
	char		 dir[TMPDIR_MAX];
	const char	*name;		/* "ca_log" */
	uint8_t		 seed;		/* of its key */
	uint8_t		 ca;		/* who signs certificates */
	bool		 fleet;		/* the policy has a master */
	struct hash	 realm;
	struct trust	 trust;
	struct standing *standing;
	struct str	 leaf[LOGCASE_LEAVES];
	size_t		 n;
	int64_t		 now;
};

/* A new directory with the fixture's policy: its files, its two leaves. */
void logcase_open(struct logcase *l, const char *name, uint8_t seed,
    uint8_t ca);
/* The same, of a policy that has a master (seed 106) and its log (107), and
 * gives accepted hosts web-*.example.com certificates; with other's very
 * policy, where there is another one. */
#define LOGCASE_MASTER_LOG "master_1_log"
#define SEED_MASTER_LOG	   107
void logcase_open_fleet(struct logcase *l, const char *name, uint8_t seed,
    uint8_t ca, const struct logcase *other);
/* Removes the directory too. */
void logcase_close(struct logcase *l);

/* Append a leaf: raw, or a statement, applied to the standing too. */
size_t logcase_raw(struct logcase *l, const void *p, size_t n);
size_t logcase_add(struct logcase *l, const struct statement *s);
/* The leaf of a certificate, as ca/issue decides; to be changed before it is
 * added with its record. */
void   logcase_decide(struct logcase *l, const struct statement *request,
    const struct statement *const *decisions, size_t n,
    struct issue_leaf *out);
size_t logcase_issue(struct logcase *l, const struct issue_leaf *i,
    const struct statement *request,
    const struct statement *const *decisions, size_t n);
void   logcase_issue_clear(struct issue_leaf *i);
/* The signed one, and its object. */
size_t logcase_certificate(struct logcase *l, const struct issue_leaf *i,
    size_t index);
/* alice asks for deploy, olga approves, it is issued and signed: 4 leaves. */
void   logcase_story(struct logcase *l);

/* Tiles, checkpoints/N and checkpoint for all leaves; older ones stay. */
void   logcase_publish(struct logcase *l);
/* A note for any size and root. */
void   logcase_note(const struct logcase *l, uint64_t size,
    const struct hash *root, uint8_t seed, struct str *out);
void   logcase_root(const struct logcase *l, uint64_t size, struct hash *out);

/* Files by key, below the directory. */
void   logcase_write(const struct logcase *l, const char *key, const void *p,
    size_t n);
void   logcase_read(const struct logcase *l, const char *key, char **out,
    size_t *n);
void   logcase_remove(const struct logcase *l, const char *key);
/* All of them, sorted. */
void   logcase_keys(const struct logcase *l, struct strs *out);

/* End the test, with all that an audit found. */
void   logcase_fail(const struct audit_report *r, const char *what);

#endif
