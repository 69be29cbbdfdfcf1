/* SPDX-License-Identifier: ISC */
#include "lib/notify/sender.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/blob/s3_curl.h"
#include "lib/notify/deliver.h"

#define STACK (256 * 1024)

static const int waits[SENDER_TRIES] = {0, 1, 4}; /* seconds before each */

struct job {
	struct job *next;
	uint64_t tag;
	struct notice notice;
	struct strs to;
};

struct answer {
	struct answer *next;
	uint64_t tag;
	char *json;
};

struct lane { /* a channel, its thread and its queue */
	struct sender *sender;
	const struct channel *channel;
	pthread_t thread;
	bool running;
	int hook; /* -1: none */
	pthread_cond_t changed;
	struct job *first, **last;
	size_t n;
};

struct sender {
	struct channels channels;
	struct lane lanes[CHANNELS_MAX];
	pthread_mutex_t lock; /* queues and answers */
	atomic_bool stop;
	struct answer *first, **last;
	size_t open;
	int fd; /* eventfd */
};

static void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	notice_clear(&j->notice);
	strs_clear(&j->to);
	free(j);
}

/* --- answers -------------------------------------------------------------- */

static struct answer *
answer_new(uint64_t tag, const struct told *t)
{
	struct answer *a = calloc(1, sizeof(*a));
	struct str s = STR_INIT;

	if (a == NULL)
		return NULL;
	told_encode(t, &s);
	a->tag = tag;
	if (str_take(&s, &a->json) != 0) {
		free(a);
		return NULL;
	}
	return a;
}

/*
 * An answer that memory is out for is not given; whoever asked waits for it no
 * longer than for one that the network lost.
 */
static void
answer_put(struct sender *s, uint64_t tag, const struct told *t)
{
	struct answer *a = answer_new(tag, t);
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&s->lock);
	if (a != NULL) {
		*s->last = a;
		s->last = &a->next;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (write(s->fd, &one, sizeof(one)) == -1)
		return; /* it counts to 2^64, so it is readable already */
}

static void
answer_all(struct sender *s, uint64_t tag, const char *id,
    const struct strs *to, const char *how, const char *error)
{
	for (size_t i = 0; i < to->n; i++) {
		struct told t = {.id = id,
		    .person = to->v[i],
		    .how = how,
		    .sent = error == NULL,
		    .error = error};

		answer_put(s, tag, &t);
	}
}

/* --- a lane's thread ------------------------------------------------------ */

/* Sleep, unless the end comes first. */
static void
pause_for(struct lane *l, int secs)
{
	struct sender *s = l->sender;
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += secs;
	(void)pthread_mutex_lock(&s->lock);
	while (!atomic_load(&s->stop) &&
	    pthread_cond_timedwait(&l->changed, &s->lock, &until) != ETIMEDOUT)
		continue;
	(void)pthread_mutex_unlock(&s->lock);
}

static void
work_on(struct lane *l, const struct job *j)
{
	struct sender *s = l->sender;
	struct delivery d = {.channel = l->channel,
	    .notice = &j->notice,
	    .to = &j->to,
	    .hook = l->hook,
	    .stop = &s->stop};
	char why[NOTICE_ERROR_MAX + 1] = "";
	struct err e = {0};
	int r = DELIVER_LATER;

	for (int i = 0; i < SENDER_TRIES && r == DELIVER_LATER; i++) {
		if (waits[i] > 0)
			pause_for(l, waits[i]);
		if (atomic_load(&s->stop)) {
			(void)err_set(&e, ERR_NET, "given up: notices end");
			break;
		}
		r = deliver(&d, &e);
	}
	if (r != 0) {
		size_t n = strnlen(e.msg, NOTICE_ERROR_MAX);

		/* Not in the middle of a character. */
		while (n > 0 && ((unsigned char)e.msg[n] & 0xc0) == 0x80)
			n--;
		memcpy(why, e.msg, n);
		why[n] = '\0';
	}
	answer_all(s, j->tag, j->notice.id, &j->to, l->channel->name,
	    r == 0 ? NULL : why);
}

