/* SPDX-License-Identifier: ISC */
/*
 * What moves at once when a master brings it: policy, acceptance, revocation
 * list, certificate; and what the host says for them, enrol and renew.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/minion/applier.h"
#include "agent/minion/grains.h"
#include "agent/minion/spool.h"
#include "lib/base/clock.h"
#include "lib/bundle/bundles.h"
#include "lib/crypto/random.h"
#include "lib/trust/fleet_accepted.h"

#define AHEAD 300 /* seconds the clock of a CA may be ahead */

/* --- enrol ---------------------------------------------------------------- */

static int
add_grains(struct applier *a, struct enrol_statement *s, struct err *e)
{
	struct grains g = {0};
	int r;

	if ((r = grains_read(a->host, a->state_dir, &g, e)) != 0)
		return r;
	if ((s->grains = calloc(g.n > 0 ? g.n : 1, sizeof(*s->grains))) == NULL)
		r = err_nomem(e);
	for (size_t i = 0; r == 0 && i < g.n; i++) {
		s->grains[i].name = str_dup(g.v[i].name);
		s->grains[i].value = str_dup(g.v[i].value);
		s->n_grains++;
		if (s->grains[i].name == NULL || s->grains[i].value == NULL)
			r = err_nomem(e);
	}
	grains_clear(&g);
	return r;
}

int
applier_wish(const struct applier *a, char **out, struct err *e)
{
	struct utsname u;
	char *p;

	if (uname(&u) != 0)
		return err_sys(e, "uname");
	for (p = u.nodename; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p | 0x20);
	if (a->config.id != NULL)
		*out = str_dup(a->config.id);
	else
		*out = str_dup(id_is_valid(u.nodename) ? u.nodename : "host");
	return *out != NULL ? 0 : err_nomem(e);
}

static int
set_hostname(struct enrol_statement *s, struct err *e)
{
	struct utsname u;

	if (uname(&u) != 0)
		return err_sys(e, "uname");
	s->hostname = str_dup(u.nodename);
	return s->hostname != NULL ? 0 : err_nomem(e);
}

static int
set_realm(struct applier *a, struct hash *out, struct err *e)
{
	if (a->held.have) {
		*out = a->held.realm;
		return 0;
	}
	if (a->config.root == NULL)
		return err_set(e, ERR_USAGE,
		    "nothing is trusted yet, expected root: SHA256:... in %s",
		    a->config_path);
	if (hash_from_fingerprint(a->config.root, out) != 0)
		return err_set(e, ERR_USAGE,
		    "%s: '%s' is no fingerprint, expected SHA256:...",
		    a->config_path, a->config.root);
	return 0;
}

int
applier_sign(struct applier *a, struct key *k, struct statement *s,
    struct str *out, struct err *e)
{
	int r;

	s->at = a->now;
	random_bytes(s->nonce, sizeof(s->nonce));
	if ((r = statement_encode(s, out, e)) != 0)
		return r;
	if ((r = key_sshsig(k, statement_namespace(s->type),
		 slice_of(out->p, out->n), out, e)) != 0)
		return r;
	return str_check(out) == 0 ? 0 : err_nomem(e);
}

int
verb_enrol(struct applier *a, struct err *e)
{
	struct str text = STR_INIT;
	const char *line = NULL;
	struct statement s;
	int r;

	statement_init(&s, ST_ENROL);
	if ((r = json_str(a->args, "transport_key", 0, PUBKEY_LINE_MAX, &line,
		 e)) != 0 ||
	    (r = pubkey_parse_line(line, strlen(line), &s.u.enrol.transport_key,
		 NULL, e)) != 0 ||
	    (r = pubkey_dup(applier_host_key(a), &s.u.enrol.host_key)) != 0 ||
	    (r = set_realm(a, &s.realm, e)) != 0 ||
	    (r = set_hostname(&s.u.enrol, e)) != 0 ||
	    (r = applier_wish(a, &s.by, e)) != 0 ||
	    (r = add_grains(a, &s.u.enrol, e)) != 0)
		goto out;
	boot_id_read(s.u.enrol.boot_id);
	if ((r = applier_sign(a, a->host_key, &s, &text, e)) == 0)
		jw_str(&a->w, "statement", text.p);
out:
	str_clear(&text);
	statement_clear(&s);
	return r;
}

/* --- policy --------------------------------------------------------------- */

/* Of a chain in the spool.  The caller frees. */
static int
read_chain(struct applier *a, struct bundle_chain **out, struct err *e)
{
	int r;

	if ((*out = calloc(1, sizeof(**out))) == NULL)
		return err_nomem(e);
	applier_as_link(a, true);
	r = bundles_read(a->spool, *out, e);
	applier_as_link(a, false);
	return r;
}

