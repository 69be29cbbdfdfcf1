/* SPDX-License-Identifier: ISC */
/*
 * The policy language: what its files say to one another, each rule with one
 * that passes and one that fails by the least step, and the exact words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"
#include "tests/unit/policycase.h"

/* root NULL: pc_root. */
static const struct {
	const char *name, *root, *ca, *path, *text, *want;
} wholes[] = {
    {"the least policy", NULL, AUTHORITIES, NULL, NULL, NULL},
    {"no version",
	"expires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:1:1: root.yaml has no 'version', expected a number, 1 for "
	"the first root and one more each time"},
    {"version 0",
	"version: 0\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:1:10: 'version' is '0', expected a number, 1 for the "
	"first root and one more each time"},
    {"a day that does not exist",
	"version: 1\nexpires: 2027-02-29\nofficers: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:2:10: 'expires' is '2027-02-29', expected a date, or a "
	"time such as 2028-11-01T12:00:00Z"},
    {"no officers",
	"version: 1\nexpires: 2028-11-01\nofficers: {}\n"
	"thresholds: {root: 1, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:3:11: 'officers' is empty, expected persons and their "
	"keys"},
    {"an officer without keys",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {}}\n"
	"thresholds: {root: 1, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:3:12: a person has no 'keys', expected a list of public "
	"key lines"},
    {"threshold 0",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 0, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:4:20: 'root' is '0', expected a number of persons, 1 or "
	"more"},
    {"a threshold above the officers, who have two keys",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>, "
	"<2>]}}\nthresholds: {root: 2, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:4:13: threshold 'root' is 2, expected at most 1, the "
	"number of officers"},
    {"a fleet threshold without operators",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1, fleet: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:4:13: threshold 'fleet' is 1, expected at most 0, the "
	"number of operators"},
    {"operators without a fleet threshold",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"operators: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:5:13: thresholds has no 'fleet', expected it where there "
	"are operators"},
    {"one who is officer and operator",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"operators: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1, fleet: 1}\n",
	AUTHORITIES, NULL, NULL, NULL},
    {"an officer's key of another operator",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"operators: {p: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1, fleet: 1}\n",
	AUTHORITIES, NULL, NULL,
	"root.yaml:4:24: key of 'p' is a key of 'o' too, expected one person "
	"a key (root.yaml:3:23 has it)"},
    {"a person in a file of his own", NULL, AUTHORITIES,
	"people/bob@example.com.yaml", "keys: [<5>]\ngroups: [eng]\n", NULL},
    {"a person in both places", NULL,
	"people:\n  bob: {keys: [<5>]}\n" AUTHORITIES, "people/bob.yaml",
	"keys: [<6>]\n",
	"people/bob.yaml:1:1: person 'bob' is given twice, expected once "
	"(ca.yaml:2:3 has it)"},
    {"a key of two persons", NULL,
	"people:\n  bob: {keys: [<5>]}\n" AUTHORITIES, "people/ann.yaml",
	"keys:\n  - <6>\n  - <5>\n",
	"ca.yaml:2:16: key of 'bob' is a key of 'ann' too, expected one "
	"person a key (people/ann.yaml:3:5 has it)"},
    {"an officer's key of another person", NULL,
	"people:\n  bob: {keys: [<1>]}\n" AUTHORITIES, NULL, NULL,
	"root.yaml:3:26: key of 'olga' is a key of 'bob' too, expected one "
	"person a key (ca.yaml:2:16 has it)"},
    {"an officer with a further key", NULL,
	"people:\n  olga: {keys: [<2>]}\n" AUTHORITIES, NULL, NULL, NULL},
    {"an officer with the same key again", NULL,
	"people:\n  olga: {keys: [<1>]}\n" AUTHORITIES, NULL, NULL,
	"ca.yaml:2:17: key of 'olga' is there twice, expected once "
	"(root.yaml:3:26 has it)"},
    {"one key twice, with another comment", NULL,
	"people:\n  bob: {keys: [<5> a, <5> b]}\n" AUTHORITIES, NULL, NULL,
	"ca.yaml:2:100: key of 'bob' is there twice, expected once"},
    {"a person without keys", NULL,
	"people:\n  bob: {groups: [eng]}\n" AUTHORITIES, NULL, NULL,
	"ca.yaml:2:3: person 'bob' has no keys, expected 'keys' (only who "
	"has them in root.yaml goes without)"},
    {"a person of nothing", NULL, "people:\n  bob:\n" AUTHORITIES, NULL, NULL,
	"ca.yaml:2:7: a person is nothing, expected a mapping"},
    {"a person's id", NULL, "people:\n  Bob: {keys: [<5>]}\n" AUTHORITIES, NULL,
	NULL,
	"ca.yaml:2:3: 'Bob' is not the id of a person, expected 1 to 100 of "
	"a-z 0-9 . _ @ + -"},
    {"a placeholder", NULL,
	"people:\n  bob: {keys: [REPLACE with a key]}\n" AUTHORITIES, NULL,
	NULL,
	"ca.yaml:2:16: a placeholder stands for the key of 'bob', expected "
	"the line of that person's public key file"},
    {"a group's name", NULL,
	"people:\n  bob: {keys: [<5>], groups: [a b]}\n" AUTHORITIES, NULL,
	NULL,
	"ca.yaml:2:108: 'a b' is not a name, expected 1 to 64 of a-z 0-9 . _ "
	"- that start with a letter or digit"},
    {"no groups", NULL,
	"people:\n  bob:\n    keys: [<5>]\n    groups: []\n" AUTHORITIES, NULL,
	NULL,
	"ca.yaml:4:13: 'groups' is an empty list, expected a list of groups"},
    {"a group that is a person", NULL,
	"people:\n  bob:\n    keys: [<5>]\n    groups: [bob]\n" AUTHORITIES,
	NULL, NULL,
	"ca.yaml:2:3: 'bob' is a person and a group, expected a name for one "
	"of them alone"},
    {"new keys", NULL,
	"people:\n  bob: {keys: [<5>], groups: [a, b]}\n"
	"new_keys: {a: self, b: officers}\n" AUTHORITIES,
	NULL, NULL, NULL},
    {"new keys of nobody", NULL, "new_keys: {a: self}\n" AUTHORITIES, NULL,
	NULL, "ca.yaml:1:12: 'a' is no group, expected one that has a member"},
    {"new keys by anybody", NULL,
	"people:\n  bob: {keys: [<5>], groups: [a]}\n"
	"new_keys: {a: anybody}\n" AUTHORITIES,
	NULL, NULL,
	"ca.yaml:3:15: 'a' is 'anybody', expected self or officers"},
    {"quota", NULL, "quota: 1\n" AUTHORITIES, NULL, NULL, NULL},
    {"quota 0", NULL, "quota: 0\n" AUTHORITIES, NULL, NULL,
	"ca.yaml:1:8: 'quota' is '0', expected a number of requests a person "
	"a day, 1 to 1000000"},
    {"no authorities", NULL, "quota: 1\n", NULL, NULL,
	"ca.yaml:1:1: ca.yaml has no 'authorities', expected a mapping of "
	"user, host, log, master"},
    {"an authority without its file", NULL,
	"authorities:\n  user: [user_ca, other]\n  host: [host_ca]\n"
	"  log: [ca_log]\n",
	NULL, NULL,
	"ca.yaml:2:19: authority 'other' has no file, expected "
	"authorities/other.pub"},
    {"a file that no list names", NULL, AUTHORITIES, "authorities/x.pub",
	"<105>\n",
	"authorities/x.pub: no list under 'authorities' names this file, "
	"expected 'x' in one"},
    {"no log", NULL,
	"authorities: {user: [user_ca, ca_log], host: [host_ca]}\n", NULL, NULL,
	"ca.yaml:1:14: authorities has no 'log', expected a list of names of "
	"authorities/NAME.pub"},
    {"an empty list of authorities", NULL,
	"authorities: {user: [user_ca], host: [], log: [ca_log]}\n", NULL, NULL,
	"ca.yaml:1:38: 'host' is an empty list, expected a list of names of "
	"authorities/NAME.pub"},
    {"a log that signs certificates", NULL,
	"authorities: {user: [user_ca, ca_log], host: [host_ca], "
	"log: [ca_log]}\n",
	NULL, NULL,
	"ca.yaml:1:63: authority 'ca_log' is in lists for different ends, "
	"expected a key of its own for each log and master"},
    {"one key under two names", NULL,
	"authorities: {user: [user_ca, x], host: [host_ca], "
	"log: [ca_log]}\n",
	"authorities/x.pub", "<101>\n",
	"ca.yaml:1:31: key of authority 'x' is that of 'user_ca' too, "
	"expected one name a key"},
    {"an authority with a person's key", NULL,
	"authorities: {user: [user_ca, x], host: [host_ca], "
	"log: [ca_log]}\n",
	"authorities/x.pub", "<1>\n",
	"ca.yaml:1:31: key of authority 'x' is a key of 'olga' too, expected "
	"one of its own"},
    {"a user and host authority", NULL,
	"authorities: {user: [user_ca, host_ca], host: [host_ca], "
	"log: [ca_log]}\n",
	NULL, NULL, NULL},
    {"masters", NULL,
	"authorities: {user: [user_ca], host: [host_ca], log: [ca_log], "
	"master: [m]}\n",
	"authorities/m.pub", "<105> m\n", NULL},
    {"a host grant without a host authority", NULL,
	"authorities: {user: [user_ca, host_ca], log: [ca_log]}\n"
	"grants:\n"
	"  h: {kind: host, to: [olga], principals: [x], max: 1h, "
	"approve: none}\n",
	NULL, NULL,
	"ca.yaml:3:3: grant 'h' is of kind host, expected a name under "
	"'authorities: host'"},
    {"no grants", NULL, AUTHORITIES "grants: {}\n", NULL, NULL,
	"ca.yaml:2:9: 0 grants, expected 1 to 1000"},
    {"a grant's name", NULL,
	AUTHORITIES "grants:\n  -x: {to: [olga], principals: [x], max: 1h, "
		    "approve: none}\n",
	NULL, NULL,
	"ca.yaml:3:3: '-x' is not a name, expected 1 to 64 of a-z 0-9 . _ - "
	"that start with a letter or digit"},
    {"an exception", NULL, AUTHORITIES, "audit.yaml",
	"exceptions:\n"
	"  - {account: root, key: "
	"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,"
	" hosts: [db1, 'web*'], reason: backup, owner: olga,"
	" expires: 2027-01-01}\n",
	NULL},
    {"exceptions in comments", NULL, AUTHORITIES, "audit.yaml", "# none\n",
	NULL},
    {"an exception without key and ca", NULL, AUTHORITIES, "audit.yaml",
	"exceptions:\n"
	"  - {account: root, hosts: [db1], reason: backup, owner: olga,"
	" expires: 2027-01-01}\n",
	"audit.yaml:2:5: an exception, expected either 'key' or 'ca'"},
    {"an exception for no key", NULL, AUTHORITIES, "audit.yaml",
	"exceptions:\n"
	"  - {account: root, key: x, hosts: [db1], reason: backup,"
	" owner: olga, expires: 2027-01-01}\n",
	"audit.yaml:2:26: 'x' is not a fingerprint, expected SHA256: and 43 "
	"characters, as ssh-keygen -l prints it"},
    {"an exception without owner", NULL, AUTHORITIES, "audit.yaml",
	"exceptions:\n"
	"  - {account: root, key: "
	"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,"
	" hosts: [db1], reason: backup, expires: 2027-01-01}\n",
	"audit.yaml:2:5: an exception has no 'owner', expected the person "
	"who answers for it"},
    {"a file that is none of a policy", NULL, AUTHORITIES, "notes.txt", "x",
	"'notes.txt' is not a file of a policy, expected root.yaml, ca.yaml, "
	"audit.yaml, people/PERSON.yaml or authorities/NAME.pub"},
    {"a file below a person", NULL, AUTHORITIES, "people/a/b.yaml", "x",
	"'people/a/b.yaml' is not a file of a policy, expected root.yaml, "
	"ca.yaml, audit.yaml, people/PERSON.yaml or authorities/NAME.pub"},
    {"a file that is no YAML", NULL, "people: [\n", NULL, NULL,
	"ca.yaml:2:1: not YAML: did not find expected node content while "
	"parsing a flow node"},
};

