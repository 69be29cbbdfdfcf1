/* SPDX-License-Identifier: ISC */
/*
 * What this host's log says of logins, from where the last look ended, in reports.
 *
 * How far it was read is kept with what is not told yet, and is named by the same
 * file that numbers the reports: whenever this process is killed, a line is told
 * once.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/logins/sshd_line.h"
#include "agent/logins/whole.h"
#include "agent/minion/applier.h"
#include "agent/minion/login_log.h"
#include "agent/minion/pam_spool.h"
#include "lib/base/clock.h"

#define REPORT_BYTES (40 * 1024) /* of events as JSON: then the next report */
#define LOOK_REPORTS 16          /* of one answer */
#define LOOK_LINES   20000       /* of one look */

struct look {
	struct applier *a;
	struct seen s;
	struct seen_events events;
	size_t bytes; /* of the first measured events, as JSON */
	size_t measured;
	size_t lines, reports;
	bool changed; /* s is not what is kept */
	bool more;    /* not all was read */
	struct login_take take;
};

/* --- what is kept --------------------------------------------------------- */

static int
read_kept(struct look *l, struct err *e)
{
	struct applier *a = l->a;
	char *text = NULL;
	json_t *o = NULL;
	size_t n = 0;
	int r;

	if (!a->reports.has_logins)
		return ERR_NOTFOUND;
	r = logins_get(a->state_dir, &a->reports.logins, SEEN_TEXT_MAX, &text,
	    &n, e);
	if (r == 0 &&
	    (r = json_read(slice_of(text, n), SEEN_TEXT_MAX, &o, e)) == 0)
		r = seen_read(o, &l->s, e);
	json_decref(o);
	free(text);
	return r;
}

/*
 * As the last look left it; anew where there was none, or where it was of another
 * log.  What is lost or damaged is an alarm, since it is what an intruder would
 * remove; then it is begun anew too, as one lost line.
 */
static int
open_kept(struct look *l, enum login_source source, struct err *e)
{
	struct err why = {0};
	int r = read_kept(l, &why);

	if (r == ERR_NOMEM || r == ERR_SYS) {
		if (e != NULL)
			*e = why;
		return r;
	}
	if (r == 0 && l->s.source == source)
		return 0;
	if (l->a->reports.has_logins) {
		if (r == 0)
			(void)err_set(&why, ERR_NOTFOUND,
			    "the log that was read is not there any more");
		(void)applier_alarm(l->a, "logins", &why);
		l->take.lost++;
	}
	seen_clear(&l->s);
	l->s.source = source;
	l->s.since = l->a->now;
	l->changed = true;
	return 0;
}

static int
keep(struct look *l, struct err *e)
{
	struct applier *a = l->a;
	struct str text = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &text, false);
	seen_write(&l->s, &w);
	if (str_check(&text) != 0)
		r = err_nomem(e);
	else
		r = logins_keep(a->state_dir, slice_of(text.p, text.n),
		    &a->reports.logins, e);
	a->reports.has_logins = true;
	str_clear(&text);
	return r;
}

/* --- telling -------------------------------------------------------------- */

/* What there is to say, and what is kept then, in one step. */
static int
tell(struct look *l, struct err *e)
{
	struct report_statement rep = {.kind = REPORT_LOGINS,
	    .events = l->events.v,
	    .n_events = l->events.n};
	uint64_t lost = l->s.lost;
	int r;

	if (l->events.n == 0 && !l->changed)
		return 0;
	if (l->events.n > 0)
		l->s.lost = 0; /* it is told by this report */
	if ((r = keep(l, e)) != 0)
		return r;
	if (l->events.n == 0) {
		r = report_state_write(l->a->state_dir, &l->a->reports, e);
	} else {
		rep.lost = lost;
		r = applier_say(l->a, &rep, e);
		l->reports++;
	}
	if (r != 0)
		return r;
	logins_tidy(l->a->state_dir, &l->a->reports);
	seen_events_clear(&l->events);
	l->bytes = l->measured = 0;
	l->changed = false;
	return 0;
}

/* Is it time for the next report?  One line more has always room. */
static int
tell_if_full(struct look *l, struct err *e)
{
	struct str text = STR_INIT;
	struct jw w;
	int r;

	for (; l->measured < l->events.n; l->measured++) {
		str_reset(&text);
		jw_init(&w, &text, false);
		jw_begin(&w, NULL, '{');
		login_event_write(&l->events.v[l->measured], &w);
		jw_end(&w, '}');
		l->bytes += text.n + 1;
	}
	r = str_check(&text);
	str_clear(&text);
	if (r != 0)
		return err_nomem(e);
	if (l->bytes < REPORT_BYTES && l->events.n < LOGIN_EVENTS_MAX / 2)
		return 0;
	return tell(l, e);
}

/* sshd's line stands where PAM's word does not fit it, and that is an alarm. */
static int
take_whole(struct look *l, const struct seen_line *line, struct login_event *ev,
    struct err *e)
{
	struct err why = {0};
	struct sshd_line s;
	char *cert = NULL;
	int r;

