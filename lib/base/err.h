/* SPDX-License-Identifier: ISC */
/*
 * Errors: a code for programs and one sentence for people.
 *
 * A function returns 0 or one of the negative codes below.  A positive value
 * is an answer that the function documents; its direct caller deals with it
 * and never returns it.  On failure out-parameters and objects are unchanged;
 * a header says so where that is not the case.
 *
 * Functions whose failure a person will read take a struct err last.  It is
 * written on failure only, and NULL is allowed.  The sentence is one line,
 * lower case, without a full stop, `file:line:column:` first where there is
 * one, what was expected last.  User text in it is quoted and escaped by
 * whoever puts it there (str_add_quoted in lib/base/str.h).
 */
#ifndef LIB_BASE_ERR_H
#define LIB_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

/* Every code, its value, and the words a person sees.  One list, no drift. */
#define ERR_LIST(X)                                             \
	X(ERR_NOMEM, -1, "out of memory")                       \
	X(ERR_SYS, -2, "system call failed")                    \
	X(ERR_PARSE, -3, "malformed input")                     \
	X(ERR_LIMIT, -4, "limit exceeded")                      \
	X(ERR_DENIED, -5, "refused by policy")                  \
	X(ERR_BADSIG, -6, "signature does not verify")          \
	X(ERR_NOTFOUND, -7, "not found")                        \
	X(ERR_EXISTS, -8, "exists already")                     \
	X(ERR_BUSY, -9, "in use by another process")            \
	X(ERR_EXPIRED, -10, "expired")                          \
	X(ERR_ROLLBACK, -11, "older than what was seen before") \
	X(ERR_RECORD, -12, "cannot be recorded")                \
	X(ERR_NET, -13, "peer unreachable or refusing")         \
	X(ERR_CRYPTO, -14, "cryptographic library failed")      \
	X(ERR_USAGE, -15, "wrong usage")                        \
	X(ERR_WAIT, -16, "waiting for approvals")               \
	X(ERR_CORRUPT, -17, "stored data is damaged")

enum err_code {
	ERR_OK = 0,
#define X(name, value, text) name = (value),
	ERR_LIST(X)
#undef X
};

struct err { /* zero-initialise; owns nothing */
	enum err_code code;
	int sys_errno;  /* errno at the origin, 0 if not relevant */
	char msg[768];  /* cut with "..." where it is longer */
	char hint[256]; /* what to do about it, or "" */
};

/* The words for a code; "unknown error" for what is not one. Never NULL. */
const char *err_text(int code);

/* How programs tell each other a code: "denied" for ERR_DENIED, into out; and
 * back, whatever its case, 0 for what is none. */
#define ERR_NAME 16
void err_name(int code, char out[ERR_NAME]);
int  err_from_name(const char *name);

/*
 * Is it for what the other side brought, and not for a want of ours?  ERR_PARSE,
 * LIMIT, DENIED, BADSIG, NOTFOUND, EXISTS, EXPIRED, ROLLBACK.  Not ERR_USAGE and
 * ERR_CORRUPT: whose fault those are depends on who is asked.
 */
bool err_is_theirs(int code);

/*
 * Record a failure where it is first seen and return the code, so that a
 * function ends with `return err_set(e, ERR_PARSE, "...")`.  Replaces what e
 * held, hint and all; an argument may be e->msg.  e may be NULL.  For ERR_SYS
 * and ERR_NET, errno is kept.  A byte that is not clean text (text_is_clean)
 * becomes '?', so that no message can carry an escape sequence.
 */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_vset(struct err *e, int code, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

/* ERR_SYS with ": strerror(errno)" appended; ERR_NOMEM when errno is ENOMEM. */
int err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Going up: put "text: " before the sentence, or the text alone where there is
 * none.  e may be NULL. */
void err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Say what the reader can do; one imperative line.  e may be NULL. */
void err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Shorthand for the one failure that needs no words of its own. */
int err_nomem(struct err *e);

#endif
