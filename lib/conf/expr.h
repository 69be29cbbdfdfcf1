/* SPDX-License-Identifier: ISC */
/*
 * Match expressions: which hosts an entry is for.
 *
 *	"web-*.example.com"		a glob over ids, where there is no
 *					operator: `*` and `?`, dots included
 *	"os == 'debian' and role == 'web' and not id in ['a.example.com']"
 *
 * Words: id, role, and names of grains (a-z 0-9 _ .).  Operators, from the
 * weakest: or, and, not, then == != =~ (glob) in ( ).  Values are in single or
 * double quotes, without escapes and never empty; a list is [ ... ] and never
 * empty.  `x not in [...]` is `not x in [...]`.  `role == 'web'` holds when one
 * of the host's roles is web; `!=` when none is.  A grain that a host lacks
 * equals nothing: ==, =~ and in are false, != is true.  Pure.
 */
#ifndef LIB_CONF_EXPR_H
#define LIB_CONF_EXPR_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/diag.h"
#include "lib/conf/yaml.h"

#define EXPR_MAX	4096	/* bytes */
#define EXPR_DEPTH_MAX	32	/* ( and not, in each other */
#define EXPR_TERMS_MAX	256	/* comparisons, and values of lists */
#define EXPR_WORD_MAX	64	/* bytes of a word */
#define EXPR_VALUE_MAX	255	/* bytes of a value */

struct expr;			/* expr_parse / expr_free; read-only */

/*
 * The text of a YAML node.  Faults go to diags, with the column within the text
 * where that can be told (plain and one-line quoted scalars without escapes),
 * else with the character of the text.  ERR_PARSE, ERR_NOMEM.
 */
int  expr_parse(const struct yaml_node *n, struct expr **out,
     struct conf_diags *diags) MUST_CHECK;
/* The same for text from a command line (`--on`); pos is where it is from. */
int  expr_parse_text(const char *text, struct conf_pos pos,
     struct expr **out, struct conf_diags *diags) MUST_CHECK;
void expr_free(struct expr *x);
const char *expr_text(const struct expr *x);

/* Does a glob (`*`: any characters, `?`: one) match the whole of text? */
bool expr_glob(const char *glob, const char *text);

/* What an expression is asked about.  grain() answers NULL for one that is not
 * there, and is NULL itself where there are none.  All borrowed. */
struct expr_host {
	const char	  *id;
	const struct strs *roles;
	const char	*(*grain)(void *ctx, const char *name);
	void		  *ctx;
};
bool expr_match(const struct expr *x, const struct expr_host *h);
/* The same of a host whose grains nobody knows any more: h->grain is not asked.
 * EXPR_UNKNOWN: it hangs on one. */
enum expr_answer { EXPR_NO, EXPR_UNKNOWN, EXPR_YES }; /* in this order */
enum expr_answer expr_ask(const struct expr *x, const struct expr_host *h);

/* Names it asks for other than id and role, and values it compares role and id
 * with (globs not), each once, appended: for checks.  ERR_NOMEM. */
int  expr_grains(const struct expr *x, struct strs *out) MUST_CHECK;
int  expr_roles(const struct expr *x, struct strs *out) MUST_CHECK;
int  expr_ids(const struct expr *x, struct strs *out) MUST_CHECK;
/*
 * Values with which some comparison of that word ("id", "role", a grain) holds:
 * those it names, and for each glob one that it matches ("web-0.example.com"
 * for "web-*.example.com").  Each once, appended.  ERR_NOMEM.
 */
int  expr_samples(const struct expr *x, const char *word, struct strs *out)
     MUST_CHECK;
/* Such a one for a glob: `*` is "0" and `?` is "0".  The caller frees. */
char *expr_glob_sample(const char *glob);
/* '1' or '0' for each of its comparisons with id or role, appended: hosts that
 * get the same and have the same grains are the same to it. */
void expr_tell_apart(const struct expr *x, const struct expr_host *h,
     struct str *out);
/* Does it ask for nothing but id and role?  Pillar is matched by such alone. */
bool expr_is_trusted(const struct expr *x);

#endif
