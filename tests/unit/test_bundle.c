/* SPDX-License-Identifier: ISC */
/* Signed policy: each attack on it, one least step from what passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/bundle.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"

#define DAY          86400
#define ROOT_EXPIRES INT64_C(1856735999) /* 2028-11-01T23:59:59Z */

/* Root 2: ivan is gone, lena is an officer with a new key. */
static const char root2_yaml[] = "version: 2\n"
				 "expires: 2029-11-01\n"
				 "grace: 14d\n"
				 "officers:\n"
				 "  olga@example.com: {keys: [<1>, <11>]}\n"
				 "  dora@example.com: {keys: [<8>]}\n"
				 "operators:\n"
				 "  petra@example.com: {keys: [<3>]}\n"
				 "thresholds: {root: 2, policy: 2, fleet: 1}\n";

/* Without ivan. */
static const char other_ca[] =
    "authorities: {user: [user_ca, emergency_ca], host: [host_ca],"
    " log: [ca_log, emergency_log]}\n"
    "people:\n  alice@example.com: {keys: [<4>], groups: [e]}\n"
    "  olga@example.com: {groups: [a]}\n"
    "grants:\n  deploy: {to: [e], principals: [deploy], max: 1h,"
    " approve: [{a: 1}]}\n";

/* One delivery: everything a bundle_input borrows. */
struct parcel {
	struct policy_files files;
	struct str statement, manifest;
	char *root_text[4];
	struct str root_sig[4];
	struct slice root_files[4], root_sigs[4];
	struct bundle_input in;
};

static void
parcel_init(struct parcel *p)
{
	memset(p, 0, sizeof(*p));
	str_init(&p->statement);
	str_init(&p->manifest);
	for (size_t i = 0; i < 4; i++)
		str_init(&p->root_sig[i]);
}

static void
parcel_clear(struct parcel *p)
{
	policy_files_clear(&p->files);
	str_clear(&p->statement);
	str_clear(&p->manifest);
	for (size_t i = 0; i < 4; i++) {
		free(p->root_text[i]);
		str_clear(&p->root_sig[i]);
	}
}

static void
parcel_ready(struct parcel *p)
{
	size_t n = 0;

	while (n < 4 && p->root_text[n] != NULL) {
		p->root_files[n] = slice_str(p->root_text[n]);
		p->root_sigs[n] = slice_of(p->root_sig[n].p, p->root_sig[n].n);
		n++;
	}
	p->in = (struct bundle_input){
	    .root_files = p->root_files,
	    .root_statements = p->root_sigs,
	    .n_roots = n,
	    .statement = slice_of(p->statement.p, p->statement.n),
	    .manifest = slice_of(p->manifest.p, p->manifest.n),
	    .files = &p->files,
	};
}

static void
add_root(struct parcel *p, size_t at, uint64_t version, const char *yaml,
    const char *by, const uint8_t *seeds)
{
	p->root_text[at] = fixture_expand(yaml);
	fixture_root(fixture_realm(), version, slice_str(p->root_text[at]), by,
	    seeds, &p->root_sig[at]);
}

/* A bundle of this version over root (NULL: root 1), signed by olga. */
static void
add_bundle(struct parcel *p, uint64_t version, const struct hash *previous,
    const char *root, const char *ca, const uint8_t *seeds)
{
	struct fixture_bundle b = {.realm = *fixture_realm(),
	    .version = version,
	    .previous = previous,
	    .expires = FIXTURE_NOW + 180 * DAY,
	    .by = OLGA,
	    .seeds = seeds};

	fixture_files(&p->files, root, ca);
	fixture_bundle(&b, &p->files, &p->statement, &p->manifest);
	parcel_ready(p);
}

