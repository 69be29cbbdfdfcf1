/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/kinds.h"
#include "tests/unit/statecase.h"

#define OPS (&state_service)

/* A systemd of one unit, that remembers. */
struct unit {
	bool loaded, running;
	const char *file; /* "enabled", "disabled", "masked", "static" */
};

static bool
is(const char *command, const char *verb)
{
	size_t n = strlen("systemctl ");

	return strncmp(command + n, verb, strlen(verb)) == 0 &&
	    command[n + strlen(verb)] == ' ';
}

static void
systemctl(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	struct unit *u = arg;

	(void)f;
	(void)in;
	if (is(command, "show"))
		str_addf(&a->out,
		    "LoadState=%s\nActiveState=%s\nUnitFileState=%s\n",
		    !u->loaded                           ? "not-found"
			: strcmp(u->file, "masked") == 0 ? "masked"
							 : "loaded",
		    u->running ? "active" : "inactive",
		    u->loaded ? u->file : "");
	else if (is(command, "start"))
		u->running = true;
	else if (is(command, "stop"))
		u->running = false;
	else if (is(command, "enable"))
		u->file = "enabled";
	else if (is(command, "disable") || is(command, "unmask"))
		u->file = "disabled";
	else if (is(command, "mask"))
		u->file = "masked";
	else if (!is(command, "reload") && !is(command, "restart"))
		a->status = 1;
}

static struct unit unit;

static int
setup(void **state)
{
	struct fakehost *f = fakehost_new();

	unit = (struct unit){true, false, "disabled"};
	fakehost_dir(f, "/run/systemd/system", 0755);
	fakehost_on(f, "systemctl", systemctl, &unit);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	fakehost_free(*state);
	return 0;
}

static void
bad_parameters_are_named_with_their_place(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
	    {"running: yes\n",
		"1:1: service has no 'name', expected a service such as ssh"},
	    {"name: ssh\n",
		"1:1: service says nothing of 'ssh', expected running, "
		"enabled or on_watch"},
	    {"name: --now\nrunning: yes\n",
		"1:7: 'name' is '--now', expected a service such as ssh"},
	    {"name: ../x\nrunning: yes\n",
		"1:7: 'name' is '../x', expected a service such as ssh"},
	    {"name: a b\nrunning: yes\n",
		"1:7: 'name' is 'a b', expected a service such as ssh"},
	    {"name: ssh\nrunning: true\n",
		"2:10: 'running' is 'true', expected yes or no"},
	    {"name: ssh\nenabled: always\n",
		"2:10: 'enabled' is 'always', expected yes, no or masked"},
	    {"name: ssh\non_watch: hup\n",
		"2:11: 'on_watch' is 'hup', expected reload or restart"},
	    {"name: ssh\nrunning: yes\nenabled: masked\n",
		"1:1: 'ssh' is to run and to be masked, expected one of "
		"them"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = statecase_faults(OPS, cases[i].yaml);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].yaml, got);
		free(got);
	}
}

static const struct {
	const char *name;
	struct unit unit;
	const char *yaml, *want;
} plans[] = {
    {"all off, wanted on", {true, false, "disabled"},
	"name: x\nrunning: yes\nenabled: yes\n",
	"ok\nlive enable x x: at each boot\nlive start x x: start it\n"},
    {"all on, wanted on", {true, true, "enabled"},
	"name: x\nrunning: yes\nenabled: yes\n", "ok\n"},
    {"all on, wanted off", {true, true, "enabled"},
	"name: x\nrunning: no\nenabled: no\n",
	"ok\nlive disable x x: not at boot\nlive stop x x: stop it\n"},
    {"until the boot alone", {true, true, "enabled-runtime"},
	"name: x\nenabled: yes\n", "ok\nlive enable x x: at each boot\n"},
    {"masked, wanted on", {true, false, "masked"},
	"name: x\nrunning: yes\nenabled: yes\n",
	"ok\nlive unmask x x: unmask it\nlive enable x x: at each boot\n"
	"live start x x: start it\n"},
    {"masked, wanted to run", {true, false, "masked"},
	"name: x\nrunning: yes\n",
	"ok\nlive unmask x x: unmask it\nlive start x x: start it\n"},
    {"masked, wanted off", {true, false, "masked"},
	"name: x\nenabled: no\nrunning: no\n", "ok\n"},
    {"on, wanted masked", {true, true, "enabled"},
	"name: x\nenabled: masked\nrunning: no\n",
	"ok\nlive mask x x: mask it\nlive stop x x: stop it\n"},
    {"static", {true, true, "static"}, "name: x\nenabled: yes\n",
	"impossible [x cannot be enabled: systemd calls it static]\n"},
    {"static, to run", {true, false, "static"}, "name: x\nrunning: yes\n",
	"ok\nlive start x x: start it\n"},
    {"not there, wanted on", {false, false, ""}, "name: x\nrunning: yes\n",
	"impossible [x is no unit of this host]\n"},
    {"not there, wanted off", {false, false, ""},
	"name: x\nrunning: no\nenabled: no\n", "ok\n"},
    {"not there, masked", {false, false, ""}, "name: x\nenabled: masked\n",
	"ok\nlive mask x x: mask it\n"},
};

