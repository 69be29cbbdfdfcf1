/* SPDX-License-Identifier: ISC */
/*
 * What subcommands share that ask a CA over the network.
 *
 * A command goes to the CA of ~/.config/writ when no -C was given, the current
 * directory is no deployment, and a CA is trusted; else it works on files.
 */
#ifndef CA_CLI_REMOTE_H
#define CA_CLI_REMOTE_H

#include "ca/cli/cli.h"
#include "ca/client/remote.h"

bool cli_is_remote(const struct cli_args *a);

/* Warnings go to standard error. */
void cli_remote_init(struct remote *r);
/* remote_open(), and expired keys of earlier requests are removed. */
int  cli_remote_open(struct remote *r, struct err *e) MUST_CHECK;

/* The policy and standing of r, for ca/issue; borrowed from r.  Nothing to
 * clear. */
void cli_remote_world(struct remote *r, struct cli_world *out);

/*
 * Who acts: the person whose key -i is, else `key` of the configuration, else
 * the first of ~/.ssh/id_* that is somebody's; ERR_DENIED where the
 * configuration names another person.  *key_path is to be freed.
 */
int  cli_remote_signer(const struct cli_args *a, struct remote *r,
     char **key_path, const struct person **who, struct err *e) MUST_CHECK;

/* The revocation list of the CA: fetched, or the last one that was. */
int  cli_remote_krl(struct buf **out, struct err *e) MUST_CHECK;

#endif
