/* SPDX-License-Identifier: ISC */
/* Inside what a master carries: content.c has the policy, content_fleet.c the
 * fleet. */
#ifndef AGENT_MASTER_CONTENT_IMPL_H
#define AGENT_MASTER_CONTENT_IMPL_H

#include "agent/fleet/fleet.h"
#include "agent/master/content.h"

/* The files of a version. */
struct content_version {
	uint64_t version;	/* 0: none */
	uint64_t used;
	struct fleet_chain chain;
	struct fleet *fleet;	/* for who gets which pillar file */
	struct content_file *files; /* by hash */
	size_t n_files;
};

struct content {
	const char *dir;
	struct trust trust;
	struct bundle_chain *chain;
	struct content_file *files; /* of the policy, by hash */
	size_t n_files;
	struct hash then_name;
	struct policy *then;

	struct fleet_held held;
	struct content_fleet *fleets; /* by version */
	size_t n_fleets, cap_fleets;
	struct content_version loaded[CONTENT_FLEETS];
	uint64_t clock;
};

/* An entry of files; false where there is none. */
const struct content_file *content_find(const struct content_file *v,
    size_t n, const struct hash *h);
void content_sort(struct content_file *v, size_t n);
void content_add(struct content_file *v, size_t *n, struct slice data,
    const char *pillar);

int  content_load_fleets(struct content *c, struct err *e) MUST_CHECK;
void content_clear_fleets(struct content *c);

#endif
