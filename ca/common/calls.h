/* SPDX-License-Identifier: ISC */
/*
 * The calls of writ-ca; calls.md lists arguments and answers.
 */
#ifndef CA_COMMON_CALLS_H
#define CA_COMMON_CALLS_H

#include "lib/front/calls.h"

enum call {
	CALL_HELLO = 1,
	CALL_SUBMIT,
	CALL_SHOW,
	CALL_WAIT,
	CALL_FETCH,
	CALL_PENDING,
	CALL_STATUS,
	CALL_DECISION,
	CALL_POLICY,
	CALL_OBJECT,
	CALL_PUT,
	CALL_PUSH,
	CALL_STANDING,
	CALL_KRL,
	CALL_WHY,
	CALL_HELP,
};

extern const struct call_table ca_calls;

#endif
