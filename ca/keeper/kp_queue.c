/* SPDX-License-Identifier: ISC */
/*
 * Notices that wait, in memory; the store gets those that still do after some
 * seconds, and of those that are done the ones that must not be sent a second
 * time after a new start.  What a crash takes before that is told again where
 * it still holds: of what waits, at the start.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "ca/keeper/requests_impl.h"
#include "lib/base/clock.h"

#define QUEUE_MAX  10000         /* notices that wait, and that are done */
#define YOUNG_MS   INT64_C(3000) /* after it has settled */
#define TRIM_EVERY INT64_C(3600)
#define KEEP_SECS  INT64_C(604800) /* those that were sent */

enum { WAITS = 0, SENT = 1, DROPPED = 2 };

/* --- in memory ------------------------------------------------------------ */

void
kp_queue_init(struct kp_queue *q)
{
	memset(q, 0, sizeof(*q));
	TAILQ_INIT(&q->ready);
	TAILQ_INIT(&q->later);
	TAILQ_INIT(&q->done);
	q->next_id = 1;
}

static void
notice_free(struct kp_notice *n)
{
	free(n->kind);
	free(n->body);
	free(n);
}

static void
free_all(struct kp_notice_list *l)
{
	struct kp_notice *n;

	while ((n = TAILQ_FIRST(l)) != NULL) {
		TAILQ_REMOVE(l, n, link);
		notice_free(n);
	}
}

void
kp_queue_clear(struct kp_queue *q)
{
	free_all(&q->ready);
	free_all(&q->later);
	free_all(&q->done);
	kp_queue_init(q);
}

static struct kp_notice **
bucket_of(struct kp_queue *q, int64_t id)
{
	return &q->bucket[(uint64_t)id % KP_NOTICE_BUCKETS];
}

struct kp_notice *
kp_queue_find(struct kp_queue *q, int64_t id)
{
	struct kp_notice *n = *bucket_of(q, id);

	while (n != NULL && n->id != id)
		n = n->bucket;
	return n;
}

static void
forget_id(struct kp_queue *q, struct kp_notice *n)
{
	struct kp_notice **p = bucket_of(q, n->id);

	while (*p != n)
		p = &(*p)->bucket;
	*p = n->bucket;
}

static int
new_notice(struct kp_queue *q, int64_t id, const struct hash *request,
    const char *kind, const char *body, struct kp_notice **out)
{
	struct kp_notice *n;

	if ((n = calloc(1, sizeof(*n))) == NULL ||
	    (n->kind = str_dup(kind)) == NULL ||
	    (n->body = str_dup(body)) == NULL) {
		if (n != NULL)
			notice_free(n);
		return ERR_NOMEM;
	}
	n->id = id;
	n->request = *request;
	n->bucket = *bucket_of(q, id);
	*bucket_of(q, id) = n;
	if (id >= q->next_id)
		q->next_id = id + 1;
	q->n++;
	*out = n;
	return 0;
}

static struct kp_notice_list *
list_of(struct kp_queue *q, const struct kp_notice *n)
{
	return n->is_later ? &q->later : &q->ready;
}

static void
forget(struct kp_queue *q, struct kp_notice *done)
{
	TAILQ_REMOVE(&q->done, done, link);
	q->n_done--;
	notice_free(done);
}

void
kp_queue_end(struct kp_queue *q, struct kp_notice *n, bool sent)
{
	if (n == NULL)
		return;
	TAILQ_REMOVE(list_of(q, n), n, link);
	TAILQ_INSERT_TAIL(&q->done, n, link);
	forget_id(q, n);
	q->n--;
	n->state = sent ? SENT : DROPPED;
	/* The store may take nothing for long. */
	if (++q->n_done > QUEUE_MAX)
		forget(q, TAILQ_FIRST(&q->done));
}

