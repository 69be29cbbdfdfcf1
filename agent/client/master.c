/* SPDX-License-Identifier: ISC */
#include "agent/client/master.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/net/dest.h"

#define SKEW_MAX 60 /* seconds that the clocks may differ unmentioned */

/* --- where they are ------------------------------------------------------- */

void
master_places_clear(struct master_places *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].address);
		strs_clear(&m->v[i].keys);
	}
	free(m->v);
	*m = (struct master_places){0};
}

static int
add_place(struct master_places *m, const char *address, const char *key,
    struct err *e)
{
	struct master_place *p = &m->v[m->n++];

	if ((p->address = str_dup(address)) == NULL ||
	    (key != NULL && strs_add(&p->keys, key) != 0))
		return err_nomem(e);
	return 0;
}

/* HOST:PORT without a user, as fleet.yaml's addresses are kept. */
static int
full_address(const char *text, char **out, struct err *e)
{
	struct dest d = {0};
	bool v6;
	int r;

	if ((r = dest_parse(text, &d, e)) != 0)
		return r;
	v6 = strchr(d.host, ':') != NULL;
	if (path_joinf(out, "%s%s%s:%u", v6 ? "[" : "", d.host, v6 ? "]" : "",
		d.port != 0 ? d.port : FLEET_PORT) != 0)
		r = err_nomem(e);
	dest_clear(&d);
	return r;
}

/* The key that the fleet has for this place; NULL: it does not know it. */
static const char *
key_of(const struct fleet *f, const char *full)
{
	for (size_t i = 0; f != NULL && i < f->n_masters; i++)
		if (strcmp(f->masters[i].address, full) == 0)
			return f->masters[i].key;
	return NULL;
}

static int
add_choice(const struct fleet *f, const struct policy *p, const char *choice,
    struct master_places *m, struct err *e)
{
	struct err why = {0};
	const char *key;
	char *full = NULL;
	int r;

	if ((r = full_address(choice, &full, &why)) != 0)
		return r == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, ERR_USAGE, "--master: %s", why.msg);
	key = key_of(f, full);
	free(full);
	if ((r = add_place(m, choice, key, e)) != 0 || key != NULL)
		return r;
	if (p->masters.n == 0)
		return err_set(e, ERR_NOTFOUND,
		    "the policy has no key of a master, expected one under "
		    "'authorities: master'");
	return strs_dup(&p->masters, &m->v[0].keys) == 0 ? 0 : err_nomem(e);
}

int
master_places(const struct fleet *f, const struct policy *p, const char *choice,
    struct master_places *out, struct err *e)
{
	size_t n = choice != NULL ? 1 : f != NULL ? f->n_masters : 0;
	struct master_places m = {0};
	int r = 0;

	if (n == 0) {
		r = err_set(e, ERR_NOTFOUND,
		    f != NULL
			? "the published fleet.yaml names no master"
			: "no fleet is published that would name a master");
		err_hint(e, "--master ADDRESS");
		return r;
	}
	if ((m.v = calloc(n, sizeof(*m.v))) == NULL)
		return err_nomem(e);
	if (choice != NULL)
		r = add_choice(f, p, choice, &m, e);
	for (size_t i = 0; choice == NULL && i < n && r == 0; i++)
		r = add_place(&m, f->masters[i].address, f->masters[i].key, e);
	if (r != 0) {
		master_places_clear(&m);
		return r;
	}
	*out = m;
	return 0;
}

int
master_known_hosts(const struct master_place *m, const struct policy *p,
    struct str *out, struct err *e)
{
	for (size_t i = 0; i < m->keys.n; i++) {
		const struct authority *a = policy_authority(p, m->keys.v[i]);

		if (a == NULL || !a->master)
			return err_set(e, ERR_NOTFOUND,
			    "the policy has no key %s of a master, which "
			    "fleet.yaml names for %s",
			    m->keys.v[i], m->address);
		str_add(out, MASTER_ALIAS " ");
		pubkey_add_line(out, a->key, "");
		str_addc(out, '\n');
	}
	return str_check(out) == 0 ? 0 : err_nomem(e);
}

/* --- a connection --------------------------------------------------------- */

void
master_init(struct master *m, const struct trust *t, const char *identity)
{
	*m = (struct master){.trust = t, .identity = identity, .cancel_fd = -1};
}

void
master_clear(struct master *m)
{
	link_free(m->link);
	free(m->address);
	free(m->name);
	master_init(m, NULL, NULL);
}

int
master_watch(struct master *m, struct str *call,
    int (*news)(void *ctx, const json_t *body), void *ctx, json_t **body,
    struct err *e)
{
	int r;

	if ((r = str_check(call)) != 0)
		(void)err_nomem(e);
	else
		r = link_call(m->link, slice_of(call->p, call->n), news, ctx,
		    -1, NULL, body, e);
	str_clear(call);
	return r;
}

int
master_call(struct master *m, struct str *call, int *status, json_t **body,
    struct err *e)
{
	int r;

