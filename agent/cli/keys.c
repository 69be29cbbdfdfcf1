/* SPDX-License-Identifier: ISC */
/* writ fleet keys, writ fleet token list: who is a host, and who asks to be. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/cli/cli.h"
#include "agent/cli/online.h"

static void
add_host(struct table *t, const struct host_known *h, enum table_format f)
{
	table_add(t, h->rejected ? "rejected" : "accepted");
	table_add(t, h->id);
	table_add(t, h->fingerprint);
	table_add_list(t, &h->names);
	table_add_list(t, &h->roles);
	table_add(t, "");
	online_add_time(t, h->since, f);
	online_add_time(t, h->renew_until, f);
	table_add(t, h->reason);
	table_add(t, "");
}

static void
add_hash(struct table *t, const struct hash *h, enum table_format f)
{
	char hex[HASH_HEX];

	hash_hex(h, hex);
	table_addf(t, "%.*s", f == TABLE_TEXT ? 12 : HASH_HEX, hex);
}

static void
add_asks(struct table *t, const struct host_asks *a, enum table_format f)
{
	const struct enrol_statement *x = &a->enrol.u.enrol;
	char fp[FINGERPRINT_MAX];

	pubkey_fingerprint(x->host_key, fp);
	table_add(t, "waiting");
	table_add(t, a->enrol.by);
	table_add(t, fp);
	table_add(t, x->hostname);
	table_add(t, "");
	table_add(t, a->from);
	online_add_time(t, a->since, f);
	online_add_time(t, 0, f);
	table_add(t, "");
	add_hash(t, &a->enrol.hash, f);
}

static void
add_refused(struct table *t, const struct host_refused *x, enum table_format f)
{
	table_add(t, "rejected");
	table_add(t, "");
	table_add(t, x->fingerprint);
	table_add(t, x->hostname);
	table_add(t, "");
	table_add(t, "");
	online_add_time(t, 0, f);
	online_add_time(t, 0, f);
	table_add(t, x->reason);
	add_hash(t, &x->enrol, f);
}

/* Those that wait first: they are why somebody looks. */
static int
print_keys(const struct host_keys *k, enum table_format f, struct err *e)
{
	static const char *const columns[] = {"state", "host", "host_key",
	    "names", "roles", "from", "since", "renew_until", "reason",
	    "enrol"};
	struct table t;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < k->n_waiting; i++)
		add_asks(&t, &k->waiting[i], f);
	for (size_t i = 0; i < k->n_hosts; i++)
		add_host(&t, &k->hosts[i], f);
	for (size_t i = 0; i < k->n_refused; i++)
		add_refused(&t, &k->refused[i], f);
	return online_print(&t, f, e);
}

static int
print_tokens(const struct host_keys *k, enum table_format f, struct err *e)
{
	static const char *const columns[] = {
	    "token", "hosts", "left", "count", "roles", "expires", "by"};
	struct table t;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < k->n_tokens; i++) {
		const struct host_token *x = &k->tokens[i];

		add_hash(&t, &x->token, f);
		table_add(&t, x->hosts);
		table_addf(&t, "%llu", (unsigned long long)x->left);
		table_addf(&t, "%llu", (unsigned long long)x->count);
		table_add_list(&t, &x->roles);
		online_add_time(&t, x->expires, f);
		table_add(&t, x->by);
	}
	return online_print(&t, f, e);
}

static int
list(struct cli_args *a, bool tokens, struct err *e)
{
	struct host_keys k = {0};
	struct online o = {0};
	enum table_format f = cli_format(a);
	int r;

	if ((r = online_ask(a, &o, e)) != 0 ||
	    (r = online_keys(&o, &k, e)) != 0)
		goto out;
	if (tokens || f != TABLE_TEXT) {
		r = tokens ? print_tokens(&k, f, e) : print_keys(&k, f, e);
		goto out;
	}
	if ((r = print_keys(&k, f, e)) == 0 && k.n_tokens > 0) {
		printf("\n");
		r = print_tokens(&k, f, e);
	}
out:
	host_keys_clear(&k);
	online_clear(&o);
	return r;
}

static int
run_keys(struct cli_args *a, struct err *e)
{
	return list(a, false, e);
}

int
run_token_list(struct cli_args *a, struct err *e)
{
	return list(a, true, e);
}

static const struct cli_option options[] = {
    ONLINE_KEY, ONLINE_MASTER, CLI_JSON, CLI_CSV};

const struct cli_command cmd_keys = {.name = "keys",
    .operands = "",
    .summary = "hosts: those that wait, that are accepted, rejected",
    CLI_OPTIONS(options),
    .run = run_keys};
