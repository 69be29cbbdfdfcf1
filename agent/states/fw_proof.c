/* SPDX-License-Identifier: ISC */
/*
 * The lock-out proof of the firewall: would sshd still be reached, where it
 * listens, by whoever must get in?
 *
 * An entry that names an interface counts for the way by which the kernel would
 * answer the operator, where his address is known, else one of the masters, else
 * for each address of the host; so does one that names an address of the host,
 * where sshd listens on all of them.
 */
#include <string.h>

#include "agent/states/fw_host.h"
#include "agent/states/fw_ways.h"
#include "agent/states/sshd_look.h"
#include "agent/states/words.h"
#include "lib/ssh/cidr.h"

#define LISTEN_MAX 128 /* bytes of "[ADDRESS]:PORT" */

/* --- where sshd listens --- */

/* "0.0.0.0:22", "[::]:22": what a listenaddress line says. */
struct listening {
	char text[LISTEN_MAX];
	const char *address; /* in text */
	unsigned port;
	struct cidr at;
};

static bool
read_listening(struct slice value, struct listening *out)
{
	uint64_t port;
	char *colon, *end;

	if (value.n >= sizeof(out->text))
		return false;
	memcpy(out->text, value.p, value.n);
	out->text[value.n] = '\0';
	if ((colon = strrchr(out->text, ':')) == NULL ||
	    parse_u64(colon + 1, 1, 65535, &port) != 0)
		return false;
	*colon = '\0';
	out->address = out->text;
	if (out->text[0] == '[' && (end = strchr(out->text, ']')) != NULL) {
		*end = '\0';
		out->address++;
	}
	out->port = (unsigned)port;
	return cidr_parse(out->address, &out->at) == 0;
}

/* The next `listenaddress` of sshd -T, and not its `port` lines: those are there,
 * with the default, where each ListenAddress has a port of its own. */
static bool
next_listening(struct slice *said, struct listening *out)
{
	struct slice line, key, value;

	while (state_next_line(said, &line))
		if (state_next_word(&line, &key) &&
		    slice_is(key, "listenaddress") &&
		    state_next_word(&line, &value) &&
		    read_listening(value, out))
			return true;
	return false;
}

/* A sshd that does not say where it listens proves nothing. */
static int
ask_sshd(struct host *h, struct child_result *res, struct err *e)
{
	struct listening l;
	struct slice said;
	int r;

	if ((r = sshd_make_run(h, e)) != 0)
		return r;
	if ((r = sshd_run(h, NULL, res, e)) == 0) {
		said = slice_of(res->out, res->out_len);
		if (!next_listening(&said, &l))
			r = err_set(e, ERR_DENIED,
			    "it prints no listenaddress");
	}
	if (r != 0) {
		err_prefix(e,
		    "sshd -T does not say where sshd listens, and until it "
		    "does no rules are loaded");
		err_hint(e, "run sshd -T on the host, and mend what it names");
	}
	return r;
}

static bool
within(const char *range, const struct cidr *what)
{
	struct cidr c;

	return cidr_parse(range, &c) == 0 && cidr_contains(&c, what);
}

/* An address of the host's own, which no rule of ours shuts. */
static bool
is_loopback(const struct listening *l)
{
	return within("127.0.0.0/8", &l->at) || within("::1", &l->at);
}

/* One that is for this host alone is not ours to shut. */
static bool
is_for_itself(struct slice said)
{
	struct listening l;

	while (next_listening(&said, &l))
		if (!is_loopback(&l))
			return false;
	return true;
}

static bool
is_any(const struct listening *l)
{
	return strcmp(l->address, "0.0.0.0") == 0 ||
	    strcmp(l->address, "::") == 0;
}

static bool
is_family(const char *address, const struct listening *l)
{
	struct cidr c;

	return address == NULL || cidr_parse(address, &c) != 0 ||
	    c.bits == l->at.bits;
}

/* Does he who comes that way arrive there at all? */
static bool
serves(const struct listening *l, const struct fw_way *way)
{
	return !is_loopback(l) && is_family(way->from, l) &&
	    is_family(way->to, l) &&
	    (way->to == NULL || is_any(l) || within(way->to, &l->at));
}

/* --- ways to it --- */

/* The port is of whichever place of sshd's serves the way. */
static bool
is_served(struct slice said, const struct fw_way *way)
{
	struct listening l;

	while (next_listening(&said, &l))
		if (serves(&l, way))
			return true;
	return false;
}

static bool
one_lets_in(const struct fw_params *p, struct slice said, struct fw_way way)
{
	const char *to = way.to;
	struct listening l;

	while (next_listening(&said, &l)) {
		way.to = to;
		if (!serves(&l, &way))
			continue;
		way.port = l.port;
		if (!is_any(&l))
			way.to = l.address;
		if (fw_lets_in(p, &way))
			return true;
	}
	return false;
}

/* The way that would be shut is said. */
static int
ways_let_in(const struct fw_params *p, struct slice said,
    const struct fw_ways *ways, const char *from, struct err *e)
{
	size_t shut = ways->n, open = 0, closed = 0;

	for (size_t i = ways->n; i-- > 0;) {
		const struct fw_way way = {.from = from,
		    .interface = ways->v[i].interface,
		    .to = ways->v[i].to};

		if (one_lets_in(p, said, way)) {
			open++;
		} else if (!ways->all || is_served(said, &way)) {
			closed++;
			shut = i;
		}
	}
	if (open > 0 && (closed == 0 || !ways->all))
		return 0;
	return err_set(e, ERR_DENIED,
	    "these rules let %s in to sshd by %s at %s at none of its ports, "
	    "expected an entry under input: allow: for it",
	    from != NULL ? from : "nobody",
	    shut < ways->n ? ways->v[shut].interface : "any interface",
	    shut < ways->n ? ways->v[shut].to : "any address");
}

int
fw_proof(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const char *from = env->operator_address;
	const struct fw_params *p = params;
	struct child_result res = {0};
	struct fw_ways ways;
	struct slice said;
	int r;

	if (p->absent || !host_has(h, "sshd"))
		return 0;
	if ((r = ask_sshd(h, &res, e)) != 0)
		goto out;
	said = slice_of(res.out, res.out_len);
	if (is_for_itself(said) ||
	    one_lets_in(p, said, (struct fw_way){.from = from}))
		goto out;
	if (!fw_asks_way(p))
		r = err_set(e, ERR_DENIED,
		    "these rules let %s in to no address and port of sshd, "
		    "expected an entry under input: allow:",
		    from != NULL ? from : "nobody");
	else if ((r = fw_ways_read(h, env, &ways, e)) == 0)
		r = ways_let_in(p, said, &ways, from, e);
	else
		err_prefix(e,
		    "an entry with 'interface' or 'to' is a way in where it is "
		    "known how sshd is reached");
out:
	child_result_clear(&res);
	return r;
}
