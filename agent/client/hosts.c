/* SPDX-License-Identifier: ISC */
#include "agent/client/hosts.h"

#include <stdlib.h>
#include <string.h>

#include "agent/client/master.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

#define PREFIX_MIN 8 /* digits of a hash */

static void
asks_clear(struct host_asks *a)
{
	statement_clear(&a->enrol);
	free(a->from);
	free(a->of);
}

static void
refused_clear(struct host_refused *x)
{
	free(x->fingerprint);
	free(x->hostname);
	free(x->reason);
}

static void
known_clear(struct host_known *h)
{
	free(h->id);
	free(h->fingerprint);
	free(h->reason);
	strs_clear(&h->names);
	strs_clear(&h->roles);
}

static void
token_clear(struct host_token *t)
{
	free(t->hosts);
	free(t->by);
	strs_clear(&t->roles);
}

void
host_keys_clear(struct host_keys *k)
{
	for (size_t i = 0; i < k->n_waiting; i++)
		asks_clear(&k->waiting[i]);
	for (size_t i = 0; i < k->n_refused; i++)
		refused_clear(&k->refused[i]);
	for (size_t i = 0; i < k->n_hosts; i++)
		known_clear(&k->hosts[i]);
	for (size_t i = 0; i < k->n_tokens; i++)
		token_clear(&k->tokens[i]);
	free(k->waiting);
	free(k->refused);
	free(k->hosts);
	free(k->tokens);
	*k = (struct host_keys){0};
}

/* --- reading -------------------------------------------------------------- */

int
host_enrol_check(struct statement *s, const struct hash *realm, struct err *e)
{
	const struct enrol_statement *x = &s->u.enrol;
	int r;

	if (s->type != ST_ENROL)
		return err_set(e, ERR_PARSE, "a %s, expected an enrol",
		    statement_type_name(s->type));
	if (!hash_equal(&s->realm, realm))
		return err_set(e, ERR_DENIED,
		    "an enrol under another root of trust");
	if ((r = statement_verify(s, e)) != 0)
		return r;
	if (statement_signed_by(s, x->host_key) < 0 ||
	    statement_signed_by(s, x->transport_key) < 0)
		return err_set(e, ERR_BADSIG,
		    "an enrol without the signatures of both its keys");
	return 0;
}

static int
read_asks(const json_t *o, const struct hash *realm, struct host_asks *a,
    struct err *e)
{
	const char *text = NULL;
	struct hash name;
	int r;

	if ((r = json_hex(o, "enrol", 0, name.b, HASH_LEN, e)) != 0 ||
	    (r = json_strdup(o, "from", JSON_OPTIONAL | JSON_EMPTY_OK, 128,
		 &a->from, e)) != 0 ||
	    (r = json_strdup(o, "replaces", JSON_OPTIONAL, ID_MAX, &a->of,
		 e)) != 0 ||
	    (r = json_time(o, "since", JSON_OPTIONAL, &a->since, e)) != 0)
		return r;
	/* Lines and all: no text for people, and parsed as what it is. */
	text = json_string_value(json_object_get(o, "statement"));
	if (text == NULL)
		return err_set(e, ERR_PARSE, "field 'statement' is missing");
	if ((r = statement_parse("enrol", slice_str(text), &a->enrol, e)) !=
		0 ||
	    (r = host_enrol_check(&a->enrol, realm, e)) != 0)
		return r;
	if (!hash_equal(&name, &a->enrol.hash))
		return err_set(e, ERR_DENIED,
		    "an enrol that is not the one it is said to be");
	return 0;
}

static int
read_refusal(const json_t *o, struct host_refused *x, struct err *e)
{
	static const unsigned may = JSON_OPTIONAL | JSON_EMPTY_OK;
	int r;

	if ((r = json_hex(o, "enrol", 0, x->enrol.b, HASH_LEN, e)) != 0 ||
	    (r = json_strdup(o, "fingerprint", may, FINGERPRINT_MAX,
		 &x->fingerprint, e)) != 0 ||
	    (r = json_strdup(o, "hostname", may, 255, &x->hostname, e)) != 0)
		return r;
	return json_strdup(o, "reason", may, STATEMENT_REASON_MAX, &x->reason,
	    e);
}

