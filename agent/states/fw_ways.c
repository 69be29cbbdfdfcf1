/* SPDX-License-Identifier: ISC */
#include "agent/states/fw_ways.h"

#include <string.h>

#include "agent/states/words.h"

static bool
copy(struct slice word, char *out, size_t max)
{
	if (word.n == 0 || word.n >= max)
		return false;
	memcpy(out, word.p, word.n);
	out[word.n] = '\0';
	return true;
}

static int
add(struct fw_ways *w, struct slice interface, struct slice to, struct err *e)
{
	if (w->n == FW_WAYS_MAX)
		return err_set(e, ERR_DENIED,
		    "this host has more than %d addresses, expected the "
		    "operator's in agent.yaml",
		    FW_WAYS_MAX);
	if (!copy(interface, w->v[w->n].interface, FW_INTERFACE_MAX) ||
	    !copy(to, w->v[w->n].to, FW_ADDRESS_MAX))
		return err_set(e, ERR_DENIED, "ip prints no way in");
	w->n++;
	return 0;
}

/*
 * "192.0.2.1 via 10.0.0.1 dev eth0 src 10.0.0.2 uid 0"; what is on this host
 * begins with "local" and is no way in.  ERR_DENIED: there is no route.
 */
static int
add_route(struct host *h, const char *address, struct fw_ways *w, struct err *e)
{
	const char *argv[] = {"ip", "route", "get", address, NULL};
	struct slice text, line, word, interface = {0}, to = {0};
	struct child_result res = {0};
	bool local = false;
	int r;

	if ((r = host_run_ok(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	text = slice_of(res.out, res.out_len);
	if (state_next_line(&text, &line))
		for (size_t i = 0; state_next_word(&line, &word); i++) {
			local = local || (i == 0 && slice_is(word, "local"));
			if (slice_is(word, "dev"))
				(void)state_next_word(&line, &interface);
			else if (slice_is(word, "src"))
				(void)state_next_word(&line, &to);
		}
	r = local ? 0 : add(w, interface, to, e);
	child_result_clear(&res);
	return r;
}

static int
add_operator(struct host *h, const char *address, struct fw_ways *w,
    struct err *e)
{
	char first[FW_ADDRESS_MAX];

	if (!copy(slice_of(address, strcspn(address, "/")), first,
		sizeof(first)))
		return err_set(e, ERR_DENIED,
		    "the operator's address is too long");
	return add_route(h, first, w, e);
}

/* "192.0.2.1:2023" and "[2001:db8::1]:2023".  One that cannot be reached is no way. */
static int
add_master(struct host *h, const char *master, struct fw_ways *w, struct err *e)
{
	const bool six = master[0] == '[';
	const char *end = six ? strchr(master, ']') : strrchr(master, ':');
	char address[FW_ADDRESS_MAX];
	int r;

	master += six;
	if (end == NULL ||
	    !copy(slice_of(master, (size_t)(end - master)), address,
		sizeof(address)))
		return 0;
	r = add_route(h, address, w, e);
	return r == ERR_DENIED ? 0 : r;
}

/* "2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global eth0", a line each. */
static int
add_all(struct host *h, struct fw_ways *w, struct err *e)
{
	const char *argv[] = {
	    "ip", "-o", "addr", "show", "scope", "global", NULL};
	struct slice text, line, number, interface, family, to;
	struct child_result res = {0};
	int r;

	if ((r = host_run_ok(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	text = slice_of(res.out, res.out_len);
	while (r == 0 && state_next_line(&text, &line)) {
		const uint8_t *slash;

		if (!state_next_word(&line, &number) ||
		    !state_next_word(&line, &interface) ||
		    !state_next_word(&line, &family) ||
		    (!slice_is(family, "inet") && !slice_is(family, "inet6")) ||
		    !state_next_word(&line, &to))
			continue;
		if ((slash = memchr(to.p, '/', to.n)) != NULL)
			to.n = (size_t)(slash - to.p);
		r = add(w, interface, to, e);
	}
	child_result_clear(&res);
	w->all = true;
	return r;
}

int
fw_ways_read(struct host *h, const struct state_env *env, struct fw_ways *out,
    struct err *e)
{
	const struct strs *masters = env->master_addresses;
	int r = 0;

	out->n = 0;
	out->all = false;
	if (env->operator_address != NULL)
		r = add_operator(h, env->operator_address, out, e);
	else if (masters != NULL)
		for (size_t i = 0; r == 0 && i < masters->n; i++)
			r = add_master(h, masters->v[i], out, e);
	return r == 0 && out->n == 0 ? add_all(h, out, e) : r;
}
