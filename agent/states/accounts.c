/* SPDX-License-Identifier: ISC */
#include "agent/states/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "agent/states/sshd_words.h"

#define FIELDS_MAX 8

/* Split "a:b:c" in place; how many fields there are, at most FIELDS_MAX. */
static size_t
split(char *line, char sep, char **out)
{
	size_t n = 0;

	while (line != NULL && n < FIELDS_MAX) {
		out[n++] = line;
		if ((line = strchr(line, sep)) != NULL)
			*line++ = '\0';
	}
	return n;
}

void
account_clear(struct account *a)
{
	free(a->name);
	free(a->home);
	free(a->shell);
	*a = (struct account){0};
}

/* A line of passwd(5), taken apart in place. */
static int
parse_account(char *line, struct account *out)
{
	struct account a = {0};
	char *f[FIELDS_MAX];

	if (split(line, ':', f) != 7 || f[0][0] == '\0' ||
	    parse_u64(f[2], 0, UINT32_MAX, &a.uid) != 0 ||
	    parse_u64(f[3], 0, UINT32_MAX, &a.gid) != 0)
		return ERR_PARSE;
	a.name = str_dup(f[0]);
	a.home = str_dup(f[5]);
	/* passwd(5): an empty one stands for this. */
	a.shell = str_dup(f[6][0] != '\0' ? f[6] : "/bin/sh");
	if (a.name == NULL || a.home == NULL || a.shell == NULL) {
		account_clear(&a);
		return ERR_NOMEM;
	}
	*out = a;
	return 0;
}

/* getent(1) says 2 where there is no such name. */
static int
getent(struct host *h, const char *database, const char *name,
    struct child_result *out, struct err *e)
{
	const char *const argv[] = {"getent", database, name, NULL};
	int r;

	if ((r = host_run(h, argv, slice_str(""), out, e)) != 0)
		return r;
	if (out->status == 0)
		return 0;
	r = out->status == 2
	    ? ACCOUNT_NO
	    : err_set(e, ERR_DENIED, "getent %s ended with status %d", database,
		  out->status);
	child_result_clear(out);
	return r;
}

int
account_find(struct host *h, const char *name, struct account *out,
    struct err *e)
{
	struct child_result got = {0};
	char quoted[QUOTE_MAX];
	int r;

	if ((r = getent(h, "passwd", name, &got, e)) != 0)
		return r;
	got.out[strcspn(got.out, "\n")] = '\0';
	if ((r = parse_account(got.out, out)) == ERR_PARSE)
		(void)err_set(e, r,
		    "getent passwd %s: expected a line of passwd(5)",
		    str_quote(quoted, name));
	else if (r != 0)
		(void)err_nomem(e);
	child_result_clear(&got);
	return r;
}

int
account_groups(struct host *h, const char *name, struct strs *out,
    struct err *e)
{
	/* With -z, since groups of a directory may have blanks in them. */
	const char *const argv[] = {"id", "-Gnz", "--", name, NULL};
	struct child_result got = {0};
	int r;

	if ((r = host_run(h, argv, slice_str(""), &got, e)) != 0)
		return r;
	if (got.status != 0)
		r = ACCOUNT_NO;
	for (size_t i = 0; r == 0 && i < got.out_len;) {
		size_t n = strcspn(got.out + i, "\n");

		if (n > 0)
			r = strs_addn(out, got.out + i, n);
		i += n + 1;
	}
	child_result_clear(&got);
	return r < 0 ? err_nomem(e) : r;
}

int
account_names(struct host *h, struct strs *out, struct err *e)
{
	struct child_result got = {0};
	int r;

	if ((r = getent(h, "passwd", NULL, &got, e)) != 0)
		return r == ACCOUNT_NO ? 0 : r;
	for (const char *p = got.out; r == 0 && *p != '\0';) {
		r = strs_addn(out, p, strcspn(p, ":\n"));
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	child_result_clear(&got);
	return r == 0 ? 0 : err_nomem(e);
}

/* "name:x:gid:a,b": its members to out, its gid to gids, if it is meant. */
static int
take_group(char *line, const char *patterns, struct strs *gids,
    struct strs *out)
{
	char *f[FIELDS_MAX];
	int r;

	if (split(line, ':', f) != 4 || sshd_pattern_list(f[0], patterns) != 1)
		return 0;
	r = strs_add(gids, f[2]);
	for (char *m = f[3]; r == 0 && *m != '\0';) {
		size_t n = strcspn(m, ",");

		r = strs_addn(out, m, n);
		m += n + (m[n] == ',');
	}
	return r;
}

/* An account whose own group is among gids. */
static int
take_primary(char *line, const struct strs *gids, struct strs *out)
{
	char *f[FIELDS_MAX];

	if (split(line, ':', f) != 7 || !strs_has(gids, f[3]) ||
	    strs_has(out, f[0]))
		return 0;
	return strs_add(out, f[0]);
}

static char *
next_line(char **p)
{
	char *line = *p;

	if (*line == '\0')
		return NULL;
	*p += strcspn(line, "\n");
	if (**p == '\n')
		*(*p)++ = '\0';
	return line;
}

int
group_members(struct host *h, const char *patterns, struct strs *out,
    struct err *e)
{
	struct child_result groups = {0}, accounts = {0};
	struct strs gids = {0};
	/* A directory may answer for one name and list none. */
	const char *one = strpbrk(patterns, "*?!,") == NULL ? patterns : NULL;
	char *p, *line;
	int r;

	if ((r = getent(h, "group", one, &groups, e)) == ACCOUNT_NO)
		return 0;
	if (r != 0)
		return r;
	for (p = groups.out; r == 0 && (line = next_line(&p)) != NULL;)
		r = take_group(line, patterns, &gids, out);
	if (r != 0)
		r = err_nomem(e);
	else if (gids.n > 0)
		r = getent(h, "passwd", NULL, &accounts, e);
	if (r == 0 && accounts.out != NULL)
		for (p = accounts.out;
		     r == 0 && (line = next_line(&p)) != NULL;)
			if ((r = take_primary(line, &gids, out)) != 0)
				r = err_nomem(e);
	strs_clear(&gids);
	child_result_clear(&groups);
	child_result_clear(&accounts);
	return r == ACCOUNT_NO ? 0 : r;
}
