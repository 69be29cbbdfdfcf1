/* SPDX-License-Identifier: ISC */
#include "agent/master/scribe.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/master/scribe_impl.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/statement/leaf.h"

#define LOOK_MS 5000 /* is the signer there? */

/* --- news ------------------------------------------------------------------- */

static void
note_state(struct scribe *s)
{
	struct checkpoint published;

	s->state.log_ok = s->ledger != NULL;
	s->state.log_why = s->why;
	if (s->ledger == NULL)
		return;
	ledger_published(s->ledger, &published);
	s->state.size = ledger_size(s->ledger);
	s->state.published = published.size;
	(void)ledger_copies(s->ledger, s->state.copies);
}

static void
wake(struct scribe *s)
{
	const uint64_t one = 1;

	/* A full counter has woken the loop already. */
	(void)!write(s->c.wake, &one, sizeof(one));
}

static void
tell(struct scribe *s)
{
	(void)pthread_mutex_lock(&s->lock);
	note_state(s);
	(void)pthread_mutex_unlock(&s->lock);
	wake(s);
}

static void
signer_is(struct scribe *s, int r, const struct err *e)
{
	bool was = s->state.signer_ok;

	(void)pthread_mutex_lock(&s->lock);
	s->state.signer_ok = r == 0;
	s->state.signer_why = *e;
	s->state.heads += r == 0;
	(void)pthread_mutex_unlock(&s->lock);
	if (was && r != 0)
		plog_err(PLOG_ERR, e, "no head is signed", NULL);
	if (!was && r == 0)
		plog(PLOG_INFO, "heads are signed again", NULL);
}

/* --- the log ------------------------------------------------------------------- */

static void
close_log(struct scribe *s, const struct err *why)
{
	s->why = *why;
	ledger_close(s->ledger);
	s->ledger = NULL;
	s->next_open = clock_mono_ms() + SCRIBE_AGAIN_MS;
	scribe_disconnect(s);
	plog_err(PLOG_ERR, why, "the log takes nothing", NULL);
}

static void
open_again(struct scribe *s)
{
	struct err e = {0};

	s->next_open = clock_mono_ms() + SCRIBE_AGAIN_MS;
	if (ledger_open(&s->c.ledger, &s->ledger, &e) != 0) {
		s->why = e;
		return;
	}
	/* Hashes of leaves that it may have lost again. */
	s->n_hashes = 0;
	plog(PLOG_INFO, "the log takes leaves again", NULL);
}

static int
put_objects(struct scribe *s, struct scribe_batch *b)
{
	int r = 0;

	for (size_t i = 0; i < b->n_objects && r == 0; i++)
		r = ledger_put_object(s->ledger, b->objects[i].key,
		    b->objects[i].data, &b->e);
	return r < 0 ? r : 0;
}

/* A leaf that is there is not added again; a tick has no name to look for. */
static int
find_leaf(struct scribe *s, struct slice leaf, uint64_t *index, struct err *e)
{
	struct hash name;
	uint8_t tag;

	leaf_classify(leaf, &tag, &name);
	if (tag == LTAG_TICK || tag == LTAG_OTHER)
		return 1;
	return ledger_find(s->ledger, tag, &name, index, e);
}

/* Those that are not there yet, committed together. */
static int
commit(struct scribe *s, const struct slice *leaves, size_t n, uint64_t *index,
    struct err *e)
{
	struct ledger_receipt *receipts = NULL;
	struct slice *new = NULL;
	size_t *at = NULL, n_new = 0;
	int r = 0;

	new = calloc(n, sizeof(*new));
	at = calloc(n, sizeof(*at));
	receipts = calloc(n, sizeof(*receipts));
	if (new == NULL || at == NULL || receipts == NULL) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		if ((r = find_leaf(s, leaves[i], &index[i], e)) < 0)
			goto out;
		if (r == 0)
			continue;
		at[n_new] = i;
		new[n_new++] = leaves[i];
	}
	r = n_new > 0 ? ledger_commit(s->ledger, new, n_new, receipts, e)
		      : ledger_secure(s->ledger, e);
	for (size_t i = 0; i < n_new && r == 0; i++)
		index[at[i]] = receipts[i].index;
out:
	free(new);
	free(at);
	free(receipts);
	return r;
}

