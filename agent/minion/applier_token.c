/* SPDX-License-Identifier: ISC */
/*
 * A host that lets itself in: an acceptance of what the link asks in with, signed
 * by the key of a token (`writ fleet token new`), which lies here for that.
 */
#include <string.h>

#include "agent/minion/applier.h"
#include "agent/minion/spool.h"

#define TOKEN_COMMENT "writ-token:"
#define TOKEN_LIFE    (INT64_C(365) * 86400) /* as an operator's, unless said */

/* What `token new` wrote: writ-token:HASH, and the roles it gives. */
static int
parse_comment(const char *path, const char *comment, struct acceptance *x,
    struct err *e)
{
	const char *p = comment + strlen(TOKEN_COMMENT);
	size_t n;

	if (strncmp(comment, TOKEN_COMMENT, strlen(TOKEN_COMMENT)) != 0 ||
	    (n = strcspn(p, " ")) != HASH_HEX - 1 ||
	    hex_decode(p, n, x->token.b, HASH_LEN) != 0)
		return err_set(e, ERR_PARSE,
		    "%s: the key is no token's, expected a file that `writ "
		    "fleet token new` made",
		    path);
	x->has_token = true;
	for (p += n; *p != '\0'; p += n) {
		p++;
		n = strcspn(p, " ");
		if (n > 0 && strs_addn(&x->roles, p, n) != 0)
			return err_nomem(e);
	}
	return 0;
}

/* The link can ask in with nothing but what this host has signed. */
static int
check_enrol(const struct applier *a, const struct statement *s, struct err *e)
{
	if (s->type == ST_ENROL &&
	    pubkey_equal(s->u.enrol.host_key, applier_host_key(a)) &&
	    statement_signed_by(s, applier_host_key(a)) >= 0)
		return 0;
	return err_set(e, ERR_DENIED,
	    "what lies in the spool is no enrol statement of this host");
}

static int
fill(struct applier *a, const struct statement *enrol, struct statement *s,
    struct err *e)
{
	struct acceptance *x = &s->u.accept;
	int r;

	if ((r = applier_wish(a, &s->by, e)) != 0)
		return r;
	s->realm = enrol->realm;
	x->enrol = enrol->hash;
	x->renew_until = a->now + TOKEN_LIFE;
	if ((x->host = str_dup(s->by)) == NULL ||
	    strs_add(&x->names, s->by) != 0 ||
	    pubkey_dup(enrol->u.enrol.host_key, &x->host_key) != 0 ||
	    pubkey_dup(enrol->u.enrol.transport_key, &x->transport_key) != 0)
		return err_nomem(e);
	return 0;
}

int
verb_token(struct applier *a, struct err *e)
{
	const char *path = a->config.token;
	struct statement enrol, s;
	struct str text = STR_INIT;
	struct key *k = NULL;
	int r = 0;

	/* Who is accepted needs none, and the file may be gone by then. */
	if (path == NULL || applier_is_accepted(a, NULL) == 0)
		return 0;
	statement_init(&enrol, ST_ENROL);
	statement_init(&s, ST_ACCEPT);
	if ((r = applier_read_statement(a, SPOOL_ENROL, &enrol, e)) != 0 ||
	    (r = check_enrol(a, &enrol, e)) != 0 ||
	    (r = key_load_file(path, NULL, &k, e)) != 0 ||
	    (r = parse_comment(path, key_comment(k), &s.u.accept, e)) != 0 ||
	    (r = fill(a, &enrol, &s, e)) != 0 ||
	    (r = applier_sign(a, k, &s, &text, e)) != 0)
		goto out;
	jw_str(&a->w, "accept", text.p);
out:
	key_free(k);
	str_clear(&text);
	statement_clear(&s);
	statement_clear(&enrol);
	return r;
}
