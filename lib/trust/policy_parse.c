/* SPDX-License-Identifier: ISC */
/*
 * The files of a policy: which is which, and each to its tables.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

#define EXPECTED_FILES                                                    \
	"expected root.yaml, ca.yaml, audit.yaml, people/PERSON.yaml or " \
	"authorities/NAME.pub"

bool
policy_name_is_valid(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= POLICY_NAME_MAX && s[0] != '.' && s[0] != '-' &&
	    s[0] != '_' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

bool
policy_check_name(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (policy_name_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "%s is not a name, expected 1 to %d of a-z 0-9 . _ - that start "
	    "with a letter or digit",
	    str_quote(quoted, n->text), POLICY_NAME_MAX);
	return false;
}

void
policy_add_ref_at(struct conf_in *in, enum ref_kind kind, const char *name,
    struct conf_pos pos)
{
	struct reading *rd = in->ctx;

	if (vec_grow(&rd->refs, rd->n_refs, &rd->cap_refs, STRS_MAX) != 0) {
		conf_nomem(in);
		return;
	}
	rd->refs[rd->n_refs++] =
	    (struct ref){.kind = kind, .name = name, .pos = pos};
}

void
policy_add_ref(struct conf_in *in, enum ref_kind kind,
    const struct yaml_node *n)
{
	policy_add_ref_at(in, kind, n->text, n->pos);
}

/*
 * "people/alice@example.com.yaml" and "people/", ".yaml": the part between, in
 * out, which holds ID_MAX + 1.
 */
static bool
middle_of(const char *path, const char *head, const char *tail, char *out)
{
	size_t n = strlen(path), h = strlen(head), t = strlen(tail);

	if (n <= h + t || n - h - t > ID_MAX || memcmp(path, head, h) != 0 ||
	    strcmp(path + n - t, tail) != 0)
		return false;
	memcpy(out, path + h, n - h - t);
	out[n - h - t] = '\0';
	return true;
}

/* The name of a file, kept as long as the policy for those who point at it. */
static const char *
keep_name(struct conf_in *in, const char *path)
{
	struct reading *rd = in->ctx;
	struct strs *files = &rd->p->index->files;

	if (strs_add(files, path) != 0) {
		conf_nomem(in);
		return NULL;
	}
	return files->v[files->n - 1];
}

static bool
parse_file(struct conf_in *in, const struct policy_file *f,
    struct yaml_doc *doc)
{
	struct reading *rd = in->ctx;
	int r;

	if ((rd->file = keep_name(in, f->path)) == NULL)
		return false;
	r = yaml_parse(rd->file, slice_of(f->data, f->n), doc, in->diags);
	if (r == ERR_NOMEM)
		conf_nomem(in);
	if (r != 0)
		rd->broken = true;
	return r == 0;
}

static void
read_person_file(struct conf_in *in, const struct policy_file *f,
    const char *id)
{
	struct reading *rd = in->ctx;
	struct yaml_doc doc = {0};

	if (!parse_file(in, f, &doc))
		return;
	policy_read_person(in, AS_MEMBER, id,
	    (struct conf_pos){.file = rd->file, .line = 1, .col = 1}, doc.root);
	yaml_doc_clear(&doc);
}

static void
read_root(struct conf_in *in, const struct policy_file *f)
{
	struct reading *rd = in->ctx;
	struct yaml_doc doc = {0};

	hash_sha256(f->data, f->n, &rd->p->root_hash);
	if (!parse_file(in, f, &doc))
		return;
	policy_read_root(in, doc.root);
	yaml_doc_clear(&doc);
}

