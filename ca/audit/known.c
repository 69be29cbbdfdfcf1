/* SPDX-License-Identifier: ISC */
#include "ca/audit/known.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/conf/expr.h"

bool
known_is_over(const struct known_exception *x, int64_t now)
{
	return now > x->expires;
}

void
known_text(const struct known_exception *x, struct str *out)
{
	char until[CLOCK_TEXT];

	clock_format(x->expires, until);
	str_addf(out, "%s (%s, until %s)", x->reason, x->owner, until);
}

/* What it was let in by, as an exception names it: whether that is a key or a CA
 * is the kind's to say. */
static bool
is_by(const struct known_exception *x, enum use_kind kind, const char *print)
{
	const char *named = kind == USE_BARE ? x->key : x->ca;

	return named != NULL && strcmp(named, print) == 0;
}

static bool
is_on(const struct known_exception *x, const char *host)
{
	for (size_t i = 0; i < x->hosts.n; i++)
		if (expr_glob(x->hosts.v[i], host))
			return true;
	return false;
}

/* False: nothing that an exception could name let it in. */
static bool
print_of(const struct use *u, enum use_kind kind, char out[FINGERPRINT_MAX])
{
	if (kind == USE_ISSUED || kind == USE_OUTSIDE ||
	    u->event.account == NULL)
		return false;
	if (kind != USE_BARE)
		hash_fingerprint(&u->event.ca, out);
	else if (u->event.has_key)
		hash_fingerprint(&u->event.key, out);
	else
		return false;
	return true;
}

/* One that is good now, else NULL, and *over one that was or NULL. */
static const struct known_exception *
find(const struct use *u, enum use_kind kind, const struct policy *p,
    int64_t now, const struct known_exception **over)
{
	char print[FINGERPRINT_MAX];

	*over = NULL;
	if (!print_of(u, kind, print))
		return NULL;
	for (size_t i = 0; i < p->n_exceptions; i++) {
		const struct known_exception *x = &p->exceptions[i];

		if (strcmp(x->account, u->event.account) != 0 ||
		    !is_by(x, kind, print) || !is_on(x, u->host))
			continue;
		if (!known_is_over(x, now))
			return x;
		*over = x;
	}
	return NULL;
}

int
known_judge(const struct use *u, struct issued *s, const struct policy *p,
    int64_t now, struct judged *out, struct str *why)
{
	const struct known_exception *over;
	int r;

	*out = (struct judged){0};
	if ((r = uses_judge(u, s, p, &out->kind, &out->of, why)) != 0)
		return r;
	out->known = find(u, out->kind, p, now, &over);
	if (out->known != NULL) {
		/* Of a CA that was there before the log. */
		if (out->kind == USE_NEVER_ISSUED)
			out->kind = USE_ELSEWHERE;
		str_add(why, "; known: ");
		known_text(out->known, why);
	} else if (over != NULL) {
		str_add(why, "; no longer excepted: ");
		known_text(over, why);
	}
	return str_check(why) == 0 ? 0 : ERR_NOMEM;
}

int
known_each_login(const struct uses *u, struct issued *s, const struct policy *p,
    int64_t now, known_login *each, void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < u->n && r == 0; i++) {
		struct str why = STR_INIT;
		struct judged j;

		if (u->v[i].event.what != LOGIN_IN)
			continue;
		r = known_judge(&u->v[i], s, p, now, &j, &why);
		if (r == 0)
			r = each(ctx, &u->v[i], &j, why.p);
		str_clear(&why);
	}
	return r;
}
