/* SPDX-License-Identifier: ISC */
/*
 * Files that belong together: FILE, and FILE.PERSON beside it for each decision
 * about it.
 */
#ifndef CA_CLI_BESIDE_H
#define CA_CLI_BESIDE_H

#include <pthread.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"

/* The names in one directory, sorted, and the public keys among them. */
struct listing { /* listing_free */
	char *dir;
	struct strs names;
	bool has_keys; /* keys were read */
	struct listed_key {
		struct pubkey *key;
		char *name; /* "alice.pub" */
	} * keys;
	size_t n_keys, cap_keys;
};

/* Directories are read once a run, however many files are in them. */
struct beside { /* BESIDE_INIT; beside_clear */
	struct listing *dirs;
	size_t n_dirs, cap_dirs;
	/* Decisions, each once, though each lies beside many requests; the lock
	 * is theirs alone. */
	pthread_mutex_t lock;
	struct statement **decisions;
	size_t n_decisions, cap_decisions;
};
#define BESIDE_INIT                               \
	{                                         \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}
void beside_clear(struct beside *b);

/* Paths of the decisions about the statement in path, sorted. */
int beside_decisions(struct beside *b, const char *path, struct strs *out,
    struct err *e) MUST_CHECK;
/* The decision in a file, borrowed; the same bytes give the same pointer.  May
 * be called by several threads at a time. */
int beside_read(struct beside *b, const char *path, struct statement **out,
    struct err *e) MUST_CHECK;
/* DIR/KEY.pub of this key in the directory of path, or NULL in *out. */
int beside_key(struct beside *b, const char *path, const struct pubkey *key,
    char **out, struct err *e) MUST_CHECK;

#endif
