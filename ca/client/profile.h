/* SPDX-License-Identifier: ISC */
/*
 * What a person's machine knows of a CA: DIR/config.yaml, and beside it what was
 * fetched and what waits.  DIR is $WRIT_CONFIG, $XDG_CONFIG_HOME/writ or
 * ~/.config/writ; 0700.
 *
 *	config.yaml	ca, realm, key, person
 *	known_hosts	the CA's host keys
 *	bundle/		the signed policy (lib/bundle/bundles.h)
 *	acts		key statements and revocations, as they were last fetched
 *	revoked.krl	the revocation list
 *	requests/ID/	a request of ours: statement, keys, certificate
 *	unsent/HASH	a signed statement that could not be sent
 *	ssh/		names for ssh_config, made by `writ ensure`
 */
#ifndef CA_CLIENT_PROFILE_H
#define CA_CLIENT_PROFILE_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"

#define PROFILE_FILE_MAX 65536

struct profile {	/* profile_init / profile_clear */
	char	   *dir;
	char	   *ca;		/* lib/net/dest.h */
	struct hash realm;
	char	   *key;	/* file of the key that signs; NULL: ssh's usual */
	char	   *person;	/* whom it should be; NULL: whose key it is */
};

void profile_init(struct profile *p);
void profile_clear(struct profile *p);

/* The directory, whether it is there or not.  ERR_NOTFOUND: neither HOME nor
 * any other is set. */
int  profile_dir(char **out, struct err *e) MUST_CHECK;
/* Is there a config.yaml?  Whether it is right is profile_load's to say. */
bool profile_exists(void);

/* ERR_NOTFOUND: no CA is trusted yet; ERR_PARSE with file:line:column. */
int  profile_load(struct profile *out, struct err *e) MUST_CHECK;
/* The text of config.yaml for p, commented. */
int  profile_encode(const struct profile *p, struct str *out) MUST_CHECK;
/* Write it, and make DIR where it is not. */
int  profile_save(const struct profile *p, struct err *e) MUST_CHECK;

/* DIR/name.  The caller frees. */
int  profile_path(const struct profile *p, const char *name, char **out,
     struct err *e) MUST_CHECK;
/* DIR/sub with its directory made, 0700. */
int  profile_mkdir(const struct profile *p, const char *sub, struct err *e)
     MUST_CHECK;

#endif
