/* SPDX-License-Identifier: ISC */
/*
 * authorities/NAME.pub and the lists of ca.yaml that name them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/lint.h"
#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

static struct authority *
find(struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_authorities; i++)
		if (strcmp(p->authorities[i].name, name) == 0)
			return &p->authorities[i];
	return NULL;
}

/* The name in lists of its file, or NULL when it is no authority's. */
static const char *
name_of_file(const char *path, char out[POLICY_NAME_MAX + 1])
{
	static const char head[] = "authorities/", tail[] = ".pub";
	size_t n = strlen(path), h = sizeof(head) - 1, t = sizeof(tail) - 1;

	if (n <= h + t || n - h - t > POLICY_NAME_MAX ||
	    strncmp(path, head, h) != 0 || strcmp(path + n - t, tail) != 0)
		return NULL;
	memcpy(out, path + h, n - h - t);
	out[n - h - t] = '\0';
	return out;
}

static bool
read_key(struct conf_in *in, const struct policy_file *f, struct pubkey **out)
{
	struct conf_pos pos = {.file = f->path, .line = 1, .col = 1};
	struct pubkey *k = NULL;
	struct err e = {0};
	int r;

	if ((r = pubkey_parse_line((const char *)f->data, f->n, &k, NULL,
		 &e)) == 0)
		r = lint_ca(k, &e);
	if (r == 0) {
		*out = k;
		return true;
	}
	if (r == ERR_NOMEM)
		conf_nomem(in);
	else
		conf_error(in->diags, pos, "%s", e.msg);
	pubkey_free(k);
	return false;
}

static struct authority *
add(struct conf_in *in, const struct ref *ref)
{
	const struct reading *rd = in->ctx;
	struct policy *p = rd->p;
	struct authority a = {.pos = ref->pos};
	const struct policy_file *f;
	char path[POLICY_NAME_MAX + 32];

	(void)snprintf(path, sizeof(path), "authorities/%s.pub", ref->name);
	if ((f = policy_files_find(rd->files, path)) == NULL) {
		conf_error(in->diags, ref->pos,
		    "authority '%s' has no file, expected %s", ref->name, path);
		return NULL;
	}
	if (!read_key(in, f, &a.key))
		return NULL;
	if (vec_grow(&p->authorities, p->n_authorities, &p->cap_authorities,
		POLICY_FILES_MAX) != 0 ||
	    (a.name = str_dup(ref->name)) == NULL) {
		conf_nomem(in);
		pubkey_free(a.key);
		return NULL;
	}
	p->authorities[p->n_authorities] = a;
	return &p->authorities[p->n_authorities++];
}

static void
link_ref(struct conf_in *in, const struct ref *ref)
{
	const struct reading *rd = in->ctx;
	struct authority *a;

	if (!policy_name_is_valid(ref->name))
		return; /* its list has said so */
	if ((a = find(rd->p, ref->name)) == NULL && (a = add(in, ref)) == NULL)
		return;
	a->user = a->user || ref->kind == REF_USER;
	a->host = a->host || ref->kind == REF_HOST;
	a->log = a->log || ref->kind == REF_LOG;
	a->master = a->master || ref->kind == REF_MASTER;
	if (ref->kind == REF_LOG && pubkey_ed25519(a->key) == NULL)
		conf_error(in->diags, ref->pos,
		    "log '%s' has a key of type %s, expected ssh-ed25519",
		    a->name, pubkey_type_name(a->key));
	/* A log signs notes, a master its transport: a certificate authority
	   that signed those as well could be made to sign one for the other. */
	if ((a->log && (a->user || a->host || a->master)) ||
	    (a->master && (a->user || a->host)))
		conf_error(in->diags, ref->pos,
		    "authority '%s' is in lists for different ends, expected "
		    "a key of its own for each log and master",
		    a->name);
}

/* A key that no list names is one that nobody decided on. */
static void
check_files(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	char name[POLICY_NAME_MAX + 1];

	for (size_t i = 0; i < rd->files->n; i++) {
		const char *path = rd->files->v[i].path;
		bool named = false;

		if (name_of_file(path, name) == NULL)
			continue;
		for (size_t j = 0; j < rd->n_refs && !named; j++)
			named = rd->refs[j].kind >= REF_USER &&
			    strcmp(rd->refs[j].name, name) == 0;
		if (!named)
			conf_error(in->diags, (struct conf_pos){.file = path},
			    "no list under 'authorities' names this file, "
			    "expected '%s' in one",
			    name);
	}
}

static void
check_keys(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct policy *p = rd->p;
	const struct key_ref *v = p->index->authority_keys;

	for (size_t i = 0; i < p->n_authorities; i++) {
		const struct authority *a = &p->authorities[v[i].owner];
		const struct person *who = policy_person_of_key(p, a->key);

		if (who != NULL)
			conf_error(in->diags, a->pos,
			    "key of authority '%s' is a key of '%s' too, "
			    "expected one of its own",
			    a->name, who->id);
		if (i > 0 && pubkey_equal(v[i - 1].key, v[i].key))
			conf_error(in->diags, a->pos,
			    "key of authority '%s' is that of '%s' too, "
			    "expected one name a key",
			    a->name, p->authorities[v[i - 1].owner].name);
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct authority *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* What a grant gives, somebody must sign. */
static void
check_signers(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct policy *p = rd->p;

	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];
		bool host = g->kind == CERT_HOST;

		if (host ? p->host_cas.n == 0 : p->user_cas.n == 0)
			conf_error(in->diags, g->pos,
			    "grant '%s' is of kind %s, expected a name under "
			    "'authorities: %s'",
			    g->name, host ? "host" : "user",
			    host ? "host" : "user");
	}
}

static void
check_log_keys(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct policy *p = rd->p;
	char log[POLICY_NAME_MAX + 1], other[POLICY_NAME_MAX + 1];

	for (size_t i = 0; i < p->n_authorities; i++) {
		size_t n = 0;

		if (!p->authorities[i].log)
			continue;
		policy_log_of_key(p->authorities[i].name, log);
		for (size_t j = 0; j <= i; j++) {
			policy_log_of_key(p->authorities[j].name, other);
			n += p->authorities[j].log && strcmp(log, other) == 0;
		}
		if (n == POLICY_LOG_KEYS_MAX + 1)
			conf_error(in->diags, p->authorities[i].pos,
			    "log '%s' has more than %d keys", log,
			    POLICY_LOG_KEYS_MAX);
	}
}

void
policy_link_authorities(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	struct policy *p = rd->p;
	struct key_ref *v;

	for (size_t i = 0; i < rd->n_refs; i++)
		if (rd->refs[i].kind >= REF_USER)
			link_ref(in, &rd->refs[i]);
	check_files(in);
	check_signers(in);
	if (p->n_authorities == 0)
		return;
	qsort(p->authorities, p->n_authorities, sizeof(*p->authorities),
	    by_name);
	if ((v = calloc(p->n_authorities, sizeof(*v))) == NULL) {
		conf_nomem(in);
		return;
	}
	for (size_t i = 0; i < p->n_authorities; i++)
		v[i] =
		    (struct key_ref){.key = p->authorities[i].key, .owner = i};
	policy_sort_keys(v, p->n_authorities);
	p->index->authority_keys = v;
	check_keys(in);
	check_log_keys(in);
}