static struct job *
take_job(struct lane *l)
{
	struct sender *s = l->sender;
	struct job *j = NULL;

	(void)pthread_mutex_lock(&s->lock);
	while (!atomic_load(&s->stop) && l->first == NULL)
		(void)pthread_cond_wait(&l->changed, &s->lock);
	if (!atomic_load(&s->stop) && (j = l->first) != NULL) {
		l->first = j->next;
		if (l->first == NULL)
			l->last = &l->first;
		l->n--;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return j;
}

static void *
lane_main(void *arg)
{
	struct lane *l = arg;
	struct job *j;

	while ((j = take_job(l)) != NULL) {
		work_on(l, j);
		job_free(j);
		(void)pthread_mutex_lock(&l->sender->lock);
		l->sender->open--;
		(void)pthread_mutex_unlock(&l->sender->lock);
	}
	return NULL;
}

/* --- making and ending ---------------------------------------------------- */

static int
lane_init(struct lane *l, struct sender *s, const struct channel *c,
    struct err *e)
{
	const struct s3_curl *curl;
	pthread_condattr_t attr;

	l->sender = s;
	l->channel = c;
	l->hook = -1;
	l->last = &l->first;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (c->kind == CHANNEL_EXEC)
		return hook_start(c, &l->hook, e);
	return s3_curl_load(&curl, e);
}

int
sender_new(struct channels *c, struct sender **out, struct err *e)
{
	struct sender *s = calloc(1, sizeof(*s));
	int r = 0;

	if (s == NULL)
		return err_nomem(e);
	s->last = &s->first;
	(void)pthread_mutex_init(&s->lock, NULL);
	for (size_t i = 0; i < CHANNELS_MAX; i++)
		s->lanes[i].hook = -1;
	s->channels = *c;
	c->n = 0;
	if ((s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) == -1)
		r = err_sys(e, "make an event descriptor");
	for (size_t i = 0; i < s->channels.n && r == 0; i++)
		if ((r = lane_init(&s->lanes[i], s, &s->channels.v[i], e)) != 0)
			err_prefix(e, "channel %s", s->channels.v[i].name);
	if (r == 0)
		*out = s;
	else
		sender_free(s);
	return r;
}

int
sender_start(struct sender *s, struct err *e)
{
	pthread_attr_t attr;
	int no = 0;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK);
	for (size_t i = 0; i < s->channels.n && no == 0; i++) {
		no = pthread_create(&s->lanes[i].thread, &attr, lane_main,
		    &s->lanes[i]);
		s->lanes[i].running = no == 0;
	}
	(void)pthread_attr_destroy(&attr);
	if (no == 0)
		return 0;
	errno = no;
	return err_sys(e, "start a thread");
}

static void
lane_clear(struct lane *l)
{
	struct job *j;

	if (l->running)
		(void)pthread_join(l->thread, NULL);
	while ((j = l->first) != NULL) {
		l->first = j->next;
		job_free(j);
	}
	if (l->hook != -1)
		close(l->hook);
	if (l->sender != NULL)
		(void)pthread_cond_destroy(&l->changed);
}

