/* SPDX-License-Identifier: ISC */
/* writ fleet status, facts, changes: how hosts are. */
#include "agent/cli/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/watch.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

/* --- status --------------------------------------------------------------- */

static int
ask_states(struct online *o, const char *on, uint64_t after, json_t **body,
    struct err *e)
{
	struct str call = STR_INIT;
	struct jw w;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "status");
	if (on != NULL)
		jw_str(&w, "on", on);
	if (after != 0)
		jw_u64(&w, "after", after);
	jw_end(&w, '}');
	return master_call(&o->master, &call, NULL, body, e);
}

int
online_states(struct online *o, const char *on, struct host_states *out,
    struct err *e)
{
	uint64_t next = 0;
	int r;

	do {
		json_t *body = NULL;
		uint64_t after = next;

		if ((r = ask_states(o, on, after, &body, e)) == 0 &&
		    (r = host_states_parse(body, out, &next, e)) != 0)
			err_prefix(e, "%s: status", o->master.address);
		json_decref(body);
		if (r == 0 && next != 0 && next <= after)
			r = err_set(e, ERR_PARSE,
			    "%s: status: a page that leads back",
			    o->master.address);
	} while (r == 0 && next != 0);
	return r;
}

static void
add_version(struct table *t, const struct host_state *s, enum table_format f)
{
	if (f == TABLE_TEXT && s->target > s->fleet_version)
		table_addf(t, "%llu of %llu",
		    (unsigned long long)s->fleet_version,
		    (unsigned long long)s->target);
	else
		table_addf(t, "%llu", (unsigned long long)s->fleet_version);
}

static void
add_contact(struct table *t, const struct host_state *s, int64_t now,
    enum table_format f)
{
	struct str text = STR_INIT;

	if (f != TABLE_TEXT || s->last_contact == 0) {
		online_add_time(t, s->last_contact, f);
		return;
	}
	if (s->connected)
		str_add(&text, "connected, ");
	host_state_ago(s->last_contact, now, &text);
	table_add(t, text.p);
	t->failed |= str_check(&text) != 0;
	str_clear(&text);
}

static void
add_alarms(struct table *t, const struct strs *alarms)
{
	struct str s = STR_INIT;

	strs_join(alarms, "; ", &s);
	table_add(t, s.p);
	t->failed |= str_check(&s) != 0;
	str_clear(&s);
}

static int
print_states(const struct host_states *s, int64_t now, enum table_format f,
    struct err *e)
{
	static const char *const columns[] = {"host", "fleet", "target",
	    "outcome", "drift", "policy", "krl", "last_contact", "connected",
	    "alarms"};
	struct table t;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < s->n; i++) {
		const struct host_state *h = &s->v[i];

		table_add(&t, h->host);
		add_version(&t, h, f);
		table_addf(&t, "%llu", (unsigned long long)h->target);
		table_add(&t, h->outcome);
		table_add(&t, h->drift);
		table_addf(&t, "%llu", (unsigned long long)h->policy_version);
		table_addf(&t, "%llu", (unsigned long long)h->krl_version);
		add_contact(&t, h, now, f);
		table_add(&t, h->connected ? "yes" : "no");
		add_alarms(&t, &h->alarms);
	}
	return online_print(&t, f, e);
}

static int
run_status(struct cli_args *a, struct err *e)
{
	struct host_states s = {0};
	struct str line = STR_INIT;
	struct online o = {0};
	enum table_format f = cli_format(a);
	int r;

	if ((r = online_ask(a, &o, e)) != 0 ||
	    (r = online_states(&o, cli_get(a, "on"), &s, e)) != 0)
		goto out;
	host_states_sort(&s);
	if ((r = print_states(&s, clock_now(), f, e)) == 0 && f == TABLE_TEXT) {
		host_states_summary(&s, &line);
		str_addc(&line, '\n');
		r = cli_print(&line, e);
	}
out:
	str_clear(&line);
	host_states_clear(&s);
	online_clear(&o);
	return r;
}

/* --- facts ---------------------------------------------------------------- */

static void
add_value(struct str *out, const json_t *v)
{
	const char *text = json_string_value(v);

	if (text != NULL && text_is_clean(text, strlen(text), NULL))
		str_add(out, text);
	else if (text != NULL)
		str_add_quoted(out, text, strlen(text));
	else if (json_is_integer(v))
		str_addf(out, "%lld", (long long)json_integer_value(v));
	else
		str_add(out,
		    json_is_true(v)        ? "yes"
			: json_is_false(v) ? "no"
					   : "-");
}