static int
read_known(const json_t *o, struct host_known *h, struct err *e)
{
	char quoted[QUOTE_MAX];
	int r;

	if ((r = json_strdup(o, "host", 0, ID_MAX, &h->id, e)) != 0 ||
	    (r = json_hex(o, "accept", 0, h->accept.b, HASH_LEN, e)) != 0 ||
	    (r = json_strdup(o, "fingerprint", JSON_OPTIONAL, FINGERPRINT_MAX,
		 &h->fingerprint, e)) != 0 ||
	    (r = json_strs(o, "names", JSON_OPTIONAL | JSON_EMPTY_OK,
		 HOST_NAMES_MAX, HOST_CERT_NAME_MAX, &h->names, e)) != 0 ||
	    (r = json_strs(o, "roles", JSON_OPTIONAL | JSON_EMPTY_OK,
		 HOST_ROLES_MAX, HOST_ROLE_MAX, &h->roles, e)) != 0 ||
	    (r = json_time(o, "since", JSON_OPTIONAL, &h->since, e)) != 0 ||
	    (r = json_time(o, "renew_until", JSON_OPTIONAL, &h->renew_until,
		 e)) != 0 ||
	    (r = json_bool(o, "rejected", JSON_OPTIONAL, &h->rejected, e)) !=
		0 ||
	    (r = json_strdup(o, "reason", JSON_OPTIONAL | JSON_EMPTY_OK,
		 STATEMENT_REASON_MAX, &h->reason, e)) != 0)
		return r;
	if (!id_is_valid(h->id))
		return err_set(e, ERR_PARSE,
		    "field 'host' is %s, which is no "
		    "id",
		    str_quote(quoted, h->id));
	return 0;
}

static int
read_token(const json_t *o, struct host_token *t, struct err *e)
{
	int r;

	if ((r = json_hex(o, "token", 0, t->token.b, HASH_LEN, e)) != 0 ||
	    (r = json_strdup(o, "hosts", 0, ID_MAX, &t->hosts, e)) != 0 ||
	    (r = json_strdup(o, "by", JSON_OPTIONAL, ID_MAX, &t->by, e)) != 0 ||
	    (r = json_strs(o, "roles", JSON_OPTIONAL | JSON_EMPTY_OK,
		 HOST_ROLES_MAX, HOST_ROLE_MAX, &t->roles, e)) != 0 ||
	    (r = json_u64(o, "count", 0, 0, UINT64_MAX, &t->count, e)) != 0 ||
	    (r = json_u64(o, "left", 0, 0, UINT64_MAX, &t->left, e)) != 0)
		return r;
	return json_time(o, "expires", 0, &t->expires, e);
}

/* --- lists ---------------------------------------------------------------- */

/* The array of that name, and as many zeroed elements in *v, which the caller
 * clears whatever comes after. */
static int
list_of(const json_t *o, const char *key, size_t size, void **v, size_t *n,
    const json_t **list, struct err *e)
{
	int r = json_array_of(o, key, JSON_OPTIONAL | JSON_EMPTY_OK,
	    MASTER_LIST_MAX, list, e);

	if (r != 0 || *list == NULL || json_array_size(*list) == 0)
		return r;
	if ((*v = calloc(json_array_size(*list), size)) == NULL)
		return err_nomem(e);
	*n = json_array_size(*list);
	return 0;
}

static int
row_failed(const char *key, size_t i, int r, struct err *e)
{
	if (r != 0)
		err_prefix(e, "%s, entry %zu", key, i + 1);
	return r;
}

static int
read_waiting(const json_t *o, const struct hash *realm, struct host_keys *k,
    struct err *e)
{
	const json_t *list = NULL;
	void *rows = NULL;
	int r;

