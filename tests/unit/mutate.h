/* SPDX-License-Identifier: ISC */
/*
 * Every near miss of a good blob: what a parser must survive and a verifier
 * must refuse.
 */
#ifndef TESTS_UNIT_MUTATE_H
#define TESTS_UNIT_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Call check with each mutation, in a block of exactly n bytes of its own, so
 * that the sanitizer build sees a read past the end.  The block is freed
 * afterwards.  The message of an assertion in check should say mutate_what().
 *
 * Every single bit flipped: 8n calls, the number returned.
 */
size_t mutate_bits(const void *p, size_t n,
    void (*check)(const uint8_t *p, size_t n, void *arg), void *arg);
/* Cut to the first 0, 1, ... n - 1 bytes: n calls. */
size_t mutate_cuts(const void *p, size_t n,
    void (*check)(const uint8_t *p, size_t n, void *arg), void *arg);
/* Both: 9n calls. */
size_t mutate_each(const void *p, size_t n,
    void (*check)(const uint8_t *p, size_t n, void *arg), void *arg);

/* "bit 3 of byte 17 flipped", "cut to 40 bytes": the mutation at hand. */
const char *mutate_what(void);
/* The byte of that bit, or the length it was cut to. */
size_t mutate_at(void);

#endif
