/* SPDX-License-Identifier: ISC */
/*
 * A service's calls, by name: one table, which the front reads for exec words
 * and for what a stranger may say, and the keeper for its handlers.  Pure.
 */
#ifndef LIB_FRONT_CALLS_H
#define LIB_FRONT_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/str.h"

/*
 * How the words after a call's name become its arguments: members of the object
 * that is open in w.  Whatever a word is, it becomes the value of a JSON string
 * or is compared; nothing else of it reaches w.  False: there are others than
 * the call takes.
 */
typedef bool call_words(struct jw *w, const char *rest);

struct call_row {
	int	    call;	/* the service's number of it */
	const char *name;
	call_words *words;	/* NULL: by subsystem alone */
	bool	    input;	/* exec: standard input, "statements" */
	bool	    guest;	/* of strangers too, where there are guests */
	const char *operands;	/* for the usage */
	const char *help;
};

struct call_table {
	const struct call_row *v;
	size_t		       n;
};

/* NULL: no call of that name. */
const struct call_row *call_find(const struct call_table *t, const char *name);
/* The same for the first of some exec words. */
const struct call_row *call_of_words(const struct call_table *t,
    const char *words);
/*
 * The row of a stranger's call, NULL where it is none of those he may make.  The
 * front reads no JSON, so it wants the object to begin with {"call":"NAME" to
 * the byte, as jw writes it; whoever reads the JSON looks at the row of the name
 * that he finds there.
 */
const struct call_row *call_of_guest(const struct call_table *t,
    struct slice json);

/*
 * Exec words and what came on standard input as the JSON object of a call,
 * appended to out.  ERR_USAGE: no such call, or other words than it takes; the
 * message has the usage.  ERR_PARSE (words or input are not clean text, bar the
 * input's line ends), ERR_LIMIT, ERR_NOMEM.
 */
int call_from_words(const struct call_table *t, const char *words,
    struct slice input, struct str *out, struct err *e) MUST_CHECK;

/* What `help` answers: the calls that exec words make, and what each is for. */
void call_help(const struct call_table *t, struct str *out);

/* Readers that several calls have. */
bool call_words_none(struct jw *w, const char *rest); /* no words */
bool call_words_id(struct jw *w, const char *rest);   /* ID: "id" */
bool call_words_ids(struct jw *w, const char *rest);  /* ID...: "ids" */

/* For readers of one's own.  The next word, what lies before the next blank;
 * false: none. */
bool call_next_word(const char **rest, struct slice *out);
void call_put_word(struct jw *w, const char *key, struct slice word);

#endif
