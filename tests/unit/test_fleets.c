/* SPDX-License-Identifier: ISC */
/* The fleet's bundle on disk: what is stored is loaded and judged, also by a
 * host that was off, and what lies there in its place is not believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/bundle/fleets.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define DAY  86400
#define LAST 4 /* versions on disk */

static char dir[TMPDIR_MAX], other[TMPDIR_MAX];
static struct trust trust;
static struct fleet_held held[LAST + 1]; /* as who accepted that version */

static void
must(int r, const char *what, const struct err *e)
{
	if (r < 0)
		fail_msg("%s: %d %s", what, r, e->msg);
}

static void
accept_policy(void)
{
	char *root = fixture_expand(FIXTURE_ROOT_YAML);
	struct str sig = STR_INIT, statement = STR_INIT, manifest = STR_INIT;
	struct policy_files files = {0};
	struct slice file = slice_str(root), root_sig;
	struct fixture_bundle b = {.realm = *fixture_realm(),
	    .version = 1,
	    .expires = FIXTURE_NOW + 180 * DAY,
	    .by = OLGA,
	    .seeds = FIXTURE_BY(SEED_OLGA)};
	struct err e = {0};

	fixture_root(fixture_realm(), 1, file, OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN), &sig);
	fixture_files(&files, NULL, NULL);
	fixture_bundle(&b, &files, &statement, &manifest);
	root_sig = slice_of(sig.p, sig.n);
	must(trust_update(&trust,
		 &(struct bundle_input){.root_files = &file,
		     .root_statements = &root_sig,
		     .n_roots = 1,
		     .statement = slice_of(statement.p, statement.n),
		     .manifest = slice_of(manifest.p, manifest.n),
		     .files = &files},
		 NULL, FIXTURE_NOW, &e),
	    "policy", &e);
	policy_files_clear(&files);
	str_clear(&sig);
	str_clear(&statement);
	str_clear(&manifest);
	free(root);
}

/* The files of that version, each with a state of its own. */
static void
make_files(uint64_t version, struct policy_files *f)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "limits: {v: %llu}\n",
	    (unsigned long long)version);
	fixture_file(f, "fleet.yaml", "masters: []\n");
	fixture_file(f, "pillar/common.yaml", "port: 22\n");
	fixture_file(f, "pillar/db.yaml", "port: 5432\n");
	fixture_file(f, "states/limits.yaml", text);
	fixture_file(f, "top.yaml", "states: []\n");
}

/* Borrows from its arguments; clear those. */
static void
make_chain(uint64_t version, struct policy_files *files, struct str *manifest,
    struct str *statement, struct fleet_chain *c)
{
	struct str text = STR_INIT;
	struct statement s;
	struct bundle_statement *b = &s.u.bundle;
	struct err e = {0};

	make_files(version, files);
	assert_int_equal(manifest_of(files, manifest), 0);
	fixture_statement(&s, ST_FLEET, PETRA);
	b->version = version;
	b->expires = FIXTURE_NOW + 30 * DAY;
	b->manifest_size = manifest->n;
	hash_sha256(manifest->p, manifest->n, &b->manifest);
	b->has_previous = version > 1;
	b->previous = held[version - 1].bundle;
	must(statement_encode(&s, &text, &e), "encode", &e);
	fixture_sign_text(text.p, "fleet@writ", FIXTURE_BY(SEED_PETRA),
	    statement);
	*c = (struct fleet_chain){
	    .statement = slice_of(statement->p, statement->n),
	    .manifest = slice_of(manifest->p, manifest->n),
	    .files = *files,
	    .version = version,
	};
	statement_clear(&s);
	str_clear(&text);
}

static void
store_version(uint64_t version)
{
	struct str manifest = STR_INIT, statement = STR_INIT;
	struct policy_files files = {0};
	struct fleet_chain c;
	struct fleet_input in;
	struct err e = {0};

	make_chain(version, &files, &manifest, &statement, &c);
	fleet_chain_input(&c, &in);
	held[version] = held[version - 1];
	must(fleet_accept(&held[version], &trust, &in, FIXTURE_NOW, &e),
	    "accept", &e);
	must(fleets_store(dir, &c, &e), "store", &e);
	policy_files_clear(&files);
	str_clear(&manifest);
	str_clear(&statement);
}

