/* SPDX-License-Identifier: ISC */
/*
 * writ fleet apply: make the order, say what it does, sign it, send it, follow
 * it.  Before the key is used it is said for how many hosts it is, in what
 * steps, and which changes touch a way in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/cli/order.h"
#include "agent/cli/push.h"
#include "agent/cli/status.h"
#include "agent/cli/watch.h"
#include "agent/client/ways.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/cli/signing.h"

#define SECONDS_WAITED 3
#define VERSIONS_MAX   64 /* that hosts have, and are compared with */

/* A version that some host has; f NULL: it does not lie here. */
struct version {
	uint64_t number;
	struct fleet_chain chain;
	struct fleet *f;
};

struct applying {
	struct online o;
	struct host_keys keys;
	struct host_states states;
	struct order order;
	struct version versions[VERSIONS_MAX];
	size_t n_versions;
	struct ways ways;
	size_t unknown; /* hosts whose version does not lie here */
};

static void
applying_clear(struct applying *x)
{
	for (size_t i = 0; i < x->n_versions; i++) {
		fleet_free(x->versions[i].f);
		fleet_chain_clear(&x->versions[i].chain);
	}
	ways_clear(&x->ways);
	order_clear(&x->order);
	host_states_clear(&x->states);
	host_keys_clear(&x->keys);
	online_clear(&x->o);
}

/* --- for whom ------------------------------------------------------------- */

static bool
is_said(const struct strs *said, const char *id)
{
	return said->n == 0 || strs_has(said, id);
}

static int
check_said(const struct applying *x, const struct strs *said, struct err *e)
{
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < said->n; i++) {
		const struct host_known *h =
		    host_known_find(&x->keys, said->v[i]);

		if (h == NULL || h->rejected)
			return err_set(e, ERR_NOTFOUND,
			    "--host: there is no host %s",
			    str_quote(quoted, said->v[i]));
	}
	return 0;
}

