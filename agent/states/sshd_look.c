/* SPDX-License-Identifier: ISC */
/*
 * Asking sshd.
 */
#include "agent/states/sshd_look.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DUMP_KEYS_MAX 1024

void
sshd_dump_clear(struct sshd_dump *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].key);
		strs_clear(&d->v[i].values);
	}
	free(d->v);
	*d = (struct sshd_dump){0};
}

static struct sshd_dump_line *
find(const struct sshd_dump *d, const char *key)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcasecmp(d->v[i].key, key) == 0)
			return &d->v[i];
	return NULL;
}

const struct strs *
sshd_dump_get(const struct sshd_dump *d, const char *key)
{
	static const struct strs none;
	const struct sshd_dump_line *l = find(d, key);

	return l != NULL ? &l->values : &none;
}

const char *
sshd_dump_one(const struct sshd_dump *d, const char *key, const char *dflt)
{
	const struct strs *l = sshd_dump_get(d, key);

	return l->n > 0 ? l->v[0] : dflt;
}

bool
sshd_dump_yes(const struct sshd_dump *d, const char *key)
{
	return strcmp(sshd_dump_one(d, key, "no"), "yes") == 0;
}

static int
dump_add(struct sshd_dump *d, const char *line, size_t n)
{
	size_t key_n = 0;
	struct sshd_dump_line *l;
	char *key;
	int r;

	while (key_n < n && line[key_n] != ' ')
		key_n++;
	if ((key = str_dupn(line, key_n)) == NULL)
		return ERR_NOMEM;
	if ((l = find(d, key)) == NULL) {
		if ((r = vec_grow(&d->v, d->n, &d->cap, DUMP_KEYS_MAX)) != 0) {
			free(key);
			return r;
		}
		l = &d->v[d->n++];
		*l = (struct sshd_dump_line){.key = key};
		key = NULL;
	}
	free(key);
	key_n += key_n < n;
	return strs_addn(&l->values, line + key_n, n - key_n);
}

int
sshd_dump_parse(const char *text, struct sshd_dump *out)
{
	struct sshd_dump d = {0};
	int r = 0;

	while (r == 0 && *text != '\0') {
		size_t n = strcspn(text, "\n");

		if (n > 0)
			r = dump_add(&d, text, n);
		text += n + (text[n] == '\n');
	}
	if (r != 0) {
		sshd_dump_clear(&d);
		return r;
	}
	*out = d;
	return 0;
}

void
sshd_seen_clear(struct sshd_seen *s)
{
	for (size_t i = 0; i < s->n_classes; i++)
		sshd_class_clear(&s->classes[i]);
	free(s->classes);
	free(s->version_text);
	free(s->broken);
	strs_clear(&s->unknown);
	strs_clear(&s->options);
	sshd_tree_clear(&s->tree);
	*s = (struct sshd_seen){0};
}

/* What sshd said, as one line. */
static int
one_line(const char *text, char **out)
{
	struct str s = STR_INIT;

	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "\r\n");

		if (n > 0 && s.n > 0)
			str_add(&s, "; ");
		str_addn(&s, p, n);
		p += n + strspn(p + n, "\r\n");
	}
	return str_take(&s, out);
}

int
sshd_ask(struct host *h, struct sshd_class *c, char **said, struct err *e)
{
	struct child_result got = {0};
	struct str spec = STR_INIT;
	int r;

	/* Commas end a value there, and nothing can be quoted. */
	str_addf(&spec, "user=%s,host=%s,addr=%s,laddr=%s,lport=%s", c->user,
	    c->host, c->address, c->local_address, c->local_port);
	if ((r = str_check(&spec)) != 0)
		r = err_nomem(e);
	else if ((r = sshd_run(h, spec.p, &got, e)) == 0) {
		sshd_dump_clear(&c->dump);
		if (got.status == 0)
			r = sshd_dump_parse(got.out, &c->dump);
		else if ((r = one_line(got.err_text, said)) == 0)
			r = 1;
		if (r < 0)
			(void)err_nomem(e);
	}
	child_result_clear(&got);
	str_clear(&spec);
	return r;
}

/* "OpenSSH_9.2p1 Debian-...": every release says it with its usage.
 * ERR_NOTFOUND: there is no sshd. */
