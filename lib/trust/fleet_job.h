/* SPDX-License-Identifier: ISC */
/*
 * Jobs: an order of operators to hosts to have one version of the fleet's
 * bundle, and TARGETS, which lists those hosts in batches.  Who keeps orders has
 * all of TARGETS; a host is shown its own place in it (fleet_place.h).
 *
 * A host moves by a job alone.  Of two jobs the one with the later `at` is
 * newer; an older one, and another of the same second, are refused, so nothing
 * is replayed.  Pure.
 */
#ifndef LIB_TRUST_FLEET_JOB_H
#define LIB_TRUST_FLEET_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"
#include "lib/trust/bundle.h"
#include "lib/trust/fleet_bundle.h"

#define TARGETS_BATCHES_MAX 1000
#define FLEET_JOB_AHEAD	    300	/* seconds a job's clock may be ahead */

/*
 * TARGETS: a line a host, "<batch> <id>\n".  Batches are numbered from 1
 * without a gap, in order; ids in a batch are sorted bytewise, and each stands
 * once in the file.  At most TARGETS_MAX bytes and TARGETS_HOSTS_MAX hosts; at
 * least one host.
 */
struct target {
	const char *host;
	unsigned    batch;	/* from 1 */
};
struct targets {		/* targets_clear */
	char	      *text;	/* what v points into */
	struct target *v;	/* in the file's order */
	size_t	       n, cap;
	unsigned       n_batches;
};
/* ERR_PARSE (with the line), ERR_LIMIT, ERR_NOMEM. */
int  targets_parse(struct slice text, struct targets *out, struct err *e)
     MUST_CHECK;
void targets_clear(struct targets *t);
/* A line without its LF, which is cut in two: out points into it.  ERR_PARSE. */
int  target_read(char *line, struct target *out) MUST_CHECK;
/* NULL: not among them. */
const struct target *targets_find(const struct targets *t, const char *host);
/* The text of these batches, whose ids need not be sorted; appended to out.
 * ERR_PARSE (an empty batch, no batches, an id twice, or not an id),
 * ERR_LIMIT, ERR_NOMEM. */
int  targets_write(const struct strs *batches, size_t n, struct str *out,
     struct err *e) MUST_CHECK;

/* The last job a host acted on; all zero: none yet. */
struct fleet_last {
	bool	    have;
	struct hash job;	/* name of the statement */
	int64_t	    at;
};

/* A job that is good, for one host. */
struct fleet_job {
	struct hash name;
	int64_t	    at, expires;
	uint64_t    version;	/* of the fleet's bundle */
	struct hash bundle;
	bool	    enforce;	/* else test */
	uint64_t    max_failures;
	uint64_t    n_hosts;
	unsigned    batch;	/* the host's, from 1; 0: none was asked about */
};

/*
 * Is it an order to this host, whose place among the targets this is?  Is it one
 * to these TARGETS, as who keeps orders asks?  0, or FLEET_JOB_AGAIN for the very
 * job that was the last.  now 0 skips the clock.
 *
 * ERR_PARSE	malformed; the place is not in the tree that the job names;
 *		TARGETS differs from what it names
 * ERR_DENIED	not enough operators signed, another realm, `by` did not sign,
 *		the place is another host's, made more than
 *		FLEET_JOB_AHEAD in the future, no policy is trusted
 * ERR_ROLLBACK	not newer than the last one
 * ERR_EXPIRED	the job is, or the policy it is judged under
 * ERR_BADSIG, ERR_LIMIT, ERR_NOMEM
 */
#define FLEET_JOB_AGAIN 1
int fleet_job_check(const struct fleet_last *last, const struct trust *t,
    struct slice statement, struct slice place, const char *host,
    int64_t now, struct fleet_job *out, struct err *e) MUST_CHECK;
int fleet_job_check_all(const struct fleet_last *last, const struct trust *t,
    struct slice statement, struct slice targets, int64_t now,
    struct fleet_job *out, struct err *e) MUST_CHECK;

/*
 * What a master brings a host: a job, and the bundle it names (NULL: the one
 * held).  All borrowed.
 */
struct fleet_delivery {
	struct slice job;	/* empty: none, which moves nobody */
	struct slice place;	/* of this host among its targets */
	const struct fleet_input *bundle;
};

/*
 * Everything at once: the job is an order to this host, the bundle is the one
 * it names, and both are good.  A job that enforces moves held and last, one
 * that tests last alone.  Nothing is changed on failure.
 *
 * 0 or BUNDLE_GRACE; the errors of fleet_job_check() and fleet_accept();
 * ERR_DENIED also for no job and for a bundle that the job does not name.
 * A job that is the last again moves nothing it has not moved.
 */
int fleet_move(struct fleet_held *held, struct fleet_last *last,
    const struct trust *t, const struct fleet_delivery *d, const char *host,
    int64_t now, struct fleet_job *out, struct err *e) MUST_CHECK;

#endif
