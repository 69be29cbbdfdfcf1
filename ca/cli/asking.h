/* SPDX-License-Identifier: ISC */
/*
 * A request in the making: what is asked, by whom, under which grant, and what
 * policy makes of it, whether it goes into a file or to a CA.
 */
#ifndef CA_CLI_ASKING_H
#define CA_CLI_ASKING_H

#include "ca/cli/cli.h"

/* What was said on a command line, or at a question. */
struct ask {		/* ask_clear */
	struct strs	   principals;
	const struct strs *from, *extensions; /* may hold "A,B"; NULL: none */
	const char	  *reason, *ticket, *length, *grant, *not_before,
			  *force_command; /* NULL: not said */
	const char	  *key;	/* SUBJECT.pub; NULL: one is made for it */
	const char	  *out;	/* -o FILE */
	bool		   host;
};
int  ask_of_args(const struct cli_args *a, struct ask *out, struct err *e)
     MUST_CHECK;
void ask_clear(struct ask *q);

struct asking {		/* asking_clear */
	struct cli_world     world;	/* borrowed, not cleared */
	const struct person *who;
	char		    *key_path;	/* that signs */
	struct statement     s;
};
void asking_init(struct asking *k);
void asking_clear(struct asking *k);

/* Into k->s, for this key, which it takes also on failure; k->who is set.
 * ERR_USAGE says what is missing. */
int  asking_fill(struct asking *k, const struct ask *q, struct pubkey *subject,
     struct err *e) MUST_CHECK;
/* Under q's grant, or the one that fits; ERR_USAGE, with each on standard
 * error, where several do; ERR_DENIED where none does. */
int  asking_choose(struct asking *k, const struct ask *q, struct err *e)
     MUST_CHECK;
/* What policy makes of it, on standard output or else on standard error.
 * ERR_DENIED: refused, and why; refused at once is better than refused after
 * somebody approved.  *ready (NULL allowed): nobody needs to approve. */
int  asking_check(const struct asking *k, bool print, bool *ready,
     struct err *e) MUST_CHECK;
/* A sentence on each grant that would need fewer approvals than k's, with the
 * words to ask under it; nothing where there is none. */
int  asking_faster(const struct asking *k, struct str *out, struct err *e)
     MUST_CHECK;
/* Sign it: the whole statement. */
int  asking_sign(const struct asking *k, struct str *out, struct err *e)
     MUST_CHECK;

#endif
