/* SPDX-License-Identifier: ISC */
/*
 * writ fleet jobs, watch: orders that were given, and how they go.  What a job
 * is and whom it is for comes from its statement and TARGETS, by their hashes;
 * the master tells how it goes.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/watch.h"
#include "lib/base/json.h"
#include "lib/trust/fleet_place.h"

#define JOBS_MAX   10000
#define PREFIX_MIN 8 /* digits of a hash */

/* --- objects -------------------------------------------------------------- */

/* One piece, from where b ends; *size is that of the whole. */
static int
fetch_piece(struct online *o, const char *hex, size_t max, struct buf *b,
    uint64_t *size, struct err *e)
{
	struct str call = STR_INIT;
	size_t before = buf_len(b);
	const char *data = NULL;
	json_t *body = NULL;
	int r;

	str_addf(&call,
	    "{\"call\":\"object\",\"hash\":\"%s\",\"offset\":\"%zu\"}", hex,
	    before);
	if ((r = master_call(&o->master, &call, NULL, &body, e)) != 0)
		return r;
	if ((r = json_u64(body, "size", 0, 1, max, size, e)) == 0 &&
	    (r = json_str(body, "data", 0, 2 * max + 64, &data, e)) == 0 &&
	    (base64_decode(data, strlen(data), b) != 0 ||
		buf_len(b) == before || buf_len(b) > *size))
		r = err_set(e, ERR_PARSE, "object %.12s is not of %llu bytes",
		    hex, (unsigned long long)*size);
	json_decref(body);
	return r;
}

/* A whole object; whether it is what its name says is the caller's to see.  The
 * caller frees. */
static int
fetch(struct online *o, const struct hash *name, size_t max, char **out,
    size_t *n, struct err *e)
{
	struct buf *b = NULL;
	char hex[HASH_HEX];
	uint64_t size = 0;
	int r = 0;

	hash_hex(name, hex);
	if (buf_new(&b, max) != 0)
		return err_nomem(e);
	do
		r = fetch_piece(o, hex, max, b, &size, e);
	while (r == 0 && buf_len(b) < size);
	*n = buf_len(b);
	if (r == 0 && (*out = str_dupn(buf_slice(b).p, *n)) == NULL)
		r = err_nomem(e);
	if (r != 0)
		err_prefix(e, "%s", o->master.address);
	buf_free(b);
	return r;
}

/* --- the list ------------------------------------------------------------- */

static int
ask_jobs(struct online *o, json_t **body, const json_t **list, struct err *e)
{
	int r;

	if ((r = online_call(o, "jobs", body, e)) != 0)
		return r;
	if ((r = json_array_of(*body, "jobs", JSON_EMPTY_OK, JOBS_MAX, list,
		 e)) != 0)
		err_prefix(e, "%s: jobs", o->master.address);
	return r;
}

/* One of the list, as it is told. */
struct told_job {
	const char *id, *mode, *state;
	uint64_t version, failures;
	int64_t at, expires, batches, opened;
	int64_t hosts, reported;
};

/* How many hosts it has, and how many of them have said something. */
static int
read_counts(const json_t *o, struct told_job *j, struct err *e)
{
	const json_t *counts = NULL;
	int r;

	if ((r = json_object_of(o, "counts", 0, &counts, e)) != 0 ||
	    (r = json_int(counts, "hosts", 0, 0, INT64_MAX, &j->hosts, e)) != 0)
		return r;
	j->reported = 0;
	for (unsigned i = 0; i <= RUN_REFUSED && r == 0; i++) {
		int64_t n = 0;

		r = json_int(counts, run_outcome_name((enum run_outcome)i), 0,
		    0, j->hosts, &n, e);
		j->reported += n;
	}
	return r;
}

static int
read_told(const json_t *o, struct told_job *j, struct err *e)
{
	struct hash h;
	int r;

	if ((r = json_hex(o, "job", 0, h.b, HASH_LEN, e)) != 0 ||
	    (r = json_str(o, "job", 0, HASH_HEX, &j->id, e)) != 0 ||
	    (r = json_str(o, "mode", 0, 32, &j->mode, e)) != 0 ||
	    (r = json_str(o, "state", 0, 32, &j->state, e)) != 0 ||
	    (r = json_u64(o, "version", 0, 0, UINT64_MAX, &j->version, e)) !=
		0 ||
	    (r = json_u64(o, "failures", 0, 0, UINT64_MAX, &j->failures, e)) !=
		0 ||
	    (r = json_int(o, "batches", 0, 0, INT64_MAX, &j->batches, e)) !=
		0 ||
	    (r = json_int(o, "opened", 0, 0, INT64_MAX, &j->opened, e)) != 0 ||
	    (r = json_time(o, "at", 0, &j->at, e)) != 0 ||
	    (r = json_time(o, "expires", 0, &j->expires, e)) != 0)
		return r;
	return read_counts(o, j, e);
}

