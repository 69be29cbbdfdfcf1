/* SPDX-License-Identifier: ISC */
#include "tests/unit/logcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/blob/blob.h"
#include "lib/tlog/tile.h"

static _Noreturn void
die(const char *what, int r, const struct err *e)
{
	(void)fprintf(stderr, "logcase: %s: %s\n", what,
	    e != NULL && e->msg[0] != '\0' ? e->msg : err_text(r));
	abort();
}

static void
must(int r, const char *what, const struct err *e)
{
	if (r != 0)
		die(what, r, e);
}

/* --- files --------------------------------------------------------------- */

static char *
full(const struct logcase *l, const char *key)
{
	char *path = NULL;

	must(path_join(l->dir, key, &path), "path", NULL);
	return path;
}

void
logcase_write(const struct logcase *l, const char *key, const void *p, size_t n)
{
	char *path = full(l, key);
	size_t slash = (size_t)(path_base(path) - path) - 1;
	struct err e = {0};

	path[slash] = '\0';
	must(file_mkdirs(path, 0700, &e), path, &e);
	path[slash] = '/';
	must(file_write(path, p, n, 0600, FILE_NOSYNC, &e), path, &e);
	free(path);
}

void
logcase_read(const struct logcase *l, const char *key, char **out, size_t *n)
{
	char *path = full(l, key);
	struct err e = {0};

	must(file_read(path, BLOB_OBJECT_MAX, out, n, &e), path, &e);
	free(path);
}

void
logcase_remove(const struct logcase *l, const char *key)
{
	char *path = full(l, key);

	must(unlink(path) != 0 ? ERR_SYS : 0, path, NULL);
	free(path);
}

static int
on_key(void *ctx, const struct blob_info *info)
{
	return strs_add(ctx, info->key);
}

void
logcase_keys(const struct logcase *l, struct strs *out)
{
	struct blob_store *s = NULL;
	struct err e = {0};

	must(blob_open(l->dir, NULL, &s, &e), l->dir, &e);
	must(blob_list(s, "", on_key, out, &e), l->dir, &e);
	blob_close(s);
}

static void
put_named(const struct logcase *l, const char *dir, const void *p, size_t n)
{
	char key[100], hex[HASH_HEX];
	struct hash h;

	hash_sha256(p, n, &h);
	hash_hex(&h, hex);
	(void)snprintf(key, sizeof(key), "%s/%s", dir, hex);
	logcase_write(l, key, p, n);
}

/* --- leaves --------------------------------------------------------------- */

size_t
logcase_raw(struct logcase *l, const void *p, size_t n)
{
	if (l->n == LOGCASE_LEAVES)
		die("leaves", ERR_LIMIT, NULL);
	str_init(&l->leaf[l->n]);
	str_addn(&l->leaf[l->n], p, n);
	must(str_check(&l->leaf[l->n]), "leaf", NULL);
	return l->n++;
}

size_t
logcase_add(struct logcase *l, const struct statement *s)
{
	struct slice bytes = statement_bytes(s);

	if (standing_apply(l->standing, l->trust.policy, s, NULL, NULL, NULL) <
	    0)
		die("standing", ERR_NOMEM, NULL);
	return logcase_raw(l, bytes.p, bytes.n);
}

/* The fixture's, with a master and its log, and certificates for its hosts. */
static char *
fleet_yaml(void)
{
	static const char log[] = "emergency_log]\n", grants[] = "grants:\n";
	const char *ca = FIXTURE_CA_YAML, *at = strstr(ca, log);
	const char *next = strstr(ca, grants);
	struct str s = STR_INIT;
	char *out = NULL;

	must(at == NULL || next == NULL ? ERR_PARSE : 0, "ca.yaml", NULL);
	str_addn(&s, ca, (size_t)(at - ca));
	str_addf(&s, "emergency_log, %s]\n  master: [master_1]\n%s",
	    LOGCASE_MASTER_LOG, grants);
	str_add(&s,
	    "  fleet:\n"
	    "    kind: host\n"
	    "    accepted_hosts: yes\n"
	    "    to: [olga@example.com]\n"
	    "    principals: [\"web-*.example.com\"]\n"
	    "    max: 90d\n"
	    "    approve: [{approvers: 1}]\n");
	str_add(&s, next + strlen(grants));
	must(str_take(&s, &out), "ca.yaml", NULL);
	return out;
}

