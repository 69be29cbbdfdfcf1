/* SPDX-License-Identifier: ISC */
/* The calls of a master: each fills in the body of its answer, or is answered
 * later (MK_LATER).  calls.md has arguments and answers. */
#ifndef AGENT_MASTER_MK_CALLS_H
#define AGENT_MASTER_MK_CALLS_H

#include "agent/master/mk_impl.h"

/* mk_show.c */
mk_handler mk_hello, mk_help, mk_facts, mk_status;
/* mk_list.c */
mk_handler mk_keys;
/* mk_enrol.c */
mk_handler mk_enrol, mk_submit;
/* mk_host.c */
mk_handler mk_attend, mk_report, mk_renew, mk_dial;
/* mk_carry.c */
mk_handler mk_chain, mk_object;
/* mk_order.c */
mk_handler mk_order;
/* mk_jobs.c */
mk_handler mk_jobs, mk_watch;
/* mk_logins.c */
mk_handler mk_logins;
/* mk_ask.c */
mk_handler mk_diff, mk_show_diff;
/* mk_push.c */
mk_handler mk_put, mk_push;
/* mk_gauges.c */
mk_handler mk_control_status, mk_metrics;

#endif
