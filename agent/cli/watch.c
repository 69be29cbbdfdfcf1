/* SPDX-License-Identifier: ISC */
/* A job that runs: a line for each host as it reports, and how it went. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/watch.h"
#include "agent/client/progress.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/cli/interrupt.h"
#include "lib/cli/signing.h"

#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS  15000
#define RETRY_ALL_MS   600000 /* then it is left to itself */
#define DIFF_TEXT_MAX  (4 * 1024 * 1024)

struct watching {
	struct online *o;
	const struct watched *w;
	struct progress progress;
	bool quiet; /* JSON is what is printed */
	struct err fault;
	struct interrupt signals;
};

/* --- following ------------------------------------------------------------ */

static int
on_news(void *ctx, const json_t *body)
{
	struct watching *x = ctx;
	struct str line = STR_INIT;
	int r = progress_news(&x->progress, body, &line, &x->fault);

	if (r == 0 && line.n > 0 && !x->quiet) {
		printf("%s\n", line.p);
		(void)fflush(stdout);
	}
	str_clear(&line);
	return r;
}

/* 0: it has ended; LINK_CANCELLED; ERR_*. */
static int
watch_once(struct watching *x, struct err *e)
{
	struct str call = STR_INIT;
	char hex[HASH_HEX];
	json_t *body = NULL;
	int r;

	x->fault = (struct err){0};
	hash_hex(&x->w->name, hex);
	str_addf(&call, "{\"call\":\"watch\",\"job\":\"%s\"}", hex);
	r = master_watch(&x->o->master, &call, on_news, x, &body, e);
	if (x->fault.code != ERR_OK && e != NULL)
		*e = x->fault;
	if (r == 0)
		r = progress_finish(&x->progress, body, e);
	if (r < 0 && r != ERR_NET)
		err_prefix(e, "%s: watch", x->o->master.address);
	json_decref(body);
	return r;
}

/* The job goes on whatever becomes of this connection. */
static int
reconnect(struct watching *x, struct err *e)
{
	int ms = RETRY_FIRST_MS, spent = 0, r = ERR_NET;

	cli_warn("the connection is lost; the job goes on, trying again");
	while (r == ERR_NET && spent < RETRY_ALL_MS) {
		struct pollfd p = {.fd = x->signals.fd, .events = POLLIN};

		if (poll(&p, 1, ms) == 1)
			return LINK_CANCELLED;
		spent += ms;
		ms = 2 * ms < RETRY_MOST_MS ? 2 * ms : RETRY_MOST_MS;
		r = master_connect_any(&x->o->master, &x->o->places, e);
	}
	return r;
}

static int
follow(struct watching *x, struct err *e)
{
	int r;

	while ((r = watch_once(x, e)) == ERR_NET)
		if ((r = reconnect(x, e)) != 0)
			break;
	return r;
}

static int
left(const struct watching *x, struct err *e)
{
	char hex[HASH_HEX];
	int r = err_set(e, ERR_WAIT, "the job goes on without being watched");

	hash_hex(&x->w->name, hex);
	err_hint(e, "writ fleet watch %.12s comes back to it", hex);
	return r;
}

/* --- differences ---------------------------------------------------------- */

int
watch_diff(struct online *o, const char *host, const struct hash *name,
    struct str *out, struct err *e)
{
	struct str call = STR_INIT;
	char hex[HASH_HEX];
	const char *text;
	json_t *body = NULL;
	struct hash got;
	struct jw w;
	int r;

	hash_hex(name, hex);
	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "show_diff");
	jw_str(&w, "host", host);
	jw_str(&w, "hash", hex);
	jw_end(&w, '}');
	if ((r = master_call(&o->master, &call, NULL, &body, e)) != 0)
		return r;
	text = json_string_value(json_object_get(body, "text"));
	if (text == NULL || strlen(text) > DIFF_TEXT_MAX) {
		r = err_set(e, ERR_PARSE, "%s: show_diff: no text came",
		    o->master.address);
	} else {
		hash_sha256(text, strlen(text), &got);
		if (!hash_equal(&got, name))
			r = err_set(e, ERR_CORRUPT,
			    "%s: what came is not the difference that the "
			    "report names",
			    host);
		else
			str_add_shown(out, text, strlen(text));
	}
	json_decref(body);
	return r;
}

