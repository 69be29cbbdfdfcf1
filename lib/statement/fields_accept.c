/* SPDX-License-Identifier: ISC */
/* accept, reject, rename, forget, token: who a host is. */
#include "lib/statement/fields.h"

#include <stdlib.h>
#include <string.h>

static const char *const accept_keys[] = {ST_COMMON, "host", "enrol",
    "host_key", "transport_key", "names", "roles", "renew_until", "replace",
    "token"};
static const char *const reject_keys[] = {ST_COMMON, "host", "enrol", "reason"};
static const char *const rename_keys[] = {ST_COMMON, "host", "to", "names"};
static const char *const forget_keys[] = {ST_COMMON, "host", "reason"};
static const char *const token_keys[] = {
    ST_COMMON, "key", "hosts", "count", "expires", "roles"};

static int
read_names(const json_t *o, struct strs *out, struct err *e)
{
	return st_read_set(o, "names", 0, HOST_NAMES_MAX, HOST_CERT_NAME_MAX,
	    out, e);
}

/* --- accept --- */

static int
accept_read(const json_t *o, struct statement *s, struct err *e)
{
	struct acceptance *a = &s->u.accept;
	int r;

	if ((r = st_read_id(o, "host", &a->host, e)) != 0 ||
	    (r = st_read_hash(o, "enrol", &a->enrol, e)) != 0 ||
	    (r = st_read_pubkey(o, "host_key", &a->host_key, e)) != 0 ||
	    (r = st_read_pubkey(o, "transport_key", &a->transport_key, e)) !=
		0 ||
	    (r = read_names(o, &a->names, e)) != 0 ||
	    (r = st_read_roles(o, &a->roles, e)) != 0 ||
	    (r = json_time(o, "renew_until", 0, &a->renew_until, e)) != 0 ||
	    (r = st_read_a_hash(o, "replace", &a->has_replace, &a->replace,
		 e)) != 0 ||
	    (r = st_read_a_hash(o, "token", &a->has_token, &a->token, e)) != 0)
		return r;
	if (pubkey_equal(a->host_key, a->transport_key))
		return err_set(e, ERR_PARSE,
		    "fields 'host_key' and 'transport_key' are one key, "
		    "expected two");
	/* Whoever has a token speaks for hosts that nobody knows yet. */
	if (a->has_token && a->has_replace)
		return err_set(e, ERR_PARSE,
		    "field 'replace' beside 'token', expected an operator to "
		    "replace a host");
	return 0;
}

static void
accept_write(const struct statement *s, struct jw *w)
{
	const struct acceptance *a = &s->u.accept;

	jw_str(w, "host", a->host);
	st_write_hash(w, "enrol", &a->enrol);
	st_write_pubkey(w, "host_key", a->host_key);
	st_write_pubkey(w, "transport_key", a->transport_key);
	jw_strs(w, "names", &a->names);
	st_write_some(w, "roles", &a->roles);
	jw_time(w, "renew_until", a->renew_until);
	if (a->has_replace)
		st_write_hash(w, "replace", &a->replace);
	if (a->has_token)
		st_write_hash(w, "token", &a->token);
}

static bool
accept_whole(const struct statement *s)
{
	const struct acceptance *a = &s->u.accept;

	return a->host != NULL && a->host_key != NULL &&
	    a->transport_key != NULL && st_is_time(a->renew_until);
}

static void
accept_describe(const struct statement *s, struct str *out)
{
	const struct acceptance *a = &s->u.accept;

	st_row(out, "host", "%s", a->host);
	st_row_strs(out, "names", &a->names);
	st_row_strs(out, "roles", &a->roles);
	st_row_key(out, "host key", a->host_key);
	st_row_key(out, "transport", a->transport_key);
	st_row_time(out, "renew until", a->renew_until);
	st_row_hash(out, "enrol", &a->enrol);
	if (a->has_replace)
		st_row_hash(out, "replaces", &a->replace);
	if (a->has_token)
		st_row_hash(out, "token", &a->token);
}

static void
accept_clear(struct statement *s)
{
	struct acceptance *a = &s->u.accept;

	free(a->host);
	pubkey_free(a->host_key);
	pubkey_free(a->transport_key);
	strs_clear(&a->names);
	strs_clear(&a->roles);
}

/* --- reject --- */

static int
reject_read(const json_t *o, struct statement *s, struct err *e)
{
	struct rejection *x = &s->u.reject;
	bool host = json_object_get(o, "host") != NULL, enrol;
	int r;

	if ((r = st_read_a_hash(o, "enrol", &enrol, &x->enrol, e)) != 0)
		return r;
	if (host == enrol)
		return err_set(e, ERR_PARSE,
		    "rejects %s, expected one of host, enrol",
		    host ? "two things" : "nothing");
	if (host && (r = st_read_id(o, "host", &x->host, e)) != 0)
		return r;
	return json_strdup(o, "reason", 0, STATEMENT_REASON_MAX, &x->reason, e);
}

static void
reject_write(const struct statement *s, struct jw *w)
{
	const struct rejection *x = &s->u.reject;

	if (x->host != NULL)
		jw_str(w, "host", x->host);
	else
		st_write_hash(w, "enrol", &x->enrol);
	jw_str(w, "reason", x->reason);
}

static bool
reject_whole(const struct statement *s)
{
	return s->u.reject.reason != NULL;
}

