/* SPDX-License-Identifier: ISC */
/*
 * writ fleet controls: which controls (cis) a version of the fleet that is at
 * hand puts on hosts, and which exceptions it makes.  For auditors: a host may
 * be gone, so nothing of it is asked but its id and its roles.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/fleet/reach.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/fleets.h"
#include "lib/cli/signing.h"
#include "lib/cli/table.h"

#define HOSTS_MAX 10000 /* asked about at once */

static const char *const answers[] = {
    [EXPR_NO] = "no", [EXPR_UNKNOWN] = "unknown", [EXPR_YES] = "yes"};

struct controls {
	struct fleet_chain chain;
	struct hash name; /* of its statement */
	struct fleet *fleet;
	enum expr_answer *files; /* of the host at hand */
	int64_t at;
	struct table table;
	struct str text; /* JSON */
	struct jw w;
};

/* --- which version -------------------------------------------------------- */

static int
read_version(const struct cli_args *a, struct controls *c, struct err *e)
{
	const char *said = cli_get(a, "fleet-version");
	char quoted[QUOTE_MAX];
	uint64_t version;
	int r;

	c->chain.some_pillar = true; /* no control hangs on it */
	if (said == NULL)
		return fleets_read(cli_dir(a), 0, &c->chain, e);
	if (parse_u64(said, 1, UINT64_MAX, &version) != 0)
		return err_set(e, ERR_USAGE,
		    "--fleet-version is %s, expected a number from 1",
		    str_quote(quoted, said));
	if ((r = fleets_read_past(cli_dir(a), version, &c->chain, e)) != 0)
		err_prefix(e, "fleet version %s", said);
	return r;
}

/* Its signatures are sound; whose they are is told by its name, which the log
 * of a master has. */
static int
read_fleet(struct controls *c, struct err *e)
{
	struct conf_diags diags = {0};
	struct statement s;
	int r;

	statement_init(&s, ST_FLEET);
	if ((r = statement_parse("fleet", c->chain.statement, &s, e)) == 0 &&
	    (r = statement_verify(&s, e)) == 0) {
		c->name = s.hash;
		r = fleet_parse(&c->chain.files, FLEET_SOME_PILLAR, &c->fleet,
		    &diags);
		r = fleet_say_diags(r, &diags, e);
	}
	statement_clear(&s);
	if (r != 0)
		return r;
	c->files = calloc(c->fleet->n_files + 1, sizeof(*c->files));
	return c->files != NULL ? 0 : err_nomem(e);
}

/* --- a state of a host ---------------------------------------------------- */

/* As a host has it. */
struct control {
	const char *host;
	const struct fleet_state *s;
	enum expr_answer applies;
	const struct fleet_exception *x; /* NULL: none */
	const char *spared;              /* "" without one */
};

static void
add_json(struct controls *c, const struct control *k)
{
	struct jw *w = &c->w;

	jw_begin(w, NULL, '{');
	jw_str(w, "host", k->host);
	jw_str(w, "state", k->s->id);
	jw_strs(w, "cis", &k->s->cis);
	jw_str(w, "applies", answers[k->applies]);
	jw_str(w, "excepted", k->spared);
	jw_str(w, "reason", k->x != NULL ? k->x->reason : "");
	jw_str(w, "owner", k->x != NULL ? k->x->owner : "");
	if (k->x != NULL)
		jw_time(w, "expires", k->x->expires);
	else
		jw_str(w, "expires", "");
	jw_u64(w, "fleet_version", c->chain.version);
	jw_hex(w, "fleet", c->name.b, HASH_LEN);
	jw_end(w, '}');
}

static void
add_text(struct controls *c, const struct control *k)
{
	char until[CLOCK_TEXT] = "";
	struct str ids = STR_INIT;

	strs_join(&k->s->cis, ", ", &ids);
	c->table.failed |= str_check(&ids) != 0;
	if (k->x != NULL)
		clock_format(k->x->expires, until);
	table_add(&c->table, k->host);
	table_add(&c->table, k->s->id);
	table_add(&c->table, answers[k->applies]);
	if (k->x != NULL)
		table_addf(&c->table, "%s: %s (%s, until %s)", k->spared,
		    k->x->reason, k->x->owner, until);
	else
		table_add(&c->table, NULL);
	table_add(&c->table, ids.p);
	str_clear(&ids);
}

static void
add_state(struct controls *c, const struct expr_host *h,
    const struct fleet_state *s, enum expr_answer file, bool json)
{
	enum expr_answer how;
	struct control k = {.host = h->id,
	    .s = s,
	    .applies = fleet_state_reach(s, file, h),
	    .x = fleet_state_spared(s, h, c->at, &how),
	    .spared = ""};

	if (k.x != NULL)
		k.spared = k.x->expires < c->at ? "ended" : answers[how];
	if (json)
		add_json(c, &k);
	else
		add_text(c, &k);
}