static void
first_parcel(struct parcel *p)
{
	parcel_init(p);
	add_root(p, 0, 1, FIXTURE_ROOT_YAML, OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	add_bundle(p, 1, NULL, NULL, NULL, FIXTURE_BY(SEED_OLGA));
}

/* What somebody holds after the first delivery. */
static void
hold_first(struct trust *t)
{
	struct parcel p;
	struct err e = {0};

	trust_init(t);
	first_parcel(&p);
	if (trust_update(t, &p.in, fixture_realm(), FIXTURE_NOW, &e) != 0)
		fail_msg("%s", e.msg);
	parcel_clear(&p);
}

/* Expect this answer and, on failure, words and an unchanged t. */
static void
expect(const char *name, struct trust *t, const struct parcel *p, int64_t now,
    int want, const char *says)
{
	struct trust before = *t;
	struct err e = {0};
	int r = trust_update(t, &p->in, NULL, now, &e);

	if (r != want)
		fail_msg("%s: %d, not %d: %s", name, r, want, e.msg);
	if (want < 0) {
		if (strstr(e.msg, says) == NULL)
			fail_msg("%s: '%s'", name, e.msg);
		assert_memory_equal(&before, t, sizeof(before));
	}
}

static void
a_first_bundle_is_accepted_and_again(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	first_parcel(&p);
	expect("first", &t, &p, FIXTURE_NOW, 0, "");
	assert_true(t.have);
	assert_memory_equal(&t.realm, fixture_realm(), sizeof(t.realm));
	assert_int_equal(t.root_version, 1);
	assert_int_equal(t.policy->version, 1);
	assert_int_equal(t.policy->expires, FIXTURE_NOW + 180 * DAY);
	assert_non_null(policy_grant(t.policy, "deploy"));
	assert_true(policy_grant(t.policy, "read-only")->hours.has_rule);
	/* root alone knows no grants. */
	assert_int_equal(t.root->n_grants, 0);
	expect("again", &t, &p, FIXTURE_NOW, 0, "");
	p.in.n_roots = 0;
	expect("without the root", &t, &p, FIXTURE_NOW, 0, "");
	parcel_clear(&p);
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
	first_parcel(&p);
	assert_int_equal(trust_update(&t, &p.in, &other, FIXTURE_NOW, &e),
	    ERR_DENIED);
	assert_non_null(strstr(e.msg, "realm"));
	assert_false(t.have);
	parcel_clear(&p);
}

static void
the_first_root_must_be_there_and_be_version_1(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	first_parcel(&p);
	p.in.n_roots = 0;
	expect("no root", &t, &p, 0, ERR_PARSE, "no root");
	parcel_clear(&p);

	/* The whole of a realm that starts with version 2. */
	parcel_init(&p);
	p.root_text[0] = fixture_expand(root2_yaml);
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
		fixture_files(&p.files, root2_yaml, other_ca);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		parcel_ready(&p);
	}
	expect("root 2 first", &t, &p, 0, ERR_ROLLBACK, "expected 1");
	parcel_clear(&p);
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
		parcel_init(&p);
		add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, cases[i].seeds);
		add_bundle(&p, 1, NULL, NULL, NULL, FIXTURE_BY(SEED_OLGA));
		expect(cases[i].name, &t, &p, FIXTURE_NOW, cases[i].want,
		    cases[i].says);
		parcel_clear(&p);
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
		parcel_init(&p);
		add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA,
		    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
		add_bundle(&p, 1, NULL, NULL, NULL, cases[i].seeds);
		expect(cases[i].name, &t, &p, FIXTURE_NOW, cases[i].want, OLGA);
		parcel_clear(&p);
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
	first_parcel(&p);
	keep = p.in.statement;
	lf = strchr(p.statement.p, '\n');
	p.in.statement =
	    slice_of(p.statement.p, (size_t)(lf + 1 - p.statement.p));
	expect("unsigned bundle", &t, &p, 0, ERR_PARSE, "not signed");
	p.in.statement = p.root_sigs[0];
	expect("root for bundle", &t, &p, 0, ERR_PARSE, "root statement");
	p.in.statement = keep;
	p.root_sigs[0] = keep;
	expect("bundle for root", &t, &p, 0, ERR_PARSE, "policy statement");
	/* A bundle signed under the namespace of a root. */
	p.root_sigs[0] = slice_of(p.root_sig[0].p, p.root_sig[0].n);
	str_addn(&text, p.statement.p, (size_t)(lf + 1 - p.statement.p));
	{
		struct str again = STR_INIT;

		fixture_sign_text(text.p, "root@writ", FIXTURE_BY(SEED_OLGA),
		    &again);
		p.in.statement = slice_of(again.p, again.n);
		expect("root's namespace", &t, &p, 0, ERR_BADSIG, "namespace");
		str_clear(&again);
	}
	str_clear(&text);
	/* Root and bundle of two realms. */
	p.in.statement = keep;
	str_clear(&p.root_sig[0]);
	fixture_root(&realm, 1, slice_str(p.root_text[0]), OLGA,
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN), &p.root_sig[0]);
	p.root_sigs[0] = slice_of(p.root_sig[0].p, p.root_sig[0].n);
	expect("root of another realm", &t, &p, 0, ERR_DENIED, "realm");
	parcel_clear(&p);

	parcel_init(&p);
	add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, FIXTURE_BY(1, 2));
	{
		struct fixture_bundle b = {.realm = realm,
		    .version = 1,
		    .expires = FIXTURE_NOW + DAY,
		    .by = OLGA,
		    .seeds = FIXTURE_BY(1)};

		fixture_files(&p.files, NULL, NULL);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		parcel_ready(&p);
	}
	expect("bundle of another realm", &t, &p, 0, ERR_DENIED, "realm");
	parcel_clear(&p);
}

