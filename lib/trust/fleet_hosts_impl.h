/* SPDX-License-Identifier: ISC */
/*
 * What the files of fleet_hosts share; nobody else includes it.
 */
#ifndef LIB_TRUST_FLEET_HOSTS_IMPL_H
#define LIB_TRUST_FLEET_HOSTS_IMPL_H

#include <sys/queue.h>

#include "lib/trust/fleet_hosts.h"

/* What a name in the map is of. */
enum fleet_kind {
	FLEET_BY_ID = 1,	/* -> fleet_host */
	FLEET_BY_KEY,		/* a blob's hash -> fleet_host */
	FLEET_BY_ACCEPT,	/* -> fleet_host */
	FLEET_BY_ENROL,		/* -> fleet_asks */
	FLEET_BY_PAIR,		/* both keys -> fleet_asks */
	FLEET_BAD_KEY,		/* of one that was rejected -> fleet_asks */
	FLEET_BY_TOKEN,		/* -> fleet_token */
	FLEET_SEEN,		/* a statement that counted; at: when */
	FLEET_SAID_ID,		/* at: of the last statement about it */
	FLEET_SAID_KEY,
};

struct fleet_slot {
	struct hash name;
	uint8_t	    kind;	/* 0: free */
	void	   *to;
	int64_t	    at;
};

/* Open addressing, at most half full; nobody chooses what collides, since
 * names are SHA-256 values. */
struct fleet_map {		/* zero-initialise; fleet_map_clear */
	struct fleet_slot *v;
	size_t		   n, cap;
};
/* Room for n more, so that adding them cannot fail.  ERR_LIMIT, ERR_NOMEM. */
int  fleet_map_reserve(struct fleet_map *m, size_t n) MUST_CHECK;
/* After fleet_map_reserve(); what is there is replaced. */
struct fleet_slot *fleet_map_put(struct fleet_map *m, enum fleet_kind kind,
    const struct hash *name);
const struct fleet_slot *fleet_map_find(const struct fleet_map *m,
    enum fleet_kind kind, const struct hash *name);
void fleet_map_remove(struct fleet_map *m, enum fleet_kind kind,
    const struct hash *name);
void fleet_map_clear(struct fleet_map *m);

struct fleet_host {
	struct fleet_host_row row;	/* points into what follows */
	char	      *id, *reason;
	struct pubkey *host_key, *transport_key;
	struct strs    names, roles;
	struct strs    was;	/* ids it had since its acceptance */
	struct hash   *renames;	/* by which, in their order */
	bool	       fresh;	/* may begin its reports anew */
	TAILQ_ENTRY(fleet_host) link;
};

struct fleet_asks {
	struct fleet_enrol_row row;
	struct pubkey *host_key, *transport_key;
	char	      *hostname, *by, *reason;
	struct hash    names[FLEET_ENROL_NAMES];	/* a ring */
	size_t	       n_names;	/* that there ever were */
	TAILQ_ENTRY(fleet_asks) link;
};

struct fleet_token {
	struct fleet_token_row row;
	struct pubkey *key;
	char	      *hosts, *by;
	struct strs    roles;
	int64_t	       at;
	TAILQ_ENTRY(fleet_token) link;
};

struct fleet_hosts {
	struct fleet_map map;
	TAILQ_HEAD(fleet_host_list, fleet_host) hosts;
	TAILQ_HEAD(fleet_asks_list, fleet_asks) asks;
	TAILQ_HEAD(fleet_token_list, fleet_token) tokens;
	size_t n_hosts, n_waiting, n_rejected, n_tokens;
};

/* --- names in the map, where a key's is its pubkey_hash --- */
void fleet_id_name(const char *id, struct hash *out);
void fleet_pair_name(const struct pubkey *host_key,
    const struct pubkey *transport_key, struct hash *out);

struct fleet_host *fleet_find_host(const struct fleet_hosts *h,
    const char *id);
struct fleet_host *fleet_find_key(const struct fleet_hosts *h,
    const struct pubkey *k);
void *fleet_find(const struct fleet_hosts *h, enum fleet_kind kind,
    const struct hash *name);

void fleet_host_free(struct fleet_host *x);
void fleet_asks_free(struct fleet_asks *x);
void fleet_token_free(struct fleet_token *x);

/* What a statement is about, found while it was judged. */
struct fleet_plan {
	struct fleet_host  *host;	/* the one named, or replaced */
	struct fleet_asks  *asks;
	struct fleet_token *token;
};
/* fleet_hosts_judge.c: 0, FLEET_HOSTS_AGAIN or the errors of
 * fleet_hosts_fold(). */
int fleet_plan_of(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct fleet_plan *out, struct err *e)
    MUST_CHECK;
/* Is it realm's, and verified?  ERR_BADSIG, ERR_DENIED. */
int fleet_check_common(const struct hash *realm, const struct statement *s,
    struct err *e) MUST_CHECK;
/* `by` is an operator of root.yaml, and one of those who signed. */
int fleet_check_operator(const struct fleet_judge *j,
    const struct statement *s, struct err *e) MUST_CHECK;
/* ERR_ROLLBACK: something newer was said of it. */
int fleet_check_said_id(const struct fleet_hosts *h, const char *id,
    const struct statement *s, struct err *e) MUST_CHECK;
int fleet_check_said_keys(const struct fleet_hosts *h,
    const struct pubkey *host_key, const struct pubkey *transport_key,
    const struct statement *s, struct err *e) MUST_CHECK;
/* Keys that a host may have: no person's, no authority's, not revoked. */
int fleet_check_pair(const struct fleet_judge *j,
    const struct pubkey *host_key, const struct pubkey *transport_key,
    struct err *e) MUST_CHECK;
/* fleet_hosts_accept.c */
int fleet_check_accept(const struct fleet_hosts *h,
    const struct fleet_judge *j, const struct statement *s,
    struct fleet_plan *p, struct err *e) MUST_CHECK;
/* A pattern of a token and an id or a name: `*` stands for any bytes. */
bool fleet_pattern_fits(const char *pattern, const char *text);

/* fleet_hosts_do.c: carry it out.  ERR_NOMEM, ERR_LIMIT: nothing is changed. */
int fleet_do(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p, struct err *e) MUST_CHECK;

#endif
