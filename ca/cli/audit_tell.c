/* SPDX-License-Identifier: ISC */
#include "ca/cli/audit_tell.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/told.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/plural.h"
#include "lib/notify/sender.h"

#define HOW "writ audit gaps and writ audit session tell more"

struct telling {
	const struct gaps *g;
	struct told_alarms told;
	char *file;    /* what was told */
	size_t *fresh; /* alarms of g, to be told */
	size_t n_fresh;
	size_t n_each;             /* of those with a notice of their own */
	bool taken[TELL_EACH + 1]; /* by notice; the last is of the rest */
	struct notice notice;
	struct err why; /* the first that was not */
};

/* --- what was told before ------------------------------------------------- */

static int
read_told(struct telling *t, const char *channels, struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if (path_joinf(&t->file, "%s.told", channels) != 0)
		return err_nomem(e);
	if (!file_exists(t->file))
		return 0;
	r = file_read(t->file, TOLD_FILE_MAX, &text, &n, e);
	if (r == 0)
		r = told_alarms_parse(t->file, slice_of(text, n), &t->told, e);
	free(text);
	return r;
}

static int
write_told(struct telling *t, struct err *e)
{
	const int64_t now = clock_now();
	struct str s = STR_INIT;
	int r = 0;

	for (size_t i = 0; i < t->n_fresh && r == 0; i++)
		if (t->taken[i < t->n_each ? i : t->n_each])
			r = told_alarms_add(&t->told, &t->g->v[t->fresh[i]],
			    now);
	told_alarms_write(&t->told, now, &s);
	if (r == ERR_LIMIT)
		r = err_set(e, r, "%s: more than %d alarms", t->file, TOLD_MAX);
	else if (r != 0 || str_check(&s) != 0)
		r = err_nomem(e);
	else
		r = file_write(t->file, s.p, s.n, 0600, 0, e);
	str_clear(&s);
	return r;
}

/* --- telling -------------------------------------------------------------- */

static int
address(struct notice *n, const struct policy *p, struct err *e)
{
	for (size_t i = 0; i < p->n_people && n->to.n < NOTICE_TO_MAX; i++)
		if (p->people[i].officer &&
		    strs_add(&n->to, p->people[i].id) != 0)
			return err_nomem(e);
	if (n->to.n == 0)
		return err_set(e, ERR_USAGE, "no officers, so nobody is told");
	n->kind = str_dup("alarm");
	n->how = str_dup(HOW);
	return n->kind != NULL && n->how != NULL ? 0 : err_nomem(e);
}

/* The i-th notice: of an alarm, or of all that have none. */
static int
send_nth(struct telling *t, struct sender *s, size_t i, struct err *e)
{
	const struct gap *x = &t->g->v[t->fresh[i]];
	struct str text = STR_INIT;
	char hex[HASH_HEX];
	struct hash id;
	int r = ERR_NOMEM;

	gap_id(x, &id);
	hash_hex(&id, hex);
	if (i < t->n_each)
		gap_text(x, &text);
	else
		str_addf(&text, "%zu more %s", t->n_fresh - t->n_each,
		    text_plural(t->n_fresh - t->n_each, "alarm", "alarms"));
	free(t->notice.id);
	free(t->notice.text);
	t->notice.text = NULL;
	t->notice.id = str_dup(hex);
	if (t->notice.id != NULL && str_take(&text, &t->notice.text) == 0)
		r = sender_send(s, i, &t->notice, e);
	else
		(void)err_nomem(e);
	str_clear(&text);
	return r;
}

static void
take_answers(struct telling *t, struct sender *s)
{
	char *json = NULL;
	uint64_t nth;

	while (sender_next(s, &nth, &json) == 0) {
		json_t *o = NULL;
		const char *why = NULL;

		if (json_read(slice_of(json, strlen(json)), NOTICE_MAX, &o,
			NULL) == 0)
			why = json_string_value(json_object_get(o, "error"));
		if (json_is_true(json_object_get(o, "sent")) &&
		    nth <= t->n_each)
			t->taken[nth] = true;
		else if (why != NULL && t->why.code == 0)
			(void)err_set(&t->why, ERR_NET, "%s", why);
		json_decref(o);
		free(json);
	}
}

static int
send_all(struct telling *t, struct channels *c, struct err *e)
{
	const size_t n = t->n_each + (t->n_fresh > t->n_each);
	struct sender *s = NULL;
	int r;

	if ((r = sender_new(c, &s, e)) != 0 || (r = sender_start(s, e)) != 0)
		goto out;
	for (size_t i = 0; i < n && r == 0; i++)
		r = send_nth(t, s, i, e);
	while (r == 0 && sender_open(s) > 0) {
		struct pollfd p = {.fd = sender_fd(s), .events = POLLIN};

		(void)poll(&p, 1, 1000);
		take_answers(t, s);
	}
	take_answers(t, s);
out:
	sender_free(s);
	return r;
}

static int
check_taken(const struct telling *t, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_fresh; i++)
		n += !t->taken[i < t->n_each ? i : t->n_each];
	if (n == 0)
		return 0;
	return err_set(e, ERR_NET, "%zu of %zu %s could not be told: %s", n,
	    t->n_fresh, text_plural(t->n_fresh, "alarm", "alarms"),
	    t->why.code != 0 ? t->why.msg : "no answer");
}

int
tell_alarms(const char *channels, const struct gaps *g, const struct policy *p,
    struct err *e)
{
	struct telling t = {.g = g};
	struct channels c = {0};
	int r;

	notice_init(&t.notice);
	if ((r = channels_load(channels, &c, e)) != 0)
		goto out;
	if (c.n == 0) {
		r = err_set(e, ERR_USAGE, "%s: no channels, so nobody is told",
		    channels);
		goto out;
	}
	if ((r = read_told(&t, channels, e)) != 0 ||
	    (r = address(&t.notice, p, e)) != 0)
		goto out;
	if (told_alarms_new(&t.told, g, &t.fresh, &t.n_fresh) != 0) {
		r = err_nomem(e);
		goto out;
	}
	t.n_each = t.n_fresh < TELL_EACH ? t.n_fresh : TELL_EACH;
	if (t.n_fresh > 0 && (r = send_all(&t, &c, e)) == 0 &&
	    (r = write_told(&t, e)) == 0)
		r = check_taken(&t, e);
out:
	channels_clear(&c);
	notice_clear(&t.notice);
	told_alarms_clear(&t.told);
	free(t.file);
	free(t.fresh);
	return r;
}
