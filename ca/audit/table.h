/* SPDX-License-Identifier: ISC */
/*
 * Numbers found by 64 bits of a hash, several a key.  Who finds one compares
 * the whole hash with what lies there, since 64 bits can be made to meet.
 */
#ifndef CA_AUDIT_TABLE_H
#define CA_AUDIT_TABLE_H

#include "lib/crypto/hash.h"

enum table_tag { TABLE_STATEMENT = 1, TABLE_ISSUE, TABLE_DENIES, TABLE_POOL,
	TABLE_USE };
struct audit_table {		/* zero-initialise; audit_table_clear */
	struct table_slot {
		uint64_t key, value; /* value + 1; 0: free */
	} *v;
	size_t n, cap;
};
int  audit_table_add(struct audit_table *t, enum table_tag tag, uint64_t key,
     uint64_t value) MUST_CHECK;
/* The next value with that key after *at, which begins as 0. */
bool audit_table_next(const struct audit_table *t, enum table_tag tag,
     uint64_t key, size_t *at, uint64_t *value);
uint64_t audit_key(const struct hash *h);
void audit_table_clear(struct audit_table *t);

#endif
