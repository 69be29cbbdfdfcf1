/* SPDX-License-Identifier: ISC */
/*
 * put, push: a newer policy, file by file, then the statements that name them.
 * It is verified where it is put in force, by local_reload() and by the signer;
 * here its parts are brought together.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define STAGE_SECS INT64_C(1800)

void
kp_stage_clear(struct kp_stage *s)
{
	for (size_t i = 0; i < s->n; i++)
		free((void *)(uintptr_t)s->v[i].p);
	free(s->v);
	free(s->owner);
	memset(s, 0, sizeof(*s));
}

/* --- what was put --------------------------------------------------------------- */

/* A person at an address: the front tells connections apart by no more. */
static int
stage_owner(const struct kp_call *c, struct str *out)
{
	str_addf(out, "%s %s", c->person, c->address);
	return str_check(out);
}

static struct kp_stage *
find_stage(struct kp *k, const char *owner)
{
	for (size_t i = 0; i < KP_STAGES; i++)
		if (k->stages[i].owner != NULL &&
		    strcmp(k->stages[i].owner, owner) == 0)
			return &k->stages[i];
	return NULL;
}

static int
new_stage(struct kp *k, const char *owner, struct kp_stage **out, struct err *e)
{
	struct kp_stage *s = NULL;

	for (size_t i = 0; i < KP_STAGES; i++) {
		if (k->stages[i].owner != NULL &&
		    k->now - k->stages[i].at > STAGE_SECS)
			kp_stage_clear(&k->stages[i]);
		if (s == NULL && k->stages[i].owner == NULL)
			s = &k->stages[i];
	}
	if (s == NULL)
		return err_set(e, ERR_BUSY,
		    "%d others put files for a push, try again later",
		    KP_STAGES);
	if ((s->owner = str_dup(owner)) == NULL)
		return err_nomem(e);
	*out = s;
	return 0;
}

static int
stage_add(struct kp_stage *s, struct buf *b, struct hash *h, struct err *e)
{
	struct slice data = buf_slice(b);
	uint8_t *p = NULL;
	size_t n;

	hash_sha256(data.p, data.n, h);
	for (size_t i = 0; i < s->n; i++)
		if (slice_equal(s->v[i], data))
			return 0;
	if (s->n >= KP_STAGE_FILES || s->bytes + data.n > KP_STAGE_BYTES)
		return err_set(e, ERR_LIMIT,
		    "more than %d files or %u bytes put for one push",
		    KP_STAGE_FILES, KP_STAGE_BYTES);
	if (vec_grow(&s->v, s->n, &s->cap, KP_STAGE_FILES) != 0)
		return err_nomem(e);
	buf_take(b, &p, &n);
	s->v[s->n++] = slice_of(p, n);
	s->bytes += n;
	return 0;
}

/* Whoever has a say in policy has something to put. */
static int
check_officer(const struct kp *k, const struct kp_call *c, struct err *e)
{
	const struct person *who =
	    policy_person(k->view->trust.policy, c->person);

	if (who != NULL && who->officer &&
	    !standing_person_revoked(k->standing, c->person))
		return 0;
	return err_set(e, ERR_DENIED,
	    "%s is no officer, and only officers push a policy", c->person);
}

int
kp_put(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	const json_t *t = json_object_get(c->args, "data");
	struct str owner = STR_INIT;
	struct kp_stage *s;
	struct buf *b = NULL;
	struct hash h;
	struct jw w;
	int r;

	if ((r = check_officer(k, c, e)) != 0)
		return r;
	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'data' is missing, or no text");
	if (stage_owner(c, &owner) != 0 || buf_new(&b, CALL_MAX) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = base64_decode(json_string_value(t), json_string_length(t),
		 b)) != 0) {
		r = err_set(e, r, "'data' is not base64");
		goto out;
	}
	if ((s = find_stage(k, owner.p)) == NULL &&
	    (r = new_stage(k, owner.p, &s, e)) != 0)
		goto out;
	s->at = k->now;
	if ((r = stage_add(s, b, &h, e)) != 0)
		goto out;
	jw_init(&w, &a->body, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "sha256", h.b, HASH_LEN);
	jw_end(&w, '}');
