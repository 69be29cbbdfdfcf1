/* SPDX-License-Identifier: ISC */
/*
 * Who may say what to whom: every frame between the processes of writ-master.
 *
 * One list.  A frame that is not in it, from another process than the one that
 * may send it, or longer, ends the connection; README.md draws the processes.
 * Payloads are SSH wire format: string, uint32, uint64, boolean as byte.
 */
#ifndef AGENT_MASTER_MESSAGES_H
#define AGENT_MASTER_MESSAGES_H

#include "lib/front/messages.h"

enum process {
	PROC_FRONT = 1,
	PROC_KEEPER,
	PROC_SIGNER,
	PROC_COURIER,
	PROC_CONTROL,	/* writ-master status, on this machine */
};

#define HEAD_LEAVES_MAX 65536		/* of one HEAD */
#define HEAD_MAX	(4 * 1024 * 1024)	/* bytes of one HEAD */

/*
 * X(name, value, from, to, most bytes, words)
 *
 * The first are those of every front (lib/front/messages.h).
 *
 * SEEN		uint64 size, string root hash of the signer's head (of the empty
 *		tree: 0 and SHA-256 of nothing), string the log's public key blob.
 *		Sent by the signer first, and before each REFUSED.
 * HEAD		uint64 size of the tree that the signer has, byte more, uint32 n,
 *		n x {string leaf, string statement of the token that the leaf is
 *		an acceptance by; empty for every other}: the leaves since.  The
 *		signer computes the new root itself; none at all: its last head
 *		again.  more 1: others follow in another HEAD, and these are
 *		answered by TAKEN; else by SIGNED.  Or by REFUSED.
 * TAKEN	uint64 size of the tree that the signer has, of which the end is
 *		not signed and forgotten with the connection.
 * SIGNED	string: the signed note of the new head.
 * REFUSED	uint32 error code negated, string sentence, string hint.
 *
 * ASK		string JSON object: a call for the CA.  id: the keeper's.
 * ANSWERED	byte exit status, string JSON object: the CA's answer, or the
 *		courier's in the same form where the CA could not be asked.  id: of
 *		the ASK; the last of it.
 * CA		byte 1: the CA is connected; 0: it is not, string why.  Sent first,
 *		and at each change.
 */
#define MSG_LIST(X) FRONT_MSG_LIST(X) MASTER_MSG_LIST(X)
#define MASTER_MSG_LIST(X)                                                \
	X(SEEN, 16, SIGNER, KEEPER, 1024, "what the signer has seen")     \
	X(HEAD, 17, KEEPER, SIGNER, HEAD_MAX, "leaves to sign for")       \
	X(SIGNED, 18, SIGNER, KEEPER, 8192, "the log's head")             \
	X(REFUSED, 19, SIGNER, KEEPER, 4096, "refused, and why")          \
	X(TAKEN, 20, SIGNER, KEEPER, 8, "there may be more leaves")       \
	X(ASK, 32, KEEPER, COURIER, CALL_MAX + 64, "a call for the CA")   \
	X(ANSWERED, 33, COURIER, KEEPER, RESULT_MAX + 64, "its answer")   \
	X(CA, 34, COURIER, KEEPER, 4096, "whether the CA is there")

enum message {
#define X(name, value, from, to, most, words) MSG_##name = (value),
	MASTER_MSG_LIST(X)
#undef X
};

#endif
