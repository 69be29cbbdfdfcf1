/* SPDX-License-Identifier: ISC */
/* Does a policy work?  Each question with a policy on either side of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/sshdata.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Engineers a b c, leads b c, one chief d, a security key for s alone. */
static const char people[] =
    "people:\n"
    "  a: {keys: [<4>], groups: [eng]}\n"
    "  b: {keys: [<5>], groups: [eng, leads]}\n"
    "  c: {keys: [<6>], groups: [eng, leads]}\n"
    "  d: {keys: [<7>], groups: [chief]}\n"
    "authorities: {user: [user_ca], host: [host_ca], log: [ca_log]}\n"
    "grants:\n";
#define GRANT_LINE "ca.yaml:8:3: "

static const char root_yaml[] =
    "version: 1\n"
    "expires: 2028-11-01\n"
    "officers: {olga: {keys: [<1>]}, ivan: {keys: [<2>]}}\n"
    "operators: {petra: {keys: [<3>]}, peter: {keys: [<8>]}}\n"
    "thresholds: {root: 1, policy: 1, fleet: 1}\n";

static struct policy *
parse(const char *root, const char *ca)
{
	struct policy_files f = {0};
	struct conf_diags d = {0};
	struct policy *p = NULL;

	fixture_file(&f, "root.yaml", root != NULL ? root : root_yaml);
	fixture_file(&f, "ca.yaml", ca);
	fixture_file(&f, "authorities/user_ca.pub", "<101>\n");
	fixture_file(&f, "authorities/host_ca.pub", "<102>\n");
	fixture_file(&f, "authorities/ca_log.pub", "<103>\n");
	policy_files_sort(&f);
	if (policy_parse(&f, &p, &d) != 0)
		fail_msg("%s", d.n > 0 ? d.v[0].text : "no words");
	policy_files_clear(&f);
	conf_diags_clear(&d);
	return p;
}

/* The diag that starts so, or NULL. */
static const struct conf_diag *
find(const struct conf_diags *d, bool warning, const char *start)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].warning == warning &&
		    strncmp(d->v[i].text, start, strlen(start)) == 0)
			return &d->v[i];
	return NULL;
}

/* What the check says about the one grant, errors first; "" for nothing. */
static const char *
said(const struct conf_diags *d)
{
	for (int warning = 0; warning < 2; warning++) {
		const struct conf_diag *found =
		    find(d, warning, GRANT_LINE "grant");

		if (found != NULL)
			return found->text + sizeof(GRANT_LINE) - 1;
	}
	return "";
}

#define GRANT(to, rest) \
	"  g: {to: [" to "], principals: [p], max: 1h, " rest "}\n"

static const struct {
	const char *name, *grant, *want;
} cases[] = {
    {"none", GRANT("eng", "approve: none"), ""},
    {"another engineer is there for each", GRANT("eng", "approve: [{eng: 1}]"),
	""},
    {"two others, who are all there are", GRANT("eng", "approve: [{eng: 2}]"),
	"grant 'g' cannot be had while one of these is away: a, b, c"},
    {"three others of three", GRANT("eng", "approve: [{eng: 3}]"),
	"grant 'g' could never be obtained: it needs 3 of eng (which has 3), "
	"expected that many persons, all different and none of them the "
	"requester"},
    {"one chief", GRANT("eng", "approve: [{chief: 1}]"),
	"grant 'g' cannot be had while one of these is away: d"},
    {"the chief asks himself", GRANT("d", "approve: [{chief: 1}]"),
	"grant 'g' could never be obtained: it needs 1 of chief (which has "
	"1), expected that many persons, all different and none of them the "
	"requester"},
    {"the chief asks himself and others may too",
	GRANT("chief, a", "approve: [{chief: 1}]"),
	"grant 'g' has too few approvers for some who may ask: d"},
    {"a lead asks", GRANT("leads", "approve: [{leads: 1}]"),
	"grant 'g' cannot be had while one of these is away: b, c"},
    {"a lead asks for two", GRANT("leads", "approve: [{leads: 2}]"),
	"grant 'g' could never be obtained: it needs 2 of leads (which has "
	"2), expected that many persons, all different and none of them the "
	"requester"},
    /* b and c stand for both groups, but each for one term alone. */
    {"terms that only a matching meets",
	GRANT("d", "approve: [{eng: 2}, {leads: 1}]"),
	"grant 'g' cannot be had while one of these is away: a, b, c"},
    {"terms that no matching meets",
	GRANT("d", "approve: [{eng: 2}, {leads: 2}]"),
	"grant 'g' could never be obtained: it needs 2 of eng (which has 3), "
	"2 of leads (which has 2), expected that many persons, all different "
	"and none of them the requester"},
    {"the asker is needed in one term of two",
	GRANT("leads", "approve: [{eng: 1}, {leads: 1}]"),
	"grant 'g' cannot be had while one of these is away: a, b, c"},
    {"nobody has a security key",
	GRANT("eng",
	    "touch: required, "
	    "approve: none"),
	"grant 'g' could never be obtained: nobody in 'to' has a security "
	"key, expected one where touch or pin is required"},
    {"no PIN either", GRANT("eng", "pin: required, approve: none"),
	"grant 'g' could never be obtained: nobody in 'to' has a security "
	"key, expected one where touch or pin is required"},
};