static void
files_and_manifest_must_agree(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	first_parcel(&p);
	fixture_file(&p.files, "people/zoe@example.com.yaml", "keys: [<9>]\n");
	expect("a further file", &t, &p, 0, ERR_PARSE, "not in MANIFEST");
	parcel_clear(&p);

	first_parcel(&p);
	p.files.n--; /* root.yaml, the last */
	expect("a missing file", &t, &p, 0, ERR_PARSE,
	    "root.yaml of MANIFEST is missing");
	p.files.n++;
	p.files.v[5].data[0] ^= 1;
	expect("another byte", &t, &p, 0, ERR_PARSE, "ca.yaml differs");
	p.files.v[5].data[0] ^= 1;
	p.files.v[5].n--;
	expect("a byte less", &t, &p, 0, ERR_PARSE, "ca.yaml differs");
	p.files.v[5].n++;
	p.manifest.p[0] ^= 1;
	expect("another MANIFEST", &t, &p, 0, ERR_PARSE, "MANIFEST differs");
	p.manifest.p[0] ^= 1;
	p.in.manifest.n--;
	expect("a shorter MANIFEST", &t, &p, 0, ERR_PARSE, "MANIFEST differs");
	p.in.manifest.n++;
	p.root_text[0][10] ^= 1;
	expect("another root.yaml", &t, &p, 0, ERR_DENIED, "realm");
	p.root_text[0][10] ^= 1;
	expect("all well", &t, &p, 0, 0, "");
	trust_clear(&t);
	parcel_clear(&p);
}

static void
a_policy_that_does_not_parse_is_refused_although_signed(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	parcel_init(&p);
	add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, FIXTURE_BY(1, 2));
	add_bundle(&p, 1, NULL, NULL, "grants: 7\n", FIXTURE_BY(1));
	expect("bad ca.yaml", &t, &p, 0, ERR_PARSE, "ca.yaml:1:");
	parcel_clear(&p);
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

/* --- versions of the bundle --- */

