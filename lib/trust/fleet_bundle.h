/* SPDX-License-Identifier: ISC */
/*
 * The fleet's bundle: what hosts are to be, signed by operators.
 *
 * It is judged under the policy that its holder trusts (lib/trust/bundle.h):
 * root.yaml names the operators and how many must sign.  Its MANIFEST names
 * fleet.yaml and top.yaml, and any of states/NAME.yaml and pillar/NAME.yaml;
 * nothing else, and nothing less, but that a host has only the pillar files
 * that its own top gives it.
 *
 * A version never goes down.  A holder may jump over versions (a host that was
 * off), but only along the chain of `previous`: it is shown the statements
 * between, whose hashes the newest one vouches for, so nobody can run ahead of
 * what operators have signed one by one.  A failed update changes nothing.
 * Pure.
 */
#ifndef LIB_TRUST_FLEET_BUNDLE_H
#define LIB_TRUST_FLEET_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/statement/statement.h"
#include "lib/trust/bundle.h"

#define FLEET_TOTAL_MAX	  (16 * 1024 * 1024)	/* bytes of all files */
#define FLEET_BETWEEN_MAX 4096			/* versions jumped over */
#define FLEET_PILLAR	  "pillar/"		/* where pillar files lie */

/* Is a file of that path one, which not every host may see? */
bool fleet_is_pillar(const char *path);

/* What a holder has accepted; all zero: nothing yet.  Owns nothing. */
struct fleet_held {
	bool	    have;
	uint64_t    version;
	struct hash bundle;	/* name of the fleet statement */
	int64_t	    expires;
};

/* What an update brings.  All borrowed. */
struct fleet_input {
	struct slice statement;
	struct slice manifest;
	const struct policy_files *files;	/* sorted by path */
	/* Statements of the versions after the one held and before this one,
	   ascending; signatures in them are not looked at. */
	const struct slice *between;
	size_t		    n_between;
	bool		    some_pillar;	/* pillar files may be absent */
};

/*
 * The steps, for who fetches what a step before named.
 *
 * fleet_statement_check(): signatures, realm, version and `previous` against
 * what is held.  s is replaced on success.  The very statement that is held
 * passes, though an operator who signed it has left since.
 *
 * ERR_PARSE	malformed, another type
 * ERR_DENIED	not enough operators signed (says who and who is missing),
 *		another realm, `by` did not sign, no policy is trusted
 * ERR_ROLLBACK	older, the same version with other content, or it does not
 *		follow what is held by way of `between`
 * ERR_BADSIG, ERR_LIMIT, ERR_NOMEM
 *
 * fleet_manifest_check(): the text is the one signed, and names what a fleet is
 * made of.  ERR_PARSE, ERR_LIMIT (more than FLEET_TOTAL_MAX), ERR_NOMEM.
 *
 * fleet_files_check(): every file of m, no other, each as m names it.
 * ERR_PARSE.
 */
int fleet_statement_check(const struct fleet_held *held, const struct trust *t,
    const struct fleet_input *in, struct statement *s, struct err *e)
    MUST_CHECK;
int fleet_manifest_check(const struct bundle_statement *b, struct slice text,
    struct manifest *out, struct err *e) MUST_CHECK;
int fleet_files_check(const struct manifest *m,
    const struct policy_files *files, bool some_pillar, struct err *e)
    MUST_CHECK;

/*
 * All of them, and expiry: 0 or BUNDLE_GRACE, and held is what was brought; a
 * bundle equal to the one held is a success.  ERR_EXPIRED: past its grace
 * (root.yaml's), or the policy it is judged under is.  now 0 skips expiry.
 * Else the errors above.
 */
int fleet_accept(struct fleet_held *held, const struct trust *t,
    const struct fleet_input *in, int64_t now, struct err *e) MUST_CHECK;

/* As trust_expiry(), of the fleet's bundle that is held; t's grace. */
int fleet_expiry(const struct fleet_held *held, const struct trust *t,
    int64_t now, struct str *text, struct err *e);

/*
 * On a host, once its top was read: are the pillar files among files those of
 * these names ("common"), no more and no fewer?  Another host's is ERR_DENIED,
 * one that is missing ERR_PARSE.
 */
int fleet_pillar_check(const struct policy_files *files,
    const struct strs *names, struct err *e) MUST_CHECK;

#endif
