/* SPDX-License-Identifier: ISC */
#include "tests/unit/mutate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char what[80] = "nothing mutated";
static size_t at;

const char *
mutate_what(void)
{
	return what;
}

size_t
mutate_at(void)
{
	return at;
}

/* A block of exactly n bytes; one byte where n is 0, which nobody may read. */
static uint8_t *
copy(const void *p, size_t n)
{
	uint8_t *c = malloc(n > 0 ? n : 1);

	assert_non_null(c);
	if (n > 0)
		memcpy(c, p, n);
	return c;
}

size_t
mutate_bits(const void *p, size_t n,
    void (*check)(const uint8_t *p, size_t n, void *arg), void *arg)
{
	for (size_t i = 0; i < 8 * n; i++) {
		/* Anew each time: check may have written to it. */
		uint8_t *c = copy(p, n);

		(void)snprintf(what, sizeof(what),
		    "bit %zu of byte %zu flipped", i % 8, i / 8);
		at = i / 8;
		c[i / 8] = (uint8_t)(c[i / 8] ^ 1U << i % 8);
		check(c, n, arg);
		free(c);
	}
	return 8 * n;
}

size_t
mutate_cuts(const void *p, size_t n,
    void (*check)(const uint8_t *p, size_t n, void *arg), void *arg)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t *c = copy(p, i);

		(void)snprintf(what, sizeof(what), "cut to %zu bytes", i);
		at = i;
		check(c, i, arg);
		free(c);
	}
	return n;
}

size_t
mutate_each(const void *p, size_t n,
    void (*check)(const uint8_t *p, size_t n, void *arg), void *arg)
{
	size_t calls = mutate_bits(p, n, check, arg);

	return calls + mutate_cuts(p, n, check, arg);
}
