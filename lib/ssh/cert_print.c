/* SPDX-License-Identifier: ISC */
/*
 * Certificates shown, as `ssh-keygen -L` of OpenSSH shows them, so that who
 * knows one reads the other and scripts need not care which they call.
 */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/ssh/cert.h"

#define FIELD "        "
#define ITEM  "                "

/* ssh-keygen prints what is there; a terminal must not obey it. */
static void
add_text(struct str *s, const char *text)
{
	const size_t n = strlen(text);

	if (text_is_clean(text, n, NULL)) {
		str_add(s, text);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c < 0x7f)
			str_addc(s, text[i]);
		else
			str_addf(s, "\\x%02x", c);
	}
}

static void
add_key(struct str *s, const char *label, const struct pubkey *k,
    const char *suffix)
{
	char fp[FINGERPRINT_MAX];

	pubkey_fingerprint(k, fp);
	str_addf(s, FIELD "%s: %s%s %s", label, pubkey_short_name(k), suffix,
	    fp);
}

static void
add_ca(struct str *s, const struct cert *c)
{
	struct view v = view_of(c->signature, c->signature_len);
	struct slice alg;

	add_key(s, "Signing CA", c->ca, "");
	if (c->signature != NULL && view_get_string(&v, &alg) == 0 &&
	    text_is_clean((const char *)alg.p, alg.n, NULL)) {
		str_add(s, " (using ");
		str_addn(s, (const char *)alg.p, alg.n);
		str_addc(s, ')');
	}
	str_addc(s, '\n');
}

/* "2026-11-23T02:36:00": ssh-keygen says no zone. */
static void
add_time(struct str *s, const char *word, uint64_t t)
{
	char text[CLOCK_TEXT];

	str_add(s, word);
	if (t > (uint64_t)CLOCK_MAX) {
		str_addf(s, "@%llu", (unsigned long long)t);
		return;
	}
	clock_format((int64_t)t, text);
	str_addn(s, text, strlen(text) - 1); /* without the Z */
}

static void
add_validity(struct str *s, uint64_t after, uint64_t before)
{
	str_add(s, FIELD "Valid: ");
	if (after == 0 && before == UINT64_MAX) {
		str_add(s, "forever");
	} else if (after == 0) {
		add_time(s, "before ", before);
	} else if (before == UINT64_MAX) {
		add_time(s, "after ", after);
	} else {
		add_time(s, "from ", after);
		add_time(s, " to ", before);
	}
	str_addc(s, '\n');
}

static void
add_principals(struct str *s, const struct strs *l)
{
	str_add(s, FIELD "Principals: ");
	if (l->n == 0)
		str_add(s, "(none)");
	for (size_t i = 0; i < l->n; i++) {
		str_add(s, "\n" ITEM);
		add_text(s, l->v[i]);
	}
	str_addc(s, '\n');
}

/* What sshd knows.  The rest is shown as ssh-keygen shows it: unknown. */
static const struct known {
	const char *name;
	bool critical;
	bool has_value;
} known[] = {
    {"permit-X11-forwarding", false, false},
    {"permit-agent-forwarding", false, false},
    {"permit-port-forwarding", false, false},
    {"permit-pty", false, false},
    {"permit-user-rc", false, false},
    {"no-touch-required", false, false},
    {"force-command", true, true},
    {"source-address", true, true},
    {"verify-required", true, false},
};

static bool
is_known(const struct cert_option *o, bool critical)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].critical == critical &&
		    known[i].has_value == (o->value != NULL) &&
		    strcmp(known[i].name, o->name) == 0)
			return true;
	return false;
}

static void
add_option(struct str *s, const struct cert_option *o, bool critical)
{
	str_add(s, ITEM);
	add_text(s, o->name);
	if (is_known(o, critical)) {
		if (o->value != NULL) {
			str_addc(s, ' ');
			add_text(s, o->value);
		}
	} else if (o->value != NULL) {
		/* The data in hex: the length of the value, then it. */
		const size_t n = strlen(o->value);

		str_addf(s, " UNKNOWN OPTION: %08zx", n);
		str_add_hex(s, o->value, n);
		str_addf(s, " (len %zu)", n + 4);
	} else {
		str_add(s, " UNKNOWN FLAG OPTION");
	}
	str_addc(s, '\n');
}

static void
add_options(struct str *s, const char *label, const struct cert_options *l,
    bool critical)
{
	str_addf(s, FIELD "%s: %s\n", label, l->n == 0 ? "(none)" : "");
	for (size_t i = 0; i < l->n; i++)
		add_option(s, &l->v[i], critical);
}

void
cert_print(struct str *s, const struct cert *c)
{
	str_addf(s, FIELD "Type: %s %s certificate\n",
	    cert_type_name(pubkey_type(c->key)),
	    c->kind == CERT_HOST ? "host" : "user");
	add_key(s, "Public key", c->key, "-CERT");
	str_addc(s, '\n');
	add_ca(s, c);
	str_add(s, FIELD "Key ID: \"");
	add_text(s, c->key_id);
	str_add(s, "\"\n");
	str_addf(s, FIELD "Serial: %llu\n", (unsigned long long)c->serial);
	add_validity(s, c->valid_after, c->valid_before);
	add_principals(s, &c->principals);
	add_options(s, "Critical Options", &c->critical, true);
	add_options(s, "Extensions", &c->extensions, false);
}