void
scribe_work(struct scribe *s, struct scribe_batch *b)
{
	if (s->ledger == NULL) {
		b->e = s->why;
		b->r = ERR_RECORD;
		b->e.code = ERR_RECORD;
		return;
	}
	if ((b->r = put_objects(s, b)) == 0 && b->n > 0)
		b->r = commit(s, b->leaves, b->n, b->index, &b->e);
	b->size = ledger_size(s->ledger);
	if (b->r == 0 && b->versions) {
		s->root = b->root;
		s->policy = b->policy;
	}
	if (b->r == ERR_RECORD)
		close_log(s, &b->e);
}

/* --- ticks, heads ------------------------------------------------------------------ */

static void
tick(struct scribe *s)
{
	struct tick_leaf t = {.realm = s->c.realm, .at = clock_now()};
	struct str text = STR_INIT;
	struct err e = {0};
	struct slice leaf;
	uint64_t index;
	int r;

	t.root_version = s->root;
	t.policy_version = s->policy;
	(void)pthread_mutex_lock(&s->lock);
	t.krl_version = s->krl;
	(void)pthread_mutex_unlock(&s->lock);
	s->next_tick = clock_mono_ms() + s->c.tick * 1000;
	if ((r = tick_leaf_encode(&t, &text)) == 0) {
		leaf = slice_of(text.p, text.n);
		r = commit(s, &leaf, 1, &index, &e);
	} else {
		(void)err_nomem(&e);
	}
	str_clear(&text);
	if (r == ERR_RECORD)
		close_log(s, &e);
	else if (r != 0)
		plog_err(PLOG_ERR, &e, "no tick", NULL);
	tell(s);
}

static void
publish(struct scribe *s)
{
	struct str note = STR_INIT;
	struct err e = {0};
	int r;

	s->unpublished = 0;
	r = scribe_sign(s, &note, &e);
	signer_is(s, r, &e);
	if (r == 0 &&
	    (r = ledger_publish(s->ledger, slice_of(note.p, note.n), &e)) != 0)
		plog_err(PLOG_ERR, &e, "the log is not published", NULL);
	str_clear(&note);
	if (r != 0)
		s->unpublished = clock_mono_ms() + SCRIBE_AGAIN_MS;
	tell(s);
}

static bool
has_unpublished(const struct scribe *s)
{
	struct checkpoint published;

	ledger_published(s->ledger, &published);
	return published.size < ledger_size(s->ledger);
}

