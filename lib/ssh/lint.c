/* SPDX-License-Identifier: ISC */
/* The rules for one field each; lint_cert.c has those for the whole. */
#include "lib/ssh/lint.h"

#include <string.h>

#include "lib/ssh/cidr.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/*
 * sshd prints the key id unquoted, in a line of 1,024 bytes, before serial and
 * CA.  A blank or a parenthesis forges them, a long one pushes them off the
 * end, a line end breaks the log in two.
 */
int
lint_key_id(const char *id, struct err *e)
{
	const size_t n = strlen(id);
	char quoted[QUOTE_MAX];

	if (n == 0 || n > LINT_KEY_ID_MAX)
		return err_set(e, ERR_DENIED,
		    "key id is %zu bytes, expected 1 to %d", n,
		    LINT_KEY_ID_MAX);
	if (strspn(id, LOWER UPPER DIGITS "._@:+=,/-") != n)
		return err_set(e, ERR_DENIED,
		    "key id %s would spoil sshd's log, expected letters, "
		    "digits and ._@:+=,/-",
		    str_quote(quoted, id));
	return 0;
}

/*
 * sshd before 10.3 took a principal with a comma for several; it splits its
 * AuthorizedPrincipalsFile at blanks and cuts it at `#`; `*`, `?` and `!` are
 * a pattern to some readers and a name to others.
 */
static int
user_principal(const char *p, struct err *e)
{
	char quoted[QUOTE_MAX];

	for (const char *q = p; *q != '\0'; q++)
		if (*q <= ' ' || *q > '~' || strchr(",#*?!", *q) != NULL)
			return err_set(e, ERR_DENIED,
			    "principal %s has %s, expected printable ASCII "
			    "without blanks and ,#*?!",
			    str_quote(quoted, p),
			    strchr("*?", *q) != NULL ? "a wildcard"
				: *q == ','          ? "a comma"
				: *q == ' '
				? "a blank"
				: "a character that is not allowed");
	return 0;
}

/* Labels of letters, digits, `-` and `_`, `-` at neither end (RFC 1123 2.1; an
 * underscore is no host name, but hosts have it). */
static bool
is_host_name(const char *p)
{
	size_t n;

	for (;; p++) {
		n = strspn(p, LOWER DIGITS "-_");
		if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-')
			return false;
		p += n;
		if (*p != '.')
			return *p == '\0';
	}
}

/* ssh(1) lower-cases the name it asked for, then compares; from 10.3 on it
 * takes wildcards in host certificates. */
static int
host_principal(const char *p, struct err *e)
{
	char quoted[QUOTE_MAX];
	struct cidr addr;

	if (strpbrk(p, UPPER) == NULL && strchr(p, '/') == NULL &&
	    cidr_parse(p, &addr) == 0)
		return 0;
	if (is_host_name(p))
		return 0;
	return err_set(e, ERR_DENIED,
	    "principal %s is not a host, expected a name in lower case or an "
	    "address",
	    str_quote(quoted, p));
}

int
lint_principal(enum cert_kind kind, const char *p, struct err *e)
{
	const size_t n = strlen(p);

	if (n == 0 || n > LINT_PRINCIPAL_MAX)
		return err_set(e, ERR_DENIED,
		    "principal is %zu bytes, expected 1 to %d", n,
		    LINT_PRINCIPAL_MAX);
	return kind == CERT_HOST ? host_principal(p, e) : user_principal(p, e);
}

/* One bad entry makes sshd refuse the whole certificate. */
int
lint_source(const char *cidr, struct err *e)
{
	char quoted[QUOTE_MAX];
	struct cidr c;

	(void)str_quote(quoted, cidr);
	if (cidr_parse(cidr, &c) != 0)
		return err_set(e, ERR_DENIED,
		    "source %s is no address or network, expected one such as "
		    "10.0.0.0/8 or 2001:db8::1",
		    quoted);
	if (cidr_has_host_bits(&c))
		return err_set(e, ERR_DENIED,
		    "source address %s has bits behind its mask of %u, "
		    "expected zeros there",
		    quoted, c.mask);
	if (cidr_is_mapped(&c))
		return err_set(e, ERR_DENIED,
		    "source address %s is IPv4 written as IPv6, which sshd "
		    "never sees; expected the IPv4 form",
		    quoted);
	return 0;
}

static int
lint_rsa_bits(const char *what, const struct pubkey *k, struct err *e)
{
	if (pubkey_type(k) == PUBKEY_RSA && pubkey_bits(k) < LINT_RSA_BITS_MIN)
		return err_set(e, ERR_DENIED,
		    "%s is an RSA key of %u bits, expected %d or more", what,
		    pubkey_bits(k), LINT_RSA_BITS_MIN);
	return 0;
}

int
lint_subject(const struct pubkey *k, struct err *e)
{
	return lint_rsa_bits("subject", k, e);
}

/* A token wants a touch a signature, and Java clients refuse such a CA. */
int
lint_ca(const struct pubkey *k, struct err *e)
{
	if (pubkey_is_sk(k))
		return err_set(e, ERR_DENIED,
		    "CA is a key of type %s, expected Ed25519, ECDSA or RSA",
		    pubkey_short_name(k));
	return lint_rsa_bits("CA", k, e);
}

int
lint_force_command(const char *c, struct err *e)
{
	const size_t n = strlen(c);
	size_t at;

	if (n == 0 || n > LINT_FORCE_MAX)
		return err_set(e, ERR_DENIED,
		    "force-command is %zu bytes, expected 1 to %d", n,
		    LINT_FORCE_MAX);
	if (!text_is_clean(c, n, &at))
		return err_set(e, ERR_DENIED,
		    "force-command has a control or invisible character at "
		    "byte %zu, expected one line of text",
		    at + 1);
	return 0;
}

int
lint_extension(const char *name, struct err *e)
{
	static const char *const known[] = {
	    "no-touch-required",
	    "permit-X11-forwarding",
	    "permit-agent-forwarding",
	    "permit-port-forwarding",
	    "permit-pty",
	    "permit-user-rc",
	};
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(name, known[i]) == 0)
			return 0;
	return err_set(e, ERR_DENIED,
	    "extension %s is not known, expected permit-pty, "
	    "permit-user-rc, permit-agent-forwarding, permit-port-forwarding, "
	    "permit-X11-forwarding or no-touch-required",
	    str_quote(quoted, name));
}
