/* SPDX-License-Identifier: ISC */
/*
 * What makes the key under a report that of the host: its acceptance, by an
 * operator or by a token that one gave, and what the host was called since.
 * All of it is in the log that has the report, before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "ca/audit/evidence.h"

/* --- found ---------------------------------------------------------------- */

struct token_at {
	struct hash name;
	uint64_t index;
};
struct linking {
	struct audit_log *l;
	const struct pubkey *key; /* under the report */
	struct evidence_link *v;  /* the acceptance, and what comes with it */
	size_t n;
	size_t n_renames;
	char host[ID_MAX + 1]; /* as it is called so far */
	struct token_at *tokens;
	size_t n_tokens, cap_tokens;
};

static int
add_link(struct linking *k, const char *name, const struct hash *h,
    uint64_t index, struct err *e)
{
	if (k->n == EVIDENCE_LINKS_MAX)
		return err_set(e, ERR_LIMIT,
		    "more than %d statements make this host what it is",
		    EVIDENCE_LINKS_MAX);
	k->v[k->n].index = index;
	k->v[k->n].hash = *h;
	(void)snprintf(k->v[k->n].name, sizeof(k->v[k->n].name), "%s", name);
	k->n++;
	return 0;
}

/* What came before it is of the past: the same key accepted anew. */
static int
on_accept(struct linking *k, const struct statement *s, uint64_t index,
    struct err *e)
{
	const struct acceptance *a = &s->u.accept;
	int r;

	if (!pubkey_equal(a->host_key, k->key))
		return 0;
	k->n = 0;
	k->n_renames = 0;
	(void)snprintf(k->host, sizeof(k->host), "%s", a->host);
	if ((r = add_link(k, "accept", &s->hash, index, e)) != 0 ||
	    !a->has_token)
		return r;
	for (size_t i = k->n_tokens; i-- > 0;)
		if (hash_equal(&k->tokens[i].name, &a->token))
			return add_link(k, "token", &a->token,
			    k->tokens[i].index, e);
	return err_set(e, ERR_NOTFOUND,
	    "leaf %llu is an acceptance by a token that the log does not have; "
	    "run writ audit verify",
	    (unsigned long long)index);
}

static int
on_rename(struct linking *k, const struct statement *s, uint64_t index,
    struct err *e)
{
	char name[24];

	if (k->n == 0 || strcmp(s->u.rename.host, k->host) != 0)
		return 0;
	(void)snprintf(k->host, sizeof(k->host), "%s", s->u.rename.to);
	(void)snprintf(name, sizeof(name), "rename-%zu", ++k->n_renames);
	return add_link(k, name, &s->hash, index, e);
}

static int
on_token(struct linking *k, const struct hash *name, uint64_t index,
    struct err *e)
{
	if (vec_grow(&k->tokens, k->n_tokens, &k->cap_tokens, SIZE_MAX / 64) !=
	    0)
		return err_nomem(e);
	k->tokens[k->n_tokens++] = (struct token_at){*name, index};
	return 0;
}

static int
on_leaf(struct linking *k, uint64_t index, struct err *e)
{
	struct slice bytes;
	struct hash name;
	struct leaf leaf;
	uint8_t tag;
	int r;

	if ((r = audit_source_leaf(&k->l->source, index, &bytes, e)) != 0)
		return r;
	leaf_classify(bytes, &tag, &name);
	if (tag == LTAG_TOKEN)
		return on_token(k, &name, index, e);
	if (tag != LTAG_ACCEPT && tag != LTAG_RENAME)
		return 0;
	leaf_init(&leaf);
	if ((r = audit_source_parse(&k->l->source, index, &leaf, e)) == 0 &&
	    leaf.kind == LEAF_STATEMENT)
		r = tag == LTAG_ACCEPT ? on_accept(k, &leaf.u.s, index, e)
				       : on_rename(k, &leaf.u.s, index, e);
	leaf_clear(&leaf);
	return r;
}

int
evidence_links(struct audit_log *l, const struct evidence_more *report,
    struct evidence_link *v, size_t *n, struct err *e)
{
	struct linking k = {.l = l, .key = report->s.sigs[0].key, .v = v};
	int r = 0;

	for (uint64_t i = 0; i < report->index && r == 0; i++)
		r = on_leaf(&k, i, e);
	free(k.tokens);
	if (r == 0 && k.n == 0)
		r = err_set(e, ERR_NOTFOUND,
		    "no acceptance of the key that signed it comes before the "
		    "report; run writ audit verify");
	if (r == 0)
		*n = k.n;
	return r;
}

/* --- written -------------------------------------------------------------- */

static const struct evidence_more *
more_of(const struct evidence_case *c, const char *name)
{
	for (size_t i = 0; i < c->n_more; i++)
		if (strcmp(c->more[i].name, name) == 0)
			return &c->more[i];
	return NULL;
}

static void
check_accept(const struct evidence_case *c, const struct evidence_more *m,
    struct str *out)
{
	str_add(out,
	    "same report accept host_key \\\n"
	    "	'accept is of the key that signed the report'\n");
	str_addf(out,
	    "says accept.message '\"host\":\"%s\"' 'it makes it %s'\n",
	    m->s.u.accept.host, m->s.u.accept.host);
	if (m->s.u.accept.has_token && more_of(c, "token") != NULL)
		str_add(out,
		    "same accept token key 'accept is signed with the token'\n"
		    "sum token.message\n"
		    "says accept.message \"\\\"token\\\":\\\"$h\\\"\" \\\n"
		    "	'accept names the token'\n");
}

void
evidence_host_check(const struct evidence_case *c,
    const struct evidence_more *m, struct str *out)
{
	if (m->s.type == ST_ACCEPT)
		check_accept(c, m, out);
	else if (m->s.type == ST_RENAME)
		str_addf(out,
		    "says '%s.message' '\"host\":\"%s\"' '%s is of %s'\n"
		    "says '%s.message' '\"to\":\"%s\"' 'it makes it %s'\n",
		    m->name, m->s.u.rename.host, m->name, m->s.u.rename.host,
		    m->name, m->s.u.rename.to, m->s.u.rename.to);
}