static void
add_files(const struct logcase *l, struct policy_files *files)
{
	char *yaml = l->fleet ? fleet_yaml() : NULL;

	fixture_files(files, NULL, yaml);
	if (l->fleet) {
		fixture_file(files, "authorities/master_1.pub",
		    "<106> master_1\n");
		fixture_file(files, "authorities/master_1_log.pub",
		    "<107> master_1_log\n");
	}
	policy_files_sort(files);
	free(yaml);
}

/* Who signs says the same each time with another nonce: take what they said. */
static void
said_already(const struct logcase *other, struct str *root, struct str *bundle)
{
	str_reset(root);
	str_addn(root, other->leaf[0].p, other->leaf[0].n);
	str_reset(bundle);
	str_addn(bundle, other->leaf[1].p, other->leaf[1].n);
}

static void
add_policy(struct logcase *l, const struct logcase *other)
{
	struct fixture_bundle b = {.realm = l->realm,
	    .version = 1,
	    .expires = FIXTURE_NOW + 180 * 86400,
	    .by = OLGA,
	    .seeds = FIXTURE_BY(SEED_OLGA, SEED_IVAN)};
	struct str root = STR_INIT, bundle = STR_INIT, manifest = STR_INIT;
	struct policy_files files = {0};
	struct slice file, statement;
	struct bundle_input in = {.files = &files};
	const struct policy_file *f;
	struct err e = {0};

	add_files(l, &files);
	f = policy_files_find(&files, "root.yaml");
	file = slice_of(f->data, f->n);
	fixture_root(&l->realm, 1, file, OLGA, FIXTURE_BY(SEED_OLGA, SEED_IVAN),
	    &root);
	fixture_bundle(&b, &files, &bundle, &manifest);
	if (other != NULL)
		said_already(other, &root, &bundle);
	statement = slice_of(root.p, root.n);
	in.root_files = &file;
	in.root_statements = &statement;
	in.n_roots = 1;
	in.statement = slice_of(bundle.p, bundle.n);
	in.manifest = slice_of(manifest.p, manifest.n);
	must(trust_update(&l->trust, &in, &l->realm, 0, &e), "trust", &e);
	for (size_t i = 0; i < files.n; i++)
		put_named(l, "policy", files.v[i].data, files.v[i].n);
	put_named(l, "policy", manifest.p, manifest.n);
	(void)logcase_raw(l, root.p, root.n);
	(void)logcase_raw(l, bundle.p, bundle.n);
	policy_files_clear(&files);
	str_clear(&root);
	str_clear(&bundle);
	str_clear(&manifest);
}

static void
open_log(struct logcase *l, const char *name, uint8_t seed, uint8_t ca,
    bool fleet, const struct logcase *other)
{
	memset(l, 0, sizeof(*l));
	l->fleet = fleet;
	l->name = name;
	l->seed = seed;
	l->ca = ca;
	l->now = FIXTURE_NOW;
	l->realm = *fixture_realm();
	trust_init(&l->trust);
	must(standing_new(&l->standing), "standing", NULL);
	tmpdir_make(l->dir, "logcase");
	add_policy(l, other);
}

void
logcase_open(struct logcase *l, const char *name, uint8_t seed, uint8_t ca)
{
	open_log(l, name, seed, ca, false, NULL);
}

void
logcase_open_fleet(struct logcase *l, const char *name, uint8_t seed,
    uint8_t ca, const struct logcase *other)
{
	open_log(l, name, seed, ca, true, other);
}

void
logcase_close(struct logcase *l)
{
	for (size_t i = 0; i < l->n; i++)
		str_clear(&l->leaf[i]);
	standing_free(l->standing);
	trust_clear(&l->trust);
	(void)tmpdir_remove(l->dir);
}

/* --- certificates --------------------------------------------------------- */

void
logcase_issue_clear(struct issue_leaf *i)
{
	free(i->decisions);
	free(i->tbs);
	memset(i, 0, sizeof(*i));
}

