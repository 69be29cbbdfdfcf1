/* SPDX-License-Identifier: ISC */
/* Key statements and revocations of a CA's log, and its revocation list. */
#include <stdlib.h>
#include <string.h>

#include "ca/client/remote.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/crypto/hash.h"
#include "lib/ssh/krl.h"

#define ACTS_MAX     (64 * 1024 * 1024)
#define ACTS_ONE_MAX 100000
#define ACTS_ROUNDS  10000

/* Signed by whom it says, and folded in; what does not count, idles. */
static int
apply(struct remote *r, const char *text, size_t n, struct err *e)
{
	struct statement s;
	int rc;

	statement_init(&s, ST_REVOKE);
	if ((rc = statement_parse("an act of the log", slice_of(text, n), &s,
		 e)) == 0 &&
	    (rc = statement_verify(&s, e)) == 0) {
		if (!hash_equal(&s.realm, &r->trust.realm))
			rc = err_set(e, ERR_DENIED,
			    "an act of the log is of another realm");
		else
			rc = standing_apply(r->standing, r->trust.policy, &s,
			    NULL, NULL, e);
	}
	if (rc == STANDING_IDLE)
		rc = 0;
	statement_clear(&s);
	return rc;
}

static int
apply_all(struct remote *r, const json_t *acts, struct err *e)
{
	const json_t *item;
	size_t i;
	int rc;

	json_array_foreach (acts, i, item) {
		const json_t *text = json_object_get(item, "statement");

		if (!json_is_string(text))
			return err_set(e, ERR_PARSE,
			    "an act of the log has no statement");
		if ((rc = apply(r, json_string_value(text),
			 json_string_length(text), e)) != 0)
			return rc;
	}
	return 0;
}

/* --- those of before ------------------------------------------------------ */

static int
read_acts(struct remote *r, json_t **out, struct err *e)
{
	char *path = NULL, *text = NULL;
	const json_t *acts = NULL;
	json_t *o = NULL;
	size_t n = 0;
	int64_t next = 0;
	int rc;

	if ((rc = profile_path(&r->profile, "acts", &path, e)) != 0)
		return rc;
	rc = file_read(path, ACTS_MAX, &text, &n, NULL);
	if (rc == ERR_NOTFOUND) {
		rc = 0;
		goto out;
	}
	if (rc != 0 || json_read(slice_of(text, n), ACTS_MAX, &o, e) != 0 ||
	    json_int(o, "next", 0, 0, INT64_MAX, &next, e) != 0 ||
	    json_array_of(o, "acts", JSON_EMPTY_OK, ACTS_ONE_MAX, &acts, e) !=
		0) {
		rc = err_set(e, ERR_CORRUPT, "%s is damaged", path);
		err_hint(e, "rm %s; it is fetched again", path);
		json_decref(o);
		goto out;
	}
	r->next_act = (uint64_t)next;
	*out = o;
out:
	free(text);
	free(path);
	return rc;
}

int
remote_load_acts(struct remote *r, struct err *e)
{
	json_t *o = NULL;
	int rc;

	standing_free(r->standing);
	r->standing = NULL;
	r->next_act = 0;
	if (standing_new(&r->standing) != 0)
		return err_nomem(e);
	if ((rc = read_acts(r, &o, e)) != 0 || o == NULL)
		return rc;
	rc = apply_all(r, json_object_get(o, "acts"), e);
	json_decref(o);
	return rc;
}

/* --- those that are new --------------------------------------------------- */

