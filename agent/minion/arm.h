/* SPDX-License-Identifier: ISC */
/*
 * Commit-confirm: who undoes a run that touched a way in.
 *
 * Before the change a process of its own is started, which outlives the agent
 * and is started again when it is killed, and a unit has to be there that undoes
 * what is unconfirmed at the next boot, before anybody can log in.  Both run
 * `writ-agent undo`.
 */
#ifndef AGENT_MINION_ARM_H
#define AGENT_MINION_ARM_H

#include "agent/states/host.h"

#define ARM_UNIT       "writ-agent-undo.service"
#define ARM_WATCH_UNIT "writ-agent-watch" /* -RUN-PID */
/*
 * Seconds after which systemd takes a watching process for one that stands still,
 * since its last look, and since it began to undo: services that do not stop may
 * keep that up for as long as systemd gives each of them.
 */
#define ARM_LOOK_S "20"
#define ARM_UNDO_S "300"

/* Would a boot undo it?  ERR_DENIED says what is missing. */
int arm_has_boot_unit(struct host *h, struct err *e) MUST_CHECK;
/*
 * Start the process that watches run number; returns when it runs.  guarded: as a
 * unit of systemd's, which starts it again a second after it was killed, as often
 * as it takes, and kills it when it stands still.  Otherwise nobody does so.  ERR_DENIED, ERR_SYS, ERR_NOMEM: there is
 * none.
 */
int arm_watch(struct host *h, const char *state_dir, uint64_t number,
    bool guarded, struct err *e) MUST_CHECK;

enum {
	WATCH_OVER = 0,		/* the run is finished: nothing to do */
	WATCH_AGAIN,		/* look again */
	WATCH_UNDO,		/* now */
};
/*
 * One look of the watching process at run number: its process died in the
 * middle of it, or it was not confirmed in time.  What is undone is undone
 * here, and WATCH_OVER the answer; an undo that failed is WATCH_AGAIN with e
 * set.  Negative: ERR_*.
 */
int arm_look(struct host *h, const char *state_dir, uint64_t number,
    struct err *e) MUST_CHECK;
/* At boot: whatever is unfinished, undone without telling any service. */
int arm_boot(struct host *h, const char *state_dir, uint64_t *undone,
    struct err *e) MUST_CHECK;

/*
 * Confirm the run that waits, from the process pid (of whoever types).
 * ERR_NOTFOUND: none waits; ERR_DENIED: that login is older than the change, so
 * it proves nothing; ERR_EXPIRED: too late.  *number is the run.
 */
int arm_confirm(struct host *h, const char *state_dir, int pid,
    bool any_login, uint64_t *number, struct err *e) MUST_CHECK;

#endif
