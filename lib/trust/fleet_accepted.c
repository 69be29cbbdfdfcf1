/* SPDX-License-Identifier: ISC */
#include "lib/trust/fleet_accepted.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/trust/fleet_hosts_impl.h"

/* Is it about us? */
static int
check_ours(const struct statement *accept, const struct statement *enrol,
    const struct pubkey *host_key, const struct pubkey *transport_key,
    struct err *e)
{
	const struct acceptance *a = &accept->u.accept;

	if (!pubkey_equal(a->host_key, host_key) ||
	    !pubkey_equal(a->transport_key, transport_key))
		return err_set(e, ERR_DENIED,
		    "the acceptance of %s is of other keys than this host's",
		    a->host);
	if (statement_signed_by(enrol, host_key) < 0 ||
	    statement_signed_by(enrol, transport_key) < 0)
		return err_set(e, ERR_DENIED,
		    "the enrol statement that came with the acceptance of %s "
		    "is not signed by both keys of this host",
		    a->host);
	if (!hash_equal(&a->enrol, &enrol->hash))
		return err_set(e, ERR_DENIED,
		    "the acceptance of %s is of another enrol statement than "
		    "the one that came with it",
		    a->host);
	return 0;
}

/* Whether it holds is asked of the clock here, whenever it was made. */
static int
check_clock(const struct statement *accept, int64_t now, struct err *e)
{
	char when[CLOCK_TEXT], here[CLOCK_TEXT];

	clock_format(now, here);
	if (accept->at > now + FLEET_HOSTS_AHEAD) {
		clock_format(accept->at, when);
		return err_set(e, ERR_DENIED,
		    "the acceptance of %s is from the future, %s: the clock "
		    "here says %s",
		    accept->u.accept.host, when, here);
	}
	if (accept->u.accept.renew_until < now) {
		clock_format(accept->u.accept.renew_until, when);
		return err_set(e, ERR_EXPIRED,
		    "the acceptance of %s is past its renew_until, %s: the "
		    "clock here says %s",
		    accept->u.accept.host, when, here);
	}
	return 0;
}

/*
 * One that ends an older acceptance names that one, which a host that was set up
 * anew does not have; it is an operator's alone, so that is all there is to see.
 */
static int
check_replacing(const struct trust *t, const struct statement *accept,
    const struct statement *enrol, int64_t now, struct err *e)
{
	const struct fleet_judge j = {
	    .policy = t->policy, .realm = &t->realm, .now = now};
	int r;

	if ((r = fleet_check_common(&t->realm, enrol, e)) != 0 ||
	    (r = fleet_check_common(&t->realm, accept, e)) != 0 ||
	    (r = fleet_check_operator(&j, accept, e)) != 0)
		return r;
	return check_clock(accept, now, e);
}

/*
 * What a log would have come to that had these alone.  No clock is asked there:
 * a host that was away gets its acceptance when the token is long past, and what
 * counts is that the token held when the acceptance was made.  Whether that is
 * when it says was looked at by who had the clock then, the master.
 */
static int
check_fold(const struct trust *t, const struct statement *accept,
    const struct statement *enrol, const struct statement *token, int64_t now,
    struct err *e)
{
	const struct statement *const order[] = {token, enrol, accept};
	struct fleet_hosts *h = NULL;
	int r;

	if ((r = fleet_hosts_new(&h)) != 0)
		return err_nomem(e);
	for (size_t i = 0; i < 3 && r == 0; i++)
		if (order[i] != NULL)
			r = fleet_hosts_apply(h, t, order[i], 0, e);
	if (r > 0)
		r = ERR_DENIED;
	fleet_hosts_free(h);
	return r != 0 ? r : check_clock(accept, now, e);
}

int
fleet_accepted(const struct trust *t, const struct statement *accept,
    const struct statement *enrol, const struct statement *token,
    const struct pubkey *host_key, const struct pubkey *transport_key,
    int64_t since, int64_t now, struct err *e)
{
	int r;

	if (accept->type != ST_ACCEPT || enrol->type != ST_ENROL ||
	    (token != NULL && token->type != ST_TOKEN))
		return err_set(e, ERR_PARSE,
		    "%s statement in the place of another, expected an "
		    "acceptance, what it accepts, and its token",
		    statement_type_name(accept->type));
	if (!t->have)
		return err_set(e, ERR_DENIED,
		    "no policy is trusted, so nobody can accept a host");
	if (accept->at < since)
		return err_set(e, ERR_ROLLBACK,
		    "the acceptance of %s is older than the one held",
		    accept->u.accept.host);
	if ((r = check_ours(accept, enrol, host_key, transport_key, e)) != 0)
		return r;
	if (accept->u.accept.has_replace)
		return check_replacing(t, accept, enrol, now, e);
	if (accept->u.accept.has_token && token == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "the acceptance of %s is by a token, which is not there",
		    accept->u.accept.host);
	return check_fold(t, accept, enrol,
	    accept->u.accept.has_token ? token : NULL, now, e);
}

int
fleet_renamed(const struct trust *t, const struct statement *rename,
    const char *host, int64_t since, int64_t now, struct err *e)
{
	const struct fleet_judge j = {
	    .policy = t->policy, .realm = &t->realm, .now = now};
	char when[CLOCK_TEXT], here[CLOCK_TEXT];
	int r;

	if (rename->type != ST_RENAME)
		return err_set(e, ERR_PARSE, "%s statement, expected a rename",
		    statement_type_name(rename->type));
	if (!t->have)
		return err_set(e, ERR_DENIED,
		    "no policy is trusted, so nobody can rename a host");
	if ((r = fleet_check_common(&t->realm, rename, e)) != 0 ||
	    (r = fleet_check_operator(&j, rename, e)) != 0)
		return r;
	if (strcmp(rename->u.rename.host, host) != 0)
		return err_set(e, ERR_DENIED,
		    "the rename is of %s, and this host is %s",
		    rename->u.rename.host, host);
	if (rename->at < since)
		return err_set(e, ERR_ROLLBACK,
		    "the rename to %s is older than what was last said of this "
		    "host",
		    rename->u.rename.to);
	if (rename->at > now + FLEET_HOSTS_AHEAD) {
		clock_format(rename->at, when);
		clock_format(now, here);
		return err_set(e, ERR_DENIED,
		    "the rename to %s is from the future, %s: the clock here "
		    "says %s",
		    rename->u.rename.to, when, here);
	}
	return 0;
}
