/* SPDX-License-Identifier: ISC */
/*
 * What a master may bring a host.  The host holds fleet version 4 under a root
 * that wants two of three operators, and is asked to believe version 5 and a
 * job.  Whatever fails here ends the test.
 */
#ifndef TESTS_UNIT_DELIVERYCASE_H
#define TESTS_UNIT_DELIVERYCASE_H

#include "lib/trust/fleet_bundle.h"
#include "lib/trust/fleet_job.h"
#include "tests/unit/fixture.h"

#define DAY   86400
#define NOW   FIXTURE_NOW
#define HOST  "web-1.example.com"
#define PAVEL "pavel@example.com"

enum { SEED_PAVEL = 9, SEED_PETRA_2 = 13, SEED_PAULA = 15 };

void dc_must(int r, const char *what, const struct err *e);

/* --- what the host has --- */

extern const char dc_root[];
extern const char dc_root2[]; /* Pavel has left. */
/* Accept root and policy of this root.yaml on top of t. */
void dc_accept_root(struct trust *t, const char *yaml, uint64_t version,
    const uint8_t *seeds);

#define HELD_VERSION 4
#define N_STATEMENTS 9 /* versions 1 to 8 of the one chain; 0 is none */

extern struct dc_world {
	struct trust trust;
	struct str statement[N_STATEMENTS]; /* by version; no files behind */
	struct hash name[N_STATEMENTS];
	struct fleet_held held;
	struct fleet_last last;
} dc_world;

int dc_set_up(void **state); /* of a group */
int dc_tear_down(void **state);

/* --- what is brought --- */

#define BY(...)             \
	{                   \
		__VA_ARGS__ \
	}

extern const char dc_targets[]; /* HOST is in batch 2 of 2 */

/* What differs from the good delivery; zero: nothing does. */
struct plan {
	/* The bundle. */
	bool no_bundle;
	uint64_t version; /* else 5 */
	uint64_t after;   /* whose name is `previous`; else version - 1 */
	uint8_t by[4];    /* seeds; else petra and pavel */
	const char *author;
	bool other_realm, is_policy;
	int64_t expires;     /* seconds from now; else 30 days */
	const char *path;    /* one more, in MANIFEST and files */
	const char *without; /* neither in MANIFEST nor in files */
	const char *lost;    /* not in files */
	const char *stray;   /* in files alone */
	const char *changed; /* other bytes than signed */
	bool all_pillar;     /* a holder that needs the pillar whole */
	uint64_t between[4]; /* versions shown, in this order */

	/* The job. */
	bool no_job, test;
	uint8_t job_by[4];
	const char *job_author;
	bool job_other_realm, job_is_accept;
	int64_t job_at, job_expires; /* seconds from now; else 0, 1 day */
	uint64_t job_version;
	bool job_other_bundle;
	const char *targets; /* else of two batches */
	const char *sent;    /* the place shown is one in these */
	const char *shown;   /* the host whose place is shown; else HOST */
	uint64_t hosts;      /* that the job says; else as many as there are */

	/* The host. */
	const char *host;
	int64_t now; /* days from now */
	bool fresh;  /* it holds nothing yet */
	void (*spoil)(struct fleet_input *in, struct fleet_delivery *d);
};

struct made {
	struct policy_files files;
	struct str manifest, statement, job, place;
	const char *targets;
	struct slice between[4];
	struct fleet_input in;
	struct fleet_delivery d;
};
/* The place of a host in TARGETS, appended. */
void dc_place(const char *targets, const char *host, struct str *out);
void dc_make(const struct plan *p, struct made *m);
void dc_unmake(struct made *m);

/* What the host says to it; held and last are what it has then. */
int dc_bring(const struct plan *p, struct made *m, struct fleet_held *held,
    struct fleet_last *last, struct fleet_job *job, struct err *e);

/* What is refused with this code and these words, and changes nothing. */
struct dc_attack {
	const char *name;
	struct plan p;
	int want;
	const char *says;
};
void dc_refuses(const struct dc_attack *v, size_t n);

#endif