static void
each_rule_between_files_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(wholes); i++) {
		struct conf_diags d = {0};
		struct policy *p = NULL;
		int r = pc_parse_texts(wholes[i].root, wholes[i].ca,
		    wholes[i].path, wholes[i].text, &p, &d);

		pc_expect(wholes[i].name, r, &d, wholes[i].want);
		policy_free(p);
		conf_diags_clear(&d);
	}
}

static int
parse_contract(void *arg)
{
	struct conf_diags d = {0};
	struct policy *p = NULL;
	int r;

	r = policy_parse(arg, &p, &d);
	if (r != 0)
		assert_null(p);
	policy_free(p);
	conf_diags_clear(&d);
	return r;
}

static void
failing_allocations_leave_nothing(void **state)
{
	struct policy_files f = {0};

	(void)state;
	fixture_files(&f, NULL, NULL);
	fixture_file(&f, "audit.yaml",
	    "exceptions:\n"
	    "  - {account: root, ca: "
	    "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,"
	    " hosts: [db1], reason: r, owner: olga, expires: 2027-01-01}\n");
	policy_files_sort(&f);
	assert_true(alloc_each(parse_contract, &f) > 100);
	policy_files_clear(&f);
}

static void
parse_any(const uint8_t *p, size_t n, void *arg)
{
	struct policy_files f = {0};
	struct conf_diags d = {0};
	struct policy *policy = NULL;
	int r;

	fixture_file(&f, "root.yaml", pc_root);
	pc_add_authorities(&f);
	assert_int_equal(policy_files_add(&f, arg, p, n), 0);
	r = pc_parse(&f, &policy, &d);
	if ((r == 0) != (d.n_errors == 0) || (r == 0) != (policy != NULL))
		fail_msg("%s: %d", mutate_what(), r);
	policy_free(policy);
	conf_diags_clear(&d);
	policy_files_clear(&f);
}

