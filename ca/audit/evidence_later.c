/* SPDX-License-Identifier: ISC */
/*
 * Keys that were good when they signed and are not any more: whoever looks them up
 * in today's policy does not find them, and is told why.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/evidence.h"
#include "lib/base/clock.h"

static int
add(struct evidence_case *c, const struct evidence_said *x, struct str *text)
{
	struct evidence_later *l;
	int r;

	if ((r = vec_grow(&c->later, c->n_later, &c->cap_later,
		 EVIDENCE_LATER_MAX)) != 0)
		return r;
	l = &c->later[c->n_later];
	*l = (struct evidence_later){.name = str_dup(x->name)};
	if (l->name == NULL || str_take(text, &l->text) != 0) {
		free(l->name);
		return ERR_NOMEM;
	}
	c->n_later++;
	return 0;
}

/* What was said of that key last; NULL: nothing. */
static const struct evidence_key_said *
last_said(const struct evidence_key_said *said, size_t n,
    const struct pubkey *k)
{
	while (n-- > 0)
		if (pubkey_equal(said[n].s->u.k.key, k))
			return &said[n];
	return NULL;
}

static int
look(struct evidence_case *c, const struct evidence_said *x,
    const struct pubkey *k, const struct policy *now,
    const struct evidence_key_said *said, size_t n)
{
	const struct evidence_key_said *last = last_said(said, n, k);
	const struct person *holder = policy_person_of_key(now, k);
	const char *who = evidence_who(c, k);
	struct str text = STR_INIT;
	char at[CLOCK_TEXT];
	int r = 0;

	if (who == NULL) {
		str_add(&text,
		    "is by a key, too, that is in no policy here: it was "
		    "another version, and counts for nothing");
	} else if (last != NULL && !last->s->u.k.add) {
		clock_format(last->s->at, at);
		str_addf(&text,
		    "is by a key of %s that was retired since: leaf %llu, %s",
		    who, (unsigned long long)last->index, at);
	} else if (last == NULL &&
	    (holder == NULL || strcmp(holder->id, who) != 0)) {
		str_addf(&text,
		    "is by a key that policy version %llu, the newest, does "
		    "not give %s any more",
		    (unsigned long long)now->version, who);
	}
	if (text.n > 0)
		r = add(c, x, &text);
	str_clear(&text);
	return r;
}

int
evidence_find_later(struct evidence_case *c, const struct policy *now,
    const struct evidence_key_said *said, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < c->n_said && r == 0; i++)
		for (size_t j = 0; j < c->said[i].s.n_sigs && r == 0; j++)
			r = look(c, &c->said[i], c->said[i].s.sigs[j].key, now,
			    said, n);
	return r;
}

void
evidence_later_readme(const struct evidence_case *c, struct str *out)
{
	for (size_t i = 0; i < c->n_later; i++)
		str_addf(out, "%s  NOTE %s %s\n", i == 0 ? "\n" : "",
		    c->later[i].name, c->later[i].text);
}

void
evidence_later_check(const struct evidence_case *c, struct str *out)
{
	for (size_t i = 0; i < c->n_later; i++)
		str_addf(out, "echo 'NOTE %s %s'\n", c->later[i].name,
		    c->later[i].text);
}
