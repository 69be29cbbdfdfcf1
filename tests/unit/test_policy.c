/* SPDX-License-Identifier: ISC */
/*
 * The policy language: each rule with one that passes and one that fails by
 * the least step, and the exact words with line and column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"
#include "tests/unit/sshdata.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char root_yaml[] = "version: 1\n"
				"expires: 2028-11-01\n"
				"officers: {olga: {keys: [<1>]}}\n"
				"thresholds: {root: 1, policy: 1}\n";

/* What stands before and after the part that a table varies. */
static const char people[] = "people:\n"
			     "  alice: {keys: [<4>], groups: [eng]}\n"
			     "  olga: {groups: [chiefs]}\n";
static const char authorities[] =
    "authorities: {user: [user_ca], host: [host_ca], log: [ca_log]}\n";

static void
add_authorities(struct policy_files *f)
{
	fixture_file(f, "authorities/user_ca.pub", "<101> user_ca\n");
	fixture_file(f, "authorities/host_ca.pub", "<102>\n");
	fixture_file(f, "authorities/ca_log.pub", "<103>\r\n");
}

static int
parse(struct policy_files *f, struct policy **out, struct conf_diags *d)
{
	policy_files_sort(f);
	return policy_parse(f, out, d);
}

/* root.yaml (NULL: the one above), ca.yaml, and one more file or NULL. */
static int
parse_texts(const char *root, const char *ca, const char *path,
    const char *text, struct policy **out, struct conf_diags *d)
{
	struct policy_files f = {0};
	int r;

	fixture_file(&f, "root.yaml", root != NULL ? root : root_yaml);
	fixture_file(&f, "ca.yaml", ca);
	if (path != NULL)
		fixture_file(&f, path, text);
	add_authorities(&f);
	r = parse(&f, out, d);
	policy_files_clear(&f);
	return r;
}

/* want NULL: no fault; else the first one's words. */
static void
expect(const char *name, int r, const struct conf_diags *d, const char *want)
{
	const char *got = d->n > 0 ? d->v[0].text : NULL;

	if (want == NULL
		? r != 0 || got != NULL
		: r != ERR_PARSE || got == NULL || strcmp(got, want) != 0)
		fail_msg("%s: %d, %s", name, r, got != NULL ? got : "-");
}

/*
 * A grant of four lines and one of the table's, line 6 of ca.yaml, that takes
 * the place of the one that begins alike.
 */