void
logcase_decide(struct logcase *l, const struct statement *request,
    const struct statement *const *decisions, size_t n, struct issue_leaf *out)
{
	uint8_t nonce[CERT_NONCE_LEN];
	struct issue_input in = {.policy = l->trust.policy,
	    .standing = l->standing,
	    .realm = &l->realm,
	    .request = request,
	    .decisions = decisions,
	    .n_decisions = n,
	    .now = l->now,
	    .ca = fixture_key(l->ca),
	    .nonce = nonce};
	struct issue_result res;
	struct buf *tbs = NULL;
	struct err e = {0};

	memset(nonce, (int)(l->n & 0xff), sizeof(nonce));
	issue_result_init(&res);
	must(issue_decide(&in, &res, &e), "decide", &e);
	if (res.verdict != ISSUE_READY)
		die("decide", ERR_DENIED, &res.why);
	*out = (struct issue_leaf){.realm = l->realm,
	    .now = l->now,
	    .rules = ISSUE_RULES,
	    .policy_version = l->trust.policy->version,
	    .policy = l->trust.policy->hash,
	    .request = request->hash,
	    .size = l->n};
	out->decisions = calloc(n + 1, sizeof(*out->decisions));
	must(out->decisions == NULL ? ERR_NOMEM : 0, "decide", NULL);
	for (size_t i = 0; i < res.n_counted; i++)
		out->decisions[out->n_decisions++] =
		    decisions[res.counted[i]]->hash;
	must(buf_new(&tbs, CERT_MAX), "certificate", NULL);
	must(cert_encode_tbs(&res.cert, tbs), "certificate", NULL);
	buf_take(tbs, &out->tbs, &out->tbs_len);
	buf_free(tbs);
	issue_result_clear(&res);
}

size_t
logcase_issue(struct logcase *l, const struct issue_leaf *i,
    const struct statement *request, const struct statement *const *decisions,
    size_t n)
{
	struct str text = STR_INIT, record = STR_INIT;
	char path[ISSUE_PATH_MAX];
	struct err e = {0};
	size_t at;

	must(issue_leaf_encode(i, &text), "leaf", NULL);
	at = logcase_raw(l, text.p, text.n);
	must(issue_record(i, at, request, decisions, n, &record, path, &e),
	    "record", &e);
	logcase_write(l, path, record.p, record.n);
	str_clear(&text);
	str_clear(&record);
	return at;
}

size_t
logcase_certificate(struct logcase *l, const struct issue_leaf *i, size_t index)
{
	struct certificate_leaf leaf = {
	    .realm = l->realm, .request = i->request, .issue_index = index};
	struct str text = STR_INIT, line = STR_INIT;
	struct buf *blob = NULL, *sig = NULL;
	char path[ISSUE_PATH_MAX];
	struct err e = {0};
	struct cert c;
	size_t at;

	cert_init(&c);
	must(buf_new(&blob, CERT_MAX), "certificate", NULL);
	must(buf_new(&sig, 4096), "certificate", NULL);
	fixture_raw_sign(l->ca, slice_of(i->tbs, i->tbs_len), sig);
	must(buf_put(blob, i->tbs, i->tbs_len), "certificate", NULL);
	must(buf_put_buf(blob, sig), "certificate", NULL);
	must(cert_parse(buf_slice(blob), &c, &e), "certificate", &e);
	must(cert_add_line(&line, buf_slice(blob), c.key_id), "line", NULL);
	str_addc(&line, '\n');
	issue_record_path(c.valid_after, c.serial, "-cert.pub", path);
	logcase_write(l, path, line.p, line.n);
	leaf.blob_len = buf_len(blob);
	leaf.blob = malloc(leaf.blob_len);
	must(leaf.blob == NULL ? ERR_NOMEM : 0, "certificate", NULL);
	memcpy(leaf.blob, buf_slice(blob).p, leaf.blob_len);
	must(certificate_leaf_encode(&leaf, &text), "leaf", NULL);
	at = logcase_raw(l, text.p, text.n);
	free(leaf.blob);
	cert_clear(&c);
	buf_free(blob);
	buf_free(sig);
	str_clear(&text);
	str_clear(&line);
	return at;
}

