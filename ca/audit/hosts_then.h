/* SPDX-License-Identifier: ISC */
/*
 * How the hosts of a fleet were at a time, by the log of a master: which
 * version each held, and what of it had failed.  No I/O but that of the log.
 *
 * A time is looked for among the log's ticks, so that no host's clock moves a
 * report to another day.
 */
#ifndef CA_AUDIT_HOSTS_THEN_H
#define CA_AUDIT_HOSTS_THEN_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/audit/audit.h"

/* What became of a state in a run; those that needed nothing are not there. */
struct state_then {
	char		  *id;
	enum change_result result;
};
struct host_then {
	char	      *id;
	struct strs    roles;	/* by its acceptance; fleet.yaml has more */
	struct pubkey *key;	/* that its reports are signed with */
	bool	       rejected;
	bool	       reported;	/* then: */
	uint64_t       index;	/* of the leaf of its last report */
	int64_t	       at;	/* of its last report, by its clock */
	uint64_t       fleet_version, policy_version, krl_version;
	/* Then, of its last run, or drift, or of a later report of runs that
	 * had nothing to do: */
	bool	       ran;
	int64_t	       run_at;
	enum run_outcome outcome;
	bool	       enforce;
	char	      *failed;	/* "limits: failed, sshd: undone"; may be "" */
	struct state_then *states;
	size_t	       n_states;
	uint64_t       run_version;	/* of the fleet; 0: no leaf says it */
	uint64_t       more;	/* changes that found no room in the report */
	uint64_t       run_index;	/* of its leaf */
	char	       run_report[HASH_HEX];
};
/* A version of the fleet that a master was given. */
struct fleet_then {
	uint64_t    version;
	struct hash name;
};
/* An order, and the version that it is for. */
struct job_then {
	struct hash name;
	uint64_t    version;
};
struct hosts_then {		/* zero-initialise / hosts_then_clear */
	struct host_then *v;	/* by id */
	size_t	n, cap;
	struct fleet_then *fleets;	/* as they came */
	size_t	n_fleets, cap_fleets;
	struct job_then *jobs;
	size_t	n_jobs, cap_jobs;
	int64_t as_of;		/* of the last tick that was read; 0: none */
};
/*
 * Those accepted and not forgotten at `when`; out is empty before, and is to be
 * cleared after a failure too.  ERR_CORRUPT: a leaf is none, or a report is by
 * the key of no host (`audit verify` says more); what reading the log says;
 * ERR_NOMEM.
 */
int  hosts_then_read(struct audit_log *l, int64_t when, struct hosts_then *out,
     struct err *e) MUST_CHECK;
void hosts_then_clear(struct hosts_then *h);
/* The name of that version, or NULL: the log has none by then. */
const struct hash *hosts_then_fleet(const struct hosts_then *h,
    uint64_t version);

#endif