int
kp_queue_add(struct kp_queue *q, const struct hash *request, const char *kind,
    int64_t due, int64_t settles, const char *body, struct err *e)
{
	struct kp_notice *n = NULL, *oldest;

	if (new_notice(q, q->next_id, request, kind, body, &n) != 0)
		return err_nomem(e);
	n->due = due;
	n->settles = settles;
	n->is_later = true;
	TAILQ_INSERT_TAIL(&q->later, n, link);
	/* A queue has an end: then the first that is to be sent goes unsent. */
	oldest = TAILQ_FIRST(&q->ready) != NULL ? TAILQ_FIRST(&q->ready)
						: TAILQ_FIRST(&q->later);
	if (q->n > QUEUE_MAX)
		kp_queue_end(q, oldest, false);
	return 0;
}

void
kp_queue_later(struct kp_queue *q, struct kp_notice *n, int64_t due)
{
	TAILQ_REMOVE(list_of(q, n), n, link);
	TAILQ_INSERT_TAIL(&q->later, n, link);
	n->is_later = true;
	n->due = due;
	n->tries++;
}

void
kp_queue_due(struct kp_queue *q, int64_t now)
{
	struct kp_notice *n = TAILQ_FIRST(&q->later), *next;
	int64_t mono = clock_mono_ms();

	for (; n != NULL; n = next) {
		next = TAILQ_NEXT(n, link);
		if (n->due > now || n->settles > mono)
			continue;
		TAILQ_REMOVE(&q->later, n, link);
		TAILQ_INSERT_TAIL(&q->ready, n, link);
		n->is_later = false;
	}
}

/* --- in the store --------------------------------------------------------- */

bool
kp_queue_has(struct kp *k, const struct hash *h, const char *kind)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_HAS);
	bool has;

	store_bind_blob(t, requests_hash_slice(h));
	store_bind_text(t, kind);
	has = store_step(t, NULL) == 0;
	store_end(t);
	return has;
}

static int
load_one(struct kp_queue *q, const struct store_stmt *t)
{
	struct kp_notice *n = NULL;
	struct hash request;
	int r;

	requests_hash_from(store_blob(t, 1), &request);
	if ((r = new_notice(q, store_int(t, 0), &request, store_text(t, 2),
		 store_text(t, 4), &n)) != 0)
		return r;
	n->due = store_int(t, 3);
	n->tries = n->stored_tries = store_int(t, 5);
	n->stored = n->is_later = true;
	TAILQ_INSERT_TAIL(&q->later, n, link);
	return 0;
}

int
kp_queue_load(struct kp *k, struct err *e)
{
	struct store *s = requests_store(k->rows);
	struct store_stmt *t = store_use(s, SQL_NOTICE_LAST);
	int r;

	if ((r = store_step(t, e)) == 0)
		k->notices.next_id = store_int(t, 0) + 1;
	store_end(t);
	if (r < 0)
		return r;
	t = store_use(s, SQL_NOTICE_LOAD);
	while ((r = store_step(t, e)) == 0)
		if (load_one(&k->notices, t) != 0) {
			r = err_nomem(e);
			break;
		}
	store_end(t);
	return r == STORE_DONE ? 0 : r;
}

static int
put(struct store *s, const struct kp_notice *n, struct err *e)
{
	struct store_stmt *t = store_use(s, SQL_NOTICE_PUT);

	store_bind_int(t, n->id);
	store_bind_blob(t, requests_hash_slice(&n->request));
	store_bind_text(t, n->kind);
	store_bind_int(t, n->due);
	store_bind_text(t, n->state == WAITS ? n->body : "");
	store_bind_int(t, n->state);
	store_bind_int(t, n->tries);
	return store_run(t, e);
}

/* One store of the queue: everything of it is judged by one moment. */
struct storing {
	struct kp *k;
	struct store *s;
	int64_t mono;
};

static bool
is_waiting(const struct storing *q, const struct hash *h)
{
	const struct asked *a = kp_asked_find(q->k, h);

	return a != NULL && a->waits;
}

/*
 * A notice about what waits is made anew after a crash, with its reminders, so
 * they are worth no rows before it is clear that it waits for longer.
 */
static bool
is_young(const struct storing *q, const struct kp_notice *n)
{
	return !n->stored && n->settles != 0 && n->settles > q->mono - YOUNG_MS;
}

