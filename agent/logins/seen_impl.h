/* SPDX-License-Identifier: ISC */
/*
 * What seen*.c have in common.  A function that says false has no memory left,
 * but for seen_find().
 */
#ifndef AGENT_LOGINS_SEEN_IMPL_H
#define AGENT_LOGINS_SEEN_IMPL_H

#include "agent/logins/seen.h"

/* The newest of that process; NULL: none. */
struct seen_conn *seen_find(const struct seen *s, uint64_t pid);
void seen_drop(struct seen *s, struct seen_conn *c);
void seen_conn_clear(struct seen_conn *c);

/* A new event at the end of out; NULL: no memory. */
struct login_event *seen_add(const struct seen *s, struct seen_events *out,
    enum login_what what, int64_t at);
/* A clean copy in the place of what is there; seen_put passes an empty one over. */
bool seen_keep(char **field, struct slice s, size_t max);
bool seen_put(char **field, struct slice s, size_t max);
/* BOOT.PID.AT of one that has logged in. */
bool seen_name_session(const struct seen *s, const struct seen_conn *c,
    char **out);

/* That an open one has ended, once. */
bool seen_end(const struct seen *s, struct seen_conn *c, int64_t at,
    struct seen_events *out);

/* A refusal that waits in c for whose it is (l; NULL: nobody says) becomes an
 * event. */
struct sshd_line;
bool seen_refuse_waiting(struct seen *s, struct seen_conn *c,
    const struct sshd_line *l, struct seen_events *out);
bool seen_take_sshd(struct seen *s, const struct seen_line *line,
    struct seen_events *out);

#endif
