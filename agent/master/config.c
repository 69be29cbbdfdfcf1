/* SPDX-License-Identifier: ISC */
#include "agent/master/config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/conf/schema.h"
#include "lib/conf/yaml.h"
#include "lib/net/dest.h"

#define CA_PORT 2022

void
master_config_init(struct master_config *c)
{
	memset(c, 0, sizeof(*c));
	log_home_init(&c->home);
	c->tick = 5 * 60;
	front_limits_init(&c->limits);
	c->limits.guests = MASTER_GUESTS;
}

void
master_config_clear(struct master_config *c)
{
	free(c->dir);
	free(c->name);
	log_home_clear(&c->home);
	free(c->log_name);
	free(c->log_key);
	strs_clear(&c->listen);
	free(c->transport);
	free(c->log_key_file);
	free(c->runtime);
	free(c->store);
	free(c->signer);
	free(c->metrics);
	free(c->ca.address);
	free(c->ca.host);
	pubkey_free(c->ca.key);
	free(c->users.front);
	free(c->users.keeper);
	free(c->users.signer);
	free(c->users.courier);
	master_config_init(c);
}

/* --- values --------------------------------------------------------------- */

bool
master_name_is_valid(const char *name)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = strlen(name);

	return n > 0 && n <= MASTER_NAME_MAX &&
	    strchr(first, name[0]) != NULL &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static bool
is_name(struct conf_in *in, const struct yaml_node *n)
{
	if (master_name_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "not a name, expected that of an authority such as master_1");
	return false;
}

static void
read_key(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct pubkey **key = field;
	struct err e = {0};
	int r;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	r = pubkey_parse_line(n->text, strlen(n->text), key, NULL, &e);
	if (r == ERR_NOMEM)
		conf_nomem(in);
	else if (r != 0)
		conf_error(in->diags, n->pos,
		    "'%s': %s, expected the CA's transport key, a line such as "
		    "that of keys/transport.pub",
		    k->name, e.msg);
}

static bool
is_ca(struct conf_in *in, const struct yaml_node *n)
{
	struct dest d = {0};
	struct err e = {0};
	int r = dest_parse(n->text, &d, &e);

	if (r == ERR_NOMEM)
		conf_nomem(in);
	else if (r != 0)
		conf_error(in->diags, n->pos, "%s", e.msg);
	else if (d.user != NULL)
		conf_error(in->diags, n->pos,
		    "an address with a user, expected HOST or HOST:PORT");
	if (r == 0 && d.user != NULL)
		r = ERR_PARSE;
	dest_clear(&d);
	return r == 0;
}

/* --- the file ------------------------------------------------------------- */

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct conf_key ca_keys[] = {
    {"address", conf_text, offsetof(struct master_ca, address),
	.required = true, .min = 1, .max = 255, .check = is_ca,
	.expect = "an address such as ca.example.com:2022"},
    {"key", read_key, offsetof(struct master_ca, key), .required = true,
	.expect = "a line such as \"ssh-ed25519 AAAA...\""},
};

static void
read_ca(struct conf_in *in, const struct conf_key *k, const struct yaml_node *n,
    void *field)
{
	conf_map(in, n->pos, k->name, n, ca_keys, LEN(ca_keys), field);
}

#define USER(f)                                                      \
	{                                                            \
#f, conf_text, offsetof(struct master_users, f),     \
		    .min = 1, .max = ID_MAX, .check = front_is_user, \
		    .expect = "a user such as writ-master-" #f       \
	}
static const struct conf_key user_keys[] = {
    USER(front),
    USER(keeper),
    USER(signer),
    USER(courier),
};

static void
read_users(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	conf_map(in, n->pos, k->name, n, user_keys, LEN(user_keys), field);
}

#define FIELD(f) .offset = offsetof(struct master_config, f)
#define PATH(f, e)                                                          \
	{                                                                   \
#f, conf_text, FIELD(f), .min = 1, .max = 4096, .expect = e \
	}
static const struct conf_key master_keys[] = {
    {"name", conf_text, FIELD(name), .required = true, .min = 1,
	.max = MASTER_NAME_MAX, .check = is_name,
	.expect = "a name such as master_1"},
    {"root", conf_fingerprint, FIELD(realm), .required = true,
	.expect = "the realm, such as writ policy sign printed it: SHA256:..."},
    LOG_HOME_KEYS(struct master_config, home),
    {"log_key", conf_text, FIELD(log_key), .min = 1, .max = ID_MAX,
	.check = is_name, .expect = "a name such as master_1_log"},
    {"listen", conf_texts, FIELD(listen), .min = 1, .max = FRONT_LISTEN_MAX,
	.check = front_is_address, .expect = "a list such as [\"*:2023\"]"},
    PATH(transport, "a file such as keys/master_1"),
    PATH(runtime, "a directory such as run"),
    PATH(store, "a file such as store/master.db"),
    {"tick", conf_span, FIELD(tick), .min = 1, .max = 86400,
	.expect = "a span such as 5m"},
    {"metrics", conf_text, FIELD(metrics), .min = 3, .max = 255,
	.check = front_is_address,
	.expect = "an address such as 127.0.0.1:9465"},
    {"log_format", front_read_log_format, FIELD(log_json),
	.expect = "text or json"},
    {"ca", read_ca, FIELD(ca), .expect = "address and key"},
    {"users", read_users, FIELD(users),
	.expect = "front, keeper, signer, courier"},
    {"limits", front_limits_read_guests, FIELD(limits),
	.expect = FRONT_LIMITS_EXPECT ", guests"},
};

