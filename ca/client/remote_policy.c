/* SPDX-License-Identifier: ISC */
/* The policy of a CA: fetched whole, verified from the pinned root, never older
 * than what was seen. */
#include <stdlib.h>
#include <string.h>

#include "ca/client/chain.h"
#include "ca/client/remote.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

/* --- the files that MANIFEST names ---------------------------------------- */

static int
fetch_object(struct remote *r, const char *hex, struct buf *out, struct err *e)
{
	struct str call = STR_INIT;
	const json_t *data;
	json_t *body = NULL;
	int rc;

	str_addf(&call, "{\"call\":\"object\",\"sha256\":\"%s\"}", hex);
	if ((rc = remote_call(r, &call, LINK_CALL_MS, NULL, &body, e)) != 0)
		return rc;
	data = json_object_get(body, "data");
	if (!json_is_string(data) ||
	    base64_decode(json_string_value(data), json_string_length(data),
		out) != 0)
		rc = err_set(e, ERR_PARSE,
		    "%s: a file of the policy is not in base64", r->profile.ca);
	json_decref(body);
	return rc;
}

/* From what was fetched before, by content, else from the CA. */
static int
get_object(struct remote *r, const struct hash *h, struct buf *out,
    struct err *e)
{
	char hex[HASH_HEX], *path = NULL, *text = NULL;
	struct hash got;
	size_t n = 0;
	int rc;

	hash_hex(h, hex);
	if (path_joinf(&path, "%s/bundle/%s", r->profile.dir, hex) != 0)
		return err_nomem(e);
	rc = file_read(path, POLICY_FILE_MAX, &text, &n, NULL);
	free(path);
	if (rc == 0) {
		hash_sha256(text, n, &got);
		rc = hash_equal(&got, h) ? buf_put(out, text, n) : ERR_CORRUPT;
		free(text);
		if (rc == 0)
			return 0;
	}
	if ((rc = fetch_object(r, hex, out, e)) != 0)
		return rc;
	hash_sha256(buf_slice(out).p, buf_len(out), &got);
	if (!hash_equal(&got, h))
		return err_set(e, ERR_PARSE,
		    "%s: a file of the policy is not what its MANIFEST names",
		    r->profile.ca);
	return 0;
}

static int
get_files(struct remote *r, struct bundle_chain *c, struct err *e)
{
	struct manifest m = {0};
	struct buf *b = NULL;
	int rc;

	if ((rc = manifest_parse(c->manifest, &m, e)) != 0)
		return rc;
	if (buf_new(&b, POLICY_FILE_MAX) != 0)
		rc = err_nomem(e);
	for (size_t i = 0; i < m.n && rc == 0; i++) {
		buf_reset(b);
		if ((rc = get_object(r, &m.v[i].hash, b, e)) != 0)
			break;
		if (policy_files_add(&c->files, m.v[i].path, buf_slice(b).p,
			buf_len(b)) != 0)
			rc = err_nomem(e);
	}
	policy_files_sort(&c->files);
	buf_free(b);
	manifest_clear(&m);
	return rc;
}

/* --- forward only --------------------------------------------------------- */

static int
check_forward(const struct trust *held, const struct trust *fresh,
    const struct bundle_chain *c, struct err *e)
{
	struct statement s;
	int r;

	if (fresh->root_version < held->root_version ||
	    fresh->policy->version < held->policy->version)
		return err_set(e, ERR_ROLLBACK,
		    "its policy is %llu (root %llu), older than %llu (root "
		    "%llu), which was seen before",
		    (unsigned long long)fresh->policy->version,
		    (unsigned long long)fresh->root_version,
		    (unsigned long long)held->policy->version,
		    (unsigned long long)held->root_version);
	if (fresh->policy->version == held->policy->version)
		return hash_equal(&fresh->policy->hash, &held->policy->hash)
		    ? 0
		    : err_set(e, ERR_ROLLBACK,
			  "its policy %llu is another than was seen before",
			  (unsigned long long)fresh->policy->version);
	if (fresh->policy->version > held->policy->version + 1)
		return 0;
	statement_init(&s, ST_POLICY);
	r = statement_parse("policy bundle", c->statement, &s, e);
	if (r == 0 && !hash_equal(&s.u.bundle.previous, &held->policy->hash))
		r = err_set(e, ERR_ROLLBACK,
		    "its policy %llu does not follow the one that was seen "
		    "before",
		    (unsigned long long)fresh->policy->version);
	statement_clear(&s);
	return r;
}

static int
verify(struct remote *r, const struct bundle_chain *c, bool store,
    struct err *e)
{
	struct bundle_input in;
	struct trust fresh;
	int rc;

	trust_init(&fresh);
	bundle_chain_input(c, &in);
	/* An empty trust takes the newest version of several at once, and the
	 * whole chain of roots down to the pinned one. */
	rc = trust_update(&fresh, &in, &r->profile.realm, 0, e);
	if (rc < 0)
		goto out;
	rc = 0;
	if (r->trust.have && (rc = check_forward(&r->trust, &fresh, c, e)) != 0)
		goto out;
	if (store && (rc = bundles_store(r->profile.dir, c, e)) != 0)
		goto out;
	trust_clear(&r->trust);
	r->trust = fresh;
	trust_init(&fresh);
out:
	trust_clear(&fresh);
	if (rc != 0)
		err_prefix(e, "%s", r->profile.ca);
	return rc;
}

static int
take_chain(struct remote *r, const json_t *body, struct bundle_chain *c,
    struct err *e)
{
	int rc;

	if ((rc = chain_parse(body, c, e)) != 0) {
		err_prefix(e, "%s: policy", r->profile.ca);
		return rc;
	}
	return get_files(r, c, e);
}

int
remote_pull_policy(struct remote *r, bool store, struct err *e)
{
	struct bundle_chain *c = NULL;
	struct str call = STR_INIT;
	json_t *body = NULL;
	int rc;

	if (store && r->trust.have &&
	    r->trust.policy->version == r->their_policy) {
		char *path = NULL;
		bool there;

		if (path_joinf(&path, "%s/bundle/policy.%llu", r->profile.dir,
			(unsigned long long)r->their_policy) != 0)
			return err_nomem(e);
		there = file_exists(path);
		free(path);
		if (there)
			return 0;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	str_add(&call, "{\"call\":\"policy\"}");
	rc = remote_call(r, &call, LINK_CALL_MS, NULL, &body, e);
	if (rc == 0 && (rc = take_chain(r, body, c, e)) == 0)
		rc = verify(r, c, store, e);
	json_decref(body);
	bundle_chain_clear(c);
	free(c);
	return rc;
}
