/* SPDX-License-Identifier: ISC */
/* Which keys a log has: by the names in the policy's list, in their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/fixture.h"

static const char root_yaml[] = "version: 1\n"
				"expires: 2028-11-01\n"
				"officers: {olga: {keys: [<1>]}}\n"
				"thresholds: {root: 1, policy: 1}\n";

/* A log and its further keys, in their order, with the log's own or without. */
static void
a_log_has_further_keys(void **state)
{
	static const struct {
		const char *list, *log, *keys;
	} rows[] = {
	    {"ca_log, user", "ca_log", "ca_log"},
	    {"ca_log, user", "user", "user"},
	    {"ca_log, user", "other", ""},
	    {"ca_log.10, ca_log.9, ca_log", "ca_log",
		"ca_log ca_log.9 ca_log.10"},
	    {"ca_log.2, ca_log.3", "ca_log", "ca_log.2 ca_log.3"},
	    {"ca_log.2, ca_log", "ca_log.2", ""},
	    /* No numbers of ours: logs of their own. */
	    {"ca_log.1, ca_log.02, ca_log.x", "ca_log", ""},
	    {"ca_log.1, ca_log.02, ca_log.x", "ca_log.1", "ca_log.1"},
	    {"ca_log.1, ca_log.02, ca_log.x", "ca_log.02", "ca_log.02"},
	    {"ca_log.2.3, ca_log.2", "ca_log.2", "ca_log.2.3"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct authority *keys[POLICY_LOG_KEYS_MAX];
		struct authority all[4] = {0};
		struct policy p = {.authorities = all};
		char list[64], log[POLICY_NAME_MAX + 1];
		struct str got = STR_INIT;
		size_t n;

		snprintf(list, sizeof(list), "%s", rows[i].list);
		for (char *s = list, *w; (w = strsep(&s, ", ")) != NULL;)
			if (*w != '\0')
				all[p.n_authorities++] =
				    (struct authority){.name = w, .log = true};
		n = policy_log_keys(&p, rows[i].log, keys);
		assert_int_equal(policy_log_keys(&p, rows[i].log, NULL), n);
		for (size_t k = 0; k < n; k++) {
			policy_log_of_key(keys[k]->name, log);
			assert_string_equal(log, rows[i].log);
			str_add(&got, k > 0 ? " " : "");
			str_add(&got, keys[k]->name);
		}
		assert_string_equal(got.p, rows[i].keys);
		str_clear(&got);
	}
}

static void
a_log_has_sixteen_keys_at_most(void **state)
{
	(void)state;
	for (int most = POLICY_LOG_KEYS_MAX; most <= POLICY_LOG_KEYS_MAX + 1;
	     most++) {
		struct policy_files f = {0};
		struct str ca = STR_INIT;
		struct policy *p = NULL;
		struct conf_diags d = {0};
		char path[64], text[32];

		fixture_file(&f, "root.yaml", root_yaml);
		str_addf(&ca, "authorities: {log: [l");
		fixture_file(&f, "authorities/l.pub", "<201>\n");
		for (int i = 2; i <= most; i++) {
			str_addf(&ca, ", l.%d", i);
			snprintf(path, sizeof(path), "authorities/l.%d.pub", i);
			snprintf(text, sizeof(text), "<%d>\n", 200 + i);
			fixture_file(&f, path, text);
		}
		str_add(&ca, "]}\n");
		fixture_file(&f, "ca.yaml", ca.p);
		policy_files_sort(&f);
		if (most == POLICY_LOG_KEYS_MAX) {
			assert_int_equal(policy_parse(&f, &p, &d), 0);
			assert_int_equal(policy_log_keys(p, "l", NULL), most);
		} else {
			assert_int_equal(policy_parse(&f, &p, &d), ERR_PARSE);
			assert_non_null(strstr(d.v[0].text,
			    "has more than 16 keys"));
		}
		policy_free(p);
		conf_diags_clear(&d);
		policy_files_clear(&f);
		str_clear(&ca);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_log_has_further_keys),
	    cmocka_unit_test(a_log_has_sixteen_keys_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
