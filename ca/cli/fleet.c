/* SPDX-License-Identifier: ISC */
/*
 * writ fleet: the fleet's own program, writ-fleet, in the place of this one.
 * The CA and the fleet share no code above lib, so neither has to trust the
 * other's.
 */
#include <stdlib.h>
#include <unistd.h>

#include "ca/cli/cli.h"
#include "lib/proc/self.h"

/* writ-fleet [-C DIR] WORD ...: what was said, in the order it was said. */
static int
run_fleet(struct cli_args *a, struct err *e)
{
	const struct strs *words = cli_operands(a);
	size_t n = 0;
	char *path = NULL, **argv;
	int r;

	if ((r = self_find("writ-fleet", &path, e)) != 0)
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
