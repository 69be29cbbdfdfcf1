/* SPDX-License-Identifier: ISC */
#include "agent/minion/others.h"

/* There is something of it on the host: a program, a unit that is enabled, or
 * its data. */
static const struct {
	const char *name;
	const char *paths[4];
} managers[] = {
    {"salt-minion",
	{"/usr/bin/salt-minion", "/opt/saltstack/salt/salt-minion", NULL}},
    {"puppet", {"/usr/bin/puppet", "/opt/puppetlabs/bin/puppet", NULL}},
    {"cfengine", {"/var/cfengine/bin/cf-agent", "/usr/sbin/cf-agent", NULL}},
    {"chef", {"/usr/bin/chef-client", "/opt/chef/bin/chef-client", NULL}},
    {"ansible-pull",
	{"/usr/bin/ansible-pull", "/usr/local/bin/ansible-pull", NULL}},
    {"ufw", {"/usr/sbin/ufw", NULL}},
    {"firewalld", {"/usr/sbin/firewalld", NULL}},
    {"iptables-persistent",
	{"/usr/share/netfilter-persistent/plugins.d/15-ip4tables",
	    "/etc/iptables/rules.v4", NULL}},
    /* Of the program, which iptables brings along, only what loads its file:
     * that one begins with `flush ruleset`. */
    {"nftables",
	{"/etc/systemd/system/sysinit.target.wants/nftables.service",
	    "/etc/systemd/system/multi-user.target.wants/nftables.service",
	    NULL}},
    /* What it wrote for sshd outlives it in images. */
    {"cloud-init",
	{"/usr/bin/cloud-init", "/etc/ssh/sshd_config.d/50-cloud-init.conf",
	    NULL}},
};

void
other_managers(struct host *h, struct str *out)
{
	for (size_t i = 0; i < sizeof(managers) / sizeof(managers[0]); i++)
		for (const char *const *p = managers[i].paths; *p != NULL;
		     p++) {
			/* What cannot be looked at is not there to be named. */
			if (host_exists(h, *p, NULL) != 1)
				continue;
			str_addf(out, "%s%s", out->n > 0 ? ", " : "",
			    managers[i].name);
			break;
		}
}
