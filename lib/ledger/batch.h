/* SPDX-License-Identifier: ISC */
/*
 * The records of one append as they lie in a journal: for journal.c, whose
 * beginning draws them.
 */
#ifndef LIB_LEDGER_BATCH_H
#define LIB_LEDGER_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define BATCH_KEY   16
#define BATCH_SUM   16
#define BATCH_HEAD  32 /* of a record */
#define BATCH_ALIGN 16
#define BATCH_MAX   (UINT64_C(1) << 31)

/* key, nth, n, fill and ctx are the caller's; the rest is made. */
struct batch { /* batch_clear */
	const uint8_t *key;
	uint64_t nth; /* number of the first record */
	size_t n;
	/* Writes record i, from several threads at a time. */
	void (*fill)(void *ctx, size_t i, uint8_t *to);
	void *ctx;

	struct place {
		uint64_t at;
		size_t len;
	} *v;
	uint8_t *p;
	uint64_t bytes;
};
void batch_clear(struct batch *b);

/* From records of these lengths.  ERR_LIMIT, ERR_NOMEM. */
int batch_make(struct batch *b, const size_t *len, struct err *e) MUST_CHECK;
/* From records that are there already, without fill and ctx. */
int batch_copy(struct batch *b, const struct slice *records,
    struct err *e) MUST_CHECK;
/* The sentence for what a journal does not take: ERR_LIMIT. */
int batch_limit(struct err *e);

/* What a record of n bytes takes, and what its first 16 bytes must be. */
uint64_t batch_stored(uint64_t n);
void batch_sum(const uint8_t key[BATCH_KEY], const uint8_t *p, size_t n,
    uint8_t out[BATCH_SUM]);

/* Big-endian numbers of n bytes. */
void put_be(uint8_t *p, uint64_t v, size_t n);
uint64_t get_be(const uint8_t *p, size_t n);
uint64_t round_up(uint64_t n, uint64_t to);

#endif