	if ((r = str_check(call)) != 0)
		(void)err_nomem(e);
	else
		r = link_call(m->link, slice_of(call->p, call->n), NULL, NULL,
		    LINK_CALL_MS, status, body, e);
	str_clear(call);
	return r;
}

static void
tell_skew(const struct master *m, int64_t now)
{
	int64_t gap = now - clock_now();
	struct str s = STR_INIT;

	if (m->say == NULL || (gap <= SKEW_MAX && gap >= -SKEW_MAX))
		return;
	str_addf(&s,
	    "this machine's clock is %lld s %s the master's; what is signed "
	    "here may be refused",
	    (long long)(gap > 0 ? gap : -gap), gap > 0 ? "behind" : "ahead of");
	m->say(m->ctx, s.p);
	str_clear(&s);
}

/* What it says of itself, where it says it. */
static int
read_hello(struct master *m, const json_t *body, struct err *e)
{
	const char *name = "master";
	struct hash realm = {0};
	int64_t now = 0;
	int r;

	if ((r = json_hex(body, "realm", 0, realm.b, HASH_LEN, e)) != 0 ||
	    (r = json_str(body, "name", JSON_OPTIONAL, ID_MAX, &name, e)) !=
		0 ||
	    (r = json_u64(body, "root_version", JSON_OPTIONAL, 0, UINT64_MAX,
		 &m->root_version, e)) != 0 ||
	    (r = json_u64(body, "policy_version", JSON_OPTIONAL, 0, UINT64_MAX,
		 &m->policy_version, e)) != 0 ||
	    (r = json_u64(body, "fleet_version", JSON_OPTIONAL, 0, UINT64_MAX,
		 &m->fleet_version, e)) != 0 ||
	    (r = json_time(body, "now", JSON_OPTIONAL, &now, e)) != 0) {
		err_prefix(e, "%s: hello", m->address);
		return r;
	}
	if (!hash_equal(&realm, &m->trust->realm)) {
		char fp[FINGERPRINT_MAX];

		hash_fingerprint(&realm, fp);
		return err_set(e, ERR_DENIED,
		    "%s is a master under another root of trust, %s",
		    m->address, fp);
	}
	free(m->name);
	if ((m->name = str_dup(name)) == NULL)
		return err_nomem(e);
	if (now != 0)
		tell_skew(m, now);
	return 0;
}

static int
hello(struct master *m, struct err *e)
{
	struct str call = STR_INIT;
	json_t *body = NULL;
	int r;

	str_add(&call, "{\"call\":\"hello\"}");
	if ((r = master_call(m, &call, NULL, &body, e)) == 0)
		r = read_hello(m, body, e);
	json_decref(body);
	return r;
}

static int
connect_with(struct master *m, const struct master_place *where,
    const char *known_hosts, struct err *e)
{
	struct link_options o = {.address = where->address,
	    .port = FLEET_PORT,
	    .known_hosts = known_hosts,
	    .alias = MASTER_ALIAS,
	    .identity = m->identity,
	    .cancel_fd = m->cancel_fd};
	int r;

	link_free(m->link);
	m->link = NULL;
	free(m->address);
	if ((m->address = str_dup(where->address)) == NULL)
		return err_nomem(e);
	if ((r = link_open(&o, &m->link, e)) != 0)
		return r;
	return hello(m, e);
}

/* ssh has read its file of host keys once somebody has answered. */
int
master_connect(struct master *m, const struct master_place *where,
    struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL, *path = NULL;
	struct str lines = STR_INIT;
	int r;

	if ((r = master_known_hosts(where, m->trust->policy, &lines, e)) != 0)
		goto out;
	if (path_joinf(&dir, "%s/writ-XXXXXX",
		tmp != NULL && tmp[0] == '/' ? tmp : "/tmp") != 0) {
		r = err_nomem(e);
		goto out;
	}
	if (mkdtemp(dir) == NULL) {
		r = err_sys(e, "%s", dir);
		goto out;
	}
	if (path_join(dir, "known_hosts", &path) != 0)
		r = err_nomem(e);
	else if ((r = file_write(path, lines.p, lines.n, 0600, FILE_NOSYNC,
		      e)) == 0)
		r = connect_with(m, where, path, e);
	if (path != NULL)
		(void)unlink(path);
	(void)rmdir(dir);
out:
	free(path);
	free(dir);
	str_clear(&lines);
	return r;
}

int
master_connect_any(struct master *m, const struct master_places *all,
    struct err *e)
{
	struct err why = {0};
	int r = ERR_NOTFOUND;

	for (size_t i = 0; i < all->n; i++) {
		r = master_connect(m, &all->v[i], &why);
		if (r != ERR_NET)
			break;
		if (i + 1 < all->n && m->say != NULL)
			m->say(m->ctx, why.msg);
	}
	if (r != 0 && e != NULL)
		*e = why;
	return r;
}
