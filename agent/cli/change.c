/* SPDX-License-Identifier: ISC */
/*
 * writ fleet reject, rename, forget: what becomes of a host; writ fleet send:
 * what was signed before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/online.h"
#include "lib/base/file.h"
#include "lib/cli/signing.h"
#include "lib/trust/fleet_job.h"

/* One statement of an operator about a host. */
struct changing {
	struct online o;
	struct statement s;
	struct str done;
};

static int
begin(const struct cli_args *a, enum statement_type type, struct changing *c,
    struct err *e)
{
	unsigned flags = ONLINE_SIGNS;
	int r;

	statement_init(&c->s, type);
	/* What is kept in a file needs nobody. */
	if (cli_get(a, "o") == NULL)
		flags |= ONLINE_FAR;
	if ((r = online_open(a, flags, &c->o, e)) != 0)
		return r;
	return cli_new_statement(&c->s, type, &c->o.by.trust.realm,
	    c->o.by.person, e);
}

static int
finish(const struct cli_args *a, struct changing *c, const char *question,
    struct err *e)
{
	const char *out = cli_get(a, "o");
	int r;

	if (str_check(&c->done) != 0)
		return err_nomem(e);
	if (out == NULL && c->o.master.link == NULL &&
	    (r = online_connect(&c->o, e)) != 0)
		return r;
	return online_say(&c->o,
	    &(struct saying){.s = &c->s,
		.question = question,
		.done = c->done.p,
		.yes = cli_flag(a, "y"),
		.out = out},
	    e);
}

static void
changing_clear(struct changing *c)
{
	statement_clear(&c->s);
	str_clear(&c->done);
	online_clear(&c->o);
}

static int
check_id(const char *id, struct err *e)
{
	char quoted[QUOTE_MAX];

	return id_is_valid(id) ? 0
			       : err_set(e, ERR_USAGE,
				     "%s is no id of a host, expected "
				     "[a-z0-9._@+-]",
				     str_quote(quoted, id));
}

static int
reason_of(const struct cli_args *a, char **out, struct err *e)
{
	const char *reason = cli_get(a, "m");

	if (reason == NULL)
		return err_set(e, ERR_USAGE, "why? expected -m REASON");
	return (*out = str_dup(reason)) != NULL ? 0 : err_nomem(e);
}

/* --- reject --------------------------------------------------------------- */

/* One that waits, or one that was accepted; where both have that name, it has
 * to be said which. */
static int
whom(const struct cli_args *a, struct changing *c, const char *what,
    struct err *e)
{
	struct rejection *x = &c->s.u.reject;
	const struct host_asks *asks = NULL;
	struct host_keys keys = {0};
	struct str text = STR_INIT;
	struct err why = {0};
	bool host;
	int r;

	if (cli_flag(a, "host"))
		return (x->host = str_dup(what)) != NULL ? 0 : err_nomem(e);
	if (c->o.places.n == 0 &&
	    (r = master_places(c->o.fleet, c->o.by.trust.policy,
		 cli_get(a, "master"), &c->o.places, e)) != 0)
		return r;
	if ((r = online_connect(&c->o, e)) != 0 ||
	    (r = online_keys(&c->o, &keys, e)) != 0)
		goto out;
	host = host_known_find(&keys, what) != NULL;
	r = host_asks_find(&keys, what, &asks, &why);
	if (r == 0 && host) {
		r = err_set(e, ERR_USAGE,
		    "%s is a host, and one that waits would like to be, "
		    "expected --host or the hash of its enrol",
		    what);
	} else if (r == 0) {
		host_asks_describe(asks, &text);
		x->enrol = asks->enrol.hash;
		r = cli_print(&text, e);
	} else if (host) {
		r = (x->host = str_dup(what)) != NULL ? 0 : err_nomem(e);
	} else if (e != NULL) {
		*e = why;
	}
out:
	host_keys_clear(&keys);
	return r;
}

static int
run_reject(struct cli_args *a, struct err *e)
{
	struct changing c = {.done = STR_INIT};
	int r;

	if ((r = begin(a, ST_REJECT, &c, e)) != 0 ||
	    (r = reason_of(a, &c.s.u.reject.reason, e)) != 0 ||
	    (cli_flag(a, "host") &&
		(r = check_id(cli_operand(a, 0), e)) != 0) ||
	    (r = whom(a, &c, cli_operand(a, 0), e)) != 0)
		goto out;
	str_addf(&c.done, "%s is rejected", cli_operand(a, 0));
	r = finish(a, &c, "Reject it?", e);
out:
	changing_clear(&c);
	return r;
}

/* --- rename, forget ------------------------------------------------------- */

static int
run_rename(struct cli_args *a, struct err *e)
{
	const char *host = cli_operand(a, 0), *to = cli_operand(a, 1);
	const struct strs *names = cli_all(a, "name");
	struct changing c = {.done = STR_INIT};
	struct rename_host *x = &c.s.u.rename;
	int r;

	if ((r = check_id(host, e)) != 0 || (r = check_id(to, e)) != 0)
		return r;
	if ((r = begin(a, ST_RENAME, &c, e)) != 0)
		goto out;
	if ((x->host = str_dup(host)) == NULL ||
	    (x->to = str_dup(to)) == NULL ||
	    (names->n > 0 ? strs_dup(names, &x->names)
			  : strs_add(&x->names, to)) != 0) {
		r = err_nomem(e);
		goto out;
	}
	str_addf(&c.done, "%s is %s now", host, to);
	r = finish(a, &c, "Rename it?", e);
out:
	changing_clear(&c);
	return r;
}

