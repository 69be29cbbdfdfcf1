/* SPDX-License-Identifier: ISC */
/* Whether an acceptance counts: by an operator, or within a token. */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/trust/fleet_hosts_impl.h"
#include "lib/trust/standing.h"

/* --- by a token --- */

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

/* --- the host --- */

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

int
fleet_check_accept(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *p, struct err *e)
{
	const struct acceptance *a = &s->u.accept;
	int r;

	if ((r = a->has_token ? check_by_token(h, j, s, p, e)
			      : fleet_check_operator(j, s, e)) != 0 ||
	    (r = fleet_check_said_id(h, a->host, s, e)) != 0 ||
	    (r = fleet_check_said_keys(h, a->host_key, a->transport_key, s,
		 e)) != 0 ||
	    (r = check_replace(h, a, p, e)) != 0 ||
	    (r = check_named_enrol(h, a, p, e)) != 0 ||
	    (r = check_owner(h, a->host_key, p->host, "host key", e)) != 0 ||
	    (r = check_owner(h, a->transport_key, p->host, "transport key",
		 e)) != 0 ||
	    (r = fleet_check_pair(j, a->host_key, a->transport_key, e)) != 0)
		return r;
	return check_renew_until(j, s, e);
}
