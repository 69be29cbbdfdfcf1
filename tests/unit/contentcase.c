/* SPDX-License-Identifier: ISC */
#include "tests/unit/contentcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/content_impl.h"
#include "tests/unit/fixture.h"

#define DAY 86400
#define NOW FIXTURE_NOW

static void
must(int r, const struct err *e)
{
	if (r != 0)
		fail_msg("%d %s", r, e->msg);
}

struct content *
contentcase_new(struct policy *p)
{
	struct content *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->trust.have = true;
	c->trust.realm = *fixture_realm();
	c->trust.policy = p;
	return c;
}

/* --- on disk -------------------------------------------------------------- */

static struct slice
dup_slice(const char *p, size_t n)
{
	char *copy = str_dupn(p, n);

	assert_non_null(copy);
	return slice_of(copy, n);
}

void
contentcase_policy(uint64_t v, const struct hash *previous,
    struct bundle_chain *c)
{
	char *root = fixture_expand(FIXTURE_ROOT_YAML);
	struct str sig = STR_INIT, statement = STR_INIT, manifest = STR_INIT;
	struct fixture_bundle b = {.realm = *fixture_realm(),
	    .version = v,
	    .previous = previous,
	    .expires = NOW + 180 * DAY,
	    .by = OLGA,
	    .seeds = FIXTURE_BY(SEED_OLGA)};

	memset(c, 0, sizeof(*c));
	fixture_root(fixture_realm(), 1, slice_str(root), OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN), &sig);
	fixture_files(&c->files, NULL, NULL);
	fixture_bundle(&b, &c->files, &statement, &manifest);
	c->root_files[0] = dup_slice(root, strlen(root));
	c->root_statements[0] = dup_slice(sig.p, sig.n);
	c->n_roots = 1;
	c->statement = dup_slice(statement.p, statement.n);
	c->manifest = dup_slice(manifest.p, manifest.n);
	c->version = v;
	free(root);
	str_clear(&sig);
	str_clear(&statement);
	str_clear(&manifest);
}

void
contentcase_store(const char *dir)
{
	struct bundle_chain *c = calloc(1, sizeof(*c));
	struct err e = {0};

	assert_non_null(c);
	contentcase_policy(1, NULL, c);
	must(bundles_store(dir, c, &e), &e);
	bundle_chain_clear(c);
	free(c);
}

static int
drop(const char *p, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(p);
}

void
contentcase_remove(const char *dir)
{
	assert_int_equal(nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static const struct {
	const char *path, *text;
} fleet_files[] = {
    {"fleet.yaml",
	"masters: [{address: \"m.example.com\", key: master_1}]\n"
	"roles:\n  db: [\"db-*\"]\n"
	"  web: [nobody]\n"},
    {"pillar/all.yaml", "port: 22\n"},
    {"pillar/db.yaml", "shards: 3\n"},
    {"pillar/twin.yaml", "shards: 3\n"}, /* as db.yaml */
    {"pillar/web.yaml", "colour: green\n"},
    {"pillar/nobody.yaml", "secret: no\n"},
    {"states/base.yaml", "limits:\n  pam_limits:\n    limits: []\n"},
    {"top.yaml",
	"states:\n  - {match: \"*\", apply: [base]}\n"
	"pillar:\n  - {match: \"*\", use: [all]}\n"
	"  - {match: \"role == 'db'\", use: [db]}\n"
	"  - {match: \"id == 'web-1' or role == 'web'\", use: [web]}\n"},
};
#define N_FILES (sizeof(fleet_files) / sizeof(fleet_files[0]))

/* In states/base.yaml each version says which it is. */
void
contentcase_fleet(uint64_t v, const struct hash *previous, uint8_t seed,
    struct fleet_chain *c)
{
	struct str manifest = STR_INIT, text = STR_INIT, signed_ = STR_INIT;
	struct statement s;
	struct err e = {0};
	char more[64];

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < N_FILES; i++) {
		(void)snprintf(more, sizeof(more), "# version %llu\n",
		    (unsigned long long)v);
		str_reset(&text);
		str_add(&text, fleet_files[i].text);
		if (strcmp(fleet_files[i].path, "states/base.yaml") == 0)
			str_add(&text, more);
		assert_int_equal(policy_files_add(&c->files,
				     fleet_files[i].path, text.p, text.n),
		    0);
	}
	policy_files_sort(&c->files);
	assert_int_equal(manifest_of(&c->files, &manifest), 0);
	fixture_statement(&s, ST_FLEET, PETRA);
	s.u.bundle.version = v;
	s.u.bundle.expires = NOW + 30 * DAY;
	s.u.bundle.manifest_size = manifest.n;
	hash_sha256(manifest.p, manifest.n, &s.u.bundle.manifest);
	s.u.bundle.has_previous = v > 1;
	s.u.bundle.previous = previous != NULL ? *previous : fixture_hash(7);
	str_reset(&text);
	must(statement_encode(&s, &text, &e), &e);
	fixture_sign_text(text.p, "fleet@writ", (const uint8_t[]){seed, 0},
	    &signed_);
	c->statement = slice_of(str_dupn(signed_.p, signed_.n), signed_.n);
	c->manifest = slice_of(str_dupn(manifest.p, manifest.n), manifest.n);
	c->version = v;
	statement_clear(&s);
	str_clear(&manifest);
	str_clear(&text);
	str_clear(&signed_);
}
