/* SPDX-License-Identifier: ISC */
#include "tests/unit/requestscase.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdlib.h>

#include "lib/base/file.h"

static int
policy_of(void *ctx, const struct hash *h, const struct policy **out,
    struct err *e)
{
	struct rcase *w = ctx;

	if (!hash_equal(h, &w->policy->hash))
		return err_set(e, ERR_NOTFOUND, "no such policy");
	*out = w->policy;
	return 0;
}

static void
changed(void *ctx, const struct hash *request, enum request_change what)
{
	struct rcase *w = ctx;

	(void)request;
	w->changes[what]++;
}

void
rcase_open(struct rcase *w)
{
	if (requests_open(&w->c, &w->q, &w->e) != 0)
		fail_msg("%s", w->e.msg);
}

int
rcase_setup(void **state)
{
	struct rcase *w = calloc(1, sizeof(*w));
	struct leaf *l;

	assert_non_null(w);
	tmpdir_make(w->dir, "requests");
	assert_int_equal(path_join(w->dir, "writ.db", &w->path), 0);
	w->policy = fixture_policy(NULL, NULL);
	w->c = (struct requests_config){.path = w->path,
	    .origin = "writ.invalid/0123456789abcdef/ca_log",
	    .policy_of = policy_of,
	    .changed = changed,
	    .ctx = w};
	rcase_open(w);
	/* The log begins with the policy. */
	l = &w->leaves[w->n++];
	leaf_init(l);
	l->kind = LEAF_STATEMENT;
	statement_init(&l->u.s, ST_POLICY);
	l->u.s.hash = w->policy->hash;
	*state = w;
	return 0;
}

int
rcase_teardown(void **state)
{
	struct rcase *w = *state;
	int r;

	requests_close(w->q);
	for (size_t i = 0; i < w->n; i++)
		leaf_clear(&w->leaves[i]);
	policy_free(w->policy);
	r = tmpdir_remove(w->dir);
	free(w->path);
	free(w);
	return r;
}

/* --- a log ---------------------------------------------------------------- */

const struct statement *
rcase_add(struct rcase *w, struct statement *s)
{
	struct leaf *l = &w->leaves[w->n++];

	assert_true(w->n < RCASE_LEAVES);
	leaf_init(l);
	l->kind = LEAF_STATEMENT;
	l->u.s = *s;
	statement_init(s, ST_REQUEST);
	return &l->u.s;
}

const struct statement *
rcase_ask(struct rcase *w)
{
	struct statement s;

	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	return rcase_add(w, &s);
}

void
rcase_decide(struct rcase *w, const struct statement *request, const char *by,
    uint8_t seed, bool approve)
{
	const struct statement *list[] = {request};
	struct statement s;

	fixture_decision(&s, by, &w->policy->hash, list, 1);
	s.u.d.approve = approve;
	if (!approve)
		s.u.d.comment = str_dup("no");
	fixture_sign(&s, FIXTURE_BY(seed));
	(void)rcase_add(w, &s);
}

void
rcase_revoke(struct rcase *w, const char *person)
{
	struct statement s;

	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.person = str_dup(person);
	s.u.v.reason = str_dup("gone");
	fixture_sign(&s, FIXTURE_BY(SEED_OLGA));
	(void)rcase_add(w, &s);
}

void
rcase_apply(struct rcase *w, size_t step)
{
	while (requests_applied(w->q) < w->n) {
		for (size_t i = 0; i < step && requests_applied(w->q) < w->n;
		     i++) {
			uint64_t at = requests_applied(w->q);

			if (requests_apply(w->q, at, &w->leaves[at], &w->e) !=
			    0)
				fail_msg("%s", w->e.msg);
		}
		assert_int_equal(requests_flush(w->q, &w->e), 0);
	}
}

enum request_state
rcase_state(struct rcase *w, const struct statement *s)
{
	struct request_row row;
	enum request_state state;

	if (requests_get(w->q, &s->hash, FIXTURE_NOW, &row, &w->e) != 0)
		fail_msg("no row");
	state = row.state;
	request_row_clear(&row);
	return state;
}
