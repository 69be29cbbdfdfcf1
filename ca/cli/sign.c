/* SPDX-License-Identifier: ISC */
/*
 * writ sign: requests in, certificates out, and every act in the log before
 * anybody has anything of it.  Key and revoke statements go the same way, and
 * what is said of hosts.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/sign.h"
#include "ca/issue/issue.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/pages.h"
#include "lib/base/parallel.h"

#define READ_ASIDE 16 /* fewer files are not worth a thread */

/* --- reporting ------------------------------------------------------------ */

static void
report(struct signing *g, const struct job *j)
{
	int status = cli_exit_status(j->r);

	fflush(stdout);
	if (strncmp(j->e->msg, j->path, strlen(j->path)) == 0)
		fprintf(stderr, "writ: %s\n", j->e->msg);
	else
		fprintf(stderr, "writ: %s: %s\n", j->path, j->e->msg);
	if (j->e->hint[0] != '\0')
		fprintf(stderr, "  %s\n", j->e->hint);
	if (status > g->status)
		g->status = status;
}

static void
print_issued(const struct job *j, const struct keeper_item *it)
{
	char until[CLOCK_TEXT];

	if (strcmp(j->out, "-") == 0)
		return;
	clock_format((int64_t)it->valid_before, until);
	printf("%s: serial %llu, until %s\n", j->out,
	    (unsigned long long)leaf_serial(&it->request->hash), until);
}

/* --- certificates --------------------------------------------------------- */

static int
release(void *ctx, size_t i, struct keeper_item *it, struct err *e)
{
	struct signing *g = ctx;
	struct job *j = &g->jobs[g->of_item[i]];
	int r;

	/* The line stays: its record borrows it. */
	if (strcmp(j->out, "-") == 0)
		r = cli_write_new(j->out, slice_of(it->line.p, it->line.n), e);
	else
		/* Can be had again from the log: not worth an fsync each, nor
		 * a rename. */
		r = file_write(j->out, it->line.p, it->line.n, 0644,
		    FILE_NOSYNC | FILE_AT_ONCE, e);
	if (r == 0)
		print_issued(j, it);
	return r;
}

static int
issue_batch(struct signing *g, struct keeper_item *items, size_t n,
    struct err *e)
{
	int r = local_issue(g->local, items, n, release, g, e);

	for (size_t i = 0; i < n; i++) {
		struct keeper_item *it = &items[i];
		struct job *j = &g->jobs[g->of_item[i]];

		for (size_t k = 0; k < it->notes.n; k++)
			cli_warn("%s: passed over: %s", j->path,
			    it->notes.v[k]);
		if (it->r != 0) {
			j->r = it->r;
			report(g, j);
		}
	}
	return r;
}

/* By all cores, as it is new memory. */
static void
init_item(void *ctx, size_t i)
{
	keeper_item_init(&((struct keeper_item *)ctx)[i]);
}

static void
clear_item(void *ctx, size_t i)
{
	keeper_item_clear(&((struct keeper_item *)ctx)[i]);
}

static int
issue_all(struct signing *g, struct err *e)
{
	size_t most = g->n < KEEPER_BATCH_MAX ? g->n : KEEPER_BATCH_MAX, n = 0;
	struct keeper_item *items = NULL;
	int r = 0;

	items = malloc(most * sizeof(*items));
	g->of_item = calloc(most, sizeof(*g->of_item));
	if (items == NULL || g->of_item == NULL) {
		r = err_nomem(e);
		goto out;
	}
	parallel_for(most, init_item, items);
	for (size_t i = 0; i <= g->n && r == 0; i++) {
		struct job *j = i < g->n ? &g->jobs[i] : NULL;

		if (j != NULL && j->r == 0 && issue_is_request(&j->s)) {
			items[n].request = &j->s;
			items[n].e = j->e;
			if (j->s.type == ST_REQUEST) {
				items[n].given = j->given;
				items[n].n_given = j->n_given;
			}
			g->of_item[n++] = i;
		}
		if (n == KEEPER_BATCH_MAX || (j == NULL && n > 0)) {
			r = issue_batch(g, items, n, e);
			parallel_for(n, clear_item, items);
			n = 0;
		}
	}
out:
	free(items);
	free(g->of_item);
	g->of_item = NULL;
	return r;
}

/* --- keys and revocations --------------------------------------------------
 */