static int
find_hosts(const struct cli_args *a, struct applying *x, struct err *e)
{
	const struct strs *said = cli_all(a, "host");
	const char *on = cli_get(a, "on");
	struct job_who *v;
	size_t n = 0;
	int r;

	if (on == NULL && said->n == 0)
		return err_set(e, ERR_USAGE,
		    "on which hosts? expected --on EXPR or --host ID; --on '*' "
		    "is all");
	if ((r = check_said(x, said, e)) != 0)
		return r;
	if ((v = calloc(x->keys.n_hosts + 1, sizeof(*v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < x->keys.n_hosts; i++) {
		const struct host_known *h = &x->keys.hosts[i];

		if (!h->rejected && is_said(said, h->id))
			v[n++] = (struct job_who){h->id, &h->roles};
	}
	r = job_choose(x->o.fleet, v, n, on, &x->order.hosts, e);
	free(v);
	return r;
}

/* --- which ways in -------------------------------------------------------- */

static int
load_version(struct applying *x, struct version *v, struct err *e)
{
	struct conf_diags diags = {0};
	struct err why = {0};
	int r;

	r = fleets_read_past(x->o.by.dir, v->number, &v->chain, &why);
	if (r == 0)
		r = fleet_parse(&v->chain.files, 0, &v->f, &diags);
	conf_diags_clear(&diags);
	/* Signed elsewhere, or by an older writ: it is said, and everything
	   counts as new. */
	return r == ERR_NOMEM ? err_nomem(e) : 0;
}

static int
find_version(struct applying *x, uint64_t number, struct version **out,
    struct err *e)
{
	for (size_t i = 0; i < x->n_versions; i++)
		if (x->versions[i].number == number) {
			*out = &x->versions[i];
			return 0;
		}
	if (x->n_versions == VERSIONS_MAX)
		return err_set(e, ERR_LIMIT,
		    "hosts have more than %d versions of the fleet; apply to "
		    "fewer at a time",
		    VERSIONS_MAX);
	*out = &x->versions[x->n_versions++];
	(*out)->number = number;
	return load_version(x, *out, e);
}

static int
compare_host(struct applying *x, const char *id, const struct grains *grains,
    struct err *e)
{
	const struct host_known *h = host_known_find(&x->keys, id);
	const struct host_state *s = host_state_find(&x->states, id);
	struct version *from = NULL;
	struct strs roles = {0};
	struct fleet_host host = {
	    .id = id, .roles = &roles, .grains = grains, .now = x->o.by.now};
	int r = 0;

	if (s != NULL && s->fleet_version > 0 &&
	    (r = find_version(x, s->fleet_version, &from, e)) != 0)
		return r;
	if (from != NULL && from->f == NULL)
		x->unknown++;
	if ((h != NULL && strs_dup(&h->roles, &roles) != 0) ||
	    fleet_roles(x->o.fleet, id, &roles) != 0)
		r = err_nomem(e);
	else
		r = ways_compare(&x->ways, from != NULL ? from->f : NULL,
		    x->o.fleet, &host, e);
	strs_clear(&roles);
	return r;
}

/* What a host says of itself is not known here, and not believed. */
static int
example_grains(struct grains *g)
{
	int r = 0;

	for (size_t i = 0; i < grain_kinds_n && r == 0; i++)
		r = grains_set(g, grain_kinds[i].name, grain_kinds[i].example);
	return r;
}

static int
compare(struct applying *x, struct err *e)
{
	struct grains g = {0};
	int r = example_grains(&g);

	if (r != 0)
		(void)err_nomem(e);
	for (size_t i = 0; i < x->order.hosts.n && r == 0; i++)
		r = compare_host(x, x->order.hosts.v[i], &g, e);
	grains_clear(&g);
	return r;
}

static int
say(const struct applying *x, struct err *e)
{
	struct str s = STR_INIT;

	order_describe(&x->order, &s);
	str_add(&s,
	    x->ways.n > 0 ? "touches ways in:\n" : "touches no way in\n");
	ways_describe(&x->ways, x->order.hosts.n, &s);
	if (x->unknown > 0)
		str_addf(&s,
		    "what %zu host%s now does not lie here, so all of it is "
		    "counted as new\n",
		    x->unknown, x->unknown == 1 ? " has" : "s have");
	return online_note(&x->o, &s, e);
}

/* --- signing and sending -------------------------------------------------- */

/* One key is not enough where the policy asks for two persons. */
static int
check_threshold(const struct applying *x, struct err *e)
{
	unsigned need = x->o.by.trust.root->thresholds.fleet;
	int r;

	if (need <= 1)
		return 0;
	r = err_set(e, ERR_WAIT,
	    "a job needs the signatures of %u operators, and this would have "
	    "one",
	    need);
	err_hint(e,
	    "-o FILE keeps it; writ fleet job --add FILE signs it too; writ "
	    "fleet send FILE");
	return r;
}

static int
check_fleet(struct applying *x, struct err *e)
{
	struct str text = STR_INIT;
	int r;

	if (x->o.fleet == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "%s: no fleet has been signed yet", x->o.by.dir);
	r = fleet_expiry(&x->o.held, &x->o.by.trust, x->o.by.now, &text, e);
	if (text.n > 0)
		cli_warn("%s", text.p);
	str_clear(&text);
	return r < 0 ? r : 0;
}

/* The hosts fetch it from there, so it is there before the order is. */
static int
bring_fleet(struct applying *x, struct err *e)
{
	if (x->o.master.fleet_version >= x->o.held.version)
		return 0;
	return push_fleet(&x->o, e);
}

/* Of two jobs the later one is newer, and a second is the least there is: an
 * order right after another one waits for the next. */
static void
wait_for_a_second(struct applying *x)
{
	int64_t newest = jobs_newest(&x->o), now = clock_now();

	/* A clock that is further behind is for a person to mend. */
	while (newest >= now && newest - now < SECONDS_WAITED) {
		(void)usleep(50 * 1000);
		now = clock_now();
	}
	x->order.job.at = now;
}

static int
keep_targets(const struct applying *x, const char *out, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_joinf(&path, "%s.targets", out) != 0)
		return err_nomem(e);
	r = file_write(path, x->order.targets.p, x->order.targets.n, 0644,
	    FILE_NEW, e);
	free(path);
	return r;
}

static int
order(const struct cli_args *a, struct applying *x, struct hash *name,
    struct err *e)
{
	const char *out = cli_get(a, "o");
	struct saying y = {
	    .s = &x->order.job, .targets = x->order.targets.p, .out = out};
	int r;

	if ((r = say(x, e)) != 0)
		return r;
	if (!cli_flag(a, "y") && !cli_confirm("Sign this job?"))
		return err_set(e, ERR_DENIED, "not signed");
	wait_for_a_second(x);
	if ((out == NULL && (r = bring_fleet(x, e)) != 0) ||
	    (out != NULL && (r = keep_targets(x, out, e)) != 0) ||
	    (r = online_say(&x->o, &y, e)) != 0)
		return r;
	*name = y.name;
	return 0;
}

static int
follow(const struct cli_args *a, struct applying *x, const struct hash *name,
    struct err *e)
{
	struct watched w = {.name = *name,
	    .version = x->o.held.version,
	    .enforce = x->order.job.u.job.enforce};
	struct str s = STR_INIT;
	char hex[HASH_HEX];
	int r;

	hash_hex(name, hex);
	str_addf(&s, "job %.12s\n", hex);
	if ((r = online_note(&x->o, &s, e)) != 0)
		return r;
	if (cli_flag(a, "detach"))
		return 0;
	if ((r = targets_parse(slice_of(x->order.targets.p, x->order.targets.n),
		 &w.targets, e)) == 0)
		r = watch_job(&x->o, &w, a, e);
	targets_clear(&w.targets);
	return r;
}

/* --- the command ---------------------------------------------------------- */

static int
run_apply(struct cli_args *a, struct err *e)
{
	struct applying *x;
	struct hash name;
	int r;

	if ((x = calloc(1, sizeof(*x))) == NULL)
		return err_nomem(e);
	order_init(&x->order);
	x->o.json = cli_flag(a, "json");
	if ((r = watch_check(a, e)) != 0 ||
	    (r = online_open(a, ONLINE_SIGNS | ONLINE_FAR, &x->o, e)) != 0 ||
	    (r = check_fleet(x, e)) != 0 ||
	    (cli_get(a, "o") == NULL && (r = check_threshold(x, e)) != 0) ||
	    (r = online_connect(&x->o, e)) != 0 ||
	    (r = online_keys(&x->o, &x->keys, e)) != 0 ||
	    (r = online_states(&x->o, NULL, &x->states, e)) != 0 ||
	    (r = find_hosts(a, x, e)) != 0 ||
	    (r = order_make(&x->order, a, &x->o.by, &x->o.held, e)) != 0 ||
	    (r = compare(x, e)) != 0 || (r = order(a, x, &name, e)) != 0)
		goto out;
	if (cli_get(a, "o") == NULL)
		r = follow(a, x, &name, e);
out:
	applying_clear(x);
	free(x);
	return r;
}

static const struct cli_option options[] = {ONLINE_KEY,
    {0, "on", "EXPR", "the hosts that match; '*' is all"},
    {0, "host", "ID", "a host; may be repeated"}, ORDER_OPTIONS,
    {0, "detach", NULL, "do not follow it"}, WATCH_OPTIONS, ONLINE_OUT,
    ONLINE_MASTER, CLI_YES};

const struct cli_command cmd_apply = {.name = "apply",
    .operands = "",
    .summary = "bring hosts to the published fleet, in steps",
    CLI_OPTIONS(options),
    .run = run_apply};
