/* SPDX-License-Identifier: ISC */
/* The signed policy on disk: what is stored is loaded and verified, and what a
 * crash, a stranger or a bad disk leaves there is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/bundle/bundles.h"
#include "lib/cli/draft.h"
#include "tests/unit/alloc.h"
#include "tests/unit/bundlecase.h"
#include "tests/unit/tmpdir.h"

#define DAY 86400

/* Without the grant root-change. */
static const char second_ca[] =
    "authorities: {user: [user_ca, emergency_ca], host: [host_ca],"
    " log: [ca_log, emergency_log]}\n"
    "people:\n  alice@example.com: {keys: [<4>], groups: [e]}\n"
    "  olga@example.com: {groups: [a]}\n"
    "grants:\n  deploy: {to: [e], principals: [deploy], max: 1h,"
    " approve: [{a: 1}]}\n";

static char dir[TMPDIR_MAX];
static struct str root; /* the statement of root 1, once a test */

static int
set_up(void **state)
{
	(void)state;
	tmpdir_make(dir, "bundles");
	str_init(&root);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	str_clear(&root);
	return tmpdir_remove(dir);
}

/* --- chains --------------------------------------------------------------- */

static struct slice
taken(struct str *s)
{
	char *p = NULL;
	size_t n = s->n;

	assert_int_equal(str_take(s, &p), 0);
	return slice_of(p, n);
}

/* Root 1 and a bundle of this version, signed as it must be. */
static void
make_chain(struct bundle_chain *c, uint64_t version,
    const struct hash *previous, const char *ca)
{
	struct fixture_bundle b = {.realm = *fixture_realm(),
	    .version = version,
	    .previous = previous,
	    .expires = FIXTURE_NOW + 180 * DAY,
	    .by = OLGA,
	    .seeds = FIXTURE_BY(SEED_OLGA)};
	struct str statement = STR_INIT, manifest = STR_INIT, copy = STR_INIT;

	memset(c, 0, sizeof(*c));
	c->root_files[0] = slice_str(fixture_expand(FIXTURE_ROOT_YAML));
	if (root.n == 0)
		fixture_root(fixture_realm(), 1, c->root_files[0], OLGA,
		    FIXTURE_BY(SEED_OLGA, SEED_IVAN), &root);
	str_addn(&copy, root.p, root.n);
	c->root_statements[0] = taken(&copy);
	c->n_roots = 1;
	fixture_files(&c->files, NULL, ca);
	fixture_bundle(&b, &c->files, &statement, &manifest);
	c->statement = taken(&statement);
	c->manifest = taken(&manifest);
	c->version = version;
}

static void
store(const struct bundle_chain *c)
{
	struct err e = {0};

	if (bundles_store(dir, c, &e) != 0)
		fail_msg("store: %s", e.msg);
}

/* Load, expect this answer; the version, or 0 on failure. */
static uint64_t
load(int want, const char *words)
{
	uint64_t version = 0;
	struct trust t;
	struct err e = {0};
	int r;

	trust_init(&t);
	r = bundles_load(dir, NULL, FIXTURE_NOW, &t, &e);
	if (r != want || (words != NULL && strstr(e.msg, words) == NULL))
		fail_msg("%d '%s', expected %d '%s'", r, e.msg, want, words);
	if (r >= 0)
		version = t.policy->version;
	else
		assert_false(t.have);
	trust_clear(&t);
	return version;
}

static void
store_two(struct hash *first, struct hash *second)
{
	struct bundle_chain c;

	make_chain(&c, 1, NULL, NULL);
	store(&c);
	*first = bc_name_of(&c);
	bundle_chain_clear(&c);
	make_chain(&c, 2, first, second_ca);
	store(&c);
	*second = bc_name_of(&c);
	bundle_chain_clear(&c);
}

/* --- bundle/ -------------------------------------------------------------- */

/* Who names the file is not who signed: under a higher number an old version would
 * be in force for good. */
