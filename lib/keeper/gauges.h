/* SPDX-License-Identifier: ISC */
/* Metrics in Prometheus' text format; names without "writ_".  Failure is
 * remembered by the str. */
#ifndef LIB_KEEPER_GAUGES_H
#define LIB_KEEPER_GAUGES_H

#include <stdint.h>

#include "lib/base/str.h"
#include "lib/front/messages.h"

void gauge(struct str *out, const char *name, const char *help, int64_t v);
void counter(struct str *out, const char *name, const char *help, uint64_t v);

/* The answer to the call `metrics` on control.sock. */
void gauges_answer(enum call_form form, const struct str *text,
     struct str *out);

#endif
