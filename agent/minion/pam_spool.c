/* SPDX-License-Identifier: ISC */
#include "agent/minion/pam_spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/logins/scan.h"
#include "agent/logins/whole.h"
#include "agent/minion/reports.h"
#include "lib/base/file.h"
#include "lib/base/str.h"

#define HEAD_MAX  512 /* bytes of the first line */
#define FILE_MOST (HEAD_MAX + WHOLE_MAX)

static size_t
count_files(const char *dir)
{
	struct dirent *x;
	DIR *d = opendir(dir);
	size_t n = 0;

	while (d != NULL && (x = readdir(d)) != NULL)
		n += x->d_name[0] != '.';
	if (d != NULL)
		(void)closedir(d);
	return n;
}

static int
make_dir(const char *state_dir, char **out, struct err *e)
{
	int r;

	if (path_join(state_dir, "pam", out) != 0)
		return err_nomem(e);
	if ((r = file_mkdirs(*out, 0700, e)) != 0)
		return r;
	if (count_files(*out) >= PAM_SPOOL_MAX)
		return err_set(e, ERR_LIMIT,
		    "%d logins wait for the agent to read their lines",
		    PAM_SPOOL_MAX);
	return 0;
}

int
pam_spool_put(const char *state_dir, uint64_t pid, int64_t at,
    const char *account, struct slice cert, struct err *e)
{
	char *dir = NULL, *path = NULL, hex[2 * BOOT_ID_LEN + 1];
	uint8_t boot[BOOT_ID_LEN];
	struct str s = STR_INIT;
	int r;

	if (account[0] == '\0' || strchr(account, '\n') != NULL ||
	    strlen(account) > LOGIN_ACCOUNT_MAX)
		return err_set(e, ERR_PARSE,
		    "PAM_USER is no account, expected a name");
	if ((r = make_dir(state_dir, &dir, e)) != 0)
		goto out;
	boot_id_read(boot);
	hex_encode(boot, sizeof(boot), hex);
	str_addf(&s, "%s %" PRId64 " %s\n", hex, at, account);
	str_addn(&s, (const char *)cert.p, cert.n);
	str_add(&s, "\n");
	if (str_check(&s) != 0 ||
	    path_joinf(&path, "%s/%" PRIu64, dir, pid) != 0)
		r = err_nomem(e);
	else
		r = file_write(path, s.p, s.n, 0600, FILE_NOSYNC, e);
out:
	str_clear(&s);
	free(path);
	free(dir);
	return r;
}

/* --- back --- */

struct spooled {
	struct slice boot, account, cert;
	int64_t at;
};

static bool
parse(struct slice s, struct spooled *out)
{
	struct slice head = s, rest, at;
	uint64_t n;

	if (!scan_split(&head, "\n", &rest) || !scan_end(&rest, "\n") ||
	    !scan_word(&head, &out->boot) || !scan_word(&head, &at) ||
	    !scan_number(at, &n) || n > INT64_MAX || head.n == 0 || rest.n == 0)
		return false;
	out->at = (int64_t)n;
	out->account = head;
	out->cert = rest;
	return true;
}

static bool
is_boot(const struct spooled *f, const char *boot)
{
	return f->boot.n >= SEEN_BOOT &&
	    strncmp((const char *)f->boot.p, boot, SEEN_BOOT) == 0;
}

static int
take(const char *path, const struct seen_line *line, const char *account,
    struct slice text, char **out, struct err *e)
{
	struct spooled f;
	bool is_it;

	if (!parse(text, &f)) {
		(void)unlink(path);
		return err_set(e, ERR_CORRUPT, "%s is damaged", path);
	}
	/* One of a process that has that number later waits for its line. */
	if (is_boot(&f, line->boot) && f.at > line->at + SEEN_WAIT_S)
		return ERR_NOTFOUND;
	is_it = is_boot(&f, line->boot) && f.at >= line->at - SEEN_WAIT_S &&
	    slice_is(f.account, account);
	(void)unlink(path);
	if (!is_it)
		return ERR_NOTFOUND;
	*out = str_dupn((const char *)f.cert.p, f.cert.n);
	return *out != NULL ? 0 : err_nomem(e);
}

int
pam_spool_take(const char *state_dir, const struct seen_line *line,
    const char *account, char **out, struct err *e)
{
	char *path = NULL, *text = NULL;
	size_t n = 0;
	int r;

	if (path_joinf(&path, "%s/pam/%" PRIu64, state_dir, line->pid) != 0)
		return err_nomem(e);
	if ((r = file_read(path, FILE_MOST, &text, &n, e)) == 0)
		r = take(path, line, account, slice_of(text, n), out, e);
	else if (r == ERR_LIMIT)
		(void)unlink(path);
	free(text);
	free(path);
	return r;
}

void
pam_spool_tidy(const char *state_dir, int64_t now)
{
	struct dirent *x;
	struct stat st;
	char *dir = NULL;
	DIR *d = NULL;

	if (path_join(state_dir, "pam", &dir) == 0)
		d = opendir(dir);
	while (d != NULL && (x = readdir(d)) != NULL)
		if (strcmp(x->d_name, ".") != 0 &&
		    strcmp(x->d_name, "..") != 0 &&
		    fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    (st.st_mtime < now - SEEN_WAIT_S ||
			st.st_mtime > now + SEEN_WAIT_S))
			(void)unlinkat(dirfd(d), x->d_name, 0);
	if (d != NULL)
		(void)closedir(d);
	free(dir);
}