static int
set_up(void **state)
{
	(void)state;
	tmpdir_make(dir, "fleets");
	tmpdir_make(other, "fleets");
	trust_init(&trust);
	memset(held, 0, sizeof(held));
	accept_policy();
	for (uint64_t v = 1; v <= LAST; v++)
		store_version(v);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	trust_clear(&trust);
	return tmpdir_remove(dir) | tmpdir_remove(other);
}

/* A path below dir/bundle; valid until the next one. */
static const char *
in_bundle(const char *where, const char *name)
{
	static char path[TMPDIR_MAX + 100];

	(void)snprintf(path, sizeof(path), "%s/bundle/%s", where, name);
	return path;
}

/* The name by content of a file of the newest version. */
static const char *
content_name(const char *path)
{
	static char hex[HASH_HEX];
	struct policy_files files = {0};
	const struct policy_file *f;
	struct hash h;

	make_files(LAST, &files);
	f = policy_files_find(&files, path);
	assert_non_null(f);
	hash_sha256(f->data, f->n, &h);
	hash_hex(&h, hex);
	policy_files_clear(&files);
	return hex;
}

static void
every_earlier_holder_comes_to_the_newest(void **state)
{
	(void)state;
	for (uint64_t v = 0; v <= LAST; v++) {
		struct fleet_held h = held[v];
		struct fleet_chain c = {0};
		struct err e = {0};

		must(fleets_load(dir, &trust, false, FIXTURE_NOW, &h, &c, &e),
		    "load", &e);
		assert_memory_equal(&h, &held[LAST], sizeof(h));
		assert_int_equal(c.version, LAST);
		assert_int_equal(c.files.n, 5);
		assert_int_equal(c.n_between,
		    v == 0 || v == LAST ? 0 : LAST - v - 1);
		fleet_chain_clear(&c);
	}
}

static void
storing_again_is_fine_and_another_of_that_version_is_not(void **state)
{
	struct str manifest = STR_INIT, statement = STR_INIT;
	struct policy_files files = {0};
	struct fleet_chain c = {0}, another;
	struct err e = {0};

	(void)state;
	must(fleets_read(dir, 0, &c, &e), "read", &e);
	must(fleets_store(dir, &c, &e), "again", &e);
	make_chain(LAST, &files, &manifest, &statement, &another);
	assert_int_equal(fleets_store(dir, &another, &e), ERR_EXISTS);
	fleet_chain_clear(&c);
	policy_files_clear(&files);
	str_clear(&manifest);
	str_clear(&statement);
}

static const struct {
	const char *name;
	const char *gone;    /* removed: "fleet.3", or a path of the fleet */
	const char *touched; /* has another byte */
	bool some_pillar;
	int want;
	const char *says;
} cases[] = {
    {"whole", NULL, NULL, false, 0, ""},
    {"a host's pillar", "pillar/db.yaml", NULL, true, 0, ""},
    {"pillar that is missing", "pillar/db.yaml", NULL, false, ERR_NOTFOUND, ""},
    {"a state that is missing", "states/limits.yaml", NULL, true, ERR_NOTFOUND,
	""},
    {"a touched state", NULL, "states/limits.yaml", true, ERR_CORRUPT,
	"differs from its name"},
    {"touched pillar", NULL, "pillar/common.yaml", true, ERR_CORRUPT,
	"differs from its name"},
    {"a statement between that is missing", "fleet.3", NULL, false,
	ERR_NOTFOUND, "fleet.3"},
    {"a touched statement between", NULL, "fleet.3", false, ERR_ROLLBACK,
	"not the one"},
    {"a touched statement", NULL, "fleet.4", false, ERR_BADSIG, ""},
};

static const char *
place_of(const char *what)
{
	return in_bundle(dir,
	    strncmp(what, "fleet.", 6) == 0 && strstr(what, "yaml") == NULL
		? what
		: content_name(what));
}

/* Another digit in its first line, or another first byte. */
static void
touch(const char *path)
{
	char *text = NULL, *digit;
	struct err e = {0};
	size_t n;

	must(file_read(path, STATEMENT_MAX, &text, &n, &e), "read", &e);
	digit = memmem(text, n, "\"nonce\":\"", 9);
	digit = digit != NULL ? digit + 9 : text;
	*digit = *digit == '1' ? '2' : '1';
	must(file_write(path, text, n, 0644, 0, &e), "write", &e);
	free(text);
}