/* "grains.os  debian", a line a value: what the master tells, as it tells it.
 * At most JSON_DEPTH_MAX deep. */
static void
add_facts(struct table *t, const char *path, const json_t *v)
{
	struct str s = STR_INIT;
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(v)) {
		json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
			str_reset(&s);
			str_addf(&s, "%s%s", path, *path != '\0' ? "." : "");
			if (text_is_clean(key, strlen(key), NULL))
				str_add(&s, key);
			else
				str_add_quoted(&s, key, strlen(key));
			add_facts(t, s.p, item);
		}
	} else if (json_is_array(v)) {
		json_array_foreach (v, i, item)
			add_facts(t, path, item);
	} else {
		add_value(&s, v);
		table_add(t, path);
		table_add(t, s.p);
	}
	t->failed |= str_check(&s) != 0;
	str_clear(&s);
}

static int
ask_facts(struct online *o, const char *host, json_t **body, struct err *e)
{
	struct str call = STR_INIT;
	char quoted[QUOTE_MAX];
	struct jw w;

	if (!id_is_valid(host))
		return err_set(e, ERR_USAGE, "%s is no id of a host",
		    str_quote(quoted, host));
	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "facts");
	jw_str(&w, "host", host);
	jw_end(&w, '}');
	return master_call(&o->master, &call, NULL, body, e);
}

static int
print_raw(const json_t *body, struct err *e)
{
	char *text = json_dumps(body, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	if (text == NULL)
		return err_nomem(e);
	printf("%s\n", text);
	free(text);
	return 0;
}

static int
run_facts(struct cli_args *a, struct err *e)
{
	static const char *const columns[] = {"fact", "value"};
	struct online o = {0};
	json_t *body = NULL;
	struct table t;
	int r;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	if ((r = online_ask(a, &o, e)) == 0 &&
	    (r = ask_facts(&o, cli_operand(a, 0), &body, e)) == 0) {
		if (cli_flag(a, "json")) {
			r = print_raw(body, e);
		} else {
			add_facts(&t, "", body);
			r = online_print(&t, TABLE_TEXT, e);
		}
	}
	table_clear(&t);
	json_decref(body);
	online_clear(&o);
	return r;
}

/* --- changes -------------------------------------------------------------- */

static int
run_changes(struct cli_args *a, struct err *e)
{
	const char *host = cli_operand(a, 0), *hex = cli_operand(a, 1);
	char quoted[QUOTE_MAX];
	struct str s = STR_INIT;
	struct online o = {0};
	struct hash name;
	int r;

	if (!id_is_valid(host))
		return err_set(e, ERR_USAGE, "%s is no id of a host",
		    str_quote(quoted, host));
	if (hex_decode(hex, strlen(hex), name.b, HASH_LEN) != 0)
		return err_set(e, ERR_USAGE,
		    "%s names no difference, expected the hash that a report "
		    "has",
		    str_quote(quoted, hex));
	if ((r = online_ask(a, &o, e)) == 0 &&
	    (r = watch_diff(&o, host, &name, &s, e)) == 0)
		r = cli_print(&s, e);
	str_clear(&s);
	online_clear(&o);
	return r;
}

static const struct cli_option status_options[] = {ONLINE_KEY,
    {0, "on", "EXPR", "the hosts that match (all)"}, ONLINE_MASTER, CLI_JSON,
    CLI_CSV};
static const struct cli_option facts_options[] = {
    ONLINE_KEY, ONLINE_MASTER, CLI_JSON};
static const struct cli_option changes_options[] = {ONLINE_KEY, ONLINE_MASTER};

const struct cli_command cmd_status = {.name = "status",
    .operands = "",
    .summary = "how hosts are; those that are behind first",
    CLI_OPTIONS(status_options),
    .run = run_status};
const struct cli_command cmd_facts = {.name = "facts",
    .operands = "HOST",
    .summary = "what a host has said of itself",
    CLI_OPTIONS(facts_options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_facts};
const struct cli_command cmd_changes = {.name = "changes",
    .operands = "HOST HASH",
    .summary = "what a run changed in a file of a host",
    CLI_OPTIONS(changes_options),
    .min_operands = 2,
    .max_operands = 2,
    .run = run_changes};
