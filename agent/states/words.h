/* SPDX-License-Identifier: ISC */
/*
 * What several kinds of state read and write in the same way.
 */
#ifndef AGENT_STATES_WORDS_H
#define AGENT_STATES_WORDS_H

#include <stdbool.h>

#include "agent/states/host.h"
#include "lib/conf/schema.h"

/* The first line of every file that is ours alone. */
#define STATE_MARK "# Written by writ-agent; changes made here are undone.\n"

/* `ensure: present` or `absent`: a reader for struct conf_key; the field is
 * bool, true for absent.  Every kind that owns something has it. */
void state_ensure(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field);

/*
 * The next line of text, without its LF, and *text moved behind it; false at
 * the end.  A last line without LF counts.
 */
bool state_next_line(struct slice *text, struct slice *line);
/* The next word of a line, parted by blanks and tabs; false at its end. */
bool state_next_word(struct slice *line, struct slice *word);

/*
 * Read a file that may be absent: *out is NULL then, and *n 0.  Otherwise as
 * host_read() with HOST_FILE_MAX.
 */
int  state_read(struct host *h, const char *path, char **out, size_t *n,
     struct err *e) MUST_CHECK;

/* Root's, and his alone to write (0644): as a file that is ours alone has to
 * be, whoever changed that. */
bool state_is_roots(const struct host_stat *st);

/* Have systemd read its units anew, where it runs; nothing elsewhere. */
int  state_daemon_reload(struct host *h, struct err *e) MUST_CHECK;

#endif
