/* SPDX-License-Identifier: ISC */
/* writ show: explain a statement, a certificate, a record, or a serial. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/cli.h"
#include "ca/cli/remote.h"
#include "ca/client/kept.h"
#include "ca/client/seen.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

#define SHOW_MAX 131072 /* bytes: the largest thing there is to show */

struct showing {
	const struct cli_args *a;
	const char *name;
	const struct policy *policy; /* a CA's, or NULL: what is in DIR */
	const struct seen *seen;     /* what a CA says of it, or NULL */
	bool json;
};

/* --- certificates --------------------------------------------------------- */

static void
options_json(struct jw *w, const char *key, const struct cert_options *o)
{
	jw_begin(w, key, '{');
	for (size_t i = 0; i < o->n; i++)
		jw_str(w, o->v[i].name,
		    o->v[i].value != NULL ? o->v[i].value : "");
	jw_end(w, '}');
}

static void
time_json(struct jw *w, const char *key, uint64_t t)
{
	if (t <= (uint64_t)CLOCK_MAX)
		jw_time(w, key, (int64_t)t);
	else
		jw_str(w, key, "forever");
}

static void
cert_json(const struct cert *c, bool verified, struct str *s)
{
	char fp[FINGERPRINT_MAX];
	struct jw w;

	jw_init(&w, s, true);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "type", cert_type_name(pubkey_type(c->key)));
	jw_str(&w, "kind", c->kind == CERT_HOST ? "host" : "user");
	pubkey_fingerprint(c->key, fp);
	jw_str(&w, "key", fp);
	pubkey_fingerprint(c->ca, fp);
	jw_str(&w, "ca", fp);
	jw_str(&w, "key_id", c->key_id);
	jw_u64(&w, "serial", c->serial);
	time_json(&w, "valid_after", c->valid_after);
	time_json(&w, "valid_before", c->valid_before);
	jw_strs(&w, "principals", &c->principals);
	options_json(&w, "critical_options", &c->critical);
	options_json(&w, "extensions", &c->extensions);
	jw_bool(&w, "signature_verifies", verified);
	jw_end(&w, '}');
	str_addc(s, '\n');
}

static int
show_cert(const struct showing *g, const char *text, size_t n, struct str *s,
    struct err *e)
{
	struct buf *blob = NULL;
	struct cert c;
	bool verified;
	int r;

	cert_init(&c);
	if ((r = buf_new(&blob, CERT_MAX)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = cert_parse_line(text, n, blob, e)) != 0 ||
	    (r = cert_parse(buf_slice(blob), &c, e)) != 0) {
		err_prefix(e, "%s", g->name);
		goto out;
	}
	verified = cert_verify(&c, buf_slice(blob), NULL) == 0;
	if (g->json) {
		cert_json(&c, verified, s);
	} else {
		str_addf(s, "%s:\n", g->name);
		cert_print(s, &c);
		if (!verified)
			str_add(s, "        THE SIGNATURE DOES NOT VERIFY\n");
	}
	if (!verified)
		r = err_set(e, ERR_BADSIG, "%s: signature does not verify",
		    g->name);
out:
	cert_clear(&c);
	buf_free(blob);
	return r;
}

/* --- statements ----------------------------------------------------------- */

/* Who signed, as far as a policy at hand knows. */
static void
describe_signers(const struct statement *st, const struct policy *p,
    struct str *s)
{
	char fp[FINGERPRINT_MAX];

	for (size_t i = 0; i < st->n_sigs; i++) {
		const struct person *who =
		    p != NULL ? policy_person_of_key(p, st->sigs[i].key) : NULL;

		pubkey_fingerprint(st->sigs[i].key, fp);
		str_addf(s, "  %-11s%s %s%s%s%s\n", "signed by", fp,
		    who != NULL ? who->id : "(a key not in the policy)",
		    st->flags[i].present ? ", touched" : "",
		    st->flags[i].verified ? ", PIN" : "",
		    st->flags[i].is_sk && !st->flags[i].present
			? ", not touched"
			: "");
	}
}

