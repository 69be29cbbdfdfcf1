/* SPDX-License-Identifier: ISC */
/* writ.yaml: each key, each error where it stands, and the keys it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/common/config.h"
#include "lib/base/file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

static char dir[TMPDIR_MAX], yaml[TMPDIR_MAX + 16];

static int
set_up(void **state)
{
	(void)state;
	tmpdir_make(dir, "config");
	snprintf(yaml, sizeof(yaml), "%s/writ.yaml", dir);
	return 0;
}

static void
remove_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

static int
tear_down(void **state)
{
	char keys[TMPDIR_MAX + 16];

	(void)state;
	remove_file("writ.yaml");
	remove_file("keys/user_ca");
	remove_file("elsewhere");
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	(void)rmdir(keys);
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static void
put(const char *text)
{
	struct err e = {0};

	if (file_write(yaml, text, strlen(text), 0644, 0, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
load(const char *text, struct config *c)
{
	struct err e = {0};

	put(text);
	config_init(c);
	if (config_load(dir, c, &e) != 0)
		fail_msg("%s", e.msg);
}

/* The text is refused at line:column, with these words. */
static void
refused(const char *text, const char *where, const char *words)
{
	struct config c;
	struct err e = {0};
	char at[128];

	put(text);
	config_init(&c);
	assert_int_equal(config_load(dir, &c, &e), ERR_PARSE);
	snprintf(at, sizeof(at), "%s:%s: ", yaml, where);
	if (strncmp(e.msg, at, strlen(at)) != 0 || strstr(e.msg, words) == NULL)
		fail_msg("'%s', expected '%s' and '%s'", e.msg, at, words);
	assert_null(c.home.log);
	config_clear(&c);
}

/* --- reading -------------------------------------------------------------- */

static void
every_key_is_read(void **state)
{
	struct config c;
	struct blob_config b;

	(void)state;
	load("log: \"s3://bucket/a/b\"\n"
	     "log_name: ca_log\n"
	     "user_ca: user_ca\n"
	     "host_ca: host_ca\n"
	     "retention: 30d\n"
	     "partial_retention: 2d\n"
	     "copies: [\"s3://copy\", \"dir:/mnt/copy\"]\n"
	     "max_lag: 1h\n"
	     "s3:\n"
	     "  endpoint: https://s3.example.com\n"
	     "  region: eu-north-1\n"
	     "  credentials: file:/etc/creds#writ\n"
	     "  addressing: host\n"
	     "keys: {user_ca: agent, host_ca: \"agent:/run/a\","
	     " ca_log: /etc/ca_log}\n",
	    &c);
	assert_string_equal(c.home.log, "s3://bucket/a/b");
	assert_string_equal(c.log_name, "ca_log");
	assert_string_equal(c.user_ca, "user_ca");
	assert_string_equal(c.host_ca, "host_ca");
	assert_int_equal(c.home.retention, 30 * 86400);
	assert_int_equal(c.home.partial, 2 * 86400);
	assert_int_equal(c.home.copies.n, 2);
	assert_string_equal(c.home.copies.v[1], "dir:/mnt/copy");
	assert_int_equal(c.home.max_lag, 3600);
	assert_int_equal(c.n_keys, 3);
	assert_string_equal(c.keys[1].name, "host_ca");
	assert_string_equal(c.keys[1].from, "agent:/run/a");
	config_blob(&c, &b);
	assert_string_equal(b.endpoint, "https://s3.example.com");
	assert_string_equal(b.region, "eu-north-1");
	assert_string_equal(b.credentials, "file:/etc/creds#writ");
	assert_true(b.virtual_host);
	assert_int_equal(b.retention_secs, 30 * 86400);
	assert_int_equal(b.partial_secs, 2 * 86400);
	config_clear(&c);
}

static void
what_is_not_said_has_a_default(void **state)
{
	struct config c;

	(void)state;
	load("log: dir:log\nlog_name: ca_log\n", &c);
	assert_int_equal(c.home.retention, 400 * INT64_C(86400));
	assert_int_equal(c.home.partial, 7 * INT64_C(86400));
	assert_int_equal(c.home.max_lag, 0);
	assert_int_equal(c.home.copies.n, 0);
	assert_null(c.user_ca);
	assert_null(c.host_ca);
	assert_null(c.home.endpoint);
	assert_null(c.home.region);
	assert_null(c.home.credentials);
	assert_false(c.home.virtual_host);
	config_clear(&c);
}

