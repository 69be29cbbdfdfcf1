/* SPDX-License-Identifier: ISC */
/* Revocation lists that the log does not take for a while: a signer remembers the
 * version of each that it signed, and one that is tried again is not to use them
 * up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ca/keeper/local.h"
#include "tests/unit/deployment.h"
#include "tests/unit/signerproc.h"

struct world {
	struct deployment d;
	struct signerproc signer;
	struct local *l;
	struct err e;
};

static int
set_up(void **state)
{
	static struct world world;
	struct world *w = &world;
	struct statement act;

	memset(w, 0, sizeof(*w));
	deployment_make(&w->d, "krl");
	signerproc_start(&w->signer, &w->d);
	w->l = deployment_open(&w->d, LOCAL_SERVE, w->signer.socket);
	deployment_revoke(&act, NULL, fixture_key(SEED_ALICE));
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &w->e), 0);
	statement_clear(&act);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	local_free(w->l);
	signerproc_stop(&w->signer);
	deployment_remove(&w->d);
	return 0;
}

static void
makes_list(struct world *w)
{
	if (local_new_krl(w->l, NULL, &w->e) != 0)
		fail_msg("list: %s", w->e.msg);
}

/* Else the next list had the same, for as long as the connection holds. */
static void
what_a_list_used_up_is_known_at_once(void **state)
{
	const struct signatory *to;
	struct signer_seen seen;
	struct world *w = *state;

	to = &w->l->signing;
	for (uint64_t v = 1; v <= 3; v++) {
		makes_list(w);
		assert_int_equal(to->ops->seen(to->ctx, &seen, &w->e), 0);
		assert_int_equal(seen.krl_version, v);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_a_list_used_up_is_known_at_once),
	};

	return cmocka_run_group_tests_name("local_krl", tests, NULL, NULL);
}