static void
each_difference_is_one_command(void **state)
{
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		char *got;

		unit = plans[i].unit;
		assert_int_equal(statecase_plan(*state, OPS, NULL,
				     plans[i].yaml, &got),
		    0);
		if (strcmp(got, plans[i].want) != 0)
			fail_msg("%s: %s", plans[i].name, got);
		free(got);
	}
}

static void
what_was_done_is_not_done_again(void **state)
{
	static const char on[] = "name: x\nrunning: yes\nenabled: yes\n";
	static const char off[] = "name: x\nrunning: no\nenabled: masked\n";

	statecase_apply(*state, OPS, NULL, on);
	statecase_is(*state, OPS, NULL, on, "ok\n");
	statecase_apply(*state, OPS, NULL, off);
	statecase_is(*state, OPS, NULL, off, "ok\n");
	statecase_apply(*state, OPS, NULL, on);
	statecase_is(*state, OPS, NULL, on, "ok\n");
	assert_true(unit.running);
	assert_string_equal(unit.file, "enabled");
}

static void
a_service_that_is_a_way_in_is_one(void **state)
{
	static const struct {
		const char *name;
		bool way_in;
	} cases[] = {
	    {"ssh", true},
	    {"ssh.service", true},
	    {"ssh.socket", true},
	    {"sshd", true},
	    {"networking", true},
	    {"NetworkManager", true},
	    {"NetworkManager.service", true},
	    {"nftables", true},
	    {"systemd-networkd.socket", true},
	    {"wg-quick@wg0", true},
	    {"writ-agent-link", true},
	    {"NetworkManagers", false},
	    {"nftables@x", false},
	    {"cron", false},
	    {"sshguard", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char yaml[64];

		(void)snprintf(yaml, sizeof(yaml),
		    "{name: \"%s\", running: yes}", cases[i].name);
		if (statecase_way_in(*state, OPS, yaml) != cases[i].way_in)
			fail_msg("%s", cases[i].name);
	}
}

static void
call_with(struct fakehost *f, const char *yaml,
    void (*fn)(struct fakehost *f, const void *params))
{
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct yaml_doc doc = {0};
	void *p = calloc(1, OPS->params_size);

	assert_int_equal(yaml_parse("", slice_str(yaml), &doc, &diags), 0);
	OPS->parse(&in, doc.root, p);
	assert_int_equal(diags.n_errors, 0);
	fn(f, p);
	OPS->params_clear(p);
	free(p);
	yaml_doc_clear(&doc);
}

static void
activate(struct fakehost *f, const void *params)
{
	struct err e = {0};

	assert_int_equal(OPS->activate(fakehost_host(f), NULL, params, &e), 0);
}

static void
a_watched_change_reloads_or_restarts_what_runs(void **state)
{
	struct fakehost *f = *state;

	call_with(f, "name: x\non_watch: reload\n", activate);
	assert_false(fakehost_has_run(f, "systemctl reload -- x"));
	unit.running = true;
	call_with(f, "name: x\nrunning: yes\n", activate);
	assert_false(fakehost_has_run(f, "systemctl reload -- x"));
	call_with(f, "name: x\non_watch: reload\n", activate);
	assert_true(fakehost_has_run(f, "systemctl reload -- x"));
	call_with(f, "name: x\non_watch: restart\n", activate);
	assert_true(fakehost_has_run(f, "systemctl restart -- x"));
}

static void
undo(struct fakehost *f, const void *params)
{
	static const struct unit cases[] = {
	    {true, true, "enabled"},
	    {true, false, "disabled"},
	    {true, true, "disabled"},
	    {true, false, "masked"},
	};
	struct err e = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
			struct str was = STR_INIT;

			unit = cases[i];
			assert_int_equal(OPS->snapshot(fakehost_host(f), params,
					     &was, &e),
			    0);
			unit = cases[j];
			assert_int_equal(OPS->restore(fakehost_host(f),
					     slice_of(was.p, was.n), &e),
			    0);
			if (unit.running != cases[i].running ||
			    strcmp(unit.file, cases[i].file) != 0)
				fail_msg("from %zu to %zu: %d %s", j, i,
				    unit.running, unit.file);
			str_clear(&was);
		}
}