static int
look_version(struct host *h, struct sshd_seen *s, struct err *e)
{
	const char *const argv[] = {"sshd", "-?", NULL};
	struct child_result got = {0};
	const char *at;
	unsigned major = 0, minor = 0;
	int r;

	if ((r = host_run(h, argv, slice_str(""), &got, e)) != 0)
		return r;
	if ((at = strstr(got.err_text, "OpenSSH_")) != NULL) {
		s->version_text = str_dupn(at, strcspn(at, " ,\n"));
		for (at += 8; isdigit((unsigned char)*at) && major < 1000; at++)
			major = major * 10 + (unsigned)(*at - '0');
		if (*at == '.')
			for (at++; isdigit((unsigned char)*at) && minor < 1000;
			     at++)
				minor = minor * 10 + (unsigned)(*at - '0');
		s->version = major * 100 + minor;
		if (s->version_text == NULL)
			r = err_nomem(e);
	}
	child_result_clear(&got);
	return r;
}

/* c's memory moves, or is freed. */
static int
add_class(struct sshd_seen *s, struct sshd_class *c, struct err *e)
{
	int r = vec_grow(&s->classes, s->n_classes, &s->cap_classes,
	    SSHD_CLASSES_MAX);

	if (r == 0) {
		s->classes[s->n_classes++] = *c;
		return 0;
	}
	sshd_class_clear(c);
	return r == ERR_LIMIT
	    ? err_set(e, r, "more than %d Match blocks to look at",
		  SSHD_CLASSES_MAX)
	    : err_nomem(e);
}

static bool
has_class(const struct sshd_seen *s, const char *name)
{
	for (size_t i = 0; i < s->n_classes; i++)
		if (strcmp(s->classes[i].name, name) == 0)
			return true;
	return false;
}

static int
add_of(struct host *h, struct sshd_seen *s, const char *name, const char *user,
    const char *address, struct err *e)
{
	struct sshd_class c = {0};
	int r = sshd_class_of(h, name, user, address, &c, e);

	return r == 0 ? add_class(s, &c, e) : r;
}

static int
add_when(struct host *h, struct sshd_seen *s, const struct strs *when,
    struct err *e)
{
	struct sshd_class c = {0};
	int r;

	/* "Match all", our own first, is everybody. */
	if (when->n == 1 && strcasecmp(when->v[0], "all") == 0)
		return 0;
	if ((r = sshd_class_for(h, when, &c, e)) != 0)
		return r;
	if (has_class(s, c.name)) {
		sshd_class_clear(&c);
		return 0;
	}
	return add_class(s, &c, e);
}

static int
add_classes(struct host *h, const struct state_env *env,
    struct sshd_whens whens, struct sshd_seen *s, struct err *e)
{
	int r;

	if ((r = add_of(h, s, "everybody", "nobody", NULL, e)) != 0 ||
	    (r = add_of(h, s, "root", "root", NULL, e)) != 0)
		return r;
	if (env->operator_account != NULL)
		r = add_of(h, s, "the operator", env->operator_account,
		    env->operator_address, e);
	for (size_t i = 0; r == 0 && i < whens.n; i++)
		r = add_when(h, s, whens.v[i], e);
	for (size_t i = 0; r == 0 && i < s->tree.n_matches; i++)
		r = add_when(h, s, &s->tree.matches[i].when, e);
	return r;
}

int
sshd_make_run(struct host *h, struct err *e)
{
	const char *const argv[] = {"mkdir", "-m", "0755", "/run/sshd", NULL};
	struct host_stat st;
	int r = host_stat(h, "/run/sshd", &st, e);

	return r == ERR_NOTFOUND ? host_run_ok(h, argv, slice_str(""), NULL, e)
				 : r;
}

int
sshd_look(struct host *h, const struct state_env *env, const char *own,
    struct sshd_whens whens, struct sshd_seen *out, struct err *e)
{
	struct sshd_seen s = {0};
	struct err why = {0};
	int r;

	if ((r = sshd_tree_read(h, own, &s.tree, e)) == 0 && !s.tree.absent)
		r = host_stat(h, SSHD_MAIN, &s.main_st, e);
	if (r == 0)
		r = look_version(h, &s, &why);
	s.installed = r == 0;
	if (r == ERR_NOTFOUND && why.code == r)
		r = 0;
	else if (why.code != 0)
		(void)err_set(e, r, "%s", why.msg);
	if (r == 0)
		r = sshd_options(h, &s.options, e);
	if (r == 0 && s.installed && !s.tree.absent &&
	    (r = sshd_make_run(h, e)) == 0)
		r = add_classes(h, env, whens, &s, e);
	for (size_t i = 0; r == 0 && s.broken == NULL && i < s.n_classes; i++)
		if (s.classes[i].not_asked == NULL &&
		    (r = sshd_ask(h, &s.classes[i], &s.broken, e)) == 1)
			r = 0;
	if (r != 0) {
		sshd_seen_clear(&s);
		return r;
	}
	*out = s;
	return 0;
}
