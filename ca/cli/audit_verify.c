/* SPDX-License-Identifier: ISC */
/* writ audit verify: is the log whole, and do the fleet's logs agree with it? */
#include <stdlib.h>
#include <string.h>

#include "ca/cli/audit.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"

/* Seconds: a batch is published in less, in a directory and in a bucket. */
#define PATIENCE     2
#define PATIENCE_S3  10
#define PATIENCE_MAX 3600

struct asked {
	struct place place;
	struct audit_config c;
	struct audit_fleet fleets[CONFIG_FLEETS];
	char *urls[CONFIG_FLEETS]; /* of those that the configuration names */
	char *states[CONFIG_FLEETS];
	char *note, *fleet_note; /* earlier checkpoints */
};

static void
asked_clear(struct asked *q)
{
	for (size_t i = 0; i < CONFIG_FLEETS; i++) {
		free(q->urls[i]);
		free(q->states[i]);
	}
	free(q->note);
	free(q->fleet_note);
	place_clear(&q->place);
}

/* One of no bytes would be as none at all, and nothing compared with it. */
static int
read_checkpoint(const char *file, char **note, struct slice *out, struct err *e)
{
	size_t n;
	int r = file_read(file, NOTE_MAX, note, &n, e);

	if (r == 0 && n == 0)
		r = err_set(e, ERR_PARSE, "%s: empty, expected a checkpoint",
		    file);
	if (r == 0)
		*out = slice_of(*note, n);
	return r;
}

/* A number of leaves, or a file with a checkpoint. */
static int
read_since(const struct cli_args *a, struct audit_config *c, char **note,
    struct err *e)
{
	const char *since = cli_get(a, "since");

	if (since == NULL ||
	    parse_u64(since, 0, AUDIT_LEAVES_MAX, &c->since) == 0)
		return 0;
	return read_checkpoint(since, note, &c->since_note, e);
}

/* What the configuration says of S3 is left where an option says it. */
static int
say_where(const struct cli_args *a, struct blob_config *to, struct err *e)
{
	const struct {
		const char *name, *option;
		const char **to;
	} said[] = {
	    {"endpoint", "--endpoint", &to->endpoint},
	    {"region", "--region", &to->region},
	    {"credentials", "--credentials", &to->credentials},
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]) && r == 0; i++) {
		if (cli_get(a, said[i].name) == NULL)
			continue;
		*said[i].to = cli_get(a, said[i].name);
		r = place_check_url(said[i].option, "s3://writ", to, e);
	}
	return r;
}

/* --log and --root need no deployment; what is not said comes from -C DIR. */
static int
find_log(const struct cli_args *a, struct place *p, struct audit_config *c,
    struct err *e)
{
	const char *url = cli_get(a, "log"), *root = cli_get(a, "root");
	char quoted[QUOTE_MAX];
	int r;

	if (root != NULL && hash_from_fingerprint(root, &c->realm) != 0)
		return err_set(e, ERR_USAGE,
		    "--root is %s, expected SHA256: and 43 characters, as "
		    "writ policy sign printed it",
		    str_quote(quoted, root));
	if (url == NULL || root == NULL) {
		if ((r = place_open(a, p, e)) != 0)
			return r;
	} else if (config_load(cli_dir(a), &p->config, NULL) == 0) {
		config_blob(&p->config, &p->blob);
	}
	if (root == NULL)
		c->realm = p->trust.realm;
	c->url = url != NULL ? url : p->url;
	c->blob = &p->blob;
	if (url != NULL && (r = place_check_url("--log", url, NULL, e)) != 0)
		return r;
	return say_where(a, &p->blob, e);
}