/* --- a host --------------------------------------------------------------- */

/* "ID" or "ID=ROLE,ROLE". */
static int
read_host(const struct fleet *f, const char *said, char **id,
    struct strs *roles, struct err *e)
{
	const char *eq = strchr(said, '=');
	size_t n = eq != NULL ? (size_t)(eq - said) : strlen(said);
	char quoted[QUOTE_MAX];
	int r = 0;

	if ((*id = str_dupn(said, n)) == NULL)
		return err_nomem(e);
	if (!id_is_valid(*id))
		return err_set(e, ERR_USAGE,
		    "--host: %s is no id of a host, expected [a-z0-9._@+-]",
		    str_quote(quoted, *id));
	while (eq != NULL && r == 0) {
		const char *role = eq + 1;

		n = strcspn(role, ",");
		if (n == 0)
			return err_set(e, ERR_USAGE,
			    "--host %s: a role is empty, expected "
			    "ID=ROLE,ROLE",
			    str_quote(quoted, said));
		r = strs_addn(roles, role, n);
		eq = role[n] == ',' ? role + n : NULL;
	}
	if (r == 0)
		r = fleet_roles(f, *id, roles);
	return r == 0 ? 0 : err_nomem(e);
}

static int
add_host(struct controls *c, const char *said, bool json, struct err *e)
{
	struct strs roles = {0};
	char *id = NULL;
	int r = read_host(c->fleet, said, &id, &roles, e);
	const struct expr_host h = {.id = id, .roles = &roles};

	if (r == 0)
		fleet_reach(c->fleet, &h, c->files);
	for (size_t i = 0; r == 0 && i < c->fleet->n_files; i++)
		for (size_t j = 0; j < c->fleet->files[i].n_states; j++) {
			const struct fleet_state *s =
			    &c->fleet->files[i].states[j];

			if (s->cis.n > 0)
				add_state(c, &h, s, c->files[i], json);
		}
	strs_clear(&roles);
	free(id);
	return r;
}

static int
print_hosts(struct controls *c, const struct cli_args *a, struct err *e)
{
	const struct strs *hosts = cli_all(a, "host");
	bool json = cli_flag(a, "json");
	int r = 0;

	if (json) {
		jw_init(&c->w, &c->text, false);
		jw_begin(&c->w, NULL, '[');
	}
	for (size_t i = 0; i < hosts->n && r == 0; i++)
		r = add_host(c, hosts->v[i], json, e);
	if (r != 0)
		return r;
	if (!json)
		return cli_print_table(&c->table, TABLE_TEXT, e);
	jw_end(&c->w, ']');
	str_addc(&c->text, '\n');
	return cli_print(&c->text, e);
}

/* --- the command ---------------------------------------------------------- */

static int
run_controls(struct cli_args *a, struct err *e)
{
	static const char *const columns[] = {
	    "host", "state", "applies", "exception", "controls"};
	const char *at = cli_get(a, "at");
	struct controls c = {.at = clock_now(), .text = STR_INIT};
	int r;

	table_init(&c.table, columns, sizeof(columns) / sizeof(columns[0]));
	if (cli_all(a, "host")->n == 0)
		r = err_set(e, ERR_USAGE,
		    "of which hosts? --host ID[=ROLE,...]");
	else if (cli_all(a, "host")->n > HOSTS_MAX)
		r = err_set(e, ERR_USAGE, "more than %d hosts", HOSTS_MAX);
	else if (at == NULL)
		r = 0;
	else
		r = cli_time("--at", at, c.at, -1, &c.at, e);
	if (r == 0 && (r = read_version(a, &c, e)) == 0 &&
	    (r = read_fleet(&c, e)) == 0)
		r = print_hosts(&c, a, e);
	fleet_free(c.fleet);
	fleet_chain_clear(&c.chain);
	free(c.files);
	table_clear(&c.table);
	str_clear(&c.text);
	return r;
}

static const struct cli_option options[] = {
    {0, "host", "ID[=ROLE,...]",
	"a host, and roles it has beside fleet.yaml's; repeatable"},
    {0, "fleet-version", "N", "of this version (the newest)"},
    {0, "at", "T|SPAN", "exceptions that are in force then (now)"}, CLI_JSON};

const struct cli_command cmd_controls = {.name = "controls",
    .operands = "",
    .summary = "controls (cis) that a version of the fleet puts on hosts",
    CLI_OPTIONS(options),
    .run = run_controls};
