/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/proc/sandbox.h"

int
privileges_drop(const char *user, struct err *e)
{
	char quoted[QUOTE_MAX];
	const struct passwd *pw;
	uid_t r, eff, saved;
	int death = 0, dumpable = prctl(PR_GET_DUMPABLE);

	str_quote(quoted, user);
	errno = 0;
	if ((pw = getpwnam(user)) == NULL)
		return errno != 0 && errno != ENOENT && errno != ESRCH
		    ? err_sys(e, "look for user %s", quoted)
		    : err_set(e, ERR_NOTFOUND, "no user %s", quoted);
	if (geteuid() == pw->pw_uid && geteuid() != 0 && getuid() == pw->pw_uid)
		return 0;
	/* Both change with the user: who was to die with the one that started
	   him still is, and a memory that nobody may read stays so. */
	(void)prctl(PR_GET_PDEATHSIG, &death);
	if (setgroups(0, NULL) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return err_sys(e, "become user %s", quoted);
	/* That there is no way back is what we are after, so look. */
	if (getresuid(&r, &eff, &saved) != 0 || r != pw->pw_uid ||
	    eff != pw->pw_uid || saved != pw->pw_uid ||
	    (pw->pw_uid != 0 && setuid(0) == 0))
		return err_set(e, ERR_SYS, "become user %s: still another",
		    quoted);
	if (death != 0 && prctl(PR_SET_PDEATHSIG, death) != 0)
		return err_sys(e, "die with the parent");
	if (dumpable == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_sys(e, "keep memory from being read");
	return 0;
}

int
memory_lock(struct err *e)
{
	struct rlimit limit;

	/*
	 * As pages come into use: else each stack of a thread would take all of
	 * its 8 MiB at once.
	 */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
		return 0;
	if ((errno != ENOMEM && errno != EPERM) ||
	    getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return err_sys(e, "lock memory");
	return err_set(e, ERR_SYS,
	    "lock memory: the limit of %ju KiB (RLIMIT_MEMLOCK) is too low",
	    (uintmax_t)limit.rlim_cur / 1024);
}
