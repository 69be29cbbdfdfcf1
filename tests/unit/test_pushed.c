/* SPDX-License-Identifier: ISC */
#include "lib/keeper/pushed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/bundlecase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A parcel of root 1 and bundle 1, and what a push of it says. */
static struct parcel parcel;
static json_t *args;
static const struct bundle_chain none;
static struct err err;
static const char *lost; /* a file that nobody put */

static int
setup(void **state)
{
	(void)state;
	bc_first(&parcel);
	args = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "statement",
	    parcel.statement.p, "manifest", parcel.manifest.p, "roots", "file",
	    parcel.root_text[0], "statement", parcel.root_sig[0].p);
	assert_non_null(args);
	lost = NULL;
	err = (struct err){0};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	json_decref(args);
	bc_clear(&parcel);
	return 0;
}

static int
find(void *ctx, const struct hash *h, struct slice *out, struct err *e)
{
	struct hash is;

	(void)e;
	*(size_t *)ctx += 1;
	for (size_t i = 0; i < parcel.files.n; i++) {
		const struct policy_file *f = &parcel.files.v[i];

		hash_sha256(f->data, f->n, &is);
		if (!hash_equal(&is, h) ||
		    (lost != NULL && strcmp(lost, f->path) == 0))
			continue;
		*out = slice_of(f->data, f->n);
		return 0;
	}
	return PUSHED_NONE;
}

static int
push(const struct bundle_chain *old, struct bundle_chain **out)
{
	size_t asked = 0;

	return pushed_policy(args, old, find, &asked, out, &err);
}

static void
drop(struct bundle_chain *c)
{
	bundle_chain_clear(c);
	free(c);
}

static void
a_push_is_a_chain_that_can_be_believed(void **state)
{
	struct bundle_chain *c = NULL;
	struct trust t;

	(void)state;
	assert_int_equal(push(&none, &c), 0);
	assert_int_equal(c->version, 1);
	assert_int_equal(c->n_roots, 1);
	assert_int_equal(c->files.n, parcel.files.n);
	trust_init(&t);
	assert_int_equal(bundle_chain_accept(c, &t, fixture_realm(),
			     FIXTURE_NOW, &err),
	    0);
	trust_clear(&t);
	drop(c);
}

static void
roots_go_on_from_those_that_are_held(void **state)
{
	struct bundle_chain *first = NULL, *next = NULL;

	(void)state;
	assert_int_equal(push(&none, &first), 0);
	assert_int_equal(push(first, &next), 0);
	assert_int_equal(next->n_roots, 2);
	assert_int_equal(next->root_files[0].n, next->root_files[1].n);
	drop(next);
	next = NULL;
	assert_int_equal(json_object_del(args, "roots"), 0);
	assert_int_equal(push(first, &next), 0);
	assert_int_equal(next->n_roots, 1);
	drop(next);
	drop(first);
}

static void
what_is_no_push_is_refused(void **state)
{
	static const struct {
		const char *key;
		const char *value; /* JSON; NULL: the key is missing */
		const char *says;
		int r;
	} cases[] = {
	    {"statement", NULL, "'statement' is missing, or no text",
		ERR_PARSE},
	    {"statement", "7", "'statement' is missing, or no text", ERR_PARSE},
	    {"statement", "\"x\"", "", ERR_PARSE},
	    {"manifest", NULL, "'manifest' is missing, or no text", ERR_PARSE},
	    {"manifest", "[]", "'manifest' is missing, or no text", ERR_PARSE},
	    {"manifest", "\"\"", "", ERR_PARSE},
	    {"manifest", "\"x y z\\n\"", "", ERR_PARSE},
	    {"roots", "{}", "roots", ERR_PARSE},
	    {"roots", "[1]", "'roots' has an entry that is no object",
		ERR_PARSE},
	    {"roots", "[{\"file\": \"x\"}]",
		"'statement' is missing, or no text", ERR_PARSE},
	    {"roots", "[{\"statement\": \"x\"}]",
		"'file' is missing, or no text", ERR_PARSE},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		json_t *whole = json_deep_copy(args);
		struct bundle_chain *c = NULL;

		(void)json_object_del(args, cases[i].key);
		if (cases[i].value != NULL)
			json_object_set_new(args, cases[i].key,
			    json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		assert_int_equal(push(&none, &c), cases[i].r);
		assert_null(c);
		if (strstr(err.msg, cases[i].says) == NULL)
			fail_msg("%zu: '%s'", i, err.msg);
		json_decref(args);
		args = whole;
	}
}

static void
another_statement_is_no_policy(void **state)
{
	struct bundle_chain *c = NULL;

	(void)state;
	json_object_set_new(args, "statement",
	    json_string(parcel.root_sig[0].p));
	assert_int_equal(push(&none, &c), ERR_PARSE);
	assert_string_equal(err.msg,
	    "'statement' is a root statement, expected a policy's");
	assert_null(c);
}

static void
a_file_that_nobody_put_is_named(void **state)
{
	struct bundle_chain *c = NULL;

	(void)state;
	lost = "ca.yaml";
	assert_int_equal(push(&none, &c), ERR_NOTFOUND);
	assert_string_equal(err.msg, "'ca.yaml' of the manifest was not put");
	assert_null(c);
}

static void
there_are_so_many_roots(void **state)
{
	json_t *roots = json_object_get(args, "roots");
	struct bundle_chain *c = NULL;

	(void)state;
	while (json_array_size(roots) < BUNDLE_ROOTS_MAX)
		json_array_append(roots, json_array_get(roots, 0));
	assert_int_equal(push(&none, &c), 0);
	assert_int_equal(c->n_roots, BUNDLE_ROOTS_MAX);

	/* One more, among those held or those that come. */
	struct bundle_chain *more = NULL;

	json_array_clear(roots);
	json_array_append_new(roots,
	    json_pack("{s:s, s:s}", "file", "x", "statement", "y"));
	assert_int_equal(push(c, &more), ERR_LIMIT);
	assert_string_equal(err.msg, "more than 1024 roots");
	assert_null(more);
	drop(c);
}

static int
push_it(void *arg)
{
	struct bundle_chain *c = NULL;
	int r = push(arg, &c);

	if (r == 0)
		drop(c);
	else
		assert_null(c);
	return r;
}

static void
memory_may_run_out(void **state)
{
	struct bundle_chain *first = NULL;

	(void)state;
	assert_int_equal(push(&none, &first), 0);
	assert_true(alloc_each(push_it, first) > 10);
	drop(first);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_push_is_a_chain_that_can_be_believed),
	    T(roots_go_on_from_those_that_are_held),
	    T(what_is_no_push_is_refused),
	    T(another_statement_is_no_policy),
	    T(a_file_that_nobody_put_is_named),
	    T(there_are_so_many_roots),
	    T(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
