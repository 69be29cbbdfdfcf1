/* SPDX-License-Identifier: ISC */
/* The versions of the fleet's bundle, and who may have which file of one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/content_impl.h"
#include "lib/bundle/place.h"

#define FLEETS_MAX 1000000

/* --- statements ----------------------------------------------------------- */

static int
add_fleet(struct content *c, struct slice text, struct err *e)
{
	struct content_fleet *f;
	struct statement s;
	int r;

	statement_init(&s, ST_FLEET);
	if ((r = statement_parse("fleet bundle", text, &s, e)) != 0)
		goto out;
	if (s.type != ST_FLEET) {
		r = err_set(e, ERR_PARSE, "%s/bundle: not a fleet statement",
		    c->dir);
		goto out;
	}
	if (vec_grow(&c->fleets, c->n_fleets, &c->cap_fleets, FLEETS_MAX) !=
	    0) {
		r = err_nomem(e);
		goto out;
	}
	f = &c->fleets[c->n_fleets];
	*f = (struct content_fleet){.version = s.u.bundle.version,
	    .name = s.hash,
	    .manifest = s.u.bundle.manifest,
	    .size = s.u.bundle.manifest_size,
	    .text = str_dupn(text.p, text.n),
	    .n = text.n};
	if (f->text == NULL)
		r = err_nomem(e);
	else
		c->n_fleets++;
out:
	statement_clear(&s);
	return r;
}

int
content_load_fleets(struct content *c, struct err *e)
{
	uint64_t last;
	int r;

	if ((r = place_highest(c->dir, "fleet.", &last, e)) != 0 || last == 0)
		return r;
	if ((r = fleets_load(c->dir, &c->trust, false, 0, &c->held, NULL, e)) <
	    0)
		return r;
	/* Where it begins with a later one, hosts begin with that too. */
	for (uint64_t v = 1; v <= last; v++) {
		struct slice text = {0};

		r = place_read_version(c->dir, "fleet", v, &text, e);
		if (r == ERR_NOTFOUND && c->n_fleets == 0 && v < last)
			continue;
		if (r == 0)
			r = add_fleet(c, text, e);
		place_free(&text);
		if (r != 0)
			return r;
	}
	return 0;
}

const struct content_fleet *
content_fleet(const struct content *c, uint64_t version)
{
	uint64_t first = c->n_fleets > 0 ? c->fleets[0].version : 0;

	/* Versions come one by one. */
	if (first == 0 || version < first || version - first >= c->n_fleets)
		return NULL;
	return &c->fleets[version - first];
}

const struct content_fleet *
content_fleet_named(const struct content *c, const struct hash *name)
{
	for (size_t i = c->n_fleets; i-- > 0;)
		if (hash_equal(&c->fleets[i].name, name))
			return &c->fleets[i];
	return NULL;
}

/* --- a newer one ---------------------------------------------------------- */

int
content_push_fleet(struct content *c, struct fleet_chain *chain, int64_t now,
    struct err *e)
{
	struct fleet_held held = c->held;
	struct fleet_input in;
	int r;

	fleet_chain_input(chain, &in);
	if ((r = trust_expiry(&c->trust, now, NULL, e)) < 0 ||
	    (r = fleet_accept(&held, &c->trust, &in, 0, e)) < 0)
		return r;
	if (c->held.have && held.version == c->held.version)
		return 0;
	chain->version = held.version;
	if ((r = fleets_store(c->dir, chain, e)) != 0 ||
	    (r = add_fleet(c, chain->statement, e)) != 0)
		return r;
	c->held = held;
	return 0;
}

/* --- files of a version --------------------------------------------------- */

static void
version_clear(struct content_version *v)
{
	fleet_chain_clear(&v->chain);
	fleet_free(v->fleet);
	free(v->files);
	memset(v, 0, sizeof(*v));
}

void
content_clear_fleets(struct content *c)
{
	for (size_t i = 0; i < CONTENT_FLEETS; i++)
		version_clear(&c->loaded[i]);
	for (size_t i = 0; i < c->n_fleets; i++)
		free(c->fleets[i].text);
	free(c->fleets);
}

/* "pillar/common.yaml" -> "common", as top.yaml names it. */
static char *
pillar_name(const char *path)
{
	size_t n = strlen(path), skip = strlen(FLEET_PILLAR);

	if (!fleet_is_pillar(path))
		return NULL;
	if (n > skip + 5 && strcmp(path + n - 5, ".yaml") == 0)
		n -= 5;
	return str_dupn(path + skip, n - skip);
}

/*
 * Two paths may have the same content: then the file goes to who may have
 * either, and one that is no pillar goes to everybody; its content is what he
 * has already.
 */
