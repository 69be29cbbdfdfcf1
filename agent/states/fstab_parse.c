/* SPDX-License-Identifier: ISC */
/*
 * fstab: parameters.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/fstab_impl.h"
#include "agent/states/words.h"

static bool
check_option(struct conf_in *in, const struct yaml_node *n)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "=_.:%/+-";
	char quoted[QUOTE_MAX];

	if (n->n > 0 && n->n <= 255 && strspn(n->text, allowed) == n->n &&
	    strcmp(n->text, "defaults") != 0)
		return true;
	conf_error(in->diags, n->pos,
	    "%s is no mount option, expected one such as noexec or size=1g",
	    str_quote(quoted, n->text));
	return false;
}

/* A number of bytes as mount(8) takes it, or part of the memory. */
static bool
check_size(struct conf_in *in, const struct yaml_node *n)
{
	size_t digits = strspn(n->text, "0123456789");
	char quoted[QUOTE_MAX];

	if (digits > 0 && digits <= 12 && n->text[0] != '0' &&
	    (n->n == digits ||
		(n->n == digits + 1 && strchr("kmg%", n->text[digits]))))
		return true;
	conf_error(in->diags, n->pos,
	    "'tmpfs' is %s, expected a size such as 512m or 10%%",
	    str_quote(quoted, n->text));
	return false;
}

static const struct conf_key keys[] = {
    {"ensure", state_ensure, offsetof(struct mount_want, absent), false,
	"present or absent", 0, 0, NULL},
    {"options", conf_texts, offsetof(struct mount_want, options), false,
	"a list of mount options", 1, 64, check_option},
    {"tmpfs", conf_text, offsetof(struct mount_want, tmpfs), false,
	"a size such as 512m", 1, 16, check_size},
};

static bool
path_is_valid(const char *s)
{
	if (s[0] != '/' || strlen(s) > FSTAB_PATH_MAX ||
	    strstr(s, "//") != NULL || strstr(s, "/./") != NULL ||
	    strstr(s, "/../") != NULL)
		return false;
	return strcmp(s, "/") == 0 || s[strlen(s) - 1] != '/';
}

/* Two options of a list of which one undoes the other. */
static void
check_pairs(struct conf_in *in, const struct mount_want *w)
{
	for (size_t i = 0; i < w->options.n; i++) {
		const struct mount_flag *f = mount_flag(w->options.v[i]);

		if (f != NULL && strcmp(f->name, f->opposite) < 0 &&
		    strs_has(&w->options, f->opposite))
			conf_error(in->diags, w->pos,
			    "%s is to be both %s and %s", w->path, f->name,
			    f->opposite);
	}
}

static void
read_mount(struct conf_in *in, const struct yaml_pair *pair,
    struct fstab_params *p)
{
	struct mount_want w = {.pos = pair->pos};
	size_t before = in->diags->n_errors;
	char quoted[QUOTE_MAX];

	if (!path_is_valid(pair->key)) {
		conf_error(in->diags, pair->pos,
		    "%s is no mount point, expected an absolute path without "
		    "'.', '..' and a slash at the end",
		    str_quote(quoted, pair->key));
		return;
	}
	conf_map(in, pair->pos, pair->key, pair->value, keys,
	    sizeof(keys) / sizeof(keys[0]), &w);
	w.path = strdup(pair->key);
	if (in->diags->n_errors == before && w.options.n == 0 &&
	    !(w.absent && w.tmpfs != NULL))
		conf_error(in->diags, pair->pos,
		    "%s has no 'options', expected a list of mount options",
		    pair->key);
	if (w.path == NULL ||
	    vec_grow(&p->v, p->n, &p->cap, FSTAB_MOUNTS_MAX) != 0) {
		conf_nomem(in);
		free(w.path);
		free(w.tmpfs);
		strs_clear(&w.options);
		return;
	}
	check_pairs(in, &w);
	p->v[p->n++] = w;
}

static void
read_mounts(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fstab_params *p = field;

	if (!conf_is_map(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		read_mount(in, &n->pairs[i], p);
}

static const struct conf_key top_keys[] = {
    {"mounts", read_mounts, 0, true, "mount points and their options", 1,
	FSTAB_MOUNTS_MAX, NULL},
};

void
fstab_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	conf_map(in, n->pos, "fstab", n, top_keys,
	    sizeof(top_keys) / sizeof(top_keys[0]), params);
}

void
fstab_params_clear(void *params)
{
	struct fstab_params *p = params;

	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].path);
		free(p->v[i].tmpfs);
		strs_clear(&p->v[i].options);
	}
	free(p->v);
	*p = (struct fstab_params){0};
}
