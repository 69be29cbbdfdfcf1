/* SPDX-License-Identifier: ISC */
/*
 * Inside lib/blob: what a kind of store provides.  blob.c has checked keys,
 * prefixes and sizes before it calls one of these, and stays out of the rest.
 */
#ifndef LIB_BLOB_OPS_H
#define LIB_BLOB_OPS_H

#include "lib/blob/blob.h"

struct blob_ops {
	int (*probe)(struct blob_store *s, struct err *e);
	/* Every result holds a failure when this is called. */
	int (*put_many)(struct blob_store *s, struct blob_item *items, size_t n,
	    struct err *e);
	/* version NULL: the newest */
	int (*get)(struct blob_store *s, const char *key, const char *version,
	    size_t max, uint8_t **out, size_t *n, struct err *e);
	int (*exists)(struct blob_store *s, const char *key, struct err *e);
	int (*list)(struct blob_store *s, const char *prefix,
	    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
	    struct err *e);
	void (*close)(struct blob_store *s); /* all but url */
};

/* The first member of struct dir_store and struct s3_store. */
struct blob_store {
	const struct blob_ops *ops;
	char *url;
	bool remote;
};

/* rest: the URL without its scheme.  Errors as of blob_open(). */
int dir_open(
    const char *rest, struct blob_store **out, struct err *e) MUST_CHECK;
int s3_open(const char *rest, const struct blob_config *config,
    struct blob_store **out, struct err *e) MUST_CHECK;

#endif
