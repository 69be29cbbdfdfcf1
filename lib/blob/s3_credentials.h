/* SPDX-License-Identifier: ISC */
/* Inside lib/blob: where the keys to a bucket come from. */
#ifndef LIB_BLOB_S3_CREDENTIALS_H
#define LIB_BLOB_S3_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define S3_KEY_ID_MAX 256
#define S3_SECRET_MAX 512
#define S3_TOKEN_MAX  8192

struct s3_cred { /* s3_cred_clear wipes */
	char *id;
	char *secret;
	char *token;     /* NULL: none */
	int64_t expires; /* 0: not said */
};

/* Is spec one?  ERR_PARSE: it is not. */
int s3_cred_check(const char *spec, struct err *e) MUST_CHECK;
/*
 * Read credentials as spec says (blob.h, struct blob_config); NULL: "env".
 *
 * ERR_PARSE	spec, file or the program's answer is malformed
 * ERR_NOTFOUND no such file, profile, program, variable
 * ERR_DENIED	the program failed
 * ERR_SYS, ERR_LIMIT, ERR_NET (program timed out), ERR_NOMEM
 */
int s3_cred_load(
    const char *spec, struct s3_cred *out, struct err *e) MUST_CHECK;
void s3_cred_clear(struct s3_cred *c);
bool s3_cred_equal(const struct s3_cred *a, const struct s3_cred *b);

/* The text of an AWS credentials file; name is for messages.  As above. */
int s3_cred_parse_file(struct slice text, const char *profile, const char *name,
    struct s3_cred *out, struct err *e) MUST_CHECK;
/* The JSON that a credential_process prints.  As above. */
int s3_cred_parse_json(
    struct slice text, struct s3_cred *out, struct err *e) MUST_CHECK;

#endif