static char *
grant_text(const char *line)
{
	static const char *const base[] = {
	    "to: [eng]", "principals: [p]", "max: 1h", "approve: none"};
	struct str s = STR_INIT;
	char *out;
	size_t n = strcspn(line, ":");

	str_addf(&s, "%s%sgrants:\n  g:\n", people, authorities);
	/* people: 3 lines, authorities: 1, grants and g: 2. */
	str_addf(&s, "    %s\n", line);
	for (size_t i = 0; i < COUNT(base); i++)
		if (strncmp(base[i], line, n + 1) != 0)
			str_addf(&s, "    %s\n", base[i]);
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static const struct {
	const char *line, *want;
} grants[] = {
    {"kind: user", NULL},
    {"kind: both", "ca.yaml:7:11: 'kind' is 'both', expected user or host"},
    {"to: [eng, alice]", NULL},
    {"to: []",
	"ca.yaml:7:9: 'to' is an empty list, expected a list of the "
	"groups or persons who may ask"},
    {"to: eng",
	"ca.yaml:7:9: 'to' is text, expected a list of the groups or "
	"persons who may ask"},
    {"to: [engs]",
	"ca.yaml:7:10: 'engs' is neither a person nor a group, "
	"expected one that the policy has"},
    {"to: [eng, eng]", "ca.yaml:7:15: 'eng' is in 'to' twice, expected once"},
    {"principals: [p, q@web1.example.com]", NULL},
    {"principals: []",
	"ca.yaml:7:17: 'principals' is an empty list, "
	"expected a list of principals"},
    {"max: 1s", NULL},
    {"max: 0s",
	"ca.yaml:7:10: 'max' is '0s', expected a span such as 90s, 15m, 8h "
	"or 7d"},
    {"max: 8",
	"ca.yaml:7:10: 'max' is '8', expected a span such as 90s, "
	"15m, 8h or 7d"},
    {"max: 1w",
	"ca.yaml:7:10: 'max' is '1w', expected a span such as 90s, "
	"15m, 8h or 7d"},
    {"wait: 12h", NULL},
    {"ahead: 7d", NULL},
    {"principal: [p]",
	"ca.yaml:7:5: unknown key 'principal', expected one of kind, to, "
	"principals, max, wait, ahead, hours, source, extensions, "
	"force_command, verify_required, reason, ticket, approve, "
	"break_glass, touch, pin, accepted_hosts"},
    {"to: [eng]\n    to: [eng]",
	"ca.yaml:8:5: key 'to' is given twice, expected once (line 7 has "
	"it)"},
    {"hours: {days: mon-fri, from: \"07:00\", to: \"20:00\", zone: UTC}", NULL},
    {"hours: {from: 07:00, to: 24:00, zone: Etc/GMT+1}", NULL},
    {"hours: {days: [sat-mon, wed], from: 22:00, to: 06:00, zone: UTC}", NULL},
    {"hours: {days: monday, from: 07:00, to: 20:00, zone: UTC}",
	"ca.yaml:7:19: 'days' is 'monday', expected days such as mon, "
	"mon-fri or a list of them"},
    {"hours: {days: mon-, from: 07:00, to: 20:00, zone: UTC}",
	"ca.yaml:7:19: 'days' is 'mon-', expected days such as mon, mon-fri "
	"or a list of them"},
    {"hours: {days: [], from: 07:00, to: 20:00, zone: UTC}",
	"ca.yaml:7:19: 'days' is an empty list, expected days such as mon, "
	"mon-fri or a list of them"},
    {"hours: {from: 24:00, to: 20:00, zone: UTC}",
	"ca.yaml:7:19: 'from' is '24:00', expected a time of day, \"00:00\" "
	"to \"23:59\""},
    {"hours: {from: 07:00, to: 24:01, zone: UTC}",
	"ca.yaml:7:30: 'to' is '24:01', expected a time of day, \"00:00\" to "
	"\"24:00\""},
    {"hours: {from: 07:00, to: 20:60, zone: UTC}",
	"ca.yaml:7:30: 'to' is '20:60', expected a time of day, \"00:00\" to "
	"\"24:00\""},
    {"hours: {from: 7:00, to: 20:00, zone: UTC}",
	"ca.yaml:7:19: 'from' is '7:00', expected a time of day, \"00:00\" "
	"to \"23:59\""},
    {"hours: {from: 07:00, to: 07:00, zone: UTC}",
	"ca.yaml:7:12: 'hours' begin when they end, expected two times "
	"(\"00:00\" to \"24:00\" is the whole day)"},
    {"hours: {from: 07:00, to: 20:00}",
	"ca.yaml:7:12: hours has no 'zone', expected a time zone such as "
	"Europe/Vilnius"},
    {"hours: {from: 07:00, to: 20:00, zone: ../etc/passwd}",
	"ca.yaml:7:43: 'zone' is '../etc/passwd', expected a time zone such "
	"as Europe/Vilnius"},
    {"hours: {from: 07:00, to: 20:00, zone: /UTC}",
	"ca.yaml:7:43: 'zone' is '/UTC', expected a time zone such as "
	"Europe/Vilnius"},
    {"source: [10.0.0.0/8, \"fd00::/8\"]", NULL},
    {"source: []",
	"ca.yaml:7:13: 'source' is an empty list, expected a "
	"list of addresses and networks"},
    {"extensions: []", NULL},
    {"extensions: [permit-pty, permit-X11-forwarding]", NULL},
    {"force_command: /usr/bin/true", NULL},
    {"force_command: \"\"",
	"ca.yaml:7:20: 'force_command' has 0 characters, expected 1 to 8192"},
    {"verify_required: yes", NULL},
    {"verify_required: 1",
	"ca.yaml:7:22: 'verify_required' is '1', expected yes or no"},
    {"reason: {min: 1, max: 1024}", NULL},
    {"reason: {min: 0}",
	"ca.yaml:7:19: 'min' is '0', expected a number of "
	"characters, 1 to 1024"},
    {"reason: {max: 1025}",
	"ca.yaml:7:19: 'max' is '1025', expected a "
	"number of characters, 1 to 1024"},
    {"reason: {min: 513}",
	"ca.yaml:7:13: 'reason' has min 513, expected at "
	"most its max, 512"},
    {"ticket: \"^CHG-[0-9]{1,255}$\"", NULL},
    {"ticket: '[{]{255}\\{9999'", NULL},
    {"ticket: '[[:digit:]{999}]{2}'", NULL},
    {"ticket: \"(\"",
	"ca.yaml:7:13: 'ticket' is a bad pattern (Unmatched ( or \\(), "
	"expected a POSIX extended regular expression"},
    {"ticket: 'a{256}'",
	"ca.yaml:7:13: 'ticket' has too much repetition by "
	"{ }, expected a POSIX extended regular expression"},
    {"ticket: '((a{16}){16}){16}'",
	"ca.yaml:7:13: 'ticket' has too much repetition by { }, expected a "
	"POSIX extended regular expression"},
    {"ticket: '(a*)\\1'",
	"ca.yaml:7:13: 'ticket' has a back-reference, "
	"expected a POSIX extended regular expression"},
    {"approve: [{chiefs: 1}]", NULL},
    {"approve: [{chiefs: 16}]", NULL},
    {"approve: [{chiefs: 17}]",
	"ca.yaml:7:24: 'chiefs' is '17', expected a "
	"number of approvals, 1 to 16"},
    {"approve: [{chiefs: 0}]",
	"ca.yaml:7:24: 'chiefs' is '0', expected a "
	"number of approvals, 1 to 16"},
    {"approve: []",
	"ca.yaml:7:14: 'approve' is an empty list, expected none, or a list "
	"of terms such as [{leads: 1}]"},
    {"approve: nobody",
	"ca.yaml:7:14: 'approve' is text, expected none, or "
	"a list of terms such as [{leads: 1}]"},
    {"approve: [chiefs]",
	"ca.yaml:7:15: 'approve' is text, expected none, "
	"or a list of terms such as [{leads: 1}]"},
    {"approve: [{chiefs: 1, eng: 1}]",
	"ca.yaml:7:15: a term of 'approve' has 2 groups, expected one, "
	"{GROUP: NUMBER}"},
    {"approve: [{chiefs: 1}, {chiefs: 1}]",
	"ca.yaml:7:29: group 'chiefs' is in 'approve' twice, expected one "
	"term with the sum"},
    {"approve: [{olga: 1}]",
	"ca.yaml:7:16: 'olga' is no group, expected "
	"one that has a member"},
    {"break_glass: yes", NULL},
    {"touch: required", NULL},
    {"touch: yes", "ca.yaml:7:12: 'touch' is 'yes', expected required"},
    {"pin: required", NULL},
    {"accepted_hosts: yes",
	"ca.yaml:7:21: 'accepted_hosts' in a grant of kind user, expected it "
	"in one of kind host alone"},
    {"kind: host\n    source: [10.0.0.1]",
	"ca.yaml:8:13: 'source' in a grant of kind host, expected it in one "
	"of kind user alone"},
    {"kind: host\n    extensions: []",
	"ca.yaml:8:17: 'extensions' in a grant of kind host, expected it in "
	"one of kind user alone"},
    {"kind: host\n    accepted_hosts: yes", NULL},
};

static void
each_key_of_a_grant_has_its_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(grants); i++) {
		struct conf_diags d = {0};
		struct policy *p = NULL;
		char *ca = grant_text(grants[i].line);
		int r = parse_texts(NULL, ca, NULL, NULL, &p, &d);

		expect(grants[i].line, r, &d, grants[i].want);
		free(ca);
		policy_free(p);
		conf_diags_clear(&d);
	}
}

