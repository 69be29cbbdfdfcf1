/* SPDX-License-Identifier: ISC */
/*
 * A deployment's directory, DIR, and its writ.yaml.
 *
 *   writ.yaml		this file: where the log is, which keys sign here
 *   keys/NAME		private keys, 0600
 *   policy/		the working copy that officers edit
 *   bundle/		the signed policy (bundles.h)
 *   fleet/		the fleet's working copy
 *   signer/		the signer's journal
 *   log/		the log's journal, and the log itself by default
 *   store/		the keeper's rows, made from the log
 *   run/		sockets between the processes of writ-ca
 *   emergency/		a deployment of its own, for a stick in a safe
 */
#ifndef CA_COMMON_CONFIG_H
#define CA_COMMON_CONFIG_H

#include <stdint.h>

#include "ca/common/config_service.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/key/key.h"
#include "lib/ledger/home.h"

#define CONFIG_MAX	     65536	/* bytes of writ.yaml */
#define CONFIG_FLEETS	     16		/* logs of masters */

struct config_key {
	char *name;		/* of an authority */
	char *from;		/* "keys/NAME", "agent" or "agent:SOCKET" */
};

struct config {			/* config_init / config_clear */
	char	   *dir;
	struct log_home home;	/* where the log is */
	char	   *log_name;	/* authority whose log this is: ca_log */
	char	   *log_key;	/* which key of it signs; NULL: its first */
	char	   *user_ca, *host_ca; /* authorities that sign; NULL: none */
	struct config_key *keys;
	size_t	    n_keys, cap_keys;
	struct strs fleet_logs;	/* of masters, for the auditor */
	struct service_config service;
};

void config_init(struct config *c);
void config_clear(struct config *c);

/* Read dir/writ.yaml.  ERR_NOTFOUND says that dir is no deployment; ERR_PARSE
 * with file:line:column. */
int config_load(const char *dir, struct config *out, struct err *e) MUST_CHECK;
/* The text of writ.yaml for c, commented. */
int config_encode(const struct config *c, struct str *out) MUST_CHECK;

/* The key of an authority, as keys: says (default keys/NAME); pub is who it
 * must be, NULL before there is a policy.  Asks for a passphrase with pass.  Its
 * file belongs to root, to us, or to the user that the signer is. */
int config_load_key(const struct config *c, const char *name,
    const struct pubkey *pub, const struct passphrase *pass, struct key **out,
    struct err *e) MUST_CHECK;

/* Before a service lives in DIR: nobody but owner and group may change writ.yaml,
 * DIR and those of its directories that the programs rely on.  ERR_DENIED names
 * the first; ERR_NOMEM. */
int config_check_closed(const struct config *c, struct err *e) MUST_CHECK;
/* log_home_starts_nothing() */
int config_starts_nothing(const struct config *c, struct err *e) MUST_CHECK;
/* The authority whose key signs the log. */
const char *config_log_key(const struct config *c);

/* Where the journal and index of the log are: PATH of a dir: log, else
 * DIR/log. */
int config_log_dir(const struct config *c, char **out) MUST_CHECK;
/* The log's address with a dir: path made relative to DIR absolute. */
int config_log_url(const struct config *c, char **out) MUST_CHECK;
/* A dir: path of fleet_logs made absolute in the same way. */
int config_fleet_url(const struct config *c, size_t nth, char **out) MUST_CHECK;
void config_blob(const struct config *c, struct blob_config *out);

#endif