static bool
is_news(const struct storing *q, const struct kp_notice *n)
{
	if (n->stored)
		return n->state != WAITS || n->tries != n->stored_tries;
	if (n->state != SENT)
		return n->state == WAITS && !is_young(q, n);
	if (strcmp(n->kind, "break_glass") == 0)
		return true;
	/* Of what is decided nobody asks whether it was told. */
	return strcmp(n->kind, "waiting") == 0 && !is_young(q, n) &&
	    is_waiting(q, &n->request);
}

static int
put_list(const struct storing *q, const struct kp_notice_list *l, struct err *e)
{
	const struct kp_notice *n;
	int r = 0;

	TAILQ_FOREACH (n, l, link)
		if (is_news(q, n) && (r = put(q->s, n, e)) != 0)
			return r;
	return 0;
}

static void
note_stored(const struct storing *q, struct kp_notice_list *l)
{
	struct kp_notice *n;

	TAILQ_FOREACH (n, l, link) {
		if (!is_news(q, n))
			continue;
		n->stored = true;
		n->stored_tries = n->tries;
	}
}

/* Nobody wants to hear of last week. */
static int
trim(struct kp *k, struct err *e)
{
	struct store_stmt *t;

	if (k->now < k->notices.next_trim)
		return 0;
	t = store_use(requests_store(k->rows), SQL_NOTICE_DROP);
	store_bind_int(t, k->now - KEEP_SECS);
	k->notices.next_trim = k->now + TRIM_EVERY;
	return store_run(t, e);
}

/* What is done is forgotten, once the store has of it what it must. */
static void
forget_done(const struct storing *q)
{
	struct kp_notice *n = TAILQ_FIRST(&q->k->notices.done), *next;

	for (; n != NULL; n = next) {
		next = TAILQ_NEXT(n, link);
		if (n->state == SENT && is_young(q, n) &&
		    is_waiting(q, &n->request))
			continue;
		forget(&q->k->notices, n);
	}
}

/* Nobody decides on what is decided. */
static void
drop_decided(struct kp *k, struct kp_notice_list *l)
{
	struct kp_notice *n = TAILQ_FIRST(l), *next;
	const struct asked *a;

	for (; n != NULL; n = next) {
		next = TAILQ_NEXT(n, link);
		if (strcmp(n->kind, "waiting") != 0 &&
		    strcmp(n->kind, "reminder") != 0)
			continue;
		a = kp_asked_find(k, &n->request);
		if (a == NULL || !a->waits)
			kp_queue_end(&k->notices, n, false);
	}
}

static bool
any_news(const struct storing *q)
{
	const struct kp_queue *v = &q->k->notices;
	const struct kp_notice_list *const lists[] = {
	    &v->ready, &v->later, &v->done};
	const struct kp_notice *n;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		TAILQ_FOREACH (n, lists[i], link)
			if (is_news(q, n))
				return true;
	return false;
}

static int
put_all(const struct storing *q, struct err *e)
{
	const struct kp_queue *v = &q->k->notices;
	int r;

	if ((r = store_begin(q->s, e)) != 0)
		return r;
	if ((r = put_list(q, &v->ready, e)) != 0 ||
	    (r = put_list(q, &v->later, e)) != 0 ||
	    (r = put_list(q, &v->done, e)) != 0 || (r = trim(q->k, e)) != 0 ||
	    (r = store_commit(q->s, e)) != 0)
		store_rollback(q->s);
	return r;
}

int
kp_queue_store(struct kp *k, struct err *e)
{
	/* Nothing is young at the end. */
	const struct storing q = {k, requests_store(k->rows),
	    k->stopping ? INT64_MAX : clock_mono_ms()};
	int r;

	drop_decided(k, &k->notices.ready);
	drop_decided(k, &k->notices.later);
	if (any_news(&q)) {
		if ((r = put_all(&q, e)) != 0)
			return r;
		note_stored(&q, &k->notices.ready);
		note_stored(&q, &k->notices.later);
	}
	forget_done(&q);
	return 0;
}
