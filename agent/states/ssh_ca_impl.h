/* SPDX-License-Identifier: ISC */
/*
 * The parts of the state ssh_ca.
 *
 *	accounts:
 *	  deploy: [deploy, "deploy@${host.id}"]
 *	  retired: []		# nobody
 *	ensure: absent
 */
#ifndef AGENT_STATES_SSH_CA_IMPL_H
#define AGENT_STATES_SSH_CA_IMPL_H

#include "agent/states/sshd_want.h"
#include "lib/conf/schema.h"

#define CA_DIR		"/etc/ssh/writ"
#define CA_KEYS		CA_DIR "/user_ca.pub"
#define CA_KRL		CA_DIR "/krl"
#define CA_KRL_VERSION	CA_DIR "/krl.version"
#define CA_HOST_CERT	CA_DIR "/host-cert.pub"
#define CA_PRINCIPALS	CA_DIR "/principals"

#define CA_ACCOUNTS_MAX	  1000
#define CA_PRINCIPALS_MAX 256	/* of one account */
#define CA_ACCOUNT_MAX	  64	/* bytes of a name */

struct ca_account {
	char	   *name;
	struct strs principals;	/* none: nobody */
};
struct ssh_ca_params {
	struct ca_account *v;
	size_t n, cap;
	bool   absent;
};
/* Is it a name that an account may have?  It becomes the name of a file. */
bool ssh_ca_is_account(const char *s);
void ssh_ca_parse(struct conf_in *in, const struct yaml_node *n, void *params);
void ssh_ca_params_clear(void *params);

struct ca_file {		/* of CA_PRINCIPALS */
	char		*name;
	struct sshd_file file;
};
struct ssh_ca_observed {
	struct sshd_seen seen;
	struct sshd_file dropin, keys, krl, krl_version, cert;
	struct ca_file	*v;
	size_t		 n, cap;
	struct strs	 host_keys; /* "TYPE BASE64" of this host's */
	struct strs	 no_account; /* of accounts, that the host has not */
	bool		 config_there; /* the drop-in of sshd_config */
};

void ssh_ca_observed_clear(void *observed);
/* As state_ops.observe and .plan. */
int  ssh_ca_observe(struct host *h, const struct state_env *env,
     const void *params, void *observed, struct err *e);
int  ssh_ca_plan(const struct state_env *env, const void *params,
     const void *observed, struct plan *out, struct err *e);
/* Our files but those of the accounts. */
int  ssh_ca_observe_files(struct host *h, struct ssh_ca_observed *o,
     struct err *e) MUST_CHECK;
/* What sshd is to say; revoked: there is a KRL, or will be; certified: the same
 * of the certificate. */
int  ssh_ca_want(bool revoked, bool certified, struct sshd_want *out)
     MUST_CHECK;

/* --- what files are to hold; pure ---------------------------------------- */
/* The policy's user CAs, a line each. */
int ca_keys_text(const struct policy *p, struct str *out) MUST_CHECK;
int ca_principals_text(const struct ca_account *a, struct str *out) MUST_CHECK;

enum ca_krl {
	CA_KRL_NONE = 1, /* none offered, none there, never was one */
	CA_KRL_KEEP,	/* the one that is there stays */
	CA_KRL_WRITE,	/* the offered one */
	CA_KRL_STUCK,	/* the one that was there is gone, and what is offered
			   is older, or nothing */
};
/*
 * Which KRL: never one that is older than any that this host had.  *had is the
 * newest version that it had, 0: none.  ERR_PARSE: what is offered is no KRL,
 * or not of its version.
 */
int ca_krl_choose(const struct state_env *env, const struct sshd_file *krl,
    const struct sshd_file *version, enum ca_krl *out, uint64_t *had,
    struct err *e) MUST_CHECK;

/* Is the certificate of the environment for one of the host's keys?  ERR_PARSE,
 * ERR_DENIED (no: whose it is), ERR_NOMEM. */
int ca_host_cert_check(const struct state_env *env,
    const struct strs *host_keys, struct err *e) MUST_CHECK;

/* Is every line of a, but comments, a line of b? */
bool ca_lines_within(const char *a, const char *b);

#endif
