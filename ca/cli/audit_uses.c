/* SPDX-License-Identifier: ISC */
#include "ca/cli/audit_uses.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/proc/child.h"
#include "lib/proc/self.h"

#define OUT_MAX   (512 * 1024 * 1024)
#define WORDS_MAX 16
#define OWN_WORDS 9 /* the program, -C, --json, -i, --master and the end */

void
asked_uses_clear(struct asked_uses *q)
{
	uses_clear(&q->uses);
	issued_clear(&q->issued);
	revocations_clear(&q->revoked);
	place_clear(&q->place);
}

/* --- what hosts saw ------------------------------------------------------- */

static size_t
add_option(const char **argv, size_t n, const struct cli_args *a,
    const char *name, const char *as)
{
	const char *value = cli_get(a, name);

	if (value == NULL)
		return n;
	argv[n++] = as;
	argv[n++] = value;
	return n;
}

static int
run_fleet_program(const char *const *argv, struct child_result *out,
    struct err *e)
{
	const struct child_run run = {
	    .argv = argv, .out_max = OUT_MAX, .err_through = true};

	return child_run(&run, out, e);
}

int
ask_fleet(struct cli_args *a, const char *const *words, json_t **rows,
    struct err *e)
{
	struct child_result out = {0};
	size_t n = 0, n_words = 0;
	const char **argv;
	char *path = NULL;
	int r;

	*rows = NULL;
	if ((r = self_find("writ-fleet", &path, e)) != 0)
		return r;
	while (words[n_words] != NULL)
		n_words++;
	if ((argv = calloc(n_words + OWN_WORDS, sizeof(*argv))) == NULL) {
		free(path);
		return err_nomem(e);
	}
	argv[n++] = path;
	argv[n++] = "-C";
	argv[n++] = cli_dir(a);
	for (size_t i = 0; i < n_words; i++)
		argv[n++] = words[i];
	argv[n++] = "--json";
	n = add_option(argv, n, a, "i", "-i");
	(void)add_option(argv, n, a, "master", "--master");
	if ((r = run_fleet_program(argv, &out, e)) == 0)
		r = out.status != 0
		    ? out.status
		    : json_read_list(slice_of(out.out, out.out_len), OUT_MAX,
			  rows, e);
	if (r < 0)
		err_prefix(e, "writ-fleet %s", words[0]);
	child_result_clear(&out);
	free(argv);
	free(path);
	return r;
}

static const char *
since_of(const struct cli_args *a, const struct asked_uses *q)
{
	const char *since = cli_get(a, "since");

	if (since != NULL)
		return since;
	return q->span != NULL ? q->span : USES_SPAN;
}

static int
get_uses(struct cli_args *a, struct asked_uses *q, struct err *e)
{
	const char *words[WORDS_MAX] = {
	    "logins", "--what", "login", "--since", since_of(a, q)};
	json_t *rows = NULL;
	size_t n = 5;
	int r;

	if (q->ends) {
		words[n++] = "--what";
		words[n++] = "end";
	}
	if (q->sudos) {
		words[n++] = "--what";
		words[n++] = "sudo";
	}
	n = add_option(words, n, a, "until", "--until");
	n = add_option(words, n, a, "host", "--host");
	(void)add_option(words, n, a, "account", "--account");
	if ((r = ask_fleet(a, words, &rows, e)) == 0)
		r = uses_read(rows, &q->uses, e);
	json_decref(rows);
	return r;
}

/* --- what was issued ------------------------------------------------------ */

struct gathering {
	struct asked_uses *q;
	const char *log;
	struct audit_select of;
};

static int
on_certificate(void *ctx, const struct audit_certificate *c)
{
	struct gathering *g = ctx;

	return issued_add(&g->q->issued, c, g->log);
}

static int
gather_log(void *ctx, struct audit_log *log, struct err *e)
{
	struct gathering *g = ctx;
	int r;

	g->log = audit_log_name(log);
	r = audit_log_select(log, &g->of, on_certificate, g, e);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r == ERR_LIMIT && e != NULL && e->msg[0] == '\0')
		return err_set(e, r, "%s: more than %d certificates", g->log,
		    USES_MAX);
	return r;
}

/* Of all logins that name one, in order; the caller frees. */
static uint64_t *
serials_of(const struct uses *u, size_t *n)
{
	uint64_t *v = calloc(u->n + 1, sizeof(*v));

	*n = 0;
	for (size_t i = 0; i < u->n && v != NULL; i++)
		if (u->v[i].event.has_cert)
			v[(*n)++] = u->v[i].event.serial;
	if (*n > 0)
		qsort(v, *n, sizeof(*v), u64_compare);
	return v;
}

/* Those that logins name: one that was used may have ended long before. */
static int
get_issued(struct asked_uses *q, struct err *e)
{
	struct gathering g = {.q = q,
	    .of = {.since = q->unused ? q->since : INT64_MAX,
		.revoked = &q->revoked}};
	uint64_t *serials;
	int r;

	if ((serials = serials_of(&q->uses, &g.of.n_serials)) == NULL)
		return err_nomem(e);
	g.of.serials = serials;
	if ((r = place_each_log(&q->place, gather_log, &g, e)) == 0 &&
	    issued_revoke(&q->issued, &q->revoked) != 0)
		r = err_nomem(e);
	free(serials);
	return r;
}

int
asked_uses_get(struct cli_args *a, struct asked_uses *q, struct err *e)
{
	int r;

	place_init(&q->place);
	/* Of a time to come writ-fleet warns, which is given it. */
	if ((r = cli_since(since_of(a, q), clock_now(), &q->since, e)) != 0 ||
	    (r = place_open(a, &q->place, e)) != 0 ||
	    (r = get_uses(a, q, e)) != 0)
		return r;
	return get_issued(q, e);
}

void
say_unknown_person(const struct cli_args *a, const struct policy *p)
{
	const char *person = cli_get(a, "person");
	char quoted[QUOTE_MAX];

	if (person != NULL && policy_person(p, person) == NULL)
		cli_warn("%s is no person of policy version %llu",
		    str_quote(quoted, person), (unsigned long long)p->version);
}

/* --- times ---------------------------------------------------------------- */

const char *
format_when(int64_t when, const struct cli_args *a, char out[WHEN_TEXT])
{
	time_t at = (time_t)when;
	struct tm tm;

	if (cli_format(a) != TABLE_TEXT || cli_flag(a, "utc") ||
	    localtime_r(&at, &tm) == NULL ||
	    strftime(out, WHEN_TEXT, "%Y-%m-%d %H:%M:%S %z", &tm) == 0)
		clock_format(when, out);
	return out;
}

void
add_when(struct table *t, int64_t when, const struct cli_args *a)
{
	char text[WHEN_TEXT];

	table_add(t, format_when(when, a, text));
}