/* What the linter of certificates refuses, the policy does; its words. */
static void
what_no_certificate_may_have_no_grant_gives(void **state)
{
	static const char *const lines[] = {"principals: ['*']",
	    "principals: ['a,b']", "principals: ['a b']",
	    "source: [10.0.0.1/8]", "source: [example.com]",
	    "source: [10.0.0.0/33]", "extensions: [permit-everything]",
	    "kind: host\n    principals: [Web.example.com]",
	    "kind: host\n    principals: ['w?b.example.com']",
	    "kind: host\n    principals: ['*..example.com']"};
	static const char *const fine[] = {
	    "kind: host\n    principals: ['*.example.com', web, 'db*']",
	    "source: [10.0.0.1, 10.0.0.0/8]"};

	(void)state;
	for (size_t i = 0; i < COUNT(lines) + COUNT(fine); i++) {
		bool bad = i < COUNT(lines);
		const char *line = bad ? lines[i] : fine[i - COUNT(lines)];
		const char *second = strchr(line, '\n');
		struct conf_diags d = {0};
		struct policy *p = NULL;
		struct str s = STR_INIT;
		int r;

		str_addf(&s, "%s%sgrants:\n  g:\n    %s\n", people, authorities,
		    line);
		str_add(&s, "    to: [eng]\n    max: 1h\n    approve: none\n");
		if (strstr(line, "principals") == NULL)
			str_add(&s, "    principals: [p]\n");
		r = parse_texts(NULL, s.p, NULL, NULL, &p, &d);
		if (r != (bad ? ERR_PARSE : 0) ||
		    (bad &&
			strncmp(d.v[0].text,
			    second != NULL ? "ca.yaml:8:" : "ca.yaml:7:", 10) !=
			    0))
			fail_msg("%s: %d, %s", line, r,
			    d.n > 0 ? d.v[0].text : "-");
		str_clear(&s);
		policy_free(p);
		conf_diags_clear(&d);
	}
}

