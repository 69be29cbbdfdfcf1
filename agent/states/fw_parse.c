/* SPDX-License-Identifier: ISC */
/*
 * iptables: parameters.
 */
#include "agent/states/fw_parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/words.h"
#include "lib/ssh/cidr.h"

/* An address or range without host bits, as the kernel spells it. */
static int
read_cidr(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, struct strs *out)
{
	char text[INET6_ADDRSTRLEN + 8], quoted[QUOTE_MAX];
	struct cidr c;
	size_t len;

	if (!conf_is(in, k, n, YAML_TEXT))
		return 0;
	if (cidr_parse(n->text, &c) != 0 || cidr_has_host_bits(&c) ||
	    cidr_is_mapped(&c)) {
		conf_error(in->diags, n->pos,
		    "%s in '%s' is no address or range without host bits, "
		    "expected one such as 10.0.0.0/8",
		    str_quote(quoted, n->text), k->name);
		return 0;
	}
	if (inet_ntop(c.bits == 32 ? AF_INET : AF_INET6, c.addr, text,
		INET6_ADDRSTRLEN) == NULL)
		return ERR_NOMEM;
	len = strlen(text);
	if (c.mask != c.bits)
		(void)snprintf(text + len, sizeof(text) - len, "/%u", c.mask);
	return strs_has(out, text) ? 0 : strs_add(out, text);
}

/* One, or a list of them. */
static void
read_cidrs(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	int r = 0;

	if (n->kind == YAML_TEXT)
		r = read_cidr(in, k, n, field);
	else if (conf_is_list(in, k, n))
		for (size_t i = 0; r == 0 && i < n->n; i++)
			r = read_cidr(in, k, n->items[i], field);
	if (r != 0)
		conf_nomem(in);
}

static bool
port_parse(const char *text, struct fw_port *out)
{
	const char *dash = strchr(text, '-');
	uint64_t lo, hi;
	char first[8];

	if (dash == NULL) {
		if (parse_u64(text, 1, 65535, &lo) != 0)
			return false;
		hi = lo;
	} else {
		if ((size_t)(dash - text) >= sizeof(first))
			return false;
		memcpy(first, text, (size_t)(dash - text));
		first[dash - text] = '\0';
		if (parse_u64(first, 1, 65535, &lo) != 0 ||
		    parse_u64(dash + 1, 1, 65535, &hi) != 0 || lo > hi)
			return false;
	}
	*out = (struct fw_port){(unsigned)lo, (unsigned)hi};
	return true;
}

static void
read_ports(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fw_allow *a = field;
	const struct yaml_node *const one[] = {n};
	const struct yaml_node *const *v = one;
	size_t count = 1;

	if (n->kind != YAML_TEXT) {
		if (!conf_is_list(in, k, n))
			return;
		v = (const struct yaml_node *const *)n->items;
		count = n->n;
	}
	for (size_t i = 0; i < count; i++) {
		if (!conf_is(in, k, v[i], YAML_TEXT))
			continue;
		if (!port_parse(v[i]->text, &a->ports[a->n_ports]))
			conf_bad(in, k, v[i]);
		else
			a->n_ports++;
	}
}

static const char *const protocols[] = {
    "tcp", "udp", "sctp", "icmp", "esp", "gre"};
#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))
#define N_WITH_PORT 3 /* the first of them */

static bool
check_proto(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (strcmp(n->text, protocols[i]) == 0)
			return true;
	conf_error(in->diags, n->pos,
	    "'proto' is %s, expected tcp, udp, sctp, icmp, esp or gre",
	    str_quote(quoted, n->text));
	return false;
}

static bool
check_interface(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	/* "+" alone is every interface, which is said by naming none. */
	if (n->n > 0 && n->n <= 15 && n->text[0] != '-' &&
	    strcmp(n->text, "+") != 0 &&
	    strspn(n->text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
		"YZ0123456789._-+") == n->n)
		return true;
	conf_error(in->diags, n->pos,
	    "'interface' is %s, expected a name such as eth0",
	    str_quote(quoted, n->text));
	return false;
}

static const struct conf_key allow_keys[] = {
    {"from", read_cidrs, offsetof(struct fw_allow, from), false,
	"an address, a range or a list of them", 1, 256, NULL},
    {"interface", conf_text, offsetof(struct fw_allow, interface), false,
	"a name such as eth0", 1, 15, check_interface},
    {"port", read_ports, 0, false,
	"a port, a range such as 6000-6010, or a "
	"list of them",
	1, FW_PORTS_MAX, NULL},
    {"proto", conf_text, offsetof(struct fw_allow, proto), false,
	"a protocol such as tcp", 1, 16, check_proto},
    {"to", read_cidrs, offsetof(struct fw_allow, to), false,
	"an address, a range or a list of them", 1, 256, NULL},
};

