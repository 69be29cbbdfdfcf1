/* SPDX-License-Identifier: ISC */
/*
 * The policy language: what a grant says, each key with one that passes and one
 * that fails by the least step, and the exact words with line and column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/policycase.h"

/* Three lines. */
static const char people[] = "people:\n"
			     "  alice: {keys: [<4>], groups: [eng]}\n"
			     "  olga: {groups: [chiefs]}\n";

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

	str_addf(&s, "%s%sgrants:\n  g:\n", people, AUTHORITIES);
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
    {"hours: {from: 07:00, to: 20:00, zone: Europe//Vilnius}",
	"ca.yaml:7:43: 'zone' is 'Europe//Vilnius', expected a time zone such "
	"as Europe/Vilnius"},
    {"hours: {from: 07:00, to: 20:00, zone: UTC/}",
	"ca.yaml:7:43: 'zone' is 'UTC/', expected a time zone such as "
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
		int r = pc_parse_texts(NULL, ca, NULL, NULL, &p, &d);

		pc_expect(grants[i].line, r, &d, grants[i].want);
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

		str_addf(&s, "%s%sgrants:\n  g:\n    %s\n", people, AUTHORITIES,
		    line);
		str_add(&s, "    to: [eng]\n    max: 1h\n    approve: none\n");
		if (strstr(line, "principals") == NULL)
			str_add(&s, "    principals: [p]\n");
		r = pc_parse_texts(NULL, s.p, NULL, NULL, &p, &d);
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

		str_addf(&s, "%s%sgrants:\n  g:\n", people, AUTHORITIES);
		for (size_t j = 0; j < COUNT(lines); j++)
			if (j != i)
				str_addf(&s, "    %s\n", lines[j]);
		pc_expect(cases[i].key,
		    pc_parse_texts(NULL, s.p, NULL, NULL, &p, &d), &d,
		    cases[i].want);
		assert_null(p);
		str_clear(&s);
		conf_diags_clear(&d);
	}
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
		pc_expect("terms",
		    pc_parse_texts(NULL, s.p, NULL, NULL, &p, &d), &d,
		    n == POLICY_TERMS_MAX ? NULL
					  : "ca.yaml:5:53: 'approve' has 9 "
					    "entries, expected at most 8");
		policy_free(p);
		conf_diags_clear(&d);
		str_clear(&s);
	}
}

/* A network of n bytes a time, as long as IPv6 ones are written. */
static void
what_one_option_cannot_hold_no_source_lists(void **state)
{
	(void)state;
	for (size_t over = 0; over < 2; over++) {
		struct conf_diags d = {0};
		struct policy *p = NULL;
		struct str s = STR_INIT;
		size_t n = 0;

		str_addf(&s,
		    "%s%sgrants:\n  g:\n    to: [eng]\n    principals: [p]\n"
		    "    max: 1h\n    approve: none\n    source: [",
		    people, AUTHORITIES);
		/* 43 bytes and a comma each, 186 of them. */
		for (size_t i = 0; i < 186; i++, n += 44)
			str_addf(&s,
			    "\"2001:0db8:0000:0000:0000:0000:0001:%04zx/"
			    "128\", ",
			    i);
		assert_int_equal(n, 8184);
		str_addf(&s, "%s]\n", over ? "10.0.0.16" : "10.0.0.1");
		assert_int_equal(8184 + strlen("10.0.0.1"), CERT_OPTION_MAX);
		pc_expect("source",
		    pc_parse_texts(NULL, s.p, NULL, NULL, &p, &d), &d,
		    over ? "ca.yaml:11:13: 'source' is 8193 bytes in one "
			   "option of a certificate, expected at most 8192"
			 : NULL);
		policy_free(p);
		conf_diags_clear(&d);
		str_clear(&s);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_key_of_a_grant_has_its_limits),
	    cmocka_unit_test(what_no_certificate_may_have_no_grant_gives),
	    cmocka_unit_test(a_grant_without_a_needed_key_is_refused),
	    cmocka_unit_test(a_term_more_than_the_limit_is_refused),
	    cmocka_unit_test(what_one_option_cannot_hold_no_source_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