static void
a_grant_without_a_needed_key_is_refused(void **state)
{
	static const struct {
		const char *key, *want;
	} cases[] = {
	    {"to",
		"ca.yaml:6:3: grant 'g' has no 'to', expected a list of "
		"the groups or persons who may ask"},
	    {"principals",
		"ca.yaml:6:3: grant 'g' has no 'principals', "
		"expected a list of principals"},
	    {"max",
		"ca.yaml:6:3: grant 'g' has no 'max', expected a span "
		"such as 90s, 15m, 8h or 7d"},
	    {"approve",
		"ca.yaml:6:3: grant 'g' has no 'approve', expected "
		"none, or a list of terms such as [{leads: 1}]"},
	};
	static const char *const lines[] = {
	    "to: [eng]", "principals: [p]", "max: 1h", "approve: none"};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf_diags d = {0};
		struct policy *p = NULL;
		struct str s = STR_INIT;

		str_addf(&s, "%s%sgrants:\n  g:\n", people, authorities);
		for (size_t j = 0; j < COUNT(lines); j++)
			if (j != i)
				str_addf(&s, "    %s\n", lines[j]);
		expect(cases[i].key, parse_texts(NULL, s.p, NULL, NULL, &p, &d),
		    &d, cases[i].want);
		assert_null(p);
		str_clear(&s);
		conf_diags_clear(&d);
	}
}

#define AUTHORITIES \
	"authorities: {user: [user_ca], host: [host_ca], log: [ca_log]}\n"

/* root NULL: the one above. */
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
		int r = parse_texts(wholes[i].root, wholes[i].ca,
		    wholes[i].path, wholes[i].text, &p, &d);

		expect(wholes[i].name, r, &d, wholes[i].want);
		policy_free(p);
		conf_diags_clear(&d);
	}
}

