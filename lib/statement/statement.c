/* SPDX-License-Identifier: ISC */
#include "lib/statement/statement.h"

#include <stdlib.h>
#include <string.h>

#include "lib/statement/fields.h"

static const struct st_family *const families[] = {
    [ST_REQUEST] = &st_request,
    [ST_DECISION] = &st_decision,
    [ST_REVOKE] = &st_revoke,
    [ST_KEY] = &st_key,
    [ST_ROOT] = &st_root,
    [ST_POLICY] = &st_policy,
    [ST_KRL] = &st_krl,
    [ST_FLEET] = &st_fleet,
    [ST_JOB] = &st_job,
    [ST_ENROL] = &st_enrol,
    [ST_ACCEPT] = &st_accept,
    [ST_REJECT] = &st_reject,
    [ST_RENAME] = &st_rename,
    [ST_FORGET] = &st_forget,
    [ST_TOKEN] = &st_token,
    [ST_RENEW] = &st_renew,
    [ST_REPORT] = &st_report,
};
#define N_FAMILIES (sizeof(families) / sizeof(families[0]))

const struct st_family *
st_family(enum statement_type t)
{
	/* An enum of the caller's making may be anything. */
	return (size_t)t < N_FAMILIES ? families[t] : NULL;
}

const char *
statement_type_name(enum statement_type t)
{
	const struct st_family *f = st_family(t);

	return f != NULL ? f->name : NULL;
}

const char *
statement_namespace(enum statement_type t)
{
	const struct st_family *f = st_family(t);

	return f != NULL ? f->ns : NULL;
}

void
statement_init(struct statement *s, enum statement_type type)
{
	memset(s, 0, sizeof(*s));
	s->type = type;
}

void
statement_clear(struct statement *s)
{
	const struct st_family *f = st_family(s->type);

	if (f != NULL)
		f->clear(s);
	for (size_t i = 0; i < s->n_sigs; i++)
		sshsig_clear(&s->sigs[i]);
	free(s->sigs);
	free(s->flags);
	free(s->bytes);
	free(s->by);
	statement_init(s, s->type);
}

struct slice
statement_message(const struct statement *s)
{
	return slice_of(s->bytes, s->message_len);
}

struct slice
statement_bytes(const struct statement *s)
{
	return slice_of(s->bytes, s->n_bytes);
}

/* --- the message --- */

/* `v` and `type`: what says how to read the rest. */
static int
read_type(const json_t *o, enum statement_type *out, struct err *e)
{
	const char *type = NULL;
	char q[QUOTE_MAX];
	int64_t v;
	int r;

	if ((r = json_int(o, "v", 0, 1, 1, &v, e)) != 0 ||
	    (r = json_str(o, "type", 0, ST_WORD_MAX, &type, e)) != 0)
		return r;
	for (size_t i = 0; i < N_FAMILIES; i++) {
		if (families[i] != NULL &&
		    strcmp(families[i]->name, type) == 0) {
			*out = (enum statement_type)i;
			return 0;
		}
	}
	return err_set(e, ERR_PARSE,
	    "field 'type' is %s, expected a type of statement",
	    str_quote(q, type));
}

static int
read_object(const json_t *o, struct statement *s, struct err *e)
{
	const struct st_family *f = st_family(s->type);
	int r;

	if ((r = json_known(o, f->keys, f->n_keys, e)) != 0 ||
	    (r = st_read_hash(o, "realm", &s->realm, e)) != 0 ||
	    (r = st_read_id(o, "by", &s->by, e)) != 0 ||
	    (r = json_time(o, "at", 0, &s->at, e)) != 0 ||
	    (r = json_hex(o, "nonce", 0, s->nonce, sizeof(s->nonce), e)) != 0)
		return r;
	return f->read(o, s, e);
}

/*
 * The first line of bytes, with its LF: one object in braces with nothing
 * before or after, of clean text.
 */
static int
find_message(struct slice bytes, struct slice *line, struct err *e)
{
	const uint8_t *lf;
	size_t n, bad;

	if (bytes.n > STATEMENT_MAX)
		return err_set(e, ERR_LIMIT,
		    "statement of %zu bytes, expected at most %d", bytes.n,
		    STATEMENT_MAX);
	lf = bytes.n > 0 ? memchr(bytes.p, '\n', bytes.n) : NULL;
	if (lf == NULL)
		return err_set(e, ERR_PARSE,
		    "no end of line, expected one line of JSON");
	n = (size_t)(lf - bytes.p);
	if (n > 0 && lf[-1] == '\r')
		return err_set(e, ERR_PARSE,
		    "line ends with CR LF, expected LF alone");
	if (n < 2 || bytes.p[0] != '{' || lf[-1] != '}')
		return err_set(e, ERR_PARSE,
		    "first line is not an object in braces, expected JSON "
		    "without blanks around it");
	if (!text_is_clean((const char *)bytes.p, n, &bad))
		return err_set(e, ERR_PARSE,
		    "invisible or invalid character at byte %zu, expected "
		    "clean UTF-8",
		    bad);
	*line = slice_of(bytes.p, n + 1);
	return 0;
}

