/* SPDX-License-Identifier: ISC */
#include "lib/base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

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

void
parallel_for(size_t n, void (*work)(void *ctx, size_t i), void *ctx)
{
	struct job j = {.work = work, .ctx = ctx, .n = n};
	pthread_t threads[THREADS_MAX];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = cores > 1 ? (size_t)cores - 1 : 0, n_threads = 0;

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
