/* SPDX-License-Identifier: ISC */
#include "ca/common/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/conf/schema.h"
#include "lib/conf/yaml.h"

void
config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	log_home_init(&c->home);
	service_config_init(&c->service);
}

void
config_clear(struct config *c)
{
	free(c->dir);
	log_home_clear(&c->home);
	free(c->log_name);
	free(c->log_key);
	free(c->user_ca);
	free(c->host_ca);
	for (size_t i = 0; i < c->n_keys; i++) {
		free(c->keys[i].name);
		free(c->keys[i].from);
	}
	free(c->keys);
	strs_clear(&c->fleet_logs);
	service_config_clear(&c->service);
	config_init(c);
}

/* --- writ.yaml ----------------------------------------------------------- */

/* keys: {NAME: "keys/NAME" | agent | agent:SOCKET} */
static void
read_keys(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct config *c = field;

	if (!conf_is(in, k, n, YAML_MAP))
		return;
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_node *v = n->pairs[i].value;
		struct config_key *key;

		if (!conf_is(in, k, v, YAML_TEXT))
			continue;
		if (!id_is_valid(n->pairs[i].key) || v->n == 0) {
			conf_bad(in, k, v);
			continue;
		}
		if (vec_grow(&c->keys, c->n_keys, &c->cap_keys, 64) != 0) {
			conf_nomem(in);
			return;
		}
		key = &c->keys[c->n_keys];
		key->name = str_dup(n->pairs[i].key);
		key->from = str_dup(v->text);
		c->n_keys++;
		if (key->name == NULL || key->from == NULL)
			conf_nomem(in);
	}
}

static bool
is_name(struct conf_in *in, const struct yaml_node *n)
{
	if (id_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "not a name, expected that of an authority such as ca_log");
	return false;
}

#define FIELD(f) .offset = offsetof(struct config, f)
static const struct conf_key config_keys[] = {
    LOG_HOME_KEYS(struct config, home),
    {"log_name", conf_text, FIELD(log_name), .required = true, .min = 1,
	.max = ID_MAX, .check = is_name, .expect = "a name such as ca_log"},
    {"log_key", conf_text, FIELD(log_key), .min = 1, .max = ID_MAX,
	.check = is_name, .expect = "a name such as ca_log.2"},
    {"user_ca", conf_text, FIELD(user_ca), .min = 1, .max = ID_MAX,
	.check = is_name, .expect = "a name such as user_ca"},
    {"host_ca", conf_text, FIELD(host_ca), .min = 1, .max = ID_MAX,
	.check = is_name, .expect = "a name such as host_ca"},
    {"keys", read_keys,
	.expect = "a file such as keys/user_ca, agent or agent:SOCKET"},
    {"fleet_logs", conf_texts, FIELD(fleet_logs), .min = 1,
	.max = CONFIG_FLEETS, .check = log_home_is_place,
	.expect = "a list of dir:PATH and s3://BUCKET/PREFIX"},
    {"service", service_config_read, FIELD(service),
	.expect = "listen, transport and the like"},
};

int
config_load(const char *dir, struct config *out, struct err *e)
{
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct yaml_doc doc = {0};
	struct config c;
	char *path = NULL, *text = NULL;
	size_t n;
	int r;

	config_init(&c);
	if (path_join(dir, "writ.yaml", &path) != 0 ||
	    (c.dir = str_dup(dir)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = file_read(path, CONFIG_MAX, &text, &n, e)) != 0) {
		err_hint(e,
		    "make a deployment with writ init DIR, or name one "
		    "with -C DIR");
		goto out;
	}
	r = yaml_parse(path, slice_of(text, n), &doc, &diags);
	if (r == 0 && doc.root == NULL)
		conf_error(&diags, (struct conf_pos){path, 1, 1},
		    "empty, expected log: and log_name:");
	else if (r == 0)
		conf_map(&in, doc.root->pos, "writ.yaml", doc.root, config_keys,
		    sizeof(config_keys) / sizeof(config_keys[0]), &c);
	if (diags.failed)
		r = err_nomem(e);
	else if (diags.n_errors > 0)
		r = conf_diags_err(&diags, ERR_PARSE, e);
	if (r == 0 && service_config_finish(&c.service, dir) != 0)
		r = err_nomem(e);
	if (r != 0)
		goto out;
	config_clear(out);
	*out = c;
	config_init(&c);
out:
	yaml_doc_clear(&doc);
	conf_diags_clear(&diags);
	config_clear(&c);
	free(text);
	free(path);
	return r;
}

static void
add_optional(struct str *s, const char *indent, const char *key, const char *v)
{
	if (v != NULL)
		str_addf(s, "%s%s: \"%s\"\n", indent, key, v);
}

