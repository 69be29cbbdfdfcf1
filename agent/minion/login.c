/* SPDX-License-Identifier: ISC */
#include "agent/minion/login.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
	char name[64];
	int parent;
	int64_t began_ms; /* since the boot */
};

/*
 * proc(5): "PID (NAME) STATE PPID ..." with the start time, in ticks since the
 * boot, as the 22nd.  The name may hold blanks and parentheses, so what follows
 * it is found from the right.
 */
static int
parse_stat(const char *text, struct process *out)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	long ticks = sysconf(_SC_CLK_TCK);
	uint64_t v;
	char word[24];
	size_t n;

	if (open == NULL || close == NULL || close < open || ticks <= 0)
		return ERR_PARSE;
	n = (size_t)(close - open) - 1;
	if (n >= sizeof(out->name))
		n = sizeof(out->name) - 1;
	memcpy(out->name, open + 1, n);
	out->name[n] = '\0';
	text = close + 1;
	for (int field = 3; field <= 22; field++) {
		text += strspn(text, " ");
		n = strcspn(text, " \n");
		if (n == 0)
			return ERR_PARSE;
		if (field == 4 || field == 22) {
			if (n >= sizeof(word))
				return ERR_PARSE;
			memcpy(word, text, n);
			word[n] = '\0';
			if (parse_u64(word, 0, INT64_MAX / 1000, &v) != 0)
				return ERR_PARSE;
			if (field == 4)
				out->parent = (int)v;
			else
				out->began_ms = (int64_t)v * 1000 / ticks;
		}
		text += n;
	}
	return 0;
}

static int
look_at(struct host *h, int pid, struct process *out, struct err *e)
{
	char path[40], *text;
	size_t n;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((r = host_read(h, path, 4096, &text, &n, e)) != 0)
		return r;
	if ((r = parse_stat(text, out)) != 0)
		(void)err_set(e, r, "%s: not what was expected", path);
	free(text);
	return r;
}

/* Of a connection: the listener's parent is process 1, a connection's is a
 * listener (or an ssh.socket's unit, which is process 1 as well: then it has
 * not been there before the connection either). */
static bool
is_sshd(const struct process *p)
{
	return strcmp(p->name, "sshd") == 0 ||
	    strcmp(p->name, "sshd-session") == 0;
}

int
login_is_newer(struct host *h, int pid, int64_t up_ms, struct err *e)
{
	struct process p;
	int r;

	for (int i = 0; i < LOGIN_DEPTH && pid > 1; i++, pid = p.parent) {
		if ((r = look_at(h, pid, &p, e)) != 0)
			return r;
		/* The nearest: the session's own. */
		if (!is_sshd(&p))
			continue;
		if (p.began_ms > up_ms)
			return 0;
		r = err_set(e, ERR_DENIED,
		    "this login is older than the change, so it does not show "
		    "that one is still possible");
		err_hint(e, "log in anew, and confirm from there");
		return r;
	}
	r = err_set(e, ERR_DENIED,
	    "this is no login over ssh, so it does not show that one is still "
	    "possible");
	err_hint(e, "log in over ssh, or --any-login where you are sure");
	return r;
}
