/* SPDX-License-Identifier: ISC */
/*
 * Key revocation lists as sshd reads them (PROTOCOL.krl).
 *
 * A krl is built in memory and encoded whole; equal content gives equal bytes.
 * Serial 0 is not a serial: revoking it is ERR_PARSE, since OpenSSH writes 0
 * into unnumbered certificates and never looks it up.  No signature section is
 * ever written: OpenSSH 9.4 and later refuse a list that has one.  Pure.
 */
#ifndef LIB_SSH_KRL_H
#define LIB_SSH_KRL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/pubkey.h"

#define KRL_MAX	       (64 * 1024 * 1024)	/* bytes encoded */
#define KRL_ENTRIES_MAX 1000000			/* ranges, ids and keys */
#define KRL_CAS_MAX	256			/* that a list names */

struct krl; /* opaque */

int  krl_new(struct krl **out) MUST_CHECK; /* ERR_NOMEM */
void krl_free(struct krl *k);

/* version and time of generation (seconds); comment: clean text or "".
 * ERR_PARSE: the time is negative, the comment is not clean; ERR_NOMEM. */
int krl_set(struct krl *k, uint64_t version, int64_t generated,
    const char *comment) MUST_CHECK;
uint64_t krl_version(const struct krl *k);
int64_t krl_generated(const struct krl *k);

/*
 * Revoke serials lo..hi, both inclusive, of certificates signed by ca (copied).
 * Ranges may overlap; they are merged.  ERR_PARSE: lo is 0, lo > hi, no CA.
 * ERR_LIMIT, ERR_NOMEM.
 */
int krl_add_serials(struct krl *k, const struct pubkey *ca, uint64_t lo,
    uint64_t hi) MUST_CHECK;
/* Revoke a key id, of any CA when ca is NULL.  ERR_PARSE: it is empty;
 * ERR_LIMIT, ERR_NOMEM. */
int krl_add_key_id(struct krl *k, const struct pubkey *ca, const char *id)
    MUST_CHECK;
/* Revoke a plain key: as subject of any certificate, and as CA.  ERR_LIMIT,
 * ERR_NOMEM. */
int krl_add_key(struct krl *k, const struct pubkey *key) MUST_CHECK;

/* Append the list.  ERR_LIMIT: longer than KRL_MAX or than out may be;
 * ERR_NOMEM. */
int krl_encode(const struct krl *k, struct buf *out) MUST_CHECK;
/*
 * Every section this header can write, and ssh-keygen's others: bitmaps, SHA1
 * and SHA256 sections.  Unknown critical extensions and signature sections are
 * ERR_PARSE; so are unknown sections, as to sshd.  ERR_LIMIT, ERR_NOMEM.
 */
int krl_parse(struct slice blob, struct krl **out, struct err *e) MUST_CHECK;

/* As sshd asks: the plain key; of a certificate also its CA, key id, serial. */
bool krl_revokes_key(const struct krl *k, const struct pubkey *key);
bool krl_revokes_cert(const struct krl *k, const struct cert *c);

#endif
