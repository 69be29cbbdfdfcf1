/* SPDX-License-Identifier: ISC */
/* What evidence is gathered with; inside ca/audit alone. */
#ifndef CA_AUDIT_EVIDENCE_IMPL_H
#define CA_AUDIT_EVIDENCE_IMPL_H

#include "ca/audit/audit_impl.h"
#include "ca/audit/evidence.h"

struct evidence_gathering {
	struct audit_log *l;
	struct evidence_case *c;
	const struct policy *now;
	char path[ISSUE_PATH_MAX]; /* of the record */
	/* Leaves about people's keys, and roots. */
	uint64_t *keys;
	size_t n_keys, cap_keys;
	size_t n_before; /* of these, before the certificate */
	uint64_t *roots;
	size_t n_roots, cap_roots;
	bool has_policy, has_certificate;
	uint64_t policy_index;
};

/* A statement of the log, once more, and verified; name is its file's.  ERR_PARSE,
 * ERR_BADSIG, ERR_LIMIT, ERR_NOMEM. */
int evidence_take_said(struct evidence_case *c, struct slice bytes,
    const char *name, struct err *e) MUST_CHECK;
/* The policy whose leaf was found, with its files.  ERR_NOTFOUND, ERR_CORRUPT
 * (another file than its name says), ERR_PARSE, and what blob_get() says. */
int evidence_read_policy(struct evidence_gathering *g, struct err *e)
    MUST_CHECK;
/* Then the roots from version 1 to its own.  As that; ERR_LIMIT. */
int evidence_read_roots(struct evidence_gathering *g, struct err *e)
    MUST_CHECK;
/* Then, of those who signed with a key that the policy lacks, what made it theirs,
 * and so on for those who signed that. */
int evidence_add_keys(struct evidence_gathering *g, struct err *e) MUST_CHECK;
/* And which of all those keys are over by now. */
int evidence_look_later(struct evidence_gathering *g, struct err *e)
    MUST_CHECK;

#endif
