/* SPDX-License-Identifier: ISC */
/*
 * Who may say what to whom: every frame between the processes of writ-ca.
 *
 * One list.  A frame that is not in it, from another process than the one that
 * may send it, or longer, ends the connection; README.md draws the processes.
 * Payloads are SSH wire format: string, uint32, uint64, boolean as byte.
 */
#ifndef CA_COMMON_MESSAGES_H
#define CA_COMMON_MESSAGES_H

#include "lib/front/messages.h"

enum process {
	PROC_FRONT = 1,
	PROC_KEEPER,
	PROC_SIGNER,
	PROC_NOTIFY,
	PROC_CONTROL,	/* writ-ca status and the like, on this machine */
};

/*
 * X(name, value, from, to, most bytes, words)
 *
 * The first are those of every front (lib/front/messages.h).
 *
 * SEEN		uint64 size, string root hash of the signer's head (size 0: none),
 *		uint64 root version, uint64 policy version, uint64 version of the
 *		last revocation list, string user CA's, string host CA's, string
 *		log's public key blob ("": none).
 *		Sent by the signer first, before the OK of each POLICY, and before
 *		the answer to a SIGN_KRL that used a version up.
 * POLICY	byte past (1: to judge the acts that follow by; 0: in force),
 *		uint32 n, n x (string root.yaml, string root statement), string
 *		bundle statement, string MANIFEST, uint32 n, n x (string path,
 *		string bytes).  Answered by OK or REFUSED, a SEEN before OK.
 *		Past ones come before the first that is in force.
 * ACT		string statement: a leaf that moves a standing, in log order,
 *		judged by the POLICY before it; uint32 n, n x (uint64 serial,
 *		string person): whose certificates the serials in it are.  Never
 *		answered: one that is refused ends the connection.
 * SIGN		see signer_link.h.  Answered by SIGNED or REFUSED, once a
 *		DURABLE has followed where it says that one will.
 * DURABLE	byte 1: the leaves of the SIGN before it are in the log for good;
 *		0: they are not, forget it (answered by OK).
 * SIGN_KRL	string message of the krl statement, string the list itself.
 *		Answered by SIGNED (string signature block) or REFUSED, after a
 *		SEEN where its version is used up, signed or not.
 * SIGNED	see signer_link.h.
 * OK		nothing.
 * REFUSED	uint32 error code negated, string sentence, string hint.
 *
 * NOTICE	string JSON object: one notice to persons (lib/notify).
 * TOLD		string JSON object: what became of it.  id: the notice's.
 */
#define MSG_LIST(X) FRONT_MSG_LIST(X) CA_MSG_LIST(X)
#define CA_MSG_LIST(X)                                                    \
	X(SEEN, 16, SIGNER, KEEPER, 8192, "what the signer has seen")     \
	X(POLICY, 17, KEEPER, SIGNER, FRAME_MAX, "a signed policy")       \
	X(ACT, 18, KEEPER, SIGNER, 128 * 1024, "a key, revocation, host") \
	X(SIGN, 19, KEEPER, SIGNER, FRAME_MAX, "sign certificates")       \
	X(SIGN_KRL, 20, KEEPER, SIGNER, FRAME_MAX, "sign a KRL")          \
	X(SIGNED, 21, SIGNER, KEEPER, FRAME_MAX, "signatures")            \
	X(OK, 22, SIGNER, KEEPER, 0, "done")                              \
	X(REFUSED, 23, SIGNER, KEEPER, 4096, "refused, and why")          \
	X(DURABLE, 24, KEEPER, SIGNER, 1, "the log has it for good")      \
	X(NOTICE, 32, KEEPER, NOTIFY, 65536, "a notice to send")          \
	X(TOLD, 33, NOTIFY, KEEPER, 4096, "what became of it")

enum message {
#define X(name, value, from, to, most, words) MSG_##name = (value),
	CA_MSG_LIST(X)
#undef X
};

#endif
