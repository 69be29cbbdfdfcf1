/* SPDX-License-Identifier: ISC */
/* The sshd that runs, or does not any more, is made to take its configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/states/sshd_want.h"
#include "tests/unit/fakehost.h"

/* What it was given before it could not live with: an address of nobody here. */
static void
an_sshd_that_has_died_is_started_again(void **state)
{
	static const char *const failed[] = {
	    "ssh.service", "sshd.service", "ssh.socket"};
	static const char *const asked[] = {"is-active --quiet ssh.service",
	    "is-active --quiet sshd.service", "is-failed --quiet ssh.service",
	    "is-failed --quiet sshd.service", "is-failed --quiet ssh.socket"};
	struct fakehost *f = fakehost_new();

	(void)state;
	fakehost_dir(f, "/run/systemd/system", 0755);
	for (size_t i = 0; i < 3; i++) {
		char command[80];

		fakehost_forget_ran(f);
		for (size_t j = 0; j < 5; j++) {
			(void)snprintf(command, sizeof(command), "systemctl %s",
			    asked[j]);
			fakehost_command(f, command, j == i + 2 ? 0 : 3, "",
			    "");
		}
		fakehost_command(f, "systemctl daemon-reload", 0, "", "");
		(void)snprintf(command, sizeof(command),
		    "systemctl reset-failed %s", failed[i]);
		fakehost_command(f, command, 0, "", "");
		(void)snprintf(command, sizeof(command), "systemctl restart %s",
		    failed[i]);
		fakehost_command(f, command, 0, "", "");
		assert_int_equal(sshd_reload(fakehost_host(f), NULL), 0);
		assert_true(fakehost_has_run(f, command));
		assert_false(fakehost_has_run(f,
		    "systemctl reload ssh.service"));
	}
	fakehost_free(f);
}

static void
an_sshd_that_nobody_started_is_left_alone(void **state)
{
	struct fakehost *f = fakehost_new();

	(void)state;
	fakehost_dir(f, "/run/systemd/system", 0755);
	fakehost_command(f, "systemctl is-active --quiet ssh.service", 3, "",
	    "");
	fakehost_command(f, "systemctl is-active --quiet sshd.service", 3, "",
	    "");
	fakehost_command(f, "systemctl is-failed --quiet ssh.service", 1, "",
	    "");
	fakehost_command(f, "systemctl is-failed --quiet sshd.service", 1, "",
	    "");
	fakehost_command(f, "systemctl is-failed --quiet ssh.socket", 1, "",
	    "");
	assert_int_equal(sshd_reload(fakehost_host(f), NULL), 0);
	assert_string_equal(fakehost_ran(f)->v[fakehost_ran(f)->n - 1],
	    "systemctl is-failed --quiet ssh.socket");
	fakehost_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_sshd_that_has_died_is_started_again),
	    cmocka_unit_test(an_sshd_that_nobody_started_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
