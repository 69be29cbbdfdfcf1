/* SPDX-License-Identifier: ISC */
/* Lists of what is revoked, asked and written, for tests. */
#ifndef TESTS_UNIT_KRLCASE_H
#define TESTS_UNIT_KRLCASE_H

#include "lib/ssh/krl.h"

/* A certificate with what a list looks at: the names of keys in tests/data. */
struct subject {
	const char *ca, *key, *id;
	uint64_t serial;
};
bool krlcase_revokes(const struct krl *k, const struct subject *s);

/* The bytes of the list, which can be written; buf_free() it. */
struct buf *krlcase_encode(const struct krl *k);

#endif
