/* SPDX-License-Identifier: ISC */
/*
 * The fields of each type of statement, as a table: for the files of
 * lib/statement alone.
 *
 * What statements have in common is read and written in statement.c and
 * encode.c; a family reads, writes and describes what is its own.
 */
#ifndef LIB_STATEMENT_FIELDS_H
#define LIB_STATEMENT_FIELDS_H

#include "lib/base/json.h"
#include "lib/statement/statement.h"

struct st_family {
	const char	  *name;	/* "request" */
	const char	  *ns;		/* "request@writ" */
	const char *const *keys;	/* common ones, then its own */
	size_t		   n_keys;
	/* Fill s->u, which is zero; what was allocated is freed by clear()
	   whatever the result. */
	int  (*read)(const json_t *o, struct statement *s, struct err *e);
	void (*write)(const struct statement *s, struct jw *w);
	/* Is there what write() follows without asking?  NULL: always. */
	bool (*whole)(const struct statement *s);
	/* Lines for people, after the head line. */
	void (*describe)(const struct statement *s, struct str *out);
	void (*clear)(struct statement *s);	/* s->u alone */
};

extern const struct st_family st_request, st_decision, st_revoke, st_key,
    st_root, st_policy, st_krl, st_fleet, st_job, st_enrol, st_accept,
    st_reject, st_rename, st_forget, st_token, st_renew, st_report;

/* The family of a type, or NULL. */
const struct st_family *st_family(enum statement_type t);

#define ST_COMMON "v", "type", "realm", "by", "at", "nonce"

#define ST_SOURCE_MAX	  64	/* bytes of an address range */
#define ST_WORD_MAX	  64
#define ST_COMMAND_MAX	  4096
#define ST_EXTENSIONS_MAX CERT_OPTIONS_MAX
#define ST_EXTENSION_MAX  64
#define ST_PRINCIPAL_MAX  255
#define ST_KEY_ID_MAX	  200

/* --- what several families read (fields.c); errors name the field --- */

int st_read_hash(const json_t *o, const char *key, struct hash *out,
    struct err *e) MUST_CHECK;
/* One that may be absent. */
int st_read_a_hash(const json_t *o, const char *key, bool *has,
    struct hash *out, struct err *e) MUST_CHECK;
/* 1..max hashes, none twice; absent with JSON_OPTIONAL.  *out is allocated. */
int st_read_hashes(const json_t *o, const char *key, unsigned flags, size_t max,
    struct hash **out, size_t *n, struct err *e) MUST_CHECK;
/* "ssh-ed25519 AAAA...", one blank and no comment. */
int st_read_pubkey(const json_t *o, const char *key, struct pubkey **out,
    struct err *e) MUST_CHECK;
int st_read_kind(const json_t *o, enum cert_kind *out, struct err *e)
    MUST_CHECK;
/* An id ([a-z0-9._@+-]{1,100}) of a person, a host or a log. */
int st_read_id(const json_t *o, const char *key, char **out, struct err *e)
    MUST_CHECK;
/* json_strs(), and no element twice. */
int st_read_set(const json_t *o, const char *key, unsigned flags,
    size_t max_items, size_t max, struct strs *out, struct err *e) MUST_CHECK;

/*
 * The members of an object, 1..max; absent: none.  read() is given the object, a
 * member's name and the row to fill, which is zero; *rows is allocated, n_rows
 * counts those that were begun, and both are to be cleared whatever the result.
 * what: "zone", for messages.
 */
int st_read_map(const json_t *o, const char *key, const char *what, size_t max,
    size_t row_size,
    int (*read)(const json_t *obj, const char *name, void *row, struct err *e),
    void **rows, size_t *n_rows, struct err *e) MUST_CHECK;

/* One of two words; *out is its index. */
int st_read_either(const json_t *o, const char *key,
    const char *const words[2], size_t *out, struct err *e) MUST_CHECK;
/* One of n words. */
int st_read_word(const json_t *o, const char *key, const char *const *words,
    size_t n, size_t *out, struct err *e) MUST_CHECK;
/* 1..max roles of [a-z0-9._-]; absent: none. */
int st_read_roles(const json_t *o, struct strs *out, struct err *e) MUST_CHECK;

/* A time that can be written. */
bool st_is_time(int64_t t);

/* --- and write --- */

const char *st_kind_name(enum cert_kind k);
void st_write_pubkey(struct jw *w, const char *key, const struct pubkey *k);
void st_write_hash(struct jw *w, const char *key, const struct hash *h);
void st_write_hashes(struct jw *w, const char *key, const struct hash *v,
    size_t n);

/* Nothing for an empty list. */
void st_write_some(struct jw *w, const char *key, const struct strs *l);

/* --- and describe: "  label        text\n" --- */

void st_row(struct str *out, const char *label, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void st_row_strs(struct str *out, const char *label, const struct strs *l);
void st_row_key(struct str *out, const char *label, const struct pubkey *k);
void st_row_hash(struct str *out, const char *label, const struct hash *h);
void st_row_span(struct str *out, const char *label, int64_t secs);
void st_row_time(struct str *out, const char *label, int64_t t);

#endif