static void
a_service_has_defaults(void **state)
{
	static const int64_t reminders[] = {300, 900, 3600};
	char want[TMPDIR_MAX + 16];
	struct config c;

	(void)state;
	load("log: dir:log\nlog_name: ca_log\n", &c);
	assert_int_equal(c.service.listen.n, 1);
	assert_string_equal(c.service.listen.v[0], "*:2022");
	snprintf(want, sizeof(want), "%s/keys/transport", dir);
	assert_string_equal(c.service.transport, want);
	snprintf(want, sizeof(want), "%s/run", dir);
	assert_string_equal(c.service.runtime, want);
	snprintf(want, sizeof(want), "%s/store/writ.db", dir);
	assert_string_equal(c.service.store, want);
	assert_int_equal(c.service.tick, 300);
	assert_int_equal(c.service.n_reminders, 3);
	assert_memory_equal(c.service.reminders, reminders, sizeof(reminders));
	assert_null(c.service.metrics);
	assert_false(c.service.log_json);
	assert_null(c.service.users.front);
	assert_int_equal(c.service.limits.login_grace, 120);
	config_clear(&c);
}

static void
every_key_of_a_service_is_read(void **state)
{
	struct config c;

	(void)state;
	load("log: dir:log\nlog_name: ca_log\n"
	     "service:\n"
	     "  listen: [\"127.0.0.1:2022\", \"[::1]:2023\"]\n"
	     "  transport: /etc/ssh/writ_transport\n"
	     "  runtime: /run/writ\n"
	     "  store: /var/lib/writ/rows.db\n"
	     "  tick: 30s\n"
	     "  reminders: [1s, 2m]\n"
	     "  metrics: \"127.0.0.1:9464\"\n"
	     "  log_format: json\n"
	     "  users: {front: a, keeper: b, signer: c, notify: d}\n"
	     "  limits: {sessions: 1, waiting: 2, per_source: 3,"
	     " login_grace: 4s, idle: 50s}\n",
	    &c);
	assert_int_equal(c.service.listen.n, 2);
	assert_string_equal(c.service.listen.v[1], "[::1]:2023");
	assert_string_equal(c.service.transport, "/etc/ssh/writ_transport");
	assert_string_equal(c.service.runtime, "/run/writ");
	assert_string_equal(c.service.store, "/var/lib/writ/rows.db");
	assert_int_equal(c.service.tick, 30);
	assert_int_equal(c.service.n_reminders, 2);
	assert_int_equal(c.service.reminders[1], 120);
	assert_string_equal(c.service.metrics, "127.0.0.1:9464");
	assert_true(c.service.log_json);
	assert_string_equal(c.service.users.front, "a");
	assert_string_equal(c.service.users.keeper, "b");
	assert_string_equal(c.service.users.signer, "c");
	assert_string_equal(c.service.users.notify, "d");
	assert_int_equal(c.service.limits.sessions, 1);
	assert_int_equal(c.service.limits.waiting, 2);
	assert_int_equal(c.service.limits.per_source, 3);
	assert_int_equal(c.service.limits.login_grace, 4);
	assert_int_equal(c.service.limits.idle, 50);
	config_clear(&c);
	load("log: dir:log\nlog_name: ca_log\nservice: {reminders: []}\n", &c);
	assert_int_equal(c.service.n_reminders, 0);
	config_clear(&c);
}

