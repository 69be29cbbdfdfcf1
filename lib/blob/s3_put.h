/* SPDX-License-Identifier: ISC */
/*
 * Inside lib/blob: items on their way into a bucket.
 *
 * Each item walks through the steps below on its own; each round sends the
 * next request of every item that is not done, many at a time.
 *
 *	LOOK	is something under the key?  Some servers ignore If-None-Match
 *		in versioned buckets, and a repeated put must not make a second
 *		version of what landed while its answer was lost.
 *	COMPARE	is it the same bytes?
 *	EXTEND	they are, but their lock is missing or too short
 *	WRITE	sent once; after a failure that may have landed, LOOK again
 *	CHECK	read back the version that was written: size, lock, checksum
 *	LOCK	the server kept the lock out of its headers: ask for it
 *	BYTES	its ETag is not the MD5: read all of it
 */
#ifndef LIB_BLOB_S3_PUT_H
#define LIB_BLOB_S3_PUT_H

#include "lib/blob/s3.h"

#define S3_PUT_CHUNK 64 /* items in memory at a time */
#define S3_MD5_HEX   33 /* with its NUL */

enum s3_step {
	STEP_LOOK,
	STEP_COMPARE,
	STEP_EXTEND,
	STEP_WRITE,
	STEP_CHECK,
	STEP_LOCK,
	STEP_BYTES,
	STEP_DONE,
};

struct s3_put {
	struct blob_item *item;
	struct s3_req req;
	enum s3_step step;
	bool foreign;   /* other bytes were there */
	bool matched;   /* the version at hand was there before */
	bool no_extend; /* not allowed: write a version of our own */
	int tries;
	int64_t until;                /* lock wanted; 0: none */
	int64_t slack;                /* so much less is enough */
	char md5[S3_MD5_HEX];         /* "" without MD5 */
	char version[S3_VERSION_MAX]; /* at hand; "" in an unversioned bucket */
	char *query;
	char *body; /* of EXTEND */
};

struct s3_puts {
	struct s3_store *s;
	struct s3_put v[S3_PUT_CHUNK];
	size_t n;
	int64_t end; /* monotonic ms: no more retries after */
	int backoff; /* rounds that had to wait */
	bool wait;
};

/*
 * Look at the answer to p's step: sets the step that follows, STEP_DONE with the
 * item's result; and l->wait where the next round should not come at once.  On
 * an error p goes no further, and the item's result is the caller's to set.
 *
 * ERR_RECORD	the item is not there as asked for: its bytes, or its lock
 *		and the errors of s3_explain() for what failed for good
 */
int s3_put_judge(struct s3_puts *l, struct s3_put *p, struct err *e) MUST_CHECK;

#endif
