/* SPDX-License-Identifier: ISC */
/*
 * When this host's log has something new, and so somebody may have logged in.  The
 * link cannot read the log: it is told by the kernel that it was written to, from
 * before it became nobody, and has the applier look.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/minion/uplink.h"
#include "lib/base/file.h"
#include "lib/proc/plog.h"

#define SOON_MS    300              /* a login is several lines */
#define GAP_MS     5000             /* between two looks */
#define GAP_MAX_MS 60000            /* where they find nothing */
#define LOOK_MS    (10 * 60 * 1000) /* where nobody says anything */

#define CHANGES (IN_MODIFY | IN_CREATE | IN_MOVED_TO)

static bool
is_log(const struct inotify_event *ev)
{
	/* A file of a journal, or of syslog's directory one of two. */
	return ev->len > 0 &&
	    (strstr(ev->name, ".journal") != NULL ||
		strcmp(ev->name, "auth.log") == 0 ||
		strcmp(ev->name, "secure") == 0);
}

/* Has something of concern changed?  Takes all that is there. */
static bool
take_changes(int fd)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool is_news = false;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			struct inotify_event ev;
			const char *p = buf + at;

			memcpy(&ev, p, sizeof(ev));
			is_news |= (ev.mask & IN_Q_OVERFLOW) != 0 ||
			    is_log((const void *)p);
			at += (ssize_t)sizeof(ev) + ev.len;
		}
	}
	return is_news;
}

static void
on_logs(void *ctx, uint32_t events)
{
	struct uplink *u = ctx;
	int64_t at = loop_now(u->loop) + SOON_MS;

	(void)events;
	if (!take_changes(u->logs))
		return;
	if (at < u->logins_at + u->logins_gap)
		at = u->logins_at + u->logins_gap;
	if (at < u->next_logins)
		u->next_logins = at;
	watch_set(u->logs_watch, 0); /* until somebody has looked */
}

static void
watch_dir(int fd, const char *path, unsigned *n)
{
	if (inotify_add_watch(fd, path, CHANGES | IN_ONLYDIR) != -1)
		++*n;
}

/* The machine's directory below: journals lie there. */
static void
watch_journal(int fd, const char *path, unsigned *n)
{
	struct dirent *x;
	DIR *d = opendir(path);

	while (d != NULL && (x = readdir(d)) != NULL) {
		char *sub = NULL;

		if (x->d_name[0] != '.' &&
		    path_join(path, x->d_name, &sub) == 0)
			watch_dir(fd, sub, n);
		free(sub);
	}
	if (d != NULL)
		(void)closedir(d);
}

int
uplink_watch_logs(struct uplink *u, struct err *e)
{
	unsigned n = 0;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd == -1)
		return err_sys(e, "watch the logs");
	watch_journal(fd, "/var/log/journal", &n);
	watch_journal(fd, "/run/log/journal", &n);
	if (n == 0)
		watch_dir(fd, "/var/log", &n);
	u->logs = fd;
	return loop_add(u->loop, fd, EPOLLIN, on_logs, u, &u->logs_watch, e);
}

bool
uplink_has_logins(const struct uplink *u)
{
	/* While the master has enough, a log keeps what it says: what else there is
	   to report has no more before it than there was. */
	return uplink_bool(u->held, "accepted") &&
	    uplink_bool(u->held, "logins") && u->next_send == 0;
}

void
uplink_logins(struct uplink *u)
{
	bool is_first = u->logins_at == 0;
	json_t *answer = NULL;
	struct err e = {0};
	int r;

	/* What changes from now on, also while it is looked, is another look's. */
	u->logins_at = loop_now(u->loop);
	u->next_logins = u->logins_at + LOOK_MS;
	if (u->logs_watch != NULL)
		watch_set(u->logs_watch, EPOLLIN);
	r = uplink_ask(u, VERB_LOGINS, "", &answer, &e);
	if (r != 0)
		plog_err(PLOG_WARN, &e, "who logged in is not known", NULL);
	/* Others write to a log as well: the less is found, the less often. */
	if (json_array_size(json_object_get(answer, "reports")) > 0)
		u->logins_gap = GAP_MS;
	else if (!is_first && (u->logins_gap *= 2) > GAP_MAX_MS)
		u->logins_gap = GAP_MAX_MS;
	if (uplink_bool(answer, "more"))
		u->next_logins = loop_now(u->loop);
	else if (r != 0)
		u->next_logins = loop_now(u->loop) + u->logins_gap;
	json_decref(answer);
}

void
uplink_logins_begin(struct uplink *u)
{
	u->logins_gap = GAP_MS;
	u->next_logins = loop_now(u->loop);
}
