/* SPDX-License-Identifier: ISC */
/*
 * The revocation list: taken when a master brings a newer one, given to sshd by the
 * kind ssh_ca, and asked here whether who signs is somebody still.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "agent/minion/applier.h"
#include "agent/minion/spool.h"
#include "lib/ssh/krl.h"

#define KRL_AHEAD 300 /* seconds a statement's clock may be ahead */

/* --- a newer one ---------------------------------------------------------- */

static int
judge_krl(const struct applier *a, const struct statement *s, struct slice list,
    struct err *e)
{
	struct hash is;

	if (s->type != ST_KRL)
		return err_set(e, ERR_PARSE,
		    "%s statement, expected one of a revocation list",
		    statement_type_name(s->type));
	if (!hash_equal(&s->realm, &a->held.realm))
		return err_set(e, ERR_DENIED,
		    "revocation list of another realm");
	if (!policy_signed_by_log(a->trust.policy, s))
		return err_set(e, ERR_DENIED,
		    "revocation list %" PRIu64 " is not signed by log %s of "
		    "the policy",
		    s->u.krl.version, s->by);
	if (s->at > a->now + KRL_AHEAD)
		return err_set(e, ERR_DENIED,
		    "revocation list %" PRIu64 " is from the future",
		    s->u.krl.version);
	hash_sha256(list.p, list.n, &is);
	if (list.n != s->u.krl.size || !hash_equal(&is, &s->u.krl.file))
		return err_set(e, ERR_PARSE,
		    "revocation list %" PRIu64 " is not the one that its "
		    "statement names",
		    s->u.krl.version);
	if (s->u.krl.version < a->held.krl_version ||
	    (s->u.krl.version == a->held.krl_version &&
		!hash_equal(&is, &a->held.krl)))
		return err_set(e, ERR_ROLLBACK,
		    "revocation list %" PRIu64 ", but this host has held "
		    "%" PRIu64,
		    s->u.krl.version, a->held.krl_version);
	return 0;
}

/* sshd refuses everybody where its list cannot be read. */
static int
check_list(const struct statement *s, struct slice list, struct err *e)
{
	struct krl *k = NULL;
	int r;

	if ((r = krl_parse(list, &k, e)) != 0)
		return r;
	if (krl_version(k) != s->u.krl.version)
		r = err_set(e, ERR_PARSE,
		    "revocation list says version %" PRIu64 ", expected "
		    "%" PRIu64,
		    krl_version(k), s->u.krl.version);
	krl_free(k);
	return r;
}

int
verb_krl(struct applier *a, struct err *e)
{
	struct statement s;
	char *list = NULL;
	size_t n = 0;
	int r;

	statement_init(&s, ST_KRL);
	if (!a->trust.have) {
		r = err_set(e, ERR_BUSY, "no policy is held yet");
		goto out;
	}
	if ((r = applier_read_statement(a, SPOOL_KRL_SAID, &s, e)) != 0 ||
	    (r = applier_read_spool(a, SPOOL_KRL, KRL_MAX, &list, &n, e)) !=
		0 ||
	    (r = judge_krl(a, &s, slice_of(list, n), e)) != 0 ||
	    (r = check_list(&s, slice_of(list, n), e)) != 0 ||
	    (r = applier_write_next(a, "krl", slice_of(list, n), e)) != 0)
		goto out;
	a->held.krl_version = s.u.krl.version;
	a->held.krl = s.u.krl.file;
	a->held.krl_next = s.u.krl.next_update;
	if ((r = applier_save(a, e)) == 0)
		applier_take_next(a, "krl");
out:
	free(list);
	statement_clear(&s);
	return r;
}

/* --- the one that is held ------------------------------------------------- */

static int
krl_from(const struct applier *a, const char *name, char **list, size_t *n,
    struct err *e)
{
	struct hash is;
	int r;

	*list = NULL;
	*n = 0;
	if ((r = applier_read(a, name, KRL_MAX, list, n, e)) != 0)
		return r;
	hash_sha256(*list, *n, &is);
	if (hash_equal(&is, &a->held.krl))
		return 0;
	free(*list);
	*list = NULL;
	*n = 0;
	return err_set(e, ERR_CORRUPT, "%s/krl is not the list that is held",
	    a->state_dir);
}

int
applier_read_krl(const struct applier *a, char **list, size_t *n, struct err *e)
{
	*list = NULL;
	*n = 0;
	if (a->held.krl_version == 0)
		return 0;
	/* As applier_read_accept(). */
	if (krl_from(a, "krl.next", list, n, NULL) == 0) {
		applier_take_next(a, "krl");
		return 0;
	}
	return krl_from(a, "krl", list, n, e);
}

int
applier_unrevoked(const struct applier *a, const struct statement *s,
    const char *what, struct err *e)
{
	struct krl *k = NULL;
	char *list = NULL;
	size_t n;
	int r;

	if ((r = applier_read_krl(a, &list, &n, e)) == 0 && list != NULL &&
	    (r = krl_parse(slice_of(list, n), &k, e)) == 0)
		r = trust_unrevoked(a->trust.policy, k, s, what, e);
	krl_free(k);
	free(list);
	return r;
}
