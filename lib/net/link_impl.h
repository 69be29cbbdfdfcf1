/* SPDX-License-Identifier: ISC */
/* Among link*.c: a connection by ssh(1), and the ssh of it. */
#ifndef LIB_NET_LINK_IMPL_H
#define LIB_NET_LINK_IMPL_H

#include "lib/net/link.h"
#include "lib/net/wire.h"
#include "lib/proc/child_pipe.h"

#define LINK_FINISH_MS 5000 /* for ssh to say goodbye */

struct link {
	struct child_pipe *ssh;
	struct wire_reader *reader;
	struct buf *in;		/* read and not yet fed */
	char	   *address;
	char	   *known_hosts;
	bool	    aliased;
	int	    cancel_fd;
	uint32_t    last_id;
	bool	    spoke;	/* the other end has answered something */
	bool	    shown;	/* ssh's complaints went to the terminal */
	bool	    dead;
};

/* Start ssh for l.  ERR_PARSE: the address; ERR_SYS, ERR_NOMEM. */
int link_start(struct link *l, const struct link_options *o,
    struct err *e) MUST_CHECK;
/* It gave up: end it, and say why as far as can be told.  ERR_NET. */
int link_failed(struct link *l, struct err *e);

#endif