void
logcase_story(struct logcase *l)
{
	struct statement request, decision;
	const struct statement *r = &request, *d = &decision;
	struct issue_leaf leaf;
	size_t at;

	fixture_request(&request, ALICE);
	fixture_sign(&request, FIXTURE_BY(SEED_ALICE));
	fixture_decision(&decision, OLGA, &l->trust.policy->hash, &r, 1);
	fixture_sign(&decision, FIXTURE_BY(SEED_OLGA));
	logcase_decide(l, r, &d, 1, &leaf);
	(void)logcase_add(l, r);
	(void)logcase_add(l, d);
	at = logcase_issue(l, &leaf, r, &d, 1);
	(void)logcase_certificate(l, &leaf, at);
	logcase_issue_clear(&leaf);
	statement_clear(&request);
	statement_clear(&decision);
}

/* --- publishing ----------------------------------------------------------- */

static void
subtree(const struct logcase *l, uint64_t from, uint64_t n, struct hash *out)
{
	struct hash left, right;
	uint64_t k = 1;

	if (n == 1) {
		merkle_leaf(l->leaf[from].p, l->leaf[from].n, out);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	subtree(l, from, k, &left);
	subtree(l, from + k, n - k, &right);
	merkle_node(&left, &right, out);
}

void
logcase_root(const struct logcase *l, uint64_t size, struct hash *out)
{
	if (size == 0)
		hash_sha256("", 0, out);
	else
		subtree(l, 0, size, out);
}

void
logcase_note(const struct logcase *l, uint64_t size, const struct hash *root,
    uint8_t seed, struct str *out)
{
	const uint8_t *pk = pubkey_ed25519(fixture_key(seed));
	struct checkpoint c = {.size = size, .root = *root};
	struct str text = STR_INIT;
	uint8_t sig[64];

	must(log_origin(&l->realm, l->name, c.origin), "origin", NULL);
	must(checkpoint_encode(&c, &text), "checkpoint", NULL);
	fixture_ed25519(seed, slice_of(text.p, text.n), sig);
	must(checkpoint_note(&c, pk, sig, out), "checkpoint", NULL);
	str_clear(&text);
}

static void
publish_tile(const struct logcase *l, const struct tile *t)
{
	uint64_t span = 1;
	char path[TILE_PATH_MAX];
	struct buf *b = NULL;
	struct hash h;

	for (unsigned i = 0; t->level != TILE_ENTRIES && i < t->level; i++)
		span *= TILE_WIDTH;
	must(buf_new(&b, 32 * 1024 * 1024), "tile", NULL);
	for (unsigned i = 0; i < t->width; i++) {
		uint64_t at = t->index * TILE_WIDTH + i;

		if (t->level == TILE_ENTRIES) {
			must(entries_put(b,
				 slice_of(l->leaf[at].p, l->leaf[at].n)),
			    "tile", NULL);
			continue;
		}
		subtree(l, at * span, span, &h);
		must(buf_put(b, h.b, HASH_LEN), "tile", NULL);
	}
	tile_path(t, path);
	logcase_write(l, path, buf_slice(b).p, buf_len(b));
	buf_free(b);
}

void
logcase_publish(struct logcase *l)
{
	struct str note = STR_INIT;
	char key[40];
	struct hash root;

	for (unsigned i = 0; i <= tile_levels(l->n); i++) {
		struct tile t = {
		    .level = i < tile_levels(l->n) ? i : TILE_ENTRIES};

		for (; (t.width = tile_width(t.level, t.index, l->n)) != 0;
		     t.index++)
			publish_tile(l, &t);
	}
	logcase_root(l, l->n, &root);
	logcase_note(l, l->n, &root, l->seed, &note);
	(void)snprintf(key, sizeof(key), "checkpoints/%zu", l->n);
	logcase_write(l, key, note.p, note.n);
	logcase_write(l, "checkpoint", note.p, note.n);
	str_clear(&note);
}

/* --- what an audit says --------------------------------------------------- */

void
logcase_fail(const struct audit_report *r, const char *what)
{
	struct str text = STR_INIT;

	audit_report_text(r, &text);
	print_error("%s", text.p);
	str_clear(&text);
	fail_msg("%s", what);
}
