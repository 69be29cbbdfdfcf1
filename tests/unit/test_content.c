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

#include "agent/master/content.h"
#include "tests/unit/contentcase.h"
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

static int
push_at(uint64_t v, uint8_t seed, int64_t now, struct err *e)
{
	const struct content_fleet *before =
	    content_fleet(content, content_held(content)->version);
	struct fleet_chain c;
	int r;

	contentcase_fleet(v, before != NULL ? &before->name : NULL, seed, &c);
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
	contentcase_store(dir);
	open_content();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	content_free(content);
	content = NULL;
	contentcase_remove(dir);
	return 0;
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
	contentcase_fleet(version, NULL, SEED_PETRA, &c);
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
			contentcase_fleet(v + 1, NULL, SEED_PETRA, &c);
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
	contentcase_fleet(1, NULL, SEED_PETRA, &c);
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
