/* SPDX-License-Identifier: ISC */
/*
 * Signed policy: the chain of roots, and the bundle of the day.
 *
 * The realm is the SHA-256 of root.yaml, version 1.  Root 1 needs its own root
 * threshold, root N+1 that of N and of N+1, one version at a time.  A bundle
 * names a MANIFEST, which names every file; it needs the policy threshold of
 * the root it holds, and that root must be the chain's last.  Thresholds count
 * persons: one person with two keys counts once.
 *
 * What a holder has accepted is a struct trust; trust_update() moves it
 * forward and never back.  A failed update leaves it as it was.  Pure.
 */
#ifndef LIB_TRUST_BUNDLE_H
#define LIB_TRUST_BUNDLE_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/statement/statement.h"
#include "lib/trust/policy.h"

#define BUNDLE_ROOTS_MAX    1024
#define BUNDLE_MANIFEST_MAX (4 * 1024 * 1024)
#define MANIFEST_PATH_MAX   255	/* bytes */

/*
 * MANIFEST: a line a file, sorted by path: "<sha256 hex> <size> <path>\n".
 * Paths are relative, [A-Za-z0-9._@+/-], no empty, "." or ".." parts; each
 * stands once, and none is a directory of another.
 *
 * manifest_of() appends to out: ERR_PARSE (no files, not sorted, a path not
 * of that form), ERR_LIMIT, ERR_NOMEM.  manifest_parse(): the same.
 */
struct manifest_entry {
	struct hash hash;
	uint64_t    size;
	char	   *path;
};
struct manifest {		/* manifest_clear */
	struct manifest_entry *v;
	size_t		       n, cap;
};
int  manifest_of(const struct policy_files *files, struct str *out) MUST_CHECK;
int  manifest_parse(struct slice text, struct manifest *out, struct err *e)
     MUST_CHECK;
void manifest_clear(struct manifest *m);
/* Has the file the size and the content of its entry? */
bool manifest_fits(const struct manifest_entry *x, const struct policy_file *f);

/* What an update brings.  All borrowed. */
struct bundle_input {
	/* root.yaml of each version from the first that is new, ascending,
	   and its root statement. */
	const struct slice *root_files;
	const struct slice *root_statements;
	size_t		    n_roots;
	struct slice	    statement;	/* the policy bundle's */
	struct slice	    manifest;
	const struct policy_files *files; /* what MANIFEST names, no more */
};

struct trust {			/* trust_init / trust_clear */
	bool	       have;	/* anything accepted yet */
	struct hash    realm;
	uint64_t       root_version;
	struct policy *root;	/* root.yaml alone, of the last root */
	struct policy *policy;	/* whole; hash, version, expires, zones set */
};
void trust_init(struct trust *t);
void trust_clear(struct trust *t);

/*
 * Accept roots and bundle.  pin, when not NULL, is the realm that must come
 * out (an empty t takes its realm from root 1).  now is for expiry alone:
 * BUNDLE_GRACE is answered when bundle or root is past its expiry and within
 * grace; beyond it ERR_EXPIRED; now 0 skips expiry (an auditor re-runs the
 * past).  A bundle equal to the one held is a success, and so is a root equal
 * to the last one held.
 *
 * An empty t takes any version of the bundle, since it has nothing to compare;
 * after that versions come one by one, each naming the one before, so that no
 * signer can run ahead of what others have seen.  `by` of every statement must
 * be one of its signers.
 *
 * ERR_PARSE	malformed, or MANIFEST and files differ
 * ERR_DENIED	threshold not met (says who signed and who is missing), another
 *		realm
 * ERR_ROLLBACK	older than what is held, a gap in the roots, a version again
 *		with other content, `previous` is not what is held
 * ERR_BADSIG, ERR_EXPIRED, ERR_LIMIT, ERR_NOMEM
 */
#define BUNDLE_GRACE 1
int trust_update(struct trust *t, const struct bundle_input *in,
    const struct hash *pin, int64_t now, struct err *e) MUST_CHECK;

/* Expiry of what is held at now: 0, BUNDLE_GRACE or ERR_EXPIRED (also where
 * nothing is held); the second named by `expires` is the last good one.  text,
 * when not NULL, gets a warning sentence within 30 days of an expiry, a more
 * urgent one within 14, 7 and 1, and in grace. */
int trust_expiry(const struct trust *t, int64_t now, struct str *text,
    struct err *e);

/*
 * Who of the officers that root names has signed s (verified) with a key of
 * root.yaml, as distinct persons; appends their ids.  0 or ERR_NOMEM.
 */
int trust_signers(const struct policy *root, const struct statement *s,
    struct strs *out) MUST_CHECK;
/* The same of the operators: who signs for a fleet. */
int trust_operators(const struct policy *root, const struct statement *s,
    struct strs *out) MUST_CHECK;

/*
 * Did no key sign s that list (NULL: none is held) revokes?  To be asked of a
 * statement that is new here: what was taken before the revocation stands, as it
 * does when an operator leaves root.yaml.  Not of policy and roots: one officer may
 * revoke the keys of all others, and must not shut the realm by that; there, a
 * root statement takes a key out.
 *
 * ERR_DENIED: names the key, and the person of p whose it is; what: "job".
 */
struct krl;
int trust_unrevoked(const struct policy *p, const struct krl *list,
    const struct statement *s, const char *what, struct err *e) MUST_CHECK;

#endif
