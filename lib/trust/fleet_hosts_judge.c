/* SPDX-License-Identifier: ISC */
/*
 * Whether a statement about a host counts.  Each check_...() finds what the
 * statement is about; nothing is changed here.
 */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/trust/fleet_hosts_impl.h"
#include "lib/trust/standing.h"

/* --- what all have in common --- */

int
fleet_check_common(const struct hash *realm, const struct statement *s,
    struct err *e)
{
	char want[FINGERPRINT_MAX], got[FINGERPRINT_MAX];

	if (!s->verified)
		return err_set(e, ERR_BADSIG,
		    "statement is not verified, expected one that is");
	if (hash_equal(&s->realm, realm))
		return 0;
	hash_fingerprint(realm, want);
	hash_fingerprint(&s->realm, got);
	return err_set(e, ERR_DENIED,
	    "%s statement of another realm %s, "
	    "expected %s",
	    statement_type_name(s->type), got, want);
}

static int
again(struct err *e, const char *why)
{
	(void)err_set(e, ERR_EXISTS, "%s", why);
	return FLEET_HOSTS_AGAIN;
}

/* The key is one that root.yaml gives this operator, and still counts. */
static bool
is_operators(const struct fleet_judge *j, const struct person *who,
    const struct pubkey *k)
{
	if (j->standing != NULL &&
	    (standing_key_revoked(j->standing, k) ||
		standing_person_revoked(j->standing, who->id)))
		return false;
	return person_has_root_key(who, k);
}

/* `by` is an operator of root.yaml, and one of those who signed. */
int
fleet_check_operator(const struct fleet_judge *j, const struct statement *s,
    struct err *e)
{
	const struct person *who = policy_person(j->policy, s->by);

	if (who != NULL && who->operator)
		for (size_t i = 0; i < s->n_sigs; i++)
			if (is_operators(j, who, s->sigs[i].key))
				return 0;
	if (who == NULL || !who->operator)
		return err_set(e, ERR_DENIED,
		    "%s is by %s, who is not an operator of root.yaml",
		    statement_type_name(s->type), s->by);
	return err_set(e, ERR_DENIED,
	    "%s is by %s, and not signed by a key that root.yaml gives him",
	    statement_type_name(s->type), s->by);
}

static int
check_clock(const struct fleet_judge *j, const struct statement *s,
    struct err *e)
{
	char at[CLOCK_TEXT], now[CLOCK_TEXT];

	if (j->now == 0 || s->at <= j->now + FLEET_HOSTS_AHEAD)
		return 0;
	clock_format(s->at, at);
	clock_format(j->now, now);
	return err_set(e, ERR_DENIED,
	    "%s of %s is from the future: the clock here says %s",
	    statement_type_name(s->type), at, now);
}

/* Was something newer said of that name? */
static int
check_said(const struct fleet_hosts *h, enum fleet_kind kind,
    const struct hash *name, const struct statement *s, const char *of,
    struct err *e)
{
	const struct fleet_slot *said = fleet_map_find(&h->map, kind, name);
	char at[CLOCK_TEXT], last[CLOCK_TEXT];

	if (said == NULL || s->at >= said->at)
		return 0;
	clock_format(s->at, at);
	clock_format(said->at, last);
	return err_set(e, ERR_ROLLBACK,
	    "%s of %s is older than what was said of %s at %s",
	    statement_type_name(s->type), at, of, last);
}

int
fleet_check_said_id(const struct fleet_hosts *h, const char *id,
    const struct statement *s, struct err *e)
{
	struct hash name;

	fleet_id_name(id, &name);
	return check_said(h, FLEET_SAID_ID, &name, s, id, e);
}

int
fleet_check_said_keys(const struct fleet_hosts *h,
    const struct pubkey *host_key, const struct pubkey *transport_key,
    const struct statement *s, struct err *e)
{
	struct hash name;
	int r;

	pubkey_hash(host_key, &name);
	if ((r = check_said(h, FLEET_SAID_KEY, &name, s, "its host key", e)) !=
	    0)
		return r;
	pubkey_hash(transport_key, &name);
	return check_said(h, FLEET_SAID_KEY, &name, s, "its transport key", e);
}

/* --- keys --- */

/* A key that a host may have: nobody else's, and not revoked. */
static int
check_free(const struct fleet_judge *j, const struct pubkey *k,
    const char *what, struct err *e)
{
	const struct person *who = policy_person_of_key(j->policy, k);
	const struct authority *a = policy_authority_of_key(j->policy, k);
	char fp[FINGERPRINT_MAX];

	pubkey_fingerprint(k, fp);
	if (who == NULL && j->standing != NULL)
		who = standing_person_of_key(j->standing, j->policy, k, NULL);
	if (who != NULL)
		return err_set(e, ERR_DENIED,
		    "%s %s is %s's, expected a key of the host alone", what, fp,
		    who->id);
	if (a != NULL)
		return err_set(e, ERR_DENIED,
		    "%s %s is the authority %s's, expected a key of the host "
		    "alone",
		    what, fp, a->name);
	if (j->standing != NULL && standing_key_revoked(j->standing, k))
		return err_set(e, ERR_DENIED, "%s %s is revoked", what, fp);
	return 0;
}

int
fleet_check_pair(const struct fleet_judge *j, const struct pubkey *host_key,
    const struct pubkey *transport_key, struct err *e)
{
	int r;

	if ((r = check_free(j, host_key, "host key", e)) != 0)
		return r;
	return check_free(j, transport_key, "transport key", e);
}

/* --- enrol --- */

