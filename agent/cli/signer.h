/* SPDX-License-Identifier: ISC */
/* An operator with his key, under the policy that is published. */
#ifndef AGENT_CLI_SIGNER_H
#define AGENT_CLI_SIGNER_H

#include "lib/bundle/fleets.h"
#include "lib/cli/cli.h"
#include "lib/trust/bundle.h"

struct fleet_signer {		/* zero-initialise; fleet_signer_clear */
	const char    *dir, *key_path;
	struct trust   trust;	/* of the policy in DIR/bundle */
	struct pubkey *key;
	const char    *person;	/* whose key, borrowed from trust */
	int64_t	       now;
};
/* ERR_USAGE: no -i; ERR_DENIED: no operator's key; as bundles_load(). */
int  fleet_signer_open(const struct cli_args *a, struct fleet_signer *out,
     struct err *e) MUST_CHECK;
void fleet_signer_clear(struct fleet_signer *s);

/*
 * Who is missing under s, which n operators have to sign: *holds is false and a
 * line says so, where there are too few.  ERR_NOMEM.
 */
int  fleet_threshold(const struct trust *t, const struct statement *s,
     const char *what, bool *holds, struct err *e) MUST_CHECK;

#endif
