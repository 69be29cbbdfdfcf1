/* SPDX-License-Identifier: ISC */
/*
 * A refusal as a frame's payload: uint32 error code negated, string sentence,
 * string hint.  Pure.
 */
#ifndef LIB_PROC_REFUSED_H
#define LIB_PROC_REFUSED_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

int refused_frame_encode(const struct err *why, struct buf *out) MUST_CHECK;
/* Why something was refused: *why never has the code 0. */
int refused_frame_parse(struct slice payload, struct err *why, struct err *e)
    MUST_CHECK;

#endif
