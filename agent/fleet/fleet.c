/* SPDX-License-Identifier: ISC */
/*
 * The files of a fleet: which is which, and each to its tables.
 */
#include "agent/fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "agent/fleet/fleet_impl.h"

#define EXPECTED_FILES                                             \
	"expected fleet.yaml, top.yaml, states/NAME.yaml, pillar/" \
	"NAME.yaml, NAME being 1 to 64 of a-z 0-9 . _ -"

/* --- files ---------------------------------------------------------------- */

/* "states/ssh.yaml" and "states/": the name between, in out. */
static bool
middle_of(const char *path, const char *head, char out[FLEET_NAME_MAX + 1])
{
	size_t n = strlen(path), h = strlen(head), t = strlen(".yaml");

	if (n <= h + t || n - h - t > FLEET_NAME_MAX ||
	    memcmp(path, head, h) != 0 || strcmp(path + n - t, ".yaml") != 0)
		return false;
	memcpy(out, path + h, n - h - t);
	out[n - h - t] = '\0';
	return fleet_name_is_valid(out);
}

/* A copy that lives as long as the fleet. */
static const char *
keep(struct conf_in *in, const char *text)
{
	struct reading *rd = in->ctx;
	struct strs *names = &rd->f->docs->names;

	if (strs_add(names, text) != 0) {
		conf_nomem(in);
		return NULL;
	}
	return names->v[names->n - 1];
}

/* The tree is the fleet's.  False where there is none for what was said. */
static bool
parse_file(struct conf_in *in, const struct policy_file *f,
    const struct yaml_node **root)
{
	struct reading *rd = in->ctx;
	struct fleet_docs *docs = rd->f->docs;
	int r;

	if ((rd->file = keep(in, f->path)) == NULL)
		return false;
	r = yaml_parse(rd->file, slice_of(f->data, f->n), &docs->v[docs->n],
	    in->diags);
	if (r == ERR_NOMEM)
		conf_nomem(in);
	if (r != 0) {
		rd->broken = true;
		return false;
	}
	*root = docs->v[docs->n++].root;
	return true;
}

static void
read_states_file(struct conf_in *in, const struct yaml_node *root,
    const char *name)
{
	struct reading *rd = in->ctx;
	struct fleet_file *file = &rd->f->files[rd->f->n_files];

	if ((file->name = str_dup(name)) == NULL) {
		conf_nomem(in);
		return;
	}
	rd->f->n_files++;
	file->pos = (struct conf_pos){.file = rd->file};
	fleet_read_states(in, root, file);
}

static void
read_pillar_file(struct conf_in *in, const struct yaml_node *root,
    const char *name)
{
	struct reading *rd = in->ctx;
	struct fleet_docs *docs = rd->f->docs;
	struct pillar_file *p = &docs->pillar[docs->n_pillar];

	if (root != NULL && root->kind != YAML_MAP) {
		conf_error(in->diags, root->pos,
		    "a file of pillar that is %s, expected a mapping",
		    yaml_kind_name(root));
		return;
	}
	if ((p->name = keep(in, name)) == NULL)
		return;
	p->root = root;
	p->pos = (struct conf_pos){.file = rd->file};
	docs->n_pillar++;
}

static void
read_file(struct conf_in *in, const struct policy_file *f)
{
	char name[FLEET_NAME_MAX + 1], quoted[QUOTE_MAX];
	const struct yaml_node *root = NULL;
	bool states = middle_of(f->path, "states/", name);
	bool pillar = !states && middle_of(f->path, "pillar/", name);

	if (!states && !pillar && strcmp(f->path, "fleet.yaml") != 0 &&
	    strcmp(f->path, "top.yaml") != 0) {
		conf_error(in->diags, (struct conf_pos){0},
		    "%s is not a file of a fleet, " EXPECTED_FILES,
		    str_quote(quoted, f->path));
		return;
	}
	if (!parse_file(in, f, &root))
		return;
	if (states)
		read_states_file(in, root, name);
	else if (pillar)
		read_pillar_file(in, root, name);
	else if (strcmp(f->path, "fleet.yaml") == 0)
		fleet_read_fleet(in, root);
	else
		fleet_read_top(in, root);
}

