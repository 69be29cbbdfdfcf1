/* SPDX-License-Identifier: ISC */
/*
 * pkg: changes, and what it takes to undo them.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/carriers.h"
#include "agent/states/pkg_impl.h"
#include "agent/states/words.h"
#include "lib/base/file.h"

#define ARCHIVES "/var/cache/apt/archives"

/* "NAME_VERSION_", as apt has it before the architecture. */
static void
add_archive_head(struct str *out, const char *name, struct slice version)
{
	str_addf(out, "%s_", name);
	for (size_t i = 0; i < version.n; i++)
		if (version.p[i] == ':' || version.p[i] == '_')
			str_addf(out, "%%%02x", (unsigned)version.p[i]);
		else
			str_addc(out, (char)version.p[i]);
	str_addc(out, '_');
}

/* The file of that version which apt keeps here; *out is NULL where there is
 * none. */
static int
find_archive(struct host *h, const char *name, struct slice version, char **out,
    struct err *e)
{
	struct strs names = {0};
	struct str head = STR_INIT;
	int r;

	*out = NULL;
	add_archive_head(&head, name, version);
	if ((r = str_check(&head)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = host_list(h, ARCHIVES, &names, e)) == ERR_NOTFOUND)
		r = 0;
	for (size_t i = 0; r == 0 && i < names.n && *out == NULL; i++) {
		size_t n = strlen(names.v[i]);

		if (strncmp(names.v[i], head.p, head.n) == 0 && n > 4 &&
		    strcmp(names.v[i] + n - 4, ".deb") == 0 &&
		    path_join(ARCHIVES, names.v[i], out) != 0)
			r = err_nomem(e);
	}
out:
	strs_clear(&names);
	str_clear(&head);
	return r;
}

/* apt-get says nothing where a version that is installed cannot be had any
 * more, so what counts is the file. */
static int
fetch(struct host *h, const char *name, const char *version, struct err *e)
{
	static const char *const words[] = {
	    "install", "--reinstall", "--download-only", NULL};
	struct strs exact = {0};
	struct str s = STR_INIT;
	char *path = NULL;
	int r;

	str_addf(&s, "%s=%s", name, version);
	if (str_check(&s) != 0 || strs_add(&exact, s.p) != 0)
		r = err_nomem(e);
	else if ((r = pkg_apt(h, words, &exact, e)) == 0 &&
	    (r = find_archive(h, name, slice_str(version), &path, e)) == 0 &&
	    path == NULL)
		r = err_set(e, ERR_DENIED, "no archive has it");
	if (r != 0)
		err_prefix(e, "an undo could not bring back %s",
		    s.p != NULL ? s.p : name);
	free(path);
	str_clear(&s);
	strs_clear(&exact);
	return r;
}

/*
 * What carries a way in is fetched before it is removed, in the version that is
 * there: an undo has to do without the archive, which may be out of reach by
 * then.  Where it cannot be had, the package stays.
 */
static int
fetch_carriers(struct host *h, const struct strs *names, struct err *e)
{
	struct pkg_params p = {0};
	struct pkg_observed o = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < names->n; i++)
		if (carrier_way(names->v[i], strlen(names->v[i])) != NULL)
			r = strs_add(&p.present, names->v[i]);
	if (r != 0)
		(void)err_nomem(e);
	else if (p.present.n > 0)
		r = pkg_query(h, &p, &o, e);
	for (size_t i = 0; r == 0 && i < o.n; i++)
		if (o.v[i].installed)
			r = fetch(h, o.v[i].name, o.v[i].version, e);
	pkg_observed_clear(&o);
	pkg_params_clear(&p);
	return r;
}

int
pkg_change(struct host *h, const char *verb, const struct strs *names,
    struct err *e)
{
	const char *const words[] = {verb, NULL};
	int r = strcmp(verb, "remove") == 0 ? fetch_carriers(h, names, e) : 0;

	return r == 0 ? pkg_apt(h, words, names, e) : r;
}

/* --- undo -------------------------------------------------------------- */

/* "in NAME VERSION" or "out NAME", a line each. */
int
pkg_snapshot(struct host *h, const void *params, struct str *out, struct err *e)
{
	struct pkg_observed o = {0};
	int r = 0;

	if (host_has(h, "dpkg-query"))
		r = pkg_query(h, params, &o, e);
	for (size_t i = 0; r == 0 && i < o.n; i++)
		if (o.v[i].installed)
			str_addf(out, "in %s %s\n", o.v[i].name,
			    o.v[i].version);
		else
			str_addf(out, "out %s\n", o.v[i].name);
	pkg_observed_clear(&o);
	return r == 0 && str_check(out) != 0 ? err_nomem(e) : r;
}

/* How apt is told to bring that version back: by its file where it is here. */
static int
add_back(struct host *h, const char *name, struct slice version,
    struct strs *in, struct err *e)
{
	struct str s = STR_INIT;
	char *path;
	int r;

	if ((r = find_archive(h, name, version, &path, e)) != 0)
		return r;
	if (path != NULL)
		str_add(&s, path);
	else
		str_addf(&s, "%s=%.*s", name, (int)version.n,
		    (const char *)version.p);
	if ((r = str_check(&s)) == 0)
		r = strs_add(in, s.p);
	str_clear(&s);
	free(path);
	return r;
}

/* Which of those lines are no longer so, into the two lists. */
static int
sort_lines(struct host *h, struct slice snapshot, struct strs *in,
    struct strs *out, struct err *e)
{
	struct pkg_params p = {0};
	struct pkg_observed o = {0};
	struct slice rest = snapshot, line, word, name, version;
	int r = 0;

	while (r == 0 && state_next_line(&rest, &line))
		if (state_next_word(&line, &word) &&
		    state_next_word(&line, &name))
			r = strs_addn(&p.present, name.p, name.n);
	if (r == 0)
		r = pkg_query(h, &p, &o, e);
	while (r == 0 && state_next_line(&snapshot, &line)) {
		const struct pkg_seen *s;

		if (!state_next_word(&line, &word) ||
		    !state_next_word(&line, &name) ||
		    (s = pkg_find(&o, name)) == NULL)
			continue;
		if (slice_is(word, "out") && s->installed)
			r = strs_addn(out, name.p, name.n);
		else if (slice_is(word, "in") && !s->installed &&
		    state_next_word(&line, &version))
			r = add_back(h, s->name, version, in, e);
	}
	pkg_observed_clear(&o);
	pkg_params_clear(&p);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

int
pkg_restore(struct host *h, struct slice snapshot, struct err *e)
{
	static const char *const away[] = {"remove", NULL};
	static const char *const back[] = {"install", NULL};
	struct strs in = {0}, out = {0};
	int r = 0;

	if (snapshot.n > 0)
		r = sort_lines(h, snapshot, &in, &out, e);
	if (r == 0 && out.n > 0)
		r = pkg_apt(h, away, &out, e);
	if (r == 0 && in.n > 0)
		r = pkg_apt(h, back, &in, e);
	strs_clear(&in);
	strs_clear(&out);
	return r;
}
