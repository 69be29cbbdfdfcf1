/* SPDX-License-Identifier: ISC */
#include "agent/cli/signer.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/bundle/bundles.h"
#include "lib/key/person.h"

int
fleet_trust(const char *dir, int64_t now, struct trust *out, struct err *e)
{
	struct str text = STR_INIT;
	int r;

	if ((r = bundles_load(dir, NULL, now, out, e)) < 0)
		return cli_no_deployment(dir, r, e);
	r = trust_expiry(out, now, &text, e);
	if (text.n > 0)
		cli_warn("%s", text.p);
	str_clear(&text);
	return r < 0 ? r : 0;
}

/* Of root.yaml's operators, by a key that it lists. */
static int
find_person(struct fleet_signer *s, struct err *e)
{
	const struct person *who;
	char fp[FINGERPRINT_MAX];

	who = policy_person_of_key(s->trust.root, s->key);
	if (who != NULL && who->operator) {
		s->person = who->id;
		return 0;
	}
	pubkey_fingerprint(s->key, fp);
	return err_set(e, ERR_DENIED,
	    "%s: key %s is no operator's, expected one of root.yaml",
	    s->key_path, fp);
}

int
fleet_signer_open(const struct cli_args *a, struct fleet_signer *s,
    struct err *e)
{
	int r;

	s->dir = cli_dir(a);
	s->key_path = cli_get(a, "i");
	s->now = clock_now();
	trust_init(&s->trust);
	if (s->key_path == NULL)
		return err_set(e, ERR_USAGE, "who signs? expected -i KEY");
	if ((r = fleet_trust(s->dir, s->now, &s->trust, e)) != 0 ||
	    (r = person_pubkey(s->key_path, &s->key, e)) != 0)
		return r;
	return find_person(s, e);
}

void
fleet_signer_clear(struct fleet_signer *s)
{
	pubkey_free(s->key);
	trust_clear(&s->trust);
}

static void
say_missing(const struct policy *root, const struct strs *who, const char *what)
{
	printf("%s: %zu of %u signatures (", what, who->n,
	    root->thresholds.fleet);
	for (size_t i = 0; i < who->n; i++)
		printf("%s%s", i > 0 ? ", " : "", who->v[i]);
	printf("); still to sign, any of:");
	for (size_t i = 0; i < root->n_people; i++)
		if (root->people[i].operator&& !strs_has(who,
			root->people[i].id))
			printf(" %s", root->people[i].id);
	printf("\n");
}

int
fleet_threshold(const struct trust *t, const struct statement *s,
    const char *what, bool *holds, struct err *e)
{
	struct strs who = {0};

	if (trust_operators(t->root, s, &who) != 0)
		return err_nomem(e);
	*holds = who.n >= t->root->thresholds.fleet;
	if (!*holds)
		say_missing(t->root, &who, what);
	strs_clear(&who);
	return 0;
}
