/* SPDX-License-Identifier: ISC */
/*
 * The keywords of sshd_config(5): what their values look like, how sshd prints
 * them, and since which OpenSSH they are there.
 *
 * Values are compared in the form `sshd -T` has them: times as seconds, words
 * in lower case, lists of algorithms written out.  Pure.
 */
#ifndef AGENT_STATES_SSHD_WORDS_H
#define AGENT_STATES_SSHD_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/str.h"

#define SSHD_VALUES_MAX 256	/* values of one keyword */
#define SSHD_VALUE_MAX	4096	/* bytes of one */

enum sshd_type {
	SSHD_YESNO = 1,
	SSHD_WORD,	/* one of choices */
	SSHD_NUMBER,	/* min to max; also one of choices, if there are */
	SSHD_TIME,	/* "90", "1m30s"; also one of choices */
	SSHD_OCTAL,
	SSHD_ALGORITHMS, /* "a,b", "+a", "-a*", "^a" */
	SSHD_PATH,	/* absolute; also one of choices */
	SSHD_TEXT,	/* the rest of the line, as it stands */
	SSHD_STARTUPS,	/* "10:30:60" */
	SSHD_BLOCKS,	/* "32:128" */
	SSHD_REKEY,	/* "1G 1h" */
	SSHD_QOS,	/* "af21 cs1"; one word stands for both */
	SSHD_LISTEN,	/* an address, with or without a port */
	SSHD_FORWARD,	/* PermitListen: "80" is "*:80" */
};

enum {
	SSHD_MATCH = 1,	/* may stand in a Match block */
	SSHD_LIST = 2,	/* several values, on one line */
	SSHD_ADDS = 4,	/* values of several lines and files add up */
	SSHD_LINES = 8,	/* one value a line; the value may hold blanks */
	SSHD_SHOWN_EACH = 16, /* sshd -T prints a line for each value */
	SSHD_UNSEEN = 32, /* sshd -T does not print it */
	SSHD_AMONG = 64, /* others may add further ones */
};

struct sshd_word {
	const char *name;
	enum sshd_type type;
	unsigned flags;
	unsigned since;		/* 902 for OpenSSH 9.2; 0: older than 6.7 */
	const char *choices;	/* "yes|no|all=yes": =: as sshd prints it */
	uint64_t min, max;	/* SSHD_NUMBER */
	const char *query;	/* `ssh -Q` QUERY knows the algorithms */
};

/* By name or older name, in any case; NULL. */
const struct sshd_word *sshd_word(const char *name);
const struct sshd_word *sshd_words(size_t *n);

/* What a value should be, for messages: "yes or no". */
void sshd_expect(const struct sshd_word *w, struct str *out);
/* Is this one value well-formed? */
bool sshd_value_ok(const struct sshd_word *w, const char *value);
/* The choice that value is: as sshd prints it, *n bytes of *out. */
bool sshd_choice(const struct sshd_word *w, const char *value,
    const char **out, size_t *n);
/* Seconds of a time as sshd reads it.  False: none. */
bool sshd_time(const char *s, uint64_t *out);
/*
 * Are these the values that sshd -T printed?  have: its lines for the keyword,
 * without the keyword.  ports: its lines for Port, for SSHD_LISTEN.
 */
int sshd_values_same(const struct sshd_word *w, const struct strs *want,
    const struct strs *have, const struct strs *ports, bool *out) MUST_CHECK;

/*
 * sshd's patterns: `*` and `?`; a list has commas, and `!` before what it is
 * not.  sshd_pattern_list(): 1, 0 no match, -1 a negated one matches.
 */
bool sshd_pattern(const char *s, const char *pattern);
int sshd_pattern_list(const char *s, const char *list);
/* The same for addresses: patterns, and ADDRESS/BITS. */
int sshd_address_list(const char *address, const char *list);

#endif
