/* SPDX-License-Identifier: ISC */
/*
 * Keys that the policy does not name: each came in by a key statement that an
 * older key of the same person signed as well, and those older ones are in a
 * file of their own, so that no key can let itself in.
 */
#include <string.h>

#include "ca/audit/evidence.h"

static bool
adds_key(const struct evidence_said *x)
{
	return x->s.type == ST_KEY && strncmp(x->name, "key-", 4) == 0;
}

static bool
decides_key(const struct evidence_said *x)
{
	return x->s.type == ST_DECISION && strncmp(x->name, "key-", 4) == 0 &&
	    strchr(x->name + 4, '-') != NULL;
}

static int
add_signers(const struct evidence_case *c, const struct evidence_said *x,
    struct evidence *out)
{
	const struct statement *s = &x->s;
	struct str lines = STR_INIT;
	int r;

	for (size_t i = 0; i < s->n_sigs; i++) {
		const struct pubkey *k = s->sigs[i].key;
		const char *who = evidence_who(c, k);

		if (!pubkey_equal(k, s->u.k.key) && who != NULL &&
		    strcmp(who, s->by) == 0)
			evidence_signer(&lines, who, "key@writ", k);
	}
	if ((r = str_check(&lines)) == 0)
		r = evidence_add(out, slice_of(lines.p, lines.n), "%s.signers",
		    x->name);
	str_clear(&lines);
	return r;
}

int
evidence_older_files(const struct evidence_case *c, struct evidence *out)
{
	int r = 0;

	for (size_t i = 0; i < c->n_said && r == 0; i++)
		if (adds_key(&c->said[i]))
			r = add_signers(c, &c->said[i], out);
	return r;
}

/* Before any key is looked up, since one may be there by such a statement. */
void
evidence_older_count(const struct evidence_case *c, struct str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_said; i++)
		n += adds_key(&c->said[i]);
	if (n > 0)
		str_addf(out, "acts=%zu\n", n);
}

/* What a decision is about that is here to let a key in: key-N-decision-M. */
static void
check_decision(const struct evidence_said *x, struct str *out)
{
	const char *dash = strchr(x->name + 4, '-');
	int n = (int)(dash - x->name);

	str_addf(out,
	    "sum '%.*s.message'\n"
	    "says '%s.message' \"$h\" '%s is about %.*s'\n",
	    n, x->name, x->name, x->name, n, x->name);
}

void
evidence_older_check(const struct evidence_case *c, struct str *out)
{
	for (size_t i = 0; i < c->n_said; i++) {
		const struct evidence_said *x = &c->said[i];

		if (adds_key(x))
			str_addf(out, "older %s '%s'\n", x->name + 4, x->s.by);
		else if (decides_key(x))
			check_decision(x, out);
	}
}
