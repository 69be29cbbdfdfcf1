/* SPDX-License-Identifier: ISC */
/*
 * A clock that jumps.  What is issued is dated by the clock as it is, and the
 * signer by its own agrees or refuses; but nobody's request is ended for good by
 * a clock that may be set back a moment later.
 */
#include <stdlib.h>

#include "ca/keeper/kp_impl.h"
#include "lib/base/clock.h"

#define JUMP_SECS 60     /* fewer is what NTP does */
#define HOLD_MS   300000 /* time for somebody to look */

void
kp_clock_look(struct kp *k)
{
	struct kp_clock *c = &k->clock;
	int64_t mono = clock_mono_ms(), off = k->now - mono / 1000;
	int64_t jump = off - c->off;
	struct str text = STR_INIT;

	c->off = off;
	if (!c->known) {
		c->known = true;
		return;
	}
	if (llabs(jump) <= JUMP_SECS)
		return;
	c->held_until = mono + HOLD_MS;
	str_addf(&text,
	    "the clock of this machine jumped %lld s %s; no request is ended "
	    "by it for %d minutes",
	    llabs(jump), jump > 0 ? "ahead" : "back", HOLD_MS / 60000);
	if (str_check(&text) == 0)
		kp_notice_alarm(k, text.p);
	str_clear(&text);
}

bool
kp_clock_is_held(const struct kp *k)
{
	return clock_mono_ms() < k->clock.held_until;
}