/* The contract, with real keys: tests/data/policy/make made it. */
static void
add_data(struct policy_files *f, const char *path)
{
	char full[256], *text = NULL;
	struct err e = {0};
	size_t n;

	(void)snprintf(full, sizeof(full), "tests/data/policy/contract/%s",
	    path);
	if (file_read(full, POLICY_FILE_MAX, &text, &n, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(policy_files_add(f, path, text, n), 0);
	free(text);
}

static struct policy *
contract(void)
{
	static const char *const paths[] = {"root.yaml", "ca.yaml",
	    "authorities/user_ca.pub", "authorities/emergency_ca.pub",
	    "authorities/host_ca.pub", "authorities/ca_log.pub",
	    "authorities/emergency_log.pub"};
	struct policy_files f = {0};
	struct conf_diags d = {0};
	struct policy *p = NULL;
	int r;

	for (size_t i = 0; i < COUNT(paths); i++)
		add_data(&f, paths[i]);
	r = parse(&f, &p, &d);
	expect("contract", r, &d, NULL);
	policy_files_clear(&f);
	return p;
}

static void
the_contract_means_what_its_comments_say(void **state)
{
	struct policy *p = contract();
	const struct grant *g;

	(void)state;
	assert_int_equal(p->root_version, 1);
	assert_int_equal(p->root_expires, INT64_C(1856735999));
	assert_int_equal(p->grace, 14 * 86400);
	assert_int_equal(p->thresholds.root, 2);
	assert_int_equal(p->thresholds.policy, 1);
	assert_int_equal(p->thresholds.fleet, 1);
	assert_int_equal(p->n_people, 6);
	assert_int_equal(p->groups.n, 3);
	assert_string_equal(p->groups.v[0], "approvers");
	assert_int_equal(p->self_keys.n, 1);
	assert_int_equal(p->quota, 2000);
	assert_string_equal(p->user_cas.v[0], "user_ca");
	assert_string_equal(p->user_cas.v[1], "emergency_ca");
	assert_int_equal(p->logs.n, 2);
	assert_int_equal(p->masters.n, 0);
	assert_string_equal(p->grants[0].name, "deploy");

	g = policy_grant(p, "deploy");
	assert_int_equal(g->kind, CERT_USER);
	assert_int_equal(g->max, 8 * 3600);
	assert_int_equal(g->wait, 12 * 3600);
	assert_int_equal(g->ahead, 24 * 3600);
	assert_int_equal(g->reason_min, 10);
	assert_int_equal(g->reason_max, 512);
	assert_int_equal(g->extensions.n, 1);
	assert_string_equal(g->extensions.v[0], "permit-pty");
	assert_int_equal(g->n_approve, 1);
	assert_string_equal(g->approve[0].group, "approvers");
	assert_int_equal(g->approve[0].n, 1);
	assert_null(g->ticket);
	assert_null(g->force_command);
	assert_false(g->hours.set);
	assert_string_equal(g->pos.file, "ca.yaml");
	assert_int_equal(g->pos.line, 29);

	g = policy_grant(p, "read-only");
	assert_true(g->hours.set);
	assert_int_equal(g->hours.days, 0x3e);
	assert_int_equal(g->hours.from_min, 7 * 60);
	assert_int_equal(g->hours.to_min, 20 * 60);
	assert_string_equal(g->hours.zone, "Europe/Vilnius");
	assert_int_equal(g->source.n, 2);
	assert_int_equal(g->n_approve, 0);

	g = policy_grant(p, "root-change");
	assert_int_equal(g->ahead, 7 * 86400);
	assert_int_equal(regexec(g->ticket_re, "CHG-12", 0, NULL, 0), 0);
	assert_int_not_equal(regexec(g->ticket_re, "CHG-", 0, NULL, 0), 0);
	assert_true(policy_grant(p, "break-glass")->break_glass);

	g = policy_grant(p, "hosts");
	assert_int_equal(g->kind, CERT_HOST);
	assert_true(g->accepted_hosts);
	assert_int_equal(g->extensions.n, 0);
	assert_null(policy_grant(p, "host"));
	policy_free(p);
}

static void
everybody_is_found_by_id_and_by_key(void **state)
{
	struct policy *p = contract();
	const struct person *olga = policy_person(p, OLGA);
	const struct person *alice = policy_person(p, ALICE);

	(void)state;
	assert_true(olga->officer);
	assert_false(olga->operator);
	assert_true(olga->keys[0].of_root);
	assert_true(person_in_group(olga, "approvers"));
	assert_false(alice->officer);
	assert_false(alice->keys[0].of_root);
	assert_string_equal(alice->keys[0].comment, "laptop");
	assert_true(policy_person(p, PETRA)->operator);
	assert_null(policy_person(p, "alice"));
	for (size_t i = 0; i < p->n_people; i++)
		assert_ptr_equal(policy_person_of_key(p,
				     p->people[i].keys[0].key),
		    &p->people[i]);
	assert_null(policy_person_of_key(p, fixture_key(SEED_MALLORY)));
	for (size_t i = 0; i < p->n_authorities; i++) {
		const struct authority *a = &p->authorities[i];

		assert_ptr_equal(policy_authority(p, a->name), a);
		assert_ptr_equal(policy_authority_of_key(p, a->key), a);
	}
	assert_true(policy_authority(p, "ca_log")->log);
	assert_false(policy_authority(p, "ca_log")->user);
	assert_null(policy_authority(p, "ca"));
	assert_null(policy_authority_of_key(p, alice->keys[0].key));
	assert_true(grant_allows_person(policy_grant(p, "deploy"), alice));
	assert_false(grant_allows_person(policy_grant(p, "root-change"),
	    alice));
	assert_true(grant_allows_person(policy_grant(p, "hosts"), olga));
	assert_false(grant_allows_person(policy_grant(p, "hosts"),
	    policy_person(p, IVAN)));
	policy_free(p);
}

static const struct {
	enum cert_kind kind;
	const char *gives, *asked;
	bool want;
} principals[] = {
    {CERT_USER, "deploy", "deploy", true},
    {CERT_USER, "deploy", "deploys", false},
    {CERT_USER, "deploy", "Deploy", false},
    {CERT_USER, "deploy", "deploy@web1.example.com", true},
    {CERT_USER, "deploy", "deploy@", false},
    {CERT_USER, "deploy", "@web1", false},
    {CERT_USER, "deploy", "deploy@WEB1", false},
    {CERT_USER, "deploy", "deploy@web1,root", false},
    {CERT_USER, "deploy", "deplo@y", false},
    {CERT_USER, "deploy", "deploy@a@b", false},
    {CERT_USER, "deploy@a", "deploy@a@b", true},
    {CERT_USER, "deploy@web1", "deploy@web1", true},
    {CERT_USER, "deploy@web1", "deploy@web2", false},
    {CERT_USER, "deploy@web1", "deploy", false},
    {CERT_HOST, "*.example.com", "web1.example.com", true},
    {CERT_HOST, "*.example.com", "a.b.example.com", false},
    {CERT_HOST, "*.example.com", "example.com", false},
    {CERT_HOST, "*.example.com", ".example.com", false},
    {CERT_HOST, "*.example.com", "web1.example.com.", false},
    {CERT_HOST, "*.example.com", "web1.example.como", false},
    {CERT_HOST, "*.example.com", "web1-example.com", false},
    {CERT_HOST, "web*-db*.example.com", "web1-db-dbx.example.com", true},
    {CERT_HOST, "web*-db*.example.com", "web1.x-db.example.com", false},
    {CERT_HOST, "*.*.com", "a.b.com", true},
    {CERT_HOST, "*.*.com", "a.b.c.com", false},
    {CERT_HOST, "*", "web1", true},
    {CERT_HOST, "*", "web1.example.com", false},
    {CERT_HOST, "web1.example.com", "web1.example.com", true},
    {CERT_HOST, "web1.example.com", "web1.example.com@x", false},
};

static void
a_grant_covers_its_principals_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(principals); i++) {
		struct grant g = {.kind = principals[i].kind};

		assert_int_equal(strs_add(&g.principals, principals[i].gives),
		    0);
		if (grant_covers_principal(&g, principals[i].asked) !=
		    principals[i].want)
			fail_msg("%s %s", principals[i].gives,
			    principals[i].asked);
		strs_clear(&g.principals);
	}
}

