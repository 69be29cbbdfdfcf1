/* SPDX-License-Identifier: ISC */
/*
 * Whether a statement about a host counts.  Each check_...() finds what the
 * statement is about; nothing is changed here.
 */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/trust/fleet_hosts_impl.h"

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
	for (size_t i = 0; i < who->n_keys; i++)
		if (who->keys[i].of_root && pubkey_equal(who->keys[i].key, k))
			return true;
	return false;
}

/* `by` is an operator of root.yaml, and one of those who signed. */
static int
check_operator(const struct fleet_judge *j, const struct statement *s,
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

static int
check_said_id(const struct fleet_hosts *h, const char *id,
    const struct statement *s, struct err *e)
{
	struct hash name;

	fleet_id_name(id, &name);
	return check_said(h, FLEET_SAID_ID, &name, s, id, e);
}

static int
check_said_keys(const struct fleet_hosts *h, const struct pubkey *host_key,
    const struct pubkey *transport_key, const struct statement *s,
    struct err *e)
{
	struct hash name;
	int r;

	fleet_key_name(host_key, &name);
	if ((r = check_said(h, FLEET_SAID_KEY, &name, s, "its host key", e)) !=
	    0)
		return r;
	fleet_key_name(transport_key, &name);
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

static int
check_pair(const struct fleet_judge *j, const struct pubkey *host_key,
    const struct pubkey *transport_key, struct err *e)
{
	int r;

	if ((r = check_free(j, host_key, "host key", e)) != 0)
		return r;
	return check_free(j, transport_key, "transport key", e);
}

/* The key is nobody's, or this host's (NULL: nobody's alone). */
static int
check_owner(const struct fleet_hosts *h, const struct pubkey *k,
    const struct fleet_host *mine, const char *what, struct err *e)
{
	const struct fleet_host *x = fleet_find_key(h, k);
	char fp[FINGERPRINT_MAX];

	if (x == NULL || x == mine)
		return 0;
	pubkey_fingerprint(k, fp);
	return err_set(e, ERR_DENIED,
	    "%s %s is host %s's, expected a key of one host", what, fp, x->id);
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
	if ((r = check_pair(j, q->host_key, q->transport_key, e)) != 0 ||
	    (r = check_enrol_keys(h, q, e)) != 0)
		return r;
	if (fleet_find(h, FLEET_BY_ENROL, &s->hash) != NULL)
		return again(e, "the host waits already");
	fleet_pair_name(q->host_key, q->transport_key, &pair);
	p->asks = fleet_find(h, FLEET_BY_PAIR, &pair);
	return check_said_keys(h, q->host_key, q->transport_key, s, e);
}

/* --- accept --- */

bool
fleet_pattern_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *back = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			back = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* What a token gives: ids and names of its pattern, and its roles. */
static int
check_token_gives(const struct fleet_token *t, const struct acceptance *a,
    struct err *e)
{
	char q[QUOTE_MAX];

	if (!fleet_pattern_fits(t->hosts, a->host))
		return err_set(e, ERR_DENIED,
		    "token is for hosts %s, and not for %s", t->hosts, a->host);
	for (size_t i = 0; i < a->names.n; i++)
		if (!fleet_pattern_fits(t->hosts, a->names.v[i]))
			return err_set(e, ERR_DENIED,
			    "token is for hosts %s, and not for the name %s",
			    t->hosts, str_quote(q, a->names.v[i]));
	for (size_t i = 0; i < a->roles.n; i++)
		if (!strs_has(&t->roles, a->roles.v[i]))
			return err_set(e, ERR_DENIED,
			    "token does not give the role %s", a->roles.v[i]);
	return 0;
}

static int
check_token_times(const struct fleet_judge *j, const struct fleet_token *t,
    const struct statement *s, struct err *e)
{
	char at[CLOCK_TEXT], end[CLOCK_TEXT];

	clock_format(s->at, at);
	/* Two machines' clocks: the operator's and the host's. */
	if (s->at < t->at - FLEET_HOSTS_AHEAD) {
		clock_format(t->at, end);
		return err_set(e, ERR_DENIED,
		    "accept of %s is older than its token, which is of %s", at,
		    end);
	}
	clock_format(t->row.expires, end);
	if (s->at > t->row.expires || j->now > t->row.expires)
		return err_set(e, ERR_EXPIRED, "token expired at %s", end);
	if (s->u.accept.renew_until > s->at + FLEET_TOKEN_RENEW_MAX)
		return err_set(e, ERR_DENIED,
		    "token gives %d days of renewal at most, and an operator "
		    "more",
		    FLEET_TOKEN_RENEW_MAX / 86400);
	return 0;
}

static int
check_by_token(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct acceptance *a = &s->u.accept;
	struct fleet_token *t = fleet_find(h, FLEET_BY_TOKEN, &a->token);
	int r;

	if (t == NULL)
		return err_set(e, ERR_NOTFOUND, "no such token");
	if (statement_signed_by(s, t->key) < 0)
		return err_set(e, ERR_DENIED,
		    "accept is not signed by the key of its token");
	if (j->standing != NULL && standing_key_revoked(j->standing, t->key))
		return err_set(e, ERR_DENIED,
		    "the key of its token is revoked");
	if (strcmp(s->by, a->host) != 0)
		return err_set(e, ERR_DENIED,
		    "accept by a token is by %s, expected the host itself, %s",
		    s->by, a->host);
	if ((r = check_token_times(j, t, s, e)) != 0 ||
	    (r = check_token_gives(t, a, e)) != 0)
		return r;
	if (t->row.used >= t->row.count)
		return err_set(e, ERR_DENIED,
		    "token was used %llu times, which is as often as it may",
		    (unsigned long long)t->row.used);
	p->token = t;
	return 0;
}

/* The host this one replaces, or nobody where the id is free. */
static int
check_replace(const struct fleet_hosts *h, const struct acceptance *a,
    struct fleet_plan *p, struct err *e)
{
	struct fleet_host *x = fleet_find_host(h, a->host);
	char hex[HASH_HEX];

	if (x == NULL && a->has_replace)
		return err_set(e, ERR_NOTFOUND,
		    "there is no host %s to replace", a->host);
	if (x == NULL)
		return 0;
	hash_hex(&x->row.accept, hex);
	if (!a->has_replace)
		return err_set(e, ERR_EXISTS,
		    "there is a host %s, expected field 'replace' to name its "
		    "acceptance %s",
		    a->host, hex);
	if (!hash_equal(&a->replace, &x->row.accept))
		return err_set(e, ERR_DENIED,
		    "field 'replace' is not the acceptance of host %s that "
		    "holds, which is %s",
		    a->host, hex);
	p->host = x;
	return 0;
}

/* The enrol statement it names, and that the keys are the same. */
static int
check_named_enrol(const struct fleet_hosts *h, const struct acceptance *a,
    struct fleet_plan *p, struct err *e)
{
	struct fleet_asks *q = fleet_find(h, FLEET_BY_ENROL, &a->enrol);
	const struct pubkey *hk, *tk;

	if (q != NULL) {
		hk = q->host_key;
		tk = q->transport_key;
	} else if (p->host != NULL &&
	    hash_equal(&p->host->row.enrol, &a->enrol)) {
		hk = p->host->host_key;
		tk = p->host->transport_key;
	} else {
		return err_set(e, ERR_NOTFOUND,
		    "no host waits that sent the enrol statement it names");
	}
	if (!pubkey_equal(hk, a->host_key) ||
	    !pubkey_equal(tk, a->transport_key))
		return err_set(e, ERR_DENIED,
		    "its keys are not those of the enrol statement it names");
	if (q != NULL && q->row.rejected && a->has_token)
		return err_set(e, ERR_DENIED,
		    "the host was rejected, expected an operator to accept it");
	p->asks = q;
	return 0;
}

static int
check_renew_until(const struct fleet_judge *j, const struct statement *s,
    struct err *e)
{
	int64_t until = s->u.accept.renew_until;
	char text[CLOCK_TEXT];

	if (until > s->at && until > j->now)
		return 0;
	clock_format(until, text);
	return err_set(e, ERR_EXPIRED,
	    "renew_until %s is past, expected a time to come", text);
}

static int
check_accept(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct acceptance *a = &s->u.accept;
	int r;

	if ((r = a->has_token ? check_by_token(h, j, s, p, e)
			      : check_operator(j, s, e)) != 0 ||
	    (r = check_said_id(h, a->host, s, e)) != 0 ||
	    (r = check_said_keys(h, a->host_key, a->transport_key, s, e)) !=
		0 ||
	    (r = check_replace(h, a, p, e)) != 0 ||
	    (r = check_named_enrol(h, a, p, e)) != 0 ||
	    (r = check_owner(h, a->host_key, p->host, "host key", e)) != 0 ||
	    (r = check_owner(h, a->transport_key, p->host, "transport key",
		 e)) != 0 ||
	    (r = check_pair(j, a->host_key, a->transport_key, e)) != 0)
		return r;
	return check_renew_until(j, s, e);
}

/* --- the others, all by operators --- */

static int
find_host(const struct fleet_hosts *h, const char *id,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	int r;

	if ((r = check_said_id(h, id, s, e)) != 0)
		return r;
	if ((p->host = fleet_find_host(h, id)) == NULL)
		return err_set(e, ERR_NOTFOUND, "there is no host %s", id);
	return check_said_keys(h, p->host->host_key, p->host->transport_key, s,
	    e);
}

static int
check_reject(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct rejection *x = &s->u.reject;
	int r;

	if ((r = check_operator(j, s, e)) != 0)
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
	return check_said_keys(h, p->asks->host_key, p->asks->transport_key, s,
	    e);
}

static int
check_rename(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct rename_host *x = &s->u.rename;
	int r;

	if ((r = check_operator(j, s, e)) != 0 ||
	    (r = find_host(h, x->host, s, p, e)) != 0 ||
	    (r = check_said_id(h, x->to, s, e)) != 0)
		return r;
	if (p->host->row.rejected)
		return err_set(e, ERR_DENIED, "host %s is rejected", x->host);
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

	if ((r = check_operator(j, s, e)) != 0)
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
	if ((r = check_operator(j, s, e)) != 0 ||
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
    [ST_ACCEPT] = check_accept,
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
