/* SPDX-License-Identifier: ISC */
/* A call as a keeper gets it. */
#ifndef LIB_KEEPER_CALL_H
#define LIB_KEEPER_CALL_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/front/messages.h"

struct call_head {		/* call_head_clear */
	char *name;		/* who calls, as the front knows him; "" */
	char *address;		/* he came from */
	enum call_form form;
	struct slice json;	/* borrowed of the frame */
};
/* The payload of MSG_CALL and MSG_STATUS.  ERR_PARSE, ERR_LIMIT, ERR_NOMEM; then
 * out is empty. */
int  call_head_read(struct slice payload, struct call_head *out, struct err *e)
     MUST_CHECK;
void call_head_clear(struct call_head *h);

/* The exit status of an answer that is a failure (front_failure()): what is not
 * there is refused, and no fault of this system. */
int  call_status(const struct err *e);

#endif
