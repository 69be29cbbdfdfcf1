/* SPDX-License-Identifier: ISC */
/* The policy language: what a policy that is read means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "tests/unit/fixture.h"
#include "tests/unit/policycase.h"
#include "tests/unit/sshdata.h"

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
	r = pc_parse(&f, &p, &d);
	pc_expect("contract", r, &d, NULL);
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
	char *text = fixture_expand(pc_root);
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
	pc_expect("an ECDSA log",
	    pc_parse_texts(NULL, ca, "authorities/x.pub", ecdsa, &p, &d), &d,
	    "ca.yaml:1:63: log 'x' has a key of type ecdsa-sha2-nistp256, "
	    "expected ssh-ed25519");
	conf_diags_clear(&d);
	str_addf(&s, "people:\n  bob:\n    keys: [%s]\n%s", rsa, AUTHORITIES);
	assert_int_equal(pc_parse_texts(NULL, s.p, NULL, NULL, &p, &d),
	    ERR_PARSE);
	assert_memory_equal(d.v[0].text, "ca.yaml:3:12: ", 14);
	assert_non_null(strstr(d.v[0].text, "3072"));
	free(ecdsa);
	free(rsa);
	str_clear(&s);
	conf_diags_clear(&d);
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
		pc_add_authorities(&f);
		fixture_file(&f, "authorities/emergency_ca.pub", "<104>\n");
		fixture_file(&f, "authorities/emergency_log.pub", "<105>\n");
		if (with_keys == 0) {
			assert_int_equal(pc_parse(&f, &p, &d), ERR_PARSE);
			assert_int_equal(d.n_errors, 9);
			for (size_t i = 0; i < d.n; i++)
				assert_non_null(strstr(d.v[i].text,
				    "a placeholder stands for the key of"));
		} else {
			int r = pc_parse(&f, &p, &d);

			pc_expect("small-company", r, &d, NULL);
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
	    cmocka_unit_test(the_contract_means_what_its_comments_say),
	    cmocka_unit_test(everybody_is_found_by_id_and_by_key),
	    cmocka_unit_test(a_grant_covers_its_principals_and_no_more),
	    cmocka_unit_test(zones_come_from_the_bundle),
	    cmocka_unit_test(a_root_is_read_alone),
	    cmocka_unit_test(keys_of_other_types_have_their_places),
	    cmocka_unit_test(the_set_for_a_small_company_wants_only_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
