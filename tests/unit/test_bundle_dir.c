/* SPDX-License-Identifier: ISC */
/*
 * What a host has held is never lost to something older: after a restart, when
 * the policy of a master is read from root 1 on, too.
 */
#include "agent/minion/bundle_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/bundlecase.h"

/* The chain of a parcel, which keeps what it borrows. */
static void
lend(const struct parcel *p, uint64_t version, struct bundle_chain *c)
{
	memset(c, 0, sizeof(*c));
	c->n_roots = p->in.n_roots;
	for (size_t i = 0; i < c->n_roots; i++) {
		c->root_files[i] = p->in.root_files[i];
		c->root_statements[i] = p->in.root_statements[i];
	}
	c->statement = p->in.statement;
	c->manifest = p->in.manifest;
	c->files = p->files;
	c->version = version;
}

/* As the applier takes it: from nothing but what is held. */
static int
accept_it(const struct parcel *p, uint64_t version, struct held *held,
    struct err *e)
{
	static struct bundle_chain c; /* too large for a stack */
	struct trust t;
	int r;

	lend(p, version, &c);
	trust_init(&t);
	r = agent_policy_accept(&c, fixture_realm(), FIXTURE_NOW, held, &t, e);
	trust_clear(&t);
	return r;
}

static void
add_root1(struct parcel *p)
{
	bc_add_root(p, 0, 1, FIXTURE_ROOT_YAML, OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
}

/* Policy 2 of root 2, in which ivan is no officer any more. */
static void
hold_root_2(struct held *held)
{
	const struct hash one = fixture_hash(1);
	struct err e = {0};
	struct parcel p;

	bc_init(&p);
	add_root1(&p);
	bc_add_root(&p, 1, 2, bc_root2, OLGA, FIXTURE_BY(1, 2, 8));
	bc_add_bundle(&p, 2, &one, bc_root2, bc_other_ca, FIXTURE_BY(1, 8));
	*held = (struct held){0};
	if (accept_it(&p, 2, held, &e) != 0)
		fail_msg("root 2: %s", e.msg);
	assert_int_equal(held->policy_version, 2);
	bc_clear(&p);
}

/* Keys that root 2 threw out sign a later policy under the root that had them. */
static void
a_later_policy_of_an_older_root_is_refused(void **state)
{
	const struct hash two = fixture_hash(2);
	struct held held, before;
	struct err e = {0};
	struct parcel p;

	(void)state;
	hold_root_2(&held);
	before = held;
	bc_init(&p);
	add_root1(&p);
	bc_add_bundle(&p, 3, &two, NULL, NULL, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(accept_it(&p, 3, &held, &e), ERR_ROLLBACK);
	assert_string_equal(e.msg,
	    "policy version 3 is of root version 1, but this host has held 2");
	assert_memory_equal(&held, &before, sizeof(held));
	bc_clear(&p);
}

/* Or they sign another root 2, and a root 3 of it. */
static void
another_line_of_roots_is_refused(void **state)
{
	static const char other2[] =
	    "version: 2\nexpires: 2029-11-01\ngrace: 14d\n"
	    "officers:\n  olga@example.com: {keys: [<1>]}\n"
	    "  mallory@example.com: {keys: [<200>]}\n"
	    "operators:\n  petra@example.com: {keys: [<3>]}\n"
	    "thresholds: {root: 1, policy: 1, fleet: 1}\n";
	static const char other3[] =
	    "version: 3\nexpires: 2029-12-01\ngrace: 14d\n"
	    "officers:\n  olga@example.com: {keys: [<1>]}\n"
	    "  mallory@example.com: {keys: [<200>]}\n"
	    "operators:\n  petra@example.com: {keys: [<3>]}\n"
	    "thresholds: {root: 1, policy: 1, fleet: 1}\n";
	const struct hash two = fixture_hash(2);
	struct held held, before;

	(void)state;
	hold_root_2(&held);
	before = held;
	for (size_t n = 2; n <= 3; n++) {
		struct err e = {0};
		struct parcel p;

		bc_init(&p);
		add_root1(&p);
		bc_add_root(&p, 1, 2, other2, OLGA, FIXTURE_BY(1, 2));
		if (n == 3)
			bc_add_root(&p, 2, 3, other3, OLGA, FIXTURE_BY(1, 200));
		bc_add_bundle(&p, 3, &two, n == 3 ? other3 : other2,
		    bc_other_ca, FIXTURE_BY(1, 200));
		assert_int_equal(accept_it(&p, 3, &held, &e), ERR_ROLLBACK);
		if (strstr(e.msg, "another root version 2 than the one") ==
		    NULL)
			fail_msg("%s", e.msg);
		assert_memory_equal(&held, &before, sizeof(held));
		bc_clear(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_later_policy_of_an_older_root_is_refused),
	    cmocka_unit_test(another_line_of_roots_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
