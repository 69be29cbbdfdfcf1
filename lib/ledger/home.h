/* SPDX-License-Identifier: ISC */
/*
 * Where a log is, as a service's configuration says: `log`, `copies`, `max_lag`,
 * `retention`, `partial_retention` and `s3`.
 */
#ifndef LIB_LEDGER_HOME_H
#define LIB_LEDGER_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/blob/blob.h"
#include "lib/conf/schema.h"
#include "lib/ledger/ledger.h"

#define LOG_RETENTION (400 * INT64_C(86400))
#define LOG_PARTIAL   (7 * INT64_C(86400))

struct log_home {		/* log_home_init / log_home_clear */
	char	   *log;	/* "dir:PATH" or "s3://BUCKET/PREFIX" */
	struct strs copies;
	int64_t	    max_lag;	/* 0: any */
	int64_t	    retention, partial;
	char	   *endpoint, *region, *credentials; /* NULL: default */
	bool	    virtual_host;
};
void log_home_init(struct log_home *h);
void log_home_clear(struct log_home *h);

/* The rows of a conf_key table: type has a struct log_home called m. */
#define LOG_HOME_KEYS(type, m) \
	{"log", conf_text, .offset = offsetof(type, m.log), \
	    .required = true, .min = 5, .max = 4096, \
	    .check = log_home_is_place, \
	    .expect = "dir:PATH or s3://BUCKET/PREFIX"}, \
	{"copies", conf_texts, .offset = offsetof(type, m.copies), \
	    .min = 0, .max = LEDGER_COPIES_MAX, .check = log_home_is_place, \
	    .expect = "a list of dir:PATH and s3://BUCKET/PREFIX"}, \
	{"max_lag", conf_span, .offset = offsetof(type, m.max_lag), \
	    .min = 1, .max = 100000 * INT64_C(86400), \
	    .expect = "a span such as 1h"}, \
	{"retention", conf_span, .offset = offsetof(type, m.retention), \
	    .min = 60, .max = 100000 * INT64_C(86400), \
	    .expect = "a span such as 400d"}, \
	{"partial_retention", conf_span, .offset = offsetof(type, m.partial), \
	    .min = 60, .max = 100000 * INT64_C(86400), \
	    .expect = "a span such as 7d"}, \
	{"s3", log_home_read_s3, .offset = offsetof(type, m), \
	    .expect = "endpoint, region, credentials, addressing"}

bool log_home_is_place(struct conf_in *in, const struct yaml_node *n);
void log_home_read_s3(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);

/* ERR_DENIED, with what to do instead, where the credentials come from a program:
 * a sealed process starts none.  file is the configuration's, for the message. */
int log_home_starts_nothing(const struct log_home *h, const char *file,
    struct err *e) MUST_CHECK;

/* Where the journal and index of the log are: PATH of a dir: log, else dir/log;
 * a relative PATH is below dir. */
int log_home_dir(const struct log_home *h, const char *dir, char **out)
    MUST_CHECK;
/* The log's address with a dir: path made absolute in the same way. */
int log_home_url(const struct log_home *h, const char *dir, char **out)
    MUST_CHECK;
void log_home_blob(const struct log_home *h, struct blob_config *out);

#endif
