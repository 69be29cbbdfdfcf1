/* SPDX-License-Identifier: ISC */
/*
 * Leaves besides those of the certificate: what revoked something of it, and the
 * report of the host that saw it used.  Each has a proof under the checkpoint of
 * the log that it is in, which may be another one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "ca/audit/evidence.h"
#include "lib/base/clock.h"

void
evidence_more_clear(struct evidence_more *m)
{
	statement_clear(&m->s);
	str_clear(&m->proof);
	str_clear(&m->note);
	free(m->log);
	free(m->origin);
	free(m->about);
	*m = (struct evidence_more){.proof = STR_INIT, .note = STR_INIT};
}

/* --- gathered ------------------------------------------------------------- */

int
evidence_log_key(struct audit_log *l, const struct policy *now,
    const struct pubkey **out, struct err *e)
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];
	size_t n = policy_log_keys(now, l->name, keys);
	struct slice note = slice_of(l->note, l->n_note);
	struct checkpoint head;

	for (size_t i = 0; i < n; i++) {
		const uint8_t *pk = pubkey_ed25519(keys[i]->key);
		int r = ERR_BADSIG;

		if (pk != NULL)
			r = checkpoint_open(note, l->head.origin, pk, &head,
			    NULL);
		if (r == ERR_NOMEM)
			return err_nomem(e);
		if (r != 0)
			continue;
		*out = keys[i]->key;
		return 0;
	}
	return err_set(e, ERR_BADSIG,
	    "checkpoint of %s: no key of it signed it", l->name);
}

/* What its message has that is of this certificate, for a shell to look for:
 * the beginning of it, where there is more than that can be quoted simply. */
static int
about(const struct statement *s, uint64_t serial, char **out)
{
	const struct revoke *v = &s->u.v;
	struct str text = STR_INIT;

	if (s->type != ST_REPORT && s->type != ST_REVOKE)
		str_add(&text, statement_type_name(s->type));
	else if (s->type == ST_REPORT)
		str_addf(&text, "\"serial\":\"%llu\"",
		    (unsigned long long)serial);
	else if (v->key_id != NULL)
		str_addn(&text, v->key_id,
		    strspn(v->key_id,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789._@+/-"));
	else if (v->person != NULL)
		str_addf(&text, "\"%s\"", v->person);
	else if (v->key != NULL)
		pubkey_add_line(&text, v->key, NULL);
	else
		str_addf(&text, "\"%llu\"", (unsigned long long)serial);
	return str_take(&text, out);
}

int
evidence_more_take(struct audit_log *l, const struct policy *now,
    const char *name, uint64_t index, const struct hash *want, uint64_t serial,
    struct evidence_more *m, struct err *e)
{
	struct slice bytes;
	int r;

	*m = (struct evidence_more){
	    .index = index, .proof = STR_INIT, .note = STR_INIT};
	statement_init(&m->s, ST_REVOKE);
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	if ((r = audit_source_leaf(&l->source, index, &bytes, e)) != 0 ||
	    (r = statement_parse(name, bytes, &m->s, e)) != 0 ||
	    (r = statement_verify(&m->s, e)) != 0)
		return r;
	if (!hash_equal(&m->s.hash, want))
		return err_set(e, ERR_NOTFOUND,
		    "leaf %llu of %s is another statement than the one that "
		    "was named",
		    (unsigned long long)index, l->name);
	if (m->s.type != ST_REVOKE && m->s.type != ST_REPORT &&
	    m->s.type != ST_ACCEPT && m->s.type != ST_TOKEN &&
	    m->s.type != ST_RENAME)
		return err_set(e, ERR_PARSE, "%s: it is another one", name);
	if ((r = evidence_log_key(l, now, &m->log_key, e)) != 0)
		return r;
	str_addn(&m->note, (const char *)l->note, l->n_note);
	m->log = str_dup(l->name);
	m->origin = str_dup(l->head.origin);
	if (m->log == NULL || m->origin == NULL ||
	    about(&m->s, serial, &m->about) != 0 || str_check(&m->note) != 0)
		return err_nomem(e);
	return audit_log_prove(l, index, &m->proof, e);
}

/* --- written -------------------------------------------------------------- */

/* Whose key: a person's by the policy; a host signs for itself, also with the
 * token that it was given. */
static bool
is_by_host(const struct evidence_more *m)
{
	return m->s.type == ST_REPORT ||
	    (m->s.type == ST_ACCEPT && m->s.u.accept.has_token);
}

static const char *
who_signed(const struct evidence_case *c, const struct evidence_more *m,
    size_t i)
{
	return is_by_host(m) ? m->s.by : evidence_who(c, m->s.sigs[i].key);
}

/* Are all who signed it persons of the policy that is here? */
static bool
is_known(const struct evidence_case *c, const struct evidence_more *m)
{
	for (size_t i = 0; i < m->s.n_sigs; i++)
		if (who_signed(c, m, i) == NULL)
			return false;
	return true;
}

static int
add_signatures(const struct evidence_case *c, const struct evidence_more *m,
    struct evidence *out, struct err *e)
{
	struct slice rest = evidence_signatures(&m->s), sig;
	struct str signers = STR_INIT;
	int r = 0;

	for (size_t i = 0; i < m->s.n_sigs && r == 0; i++) {
		const char *who = who_signed(c, m, i);

		if ((r = evidence_signature(&rest, &sig, e)) == 0)
			r = evidence_add(out, sig, "%s.sig.%zu", m->name,
			    i + 1);
		if (who != NULL)
			evidence_signer(&signers, who,
			    statement_namespace(m->s.type), m->s.sigs[i].key);
	}
	if (r == 0 && (r = str_check(&signers)) == 0)
		r = evidence_add(out, slice_of(signers.p, signers.n),
		    "%s.signers", m->name);
	str_clear(&signers);
	return r;
}

static int
add_more(const struct evidence_case *c, const struct evidence_more *m,
    struct evidence *out, struct err *e)
{
	const struct {
		const char *suffix;
		struct slice bytes;
	} files[] = {
	    {"message", statement_message(&m->s)},
	    {"leaf", statement_bytes(&m->s)},
	    {"tlog-proof", slice_of(m->proof.p, m->proof.n)},
	    {"checkpoint", slice_of(m->note.p, m->note.n)},
	};
	char prefix[48];
	int r = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && r == 0; i++)
		r = evidence_add(out, files[i].bytes, "%s.%s", m->name,
		    files[i].suffix);
	(void)snprintf(prefix, sizeof(prefix), "%s.", m->name);
	if (r == 0 &&
	    (r = evidence_add_log_key(out, prefix, m->origin, m->log_key)) == 0)
		r = add_signatures(c, m, out, e);
	return r;
}

int
evidence_more_files(const struct evidence_case *c, struct evidence *out,
    struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < c->n_more && r == 0; i++)
		r = add_more(c, &c->more[i], out, e);
	return r;
}

