/* SPDX-License-Identifier: ISC */
/* What the files of lib/store share, and nobody else. */
#ifndef LIB_STORE_STORE_IMPL_H
#define LIB_STORE_STORE_IMPL_H

#include <sqlite3.h>

#include "lib/store/store.h"

struct store_stmt {
	struct store *store;
	sqlite3_stmt *t;	/* NULL: not prepared yet */
	int bound;		/* values so far */
	int failed;		/* SQLite's code of the first failure, or 0 */
};

struct store {
	sqlite3 *db;
	char *path;
	const char *const *statements;
	struct store_stmt *v;	/* one a statement */
	size_t n;
	bool is_new;
};

/* SQLite's code as ours, with a sentence. */
int store_failed(const struct store *s, int sqlite, struct err *e);

#endif
