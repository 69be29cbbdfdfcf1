/* SPDX-License-Identifier: ISC */
/*
 * Jobs and their batches: which host has which order now.
 *
 * An order names hosts in batches.  The first batch opens at once; batch n+1
 * opens when every host of the batches before it has reported about the order
 * or has been away since before its batch opened, and at least one host of each
 * batch has reported.  More failures than the order allows, and no further batch
 * opens; nor does one after the order's end.  A newer order that names a host
 * takes that host out of the older ones, which wait for it no longer.
 *
 * A host's target is the newest order whose batch is open for it, and stays its
 * target until a newer one opens: so a host that was off converges when it is
 * back.
 *
 * Hosts are numbers of the caller's, from 0.  Who is there is asked of him, and
 * he is told of each change; nothing here is O(hosts) but adding an order and
 * opening a batch, each host once.  Pure.
 */
#ifndef AGENT_MASTER_JOBS_H
#define AGENT_MASTER_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/statement/statement.h"

#define JOBS_KEPT      100	/* that are nobody's target any more */
#define JOBS_HOSTS_MAX 1000000	/* numbers of hosts are below this */

struct jobs; /* opaque */

enum job_state {
	JOB_RUNNING,
	JOB_DONE,	/* every batch is open, nobody is waited for */
	JOB_STOPPED,	/* more hosts failed than may */
	JOB_EXPIRED,
};

/* How a host stands to an order that names it. */
enum job_part {
	JOB_CLOSED,	/* its batch is not open */
	JOB_WAITING,	/* asked, has not reported */
	JOB_AWAY,	/* its batch opened while it was away, and it still is */
	JOB_REPLACED,	/* a newer order names it */
	JOB_REPORTED,
};

struct job_host {
	uint32_t host;
	uint16_t batch;		/* from 1 */
	uint8_t	 part;		/* enum job_part */
	uint8_t	 outcome;	/* enum run_outcome, once JOB_REPORTED */
	uint32_t place;		/* in what jobs_add() got */
};

struct job_batch {
	uint32_t n, waiting, reported, replaced;
};

struct job {			/* read-only but for this file */
	struct hash name;	/* of the statement */
	int64_t	    at, expires;
	uint64_t    version;	/* of the fleet's bundle */
	struct hash bundle;
	struct hash targets;	/* the file TARGETS */
	bool	    enforce;
	uint64_t    max_failures;

	enum job_state	  state;
	unsigned	  n_batches, opened;	/* batches 1..opened are */
	uint64_t	  failures;		/* hosts that failed */
	struct job_batch *batches;		/* batch b is [b - 1] */
	struct job_host	 *hosts;		/* by number of the host */
	uint32_t	 *order;		/* into hosts, by batch */
	size_t		  n_hosts, n_targets;	/* whose target it is */
};

/* Is a host there, as a batch opens? */
enum job_presence {
	HOST_THERE,
	HOST_AWAY,
	HOST_UNKNOWN,	/* it may be on its way: the batch waits */
};
struct jobs_ops {
	enum job_presence (*presence)(void *ctx, uint32_t host);
	/* The job is the host's target now; NULL, it has none any more. */
	void (*target)(void *ctx, uint32_t host, const struct job *j);
	/* opened or state is another than before. */
	void (*changed)(void *ctx, const struct job *j);
};

/* ERR_NOMEM.  ops and ctx are borrowed. */
int  jobs_new(const struct jobs_ops *ops, void *ctx, struct jobs **out)
     MUST_CHECK;
void jobs_free(struct jobs *j);	/* NULL allowed */

/*
 * Take an order that was judged (lib/trust/fleet_job.h): the fields before
 * `state` of `order` count, hosts and their batches are those of v, batches
 * from 1 without a gap.  Nothing is opened before jobs_turn().
 *
 * JOBS_AGAIN	it is known; nothing has changed
 * ERR_ROLLBACK	not newer than the last one
 * ERR_LIMIT	a number of a host beyond JOBS_HOSTS_MAX
 * ERR_PARSE	no hosts, one twice, or batches with gaps
 * ERR_NOMEM
 */
#define JOBS_AGAIN 1
struct job_place {
	uint32_t host;
	uint16_t batch;
};
int jobs_add(struct jobs *j, const struct job *order,
    const struct job_place *v, size_t n, struct err *e) MUST_CHECK;

/*
 * A host has reported that it ran for an order.  1: the order is not known, or
 * does not name it; nothing has changed.
 */
int  jobs_report(struct jobs *j, uint32_t host, const struct hash *job,
     enum run_outcome outcome);
/* It is there: whoever waits for nobody waits for it again. */
void jobs_came(struct jobs *j, uint32_t host);
/* It is no host any more: no order waits for it, and it has no target. */
void jobs_left(struct jobs *j, uint32_t host);
/* Open what can be opened, end what is over.  now in seconds. */
void jobs_turn(struct jobs *j, int64_t now);

/*
 * As it was when it was kept, after jobs_add() of the same: batches 1..opened
 * are open, their hosts waited for.  Hosts that were away, or have reported, are
 * then told one by one.  Nobody is told of anything.
 */
void jobs_restore(struct jobs *j, const struct hash *name, unsigned opened,
    enum job_state state);
void jobs_restore_away(struct jobs *j, const struct hash *name, uint32_t host);
void jobs_restore_report(struct jobs *j, const struct hash *name,
    uint32_t host, enum run_outcome outcome);

/* NULL: none. */
const struct job *jobs_find(const struct jobs *j, const struct hash *name);
const struct job *jobs_target(const struct jobs *j, uint32_t host);
/* Of the last order that enforces and is open for it; 0: none. */
uint64_t jobs_version(const struct jobs *j, uint32_t host);
/* The host's part in it, NULL: it does not name it. */
const struct job_host *job_host(const struct job *j, uint32_t host);
/* The oldest first; NULL past the last. */
const struct job *jobs_at(const struct jobs *j, size_t i);
/* "running", "done"; "waiting", "away". */
const char *job_state_name(enum job_state s);
const char *job_part_name(enum job_part p);

#endif