static void
what_is_written_is_read_back(void **state)
{
	struct config c, back;
	struct str text = STR_INIT;

	(void)state;
	load("log: \"s3://bucket\"\nlog_name: l\nuser_ca: u\nhost_ca: h\n"
	     "retention: 1d\npartial_retention: 12h\nmax_lag: 90s\n"
	     "copies: [dir:copy]\nfleet_logs: [dir:m, \"s3://m/log\"]\n"
	     "s3: {endpoint: \"http://127.0.0.1:7480\", region: r,"
	     " credentials: env}\n",
	    &c);
	assert_int_equal(config_encode(&c, &text), 0);
	load(text.p, &back);
	assert_string_equal(back.home.log, c.home.log);
	assert_string_equal(back.log_name, c.log_name);
	assert_string_equal(back.user_ca, c.user_ca);
	assert_string_equal(back.host_ca, c.host_ca);
	assert_int_equal(back.home.retention, c.home.retention);
	assert_int_equal(back.home.partial, c.home.partial);
	assert_int_equal(back.home.max_lag, c.home.max_lag);
	assert_true(strs_equal(&back.home.copies, &c.home.copies));
	assert_int_equal(back.fleet_logs.n, 2);
	assert_true(strs_equal(&back.fleet_logs, &c.fleet_logs));
	assert_string_equal(back.home.endpoint, c.home.endpoint);
	assert_string_equal(back.home.region, c.home.region);
	assert_string_equal(back.home.credentials, c.home.credentials);
	str_clear(&text);
	config_clear(&c);
	config_clear(&back);
}

#define GOOD "log: dir:log\nlog_name: ca_log\n"

