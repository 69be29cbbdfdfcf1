/* SPDX-License-Identifier: ISC */
/* What a master hands out, and to whom: every file of a version against every
 * host, and versions that are pushed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/master/content.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define DAY 86400
#define NOW FIXTURE_NOW

static char dir[TMPDIR_MAX];
static struct content *content;

static void
must(int r, const struct err *e)
{
	if (r != 0)
		fail_msg("%d %s", r, e->msg);
}

/* --- bundles -------------------------------------------------------------- */

static void
store_policy(void)
{
	char *root = fixture_expand(FIXTURE_ROOT_YAML);
	struct str sig = STR_INIT, statement = STR_INIT, manifest = STR_INIT;
	struct bundle_chain *c = calloc(1, sizeof(*c));
	struct fixture_bundle b = {.realm = *fixture_realm(),
	    .version = 1,
	    .expires = NOW + 180 * DAY,
	    .by = OLGA,
	    .seeds = FIXTURE_BY(SEED_OLGA)};
	struct err e = {0};

	assert_non_null(c);
	fixture_root(fixture_realm(), 1, slice_str(root), OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN), &sig);
	fixture_files(&c->files, NULL, NULL);
	fixture_bundle(&b, &c->files, &statement, &manifest);
	c->root_files[0] = slice_str(root);
	c->root_statements[0] = slice_of(sig.p, sig.n);
	c->n_roots = 1;
	c->statement = slice_of(statement.p, statement.n);
	c->manifest = slice_of(manifest.p, manifest.n);
	c->version = 1;
	must(bundles_store(dir, c, &e), &e);
	policy_files_clear(&c->files);
	free(c);
	free(root);
	str_clear(&sig);
	str_clear(&statement);
	str_clear(&manifest);
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

/* Version v, in which base.yaml says so. */
static void
make_fleet(uint64_t v, const struct hash *previous, uint8_t seed,
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

static int
push_at(uint64_t v, uint8_t seed, int64_t now, struct err *e)
{
	const struct content_fleet *before =
	    content_fleet(content, content_held(content)->version);
	struct fleet_chain c;
	int r;

	make_fleet(v, before != NULL ? &before->name : NULL, seed, &c);
	r = content_push_fleet(content, &c, now, e);
	fleet_chain_clear(&c);
	return r;
}

static int
push(uint64_t v, uint8_t seed, struct err *e)
{
	return push_at(v, seed, NOW, e);
}

static void
open_content(void)
{
	struct err e = {0};

	content_free(content);
	content = NULL;
	must(content_open(dir, fixture_realm(), &content, &e), &e);
}

static int
setup(void **state)
{
	(void)state;
	tmpdir_make(dir, "content");
	store_policy();
	open_content();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	content_free(content);
	content = NULL;
	return tmpdir_remove(dir);
}

/* --- who may have what ---------------------------------------------------- */

static bool
host_gets(uint64_t version, const char *path, const char *host,
    const char *role)
{
	const struct policy_file *f;
	struct fleet_chain c;
	struct strs roles = {0};
	struct slice out = {0};
	struct err e = {0};
	struct hash h;
	int r;

	if (role != NULL)
		assert_int_equal(strs_add(&roles, role), 0);
	make_fleet(version, NULL, SEED_PETRA, &c);
	f = policy_files_find(&c.files, path);
	assert_non_null(f);
	hash_sha256(f->data, f->n, &h);
	r = content_fleet_file(content, version, &h, host, &roles, &out, &e);
	if (r < 0)
		print_error("%s\n", e.msg);
	assert_true(r == 0 || r == 1);
	if (r == 0)
		assert_true(slice_equal(out, slice_of(f->data, f->n)));
	fleet_chain_clear(&c);
	strs_clear(&roles);
	return r == 0;
}

static const struct {
	const char *host, *role, *path;
	bool want;
} who[] = {
    {"web-1", NULL, "fleet.yaml", true},
    {"web-1", NULL, "top.yaml", true},
    {"web-1", NULL, "states/base.yaml", true},
    {"web-1", NULL, "pillar/all.yaml", true},
    {"web-1", NULL, "pillar/web.yaml", true},
    {"web-1", NULL, "pillar/db.yaml", false},
    {"web-1", NULL, "pillar/nobody.yaml", false},
    {"web-2", NULL, "pillar/web.yaml", false},
    {"web-2", NULL, "pillar/all.yaml", true},
    /* A role by the acceptance, and one by fleet.yaml. */
    {"web-2", "web", "pillar/web.yaml", true},
    {"web-2", "db", "pillar/db.yaml", true},
    {"web-2", "dba", "pillar/db.yaml", false},
    {"db-1", NULL, "pillar/db.yaml", true},
    {"db-1", NULL, "pillar/web.yaml", false},
    {"db-1", NULL, "pillar/nobody.yaml", false},
    {"xdb-1", NULL, "pillar/db.yaml", false},
    /* What has the content of a file that is his is his. */
    {"db-1", NULL, "pillar/twin.yaml", true},
    {"web-1", NULL, "pillar/twin.yaml", false},
    /* A person. */
    {NULL, NULL, "pillar/nobody.yaml", true},
};

static void
a_host_gets_what_its_own_top_gives_it(void **state)
{
	struct err e = {0};

	(void)state;
	must(push(1, SEED_PETRA, &e), &e);
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		bool got = host_gets(1, who[i].path, who[i].host, who[i].role);

		if (got != who[i].want)
			print_error("%s (%s): %s\n", who[i].host, who[i].role,
			    who[i].path);
		assert_int_equal(got, who[i].want);
	}
}

