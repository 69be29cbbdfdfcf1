/* SPDX-License-Identifier: ISC */
/*
 * From a state to rules.
 */
#include "agent/states/fw_rules.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ssh/cidr.h"

static const char *const hook_names[FW_HOOKS] = {"INPUT", "FORWARD", "OUTPUT"};

const char *
fw_hook_name(enum fw_hook h)
{
	return hook_names[h];
}

/* --- addresses --------------------------------------------------------- */

static bool
is_family(const char *cidr, enum fw_family family)
{
	return (strchr(cidr, ':') != NULL) == (family == FW_V6);
}

/* iptables-save always writes the length of a prefix, and nothing at all for one
 * of length 0: what it leaves out is not said either. */
static void
add_cidr(struct str *s, const char *option, const char *cidr)
{
	const char *slash = strchr(cidr, '/');

	if (slash != NULL && strcmp(slash, "/0") == 0)
		return;
	str_addf(s, " %s %s", option, cidr);
	if (slash == NULL)
		str_add(s, strchr(cidr, ':') != NULL ? "/128" : "/32");
}

/* --- implicit rules ---------------------------------------------------- */

enum { BOTH, V4, V6 };

/* What no policy can take away, in this order; RFC 4890 for ICMPv6. */
static const struct {
	enum fw_hook hook;
	int family;
	const char *rule;
} implicit[] = {
    {FW_INPUT, BOTH, "-i lo -j ACCEPT"},
    {FW_INPUT, BOTH, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"},
    /* An address of loopback from elsewhere is forged. */
    {FW_INPUT, V4, "-s 127.0.0.0/8 -j DROP"},
    {FW_INPUT, V6, "-s ::1/128 -j DROP"},
    {FW_INPUT, V4, "-p icmp -m icmp --icmp-type 3/4 -j ACCEPT"},
    {FW_INPUT, V6, "-p ipv6-icmp -m icmp6 --icmpv6-type 1 -j ACCEPT"},
    {FW_INPUT, V6, "-p ipv6-icmp -m icmp6 --icmpv6-type 2 -j ACCEPT"},
    {FW_INPUT, V6, "-p ipv6-icmp -m icmp6 --icmpv6-type 3 -j ACCEPT"},
    {FW_INPUT, V6, "-p ipv6-icmp -m icmp6 --icmpv6-type 4 -j ACCEPT"},
    {FW_INPUT, V6,
	"-p ipv6-icmp -m icmp6 --icmpv6-type 133 -m hl --hl-eq 255 -j ACCEPT"},
    {FW_INPUT, V6,
	"-p ipv6-icmp -m icmp6 --icmpv6-type 134 -m hl --hl-eq 255 -j ACCEPT"},
    {FW_INPUT, V6,
	"-p ipv6-icmp -m icmp6 --icmpv6-type 135 -m hl --hl-eq 255 -j ACCEPT"},
    {FW_INPUT, V6,
	"-p ipv6-icmp -m icmp6 --icmpv6-type 136 -m hl --hl-eq 255 -j ACCEPT"},
    {FW_INPUT, V6,
	"-s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT"},
    {FW_INPUT, V6,
	"-s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 143 -j ACCEPT"},
    {FW_INPUT, V4, "-p udp -m udp --sport 67 --dport 68 -j ACCEPT"},
    {FW_INPUT, V6,
	"-s fe80::/10 -p udp -m udp --sport 547 --dport 546 -j ACCEPT"},
    {FW_FORWARD, BOTH, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"},
    {FW_OUTPUT, BOTH, "-o lo -j ACCEPT"},
    {FW_OUTPUT, BOTH, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"},
    {FW_OUTPUT, V6, "-p ipv6-icmp -j ACCEPT"},
    {FW_OUTPUT, V4, "-p udp -m udp --sport 68 --dport 67 -j ACCEPT"},
    {FW_OUTPUT, V6, "-p udp -m udp --sport 546 --dport 547 -j ACCEPT"},
};

static int
add_rule(struct strs *out, struct str *s)
{
	char *line;
	int r;

	if (out->n >= FW_RULES_MAX) {
		str_clear(s);
		return ERR_LIMIT;
	}
	if ((r = str_take(s, &line)) != 0)
		return r;
	r = strs_add(out, line);
	free(line);
	return r;
}

static int
add_implicit(enum fw_hook hook, enum fw_family family, struct strs *out)
{
	const int other = family == FW_V4 ? V6 : V4;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(implicit) / sizeof(implicit[0]);
	     i++) {
		struct str s = STR_INIT;

		if (implicit[i].hook != hook || implicit[i].family == other)
			continue;
		str_addf(&s, "-A WRIT-%s %s", hook_names[hook],
		    implicit[i].rule);
		r = add_rule(out, &s);
	}
	return r;
}

/* "192.0.2.1:2023" and "[2001:db8::1]:2023". */
static int
add_master(const char *master, enum fw_family family, struct strs *out)
{
	const bool six = master[0] == '[';
	const char *end = six ? strchr(master, ']') : strrchr(master, ':');
	const char *port = strrchr(master, ':');
	struct str s = STR_INIT;
	char *address;
	int r;

	if (end == NULL || port == NULL || six != (family == FW_V6))
		return 0;
	address = str_dupn(master + six, (size_t)(end - master) - six);
	if (address == NULL)
		return ERR_NOMEM;
	str_add(&s, "-A WRIT-OUTPUT");
	add_cidr(&s, "-d", address);
	str_addf(&s, " -p tcp -m tcp --dport %s -j ACCEPT", port + 1);
	r = add_rule(out, &s);
	free(address);
	return r;
}

/* Each once, in an order of ours: a resolver has another each time. */
static int
add_masters(const struct strs *masters, enum fw_family family, struct strs *out)
{
	struct strs sorted = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < masters->n; i++)
		if (!strs_has(&sorted, masters->v[i]))
			r = strs_add(&sorted, masters->v[i]);
	strs_sort(&sorted);
	for (size_t i = 0; r == 0 && i < sorted.n; i++)
		r = add_master(sorted.v[i], family, out);
	strs_clear(&sorted);
	return r;
}

/* --- rules of the state ------------------------------------------------ */

/* One rule of an entry; from, to and port may be NULL. */
static int
add_one(enum fw_hook hook, enum fw_family family, const struct fw_allow *a,
    const char *from, const char *to, const struct fw_port *port,
    struct strs *out)
{
	const char *proto = a->proto;
	struct str s = STR_INIT;

	if ((from != NULL && !is_family(from, family)) ||
	    (to != NULL && !is_family(to, family)))
		return 0;
	if (proto != NULL && strcmp(proto, "icmp") == 0 && family == FW_V6)
		proto = "ipv6-icmp";
	str_addf(&s, "-A WRIT-%s", hook_names[hook]);
	if (from != NULL)
		add_cidr(&s, "-s", from);
	if (to != NULL)
		add_cidr(&s, "-d", to);
	if (a->interface != NULL)
		str_addf(&s, " %s %s", hook == FW_OUTPUT ? "-o" : "-i",
		    a->interface);
	if (proto != NULL)
		str_addf(&s, " -p %s", proto);
	if (port != NULL && port->lo == port->hi)
		str_addf(&s, " -m %s --dport %u", proto, port->lo);
	else if (port != NULL)
		str_addf(&s, " -m %s --dport %u:%u", proto, port->lo, port->hi);
	str_add(&s, " -j ACCEPT");
	return add_rule(out, &s);
}

static int
add_allow(enum fw_hook hook, enum fw_family family, const struct fw_allow *a,
    struct strs *out)
{
	const size_t n_from = a->from.n > 0 ? a->from.n : 1;
	const size_t n_to = a->to.n > 0 ? a->to.n : 1;
	const size_t n_ports = a->n_ports > 0 ? a->n_ports : 1;
	int r = 0;

	for (size_t f = 0; r == 0 && f < n_from; f++)
		for (size_t t = 0; r == 0 && t < n_to; t++)
			for (size_t p = 0; r == 0 && p < n_ports; p++)
				r = add_one(hook, family, a,
				    a->from.n > 0 ? a->from.v[f] : NULL,
				    a->to.n > 0 ? a->to.v[t] : NULL,
				    a->n_ports > 0 ? &a->ports[p] : NULL, out);
	return r;
}

static int
add_chain(const struct fw_params *p, enum fw_hook hook, enum fw_family family,
    const struct strs *masters, struct strs *out)
{
	static const char *const verdicts[] = {
	    NULL, "ACCEPT", "DROP", "REJECT"};
	const struct fw_chain *c = &p->hooks[hook];
	struct str s = STR_INIT;
	int r = add_implicit(hook, family, out);

	if (r == 0 && hook == FW_OUTPUT && masters != NULL)
		r = add_masters(masters, family, out);
	for (size_t i = 0; r == 0 && i < c->block.n; i++) {
		if (!is_family(c->block.v[i], family))
			continue;
		str_addf(&s, "-A WRIT-%s", hook_names[hook]);
		add_cidr(&s, hook == FW_OUTPUT ? "-d" : "-s", c->block.v[i]);
		str_add(&s, " -j DROP");
		r = add_rule(out, &s);
	}
	for (size_t i = 0; r == 0 && i < c->n_allow; i++)
		r = add_allow(hook, family, &c->allow[i], out);
	if (r != 0 || c->policy == FW_ACCEPT)
		return r;
	str_addf(&s, "-A WRIT-%s -j %s", hook_names[hook], verdicts[c->policy]);
	if (c->policy == FW_REJECT)
		str_add(&s,
		    family == FW_V4 ? " --reject-with icmp-port-unreachable"
				    : " --reject-with icmp6-port-unreachable");
	return add_rule(out, &s);
}

int
fw_compile(const struct fw_params *p, enum fw_family family,
    const struct strs *masters, struct strs *out)
{
	int r = 0;

	for (int h = 0; r == 0 && h < FW_HOOKS; h++)
		if (p->hooks[h].policy != FW_NONE)
			r = add_chain(p, (enum fw_hook)h, family, masters, out);
	return r;
}

/* --- the lock-out proof ------------------------------------------------ */

static bool
one_covers(const struct strs *list, const struct cidr *who)
{
	struct cidr c;

	for (size_t i = 0; i < list->n; i++)
		if (cidr_parse(list->v[i], &c) == 0 && cidr_contains(&c, who))
			return true;
	return false;
}

/* As the kernel compares: "eth+" is each that begins with eth. */
static bool
is_interface(const char *pattern, const char *name)
{
	const size_t n = strlen(pattern);

	return n > 0 && pattern[n - 1] == '+'
	    ? strncmp(pattern, name, n - 1) == 0
	    : strcmp(pattern, name) == 0;
}

static bool
covers_way(const struct fw_allow *a, const struct fw_way *w)
{
	struct cidr to;

	if (a->interface != NULL &&
	    (w->interface == NULL || !is_interface(a->interface, w->interface)))
		return false;
	return a->to.n == 0 ||
	    (w->to != NULL && cidr_parse(w->to, &to) == 0 &&
		one_covers(&a->to, &to));
}

static bool
allows(const struct fw_allow *a, const struct fw_way *w, const struct cidr *who)
{
	bool hit = a->n_ports == 0;

	if (a->proto != NULL && strcmp(a->proto, "tcp") != 0)
		return false;
	for (size_t i = 0; i < a->n_ports; i++)
		if (w->port >= a->ports[i].lo && w->port <= a->ports[i].hi)
			hit = true;
	if (!hit || !covers_way(a, w))
		return false;
	return a->from.n == 0 || who == NULL || one_covers(&a->from, who);
}

bool
fw_lets_in(const struct fw_params *p, const struct fw_way *way)
{
	const struct fw_chain *c = &p->hooks[FW_INPUT];
	struct cidr who;
	const bool known =
	    way->from != NULL && cidr_parse(way->from, &who) == 0;

	if (c->policy == FW_NONE)
		return true;
	if (known && one_covers(&c->block, &who))
		return false;
	if (c->policy == FW_ACCEPT)
		return true;
	for (size_t i = 0; i < c->n_allow; i++)
		if (allows(&c->allow[i], way, known ? &who : NULL))
			return true;
	return false;
}

bool
fw_asks_way(const struct fw_params *p)
{
	const struct fw_chain *c = &p->hooks[FW_INPUT];

	for (size_t i = 0; i < c->n_allow; i++)
		if (c->allow[i].interface != NULL || c->allow[i].to.n > 0)
			return true;
	return false;
}