static void
each_error_names_its_place(void **state)
{
	static const struct {
		const char *text, *where, *words;
	} rows[] = {
	    {"", "1:1", "empty, expected log: and log_name:"},
	    {"log: dir:log\n", "1:1", "'log_name'"},
	    {"log_name: ca_log\n", "1:1", "'log'"},
	    {GOOD "colour: red\n", "3:1", "unknown key 'colour'"},
	    {GOOD "log: dir:b\n", "3:1", "'log'"},
	    {"log: ftp://b\nlog_name: l\n", "1:6", "expected dir:PATH"},
	    {"log: [dir:log]\nlog_name: l\n", "1:6", "'log'"},
	    {"log: dir:log\nlog_name: a/b\n", "2:11", "not a name"},
	    {GOOD "user_ca: \"a b\"\n", "3:10", "not a name"},
	    {GOOD "host_ca: {}\n", "3:10", "'host_ca'"},
	    {GOOD "retention: 5\n", "3:12", "a span such as 400d"},
	    {GOOD "retention: 59s\n", "3:12", "'retention'"},
	    {GOOD "partial_retention: long\n", "3:20", "a span such as 7d"},
	    {GOOD "max_lag: 0s\n", "3:10", "'max_lag'"},
	    {GOOD "copies: dir:copy\n", "3:9", "'copies'"},
	    {GOOD "copies: [ftp:x]\n", "3:10", "expected dir:PATH"},
	    {GOOD "fleet_logs: []\n", "3:13", "'fleet_logs'"},
	    {GOOD "fleet_logs: [ftp:x]\n", "3:14", "expected dir:PATH"},
	    {GOOD "s3: {bucket: b}\n", "3:6", "unknown key 'bucket'"},
	    {GOOD "s3: {endpoint: \"\"}\n", "3:16", "'endpoint'"},
	    {GOOD "s3: {region: [a]}\n", "3:14", "'region'"},
	    {GOOD "s3: {addressing: sideways}\n", "3:18", "path or host"},
	    {GOOD "keys: [user_ca]\n", "3:7", "'keys'"},
	    {GOOD "keys: {user_ca: [a]}\n", "3:17", "'keys'"},
	    {GOOD "keys: {user_ca: \"\"}\n", "3:17", "'keys'"},
	    {GOOD "keys: {\"a b\": agent}\n", "3:15", "'keys'"},
	    {"- log\n", "1:1", "writ.yaml"},
	    {GOOD "service: []\n", "3:10", "expected a mapping"},
	    {GOOD "service: {port: 22}\n", "3:11", "unknown key 'port'"},
	    {GOOD "service: {listen: []}\n", "3:19", "'listen'"},
	    {GOOD "service: {listen: [\"*\"]}\n", "3:20", "*:2022"},
	    {GOOD "service: {metrics: \"9464\"}\n", "3:20", "*:2022"},
	    {GOOD "service: {tick: 0s}\n", "3:17", "a span such as 5m"},
	    {GOOD "service: {reminders: 5m}\n", "3:22", "'reminders'"},
	    {GOOD "service: {reminders: [5m, 5m]}\n", "3:27", "ascending"},
	    {GOOD "service: {reminders: [0s]}\n", "3:23", "'reminders'"},
	    {GOOD "service: {log_format: xml}\n", "3:23", "text or json"},
	    {GOOD "service: {users: {root: a}}\n", "3:19", "'root'"},
	    {GOOD "service: {users: {front: \"a b\"}}\n", "3:26",
		"no name of a user"},
	    {GOOD "service: {limits: {waiting: 0}}\n", "3:29", "'waiting'"},
	    {GOOD "service: {limits: {idle: 1s}}\n", "3:26", "'idle'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(rows[i].text, rows[i].where, rows[i].words);
}

static void
a_file_that_is_too_large_is_refused(void **state)
{
	struct config c;
	struct err e = {0};
	char *big = malloc(CONFIG_MAX + 2);

	(void)state;
	assert_non_null(big);
	memset(big, '#', CONFIG_MAX + 1);
	big[CONFIG_MAX + 1] = '\0';
	put(big);
	free(big);
	config_init(&c);
	assert_int_equal(config_load(dir, &c, &e), ERR_LIMIT);
}

static void
a_directory_without_it_is_no_deployment(void **state)
{
	struct config c;
	struct err e = {0};

	(void)state;
	config_init(&c);
	assert_int_equal(config_load(dir, &c, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.hint, "writ init DIR"));
}

static int
try_load(void *arg)
{
	struct config c;
	int r;

	(void)arg;
	config_init(&c);
	r = config_load(dir, &c, NULL);
	config_clear(&c);
	return r;
}

static void
without_memory_it_says_so(void **state)
{
	(void)state;
	put(GOOD "user_ca: u\ncopies: [dir:a, dir:b]\n"
		 "keys: {u: agent, h: k}\ns3: {region: r}\n"
		 "service: {listen: [\"*:1\"], users: {front: f}}\n");
	assert_true(alloc_each(try_load, NULL) > 10);
}

/* --- what follows from it ------------------------------------------------- */

static void
a_log_lies_below_dir_unless_it_says_where(void **state)
{
	static const struct {
		const char *log, *at, *url;
	} rows[] = {
	    {"dir:log", "DIR/log", "dir:DIR/log"},
	    {"dir:/srv/log", "/srv/log", "dir:/srv/log"},
	    {"s3://bucket/p", "DIR/log", "s3://bucket/p"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *at = NULL, *url = NULL;
		struct config c = {.dir = (char *)(uintptr_t) "DIR",
		    .home.log = (char *)(uintptr_t)rows[i].log};

		assert_int_equal(config_log_dir(&c, &at), 0);
		assert_int_equal(config_log_url(&c, &url), 0);
		assert_string_equal(at, rows[i].at);
		assert_string_equal(url, rows[i].url);
		free(at);
		free(url);
	}
}

/* A private key of its own, in dir/name with this mode; its public half. */
static struct pubkey *
put_key(const char *name, mode_t mode)
{
	struct str text = STR_INIT;
	struct pubkey *pub = NULL;
	struct key *k = NULL;
	struct err e = {0};
	char path[128];

	assert_int_equal(key_generate(PUBKEY_ED25519, &k, &e), 0);
	assert_int_equal(key_encode_openssh(k, "c", NULL, 0, &text, &e), 0);
	assert_int_equal(pubkey_dup(key_public(k), &pub), 0);
	snprintf(path, sizeof(path), "%s/keys", dir);
	assert_int_equal(file_mkdirs(path, 0700, &e), 0);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(file_write(path, text.p, text.n, mode, 0, &e), 0);
	str_clear(&text);
	key_free(k);
	return pub;
}

static void
a_key_is_where_keys_says_and_whose_policy_says(void **state)
{
	struct config c;
	struct err e = {0};
	struct key *k = NULL;
	struct pubkey *pub, *moved;
	char *text = NULL;

	(void)state;
	pub = put_key("keys/user_ca", 0600);
	moved = put_key("elsewhere", 0600);
	load(GOOD, &c);
	assert_int_equal(config_load_key(&c, "user_ca", pub, NULL, &k, &e), 0);
	assert_true(pubkey_equal(key_public(k), pub));
	key_free(k);
	k = NULL;
	assert_int_equal(config_load_key(&c, "user_ca", moved, NULL, &k, &e),
	    ERR_DENIED);
	assert_non_null(strstr(e.msg, "authorities/user_ca.pub"));
	assert_null(k);
	assert_int_equal(config_load_key(&c, "host_ca", pub, NULL, &k, &e),
	    ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "key of host_ca"));
	config_clear(&c);
	load(GOOD "keys: {user_ca: elsewhere}\n", &c);
	assert_int_equal(config_load_key(&c, "user_ca", moved, NULL, &k, &e),
	    0);
	key_free(k);
	config_clear(&c);
	assert_true(asprintf(&text, GOOD "keys: {user_ca: \"%s/elsewhere\"}\n",
			dir) > 0);
	load(text, &c);
	assert_int_equal(config_load_key(&c, "user_ca", NULL, NULL, &k, &e), 0);
	key_free(k);
	config_clear(&c);
	free(text);
	pubkey_free(pub);
	pubkey_free(moved);
}

static void
a_key_that_others_can_read_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0644, 0620};
	struct config c;

	(void)state;
	load(GOOD, &c);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct pubkey *pub = put_key("keys/user_ca", modes[i]);
		struct err e = {0};
		struct key *k = NULL;

		assert_int_not_equal(config_load_key(&c, "user_ca", pub, NULL,
					 &k, &e),
		    0);
		assert_non_null(strstr(e.msg, "lets others in"));
		assert_null(k);
		pubkey_free(pub);
	}
	config_clear(&c);
}

