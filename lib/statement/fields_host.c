/* SPDX-License-Identifier: ISC */
/* enrol and renew: what a host asks for. */
#include "lib/statement/fields.h"

#include <stdlib.h>
#include <string.h>

static const char *const enrol_keys[] = {
    ST_COMMON, "host_key", "transport_key", "hostname", "grains", "boot_id"};
static const char *const renew_keys[] = {ST_COMMON, "accept", "key"};

static int
by_name(const void *a, const void *b)
{
	const struct enrol_grain *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool
is_grain_name(const char *s)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
	size_t n = strlen(s);

	return n >= 1 && n <= ENROL_GRAIN_NAME_MAX && strspn(s, set) == n;
}

static int
read_grain(const json_t *grains, const char *name, void *row, struct err *e)
{
	struct enrol_grain *g = row;
	char q[QUOTE_MAX];

	if (!is_grain_name(name))
		return err_set(e, ERR_PARSE,
		    "field 'grains' names %s, expected a grain like "
		    "os.version",
		    str_quote(q, name));
	if ((g->name = str_dup(name)) == NULL)
		return err_nomem(e);
	return json_strdup(grains, name, 0, ENROL_GRAIN_MAX, &g->value, e);
}

static int
read_grains(const json_t *o, struct enrol_statement *n, struct err *e)
{
	void *rows = NULL;
	int r = st_read_map(o, "grains", "grain", ENROL_GRAINS_MAX,
	    sizeof(*n->grains), read_grain, &rows, &n->n_grains, e);

	n->grains = rows;
	if (r == 0 && n->n_grains > 0)
		qsort(n->grains, n->n_grains, sizeof(*n->grains), by_name);
	return r;
}

static int
enrol_read(const json_t *o, struct statement *s, struct err *e)
{
	struct enrol_statement *n = &s->u.enrol;
	int r;

	if ((r = st_read_pubkey(o, "host_key", &n->host_key, e)) != 0 ||
	    (r = st_read_pubkey(o, "transport_key", &n->transport_key, e)) != 0)
		return r;
	/* One key for both would let the link speak as the host. */
	if (pubkey_equal(n->host_key, n->transport_key))
		return err_set(e, ERR_PARSE,
		    "fields 'host_key' and 'transport_key' are one key, "
		    "expected two");
	if ((r = json_strdup(o, "hostname", 0, HOST_CERT_NAME_MAX, &n->hostname,
		 e)) != 0 ||
	    (r = read_grains(o, n, e)) != 0)
		return r;
	return json_hex(o, "boot_id", 0, n->boot_id, BOOT_ID_LEN, e);
}

static void
enrol_write(const struct statement *s, struct jw *w)
{
	const struct enrol_statement *n = &s->u.enrol;

	st_write_pubkey(w, "host_key", n->host_key);
	st_write_pubkey(w, "transport_key", n->transport_key);
	jw_str(w, "hostname", n->hostname);
	if (n->n_grains > 0) {
		jw_begin(w, "grains", '{');
		for (size_t i = 0; i < n->n_grains; i++)
			jw_str(w, n->grains[i].name, n->grains[i].value);
		jw_end(w, '}');
	}
	jw_hex(w, "boot_id", n->boot_id, BOOT_ID_LEN);
}

static bool
enrol_whole(const struct statement *s)
{
	const struct enrol_statement *n = &s->u.enrol;

	return n->host_key != NULL && n->transport_key != NULL &&
	    n->hostname != NULL;
}

static void
enrol_describe(const struct statement *s, struct str *out)
{
	const struct enrol_statement *n = &s->u.enrol;

	st_row(out, "hostname", "%s (as it says)", n->hostname);
	st_row_key(out, "host key", n->host_key);
	st_row_key(out, "transport", n->transport_key);
	for (size_t i = 0; i < n->n_grains; i++)
		st_row(out, "grain", "%s: %s", n->grains[i].name,
		    n->grains[i].value);
}

static void
enrol_clear(struct statement *s)
{
	struct enrol_statement *n = &s->u.enrol;

	pubkey_free(n->host_key);
	pubkey_free(n->transport_key);
	free(n->hostname);
	for (size_t i = 0; i < n->n_grains; i++) {
		free(n->grains[i].name);
		free(n->grains[i].value);
	}
	free(n->grains);
}

static int
renew_read(const json_t *o, struct statement *s, struct err *e)
{
	struct renewal *n = &s->u.renew;
	int r;

	if ((r = st_read_hash(o, "accept", &n->accept, e)) != 0)
		return r;
	return st_read_pubkey(o, "key", &n->key, e);
}

static void
renew_write(const struct statement *s, struct jw *w)
{
	st_write_hash(w, "accept", &s->u.renew.accept);
	st_write_pubkey(w, "key", s->u.renew.key);
}

static bool
renew_whole(const struct statement *s)
{
	return s->u.renew.key != NULL;
}

static void
renew_describe(const struct statement *s, struct str *out)
{
	st_row_hash(out, "acceptance", &s->u.renew.accept);
	st_row_key(out, "host key", s->u.renew.key);
}

static void
renew_clear(struct statement *s)
{
	pubkey_free(s->u.renew.key);
}

const struct st_family st_enrol = {
    .name = "enrol",
    .ns = "enrol@writ",
    .keys = enrol_keys,
    .n_keys = sizeof(enrol_keys) / sizeof(enrol_keys[0]),
    .read = enrol_read,
    .write = enrol_write,
    .whole = enrol_whole,
    .describe = enrol_describe,
    .clear = enrol_clear,
};

const struct st_family st_renew = {
    .name = "renew",
    .ns = "renew@writ",
    .keys = renew_keys,
    .n_keys = sizeof(renew_keys) / sizeof(renew_keys[0]),
    .read = renew_read,
    .write = renew_write,
    .whole = renew_whole,
    .describe = renew_describe,
    .clear = renew_clear,
};