out:
	buf_free(b);
	str_clear(&owner);
	return r;
}

/* --- a chain -------------------------------------------------------------------------- */

static int
dup_slice(struct slice from, struct slice *out)
{
	char *p = str_dupn(from.p, from.n);

	if (p == NULL)
		return ERR_NOMEM;
	*out = slice_of(p, from.n);
	return 0;
}

static struct slice
staged(const struct kp_stage *s, const struct hash *h)
{
	struct hash own;

	for (size_t i = 0; s != NULL && i < s->n; i++) {
		hash_sha256(s->v[i].p, s->v[i].n, &own);
		if (hash_equal(&own, h))
			return s->v[i];
	}
	return slice_of(NULL, 0);
}

static int
add_files(struct kp *k, const struct kp_stage *s, struct bundle_chain *c,
    struct err *e)
{
	struct manifest m = {0};
	int r;

	if ((r = manifest_parse(c->manifest, &m, e)) != 0)
		return r;
	for (size_t i = 0; i < m.n && r == 0; i++) {
		struct slice data = staged(s, &m.v[i].hash);
		char quoted[QUOTE_MAX];

		if (data.p == NULL)
			data = kp_view_object(k->view, &m.v[i].hash);
		if (data.p == NULL)
			r = err_set(e, ERR_NOTFOUND,
			    "%s of the manifest was not put",
			    str_quote(quoted, m.v[i].path));
		else if (policy_files_add(&c->files, m.v[i].path, data.p,
			     data.n) != 0)
			r = err_nomem(e);
	}
	policy_files_sort(&c->files);
	manifest_clear(&m);
	return r;
}

static int
text_field(const json_t *o, const char *key, struct slice *out, struct err *e)
{
	const json_t *t = json_object_get(o, key);

	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'%s' is missing, or no text",
		    key);
	if (dup_slice(slice_of(json_string_value(t), json_string_length(t)),
		out) != 0)
		return err_nomem(e);
	return 0;
}

static int
add_root(struct bundle_chain *c, struct slice file, struct slice statement,
    struct err *e)
{
	if (c->n_roots >= BUNDLE_ROOTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d roots",
		    BUNDLE_ROOTS_MAX);
	if (dup_slice(file, &c->root_files[c->n_roots]) != 0 ||
	    dup_slice(statement, &c->root_statements[c->n_roots++]) != 0)
		return err_nomem(e);
	return 0;
}

static int
add_roots(struct kp *k, const json_t *args, struct bundle_chain *c,
    struct err *e)
{
	const struct bundle_chain *old = k->view->chain;
	const json_t *roots = NULL;
	int r;

