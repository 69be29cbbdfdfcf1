/* SPDX-License-Identifier: ISC */
/* Hosts by id and by number, and what went wrong with each. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"

#define ALARM_SPAN_MS 1000
#define ALARMS_A_SPAN 20 /* lines of the log */

static size_t
hash_of(const char *id)
{
	size_t h = 14695981039346656037u;

	for (; *id != '\0'; id++)
		h = (h ^ (uint8_t)*id) * 1099511628211u;
	return h;
}

static size_t
slot_of(const struct mk_board *b, const char *id)
{
	size_t i = hash_of(id) & (b->n_slots - 1);

	while (b->slots[i] != 0 && strcmp(b->v[b->slots[i] - 1]->id, id) != 0)
		i = (i + 1) & (b->n_slots - 1);
	return i;
}

struct mk_host *
board_find(const struct mk_board *b, const char *id)
{
	size_t i;

	if (b->n_slots == 0)
		return NULL;
	i = slot_of(b, id);
	return b->slots[i] != 0 ? b->v[b->slots[i] - 1] : NULL;
}

/* At most half of the slots are taken. */
static int
grow(struct mk_board *b)
{
	size_t n = b->n_slots == 0 ? 256 : b->n_slots * 2;
	uint32_t *old = b->slots;

	if ((b->n + 1) * 2 <= b->n_slots)
		return 0;
	if ((b->slots = calloc(n, sizeof(*b->slots))) == NULL) {
		b->slots = old;
		return ERR_NOMEM;
	}
	b->n_slots = n;
	for (size_t i = 0; i < b->n; i++)
		b->slots[slot_of(b, b->v[i]->id)] = (uint32_t)i + 1;
	free(old);
	return 0;
}

int
board_get(struct mk_board *b, const char *id, struct mk_host **out)
{
	struct mk_host *h = board_find(b, id);
	int r;

	if (h != NULL) {
		*out = h;
		return 0;
	}
	if ((r = grow(b)) != 0 ||
	    (r = vec_grow(&b->v, b->n, &b->cap, JOBS_HOSTS_MAX)) != 0)
		return r;
	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->id = str_dup(id)) == NULL) {
		free(h);
		return ERR_NOMEM;
	}
	h->number = (uint32_t)b->n;
	TAILQ_INIT(&h->asks);
	b->slots[slot_of(b, id)] = h->number + 1;
	b->v[b->n++] = h;
	*out = h;
	return 0;
}

void
board_clear(struct mk_board *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct mk_host *h = b->v[i];

		for (size_t j = 0; j < h->n_alarms; j++)
			free(h->alarms[j].text);
		free(h->id);
		free(h);
	}
	free(b->v);
	free(b->slots);
	memset(b, 0, sizeof(*b));
}

/* --- alarms -------------------------------------------------------------------- */

/* false: the same was said a moment ago. */
static bool
keep_alarm(struct mk *k, struct mk_host *h, const char *text)
{
	struct mk_alarm *last =
	    h->n_alarms > 0 ? &h->alarms[h->n_alarms - 1] : NULL;
	char *copy;

	if (last != NULL && strcmp(last->text, text) == 0 &&
	    k->now - last->at < MK_ALARM_SAME)
		return false;
	if ((copy = str_dup(text)) == NULL)
		return true; /* it is said all the same */
	if (h->n_alarms == MK_ALARMS) {
		free(h->alarms[0].text);
		memmove(&h->alarms[0], &h->alarms[1],
		    (MK_ALARMS - 1) * sizeof(h->alarms[0]));
		h->n_alarms--;
	}
	h->alarms[h->n_alarms++] = (struct mk_alarm){k->now, copy};
	return true;
}

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
	k->totals.alarms++;
	if ((h == NULL || keep_alarm(k, h, text)) && may_say(k))
		plog(PLOG_WARN, "alarm", "host", h != NULL ? h->id : "", "from",
		    who, "what", text, NULL);
}
