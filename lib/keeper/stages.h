/* SPDX-License-Identifier: ISC */
/*
 * Files that somebody puts one by one for a push that follows: kept for half an
 * hour in memory, found again by their hash.
 */
#ifndef LIB_KEEPER_STAGES_H
#define LIB_KEEPER_STAGES_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/hash.h"

#define STAGES_MAX  16
#define STAGES_SECS INT64_C(1800)	/* since the last that was put */

struct stage {
	char   *owner;		/* NULL: free */
	int64_t at;		/* of its last use */
	struct slice *v;	/* owned */
	size_t	n, cap, bytes;
};
struct stages {			/* stages_init / stages_clear */
	struct stage v[STAGES_MAX];
	size_t owners, files, bytes; /* at once; and of each owner */
};
void stages_init(struct stages *s, size_t owners, size_t files, size_t bytes);
void stages_clear(struct stages *s);

/* The file that args have as "data", in base64; *h is its name.  One that is
 * there already is a success.  ERR_PARSE, ERR_LIMIT, ERR_NOMEM; ERR_BUSY: as many
 * others put files. */
int  stages_put(struct stages *s, const char *owner, const json_t *args,
     int64_t now, struct hash *h, struct err *e) MUST_CHECK;
/* Borrowed until the owner's are dropped; p NULL: he put no such file. */
struct slice stages_find(const struct stages *s, const char *owner,
     const struct hash *h);
void stages_drop(struct stages *s, const char *owner); /* that he has none is
							   no error */

#endif
