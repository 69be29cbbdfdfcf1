/* SPDX-License-Identifier: ISC */
/*
 * pam_limits: what a host has - our file, the lines of others that count more,
 * and the limits of real sessions.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/limits_impl.h"
#include "agent/states/words.h"

int
limits_files(struct host *h, struct strs *out, struct err *e)
{
	struct strs names = {0};
	char *path = NULL;
	int r;

	if ((r = strs_add(out, MAIN_PATH)) != 0 ||
	    ((r = host_list(h, DIR_PATH, &names, e)) != 0 && r != ERR_NOTFOUND))
		goto out;
	r = 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		size_t len = strlen(names.v[i]);
		struct str s = STR_INIT;

		if (len < 5 || strcmp(names.v[i] + len - 5, ".conf") != 0)
			continue;
		str_addf(&s, DIR_PATH "/%s", names.v[i]);
		if ((r = str_take(&s, &path)) == 0)
			r = strs_add(out, path);
		free(path);
		path = NULL;
	}
out:
	strs_clear(&names);
	return r;
}

/* What a foreign line means for one limit of ours. */
static int
weigh(struct observed *o, const struct limit *l, const struct limit_line *f,
    const char *path, bool later)
{
	const struct slice own = {
	    (const uint8_t *)l->domain, strlen(l->domain)};
	struct str s = STR_INIT;
	char *text;
	int r = 0;

	if (!slice_is(f->item, l->item->name) || (f->type & l->type) == 0)
		return 0;
	if (later && slice_is(f->domain, l->domain)) {
		if (o->later != NULL)
			return 0;
		str_addf(&s, "%s:%u sets the %s of %s after us", path, f->line,
		    l->item->name, l->domain);
		return str_take(&s, &o->later);
	}
	if (limit_rank(f->domain) <= limit_rank(own) ||
	    strcmp(l->domain, "root") == 0)
		return 0;
	str_addf(&s, "%s:%u: %.*s keeps a %s of its own, %.*s", path, f->line,
	    (int)f->domain.n, (const char *)f->domain.p, l->item->name,
	    (int)f->value.n, (const char *)f->value.p);
	if ((r = str_take(&s, &text)) == 0) {
		r = strs_has(&o->notes, text) ? 0 : strs_add(&o->notes, text);
		free(text);
	}
	return r;
}

static int
weigh_file(struct host *h, const struct params *p, const char *path,
    struct observed *o, struct err *e)
{
	const bool later = strcmp(path, OWN) > 0 &&
	    strncmp(path, DIR_PATH, strlen(DIR_PATH)) == 0 &&
	    path[strlen(DIR_PATH)] == '/';
	struct limit_line line;
	struct slice rest;
	unsigned at = 0;
	char *text;
	size_t n;
	int r;

	if ((r = state_read(h, path, &text, &n, e)) != 0)
		return r;
	rest = (struct slice){(const uint8_t *)text, n};
	while (r == 0 && limit_next(&rest, &at, &line))
		for (size_t i = 0; r == 0 && i < p->n; i++)
			r = weigh(o, &p->v[i], &line, path, later);
	free(text);
	return r;
}

/* "users:x:100:alice,bob": the first member, or NULL where there is none. */
static int
first_member(struct host *h, const char *group, char **out, struct err *e)
{
	const char *argv[] = {"getent", "group", group, NULL};
	struct child_result res = {0};
	const char *at;
	size_t n;
	int r;

	*out = NULL;
	if ((r = host_run(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	at = res.status == 0 ? strrchr(res.out, ':') : NULL;
	n = at != NULL ? strcspn(at + 1, ",\n") : 0;
	if (n > 0 && (*out = str_dupn(at + 1, n)) == NULL)
		r = ERR_NOMEM;
	child_result_clear(&res);
	return r;
}

static int
user_exists(struct host *h, const char *user, char **out, struct err *e)
{
	const char *argv[] = {"getent", "passwd", user, NULL};
	struct child_result res = {0};
	int r;

	*out = NULL;
	if ((r = host_run(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	if (res.status == 0 && (*out = strdup(user)) == NULL)
		r = ERR_NOMEM;
	child_result_clear(&res);
	return r;
}

static int
who_shows(struct host *h, const struct limit *l, char **out, struct err *e)
{
	if (strcmp(l->domain, "*") == 0)
		return user_exists(h, ANYBODY, out, e);
	if (l->domain[0] == '@' || l->domain[0] == '%')
		return first_member(h, l->domain + 1, out, e);
	return user_exists(h, l->domain, out, e);
}

/* The limits of a session of that user; a session that does not come about
 * (all processes used up) shows nothing. */
static int
session_of(struct host *h, struct seen *s, struct err *e)
{
	const char *argv[] = {"runuser", "-u", s->user, "--", "prlimit",
	    "--raw", "--noheadings", "--output=RESOURCE,SOFT,HARD", NULL};
	struct child_result res = {0};
	int r;

	if ((r = host_run(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	if (res.status == 0 && (s->values = strdup(res.out)) == NULL)
		r = ERR_NOMEM;
	child_result_clear(&res);
	return r;
}

/* Does runuser's session go through pam_limits here at all? */
static int
can_show(struct host *h, bool *out, struct err *e)
{
	char *text;
	size_t n;
	int r;

	*out = false;
	if (!host_has(h, "runuser") || !host_has(h, "prlimit") ||
	    !host_has(h, "getent"))
		return 0;
	if ((r = state_read(h, PAM_PATH, &text, &n, e)) != 0)
		return r;
	*out = text != NULL && strstr(text, "pam_limits.so") != NULL;
	free(text);
	return 0;
}

static int
see_effects(struct host *h, const struct params *p, struct observed *o,
    struct err *e)
{
	bool can;
	int r;

	if ((r = can_show(h, &can, e)) != 0 || !can)
		return r;
	if ((o->seen = calloc(p->n + 1, sizeof(*o->seen))) == NULL)
		return err_nomem(e);
	o->n_seen = p->n;
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct seen *s = &o->seen[i];

		if (p->v[i].item->resource == NULL)
			continue;
		if ((r = who_shows(h, &p->v[i], &s->user, e)) == 0 &&
		    s->user != NULL)
			r = session_of(h, s, e);
	}
	return r;
}

int
limits_observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	const struct params *p = params;
	struct observed *o = observed;
	struct strs files = {0};
	struct str want = STR_INIT;
	int r;

	(void)env;
	if ((r = state_read(h, OWN, &o->text, &o->n, e)) != 0 ||
	    (o->text != NULL && (r = host_stat(h, OWN, &o->st, e)) != 0) ||
	    p->absent || (r = limits_files(h, &files, e)) != 0)
		goto out;
	for (size_t i = 0; r == 0 && i < files.n; i++)
		if (strcmp(files.v[i], OWN) != 0)
			r = weigh_file(h, p, files.v[i], o, e);
	/* A session shows something only once our file is in place. */
	if (r == 0 && (r = limits_text(p, &want)) == 0 && o->text != NULL &&
	    strcmp(o->text, want.p) == 0)
		r = see_effects(h, p, o, e);
out:
	str_clear(&want);
	strs_clear(&files);
	return r;
}

void
limits_observed_clear(void *observed)
{
	struct observed *o = observed;

	for (size_t i = 0; i < o->n_seen; i++) {
		free(o->seen[i].user);
		free(o->seen[i].values);
	}
	free(o->seen);
	free(o->text);
	free(o->later);
	strs_clear(&o->notes);
	*o = (struct observed){0};
}