static void
a_version_has_its_own_files(void **state)
{
	struct err e = {0};
	struct slice out = {0};
	struct hash none = fixture_hash(9);

	(void)state;
	for (uint64_t v = 1; v <= CONTENT_FLEETS + 3; v++)
		must(push(v, SEED_PETRA, &e), &e);
	/* More than stay in memory, there and back. */
	for (int round = 0; round < 2; round++)
		for (uint64_t v = 1; v <= CONTENT_FLEETS + 3; v++) {
			struct fleet_chain c;
			struct hash h;

			assert_true(host_gets(v, "states/base.yaml", "web-1",
			    NULL));
			make_fleet(v + 1, NULL, SEED_PETRA, &c);
			hash_sha256(policy_files_find(&c.files,
					"states/base.yaml")
					->data,
			    policy_files_find(&c.files, "states/base.yaml")->n,
			    &h);
			assert_int_equal(content_fleet_file(content, v, &h,
					     "web-1", NULL, &out, &e),
			    1);
			fleet_chain_clear(&c);
		}
	assert_int_equal(content_fleet_file(content, 1, &none, "web-1", NULL,
			     &out, &e),
	    1);
	assert_int_equal(content_fleet_file(content, 99, &none, "web-1", NULL,
			     &out, &e),
	    1);
	assert_int_equal(content_fleet_file(content, 0, &none, NULL, NULL, &out,
			     &e),
	    1);
}

/* --- pushed --------------------------------------------------------------- */

static void
what_operators_did_not_sign_is_refused(void **state)
{
	const struct content_fleet *f;
	struct err e = {0};

	(void)state;
	assert_int_equal(push(1, SEED_OLGA, &e), ERR_DENIED);
	assert_false(content_held(content)->have);
	assert_null(content_fleet(content, 1));
	open_content();
	assert_false(content_held(content)->have);
	must(push(1, SEED_PETRA, &e), &e);
	must(push(2, SEED_PETRA, &e), &e);
	assert_int_equal(push(4, SEED_PETRA, &e) < 0, 1);
	assert_int_equal(content_held(content)->version, 2);
	open_content();
	assert_int_equal(content_held(content)->version, 2);
	f = content_fleet(content, 1);
	assert_non_null(f);
	assert_ptr_equal(content_fleet_named(content, &f->name), f);
	assert_null(content_fleet(content, 3));
}

/* It may be the way to the next one; that of a policy which is over is none. */
static void
a_fleet_past_its_time_is_kept_all_the_same(void **state)
{
	struct err e = {0};

	(void)state;
	must(push(1, SEED_PETRA, &e), &e);
	must(push_at(2, SEED_PETRA, NOW + 60 * DAY, &e), &e);
	must(push(3, SEED_PETRA, &e), &e);
	assert_int_equal(push_at(4, SEED_PETRA, NOW + 300 * DAY, &e),
	    ERR_EXPIRED);
	assert_int_equal(content_held(content)->version, 3);
}

static void
a_file_that_was_changed_is_refused(void **state)
{
	struct fleet_chain c;
	struct err e = {0};

	(void)state;
	make_fleet(1, NULL, SEED_PETRA, &c);
	c.files.v[0].data[0] ^= 1;
	assert_int_equal(content_push_fleet(content, &c, NOW, &e), ERR_PARSE);
	assert_null(content_fleet(content, 1));
	fleet_chain_clear(&c);
}

static void
the_policy_is_handed_out_by_content(void **state)
{
	const struct bundle_chain *c = content_chain(content);
	const struct policy *then = NULL;
	struct hash h, none = fixture_hash(9);
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < c->files.n; i++) {
		hash_sha256(c->files.v[i].data, c->files.v[i].n, &h);
		assert_true(slice_equal(content_policy_file(content, &h),
		    slice_of(c->files.v[i].data, c->files.v[i].n)));
	}
	h = content_trust(content)->policy->hash;
	assert_true(slice_equal(content_policy_file(content, &h),
	    c->statement));
	assert_null(content_policy_file(content, &none).p);
	must(content_policy_then(content, &h, &then, &e), &e);
	assert_ptr_equal(then, content_trust(content)->policy);
	assert_int_equal(content_policy_then(content, &none, &then, &e),
	    ERR_NOTFOUND);
}

static void
another_realm_is_not_opened(void **state)
{
	const struct hash other = fixture_hash(3);
	struct content *c = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(content_open(dir, &other, &c, &e), ERR_DENIED);
	assert_int_equal(content_open("/nonexistent", &other, &c, &e),
	    ERR_NOTFOUND);
	assert_null(c);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_host_gets_what_its_own_top_gives_it),
	    T(a_version_has_its_own_files),
	    T(what_operators_did_not_sign_is_refused),
	    T(a_fleet_past_its_time_is_kept_all_the_same),
	    T(a_file_that_was_changed_is_refused),
	    T(the_policy_is_handed_out_by_content),
	    T(another_realm_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