	r = list_of(o, "waiting", sizeof(*k->waiting), &rows, &k->n_waiting,
	    &list, e);
	k->waiting = rows;
	for (size_t i = 0; i < k->n_waiting; i++)
		statement_init(&k->waiting[i].enrol, ST_ENROL);
	for (size_t i = 0; i < k->n_waiting && r == 0; i++)
		r = row_failed("waiting", i,
		    read_asks(json_array_get(list, i), realm, &k->waiting[i],
			e),
		    e);
	return r;
}

static int
read_refused(const json_t *o, struct host_keys *k, struct err *e)
{
	const json_t *list = NULL;
	void *rows = NULL;
	int r;

	r = list_of(o, "rejected", sizeof(*k->refused), &rows, &k->n_refused,
	    &list, e);
	k->refused = rows;
	for (size_t i = 0; i < k->n_refused && r == 0; i++)
		r = row_failed("rejected", i,
		    read_refusal(json_array_get(list, i), &k->refused[i], e),
		    e);
	return r;
}

static int
read_hosts(const json_t *o, struct host_keys *k, struct err *e)
{
	const json_t *list = NULL;
	void *rows = NULL;
	int r;

	r = list_of(o, "hosts", sizeof(*k->hosts), &rows, &k->n_hosts, &list,
	    e);
	k->hosts = rows;
	for (size_t i = 0; i < k->n_hosts && r == 0; i++)
		r = row_failed("hosts", i,
		    read_known(json_array_get(list, i), &k->hosts[i], e), e);
	return r;
}

static int
read_tokens(const json_t *o, struct host_keys *k, struct err *e)
{
	const json_t *list = NULL;
	void *rows = NULL;
	int r;

	r = list_of(o, "tokens", sizeof(*k->tokens), &rows, &k->n_tokens, &list,
	    e);
	k->tokens = rows;
	for (size_t i = 0; i < k->n_tokens && r == 0; i++)
		r = row_failed("tokens", i,
		    read_token(json_array_get(list, i), &k->tokens[i], e), e);
	return r;
}

/* One list of a page behind the same of the pages before it; moved. */
static int
add_list(const char *name, void **to, size_t *n_to, void *from, size_t *n_from,
    size_t size, struct err *e)
{
	size_t n = *n_to + *n_from;
	char *v;

	if (*n_from == 0)
		return 0;
	if (n > MASTER_LIST_MAX)
		return err_set(e, ERR_LIMIT, "more than %d in '%s'",
		    MASTER_LIST_MAX, name);
	if ((v = reallocarray(*to, n, size)) == NULL)
		return err_nomem(e);
	memcpy(v + *n_to * size, from, *n_from * size);
	*to = v;
	*n_to = n;
	*n_from = 0;
	return 0;
}

