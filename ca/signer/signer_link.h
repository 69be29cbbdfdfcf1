/* SPDX-License-Identifier: ISC */
/*
 * The keeper's end of the socket to the signer (signer_proc.h is the other), as
 * somebody who signs (signing.h).  Calls wait for their answer; a connection
 * that is gone is made again, and the signer told all that it must know.  What
 * it answers is looked at (signer_answer.h), and a signer that says what it was
 * not asked for is cut off, with an error in the log.
 *
 * SIGN
 *	byte		durable: 1: the leaves are in the log for good; 0: a
 *			DURABLE will say so, work on it meanwhile
 *	uint64, 32	size and root of the head to sign
 *	hashes		consistency proof from what the signer has seen to the
 *			smaller tree; empty where they are the same, nothing was
 *			seen, or the head itself was seen
 *	uint64, n x 32	the smaller tree: its size, and for each bit set in it,
 *			from the lowest, the hash of the perfect subtree there
 *	hashes		the leaf hash of each leaf since, up to the head
 *	uint32 n	statements that follow, each once
 *	  string	... as it is in the log
 *	uint32 n	certificates that follow
 *	  string	... the leaf to be signed, as it is in the log
 *	  uint64	its index
 *	  byte		1: the leaf is of the past
 *	  uint32	which of the statements is its request
 *	  uint32 n, n x uint32	which are the decisions counted, in their order
 *	  hashes	inclusion proof under the head; empty where the leaf is
 *			one of those since the smaller tree
 *
 * SIGNED
 *	string		the checkpoint's note
 *	uint32 n	certificates, in the order of the leaves
 *	  string	... the signed blob
 *
 * where hashes is uint32 n, n x 32 bytes.  What does not fit into one frame goes
 * in several, each with the same head.
 */
#ifndef CA_SIGNER_SIGNER_LINK_H
#define CA_SIGNER_SIGNER_LINK_H

#include <stdbool.h>

#include "ca/signer/signer_frames.h"
#include "ca/signer/signing.h"
#include "lib/base/err.h"

struct signer_link; /* opaque */

struct signer_link_config {
	const char *path;	/* signer.sock; copied */
	const char *origin;	/* of the log; borrowed */
	const uint8_t *log_pk;	/* its Ed25519 key, by the policy; borrowed */
	/*
	 * After each connection: tell the past with signer_link_policy() and
	 * signer_link_act(), in the order of the log, and the policy in force.
	 */
	int (*history)(void *ctx, struct signer_link *k, struct err *e);
	/* Whose certificate a serial is, or NULL; valid until asked again. */
	const char *(*owner)(void *ctx, uint64_t serial);
	void *ctx;
};

/*
 * Connect and learn what the signer has seen; the past is told when it is first
 * asked to sign.  ERR_NET: nobody is there, also after a second; ERR_NOMEM.
 */
int signer_link_open(const struct signer_link_config *c, struct signatory *out,
    struct err *e) MUST_CHECK;
/* The blob of the key that the signer says is the log's; n 0: none. */
struct slice signer_link_log_key(const struct signatory *s);

/* For history(): as POLICY and ACT. */
int signer_link_policy(struct signer_link *k, const struct bundle_chain *c,
    bool past, struct err *e) MUST_CHECK;
int signer_link_act(struct signer_link *k, const struct statement *s,
    struct err *e) MUST_CHECK;

#endif
