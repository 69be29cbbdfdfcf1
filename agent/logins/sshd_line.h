/* SPDX-License-Identifier: ISC */
/*
 * One line of sshd, sshd-session or sshd-auth (OpenSSH 8.4 to 10.x): what a log
 * holds after "sshd[811]: ".
 *
 * Whoever knocks has a say in such lines: the name he asks for, and, where some
 * CA of the host's signs what it is given, the key id, which may hold a whole line
 * that looks like another.  So a line is read from both ends towards what is
 * free, and what does not fit whole says less, never something else: a line of
 * SSHD_LINE_CUT bytes may have been cut (sshd's own buffer has 1,024), and names
 * no certificate.  Pure.
 */
#ifndef AGENT_LOGINS_SSHD_LINE_H
#define AGENT_LOGINS_SSHD_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/crypto/hash.h"

#define SSHD_LINE_CUT 1000

enum sshd_line_kind {
	SSHD_OTHER,	/* says nothing of logins */
	SSHD_ACCEPTED,	/* user, from, port, method, maybe key and certificate */
	SSHD_PARTIAL,	/* the same: one of several methods that are asked for */
	SSHD_FAILED,	/* the same; of an account that there is not, nothing */
	SSHD_REASON,	/* why: a certificate that it does not name is refused */
	SSHD_REFUSED,	/* why, and the certificate or the key: likewise */
	SSHD_LEFT,	/* a connection ends before a login; maybe user */
	SSHD_ENDED,	/* user: his session is over; maybe from, port */
};

struct sshd_line {		/* slices of the line */
	enum sshd_line_kind kind;
	struct slice user;	/* n 0: none */
	struct slice from;
	uint16_t port;
	struct slice method;
	bool is_cert;		/* it was tried with a certificate */
	bool has_key;
	struct hash key;
	bool has_cert;
	struct hash ca;
	uint64_t serial;
	struct slice key_id;
	uint64_t signatures;
	struct slice why;
};

void sshd_line_parse(struct slice text, struct sshd_line *out);

#endif