static void
zones_come_from_the_bundle(void **state)
{
	static char vilnius[] = "Europe/Vilnius", utc[] = "UTC";
	static char rule[] = "EET-2EEST,M3.5.0/3,M10.5.0/4", bad[] = "EET";
	struct zone_rule zones[] = {{utc, bad}, {vilnius, rule}};
	struct policy *p = contract();
	const struct grant *g = policy_grant(p, "read-only");
	struct strs names = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(policy_zones(p, &names), 0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "Europe/Vilnius");
	strs_clear(&names);
	assert_int_equal(policy_set_zones(p, zones, 1, &e), ERR_PARSE);
	assert_string_equal(e.msg,
	    "bundle has no rule of time zone "
	    "Europe/Vilnius, which grant 'read-only' "
	    "names");
	assert_false(g->hours.has_rule);
	zones[1].rule = bad;
	assert_int_equal(policy_set_zones(p, zones, 2, &e), ERR_PARSE);
	assert_false(g->hours.has_rule);
	zones[1].rule = rule;
	assert_int_equal(policy_set_zones(p, zones, 2, &e), 0);
	assert_true(g->hours.has_rule);
	assert_int_equal(tz_offset(&g->hours.rule, FIXTURE_NOW), 7200);
	policy_free(p);
}

static void
a_root_is_read_alone(void **state)
{
	char *text = fixture_expand(root_yaml);
	struct slice bytes = slice_of(text, strlen(text));
	struct conf_diags d = {0};
	struct policy *p = NULL;
	struct hash h;

	(void)state;
	assert_int_equal(policy_parse_root(bytes, &p, &d), 0);
	assert_int_equal(p->n_people, 1);
	assert_true(p->people[0].officer);
	assert_ptr_equal(policy_person_of_key(p, fixture_key(1)),
	    &p->people[0]);
	assert_null(policy_grant(p, "g"));
	assert_null(policy_authority(p, "user_ca"));
	hash_sha256(text, strlen(text), &h);
	assert_true(hash_equal(&h, &p->root_hash));
	policy_free(p);
	p = NULL;
	bytes.n -= 10;
	assert_int_equal(policy_parse_root(bytes, &p, &d), ERR_PARSE);
	assert_null(p);
	conf_diags_clear(&d);
	free(text);
}

