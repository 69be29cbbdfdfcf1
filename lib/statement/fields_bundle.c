/* SPDX-License-Identifier: ISC */
/* root, policy, fleet, krl: statements that name a file by its hash. */
#include "lib/statement/fields.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/ssh/krl.h"

/* bundle.h of lib/trust holds the manifest to the same; it is further up. */
#define MANIFEST_MAX (4 * 1024 * 1024)

static const char *const root_keys[] = {ST_COMMON, "version", "file"};
static const char *const policy_keys[] = {
    ST_COMMON, "version", "expires", "manifest", "size", "previous", "zones"};
static const char *const fleet_keys[] = {
    ST_COMMON, "version", "expires", "manifest", "size", "previous"};
static const char *const krl_keys[] = {
    ST_COMMON, "version", "file", "size", "next_update"};

static int
root_read(const json_t *o, struct statement *s, struct err *e)
{
	struct root_statement *t = &s->u.root;
	int r;

	if ((r = json_u64(o, "version", 0, 1, UINT64_MAX, &t->version, e)) != 0)
		return r;
	return st_read_hash(o, "file", &t->file, e);
}

static void
root_write(const struct statement *s, struct jw *w)
{
	jw_u64(w, "version", s->u.root.version);
	st_write_hash(w, "file", &s->u.root.file);
}

static void
root_describe(const struct statement *s, struct str *out)
{
	st_row(out, "version", "%llu", (unsigned long long)s->u.root.version);
	st_row_hash(out, "root.yaml", &s->u.root.file);
}

static void
root_clear(struct statement *s)
{
	(void)s;
}

/* A name of the tz database: letters, digits, "_+-" and single slashes. */
static bool
is_zone_name(const char *s)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t n = strlen(s);

	return n >= 1 && n <= 64 && strspn(s, set) == n && s[0] != '/' &&
	    s[n - 1] != '/' && strstr(s, "//") == NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct zone_rule *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
read_zone(const json_t *o, const char *name, void *row, struct err *e)
{
	struct zone_rule *z = row;
	struct tz_rule rule;
	char q[QUOTE_MAX];
	int r;

	if (!is_zone_name(name))
		return err_set(e, ERR_PARSE,
		    "field 'zones' names %s, expected a zone like "
		    "Europe/Vilnius",
		    str_quote(q, name));
	if ((z->name = str_dup(name)) == NULL)
		return err_nomem(e);
	if ((r = json_strdup(o, name, 0, TZ_RULE_MAX - 1, &z->rule, e)) != 0)
		return r;
	if (tz_parse(z->rule, &rule) != 0)
		return err_set(e, ERR_PARSE,
		    "zone %s has the rule %s, expected a POSIX time zone rule",
		    name, str_quote(q, z->rule));
	return 0;
}

static int
read_zones(const json_t *o, struct bundle_statement *b, struct err *e)
{
	void *rows = NULL;
	int r = st_read_map(o, "zones", "zone", BUNDLE_ZONES_MAX,
	    sizeof(*b->zones), read_zone, &rows, &b->n_zones, e);

	b->zones = rows;
	/* Only for a list in one order: the bytes stay as they came. */
	if (r == 0 && b->n_zones > 0)
		qsort(b->zones, b->n_zones, sizeof(*b->zones), by_name);
	return r;
}

static int
fleet_read(const json_t *o, struct statement *s, struct err *e)
{
	struct bundle_statement *b = &s->u.bundle;
	int r;

	if ((r = json_u64(o, "version", 0, 1, UINT64_MAX, &b->version, e)) !=
		0 ||
	    (r = json_time(o, "expires", 0, &b->expires, e)) != 0 ||
	    (r = st_read_hash(o, "manifest", &b->manifest, e)) != 0 ||
	    (r = json_u64(o, "size", 0, 1, MANIFEST_MAX, &b->manifest_size,
		 e)) != 0)
		return r;
	b->has_previous = json_object_get(o, "previous") != NULL;
	if (b->has_previous &&
	    (r = st_read_hash(o, "previous", &b->previous, e)) != 0)
		return r;
	if (b->has_previous != (b->version > 1))
		return err_set(e, ERR_PARSE,
		    b->has_previous
			? "field 'previous' in version 1, expected none"
			: "field 'previous' is missing, expected the hash of "
			  "the version before");
	return 0;
}

/* The same, and the zones that grants name: nothing else goes by the clock on
 * a wall. */
