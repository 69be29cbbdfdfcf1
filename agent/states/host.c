/* SPDX-License-Identifier: ISC */
/*
 * The host: this machine or a tree that stands for one; its programs, mounts
 * and clock.  Files are in host_files.c.
 */
#include "agent/states/host_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/states/host_view.h"
#include "lib/base/clock.h"

static int
open_root(const char *root, struct host **out, struct err *e)
{
	struct host *h;
	struct stat st;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return err_nomem(e);
	h->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (h->root_fd == -1 || fstat(h->root_fd, &st) != 0) {
		int r = err_sys(e, "%s", root);

		host_close(h);
		return r;
	}
	h->uid = st.st_uid;
	h->gid = st.st_gid;
	if ((h->root = str_dup(root)) == NULL) {
		host_close(h);
		return err_nomem(e);
	}
	*out = h;
	return 0;
}

int
host_open(struct host **out, struct err *e)
{
	return open_root("/", out, e);
}

int
host_open_at(const char *root, const struct host_ops *ops, void *ctx,
    struct host **out, struct err *e)
{
	struct host *h;
	int r;

	if ((r = open_root(root, &h, e)) != 0)
		return r;
	h->ops = ops;
	h->ctx = ctx;
	*out = h;
	return 0;
}

void
host_close(struct host *h)
{
	if (h == NULL)
		return;
	if (h->root_fd != -1)
		(void)close(h->root_fd);
	host_view_free(h->view);
	free(h->root);
	free(h);
}

const char *
host_root(const struct host *h)
{
	return h->root;
}

int
host_begin(struct host *h, const char *call, const char *what, struct err *e)
{
	return h->ops != NULL && h->ops->before != NULL
	    ? h->ops->before(h->ctx, call, what, e)
	    : 0;
}

/* The program's path in out, "" when it is nowhere. */
static int
find_program(struct host *h, const char *name, char out[HOST_PATH_MAX + 1])
{
	const char *dir = HOST_PATH, *end;
	char real[HOST_PATH_MAX + 1];
	struct host_stat st;
	struct str path = STR_INIT;
	int r = 0;

	out[0] = '\0';
	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return 0;
	for (; r == 0 && out[0] == '\0'; dir = end + 1) {
		end = strchrnul(dir, ':');
		str_reset(&path);
		str_addn(&path, dir, (size_t)(end - dir));
		str_addf(&path, "/%s", name);
		if ((r = str_check(&path)) != 0)
			break;
		if (host_resolve(h, path.p, true, real, NULL) == 0 &&
		    host_stat(h, real, &st, NULL) == 0 && S_ISREG(st.mode) &&
		    (st.mode & 0111) != 0)
			memcpy(out, path.p, path.n + 1);
		if (*end == '\0')
			break;
	}
	str_clear(&path);
	return r;
}

bool
host_has(struct host *h, const char *program)
{
	char path[HOST_PATH_MAX + 1];

	return find_program(h, program, path) == 0 && path[0] != '\0';
}

/* execvpe(3) would look along the PATH of whoever started us. */
static int
run_here(struct host *h, const struct child_run *run, struct child_result *out,
    struct err *e)
{
	char path[HOST_PATH_MAX + 1], quoted[QUOTE_MAX];
	struct child_run at = *run;
	const char **argv;
	size_t n = 0;
	int r;

	if ((r = find_program(h, run->argv[0], path)) != 0)
		return err_nomem(e);
	if (path[0] == '\0')
		return err_set(e, ERR_NOTFOUND, "no program %s in %s",
		    str_quote(quoted, run->argv[0]), HOST_PATH);
	while (run->argv[n] != NULL)
		n++;
	if ((argv = calloc(n + 1, sizeof(*argv))) == NULL)
		return err_nomem(e);
	memcpy(argv, run->argv, n * sizeof(*argv));
	argv[0] = path;
	at.argv = argv;
	r = h->view != NULL ? host_view_run(h, &at, out, e)
			    : child_run(&at, out, e);
	free(argv);
	return r;
}

int
host_run_for(struct host *h, int ms, const char *const *argv, struct slice in,
    struct child_result *out, struct err *e)
{
	static const char *const env[] = {
	    "PATH=" HOST_PATH, "LANG=C.UTF-8", NULL};
	const struct child_run run = {
	    .argv = argv,
	    .env = env,
	    .in = in,
	    .out_max = HOST_OUT_MAX,
	    .timeout_ms = ms,
	};
	int r;

	if (ms < 1 || ms > HOST_RUN_MAX_MS)
		return err_set(e, ERR_USAGE, "a time limit of %d ms", ms);
	if ((r = host_begin(h, "run", argv[0], e)) != 0)
		return r;
	h->runs++;
	return h->ops != NULL && h->ops->run != NULL
	    ? h->ops->run(h->ctx, &run, out, e)
	    : run_here(h, &run, out, e);
}

int
host_run(struct host *h, const char *const *argv, struct slice in,
    struct child_result *out, struct err *e)
{
	return host_run_for(h, HOST_RUN_MS, argv, in, out, e);
}

/* The last line that is not empty: where programs say why they gave up. */
static struct slice
last_line(const char *text)
{
	size_t end = strlen(text), start;

	while (end > 0 &&
	    (text[end - 1] == '\n' || text[end - 1] == ' ' ||
		text[end - 1] == '\r'))
		end--;
	for (start = end; start > 0 && text[start - 1] != '\n'; start--)
		continue;
	return slice_of(text + start, end - start);
}

int
host_run_ok(struct host *h, const char *const *argv, struct slice in,
    struct child_result *out, struct err *e)
{
	struct child_result got = {0};
	struct slice said;
	int r;

	if ((r = host_run(h, argv, in, &got, e)) != 0)
		return r;
	if (got.status != 0) {
		said = last_line(got.err_text != NULL ? got.err_text : "");
		if (said.n == 0)
			said = last_line(got.out != NULL ? got.out : "");
		r = err_set(e, ERR_DENIED, "%s ended with status %d%s%.*s",
		    argv[0], got.status, said.n > 0 ? ": " : "", (int)said.n,
		    (const char *)said.p);
	} else if (out != NULL) {
		*out = got;
		return 0;
	}
	child_result_clear(&got);
	return r;
}

int
host_remount(struct host *h, const char *path, uint64_t set, uint64_t clear,
    struct err *e)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear};
	int fd, r;

	if ((r = host_begin(h, "remount", path, e)) != 0)
		return r;
	h->runs++;
	if (h->ops != NULL && h->ops->remount != NULL)
		return h->ops->remount(h->ctx, path, set, clear, e);
	if (h->view != NULL)
		return err_set(e, ERR_USAGE, "%s: a staged host has no mounts",
		    path);
	if ((r = host_openat(h, path, O_PATH | O_NOFOLLOW, 0, &fd, e)) != 0)
		return r;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr,
		sizeof(attr)) != 0)
		r = errno == EINVAL
		    ? err_set(e, ERR_NOTFOUND, "%s is no mount point", path)
		    : err_sys(e, "remount %s", path);
	(void)close(fd);
	return r;
}

int64_t
host_now(struct host *h)
{
	return h->ops != NULL && h->ops->now != NULL ? h->ops->now(h->ctx)
						     : clock_now();
}

unsigned
host_runs(const struct host *h)
{
	return h->runs;
}
