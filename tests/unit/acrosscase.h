/* SPDX-License-Identifier: ISC */
/*
 * The log of a CA, with one certificate of alice's, and that of a master beside
 * it, for tests.
 */
#ifndef TESTS_UNIT_ACROSSCASE_H
#define TESTS_UNIT_ACROSSCASE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/unit/logcase.h"

struct acrosscase {
	struct logcase	 ca, fleet;
	struct statement enrol, accept;	/* of web-1.example.com */
	struct hash	 reported;	/* its last report */
};
void across_open(struct acrosscase *x);
void across_close(struct acrosscase *x);

/* What a report says that somebody logged in by; n times. */
struct shown {
	const char *name;
	uint8_t by, key; /* seeds of the CA and of the key; 0: not said */
	uint64_t serial; /* 0: that of the story */
	int whole;       /* 1: the host had all of it; 2: with other content */
	bool refused;
	const char *finding; /* NULL: none */
	const char *notice;
};

/* A host asks in and is accepted in l; and gets a certificate there. */
void across_accept(const struct acrosscase *x, struct logcase *l,
    bool certificate);
/* An operator ends that, in the fleet's log; replaced: another machine has the
 * host's id from then on. */
enum across_end { ACROSS_REJECTED, ACROSS_FORGOTTEN, ACROSS_REPLACED };
void across_end(struct acrosscase *x, enum across_end how);
/* after: seconds. */
void across_tick(struct logcase *l, int64_t after, uint64_t krl);
/* The host's report in the fleet's log: n logins, all alike. */
void across_report_logins(struct acrosscase *x, const struct shown *w,
    uint64_t seq, size_t n);

#endif