static void
a_grant_that_nobody_gets_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf_diags d = {0};
		struct str ca = STR_INIT;
		struct policy *p;
		bool bad = strstr(cases[i].want, "could never") != NULL;
		int r;

		str_addf(&ca, "%s%s", people, cases[i].grant);
		p = parse(NULL, ca.p);
		r = policy_check(p, FIXTURE_NOW, NULL, NULL, &d);
		if (r != (bad ? ERR_DENIED : 0) ||
		    strcmp(said(&d), cases[i].want) != 0)
			fail_msg("%s: %d, %s", cases[i].name, r, said(&d));
		policy_free(p);
		conf_diags_clear(&d);
		str_clear(&ca);
	}
}

static void
security_keys_count_where_touch_is_required(void **state)
{
	static const char *const wants[] = {
	    "grant 'g' could never be obtained: it needs 1 of eng (which has "
	    "1), expected that many persons, all different and none of them "
	    "the requester, who have security keys",
	    "grant 'g' cannot be had while one of these is away: s, t"};
	struct token *tokens[2] = {
	    token_new(PUBKEY_SK_ED25519), token_new(PUBKEY_SK_ECDSA256)};

	(void)state;
	for (size_t n = 1; n <= 2; n++) {
		struct conf_diags d = {0};
		struct str ca = STR_INIT;
		struct policy *p;

		str_add(&ca, "people:\n  s: {groups: [eng], keys: [");
		pubkey_add_line(&ca, token_pubkey(tokens[0]), NULL);
		str_add(&ca, "]}\n  t: {groups: [eng], keys: [<5>");
		if (n == 2) {
			str_add(&ca, ", ");
			pubkey_add_line(&ca, token_pubkey(tokens[1]), NULL);
		}
		str_add(&ca,
		    "]}\n#\n#\n" /* the grant is on line 8 */
		    "authorities: {user: [user_ca], "
		    "host: [host_ca], log: [ca_log]}\n"
		    "grants:\n" GRANT("eng",
			"touch: required, approve: [{eng: 1}]"));
		p = parse(NULL, ca.p);
		assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d),
		    n == 1 ? ERR_DENIED : 0);
		assert_string_equal(said(&d), wants[n - 1]);
		policy_free(p);
		conf_diags_clear(&d);
		str_clear(&ca);
	}
	token_free(tokens[0]);
	token_free(tokens[1]);
}