static void
a_key_may_belong_to_the_signer(void **state)
{
	static const struct {
		const char *service;
		int want;
	} cases[] = {
	    {"service: {users: {signer: nobody}}\n", 0},
	    {"service: {users: {keeper: nobody}}\n", ERR_DENIED},
	    {"service: {users: {signer: daemon}}\n", ERR_DENIED},
	    {"service: {users: {signer: no-such-user}}\n", ERR_DENIED},
	    {"", ERR_DENIED},
	};
	const struct passwd *nobody = getpwnam("nobody");

	(void)state;
	if (geteuid() != 0 || nobody == NULL) {
		skip();
		return;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pubkey *pub = put_key("keys/user_ca", 0600);
		struct str text = STR_INIT;
		struct key *k = NULL;
		struct config c;
		struct err e = {0};
		char path[128];

		snprintf(path, sizeof(path), "%s/keys/user_ca", dir);
		assert_int_equal(chown(path, nobody->pw_uid, nobody->pw_gid),
		    0);
		str_addf(&text, "%s%s", GOOD, cases[i].service);
		load(text.p, &c);
		assert_int_equal(config_load_key(&c, "user_ca", pub, NULL, &k,
				     &e),
		    cases[i].want);
		key_free(k);
		config_clear(&c);
		str_clear(&text);
		pubkey_free(pub);
	}
}

static void
a_key_in_an_agent_needs_its_public_half(void **state)
{
	struct config c;
	struct err e = {0};
	struct key *k = NULL;

	(void)state;
	load(GOOD "keys: {user_ca: \"agent:/nonexistent/socket\"}\n", &c);
	assert_int_equal(config_load_key(&c, "user_ca", NULL, NULL, &k, &e),
	    ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "authorities/user_ca.pub is missing"));
	assert_int_not_equal(config_load_key(&c, "user_ca",
				 fixture_key(SEED_USER_CA), NULL, &k, &e),
	    0);
	assert_non_null(strstr(e.msg, "key of user_ca"));
	assert_null(k);
	config_clear(&c);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(every_key_is_read),
	    T(what_is_not_said_has_a_default),
	    T(a_service_has_defaults),
	    T(every_key_of_a_service_is_read),
	    T(what_is_written_is_read_back),
	    T(each_error_names_its_place),
	    T(a_file_that_is_too_large_is_refused),
	    T(a_directory_without_it_is_no_deployment),
	    T(without_memory_it_says_so),
	    T(a_log_lies_below_dir_unless_it_says_where),
	    T(a_key_is_where_keys_says_and_whose_policy_says),
	    T(a_key_that_others_can_read_is_refused),
	    T(a_key_may_belong_to_the_signer),
	    T(a_key_in_an_agent_needs_its_public_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
