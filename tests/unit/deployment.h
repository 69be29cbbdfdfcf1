/* SPDX-License-Identifier: ISC */
/*
 * A deployment on disk for tests of what runs over one: writ.yaml, keys and a
 * signed policy (fixture.h's people and authorities, the grants of issue_case.h)
 * in a directory of its own.  What fails here ends the test.
 */
#ifndef TESTS_UNIT_DEPLOYMENT_H
#define TESTS_UNIT_DEPLOYMENT_H

#include "ca/keeper/local.h"
#include "lib/bundle/bundles.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

struct deployment {
	char	    dir[TMPDIR_MAX];
	struct hash policy; /* bundle statement of the last version signed */
	struct str  root;   /* the statement of root 1 */
	uint64_t    version;
};

/* Version 1 is signed and stored. */
void deployment_make(struct deployment *d, const char *name);
void deployment_remove(struct deployment *d);

/*
 * The next version, by olga, of this ca.yaml (NULL: as before), not stored;
 * bundle_chain_clear() and free() it.  deployment_store() it to have it on disk.
 */
struct bundle_chain *deployment_sign(struct deployment *d, const char *ca_yaml);
void deployment_store(struct deployment *d, const struct bundle_chain *c);
void deployment_chain_free(struct bundle_chain *c);

/* As local_open(), with all keys; ends the test where that fails. */
struct local *deployment_open(const struct deployment *d, unsigned mode,
    const char *signer_socket);

/* A request of alice's for grant free, dated now, signed. */
void deployment_request(struct statement *s);
/* Another that takes some 20 KiB of the log, for as many hosts as can be. */
void deployment_large_request(struct statement *s);
/* olga revokes a person or (NULL) a key, now. */
void deployment_revoke(struct statement *s, const char *person,
    const struct pubkey *key);

#endif
