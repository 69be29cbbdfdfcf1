/* SPDX-License-Identifier: ISC */
#include "agent/states/verified.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"

#define FILE_BYTES (1024 * 1024)

void
verified_clear(struct verified *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->v[i].id);
	free(k->v);
	*k = (struct verified){0};
}

/* A file's text; "" where it is not there or too large to be ours. */
static int
read_text(const char *dir, const char *name, char **out, struct err *e)
{
	struct err why = {0};
	char *path;
	size_t n;
	int r;

	if (path_join(dir, name, &path) != 0)
		return err_nomem(e);
	r = file_read(path, FILE_BYTES, out, &n, &why);
	if (r == ERR_NOTFOUND || r == ERR_LIMIT)
		r = (*out = str_dup("")) != NULL ? 0 : err_nomem(e);
	else if (r != 0 && e != NULL)
		*e = why;
	free(path);
	return r;
}

static int
write_text(const char *dir, const char *name, const struct str *s,
    unsigned flags, struct err *e)
{
	char *path;
	int r;

	if (str_check(s) != 0 || path_join(dir, name, &path) != 0)
		return err_nomem(e);
	r = file_write(path, s->p, s->n, 0600, flags, e);
	free(path);
	return r;
}

/* The next word of a line, ended in place; NULL where there is none. */
static char *
word(char **p)
{
	char *start = *p, *end;

	if (start == NULL || *start == '\0')
		return NULL;
	end = strchr(start, ' ');
	if (end != NULL)
		*end++ = '\0';
	*p = end;
	return start;
}

/* The next line, ended in place. */
static char *
line(char **p)
{
	char *start = *p, *end;

	if ((end = strchr(start, '\n')) == NULL)
		return NULL; /* the last is whole, or not ours */
	*end = '\0';
	*p = end + 1;
	return start;
}

int
verified_read(const char *dir, struct verified *out, struct err *e)
{
	struct verified k = {0};
	char *text, *at, *one;
	int r;

	if ((r = read_text(dir, "verified", &text, e)) != 0)
		return r;
	for (at = text; r == 0 && (one = line(&at)) != NULL;) {
		const char *id = word(&one), *want = word(&one),
			   *signs = word(&one);
		struct hash w, s;

		if (signs != NULL && hash_from_hex(want, &w) == 0 &&
		    hash_from_hex(signs, &s) == 0)
			r = verified_set(&k, id, &w, &s);
	}
	free(text);
	k.changed = false;
	if (r != 0) {
		verified_clear(&k);
		return err_nomem(e);
	}
	*out = k;
	return 0;
}

int
verified_write(const struct verified *k, const char *dir, struct err *e)
{
	char want[HASH_HEX], signs[HASH_HEX];
	struct str s = STR_INIT;
	int r;

	for (size_t i = 0; i < k->n; i++) {
		hash_hex(&k->v[i].want, want);
		hash_hex(&k->v[i].signs, signs);
		str_addf(&s, "%s %s %s\n", k->v[i].id, want, signs);
	}
	/* Lost in a crash it is observed again. */
	r = write_text(dir, "verified", &s, FILE_NOSYNC, e);
	str_clear(&s);
	return r;
}

static void
add(struct str *s, struct slice part)
{
	str_addf(s, "%zu:", part.n);
	str_addn(s, (const char *)part.p, part.n);
}

static void
add_text(struct str *s, const char *text)
{
	add(s, slice_str(text != NULL ? text : ""));
}

void
verified_want(const struct state *s, const struct state_env *env,
    struct hash *out)
{
	struct str all = STR_INIT;

