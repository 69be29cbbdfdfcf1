/* SPDX-License-Identifier: ISC */
/*
 * What the files of the kind fail2ban share.
 */
#ifndef AGENT_STATES_F2B_IMPL_H
#define AGENT_STATES_F2B_IMPL_H

#include "agent/states/state.h"

#define F2B_JAILS_MAX 64
#define F2B_JAIL_D "/etc/fail2ban/jail.d"
#define F2B_OWN	   F2B_JAIL_D "/zzz-writ.local"

struct f2b_jail {
	char	   *name;
	bool	    enabled;
	char	   *backend, *filter, *banaction, *port, *mode; /* NULL: as
				   fail2ban has it */
	struct strs logpath;
	uint64_t    maxretry;	/* 0: as fail2ban has it; so with spans */
	int64_t	    findtime, bantime;	/* seconds; bantime -1: for ever */
	struct conf_pos pos;
};

struct f2b_params {
	bool		 absent;
	struct f2b_jail *v;
	size_t		 n, cap;
	struct strs	 ignore;	/* never banned, with loopback */
};

/* What the server has of one jail; text as it printed it, NULL: it did not. */
struct f2b_live {
	char *maxretry, *findtime, *bantime;
};

struct f2b_observed {
	bool missing;    /* the package is not installed */
	bool no_journal; /* python3-systemd is not */
	char *text;      /* of OWN, NULL: not there */
	struct host_stat st;
	char *dump; /* NULL: not asked, or it failed: */
	char *dump_error;
	bool running;
	char *status;
	struct f2b_live *live; /* one for each jail */
	size_t n_live;
};

/* f2b_parse.c */
void f2b_parse(struct conf_in *in, const struct yaml_node *n, void *params);
void f2b_params_clear(void *params);
/* What our file is to hold. */
int  f2b_text(const struct f2b_params *p, struct str *out) MUST_CHECK;

/* f2b_observe.c */
int  f2b_observe(struct host *h, const struct state_env *env,
     const void *params, void *observed, struct err *e) MUST_CHECK;
void f2b_observed_clear(void *observed);
/* fail2ban-client WORDS...: *out is what it printed, for the caller to free, or
 * NULL when it failed; *error (may be NULL) what it complained of then. */
int  f2b_client(struct host *h, const char *const *argv, char **out,
     char **error, struct err *e) MUST_CHECK;

/* f2b_server.c; as host_run_ok(). */
int  f2b_start(struct host *h, struct err *e) MUST_CHECK;
/* A server that does not answer is started, if it may be. */
int  f2b_reload(struct host *h, bool may_start, struct err *e) MUST_CHECK;
/* Whether it runs, as struct state_ops has them. */
int  f2b_snapshot(struct host *h, const void *params, struct str *out,
     struct err *e) MUST_CHECK;
int  f2b_restore(struct host *h, struct slice snapshot, struct err *e)
     MUST_CHECK;

#endif
