/* SPDX-License-Identifier: ISC */
/*
 * Who else manages what states manage: two of them change it to and fro.  They
 * are named, before anything is enforced, and nothing is done about them: which
 * of the two is to go is a person's to know.
 */
#include "agent/minion/applier.h"

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
    {"ufw", {"/usr/sbin/ufw", NULL}},
    {"firewalld", {"/usr/sbin/firewalld", NULL}},
    {"iptables-persistent",
	{"/usr/share/netfilter-persistent/plugins.d/15-ip4tables",
	    "/etc/iptables/rules.v4", NULL}},
    {"cloud-init", {"/usr/bin/cloud-init", NULL}},
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
