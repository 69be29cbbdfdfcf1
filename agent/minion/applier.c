/* SPDX-License-Identifier: ISC */
/* Requests and answers of the applier. */
#include "agent/minion/applier.h"

#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/proc/frame.h"
#include "lib/proc/plog.h"

#define STAY_MS     1500  /* for the next request of a row */
#define LOCK_MS     60000 /* for an applier of an agent that died */
#define ALARMS_KEPT 256
#define ALARM_MAX   900 /* bytes of its message */

static int
verb_look(struct applier *a, struct err *e)
{
	(void)a;
	(void)e;
	return 0; /* every answer has it */
}

static const struct {
	uint16_t verb;
	const char *name;
	verb_fn *fn;
	bool judges; /* what the master brought: what is bad is an alarm */
} verbs[] = {
    {VERB_LOOK, "look", verb_look, false},
    {VERB_ENROL, "enrol", verb_enrol, false},
    {VERB_POLICY, "policy", verb_policy, true},
    {VERB_ACCEPT, "accept", verb_accept, true},
    {VERB_KRL, "krl", verb_krl, true},
    {VERB_CERTIFICATE, "certificate", verb_certificate, true},
    {VERB_RENEW, "renew", verb_renew, false},
    {VERB_JOB, "job", verb_job, true},
    {VERB_RUN, "run", verb_run, false},
    {VERB_CONFIRM, "confirm", verb_confirm, false},
    {VERB_SETTLE, "settle", verb_settle, false},
    {VERB_REPORT, "report", verb_report, false},
    {VERB_UNSENT, "unsent", verb_unsent, false},
    {VERB_DIFF, "diff", verb_diff, false},
    {VERB_RENAME, "rename", verb_rename, true},
    {VERB_TOKEN, "token", verb_token, false},
    {VERB_LOGINS, "logins", verb_logins, false},
};

/* --- alarms --------------------------------------------------------------- */

/* STATE/alarms: a line of hex each, the oldest first. */
#define ALARM_LINE (2 * HASH_LEN + 1)

/* *old (the caller frees) of n bytes; a list that is lost alarms once more. */
static bool
is_raised(const struct applier *a, const char *hex, char **old, size_t *n)
{
	bool raised = false;

	*old = NULL;
	*n = 0;
	if (applier_read(a, "alarms", ALARM_LINE * (ALARMS_KEPT + 1), old, n,
		NULL) != 0)
		*n = 0;
	for (size_t i = 0; i + ALARM_LINE <= *n; i += ALARM_LINE)
		raised |= memcmp(*old + i, hex, ALARM_LINE - 1) == 0;
	return raised;
}

static int
keep_raised(const struct applier *a, const char *hex, const char *old, size_t n,
    struct err *e)
{
	struct str now = STR_INIT;
	size_t from = 0;
	int r;

	if (n >= ALARM_LINE * ALARMS_KEPT)
		from = n - ALARM_LINE * (ALARMS_KEPT - 1);
	str_addn(&now, n > 0 ? old + from : "", n - from);
	str_addf(&now, "%s\n", hex);
	r = str_check(&now) != 0
	    ? err_nomem(e)
	    : applier_write(a, "alarms", slice_of(now.p, now.n), e);
	str_clear(&now);
	return r;
}

static int
say_alarm(struct applier *a, const char *what, const struct err *why,
    struct err *e)
{
	struct report_statement rep = {.kind = REPORT_ALARM};
	struct str text = STR_INIT;
	int r;

	plog_err(PLOG_WARN, why, "a master brought what is not good", "what",
	    what, NULL);
	if (applier_is_accepted(a, NULL) != 0)
		return 0;
	str_addf(&text, "%s: %.*s", what, ALARM_MAX, why->msg);
	if (str_check(&text) != 0) {
		r = err_nomem(e);
	} else {
		rep.message = text.p;
		r = applier_say(a, &rep, e);
	}
	str_clear(&text);
	return r;
}

/* Said first: what ends in between says it once more, and not never. */
int
applier_alarm(struct applier *a, const char *what, const struct err *why)
{
	struct slice parts[3] = {slice_str(what), slice_str(why->msg),
	    slice_str(json_text(a->args, "of"))};
	char hex[HASH_HEX], *old;
	struct err e = {0};
	struct hash key;
	size_t n;
	int r = 0;

	hash_sha256v(parts, 3, &key);
	hash_hex(&key, hex);
	if (!is_raised(a, hex, &old, &n) &&
	    (r = say_alarm(a, what, why, &e)) == 0)
		r = keep_raised(a, hex, old, n, &e);
	free(old);
	if (r != 0)
		plog_err(PLOG_ERR, &e, "cannot raise an alarm", NULL);
	return r;
}

