/* SPDX-License-Identifier: ISC */
#include "lib/trust/signers.h"

#include "lib/ssh/krl.h"
#include "lib/trust/bundle.h"

static const char *const plural[] = {
    [SIGN_OFFICER] = "officers",
    [SIGN_OPERATOR] = "operators",
};
static const char *const singular[] = {
    [SIGN_OFFICER] = "an officer",
    [SIGN_OPERATOR] = "an operator",
};
static const char *const nobody[] = {
    [SIGN_OFFICER] = "no officer",
    [SIGN_OPERATOR] = "no operator",
};

static bool
is_one(const struct person *who, enum sign_as as)
{
	return as == SIGN_OPERATOR ? who->operator: who->officer;
}

/* The person of that standing whose key in root.yaml this is, or NULL. */
static const struct person *
signer_of_key(const struct policy *root, enum sign_as as,
    const struct pubkey *k)
{
	const struct person *who = policy_person_of_key(root, k);

	return who != NULL && is_one(who, as) && person_has_root_key(who, k)
	    ? who
	    : NULL;
}

int
signers_of(const struct policy *root, enum sign_as as,
    const struct statement *s, struct strs *out)
{
	struct strs found = {0};
	int r = 0;

	for (size_t i = 0; i < s->n_sigs && s->verified && r == 0; i++) {
		const struct person *who =
		    signer_of_key(root, as, s->sigs[i].key);

		if (who != NULL && !strs_has(&found, who->id) &&
		    !strs_has(out, who->id))
			r = strs_add(&found, who->id);
	}
	for (size_t i = 0; i < found.n && r == 0; i++)
		r = strs_add(out, found.v[i]);
	strs_clear(&found);
	return r;
}

int
trust_signers(const struct policy *root, const struct statement *s,
    struct strs *out)
{
	return signers_of(root, SIGN_OFFICER, s, out);
}

int
trust_operators(const struct policy *root, const struct statement *s,
    struct strs *out)
{
	return signers_of(root, SIGN_OPERATOR, s, out);
}

static void
add_list(struct str *out, const struct strs *l, enum sign_as as)
{
	for (size_t i = 0; i < l->n; i++)
		str_addf(out, "%s%s", i == 0 ? "" : ", ", l->v[i]);
	if (l->n == 0)
		str_add(out, nobody[as]);
}

/* Those of root who are not in signed_by. */
static int
missing(const struct policy *root, enum sign_as as,
    const struct strs *signed_by, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; i < root->n_people && r == 0; i++)
		if (is_one(&root->people[i], as) &&
		    !strs_has(signed_by, root->people[i].id))
			r = strs_add(out, root->people[i].id);
	return r;
}

int
signers_enough(const struct policy *root, enum sign_as as,
    const struct statement *s, unsigned need, const char *what, struct err *e)
{
	struct strs signers = {0}, absent = {0};
	struct str text = STR_INIT;
	int r;

	if ((r = signers_of(root, as, s, &signers)) != 0 ||
	    (r = missing(root, as, &signers, &absent)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	/* A threshold of 0 would be met by nobody; policy_parse() refuses it,
	   and so does this. */
	if (need > 0 && signers.n >= need)
		goto out;
	str_addf(&text, "%s is signed by ", what);
	add_list(&text, &signers, as);
	str_addf(&text, ", expected %u of the %s of root %llu: ", need,
	    plural[as], (unsigned long long)root->root_version);
	add_list(&text, &absent, as);
	str_add(&text, absent.n == 1 ? " is missing" : " are missing");
	r = str_check(&text) != 0 ? err_nomem(e)
				  : err_set(e, ERR_DENIED, "%s", text.p);
out:
	str_clear(&text);
	strs_clear(&signers);
	strs_clear(&absent);
	return r;
}

int
signers_author(const struct policy *root, const struct policy *before,
    enum sign_as as, const struct statement *s, const char *what, struct err *e)
{
	struct strs signers = {0};
	int r;

	if ((r = signers_of(root, as, s, &signers)) != 0 ||
	    (before != NULL && (r = signers_of(before, as, s, &signers)) != 0))
		(void)err_nomem(e);
	else if (!strs_has(&signers, s->by))
		r = err_set(e, ERR_DENIED,
		    "%s is by %s, who did not sign it as %s, expected one of "
		    "its signers",
		    what, s->by, singular[as]);
	strs_clear(&signers);
	return r;
}

int
signers_read(const char *what, struct slice text, enum statement_type type,
    const struct hash *realm, struct statement *s, struct err *e)
{
	char want[FINGERPRINT_MAX], got[FINGERPRINT_MAX];
	int r;

	if ((r = statement_parse(what, text, s, e)) != 0)
		return r;
	if (s->type != type)
		return err_set(e, ERR_PARSE,
		    "%s: a %s statement, expected a %s statement", what,
		    statement_type_name(s->type), statement_type_name(type));
	if (!hash_equal(&s->realm, realm)) {
		hash_fingerprint(realm, want);
		hash_fingerprint(&s->realm, got);
		return err_set(e, ERR_DENIED,
		    "%s: of another realm %s, expected %s", what, got, want);
	}
	if ((r = statement_verify(s, e)) != 0)
		err_prefix(e, "%s", what);
	return r;
}

int
trust_unrevoked(const struct policy *p, const struct krl *list,
    const struct statement *s, const char *what, struct err *e)
{
	const struct person *who;
	char text[FINGERPRINT_MAX];

	for (size_t i = 0; list != NULL && i < s->n_sigs; i++) {
		if (!krl_revokes_key(list, s->sigs[i].key))
			continue;
		who = policy_person_of_key(p, s->sigs[i].key);
		pubkey_fingerprint(s->sigs[i].key, text);
		return err_set(e, ERR_DENIED,
		    "%s is signed by %s%s%s, which revocation list %llu "
		    "revokes",
		    what, who != NULL ? who->id : "", who != NULL ? ", " : "",
		    text, (unsigned long long)krl_version(list));
	}
	return 0;
}