static void
hosts_that_an_operator_accepts_need_no_approver(void **state)
{
	struct conf_diags d = {0};
	struct str ca = STR_INIT;
	struct policy *p;

	(void)state;
	str_addf(&ca, "%s%s", people,
	    GRANT("d",
		"kind: host, accepted_hosts: yes, "
		"approve: [{chief: 1}]"));
	p = parse(NULL, ca.p);
	assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d), 0);
	assert_string_equal(said(&d), "");
	policy_free(p);
	p = parse("version: 1\nexpires: 2028-11-01\n"
		  "officers: {olga: {keys: [<1>]}}\n"
		  "thresholds: {root: 1, policy: 1}\n",
	    ca.p);
	conf_diags_clear(&d);
	assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d),
	    ERR_DENIED);
	policy_free(p);
	conf_diags_clear(&d);
	str_clear(&ca);
}

static void
a_root_expires_the_second_after(void **state)
{
	struct policy *p = parse(NULL,
	    "authorities: {user: [user_ca], host: [host_ca], "
	    "log: [ca_log]}\n");
	struct conf_diags d = {0};

	(void)state;
	assert_int_equal(policy_check(p, p->root_expires, NULL, NULL, &d), 0);
	assert_int_equal(policy_check(p, p->root_expires + 1, NULL, NULL, &d),
	    ERR_DENIED);
	assert_non_null(find(&d, false,
	    "root.yaml:2:10: expired at 2028-11-01T23:59:59Z, expected a "
	    "time ahead"));
	policy_free(p);
	conf_diags_clear(&d);
}

static bool
knows(void *ctx, const char *zone)
{
	return strcmp(zone, ctx) == 0;
}

static void
a_zone_must_be_known_where_that_is_asked(void **state)
{
	static char vilnius[] = "Europe/Vilnius", utc[] = "UTC";
	struct policy *p = fixture_policy(NULL, NULL);
	struct conf_diags d = {0};

	(void)state;
	assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d), 0);
	assert_int_equal(policy_check(p, FIXTURE_NOW, knows, vilnius, &d), 0);
	assert_int_equal(policy_check(p, FIXTURE_NOW, knows, utc, &d),
	    ERR_DENIED);
	assert_int_equal(d.n_errors, 1);
	assert_non_null(strstr(find(&d, false, "ca.yaml:")->text,
	    ": unknown time zone 'Europe/Vilnius', expected a name such as "
	    "Europe/Vilnius"));
	policy_free(p);
	conf_diags_clear(&d);
}

static const struct {
	const char *name, *root, *want;
	bool there;
} roots[] = {
    {"two of two officers",
	"version: 1\nexpires: 2028-11-01\n"
	"officers: {o: {keys: [<1>]}, i: {keys: [<2>]}}\n"
	"thresholds: {root: 2, policy: 1}\n",
	"root.yaml:4:13: threshold 'root' needs each of the officers (2): it "
	"cannot be met while one is away",
	true},
    {"one of two officers",
	"version: 1\nexpires: 2028-11-01\n"
	"officers: {o: {keys: [<1>]}, i: {keys: [<2>]}}\n"
	"thresholds: {root: 2, policy: 1}\n",
	"root.yaml:4:13: threshold 'policy'", false},
    {"one officer",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"thresholds: {root: 1, policy: 1}\n",
	"root.yaml:4:13: one officer alone: ", true},
    {"two officers are not one",
	"version: 1\nexpires: 2028-11-01\n"
	"officers: {o: {keys: [<1>]}, i: {keys: [<2>]}}\n"
	"thresholds: {root: 2, policy: 1}\n",
	"root.yaml:4:13: one officer alone", false},
    {"one operator",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"operators: {p: {keys: [<3>]}}\n"
	"thresholds: {root: 1, policy: 1, fleet: 1}\n",
	"root.yaml:5:13: threshold 'fleet' needs each of the operators (1)",
	true},
    {"an officer's key on a disk",
	"version: 1\nexpires: 2028-11-01\nofficers:\n  o:\n    keys:\n"
	"      - <1>\nthresholds: {root: 1, policy: 1}\n",
	"root.yaml:6:9: key of officer 'o' cannot prove a touch; one of a "
	"security key (sk-*) can",
	true},
    {"an operator's key on a disk",
	"version: 1\nexpires: 2028-11-01\nofficers: {o: {keys: [<1>]}}\n"
	"operators:\n  p:\n    keys:\n      - <3>\n"
	"thresholds: {root: 1, policy: 1, fleet: 1}\n",
	"root.yaml:7:9: key of", false},
};

