/* SPDX-License-Identifier: ISC */
/* Signed policy: each attack on a bundle, one least step from what passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/ssh/krl.h"
#include "lib/trust/bundle.h"
#include "tests/unit/alloc.h"
#include "tests/unit/bundlecase.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"

static void
a_first_bundle_is_accepted_and_again(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	bc_first(&p);
	bc_expect("first", &t, &p, FIXTURE_NOW, 0, "");
	assert_true(t.have);
	assert_memory_equal(&t.realm, fixture_realm(), sizeof(t.realm));
	assert_int_equal(t.root_version, 1);
	assert_int_equal(t.policy->version, 1);
	assert_int_equal(t.policy->expires, FIXTURE_NOW + 180 * DAY);
	assert_non_null(policy_grant(t.policy, "deploy"));
	assert_true(policy_grant(t.policy, "read-only")->hours.has_rule);
	/* root alone knows no grants. */
	assert_int_equal(t.root->n_grants, 0);
	bc_expect("again", &t, &p, FIXTURE_NOW, 0, "");
	p.in.n_roots = 0;
	bc_expect("without the root", &t, &p, FIXTURE_NOW, 0, "");
	bc_clear(&p);
	trust_clear(&t);
	assert_false(t.have);
}

static void
the_pin_is_the_realm(void **state)
{
	struct hash other = fixture_hash(1);
	struct parcel p;
	struct trust t;
	struct err e = {0};

	(void)state;
	trust_init(&t);
	bc_first(&p);
	assert_int_equal(trust_update(&t, &p.in, &other, FIXTURE_NOW, &e),
	    ERR_DENIED);
	assert_non_null(strstr(e.msg, "realm"));
	assert_false(t.have);
	bc_clear(&p);
}

static void
the_first_root_must_be_there_and_be_version_1(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	bc_first(&p);
	p.in.n_roots = 0;
	bc_expect("no root", &t, &p, 0, ERR_PARSE, "no root");
	bc_clear(&p);

	/* The whole of a realm that starts with version 2. */
	bc_init(&p);
	p.root_text[0] = fixture_expand(bc_root2);
	{
		struct hash realm;
		struct fixture_bundle b = {.version = 1,
		    .expires = FIXTURE_NOW + DAY,
		    .by = OLGA,
		    .seeds = FIXTURE_BY(1, 8)};

		hash_sha256(p.root_text[0], strlen(p.root_text[0]), &realm);
		b.realm = realm;
		fixture_root(&realm, 2, slice_str(p.root_text[0]), OLGA,
		    FIXTURE_BY(1, 8), &p.root_sig[0]);
		fixture_files(&p.files, bc_root2, bc_other_ca);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		bc_ready(&p);
	}
	bc_expect("root 2 first", &t, &p, 0, ERR_ROLLBACK, "expected 1");
	bc_clear(&p);
}

static void
root_1_needs_its_threshold_of_persons(void **state)
{
	static const struct {
		const char *name;
		uint8_t seeds[4];
		int want;
		const char *says;
	} cases[] = {
	    {"one officer", {SEED_OLGA}, ERR_DENIED, IVAN " is missing"},
	    {"one officer with two keys", {SEED_OLGA, SEED_OLGA_2}, ERR_DENIED,
		"signed by " OLGA ","},
	    {"an officer and a stranger", {SEED_OLGA, SEED_MALLORY}, ERR_DENIED,
		IVAN},
	    {"an officer and an operator", {SEED_OLGA, SEED_PETRA}, ERR_DENIED,
		IVAN},
	    {"an officer and a person of ca.yaml", {SEED_OLGA, SEED_ALICE},
		ERR_DENIED, IVAN},
	    {"strangers", {SEED_MALLORY}, ERR_DENIED, "no officer"},
	    {"both", {SEED_OLGA, SEED_IVAN}, 0, ""},
	    {"both and a stranger", {SEED_IVAN, SEED_MALLORY, SEED_OLGA_2}, 0,
		""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parcel p;
		struct trust t;

		trust_init(&t);
		bc_init(&p);
		bc_add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, cases[i].seeds);
		bc_add_bundle(&p, 1, NULL, NULL, NULL, FIXTURE_BY(SEED_OLGA));
		bc_expect(cases[i].name, &t, &p, FIXTURE_NOW, cases[i].want,
		    cases[i].says);
		bc_clear(&p);
		trust_clear(&t);
	}
}