void
sender_free(struct sender *s)
{
	struct answer *a;

	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	atomic_store(&s->stop, true);
	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct lane *l = &s->lanes[i];

		if (l->sender != NULL)
			(void)pthread_cond_broadcast(&l->changed);
		if (l->hook != -1)
			(void)shutdown(l->hook, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < CHANNELS_MAX; i++)
		lane_clear(&s->lanes[i]);
	while ((a = s->first) != NULL) {
		s->first = a->next;
		free(a->json);
		free(a);
	}
	if (s->fd != -1)
		close(s->fd);
	channels_clear(&s->channels);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- giving --------------------------------------------------------------- */

/* 0; ERR_LIMIT: the queue is full; ERR_NOMEM. */
static int
lane_put(struct lane *l, uint64_t tag, const struct notice *n,
    const char *const *to, size_t n_to)
{
	struct sender *s = l->sender;
	struct job *j = calloc(1, sizeof(*j));
	int r = j == NULL ? ERR_NOMEM : notice_dup(n, &j->notice);

	for (size_t i = 0; i < n_to && r == 0; i++)
		r = strs_add(&j->to, to[i]);
	if (r == 0) {
		j->tag = tag;
		(void)pthread_mutex_lock(&s->lock);
		if (l->n >= SENDER_QUEUE) {
			r = ERR_LIMIT;
		} else {
			*l->last = j;
			l->last = &j->next;
			l->n++;
			s->open++;
			(void)pthread_cond_signal(&l->changed);
		}
		(void)pthread_mutex_unlock(&s->lock);
	}
	if (r != 0)
		job_free(j);
	return r;
}

/* A mail each, so that nobody reads who else was told; else one for all. */
static int
lane_give(struct lane *l, uint64_t tag, const struct notice *n,
    const struct strs *to)
{
	const char *v[NOTICE_TO_MAX];
	size_t step = l->channel->kind == CHANNEL_MAIL ? 1 : to->n;
	int r = 0;

	for (size_t i = 0; i < to->n && i < NOTICE_TO_MAX; i++)
		v[i] = to->v[i];
	for (size_t i = 0; i < to->n && r == 0; i += step) {
		struct strs some = {.v = to->v + i, .n = step};

		r = lane_put(l, tag, n, v + i, step);
		if (r == ERR_LIMIT) {
			answer_all(l->sender, tag, n->id, &some,
			    l->channel->name, "too many notices wait");
			r = 0;
		}
	}
	return r;
}

int
sender_send(struct sender *s, uint64_t tag, const struct notice *n,
    struct err *e)
{
	struct strs told = {0}, to = {0};
	int r = 0;

	for (size_t i = 0; i < s->channels.n && r == 0; i++) {
		strs_clear(&to);
		if ((r = channel_covers(&s->channels.v[i], n, &to)) != 0 ||
		    to.n == 0)
			continue;
		for (size_t j = 0; j < to.n && r == 0; j++)
			r = strs_add(&told, to.v[j]);
		if (r == 0)
			r = lane_give(&s->lanes[i], tag, n, &to);
	}
	strs_clear(&to);
	for (size_t i = 0; i < n->to.n && r == 0; i++)
		if (!strs_has(&told, n->to.v[i]))
			r = strs_add(&to, n->to.v[i]);
	if (r == 0)
		answer_all(s, tag, n->id, &to, "none",
		    "no channel of notify.yaml is for this person");
	if (r == 0 && n->to.n == 0) {
		struct told t = {.id = n->id,
		    .person = "nobody",
		    .how = "none",
		    .error = "nobody is to be told"};

		answer_put(s, tag, &t);
	}
	strs_clear(&to);
	strs_clear(&told);
	return r == 0 ? 0 : err_nomem(e);
}

int
sender_fd(const struct sender *s)
{
	return s->fd;
}

int
sender_next(struct sender *s, uint64_t *tag, char **json)
{
	struct answer *a;
	uint64_t count;

	(void)pthread_mutex_lock(&s->lock);
	if ((a = s->first) != NULL) {
		s->first = a->next;
		if (s->first == NULL)
			s->last = &s->first;
	} else if (read(s->fd, &count, sizeof(count)) == -1) {
		count = 0; /* nothing was written since */
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (a == NULL)
		return SENDER_NONE;
	*tag = a->tag;
	*json = a->json;
	free(a);
	return 0;
}

size_t
sender_open(struct sender *s)
{
	size_t n;

	(void)pthread_mutex_lock(&s->lock);
	n = s->open;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}