static void
a_number_that_the_statement_does_not_say_is_refused(void **state)
{
	char from[TMPDIR_MAX + 40], to[TMPDIR_MAX + 40];
	struct hash first, second;
	struct bundle_chain c;
	struct err e = {0};

	(void)state;
	store_two(&first, &second);
	make_chain(&c, 3, &second, NULL);
	c.version = 9;
	assert_int_equal(bundles_store(dir, &c, &e), ERR_ROLLBACK);
	assert_string_equal(e.msg,
	    "policy.9 holds version 3, expected version 9");
	bundle_chain_clear(&c);
	assert_int_equal(load(0, NULL), 2);
	snprintf(from, sizeof(from), "%s/bundle/policy.1", dir);
	snprintf(to, sizeof(to), "%s/bundle/policy.7", dir);
	assert_int_equal(link(from, to), 0);
	assert_int_equal(load(ERR_ROLLBACK,
			     "policy.7 holds version 1, expected version 7"),
	    0);
	assert_int_equal(unlink(to), 0);
	assert_int_equal(load(0, NULL), 2);
}

static void
what_is_stored_is_loaded(void **state)
{
	struct hash other = fixture_hash(1);
	struct bundle_chain c, back;
	struct trust t;
	struct err e = {0};

	(void)state;
	assert_int_equal(load(ERR_NOTFOUND, "no policy has been signed"), 0);
	make_chain(&c, 1, NULL, NULL);
	store(&c);
	assert_int_equal(load(0, NULL), 1);
	assert_int_equal(bundles_read(dir, &back, &e), 0);
	assert_int_equal(back.version, 1);
	assert_int_equal(back.n_roots, 1);
	assert_int_equal(back.files.n, c.files.n);
	assert_true(slice_equal(back.statement, c.statement));
	assert_true(slice_equal(back.manifest, c.manifest));
	bundle_chain_clear(&back);
	store(&c); /* again: nothing to do */
	bundle_chain_clear(&c);
	trust_init(&t);
	assert_int_equal(bundles_load(dir, &other, FIXTURE_NOW, &t, &e),
	    ERR_DENIED);
	assert_int_equal(bundles_load(dir, fixture_realm(), FIXTURE_NOW, &t,
			     &e),
	    0);
	trust_clear(&t);
	trust_init(&t);
	assert_int_equal(bundles_load(dir, NULL, FIXTURE_NOW + 181 * DAY, &t,
			     &e),
	    BUNDLE_GRACE);
	trust_clear(&t);
	trust_init(&t);
	assert_int_equal(bundles_load(dir, NULL, FIXTURE_NOW + 195 * DAY, &t,
			     &e),
	    ERR_EXPIRED);
	trust_clear(&t);
}

static void
the_highest_version_is_in_force(void **state)
{
	static const char *const strangers[] = {"policy.03", "policy.x",
	    "policy.0", "policy.3~", "policy.", "policy.-3", "draft.policy"};
	struct hash first, second;
	char path[128];
	struct err e = {0};

	(void)state;
	store_two(&first, &second);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		snprintf(path, sizeof(path), "%s/bundle/%s", dir, strangers[i]);
		assert_int_equal(file_write(path, "x", 1, 0644, 0, &e), 0);
	}
	assert_int_equal(load(0, NULL), 2);
	/* As after a crash before the last file was there. */
	snprintf(path, sizeof(path), "%s/bundle/policy.2", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(load(0, NULL), 1);
}

static void
an_earlier_policy_is_found_by_its_hash(void **state)
{
	struct hash first, second, other = fixture_hash(7);
	struct policy *p = NULL;
	struct err e = {0};

	(void)state;
	store_two(&first, &second);
	assert_int_equal(bundles_load_policy(dir, &first, &p, &e), 0);
	assert_int_equal(p->version, 1);
	assert_true(hash_equal(&p->hash, &first));
	assert_non_null(policy_grant(p, "root-change"));
	assert_true(policy_grant(p, "read-only")->hours.has_rule);
	assert_int_equal(p->expires, FIXTURE_NOW + 180 * DAY);
	policy_free(p);
	p = NULL;
	assert_int_equal(bundles_load_policy(dir, &second, &p, &e), 0);
	assert_null(policy_grant(p, "root-change"));
	policy_free(p);
	p = NULL;
	assert_int_equal(bundles_load_policy(dir, &other, &p, &e),
	    ERR_NOTFOUND);
	assert_null(p);
}