static void
a_bundle_needs_the_policy_threshold(void **state)
{
	static const struct {
		const char *name;
		uint8_t seeds[4];
		int want;
	} cases[] = {
	    {"a stranger", {SEED_MALLORY}, ERR_DENIED},
	    {"an operator", {SEED_PETRA}, ERR_DENIED},
	    {"a person whom the bundle itself names", {SEED_BOB}, ERR_DENIED},
	    {"another officer than it says", {SEED_IVAN}, ERR_DENIED},
	    {"an officer", {SEED_OLGA}, 0},
	    {"his second key", {SEED_OLGA_2}, 0},
	    {"both", {SEED_OLGA, SEED_IVAN}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parcel p;
		struct trust t;

		trust_init(&t);
		bc_init(&p);
		bc_add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA,
		    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
		bc_add_bundle(&p, 1, NULL, NULL, NULL, cases[i].seeds);
		bc_expect(cases[i].name, &t, &p, FIXTURE_NOW, cases[i].want,
		    OLGA);
		bc_clear(&p);
		trust_clear(&t);
	}
}

static void
unsigned_and_foreign_statements_are_refused(void **state)
{
	struct parcel p;
	struct trust t;
	struct slice keep;
	struct hash realm = fixture_hash(7);
	struct str text = STR_INIT;
	const char *lf;

	(void)state;
	trust_init(&t);
	bc_first(&p);
	keep = p.in.statement;
	lf = strchr(p.statement.p, '\n');
	p.in.statement =
	    slice_of(p.statement.p, (size_t)(lf + 1 - p.statement.p));
	bc_expect("unsigned bundle", &t, &p, 0, ERR_PARSE, "not signed");
	p.in.statement = p.root_sigs[0];
	bc_expect("root for bundle", &t, &p, 0, ERR_PARSE, "root statement");
	p.in.statement = keep;
	p.root_sigs[0] = keep;
	bc_expect("bundle for root", &t, &p, 0, ERR_PARSE, "policy statement");
	/* A bundle signed under the namespace of a root. */
	p.root_sigs[0] = slice_of(p.root_sig[0].p, p.root_sig[0].n);
	str_addn(&text, p.statement.p, (size_t)(lf + 1 - p.statement.p));
	{
		struct str again = STR_INIT;

		fixture_sign_text(text.p, "root@writ", FIXTURE_BY(SEED_OLGA),
		    &again);
		p.in.statement = slice_of(again.p, again.n);
		bc_expect("root's namespace", &t, &p, 0, ERR_BADSIG,
		    "namespace");
		str_clear(&again);
	}
	str_clear(&text);
	/* Root and bundle of two realms. */
	p.in.statement = keep;
	str_clear(&p.root_sig[0]);
	fixture_root(&realm, 1, slice_str(p.root_text[0]), OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN), &p.root_sig[0]);
	p.root_sigs[0] = slice_of(p.root_sig[0].p, p.root_sig[0].n);
	bc_expect("root of another realm", &t, &p, 0, ERR_DENIED, "realm");
	bc_clear(&p);

	bc_init(&p);
	bc_add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, FIXTURE_BY(1, 2));
	{
		struct fixture_bundle b = {.realm = realm,
		    .version = 1,
		    .expires = FIXTURE_NOW + DAY,
		    .by = OLGA,
		    .seeds = FIXTURE_BY(1)};

		fixture_files(&p.files, NULL, NULL);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		bc_ready(&p);
	}
	bc_expect("bundle of another realm", &t, &p, 0, ERR_DENIED, "realm");
	bc_clear(&p);
}

static void
files_and_manifest_must_agree(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	bc_first(&p);
	fixture_file(&p.files, "people/zoe@example.com.yaml", "keys: [<9>]\n");
	bc_expect("a further file", &t, &p, 0, ERR_PARSE, "not in MANIFEST");
	bc_clear(&p);

	bc_first(&p);
	p.files.n--; /* root.yaml, the last */
	bc_expect("a missing file", &t, &p, 0, ERR_PARSE,
	    "root.yaml of MANIFEST is missing");
	p.files.n++;
	p.files.v[5].data[0] ^= 1;
	bc_expect("another byte", &t, &p, 0, ERR_PARSE, "ca.yaml differs");
	p.files.v[5].data[0] ^= 1;
	p.files.v[5].n--;
	bc_expect("a byte less", &t, &p, 0, ERR_PARSE, "ca.yaml differs");
	p.files.v[5].n++;
	p.manifest.p[0] ^= 1;
	bc_expect("another MANIFEST", &t, &p, 0, ERR_PARSE, "MANIFEST differs");
	p.manifest.p[0] ^= 1;
	p.in.manifest.n--;
	bc_expect("a shorter MANIFEST", &t, &p, 0, ERR_PARSE,
	    "MANIFEST differs");
	p.in.manifest.n++;
	p.root_text[0][10] ^= 1;
	bc_expect("another root.yaml", &t, &p, 0, ERR_DENIED, "realm");
	p.root_text[0][10] ^= 1;
	bc_expect("all well", &t, &p, 0, 0, "");
	trust_clear(&t);
	bc_clear(&p);
}

static void
a_policy_that_does_not_parse_is_refused_although_signed(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	bc_init(&p);
	bc_add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, FIXTURE_BY(1, 2));
	bc_add_bundle(&p, 1, NULL, NULL, "grants: 7\n", FIXTURE_BY(1));
	bc_expect("bad ca.yaml", &t, &p, 0, ERR_PARSE, "ca.yaml:1:");
	bc_clear(&p);
}

