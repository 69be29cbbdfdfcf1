/* SPDX-License-Identifier: ISC */
/* What the signer began with before: the keeper, who writes bundle/, may not
 * change it. */
#include "ca/daemon/pin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/file.h"
#include "tests/unit/bundlecase.h"
#include "tests/unit/tmpdir.h"

static char dir[TMPDIR_MAX];

static int
set_up(void **state)
{
	(void)state;
	tmpdir_make(dir, "pin");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return tmpdir_remove(dir);
}

/* As the signer begins: with the chain as it lies there. */
static int
begin(const struct parcel *p, struct err *e)
{
	static struct bundle_chain c; /* too large for a stack */
	struct trust t;
	int r;

	memset(&c, 0, sizeof(c));
	c.n_roots = p->in.n_roots;
	memcpy(c.root_files, p->root_files, c.n_roots * sizeof(*c.root_files));
	trust_init(&t);
	if ((r = trust_update(&t, &p->in, NULL, 0, e)) == 0)
		r = pin_check(dir, &c, &t, e);
	trust_clear(&t);
	return r;
}

static void
add_root1(struct parcel *p)
{
	bc_init(p);
	bc_add_root(p, 0, 1, FIXTURE_ROOT_YAML, OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
}

/* With this root 2. */
static void
begin_with(const char *root2, const uint8_t *signers, int want,
    const char *says)
{
	const struct hash one = fixture_hash(1);
	struct err e = {0};
	struct parcel p;
	int r;

	add_root1(&p);
	bc_add_root(&p, 1, 2, root2, OLGA, signers);
	bc_add_bundle(&p, 2, &one, root2, bc_other_ca, FIXTURE_BY(1, 8));
	r = begin(&p, &e);
	if (r != want || strstr(e.msg, says) == NULL)
		fail_msg("%d, not %d: %s", r, want, e.msg);
	bc_clear(&p);
}

static void
begin_with_root_1(int want, const char *says)
{
	struct err e = {0};
	struct parcel p;
	int r;

	bc_first(&p);
	r = begin(&p, &e);
	if (r != want || strstr(e.msg, says) == NULL)
		fail_msg("%d, not %d: %s", r, want, e.msg);
	bc_clear(&p);
}

static void
roots_go_on_from_the_one_it_began_with(void **state)
{
	static const char other2[] =
	    "version: 2\nexpires: 2029-11-01\ngrace: 14d\n"
	    "officers:\n  olga@example.com: {keys: [<1>]}\n"
	    "  dora@example.com: {keys: [<8>]}\n"
	    "operators:\n  petra@example.com: {keys: [<3>]}\n"
	    "thresholds: {root: 1, policy: 1, fleet: 1}\n";

	(void)state;
	begin_with_root_1(0, "");
	begin_with_root_1(0, "");
	begin_with(bc_root2, FIXTURE_BY(1, 2, 8), 0, "");
	begin_with(bc_root2, FIXTURE_BY(1, 2, 8), 0, "");
	begin_with_root_1(ERR_ROLLBACK, "root.yaml version 1 is older than 2");
	begin_with(other2, FIXTURE_BY(1, 2), ERR_ROLLBACK,
	    "root.yaml version 2 is another than the one");
}

static void
another_realm_is_refused_and_a_damaged_file_is_not_passed_over(void **state)
{
	static const char other[] = "{\"realm\":"
				    "\"000000000000000000000000000000000000000"
				    "0000000000000000000000000\","
				    "\"root_version\":\"1\",\"root\":"
				    "\"000000000000000000000000000000000000000"
				    "0000000000000000000000000\"}\n";
	char path[TMPDIR_MAX + 10];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/trust", dir);
	assert_int_equal(file_write(path, other, strlen(other), 0600, 0, NULL),
	    0);
	begin_with_root_1(ERR_DENIED, "which the signer has served");
	assert_int_equal(file_write(path, "{}", 2, 0600, 0, NULL), 0);
	begin_with_root_1(ERR_CORRUPT, "/trust: ");
	assert_int_equal(file_write(path, "", 0, 0600, 0, NULL), 0);
	begin_with_root_1(ERR_CORRUPT, "/trust: ");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(roots_go_on_from_the_one_it_began_with),
	    T(another_realm_is_refused_and_a_damaged_file_is_not_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
