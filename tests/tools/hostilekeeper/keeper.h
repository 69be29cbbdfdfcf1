/* SPDX-License-Identifier: ISC */
/*
 * What the parts of hostilekeeper share.  Whatever cannot be tried ends the
 * program with a message.
 */
#ifndef TESTS_TOOLS_HOSTILEKEEPER_KEEPER_H
#define TESTS_TOOLS_HOSTILEKEEPER_KEEPER_H

#include "ca/common/messages.h"
#include "lib/proc/frame.h"

#define SAID_MAX 4096

/* What a keeper said, the frame that was held last. */
struct said {
	struct frame v[SAID_MAX]; /* in bytes */
	size_t n;
	char *bytes;
};

void hk_die(const char *fmt, ...) __attribute__((noreturn)) PRINTF_LIKE(1, 2);
void hk_must(int r);
struct buf *hk_buffer(size_t max);

/* Prints what the answer is; SEEN is none.  true: it was OK or SIGNED. */
bool hk_answer(struct chan *signer);
/* Who is cut off before he has said all will hear of it in hk_answer(). */
void hk_say(struct chan *signer, uint16_t type, struct slice payload);

/* sign.c: SIGN, as the attack of that name changes it; false: there is none. */
bool hk_attack_sign(struct chan *signer, const struct said *s,
    const char *name);
/* The first `what`, which must be there, by `with`, as long. */
void hk_replace(uint8_t *p, size_t n, const char *what, const char *with);

/* frames.c: attacks with other frames. */
struct attack {
	const char *name;
	bool again; /* policy and acts come first */
	void (*run)(struct chan *signer, const struct said *s);
};
/* NULL: there is none of that name. */
const struct attack *hk_attack_of(const char *name);

#endif
