/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ca/client/profile.h"
#include "tests/unit/alloc.h"
#include "tests/unit/sshtool.h"

#define ROOT "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct err err;

static int
setup(void **state)
{
	(void)state;
	err = (struct err){0};
	setenv("WRIT_CONFIG", sshtool_path("conf"), 1);
	setenv("HOME", "/home/alice", 1);
	unsetenv("XDG_CONFIG_HOME");
	(void)mkdir(sshtool_path("conf"), 0700);
	return 0;
}

static int
load(const char *text, struct profile *p)
{
	sshtool_write("conf/config.yaml", text, strlen(text));
	profile_init(p);
	return profile_load(p, &err);
}

static void
the_directory_follows_the_environment(void **state)
{
	char *dir = NULL;

	(void)state;
	assert_int_equal(profile_dir(&dir, &err), 0);
	assert_string_equal(dir, sshtool_path("conf"));
	free(dir);
	unsetenv("WRIT_CONFIG");
	assert_int_equal(profile_dir(&dir, &err), 0);
	assert_string_equal(dir, "/home/alice/.config/writ");
	free(dir);
	setenv("XDG_CONFIG_HOME", "/x", 1);
	assert_int_equal(profile_dir(&dir, &err), 0);
	assert_string_equal(dir, "/x/writ");
	free(dir);
	/* The specification: one that is not absolute is to be ignored. */
	setenv("XDG_CONFIG_HOME", "x", 1);
	assert_int_equal(profile_dir(&dir, &err), 0);
	assert_string_equal(dir, "/home/alice/.config/writ");
	free(dir);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	dir = NULL;
	assert_int_equal(profile_dir(&dir, &err), ERR_NOTFOUND);
	assert_null(dir);
}

static void
what_is_written_is_read_again(void **state)
{
	struct profile p, q;

	(void)state;
	profile_init(&p);
	assert_int_equal(profile_dir(&p.dir, &err), 0);
	p.ca = str_dup("alice@ca.example.com:2022");
	p.key = str_dup("/keys/it's \"mine\"");
	p.person = str_dup("alice@example.com");
	memset(p.realm.b, 7, sizeof(p.realm.b));
	assert_int_equal(profile_save(&p, &err), 0);
	assert_true(profile_exists());
	profile_init(&q);
	assert_int_equal(profile_load(&q, &err), 0);
	assert_string_equal(q.ca, p.ca);
	assert_string_equal(q.key, p.key);
	assert_string_equal(q.person, p.person);
	assert_true(hash_equal(&q.realm, &p.realm));
	profile_clear(&p);
	profile_clear(&q);
}

static void
a_key_may_be_below_home(void **state)
{
	struct profile p;

	(void)state;
	assert_int_equal(load("ca: c\nrealm: " ROOT "\nkey: ~/.ssh/id\n", &p),
	    0);
	assert_string_equal(p.key, "/home/alice/.ssh/id");
	assert_null(p.person);
	profile_clear(&p);
}

static void
what_is_wrong_is_named_with_its_place(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"", "the configuration"},
	    {"ca: c\n", "realm"},
	    {"realm: " ROOT "\n", "ca"},
	    {"ca: c\nrealm: SHA256:xyz\n", "config.yaml:2:8"},
	    {"ca: -oProxyCommand=x\nrealm: " ROOT "\n", "config.yaml:1:5"},
	    {"ca: c\nrealm: " ROOT "\nperson: Alice!\n", "config.yaml:3:9"},
	    {"ca: c\nrealm: " ROOT "\nkye: x\n", "unknown key 'kye'"},
	    {"ca: [c]\nrealm: " ROOT "\n", "config.yaml:1:5"},
	};
	struct profile p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load(cases[i].text, &p), ERR_PARSE);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, cases[i].says));
		assert_null(p.ca);
	}
}

static void
none_is_said_with_what_to_do(void **state)
{
	struct profile p;

	(void)state;
	(void)unlink(sshtool_path("conf/config.yaml"));
	assert_false(profile_exists());
	profile_init(&p);
	assert_int_equal(profile_load(&p, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.hint, "writ trust"));
}

static int
load_one(void *arg)
{
	struct profile p;
	int r;

	profile_init(&p);
	r = profile_load(&p, arg);
	profile_clear(&p);
	return r;
}

static void
memory_that_runs_out_is_said(void **state)
{
	static const char text[] =
	    "ca: c\nrealm: " ROOT "\nkey: ~/k\nperson: alice\n";

	(void)state;
	sshtool_write("conf/config.yaml", text, strlen(text));
	assert_true(alloc_each(load_one, &err) > 5);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_directory_follows_the_environment),
	    T(what_is_written_is_read_again),
	    T(a_key_may_be_below_home),
	    T(what_is_wrong_is_named_with_its_place),
	    T(none_is_said_with_what_to_do),
	    T(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests_name("profile", tests, sshtool_setup,
	    sshtool_teardown);
}
