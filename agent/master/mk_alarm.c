/* SPDX-License-Identifier: ISC */
/*
 * What went wrong with each host: said once, kept, and saved, so that a restart
 * of the master does not hide it from whoever asks for the status.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/base/json.h"
#include "lib/proc/plog.h"

#define ALARM_SPAN_MS 1000
#define ALARMS_A_SPAN 20   /* lines of the log */
#define ALARM_MAX     4096 /* bytes of one, as it is saved */
#define SAVE_MS       2000

/* --- kept ----------------------------------------------------------------- */

void
mk_alarms_clear(struct mk_host *h)
{
	for (size_t i = 0; i < h->n_alarms; i++)
		free(h->alarms[i].text);
	h->n_alarms = 0;
	h->alarms_unsaved = false;
}

static bool
is_same(const struct mk_alarm *a, const char *text, int64_t at)
{
	return strcmp(a->text, text) == 0 && at - a->at < MK_ALARM_SAME &&
	    a->at - at < MK_ALARM_SAME;
}

/* Was the same said a moment ago?  What a start reads of the log has been said
 * whatever came after it. */
static bool
is_known(const struct mk *k, const struct mk_host *h, const char *text,
    int64_t at)
{
	size_t first = k->loading || h->n_alarms == 0 ? 0 : h->n_alarms - 1;

	for (size_t i = first; i < h->n_alarms; i++)
		if (is_same(&h->alarms[i], text, at))
			return true;
	return false;
}

/* The oldest gives way.  false: memory was out. */
static bool
add(struct mk_host *h, const char *text, int64_t at)
{
	char *copy = str_dup(text);

	if (copy == NULL)
		return false;
	if (h->n_alarms == MK_ALARMS) {
		free(h->alarms[0].text);
		memmove(&h->alarms[0], &h->alarms[1],
		    (MK_ALARMS - 1) * sizeof(h->alarms[0]));
		h->n_alarms--;
	}
	h->alarms[h->n_alarms++] = (struct mk_alarm){at, copy};
	return true;
}

static void
to_save(struct mk *k, struct mk_host *h)
{
	h->alarms_unsaved = true;
	k->alarms_unsaved = true;
}

void
mk_alarms_move(struct mk *k, struct mk_host *from, struct mk_host *to)
{
	mk_alarms_clear(to);
	memcpy(to->alarms, from->alarms, sizeof(to->alarms));
	to->n_alarms = from->n_alarms;
	from->n_alarms = 0;
	from->alarms_unsaved = false;
	to_save(k, to);
}

/* --- said ----------------------------------------------------------------- */

/* Whoever knocks a thousand times a second does not fill the disk. */
static bool
may_say(struct mk *k)
{
	if (k->now_ms - k->alarm_span >= ALARM_SPAN_MS) {
		if (k->alarms_left_out > 0)
			plog(PLOG_WARN, "alarms were left out", NULL);
		k->alarm_span = k->now_ms;
		k->alarms_said = k->alarms_left_out = 0;
	}
	if (k->alarms_said < ALARMS_A_SPAN) {
		k->alarms_said++;
		return true;
	}
	k->alarms_left_out++;
	return false;
}

void
mk_alarm(struct mk *k, struct mk_host *h, const char *who, const char *text)
{
	mk_alarm_at(k, h, who, text, k->now);
}

void
mk_alarm_at(struct mk *k, struct mk_host *h, const char *who, const char *text,
    int64_t at)
{
	if (!k->loading)
		k->totals.alarms++;
	if (h != NULL) {
		if (is_known(k, h, text, at))
			return;
		/* Without memory it is said all the same. */
		if (add(h, text, at))
			to_save(k, h);
	}
	if (!k->loading && may_say(k))
		plog(PLOG_WARN, "alarm", "host", h != NULL ? h->id : "", "from",
		    who, "what", text, NULL);
}

/* --- saved ---------------------------------------------------------------- */

void
mk_put_alarms(struct jw *w, const char *key, const struct mk_host *h)
{
	jw_begin(w, key, '[');
	for (size_t i = 0; i < h->n_alarms; i++) {
		jw_begin(w, NULL, '{');
		jw_time(w, "at", h->alarms[i].at);
		jw_str(w, "what", h->alarms[i].text);
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

static int
save_one(struct mk *k, const struct mk_host *h, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	mk_put_alarms(&w, "alarms", h);
	jw_end(&w, '}');
	if (str_check(&s) != 0)
		r = err_nomem(e);
	else
		r = rows_put_alarms(k->rows, h->id, s.p, e);
	str_clear(&s);
	return r;
}

static int
save_all(struct mk *k, struct err *e)
{
	int r;

	if ((r = rows_begin(k->rows, e)) != 0)
		return r;
	for (size_t i = 0; i < k->board.n && r == 0; i++)
		if (k->board.v[i]->alarms_unsaved)
			r = save_one(k, k->board.v[i], e);
	if (r == 0)
		r = rows_commit(k->rows, rows_applied(k->rows), e);
	if (r != 0)
		rows_rollback(k->rows);
	return r;
}

void
mk_alarms_save(struct mk *k, bool now)
{
	struct err e = {0};

	if (!k->alarms_unsaved || (!now && k->now_ms < k->alarms_at))
		return;
	k->alarms_at = k->now_ms + SAVE_MS;
	if (save_all(k, &e) != 0) {
		plog_err(PLOG_WARN, &e, "alarms are not saved", NULL);
		return;
	}
	k->alarms_unsaved = false;
	for (size_t i = 0; i < k->board.n; i++)
		k->board.v[i]->alarms_unsaved = false;
}

static int
load_one(struct mk_host *h, const json_t *o, struct err *e)
{
	const char *what = NULL;
	int64_t at = 0;
	int r;

	if ((r = json_time(o, "at", 0, &at, e)) != 0 ||
	    (r = json_str(o, "what", 0, ALARM_MAX, &what, e)) != 0)
		return r;
	return add(h, what, at) ? 0 : err_nomem(e);
}

int
mk_alarms_load(struct mk_host *h, const char *text, struct err *e)
{
	const json_t *list = NULL;
	json_t *o = NULL;
	int r;

	mk_alarms_clear(h);
	if ((r = json_read(slice_str(text), MK_ALARMS * 2 * ALARM_MAX, &o,
		 e)) == 0)
		r = json_array_of(o, "alarms", JSON_EMPTY_OK, MK_ALARMS, &list,
		    e);
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = load_one(h, json_array_get(list, i), e);
	json_decref(o);
	return r;
}
