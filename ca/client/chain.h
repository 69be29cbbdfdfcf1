/* SPDX-License-Identifier: ISC */
/*
 * A chain of policy as a CA answers it: the body of the call `policy`.  Whole
 * and bounded is all that it is after this; whether it is the policy, hashes and
 * signatures say (trust_update()).  No I/O.
 */
#ifndef CA_CLIENT_CHAIN_H
#define CA_CLIENT_CHAIN_H

#include <jansson.h>

#include "lib/base/err.h"
#include "lib/bundle/bundles.h"

/*
 * c is zeroed, and cleared by the caller with bundle_chain_clear() on failure
 * too.  Its files are not in the answer: the manifest names them.
 *
 * ERR_PARSE (a field is missing or of another kind), ERR_LIMIT (more roots than
 * BUNDLE_ROOTS_MAX, a text longer than its like on disk may be), ERR_NOMEM.
 */
int chain_parse(const json_t *body, struct bundle_chain *c,
    struct err *e) MUST_CHECK;

#endif