static const char stranger[] =
    "by a key that is in no policy here: it was another version";

void
evidence_more_readme(const struct evidence_case *c, struct str *out)
{
	for (size_t i = 0; i < c->n_more; i++) {
		const struct evidence_more *m = &c->more[i];
		char at[CLOCK_TEXT], hex[HASH_HEX];

		clock_format(m->s.at, at);
		hash_hex(&m->s.hash, hex);
		str_addf(out,
		    "  %-14s by %s, %s\n  %-14s sha256 %s\n  %-14s leaf %llu "
		    "of %s (%s)\n",
		    m->name, m->s.by, at, "", hex, "",
		    (unsigned long long)m->index, m->log, m->origin);
		if (m->s.type == ST_REVOKE && m->s.u.v.reason != NULL)
			str_addf(out, "  %-14s REVOKED: %s\n", "",
			    m->s.u.v.reason);
		if (m->s.type == ST_REPORT)
			str_addf(out,
			    "  %-14s what the host saw; that its key is the "
			    "host's, accept says\n",
			    "");
		if (!is_known(c, m))
			str_addf(out, "  %-14s %s\n", "", stranger);
	}
}

static void
check_signed(const struct evidence_case *c, const struct evidence_more *m,
    struct str *out)
{
	for (size_t j = 0; j < m->s.n_sigs; j++) {
		const char *who = who_signed(c, m, j);

		if (who != NULL)
			str_addf(out,
			    "signed '%s' '%s' %s '%s.sig.%zu' '%s.signers'\n",
			    m->name, who, statement_type_name(m->s.type),
			    m->name, j + 1, m->name);
	}
	if (!is_known(c, m))
		str_addf(out, "echo 'NOTE %s is %s'\n", m->name, stranger);
	else if (!is_by_host(m))
		str_addf(out, "keys '%s.signers' 0 %s\n", m->name,
		    m->s.type == ST_REVOKE ? "''" : "operators");
}

void
evidence_more_check(const struct evidence_case *c, struct str *out)
{
	for (size_t i = 0; i < c->n_more; i++) {
		const struct evidence_more *m = &c->more[i];

		check_signed(c, m, out);
		if (m->s.type == ST_REVOKE || m->s.type == ST_REPORT)
			str_addf(out,
			    "says '%s.message' '%s' "
			    "'%s is about this certificate'\n",
			    m->name, m->about, m->name);
		else
			evidence_host_check(c, m, out);
		str_addf(out, "begins '%s'\nlogged '%s' %llu '%s.checkpoint'\n",
		    m->name, m->name, (unsigned long long)m->index, m->name);
	}
}
