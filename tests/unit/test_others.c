/* SPDX-License-Identifier: ISC */
/* Who else manages a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "agent/minion/others.h"
#include "tests/unit/fakehost.h"

static struct fakehost *host;

static int
setup(void **state)
{
	(void)state;
	host = fakehost_new();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fakehost_free(host);
	return 0;
}

static void
expect_named(const char *want)
{
	struct str s = STR_INIT;

	other_managers(fakehost_host(host), &s);
	assert_int_equal(str_check(&s), 0);
	assert_string_equal(s.p, want);
	str_clear(&s);
}

static void
each_is_named_by_what_it_leaves_on_a_host(void **state)
{
	static const struct {
		const char *path, *name;
	} cases[] = {
	    {"/usr/bin/salt-minion", "salt-minion"},
	    {"/opt/saltstack/salt/salt-minion", "salt-minion"},
	    {"/usr/bin/puppet", "puppet"},
	    {"/opt/puppetlabs/bin/puppet", "puppet"},
	    {"/var/cfengine/bin/cf-agent", "cfengine"},
	    {"/opt/chef/bin/chef-client", "chef"},
	    {"/usr/bin/ansible-pull", "ansible-pull"},
	    {"/usr/local/bin/ansible-pull", "ansible-pull"},
	    {"/usr/sbin/ufw", "ufw"},
	    {"/usr/sbin/firewalld", "firewalld"},
	    {"/etc/iptables/rules.v4", "iptables-persistent"},
	    {"/etc/systemd/system/sysinit.target.wants/nftables.service",
		"nftables"},
	    {"/usr/bin/cloud-init", "cloud-init"},
	    {"/etc/ssh/sshd_config.d/50-cloud-init.conf", "cloud-init"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].path);
		fakehost_file(host, cases[i].path, 0755, "");
		expect_named(cases[i].name);
		fakehost_remove(host, cases[i].path);
		expect_named("");
	}
}

static void
what_each_host_has_is_no_manager(void **state)
{
	(void)state;
	/* The program alone does nothing at boot. */
	fakehost_file(host, "/usr/sbin/nft", 0755, "");
	fakehost_file(host, "/usr/lib/systemd/system/nftables.service", 0644,
	    "");
	fakehost_file(host, "/usr/sbin/iptables-restore", 0755, "");
	fakehost_file(host, "/etc/ssh/sshd_config.d/10-mine.conf", 0644, "");
	expect_named("");
}

static void
several_are_named_once_each(void **state)
{
	(void)state;
	fakehost_file(host, "/usr/bin/puppet", 0755, "");
	fakehost_file(host, "/opt/puppetlabs/bin/puppet", 0755, "");
	fakehost_link(host, "/usr/bin/salt-minion", "/opt/gone");
	fakehost_file(host, "/usr/sbin/ufw", 0755, "");
	expect_named("salt-minion, puppet, ufw");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		each_is_named_by_what_it_leaves_on_a_host, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_each_host_has_is_no_manager,
		setup, teardown),
	    cmocka_unit_test_setup_teardown(several_are_named_once_each, setup,
		teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