static int
by_file_name(const void *a, const void *b)
{
	const struct fleet_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
by_pillar_name(const void *a, const void *b)
{
	const struct pillar_file *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
read_files(struct conf_in *in, const struct policy_files *files)
{
	static const char *const needed[] = {"fleet.yaml", "top.yaml"};
	struct reading *rd = in->ctx;
	struct fleet *f = rd->f;

	for (size_t i = 0; i < FLEET_COUNT(needed); i++) {
		if (policy_files_find(files, needed[i]) != NULL)
			continue;
		conf_error(in->diags, (struct conf_pos){.file = needed[i]},
		    "no such file, expected one in every fleet");
		rd->broken = true;
	}
	for (size_t i = 0; i < files->n; i++) {
		if (i > 0 &&
		    strcmp(files->v[i - 1].path, files->v[i].path) >= 0) {
			conf_error(in->diags, (struct conf_pos){0},
			    "files of a fleet, expected them sorted by path "
			    "and each once");
			rd->broken = true;
			return;
		}
		read_file(in, &files->v[i]);
	}
	if (f->n_files > 0)
		qsort(f->files, f->n_files, sizeof(*f->files), by_file_name);
	if (f->docs->n_pillar > 0)
		qsort(f->docs->pillar, f->docs->n_pillar,
		    sizeof(*f->docs->pillar), by_pillar_name);
}

/* --- the whole ------------------------------------------------------------ */

static struct fleet *
new_fleet(size_t n_files)
{
	struct fleet *f = calloc(1, sizeof(*f));

	if (f == NULL || (f->docs = calloc(1, sizeof(*f->docs))) == NULL)
		goto fail;
	f->docs->v = calloc(n_files + 1, sizeof(*f->docs->v));
	f->docs->pillar = calloc(n_files + 1, sizeof(*f->docs->pillar));
	f->files = calloc(n_files + 1, sizeof(*f->files));
	if (f->docs->v == NULL || f->docs->pillar == NULL || f->files == NULL)
		goto fail;
	f->interval = INT64_C(30) * 60;
	f->splay = INT64_C(10) * 60;
	f->confirm_within = 60;
	return f;
fail:
	fleet_free(f);
	return NULL;
}

int
fleet_parse(const struct policy_files *files, unsigned flags,
    struct fleet **out, struct conf_diags *diags)
{
	struct reading rd = {0};
	struct conf_in in = {.diags = diags, .ctx = &rd};
	size_t errors_before = diags->n_errors;
	int r = ERR_NOMEM;

	if ((rd.f = new_fleet(files->n)) == NULL)
		goto out;
	rd.f->docs->some_pillar = (flags & FLEET_SOME_PILLAR) != 0;
	read_files(&in, files);
	/* What a broken file would have said is not missing elsewhere. */
	if (!diags->failed && !rd.broken)
		fleet_link(&in);
	if (diags->failed)
		goto out;
	r = ERR_PARSE;
	if (diags->n_errors > errors_before)
		goto out;
	*out = rd.f;
	rd.f = NULL;
	r = 0;
out:
	free(rd.refs);
	fleet_free(rd.f);
	return r;
}

static void
free_top(struct fleet_top *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		expr_free(v[i].match);
		strs_clear(&v[i].names);
	}
	free(v);
}

static void
free_docs(struct fleet_docs *docs)
{
	if (docs == NULL)
		return;
	for (size_t i = 0; docs->v != NULL && i < docs->n; i++)
		yaml_doc_clear(&docs->v[i]);
	free(docs->v);
	free(docs->pillar);
	strs_clear(&docs->names);
	free(docs);
}

void
fleet_free(struct fleet *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n_masters; i++) {
		free(f->masters[i].address);
		free(f->masters[i].key);
	}
	free(f->masters);
	for (size_t i = 0; i < f->n_roles; i++) {
		free(f->roles[i].name);
		strs_clear(&f->roles[i].hosts);
	}
	free(f->roles);
	free_top(f->states, f->n_states);
	free_top(f->pillar, f->n_pillar);
	for (size_t i = 0; i < f->n_files; i++) {
		for (size_t j = 0; j < f->files[i].n_states; j++)
			fleet_state_clear(&f->files[i].states[j]);
		free(f->files[i].states);
		strs_clear(&f->files[i].include);
		free(f->files[i].name);
	}
	free(f->files);
	free_docs(f->docs);
	free(f);
}