static void
who_signs_policy_is_looked_at(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(roots); i++) {
		struct conf_diags d = {0};
		struct policy *p = parse(roots[i].root,
		    "authorities: {user: [user_ca], host: [host_ca], "
		    "log: [ca_log]}\n");

		assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d),
		    0);
		if ((find(&d, true, roots[i].want) != NULL) != roots[i].there)
			fail_msg("%s", roots[i].name);
		policy_free(p);
		conf_diags_clear(&d);
	}
}

static void
the_weakest_way_to_each_principal_is_told(void **state)
{
	struct conf_diags d = {0};
	struct str ca = STR_INIT;
	struct policy *p;

	(void)state;
	str_addf(&ca, "%s%s", people,
	    "  strong: {to: [a], principals: [x, y], max: 1h, "
	    "approve: [{leads: 2}]}\n"
	    "  weak: {to: [a], principals: [x], max: 1h, "
	    "approve: [{leads: 1}]}\n"
	    "  longer: {to: [a], principals: [x], max: 2h, "
	    "approve: [{leads: 1}]}\n"
	    "  open: {to: [a], principals: [z], max: 90s, approve: none}\n"
	    "  hosts: {kind: host, to: [a], principals: [z], max: 90d, "
	    "approve: [{leads: 1}]}\n");
	p = parse(NULL, ca.p);
	assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d), 0);
	assert_non_null(find(&d, true,
	    "ca.yaml:10:3: weakest way to principal 'x' is grant 'longer': 1 "
	    "approval, at most 2h"));
	assert_non_null(find(&d, true,
	    "ca.yaml:8:3: weakest way to principal 'y' is grant 'strong': 2 "
	    "approvals, at most 1h"));
	assert_non_null(find(&d, true,
	    "ca.yaml:11:3: weakest way to principal 'z' is grant 'open': no "
	    "approval, at most 90s"));
	assert_non_null(find(&d, true,
	    "ca.yaml:12:3: weakest way to host names 'z' is grant 'hosts': 1 "
	    "approval, at most 90d"));
	assert_null(find(&d, true, "ca.yaml:9:3: weakest"));
	policy_free(p);
	conf_diags_clear(&d);
	str_clear(&ca);
}

/* deploy gives deploy@web1, and a pattern each name that it covers. */
static void
a_wider_principal_is_a_way_to_a_narrower_one(void **state)
{
	struct conf_diags d = {0};
	struct str ca = STR_INIT;
	struct policy *p;

	(void)state;
	str_addf(&ca, "%s%s", people,
	    "  one: {to: [a], principals: [x@web1, y@web1], max: 1h, "
	    "approve: [{leads: 1}]}\n"
	    "  all: {to: [a], principals: [x], max: 8h, approve: none}\n"
	    "  two: {to: [a], principals: [y], max: 1h, "
	    "approve: [{leads: 2}]}\n"
	    "  db: {kind: host, to: [a], principals: [db.x], max: 1d, "
	    "approve: [{leads: 1}]}\n"
	    "  any: {kind: host, to: [a], principals: [\"*.x\"], max: 1d, "
	    "approve: none}\n");
	p = parse(NULL, ca.p);
	assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d), 0);
	assert_non_null(find(&d, true,
	    "ca.yaml:9:3: weakest way to principal 'x@web1' is grant 'all': no "
	    "approval, at most 8h"));
	assert_non_null(find(&d, true,
	    "ca.yaml:8:3: weakest way to principal 'y@web1' is grant 'one': 1 "
	    "approval, at most 1h"));
	assert_non_null(find(&d, true,
	    "ca.yaml:12:3: weakest way to host names 'db.x' is grant 'any': no "
	    "approval, at most 1d"));
	policy_free(p);
	conf_diags_clear(&d);
	str_clear(&ca);
}

