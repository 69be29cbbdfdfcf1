/* SPDX-License-Identifier: ISC */
/*
 * Sends notices and tells what became of them: a thread and a bounded queue a
 * channel, so that one that hangs delays none of the others, and nobody who
 * gives a notice ever waits.
 *
 * A try takes DELIVER_SECS at most; what may work later is tried SENDER_TRIES
 * times in all, after 1 and 4 seconds.
 */
#ifndef LIB_NOTIFY_SENDER_H
#define LIB_NOTIFY_SENDER_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/notify/channels.h"
#include "lib/notify/notice.h"

#define SENDER_QUEUE 256 /* deliveries that wait, a channel */
#define SENDER_TRIES 3

struct sender; /* opaque */

/*
 * Takes what c holds, also when it fails (c is empty after), and starts the
 * processes of exec channels; loads libcurl where a channel needs it.  Before
 * threads and sandbox.  ERR_NOTFOUND (libcurl), ERR_SYS, ERR_NOMEM.
 */
int sender_new(struct channels *c, struct sender **out, struct err *e)
    MUST_CHECK;
/* Start the threads; after the sandbox.  ERR_SYS. */
int sender_start(struct sender *s, struct err *e) MUST_CHECK;
/* What is on its way is given up.  NULL allowed. */
void sender_free(struct sender *s);

/* Every person of the notice will have one answer a channel that covers him,
 * and one with how "none" where none does; one for "nobody" where it has no
 * persons.  tag comes back in each.
 * ERR_NOMEM: none will come. */
int sender_send(struct sender *s, uint64_t tag, const struct notice *n,
    struct err *e) MUST_CHECK;
/* Readable when sender_next() has something. */
int sender_fd(const struct sender *s);
/* 0: *json is new, to be freed: a TOLD.  SENDER_NONE: there is none now. */
#define SENDER_NONE 1
int sender_next(struct sender *s, uint64_t *tag, char **json);
/* Deliveries that have not been answered yet. */
size_t sender_open(struct sender *s);

#endif