static void
near_misses_are_read_or_refused_with_words(void **state)
{
	static const char ca[] =
	    AUTHORITIES "grants:\n  g: {to: [olga], principals: [p], max: 1h,"
			" approve: none, ticket: '[A-Z]{3}', hours: {from: "
			"07:00, to: 20:00, zone: UTC}}\n";
	static char path[] = "ca.yaml";

	(void)state;
	mutate_each(ca, sizeof(ca) - 1, parse_any, path);
}

static void
files_have_limits_and_an_order(void **state)
{
	char *big = calloc(1, POLICY_FILE_MAX + 1);
	struct policy_files f = {0};

	(void)state;
	assert_non_null(big);
	assert_int_equal(policy_files_add(&f, "b", big, POLICY_FILE_MAX + 1),
	    ERR_LIMIT);
	assert_int_equal(policy_files_add(&f, "b", big, POLICY_FILE_MAX), 0);
	assert_int_equal(policy_files_add(&f, "a", "x", 1), 0);
	policy_files_sort(&f);
	assert_string_equal(f.v[0].path, "a");
	assert_int_equal(policy_files_find(&f, "b")->n, POLICY_FILE_MAX);
	assert_null(policy_files_find(&f, "c"));
	policy_files_clear(&f);
	free(big);
}

