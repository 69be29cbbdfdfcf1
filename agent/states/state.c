/* SPDX-License-Identifier: ISC */
/*
 * The list of kinds: a module is one file and one line here.
 */
#include "agent/states/state.h"

#include <inttypes.h>
#include <string.h>

#include "agent/states/kinds.h"

static const struct state_ops *const kinds[] = {
    &state_fstab,
    &state_pam_limits, NULL, /* ends the list */
};

const struct state_ops *const *
state_kinds(size_t *n)
{
	*n = sizeof(kinds) / sizeof(kinds[0]) - 1;
	return kinds;
}

const struct state_ops *
state_kind(const char *name)
{
	for (size_t i = 0; kinds[i] != NULL; i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

int
state_sign_path(struct host *h, const char *path, struct str *out,
    struct err *e)
{
	struct host_stat st;
	int r;

	if ((r = host_stat(h, path, &st, e)) == ERR_NOTFOUND) {
		str_addf(out, "%s absent\n", path);
		return 0;
	}
	if (r != 0)
		return r;
	str_addf(out,
	    "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %o %u %u %" PRId64
	    " %" PRId64 "\n",
	    path, st.dev, st.ino, st.size, (unsigned)st.mode, (unsigned)st.uid,
	    (unsigned)st.gid, st.mtime_ns, st.ctime_ns);
	return 0;
}
