/* SPDX-License-Identifier: ISC */
/*
 * A whole policy: refused with words, or one in which everybody is found.
 *
 * The input is its files, each after a line "==> PATH".
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char mark[] = "==> ";
#define MARK (sizeof(mark) - 1)

/* Where the next file starts, or end. */
static const char *
next_file(const char *p, const char *end)
{
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if ((size_t)(end - p) >= MARK && memcmp(p, mark, MARK) == 0)
			return p;
		p = eol != NULL ? eol + 1 : end;
	}
	return end;
}

static void
split(const char *p, const char *end, struct policy_files *f)
{
	char path[128];

	for (p = next_file(p, end); p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *next;
		size_t n;

		if (eol == NULL)
			return;
		n = (size_t)(eol - p) - MARK;
		next = next_file(eol + 1, end);
		if (n < sizeof(path)) {
			memcpy(path, p + MARK, n);
			path[n] = '\0';
			if (policy_files_add(f, path, eol + 1,
				(size_t)(next - eol - 1)) != 0)
				return;
		}
		p = next;
	}
}

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

	if (n > 0)
		split((const char *)p, (const char *)p + n, &f);
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