static int
index_version(struct content_version *v, struct err *e)
{
	const struct policy_files *f = &v->chain.files;

	if ((v->files = calloc(f->n + 1, sizeof(*v->files))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < f->n; i++)
		content_add(v->files, &v->n_files,
		    slice_of(f->v[i].data, f->v[i].n),
		    fleet_is_pillar(f->v[i].path) ? f->v[i].path : NULL);
	content_add(v->files, &v->n_files, v->chain.manifest, NULL);
	content_sort(v->files, v->n_files);
	return 0;
}

static int
read_version(struct content *c, uint64_t version, struct content_version *v,
    struct err *e)
{
	const struct content_fleet *f = content_fleet(c, version);
	struct conf_diags diags = {0};
	int r;

	if (f == NULL)
		return 1;
	v->version = version;
	if ((r = place_read_hashed(c->dir, &f->manifest, f->size,
		 BUNDLE_MANIFEST_MAX, &v->chain.manifest, e)) != 0 ||
	    (r = place_read_files(c->dir, v->chain.manifest, NULL,
		 &v->chain.files, e)) != 0)
		return r;
	if ((r = fleet_parse(&v->chain.files, 0, &v->fleet, &diags)) != 0)
		r = r == ERR_NOMEM ? err_nomem(e)
				   : conf_diags_err(&diags, r, e);
	conf_diags_clear(&diags);
	return r != 0 ? r : index_version(v, e);
}

/* 0; 1: no such version. */
static int
get_version(struct content *c, uint64_t version, struct content_version **out,
    struct err *e)
{
	struct content_version *old = &c->loaded[0];
	struct content_version v = {.version = 0};
	int r;

	for (size_t i = 0; i < CONTENT_FLEETS; i++) {
		if (version != 0 && c->loaded[i].version == version) {
			c->loaded[i].used = ++c->clock;
			*out = &c->loaded[i];
			return 0;
		}
		if (c->loaded[i].used < old->used)
			old = &c->loaded[i];
	}
	if ((r = read_version(c, version, &v, e)) != 0) {
		version_clear(&v);
		return r;
	}
	version_clear(old);
	*old = v;
	old->used = ++c->clock;
	*out = old;
	return 0;
}

/* --- who may have it ------------------------------------------------------ */

/* The roles that operators gave it, by its acceptance and by fleet.yaml. */
static int
all_roles(const struct fleet *f, const char *host, const struct strs *roles,
    struct strs *out)
{
	if (fleet_roles(f, host, out) != 0)
		return ERR_NOMEM;
	for (size_t i = 0; roles != NULL && i < roles->n; i++)
		if (!strs_has(out, roles->v[i]) &&
		    strs_add(out, roles->v[i]) != 0)
			return ERR_NOMEM;
	return 0;
}

static int
names_of(const struct fleet *f, const char *host, const struct strs *roles,
    struct strs *out)
{
	struct strs all = {0};
	int r;

	if ((r = all_roles(f, host, roles, &all)) == 0)
		r = fleet_pillar_files(f, host, &all, out);
	strs_clear(&all);
	return r;
}

static int
may_have(const struct content_version *v, const struct hash *h,
    const struct strs *names, struct slice *out, struct err *e)
{
	for (size_t i = 0; i < v->n_files; i++) {
		const struct content_file *f = &v->files[i];
		char *name;
		bool his;

		if (!hash_equal(&f->hash, h))
			continue;
		if (f->pillar != NULL && names != NULL) {
			if ((name = pillar_name(f->pillar)) == NULL)
				return err_nomem(e);
			his = strs_has(names, name);
			free(name);
			if (!his)
				continue;
		}
		*out = f->data;
		return 0;
	}
	return 1;
}

int
content_fleet_file(struct content *c, uint64_t version, const struct hash *h,
    const char *host, const struct strs *roles, struct slice *out,
    struct err *e)
{
	const struct content_fleet *s = content_fleet(c, version);
	struct content_version *v = NULL;
	struct strs names = {0};
	int r;

	if (s == NULL)
		return 1;
	if (hash_equal(&s->name, h)) {
		*out = slice_of(s->text, s->n);
		return 0;
	}
	if ((r = get_version(c, version, &v, e)) != 0)
		return r;
	if (content_find(v->files, v->n_files, h) == NULL)
		return 1;
	if (host != NULL && names_of(v->fleet, host, roles, &names) != 0)
		r = err_nomem(e);
	else
		r = may_have(v, h, host != NULL ? &names : NULL, out, e);
	strs_clear(&names);
	return r;
}
