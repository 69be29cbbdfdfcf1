/* SPDX-License-Identifier: ISC */
#include "agent/states/carriers.h"

#include <stdbool.h>
#include <string.h>

/* In order of name; a '*' at the end stands for any more. */
static const struct {
	const char *name, *way;
} carriers[] = {
    {"dhcpcd*", "network"},
    {"firewalld", "firewall"},
    {"ifup@*", "network"},
    {"ifupdown*", "network"},
    {"iptables", "firewall"},
    {"iptables-persistent", "firewall"},
    {"isc-dhcp-client", "network"},
    {"libnss-sss", "accounts"},
    {"libnss-systemd", "accounts"},
    {"libpam-modules", "PAM"},
    {"libpam-runtime", "PAM"},
    {"libpam-sss", "PAM"},
    {"libpam-systemd", "PAM"},
    {"netfilter-persistent", "firewall"},
    {"netplan.io", "network"},
    {"network*", "network"},
    {"NetworkManager", "network"},
    {"nftables", "firewall"},
    {"openssh-server", "sshd"},
    {"ssh", "sshd"},
    {"sshd", "sshd"},
    {"sssd", "accounts"},
    {"sudo", "sudo"},
    {"systemd-networkd*", "network"},
    {"systemd-resolved", "network"},
    {"ufw", "firewall"},
    {"wg-quick@*", "network"},
    {"wpa_supplicant*", "network"},
    {"wpasupplicant", "network"},
    {"writ-agent*", "agent"},
};

static const char *const suffixes[] = {
    ".service", ".socket", ".timer", ".target", ".path", ".mount"};

static size_t
without_suffix(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t len = strlen(suffixes[i]);

		if (n > len && memcmp(name + n - len, suffixes[i], len) == 0)
			return n - len;
	}
	return n;
}

static bool
matches(const char *pattern, const char *name, size_t n)
{
	size_t len = strlen(pattern);

	if (pattern[len - 1] == '*')
		return n >= len - 1 && memcmp(pattern, name, len - 1) == 0;
	return n == len && memcmp(pattern, name, len) == 0;
}

const char *
carrier_way(const char *name, size_t n)
{
	n = without_suffix(name, n);
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++)
		if (matches(carriers[i].name, name, n))
			return carriers[i].way;
	return NULL;
}
