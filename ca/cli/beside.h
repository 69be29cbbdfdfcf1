/* SPDX-License-Identifier: ISC */
/*
 * Files that belong together: FILE, and FILE.PERSON beside it for each decision
 * about it; of a host's renewal, FILE.WORD for each statement that let it in.
 */
#ifndef CA_CLI_BESIDE_H
#define CA_CLI_BESIDE_H

#include <pthread.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"

/* Which file a name stands for; the same file of many names is read once. */
struct file_id {
	dev_t dev;
	ino_t ino; /* 0: nobody knows */
};

/* The names in one directory, sorted, and the public keys among them. */
struct listing { /* listing_free */
	char *dir;
	dev_t dev;
	struct listed_name {
		char *name;
		ino_t ino;
	} * names;
	size_t n_names, cap_names;
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
	/* Those of files with many names. */
	struct linked {
		struct file_id id;
		struct statement *decision;
	} * linked;
	size_t n_linked, cap_linked;
};
#define BESIDE_INIT                               \
	{                                         \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}
void beside_clear(struct beside *b);

/*
 * List the directory of path, and read the public keys in it if so wanted.  Once
 * that is done for all paths, the other calls may be made by several threads at
 * a time; without it they do it when they need it.  "-": nothing.
 */
int beside_list(struct beside *b, const char *path, bool keys,
    struct err *e) MUST_CHECK;
/* Paths of the decisions about the statement in path, sorted; *ids, NULL
 * allowed, is a new array of which files they are. */
int beside_decisions(struct beside *b, const char *path, struct strs *out,
    struct file_id **ids, struct err *e) MUST_CHECK;
/* The decision, or statement about a host, in a file, borrowed; the same bytes
 * give the same pointer.  It is verified if its signatures are good.  id may be
 * NULL. */
int beside_read(struct beside *b, const char *path, const struct file_id *id,
    struct statement **out, struct err *e) MUST_CHECK;
/* DIR/KEY.pub of this key in the directory of path, or NULL in *out. */
int beside_key(struct beside *b, const char *path, const struct pubkey *key,
    char **out, struct err *e) MUST_CHECK;

#endif
