/* SPDX-License-Identifier: ISC */
#include "lib/trust/fleet_bundle.h"

#include <stdio.h>
#include <string.h>

#include "lib/trust/expiry.h"
#include "lib/trust/signers.h"

#define STATES        "states/"
#define SUFFIX        ".yaml"
#define FILE_NAME_MAX 64 /* as agent/fleet has it */

/* --- the statement --- */

/* The first line of a statement, as it is hashed; empty where there is none. */
static struct slice
message_of(struct slice text)
{
	const uint8_t *lf = text.n > 0 ? memchr(text.p, '\n', text.n) : NULL;

	return slice_of(text.p, lf != NULL ? (size_t)(lf - text.p) + 1 : 0);
}

static int
broken_chain(uint64_t version, struct err *e)
{
	return err_set(e, ERR_ROLLBACK,
	    "fleet version %llu is not the one that version %llu names as the "
	    "one before",
	    (unsigned long long)version, (unsigned long long)version + 1);
}

/*
 * One link of the chain: the statement of this version, whose name is want.
 * want becomes the name of the one before.  Nobody's signature is asked for:
 * who signed the newest statement has named this one by its hash.
 */
static int
follow(struct slice text, uint64_t version, const struct hash *realm,
    struct hash *want, struct err *e)
{
	const struct slice message = message_of(text);
	struct statement s;
	struct hash name;
	char what[48];
	int r;

	(void)snprintf(what, sizeof(what), "fleet version %llu",
	    (unsigned long long)version);
	if (text.n > STATEMENT_MAX)
		return err_set(e, ERR_LIMIT, "%s: more than %d bytes", what,
		    STATEMENT_MAX);
	hash_sha256(message.p, message.n, &name);
	if (!hash_equal(&name, want))
		return broken_chain(version, e);
	statement_init(&s, ST_FLEET);
	if ((r = statement_parse_message(what, message, &s, e)) != 0)
		goto out;
	if (s.type != ST_FLEET || s.u.bundle.version != version ||
	    !hash_equal(&s.realm, realm) || !s.u.bundle.has_previous) {
		r = broken_chain(version, e);
		goto out;
	}
	*want = s.u.bundle.previous;
out:
	statement_clear(&s);
	return r;
}

/* From the newest statement back to the one that is held. */
static int
check_chain(const struct fleet_held *held, const struct fleet_input *in,
    const struct statement *s, struct err *e)
{
	const struct bundle_statement *b = &s->u.bundle;
	struct hash want = b->previous;
	int r;

	if (in->n_between > FLEET_BETWEEN_MAX)
		return err_set(e, ERR_LIMIT,
		    "%zu fleet versions at once, expected at most %d",
		    in->n_between, FLEET_BETWEEN_MAX);
	if (b->version - held->version - 1 != in->n_between)
		return err_set(e, ERR_ROLLBACK,
		    "fleet version %llu does not follow version %llu, which is "
		    "held, expected the %llu statements between and not %zu",
		    (unsigned long long)b->version,
		    (unsigned long long)held->version,
		    (unsigned long long)(b->version - held->version - 1),
		    in->n_between);
	for (size_t i = in->n_between; i > 0; i--)
		if ((r = follow(in->between[i - 1], held->version + i,
			 &s->realm, &want, e)) != 0)
			return r;
	if (!hash_equal(&want, &held->bundle))
		return broken_chain(held->version, e);
	return 0;
}

static int
check_version(const struct fleet_held *held, const struct fleet_input *in,
    const struct statement *s, struct err *e)
{
	uint64_t version = s->u.bundle.version;

	if (!held->have)
		return 0;
	if (version < held->version)
		return err_set(e, ERR_ROLLBACK,
		    "fleet version %llu is older than version %llu, which is "
		    "held",
		    (unsigned long long)version,
		    (unsigned long long)held->version);
	if (version == held->version)
		return err_set(e, ERR_ROLLBACK,
		    "fleet version %llu again, with other content than what is "
		    "held",
		    (unsigned long long)version);
	return check_chain(held, in, s, e);
}

