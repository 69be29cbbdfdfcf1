/* SPDX-License-Identifier: ISC */
/* writ audit: lists, samples and proofs from the log, and whether it is whole.
 */
#include "ca/cli/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/crypto/random.h"

/* --- list and sample --------------------------------------------------------
 */

static const char *const columns[] = {"serial", "person", "kind", "principals",
    "grant", "reason", "ticket", "approved_by", "asked_at", "valid_after",
    "valid_before", "log", "index"};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct listing {
	int64_t since;
	const char *person;
	const char *log; /* the one that is being read */
	struct table *table;
	bool failed;
	/* A sample: which of those that pass are wanted, how many have. */
	size_t n;
	uint64_t seen;
	struct strs *rows; /* n of them, N_COLUMNS cells each */
};

static void
join(const struct strs *l, struct str *out)
{
	for (size_t i = 0; i < l->n; i++)
		str_addf(out, "%s%s", i > 0 ? "," : "", l->v[i]);
}

static int
add_time(struct strs *row, uint64_t t)
{
	char text[CLOCK_TEXT];

	clock_format(t > (uint64_t)CLOCK_MAX ? CLOCK_MAX : (int64_t)t, text);
	return strs_add(row, text);
}

static int
add_number(struct strs *row, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return strs_add(row, text);
}

static int
make_row(const struct audit_certificate *c, const char *log, struct strs *row)
{
	const bool renewal = c->request->type == ST_RENEW;
	const struct request *q = &c->request->u.r;
	struct str principals = STR_INIT, approvers = STR_INIT;
	int r = ERR_NOMEM;

	join(&c->cert->principals, &principals);
	for (size_t i = 0; i < c->n_decisions; i++)
		str_addf(&approvers, "%s%s", i > 0 ? "," : "",
		    c->decisions[i]->by);
	if (principals.failed || approvers.failed ||
	    add_number(row, c->cert->serial) != 0 ||
	    strs_add(row, c->request->by) != 0 ||
	    strs_add(row, c->cert->kind == CERT_HOST ? "host" : "user") != 0 ||
	    strs_add(row, principals.p) != 0 ||
	    /* A host asks by its acceptance alone. */
	    strs_add(row, renewal ? "" : q->grant) != 0 ||
	    strs_add(row, renewal ? "" : q->reason) != 0 ||
	    strs_add(row, renewal || q->ticket == NULL ? "" : q->ticket) != 0 ||
	    strs_add(row, approvers.p) != 0 ||
	    add_time(row, (uint64_t)c->request->at) != 0 ||
	    add_time(row, c->cert->valid_after) != 0 ||
	    add_time(row, c->cert->valid_before) != 0 ||
	    strs_add(row, log) != 0 || add_number(row, c->index) != 0)
		goto out;
	r = 0;
out:
	str_clear(&principals);
	str_clear(&approvers);
	return r;
}

static void
table_add_row(struct table *t, const struct strs *row)
{
	for (size_t i = 0; i < row->n; i++)
		table_add(t, row->v[i]);
}

/*
 * Every certificate equally likely, without knowing how many there are: the
 * kth one takes a place with probability n/k (reservoir sampling).
 */
static int
sample_row(struct listing *l, struct strs *row)
{
	uint64_t at = l->seen, bound = ++l->seen, v;

	if (at >= l->n) {
		uint64_t limit = UINT64_MAX - UINT64_MAX % bound;

		do
			random_bytes(&v, sizeof(v));
		while (v >= limit);
		at = v % bound;
	}
	if (at >= l->n)
		return 0;
	strs_clear(&l->rows[at]);
	l->rows[at] = *row;
	memset(row, 0, sizeof(*row));
	return 0;
}

