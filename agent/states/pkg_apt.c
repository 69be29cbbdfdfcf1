/* SPDX-License-Identifier: ISC */
/*
 * pkg: what dpkg and apt say, and what they are told.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/pkg_impl.h"
#include "agent/states/words.h"

#define CHANGE_MS (20 * 60 * 1000) /* a mirror may be slow */

void
pkg_observed_clear(void *observed)
{
	struct pkg_observed *o = observed;

	for (size_t i = 0; i < o->n; i++)
		free(o->v[i].version);
	free(o->v);
	free(o->refused);
	strs_clear(&o->also_in);
	strs_clear(&o->also_out);
	*o = (struct pkg_observed){0};
}

struct pkg_seen *
pkg_find(const struct pkg_observed *o, struct slice name)
{
	for (size_t i = 0; i < o->n; i++)
		if (slice_is(name, o->v[i].name))
			return &o->v[i];
	return NULL;
}

/* Fixed words, then names, as an argument vector; the words are borrowed. */
static int
argv_of(const char *const *words, const struct strs *names, const char ***out,
    struct err *e)
{
	const char **argv;
	size_t n = 0, k = 0;

	while (words[n] != NULL)
		n++;
	if ((argv = calloc(n + names->n + 1, sizeof(*argv))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++)
		argv[k++] = words[i];
	for (size_t i = 0; i < names->n; i++)
		argv[k++] = names->v[i];
	*out = argv;
	return 0;
}

/* --- what there is ----------------------------------------------------- */

static int
name_all(const struct pkg_params *p, struct pkg_observed *o, struct err *e)
{
	const struct strs *const lists[] = {&p->present, &p->absent, &p->held};
	const size_t most = p->present.n + p->absent.n + p->held.n;

	if ((o->v = calloc(most + 1, sizeof(*o->v))) == NULL)
		return err_nomem(e);
	o->n = 0;
	for (size_t l = 0; l < 3; l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			if (pkg_find(o, slice_str(lists[l]->v[i])) == NULL)
				o->v[o->n++].name = lists[l]->v[i];
	return 0;
}

/* "hi  NAME VERSION": desired, then actual state. */
static int
read_status(const char *text, struct pkg_observed *o)
{
	struct slice rest = {(const uint8_t *)text, strlen(text)}, line;

	while (state_next_line(&rest, &line)) {
		struct slice state, name, version;
		struct pkg_seen *s;

		if (!state_next_word(&line, &state) || state.n < 2 ||
		    !state_next_word(&line, &name) ||
		    (s = pkg_find(o, name)) == NULL)
			continue;
		s->held = state.p[0] == 'h';
		s->installed = state.p[1] == 'i';
		if (!s->installed || !state_next_word(&line, &version))
			continue;
		free(s->version);
		if ((s->version = str_dupn(version.p, version.n)) == NULL)
			return ERR_NOMEM;
	}
	return 0;
}

int
pkg_query(struct host *h, const struct pkg_params *p, struct pkg_observed *o,
    struct err *e)
{
	static const char *const words[] = {"dpkg-query", "-W",
	    "-f=${db:Status-Abbrev} ${Package} ${Version}\\n", "--", NULL};
	struct strs names = {0};
	struct child_result res = {0};
	const char **argv = NULL;
	int r;

	if ((r = name_all(p, o, e)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < o->n; i++)
		r = strs_add(&names, o->v[i].name);
	if (r != 0 || (r = argv_of(words, &names, &argv, e)) != 0) {
		r = err_nomem(e);
		goto out;
	}
	/* 1: one that nobody has heard of. */
	if ((r = host_run(h, argv, (struct slice){0}, &res, e)) == 0 &&
	    res.status > 1)
		r = err_set(e, ERR_SYS, "dpkg-query fails with status %d",
		    res.status);
	if (r == 0 && read_status(res.out, o) != 0)
		r = err_nomem(e);
out:
	child_result_clear(&res);
	free(argv);
	strs_clear(&names);
	return r;
}

/* --- what would be ----------------------------------------------------- */

/* "Inst NAME ..." and "Remv NAME ..." of apt-get -s, beyond named. */
static int
read_simulation(const char *text, const struct strs *named,
    struct pkg_observed *o)
{
	struct slice rest = {(const uint8_t *)text, strlen(text)}, line;
	int r = 0;

	while (r == 0 && state_next_line(&rest, &line)) {
		struct slice verb, name;
		struct strs *to;
		bool known = false;

		if (!state_next_word(&line, &verb) ||
		    !state_next_word(&line, &name))
			continue;
		if (slice_is(verb, "Inst"))
			to = &o->also_in;
		else if (slice_is(verb, "Remv") || slice_is(verb, "Purg"))
			to = &o->also_out;
		else
			continue;
		for (size_t i = 0; i < named->n; i++)
			known = known || slice_is(name, named->v[i]);
		if (!known)
			r = strs_addn(to, name.p, name.n);
	}
	return r;
}

/* The first line that begins with "E:", else the last one. */
static int
keep_reason(const char *text, struct pkg_observed *o)
{
	struct slice rest = {(const uint8_t *)text, strlen(text)}, line;
	struct slice best = {0};

	while (state_next_line(&rest, &line)) {
		if (line.n > 2 && memcmp(line.p, "E:", 2) == 0) {
			best = line;
			break;
		}
		if (line.n > 0)
			best = line;
	}
	if (o->refused != NULL)
		return 0;
	o->refused = best.n > 0 ? str_dupn(best.p, best.n)
				: strdup("apt-get says nothing");
	return o->refused != NULL ? 0 : ERR_NOMEM;
}

static int
simulate(struct host *h, const char *verb, const struct strs *names,
    struct pkg_observed *o, struct err *e)
{
	const char *const words[] = {
	    "apt-get", "-s", "-q", "--no-install-recommends", verb, "--", NULL};
	struct child_result res = {0};
	const char **argv;
	int r;

	if (names->n == 0)
		return 0;
	if ((r = argv_of(words, names, &argv, e)) != 0)
		return r;
	if ((r = host_run(h, argv, (struct slice){0}, &res, e)) == 0)
		r = res.status == 0 ? read_simulation(res.out, names, o)
				    : keep_reason(res.err_text, o);
	child_result_clear(&res);
	free(argv);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

int
pkg_observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	const struct pkg_params *p = params;
	struct pkg_observed *o = observed;
	struct strs in = {0}, out = {0};
	int r = 0;

	(void)env;
	if (!host_has(h, "apt-get") || !host_has(h, "dpkg-query")) {
		o->missing = true;
		return 0;
	}
	if ((r = pkg_query(h, p, o, e)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < p->present.n; i++)
		if (!pkg_find(o, slice_str(p->present.v[i]))->installed)
			r = strs_add(&in, p->present.v[i]);
	for (size_t i = 0; r == 0 && i < p->absent.n; i++)
		if (pkg_find(o, slice_str(p->absent.v[i]))->installed)
			r = strs_add(&out, p->absent.v[i]);
	if (r != 0)
		r = err_nomem(e);
	else if ((r = simulate(h, "install", &in, o, e)) == 0)
		r = simulate(h, "remove", &out, o, e);
	strs_clear(&in);
	strs_clear(&out);
	return r;
}

/* --- change ------------------------------------------------------------ */

static const char *const apt_words[] = {"env", "DEBIAN_FRONTEND=noninteractive",
    "NEEDRESTART_SUSPEND=1", "apt-get", "-y", "-q", "--no-install-recommends",
    /* Files that somebody has changed stay; another apt is waited for; and
       /tmp may be noexec. */
    "-o", "Dpkg::Options::=--force-confold", "-o", "DPkg::Lock::Timeout=120",
    "-o", "APT::ExtractTemplates::TempDir=/var/cache/debconf"};
#define N_APT_WORDS (sizeof(apt_words) / sizeof(apt_words[0]))

int
pkg_apt(struct host *h, const char *const *verb, const struct strs *names,
    struct err *e)
{
	const char *words[N_APT_WORDS + 5] = {0};
	struct child_result res = {0};
	const char **argv;
	size_t n = 0;
	int r;

	if (strcmp(verb[0], "hold") == 0) {
		words[n++] = "apt-mark";
	} else
		for (size_t i = 0; i < N_APT_WORDS; i++)
			words[n++] = apt_words[i];
	for (size_t i = 0; verb[i] != NULL; i++)
		words[n++] = verb[i];
	words[n++] = "--";
	if ((r = argv_of(words, names, &argv, e)) != 0)
		return r;
	r = host_run_for(h, CHANGE_MS, argv, (struct slice){0}, &res, e);
	if (r == 0 && res.status != 0) {
		struct pkg_observed why = {0};

		r = keep_reason(res.err_text, &why) != 0
		    ? err_nomem(e)
		    : err_set(e, ERR_DENIED, "%s: %s", verb[0], why.refused);
		pkg_observed_clear(&why);
	}
	child_result_clear(&res);
	free(argv);
	return r;
}
