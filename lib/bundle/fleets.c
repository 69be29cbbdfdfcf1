/* SPDX-License-Identifier: ISC */
#include "lib/bundle/fleets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bundle/place.h"

static void
between_free(struct slice *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		place_free(&v[i]);
	free(v);
}

void
fleet_chain_clear(struct fleet_chain *c)
{
	place_free(&c->statement);
	place_free(&c->manifest);
	policy_files_clear(&c->files);
	between_free(c->between, c->n_between);
	memset(c, 0, sizeof(*c));
}

void
fleet_chain_input(const struct fleet_chain *c, struct fleet_input *in)
{
	*in = (struct fleet_input){.statement = c->statement,
	    .manifest = c->manifest,
	    .files = &c->files,
	    .between = c->between,
	    .n_between = c->n_between,
	    .some_pillar = c->some_pillar};
}

/* --- reading --- */

/* MANIFEST and files of the statement that was read. */
static int
read_content(const char *dir, struct fleet_chain *c, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_FLEET);
	if ((r = statement_parse("fleet bundle", c->statement, &s, e)) != 0)
		goto out;
	if (s.type != ST_FLEET) {
		r = err_set(e, ERR_PARSE,
		    "%s/bundle/fleet.%llu: not a fleet statement", dir,
		    (unsigned long long)c->version);
		goto out;
	}
	if ((r = place_check_number("fleet", c->version, s.u.bundle.version,
		 e)) == 0 &&
	    (r = place_read_hashed(dir, &s.u.bundle.manifest,
		 s.u.bundle.manifest_size, BUNDLE_MANIFEST_MAX, &c->manifest,
		 e)) == 0)
		r = place_read_files(dir, c->manifest,
		    c->some_pillar ? fleet_is_pillar : NULL, &c->files, e);
out:
	statement_clear(&s);
	return r;
}

/* The statements of the versions in between. */
static int
read_between(const char *dir, uint64_t held, struct fleet_chain *c,
    struct err *e)
{
	uint64_t n = held != 0 && held < c->version ? c->version - held - 1 : 0;
	int r = 0;

	if (n == 0)
		return 0;
	if (n > FLEET_BETWEEN_MAX)
		return err_set(e, ERR_LIMIT,
		    "fleet version %llu is %llu versions ahead, expected at "
		    "most %d",
		    (unsigned long long)c->version, (unsigned long long)n + 1,
		    FLEET_BETWEEN_MAX + 1);
	if ((c->between = calloc((size_t)n, sizeof(*c->between))) == NULL)
		return err_nomem(e);
	while (r == 0 && c->n_between < n) {
		r = place_read_version(dir, "fleet", held + 1 + c->n_between,
		    &c->between[c->n_between], e);
		c->n_between++;
	}
	return r;
}

int
fleets_read(const char *dir, uint64_t held, struct fleet_chain *out,
    struct err *e)
{
	struct fleet_chain c = {.some_pillar = out->some_pillar};
	int r;

	if ((r = place_highest(dir, "fleet.", &c.version, e)) != 0)
		return r;
	if (c.version == 0) {
		r = err_set(e, ERR_NOTFOUND, "%s: no fleet has been signed yet",
		    dir);
		err_hint(e, "writ fleet sign -C %s -i KEY", dir);
		return r;
	}
	if ((r = place_read_version(dir, "fleet", c.version, &c.statement,
		 e)) != 0 ||
	    (r = read_content(dir, &c, e)) != 0 ||
	    (r = read_between(dir, held, &c, e)) != 0) {
		fleet_chain_clear(&c);
		return r;
	}
	*out = c;
	return 0;
}

int
fleets_read_past(const char *dir, uint64_t version, struct fleet_chain *out,
    struct err *e)
{
	struct fleet_chain c = {
	    .version = version, .some_pillar = out->some_pillar};
	int r;

	if ((r = place_read_version(dir, "fleet", version, &c.statement, e)) !=
		0 ||
	    (r = read_content(dir, &c, e)) != 0) {
		fleet_chain_clear(&c);
		return r;
	}
	*out = c;
	return 0;
}

int
fleets_load(const char *dir, const struct trust *t, bool some_pillar,
    int64_t now, struct fleet_held *held, struct fleet_chain *out,
    struct err *e)
{
	struct fleet_chain c = {.some_pillar = some_pillar};
	struct fleet_input in;
	int r;

	r = fleets_read(dir, held->have ? held->version : 0, &c, e);
	if (r != 0)
		return r;
	fleet_chain_input(&c, &in);
	if ((r = fleet_accept(held, t, &in, now, e)) < 0)
		err_prefix(e, "%s/bundle", dir);
	else if (out != NULL) {
		*out = c;
		return r;
	}
	fleet_chain_clear(&c);
	return r;
}

/* --- writing --- */

/* It goes under the number that it says itself. */
static int
check_number(const struct fleet_chain *c, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_FLEET);
	r = statement_parse("fleet bundle", c->statement, &s, e);
	if (r == 0 && s.type != ST_FLEET)
		r = err_set(e, ERR_PARSE,
		    "fleet bundle: not a fleet statement");
	if (r == 0)
		r = place_check_number("fleet", c->version, s.u.bundle.version,
		    e);
	statement_clear(&s);
	return r;
}

int
fleets_store(const char *dir, const struct fleet_chain *c, struct err *e)
{
	char name[40];
	int r;

	(void)snprintf(name, sizeof(name), "fleet.%llu",
	    (unsigned long long)c->version);
	if ((r = check_number(c, e)) != 0 || (r = place_make(dir, e)) != 0 ||
	    (r = place_store_files(dir, &c->files, e)) != 0 ||
	    (r = place_store_hashed(dir, c->manifest, e)) != 0)
		return r;
	return place_store(dir, name, c->statement, e);
}

int
fleets_copy_chain(const char *from, const char *to, struct err *e)
{
	uint64_t last;
	int r;

	if ((r = place_highest(from, "fleet.", &last, e)) != 0 ||
	    (r = place_make(to, e)) != 0)
		return r;
	for (uint64_t v = 1; v <= last && r == 0; v++) {
		struct slice s = {0};
		char name[40];

		r = place_read_version(from, "fleet", v, &s, e);
		(void)snprintf(name, sizeof(name), "fleet.%llu",
		    (unsigned long long)v);
		if (r == 0)
			r = place_store(to, name, s, e);
		place_free(&s);
	}
	return r;
}