/* What cannot be read is not what is missing, and what is no policy is none. */
static void
an_earlier_policy_is_not_missing_where_it_cannot_be_read(void **state)
{
	struct hash first, second, h;
	struct policy *p = NULL;
	struct statement s;
	char path[TMPDIR_MAX + 32];
	struct err e = {0};

	(void)state;
	store_two(&first, &second);
	snprintf(path, sizeof(path), "%s/bundle/policy.3", dir);
	assert_int_equal(file_write(path, root.p, root.n, 0644, 0, &e), 0);
	statement_init(&s, ST_ROOT);
	assert_int_equal(statement_parse("root", slice_of(root.p, root.n), &s,
			     &e),
	    0);
	h = s.hash;
	statement_clear(&s);
	assert_int_equal(bundles_load_policy(dir, &h, &p, &e), ERR_NOTFOUND);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(bundles_load_policy(dir, &first, &p, &e), 0);
	policy_free(p);
	p = NULL;
	snprintf(path, sizeof(path), "%s/bundle/policy.1", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bundles_load_policy(dir, &first, &p, &e), ERR_SYS);
	assert_non_null(strstr(e.msg, "bundle/policy.3"));
	assert_null(p);
}

static void
a_version_is_never_stored_twice(void **state)
{
	struct bundle_chain c;
	struct err e = {0};

	(void)state;
	make_chain(&c, 1, NULL, NULL);
	store(&c);
	bundle_chain_clear(&c);
	make_chain(&c, 1, NULL, second_ca);
	assert_int_equal(bundles_store(dir, &c, &e), ERR_EXISTS);
	assert_non_null(strstr(e.msg, "bundle/policy.1"));
	bundle_chain_clear(&c);
	assert_int_equal(load(0, NULL), 1);
}

/* Every file of bundle/ in turn: a byte more, a byte less, another, gone. */
static void
a_file_that_is_damaged_is_not_believed(void **state)
{
	struct bundle_chain c;
	struct dirent *entry;
	char sub[TMPDIR_MAX + 16], path[400];
	size_t tried = 0;
	DIR *d;

	(void)state;
	make_chain(&c, 1, NULL, NULL);
	store(&c);
	bundle_chain_clear(&c);
	snprintf(sub, sizeof(sub), "%s/bundle", dir);
	assert_non_null(d = opendir(sub));
	while ((entry = readdir(d)) != NULL) {
		char *text = NULL, *more;
		struct trust t;
		size_t n;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", sub, entry->d_name);
		assert_int_equal(file_read(path, 1 << 20, &text, &n, NULL), 0);
		assert_non_null(more = malloc(n + 1));
		for (int how = 0; how < 4; how++) {
			memcpy(more, text, n);
			more[n] = 'x';
			if (how == 2)
				more[n / 2] ^= 1;
			if (how == 3)
				assert_int_equal(unlink(path), 0);
			else
				assert_int_equal(file_write(path, more,
						     how == 0       ? n + 1
							 : how == 1 ? n - 1
								    : n,
						     0644, 0, NULL),
				    0);
			trust_init(&t);
			if (bundles_load(dir, NULL, FIXTURE_NOW, &t, NULL) >= 0)
				fail_msg("%s, damage %d", entry->d_name, how);
			trust_clear(&t);
			tried++;
		}
		assert_int_equal(file_write(path, text, n, 0644, 0, NULL), 0);
		free(text);
		free(more);
	}
	(void)closedir(d);
	assert_true(tried >= 4 * 8);
	assert_int_equal(load(0, NULL), 1);
}

