/* SPDX-License-Identifier: ISC */
/*
 * The record of a certificate.  Every key is always there, null or empty where
 * there is nothing, so that tools which read tables see one schema.
 */
#include <string.h>

#include "ca/issue/issue.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/statement/leaf.h"

#define RECORD_VERSION 1

static void
put_hash(struct jw *w, const char *key, const struct hash *h)
{
	jw_hex(w, key, h->b, HASH_LEN);
}

static void
put_str(struct jw *w, const char *key, const char *v)
{
	if (v != NULL)
		jw_str(w, key, v);
	else
		jw_null(w, key);
}

static void
put_time(struct jw *w, const char *key, uint64_t t)
{
	/* "Forever" and the like: no certificate of ours, but an auditor may
	   meet one and has to see what it says. */
	if (t <= (uint64_t)CLOCK_MAX)
		jw_time(w, key, (int64_t)t);
	else
		jw_u64(w, key, t);
}

static void
put_fingerprint(struct jw *w, const char *key, const struct pubkey *k)
{
	char text[FINGERPRINT_MAX];

	pubkey_fingerprint(k, text);
	jw_str(w, key, text);
}

/* "10.0.0.0/8,fd00::/8" as a list. */
static void
put_source(struct jw *w, const struct cert *c)
{
	const struct cert_option *o =
	    cert_option_find(&c->critical, "source-address");
	const char *p = o != NULL && o->value != NULL ? o->value : "";

	jw_begin(w, "source", '[');
	while (*p != '\0') {
		size_t n = strcspn(p, ",");

		jw_strn(w, NULL, p, n);
		p += p[n] == ',' ? n + 1 : n;
	}
	jw_end(w, ']');
}

static void
put_asked(struct jw *w, const struct statement *request)
{
	const struct request none = {0}, *q = &request->u.r;

	if (request->type == ST_RENEW)
		q = &none;
	jw_begin(w, "asked", '{');
	jw_time(w, "at", request->at);
	if (q->length != 0)
		jw_span(w, "for", q->length);
	else
		jw_null(w, "for");
	if (q->not_before != 0)
		jw_time(w, "not_before", q->not_before);
	else
		jw_null(w, "not_before");
	jw_strs(w, "source", &q->source);
	put_str(w, "force_command", q->force_command);
	if (q->has_extensions)
		jw_strs(w, "extensions", &q->extensions);
	else
		jw_null(w, "extensions");
	jw_end(w, '}');
}

static void
put_cert(struct jw *w, const struct cert *c)
{
	const struct cert_option *command =
	    cert_option_find(&c->critical, "force-command");

	put_time(w, "valid_after", c->valid_after);
	put_time(w, "valid_before", c->valid_before);
	put_source(w, c);
	put_str(w, "force_command", command != NULL ? command->value : NULL);
	jw_bool(w, "verify_required",
	    cert_option_find(&c->critical, "verify-required") != NULL);
	jw_begin(w, "extensions", '[');
	for (size_t i = 0; i < c->extensions.n; i++)
		jw_str(w, NULL, c->extensions.v[i].name);
	jw_end(w, ']');
	jw_str(w, "key_type", pubkey_type_name(c->key));
	put_fingerprint(w, "key", c->key);
	put_fingerprint(w, "ca", c->ca);
}

