/* SPDX-License-Identifier: ISC */
/*
 * The revocation list that hosts are told of: signed by a log of the policy,
 * never an older one than before.  It lies beside the store, list first, and is
 * looked at anew at a start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/base/file.h"
#include "lib/proc/plog.h"
#include "lib/ssh/krl.h"

#define LIST_MAX (64 * 1024 * 1024)

void
mk_krl_clear(struct mk_krl *l)
{
	free(l->by);
	free(l->statement);
	free(l->list);
	krl_free(l->keys);
	memset(l, 0, sizeof(*l));
}

/* --- judged --------------------------------------------------------------- */

static int
judge(struct mk *k, struct slice text, struct slice list, struct statement *s,
    struct err *e)
{
	const struct trust *t = content_trust(k->content);
	struct hash h;
	int r;

	if ((r = mk_statement((const char *)text.p, text.n, "revocation list",
		 s, e)) != 0)
		return r;
	hash_sha256(list.p, list.n, &h);
	if (s->type != ST_KRL)
		return err_set(e, ERR_PARSE, "a %s statement, expected krl",
		    statement_type_name(s->type));
	if (!hash_equal(&s->realm, &t->realm))
		return err_set(e, ERR_DENIED,
		    "revocation list of another realm");
	if (!policy_signed_by_log(t->policy, s))
		return err_set(e, ERR_DENIED,
		    "revocation list is not signed by a log of the policy");
	if (s->u.krl.size != list.n || !hash_equal(&s->u.krl.file, &h))
		return err_set(e, ERR_DENIED,
		    "revocation list is not the one that is signed");
	return 0;
}

/* 1: it is the one held. */
static int
compare(const struct mk_krl *held, const struct statement *s, struct err *e)
{
	bool same;

	if (held->statement == NULL)
		return 0;
	if (hash_equal(&held->name, &s->hash))
		return 1;
	same = strcmp(held->by, s->by) == 0;
	if (same ? s->u.krl.version > held->version : s->at > held->at)
		return 0;
	return err_set(e, ERR_ROLLBACK,
	    "revocation list %llu is not newer than %llu, which is held",
	    (unsigned long long)s->u.krl.version,
	    (unsigned long long)held->version);
}

static int
adopt(struct mk *k, const struct statement *s, struct slice list, struct err *e)
{
	struct mk_krl n = {.name = s->hash,
	    .file = s->u.krl.file,
	    .version = s->u.krl.version,
	    .at = s->at,
	    .by = str_dup(s->by),
	    .statement = str_dupn(s->bytes, s->n_bytes),
	    .n_statement = s->n_bytes,
	    .list = str_dupn(list.p, list.n),
	    .n_list = list.n};

	int r;

	if (n.by == NULL || n.statement == NULL || n.list == NULL)
		r = err_nomem(e);
	else
		r = krl_parse(list, &n.keys, e);
	if (r != 0) {
		mk_krl_clear(&n);
		return r;
	}
	mk_krl_clear(&k->krl);
	k->krl = n;
	scribe_krl(k->scribe, n.version);
	k->keys_changed = true; /* whoever it revokes does not come in again */
	mk_dirty_all(k);
	return 0;
}

int
mk_unrevoked(const struct mk *k, const struct statement *s, struct err *e)
{
	char what[64];

	(void)snprintf(what, sizeof(what), "the %s statement",
	    statement_type_name(s->type));
	return trust_unrevoked(content_trust(k->content)->policy, k->krl.keys,
	    s, what, e);
}

/* --- kept ----------------------------------------------------------------- */

static int
file_of(const struct mk *k, const char *name, char **out, struct err *e)
{
	return path_joinf(out, "%s.%s", k->config.store, name) == 0
	    ? 0
	    : err_nomem(e);
}

static int
write_one(struct mk *k, const char *name, struct slice data, struct err *e)
{
	char *path = NULL;
	int r;

	if ((r = file_of(k, name, &path, e)) == 0)
		r = file_write(path, data.p, data.n, 0600, 0, e);
	free(path);
	return r;
}

static int
read_one(struct mk *k, const char *name, char **out, size_t *n, struct err *e)
{
	char *path = NULL;
	int r;

	if ((r = file_of(k, name, &path, e)) == 0)
		r = file_read(path, LIST_MAX, out, n, e);
	free(path);
	return r;
}

int
mk_krl_take(struct mk *k, struct slice text, struct slice list, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_KRL);
	if ((r = judge(k, text, list, &s, e)) == 0 &&
	    (r = compare(&k->krl, &s, e)) == 0 &&
	    (r = write_one(k, "krl", list, e)) == 0 &&
	    (r = write_one(k, "krl-statement", text, e)) == 0 &&
	    (r = adopt(k, &s, list, e)) == 0)
		plog(PLOG_INFO, "another revocation list is held", NULL);
	statement_clear(&s);
	return r;
}

/* A crash between the two files leaves a list that fits no statement: the next
 * one heals that. */
int
mk_krl_load(struct mk *k, struct err *e)
{
	char *text = NULL, *list = NULL;
	size_t n_text = 0, n_list = 0;
	struct statement s;
	struct err why = {0};
	int r;

	statement_init(&s, ST_KRL);
	if ((r = read_one(k, "krl-statement", &text, &n_text, &why)) != 0 ||
	    (r = read_one(k, "krl", &list, &n_list, &why)) != 0 ||
	    (r = judge(k, slice_of(text, n_text), slice_of(list, n_list), &s,
		 &why)) != 0) {
		if (r != ERR_NOTFOUND)
			plog_err(PLOG_WARN, &why,
			    "the revocation list that was held is not good",
			    NULL);
		r = r == ERR_NOMEM ? err_nomem(e) : 0;
		goto out;
	}
	r = adopt(k, &s, slice_of(list, n_list), e);
out:
	free(text);
	free(list);
	statement_clear(&s);
	return r;
}
