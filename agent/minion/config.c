/* SPDX-License-Identifier: ISC */
#include "agent/minion/config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/conf/schema.h"
#include "lib/net/dest.h"
#include "lib/ssh/pubkey.h"

#define CONFIG_MAX 65536

static bool
is_id(struct conf_in *in, const struct yaml_node *n)
{
	if (id_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "'%s' is no id, expected 1 to %d of a-z 0-9 . _ @ + -", n->text,
	    ID_MAX);
	return false;
}

#define TEXT(object, field, max_, check_)                            \
	{                                                            \
		.name = #field, .read = conf_text,                   \
		.offset = offsetof(struct object, field), .min = 1,  \
		.max = (max_), .check = (check_), .expect = "a text" \
	}

static const struct conf_key operator_keys[] = {
    TEXT(operator_way, account, 100, NULL),
    TEXT(operator_way, address, 100, NULL),
    TEXT(operator_way, principal, 255, NULL),
};

static void
read_operator(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	(void)k;
	conf_map(in, n->pos, "the operator", n, operator_keys,
	    sizeof(operator_keys) / sizeof(operator_keys[0]), field);
}

static bool
is_master_key(struct conf_in *in, const struct yaml_node *n)
{
	struct pubkey *k = NULL;
	struct err e = {0};

	if (pubkey_parse_line(n->text, strlen(n->text), &k, NULL, &e) == 0) {
		pubkey_free(k);
		return true;
	}
	conf_error(in->diags, n->pos,
	    "%s, expected the line of authorities/NAME.pub", e.msg);
	return false;
}

static bool
is_address(struct conf_in *in, const struct yaml_node *n)
{
	struct dest d = {0};
	bool good = dest_parse(n->text, &d, NULL) == 0 && d.user == NULL;

	dest_clear(&d);
	if (!good)
		conf_error(in->diags, n->pos,
		    "'%s' is no address, expected HOST or HOST:PORT", n->text);
	return good;
}

static const struct conf_key master_keys[] = {
    {.name = "address",
	.read = conf_text,
	.offset = offsetof(struct agent_master, address),
	.required = true,
	.min = 1,
	.max = 300,
	.check = is_address,
	.expect = "HOST:PORT"},
    {.name = "key",
	.read = conf_text,
	.offset = offsetof(struct agent_master, key),
	.required = true,
	.min = 1,
	.max = PUBKEY_LINE_MAX,
	.check = is_master_key,
	.expect = "a public key line"},
};

static void
read_masters(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct agent_config *c = field;

	if (!conf_is_list(in, k, n))
		return;
	if ((c->masters = calloc(n->n, sizeof(*c->masters))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < n->n; i++)
		conf_map(in, n->items[i]->pos, "a master", n->items[i],
		    master_keys, sizeof(master_keys) / sizeof(master_keys[0]),
		    &c->masters[c->n_masters++]);
}

static void
read_logins(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	bool *off = field, on = true;

	conf_bool(in, k, n, &on);
	*off = !on;
}

static const struct conf_key keys[] = {
    TEXT(agent_config, id, ID_MAX, is_id),
    TEXT(agent_config, root, 100, NULL),
    TEXT(agent_config, local, 1000, NULL),
    {.name = "operator",
	.read = read_operator,
	.offset = offsetof(struct agent_config, operator)},
    {.name = "masters",
	.read = read_masters,
	.offset = 0,
	.min = 1,
	.max = AGENT_MASTERS_MAX,
	.expect = "a list of 1 to 16 masters"},
    TEXT(agent_config, user, 32, NULL),
    TEXT(agent_config, host_key, 1000, NULL),
    TEXT(agent_config, token, 1000, NULL),
    {.name = "logins",
	.read = read_logins,
	.offset = offsetof(struct agent_config, no_logins),
	.expect = "yes or no"},
    {.name = "ssh_port",
	.read = conf_unsigned,
	.offset = offsetof(struct agent_config, ssh_port),
	.min = 1,
	.max = 65535,
	.expect = "a port"},
};

void
agent_config_clear(struct agent_config *c)
{
	free(c->id);
	free(c->root);
	free(c->local);
	for (size_t i = 0; i < c->n_masters; i++) {
		free(c->masters[i].address);
		free(c->masters[i].key);
	}
	free(c->masters);
	free(c->user);
	free(c->host_key);
	free(c->token);
	free(c->operator.account);
	free(c->operator.address);
	free(c->operator.principal);
	*c = (struct agent_config){0};
}

static int
parse(const char *path, struct slice text, struct agent_config *c,
    struct err *e)
{
	const struct conf_pos start = {path, 1, 1};
	struct conf_diags diags = {0};
	struct conf_in in = {.diags = &diags};
	struct yaml_doc doc = {0};
	int r;

	r = yaml_parse(path, text, &doc, &diags);
	if (r == 0 && doc.root != NULL)
		conf_map(&in, start, "the agent's configuration", doc.root,
		    keys, sizeof(keys) / sizeof(keys[0]), c);
	if (diags.failed)
		r = ERR_NOMEM;
	else if (diags.n_errors > 0)
		r = ERR_PARSE;
	if (r != 0)
		r = conf_diags_err(&diags, r, e);
	yaml_doc_clear(&doc);
	conf_diags_clear(&diags);
	return r;
}

int
agent_config_read(const char *path, struct agent_config *out, struct err *e)
{
	struct agent_config c = {0};
	struct err why = {0};
	char *text = NULL;
	size_t n;
	int r;

	r = file_read(path, CONFIG_MAX, &text, &n, &why);
	if (r == ERR_NOTFOUND)
		return 0;
	if (r == 0)
		r = parse(path, slice_of(text, n), &c, &why);
	free(text);
	if (r != 0) {
		agent_config_clear(&c);
		if (e != NULL)
			*e = why;
		return r;
	}
	*out = c;
	return 0;
}