static void
one_key_for_users_and_hosts_is_warned_of(void **state)
{
	struct conf_diags d = {0};
	struct policy *p = parse(NULL,
	    "authorities: {user: [user_ca, host_ca], host: [host_ca], "
	    "log: [ca_log]}\n");

	(void)state;
	assert_int_equal(policy_check(p, FIXTURE_NOW, NULL, NULL, &d), 0);
	assert_non_null(find(&d, true,
	    "ca.yaml:1:31: authority 'host_ca' signs for users and hosts"));
	policy_free(p);
	conf_diags_clear(&d);
}

/* Hall's condition agrees with trying, for every small set of groups. */
static bool
try_terms(const unsigned *masks, size_t n, const unsigned *need, size_t n_terms,
    size_t term, unsigned filled, unsigned used)
{
	while (term < n_terms && filled == need[term]) {
		term++;
		filled = 0;
	}
	if (term == n_terms)
		return true;
	for (size_t i = 0; i < n; i++)
		if ((masks[i] & 1U << term) != 0 && (used & 1U << i) == 0 &&
		    try_terms(masks, n, need, n_terms, term, filled + 1,
			used | 1U << i))
			return true;
	return false;
}

static void
counting_agrees_with_trying(void **state)
{
	static const char *const sets[] = {"", "x", "y", "x, y"};

	(void)state;
	/* Four persons in every set of two groups, every need of 1 to 3; e
	   asks, who is in none. */
	for (unsigned code = 0; code < 256 * 9; code++) {
		unsigned need[2] = {code / 256 % 3 + 1, code / 256 / 3 + 1};
		unsigned masks[4], all = 0;
		struct conf_diags d = {0};
		struct str ca = STR_INIT;
		struct policy *p;
		bool want;

		str_add(&ca, "people:\n  e: {keys: [<60>]}\n");
		for (size_t i = 0; i < 4; i++) {
			masks[i] = code >> 2 * i & 3;
			all |= masks[i];
			if (masks[i] == 0)
				continue;
			str_addf(&ca,
			    "  p%zu: {keys: [<%zu>], groups: "
			    "[%s]}\n",
			    i, 50 + i, sets[masks[i]]);
		}
		str_addf(&ca,
		    "authorities: {user: [user_ca], host: [host_ca], "
		    "log: [ca_log]}\ngrants:\n  g: {to: [e], principals: [p],"
		    " max: 1h, approve: [{x: %u}, {y: %u}]}\n",
		    need[0], need[1]);
		if (all == 3) { /* else a group has no members */
			p = parse(NULL, ca.p);
			want = try_terms(masks, 4, need, 2, 0, 0, 0);
			assert_int_equal(policy_check(p, FIXTURE_NOW, NULL,
					     NULL, &d),
			    want ? 0 : ERR_DENIED);
			policy_free(p);
		}
		conf_diags_clear(&d);
		str_clear(&ca);
	}
}

static int
check_all(void *arg)
{
	struct conf_diags d = {0};
	int r = policy_check(arg, FIXTURE_NOW, NULL, NULL, &d);

	conf_diags_clear(&d);
	return r;
}

static void
failing_allocations_are_told(void **state)
{
	struct policy *p = fixture_policy(NULL, NULL);

	(void)state;
	assert_true(alloc_each(check_all, p) > 10);
	policy_free(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_grant_that_nobody_gets_is_an_error),
	    cmocka_unit_test(security_keys_count_where_touch_is_required),
	    cmocka_unit_test(hosts_that_an_operator_accepts_need_no_approver),
	    cmocka_unit_test(a_root_expires_the_second_after),
	    cmocka_unit_test(a_zone_must_be_known_where_that_is_asked),
	    cmocka_unit_test(who_signs_policy_is_looked_at),
	    cmocka_unit_test(the_weakest_way_to_each_principal_is_told),
	    cmocka_unit_test(a_wider_principal_is_a_way_to_a_narrower_one),
	    cmocka_unit_test(one_key_for_users_and_hosts_is_warned_of),
	    cmocka_unit_test(counting_agrees_with_trying),
	    cmocka_unit_test(failing_allocations_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