/* The enrol statement that is accepted or rejected: beside it, or a FILE of its
 * own; NULL: none of them, so the log must have it. */
static struct statement *
find_enrol(struct signing *g, const struct job *j, const struct statement *s)
{
	const struct hash *h =
	    s->type == ST_ACCEPT ? &s->u.accept.enrol : &s->u.reject.enrol;

	for (size_t i = 0; i < j->n_given; i++)
		if (hash_equal(&j->given[i]->hash, h))
			return j->given[i];
	for (size_t i = 0; i < g->n; i++)
		if (g->jobs[i].r == 0 && g->jobs[i].s.type == ST_ENROL &&
		    hash_equal(&g->jobs[i].s.hash, h)) {
			g->jobs[i].taken = true;
			return &g->jobs[i].s;
		}
	return NULL;
}

/* s is the job's, or what lies beside it. */
static int
apply_statement(struct signing *g, struct job *j, struct statement *s,
    struct err *e)
{
	struct ledger_receipt receipts[KEEPER_BATCH_MAX];
	struct keeper_leaves leaves = {0};
	struct statement *enrol = NULL, **given = j->given;
	size_t n_given = j->n_given;
	struct buf *krl = NULL;
	int r;

	if (s->type == ST_ACCEPT || s->type == ST_REJECT) {
		enrol = find_enrol(g, j, s);
		given = &enrol;
		n_given = enrol != NULL;
	}
	j->r = keeper_apply(g->local->keeper, s, given, n_given, &leaves, j->e);
	r = leaves.n > 0 ? local_commit(g->local, &leaves, receipts, e)
			 : local_publish(g->local, e);
	if (r == 0 && j->r == 0 && s->type == ST_REVOKE) {
		r = local_new_krl(g->local, &krl, e);
		buf_free(krl);
	}
	if (r == 0 && j->r == 0)
		printf("%s: %s\n", j->path,
		    s == &j->s ? "in force" : "accepted");
	else if (r == 0 && j->r == ERR_EXISTS && s == &j->s)
		printf("%s: %s\n", j->path, j->e->msg);
	else if (r == 0 && j->r != ERR_EXISTS)
		report(g, j);
	keeper_leaves_clear(&leaves);
	return r;
}

static int
apply_job(struct signing *g, struct job *j, struct err *e)
{
	return apply_statement(g, j, &j->s, e);
}

/* --- hosts --- */

/* What lies beside a renewal: the statements that let its host in. */
static int
apply_beside(struct signing *g, struct job *j, enum statement_type type,
    struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < j->n_given && r == 0; i++) {
		struct job one = {.path = j->path,
		    .given = j->given,
		    .n_given = j->n_given,
		    .e = j->e};

		if (j->given[i]->type != type)
			continue;
		statement_init(&one.s, type);
		r = apply_statement(g, &one, j->given[i], e);
		if (one.r != 0 && one.r != ERR_EXISTS)
			j->r = one.r;
	}
	return r;
}

/* In the order in which they count, whatever that of the files: a token before
 * who comes by it, and who is turned out last. */
static int
apply_hosts(struct signing *g, struct err *e)
{
	static const enum statement_type order[] = {
	    ST_TOKEN, ST_ACCEPT, ST_RENAME, ST_REJECT, ST_FORGET};
	int r = 0;

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (size_t i = 0; i < g->n && r == 0; i++) {
			struct job *j = &g->jobs[i];

			if (j->r != 0)
				continue;
			if (j->s.type == ST_RENEW)
				r = apply_beside(g, j, order[k], e);
			else if (j->s.type == order[k])
				r = apply_job(g, j, e);
		}
	for (size_t i = 0; i < g->n && r == 0; i++) {
		struct job *j = &g->jobs[i];

		if (j->r != 0 || j->s.type != ST_ENROL || j->taken)
			continue;
		j->r = err_set(j->e, ERR_DENIED,
		    "an enrol statement counts with its acceptance, expected "
		    "it "
		    "as well");
		report(g, j);
	}
	return r;
}

static bool
is_applied_elsewhere(const struct statement *s)
{
	return issue_is_request(s) || standing_is_about_host(s->type);
}

