/* SPDX-License-Identifier: ISC */
/*
 * writ audit hosts --cis: which controls passed, failed, were excepted or are
 * none of a host's.  What a version of the fleet asks of a host the fleet's own
 * program says, of the versions that -C DIR holds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ca/audit/controls.h"
#include "ca/cli/audit_hosts.h"
#include "lib/base/clock.h"
#include "lib/base/plural.h"

#define HOSTS_AT_ONCE 200
#define OWN_WORDS     6 /* before the hosts, with the end */

static const char *const short_columns[] = {
    "host", "version", "run", "control", "result", "states", "why", "proof"};
static const char *const columns[] = {"host", "fleet_version", "run", "mode",
    "control", "result", "states", "why", "reason", "owner", "until", "log",
    "index", "report"};

void
hosts_init_controls(struct table *t, bool is_short)
{
	if (is_short)
		table_init(t, short_columns,
		    sizeof(short_columns) / sizeof(short_columns[0]));
	else
		table_init(t, columns, sizeof(columns) / sizeof(columns[0]));
}

/* --- asked ---------------------------------------------------------------- */

/* "ID=ROLE,ROLE"; the caller frees. */
static int
host_word(const struct host_then *h, char **out)
{
	struct str s = STR_INIT;

	str_add(&s, h->id);
	for (size_t i = 0; i < h->roles.n; i++)
		str_addf(&s, "%s%s", i == 0 ? "=" : ",", h->roles.v[i]);
	return str_take(&s, out);
}

/* All hosts of one version, as many as are asked about at once, from *at on. */
static int
add_hosts(const struct hosts_then *h, uint64_t version, size_t *at,
    struct strs *words)
{
	size_t n = 0;
	int r = 0;

	for (; *at < h->n && n < HOSTS_AT_ONCE && r == 0; ++*at) {
		const struct host_then *x = &h->v[*at];
		char *word = NULL;

		if (!x->ran || x->run_version != version)
			continue;
		n++;
		if ((r = host_word(x, &word)) == 0 &&
		    (r = strs_add(words, "--host")) == 0)
			r = strs_add(words, word);
		free(word);
	}
	return r;
}

static int
ask(const struct strs *hosts, uint64_t version, int64_t when,
    const struct hash *name, struct control_states *out, struct cli_args *a,
    struct err *e)
{
	const char **words = calloc(hosts->n + OWN_WORDS, sizeof(*words));
	char number[24], at[CLOCK_TEXT];
	json_t *rows = NULL;
	size_t n = 0;
	int r;

	if (words == NULL)
		return err_nomem(e);
	(void)snprintf(number, sizeof(number), "%llu",
	    (unsigned long long)version);
	clock_format(when, at);
	words[n++] = "controls";
	words[n++] = "--fleet-version";
	words[n++] = number;
	words[n++] = "--at";
	words[n++] = at;
	for (size_t i = 0; i < hosts->n; i++)
		words[n++] = hosts->v[i];
	if ((r = ask_fleet(a, words, &rows, e)) == 0 &&
	    (r = control_states_read(rows, name, out, e)) != 0)
		err_prefix(e, "fleet version %s", number);
	json_decref(rows);
	free(words);
	return r;
}

static int
ask_version(const struct hosts_then *h, uint64_t version, const char *log,
    int64_t when, struct control_states *out, struct cli_args *a, struct err *e)
{
	const struct hash *name = hosts_then_fleet(h, version);
	size_t at = 0;
	int r = 0;

	if (name == NULL)
		cli_warn("%s has no fleet version %llu by then: it is taken "
			 "from %s/bundle",
		    log, (unsigned long long)version, cli_dir(a));
	while (r == 0 && at < h->n) {
		struct strs words = {0};

		if (add_hosts(h, version, &at, &words) != 0)
			r = err_nomem(e);
		else if (words.n > 0)
			r = ask(&words, version, when, name, out, a, e);
		strs_clear(&words);
	}
	return r;
}

/* Each version that some host ran, once. */
static int
ask_all(const struct hosts_then *h, const char *log, int64_t when,
    struct control_states *out, struct cli_args *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < h->n && r == 0; i++) {
		bool is_new = h->v[i].ran && h->v[i].run_version > 0;

		for (size_t j = 0; j < i && is_new; j++)
			is_new = !h->v[j].ran ||
			    h->v[j].run_version != h->v[i].run_version;
		if (is_new)
			r = ask_version(h, h->v[i].run_version, log, when, out,
			    a, e);
	}
	return r;
}

/* --- told ----------------------------------------------------------------- */

