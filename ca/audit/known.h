/* SPDX-License-Identifier: ISC */
/*
 * Logins that no certificate of ours explains, and that audit.yaml, a part of
 * the signed policy, says are known.
 *
 * An exception is for one account, on hosts that it names, by one plain key or
 * by the certificates of one CA, until it expires by the clock of who asks: by
 * that of a host it could be made to last.  Nothing excepts a password, or a
 * certificate that was used outside its restrictions.
 *
 * A CA of the policy that is named there was in use before the log was (writ
 * init --user-ca): what it signed then no log has, and for that account and
 * these hosts it counts as issued elsewhere.  Pure.
 */
#ifndef CA_AUDIT_KNOWN_H
#define CA_AUDIT_KNOWN_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/audit/uses.h"

struct judged {			/* borrowed from what it was judged by */
	enum use_kind kind;
	const struct grant_use *of;	/* its certificate; NULL: none */
	const struct known_exception *known;	/* excepts it; NULL: none */
};

/* As uses_judge(), and whether it is known, which is appended to why; an
 * exception that would except it and has expired is named there too.
 * ERR_NOMEM. */
int known_judge(const struct use *u, struct issued *s, const struct policy *p,
    int64_t now, struct judged *out, struct str *why) MUST_CHECK;
/* Each login of u, in its order, so judged; why is lent for the call.  What
 * each() returns, unless 0, ends it and is returned.  ERR_NOMEM. */
typedef int known_login(void *ctx, const struct use *u,
    const struct judged *j, char *why);
int known_each_login(const struct uses *u, struct issued *s,
    const struct policy *p, int64_t now, known_login *each, void *ctx)
    MUST_CHECK;

/* "nightly backup (olga@example.com, until 2027-01-01T23:59:59Z)"; appended. */
void known_text(const struct known_exception *x, struct str *out);
bool known_is_over(const struct known_exception *x, int64_t now);

#endif