static int
check_enrol_keys(const struct fleet_hosts *h, const struct enrol_statement *q,
    struct err *e)
{
	const struct fleet_host *x = fleet_find_key(h, q->host_key),
				*y = fleet_find_key(h, q->transport_key);
	const struct fleet_host_row *row;

	switch (fleet_hosts_state(h, q->host_key, q->transport_key, &row)) {
	case FLEET_REJECTED:
		return err_set(e, ERR_DENIED,
		    "one of its keys is of a host that was rejected");
	case FLEET_ACCEPTED:
		return again(e, "the host is accepted already");
	default:
		break;
	}
	if (x != NULL && y != NULL && x != y)
		return err_set(e, ERR_DENIED,
		    "its host key is host %s's and its transport key host "
		    "%s's, expected keys of one host",
		    x->id, y->id);
	return 0;
}

static int
check_enrol(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct enrol_statement *q = &s->u.enrol;
	struct hash pair;
	int r;

	if (statement_signed_by(s, q->host_key) < 0)
		return err_set(e, ERR_BADSIG,
		    "enrol is not signed by the host key it names");
	if (statement_signed_by(s, q->transport_key) < 0)
		return err_set(e, ERR_BADSIG,
		    "enrol is not signed by the transport key it names");
	if ((r = fleet_check_pair(j, q->host_key, q->transport_key, e)) != 0 ||
	    (r = check_enrol_keys(h, q, e)) != 0)
		return r;
	if (fleet_find(h, FLEET_BY_ENROL, &s->hash) != NULL)
		return again(e, "the host waits already");
	fleet_pair_name(q->host_key, q->transport_key, &pair);
	p->asks = fleet_find(h, FLEET_BY_PAIR, &pair);
	return fleet_check_said_keys(h, q->host_key, q->transport_key, s, e);
}

/* --- the others, all by operators --- */

static int
find_host(const struct fleet_hosts *h, const char *id,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	int r;

	if ((r = fleet_check_said_id(h, id, s, e)) != 0)
		return r;
	if ((p->host = fleet_find_host(h, id)) == NULL)
		return err_set(e, ERR_NOTFOUND, "there is no host %s", id);
	return fleet_check_said_keys(h, p->host->host_key,
	    p->host->transport_key, s, e);
}

static int
check_reject(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct rejection *x = &s->u.reject;
	int r;

	if ((r = fleet_check_operator(j, s, e)) != 0)
		return r;
	if (x->host != NULL) {
		if ((r = find_host(h, x->host, s, p, e)) != 0)
			return r;
		return p->host->row.rejected
		    ? again(e, "the host is rejected already")
		    : 0;
	}
	if ((p->asks = fleet_find(h, FLEET_BY_ENROL, &x->enrol)) == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "no host waits that sent the enrol statement it names");
	if (p->asks->row.rejected)
		return again(e, "the host is rejected already");
	return fleet_check_said_keys(h, p->asks->host_key,
	    p->asks->transport_key, s, e);
}

static int
check_rename(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct rename_host *x = &s->u.rename;
	int r;

	if ((r = fleet_check_operator(j, s, e)) != 0 ||
	    (r = find_host(h, x->host, s, p, e)) != 0 ||
	    (r = fleet_check_said_id(h, x->to, s, e)) != 0)
		return r;
	if (p->host->row.rejected)
		return err_set(e, ERR_DENIED, "host %s is rejected", x->host);
	if (p->host->row.n_renames >= FLEET_RENAMES_MAX)
		return err_set(e, ERR_LIMIT,
		    "host %s was renamed %d times, expected another acceptance",
		    x->host, FLEET_RENAMES_MAX);
	if (fleet_find_host(h, x->to) != NULL)
		return err_set(e, ERR_EXISTS,
		    "there is a host %s, expected an id that nobody has",
		    x->to);
	return 0;
}

static int
check_forget(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	int r;

	if ((r = fleet_check_operator(j, s, e)) != 0)
		return r;
	return find_host(h, s->u.forget.host, s, p, e);
}

static int
check_token(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	int64_t end = s->u.token.expires;
	char text[CLOCK_TEXT];
	int r;

	(void)p;
	if ((r = fleet_check_operator(j, s, e)) != 0 ||
	    (r = check_free(j, s->u.token.key, "key of the token", e)) != 0)
		return r;
	if (fleet_find_key(h, s->u.token.key) != NULL)
		return err_set(e, ERR_DENIED,
		    "key of the token is a host's, expected one for it alone");
	if (end > s->at && end > j->now)
		return 0;
	clock_format(end, text);
	return err_set(e, ERR_EXPIRED, "token expired at %s", text);
}

static int (*const checks[ST_LAST + 1])(const struct fleet_hosts *,
    const struct fleet_judge *, const struct statement *, struct fleet_plan *,
    struct err *) = {
    [ST_ENROL] = check_enrol,
    [ST_ACCEPT] = fleet_check_accept,
    [ST_REJECT] = check_reject,
    [ST_RENAME] = check_rename,
    [ST_FORGET] = check_forget,
    [ST_TOKEN] = check_token,
};

int
fleet_plan_of(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *out, struct err *e)
{
	int r;

	if (s->type > ST_LAST || checks[s->type] == NULL)
		return err_set(e, ERR_PARSE,
		    "%s statement, expected one about who a host is",
		    statement_type_name(s->type));
	if ((r = fleet_check_common(j->realm, s, e)) != 0 ||
	    (r = check_clock(j, s, e)) != 0)
		return r;
	if (fleet_map_find(&h->map, FLEET_SEEN, &s->hash) != NULL)
		return again(e, "the statement counted already");
	return checks[s->type](h, j, s, out, e);
}
