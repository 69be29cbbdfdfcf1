/* SPDX-License-Identifier: ISC */
/*
 * Inside lib/blob: a directory as a store.  dir.c writes; dir_parents.c
 * makes the directories it writes into; dir_read.c opens, reads and lists.
 */
#ifndef LIB_BLOB_DIR_H
#define LIB_BLOB_DIR_H

#include "lib/blob/ops.h"

struct dir_store {
	struct blob_store base;
	char *root;      /* as opened, for messages */
	int fd;          /* the root */
	bool no_tmpfile; /* the file system has no O_TMPFILE */
};

extern const struct blob_ops dir_ops;

/*
 * openat2(2) below the root without following any link; -1 and errno, which
 * dir_open_failed() turns into a sentence: ERR_NOTFOUND, ERR_CORRUPT (a link
 * is in the way), ERR_SYS.
 */
int dir_openat(const struct dir_store *d, const char *path, uint64_t flags);
int dir_open_failed(
    const struct dir_store *d, const char *path, struct err *e) MUST_CHECK;
/* A regular file of at most max bytes; ERR_CORRUPT: it is something else. */
int dir_read_fd(const struct dir_store *d, int fd, const char *key, size_t max,
    char **out, size_t *n, struct err *e) MUST_CHECK;

/*
 * The directories that a call puts into, held open.  Zero-initialise.  An index
 * holds until they are cleared.
 */
struct dir_parent {
	char *path; /* relative to the root, "" for the root */
	int fd;
	bool dirty; /* has new names, to be fsynced */
};
struct dir_parents {
	struct dir_parent *v;
	size_t n, cap;
};
/*
 * That of the first n bytes of path, made where it is missing; sync: what is
 * made is to outlive a power loss, once dir_parents_sync() says so.
 * ERR_CORRUPT: a link or something else is in the way; ERR_LIMIT; ERR_SYS.
 */
int dir_parents_get(const struct dir_store *d, struct dir_parents *l,
    const char *path, size_t n, bool sync, size_t *out,
    struct err *e) MUST_CHECK;
/* fsync those that are dirty. */
int dir_parents_sync(const struct dir_store *d, struct dir_parents *l,
    struct err *e) MUST_CHECK;
void dir_parents_clear(struct dir_parents *l);

/* Names that are not objects: of files not yet whole. */
void dir_tmp_name(char *out, size_t n, unsigned counter);
bool dir_is_tmp(const char *base);

int dir_probe(struct blob_store *b, struct err *e);
int dir_get(struct blob_store *b, const char *key, const char *version,
    size_t max, uint8_t **out, size_t *n, struct err *e);
int dir_exists(struct blob_store *b, const char *key, struct err *e);
int dir_list(struct blob_store *b, const char *prefix,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct err *e);
void dir_close(struct blob_store *b);

#endif
