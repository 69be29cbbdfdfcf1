/* SPDX-License-Identifier: ISC */
/*
 * The calls of the service, by name: one table, which the front reads for exec
 * words and the keeper for its handlers.  calls.md lists arguments and answers.
 */
#ifndef CA_COMMON_CALLS_H
#define CA_COMMON_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

enum call {
	CALL_HELLO = 1,
	CALL_SUBMIT,
	CALL_SHOW,
	CALL_WAIT,
	CALL_FETCH,
	CALL_PENDING,
	CALL_STATUS,
	CALL_DECISION,
	CALL_POLICY,
	CALL_OBJECT,
	CALL_PUT,
	CALL_PUSH,
	CALL_STANDING,
	CALL_KRL,
	CALL_WHY,
	CALL_HELP,
};

/* How the words after a call's name become its arguments. */
enum call_words {
	WORDS_NONE,	/* no words */
	WORDS_NO_EXEC,	/* by subsystem alone */
	WORDS_IDS,	/* ID...: "ids" */
	WORDS_ID,	/* ID: "id" */
	WORDS_DECISION,	/* ID... approve|deny [COMMENT...] */
	WORDS_PLACE,	/* [ACCOUNT@]HOST */
	WORDS_FLAGS,	/* all, watch */
};

struct call_row {
	enum call	call;
	const char     *name;
	enum call_words words;
	bool		input;	/* exec: standard input, "statements" */
	const char     *operands; /* for the usage */
	const char     *help;
};

extern const struct call_row call_table[];
extern const size_t	     call_table_n;

/* NULL: no call of that name. */
const struct call_row *call_find(const char *name);
/* The same for the first of some exec words. */
const struct call_row *call_of_words(const char *words);

/*
 * Exec words and what came on standard input as the JSON object of a call,
 * appended to out.  ERR_USAGE: no such call, or other words than it takes; the
 * message has the usage.  ERR_PARSE (words or input are not clean text, bar the
 * input's line ends), ERR_LIMIT, ERR_NOMEM.
 */
int call_from_words(const char *words, struct slice input, struct str *out,
    struct err *e) MUST_CHECK;

#endif
