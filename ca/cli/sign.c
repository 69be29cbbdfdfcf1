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

#include "ca/cli/beside.h"
#include "ca/cli/cli.h"
#include "ca/issue/issue.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/pages.h"
#include "lib/base/parallel.h"

#define READ_ASIDE 16 /* fewer files are not worth a thread */

/* One FILE: what it says, the decisions that go with it, where it goes. */
struct job {
	const char *path;
	struct statement s;
	struct strs decisions; /* their files */
	struct file_id *ids;   /* of those beside it, or NULL */
	struct statement **given;
	size_t n_given;
	struct strs passed_over; /* a sentence for each of the others */
	char *out;               /* of a request: the certificate's file */
	bool taken;              /* an enrol statement: by an acceptance */
	int r;
	struct err *e; /* of errs */
};

struct signing {
	const struct cli_args *a;
	struct beside beside;
	bool listed; /* what lies beside the files */
	struct local *local;
	struct job *jobs;
	struct err *errs; /* one a job, apart: memory that is hardly touched */
	size_t n;
	/* The batch that is on its way: which job each item is. */
	size_t *of_item;
	int status; /* of the worst, 0 so far */
};

/* --- reading -------------------------------------------------------------- */

/* What lies beside all of them.  Where that cannot be told, the file itself may
 * have more to say about it. */
static void
list_all(struct signing *g)
{
	bool names = cli_all(g->a, "decision")->n == 0;
	bool keys = cli_get(g->a, "o") == NULL;
	int r = 0;

	for (size_t i = 0; i < g->n && r == 0 && (names || keys); i++)
		r = beside_list(&g->beside, g->jobs[i].path, keys, NULL);
	g->listed = r == 0;
}

static void
read_nth(void *ctx, size_t i)
{
	struct signing *g = ctx;
	struct job *j;

	/* While others read. */
	if (i == 0) {
		list_all(g);
		return;
	}
	j = &g->jobs[i - 1];
	if ((j->r = cli_read_statement(j->path, &j->s, j->e)) == 0 &&
	    (j->r = statement_verify(&j->s, j->e)) != 0)
		err_prefix(j->e, "%s", j->path);
}

/* The files of the decisions: beside the file, or those named. */
static int
find_decisions(struct signing *g, struct job *j, struct err *e)
{
	const struct strs *named = cli_all(g->a, "decision");

	if (named->n == 0)
		return beside_decisions(&g->beside, j->path, &j->decisions,
		    &j->ids, e);
	return strs_dup(named, &j->decisions) != 0 ? err_nomem(e) : 0;
}

static int
pass_over(struct job *j, const char *path, const char *why)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "%s: passed over: %s", path, why);
	if ((r = str_check(&s)) == 0)
		r = strs_add(&j->passed_over, s.p);
	str_clear(&s);
	return r;
}

/* With what a host says goes what is said of hosts, and decisions with all
 * else. */
static int
check_goes_with(const struct job *j, const char *path,
    const struct statement *s, struct err *e)
{
	bool host = j->s.type == ST_RENEW || standing_is_about_host(j->s.type);

	if (standing_is_about_host(s->type) == host)
		return 0;
	return err_set(e, ERR_PARSE, "%s: is a %s, expected %s", path,
	    statement_type_name(s->type),
	    host ? "a statement about a host" : "a decision");
}

/* One that cannot be read is to be named, and is passed over. */
static void
read_decisions(struct signing *g, struct job *j)
{
	int r = 0;

	j->given = calloc(j->decisions.n + 1, sizeof(*j->given));
	if (j->given == NULL)
		r = ERR_NOMEM;
	for (size_t k = 0; k < j->decisions.n && r == 0; k++) {
		const char *path = j->decisions.v[k];
		struct statement *s = NULL;
		struct err why = {0};

		if (beside_read(&g->beside, path,
			j->ids != NULL ? &j->ids[k] : NULL, &s, &why) == 0 &&
		    check_goes_with(j, path, s, &why) == 0)
			j->given[j->n_given++] = s;
		else
			r = pass_over(j, path, why.msg);
	}
	if (r != 0)
		j->r = err_nomem(j->e);
}

static const struct pubkey *
subject_of(const struct statement *s)
{
	return s->type == ST_RENEW ? s->u.renew.key : s->u.r.subject;
}

/*
 * KEY-cert.pub beside the subject's KEY.pub where that lies in the same
 * directory, as ssh(1) looks for it; else FILE-cert.pub.
 */
static int
choose_output(struct signing *g, struct job *j, struct err *e)
{
	const char *o = cli_get(g->a, "o");
	char *pub = NULL;
	int r;

	if (o == NULL && strcmp(j->path, "-") == 0)
		o = "-";
	if (o != NULL)
		return (j->out = str_dup(o)) != NULL ? 0 : err_nomem(e);
	if ((r = beside_key(&g->beside, j->path, subject_of(&j->s), &pub, e)) !=
	    0)
		return r;
	if (pub != NULL)
		r = path_joinf(&j->out, "%.*s-cert.pub", (int)strlen(pub) - 4,
		    pub);
	else
		r = path_joinf(&j->out, "%s-cert.pub", j->path);
	free(pub);
	return r == 0 ? 0 : err_nomem(e);
}

/* What goes with it. */
static int
find_nth(void *ctx, size_t i, struct err *e)
{
	struct signing *g = ctx;
	struct job *j = &g->jobs[i];
	int r;

	if (j->r != 0)
		return 0;
	if ((r = find_decisions(g, j, e)) != 0 ||
	    (issue_is_request(&j->s) && (r = choose_output(g, j, e)) != 0))
		return r;
	read_decisions(g, j);
	return 0;
}

static int
read_jobs(struct signing *g, struct err *e)
{
	int r = 0;

	parallel_for(g->n + 1, read_nth, g);
	if (g->listed)
		return parallel_try(g->n, find_nth, g, e);
	for (size_t i = 0; i < g->n && r == 0; i++)
		r = find_nth(g, i, e);
	return r;
}

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

	if (strcmp(j->out, "-") == 0)
		r = cli_print(&it->line, e);
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

	rd->r = read_jobs(rd->g, &rd->e);
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
	int r;

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
