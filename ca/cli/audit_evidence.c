/* SPDX-License-Identifier: ISC */
/* writ audit evidence: a folder for somebody who does not have Writ. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/audit/evidence.h"
#include "ca/audit/story.h"
#include "ca/cli/audit_more.h"
#include "ca/cli/audit_uses.h"
#include "lib/base/file.h"

/* --- the folder ----------------------------------------------------------- */

/* Below a directory of ours, which exists. */
static int
write_one(const char *dir, const struct evidence_file *f, struct err *e)
{
	char *path = NULL, *slash;
	int r;

	if (path_join(dir, f->name, &path) != 0)
		return err_nomem(e);
	slash = strrchr(path, '/');
	*slash = '\0';
	r = file_mkdirs(path, 0755, e);
	*slash = '/';
	if (r == 0)
		r = file_write(path, f->text, f->n, 0644, FILE_NEW, e);
	free(path);
	return r;
}

/* Its directories, deepest first, are empty once its files are gone. */
static void
take_back(const char *dir, const struct evidence *v)
{
	char *path = NULL, *slash;

	for (size_t i = 0; i < v->n; i++) {
		if (path_join(dir, v->v[i].name, &path) != 0)
			continue;
		(void)unlink(path);
		free(path);
	}
	for (size_t i = 0; i < v->n; i++) {
		if (path_join(dir, v->v[i].name, &path) != 0)
			continue;
		while ((slash = strrchr(path, '/')) != NULL &&
		    (size_t)(slash - path) > strlen(dir)) {
			*slash = '\0';
			(void)rmdir(path);
		}
		free(path);
	}
	(void)rmdir(dir);
}

static int
is_free(const char *dir, struct err *e)
{
	char quoted[QUOTE_MAX];
	struct stat st;

	if (lstat(dir, &st) == 0)
		return err_set(e, ERR_EXISTS,
		    "%s exists already, expected the name of a new directory",
		    str_quote(quoted, dir));
	return 0;
}

/* In its place in one step, and in the place of nothing. */
static int
put_in_place(const char *tmp, const char *dir, struct err *e)
{
	int r;

	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, dir, RENAME_NOREPLACE) == 0)
		return file_sync_parent(dir, e);
	if (errno == EEXIST && (r = is_free(dir, e)) != 0)
		return r;
	return err_sys(e, "rename to %s", dir);
}

static int
write_folder(const char *dir, const struct evidence *v, struct err *e)
{
	char *tmp = NULL;
	int r = 0;

	if (path_joinf(&tmp, "%s.XXXXXX", dir) != 0)
		return err_nomem(e);
	if (mkdtemp(tmp) == NULL) {
		r = err_sys(e, "make %s", tmp);
		free(tmp);
		return r;
	}
	for (size_t i = 0; i < v->n && r == 0; i++)
		r = write_one(tmp, &v->v[i], e);
	if (r == 0)
		r = put_in_place(tmp, dir, e);
	if (r != 0)
		take_back(tmp, v);
	free(tmp);
	return r;
}

/* --- which certificate ---------------------------------------------------- */

/* Where a host told of the login. */
struct told {
	uint64_t index;
	struct hash report;
	bool is;   /* false: a serial was named, and no login */
	char *log; /* that has the certificate of the login; NULL */
};

static int
of_login(struct asked_uses *q, const struct use *login, uint64_t *serial,
    struct told *t, struct err *e)
{
	const struct grant_use *of = NULL;
	struct str why = STR_INIT;
	enum use_kind kind;
	int r;

	r = uses_judge(login, &q->issued, q->place.trust.policy, &kind, &of,
	    &why);
	if (r != 0)
		r = err_nomem(e);
	else if (of == NULL)
		r = err_set(e, ERR_NOTFOUND,
		    "no certificate of the log explains this login: %s, %s",
		    use_kind_name(kind), why.p);
	else if ((t->log = str_dup(of->log)) == NULL)
		r = err_nomem(e);
	else
		*serial = of->serial;
	str_clear(&why);
	return r;
}

static void
note_report(const struct use *login, struct told *t)
{
	t->index = login->index;
	t->is = login->report != NULL &&
	    hash_from_hex(login->report, &t->report) == 0;
}

