/* SPDX-License-Identifier: ISC */
/* When signed policy ends, and what is said before it does. */
#include "lib/trust/expiry.h"

#include "lib/base/clock.h"
#include "lib/trust/bundle.h"

#define DAY 86400

int
expiry_check(const char *what, int64_t expires, int64_t grace, int64_t now,
    struct str *text, struct err *e)
{
	static const struct {
		int64_t days;
		const char *word;
	} steps[] = {
	    {1, "urgent: "}, {7, "soon: "}, {14, "plan it: "}, {30, ""}};
	char when[CLOCK_TEXT];
	int64_t left = expires - now;

	clock_format(expires, when);
	if (left < -grace)
		return err_set(e, ERR_EXPIRED,
		    "%s expired at %s and its grace is over, expected a newer "
		    "one",
		    what, when);
	if (text == NULL)
		return left < 0 ? BUNDLE_GRACE : 0;
	if (left < 0) {
		expires += grace;
		clock_format(expires < CLOCK_MAX ? expires : CLOCK_MAX, when);
		str_addf(text,
		    "%s has expired; it counts until %s, sign a new one now\n",
		    what, when);
		return BUNDLE_GRACE;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (left > steps[i].days * DAY)
			continue;
		str_addf(text, "%s%s expires in %lld days, at %s\n",
		    steps[i].word, what, (long long)(left / DAY), when);
		break;
	}
	return 0;
}

static int
expiry_of(const struct policy *root, const struct policy *p, int64_t now,
    struct str *text, struct err *e)
{
	int a, b;

	a = expiry_check("root", root->root_expires, root->grace, now, text, e);
	if (a < 0)
		return a;
	b = expiry_check("policy", p->expires, root->grace, now, text, e);
	return b != 0 ? b : a;
}

int
trust_expiry(const struct trust *t, int64_t now, struct str *text,
    struct err *e)
{
	if (!t->have)
		return err_set(e, ERR_EXPIRED,
		    "no policy is held, expected a signed one");
	return expiry_of(t->root, t->policy, now, text, e);
}