int
verb_policy(struct applier *a, struct err *e)
{
	struct bundle_chain *c = NULL;
	struct trust t;
	struct held h = a->held;
	struct hash pin;
	int r;

	trust_init(&t);
	if ((r = set_realm(a, &pin, e)) != 0 ||
	    (r = read_chain(a, &c, e)) != 0 ||
	    (r = agent_policy_accept(c, &pin, a->now, &h, &t, e)) != 0 ||
	    (r = bundles_store(a->state_dir, c, e)) != 0)
		goto out;
	a->held = h;
	if ((r = applier_save(a, e)) != 0)
		goto out;
	trust_clear(&a->trust);
	a->trust = t;
	trust_init(&t);
out:
	if (c != NULL)
		bundle_chain_clear(c);
	free(c);
	trust_clear(&t);
	return r;
}

/* --- acceptance ----------------------------------------------------------- */

int
applier_read_statement(struct applier *a, const char *name, struct statement *s,
    struct err *e)
{
	char *text = NULL;
	size_t n;
	int r;

	if ((r = applier_read_spool(a, name, STATEMENT_MAX, &text, &n, e)) ==
		0 &&
	    (r = statement_parse(name, slice_of(text, n), s, e)) == 0)
		r = statement_verify(s, e);
	free(text);
	return r;
}

static int
keep_acceptance(struct applier *a, struct statement *s, struct err *e)
{
	struct held before = a->held;
	int r;

	/* The one that is held says nothing new: the host may be renamed. */
	if (hash_equal(&a->held.accept, &s->hash) && a->held.host[0] != '\0')
		return 0;
	if ((r = applier_write_next(a, "accept", statement_bytes(s), e)) != 0)
		return r;
	a->held.has_renamed = false;
	memset(a->held.host, 0, sizeof(a->held.host));
	memcpy(a->held.host, s->u.accept.host, strlen(s->u.accept.host));
	a->held.accept = s->hash;
	a->held.accepted_at = s->at;
	if ((r = applier_save(a, e)) != 0) {
		a->held = before;
		return r;
	}
	applier_take_next(a, "accept");
	if (before.has_renamed)
		applier_drop_rename(a, &before.renamed);
	return 0;
}

int
verb_accept(struct applier *a, struct err *e)
{
	struct statement accept, enrol, token;
	bool by_token;
	int r;

	statement_init(&accept, ST_ACCEPT);
	statement_init(&enrol, ST_ENROL);
	statement_init(&token, ST_TOKEN);
	if ((r = applier_read_statement(a, SPOOL_ACCEPT, &accept, e)) != 0 ||
	    (r = applier_read_statement(a, SPOOL_ENROL, &enrol, e)) != 0)
		goto out;
	by_token = accept.type == ST_ACCEPT && accept.u.accept.has_token;
	if (by_token &&
	    (r = applier_read_statement(a, SPOOL_TOKEN, &token, e)) != 0)
		goto out;
	if (enrol.type != ST_ENROL)
		r = err_set(e, ERR_PARSE, "enrol: not an enrol statement");
	else if ((r = applier_unrevoked(a, &accept, "acceptance", e)) == 0 &&
	    (r = applier_unrevoked(a, &token, "token", e)) == 0)
		/* Whose link this is was said when it enrolled. */
		r = fleet_accepted(&a->trust, &accept, &enrol,
		    by_token ? &token : NULL, applier_host_key(a),
		    enrol.u.enrol.transport_key, a->held.accepted_at, a->now,
		    e);
	if (r == 0 && (r = keep_acceptance(a, &accept, e)) == 0) {
		statement_clear(&a->accept);
		a->accept = accept;
		statement_init(&accept, ST_ACCEPT);
	}
out:
	statement_clear(&accept);
	statement_clear(&enrol);
	statement_clear(&token);
	return r;
}

/* --- the host certificate ------------------------------------------------- */

/* Of the acceptance, or of what renamed the host since. */
static const struct strs *
names_of(const struct applier *a)
{
	return a->held.has_renamed ? &a->rename.u.rename.names
				   : &a->accept.u.accept.names;
}

static int
judge_names(const struct applier *a, const struct cert *c, struct err *e)
{
	for (size_t i = 0; i < c->principals.n; i++)
		if (!strs_has(names_of(a), c->principals.v[i]))
			return err_set(e, ERR_DENIED,
			    "certificate is for %s, which is no name of this "
			    "host",
			    c->principals.v[i]);
	if (c->principals.n == 0)
		return err_set(e, ERR_DENIED,
		    "certificate is for every host, expected names");
	return 0;
}

