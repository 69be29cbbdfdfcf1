/* SPDX-License-Identifier: ISC */
#include "tests/unit/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/ed25519.h"
#include "lib/ssh/sshsig.h"
#include "lib/trust/bundle.h"

#define DAY 86400

const char FIXTURE_ROOT_YAML[] = "version: 1\n"
				 "expires: 2028-11-01\n"
				 "grace: 14d\n"
				 "officers:\n"
				 "  olga@example.com: {keys: [<1>, <11>]}\n"
				 "  ivan@example.com: {keys: [<2>]}\n"
				 "operators:\n"
				 "  petra@example.com: {keys: [<3>]}\n"
				 "thresholds: {root: 2, policy: 1, fleet: 1}\n";

const char FIXTURE_CA_YAML[] =
    "people:\n"
    "  alice@example.com: {keys: [<4>, <14>], groups: [engineers]}\n"
    "  bob@example.com: {keys: [<5>], groups: [engineers, leads]}\n"
    "  lena@example.com: {keys: [<6>], groups: [engineers, leads]}\n"
    "  carol@example.com: {keys: [<7>], groups: [engineers, clerks]}\n"
    "  olga@example.com: {groups: [approvers]}\n"
    "  ivan@example.com: {groups: [approvers]}\n"
    "new_keys: {engineers: self}\n"
    "authorities:\n"
    "  user: [user_ca, emergency_ca]\n"
    "  host: [host_ca]\n"
    "  log: [ca_log, emergency_log]\n"
    "grants:\n"
    "  deploy:\n"
    "    to: [engineers]\n"
    "    principals: [deploy]\n"
    "    max: 8h\n"
    "    reason: {min: 10}\n"
    "    approve: [{approvers: 1}]\n"
    "  read-only:\n"
    "    to: [engineers]\n"
    "    principals: [viewer]\n"
    "    max: 12h\n"
    "    hours: {days: mon-fri, from: \"07:00\", to: \"20:00\","
    " zone: Europe/Vilnius}\n"
    "    source: [10.0.0.0/8, \"fd00::/8\"]\n"
    "    approve: none\n"
    "  root-change:\n"
    "    to: [leads]\n"
    "    principals: [root-change]\n"
    "    max: 2h\n"
    "    ahead: 7d\n"
    "    ticket: \"^CHG-[0-9]+$\"\n"
    "    approve: [{approvers: 1}, {leads: 1}]\n"
    "  hosts:\n"
    "    kind: host\n"
    "    to: [olga@example.com]\n"
    "    principals: [\"*.example.com\"]\n"
    "    max: 90d\n"
    "    approve: [{approvers: 1}]\n";

static _Noreturn void
die(const char *what, int r, const struct err *e)
{
	(void)fprintf(stderr, "fixture: %s: %s\n", what,
	    e != NULL && e->msg[0] != '\0' ? e->msg : err_text(r));
	abort();
}

static void
must(int r, const char *what, const struct err *e)
{
	if (r != 0)
		die(what, r, e);
}

static char *
copy(const char *s)
{
	char *p = str_dup(s);

	must(p == NULL ? ERR_NOMEM : 0, "copy", NULL);
	return p;
}

/* --- keys --- */

static void
secret_key(uint8_t seed, uint8_t sk[ED25519_SK_LEN])
{
	uint8_t s[ED25519_SEED_LEN];

	memset(s, seed, sizeof(s));
	ed25519_from_seed(s, sk);
}

const struct pubkey *
fixture_key(uint8_t seed)
{
	static struct pubkey *keys[256];
	uint8_t sk[ED25519_SK_LEN];
	struct buf *b = NULL;
	struct err e = {0};

	if (keys[seed] != NULL)
		return keys[seed];
	secret_key(seed, sk);
	must(buf_new(&b, PUBKEY_BLOB_MAX), "key", NULL);
	must(buf_put_cstring(b, "ssh-ed25519"), "key", NULL);
	must(buf_put_string(b, sk + ED25519_SEED_LEN, ED25519_PK_LEN), "key",
	    NULL);
	must(pubkey_parse(buf_slice(b), &keys[seed], &e), "key", &e);
	buf_free(b);
	return keys[seed];
}

const char *
fixture_line(uint8_t seed)
{
	static char *lines[256];
	struct str s = STR_INIT;

	if (lines[seed] == NULL) {
		pubkey_add_line(&s, fixture_key(seed), NULL);
		must(str_take(&s, &lines[seed]), "line", NULL);
	}
	return lines[seed];
}

void
fixture_ed25519(uint8_t seed, struct slice msg, uint8_t sig[64])
{
	uint8_t sk[ED25519_SK_LEN];

	secret_key(seed, sk);
	ed25519_sign(sk, msg.p, msg.n, sig);
}

