/* SPDX-License-Identifier: ISC */
/* master.yaml: each key, each default, each error where it stands. */
#include "agent/master/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

#define REALM  "SHA256:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"
#define NEEDED "name: master_1\nroot: \"" REALM "\"\nlog: dir:log\n"
#define CA_KEY                                                             \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERIT" \
	"FBUWFxgZGhscHR4f"

static char dir[TMPDIR_MAX], yaml[TMPDIR_MAX + 16];

static int
set_up(void **state)
{
	(void)state;
	tmpdir_make(dir, "master");
	snprintf(yaml, sizeof(yaml), "%s/master.yaml", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(yaml);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void
put(const char *text)
{
	struct err e = {0};

	if (file_write(yaml, text, strlen(text), 0644, FILE_NOSYNC, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
load(const char *text, struct master_config *c)
{
	struct err e = {0};

	put(text);
	master_config_init(c);
	if (master_config_load(dir, c, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
is_below(const char *path, const char *name)
{
	char want[TMPDIR_MAX + 64];

	snprintf(want, sizeof(want), "%s/%s", dir, name);
	assert_string_equal(path, want);
}

static void
what_is_not_said_follows(void **state)
{
	struct master_config c;
	char origin[ORIGIN_MAX];

	(void)state;
	load(NEEDED, &c);
	assert_string_equal(c.name, "master_1");
	assert_int_equal(c.realm.b[0], 1);
	assert_int_equal(c.realm.b[31], 32);
	assert_string_equal(c.home.log, "dir:log");
	assert_int_equal(c.home.retention, LOG_RETENTION);
	assert_string_equal(c.log_name, "master_1_log");
	assert_string_equal(c.log_key, "master_1_log");
	is_below(c.transport, "keys/master_1");
	is_below(c.log_key_file, "keys/master_1_log");
	is_below(c.runtime, "run");
	is_below(c.store, "store/master.db");
	is_below(c.signer, "signer");
	assert_int_equal(c.listen.n, 1);
	assert_string_equal(c.listen.v[0], "*:2023");
	assert_int_equal(c.tick, 300);
	assert_null(c.metrics);
	assert_null(c.ca.address);
	assert_null(c.ca.key);
	assert_null(c.users.front);
	assert_int_equal(c.limits.guests, 64);
	assert_int_equal(c.limits.sessions, 10000);
	assert_int_equal(master_origin(&c, origin), 0);
	assert_string_equal(origin,
	    "writ.invalid/0102030405060708/master_1_log");
	master_config_clear(&c);
}

static void
a_key_that_was_passed_is_the_transports(void **state)
{
	char key[TMPDIR_MAX + 16];
	struct master_config c;

	(void)state;
	snprintf(key, sizeof(key), "%s/transport", dir);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	load(NEEDED, &c);
	is_below(c.transport, "keys/master_1"); /* none was */
	master_config_clear(&c);
	assert_int_equal(file_write(key, "", 0, 0600, 0, NULL), 0);
	load(NEEDED, &c);
	assert_string_equal(c.transport, key);
	is_below(c.log_key_file, "keys/master_1_log");
	master_config_clear(&c);
	load(NEEDED "transport: /etc/key\n", &c);
	assert_string_equal(c.transport, "/etc/key");
	master_config_clear(&c);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_int_equal(unlink(key), 0);
}

static void
every_key_is_read(void **state)
{
	struct master_config c;

	(void)state;
	load(NEEDED
	    "copies: [\"s3://b/c\"]\nmax_lag: 1h\nretention: 2d\n"
	    "partial_retention: 1d\n"
	    "s3: {endpoint: \"https://s3\", region: r, credentials: env}\n"
	    "log_key: master_1_log.2\nlisten: [\"127.0.0.1:1\", \"[::1]:2\"]\n"
	    "transport: /run/t\nruntime: /run/m\nstore: rows/m.db\n"
	    "tick: 30s\nmetrics: \"127.0.0.1:9465\"\nlog_format: json\n"
	    "ca: {address: \"ca.example.com:22\", key: \"" CA_KEY " x\"}\n"
	    "users: {front: a, keeper: b, signer: c, courier: d}\n"
	    "limits: {sessions: 1, waiting: 2, per_source: 3, guests: 4,"
	    " login_grace: 5s, idle: 60s}\n",
	    &c);
	assert_string_equal(c.home.copies.v[0], "s3://b/c");
	assert_int_equal(c.home.max_lag, 3600);
	assert_int_equal(c.home.retention, 2 * 86400);
	assert_int_equal(c.home.partial, 86400);
	assert_string_equal(c.home.endpoint, "https://s3");
	assert_string_equal(c.log_name, "master_1_log");
	assert_string_equal(c.log_key, "master_1_log.2");
	is_below(c.log_key_file, "keys/master_1_log.2");
	assert_string_equal(c.listen.v[1], "[::1]:2");
	assert_string_equal(c.transport, "/run/t");
	assert_string_equal(c.runtime, "/run/m");
	is_below(c.store, "rows/m.db");
	assert_int_equal(c.tick, 30);
	assert_string_equal(c.metrics, "127.0.0.1:9465");
	assert_true(c.log_json);
	assert_string_equal(c.ca.host, "ca.example.com");
	assert_int_equal(c.ca.port, 22);
	assert_int_equal(pubkey_type(c.ca.key), PUBKEY_ED25519);
	assert_string_equal(c.users.front, "a");
	assert_string_equal(c.users.keeper, "b");
	assert_string_equal(c.users.signer, "c");
	assert_string_equal(c.users.courier, "d");
	assert_int_equal(c.limits.sessions, 1);
	assert_int_equal(c.limits.waiting, 2);
	assert_int_equal(c.limits.per_source, 3);
	assert_int_equal(c.limits.guests, 4);
	assert_int_equal(c.limits.login_grace, 5);
	assert_int_equal(c.limits.idle, 60);
	master_config_clear(&c);

	load(NEEDED "ca: {address: \"2001:db8::1\", key: \"" CA_KEY "\"}\n",
	    &c);
	assert_string_equal(c.ca.host, "2001:db8::1");
	assert_int_equal(c.ca.port, 2022);
	master_config_clear(&c);
}

static void
errors_say_where(void **state)
{
	static const struct {
		const char *text, *where, *words;
	} cases[] = {
	    {"", "1:1", "empty, expected name:, root: and log:"},
	    {"- a\n", "1:1", "master.yaml"},
	    {"name: m\nroot: \"" REALM "\"\n", "1:1", "'log'"},
	    {"name: m\nlog: dir:log\n", "1:1", "'root'"},
	    {"root: \"" REALM "\"\nlog: dir:log\n", "1:1", "'name'"},
	    {"name: M\n", "1:7", "such as master_1"},
	    {"name: -m\n", "1:7", "such as master_1"},
	    {"name: \"a@b\"\n", "1:7", "such as master_1"},
	    {"name: m\nroot: abc\n", "2:7", "SHA256:..."},
	    {"name: m\nroot: [a]\n", "2:7", "SHA256:..."},
	    {NEEDED "log: x\n", "4:1", "log"},
	    {"name: m\nroot: \"" REALM "\"\nlog: file:x\n", "3:6",
		"expected dir:PATH"},
	    {NEEDED "listen: []\n", "4:9", "[\"*:2023\"]"},
	    {NEEDED "listen: [\"2023\"]\n", "4:10", "no address with a port"},
	    {NEEDED "tick: 0s\n", "4:7", "a span such as 5m"},
	    {NEEDED "users: {front: a, notify: b}\n", "4:19", "notify"},
	    {NEEDED "users: {front: \"A b\"}\n", "4:16", "no name of a user"},
	    {NEEDED "limits: {guests: 0}\n", "4:18", "such as 64"},
	    {NEEDED "limits: {visitors: 1}\n", "4:10", "visitors"},
	    {NEEDED "ca: {address: ca}\n", "4:5", "'key'"},
	    {NEEDED "ca: {key: \"" CA_KEY "\"}\n", "4:5", "'address'"},
	    {NEEDED "ca: {address: \"a b\", key: \"" CA_KEY "\"}\n", "4:15",
		"a b"},
	    {NEEDED "ca: {address: \"me@ca\", key: \"" CA_KEY "\"}\n", "4:15",
		"with a user"},
	    {NEEDED "ca: {address: ca, key: \"ssh-ed25519 AAAA\"}\n", "4:24",
		"expected the CA's transport key"},
	    {NEEDED "notify: x\n", "4:1", "notify"},
	};
	struct master_config c;
	char at[TMPDIR_MAX + 64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = {0};

		put(cases[i].text);
		master_config_init(&c);
		if (master_config_load(dir, &c, &e) != ERR_PARSE)
			fail_msg("%s: %s", cases[i].text, e.msg);
		snprintf(at, sizeof(at), "%s:%s: ", yaml, cases[i].where);
		if (strncmp(e.msg, at, strlen(at)) != 0 ||
		    strstr(e.msg, cases[i].words) == NULL)
			fail_msg("%s'%s'", cases[i].text, e.msg);
		assert_null(c.name);
		master_config_clear(&c);
	}
}

static void
a_directory_without_it_is_no_masters(void **state)
{
	struct master_config c;
	struct err e = {0};

	(void)state;
	master_config_init(&c);
	assert_int_equal(master_config_load(dir, &c, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "master.yaml"));
	assert_non_null(strstr(e.hint, "writ-master init"));
	master_config_clear(&c);
}

static void
names_are_short_and_plain(void **state)
{
	char longest[MASTER_NAME_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[MASTER_NAME_MAX] = '\0';
	assert_true(master_name_is_valid(longest));
	longest[MASTER_NAME_MAX] = 'a';
	longest[MASTER_NAME_MAX + 1] = '\0';
	assert_false(master_name_is_valid(longest));
	assert_true(master_name_is_valid("1"));
	assert_false(master_name_is_valid(""));
	assert_false(master_name_is_valid("."));
	assert_false(master_name_is_valid("a/b"));
	assert_false(master_name_is_valid("a b"));
}

static int
load_once(void *arg)
{
	struct master_config c;
	int r;

	(void)arg;
	master_config_init(&c);
	r = master_config_load(dir, &c, NULL);
	assert_true(r == 0 || c.name == NULL);
	master_config_clear(&c);
	return r;
}

static void
memory_that_runs_out_is_said(void **state)
{
	(void)state;
	put(NEEDED "listen: [\"*:1\"]\ncopies: [\"dir:/x\"]\n"
		   "ca: {address: ca, key: \"" CA_KEY "\"}\n"
		   "users: {front: a}\n");
	assert_true(alloc_each(load_once, NULL) >= 20);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    T(what_is_not_said_follows),
	    T(a_key_that_was_passed_is_the_transports),
	    T(every_key_is_read),
	    T(errors_say_where),
	    T(a_directory_without_it_is_no_masters),
	    T(names_are_short_and_plain),
	    T(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