#define ADD(name, list)                                                 \
	do {                                                            \
		void *v = out->list;                                    \
                                                                        \
		if (r == 0)                                             \
			r = add_list(name, &v, &out->n_##list, k->list, \
			    &k->n_##list, sizeof(*k->list), e);         \
		out->list = v;                                          \
	} while (0)

/* What was moved before one that failed stays: whoever asked drops it all. */
static int
add_page(struct host_keys *out, struct host_keys *k, struct err *e)
{
	int r = 0;

	ADD("hosts", hosts);
	ADD("waiting", waiting);
	ADD("rejected", refused);
	ADD("tokens", tokens);
	return r;
}

#undef ADD

int
host_keys_parse(const json_t *answer, const struct hash *realm,
    struct host_keys *out, uint64_t *next, struct err *e)
{
	struct host_keys k = {0};
	uint64_t after = 0;
	int r;

	if ((r = read_hosts(answer, &k, e)) != 0 ||
	    (r = read_waiting(answer, realm, &k, e)) != 0 ||
	    (r = read_refused(answer, &k, e)) != 0 ||
	    (r = read_tokens(answer, &k, e)) != 0 ||
	    (r = json_u64(answer, "next", JSON_OPTIONAL, 1, UINT64_MAX, &after,
		 e)) != 0)
		goto out;
	/* Else there could be no end of them. */
	if (after != 0 &&
	    k.n_hosts + k.n_waiting + k.n_refused + k.n_tokens == 0)
		r = err_set(e, ERR_PARSE,
		    "a page of nothing, and 'next' says there is more");
	else
		r = add_page(out, &k, e);
	if (r == 0 && next != NULL)
		*next = after;
out:
	host_keys_clear(&k);
	return r;
}

/* --- finding -------------------------------------------------------------- */

const struct host_known *
host_known_find(const struct host_keys *k, const char *id)
{
	for (size_t i = 0; i < k->n_hosts; i++)
		if (strcmp(k->hosts[i].id, id) == 0)
			return &k->hosts[i];
	return NULL;
}

static bool
is_prefix(const char *what)
{
	size_t n = strlen(what);

	return n >= PREFIX_MIN && n < HASH_HEX &&
	    strspn(what, "0123456789abcdef") == n;
}

static bool
is_meant(const struct host_asks *a, const char *what)
{
	char hex[HASH_HEX];

	hash_hex(&a->enrol.hash, hex);
	return (is_prefix(what) && strncmp(hex, what, strlen(what)) == 0) ||
	    strcmp(a->enrol.by, what) == 0 ||
	    strcmp(a->enrol.u.enrol.hostname, what) == 0;
}

int
host_asks_find(const struct host_keys *k, const char *what,
    const struct host_asks **out, struct err *e)
{
	const struct host_asks *found = NULL;
	char quoted[QUOTE_MAX], a[HASH_HEX], b[HASH_HEX];
	int r;

	for (size_t i = 0; k->waiting != NULL && i < k->n_waiting; i++) {
		if (!is_meant(&k->waiting[i], what))
			continue;
		if (found != NULL) {
			hash_hex(&found->enrol.hash, a);
			hash_hex(&k->waiting[i].enrol.hash, b);
			return err_set(e, ERR_USAGE,
			    "%s is several that wait, %.12s and %.12s, "
			    "expected "
			    "one of these",
			    str_quote(quoted, what), a, b);
		}
		found = &k->waiting[i];
	}
	if (found == NULL) {
		r = err_set(e, ERR_NOTFOUND,
		    "no host waits that is %s, expected an enrol's hash or its "
		    "first %d digits, an id or a hostname",
		    str_quote(quoted, what), PREFIX_MIN);
		err_hint(e, "writ fleet keys lists them");
		return r;
	}
	*out = found;
	return 0;
}

/* --- for people ----------------------------------------------------------- */

void
host_asks_describe(const struct host_asks *a, struct str *out)
{
	const struct enrol_statement *x = &a->enrol.u.enrol;
	char host[FINGERPRINT_MAX], link[FINGERPRINT_MAX], hex[HASH_HEX],
	    when[CLOCK_TEXT];

	pubkey_fingerprint(x->host_key, host);
	pubkey_fingerprint(x->transport_key, link);
	hash_hex(&a->enrol.hash, hex);
	str_addf(out, "enrol %.12s\n", hex);
	str_addf(out, "  host key     %s %s\n", pubkey_short_name(x->host_key),
	    host);
	str_addf(out, "  transport    %s %s\n",
	    pubkey_short_name(x->transport_key), link);
	str_addf(out, "  hostname     %s\n", x->hostname);
	str_addf(out, "  would be     %s\n", a->enrol.by);
	if (a->from != NULL && a->from[0] != '\0')
		str_addf(out, "  from         %s\n", a->from);
	if (a->since != 0) {
		clock_format(a->since, when);
		str_addf(out, "  since        %s\n", when);
	}
	if (a->of != NULL && a->of[0] != '\0')
		str_addf(out, "  keys of      %s\n", a->of);
	for (size_t i = 0; i < x->n_grains; i++)
		str_addf(out, "  %s%s=%s\n",
		    i == 0 ? "says         " : "             ",
		    x->grains[i].name, x->grains[i].value);
}
