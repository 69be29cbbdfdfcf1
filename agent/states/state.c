/* SPDX-License-Identifier: ISC */
/*
 * The list of kinds: a module is one file and one line here.
 */
#include "agent/states/state.h"

#include <inttypes.h>
#include <string.h>

#include "agent/states/kinds.h"

/* A line each, so that two who add one do not meet. */
/* clang-format off */
static const struct state_ops *const kinds[] = {
    &state_fail2ban,
    &state_fstab,
    &state_iptables,
    &state_pam_limits,
    &state_pkg,
    &state_service,
    &state_ssh_ca,
    &state_sshd_config,
    NULL, /* ends the list */
};
/* clang-format on */

const struct state_ops *const *
state_kinds(size_t *n)
{
	*n = sizeof(kinds) / sizeof(kinds[0]) - 1;
	return kinds;
}

static const struct state_ops *const none[] = {NULL};
static const struct state_ops *const *tests = none;

void
state_kinds_test(const struct state_ops *const *v)
{
	tests = v != NULL ? v : none;
}

static const struct state_ops *
find(const struct state_ops *const *v, const char *name)
{
	for (; *v != NULL; v++)
		if (strcmp((*v)->name, name) == 0)
			return *v;
	return NULL;
}

const struct state_ops *
state_kind(const char *name)
{
	const struct state_ops *ops = find(kinds, name);

	return ops != NULL ? ops : find(tests, name);
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
