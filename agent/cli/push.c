/* SPDX-License-Identifier: ISC */
/*
 * writ fleet push: the signed policy and the signed fleet, to the masters.  It
 * moves no host: a job does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/online.h"
#include "agent/cli/push.h"
#include "lib/base/json.h"
#include "lib/bundle/bundles.h"

static int
put_file(struct master *m, const char *path, const uint8_t *p, size_t n,
    struct err *e)
{
	struct str call = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "put");
	jw_base64(&w, "data", p, n);
	jw_end(&w, '}');
	if ((r = master_call(m, &call, NULL, NULL, e)) != 0)
		err_prefix(e, "%s", path);
	return r;
}

static int
put_files(struct master *m, const struct policy_files *files, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < files->n && r == 0; i++)
		r = put_file(m, files->v[i].path, files->v[i].data,
		    files->v[i].n, e);
	return r;
}

static void
add_text(struct jw *w, const char *key, struct slice text)
{
	jw_strn(w, key, (const char *)text.p, text.n);
}

/* --- the policy ----------------------------------------------------------- */

/* It has the roots up to its own. */
static int
call_policy(struct master *m, const struct bundle_chain *c, struct err *e)
{
	struct str call = STR_INIT;
	struct jw w;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "push");
	jw_str(&w, "what", "policy");
	jw_begin(&w, "roots", '[');
	for (size_t i = (size_t)m->root_version; i < c->n_roots; i++) {
		jw_begin(&w, NULL, '{');
		add_text(&w, "file", c->root_files[i]);
		add_text(&w, "statement", c->root_statements[i]);
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	add_text(&w, "statement", c->statement);
	add_text(&w, "manifest", c->manifest);
	jw_end(&w, '}');
	return master_call(m, &call, NULL, NULL, e);
}

static int
push_policy(struct online *o, struct err *e)
{
	uint64_t ours = o->by.trust.policy->version;
	struct bundle_chain *c;
	int r;

	if (o->master.policy_version >= ours) {
		printf("%s has policy %llu already\n", o->master.address,
		    (unsigned long long)o->master.policy_version);
		return 0;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(o->by.dir, c, e)) == 0 &&
	    (r = put_files(&o->master, &c->files, e)) == 0 &&
	    (r = call_policy(&o->master, c, e)) == 0)
		printf("%s has policy %llu now\n", o->master.address,
		    (unsigned long long)ours);
	bundle_chain_clear(c);
	free(c);
	return r;
}

/* --- the fleet ------------------------------------------------------------ */

static int
call_fleet(struct master *m, const struct fleet_chain *c, struct err *e)
{
	struct str call = STR_INIT;
	struct jw w;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "push");
	jw_str(&w, "what", "fleet");
	add_text(&w, "statement", c->statement);
	add_text(&w, "manifest", c->manifest);
	jw_end(&w, '}');
	return master_call(m, &call, NULL, NULL, e);
}

static int
push_version(struct online *o, uint64_t version, struct err *e)
{
	struct fleet_chain c = {0};
	struct str s = STR_INIT;
	int r;

	if ((r = fleets_read_past(o->by.dir, version, &c, e)) != 0 ||
	    (r = put_files(&o->master, &c.files, e)) != 0 ||
	    (r = call_fleet(&o->master, &c, e)) != 0) {
		err_prefix(e, "fleet %llu", (unsigned long long)version);
		goto out;
	}
	str_addf(&s, "%s has fleet %llu now\n", o->master.address,
	    (unsigned long long)version);
	o->master.fleet_version = version;
	r = online_note(o, &s, e);
out:
	str_clear(&s);
	fleet_chain_clear(&c);
	return r;
}

/* It follows version by version, so that it sees that nobody ran ahead, and has
 * the chain for hosts that were off.  One that has none begins with the newest. */
int
push_fleet(struct online *o, struct err *e)
{
	uint64_t has = o->master.fleet_version;
	int r;

	/* One between may be past its time, and the newest not. */
	r = fleet_expiry(&o->held, &o->by.trust, o->by.now, NULL, e);
	if (r < 0) {
		err_prefix(e, "fleet %llu",
		    (unsigned long long)o->held.version);
		return r;
	}
	r = 0;
	for (uint64_t v = has > 0 ? has + 1 : o->held.version;
	     v <= o->held.version && r == 0; v++)
		r = push_version(o, v, e);
	return r;
}

/* --- the command ---------------------------------------------------------- */

static int
push_to(struct online *o, const struct master_place *where, struct err *e)
{
	int r;

	if ((r = master_connect(&o->master, where, e)) != 0 ||
	    (r = push_policy(o, e)) != 0 || o->fleet == NULL)
		return r;
	if (o->master.fleet_version >= o->held.version) {
		printf("%s has fleet %llu already\n", o->master.address,
		    (unsigned long long)o->master.fleet_version);
		return 0;
	}
	return push_fleet(o, e);
}

/* Each is tried; the first failure is the one that is told last. */
static int
run_push(struct cli_args *a, struct err *e)
{
	struct online o = {0};
	struct err first = {0};
	int r, failed = 0;

	if ((r = online_open(a, ONLINE_FAR, &o, e)) != 0)
		goto out;
	for (size_t i = 0; i < o.places.n; i++) {
		struct err why = {0};

		if ((r = push_to(&o, &o.places.v[i], &why)) == 0)
			continue;
		if (failed == 0) {
			failed = r;
			first = why;
		} else {
			cli_warn("%s", why.msg);
		}
	}
	r = failed;
	if (failed != 0 && e != NULL)
		*e = first;
out:
	online_clear(&o);
	return r;
}

static const struct cli_option options[] = {ONLINE_KEY, ONLINE_MASTER};

const struct cli_command cmd_push = {.name = "push",
    .operands = "",
    .summary = "send the masters what is published; moves no host",
    CLI_OPTIONS(options),
    .run = run_push};
