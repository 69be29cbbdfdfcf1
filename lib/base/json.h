/* SPDX-License-Identifier: ISC */
/*
 * JSON, strictly read (into jansson's tree) and deterministically written.
 *
 * Reading: duplicate keys, trailing bytes, unknown keys and unclean text are
 * errors that name the field.  Writing: bytes are a pure function of the calls,
 * since leaves and records are compared bytewise.
 */
#ifndef LIB_BASE_JSON_H
#define LIB_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

/*
 * One JSON object (RFC 8259) and nothing else, at most max bytes, nested at
 * most JSON_DEPTH_MAX deep, field names of at most JSON_KEY_MAX bytes and none
 * twice.  Numbers are whole and fit int64_t: a fraction or an exponent is
 * ERR_PARSE, as is U+0000.  Strings are valid UTF-8; whether they are clean
 * text is looked at by json_str and its kin, not here.  ERR_PARSE, ERR_LIMIT
 * (max), ERR_NOMEM.  The caller owns the reference (json_decref).
 */
#define JSON_DEPTH_MAX 32
#define JSON_KEY_MAX   255
int json_read(
    struct slice text, size_t max, json_t **out, struct err *e) MUST_CHECK;
/* The same of a list, such as a table that was printed as JSON. */
int json_read_list(
    struct slice text, size_t max, json_t **out, struct err *e) MUST_CHECK;

/* ERR_PARSE naming the first key of o that is not among names. */
int json_known(const json_t *o, const char *const names[], size_t n_names,
    struct err *e) MUST_CHECK;

/*
 * A field of o.  With JSON_OPTIONAL an absent field leaves *out as it was and
 * returns 0.  ERR_PARSE: absent, wrong type, unclean; ERR_LIMIT: longer than
 * max bytes, or out of range.  Strings are borrowed from o, and never empty
 * unless JSON_EMPTY_OK.
 */
enum { JSON_OPTIONAL = 1, JSON_EMPTY_OK = 2 };
int json_str(const json_t *o, const char *key, unsigned flags, size_t max,
    const char **out, struct err *e) MUST_CHECK;
/* A copy of the string, to be freed. */
int json_strdup(const json_t *o, const char *key, unsigned flags, size_t max,
    char **out, struct err *e) MUST_CHECK;
int json_int(const json_t *o, const char *key, unsigned flags, int64_t min,
    int64_t max, int64_t *out, struct err *e) MUST_CHECK;
int json_u64(const json_t *o, const char *key, unsigned flags, uint64_t min,
    uint64_t max, uint64_t *out, struct err *e) MUST_CHECK; /* decimal string */
int json_bool(const json_t *o, const char *key, unsigned flags, bool *out,
    struct err *e) MUST_CHECK;
int json_time(const json_t *o, const char *key, unsigned flags, int64_t *out,
    struct err *e) MUST_CHECK; /* RFC 3339 UTC */
int json_span(const json_t *o, const char *key, unsigned flags, int64_t *out,
    struct err *e) MUST_CHECK; /* "8h", canonical */
int json_hex(const json_t *o, const char *key, unsigned flags, uint8_t *out,
    size_t n, struct err *e) MUST_CHECK; /* lower-case hex of n bytes */
/*
 * Appends up to max_items strings of up to max bytes, none of them empty.  An
 * empty array, here and in json_array_of: ERR_PARSE unless JSON_EMPTY_OK.
 */
int json_strs(const json_t *o, const char *key, unsigned flags,
    size_t max_items, size_t max, struct strs *out, struct err *e) MUST_CHECK;
int json_array_of(const json_t *o, const char *key, unsigned flags,
    size_t max_items, const json_t **out, struct err *e) MUST_CHECK;
int json_object_of(const json_t *o, const char *key, unsigned flags,
    const json_t **out, struct err *e) MUST_CHECK;

/*
 * The text of a field of what was looked at before, or is only shown: "" where
 * it is absent, no text, or o is NULL.  Borrowed from o.
 */
const char *json_text(const json_t *o, const char *key);

/*
 * Writer: one line without its LF, no blanks, control bytes escaped as RFC 8785
 * section 3.2.2.2 says, UTF-8 as it is (the caller's text is valid).  Keys in
 * the order of the calls; key is NULL inside arrays and outermost.  Failure
 * is remembered by the str.  pretty: two blanks an indent, for people.
 */
struct jw {
	struct str *s;
	bool pretty;
	unsigned depth;
	bool comma;
};
void jw_init(struct jw *w, struct str *s, bool pretty);
void jw_begin(struct jw *w, const char *key, char open); /* '{' or '[' */
void jw_end(struct jw *w, char close);                   /* '}' or ']' */
void jw_str(struct jw *w, const char *key, const char *v);
void jw_strn(struct jw *w, const char *key, const char *v, size_t n);
void jw_int(struct jw *w, const char *key, int64_t v);
void jw_u64(struct jw *w, const char *key, uint64_t v); /* decimal string */
void jw_bool(struct jw *w, const char *key, bool v);
void jw_time(struct jw *w, const char *key, int64_t t);
void jw_span(struct jw *w, const char *key, int64_t secs);
void jw_hex(struct jw *w, const char *key, const void *p, size_t n);
void jw_base64(struct jw *w, const char *key, const void *p, size_t n);
void jw_strs(struct jw *w, const char *key, const struct strs *l);
void jw_null(struct jw *w, const char *key);
/* "error", "hint" where there is one, and "code". */
struct err;
void jw_err(struct jw *w, const struct err *e);

#endif
