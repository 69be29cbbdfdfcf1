/* SPDX-License-Identifier: ISC */
/*
 * What is pushed, or fetched from the CA, is in force and on its way into the log,
 * or neither: also where memory runs out on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/master/mk_calls.h"
#include "tests/unit/alloc.h"
#include "tests/unit/contentcase.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define NOW FIXTURE_NOW

static char dir[TMPDIR_MAX];
static struct mk mk;
static char *name; /* of who calls */

static void
open_content(void)
{
	struct err e = {0};

	if (content_open(dir, fixture_realm(), &mk.content, &e) != 0)
		fail_msg("%s", e.msg);
}

/* As at a start. */
static void
begin(void)
{
	memset(&mk, 0, sizeof(mk));
	STAILQ_INIT(&mk.next);
	TAILQ_INIT(&mk.dirty);
	stages_init(&mk.stages, MK_STAGES, MK_STAGE_FILES, MK_STAGE_BYTES);
	mk.now = NOW;
	contentcase_store(dir);
	open_content();
}

static void
end(void)
{
	mk_fetch_clear(&mk);
	mk_batch_free(mk.policy_next);
	mk_items_free(&mk.next);
	stages_clear(&mk.stages);
	content_free(mk.content);
}

static int
setup(void **state)
{
	(void)state;
	tmpdir_make(dir, "mkpush");
	begin();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	end();
	return tmpdir_remove(dir);
}

/* An answer that comes now is in *out. */
static int
say(mk_handler *handle, json_t *args, struct str *out)
{
	struct mk_call c = {
	    .args = args, .name = name, .caller = CALLER_PERSON};
	int r = handle(&mk, &c, out, NULL);

	/* Nobody is there any more to be told later. */
	mk_items_forget(&mk, &c);
	if (mk.policy_next != NULL)
		STAILQ_FIRST(&mk.policy_next->items)->call = NULL;
	free(c.parts);
	return r;
}

static void
put_text(json_t *o, const char *key, struct slice s)
{
	assert_int_equal(json_object_set_new(o, key,
			     json_stringn((const char *)s.p, s.n)),
	    0);
}

/* --- a fleet -------------------------------------------------------------- */

static int
put_once(void *arg)
{
	struct str out = STR_INIT;
	int r = say(mk_put, arg, &out);

	if (r == 0)
		r = str_check(&out);
	str_clear(&out);
	return r;
}

static void
put_file(const void *p, size_t n)
{
	json_t *args = json_object();
	struct str s = STR_INIT;

	str_add_base64(&s, p, n);
	put_text(args, "data", slice_of(s.p, s.n));
	assert_true(alloc_each(put_once, args) > 2);
	json_decref(args);
	str_clear(&s);
}

static int
push_fleet_once(void *arg)
{
	const struct fleet_held *held = content_held(mk.content);
	struct str out = STR_INIT;
	int r = say(mk_push, arg, &out);

	str_clear(&out);
	if (r != MK_LATER) {
		assert_false(held->have);
		assert_int_equal(mk.n_next, 0);
		return r;
	}
	assert_int_equal(held->version, 1);
	assert_int_equal(mk.n_next, 1);
	assert_true(STAILQ_FIRST(&mk.next)->has_leaf);
	assert_int_equal(STAILQ_FIRST(&mk.next)->s.type, ST_FLEET);
	return 0;
}

static void
a_fleet_that_is_held_comes_into_the_log(void **state)
{
	json_t *args = json_object();
	struct fleet_chain c;
	struct hash h;

	(void)state;
	name = (char *)(uintptr_t)PETRA;
	contentcase_fleet(1, NULL, SEED_PETRA, &c);
	for (size_t i = 0; i < c.files.n; i++)
		put_file(c.files.v[i].data, c.files.v[i].n);
	put_text(args, "what", slice_str("fleet"));
	put_text(args, "statement", c.statement);
	put_text(args, "manifest", c.manifest);
	assert_true(alloc_each(push_fleet_once, args) > 100);
	/* What was put is let go of. */
	hash_sha256(c.files.v[0].data, c.files.v[0].n, &h);
	assert_null(stages_find(&mk.stages, PETRA, &h).p);
	json_decref(args);
	fleet_chain_clear(&c);
}