static int
try_load(void *arg)
{
	struct trust t;
	int r;

	(void)arg;
	trust_init(&t);
	r = bundles_load(dir, NULL, FIXTURE_NOW, &t, NULL);
	trust_clear(&t);
	return r;
}

static int
try_past(void *arg)
{
	struct bundle_chain c = {0};
	int r = bundles_read_past(dir, arg, &c, NULL);

	bundle_chain_clear(&c);
	return r;
}

static int
try_policy(void *arg)
{
	struct policy *p = NULL;
	int r = bundles_load_policy(dir, arg, &p, NULL);

	policy_free(p);
	return r;
}

static void
without_memory_no_earlier_policy_is_missing(void **state)
{
	struct hash first, second;

	(void)state;
	store_two(&first, &second);
	assert_true(alloc_each(try_past, &first) > 20);
	assert_true(alloc_each(try_policy, &first) > 100);
}

static void
without_memory_it_says_so(void **state)
{
	struct bundle_chain c;

	(void)state;
	make_chain(&c, 1, NULL, second_ca);
	store(&c);
	bundle_chain_clear(&c);
	assert_true(alloc_each(try_load, NULL) > 100);
}

/* --- policy/ -------------------------------------------------------------- */

static void
put(const char *name, const char *text)
{
	char path[200], *slash;
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/policy/%s", dir, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(file_mkdirs(path, 0755, &e), 0);
	*slash = '/';
	if (file_write(path, text, strlen(text), 0644, 0, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
a_draft_is_what_belongs_in_a_policy(void **state)
{
	struct policy_files f = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(draft_read(dir, &draft_policy, &f, &e), ERR_SYS);
	put("root.yaml", "r");
	put("ca.yaml", "c");
	put("audit.yaml", "a");
	put("people/olga@example.com.yaml", "o");
	put("authorities/user_ca.pub", "u");
	put(".ca.yaml.swp", "x");
	put("ca.yaml~", "x");
	put("people/.hidden", "x");
	assert_int_equal(draft_read(dir, &draft_policy, &f, &e), 0);
	assert_int_equal(f.n, 5);
	assert_non_null(policy_files_find(&f, "people/olga@example.com.yaml"));
	assert_non_null(policy_files_find(&f, "authorities/user_ca.pub"));
	assert_non_null(policy_files_find(&f, "audit.yaml"));
	policy_files_clear(&f);
}

static void
anything_else_in_a_draft_is_refused(void **state)
{
	static const char *const strangers[] = {"notes.txt", "root.yml",
	    "people/olga", "people/x.pub", "authorities/user_ca",
	    "authorities/user_ca.yaml", "ca.yaml.orig"};

	(void)state;
	put("root.yaml", "r");
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		struct policy_files f = {0};
		struct err e = {0};
		char path[200];

		put(strangers[i], "x");
		if (draft_read(dir, &draft_policy, &f, &e) != ERR_PARSE ||
		    strstr(e.msg, "does not belong") == NULL)
			fail_msg("%s: %s", strangers[i], e.msg);
		assert_int_equal(f.n, 0);
		snprintf(path, sizeof(path), "%s/policy/%s", dir, strangers[i]);
		assert_int_equal(unlink(path), 0);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_is_stored_is_loaded),
	    T(the_highest_version_is_in_force),
	    T(an_earlier_policy_is_found_by_its_hash),
	    T(an_earlier_policy_is_not_missing_where_it_cannot_be_read),
	    T(a_version_is_never_stored_twice),
	    T(a_number_that_the_statement_does_not_say_is_refused),
	    T(a_file_that_is_damaged_is_not_believed),
	    T(without_memory_it_says_so),
	    T(without_memory_no_earlier_policy_is_missing),
	    T(a_draft_is_what_belongs_in_a_policy),
	    T(anything_else_in_a_draft_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