	add_text(&all, s->ops->name);
	add_text(&all, s->text);
	add_text(&all, env->host_id);
	if (env->policy != NULL)
		add(&all, slice_of(env->policy->hash.b, HASH_LEN));
	str_addf(&all, "krl %" PRIu64 " ", env->krl_version);
	add(&all, env->host_cert);
	for (size_t i = 0;
	     env->master_addresses != NULL && i < env->master_addresses->n; i++)
		add_text(&all, env->master_addresses->v[i]);
	add_text(&all, env->operator_account);
	add_text(&all, env->operator_address);
	add_text(&all, env->operator_principal);
	/* Out of memory gives a hash of its own, which nothing has. */
	hash_sha256(all.p, all.n, out);
	if (all.failed)
		memset(out->b, 0, sizeof(out->b));
	str_clear(&all);
}

static struct verified_line *
find(const struct verified *k, const char *id)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->v[i].id, id) == 0)
			return &k->v[i];
	return NULL;
}

bool
verified_has(const struct verified *k, const char *id, const struct hash *want,
    const struct hash *signs)
{
	const struct verified_line *l = find(k, id);

	return l != NULL && hash_equal(&l->want, want) &&
	    hash_equal(&l->signs, signs);
}

int
verified_set(struct verified *k, const char *id, const struct hash *want,
    const struct hash *signs)
{
	struct verified_line *l = find(k, id), one = {0};
	int r;

	if (signs == NULL) {
		if (l == NULL)
			return 0;
		free(l->id);
		*l = k->v[--k->n];
		k->changed = true;
		return 0;
	}
	if (l == NULL) {
		if ((one.id = str_dup(id)) == NULL)
			return ERR_NOMEM;
		if ((r = vec_grow(&k->v, k->n, &k->cap, FILE_BYTES)) != 0) {
			free(one.id);
			return r;
		}
		k->v[k->n] = one;
		l = &k->v[k->n++];
		k->changed = true;
	}
	k->changed = k->changed || !hash_equal(&l->want, want) ||
	    !hash_equal(&l->signs, signs);
	l->want = *want;
	l->signs = *signs;
	return 0;
}

/* A line of the history within the time that counts? */
static bool
history_line(char *one, int64_t now, const char **id, struct hash *plan)
{
	const char *at = word(&one), *hex;
	uint64_t t;

	*id = word(&one);
	hex = word(&one);
	return hex != NULL && parse_u64(at, 0, CLOCK_MAX, &t) == 0 &&
	    (int64_t)t <= now && now - (int64_t)t < FOUGHT_SECS &&
	    hash_from_hex(hex, plan) == 0;
}

int
history_count(const char *dir, const char *id, const struct hash *plan,
    int64_t now, unsigned *out, struct err *e)
{
	char *text, *at, *one;
	const char *whose;
	unsigned n = 0;
	struct hash h;
	int r;

	if ((r = read_text(dir, "history", &text, e)) != 0)
		return r;
	for (at = text; (one = line(&at)) != NULL;)
		n += history_line(one, now, &whose, &h) &&
		    strcmp(whose, id) == 0 && hash_equal(&h, plan);
	free(text);
	*out = n;
	return 0;
}

static void
add_line(struct str *s, int64_t at, const char *id, const struct hash *plan)
{
	char hex[HASH_HEX];

	hash_hex(plan, hex);
	str_addf(s, "%" PRId64 " %s %s\n", at, id, hex);
}

int
history_add(const char *dir, const char *id, const struct hash *plan,
    int64_t now, struct err *e)
{
	char *text, *at, *one, copy[CLOCK_TEXT + ID_MAX + HASH_HEX + 8];
	struct str s = STR_INIT;
	const char *whose;
	struct hash h;
	int r, n = 0;

	if ((r = read_text(dir, "history", &text, e)) != 0)
		return r;
	add_line(&s, now, id, plan);
	/* Newest first; what counts no more is left out. */
	for (at = text; n < HISTORY_MAX && (one = line(&at)) != NULL; n++) {
		if (strlen(one) >= sizeof(copy))
			continue;
		memcpy(copy, one, strlen(one) + 1);
		if (history_line(one, now, &whose, &h))
			str_addf(&s, "%s\n", copy);
	}
	free(text);
	r = write_text(dir, "history", &s, 0, e);
	str_clear(&s);
	return r;
}
