/* SPDX-License-Identifier: ISC */
/* What the thread does with the log: leaves, ticks, heads, opening it again. */
#include <stdlib.h>
#include <unistd.h>

#include "agent/master/scribe_impl.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/statement/leaf.h"

#define LOOK_MS 5000 /* is the signer there? */

/* --- news ----------------------------------------------------------------- */

void
scribe_note_state(struct scribe *s)
{
	struct checkpoint published;

	s->state.log_ok = s->ledger != NULL;
	s->state.held = false;
	s->state.log_why = s->why;
	if (s->ledger == NULL)
		return;
	ledger_published(s->ledger, &published);
	s->state.size = ledger_size(s->ledger);
	s->state.published = published.size;
	(void)ledger_copies(s->ledger, s->state.copies);
	s->state.held = ledger_copies_hold(s->ledger, &s->state.log_why) != 0;
}

void
scribe_wake(struct scribe *s)
{
	const uint64_t one = 1;

	/* A full counter has woken the loop already. */
	(void)!write(s->c.wake, &one, sizeof(one));
}

static void
tell(struct scribe *s)
{
	(void)pthread_mutex_lock(&s->lock);
	scribe_note_state(s);
	(void)pthread_mutex_unlock(&s->lock);
	scribe_wake(s);
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

/* --- the log -------------------------------------------------------------- */

static void
close_log(struct scribe *s, const struct err *why)
{
	s->why = *why;
	copier_hold(s->copier);
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
	copier_of(s->copier, s->ledger);
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

/* However long it waited: the signer asks its clock as well.  What else is in the
 * batch may be said again. */
static int
check_until(struct scribe_batch *b)
{
	if (b->until == 0 || clock_now() <= b->until)
		return 0;
	b->r = err_set(&b->e, ERR_RECORD,
	    "a token expired before the acceptance by it was in the log");
	return b->r;
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
	if (check_until(b) != 0)
		return;
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

/* --- ticks, heads --------------------------------------------------------- */

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

void
scribe_publish(struct scribe *s)
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
	else
		copier_ask(s->copier);
	tell(s);
}

bool
scribe_has_unpublished(const struct scribe *s)
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
int64_t
scribe_periodic(struct scribe *s)
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
	if (s->unpublished == 0 && scribe_has_unpublished(s))
		s->unpublished = now;
	if (s->unpublished != 0) {
		due = earlier(s->last_batch + SCRIBE_IDLE_MS,
		    s->unpublished + SCRIBE_LATEST_MS);
		if (s->unpublished > now)
			due = s->unpublished;
		/* One may be ahead of us: then nothing more is signed. */
		if (!ledger_copies_met(s->ledger))
			due = now + SCRIBE_IDLE_MS;
		if (now >= due) {
			scribe_publish(s);
			due = s->unpublished != 0 ? s->unpublished : INT64_MAX;
		}
	}
	return earlier(due, earlier(s->next_tick, s->next_look));
}