/* --- lookups -------------------------------------------------------------- */

const struct fleet_file *
fleet_file(const struct fleet *f, const char *name)
{
	const struct fleet_file key = {.name = (char *)(uintptr_t)name};

	return f->n_files == 0
	    ? NULL
	    : bsearch(&key, f->files, f->n_files, sizeof(key), by_file_name);
}

const struct pillar_file *
fleet_pillar_file(const struct fleet *f, const char *name)
{
	const struct pillar_file key = {.name = name};

	return f->docs->n_pillar == 0
	    ? NULL
	    : bsearch(&key, f->docs->pillar, f->docs->n_pillar, sizeof(key),
		  by_pillar_name);
}

const struct yaml_node *
fleet_pillar(const struct fleet *f, const char *name)
{
	const struct pillar_file *p = fleet_pillar_file(f, name);

	return p != NULL ? p->root : NULL;
}

bool
fleet_pillar_at(const struct fleet *f, size_t i, const char **name,
    const struct yaml_node **root)
{
	if (i >= f->docs->n_pillar)
		return false;
	*name = f->docs->pillar[i].name;
	*root = f->docs->pillar[i].root;
	return true;
}

int
fleet_roles(const struct fleet *f, const char *host_id, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; i < f->n_roles && r == 0; i++) {
		const struct fleet_role *role = &f->roles[i];

		for (size_t j = 0; j < role->hosts.n; j++)
			if (expr_glob(role->hosts.v[j], host_id)) {
				if (!strs_has(out, role->name))
					r = strs_add(out, role->name);
				break;
			}
	}
	if (r == 0 && out->n > 1)
		strs_sort(out);
	return r;
}

int
fleet_pillar_files(const struct fleet *f, const char *host_id,
    const struct strs *roles, struct strs *out)
{
	const struct expr_host h = {.id = host_id, .roles = roles};
	int r = 0;

	for (size_t i = 0; i < f->n_pillar && r == 0; i++) {
		const struct fleet_top *t = &f->pillar[i];

		if (!expr_match(t->match, &h))
			continue;
		for (size_t j = 0; j < t->names.n && r == 0; j++)
			if (!strs_has(out, t->names.v[j]))
				r = strs_add(out, t->names.v[j]);
	}
	return r;
}

static int
each_of_state(const struct fleet_state *s,
    int (*fn)(void *ctx, const struct expr *x, struct conf_pos pos), void *ctx)
{
	int r = 0;

	if (s->when != NULL)
		r = fn(ctx, s->when, s->when_pos);
	for (size_t i = 0; i < s->n_exceptions && r == 0; i++)
		if (s->exceptions[i].match != NULL)
			r = fn(ctx, s->exceptions[i].match,
			    s->exceptions[i].pos);
	return r;
}

int
fleet_each_expr(const struct fleet *f,
    int (*fn)(void *ctx, const struct expr *x, struct conf_pos pos), void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < f->n_states && r == 0; i++)
		if (f->states[i].match != NULL)
			r = fn(ctx, f->states[i].match, f->states[i].pos);
	for (size_t i = 0; i < f->n_pillar && r == 0; i++)
		if (f->pillar[i].match != NULL)
			r = fn(ctx, f->pillar[i].match, f->pillar[i].pos);
	for (size_t i = 0; i < f->n_files && r == 0; i++)
		for (size_t j = 0; j < f->files[i].n_states && r == 0; j++)
			r = each_of_state(&f->files[i].states[j], fn, ctx);
	return r;
}