static bool
has_ports(const char *proto)
{
	for (size_t i = 0; i < N_WITH_PORT; i++)
		if (strcmp(proto, protocols[i]) == 0)
			return true;
	return false;
}

static void
allow_clear(struct fw_allow *a)
{
	free(a->proto);
	free(a->interface);
	strs_clear(&a->from);
	strs_clear(&a->to);
}

/* An entry that says nothing would let everybody in to everything. */
static bool
says_something(struct conf_in *in, struct fw_allow *a)
{
	if (a->n_ports > 0 && a->proto == NULL &&
	    (a->proto = strdup("tcp")) == NULL) {
		conf_nomem(in);
		return false;
	}
	if (a->n_ports > 0 && !has_ports(a->proto)) {
		conf_error(in->diags, a->pos,
		    "%s has no ports, expected tcp, udp or sctp", a->proto);
		return false;
	}
	if (a->n_ports == 0 && a->proto == NULL && a->from.n == 0 &&
	    a->to.n == 0 && a->interface == NULL) {
		conf_error(in->diags, a->pos,
		    "an entry of 'allow' is empty, expected port, proto, from, "
		    "to or interface");
		return false;
	}
	return true;
}

static void
read_allow(struct conf_in *in, const struct yaml_node *n, struct fw_chain *c)
{
	size_t before = in->diags->n_errors;
	struct fw_allow a = {.pos = n->pos};

	conf_map(in, n->pos, "an entry of 'allow'", n, allow_keys,
	    sizeof(allow_keys) / sizeof(allow_keys[0]), &a);
	if (in->diags->n_errors > before || in->diags->failed ||
	    !says_something(in, &a)) {
		allow_clear(&a);
		return;
	}
	if (vec_grow(&c->allow, c->n_allow, &c->cap_allow, FW_ALLOWS_MAX) !=
	    0) {
		conf_nomem(in);
		allow_clear(&a);
		return;
	}
	c->allow[c->n_allow++] = a;
}

static void
read_allows(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	if (!conf_is_list(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		read_allow(in, n->items[i], field);
}

static void
read_policy(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"accept", FW_ACCEPT}, {"drop", FW_DROP}, {"reject", FW_REJECT}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(enum fw_verdict *)field = (enum fw_verdict)v;
}

static const struct conf_key chain_keys[] = {
    {"allow", read_allows, 0, false, "a list of what is let through", 1,
	FW_ALLOWS_MAX, NULL},
    {"block", read_cidrs, offsetof(struct fw_chain, block), false,
	"an address, a range or a list of them", 1, 4096, NULL},
    {"policy", read_policy, offsetof(struct fw_chain, policy), true,
	"drop, reject or accept", 0, 0, NULL},
};

static void
read_chain(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, chain_keys,
	    sizeof(chain_keys) / sizeof(chain_keys[0]), field);
}

#define HOOK(h) \
	(offsetof(struct fw_params, hooks) + (h) * sizeof(struct fw_chain))
static const struct conf_key keys[] = {
    {"ensure", state_ensure, offsetof(struct fw_params, absent), false,
	"present or absent", 0, 0, NULL},
    {"forward", read_chain, HOOK(FW_FORWARD), false, "policy, allow and block",
	0, 0, NULL},
    {"input", read_chain, HOOK(FW_INPUT), false, "policy, allow and block", 0,
	0, NULL},
    {"output", read_chain, HOOK(FW_OUTPUT), false, "policy, allow and block", 0,
	0, NULL},
};

void
fw_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	struct fw_params *p = params;
	size_t before = in->diags->n_errors;
	bool any = false;

	conf_map(in, n->pos, "iptables", n, keys,
	    sizeof(keys) / sizeof(keys[0]), p);
	for (int h = 0; h < FW_HOOKS; h++)
		any = any || p->hooks[h].policy != FW_NONE;
	if (!any && !p->absent && in->diags->n_errors == before)
		conf_error(in->diags, n->pos,
		    "iptables has no chain, expected input, forward or output, "
		    "or 'ensure: absent'");
}

void
fw_params_clear(void *params)
{
	struct fw_params *p = params;

	for (int h = 0; h < FW_HOOKS; h++) {
		struct fw_chain *c = &p->hooks[h];

		for (size_t i = 0; i < c->n_allow; i++)
			allow_clear(&c->allow[i]);
		free(c->allow);
		strs_clear(&c->block);
	}
	*p = (struct fw_params){0};
}