static int
judge_certificate(const struct applier *a, struct slice blob,
    const struct cert *c, struct err *e)
{
	const struct authority *ca =
	    policy_authority_of_key(a->trust.policy, c->ca);

	if (c->kind != CERT_HOST)
		return err_set(e, ERR_DENIED,
		    "certificate is no host certificate");
	if (!pubkey_equal(c->key, applier_host_key(a)))
		return err_set(e, ERR_DENIED,
		    "certificate is of another host's key");
	if (ca == NULL || !ca->host)
		return err_set(e, ERR_DENIED,
		    "certificate is by a CA that is no host CA of the policy");
	if (c->critical.n > 0)
		return err_set(e, ERR_DENIED,
		    "certificate has critical options, expected none");
	if (c->valid_after > (uint64_t)a->now + AHEAD)
		return err_set(e, ERR_DENIED, "certificate is from the future");
	if (c->valid_before > CLOCK_MAX)
		return err_set(e, ERR_DENIED, "certificate is for good");
	if ((int64_t)c->valid_before <= a->now)
		return err_set(e, ERR_EXPIRED, "certificate has expired");
	return cert_verify_by(c, ca->key, blob, e);
}

/* Line to certificate; blob is the caller's. */
static int
parse_line(const char *text, size_t n, struct buf *blob, struct cert *c,
    struct err *e)
{
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (cert_parse_line(text, n, blob, e) != 0)
		return ERR_PARSE;
	return cert_parse(buf_slice(blob), c, e);
}

int
verb_certificate(struct applier *a, struct err *e)
{
	struct buf *blob = NULL;
	char *text = NULL;
	struct cert c;
	size_t n;
	int r;

	cert_init(&c);
	if ((r = applier_is_accepted(a, e)) != 0 ||
	    (r = applier_read_spool(a, SPOOL_CERTIFICATE, CERT_LINE_MAX, &text,
		 &n, e)) != 0)
		goto out;
	if (buf_new(&blob, CERT_MAX) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = parse_line(text, n, blob, &c, e)) != 0 ||
	    (r = judge_certificate(a, buf_slice(blob), &c, e)) != 0 ||
	    (r = judge_names(a, &c, e)) != 0)
		goto out;
	r = applier_write(a, "certificate", slice_of(text, n), e);
out:
	cert_clear(&c);
	buf_free(blob);
	free(text);
	return r;
}

/* Two thirds of the life of the one there is; 0: there is none. */
static int64_t
renew_at(struct applier *a)
{
	struct buf *blob = NULL;
	char *text = NULL;
	struct cert c;
	int64_t at = 0, after, before;
	size_t n;

	cert_init(&c);
	if (applier_read(a, "certificate", CERT_LINE_MAX, &text, &n, NULL) ==
		0 &&
	    buf_new(&blob, CERT_MAX) == 0 &&
	    parse_line(text, n, blob, &c, NULL) == 0 &&
	    pubkey_equal(c.key, applier_host_key(a)) &&
	    judge_names(a, &c, NULL) == 0 && c.valid_before <= CLOCK_MAX) {
		after = (int64_t)c.valid_after;
		before = (int64_t)c.valid_before;
		at = after + (before - after) / 3 * 2;
	}
	cert_clear(&c);
	buf_free(blob);
	free(text);
	return at;
}

int
verb_renew(struct applier *a, struct err *e)
{
	struct str text = STR_INIT;
	struct statement s;
	int64_t at;
	int r;

	statement_init(&s, ST_RENEW);
	if ((r = applier_is_accepted(a, e)) != 0)
		goto out;
	if ((at = renew_at(a)) > a->now) {
		jw_int(&a->w, "in", at - a->now);
		goto out;
	}
	if (a->accept.u.accept.renew_until < a->now) {
		r = err_set(e, ERR_EXPIRED,
		    "the acceptance of this host ended: its certificate is "
		    "renewed no more");
		(void)applier_alarm(a, "renew", e);
		goto out;
	}
	s.realm = a->held.realm;
	s.u.renew.accept = a->held.accept;
	if ((s.by = str_dup(a->held.host)) == NULL ||
	    pubkey_dup(applier_host_key(a), &s.u.renew.key) != 0)
		r = err_nomem(e);
	else if ((r = applier_sign(a, a->host_key, &s, &text, e)) == 0)
		jw_str(&a->w, "statement", text.p);
out:
	str_clear(&text);
	statement_clear(&s);
	return r;
}