static int
show_statement(const struct showing *g, const char *text, size_t n,
    struct str *s, struct err *e)
{
	struct statement st;
	struct trust t;
	char hex[HASH_HEX];
	struct jw w;
	int r;

	statement_init(&st, ST_REQUEST);
	trust_init(&t);
	if ((r = statement_parse(g->name, slice_of(text, n), &st, e)) != 0 ||
	    (r = statement_verify(&st, e)) != 0)
		goto out;
	if (g->json) {
		jw_init(&w, s, true);
		jw_begin(&w, NULL, '{');
		statement_json_members(&st, &w);
		if (g->seen != NULL)
			seen_json(g->seen, &w, "at_ca");
		jw_end(&w, '}');
		str_addc(s, '\n');
		goto out;
	}
	/* Helps, where there is one. */
	if (g->policy == NULL)
		(void)!bundles_load(cli_dir(g->a), NULL, 0, &t, NULL);
	hash_hex(&st.hash, hex);
	str_addf(s, "%s: %s %s\n", g->name, statement_type_name(st.type), hex);
	statement_describe(&st, s);
	describe_signers(&st, g->policy != NULL ? g->policy : t.policy, s);
out:
	trust_clear(&t);
	statement_clear(&st);
	return r;
}

/* --- records -------------------------------------------------------------- */

static void
value_in_words(struct str *s, const char *key, const json_t *v)
{
	const json_t *item;
	size_t i;

	if (json_is_string(v)) {
		if (strcmp(key, "tbs") != 0)
			str_addf(s, "  %-18s %s\n", key, json_string_value(v));
	} else if (json_is_integer(v)) {
		str_addf(s, "  %-18s %lld\n", key,
		    (long long)json_integer_value(v));
	} else if (json_is_array(v)) {
		json_array_foreach (v, i, item)
			value_in_words(s, key, item);
	} else if (json_is_object(v)) {
		for (void *it = json_object_iter((json_t *)(uintptr_t)v);
		     it != NULL;
		     it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
			struct str inner = STR_INIT;

			str_addf(&inner, "%s.%s", key,
			    json_object_iter_key(it));
			value_in_words(s, inner.p, json_object_iter_value(it));
			str_clear(&inner);
		}
	}
}

static int
show_record(const struct showing *g, const char *text, size_t n, struct str *s,
    struct err *e)
{
	json_t *o = NULL;
	int r;

	if (g->json) {
		str_addn(s, text, n);
		return 0;
	}
	if ((r = json_read(slice_of(text, n), SHOW_MAX, &o, e)) != 0) {
		err_prefix(e, "%s", g->name);
		return r;
	}
	str_addf(s, "%s: record of a certificate\n", g->name);
	for (void *it = json_object_iter(o); it != NULL;
	     it = json_object_iter_next(o, it))
		value_in_words(s, json_object_iter_key(it),
		    json_object_iter_value(it));
	json_decref(o);
	return 0;
}

/* A serial, out of the log: its record as it must be, made from the leaves. */
struct caught {
	struct str *s;
	const char *end; /* of the key that is wanted */
};

static int
catch_object(void *ctx, const char *key, struct slice data,
    const char *content_type)
{
	struct caught *c = ctx;
	size_t n = strlen(key), m = strlen(c->end);

	(void)content_type;
	if (n > m && strcmp(key + n - m, c->end) == 0)
		str_addn(c->s, (const char *)data.p, data.n);
	return 0;
}

static int
show_serial(const struct showing *g, uint64_t serial, struct str *s,
    struct err *e)
{
	struct str record = STR_INIT;
	struct caught c = {.s = &record, .end = ".json"};
	struct local *l = NULL;
	uint8_t *bytes = NULL;
	struct leaf leaf;
	uint64_t index;
	size_t n;
	int r;

