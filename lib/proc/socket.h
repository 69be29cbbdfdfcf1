/* SPDX-License-Identifier: ISC */
/*
 * Local sockets between processes, and who is at their other end.
 */
#ifndef LIB_PROC_SOCKET_H
#define LIB_PROC_SOCKET_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"

/*
 * The listening socket that whoever started this process passed under that name
 * (LISTEN_FDS and LISTEN_FDNAMES, sd_listen_fds(3)), close-on-exec and
 * non-blocking.  ERR_NOTFOUND: none was; ERR_SYS: it is not a listening socket.
 */
int socket_passed(const char *name, int *fd, struct err *e) MUST_CHECK;
/* All of that name, at most max of them, *n at least 1: one unit may listen in
 * several places.  ERR_LIMIT: there are more. */
int socket_passed_all(const char *name, int *fds, size_t max, size_t *n,
    struct err *e) MUST_CHECK;

/*
 * Bind and listen at path with mode 0600 in a directory that nobody else can
 * enter; a socket there that nobody listens on is replaced.  ERR_BUSY: somebody
 * listens; ERR_DENIED: the directory is open to others; ERR_LIMIT: the path has
 * more than 107 bytes; ERR_SYS.
 */
int socket_listen(const char *path, int *fd, struct err *e) MUST_CHECK;
/* Close-on-exec; it waits for nothing.  ERR_NET: nobody listens, or he has no
 * room for one more now; ERR_LIMIT, ERR_SYS. */
int socket_connect(const char *path, int *fd, struct err *e) MUST_CHECK;
/* The next connection, non-blocking and close-on-exec; 1: there is none now. */
int socket_accept(int fd, int *out, struct err *e) MUST_CHECK;

/*
 * ERR_DENIED unless the process at the other end runs (or, of a listening
 * socket passed by systemd, listened) as uid, root, or ourselves.
 */
int socket_check_peer(int fd, uid_t uid, struct err *e) MUST_CHECK;

/*
 * Tell systemd: "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=...".  Nothing
 * happens where NOTIFY_SOCKET is not set; a failure to tell stops nothing.  The
 * socket is opened by the first call of either function and kept, so that a
 * process can go on telling once it may open none; sandbox_enter() sees to it.
 */
void service_notify(const char *state);
void service_notify_open(void);

#endif