void
fixture_raw_sign(uint8_t seed, struct slice msg, struct buf *out)
{
	uint8_t sig[ED25519_SIG_LEN];

	fixture_ed25519(seed, msg, sig);
	must(buf_put_cstring(out, "ssh-ed25519"), "sign", NULL);
	must(buf_put_string(out, sig, sizeof(sig)), "sign", NULL);
}

/* --- statements --- */

const struct hash *
fixture_realm(void)
{
	static struct hash realm;
	static bool done;
	char *text;

	if (!done) {
		text = fixture_expand(FIXTURE_ROOT_YAML);
		hash_sha256(text, strlen(text), &realm);
		free(text);
		done = true;
	}
	return &realm;
}

struct hash
fixture_hash(uint8_t byte)
{
	struct hash h;

	memset(&h, byte, sizeof(h));
	return h;
}

void
fixture_statement(struct statement *s, enum statement_type type, const char *by)
{
	static uint32_t count;

	count++;
	statement_init(s, type);
	s->realm = *fixture_realm();
	s->by = copy(by);
	s->at = FIXTURE_NOW;
	memcpy(s->nonce, &count, sizeof(count));
	if (type == ST_KEY)
		s->u.k.person = copy(by);
}

void
fixture_request(struct statement *s, const char *by)
{
	struct request *r = &s->u.r;

	fixture_statement(s, ST_REQUEST, by);
	r->kind = CERT_USER;
	r->grant = copy("deploy");
	must(pubkey_dup(fixture_key(SEED_SUBJECT), &r->subject), "subject",
	    NULL);
	must(strs_add(&r->principals, "deploy"), "principal", NULL);
	r->reason = copy("ship release 4.2");
	r->length = 3600;
}

static void
outcome_of(const struct statement *req, struct outcome *o)
{
	const struct request *r = &req->u.r;

	o->kind = r->kind;
	o->length = r->length;
	must(strs_dup(&r->principals, &o->principals), "outcome", NULL);
	must(strs_dup(&r->source, &o->source), "outcome", NULL);
	if (r->force_command != NULL)
		o->force_command = copy(r->force_command);
	if (r->has_extensions)
		must(strs_dup(&r->extensions, &o->extensions), "outcome", NULL);
	else if (r->kind == CERT_USER)
		must(strs_add(&o->extensions, "permit-pty"), "outcome", NULL);
	strs_sort(&o->extensions);
	o->requests = malloc(sizeof(*o->requests));
	must(o->requests == NULL ? ERR_NOMEM : 0, "outcome", NULL);
	o->requests[0] = req->hash;
	o->n_requests = 1;
}

void
fixture_decision(struct statement *s, const char *by, const struct hash *policy,
    const struct statement *const *requests, size_t n)
{
	struct decision *d = &s->u.d;

	fixture_statement(s, ST_DECISION, by);
	d->policy = *policy;
	d->approve = true;
	d->outcomes = calloc(n, sizeof(*d->outcomes));
	must(d->outcomes == NULL ? ERR_NOMEM : 0, "decision", NULL);
	for (d->n_outcomes = 0; d->n_outcomes < n; d->n_outcomes++)
		outcome_of(requests[d->n_outcomes],
		    &d->outcomes[d->n_outcomes]);
}

static void
add_block(struct str *out, struct slice msg, const char *ns, uint8_t seed)
{
	struct buf *data = NULL, *sig = NULL;

	must(buf_new(&data, 4096), "block", NULL);
	must(buf_new(&sig, 4096), "block", NULL);
	must(sshsig_signed_data(ns, "sha512", msg, data), "block", NULL);
	fixture_raw_sign(seed, buf_slice(data), sig);
	must(sshsig_add_armor(out, fixture_key(seed), ns, "sha512",
		 buf_slice(sig)),
	    "block", NULL);
	buf_free(data);
	buf_free(sig);
}

void
fixture_sign_text(const char *message, const char *ns, const uint8_t *seeds,
    struct str *out)
{
	struct slice msg = slice_str(message);

	str_add(out, message);
	for (; *seeds != 0; seeds++)
		add_block(out, msg, ns, *seeds);
	must(str_check(out), "sign", NULL);
}

/* Encode s and append it with its blocks. */
static void
encode_signed(const struct statement *s, const uint8_t *seeds, struct str *out)
{
	struct str msg = STR_INIT;
	struct err e = {0};

	must(statement_encode(s, &msg, &e), "encode", &e);
	fixture_sign_text(msg.p, statement_namespace(s->type), seeds, out);
	str_clear(&msg);
}

void
fixture_sign(struct statement *s, const uint8_t *seeds)
{
	struct str text = STR_INIT;
	struct err e = {0};

	encode_signed(s, seeds, &text);
	must(statement_parse("fixture", slice_of(text.p, text.n), s, &e),
	    "parse", &e);
	must(statement_verify(s, &e), "verify", &e);
	str_clear(&text);
}

