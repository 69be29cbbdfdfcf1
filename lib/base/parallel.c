/* SPDX-License-Identifier: ISC */
#include "lib/base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

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

void
parallel_for(size_t n, void (*work)(void *ctx, size_t i), void *ctx)
{
	struct job j = {.work = work, .ctx = ctx, .n = n};
	pthread_t threads[THREADS_MAX];
	size_t want = n / ITEMS_WORTH > 0 ? other_cores() : 0, n_threads = 0;

	atomic_init(&j.next, 0);
	if (want > THREADS_MAX)
		want = THREADS_MAX;
	if (want > n / ITEMS_WORTH)
		want = n / ITEMS_WORTH;
	while (n_threads < want &&
	    pthread_create(&threads[n_threads], NULL, worker, &j) == 0)
		n_threads++;
	(void)worker(&j);
	while (n_threads > 0)
		(void)pthread_join(threads[--n_threads], NULL);
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
