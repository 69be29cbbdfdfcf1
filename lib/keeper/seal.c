/* SPDX-License-Identifier: ISC */
#include "lib/keeper/seal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/proc/sandbox.h"

#define PATHS_MAX 32

/* Owned paths, ended by NULL as the sandbox wants them. */
struct paths {
	char *v[PATHS_MAX + 1];
	size_t n;
	int r;
};

/* Takes path; NULL: memory was out. */
static void
add(struct paths *p, char *path)
{
	if (path != NULL && p->n < PATHS_MAX) {
		p->v[p->n++] = path;
		return;
	}
	if (p->r == 0)
		p->r = path == NULL ? ERR_NOMEM : ERR_LIMIT;
	free(path);
}

static void
paths_clear(struct paths *p)
{
	while (p->n > 0)
		free(p->v[--p->n]);
}

/* Where a copy's directory is not there now, it lags: that stops nothing. */
static void
add_copies(struct paths *p, const struct strs *copies)
{
	for (size_t i = 0; i < copies->n; i++) {
		const char *url = copies->v[i];
		const char *path = strncmp(url, "dir:", 4) == 0 ? url + 4 : url;

		if (strncmp(url, "s3:", 3) != 0 && access(path, X_OK) == 0)
			add(p, str_dup(path));
	}
}

static void
add_written(struct paths *p, const struct seal *s)
{
	char *log = NULL, *bundle = NULL;

	add(p, log_home_dir(s->home, s->dir, &log) == 0 ? log : NULL);
	if (s->store != NULL)
		add(p,
		    str_dupn(s->store,
			(size_t)(path_base(s->store) - s->store)));
	add(p, path_join(s->dir, "bundle", &bundle) == 0 ? bundle : NULL);
	add_copies(p, &s->home->copies);
}

static void
add_read(struct paths *p, const struct seal *s)
{
	/* Names of hosts, certificates of authorities, libraries that load
	   others late, random numbers of SQLite, since when the machine runs. */
	static const char *const always[] = {"/etc", "/usr", "/lib", "/lib64",
	    "/run/systemd/resolve", "/dev/urandom",
	    "/proc/sys/kernel/random/boot_id"};
	static const char *const variables[] = {
	    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE"};
	const char *credentials = s->home->credentials;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		add(p, str_dup(always[i]));
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (getenv(variables[i]) != NULL)
			add(p, str_dup(getenv(variables[i])));
	/* "file:PATH" or "file:PATH#PROFILE": read again when they expire. */
	if (credentials != NULL && strncmp(credentials, "file:", 5) == 0)
		add(p,
		    str_dupn(credentials + 5, strcspn(credentials + 5, "#")));
	for (size_t i = 0; s->read[i] != NULL; i++)
		add(p, str_dup(s->read[i]));
}

int
keeper_seal(const struct seal *s, struct err *e)
{
	struct paths written = {.n = 0}, read = {.n = 0};
	const struct sandbox box = {.profile = SANDBOX_KEEPER,
	    .write_below = (const char *const *)written.v,
	    .read_below = (const char *const *)read.v};
	int r;

	add_written(&written, s);
	add_read(&read, s);
	if (written.r != 0 || read.r != 0) {
		r = written.r != 0 ? written.r : read.r;
		(void)err_set(e, r, "enter the sandbox: %s", err_text(r));
	} else {
		r = sandbox_enter(&box, e);
	}
	paths_clear(&written);
	paths_clear(&read);
	return r;
}
