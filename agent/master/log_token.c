/* SPDX-License-Identifier: ISC */
#include "agent/master/log_token.h"

#include "lib/base/clock.h"
#include "lib/statement/leaf.h"

/*
 * Most leaves are known by their first bytes.  What is not, or has its fields in
 * another order, is read as everybody would read it.
 */
int
log_token_of(struct slice leaf, struct hash *token, struct err *e)
{
	struct statement s;
	struct hash name;
	uint8_t tag;
	int r;

	leaf_classify(leaf, &tag, &name);
	if (tag != LTAG_ACCEPT && tag != LTAG_OTHER)
		return 0;
	statement_init(&s, ST_ACCEPT);
	if ((r = statement_parse("leaf", leaf, &s, NULL)) == ERR_NOMEM)
		return err_nomem(e);
	if (r == 0 && s.type == ST_ACCEPT && s.u.accept.has_token) {
		*token = s.u.accept.token;
		r = 1;
	} else {
		r = 0;
	}
	statement_clear(&s);
	return r;
}

static int
check_end(const struct statement *s, const struct hash *token, int64_t at,
    struct err *e)
{
	char end[CLOCK_TEXT], last[CLOCK_TEXT];

	if (s->type != ST_TOKEN || !hash_equal(&s->hash, token))
		return err_set(e, ERR_DENIED,
		    "an acceptance comes with another token than it names");
	if (at <= s->u.token.expires + LOG_TOKEN_LATE)
		return 0;
	clock_format(s->u.token.expires, end);
	clock_format(at, last);
	return err_set(e, ERR_EXPIRED,
	    "an acceptance is by a token that expired at %s, and it was not "
	    "there at %s",
	    end, last);
}

int
log_token_check(const struct log_leaf *leaf, int64_t at, struct err *e)
{
	struct statement s;
	struct hash token;
	int r;

	if ((r = log_token_of(leaf->bytes, &token, e)) <= 0)
		return r;
	statement_init(&s, ST_TOKEN);
	if ((r = statement_parse("token", leaf->token, &s, e)) == 0)
		r = check_end(&s, &token, at, e);
	else if (r != ERR_NOMEM)
		r = err_set(e, ERR_DENIED,
		    "an acceptance comes without the token that it names");
	statement_clear(&s);
	return r;
}
