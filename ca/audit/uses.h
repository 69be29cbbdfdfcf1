/* SPDX-License-Identifier: ISC */
/*
 * Who used what: logins, as hosts saw them, beside the certificates that the log
 * has.
 *
 * A login that names a certificate of the CA's which no log has is the mark of a
 * stolen CA key; one without a certificate, of a key or a password that somebody
 * forgot.  Pure.
 */
#ifndef CA_AUDIT_USES_H
#define CA_AUDIT_USES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ca/audit/audit.h"
#include "ca/audit/revoked.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/login_event.h"
#include "lib/trust/policy.h"

#define USES_CLOCK_OFF 300	/* seconds that a host's clock may be off */
#define USES_MAX       1000000	/* logins, and certificates, at once */

/* --- what hosts saw ------------------------------------------------------ */

struct use {
	char		  *host;
	struct login_event event;
	int64_t		   clock;	/* seconds that the host's is ahead,
					   taken off the event's times */
	uint64_t	   index;	/* of the report's leaf, in its log */
	char		  *report;	/* name of the report, hex */
};
struct uses {			/* zero-initialise / uses_clear */
	struct use *v;
	size_t	    n, cap;
};
/*
 * The rows that `writ fleet logins --json` prints, appended in their order; cells
 * are texts, and an empty one says nothing.  ERR_PARSE (which row, which cell),
 * ERR_LIMIT (more than USES_MAX), ERR_NOMEM.
 */
int  uses_read(const json_t *rows, struct uses *u, struct err *e) MUST_CHECK;
void uses_clear(struct uses *u);

/* --- what was issued ----------------------------------------------------- */

/* How somebody had to be there when his key signed. */
enum presence {
	PRESENCE_NONE,		/* "none": a key in a file, or no touch asked */
	PRESENCE_TOUCH,		/* "touch" */
	PRESENCE_PIN,		/* "pin": touch, and PIN or fingerprint */
};
const char *presence_name(enum presence p);
enum presence cert_presence(const struct cert *c);

struct grant_use {		/* a certificate, and why it was issued */
	struct hash   ca;	/* of the CA's key */
	struct hash   tbs;	/* of the certificate without its signature */
	uint64_t      serial;
	char	     *person, *grant, *reason;
	char	     *ticket;	/* NULL: none was given */
	char	     *approved_by;	/* "olga@example.com,..."; "" nobody */
	struct strs   principals;
	char	     *source;	/* source-address as it is written; NULL: any */
	enum presence presence;
	int64_t	      valid_after, valid_before;
	char	     *key_id;
	struct hash   key;	/* of its own key */
	const struct revocation *revoked; /* issued_revoke(): the first; NULL */
	const char   *revoked_what;	/* "the certificate"; borrowed */
	char	     *log;	/* name of the log that has it */
	uint64_t      index;	/* of its leaf there */
	bool	      used;	/* uses_judge() met it */
};
struct issued {			/* zero-initialise / issued_clear */
	struct grant_use *v;
	size_t		  n, cap;
	bool		  sorted;
};
/* Appended; host certificates are passed over.  ERR_LIMIT, ERR_NOMEM. */
int  issued_add(struct issued *s, const struct audit_certificate *c,
     const char *log) MUST_CHECK;
/* What was revoked of these, by all that any log has of it, which is borrowed.
 * ERR_NOMEM. */
int  issued_revoke(struct issued *s, struct revocations *r) MUST_CHECK;
void issued_clear(struct issued *s);

/* --- both ---------------------------------------------------------------- */

/* Is it the key of a CA that the policy names, for users or hosts? */
bool uses_is_ca(const struct policy *p, const struct hash *ca);

enum use_kind {
	USE_ISSUED,		/* as it was meant */
	USE_OUTSIDE,		/* issued, and used outside its restrictions */
	USE_NEVER_ISSUED,	/* by a CA of the policy, and no log has it, or
				   has that serial for another key */
	USE_ELSEWHERE,		/* by a CA that the policy does not know */
	USE_BARE,		/* no certificate */
};
const char *use_kind_name(enum use_kind k); /* "issued", "never issued" */

/*
 * What a login (of what `login`) is, by everything that was issued; *of: its
 * certificate, where there is one, which is marked as used.  Appends to why, in
 * words, what is wrong with it.  ERR_NOMEM.
 *
 * Where the host had the whole certificate, it is the one that was issued, or
 * it was never issued, whatever serial it has.  Compared are the time,
 * USES_CLOCK_OFF aside; the address, where the certificate has a list of them;
 * the host, where all its principals are for single hosts
 * (deploy@web-1.example.com); and whether something of it had been revoked.
 */
int uses_judge(const struct use *u, struct issued *s, const struct policy *p,
    enum use_kind *kind, const struct grant_use **of, struct str *why)
    MUST_CHECK;

#endif