/* Is that what nobody who is honest would have brought?  What is damaged was
 * brought so. */
static bool
is_hostile(int r)
{
	return err_is_theirs(r) || r == ERR_CORRUPT;
}

/* --- a request ------------------------------------------------------------ */

static void
put_error(struct applier *a, int r, const struct err *e)
{
	struct err why = *e;

	if (why.msg[0] == '\0')
		(void)err_set(&why, r, "%s", err_text(r));
	why.code = (enum err_code)r;
	jw_err(&a->w, &why);
}

static void
put_reports(struct applier *a)
{
	jw_begin(&a->w, "reports", '[');
	for (size_t i = 0; i < a->made.n; i++) {
		jw_begin(&a->w, NULL, '{');
		jw_u64(&a->w, "seq", a->first_made + i);
		jw_str(&a->w, "text", a->made.v[i]);
		jw_end(&a->w, '}');
	}
	jw_end(&a->w, ']');
}

static int
do_verb(struct applier *a, const struct frame *f, struct err *e)
{
	int r;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (verbs[i].verb != f->type)
			continue;
		if ((r = json_read(f->payload, VERB_ARGS_MAX, &a->args, e)) !=
		    0)
			return r;
		if ((r = applier_open(a, e)) != 0)
			return r;
		r = verbs[i].fn(a, e);
		if (r != 0 && verbs[i].judges && is_hostile(r))
			(void)applier_alarm(a, verbs[i].name, e);
		else if (r != 0 && r != ERR_BUSY)
			plog_err(PLOG_WARN, e, "cannot do it", "verb",
			    verbs[i].name, NULL);
		return r;
	}
	return err_set(e, ERR_DENIED, "there is no verb %u", f->type);
}

/* ERR_PARSE, ERR_NET: the link is not one to go on with. */
static int
serve_one(struct applier *a, struct chan *c, const struct frame *f,
    struct err *e)
{
	struct str text = STR_INIT;
	struct err why = {0};
	int r;

	jw_init(&a->w, &a->answer, false);
	jw_begin(&a->w, NULL, '{');
	if ((r = do_verb(a, f, &why)) != 0)
		put_error(a, r, &why);
	put_reports(a);
	applier_look(a);
	jw_end(&a->w, '}');
	if (str_check(&a->answer) != 0)
		str_add(&text,
		    "{\"error\":\"out of memory\",\"code\":\"nomem\"}");
	r = chan_send(c, VERB_ANSWER, f->id,
	    text.n > 0 ? slice_of(text.p, text.n)
		       : slice_of(a->answer.p, a->answer.n),
	    e);
	while (r == 0 && chan_wants_write(c)) {
		struct pollfd p = {chan_fd(c), POLLOUT, 0};

		(void)poll(&p, 1, -1);
		r = chan_flush(c, e);
	}
	str_clear(&text);
	applier_close(a);
	return r;
}

/* One at a time, also after an agent that died with its applier at work. */
static int
lock(const char *state_dir, int *fd, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(state_dir, "applier.lock", &path) != 0)
		return err_nomem(e);
	for (int waited = 0;; waited += 100) {
		r = file_lock(path, fd, e);
		if (r != ERR_BUSY || waited >= LOCK_MS)
			break;
		(void)usleep(100 * 1000);
	}
	free(path);
	return r;
}

int
applier_serve(const char *config_path, const char *state_dir, int fd,
    struct err *e)
{
	struct applier a = {.config_path = config_path,
	    .state_dir = state_dir,
	    .answer = STR_INIT};
	struct chan *c = NULL;
	struct frame f;
	int held = -1, r, ms = LOCK_MS;

	if ((r = file_mkdirs(state_dir, 0711, e)) != 0 ||
	    (r = lock(state_dir, &held, e)) != 0 ||
	    (r = chan_new(fd, &c, e)) != 0)
		goto out;
	for (;; ms = STAY_MS) {
		r = chan_wait(c, ms, &f, e);
		if (r != 0) {
			/* Nothing more is asked, or nobody is there. */
			r = r == ERR_NET ? 0 : r;
			break;
		}
		a.now = 0;
		if ((r = serve_one(&a, c, &f, e)) != 0)
			break;
	}
out:
	chan_free(c);
	if (held != -1)
		(void)close(held); /* the lock's */
	return r;
}
