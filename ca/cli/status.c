/* SPDX-License-Identifier: ISC */
/* writ status, writ pending, writ fetch: what is asked, and what came of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/cli/remote_request.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

#define LIST_MAX 10000

/* --- tables --------------------------------------------------------------- */

static const char *const columns[] = {"id", "state", "person", "principals",
    "grant", "length", "asked", "until", "reason"};

static void
add_row(struct table *t, const struct seen *q)
{
	char at[CLOCK_TEXT], until[CLOCK_TEXT], span[SPAN_TEXT];
	struct str principals = STR_INIT;
	int64_t end = q->state == SEEN_ISSUED ? q->valid_before : q->ends;

	clock_format(q->at, at);
	clock_format(end, until);
	span_format(q->length > 0 ? q->length : 1, span);
	seen_principals(q, &principals);
	table_addf(t, "%.12s", q->id);
	table_add(t, q->revoked ? "revoked" : seen_state_name(q->state));
	table_add(t, q->person);
	table_add(t, principals.p);
	table_add(t, q->grant);
	table_add(t, span);
	table_add(t, at);
	table_add(t, end != 0 ? until : NULL);
	table_add(t, q->reason);
	str_clear(&principals);
}

static int
fill_table(const json_t *body, struct table *t, struct err *e)
{
	const json_t *list = NULL, *item;
	size_t i;
	int r;

	if ((r = json_array_of(body, "requests", JSON_EMPTY_OK, LIST_MAX, &list,
		 e)) != 0)
		return r;
	json_array_foreach (list, i, item) {
		struct seen q;

		if ((r = seen_parse(item, &q, e)) != 0) {
			err_prefix(e, "the CA's answer");
			return r;
		}
		add_row(t, &q);
	}
	return 0;
}

static int
print_list(const struct cli_args *a, const json_t *body, const char *none,
    struct err *e)
{
	struct table t;
	int r;

	table_init(&t, columns, sizeof(columns) / sizeof(columns[0]));
	if ((r = fill_table(body, &t, e)) == 0) {
		if (table_rows(&t) == 0 && cli_format(a) == TABLE_TEXT)
			printf("%s\n", none);
		else
			r = cli_print_table(&t, cli_format(a), e);
	}
	fflush(stdout);
	table_clear(&t);
	return r;
}

/* --- status, pending ------------------------------------------------------ */

static int
run_status(struct cli_args *a, struct err *e)
{
	struct str call = STR_INIT;
	json_t *body = NULL;
	struct remote r;
	int rc;

	cli_remote_init(&r);
	str_add(&call, "{\"call\":\"status\"}");
	if ((rc = cli_remote_open(&r, e)) == 0 &&
	    (rc = remote_call(&r, &call, LINK_CALL_MS, NULL, &body, e)) == 0)
		rc = print_list(a, body, "nothing was asked for", e);
	json_decref(body);
	str_clear(&call);
	remote_clear(&r);
	return rc;
}

struct watching {
	const struct cli_args *a;
	struct err *e;
};

static int
watch_news(void *ctx, const json_t *body)
{
	struct watching *w = ctx;
	char now[CLOCK_TEXT];

	if (cli_format(w->a) == TABLE_TEXT) {
		clock_format(clock_now(), now);
		printf("%s%s\n",
		    isatty(STDOUT_FILENO) == 1 ? "\033[H\033[J" : "", now);
	}
	return print_list(w->a, body, "nothing waits for you", w->e);
}

static int
run_pending(struct cli_args *a, struct err *e)
{
	bool watch = cli_flag(a, "watch");
	struct watching w = {.a = a, .e = e};
	struct str call = STR_INIT;
	json_t *body = NULL;
	struct remote r;
	int rc;

	cli_remote_init(&r);
	str_addf(&call, "{\"call\":\"pending\"%s%s}",
	    cli_flag(a, "all") ? ",\"all\":true" : "",
	    watch ? ",\"watch\":true" : "");
	if ((rc = cli_remote_open(&r, e)) != 0)
		goto out;
	if ((rc = str_check(&call)) != 0)
		(void)err_nomem(e);
	else
		rc = link_call(r.link, slice_of(call.p, call.n),
		    watch ? watch_news : NULL, &w, watch ? -1 : LINK_CALL_MS,
		    NULL, &body, e);
	if (rc == 0 && !watch)
		rc = print_list(a, body, "nothing waits for you", e);
out:
	json_decref(body);
	str_clear(&call);
	remote_clear(&r);
	return rc;
}

/* --- fetch ---------------------------------------------------------------- */

static int
still_waits(const struct kept *k, const struct seen *q, struct err *e)
{
	struct str needs = STR_INIT;
	int r;

	seen_needs(q, &needs);
	r = err_set(e, ERR_WAIT, "request %.12s waits%s%s", k->id,
	    needs.n > 0 ? " for " : "", needs.p);
	str_clear(&needs);
	return r;
}

static int
fetch(struct remote *r, struct kept *k, struct err *e)
{
	struct str call = STR_INIT;
	json_t *body = NULL;
	struct seen q;
	int rc;

	str_addf(&call, "{\"call\":\"fetch\",\"id\":\"%s\"}", k->id);
	if ((rc = remote_call(r, &call, LINK_CALL_MS, NULL, &body, e)) != 0)
		return rc;
	if ((rc = remote_seen(body, &q, e)) != 0)
		goto out;
	if ((rc = remote_ended(&q, e)) != 0)
		kept_remove(k);
	else if (q.state == SEEN_WAITING)
		rc = still_waits(k, &q, e);
	else
		rc = remote_deliver(r, k, body, e);
out:
	json_decref(body);
	return rc;
}

static int
run_fetch(struct cli_args *a, struct err *e)
{
	struct remote r;
	struct kept k;
	int rc;

	kept_init(&k);
	cli_remote_init(&r);
	if ((rc = cli_remote_open(&r, e)) == 0 &&
	    (rc = kept_find(&r.profile, cli_operand(a, 0), &k, e)) == 0)
		rc = fetch(&r, &k, e);
	kept_clear(&k);
	remote_clear(&r);
	return rc;
}

/* --- tables of commands --------------------------------------------------- */

static const struct cli_option status_options[] = {CLI_JSON, CLI_CSV};
const struct cli_command cmd_status = {.name = "status",
    .operands = "",
    .summary = "what I asked for, and what became of it",
    CLI_OPTIONS(status_options),
    .run = run_status};

static const struct cli_option pending_options[] = {
    {0, "all", NULL, "every request that I may see"},
    {0, "watch", NULL, "go on, and print it anew at each change"},
    CLI_JSON,
    CLI_CSV,
};
const struct cli_command cmd_pending = {.name = "pending",
    .operands = "",
    .summary = "what waits for my decision",
    CLI_OPTIONS(pending_options),
    .run = run_pending};

const struct cli_command cmd_fetch = {.name = "fetch",
    .operands = "ID",
    .summary = "the certificate of a request that was left waiting",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_fetch};