/* The CA's address in its parts. */
static int
finish_ca(struct master_ca *ca)
{
	struct dest d = {0};
	int r;

	if (ca->address == NULL)
		return 0;
	if ((r = dest_parse(ca->address, &d, NULL)) != 0)
		return r;
	ca->host = d.host;
	d.host = NULL;
	ca->port = d.port != 0 ? (uint16_t)d.port : CA_PORT;
	dest_clear(&d);
	return 0;
}

/* The key that systemd hands to front and courier, which may not look into keys/.
 * An absolute path, or none. */
static int
passed_key(struct master_config *c)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char *path = NULL;

	if (c->transport != NULL || dir == NULL || dir[0] != '/')
		return 0;
	if (path_join(dir, "transport", &path) != 0)
		return ERR_NOMEM;
	if (file_exists(path)) {
		c->transport = path;
		path = NULL;
	}
	free(path);
	return 0;
}

/* What is absent, and what follows from the rest. */
static int
finish(struct master_config *c)
{
	struct str name = STR_INIT, file = STR_INIT;
	int r = ERR_NOMEM;

	str_addf(&name, "%s_log", c->name);
	str_addf(&file, "keys/%s", c->name);
	if (str_check(&name) != 0 || str_check(&file) != 0 ||
	    (c->log_name = str_dup(name.p)) == NULL ||
	    (c->log_key == NULL &&
		(c->log_key = str_dup(c->log_name)) == NULL) ||
	    passed_key(c) != 0 ||
	    path_default(&c->transport, c->dir, file.p) != 0)
		goto out;
	str_reset(&file);
	str_addf(&file, "keys/%s", c->log_key);
	if (str_check(&file) != 0 ||
	    path_default(&c->log_key_file, c->dir, file.p) != 0 ||
	    path_default(&c->runtime, c->dir, "run") != 0 ||
	    path_default(&c->store, c->dir, "store/master.db") != 0 ||
	    path_default(&c->signer, c->dir, "signer") != 0 ||
	    (c->listen.n == 0 && strs_add(&c->listen, "*:2023") != 0))
		goto out;
	r = finish_ca(&c->ca);
out:
	str_clear(&name);
	str_clear(&file);
	return r;
}

/* path is the file's, and in the positions of diags: it must outlive them. */
static int
read_file(const char *path, struct master_config *c, struct conf_diags *diags,
    struct err *e)
{
	struct conf_in in = {.diags = diags};
	struct yaml_doc doc = {0};
	char *text = NULL;
	size_t n;
	int r;

	if ((r = file_read(path, MASTER_CONFIG_MAX, &text, &n, e)) != 0) {
		err_hint(e,
		    "make a master with writ-master init -C DIR, or name one "
		    "with -C DIR");
		return r;
	}
	r = yaml_parse(path, slice_of(text, n), &doc, diags);
	if (r == 0 && doc.root == NULL)
		conf_error(diags, (struct conf_pos){path, 1, 1},
		    "empty, expected name:, root: and log:");
	else if (r == 0)
		conf_map(&in, doc.root->pos, "master.yaml", doc.root,
		    master_keys, LEN(master_keys), c);
	if (diags->failed)
		r = err_nomem(e);
	else if (diags->n_errors > 0)
		r = conf_diags_err(diags, ERR_PARSE, e);
	yaml_doc_clear(&doc);
	free(text);
	return r;
}

int
master_config_load(const char *dir, struct master_config *out, struct err *e)
{
	struct conf_diags diags = {0};
	struct master_config c;
	char *path = NULL;
	int r;

	master_config_init(&c);
	if (path_join(dir, "master.yaml", &path) != 0 ||
	    (c.dir = str_dup(dir)) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = read_file(path, &c, &diags, e)) != 0)
		goto out;
	if ((r = finish(&c)) != 0) {
		(void)err_set(e, r, "%s: %s", path, err_text(r));
		goto out;
	}
	master_config_clear(out);
	*out = c;
	master_config_init(&c);
out:
	conf_diags_clear(&diags);
	master_config_clear(&c);
	free(path);
	return r;
}

int
master_origin(const struct master_config *c, char out[ORIGIN_MAX])
{
	return log_origin(&c->realm, c->log_name, out);
}
