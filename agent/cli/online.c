/* SPDX-License-Identifier: ISC */
#include "agent/cli/online.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/client/submit.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/cli/signing.h"

/* --- what is here --------------------------------------------------------- */

/* The published fleet, for where its masters are and what it holds.  When it
 * ends is asked by whoever signs an order for it. */
static int
load_fleet(struct online *o, struct err *e)
{
	struct conf_diags diags = {0};
	struct err why = {0};
	int r;

	r = fleets_load(o->by.dir, &o->by.trust, false, 0, &o->held, &o->chain,
	    &why);
	if (r == ERR_NOTFOUND && !o->held.have && o->chain.version == 0)
		return 0;
	if (r < 0) {
		if (e != NULL)
			*e = why;
		return r;
	}
	if ((r = fleet_parse(&o->chain.files, 0, &o->fleet, &diags)) != 0)
		r = conf_diags_err(&diags, r, e);
	conf_diags_clear(&diags);
	return r;
}

static void
say_warning(void *ctx, const char *sentence)
{
	(void)ctx;
	cli_warn("%s", sentence);
}

int
online_open(const struct cli_args *a, unsigned flags, struct online *o,
    struct err *e)
{
	int r;

	if ((flags & ONLINE_SIGNS) != 0) {
		r = fleet_signer_open(a, &o->by, e);
	} else {
		o->by.dir = cli_dir(a);
		o->by.key_path = cli_get(a, "i");
		o->by.now = clock_now();
		trust_init(&o->by.trust);
		r = cli_load_trust(o->by.dir, o->by.now, &o->by.trust, e);
	}
	master_init(&o->master, &o->by.trust, o->by.key_path);
	o->master.say = say_warning;
	if (r != 0 || (r = load_fleet(o, e)) != 0 || (flags & ONLINE_FAR) == 0)
		return r;
	return master_places(o->fleet, o->by.trust.policy, cli_get(a, "master"),
	    &o->places, e);
}

int
online_connect(struct online *o, struct err *e)
{
	int r;

	if ((r = master_connect_any(&o->master, &o->places, e)) != 0)
		return r;
	return master_send_kept(&o->master, o->by.dir, e);
}

int
online_ask(const struct cli_args *a, struct online *o, struct err *e)
{
	int r = online_open(a, ONLINE_FAR, o, e);

	return r == 0 ? online_connect(o, e) : r;
}

void
online_clear(struct online *o)
{
	master_clear(&o->master);
	master_places_clear(&o->places);
	fleet_free(o->fleet);
	fleet_chain_clear(&o->chain);
	fleet_signer_clear(&o->by);
}

int
online_call(struct online *o, const char *name, json_t **body, struct err *e)
{
	struct str call = STR_INIT;

	str_addf(&call, "{\"call\":\"%s\"}", name);
	return master_call(&o->master, &call, NULL, body, e);
}

int
online_keys(struct online *o, struct host_keys *out, struct err *e)
{
	uint64_t next = 0;
	int r;

	do {
		struct str call = STR_INIT;
		json_t *body = NULL;
		uint64_t after = next;

		str_addf(&call, "{\"call\":\"keys\",\"after\":\"%llu\"}",
		    (unsigned long long)after);
		if ((r = master_call(&o->master, &call, NULL, &body, e)) == 0 &&
		    (r = host_keys_parse(body, &o->by.trust.realm, out, &next,
			 e)) != 0)
			err_prefix(e, "%s: keys", o->master.address);
		json_decref(body);
		if (r == 0 && next != 0 && next <= after)
			r = err_set(e, ERR_PARSE,
			    "%s: keys: a page that leads back",
			    o->master.address);
	} while (r == 0 && next != 0);
	return r;
}

/* --- tables --------------------------------------------------------------- */

int
online_print(struct table *t, enum table_format f, struct err *e)
{
	int r = cli_print_table(t, f, e);

	table_clear(t);
	return r;
}

void
online_add_time(struct table *t, int64_t when, enum table_format f)
{
	char text[CLOCK_TEXT];

	if (when == 0) {
		table_add(t, f == TABLE_TEXT ? "-" : "");
		return;
	}
	clock_format(when, text);
	table_add(t, text);
}

int
online_note(const struct online *o, struct str *text, struct err *e)
{
	int r;

	if (!o->json)
		return cli_print(text, e);
	(void)fflush(stdout);
	if ((r = str_check(text)) != 0)
		return err_nomem(e);
	(void)fputs(text->p, stderr);
	str_clear(text);
	return 0;
}

/* --- saying something ----------------------------------------------------- */

/* What no master could be asked to take is kept, and that is said. */
static int
keep(struct online *o, struct slice text, const char *targets, int code,
    struct err *e)
{
	struct err why = {0};
	char *path = NULL;

	if (master_keep(o->by.dir, text, targets, &path, &why) != 0)
		cli_warn("it is not kept either: %s", why.msg);
	else
		err_hint(e,
		    "%s keeps it; the next command that reaches a master sends "
		    "it",
		    path);
	free(path);
	return code;
}

static int
say_done(const struct online *o, const char *done,
    const struct submitted *result, struct err *e)
{
	struct str s = STR_INIT;

	str_add(&s, done);
	if (result->has_index)
		str_addf(&s, ": entry %llu of the log of %s",
		    (unsigned long long)result->index, o->master.name);
	str_addc(&s, '\n');
	return online_note(o, &s, e);
}

int
online_send(struct online *o, struct slice text, const char *targets,
    const char *done, struct err *e)
{
	struct submitted result = {0};
	int r;

	r = master_submit(&o->master, text, targets, &result, e);
	if (r == LINK_CANCELLED)
		r = err_set(e, ERR_NET, "interrupted");
	if (r == ERR_NET)
		return keep(o, text, targets, r, e);
	if (r != 0)
		return r;
	if (result.error.code != ERR_OK) {
		if (e != NULL)
			*e = result.error;
		return (int)result.error.code;
	}
	return done != NULL ? say_done(o, done, &result, e) : 0;
}

static int
show(const struct statement *s, struct err *e)
{
	struct str text = STR_INIT;

	statement_describe(s, &text);
	return cli_print(&text, e);
}

static int
name_of(const struct statement *s, struct hash *out, struct err *e)
{
	struct str text = STR_INIT;
	int r = statement_encode(s, &text, e);

	if (r == 0)
		hash_sha256(text.p, text.n, out);
	str_clear(&text);
	return r;
}

int
online_say(struct online *o, struct saying *y, struct err *e)
{
	struct str text = STR_INIT;
	struct slice signed_text;
	int r;

	if ((r = name_of(y->s, &y->name, e)) != 0)
		return r;
	if (y->question != NULL) {
		if ((r = show(y->s, e)) != 0)
			return r;
		if (!y->yes && !cli_confirm(y->question))
			return err_set(e, ERR_DENIED, "not signed");
	}
	if ((r = cli_sign_statement(y->s, &o->by.key_path, 1, &text, e)) != 0)
		goto out;
	signed_text = slice_of(text.p, text.n);
	if (y->out == NULL) {
		r = online_send(o, signed_text, y->targets, y->done, e);
	} else if ((r = cli_write_new(y->out, signed_text, e)) == 0 &&
	    strcmp(y->out, "-") != 0) {
		printf("%s: writ fleet send %s\n", y->out, y->out);
	}
out:
	str_clear(&text);
	return r;
}
