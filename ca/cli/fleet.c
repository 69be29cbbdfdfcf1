/* SPDX-License-Identifier: ISC */
/*
 * writ fleet: the fleet's own program, writ-fleet, in the place of this one.
 * The CA and the fleet share no code above lib, so neither has to trust the
 * other's.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/cli/cli.h"
#include "lib/base/file.h"

/* Beside our own binary, as they are built; or in libexec, as installed. */
int
cli_fleet_program(char **out, struct err *e)
{
	static const char *const places[] = {
	    "writ-fleet", "../libexec/writ/writ-fleet"};
	char self[4096], *slash, *path = NULL;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n == -1)
		return err_sys(e, "find this program");
	self[n] = '\0';
	if ((slash = strrchr(self, '/')) == NULL)
		return err_set(e, ERR_NOTFOUND, "this program has no path");
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (path_join(self, places[i], &path) != 0)
			return err_nomem(e);
		if (access(path, X_OK) == 0) {
			*out = path;
			return 0;
		}
		free(path);
		path = NULL;
	}
	return err_set(e, ERR_NOTFOUND,
	    "writ-fleet is neither in %s nor in %s/../libexec/writ", self,
	    self);
}

/* writ-fleet [-C DIR] WORD ...: what was said, in the order it was said. */
static int
run_fleet(struct cli_args *a, struct err *e)
{
	const struct strs *words = cli_operands(a);
	size_t n = 0;
	char *path = NULL, **argv;
	int r;

	if ((r = cli_fleet_program(&path, e)) != 0)
		return r;
	if ((argv = calloc(words->n + 4, sizeof(*argv))) == NULL) {
		free(path);
		return err_nomem(e);
	}
	argv[n++] = (char *)(uintptr_t) "writ-fleet";
	if (cli_has_dir(a)) {
		argv[n++] = (char *)(uintptr_t) "-C";
		argv[n++] = (char *)(uintptr_t)cli_dir(a);
	}
	for (size_t i = 0; i < words->n; i++)
		argv[n++] = words->v[i];
	(void)execv(path, argv);
	r = err_sys(e, "%s", path);
	free(argv);
	free(path);
	return r;
}

const struct cli_command cmd_fleet = {.name = "fleet",
    .operands = "COMMAND ...",
    .summary = "hosts under signed policy",
    .max_operands = CLI_ANY,
    .through = true,
    .run = run_fleet};