/* In milliseconds. */
static int
read_patience(const struct cli_args *a, struct audit_config *c, struct err *e)
{
	bool bucket = strncmp(c->url, "s3:", 3) == 0;
	int64_t secs = bucket ? PATIENCE_S3 : PATIENCE;
	const char *wait = cli_get(a, "wait");

	if (wait != NULL &&
	    (span_parse(wait, &secs) != 0 || secs > PATIENCE_MAX))
		return err_set(e, ERR_USAGE,
		    "--wait wants a span such as 10s, at most 1h");
	c->patience = secs * 1000;
	return 0;
}

/* --- the fleet's logs ----------------------------------------------------- */

/* An earlier checkpoint is that of one log. */
static int
read_fleet_since(const struct cli_args *a, struct asked *q, struct err *e)
{
	const char *since = cli_get(a, "fleet-since");

	if (since == NULL)
		return 0;
	if (q->c.n_fleets != 1)
		return err_set(e, ERR_USAGE,
		    "--fleet-since goes with one log of the fleet, here are "
		    "%zu",
		    q->c.n_fleets);
	return read_checkpoint(since, &q->fleet_note, &q->fleets[0].since_note,
	    e);
}

/* Those named; else, of the log of -C DIR, those that writ.yaml names. */
static int
find_fleets(const struct cli_args *a, struct asked *q, struct err *e)
{
	const struct strs *named = cli_all(a, "fleet-log");
	const struct config *config = &q->place.config;

	q->c.fleets = q->fleets;
	if (named->n > CONFIG_FLEETS)
		return err_set(e, ERR_USAGE,
		    "%zu times --fleet-log, expected at most %d", named->n,
		    CONFIG_FLEETS);
	for (size_t i = 0; i < named->n; i++)
		q->fleets[q->c.n_fleets++].url = named->v[i];
	if (named->n > 0 || cli_get(a, "log") != NULL)
		return read_fleet_since(a, q, e);
	for (size_t i = 0; i < config->fleet_logs.n; i++) {
		if (config_fleet_url(config, i, &q->urls[i]) != 0)
			return err_nomem(e);
		q->fleets[q->c.n_fleets++].url = q->urls[i];
	}
	return read_fleet_since(a, q, e);
}

/* FILE, and for the fleet's logs FILE.1 and so on, in their order. */
static int
find_states(const struct cli_args *a, struct asked *q, struct err *e)
{
	const char *state = cli_get(a, "state");

	if (state == NULL)
		return 0;
	if (cli_get(a, "since") != NULL || cli_get(a, "fleet-since") != NULL)
		return err_set(e, ERR_USAGE,
		    "--state goes without --since and --fleet-since: it says "
		    "what was judged before");
	q->c.state = state;
	for (size_t i = 0; i < q->c.n_fleets; i++) {
		if (path_joinf(&q->states[i], "%s.%zu", state, i + 1) != 0)
			return err_nomem(e);
		q->fleets[i].state = q->states[i];
	}
	return 0;
}

int
run_audit_verify(struct cli_args *a, struct err *e)
{
	struct asked q = {.c = {.now = clock_now()}};
	struct audit_report report = {0};
	struct str text = STR_INIT;
	int r;

	place_init(&q.place);
	if ((r = find_log(a, &q.place, &q.c, e)) != 0 ||
	    (r = place_check_fleet_logs(a, e)) != 0 ||
	    (r = read_patience(a, &q.c, e)) != 0 ||
	    (r = read_since(a, &q.c, &q.note, e)) != 0 ||
	    (r = find_fleets(a, &q, e)) != 0 ||
	    (r = find_states(a, &q, e)) != 0 ||
	    (r = audit_verify(&q.c, &report, e)) != 0)
		goto out;
	if (cli_flag(a, "json"))
		audit_report_json(&report, &text);
	else
		audit_report_text(&report, &text);
	if ((r = cli_print(&text, e)) == 0 && report.n_findings > 0)
		r = EXIT_REFUSED;
	if (r == 0)
		r = audit_report_keep(&report, e);
out:
	str_clear(&text);
	audit_report_clear(&report);
	asked_clear(&q);
	return r;
}
