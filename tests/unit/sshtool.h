/* SPDX-License-Identifier: ISC */
/*
 * OpenSSH's and OpenSSL's own programs for unit tests, in a directory that is
 * thrown away.  Everything here ends the test with a message when it fails.
 */
#ifndef TESTS_UNIT_SSHTOOL_H
#define TESTS_UNIT_SSHTOOL_H

#include <stddef.h>
#include <sys/types.h>

/* cmocka group setup and teardown: a new directory, and its removal. */
int sshtool_setup(void **state);
int sshtool_teardown(void **state);

/* DIR/name; up to eight live at a time. */
const char *sshtool_path(const char *name);
/* Run a program, NULL last; it must succeed. */
void sshtool_run(const char *prog, ...);
/* The whole file, terminated; the caller frees. */
char *sshtool_read(const char *name, size_t *n);
/* As 0600. */
void sshtool_write(const char *name, const void *p, size_t n);

/* A real ssh-agent on DIR/name; sshtool_agent_stop() ends it. */
pid_t sshtool_agent_start(const char *name);
void sshtool_agent_stop(pid_t pid);

#endif