static int
add_job(struct table *t, const json_t *o, enum table_format f, struct err *e)
{
	struct told_job j;
	int r;

	if ((r = read_told(o, &j, e)) != 0)
		return r;
	table_addf(t, "%.*s", f == TABLE_TEXT ? 12 : HASH_HEX, j.id);
	table_addf(t, "%llu", (unsigned long long)j.version);
	table_add(t, j.mode);
	table_add(t, j.state);
	table_addf(t, "%lld", (long long)j.hosts);
	table_addf(t, "%lld", (long long)j.reported);
	table_addf(t, "%llu", (unsigned long long)j.failures);
	if (f == TABLE_TEXT)
		table_addf(t, "%lld of %lld", (long long)j.opened,
		    (long long)j.batches);
	else
		table_addf(t, "%lld", (long long)j.opened);
	online_add_time(t, j.at, f);
	online_add_time(t, j.expires, f);
	return 0;
}

int64_t
jobs_newest(struct online *o)
{
	const json_t *list = NULL;
	json_t *body = NULL;
	struct told_job j;
	int64_t at = 0;

	if (ask_jobs(o, &body, &list, NULL) != 0)
		return 0;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (read_told(json_array_get(list, i), &j, NULL) == 0 &&
		    j.at > at)
			at = j.at;
	json_decref(body);
	return at;
}

static int
run_jobs(struct cli_args *a, struct err *e)
{
	static const char *const columns[] = {"job", "fleet", "mode", "state",
	    "hosts", "reported", "failed", "batches", "at", "expires"};
	const json_t *list = NULL;
	struct online o = {0};
	json_t *body = NULL;
	enum table_format f = cli_format(a);
	struct table t;
	int r;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	if ((r = online_ask(a, &o, e)) == 0)
		r = ask_jobs(&o, &body, &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = add_job(&t, json_array_get(list, i), f, e);
	if (r == 0)
		r = online_print(&t, f, e);
	table_clear(&t);
	json_decref(body);
	online_clear(&o);
	return r;
}

/* --- watching ------------------------------------------------------------- */

static int
find_job(struct online *o, const char *what, struct hash *out, struct err *e)
{
	const json_t *list = NULL;
	size_t n = strlen(what), hits = 0;
	char quoted[QUOTE_MAX];
	json_t *body = NULL;
	int r;

	if (hex_decode(what, n, out->b, HASH_LEN) == 0)
		return 0;
	if (n < PREFIX_MIN || n >= HASH_HEX ||
	    strspn(what, "0123456789abcdef") != n)
		return err_set(e, ERR_USAGE,
		    "%s is no job, expected its hash or the first %d digits",
		    str_quote(quoted, what), PREFIX_MIN);
	r = ask_jobs(o, &body, &list, e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		struct told_job j;

		if ((r = read_told(json_array_get(list, i), &j, e)) != 0 ||
		    strncmp(j.id, what, n) != 0)
			continue;
		hits++;
		r = hex_decode(j.id, strlen(j.id), out->b, HASH_LEN);
	}
	if (r == 0 && hits != 1)
		r = err_set(e, hits == 0 ? ERR_NOTFOUND : ERR_USAGE,
		    "%s is %s job of %s", what,
		    hits == 0 ? "no" : "more than one", o->master.address);
	json_decref(body);
	return r;
}

/* What the job says, from its own words: its name is their hash. */
static int
load_statement(struct online *o, const struct hash *name, struct statement *s,
    struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = fetch(o, name, STATEMENT_MAX, &text, &n, e)) == 0 &&
	    (r = statement_parse("job", slice_of(text, n), s, e)) == 0 &&
	    (r = statement_verify(s, e)) == 0 &&
	    (s->type != ST_JOB || !hash_equal(&s->hash, name) ||
		!hash_equal(&s->realm, &o->by.trust.realm)))
		r = err_set(e, ERR_PARSE, "%s: that is not the job",
		    o->master.address);
	free(text);
	return r;
}

static int
load_targets(struct online *o, const struct job_statement *j,
    struct targets *out, struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = fetch(o, &j->targets, TARGETS_MAX, &text, &n, e)) == 0 &&
	    (r = job_check_targets(j, slice_of(text, n), out, e)) != 0)
		err_prefix(e, "%s", o->master.address);
	free(text);
	return r;
}

static int
load_job(struct online *o, struct watched *w, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_JOB);
	if ((r = load_statement(o, &w->name, &s, e)) == 0) {
		w->version = s.u.job.version;
		w->enforce = s.u.job.enforce;
		r = load_targets(o, &s.u.job, &w->targets, e);
	}
	statement_clear(&s);
	return r;
}

static int
run_watch(struct cli_args *a, struct err *e)
{
	struct watched w = {0};
	struct online o = {0};
	int r;

	if ((r = watch_check(a, e)) == 0 && (r = online_ask(a, &o, e)) == 0 &&
	    (r = find_job(&o, cli_operand(a, 0), &w.name, e)) == 0 &&
	    (r = load_job(&o, &w, e)) == 0)
		r = watch_job(&o, &w, a, e);
	targets_clear(&w.targets);
	online_clear(&o);
	return r;
}

static const struct cli_option jobs_options[] = {
    ONLINE_KEY, ONLINE_MASTER, CLI_JSON, CLI_CSV};
static const struct cli_option watch_options[] = {
    ONLINE_KEY, WATCH_OPTIONS, ONLINE_MASTER};

const struct cli_command cmd_jobs = {.name = "jobs",
    .operands = "",
    .summary = "orders that were given, and how they went",
    CLI_OPTIONS(jobs_options),
    .run = run_jobs};
const struct cli_command cmd_watch = {.name = "watch",
    .operands = "JOB",
    .summary = "follow an order that runs",
    CLI_OPTIONS(watch_options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_watch};