static int
run_forget(struct cli_args *a, struct err *e)
{
	const char *host = cli_operand(a, 0);
	struct changing c = {.done = STR_INIT};
	int r;

	if ((r = check_id(host, e)) != 0)
		return r;
	if ((r = begin(a, ST_FORGET, &c, e)) != 0 ||
	    (r = reason_of(a, &c.s.u.forget.reason, e)) != 0)
		goto out;
	if ((c.s.u.forget.host = str_dup(host)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	str_addf(&c.done, "%s is forgotten", host);
	r = finish(a, &c, "Forget it?", e);
out:
	changing_clear(&c);
	return r;
}

/* --- send ----------------------------------------------------------------- */

static const enum statement_type sent_types[] = {
    ST_ACCEPT, ST_REJECT, ST_RENAME, ST_FORGET, ST_TOKEN, ST_JOB};

/* Read, and found to be what an operator says: the master has the rest to say.
 * Of a job its targets too, in FILE.targets. */
static int
read_said(const struct online *o, const char *path, struct statement *s,
    char **targets, struct err *e)
{
	char *beside = NULL;
	bool known = false;
	size_t n;
	int r;

	if ((r = cli_read_statement(path, s, e)) != 0 ||
	    (r = statement_verify(s, e)) != 0)
		return r;
	for (size_t i = 0; i < sizeof(sent_types) / sizeof(sent_types[0]); i++)
		known |= s->type == sent_types[i];
	if (!known)
		return err_set(e, ERR_PARSE,
		    "%s: a %s, expected what an operator says of hosts", path,
		    statement_type_name(s->type));
	if (!hash_equal(&s->realm, &o->by.trust.realm))
		return err_set(e, ERR_DENIED, "%s: is of another root of trust",
		    path);
	if (s->type != ST_JOB)
		return 0;
	if (path_joinf(&beside, "%s.targets", path) != 0)
		return err_nomem(e);
	r = file_read(beside, TARGETS_MAX, targets, &n, e);
	free(beside);
	return r;
}

static int
send_file(struct online *o, const char *path, struct err *e)
{
	char *targets = NULL;
	struct str done = STR_INIT;
	struct statement s;
	int r;

	statement_init(&s, ST_ACCEPT);
	if ((r = read_said(o, path, &s, &targets, e)) != 0)
		goto out;
	str_addf(&done, "%s: the %s is taken", path,
	    statement_type_name(s.type));
	if ((r = online_send(o, statement_bytes(&s), targets, done.p, e)) ==
		0 &&
	    s.type == ST_JOB) {
		char hex[HASH_HEX];

		hash_hex(&s.hash, hex);
		printf("writ fleet watch %.12s\n", hex);
	}
out:
	free(targets);
	str_clear(&done);
	statement_clear(&s);
	return r;
}

static int
run_send(struct cli_args *a, struct err *e)
{
	struct online o = {0};
	int r = online_ask(a, &o, e);

	for (size_t i = 0; i < cli_n_operands(a) && r == 0; i++)
		r = send_file(&o, cli_operand(a, i), e);
	online_clear(&o);
	return r;
}

/* --- the commands --------------------------------------------------------- */

static const struct cli_option reject_options[] = {ONLINE_KEY,
    {'m', NULL, "REASON", "why"},
    {0, "host", NULL, "one that was accepted, by its id"}, ONLINE_OUT,
    ONLINE_MASTER, CLI_YES};
static const struct cli_option rename_options[] = {ONLINE_KEY,
    {0, "name", "NAME", "a name in its certificate (its id); repeatable"},
    ONLINE_OUT, ONLINE_MASTER, CLI_YES};
static const struct cli_option forget_options[] = {ONLINE_KEY,
    {'m', NULL, "REASON", "why"}, ONLINE_OUT, ONLINE_MASTER, CLI_YES};
static const struct cli_option send_options[] = {ONLINE_KEY, ONLINE_MASTER};

const struct cli_command cmd_reject = {.name = "reject",
    .operands = "ENROL|HOST",
    .summary = "refuse a host that asks, or one that was accepted",
    CLI_OPTIONS(reject_options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_reject};
const struct cli_command cmd_rename = {.name = "rename",
    .operands = "HOST TO",
    .summary = "give a host another id",
    CLI_OPTIONS(rename_options),
    .min_operands = 2,
    .max_operands = 2,
    .run = run_rename};
const struct cli_command cmd_forget = {.name = "forget",
    .operands = "HOST",
    .summary = "a host is gone: its id and keys are free again",
    CLI_OPTIONS(forget_options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_forget};
const struct cli_command cmd_send = {.name = "send",
    .operands = "FILE ...",
    .summary = "send statements that were kept with -o",
    CLI_OPTIONS(send_options),
    .min_operands = 1,
    .max_operands = CLI_ANY,
    .run = run_send};