	sshd_line_parse(line->text, &s);
	r = pam_spool_take(l->a->state_dir, line, ev->account, &cert, &why);
	if (r == 0)
		r = whole_take(ev, s.is_cert, slice_str(cert), &why);
	free(cert);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r != 0 && r != ERR_NOTFOUND) {
		err_prefix(&why, "PAM, of a login of %.64s by process %llu",
		    ev->account, (unsigned long long)line->pid);
		(void)applier_alarm(l->a, "logins", &why);
	}
	return 0;
}

static int
see(struct look *l, const struct seen_line *line, struct err *e)
{
	size_t before = l->events.n;
	int r = seen_take(&l->s, line, &l->events, e);

	for (size_t i = before; i < l->events.n && r == 0; i++)
		if (l->events.v[i].what == LOGIN_IN)
			r = take_whole(l, line, &l->events.v[i], e);
	return r;
}

static int
take_line(void *arg, const struct seen_line *line, const char *place,
    struct err *e)
{
	struct look *l = arg;
	char *now = str_dup(place);
	int r;

	if (now == NULL)
		return err_nomem(e);
	free(l->s.place);
	l->s.place = now;
	/* A line that cannot be had is one before this. */
	l->s.lost += l->take.lost;
	l->take.lost = 0;
	l->changed = true;
	if ((r = see(l, line, e)) != 0 || (r = tell_if_full(l, e)) != 0)
		return r;
	l->more = ++l->lines >= LOOK_LINES || l->reports >= LOOK_REPORTS;
	return l->more ? LOGIN_ENOUGH : 0;
}

/* What has waited for its time, a report's room at once. */
static int
settle(struct look *l, struct err *e)
{
	size_t before;
	int r;

	do {
		before = l->events.n;
		if ((r = seen_settle(&l->s, l->a->now, &l->events, e)) != 0)
			return r;
		if (l->events.n == before)
			return 0;
		l->changed = true;
	} while ((r = tell_if_full(l, e)) == 0);
	return r;
}

/* --- looking -------------------------------------------------------------- */

/* By the time as well: another time is another alarm. */
static void
say_gone(struct look *l)
{
	char at[CLOCK_TEXT];
	struct err why = {0};

	clock_format(l->a->now, at);
	(void)err_set(&why, ERR_NOTFOUND,
	    "the journal that was read is gone, at %s", at);
	(void)applier_alarm(l->a, "logins", &why);
}

static int
read_journal(struct look *l, char **end, struct err *e)
{
	struct seen from = {.since = l->s.since};
	int r;

	/* The place moves while it is read from. */
	if (l->s.place != NULL && (from.place = str_dup(l->s.place)) == NULL)
		return err_nomem(e);
	r = login_journal_read(&from, &l->take, end, e);
	free(from.place);
	if (r == 0 && l->take.gone) {
		say_gone(l);
		free(l->s.place);
		l->s.place = NULL;
		l->s.since = l->a->now;
		l->changed = true;
	}
	return r;
}

static int
read_file(struct look *l, const char *path, char **end, struct err *e)
{
	uint8_t boot[BOOT_ID_LEN];
	char hex[2 * BOOT_ID_LEN + 1];

	boot_id_read(boot);
	hex_encode(boot, sizeof(boot), hex);
	return login_file_read(path, hex, &l->s, &l->take, end, e);
}

/* What was of no concern is not looked at again, and lines are lost that came
 * before nothing else. */
static void
set_end(struct look *l, char **end)
{
	if (*end != NULL &&
	    (l->s.place == NULL || strcmp(*end, l->s.place) != 0)) {
		free(l->s.place);
		l->s.place = *end;
		*end = NULL;
		l->changed = true;
	}
	if (l->take.lost > 0) {
		l->s.lost += l->take.lost;
		l->take.lost = 0;
		l->changed = true;
	}
}

static int
look(struct look *l, struct err *e)
{
	bool is_journal = login_has_journal();
	const char *path = is_journal ? NULL : login_file();
	char *end = NULL;
	int r;

	if (!is_journal && path == NULL)
		return 0; /* nobody keeps a log here */
	if ((r = open_kept(l, is_journal ? LOGIN_FROM_JOURNAL : LOGIN_FROM_FILE,
		 e)) != 0)
		return r;
	r = is_journal ? read_journal(l, &end, e) : read_file(l, path, &end, e);
	if (r == 0)
		set_end(l, &end);
	free(end);
	if (r == 0 && !l->more)
		r = settle(l, e);
	return r == 0 ? tell(l, e) : r;
}

int
verb_logins(struct applier *a, struct err *e)
{
	struct look l = {.a = a};
	int r;

	if (a->config.no_logins)
		return 0;
	if ((r = applier_is_accepted(a, e)) != 0)
		return r;
	l.take =
	    (struct login_take){.line = take_line, .arg = &l, .now = a->now};
	if ((r = look(&l, e)) == 0)
		jw_bool(&a->w, "more", l.more);
	if (r == 0 && !l.more)
		pam_spool_tidy(a->state_dir, a->now);
	seen_events_clear(&l.events);
	seen_clear(&l.s);
	return r;
}