static int
apply_all(struct signing *g, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < g->n && r == 0; i++) {
		struct job *j = &g->jobs[i];

		if (j->r != 0 || is_applied_elsewhere(&j->s))
			continue;
		if (j->s.type == ST_KEY || j->s.type == ST_REVOKE) {
			r = apply_job(g, j, e);
			continue;
		}
		j->r = err_set(j->e, ERR_PARSE,
		    "is a %s statement, expected a request, a key, a "
		    "revocation or one about a host",
		    statement_type_name(j->s.type));
		report(g, j);
	}
	return r == 0 ? apply_hosts(g, e) : r;
}

/* --- the command ---------------------------------------------------------- */

/* What could not be read, and what was passed over. */
static void
report_unread(struct signing *g)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct job *j = &g->jobs[i];

		for (size_t k = 0; k < j->passed_over.n; k++)
			cli_warn("%s", j->passed_over.v[k]);
		if (j->r != 0)
			report(g, j);
	}
}

struct reading {
	struct signing *g;
	int r;
	struct err e;
};

static void *
read_aside(void *arg)
{
	struct reading *rd = arg;

	rd->r = sign_read(rd->g, &rd->e);
	return NULL;
}

/*
 * Read the files and open the deployment.  Neither needs the other and opening
 * mostly waits for the disk, so many files are read in a thread meanwhile; it
 * prints nothing, since a passphrase may be asked for.
 */
static int
read_and_open(struct signing *g, struct err *e)
{
	struct reading rd = {.g = g};
	pthread_t thread;
	bool aside;
	int r = 0;

	aside = g->n >= READ_ASIDE &&
	    pthread_create(&thread, NULL, read_aside, &rd) == 0;
	if (!aside)
		(void)read_aside(&rd);
	if (aside || rd.r == 0)
		r = cli_open(g->a, LOCAL_SIGN, &g->local, e);
	if (aside)
		(void)pthread_join(thread, NULL);
	if (rd.r != 0) {
		*e = rd.e;
		return rd.r;
	}
	report_unread(g);
	return r;
}

/* Of several FILEs one at most may come to a certificate then. */
static int
check_output(const struct signing *g, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++)
		n += issue_is_request(&g->jobs[i].s);
	return cli_get(g->a, "o") != NULL && n > 1
	    ? err_set(e, ERR_USAGE, "-o is for one FILE")
	    : 0;
}

static int
sign_all(struct signing *g, struct err *e)
{
	const char *out = cli_get(g->a, "o");
	int r;

	if ((r = cli_check_place(out, e)) != 0)
		return r;
	if ((r = read_and_open(g, e)) != 0 || (r = check_output(g, e)) != 0)
		return r;
	/* Who was revoked in this call asks for nothing in it any more. */
	if ((r = apply_all(g, e)) != 0 || (r = issue_all(g, e)) != 0)
		return r;
	return g->status;
}

static void
clear_job(void *ctx, size_t i)
{
	struct job *j = &((struct job *)ctx)[i];

	statement_clear(&j->s);
	strs_clear(&j->decisions);
	strs_clear(&j->passed_over);
	free(j->ids);
	free(j->given);
	free(j->out);
}

static int
run_sign(struct cli_args *a, struct err *e)
{
	struct signing g = {
	    .a = a, .beside = BESIDE_INIT, .n = cli_n_operands(a)};
	int r;

	g.jobs = pages_calloc(g.n, sizeof(*g.jobs));
	g.errs = calloc(g.n, sizeof(*g.errs));
	if (g.jobs == NULL || g.errs == NULL) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < g.n; i++) {
		g.jobs[i].path = cli_operand(a, i);
		g.jobs[i].e = &g.errs[i];
		statement_init(&g.jobs[i].s, ST_REQUEST);
	}
	r = sign_all(&g, e);
	local_free(g.local);
	parallel_for(g.n, clear_job, g.jobs);
	beside_clear(&g.beside);
out:
	free(g.errs);
	free(g.jobs);
	return r;
}

static const struct cli_option options[] = {
    {0, "decision", "FILE",
	"this decision, not those beside FILE; "
	"may be repeated"},
    {'o', NULL, "FILE", "where the certificate goes"},
};

const struct cli_command cmd_sign = {.name = "sign",
    .operands = "FILE ...",
    .summary = "issue what is approved",
    CLI_OPTIONS(options),
    .min_operands = 1,
    .max_operands = CLI_ANY,
    .run = run_sign};