static void
keys_of_other_types_have_their_places(void **state)
{
	size_t n;
	char *ecdsa = data_read("ecdsa256.pub", &n);
	char *rsa = data_read("rsa2048.pub", &n);
	static const char ca[] =
	    "authorities: {user: [user_ca], host: [host_ca], "
	    "log: [ca_log, x]}\n";
	struct conf_diags d = {0};
	struct policy *p = NULL;
	struct str s = STR_INIT;

	(void)state;
	rsa[strcspn(rsa, "\n")] = '\0';
	expect("an ECDSA log",
	    parse_texts(NULL, ca, "authorities/x.pub", ecdsa, &p, &d), &d,
	    "ca.yaml:1:63: log 'x' has a key of type ecdsa-sha2-nistp256, "
	    "expected ssh-ed25519");
	conf_diags_clear(&d);
	str_addf(&s, "people:\n  bob:\n    keys: [%s]\n%s", rsa, authorities);
	assert_int_equal(parse_texts(NULL, s.p, NULL, NULL, &p, &d), ERR_PARSE);
	assert_memory_equal(d.v[0].text, "ca.yaml:3:12: ", 14);
	assert_non_null(strstr(d.v[0].text, "3072"));
	free(ecdsa);
	free(rsa);
	str_clear(&s);
	conf_diags_clear(&d);
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

	fixture_file(&f, "root.yaml", root_yaml);
	add_authorities(&f);
	assert_int_equal(policy_files_add(&f, arg, p, n), 0);
	r = parse(&f, &policy, &d);
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
a_term_more_than_the_limit_is_refused(void **state)
{
	(void)state;
	for (size_t n = POLICY_TERMS_MAX; n <= POLICY_TERMS_MAX + 1; n++) {
		struct conf_diags d = {0};
		struct policy *p = NULL;
		struct str s = STR_INIT;

		str_add(&s, "people:\n  bob: {keys: [<5>], groups: [a");
		for (size_t i = 1; i < n; i++)
			str_addf(&s, ", a%zu", i);
		str_addf(&s,
		    "]}\n%sgrants:\n  g: {to: [bob], principals: "
		    "[p], max: 1h, approve: [{a: 1}",
		    AUTHORITIES);
		for (size_t i = 1; i < n; i++)
			str_addf(&s, ", {a%zu: 1}", i);
		str_add(&s, "]}\n");
		expect("terms", parse_texts(NULL, s.p, NULL, NULL, &p, &d), &d,
		    n == POLICY_TERMS_MAX ? NULL
					  : "ca.yaml:5:53: 'approve' has 9 "
					    "entries, expected at most 8");
		policy_free(p);
		conf_diags_clear(&d);
		str_clear(&s);
	}
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
		expect("zones", parse_texts(NULL, s.p, NULL, NULL, &p, &d), &d,
		    n == POLICY_ZONES_MAX
			? NULL
			: "ca.yaml:132:43: one time zone too many, expected "
			  "at most 64 in a policy");
		policy_free(p);
		conf_diags_clear(&d);
		str_clear(&s);
	}
}

