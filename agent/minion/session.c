/* SPDX-License-Identifier: ISC */
#include "agent/minion/session.h"

#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "agent/minion/grains.h"
#include "lib/base/file.h"
#include "lib/cli/cli.h"

void
session_close(struct session *s)
{
	states_clear(&s->states);
	highstate_free(s->hs);
	grains_clear(&s->grains);
	strs_clear(&s->roles);
	strs_clear(&s->masters);
	fleet_free(s->fleet);
	agent_bundles_clear(&s->bundles);
	agent_config_clear(&s->config);
	host_close(s->host);
	free(s->id);
	free(s->state_dir);
	free(s->stage);
	*s = (struct session){0};
}

/* What was said, else what the file says, else the default; a copy. */
static int
choose(const char *said, const char *file, const char *otherwise, char **out)
{
	const char *v = said != NULL ? said : file != NULL ? file : otherwise;

	if (v == NULL)
		return 0;
	return (*out = str_dup(v)) != NULL ? 0 : ERR_NOMEM;
}

/* The name the host has given itself is its id where nobody says another. */
static int
own_name(char **out, struct err *e)
{
	struct utsname u;

	if (uname(&u) != 0)
		return err_sys(e, "uname");
	for (char *p = u.nodename; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return (*out = str_dup(u.nodename)) != NULL ? 0 : err_nomem(e);
}

static int
basics(const struct session_opts *o, struct session *s, struct err *e)
{
	char *name = NULL;
	int r;

	if ((r = agent_config_read(o->config != NULL ? o->config : CONFIG_PATH,
		 &s->config, e)) != 0 ||
	    (r = own_name(&name, e)) != 0)
		goto out;
	if (choose(o->state_dir, NULL, STATE_DIR, &s->state_dir) != 0 ||
	    choose(o->id, s->config.id, name, &s->id) != 0 ||
	    path_join(RUN_DIR, "stage", &s->stage) != 0)
		r = err_nomem(e);
	else if (!id_is_valid(s->id))
		r = err_set(e, ERR_USAGE,
		    "'%s' is no id of a host, expected 1 to %d of a-z 0-9 . _ "
		    "@ + -",
		    s->id, ID_MAX);
	/* As `run` makes it: its link has to get through, should it come. */
	else if ((r = file_mkdirs(s->state_dir, 0711, e)) == 0 &&
	    (r = file_mkdirs(RUN_DIR, 0700, e)) == 0)
		r = host_open(&s->host, e);
out:
	free(name);
	return r;
}

static bool
held_equal(const struct held *a, const struct held *b)
{
	return a->have == b->have && hash_equal(&a->realm, &b->realm) &&
	    a->policy_version == b->policy_version &&
	    hash_equal(&a->policy, &b->policy) &&
	    a->fleet.version == b->fleet.version &&
	    hash_equal(&a->fleet.bundle, &b->fleet.bundle) &&
	    a->fleet.expires == b->fleet.expires;
}

/* A warning a line. */
static void
warn(const struct str *lines)
{
	size_t n;

	for (const char *p = lines->p; *p != '\0'; p += n + (p[n] == '\n')) {
		n = strcspn(p, "\n");
		cli_warn("%.*s", (int)n, p);
	}
}

static int
load(const struct session_opts *o, struct session *s, struct err *e)
{
	const char *dir = o->local != NULL ? o->local : s->config.local;
	const char *root = o->root != NULL ? o->root : s->config.root;
	struct held before = {0}, held;
	struct hash pin;
	int r;

	/* What a master brought lies where the agent keeps it. */
	if (dir == NULL && s->config.n_masters > 0)
		dir = s->state_dir;
	if (dir == NULL)
		return err_set(e, ERR_USAGE,
		    "no bundles, expected --local DIR, or local: in %s",
		    o->config != NULL ? o->config : CONFIG_PATH);
	if (root != NULL && hash_from_fingerprint(root, &pin) != 0)
		return err_set(e, ERR_USAGE,
		    "'%s' is no fingerprint, expected SHA256:...", root);
	if ((r = held_read(s->state_dir, &before, e)) != 0)
		return r;
	held = before;
	if ((r = agent_bundles_load(dir, root != NULL ? &pin : NULL,
		 host_now(s->host), &held, &s->bundles, e)) != 0)
		return r;
	warn(&s->bundles.warning);
	return held_equal(&before, &held) ? 0
					  : held_write(s->state_dir, &held, e);
}

/* ADDRESS:PORT of one master, all of its addresses. */
static int
add_master(struct session *s, const char *master, struct err *e)
{
	const struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	const char *colon = strrchr(master, ':');
	struct addrinfo *all = NULL;
	char host[256], number[64];
	size_t n;
	int r, gai;

	n = colon != NULL ? (size_t)(colon - master) : strlen(master);
	if (n > 1 && master[0] == '[' && master[n - 1] == ']') {
		master++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return err_set(e, ERR_LIMIT, "master %s: too long", master);
	memcpy(host, master, n);
	host[n] = '\0';
	gai =
	    getaddrinfo(host, colon != NULL ? colon + 1 : "2023", &hints, &all);
	if (gai != 0)
		return err_set(e, ERR_NET,
		    "master %s: %s, so it is not known which way to keep "
		    "open",
		    host, gai_strerror(gai));
	r = 0;
	for (const struct addrinfo *a = all; r == 0 && a != NULL;
	     a = a->ai_next) {
		struct str text = STR_INIT;

		if (getnameinfo(a->ai_addr, a->ai_addrlen, number,
			sizeof(number), NULL, 0, NI_NUMERICHOST) != 0 ||
		    s->masters.n == MASTERS_MAX)
			continue;
		str_addf(&text,
		    strchr(number, ':') != NULL ? "[%s]:%s" : "%s:%s", number,
		    colon != NULL ? colon + 1 : "2023");
		if (str_check(&text) != 0 ||
		    (!strs_has(&s->masters, text.p) &&
			strs_add(&s->masters, text.p) != 0))
			r = err_nomem(e);
		str_clear(&text);
	}
	freeaddrinfo(all);
	return r;
}

/* Who would come to mend it: as configured, else who is at it now. */
static void
operator_of(struct session *s)
{
	const struct operator_way *o = &s->config.operator;
	struct state_env *env = &s->env;

	env->operator_account =
	    o->account != NULL ? o->account : getenv("SUDO_USER");
	env->operator_address = o->address;
	env->operator_principal = o->principal;
}

/* With a master the pillar is the host's own, whatever came with it. */
static int
check_pillar(struct session *s, struct err *e)
{
	struct strs names = {0};
	int r = fleet_pillar_files(s->fleet, s->id, &s->roles, &names);

	if (r != 0)
		(void)err_nomem(e);
	else
		r = fleet_pillar_check(&s->bundles.fleet, &names, e);
	/* Not the fleet is at fault, which is signed, but who brought it. */
	if (r == ERR_PARSE)
		r = err_set(e, ERR_DENIED, "%s", e->msg);
	strs_clear(&names);
	return r;
}

static int
add_roles(struct session *s, const struct strs *given)
{
	int r = 0;

	for (size_t i = 0; given != NULL && i < given->n && r == 0; i++)
		if (!strs_has(&s->roles, given->v[i]))
			r = strs_add(&s->roles, given->v[i]);
	strs_sort(&s->roles);
	return r;
}

static int
compile(struct session *s, const struct session_given *g,
    struct conf_diags *diags, struct err *e)
{
	const struct fleet_host host = {.id = s->id,
	    .roles = &s->roles,
	    .grains = &s->grains,
	    .now = host_now(s->host)};
	int r;

	if ((r = fleet_parse(&s->bundles.fleet, FLEET_SOME_PILLAR, &s->fleet,
		 diags)) != 0)
		return r;
	if (fleet_roles(s->fleet, s->id, &s->roles) != 0 ||
	    add_roles(s, g != NULL ? g->roles : NULL) != 0)
		return ERR_NOMEM;
	if (g != NULL && (r = check_pillar(s, e)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < s->fleet->n_masters; i++)
		r = add_master(s, s->fleet->masters[i].address, e);
	/* A resolver's order is another each time, and no reason to look anew. */
	strs_sort(&s->masters);
	if (r == 0 &&
	    (r = highstate_compile(s->fleet, &host, &s->hs, diags)) == 0)
		r = states_parse(s->hs, &s->states, diags);
	return r;
}

static int
open_session(const struct session_opts *o, const struct session_given *g,
    struct session *s, struct err *e)
{
	struct conf_diags diags = {0};
	int r;

	*s = (struct session){.bundles.warning = STR_INIT};
	if ((r = basics(o, s, e)) != 0 ||
	    (g == NULL && (r = load(o, s, e)) != 0) ||
	    (r = grains_read(s->host, s->state_dir, &s->grains, e)) != 0)
		goto out;
	if (g != NULL) {
		s->bundles.fleet = *g->files;
		*g->files = (struct policy_files){0};
	}
	if ((r = compile(s, g, &diags, e)) != 0 && diags.n_errors > 0)
		r = conf_diags_err(&diags, r, e);
	else if (r == ERR_NOMEM)
		(void)err_nomem(e);
	s->env.host_id = s->id;
	s->env.policy = g != NULL ? g->trust->policy : s->bundles.trust.policy;
	s->env.master_addresses = &s->masters;
	operator_of(s);
out:
	conf_diags_clear(&diags);
	if (r != 0)
		session_close(s);
	return r;
}

int
session_open(const struct session_opts *o, struct session *s, struct err *e)
{
	return open_session(o, NULL, s, e);
}

int
session_open_given(const struct session_opts *o, const struct session_given *g,
    struct session *s, struct err *e)
{
	return open_session(o, g, s, e);
}
