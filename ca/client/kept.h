/* SPDX-License-Identifier: ISC */
/*
 * Requests of ours, each in DIR/requests/ID, from before it is sent until its
 * certificate has expired.
 *
 *	statement	what was signed and sent
 *	about		JSON: the key file that was named, where the certificate
 *			is to go
 *	key key.pub	a key that was made for it; key is removed once an
 *			ssh-agent has it
 *	key-cert.pub	the certificate, once it is here
 */
#ifndef CA_CLIENT_KEPT_H
#define CA_CLIENT_KEPT_H

#include <stdbool.h>

#include "ca/client/profile.h"
#include "lib/key/key.h"
#include "lib/ssh/cert.h"
#include "lib/statement/statement.h"

struct kept {		/* kept_init / kept_clear */
	char		 id[HASH_HEX];
	char		*dir;
	char		*key_file; /* named: KEY of KEY.pub; NULL: made for it */
	char		*out;	   /* -o FILE; NULL: none */
	struct statement statement;
	bool		 has_cert;
	struct cert	 cert;
};

void kept_init(struct kept *k);
void kept_clear(struct kept *k);

/* Keep a signed request; key is the one made for it, NULL where key_file names
 * one.  Paths are made absolute.  ERR_SYS, ERR_NOMEM and so on. */
int  kept_new(const struct profile *p, const char *text, const struct key *key,
     const char *key_file, const char *out, struct kept *k, struct err *e)
     MUST_CHECK;

/* By the whole id, or its first 8 digits and more.  ERR_NOTFOUND: not asked
 * from here; ERR_USAGE: no id, or of several. */
int  kept_find(const struct profile *p, const char *id, struct kept *k,
     struct err *e) MUST_CHECK;

/* Each one that can be read, in no order; each() non-zero ends it. */
int  kept_each(const struct profile *p,
     int (*each)(void *ctx, struct kept *k), void *ctx, struct err *e)
     MUST_CHECK;

/* DIR/requests/ID/name. */
int  kept_path(const struct kept *k, const char *name, char **out,
     struct err *e) MUST_CHECK;
void kept_remove(const struct kept *k);

/* Take away what has expired, and what was never answered for a week. */
void kept_clean(const struct profile *p);

/* Is it an id, whole or in part?  8 to 64 lower-case hex digits. */
bool kept_is_id(const char *text);

#endif