static int
on_certificate(void *ctx, const struct audit_certificate *c)
{
	struct listing *l = ctx;
	struct strs row = {0};
	int r;

	if (c->leaf->now < l->since ||
	    (l->person != NULL && strcmp(c->request->by, l->person) != 0))
		return 0;
	if ((r = make_row(c, l->log, &row)) == 0 && l->rows != NULL)
		r = sample_row(l, &row);
	else if (r == 0)
		table_add_row(l->table, &row);
	strs_clear(&row);
	return r;
}

static int
list_log(void *ctx, struct audit_log *log, struct err *e)
{
	struct listing *l = ctx;
	int r;

	l->log = audit_log_name(log);
	r = audit_log_each(log, on_certificate, l, e);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
run_listing(struct cli_args *a, struct listing *l, struct err *e)
{
	const char *since = cli_get(a, "since");
	struct table t;
	struct place p;
	int r;

	place_init(&p);
	table_init(&t, columns, N_COLUMNS);
	l->table = &t;
	if (since != NULL &&
	    (r = cli_time("--since", since, clock_now(), -1, &l->since, e)) !=
		0)
		goto out;
	if ((r = place_open(a, &p, e)) != 0 ||
	    (r = place_each_log(&p, list_log, l, e)) != 0)
		goto out;
	for (size_t i = 0; l->rows != NULL && i < l->n && i < l->seen; i++)
		table_add_row(&t, &l->rows[i]);
	r = cli_print_table(&t, a, e);
out:
	table_clear(&t);
	place_clear(&p);
	return r;
}

static int
run_list(struct cli_args *a, struct err *e)
{
	struct listing l = {.person = cli_get(a, "person")};

	return run_listing(a, &l, e);
}

#define SAMPLE_MAX 100000

static int
run_sample(struct cli_args *a, struct err *e)
{
	struct listing l = {.since = 0};
	char quoted[QUOTE_MAX];
	uint64_t n;
	int r;

	if (parse_u64(cli_operand(a, 0), 1, SAMPLE_MAX, &n) != 0)
		return err_set(e, ERR_USAGE,
		    "a sample of %s, expected a number from 1 to %d",
		    str_quote(quoted, cli_operand(a, 0)), SAMPLE_MAX);
	l.n = (size_t)n;
	if ((l.rows = calloc(l.n, sizeof(*l.rows))) == NULL)
		return err_nomem(e);
	r = run_listing(a, &l, e);
	for (size_t i = 0; i < l.n; i++)
		strs_clear(&l.rows[i]);
	free(l.rows);
	return r;
}

/* --- prove
 * -------------------------------------------------------------------- */

struct proof {
	uint64_t serial;
	struct str text; /* empty until a log has it */
};

/* One serial may be in two logs, of a request that both have seen: the first
 * proves it. */
static int
prove_in(void *ctx, struct audit_log *log, struct err *e)
{
	struct proof *f = ctx;
	uint64_t index;
	int r;

	if (f->text.n > 0)
		return 0;
	if ((r = audit_log_find(log, f->serial, &index, e)) != 0)
		return r == ERR_NOTFOUND ? 0 : r;
	return audit_log_prove(log, index, &f->text, e);
}

static int
run_prove(struct cli_args *a, struct err *e)
{
	struct proof f = {.text = STR_INIT};
	char quoted[QUOTE_MAX];
	struct place p;
	int r;

	place_init(&p);
	if (parse_u64(cli_operand(a, 0), 1, UINT64_MAX, &f.serial) != 0) {
		r = err_set(e, ERR_USAGE, "%s is no serial, expected a number",
		    str_quote(quoted, cli_operand(a, 0)));
		goto out;
	}
	if ((r = place_open(a, &p, e)) != 0 ||
	    (r = place_each_log(&p, prove_in, &f, e)) != 0)
		goto out;
	if (f.text.n == 0)
		r = err_set(e, ERR_NOTFOUND,
		    "%s and what was merged into it have no certificate with "
		    "serial %llu",
		    p.url, (unsigned long long)f.serial);
	else
		r = cli_write_new(cli_get(a, "o"), slice_of(f.text.p, f.text.n),
		    e);
out:
	str_clear(&f.text);
	place_clear(&p);
	return r;
}

/* --- verify
 * --------------------------------------------------------------------- */

/* A number of leaves, or a file with a checkpoint. */
static int
read_since(const struct cli_args *a, struct audit_config *c, char **note,
    struct err *e)
{
	const char *since = cli_get(a, "since");
	size_t n;
	int r;

	if (since == NULL ||
	    parse_u64(since, 0, AUDIT_LEAVES_MAX, &c->since) == 0)
		return 0;
	if ((r = file_read(since, NOTE_MAX, note, &n, e)) != 0)
		return r;
	c->since_note = slice_of(*note, n);
	return 0;
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
	if (cli_get(a, "endpoint") != NULL)
		p->blob.endpoint = cli_get(a, "endpoint");
	if (cli_get(a, "region") != NULL)
		p->blob.region = cli_get(a, "region");
	if (cli_get(a, "credentials") != NULL)
		p->blob.credentials = cli_get(a, "credentials");
	if (root == NULL)
		c->realm = p->trust.realm;
	c->url = url != NULL ? url : p->url;
	c->blob = &p->blob;
	return 0;
}

static int
run_verify(struct cli_args *a, struct err *e)
{
	struct audit_config c = {.now = clock_now()};
	struct audit_report report = {0};
	struct str text = STR_INIT;
	char *note = NULL;
	struct place p;
	int r;

	place_init(&p);
	if ((r = find_log(a, &p, &c, e)) != 0 ||
	    (r = read_since(a, &c, &note, e)) != 0 ||
	    (r = audit_verify(&c, &report, e)) != 0)
		goto out;
	if (cli_flag(a, "json"))
		audit_report_json(&report, &text);
	else
		audit_report_text(&report, &text);
	if ((r = cli_print(&text, e)) == 0 && report.n_findings > 0)
		r = EXIT_REFUSED;
out:
	str_clear(&text);
	audit_report_clear(&report);
	free(note);
	place_clear(&p);
	return r;
}

/* --- merge
 * ---------------------------------------------------------------------- */

static void
print_findings(const struct audit_report *r)
{
	struct str text = STR_INIT;

	audit_report_text(r, &text);
	if (!text.failed)
		fprintf(stderr, "%s", text.p);
	str_clear(&text);
}

static int
merge_into(struct place *p, const struct audit_merge *m, const char *home,
    struct audit_merged *out, struct err *e)
{
	struct audit_report report = {0};
	struct audit_merge one = *m;
	int r;

	one.to = home;
	one.to_blob = &p->blob;
	r = audit_merge(&one, &report, out, e);
	if (r != 0 && report.n_findings > 0)
		print_findings(&report);
	if (r == 0 && out->foreign > 0)
		cli_warn("%llu objects in %s had other bytes, which are kept",
		    (unsigned long long)out->foreign, home);
	audit_report_clear(&report);
	return r;
}

/* A copy that cannot be reached gets it with the next merge. */
static void
merge_copies(struct place *p, const struct audit_merge *m)
{
	for (size_t i = 0; i < p->config.home.copies.n; i++) {
		struct audit_merged out;
		struct err why = {0};

		if (merge_into(p, m, p->config.home.copies.v[i], &out, &why) !=
		    0)
			cli_warn("copy %s: %s; merge again later",
			    p->config.home.copies.v[i], why.msg);
	}
}

static int
tell_merged(const struct cli_args *a, const struct audit_merged *m,
    struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	if (cli_flag(a, "json")) {
		jw_init(&w, &s, true);
		jw_begin(&w, NULL, '{');
		jw_str(&w, "name", m->name);
		jw_u64(&w, "leaves", m->leaves);
		jw_u64(&w, "certificates", m->certificates);
		jw_u64(&w, "new_leaves", m->new_leaves);
		jw_u64(&w, "new_certificates", m->new_certificates);
		jw_end(&w, '}');
		str_addc(&s, '\n');
	} else {
		str_addf(&s,
		    "%s: %llu new certificates in %llu new leaves, %llu "
		    "certificates in all, under logs/%s/\n",
		    m->name, (unsigned long long)m->new_certificates,
		    (unsigned long long)m->new_leaves,
		    (unsigned long long)m->certificates, m->name);
	}
	r = cli_print(&s, e);
	str_clear(&s);
	return r;
}

static int
run_merge(struct cli_args *a, struct err *e)
{
	struct audit_merged out;
	struct audit_merge m = {.from = NULL};
	struct err note = {0};
	struct config other;
	struct blob_config blob;
	char *from = NULL;
	struct place p;
	int r;

	place_init(&p);
	config_init(&other);
	if ((r = place_open(a, &p, e)) != 0 ||
	    (r = config_load(cli_operand(a, 0), &other, e)) != 0)
		goto out;
	if (config_log_url(&other, &from) != 0) {
		r = err_nomem(e);
		goto out;
	}
	config_blob(&other, &blob);
	m.from = from;
	m.from_blob = &blob;
	m.realm = p.trust.realm;
	m.own_name = p.config.log_name;
	if ((r = merge_into(&p, &m, p.url, &out, e)) != 0)
		goto out;
	merge_copies(&p, &m);
	/* A stick that is write-protected is warned of once more. */
	if (cli_note_merged(cli_operand(a, 0), &note) != 0)
		cli_warn("%s", note.msg);
	r = tell_merged(a, &out, e);
out:
	free(from);
	config_clear(&other);
	place_clear(&p);
	return r;
}

/* --- the table
 * ------------------------------------------------------------------ */

static const struct cli_option list_options[] = {
    {0, "since", "T|SPAN", "issued since then, such as 30d"},
    {0, "person", "P", "of one person"},
    CLI_JSON,
    CLI_CSV,
};
static const struct cli_option verify_options[] = {
    {0, "log", "URL", "dir:PATH or s3://BUCKET/PREFIX (default: of -C DIR)"},
    {0, "root", "SHA256:...", "the realm (default: of -C DIR)"},
    {0, "since", "CHECKPOINT",
	"a file with an earlier checkpoint, or a number of leaves: judge what "
	"came later"},
    {0, "endpoint", "URL", "of the S3 server"},
    {0, "region", "R", "of the bucket"},
    {0, "credentials", "HOW", "env, file:PATH or process:PROGRAM"},
    CLI_JSON,
};
static const struct cli_option prove_options[] = {
    {'o', NULL, "FILE", "write there (default: standard output)"},
};
static const struct cli_option sample_options[] = {
    {0, "since", "T|SPAN", "of those issued since then"},
    CLI_JSON,
    CLI_CSV,
};
static const struct cli_option merge_options[] = {
    CLI_JSON,
};

static const struct cli_command subs[] = {
    {.name = "list",
	.operands = "",
	.summary = "certificates that the log has: who, what, why, whose word",
	.run = run_list,
	CLI_OPTIONS(list_options)},
    {.name = "verify",
	.operands = "",
	.summary = "go through all of the log and say what is wrong",
	.run = run_verify,
	CLI_OPTIONS(verify_options)},
    {.name = "prove",
	.operands = "SERIAL",
	.summary = "a proof (c2sp.org/tlog-proof) that a certificate is logged",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_prove,
	CLI_OPTIONS(prove_options)},
    {.name = "sample",
	.operands = "N",
	.summary = "N certificates chosen at random",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_sample,
	CLI_OPTIONS(sample_options)},
    {.name = "merge",
	.operands = "DIR",
	.summary = "take in the log of an emergency directory",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_merge,
	CLI_OPTIONS(merge_options)},
};

const struct cli_command cmd_audit = {
    .name = "audit",
    .operands = "",
    .summary = "read the log, verify it, prove what it has",
    CLI_SUBS(subs),
};
