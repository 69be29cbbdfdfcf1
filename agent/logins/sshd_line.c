/* SPDX-License-Identifier: ISC */
#include "agent/logins/sshd_line.h"

#include <string.h>

#include "agent/logins/scan.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Words of sshd's for a certificate that is good and is not let in.  Up to 10.0
 * they do not say which one.  Of an extension that it does not know it says so too,
 * and lets it in. */
static const char *const reasons[] = {
    "Certificate invalid: ",
    "Certificate lacks principal list",
    "Certificate does not contain an authorized principal",
    "Certificate critical option \"",
    "Invalid certificate options",
    "Refused by certificate options",
    "Refused by certificate principals options",
    "cert: Authentication tried for ",
};

/* How a connection ends that has not logged in; the name follows. */
static const struct {
	const char *front;
	bool is_account; /* else nobody knows it, or none was said */
} leavings[] = {
    {"Connection closed by authenticating user ", true},
    {"Connection reset by authenticating user ", true},
    {"Disconnected from authenticating user ", true},
    {"Disconnecting authenticating user ", true},
    {"Connection closed by invalid user ", false},
    {"Connection reset by invalid user ", false},
    {"Disconnected from invalid user ", false},
    {"Disconnecting invalid user ", false},
    {"Connection from authenticating user ", true},
    {"Connection from invalid user ", false},
    {"fatal: Access denied for user ", false}, /* by PAM: of no address */
};

/* How one ends that has. */
static const char *const endings[] = {
    "Disconnected from user ",
    "Connection closed by user ",
    "Connection reset by user ",
    "Disconnecting user ",
    "Timeout, client not responding from user ",
    "Connection from user ",
};

/* --- a certificate -------------------------------------------------------- */

/* "CATYPE CA-FINGERPRINT" at the end of s, and nothing else. */
static bool
take_ca(struct slice *s, struct hash *ca)
{
	struct slice word;

	return scan_last_word(s, &word) && scan_fingerprint(word, ca) &&
	    scan_last_word(s, &word);
}

/*
 * "KEYID (serial N) CA CATYPE FINGERPRINT": from the end, since a key id may be
 * all of that itself.
 */
static bool
parse_cert(struct slice s, struct sshd_line *l)
{
	struct slice digits;

	if (!take_ca(&s, &l->ca) || !scan_end(&s, ") CA") ||
	    !scan_split_last(&s, " (serial ", &digits) ||
	    !scan_number(digits, &l->serial))
		return false;
	l->key_id = s;
	return true;
}

/* ", signature count = N" at the end of what a security key signed. */
static void
take_count(struct slice *s, struct sshd_line *l)
{
	struct slice before = *s, digits;
	uint64_t n;

	if (!scan_split_last(&before, ", signature count = ", &digits) ||
	    !scan_number(digits, &n))
		return;
	l->signatures = n;
	*s = before;
}

/* "TYPE FINGERPRINT[ ID ...]", whole or not. */
static void
parse_key(struct slice s, bool cut, struct sshd_line *l)
{
	struct slice type, fp;

	if (!scan_word(&s, &type))
		return;
	l->is_cert = scan_end(&type, "-CERT");
	if (!cut)
		take_count(&s, l);
	if (!scan_word(&s, &fp))
		return;
	(void)scan_end(&fp, ","); /* of what a client adds about itself */
	l->has_key = scan_fingerprint(fp, &l->key);
	if (!cut && l->is_cert && l->has_key && scan_front(&s, "ID "))
		l->has_cert = parse_cert(s, l);
}

/* --- how a login went ----------------------------------------------------- */

/*
 * "USER from ADDRESS port N ssh2[: KEY]".  USER is an account, and what may be
 * anything comes after it: the first place that fits.
 */
static bool
parse_peer(struct slice s, bool cut, struct sshd_line *l)
{
	struct slice rest = s, tail;
	size_t skipped = 0;

	while (scan_split(&rest, " from ", &tail)) {
		size_t before = skipped + rest.n;

		if (scan_peer(&tail, &l->from, &l->port) &&
		    scan_front(&tail, "ssh2") &&
		    (tail.n == 0 || scan_front(&tail, ": "))) {
			l->user = slice_of(s.p, before);
			/* Other methods say there whatever they like. */
			if (slice_is(l->method, "publickey") ||
			    slice_is(l->method, "hostbased"))
				parse_key(tail, cut, l);
			return l->user.n > 0;
		}
		skipped = before + strlen(" from ");
		rest = slice_of(s.p + skipped, s.n - skipped);
	}
	return false;
}

static bool
parse_outcome(struct slice s, bool cut, struct sshd_line *l)
{
	static const struct {
		const char *front;
		enum sshd_line_kind kind;
	} outcomes[] = {
	    {"Accepted ", SSHD_ACCEPTED},
	    {"Partial ", SSHD_PARTIAL},
	    {"Failed ", SSHD_FAILED},
	};
	enum sshd_line_kind kind = SSHD_OTHER;
	struct sshd_line found = {0};

	for (size_t i = 0; i < N(outcomes) && kind == SSHD_OTHER; i++)
		if (scan_front(&s, outcomes[i].front))
			kind = outcomes[i].kind;
	if (kind == SSHD_OTHER || !scan_word(&s, &found.method) ||
	    !scan_front(&s, "for "))
		return false;
	found.kind = kind;
	if (scan_front(&s, "invalid user ")) {
		/* A name of his making, and sshd looks at no key for it. */
		if (kind != SSHD_FAILED)
			return false;
		*l = (struct sshd_line){.kind = kind};
		return true;
	}
	if (!parse_peer(s, cut, &found))
		return false;
	*l = found;
	return true;
}

