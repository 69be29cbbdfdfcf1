/* SPDX-License-Identifier: ISC */
/*
 * What stock ssh(1) needs so that a login finds its certificate, or asks for
 * one: the snippet for ssh_config, and the files that it names.
 */
#ifndef CA_CLIENT_SSHCONF_H
#define CA_CLIENT_SSHCONF_H

#include "ca/client/kept.h"
#include "ca/client/profile.h"
#include "lib/trust/policy.h"

/* DIR/ssh/known_hosts: @cert-authority lines for the host CAs. */
int sshconf_write(const struct profile *p, const struct policy *policy,
    struct err *e) MUST_CHECK;
/* The snippet; names are absolute. */
int sshconf_snippet(const struct profile *p, const struct policy *policy,
    struct str *out) MUST_CHECK;
/* Let DIR/ssh/ACCOUNT@HOST mean this request's key and certificate. */
int sshconf_point(const struct profile *p, const struct kept *k,
    const char *host, const char *account, struct err *e) MUST_CHECK;

/* May it stand in a file name and in ssh_config? */
bool sshconf_is_name(const char *text);

#endif
