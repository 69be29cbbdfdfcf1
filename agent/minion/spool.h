/* SPDX-License-Identifier: ISC */
/*
 * The spool: STATE/spool, where the link puts what it fetched and the applier
 * reads it.  It is the link's user's, and so worth no more than the network.
 *
 *	bundle/		as in lib/bundle: roots, policy.N, fleet.N, <sha256>
 *	job place	an order, and where this host is among its targets
 *	accept enrol token  the acceptance, what it accepts, by which token
 *	rename		what gives the host another id
 *	krl krl.statement   a revocation list and who says so
 *	certificate	a host certificate, its line
 *	clock		the link's own: this boot, and the master's time at its start
 */
#ifndef AGENT_MINION_SPOOL_H
#define AGENT_MINION_SPOOL_H

#define SPOOL_DIR	 "spool"
#define SPOOL_JOB	 "job"
#define SPOOL_PLACE	 "place"
#define SPOOL_ACCEPT	 "accept"
#define SPOOL_ENROL	 "enrol"
#define SPOOL_TOKEN	 "token"
#define SPOOL_RENAME	 "rename"
#define SPOOL_KRL	 "krl"
#define SPOOL_KRL_SAID	 "krl.statement"
#define SPOOL_CERTIFICATE "certificate"
#define SPOOL_CLOCK	 "clock"

#endif
