/* SPDX-License-Identifier: ISC */
/* writ policy sign: what drafting and publishing share. */
#ifndef CA_CLI_POLICY_SIGN_H
#define CA_CLI_POLICY_SIGN_H

#include "ca/cli/policy.h"

struct policy_signing {
	const char *dir;
	const char *key_path;
	struct pubkey *key;
	const char *person; /* whose key, borrowed */
	int64_t now, expires;
	bool expires_given;

	struct policy_files files;
	struct policy *draft;
	struct str manifest;
	struct hash root_hash;
	struct bundle_chain *old; /* n_roots 0: nothing published */
	struct trust trust;       /* of what is published */
	struct hash realm;
	bool new_root;

	struct statement root, policy; /* the drafts, n_bytes 0: none */
};

/* DIR/bundle/draft.NAME */
int policy_draft_path(
    const struct policy_signing *s, const char *name, char **out) MUST_CHECK;
/* Both thresholds hold: into the log, then into DIR/bundle. */
int policy_publish(struct policy_signing *s, struct err *e) MUST_CHECK;
/* What a crash after publishing left undone: drafts of what is published are
 * no drafts of a further version. */
void policy_finish(struct policy_signing *s);

#endif
