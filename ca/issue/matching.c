/* SPDX-License-Identifier: ISC */
/*
 * A largest matching of persons to terms, by augmenting paths.
 *
 * Greedy assignment fails where one person fits two terms and another one
 * alone; here a person who is in the way is moved to another term where that
 * makes room.  Terms are few, so a path is short: it visits no term twice.
 */
#include "ca/issue/issue.h"

#define NO_TERM UINT8_MAX

struct match {
	size_t n_persons, n_terms;
	const unsigned *need;
	unsigned *have;
	uint8_t fits[ISSUE_DECISIONS_MAX]; /* bit i: term i */
	uint8_t term[ISSUE_DECISIONS_MAX]; /* where he stands */
};

_Static_assert(POLICY_TERMS_MAX <= 8, "fits[] has a bit a term");

/* Find a place for this person, moving others; tried: terms seen already. */
static bool
place(struct match *m, size_t person, unsigned *tried)
{
	for (size_t t = 0; t < m->n_terms; t++) {
		unsigned bit = 1u << t;

		if ((m->fits[person] & bit) == 0 || (*tried & bit) != 0)
			continue;
		*tried |= bit;
		if (m->have[t] < m->need[t]) {
			m->have[t]++;
			m->term[person] = (uint8_t)t;
			return true;
		}
		for (size_t q = 0; q < m->n_persons; q++) {
			if (m->term[q] != t || !place(m, q, tried))
				continue;
			m->term[person] = (uint8_t)t;
			return true;
		}
	}
	return false;
}

void
issue_match(size_t n_persons, size_t n_terms, const unsigned need[],
    bool (*member)(void *ctx, size_t person, size_t term), void *ctx,
    unsigned have[])
{
	struct match m = {.need = need, .have = have};

	/* Beyond the limits nobody counts: too few approvals, never more. */
	m.n_persons =
	    n_persons < ISSUE_DECISIONS_MAX ? n_persons : ISSUE_DECISIONS_MAX;
	m.n_terms = n_terms < POLICY_TERMS_MAX ? n_terms : POLICY_TERMS_MAX;

	for (size_t t = 0; t < n_terms; t++)
		have[t] = 0;
	for (size_t p = 0; p < m.n_persons; p++) {
		m.term[p] = NO_TERM;
		for (size_t t = 0; t < m.n_terms; t++)
			if (member(ctx, p, t))
				m.fits[p] |= (uint8_t)(1u << t);
	}
	for (size_t p = 0; p < m.n_persons; p++) {
		unsigned tried = 0;

		(void)place(&m, p, &tried); /* no place: he is not needed */
	}
}