static int
of_session(struct cli_args *a, const char *session, uint64_t *serial,
    struct told *t, struct err *e)
{
	struct asked_uses q = {0};
	const struct use *login;
	const char *host = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if ((r = asked_uses_get(a, &q, e)) != 0 ||
	    (r = story_host(&q.uses, session, cli_get(a, "host"), &host, e)) !=
		0)
		goto out;
	if ((login = story_login(&q.uses, session, host)) == NULL)
		r = err_set(e, ERR_NOTFOUND, "%s saw no login of session %s",
		    host, str_quote(quoted, session));
	else if ((r = of_login(&q, login, serial, t, e)) == 0)
		note_report(login, t);
out:
	asked_uses_clear(&q);
	return r;
}

/* --- the command ---------------------------------------------------------- */

struct looking {
	const struct place *p;
	uint64_t serial;
	char *log; /* that has the certificate which is meant */
	struct evidence found;
	struct more more;
	bool no_fleet; /* no log of it is named */
};

static int
gather_in(void *ctx, struct audit_log *log, struct err *e)
{
	struct looking *k = ctx;
	int r;

	if (strcmp(audit_log_name(log), k->log) != 0)
		return 0;
	r = audit_evidence(log, k->p->trust.policy, k->serial, k->more.v,
	    k->more.n, &k->found, e);
	return r == 0 ? 1 : r;
}

/* "corp/": the name of what is made must not end so. */
static int
folder_of(const struct cli_args *a, char **out, struct err *e)
{
	const char *o = cli_get(a, "o");
	size_t n = o != NULL ? strlen(o) : 0;
	char *dir;

	while (n > 1 && o[n - 1] == '/')
		n--;
	if (n == 0)
		return err_set(e, ERR_USAGE,
		    "expected -o with the name of a new directory");
	if ((dir = str_dupn(o, n)) == NULL)
		return err_nomem(e);
	*out = dir;
	return is_free(dir, e);
}

static int
print_made(const struct looking *k, const char *dir, struct err *e)
{
	struct str s = STR_INIT;

	str_addf(&s,
	    "%s: %zu files about the certificate with serial %llu; README says "
	    "what they are, sh %s/check.sh checks them\n",
	    dir, k->found.n, (unsigned long long)k->serial, dir);
	if (k->no_fleet)
		str_add(&s,
		    "without the host's report: no log of the fleet is named, "
		    "see --fleet-log\n");
	return cli_print(&s, e);
}

/* What there is besides the certificate. */
static int
take_more(struct cli_args *a, struct looking *k, const struct told *t,
    struct err *e)
{
	int r = more_of_revocations(k->p, k->serial, &k->more, e);

	if (r != 0 || !t->is)
		return r;
	r = more_of_report(a, k->p, t->index, &t->report, k->serial, &k->more,
	    e);
	k->no_fleet = r == 1;
	return r == 1 ? 0 : r;
}

int
run_audit_evidence(struct cli_args *a, struct err *e)
{
	const char *id = cli_operand(a, 0);
	struct looking k = {0};
	struct told told = {0};
	const char *log;
	char *dir = NULL;
	struct place p;
	int r;

	place_init(&p);
	k.p = &p;
	if ((r = folder_of(a, &dir, e)) != 0 ||
	    (r = place_check_fleet_logs(a, e)) != 0)
		goto out;
	if (parse_u64(id, 1, UINT64_MAX, &k.serial) != 0 &&
	    (r = of_session(a, id, &k.serial, &told, e)) != 0)
		goto out;
	log = cli_get(a, "log") != NULL ? cli_get(a, "log") : told.log;
	if ((r = place_open(a, &p, e)) != 0 ||
	    (r = place_choose_log(&p, k.serial, log, &k.log, e)) != 0 ||
	    (r = take_more(a, &k, &told, e)) != 0)
		goto out;
	r = place_each_log(&p, gather_in, &k, e);
	if (r == 0) /* it was there a moment ago */
		r = err_set(e, ERR_NOTFOUND, "%s: %s is not there any more",
		    p.url, k.log);
	else if (r == 1 && (r = write_folder(dir, &k.found, e)) == 0)
		r = print_made(&k, dir, e);
out:
	free(k.log);
	free(told.log);
	evidence_clear(&k.found);
	more_clear(&k.more);
	free(dir);
	place_clear(&p);
	return r;
}
