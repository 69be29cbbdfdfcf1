/* SPDX-License-Identifier: ISC */
/* The first policy of a deployment, as text that people go on with. */
#ifndef CA_CLI_INIT_POLICY_H
#define CA_CLI_INIT_POLICY_H

#include "ca/cli/cli.h"

/*
 * root.yaml of --officer, --operator and --single-officer; officers are all that
 * were named, sorted, a person once for each of his keys.  ERR_USAGE; ERR_DENIED:
 * one officer, and not said to be on purpose; what a key file comes to.
 */
int  init_root_yaml(const struct cli_args *a, struct strs *officers,
    struct str *out, struct err *e) MUST_CHECK;
/* ca.yaml: officers approve, and may have certificates of hosts. */
void init_ca_yaml(const struct strs *officers, struct str *out);

#endif