/* The set that a small company adopts: what it says before and after the keys
 * are put in. */
static void
add_set(struct policy_files *f, const char *path, bool with_keys)
{
	static unsigned seed = 50;
	char full[256], *text = NULL, *p, *mark;
	struct str s = STR_INIT;
	struct err e = {0};
	size_t n;

	(void)snprintf(full, sizeof(full), "policies/small-company/policy/%s",
	    path);
	if (file_read(full, POLICY_FILE_MAX, &text, &n, &e) != 0)
		fail_msg("%s", e.msg);
	for (p = text; with_keys && (mark = strstr(p, "- REPLACE")) != NULL;) {
		str_addn(&s, p, (size_t)(mark - p));
		str_addf(&s, "- <%u>", seed++);
		p = mark + strcspn(mark, "\n");
	}
	str_add(&s, p);
	fixture_file(f, path, s.p);
	str_clear(&s);
	free(text);
}

static void
the_set_for_a_small_company_wants_only_keys(void **state)
{
	static const char *const paths[] = {"root.yaml", "ca.yaml",
	    "people/alice@example.com.yaml", "people/bob@example.com.yaml",
	    "people/lena@example.com.yaml", "people/tom@example.com.yaml"};

	(void)state;
	for (int with_keys = 0; with_keys < 2; with_keys++) {
		struct policy_files f = {0};
		struct conf_diags d = {0};
		struct policy *p = NULL;

		for (size_t i = 0; i < COUNT(paths); i++)
			add_set(&f, paths[i], with_keys == 1);
		add_authorities(&f);
		fixture_file(&f, "authorities/emergency_ca.pub", "<104>\n");
		fixture_file(&f, "authorities/emergency_log.pub", "<105>\n");
		if (with_keys == 0) {
			assert_int_equal(parse(&f, &p, &d), ERR_PARSE);
			assert_int_equal(d.n_errors, 9);
			for (size_t i = 0; i < d.n; i++)
				assert_non_null(strstr(d.v[i].text,
				    "a placeholder stands for the key of"));
		} else {
			int r = parse(&f, &p, &d);

			expect("small-company", r, &d, NULL);
			assert_int_equal(policy_check(p, FIXTURE_NOW, NULL,
					     NULL, &d),
			    0);
			for (size_t i = 0; i < d.n; i++)
				assert_null(strstr(d.v[i].text,
				    "cannot be had"));
		}
		policy_free(p);
		conf_diags_clear(&d);
		policy_files_clear(&f);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_key_of_a_grant_has_its_limits),
	    cmocka_unit_test(what_no_certificate_may_have_no_grant_gives),
	    cmocka_unit_test(a_grant_without_a_needed_key_is_refused),
	    cmocka_unit_test(each_rule_between_files_holds),
	    cmocka_unit_test(the_contract_means_what_its_comments_say),
	    cmocka_unit_test(everybody_is_found_by_id_and_by_key),
	    cmocka_unit_test(a_grant_covers_its_principals_and_no_more),
	    cmocka_unit_test(zones_come_from_the_bundle),
	    cmocka_unit_test(a_root_is_read_alone),
	    cmocka_unit_test(keys_of_other_types_have_their_places),
	    cmocka_unit_test(failing_allocations_leave_nothing),
	    cmocka_unit_test(near_misses_are_read_or_refused_with_words),
	    cmocka_unit_test(files_have_limits_and_an_order),
	    cmocka_unit_test(a_term_more_than_the_limit_is_refused),
	    cmocka_unit_test(a_time_zone_more_than_a_bundle_holds_is_refused),
	    cmocka_unit_test(the_set_for_a_small_company_wants_only_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