static void
a_time_zone_more_than_a_bundle_holds_is_refused(void **state)
{
	(void)state;
	for (unsigned n = POLICY_ZONES_MAX; n <= POLICY_ZONES_MAX + 1; n++) {
		struct conf_diags d = {0};
		struct policy *p = NULL;
		struct str s = STR_INIT;

		str_add(&s, AUTHORITIES "grants:\n");
		for (unsigned i = 0; i < n; i++)
			str_addf(&s,
			    "  g%u: {to: [olga], principals: [p], max: 1h, "
			    "approve: none,\n    hours: {from: 07:00, "
			    "to: 20:00, zone: A/%u}}\n",
			    i, i);
		pc_expect("zones",
		    pc_parse_texts(NULL, s.p, NULL, NULL, &p, &d), &d,
		    n == POLICY_ZONES_MAX
			? NULL
			: "ca.yaml:132:43: one time zone too many, expected "
			  "at most 64 in a policy");
		policy_free(p);
		conf_diags_clear(&d);
		str_clear(&s);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_rule_between_files_holds),
	    cmocka_unit_test(failing_allocations_leave_nothing),
	    cmocka_unit_test(near_misses_are_read_or_refused_with_words),
	    cmocka_unit_test(files_have_limits_and_an_order),
	    cmocka_unit_test(a_time_zone_more_than_a_bundle_holds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
