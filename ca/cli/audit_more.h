/* SPDX-License-Identifier: ISC */
/* What evidence has besides its certificate: revocations, a host's report. */
#ifndef CA_CLI_AUDIT_MORE_H
#define CA_CLI_AUDIT_MORE_H

#include "ca/audit/evidence.h"
#include "ca/audit/uses.h"
#include "ca/cli/audit.h"

#define MORE_MAX 100

struct more {			/* zero-initialise / more_clear */
	struct evidence_more v[MORE_MAX];
	size_t		     n;
};
void more_clear(struct more *m);
/* Each revoke statement of the logs of p about the certificate with this
 * serial.  What audit_log_select() and evidence_more_take() say; ERR_LIMIT. */
int  more_of_revocations(const struct place *p, uint64_t serial,
     struct more *m, struct err *e) MUST_CHECK;
/*
 * The report in which a host told of this login, from the log of the fleet that
 * has it: of those of --fleet-log, else of those that writ.yaml names.  1: none
 * is named.  ERR_NOTFOUND (none has it), and what audit_log_open() and
 * evidence_more_take() say.
 */
int  more_of_report(struct cli_args *a, const struct place *p, uint64_t index,
     const struct hash *report, uint64_t serial, struct more *m,
     struct err *e) MUST_CHECK;

#endif
