/* SPDX-License-Identifier: ISC */
/* Pieces of a line of a log, taken from its front or its end.  Pure. */
#ifndef AGENT_LOGINS_SCAN_H
#define AGENT_LOGINS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/crypto/hash.h"

/* Take a text off the front, or the end; false, and nothing taken: it is not
 * there. */
bool scan_front(struct slice *s, const char *text);
bool scan_end(struct slice *s, const char *text);
/* Take a word off the front with the blank after it, or off the end with the one
 * before it.  false: there is none. */
bool scan_word(struct slice *s, struct slice *out);
bool scan_last_word(struct slice *s, struct slice *out);
/*
 * Split at the first, or the last, place where text stands: s is what is before,
 * after what follows.  false: it stands nowhere.
 */
bool scan_split(struct slice *s, const char *text, struct slice *after);
bool scan_split_last(struct slice *s, const char *text, struct slice *after);

/* The whole of s is a decimal number, a SHA-256 fingerprint, an address as sshd
 * prints it. */
bool scan_number(struct slice s, uint64_t *out);
bool scan_fingerprint(struct slice s, struct hash *out);
bool scan_is_address(struct slice s);
/* "ADDRESS port N" is the front, and a blank or the end comes after it. */
bool scan_peer(struct slice *s, struct slice *address, uint16_t *port);

/*
 * A copy in printable ASCII of at most max bytes: another byte as \xHH, and "..."
 * in the place of what is too much.  NULL: no memory.
 */
char *scan_clean(struct slice s, size_t max);

#endif