int
fleet_statement_check(const struct fleet_held *held, const struct trust *t,
    const struct fleet_input *in, struct statement *out, struct err *e)
{
	struct statement s;
	char what[48];
	int r;

	if (!t->have)
		return err_set(e, ERR_DENIED,
		    "no policy is trusted that would name operators");
	statement_init(&s, ST_FLEET);
	r = signers_read("fleet bundle", in->statement, ST_FLEET, &t->realm, &s,
	    e);
	if (r != 0)
		goto out;
	(void)snprintf(what, sizeof(what), "fleet version %llu",
	    (unsigned long long)s.u.bundle.version);
	/* What is held was signed by the operators of its day. */
	if ((!held->have || !hash_equal(&held->bundle, &s.hash)) &&
	    ((r = signers_enough(t->root, SIGN_OPERATOR, &s,
		  t->root->thresholds.fleet, what, e)) != 0 ||
		(r = signers_author(t->root, NULL, SIGN_OPERATOR, &s, what,
		     e)) != 0 ||
		(r = check_version(held, in, &s, e)) != 0))
		goto out;
	statement_clear(out);
	*out = s;
	return 0;
out:
	statement_clear(&s);
	return r;
}

/* --- MANIFEST and files --- */

/* NAME.yaml, with NAME of [a-z0-9._-] and not hidden. */
static bool
is_file_name(const char *s)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strlen(s), suffix = strlen(SUFFIX);

	return n > suffix && n - suffix <= FILE_NAME_MAX &&
	    strspn(s, set) == n && s[0] != '.' &&
	    strcmp(s + n - suffix, SUFFIX) == 0;
}

static bool
belongs(const char *path)
{
	static const char *const dirs[] = {STATES, FLEET_PILLAR};

	if (strcmp(path, "fleet.yaml") == 0 || strcmp(path, "top.yaml") == 0)
		return true;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (strncmp(path, dirs[i], strlen(dirs[i])) == 0 &&
		    is_file_name(path + strlen(dirs[i])))
			return true;
	return false;
}

static bool
names(const struct manifest *m, const char *path)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->v[i].path, path) == 0)
			return true;
	return false;
}

static int
check_entries(const struct manifest *m, struct err *e)
{
	static const char *const needed[] = {"fleet.yaml", "top.yaml"};
	uint64_t total = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (!belongs(m->v[i].path))
			return err_set(e, ERR_PARSE,
			    "MANIFEST names %s, expected fleet.yaml, top.yaml, "
			    "states/NAME.yaml, pillar/NAME.yaml",
			    m->v[i].path);
		total += m->v[i].size; /* each is at most POLICY_FILE_MAX */
	}
	if (total > FLEET_TOTAL_MAX)
		return err_set(e, ERR_LIMIT,
		    "fleet of %llu bytes, expected at most %d",
		    (unsigned long long)total, FLEET_TOTAL_MAX);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!names(m, needed[i]))
			return err_set(e, ERR_PARSE,
			    "MANIFEST does not name %s", needed[i]);
	return 0;
}

int
fleet_manifest_check(const struct bundle_statement *b, struct slice text,
    struct manifest *out, struct err *e)
{
	struct manifest m = {0};
	struct hash h;
	int r;

	if (text.n != b->manifest_size)
		return err_set(e, ERR_PARSE,
		    "MANIFEST of %zu bytes, expected the %llu that the bundle "
		    "names",
		    text.n, (unsigned long long)b->manifest_size);
	hash_sha256(text.p, text.n, &h);
	if (!hash_equal(&h, &b->manifest))
		return err_set(e, ERR_PARSE,
		    "MANIFEST differs from what the bundle names");
	if ((r = manifest_parse(text, &m, e)) != 0)
		return r;
	if ((r = check_entries(&m, e)) != 0) {
		manifest_clear(&m);
		return r;
	}
	*out = m;
	return 0;
}