static void
what_lies_there_in_its_place_is_not_believed(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fleet_held h;
		struct err e = {0};
		int r;

		/* A fresh place each time. */
		if (i > 0) {
			assert_int_equal(tear_down(state), 0);
			assert_int_equal(set_up(state), 0);
		}
		h = held[2];
		if (cases[i].gone != NULL)
			assert_int_equal(unlink(place_of(cases[i].gone)), 0);
		if (cases[i].touched != NULL)
			touch(place_of(cases[i].touched));
		r = fleets_load(dir, &trust, cases[i].some_pillar, FIXTURE_NOW,
		    &h, NULL, &e);
		if (r != cases[i].want || strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%s: %d, not %d: %s", cases[i].name, r,
			    cases[i].want, e.msg);
		assert_int_equal(h.version, r == 0 ? LAST : 2);
	}
}

static void
an_older_version_can_be_looked_at(void **state)
{
	struct fleet_chain c = {0};
	const struct policy_file *f;
	struct err e = {0};

	(void)state;
	must(fleets_read_past(dir, 2, &c, &e), "read", &e);
	assert_int_equal(c.version, 2);
	f = policy_files_find(&c.files, "states/limits.yaml");
	assert_non_null(f);
	assert_memory_equal(f->data, "limits: {v: 2}", 14);
	fleet_chain_clear(&c);
	assert_int_equal(fleets_read_past(dir, LAST + 1, &c, &e), ERR_NOTFOUND);
	assert_int_equal(c.version, 0);
}

static void
nothing_there_is_said(void **state)
{
	struct fleet_held h = {0};
	struct fleet_chain c = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(fleets_read(other, 0, &c, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "no fleet has been signed"));
	assert_non_null(strstr(e.hint, "writ fleet sign"));
	assert_int_equal(fleets_load(other, &trust, false, 0, &h, NULL, &e),
	    ERR_NOTFOUND);
	assert_false(h.have);
}

static void
a_copy_serves_those_who_were_off(void **state)
{
	struct fleet_held h = held[1];
	struct fleet_chain c = {0};
	struct err e = {0};

	(void)state;
	must(fleets_read(dir, 0, &c, &e), "read", &e);
	must(fleets_store(other, &c, &e), "store", &e);
	must(fleets_copy_chain(dir, other, &e), "copy", &e);
	must(fleets_load(other, &trust, false, FIXTURE_NOW, &h, NULL, &e),
	    "load", &e);
	assert_int_equal(h.version, LAST);
	assert_true(file_exists(in_bundle(other, "fleet.1")));
	fleet_chain_clear(&c);
}

static int
load_once(void *arg)
{
	struct fleet_held h = held[1];

	(void)arg;
	return fleets_load(dir, &trust, true, FIXTURE_NOW, &h, NULL, NULL);
}

static void
every_failing_allocation_is_answered(void **state)
{
	(void)state;
	assert_true(alloc_each(load_once, NULL) > 30);
}

static void
a_number_that_the_statement_does_not_say_is_refused(void **state)
{
	struct str manifest = STR_INIT, statement = STR_INIT;
	struct policy_files files = {0};
	struct fleet_chain c = {0};
	struct fleet_held h = {0};
	char from[TMPDIR_MAX + 100];
	struct err e = {0};

	(void)state;
	make_chain(2, &files, &manifest, &statement, &c);
	c.version = LAST + 4;
	assert_int_equal(fleets_store(other, &c, &e), ERR_ROLLBACK);
	assert_non_null(strstr(e.msg, "holds version 2, expected version "));
	assert_int_equal(access(in_bundle(other, ""), F_OK), -1);
	policy_files_clear(&files);
	str_clear(&manifest);
	str_clear(&statement);
	memcpy(from, in_bundle(dir, "fleet.1"), sizeof(from));
	assert_int_equal(link(from, in_bundle(dir, "fleet.77")), 0);
	c = (struct fleet_chain){0};
	assert_int_equal(fleets_load(dir, &trust, false, FIXTURE_NOW, &h, &c,
			     &e),
	    ERR_ROLLBACK);
	assert_string_equal(e.msg,
	    "fleet.77 holds version 1, expected version 77");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(every_earlier_holder_comes_to_the_newest),
	    TEST(storing_again_is_fine_and_another_of_that_version_is_not),
	    TEST(what_lies_there_in_its_place_is_not_believed),
	    TEST(a_number_that_the_statement_does_not_say_is_refused),
	    TEST(an_older_version_can_be_looked_at),
	    TEST(nothing_there_is_said),
	    TEST(a_copy_serves_those_who_were_off),
	    TEST(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