/* --- policy --- */

char *
fixture_expand(const char *text)
{
	struct str s = STR_INIT;
	char *out, *end;

	while (*text != '\0') {
		if (*text == '<' && text[1] >= '0' && text[1] <= '9') {
			str_add(&s,
			    fixture_line((uint8_t)strtoul(text + 1, &end, 10)));
			text = end + 1;
		} else {
			str_addc(&s, *text++);
		}
	}
	must(str_take(&s, &out), "expand", NULL);
	return out;
}

void
fixture_file(struct policy_files *f, const char *path, const char *text)
{
	char *t = fixture_expand(text);

	must(policy_files_add(f, path, t, strlen(t)), path, NULL);
	policy_files_sort(f);
	free(t);
}

void
fixture_files(struct policy_files *f, const char *root_yaml,
    const char *ca_yaml)
{
	fixture_file(f, "authorities/ca_log.pub", "<103> ca_log\n");
	fixture_file(f, "authorities/emergency_ca.pub", "<104> emergency_ca\n");
	fixture_file(f, "authorities/emergency_log.pub",
	    "<105> emergency_log\n");
	fixture_file(f, "authorities/host_ca.pub", "<102> host_ca\n");
	fixture_file(f, "authorities/user_ca.pub", "<101> user_ca\n");
	fixture_file(f, "ca.yaml", ca_yaml != NULL ? ca_yaml : FIXTURE_CA_YAML);
	fixture_file(f, "root.yaml",
	    root_yaml != NULL ? root_yaml : FIXTURE_ROOT_YAML);
}

struct policy *
fixture_policy(const char *root_yaml, const char *ca_yaml)
{
	static const struct {
		const char *name, *rule;
	} known[] = {
	    {"America/New_York", "EST5EDT,M3.2.0,M11.1.0"},
	    {"Australia/Sydney", "AEST-10AEDT,M10.1.0,M4.1.0/3"},
	    {"Europe/Vilnius", "EET-2EEST,M3.5.0/3,M10.5.0/4"},
	};
	struct zone_rule zones[sizeof(known) / sizeof(known[0])];
	struct policy_files f = {0};
	struct conf_diags diags = {0};
	struct policy *p = NULL;
	struct err e = {0};
	size_t n = sizeof(known) / sizeof(known[0]);
	int r;

	fixture_files(&f, root_yaml, ca_yaml);
	if ((r = policy_parse(&f, &p, &diags)) != 0) {
		(void)conf_diags_err(&diags, r, &e);
		die("policy", r, &e);
	}
	for (size_t i = 0; i < n; i++) {
		zones[i].name = copy(known[i].name);
		zones[i].rule = copy(known[i].rule);
	}
	must(policy_set_zones(p, zones, n, &e), "zones", &e);
	for (size_t i = 0; i < n; i++) {
		free(zones[i].name);
		free(zones[i].rule);
	}
	p->hash = fixture_hash(0xb1);
	p->version = 1;
	p->expires = FIXTURE_NOW + 180 * DAY;
	conf_diags_clear(&diags);
	policy_files_clear(&f);
	return p;
}

void
fixture_bundle(const struct fixture_bundle *b, const struct policy_files *files,
    struct str *statement, struct str *manifest)
{
	struct statement s;
	size_t from = manifest->n;

	must(manifest_of(files, manifest), "manifest", NULL);
	fixture_statement(&s, ST_POLICY, b->by);
	s.realm = b->realm;
	s.u.bundle.version = b->version;
	s.u.bundle.expires = b->expires;
	s.u.bundle.manifest_size = manifest->n - from;
	hash_sha256(manifest->p + from, manifest->n - from,
	    &s.u.bundle.manifest);
	if (b->previous != NULL) {
		s.u.bundle.has_previous = true;
		s.u.bundle.previous = *b->previous;
	}
	s.u.bundle.zones = calloc(1, sizeof(*s.u.bundle.zones));
	must(s.u.bundle.zones == NULL ? ERR_NOMEM : 0, "zones", NULL);
	s.u.bundle.n_zones = 1;
	s.u.bundle.zones[0].name = copy("Europe/Vilnius");
	s.u.bundle.zones[0].rule = copy("EET-2EEST,M3.5.0/3,M10.5.0/4");
	encode_signed(&s, b->seeds, statement);
	statement_clear(&s);
}

void
fixture_root(const struct hash *realm, uint64_t version, struct slice root_yaml,
    const char *by, const uint8_t *seeds, struct str *out)
{
	struct statement s;

	fixture_statement(&s, ST_ROOT, by);
	s.realm = *realm;
	s.u.root.version = version;
	hash_sha256(root_yaml.p, root_yaml.n, &s.u.root.file);
	encode_signed(&s, seeds, out);
	statement_clear(&s);
}