/* --- a policy ------------------------------------------------------------- */

/* One way for a policy to come; 0: it is in force and on its way into the log. */
static int (*policy_comes)(json_t *args);
static json_t *policy; /* which is to come */

static int
is_pushed(json_t *args)
{
	struct str out = STR_INIT;
	int r = say(mk_push, args, &out);

	str_clear(&out);
	/* Whichever error it is, the same may be pushed again. */
	return r == MK_LATER ? 0 : ERR_NOMEM;
}

/* It gives up, and asks again in a minute. */
static int
is_fetched(json_t *args)
{
	mk.courier.policy = 7;
	assert_true(mk_fetch_heard(&mk, 7, args, 0));
	assert_int_equal(mk.courier.policy, 0);
	assert_null(mk.courier.fetch);
	return mk.policy_next != NULL ? 0 : ERR_NOMEM;
}

/* The next one, as who signs it makes it. */
static json_t *
policy_args(void)
{
	const struct bundle_chain *own = content_chain(mk.content);
	struct bundle_chain *c = calloc(1, sizeof(*c));
	json_t *args = json_object(), *root = json_object();
	const struct hash was = content_trust(mk.content)->policy->hash;

	assert_non_null(c);
	contentcase_policy(2, &was, c);
	put_text(args, "statement", c->statement);
	put_text(args, "manifest", c->manifest);
	bundle_chain_clear(c);
	free(c);
	if (policy_comes == is_pushed) {
		put_text(args, "what", slice_str("policy"));
		json_decref(root);
		return args;
	}
	put_text(root, "file", own->root_files[0]);
	put_text(root, "statement", own->root_statements[0]);
	json_object_set_new(args, "version", json_string("2"));
	json_object_set_new(args, "roots", json_pack("[o]", root));
	return args;
}

static void
begin_again(void)
{
	end();
	assert_int_equal(tmpdir_remove(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	begin();
	json_decref(policy);
	policy = policy_args();
}

/* In force and with its leaf on the way; or neither; or this process ends, and the
 * next one sees to the leaf. */
static void
check_policy(int r)
{
	uint64_t version = content_trust(mk.content)->policy->version;

	if (r == 0) {
		assert_int_equal(version, 2);
		assert_int_equal(mk.r, 0);
		assert_int_equal(mk.policy_next->sb.n, 2);
		return;
	}
	assert_null(mk.policy_next);
	if (version != 1)
		assert_int_equal(mk.r, ERR_NOMEM);
}

#define LATE 150

/* What comes before is lib/bundle's: the last ones, of the leaf among them, fail
 * one by one. */
static void
comes_or_not(void)
{
	size_t n;

	policy = policy_args();
	alloc_fail_nth(0);
	check_policy(policy_comes(policy));
	assert_non_null(mk.policy_next);
	n = alloc_count();
	assert_true(n > LATE);
	for (size_t i = n - LATE; i <= n; i++) {
		int r;

		begin_again();
		alloc_fail_nth(i);
		r = policy_comes(policy);
		alloc_fail_nth(0);
		check_policy(r);
	}
	json_decref(policy);
}

static void
a_policy_that_is_pushed_comes_into_the_log(void **state)
{
	(void)state;
	name = (char *)(uintptr_t)OLGA;
	policy_comes = is_pushed;
	comes_or_not();
}

static void
a_policy_that_is_fetched_comes_into_the_log(void **state)
{
	(void)state;
	policy_comes = is_fetched;
	comes_or_not();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	    T(a_fleet_that_is_held_comes_into_the_log),
	    T(a_policy_that_is_pushed_comes_into_the_log),
	    T(a_policy_that_is_fetched_comes_into_the_log),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