int
config_encode(const struct config *c, struct str *out)
{
	char span[SPAN_TEXT];

	str_add(out,
	    "# Where this machine keeps the log, and what it signs "
	    "with.  See writ(1), FILES.\n");
	str_addf(out, "log: \"%s\"\nlog_name: %s\nlog_key: %s\n", c->home.log,
	    c->log_name, config_log_key(c));
	if (c->user_ca != NULL)
		str_addf(out, "user_ca: %s\n", c->user_ca);
	if (c->host_ca != NULL)
		str_addf(out, "host_ca: %s\n", c->host_ca);
	span_format(c->home.retention, span);
	str_addf(out,
	    "retention: %-12s # how long a bucket locks what it holds\n", span);
	span_format(c->home.partial, span);
	str_addf(out, "partial_retention: %s\n", span);
	if (c->home.copies.n > 0) {
		str_add(out, "copies:\n");
		for (size_t i = 0; i < c->home.copies.n; i++)
			str_addf(out, "  - \"%s\"\n", c->home.copies.v[i]);
	}
	if (c->home.max_lag > 0) {
		span_format(c->home.max_lag, span);
		str_addf(out, "max_lag: %s\n", span);
	}
	if (c->fleet_logs.n > 0) {
		str_add(out, "fleet_logs:\n");
		for (size_t i = 0; i < c->fleet_logs.n; i++)
			str_addf(out, "  - \"%s\"\n", c->fleet_logs.v[i]);
	}
	if (c->home.endpoint != NULL || c->home.region != NULL ||
	    c->home.credentials != NULL) {
		str_add(out, "s3:\n");
		add_optional(out, "  ", "endpoint", c->home.endpoint);
		add_optional(out, "  ", "region", c->home.region);
		add_optional(out, "  ", "credentials", c->home.credentials);
	}
	return str_check(out);
}

/* --- what follows from it ------------------------------------------------ */

int
config_starts_nothing(const struct config *c, struct err *e)
{
	char *file = NULL;
	int r;

	if (path_join(c->dir, "writ.yaml", &file) != 0)
		return err_nomem(e);
	r = log_home_starts_nothing(&c->home, file, e);
	free(file);
	return r;
}

/* What is not there, or not to be seen by who asks, is for others to miss. */
static int
check_closed(const char *dir, const char *name, struct err *e)
{
	struct stat st;
	char *path = NULL;
	int r = 0;

	if (path_join(dir, name, &path) != 0)
		return err_nomem(e);
	if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0 &&
	    (st.st_mode & S_ISVTX) == 0)
		r = err_set(e, ERR_DENIED,
		    "%s has mode %04o: anybody may change it, expected %04o",
		    path, (unsigned)(st.st_mode & 07777),
		    (unsigned)(st.st_mode & 07777 & ~S_IWOTH));
	free(path);
	return r;
}

int
config_check_closed(const struct config *c, struct err *e)
{
	static const char *const names[] = {
	    ".", "writ.yaml", "bundle", "keys", "signer", "log", "store"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]); i++)
		r = check_closed(c->dir, names[i], e);
	return r;
}

const char *
config_log_key(const struct config *c)
{
	return c->log_key != NULL ? c->log_key : c->log_name;
}

static const char *
key_source(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_keys; i++)
		if (strcmp(c->keys[i].name, name) == 0)
			return c->keys[i].from;
	return NULL;
}

static int
load_from_agent(const char *from, const char *name, const struct pubkey *pub,
    struct key **out, struct err *e)
{
	if (pub == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "key of %s is in an agent, but authorities/%s.pub is "
		    "missing",
		    name, name);
	return key_from_agent(from[5] == ':' ? from + 6 : NULL, pub, out, e);
}

int
config_load_key(const struct config *c, const char *name,
    const struct pubkey *pub, const struct passphrase *pass, struct key **out,
    struct err *e)
{
	const char *from = key_source(c, name);
	struct key *key = NULL;
	char *path = NULL;
	int r;

	if (from != NULL &&
	    (strcmp(from, "agent") == 0 || strncmp(from, "agent:", 6) == 0)) {
		r = load_from_agent(from, name, pub, &key, e);
	} else {
		if (from != NULL && from[0] == '/')
			r = path_joinf(&path, "%s", from);
		else if (from != NULL)
			r = path_join(c->dir, from, &path);
		else
			r = path_joinf(&path, "%s/keys/%s", c->dir, name);
		if (r != 0)
			return err_nomem(e);
		/* Where the signer is a user of its own, keys are its. */
		r = key_load_file_of(path, c->service.users.signer, pass, &key,
		    e);
	}
	free(path);
	if (r != 0) {
		err_prefix(e, "key of %s", name);
		return r;
	}
	if (pub != NULL && !pubkey_equal(key_public(key), pub)) {
		key_free(key);
		return err_set(e, ERR_DENIED,
		    "key of %s is not the one in the signed policy "
		    "(authorities/%s.pub)",
		    name, name);
	}
	*out = key;
	return 0;
}

int
config_log_dir(const struct config *c, char **out)
{
	return log_home_dir(&c->home, c->dir, out);
}

int
config_log_url(const struct config *c, char **out)
{
	return log_home_url(&c->home, c->dir, out);
}

int
config_fleet_url(const struct config *c, size_t nth, char **out)
{
	const struct log_home h = {.log = c->fleet_logs.v[nth]};

	return log_home_url(&h, c->dir, out);
}

void
config_blob(const struct config *c, struct blob_config *out)
{
	log_home_blob(&c->home, out);
}