static void
versions_go_one_by_one_and_never_back(void **state)
{
	struct hash wrong = fixture_hash(3), one, two;
	struct parcel p1, p2, p;
	struct trust t;

	(void)state;
	hold_first(&t);
	one = t.policy->hash;
	first_parcel(&p1); /* the same content with another nonce */
	expect("version 1 again, other content", &t, &p1, FIXTURE_NOW,
	    ERR_ROLLBACK, "again");

	parcel_init(&p);
	add_bundle(&p, 2, &wrong, NULL, NULL, FIXTURE_BY(SEED_OLGA));
	expect("another past", &t, &p, FIXTURE_NOW, ERR_ROLLBACK,
	    "another version 1");
	parcel_clear(&p);

	parcel_init(&p);
	add_bundle(&p, 3, &one, NULL, NULL, FIXTURE_BY(SEED_OLGA));
	expect("a gap", &t, &p, FIXTURE_NOW, ERR_ROLLBACK, "expected 2");
	parcel_clear(&p);

	parcel_init(&p);
	add_bundle(&p, UINT64_MAX, &one, NULL, NULL, FIXTURE_BY(SEED_OLGA));
	expect("fast-forward", &t, &p, FIXTURE_NOW, ERR_ROLLBACK, "expected 2");
	parcel_clear(&p);

	parcel_init(&p2);
	add_bundle(&p2, 2, &one, NULL, other_ca, FIXTURE_BY(SEED_OLGA));
	expect("the next", &t, &p2, FIXTURE_NOW, 0, "");
	assert_int_equal(t.policy->version, 2);
	two = t.policy->hash;
	expect("the next again", &t, &p2, FIXTURE_NOW, 0, "");
	expect("back to 1", &t, &p1, FIXTURE_NOW, ERR_ROLLBACK, "older");
	assert_memory_equal(&t.policy->hash, &two, sizeof(two));
	parcel_clear(&p1);
	parcel_clear(&p2);
	trust_clear(&t);
}

/* --- rotation of the root --- */

static void
a_new_root_needs_the_old_threshold_and_its_own(void **state)
{
	static const struct {
		const char *name;
		uint8_t seeds[5];
		int want;
		const char *says;
	} cases[] = {
	    {"the old officers alone", {1, 2}, ERR_DENIED, "dora@example.com"},
	    {"the new officers alone", {1, 8}, ERR_DENIED, IVAN},
	    {"one who was and is", {1, 11}, ERR_DENIED, IVAN},
	    {"all three", {1, 2, 8}, 0, ""},
	};
	struct hash one;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parcel p;
		struct trust t;

		hold_first(&t);
		one = t.policy->hash;
		parcel_init(&p);
		add_root(&p, 0, 2, root2_yaml, OLGA, cases[i].seeds);
		add_bundle(&p, 2, &one, root2_yaml, other_ca, FIXTURE_BY(1, 8));
		expect(cases[i].name, &t, &p, FIXTURE_NOW, cases[i].want,
		    cases[i].says);
		assert_int_equal(t.root_version, cases[i].want == 0 ? 2 : 1);
		parcel_clear(&p);
		trust_clear(&t);
	}
}

