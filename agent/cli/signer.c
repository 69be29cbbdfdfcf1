/* SPDX-License-Identifier: ISC */
#include "agent/cli/signer.h"

#include "lib/base/clock.h"
#include "lib/cli/signing.h"
#include "lib/key/person.h"

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
	if ((r = cli_load_trust(s->dir, s->now, &s->trust, e)) != 0 ||
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

static bool
is_operator(const struct person *p)
{
	return p->operator;
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
		cli_say_missing(t->root, &who, what, t->root->thresholds.fleet,
		    is_operator);
	strs_clear(&who);
	return 0;
}
