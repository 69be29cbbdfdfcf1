/* SPDX-License-Identifier: ISC */
/*
 * A master's directory, DIR, and its master.yaml.
 *
 *   master.yaml	this file
 *   keys/NAME		the transport key: who the master is to hosts and to the CA;
 *			where systemd passes a credential `transport`, that is it
 *   keys/NAME_log	the key of its log
 *   bundle/		the signed policy and fleet (lib/bundle)
 *   log/		the log's journal, and the log itself by default
 *   store/		rows, made again from the log where they are lost
 *   signer/		the signer's journal
 *   run/		sockets between the processes of writ-master
 */
#ifndef AGENT_MASTER_CONFIG_H
#define AGENT_MASTER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/front/limits.h"
#include "lib/ledger/home.h"
#include "lib/ssh/pubkey.h"
#include "lib/tlog/checkpoint.h"

#define MASTER_CONFIG_MAX 65536	/* bytes of master.yaml */
#define MASTER_PORT	  2023
#define MASTER_GUESTS	  64	/* strangers at once, unless said */
#define MASTER_NAME_MAX	  64	/* characters of NAME */

/* Whom the processes become when root starts them; NULL: they stay who they are,
 * and front and courier become `nobody`. */
struct master_users {
	char *front, *keeper, *signer, *courier;
};

/* The CA that certifies hosts and from which policy comes; address NULL: none. */
struct master_ca {
	char	      *address;	/* as it stands there */
	char	      *host;	/* its parts; port 2022 unless said */
	uint16_t       port;
	struct pubkey *key;	/* its transport key, which is pinned */
};

struct master_config {		/* master_config_init / master_config_clear */
	char	   *dir;
	char	   *name;	/* an authority of the policy's `master` list */
	struct hash realm;	/* `root` */
	struct log_home home;	/* where the log is */
	char	   *log_name;	/* NAME_log: the authority whose log this is */
	char	   *log_key;	/* which key of it signs: keys/LOG_KEY */
	struct strs listen;
	char	   *transport;	/* the files of the keys */
	char	   *log_key_file;
	char	   *runtime;	/* directory of the sockets */
	char	   *store;	/* SQLite's file */
	char	   *signer;	/* directory of the signer's journal */
	int64_t	    tick;	/* seconds between the log's pulses */
	char	   *metrics;	/* address to serve Prometheus at; NULL: none */
	bool	    log_json;
	struct master_ca    ca;
	struct master_users users;
	struct front_limits limits;
};

void master_config_init(struct master_config *c);
void master_config_clear(struct master_config *c);

/* Read dir/master.yaml.  ERR_NOTFOUND says that dir is no master's; ERR_PARSE with
 * file:line:column; ERR_NOMEM. */
int master_config_load(const char *dir, struct master_config *out,
    struct err *e) MUST_CHECK;

/* A name of a master: an authority's, of [a-z0-9._-] and at most MASTER_NAME_MAX
 * characters, beginning with a letter or digit. */
bool master_name_is_valid(const char *name);

/* The origin of its log: writ.invalid/ and 16 digits of the realm, /NAME_log. */
int master_origin(const struct master_config *c, char out[ORIGIN_MAX])
    MUST_CHECK;

#endif
