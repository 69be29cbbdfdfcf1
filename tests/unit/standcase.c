/* SPDX-License-Identifier: ISC */
#include "tests/unit/standcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

int
sd_set_up(void **state)
{
	struct sd_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->p = fixture_policy(NULL, NULL);
	assert_int_equal(standing_new(&w->st), 0);
	*state = w;
	return 0;
}

int
sd_tear_down(void **state)
{
	struct sd_world *w = *state;

	standing_free(w->st);
	policy_free(w->p);
	free(w);
	return 0;
}

const char *
sd_owner(void *ctx, uint64_t serial)
{
	(void)ctx;
	return serial == 99999 ? NULL : serial < 100 ? ALICE : BOB;
}

struct sd_effect
sd_apply(struct sd_world *w, struct statement *s, const uint8_t *seeds)
{
	struct sd_effect x = {0};

	fixture_sign(s, seeds);
	x.r = standing_apply(w->st, w->p, s, sd_owner, NULL, &x.why);
	x.name = s->hash;
	statement_clear(s);
	return x;
}

struct sd_effect
sd_key(struct sd_world *w, const char *by, bool add, uint8_t key,
    const uint8_t *seeds)
{
	struct statement s;

	fixture_statement(&s, ST_KEY, by);
	s.u.k.add = add;
	assert_int_equal(pubkey_dup(fixture_key(key), &s.u.k.key), 0);
	return sd_apply(w, &s, seeds);
}

struct sd_effect
sd_decide(struct sd_world *w, const char *by, bool approve,
    const struct hash *key, const uint8_t *seeds)
{
	struct statement s;

	fixture_statement(&s, ST_DECISION, by);
	s.u.d.approve = approve;
	s.u.d.keys = malloc(sizeof(*key));
	assert_non_null(s.u.d.keys);
	s.u.d.keys[0] = *key;
	s.u.d.n_keys = 1;
	return sd_apply(w, &s, seeds);
}

struct sd_effect
sd_revoke(struct sd_world *w, const char *by, const struct sd_what *what,
    const uint8_t *seeds)
{
	struct statement s;
	struct revoke *v = &s.u.v;

	fixture_statement(&s, ST_REVOKE, by);
	v->reason = str_dup("lost");
	while (v->n_serials < 3 && what->serials[v->n_serials] != 0)
		v->n_serials++;
	if (v->n_serials > 0) {
		v->serials = calloc(3, sizeof(*v->serials));
		assert_non_null(v->serials);
		memcpy(v->serials, what->serials, sizeof(what->serials));
	}
	if (what->key_id != NULL)
		v->key_id = str_dup(what->key_id);
	if (what->person != NULL)
		v->person = str_dup(what->person);
	if (what->key != 0)
		assert_int_equal(pubkey_dup(fixture_key(what->key), &v->key),
		    0);
	return sd_apply(w, &s, seeds);
}

const char *
sd_id_of_key(struct sd_world *w, uint8_t seed)
{
	const struct person *who =
	    standing_person_of_key(w->st, w->p, fixture_key(seed), NULL);

	return who != NULL ? who->id : NULL;
}