static void
put_approvals(struct jw *w, const struct statement *const *decisions, size_t n)
{
	jw_begin(w, "approved_by", '[');
	for (size_t i = 0; i < n; i++) {
		const struct statement *d = decisions[i];

		jw_begin(w, NULL, '{');
		jw_str(w, "person", d->by);
		jw_time(w, "at", d->at);
		if (d->type == ST_DECISION && d->u.d.length != 0)
			jw_span(w, "for", d->u.d.length);
		else
			jw_null(w, "for");
		put_str(w, "comment",
		    d->type == ST_DECISION ? d->u.d.comment : NULL);
		put_hash(w, "decision", &d->hash);
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

static void
put_leaf(struct jw *w, const struct issue_leaf *leaf, uint64_t index)
{
	put_hash(w, "request", &leaf->request);
	put_hash(w, "policy", &leaf->policy);
	jw_u64(w, "policy_version", leaf->policy_version);
	put_hash(w, "realm", &leaf->realm);
	jw_u64(w, "rules", leaf->rules);
	jw_time(w, "now", leaf->now);
	jw_u64(w, "size", leaf->size);
	jw_u64(w, "index", index);
	jw_base64(w, "tbs", leaf->tbs, leaf->tbs_len);
}

/* A record that mixed leaves would be a lie that reads well. */
static int
check_statements(const struct issue_leaf *leaf, const struct statement *request,
    const struct statement *const *decisions, size_t n, struct err *e)
{
	if (!issue_is_request(request) ||
	    !hash_equal(&request->hash, &leaf->request))
		return err_set(e, ERR_CORRUPT,
		    "the request is not the one that the leaf names");
	if (n != leaf->n_decisions)
		return err_set(e, ERR_CORRUPT,
		    "%zu decisions, the leaf names %zu", n, leaf->n_decisions);
	for (size_t i = 0; i < n; i++)
		if (!issue_may_count(request, decisions[i]) ||
		    !hash_equal(&decisions[i]->hash, &leaf->decisions[i]))
			return err_set(e, ERR_CORRUPT,
			    "decision %zu is not the one that the leaf names",
			    i);
	return 0;
}

/* A host is called as it was when this was issued, whatever it called itself. */
static void
put_person(struct jw *w, const struct statement *request, const struct cert *c)
{
	if (request->type == ST_RENEW)
		jw_strn(w, "person", c->key_id, strcspn(c->key_id, "/"));
	else
		jw_str(w, "person", request->by);
}

static void
put_record(struct jw *w, const struct issue_leaf *leaf, uint64_t index,
    const struct statement *request, const struct statement *const *decisions,
    size_t n, const struct cert *c)
{
	const struct request none = {0}, *q = &request->u.r;

	/* What a renewal may have stands in the acceptance it names. */
	if (request->type == ST_RENEW)
		q = &none;
	jw_begin(w, NULL, '{');
	jw_int(w, "v", RECORD_VERSION);
	jw_u64(w, "serial", c->serial);
	jw_str(w, "key_id", c->key_id);
	jw_str(w, "kind", c->kind == CERT_HOST ? "host" : "user");
	put_person(w, request, c);
	jw_strs(w, "principals", &c->principals);
	put_str(w, "reason", q->reason);
	put_str(w, "ticket", q->ticket);
	put_str(w, "grant", q->grant);
	put_asked(w, request);
	put_cert(w, c);
	put_approvals(w, decisions, n);
	put_leaf(w, leaf, index);
	jw_end(w, '}');
	str_addc(w->s, '\n');
}

int
issue_record(const struct issue_leaf *leaf, uint64_t index,
    const struct statement *request, const struct statement *const *decisions,
    size_t n_decisions, struct str *out, char path[ISSUE_PATH_MAX],
    struct err *e)
{
	struct cert c;
	struct jw w;
	int r;

	cert_init(&c);
	if ((r = check_statements(leaf, request, decisions, n_decisions, e)) !=
	    0)
		goto out;
	if ((r = cert_parse_tbs(slice_of(leaf->tbs, leaf->tbs_len), &c, e)) !=
	    0) {
		err_prefix(e, "certificate to be signed of leaf %llu",
		    (unsigned long long)index);
		goto out;
	}
	jw_init(&w, out, true);
	put_record(&w, leaf, index, request, decisions, n_decisions, &c);
	if ((r = str_check(out)) != 0)
		r = err_nomem(e);
	else if (path != NULL)
		issue_record_path(c.valid_after, c.serial, ".json", path);
out:
	cert_clear(&c);
	return r;
}