	for (size_t i = 0; i < old->n_roots; i++)
		if ((r = add_root(c, old->root_files[i],
			 old->root_statements[i], e)) != 0)
			return r;
	if ((r = json_array_of(args, "roots", JSON_OPTIONAL | JSON_EMPTY_OK,
		 BUNDLE_ROOTS_MAX, &roots, e)) != 0)
		return r;
	for (size_t i = 0; roots != NULL && i < json_array_size(roots); i++) {
		const json_t *o = json_array_get(roots, i);
		struct slice file = {0}, statement = {0};

		if (!json_is_object(o))
			return err_set(e, ERR_PARSE,
			    "'roots' has an entry that is no object");
		if ((r = text_field(o, "file", &file, e)) == 0 &&
		    (r = text_field(o, "statement", &statement, e)) == 0)
			r = add_root(c, file, statement, e);
		free((void *)(uintptr_t)file.p);
		free((void *)(uintptr_t)statement.p);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
make_chain(struct kp *k, struct kp_call *c, struct bundle_chain **out,
    struct err *e)
{
	struct bundle_chain *chain;
	struct str owner = STR_INIT;
	struct statement s;
	int r;

	if ((chain = calloc(1, sizeof(*chain))) == NULL)
		return err_nomem(e);
	statement_init(&s, ST_POLICY);
	if (stage_owner(c, &owner) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = text_field(c->args, "statement", &chain->statement, e)) != 0 ||
	    (r = text_field(c->args, "manifest", &chain->manifest, e)) != 0 ||
	    (r = statement_parse("statement", chain->statement, &s, e)) != 0)
		goto out;
	if (s.type != ST_POLICY) {
		r = err_set(e, ERR_PARSE,
		    "'statement' is a %s statement, expected a policy's",
		    statement_type_name(s.type));
		goto out;
	}
	chain->version = s.u.bundle.version;
	if ((r = add_roots(k, c->args, chain, e)) != 0 ||
	    (r = add_files(k, find_stage(k, owner.p), chain, e)) != 0)
		goto out;
	*out = chain;
	chain = NULL;
out:
	if (chain != NULL)
		bundle_chain_clear(chain);
	free(chain);
	statement_clear(&s);
	str_clear(&owner);
	return r;
}

int
kp_push(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct bundle_chain *chain = NULL;
	struct kp_job *j;
	int r;

	(void)a;
	if ((r = kp_fold_check(k, e)) != 0 ||
	    (r = check_officer(k, c, e)) != 0 ||
	    (r = make_chain(k, c, &chain, e)) != 0)
		return r;
	/* A part for the job to hang on: it has no statement of its own. */
	c->parts = calloc(1, sizeof(*c->parts));
	j = calloc(1, sizeof(*j));
	if (c->parts == NULL || j == NULL) {
		bundle_chain_clear(chain);
		free(chain);
		free(j);
		return err_nomem(e);
	}
	statement_init(&c->parts[0].s, ST_POLICY);
	c->parts[0].call = c;
	c->n_parts = 1;
	issue_result_init(&j->result);
	j->kind = JOB_RELOAD;
	j->chain = chain;
	j->part = &c->parts[0];
	if ((r = committer_put(k->committer, j, false, e)) != 0) {
		kp_job_free(j);
		return r;
	}
	c->open_jobs = 1;
	return KP_LATER;
}

/* --- what became of it ------------------------------------------------------------------ */

static void
log_reload(struct kp *k, const struct kp_job *j)
{
	char version[24];
	struct str s = STR_INIT;

	if (j->r != 0) {
		plog_err(PLOG_ERR, &j->e, "policy refused, the old one stays",
		    NULL);
		return;
	}
	str_addf(&s, "%llu",
	    (unsigned long long)k->view->trust.policy->version);
	(void)snprintf(version, sizeof(version), "%s", s.p);
	plog(PLOG_INFO, "policy in force", "version", version, NULL);
	str_clear(&s);
}

void
kp_push_job(struct kp *k, struct kp_job *j)
{
	struct kp_call *c = j->part != NULL ? j->part->call : NULL;
	struct str s = STR_INIT, owner = STR_INIT;
	struct kp_stage *stage;
	struct jw w;

	log_reload(k, j);
	if (c == NULL) {
		service_notify("READY=1");
		return;
	}
	c->open_jobs = 0;
	if (j->r == 0 && stage_owner(c, &owner) == 0 &&
	    (stage = find_stage(k, owner.p)) != NULL)
		kp_stage_clear(stage);
	str_clear(&owner);
	if (j->r != 0) {
		/* Of one that was put together rightly, signatures lack. */
		if (j->r == ERR_DENIED)
			j->e.code = ERR_WAIT;
		kp_call_fail(k, c, &j->e);
		return;
	}
	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", k->view->trust.policy->version);
	jw_end(&w, '}');
	kp_call_end(k, c, 0, &s);
	str_clear(&s);
}
