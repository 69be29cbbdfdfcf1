/* SPDX-License-Identifier: ISC */
/*
 * `service:` of writ.yaml: what the processes of writ-ca need beyond the log
 * and the keys.  Every key has a default, so a deployment that says nothing is
 * served on port 2022.
 */
#ifndef CA_COMMON_CONFIG_SERVICE_H
#define CA_COMMON_CONFIG_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/front/limits.h"

#define SERVICE_REMINDERS_MAX 8
#define SERVICE_PORT	      2022

/* Which users the processes become when root starts them; NULL: they stay who
 * they are, and front and notify become `nobody`. */
struct service_users {
	char *front, *keeper, *signer, *notify;
};

struct service_config {		/* service_config_init / _clear */
	struct strs listen;	/* "*:2022", "192.0.2.1:2022", "[::1]:2022" */
	char	   *transport;	/* the front's SSH host key, a file */
	char	   *runtime;	/* directory of the sockets */
	char	   *store;	/* SQLite's file */
	int64_t	    tick;	/* seconds between the log's pulses */
	int64_t	    reminders[SERVICE_REMINDERS_MAX]; /* seconds, ascending */
	size_t	    n_reminders;
	char	   *metrics;	/* address to serve Prometheus at; NULL: none */
	bool	    log_json;
	struct service_users  users;
	struct front_limits   limits;
};

struct conf_in;
struct conf_key;
struct yaml_node;

/* All defaults but the texts, which service_config_finish() fills in. */
void service_config_init(struct service_config *s);
void service_config_clear(struct service_config *s);
/* A conf_key's reader; field is a struct service_config. */
void service_config_read(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);
/* Relative paths get dir before them, absent ones their default.  ERR_NOMEM. */
int  service_config_finish(struct service_config *s, const char *dir)
     MUST_CHECK;

#endif