static void
look_at_signer(struct scribe *s)
{
	struct err e = {0};
	int r;

	s->next_look = clock_mono_ms() + LOOK_MS;
	if (s->chan != NULL)
		return;
	r = scribe_connect(s, &e);
	signer_is(s, r, &e);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What time brings; the time of the next. */
static int64_t
periodic(struct scribe *s)
{
	int64_t now = clock_mono_ms(), due = INT64_MAX;

	if (s->ledger == NULL && now >= s->next_open) {
		open_again(s);
		tell(s);
	}
	if (s->ledger == NULL)
		return s->next_open;
	if (now >= s->next_tick)
		tick(s);
	if (s->ledger == NULL)
		return s->next_open;
	if (now >= s->next_look)
		look_at_signer(s);
	if (s->unpublished == 0 && has_unpublished(s))
		s->unpublished = now;
	if (s->unpublished != 0) {
		due = earlier(s->last_batch + SCRIBE_IDLE_MS,
		    s->unpublished + SCRIBE_LATEST_MS);
		if (s->unpublished > now)
			due = s->unpublished;
		if (now >= due) {
			publish(s);
			due = s->unpublished != 0 ? s->unpublished : INT64_MAX;
		}
	}
	return earlier(due, earlier(s->next_tick, s->next_look));
}

/* --- the thread ----------------------------------------------------------------------- */

static void
wait_for_more(struct scribe *s, int64_t until)
{
	struct timespec t = {
	    .tv_sec = until / 1000, .tv_nsec = (until % 1000) * 1000000};

	while (STAILQ_EMPTY(&s->todo) && !s->stop && s->reading == NULL &&
	    clock_mono_ms() < until)
		(void)pthread_cond_timedwait(&s->more, &s->lock, &t);
}

static void
read_for(struct scribe *s, struct scribe_reading *q)
{
	if (s->ledger == NULL) {
		if (q->e != NULL)
			*q->e = s->why;
		q->r = ERR_RECORD;
	} else {
		q->r = ledger_each(s->ledger, q->from, ledger_size(s->ledger),
		    q->each, q->ctx, q->e);
	}
	(void)pthread_mutex_lock(&s->lock);
	s->reading = NULL;
	(void)pthread_cond_signal(&s->read);
	(void)pthread_mutex_unlock(&s->lock);
}

static void
work_all(struct scribe *s, struct scribe_batches *todo)
{
	struct scribe_batch *b;
	size_t n = 0, leaves = 0;

	STAILQ_FOREACH (b, todo, link) {
		scribe_work(s, b);
		n++;
		leaves += b->n;
	}
	if (n == 0)
		return;
	s->last_batch = clock_mono_ms();
	(void)pthread_mutex_lock(&s->lock);
	note_state(s);
	s->state.batches += n;
	s->state.leaves += leaves;
	STAILQ_CONCAT(&s->done, todo);
	(void)pthread_mutex_unlock(&s->lock);
	wake(s);
}

static void *
run(void *arg)
{
	struct scribe *s = arg;
	struct scribe_batches todo = STAILQ_HEAD_INITIALIZER(todo);
	struct scribe_reading *reading;
	bool stop = false;

	while (!stop) {
		int64_t next = periodic(s);

		(void)pthread_mutex_lock(&s->lock);
		wait_for_more(s, next);
		STAILQ_CONCAT(&todo, &s->todo);
		reading = s->reading;
		stop = s->stop && STAILQ_EMPTY(&todo);
		(void)pthread_mutex_unlock(&s->lock);
		if (reading != NULL)
			read_for(s, reading);
		work_all(s, &todo);
	}
	if (s->ledger != NULL && has_unpublished(s))
		publish(s);
	return NULL;
}

/* --- from the loop ---------------------------------------------------------------------- */

int
scribe_open(const struct scribe_config *c, struct scribe **out, struct err *e)
{
	struct scribe *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int r;

	if (s == NULL)
		return err_nomem(e);
	s->c = *c;
	STAILQ_INIT(&s->todo);
	STAILQ_INIT(&s->done);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->more, &attr);
	(void)pthread_cond_init(&s->read, NULL);
	(void)pthread_condattr_destroy(&attr);
	if ((r = ledger_open(&s->c.ledger, &s->ledger, e)) != 0 ||
	    (r = scribe_connect(s, e)) != 0) {
		scribe_free(s);
		return r;
	}
	s->state.signer_ok = true;
	note_state(s);
	*out = s;
	return 0;
}

struct ledger *
scribe_ledger(struct scribe *s)
{
	return s->ledger;
}

void
scribe_krl(struct scribe *s, uint64_t version)
{
	(void)pthread_mutex_lock(&s->lock);
	s->krl = version;
	(void)pthread_mutex_unlock(&s->lock);
}

int
scribe_start(struct scribe *s, struct err *e)
{
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		return err_set(e, ERR_SYS, "cannot start a thread");
	s->started = true;
	return 0;
}

void
scribe_put(struct scribe *s, struct scribe_batch *b)
{
	b->r = 0;
	b->e = (struct err){0};
	(void)pthread_mutex_lock(&s->lock);
	STAILQ_INSERT_TAIL(&s->todo, b, link);
	(void)pthread_cond_signal(&s->more);
	(void)pthread_mutex_unlock(&s->lock);
}

void
scribe_take(struct scribe *s, struct scribe_batches *out)
{
	(void)pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(out, &s->done);
	(void)pthread_mutex_unlock(&s->lock);
}

int
scribe_read(struct scribe *s, uint64_t from,
    int (*each)(void *ctx, uint64_t index, struct slice leaf), void *ctx,
    struct err *e)
{
	struct scribe_reading q = {
	    .from = from, .each = each, .ctx = ctx, .e = e};

	(void)pthread_mutex_lock(&s->lock);
	s->reading = &q;
	(void)pthread_cond_signal(&s->more);
	while (s->reading == &q)
		(void)pthread_cond_wait(&s->read, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	return q.r;
}

void
scribe_state(struct scribe *s, struct scribe_state *out)
{
	(void)pthread_mutex_lock(&s->lock);
	*out = s->state;
	(void)pthread_mutex_unlock(&s->lock);
}

void
scribe_stop(struct scribe *s)
{
	if (s == NULL || !s->started)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->more);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	s->started = false;
}

void
scribe_free(struct scribe *s)
{
	if (s == NULL)
		return;
	scribe_stop(s);
	scribe_disconnect(s);
	ledger_close(s->ledger);
	free(s->hashes);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->more);
	(void)pthread_cond_destroy(&s->read);
	free(s);
}
