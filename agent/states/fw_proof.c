/* SPDX-License-Identifier: ISC */
/*
 * The lock-out proof of the firewall: do its rules let the operator in to an
 * address and port that sshd listens on?
 */
#include <string.h>

#include "agent/states/fw_host.h"
#include "agent/states/sshd_look.h"
#include "agent/states/words.h"
#include "lib/ssh/cidr.h"

#define LISTEN_MAX 128 /* bytes of "[ADDRESS]:PORT" */

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

/* Can he who comes from there arrive at it at all? */
static bool
serves(const struct listening *l, const char *operator_address)
{
	struct cidr who;

	return operator_address == NULL ||
	    cidr_parse(operator_address, &who) != 0 || who.bits == l->at.bits;
}

static bool
is_open(const struct fw_params *p, const struct listening *l,
    const char *operator_address)
{
	bool any =
	    strcmp(l->address, "0.0.0.0") == 0 || strcmp(l->address, "::") == 0;

	return serves(l, operator_address) &&
	    fw_lets_in(p, operator_address, any ? NULL : l->address, l->port);
}

/*
 * What sshd listens on, and not its `port` lines: those are there, with the
 * default, where each ListenAddress has a port of its own.  A sshd that says
 * nothing proves nothing.
 */
int
fw_proof(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const struct fw_params *p = params;
	struct child_result res = {0};
	bool open = false, far = false, near = false;
	struct slice text, line;
	int r;

	if (p->absent || !host_has(h, "sshd"))
		return 0;
	if ((r = sshd_make_run(h, e)) != 0 ||
	    (r = sshd_run(h, NULL, &res, e)) != 0)
		return r;
	text = (struct slice){(const uint8_t *)res.out, res.out_len};
	while (state_next_line(&text, &line)) {
		struct slice key, value;
		struct listening l;

		if (!state_next_word(&line, &key) ||
		    !slice_is(key, "listenaddress") ||
		    !state_next_word(&line, &value) ||
		    !read_listening(value, &l))
			continue;
		if (is_loopback(&l)) {
			near = true;
			continue;
		}
		far = true;
		open = open || is_open(p, &l, env->operator_address);
	}
	child_result_clear(&res);
	/* One that is for this host alone is not ours to shut. */
	if (open || (near && !far))
		return 0;
	return err_set(e, ERR_DENIED,
	    "these rules let %s in to no address and port of sshd, expected an "
	    "entry under input: allow:",
	    env->operator_address != NULL ? env->operator_address : "nobody");
}
