/* SPDX-License-Identifier: ISC */
/* The rules for a certificate as a whole. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/ssh/cidr.h"
#include "lib/ssh/lint.h"

static int
lint_keys(const struct cert *c, struct err *e)
{
	int r;

	if (c->key == NULL || c->ca == NULL || c->key_id == NULL)
		return err_set(e, ERR_DENIED,
		    "certificate lacks a field, expected subject, CA and "
		    "key id");
	if ((r = lint_subject(c->key, e)) != 0 || (r = lint_ca(c->ca, e)) != 0)
		return r;
	if (pubkey_equal(c->key, c->ca))
		return err_set(e, ERR_DENIED,
		    "subject is the CA's own key, expected another one");
	return 0;
}

/* A CA that signs nothing unforeseeable gives no chosen-prefix collision. */
static int
lint_nonce(const struct cert *c, struct err *e)
{
	if (c->nonce == NULL || c->nonce_len != CERT_NONCE_LEN)
		return err_set(e, ERR_DENIED, "nonce is %zu bytes, expected %d",
		    c->nonce_len, CERT_NONCE_LEN);
	return 0;
}

/*
 * No list revokes serial 0.  2^64-1 ("forever") is refused by Rust's ssh-key,
 * times from 2^63 on are long past to Go; no clock of ours prints beyond
 * CLOCK_MAX.
 */
static int
lint_numbers(const struct cert *c, struct err *e)
{
	if (c->kind != CERT_USER && c->kind != CERT_HOST)
		return err_set(e, ERR_DENIED,
		    "kind of the certificate is neither user nor host");
	if (c->serial == 0)
		return err_set(e, ERR_DENIED,
		    "serial is 0, which no list can revoke");
	if (c->valid_before > (uint64_t)CLOCK_MAX)
		return err_set(e, ERR_DENIED,
		    "validity never ends, expected an end by 9999-12-31");
	if (c->valid_after >= c->valid_before)
		return err_set(e, ERR_DENIED, "validity ends before it starts");
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
lint_principals(const struct cert *c, struct err *e)
{
	const char *sorted[CERT_PRINCIPALS_MAX];
	const size_t n = c->principals.n;
	char quoted[QUOTE_MAX];
	int r;

	/* Go and sshd before 10.3 read an empty list as everybody. */
	if (n == 0 || n > CERT_PRINCIPALS_MAX)
		return err_set(e, ERR_DENIED,
		    "certificate has %zu principals, expected 1 to %d", n,
		    CERT_PRINCIPALS_MAX);
	for (size_t i = 0; i < n; i++) {
		sorted[i] = c->principals.v[i];
		if ((r = lint_principal(c->kind, sorted[i], e)) != 0)
			return r;
	}
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			return err_set(e, ERR_DENIED,
			    "principal %s is there twice",
			    str_quote(quoted, sorted[i]));
	return 0;
}

/* Go refuses a list that is not strictly increasing; sshd says nothing. */
static int
lint_order(const char *what, const struct cert_options *o, struct err *e)
{
	for (size_t i = 1; i < o->n; i++)
		if (strcmp(o->v[i - 1].name, o->v[i].name) >= 0)
			return err_set(e, ERR_DENIED,
			    "%s are not sorted, or one is there twice", what);
	return 0;
}

/* sshd's list: commas, no blank, no empty entry. */
static int
lint_sources(const struct cert_option *o, struct err *e)
{
	const char *p = o->value;
	char one[CIDR_MAX + 2];
	size_t len, kept;
	int r;

	for (;; p += len + 1) {
		len = strcspn(p, ",");
		/* What is cut here is too long to be an address. */
		kept = len < sizeof(one) ? len : sizeof(one) - 1;
		memcpy(one, p, kept);
		one[kept] = '\0';
		if ((r = lint_source(one, e)) != 0)
			return r;
		if (p[len] == '\0')
			return 0;
	}
}

/* To a key that is no token sshd applies neither, and says nothing. */
static int
lint_token_only(const struct cert *c, const char *name, struct err *e)
{
	if (!pubkey_is_sk(c->key))
		return err_set(e, ERR_DENIED,
		    "%s has no meaning for a key of type %s, expected a "
		    "security key",
		    name, pubkey_short_name(c->key));
	return 0;
}

static int
lint_flag(const struct cert_option *o, struct err *e)
{
	char quoted[QUOTE_MAX];

	if (o->value != NULL)
		return err_set(e, ERR_DENIED,
		    "option %s has a value, expected none",
		    str_quote(quoted, o->name));
	return 0;
}

static int
lint_critical(const struct cert *c, const struct cert_option *o, struct err *e)
{
	char quoted[QUOTE_MAX];
	int r;

	if (strcmp(o->name, "verify-required") == 0) {
		if ((r = lint_flag(o, e)) != 0)
			return r;
		return lint_token_only(c, o->name, e);
	}
	if (strcmp(o->name, "force-command") == 0 && o->value != NULL)
		return lint_force_command(o->value, e);
	if (strcmp(o->name, "source-address") == 0 && o->value != NULL)
		return lint_sources(o, e);
	return err_set(e, ERR_DENIED,
	    "critical option %s is not known or has no value, expected "
	    "force-command, source-address or verify-required",
	    str_quote(quoted, o->name));
}

/* sshd lets no critical option pass in a host certificate, and knows no
 * extension there. */
static int
lint_host_options(const struct cert *c, struct err *e)
{
	if (c->critical.n != 0 || c->extensions.n != 0)
		return err_set(e, ERR_DENIED,
		    "host certificate has options, expected none");
	return 0;
}

static int
lint_user_options(const struct cert *c, struct err *e)
{
	const struct cert_option *o;
	int r;

	if ((r = lint_order("critical options", &c->critical, e)) != 0 ||
	    (r = lint_order("extensions", &c->extensions, e)) != 0)
		return r;
	for (o = c->critical.v; o < c->critical.v + c->critical.n; o++)
		if ((r = lint_critical(c, o, e)) != 0)
			return r;
	for (o = c->extensions.v; o < c->extensions.v + c->extensions.n; o++) {
		if ((r = lint_extension(o->name, e)) != 0 ||
		    (r = lint_flag(o, e)) != 0)
			return r;
		if (strcmp(o->name, "no-touch-required") == 0 &&
		    (r = lint_token_only(c, o->name, e)) != 0)
			return r;
	}
	return 0;
}

int
lint_cert(const struct cert *c, struct err *e)
{
	int r;

	if ((r = lint_keys(c, e)) != 0 || (r = lint_nonce(c, e)) != 0 ||
	    (r = lint_numbers(c, e)) != 0 ||
	    (r = lint_key_id(c->key_id, e)) != 0 ||
	    (r = lint_principals(c, e)) != 0)
		return r;
	return c->kind == CERT_HOST ? lint_host_options(c, e)
				    : lint_user_options(c, e);
}
