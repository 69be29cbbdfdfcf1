/* SPDX-License-Identifier: ISC */
/*
 * What a revocation list is made of.  For lib/ssh/krl*.c alone.
 *
 * Ranges and byte strings are kept in arrays whose first `sorted` elements are
 * sorted and distinct; new ones wait behind them and are sorted in when they
 * have become as many.  So a million additions cost a sort or so in all, a
 * list that was read is wholly sorted, and no lookup changes anything.
 */
#ifndef LIB_SSH_KRL_IMPL_H
#define LIB_SSH_KRL_IMPL_H

#include "lib/ssh/krl.h"

struct krl_range {
	uint64_t lo, hi;	/* both inclusive */
};

struct krl_ranges {		/* zero-initialise */
	struct krl_range *v;
	size_t n, cap, sorted;
};

/* lo and hi are both inclusive; the caller has compared them.  ERR_LIMIT: more
 * than KRL_ENTRIES_MAX; ERR_NOMEM. */
int  krl_ranges_add(struct krl_ranges *r, uint64_t lo, uint64_t hi) MUST_CHECK;
bool krl_ranges_has(const struct krl_ranges *r, uint64_t serial);
/* Does one range of the sorted ones hold all of lo..hi?  Quick: adding what is
 * there already must not make a list sort itself again and again. */
bool krl_ranges_cover(const struct krl_ranges *r, uint64_t lo, uint64_t hi);
/* Sort and merge: all that touch become one. */
void krl_ranges_compact(struct krl_ranges *r);
/* Into one that is zero.  ERR_NOMEM. */
int  krl_ranges_copy(const struct krl_ranges *r, struct krl_ranges *out)
     MUST_CHECK;
void krl_ranges_clear(struct krl_ranges *r);

struct krl_item {
	uint8_t *p;
	size_t n;
};

struct krl_set {		/* zero-initialise */
	struct krl_item *v;
	size_t n, cap, sorted;
};

/* A copy of the bytes.  ERR_LIMIT, ERR_NOMEM as above. */
int  krl_set_add(struct krl_set *s, struct slice bytes) MUST_CHECK;
bool krl_set_has(const struct krl_set *s, struct slice bytes);
/* Among the sorted ones: quick, as krl_ranges_cover(). */
bool krl_set_has_sorted(const struct krl_set *s, struct slice bytes);
/* Sort, and keep each once. */
void krl_set_compact(struct krl_set *s);
/* The items in order, each once; they still belong to s.  The caller frees the
 * array. */
int  krl_set_sorted(const struct krl_set *s, struct slice **out, size_t *n)
     MUST_CHECK;
void krl_set_clear(struct krl_set *s);

struct krl_ca {
	struct pubkey *ca;	/* NULL: any */
	struct krl_ranges serials;
	struct krl_set ids;
};

struct krl {
	uint64_t version;
	int64_t generated;
	char *comment;
	struct krl_ca *cas;
	size_t n_cas, cap_cas;
	struct krl_set keys;	/* blobs */
	struct krl_set sha1, sha256; /* of blobs */
	size_t n_entries;	/* in all of them */
};

enum {
	KRL_CERTIFICATES = 1,
	KRL_EXPLICIT_KEY = 2,
	KRL_SHA1 = 3,
	KRL_SIGNATURE = 4,
	KRL_SHA256 = 5,
	KRL_EXTENSION = 255,
	KRL_CERT_SERIAL_LIST = 0x20,
	KRL_CERT_SERIAL_RANGE = 0x21,
	KRL_CERT_SERIAL_BITMAP = 0x22,
	KRL_CERT_KEY_ID = 0x23,
	KRL_CERT_EXTENSION = 0x39,
};
#define KRL_MAGIC	   "SSHKRL\n" /* and its NUL: eight bytes */
#define KRL_MAGIC_LEN	   8
#define KRL_FORMAT_VERSION 1

/* The section of a CA (NULL: any), made where there is none; borrowed. */
int krl_ca_get(struct krl *k, const struct pubkey *ca, struct krl_ca **out)
    MUST_CHECK;
/* Into one of the lists of k, counted.  ERR_LIMIT, ERR_NOMEM; of ranges also
 * ERR_PARSE. */
int krl_put_range(struct krl *k, struct krl_ranges *r, uint64_t lo,
    uint64_t hi) MUST_CHECK;
int krl_put_item(struct krl *k, struct krl_set *s, struct slice bytes)
    MUST_CHECK;
/* Sort all of it. */
void krl_compact(struct krl *k);

#endif