static int
policy_read(const json_t *o, struct statement *s, struct err *e)
{
	int r = fleet_read(o, s, e);

	return r != 0 ? r : read_zones(o, &s->u.bundle, e);
}

static void
bundle_write(const struct statement *s, struct jw *w)
{
	const struct bundle_statement *b = &s->u.bundle;

	jw_u64(w, "version", b->version);
	jw_time(w, "expires", b->expires);
	st_write_hash(w, "manifest", &b->manifest);
	jw_u64(w, "size", b->manifest_size);
	if (b->has_previous)
		st_write_hash(w, "previous", &b->previous);
	if (b->n_zones == 0)
		return;
	jw_begin(w, "zones", '{');
	for (size_t i = 0; i < b->n_zones; i++)
		jw_str(w, b->zones[i].name, b->zones[i].rule);
	jw_end(w, '}');
}

static void
bundle_describe(const struct statement *s, struct str *out)
{
	const struct bundle_statement *b = &s->u.bundle;

	st_row(out, "version", "%llu", (unsigned long long)b->version);
	st_row_time(out, "expires", b->expires);
	st_row_hash(out, "manifest", &b->manifest);
	if (b->has_previous)
		st_row_hash(out, "previous", &b->previous);
	for (size_t i = 0; i < b->n_zones; i++)
		st_row(out, "zone", "%s %s", b->zones[i].name,
		    b->zones[i].rule);
}

static void
bundle_clear(struct statement *s)
{
	struct bundle_statement *b = &s->u.bundle;

	for (size_t i = 0; i < b->n_zones; i++) {
		free(b->zones[i].name);
		free(b->zones[i].rule);
	}
	free(b->zones);
}

static int
krl_read(const json_t *o, struct statement *s, struct err *e)
{
	struct krl_statement *k = &s->u.krl;
	int r;

	if ((r = json_u64(o, "version", 0, 1, UINT64_MAX, &k->version, e)) !=
		0 ||
	    (r = st_read_hash(o, "file", &k->file, e)) != 0 ||
	    (r = json_u64(o, "size", 0, 1, KRL_MAX, &k->size, e)) != 0)
		return r;
	return json_time(o, "next_update", 0, &k->next_update, e);
}

static void
krl_write(const struct statement *s, struct jw *w)
{
	const struct krl_statement *k = &s->u.krl;

	jw_u64(w, "version", k->version);
	st_write_hash(w, "file", &k->file);
	jw_u64(w, "size", k->size);
	jw_time(w, "next_update", k->next_update);
}

static void
krl_describe(const struct statement *s, struct str *out)
{
	const struct krl_statement *k = &s->u.krl;

	st_row(out, "version", "%llu", (unsigned long long)k->version);
	st_row_hash(out, "file", &k->file);
	st_row_time(out, "next update", k->next_update);
}

static bool
bundle_whole(const struct statement *s)
{
	return st_is_time(s->u.bundle.expires);
}

static bool
krl_whole(const struct statement *s)
{
	return st_is_time(s->u.krl.next_update);
}

const struct st_family st_root = {
    .name = "root",
    .ns = "root@writ",
    .keys = root_keys,
    .n_keys = sizeof(root_keys) / sizeof(root_keys[0]),
    .read = root_read,
    .write = root_write,
    .describe = root_describe,
    .clear = root_clear,
};

const struct st_family st_policy = {
    .name = "policy",
    .ns = "policy@writ",
    .keys = policy_keys,
    .n_keys = sizeof(policy_keys) / sizeof(policy_keys[0]),
    .read = policy_read,
    .write = bundle_write,
    .whole = bundle_whole,
    .describe = bundle_describe,
    .clear = bundle_clear,
};

const struct st_family st_fleet = {
    .name = "fleet",
    .ns = "fleet@writ",
    .keys = fleet_keys,
    .n_keys = sizeof(fleet_keys) / sizeof(fleet_keys[0]),
    .read = fleet_read,
    .write = bundle_write,
    .whole = bundle_whole,
    .describe = bundle_describe,
    .clear = bundle_clear,
};

const struct st_family st_krl = {
    .name = "krl",
    .ns = "krl@writ",
    .keys = krl_keys,
    .n_keys = sizeof(krl_keys) / sizeof(krl_keys[0]),
    .read = krl_read,
    .write = krl_write,
    .whole = krl_whole,
    .describe = krl_describe,
    .clear = root_clear, /* nothing of its own either */
};
