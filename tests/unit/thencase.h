/* SPDX-License-Identifier: ISC */
/*
 * A master's log that is made by hand, in which web-1.example.com was accepted,
 * and how hosts were by it.  What fails here ends the test with a message.
 */
#ifndef TESTS_UNIT_THENCASE_H
#define TESTS_UNIT_THENCASE_H

#include "ca/audit/hosts_then.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/logcase.h"

extern struct logcase then_log;

int  then_setup(void **state);
int  then_teardown(void **state);

/* Leaves; after: seconds. */
void then_tick(int64_t after);
/* A statement as hostcase makes it; steps are counted from 0. */
void then_say(struct hoststep step);
/* Signed; s is the log's then, and cleared. */
void then_put(struct statement *s, unsigned key);
/* A report of WEB_1 at that time, to be gone on with. */
struct report_statement *then_report(struct statement *s,
    enum report_kind kind, int64_t after);
/* A run of WEB_1 that ended so, with one change of each result. */
void then_ran(int64_t after, uint64_t version, enum run_outcome outcome,
    uint8_t key);
/* A heartbeat after that many runs with nothing to do. */
void then_beat(uint64_t quiet);

/* As hosts_then_read(); and where it must not fail. */
int  then_read(int64_t after, struct hosts_then *h, struct err *e);
void then_at(int64_t after, struct hosts_then *h);
/* The nth of n; the one there is. */
const struct host_then *then_nth(const struct hosts_then *h, size_t n,
    size_t nth);
const struct host_then *then_only(const struct hosts_then *h);

#endif
