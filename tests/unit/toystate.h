/* SPDX-License-Identifier: ISC */
/*
 * A kind of state for the tests of the driver: a file, a value that is in no
 * file ("toyctl get", "toyctl set V"), a service that takes them ("toyctl
 * reload") and a checker.  The parameters are a mapping:
 *
 *	path, text	the file; text "-": no file
 *	value		"" or absent: not looked at
 *	way_in, away	"yes": its changes are that
 *	missing		"yes": impossible where the file is not there
 */
#ifndef TESTS_UNIT_TOYSTATE_H
#define TESTS_UNIT_TOYSTATE_H

#include "agent/states/params.h"
#include "tests/unit/fakehost.h"

struct toy {			/* the service of a fake host */
	char value[64];
	unsigned reloads, checks;
	const char *seen_path;	/* what the checker reads */
	struct host *host;
};

extern const struct state_ops state_toy, state_toyfirst;

/* Put toyctl on the host, and the kinds into the list. */
void toy_install(struct fakehost *f, struct toy *toy);

/* A list of states, made by hand. */
#define TOY_MAX 8
struct toys {
	struct fleet_state decl[TOY_MAX];
	struct hstate h[TOY_MAX];
	size_t need[TOY_MAX];	/* for requisites */
	struct states states;
	struct state v[TOY_MAX];
};
void toys_init(struct toys *t);
/* Append one; its parameters as YAML in flow style.  Its index. */
size_t toys_add(struct toys *t, const struct state_ops *ops, const char *id,
    const char *params);
enum toy_need { TOY_REQUIRE, TOY_WATCH, TOY_ONCHANGES };
void toys_need(struct toys *t, size_t i, enum toy_need kind, size_t whom);
void toys_clear(struct toys *t);

#endif