static void
read_file(struct conf_in *in, const struct policy_file *f)
{
	struct reading *rd = in->ctx;
	struct yaml_doc doc = {0};
	char name[ID_MAX + 1], quoted[QUOTE_MAX];

	if (strcmp(f->path, "root.yaml") == 0) {
		read_root(in, f);
	} else if (strcmp(f->path, "ca.yaml") == 0) {
		if (parse_file(in, f, &rd->ca))
			policy_read_ca(in, rd->ca.root);
	} else if (strcmp(f->path, "audit.yaml") == 0) {
		/* All in comments is no exceptions. */
		if (parse_file(in, f, &doc) && doc.root != NULL)
			policy_read_audit(in, doc.root);
		yaml_doc_clear(&doc);
	} else if (middle_of(f->path, "people/", ".yaml", name) &&
	    id_is_valid(name)) {
		read_person_file(in, f, name);
	} else if (!middle_of(f->path, "authorities/", ".pub", name) ||
	    !policy_name_is_valid(name)) {
		conf_error(in->diags, (struct conf_pos){0},
		    "%s is not a file of a policy, " EXPECTED_FILES,
		    str_quote(quoted, f->path));
	}
}

static void
read_files(struct conf_in *in, const struct policy_files *files)
{
	static const char *const needed[] = {"root.yaml", "ca.yaml"};
	struct reading *rd = in->ctx;

	for (size_t i = 0; i < POLICY_COUNT(needed); i++) {
		size_t n = 0;

		for (size_t j = 0; j < files->n; j++)
			if (strcmp(files->v[j].path, needed[i]) == 0)
				n++;
		if (n > 0)
			continue;
		conf_error(in->diags, (struct conf_pos){.file = needed[i]},
		    "no such file, expected one in every policy");
		rd->broken = true;
	}
	for (size_t i = 0; i < files->n; i++) {
		if (i > 0 &&
		    strcmp(files->v[i - 1].path, files->v[i].path) >= 0) {
			conf_error(in->diags, (struct conf_pos){0},
			    "files of a policy, expected them sorted by path "
			    "and each once");
			return;
		}
		read_file(in, &files->v[i]);
	}
}

static void
reading_clear(struct reading *rd)
{
	for (size_t i = 0; i < rd->n_mentions; i++)
		policy_person_clear(&rd->mentions[i].person);
	free(rd->mentions);
	free(rd->refs);
	yaml_doc_clear(&rd->ca);
	policy_free(rd->p);
	*rd = (struct reading){0};
}

static int
parse(const struct policy_files *files, bool root_alone, struct policy **out,
    struct conf_diags *diags)
{
	struct reading rd = {.files = files};
	struct conf_in in = {.diags = diags, .ctx = &rd};
	size_t errors_before = diags->n_errors;
	int r = ERR_NOMEM;

	if ((rd.p = calloc(1, sizeof(*rd.p))) == NULL ||
	    (rd.p->index = calloc(1, sizeof(*rd.p->index))) == NULL)
		goto out;
	if (root_alone)
		read_root(&in, &files->v[0]);
	else
		read_files(&in, files);
	policy_link(&in);
	if (diags->failed)
		goto out;
	r = ERR_PARSE;
	if (diags->n_errors > errors_before)
		goto out;
	*out = rd.p;
	rd.p = NULL;
	r = 0;
out:
	reading_clear(&rd);
	return r;
}

int
policy_parse(const struct policy_files *files, struct policy **out,
    struct conf_diags *diags)
{
	return parse(files, false, out, diags);
}

int
policy_parse_root(struct slice root_yaml, struct policy **out,
    struct conf_diags *diags)
{
	static char name[] = "root.yaml";
	struct policy_file file = {.path = name, .n = root_yaml.n};
	struct policy_files files = {.v = &file, .n = 1};
	struct policy *p = NULL;
	uint8_t *copy;
	int r;

	if (root_yaml.n > POLICY_FILE_MAX) {
		conf_error(diags, (struct conf_pos){.file = name},
		    "%zu bytes, expected at most %d", root_yaml.n,
		    POLICY_FILE_MAX);
		return ERR_PARSE;
	}
	if ((copy = (uint8_t *)str_dupn(root_yaml.p, root_yaml.n)) == NULL)
		return ERR_NOMEM;
	file.data = copy;
	if ((r = parse(&files, true, &p, diags)) == 0)
		*out = p;
	free(copy);
	return r;
}