struct row {
	const char *control, *result, *states, *why;
	const struct control_state *excepted;
};

static void
add_short(struct table *t, const struct host_then *h, const char *log,
    const struct row *x, const struct cli_args *a)
{
	char until[CLOCK_TEXT];

	table_add(t, h->id);
	table_add_number(t, h->ran && h->run_version > 0, h->run_version);
	hosts_add_time(t, h->ran, h->run_at, a);
	table_add(t, x->control);
	table_add(t, x->result);
	table_add(t, x->states);
	if (x->excepted != NULL) {
		clock_format(x->excepted->expires, until);
		table_addf(t, "%s (%s, until %.10s)", x->excepted->reason,
		    x->excepted->owner, until);
	} else {
		table_addf(t, "%s%s", x->why != NULL ? x->why : "",
		    h->ran && !h->enforce ? " (test)" : "");
	}
	if (h->ran)
		table_addf(t, "%s:%llu", log, (unsigned long long)h->run_index);
	else
		table_add(t, NULL);
}

/* In the order of columns[]. */
static void
add_all(struct table *t, const struct host_then *h, const char *log,
    const struct row *x, const struct cli_args *a)
{
	const struct control_state *s = x->excepted;

	table_add(t, h->id);
	table_add_number(t, h->ran && h->run_version > 0, h->run_version);
	hosts_add_time(t, h->ran, h->run_at, a);
	table_add(t, !h->ran ? NULL : h->enforce ? "enforce" : "test");
	table_add(t, x->control);
	table_add(t, x->result);
	table_add(t, x->states);
	table_add(t, x->why);
	table_add(t, s != NULL ? s->reason : NULL);
	table_add(t, s != NULL ? s->owner : NULL);
	hosts_add_time(t, s != NULL, s != NULL ? s->expires : 0, a);
	table_add(t, log);
	table_add_number(t, h->ran, h->run_index);
	table_add(t, h->ran ? h->run_report : NULL);
}

static void
add_row(struct table *t, const struct host_then *h, const char *log,
    const struct row *x, const struct cli_args *a)
{
	if (cli_format(a) == TABLE_TEXT)
		add_short(t, h, log, x, a);
	else
		add_all(t, h, log, x, a);
}

/* For people, those that passed or are none of the host's are counted. */
static void
add_counted(struct table *t, const struct host_then *h, const char *log,
    const struct controls_then *c, enum control_result result,
    const struct cli_args *a)
{
	char text[32];
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->v[i].result == result;
	if (n == 0)
		return;
	(void)snprintf(text, sizeof(text), "%zu %s", n,
	    text_plural(n, "control", "controls"));
	add_row(t, h, log,
	    &(struct row){
		.control = text, .result = control_result_name(result)},
	    a);
}

static void
add_controls(struct table *t, const struct host_then *h, const char *log,
    const struct controls_then *c, const struct cli_args *a)
{
	bool is_short = cli_format(a) == TABLE_TEXT;

	for (size_t i = 0; i < c->n; i++) {
		const struct control_then *x = &c->v[i];

		if (!is_short || x->result < CONTROL_PASSED)
			add_row(t, h, log,
			    &(struct row){x->cis,
				control_result_name(x->result), x->states,
				x->why, x->excepted},
			    a);
	}
	if (!is_short)
		return;
	add_counted(t, h, log, c, CONTROL_PASSED, a);
	add_counted(t, h, log, c, CONTROL_NONE, a);
}

static int
add_host(struct table *t, const struct host_then *h, const char *log,
    const struct control_states *of, const struct cli_args *a, struct err *e)
{
	static const struct row no_run = {.result = "unknown",
				    .why = "no run of it is in the log by "
					   "then"},
				unnamed = {.result = "unknown",
				    .why = "the log does not say of which "
					   "version its last run was"};
	struct controls_then c = {0};
	int r = 0;

	if (!h->ran || h->run_version == 0) {
		add_row(t, h, log, h->ran ? &unnamed : &no_run, a);
		return 0;
	}
	if (controls_judge(h, of, &c) != 0)
		r = err_nomem(e);
	else
		add_controls(t, h, log, &c, a);
	controls_then_clear(&c);
	return r;
}

int
hosts_add_controls(struct table *t, const struct hosts_then *h, const char *log,
    int64_t when, struct cli_args *a, struct err *e)
{
	struct control_states of = {0};
	int r = ask_all(h, log, when, &of, a, e);

	for (size_t i = 0; i < h->n && r == 0; i++)
		r = add_host(t, &h->v[i], log, &of, a, e);
	control_states_clear(&of);
	return r;
}
