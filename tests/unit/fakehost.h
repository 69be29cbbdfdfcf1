/* SPDX-License-Identifier: ISC */
/*
 * A host for the tests of states: a directory of its own as root, and a table
 * of what programs answer.  Everything fails the test by itself where the test
 * is at fault, so nothing here returns an error.
 */
#ifndef TESTS_UNIT_FAKEHOST_H
#define TESTS_UNIT_FAKEHOST_H

#include "agent/states/host.h"

#define FAKEHOST_NOW 1795000000	/* 2026-11-18, until fakehost_time() */

struct fakehost;
struct fakehost *fakehost_new(void);
void fakehost_free(struct fakehost *f);	/* with the directory; NULL allowed */
struct host *fakehost_host(struct fakehost *f);

/* Files: paths as the host sees them.  Directories are made, 0755. */
void fakehost_file(struct fakehost *f, const char *path, mode_t mode,
    const char *text);
void fakehost_dir(struct fakehost *f, const char *path, mode_t mode);
void fakehost_link(struct fakehost *f, const char *path, const char *target);
void fakehost_remove(struct fakehost *f, const char *path); /* if it is there */
/* What a file holds, NULL where there is none; valid until the next call. */
const char *fakehost_text(struct fakehost *f, const char *path);
/* Every file, directory and link below the root: type, mode, owner, path, and
 * content or target, a line each; the caller frees.  For "as it was before". */
char *fakehost_dump(struct fakehost *f);

/*
 * Programs.  A command is the argument vector joined by single blanks; the
 * latest record of it counts.  A program that has a record or a handler is
 * there for host_has(); of one that has none host_run() is ERR_NOTFOUND; a
 * command without record of one that has some ends the test, and names it.
 */
void fakehost_command(struct fakehost *f, const char *command, int status,
    const char *out, const char *err_text);
/*
 * For programs that remember: called for every command of the program that has
 * no record.  status, out and err_text go to what the handler is given, texts
 * are appended.
 */
struct fakehost_answer {
	int status;
	struct str out, err_text;
};
typedef void fakehost_handler(struct fakehost *f, const char *command,
    struct slice in, struct fakehost_answer *a, void *arg);
void fakehost_on(struct fakehost *f, const char *program,
    fakehost_handler *handler, void *arg);
/* What was run and remounted ("remount PATH SET CLEAR", hexadecimal), in
 * order; and what the last command got on its standard input. */
const struct strs *fakehost_ran(const struct fakehost *f);
bool fakehost_has_run(const struct fakehost *f, const char *command);
const char *fakehost_input(const struct fakehost *f);
void fakehost_forget_ran(struct fakehost *f);

void fakehost_time(struct fakehost *f, int64_t now);

/*
 * Faults.  Fail the nth call on the host from now with ERR_SYS, once; 0: none.
 * With die the process ends instead, as by a power cut (for a forked child).
 */
void fakehost_fail_nth(struct fakehost *f, unsigned n);
void fakehost_die_nth(struct fakehost *f, unsigned n);
unsigned fakehost_calls(const struct fakehost *f); /* since either */
bool fakehost_failed(const struct fakehost *f);

#endif