/* --- why not -------------------------------------------------------------- */

/*
 * Refusing certificate ID "KEYID" serial=N signed by CATYPE CA FINGERPRINT[ via
 * FILE:LINE]: WHY, from 10.1 on.  What follows the key id is sshd's.
 */
static bool
parse_refusing(struct slice s, bool cut, struct sshd_line *l)
{
	struct slice rest, word;

	if (!scan_front(&s, "Refusing certificate ID \""))
		return false;
	l->kind = SSHD_REFUSED;
	l->is_cert = true;
	l->why = slice_str("certificate refused");
	if (cut || !scan_split_last(&s, "\" serial=", &rest) ||
	    !scan_word(&rest, &word) || !scan_number(word, &l->serial) ||
	    !scan_front(&rest, "signed by ") || !scan_word(&rest, &word) ||
	    !scan_front(&rest, "CA ") || !scan_word(&rest, &word))
		return true;
	if (!scan_end(&word, ":")) {
		struct slice via = rest;

		if (!scan_front(&via, "via ") || !scan_split(&via, ": ", &rest))
			return true;
	}
	if (!scan_fingerprint(word, &l->ca) || rest.n == 0)
		return true;
	l->has_cert = true;
	l->key_id = s;
	l->why = rest;
	return true;
}

/* Authentication key TYPE FINGERPRINT revoked by file PATH. */
static bool
parse_revoked(struct slice s, struct sshd_line *l)
{
	struct slice type, fp;

	if (!scan_front(&s, "Authentication key ") || !scan_word(&s, &type) ||
	    !scan_word(&s, &fp) ||
	    (!slice_is(s, "revoked") && !scan_front(&s, "revoked by ")))
		return false;
	l->kind = SSHD_REFUSED;
	l->is_cert = scan_end(&type, "-CERT");
	l->has_key = scan_fingerprint(fp, &l->key);
	l->why = slice_str("key revoked");
	return true;
}

static bool
parse_reason(struct slice s, struct sshd_line *l)
{
	struct slice front;

	for (size_t i = 0; i < N(reasons); i++) {
		front = s;
		if (!scan_front(&front, reasons[i]))
			continue;
		l->kind = SSHD_REASON;
		l->is_cert = true;
		l->why = s;
		return true;
	}
	return false;
}

/* --- ends ----------------------------------------------------------------- */

/* "USER ADDRESS port N" and the end, or " timed out" or ": WHY" after it. */
static bool
parse_who(struct slice s, struct sshd_line *l)
{
	for (size_t i = 0; i < s.n; i++) {
		struct slice rest = slice_of(s.p + i + 1, s.n - i - 1);
		struct slice why;

		if (s.p[i] != ' ')
			continue;
		(void)(scan_split(&rest, ": ", &why) ||
		    scan_end(&rest, " timed out"));
		if (!scan_peer(&rest, &l->from, &l->port) || rest.n != 0)
			continue;
		l->user = slice_of(s.p, i);
		return i > 0;
	}
	return false;
}

static bool
parse_left(struct slice s, struct sshd_line *l)
{
	struct slice by;

	for (size_t i = 0; i < N(leavings); i++) {
		if (!scan_front(&s, leavings[i].front))
			continue;
		l->kind = SSHD_LEFT;
		if (!leavings[i].is_account || !parse_who(s, l))
			l->user = slice_str("?");
		return true;
	}
	/* Nobody yet: a look at the port. */
	by = s;
	if (!scan_front(&by, "Connection closed by ") &&
	    !scan_front(&by, "Connection reset by "))
		return false;
	if (!scan_peer(&by, &l->from, &l->port) || by.n != 0)
		return false;
	l->kind = SSHD_LEFT;
	return true;
}

/* "pam_unix(SERVICE:session): session closed for user USER": the service is sshd,
 * the program's name, or what PAMServiceName says (from 9.8 on). */
static bool
parse_pam(struct slice s, struct sshd_line *l)
{
	struct slice rest, word = s;

	if (!scan_front(&s, "pam_unix(") ||
	    !scan_split(&s, ":session): session closed for user ", &rest) ||
	    rest.n == 0 || !scan_word(&s, &word) || s.n != 0)
		return false;
	l->kind = SSHD_ENDED;
	l->user = rest;
	return true;
}

static bool
parse_ended(struct slice s, struct sshd_line *l)
{
	for (size_t i = 0; i < N(endings); i++) {
		if (!scan_front(&s, endings[i]))
			continue;
		if (parse_who(s, l))
			l->kind = SSHD_ENDED;
		return l->kind == SSHD_ENDED;
	}
	return parse_pam(s, l);
}

void
sshd_line_parse(struct slice s, struct sshd_line *out)
{
	bool cut = s.n >= SSHD_LINE_CUT, preauth;
	struct sshd_line l = {0};

	*out = (struct sshd_line){0};
	preauth = scan_end(&s, " [preauth]");
	(void)scan_front(&s, "error: ");
	/* What speaks before a login is a process that the network may have
	   taken: it is believed that it leaves, and nothing else.  A line that was
	   cut may be one of those: that somebody got in is told all the same, so
	   that it is asked, and that he left is not. */
	if (preauth ? parse_left(s, &l)
		    : parse_outcome(s, cut, &l) || parse_refusing(s, cut, &l) ||
		    parse_revoked(s, &l) || parse_reason(s, &l) ||
		    (!cut && parse_ended(s, &l)))
		*out = l;
}
