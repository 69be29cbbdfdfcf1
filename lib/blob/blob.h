/* SPDX-License-Identifier: ISC */
/*
 * Objects under keys: a directory, or a bucket that speaks S3.
 *
 * Keys are relative paths of [A-Za-z0-9._/-] without empty, "." or ".." parts,
 * at most 512 bytes.  Everything but `checkpoint` is written once: putting the
 * same bytes again is a success, and where other bytes are found under the key
 * the right ones are put beside them (a newer version in a bucket; in a
 * directory the strange file is renamed KEY.foreign-<8 hex digits of its
 * SHA-256>), so that garbage written first never stops a log; the put says
 * BLOB_FOREIGN then.  The caller decides what to tell whom.
 *
 * Retries are idempotent: same key, same bytes, read back.  Not thread safe;
 * blob_put_many() has its own concurrency.
 */
#ifndef LIB_BLOB_BLOB_H
#define LIB_BLOB_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define BLOB_KEY_MAX    512
#define BLOB_OBJECT_MAX (64 * 1024 * 1024)

struct blob_config {          /* all borrowed; NULL and 0: the default */
	const char *endpoint; /* S3: "https://host[:port]"; absent: AWS */
	const char *region;   /* S3: absent: $AWS_REGION, $AWS_DEFAULT_REGION,
	                         us-east-1 */
	const char *credentials; /* "env" (default), "file:PATH[#PROFILE]",
	                            "process:PROGRAM [ARG...]" (split at blanks,
	                            no shell; prints the JSON of
	                            credential_process) */
	bool virtual_host;       /* bucket in the host name; absent: path */
	int64_t retention_secs;  /* COMPLIANCE lock; 0: no lock asked */
	int64_t partial_secs;    /* the same for BLOB_PARTIAL; 7 d */
	int timeout_ms;          /* one request; 30 s */
	int connect_ms;          /* 5 s */
};

struct blob_store; /* opaque */

/*
 * "dir:PATH", "PATH" or "s3://BUCKET[/PREFIX]".  Opening a bucket talks to
 * nobody yet; the library that does (libcurl) is loaded here.  https is checked
 * against the system's certificates, or those in $AWS_CA_BUNDLE.  ERR_PARSE,
 * ERR_NOTFOUND (no such directory, no libcurl), ERR_NOMEM.
 */
int blob_open(const char *url, const struct blob_config *config,
    struct blob_store **out, struct err *e) MUST_CHECK;
void blob_close(struct blob_store *s);
const char *blob_url(const struct blob_store *s); /* as opened, for messages */
bool blob_is_remote(const struct blob_store *s);

/*
 * Can this store keep a log?  A directory: writable.  A bucket: there, reached
 * with these credentials, clock within S3's tolerance, versioned, and where
 * retention_secs is set: object lock on (a server that ignores it silently is
 * found out by reading the configuration back).  Each failure has its own
 * sentence: ERR_NET, ERR_DENIED, ERR_NOTFOUND (bucket), ERR_RECORD (lock).
 */
int blob_probe(struct blob_store *s, struct err *e) MUST_CHECK;

enum {
	BLOB_MUTABLE = 1, /* `checkpoint`: replaced, never locked */
	BLOB_PARTIAL = 2, /* short retention */
	BLOB_NOSYNC = 4,  /* directory: no fsync; can be made again */
};
#define BLOB_FOREIGN 1 /* answer: other bytes were there first */

struct blob_item {
	const char *key;
	struct slice data;
	unsigned flags;
	const char *content_type; /* NULL: application/octet-stream */
	int result;               /* out: 0, BLOB_FOREIGN, ERR_* */
};

/*
 * Put items, many at a time.  Durable and, in a bucket with retention, locked
 * and read back (bytes, mode and date) when it returns 0; then each result is
 * 0 or BLOB_FOREIGN.  Else the first failure, with what it was about; some may
 * have landed, and the call may be repeated.
 * ERR_RECORD	stored, but not with the lock asked for
 * ERR_NET	refused, timed out, 5xx after retries
 * ERR_DENIED	credentials, clock, permissions
 * ERR_NOTFOUND	bucket
 * ERR_SYS, ERR_LIMIT, ERR_NOMEM
 */
int blob_put_many(struct blob_store *s, struct blob_item *items, size_t n,
    struct err *e) MUST_CHECK;
int blob_put(struct blob_store *s, const char *key, struct slice data,
    unsigned flags, struct err *e) MUST_CHECK; /* 0, BLOB_FOREIGN, ERR_* */

/* The newest bytes under key: a new block.  ERR_NOTFOUND, ERR_LIMIT. */
int blob_get(struct blob_store *s, const char *key, size_t max, uint8_t **out,
    size_t *n, struct err *e) MUST_CHECK;
/* A named version of it. */
int blob_get_version(struct blob_store *s, const char *key, const char *version,
    size_t max, uint8_t **out, size_t *n, struct err *e) MUST_CHECK;
/* 0: there, 1: not there, or ERR_*. */
int blob_exists(
    struct blob_store *s, const char *key, struct err *e) MUST_CHECK;

/* What blob_list reports for each version of each key. */
struct blob_info {
	const char *key;
	const char *version; /* "" in a directory */
	uint64_t size;
	bool latest;
	bool deleted; /* a delete marker */
	bool other;   /* directory: not a regular file */
};
/*
 * Every version under prefix ("" for all), sorted by key, newest version of a
 * key first.  each() returns 0 to go on; anything else ends the listing and is
 * returned.  A bucket's listing ends whatever its server says: ERR_PARSE where it
 * leads back or in a circle, ERR_LIMIT after a thousand million versions.
 */
int blob_list(struct blob_store *s, const char *prefix,
    int (*each)(void *ctx, const struct blob_info *info), void *ctx,
    struct err *e) MUST_CHECK;

/* ERR_PARSE unless key is one. */
int blob_key_check(const char *key) MUST_CHECK;

#endif
