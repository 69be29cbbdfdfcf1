/* SPDX-License-Identifier: ISC */
#include "lib/proc/self.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

int
self_path(char **out, struct err *e)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	char *copy;

	if (n <= 0)
		return err_sys(e, "find this program");
	if ((copy = str_dupn(self, (size_t)n)) == NULL)
		return err_nomem(e);
	*out = copy;
	return 0;
}

int
self_dir(char **out, struct err *e)
{
	char *self = NULL, *slash;
	int r;

	if ((r = self_path(&self, e)) != 0)
		return r;
	if ((slash = strrchr(self, '/')) == NULL) {
		free(self);
		return err_set(e, ERR_NOTFOUND, "this program has no path");
	}
	*slash = '\0';
	*out = self;
	return 0;
}

int
self_find(const char *name, char **out, struct err *e)
{
	static const char *const places[] = {"", SELF_LIBEXEC "/"};
	char *dir = NULL;
	int r;

	if ((r = self_dir(&dir, e)) != 0)
		return r;
	r = ERR_NOTFOUND;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *path = NULL;

		if (path_joinf(&path, "%s/%s%s", dir, places[i], name) != 0) {
			r = err_nomem(e);
			break;
		}
		if (access(path, X_OK) == 0) {
			*out = path;
			r = 0;
			break;
		}
		free(path);
	}
	if (r == ERR_NOTFOUND)
		(void)err_set(e, r, "%s is neither in %s nor in %s/%s", name,
		    dir, dir, SELF_LIBEXEC);
	free(dir);
	return r;
}