bool
fleet_is_pillar(const char *path)
{
	return strncmp(path, FLEET_PILLAR, strlen(FLEET_PILLAR)) == 0;
}

int
fleet_files_check(const struct manifest *m, const struct policy_files *files,
    bool some_pillar, struct err *e)
{
	size_t i = 0, j = 0;

	/* Both are sorted, so the first difference is found side by side. */
	while (i < m->n || j < files->n) {
		const struct manifest_entry *x = &m->v[i];
		const struct policy_file *f = &files->v[j];
		int c = i >= m->n   ? -1
		    : j >= files->n ? 1
				    : strcmp(f->path, x->path);

		if (c > 0 && some_pillar && fleet_is_pillar(x->path)) {
			i++;
			continue;
		}
		if (c < 0)
			return err_set(e, ERR_PARSE,
			    "file %s is not in MANIFEST, or not in its order",
			    f->path);
		if (c > 0)
			return err_set(e, ERR_PARSE,
			    "file %s of MANIFEST is missing", x->path);
		if (!manifest_fits(x, f))
			return err_set(e, ERR_PARSE,
			    "file %s differs from what MANIFEST names",
			    f->path);
		i++;
		j++;
	}
	return 0;
}

/* --- all of it --- */

int
fleet_expiry(const struct fleet_held *held, const struct trust *t, int64_t now,
    struct str *text, struct err *e)
{
	if (!held->have || !t->have)
		return err_set(e, ERR_EXPIRED,
		    "no fleet is held, expected a signed one");
	return expiry_check("fleet", held->expires, t->root->grace, now, text,
	    e);
}

int
fleet_accept(struct fleet_held *held, const struct trust *t,
    const struct fleet_input *in, int64_t now, struct err *e)
{
	struct fleet_held after = {.have = true};
	struct manifest m = {0};
	struct statement s;
	int policy, r;

	statement_init(&s, ST_FLEET);
	if ((r = fleet_statement_check(held, t, in, &s, e)) != 0 ||
	    (r = fleet_manifest_check(&s.u.bundle, in->manifest, &m, e)) != 0 ||
	    (r = fleet_files_check(&m, in->files, in->some_pillar, e)) != 0)
		goto out;
	after.version = s.u.bundle.version;
	after.bundle = s.hash;
	after.expires = s.u.bundle.expires;
	if (now != 0) {
		/* What names the operators has to be good itself. */
		if ((r = policy = trust_expiry(t, now, NULL, e)) < 0 ||
		    (r = fleet_expiry(&after, t, now, NULL, e)) < 0)
			goto out;
		r = r != 0 ? r : policy;
	}
	*held = after;
out:
	manifest_clear(&m);
	statement_clear(&s);
	return r;
}

/* --- a host's pillar --- */

/* "pillar/common.yaml" is the file of "common". */
static bool
is_file_of(const char *path, const char *name)
{
	size_t n = strlen(name);

	path += strlen(FLEET_PILLAR);
	return strncmp(path, name, n) == 0 && strcmp(path + n, SUFFIX) == 0;
}

int
fleet_pillar_check(const struct policy_files *files, const struct strs *names,
    struct err *e)
{
	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->v[i].path;
		bool given = !fleet_is_pillar(path);

		for (size_t j = 0; j < names->n && !given; j++)
			given = is_file_of(path, names->v[j]);
		if (!given)
			return err_set(e, ERR_DENIED,
			    "file %s is pillar that this host does not get",
			    path);
	}
	for (size_t j = 0; j < names->n; j++) {
		bool there = false;

		for (size_t i = 0; i < files->n && !there; i++)
			there = fleet_is_pillar(files->v[i].path) &&
			    is_file_of(files->v[i].path, names->v[j]);
		if (!there)
			return err_set(e, ERR_PARSE,
			    "file " FLEET_PILLAR "%s" SUFFIX
			    ", which this host gets, is missing",
			    names->v[j]);
	}
	return 0;
}