static void
every_change_can_be_undone(void **state)
{
	static const char *const damaged[] = {
	    "", "x", "x 1 0", "x 1 0 2", "x 10 0 1", "x 1 0 y"};
	struct err e = {0};

	call_with(*state, "name: x\nrunning: yes\n", undo);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
		assert_int_equal(OPS->restore(fakehost_host(*state),
				     slice_str(damaged[i]), &e),
		    ERR_PARSE);
}

static void
without_systemd_scripts_are_used(void **state)
{
	struct fakehost *f = *state;
	static const char on[] = "name: x\nrunning: yes\nenabled: yes\n";

	fakehost_remove(f, "/run/systemd");
	statecase_is(f, OPS, NULL, on,
	    "impossible [x is no script of /etc/init.d, and systemd does not "
	    "run on this host]\n");
	statecase_is(f, OPS, NULL, "name: x\nenabled: masked\n",
	    "impossible [x cannot be masked: systemd does not run on this "
	    "host]\n");
	fakehost_file(f, "/etc/init.d/x", 0755, "");
	fakehost_command(f, "service x status", 3, "", "");
	fakehost_command(f, "service x start", 0, "", "");
	fakehost_command(f, "update-rc.d x enable", 0, "", "");
	statecase_apply(f, OPS, NULL, on);
	assert_true(fakehost_has_run(f, "update-rc.d x enable"));
	assert_true(fakehost_has_run(f, "service x start"));
	fakehost_command(f, "service x status", 0, "", "");
	fakehost_link(f, "/etc/rc2.d/S01x", "../init.d/x");
	statecase_is(f, OPS, NULL, on, "ok\n");
	assert_false(fakehost_has_run(f, "systemctl"));
}

static void
sign(struct fakehost *f, const void *params, struct str *out)
{
	struct err e = {0};

	str_reset(out);
	assert_int_equal(OPS->fingerprint(fakehost_host(f), NULL, params, out,
			     &e),
	    0);
	assert_int_equal(fakehost_ran(f)->n, 0);
}

static void
see_signs(struct fakehost *f, const void *params)
{
	static const char run[] = "/run/systemd/units/invocation:x.service";
	static const char wants[] =
	    "/etc/systemd/system/multi-user.target.wants/x.service";
	struct str a = STR_INIT, b = STR_INIT;

	fakehost_link(f, run, "aa");
	fakehost_link(f, wants, "/lib/systemd/system/x.service");
	sign(f, params, &a);
	sign(f, params, &b);
	assert_string_equal(a.p, b.p);
	fakehost_remove(f, run);
	sign(f, params, &b);
	assert_string_not_equal(a.p, b.p);
	fakehost_link(f, "/etc/systemd/system/x.service", "/dev/null");
	sign(f, params, &a);
	assert_string_not_equal(a.p, b.p);
	fakehost_remove(f, wants);
	sign(f, params, &b);
	assert_string_not_equal(a.p, b.p);
	str_clear(&a);
	str_clear(&b);
}

static void
a_fingerprint_sees_a_stop_and_a_mask_without_a_program(void **state)
{
	call_with(*state, "name: x\nrunning: yes\n", see_signs);
}

static void
a_host_or_memory_that_fails_is_an_error(void **state)
{
	static const char on[] = "name: x\nrunning: yes\nenabled: yes\n";

	statecase_faulty_host(*state, OPS, NULL, on);
	statecase_alloc(*state, OPS, NULL, on);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(bad_parameters_are_named_with_their_place),
	    T(each_difference_is_one_command),
	    T(what_was_done_is_not_done_again),
	    T(a_service_that_is_a_way_in_is_one),
	    T(a_watched_change_reloads_or_restarts_what_runs),
	    T(every_change_can_be_undone),
	    T(without_systemd_scripts_are_used),
	    T(a_fingerprint_sees_a_stop_and_a_mask_without_a_program),
	    T(a_host_or_memory_that_fails_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
