/* SPDX-License-Identifier: ISC */
/* Exceptions of audit.yaml that say more than somebody may have meant. */
#include <string.h>

#include "lib/trust/policy_impl.h"

static bool
is_ca(const struct policy *p, const char *print)
{
	char text[FINGERPRINT_MAX];

	for (size_t i = 0; i < p->n_authorities; i++) {
		const struct authority *a = &p->authorities[i];

		if (!a->user && !a->host)
			continue;
		pubkey_fingerprint(a->key, text);
		if (strcmp(text, print) == 0)
			return true;
	}
	return false;
}

static void
check_exception(const struct policy *p, const struct known_exception *x,
    int64_t now, struct conf_diags *diags)
{
	char text[CLOCK_TEXT];

	clock_format(x->expires, text);
	if (now > x->expires)
		conf_warning(diags, x->pos,
		    "exception for account '%s' expired at %s", x->account,
		    text);
	if (policy_person(p, x->owner) == NULL)
		conf_warning(diags, x->pos,
		    "owner '%s' of an exception is no person of this policy",
		    x->owner);
	if (x->ca != NULL && is_ca(p, x->ca))
		conf_warning(diags, x->pos,
		    "exception for a CA of this policy: who has stolen its key "
		    "is no alarm as '%s' on these hosts",
		    x->account);
	if (strs_has(&x->hosts, "*"))
		conf_warning(diags, x->pos,
		    "exception for account '%s' is for every host", x->account);
}

void
policy_check_exceptions(const struct policy *p, int64_t now,
    struct conf_diags *diags)
{
	for (size_t i = 0; i < p->n_exceptions; i++)
		check_exception(p, &p->exceptions[i], now, diags);
}