static void
signers_are_officers_by_their_keys_of_root_yaml(void **state)
{
	static const char ca[] =
	    "authorities: {user: [user_ca, emergency_ca], host: [host_ca],"
	    " log: [ca_log, emergency_log]}\n"
	    "people:\n  bob@example.com: {keys: [<5>]}\n"
	    "  olga@example.com: {keys: [<50>], groups: [approvers]}\n"
	    "grants:\n  deploy: {to: [bob@example.com], principals: [deploy],"
	    " max: 1h, approve: [{approvers: 1}]}\n";
	struct policy *p = fixture_policy(NULL, ca);
	struct strs who = {0};
	struct statement s;

	(void)state;
	fixture_request(&s, OLGA);
	fixture_sign(&s, FIXTURE_BY(50, SEED_BOB, SEED_IVAN));
	assert_string_equal(policy_person_of_key(p, fixture_key(50))->id, OLGA);
	assert_int_equal(trust_signers(p, &s, &who), 0);
	assert_int_equal(who.n, 1);
	assert_string_equal(who.v[0], IVAN);
	strs_clear(&who);
	s.verified = false;
	assert_int_equal(trust_signers(p, &s, &who), 0);
	assert_int_equal(who.n, 0);
	statement_clear(&s);
	policy_free(p);
}

static void
who_is_revoked_signs_nothing_that_is_new(void **state)
{
	static const struct {
		const char *name;
		int revoked[2]; /* seeds; 0: none */
		int want;
		const char *says;
	} cases[] = {
	    {"nobody", {0}, 0, NULL},
	    {"somebody else", {SEED_BOB}, 0, NULL},
	    {"the second of two", {SEED_IVAN}, ERR_DENIED, IVAN ", SHA256:"},
	    {"both", {SEED_OLGA, SEED_IVAN}, ERR_DENIED, OLGA ", SHA256:"},
	    {"a key of nobody's", {77}, ERR_DENIED, "signed by SHA256:"},
	};
	struct policy *p = fixture_policy(NULL, NULL);
	struct statement s;

	(void)state;
	fixture_request(&s, OLGA);
	fixture_sign(&s, FIXTURE_BY(SEED_OLGA, SEED_IVAN, 77));
	assert_int_equal(trust_unrevoked(p, NULL, &s, "job", NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = {0};
		struct krl *k = NULL;

		assert_int_equal(krl_new(&k), 0);
		assert_int_equal(krl_set(k, 12, FIXTURE_NOW, ""), 0);
		for (size_t j = 0; j < 2; j++)
			if (cases[i].revoked[j] != 0)
				assert_int_equal(
				    krl_add_key(k,
					fixture_key(cases[i].revoked[j])),
				    0);
		if (trust_unrevoked(p, k, &s, "job", &e) != cases[i].want ||
		    (cases[i].says != NULL &&
			(strstr(e.msg, cases[i].says) == NULL ||
			    strstr(e.msg, "revocation list 12 ") == NULL)))
			fail_msg("%s: %s", cases[i].name, e.msg);
		krl_free(k);
	}
	statement_clear(&s);
	policy_free(p);
}

/* --- near misses --- */

static void
must_not_be_accepted(const uint8_t *p, size_t n, void *arg)
{
	struct parcel *parcel = arg;
	struct bundle_input in = parcel->in;
	struct trust t;

	trust_init(&t);
	in.statement = slice_of(p, n);
	if (trust_update(&t, &in, NULL, 0, NULL) == 0)
		fail_msg("accepted: %s", mutate_what());
	assert_false(t.have);
}

static void
no_flipped_bit_of_a_statement_is_accepted(void **state)
{
	struct parcel p;

	(void)state;
	bc_first(&p);
	mutate_each(p.statement.p, p.statement.n, must_not_be_accepted, &p);
	bc_clear(&p);
}

static int
update_once(void *arg)
{
	struct parcel *p = arg;
	struct trust t;
	int r;

	trust_init(&t);
	r = trust_update(&t, &p->in, NULL, FIXTURE_NOW, NULL);
	trust_clear(&t);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct parcel p;

	(void)state;
	bc_first(&p);
	assert_true(alloc_each(update_once, &p) > 50);
	bc_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_first_bundle_is_accepted_and_again),
	    cmocka_unit_test(the_pin_is_the_realm),
	    cmocka_unit_test(the_first_root_must_be_there_and_be_version_1),
	    cmocka_unit_test(root_1_needs_its_threshold_of_persons),
	    cmocka_unit_test(a_bundle_needs_the_policy_threshold),
	    cmocka_unit_test(unsigned_and_foreign_statements_are_refused),
	    cmocka_unit_test(files_and_manifest_must_agree),
	    cmocka_unit_test(
		a_policy_that_does_not_parse_is_refused_although_signed),
	    cmocka_unit_test(signers_are_officers_by_their_keys_of_root_yaml),
	    cmocka_unit_test(who_is_revoked_signs_nothing_that_is_new),
	    cmocka_unit_test(no_flipped_bit_of_a_statement_is_accepted),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
