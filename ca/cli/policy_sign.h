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
	bool stays;         /* an officer in the draft's root.yaml, too */
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
int policy_draft_path(const struct policy_signing *s, const char *name,
    char **out) MUST_CHECK;
/* What others have signed there; out is left as it is where there is nothing. */
int policy_draft_load(const struct policy_signing *s, const char *name,
    struct statement *out, struct err *e) MUST_CHECK;
/* Are the drafts about the files as they are now? */
bool policy_root_fits(const struct policy_signing *s);
bool policy_fits(const struct policy_signing *s);
uint64_t policy_next_version(const struct policy_signing *s);
/* Print what the policy statement says and no file does.  ERR_DENIED: others began
 * it with a rule of a time zone that is not this machine's. */
int policy_say_terms(const struct policy_signing *s, struct err *e) MUST_CHECK;
/* Both thresholds hold: into the log, then into DIR/bundle. */
int policy_publish(struct policy_signing *s, struct err *e) MUST_CHECK;
/* What a crash after publishing left undone: drafts of what is published are
 * no drafts of a further version. */
void policy_finish(struct policy_signing *s);

#endif