/* s is initialised; what it got is the caller's to clear, also on failure. */
static int
read_message(struct slice bytes, struct statement *s, struct err *e)
{
	struct slice line;
	json_t *o = NULL;
	int r;

	if ((r = find_message(bytes, &line, e)) != 0 ||
	    (r = json_read(line, STATEMENT_MAX, &o, e)) != 0 ||
	    (r = read_type(o, &s->type, e)) != 0 ||
	    (r = read_object(o, s, e)) != 0)
		goto out;
	if ((s->bytes = malloc(bytes.n)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	memcpy(s->bytes, bytes.p, bytes.n);
	s->n_bytes = bytes.n;
	s->message_len = line.n;
	hash_sha256(line.p, line.n, &s->hash);
out:
	json_decref(o);
	return r;
}

/* --- the signatures --- */

static int
read_signatures(struct statement *s, struct err *e)
{
	struct slice rest =
	    slice_of(s->bytes + s->message_len, s->n_bytes - s->message_len);
	size_t cap = 0, used;
	int r;

	if (rest.n == 0)
		return err_set(e, ERR_PARSE,
		    "not signed, expected an SSH SIGNATURE block after the "
		    "first line");
	while (rest.n > 0) {
		r = vec_grow(&s->sigs, s->n_sigs, &cap, STATEMENT_SIGS_MAX);
		if (r == ERR_LIMIT)
			return err_set(e, r,
			    "too many signatures, expected at most %d",
			    STATEMENT_SIGS_MAX);
		if (r != 0)
			return err_nomem(e);
		sshsig_init(&s->sigs[s->n_sigs]);
		r = sshsig_parse_armor(rest, &s->sigs[s->n_sigs], &used, e);
		if (r != 0) {
			err_prefix(e, "signature %zu", s->n_sigs + 1);
			return r;
		}
		s->n_sigs++;
		rest = slice_of(rest.p + used, rest.n - used);
	}
	if ((s->flags = calloc(s->n_sigs, sizeof(*s->flags))) == NULL)
		return err_nomem(e);
	return 0;
}

static int
parse(const char *name, struct slice bytes, bool is_signed,
    struct statement *out, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, 0);
	r = read_message(bytes, &s, e);
	if (r == 0 && is_signed)
		r = read_signatures(&s, e);
	else if (r == 0 && s.message_len != s.n_bytes)
		r = err_set(e, ERR_PARSE,
		    "bytes after the message, expected one line alone");
	if (r != 0) {
		err_prefix(e, "%s", name);
		statement_clear(&s);
		return r;
	}
	statement_clear(out);
	*out = s;
	return 0;
}

int
statement_parse(const char *name, struct slice bytes, struct statement *s,
    struct err *e)
{
	return parse(name, bytes, true, s, e);
}

int
statement_parse_message(const char *name, struct slice bytes,
    struct statement *s, struct err *e)
{
	return parse(name, bytes, false, s, e);
}

int
statement_verify(struct statement *s, struct err *e)
{
	char fp[FINGERPRINT_MAX];
	const char *ns = statement_namespace(s->type);
	int r;

	s->verified = false;
	if (ns == NULL || s->n_sigs == 0)
		return err_set(e, ERR_BADSIG,
		    "not signed, expected at least one signature");
	for (size_t i = 0; i < s->n_sigs; i++) {
		pubkey_fingerprint(s->sigs[i].key, fp);
		for (size_t j = 0; j < i; j++)
			if (pubkey_equal(s->sigs[i].key, s->sigs[j].key))
				return err_set(e, ERR_BADSIG,
				    "signed twice by %s, expected each key "
				    "once",
				    fp);
		r = sshsig_verify(&s->sigs[i], ns, statement_message(s),
		    &s->flags[i], e);
		if (r != 0) {
			err_prefix(e, "signature %zu by %s", i + 1, fp);
			/* What cannot be a signature is not one. */
			return r == ERR_PARSE ? ERR_BADSIG : r;
		}
	}
	s->verified = true;
	return 0;
}

int
statement_signed_by(const struct statement *s, const struct pubkey *k)
{
	if (!s->verified)
		return -1;
	for (size_t i = 0; i < s->n_sigs; i++)
		if (pubkey_equal(s->sigs[i].key, k))
			return (int)i;
	return -1;
}

const struct hash *
statement_enrol_of(const struct statement *s)
{
	if (s->type == ST_ACCEPT)
		return &s->u.accept.enrol;
	if (s->type == ST_REJECT && s->u.reject.host == NULL)
		return &s->u.reject.enrol;
	return NULL;
}