static void
a_removed_officer_counts_no_more(void **state)
{
	struct parcel p;
	struct trust t;
	struct hash one;

	(void)state;
	hold_first(&t);
	one = t.policy->hash;
	parcel_init(&p);
	add_root(&p, 0, 2, root2_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	add_bundle(&p, 2, &one, root2_yaml, other_ca, FIXTURE_BY(1, 2));
	expect("olga and ivan, who is gone", &t, &p, FIXTURE_NOW, ERR_DENIED,
	    "dora@example.com is missing");
	parcel_clear(&p);
	trust_clear(&t);
}

static void
roots_come_without_a_gap_and_without_replay(void **state)
{
	static const char root3_yaml[] =
	    "version: 3\nexpires: 2029-12-01\ngrace: 14d\n"
	    "officers:\n  olga@example.com: {keys: [<1>]}\n"
	    "  dora@example.com: {keys: [<8>]}\n"
	    "operators:\n  petra@example.com: {keys: [<3>]}\n"
	    "thresholds: {root: 2, policy: 1, fleet: 1}\n";
	struct parcel p, old;
	struct trust t;
	struct hash one;

	(void)state;
	hold_first(&t);
	one = t.policy->hash;
	parcel_init(&p);
	add_root(&p, 0, 3, root3_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	add_bundle(&p, 2, &one, root3_yaml, other_ca, FIXTURE_BY(1));
	expect("root 3 after 1", &t, &p, 0, ERR_ROLLBACK, "expected 2");
	parcel_clear(&p);

	/* The file says 3, the statement 2. */
	parcel_init(&p);
	add_root(&p, 0, 2, root3_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	add_bundle(&p, 2, &one, root3_yaml, other_ca, FIXTURE_BY(1));
	expect("a statement of another version", &t, &p, 0, ERR_PARSE,
	    "version 3");
	parcel_clear(&p);

	/* The statement of another file. */
	parcel_init(&p);
	add_root(&p, 0, 2, root2_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	free(p.root_text[0]);
	p.root_text[0] =
	    fixture_expand("version: 2\nexpires: 2029-11-01\ngrace: 14d\n"
			   "officers:\n  olga@example.com: {keys: [<1>]}\n"
			   "  mallory@example.com: {keys: [<200>]}\n"
			   "thresholds: {root: 1, policy: 1, fleet: 1}\n"
			   "operators:\n  petra@example.com: {keys: [<3>]}\n");
	add_bundle(&p, 2, &one, root2_yaml, other_ca, FIXTURE_BY(1, 8));
	expect("another file", &t, &p, 0, ERR_PARSE, "differs");
	parcel_clear(&p);

	/* Two steps at once, then the past again. */
	parcel_init(&p);
	add_root(&p, 0, 2, root2_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	add_root(&p, 1, 3, root3_yaml, OLGA, FIXTURE_BY(1, 8));
	add_bundle(&p, 2, &one, root3_yaml, other_ca, FIXTURE_BY(1));
	expect("2 and 3", &t, &p, 0, 0, "");
	assert_int_equal(t.root_version, 3);
	parcel_init(&old);
	add_root(&old, 0, 2, root2_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	add_bundle(&old, 3, &t.policy->hash, root2_yaml, other_ca,
	    FIXTURE_BY(1, 8));
	expect("root 2 again", &t, &old, 0, ERR_ROLLBACK, "expected 4");
	old.in.n_roots = 0;
	expect("a bundle with root 2", &t, &old, 0, ERR_ROLLBACK,
	    "another root.yaml than root 3");
	parcel_clear(&old);
	parcel_clear(&p);
	trust_clear(&t);
}

static void
a_new_root_without_its_statement_is_not_the_bundles_to_bring(void **state)
{
	struct parcel p;
	struct trust t;
	struct hash one;

	(void)state;
	hold_first(&t);
	one = t.policy->hash;
	parcel_init(&p);
	add_bundle(&p, 2, &one, root2_yaml, other_ca, FIXTURE_BY(1, 2));
	expect("root 2 in the bundle alone", &t, &p, 0, ERR_ROLLBACK,
	    "another root.yaml");
	parcel_clear(&p);
	trust_clear(&t);
}

static void
too_many_roots_are_refused(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	first_parcel(&p);
	p.in.n_roots = BUNDLE_ROOTS_MAX + 1;
	expect("1025 roots", &t, &p, 0, ERR_LIMIT, "1024");
	parcel_clear(&p);
}

/* --- expiry --- */

static void
expiry_is_followed_by_grace_and_then_by_refusal(void **state)
{
	const int64_t bundle = FIXTURE_NOW + 180 * DAY;
	const struct {
		const char *name;
		int64_t now;
		int want;
		const char *words;
	} cases[] = {
	    {"fresh", FIXTURE_NOW, 0, NULL},
	    {"31 days ahead", bundle - 31 * DAY, 0, NULL},
	    {"30 days ahead", bundle - 30 * DAY, 0, "expires in 30 days"},
	    {"14 days ahead", bundle - 14 * DAY, 0, "plan it: policy"},
	    {"7 days ahead", bundle - 7 * DAY, 0, "soon: policy"},
	    {"1 day ahead", bundle - DAY, 0, "urgent: policy"},
	    {"the last second", bundle, 0, "urgent: policy"},
	    {"a second past", bundle + 1, BUNDLE_GRACE, "has expired"},
	    {"the last of grace", bundle + 14 * DAY, BUNDLE_GRACE,
		"has expired"},
	    {"past grace", bundle + 14 * DAY + 1, ERR_EXPIRED, NULL},
	    {"past the root's", ROOT_EXPIRES + 14 * DAY + 1, ERR_EXPIRED, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str words = STR_INIT;
		struct parcel p;
		struct trust t, held;
		struct err e = {0};
		int r;

		trust_init(&t);
		first_parcel(&p);
		expect(cases[i].name, &t, &p, cases[i].now, cases[i].want,
		    "expired at");
		hold_first(&held);
		r = trust_expiry(&held, cases[i].now, &words, &e);
		if (r != cases[i].want ||
		    (cases[i].words == NULL
			    ? words.n != 0
			    : strstr(words.p, cases[i].words) == NULL))
			fail_msg("%s: %d '%s'", cases[i].name, r, words.p);
		str_clear(&words);
		trust_clear(&t);
		trust_clear(&held);
		parcel_clear(&p);
	}
}

static void
an_expired_root_can_still_be_replaced(void **state)
{
	struct parcel p;
	struct trust t;
	struct hash one;

	(void)state;
	hold_first(&t);
	one = t.policy->hash;
	assert_int_equal(trust_expiry(&t, ROOT_EXPIRES + 20 * DAY, NULL, NULL),
	    ERR_EXPIRED);
	parcel_init(&p);
	add_root(&p, 0, 2, root2_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	{
		struct fixture_bundle b = {.realm = *fixture_realm(),
		    .version = 2,
		    .previous = &one,
		    .expires = ROOT_EXPIRES + 100 * DAY,
		    .by = OLGA,
		    .seeds = FIXTURE_BY(1, 8)};

		fixture_files(&p.files, root2_yaml, other_ca);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		parcel_ready(&p);
	}
	expect("after its grace", &t, &p, ROOT_EXPIRES + 20 * DAY, 0, "");
	parcel_clear(&p);
	trust_clear(&t);
}

static void
nothing_held_is_expired_and_no_clock_skips_expiry(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	assert_int_equal(trust_expiry(&t, FIXTURE_NOW, NULL, NULL),
	    ERR_EXPIRED);
	parcel_init(&p);
	add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, FIXTURE_BY(1, 2));
	{
		struct fixture_bundle b = {.realm = *fixture_realm(),
		    .version = 1,
		    .expires = 1,
		    .by = OLGA,
		    .seeds = FIXTURE_BY(1)};

		fixture_files(&p.files, NULL, NULL);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		parcel_ready(&p);
	}
	expect("long ago", &t, &p, FIXTURE_NOW, ERR_EXPIRED, "policy");
	expect("re-run", &t, &p, 0, 0, "");
	parcel_clear(&p);
	trust_clear(&t);
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
	first_parcel(&p);
	mutate_each(p.statement.p, p.statement.n, must_not_be_accepted, &p);
	parcel_clear(&p);
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
	first_parcel(&p);
	assert_true(alloc_each(update_once, &p) > 50);
	parcel_clear(&p);
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
	    cmocka_unit_test(versions_go_one_by_one_and_never_back),
	    cmocka_unit_test(a_new_root_needs_the_old_threshold_and_its_own),
	    cmocka_unit_test(a_removed_officer_counts_no_more),
	    cmocka_unit_test(roots_come_without_a_gap_and_without_replay),
	    cmocka_unit_test(
		a_new_root_without_its_statement_is_not_the_bundles_to_bring),
	    cmocka_unit_test(too_many_roots_are_refused),
	    cmocka_unit_test(expiry_is_followed_by_grace_and_then_by_refusal),
	    cmocka_unit_test(an_expired_root_can_still_be_replaced),
	    cmocka_unit_test(nothing_held_is_expired_and_no_clock_skips_expiry),
	    cmocka_unit_test(no_flipped_bit_of_a_statement_is_accepted),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
