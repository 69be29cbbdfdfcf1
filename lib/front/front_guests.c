/* SPDX-License-Identifier: ISC */
/*
 * Strangers: a few at a time, and not all from one place.  Where there are as
 * many as there may be, whoever has been here longest makes room for a newcomer:
 * what he has to say takes a moment, and who waits for an answer can come again.
 */
#include "lib/front/front_impl.h"

#define STAY_MS 15000 /* that nobody takes from a guest */

/* Of one source; never none. */
static unsigned
most_of_source(const struct front *f)
{
	return f->max_guests / 4 > 0 ? f->max_guests / 4 : 1;
}

bool
guests_admit(const struct front *f, const struct source *from)
{
	const struct session *first = TAILQ_FIRST(&f->guests);

	if (f->max_guests == 0 ||
	    sources_count(f->guests_from, from) >= most_of_source(f))
		return false;
	return f->n_guests < f->max_guests || first == NULL ||
	    loop_now(f->loop) - first->since >= STAY_MS;
}

static void
leave(struct front *f, struct session *s)
{
	TAILQ_REMOVE(&f->guests, s, guests);
	sources_remove(f->guests_from, net_peer_source(s->peer));
	f->n_guests--;
	s->guest = false;
}

int
guest_came(struct front *f, struct session *s)
{
	struct session *first = TAILQ_FIRST(&f->guests);

	if (sources_add(f->guests_from, net_peer_source(s->peer)) != 0)
		return ERR_NOMEM;
	if (f->n_guests >= f->max_guests && first != NULL) {
		leave(f, first);
		net_peer_end(first->peer, "made room for another stranger");
	}
	TAILQ_INSERT_TAIL(&f->guests, s, guests);
	f->n_guests++;
	s->guest = true;
	return 0;
}

void
guest_gone(struct front *f, struct session *s)
{
	if (s->guest)
		leave(f, s);
}
