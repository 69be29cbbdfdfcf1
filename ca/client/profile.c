/* SPDX-License-Identifier: ISC */
#include "ca/client/profile.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/conf/schema.h"
#include "lib/conf/yaml.h"
#include "lib/net/dest.h"

void
profile_init(struct profile *p)
{
	memset(p, 0, sizeof(*p));
}

void
profile_clear(struct profile *p)
{
	free(p->dir);
	free(p->ca);
	free(p->key);
	free(p->person);
	profile_init(p);
}

/* --- where it is ---------------------------------------------------------- */

int
profile_dir(char **out, struct err *e)
{
	const char *own = getenv("WRIT_CONFIG"),
		   *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int r;

	if (own != NULL && own[0] != '\0')
		r = (*out = str_dup(own)) != NULL ? 0 : ERR_NOMEM;
	else if (xdg != NULL && xdg[0] == '/') /* others are to be ignored */
		r = path_join(xdg, "writ", out);
	else if (home != NULL && home[0] != '\0')
		r = path_join(home, ".config/writ", out);
	else
		return err_set(e, ERR_NOTFOUND,
		    "where is the configuration? HOME is not set");
	return r == 0 ? 0 : err_nomem(e);
}

bool
profile_exists(void)
{
	char *dir = NULL, *path = NULL;
	bool there;

	there = profile_dir(&dir, NULL) == 0 &&
	    path_join(dir, "config.yaml", &path) == 0 && file_exists(path);
	free(dir);
	free(path);
	return there;
}

int
profile_path(const struct profile *p, const char *name, char **out,
    struct err *e)
{
	return path_join(p->dir, name, out) == 0 ? 0 : err_nomem(e);
}

int
profile_mkdir(const struct profile *p, const char *sub, struct err *e)
{
	char *path = NULL;
	int r;

	if ((r = profile_path(p, sub, &path, e)) == 0)
		r = file_mkdirs(path, 0700, e);
	free(path);
	return r;
}

/* --- config.yaml ---------------------------------------------------------- */

static bool
is_address(struct conf_in *in, const struct yaml_node *n)
{
	struct dest d = {0};
	struct err why = {0};
	int r = dest_parse(n->text, &d, &why);

	dest_clear(&d);
	if (r == ERR_NOMEM)
		conf_nomem(in);
	else if (r != 0)
		conf_error(in->diags, n->pos, "%s", why.msg);
	return r == 0;
}

static bool
is_person(struct conf_in *in, const struct yaml_node *n)
{
	if (id_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "not the id of a person, expected one such as alice@example.com");
	return false;
}

#define FIELD(f) .offset = offsetof(struct profile, f)
static const struct conf_key keys[] = {
    {"ca", conf_text, FIELD(ca), .required = true, .min = 1, .max = DEST_MAX,
	.check = is_address, .expect = "an address such as ca.example.com"},
    {"realm", conf_fingerprint, FIELD(realm), .required = true,
	.expect = "the root of trust, SHA256:..."},
    {"key", conf_text, FIELD(key), .min = 1, .max = 4096,
	.expect = "the file of a key"},
    {"person", conf_text, FIELD(person), .min = 1, .max = ID_MAX,
	.check = is_person, .expect = "the id of a person"},
};

/* ~/KEY is what people write. */
static int
expand_home(char **path)
{
	const char *home = getenv("HOME");
	char *full = NULL;

	if (*path == NULL || strncmp(*path, "~/", 2) != 0 || home == NULL)
		return 0;
	if (path_join(home, *path + 2, &full) != 0)
		return ERR_NOMEM;
	free(*path);
	*path = full;
	return 0;
}

static int
parse(const char *name, struct slice text, struct profile *p, struct err *e)
{
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct conf_pos pos = {.file = name};
	struct yaml_doc doc = {0};
	int r;

	r = yaml_parse(name, text, &doc, &diags);
	if (r == 0) {
		conf_map(&in, pos, "the configuration", doc.root, keys,
		    sizeof(keys) / sizeof(keys[0]), p);
		if (diags.n_errors > 0)
			r = ERR_PARSE;
	}
	if (diags.failed || (r == 0 && expand_home(&p->key) != 0))
		r = ERR_NOMEM;
	if (r == ERR_NOMEM)
		(void)err_nomem(e);
	else if (r != 0)
		(void)conf_diags_err(&diags, r, e);
	yaml_doc_clear(&doc);
	conf_diags_clear(&diags);
	return r;
}

int
profile_load(struct profile *out, struct err *e)
{
	char *path = NULL, *text = NULL;
	struct profile p;
	size_t n = 0;
	int r;

	profile_init(&p);
	if ((r = profile_dir(&p.dir, e)) != 0 ||
	    (r = profile_path(&p, "config.yaml", &path, e)) != 0)
		goto out;
	r = file_read(path, PROFILE_FILE_MAX, &text, &n, e);
	if (r == ERR_NOTFOUND) {
		r = err_set(e, ERR_NOTFOUND, "no CA is trusted here yet");
		err_hint(e,
		    "writ trust ADDRESS SHA256:..., as whoever runs the CA "
		    "tells you; or -C DIR");
	}
	if (r != 0 || (r = parse(path, slice_of(text, n), &p, e)) != 0)
		goto out;
	*out = p;
	profile_init(&p);
out:
	free(text);
	free(path);
	profile_clear(&p);
	return r;
}

/* A single-quoted scalar, whatever is in it. */
static void
add_scalar(struct str *s, const char *key, const char *value)
{
	str_addf(s, "%s: '", key);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\'')
			str_addc(s, '\'');
		str_addc(s, *p);
	}
	str_add(s, "'\n");
}

int
profile_encode(const struct profile *p, struct str *out)
{
	char fp[FINGERPRINT_MAX];

	str_add(out, "# The CA that writ(1) asks.\n");
	add_scalar(out, "ca", p->ca);
	str_add(out,
	    "# The root of trust; nothing is believed that does not "
	    "follow from it.\n");
	hash_fingerprint(&p->realm, fp);
	add_scalar(out, "realm", fp);
	str_add(out,
	    "# The key that signs, and that ssh shows to the CA: a file.\n");
	if (p->key != NULL)
		add_scalar(out, "key", p->key);
	else
		str_add(out, "#key: ~/.ssh/id_ed25519\n");
	if (p->person != NULL)
		add_scalar(out, "person", p->person);
	return str_check(out);
}

int
profile_save(const struct profile *p, struct err *e)
{
	struct str text = STR_INIT;
	char *path = NULL;
	int r;

	if (profile_encode(p, &text) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = file_mkdirs(p->dir, 0700, e)) == 0 &&
	    (r = profile_path(p, "config.yaml", &path, e)) == 0)
		r = file_write(path, text.p, text.n, 0600, 0, e);
out:
	free(path);
	str_clear(&text);
	return r;
}