	leaf_init(&leaf);
	if ((r = cli_open(g->a, LOCAL_READ, &l, e)) != 0)
		goto out;
	r = keeper_find_issue(l->ledger, serial, &leaf, &index, e);
	if (r == 1)
		r = err_set(e, ERR_NOTFOUND,
		    "no certificate with serial %s was issued here", g->name);
	if (r != 0 || (r = ledger_read(l->ledger, index, &bytes, &n, e)) != 0 ||
	    (r = recorder_objects(&l->recorder, index, slice_of(bytes, n),
		 catch_object, &c, e)) != 0)
		goto out;
	r = show_record(g, record.p, record.n, s, e);
out:
	free(bytes);
	leaf_clear(&leaf);
	str_clear(&record);
	local_free(l);
	return r;
}

/* --- the command ---------------------------------------------------------- */

static int
show_text(const struct showing *g, const char *text, size_t n, struct str *s,
    struct err *e)
{
	if (text[0] != '{')
		return show_cert(g, text, n, s, e);
	if (strstr(text, "-----BEGIN SSH SIGNATURE-----") != NULL)
		return show_statement(g, text, n, s, e);
	return show_record(g, text, n, s, e);
}

/* --- requests of a CA ----------------------------------------------------- */

static bool
is_serial(const char *name)
{
	uint64_t serial;

	return parse_u64(name, 1, INT64_MAX, &serial) == 0;
}

/* As the CA tells it; then the statement itself, which is signed. */
static int
show_request(struct showing *g, struct str *s, struct err *e)
{
	const json_t *list = NULL, *item, *text;
	struct str call = STR_INIT;
	json_t *body = NULL;
	struct remote r;
	struct seen q;
	int rc;

	cli_remote_init(&r);
	str_addf(&call, "{\"call\":\"show\",\"ids\":[\"%s\"]}", g->name);
	if ((rc = cli_remote_open(&r, e)) != 0 ||
	    (rc = remote_call(&r, &call, LINK_CALL_MS, NULL, &body, e)) != 0 ||
	    (rc = json_array_of(body, "requests", 0, 1, &list, e)) != 0) {
		if (rc == ERR_NOTFOUND && is_serial(g->name))
			err_hint(e,
			    "a serial is looked up where the log is: "
			    "writ show -C DIR SERIAL");
		goto out;
	}
	g->policy = r.trust.policy;
	item = json_array_get(list, 0);
	text = json_object_get(item, "statement");
	if ((rc = seen_parse(item, &q, e)) != 0)
		goto out;
	if (!g->json) {
		str_addf(s, "%s\n", q.id);
		seen_describe(&q, s);
	}
	g->name = "as signed";
	g->seen = &q;
	if (json_is_string(text))
		rc = show_statement(g, json_string_value(text),
		    json_string_length(text), s, e);
out:
	str_clear(&call);
	json_decref(body);
	remote_clear(&r);
	return rc;
}

static int
run_show(struct cli_args *a, struct err *e)
{
	struct showing g = {
	    .a = a, .name = cli_operand(a, 0), .json = cli_flag(a, "json")};
	struct str s = STR_INIT;
	char *text = NULL;
	uint64_t serial;
	size_t n;
	int r, printed;

	if (!file_exists(g.name) && kept_is_id(g.name) && cli_is_remote(a)) {
		r = show_request(&g, &s, e);
	} else if (!file_exists(g.name) &&
	    parse_u64(g.name, 1, INT64_MAX, &serial) == 0) {
		r = show_serial(&g, serial, &s, e);
	} else if (!file_exists(g.name) && cli_is_remote(a)) {
		r = err_set(e, ERR_NOTFOUND,
		    "'%s' is no file and no ID, expected 8 hex digits or more",
		    g.name);
	} else if ((r = file_read(g.name, SHOW_MAX, &text, &n, e)) == 0) {
		g.name = path_base(g.name);
		r = show_text(&g, text, n, &s, e);
	}
	printed = cli_print(&s, r == 0 ? e : NULL);
	free(text);
	return r != 0 ? r : printed;
}

static const struct cli_option options[] = {CLI_JSON};

const struct cli_command cmd_show = {.name = "show",
    .operands = "FILE|CERT|SERIAL|ID",
    .summary = "explain a statement, a certificate, a record, a request",
    CLI_OPTIONS(options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_show};