static void
reject_describe(const struct statement *s, struct str *out)
{
	const struct rejection *x = &s->u.reject;

	if (x->host != NULL)
		st_row(out, "host", "%s", x->host);
	else
		st_row_hash(out, "enrol", &x->enrol);
	st_row(out, "reason", "%s", x->reason);
}

static void
reject_clear(struct statement *s)
{
	free(s->u.reject.host);
	free(s->u.reject.reason);
}

/* --- rename --- */

static int
rename_read(const json_t *o, struct statement *s, struct err *e)
{
	struct rename_host *x = &s->u.rename;
	int r;

	if ((r = st_read_id(o, "host", &x->host, e)) != 0 ||
	    (r = st_read_id(o, "to", &x->to, e)) != 0)
		return r;
	if (strcmp(x->host, x->to) == 0)
		return err_set(e, ERR_PARSE,
		    "field 'to' is the name the host has, expected another");
	return read_names(o, &x->names, e);
}

static void
rename_write(const struct statement *s, struct jw *w)
{
	jw_str(w, "host", s->u.rename.host);
	jw_str(w, "to", s->u.rename.to);
	jw_strs(w, "names", &s->u.rename.names);
}

static bool
rename_whole(const struct statement *s)
{
	return s->u.rename.host != NULL && s->u.rename.to != NULL;
}

static void
rename_describe(const struct statement *s, struct str *out)
{
	st_row(out, "host", "%s", s->u.rename.host);
	st_row(out, "to", "%s", s->u.rename.to);
	st_row_strs(out, "names", &s->u.rename.names);
}

static void
rename_clear(struct statement *s)
{
	free(s->u.rename.host);
	free(s->u.rename.to);
	strs_clear(&s->u.rename.names);
}

/* --- forget --- */

static int
forget_read(const json_t *o, struct statement *s, struct err *e)
{
	struct forget_host *x = &s->u.forget;
	int r;

	if ((r = st_read_id(o, "host", &x->host, e)) != 0)
		return r;
	return json_strdup(o, "reason", 0, STATEMENT_REASON_MAX, &x->reason, e);
}

static void
forget_write(const struct statement *s, struct jw *w)
{
	jw_str(w, "host", s->u.forget.host);
	jw_str(w, "reason", s->u.forget.reason);
}

static bool
forget_whole(const struct statement *s)
{
	return s->u.forget.host != NULL && s->u.forget.reason != NULL;
}

static void
forget_describe(const struct statement *s, struct str *out)
{
	st_row(out, "host", "%s", s->u.forget.host);
	st_row(out, "reason", "%s", s->u.forget.reason);
}

static void
forget_clear(struct statement *s)
{
	free(s->u.forget.host);
	free(s->u.forget.reason);
}

/* --- token --- */

bool
token_pattern_is_valid(const char *s)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789._@+-*";
	size_t n = strlen(s);

	return n >= 1 && n <= ID_MAX && strspn(s, set) == n &&
	    strspn(s, "*") != n;
}

static int
token_read(const json_t *o, struct statement *s, struct err *e)
{
	struct token_statement *t = &s->u.token;
	char q[QUOTE_MAX];
	int r;

	if ((r = st_read_pubkey(o, "key", &t->key, e)) != 0 ||
	    (r = json_strdup(o, "hosts", 0, ID_MAX, &t->hosts, e)) != 0)
		return r;
	if (!token_pattern_is_valid(t->hosts))
		return err_set(e, ERR_PARSE,
		    "field 'hosts' is %s, expected a pattern like "
		    "web-*.example.com, and not all hosts",
		    str_quote(q, t->hosts));
	if ((r = json_u64(o, "count", 0, 1, TOKEN_COUNT_MAX, &t->count, e)) !=
		0 ||
	    (r = json_time(o, "expires", 0, &t->expires, e)) != 0)
		return r;
	return st_read_roles(o, &t->roles, e);
}

static void
token_write(const struct statement *s, struct jw *w)
{
	const struct token_statement *t = &s->u.token;

	st_write_pubkey(w, "key", t->key);
	jw_str(w, "hosts", t->hosts);
	jw_u64(w, "count", t->count);
	jw_time(w, "expires", t->expires);
	st_write_some(w, "roles", &t->roles);
}

static bool
token_whole(const struct statement *s)
{
	const struct token_statement *t = &s->u.token;

	return t->key != NULL && t->hosts != NULL && st_is_time(t->expires);
}

static void
token_describe(const struct statement *s, struct str *out)
{
	const struct token_statement *t = &s->u.token;

	st_row_key(out, "key", t->key);
	st_row(out, "hosts", "%s, %llu of them", t->hosts,
	    (unsigned long long)t->count);
	st_row_strs(out, "roles", &t->roles);
	st_row_time(out, "expires", t->expires);
}

static void
token_clear(struct statement *s)
{
	pubkey_free(s->u.token.key);
	free(s->u.token.hosts);
	strs_clear(&s->u.token.roles);
}

#define FAMILY(word)                                                \
	const struct st_family st_##word = {                        \
	    .name = #word,                                          \
	    .ns = #word "@writ",                                    \
	    .keys = word##_keys,                                    \
	    .n_keys = sizeof(word##_keys) / sizeof(word##_keys[0]), \
	    .read = word##_read,                                    \
	    .write = word##_write,                                  \
	    .whole = word##_whole,                                  \
	    .describe = word##_describe,                            \
	    .clear = word##_clear,                                  \
	}
FAMILY(accept);
FAMILY(reject);
FAMILY(rename);
FAMILY(forget);
FAMILY(token);
