/* SPDX-License-Identifier: ISC */
/*
 * What the configurations of services with a front have in common: how many come
 * in at once (`limits`), where, and as whom the processes run.
 */
#ifndef LIB_FRONT_LIMITS_H
#define LIB_FRONT_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define FRONT_LISTEN_MAX 16

struct front_limits {
	unsigned sessions;	/* authenticated, at once */
	unsigned waiting;	/* connections not yet authenticated, at once */
	unsigned per_source;	/* of those, from one /32 or /64 */
	unsigned guests;	/* of the sessions, strangers'; a quarter of them
				   from one source; 0: none comes in */
	int64_t	 login_grace;	/* seconds from accept to authenticated */
	int64_t	 idle;		/* seconds without a call before a session ends */
};

struct conf_in;
struct conf_key;
struct yaml_node;

/* The defaults; no guests. */
void front_limits_init(struct front_limits *l);
/* Readers of a conf_key whose field is a struct front_limits: without `guests`,
 * and with it. */
void front_limits_read(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);
void front_limits_read_guests(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);
#define FRONT_LIMITS_EXPECT "sessions, waiting, per_source, login_grace, idle"

/* A conf_key's check of a text: HOST:PORT, as dest_listen() has it. */
bool front_is_address(struct conf_in *in, const struct yaml_node *n);
/* The name of a user of the machine. */
bool front_is_user(struct conf_in *in, const struct yaml_node *n);
/* `log_format`: json or text; the field is a bool. */
void front_read_log_format(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);

#endif