/* The first host from i on whose difference this is has it to show. */
static bool
shown_before(const struct progress *p, size_t host, size_t change)
{
	const struct hash *name = &p->v[host].changes[change].diff;

	for (size_t i = 0; i <= host; i++) {
		size_t n = i < host ? p->v[i].n_changes : change;

		for (size_t k = 0; k < n; k++)
			if (p->v[i].changes[k].has_diff &&
			    hash_equal(&p->v[i].changes[k].diff, name))
				return true;
	}
	return false;
}

/* Each difference once, with the first host that has it. */
static int
print_diffs(struct watching *x, struct err *e)
{
	const struct progress *p = &x->progress;

	for (size_t i = 0; i < p->n; i++) {
		const struct progress_host *h = &p->v[i];

		for (size_t k = 0; k < h->n_changes; k++) {
			struct str s = STR_INIT;
			struct err why = {0};
			int r;

			if (!h->changes[k].has_diff || shown_before(p, i, k))
				continue;
			str_addf(&s, "\n# %s on %s\n", h->changes[k].state,
			    h->host);
			r = watch_diff(x->o, h->host, &h->changes[k].diff, &s,
			    &why);
			if (r != 0)
				str_addf(&s, "# %s\n", why.msg);
			if ((r = cli_print(&s, e)) != 0)
				return r;
		}
	}
	return 0;
}

/* --- how it went ---------------------------------------------------------- */

int
watch_check(const struct cli_args *a, struct err *e)
{
	const char *junit = cli_get(a, "junit");

	/* What happens is told there. */
	if (junit != NULL && strcmp(junit, "-") == 0)
		return err_set(e, ERR_USAGE,
		    "--junit: '-' is standard output, expected a file");
	return cli_check_place(junit, e);
}

static int
write_junit(const struct watching *x, const char *path, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	progress_junit(&x->progress, &x->w->name, x->w->version, &s);
	r = str_check(&s) == 0
	    ? file_write(path, s.p, s.n, 0644, FILE_NOSYNC, e)
	    : err_nomem(e);
	str_clear(&s);
	return r;
}

static int
tell(struct watching *x, const struct cli_args *a, struct err *e)
{
	const char *junit = cli_get(a, "junit");
	struct str s = STR_INIT;
	int r;

	if (x->quiet) {
		progress_json(&x->progress, &x->w->name, x->w->version, &s);
	} else {
		progress_summary(&x->progress, &s);
		str_addc(&s, '\n');
	}
	if ((r = cli_print(&s, e)) == 0 && junit != NULL)
		r = write_junit(x, junit, e);
	if (r == 0 && cli_flag(a, "diff") && !x->quiet &&
	    x->progress.end != PROGRESS_RUNNING)
		r = print_diffs(x, e);
	return r;
}

int
watch_job(struct online *o, const struct watched *w, const struct cli_args *a,
    struct err *e)
{
	struct watching x = {.o = o,
	    .w = w,
	    .quiet = cli_flag(a, "json"),
	    .signals = INTERRUPT_INIT};
	int r, told;

	if (progress_new(&x.progress, &w->targets, w->enforce) != 0)
		return err_nomem(e);
	if ((r = interrupt_catch(&x.signals, e)) != 0)
		goto out;
	o->master.cancel_fd = x.signals.fd; /* for connections to come */
	link_cancel_by(o->master.link, x.signals.fd);
	if ((r = follow(&x, e)) == LINK_CANCELLED)
		r = left(&x, e);
	o->master.cancel_fd = -1;
	if (o->master.link != NULL)
		link_cancel_by(o->master.link, -1);
	if (r == 0 || r == ERR_WAIT) {
		struct err why = {0};

		if ((told = tell(&x, a, &why)) != 0 && r == 0) {
			r = told;
			if (e != NULL)
				*e = why;
		}
	}
	if (r == 0)
		r = progress_status(&x.progress);
out:
	interrupt_release(&x.signals);
	progress_clear(&x.progress);
	return r;
}
