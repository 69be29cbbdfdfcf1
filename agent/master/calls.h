/* SPDX-License-Identifier: ISC */
/*
 * The calls of a master, by name: one table, which its front reads for exec words
 * and for what strangers may say, and its keeper for its handlers.  calls.md lists
 * arguments and answers.
 */
#ifndef AGENT_MASTER_CALLS_H
#define AGENT_MASTER_CALLS_H

#include "lib/front/calls.h"

enum master_call {
	CALL_HELLO = 1,
	CALL_HELP,
	CALL_ENROL,
	CALL_ATTEND,
	CALL_CHAIN,
	CALL_OBJECT,
	CALL_ORDER,
	CALL_REPORT,
	CALL_RENEW,
	CALL_DIFF,
	CALL_DIAL,
	CALL_KEYS,
	CALL_SUBMIT,
	CALL_PUT,
	CALL_PUSH,
	CALL_STATUS,
	CALL_FACTS,
	CALL_JOBS,
	CALL_WATCH,
	CALL_SHOW_DIFF,
	CALL_LOGINS,
};

extern const struct call_table master_calls;

#endif
