/* SPDX-License-Identifier: ISC */
/*
 * A whole policy: refused with words, or one in which everybody is found.
 *
 * The input is its files, each after a line "==> PATH".
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/trust/policy.h"
#include "tests/fuzz/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
look_up(const struct policy *p)
{
	for (size_t i = 0; i < p->n_people; i++) {
		const struct person *who = &p->people[i];

		if (policy_person(p, who->id) != who || who->n_keys == 0)
			abort();
		for (size_t j = 0; j < who->n_keys; j++)
			if (policy_person_of_key(p, who->keys[j].key) != who)
				abort();
	}
	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];

		if (policy_grant(p, g->name) != g || g->to.n == 0 ||
		    g->principals.n == 0 || g->max <= 0)
			abort();
		if (g->kind == CERT_USER &&
		    !grant_covers_principal(g, g->principals.v[0]))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct policy_files f = {0};
	struct conf_diags d = {0};
	struct policy *policy = NULL;
	int r;

	files_split(p, n, &f);
	policy_files_sort(&f);
	r = policy_parse(&f, &policy, &d);
	if ((r == 0) != (d.n_errors == 0))
		abort();
	if (r == 0) {
		look_up(policy);
		(void)!policy_check(policy, 1772445600, NULL, NULL, &d);
	}
	policy_free(policy);
	conf_diags_clear(&d);
	policy_files_clear(&f);
	return 0;
}
