/* SPDX-License-Identifier: ISC */
/*
 * Text: a builder that remembers its failure, strict readers of numbers,
 * and the one rule for text that people will read.
 *
 * str: `struct str s = STR_INIT;`, any number of str_add..., then one check in
 * str_take().  After a failed allocation the adds do nothing and str_take()
 * says ERR_NOMEM, so text is built without a check a line.  s.p is never NULL
 * and always terminated.
 */
#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct str {
	char *p;     /* terminated; str_empty while nothing was added */
	size_t n;    /* without the NUL */
	size_t cap;  /* 0: p is str_empty */
	bool failed; /* an allocation failed: the text is not whole */
};

extern char str_empty[1];
#define STR_INIT                       \
	{                              \
		str_empty, 0, 0, false \
	}

void str_init(struct str *s);
void str_clear(struct str *s); /* wiped; as after str_init */
void str_reset(struct str *s); /* empty, memory kept */
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *text, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_vaddf(struct str *s, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* 'text' with quotes; control and non-ASCII bytes as \xNN; at most 60 shown. */
void str_add_quoted(struct str *s, const char *text, size_t n);
void str_add_hex(struct str *s, const void *p, size_t n);
void str_add_base64(struct str *s, const void *p, size_t n);

/*
 * The text moves to *out and the caller frees it.  ERR_NOMEM.  Either way s is
 * as after str_init, so that nothing is left to clear.
 */
int str_take(struct str *s, char **out) MUST_CHECK;
/* What is printed, in the place of *out, which is freed; unchanged on failure.
 * ERR_NOMEM. */
int str_vset(char **out, const char *fmt, va_list ap) MUST_CHECK
    PRINTF_LIKE(2, 0);
/* 0, or ERR_NOMEM when an add failed. */
int str_check(const struct str *s) MUST_CHECK;

/* A quoted copy in a buffer of the caller, for err_set(); returns out. */
#define QUOTE_MAX 272
const char *str_quote(char out[QUOTE_MAX], const char *text);
const char *str_quoten(char out[QUOTE_MAX], const char *text, size_t n);

/*
 * A decimal number within [min, max]: digits alone, no sign, no blank, no
 * leading zero.  ERR_PARSE, ERR_LIMIT.
 */
int parse_u64(
    const char *s, uint64_t min, uint64_t max, uint64_t *out) MUST_CHECK;

/* Lower-case hex of exactly n bytes.  ERR_PARSE. */
int hex_decode(const char *s, size_t s_len, uint8_t *out, size_t n) MUST_CHECK;
/* out holds 2n + 1. */
void hex_encode(const void *p, size_t n, char *out);

/*
 * Canonical base64 (RFC 4648 section 4): padding required, trailing bits zero,
 * nothing but the alphabet.  Appends to b.  ERR_PARSE, ERR_LIMIT, ERR_NOMEM.
 */
int base64_decode(const char *s, size_t n, struct buf *b) MUST_CHECK;

/*
 * Text that people will read: valid UTF-8 without control characters (C0, C1,
 * DEL, also no tab and no line end), bidirectional controls, zero-width and
 * other invisible characters (all of Unicode's Default_Ignorable_Code_Point,
 * variation selectors too), line and paragraph separators, noncharacters.
 * *bad_at is the offset of the first offender (NULL allowed).
 */
bool text_is_clean(const char *s, size_t n, size_t *bad_at);
/* Well-formed UTF-8 alone (Unicode table 3-7). */
bool text_is_utf8(const char *s, size_t n, size_t *bad_at);
/* Add n bytes of anybody's for people to read: tabs, line ends and clean text as
 * they are, every other byte as \xNN, so that nothing of it moves a cursor. */
void str_add_shown(struct str *s, const char *p, size_t n);
/* Characters (code points) of clean text. */
size_t text_length(const char *s, size_t n);

/* Ids of persons, hosts: [a-z0-9._@+-]{1,100}. */
#define ID_MAX 100
bool id_is_valid(const char *s);
/* Or a pattern of ids, with * and ?, that long at most. */
bool id_glob_is_valid(const char *s, size_t n);

/* malloc'ed copies; NULL when memory is out. */
char *str_dup(const char *s);
char *str_dupn(const void *p, size_t n);

/*
 * A list of strings that owns them.  Zero-initialise.  ERR_NOMEM; ERR_LIMIT
 * past STRS_MAX.
 */
#define STRS_MAX 1000000
struct strs {
	char **v;
	size_t n;
	size_t cap;
};
int strs_add(struct strs *l, const char *s) MUST_CHECK;
int strs_addn(struct strs *l, const void *p, size_t n) MUST_CHECK;
/* out is zero or cleared. */
int strs_dup(const struct strs *from, struct strs *out) MUST_CHECK;
bool strs_has(const struct strs *l, const char *s);
bool strs_equal(const struct strs *a, const struct strs *b); /* same order */
void strs_sort(struct strs *l);                              /* bytewise */
/* Adds all to s, with between between each two; failure is s's. */
void strs_join(const struct strs *l, const char *between, struct str *s);
void strs_clear(struct strs *l);

/*
 * Room for one more element of size elem: the caller's array, its count and
 * capacity.  ERR_NOMEM, ERR_LIMIT past max elements.  Use through
 * vec_grow(&o->v, o->n, &o->cap, max).
 */
int vec_grow_(
    void **v, size_t n, size_t *cap, size_t max, size_t elem) MUST_CHECK;
#define vec_grow(v, n, cap, max) \
	vec_grow_((void **)(v), (n), (cap), (max), sizeof(**(v)))

/*
 * Room for `more` elements behind the n that are there, so that adding them
 * cannot fail; what they may be at most is the caller's to see to.  ERR_NOMEM:
 * nothing has changed.
 */
int vec_reserve_(void **v, size_t n, size_t more, size_t *cap,
    size_t elem) MUST_CHECK;
#define vec_reserve(v, n, more, cap) \
	vec_reserve_((void **)(v), (n), (more), (cap), sizeof(**(v)))

/* For qsort() and bsearch() of uint64_t, ascending. */
int u64_compare(const void *a, const void *b);

#endif
