/* SPDX-License-Identifier: ISC */
#include "lib/net/port.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/net/dest.h"

#define TABLE_MAX (64 * 1024 * 1024)
#define LISTENING 0x0a /* TCP_LISTEN, in /proc/net/tcp */

/* --- who listens ---------------------------------------------------------- */

/* Field number n of a line, from 0, as it stands up to the next blank. */
static const char *
field(const char *line, unsigned n)
{
	for (;; n--) {
		line += strspn(line, " ");
		if (n == 0)
			return line;
		line += strcspn(line, " \n");
	}
}

/*
 * The inode of a socket that listens at that port, in the text of
 * /proc/net/tcp or tcp6: "sl local:port remote:port state queues timer
 * retransmits uid timeout inode".  0: none.
 */
static uint64_t
find_inode(const char *text, uint16_t port)
{
	const char *line = text;

	while ((line = strchr(line, '\n')) != NULL && *++line != '\0') {
		const char *local = field(line, 1);
		const char *colon = local + strcspn(local, ": \n");

		if (*colon == ':' && strtoul(colon + 1, NULL, 16) == port &&
		    strtoul(field(line, 3), NULL, 16) == LISTENING)
			return strtoull(field(line, 9), NULL, 10);
	}
	return 0;
}

static uint64_t
inode_of_port(uint16_t port)
{
	static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
	uint64_t inode = 0;

	for (size_t i = 0; i < 2 && inode == 0; i++) {
		char *text = NULL;
		size_t n;

		if (file_read(tables[i], TABLE_MAX, &text, &n, NULL) == 0)
			inode = find_inode(text, port);
		free(text);
	}
	return inode;
}

static bool
process_has(const char *pid, const char *socket_name)
{
	char path[512], to[64];
	struct dirent *d;
	bool has = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	if ((dir = opendir(path)) == NULL)
		return false;
	while (!has && (d = readdir(dir)) != NULL) {
		ssize_t n =
		    readlinkat(dirfd(dir), d->d_name, to, sizeof(to) - 1);

		if (n < 0)
			continue;
		to[n] = '\0';
		has = strcmp(to, socket_name) == 0;
	}
	closedir(dir);
	return has;
}

/* The kernel keeps 15 bytes of a name; the program's path has it whole. */
static void
name_of(const char *pid, char who[PORT_WHO_MAX])
{
	char path[64], *text = NULL;
	size_t n;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	if (file_read(path, 65536, &text, &n, NULL) == 0)
		(void)snprintf(who, PORT_WHO_MAX, "%s", path_base(text));
	free(text);
	for (char *p = who; *p != '\0'; p++)
		if (!isgraph((unsigned char)*p))
			*p = '?';
}

static void
who_listens(uint16_t port, char who[PORT_WHO_MAX])
{
	uint64_t inode = inode_of_port(port);
	char name[64];
	struct dirent *d;
	DIR *dir;

	who[0] = '\0';
	if (inode == 0 || (dir = opendir("/proc")) == NULL)
		return;
	(void)snprintf(name, sizeof(name), "socket:[%" PRIu64 "]", inode);
	while (who[0] == '\0' && (d = readdir(dir)) != NULL)
		if (isdigit((unsigned char)d->d_name[0]) &&
		    process_has(d->d_name, name))
			name_of(d->d_name, who);
	closedir(dir);
}

/* --- may we --------------------------------------------------------------- */

static int
try_address(const struct addrinfo *a, const char *address, struct err *e)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	int r = 0;

	/* A machine without IPv6: the service goes without it, too. */
	if (fd == -1)
		return errno == EAFNOSUPPORT ? 0 : err_sys(e, "make a socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) != 0 || listen(fd, 1) != 0)
		r = errno == EADDRINUSE ? PORT_TAKEN
					: err_sys(e, "listen at %s", address);
	close(fd);
	return r;
}

int
port_is_free(const char *address, char who[PORT_WHO_MAX], struct err *e)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char *host = NULL, service[8];
	uint16_t port;
	int r, x;

	who[0] = '\0';
	if ((r = dest_listen(address, &host, &port)) != 0)
		return err_set(e, r, "%s is no address with a port", address);
	(void)snprintf(service, sizeof(service), "%u", (unsigned)port);
	x = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints,
	    &list);
	if (x != 0)
		r = err_set(e, ERR_NOTFOUND, "%s: %s", address,
		    gai_strerror(x));
	for (const struct addrinfo *a = list; a != NULL && r == 0;
	     a = a->ai_next)
		r = try_address(a, address, e);
	if (r == PORT_TAKEN)
		who_listens(port, who);
	if (list != NULL)
		freeaddrinfo(list);
	free(host);
	return r;
}
