/* SPDX-License-Identifier: ISC */
/*
 * fleet.yaml: masters, how hosts behave, roles.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/fleet/fleet_impl.h"
#include "lib/net/dest.h"

/* --- masters -------------------------------------------------------------- */

/* Kept as HOST:PORT, [V6]:PORT: the port is always there. */
static void
read_address(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	char **out = field, quoted[QUOTE_MAX];
	struct str s = STR_INIT;
	struct dest d = {0};
	struct err e = {0};
	bool v6;
	int r;

	if (!conf_is(in, k, n, YAML_TEXT))
		return;
	if ((r = dest_parse(n->text, &d, &e)) == ERR_NOMEM) {
		conf_nomem(in);
		return;
	}
	if (r != 0 || d.user != NULL) {
		conf_error(in->diags, n->pos, "'address' is %s, expected %s",
		    str_quoten(quoted, n->text, n->n), k->expect);
		goto out;
	}
	v6 = strchr(d.host, ':') != NULL;
	str_addf(&s, "%s%s%s:%u", v6 ? "[" : "", d.host, v6 ? "]" : "",
	    d.port != 0 ? d.port : FLEET_PORT);
	free(*out);
	*out = NULL;
	if (str_take(&s, out) != 0)
		conf_nomem(in);
out:
	dest_clear(&d);
}

static const struct conf_key master_keys[] = {
    {"address", read_address, offsetof(struct fleet_master, address), true,
	"HOST:PORT such as \"master.example.com:2023\"", 0, 0, NULL},
    {"key", conf_text, offsetof(struct fleet_master, key), true,
	"a name of authorities/NAME.pub", 1, FLEET_NAME_MAX, fleet_check_name},
};

static void
read_masters(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fleet *f = field;

	if (!conf_is_list(in, k, n))
		return;
	if ((f->masters = calloc(n->n, sizeof(*f->masters))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		struct fleet_master *m = &f->masters[f->n_masters++];
		char quoted[QUOTE_MAX];

		m->pos = n->items[i]->pos;
		conf_map(in, m->pos, "a master", n->items[i], master_keys,
		    FLEET_COUNT(master_keys), m);
		for (size_t j = 0; j < i && m->address != NULL; j++)
			if (f->masters[j].address != NULL &&
			    strcmp(f->masters[j].address, m->address) == 0)
				conf_error(in->diags, m->pos,
				    "master %s is there twice, expected once",
				    str_quote(quoted, m->address));
	}
}

/* --- hosts ---------------------------------------------------------------- */

static void
read_drift(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	static const struct conf_word words[] = {
	    {"repair", FLEET_REPAIR}, {"report", FLEET_REPORT}};
	int v;

	if (CONF_WORD(in, k, n, words, &v))
		*(enum fleet_drift *)field = (enum fleet_drift)v;
}

static const struct conf_key host_keys[] = {
    {"interval", conf_span, offsetof(struct fleet, interval), false,
	"a span of 1m to 7d", 60, INT64_C(7) * 86400, NULL},
    {"splay", conf_span, offsetof(struct fleet, splay), false,
	"a span of 1s to 7d", 1, INT64_C(7) * 86400, NULL},
    {"confirm_within", conf_span, offsetof(struct fleet, confirm_within), false,
	"a span of 10s to 1h", 10, 3600, NULL},
    {"on_drift", read_drift, offsetof(struct fleet, on_drift), false,
	"repair or report", 0, 0, NULL},
};

static void
read_hosts(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fleet *f = field;
	size_t errors = in->diags->n_errors;
	const struct yaml_node *splay;

	(void)k;
	conf_map(in, n->pos, "hosts", n, host_keys, FLEET_COUNT(host_keys), f);
	if (in->diags->n_errors > errors || f->splay <= f->interval)
		return;
	splay = yaml_get(n, "splay");
	conf_error(in->diags, splay != NULL ? splay->pos : n->pos,
	    "'splay' is longer than 'interval', expected at most that");
}

/* --- roles ---------------------------------------------------------------- */

static const struct conf_key role_key = {"roles", conf_texts,
    offsetof(struct fleet_role, hosts), true,
    "a list of host ids, or globs over ids", 1, FLEET_LIST_MAX,
    fleet_check_glob};

static bool
check_key(struct conf_in *in, const struct yaml_pair *pair)
{
	char quoted[QUOTE_MAX];

	if (fleet_name_is_valid(pair->key))
		return true;
	conf_error(in->diags, pair->pos,
	    "%s is not a name of a role, expected 1 to %d of a-z 0-9 . _ - "
	    "that start with a letter or digit",
	    str_quote(quoted, pair->key), FLEET_NAME_MAX);
	return false;
}

static void
read_roles(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct fleet *f = field;

	if (!conf_is(in, k, n, YAML_MAP))
		return;
	if (n->n > FLEET_ROLES_MAX) {
		conf_error(in->diags, n->pos, "%zu roles, expected at most %d",
		    n->n, FLEET_ROLES_MAX);
		return;
	}
	if (n->n == 0)
		return;
	if ((f->roles = calloc(n->n, sizeof(*f->roles))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_pair *pair = n->sorted[i];
		struct fleet_role *role = &f->roles[f->n_roles];

		if (!check_key(in, pair))
			continue;
		if ((role->name = str_dup(pair->key)) == NULL) {
			conf_nomem(in);
			return;
		}
		f->n_roles++;
		role->pos = pair->pos;
		conf_texts(in, &role_key, pair->value, &role->hosts);
	}
}

static const struct conf_key fleet_keys[] = {
    {"masters", read_masters, 0, false, "a list of {address, key}", 1,
	FLEET_MASTERS_MAX, NULL},
    {"hosts", read_hosts, 0, false, "a mapping", 0, 0, NULL},
    {"roles", read_roles, 0, false, "a mapping of a role to host ids", 0, 0,
	NULL},
};

void
fleet_read_fleet(struct conf_in *in, const struct yaml_node *root)
{
	const struct reading *rd = in->ctx;

	conf_map(in, (struct conf_pos){.file = rd->file}, "fleet.yaml", root,
	    fleet_keys, FLEET_COUNT(fleet_keys), rd->f);
}