static int
write_acts(struct remote *r, const json_t *acts, struct err *e)
{
	char *path = NULL;
	struct str s = STR_INIT;
	const json_t *item;
	struct jw w;
	size_t i;
	int rc;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_int(&w, "next", (int64_t)r->next_act);
	jw_begin(&w, "acts", '[');
	json_array_foreach (acts, i, item) {
		const json_t *text = json_object_get(item, "statement");

		jw_begin(&w, NULL, '{');
		jw_strn(&w, "statement", json_string_value(text),
		    json_string_length(text));
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	jw_end(&w, '}');
	if (str_check(&s) != 0)
		rc = err_nomem(e);
	else if ((rc = profile_path(&r->profile, "acts", &path, e)) == 0)
		rc = file_write(path, s.p, s.n, 0600, FILE_NOSYNC, e);
	free(path);
	str_clear(&s);
	return rc;
}

static int
one_round(struct remote *r, json_t *all, bool *more, struct err *e)
{
	struct str call = STR_INIT;
	const json_t *acts = NULL;
	json_t *body = NULL;
	uint64_t next = 0;
	int rc;

	str_addf(&call, "{\"call\":\"standing\",\"from\":\"%llu\"}",
	    (unsigned long long)r->next_act);
	if ((rc = remote_call(r, &call, LINK_CALL_MS, NULL, &body, e)) != 0)
		return rc;
	*more = false;
	if ((rc = json_array_of(body, "acts", JSON_EMPTY_OK, ACTS_ONE_MAX,
		 &acts, e)) != 0 ||
	    (rc = json_u64(body, "next", 0, 0, UINT64_MAX, &next, e)) != 0 ||
	    (rc = json_bool(body, "more", JSON_OPTIONAL, more, e)) != 0)
		goto out;
	if (next < r->next_act) {
		rc = err_set(e, ERR_ROLLBACK,
		    "its log has %llu leaves, fewer than the %llu that were "
		    "seen before",
		    (unsigned long long)next, (unsigned long long)r->next_act);
		goto out;
	}
	*more = *more && next > r->next_act;
	if ((rc = apply_all(r, acts, e)) != 0)
		goto out;
	if (json_array_extend(all, (json_t *)(uintptr_t)acts) != 0)
		rc = err_nomem(e);
	r->next_act = next;
out:
	if (rc != 0)
		err_prefix(e, "%s", r->profile.ca);
	json_decref(body);
	return rc;
}

int
remote_pull_acts(struct remote *r, struct err *e)
{
	uint64_t before = r->next_act;
	json_t *o = NULL, *all;
	bool more = true;
	int rc;

	if ((rc = read_acts(r, &o, e)) != 0)
		return rc;
	all =
	    o != NULL ? json_incref(json_object_get(o, "acts")) : json_array();
	json_decref(o);
	if (all == NULL)
		return err_nomem(e);
	r->next_act = before;
	for (int i = 0; i < ACTS_ROUNDS && more && rc == 0; i++)
		rc = one_round(r, all, &more, e);
	if (rc == 0 && r->next_act != before)
		rc = write_acts(r, all, e);
	json_decref(all);
	return rc;
}

/* --- the revocation list -------------------------------------------------- */

/* Signed by a log of the policy: sshd and ssh obey it, so nobody else may say
 * what is in it. */
static int
check_krl(struct remote *r, const char *text, size_t n, struct slice krl,
    struct err *e)
{
	struct statement s;
	struct hash got;
	int rc;

	statement_init(&s, ST_KRL);
	if ((rc = statement_parse("revocation list", slice_of(text, n), &s,
		 e)) != 0 ||
	    (rc = statement_verify(&s, e)) != 0)
		goto out;
	hash_sha256(krl.p, krl.n, &got);
	if (s.type != ST_KRL || !policy_signed_by_log(r->trust.policy, &s))
		rc = err_set(e, ERR_DENIED,
		    "the revocation list is signed by no log of the policy");
	else if (!hash_equal(&s.realm, &r->trust.realm) ||
	    !hash_equal(&got, &s.u.krl.file) || krl.n != s.u.krl.size)
		rc = err_set(e, ERR_DENIED,
		    "the revocation list is not the one that was signed");
out:
	statement_clear(&s);
	return rc;
}

int
remote_pull_krl(struct remote *r, struct err *e)
{
	struct str call = STR_INIT;
	const json_t *data, *text;
	struct buf *krl = NULL;
	json_t *body = NULL;
	char *path = NULL;
	int rc;

	str_add(&call, "{\"call\":\"krl\"}");
	if ((rc = remote_call(r, &call, LINK_CALL_MS, NULL, &body, e)) != 0)
		return rc;
	data = json_object_get(body, "krl");
	text = json_object_get(body, "statement");
	if (buf_new(&krl, ACTS_MAX) != 0) {
		rc = err_nomem(e);
		goto out;
	}
	if (!json_is_string(data) || !json_is_string(text) ||
	    base64_decode(json_string_value(data), json_string_length(data),
		krl) != 0) {
		rc = err_set(e, ERR_PARSE, "the revocation list is malformed");
		goto out;
	}
	if ((rc = check_krl(r, json_string_value(text),
		 json_string_length(text), buf_slice(krl), e)) == 0 &&
	    (rc = profile_path(&r->profile, "revoked.krl", &path, e)) == 0)
		rc = file_write(path, buf_slice(krl).p, buf_len(krl), 0644, 0,
		    e);
out:
	if (rc != 0)
		err_prefix(e, "%s", r->profile.ca);
	free(path);
	buf_free(krl);
	json_decref(body);
	return rc;
}
