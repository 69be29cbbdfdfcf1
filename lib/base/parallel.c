/* SPDX-License-Identifier: ISC */
#include "lib/base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#define THREADS_MAX 16
/* A thread costs about as much as one verified signature; fewer items than
 * this are not worth one. */
#define ITEMS_WORTH 4

struct job {
	void (*work)(void *ctx, size_t i);
	void *ctx;
	size_t n;
	atomic_size_t next;
};

static void *
worker(void *arg)
{
	struct job *j = arg;
	size_t i;

	while ((i = atomic_fetch_add(&j->next, 1)) < j->n)
		j->work(j->ctx, i);
	return NULL;
}

/* Those that we may run on; sysconf() would read a file each time, which a
 * sealed process cannot. */
static size_t
other_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 0;
	return (size_t)CPU_COUNT(&set) - 1;
}

/* --- threads that stay ----------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more, done;
	bool keep;
	size_t n;        /* threads */
	struct job *job; /* of whoever has them now; NULL: nobody */
	size_t wanted;   /* that have not begun on it */
	size_t busy;     /* that have, and are not done */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
    .more = PTHREAD_COND_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER};

void
parallel_keep(void)
{
	(void)pthread_mutex_lock(&pool.lock);
	pool.keep = true;
	(void)pthread_mutex_unlock(&pool.lock);
}

static void *
stay(void *arg)
{
	(void)arg;
	(void)pthread_mutex_lock(&pool.lock);
	for (;;) {
		struct job *j = pool.job;

		if (pool.wanted == 0) {
			(void)pthread_cond_wait(&pool.more, &pool.lock);
			continue;
		}
		pool.wanted--;
		pool.busy++;
		(void)pthread_mutex_unlock(&pool.lock);
		(void)worker(j);
		(void)pthread_mutex_lock(&pool.lock);
		if (--pool.busy == 0)
			(void)pthread_cond_signal(&pool.done);
	}
	return NULL;
}

/* As many as want, as far as they can be started. */
static void
grow(size_t want)
{
	pthread_t t;

	while (pool.n < want && pthread_create(&t, NULL, stay, NULL) == 0) {
		(void)pthread_detach(t);
		pool.n++;
	}
}

/* False: nothing is kept, or another thread has what is. */
static bool
pool_take(struct job *j, size_t want)
{
	bool mine;

	(void)pthread_mutex_lock(&pool.lock);
	mine = pool.keep && pool.job == NULL;
	if (mine) {
		grow(want);
		pool.job = j;
		pool.wanted = want < pool.n ? want : pool.n;
		for (size_t i = 0; i < pool.wanted; i++)
			(void)pthread_cond_signal(&pool.more);
	}
	(void)pthread_mutex_unlock(&pool.lock);
	return mine;
}

/* Nothing is left to begin, so who has not begun need not. */
static void
pool_give(void)
{
	(void)pthread_mutex_lock(&pool.lock);
	pool.wanted = 0;
	while (pool.busy > 0)
		(void)pthread_cond_wait(&pool.done, &pool.lock);
	pool.job = NULL;
	(void)pthread_mutex_unlock(&pool.lock);
}

/* --- the same work on many ------------------------------------------------- */

static void
with_new_threads(struct job *j, size_t want)
{
	pthread_t threads[THREADS_MAX];
	size_t n = 0;

	while (n < want && pthread_create(&threads[n], NULL, worker, j) == 0)
		n++;
	(void)worker(j);
	while (n > 0)
		(void)pthread_join(threads[--n], NULL);
}

void
parallel_for(size_t n, void (*work)(void *ctx, size_t i), void *ctx)
{
	struct job j = {.work = work, .ctx = ctx, .n = n};
	size_t want = n / ITEMS_WORTH > 0 ? other_cores() : 0;

	atomic_init(&j.next, 0);
	if (want > THREADS_MAX)
		want = THREADS_MAX;
	if (want > n / ITEMS_WORTH)
		want = n / ITEMS_WORTH;
	if (want > 0 && pool_take(&j, want)) {
		(void)worker(&j);
		pool_give();
	} else {
		with_new_threads(&j, want);
	}
}

/* One reason for all, since a thousand of them would be a megabyte. */
struct trying {
	int (*work)(void *ctx, size_t i, struct err *e);
	void *ctx;
	pthread_mutex_t lock;
	size_t first; /* that failed */
	int r;
	struct err e;
};

static void
try_nth(void *ctx, size_t i)
{
	struct trying *t = ctx;
	struct err e = {0};
	int r = t->work(t->ctx, i, &e);

	if (r == 0)
		return;
	(void)pthread_mutex_lock(&t->lock);
	if (t->r == 0 || i < t->first) {
		t->first = i;
		t->r = r;
		t->e = e;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

int
parallel_try(size_t n, int (*work)(void *ctx, size_t i, struct err *e),
    void *ctx, struct err *e)
{
	struct trying t = {
	    .work = work, .ctx = ctx, .lock = PTHREAD_MUTEX_INITIALIZER};

	parallel_for(n, try_nth, &t);
	if (t.r != 0 && e != NULL)
		*e = t.e;
	return t.r;
}
